//! The cascade and its bounds against worlds counted one by one, and against what must not matter.

use proptest::prelude::*;
use weft_graph::{Bounds, Cascade, Drawn, Node, Probability, Stakes, Tie, Worlds, bounds};

use crate::sample::{Sample, any_graph, ladder};

const HALF: u32 = 1 << 15;

/// Joins the edges of a sample with probabilities, of which the first is used again after the last.
pub(crate) fn ties(sample: &Sample, units: &[u32]) -> Vec<Tie> {
    let edges = sample.edges.iter().zip(units.iter().cycle());
    let tie = |(&(dependent, dependency), &units): (&(Node, Node), &u32)| Tie {
        dependent,
        dependency,
        key: u64::from(dependent) << 32 | u64::from(dependency),
        probability: Probability::from_units(units).expect("units are in range"),
    };
    edges.map(tie).collect()
}

pub(crate) fn cascade(sample: &Sample, ties: &[Tie]) -> Cascade {
    Cascade::new(sample.len, ties, &sample.roots).expect("samples are in range")
}

/// Returns the nodes that `root` reaches over the edges that `live` has a bit for.
fn reached(len: usize, ties: &[Tie], live: u32, root: Node) -> Vec<bool> {
    let mut reached = vec![false; len];
    reached[root as usize] = true;
    for _ in 0..len {
        for (at, tie) in ties.iter().enumerate() {
            if live >> at & 1 == 1 && reached[tie.dependent as usize] {
                reached[tie.dependency as usize] = true;
            }
        }
    }
    reached
}

/// Returns the exact probability that each node reaches `root`, in units of 2^-(4·ties); the ties'
/// are multiples of 1/16.
fn enumerated(len: usize, ties: &[Tie], root: Node) -> Vec<u128> {
    let mut exact = vec![0_u128; len];
    for live in 0..1 << ties.len() {
        let weight = ties.iter().enumerate().fold(1, |weight: u128, (at, tie)| {
            let sixteenths = tie.probability.units() >> 12;
            let is_live = live >> at & 1 == 1;
            weight * u128::from(if is_live { sixteenths } else { 16 - sixteenths })
        });
        for (sum, reached) in exact.iter_mut().zip(reached(len, ties, live, root)) {
            *sum += if reached { weight } else { 0 };
        }
    }
    exact
}

const R: Node = 0;

/// r → a, r → b, a → c, b → c, c → d, b → e
pub(crate) fn w() -> Sample {
    Sample::new(6, &[(R, 1), (R, 2), (1, 3), (2, 3), (3, 4), (2, 5)], &[R])
}

/// Returns the probabilities of each node but the first in units of 1/32, which the bounds know
/// exactly.
fn known(ties: &[Tie], len: usize) -> Vec<u64> {
    let bounds = bounds(len, ties, R).expect("ties are in range");
    assert!(bounds.iter().all(|bounds| bounds.width() == 0), "{bounds:?}");
    bounds[1..].iter().map(|bounds| bounds.lower * 32 / Bounds::UNITS).collect()
}

#[test]
fn the_first_golden_graph_is_known_without_drawing() {
    let w = w();
    let ties = ties(&w, &[HALF]);
    assert_eq!(known(&ties, 6), [16, 16, 14, 7, 8]);
    let whole: u64 = known(&ties, 6).iter().sum();
    assert_eq!(whole, 61);
    let falls = (1..6).map(|blocked| {
        let open: Vec<Tie> = ties
            .iter()
            .filter(|tie| tie.dependent != blocked && tie.dependency != blocked)
            .copied()
            .collect();
        whole - known(&open, 6).iter().sum::<u64>()
    });
    assert_eq!(falls.collect::<Vec<_>>(), [25, 33, 21, 7, 8]);
}

#[test]
fn the_second_golden_graph_is_known_where_dominators_split_it() {
    let sample = Sample::new(5, &[(R, 1), (1, 2), (1, 3), (2, 4), (3, 4)], &[R]);
    assert_eq!(known(&ties(&sample, &[HALF]), 5), [16, 8, 8, 7]);
}

