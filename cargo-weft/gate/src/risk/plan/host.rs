//! What stands between the workspace and code that runs while it is built: the fewest crates that separate both, and those
//! within a budget behind which most of that code lies.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{
    CutFault, Graph, Objective, Separation, ShortestPaths, UNCUTTABLE, blocking_shares, minimum_cut,
};

use super::pins;
use crate::inventory::Inventory;
use crate::policy::Barrier;

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

/// What keeps away, within a budget, crates that run code while the workspace is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostPlan {
    /// Behind how many of the running crates any choice within the budget can stand at most.
    pub bound: u64,
    /// How many barriers there may be.
    pub budget: u32,
    /// The crates to hold, those first behind which most lies.
    pub crates: Vec<HostHold>,
    /// How many running crates no choice of as many barriers holds beside.
    pub gap: u64,
    /// How many of the running crates lie behind the chosen ones, and are reached by no other path.
    pub held: u64,
    /// How many external crates run code while the workspace is built.
    pub running: u64,
}

/// A crate behind which code lies that runs while the workspace is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostHold {
    /// How many of the running crates lie behind it alone, itself counted.
    pub alone: u64,
    /// The pins that hold it, one for each locked version.
    pub barriers: Vec<Barrier>,
    /// Its name.
    pub name: String,
    /// A shortest path through it, from a member to code that runs.
    pub path: Vec<String>,
}

/// Evaluations that the search for crates to hold takes: some, and for each barrier a few of each candidate.
const HOST_EVALUATIONS: u64 = 20_000;
const EVALUATIONS_OF_EACH: u64 = 4;
const MOST_EVALUATIONS: u64 = 400_000;
/// What a crate counts in that search, so that shares of it can be told apart.
const WHOLE: u64 = 1_000_000;
/// Rounds in which the shares of crates are refined.
const ROUNDS: u16 = 64;

/// Finds the crates behind which most of the code lies that runs while the workspace is built.
///
/// # Errors
///
/// A sentence: which code runs is not known.
pub fn hold_host(inventory: &Inventory, budget: u32) -> Result<HostPlan, String> {
    let running = running(inventory)?;
    let graph = judged(inventory)?;
    let reason = "code that runs while the workspace is built lies behind it";
    let mut by_name = BTreeMap::<&str, Vec<u32>>::new();
    for index in inventory.judged_externals() {
        by_name.entry(&inventory.package(index).name).or_default().push(index);
    }
    let leads = |node: &u32| {
        let behind = ShortestPaths::new(&graph, &[*node]);
        running.iter().any(|&at| behind.to(at).is_some())
    };
    let candidates: Vec<Candidate> = by_name
        .into_iter()
        .filter(|(_, nodes)| nodes.iter().any(leads))
        .filter_map(|(name, nodes)| {
            let barriers = pins(inventory, name, reason)?;
            Some(Candidate { barriers, name: name.to_owned(), nodes, share: 0 })
        })
        .collect();
    let mut holding = Holding { candidates, graph: &graph, roots: inventory.roots(), running };
    holding.share_out(budget);
    let each = holding.candidates.len() as u64 * u64::from(budget) * EVALUATIONS_OF_EACH;
    let evaluations = (HOST_EVALUATIONS + each).min(MOST_EVALUATIONS);
    let found = weft_graph::plan(&holding, budget.into(), evaluations);
    let paths = ShortestPaths::new(&graph, &holding.roots);
    let mut crates: Vec<HostHold> = found
        .chosen
        .iter()
        .map(|&at| {
            let candidate = &holding.candidates[at];
            HostHold {
                alone: holding.fall(&[at]) / WHOLE,
                barriers: candidate.barriers.clone(),
                name: candidate.name.clone(),
                path: holding.path(inventory, &paths, candidate),
            }
        })
        .collect();
    crates.sort_by(|a, b| b.alone.cmp(&a.alone).then_with(|| a.name.cmp(&b.name)));
    let (bound, held) = (found.bound / WHOLE, found.fall / WHOLE);
    Ok(HostPlan {
        bound,
        budget,
        crates,
        gap: bound - held,
        held,
        running: holding.running.len() as u64,
    })
}

/// A crate that can be held.
struct Candidate {
    barriers: Vec<Barrier>,
    name: String,
    nodes: Vec<u32>,
    share: u64,
}

