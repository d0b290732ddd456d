//! `cargo weft risk plan`: which barriers lower the expected loss most, and, with `--apply`, the lines of `weft.toml`
//! that put them up.

mod edit;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use unicode_width::UnicodeWidthStr;
use weft_gate::Place;
use weft_gate::check::barrier;
use weft_gate::input::lockfile;
use weft_gate::inventory::{Inventory, Precision};
use weft_gate::policy::{Barrier, parse_layer};
use weft_gate::risk::feature::{self, FeaturePlan};
use weft_gate::risk::plan::{self, HostPlan, Plan, Question, SeparationPlan};
use weft_gate::risk::{model, prior};

use self::edit::{Dropped, Edit};
use super::{Drawing, Format, campaigns, losses};
use crate::command::facts::{self, Loaded};
use crate::command::output::{Reports, Text};
use crate::command::{Selection, today};
use crate::error::{Error, ExitStatus};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::table::{Align, layout, shorten};
use crate::source::{files, index, workspace};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
    /// How many barriers there may be: by default 5, and against `host-execution` as many as separate it all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    budget: Option<u32>,
    /// What to plan against: `expected-loss`, `host-execution`, or a campaign by its name or file
    #[arg(long, default_value = "expected-loss", value_name = "WHAT")]
    against: String,
    /// How many days versions should wait before they are locked; 0 proposes no window
    #[arg(long, default_value_t = 1, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=365))]
    window: u32,
    /// Show the edit of the manifests that drops this, and what it saves; with --apply, write a barrier that keeps it away
    #[arg(long, value_name = "CRATE[/FEATURE]", value_parser = Dropped::parse)]
    drop: Vec<Dropped>,
    /// Write the barriers that hold today into weft.toml
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    reports: Reports<Format>,
}

/// A plan in JSON.
#[derive(Serialize, JsonSchema)]
struct Report {
    /// What it is against.
    against: String,
    /// The barriers that were written, by the name of their crate.
    applied: Vec<String>,
    /// The edits of manifests that drop what the plan, or the command line, names.
    edits: Vec<Edit>,
    /// What switching off features would save.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<FeaturePlan>,
    /// Why features were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    features_unknown: Option<String>,
    /// The plan against code that runs while the workspace is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostPlan>,
    /// Why others were not.
    not_applied: Vec<String>,
    /// The written barriers that are violated until the manifests are edited.
    until_edited: Vec<String>,
    /// What of the written barriers cannot be looked at today.
    not_evaluated: Vec<String>,
    /// The plan against an expected loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// How sharply the graph is known.
    precision: Precision,
    /// The version of this format.
    schema: u32,
    /// Whether the command line names what is dropped.
    #[serde(skip)]
    is_named: bool,
    /// The plan that separates the workspace from code that runs while it is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    separation: Option<SeparationPlan>,
}

const HOST_EXECUTION: &str = "host-execution";
const EXPECTED_LOSS: &str = "expected-loss";

pub(super) fn run(args: &PlanArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let mut loaded = facts::load(&args.selection, today())?;
    let releases = index::releases(loaded.inventory()?);
    loaded.facts.releases = releases;
    let inventory = loaded.inventory()?;
    let mut report = Report {
        against: args.against.clone(),
        applied: Vec::new(),
        edits: Vec::new(),
        features: None,
        features_unknown: None,
        host: None,
        not_applied: Vec::new(),
        not_evaluated: Vec::new(),
        until_edited: Vec::new(),
        plan: None,
        precision: inventory.precision,
        schema: 1,
        is_named: !args.drop.is_empty(),
        separation: None,
    };
    match args.budget {
        _ if args.against != HOST_EXECUTION => against_loss(args, &loaded, inventory, &mut report)?,
        _ if !args.drop.is_empty() => {
            return Err(Error::usage(
                "what dropping saves is reckoned against an expected loss",
                "leave --drop or --against host-execution out",
            ));
        }
        None => {
            let separation = plan::separate(inventory);
            report.separation = Some(separation.map_err(|reason| Error::NoGraph { reason })?);
        }
        Some(budget) => {
            let host = args.drawing.install(|| plan::hold_host(inventory, budget))?;
            report.host = Some(host.map_err(|reason| Error::NoGraph { reason })?);
        }
    }
    if args.apply {
        apply(args, &loaded, inventory, &mut report)?;
    }
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(human(&report))),
        Format::Json => report::json::render(&report).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(markdown(&report))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

