//! Covers against plain greedy search and against all sets.

use proptest::prelude::*;
use weft_graph::{fewest_cover, greedy_cover};

/// Sets of weighted things, as the bits of a word.
#[derive(Debug, Clone)]
struct Sets {
    sets: Vec<u16>,
    weight: Vec<u64>,
}

impl Sets {
    fn value(&self, chosen: &[usize]) -> u64 {
        let union = chosen.iter().fold(0, |union, &c| union | self.sets[c]);
        let covered = self.weight.iter().enumerate().filter(|(bit, _)| union >> bit & 1 == 1);
        covered.map(|(_, weight)| weight).sum()
    }

    /// Returns the value after each step of choosing what adds most, the first of equals.
    fn plain_greedy(&self, size: usize) -> (Vec<usize>, Vec<u64>) {
        let (mut order, mut values) = (Vec::new(), Vec::new());
        while order.len() < size {
            let with = |c: usize| self.value(&[order.as_slice(), &[c]].concat());
            let candidates = 0..self.sets.len();
            let Some(best) = candidates.rev().max_by_key(|&c| with(c)) else { break };
            let value = with(best);
            if value == self.value(&order) {
                break;
            }
            values.push(value);
            order.push(best);
        }
        (order, values)
    }

    /// Returns the largest value of any choice of each size.
    fn best(&self) -> Vec<u64> {
        let mut best = vec![0; self.sets.len() + 1];
        for set in 0..1_u32 << self.sets.len() {
            let chosen: Vec<_> = (0..self.sets.len()).filter(|c| set >> c & 1 == 1).collect();
            best[chosen.len()] = self.value(&chosen).max(best[chosen.len()]);
        }
        best
    }
}

fn any_sets() -> impl Strategy<Value = Sets> {
    let sparse = (any::<u16>(), any::<u16>(), any::<bool>());
    let sparse = sparse.prop_map(|(a, b, both)| if both { a & b } else { a });
    let sets = prop::collection::vec(sparse, 0..10);
    let weight = prop_oneof![Just(vec![1; 16]), prop::collection::vec(0..9_u64, 16)];
    (sets, weight).prop_map(|(sets, weight)| Sets { sets, weight })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_cover_is_that_of_plain_greedy_search(sets in any_sets(), size in 0..11_usize) {
        let cover = greedy_cover(sets.sets.len(), size, |chosen| sets.value(chosen));
        let (order, values) = sets.plain_greedy(size);
        prop_assert_eq!((&cover.order, &cover.values), (&order, &values));
        prop_assert_eq!(cover.value(), sets.value(&cover.order));
    }

    #[test]
    fn no_choice_of_the_size_exceeds_the_bound(sets in any_sets(), size in 0..11_usize) {
        let cover = greedy_cover(sets.sets.len(), size, |chosen| sets.value(chosen));
        let best = sets.best()[size.min(sets.sets.len())];
        prop_assert!((cover.value()..=cover.bound).contains(&best));
        // Nemhauser, Wolsey and Fisher: at least 1 − 1/e, which is more than 0.632.
        prop_assert!(cover.value() * 1000 >= best * 632);
    }

    #[test]
    fn the_bound_is_the_least_over_all_beginnings(sets in any_sets(), size in 1..11_usize) {
        let all: Vec<usize> = (0..sets.sets.len()).collect();
        let cover = greedy_cover(all.len(), size, |chosen| sets.value(chosen));
        let of_beginning = |len: usize| {
            let beginning = &cover.order[..len];
            let value = sets.value(beginning);
            let with = |&c: &usize| sets.value(&[beginning, &[c]].concat()) - value;
            let mut gains: Vec<u64> = all.iter().map(with).collect();
            gains.sort_unstable_by(|a, b| b.cmp(a));
            value + gains.into_iter().take(size).sum::<u64>()
        };
        let least = (0..=cover.order.len()).map(of_beginning).min().unwrap_or(0);
        prop_assert_eq!(cover.bound, least.min(sets.value(&all)));
    }

    #[test]
    fn the_fewest_lie_between_their_bound_and_the_greedy_choice(
        sets in any_sets(),
        target in 0..60_u64,
    ) {
        let fewest = fewest_cover(sets.sets.len(), target, |chosen| sets.value(chosen));
        let truth = sets.best().iter().position(|&best| best >= target);
        prop_assert_eq!(fewest.is_some(), truth.is_some());
        let (Some(fewest), Some(truth)) = (fewest, truth) else { return Ok(()) };
        prop_assert!((fewest.at_least..=fewest.order.len()).contains(&truth));
        let (order, values) = sets.plain_greedy(fewest.order.len());
        prop_assert!(values.iter().rev().skip(1).all(|&value| value < target));
        prop_assert_eq!((fewest.order, fewest.values), (order, values));
    }
}
