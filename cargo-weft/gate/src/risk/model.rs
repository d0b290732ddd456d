//! The model: which edges pass an attack on, where campaigns begin, and what it costs where they arrive.

use std::collections::BTreeMap;

use jiff::civil::Date;
use weft_graph::{Cascade, GraphError, Probability, Tie};
use weft_verify::Sha256;

use super::campaign::{Campaign, Crates, Execution, Taking};
use super::prior::Priors;
use crate::facts::Releases;
use crate::inventory::{Inventory, Package};
use crate::policy::{Barrier, Policy};

/// Units of a loss for what the policy calls 1.
pub const LOSS_UNIT: u32 = 1000;

/// How old a crate is when it is new no more, in days.
const NEW_DAYS: i32 = 365;

/// What attacks on an inventory's packages could do, before anything is estimated.
#[derive(Debug, Clone)]
pub struct Model {
    /// The campaigns.
    pub campaigns: Vec<Campaign>,
    /// What harm of each root costs, in thousandths.
    pub losses: Vec<u32>,
    /// What has been counted of attacks.
    pub priors: Priors,
    /// The judged members.
    pub roots: Vec<u32>,
    /// Where each campaign begins.
    pub seeds: Vec<Seeds>,
    len: usize,
    /// The judged edges, and their keys.
    edges: Vec<(u32, u32, u64)>,
}

/// Where a campaign begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds {
    /// How often a year it begins in each package and is taken in, in units of 10^-12.
    pub rates: Vec<u64>,
    /// The packages of which it is not known whether it can begin there.
    pub unknown: Vec<u32>,
}

/// What is known beside the inventory.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The day the model is for.
    pub as_of: Date,
    /// What registries say of the locked versions, if they were asked.
    pub releases: Option<&'a Releases>,
}

impl Model {
    /// Models attacks on what is judged of an inventory.
    pub fn of(
        inventory: &Inventory,
        policy: &Policy,
        known: Known<'_>,
        priors: Priors,
        campaigns: Vec<Campaign>,
    ) -> Model {
        let roots = inventory.roots();
        let loss = |&root: &u32| {
            let name = &inventory.package(root).name;
            policy.risk.losses.get(name).copied().unwrap_or(1).saturating_mul(LOSS_UNIT)
        };
        let identities: Vec<String> = inventory.packages.iter().map(identity).collect();
        let selected = inventory.edges.iter().filter(|edge| edge.selected);
        let edges = selected.map(|edge| {
            let [from, to] = [edge.from, edge.to].map(|end| &identities[end as usize]);
            (edge.from, edge.to, key(&format!("{from}\n{to}")))
        });
        let seeds = |campaign: &Campaign| seeds(inventory, policy, known, &priors, campaign);
        Model {
            losses: roots.iter().map(loss).collect(),
            roots,
            seeds: campaigns.iter().map(seeds).collect(),
            len: inventory.packages.len(),
            edges: edges.collect(),
            campaigns,
            priors,
        }
    }

    /// Returns how many packages there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no packages.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the edges over which code that runs at the given time passes harm on.
    pub fn ties(&self, executes: Execution) -> Vec<Tie> {
        let probability = match executes {
            Execution::Build => Probability::ONE,
            Execution::Call => self.priors.call(),
        };
        let tie = |&(dependent, dependency, key): &(u32, u32, u64)| Tie {
            dependent,
            dependency,
            key,
            probability,
        };
        self.edges.iter().map(tie).collect()
    }

    /// Returns the cascade of these edges.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if there are more packages than a graph holds.
    pub fn cascade(&self, executes: Execution) -> Result<Cascade, GraphError> {
        Cascade::new(self.len, &self.ties(executes), &self.roots)
    }

    /// Returns the campaigns whose code runs at the given time, by their positions.
    pub fn campaigns_at(&self, executes: Execution) -> Vec<usize> {
        (0..self.campaigns.len()).filter(|&i| self.campaigns[i].executes == executes).collect()
    }
}

