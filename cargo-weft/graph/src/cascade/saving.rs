//! What blocking any few of some candidates saves in drawn worlds, as a function of the set alone.
//!
//! Harm in a node is kept from a root once each live path between the two passes something blocked.
//! Of a path only its candidates matter, and of several paths only those that have no other's
//! candidates among their own: a set of candidates saves the loss if it meets them all.
//! Where the paths are the same, losses of other worlds, roots and nodes are added up, so that a
//! set is judged by some thousands of cases, and no longer followed through every world.
//!
//! The same paths say what a budget can save at most.
//! Any set that saves a loss has a candidate on whichever path is picked for it, so if the loss is
//! counted for all candidates of that path, no set saves more than is counted for its candidates;
//! means of several picks are as good, and are found as in
//! [`blocking_shares`](crate::blocking_shares).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::loss::Drawn;
use super::world::World;
use super::{Cascade, Stakes};
use crate::graph::{Node, index, node};

/// A set of candidates.
type Set = u64;

/// What blocking sets of candidates saves.
///
/// Sums are over [`Savings::worlds`] worlds, in units of seeds times losses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Savings {
    worlds: u128,
    cases: Vec<Case>,
}

/// A loss, and what it takes to save it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Case {
    paths: Paths,
    loss: u128,
}

/// The candidates on each path to a loss, where no path has all of another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Paths {
    /// In ascending order.
    sets: Vec<Set>,
    /// Whether none has been left out.
    is_whole: bool,
}

impl Savings {
    /// The most candidates there can be.
    pub const MOST_CANDIDATES: usize = Set::BITS as usize;

    /// Returns over how many worlds sums are: an expectation is a sum divided by this.
    pub fn worlds(&self) -> u128 {
        self.worlds
    }

    /// Returns whether [`Savings::fall`] leaves nothing out.
    pub fn is_exact(&self) -> bool {
        self.cases.iter().all(|case| case.paths.is_whole)
    }

    /// Sums what is saved if the candidates in `chosen` are blocked.
    ///
    /// It is what [`Drawn::fall`] says, in all scenarios together; no more than that if some loss
    /// has too many paths to know them all.
    pub fn fall(&self, chosen: &[usize]) -> u128 {
        let chosen = set(chosen);
        let is_saved = |case: &&Case| case.paths.is_whole && case.paths.are_met_by(chosen);
        self.cases.iter().filter(is_saved).map(|case| case.loss).sum()
    }

    /// Returns a sum that no set exceeds which holds `chosen`, and of `undecided` what `left` of a
    /// budget pays for.
    ///
    /// `cost` says what each candidate costs.
    pub fn bound(
        &self,
        chosen: &[usize],
        undecided: &[usize],
        left: u64,
        cost: impl Fn(usize) -> u64,
    ) -> u128 {
        let open = self.open(set(chosen), set(undecided), left, &cost);
        let mut shares = Shares::new(undecided, &cost, left);
        let mut bound = open.losses.iter().map(|(_, loss)| loss).sum::<u128>();
        for _ in 0..ROUNDS {
            for (paths, loss) in &open.losses {
                shares.carry(paths, *loss);
            }
            bound = bound.min(shares.bound());
            shares.buy();
        }
        open.saved + bound
    }

    /// Sorts losses by what is left to decide.
    fn open(&self, chosen: Set, undecided: Set, left: u64, cost: impl Fn(usize) -> u64) -> Open {
        let mut open = Open { saved: 0, losses: Vec::new() };
        for Case { paths, loss } in &self.cases {
            let unmet = paths.sets.iter().filter(|&&path| path & chosen == 0);
            let rest: Vec<Set> = unmet.map(|&path| path & undecided).collect();
            if rest.is_empty() {
                open.saved += loss;
            } else if least_cost(&rest, &cost) <= left {
                open.losses.push((rest, *loss));
            }
        }
        open
    }

