//! What to block with a limited budget, where blocking two can save what neither saves alone.
//!
//! Where two ways lead to a loss, closing one of them saves nothing, and closing both saves it
//! all.
//! So what a set of candidates saves is monotone, but not submodular, and the promise of greedy
//! choice ((1 − 1/e) of the best; Nemhauser, Wolsey and Fisher, "An analysis of approximations for
//! maximizing submodular set functions", Mathematical Programming 14, 1978) does not hold.
//! Branch and bound (Land and Doig, "An automatic method of solving discrete programming
//! problems", Econometrica 28, 1960) needs monotony alone: no set saves more than a larger one.
//! It finds the best set where the limit on evaluations allows, and otherwise says how far from
//! the best its answer can be at most.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// What can be blocked, and what that saves.
///
/// Candidates are numbered from 0 on, and sets of them are slices in ascending order.
pub trait Objective: Sync {
    /// Returns the number of candidates.
    fn candidates(&self) -> usize;

    /// Returns what it costs to block a candidate, in units of the budget.
    fn cost(&self, candidate: usize) -> u64;

    /// Returns by how much the loss falls if the candidates in `chosen` are blocked.
    ///
    /// It has to be 0 for none, and must not be less for a set than for a part of it.
    /// Equal sets have to give equal results.
    fn fall(&self, chosen: &[usize]) -> u64;

    /// Returns a number that [`Objective::fall`] does not exceed for any set that holds `chosen`,
    /// and of `undecided` what `left` of the budget pays for.
    ///
    /// Each of `undecided` can be paid for by itself.
    /// The fall if everything undecided were blocked is such a number; who knows a lower one says
    /// so here, and shortens the search.
    fn bound(&self, chosen: &[usize], undecided: &[usize], left: u64) -> u64 {
        let _ = left;
        self.fall(&union(chosen, undecided))
    }

    /// Returns the share of a candidate in what any set saves: no set may save more than its
    /// candidates' shares together.
    ///
    /// Shares say what a small budget can save at most, where [`Objective::bound`] may say only
    /// what a large one would, and they take no evaluations.
    /// A share of [`u64::MAX`] says nothing; [`blocking_shares`](crate::blocking_shares) finds
    /// better ones where a loss reaches its victims along paths.
    fn share(&self, candidate: usize) -> u64 {
        let _ = candidate;
        u64::MAX
    }
}

/// A set of candidates to block, and how good it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The candidates to block, in ascending order.
    ///
    /// Without any of them the fall is less, unless evaluations ran out before that was seen.
    pub chosen: Vec<usize>,
    /// What blocking them costs together.
    pub cost: u64,
    /// By how much the loss falls.
    pub fall: u64,
    /// By how much it may fall at most within the budget, as far as the search got; [`u64::MAX`]
    /// if it did not start.
    pub bound: u64,
    /// How often [`Objective::fall`] and [`Objective::bound`] were evaluated.
    pub evaluations: u64,
}

impl Plan {
    /// Returns by how much the fall can lie below the largest possible one; 0 if it is proven to
    /// be that.
    pub fn gap(&self) -> u64 {
        self.bound - self.fall
    }

    /// Returns whether no set within the budget makes the loss fall further.
    pub fn is_exact(&self) -> bool {
        self.gap() == 0
    }
}

/// Finds the set of candidates within `budget` that makes the loss fall furthest.
///
/// At most `limit` evaluations are spent, each a call of [`Objective::fall`] or of
/// [`Objective::bound`].
/// Of sets that were evaluated and save the same, the cheapest is chosen, of those the smallest,
/// and of those the one with the smallest candidate at the first difference.
///
/// A greedy choice comes first, for which up to half of the limit is spent: it adds the candidate
/// or the pair of candidates that saves most for its cost, until nothing more helps or fits.
/// With `n` candidates, all pairs take about `n²/2` evaluations for each addition; where that is
/// too much, pairs of the candidates that save most for their cost alone are tried.
/// The search that follows takes the half-decided set with the highest bound first, and can take
/// a number of evaluations that is exponential in `n`.
///
/// Evaluations are run side by side, but which are made does not depend on the number of threads.
pub fn plan(objective: &impl Objective, budget: u64, limit: u64) -> Plan {
    let mut search = Search::new(objective, budget, limit);
    let bound = search.run();
    search.drop_idle();
    let Search { best, evaluations, .. } = search;
    let bound = bound.max(best.fall);
    Plan { chosen: best.chosen, cost: best.cost, fall: best.fall, bound, evaluations }
}

