//! The same graphs for petgraph and for rustworkx, which is built on it.

use petgraph::graph::{DiGraph, NodeIndex, UnGraph};
use weft_graph::{Graph, Node};

/// Returns the same graph, with a super-root joined to `roots` as its last node.
pub(crate) fn with_super_root(graph: &Graph, roots: &[Node]) -> (DiGraph<(), ()>, NodeIndex) {
    let mut other = directed(graph);
    let super_root = other.add_node(());
    for &root in roots {
        other.update_edge(super_root, NodeIndex::from(root), ());
    }
    (other, super_root)
}

/// Returns the same graph, as it is.
pub(crate) fn directed(graph: &Graph) -> DiGraph<(), ()> {
    let mut other = DiGraph::with_capacity(graph.len(), graph.edge_count());
    graph.nodes().for_each(|_| _ = other.add_node(()));
    for n in graph.nodes() {
        for &successor in graph.successors(n) {
            other.add_edge(n.into(), successor.into(), ());
        }
    }
    other
}

/// Returns the edges without direction, with the super-root, and each once.
pub(crate) fn undirected(graph: &Graph, roots: &[Node]) -> UnGraph<(), ()> {
    let (directed, _) = with_super_root(graph, roots);
    let mut other = UnGraph::with_capacity(directed.node_count(), directed.edge_count());
    directed.node_indices().for_each(|_| _ = other.add_node(()));
    for edge in directed.raw_edges() {
        other.update_edge(edge.source(), edge.target(), ());
    }
    other
}
