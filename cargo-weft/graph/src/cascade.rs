//! The independent cascade: how likely harm in one node reaches a root, and what blocking a node
//! saves.
//!
//! Each edge passes harm on from a dependency to its dependent with a probability of its own,
//! independently of all
//! others (Kempe, Kleinberg and Tardos, "Maximizing the spread of influence through a social
//! network", KDD 2003).
//! Deciding every edge beforehand gives a *world*; harm in `v` reaches root `r` in it if `r`
//! reaches `v` over live edges.
//! How many worlds that holds in is #P-complete to count (Provan and Ball, SIAM Journal on
//! Computing 12:4, 1983), so
//! worlds are drawn, 64 in the bits of a word, and counted as integers.
//!
//! A world is a function of the seed, its number and the edge's key alone: an edge that two graphs
//! share is live in the
//! same worlds of both.
//! What differs between the graphs is then due to what differs in them, and nothing at all where
//! nothing does; and
//! neither numbering nor threads show.

mod dominance;
mod draw;
mod loss;
mod saving;
mod world;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::condensation::Condensation;
use crate::csr::Csr;
use crate::error::GraphError;
use crate::graph::{Graph, Node, check_node, index, node};
use crate::probability::Probability;

use draw::Stream;
pub use loss::{Drawn, Stakes, Tally};
pub use saving::Savings;

/// An edge that may pass harm on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// The node that depends.
    pub dependent: Node,
    /// The node it depends on, from which harm comes.
    pub dependency: Node,
    /// What identifies the edge in every graph it appears in; edges with equal keys are live
    /// together.
    pub key: u64,
    /// How likely harm passes.
    pub probability: Probability,
}

/// Which worlds are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worlds {
    /// Any number; other numbers give other worlds.
    pub seed: u64,
    /// How many.
    pub count: u32,
}

impl Worlds {
    /// Returns how many worlds each block of 64 has, by its number.
    fn blocks(self) -> impl ParallelIterator<Item = (u32, u64)> {
        (0..self.count.div_ceil(LANES)).into_par_iter().map(move |block| (block, self.lanes(block)))
    }

    /// Returns a bit for each world of a block.
    fn lanes(self, block: u32) -> u64 {
        match self.count - block * LANES {
            rest if rest >= LANES => u64::MAX,
            rest => (1 << rest) - 1,
        }
    }
}

/// Worlds that are run side by side; results do not depend on it.
const LANES: u32 = u64::BITS;

/// A graph whose edges pass harm on with given probabilities, seen from its roots.
#[derive(Debug, Clone)]
pub struct Cascade {
    len: usize,
    roots: usize,
    /// The nodes that a root may reach, in topological order but for cycles, whose members follow
    /// one another.
    nodes: Vec<Node>,
    /// The position of each node among them.
    position: Vec<Option<u32>>,
    /// Where the component of each position begins and ends.
    component: Vec<(u32, u32)>,
    /// For each position, the range of its edges in `edges`.
    edge_ranges: Vec<(u32, u32)>,
    /// Edges by the position of their dependency.
    edges: Vec<Edge>,
    /// The roots at each position, as numbers in the slice of roots.
    roots_at: Csr,
    is_certain: bool,
}

/// An edge, seen from its dependency.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// The position of the dependent.
    dependent: u32,
    stream: Stream,
}