/// Half-decided sets that are decided further side by side.
///
/// The search depends on it, but not on the number of threads.
const BATCH: usize = 16;
/// The most evaluations that deciding one further takes.
const EVALUATIONS_PER_BRANCH: u64 = 3;

struct Search<'a, O> {
    objective: &'a O,
    cost: Vec<u64>,
    share: Vec<u64>,
    /// Where each candidate that costs something comes by its share for its cost, largest first.
    rank: Vec<usize>,
    budget: u64,
    limit: u64,
    evaluations: u64,
    best: Choice,
}

/// A set within the budget.
#[derive(Debug, Clone, Default)]
struct Choice {
    chosen: Vec<usize>,
    cost: u64,
    fall: u64,
}

impl Choice {
    fn is_better_than(&self, other: &Choice) -> bool {
        let rank = |choice: &Choice| (choice.fall, Reverse((choice.cost, choice.chosen.len())));
        rank(self).cmp(&rank(other)).then_with(|| other.chosen.cmp(&self.chosen)).is_gt()
    }
}

/// A set in which some candidates are decided; ordered by what is to be decided first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Branch {
    bound: u64,
    /// Of equal bounds the one found last goes first, which leads to whole sets soonest.
    serial: u64,
    chosen: Vec<usize>,
    cost: u64,
    /// In the order in which they are decided; what is left of the budget pays for each alone.
    undecided: Vec<usize>,
}

/// What is to be evaluated.
enum Query<'b> {
    Fall(Vec<usize>),
    Bound(&'b Branch),
}

