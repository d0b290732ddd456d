//! `cargo weft risk diff`: what a change of the lockfile does to the expected loss, to whom it hangs on, and to what
//! runs where.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;
use weft_gate::Inventory;
use weft_gate::capability::{Capability, Shift};
use weft_gate::check::barrier;
use weft_gate::diff::{Base, ChangeKind, Diff};
use weft_gate::facts::{Facts, Known};
use weft_gate::inventory::Precision;
use weft_gate::risk::change::{
    ConcentrationChange, CrateChange, LossChange, PublisherChange, RiskChange, Side, Step,
};
use weft_gate::risk::publisher::Half;
use weft_gate::risk::{Assessment, Concentration, Model};
use weft_graph::{Condensation, Graph, GraphError, reach_from_roots};

use super::rank::{concentration, named, percent};
use super::{Drawing, Footing, Format, losses};
use crate::command::compare::{self, Question, compare};
use crate::command::diff::{brought, by_reason, know_publishers, shift, short};
use crate::command::facts::{self, Loaded};
use crate::command::output::{Reports, Text};
use crate::command::{PrecisionChoice, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::human::plural;
use crate::report::table::{Align, layout, shorten};
use crate::source::behavior::Unread;
use crate::source::policy;

#[derive(Debug, Args)]
// Commits are known at lock precision alone, and lockfiles are named by themselves.
#[command(mut_arg("lockfile", |arg| arg.hide(true)), mut_arg("precision", |arg| arg.hide(true)))]
pub(super) struct DiffArgs {
    /// The commit to compare with, or a lockfile whose name ends with `.lock`
    #[arg(default_value = "HEAD")]
    base: String,
    /// The commit, or the lockfile, that is compared; by default the work tree
    head: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// How many crates and publishers to show, those first whose part changed most; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    reports: Reports<Format>,
}

/// What a change does, in JSON.
#[derive(Serialize, JsonSchema)]
struct RiskDiff {
    /// The day that the ages of versions are reckoned for.
    #[schemars(with = "String")]
    as_of: Date,
    /// What the barriers of the base's policy do not let in.
    barriers: Barriers,
    /// What it is compared with.
    base: String,
    /// What packages that came or took another's place may do, and who publishes them.
    capabilities: Vec<Shift>,
    /// What is compared.
    head: String,
    /// Packages that came or took another's place and, as their sources show, run code while they are built.
    host_execution: Vec<Runs>,
    /// Which of the base's barriers, and whether its cooldown, nothing enforces in what is compared, so that they do not
    /// count there.
    not_counted: Vec<String>,
    /// What is asked of a change and was not looked at, with the reason.
    not_evaluated: Vec<Unread>,
    /// Packages that came, went, or changed.
    packages: Diff,
    /// How sharply the graph that is compared is known.
    precision: Precision,
    /// The version of the priors.
    priors: String,
    /// How much hangs on whom.
    publishers: Known<ConcentrationChange>,
    /// The expected loss, and what single crates have to do with it.
    risk: RiskChange,
    /// The version of this format.
    schema: u32,
    /// The seed of the worlds.
    seed: u64,
    /// How many worlds were drawn, where any had to be.
    worlds: u32,
}

/// What barriers do not let in, in sentences.
#[derive(Serialize, JsonSchema)]
struct Barriers {
    /// What the base has and the head does not.
    fixed: Vec<String>,
    /// What the head has and the base does not.
    new: Vec<String>,
}

/// A package that runs code while it is built.
#[derive(Serialize, JsonSchema)]
struct Runs {
    /// The package URL.
    id: String,
    /// How many members depend on it, however far, so that it runs where they are built.
    members: u32,
    /// Whether what it took the place of did not.
    new: bool,
    /// What runs: `build-script` or `proc-macro`.
    what: &'static str,
}

/// Both sides, and their names.
struct Pair {
    base: Loaded,
    base_name: String,
    head: Loaded,
    head_name: String,
}

pub(super) fn run(args: &DiffArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let mut pair = pair(args)?;
    know_publishers(&mut pair.base, &mut pair.head);
    let found = found(args, &pair)?;
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&found, args.top))),
        Format::Json => report::json::render(&found).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(markdown(&found, args.top))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

