//! Percolation: how much of what the roots depend on must be in place for half of it to be
//! reached.
//!
//! Each node is imagined present with the same probability, independently, and what counts is how
//! much of the graph the roots still reach through nodes that are present.
//! A graph that hangs on few nodes needs a high probability, one with many ways round a low one.
//! The half-way point describes a shape; it is no phase transition.
//!
//! Newman and Ziff ("Efficient Monte Carlo algorithm and high-precision results for percolation",
//! Physical Review Letters 85, 2000) sweep all probabilities in one trial by adding nodes one at a
//! time.
//! Here, too, a trial answers for every probability at once: a node whose own threshold is `u` is
//! reached from probability `max(u, the least such value among its dependents)` on.

use std::array;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::condensation::Condensation;
use crate::graph::{Node, index};
use crate::random::{GOLDEN_GAMMA, mix};

/// The result of [`percolation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Percolation {
    /// The least probability of being present at which at least half of the nodes below the roots
    /// are reached, on average; in units of 2^-16, rounded down.
    pub f50: u16,
    /// How many nodes the estimate rests on: the nodes below the roots, once for each trial.
    pub samples: u64,
}

impl Percolation {
    /// Returns [`Percolation::f50`] in thousandths, rounded to the nearest.
    pub fn to_thousandths(self) -> u16 {
        let rounded = (u32::from(self.f50) * 1000 + (1 << 15)) >> 16;
        u16::try_from(rounded).unwrap_or(u16::MAX)
    }
}

/// Estimates at which probability of being present half of the nodes below the roots are reached.
///
/// Nodes below the roots are those that a root reaches and that share no component with a root.
/// Roots are always present.
/// A component is present as a whole or not at all, and counts as many times as it has members.
///
/// `keys` holds for each node a number that identifies it in every graph it appears in.
/// A component's random numbers depend on `seed`, the trial and the smallest key among its members
/// alone, so neither the numbering of the nodes nor the number of threads shows, and a change to
/// one part of a graph leaves the random numbers of the rest alone.
/// Components with equal keys stand and fall together, so keys ought to be distinct.
///
/// There is no answer without trials or without nodes below the roots.
///
/// # Panics
///
/// Panics unless `keys` has one entry for each node of the graph that was condensed.
pub fn percolation(
    condensation: &Condensation,
    roots: &[Node],
    keys: &[u64],
    trials: u32,
    seed: u64,
) -> Option<Percolation> {
    assert_eq!(keys.len(), condensation.node_count(), "one key for each node");

    let plan = Plan::new(condensation, roots, keys, seed);
    let histogram = (0..trials.div_ceil(LANES))
        .into_par_iter()
        .with_min_len(BLOCKS_PER_JOB)
        .fold(
            || Worker::new(&plan),
            |mut worker, block| {
                let lanes = LANES.min(trials - block * LANES);
                worker.add_block(&plan, block, lanes as usize);
                worker
            },
        )
        .map(|worker| worker.histogram)
        .reduce(empty_histogram, add);
    lower_median(&histogram).map(|(f50, samples)| Percolation { f50, samples })
}

/// Trials that are run side by side; results do not depend on it.
const LANES: u32 = 32;
/// Blocks worth a histogram of their own, which half a megabyte of counts is; results do not depend
/// on it.
const BLOCKS_PER_JOB: usize = 8;
/// Trials that one random word serves, with 16 bits each.
const LANES_PER_WORD: u32 = 4;

/// One threshold for each trial of a block.
type Thresholds = [u16; LANES as usize];

/// What is the same in all trials: the components to visit, in topological order.
struct Plan {
    steps: Vec<Step>,
    /// The positions of each step's dependents among the steps, end to end.
    dependents: Vec<usize>,
}

struct Step {
    /// The state of the component's random number stream.
    stream: u64,
    members: u64,
    /// Where the step's dependents end in [`Plan::dependents`], and the next step's begin.
    dependents_end: usize,
    /// Whether a root is among the dependents, which makes the others irrelevant.
    below_root: bool,
}

