//! The plan: which barriers lower the expected loss most within a budget, and how far from the best that can be.
//!
//! Three questions are kept apart, because their mathematics are.
//! What *holding* crates saves adds up, since an attack begins in one of them: a knapsack, solved exactly for each choice
//! of a window.
//! What *dropping* crates saves does not, since two ways may lead to one loss: branch and bound, with a gap.
//! And what *separates* the workspace from code that runs while it is built is a minimum cut, with the flow that proves
//! it.

mod host;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{
    Cascade, Drawn, GraphError, Item, Objective, Probability, Savings, Stakes, Tie, Worlds,
    knapsack,
};

use super::assessment::{self, Assessment, Settings, own_losses};
use super::campaign::{Campaign, Crates, Execution};
use super::model::{Known, Model};
use super::prior::Priors;
use crate::inventory::{Inventory, Package};
use crate::place::Place;
use crate::policy::{Barrier, Policy};

pub use self::host::{Gateway, HostHold, HostPlan, SeparationPlan, hold_host, separate};

/// What is asked of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The graph.
    pub inventory: &'a Inventory,
    /// The rules in force.
    pub policy: &'a Policy,
    /// What is known beside the graph.
    pub known: Known<'a>,
    /// What has been counted of attacks.
    pub priors: &'a Priors,
    /// The campaigns to plan against.
    pub campaigns: &'a [Campaign],
    /// Which worlds are drawn.
    pub settings: Settings,
    /// How many barriers there may be.
    pub budget: u32,
    /// The window that may be one of them, in days; 0 for none.
    pub window_days: u32,
}

/// A plan against an expected loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What is proposed, the window first, then by what it saves.
    pub proposals: Vec<Proposal>,
    /// What is expected with them, and between which values.
    pub after: assessment::Band,
    /// What is expected without them, and between which values.
    pub before: assessment::Band,
    /// What any choice of as many barriers can save at most: what these save, and the gap.
    pub bound_nano: u64,
    /// How many barriers there may be.
    pub budget: u32,
    /// The campaigns that are planned against.
    pub campaigns: Vec<String>,
    /// What removing direct dependencies from the members' manifests would save.
    pub drops: Drops,
    /// What the barriers save together.
    pub fall_nano: u64,
    /// By how much another choice could save more.
    pub gap_nano: u64,
    /// The version of the priors.
    pub priors: String,
    /// The seed of the worlds.
    pub seed: u64,
    /// How many worlds were drawn, where any had to be.
    pub worlds: u32,
}

/// Barriers that are proposed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The barriers, as `weft.toml` has them: one, or a pin for each locked version of a crate.
    pub barriers: Vec<Barrier>,
    /// What they save beside those before them, in 10^-9 losses a year.
    pub fall_nano: u64,
}

/// What removing direct dependencies from the members' manifests would save: a person has to say which can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drops {
    /// What any choice of as many of the candidates can save at most.
    pub bound_nano: u64,
    /// How many direct dependencies were candidates: those that save most alone.
    pub candidates: u64,
    /// The crates.
    pub crates: Vec<Drop>,
    /// What all of them save together.
    pub fall_nano: u64,
    /// By how much `fall_nano` can miss `bound_nano`.
    pub gap_nano: u64,
}

/// A direct dependency that would be dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// The package URL.
    pub id: String,
    /// What removing it alone would save, in 10^-9 losses a year; what else depends on it keeps it.
    pub alone_nano: u64,
    /// Where members declare it: what would be edited.
    pub declared: Vec<Place>,
}

/// Direct dependencies that are looked at alone, those first that would save most if nothing depended on them.
const LOOKED_AT: usize = 128;
/// Those of them among which drops are chosen.
const CANDIDATES: usize = Savings::MOST_CANDIDATES;
/// Evaluations that the search for drops takes.
const EVALUATIONS: u64 = 5_000;
/// What the kept worlds of that search may take, in bytes.
const DRAWN_BYTES: usize = 96 << 20;
/// Worlds of that search, if they fit.
const DRAWN_WORLDS: u32 = 512;
/// Sets that the knapsack keeps.
const SETS: usize = 1 << 16;

