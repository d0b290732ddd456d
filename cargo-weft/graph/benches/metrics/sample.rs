//! The graphs that are measured: deno's lockfile, and made-up ones of three sizes.
//!
//! In a made-up graph each node depends on up to six earlier ones, more likely on those that many
//! depend on already, as packages do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{LazyLock, Mutex};

use weft_graph::{Condensation, Graph, Node};

use crate::lockfile::Lockfile;

/// Which graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    Deno,
    /// Made up, of so many thousand nodes and a root.
    Thousands(u32),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Deno => write!(f, "deno"),
            Which::Thousands(thousands) => write!(f, "{thousands}k"),
        }
    }
}

/// Returns the graphs of at most so many thousand nodes; deno's only if its lockfile is there.
pub(crate) fn up_to(thousands: u32) -> impl Iterator<Item = Which> {
    static DENO: LazyLock<Option<Which>> =
        LazyLock::new(|| Lockfile::of("deno").map(|_| Which::Deno));
    let made_up = [10, 100, 200].into_iter().filter(move |size| *size <= thousands);
    DENO.iter().copied().chain(made_up.map(Which::Thousands))
}

/// A graph, and what is derived from it before anything is measured.
pub(crate) struct Sample {
    pub(crate) edges: Vec<(Node, Node)>,
    pub(crate) graph: Graph,
    pub(crate) condensation: Condensation,
    pub(crate) roots: Vec<Node>,
}

impl Sample {
    /// Returns a graph, which is made once.
    pub(crate) fn of(which: Which) -> &'static Sample {
        static SAMPLES: Mutex<BTreeMap<Which, &'static Sample>> = Mutex::new(BTreeMap::new());
        let mut samples = SAMPLES.lock().expect("no sample panics");
        samples.entry(which).or_insert_with(|| Box::leak(Box::new(Sample::new(which))))
    }

    fn new(which: Which) -> Sample {
        let (len, edges, roots) = match which {
            Which::Deno => {
                let lockfile = Lockfile::of("deno").expect("the lockfile is there");
                (lockfile.len, lockfile.edges, lockfile.roots)
            }
            Which::Thousands(thousands) => {
                let root = thousands * 1000;
                (root as usize + 1, made_up(root), vec![root])
            }
        };
        let graph = Graph::from_edges(len, &edges).expect("edges are in range");
        let condensation = Condensation::of(&graph);
        Sample { edges, graph, condensation, roots }
    }
}

const OUT_DEGREE: usize = 6;
const DEPTH: u32 = 48;

/// Makes up edges of `root` nodes and of a root after them, which depends on whatever no other
/// node depends on.
fn made_up(root: Node) -> Vec<(Node, Node)> {
    let mut state = 1;
    let mut depth = vec![1; root as usize];
    let mut has_dependent = vec![false; root as usize];
    let mut edges: Vec<(Node, Node)> = Vec::new();
    for n in 1..root {
        let mut dependencies: Vec<Node> = Vec::new();
        for _ in 0..4 * OUT_DEGREE {
            // Half of the dependencies are drawn from existing edges, so the popular grow more so.
            let uniform = random(&mut state, n);
            let drawn = u32::try_from(edges.len().max(1)).expect("there are few edges");
            let popular = edges.get(random(&mut state, drawn) as usize).map_or(0, |edge| edge.1);
            let dependency = if random(&mut state, 2) == 0 { uniform } else { popular };
            // The root is one step more.
            let is_deep = depth[dependency as usize] + 2 > DEPTH;
            if dependencies.len() < OUT_DEGREE && !is_deep && !dependencies.contains(&dependency) {
                dependencies.push(dependency);
            }
        }
        for dependency in dependencies {
            depth[n as usize] = depth[n as usize].max(depth[dependency as usize] + 1);
            has_dependent[dependency as usize] = true;
            edges.push((n, dependency));
        }
    }
    edges.extend((0..root).filter(|&n| !has_dependent[n as usize]).map(|n| (root, n)));

    // Numbers in the order of names say nothing of what depends on what.
    let mut names: Vec<Node> = (0..root).collect();
    for n in 1..root {
        names.swap(n as usize, random(&mut state, n + 1) as usize);
    }
    names.push(root);
    edges.iter().map(|&(from, to)| (names[from as usize], names[to as usize])).collect()
}

/// Returns a number below `bound` from a linear congruential generator (Knuth's MMIX).
fn random(state: &mut u64, bound: u32) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u32::try_from((*state >> 33) % u64::from(bound)).expect("the bound has 32 bits")
}
