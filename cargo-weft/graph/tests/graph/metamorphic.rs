//! What must not matter to drawn worlds, and what a change of a graph must do to them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use weft_graph::{Bounds, Node, Probability, Stakes, Tie, Worlds, bounds};

use crate::cascade::{WORLDS, cascade, staked, ties};
use crate::sample::{Sample, any_graph, with_names};

/// A key that no tie of a sample has.
const NEW: u64 = 1 << 50;

/// Products are rounded factor by factor, and factors come in the order of names: what the last of
/// 32 binary digits may differ by.
const ROUNDING: u64 = 16;

/// Splits a node in series: what it depends on hangs from a new node, the last, and that from it.
fn split(sample: &Sample, ties: &[Tie], at: Node, probability: Probability) -> (Sample, Vec<Tie>) {
    let new = Node::try_from(sample.len).expect("samples are small");
    let below = |tie: &Tie| match tie.dependent == at {
        true => Tie { dependent: new, ..*tie },
        false => *tie,
    };
    let mut ties: Vec<Tie> = ties.iter().map(below).collect();
    ties.push(Tie { dependent: at, dependency: new, key: NEW, probability });
    (Sample { len: sample.len + 1, ..sample.clone() }, ties)
}

/// Graphs with at least one root, probabilities for their edges, and one of their nodes.
fn with_node() -> impl Strategy<Value = (Sample, Vec<u32>, Node)> {
    let graphs = any_graph(10, 30).prop_filter("a root", |sample| !sample.roots.is_empty());
    let units = prop::collection::vec(0..=Probability::UNITS, 7);
    (graphs, units, any::<prop::sample::Index>()).prop_map(|(sample, units, at)| {
        let nodes: Vec<Node> = sample.nodes().collect();
        let at = *at.get(&nodes);
        (sample, units, at)
    })
}

/// The new edge is live independently of all others, so that of the worlds in which the node is
/// reached it leaves a number that is binomially distributed.
#[test]
fn splitting_a_node_in_series_multiplies() {
    for units in [6_554, 26_214, 45_875, 65_000] {
        let probability = Probability::from_units(units).unwrap();
        let mut runner = TestRunner::deterministic();
        let (mut before, mut after) = (0, 0);
        for seed in 0..400 {
            let (sample, others, at) = with_node().new_tree(&mut runner).unwrap().current();
            let ties = ties(&sample, &others);
            let (longer, split) = split(&sample, &ties, at, probability);
            let worlds = Worlds { seed, count: 4_096 };
            let (whole, split) =
                (cascade(&sample, &ties).hits(worlds), cascade(&longer, &split).hits(worlds));
            // Nobody comes to the node through itself.
            assert_eq!(whole.of(at), split.of(at));
            let new = Node::try_from(sample.len).unwrap();
            before += whole.of(at).first().copied().unwrap_or_default();
            after += split.of(new).first().copied().unwrap_or_default();
        }
        assert!(before > 400_000, "{before}");
        let share = f64::from(units) / f64::from(Probability::UNITS);
        let expected = share * f64::from(before);
        let deviation = (expected * (1.0 - share)).sqrt();
        let off = (f64::from(after) - expected) / deviation;
        assert!(off.abs() < 4.0, "{after} of {before} with {units}: {off} deviations");
    }
}

proptest! {
    #[test]
    fn splitting_a_node_by_a_certain_edge_changes_nothing_else(
        (sample, units, seeds, losses) in staked(),
        at in 0..14_u32,
    ) {
        let at = at % u32::try_from(sample.len).unwrap();
        let ties = ties(&sample, &units);
        let (longer, split) = split(&sample, &ties, at, Probability::ONE);
        let (one, other) = (cascade(&sample, &ties), cascade(&longer, &split));
        let (hits, split_hits) = (one.hits(WORLDS), other.hits(WORLDS));
        let new = Node::try_from(sample.len).unwrap();
        prop_assert_eq!(split_hits.of(new), hits.of(at));
        let mut longer_seeds = seeds.clone();
        longer_seeds.push(0);
        let falls = one.falls(WORLDS, Stakes { seeds: std::slice::from_ref(&seeds), losses: &losses });
        let split_falls = other.falls(WORLDS, Stakes { seeds: &[longer_seeds], losses: &losses });
        for n in sample.nodes() {
            prop_assert_eq!(split_hits.of(n), hits.of(n));
            prop_assert_eq!(split_falls.sum(0, n as usize), falls.sum(0, n as usize), "{}", n);
        }
        // What begins in the node itself begins above the new one.
        let own: u128 = hits.of(at).iter().zip(&losses).map(|(&hits, &loss)| {
            u128::from(hits) * u128::from(loss) * u128::from(seeds[at as usize])
        }).sum();
        prop_assert_eq!(split_falls.sum(0, sample.len) + own, falls.sum(0, at as usize));
    }

    #[test]
    fn names_do_not_show(
        (sample, names) in with_names(any_graph(14, 40)),
        units in prop::collection::vec(0..=Probability::UNITS, 7),
        seeds in prop::collection::vec(0..1000_u64, 14),
        losses in prop::collection::vec(0..1000_u32, 3),
    ) {
        let name = |n: Node| names[n as usize];
        let ties = ties(&sample, &units);
        let renamed = sample.renamed(&names);
        // The edges keep their keys, and come in another order.
        let again: Vec<Tie> = ties.iter().rev().map(|tie| Tie {
            dependent: name(tie.dependent),
            dependency: name(tie.dependency),
            ..*tie
        }).collect();
        let (one, other) = (cascade(&sample, &ties), cascade(&renamed, &again));
        let (hits, hits_again) = (one.hits(WORLDS), other.hits(WORLDS));
        let seeds = seeds[..sample.len].to_vec();
        let losses = &losses[..sample.roots.len()];
        let mut seeds_again = seeds.clone();
        for n in sample.nodes() {
            seeds_again[name(n) as usize] = seeds[n as usize];
        }
        let (seeds, seeds_again) = ([seeds], [seeds_again]);
        let stakes = Stakes { seeds: &seeds, losses };
        let stakes_again = Stakes { seeds: &seeds_again, losses };
        prop_assert_eq!(one.loss(WORLDS, stakes), other.loss(WORLDS, stakes_again));
        let (falls, falls_again) =
            (one.falls(WORLDS, stakes), other.falls(WORLDS, stakes_again));
        for n in sample.nodes() {
            prop_assert_eq!(hits.of(n), hits_again.of(name(n)));
            let (at, at_again) = (n as usize, name(n) as usize);
            let batches: Vec<_> = falls.batches(0, at).collect();
            prop_assert_eq!(batches, falls_again.batches(0, at_again).collect::<Vec<_>>());
        }
        for &root in &sample.roots {
            let (known, known_again): (Vec<Bounds>, Vec<Bounds>) = (
                bounds(sample.len, &ties, root).unwrap(),
                bounds(sample.len, &again, name(root)).unwrap(),
            );
            for n in sample.nodes() {
                let (known, again) = (known[n as usize], known_again[name(n) as usize]);
                let lower = known.lower.abs_diff(again.lower);
                let upper = known.upper.abs_diff(again.upper);
                prop_assert!(lower.max(upper) <= ROUNDING, "{n}: {known:?} and {again:?}");
            }
        }
    }
}
