//! Packings against all sets.

use std::cmp::Reverse;

use proptest::prelude::*;
use weft_graph::{Item, knapsack};

/// Returns the best of all sets: of the largest value, the least cost, and then the first.
fn best(items: &[Item], budget: u64) -> (Vec<usize>, u64, u64) {
    let sets = (0..1_u32 << items.len()).map(|set| {
        let chosen: Vec<usize> = (0..items.len()).filter(|i| set >> i & 1 == 1).collect();
        let sum = |of: fn(&Item) -> u64| chosen.iter().map(|&i| of(&items[i])).sum::<u64>();
        let (cost, value) = (sum(|item| item.cost), sum(|item| item.value));
        (chosen, cost, value)
    });
    let useful = sets
        .filter(|(chosen, cost, _)| *cost <= budget && chosen.iter().all(|&i| items[i].value > 0));
    let best = useful
        .max_by_key(|(chosen, cost, value)| (*value, Reverse(*cost), Reverse(chosen.clone())));
    best.expect("the empty set costs nothing")
}

fn any_items(max_number: u64) -> impl Strategy<Value = Vec<Item>> {
    let item = (0..max_number, 0..max_number).prop_map(|(cost, value)| Item { cost, value });
    prop::collection::vec(item, 0..11)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_packing_is_the_best_of_all_sets(
        (items, budget) in prop_oneof![
            (any_items(6), 0..20_u64),
            (any_items(1000), 0..5000_u64),
        ],
    ) {
        let packing = knapsack(&items, budget, 1 << 12);
        prop_assert!(packing.is_exact());
        prop_assert_eq!((packing.chosen, packing.cost, packing.value), best(&items, budget));
    }

    #[test]
    fn a_packing_by_short_lists_says_no_more_than_it_knows(
        (items, budget) in prop_oneof![
            (any_items(6), 0..20_u64),
            (any_items(1000), 0..5000_u64),
        ],
        limit in 0..6_usize,
    ) {
        let packing = knapsack(&items, budget, limit);
        let (_, _, value) = best(&items, budget);
        prop_assert!(packing.chosen.is_sorted_by(|a, b| a < b));
        let sum = |of: fn(&Item) -> u64| packing.chosen.iter().map(|&i| of(&items[i])).sum::<u64>();
        prop_assert_eq!(packing.cost, sum(|item| item.cost));
        prop_assert_eq!(packing.value, sum(|item| item.value));
        prop_assert!(packing.cost <= budget);
        prop_assert!((packing.value..=packing.bound).contains(&value));
        prop_assert!(2 * packing.value >= value, "half is what filling by rate reaches");
    }
}

#[test]
fn a_thousand_items_that_differ_are_packed_exactly_with_a_large_budget() {
    let number = |i: u64, by: u64| 1 + i * by % 1_000_003;
    let items: Vec<Item> = (0..1000)
        .map(|i| Item { cost: number(i * i, 7919), value: number(i * i * i, 104_729) })
        .collect();
    for budget in [1_000_000, 10_000_000, 100_000_000] {
        assert!(knapsack(&items, budget, 1 << 14).is_exact());
    }
}

#[test]
fn a_thousand_items_that_hardly_differ_are_packed_with_a_small_gap() {
    let items: Vec<Item> = (0..1000)
        .map(|i| Item { cost: 1_000_000 + i * 7919 % 9973, value: 500_000 + i * 104_729 % 8191 })
        .collect();
    let packing = knapsack(&items, 100_000_000, 1 << 10);
    assert!(packing.gap() > 0);
    assert!(packing.gap() * 100 < packing.value, "{packing:?}");
}
