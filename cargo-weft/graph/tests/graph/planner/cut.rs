//! Cuts against all sets of nodes, against petgraph's flows, and with proofs that were changed.

use std::collections::BTreeSet;

use petgraph::algo::{dinics, ford_fulkerson};
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;
use weft_graph::{Cut, CutFault, FlowPath, GraphError, Node, Separation, UNCUTTABLE, minimum_cut};

use crate::brute;
use crate::sample::{Sample, chain, with_names};

/// What is asked of a graph; the roots of the sample are the sources.
#[derive(Debug, Clone)]
struct Question {
    sample: Sample,
    sinks: Vec<Node>,
    cost: Vec<u64>,
}

impl Question {
    fn answer(&self) -> Separation {
        minimum_cut(&self.sample.graph(), &self.sample.roots, &self.sinks, &self.cost)
            .expect("the question fits the graph")
    }

    fn verify(&self, separation: &Separation) -> Result<(), CutFault> {
        separation.verify(&self.sample.graph(), &self.sample.roots, &self.sinks, &self.cost)
    }

    fn renamed(&self, names: &[Node]) -> Question {
        let mut cost = self.cost.clone();
        for (&name, &own) in names.iter().zip(&self.cost) {
            cost[name as usize] = own;
        }
        let sinks = self.sinks.iter().map(|&n| names[n as usize]).collect();
        Question { sample: self.sample.renamed(names), sinks, cost }
    }

    /// Returns what the sources reach past a cut.
    fn reached(&self, cut: &[Node]) -> BTreeSet<Node> {
        brute::reached(&self.sample, &self.sample.roots, cut)
    }

    fn separates(&self, cut: &[Node]) -> bool {
        let reached = self.reached(cut);
        self.sinks.iter().all(|sink| !reached.contains(sink))
    }

    /// Returns the cheapest cuts that have no needless node, found among all sets.
    fn cheapest_cuts(&self) -> Vec<(Vec<Node>, u64)> {
        let can_be_cut =
            |n: &Node| !self.sample.roots.contains(n) && self.cost[*n as usize] != UNCUTTABLE;
        let nodes: Vec<Node> = self.sample.nodes().filter(can_be_cut).collect();
        let sets = (0..1_u32 << nodes.len()).map(|set| -> Vec<Node> {
            let chosen = nodes.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
            chosen.map(|(_, &n)| n).collect()
        });
        let is_needed = |cut: &[Node], n: Node| {
            let rest: Vec<Node> = cut.iter().copied().filter(|&m| m != n).collect();
            !self.separates(&rest)
        };
        let mut cuts: Vec<(Vec<Node>, u64)> = sets
            .filter(|cut| self.separates(cut) && cut.iter().all(|&n| is_needed(cut, n)))
            .map(|cut| {
                let cost = cut.iter().map(|&n| self.cost[n as usize]).sum();
                (cut, cost)
            })
            .collect();
        let least = cuts.iter().map(|(_, cost)| *cost).min();
        cuts.retain(|(_, cost)| Some(*cost) == least);
        cuts
    }
}