/// Says whether a name is that of a lockfile; no branch or tag of git may end so.
fn is_lockfile(name: &str) -> bool {
    name.ends_with(".lock")
}

fn pair(args: &DiffArgs) -> Result<Pair, Error> {
    let as_of = args.drawing.day();
    if args.selection.lockfile.is_some() {
        return Err(Error::usage(
            "--lockfile names one lockfile, and a comparison takes two",
            "name both: `cargo weft risk diff OLD/Cargo.lock NEW/Cargo.lock`",
        ));
    }
    match (&*args.base, args.head.as_deref()) {
        (base, Some(head)) if is_lockfile(base) && is_lockfile(head) => {
            lockfiles(args, Path::new(base), Path::new(head), as_of)
        }
        (base, head) if is_lockfile(base) || head.is_some_and(is_lockfile) => Err(Error::usage(
            "a lockfile is compared with another lockfile alone",
            "name two lockfiles, or commits",
        )),
        (base, head) => {
            let compared = compare(&Question {
                selection: &args.selection,
                base,
                head,
                advisory_db: None,
                as_of,
            })?;
            Ok(Pair {
                base: compared.base,
                base_name: compared.base_name,
                head: compared.head,
                head_name: compared.head_name,
            })
        }
    }
}

/// Reads two lockfiles, both by the policy and the publishers' files that lie beside the first.
fn lockfiles(args: &DiffArgs, base: &Path, head: &Path, as_of: Date) -> Result<Pair, Error> {
    let selection = &args.selection;
    if selection.manifest_path.is_some() || selection.precision == PrecisionChoice::Metadata {
        return Err(Error::usage(
            "lockfiles are known at lock precision alone, and name themselves",
            "leave out --manifest-path and --precision",
        ));
    }
    let folder = match base.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(|_| {
        Error::usage(format!("there is no lockfile at {}", base.display()), "name a Cargo.lock")
    })?;
    let policy = policy::load(selection.policy.as_deref(), &folder)?;
    let load = |path: &Path| -> Result<Loaded, Error> {
        let selection = Selection {
            manifest_path: None,
            lockfile: Some(path.to_owned()),
            precision: PrecisionChoice::Lock,
            policy: None,
            offline: true,
            online: false,
        };
        let mut loaded = facts::load_by(&selection, as_of, Some(&policy))?;
        loaded.is_compared = true;
        loaded.base_root = Some(folder.clone());
        loaded.for_risk()?;
        Ok(loaded)
    };
    let (base_side, mut head_side) = (load(base)?, load(head)?);
    head_side.facts.base = Some(Base {
        behavior: Some(compare::behavior(&base_side, &head_side)),
        commit: String::new(),
        expected_loss_nano: None,
        findings: Vec::new(),
        rules: None,
    });
    let name = |path: &Path| path.display().to_string();
    Ok(Pair { base: base_side, base_name: name(base), head: head_side, head_name: name(head) })
}

