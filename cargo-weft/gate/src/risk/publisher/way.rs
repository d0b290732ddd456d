//! The ways on which harm arrives, one for each member, package and world.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rayon::prelude::*;
use weft_graph::{Cascade, GraphError, Tie, Worlds};

use super::joint::Part;
use crate::risk::model::Model;

/// The ways on which harm arrives, one picked for each member, package and world.
pub(super) struct Picked<'a> {
    pub(super) model: &'a Model,
    pub(super) part: &'a Part<'a>,
    /// The groups of each package, ascending.
    pub(super) groups_of: &'a [Vec<u32>],
    /// The groups to avoid.
    pub(super) found: &'a BTreeSet<u32>,
}

/// What a way costs that enters a group to avoid, where each step costs 1.
const TOLL: u64 = 1 << 16;

impl Picked<'_> {
    /// Sums over worlds what arrives on ways with the same groups on them, in 10^-15 losses.
    pub(super) fn ways(&self) -> Result<BTreeMap<Vec<u32>, u128>, GraphError> {
        let ties = self.model.ties(self.part.executes);
        let live = live(&ties, self.part.worlds)?;
        let seeds =
            |at: usize| self.part.seeds.iter().map(|seeds| u128::from(seeds[at])).sum::<u128>();
        let seeds: Vec<u128> = (0..self.model.len()).map(seeds).collect();
        let of_world = |mut ways: Ways, world: usize| {
            let mut below = vec![Vec::new(); self.model.len()];
            for (tie, is_live) in ties.iter().zip(&live[world]) {
                if *is_live {
                    below[tie.dependent as usize].push(tie.dependency);
                }
            }
            for (&root, &loss) in self.model.roots.iter().zip(&self.model.losses) {
                self.add(&mut ways, &below, &seeds, (root, loss));
            }
            ways
        };
        let worlds = (0..self.part.worlds.count as usize).into_par_iter();
        let sum = |mut sums: BTreeMap<Vec<u32>, u128>, others: BTreeMap<Vec<u32>, u128>| {
            others.into_iter().for_each(|(groups, loss)| *sums.entry(groups).or_default() += loss);
            sums
        };
        let folded = worlds.fold(Ways::default, of_world).map(|ways| ways.groups_with_losses());
        Ok(folded.reduce(BTreeMap::new, sum))
    }

    /// Adds what arrives at one member in one world, on the ways that enter the fewest groups to avoid and are shortest
    /// (Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1, 1959).
    fn add(&self, ways: &mut Ways, below: &[Vec<u32>], seeds: &[u128], (root, loss): (u32, u32)) {
        let mut met = vec![None; below.len()];
        let mut open = BinaryHeap::from([Reverse((0_u64, root, Ways::NONE))]);
        while let Some(Reverse((paid, package, before))) = open.pop() {
            let at = package as usize;
            if met[at].is_some() {
                continue;
            }
            let groups =
                self.groups_of[at].iter().fold(before, |set, &group| ways.with(set, group));
            met[at] = Some(groups);
            ways.losses[groups as usize] += seeds[at] * u128::from(loss);
            for &next in below[at].iter().filter(|&&next| met[next as usize].is_none()) {
                let enters = self.groups_of[next as usize].iter();
                let new = enters.filter(|group| {
                    self.found.contains(group) && !ways.sets[groups as usize].contains(group)
                });
                open.push(Reverse((paid + 1 + TOLL * new.count() as u64, next, groups)));
            }
        }
    }
}

/// Sets of groups by number, and what arrives on ways with these groups on them.
struct Ways {
    sets: Vec<Vec<u32>>,
    losses: Vec<u128>,
    /// The number of each set.
    numbers: BTreeMap<Vec<u32>, u32>,
    /// The number of a set and one more group.
    with: BTreeMap<(u32, u32), u32>,
}

impl Default for Ways {
    fn default() -> Self {
        let numbers = BTreeMap::from([(Vec::new(), Self::NONE)]);
        Self { sets: vec![Vec::new()], losses: vec![0], numbers, with: BTreeMap::new() }
    }
}

impl Ways {
    /// The set of no groups.
    const NONE: u32 = 0;

    /// Returns the number of a set and one more group.
    fn with(&mut self, set: u32, group: u32) -> u32 {
        if let Some(&known) = self.with.get(&(set, group)) {
            return known;
        }
        let mut groups = self.sets[set as usize].clone();
        if let Err(place) = groups.binary_search(&group) {
            groups.insert(place, group);
        }
        let next = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(groups.clone()).or_insert(next);
        if number == next {
            self.sets.push(groups);
            self.losses.push(0);
        }
        self.with.insert((set, group), number);
        number
    }

    fn groups_with_losses(self) -> BTreeMap<Vec<u32>, u128> {
        self.sets.into_iter().zip(self.losses).filter(|(_, loss)| *loss > 0).collect()
    }
}

/// Finds out for each world which ties are live in it: a cascade in which a single root has every tie counts worlds, and
/// one world more tells of that world.
fn live(ties: &[Tie], worlds: Worlds) -> Result<Vec<Vec<bool>>, GraphError> {
    let star: Vec<Tie> = (1_u32..)
        .zip(ties)
        .map(|(dependency, tie)| Tie { dependent: 0, dependency, ..*tie })
        .collect();
    let cascade = Cascade::new(ties.len() + 1, &star, &[0])?;
    let of_world = |world: u32| -> Vec<bool> {
        let hits = |count| cascade.hits(Worlds { seed: worlds.seed, count });
        let (before, after) = (hits(world), hits(world + 1));
        (1_u32..).take(ties.len()).map(|at| after.of(at) != before.of(at)).collect()
    };
    Ok((0..worlds.count).into_par_iter().map(of_world).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::campaign::Execution;
    use crate::risk::publisher::tests::{W, campaigns, inventory, model};

    #[test]
    fn ties_are_live_in_the_worlds_that_a_cascade_counts() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let ties = model.ties(Execution::Call);
        let worlds = Worlds { seed: 7, count: 200 };
        let live = live(&ties, worlds).unwrap();
        let hits = model.cascade(Execution::Call).unwrap().hits(worlds);
        let at = |name: &str| {
            let at = inventory.packages.iter().position(|package| package.name == name);
            u32::try_from(at.unwrap()).unwrap()
        };
        let tie = |from: &str, to: &str| {
            let (from, to) = (at(from), at(to));
            ties.iter().position(|t| (t.dependent, t.dependency) == (from, to)).unwrap()
        };
        let both = |world: usize| {
            let on = |from, to| live[world][tie(from, to)];
            (
                on("r", "b") && on("b", "e"),
                on("r", "a") && on("a", "c") || on("r", "b") && on("b", "c"),
            )
        };
        let count = |of: fn((bool, bool)) -> bool| (0..200).filter(|&w| of(both(w))).count();
        assert_eq!(hits.of(at("e"))[0] as usize, count(|(e, _)| e));
        assert_eq!(hits.of(at("c"))[0] as usize, count(|(_, c)| c));
    }
}