/// Questions about graphs of any kind, mostly about ways that exist and can be cut.
fn any_question(max_nodes: u32, max_edges: usize) -> impl Strategy<Value = Question> {
    let sample = (2..=max_nodes).prop_flat_map(move |len| {
        let edges = prop::collection::vec((0..len, 0..len), len as usize..=max_edges);
        let roots = prop::collection::btree_set(0..len, 1..=2);
        (edges, roots).prop_map(move |(edges, roots)| {
            Sample::new(len as usize, &edges, &Vec::from_iter(roots))
        })
    });
    (sample, prop::bool::weighted(0.1)).prop_flat_map(|(sample, any_sink)| {
        let cost = prop_oneof![1 => Just(0), 12 => 1..5_u64, 1 => Just(UNCUTTABLE)];
        let cost = prop::collection::vec(cost, sample.len);
        let can_be_sink = |n: &Node| any_sink || !sample.roots.contains(n);
        let nodes: Vec<Node> = sample.nodes().filter(can_be_sink).collect();
        let count = nodes.len().min(1)..=nodes.len().min(4);
        let sinks = prop::sample::subsequence(nodes, count);
        (Just(sample), sinks, cost).prop_map(|(sample, sinks, cost)| Question {
            sample,
            sinks,
            cost,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_cut_is_the_cheapest_and_nearest_of_all_sets(question in any_question(8, 20)) {
        let answer = question.answer();
        prop_assert_eq!(question.verify(&answer), Ok(()));
        let cheapest = question.cheapest_cuts();
        let Some(cut) = answer.cut() else {
            prop_assert_eq!(cheapest, []);
            return Ok(());
        };
        prop_assert!(cheapest.contains(&(cut.nodes.clone(), cut.cost)), "{:?}", cut);
        let nearest = question.reached(&cut.nodes);
        for (other, _) in cheapest {
            prop_assert!(nearest.is_subset(&question.reached(&other)));
        }
    }
}

proptest! {
    #[test]
    fn a_cut_does_not_depend_on_numbering(
        (question, names) in any_question(30, 70).prop_flat_map(|question| {
            let names = with_names(Just(question.sample.clone())).prop_map(|(_, names)| names);
            (Just(question), names)
        }),
    ) {
        let renamed = question.renamed(&names).answer();
        let expected = question.answer().cut().map(|cut| {
            let nodes: BTreeSet<_> = cut.nodes.iter().map(|&n| names[n as usize]).collect();
            (Vec::from_iter(nodes), cut.cost)
        });
        prop_assert_eq!(renamed.cut().map(|cut| (cut.nodes.clone(), cut.cost)), expected);
    }

    #[test]
    fn a_cut_costs_what_the_flow_of_petgraph_carries(question in any_question(60, 240)) {
        const WIDE: u64 = 1 << 40;
        let sample = &question.sample;
        let mut network = DiGraph::<(), u64>::new();
        for _ in 0..2 * sample.len + 2 {
            network.add_node(());
        }
        let vertex = |n: Node, side: usize| NodeIndex::new(2 * n as usize + side);
        let [source, sink] = [2 * sample.len, 2 * sample.len + 1].map(NodeIndex::new);
        for n in sample.nodes() {
            let cost = question.cost[n as usize].min(WIDE);
            let width = if sample.roots.contains(&n) { WIDE } else { cost };
            network.add_edge(vertex(n, 0), vertex(n, 1), width);
        }
        for (from, to) in brute::simple_edges(sample) {
            network.add_edge(vertex(from, 1), vertex(to, 0), WIDE);
        }
        for &n in &sample.roots {
            network.add_edge(source, vertex(n, 0), WIDE);
        }
        for &n in &question.sinks {
            network.add_edge(vertex(n, 1), sink, WIDE);
        }
        let answer = question.answer();
        prop_assert_eq!(question.verify(&answer), Ok(()));
        let ours = answer.cut().map(|cut| cut.cost);
        for (theirs, _) in [
            dinics(&network, source, sink),
            ford_fulkerson(&network, source, sink),
        ] {
            prop_assert_eq!(ours, Some(theirs).filter(|&flow| flow < WIDE));
        }
    }

    #[test]
    fn a_proof_that_was_changed_is_refused(question in any_question(20, 60), by in 1..9_u64) {
        let Separation::Possible(cut) = question.answer() else { return Ok(()) };
        let mut changed = Vec::new();
        let mut change = |edit: &dyn Fn(&mut Cut)| {
            let mut cut = cut.clone();
            edit(&mut cut);
            changed.push(cut);
        };
        change(&|cut| cut.cost += by);
        change(&|cut| cut.cost = cut.cost.wrapping_sub(by));
        for i in 0..cut.nodes.len() {
            change(&|cut| _ = cut.nodes.remove(i));
            change(&|cut| cut.nodes.insert(i, cut.nodes[i]));
        }
        for i in 0..cut.flow.len() {
            change(&|cut| _ = cut.flow.remove(i));
            change(&|cut| cut.flow.push(cut.flow[i].clone()));
            change(&|cut| cut.flow[i].amount += by);
            change(&|cut| cut.flow[i].amount = cut.flow[i].amount.saturating_sub(by));
            change(&|cut| cut.flow[i].nodes.clear());
            change(&|cut| cut.flow[i].nodes.reverse());
        }
        for cut in changed {
            let fault = question.verify(&Separation::Possible(cut.clone()));
            prop_assert!(fault.is_err(), "{cut:?}");
        }
        let flow = cut.flow;
        prop_assert!(question.verify(&Separation::Impossible(flow)).is_err());
    }
}

const R: Node = 0;
const A: Node = 1;
const B: Node = 2;
const C: Node = 3;
const D: Node = 4;
const E: Node = 5;

/// r → a, r → b, a → c, b → c, c → d, b → e; each node costs one.
fn w(sinks: &[Node]) -> Question {
    let sample = Sample::new(6, &[(R, A), (R, B), (A, C), (B, C), (C, D), (B, E)], &[R]);
    Question { sample, sinks: sinks.to_vec(), cost: vec![1; 6] }
}

/// r → a → {b, c} → d
fn diamond(cost: [u64; 5]) -> Question {
    let sample = Sample::new(5, &[(R, A), (A, B), (A, C), (B, D), (C, D)], &[R]);
    Question { sample, sinks: vec![D], cost: cost.to_vec() }
}

fn path(nodes: &[Node], amount: u64) -> FlowPath {
    FlowPath { nodes: nodes.to_vec(), amount }
}

fn cut(nodes: &[Node], cost: u64, flow: &[FlowPath]) -> Separation {
    Separation::Possible(Cut { nodes: nodes.to_vec(), cost, flow: flow.to_vec() })
}

/// Checks an answer in full, and that it is believed.
fn check(question: &Question, expected: &Separation) {
    assert_eq!(question.answer(), *expected);
    assert_eq!(question.verify(expected), Ok(()));
}

#[test]
fn w_is_cut_as_by_hand() {
    check(&w(&[D]), &cut(&[C], 1, &[path(&[R, A, C, D], 1)]));
    check(&w(&[C]), &cut(&[C], 1, &[path(&[R, A, C], 1)]));
    check(&w(&[D, E]), &cut(&[A, B], 2, &[path(&[R, A, C, D], 1), path(&[R, B, E], 1)]));
    check(&w(&[]), &cut(&[], 0, &[]));
}

#[test]
fn a_diamond_below_a_single_node_is_cut_as_by_hand() {
    check(&diamond([1; 5]), &cut(&[A], 1, &[path(&[R, A, B, D], 1)]));
    check(&diamond([1, UNCUTTABLE, 1, 1, 1]), &cut(&[D], 1, &[path(&[R, A, B, D], 1)]));
    check(
        &diamond([1, 9, 2, 3, 7]),
        &cut(&[B, C], 5, &[path(&[R, A, B, D], 2), path(&[R, A, C, D], 3)]),
    );
}

#[test]
fn a_path_of_nodes_that_cannot_be_cut_is_shown() {
    let impossible = |nodes: &[Node]| Separation::Impossible(vec![path(nodes, UNCUTTABLE)]);
    check(&w(&[D, R]), &impossible(&[R]));
    check(&diamond([0, UNCUTTABLE, 1, UNCUTTABLE, UNCUTTABLE]), &impossible(&[R, A, C, D]));
}

#[test]
fn without_sources_there_is_nothing_to_cut() {
    let mut question = w(&[D]);
    question.sample.roots.clear();
    check(&question, &cut(&[], 0, &[]));
}

#[test]
fn a_source_below_another_is_not_cut() {
    let mut question = w(&[D]);
    question.sample.roots = vec![C, R, C];
    check(&question, &cut(&[D], 1, &[path(&[C, D], 1)]));
}

#[test]
fn each_change_to_a_proof_is_refused_for_what_it_is() {
    let question = diamond([1, 9, 2, 3, 7]);
    let flow = [path(&[R, A, B, D], 2), path(&[R, A, C, D], 3)];
    let refused = |answer: &Separation, fault: CutFault| {
        assert_eq!(question.verify(answer), Err(fault), "{answer:?}");
    };
    refused(
        &cut(&[B, 7], 5, &flow),
        CutFault::Graph(GraphError::NodeOutOfRange { node: 7, len: 5 }),
    );
    refused(&cut(&[C, B], 5, &flow), CutFault::NotAscending(B));
    refused(&cut(&[B, B], 4, &flow), CutFault::NotAscending(B));
    refused(&cut(&[R], 5, &flow), CutFault::Uncuttable(R));
    refused(&cut(&[B, C], 4, &flow), CutFault::Cost { stated: 4, found: 5 });
    refused(&cut(&[B], 2, &flow), CutFault::Open(vec![R, A, C, D]));
    refused(&cut(&[D], 7, &flow), CutFault::Flow { flow: 5, cost: 7 });
    refused(&cut(&[B, C], 5, &flow[..1]), CutFault::Flow { flow: 2, cost: 5 });
    refused(
        &cut(&[B, C], 5, &[path(&[R, A, B, D], 5)]),
        CutFault::Overfull { node: B, flow: 5, cost: 2 },
    );
    for (position, nodes) in
        [(1, &[][..]), (1, &[R, A, C]), (1, &[A, C, D]), (1, &[R, C, D]), (1, &[D, C, A, R])]
    {
        let flow = [flow[0].clone(), path(nodes, 3)];
        refused(&cut(&[B, C], 5, &flow), CutFault::Path(position));
    }
    refused(
        &cut(&[B, C], 5, &[path(&[R, A, 9, D], 5)]),
        CutFault::Graph(GraphError::NodeOutOfRange { node: 9, len: 5 }),
    );
    refused(&Separation::Impossible(flow.to_vec()), CutFault::Flow { flow: 5, cost: UNCUTTABLE });
}

#[test]
fn a_question_that_does_not_fit_the_graph_is_refused() {
    let graph = w(&[]).sample.graph();
    let beyond = GraphError::NodeOutOfRange { node: 6, len: 6 };
    assert_eq!(minimum_cut(&graph, &[R, 6], &[D], &[1; 6]), Err(beyond.clone()));
    assert_eq!(minimum_cut(&graph, &[R], &[6], &[1; 6]), Err(beyond));
    let short = GraphError::LengthMismatch { expected: 6, found: 5 };
    assert_eq!(minimum_cut(&graph, &[R], &[D], &[1; 5]), Err(short.clone()));
    let answer = w(&[D]).answer();
    assert_eq!(answer.verify(&graph, &[R], &[D], &[1; 5]), Err(CutFault::Graph(short)));
}

#[test]
fn a_cycle_of_a_hundred_thousand_nodes_exhausts_no_stack() {
    const LEN: u32 = 100_000;
    let mut sample = chain(LEN);
    sample.edges.push((LEN - 1, 0));
    let cost: Vec<u64> = (0..u64::from(LEN)).map(|n| 2 + n.abs_diff(70_000)).collect();
    let question = Question { sample, sinks: vec![LEN - 1], cost };
    let nodes: Vec<Node> = (0..LEN).collect();
    check(&question, &cut(&[70_000], 2, &[path(&nodes, 2)]));
}
