//! What blocking groups of packages saves in kept worlds, and the fewest groups that save half of what is lost.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;
use weft_graph::{Cascade, Drawn, GraphError, Stakes, Tally, Worlds, fewest_cover};

use super::way::Picked;
use crate::risk::assessment::{error, mean};
use crate::risk::campaign::Execution;
use crate::risk::model::Model;

/// What the kept worlds may take, in bytes.
const DRAWN_BYTES: usize = 96 << 20;
/// Groups that are looked at side by side.
const BATCH: usize = 8;
/// Units of the sums over worlds, 10^-15 losses a year, in a unit of what is reported.
const SUM_UNITS: u128 = 1_000_000;

/// Returns the cascade of each time at which code of a model's campaigns runs.
pub(super) fn cascades(model: &Model) -> Result<Vec<(Execution, Cascade)>, GraphError> {
    let runs = |executes: &Execution| !model.campaigns_at(*executes).is_empty();
    let cascade = |executes| Ok((executes, model.cascade(executes)?));
    Execution::ALL.into_iter().filter(runs).map(cascade).collect()
}

/// What blocking groups of packages saves, in kept worlds.
pub(super) struct Joint<'a> {
    parts: Vec<Part<'a>>,
    losses: &'a [u32],
    groups: &'a [&'a [u32]],
}

/// The campaigns whose code runs at the same time.
pub(super) struct Part<'a> {
    drawn: Drawn<'a>,
    pub(super) executes: Execution,
    /// What is expected in these worlds, in 10^-9 losses a year.
    expected: u64,
    pub(super) seeds: Vec<Vec<u64>>,
    pub(super) worlds: Worlds,
}

