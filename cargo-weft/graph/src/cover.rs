//! The few that cover most, where each adds less the more are chosen already.
//!
//! Who publishes what is of this kind: two publishers of one package cover it once.
//! For such values, which are monotone and submodular, greedy choice reaches at least 1 − 1/e of
//! the best (Nemhauser, Wolsey and Fisher, "An analysis of approximations for maximizing
//! submodular set functions", Mathematical Programming 14, 1978), and most often far more.
//! How much is told by a bound from the data, of the same paper and of Leskovec et al.
//! ("Cost-effective outbreak detection in networks", KDD 2007): what is chosen can be improved by
//! no more than the largest gains that are left.
//! From the latter is also the lazy evaluation: what a candidate added once, it adds at most
//! later, so that few candidates need another look.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Chooses up to `size` of the candidates from 0 up to, but not including, `candidates`, each time
/// the one that adds most value.
///
/// `value` has to be 0 for none, monotone (no set is worth less than a part of it) and submodular
/// (what a candidate adds to a set, it adds to any part of it at least).
/// It is given candidates without repetition and in any order, and the order must not matter.
/// Of candidates that add the same, the smallest is chosen, so the choice is the one of plain
/// greedy search; it ends early if nothing adds anything.
///
/// Takes at least one evaluation for each candidate, one for all together, and `size` for each
/// step; at most it is one for each candidate and step.
pub fn greedy_cover(
    candidates: usize,
    size: usize,
    value: impl Fn(&[usize]) -> u64 + Sync,
) -> Cover {
    if size == 0 {
        return Cover { order: Vec::new(), values: Vec::new(), bound: 0 };
    }
    let mut bound = value(&Vec::from_iter(0..candidates));
    let mut greedy = Greedy::new(candidates, value);
    loop {
        let (mut count, mut sum) = (0, greedy.value());
        greedy.largest_gains(|gain| {
            count += 1;
            sum = sum.saturating_add(gain);
            count < size
        });
        bound = bound.min(sum);
        if greedy.order.len() == size || !greedy.choose() {
            break;
        }
    }
    let Greedy { order, values, .. } = greedy;
    Cover { bound: bound.max(values.last().copied().unwrap_or(0)), order, values }
}

/// Chooses as few candidates as greedy search finds, until their value is at least `target`.
///
/// There is no answer if not even all candidates together are worth that much.
/// What is said of `value` and of the choice at [`greedy_cover`] holds here, too.
pub fn fewest_cover(
    candidates: usize,
    target: u64,
    value: impl Fn(&[usize]) -> u64 + Sync,
) -> Option<Fewest> {
    let mut greedy = Greedy::new(candidates, value);
    let mut at_least = 0;
    while greedy.value() < target {
        let missing = target - greedy.value();
        let (mut count, mut sum) = (0, 0_u64);
        greedy.largest_gains(|gain| {
            count += 1;
            sum = sum.saturating_add(gain);
            sum < missing
        });
        if sum < missing || !greedy.choose() {
            return None;
        }
        at_least = at_least.max(count);
    }
    let Greedy { order, values, .. } = greedy;
    Some(Fewest { order, values, at_least })
}

/// A choice of [`greedy_cover`], and how good it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The candidates chosen, in the order in which they were.
    pub order: Vec<usize>,
    /// The value after each of them.
    pub values: Vec<u64>,
    /// What no choice of that size exceeds.
    ///
    /// It is the least, over all beginnings of the order, of their value and the largest gains
    /// that any candidates, as many as can be chosen, have when added alone.
    pub bound: u64,
}

impl Cover {
    /// Returns the value of what is chosen.
    pub fn value(&self) -> u64 {
        self.values.last().copied().unwrap_or(0)
    }

    /// Returns by how much the choice can miss the best; 0 if it is proven to be that.
    pub fn gap(&self) -> u64 {
        self.bound - self.value()
    }
}

/// A choice of [`fewest_cover`], and how good it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fewest {
    /// The candidates chosen, in the order in which they were.
    pub order: Vec<usize>,
    /// The value after each of them.
    pub values: Vec<u64>,
    /// How many candidates it takes at least, whichever they are.
    pub at_least: usize,
}

/// A greedy choice in progress.
struct Greedy<F> {
    evaluate: F,
    order: Vec<usize>,
    values: Vec<u64>,
    gains: BinaryHeap<Gain>,
}

/// What a candidate adds, or added when fewer were chosen; ordered by who is to be looked at next.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gain {
    gain: u64,
    candidate: Reverse<usize>,
    /// How many were chosen when the gain was evaluated.
    chosen: usize,
}

