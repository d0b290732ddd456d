//! How long each metric takes on graphs the size of deno's lockfile and of ten thousand nodes.
//!
//! The graphs are made up: nodes attach to earlier ones in proportion to how many already do, as
//! packages do.

use divan::{Bencher, black_box};
use weft_graph::{
    Cascade, Condensation, Graph, HostCode, Node, Probability, Stakes, Tie, Worlds,
    articulation_points, betweenness, depths, dominators, host_reach, minimum_cut, path_counts,
    percolation, reach_from_roots, shortest_path,
};

fn main() {
    divan::main();
}

/// The number of nodes and edges of a graph.
type Size = (u32, usize);

const SIZES: [Size; 2] = [(1_129, 4_609), (10_000, 63_600)];

/// A made-up graph, of which the last twentieth of the nodes are roots.
struct Sample {
    edges: Vec<(Node, Node)>,
    graph: Graph,
    condensation: Condensation,
    roots: Vec<Node>,
}

impl Sample {
    fn new((len, edge_count): Size) -> Sample {
        let edges = scale_free_edges(len, edge_count);
        let graph = Graph::from_edges(len as usize, &edges).expect("edges are in range");
        let condensation = Condensation::of(&graph);
        Sample { edges, graph, condensation, roots: (len - len / 20..len).collect() }
    }
}

/// Returns `count` different edges, each from a higher node to a lower one.
fn scale_free_edges(len: u32, count: usize) -> Vec<(Node, Node)> {
    let mut state = 1;
    // A higher dependent for every node but the last, so that the roots reach them all.
    let dependent_of = |n, state: &mut u64| n + 1 + random(state, len - 1 - n);
    let mut edges: Vec<_> = (0..len - 1).map(|n| (dependent_of(n, &mut state), n)).collect();
    while edges.len() < count {
        let dependent = 1 + random(&mut state, len - 1);
        // Half of the dependencies are drawn from existing edges, so the popular grow more so.
        let uniform = random(&mut state, dependent);
        let drawn = u32::try_from(edges.len()).expect("the count has 32 bits");
        let (_, popular) = edges[random(&mut state, drawn) as usize];
        let dependency = if random(&mut state, 2) == 0 { uniform } else { popular };
        if dependency < dependent {
            edges.push((dependent, dependency));
        }
        if edges.len() == count {
            edges.sort_unstable();
            edges.dedup();
        }
    }
    edges
}

/// Returns a number below `bound` from a linear congruential generator (Knuth's MMIX).
fn random(state: &mut u64, bound: u32) -> u32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u32::try_from((*state >> 33) % u64::from(bound)).expect("the bound has 32 bits")
}

#[divan::bench(args = SIZES)]
fn build(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| Graph::from_edges(size.0 as usize, black_box(&sample.edges)));
}

#[divan::bench(args = SIZES)]
fn condense(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| Condensation::of(black_box(&sample.graph)));
}

#[divan::bench(args = SIZES)]
fn reach(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| reach_from_roots(black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = SIZES)]
fn reach_from_every_node(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let all: Vec<Node> = sample.graph.nodes().collect();
    bencher.bench(|| reach_from_roots(black_box(&sample.condensation), &all));
}

#[divan::bench(args = SIZES)]
fn host(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let every = |step| sample.graph.nodes().map(|n| n % step == 0).collect::<Vec<_>>();
    let (build_links, links): (Vec<_>, Vec<_>) =
        sample.edges.iter().copied().partition(|(dependent, _)| dependent % 5 == 0);
    let (runs_itself, is_host_library) = (every(5), every(13));
    let host = HostCode {
        runs_itself: &runs_itself,
        is_host_library: &is_host_library,
        links: &links,
        build_links: &build_links,
    };
    bencher.bench(|| host_reach(black_box(&sample.condensation), &sample.roots, &host));
}

#[divan::bench(args = SIZES)]
fn dominator(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let weight = vec![1; sample.graph.len()];
    bencher.bench(|| dominators(black_box(&sample.condensation), &sample.roots, &weight));
}

/// Cuts the roots off from every sixth node, as deno from what executes at build time.
#[divan::bench(args = SIZES)]
fn cut(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let (sinks, cost) = every_sixth(&sample);
    bencher.bench(|| minimum_cut(black_box(&sample.graph), &sample.roots, &sinks, &cost));
}

