//! Random graphs, shrunk by proptest, and a few regular ones.

use proptest::prelude::*;
use weft_graph::{Condensation, Graph, Node};

/// A graph with some of its nodes as roots.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) len: usize,
    pub(crate) edges: Vec<(Node, Node)>,
    pub(crate) roots: Vec<Node>,
}

impl Sample {
    pub(crate) fn new(len: usize, edges: &[(Node, Node)], roots: &[Node]) -> Sample {
        Sample { len, edges: edges.to_vec(), roots: roots.to_vec() }
    }

    pub(crate) fn graph(&self) -> Graph {
        Graph::from_edges(self.len, &self.edges).expect("samples are in range")
    }

    pub(crate) fn condensation(&self) -> Condensation {
        Condensation::of(&self.graph())
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..).take(self.len)
    }

    /// Renames node `n` to `names[n]`.
    pub(crate) fn renamed(&self, names: &[Node]) -> Sample {
        let name = |n: Node| names[n as usize];
        Sample {
            len: self.len,
            edges: self.edges.iter().map(|&(a, b)| (name(a), name(b))).collect(),
            roots: self.roots.iter().map(|&n| name(n)).collect(),
        }
    }
}

/// Graphs of any kind: with cycles, self-loops, parallel edges, unreached nodes, without roots.
pub(crate) fn any_graph(max_nodes: u32, max_edges: usize) -> impl Strategy<Value = Sample> {
    (1..=max_nodes).prop_flat_map(move |len| {
        let edges = prop::collection::vec((0..len, 0..len), 0..=max_edges);
        let roots = prop::collection::btree_set(0..len, 0..=3.min(len as usize));
        (edges, roots).prop_map(move |(edges, roots)| {
            Sample::new(len as usize, &edges, &Vec::from_iter(roots))
        })
    })
}

/// Graphs without cycles, and with numbers that are no topological order.
pub(crate) fn acyclic_graph(max_nodes: u32, max_edges: usize) -> impl Strategy<Value = Sample> {
    let sample = any_graph(max_nodes, max_edges).prop_map(|mut sample| {
        sample.edges.retain(|(a, b)| a < b);
        sample
    });
    with_names(sample).prop_map(|(sample, names)| sample.renamed(&names))
}

/// Adds a permutation of the nodes.
pub(crate) fn with_names(
    samples: impl Strategy<Value = Sample>,
) -> impl Strategy<Value = (Sample, Vec<Node>)> {
    samples.prop_flat_map(|sample| {
        let names = Just(sample.nodes().collect::<Vec<_>>()).prop_shuffle();
        (Just(sample), names)
    })
}

/// A path of `len` nodes from node 0, the root.
pub(crate) fn chain(len: u32) -> Sample {
    let edges: Vec<_> = (1..len).map(|n| (n - 1, n)).collect();
    Sample::new(len as usize, &edges, &[0])
}

/// `stages` joints in a row, from node 0, each leading to the next by `width` nodes side by side.
///
/// Joint `i` is node `i · (width + 1)`, and the nodes after it are those up to the next joint.
pub(crate) fn ladder(stages: u32, width: u32) -> Sample {
    let stride = width + 1;
    let joints = (0..stages).map(|stage| stage * stride);
    let edges: Vec<_> = joints
        .flat_map(|joint| (1..=width).map(move |side| (joint, joint + side)))
        .flat_map(|(joint, side)| [(joint, side), (side, joint + stride)])
        .collect();
    Sample::new((stages * stride + 1) as usize, &edges, &[0])
}
