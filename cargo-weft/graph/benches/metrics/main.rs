//! How long each metric takes, on deno's lockfile and on made-up graphs of up to 200,000 nodes.

#[path = "../../tests/graph/foreign.rs"]
mod foreign;
#[path = "../../tests/graph/lockfile.rs"]
mod lockfile;
mod peer;
mod sample;

use std::collections::BTreeSet;

use divan::{Bencher, black_box};
use weft_graph::{
    Cascade, Condensation, Drawn, Graph, HostCode, Node, Probability, Stakes, Tie, Worlds,
    articulation_points, betweenness, closure_sizes, depths, dominators, host_reach, minimum_cut,
    path_counts, percolation, reach_from_roots, shortest_path,
};

use sample::{Sample, Which, up_to};

fn main() {
    divan::main();
}

#[divan::bench(args = up_to(200))]
fn build(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| Graph::from_edges(sample.graph.len(), black_box(&sample.edges)));
}

#[divan::bench(args = up_to(200))]
fn condense(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| Condensation::of(black_box(&sample.graph)));
}

#[divan::bench(args = up_to(200))]
fn reach(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| reach_from_roots(black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = up_to(10))]
fn reach_from_every_node(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    let all: Vec<Node> = sample.graph.nodes().collect();
    bencher.bench(|| reach_from_roots(black_box(&sample.condensation), &all));
}

#[divan::bench(args = up_to(200))]
fn host(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
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

/// Cuts the roots off from every sixth node, as deno from what executes at build time.
#[divan::bench(args = up_to(10))]
fn cut(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    let (sinks, cost) = every_sixth(sample);
    bencher.bench(|| minimum_cut(black_box(&sample.graph), &sample.roots, &sinks, &cost));
}

#[divan::bench(args = up_to(10))]
fn cut_verified(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    let (sinks, cost) = every_sixth(sample);
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

#[divan::bench(args = up_to(10))]
fn betweenness_on_all_cores(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| betweenness(black_box(&sample.graph)));
}

#[divan::bench(args = up_to(200))]
fn path_count(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| path_counts(black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = up_to(200))]
fn depth(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| depths(&sample.graph, black_box(&sample.condensation), &sample.roots));
}

#[divan::bench(args = up_to(200))]
fn path(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    bencher.bench(|| shortest_path(black_box(&sample.graph), &sample.roots, 0));
}

#[divan::bench(args = up_to(10))]
fn percolation_of_1024_trials_on_all_cores(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    let keys: Vec<u64> = sample.graph.nodes().map(u64::from).collect();
    bencher.bench(|| percolation(black_box(&sample.condensation), &sample.roots, &keys, 1024, 0));
}

#[divan::bench(args = up_to(10))]
fn percolation_of_1024_trials_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let sample = Sample::of(which);
    let keys: Vec<u64> = sample.graph.nodes().map(u64::from).collect();
    on_one_core(bencher, || {
        percolation(black_box(&sample.condensation), &sample.roots, &keys, 1024, 0)
    });
}

/// What is known of a graph without drawing worlds, from its edges on.
#[divan::bench(args = up_to(0))]
fn all_static_metrics_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let Sample { edges, graph, roots, .. } = Sample::of(which);
    let weight = vec![1; graph.len()];
    on_one_core(bencher, || {
        let graph = Graph::from_edges(graph.len(), black_box(edges)).expect("edges are in range");
        let condensation = Condensation::of(&graph);
        (
            reach_from_roots(&condensation, roots),
            closure_sizes(&condensation),
            dominators(&condensation, roots, &weight),
            articulation_points(&graph, roots),
            betweenness(&graph),
            path_counts(&condensation, roots),
            depths(&graph, &condensation, roots),
        )
    });
}

/// What a cascade is measured with.
struct Risk {
    cascade: Cascade,
    seeds: [Vec<u64>; 1],
    losses: Vec<u32>,
}

impl Risk {
    /// Lets every edge pass harm on with one probability, in units of 2^-16.
    fn of(which: Which, units: u32) -> Risk {
        let Sample { edges, graph, roots, .. } = Sample::of(which);
        let probability = Probability::from_units(units).expect("the probability is in range");
        let tie = |(key, &(dependent, dependency)): (u64, &(Node, Node))| Tie {
            dependent,
            dependency,
            key,
            probability,
        };
        let ties: Vec<Tie> = (0..).zip(edges).map(tie).collect();
        Risk {
            cascade: Cascade::new(graph.len(), &ties, roots).expect("ties are in range"),
            seeds: [vec![1; graph.len()]],
            losses: vec![1; roots.len()],
        }
    }

    fn stakes(&self) -> Stakes<'_> {
        Stakes { seeds: &self.seeds, losses: &self.losses }
    }
}

/// 0.4 to 16 binary digits, and to 8.
const UNITS: u32 = 26_214;
const UNITS_OF_8_DIGITS: u32 = 102 << 8;

const WORLDS: Worlds = Worlds { seed: 1, count: 10_240 };

#[divan::bench(args = up_to(0))]
fn loss_in_10240_worlds_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let risk = Risk::of(which, UNITS);
    on_one_core(bencher, || black_box(&risk.cascade).loss(WORLDS, risk.stakes()));
}

#[divan::bench(args = up_to(0))]
fn loss_in_10240_worlds_of_8_digits_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let risk = Risk::of(which, UNITS_OF_8_DIGITS);
    on_one_core(bencher, || black_box(&risk.cascade).loss(WORLDS, risk.stakes()));
}

#[divan::bench(args = up_to(200), sample_count = 5)]
fn loss_in_1024_worlds_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let risk = Risk::of(which, UNITS);
    let worlds = Worlds { count: 1024, ..WORLDS };
    on_one_core(bencher, || black_box(&risk.cascade).loss(worlds, risk.stakes()));
}

#[divan::bench(args = up_to(0), sample_count = 5)]
fn falls_of_every_node_in_10240_worlds_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let risk = Risk::of(which, UNITS);
    on_one_core(bencher, || black_box(&risk.cascade).falls(WORLDS, risk.stakes()));
}

/// Of the first dependencies of the roots, what blocking any set of them saves.
#[divan::bench(args = up_to(0), sample_count = 5)]
fn savings_of_64_candidates_in_512_worlds_on_one_core(bencher: Bencher<'_, '_>, which: Which) {
    let Sample { graph, roots, .. } = Sample::of(which);
    let direct: BTreeSet<Node> = roots.iter().flat_map(|&n| graph.successors(n)).copied().collect();
    let is_external = |n: &Node| !roots.contains(n);
    let candidates: Vec<Node> = direct.into_iter().filter(is_external).take(64).collect();
    let risk = Risk::of(which, UNITS);
    let drawn = Drawn::of(&risk.cascade, Worlds { count: 512, ..WORLDS });
    on_one_core(bencher, || black_box(&drawn).savings(risk.stakes(), &candidates));
}

fn on_one_core<T: Send>(bencher: Bencher<'_, '_>, compute: impl Fn() -> T + Sync) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread can be started");
    bencher.bench_local(|| pool.install(&compute));
}