/// How many barriers there may be, if nobody says.
const BUDGET: u32 = 5;

const ONLY_A_LOCKFILE: &str =
    "features are known at metadata precision, from a workspace with its manifests";

fn against_loss(
    args: &PlanArgs,
    loaded: &Loaded,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<(), Error> {
    let priors = prior::built_in();
    let named = match args.against.as_str() {
        EXPECTED_LOSS => args.drawing.campaign.clone(),
        campaign if args.drawing.campaign.is_empty() => vec![campaign.to_owned()],
        _ => {
            return Err(Error::usage(
                "campaigns are named by both --against and --campaign",
                "name them by one of them",
            ));
        }
    };
    let campaigns = campaigns(&named, &loaded.facts.policy, &priors)?;
    let question = Question {
        inventory,
        policy: &loaded.facts.policy,
        known: model::Known {
            as_of: loaded.facts.as_of,
            releases: loaded.facts.releases.as_ref().ok(),
        },
        priors: &priors,
        campaigns: &campaigns,
        settings: args.drawing.settings(),
        budget: args.budget.unwrap_or(BUDGET),
        window_days: args.window,
    };
    let no_graph = |reason: String| Error::NoGraph { reason };
    let plan = args.drawing.install(|| plan::plan(question))?;
    report.plan = Some(plan.map_err(|e| no_graph(e.to_string()))?);
    drops(args, loaded, question, report)
}

/// Adds what dropping saves, and the edits that do it.
fn drops(
    args: &PlanArgs,
    loaded: &Loaded,
    question: Question<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let no_graph = |reason: String| Error::NoGraph { reason };
    let named: Vec<feature::Feature> = args
        .drop
        .iter()
        .filter_map(|dropped| Some((dropped.name.clone(), dropped.feature.clone()?)))
        .collect();
    if args.selection.lockfile.is_some() {
        if let Some(dropped) = args.drop.first() {
            return Err(Error::usage(
                format!(
                    "{} is dropped in manifests, and only a lockfile is read",
                    dropped.to_string().escape_debug()
                ),
                "name the workspace with --manifest-path instead of --lockfile",
            ));
        }
        report.features_unknown = Some(ONLY_A_LOCKFILE.to_owned());
        return Ok(());
    }
    let tree = workspace::read_workspace(args.selection.manifest_path.as_deref())?;
    match (&loaded.metadata, &tree.lockfile) {
        (Some(metadata), Some(bytes)) => {
            let lockfile = lockfile::parse(&tree.lockfile_name, bytes);
            let lockfile = lockfile.map_err(|fault| no_graph(fault.to_string()))?;
            let source =
                feature::Source { lockfile: &lockfile, manifests: &tree.manifests, metadata };
            let found = args.drawing.install(|| feature::features(question, source, &named))?;
            report.features = Some(found.map_err(|reason| {
                Error::usage(reason, "`cargo weft risk plan` lists features that save something")
            })?);
        }
        _ if named.is_empty() => report.features_unknown = Some(ONLY_A_LOCKFILE.to_owned()),
        _ => return Err(Error::usage(ONLY_A_LOCKFILE, "ask for --precision metadata")),
    }
    let mut wanted = args.drop.clone();
    if wanted.is_empty() {
        let features = report.features.iter().flat_map(|plan| &plan.features);
        wanted.extend(features.map(|found| Dropped {
            name: found.name.clone(),
            feature: Some(found.feature.clone()),
        }));
        let crates = report.plan.iter().flat_map(|plan| &plan.drops.crates);
        let named =
            crates.filter_map(|drop| question.inventory.packages.iter().find(|p| p.id == drop.id));
        wanted.extend(named.map(|package| Dropped { name: package.name.clone(), feature: None }));
        wanted.dedup();
    }
    for dropped in &wanted {
        let edit = edit::edit(&tree, dropped).map_err(no_graph)?;
        if edit.diff.is_empty() && !args.drop.is_empty() {
            let shown = edit.drops.escape_debug();
            return Err(Error::usage(
                format!("no manifest of the workspace asks for {shown} where it is built"),
                "name a direct dependency of a member, or a feature that a member asks for",
            ));
        }
        report.edits.push(edit);
    }
    Ok(())
}

impl Report {
    /// Returns the barriers that are proposed, those together that hold one crate.
    fn proposals(&self) -> Vec<Vec<Barrier>> {
        let planned = self.plan.iter().flat_map(|plan| &plan.proposals);
        let planned = planned.map(|proposal| proposal.barriers.clone());
        let cut = self.separation.iter().flat_map(|separation| &separation.crates);
        let held = self.host.iter().flat_map(|host| &host.crates);
        let cut = cut.map(|gateway| gateway.barriers.clone());
        planned.chain(cut).chain(held.map(|held| held.barriers.clone())).collect()
    }
}

/// Writes the barriers that nothing violates today.
fn apply(
    args: &PlanArgs,
    loaded: &Loaded,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<(), Error> {
    let mut facts = loaded.facts.clone();
    let mut written = Vec::new();
    // What the command line drops is kept away from the edit on; what the plan would drop, a person has not chosen.
    for Dropped { name, feature } in &args.drop {
        let reason = "it was dropped to lower the expected loss".to_owned();
        let barrier = Barrier::Drop { name: name.clone(), feature: feature.clone(), reason };
        if !barrier::violations(&facts, inventory, &barrier).is_empty() {
            report.until_edited.push(words(&barrier));
        }
        report.applied.push(format!("{} {name}", barrier.kind()));
        written.push(barrier);
    }
    for proposal in report.proposals() {
        let others = facts.policy.barriers.clone();
        facts.policy.barriers.extend_from_slice(&proposal);
        let mut violations =
            proposal.iter().flat_map(|barrier| barrier::violations(&facts, inventory, barrier));
        if let Some(violation) = violations.next() {
            report.not_applied.push(violation.sentence);
            facts.policy.barriers = others;
            continue;
        }
        for barrier in &proposal {
            report.applied.push(format!("{} {}", barrier.kind(), barrier.name()));
            report.not_evaluated.extend(barrier::unknown(&facts, inventory, barrier));
        }
        written.extend(proposal);
    }
    if written.is_empty() { Ok(()) } else { write(&policy_file(args, loaded)?, &written) }
}

/// The largest policy that is edited, in bytes.
const MAX_POLICY: usize = 1 << 20;

/// Returns the file that barriers are written into.
fn policy_file(args: &PlanArgs, loaded: &Loaded) -> Result<PathBuf, Error> {
    match args.selection.policy.as_deref() {
        None => Ok(loaded.root.join("weft.toml")),
        Some(path) if Path::new(path).is_file() => Ok(PathBuf::from(path)),
        Some(profile) => Err(Error::usage(
            format!("barriers cannot be written into the profile `{profile}`"),
            "name a policy file, or leave --policy out",
        )),
    }
}

fn write(path: &Path, barriers: &[Barrier]) -> Result<(), Error> {
    const FILE: &str = "weft.toml";
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new(".")).canonicalize();
    let directory = directory.map_err(|source| Error::File {
        action: "read",
        path: FILE.to_owned(),
        source,
    })?;
    let path = &directory.join(path.file_name().unwrap_or(FILE.as_ref()));
    let text = match files::read_inside(&directory, path, MAX_POLICY) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) => "schema = 1\nprofile = \"local\"\n".to_owned(),
        Err(refusal) => return Err(Error::usage(format!("{FILE} {refusal}"), "correct it first")),
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|_| Error::usage(format!("{FILE} cannot be edited"), "correct it first"))?;
    let list = document.entry("barrier").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let list = list.as_array_of_tables_mut().ok_or_else(|| {
        Error::usage(
            format!("{FILE} holds its barriers in an inline array"),
            "write each as a table `[[barrier]]`",
        )
    })?;
    for barrier in barriers {
        list.push(entry(barrier)?);
    }
    let text = document.to_string();
    // What would not be read again is not written.
    parse_layer(FILE, text.as_bytes())
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    files::replace(path, text.as_bytes())
}