#[divan::bench(args = SIZES)]
fn cut_verified(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let (sinks, cost) = every_sixth(&sample);
    let separation = minimum_cut(&sample.graph, &sample.roots, &sinks, &cost)
        .expect("sinks and costs fit the graph");
    bencher.bench(|| separation.verify(black_box(&sample.graph), &sample.roots, &sinks, &cost));
}

/// Returns every sixth node that is no root, and what it costs to cut each node.
fn every_sixth(sample: &Sample) -> (Vec<Node>, Vec<u64>) {
    let mut sinks: Vec<Node> = sample.graph.nodes().step_by(6).collect();
    sinks.retain(|n| !sample.roots.contains(n));
    (sinks, sample.graph.nodes().map(|n| 1 + u64::from(n % 4)).collect())
}

#[divan::bench(args = SIZES)]
fn articulation(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| articulation_points(black_box(&sample.graph), &sample.roots));
}

#[divan::bench(args = SIZES)]
fn betweenness_on_all_cores(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| betweenness(black_box(&sample.graph)));
}

#[divan::bench(args = SIZES)]
fn betweenness_on_one_core(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    on_one_core(bencher, || betweenness(black_box(&sample.graph)));
}

#[divan::bench(args = SIZES)]
fn path_count(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| path_counts(black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = SIZES)]
fn depth(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| depths(&sample.graph, black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = SIZES)]
fn path(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    bencher.bench(|| shortest_path(black_box(&sample.graph), &sample.roots, 0));
}

#[divan::bench(args = SIZES)]
fn percolation_of_1024_trials_on_all_cores(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let keys: Vec<u64> = sample.graph.nodes().map(u64::from).collect();
    bencher.bench(|| percolation(black_box(&sample.condensation), &sample.roots, &keys, 1024, 0));
}

#[divan::bench(args = SIZES)]
fn percolation_of_1024_trials_on_one_core(bencher: Bencher<'_, '_>, size: Size) {
    let sample = Sample::new(size);
    let keys: Vec<u64> = sample.graph.nodes().map(u64::from).collect();
    on_one_core(bencher, || {
        percolation(black_box(&sample.condensation), &sample.roots, &keys, 1024, 0)
    });
}

fn on_one_core<T: Send>(bencher: Bencher<'_, '_>, compute: impl Fn() -> T + Sync) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread can be started");
    bencher.bench_local(|| pool.install(&compute));
}

/// Worlds in which every edge is live with probability 0.4, seen from all roots.
fn cascade_of(sample: &Sample, units: u32, roots: &[Node]) -> Cascade {
    let probability = Probability::from_units(units).expect("the probability is in range");
    let tie = |(key, &(dependent, dependency)): (u64, &(Node, Node))| Tie {
        dependent,
        dependency,
        key,
        probability,
    };
    let ties: Vec<Tie> = (0..).zip(&sample.edges).map(tie).collect();
    Cascade::new(sample.graph.len(), &ties, roots).expect("ties are in range")
}

/// 0.4 to 16 binary digits, and to 8.
const GRIDS: [u32; 2] = [26_214, 102 << 8];

#[divan::bench(args = GRIDS)]
fn cascade_of_10240_worlds_on_one_core(bencher: Bencher<'_, '_>, units: u32) {
    let sample = Sample::new(SIZES[0]);
    let cascade = cascade_of(&sample, units, &sample.roots);
    let seeds = [vec![1; sample.graph.len()]];
    let losses = vec![1; sample.roots.len()];
    let stakes = Stakes { seeds: &seeds, losses: &losses };
    let worlds = Worlds { seed: 1, count: 10_240 };
    on_one_core(bencher, || black_box(&cascade).loss(worlds, stakes));
}

#[divan::bench(sample_count = 5)]
fn falls_of_every_node_in_10240_worlds_on_one_core(bencher: Bencher<'_, '_>) {
    let sample = Sample::new(SIZES[0]);
    let cascade = cascade_of(&sample, GRIDS[0], &sample.roots);
    let seeds = [vec![1; sample.graph.len()]];
    let losses = vec![1; sample.roots.len()];
    let stakes = Stakes { seeds: &seeds, losses: &losses };
    let worlds = Worlds { seed: 1, count: 10_240 };
    on_one_core(bencher, || black_box(&cascade).falls(worlds, stakes));
}
