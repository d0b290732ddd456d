//! The cheapest nodes to block so that no source leads to a sink any more.
//!
//! Menger's theorem and its weighted form (Ford and Fulkerson, "Maximal flow through a network",
//! Canadian Journal of Mathematics 8, 1956) turn the question round: the cheapest cut costs what
//! the largest flow carries, if each node lets through as much as it costs.
//! The flow is Dinic's ("Algorithm for solution of a problem of maximum flow in networks with
//! power estimation", Soviet Mathematics Doklady 11, 1970), on a network that has an arc for each
//! node; it walks with a stack of its own, and cycles do not trouble it.
//! With `n` nodes and `m` edges it takes O(n²·m) time at worst, and on dependency graphs, which
//! are shallow, a few passes over the edges.
//!
//! The flow comes with the cut, as the proof that no cheaper one exists: who doubts the answer
//! checks both without repeating the search.

use std::collections::VecDeque;

use fixedbitset::FixedBitSet;
use thiserror::Error;

use crate::error::GraphError;
use crate::graph::{Graph, Node, check_node, index, node};

/// The cost of a node that cannot be cut.
pub const UNCUTTABLE: u64 = u64::MAX;

/// Finds the cheapest set of nodes that meets every path from `sources` to `sinks`.
///
/// `cost` says for each node what cutting it costs, in any unit, and [`UNCUTTABLE`] that it cannot
/// be cut.
/// Sources cannot be cut whatever their cost; sinks can.
/// A cut that costs [`UNCUTTABLE`] or more altogether counts as none.
///
/// The cut has no node without which it would be one, even if the node costs nothing.
/// Of all such cuts that are cheapest, the one nearest to the sources is returned: what it leaves
/// within reach of the sources, every other leaves within their reach too.
/// It is unique, so neither the order of edges nor the numbering of nodes shows.
///
/// # Errors
///
/// Fails with [`GraphError::NodeOutOfRange`] if a source or a sink is not in the graph, and with
/// [`GraphError::LengthMismatch`] unless there is one cost for each node.
pub fn minimum_cut(
    graph: &Graph,
    sources: &[Node],
    sinks: &[Node],
    cost: &[u64],
) -> Result<Separation, GraphError> {
    let question = Question::new(graph, sources, sinks, cost)?;
    if let Some(path) = question.open_path(|n| question.limit(n).is_some()) {
        return Ok(Separation::Impossible(vec![FlowPath { nodes: path, amount: UNCUTTABLE }]));
    }

    let mut network = Network::new(&question);
    network.maximise();
    let flow = network.paths(&question);
    if network.value == UNCUTTABLE {
        return Ok(Separation::Impossible(flow));
    }
    let nodes = question.without_idle(&network.nearest_cut(graph));
    Ok(Separation::Possible(Cut { nodes, cost: network.value, flow }))
}

/// Whether sinks can be cut off from sources, and the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Separation {
    /// They can, and this is the cheapest way.
    Possible(Cut),
    /// They cannot, as this flow of [`UNCUTTABLE`] proves.
    ///
    /// Where a path leads through nodes that cannot be cut, the flow is one such path, and a
    /// shortest one.
    Impossible(Vec<FlowPath>),
}

/// The cheapest set of nodes that meets every path from the sources to the sinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The nodes to cut, in ascending order.
    pub nodes: Vec<Node>,
    /// What they cost together.
    pub cost: u64,
    /// Paths that carry as much as the cut costs, without sending more through any node than it
    /// costs, so that no cheaper cut can meet them all.
    ///
    /// Where every node costs one, these paths share no node but sources.
    pub flow: Vec<FlowPath>,
}

/// A path of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowPath {
    /// The nodes along the path, from a source to a sink.
    pub nodes: Vec<Node>,
    /// How much the path carries, in units of cost.
    pub amount: u64,
}

impl Separation {
    /// Returns the cut, if there is one.
    pub fn cut(&self) -> Option<&Cut> {
        match self {
            Separation::Possible(cut) => Some(cut),
            Separation::Impossible(_) => None,
        }
    }

