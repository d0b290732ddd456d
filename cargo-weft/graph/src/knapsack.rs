//! What to take with a limited budget, where the worth of a set is the sum of its items' worth.
//!
//! Hardening a package against takeover is of this kind: what is gained by one does not depend on
//! the others.
//! The lists of Nemhauser and Ullmann ("Discrete dynamic programming and capital allocation",
//! Management Science 15:9, 1969) hold every set for which none costs less and is worth as much.
//! They have an entry for each cost at most, so with a small budget this is the dynamic programme
//! over costs; sets that cannot become the best, by the bound of Dantzig ("Discrete-variable
//! extremum problems", Operations Research 5:2, 1957), are left out.
//! A list that would still become too long is cut, and the result then says by how much it can
//! miss the best.

use std::cmp::Reverse;

/// Finds the items that are worth most together and cost no more than `budget`.
///
/// Of choices that are worth the same, the cheapest is returned, and of those the one with the
/// smallest item at the first difference.
/// Items that are worth nothing are never chosen.
///
/// At most `limit` sets, but always one, are kept at a time.
/// If that is more than `budget`, the answer is exact; if it is less, it may be, and
/// [`Packing::gap`] tells.
/// Only an exact answer keeps the promise about choices that are worth the same.
///
/// With `n` items and lists of `l` sets, this takes O(n·(n + l·log n)) time, and at most 16·n·l
/// bytes.
pub fn knapsack(items: &[Item], budget: u64, limit: usize) -> Packing {
    let eligible = items.iter().enumerate();
    let eligible = eligible.filter(|(_, item)| item.value > 0 && item.cost <= budget);
    let (positions, items): (Vec<_>, Vec<_>) = eligible.map(|(i, item)| (i, *item)).unzip();

    let mut search = Search::new(&items, budget, limit);
    for first in (0..items.len()).rev() {
        search.offer(first);
        search.prune(first);
    }
    let chosen = search.best();
    let cost = chosen.iter().map(|&i| items[i].cost).sum();
    let value = chosen.iter().map(|&i| u128::from(items[i].value)).sum();
    let bound = search.cut_off.max(value);
    let chosen = chosen.into_iter().map(|i| positions[i]).collect();
    Packing { chosen, cost, value: saturate(value), bound: saturate(bound) }
}

/// Something that can be taken, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What taking it costs, in units of the budget.
    pub cost: u64,
    /// What it is worth, in any unit.
    pub value: u64,
}

/// The items to take, and how good a choice they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// The positions of the items, in ascending order.
    pub chosen: Vec<usize>,
    /// What they cost together.
    pub cost: u64,
    /// What they are worth together; the sum stops at [`u64::MAX`].
    pub value: u64,
    /// What any choice within the budget is worth at most; the sum stops at [`u64::MAX`].
    pub bound: u64,
}

impl Packing {
    /// Returns by how much the choice can miss the best; 0 if it is proven to be that.
    pub fn gap(&self) -> u64 {
        self.bound - self.value
    }

    /// Returns whether no choice within the budget is worth more.
    pub fn is_exact(&self) -> bool {
        self.gap() == 0
    }
}

/// A search that offers one item after the other, the last one first.
struct Search<'a> {
    items: &'a [Item],
    budget: u64,
    limit: usize,
    /// The items, those first that are worth most for their cost.
    by_rate: Vec<usize>,
    /// The sets of the items that were offered which may become the best.
    ///
    /// Costs and values ascend.
    states: Vec<State>,
    /// The last item taken into each set, and the set before that.
    sets: Vec<(usize, Set)>,
    /// The most valuable whole choice that was seen.
    whole: Whole,
    /// What the sets that were left out to keep lists short can become worth at most.
    cut_off: u128,
}

/// The position after that of a set in [`Search::sets`], or 0 for the empty set.
type Set = usize;

#[derive(Debug, Clone, Copy)]
struct State {
    cost: u64,
    value: u128,
    set: Set,
    /// An item taken on top of the set.
    taken: Option<usize>,
}

