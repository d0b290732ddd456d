//! Dominators: what every path from the roots to a node passes through.
//!
//! A node that dominates another is a single point at which everything below can be cut off, and
//! the weight it retains is what leaves with it.
//! It does not follow that its compromise is uniquely harmful: any node that a root reaches can
//! harm that root.
//!
//! With the nodes in topological order, one pass that meets the dominators of a node's
//! predecessors is enough; the meeting is that of Cooper, Harvey and Kennedy ("A simple, fast
//! dominance algorithm", 2001).
//! It takes time in the number of edges times the depth of the dominator tree, which is small in
//! dependency graphs.

use crate::condensation::Condensation;
use crate::graph::{Graph, Node, index, node};

/// Finds the dominators of every component, and sums the `weight` of nodes each of them retains.
///
/// A virtual super-root is joined to every component that contains a root, so with several roots
/// a component is dominated only by what all paths from all roots pass through.
/// Whatever the roots do not reach is left out, as if it were not in the graph.
///
/// # Panics
///
/// Panics unless `weight` has one entry for each node of the graph that was condensed.
pub fn dominators(condensation: &Condensation, roots: &[Node], weight: &[u64]) -> Dominators {
    assert_eq!(weight.len(), condensation.node_count(), "one weight for each node");

    let tree = Tree::of(condensation, roots);
    let own = (0..condensation.len()).map(|c| {
        let members = condensation.members(node(c)).iter();
        members.fold(0, |sum: u64, &n| sum.saturating_add(weight[index(n)]))
    });
    let own: Vec<u64> = own.collect();
    let below = tree.sums_below(&own);
    Dominators {
        component: condensation.components().to_vec(),
        immediate: tree.immediate,
        own,
        below,
    }
}

/// The dominator tree of a condensation, and the weight below each of its components.
///
/// All members of a component share one value.
/// For a component of one node it is the node's own; for a cycle it says what leaves if the whole
/// cycle goes, which is at least what any one of its members retains.
/// Weights are summed up to `u64::MAX` and stay there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dominators {
    component: Vec<Node>,
    /// The immediate dominator of each component, the super-root or [`UNREACHED`].
    immediate: Vec<Node>,
    own: Vec<u64>,
    /// The weight of the components that each component strictly dominates.
    below: Vec<u64>,
}

impl Dominators {
    /// Returns whether a root reaches node `n`.
    pub fn is_reachable(&self, n: Node) -> bool {
        self.immediate[self.component_index(n)] != UNREACHED
    }

    /// Returns the component that immediately dominates component `c`.
    ///
    /// There is none if only the super-root does, and none if no root reaches `c`.
    pub fn immediate(&self, c: Node) -> Option<Node> {
        Some(self.immediate[index(c)]).filter(|&dominator| index(dominator) < self.immediate.len())
    }

    /// Returns the total weight of the nodes that leave if the component of `n` goes, with that
    /// component's own weight; 0 if no root reaches `n`.
    pub fn retained(&self, n: Node) -> u64 {
        if !self.is_reachable(n) {
            return 0;
        }
        self.retained_of(n).saturating_add(self.own[self.component_index(n)])
    }

    /// Returns the total weight of the nodes in components that the component of `n` strictly
    /// dominates, so without its own; 0 if no root reaches `n`.
    pub fn retained_of(&self, n: Node) -> u64 {
        self.below[self.component_index(n)]
    }

    /// Returns the components that every path from the roots to `n` passes through, from the root
    /// side down.
    ///
    /// The last of them is the component of `n` itself, and the super-root is not among them.
    /// The chain is empty if no root reaches `n`.
    pub fn chain(&self, n: Node) -> Vec<Node> {
        let own = Some(self.component[index(n)]).filter(|_| self.is_reachable(n));
        let mut chain: Vec<Node> = std::iter::successors(own, |&c| self.immediate(c)).collect();
        chain.reverse();
        chain
    }

    fn component_index(&self, n: Node) -> usize {
        index(self.component[index(n)])
    }
}

/// Marks a component that no root reaches.
const UNREACHED: Node = Node::MAX;

struct Tree {
    /// The immediate dominator of each component; the super-root is numbered after all of them.
    immediate: Vec<Node>,
    /// The distance from the super-root, which comes last.
    depth: Vec<u32>,
}

