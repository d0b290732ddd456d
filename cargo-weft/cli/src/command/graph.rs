//! `cargo weft graph`: the inventory, for machines and graph tools.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::{self, Output, Text};
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    #[command(flatten)]
    selection: Selection,
    /// The form of the inventory; dot and graphml hold what is judged, json everything
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Vec<Format>,
    /// Where the --format of the same position goes; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Dot,
    Graphml,
}

pub(super) fn run(args: &GraphArgs) -> Result<ExitStatus, Error> {
    let pairs = output::pair(&args.format, &args.output, Format::Json)?;
    let loaded = facts::load(&args.selection, super::today())?;
    let inventory = loaded.inventory()?;
    let render = |format| match format {
        Format::Json => report::json::render(inventory).map(Text::Machine),
        Format::Dot => Ok(Text::Machine(report::dot::render(inventory))),
        Format::Graphml => Ok(Text::Machine(report::graphml::render(inventory))),
    };
    let outputs =
        pairs.into_iter().map(|(format, path)| Ok(Output { text: render(format)?, path }));
    output::emit(outputs.collect::<Result<_, Error>>()?)?;
    Ok(ExitStatus::Passed)
}
