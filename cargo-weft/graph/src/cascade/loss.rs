//! What harm costs in drawn worlds, and what blocking nodes saves in the same ones.

use rayon::iter::ParallelIterator;

use super::dominance::{Dominance, Roots, roots_from};
use super::world::{Loss, World};
use super::{Block, Cascade, LANES, Worlds};
use crate::graph::{Node, index, node};

/// What is at stake: where harm begins, and what it costs where it arrives.
///
/// The unit of a loss is that of `seeds` times that of `losses`.
#[derive(Debug, Clone, Copy)]
pub struct Stakes<'a> {
    /// For each scenario, how often harm begins in each node.
    pub seeds: &'a [Vec<u64>],
    /// What harm of each root costs.
    pub losses: &'a [u32],
}

/// Sums over worlds: for each scenario a number for each item.
///
/// The worlds are dealt out to [`Tally::BATCHES`] batches, whose spread shows how far chance has a
/// hand in a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    items: usize,
    worlds: [u32; Tally::BATCHES],
    /// By batch, scenario and item.
    sums: Vec<u128>,
}

impl Tally {
    /// How many batches there are.
    pub const BATCHES: usize = 8;

    fn new(scenarios: usize, items: usize) -> Tally {
        Tally {
            items,
            worlds: [0; Tally::BATCHES],
            sums: vec![0; Tally::BATCHES * scenarios * items],
        }
    }

    /// Returns over how many worlds the sums are: an expectation is a sum divided by this.
    pub fn worlds(&self) -> u32 {
        self.worlds.iter().sum()
    }

    /// Returns the sum of an item in a scenario.
    pub fn sum(&self, scenario: usize, item: usize) -> u128 {
        self.batches(scenario, item).map(|(_, sum)| sum).sum()
    }

    /// Returns for each batch how many worlds it has, and the sum over them.
    pub fn batches(&self, scenario: usize, item: usize) -> impl Iterator<Item = (u32, u128)> {
        let per_batch = self.sums.len() / Tally::BATCHES;
        (0..Tally::BATCHES).map(move |batch| {
            (self.worlds[batch], self.sums[batch * per_batch + scenario * self.items + item])
        })
    }

    fn scenarios(&mut self, block: u32, lanes: u64) -> impl Iterator<Item = &mut [u128]> {
        let batch = index(block) % Tally::BATCHES;
        self.worlds[batch] += lanes.count_ones();
        let per_batch = self.sums.len() / Tally::BATCHES;
        self.sums[batch * per_batch..(batch + 1) * per_batch].chunks_mut(self.items.max(1))
    }

    fn plus(mut self, other: Tally) -> Tally {
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum += other;
        }
        for (sum, other) in self.worlds.iter_mut().zip(other.worlds) {
            *sum += other;
        }
        self
    }
}

impl Cascade {
    /// Sums, for each scenario, what harm costs: its only item is the whole loss.
    ///
    /// To first order, since harm is rare: losses of several seeds at once are added.
    ///
    /// # Panics
    ///
    /// Panics unless there is one loss for each root and each scenario has one seed for each node.
    pub fn loss(&self, worlds: Worlds, stakes: Stakes<'_>) -> Tally {
        let sites = Sites::of(self, stakes);
        let nothing = || ();
        self.tally(worlds, stakes, 1, nothing, |block, (), tally, number, lanes| {
            for (sums, scenario) in tally.scenarios(number, lanes).zip(0..) {
                sums[0] += sites.loss(self, block, scenario);
            }
        })
    }

    /// Sums, for each scenario and node, what is saved if that node alone is blocked, so that no
    /// harm begins in it or
    /// passes through it.
    ///
    /// # Panics
    ///
    /// As [`Cascade::loss`].
    pub fn falls(&self, worlds: Worlds, stakes: Stakes<'_>) -> Tally {
        let sites = Sites::of(self, stakes);
        let scratch = || (Dominance::new(self), Loss::new(self));
        self.tally(worlds, stakes, self.len, scratch, |block, scratch, tally, number, lanes| {
            let (dominance, loss) = scratch;
            let mut scenarios: Vec<_> = tally.scenarios(number, lanes).collect();
            for (sums, seeds) in scenarios.iter_mut().zip(&sites.by_scenario) {
                sites.add_roots(self, block, seeds, sums);
            }
            dominance.enter_block(block);
            for lane in 0..lanes.count_ones() {
                for first in (0..self.roots).step_by(Roots::BITS as usize) {
                    if !dominance.enter(lane, first) {
                        let world = World::of(self, block, lane);
                        sites.follow_each(self, &world, loss, first, &mut scenarios);
                        continue;
                    }
                    for (sums, seeds) in scenarios.iter_mut().zip(&sites.by_scenario) {
                        dominance.tell(seeds, |position, roots, seeds| {
                            let cost = u128::from(sites.cost_from(first, roots));
                            sums[index(self.nodes[position])] += seeds * cost;
                        });
                    }
                }
            }
        })
    }