/// What a set becomes with the first few items by rate of those that are not yet offered.
#[derive(Debug, Clone, Copy)]
struct Whole {
    value: u128,
    state: State,
    /// The items below this one were not yet offered.
    first: usize,
    /// How many of them are taken.
    count: usize,
}

impl<'a> Search<'a> {
    fn new(items: &'a [Item], budget: u64, limit: usize) -> Search<'a> {
        let mut by_rate: Vec<usize> = (0..items.len()).collect();
        let product = |a: usize, b: usize| u128::from(items[a].value) * u128::from(items[b].cost);
        by_rate.sort_by(|&a, &b| product(b, a).cmp(&product(a, b)));

        let empty = State { cost: 0, value: 0, set: 0, taken: None };
        let mut search = Search {
            items,
            budget,
            limit: limit.max(1),
            by_rate,
            states: vec![empty],
            sets: Vec::new(),
            whole: Whole { value: 0, state: empty, first: 0, count: 0 },
            cut_off: 0,
        };
        search.prune(items.len());
        search
    }

    /// Adds the sets with one item more, and leaves out those that another one makes needless.
    fn offer(&mut self, taken: usize) {
        let item = self.items[taken];
        let with = |state: &State| {
            let cost = state.cost.checked_add(item.cost).filter(|&cost| cost <= self.budget)?;
            let value = state.value + u128::from(item.value);
            Some(State { cost, value, set: state.set, taken: Some(taken) })
        };
        let mut with = self.states.iter().filter_map(with).peekable();
        let mut without = self.states.iter().copied().peekable();
        let mut states: Vec<State> = Vec::new();
        // Of equal sets the one with the item comes first, since the item is the smallest so far.
        let rank = |state: &State| (state.cost, Reverse(state.value));
        while let Some(next) = match (with.peek(), without.peek()) {
            (Some(a), Some(b)) if rank(b) < rank(a) => without.next(),
            (Some(_), _) => with.next(),
            (None, _) => without.next(),
        } {
            if states.last().is_none_or(|last| last.value < next.value) {
                states.push(next);
            }
        }
        self.states = states;
    }

    /// Leaves out sets that cannot become the best with the items below `first`.
    fn prune(&mut self, first: usize) {
        let rest = Rest::new(self, first);
        let mut bounds = Vec::with_capacity(self.states.len());
        for &state in &self.states {
            let (count, value, bound) = rest.complete(state, self.budget);
            if value > self.whole.value {
                self.whole = Whole { value, state, first, count };
            }
            bounds.push(bound);
        }

        let mut kept: Vec<usize> = (0..self.states.len()).collect();
        kept.retain(|&i| bounds[i] >= self.whole.value);
        if kept.len() > self.limit {
            kept.sort_by(|&a, &b| bounds[b].cmp(&bounds[a]));
            self.cut_off = self.cut_off.max(bounds[kept[self.limit]]);
            kept.truncate(self.limit);
            kept.sort_unstable();
        }
        self.states = kept.into_iter().map(|i| self.states[i]).collect();
        for state in &mut self.states {
            if let Some(item) = state.taken.take() {
                self.sets.push((item, state.set));
                state.set = self.sets.len();
            }
        }
    }

    /// Returns the best set, after all items were offered.
    fn best(&self) -> Vec<usize> {
        // What is left at the end is worth no less than any whole choice.
        let last = self.states.last();
        let state = last.copied().unwrap_or(self.whole.state);
        let unoffered = if last.is_some() { 0 } else { self.whole.count };
        let mut chosen = Vec::from_iter(state.taken);
        let mut set = state.set;
        while set > 0 {
            let (item, before) = self.sets[set - 1];
            chosen.push(item);
            set = before;
        }
        let below = self.by_rate.iter().filter(|&&item| item < self.whole.first);
        chosen.extend(below.take(unoffered));
        chosen.sort_unstable();
        chosen
    }
}

/// The items that are not yet offered, by rate.
struct Rest {
    items: Vec<Item>,
    /// What the first few of them cost and are worth together.
    sums: Vec<(u128, u128)>,
}

impl Rest {
    fn new(search: &Search<'_>, first: usize) -> Rest {
        let below = search.by_rate.iter().filter(|&&item| item < first);
        let items: Vec<Item> = below.map(|&item| search.items[item]).collect();
        let mut sums = vec![(0, 0)];
        for item in &items {
            let (cost, value) = sums[sums.len() - 1];
            sums.push((cost + u128::from(item.cost), value + u128::from(item.value)));
        }
        Rest { items, sums }
    }

