//! Topology: what the shape of the judged graph says, measured by `weft-graph`.
//!
//! Nodes are the inventory's packages, by the same indexes; edges are the judged ones, from dependent to dependency.
//! Roots are the judged members.
//! Every number is an integer and exact, but for betweenness, which is exact to a thousandth, and f50, which is a Monte
//! Carlo estimate with a fixed seed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{
    Betweenness, Condensation, Depth, Dominators, Graph, GraphError, HostCode, PathCount, Reach,
};
use weft_verify::Sha256;

use crate::inventory::{DependencyKind, Inventory};

/// Trials of the percolation estimate.
const TRIALS: u32 = 512;

/// The seed of the percolation estimate: any fixed number will do.
const SEED: u64 = 0x7765_6674;

/// The measured topology of an inventory.
pub struct Topology {
    /// The judged graph.
    pub graph: Graph,
    /// Its strongly connected components.
    pub condensation: Condensation,
    /// Indexes of the judged members.
    pub roots: Vec<u32>,
    /// Which members each package reaches into.
    pub blast: Reach,
    /// In which members' builds the code of each package runs on the build host; known at metadata precision.
    pub host: Option<Reach>,
    /// Dominators, weighing external packages.
    pub dominators: Dominators,
    /// Whether removing the package splits the graph, its direction ignored.
    pub articulation: Vec<bool>,
    /// On how many shortest paths each package lies.
    pub betweenness: Vec<Betweenness>,
    /// Paths from members to each package.
    pub paths: Vec<PathCount>,
    /// Distance from members to each package.
    pub depths: Vec<Option<Depth>>,
    /// f50 in thousandths: the smallest share of packages that, if any may pass on a compromise, lets half be reached.
    pub f50_thousandths: Option<u32>,
}

impl Topology {
    /// Measures the judged graph of an inventory.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if shortest paths are too many to count.
    pub fn of(inventory: &Inventory) -> Result<Self, GraphError> {
        let len = inventory.packages.len();
        let edges: Vec<(u32, u32)> =
            inventory.edges.iter().filter(|e| e.selected).map(|e| (e.from, e.to)).collect();
        let graph = Graph::from_edges(len, &edges)?;
        let condensation = Condensation::of(&graph);
        let roots = inventory.roots();
        let weight: Vec<u64> =
            inventory.packages.iter().map(|p| u64::from(p.selected && !p.member)).collect();
        let ((betweenness, f50), (host, dominators)) = rayon::join(
            || {
                rayon::join(
                    || weft_graph::betweenness(&graph),
                    || f50(inventory, &condensation, &roots),
                )
            },
            || {
                let host = host_reach(inventory, &condensation, &roots);
                (host, weft_graph::dominators(&condensation, &roots, &weight))
            },
        );
        Ok(Self {
            blast: weft_graph::reach_from_roots(&condensation, &roots),
            host: host?,
            dominators,
            articulation: weft_graph::articulation_points(&graph, &roots),
            betweenness: betweenness?,
            paths: weft_graph::path_counts(&condensation, &roots),
            depths: weft_graph::depths(&graph, &condensation, &roots),
            f50_thousandths: f50,
            graph,
            condensation,
            roots,
        })
    }

    /// Returns the row of a package in the risk table.
    pub fn row(&self, inventory: &Inventory, index: u32) -> RiskRow {
        let package = inventory.package(index);
        let at = index as usize;
        let depth = self.depths[at];
        RiskRow {
            articulation_point: self.articulation[at],
            betweenness_thousandths: self.betweenness[at].to_thousandths(),
            blast: self.blast.count(index),
            depth: depth.map_or(0, |d| d.nearest),
            fan_in: count(self.graph.fan_in(index)),
            fan_out: count(self.graph.fan_out(index)),
            host_execution: self.host.as_ref().map(|host| host.count(index)),
            id: package.id.clone(),
            longest_path: depth.map_or(0, |d| d.longest),
            name: package.name.clone(),
            paths: match self.paths[at] {
                PathCount::Exact(number) => number.to_string(),
                PathCount::AtLeast(number) => format!(">={number}"),
            },
            retained: self.dominators.retained_of(index),
            version: package.version.to_string(),
        }
    }

