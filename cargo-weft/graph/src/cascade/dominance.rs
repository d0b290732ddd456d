//! What blocking each node by itself saves in a world: all that the node dominates there.
//!
//! A node dominates another from a root if all live paths from that root lead through it.
//! What dominates a node is what dominates every dependent that the root reaches, and the node
//! itself, so one pass in topological order finds it for all nodes; a bit stands for a root, and
//! all roots are followed at once.
//! That a root dominates all it reaches goes without saying, and is left out.
//! Within a cycle the pass is repeated until nothing changes: a dependent that no root has been
//! seen to reach takes nothing away yet.
//!
//! In one world most nodes have a single dependent, and are dominated by what dominates that one.
//! They are only written down where something else depends on them.
//! What is written down can grow with the square of a world's depth, and is bounded: what goes
//! beyond has to be followed node by node.

use super::{Block, Cascade};
use crate::graph::{index, node};

/// A set of roots, of those that are followed at once.
pub(super) type Roots = u128;

/// After how many dominators no more are written down, which take 32 bytes each.
const MOST_WRITTEN: usize = 1 << 20;

/// What dominates each position, in one world after another.
pub(super) struct Dominance<'c> {
    cascade: &'c Cascade,
    /// The edges, by the position of their dependency and then of their dependent.
    edges: Vec<usize>,
    /// The worlds of the block in which each of them is live and a root reaches its dependent.
    live: Vec<u64>,
    /// The worlds of the block in which a root reaches each position.
    reached: Vec<u64>,
    /// The roots that reach each position.
    reach: Vec<Roots>,
    /// The only dependent of each position, of those outside cycles that are no roots.
    sole: Vec<Option<u32>>,
    /// Where in `written` the dominators of each position are; nowhere if they have not been
    /// needed.
    lists: Vec<(usize, usize)>,
    written: Vec<Dominator>,
    meeting: Meeting,
    /// The dependents of the position that is visited.
    dependents: Vec<u32>,
    weights: Vec<u128>,
}

/// A position that dominates another, and from which roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dominator {
    position: u32,
    from: Roots,
}

impl<'c> Dominance<'c> {
    pub(super) fn new(cascade: &'c Cascade) -> Dominance<'c> {
        let len = cascade.nodes.len();
        let mut edges: Vec<usize> = (0..cascade.edges.len()).collect();
        for position in 0..len {
            // What depends first is dominated by least.
            edges[cascade.edges_of(position)].sort_by_key(|&edge| cascade.edges[edge].dependent);
        }
        Dominance {
            cascade,
            live: vec![0; edges.len()],
            reached: vec![0; len],
            reach: vec![0; len],
            sole: vec![None; len],
            lists: vec![(0, 0); len],
            written: Vec::new(),
            meeting: Meeting::default(),
            dependents: vec![0; edges.len() + 1],
            weights: Vec::new(),
            edges,
        }
    }

    /// Takes in a block of worlds.
    pub(super) fn enter_block(&mut self, block: &Block) {
        for (position, reached) in self.reached.iter_mut().enumerate() {
            let by_root = &block.reach[self.cascade.row(position)];
            *reached = by_root.iter().fold(0, |any, word| any | word);
        }
        for (live, &edge) in self.live.iter_mut().zip(&self.edges) {
            let dependent = self.cascade.edges[edge].dependent;
            *live = block.live[edge] & self.reached[index(dependent)];
        }
    }

    /// Finds what dominates each position in a world of the block, from the roots whose numbers
    /// begin with `first`; says whether that is little enough to write down.
    pub(super) fn enter(&mut self, lane: u32, first: usize) -> bool {
        self.reach.fill(0);
        self.sole.fill(None);
        self.lists.fill((0, 0));
        self.written.clear();
        let mut at = 0;
        while at < self.reach.len() {
            let members = at..index(self.cascade.component[at].1);
            at = members.end;
            // Without a cycle one visit is enough.
            while members.clone().fold(false, |any, m| self.visit(m, lane, first) | any)
                && members.len() > 1
            {}
        }
        self.written.len() <= MOST_WRITTEN
    }

    /// Finds what dominates a position by what dominates its dependents so far, and says whether
    /// that is something new.
    fn visit(&mut self, position: usize, lane: u32, first: usize) -> bool {
        if self.reached[position] >> lane & 1 == 0 || self.written.len() > MOST_WRITTEN {
            return false;
        }
        let count = self.gather(position, lane);
        let (begin, end) = self.cascade.component[position];
        let is_root = !self.cascade.roots_at(position).is_empty();
        if count == 1 && !is_root && end - begin == 1 {
            let dependent = self.dependents[0];
            self.reach[position] = self.reach[index(dependent)];
            self.sole[position] = Some(dependent);
            return true;
        }
        let roots = roots_from(self.cascade, position, first);
        self.meeting.begin(roots);
        for at in 0..count {
            let dependent = index(self.dependents[at]);
            let reach = self.reach[dependent];
            if self.meeting.can_change(reach) {
                self.write(dependent);
                let (begin, end) = self.lists[dependent];
                self.meeting.meet(reach, &self.written[begin..end]);
            }
        }
        self.meeting.end(node(position), roots);
        let (begin, end) = self.lists[position];
        let reach = std::mem::replace(&mut self.reach[position], self.meeting.reach);
        if reach == self.meeting.reach && self.written[begin..end] == self.meeting.dominators {
            return false;
        }
        self.lists[position] =
            (self.written.len(), self.written.len() + self.meeting.dominators.len());
        self.written.extend_from_slice(&self.meeting.dominators);
        true
    }

    /// Gathers the dependents of a position that a root reaches, and counts them.
    fn gather(&mut self, position: usize, lane: u32) -> usize {
        let mut count = 0;
        for edge in self.cascade.edges_of(position) {
            // Chance decides whether an edge is live, so a branch would be guessed wrong.
            self.dependents[count] = self.cascade.edges[self.edges[edge]].dependent;
            count += usize::from(self.live[edge] >> lane & 1 == 1);
        }
        count
    }

    /// Writes down what dominates a position that has a single dependent.
    fn write(&mut self, position: usize) {
        let mut top = position;
        let mut steps = 0;
        while let (0, Some(dependent)) = (self.lists[top].1, self.sole[top]) {
            top = index(dependent);
            steps += 1;
        }
        if steps == 0 {
            return;
        }
        let (begin, end) = self.lists[top];
        let start = self.written.len();
        self.written.extend_from_within(begin..end);
        let below = self.written.len();
        let mut at = node(position);
        for _ in 0..steps {
            self.written.push(Dominator { position: at, from: self.reach[position] });
            at = self.sole[index(at)].unwrap_or(at);
        }
        self.written[below..].reverse();
        self.lists[position] = (start, self.written.len());
    }

    /// Tells for each position that dominates something, itself included, from which roots other
    /// than itself it does and what that weighs; `weights` has a number for each position.
    ///
    /// Positions are told as often as need be.
    pub(super) fn tell(&mut self, weights: &[u64], mut tell: impl FnMut(usize, Roots, u128)) {
        self.weights.clear();
        self.weights.extend(weights.iter().map(|&weight| u128::from(weight)));
        for position in (0..weights.len()).rev() {
            let weight = self.weights[position];
            if let Some(dependent) = self.sole[position] {
                // Whatever dominates the dependent dominates what has no other.
                self.weights[index(dependent)] += weight;
                tell(position, self.reach[position], weight);
                continue;
            }
            let (begin, end) = self.lists[position];
            for dominator in &self.written[begin..end] {
                tell(index(dominator.position), dominator.from, weight);
            }
        }
    }
}

/// Returns the roots at a position whose numbers begin with `first`.
pub(super) fn roots_from(cascade: &Cascade, position: usize, first: usize) -> Roots {
    let bits = cascade.roots_at(position).iter().filter_map(|&root| index(root).checked_sub(first));
    let bits = bits.filter(|bit| *bit < Roots::BITS as usize);
    bits.fold(0, |roots, bit| roots | 1 << bit)
}

/// What dominates all of some dependents, from the roots that reach any of them.
#[derive(Default)]
struct Meeting {
    reach: Roots,
    /// In ascending order, each from one root at least.
    dominators: Vec<Dominator>,
    spare: Vec<Dominator>,
}

impl Meeting {
    /// Begins with roots, which nothing dominates.
    fn begin(&mut self, roots: Roots) {
        self.reach = roots;
        self.dominators.clear();
    }

