//! `cargo weft diff`: what changed between a base and the work tree, or another commit.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::diff::{ChangeKind, Diff, Identity};
use weft_gate::verdict::Summary;
use weft_gate::{Finding, decide};

use super::compare::{Question, compare};
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report;

#[derive(Debug, Args)]
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
#[derive(Debug, Serialize, JsonSchema)]
struct Changes {
    base: Side,
    head: Side,
    packages: Diff,
    fixed: Vec<Identity>,
    new: Vec<Finding>,
    unchanged: u64,
    /// What is asked of a change and cannot be told from lockfiles and manifests.
    not_evaluated: Vec<&'static str>,
    schema: u32,
}

/// One side of the comparison.
#[derive(Debug, Serialize, JsonSchema)]
struct Side {
    name: String,
    summary: Option<Summary>,
}

const UNKNOWN: [&str; 3] = ["build scripts and procedural macros", "unsafe code", "publishers"];

pub(super) fn run(args: &DiffArgs) -> Result<ExitStatus, Error> {
    let as_of = args.as_of.unwrap_or_else(super::today);
    let compared = compare(&Question {
        selection: &args.selection,
        base: &args.base,
        head: args.head.as_deref(),
        advisory_db: args.advisory_db.as_deref(),
        as_of,
    })?;
    let verdict = decide(&compared.head.facts).map_err(|e| Error::Bug(e.to_string()))?;
    let bug = || Error::Bug("a verdict on facts with a base compares nothing".to_owned());
    let comparison = verdict.comparison.ok_or_else(bug)?;
    let changes = Changes {
        packages: Diff::of(compared.base.inventory()?, compared.head.inventory()?),
        base: Side { name: compared.base_name, summary: compared.base_verdict.summary },
        head: Side { name: compared.head_name, summary: verdict.summary },
        fixed: comparison.fixed,
        new: verdict.findings,
        unchanged: comparison.unchanged.len() as u64,
        not_evaluated: UNKNOWN.to_vec(),
        schema: 1,
    };
    let json = serde_json::to_value(&changes).map_err(|e| Error::Bug(e.to_string()))?;
    args.format.print(human(&changes), &json)?;
    Ok(ExitStatus::Passed)
}

fn human(changes: &Changes) -> String {
    let mut out = format!("{} -> {}\n", changes.base.name, changes.head.name);
    measures(&mut out, changes);
    let packages = &changes.packages;
    for (kind, title) in [
        (ChangeKind::Moved, "from another source"),
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
    let new = changes.new.iter();
    list(
        &mut out,
        "new findings",
        new.map(|f| format!("{}[{}]: {}", f.level.as_str(), f.code, f.sentence)),
    );
    let fixed = changes.fixed.iter();
    list(&mut out, "fixed", fixed.map(|f| format!("{} {}", f.code, f.about)));
    let count = report::human::plural(changes.unchanged, "finding");
    _ = writeln!(out, "\n{count} unchanged; not looked at: {}", changes.not_evaluated.join(", "));
    out
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
fn short(id: &str) -> String {
    id.strip_prefix("pkg:cargo/").unwrap_or(id).to_owned()
}
