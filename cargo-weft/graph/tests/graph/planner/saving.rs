//! What sets of candidates save in drawn worlds, against following each set through every world.

use std::cmp::Reverse;

use proptest::prelude::*;
use weft_graph::{Drawn, Node, Objective, Probability, Savings, Stakes, Tie, Worlds, plan};

use crate::cascade::{WORLDS, cascade, staked, ties};
use crate::lockfile::Lockfile;
use crate::sample::{Sample, any_graph, ladder, with_names};

/// Savings with costs.
struct Priced<'a> {
    savings: &'a Savings,
    cost: &'a [u64],
}

impl Objective for Priced<'_> {
    fn candidates(&self) -> usize {
        self.cost.len()
    }

    fn cost(&self, candidate: usize) -> u64 {
        self.cost[candidate]
    }

    fn fall(&self, chosen: &[usize]) -> u64 {
        u64::try_from(self.savings.fall(chosen)).expect("sums are small")
    }

    fn bound(&self, chosen: &[usize], undecided: &[usize], left: u64) -> u64 {
        let bound = self.savings.bound(chosen, undecided, left, |candidate| self.cost[candidate]);
        u64::try_from(bound).expect("sums are small")
    }
}

/// Returns every set of numbers below `len`, in ascending order.
fn sets(len: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1_u32 << len).map(move |set| (0..len).filter(|at| set >> at & 1 == 1).collect())
}

fn nodes(candidates: &[Node], chosen: &[usize]) -> Vec<Node> {
    chosen.iter().map(|&at| candidates[at]).collect()
}