    /// Checks that this is the answer of [`minimum_cut`] to the same question, or one as good.
    ///
    /// No search is repeated, and nothing of how the answer was found is trusted: the cut has to
    /// meet every path, and the flow has to be one and carry what the cut costs.
    /// Takes time in the size of the graph, and for each step of the flow's paths in the logarithm
    /// of the number of a node's dependencies.
    ///
    /// # Errors
    ///
    /// Fails with the first fault found.
    pub fn verify(
        &self,
        graph: &Graph,
        sources: &[Node],
        sinks: &[Node],
        cost: &[u64],
    ) -> Result<(), CutFault> {
        let question = Question::new(graph, sources, sinks, cost)?;
        match self {
            Separation::Possible(cut) => {
                question.check_cut(cut)?;
                question.check_flow(&cut.flow, cut.cost)
            }
            Separation::Impossible(flow) => question.check_flow(flow, UNCUTTABLE),
        }
    }
}

/// Why an answer to a question for a cut is not believed.
///
/// Each message completes "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CutFault {
    /// The question or the answer does not fit the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),

    /// A node of the cut does not come after the one before it.
    #[error("find the nodes of the cut in ascending order at node {0}")]
    NotAscending(Node),

    /// The cut has a node that cannot be cut.
    #[error("cut node {0}, which cannot be cut")]
    Uncuttable(Node),

    /// The nodes of the cut cost something else than it says.
    #[error("cut nodes that cost {found} for {stated}")]
    Cost {
        /// What the cut says that it costs.
        stated: u64,
        /// What its nodes cost.
        found: u128,
    },

    /// A path leads past the cut.
    #[error("meet the path by the nodes {0:?}")]
    Open(Vec<Node>),

    /// A path of the flow does not follow edges from a source to a sink.
    #[error("follow the path at position {0} of the flow from a source to a sink")]
    Path(usize),

    /// The flow sends more through a node than the node costs.
    #[error("send {flow} through node {node}, which costs {cost}")]
    Overfull {
        /// The node.
        node: Node,
        /// What the flow sends through it.
        flow: u128,
        /// What it costs.
        cost: u64,
    },

    /// The flow carries something else than the cut costs.
    #[error("prove a cost of {cost} by a flow of {flow}")]
    Flow {
        /// What the flow carries.
        flow: u128,
        /// What it ought to carry.
        cost: u64,
    },
}

/// What is asked, with nodes known to be in range.
struct Question<'a> {
    graph: &'a Graph,
    /// In ascending order.
    sources: Vec<Node>,
    is_source: FixedBitSet,
    is_sink: FixedBitSet,
    cost: &'a [u64],
}