    /// Adds what blocking the same candidates saves elsewhere, as an expectation.
    #[must_use]
    pub fn plus(self, other: Savings) -> Savings {
        let worlds = lcm(self.worlds, other.worlds);
        let mut losses = BTreeMap::<Paths, u128>::new();
        for savings in [self, other] {
            let times = worlds / savings.worlds;
            for case in savings.cases {
                *losses.entry(case.paths).or_default() += case.loss * times;
            }
        }
        Savings::of(worlds, losses)
    }

    fn of(worlds: u128, losses: BTreeMap<Paths, u128>) -> Savings {
        let cases = losses.into_iter().map(|(paths, loss)| Case { paths, loss });
        Savings { worlds, cases: cases.collect() }
    }
}

/// How often paths are picked for a bound.
const ROUNDS: u32 = 6;

/// Losses of which some are saved already.
struct Open {
    saved: u128,
    /// What else can be saved, with the undecided candidates on each path that is left.
    losses: Vec<(Vec<Set>, u128)>,
}

/// Returns what it costs at least to meet all of some paths: those that share no candidate have to
/// be met one by one.
fn least_cost(paths: &[Set], cost: impl Fn(usize) -> u64) -> u64 {
    let (mut met, mut least) = (0, 0_u64);
    for &path in paths {
        if path & met == 0 {
            met |= path;
            // None meets a path without candidates.
            let cheapest = ones(path).map(&cost).min().unwrap_or(u64::MAX);
            least = least.saturating_add(cheapest);
        }
    }
    least
}

/// What is counted for each candidate, as a sum of several rounds.
struct Shares<'a> {
    undecided: &'a [usize],
    cost: Vec<u64>,
    left: u64,
    rounds: u128,
    sums: Vec<u128>,
    bought: Vec<u64>,
}

impl<'a> Shares<'a> {
    fn new(undecided: &'a [usize], cost: impl Fn(usize) -> u64, left: u64) -> Shares<'a> {
        let len = undecided.iter().max().map_or(0, |last| last + 1);
        Shares {
            undecided,
            cost: (0..len).map(cost).collect(),
            left,
            rounds: 1,
            sums: vec![0; len],
            bought: vec![0; len],
        }
    }

    /// Counts a loss for all candidates of the path that has the fewest of those bought so far.
    fn carry(&mut self, paths: &[Set], loss: u128) {
        let toll = |&&path: &&Set| {
            (ones(path).map(|c| self.bought[c]).sum::<u64>(), path.count_ones(), path)
        };
        let path = paths.iter().min_by_key(toll).copied().unwrap_or_default();
        ones(path).for_each(|candidate| self.sums[candidate] += loss);
    }

    /// Returns what the means allow at most, a part of one candidate included.
    ///
    /// Shares are rounded up to multiples of their costs, so that rates can be told apart exactly.
    fn bound(&self) -> u128 {
        let mut left = self.left;
        let mut sum = 0;
        for candidate in self.by_rate() {
            let part = self.cost[candidate].min(left);
            left -= part;
            sum += match self.rate(candidate) {
                Some(rate) => rate * u128::from(part),
                None => self.sums[candidate],
            };
        }
        sum / self.rounds
    }

    /// Spends the budget on the largest shares, and begins another round.
    fn buy(&mut self) {
        let mut left = self.left;
        for candidate in self.by_rate() {
            let Some(rest) = left.checked_sub(self.cost[candidate]) else { break };
            left = rest;
            self.bought[candidate] += 1;
        }
        self.rounds += 1;
    }

    /// Returns the candidates, those first that have the largest share for their cost.
    fn by_rate(&self) -> Vec<usize> {
        let mut candidates = self.undecided.to_vec();
        let rate = |candidate| self.rate(candidate).unwrap_or(u128::MAX);
        candidates.sort_by_key(|&candidate| (Reverse(rate(candidate)), candidate));
        candidates
    }

    /// Returns a candidate's share for its cost, rounded up, if it costs anything.
    fn rate(&self, candidate: usize) -> Option<u128> {
        let cost = u128::from(self.cost[candidate]);
        (cost > 0).then(|| self.sums[candidate].div_ceil(cost))
    }
}

impl Drawn<'_> {
    /// Finds what blocking any set of some candidates saves in these worlds, in all scenarios
    /// together.
    ///
    /// # Panics
    ///
    /// As [`Cascade::loss`], and if there are more than [`Savings::MOST_CANDIDATES`].
    pub fn savings(&self, stakes: Stakes<'_>, candidates: &[Node]) -> Savings {
        assert!(candidates.len() <= Savings::MOST_CANDIDATES, "one bit for each candidate");
        let cascade = self.cascade;
        let seeds = stakes.seeds.iter().inspect(|seeds| assert_eq!(seeds.len(), cascade.len));
        assert_eq!(stakes.losses.len(), cascade.roots, "one loss for each root");
        let mut all = vec![0_u128; cascade.len];
        for seeds in seeds {
            all.iter_mut().zip(seeds).for_each(|(sum, &seed)| *sum += u128::from(seed));
        }
        let mut own = vec![0; cascade.nodes.len()];
        for (number, &candidate) in candidates.iter().enumerate() {
            if let Some(position) = cascade.position[index(candidate)] {
                own[index(position)] |= 1 << number;
            }
        }
        let seeds: Vec<u128> = cascade.nodes.iter().map(|&n| all[index(n)]).collect();
        let of_block = |(_, worlds): &(u32, Vec<World>)| {
            let mut tracer = Tracer::new(cascade, &own, &seeds, stakes.losses);
            worlds.iter().for_each(|world| tracer.trace(world));
            (worlds.len() as u128, tracer.losses())
        };
        let (worlds, losses) = self.blocks.par_iter().map(of_block).reduce(
            || (0, BTreeMap::new()),
            |(worlds, mut losses), (other_worlds, others)| {
                for (paths, loss) in others {
                    *losses.entry(paths).or_default() += loss;
                }
                (worlds + other_worlds, losses)
            },
        );
        Savings::of(worlds.max(1), losses)
    }
}