fn found(args: &DiffArgs, pair: &Pair) -> Result<RiskDiff, Error> {
    let (old, new) = (pair.base.inventory()?, pair.head.inventory()?);
    let settings = args.drawing.settings();
    let (base, head) = (args.drawing.model(&pair.base, old)?, args.drawing.model(&pair.head, new)?);
    let models = (base.model, head.model);
    let unknown = |e: &dyn std::fmt::Display| Error::NoGraph { reason: e.to_string() };
    type Assessed = (Assessment, Known<Concentration>);
    let assess =
        |loaded: &Loaded, inventory: &Inventory, model: &Model| -> Result<Assessed, Error> {
            let (assessment, concentration) = rayon::join(
                || Assessment::of(inventory, model, settings),
                || concentration(loaded, inventory, model, settings),
            );
            Ok((assessment.map_err(|e| unknown(&e))?, concentration?))
        };
    let packages = Diff::of(old, new);
    let (before, after, risk) = args.drawing.install(|| -> Result<_, Error> {
        let (before, after) = rayon::join(
            || assess(&pair.base, old, &models.0),
            || assess(&pair.head, new, &models.1),
        );
        let (before, after) = (before?, after?);
        let base = Side { model: &models.0, assessment: &before.0 };
        let head = Side { model: &models.1, assessment: &after.0 };
        let risk = RiskChange::of(&packages, base, head, settings).map_err(|e| unknown(&e))?;
        Ok((before, after, risk))
    })??;
    let publishers = match (&before.1, &after.1) {
        (Known::Value(before), Known::Value(after)) => {
            Known::Value(ConcentrationChange::of(before, after))
        }
        (Known::Unknown(reason), _) | (_, Known::Unknown(reason)) => Known::Unknown(reason.clone()),
    };
    let (capabilities, not_evaluated) = brought(pair.base.facts.publishers.as_ref(), &pair.head)?;
    Ok(RiskDiff {
        as_of: pair.head.facts.as_of,
        barriers: barriers(&pair.base.facts, old, &pair.head.facts, new),
        base: pair.base_name.clone(),
        host_execution: host_execution(&pair.head.facts, new).map_err(|e| unknown(&e))?,
        capabilities,
        head: pair.head_name.clone(),
        not_counted: head.not_counted,
        not_evaluated,
        packages,
        precision: new.precision,
        priors: after.0.priors,
        publishers,
        risk,
        schema: 1,
        seed: settings.seed,
        worlds: settings.worlds,
    })
}

/// Compares what the barriers of one policy do not let in of both sides.
fn barriers(old: &Facts, base: &Inventory, new: &Facts, head: &Inventory) -> Barriers {
    let violations = |facts: &Facts, inventory: &Inventory| -> Vec<String> {
        let barriers = old.policy.barriers.iter();
        let found = barriers.flat_map(|barrier| barrier::violations(facts, inventory, barrier));
        let mut found: Vec<String> = found.map(|violation| violation.sentence).collect();
        found.sort();
        found.dedup();
        found
    };
    let (before, after) = (violations(old, base), violations(new, head));
    let without = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|sentence| !others.contains(sentence)).cloned().collect()
    };
    Barriers { fixed: without(&before, &after), new: without(&after, &before) }
}

/// Lists what of the packages that a change brings runs while the workspace is built, as far as their sources are there.
fn host_execution(facts: &Facts, head: &Inventory) -> Result<Vec<Runs>, GraphError> {
    let behavior = facts.base.as_ref().and_then(|base| base.behavior.as_ref());
    let Some(Known::Value(updates)) = behavior else { return Ok(Vec::new()) };
    let edges: Vec<(u32, u32)> =
        head.edges.iter().filter(|e| e.selected).map(|e| (e.from, e.to)).collect();
    let graph = Graph::from_edges(head.packages.len(), &edges)?;
    let reach = reach_from_roots(&Condensation::of(&graph), &head.roots());
    let place: BTreeMap<&str, u32> =
        (0_u32..).zip(&head.packages).map(|(at, package)| (&*package.id, at)).collect();
    let mut found = Vec::new();
    for update in updates {
        let Some(after) = &update.after else { continue };
        let Some(&at) = place.get(&*update.package) else { continue };
        for (capability, what) in
            [(Capability::BuildScript, "build-script"), (Capability::ProcMacro, "proc-macro")]
        {
            let is_there = |behavior| capability.of(behavior).is_some();
            let had = update.before.as_ref().is_some_and(is_there);
            if is_there(after) && reach.count(at) > 0 {
                let (id, members) = (update.package.clone(), reach.count(at));
                found.push(Runs { id, members, new: !had, what });
            }
        }
    }
    Ok(found)
}

