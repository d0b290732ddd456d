//! `cargo weft diff`: what changed between a base and the work tree, or another commit.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_gate::capability::{self, Capability, Shift, Update};
use weft_gate::diff::{ChangeKind, Diff, Identity};
use weft_gate::facts::{Known, Releases};
use weft_gate::inventory::Source;
use weft_gate::publisher::Publications;
use weft_gate::verdict::Summary;
use weft_gate::{Finding, Inventory, Verdict, decide};

use super::compare::{Compared, Question, compare};
use super::facts::Loaded;
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report;
use crate::source::behavior::{self, Unread};

#[derive(Debug, Args)]
// Commits are known at lock precision alone.
#[command(mut_arg("lockfile", |arg| arg.hide(true)), mut_arg("precision", |arg| arg.hide(true)))]
pub(super) struct DiffArgs {
    /// The commit to compare with
    #[arg(default_value = "HEAD")]
    base: String,
    /// The commit that is compared; by default the work tree
    head: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge both for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// What changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// What it is compared with.
    pub base: Side,
    /// What packages that came or took another's place may do, and their licences.
    pub capabilities: Vec<Shift>,
    /// What is compared.
    pub head: Side,
    /// Packages that came, went, or changed.
    pub packages: Diff,
    /// Findings of the base that the head does not have.
    pub fixed: Vec<Identity>,
    /// Findings that the base does not have.
    pub new: Vec<Finding>,
    /// How many findings both have.
    pub unchanged: u64,
    /// What is asked of a change and was not looked at, with the reason.
    pub not_evaluated: Vec<Unread>,
    /// The version of this format.
    pub schema: u32,
}

/// One side of the comparison.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// A commit, or the work tree.
    pub name: String,
    /// What was judged, unless the graph is not known.
    pub summary: Option<Summary>,
}

pub(super) fn run(args: &DiffArgs) -> Result<ExitStatus, Error> {
    let as_of = args.as_of.unwrap_or_else(super::today);
    let mut compared = compare(&Question {
        selection: &args.selection,
        base: &args.base,
        head: args.head.as_deref(),
        advisory_db: args.advisory_db.as_deref(),
        as_of,
    })?;
    know_publishers(&mut compared.base, &mut compared.head);
    let verdict = decide(&compared.head.facts).map_err(|e| Error::Bug(e.to_string()))?;
    let changes = changes(&compared, verdict)?;
    let json = serde_json::to_value(&changes).map_err(|e| Error::Bug(e.to_string()))?;
    args.format.print(human(&changes), &json)?;
    Ok(ExitStatus::Passed)
}

/// Says what changed between two sides that are known, of which `verdict` judges the head.
///
/// # Errors
///
/// The graph of a side is not known.
pub(super) fn changes(compared: &Compared, verdict: Verdict) -> Result<Changes, Error> {
    let base =
        Side { name: compared.base_name.clone(), summary: compared.base_verdict.summary.clone() };
    let (inventory, published) =
        (compared.base.inventory()?, compared.base.facts.publishers.as_ref());
    let brought = brought(published, &compared.head)?;
    told(base, &compared.head_name, inventory, &compared.head, verdict, brought)
}

/// Finds out who publishes the packages of both sides, if nobody asked before.
pub(super) fn know_publishers(base: &mut Loaded, head: &mut Loaded) {
    for side in [&mut *base, &mut *head] {
        if side.facts.publishers.is_none() {
            side.know_publishers();
        }
    }
    let updates = head.facts.base.as_mut().and_then(|base| base.behavior.as_mut());
    if let (Some(Known::Value(old)), Some(Known::Value(new)), Some(Known::Value(updates))) =
        (&base.facts.publishers, &head.facts.publishers, updates)
    {
        Publications::name(updates, old, new);
    }
}

/// Says what changed between an inventory and what is loaded, which `verdict` judges.
///
/// # Errors
///
/// The head's graph is not known; [`Error::Bug`] for a verdict on facts without a base.
pub(super) fn changes_of(
    base_side: Side,
    head_name: &str,
    base: &Inventory,
    loaded: &Loaded,
    verdict: Verdict,
) -> Result<Changes, Error> {
    let brought = brought(None, loaded)?;
    told(base_side, head_name, base, loaded, verdict, brought)
}

