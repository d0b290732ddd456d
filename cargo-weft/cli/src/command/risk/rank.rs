//! `cargo weft risk`: external crates by what blocking them would save, and what explains their place.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;
use weft_gate::Topology;
use weft_gate::facts::Known;
use weft_gate::inventory::{Inventory, Precision};
use weft_gate::publisher::{Basis, Publishers};
use weft_gate::risk::assessment::Exposure;
use weft_gate::risk::publisher::{Bottleneck, Half};
use weft_gate::risk::{Assessment, Concentration, Model, Settings, prior};
use weft_gate::topology::RiskRow;

use super::{Drawing, Footing, Format, Weighed, losses};
use crate::command::Selection;
use crate::command::diff::short;
use crate::command::facts::{self, Loaded};
use crate::command::output::{Reports, Text};
use crate::error::{Error, ExitStatus};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::table::{Align, layout, shorten};

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

/// What each column of the table of publishers says.
const PUBLISHER_LEGEND: [(&str, &str); 4] = [
    (
        "delta",
        "by how much the expected loss falls if all that the publisher may publish is blocked",
    ),
    ("+-", "half of the width of the interval that chance leaves to it, nineteen times in twenty"),
    (
        "share",
        "that fall as a part of what is expected in the same worlds; shares overlap, so they do not add up to 100%",
    ),
    (
        "known by",
        "a snapshot of owners, cargo-vet's record, or the owner of the repository that the manifest \
         names, which is a proxy",
    ),
];

/// The table in JSON.
#[derive(Serialize, JsonSchema)]
struct Table {
    /// The day that the ages of versions are reckoned for.
    #[schemars(with = "String")]
    as_of: Date,
    /// What attacks are expected to cost; its rows are those of the table.
    assessment: Assessment,
    /// f50 in thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    f50_thousandths: Option<u32>,
    /// Which barriers, and whether the cooldown, nothing enforces, so that they do not count.
    not_counted: Vec<String>,
    /// How sharply the graph is known.
    precision: Precision,
    /// Who publishes the external packages, and how much hangs on whom.
    publishers: Known<Concentration>,
    /// The rows, the riskiest first.
    rows: Vec<RiskRow>,
    /// The version of this format.
    schema: u32,
}

pub(super) fn run(args: &RankArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let mut loaded = facts::load(&args.selection, args.drawing.day())?;
    loaded.for_risk()?;
    loaded.know_publishers();
    let inventory = loaded.inventory()?;
    if args.sort == Measure::HostExecution && inventory.precision == Precision::Lock {
        return Err(Error::usage(
            "a lockfile does not say in whose build the code of crates runs",
            "ask for --precision metadata in a workspace with its manifests, or for another order",
        ));
    }
    let Weighed { model, not_counted } = args.drawing.model(&loaded, inventory)?;
    let settings = args.drawing.settings();
    let concentrate = || concentration(&loaded, inventory, &model, settings);
    let assess = || rayon::join(|| Assessment::of(inventory, &model, settings), concentrate);
    let measured = args.drawing.install(|| rayon::join(|| Topology::of(inventory), assess))?;
    let unknown = |e: &dyn std::fmt::Display| Error::NoGraph { reason: e.to_string() };
    let topology = measured.0.map_err(|e| unknown(&e))?;
    let mut assessment = measured.1.0.map_err(|e| unknown(&e))?;
    let publishers = measured.1.1?;

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
        as_of: loaded.facts.as_of,
        assessment,
        f50_thousandths: topology.f50_thousandths,
        not_counted,
        precision: inventory.precision,
        publishers,
        rows,
        schema: 1,
    };
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&table, args))),
        Format::Json => report::json::render(&table).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(markdown(&table, args))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