    /// Returns the rows of all judged external packages, the riskiest first.
    ///
    /// The order is by retained packages, then members in whose build it runs, then members reached, then
    /// betweenness; `docs/src/guide/risk.md` argues it.
    pub fn ranked(&self, inventory: &Inventory) -> Vec<RiskRow> {
        let mut rows: Vec<RiskRow> = inventory
            .judged_externals()
            .into_iter()
            .map(|index| self.row(inventory, index))
            .collect();
        let key = |r: &RiskRow| (r.retained, r.host_execution, r.blast, r.betweenness_thousandths);
        rows.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.id.cmp(&b.id)));
        rows
    }

    /// Returns the components of more than one package: dependency cycles.
    pub fn cycles(&self) -> Vec<&[u32]> {
        self.condensation.cycles().collect()
    }
}

/// One external package in the risk table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRow {
    /// Whether removing it splits the graph, direction ignored.
    pub articulation_point: bool,
    /// Shortest paths that pass through it, in thousandths of a pair of packages.
    pub betweenness_thousandths: u64,
    /// Members that reach it: where its compromise can arrive.
    pub blast: u32,
    /// Edges from the nearest member.
    pub depth: u32,
    /// Packages that depend on it directly.
    pub fan_in: u32,
    /// Packages it depends on directly.
    pub fan_out: u32,
    /// Members in whose build its code runs on the build host; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_execution: Option<u32>,
    /// The package URL.
    pub id: String,
    /// Edges on the longest path from a member, cycles counted as one package.
    pub longest_path: u32,
    /// The package's name.
    pub name: String,
    /// Paths from members to it, in decimal; `>=` before a count that stopped at 2^128−1.
    pub paths: String,
    /// External packages that only it brings in.
    pub retained: u64,
    /// Its version.
    pub version: String,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where no manifest says what is a build script, a procedural macro or a build-dependency, the answer is unknown.
fn host_reach(
    inventory: &Inventory,
    condensation: &Condensation,
    roots: &[u32],
) -> Result<Option<Reach>, GraphError> {
    let judged = inventory.packages.iter().filter(|p| p.selected);
    if judged.into_iter().any(|p| p.manifest.is_none()) {
        return Ok(None);
    }
    let has = |wanted: DependencyKind| -> Vec<(u32, u32)> {
        let edges = inventory.edges.iter().filter(|e| e.selected);
        edges
            .filter(|e| e.declared.iter().any(|d| d.kind == wanted))
            .map(|e| (e.from, e.to))
            .collect()
    };
    let is = |fact: fn(&crate::inventory::ManifestFacts) -> bool| -> Vec<bool> {
        inventory
            .packages
            .iter()
            .map(|p| p.selected && p.manifest.as_ref().is_some_and(fact))
            .collect()
    };
    let code = HostCode {
        runs_itself: &is(|m| m.build_script),
        is_host_library: &is(|m| m.proc_macro),
        links: &has(DependencyKind::Normal),
        build_links: &has(DependencyKind::Build),
    };
    weft_graph::host_reach(condensation, roots, &code).map(Some)
}

fn f50(inventory: &Inventory, condensation: &Condensation, roots: &[u32]) -> Option<u32> {
    let keys: Vec<u64> = inventory.packages.iter().map(|p| key(&p.id)).collect();
    let percolation = weft_graph::percolation(condensation, roots, &keys, TRIALS, SEED)?;
    Some(u32::from(percolation.to_thousandths()))
}

/// A stable identity: it does not change when other packages come and go.
fn key(id: &str) -> u64 {
    let digest = Sha256::of(id.as_bytes());
    digest.as_bytes()[..8].iter().fold(0, |key, byte| key << 8 | u64::from(*byte))
}