impl Cascade {
    /// Builds the cascade of a graph of `len` nodes.
    ///
    /// Ties from a node to itself and ties that never pass anything on are dropped; ties between
    /// the same nodes are
    /// independent of one another.
    ///
    /// # Errors
    ///
    /// Fails with [`GraphError::NodeOutOfRange`] if a tie or root names a node at or beyond `len`,
    /// and with
    /// [`GraphError::TooManyNodes`] if there are more than a graph can hold.
    pub fn new(len: usize, ties: &[Tie], roots: &[Node]) -> Result<Cascade, GraphError> {
        let mut ties = effective(len, ties)?;
        for &root in roots {
            check_node(root, len)?;
        }
        let condensation = Condensation::of(&joined(len, &ties)?);

        let mut cascade = Cascade {
            len,
            roots: roots.len(),
            nodes: Vec::new(),
            position: vec![None; len],
            component: Vec::new(),
            edge_ranges: Vec::new(),
            edges: Vec::new(),
            roots_at: Csr::group(0, std::iter::empty()),
            is_certain: true,
        };
        cascade.place(&condensation, roots);
        ties.retain(|tie| cascade.position[index(tie.dependent)].is_some());
        ties.sort_by_key(|tie| (cascade.position[index(tie.dependency)], *tie));
        cascade.join(&ties);
        let places = (0..).zip(roots);
        let places: Vec<(Node, Node)> = places
            .filter_map(|(number, &root)| Some((cascade.position[index(root)]?, number)))
            .collect();
        cascade.roots_at = Csr::group(cascade.nodes.len(), places.into_iter());
        Ok(cascade)
    }

    /// Gives positions to the nodes that a root may reach.
    fn place(&mut self, condensation: &Condensation, roots: &[Node]) {
        let mut reached = condensation.root_components(roots);
        let dag = condensation.graph();
        for c in dag.nodes() {
            if dag.predecessors(c).iter().any(|&p| reached.contains(index(p))) {
                reached.insert(index(c));
            }
            if !reached.contains(index(c)) {
                continue;
            }
            let first = number(self.nodes.len());
            let members = condensation.members(c);
            for &member in members {
                self.position[index(member)] = Some(number(self.nodes.len()));
                self.nodes.push(member);
                self.component.push((first, first + number(members.len())));
            }
        }
    }

    /// Takes the ties in, sorted by the position of their dependency.
    fn join(&mut self, ties: &[Tie]) {
        self.edge_ranges = vec![(0, 0); self.nodes.len()];
        for tie in ties {
            let place = |n: Node| self.position[index(n)].map_or(0, index);
            let (dependent, dependency) = (place(tie.dependent), place(tie.dependency));
            let end = number(self.edges.len());
            let range = &mut self.edge_ranges[dependency];
            if range.0 == range.1 {
                *range = (end, end);
            }
            range.1 += 1;
            self.edges.push(Edge {
                dependent: number(dependent),
                stream: Stream::new(tie.key, tie.probability),
            });
            self.is_certain &= tie.probability.is_certain();
        }
    }

    /// Returns whether every world is the same, because every edge always passes harm on.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Counts in how many worlds each node reaches each root.
    pub fn hits(&self, worlds: Worlds) -> Hits {
        let width = self.nodes.len() * self.roots;
        let counts = worlds
            .blocks()
            .fold(
                || (Block::new(self), vec![0_u32; width]),
                |(mut block, mut counts), (number, lanes)| {
                    block.draw(self, worlds.seed, number);
                    block.spread(self, lanes);
                    for (count, word) in counts.iter_mut().zip(&block.reach) {
                        *count += word.count_ones();
                    }
                    (block, counts)
                },
            )
            .map(|(_, counts)| counts)
            .reduce(|| vec![0; width], add);
        Hits { worlds: worlds.count, roots: self.roots, position: self.position.clone(), counts }
    }

    fn row(&self, position: usize) -> std::ops::Range<usize> {
        position * self.roots..(position + 1) * self.roots
    }

    fn edges_of(&self, position: usize) -> std::ops::Range<usize> {
        let (first, end) = self.edge_ranges[position];
        index(first)..index(end)
    }

    /// Returns the roots at a position, as numbers in the slice of roots.
    fn roots_at(&self, position: usize) -> &[u32] {
        self.roots_at.row(node(position))
    }
}

/// Returns the ties that may pass something from one node to another.
pub(crate) fn effective(len: usize, ties: &[Tie]) -> Result<Vec<Tie>, GraphError> {
    for tie in ties {
        check_node(tie.dependent, len)?;
        check_node(tie.dependency, len)?;
    }
    let passes =
        |tie: &&Tie| tie.dependent != tie.dependency && tie.probability != Probability::ZERO;
    Ok(ties.iter().filter(passes).copied().collect())
}