impl<F: Fn(&[usize]) -> u64 + Sync> Greedy<F> {
    fn new(candidates: usize, evaluate: F) -> Greedy<F> {
        let gains: Vec<Gain> = (0..candidates)
            .into_par_iter()
            .map(|c| Gain { gain: evaluate(&[c]), candidate: Reverse(c), chosen: 0 })
            .collect();
        let gains = BinaryHeap::from(gains);
        Greedy { evaluate, order: Vec::new(), values: Vec::new(), gains }
    }

    fn value(&self) -> u64 {
        self.values.last().copied().unwrap_or(0)
    }

    /// Shows what candidates add by now, the largest first, as long as more is `wanted`.
    ///
    /// Ends before the first that adds nothing.
    fn largest_gains(&mut self, mut wanted: impl FnMut(u64) -> bool) {
        let mut shown = Vec::new();
        while let Some(mut next) = self.gains.pop().filter(|next| next.gain > 0) {
            if next.chosen < self.order.len() {
                self.order.push(next.candidate.0);
                let value = (self.evaluate)(&self.order);
                self.order.pop();
                next.gain = value.saturating_sub(self.value());
                next.chosen = self.order.len();
                self.gains.push(next);
                continue;
            }
            let is_last = !wanted(next.gain);
            shown.push(next);
            if is_last {
                break;
            }
        }
        self.gains.extend(shown);
    }

    /// Chooses the candidate with the largest gain, which has been shown; tells whether there is one.
    fn choose(&mut self) -> bool {
        let Some(Gain { gain, candidate, .. }) = self.gains.pop().filter(|next| next.gain > 0)
        else {
            return false;
        };
        self.values.push(self.value().saturating_add(gain));
        self.order.push(candidate.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Returns the number of things that the sets at these positions cover.
    fn covered(sets: &[u64], chosen: &[usize]) -> u64 {
        u64::from(chosen.iter().fold(0, |all, &c| all | sets[c]).count_ones())
    }

    #[test]
    fn greedy_choice_that_is_not_the_best_says_so() {
        // The first covers four of six, the others three each without overlap.
        let sets = [0b01_1110, 0b00_0111, 0b11_1000];
        let cover = greedy_cover(3, 2, |chosen| covered(&sets, chosen));
        assert_eq!((cover.order.as_slice(), cover.values.as_slice()), (&[0, 1][..], &[4, 5][..]));
        assert_eq!((cover.bound, cover.gap()), (6, 1));

        let fewest = fewest_cover(3, 6, |chosen| covered(&sets, chosen)).unwrap();
        assert_eq!(fewest.order, [0, 1, 2]);
        assert_eq!(fewest.at_least, 2);
    }

    #[test]
    fn choice_ends_when_nothing_adds_anything() {
        let sets = [0b11, 0b01, 0b10, 0];
        let cover = greedy_cover(4, 3, |chosen| covered(&sets, chosen));
        assert_eq!((cover.order.as_slice(), cover.gap()), (&[0][..], 0));
    }

    #[test]
    fn nothing_is_chosen_of_nothing_or_for_nothing() {
        let sets = [0b1];
        for cover in
            [greedy_cover(0, 3, |_| 0), greedy_cover(1, 0, |chosen| covered(&sets, chosen))]
        {
            assert_eq!(cover, Cover { order: vec![], values: vec![], bound: 0 });
        }
        let fewest = fewest_cover(1, 0, |chosen| covered(&sets, chosen)).unwrap();
        assert_eq!(fewest, Fewest { order: vec![], values: vec![], at_least: 0 });
    }

    #[test]
    fn a_target_beyond_all_candidates_has_no_answer() {
        let sets = [0b011, 0b110];
        assert_eq!(fewest_cover(2, 4, |chosen| covered(&sets, chosen)), None);
        assert_eq!(fewest_cover(0, 1, |_| 0), None);
    }

    #[test]
    fn what_adds_nothing_is_not_looked_at_again() {
        let sets = [0b11, 0b01, 0b10, 0];
        let evaluations = AtomicUsize::new(0);
        greedy_cover(4, 3, |chosen| {
            evaluations.fetch_add(1, Ordering::Relaxed);
            covered(&sets, chosen)
        });
        // Each once, all together, and after the first step the two that added something.
        assert_eq!(evaluations.into_inner(), 4 + 1 + 2);
    }

    #[test]
    fn few_candidates_are_looked_at_twice() {
        let evaluations = AtomicUsize::new(0);
        let value = |chosen: &[usize]| {
            evaluations.fetch_add(1, Ordering::Relaxed);
            chosen.iter().map(|&c| 1000 - c as u64).sum()
        };
        let cover = greedy_cover(1000, 5, value);
        assert_eq!((cover.order.as_slice(), cover.gap()), (&[0, 1, 2, 3, 4][..], 0));
        // Each once, all together, and five after each of the five steps.
        assert_eq!(evaluations.into_inner(), 1000 + 1 + 25);
    }
}
