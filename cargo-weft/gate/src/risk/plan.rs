//! The plan: which barriers lower the expected loss most within a budget, and how far from the best that can be.
//!
//! Three questions are kept apart, because their mathematics are.
//! What *holding* crates saves adds up, since an attack begins in one of them: a knapsack, solved exactly for each choice
//! of a window.
//! What *dropping* crates saves does not, since two ways may lead to one loss: branch and bound, with a gap.
//! And what *separates* the workspace from code that runs while it is built is a minimum cut, with the flow that proves
//! it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{
    Cascade, CutFault, Drawn, Graph, GraphError, Item, Objective, Separation, Stakes, Worlds,
    knapsack, minimum_cut,
};

use super::assessment::{self, Assessment, Settings, own_losses};
use super::campaign::{Campaign, Execution};
use super::model::{Known, Model};
use super::prior::Priors;
use crate::inventory::{Inventory, Package};
use crate::place::Place;
use crate::policy::{Barrier, Policy};

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
    /// What is expected with them, in 10^-9 losses a year.
    pub after_nano: u64,
    /// What is expected without them, and between which values.
    pub before: assessment::Band,
    /// What any choice of as many barriers can save at most.
    pub bound_nano: u64,
    /// How many barriers there may be.
    pub budget: u32,
    /// The campaigns that are planned against.
    pub campaigns: Vec<String>,
    /// What dropping direct dependencies would save.
    pub drops: Drops,
    /// What the barriers save together.
    pub fall_nano: u64,
    /// By how much `fall_nano` can miss `bound_nano`.
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

/// What dropping direct dependencies would save: a person has to say which can go.
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
    /// What dropping it alone would save, in 10^-9 losses a year.
    pub alone_nano: u64,
    /// Where members declare it: what would be edited.
    pub declared: Vec<Place>,
}

/// Direct dependencies among which drops are chosen.
const CANDIDATES: usize = 24;
/// Evaluations that the search for drops takes.
const EVALUATIONS: u64 = 600;
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
        let window = question.window();
        let open = question.model(std::slice::from_ref(&window));
        let saved = before.saturating_sub(assessment::expected_loss(&open, question.settings)?);
        let mut with = question.holds(std::slice::from_ref(&window))?;
        with.bound += saved;
        with.proposals.insert(0, Proposal { barriers: vec![window], fall_nano: saved });
        if saved > 0 && with.fall() > best.fall() {
            with.bound = with.bound.max(best.bound);
            best = with;
        }
    }
    let barriers: Vec<Barrier> =
        best.proposals.iter().flat_map(|proposal| proposal.barriers.clone()).collect();
    let after = assessment::expected_loss(&question.model(&barriers), question.settings)?;
    let fall = before.saturating_sub(after);
    Ok(Plan {
        after_nano: after,
        before: assessment.expected,
        bound_nano: best.bound.max(fall),
        gap_nano: best.bound.saturating_sub(fall),
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
    fn model(&self, barriers: &[Barrier]) -> Model {
        let mut policy = self.policy.clone();
        policy.barriers.extend_from_slice(barriers);
        let (priors, campaigns) = (self.priors.clone(), self.campaigns.to_vec());
        Model::of(self.inventory, &policy, self.known, priors, campaigns)
    }

    fn window(&self) -> Barrier {
        Barrier::Window {
            name: "*".to_owned(),
            days: self.window_days,
            reason: "most hijacked versions are gone within hours".to_owned(),
        }
    }

    /// Chooses the crates to hold, with some barriers in place.
    fn holds(&self, given: &[Barrier]) -> Result<Holds, GraphError> {
        let own = own_losses(&self.model(given), self.settings)?;
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

    fn drops(&self, model: &Model, assessment: &Assessment) -> Result<Drops, GraphError> {
        let direct = |id: &str| {
            let index = self.inventory.packages.iter().position(|package| package.id == id)?;
            let index = u32::try_from(index).ok()?;
            let is_direct = self.inventory.edges.iter().any(|edge| {
                edge.selected && edge.to == index && self.inventory.package(edge.from).member
            });
            is_direct.then_some(index)
        };
        let rows = assessment.rows.iter().filter(|row| row.delta_nano > 0);
        let candidates: Vec<u32> =
            rows.filter_map(|row| direct(&row.id)).take(CANDIDATES).collect();

        let parts = Execution::ALL
            .into_iter()
            .filter(|executes| !model.campaigns_at(*executes).is_empty())
            .map(|executes| Ok((executes, model.cascade(executes)?)))
            .collect::<Result<Vec<_>, GraphError>>()?;
        let objective = Blocking {
            parts: parts
                .iter()
                .map(|(executes, cascade)| Part::of(model, *executes, cascade, self.settings.seed))
                .collect(),
            losses: &model.losses,
            candidates: &candidates,
        };
        let found = weft_graph::plan(&objective, self.budget.into(), EVALUATIONS);
        let drop = |&at: &usize| Drop {
            id: self.inventory.package(candidates[at]).id.clone(),
            alone_nano: objective.fall(&[at]),
            declared: self.declared(candidates[at]),
        };
        Ok(Drops {
            bound_nano: found.bound,
            candidates: candidates.len() as u64,
            crates: found.chosen.iter().map(drop).collect(),
            fall_nano: found.fall,
            gap_nano: found.gap(),
        })
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

/// What dropping crates saves, in kept worlds.
struct Blocking<'a> {
    parts: Vec<Part<'a>>,
    losses: &'a [u32],
    candidates: &'a [u32],
}

/// The campaigns whose code runs at the same time.
struct Part<'a> {
    drawn: Drawn<'a>,
    seeds: Vec<Vec<u64>>,
}

impl<'a> Part<'a> {
    fn of(model: &Model, executes: Execution, cascade: &'a Cascade, seed: u64) -> Part<'a> {
        let count = match cascade.is_certain() {
            true => 1,
            false => DRAWN_WORLDS.min(Drawn::within(cascade, DRAWN_BYTES)),
        };
        let campaigns = model.campaigns_at(executes);
        // Their sum is as good, since all that is asked for is the whole.
        let sum = |at: usize| campaigns.iter().map(|&i| model.seeds[i].rates[at]).sum();
        Part {
            drawn: Drawn::of(cascade, Worlds { seed, count }),
            seeds: vec![(0..model.len()).map(sum).collect()],
        }
    }
}

impl Objective for Blocking<'_> {
    fn candidates(&self) -> usize {
        self.candidates.len()
    }

    fn cost(&self, _: usize) -> u64 {
        1
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        let blocked: Vec<u32> = chosen.iter().map(|&at| self.candidates[at]).collect();
        let fall = |part: &Part<'_>| {
            let stakes = Stakes { seeds: &part.seeds, losses: self.losses };
            assessment::mean(&part.drawn.fall(stakes, &blocked), 0, 0)
        };
        self.parts.iter().map(fall).sum()
    }
}

/// What separates the workspace from code that runs while it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeparationPlan {
    /// The fewest crates that all paths pass through.
    pub crates: Vec<Gateway>,
    /// How many external crates run code while the workspace is built.
    pub running: u64,
}

