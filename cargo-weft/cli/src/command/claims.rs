//! `cargo weft claims`: what the documents promise, and how it stands.

mod add;
mod init;
mod scoreboard;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use weft_gate::claim::contract::Contract;
use weft_gate::claim::document::Span;
use weft_gate::claim::standing::{self, Standing};
use weft_gate::claim::{Claim, Claims, Phase};
use weft_gate::facts::Known;
use weft_gate::policy::{Gate, Level};
use weft_gate::{Outcome, Verdict, decide};

use super::audit::{self, Format as ReportFormat};
use super::compare::{Question, compare};
use super::facts::{self, Loaded};
use super::output::Reports;
use super::{Format, PrecisionChoice, Selection, output};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report::table::{Align, layout};

#[derive(Debug, Args)]
pub(super) struct ClaimsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find sentences that promise something, and begin a claims map with them
    Init(init::InitArgs),
    /// Mark a sentence and add an entry for it
    Add(add::AddArgs),
    /// List claims, and how strongly each is shown
    List(ListArgs),
    /// Show a claim, its contract, and what is missing
    Show(ShowArgs),
    /// Take over the present words of a claim, and count its revision up
    Mark(add::MarkArgs),
    /// Judge claims by the policy: the part of `audit` that is about promises
    Check(CheckArgs),
    /// Write every claim with the evidence for it
    Scoreboard(scoreboard::ScoreboardArgs),
}

/// Where the claims are.
#[derive(Debug, Args)]
struct Of {
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// A policy file, or a profile: local, baseline, strict, release; by default weft.toml, or else local
    #[arg(long, value_name = "FILE|PROFILE")]
    policy: Option<String>,
    /// The day to judge signatures for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    of: Of,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The claim
    id: String,
    #[command(flatten)]
    of: Of,
    /// Print the contract alone, in canonical JSON: its digest is what evidence repeats and a change is signed by
    #[arg(long, conflicts_with = "format")]
    contract: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    of: Of,
    /// Judge by the policy of this commit, and judge what has changed since
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Demand that this phase is open and all of its claims are met
    #[arg(long, value_name = "NAME", conflicts_with = "base")]
    phase: Option<String>,
    #[command(flatten)]
    reports: Reports<ReportFormat>,
}

pub(super) fn run(args: &ClaimsArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Init(args) => init::run(args),
        Command::Add(args) => add::run(args),
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Mark(args) => add::mark(args),
        Command::Check(args) => check(args),
        Command::Scoreboard(args) => scoreboard::run(args),
    }
}

impl Of {
    fn selection(&self) -> Selection {
        Selection {
            manifest_path: self.manifest_path.clone(),
            lockfile: None,
            precision: PrecisionChoice::Lock,
            policy: self.policy.clone(),
            offline: true,
            online: false,
        }
    }

    fn load(&self) -> Result<Loaded, Error> {
        load(&self.selection(), self.as_of.unwrap_or_else(super::today))
    }
}

/// Loads a workspace with its claims; what else a verdict needs is left out.
pub(super) fn load(selection: &Selection, as_of: Date) -> Result<Loaded, Error> {
    let mut loaded = facts::load(selection, as_of)?;
    loaded.add_claims(None)?;
    Ok(loaded)
}

/// Returns the claims of a loaded workspace.
///
/// # Errors
///
/// [`Error::Usage`] if there is no map.
pub(super) fn claims(loaded: &Loaded) -> Result<&Claims, Error> {
    loaded.facts.claims.as_ref().map_err(|_| {
        Error::usage("there is no claims map in claims/", "begin one: `cargo weft claims init`")
    })
}

/// Returns a claim.
///
/// # Errors
///
/// [`Error::Usage`] with the nearest name.
pub(super) fn find<'c>(claims: &'c Claims, id: &str) -> Result<&'c Claim, Error> {
    claims.head.claim(id).ok_or_else(|| {
        let names = claims.head.claims.iter().map(|claim| &*claim.id);
        let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, id));
        let help = match nearest {
            Some(nearest) => {
                format!("the nearest is `{nearest}`; `cargo weft claims list` has all")
            }
            None => "the maps in claims/ have none".to_owned(),
        };
        Error::usage(format!("there is no claim `{}`", terminal(id)), help)
    })
}

