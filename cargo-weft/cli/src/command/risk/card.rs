//! `cargo weft risk card`: everything that is known of one crate, what is not, and what would lower its risk.

mod show;

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::advisory::Severity;
use weft_gate::behavior::Behavior;
use weft_gate::exemption::Exempted;
use weft_gate::facts::Known;
use weft_gate::input::vcs::Commit;
use weft_gate::inventory::{Inventory, Package, Precision, Source};
use weft_gate::policy::{Barrier, Policy};
use weft_gate::publisher::{Basis, Publisher, Publishers};
use weft_gate::risk::arrival::Arrivals;
use weft_gate::risk::assessment::{Band, Exposure, Order};
use weft_gate::risk::remedy::{Remedy, remedies};
use weft_gate::risk::{self, Assessment, Campaign, InForce, Model, Priors, Settings, model, prior};
use weft_gate::topology::RiskRow;
use weft_gate::vouch::Vouched;
use weft_gate::{Finding, Topology, Verdict, decide};

use super::{Drawing, Format, campaigns, reckoned_from};
use crate::command::facts::{Loaded, redirected};
use crate::command::output::{Reports, Text};
use crate::command::why::{self, Answer, Query};
use crate::command::{Selection, facts};
use crate::error::{Error, ExitStatus};
use crate::report;
use crate::source::behavior;
use crate::source::copies::{self, Copies};
use crate::source::versions::{self, Step};

#[derive(Debug, Args)]
pub(super) struct CardArgs {
    /// The crate: `name`, `name@version` or a package URL
    #[arg(value_name = "CRATE[@VERSION]")]
    name: String,
    #[command(flatten)]
    selection: Selection,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    #[command(flatten)]
    drawing: Drawing,
    #[command(flatten)]
    reports: Reports<Format>,
}

/// The cards of every locked version that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Cards {
    /// The day they are for.
    #[schemars(with = "String")]
    as_of: Date,
    /// The cards, sorted by version and source.
    cards: Vec<Card>,
    /// What attacks on all crates together are expected to cost.
    expected: Band,
    /// Which barriers, and whether the cooldown, nothing enforces, so that they do not count.
    not_counted: Vec<String>,
    /// Whether the order of the crates says anything.
    #[serde(skip)]
    order: Order,
    /// How sharply the graph is known.
    precision: Precision,
    /// The version of the priors.
    priors: String,
    /// The version of this format.
    schema: u32,
    /// The seed of the worlds.
    seed: u64,
    /// How many worlds were drawn, where any had to be.
    worlds: u32,
}

/// What is known of one locked package.
#[derive(Debug, Serialize, JsonSchema)]
struct Card {
    /// The advisories about its crate.
    advisories: Known<Advised>,
    /// Where harm that begins in it comes to, for each time at which code runs.
    arrivals: Vec<Arrivals>,
    /// Whether an attestation of its archive has the provenance that a barrier asks for; absent where none asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    attested: Option<Known<bool>>,
    /// The barriers of the policy that hold for it.
    barriers: Vec<Barrier>,
    /// What its sources say that it may do.
    behavior: Known<Behavior>,
    /// SHA-256 of its archive, from the lockfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    /// The commit that its archive says it was packed from; nobody has checked that.
    commit: Known<Commit>,
    /// Its findings that somebody answers for.
    exempted: Vec<Exempted>,
    /// What blocking it would save; absent where it is not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<Exposed>,
    /// Its findings.
    findings: Vec<Finding>,
    /// The package URL.
    id: String,
    /// Whether it comes from a registry, so that another version of it could be proposed.
    #[serde(skip)]
    is_from_registry: bool,
    /// The SPDX expression that its manifest states.
    license: Known<String>,
    /// Who can publish it.
    publishers: Known<Owners>,
    /// What the registry says of the locked version.
    release: Known<Released>,
    /// What would lower its risk, what saves most first.
    remedies: Vec<Remedy>,
    /// Whether it was reviewed as a barrier asks for; absent where none asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewed: Option<Known<bool>>,
    /// Where it lies in the graph.
    topology: RiskRow,
    /// The versions of its crate, the oldest first, and what changed with each.
    versions: Known<Vec<Step>>,
    /// Why it is there, and what it passes through.
    why: Answer,
}

