//! `cargo weft graph`: the inventory, for machines and graph tools.

use clap::{Args, ValueEnum};
use jiff::Timestamp;

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
    /// The time of creation that a bill of materials states; without it, none that a clock has shown
    #[arg(long, value_name = "RFC3339")]
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Dot,
    Graphml,
    /// A bill of materials, CycloneDX 1.6 in JSON
    Cyclonedx,
    /// A bill of materials, SPDX 2.3 in JSON
    Spdx,
}

pub(super) fn run(args: &GraphArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Json)?;
    let loaded = facts::load(&args.selection, super::today())?;
    let inventory = loaded.inventory()?;
    // SPDX knows whole seconds alone.
    let timestamp = args.timestamp.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let timestamp = timestamp.as_deref();
    let bug = |e: weft_verify::canonical::Unwritable| Error::Bug(e.to_string());
    let machine = |value| report::json::render(&value).map(Text::Machine);
    let render = |format| match format {
        Format::Json => report::json::render(inventory).map(Text::Machine),
        Format::Dot => Ok(Text::Machine(report::dot::render(inventory))),
        Format::Graphml => Ok(Text::Machine(report::graphml::render(inventory))),
        Format::Cyclonedx => machine(report::cyclonedx::render(inventory, timestamp).map_err(bug)?),
        Format::Spdx => machine(report::spdx::render(inventory, timestamp).map_err(bug)?),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}