impl<'a> Question<'a> {
    fn new(
        graph: &'a Graph,
        sources: &[Node],
        sinks: &[Node],
        cost: &'a [u64],
    ) -> Result<Question<'a>, GraphError> {
        if cost.len() != graph.len() {
            return Err(GraphError::LengthMismatch { expected: graph.len(), found: cost.len() });
        }
        let [is_source, is_sink] = [set(graph, sources)?, set(graph, sinks)?];
        let sources = is_source.ones().map(node).collect();
        Ok(Question { graph, sources, is_source, is_sink, cost })
    }

    /// Returns what a node costs, unless it cannot be cut.
    fn limit(&self, n: Node) -> Option<u64> {
        let cost = self.cost[index(n)];
        Some(cost).filter(|&cost| cost != UNCUTTABLE && !self.is_source.contains(index(n)))
    }

    /// Finds a shortest path from a source to a sink without nodes that are closed.
    fn open_path(&self, is_closed: impl Fn(Node) -> bool) -> Option<Vec<Node>> {
        let mut before: Vec<Option<Node>> = vec![None; self.graph.len()];
        let mut queue: VecDeque<Node> = VecDeque::new();
        for &source in self.sources.iter().filter(|&&source| !is_closed(source)) {
            before[index(source)] = Some(source);
            queue.push_back(source);
        }
        while let Some(n) = queue.pop_front() {
            if self.is_sink.contains(index(n)) {
                let step = |&n: &Node| before[index(n)].filter(|&previous| previous != n);
                let mut path: Vec<Node> = std::iter::successors(Some(n), step).collect();
                path.reverse();
                return Some(path);
            }
            for &next in self.graph.successors(n) {
                if before[index(next)].is_none() && !is_closed(next) {
                    before[index(next)] = Some(n);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// Returns those nodes of a cut from which a way leads to a sink past the others.
    ///
    /// On any path the last node of the cut is one of them, so what remains is a cut.
    fn without_idle(&self, cut: &FixedBitSet) -> Vec<Node> {
        let mut leads = self.is_sink.clone();
        let mut open: Vec<Node> = leads.ones().map(node).collect();
        while let Some(n) = open.pop() {
            if !cut.contains(index(n)) {
                let before = self.graph.predecessors(n).iter().copied();
                open.extend(before.filter(|&p| !leads.put(index(p))));
            }
        }
        leads.intersection(cut).map(node).collect()
    }

    fn check_cut(&self, cut: &Cut) -> Result<(), CutFault> {
        let is_cut = set(self.graph, &cut.nodes)?;
        if let Some(pair) = cut.nodes.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(CutFault::NotAscending(pair[1]));
        }
        let mut found = 0;
        for &n in &cut.nodes {
            found += u128::from(self.limit(n).ok_or(CutFault::Uncuttable(n))?);
        }
        if found != u128::from(cut.cost) {
            return Err(CutFault::Cost { stated: cut.cost, found });
        }
        match self.open_path(|n| is_cut.contains(index(n))) {
            Some(path) => Err(CutFault::Open(path)),
            None => Ok(()),
        }
    }

    fn check_flow(&self, flow: &[FlowPath], cost: u64) -> Result<(), CutFault> {
        let mut total = 0;
        let mut through = vec![0_u128; self.graph.len()];
        for (position, path) in flow.iter().enumerate() {
            set(self.graph, &path.nodes)?;
            if !self.is_path(&path.nodes) {
                return Err(CutFault::Path(position));
            }
            total += u128::from(path.amount);
            for &n in &path.nodes {
                through[index(n)] += u128::from(path.amount);
            }
        }
        for (n, &flow) in self.graph.nodes().zip(&through) {
            if let Some(cost) = self.limit(n).filter(|&limit| flow > u128::from(limit)) {
                return Err(CutFault::Overfull { node: n, flow, cost });
            }
        }
        if total == u128::from(cost) { Ok(()) } else { Err(CutFault::Flow { flow: total, cost }) }
    }

    /// Returns whether nodes follow edges from a source to a sink.
    fn is_path(&self, nodes: &[Node]) -> bool {
        let is_edge =
            |pair: &[Node]| self.graph.successors(pair[0]).binary_search(&pair[1]).is_ok();
        let starts = nodes.first().is_some_and(|&n| self.is_source.contains(index(n)));
        let ends = nodes.last().is_some_and(|&n| self.is_sink.contains(index(n)));
        starts && ends && nodes.windows(2).all(is_edge)
    }
}

/// Returns a set of nodes, all of which have to be in the graph.
fn set(graph: &Graph, nodes: &[Node]) -> Result<FixedBitSet, GraphError> {
    let mut set = FixedBitSet::with_capacity(graph.len());
    for &n in nodes {
        check_node(n, graph.len())?;
        set.insert(index(n));
    }
    Ok(set)
}

/// A network in which arcs let through as much as nodes cost, and the flow through it.
///
/// Each node is two vertices, at which it is entered and left.
/// An arc between them lets through what the node costs, and all other arcs let through anything.
/// Arcs come in pairs: an arc at an even position, and next to it the one that takes flow back.
struct Network {
    /// The vertex that each arc leads to.
    heads: Vec<usize>,
    /// How much more each arc lets through.
    ///
    /// No arc carries more than the flow's value, which is at most [`UNCUTTABLE`].
    /// So an arc of that width never fills before the search ends.
    residual: Vec<u64>,
    /// Where each vertex's arcs begin in [`Network::arcs`]; those of the next vertex end them.
    first: Vec<usize>,
    /// The arcs by the vertex that they start from.
    arcs: Vec<usize>,
    source: usize,
    sink: usize,
    /// What the flow carries from the source to the sink.
    value: u64,
}

const fn entry(n: Node) -> usize {
    2 * index(n)
}

const fn exit(n: Node) -> usize {
    2 * index(n) + 1
}

impl Network {
    /// Returns a network without flow.
    ///
    /// Its pairs of arcs are those of the nodes, of the edges, of the sources and of the sinks.
    fn new(question: &Question<'_>) -> Network {
        let graph = question.graph;
        let (source, sink) = (2 * graph.len(), 2 * graph.len() + 1);
        let through =
            graph.nodes().map(|n| (entry(n), exit(n), question.limit(n).unwrap_or(UNCUTTABLE)));
        let along = graph.nodes().flat_map(|n| {
            graph.successors(n).iter().map(move |&next| (exit(n), entry(next), UNCUTTABLE))
        });
        let into = question.sources.iter().map(|&n| (source, entry(n), UNCUTTABLE));
        let out = question.is_sink.ones().map(|n| (exit(node(n)), sink, UNCUTTABLE));

        let mut heads = Vec::new();
        let mut residual = Vec::new();
        for (from, to, width) in through.chain(along).chain(into).chain(out) {
            heads.extend([to, from]);
            residual.extend([width, 0]);
        }

        let mut first = vec![0; sink + 2];
        for &tail in &heads {
            first[tail + 1] += 1;
        }
        for vertex in 0..=sink {
            first[vertex + 1] += first[vertex];
        }
        let mut next = first.clone();
        let mut arcs = vec![0; heads.len()];
        for arc in 0..heads.len() {
            let slot = &mut next[heads[arc ^ 1]];
            arcs[*slot] = arc;
            *slot += 1;
        }
        Network { heads, residual, first, arcs, source, sink, value: 0 }
    }

    /// Makes the flow as large as it gets, or [`UNCUTTABLE`] if it can be that large.
    fn maximise(&mut self) {
        while self.value < UNCUTTABLE {
            let distance = self.distances_to_sink();
            if distance[self.source] == usize::MAX {
                break;
            }
            self.fill(&distance);
        }
    }

    /// Returns how many arcs that are not full lead from each vertex to the sink.
    fn distances_to_sink(&self) -> Vec<usize> {
        let mut distance = vec![usize::MAX; self.sink + 1];
        distance[self.sink] = 0;
        let mut queue = VecDeque::from([self.sink]);
        while let Some(vertex) = queue.pop_front() {
            for &arc in &self.arcs[self.first[vertex]..self.first[vertex + 1]] {
                let before = self.heads[arc];
                if self.residual[arc ^ 1] > 0 && distance[before] == usize::MAX {
                    distance[before] = distance[vertex] + 1;
                    queue.push_back(before);
                }
            }
        }
        distance
    }

    /// Fills shortest paths until none is left that is not full.
    fn fill(&mut self, distance: &[usize]) {
        let mut next = self.first.clone();
        let mut path: Vec<usize> = Vec::new();
        loop {
            let at = path.last().map_or(self.source, |&arc| self.heads[arc]);
            if at == self.sink {
                self.push_along(&path);
                if self.value == UNCUTTABLE {
                    return;
                }
                let full = path.iter().position(|&arc| self.residual[arc] == 0);
                path.truncate(full.expect("the least of the arcs is full"));
                continue;
            }
            let arcs = &self.arcs[next[at]..self.first[at + 1]];
            let step = arcs.iter().position(|&arc| {
                self.residual[arc] > 0 && distance[self.heads[arc]] < distance[at]
            });
            if let Some(step) = step {
                path.push(arcs[step]);
                next[at] += step;
            } else if let Some(arc) = path.pop() {
                next[self.heads[arc ^ 1]] += 1;
            } else {
                return;
            }
        }
    }

    fn push_along(&mut self, path: &[usize]) {
        let room = UNCUTTABLE - self.value;
        let amount = path.iter().fold(room, |least, &arc| least.min(self.residual[arc]));
        for &arc in path {
            self.residual[arc] -= amount;
            self.residual[arc ^ 1] += amount;
        }
        self.value += amount;
    }

    /// Returns the nodes that can be entered from the source, but not left.
    fn nearest_cut(&self, graph: &Graph) -> FixedBitSet {
        let mut seen = FixedBitSet::with_capacity(self.sink + 1);
        seen.insert(self.source);
        let mut open = vec![self.source];
        while let Some(vertex) = open.pop() {
            for &arc in &self.arcs[self.first[vertex]..self.first[vertex + 1]] {
                if self.residual[arc] > 0 && !seen.put(self.heads[arc]) {
                    open.push(self.heads[arc]);
                }
            }
        }
        let mut cut = FixedBitSet::with_capacity(graph.len());
        let is_cut = |n: Node| seen.contains(entry(n)) && !seen.contains(exit(n));
        cut.extend(graph.nodes().filter(|&n| is_cut(n)).map(index));
        cut
    }

    /// Takes the flow apart into paths, dropping what only goes round in circles.
    fn paths(&self, question: &Question<'_>) -> Vec<FlowPath> {
        let graph = question.graph;
        let mut flows = self.residual.chunks_exact(2).map(|pair| pair[1]).skip(graph.len());
        let edges: Vec<u64> = flows.by_ref().take(graph.edge_count()).collect();
        let into: Vec<u64> = flows.by_ref().take(question.sources.len()).collect();
        let mut out = vec![0; graph.len()];
        for (sink, flow) in question.is_sink.ones().zip(flows) {
            out[sink] = flow;
        }

        let mut next = Vec::with_capacity(graph.len());
        let mut first = 0;
        for n in graph.nodes() {
            next.push(first);
            first += graph.fan_out(n);
        }
        let walk = Walk { graph, first: next.clone(), next, edges, out };
        walk.paths(&question.sources, into)
    }
}

/// The part of a flow that is not yet taken apart.
struct Walk<'a> {
    graph: &'a Graph,
    /// The position of each node's first edge.
    first: Vec<usize>,
    /// The position of each node's first edge that may have flow.
    next: Vec<usize>,
    /// The flow on each edge.
    edges: Vec<u64>,
    /// The flow that ends at each node.
    out: Vec<u64>,
}

impl Walk<'_> {
    /// Returns the paths that carry away what comes `into` each source.
    fn paths(mut self, sources: &[Node], into: Vec<u64>) -> Vec<FlowPath> {
        let mut paths = Vec::new();
        // The position on the path of each node that is on it.
        let mut position = vec![None; self.graph.len()];
        for (&source, mut left) in sources.iter().zip(into) {
            while left > 0 {
                let steps = self.walk_from(source, &mut position);
                let end = steps.last().map_or(source, |&(_, to)| to);
                let amount = self.least(&steps).min(left).min(self.out[index(end)]);
                self.take(&steps, amount);
                self.out[index(end)] -= amount;
                left -= amount;
                let nodes: Vec<Node> =
                    std::iter::once(source).chain(steps.into_iter().map(|(_, to)| to)).collect();
                nodes.iter().for_each(|&n| position[index(n)] = None);
                paths.push(FlowPath { nodes, amount });
            }
        }
        paths
    }

    /// Follows flow from `source` to where some ends; returns the edges, and the nodes they lead to.
    fn walk_from(&mut self, source: Node, position: &mut [Option<usize>]) -> Vec<(usize, Node)> {
        let mut steps: Vec<(usize, Node)> = Vec::new();
        let mut at = source;
        position[index(at)] = Some(0);
        while self.out[index(at)] == 0 {
            let edge = self.edge_with_flow(at);
            let to = self.graph.successors(at)[edge - self.first[index(at)]];
            steps.push((edge, to));
            if let Some(start) = position[index(to)] {
                let circle = steps.split_off(start);
                self.take(&circle, self.least(&circle));
                circle.iter().for_each(|&(_, n)| position[index(n)] = None);
            }
            position[index(to)] = Some(steps.len());
            at = to;
        }
        steps
    }

    fn edge_with_flow(&mut self, n: Node) -> usize {
        let next = &mut self.next[index(n)];
        while self.edges[*next] == 0 {
            *next += 1;
        }
        *next
    }

    fn least(&self, steps: &[(usize, Node)]) -> u64 {
        steps.iter().map(|&(edge, _)| self.edges[edge]).min().unwrap_or(u64::MAX)
    }

    fn take(&mut self, steps: &[(usize, Node)], amount: u64) {
        for &(edge, _) in steps {
            self.edges[edge] -= amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(len: usize, edges: &[(Node, Node)], sinks: &[Node], cost: &[u64]) -> Separation {
        let graph = Graph::from_edges(len, edges).unwrap();
        let separation = minimum_cut(&graph, &[0], sinks, cost).unwrap();
        assert_eq!(separation.verify(&graph, &[0], sinks, cost), Ok(()));
        separation
    }

    fn nodes(separation: &Separation) -> Option<(&[Node], u64)> {
        separation.cut().map(|cut| (cut.nodes.as_slice(), cut.cost))
    }

    #[test]
    fn flow_round_a_circle_that_cannot_be_cut_is_dropped() {
        // 0 → 1 ⇄ 2 → 3, 1 → 3
        let graph = Graph::from_edges(4, &[(0, 1), (1, 2), (1, 3), (2, 1), (2, 3)]).unwrap();
        let walk = Walk {
            graph: &graph,
            first: vec![0, 1, 3, 5],
            next: vec![0, 1, 3, 5],
            edges: vec![2, 5, 1, 4, 1],
            out: vec![0, 0, 0, 2],
        };
        let path = |nodes: &[Node]| FlowPath { nodes: nodes.to_vec(), amount: 1 };
        assert_eq!(walk.paths(&[0], vec![2]), [path(&[0, 1, 2, 3]), path(&[0, 1, 3])]);
    }

    #[test]
    fn the_cheapest_cut_nearest_to_the_sources_is_chosen() {
        // 0 → 1 → 2 → 3, all alike
        assert_eq!(
            nodes(&cut(4, &[(0, 1), (1, 2), (2, 3)], &[3], &[1; 4])),
            Some(([1].as_slice(), 1))
        );
    }

    #[test]
    fn a_node_that_costs_nothing_is_cut_where_a_path_needs_it_and_nowhere_else() {
        // 0 → 1 → 2 → 3, 0 → 4, 1 → 5 → 2: 4 is a dead end, and 3 is behind 2.
        let edges = [(0, 1), (1, 2), (2, 3), (0, 4), (1, 5), (5, 2)];
        let cost = [0, 9, 0, 0, 0, 9];
        assert_eq!(nodes(&cut(6, &edges, &[3], &cost)), Some(([2].as_slice(), 0)));
    }

    #[test]
    fn costs_that_add_up_to_what_cannot_be_cut_are_no_cut() {
        // 0 → {1, 2} → 3
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)];
        let half = UNCUTTABLE / 2;
        let below = cut(4, &edges, &[3], &[0, half, half, UNCUTTABLE]);
        assert_eq!(nodes(&below), Some(([1, 2].as_slice(), UNCUTTABLE - 1)));
        let above = cut(4, &edges, &[3], &[0, half, half + 1, UNCUTTABLE]);
        let Separation::Impossible(flow) = above else { panic!("{above:?} is possible") };
        assert_eq!(flow.iter().map(|path| path.amount).sum::<u64>(), UNCUTTABLE);
        assert_eq!(flow.len(), 2);
    }
}