impl<'a, O: Objective> Search<'a, O> {
    fn new(objective: &'a O, budget: u64, limit: u64) -> Search<'a, O> {
        let candidates = 0..objective.candidates();
        let cost: Vec<u64> = candidates.clone().map(|c| objective.cost(c)).collect();
        let share: Vec<u64> = candidates.clone().map(|c| objective.share(c)).collect();
        let mut by_rate: Vec<usize> = candidates.filter(|&c| cost[c] > 0).collect();
        let product = |a: usize, b: usize| u128::from(share[a]) * u128::from(cost[b]);
        by_rate.sort_by(|&a, &b| product(b, a).cmp(&product(a, b)));
        let mut rank = vec![0; cost.len()];
        for (position, candidate) in by_rate.into_iter().enumerate() {
            rank[candidate] = position;
        }
        let best = Choice::default();
        Search { objective, cost, share, rank, budget, limit, evaluations: 0, best }
    }

    /// Looks for the best set, and returns the largest bound that is left open.
    fn run(&mut self) -> u64 {
        // What costs nothing does no harm, and what costs too much is out of the question.
        let (free, paid): (Vec<_>, Vec<_>) = (0..self.cost.len())
            .filter(|&candidate| self.cost[candidate] <= self.budget)
            .partition(|&candidate| self.cost[candidate] == 0);
        let mut root =
            Branch { bound: u64::MAX, serial: 0, chosen: free, cost: 0, undecided: paid };
        if root.chosen.is_empty() && root.undecided.is_empty() {
            return 0;
        }
        if self.room() == 0 {
            return root.bound;
        }
        if self.is_within_budget(&root) {
            self.ask(&[Query::Fall(union(&root.chosen, &root.undecided))]);
            return self.best.fall;
        }
        root.bound = self.ask(&[Query::Bound(&root)])[0].min(self.bound_by_shares(&root));
        if self.room() > 0 && !root.chosen.is_empty() {
            self.ask(&[Query::Fall(root.chosen.clone())]);
        }
        if root.bound > self.best.fall {
            let mut order = self.choose_greedily(&root);
            // With these first, the search begins at the greedy choice, and leaving one of them out
            // lowers the bound soonest.
            order.sort_by_key(|candidate| !self.best.chosen.contains(candidate));
            root.undecided = order;
        }
        self.branch(root)
    }

    /// Returns how many evaluations are left for the search, without those of [`Self::drop_idle`].
    fn room(&self) -> u64 {
        self.limit.saturating_sub(self.evaluations + self.best.chosen.len() as u64)
    }

    fn left(&self, branch: &Branch) -> u64 {
        self.budget - branch.cost
    }

    /// Returns whether the budget pays for everything that is undecided.
    fn is_within_budget(&self, branch: &Branch) -> bool {
        let cost: u128 = branch.undecided.iter().map(|&c| u128::from(self.cost[c])).sum();
        cost <= u128::from(self.left(branch))
    }

    /// Returns what the shares of a branch allow at most, a part of one candidate included.
    fn bound_by_shares(&self, branch: &Branch) -> u64 {
        let mut left = self.left(branch);
        let mut sum = branch.chosen.iter().fold(0_u64, |sum, &c| sum.saturating_add(self.share[c]));
        let mut by_rate = branch.undecided.clone();
        by_rate.sort_unstable_by_key(|&c| self.rank[c]);
        for candidate in by_rate {
            let (cost, share) = (self.cost[candidate], self.share[candidate]);
            if cost > left {
                let part = u128::from(share) * u128::from(left) / u128::from(cost);
                return sum.saturating_add(u64::try_from(part).expect("a part is no more"));
            }
            left -= cost;
            sum = sum.saturating_add(share);
        }
        sum
    }

    /// Evaluates, and keeps the best set that comes by.
    fn ask(&mut self, queries: &[Query<'_>]) -> Vec<u64> {
        let objective = self.objective;
        let answer = |query: &Query<'_>| match query {
            Query::Fall(chosen) => objective.fall(chosen),
            Query::Bound(branch) => {
                let undecided = union(&branch.undecided, &[]);
                objective.bound(&branch.chosen, &undecided, self.left(branch))
            }
        };
        let answers: Vec<u64> = queries.par_iter().map(answer).collect();
        self.evaluations += queries.len() as u64;
        for (query, &fall) in queries.iter().zip(&answers) {
            let Query::Fall(chosen) = query else { continue };
            let cost = chosen.iter().map(|&c| self.cost[c]).sum();
            let choice = Choice { chosen: chosen.clone(), cost, fall };
            if choice.is_better_than(&self.best) {
                self.best = choice;
            }
        }
        answers
    }

    /// Adds what saves most for its cost, one candidate or two at a time.
    ///
    /// Returns the undecided candidates, those first that save most for their cost alone.
    fn choose_greedily(&mut self, root: &Branch) -> Vec<usize> {
        let allowance = self.evaluations + self.room() / 2;
        let mut order = root.undecided.clone();
        let mut chosen = root.chosen.clone();
        let (mut left, mut fall) = (self.budget, self.best.fall);
        loop {
            let mut pool = order.clone();
            pool.retain(|c| !chosen.contains(c) && self.cost[*c] <= left);
            pool.truncate(as_len(allowance.saturating_sub(self.evaluations)));
            let singles = pool.into_iter().map(|candidate| vec![candidate]).collect();
            let singles = self.additions(&chosen, fall, singles);

            let spare = as_len(allowance.saturating_sub(self.evaluations) / 2);
            let ranked: Vec<usize> = singles.iter().map(|single| single.candidates[0]).collect();
            let pairs = (0..ranked.len())
                .flat_map(|later| (0..later).map(move |earlier| (earlier, later)))
                .map(|(earlier, later)| [ranked[earlier], ranked[later]])
                .filter(|&[a, b]| self.cost[a] <= left - self.cost[b])
                .take(spare)
                .map(|pair| union(&pair, &[]))
                .collect();
            let pairs = self.additions(&chosen, fall, pairs);

            if chosen.len() == root.chosen.len() {
                // The sort is stable, so what was not ranked follows in the order of candidates.
                let rank = |c: &usize| ranked.iter().position(|r| r == c).unwrap_or(usize::MAX);
                order.sort_by_cached_key(rank);
            }
            let firsts = [singles, pairs].into_iter().filter_map(|all| all.into_iter().next());
            let Some(addition) = firsts.min().filter(|addition| addition.gain > 0) else {
                return order;
            };
            chosen = union(&chosen, &addition.candidates);
            left -= addition.cost;
            fall += addition.gain;
        }
    }

    /// Evaluates additions to a set, and returns them best first.
    fn additions(
        &mut self,
        chosen: &[usize],
        fall: u64,
        additions: Vec<Vec<usize>>,
    ) -> Vec<Addition> {
        let queries: Vec<_> = additions.iter().map(|a| Query::Fall(union(chosen, a))).collect();
        let falls = self.ask(&queries);
        let rate = |(candidates, after): (Vec<usize>, u64)| Addition {
            cost: candidates.iter().map(|&c| self.cost[c]).sum(),
            gain: after.saturating_sub(fall),
            candidates,
        };
        let mut additions: Vec<_> = additions.into_iter().zip(falls).map(rate).collect();
        additions.sort_unstable();
        additions
    }

    /// Decides candidates one by one, until no set can be better or evaluations run out.
    ///
    /// Returns the largest bound that is left open, if one is.
    fn branch(&mut self, root: Branch) -> u64 {
        let mut serial = 0;
        let mut open = BinaryHeap::from([root]);
        loop {
            let at_once = BATCH.min(as_len(self.room() / EVALUATIONS_PER_BRANCH));
            let promising = |branch: &Branch| branch.bound > self.best.fall;
            let batch: Vec<Branch> =
                std::iter::from_fn(|| open.peek().is_some_and(promising).then(|| open.pop())?)
                    .take(at_once)
                    .collect();
            if batch.is_empty() {
                return open.peek().map_or(0, |branch| branch.bound);
            }

            let mut halves: Vec<Half> =
                batch.into_iter().flat_map(|branch| self.halves(branch)).collect();
            for Half { branch, .. } in &mut halves {
                branch.bound = branch.bound.min(self.bound_by_shares(branch));
            }
            halves.retain(|half| half.branch.bound > self.best.fall);
            if halves.is_empty() {
                continue;
            }
            let mut queries = Vec::new();
            let mut bounded_by = Vec::new();
            for Half { branch, is_evaluated } in &halves {
                if self.is_within_budget(branch) {
                    bounded_by.push(None);
                    queries.push(Query::Fall(union(&branch.chosen, &branch.undecided)));
                    continue;
                }
                if !is_evaluated {
                    queries.push(Query::Fall(branch.chosen.clone()));
                }
                bounded_by.push(Some(queries.len()));
                queries.push(Query::Bound(branch));
            }
            let answers = self.ask(&queries);
            for (Half { mut branch, .. }, bounded_by) in halves.into_iter().zip(bounded_by) {
                let Some(position) = bounded_by else { continue };
                branch.bound = branch.bound.min(answers[position]);
                if branch.bound > self.best.fall {
                    serial += 1;
                    branch.serial = serial;
                    open.push(branch);
                }
            }
        }
    }

    /// Decides the next candidate both ways; the half without it comes first.
    fn halves(&self, branch: Branch) -> Vec<Half> {
        let Branch { bound, chosen, cost, mut undecided, .. } = branch;
        let candidate = undecided.remove(0);
        let with = {
            let cost = cost + self.cost[candidate];
            let left = self.budget - cost;
            let mut undecided = undecided.clone();
            undecided.retain(|&c| self.cost[c] <= left);
            let chosen = union(&chosen, &[candidate]);
            Branch { bound, serial: 0, chosen, cost, undecided }
        };
        let with = Half { branch: with, is_evaluated: false };
        let without = Branch { bound, serial: 0, chosen, cost, undecided };
        let without = Half { branch: without, is_evaluated: true };
        if without.branch.undecided.is_empty() { vec![with] } else { vec![without, with] }
    }

    /// Drops from the best set whatever it saves as much without, the dearest first.
    ///
    /// What a set needs, a part of it that saves as much needs too, so one pass is enough.
    fn drop_idle(&mut self) {
        let mut candidates = self.best.chosen.clone();
        candidates.sort_by_key(|&c| Reverse((self.cost[c], c)));
        for candidate in candidates {
            if self.evaluations < self.limit {
                let mut rest = self.best.chosen.clone();
                rest.retain(|&c| c != candidate);
                self.ask(&[Query::Fall(rest)]);
            }
        }
    }
}

/// One of the two sets that a branch becomes.
struct Half {
    branch: Branch,
    /// Whether what its chosen candidates save has been evaluated.
    is_evaluated: bool,
}

/// What can be added to a set; the less, the better it is.
#[derive(Debug, PartialEq, Eq)]
struct Addition {
    candidates: Vec<usize>,
    /// More than 0.
    cost: u64,
    gain: u64,
}

impl Ord for Addition {
    fn cmp(&self, other: &Addition) -> Ordering {
        let [own, others] = [(self, other), (other, self)]
            .map(|(one, other)| u128::from(one.gain) * u128::from(other.cost));
        let then = || (self.cost, &self.candidates).cmp(&(other.cost, &other.candidates));
        others.cmp(&own).then_with(then)
    }
}

impl PartialOrd for Addition {
    fn partial_cmp(&self, other: &Addition) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns the candidates of two sets that share none, in ascending order.
fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut union = [a, b].concat();
    union.sort_unstable();
    union
}

fn as_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    /// Saves each row's value if all of its candidates are blocked.
    struct Rows {
        cost: Vec<u64>,
        rows: Vec<(Vec<usize>, u64)>,
    }