/// The keys that come first in a barrier.
const FIRST: [&str; 4] = ["kind", "crate", "crates", "version"];

/// Writes a barrier as a table: what it is about first, and why last.
fn entry(barrier: &Barrier) -> Result<Table, Error> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug(e.to_string());
    let fields = toml::Table::try_from(barrier).map_err(|e| bug(&e))?;
    let rank = |key: &str| match FIRST.iter().position(|first| *first == key) {
        Some(rank) => rank,
        None if key == "reason" => FIRST.len() + 1,
        None => FIRST.len(),
    };
    let mut fields: Vec<(String, toml::Value)> = fields.into_iter().collect();
    // Stable, so that the others keep their order.
    fields.sort_by_key(|(key, _)| rank(key));
    let mut table = Table::new();
    for (key, field) in fields {
        let written: toml_edit::Value = field.to_string().parse().map_err(|e| bug(&e))?;
        table[&key] = value(written);
    }
    Ok(table)
}

/// Says what barriers do that are put up together.
fn all(barriers: &[Barrier]) -> String {
    let version = |barrier: &Barrier| match barrier {
        Barrier::Pin { version, .. } => Some(version.to_string()),
        _ => None,
    };
    match (barriers, barriers.iter().map(version).collect::<Option<Vec<String>>>()) {
        ([first, ..], Some(versions)) => format!("pin {} {}", first.name(), versions.join(", ")),
        _ => barriers.iter().map(words).collect::<Vec<_>>().join(" and "),
    }
}