/// Plans against the expected loss.
///
/// # Errors
///
/// A [`GraphError`] if there are more packages than a graph holds.
pub fn plan(question: Question<'_>) -> Result<Plan, GraphError> {
    let model = question.model(&[]);
    let assessment = Assessment::of(question.inventory, &model, question.settings)?;
    let before = assessment::expected_loss(&model, question.settings)?;

    let mut best = question.holds(&[])?;
    if question.window_days > 0 && question.budget > 0 {
        let window = window(question.window_days);
        let open = question.model(std::slice::from_ref(&window));
        let saved = before.saturating_sub(assessment::expected_loss(&open, question.settings)?);
        let mut with = question.holds(std::slice::from_ref(&window))?;
        with.bound += saved;
        with.proposals.insert(0, Proposal { barriers: vec![window], fall_nano: saved });
        let bound = with.bound.max(best.bound);
        if saved > 0 && with.fall() > best.fall() {
            best = with;
        }
        best.bound = bound;
    }
    let barriers: Vec<Barrier> =
        best.proposals.iter().flat_map(|proposal| proposal.barriers.clone()).collect();
    let after = assessment::expected_band(&question.model(&barriers), question.settings)?;
    let fall = before.saturating_sub(after.mean_nano);
    // What holding crates saves is known crate by crate, so the gap is that of the choice, and not of the sum.
    let gap =
        best.bound.checked_sub(best.fall()).expect("no choice is better than the bound of all");
    Ok(Plan {
        after,
        before: assessment.expected,
        bound_nano: fall + gap,
        gap_nano: gap,
        budget: question.budget,
        campaigns: question.campaigns.iter().map(|campaign| campaign.name.clone()).collect(),
        drops: question.drops(&model, &assessment)?,
        fall_nano: fall,
        proposals: best.proposals,
        priors: question.priors.version.clone(),
        seed: question.settings.seed,
        worlds: question.settings.worlds,
    })
}

/// Returns a window of all crates.
pub fn window(days: u32) -> Barrier {
    Barrier::Window {
        name: "*".to_owned(),
        days,
        reason: "most hijacked versions are gone within hours".to_owned(),
    }
}

/// Barriers that hold crates, and what any others could save at most.
struct Holds {
    proposals: Vec<Proposal>,
    bound: u64,
}

impl Holds {
    fn fall(&self) -> u64 {
        self.proposals.iter().map(|proposal| proposal.fall_nano).sum()
    }
}