/// Every acyclic graph of six nodes in topological order, each edge there in half of the worlds.
#[test]
fn estimates_for_all_small_graphs_are_as_far_off_as_chance_allows() {
    const WORLDS: u32 = 1_024;
    let pairs: Vec<(Node, Node)> = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b))).collect();
    let all = ties(&Sample::new(6, &pairs, &[R]), &[HALF]);
    // How many subsets of a graph's edges let the root reach each node: sums over subsets.
    let mut ways = vec![[0_u32; 6]; 1 << all.len()];
    for (live, ways) in (0..).zip(&mut ways) {
        for (way, reached) in ways.iter_mut().zip(reached(6, &all, live, R)) {
            *way = u32::from(reached);
        }
    }
    for edge in 0..all.len() {
        for graph in 0..ways.len() {
            if graph >> edge & 1 == 1 {
                let without = ways[graph & !(1 << edge)];
                ways[graph].iter_mut().zip(without).for_each(|(way, other)| *way += other);
            }
        }
    }

    let (mut estimates, mut far) = (0_u32, 0_u32);
    for (graph, ways) in (0_u32..).zip(&ways) {
        let there = all.iter().enumerate().filter(|(edge, _)| graph >> edge & 1 == 1);
        let there: Vec<Tie> = there.map(|(_, tie)| *tie).collect();
        let cascade = Cascade::new(6, &there, &[R]).unwrap();
        let hits = cascade.hits(Worlds { seed: graph.into(), count: WORLDS });
        let known = bounds(6, &there, R).unwrap();
        for n in 1..6 {
            let probability = f64::from(ways[n as usize]) / f64::from(1 << there.len());
            let [lower, upper] = [known[n as usize].lower, known[n as usize].upper]
                .map(|bound| bound as f64 / Bounds::UNITS as f64);
            assert!(lower <= probability && probability <= upper, "graph {graph}, node {n}");
            let Some(&hits) = hits.of(n).first() else {
                assert_eq!(ways[n as usize], 0);
                continue;
            };
            let expected = probability * f64::from(WORLDS);
            let deviation = (expected * (1.0 - probability)).sqrt();
            let off = (f64::from(hits) - expected).abs() / deviation;
            assert!(off < 5.5, "graph {graph}, node {n}: {off} deviations");
            estimates += 1;
            far += u32::from(off > 2.58);
        }
    }
    // One in a hundred is that far off; sums of few hundred coin throws a little more often.
    assert!(estimates > 100_000, "{estimates}");
    assert!((estimates / 200..estimates / 70).contains(&far), "{far} of {estimates}");
}

/// Graphs with at most ten edges, with probabilities for them.
fn small() -> impl Strategy<Value = (Sample, Vec<u32>)> {
    let units = prop::collection::vec((0..=16_u32).prop_map(|units| units << 12), 10);
    let sample = any_graph(6, 7).prop_filter("a root", |sample| !sample.roots.is_empty());
    (sample, units)
}

/// Larger graphs, with probabilities for their edges and seeds and losses for their nodes.
pub(crate) fn staked() -> impl Strategy<Value = (Sample, Vec<u32>, Vec<u64>, Vec<u32>)> {
    let sample = any_graph(14, 40);
    let units = prop::collection::vec(0..=Probability::UNITS, 7);
    let seeds = prop::collection::vec(0..1000_u64, 14);
    let losses = prop_oneof![Just(vec![2; 3]), prop::collection::vec(0..1000_u32, 3)];
    (sample, units, seeds, losses).prop_map(|(sample, units, mut seeds, mut losses)| {
        seeds.truncate(sample.len);
        losses.truncate(sample.roots.len());
        (sample, units, seeds, losses)
    })
}

pub(crate) const WORLDS: Worlds = Worlds { seed: 5, count: 100 };