/// Returns the graph that ties join.
pub(crate) fn joined(len: usize, ties: &[Tie]) -> Result<Graph, GraphError> {
    let edges: Vec<(Node, Node)> = ties.iter().map(|tie| (tie.dependent, tie.dependency)).collect();
    Graph::from_edges(len, &edges)
}

/// In how many worlds nodes reach roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    worlds: u32,
    roots: usize,
    position: Vec<Option<u32>>,
    counts: Vec<u32>,
}

impl Hits {
    /// Returns the number of worlds.
    pub fn worlds(&self) -> u32 {
        self.worlds
    }

    /// Returns the counts of a node, one for each root; none if no root may reach it.
    pub fn of(&self, n: Node) -> &[u32] {
        match self.position[index(n)] {
            Some(at) => &self.counts[index(at) * self.roots..(index(at) + 1) * self.roots],
            None => &[],
        }
    }
}

/// 64 worlds.
#[derive(Debug, Clone)]
struct Block {
    /// For each edge, the worlds it is live in.
    live: Vec<u64>,
    /// For each position and root, the worlds in which the root reaches it.
    reach: Vec<u64>,
}

impl Block {
    fn new(cascade: &Cascade) -> Block {
        Block {
            live: vec![0; cascade.edges.len()],
            reach: vec![0; cascade.nodes.len() * cascade.roots],
        }
    }

    fn draw(&mut self, cascade: &Cascade, seed: u64, block: u32) {
        for (live, edge) in self.live.iter_mut().zip(&cascade.edges) {
            *live = edge.stream.word(seed, block);
        }
    }

    /// Finds what each root reaches.
    fn spread(&mut self, cascade: &Cascade, lanes: u64) {
        let mut at = 0;
        while at < cascade.nodes.len() {
            let (_, end) = cascade.component[at];
            let members = at..index(end);
            at = members.end;
            self.reach[cascade.row(members.start).start..cascade.row(members.end - 1).end].fill(0);
            // Without a cycle one visit is enough.
            let is_cycle = members.len() > 1;
            loop {
                let mut grew = false;
                for position in members.clone() {
                    grew |= self.visit(cascade, position, lanes);
                }
                if !is_cycle || !grew {
                    break;
                }
            }
        }
    }

    /// Adds to a position what its dependents and its own roots bring, and says whether anything
    /// came.
    fn visit(&mut self, cascade: &Cascade, position: usize, lanes: u64) -> bool {
        let roots = cascade.roots;
        let row = cascade.row(position);
        let is_cycle = cascade.component[position].1 - cascade.component[position].0 > 1;
        let before: u32 =
            if is_cycle { self.reach[row.clone()].iter().map(|w| w.count_ones()).sum() } else { 0 };
        for edge in cascade.edges_of(position) {
            let live = self.live[edge];
            let dependent = cascade.row(index(cascade.edges[edge].dependent)).start;
            // In topological order what depends comes first, except within a cycle.
            let (target, source) = if dependent < row.start {
                let (earlier, later) = self.reach.split_at_mut(row.start);
                (&mut later[..roots], &earlier[dependent..dependent + roots])
            } else {
                let (earlier, later) = self.reach.split_at_mut(dependent);
                (&mut earlier[row.clone()], &later[..roots])
            };
            pass(target, source, live);
        }
        for &root in cascade.roots_at(position) {
            self.reach[row.start + index(root)] = lanes;
        }
        is_cycle && before != self.reach[row].iter().map(|w| w.count_ones()).sum::<u32>()
    }
}

/// Passes on, in the worlds in which an edge is live, what its dependent has.
#[inline]
fn pass(target: &mut [u64], source: &[u64], live: u64) {
    for (target, source) in target.iter_mut().zip(source) {
        *target |= source & live;
    }
}

fn add(mut sums: Vec<u32>, others: Vec<u32>) -> Vec<u32> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

/// Positions, edges and roots are numbered like nodes.
fn number(position: usize) -> u32 {
    node(position)
}