impl Question<'_> {
    /// Models the graph under the policy and further barriers.
    pub(super) fn model(&self, barriers: &[Barrier]) -> Model {
        let mut policy = self.policy.clone();
        policy.barriers.extend_from_slice(barriers);
        let (priors, campaigns) = (self.priors.clone(), self.campaigns.to_vec());
        Model::of(self.inventory, &policy, self.known, priors, campaigns)
    }

    /// Chooses the crates to hold, with some barriers in place.
    fn holds(&self, given: &[Barrier]) -> Result<Holds, GraphError> {
        let mut model = self.model(given);
        // What is wrong with the version that is locked no pin ends.
        for (campaign, seeds) in model.campaigns.iter().zip(&mut model.seeds) {
            if campaign.crates == Crates::New {
                seeds.rates.fill(0);
            }
        }
        let own = own_losses(&model, self.settings)?;
        let mut by_name = BTreeMap::<&str, u64>::new();
        for index in self.inventory.judged_externals() {
            *by_name.entry(&self.inventory.package(index).name).or_default() += own[index as usize];
        }
        let reason = "a new version is looked at before it is taken in";
        let candidates: Vec<Proposal> = by_name
            .into_iter()
            .filter(|(_, own)| *own > 0)
            .filter_map(|(name, own)| {
                let barriers = pins(self.inventory, name, reason)?;
                Some(Proposal { barriers, fall_nano: own })
            })
            .collect();
        let item = |proposal: &Proposal| Item {
            cost: proposal.barriers.len() as u64,
            value: proposal.fall_nano,
        };
        let items: Vec<Item> = candidates.iter().map(item).collect();
        let left = u64::from(self.budget).saturating_sub(given.len() as u64);
        let packing = knapsack(&items, left, SETS);
        let mut proposals: Vec<Proposal> =
            packing.chosen.iter().map(|&at| candidates[at].clone()).collect();
        // Stable, so that ties keep the order of their names.
        proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.fall_nano));
        Ok(Holds { proposals, bound: packing.bound })
    }

    /// Chooses the direct dependencies whose removal from the members' manifests saves most.
    ///
    /// What others of the graph depend on stays for them, so what goes is not the crate but the members' use of it:
    /// between a candidate and the members stands a node of its own, and that is what is blocked.
    fn drops(&self, model: &Model, assessment: &Assessment) -> Result<Drops, GraphError> {
        let by_id: BTreeMap<&str, u32> =
            (0u32..).zip(&self.inventory.packages).map(|(at, p)| (&*p.id, at)).collect();
        let used = self
            .inventory
            .edges
            .iter()
            .filter(|edge| edge.selected && self.inventory.package(edge.from).member);
        let used: BTreeSet<u32> = used.map(|edge| edge.to).collect();
        // No use of a crate costs more than the crate, and those that save most come first.
        let rows = assessment.rows.iter().filter(|row| row.delta_nano > 0);
        let direct = rows.filter_map(|row| by_id.get(&*row.id).copied());
        let direct = direct.filter(|at| used.contains(at)).take(LOOKED_AT);
        let uses = (0u32..).skip(model.len()).zip(direct);
        let uses: Vec<Use> = uses.map(|(node, package)| Use { node, package, alone: 0 }).collect();

        let mut parts = Vec::new();
        for executes in Execution::ALL {
            if !model.campaigns_at(executes).is_empty() {
                let ties = self.ties(model, executes, &uses);
                let cascade = Cascade::new(model.len() + uses.len(), &ties, &model.roots)?;
                parts.push((executes, cascade));
            }
        }
        let kept: Vec<Part<'_>> = parts
            .iter()
            .map(|(executes, cascade)| {
                Part::of(model, *executes, cascade, uses.len(), self.settings.seed)
            })
            .collect();
        let expected = assessment.expected.mean_nano;
        let mut candidates = uses;
        for uses in candidates.chunks_mut(CANDIDATES) {
            let blocking = Blocking::of(&kept, &model.losses, expected, uses);
            for (at, candidate) in uses.iter_mut().enumerate() {
                candidate.alone = blocking.fall(&[at]);
            }
        }
        candidates.retain(|candidate| candidate.alone > 0);
        // Stable, so that ties keep the order of the assessment.
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.alone));
        candidates.truncate(CANDIDATES);

        let objective = Blocking::of(&kept, &model.losses, expected, &candidates);
        let found = weft_graph::plan(&objective, self.budget.into(), EVALUATIONS);
        // In ascending order, which is that of what each saves alone.
        let chosen = found.chosen.iter().map(|&at| &candidates[at]);
        let drop = |candidate: &Use| Drop {
            id: self.inventory.package(candidate.package).id.clone(),
            alone_nano: candidate.alone,
            declared: self.declared(candidate.package),
        };
        Ok(Drops {
            bound_nano: found.bound,
            candidates: candidates.len() as u64,
            crates: chosen.map(drop).collect(),
            fall_nano: found.fall,
            gap_nano: found.gap(),
        })
    }

    /// Returns the edges of a model with a node between the members and each candidate, after all packages.
    fn ties(&self, model: &Model, executes: Execution, candidates: &[Use]) -> Vec<Tie> {
        let node: BTreeMap<u32, u32> = candidates.iter().map(|c| (c.package, c.node)).collect();
        let mut ties = model.ties(executes);
        for tie in &mut ties {
            if self.inventory.package(tie.dependent).member
                && let Some(&between) = node.get(&tie.dependency)
            {
                tie.dependency = between;
            }
        }
        ties.extend(node.iter().map(|(&candidate, &between)| Tie {
            dependent: between,
            dependency: candidate,
            key: 0,
            probability: Probability::ONE,
        }));
        ties
    }

    /// Returns where members declare a package.
    fn declared(&self, index: u32) -> Vec<Place> {
        let edges = self.inventory.edges.iter().filter(|edge| edge.selected && edge.to == index);
        let mut places: Vec<Place> =
            edges.flat_map(|edge| edge.declared.iter().filter_map(|d| d.place.clone())).collect();
        places.sort();
        places.dedup();
        places
    }
}