fn list(args: &ListArgs) -> Result<ExitStatus, Error> {
    let loaded = args.of.load()?;
    let claims = claims(&loaded)?;
    let standings = standing::judge(claims, loaded.facts.policy.claims.signed_evidence);
    let header = ["claim", "kind", "promised", "shown", "met", "where"];
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for claim in &claims.head.claims {
        let Some(standing) = standings.get(&*claim.id) else { continue };
        let minimum = claim.minimum.unwrap_or(claim.kind.minimum());
        let at = match span(claims, claim) {
            Some(span) => format!("{}:{}", span.place.file, span.place.line),
            None => format!("{} (not marked)", claim.document),
        };
        let met = if standing.is_met() { "yes" } else { "no" };
        let cells =
            [&claim.id, claim.kind.as_str(), minimum.as_str(), standing.level.as_str(), met, &at];
        lines.push(cells.map(terminal).to_vec());
        rows.push(json!({
            "document": claim.document,
            "id": claim.id,
            "kind": claim.kind.as_str(),
            "level": standing.level.as_str(),
            "met": standing.is_met(),
            "minimum": minimum.as_str(),
            "revision": claim.revision,
        }));
    }
    let table = layout(&[Align::Left; 6], &header, &lines, 0);
    args.format.print(table, &json!({"claims": rows, "schema": 1}))?;
    Ok(ExitStatus::Passed)
}

/// Returns the span of a claim in its document.
pub(super) fn span<'c>(claims: &'c Claims, claim: &Claim) -> Option<&'c Span> {
    let mut documents = claims.head.documents.iter();
    let document = documents.find(|document| document.path == claim.document)?;
    document.spans.iter().find(|span| span.id == claim.id)
}

fn show(args: &ShowArgs) -> Result<ExitStatus, Error> {
    let loaded = args.of.load()?;
    let claims = claims(&loaded)?;
    let claim = find(claims, &args.id)?;
    let standings = standing::judge(claims, loaded.facts.policy.claims.signed_evidence);
    let standing = standings.get(&*claim.id);
    let standing = standing.ok_or_else(|| Error::Bug("a claim without a standing".to_owned()))?;
    if args.contract {
        let contract = standing.contract.as_ref().map_err(|lacks| {
            let message = format!("`{}` has no contract: {}", claim.id, lacks.join("; "));
            Error::usage(message, "add what its kind demands to its entry")
        })?;
        let bytes = weft_verify::canonical::to_vec(contract);
        let bytes = bytes.map_err(|e| Error::Bug(e.to_string()))?;
        output::print(String::from_utf8_lossy(&bytes).into_owned())?;
        return Ok(ExitStatus::Passed);
    }
    let text = span(claims, claim).map(|span| span.text.clone());
    args.format.print(human(claim, standing, text.as_deref()), &value(claim, standing, text))?;
    Ok(ExitStatus::Passed)
}

fn digest(contract: &Contract) -> String {
    contract.digest().map(|digest| digest.to_string()).unwrap_or_default()
}

fn value(claim: &Claim, standing: &Standing, text: Option<String>) -> Value {
    let contract = standing.contract.as_ref();
    json!({
        "contract": contract.ok(),
        "contract_sha256": contract.ok().map(digest),
        "id": claim.id,
        "lacks": contract.err(),
        "level": standing.level.as_str(),
        "met": standing.is_met(),
        "missing": standing.missing,
        "owner": claim.owner,
        "schema": 1,
        "text": text,
    })
}

fn human(claim: &Claim, standing: &Standing, text: Option<&str>) -> String {
    let text = text.unwrap_or("(its document does not mark it)");
    let mut out = format!("{}, revision {}, {}\n", claim.id, claim.revision, claim.document);
    out += &format!("  \"{}\"\n\n", terminal(text));
    let minimum = claim.minimum.unwrap_or(claim.kind.minimum());
    out += &format!(
        "a {} claim, to be shown at `{}`; shown at `{}`; answered for by {}\n",
        claim.kind.as_str(),
        minimum.as_str(),
        standing.level.as_str(),
        terminal(&claim.owner)
    );
    match &standing.contract {
        Ok(contract) => {
            out += &format!("\ncontract {}\n", digest(contract));
            for obligation in &contract.obligations {
                out += &format!("  {}\n", terminal(&obligation.describe()));
            }
            if let Some(missed) = contract.missed_at_most {
                out += &format!("  its tests together miss at most {missed} ways to break it\n");
            }
        }
        Err(lacks) => {
            out += "\nno contract\n";
            lacks.iter().for_each(|lack| out += &format!("  {}\n", terminal(lack)));
        }
    }
    if !standing.missing.is_empty() {
        out += "\nmissing\n";
        standing.missing.iter().for_each(|lack| out += &format!("  {}\n", terminal(lack)));
        let level = minimum.as_str();
        out +=
            &format!("\nnext: cargo weft evidence collect --level {level} --claim {}\n", claim.id);
    }
    out
}

