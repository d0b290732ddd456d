//! Articulation points: nodes whose removal breaks the undirected graph apart.
//!
//! Where the roots reach every node, all paths to what an articulation point cuts off lead through
//! it, so it dominates that too.
//! The reverse is rarely true, which makes articulation points the stricter list.
//!
//! The algorithm is Hopcroft and Tarjan's ("Algorithm 447: efficient algorithms for graph
//! manipulation", Communications of the ACM 16:6, 1973), walked with an explicit stack.

use fixedbitset::FixedBitSet;

use crate::graph::{Graph, Node, index, node};

/// Finds the nodes whose removal leaves some of the nodes they were connected with apart, when
/// edges have no direction.
///
/// A virtual super-root is joined to every root and keeps the roots together; it is not reported.
/// Parts of the graph that are not connected to any root are looked at in the same way.
pub fn articulation_points(graph: &Graph, roots: &[Node]) -> Vec<bool> {
    let mut search = Search::new(graph, roots);
    search.walk(search.super_root());
    for n in graph.nodes() {
        if search.entered[index(n)] == 0 {
            search.walk(n);
        }
    }
    graph.nodes().map(|n| search.cuts.contains(index(n))).collect()
}

/// A depth-first search of the undirected graph; the super-root is numbered after all nodes.
struct Search<'g> {
    graph: &'g Graph,
    roots: &'g [Node],
    is_root: FixedBitSet,
    /// When each node was entered, from 1; 0 if it was not.
    entered: Vec<u32>,
    /// The earliest entered node that can be reached from below each node.
    low: Vec<u32>,
    cuts: FixedBitSet,
    /// The walk's current path: each node, and which of its neighbours comes next.
    path: Vec<(Node, usize)>,
    clock: u32,
}

impl<'g> Search<'g> {
    fn new(graph: &'g Graph, roots: &'g [Node]) -> Search<'g> {
        let len = graph.len() + 1;
        let mut is_root = FixedBitSet::with_capacity(len);
        roots.iter().for_each(|&root| is_root.insert(index(root)));
        Search {
            graph,
            roots,
            is_root,
            entered: vec![0; len],
            low: vec![0; len],
            cuts: FixedBitSet::with_capacity(len),
            path: Vec::new(),
            clock: 0,
        }
    }

    fn walk(&mut self, start: Node) {
        let mut branches = 0;
        self.enter(start);
        while let Some((n, next)) = self.path.last_mut() {
            let (n, position) = (*n, *next);
            *next += 1;
            match self.neighbour(n, position) {
                Some(neighbour) if self.entered[index(neighbour)] == 0 => {
                    branches += usize::from(n == start);
                    self.enter(neighbour);
                }
                // The parent is among the neighbours too. Seeing it lowers no node below the
                // parent itself, which does not change whether the parent is a cut.
                Some(neighbour) => self.lower(n, self.entered[index(neighbour)]),
                None => self.leave(n, start),
            }
        }
        // Nothing lies above the start, so it is a cut only if it alone joins two branches.
        self.cuts.set(index(start), branches > 1);
    }

    fn enter(&mut self, n: Node) {
        self.clock += 1;
        self.entered[index(n)] = self.clock;
        self.low[index(n)] = self.clock;
        self.path.push((n, 0));
    }

    fn leave(&mut self, n: Node, start: Node) {
        self.path.pop();
        let Some(&(parent, _)) = self.path.last() else { return };
        self.lower(parent, self.low[index(n)]);
        if parent != start && self.low[index(n)] >= self.entered[index(parent)] {
            self.cuts.insert(index(parent));
        }
    }

    fn lower(&mut self, n: Node, low: u32) {
        self.low[index(n)] = self.low[index(n)].min(low);
    }

    /// Returns the neighbour of `n` at a position: its successors, predecessors, the super-root.
    fn neighbour(&self, n: Node, position: usize) -> Option<Node> {
        if n == self.super_root() {
            return self.roots.get(position).copied();
        }
        let (successors, predecessors) = (self.graph.successors(n), self.graph.predecessors(n));
        if let Some(&successor) = successors.get(position) {
            return Some(successor);
        }
        let position = position - successors.len();
        if let Some(&predecessor) = predecessors.get(position) {
            return Some(predecessor);
        }
        let is_joined = position == predecessors.len() && self.is_root.contains(index(n));
        is_joined.then_some(self.super_root())
    }

    fn super_root(&self) -> Node {
        node(self.graph.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize, edges: &[(Node, Node)], roots: &[Node], expected: &[Node]) {
        let cuts = articulation_points(&Graph::from_edges(len, edges).unwrap(), roots);
        let cuts: Vec<Node> = (0..).zip(cuts).filter(|(_, cut)| *cut).map(|(n, _)| n).collect();
        assert_eq!(cuts, expected);
    }

    #[test]
    fn the_inner_nodes_of_a_chain_and_its_root_are_cuts() {
        // Without the super-root, the end of a chain would not be a cut.
        check(3, &[(0, 1), (1, 2)], &[0], &[0, 1]);
        check(3, &[(0, 1), (1, 2)], &[], &[1]);
    }

    #[test]
    fn a_cycle_of_edges_has_no_cuts_but_its_root() {
        check(4, &[(0, 1), (0, 2), (1, 3), (2, 3)], &[0], &[0]);
    }

    #[test]
    fn two_roots_hold_each_other_up() {
        check(3, &[(0, 1), (2, 1)], &[0, 2], &[]);
        check(3, &[(0, 1), (2, 1)], &[], &[1]);
    }

    #[test]
    fn edges_both_ways_are_one_connection() {
        check(3, &[(0, 1), (1, 0), (1, 2), (2, 1)], &[0], &[0, 1]);
    }

    #[test]
    fn parts_away_from_the_roots_have_cuts_of_their_own() {
        check(5, &[(2, 3), (3, 4)], &[0], &[3]);
    }
}
