//! Graphs that are empty, rootless, very deep, or have very many paths.

use weft_graph::{
    Depth, GraphError, HostCode, Node, PathCount, articulation_points, betweenness, depths,
    dominators, host_reach, path_counts, percolation, reach_from_roots, shortest_path,
};

use crate::sample::{Sample, chain, ladder};

#[test]
fn an_empty_graph_has_empty_answers() {
    let sample = Sample::new(0, &[], &[]);
    let (graph, condensation) = (sample.graph(), sample.condensation());
    assert_eq!(articulation_points(&graph, &[]), [false; 0]);
    assert_eq!(betweenness(&graph), Ok(vec![]));
    assert_eq!(path_counts(&condensation, &[]), []);
    assert_eq!(depths(&graph, &condensation, &[]), []);
    assert_eq!(percolation(&condensation, &[], &[], 10, 0), None);
    assert_eq!(reach_from_roots(&condensation, &[]), reach_from_roots(&condensation, &[]));
    dominators(&condensation, &[], &[]);
    let host = HostCode { runs_itself: &[], is_host_library: &[], links: &[], build_links: &[] };
    assert!(host_reach(&condensation, &[], &host).is_ok());
}

#[test]
fn without_roots_nothing_is_reached() {
    let sample = Sample::new(3, &[(0, 1), (1, 2), (2, 1)], &[]);
    let (graph, condensation) = (sample.graph(), sample.condensation());
    let reach = reach_from_roots(&condensation, &[]);
    let dominators = dominators(&condensation, &[], &[1; 3]);
    assert_eq!(path_counts(&condensation, &[]), [PathCount::Exact(0); 3]);
    assert_eq!(depths(&graph, &condensation, &[]), [None; 3]);
    assert_eq!(percolation(&condensation, &[], &[0, 1, 2], 10, 0), None);
    for n in sample.nodes() {
        assert_eq!(reach.count(n), 0);
        assert!(!dominators.is_reachable(n));
        assert_eq!(shortest_path(&graph, &[], n), None);
    }
}

#[test]
fn roots_alone_have_nothing_to_percolate() {
    let sample = Sample::new(3, &[(0, 1), (1, 0)], &[0, 2]);
    assert_eq!(percolation(&sample.condensation(), &sample.roots, &[0, 1, 2], 10, 0), None);
}

#[test]
fn without_trials_there_is_no_half_way_point() {
    let sample = chain(3);
    assert_eq!(percolation(&sample.condensation(), &sample.roots, &[0, 1, 2], 0, 0), None);
}

#[test]
fn self_loops_and_parallel_edges_change_no_answer() {
    let plain = Sample::new(4, &[(0, 1), (0, 2), (1, 3), (2, 3)], &[0]);
    let mut noisy = plain.clone();
    noisy.edges.extend_from_slice(&[(1, 1), (0, 1), (3, 3), (1, 3)]);
    assert_eq!(noisy.graph(), plain.graph());
    assert_eq!(noisy.condensation(), plain.condensation());
}

#[test]
fn members_of_a_cycle_share_paths_and_reach() {
    // 0 → 1 ⇄ 2 → 3, 0 → 2: two edges into the cycle are one edge between components.
    let sample = Sample::new(4, &[(0, 1), (1, 2), (2, 1), (2, 3), (0, 2)], &[0]);
    let (graph, condensation) = (sample.graph(), sample.condensation());
    assert_eq!(path_counts(&condensation, &sample.roots), [PathCount::Exact(1); 4]);
    let depth = |nearest, longest| Some(Depth { nearest, longest });
    assert_eq!(
        depths(&graph, &condensation, &sample.roots),
        [depth(0, 0), depth(1, 1), depth(1, 1), depth(2, 2)]
    );
}

#[test]
fn two_roots_in_one_cycle_are_two_paths() {
    let sample = Sample::new(3, &[(0, 1), (1, 0), (1, 2)], &[1, 0, 1]);
    assert_eq!(path_counts(&sample.condensation(), &sample.roots), [PathCount::Exact(2); 3]);
}

#[test]
fn a_chain_of_a_hundred_thousand_nodes_exhausts_no_stack() {
    const LEN: u32 = 100_000;
    let sample = chain(LEN);
    let (graph, condensation) = (sample.graph(), sample.condensation());
    let (last, roots) = (LEN - 1, sample.roots.as_slice());

    assert_eq!(condensation.len(), sample.len);
    assert_eq!(reach_from_roots(&condensation, roots).count(last), 1);
    assert_eq!(path_counts(&condensation, roots)[last as usize], PathCount::Exact(1));
    let depth = depths(&graph, &condensation, roots)[last as usize];
    assert_eq!(depth, Some(Depth { nearest: last, longest: last }));
    assert_eq!(shortest_path(&graph, roots, last).map(|path| path.len()), Some(sample.len));

    let dominators = dominators(&condensation, roots, &vec![1; sample.len]);
    assert_eq!(dominators.chain(last).len(), sample.len);
    assert_eq!(dominators.retained(1), u64::from(LEN) - 1);

    let cuts = articulation_points(&graph, roots);
    assert_eq!(cuts.iter().filter(|cut| **cut).count(), sample.len - 1);

    let flags = vec![true; sample.len];
    let host = HostCode {
        runs_itself: &flags,
        is_host_library: &flags,
        links: &sample.edges,
        build_links: &[],
    };
    assert_eq!(host_reach(&condensation, roots, &host).unwrap().count(last), 1);

    let keys: Vec<u64> = (0..u64::from(LEN)).collect();
    assert!(percolation(&condensation, roots, &keys, 4, 0).unwrap().f50 > 0xf000);
}