    /// Returns how many of the first items fit beside a set, what it is worth with them, and what
    /// it can become worth at most.
    fn complete(&self, state: State, budget: u64) -> (usize, u128, u128) {
        let left = u128::from(budget - state.cost);
        let count = self.sums.partition_point(|&(cost, _)| cost <= left) - 1;
        let (cost, value) = self.sums[count];
        let value = state.value + value;
        // A part of the next item is worth no more than all that it could be replaced by.
        let part = self
            .items
            .get(count)
            .map_or(0, |item| (left - cost) * u128::from(item.value) / u128::from(item.cost));
        (count, value, value + part)
    }
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(rows: &[(u64, u64)]) -> Vec<Item> {
        rows.iter().map(|&(cost, value)| Item { cost, value }).collect()
    }

    /// Checks the exact choice among items of a cost and a value.
    fn check(rows: &[(u64, u64)], budget: u64, expected: (&[usize], u64, u64)) {
        let packing = knapsack(&items(rows), budget, 1000);
        assert_eq!((packing.chosen.as_slice(), packing.cost, packing.value), expected);
        assert!(packing.is_exact());
    }

    #[test]
    fn the_best_rate_is_left_where_two_others_are_worth_more() {
        check(&[(3, 7), (2, 4), (2, 4)], 4, (&[1, 2], 4, 8));
        check(&[(3, 7), (2, 4), (2, 4)], 3, (&[0], 3, 7));
    }

    #[test]
    fn of_equal_values_the_cheapest_and_then_the_first_are_chosen() {
        check(&[(3, 5), (2, 5), (2, 5)], 3, (&[1], 2, 5));
        check(&[(1, 1), (2, 2), (3, 3), (3, 3)], 3, (&[0, 1], 3, 3));
        check(&[(3, 3), (1, 1), (2, 2)], 3, (&[0], 3, 3));
    }

    #[test]
    fn what_costs_nothing_is_taken_and_what_is_worth_nothing_is_left() {
        check(&[(0, 0), (0, 2), (1, 0), (1, 1)], 0, (&[1], 0, 2));
        check(&[(0, 0), (0, 2), (1, 0), (1, 1)], 9, (&[1, 3], 1, 3));
        check(&[], 9, (&[], 0, 0));
    }

    #[test]
    fn sums_beyond_64_bits_are_compared_and_then_stop() {
        const MAX: u64 = u64::MAX;
        check(&[(MAX, 1), (1, MAX), (1, MAX - 1), (MAX, MAX)], MAX, (&[1, 2], 2, MAX));
    }

    #[test]
    fn a_list_that_is_cut_short_says_what_it_can_miss() {
        // Rates that differ little, so that bounds exclude little.
        let rows: Vec<_> = (0..20).map(|i| (100 + i * 7 % 13, 100 + i * 11 % 17)).collect();
        let best = knapsack(&items(&rows), 777, usize::MAX);
        assert!(best.is_exact());
        let cut: Vec<_> = (0..30).map(|limit| knapsack(&items(&rows), 777, limit)).collect();
        for packing in &cut {
            assert!((packing.value..=packing.bound).contains(&best.value), "{packing:?}");
        }
        assert!(cut.iter().any(|packing| packing.gap() > 0));
        assert_eq!(cut[0], cut[1]);
    }

    #[test]
    fn a_limit_above_the_budget_is_never_reached() {
        let rows: Vec<_> = (0..40).map(|i| (1 + i % 5, 10 + i * 7 % 11)).collect();
        for (budget, limit) in (0..30).zip(1..) {
            assert!(knapsack(&items(&rows), budget, limit).is_exact());
        }
    }
}
