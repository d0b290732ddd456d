//! Drawn worlds against what all worlds together say, of golden graphs and of graphs with cycles.

use weft_graph::{Bounds, Cascade, Node, Probability, Stakes, Tie, Worlds, bounds, mix};

use crate::cascade::{cascade, ties, w};
use crate::sample::Sample;

/// So many that the golden values, of which each is a number of 32nds, are told apart: the sums
/// that are compared have standard deviations below 1/16 of a 32nd.
const MANY: Worlds = Worlds { seed: 1, count: 1 << 20 };
const THIRTY_SECOND: u128 = 1 << 15;

/// Checks how likely the root, node 0, reaches each node, and what is saved if each is blocked, in
/// 32nds and with every edge live in half of the worlds.
fn check_golden(sample: &Sample, reach: &[u128], falls: &[u128]) {
    let cascade = cascade(sample, &ties(sample, &[Probability::UNITS / 2]));
    let stakes = Stakes { seeds: &[vec![1; sample.len]], losses: &[1] };
    let near = |what: &str, sum: u128, thirty_seconds: u128| {
        let off = sum.abs_diff(thirty_seconds * THIRTY_SECOND);
        assert!(off < THIRTY_SECOND / 4, "{what}: {sum} and {thirty_seconds} 32nds");
    };
    let hits = cascade.hits(MANY);
    for (n, &expected) in (0..).zip(reach) {
        near(&format!("reach of {n}"), hits.of(n)[0].into(), expected);
    }
    near("loss", cascade.loss(MANY, stakes).sum(0, 0), reach.iter().sum());
    let found = cascade.falls(MANY, stakes);
    for (n, &expected) in falls.iter().enumerate() {
        near(&format!("fall of {n}"), found.sum(0, n), expected);
    }
}

#[test]
fn drawn_worlds_tell_the_values_of_the_first_golden_graph_apart() {
    check_golden(&w(), &[32, 16, 16, 14, 7, 8], &[93, 25, 33, 21, 7, 8]);
}

#[test]
fn drawn_worlds_tell_the_values_of_the_second_golden_graph_apart() {
    let sample = Sample::new(5, &[(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)], &[0]);
    check_golden(&sample, &[32, 16, 8, 8, 7], &[71, 39, 11, 11, 7]);
}

/// Two roots with losses of their own, and harm that begins in every node.
const ROOTS: [Node; 2] = [0, 1];
const LOSSES: [u32; 2] = [1, 3];
const SEEDS: [u64; 6] = [5, 2, 7, 1, 3, 11];

/// All graphs whose edges are some of twelve.
struct Family {
    len: usize,
    ties: Vec<Tie>,
}

/// The nodes that each node's live edges lead to, as bits.
type World = [u8; 6];

impl Family {
    fn of(len: usize, edges: &[(Node, Node)]) -> Family {
        let units = [26_214, 32_768, 60_000, 45_000, 26_214];
        Family { len, ties: ties(&Sample::new(len, edges, &ROOTS), &units) }
    }

    /// Returns the ties of a graph, which is numbered by the bits of its edges.
    fn graph(&self, graph: usize) -> Vec<Tie> {
        let there = self.ties.iter().enumerate().filter(|(edge, _)| graph >> edge & 1 == 1);
        there.map(|(_, tie)| *tie).collect()
    }

    fn world(&self, live: usize) -> World {
        let mut world = World::default();
        for tie in self.graph(live) {
            world[tie.dependent as usize] |= 1 << tie.dependency;
        }
        world
    }

    /// Returns, for each graph, what is expected of something that is known in each world.
    fn expected(&self, of_world: impl Fn(&World) -> f64) -> Vec<f64> {
        let worlds = 0..1_usize << self.ties.len();
        let mut expected: Vec<f64> = worlds.map(|live| of_world(&self.world(live))).collect();
        // Edge by edge, a graph's worlds become those in which the edge is live and those in which
        // it is not.
        for (edge, tie) in self.ties.iter().enumerate() {
            let live = f64::from(tie.probability.units()) / f64::from(Probability::UNITS);
            for graph in (0..expected.len()).filter(|graph| graph >> edge & 1 == 1) {
                let without = expected[graph ^ 1 << edge];
                expected[graph] = live * expected[graph] + (1.0 - live) * without;
            }
        }
        expected
    }
}

/// Returns the nodes that a root reaches past a blocked one, as bits.
fn reached(world: &World, root: Node, blocked: Option<Node>) -> u8 {
    let open = blocked.map_or(u8::MAX, |blocked| !(1 << blocked));
    let mut reached = 1 << root & open;
    for _ in world {
        let nodes = (0..world.len()).filter(|n| reached >> n & 1 == 1);
        reached |= nodes.fold(0, |next, n| next | world[n]) & open;
    }
    reached
}

/// Returns what is lost in a world past a blocked node.
fn lost(world: &World, blocked: Option<Node>) -> u64 {
    let of_root = |(&root, &loss): (&Node, &u32)| {
        let reached = reached(world, root, blocked);
        let seeds = SEEDS.iter().enumerate().filter(|(n, _)| reached >> n & 1 == 1);
        u64::from(loss) * seeds.map(|(_, seed)| seed).sum::<u64>()
    };
    ROOTS.iter().zip(&LOSSES).map(of_root).sum()
}

