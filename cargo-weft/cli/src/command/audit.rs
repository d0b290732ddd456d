//! `cargo weft audit`: facts, verdict, reports, exit status.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use weft_gate::{Verdict, decide};

use super::Selection;
use super::compare::{Whose, judged};
use super::output::{Reports, Text};
use crate::error::{Error, ExitStatus};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reports: Reports<Format>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// Judge by the policy of this commit, and fail on findings that it does not have
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Write the facts that the verdict follows from, in canonical JSON
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
    Sarif,
    Markdown,
}

pub(super) fn run(args: &AuditArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let as_of = args.as_of.unwrap_or_else(super::today);
    let advisory_db = args.advisory_db.as_deref();
    let loaded = judged(&args.selection, args.base.as_deref(), advisory_db, as_of, Whose::Audit)?;
    let bug = |e: weft_verify::canonical::Unwritable| Error::Bug(e.to_string());
    let verdict = decide(&loaded.facts).map_err(bug)?;
    if let Some(path) = &args.facts {
        crate::source::files::write_output(path, &loaded.facts.to_canonical().map_err(bug)?)?;
    }
    destinations.write(|format| render(&verdict, format))?;
    Ok(verdict.outcome.into())
}

pub(super) fn render(verdict: &Verdict, format: Format) -> Result<Text, Error> {
    Ok(match format {
        Format::Human => Text::Styled(report::human::render(verdict)),
        Format::Json => Text::Machine(report::json::render(verdict)?),
        Format::Sarif => Text::Machine(report::sarif::render(verdict)?),
        Format::Markdown => Text::Machine(report::markdown::render(verdict)),
    })
}