impl Plan {
    fn new(condensation: &Condensation, roots: &[Node], keys: &[u64], seed: u64) -> Plan {
        let dag = condensation.graph();
        let is_root = condensation.root_components(roots);
        let mut plan = Plan { steps: Vec::new(), dependents: Vec::new() };
        let mut step_of = vec![None; dag.len()];
        for c in dag.nodes().filter(|&c| !is_root.contains(index(c))) {
            let predecessors = dag.predecessors(c);
            let below_root = predecessors.iter().any(|&p| is_root.contains(index(p)));
            let first_dependent = plan.dependents.len();
            if !below_root {
                plan.dependents.extend(predecessors.iter().filter_map(|&p| step_of[index(p)]));
            }
            if !below_root && plan.dependents.len() == first_dependent {
                continue; // No root reaches it.
            }

            let members = condensation.members(c);
            let key = members.iter().map(|&n| keys[index(n)]).min().unwrap_or_default();
            step_of[index(c)] = Some(plan.steps.len());
            plan.steps.push(Step {
                stream: mix(seed ^ mix(key)),
                members: members.len() as u64,
                dependents_end: plan.dependents.len(),
                below_root,
            });
        }
        plan
    }
}

/// What one thread needs to run some of the trials.
struct Worker {
    /// From which probability on each step's component is reached.
    reached: Vec<Thresholds>,
    histogram: Vec<u64>,
}

impl Worker {
    fn new(plan: &Plan) -> Worker {
        Worker {
            reached: vec![[0; LANES as usize]; plan.steps.len()],
            histogram: empty_histogram(),
        }
    }

    /// Runs one block of trials and counts the first `lanes` of them.
    fn add_block(&mut self, plan: &Plan, block: u32, lanes: usize) {
        let mut first_dependent = 0;
        for (position, step) in plan.steps.iter().enumerate() {
            let mut reached = thresholds(step.stream, block);
            if !step.below_root {
                let dependents = &plan.dependents[first_dependent..step.dependents_end];
                let least = dependents.iter().fold([u16::MAX; LANES as usize], |least, &d| {
                    let dependent = &self.reached[d];
                    array::from_fn(|lane| least[lane].min(dependent[lane]))
                });
                reached = array::from_fn(|lane| reached[lane].max(least[lane]));
            }
            first_dependent = step.dependents_end;
            self.reached[position] = reached;
            for &value in &reached[..lanes] {
                self.histogram[usize::from(value)] += step.members;
            }
        }
    }
}

/// Returns a component's own thresholds in one block of trials.
fn thresholds(stream: u64, block: u32) -> Thresholds {
    let words_per_block = LANES / LANES_PER_WORD;
    let first = u64::from(block) * u64::from(words_per_block);
    let mut thresholds = [0; LANES as usize];
    for (lanes, word) in thresholds.chunks_exact_mut(LANES_PER_WORD as usize).zip(first..) {
        let random = mix(stream.wrapping_add(word.wrapping_mul(GOLDEN_GAMMA)));
        for (lane, bytes) in lanes.iter_mut().zip(random.to_le_bytes().chunks_exact(2)) {
            *lane = u16::from_le_bytes([bytes[0], bytes[1]]);
        }
    }
    thresholds
}

fn empty_histogram() -> Vec<u64> {
    vec![0; 1 << 16]
}

fn add(mut sums: Vec<u64>, others: Vec<u64>) -> Vec<u64> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

/// Returns the least value that at least half of the samples do not exceed, and their number.
fn lower_median(histogram: &[u64]) -> Option<(u16, u64)> {
    let samples: u64 = histogram.iter().sum();
    let mut up_to = 0;
    let median = histogram.iter().zip(0..=u16::MAX).find(|&(count, _)| {
        up_to += count;
        up_to > 0 && up_to >= samples.div_ceil(2)
    });
    median.map(|(_, value)| (value, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_does_not_depend_on_how_many_run_side_by_side() {
        let all = thresholds(7, 3);
        let word = mix(7_u64.wrapping_add(GOLDEN_GAMMA.wrapping_mul(3 * 8 + 1)));
        assert_eq!(u64::from(all[4]), word & 0xffff);
        assert_eq!(u64::from(all[7]), word >> 48);
    }

    #[test]
    fn the_lower_of_two_middle_samples_is_the_median() {
        let mut histogram = empty_histogram();
        assert_eq!(lower_median(&histogram), None);
        histogram[5] = 1;
        histogram[9] = 1;
        assert_eq!(lower_median(&histogram), Some((5, 2)));
        histogram[9] = 2;
        assert_eq!(lower_median(&histogram), Some((9, 3)));
    }

    #[test]
    fn thousandths_round_to_the_nearest() {
        let thousandths = |f50| Percolation { f50, samples: 1 }.to_thousandths();
        assert_eq!(thousandths(0), 0);
        assert_eq!(thousandths(0x8000), 500);
        assert_eq!(thousandths(u16::MAX), 1000);
    }
}
