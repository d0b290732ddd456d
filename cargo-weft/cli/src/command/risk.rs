//! `cargo weft risk`: external packages ranked by what the graph's shape exposes, each column explained in a line.

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;
use weft_gate::Topology;
use weft_gate::inventory::Precision;
use weft_gate::topology::RiskRow;

use super::output::{Reports, Text};
use super::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report;

#[derive(Debug, Args)]
pub(super) struct RiskArgs {
    #[command(flatten)]
    selection: Selection,
    /// How many packages to show; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// The measure to rank by
    #[arg(long, value_enum, default_value_t = Measure::Alone, value_name = "MEASURE")]
    sort: Measure,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// External packages that only it brings in
    Alone,
    /// Members in whose build its code runs
    HostExecution,
    /// Members that reach it
    Blast,
    /// Shortest paths through it
    Betweenness,
    /// Packages that depend on it directly
    FanIn,
    /// Packages it depends on directly
    FanOut,
}

/// What each column says, in the order of the table.
const LEGEND: [(&str, &str); 9] = [
    ("alone", "external packages that would leave the graph with it (what it dominates)"),
    (
        "host",
        "members in whose build its code runs: build script, procedural macro, or linked into one",
    ),
    ("reach", "members that depend on it, however far: where a compromise of it can arrive"),
    ("between", "pairs of packages whose shortest path passes through it (betweenness)"),
    ("in", "packages that depend on it directly"),
    ("out", "packages it depends on directly"),
    ("depth", "steps from the nearest member"),
    ("cut", "without it the graph falls apart, directions ignored (articulation point)"),
    ("f50", "the smallest share of packages that must pass a compromise on until half are reached"),
];

/// The table in JSON.
#[derive(Serialize, JsonSchema)]
struct Table {
    /// f50 in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    f50_thousandths: Option<u32>,
    /// How sharply the graph is known.
    precision: Precision,
    /// The rows, the riskiest first.
    rows: Vec<RiskRow>,
    /// The version of this format.
    schema: u32,
}

pub(super) fn run(args: &RiskArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let loaded = facts::load(&args.selection, super::today())?;
    let inventory = loaded.inventory()?;
    let topology = Topology::of(inventory).map_err(|e| Error::NoGraph { reason: e.to_string() })?;
    let mut rows = topology.ranked(inventory);
    // Stable, so that ties keep the order of the ranking.
    rows.sort_by_key(|row| std::cmp::Reverse(measure(row, args.sort)));
    rows.truncate(if args.top == 0 { rows.len() } else { args.top });
    let table = Table {
        f50_thousandths: topology.f50_thousandths,
        precision: inventory.precision,
        rows,
        schema: 1,
    };
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&table))),
        Format::Json => report::json::render(&table).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(report::markdown::risk_table(&table.rows))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

fn measure(row: &RiskRow, measure: Measure) -> u64 {
    match measure {
        Measure::Alone => row.retained,
        Measure::HostExecution => row.host_execution.unwrap_or(0).into(),
        Measure::Blast => row.blast.into(),
        Measure::Betweenness => row.betweenness_thousandths,
        Measure::FanIn => row.fan_in.into(),
        Measure::FanOut => row.fan_out.into(),
    }
}

fn human(table: &Table) -> String {
    let mut out = report::human::risk_table(&table.rows);
    if let Some(f50) = table.f50_thousandths {
        _ = writeln!(out, "\n  f50 {}.{}%", f50 / 10, f50 % 10);
    }
    _ = writeln!(out, "\n  at {} precision", table.precision.as_str());
    for (column, meaning) in LEGEND {
        report::human::paragraph(&mut out, &format!("{column:9}"), meaning, 2);
    }
    out
}
