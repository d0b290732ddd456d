//! `cargo weft risk`: what attacks on external crates are expected to cost, and which crates that hangs on.

pub(super) mod card;
mod diff;
mod plan;
mod rank;
mod simulate;

use std::fmt::{self, Display};
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use weft_gate::inventory::Precision;
use weft_gate::risk::assessment::{MIN_WORLDS, losses};
use weft_gate::risk::{Campaign, InForce, Model, Priors, Settings, campaign, model, prior};
use weft_gate::{Facts, Inventory, Policy, risk};

use super::facts::Loaded;
use super::today;
use crate::error::{Error, ExitStatus};
use crate::source::files;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RiskArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    rank: rank::RankArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything that is known of a crate, and what would lower its risk
    Card(card::CardArgs),
    /// Say what a change of the lockfile does to the expected loss and to whom it hangs on
    Diff(diff::DiffArgs),
    /// Propose barriers that lower the expected loss most within a budget
    Plan(plan::PlanArgs),
    /// Estimate what campaigns cost, with bands and what they depend on
    Simulate(simulate::SimulateArgs),
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Markdown,
}

/// Which worlds are drawn, of which campaigns, and for which day.
#[derive(Debug, Args)]
struct Drawing {
    /// The day the ages of versions are reckoned for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// A campaign, for each time this is given: the name of a built-in one or of one of the policy, or a file; by
    /// default all of those
    #[arg(long, value_name = "NAME|FILE")]
    campaign: Vec<String>,
    /// The seed of the worlds
    #[arg(long, default_value_t = Settings::default().seed, value_name = "N")]
    seed: u64,
    /// How many worlds are drawn where bounds do not settle the answer: 512 to 1,048,576
    #[arg(long, default_value_t = Settings::default().worlds, value_name = "N", value_parser = clap::value_parser!(u32).range(i64::from(MIN_WORLDS)..=1_048_576))]
    trials: u32,
    /// How many threads draw them, 1 to 1,024; by default one for each processor, and the answer is the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

pub(super) fn run(args: &RiskArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        None => rank::run(&args.rank),
        Some(Command::Card(args)) => card::run(args),
        Some(Command::Diff(args)) => diff::run(args),
        Some(Command::Plan(args)) => plan::run(args),
        Some(Command::Simulate(args)) => simulate::run(args),
    }
}

impl Drawing {
    /// Returns the day that the ages of versions are reckoned for.
    fn day(&self) -> Date {
        self.as_of.unwrap_or_else(today)
    }

    fn settings(&self) -> Settings {
        Settings { seed: self.seed, worlds: self.trials }
    }

    /// Runs what draws worlds with the wished number of threads.
    fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let Some(threads) = self.threads else { return Ok(work()) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build();
        Ok(pool.map_err(|e| Error::Bug(e.to_string()))?.install(work))
    }

    /// Returns the model of an inventory under these campaigns.
    fn model(&self, loaded: &Loaded, inventory: &Inventory) -> Result<Weighed, Error> {
        let (facts, priors) = (&loaded.facts, prior::built_in());
        let InForce { policy, left_out } = risk::in_force(facts, inventory);
        let campaigns = campaigns(&self.campaign, &policy, &priors)?;
        let model = Model::of(inventory, &policy, reckoned_from(facts), priors, campaigns);
        Ok(Weighed { model, not_counted: left_out })
    }
}

/// A model, and what of the policy does not count in it.
struct Weighed {
    model: Model,
    not_counted: Vec<String>,
}

/// Returns what is known beside the graph and the policy.
fn reckoned_from(facts: &Facts) -> model::Known<'_> {
    model::Known { as_of: facts.as_of, releases: facts.releases.as_ref().ok() }
}

/// What numbers of risk rest on beside the graph and the rules.
struct Footing<'a> {
    as_of: Date,
    precision: Precision,
    priors: &'a str,
    seed: u64,
    worlds: u32,
}

impl Display for Footing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { as_of, precision, priors, seed, worlds } = self;
        let precision = precision.as_str();
        write!(
            f,
            "for {as_of}, {worlds} worlds of seed {seed}, priors of {priors}, at {precision} precision"
        )
    }
}

/// The largest campaign that is read, in bytes.
const MAX_CAMPAIGN: usize = 1 << 20;

/// Returns the named campaigns; all built-in ones and those of the policy if none is named.
fn campaigns(named: &[String], policy: &Policy, priors: &Priors) -> Result<Vec<Campaign>, Error> {
    let known = risk::campaigns(policy);
    if named.is_empty() {
        return Ok(known);
    }
    let mut campaigns: Vec<Campaign> = Vec::new();
    for name in named {
        let campaign = match known.iter().find(|campaign| campaign.name == *name) {
            Some(campaign) => campaign.clone(),
            None => read(name, &known, priors)?,
        };
        if campaigns.iter().any(|known| known.name == campaign.name) {
            return Err(Error::usage(
                format!("campaign `{}` is named twice", campaign.name),
                "give each campaign a name of its own",
            ));
        }
        campaigns.push(campaign);
    }
    campaigns.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(campaigns)
}

fn read(path: &str, known: &[Campaign], priors: &Priors) -> Result<Campaign, Error> {
    let bytes = files::read_bounded(Path::new(path), MAX_CAMPAIGN).map_err(|refusal| {
        let known: Vec<&str> = known.iter().map(|campaign| campaign.name.as_str()).collect();
        Error::usage(
            format!("`{path}` is no known campaign, and as a file it {refusal}"),
            format!("name a file, or one of {}", known.join(", ")),
        )
    })?;
    campaign::parse(path, &bytes, priors).map_err(|diagnostic| Error::Config {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        diagnostic,
    })
}
