//! `cargo weft init`: writes a policy that passes today and fails what is worse tomorrow.
//!
//! Sources in use are listed, thresholds are set to what is measured, and what a profile denies today is lowered to a
//! warning, each with the reason beside it.
//! The file is written only if the gate, asked again with it, says *passed*.

mod github;
mod import;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use weft_gate::check::{self, codes};
use weft_gate::facts::Facts;
use weft_gate::inventory::{Inventory, Precision, Source};
use weft_gate::policy::{self, Level, Policy};
use weft_gate::{Outcome, Topology, Verdict, decide, input};

use super::exempt::{Target, Terms, add};
use super::facts::{self, Loaded};
use super::{PrecisionChoice, Selection, output};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::policy::FILE;
use crate::source::{exemptions, files};

/// With fewer external packages than this, thresholds are not measured.
const FEWEST_EXTERNAL: usize = 20;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// The profile to build on: local, baseline, strict or release
    #[arg(long, default_value = "baseline", value_parser = ["local", "baseline", "strict", "release"])]
    profile: String,
    /// How sharply to know the graph
    #[arg(long, value_enum, default_value_t = PrecisionChoice::Auto, value_name = "HOW")]
    precision: PrecisionChoice,
    /// Let cargo download packages that are missing
    #[arg(long)]
    online: bool,
    /// Replace what is there
    #[arg(long)]
    force: bool,
    /// Print what would be written instead of writing it
    #[arg(long)]
    dry_run: bool,
    /// Write the workflows of GitHub that run weft, instead of a policy
    #[arg(long, conflicts_with_all = ["profile", "precision", "online", "import"])]
    github: bool,
    /// The commit of the action that the workflows pin, in 40 digits
    #[arg(long, value_name = "SHA", requires = "github", value_parser = github::commit)]
    pin: Option<String>,
    /// Say what deny.toml, audit.toml, supply-chain/ and Cargo's publish age say, instead of measuring
    #[arg(long)]
    import: bool,
    /// Who answers for what the imported files ignore
    #[arg(long, requires = "import")]
    owner: Option<String>,
    /// Who agrees to what the imported files ignore, and is not the owner
    #[arg(long, requires = "import")]
    approver: Option<String>,
    /// The last day that what is ignored is exempted; by default 90 days from now
    #[arg(long, value_name = "YYYY-MM-DD", requires = "import")]
    expires: Option<Date>,
    /// A database of advisories, to find what the imported files ignore
    #[arg(long, value_name = "DIR", requires = "import")]
    advisory_db: Option<PathBuf>,
}

pub(super) fn run(args: &InitArgs) -> Result<ExitStatus, Error> {
    if args.github {
        return github::write(args);
    }
    let selection = Selection {
        manifest_path: args.manifest_path.clone(),
        lockfile: None,
        precision: args.precision,
        policy: Some(args.profile.clone()),
        offline: !args.online,
        online: args.online,
    };
    let mut loaded = facts::load(&selection, super::today())?;
    let path = loaded.root.join(FILE);
    if !args.force && !args.dry_run && path.symlink_metadata().is_ok() {
        return Err(Error::usage(
            format!("{FILE} is there already"),
            "--force replaces it, --dry-run prints the new one",
        ));
    }
    if args.import {
        return import_policy(args, loaded, &path);
    }
    loaded.for_verdict(None)?;
    let inventory = loaded.inventory()?;
    let text = write_policy(&loaded.facts, inventory, &args.profile)?;
    let left = prove(&loaded.facts, &text)?;
    if args.dry_run {
        output::print(text)?;
        return Ok(ExitStatus::Passed);
    }
    files::replace(&path, text.as_bytes())?;
    let promise = match is_measured(inventory) {
        true => "passes today and fails what is worse tomorrow",
        false => "passes today; the graph is small, so the profile's thresholds hold",
    };
    if left > 0 {
        output::print(format!(
            "wrote {FILE}: advisories still deny {left} of the findings\n\
             next: mend them, or put them off until a day: `cargo weft baseline --help`\n"
        ))?;
        return Ok(ExitStatus::Passed);
    }
    output::print(format!(
        "wrote {FILE}: `cargo weft audit` {promise}\n\
         next: commit it, and tighten what it lowers: `cargo weft policy show`\n"
    ))?;
    Ok(ExitStatus::Passed)
}

