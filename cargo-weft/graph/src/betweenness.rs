//! Betweenness: how many shortest paths lead through a node.
//!
//! The algorithm is Brandes' ("A faster algorithm for betweenness centrality", Journal of
//! Mathematical Sociology 25:2, 2001), on directed edges of length one.
//! Its sums are kept in fixed point instead of floating point, because then they are associative:
//! neither the numbering of the nodes nor the number of threads shows in the result.
//! Values are not normalised.

use std::fmt;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::error::GraphError;
use crate::graph::{Graph, Node, index, node};

/// Computes the betweenness of every node.
///
/// The betweenness of `v` is the sum, over all ordered pairs of distinct nodes `s` and `t` other
/// than `v`, of the fraction of the shortest paths from `s` to `t` that pass through `v`.
/// This is what igraph calls directed, unnormalised betweenness.
///
/// # Errors
///
/// Fails with [`GraphError::PathCountOverflow`] if two nodes are joined by 2^128 or more shortest
/// paths.
pub fn betweenness(graph: &Graph) -> Result<Vec<Betweenness>, GraphError> {
    let totals = (0..graph.len())
        .into_par_iter()
        .try_fold(
            || Worker::new(graph),
            |mut worker, source| {
                worker.add_source(node(source))?;
                Ok(worker)
            },
        )
        .map(|worker| worker.map(|worker| worker.totals))
        .try_reduce(|| vec![0; graph.len()], |a, b| Ok(add(a, &b)))?;
    Ok(totals.into_iter().map(Betweenness).collect())
}

/// A number of shortest paths, in units of 2^-32.
///
/// Fractions are rounded to the nearest unit, halves upwards, once for each source and each edge
/// on a shortest path from it where paths divide unevenly.
/// Of a graph with `n` nodes and `m` edges, no value is therefore further from the truth than
/// `n · m · 2^-33`, and a value is exact if every number of shortest paths is a power of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Betweenness(u128);

impl Betweenness {
    /// Returns the value in units of 2^-32.
    pub fn units(self) -> u128 {
        self.0
    }

    /// Returns the whole part, cutting off the fraction.
    ///
    /// A whole number that was summed from rounded fractions can lie just below itself;
    /// [`Betweenness::to_thousandths`] is safe from that.
    pub fn floor(self) -> u64 {
        saturate(self.0 >> FRACTION_BITS)
    }

    /// Returns the value in thousandths, rounded to the nearest, halves upwards.
    pub fn to_thousandths(self) -> u64 {
        saturate((self.0 * 1000 + u128::from(ONE / 2)) >> FRACTION_BITS)
    }
}

impl fmt::Display for Betweenness {
    /// Writes the value with three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = self.to_thousandths();
        write!(f, "{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}

const FRACTION_BITS: u32 = 32;
const ONE: u64 = 1 << FRACTION_BITS;

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn add(mut sums: Vec<u128>, others: &[u128]) -> Vec<u128> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

/// What one thread needs to add up the paths from some of the sources.
struct Worker<'g> {
    graph: &'g Graph,
    narrow: Scratch<u64>,
    /// Only made if a number of paths does not fit 64 bits.
    wide: Option<Scratch<u128>>,
    totals: Vec<u128>,
}

impl<'g> Worker<'g> {
    fn new(graph: &'g Graph) -> Worker<'g> {
        let totals = vec![0; graph.len()];
        Worker { graph, narrow: Scratch::new(graph.len()), wide: None, totals }
    }

    /// Adds, for every node, the fractions of the shortest paths from `source` through it.
    fn add_source(&mut self, source: Node) -> Result<(), GraphError> {
        let Worker { graph, narrow, wide, totals } = self;
        if narrow.add_source(graph, source, totals).is_some() {
            return Ok(());
        }
        let wide = wide.get_or_insert_with(|| Scratch::new(graph.len()));
        wide.add_source(graph, source, totals).ok_or(GraphError::PathCountOverflow)
    }
}

/// The state of one search from a source, kept between searches to save its allocation.
struct Scratch<C> {
    states: Vec<State<C>>,
    /// The nodes reached, in order of distance.
    order: Vec<Node>,
    /// The edges on shortest paths, in order of their dependent's distance.
    steps: Vec<(Node, Node)>,
}

#[derive(Clone, Copy)]
struct State<C> {
    /// The number of shortest paths from the source.
    paths: C,
    /// The number of nodes beyond this one to which a shortest path leads through it, where a
    /// node to which only some do counts as that fraction; in units of 2^-32.
    ///
    /// It fits: a graph has at most 2^31 nodes, which makes 2^63 units, and each of its fewer
    /// than 2^63 edges adds at most half a unit of rounding.
    beyond: u64,
    distance: u32,
}

const UNREACHED: u32 = u32::MAX;

impl<C: Count> Scratch<C> {
    fn new(len: usize) -> Scratch<C> {
        Scratch { states: vec![Scratch::CLEAR; len], order: Vec::new(), steps: Vec::new() }
    }

    const CLEAR: State<C> = State { paths: C::ZERO, beyond: 0, distance: UNREACHED };

    /// Adds to `totals` the fractions of the shortest paths from `source` through each node, or
    /// nothing if their number overflows.
    fn add_source(&mut self, graph: &Graph, source: Node, totals: &mut [u128]) -> Option<()> {
        let counted = self.search(graph, source);
        if counted.is_some() {
            self.accumulate(totals);
        }
        for n in self.order.drain(..) {
            self.states[index(n)] = Scratch::CLEAR;
        }
        self.steps.clear();
        counted
    }