fn fall(world: &World, blocked: Node) -> f64 {
    let fall = lost(world, None) - lost(world, Some(blocked));
    f64::from(u32::try_from(fall).expect("seeds and losses are small"))
}

fn pairs(len: Node) -> Vec<(Node, Node)> {
    let pairs = (0..len).flat_map(|a| (0..len).map(move |b| (a, b)));
    pairs.filter(|(a, b)| a != b).collect()
}

/// All graphs of four nodes, and with them those of fewer, each of which is one with nodes that
/// nothing leads to; and of five and six nodes some that twelve edges make.
///
/// Beside each family stands by how much the numbers of its graphs differ.
fn families() -> Vec<(Family, usize)> {
    let mut families = vec![(Family::of(4, &pairs(4)), 1)];
    for len in [5, 6] {
        let of_draw = |draw: u64| {
            let mut edges = pairs(len);
            edges.sort_by_key(|&(a, b)| mix(draw << 16 | u64::from(a << 8 | b)));
            edges.truncate(12);
            Family::of(len as usize, &edges)
        };
        let is_whole = |family: &Family| {
            let world = family.world((1 << 12) - 1);
            ROOTS.iter().all(|&root| reached(&world, root, None).count_ones() == len)
        };
        let whole = (0..).map(of_draw).filter(is_whole).take(10);
        families.extend(whole.map(|family| (family, 37)));
    }
    families
}

/// How far estimates are from what is expected of them.
#[derive(Default)]
struct Estimates {
    count: u32,
    /// Those that one in a hundred is.
    far: u32,
}

impl Estimates {
    fn add(&mut self, sum: f64, worlds: u32, mean: f64, square: f64) {
        let worlds = f64::from(worlds);
        let variance = (square - mean * mean) * worlds;
        if variance < 1e-6 {
            assert!((sum - mean * worlds).abs() < 1e-3, "{sum} is certain to be {mean} on average");
            return;
        }
        let off = (sum - mean * worlds).abs() / variance.sqrt();
        assert!(off < 5.5, "{sum} in {worlds} worlds is {off} deviations from {mean} on average");
        self.count += 1;
        self.far += u32::from(off > 2.576);
    }

    /// Checks that about one in a hundred is as far off as that.
    fn check(&self, at_least: u32) {
        let Estimates { count, far } = *self;
        assert!(count > at_least, "{count}");
        assert!((count / 140..count / 75).contains(&far), "{far} of {count}");
    }
}

#[test]
fn estimates_for_graphs_with_cycles_are_as_far_off_as_chance_allows() {
    const WORLDS: u32 = 1_024;
    let (mut reaches, mut falls, mut graphs) = (Estimates::default(), Estimates::default(), 0);
    for (number, (family, step)) in (0_u64..).zip(families()) {
        let Family { len, .. } = family;
        let nodes: Vec<Node> = (0..).take(len).collect();
        let reach = |n: Node, root: Node| {
            family.expected(|world| f64::from(reached(world, root, None) >> n & 1))
        };
        let exact: Vec<[Vec<f64>; 2]> =
            nodes.iter().map(|&n| ROOTS.map(|root| reach(n, root))).collect();
        let moment = |n: Node, power: i32| family.expected(|world| fall(world, n).powi(power));
        let exact_falls: Vec<[Vec<f64>; 2]> =
            nodes.iter().map(|&n| [1, 2].map(|power| moment(n, power))).collect();
        for graph in (0..1 << family.ties.len()).step_by(step) {
            graphs += 1;
            let there = family.graph(graph);
            let cascade = Cascade::new(len, &there, &ROOTS).unwrap();
            let worlds = Worlds { seed: mix(number << 32 | graph as u64), count: WORLDS };
            let hits = cascade.hits(worlds);
            for (at, root) in ROOTS.into_iter().enumerate() {
                let known = bounds(len, &there, root).unwrap();
                for (&n, known) in nodes.iter().zip(known) {
                    let exact = exact[n as usize][at][graph];
                    let [lower, upper] =
                        [known.lower, known.upper].map(|bound| bound as f64 / Bounds::UNITS as f64);
                    assert!(
                        lower <= exact + 1e-12 && exact <= upper + 1e-12,
                        "{there:?}: {n} from {root} is {exact}, and not {lower} to {upper}"
                    );
                    let hits = hits.of(n).get(at).copied().unwrap_or_default();
                    reaches.add(hits.into(), WORLDS, exact, exact);
                }
            }
            let stakes = Stakes { seeds: &[SEEDS[..len].to_vec()], losses: &LOSSES };
            let tally = cascade.falls(worlds, stakes);
            for &n in &nodes {
                let sum = u32::try_from(tally.sum(0, n as usize)).unwrap();
                let [mean, square] = exact_falls[n as usize].each_ref().map(|all| all[graph]);
                falls.add(sum.into(), WORLDS, mean, square);
            }
        }
    }
    assert!(graphs > 4_096 + 20 * 100, "{graphs}");
    reaches.check(20_000);
    falls.check(20_000);
}
