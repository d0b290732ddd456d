//! Whether anything foretells better than base rates: what is known of crates up to the end of 2025 is asked for the
//! vulnerabilities of 2026.
//!
//! A score says, in a few steps, something of a crate that was known on the first of January.
//! For each step it is counted how many crate-years of 2019 to 2025 had a vulnerability that RustSec reports, in the same
//! part of the year that is known of 2026; that share, drawn towards that of all as if ten more crate-years had it, is
//! what the score foretells for 2026.
//! The Brier score is the mean square of what was foretold less what came (0 or 1); less is better.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use rayon::prelude::*;
use weft_gate::advisory::Kind;
use weft_gate::input::index::{self, Others};
use weft_gate::input::{advisory, lockfile};
use weft_gate::risk::{Assessment, Model, Settings, campaign, model, prior};

/// The first year that is counted, and the one that is foretold.
const YEARS: (i16, i16) = (2019, 2026);

/// Crate-years that draw a share towards that of all.
const DRAWN: f64 = 10.0;

/// What a score says, and of what it is made.
const SCORES: [&str; 8] = [
    "past vulnerabilities",
    "versions so far",
    "versions in a year",
    "years of age",
    "past and versions in a year",
    "delta in lockfiles of 2026",
    "unsafe in sources of 2026",
    "acts in sources of 2026",
];

/// What is known of crates.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The days of vulnerabilities that are reported of each crate.
    pub(crate) vulnerable: BTreeMap<String, Vec<Date>>,
    /// The days of reports that a crate was published to do harm.
    pub(crate) malicious: Vec<Date>,
    /// The days on which versions of each crate were published, ascending.
    pub(crate) published: BTreeMap<String, Vec<Date>>,
    /// The largest part of a lockfile's expected loss, in thousandths, that blocking each crate saves.
    pub(crate) delta: BTreeMap<String, u64>,
    /// How often `unsafe` stands in the newest copy of each crate's sources, and how many kinds of acts its code does.
    pub(crate) behavior: BTreeMap<String, (u64, u64)>,
    /// The last day of which something is known.
    pub(crate) until: Option<Date>,
}

/// A crate in a year.
#[derive(Debug, Clone)]
struct Case {
    year: i16,
    scores: [u64; SCORES.len()],
    happened: bool,
}

/// How good a score is.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) score: &'static str,
    pub(crate) brier: f64,
    /// By how much it is better than the base rate, and half of the width of the 95% interval of that.
    pub(crate) gain: (f64, f64),
    /// For each step: cases, the sum of what was foretold, and what came.
    pub(crate) reliability: BTreeMap<u64, (u64, f64, u64)>,
}

/// The past, and what of 2026 it foretells.
#[derive(Debug, Clone)]
pub(crate) struct Backtest {
    /// Crate-years and vulnerabilities, of the past and of 2026.
    pub(crate) counts: [(u64, u64); 2],
    pub(crate) base_rate: f64,
    pub(crate) base_brier: f64,
    pub(crate) rows: Vec<Row>,
}

/// Reads a clone of RustSec's database, the index in a Cargo home, and lockfiles; the sources in that home take longer.
pub(crate) fn read(
    database: &Path,
    home: &Path,
    lockfiles: &[impl AsRef<Path>],
    with_sources: bool,
) -> Known {
    let mut known = Known::default();
    for folder in listed(&database.join("crates")) {
        for path in listed(&folder) {
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let place = format!("crates/{}/{}", name(&folder), name(&path));
            let Ok(entry) = advisory::parse(&place, &fs::read(&path).unwrap()) else { continue };
            known.until = known.until.max(Some(entry.date));
            let (package, day) = (entry.advisory.package.to_lowercase(), entry.advisory.date);
            match entry.advisory.kind {
                _ if !entry.counts => {}
                Kind::Malicious => known.malicious.push(day),
                Kind::Vulnerability => known.vulnerable.entry(package).or_default().push(day),
                Kind::Notice | Kind::Unmaintained | Kind::Unsound => {}
            }
        }
    }
    let others = Others { first: &|_| None, is_locked: &|_| false, is_given: None };
    let mut open = vec![home.join("registry/index")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(listed(&path));
        } else if path.components().any(|part| part.as_os_str() == ".cache") {
            let releases = index::all(&fs::read(&path).unwrap(), &others).unwrap_or_default();
            let mut days: Vec<Date> =
                releases.iter().filter_map(|(_, release)| release.published).collect();
            days.sort();
            if !days.is_empty() {
                known
                    .published
                    .insert(path.file_name().unwrap().to_str().unwrap().to_owned(), days);
            }
        }
    }
    for path in lockfiles {
        deltas(&fs::read(path).unwrap(), &mut known.delta);
    }
    if with_sources {
        known.behavior = behaviors(home);
    }
    known
}