/// Says what a barrier does, in a few words.
fn words(barrier: &Barrier) -> String {
    match barrier {
        Barrier::Attest { name, .. } => format!("demand attestations of {name}"),
        Barrier::Drop { name, feature: None, .. } => format!("drop {name}"),
        Barrier::Drop { name, feature: Some(feature), .. } => {
            format!("switch off {feature} of {name}")
        }
        Barrier::Fork { name, repository, .. } => format!("take {name} from {repository}"),
        Barrier::Pin { name, version, .. } => format!("pin {name} {version}"),
        Barrier::Region { crates, .. } => format!("let no more depend on {}", crates.join(", ")),
        Barrier::Review { name, .. } => format!("demand reviews of {name}"),
        Barrier::Seal { name, .. } => format!("seal {name}"),
        Barrier::Vendor { name, .. } => format!("vendor {name}"),
        Barrier::Window { name, days, .. } if name == "*" => {
            format!("lock no version younger than {}", report::human::plural((*days).into(), "day"))
        }
        Barrier::Window { name, days, .. } => {
            format!(
                "lock no version of {name} younger than {}",
                report::human::plural((*days).into(), "day")
            )
        }
    }
}

fn human(report: &Report) -> String {
    let mut out = String::new();
    for (title, table) in tables(report, &|text| terminal(text)) {
        _ = writeln!(out, "{title}");
        let (align, header, mut rows) = table;
        fit(&header, &mut rows);
        out.push_str(&layout(&align, &header, &rows, 2));
        out.push('\n');
    }
    for sentence in sentences(report) {
        report::human::paragraph(&mut out, "", &terminal(&sentence), 2);
    }
    for edit in shown(report) {
        _ = writeln!(out, "\nthe edit that drops {}", terminal(&edit.drops));
        for line in edit.diff.lines() {
            _ = writeln!(out, "{}", terminal(line));
        }
    }
    out
}

/// Returns the edits that are shown whole: those that the command line names, and those of features with which packages
/// leave.
fn shown(report: &Report) -> impl Iterator<Item = &Edit> {
    let features = report.features.iter().flat_map(|plan| &plan.features);
    let leaving: Vec<String> = features
        .filter(|found| !found.leaves.is_empty())
        .map(|found| format!("{}/{}", found.name, found.feature))
        .collect();
    let is_named = report.is_named;
    report.edits.iter().filter(move |edit| is_named || leaving.contains(&edit.drops))
}

/// Shortens the last column so that a row fits the width of a terminal.
fn fit(header: &[&str], rows: &mut [Vec<String>]) {
    let last = header.len() - 1;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([header[column].width()]).max().unwrap_or(0)
    };
    let taken: usize = (0..last).map(|column| width(column) + 2).sum();
    let left = (report::human::WIDTH - 2).saturating_sub(taken).max(20);
    for row in rows {
        row[last] = shorten(&row[last], left);
    }
}