impl Tree {
    fn of(condensation: &Condensation, roots: &[Node]) -> Tree {
        let dag = condensation.graph();
        let is_root = condensation.root_components(roots);
        let mut tree =
            Tree { immediate: vec![UNREACHED; dag.len()], depth: vec![0; dag.len() + 1] };
        for c in dag.nodes() {
            let super_root = is_root.contains(index(c)).then_some(node(dag.len()));
            if let Some(meeting) = tree.meeting_of_predecessors(dag, c, super_root) {
                tree.immediate[index(c)] = meeting;
                tree.depth[index(c)] = tree.depth[index(meeting)] + 1;
            }
        }
        tree
    }

    /// Returns the deepest component that dominates `first` and all reached predecessors of `c`.
    fn meeting_of_predecessors(&self, dag: &Graph, c: Node, first: Option<Node>) -> Option<Node> {
        let predecessors = dag.predecessors(c).iter().copied();
        let reached = predecessors.filter(|&p| self.immediate[index(p)] != UNREACHED);
        first.into_iter().chain(reached).reduce(|a, b| self.meeting(a, b))
    }

    fn meeting(&self, mut a: Node, mut b: Node) -> Node {
        while a != b {
            let (depth_a, depth_b) = (self.depth[index(a)], self.depth[index(b)]);
            if depth_a >= depth_b {
                a = self.immediate[index(a)];
            }
            if depth_b >= depth_a {
                b = self.immediate[index(b)];
            }
        }
        a
    }

    /// Sums weights over the part of the tree strictly below each component.
    fn sums_below(&self, own: &[u64]) -> Vec<u64> {
        let mut below = vec![0_u64; own.len()];
        // A dominator comes before what it dominates in topological order.
        for (c, &dominator) in self.immediate.iter().enumerate().rev() {
            let with_own = below[c].saturating_add(own[c]);
            if let Some(sum) = below.get_mut(index(dominator)) {
                *sum = sum.saturating_add(with_own);
            }
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(len: usize, edges: &[(Node, Node)], roots: &[Node]) -> (Condensation, Dominators) {
        let condensation = Condensation::of(&Graph::from_edges(len, edges).unwrap());
        let dominators = dominators(&condensation, roots, &vec![1; len]);
        (condensation, dominators)
    }

    #[test]
    fn a_second_root_ends_domination_by_the_first() {
        // 0 → 1 → 2, and then 2 from root 3 as well.
        let edges = [(0, 1), (1, 2), (3, 2)];
        let (condensation, one) = of(4, &edges, &[0]);
        assert_eq!(one.retained(1), 2);
        assert_eq!(one.chain(2), [0, 1, 2].map(|n| condensation.component(n)));

        let (condensation, two) = of(4, &edges, &[0, 3]);
        assert_eq!(two.retained(1), 1);
        assert_eq!(two.chain(2), [condensation.component(2)]);
    }

    #[test]
    fn a_root_below_another_root_is_dominated_by_neither() {
        let (condensation, dominators) = of(3, &[(0, 1), (1, 2)], &[0, 1]);
        assert_eq!(dominators.immediate(condensation.component(1)), None);
        assert_eq!(dominators.retained(0), 1);
        assert_eq!(dominators.retained(1), 2);
    }

    #[test]
    fn an_unreached_dependent_does_not_end_domination() {
        let (condensation, dominators) = of(4, &[(0, 1), (1, 2), (3, 2)], &[0]);
        assert!(!dominators.is_reachable(3));
        assert_eq!(dominators.retained(3), 0);
        assert_eq!(dominators.retained_of(3), 0);
        assert_eq!(dominators.immediate(condensation.component(3)), None);
        assert_eq!(dominators.chain(3), [0; 0]);
        assert_eq!(dominators.retained(1), 2);
    }

    #[test]
    fn members_of_a_cycle_share_what_the_cycle_retains() {
        // 0 → 1 ⇄ 2 → 3
        let (_, dominators) = of(4, &[(0, 1), (1, 2), (2, 1), (2, 3)], &[0]);
        for member in [1, 2] {
            assert_eq!(dominators.retained(member), 3);
            assert_eq!(dominators.retained_of(member), 1);
        }
    }

    #[test]
    fn weights_stop_at_the_largest_number() {
        let condensation = Condensation::of(&Graph::from_edges(2, &[(0, 1)]).unwrap());
        let dominators = dominators(&condensation, &[0], &[2, u64::MAX]);
        assert_eq!(dominators.retained(0), u64::MAX);
        assert_eq!(dominators.retained_of(0), u64::MAX);
    }
}
