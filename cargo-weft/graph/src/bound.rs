//! Bounds on how likely harm in a node reaches a root, which need no worlds.
//!
//! What a node's dependents bring is not independent, since they share dependents of their own.
//! Taking it for independent gives an upper bound, for all of it grows with the same live edges
//! (Harris, "A lower bound
//! for the critical probability in a certain percolation process", Proc. Cambridge Phil. Soc. 56,
//! 1960), and the single
//! likeliest path a lower one.
//!
//! Both are taken between a node and its immediate dominator alone, since every path passes through
//! that:
//! `P(r⇝v) = P(r⇝d) · P(d⇝v)`.
//! Where a node's dependents share nothing below that dominator the bounds are equal, and the
//! probability is known.

use crate::cascade::{Tie, effective, joined};
use crate::condensation::Condensation;
use crate::dominator::dominators;
use crate::error::GraphError;
use crate::graph::{Node, check_node, index};
use crate::probability::Probability;

/// A lower and an upper bound of a probability, in units of 2^-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// It is not less.
    pub lower: u64,
    /// It is not more.
    pub upper: u64,
}

impl Bounds {
    /// How many units make certainty.
    pub const UNITS: u64 = 1 << 32;
    const CERTAIN: Bounds = Bounds { lower: Self::UNITS, upper: Self::UNITS };

    /// Returns what lies between the bounds: what is not known.
    pub fn width(self) -> u64 {
        self.upper - self.lower
    }

    fn times(self, other: Bounds) -> Bounds {
        Bounds { lower: down(self.lower, other.lower), upper: up(self.upper, other.upper) }
    }
}

/// Finds bounds on how likely each node reaches `root`, of a graph of `len` nodes.
///
/// A node that `root` does not depend on has bounds of 0.
/// Rounding widens bounds by a few units, never narrows them.
/// Cycles are taken to pass everything on within for the upper bound.
///
/// # Errors
///
/// As [`Cascade::new`](crate::Cascade::new).
pub fn bounds(len: usize, ties: &[Tie], root: Node) -> Result<Vec<Bounds>, GraphError> {
    check_node(root, len)?;
    let mut ties = effective(len, ties)?;
    let condensation = Condensation::of(&joined(len, &ties)?);
    let dominators = dominators(&condensation, &[root], &vec![0; len]);
    ties.retain(|tie| dominators.is_reachable(tie.dependent));
    ties.sort_by_key(|tie| (tie.dependency, tie.dependent));
    let mut region = Regions {
        ties: &ties,
        condensation: &condensation,
        immediate: condensation.graph().nodes().map(|c| dominators.immediate(c)).collect(),
        factor: vec![Bounds::default(); len],
        whole: vec![Bounds::default(); len],
        sole: vec![false; len],
    };
    for c in condensation.graph().nodes() {
        let members = condensation.members(c);
        if !dominators.is_reachable(members[0]) {
            continue;
        }
        match members {
            &[only] if only == root => {
                region.factor[index(root)] = Bounds::CERTAIN;
                region.whole[index(root)] = Bounds::CERTAIN;
            }
            &[only] => region.enter(only),
            members => region.enter_cycle(members, root),
        }
    }
    Ok(region.whole)
}

struct Regions<'a> {
    /// Sorted by dependency.
    ties: &'a [Tie],
    condensation: &'a Condensation,
    /// The immediate dominator of each component.
    immediate: Vec<Option<Node>>,
    /// The probability of each node given that its immediate dominator is reached.
    factor: Vec<Bounds>,
    /// The probability of each node.
    whole: Vec<Bounds>,
    /// Whether each node has one dependent only.
    sole: Vec<bool>,
}