/// Advisories about a crate.
#[derive(Debug, Serialize, JsonSchema)]
struct Advised {
    /// Those that concern the locked version.
    affecting: Vec<Notice>,
    /// How many more there have been of other versions.
    others: u64,
}

/// An advisory, in brief.
#[derive(Debug, Serialize, JsonSchema)]
struct Notice {
    /// Its identifier.
    id: String,
    /// The day it was reported.
    #[schemars(with = "String")]
    date: Date,
    /// The versions that mend it; empty if there are none.
    patched: Vec<String>,
    /// How severe it is; absent where nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    /// Its title.
    title: String,
}

/// What blocking a package would save.
#[derive(Debug, Serialize, JsonSchema)]
struct Exposed {
    /// The numbers.
    #[serde(flatten)]
    exposure: Exposure,
    /// Its place among the judged external packages, from 1.
    rank: u64,
    /// How many there are.
    of: u64,
}

/// Who can publish a package.
#[derive(Debug, Serialize, JsonSchema)]
struct Owners {
    /// How that is known: `snapshot`, `vet` or `repository`, which is a proxy.
    #[schemars(with = "String")]
    basis: Basis,
    /// The accounts.
    accounts: Vec<Account>,
}

/// An account that can publish a package.
#[derive(Debug, Serialize, JsonSchema)]
struct Account {
    /// Its name.
    name: String,
    /// How many other judged packages it can publish.
    others: u64,
}

/// What a registry says of a version.
#[derive(Debug, Serialize, JsonSchema)]
struct Released {
    /// The day the crate was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    first_published: Option<Date>,
    /// The day this version was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    published: Option<Date>,
    /// How many days had passed since the version before, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_days: Option<u64>,
    /// Whether it was withdrawn.
    yanked: bool,
}

pub(super) fn run(args: &CardArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    let mut loaded = facts::load(&args.selection, args.drawing.day())?;
    loaded.for_verdict(args.advisory_db.as_deref())?;
    loaded.know_publishers();
    let cards = cards(args, &loaded)?;
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(show::human(&cards))),
        Format::Json => report::json::render(&cards).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(show::markdown(&cards))),
    };
    destinations.write(render)?;
    Ok(ExitStatus::Passed)
}

