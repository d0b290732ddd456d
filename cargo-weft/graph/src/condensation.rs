//! Strongly connected components, and the acyclic graph they form.
//!
//! Development dependencies close cycles in real lockfiles, and most metrics are only cheap, or
//! only defined, without cycles.
//! Tarjan's algorithm ("Depth-first search and linear graph algorithms", SIAM Journal on
//! Computing 1:2, 1972) is walked here with an explicit stack, so that a very deep graph cannot
//! exhaust the thread's own.

use fixedbitset::FixedBitSet;

use crate::csr::Csr;
use crate::graph::{Graph, Node, index, node};

/// The strongly connected components of a graph, joined by the edges between them.
///
/// Components are numbered in topological order: every edge goes from a lower number to a higher.
/// A node outside all cycles is a component by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condensation {
    graph: Graph,
    component: Vec<Node>,
    members: Csr,
}

impl Condensation {
    /// Returns the condensation of `graph`.
    pub fn of(graph: &Graph) -> Condensation {
        let (component, count) = Tarjan::run(graph);
        let edges = graph
            .nodes()
            .flat_map(|from| graph.successors(from).iter().map(move |&to| (from, to)))
            .map(|(from, to)| (component[index(from)], component[index(to)]))
            .collect();
        let members = Csr::group(count, component.iter().copied().zip(graph.nodes()));
        Condensation { graph: Graph::from_checked_edges(count, edges), component, members }
    }

    /// Returns the acyclic graph whose nodes are the components.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns the number of components.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there are no components, because the graph has no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of nodes of the graph that was condensed.
    pub fn node_count(&self) -> usize {
        self.component.len()
    }

    /// Returns the component of node `n`.
    #[inline]
    pub fn component(&self, n: Node) -> Node {
        self.component[index(n)]
    }

    /// Returns the nodes of component `c` in ascending order.
    pub fn members(&self, c: Node) -> &[Node] {
        self.members.row(c)
    }

    /// Returns the components that have more than one member, in topological order.
    pub fn cycles(&self) -> impl Iterator<Item = &[Node]> {
        self.graph.nodes().map(|c| self.members(c)).filter(|members| members.len() > 1)
    }

    /// Returns the component of each node, by node.
    pub(crate) fn components(&self) -> &[Node] {
        &self.component
    }

    /// Returns the set of components that contain a root.
    pub(crate) fn root_components(&self, roots: &[Node]) -> FixedBitSet {
        let mut components = FixedBitSet::with_capacity(self.len());
        components.extend(roots.iter().map(|&root| index(self.component(root))));
        components
    }
}

/// Marks a node whose component is not known yet.
const OPEN: Node = Node::MAX;

struct Tarjan<'g> {
    graph: &'g Graph,
    /// When each node was entered, from 1; 0 if it was not.
    entered: Vec<u32>,
    /// The earliest entered node known to be in the same component.
    low: Vec<u32>,
    component: Vec<Node>,
    /// Nodes entered whose component is still open.
    open: Vec<Node>,
    /// The walk's current path: each node, and which of its successors comes next.
    path: Vec<(Node, usize)>,
    clock: u32,
    closed: u32,
}

impl<'g> Tarjan<'g> {
    /// Returns the component of each node, and how many components there are.
    fn run(graph: &'g Graph) -> (Vec<Node>, usize) {
        let len = graph.len();
        let mut tarjan = Tarjan {
            graph,
            entered: vec![0; len],
            low: vec![0; len],
            component: vec![OPEN; len],
            open: Vec::new(),
            path: Vec::new(),
            clock: 0,
            closed: 0,
        };
        for n in graph.nodes() {
            if tarjan.entered[index(n)] == 0 {
                tarjan.walk(n);
            }
        }

        // Tarjan's algorithm closes a component after all that it leads to.
        let last = tarjan.closed.saturating_sub(1);
        let component = tarjan.component.into_iter().map(|closing| last - closing).collect();
        (component, index(tarjan.closed))
    }

    fn walk(&mut self, start: Node) {
        self.enter(start);
        while let Some((n, next)) = self.path.last_mut() {
            let n = *n;
            let Some(&successor) = self.graph.successors(n).get(*next) else {
                self.leave(n);
                continue;
            };
            *next += 1;
            if self.entered[index(successor)] == 0 {
                self.enter(successor);
            } else if self.component[index(successor)] == OPEN {
                self.lower(n, self.entered[index(successor)]);
            }
        }
    }

    fn enter(&mut self, n: Node) {
        self.clock += 1;
        self.entered[index(n)] = self.clock;
        self.low[index(n)] = self.clock;
        self.open.push(n);
        self.path.push((n, 0));
    }

    fn leave(&mut self, n: Node) {
        self.path.pop();
        if let Some(&(parent, _)) = self.path.last() {
            self.lower(parent, self.low[index(n)]);
        }
        if self.low[index(n)] == self.entered[index(n)] {
            self.close(n);
        }
    }

    /// Closes the component that was entered through `first`.
    fn close(&mut self, first: Node) {
        while let Some(n) = self.open.pop() {
            self.component[index(n)] = node(index(self.closed));
            if n == first {
                break;
            }
        }
        self.closed += 1;
    }

    fn lower(&mut self, n: Node, low: u32) {
        self.low[index(n)] = self.low[index(n)].min(low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acyclic_graph_condenses_to_one_component_per_node() {
        let graph = Graph::from_edges(4, &[(3, 2), (2, 0), (3, 1), (1, 0)]).unwrap();
        let condensation = Condensation::of(&graph);
        assert_eq!(condensation.len(), 4);
        assert_eq!(condensation.cycles().count(), 0);
    }

    #[test]
    fn a_cycle_becomes_one_component_with_its_members_ascending() {
        // 0 → 3 → 1 → 3, 1 → 2
        let graph = Graph::from_edges(4, &[(0, 3), (3, 1), (1, 3), (1, 2)]).unwrap();
        let condensation = Condensation::of(&graph);
        assert_eq!(condensation.cycles().collect::<Vec<_>>(), [[1, 3]]);
        assert_eq!(condensation.component(0), 0);
        assert_eq!(condensation.component(1), 1);
        assert_eq!(condensation.component(3), 1);
        assert_eq!(condensation.component(2), 2);
        assert_eq!(condensation.graph().successors(0), [1]);
        assert_eq!(condensation.graph().successors(1), [2]);
    }

    #[test]
    fn an_empty_graph_has_no_components() {
        let condensation = Condensation::of(&Graph::from_edges(0, &[]).unwrap());
        assert!(condensation.is_empty());
    }
}