/// Finds the paths to each position, from one root after another.
struct Tracer<'a> {
    cascade: &'a Cascade,
    /// The candidates at each position.
    own: &'a [Set],
    seeds: &'a [u128],
    roots: Vec<(usize, u32, u128)>,
    paths: Interner,
    /// What is lost by paths.
    losses: Vec<u128>,
    /// The paths to each position.
    to: Vec<Option<u32>>,
}

impl<'a> Tracer<'a> {
    fn new(cascade: &'a Cascade, own: &'a [Set], seeds: &'a [u128], losses: &[u32]) -> Tracer<'a> {
        let at = |position| cascade.roots_at(position).iter().map(move |&root| (position, root));
        let roots = (0..cascade.nodes.len()).flat_map(at);
        let roots = roots.map(|(position, root)| (position, root, losses[index(root)].into()));
        Tracer {
            cascade,
            own,
            seeds,
            roots: roots.filter(|(.., loss)| *loss > 0).collect(),
            paths: Interner::new(),
            losses: Vec::new(),
            to: vec![None; cascade.nodes.len()],
        }
    }

    /// Adds the losses of a world.
    fn trace(&mut self, world: &World) {
        for (start, root, loss) in self.roots.clone() {
            self.to.fill(None);
            let mut at = start;
            while at < self.to.len() {
                let (begin, end) = self.cascade.component[at];
                let members = index(begin)..index(end);
                at = members.end;
                // A path that visits no member twice is known after as many passes.
                for _ in members.clone() {
                    let mut is_new = false;
                    for member in members.clone().filter(|&m| world.is_reached_by(m, root)) {
                        is_new |= self.visit(world, member, member == start);
                    }
                    if !is_new {
                        break;
                    }
                }
            }
            for (position, to) in self.to.iter().enumerate() {
                let Some(to) = *to else { continue };
                if to != Interner::OPEN {
                    self.losses.resize(self.losses.len().max(index(to) + 1), 0);
                    self.losses[index(to)] += self.seeds[position] * loss;
                }
            }
        }
    }

    /// Joins the paths to a position's dependents, and says whether there is a new one.
    fn visit(&mut self, world: &World, position: usize, is_start: bool) -> bool {
        let mut to = is_start.then_some(Interner::OPEN);
        for &dependent in world.dependents_of(position) {
            let Some(other) = self.to[index(dependent)] else { continue };
            to = Some(to.map_or(other, |to| self.paths.join(to, other)));
            if to == Some(Interner::OPEN) {
                break;
            }
        }
        let to = to.map(|to| self.paths.through(to, self.own[position]));
        let is_new = self.to[position] != to;
        self.to[position] = to;
        is_new
    }

    fn losses(self) -> BTreeMap<Paths, u128> {
        let losses = self.paths.all.into_iter().zip(self.losses);
        losses.filter(|(_, loss)| *loss > 0).collect()
    }
}

/// Paths by number, so that the same are joined once.
struct Interner {
    all: Vec<Paths>,
    numbers: BTreeMap<Paths, u32>,
    joined: BTreeMap<(u32, u32), u32>,
    through: BTreeMap<(u32, Set), u32>,
}

impl Interner {
    /// A path without candidates, besides which no other matters: whatever it leads to is lost.
    const OPEN: u32 = 0;

