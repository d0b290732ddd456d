//! Writes down a graph that the benchmarks use, or measures one metric of it, for other programs.
//!
//! usage: measure GRAPH edges
//!        measure GRAPH METRIC RUNS
//!
//! GRAPH is deno, 10k, 100k or 200k, and METRIC articulation, betweenness, closure or dominators.
//! Edges are three lines: the number of nodes, the ends of each edge, the roots.
//! A measurement is a line for each run, its nanoseconds on one core, and then one number that
//! depends on the result.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this measures time")]

#[path = "../tests/graph/lockfile.rs"]
mod lockfile;
#[path = "../benches/metrics/sample.rs"]
mod sample;

use std::env;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use weft_graph::{Node, articulation_points, betweenness, closure_sizes, dominators};

use sample::{Sample, up_to};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (graph, metric, runs) = match arguments[..] {
        [graph, metric @ "edges"] => (graph, metric, "1"),
        [graph, metric, runs] => (graph, metric, runs),
        _ => ("", "", ""),
    };
    let which = up_to(u32::MAX).find(|which| which.to_string() == graph);
    let (Some(which), Ok(runs)) = (which, runs.parse::<u32>()) else {
        eprintln!("usage: measure GRAPH edges | measure GRAPH METRIC RUNS");
        return ExitCode::FAILURE;
    };
    let sample = Sample::of(which);
    if metric == "edges" {
        let ends: Vec<Node> = sample.edges.iter().flat_map(|&(from, to)| [from, to]).collect();
        println!("{}\n{}\n{}", sample.graph.len(), line(&ends), line(&sample.roots));
        return ExitCode::SUCCESS;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread can be started");
    let mut result = None;
    for _ in 0..runs {
        let (value, nanoseconds) = pool.install(|| {
            let start = Instant::now();
            (measure(black_box(sample), metric), start.elapsed().as_nanos())
        });
        result = value;
        println!("{nanoseconds}");
    }
    let Some(result) = result else {
        eprintln!("there is no metric {metric}");
        return ExitCode::FAILURE;
    };
    println!("{result}");
    ExitCode::SUCCESS
}

fn line(numbers: &[Node]) -> String {
    let words: Vec<String> = numbers.iter().map(Node::to_string).collect();
    words.join(" ")
}

/// Computes a metric, and returns a number that shows whether others find the same.
fn measure(sample: &Sample, metric: &str) -> Option<u64> {
    let Sample { graph, condensation, roots, .. } = sample;
    match metric {
        "articulation" => Some(count(articulation_points(graph, roots))),
        "betweenness" => {
            let units: u128 = betweenness(graph).ok()?.into_iter().map(|value| value.units()).sum();
            u64::try_from(units >> 32).ok()
        }
        "closure" => Some(closure_sizes(condensation).into_iter().map(u64::from).sum()),
        "dominators" => {
            let tree = dominators(condensation, roots, &vec![1; graph.len()]);
            Some(count(condensation.graph().nodes().map(|c| tree.immediate(c).is_some())))
        }
        _ => None,
    }
}

fn count(all: impl IntoIterator<Item = bool>) -> u64 {
    all.into_iter().map(u64::from).sum()
}