/// Finds out what hangs on whom, or why that is not known.
pub(super) fn concentration(
    loaded: &Loaded,
    inventory: &Inventory,
    model: &Model,
    settings: Settings,
) -> Result<Known<Concentration>, Error> {
    match &loaded.facts.publishers {
        None => Ok(Known::Unknown("they were not looked for".to_owned())),
        Some(Known::Unknown(reason)) => Ok(Known::Unknown(reason.clone())),
        Some(Known::Value(publications)) => {
            let publishers = Publishers::of(inventory, publications);
            let found = Concentration::of(inventory, model, &publishers, settings);
            found.map_err(|e| Error::NoGraph { reason: e.to_string() })
        }
    }
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

fn human(table: &Table, args: &RankArgs) -> String {
    let mut out = report::human::risk_table(&table.rows, Some(&deltas(table)));
    out.push('\n');
    let band = format!("expected loss of a year {}", band(&table.assessment));
    report::human::paragraph(&mut out, "", &band, 2);
    if let Some(f50) = table.f50_thousandths {
        _ = writeln!(out, "  f50 {}.{}%", f50 / 10, f50 % 10);
    }
    report::human::paragraph(&mut out, "", &footing(table).to_string(), 2);
    out.push('\n');
    let rows = publisher_rows(table, args.top);
    if !rows.is_empty() {
        out.push_str(&publisher_table(&rows));
        out.push('\n');
    }
    for sentence in publisher_sentences(table) {
        report::human::paragraph(&mut out, "", &terminal(&sentence), 2);
    }
    out.push('\n');
    for caveat in caveats(table, args.sort) {
        report::human::paragraph(&mut out, "", &caveat, 2);
    }
    legend(&mut out, &LEGEND);
    if !rows.is_empty() {
        out.push_str("\n  of publishers\n");
        legend(&mut out, &PUBLISHER_LEGEND);
    }
    out
}

fn legend(out: &mut String, columns: &[(&str, &str)]) {
    for (column, meaning) in columns {
        report::human::paragraph(out, &format!("{column:9}"), meaning, 2);
    }
}

fn markdown(table: &Table, args: &RankArgs) -> String {
    let mut out = report::markdown::risk_table(&table.rows, Some(&deltas(table)));
    _ = writeln!(out, "\nExpected loss of a year: {}.", band(&table.assessment));
    _ = writeln!(out, "\nThis is {}.", footing(table));
    let rows = publisher_rows(table, args.top);
    if !rows.is_empty() {
        _ = writeln!(out, "\n| {} |\n|-|-:|-:|-:|-:|-|", PUBLISHER_HEADER.join(" | "));
    }
    for [who, rest @ ..] in rows {
        _ = writeln!(out, "| {} | {} |", markdown_code(&who), rest.join(" | "));
    }
    for sentence in publisher_sentences(table) {
        _ = writeln!(out, "\n{}", markdown_text(&sentence));
    }
    for caveat in caveats(table, args.sort) {
        _ = writeln!(out, "\n{}", markdown_text(&caveat));
    }
    out
}

const PUBLISHER_HEADER: [&str; 6] = ["publisher", "delta", "+-", "share", "crates", "known by"];

/// Returns the cells of the table of publishers, none of them escaped.
fn publisher_rows(table: &Table, top: usize) -> Vec<[String; 6]> {
    let Known::Value(concentration) = &table.publishers else { return Vec::new() };
    let row = |row: &Bottleneck| {
        let by = row.by.keys().map(|basis| match basis {
            Basis::Snapshot => "snapshot",
            Basis::Vet => "cargo-vet",
            Basis::Repository => "repository",
        });
        [
            row.publisher.clone(),
            losses(row.delta_nano),
            losses(row.delta_error_nano),
            percent(row.share_permille),
            row.crates.to_string(),
            by.collect::<Vec<_>>().join(", "),
        ]
    };
    let shown = if top == 0 { concentration.publishers.len() } else { top };
    concentration.publishers.iter().take(shown).map(row).collect()
}

/// Lays out rows of publishers, whose names give way to what else there is.
fn publisher_table(rows: &[[String; 6]]) -> String {
    use Align::{Left, Right};
    let table = |width: usize| {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|[who, rest @ ..]| {
                let who = shorten(&terminal(who), width);
                std::iter::once(who).chain(rest.iter().cloned()).collect()
            })
            .collect();
        layout(&[Left, Right, Right, Right, Right, Left], &PUBLISHER_HEADER, &rows, 2)
    };
    let fits = |table: &String| table.lines().all(|line| line.width() <= report::human::WIDTH);
    (12..=40).rev().map(table).find(fits).unwrap_or_else(|| table(12))
}

/// How many names a sentence has.
const NAMED: usize = 5;