/// A crate between the workspace and code that runs while it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The pins that hold it, one for each locked version; none if one of them has no archive to hold.
    pub barriers: Vec<Barrier>,
    /// The package URL.
    pub id: String,
    /// A path through it, from a member to code that runs, which shares no external crate with those of the others: so
    /// no fewer crates meet them all.
    pub path: Vec<String>,
}

/// Finds the fewest crates that stand between the members and all external code that runs while they are built.
///
/// # Errors
///
/// A sentence: which code runs is not known.
pub fn separate(inventory: &Inventory) -> Result<SeparationPlan, String> {
    let mut running = Vec::new();
    for index in inventory.judged_externals() {
        let Some(manifest) = &inventory.package(index).manifest else {
            return Err("which crates run a build script or are procedural macros is known at metadata precision"
                .to_owned());
        };
        if manifest.build_script || manifest.proc_macro {
            running.push(index);
        }
    }
    let selected = inventory.edges.iter().filter(|edge| edge.selected);
    let edges: Vec<(u32, u32)> = selected.map(|edge| (edge.from, edge.to)).collect();
    let len = inventory.packages.len();
    let graph = Graph::from_edges(len, &edges).map_err(|e| e.to_string())?;
    let (roots, cost) = (inventory.roots(), vec![1; len]);
    let separation = minimum_cut(&graph, &roots, &running, &cost).map_err(|e| e.to_string())?;
    let checked: Result<(), CutFault> = separation.verify(&graph, &roots, &running, &cost);
    checked.map_err(|e| e.to_string())?;
    let Separation::Possible(cut) = separation else {
        return Err("a member is itself what would have to be cut off".to_owned());
    };
    let name = |&index: &u32| inventory.package(index).id.clone();
    let gateway = |&index: &u32| {
        let package = inventory.package(index);
        let reason = "it stands between the workspace and code that runs while it is built";
        let barriers = pins(inventory, &package.name, reason).unwrap_or_default();
        let path = cut.flow.iter().find(|path| path.nodes.contains(&index));
        let path = path.map_or(Vec::new(), |path| path.nodes.iter().map(name).collect());
        Gateway { barriers, id: package.id.clone(), path }
    };
    Ok(SeparationPlan {
        crates: cut.nodes.iter().map(gateway).collect(),
        running: running.len() as u64,
    })
}