/// Writes what other tools' files say, and exempts what they ignore and is found.
fn import_policy(args: &InitArgs, mut loaded: Loaded, path: &Path) -> Result<ExitStatus, Error> {
    let terms = terms(args)?;
    let imported = import::read(&loaded.root)?;
    if imported.files.is_empty() {
        return Err(Error::usage(
            "there is nothing to import",
            "weft reads deny.toml, audit.toml, supply-chain/ and the publish age in .cargo/config.toml",
        ));
    }
    let mut text = format!(
        "# Written by `cargo weft init --import` from {}.\nschema = 1\nprofile = \"{}\"\n",
        imported.files.join(", "),
        args.profile
    );
    text += &imported.to_toml();
    text += &comments("What has no equivalent here:", &imported.without);
    let layer = policy::parse_layer(FILE, text.as_bytes())
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    let bug = |e: &dyn std::fmt::Display| Error::Bug(e.to_string());
    let mut layers = policy::built_in(&args.profile).map_err(|e| bug(&e))?;
    layers.push(layer);
    loaded.facts.policy = policy::combine(&layers).map_err(|e| bug(&e))?.policy;
    loaded.for_verdict(args.advisory_db.as_deref())?;
    let verdict = decide(&loaded.facts).map_err(|e| bug(&e))?;
    // What cannot be exempted keeps the policy from being written, so this comes first.
    let (exempted, kept) =
        exempt_ignored(args, &loaded, &imported.ignored, &verdict, terms.as_ref())?;
    text += &comments("What is ignored there and not exempted here:", &kept);
    let said = match args.dry_run {
        true => text.split('\n').map(terminal).collect::<Vec<_>>().join("\n"),
        false => {
            files::replace(path, text.as_bytes())?;
            format!("wrote {FILE}\n")
        }
    };
    output::print(said + &exempted)?;
    Ok(ExitStatus::Passed)
}

/// Writes lines as comments below a heading; without lines there is none.
fn comments(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let line = |line: &String| format!("# - {}\n", terminal(&line.replace('\n', " ")));
    format!("\n# {heading}\n{}", lines.iter().map(line).collect::<String>())
}

/// Reads who answers for what is ignored, and until when; faults are found before anything is written.
fn terms(args: &InitArgs) -> Result<Option<Terms>, Error> {
    let today = super::today();
    let in_90_days = || today.saturating_add(jiff::Span::new().days(90));
    let expires = args.expires.unwrap_or_else(in_90_days);
    if expires < today {
        let message = format!("{expires} is over already");
        return Err(Error::usage(message, "name the last day it is to hold"));
    }
    let (Some(owner), Some(approver)) = (&args.owner, &args.approver) else { return Ok(None) };
    let terms = Terms {
        reason: "ignored before weft".to_owned(),
        owner: owner.clone(),
        approver: approver.clone(),
        expires,
    };
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let text = format!(
        "schema = {}\n[[exemption]]\ncode = \"inventory/yanked\"\nsubject = \"any\"\nreason = {}\n\
         owner = {}\napprover = {}\nexpires = {expires}\n",
        input::exemptions::SCHEMA,
        quoted(&terms.reason),
        quoted(&terms.owner),
        quoted(&terms.approver),
    );
    input::exemptions::parse(exemptions::FILE, text.as_bytes())
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    Ok(Some(terms))
}