/// Behind which crates code lies that runs while the workspace is built.
struct Holding<'a> {
    candidates: Vec<Candidate>,
    graph: &'a Graph,
    roots: Vec<u32>,
    running: Vec<u32>,
}

impl Holding<'_> {
    /// Shares out what can be held, so that the search knows what no choice exceeds.
    fn share_out(&mut self, budget: u32) {
        let len = self.graph.len();
        let top = u32::try_from(len).unwrap_or(u32::MAX);
        let edges = (0..top).flat_map(|from| {
            let dependencies = self.graph.successors(from).iter();
            dependencies.map(move |&to| (from, to))
        });
        // Whoever reaches a crate, it counts once: the members hang on one node.
        let edges: Vec<(u32, u32)> =
            edges.chain(self.roots.iter().map(|&root| (top, root))).collect();
        let Ok(graph) = Graph::from_edges(len + 1, &edges) else { return };
        let (mut loss, mut cost) = (vec![0; len + 1], vec![UNCUTTABLE; len + 1]);
        for &at in &self.running {
            loss[at as usize] = 1;
        }
        for candidate in &self.candidates {
            for &node in &candidate.nodes {
                cost[node as usize] = 1;
            }
        }
        let shares = blocking_shares(&graph, &[(top, WHOLE)], &loss, &cost, budget.into(), ROUNDS);
        for candidate in &mut self.candidates {
            let of_nodes = candidate.nodes.iter().map(|&node| shares[node as usize]);
            candidate.share = of_nodes.fold(0, u64::saturating_add);
        }
    }

    /// Returns the packages that are reached past blocked ones.
    fn reached(&self, blocked: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.graph.len()];
        let mut next = self.roots.clone();
        let mut closed = vec![false; self.graph.len()];
        for node in blocked.iter().flat_map(|&at| &self.candidates[at].nodes) {
            closed[*node as usize] = true;
        }
        while let Some(at) = next.pop() {
            if closed[at as usize] || std::mem::replace(&mut reached[at as usize], true) {
                continue;
            }
            next.extend_from_slice(self.graph.successors(at));
        }
        reached
    }

    /// Returns a shortest path to code that lies behind a candidate, through it.
    fn path(
        &self,
        inventory: &Inventory,
        paths: &ShortestPaths,
        candidate: &Candidate,
    ) -> Vec<String> {
        let through = candidate.nodes.iter().filter_map(|&node| {
            let mut path = paths.to(node)?;
            let behind = ShortestPaths::new(self.graph, &[node]);
            let rest = self.running.iter().filter_map(|&at| behind.to(at));
            path.extend(rest.min_by_key(Vec::len)?.into_iter().skip(1));
            Some(path)
        });
        let path = through.min_by_key(Vec::len).unwrap_or_default();
        path.into_iter().map(|at| inventory.package(at).id.clone()).collect()
    }
}

impl Objective for Holding<'_> {
    fn candidates(&self) -> usize {
        self.candidates.len()
    }

    fn cost(&self, candidate: usize) -> u64 {
        self.candidates[candidate].barriers.len() as u64
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        let reached = self.reached(chosen);
        let held = self.running.iter().filter(|&&at| !reached[at as usize]);
        held.count() as u64 * WHOLE
    }

    fn share(&self, candidate: usize) -> u64 {
        self.candidates[candidate].share
    }
}

/// Lists the judged external crates that run code while the workspace is built.
fn running(inventory: &Inventory) -> Result<Vec<u32>, String> {
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
    Ok(running)
}

/// Returns the graph of what is judged.
fn judged(inventory: &Inventory) -> Result<Graph, String> {
    let selected = inventory.edges.iter().filter(|edge| edge.selected);
    let edges: Vec<(u32, u32)> = selected.map(|edge| (edge.from, edge.to)).collect();
    Graph::from_edges(inventory.packages.len(), &edges).map_err(|e| e.to_string())
}

/// Finds the fewest crates that stand between the members and all external code that runs while they are built.
///
/// # Errors
///
/// A sentence: which code runs is not known.
pub fn separate(inventory: &Inventory) -> Result<SeparationPlan, String> {
    let running = running(inventory)?;
    let (graph, len) = (judged(inventory)?, inventory.packages.len());
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