    /// Counts the shortest paths from `source`, breadth first.
    fn search(&mut self, graph: &Graph, source: Node) -> Option<()> {
        self.reach(source, 0, C::ONE);
        let mut position = 0;
        while let Some(&n) = self.order.get(position) {
            position += 1;
            let State { paths, distance, .. } = self.states[index(n)];
            for &successor in graph.successors(n) {
                let state = &mut self.states[index(successor)];
                if state.distance == UNREACHED {
                    self.reach(successor, distance + 1, paths);
                } else if state.distance == distance + 1 {
                    state.paths = state.paths.checked_add(paths)?;
                } else {
                    continue;
                }
                self.steps.push((n, successor));
            }
        }
        Some(())
    }

    fn reach(&mut self, n: Node, distance: u32, paths: C) {
        self.states[index(n)] = State { paths, beyond: 0, distance };
        self.order.push(n);
    }

    /// Adds up the fractions from the farthest nodes back to the source.
    fn accumulate(&mut self, totals: &mut [u128]) {
        for &(n, successor) in self.steps.iter().rev() {
            let next = self.states[index(successor)];
            let state = &mut self.states[index(n)];
            state.beyond += C::share(ONE + next.beyond, state.paths, next.paths);
        }
        // The source comes first, and is an end of all these paths.
        for &n in &self.order[1..] {
            totals[index(n)] += u128::from(self.states[index(n)].beyond);
        }
    }
}

/// A number of paths.
trait Count: Copy {
    const ZERO: Self;
    const ONE: Self;

    fn checked_add(self, other: Self) -> Option<Self>;

    /// Returns `value · part / whole`, rounded to the nearest with halves upwards.
    ///
    /// `part` is at most `whole`, and so the result at most `value`.
    fn share(value: u64, part: Self, whole: Self) -> u64;
}

impl Count for u64 {
    const ZERO: u64 = 0;
    const ONE: u64 = 1;

    fn checked_add(self, other: u64) -> Option<u64> {
        self.checked_add(other)
    }

    #[inline]
    fn share(value: u64, part: u64, whole: u64) -> u64 {
        if part == whole {
            return value;
        }
        // Almost all products fit 64 bits, where a division takes a fraction of the time.
        let product = value.checked_mul(part).and_then(|product| product.checked_add(whole / 2));
        match product {
            Some(product) => product / whole,
            None => <u128 as Count>::share(value, part.into(), whole.into()),
        }
    }
}

impl Count for u128 {
    const ZERO: u128 = 0;
    const ONE: u128 = 1;

    fn checked_add(self, other: u128) -> Option<u128> {
        self.checked_add(other)
    }

    /// Multiplies by one bit of `value` after another and divides as it goes, because the whole
    /// product can have 192 bits.
    fn share(value: u64, part: u128, whole: u128) -> u64 {
        let (mut quotient, mut remainder) = (0, 0);
        for bit in (0..u64::BITS).rev() {
            let (doubled, carry) = add_modulo(remainder, remainder, whole);
            let term = if value >> bit & 1 == 1 { part } else { 0 };
            let (sum, second_carry) = add_modulo(doubled, term, whole);
            quotient = quotient * 2 + u64::from(carry) + u64::from(second_carry);
            remainder = sum;
        }
        quotient + u64::from(remainder >= whole - remainder)
    }
}

/// Returns `sum + term` modulo `modulus`, and whether it wrapped.
///
/// `sum` is below the modulus and `term` at most the modulus.
fn add_modulo(sum: u128, term: u128, modulus: u128) -> (u128, bool) {
    let room = modulus - term;
    if sum >= room { (sum - room, true) } else { (sum + term, false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a share in both widths.
    fn check_share(value: u64, part: u64, whole: u64, expected: u64) {
        assert_eq!(<u64 as Count>::share(value, part, whole), expected);
        assert_eq!(<u128 as Count>::share(value, part.into(), whole.into()), expected);
    }

    #[test]
    fn shares_round_to_the_nearest_with_halves_upwards() {
        check_share(ONE, 1, 3, 1_431_655_765);
        check_share(ONE, 2, 3, 2_863_311_531);
        check_share(1, 1, 2, 1);
        check_share(3, 1, 2, 2);
        check_share(1, 1, 3, 0);
        check_share(7, 5, 5, 7);
        check_share(0, 1, 2, 0);
    }

    #[test]
    fn shares_of_large_numbers_do_not_overflow() {
        check_share(u64::MAX, u64::MAX - 1, u64::MAX, u64::MAX - 1);
        check_share(u64::MAX, 1, u64::MAX, 1);
        check_share(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
        assert_eq!(<u128 as Count>::share(u64::MAX, u128::MAX / 2, u128::MAX), u64::MAX / 2);
        assert_eq!(<u128 as Count>::share(u64::MAX, u128::MAX, u128::MAX), u64::MAX);
    }

    #[test]
    fn values_read_as_whole_parts_and_thousandths() {
        let two_thirds_more = Betweenness(u128::from(4 * ONE) + 2_863_311_531);
        assert_eq!(two_thirds_more.floor(), 4);
        assert_eq!(two_thirds_more.to_thousandths(), 4667);
        assert_eq!(two_thirds_more.to_string(), "4.667");
        assert_eq!(Betweenness(u128::from(2 * ONE) - 1).to_string(), "2.000");
    }
}
