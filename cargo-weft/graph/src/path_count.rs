//! How many ways lead from the roots to a node.
//!
//! Real graphs have billions of paths to a single node, so they are counted and never listed.

use crate::condensation::Condensation;
use crate::graph::{Node, index};

/// Counts, for every node, the paths from `roots` to it in the condensation.
///
/// Each root counts one path for itself; listing a root twice changes nothing.
/// Paths are told apart by the components they pass through, since inside a cycle there is no end
/// of them, so the members of a component share a count.
pub fn path_counts(condensation: &Condensation, roots: &[Node]) -> Vec<PathCount> {
    let dag = condensation.graph();
    let mut roots = roots.to_vec();
    roots.sort_unstable();
    roots.dedup();

    let mut counts = vec![PathCount::Exact(0); dag.len()];
    for root in roots {
        let count = &mut counts[index(condensation.component(root))];
        *count = count.plus(PathCount::Exact(1));
    }
    for c in dag.nodes() {
        let arriving = dag.predecessors(c).iter().map(|&p| counts[index(p)]);
        counts[index(c)] = arriving.fold(counts[index(c)], PathCount::plus);
    }
    condensation.components().iter().map(|&c| counts[index(c)]).collect()
}

/// A number of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathCount {
    /// There are exactly this many.
    Exact(u128),
    /// There are at least this many, which is all that 128 bits can count.
    AtLeast(u128),
}

impl PathCount {
    fn plus(self, other: PathCount) -> PathCount {
        match (self, other) {
            (PathCount::Exact(a), PathCount::Exact(b)) => {
                a.checked_add(b).map_or(PathCount::AtLeast(u128::MAX), PathCount::Exact)
            }
            (PathCount::AtLeast(a), PathCount::Exact(b) | PathCount::AtLeast(b))
            | (PathCount::Exact(a), PathCount::AtLeast(b)) => {
                PathCount::AtLeast(a.saturating_add(b))
            }
        }
    }
}