/// Candidates for a sample of [`staked`], with their costs.
fn candidates() -> impl Strategy<Value = (Vec<Node>, Vec<u64>)> {
    let candidates = prop::collection::btree_set(0..14_u32, 0..7);
    let cost = prop_oneof![1 => Just(0), 9 => 1..5_u64];
    (candidates, prop::collection::vec(cost, 7))
        .prop_map(|(candidates, cost)| (candidates.into_iter().collect(), cost))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_set_saves_what_it_saves_in_each_world(
        (sample, units, seeds, losses) in staked(),
        (mut candidates, _) in candidates(),
    ) {
        candidates.retain(|&n| (n as usize) < sample.len);
        let cascade = cascade(&sample, &ties(&sample, &units));
        let stakes = Stakes { seeds: &[seeds, vec![1; sample.len]], losses: &losses };
        let drawn = Drawn::of(&cascade, WORLDS);
        let savings = drawn.savings(stakes, &candidates);
        prop_assert_eq!(savings.worlds(), WORLDS.count.into());
        prop_assert!(savings.is_exact());
        for chosen in sets(candidates.len()) {
            let fall = drawn.fall(stakes, &nodes(&candidates, &chosen));
            prop_assert_eq!(savings.fall(&chosen), fall.sum(0, 0) + fall.sum(1, 0), "{:?}", chosen);
        }
    }

    #[test]
    fn no_set_within_the_budget_saves_more_than_the_bound(
        (sample, units, seeds, losses) in staked(),
        (mut candidates, cost) in candidates(),
        decided in any::<(u8, u8)>(),
        left in 0..14_u64,
    ) {
        candidates.retain(|&n| (n as usize) < sample.len);
        let cascade = cascade(&sample, &ties(&sample, &units));
        let stakes = Stakes { seeds: &[seeds], losses: &losses };
        let savings = Drawn::of(&cascade, WORLDS).savings(stakes, &candidates);
        let of = |is_in: &dyn Fn(u8) -> bool| -> Vec<usize> {
            (0..candidates.len()).filter(|at| is_in(1 << at)).collect()
        };
        let chosen = of(&|bit| decided.0 & bit != 0);
        let undecided = of(&|bit| !decided.0 & decided.1 & bit != 0);
        let bound = savings.bound(&chosen, &undecided, left, |candidate| cost[candidate]);
        for more in sets(undecided.len()) {
            let more: Vec<usize> = more.into_iter().map(|at| undecided[at]).collect();
            if more.iter().map(|&at| cost[at]).sum::<u64>() <= left {
                prop_assert!(savings.fall(&[&chosen[..], &more].concat()) <= bound);
            }
        }
    }

    #[test]
    fn a_plan_by_savings_is_the_best_of_all_sets(
        (sample, units, seeds, losses) in staked(),
        (mut candidates, mut cost) in candidates(),
        budget in 0..14_u64,
        limit in prop_oneof![Just(u64::MAX), 0..60_u64],
    ) {
        candidates.retain(|&n| (n as usize) < sample.len);
        cost.truncate(candidates.len());
        let cascade = cascade(&sample, &ties(&sample, &units));
        let stakes = Stakes { seeds: &[seeds], losses: &losses };
        let drawn = Drawn::of(&cascade, WORLDS);
        let savings = drawn.savings(stakes, &candidates);
        let price = |chosen: &[usize]| chosen.iter().map(|&at| cost[at]).sum::<u64>();
        let best = sets(candidates.len())
            .filter(|chosen| price(chosen) <= budget)
            .map(|chosen| drawn.fall(stakes, &nodes(&candidates, &chosen)).sum(0, 0))
            .max();
        let found = plan(&Priced { savings: &savings, cost: &cost }, budget, limit);
        prop_assert!(u128::from(found.bound) >= best.unwrap_or_default());
        prop_assert_eq!(u128::from(found.fall), savings.fall(&found.chosen));
        prop_assert!(found.is_exact() || limit < u64::MAX);
    }

    /// Keys stay with their edges, and costs with their candidates.
    #[test]
    fn names_do_not_show(
        (sample, names) in with_names(any_graph(14, 40)),
        units in prop::collection::vec(0..=Probability::UNITS, 7),
        seeds in prop::collection::vec(0..1000_u64, 14),
        (mut candidates, cost) in candidates(),
        budget in 0..14_u64,
    ) {
        candidates.retain(|&n| (n as usize) < sample.len);
        let name = |n: Node| names[n as usize];
        let ties = ties(&sample, &units);
        let renamed: Vec<Tie> = ties.iter().rev().map(|tie| Tie {
            dependent: name(tie.dependent),
            dependency: name(tie.dependency),
            ..*tie
        }).collect();
        let mut seeds_again = seeds[..sample.len].to_vec();
        for n in sample.nodes() {
            seeds_again[name(n) as usize] = seeds[n as usize];
        }
        let found = |sample: &Sample, ties: &[Tie], seeds: &[u64], order: &[(Node, u64)]| {
            let cascade = cascade(sample, ties);
            let losses = [3, 1, 2];
            let losses = &losses[..sample.roots.len()];
            let stakes = Stakes { seeds: &[seeds[..sample.len].to_vec()], losses };
            let (candidates, cost): (Vec<Node>, Vec<u64>) = order.iter().copied().unzip();
            let savings = Drawn::of(&cascade, WORLDS).savings(stakes, &candidates);
            plan(&Priced { savings: &savings, cost: &cost }, budget, u64::MAX)
        };
        let order: Vec<(Node, u64)> = candidates.into_iter().zip(cost).collect();
        let mut order_again: Vec<(Node, u64)> =
            order.iter().map(|&(n, cost)| (name(n), cost)).collect();
        let again = sample.renamed(&names);
        let plan = found(&sample, &ties, &seeds, &order);
        prop_assert_eq!(&found(&again, &renamed, &seeds_again, &order_again), &plan);
        // In another order of candidates, another of choices that are as good may come first.
        order_again.sort_unstable();
        let again = found(&again, &renamed, &seeds_again, &order_again);
        prop_assert_eq!((again.fall, again.bound, again.cost), (plan.fall, plan.bound, plan.cost));
    }

    #[test]
    fn expectations_of_different_worlds_add_up(
        (sample, units, seeds, losses) in staked(),
        counts in (1..200_u32, 1..200_u32),
    ) {
        let candidates: Vec<Node> = sample.nodes().take(4).collect();
        let cascade = cascade(&sample, &ties(&sample, &units));
        let stakes = Stakes { seeds: &[seeds], losses: &losses };
        let of = |count| {
            Drawn::of(&cascade, Worlds { seed: 3, count }).savings(stakes, &candidates)
        };
        let [one, other] = [of(counts.0), of(counts.1)];
        let both = one.clone().plus(other.clone());
        for chosen in sets(candidates.len()) {
            let sum = one.fall(&chosen) * other.worlds() + other.fall(&chosen) * one.worlds();
            prop_assert_eq!(both.fall(&chosen) * one.worlds() * other.worlds(), sum * both.worlds());
        }
    }
}