    impl Objective for Rows {
        fn candidates(&self) -> usize {
            self.cost.len()
        }

        fn cost(&self, candidate: usize) -> u64 {
            self.cost[candidate]
        }

        fn fall(&self, chosen: &[usize]) -> u64 {
            assert!(chosen.is_sorted_by(|a, b| a < b), "{chosen:?} is no set");
            let saved = |row: &&(Vec<usize>, u64)| row.0.iter().all(|c| chosen.contains(c));
            self.rows.iter().filter(saved).map(|row| row.1).sum()
        }
    }

    fn rows(cost: &[u64], rows: &[(&[usize], u64)]) -> Rows {
        Rows {
            cost: cost.to_vec(),
            rows: rows.iter().map(|(row, value)| (row.to_vec(), *value)).collect(),
        }
    }

    /// Checks a plan that is proven, with the candidates chosen, their cost and the fall.
    fn check(objective: &Rows, budget: u64, expected: (&[usize], u64, u64)) {
        let plan = plan(objective, budget, 1000);
        assert_eq!((plan.chosen.as_slice(), plan.cost, plan.fall), expected);
        assert!(plan.is_exact(), "{plan:?}");
    }

    #[test]
    fn two_that_only_help_together_are_found() {
        let objective = rows(&[1, 1, 1], &[(&[0, 2], 5), (&[1], 2)]);
        check(&objective, 1, (&[1], 1, 2));
        check(&objective, 2, (&[0, 2], 2, 5));
        check(&objective, 3, (&[0, 1, 2], 3, 7));
    }

