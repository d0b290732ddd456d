//! How far a node is from the roots.

use crate::condensation::Condensation;
use crate::graph::{Graph, Node, index};

/// The distance of a node from the roots, in edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Depth {
    /// The length of the shortest path from the closest root.
    pub nearest: u32,
    /// The length of the longest path from any root in the condensation.
    ///
    /// Edges inside a cycle do not count, so this can be less than `nearest` where there is one.
    pub longest: u32,
}

/// Measures how far each node is from `roots`; nodes that no root reaches have no depth.
///
/// # Panics
///
/// Panics unless `condensation` is that of `graph`, as far as the number of nodes can tell.
pub fn depths(graph: &Graph, condensation: &Condensation, roots: &[Node]) -> Vec<Option<Depth>> {
    assert_eq!(graph.len(), condensation.node_count(), "the condensation of this graph");

    let nearest = nearest(graph, roots);
    let longest = longest(condensation, roots);
    let both = nearest.into_iter().zip(condensation.components());
    both.map(|(nearest, &c)| Some(Depth { nearest: nearest?, longest: longest[index(c)]? }))
        .collect()
}

fn nearest(graph: &Graph, roots: &[Node]) -> Vec<Option<u32>> {
    let mut distance = vec![None; graph.len()];
    let mut level = roots.to_vec();
    for length in 0.. {
        level.retain(|&n| distance[index(n)].replace(length).is_none());
        if level.is_empty() {
            break;
        }
        level = level.iter().flat_map(|&n| graph.successors(n)).copied().collect();
        level.retain(|&n| distance[index(n)].is_none());
    }
    distance
}

fn longest(condensation: &Condensation, roots: &[Node]) -> Vec<Option<u32>> {
    let dag = condensation.graph();
    let is_root = condensation.root_components(roots);
    let mut length: Vec<Option<u32>> = vec![None; dag.len()];
    for c in dag.nodes() {
        let start = is_root.contains(index(c)).then_some(0);
        let arriving = dag.predecessors(c).iter().filter_map(|&p| length[index(p)]);
        length[index(c)] = arriving.map(|length| length + 1).chain(start).max();
    }
    length
}