    /// Draws worlds block by block, and lets each add to the sums.
    fn tally<S: Send>(
        &self,
        worlds: Worlds,
        stakes: Stakes<'_>,
        items: usize,
        scratch: impl Fn() -> S + Sync,
        add: impl Fn(&Block, &mut S, &mut Tally, u32, u64) + Sync,
    ) -> Tally {
        let tally = || Tally::new(stakes.seeds.len(), items);
        worlds
            .blocks()
            .fold(
                || (Block::new(self), scratch(), tally()),
                |(mut block, mut scratch, mut tally), (number, lanes)| {
                    block.draw(self, worlds.seed, number);
                    block.spread(self, lanes);
                    add(&block, &mut scratch, &mut tally, number, lanes);
                    (block, scratch, tally)
                },
            )
            .map(|(_, _, tally)| tally)
            .reduce(tally, Tally::plus)
    }
}

/// Worlds that are kept, to ask many questions of the same ones.
#[derive(Debug)]
pub struct Drawn<'c> {
    pub(super) cascade: &'c Cascade,
    /// The worlds of each block, by its number.
    pub(super) blocks: Vec<(u32, Vec<World>)>,
}

impl<'c> Drawn<'c> {
    /// Draws the worlds.
    pub fn of(cascade: &'c Cascade, worlds: Worlds) -> Drawn<'c> {
        let draw = |(number, lanes): (u32, u64)| {
            let mut block = Block::new(cascade);
            block.draw(cascade, worlds.seed, number);
            block.spread(cascade, lanes);
            let worlds = 0..lanes.count_ones();
            (number, worlds.map(|lane| World::of(cascade, &block, lane)).collect())
        };
        let mut blocks: Vec<_> = worlds.blocks().map(draw).collect();
        blocks.sort_by_key(|(number, _)| *number);
        Drawn { cascade, blocks }
    }

    /// Returns how many worlds surely fit into so many bytes, rounded down to blocks of 64 but at
    /// least one block.
    pub fn within(cascade: &Cascade, bytes: usize) -> u32 {
        let per_node = (cascade.roots.div_ceil(64) + 2) * size_of::<u64>();
        let per_edge = 2 * size_of::<Node>();
        let world = cascade.nodes.len() * per_node + cascade.edges.len() * per_edge;
        let blocks = bytes / (world * LANES as usize).max(1);
        u32::try_from(blocks).unwrap_or(u32::MAX).clamp(1, u32::MAX / LANES) * LANES
    }

    /// Sums, for each scenario, what is saved if all of some nodes are blocked; the only item is
    /// the whole.
    ///
    /// # Panics
    ///
    /// As [`Cascade::loss`].
    pub fn fall(&self, stakes: Stakes<'_>, blocked: &[Node]) -> Tally {
        let sites = Sites::of(self.cascade, stakes);
        let place = |&n: &Node| self.cascade.position[index(n)];
        let mut blocked: Vec<u32> = blocked.iter().filter_map(place).collect();
        blocked.sort_unstable();
        blocked.dedup();
        let mut loss = Loss::new(self.cascade);
        let mut saved = vec![0; stakes.seeds.len()];
        let mut tally = Tally::new(stakes.seeds.len(), 1);
        for (number, worlds) in &self.blocks {
            let lanes = u64::MAX.unbounded_shr(LANES - node(worlds.len()));
            let mut scenarios: Vec<_> = tally.scenarios(*number, lanes).collect();
            for world in worlds {
                sites.fall(self.cascade, world, &mut loss, &blocked, &mut saved);
                for (sums, saved) in scenarios.iter_mut().zip(&saved) {
                    sums[0] += saved;
                }
            }
        }
        tally
    }
}

/// Where harm may begin, by position.
struct Sites<'a> {
    /// By scenario, and position.
    by_scenario: Vec<Vec<u64>>,
    losses: &'a [u32],
    /// The loss of every root, if they are all the same.
    even: Option<u64>,
}

