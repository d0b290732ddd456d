//! `cargo weft risk plan`: which barriers lower the expected loss most, and, with `--apply`, the lines of `weft.toml`
//! that put them up.

mod apply;
mod edit;
mod show;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::check::barrier;
use weft_gate::input::lockfile;
use weft_gate::inventory::{Inventory, Precision};
use weft_gate::policy::Barrier;
use weft_gate::risk::feature::{self, FeaturePlan};
use weft_gate::risk::plan::{self, HostPlan, Plan, Question, SeparationPlan};
use weft_gate::risk::{self, InForce, prior};

use self::edit::{Dropped, Edit};
use super::{Drawing, Format, campaigns, reckoned_from};
use crate::command::Selection;
use crate::command::facts::{self, Loaded};
use crate::command::output::{Reports, Text};
use crate::error::{Error, ExitStatus};
use crate::report;
use crate::source::workspace;

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
    /// How many barriers would have been written if they did not stand there.
    already: u64,
    /// The barriers that were written, by the name of their crate.
    applied: Vec<String>,
    /// The day that the ages of versions are reckoned for.
    #[schemars(with = "String")]
    as_of: Date,
    /// How many barriers of the profile were written too, since a list of barriers takes the place of those below it.
    copied: u64,
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
    /// Why no window is proposed, if it would be violated today.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_window: Option<String>,
    /// Which barriers, and whether the cooldown, nothing enforces, so that they do not count.
    not_counted: Vec<String>,
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
    let mut loaded = facts::load(&args.selection, args.drawing.day())?;
    loaded.for_risk()?;
    let inventory = loaded.inventory()?;
    let mut report = Report {
        against: args.against.clone(),
        already: 0,
        applied: Vec::new(),
        as_of: loaded.facts.as_of,
        copied: 0,
        edits: Vec::new(),
        features: None,
        features_unknown: None,
        host: None,
        no_window: None,
        not_counted: Vec::new(),
        not_evaluated: Vec::new(),
        until_edited: Vec::new(),
        plan: None,
        precision: inventory.precision,
        schema: 1,
        is_named: !args.drop.is_empty(),
        separation: None,
    };
    if args.against == HOST_EXECUTION && inventory.precision == Precision::Lock {
        return Err(Error::usage(
            "a lockfile does not say which crates run a build script or are procedural macros",
            "ask for --precision metadata in a workspace with its manifests",
        ));
    }
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
        apply::apply(args, &loaded, inventory, &mut report)?;
    }
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(show::human(&report))),
        Format::Json => report::json::render(&report).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(show::markdown(&report))),
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
    let InForce { policy, left_out } = risk::in_force(&loaded.facts, inventory);
    report.not_counted = left_out;
    let campaigns = campaigns(&named, &policy, &priors)?;
    report.no_window = violated_window(args, loaded, inventory);
    let question = Question {
        inventory,
        policy: &policy,
        known: reckoned_from(&loaded.facts),
        priors: &priors,
        campaigns: &campaigns,
        settings: args.drawing.settings(),
        budget: args.budget.unwrap_or(BUDGET),
        window_days: if report.no_window.is_some() { 0 } else { args.window },
    };
    let no_graph = |reason: String| Error::NoGraph { reason };
    let plan = args.drawing.install(|| plan::plan(question))?;
    report.plan = Some(plan.map_err(|e| no_graph(e.to_string()))?);
    drops(args, loaded, question, report)
}

/// Says why the window cannot be put up, if it would be violated today.
fn violated_window(args: &PlanArgs, loaded: &Loaded, inventory: &Inventory) -> Option<String> {
    let window = plan::window(args.window);
    let mut violations = barrier::violations(&loaded.facts, inventory, &window).into_iter();
    violations.next().map(|violation| violation.sentence)
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
    let edits: Vec<Edit> = wanted
        .iter()
        .map(|dropped| edit::edit(&tree, dropped))
        .collect::<Result<_, _>>()
        .map_err(no_graph)?;
    if args.drop.is_empty() {
        report.edits = edits;
        return Ok(());
    }
    if let Some(edit) = edits.iter().find(|edit| edit.diff.is_empty()) {
        let shown = edit.drops.escape_debug();
        return Err(Error::usage(
            format!("no manifest of the workspace asks for {shown} where it is built"),
            "name a direct dependency of a member, or a feature that a member asks for",
        ));
    }
    // Edits of one line could not be made one by one.
    report.edits = vec![edit::together(&tree, &wanted).map_err(no_graph)?];
    Ok(())
}

impl Report {
    /// Returns the barriers that are proposed.
    fn proposals(&self) -> Vec<Barrier> {
        let planned = self.plan.iter().flat_map(|plan| &plan.proposals);
        let planned = planned.flat_map(|proposal| &proposal.barriers);
        let cut = self.separation.iter().flat_map(|separation| &separation.crates);
        let held = self.host.iter().flat_map(|host| &host.crates);
        let cut = cut.flat_map(|gateway| &gateway.barriers);
        planned.chain(cut).chain(held.flat_map(|held| &held.barriers)).cloned().collect()
    }
}