/// Returns the pins that hold a crate: one for each locked version; none if one of them has no archive to hold.
pub(super) fn pins(inventory: &Inventory, name: &str, reason: &str) -> Option<Vec<Barrier>> {
    let present = inventory.present_externals().into_iter().map(|index| inventory.package(index));
    let pin = |package: &Package| {
        Some(Barrier::Pin {
            checksum: package.checksum?,
            name: package.name.clone(),
            reason: reason.to_owned(),
            version: package.version.clone(),
        })
    };
    present.filter(|package| package.name == name).map(pin).collect()
}

/// The members' use of a package.
struct Use {
    /// What ending it alone would save.
    alone: u64,
    /// The node that stands for it.
    node: u32,
    package: u32,
}

/// The campaigns whose code runs at the same time.
struct Part<'a> {
    drawn: Drawn<'a>,
    /// What is lost in these worlds, in 10^-9 losses a year.
    loss: u64,
    seeds: Vec<Vec<u64>>,
}

impl<'a> Part<'a> {
    fn of(
        model: &Model,
        executes: Execution,
        cascade: &'a Cascade,
        between: usize,
        seed: u64,
    ) -> Part<'a> {
        let count = match cascade.is_certain() {
            true => 1,
            false => DRAWN_WORLDS.min(Drawn::within(cascade, DRAWN_BYTES)),
        };
        let campaigns = model.campaigns_at(executes);
        // Their sum is as good, since all that is asked for is the whole.
        let sum = |at: usize| campaigns.iter().map(|&i| model.seeds[i].rates[at]).sum();
        let worlds = Worlds { seed, count };
        let seeds = vec![(0..model.len()).map(sum).chain(vec![0; between]).collect()];
        let stakes = Stakes { seeds: &seeds, losses: &model.losses };
        let loss = assessment::mean(&cascade.loss(worlds, stakes), 0, 0);
        Part { drawn: Drawn::of(cascade, worlds), loss, seeds }
    }
}

/// What dropping dependencies saves: the part that it saves in kept worlds, of what is expected.
struct Blocking {
    candidates: usize,
    expected: u64,
    /// What is lost in the kept worlds, in 10^-9 losses a year.
    lost: u64,
    /// None if no campaign is planned against.
    savings: Option<Savings>,
}