impl<'a> Regions<'a> {
    fn ties_to(&self, n: Node) -> &'a [Tie] {
        let first = self.ties.partition_point(|tie| tie.dependency < n);
        let end = self.ties.partition_point(|tie| tie.dependency <= n);
        &self.ties[first..end]
    }

    fn is_cycle(&self, component: Node) -> bool {
        self.condensation.members(component).len() > 1
    }

    /// Bounds a node outside cycles.
    fn enter(&mut self, n: Node) {
        let ties = self.ties_to(n);
        let component = self.condensation.component(n);
        let Some(dominator) = self.immediate[index(component)] else { return };
        let by_tie: Vec<Below> = ties.iter().map(|tie| self.below(dominator, tie)).collect();

        let mut miss = Bounds::UNITS;
        for below in &by_tie {
            miss = down(miss, Bounds::UNITS - below.bounds.upper);
        }
        let path = by_tie.iter().map(|below| below.bounds.lower).max().unwrap_or_default();
        let apart = independent(&by_tie);
        let factor = Bounds { lower: path.max(apart), upper: Bounds::UNITS - miss };
        self.sole[index(n)] = ties.iter().all(|tie| tie.dependent == ties[0].dependent);

        let longest = ties
            .iter()
            .map(|tie| down(self.whole[index(tie.dependent)].lower, fixed(tie.probability)))
            .max();
        if self.is_cycle(dominator) {
            // Which member of the cycle is reached matters, so only the upper bound can be split
            // there.
            let upper = self.cycle_upper(dominator);
            self.factor[index(n)] = Bounds { lower: 0, upper: factor.upper };
            self.whole[index(n)] =
                Bounds { lower: longest.unwrap_or_default(), upper: up(upper, factor.upper) };
        } else {
            let from = self.whole[index(self.condensation.members(dominator)[0])];
            self.factor[index(n)] = factor;
            let whole = from.times(factor);
            let lower = whole.lower.max(longest.unwrap_or_default());
            self.whole[index(n)] = Bounds { lower, upper: whole.upper };
        }
    }

    /// Bounds the members of a cycle.
    fn enter_cycle(&mut self, members: &[Node], root: Node) {
        let component = self.condensation.component(members[0]);
        let has_root = members.contains(&root);
        let outside = |tie: &&Tie| self.condensation.component(tie.dependent) != component;
        let entries = members.iter().flat_map(|&member| self.ties_to(member)).filter(outside);
        let (factor, upper) = match self.immediate[index(component)] {
            _ if has_root => (Bounds::UNITS, Bounds::UNITS),
            Some(dominator) => {
                let mut miss = Bounds::UNITS;
                for tie in entries {
                    miss = down(miss, Bounds::UNITS - self.below(dominator, tie).bounds.upper);
                }
                let factor = Bounds::UNITS - miss;
                (factor, up(self.cycle_upper(dominator), factor))
            }
            None => return,
        };
        for &member in members {
            self.factor[index(member)] = Bounds { lower: 0, upper: factor };
            self.whole[index(member)] = Bounds { lower: 0, upper };
        }
        if has_root {
            self.whole[index(root)] = Bounds::CERTAIN;
        }
        // The likeliest path to a member has at most as many steps within as there are members.
        for _ in members {
            for &member in members {
                for tie in self.ties_to(member) {
                    let along =
                        down(self.whole[index(tie.dependent)].lower, fixed(tie.probability));
                    let lower = &mut self.whole[index(member)].lower;
                    *lower = along.max(*lower);
                }
            }
        }
    }

    /// Returns the upper bound for a component: that of any of its members.
    fn cycle_upper(&self, component: Node) -> u64 {
        let members = self.condensation.members(component);
        members.iter().map(|&m| self.whole[index(m)].upper).max().unwrap_or_default()
    }

    /// Bounds what a tie brings, given that a dominator of its dependency is reached.
    fn below(&self, dominator: Node, tie: &Tie) -> Below {
        let mut bounds = Bounds::CERTAIN;
        let mut at = self.condensation.component(tie.dependent);
        let mut top = None;
        while at != dominator {
            let members = self.condensation.members(at);
            let factor = match members {
                &[only] => self.factor[index(only)],
                // Any dependent in a cycle shares the cycle's upper bound.
                members => Bounds { lower: 0, ..self.factor[index(members[0])] },
            };
            bounds = bounds.times(factor);
            top = Some(at);
            let Some(above) = self.immediate[index(at)] else { break };
            at = above;
        }
        // What hangs by one dependent from the dominator shares nothing with what else hangs from
        // it.
        let apart = match top {
            None => Some(None),
            Some(top) => match self.condensation.members(top) {
                &[only] if self.sole[index(only)] => Some(Some(top)),
                _ => None,
            },
        };
        let probability = fixed(tie.probability);
        Below { bounds: bounds.times(Bounds { lower: probability, upper: probability }), apart }
    }
}

/// What a tie brings.
struct Below {
    bounds: Bounds,
    /// The part of the dominator's region it comes through, or none if from the dominator itself;
    /// absent if that part
    /// may share something with others.
    apart: Option<Option<Node>>,
}

/// Joins what ties bring that share nothing; of several through the same part the best counts.
fn independent(ties: &[Below]) -> u64 {
    let mut parts: Vec<(Node, u64)> = Vec::new();
    let mut miss = Bounds::UNITS;
    for tie in ties {
        match tie.apart {
            Some(None) => miss = up(miss, Bounds::UNITS - tie.bounds.lower),
            Some(Some(part)) => parts.push((part, tie.bounds.lower)),
            None => {}
        }
    }
    parts.sort_unstable();
    for part in parts.chunk_by(|a, b| a.0 == b.0) {
        let best = part.last().map_or(0, |&(_, lower)| lower);
        miss = up(miss, Bounds::UNITS - best);
    }
    Bounds::UNITS - miss
}

fn fixed(probability: Probability) -> u64 {
    u64::from(probability.units()) << (32 - Probability::BITS)
}

/// Multiplies, and rounds down.
fn down(a: u64, b: u64) -> u64 {
    narrow((u128::from(a) * u128::from(b)) >> 32)
}

/// Multiplies, and rounds up.
fn up(a: u64, b: u64) -> u64 {
    narrow((u128::from(a) * u128::from(b) + u128::from(Bounds::UNITS - 1)) >> 32)
}

fn narrow(product: u128) -> u64 {
    u64::try_from(product).expect("neither factor is more than certain")
}