fn cards(args: &CardArgs, loaded: &Loaded) -> Result<Cards, Error> {
    let inventory = loaded.inventory()?;
    let wanted = packages(inventory, &args.name)?;
    let unknown = |e: &dyn std::fmt::Display| Error::NoGraph { reason: e.to_string() };
    let priors = prior::built_in();
    let InForce { policy, left_out } = risk::in_force(&loaded.facts, inventory);
    let campaigns = campaigns(&args.drawing.campaign, &policy, &priors)?;
    let known = reckoned_from(&loaded.facts);
    let model = Model::of(inventory, &policy, known, priors.clone(), campaigns.clone());
    let settings = args.drawing.settings();
    let (topology, assessment) = args.drawing.install(|| {
        rayon::join(|| Topology::of(inventory), || Assessment::of(inventory, &model, settings))
    })?;
    let evidence = Evidence {
        loaded,
        inventory,
        topology: topology.map_err(|e| unknown(&e))?,
        assessment: assessment.map_err(|e| unknown(&e))?,
        verdict: decide(&loaded.facts).map_err(|e| Error::Bug(e.to_string()))?,
        model,
        known,
        policy,
        priors,
        campaigns,
        settings,
    };
    let made = args.drawing.install(|| {
        wanted.into_iter().map(|index| evidence.card(index)).collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(Cards {
        as_of: loaded.facts.as_of,
        cards: made?,
        expected: evidence.assessment.expected,
        not_counted: left_out,
        order: evidence.assessment.order,
        precision: inventory.precision,
        priors: evidence.assessment.priors,
        schema: 1,
        seed: settings.seed,
        worlds: settings.worlds,
    })
}

/// Finds the packages from elsewhere that a name means.
fn packages(inventory: &Inventory, name: &str) -> Result<Vec<u32>, Error> {
    let mut found = why::find(inventory, name)?;
    found.retain(|index| !inventory.package(*index).member);
    if found.is_empty() {
        return Err(Error::usage(
            format!("`{name}` is a member of the workspace"),
            "cards are of packages from elsewhere; `cargo weft why` says what a member is needed by",
        ));
    }
    Ok(found)
}

/// What cards are made of.
struct Evidence<'a> {
    loaded: &'a Loaded,
    inventory: &'a Inventory,
    topology: Topology,
    assessment: Assessment,
    verdict: Verdict,
    model: Model,
    known: model::Known<'a>,
    /// What of the policy is in force.
    policy: Policy,
    priors: Priors,
    campaigns: Vec<Campaign>,
    settings: Settings,
}

impl Evidence<'_> {
    fn card(&self, index: u32) -> Result<Card, Error> {
        let (inventory, facts) = (self.inventory, &self.loaded.facts);
        let package = inventory.package(index);
        let unknown = |e: weft_graph::GraphError| Error::NoGraph { reason: e.to_string() };
        let exposure = self.exposure(package);
        let (arrivals, remedies) = match exposure {
            None => (Vec::new(), Vec::new()),
            Some(_) => (
                Arrivals::of(inventory, &self.model, index, self.settings).map_err(unknown)?,
                remedies(
                    inventory,
                    &self.policy,
                    self.known,
                    (&self.priors, &self.campaigns),
                    index,
                    self.settings,
                )
                .map_err(unknown)?,
            ),
        };
        let copy = self.copy(package);
        let behavior = self.behavior(package);
        let is_about = |subject: &String| *subject == package.id;
        let findings = self.verdict.findings.iter().filter(|f| is_about(&f.subject));
        let exempted = self.verdict.exempted.iter().filter(|e| is_about(&e.finding.subject));
        let barriers = facts.policy.barriers.iter();
        let barriers = barriers.filter(|barrier| barrier.is_about(&package.name));
        Ok(Card {
            advisories: self.advised(package),
            arrivals,
            attested: self.attested(package),
            barriers: barriers.cloned().collect(),
            license: self.license(package, &behavior),
            behavior,
            checksum: package.checksum.map(|checksum| checksum.to_string()),
            commit: known(copy.and_then(|copy| {
                copies::commit(&copy)?.ok_or_else(|| "its archive names none".to_owned())
            })),
            exempted: exempted.cloned().collect(),
            exposure,
            findings: findings.cloned().collect(),
            id: package.id.clone(),
            is_from_registry: matches!(package.source, Source::Registry { .. }),
            publishers: self.publishers(index),
            release: self.release(package),
            remedies,
            reviewed: self.reviewed(package),
            topology: self.topology.row(inventory, index),
            versions: self.versions(package),
            why: Query { inventory, topology: &self.topology, to: None }.answer(index),
        })
    }

    fn exposure(&self, package: &Package) -> Option<Exposed> {
        let rows = &self.assessment.rows;
        let at = rows.iter().position(|row| row.id == package.id)?;
        let (rank, of) = (at as u64 + 1, rows.len() as u64);
        Some(Exposed { exposure: rows[at].clone(), rank, of })
    }

    /// Returns where Cargo keeps the sources of a package.
    fn copy(&self, package: &Package) -> Result<PathBuf, String> {
        if let Some(why) = redirected(&self.loaded.facts.replacements) {
            return Err(why);
        }
        let absent = || "its sources are not in Cargo's home directory".to_owned();
        Copies::of(self.inventory)?.find(package).ok_or_else(absent)
    }

    fn behavior(&self, package: &Package) -> Known<Behavior> {
        let absent = || "its sources are not in Cargo's home directory".to_owned();
        let read = |_| behavior::read(self.inventory, [package]).remove(&package.id);
        known(self.copy(package).map(read).and_then(|found| found.ok_or_else(absent)))
    }

    fn versions(&self, package: &Package) -> Known<Vec<Step>> {
        known(match redirected(&self.loaded.facts.replacements) {
            Some(why) => Err(why),
            None => versions::steps(self.inventory, package),
        })
    }

    fn advised(&self, package: &Package) -> Known<Advised> {
        let advisories = match &self.loaded.facts.advisories {
            Known::Unknown(reason) => return Known::Unknown(reason.clone()),
            Known::Value(_) if !package.source.is_crates_io() => {
                return Known::Unknown("advisories are about crates of crates.io".to_owned());
            }
            Known::Value(advisories) => advisories,
        };
        let about = advisories.entries.iter().filter(|entry| entry.package == package.name);
        let (affecting, others): (Vec<_>, Vec<_>) =
            about.partition(|entry| entry.affects(&package.version));
        let affecting = affecting.into_iter().map(|entry| Notice {
            date: entry.date,
            id: entry.id.clone(),
            patched: entry.patched.iter().map(ToString::to_string).collect(),
            severity: entry.severity,
            title: entry.title.clone(),
        });
        Known::Value(Advised { affecting: affecting.collect(), others: others.len() as u64 })
    }

    /// Returns the licence: by Cargo's word, the policy's reading of the sources, or the sources.
    fn license(&self, package: &Package, behavior: &Known<Behavior>) -> Known<String> {
        let stated = package.manifest.as_ref().and_then(|manifest| manifest.license.as_ref());
        let read = self.loaded.facts.licenses.as_ref().ok();
        let read = read.and_then(|licenses| licenses.get(&package.id)?.expression.as_ref());
        match (stated.or(read), behavior) {
            (Some(expression), _) => Known::Value(expression.clone()),
            (None, Known::Unknown(reason)) => Known::Unknown(reason.clone()),
            (None, Known::Value(behavior)) => {
                known(behavior.license.clone().ok_or("its manifest states none".to_owned()))
            }
        }
    }

    fn publishers(&self, index: u32) -> Known<Owners> {
        let publications = match &self.loaded.facts.publishers {
            None => return Known::Unknown("nobody was asked who publishes it".to_owned()),
            Some(Known::Unknown(reason)) => return Known::Unknown(reason.clone()),
            Some(Known::Value(publications)) => publications,
        };
        let publishers = Publishers::of(self.inventory, publications);
        let Some(publication) = publishers.publication(index) else {
            return Known::Unknown(
                "no snapshot, no list of cargo-vet and no manifest names them".to_owned(),
            );
        };
        let account = |publisher: &Publisher| Account {
            name: publisher.to_string(),
            others: publishers.packages(publisher).iter().filter(|i| **i != index).count() as u64,
        };
        let accounts = publication.publishers.iter().map(account).collect();
        Known::Value(Owners { basis: publication.basis, accounts })
    }

    fn attested(&self, package: &Package) -> Option<Known<bool>> {
        self.vouched(package, |vouched, barrier| match barrier {
            Barrier::Attest { provenance, .. } => Some(vouched.is_attested(package, provenance)),
            _ => None,
        })
    }

    fn reviewed(&self, package: &Package) -> Option<Known<bool>> {
        self.vouched(package, |vouched, barrier| match barrier {
            Barrier::Review { criteria, role, .. } => {
                Some(vouched.is_reviewed(package, criteria.as_deref(), role.as_deref()))
            }
            _ => None,
        })
    }

    /// Says whether what barriers ask for is so: of several, all have to be.
    fn vouched(
        &self,
        package: &Package,
        ask: impl Fn(&Vouched, &Barrier) -> Option<Result<bool, String>>,
    ) -> Option<Known<bool>> {
        let facts = &self.loaded.facts;
        let barriers = facts.policy.barriers.iter().filter(|b| b.is_about(&package.name));
        let mut answers = barriers.filter_map(|b| ask(facts.vouched.as_ref()?, b)).peekable();
        answers.peek()?;
        let all = answers.try_fold(true, |all, answer| answer.map(|is_so| all && is_so));
        Some(known(all))
    }

    fn release(&self, package: &Package) -> Known<Released> {
        let releases = match &self.loaded.facts.releases {
            Known::Unknown(reason) => return Known::Unknown(reason.clone()),
            Known::Value(releases) => releases,
        };
        let absent = || "Cargo's local cache of the index does not know this archive".to_owned();
        known(releases.get(&package.id).ok_or_else(absent).map(|release| {
            let history = release.history.as_ref();
            Released {
                first_published: history.map(|history| history.first_published),
                published: release.published,
                silent_days: history.and_then(|h| Some(h.previous.as_ref()?.gap_days)),
                yanked: release.yanked,
            }
        }))
    }
}

fn known<T>(found: Result<T, String>) -> Known<T> {
    match found {
        Ok(value) => Known::Value(value),
        Err(reason) => Known::Unknown(reason),
    }
}
