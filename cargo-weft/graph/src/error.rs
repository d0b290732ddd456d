//! Why a graph could not be built or measured.

use thiserror::Error;

use crate::graph::Node;

/// The reason a graph could not be built or measured.
///
/// Each message completes "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// A node was named that the graph does not have.
    #[error("find node {node} in a graph of {len} nodes")]
    NodeOutOfRange {
        /// The node that was named.
        node: Node,
        /// How many nodes the graph has.
        len: usize,
    },

    /// There are more nodes than the crate's arithmetic is proven for.
    #[error("number {len} nodes, of which a graph holds at most 2^31")]
    TooManyNodes {
        /// How many nodes were asked for.
        len: usize,
    },

    /// A slice that has one entry for each node has another length than the graph.
    #[error("match {found} entries with a graph of {expected} nodes")]
    LengthMismatch {
        /// How many nodes the graph has.
        expected: usize,
        /// How many entries the slice has.
        found: usize,
    },

    /// A link was named that is not an edge of the graph.
    #[error("find an edge of the graph for the link from node {dependent} to node {dependency}")]
    LinkWithoutEdge {
        /// The node that is said to link the other.
        dependent: Node,
        /// The node that is said to be linked.
        dependency: Node,
    },

    /// Two nodes are joined by more shortest paths than 128 bits can count.
    #[error("count the shortest paths between two nodes in 128 bits")]
    PathCountOverflow,
}