fn told(
    base_side: Side,
    head_name: &str,
    base: &Inventory,
    loaded: &Loaded,
    verdict: Verdict,
    (capabilities, not_evaluated): (Vec<Shift>, Vec<Unread>),
) -> Result<Changes, Error> {
    let bug = || Error::Bug("a verdict on facts with a base compares nothing".to_owned());
    let comparison = verdict.comparison.ok_or_else(bug)?;
    let packages = Diff::of(base, loaded.inventory()?);
    Ok(Changes {
        capabilities,
        packages,
        base: base_side,
        head: Side { name: head_name.to_owned(), summary: verdict.summary },
        fixed: comparison.fixed,
        new: verdict.findings,
        unchanged: comparison.unchanged.len() as u64,
        not_evaluated,
        schema: 1,
    })
}

/// Says what the packages that a change brings may do and who publishes them, and what of that was not looked at.
///
/// # Errors
///
/// The head's graph is not known; [`Error::Bug`] for facts that were not compared.
pub(super) fn brought(
    published: Option<&Known<Publications>>,
    loaded: &Loaded,
) -> Result<(Vec<Shift>, Vec<Unread>), Error> {
    let head = loaded.inventory()?;
    let behavior = loaded.facts.base.as_ref().and_then(|base| base.behavior.as_ref());
    let (updates, mut not_evaluated) = match behavior {
        Some(Known::Value(updates)) => (&updates[..], behavior::unlooked(updates)),
        Some(Known::Unknown(reason)) => {
            let subject = "what packages may do".to_owned();
            (&[][..], vec![Unread { reason: reason.clone(), subject }])
        }
        None => return Err(Error::Bug("facts with a base have no behaviour".to_owned())),
    };
    let nothing = Releases::new();
    let releases = loaded.facts.releases.as_ref().unwrap_or(&nothing);
    not_evaluated.extend(undated(head, updates, releases));
    let mut shifts = capability::shifts(updates, releases);
    let publishers =
        |reason: &str| Unread { reason: reason.to_owned(), subject: "publishers".to_owned() };
    match (published, &loaded.facts.publishers) {
        (Some(Known::Value(old)), Some(Known::Value(new))) => {
            shifts.extend(Publications::shifts(updates, old, new));
            let gaps = Publications::gaps(updates, old, new).into_iter();
            not_evaluated.extend(gaps.map(|(subject, reason)| Unread { reason, subject }));
        }
        (Some(Known::Unknown(reason)), _) | (_, Some(Known::Unknown(reason))) => {
            not_evaluated.push(publishers(reason));
        }
        (None, _) | (_, None) => not_evaluated.push(publishers("they were not looked for")),
    }
    not_evaluated.sort();
    Ok((shifts, not_evaluated))
}

/// Lists the packages of registries of which no index says what came before them.
fn undated(head: &Inventory, updates: &[Update], releases: &Releases) -> Vec<Unread> {
    let of_registry = |id: &str| {
        let mut packages = head.packages.iter();
        packages.any(|p| p.id == id && matches!(p.source, Source::Registry { .. }))
    };
    let is_dated = |id: &str| releases.get(id).is_some_and(|release| release.history.is_some());
    let coming = updates.iter().map(|update| &update.package);
    coming
        .filter(|id| of_registry(id) && !is_dated(id))
        .map(|id| Unread {
            reason: "Cargo's local cache of the index does not say what came before it".to_owned(),
            subject: id.clone(),
        })
        .collect()
}

