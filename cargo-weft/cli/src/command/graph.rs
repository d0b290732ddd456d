//! `cargo weft graph`: the inventory, for machines and graph tools.

use clap::{Args, ValueEnum};

use super::output::{Reports, Text};
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Dot,
    Graphml,
}

pub(super) fn run(args: &GraphArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Json)?;
    let loaded = facts::load(&args.selection, super::today())?;
    let inventory = loaded.inventory()?;
    let render = |format| match format {
        Format::Json => report::json::render(inventory).map(Text::Machine),
        Format::Dot => Ok(Text::Machine(report::dot::render(inventory))),
        Format::Graphml => Ok(Text::Machine(report::graphml::render(inventory))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}