/// Exempts the findings that the imported files ignore; each keeps its reason.
///
/// Returns what is said of them, and those that are not exempted, which would be lost with the files.
fn exempt_ignored(
    args: &InitArgs,
    loaded: &Loaded,
    ignored: &[import::Ignored],
    verdict: &Verdict,
    terms: Option<&Terms>,
) -> Result<(String, Vec<String>), Error> {
    let (mut said, mut kept) = (String::new(), Vec::new());
    let mut unknown = BTreeSet::new();
    for entry in ignored {
        let what = terminal(&entry.to_string());
        let targets = targets(verdict, entry);
        let is_exempted = verdict.exempted.iter().any(|exempted| entry.is(&exempted.finding));
        let obstacle = match (targets.is_empty(), entry.unknown(&loaded.facts), terms) {
            (false, _, Some(terms)) => {
                let terms = with_reason(terms, entry.reason.as_deref());
                if !args.dry_run {
                    add(&loaded.root, &targets, &terms)?;
                }
                said += &format!("exempted until {}: {what}\n", terms.expires);
                continue;
            }
            (false, _, None) => "not exempted, since --owner and --approver are not named",
            (true, _, _) if is_exempted => {
                said += &format!("exempted already: {what}\n");
                continue;
            }
            (true, Some(why), _) => {
                unknown.insert(why);
                "ignored there and not looked up here"
            }
            (true, None, _) => "ignored there and not found here",
        };
        said += &format!("{obstacle}: {what}\n");
        let reason = entry.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        kept.push(format!("{entry}{reason} ({obstacle})"));
    }
    for why in unknown {
        said += &format!("not looked up, since {}\n", terminal(why));
    }
    Ok((said, kept))
}

/// Returns what is found of something that is ignored.
fn targets(verdict: &Verdict, entry: &import::Ignored) -> BTreeSet<Target> {
    let found = verdict.findings.iter().filter(|finding| entry.is(finding));
    found.map(|f| Target { code: f.code.clone(), subject: f.subject.clone(), path: None }).collect()
}

/// Returns the same terms with a reason, if there is one.
fn with_reason(terms: &Terms, reason: Option<&str>) -> Terms {
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    Terms {
        reason: reason.unwrap_or(&terms.reason).to_owned(),
        owner: terms.owner.clone(),
        approver: terms.approver.clone(),
        expires: terms.expires,
    }
}

fn write_policy(facts: &Facts, inventory: &Inventory, profile: &str) -> Result<String, Error> {
    let verdict = decide(facts).map_err(|e| Error::Bug(e.to_string()))?;
    let topology = Topology::of(inventory).map_err(|e| Error::NoGraph { reason: e.to_string() })?;
    let mut out = format!(
        "# Written by `cargo weft init`, at {} precision.\n\
         # `cargo weft policy show` prints every value in force; `cargo weft explain CODE` argues each.\n\
         schema = 1\nprofile = \"{profile}\"\n",
        inventory.precision.as_str()
    );
    levels(&mut out, &facts.policy, &verdict, inventory);
    sources(&mut out, inventory, &facts.policy);
    thresholds(&mut out, inventory, &topology);
    requirements(&mut out, &facts.policy, &verdict, inventory);
    Ok(out)
}

/// Lowers what is denied today, and raises the measures that the thresholds below hold.
fn levels(out: &mut String, policy: &Policy, verdict: &Verdict, inventory: &Inventory) {
    out.push_str("\n[checks]\n");
    if is_measured(inventory) {
        out.push_str("# Held at today's measure by the thresholds below.\n");
    }
    for code in codes().filter(|code| code.starts_with("topology/") && is_measured(inventory)) {
        let measured =
            code != "topology/host-execution" || inventory.precision == Precision::Metadata;
        if measured && policy.checks[code] != Level::Off {
            _ = writeln!(out, "\"{code}\" = \"deny\"");
        }
    }
    let denied: BTreeSet<&str> =
        verdict.findings.iter().filter(|f| f.level == Level::Deny).map(|f| &*f.code).collect();
    for code in denied.into_iter().filter(|code| is_lowered(code)) {
        let count = verdict.findings.iter().filter(|f| f.code == code).count();
        _ = writeln!(
            out,
            "# {count} today; mend them, then remove this line.\n\"{code}\" = \"warn\""
        );
    }
}

/// In a small graph one crate more or less moves every percentage, so the profile's thresholds stay.
fn is_measured(inventory: &Inventory) -> bool {
    inventory.judged_externals().len() >= FEWEST_EXTERNAL
}

/// Lists and thresholds answer some checks; a missing or stale lockfile has to be mended.
fn is_lowered(code: &str) -> bool {
    !code.starts_with("topology/")
        && !is_exempted(code)
        && !matches!(
            code,
            "source/registry-not-allowed"
                | "source/git-not-allowed"
                | "inventory/lockfile-missing"
                | "inventory/lockfile-stale"
        )
}

/// A level that is lowered hides what comes tomorrow; of advisories each is put off by itself.
fn is_exempted(code: &str) -> bool {
    code.starts_with("advisory/") && code != "advisory/database-stale"
}