fn human(changes: &Changes) -> String {
    let mut out = format!("{} -> {}\n", changes.base.name, changes.head.name);
    measures(&mut out, changes);
    let packages = &changes.packages;
    for (kind, title) in [
        (ChangeKind::Moved, "from another source"),
        (ChangeKind::Renamed, "renamed"),
        (ChangeKind::Replaced, "another archive or commit of the same version"),
        (ChangeKind::Downgraded, "downgraded"),
        (ChangeKind::Upgraded, "upgraded"),
    ] {
        let changed = packages.changed.iter().filter(|change| change.kind == kind);
        list(&mut out, title, changed.map(|c| format!("{} -> {}", short(&c.from), short(&c.to))));
    }
    list(&mut out, "added", packages.added.iter().map(|id| short(id)));
    list(&mut out, "removed", packages.removed.iter().map(|id| short(id)));
    list(&mut out, "new sources", packages.new_sources.iter().cloned());
    list(
        &mut out,
        "what packages may do, and how they came to be",
        changes.capabilities.iter().map(shift),
    );
    let new = changes.new.iter();
    list(
        &mut out,
        "new findings",
        new.map(|f| format!("{}[{}]: {}", f.level.as_str(), f.code, f.sentence)),
    );
    let fixed = changes.fixed.iter();
    list(&mut out, "fixed", fixed.map(|f| format!("{} {}", f.code, f.about)));
    let count = report::human::plural(changes.unchanged, "finding");
    list(&mut out, "not looked at", by_reason(&changes.not_evaluated));
    _ = writeln!(out, "\n{count} unchanged");
    out
}

/// How many subjects are named for one reason.
const MAX_NAMED: usize = 5;

/// One line for each reason.
pub(super) fn by_reason(unread: &[Unread]) -> impl Iterator<Item = String> {
    unread.chunk_by(|a, b| a.reason == b.reason).map(|alike| {
        let named = alike.iter().take(MAX_NAMED).map(|unread| short(&unread.subject));
        let mut names = named.collect::<Vec<_>>().join(", ");
        if alike.len() > MAX_NAMED {
            names += &format!(" and {} more", alike.len() - MAX_NAMED);
        }
        format!("{names}: {}", alike[0].reason)
    })
}

pub(super) fn shift(shift: &Shift) -> String {
    let (package, what) = (short(&shift.package), shift.capability.as_str());
    let names = matches!(shift.capability, Capability::Dependencies | Capability::Publisher);
    let change = match (&shift.before, &shift.after) {
        (Some(gone), Some(come)) if names => format!("{package}: {what}: {come}; no more: {gone}"),
        (Some(gone), None) if names => format!("{package}: {what}: no more: {gone}"),
        (Some(before), Some(after)) => format!("{package}: {what}: {before} -> {after}"),
        (None, Some(after)) => format!("{package}: {what}: {after}"),
        (_, None) => format!("{package}: no more: {what}"),
    };
    let rate = shift.rate.map_or("base rate unknown".to_owned(), |rate| rate.sentence());
    format!("{change} ({rate})")
}

fn measures(out: &mut String, changes: &Changes) {
    let (Some(base), Some(head)) = (&changes.base.summary, &changes.head.summary) else { return };
    for (name, before, after) in [
        ("packages", base.locked, head.locked),
        ("external", base.external, head.external),
        ("edges", base.edges, head.edges),
        ("cycles", base.cycles, head.cycles),
    ] {
        if before != after {
            _ = writeln!(out, "  {name}: {before} -> {after}");
        }
    }
    if let (Some(before), Some(after)) = (base.f50_thousandths, head.f50_thousandths)
        && before != after
    {
        let tenths = |n: u32| format!("{}.{}%", n / 10, n % 10);
        _ = writeln!(out, "  f50: {} -> {}", tenths(before), tenths(after));
    }
    if changes.packages.is_empty() {
        _ = writeln!(out, "  no package changed");
    }
}

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| terminal(&line)).collect();
    if !lines.is_empty() {
        _ = writeln!(out, "\n{title} ({})", lines.len());
        for line in lines {
            _ = writeln!(out, "  {line}");
        }
    }
}

/// Returns a package URL without what all of them begin with.
pub(super) fn short(id: &str) -> String {
    with_plus(id.strip_prefix("pkg:cargo/").unwrap_or(id))
}

/// Writes a package URL with the `+` of its version as people write it: of what names and versions have, a URL writes that
/// alone as something else.
pub(super) fn with_plus(id: &str) -> String {
    id.replace("%2B", "+")
}
