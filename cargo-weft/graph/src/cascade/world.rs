//! One world: its live edges, what each root reaches in it, and what blocking nodes takes away.
//!
//! A bit stands for a root here, and not for a world as elsewhere: in a single world blocking
//! changes little, and what
//! it changes is followed edge by edge from the blocked nodes downwards, until nothing more is
//! lost.

use std::ops::Range;

use super::{Block, Cascade};
use crate::csr::Csr;
use crate::graph::{Node, index, node};

/// One world.
#[derive(Debug)]
pub(super) struct World {
    /// How many words hold a bit for each root.
    words: usize,
    /// The dependents of each position over live edges.
    dependents: Csr,
    /// The dependencies of each position over live edges.
    dependencies: Csr,
    /// The roots that reach each position.
    reach: Vec<u64>,
}

impl World {
    /// Takes one of the worlds of a block.
    pub(super) fn of(cascade: &Cascade, block: &Block, lane: u32) -> World {
        let words = cascade.roots.div_ceil(64);
        let len = cascade.nodes.len();
        let live = (0..len).flat_map(|position| {
            let edges = cascade.edges_of(position);
            edges
                .filter(|&edge| block.live[edge] >> lane & 1 == 1)
                .map(move |edge| (node(position), cascade.edges[edge].dependent))
        });
        let live: Vec<(Node, Node)> = live.collect();
        let mut world = World {
            words,
            dependents: Csr::group(len, live.iter().copied()),
            dependencies: Csr::group(len, live.iter().map(|&(to, from)| (from, to))),
            reach: vec![0; len * words],
        };
        world.spread(cascade);
        world
    }

    /// Finds which roots reach each position.
    fn spread(&mut self, cascade: &Cascade) {
        let mut at = 0;
        while at < cascade.nodes.len() {
            let members = at..index(cascade.component[at].1);
            at = members.end;
            for member in members.clone() {
                for &root in cascade.roots_at(member) {
                    self.reach[member * self.words + index(root) / 64] |= 1 << (root % 64);
                }
            }
            // Without a cycle one visit is enough.
            while members.clone().fold(false, |any, member| self.visit(member) | any)
                && members.len() > 1
            {}
        }
    }

    /// Adds to a position what its dependents bring, and says whether that was anything.
    fn visit(&mut self, position: usize) -> bool {
        let row = self.row(position);
        let mut came = false;
        for &dependent in self.dependents.row(node(position)) {
            let source = self.row(index(dependent)).start;
            for word in 0..self.words {
                let before = self.reach[row.start + word];
                let after = before | self.reach[source + word];
                self.reach[row.start + word] = after;
                came |= after != before;
            }
        }
        came
    }

    fn row(&self, position: usize) -> Range<usize> {
        position * self.words..(position + 1) * self.words
    }

    /// Returns whether a root reaches a position.
    pub(super) fn is_reached_by(&self, position: usize, root: u32) -> bool {
        self.reach[position * self.words + index(root) / 64] >> (root % 64) & 1 == 1
    }

    /// Returns what depends on a position over live edges.
    pub(super) fn dependents_of(&self, position: usize) -> &[u32] {
        self.dependents.row(node(position))
    }

    /// Follows what is lost if some positions, which ascend, are blocked, and tells for each
    /// position that loses roots
    /// which they are.
    pub(super) fn block(
        &self,
        cascade: &Cascade,
        loss: &mut Loss,
        blocked: &[u32],
        mut tell: impl FnMut(usize, &[u64]),
    ) {
        for &position in blocked {
            let row = self.row(index(position));
            loss.lost[row.clone()].copy_from_slice(&self.reach[row]);
            loss.pending.insert(index(position));
        }
        let mut from = blocked.first().map_or(0, |&position| index(position));
        while let Some(position) = loss.pending.next(from) {
            let (first, end) = cascade.component[position];
            let members = index(first)..index(end);
            from = members.end;
            let is_open = |member: usize| blocked.binary_search(&node(member)).is_err();
            if members.len() > 1 {
                for member in members.clone() {
                    let row = self.row(member);
                    loss.lost[row.clone()].copy_from_slice(&self.reach[row]);
                    loss.pending.insert(member);
                }
                while members
                    .clone()
                    .filter(|&member| is_open(member))
                    .fold(false, |any, member| self.keep(cascade, loss, member) | any)
                {
                }
            } else if is_open(position) {
                self.keep(cascade, loss, position);
            }
            for member in members {
                if !loss.pending.remove(member) {
                    continue;
                }
                let row = self.row(member);
                if loss.lost[row.clone()].iter().all(|&word| word == 0) {
                    continue;
                }
                loss.touched.push(member);
                tell(member, &loss.lost[row.clone()]);
                for &dependency in self.dependencies.row(node(member)) {
                    if dependency < end {
                        continue; // Of the same cycle.
                    }
                    let target = self.row(index(dependency)).start;
                    for word in 0..self.words {
                        let lost = loss.lost[row.start + word];
                        loss.lost[target + word] |= lost;
                    }
                    loss.pending.insert(index(dependency));
                }
            }
        }
        for position in loss.touched.drain(..) {
            loss.lost[self.row(position)].fill(0);
        }
    }

    /// Takes from what a position may have lost all that it still has, and says whether that was
    /// anything.
    fn keep(&self, cascade: &Cascade, loss: &mut Loss, position: usize) -> bool {
        let row = self.row(position);
        let mut kept = 0;
        for &root in cascade.roots_at(position) {
            let word = &mut loss.lost[row.start + index(root) / 64];
            kept |= *word & 1 << (root % 64);
            *word &= !(1 << (root % 64));
        }
        for &dependent in self.dependents.row(node(position)) {
            let source = self.row(index(dependent)).start;
            let mut rest = 0;
            for word in 0..self.words {
                let has = self.reach[source + word] & !loss.lost[source + word];
                let lost = &mut loss.lost[row.start + word];
                kept |= *lost & has;
                *lost &= !has;
                rest |= *lost;
            }
            if rest == 0 {
                break;
            }
        }
        kept != 0
    }
}

/// What one thread needs to follow what is lost.
pub(super) struct Loss {
    /// The roots that reach each position no more, or perhaps no more while it is pending.
    lost: Vec<u64>,
    pending: Positions,
    /// The positions that have lost something.
    touched: Vec<usize>,
}

impl Loss {
    pub(super) fn new(cascade: &Cascade) -> Loss {
        let len = cascade.nodes.len();
        Loss {
            lost: vec![0; len * cascade.roots.div_ceil(64)],
            pending: Positions::new(len),
            touched: Vec::new(),
        }
    }
}

/// A set of positions, from which the least can be taken.
struct Positions {
    words: Vec<u64>,
    len: usize,
}

impl Positions {
    fn new(end: usize) -> Positions {
        Positions { words: vec![0; end.div_ceil(64)], len: 0 }
    }

    fn insert(&mut self, position: usize) {
        let word = &mut self.words[position / 64];
        self.len += usize::from(*word >> (position % 64) & 1 == 0);
        *word |= 1 << (position % 64);
    }

    /// Takes a position away, and says whether it was there.
    fn remove(&mut self, position: usize) -> bool {
        let word = &mut self.words[position / 64];
        let was = *word >> (position % 64) & 1 == 1;
        *word &= !(1 << (position % 64));
        self.len -= usize::from(was);
        was
    }

    /// Returns the least position that is not below `from`, if the set is not empty.
    fn next(&self, from: usize) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mut at = from / 64;
        let mut word = self.words.get(at)? & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.words.get(at)?;
        }
        Some(at * 64 + word.trailing_zeros() as usize)
    }
}