proptest! {
    #[test]
    fn bounds_hold_the_exact_probability((sample, units) in small()) {
        let ties = ties(&sample, &units);
        let root = sample.roots[0];
        let shift = 4 * ties.len();
        for (bounds, exact) in bounds(sample.len, &ties, root).unwrap().iter().zip(enumerated(sample.len, &ties, root)) {
            prop_assert!(u128::from(bounds.lower) << shift <= exact << 32, "{bounds:?} {exact}");
            prop_assert!(u128::from(bounds.upper) << shift >= exact << 32, "{bounds:?} {exact}");
        }
    }

    #[test]
    fn a_chain_multiplies(units in prop::collection::vec(0..=Probability::UNITS, 1..6)) {
        let chain = crate::sample::chain(u32::try_from(units.len()).unwrap() + 1);
        let ties = ties(&chain, &units);
        let bounds = bounds(chain.len, &ties, R).unwrap();
        let mut product = Bounds::UNITS;
        for (bounds, units) in bounds[1..].iter().zip(units) {
            product = ((u128::from(product) * u128::from(units)) >> 16).try_into().unwrap();
            prop_assert!(bounds.lower <= product + 8 && product <= bounds.upper + 8);
            prop_assert!(bounds.width() < 8);
        }
    }

    #[test]
    fn a_world_is_what_its_live_edges_reach((sample, units) in small()) {
        // With one world the hits are that world; all ties of one key are live in it or none is.
        let mut ties = ties(&sample, &units);
        for tie in &mut ties {
            tie.key = 3;
        }
        let hits = cascade(&sample, &ties).hits(Worlds { seed: 9, count: 1 });
        for (number, &root) in sample.roots.iter().enumerate() {
            let mut fits = (0..=16_u32).map(|least| {
                let live = ties.iter().enumerate().filter(|(_, tie)| tie.probability.units() >= least << 12 && tie.probability.units() > 0);
                let live = live.fold(0, |live, (at, _)| live | 1 << at);
                let expected = reached(sample.len, &ties, live, root);
                sample.nodes().all(|n| {
                    let hit = hits.of(n).get(number).is_some_and(|&hits| hits == 1);
                    hit == expected[n as usize]
                })
            });
            prop_assert!(fits.any(|fits| fits));
        }
    }

    #[test]
    fn one_more_edge_never_takes_a_hit_away(
        (sample, units, ..) in staked(),
        from in 0..14_u32,
        to in 0..14_u32,
    ) {
        let fewer = ties(&sample, &units);
        let len = u32::try_from(sample.len).unwrap();
        let mut more = fewer.clone();
        more.push(Tie {
            dependent: from % len,
            dependency: to % len,
            key: 1 << 50,
            probability: Probability::from_units(40_000).unwrap(),
        });
        let (fewer, more) =
            (cascade(&sample, &fewer).hits(WORLDS), cascade(&sample, &more).hits(WORLDS));
        for n in sample.nodes() {
            let before = fewer.of(n).iter().chain(std::iter::repeat(&0));
            prop_assert!(more.of(n).iter().zip(before).all(|(more, fewer)| more >= fewer));
            prop_assert!(more.of(n).len() >= fewer.of(n).len());
        }
    }

    #[test]
    fn a_fall_is_the_loss_with_the_node_less_that_without_it((sample, units, seeds, losses) in staked()) {
        let ties = ties(&sample, &units);
        let all = cascade(&sample, &ties);
        let stakes = Stakes { seeds: &[seeds.clone(), vec![1; sample.len]], losses: &losses };
        let (before, falls) = (all.loss(WORLDS, stakes), all.falls(WORLDS, stakes));
        prop_assert_eq!(falls.worlds(), WORLDS.count);
        let drawn = Drawn::of(&all, WORLDS);
        for blocked in sample.nodes() {
            let after = loss_without(&sample, &ties, &[blocked], &seeds, &losses);
            for (scenario, after) in after.into_iter().enumerate() {
                let fall = falls.sum(scenario, blocked as usize);
                prop_assert_eq!(before.sum(scenario, 0) - after, fall);
                prop_assert_eq!(drawn.fall(stakes, &[blocked]).sum(scenario, 0), fall);
            }
        }
        let blocked: Vec<Node> = sample.nodes().filter(|n| n % 3 == 0).collect();
        let after = loss_without(&sample, &ties, &blocked, &seeds, &losses);
        for (scenario, after) in after.into_iter().enumerate() {
            prop_assert_eq!(drawn.fall(stakes, &blocked).sum(scenario, 0), before.sum(scenario, 0) - after);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show((sample, units, seeds, losses) in staked(), count in 1..3_000_u32) {
        let cascade = cascade(&sample, &ties(&sample, &units));
        let stakes = Stakes { seeds: &[seeds], losses: &losses };
        let worlds = Worlds { seed: 2, count };
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (cascade.hits(worlds), cascade.loss(worlds, stakes), cascade.falls(worlds, stakes)))
        };
        let one = by(1);
        prop_assert_eq!(one.0.worlds(), count);
        prop_assert_eq!(one, by(16));
    }
}