fn sources(out: &mut String, inventory: &Inventory, policy: &Policy) {
    let mut registries: BTreeSet<String> = policy.sources.registries.iter().cloned().collect();
    let mut git: BTreeSet<String> = policy.sources.git.iter().cloned().collect();
    for package in &inventory.packages {
        match &package.source {
            Source::Registry { .. } => _ = registries.insert(package.source.to_string()),
            Source::Git { url, .. } => _ = git.insert(url.clone()),
            Source::Path { .. } => {}
        }
    }
    _ = writeln!(out, "\n[sources]\nregistries = {}\ngit = {}", list(&registries), list(&git));
}

fn thresholds(out: &mut String, inventory: &Inventory, topology: &Topology) {
    if !is_measured(inventory) {
        return;
    }
    let measured = check::topology::measure(inventory, topology);
    out.push_str("\n# What is measured today. Lower them as the graph gets better.\n[topology]\n");
    _ = writeln!(out, "blast-percent = {}", measured.blast_percent);
    _ = writeln!(out, "duplicate-versions = {}", measured.duplicate_versions);
    if let Some(percent) = measured.host_execution_percent {
        _ = writeln!(out, "host-execution-percent = {percent}");
    }
    _ = writeln!(out, "sole-gateway-percent = {}", measured.sole_gateway_percent);
}

/// Requires what the profile does, but for what cannot be evaluated here.
fn requirements(out: &mut String, policy: &Policy, verdict: &Verdict, inventory: &Inventory) {
    let held = match inventory.precision {
        Precision::Metadata if is_measured(inventory) => "topology/",
        _ => "none",
    };
    let missing: BTreeSet<&str> =
        verdict.not_evaluated.iter().filter(|n| n.required).map(|n| &*n.code).collect();
    if missing.is_empty() && held == "none" {
        return;
    }
    let required: BTreeSet<String> = codes()
        .filter(|code| policy.gate.audit.requires(code) || code.starts_with(held))
        .filter(|code| !missing.contains(code))
        .map(str::to_owned)
        .collect();
    out.push_str("\n[gate.audit]\n");
    if !missing.is_empty() {
        let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
        _ = writeln!(out, "# Not evaluated today, so not required: {missing}.");
    }
    if held != "none" {
        out.push_str("# The thresholds hold at metadata precision, which needs `cargo fetch --locked` first.\n");
    }
    _ = writeln!(out, "require = {}", list(&required));
}

fn list(items: &BTreeSet<String>) -> String {
    let quoted: Vec<String> =
        items.iter().map(|item| toml::Value::from(item.as_str()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

/// Asks the gate again, with the new policy, and returns how many findings are left to be exempted.
fn prove(facts: &Facts, text: &str) -> Result<usize, Error> {
    let bug = |e: &dyn std::fmt::Display| {
        Error::Bug(format!("the policy that init wrote is unsound: {e}"))
    };
    let layer = policy::parse_layer(FILE, text.as_bytes()).map_err(|e| bug(&e))?;
    let mut layers =
        policy::built_in(layer.profile.as_deref().unwrap_or("local")).map_err(|e| bug(&e))?;
    layers.push(layer);
    let policy = policy::combine(&layers).map_err(|e| bug(&e))?.policy;
    let verdict = decide(&Facts { policy, ..facts.clone() }).map_err(|e| bug(&e))?;
    let mut denied = verdict.findings.iter().filter(|f| f.level == Level::Deny);
    let left = denied.clone().filter(|f| is_exempted(&f.code)).count();
    let denied = denied.find(|f| !is_exempted(&f.code));
    match (verdict.outcome, denied) {
        (Outcome::Passed, _) => Ok(0),
        (_, Some(finding)) => {
            let command =
                finding.remedy.command.as_ref().map(|c| format!(" Run: {c}")).unwrap_or_default();
            Err(Error::usage(
                format!(
                    "no policy should pass this workspace: {} ({})",
                    finding.sentence, finding.code
                ),
                format!("{}{command}", finding.remedy.sentence),
            ))
        }
        (Outcome::Failed, None) => Ok(left),
        (outcome, None) => Err(bug(&outcome.as_str())),
    }
}