/// Writes a change with its sign.
fn signed(nano: i64) -> String {
    let size = losses(nano.unsigned_abs());
    match nano.signum() {
        1 => format!("+{size}"),
        -1 => format!("-{size}"),
        _ => size,
    }
}

/// A table: how its columns stand, their titles, and its rows, of which the first cell is from outside.
struct Table {
    align: Vec<Align>,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// What is told, in order: tables and lists under titles.
struct Section {
    title: String,
    table: Option<Table>,
    lines: Vec<String>,
}

/// How many lines a list has.
const MAX_LINES: usize = 20;

fn list(title: &str, lines: impl IntoIterator<Item = String>) -> Option<Section> {
    let mut lines: Vec<String> = lines.into_iter().collect();
    let title = format!("{title} ({})", lines.len());
    if let Some(more) = lines.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more; `--format json` lists them all"));
    }
    (!lines.is_empty()).then_some(Section { title, table: None, lines })
}

fn table(
    title: String,
    align: &[Align],
    header: &[&'static str],
    rows: Vec<Vec<String>>,
) -> Option<Section> {
    let table = Table { align: align.to_vec(), header: header.to_vec(), rows };
    let is_empty = table.rows.is_empty();
    (!is_empty).then_some(Section { title, table: Some(table), lines: Vec::new() })
}

fn headline(found: &RiskDiff) -> String {
    let LossChange { before, after, change, .. } = &found.risk.expected;
    let Step { low_nano, mean_nano, high_nano, .. } = *change;
    let band = match low_nano == high_nano {
        true => String::new(),
        false => format!(", {} to {} nine times in ten", signed(low_nano), signed(high_nano)),
    };
    format!(
        "expected loss of a year {} -> {} ({}{band})",
        losses(before.mean_nano),
        losses(after.mean_nano),
        match mean_nano {
            0 => "no change".to_owned(),
            change => signed(change),
        }
    )
}

fn sections(found: &RiskDiff, top: usize) -> Vec<Section> {
    let sections = [
        campaigns(found),
        packages(found),
        crates(&found.risk.crates, top),
        publishers(found, top),
        concentration_lines(found),
        list("barriers newly violated", found.barriers.new.iter().cloned()),
        list("barriers violated no more", found.barriers.fixed.iter().cloned()),
        list("runs while the workspace is built", found.host_execution.iter().map(runs)),
        list("what packages may do, and how they came to be", found.capabilities.iter().map(shift)),
        list("of the policy, not counted", found.not_counted.iter().cloned()),
        list("not looked at", by_reason(&found.not_evaluated)),
    ];
    sections.into_iter().flatten().collect()
}

fn campaigns(found: &RiskDiff) -> Option<Section> {
    use Align::{Left, Right};
    let row = |loss: &LossChange| {
        let Step { low_nano, mean_nano, high_nano, .. } = loss.change;
        let [before, after] = [loss.before, loss.after].map(|band| losses(band.mean_nano));
        let [change, low, high] = [mean_nano, low_nano, high_nano].map(signed);
        vec![loss.name.clone(), before, after, change, low, high]
    };
    let rows = found.risk.campaigns.iter().chain([&found.risk.expected]).map(row).collect();
    let header = ["campaign", "before", "after", "change", "from", "to"];
    table("campaigns".to_owned(), &[Left, Right, Right, Right, Right, Right], &header, rows)
}

fn packages(found: &RiskDiff) -> Option<Section> {
    let packages = &found.packages;
    let own: BTreeMap<&str, i64> =
        found.risk.crates.iter().map(|row| (&*row.id, row.own_change_nano)).collect();
    let told = |kind: &str, id: &str, name: String| {
        let own = own.get(id).copied().unwrap_or(0);
        let own = if own == 0 { "as before".to_owned() } else { signed(own) };
        format!("{kind} {name}: {own}")
    };
    let changed = packages.changed.iter().map(|change| {
        let kind = match change.kind {
            ChangeKind::Replaced => "another archive of",
            ChangeKind::Downgraded
            | ChangeKind::Moved
            | ChangeKind::Renamed
            | ChangeKind::Upgraded => change.kind.as_str(),
        };
        told(kind, &change.to, format!("{} -> {}", short(&change.from), short(&change.to)))
    });
    let added = packages.added.iter().map(|id| told("added", id, short(id)));
    let removed = packages.removed.iter().map(|id| told("removed", id, short(id)));
    let title = "packages, and what attacks that begin in them cost more or less";
    list(title, added.chain(removed).chain(changed))
}

fn crates(rows: &[CrateChange], top: usize) -> Option<Section> {
    use Align::{Left, Right};
    let moved: Vec<&CrateChange> = rows.iter().filter(|row| row.change_nano != 0).collect();
    let shown = if top == 0 { moved.len() } else { moved.len().min(top) };
    let title = format!("delta of crates ({shown} of {} that changed)", moved.len());
    let number = |nano: Option<u64>| nano.map_or("-".to_owned(), losses);
    let row = |row: &&CrateChange| {
        vec![
            short(&row.id),
            number(row.before_nano),
            number(row.after_nano),
            signed(row.change_nano),
        ]
    };
    let rows = moved[..shown].iter().map(row).collect();
    table(title, &[Left, Right, Right, Right], &["crate", "before", "after", "change"], rows)
}

fn publishers(found: &RiskDiff, top: usize) -> Option<Section> {
    use Align::{Left, Right};
    let Known::Value(change) = &found.publishers else { return None };
    let shown = if top == 0 { change.publishers.len() } else { change.publishers.len().min(top) };
    let title =
        format!("delta of publishers ({shown} of {} that changed)", change.publishers.len());
    let rows = change.publishers[..shown].iter().map(|row| {
        let number = |side: Option<u64>| side.map_or("-".to_owned(), losses);
        let word = match (&row.before, &row.after) {
            (None, Some(_)) => "new",
            (Some(_), None) => "gone",
            (Some(_) | None, _) => "",
        };
        vec![
            row.publisher.clone(),
            number(row.before.as_ref().map(|row| row.delta_nano)),
            number(row.after.as_ref().map(|row| row.delta_nano)),
            signed(row.change_nano),
            word.to_owned(),
        ]
    });
    let header = ["publisher", "before", "after", "change", ""];
    table(title, &[Left, Right, Right, Right, Left], &header, rows.collect())
}

fn concentration_lines(found: &RiskDiff) -> Option<Section> {
    let change = match &found.publishers {
        Known::Unknown(reason) => return list("publishers unknown", [reason.clone()]),
        Known::Value(change) => change,
    };
    let half = |half: Option<&Half>| match half {
        None => "more than all known publishers".to_owned(),
        Some(half) => {
            let count = half.publishers.len() as u64;
            let proof = match half.at_least == count {
                true => String::new(),
                false => format!(", no fewer than {}", half.at_least),
            };
            let who = named(half.publishers.iter().map(|chosen| &*chosen.publisher));
            format!("{} ({who}{proof})", plural(count, "publisher"))
        }
    };
    let (before, after) = (half(change.half_before.as_ref()), half(change.half_after.as_ref()));
    let mut lines = vec![match before == after {
        true => format!("half of the loss hangs on {after}, as before"),
        false => format!("half of the loss hung on {before}, and hangs on {after}"),
    }];
    let share = |word: &str, is: fn(&PublisherChange) -> Option<u64>| {
        let of = change.publishers.iter().filter_map(|row| Some((row, is(row)?)));
        let of = of.map(|(row, share)| format!("{} ({})", row.publisher, percent(share)));
        let of: Vec<String> = of.collect();
        (!of.is_empty()).then(|| format!("{word}: {}", named(of.iter().map(String::as_str))))
    };
    lines.extend(share("publishers that nothing hung on before", |row| {
        row.before.is_none().then(|| row.after.as_ref().map(|after| after.share_permille))?
    }));
    lines.extend(share("publishers that nothing hangs on any more", |row| {
        row.after.is_none().then(|| row.before.as_ref().map(|before| before.share_permille))?
    }));
    if change.unknown_after > 0 || change.unknown_before > 0 {
        lines.push(format!(
            "publishers unknown of {}, before of {}",
            plural(change.unknown_after, "crate"),
            change.unknown_before
        ));
    }
    list("whom it hangs on", lines)
}

fn runs(runs: &Runs) -> String {
    let what = if runs.what == "proc-macro" { "procedural macro" } else { "build script" };
    let new = if runs.new { ", new" } else { "" };
    format!(
        "{}: {what}, where {} built{new}",
        short(&runs.id),
        match runs.members {
            1 => "1 member is".to_owned(),
            many => format!("{many} members are"),
        }
    )
}

fn human(found: &RiskDiff, top: usize) -> String {
    let mut out = String::new();
    let title = format!("{} -> {}", terminal(&found.base), terminal(&found.head));
    report::human::paragraph(&mut out, "", &title, 0);
    report::human::paragraph(&mut out, "", &headline(found), 2);
    for Section { title, table, lines } in sections(found, top) {
        _ = writeln!(out, "\n{title}");
        if let Some(table) = &table {
            out.push_str(&fitted(table));
        }
        for line in lines {
            report::human::paragraph(&mut out, "", &terminal(&line), 2);
        }
    }
    if found.packages.is_empty() {
        out.push_str("\nno package changed\n");
    }
    out.push('\n');
    report::human::paragraph(&mut out, "", &footing(found).to_string(), 2);
    out
}

/// Lays a table out; names give way to numbers.
fn fitted(table: &Table) -> String {
    let laid = |width: usize| {
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .map(|row| {
                let name = row.first().map(|name| shorten(&terminal(name), width));
                name.into_iter().chain(row.iter().skip(1).cloned()).collect()
            })
            .collect();
        layout(&table.align, &table.header, &rows, 2)
    };
    let fits = |text: &String| text.lines().all(|line| line.width() <= report::human::WIDTH);
    (12..=44).rev().map(laid).find(fits).unwrap_or_else(|| laid(12))
}

fn markdown(found: &RiskDiff, top: usize) -> String {
    let (base, head) = (markdown_code(&found.base), markdown_code(&found.head));
    let mut out =
        format!("## cargo weft: risk of {base} to {head}\n\n{}\n", markdown_text(&headline(found)));
    for Section { title, table, lines } in sections(found, top) {
        _ = writeln!(out, "\n### {title}\n");
        if let Some(table) = &table {
            let rule: Vec<&str> = table
                .align
                .iter()
                .map(|align| match align {
                    Align::Left => "-",
                    Align::Right => "-:",
                })
                .collect();
            _ = writeln!(out, "| {} |\n|{}|", table.header.join(" | "), rule.join("|"));
            for row in &table.rows {
                let name = row.first().map(|name| markdown_code(name));
                let cells: Vec<String> =
                    name.into_iter().chain(row.iter().skip(1).cloned()).collect();
                _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        for line in lines {
            _ = writeln!(out, "- {}", markdown_text(&line));
        }
    }
    if found.packages.is_empty() {
        out.push_str("\nNo package changed.\n");
    }
    _ = writeln!(out, "\nThis is {}.", footing(found));
    out
}

fn footing(found: &RiskDiff) -> Footing<'_> {
    let RiskDiff { as_of, precision, ref priors, seed, worlds, .. } = *found;
    Footing { as_of, precision, priors, seed, worlds }
}