    /// Returns whether a dependent that these roots reach can change anything.
    fn can_change(&self, reach: Roots) -> bool {
        reach & !self.reach != 0 || reach != 0 && !self.dominators.is_empty()
    }

    /// Takes in a dependent.
    ///
    /// From roots that reach both, what dominates both is left; from others, what dominates the one
    /// that is reached.
    fn meet(&mut self, reach: Roots, others: &[Dominator]) {
        let is_first = self.reach == 0;
        let new = reach & !self.reach;
        self.reach |= reach;
        if is_first {
            self.dominators.extend_from_slice(others);
        } else if new == 0 {
            self.keep(reach, others);
        } else {
            self.join(reach, new, others);
        }
    }

    /// Drops what does not dominate a dependent that no new root reaches.
    fn keep(&mut self, reach: Roots, mut others: &[Dominator]) {
        self.dominators.retain_mut(|own| {
            while let [first, rest @ ..] = others
                && first.position < own.position
            {
                others = rest;
            }
            let both = others.first().filter(|other| other.position == own.position);
            own.from &= !reach | both.map_or(0, |other| other.from);
            own.from != 0
        });
    }

    fn join(&mut self, reach: Roots, new: Roots, mut others: &[Dominator]) {
        let mut joined = std::mem::take(&mut self.spare);
        joined.clear();
        let mut push = |position, from| {
            if from != 0 {
                joined.push(Dominator { position, from });
            }
        };
        let mut own = self.dominators.as_slice();
        while let ([a, own_rest @ ..], [b, others_rest @ ..]) = (own, others) {
            let mut from = 0;
            if a.position <= b.position {
                from |= a.from & !reach;
                own = own_rest;
            }
            if b.position <= a.position {
                from |= b.from & new;
                others = others_rest;
            }
            if a.position == b.position {
                from |= a.from & b.from;
            }
            push(a.position.min(b.position), from);
        }
        own.iter().for_each(|a| push(a.position, a.from & !reach));
        others.iter().for_each(|b| push(b.position, b.from & new));
        self.spare = std::mem::replace(&mut self.dominators, joined);
    }

    /// Adds the position that the dependents are of, which dominates itself.
    fn end(&mut self, position: u32, roots: Roots) {
        let from = self.reach & !roots;
        // In a cycle it may be among what dominates its dependents.
        let at = self.dominators.partition_point(|dominator| dominator.position < position);
        match self.dominators.get_mut(at) {
            Some(dominator) if dominator.position == position => dominator.from = from,
            _ if from == 0 => {}
            _ => self.dominators.insert(at, Dominator { position, from }),
        }
    }
}
