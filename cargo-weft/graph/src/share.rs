//! How much of what is saved by blocking each node can have a share in.
//!
//! A loss at the far end of many ways is saved once each way is blocked somewhere.
//! Whichever way is picked for it, a node on that way has to be among those blocked, so if the loss
//! is counted for every node on it, no set of nodes saves more than is counted for its nodes.
//! Means over several picks are as true.
//!
//! Which ways are picked decides how tight this is.
//! They are found by fictitious play (Brown, "Iterative solution of games by fictitious play",
//! 1951), whose means tend to the optimum of the linear relaxation, by the convergence that
//! Robinson proved ("An iterative method of solving a game", Annals of Mathematics 54, 1951):
//! in each round a budget is spent on the nodes with the largest shares so far, and then each way
//! is picked anew so as to pass the fewest nodes that were ever bought.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fixedbitset::FixedBitSet;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::cut::UNCUTTABLE;
use crate::graph::{Graph, Node, index};

/// Returns a share for each node, so that blocking any set of nodes saves no more than the shares
/// of its nodes together.
///
/// Each root suffers the `loss` of every node it reaches, times the root's own weight, in any unit.
/// `cost` says what it costs to block each node, in units of `budget`, and [`UNCUTTABLE`] that it
/// cannot be blocked; nor can roots.
/// Shares hold for every budget, and are made to be tight for this one; more `rounds`, of which
/// there is one at least, make them tighter.
/// What is known of several graphs that are equally likely, or of several kinds of loss, adds up.
/// Sums stop at [`u64::MAX`], which as a share says nothing.
///
/// With `n` nodes and `m` edges, a round takes O((n + m)·log n) time for each root.
/// Where several ways are equally good, the numbering of the nodes decides.
///
/// # Panics
///
/// Panics unless `loss` and `cost` have one entry for each node.
pub fn blocking_shares(
    graph: &Graph,
    roots: &[(Node, u64)],
    loss: &[u64],
    cost: &[u64],
    budget: u64,
    rounds: u16,
) -> Vec<u64> {
    assert_eq!(loss.len(), graph.len(), "one loss for each node");
    assert_eq!(cost.len(), graph.len(), "one cost for each node");
    let mut cost = cost.to_vec();
    roots.iter().for_each(|&(root, _)| cost[index(root)] = UNCUTTABLE);

    let rounds = rounds.max(1);
    let mut bought = vec![0; graph.len()];
    let mut sums = vec![0_u128; graph.len()];
    for _ in 0..rounds {
        let toll = |n: Node| match cost[index(n)] {
            UNCUTTABLE => 0,
            _ => 1 + TOLL_OF_BOUGHT * bought[index(n)],
        };
        let carried = roots
            .par_iter()
            .map(|&root| carried(graph, root, loss, toll))
            .reduce(|| vec![0; graph.len()], add);
        sums = add(sums, carried);
        buy(&sums, &cost, budget, &mut bought);
    }
    let mean = |(&sum, &cost): (&u128, &u64)| {
        let mean = if cost == UNCUTTABLE { 0 } else { sum.div_ceil(u128::from(rounds)) };
        u64::try_from(mean).unwrap_or(u64::MAX)
    };
    sums.iter().zip(&cost).map(mean).collect()
}

/// How many nodes that were never bought a way passes rather than one that was bought once.
const TOLL_OF_BOUGHT: u64 = 1 << 10;

