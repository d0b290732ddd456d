//! What petgraph or rustworkx-core offers too, beside theirs, on one core.
//!
//! Each library gets the graph in its own form, which is made before anything is measured; of
//! dominators and articulation points with a super-root, since theirs take one root.
//! Neither offers a cascade, and rustworkx-core neither dominators nor a closure.
//! `tests/bench/graph/beside_igraph` sets igraph beside the same graphs.

/// Dominators: petgraph's are Cooper, Harvey and Kennedy's.
mod dominator {
    use divan::{Bencher, black_box};
    use weft_graph::dominators;

    use crate::foreign;
    use crate::sample::{Sample, Which, up_to};

    #[divan::bench(args = up_to(200))]
    fn weft(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let weight = vec![1; sample.graph.len()];
        bencher.bench(|| dominators(black_box(&sample.condensation), &sample.roots, &weight));
    }

    #[divan::bench(args = up_to(200), max_time = 5)]
    fn petgraph(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let (graph, root) = foreign::with_super_root(&sample.graph, &sample.roots);
        bencher.bench(|| petgraph::algo::dominators::simple_fast(black_box(&graph), root));
    }
}

mod articulation {
    use divan::{Bencher, black_box};
    use weft_graph::articulation_points;

    use crate::foreign;
    use crate::sample::{Sample, Which, up_to};

    #[divan::bench(args = up_to(200), max_time = 5)]
    fn weft(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        bencher.bench(|| articulation_points(black_box(&sample.graph), &sample.roots));
    }

    #[divan::bench(args = up_to(200), max_time = 5)]
    fn petgraph(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let graph = foreign::undirected(&sample.graph, &sample.roots);
        bencher
            .bench(|| petgraph::algo::articulation_points::articulation_points(black_box(&graph)));
    }

    #[divan::bench(args = up_to(200), max_time = 5)]
    fn rustworkx(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let graph = foreign::undirected(&sample.graph, &sample.roots);
        bencher
            .bench(|| rustworkx_core::connectivity::articulation_points(black_box(&graph), None));
    }
}

/// Betweenness: Brandes' algorithm in both; rustworkx-core's takes a minute for 100k nodes.
mod betweenness {
    use divan::{Bencher, black_box};

    use crate::foreign;
    use crate::on_one_core;
    use crate::sample::{Sample, Which, up_to};

    #[divan::bench(args = up_to(100), sample_count = 10, max_time = 5)]
    fn weft(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        on_one_core(bencher, || weft_graph::betweenness(black_box(&sample.graph)));
    }

    #[divan::bench(args = up_to(10), sample_count = 10, max_time = 5)]
    fn rustworkx(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let graph = foreign::directed(&sample.graph);
        bencher.bench(|| {
            rustworkx_core::centrality::betweenness_centrality(
                black_box(&graph),
                false,
                false,
                usize::MAX,
            )
        });
    }
}

/// The size of the transitive closure; petgraph makes the closure itself, and the reduction.
mod closure {
    use divan::{Bencher, black_box};
    use petgraph::algo::toposort;
    use petgraph::algo::tred::{
        dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure,
    };
    use petgraph::graph::NodeIndex;
    use weft_graph::closure_sizes;

    use crate::foreign;
    use crate::on_one_core;
    use crate::sample::{Sample, Which, up_to};

    #[divan::bench(args = up_to(200), max_time = 5)]
    fn weft(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        on_one_core(bencher, || closure_sizes(black_box(&sample.condensation)));
    }

    #[divan::bench(args = up_to(10), max_time = 5)]
    fn petgraph(bencher: Bencher<'_, '_>, which: Which) {
        let sample = Sample::of(which);
        let graph = foreign::directed(sample.condensation.graph());
        let order = toposort(&graph, None).expect("a condensation is acyclic");
        let (list, _) = dag_to_toposorted_adjacency_list::<_, NodeIndex>(&graph, &order);
        bencher.bench(|| dag_transitive_reduction_closure(black_box(&list)));
    }
}