/// Returns the loss in each scenario, in a graph that does not have the blocked nodes.
fn loss_without(
    sample: &Sample,
    ties: &[Tie],
    blocked: &[Node],
    seeds: &[u64],
    losses: &[u32],
) -> [u128; 2] {
    let gone = |n: Node| blocked.contains(&n);
    let open: Vec<Tie> =
        ties.iter().filter(|tie| !gone(tie.dependent) && !gone(tie.dependency)).copied().collect();
    let clear = |seeds: &[u64]| -> Vec<u64> {
        (0..).zip(seeds).map(|(n, &seed)| if gone(n) { 0 } else { seed }).collect()
    };
    let seeds = [clear(seeds), clear(&vec![1; sample.len])];
    let loss = cascade(sample, &open).loss(WORLDS, Stakes { seeds: &seeds, losses });
    [loss.sum(0, 0), loss.sum(1, 0)]
}

#[test]
fn more_roots_than_are_followed_at_once_add_up() {
    // Each root leads to the next but one and to one of five below; the last two lead back.
    let roots: Vec<Node> = (0..300).collect();
    let below = roots.iter().map(|&root| (root, 300 + root % 5));
    let beside = roots.iter().map(|&root| (root, (root + 2) % 300)).step_by(3);
    let rest = [(300, 301), (301, 302), (302, 300), (303, 304), (304, 302)];
    let edges: Vec<(Node, Node)> = below.chain(beside).chain(rest).collect();
    let sample = Sample::new(305, &edges, &roots);
    let cascade = cascade(&sample, &ties(&sample, &[HALF, 50_000]));
    let losses: Vec<u32> = (0..300).map(|root| root % 7).collect();
    for losses in [losses, vec![3; 300]] {
        let seeds = [(0..305).collect(), vec![u64::MAX; 305]];
        let stakes = Stakes { seeds: &seeds, losses: &losses };
        let falls = cascade.falls(WORLDS, stakes);
        let drawn = Drawn::of(&cascade, WORLDS);
        for n in sample.nodes() {
            let fall = drawn.fall(stakes, &[n]);
            for scenario in [0, 1] {
                let sum = fall.sum(scenario, 0);
                assert_eq!(falls.sum(scenario, n as usize), sum, "node {n}");
            }
        }
    }
}

/// Each joint of the ladder dominates all that is below, which is too much to write down.
#[test]
fn a_world_in_which_too_much_is_dominated_is_followed_node_by_node() {
    let (stages, width) = (1_200, 2);
    let mut ladder = ladder(stages, width);
    let joints = (0..=stages).map(|stage| stage * (width + 1));
    ladder.roots = joints.clone().take(130).collect();
    let cascade = cascade(&ladder, &ties(&ladder, &[Probability::UNITS]));
    let losses: Vec<u32> = (0..130).map(|root| 1 + root % 3).collect();
    let stakes = Stakes { seeds: &[vec![1; ladder.len]], losses: &losses };
    let falls = cascade.falls(Worlds { seed: 1, count: 1 }, stakes);
    let len = u128::try_from(ladder.len).unwrap();
    let mut above = 0;
    for (number, joint) in joints.enumerate() {
        above += losses.get(number).map_or(0, |&loss| u128::from(loss));
        let below = len - u128::from(joint);
        assert_eq!(falls.sum(0, joint as usize), below * above, "joint {number}");
    }
}

#[test]
fn what_is_not_in_the_graph_is_refused() {
    let tie = Tie { dependent: 0, dependency: 2, key: 0, probability: Probability::ZERO };
    assert!(Cascade::new(2, &[tie], &[0]).is_err());
    assert!(Cascade::new(3, &[tie], &[3]).is_err());
    assert!(bounds(2, &[tie], 0).is_err());
    assert!(bounds(3, &[tie], 3).is_err());
    let cascade = Cascade::new(3, &[tie], &[0]).unwrap();
    assert!(cascade.is_certain());
    assert_eq!(cascade.hits(WORLDS).of(2), [0; 0]);
}
