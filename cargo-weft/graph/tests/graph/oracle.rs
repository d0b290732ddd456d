//! Every metric that petgraph or rustworkx offers too, against theirs.

use std::collections::BTreeSet;

use petgraph::algo;
use petgraph::graph::NodeIndex;
use proptest::prelude::*;
use weft_graph::{Node, articulation_points, betweenness, dominators};

use crate::foreign::{directed, undirected, with_super_root};
use crate::sample::{Sample, any_graph};

/// Returns our articulation points as a set.
fn cuts(sample: &Sample) -> BTreeSet<Node> {
    let cuts = articulation_points(&sample.graph(), &sample.roots);
    sample.nodes().filter(|&n| cuts[n as usize]).collect()
}

/// Returns another library's articulation points as a set, without the super-root.
fn as_nodes(sample: &Sample, cuts: impl IntoIterator<Item = NodeIndex>) -> BTreeSet<Node> {
    let cuts = cuts.into_iter().filter(|cut| cut.index() < sample.len);
    cuts.map(|cut| Node::try_from(cut.index()).expect("samples are small")).collect()
}

proptest! {
    #[test]
    fn components_agree_with_petgraph(sample in any_graph(60, 120)) {
        let condensation = sample.condensation();
        let ours: BTreeSet<Vec<Node>> =
            condensation.graph().nodes().map(|c| condensation.members(c).to_vec()).collect();
        let theirs = algo::tarjan_scc(&directed(&sample.graph()));
        let theirs: BTreeSet<Vec<Node>> = theirs
            .into_iter()
            .map(|component| as_nodes(&sample, component).into_iter().collect())
            .collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn dominators_agree_with_petgraph(sample in any_graph(60, 120)) {
        let condensation = sample.condensation();
        let ours = dominators(&condensation, &sample.roots, &vec![1; sample.len]);

        let dag = condensation.graph();
        let roots: Vec<_> = sample.roots.iter().map(|&root| condensation.component(root)).collect();
        let (other, super_root) = with_super_root(dag, &roots);
        let theirs = algo::dominators::simple_fast(&other, super_root);
        for c in dag.nodes() {
            let immediate = theirs.immediate_dominator(c.into());
            let is_reachable = ours.is_reachable(condensation.members(c)[0]);
            prop_assert_eq!(is_reachable, immediate.is_some());
            prop_assert_eq!(
                ours.immediate(c).map(NodeIndex::from),
                immediate.filter(|&dominator| dominator != super_root)
            );
        }
    }

    #[test]
    fn articulation_points_agree_with_petgraph(sample in any_graph(60, 90)) {
        let other = undirected(&sample.graph(), &sample.roots);
        let theirs = algo::articulation_points::articulation_points(&other);
        prop_assert_eq!(cuts(&sample), as_nodes(&sample, theirs));
    }

    #[test]
    fn articulation_points_agree_with_rustworkx(sample in any_graph(60, 90)) {
        let other = undirected(&sample.graph(), &sample.roots);
        let theirs = rustworkx_core::connectivity::articulation_points(&other, None);
        prop_assert_eq!(cuts(&sample), as_nodes(&sample, theirs));
    }

    #[test]
    fn betweenness_agrees_with_rustworkx(sample in any_graph(60, 240)) {
        let graph = sample.graph();
        let theirs = rustworkx_core::centrality::betweenness_centrality(
            &directed(&graph), false, false, usize::MAX,
        );
        for (ours, theirs) in betweenness(&graph).unwrap().into_iter().zip(theirs) {
            // Halves of a thousandth may round either way.
            let difference = ours.to_thousandths() as f64 - theirs.unwrap() * 1000.0;
            prop_assert!(difference.abs() < 0.51, "{ours} for {theirs:?}");
        }
    }
}