#[test]
fn a_cycle_of_a_hundred_thousand_nodes_is_one_component() {
    const LEN: u32 = 100_000;
    let mut sample = chain(LEN);
    sample.edges.push((LEN - 1, 0));
    assert_eq!(sample.condensation().len(), 1);
    assert!(!articulation_points(&sample.graph(), &sample.roots)[1]);
}

#[test]
fn betweenness_on_a_chain_is_before_times_after() {
    let values = betweenness(&chain(1000).graph()).unwrap();
    for (n, value) in (0..).zip(values) {
        assert_eq!(value.floor(), n * (999 - n));
    }
}

/// Checks the betweenness of a ladder, in which everything before a joint reaches everything after.
///
/// Values are checked in thousandths: thirds of them lie at least a sixth from where rounding
/// turns, and the documented error is less than that here.
fn check_ladder(stages: u32, width: u32) {
    let sample = ladder(stages, width);
    let graph = sample.graph();
    assert!((graph.len() * graph.edge_count()) as u64 * 6000 < 1 << 33);

    let values = betweenness(&graph).expect("paths fit 128 bits");
    let stride = u64::from(width) + 1;
    for (n, value) in sample.nodes().zip(values) {
        let n = u64::from(n);
        let (stage, side) = (n / stride, n % stride);
        let after = u64::from(stages) - stage;
        let thousandths = if side == 0 {
            // Whatever joins one side of a joint to the other passes through it.
            stage * stride * after * stride * 1000
        } else {
            // So it is here with the joints on both sides, but each way takes one part of it.
            let pairs = (stage * stride + 1) * ((after - 1) * stride + 1);
            (pairs * 2000 + u64::from(width)) / (2 * u64::from(width))
        };
        assert_eq!(value.to_thousandths(), thousandths, "node {n}");
    }
}

#[test]
fn betweenness_is_right_where_products_need_more_than_64_bits() {
    check_ladder(30, 3); // 3^30 is less than 2^48.
}

#[test]
fn betweenness_is_right_where_paths_need_more_than_64_bits() {
    check_ladder(70, 2); // 2^70
    check_ladder(50, 3); // 3^50 is more than 2^79.
    check_ladder(127, 2); // 2^127
}

#[test]
fn betweenness_refuses_more_paths_than_128_bits_count() {
    assert_eq!(betweenness(&ladder(128, 2).graph()), Err(GraphError::PathCountOverflow));
}

#[test]
fn path_counts_say_when_128_bits_are_not_enough() {
    let sample = ladder(129, 2);
    let counts = path_counts(&sample.condensation(), &sample.roots);
    assert_eq!(counts[127 * 3], PathCount::Exact(1 << 127));
    assert_eq!(counts[128 * 3], PathCount::AtLeast(u128::MAX));
    assert_eq!(counts[129 * 3], PathCount::AtLeast(u128::MAX));
    assert!(counts[128 * 3] > counts[127 * 3]);
}

/// Checks the half-way point of node 0 as the root, to within a hundredth.
fn check_half_way(len: usize, edges: &[(Node, Node)], expected_thousandths: u16) {
    let condensation = Sample::new(len, edges, &[0]).condensation();
    let keys: Vec<u64> = (0..).take(len).collect();
    let result =
        percolation(&condensation, &[0], &keys, 20_000, 42).expect("nodes lie below the root");
    let found = result.to_thousandths();
    assert!(found.abs_diff(expected_thousandths) <= 10, "{found} for {expected_thousandths}");
}

#[test]
fn half_of_independent_nodes_is_reached_at_one_half() {
    check_half_way(3, &[(0, 1), (0, 2)], 500);
}

#[test]
fn half_of_a_chain_of_two_is_reached_at_the_golden_ratio() {
    // (f + f²) / 2 = 1/2, so f = (√5 − 1) / 2.
    check_half_way(3, &[(0, 1), (1, 2)], 618);
}

#[test]
fn two_ways_to_a_node_bring_the_half_way_point_down() {
    // (f + f + f · (1 − (1 − f)²)) / 3 = 1/2, so 2f + 2f² − f³ = 3/2 and f = 0.5382…
    check_half_way(4, &[(0, 1), (0, 2), (1, 3), (2, 3)], 538);
}

#[test]
fn a_cycle_stands_or_falls_as_one_and_counts_for_its_members() {
    // With probability f, both of 1 ⇄ 2 are reached, and 3 below them with f²:
    // (2f + f²) / 3 = 1/2, so f = √(5/2) − 1 = 0.5811…
    check_half_way(4, &[(0, 1), (1, 2), (2, 1), (2, 3)], 581);
}

#[test]
fn what_no_root_reaches_does_not_percolate() {
    // 2 → 1 is no second way to 1.
    check_half_way(3, &[(0, 1), (2, 1)], 500);
}
