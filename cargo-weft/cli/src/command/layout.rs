//! `cargo weft verify-layout`: whether a supply chain was performed as its in-toto layout says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use weft_verify::digest::Artifact;
use weft_verify::key::PublicKey;
use weft_verify::layout::{self, Bundle, Chain, Directory, MAX_DEPTH, MAX_LINKS, Warning};
use weft_verify::{Rejection, Verified};

use super::Format;
use super::verify::outcome;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report::human::plural;
use crate::source::release::MAX_ARTIFACT;
use crate::source::roles::{MAX_BYTES, read};

#[derive(Debug, Args)]
pub(super) struct LayoutArgs {
    /// The layout
    layout: PathBuf,
    /// The directory of the links; one of each nested layout is below it
    #[arg(long, value_name = "DIR")]
    links: PathBuf,
    /// A public key, in PEM, that the layout has to be signed with; all that are named have to
    #[arg(long = "key", alias = "keys", value_name = "FILE", required = true, num_args = 1..)]
    keys: Vec<PathBuf>,
    /// A file that the last step has to have made
    #[arg(long, value_name = "FILE")]
    product: Vec<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

pub(super) fn run(args: &LayoutArgs) -> Result<ExitStatus, Error> {
    let as_of = super::as_of(args.as_of)?;
    let mut left = Left { links: MAX_LINKS, bytes: MAX_TOTAL };
    let bundle = Bundle {
        layout: read(&args.layout, MAX_BYTES)?,
        keys: args.keys.iter().map(|path| key(path)).collect::<Result<_, _>>()?,
        directory: directory(&args.links, MAX_DEPTH, &mut left)?,
    };
    let verified = layout::verify(&bundle, as_of);
    let mut foreign = Vec::new();
    if let Ok(chain) = &verified {
        for path in &args.product {
            let artifact = Artifact::of(&read(path, MAX_ARTIFACT)?);
            if chain.product_for(&artifact).is_none() {
                foreign.push(path.display().to_string());
            }
        }
    }
    let status = match &verified {
        Err(_) => ExitStatus::Failed,
        Ok(_) if !foreign.is_empty() => ExitStatus::Failed,
        // What nobody looked at is no pass.
        Ok(chain) if !chain.inspections.is_empty() => ExitStatus::Inconclusive,
        Ok(_) => ExitStatus::Passed,
    };
    args.format.print(human(&verified, &foreign, status), &value(&verified, &foreign, status))?;
    Ok(status)
}

fn key(path: &Path) -> Result<PublicKey, Error> {
    let text = String::from_utf8_lossy(&read(path, MAX_BYTES)?).into_owned();
    PublicKey::from_pem(&text).map_err(Error::rejected(&path.display().to_string()))
}

/// The largest link that is read, and the most of all of them, in bytes.
const MAX_LINK: usize = 4 << 20;
const MAX_TOTAL: usize = 64 << 20;

/// How much may still be read.
struct Left {
    links: usize,
    bytes: usize,
}

/// Reads the links of a directory, and those of nested layouts below it.
fn directory(path: &Path, depth: usize, left: &mut Left) -> Result<Directory, Error> {
    let failed = |source| Error::File { action: "read", path: path.display().to_string(), source };
    let mut found = Directory::default();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth > 0 {
            found.directories.insert(name, directory(&entry.path(), depth - 1, left)?);
        } else if name.ends_with(".link") {
            let too_much = || {
                let message = format!(
                    "there are more than {MAX_LINKS} links, or {} MiB of them",
                    MAX_TOTAL >> 20
                );
                Error::usage(message, "name a directory of one chain")
            };
            left.links = left.links.checked_sub(1).ok_or_else(too_much)?;
            // What is no regular file, or too large for a link, is empty to the verifier, and counts for nobody.
            let bytes = read(&entry.path(), MAX_LINK).unwrap_or_default();
            left.bytes = left.bytes.checked_sub(bytes.len()).ok_or_else(too_much)?;
            found.links.insert(name, bytes);
        }
    }
    Ok(found)
}

fn describe(warning: &Warning) -> String {
    match warning {
        Warning::Command { link, expected, found } => format!(
            "{link} ran `{}`, and the layout expects `{}`",
            found.join(" "),
            expected.join(" ")
        ),
        Warning::Unmatched { step, list, artifacts } => {
            format!("no rule of {step} is about the {list} {}", artifacts.join(", "))
        }
    }
}

fn value(
    verified: &Result<Verified<Chain>, Rejection>,
    foreign: &[String],
    status: ExitStatus,
) -> serde_json::Value {
    let rejection = verified.as_ref().err();
    let chain = verified.as_ref().ok();
    let steps: Vec<_> = chain
        .iter()
        .flat_map(|chain| &chain.steps)
        .map(|step| {
            let uncounted: BTreeMap<&str, &str> =
                step.uncounted.iter().map(|(file, why)| (&**file, why.code().name())).collect();
            let keys: Vec<String> = step.functionaries.iter().map(|k| k.id().to_string()).collect();
            json!({"functionaries": keys, "name": step.name, "threshold": step.threshold, "uncounted": uncounted})
        })
        .collect();
    json!({
        "code": rejection.map(|rejection| rejection.code().name()),
        "inspections_not_evaluated": chain.map(|chain| &chain.inspections),
        "products_not_made": foreign,
        "reason": rejection.map(ToString::to_string),
        "result": outcome(status),
        "schema": 1,
        "steps": steps,
        "warnings": chain.map(|chain| chain.warnings.iter().map(describe).collect::<Vec<_>>()),
    })
}

fn human(
    verified: &Result<Verified<Chain>, Rejection>,
    foreign: &[String],
    status: ExitStatus,
) -> String {
    let mut out = format!("{}\n", outcome(status));
    let chain = match verified {
        Ok(chain) => chain,
        Err(rejection) => {
            out +=
                &format!("  {} ({})\n", terminal(&rejection.to_string()), rejection.code().name());
            out += &format!("  next: {}\n", rejection.code().remedy());
            return out;
        }
    };
    for step in &chain.steps {
        let keys = plural(step.functionaries.len() as u64, "key");
        out += &format!("  {}: {keys} of {} needed\n", terminal(&step.name), step.threshold);
        for (file, why) in step.uncounted.iter() {
            let why = terminal(&why.to_string());
            out += &format!("    {} does not count: {why}\n", terminal(file));
        }
    }
    for warning in &chain.warnings {
        out += &format!("  note: {}\n", terminal(&describe(warning)));
    }
    for name in &chain.inspections {
        out += &format!(
            "  {}: not evaluated, since inspections are commands and none is run\n",
            terminal(name)
        );
    }
    for path in foreign {
        out += &format!("  {} is no product of the last step\n", terminal(path));
    }
    out
}
