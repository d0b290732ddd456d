//! The graph every metric works on.
//!
//! It holds numbers only, forward and backward, and does not change once built.
//! What a node stands for is the caller's business.

use crate::csr::Csr;
use crate::error::GraphError;

/// Index of a node, from 0 up to, but not including, [`Graph::len`].
pub type Node = u32;

/// A directed graph, in which an edge goes from a dependent to its dependency.
///
/// Parallel edges are merged and edges from a node to itself are dropped, because neither changes
/// what depends on what.
/// Neighbours are in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    successors: Csr,
    predecessors: Csr,
}

impl Graph {
    /// The most nodes a graph may have.
    ///
    /// Metrics need room for one virtual node, and [`betweenness`](crate::betweenness) proves its
    /// 64-bit arithmetic from this bound.
    pub const MAX_NODES: usize = 1 << 31;

    /// Builds a graph of `len` nodes from pairs of a dependent and a dependency.
    ///
    /// # Errors
    ///
    /// Fails with [`GraphError::TooManyNodes`] if there are more than [`Graph::MAX_NODES`], and
    /// with [`GraphError::NodeOutOfRange`] if an edge names a node at or beyond `len`.
    pub fn from_edges(len: usize, edges: &[(Node, Node)]) -> Result<Graph, GraphError> {
        if len > Graph::MAX_NODES {
            return Err(GraphError::TooManyNodes { len });
        }
        for &(dependent, dependency) in edges {
            check_node(dependent, len)?;
            check_node(dependency, len)?;
        }
        Ok(Graph::from_checked_edges(len, edges.to_vec()))
    }

    /// Builds a graph from edges whose ends are known to be below `len`.
    pub(crate) fn from_checked_edges(len: usize, mut edges: Vec<(Node, Node)>) -> Graph {
        edges.retain(|(dependent, dependency)| dependent != dependency);
        // Grouped by one end and then by the other, both come out ascending: a sort by counting.
        let pairs = edges.iter().map(|&(dependent, dependency)| (dependency, dependent));
        let mut successors = Csr::group(len, pairs).transposed();
        successors.dedup();
        let predecessors = successors.transposed();
        Graph { successors, predecessors }
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.successors.len()
    }

    /// Returns whether the graph has no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of edges, after merging parallel ones and dropping self-loops.
    pub fn edge_count(&self) -> usize {
        self.successors.value_count()
    }

    /// Returns every node in ascending order.
    pub fn nodes(
        &self,
    ) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator + Clone + use<> {
        (0..self.len()).map(node)
    }

    /// Returns the direct dependencies of `n` in ascending order.
    #[inline]
    pub fn successors(&self, n: Node) -> &[Node] {
        self.successors.row(n)
    }

    /// Returns the direct dependents of `n` in ascending order.
    #[inline]
    pub fn predecessors(&self, n: Node) -> &[Node] {
        self.predecessors.row(n)
    }

    /// Returns the number of direct dependents of `n`: its in-degree.
    pub fn fan_in(&self, n: Node) -> usize {
        self.predecessors(n).len()
    }

    /// Returns the number of direct dependencies of `n`: its out-degree.
    pub fn fan_out(&self, n: Node) -> usize {
        self.successors(n).len()
    }
}

/// Fails unless `n` is a node of a graph of `len` nodes.
pub(crate) fn check_node(n: Node, len: usize) -> Result<(), GraphError> {
    if index(n) < len { Ok(()) } else { Err(GraphError::NodeOutOfRange { node: n, len }) }
}

/// Returns the position of a node in a slice that has one entry for each node.
#[inline]
pub(crate) const fn index(n: Node) -> usize {
    n as usize
}

/// Returns the node at a position in a slice that has one entry for each node.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a graph has at most 2^31 nodes")]
pub(crate) const fn node(index: usize) -> Node {
    index as Node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_edges_merge_and_self_loops_drop() {
        let graph = Graph::from_edges(3, &[(0, 2), (0, 1), (0, 2), (1, 1), (2, 1)]).unwrap();
        assert_eq!(graph.edge_count(), 3);
        assert_eq!(graph.successors(0), [1, 2]);
        assert_eq!(graph.successors(1), [0; 0]);
        assert_eq!(graph.predecessors(1), [0, 2]);
    }

    #[test]
    fn the_order_edges_are_given_in_does_not_show() {
        let forward = Graph::from_edges(4, &[(0, 1), (0, 3), (2, 3)]).unwrap();
        let backward = Graph::from_edges(4, &[(2, 3), (0, 3), (0, 1)]).unwrap();
        assert_eq!(forward, backward);
    }

    #[test]
    fn an_edge_beyond_the_last_node_is_refused() {
        assert_eq!(
            Graph::from_edges(2, &[(0, 1), (1, 2)]),
            Err(GraphError::NodeOutOfRange { node: 2, len: 2 })
        );
    }

    #[test]
    fn more_nodes_than_the_limit_are_refused() {
        let len = Graph::MAX_NODES + 1;
        assert_eq!(Graph::from_edges(len, &[]), Err(GraphError::TooManyNodes { len }));
    }

    #[test]
    fn an_empty_graph_has_no_nodes() {
        let graph = Graph::from_edges(0, &[]).unwrap();
        assert!(graph.is_empty());
        assert_eq!(graph.nodes().count(), 0);
    }
}