/// On real lockfiles, the 24 direct dependencies that save most alone, of which eight may go.
#[test]
fn plans_on_real_lockfiles_leave_no_gap() {
    for workspace in ["deno", "nushell"] {
        let Some(Lockfile { len, edges, roots }) = Lockfile::of(workspace) else { continue };
        let sample = Sample { len, edges, roots };
        let seeds = sample.nodes().map(|n| u64::from(!sample.roots.contains(&n))).collect();
        let stakes = Stakes { seeds: &[seeds], losses: &vec![1; sample.roots.len()] };
        let from_roots = sample.edges.iter().filter(|edge| sample.roots.contains(&edge.0));
        let mut direct: Vec<Node> = from_roots.map(|edge| edge.1).collect();
        direct.sort_unstable();
        direct.dedup();
        direct.retain(|n| !sample.roots.contains(n));
        for units in [Probability::UNITS / 10, 26_214, 52_428, Probability::UNITS] {
            let cascade = cascade(&sample, &ties(&sample, &[units]));
            let worlds = Worlds { seed: 1, count: 512 };
            let falls = cascade.falls(worlds, stakes);
            let mut candidates = direct.clone();
            candidates.sort_by_key(|&n| Reverse(falls.sum(0, n as usize)));
            candidates.truncate(24);
            let drawn = Drawn::of(&cascade, worlds);
            let savings = drawn.savings(stakes, &candidates);
            assert!(savings.is_exact(), "{workspace}, {units}");
            let found = plan(&Priced { savings: &savings, cost: &[1; 24] }, 8, 5_000);
            assert!(found.is_exact(), "{workspace}, {units}: {found:?}");
            let fall = drawn.fall(stakes, &nodes(&candidates, &found.chosen)).sum(0, 0);
            assert_eq!(u128::from(found.fall), fall, "{workspace}, {units}");
        }
    }
}

/// Seven stages, each of two nodes side by side, so that 128 paths lead to the end.
#[test]
fn a_loss_that_too_many_paths_lead_to_is_not_said_to_be_saved() {
    let sample = ladder(7, 2);
    let candidates: Vec<Node> = sample.nodes().filter(|n| n % 3 != 0).collect();
    let cascade = cascade(&sample, &ties(&sample, &[1 << 16]));
    let mut seeds = vec![0; sample.len];
    seeds[sample.len - 1] = 1;
    let stakes = Stakes { seeds: &[seeds], losses: &[5] };
    let drawn = Drawn::of(&cascade, Worlds { seed: 0, count: 1 });
    let savings = drawn.savings(stakes, &candidates);
    assert!(!savings.is_exact());
    assert_eq!(drawn.fall(stakes, &nodes(&candidates, &[4, 5])).sum(0, 0), 5);
    assert_eq!(savings.fall(&[4, 5]), 0);
    let all: Vec<usize> = (0..candidates.len()).collect();
    assert_eq!(savings.bound(&[], &all, 2, |_| 1), 5);
    assert_eq!(savings.bound(&[0, 2], &[4, 6], 9, |_| 1), 0);
}