fn seeds(
    inventory: &Inventory,
    policy: &Policy,
    known: Known<'_>,
    priors: &Priors,
    campaign: &Campaign,
) -> Seeds {
    let mut seeds = Seeds { rates: vec![0; inventory.packages.len()], unknown: Vec::new() };
    let mut by_taking = BTreeMap::new();
    for index in inventory.judged_externals() {
        let package = inventory.package(index);
        if is_held(policy, package, campaign.crates) {
            continue;
        }
        let waits = cooldown(policy, package);
        let taking = match campaign.crates {
            Crates::All => Some(Some(Taking::Later { waits })),
            Crates::New => {
                age(package, known).map(|age| age.map(|age| Taking::Made { age: age.max(waits) }))
            }
        };
        let seed = |taking: Taking| {
            *by_taking.entry(taking).or_insert_with_key(|taking| campaign.seed(priors, *taking))
        };
        match taking.map(|taking| taking.map(seed)) {
            Some(None) => {}
            Some(Some(Some(rate))) => seeds.rates[index as usize] = rate,
            None | Some(Some(None)) => seeds.unknown.push(index),
        }
    }
    seeds
}

/// Returns how old the version of a new crate is, in minutes, nothing inside if the crate is not new; what is in no
/// registry, and what no index knows, may be.
fn age(package: &Package, known: Known<'_>) -> Option<Option<u32>> {
    let release = known.releases?.get(&package.id)?;
    let days = |since: Date| known.as_of.since(since).ok().map(|span| span.get_days());
    if days(release.history.as_ref()?.first_published)? >= NEW_DAYS {
        return Some(None);
    }
    let days = days(release.published?)?.max(0).unsigned_abs();
    Some(Some(days.saturating_mul(24 * 60)))
}

/// Returns how old a version has to be before it is taken in, in minutes.
fn cooldown(policy: &Policy, package: &Package) -> u32 {
    let whole = &policy.cooldown;
    let is_exempt = whole.exempt.contains(&package.name);
    let days = if is_exempt { 0 } else { whole.days };
    let windows = policy.barriers.iter().filter_map(|barrier| match barrier {
        Barrier::Window { name, days, .. } if name == "*" || *name == package.name => Some(*days),
        _ => None,
    });
    windows.fold(days, u32::max).saturating_mul(24 * 60)
}

/// Says whether a barrier ends attacks that begin in a package.
///
/// Until a person lets a new version in, none is taken in; what is wrong with the one that is locked only a review of it
/// finds.
fn is_held(policy: &Policy, package: &Package, crates: Crates) -> bool {
    policy.barriers.iter().any(|barrier| match barrier {
        Barrier::Review { name, .. } => *name == package.name,
        _ if crates == Crates::New => false,
        Barrier::Pin { name, version, checksum, .. } => {
            *name == package.name
                && *version == package.version
                && package.checksum.as_ref() == Some(checksum)
        }
        Barrier::Vendor { name, .. } | Barrier::Fork { name, .. } => *name == package.name,
        // What an attestation keeps out nobody has counted, and what a seal or a region does is not in the graph.
        Barrier::Attest { .. }
        | Barrier::Drop { .. }
        | Barrier::Region { .. }
        | Barrier::Seal { .. }
        | Barrier::Window { .. } => false,
    })
}

/// Names what a package stays through compatible updates: its name, its compatible versions and its source.
fn identity(package: &Package) -> String {
    let version = &package.version;
    let compatible = match (version.major, version.minor) {
        (0, 0) => format!("0.0.{}", version.patch),
        (0, minor) => format!("0.{minor}"),
        (major, _) => major.to_string(),
    };
    let source = match &package.source {
        crate::inventory::Source::Registry { url } | crate::inventory::Source::Git { url, .. } => {
            url
        }
        crate::inventory::Source::Path { .. } => "",
    };
    format!("{} {compatible} {source}", package.name)
}

fn key(text: &str) -> u64 {
    let digest = Sha256::of(text.as_bytes());
    digest.as_bytes()[..8].iter().fold(0, |key, byte| key << 8 | u64::from(*byte))
}
