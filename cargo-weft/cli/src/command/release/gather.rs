//! Signatures of a manifest: each in a file of its own, counted, and gathered in one.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use weft_gate::release::ROLE;
use weft_verify::Rejection;
use weft_verify::envelope::{Clause, Envelope, IN_TOTO};
use weft_verify::proposal::Proposal;
use weft_verify::threshold::Tallies;

use super::{counted, describe, named, proposal};
use crate::command::sign::demand_role;
use crate::command::{Format, as_of};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::roles::{self, Place, attestations_beside};
use crate::source::secret::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct CountersignArgs {
    /// The manifest
    manifest: PathBuf,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Where to write the signature; by default beside the manifest
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct GatherArgs {
    /// The manifest
    manifest: PathBuf,
    /// Files with signatures; by default those beside the manifest
    signature: Vec<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct FinishArgs {
    #[command(flatten)]
    gather: GatherArgs,
    /// Where to write the signed manifest
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.dsse.json")]
    output: PathBuf,
}

pub(super) fn countersign(args: &CountersignArgs) -> Result<ExitStatus, Error> {
    let roles = Place::find(args.roles.as_deref())?.in_force(None)?;
    let (proposal, manifest) = proposal(&args.manifest)?;
    // Shown before the passphrase is asked for, so that nobody signs what they have not seen.
    anstream::eprint!("{}", describe(&proposal, &manifest));
    let mut envelope = Envelope::new(IN_TOTO, proposal.as_bytes().to_vec());
    let key = args.passphrase.unlock(&args.key)?;
    demand_role(&roles, &key, ROLE)?;
    key.endorse(&mut envelope);
    let id = key.public().id().to_string();
    let beside = named(&args.manifest, &format!("{}.dsse.json", &id[..16]));
    let path = args.output.clone().unwrap_or(beside);
    files::create_whole(&path, &envelope.to_vec())?;
    let shown = path.display().to_string();
    args.format.print(
        format!("signed {} in {}\n", proposal.digest(), terminal(&shown)),
        &json!({"digest": proposal.digest(), "key": id, "signature": shown}),
    )?;
    Ok(ExitStatus::Passed)
}

pub(super) fn status(args: &GatherArgs) -> Result<ExitStatus, Error> {
    let (proposal, manifest) = proposal(&args.manifest)?;
    let (status, lines, _) = match gathered(args, &proposal)? {
        Ok((envelope, tallies)) => (ExitStatus::Passed, counted(&tallies), Some(envelope)),
        Err(Rejection::ThresholdNotMet { tallies }) => {
            let status = match tallies.is_partial() {
                true => ExitStatus::Inconclusive,
                false => ExitStatus::Failed,
            };
            (status, counted(&tallies), None)
        }
        Err(Rejection::NoSignatures) => {
            (ExitStatus::Inconclusive, vec!["nobody signed it".to_owned()], None)
        }
        Err(rejection) => return Err(Error::rejected("the manifest")(rejection)),
    };
    let text: String = lines.iter().map(|line| format!("  {}\n", terminal(line))).collect();
    args.format.print(
        format!("{}{text}", describe(&proposal, &manifest)),
        &json!({"digest": proposal.digest(), "is_enough": status == ExitStatus::Passed, "schema": 1, "signatures": lines}),
    )?;
    Ok(status)
}

pub(super) fn finish(args: &FinishArgs) -> Result<ExitStatus, Error> {
    let (proposal, _) = proposal(&args.gather.manifest)?;
    let (envelope, tallies) =
        gathered(&args.gather, &proposal)?.map_err(Error::rejected("the manifest"))?;
    files::create_whole(&args.output, &envelope.to_vec())?;
    let shown = args.output.display().to_string();
    let lines = counted(&tallies);
    let text: String = lines.iter().map(|line| format!("  {}\n", terminal(line))).collect();
    args.gather.format.print(
        format!("wrote {}\n{text}next: `cargo weft gate release --help`\n", terminal(&shown)),
        &json!({"digest": proposal.digest(), "schema": 1, "signatures": lines, "written": shown}),
    )?;
    Ok(ExitStatus::Passed)
}

type Gathered = Result<(Envelope, Tallies), Rejection>;

/// Gathers the signatures of a manifest and counts them by the roles in force.
fn gathered(args: &GatherArgs, proposal: &Proposal) -> Result<Gathered, Error> {
    let roles = Place::find(args.roles.as_deref())?.in_force(None)?;
    let named = args.signature.iter().map(|path| roles::envelope(path));
    let mut signatures = named.collect::<Result<Vec<_>, _>>()?;
    if args.signature.is_empty() {
        let stem = args.manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in attestations_beside(&args.manifest, &stem)? {
            // One that cannot be read, or is of another manifest, hides none of the others.
            match roles::envelope(&path) {
                Ok(envelope) if envelope.unverified_payload() == proposal.as_bytes() => {
                    signatures.push(envelope);
                }
                Ok(_) => passed_over(&path, "is about another manifest"),
                Err(error) => passed_over(&path, &error.to_string()),
            }
        }
    }
    if signatures.is_empty() {
        return Ok(Err(Rejection::NoSignatures));
    }
    let as_of = as_of(args.as_of)?;
    let requirement = roles.requirement(ROLE).map_err(Error::rejected("the role"))?;
    let clause = Clause { of: None, authority: roles.authority(), requirement: &requirement };
    let committed = proposal.commit(&signatures, &[clause], as_of);
    Ok(committed.map(|(envelope, payload)| (envelope, payload.tallies.clone())))
}

fn passed_over(path: &Path, why: &str) {
    let shown = terminal(&path.display().to_string());
    anstream::eprintln!("note: {shown} {}", terminal(why));
}