    fn new() -> Interner {
        let mut interner = Interner {
            all: Vec::new(),
            numbers: BTreeMap::new(),
            joined: BTreeMap::new(),
            through: BTreeMap::new(),
        };
        interner.number(Paths { sets: vec![0], is_whole: true });
        interner
    }

    fn number(&mut self, paths: Paths) -> u32 {
        let next = node(self.all.len());
        *self.numbers.entry(paths).or_insert_with_key(|paths| {
            self.all.push(paths.clone());
            next
        })
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == Self::OPEN {
            return b;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(&number) = self.joined.get(&pair) {
            return number;
        }
        let [one, other] = [&self.all[index(a)], &self.all[index(b)]];
        let sets = [&one.sets[..], &other.sets].concat();
        let number = self.number(Paths::of(sets, one.is_whole && other.is_whole));
        self.joined.insert(pair, number);
        number
    }

    /// Leads paths on through candidates.
    fn through(&mut self, a: u32, candidates: Set) -> u32 {
        if candidates == 0 {
            return a;
        }
        if let Some(&number) = self.through.get(&(a, candidates)) {
            return number;
        }
        let Paths { sets, is_whole } = &self.all[index(a)];
        let sets = sets.iter().map(|path| path | candidates).collect();
        let number = self.number(Paths::of(sets, *is_whole));
        self.through.insert((a, candidates), number);
        number
    }
}

impl Paths {
    /// The most that are kept.
    const MOST: usize = 64;

    /// Keeps of some paths those that matter.
    fn of(mut all: Vec<Set>, is_whole: bool) -> Paths {
        all.sort_unstable_by_key(|path| (path.count_ones(), *path));
        let mut sets: Vec<Set> = Vec::new();
        for path in all {
            if sets.iter().all(|shorter| shorter & path != *shorter) {
                sets.push(path);
            }
        }
        // The longest are those that are met most easily.
        let is_whole = is_whole && sets.len() <= Self::MOST;
        sets.truncate(Self::MOST);
        sets.sort_unstable();
        Paths { sets, is_whole }
    }

    fn are_met_by(&self, chosen: Set) -> bool {
        self.sets.iter().all(|path| path & chosen != 0)
    }
}

fn set(candidates: &[usize]) -> Set {
    candidates.iter().fold(0, |set, candidate| set | 1 << candidate)
}

fn ones(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(first)
    })
}

fn lcm(a: u128, b: u128) -> u128 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
