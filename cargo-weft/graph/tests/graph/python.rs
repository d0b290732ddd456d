//! What networkx, in Python, answers too, on real lockfiles and on random graphs.
//!
//! `WEFT_NETWORKX` is a directory that has the module networkx (`pip install --target`); with it
//! set, an oracle that does not answer is a failure.
//! Without it the module that Python finds by itself is asked, and its absence is said on stderr.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "an oracle is a process")]

use std::env;
use std::fs::{self, File};
use std::io::{Write, stderr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use weft_graph::{Node, articulation_points, betweenness, closure_sizes, dominators, minimum_cut};

use crate::lockfile::Lockfile;
use crate::sample::{Sample, acyclic_graph, any_graph};

/// What either says of a graph.
struct Answer {
    dominators: Vec<i64>,
    articulation_points: Vec<Node>,
    betweenness: Vec<f64>,
    closure: Vec<u32>,
    cut: i64,
}

#[test]
fn lockfiles_are_as_networkx_has_them() {
    let workspaces = ["ripgrep", "rust-analyzer", "cargo", "uv", "nushell", "deno", "risingwave"];
    let samples = workspaces.into_iter().filter_map(|workspace| {
        let Lockfile { len, edges, roots } = Lockfile::of(workspace)?;
        Some((workspace.to_owned(), Sample { len, edges, roots }))
    });
    check("lockfiles", &samples.collect::<Vec<_>>());
}

#[test]
fn random_graphs_are_as_networkx_has_them() {
    let mut runner = TestRunner::deterministic();
    let mut draw = |samples: BoxedStrategy<Sample>| {
        samples.new_tree(&mut runner).expect("no sample is refused").current()
    };
    let mut samples = Vec::new();
    for number in 0..60 {
        samples.push((format!("cyclic {number}"), draw(any_graph(40, 90).boxed())));
        samples.push((format!("dense {number}"), draw(any_graph(20, 200).boxed())));
        samples.push((format!("acyclic {number}"), draw(acyclic_graph(80, 300).boxed())));
    }
    check("random", &samples);
}

/// Compares answers on named graphs.
fn check(batch: &str, samples: &[(String, Sample)]) {
    let Some(answers) = ask(batch, samples) else { return };
    assert_eq!(answers.len(), samples.len());
    for ((name, sample), theirs) in samples.iter().zip(answers) {
        let ours = Answer::of(sample);
        assert_eq!(ours.dominators, theirs.dominators, "{name}");
        assert_eq!(ours.articulation_points, theirs.articulation_points, "{name}");
        assert_eq!(ours.closure, theirs.closure, "{name}");
        assert_eq!(ours.cut, theirs.cut, "{name}");
        // Ours is off by what is documented, theirs by the rounding of as many sums.
        let graph = sample.graph();
        let rounding = graph.len() as f64 * graph.edge_count() as f64 / 2_f64.powi(33);
        assert_eq!(theirs.betweenness.len(), sample.len, "{name}");
        for (n, (ours, theirs)) in ours.betweenness.iter().zip(theirs.betweenness).enumerate() {
            let tolerance = rounding + 1e-12 * theirs;
            assert!((ours - theirs).abs() <= tolerance, "{name}, node {n}: {ours} for {theirs}");
        }
    }
}

impl Answer {
    /// Returns our own answer.
    fn of(sample: &Sample) -> Answer {
        let graph = sample.graph();
        let condensation = sample.condensation();
        let tree = dominators(&condensation, &sample.roots, &vec![1; sample.len]);
        let immediate = |n| match tree.immediate(condensation.component(n)) {
            _ if !tree.is_reachable(n) => -2,
            Some(dominator) => i64::from(condensation.members(dominator)[0]),
            None => -1,
        };
        let cuts = articulation_points(&graph, &sample.roots);
        let cost: Vec<u64> = sample.nodes().map(|n| 1 + u64::from(n % 4)).collect();
        let separation = minimum_cut(&graph, &sample.roots, &sinks(sample), &cost).unwrap();
        let units = |value: weft_graph::Betweenness| value.units() as f64 / 2_f64.powi(32);
        Answer {
            dominators: sample.nodes().map(immediate).collect(),
            articulation_points: sample.nodes().filter(|&n| cuts[n as usize]).collect(),
            betweenness: betweenness(&graph).unwrap().into_iter().map(units).collect(),
            closure: closure_sizes(&condensation),
            cut: separation.cut().map_or(-1, |cut| i64::try_from(cut.cost).unwrap()),
        }
    }

    /// Reads the five lines of the oracle's.
    fn parse(lines: &[&str]) -> Answer {
        let [dominators, articulation_points, betweenness, closure, cut] = lines else {
            panic!("an answer of {} lines", lines.len());
        };
        Answer {
            dominators: numbers(dominators),
            articulation_points: numbers(articulation_points),
            betweenness: numbers(betweenness),
            closure: numbers(closure),
            cut: cut.parse().unwrap(),
        }
    }
}

fn numbers<T: FromStr>(line: &str) -> Vec<T> {
    let number = |word: &str| word.parse().ok().expect("answers are numbers");
    line.split_whitespace().map(number).collect()
}

/// Every sixth node that is no root.
fn sinks(sample: &Sample) -> Vec<Node> {
    sample.nodes().step_by(6).filter(|n| !sample.roots.contains(n)).collect()
}

/// Asks the oracle, if there is one.
fn ask(batch: &str, samples: &[(String, Sample)]) -> Option<Vec<Answer>> {
    let directory = env::var_os("WEFT_NETWORKX");
    let python = |argument: &[&str]| {
        let mut command = Command::new("python3");
        command.args(argument).stdin(Stdio::null());
        command.envs(directory.iter().map(|directory| ("PYTHONPATH", directory)));
        command
    };
    let found = python(&["-c", "import networkx"]).output();
    if !found.as_ref().is_ok_and(|output| output.status.success()) {
        assert!(directory.is_none(), "WEFT_NETWORKX is set: {found:?}");
        // Straight to standard error, which the test harness does not capture.
        let said = format!("NOT EVALUATED: python3 has no networkx, and is not asked of {batch}\n");
        stderr().write_all(said.as_bytes()).unwrap();
        return None;
    }

    let question = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{batch}.graphs"));
    fs::write(&question, samples.iter().map(|(_, sample)| written(sample)).collect::<String>())
        .unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/graph/oracle.py");
    let output = python(&[script]).stdin(File::open(question).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    Some(lines.chunks(5).map(Answer::parse).collect())
}

/// Writes a graph as the oracle reads it.
fn written(sample: &Sample) -> String {
    let line = |numbers: &[Node]| {
        let words: Vec<String> = numbers.iter().map(Node::to_string).collect();
        words.join(" ")
    };
    let edges: Vec<Node> = sample.edges.iter().flat_map(|&(from, to)| [from, to]).collect();
    let Sample { len, roots, .. } = sample;
    format!("{len}\n{}\n{}\n{}\n", line(&edges), line(roots), line(&sinks(sample)))
}
