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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::facts::{History, Release};
    use crate::gate::sample;
    use crate::risk::publisher::tests::{campaigns, inventory};
    use crate::risk::{campaign, prior};

    const AS_OF: Date = date(2026, 11, 20);

    /// A version that is so many days old, of a crate that is as many.
    fn release(version: i32, of_crate: i32) -> Release {
        let before = |days: i32| AS_OF.checked_sub(jiff::Span::new().days(days)).unwrap();
        let first_published = before(of_crate);
        let history = History { added: Vec::new(), first_published, previous: None };
        Release {
            history: Some(history),
            published: Some(before(version)),
            lacks: Vec::new(),
            yanked: false,
        }
    }

    fn cooldown_of(days: u32) -> Policy {
        let mut policy = sample::policy();
        policy.cooldown.days = days;
        policy
    }

    fn with(barriers: &[Barrier]) -> Policy {
        Policy { barriers: barriers.to_vec(), ..sample::policy() }
    }

    /// Returns how often a campaign begins in `a`, on which `b` depends, which the member needs; nothing if that is
    /// unknown.
    fn seed(name: &str, policy: &Policy, release: Option<Release>) -> Option<u64> {
        let inventory = inventory(&[("r", &["b"]), ("b", &["a"]), ("a", &[])]);
        let releases: Option<Releases> =
            release.map(|release| [("pkg:cargo/a@1.0.0".to_owned(), release)].into());
        let known = Known { as_of: AS_OF, releases: releases.as_ref() };
        let model = Model::of(&inventory, policy, known, prior::built_in(), campaigns(&[name]));
        let at = |name: &str| inventory.packages.iter().position(|p| p.name == name).unwrap();
        let Seeds { rates, unknown } = &model.seeds[0];
        assert_eq!(rates[at("r")], 0, "attacks begin outside");
        assert!(!unknown.contains(&u32::try_from(at("r")).unwrap()));
        let is_unknown = unknown.contains(&u32::try_from(at("a")).unwrap());
        assert!(!is_unknown || rates[at("a")] == 0, "what is unknown is not counted");
        (!is_unknown).then_some(rates[at("a")])
    }

    /// 34 malicious crates and a half, of 48,571 new ones.
    const MALICIOUS: u64 = 69 * 1_000_000_000_000 / (2 * 48_571);
    const TYPOSQUAT: u64 = MALICIOUS * 41 / 43;
    /// A takeover and a half in 8,849 crate-years.
    const TAKEOVER: u64 = 3 * 1_000_000_000_000 / (2 * 8_849);

    #[test]
    fn a_new_crate_is_as_likely_an_attack_as_its_version_is_still_there_at_its_age_or_after_a_wait()
    {
        let check = |days: i32, waits: u32, permille: u64| {
            let found = seed("typosquat", &cooldown_of(waits), Some(release(days, 300)));
            assert_eq!(found, Some(TYPOSQUAT * permille / 1000), "{days} days, {waits} waited");
        };
        check(0, 0, 1000);
        check(1, 0, 750);
        check(2, 0, 500);
        check(4, 0, 400);
        check(7, 0, 210);
        check(244, 0, 210);
        check(245, 0, 0);
        // The longer of age and wait.
        check(1, 7, 210);
        check(7, 1, 210);
        check(0, 2, 500);
        // A version of tomorrow is as one of today.
        check(-1, 0, 1000);
        let delayed =
            |days, waits| seed("delayed-payload", &cooldown_of(waits), Some(release(days, 300)));
        assert_eq!(delayed(121, 0), Some(MALICIOUS * 2 / 43));
        assert_eq!([delayed(122, 0), delayed(0, 122)], [Some(0), Some(0)]);
    }

    #[test]
    fn a_crate_is_new_for_a_year() {
        let of_age = |days| seed("typosquat", &sample::policy(), Some(release(0, days)));
        assert_eq!([of_age(0), of_age(364)], [Some(TYPOSQUAT); 2]);
        assert_eq!([of_age(365), of_age(4_000)], [Some(0); 2]);
    }

    #[test]
    fn what_nobody_says_of_a_new_crate_is_unknown() {
        let check = |release: Option<Release>, expected| {
            assert_eq!(seed("typosquat", &sample::policy(), release.clone()), expected);
            // Where a takeover begins is no matter of age.
            let takeover = seed("slow-burn", &sample::policy(), release);
            assert!(takeover.is_some_and(|rate| rate > 0));
        };
        check(None, None);
        check(Some(Release { history: None, ..release(0, 1) }), None);
        check(Some(Release { published: None, ..release(0, 1) }), None);
        check(Some(Release { published: None, ..release(0, 400) }), Some(0));
        // Of `b`, which no registry told of, it is unknown too.
        let inventory = inventory(&[("r", &["b"]), ("b", &["a"]), ("a", &[])]);
        let releases: Releases = [("pkg:cargo/a@1.0.0".to_owned(), release(0, 1))].into();
        let known = Known { as_of: AS_OF, releases: Some(&releases) };
        let all = campaign::built_in();
        let model = Model::of(&inventory, &sample::policy(), known, prior::built_in(), all);
        for (campaign, seeds) in model.campaigns.iter().zip(&model.seeds) {
            let unknown: Vec<&str> =
                seeds.unknown.iter().map(|&at| &*inventory.package(at).name).collect();
            let expected: &[&str] = if campaign.crates == Crates::New { &["b"] } else { &[] };
            assert_eq!(unknown, expected, "{}", campaign.name);
        }
    }

    fn window(name: &str, days: u32) -> Barrier {
        Barrier::Window { name: name.to_owned(), days, reason: String::new() }
    }

    #[test]
    fn who_waits_by_a_window_waits_as_by_a_cooldown() {
        let check = |policy: &Policy, permille: [u64; 2]| {
            let found = seed("typosquat", policy, Some(release(1, 300)));
            assert_eq!(found, Some(TYPOSQUAT * permille[0] / 1000));
            let found = seed("pipeline-poisoning", policy, None);
            assert_eq!(found, Some(TAKEOVER * permille[1] / 1000));
        };
        let [open, waited] = [[750, 21], [210, 0]];
        check(&with(&[]), open);
        check(&with(&[window("*", 7)]), waited);
        check(&with(&[window("a", 7)]), waited);
        check(&with(&[window("b", 7)]), open);
        check(&with(&[window("*", 1), window("a", 7), window("*", 2)]), waited);
        check(&cooldown_of(7), waited);
        let mut exempt = cooldown_of(7);
        exempt.cooldown.exempt = vec!["a".to_owned()];
        check(&exempt, open);
        exempt.barriers = vec![window("a", 7)];
        check(&exempt, waited);
    }

    /// Says whether barriers end what begins in `a`: in an established crate, and in a new one.
    fn holds(barriers: &[Barrier]) -> [bool; 2] {
        let policy = with(barriers);
        let of = |name| seed(name, &policy, Some(release(1, 300)));
        let (established, new) = (of("slow-burn").unwrap(), of("typosquat").unwrap());
        assert!(new == 0 || new == TYPOSQUAT * 750 / 1000);
        [established == 0, new == 0]
    }

    fn pin(name: &str, version: &str, archive: &str) -> Barrier {
        Barrier::Pin {
            checksum: Sha256::of(archive.as_bytes()),
            name: name.to_owned(),
            reason: String::new(),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn a_pin_holds_the_archive_that_it_names_and_a_new_crate_is_not_made_better_by_it() {
        assert_eq!(holds(&[]), [false, false]);
        assert_eq!(holds(&[pin("a", "1.0.0", "a")]), [true, false]);
        assert_eq!(holds(&[pin("a", "1.0.0", "b")]), [false, false]);
        assert_eq!(holds(&[pin("a", "1.0.1", "a")]), [false, false]);
        assert_eq!(holds(&[pin("b", "1.0.0", "a")]), [false, false]);
        assert_eq!(holds(&[pin("a", "1.0.1", "a"), pin("a", "1.0.0", "a")]), [true, false]);
        let mut inventory = inventory(&[("r", &["a"]), ("a", &[])]);
        for package in &mut inventory.packages {
            package.checksum = None;
        }
        let known = Known { as_of: AS_OF, releases: None };
        let policy = with(&[pin("a", "1.0.0", "a")]);
        let slow_burn = campaigns(&["slow-burn"]);
        let model = Model::of(&inventory, &policy, known, prior::built_in(), slow_burn);
        assert_eq!(model.seeds[0].rates.iter().filter(|&&rate| rate > 0).count(), 1);
    }

    #[test]
    fn a_review_finds_what_is_wrong_with_a_new_crate_and_with_an_established_one() {
        let review = |name: &str| Barrier::Review {
            criteria: Some("safe-to-deploy".to_owned()),
            name: name.to_owned(),
            reason: String::new(),
            role: None,
        };
        assert_eq!(holds(&[review("a")]), [true, true]);
        assert_eq!(holds(&[review("b")]), [false, false]);
        // What was reviewed is known, whatever registries say.
        assert_eq!(seed("typosquat", &with(&[review("a")]), None), Some(0));
    }

    #[test]
    fn sources_of_ones_own_hold_what_is_established_and_other_barriers_nothing() {
        let (name, reason) = ("a".to_owned(), String::new());
        let vendor = Barrier::Vendor { name: name.clone(), reason: reason.clone() };
        let fork = Barrier::Fork {
            commit: None,
            name: name.clone(),
            repository: "https://x/y".to_owned(),
            reason: reason.clone(),
        };
        assert_eq!([holds(&[vendor]), holds(&[fork])], [[true, false]; 2]);
        let drop = Barrier::Drop { name: name.clone(), feature: None, reason: reason.clone() };
        let seal = Barrier::Seal { name: name.clone(), dependencies: Vec::new(), reason };
        let region =
            Barrier::Region { crates: vec![name], dependents: Vec::new(), reason: String::new() };
        assert_eq!(holds(&[drop, seal, region]), [false, false]);
    }

    #[test]
    fn an_edge_keeps_its_key_through_compatible_updates_alone() {
        let key_of = |from: &str, to: &str| {
            let inventory = inventory(&[("r", &[from]), (from, &[to]), (to, &[])]);
            let known = Known { as_of: AS_OF, releases: None };
            let policy = sample::policy();
            let model = Model::of(&inventory, &policy, known, prior::built_in(), Vec::new());
            let is_inner = |tie: &Tie| !inventory.package(tie.dependent).member;
            let keys: Vec<u64> =
                model.ties(Execution::Call).iter().filter(|t| is_inner(t)).map(|t| t.key).collect();
            assert_eq!(keys.len(), 1);
            keys[0]
        };
        let key = key_of("a 1.0.0", "b 0.3.1");
        assert_eq!(key_of("a 1.9.0", "b 0.3.7"), key);
        for (from, to) in [
            ("a 2.0.0", "b 0.3.1"),
            ("a 1.0.0", "b 0.4.0"),
            ("a 1.0.0", "b 1.0.0"),
            ("a 0.3.1", "b 1.0.0"),
            ("b 0.3.1", "a 1.0.0"),
            ("a 1.0.0", "c 0.3.1"),
        ] {
            assert_ne!(key_of(from, to), key, "{from} and {to}");
        }
        assert_ne!(key_of("a 1.0.0", "b 0.0.1"), key_of("a 1.0.0", "b 0.0.2"));
    }
}