    #[test]
    fn three_that_only_help_together_are_found_by_the_search() {
        let objective = rows(&[1; 6], &[(&[1, 3, 5], 9), (&[0], 1), (&[2], 1), (&[4], 1)]);
        check(&objective, 3, (&[1, 3, 5], 3, 9));
    }

    #[test]
    fn what_costs_nothing_is_chosen_if_it_helps() {
        let objective = rows(&[0, 0, 4], &[(&[0], 1), (&[0, 2], 3)]);
        check(&objective, 0, (&[0], 0, 1));
        check(&objective, 4, (&[0, 2], 4, 4));
    }

    #[test]
    fn of_equal_falls_the_cheapest_and_then_the_first_is_chosen() {
        let objective = rows(&[3, 2, 2, 9], &[(&[0], 4), (&[1], 4), (&[2], 4)]);
        check(&objective, 3, (&[1], 2, 4));
    }

    #[test]
    fn costs_that_no_number_holds_together_are_weighed() {
        let objective = rows(&[u64::MAX, u64::MAX, 1], &[(&[0], 1), (&[1], 2), (&[2], 1)]);
        check(&objective, u64::MAX, (&[1], u64::MAX, 2));
    }

    #[test]
    fn nothing_to_choose_is_a_plan_that_saves_nothing() {
        check(&rows(&[], &[]), 5, (&[], 0, 0));
        check(&rows(&[6], &[(&[0], 1)]), 5, (&[], 0, 0));
        check(&rows(&[2, 2], &[]), 2, (&[], 0, 0));
    }