/// Reads how the newest copy of each crate behaves.
fn behaviors(home: &Path) -> BTreeMap<String, (u64, u64)> {
    let mut newest = BTreeMap::<String, (semver::Version, PathBuf)>::new();
    for copy in listed(&home.join("registry/src")).iter().flat_map(|registry| listed(registry)) {
        let folder = copy.file_name().unwrap().to_str().unwrap();
        let split = folder.match_indices('-').find_map(|(at, _)| {
            Some((folder[..at].to_lowercase(), semver::Version::parse(&folder[at + 1..]).ok()?))
        });
        let Some((name, version)) = split else { continue };
        if newest.get(&name).is_none_or(|(known, _)| *known < version) {
            newest.insert(name, (version, copy));
        }
    }
    let scan = |(name, (_, copy)): (&String, &(semver::Version, PathBuf))| {
        let behavior = cargo_weft::source::behavior::scan(copy);
        (name.clone(), (behavior.unsafe_words, behavior.traces.len() as u64))
    };
    newest.par_iter().map(scan).collect()
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Adds what blocking the crates of a lockfile saves.
fn deltas(text: &[u8], known: &mut BTreeMap<String, u64>) {
    let lockfile = lockfile::parse("Cargo.lock", text).unwrap();
    let inventory = weft_gate::inventory::from_lock(&lockfile, &[], false);
    let layers = weft_gate::policy::built_in("local").unwrap();
    let policy = weft_gate::policy::combine(&layers).unwrap().policy;
    let day = model::Known { as_of: date(2026, 1, 1), releases: None };
    let model = Model::of(&inventory, &policy, day, prior::built_in(), campaign::built_in());
    let found = Assessment::of(&inventory, &model, Settings { seed: 1, worlds: 512 }).unwrap();
    for row in found.rows {
        let name =
            row.id.trim_start_matches("pkg:cargo/").split('@').next().unwrap().to_lowercase();
        let share = row.delta_nano * 1000 / found.expected.mean_nano.max(1);
        let largest = known.entry(name).or_default();
        *largest = share.max(*largest);
    }
}

/// Asks every score of the past for the last year.
pub(crate) fn backtest(known: &Known) -> Backtest {
    let until = known.until.unwrap();
    let cases: Vec<Case> =
        (YEARS.0..=YEARS.1).flat_map(|year| of_year(known, year, until)).collect();
    let (past, last): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|c| c.year < YEARS.1);
    let count = |cases: &[&Case]| -> (u64, u64) {
        let happened = cases.iter().filter(|case| case.happened).count();
        (cases.len() as u64, happened as u64)
    };
    let counts = [count(&past), count(&last)];
    let base_rate = counts[0].1 as f64 / counts[0].0 as f64;
    let base: Vec<(f64, bool)> = last.iter().map(|case| (base_rate, case.happened)).collect();
    let row = |score: usize| {
        let mut steps = BTreeMap::<u64, (f64, f64)>::new();
        for case in &past {
            let step = steps.entry(case.scores[score]).or_default();
            *step = (step.0 + 1.0, step.1 + f64::from(u8::from(case.happened)));
        }
        let foretold: Vec<(f64, bool)> = last
            .iter()
            .map(|case| {
                let (of, count) = steps.get(&case.scores[score]).copied().unwrap_or_default();
                ((count + DRAWN * base_rate) / (of + DRAWN), case.happened)
            })
            .collect();
        let mut reliability = BTreeMap::<u64, (u64, f64, u64)>::new();
        for (case, (p, happened)) in last.iter().zip(&foretold) {
            let step = reliability.entry(case.scores[score]).or_default();
            *step = (step.0 + 1, step.1 + p, step.2 + u64::from(*happened));
        }
        let (score, brier) = (SCORES[score], brier(&foretold));
        Row { score, brier, gain: gain(&base, &foretold), reliability }
    };
    Backtest {
        counts,
        base_rate,
        base_brier: brier(&base),
        rows: (0..SCORES.len()).map(row).collect(),
    }
}

