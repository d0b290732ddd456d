//! Which roots reach a node: its blast radius when whatever a root is built from can harm it.
//!
//! This is the worst case, in which harm always travels along an edge.
//! How likely it is to do so is deliberately left out.

use crate::bits::BitMatrix;
use crate::condensation::Condensation;
use crate::graph::{Node, index};

/// Finds, for every node, which of `roots` reach it; a root reaches itself.
///
/// One pass in topological order joins sets of 64 roots at a time.
/// Roots are told apart by their position in `roots`, so a node listed twice counts twice.
pub fn reach_from_roots(condensation: &Condensation, roots: &[Node]) -> Reach {
    let mut sets = BitMatrix::new(condensation.len(), roots.len());
    for (position, &root) in roots.iter().enumerate() {
        sets.insert(index(condensation.component(root)), position);
    }
    let dag = condensation.graph();
    for c in dag.nodes() {
        for &predecessor in dag.predecessors(c) {
            sets.union_earlier(index(c), index(predecessor));
        }
    }
    Reach { row: condensation.components().to_vec(), sets }
}

/// For each node, a set of roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The row of each node in `sets`, which nodes known to agree share.
    row: Vec<Node>,
    sets: BitMatrix,
}

impl Reach {
    /// Joins nodes to rows of sets.
    pub(crate) fn new(row: Vec<Node>, sets: BitMatrix) -> Reach {
        Reach { row, sets }
    }

    /// Returns how many roots are in the set of `n`: its blast radius.
    pub fn count(&self, n: Node) -> u32 {
        self.sets.count(self.row(n))
    }

    /// Returns the roots in the set of `n`, as ascending positions in the slice of roots.
    pub fn roots(&self, n: Node) -> impl Iterator<Item = usize> {
        self.sets.bits(self.row(n))
    }

    /// Returns the set of `n` as words of 64 roots.
    pub(crate) fn words(&self, n: Node) -> &[u64] {
        self.sets.row(self.row(n))
    }

    fn row(&self, n: Node) -> usize {
        index(self.row[index(n)])
    }
}