impl<'a> Part<'a> {
    fn of(model: &Model, executes: Execution, cascade: &'a Cascade, worlds: Worlds) -> Part<'a> {
        let count = match cascade.is_certain() {
            true => 1,
            false => worlds.count.min(Drawn::within(cascade, DRAWN_BYTES)),
        };
        let worlds = Worlds { count, ..worlds };
        let campaigns = model.campaigns_at(executes);
        let seeds: Vec<Vec<u64>> =
            campaigns.iter().map(|&i| model.seeds[i].rates.clone()).collect();
        let stakes = Stakes { seeds: &seeds, losses: &model.losses };
        let expected = means(&cascade.loss(worlds, stakes), seeds.len());
        Part { drawn: Drawn::of(cascade, worlds), executes, expected, seeds, worlds }
    }
}

/// Sums the expectations of all scenarios.
fn means(tally: &Tally, scenarios: usize) -> u64 {
    (0..scenarios).map(|scenario| mean(tally, scenario, 0)).sum()
}

impl<'a> Joint<'a> {
    /// Keeps worlds in which groups of packages can be blocked.
    pub(super) fn of(
        model: &'a Model,
        cascades: &'a [(Execution, Cascade)],
        groups: &'a [&'a [u32]],
        worlds: Worlds,
    ) -> Joint<'a> {
        let parts = cascades.iter();
        Joint {
            parts: parts.map(|(executes, c)| Part::of(model, *executes, c, worlds)).collect(),
            losses: &model.losses,
            groups,
        }
    }

    /// Returns what blocking packages saves, and half of the width of the interval that chance leaves to it.
    pub(super) fn fall(&self, blocked: &[u32]) -> (u64, u64) {
        let (mut fall, mut chance) = (0, 0);
        for part in &self.parts {
            let stakes = Stakes { seeds: &part.seeds, losses: self.losses };
            let tally = part.drawn.fall(stakes, blocked);
            fall += means(&tally, part.seeds.len());
            chance += (0..part.seeds.len()).map(|scenario| error(&tally, scenario, 0)).sum::<u64>();
        }
        (fall, chance)
    }

    /// Returns what blocking groups saves.
    fn fall_of(&self, groups: &[usize]) -> u64 {
        let blocked: Vec<u32> = groups.iter().flat_map(|&at| self.groups[at]).copied().collect();
        self.fall(&blocked).0
    }

    /// Returns what is expected in these worlds, in 10^-9 losses a year.
    pub(super) fn expected(&self) -> u64 {
        self.parts.iter().map(|part| part.expected).sum()
    }

    /// Returns how many worlds were drawn, where any had to be.
    pub(super) fn worlds(&self) -> u32 {
        self.parts.iter().map(|part| part.worlds.count).max().unwrap_or(0)
    }

    /// Looks for the fewest groups whose blocking saves `target`, each with what it and those before it save; nothing if
    /// all groups together save less.
    ///
    /// Each time the group is chosen that saves most beside the others, as far as that is seen from what it saved when
    /// fewer were chosen; what is needed no more in the end is left out.
    pub(super) fn fewest(&self, alone: &[u64], target: u64) -> Option<Vec<(usize, u64)>> {
        let all: Vec<usize> = (0..self.groups.len()).collect();
        if target == 0 || self.fall_of(&all) < target {
            return None;
        }
        let mut chosen = Vec::new();
        let mut saved = 0;
        let mut gains: Vec<(u64, Reverse<usize>)> =
            alone.iter().enumerate().map(|(at, &gain)| (gain, Reverse(at))).collect();
        while saved < target && !gains.is_empty() {
            gains.sort_unstable_by(|a, b| b.cmp(a));
            let mut looked = 0;
            // What was gained before is a good guess of what is gained now, and no more than that.
            while looked < gains.len() {
                let best = gains[..looked].iter().max();
                if best.is_some_and(|best| *best >= gains[looked]) {
                    break;
                }
                let end = gains.len().min(looked + BATCH);
                gains[looked..end].par_iter_mut().for_each(|(gain, Reverse(at))| {
                    let with: Vec<usize> = chosen.iter().copied().chain([*at]).collect();
                    *gain = self.fall_of(&with).saturating_sub(saved);
                });
                looked = end;
            }
            let best = (0..looked).max_by_key(|&place| gains[place]).unwrap_or_default();
            let (gain, Reverse(at)) = gains.swap_remove(best);
            chosen.push(at);
            saved += gain;
        }
        for place in (0..chosen.len()).rev() {
            let mut rest = chosen.clone();
            rest.remove(place);
            if self.fall_of(&rest) >= target {
                chosen = rest;
            }
        }
        let joint = |n: usize| (chosen[n - 1], self.fall_of(&chosen[..n]));
        Some((1..=chosen.len()).map(joint).collect())
    }

    /// Returns how many groups it takes at least to save `target`, whichever they are.
    ///
    /// What reaches a member in a world does so on some way; whoever saves it has to block a crate on that way, whichever
    /// way is picked.
    /// So no groups save more than what arrives on the picked ways that they have a crate on, and such values are covers,
    /// of which [`fewest_cover`] knows how many it takes.
    /// The ways that are picked avoid the groups of `found`, for these are the ones that others would have to match.
    pub(super) fn at_least(
        &self,
        model: &Model,
        found: &[usize],
        target: u64,
    ) -> Result<u64, GraphError> {
        let mut groups_of = vec![Vec::new(); model.len()];
        for (at, packages) in (0_u32..).zip(self.groups) {
            packages.iter().for_each(|&package| groups_of[package as usize].push(at));
        }
        let found = found.iter().map(|at| u32::try_from(*at).unwrap_or(u32::MAX)).collect();
        let mut ways = BTreeMap::<Vec<u32>, u128>::new();
        for part in &self.parts {
            let picked = Picked { model, part, groups_of: &groups_of, found: &found };
            let scale = u128::from(self.worlds() / part.worlds.count.max(1));
            for (groups, loss) in picked.ways()? {
                *ways.entry(groups).or_default() += loss * scale;
            }
        }
        // In the units of the sums, or larger ones if these would not fit.
        let target = u128::from(target) * SUM_UNITS * u128::from(self.worlds());
        let whole = ways.values().sum::<u128>().max(target);
        let shift = (u128::BITS - whole.leading_zeros()).saturating_sub(u64::BITS - 1);
        let fit = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        let mut through = vec![Vec::new(); self.groups.len()];
        let mut losses = Vec::new();
        for (groups, loss) in &ways {
            groups.iter().for_each(|&at| through[at as usize].push(losses.len()));
            losses.push(fit((loss >> shift) + u128::from(shift > 0)));
        }
        let value = |chosen: &[usize]| -> u64 {
            let mut is_met = vec![false; losses.len()];
            let ways = chosen.iter().flat_map(|&at| &through[at]);
            ways.filter(|&&way| !std::mem::replace(&mut is_met[way], true))
                .map(|&way| losses[way])
                .sum()
        };
        let fewest = fewest_cover(self.groups.len(), fit(target >> shift), value);
        Ok(fewest.map_or(1, |fewest| fewest.at_least.max(1) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Inventory;
    use crate::risk::publisher::HALF_WORLDS;
    use crate::risk::publisher::tests::{campaigns, concentration, inventory, model};

    const EXTERNALS: usize = 7;
    const OWNERS: usize = 5;

    /// Returns numbers below others, the same each time.
    fn numbers(mut state: u64) -> impl FnMut(u64) -> usize {
        move |below| {
            state = weft_graph::mix(state);
            usize::try_from(state % below).unwrap()
        }
    }

    /// Two members, external packages with what they need, and one or two owners of each of these.
    struct Case {
        externals: Vec<String>,
        needs: Vec<(String, Vec<String>)>,
        owners: Vec<Vec<usize>>,
    }

    impl Case {
        fn random(random: &mut impl FnMut(u64) -> usize) -> Case {
            let externals: Vec<String> = (0..EXTERNALS).map(|n| format!("e{n}")).collect();
            let members = ["r0".to_owned(), "r1".to_owned()];
            let needs = members.iter().chain(&externals).enumerate().map(|(at, name)| {
                let later = externals.iter().skip(at.saturating_sub(1));
                (name.clone(), later.filter(|_| random(3) == 0).cloned().collect())
            });
            let needs = needs.collect();
            let mut owners = || (0..1 + random(2)).map(|_| random(OWNERS as u64)).collect();
            Case { needs, owners: (0..EXTERNALS).map(|_| owners()).collect(), externals }
        }

        fn inventory(&self) -> Inventory {
            let needs: Vec<(&str, Vec<&str>)> = self
                .needs
                .iter()
                .map(|(name, needs)| (&**name, needs.iter().map(String::as_str).collect()))
                .collect();
            let needs: Vec<(&str, &[&str])> = needs.iter().map(|(n, l)| (*n, &**l)).collect();
            inventory(&needs)
        }

        /// Returns the external packages of an owner, by their positions.
        fn of(&self, owner: usize) -> impl Iterator<Item = usize> {
            (0..EXTERNALS).filter(move |&at| self.owners[at].contains(&owner))
        }

        /// Counts what reaches members if every edge passes harm on, and what owners have is gone.
        fn remaining(&self, owners: &[usize]) -> u64 {
            let is_gone = |name: &str| {
                let at = self.externals.iter().position(|known| known == name).unwrap();
                self.owners[at].iter().any(|owner| owners.contains(owner))
            };
            let reached = self.needs.iter().filter(|(name, _)| name.starts_with('r'));
            let reached = reached.map(|(root, _)| {
                let mut seen = vec![root.as_str()];
                let mut at = 0;
                while at < seen.len() {
                    let (_, needs) = self.needs.iter().find(|(name, _)| name == seen[at]).unwrap();
                    for need in needs.iter().filter(|need| !is_gone(need)) {
                        if !seen.contains(&need.as_str()) {
                            seen.push(need);
                        }
                    }
                    at += 1;
                }
                seen.len() as u64 - 1
            });
            reached.sum()
        }
    }

    /// Lists all sets of owners but the empty one.
    fn sets() -> impl Iterator<Item = Vec<usize>> {
        (1..1_u32 << OWNERS).map(|set| (0..OWNERS).filter(|owner| set >> owner & 1 == 1).collect())
    }

    #[test]
    fn small_graphs_agree_with_every_set_of_publishers() {
        let mut random = numbers(1);
        let (mut exact, mut all) = (0, 0);
        for _ in 0..120 {
            let case = Case::random(&mut random);
            let owned: Vec<(String, Vec<&str>)> = (0..OWNERS)
                .map(|owner| {
                    (format!("o{owner}"), case.of(owner).map(|at| &*case.externals[at]).collect())
                })
                .collect();
            let owned: Vec<(&str, &[&str])> = owned.iter().map(|(o, l)| (&**o, &**l)).collect();
            let inventory = case.inventory();
            let model = model(&inventory, 400, campaigns(&["pipeline-poisoning"]));
            let found = concentration(&model, &inventory, &owned);
            let whole = case.remaining(&[]);
            if whole == 0 {
                assert_eq!((found.expected_nano, found.half), (0, None));
                continue;
            }
            for owner in 0..OWNERS {
                let name = format!("github.com/o{owner}");
                let row = found.publishers.iter().find(|row| row.publisher == name);
                let permille = row.map_or(0, |row| row.share_permille);
                let saved = whole - case.remaining(&[owner]);
                assert!(permille.abs_diff(saved * 1000 / whole) <= 1, "{:?}", case.needs);
            }
            // Every external package has an owner, so all together save everything.
            let halves = sets().filter(|set| 2 * (whole - case.remaining(set)) >= whole);
            let fewest = halves.map(|set| set.len() as u64).min().unwrap();
            let half = found.half.unwrap();
            let count = half.publishers.len() as u64;
            assert!(half.at_least <= fewest && fewest <= count, "{:?} {half:?}", case.needs);
            assert!(half.publishers.last().unwrap().joint_nano >= found.expected_nano / 2);
            all += 1;
            exact += u32::from(half.at_least == count);
        }
        assert!(exact * 10 >= all * 9, "{exact} of {all} are proven");
    }

    /// Compares bounds with what every set of owners saves in the same worlds, and counts those that cannot be better.
    fn bounds_of_drawn_worlds(campaign: &[&str], loss: u32) -> (u32, u32) {
        let mut random = numbers(2);
        let (mut exact, mut all, mut are_larger) = (0, 0, false);
        for _ in 0..60 {
            let case = Case::random(&mut random);
            let inventory = case.inventory();
            let mut model = model(&inventory, 400, campaigns(campaign));
            model.losses = vec![loss; model.losses.len()];
            let at = |external: usize| {
                let name = &case.externals[external];
                let at = inventory.packages.iter().position(|package| package.name == *name);
                u32::try_from(at.unwrap()).unwrap()
            };
            let groups: Vec<Vec<u32>> =
                (0..OWNERS).map(|owner| case.of(owner).map(at).collect()).collect();
            let groups: Vec<&[u32]> = groups.iter().map(Vec::as_slice).collect();
            let cascades = cascades(&model).unwrap();
            let worlds = Worlds { seed: 7, count: HALF_WORLDS };
            let joint = Joint::of(&model, &cascades, &groups, worlds);
            let sum = u128::from(joint.expected()) * SUM_UNITS * u128::from(joint.worlds());
            are_larger |= sum > u64::MAX.into();
            let saved: Vec<(usize, u64)> =
                sets().map(|set| (set.len(), joint.fall_of(&set))).collect();
            let alone: Vec<u64> = (0..OWNERS).map(|owner| joint.fall_of(&[owner])).collect();
            for quarters in 1..=3 {
                let target = joint.expected() * quarters / 4;
                let enough = saved.iter().filter(|(_, saved)| *saved >= target);
                let fewest = enough.map(|(count, _)| *count).min();
                let Some(order) = joint.fewest(&alone, target) else {
                    assert!(target == 0 || fewest.is_none(), "{:?}", case.needs);
                    continue;
                };
                let found: Vec<usize> = order.iter().map(|(at, _)| *at).collect();
                let fewest = fewest.unwrap();
                let bound = joint.at_least(&model, &found, target).unwrap();
                let blind = joint.at_least(&model, &[], target).unwrap();
                let least = fewest as u64;
                assert!(bound.max(blind) <= least, "{:?} {:?}", case.needs, case.owners);
                assert!(fewest <= found.len() && joint.fall_of(&found) >= target);
                all += 1;
                exact += u32::from(bound == least);
            }
        }
        assert_eq!(are_larger, loss == u32::MAX, "sums that 64 bits do not hold");
        (exact, all)
    }

    #[test]
    fn bounds_hold_in_drawn_worlds_and_are_seldom_short() {
        for campaign in [&["slow-burn"][..], &["pipeline-poisoning", "slow-burn"]] {
            let (exact, all) = bounds_of_drawn_worlds(campaign, 1000);
            assert!(exact * 100 >= all * 97, "{campaign:?}: {exact} of {all} are proven");
        }
    }

    #[test]
    fn losses_too_large_for_64_bits_are_counted_in_larger_units() {
        let (exact, all) = bounds_of_drawn_worlds(&["pipeline-poisoning", "slow-burn"], u32::MAX);
        assert!(exact * 100 >= all * 97, "{exact} of {all} are proven");
    }
}
