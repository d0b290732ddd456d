//! `cargo weft risk`: external crates by what blocking them would save, and what explains their place.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::Topology;
use weft_gate::inventory::Precision;
use weft_gate::risk::Assessment;
use weft_gate::risk::assessment::Exposure;
use weft_gate::topology::RiskRow;

use super::{Drawing, Format, losses};
use crate::command::output::{Reports, Text};
use crate::command::{Selection, facts, today};
use crate::error::{Error, ExitStatus};
use crate::escape::markdown as markdown_text;
use crate::report;

#[derive(Debug, Args)]
pub(super) struct RankArgs {
    #[command(flatten)]
    selection: Selection,
    /// How many packages to show; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// The measure to rank by
    #[arg(long, value_enum, default_value_t = Measure::Delta, value_name = "MEASURE")]
    sort: Measure,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// What blocking it would save
    Delta,
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
const LEGEND: [(&str, &str); 10] = [
    (
        "delta",
        "by how much the expected loss of a year falls if nothing begins in it or passes through it",
    ),
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
    /// What attacks are expected to cost; its rows are those of the table.
    assessment: Assessment,
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

pub(super) fn run(args: &RankArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let loaded = facts::load(&args.selection, today())?;
    let inventory = loaded.inventory()?;
    let model = args.drawing.model(&loaded, inventory)?;
    let settings = args.drawing.settings();
    let measured = args.drawing.install(|| {
        rayon::join(|| Topology::of(inventory), || Assessment::of(inventory, &model, settings))
    })?;
    let unknown = |e: &dyn std::fmt::Display| Error::NoGraph { reason: e.to_string() };
    let topology = measured.0.map_err(|e| unknown(&e))?;
    let mut assessment = measured.1.map_err(|e| unknown(&e))?;

    let place: BTreeMap<&str, usize> =
        assessment.rows.iter().enumerate().map(|(at, row)| (&*row.id, at)).collect();
    let mut rows = topology.ranked(inventory);
    rows.sort_by_key(|row| place.get(&*row.id).copied());
    // Stable, so that ties keep the order of the assessment.
    rows.sort_by_key(|row| std::cmp::Reverse(measure(row, args.sort)));
    rows.truncate(if args.top == 0 { rows.len() } else { args.top });
    let shown = rows.iter().filter_map(|row| place.get(&*row.id));
    assessment.rows = shown.map(|&at| assessment.rows[at].clone()).collect();

    let table = Table {
        assessment,
        f50_thousandths: topology.f50_thousandths,
        precision: inventory.precision,
        rows,
        schema: 1,
    };
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&table, args.sort))),
        Format::Json => report::json::render(&table).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(markdown(&table, args.sort))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

fn measure(row: &RiskRow, measure: Measure) -> u64 {
    match measure {
        Measure::Delta => 0,
        Measure::Alone => row.retained,
        Measure::HostExecution => row.host_execution.unwrap_or(0).into(),
        Measure::Blast => row.blast.into(),
        Measure::Betweenness => row.betweenness_thousandths,
        Measure::FanIn => row.fan_in.into(),
        Measure::FanOut => row.fan_out.into(),
    }
}

/// Returns what blocking each row's crate would save, for the table.
fn deltas(table: &Table) -> Vec<String> {
    let delta = |row: &Exposure| losses(row.delta_nano);
    table.assessment.rows.iter().map(delta).collect()
}

fn human(table: &Table, sort: Measure) -> String {
    let mut out = report::human::risk_table(&table.rows, Some(&deltas(table)));
    out.push('\n');
    let band = format!("expected loss of a year {}", band(&table.assessment));
    report::human::paragraph(&mut out, "", &band, 2);
    if let Some(f50) = table.f50_thousandths {
        _ = writeln!(out, "  f50 {}.{}%", f50 / 10, f50 % 10);
    }
    _ = writeln!(out, "  at {} precision\n", table.precision.as_str());
    for caveat in caveats(table, sort) {
        report::human::paragraph(&mut out, "", &caveat, 2);
    }
    for (column, meaning) in LEGEND {
        report::human::paragraph(&mut out, &format!("{column:9}"), meaning, 2);
    }
    out
}

fn markdown(table: &Table, sort: Measure) -> String {
    let mut out = report::markdown::risk_table(&table.rows, Some(&deltas(table)));
    _ = writeln!(out, "\nExpected loss of a year: {}.", band(&table.assessment));
    for caveat in caveats(table, sort) {
        _ = writeln!(out, "\n{}", markdown_text(&caveat));
    }
    out
}

/// Writes what all campaigns together are expected to cost.
fn band(assessment: &Assessment) -> String {
    let band = assessment.expected;
    format!(
        "{} ({} to {} nine times in ten)",
        losses(band.mean_nano),
        losses(band.low_nano),
        losses(band.high_nano)
    )
}

/// Says what of the table is to be taken with care.
fn caveats(table: &Table, sort: Measure) -> Vec<String> {
    let assessment = &table.assessment;
    let mut caveats = Vec::new();
    if sort == Measure::Delta && !assessment.order.is_ordered {
        caveats.push(format!(
            "unordered: under other rates that the counts allow the order would be another (Kendall's tau {})",
            permille(assessment.order.tau_permille)
        ));
    }
    for campaign in assessment.campaigns.iter().filter(|campaign| campaign.unknown > 0) {
        caveats.push(format!(
            "not evaluated: whether {} can begin in {}, whose age is not known",
            campaign.name,
            report::human::plural(campaign.unknown, "crate"),
        ));
    }
    caveats
}

/// Writes thousandths with a point.
pub(super) fn permille(number: i32) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", number.abs() / 1000, number.abs() % 1000)
}