impl Blocking {
    fn of(parts: &[Part<'_>], losses: &[u32], expected: u64, candidates: &[Use]) -> Blocking {
        let nodes: Vec<u32> = candidates.iter().map(|candidate| candidate.node).collect();
        let savings =
            |part: &Part<'_>| part.drawn.savings(Stakes { seeds: &part.seeds, losses }, &nodes);
        Blocking {
            candidates: candidates.len(),
            expected,
            lost: parts.iter().map(|part| part.loss).sum(),
            savings: parts.iter().map(savings).reduce(Savings::plus),
        }
    }

    fn part(&self, sum: impl Fn(&Savings) -> u128) -> u64 {
        let Some(savings) = &self.savings else { return 0 };
        let saved = u128::from(assessment::nano(sum(savings) / savings.worlds()));
        let part = saved * u128::from(self.expected) / u128::from(self.lost.max(1));
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl Objective for Blocking {
    fn candidates(&self) -> usize {
        self.candidates
    }

    fn cost(&self, _: usize) -> u64 {
        1
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        self.part(|savings| savings.fall(chosen))
    }

    fn bound(&self, chosen: &[usize], undecided: &[usize], left: u64) -> u64 {
        self.part(|savings| savings.bound(chosen, undecided, left, |_| 1))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::gate::sample;
    use crate::risk::prior;
    use crate::risk::publisher::tests::{campaigns, inventory};

    /// Two ways lead to `c`, and `d` is locked in two versions, so that it takes two pins.
    const W: [(&str, &[&str]); 7] = [
        ("r", &["a", "b"]),
        ("a", &["c"]),
        ("b", &["c", "e"]),
        ("c", &["d 1.0.0"]),
        ("d", &[]),
        ("d 2.0.0", &[]),
        ("e", &["d 2.0.0"]),
    ];

    /// Two members, ways that cross, and a cycle.
    const CROSSED: [(&str, &[&str]); 9] = [
        ("r", &["a", "b"]),
        ("r2", &["b", "c"]),
        ("a", &["d 1.0.0", "e"]),
        ("b", &["d 1.0.0", "e"]),
        ("c", &["e", "d 2.0.0"]),
        ("d", &["f"]),
        ("d 2.0.0", &["f"]),
        ("e", &["f"]),
        ("f", &["e"]),
    ];

    /// Both versions of `a` are direct dependencies, and so is what others depend on.
    const WIDE: [(&str, &[&str]); 9] = [
        ("r", &["a 1.0.0", "b", "c"]),
        ("r2", &["a 2.0.0", "c", "d"]),
        ("a", &["e"]),
        ("a 2.0.0", &["e", "f"]),
        ("b", &["d", "e"]),
        ("c", &["d", "f"]),
        ("d", &["e", "f"]),
        ("e", &[]),
        ("f", &[]),
    ];

    /// Two pins of `a` are worth more together than what else two pins hold, and each of them is worth less.
    const PAIRED: [(&str, &[&str]); 8] = [
        ("r", &["a 1.0.0", "a 2.0.0", "b"]),
        ("r2", &["a 1.0.0", "a 2.0.0", "b"]),
        ("a", &[]),
        ("a 2.0.0", &[]),
        ("b", &["c"]),
        ("c", &["d"]),
        ("d", &["e"]),
        ("e", &[]),
    ];

    /// Three direct dependencies keep together what goes with none of them alone, and each of three others saves more.
    const JOINT: [(&str, &[&str]); 19] = [
        ("r", &["a", "b", "c", "x", "y", "z"]),
        ("a", &["t"]),
        ("b", &["t"]),
        ("c", &["t"]),
        ("t", &["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]),
        ("t1", &[]),
        ("t2", &[]),
        ("t3", &[]),
        ("t4", &[]),
        ("t5", &[]),
        ("t6", &[]),
        ("t7", &[]),
        ("t8", &[]),
        ("x", &["x1"]),
        ("x1", &[]),
        ("y", &["y1"]),
        ("y1", &[]),
        ("z", &["z1"]),
        ("z1", &[]),
    ];

    const AS_OF: Date = date(2026, 11, 20);
    const SETTINGS: Settings = Settings { seed: 7, worlds: 10_240 };

    /// What each crate loses to each campaign is rounded down by itself, and so are their sums: by less than this.
    const ROUNDING: u64 = 2 * 18 + 2;

    /// An inventory, and what is planned against.
    struct Case {
        inventory: Inventory,
        policy: Policy,
        priors: Priors,
        campaigns: Vec<Campaign>,
    }

    impl Case {
        fn question(&self, budget: u32, window_days: u32) -> Question<'_> {
            Question {
                inventory: &self.inventory,
                policy: &self.policy,
                known: Known { as_of: AS_OF, releases: None },
                priors: &self.priors,
                campaigns: &self.campaigns,
                settings: SETTINGS,
                budget,
                window_days,
            }
        }
    }

    /// Lets campaigns attack each inventory whose code runs when it is built, when it is called, and either.
    fn cases(inventories: &[&[(&str, &[&str])]]) -> Vec<Case> {
        let mut cases = Vec::new();
        for packages in inventories {
            for names in
                [&["pipeline-poisoning"][..], &["slow-burn"], &["pipeline-poisoning", "slow-burn"]]
            {
                for call_permille in [400, 900] {
                    cases.push(Case {
                        inventory: inventory(packages),
                        policy: sample::policy(),
                        priors: Priors { call_permille, ..prior::built_in() },
                        campaigns: campaigns(names),
                    });
                }
            }
        }
        cases
    }

    fn subsets<T: Clone>(all: &[T]) -> impl Iterator<Item = Vec<T>> {
        (0..1_u32 << all.len()).map(|set| {
            let chosen = all.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
            chosen.map(|(_, item)| item.clone()).collect()
        })
    }

    /// Returns every choice of crates to hold, with and without a window, with what it saves.
    fn choices(case: &Case, window_days: u32) -> Vec<(usize, u64)> {
        let question = case.question(0, 0);
        let expected = |barriers: &[Barrier]| {
            assessment::expected_loss(&question.model(barriers), SETTINGS).unwrap()
        };
        let before = expected(&[]);
        let externals = case.inventory.judged_externals().into_iter();
        let names: BTreeSet<&str> = externals.map(|at| &*case.inventory.package(at).name).collect();
        let mut holds: Vec<Vec<Barrier>> =
            names.into_iter().map(|name| pins(&case.inventory, name, "").unwrap()).collect();
        assert!(holds.iter().any(|pins| pins.len() == 2), "one takes two pins");
        if window_days > 0 {
            holds.push(vec![window(window_days)]);
        }
        let choice = |chosen: Vec<Vec<Barrier>>| {
            let barriers = chosen.concat();
            (barriers.len(), before - expected(&barriers))
        };
        subsets(&holds).map(choice).collect()
    }

    #[test]
    fn no_choice_of_barriers_saves_more_than_the_bound_and_a_plan_without_a_gap_is_the_best() {
        for case in cases(&[&W, &CROSSED, &WIDE, &PAIRED]) {
            for window_days in [0, 1] {
                let choices = choices(&case, window_days);
                for budget in 1..=4 {
                    let question = case.question(budget, window_days);
                    let plan = plan(question).unwrap();
                    let within = choices.iter().filter(|(cost, _)| *cost <= budget as usize);
                    let best = within.map(|(_, fall)| *fall).max().unwrap();
                    assert!(best > 0 && best <= plan.bound_nano + ROUNDING, "{best} of {plan:?}");
                    assert_eq!((plan.gap_nano, plan.bound_nano), (0, plan.fall_nano));
                    assert!(plan.fall_nano.abs_diff(best) <= ROUNDING, "{best} of {plan:?}");

                    // What is said of the barriers is true of them.
                    let proposed: Vec<Barrier> =
                        plan.proposals.iter().flat_map(|p| p.barriers.clone()).collect();
                    assert!(proposed.len() <= budget as usize, "{plan:?}");
                    let [before, after] = [&[][..], &proposed].map(|barriers| {
                        assessment::expected_loss(&question.model(barriers), SETTINGS).unwrap()
                    });
                    assert_eq!((plan.before.mean_nano, plan.after.mean_nano), (before, after));
                    assert_eq!(plan.fall_nano, before - after);
                    let sum: u64 = plan.proposals.iter().map(|p| p.fall_nano).sum();
                    // Worlds are drawn for the parts even where bounds settle the whole.
                    let near = ROUNDING + plan.fall_nano / 50;
                    assert!(sum.abs_diff(plan.fall_nano) <= near, "{plan:?}");
                }
            }
        }
    }

    /// A pin does not end what is wrong with the version of a new crate that is locked already.
    #[test]
    fn a_new_crate_is_not_pinned_for_what_no_pin_ends() {
        use crate::facts::{History, Release, Releases};
        let inventory = inventory(&CROSSED);
        let release = |name: &str| {
            let published = if name == "a" || name == "d" { AS_OF } else { date(2020, 1, 1) };
            let history = History { added: Vec::new(), first_published: published, previous: None };
            Release {
                history: Some(history),
                lacks: Vec::new(),
                published: Some(published),
                yanked: false,
            }
        };
        let packages = inventory.packages.iter();
        let releases: Releases = packages.map(|p| (p.id.clone(), release(&p.name))).collect();
        let known = Known { as_of: AS_OF, releases: Some(&releases) };
        let (policy, priors) = (sample::policy(), prior::built_in());
        let names = ["pipeline-poisoning", "slow-burn", "typosquat", "delayed-payload"];
        let campaigns = campaigns(&names);
        let settings = SETTINGS;
        for (budget, window_days) in [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, 1)] {
            let question = Question {
                inventory: &inventory,
                policy: &policy,
                known,
                priors: &priors,
                campaigns: &campaigns,
                settings,
                budget,
                window_days,
            };
            let expected =
                |b: &[Barrier]| assessment::expected_loss(&question.model(b), SETTINGS).unwrap();
            let mut holds: Vec<Vec<Barrier>> = ["a", "b", "c", "d", "e", "f"]
                .map(|name| pins(&inventory, name, "").unwrap())
                .into();
            holds.extend((window_days > 0).then(|| vec![window(window_days)]));
            let within = subsets(&holds).map(|set| set.concat());
            let within = within.filter(|barriers| barriers.len() <= budget as usize);
            let best = within.map(|barriers| expected(&[]) - expected(&barriers)).max().unwrap();
            let plan = plan(question).unwrap();
            assert!(best <= plan.bound_nano + ROUNDING, "{best} of {plan:?}");
            assert!(plan.fall_nano + plan.gap_nano + ROUNDING >= best, "{best} of {plan:?}");
        }
    }

    /// Returns what is lost without the members' use of some packages, in the worlds in which drops are looked for.
    fn lost_without(case: &Case, dropped: &[u32]) -> u64 {
        let mut inventory = case.inventory.clone();
        let packages = inventory.packages.clone();
        let is_use = |edge: &crate::inventory::Edge| {
            packages[edge.from as usize].member && dropped.contains(&edge.to)
        };
        inventory.edges.retain(|edge| !is_use(edge));
        let model = Question { inventory: &inventory, ..case.question(0, 0) }.model(&[]);
        let of_time = |executes: Execution| {
            let cascade = model.cascade(executes).unwrap();
            let count = if cascade.is_certain() { 1 } else { DRAWN_WORLDS };
            let campaigns = model.campaigns_at(executes);
            let seeds: Vec<Vec<u64>> =
                campaigns.iter().map(|&at| model.seeds[at].rates.clone()).collect();
            let stakes = Stakes { seeds: &seeds, losses: &model.losses };
            let tally = cascade.loss(Worlds { seed: SETTINGS.seed, count }, stakes);
            (0..seeds.len()).map(|scenario| assessment::mean(&tally, scenario, 0)).sum::<u64>()
        };
        Execution::ALL.into_iter().map(of_time).sum()
    }

    #[test]
    fn no_drops_save_more_than_the_bound_and_those_without_a_gap_are_the_best() {
        for case in cases(&[&W, &CROSSED, &WIDE, &PAIRED, &JOINT]) {
            let members = case.inventory.roots();
            let edges = case.inventory.edges.iter();
            let direct: BTreeSet<u32> =
                edges.filter(|edge| members.contains(&edge.from)).map(|edge| edge.to).collect();
            let lost = lost_without(&case, &[]);
            // What saves nothing alone, since others keep it, is no candidate.
            let saves = |at: &u32| lost > lost_without(&case, &[*at]);
            let direct: Vec<u32> = direct.into_iter().filter(saves).collect();
            let sets: Vec<(Vec<u32>, u64)> = subsets(&direct)
                .map(|set| (set.clone(), lost - lost_without(&case, &set)))
                .collect();
            for budget in 1..=4 {
                let plan = plan(case.question(budget, 0)).unwrap();
                let drops = &plan.drops;
                // What is lost is told in the worlds of the whole.
                let scaled = |fall: u64| fall * plan.before.mean_nano / lost;
                let within = sets.iter().filter(|(set, _)| set.len() <= budget as usize);
                let best = within.map(|(_, fall)| scaled(*fall)).max().unwrap();
                assert!(best > 0 && best <= drops.bound_nano + ROUNDING, "{best} of {drops:?}");
                assert_eq!((drops.gap_nano, drops.bound_nano), (0, drops.fall_nano));
                assert!(drops.fall_nano.abs_diff(best) <= ROUNDING, "{best} of {drops:?}");
                assert_eq!(drops.candidates, direct.len() as u64);
                let set = |ids: &[&Drop]| -> Vec<u32> {
                    let all = (0..).zip(&case.inventory.packages);
                    all.filter(|(_, p)| ids.iter().any(|d| d.id == p.id))
                        .map(|(at, _)| at)
                        .collect()
                };
                let saved = |ids: &[&Drop]| scaled(lost - lost_without(&case, &set(ids)));
                let all: Vec<&Drop> = drops.crates.iter().collect();
                assert!(all.len() <= budget as usize);
                assert!(saved(&all).abs_diff(drops.fall_nano) <= ROUNDING, "{drops:?}");
                for drop in all {
                    assert!(saved(&[drop]).abs_diff(drop.alone_nano) <= ROUNDING, "{drop:?}");
                }
            }
        }
    }
}