fn markdown(report: &Report) -> String {
    let mut out = String::new();
    for (title, (align, header, rows)) in tables(report, &|text| markdown_code(text)) {
        let rule: Vec<&str> =
            align.iter().map(|align| if *align == Align::Left { "-" } else { "-:" }).collect();
        _ = writeln!(out, "### {title}\n\n| {} |\n|{}|", header.join(" | "), rule.join("|"));
        for row in rows {
            _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out.push('\n');
    }
    for sentence in sentences(report) {
        _ = writeln!(out, "{}\n", markdown_text(&sentence));
    }
    for edit in shown(report) {
        let longest = edit.diff.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let lines: Vec<String> = edit.diff.lines().map(|line| terminal(line).to_string()).collect();
        let title = markdown_code(&edit.drops);
        _ = writeln!(
            out,
            "The edit that drops {title}:\n\n{fence}diff\n{}\n{fence}\n",
            lines.join("\n")
        );
    }
    out
}

type Rows = (Vec<Align>, Vec<&'static str>, Vec<Vec<String>>);

fn tables(report: &Report, escape: &dyn Fn(&str) -> String) -> Vec<(&'static str, Rows)> {
    use Align::{Left, Right};
    let mut tables = Vec::new();
    if let Some(plan) = &report.plan {
        let rows = plan
            .proposals
            .iter()
            .map(|proposal| vec![losses(proposal.fall_nano), escape(&all(&proposal.barriers))]);
        let table = (vec![Right, Left], vec!["saves", "barrier"], rows.collect());
        tables.push(("barriers that lower the expected loss", table));
        let rows = plan.drops.crates.iter().map(|drop| {
            vec![losses(drop.alone_nano), escape(short(&drop.id)), declared(&drop.declared)]
        });
        let header = vec!["alone saves", "crate", "declared in"];
        tables.push((
            "direct dependencies that removing would save most",
            (vec![Right, Left, Left], header, rows.collect()),
        ));
    }
    if let Some(plan) = &report.features {
        let rows = plan.features.iter().map(|found| {
            vec![
                losses(found.fall_nano),
                found.leaves.len().to_string(),
                escape(&format!("{}/{}", found.name, found.feature)),
                escape(&lines_of(report, &found.name, &found.feature)),
            ]
        });
        let header = vec!["alone saves", "leave", "feature", "edited in"];
        tables.push((
            "features of direct dependencies that switching off would save most",
            (vec![Right, Right, Left, Left], header, rows.collect()),
        ));
    }
    if let Some(host) = &report.host {
        let rows = host.crates.iter().map(|held| {
            let path: Vec<&str> = held.path.iter().map(|id| short(id)).collect();
            vec![held.alone.to_string(), escape(&all(&held.barriers)), escape(&path.join(" > "))]
        });
        let header = vec!["alone holds", "barrier", "a path through it"];
        tables.push((
            "crates behind which code lies that runs while the members are built",
            (vec![Right, Left, Left], header, rows.collect()),
        ));
    }
    if let Some(separation) = &report.separation {
        let rows = separation.crates.iter().map(|gateway| {
            let path: Vec<&str> = gateway.path.iter().map(|id| short(id)).collect();
            let what = match &gateway.barriers[..] {
                [] => format!("vendor or fork {}", short(&gateway.id)),
                barriers => all(barriers),
            };
            vec![escape(&what), escape(&path.join(" > "))]
        });
        let header = vec!["barrier", "a path through it"];
        tables.push((
            "crates between the members and code that runs while they are built",
            (vec![Left, Left], header, rows.collect()),
        ));
    }
    tables
}

/// Names the first places of a declaration.
fn declared(places: &[Place]) -> String {
    let shown: Vec<String> = places.iter().take(2).map(report::human::place).collect();
    let more = match places.len().saturating_sub(2) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match &shown[..] {
        [] => "-".to_owned(),
        shown => shown.join(", ") + &more,
    }
}

/// Names the first lines that change where a feature is switched off.
fn lines_of(report: &Report, name: &str, feature: &str) -> String {
    let drops = format!("{name}/{feature}");
    let edit = report.edits.iter().find(|edit| edit.drops == drops);
    match edit.map_or(&[][..], |edit| &edit.lines[..]) {
        [] => "no manifest that was read".to_owned(),
        [line] => line.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

/// Returns the name and version of a package URL.
fn short(id: &str) -> &str {
    let id = id.strip_prefix("pkg:cargo/").unwrap_or(id);
    id.split('?').next().unwrap_or(id)
}

fn sentences(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(plan) = &report.plan {
        let percent = |part: u64, whole: u64| u128::from(part) * 100 / u128::from(whole.max(1));
        sentences.push(format!(
            "The expected loss of a year falls from {} ({} to {} nine times in ten) to {}, by {}%.",
            losses(plan.before.mean_nano),
            losses(plan.before.low_nano),
            losses(plan.before.high_nano),
            losses(plan.after_nano),
            percent(plan.fall_nano, plan.before.mean_nano)
        ));
        sentences.push(match plan.gap_nano {
            0 => format!(
                "Gap 0: no other choice of {} saves more, with or without the window.",
                report::human::plural(plan.budget.into(), "pin")
            ),
            gap => format!(
                "Gap {}: any other choice among windows and pins of {} saves at most {}.",
                losses(gap),
                report::human::plural(plan.budget.into(), "barrier"),
                losses(plan.bound_nano)
            ),
        });
        let drops = &plan.drops;
        sentences.push(format!(
            "Removing {} of the {} direct dependencies that save most alone saves {} together; any {} of them save at \
             most {} (gap {}). What else depends on them keeps them, and whether the members can do without them is \
             for a person to say.",
            drops.crates.len(),
            drops.candidates,
            losses(drops.fall_nano),
            plan.budget,
            losses(drops.bound_nano),
            losses(drops.gap_nano)
        ));
        sentences.push(format!(
            "{} worlds of seed {}, priors of {}, at {} precision, against {}.",
            plan.worlds,
            plan.seed,
            plan.priors,
            report.precision.as_str(),
            plan.campaigns.join(", ")
        ));
    }
    if let Some(separation) = &report.separation {
        sentences.push(format!(
            "{} between the members and the {} that run code while they are built: as many paths share no crate, so no \
             fewer would do.",
            report::human::plural(separation.crates.len() as u64, "crate"),
            report::human::plural(separation.running, "crate"),
        ));
    }
    if let Some(plan) = &report.features {
        sentences.push(match plan.features.len() {
            0 => format!("None of the {} that were looked at saves anything.", report::human::plural(plan.candidates, "feature")),
            count => format!(
                "Switching off {} of the {} that were looked at saves {} together. Whether the code builds without them \
                 is for `cargo check` and a person to say; the manifests are left as they are, and --drop shows the edit \
                 of any.",
                report::human::plural(count as u64, "feature"),
                plan.candidates,
                losses(plan.fall_nano)
            ),
        });
        if plan.left_out > 0 {
            sentences.push(format!(
                "Not looked at: {} of crates that would save less if nothing depended on them.",
                report::human::plural(plan.left_out, "feature")
            ));
        }
    }
    if let Some(reason) = &report.features_unknown {
        sentences.push(format!("Not evaluated: what switching off features would save; {reason}."));
    }
    if let Some(host) = &report.host {
        sentences.push(format!(
            "{} of the {} that run code while the members are built lie behind them, and are reached by no other path. \
             Gap {}: no other choice of {} holds more than {}.",
            host.held,
            report::human::plural(host.running, "crate"),
            host.gap,
            report::human::plural(host.budget.into(), "pin"),
            host.bound
        ));
    }
    for barrier in &report.until_edited {
        sentences.push(format!(
            "Written, and `barrier/violated` denies until the manifests are edited and locked anew: {barrier}."
        ));
    }
    if !report.applied.is_empty() {
        let mut by_kind = BTreeMap::<&str, u64>::new();
        for barrier in &report.applied {
            *by_kind.entry(barrier.split(' ').next().unwrap_or_default()).or_default() += 1;
        }
        let kinds: Vec<String> =
            by_kind.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        sentences.push(format!("Written into weft.toml: {}.", kinds.join(", ")));
    }
    for reason in &report.not_evaluated {
        sentences.push(format!(
            "Written, and `barrier/violated` is not evaluated as long as {reason}; `cargo fetch --locked` may bring it."
        ));
    }
    for reason in &report.not_applied {
        sentences.push(format!("Not written, because it does not hold today: {reason}"));
    }
    sentences
}