impl<'a> Sites<'a> {
    fn of(cascade: &Cascade, stakes: Stakes<'a>) -> Sites<'a> {
        assert_eq!(stakes.losses.len(), cascade.roots, "one loss for each root");
        for seeds in stakes.seeds {
            assert_eq!(seeds.len(), cascade.len, "one seed for each node");
        }
        let by_position =
            |seeds: &Vec<u64>| cascade.nodes.iter().map(|&n| seeds[index(n)]).collect();
        let first = stakes.losses.first().copied();
        let even = first.filter(|first| stakes.losses.iter().all(|loss| loss == first));
        Sites {
            by_scenario: stakes.seeds.iter().map(by_position).collect(),
            losses: stakes.losses,
            even: even.map(u64::from),
        }
    }

    /// Returns what it costs that harm reaches some roots in one world.
    fn cost(&self, roots: &[u64]) -> u64 {
        if let Some(loss) = self.even {
            return loss * roots.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        let bits = roots.iter().zip(self.losses.chunks(64)).flat_map(|(&word, losses)| {
            losses.iter().enumerate().filter(move |(bit, _)| word >> bit & 1 == 1)
        });
        bits.map(|(_, &loss)| u64::from(loss)).sum()
    }

    /// Returns what it costs that harm reaches some of the roots whose numbers begin with `first`.
    fn cost_from(&self, first: usize, mut roots: Roots) -> u64 {
        if let Some(loss) = self.even {
            return loss * u64::from(roots.count_ones());
        }
        let mut cost = 0;
        while roots != 0 {
            cost += u64::from(self.losses[first + roots.trailing_zeros() as usize]);
            roots &= roots - 1;
        }
        cost
    }

    /// Adds what harm that begins at a position costs, if its arrival costs so much.
    fn add(&self, sums: &mut [u128], position: usize, cost: u64) {
        for (sum, seeds) in sums.iter_mut().zip(&self.by_scenario) {
            *sum += u128::from(seeds[position]) * u128::from(cost);
        }
    }

    /// Sums what harm costs in all worlds of a block.
    fn loss(&self, cascade: &Cascade, block: &Block, scenario: usize) -> u128 {
        let at = |position: usize| match self.by_scenario[scenario][position] {
            0 => 0,
            seed => {
                let words = &block.reach[cascade.row(position)];
                let count = |word: &u64| u64::from(word.count_ones());
                let cost: u64 = match self.even {
                    Some(loss) => loss * words.iter().map(count).sum::<u64>(),
                    None => words
                        .iter()
                        .zip(self.losses)
                        .map(|(word, &loss)| count(word) * u64::from(loss))
                        .sum(),
                };
                u128::from(seed) * u128::from(cost)
            }
        };
        (0..cascade.nodes.len()).map(at).sum()
    }

    /// Adds what is saved at each root if it is blocked itself: all that reaches it.
    fn add_roots(&self, cascade: &Cascade, block: &Block, seeds: &[u64], sums: &mut [u128]) {
        for (position, &n) in cascade.nodes.iter().enumerate() {
            for &root in cascade.roots_at(position) {
                let reached = block.reach.iter().skip(index(root)).step_by(cascade.roots);
                let saved = reached
                    .zip(seeds)
                    .map(|(worlds, &seed)| u128::from(seed) * u128::from(worlds.count_ones()));
                sums[index(n)] += saved.sum::<u128>() * u128::from(self.losses[index(root)]);
            }
        }
    }

    /// Follows what is lost if each position by itself is blocked, from the roots whose numbers
    /// begin with `first`.
    fn follow_each(
        &self,
        cascade: &Cascade,
        world: &World,
        loss: &mut Loss,
        first: usize,
        scenarios: &mut [&mut [u128]],
    ) {
        for (position, &n) in cascade.nodes.iter().enumerate() {
            world.block(cascade, loss, &[node(position)], |below, lost| {
                let words = lost[first / 64..].iter().take(Roots::BITS as usize / 64);
                let roots = words.rev().fold(0, |roots, &word| roots << 64 | Roots::from(word));
                let others = roots & !roots_from(cascade, position, first);
                let cost = self.cost_from(first, others);
                for (sums, seeds) in scenarios.iter_mut().zip(&self.by_scenario) {
                    sums[index(n)] += u128::from(seeds[below]) * u128::from(cost);
                }
            });
        }
    }

    /// Sums what is saved if some positions, which ascend, are blocked.
    fn fall(
        &self,
        cascade: &Cascade,
        world: &World,
        loss: &mut Loss,
        blocked: &[u32],
        sums: &mut [u128],
    ) {
        sums.fill(0);
        world.block(cascade, loss, blocked, |position, lost| {
            self.add(sums, position, self.cost(lost));
        });
    }
}