/// Says on how few publishers half of the loss hangs, whom the crates hang on, and what of that is not known.
fn publisher_sentences(table: &Table) -> Vec<String> {
    let concentration = match &table.publishers {
        Known::Value(concentration) => concentration,
        Known::Unknown(reason) => return vec![format!("publishers unknown: {reason}")],
    };
    let known = concentration.crates.len();
    let all = known + concentration.unknown.len();
    let mut sentences = Vec::new();
    if known > 0 {
        sentences.push(half(concentration.half.as_ref()));
        let mut by_count = BTreeMap::<usize, (u64, Option<u64>)>::new();
        for fragility in &concentration.crates {
            let row = by_count.entry(fragility.publishers.len()).or_insert((0, fragility.takeover));
            row.0 += 1;
        }
        let of = |(count, (crates, takeover)): (&usize, &(u64, Option<u64>))| {
            let takeover = takeover.map(|takeover| losses(takeover / 1000));
            format!(
                "{} for {} with {}",
                takeover.map_or("unknown".to_owned(), |takeover| format!("at most {takeover}")),
                report::human::plural(*crates, "crate"),
                report::human::plural(*count as u64, "known publisher")
            )
        };
        let of: Vec<String> = by_count.iter().map(of).collect();
        let counted = prior::built_in().rate("takeover").and_then(|rate| {
            let (low, high) = rate.interval()?;
            Some(format!(
                ", from {} case{} in {} {} ({} to {} nine times in ten)",
                rate.cases,
                if rate.cases == 1 { "" } else { "s" },
                rate.among,
                rate.unit,
                losses(low / 1000),
                losses(high / 1000)
            ))
        });
        sentences.push(format!(
            "takeover of a crate within a year{}: {}",
            counted.unwrap_or_default(),
            of.join("; ")
        ));
        if concentration.crates.iter().any(|fragility| fragility.abandonment.is_none()) {
            sentences.push(format!(
                "abandonment unknown: nobody counted how often a publisher leaves; {} on 1 known \
                 publisher",
                by_count.get(&1).map_or("no crate hangs".to_owned(), |(crates, _)| match crates {
                    1 => "1 crate hangs".to_owned(),
                    crates => format!("{crates} crates hang"),
                })
            ));
        }
    }
    if !concentration.unknown.is_empty() {
        sentences.push(format!(
            "publishers unknown of {} of {}: {}",
            concentration.unknown.len(),
            report::human::plural(all as u64, "crate"),
            named(concentration.unknown.iter().map(|id| short(id)))
        ));
    }
    sentences
}

fn half(half: Option<&Half>) -> String {
    let Some(half) = half else {
        return "less than half of the expected loss hangs on all known publishers together"
            .to_owned();
    };
    let count = half.publishers.len() as u64;
    let joint = half.publishers.last().map_or(0, |last| last.joint_nano);
    let share = u128::from(joint) * 1000 / u128::from(half.expected_nano.max(1));
    let proof = match half.at_least == count {
        true => "and no fewer".to_owned(),
        false => format!("and no fewer than {}; the rest is not proven", half.at_least),
    };
    format!(
        "N50: {} of the expected loss hangs on {} ({}), {proof}",
        percent(u64::try_from(share).unwrap_or(1000)),
        report::human::plural(count, "publisher"),
        named(half.publishers.iter().map(|chosen| chosen.publisher.as_str()))
    )
}

/// Names the first of some things.
pub(super) fn named(names: impl Iterator<Item = impl Into<String>>) -> String {
    let names: Vec<String> = names.map(Into::into).collect();
    match names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", names[..NAMED].join(", ")),
        None => names.join(", "),
    }
}

/// Writes thousandths as percent.
pub(super) fn percent(permille: u64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
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

fn footing(table: &Table) -> Footing<'_> {
    let Assessment { priors, seed, worlds, .. } = &table.assessment;
    let Table { as_of, precision, .. } = *table;
    Footing { as_of, precision, priors, seed: *seed, worlds: *worlds }
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
    caveats.extend(table.not_counted.iter().cloned());
    caveats
}

/// Writes thousandths with a point.
pub(super) fn permille(number: i32) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", number.abs() / 1000, number.abs() % 1000)
}