/// Returns the crates that were there on the first day of a year, with what was known of them and what came.
fn of_year(known: &Known, year: i16, until: Date) -> Vec<Case> {
    let first = date(year, 1, 1);
    // The same part of each year.
    let end = date(year, until.month(), until.day().min(28));
    let cases = known.published.iter().filter_map(|(name, days)| {
        let before = days.iter().filter(|day| **day < first).count() as u64;
        let oldest = days.first().filter(|day| **day < first)?;
        let recent =
            days.iter().filter(|day| (date(year - 1, 1, 1)..first).contains(*day)).count() as u64;
        let vulnerable = known.vulnerable.get(name).map_or(&[][..], Vec::as_slice);
        let past = vulnerable.iter().filter(|day| **day < first).count() as u64;
        let delta = known.delta.get(name).copied().unwrap_or(0);
        let behavior = known.behavior.get(name).copied().unwrap_or_default();
        let steps = |number: u64| u64::from(u64::BITS - number.leading_zeros());
        let age = u64::try_from(year - oldest.year()).unwrap_or(0).min(8);
        let scores = [
            past.min(2),
            steps(before).min(8),
            steps(recent).min(5),
            age,
            past.min(2) * 10 + steps(recent).min(5),
            steps(delta),
            steps(behavior.0),
            behavior.1,
        ];
        let happened = vulnerable.iter().any(|day| (first..=end).contains(day));
        Some(Case { year, scores, happened })
    });
    cases.collect()
}

/// Returns the mean square of what was foretold less what came.
fn brier(foretold: &[(f64, bool)]) -> f64 {
    let squares = foretold.iter().map(|(p, happened)| (p - f64::from(u8::from(*happened))).powi(2));
    squares.sum::<f64>() / foretold.len() as f64
}

/// Returns by how much the second of two forecasts of the same cases is better, and half of the 95% interval.
fn gain(base: &[(f64, bool)], other: &[(f64, bool)]) -> (f64, f64) {
    let steps: Vec<f64> =
        base.iter().zip(other).map(|(a, b)| brier(&[*a]) - brier(&[*b])).collect();
    let len = steps.len() as f64;
    let mean = steps.iter().sum::<f64>() / len;
    let variance = steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / len;
    (mean, 1.96 * (variance / len).sqrt())
}

/// Foretells for each month of 2026 whether a crate is reported that was published to do harm: by the rate of 2022 to
/// 2025, and by the share of their months that had one. Returns months of 2026, those with a report, and for each way
/// what it foretells and its Brier score.
pub(crate) fn months(known: &Known) -> (u64, u64, [(f64, f64); 2]) {
    let until = known.until.unwrap();
    let of = |day: &Date| (day.year(), day.month());
    let with: BTreeSet<(i16, i8)> = known.malicious.iter().map(of).collect();
    let is_past = |day: &&Date| (2022..YEARS.1).contains(&day.year());
    let reports = known.malicious.iter().filter(is_past).count() as f64;
    let past = with.iter().filter(|(year, _)| (2022..YEARS.1).contains(year)).count() as f64;
    let ways = [1.0 - (-reports / 48.0).exp(), past / 48.0];
    let months: Vec<bool> =
        (1..=until.month()).map(|month| with.contains(&(YEARS.1, month))).collect();
    let score = |p: f64| brier(&months.iter().map(|happened| (p, *happened)).collect::<Vec<_>>());
    let came = months.iter().filter(|happened| **happened).count();
    (months.len() as u64, came as u64, ways.map(|p| (p, score(p))))
}

/// Writes what came of it.
pub(crate) fn report(known: &Known) -> String {
    let found = backtest(known);
    let [(of, count), (of_last, count_last)] = found.counts;
    let mut out = format!(
        "{of} crate-years of {} to {} with a vulnerability in {count}; {of_last} in {} with {count_last}\n\
         base rate {:.4}, Brier score {:.5}\n",
        YEARS.0,
        YEARS.1 - 1,
        YEARS.1,
        found.base_rate,
        found.base_brier
    );
    for row in &found.rows {
        let (gain, width) = row.gain;
        let verdict = if gain > width { "better" } else { "not better" };
        _ = writeln!(
            out,
            "{:28} {:.5}, {:+.5} +- {:.5}: {verdict} than the base rate",
            row.score, row.brier, gain, width
        );
        for (step, (of, foretold, came)) in &row.reliability {
            _ = writeln!(
                out,
                "  step {step:2}: {of:4} crates, {foretold:5.2} foretold, {came:2} came"
            );
        }
    }
    let (months, came, ways) = months(known);
    _ = writeln!(out, "months of {} with a malicious crate: {came} of {months}", YEARS.1);
    for (way, (p, brier)) in ["rate", "share of months"].iter().zip(ways) {
        _ = writeln!(
            out,
            "  by the {way} of 2022 to 2025: {p:.3} foretold, Brier score {brier:.4}"
        );
    }
    out
}
