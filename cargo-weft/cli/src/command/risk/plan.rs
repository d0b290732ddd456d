//! `cargo weft risk plan`: which barriers lower the expected loss most, and, with `--apply`, the lines of `weft.toml`
//! that put them up.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use unicode_width::UnicodeWidthStr;
use weft_gate::check::barrier;
use weft_gate::inventory::{Inventory, Precision};
use weft_gate::policy::{Barrier, parse_layer};
use weft_gate::risk::plan::{self, Plan, Question, SeparationPlan};
use weft_gate::risk::{model, prior};

use super::{Drawing, Format, campaigns, losses};
use crate::command::facts::{self, Loaded};
use crate::command::output::{Reports, Text};
use crate::command::{Selection, today};
use crate::error::{Error, ExitStatus};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::table::{Align, layout, shorten};
use crate::source::{files, index};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
    /// How many barriers there may be
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    budget: u32,
    /// What to plan against: `expected-loss`, `host-execution`, or a campaign by its name or file
    #[arg(long, default_value = "expected-loss", value_name = "WHAT")]
    against: String,
    /// How many days versions should wait before they are locked; 0 proposes no window
    #[arg(long, default_value_t = 1, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=365))]
    window: u32,
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
    /// Why others were not.
    not_applied: Vec<String>,
    /// What of the written barriers cannot be looked at today.
    not_evaluated: Vec<String>,
    /// The plan against an expected loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// How sharply the graph is known.
    precision: Precision,
    /// The version of this format.
    schema: u32,
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
        not_applied: Vec::new(),
        not_evaluated: Vec::new(),
        plan: None,
        precision: inventory.precision,
        schema: 1,
        separation: None,
    };
    if args.against == HOST_EXECUTION {
        let separation = plan::separate(inventory).map_err(|reason| Error::NoGraph { reason })?;
        report.separation = Some(separation);
    } else {
        report.plan = Some(against_loss(args, &loaded, inventory)?);
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

fn against_loss(args: &PlanArgs, loaded: &Loaded, inventory: &Inventory) -> Result<Plan, Error> {
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
        budget: args.budget,
        window_days: args.window,
    };
    let plan = args.drawing.install(|| plan::plan(question))?;
    plan.map_err(|e| Error::NoGraph { reason: e.to_string() })
}

impl Report {
    /// Returns the barriers that are proposed, those together that hold one crate.
    fn proposals(&self) -> Vec<Vec<Barrier>> {
        let planned = self.plan.iter().flat_map(|plan| &plan.proposals);
        let planned = planned.map(|proposal| proposal.barriers.clone());
        let cut = self.separation.iter().flat_map(|separation| &separation.crates);
        planned.chain(cut.map(|gateway| gateway.barriers.clone())).collect()
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
    barriers.iter().map(words).collect::<Vec<_>>().join(" and ")
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
    out
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
            let places = drop.declared.iter().take(2).map(report::human::place);
            let mut declared = places.collect::<Vec<_>>().join(", ");
            if drop.declared.len() > 2 {
                declared += &format!(" and {} more", drop.declared.len() - 2);
            }
            vec![losses(drop.alone_nano), escape(short(&drop.id)), declared]
        });
        let header = vec!["alone saves", "crate", "declared in"];
        tables.push((
            "direct dependencies that dropping would save most",
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
            "Dropping {} of the {} direct dependencies that save most alone saves {} together; any {} of them save at \
             most {} (gap {}). Whether they can go is for a person to say.",
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