fn check(args: &CheckArgs) -> Result<ExitStatus, Error> {
    let as_of = args.of.as_of.unwrap_or_else(super::today);
    let destinations = args.reports.destinations(ReportFormat::Human)?;
    let selection = args.of.selection();
    let mut loaded = match &args.base {
        Some(base) => {
            let question =
                Question { selection: &selection, base, head: None, advisory_db: None, as_of };
            compare(&question)?.head
        }
        None => {
            let mut loaded = load(&selection, as_of)?;
            loaded.add_exemptions()?;
            loaded
        }
    };
    loaded.show_faults();
    narrow(&mut loaded);
    if let Some(phase) = &args.phase {
        leave_out_later(&mut loaded, phase)?;
    }
    let mut verdict = decide(&loaded.facts).map_err(|e| Error::Bug(e.to_string()))?;
    // The graph is not what is asked for.
    verdict.risk.clear();
    destinations.write(|format| audit::render(&verdict, format))?;
    match &args.phase {
        Some(phase) => demand_phase(&loaded, phase, &verdict),
        None => Ok(verdict.outcome.into()),
    }
}

const FAMILIES: [&str; 3] = ["claim", "evidence", "wording"];

/// Switches off what is not about promises, and demands what is.
fn narrow(loaded: &mut Loaded) {
    let of_promises = |code: &str| FAMILIES.iter().any(|f| code.starts_with(&format!("{f}/")));
    let policy = &mut loaded.facts.policy;
    for (code, level) in &mut policy.checks {
        // An exemption of a check that is not asked cannot be told to be unused.
        if !of_promises(code) && !code.starts_with("exemption/") {
            *level = Level::Off;
        }
    }
    let exemptions = &mut loaded.facts.exemptions;
    exemptions.retain(|exemption| of_promises(&exemption.code));
    if let Some(base) = &mut loaded.facts.base {
        base.findings.retain(|finding| of_promises(&finding.code));
    }
    policy.gate.audit = Gate { require: FAMILIES.map(str::to_owned).to_vec() };
}

/// Leaves out the claims and phases that come after the named one: they are not asked for.
fn leave_out_later(loaded: &mut Loaded, name: &str) -> Result<(), Error> {
    let order = phase(claims(loaded)?, name)?.order;
    if let Known::Value(claims) = &mut loaded.facts.claims {
        let phases = &mut claims.head.phases;
        let is_later = |phase: &Phase| phase.order > order;
        let later: BTreeSet<String> =
            phases.iter().filter(|p| is_later(p)).flat_map(|p| p.claims.clone()).collect();
        let due: BTreeSet<String> =
            phases.iter().filter(|p| !is_later(p)).flat_map(|p| p.claims.clone()).collect();
        let is_left_out = |id: &String| later.contains(id) && !due.contains(id);
        phases.retain(|phase| !is_later(phase));
        claims.head.claims.retain(|claim| !is_left_out(&claim.id));
        for document in &mut claims.head.documents {
            document.spans.retain(|span| !is_left_out(&span.id));
        }
        if let Some(base) = &mut claims.base {
            base.phases.retain(|phase| !is_later(phase));
            base.claims.retain(|claim| !is_left_out(&claim.id));
        }
    }
    Ok(())
}

fn phase<'c>(claims: &'c Claims, name: &str) -> Result<&'c Phase, Error> {
    let phase = claims.head.phases.iter().find(|phase| phase.name == name);
    phase.ok_or_else(|| {
        let names: Vec<&str> = claims.head.phases.iter().map(|phase| &*phase.name).collect();
        let help = format!("the maps have: {}", names.join(", "));
        Error::usage(format!("there is no phase `{}`", terminal(name)), help)
    })
}

fn demand_phase(loaded: &Loaded, name: &str, verdict: &Verdict) -> Result<ExitStatus, Error> {
    let claims = claims(loaded)?;
    let phase = phase(claims, name)?;
    let standings = standing::judge(claims, loaded.facts.policy.claims.signed_evidence);
    let due = claims.head.phases.iter().filter(|other| other.order <= phase.order);
    let unmet: Vec<&str> = due
        .flat_map(|phase| &phase.claims)
        .map(String::as_str)
        .filter(|id| !standings.get(id).is_some_and(Standing::is_met))
        .collect();
    if unmet.is_empty() && verdict.outcome == Outcome::Passed {
        output::print(format!("phase {name} is complete\n"))?;
        return Ok(ExitStatus::Passed);
    }
    if !unmet.is_empty() {
        output::print(format!("phase {name} is not complete: {}\n", unmet.join(", ")))?;
        return Ok(ExitStatus::Failed);
    }
    Ok(verdict.outcome.into())
}

/// Returns the root of the workspace that `of` names.
fn root(of: Option<&Path>) -> Result<PathBuf, Error> {
    crate::source::workspace::root(of)
}
