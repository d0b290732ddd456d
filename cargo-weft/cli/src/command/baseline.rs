//! `cargo weft baseline`: exempts what is denied today, so that only what comes anew fails.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use weft_gate::policy::Level;
use weft_gate::{Finding, decide_in_full};

use super::exempt::{Target, Terms, add};
use super::output;
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report::human::plural;
use crate::source::exemptions::FILE;

#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    terms: Terms,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Exempt warnings, too
    #[arg(long)]
    warnings: bool,
    /// List what would be exempted, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &BaselineArgs) -> Result<ExitStatus, Error> {
    if args.selection.lockfile.is_some() {
        return Err(Error::usage(
            "a lockfile alone has no place for exemptions",
            "name the workspace with --manifest-path instead of --lockfile",
        ));
    }
    let as_of = args.as_of.unwrap_or_else(super::today);
    if args.terms.expires < as_of {
        return Err(Error::usage(
            format!("{} is over", args.terms.expires),
            "name the last day that the exemptions hold",
        ));
    }
    let mut loaded = facts::load(&args.selection, as_of)?;
    loaded.show_faults();
    loaded.for_verdict(args.advisory_db.as_deref())?;
    let verdict = decide_in_full(&loaded.facts).map_err(|e| Error::Bug(e.to_string()))?;
    let least = if args.warnings { Level::Warn } else { Level::Deny };
    let wanted: Vec<&Finding> = verdict.findings.iter().filter(|f| f.level <= least).collect();
    // What was put off once and is due now is put off again by name, not in a heap.
    let is_due = |f: &&Finding| {
        f.code.starts_with("exemption/") || loaded.facts.exemptions.iter().any(|e| e.covers(f))
    };
    let (due, fresh): (Vec<&Finding>, Vec<&Finding>) = wanted.into_iter().partition(is_due);
    let targets: BTreeSet<Target> = fresh
        .iter()
        .map(|f| Target { code: f.code.clone(), subject: f.subject.clone(), path: None })
        .collect();
    let mut said = String::new();
    for target in &targets {
        let line = format!("{} {}", target.code, target.subject);
        said += &format!("{}\n", crate::escape::terminal(&line));
    }
    if !args.dry_run && !targets.is_empty() {
        add(&loaded.root, &targets, &args.terms)?;
        said += &format!("wrote {FILE}: ");
    }
    said += &format!(
        "{} exempted until {}\n",
        plural(targets.len() as u64, "finding"),
        args.terms.expires
    );
    if !due.is_empty() {
        said += &format!(
            "{} left: exempted before and due, or about exemptions; `cargo weft exempt` renews one\n",
            plural(due.len() as u64, "finding")
        );
    }
    for check in &verdict.not_evaluated {
        said += &format!("not evaluated, so not recorded: {}\n", check.code);
    }
    output::print(said)?;
    Ok(ExitStatus::Passed)
}
