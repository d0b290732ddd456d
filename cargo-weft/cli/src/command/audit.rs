//! `cargo weft audit`: facts, verdict, reports, exit status.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use weft_gate::{Verdict, decide};

use super::output::{self, Output, Text};
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    selection: Selection,
    /// The form of the report; may be given several times, each with its --output
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Vec<Format>,
    /// Where the report of the --format of the same position goes; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Write the facts that the verdict follows from, in canonical JSON
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Sarif,
    Markdown,
}

pub(super) fn run(args: &AuditArgs) -> Result<ExitStatus, Error> {
    let pairs = output::pair(&args.format, &args.output, Format::Human)?;
    let as_of = args.as_of.unwrap_or_else(super::today);
    let loaded = facts::load(&args.selection, as_of)?;
    loaded.show_faults();
    let bug = |e: weft_verify::Rejection| Error::Bug(e.to_string());
    let verdict = decide(&loaded.facts).map_err(bug)?;
    if let Some(path) = &args.facts {
        crate::source::files::write_output(path, &loaded.facts.to_canonical().map_err(bug)?)?;
    }
    let outputs = pairs
        .into_iter()
        .map(|(format, path)| Ok(Output { text: render(&verdict, format)?, path }));
    output::emit(outputs.collect::<Result<_, Error>>()?)?;
    Ok(verdict.outcome.into())
}

fn render(verdict: &Verdict, format: Format) -> Result<Text, Error> {
    Ok(match format {
        Format::Human => Text::Styled(report::human::render(verdict)),
        Format::Json => Text::Machine(report::json::render(verdict)?),
        Format::Sarif => Text::Machine(report::sarif::render(verdict)?),
        Format::Markdown => Text::Machine(report::markdown::render(verdict)),
    })
}