    #[test]
    fn without_evaluations_nothing_is_known() {
        let objective = rows(&[1, 1], &[(&[0], 1)]);
        let plan = plan(&objective, 1, 0);
        assert_eq!(plan.bound, u64::MAX);
        assert_eq!((plan.chosen.len(), plan.fall, plan.evaluations), (0, 0, 0));
        assert!(!plan.is_exact());
    }

    #[test]
    fn a_search_that_is_cut_short_says_what_is_open() {
        let sets: Vec<_> = (0..12).map(|c| (vec![c, (c + 5) % 12, (c + 7) % 12], 1)).collect();
        let cost = (0..12).map(|c| u64::from(c > 0)).collect();
        let objective = Rows { cost, rows: sets };
        let whole = plan(&objective, 6, u64::MAX);
        assert!(whole.is_exact());
        // A search that goes another way is not wrong, but ought to be meant.
        assert_eq!(whole.evaluations, 468);
        for limit in 0..whole.evaluations {
            let plan = plan(&objective, 6, limit);
            assert!(plan.evaluations <= limit, "{plan:?}");
            assert!((plan.fall..=plan.bound).contains(&whole.fall), "{plan:?}");
        }
    }

    #[test]
    fn pairs_take_half_of_what_greedy_choice_may_spend() {
        /// Counts what is evaluated until the second bound.
        #[derive(Default)]
        struct Counted {
            bounds: AtomicUsize,
            falls: AtomicUsize,
        }
        impl Objective for Counted {
            fn candidates(&self) -> usize {
                10
            }

            fn cost(&self, _: usize) -> u64 {
                1
            }

            fn fall(&self, chosen: &[usize]) -> u64 {
                if self.bounds.load(Relaxed) == 1 {
                    self.falls.fetch_add(1, Relaxed);
                }
                u64::from(chosen.len() == 10)
            }

            fn bound(&self, _: &[usize], _: &[usize], _: u64) -> u64 {
                self.bounds.fetch_add(1, Relaxed);
                1
            }
        }
        let objective = Counted::default();
        plan(&objective, 3, 61);
        // After one bound, half of sixty; ten for each alone, and half of the other twenty.
        let search_side_by_side = 2;
        let falls = objective.falls.into_inner();
        assert!((20..=20 + search_side_by_side).contains(&falls), "{falls}");
    }

    #[test]
    fn shares_bound_what_is_left_by_their_rate() {
        struct Shares;
        impl Objective for Shares {
            fn candidates(&self) -> usize {
                5
            }

            fn cost(&self, candidate: usize) -> u64 {
                [0, 2, 3, 4, 1][candidate]
            }

            fn fall(&self, _: &[usize]) -> u64 {
                0
            }

            fn share(&self, candidate: usize) -> u64 {
                [0, 4, 9, 10, u64::MAX][candidate]
            }
        }
        let search = Search::new(&Shares, 6, 0);
        let bound = |chosen: &[usize], cost, undecided: &[usize]| {
            let (chosen, undecided) = (chosen.to_vec(), undecided.to_vec());
            search.bound_by_shares(&Branch { bound: 0, serial: 0, chosen, cost, undecided })
        };
        // 2 has the best rate, then 3, then 1; what is left after 2 pays for three quarters of 3.
        assert_eq!(bound(&[0], 0, &[1, 2, 3]), 9 + 7);
        assert_eq!(bound(&[0, 1], 2, &[3, 2]), 4 + 9 + 2);
        assert_eq!(bound(&[0, 1, 3], 6, &[]), 4 + 10);
        assert_eq!(bound(&[0, 1], 2, &[2, 4]), u64::MAX);
        assert_eq!(bound(&[0, 4], 1, &[1, 2]), u64::MAX);
    }

    #[test]
    fn rates_are_compared_without_rounding() {
        let addition = |gain, cost| Addition { candidates: vec![0], cost, gain };
        let least = addition(u64::MAX - 1, u64::MAX);
        assert!(addition(u64::MAX, u64::MAX) < least);
        assert!(addition(1, 1) < addition(u64::MAX, u64::MAX));
        assert!(addition(0, 1) > least);
    }
}