/// Returns what a loss at each node that a root reaches adds to the nodes on the way to it.
///
/// The ways are those that pay the least toll (Dijkstra, "A note on two problems in connexion with
/// graphs", Numerische Mathematik 1, 1959).
fn carried(
    graph: &Graph,
    (root, weight): (Node, u64),
    loss: &[u64],
    toll: impl Fn(Node) -> u64,
) -> Vec<u128> {
    let mut least = vec![u64::MAX; graph.len()];
    let mut done = FixedBitSet::with_capacity(graph.len());
    // The nodes in the order they were reached, each with the node before it on the way.
    let mut steps = Vec::new();
    let mut open = BinaryHeap::from([Reverse((0, root, root))]);
    while let Some(Reverse((paid, n, before))) = open.pop() {
        if done.put(index(n)) {
            continue;
        }
        steps.push((n, before));
        for &next in graph.successors(n) {
            let paid = paid + toll(next);
            if paid < least[index(next)] && !done.contains(index(next)) {
                least[index(next)] = paid;
                open.push(Reverse((paid, next, n)));
            }
        }
    }

    let mut sums = vec![0_u128; graph.len()];
    for &(n, before) in steps.iter().rev() {
        let own = u128::from(loss[index(n)]) * u128::from(weight);
        let sum = sums[index(n)].saturating_add(own);
        sums[index(n)] = sum;
        if n != root {
            sums[index(before)] = sums[index(before)].saturating_add(sum);
        }
    }
    sums
}

/// Spends a budget on the nodes with the largest shares for their cost, and counts what is bought.
fn buy(sums: &[u128], cost: &[u64], budget: u64, bought: &mut [u64]) {
    let cost = |n: usize| cost[n];
    let can_be_bought = |&n: &usize| sums[n] > 0 && cost(n) != UNCUTTABLE && cost(n) <= budget;
    let mut nodes: Vec<usize> = (0..sums.len()).filter(can_be_bought).collect();
    let product = |a: usize, b: usize| sums[a].saturating_mul(u128::from(cost(b)));
    nodes.sort_by(|&a, &b| product(b, a).cmp(&product(a, b)).then(a.cmp(&b)));
    let mut left = budget;
    for n in nodes {
        let Some(rest) = left.checked_sub(cost(n)) else { break };
        left = rest;
        bought[n] += 1;
    }
}

fn add(mut sums: Vec<u128>, others: Vec<u128>) -> Vec<u128> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum = sum.saturating_add(other);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_shared_by_the_nodes_on_every_way_to_it() {
        // 0 → {1, 2} → 3 → 4, with a loss at 3 and at 4
        let graph = Graph::from_edges(5, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]).unwrap();
        let shares =
            |rounds| blocking_shares(&graph, &[(0, 3)], &[0, 0, 0, 1, 2], &[1; 5], 1, rounds);
        assert_eq!(shares(1), [0, 9, 0, 9, 6]);
        assert_eq!(shares(0), shares(1));
        // The second round goes the other way, and 3 was bought, which none can go round.
        assert_eq!(shares(2), [0, 5, 5, 9, 6]);
    }

    #[test]
    fn what_cannot_be_blocked_has_no_share() {
        // 0 → 1 → 2, 0 → 3 → 2, where 1 and the second root 3 cannot be blocked
        let graph = Graph::from_edges(4, &[(0, 1), (1, 2), (0, 3), (3, 2)]).unwrap();
        let shares = |loss: [u64; 4]| {
            let cost = [1, UNCUTTABLE, 1, 1];
            blocking_shares(&graph, &[(0, 1), (3, 1)], &loss, &cost, 9, 4)
        };
        assert_eq!(shares([5, 5, 1, 5]), [0, 0, 2, 0]);
        assert_eq!(shares([0, 0, u64::MAX, 0]), [0, 0, u64::MAX, 0]);
    }

    #[test]
    fn what_is_too_dear_is_not_bought_and_what_costs_nothing_is() {
        let mut bought = [0; 5];
        buy(&[9, 9, 4, 8, 0], &[7, 3, 2, 0, 0], 5, &mut bought);
        assert_eq!(bought, [0, 1, 1, 1, 0]);
        buy(&[1, 9, 8, 0, 0], &[1, 3, 3, 0, 0], 5, &mut bought);
        assert_eq!(bought, [0, 2, 1, 1, 0]);
    }
}
