//! Two small graphs whose answers are worked out by hand.

use weft_graph::{
    Depth, HostCode, Node, PathCount, articulation_points, betweenness, depths, dominators,
    host_reach, path_counts, reach_from_roots, shortest_path,
};

use crate::sample::Sample;

/// What is known about a graph, by node.
struct Expected<'a> {
    /// The strict dominators of each node, from the root down.
    dominated_by: &'a [&'a [Node]],
    retained: &'a [u64],
    betweenness: &'a [u64],
    paths: &'a [u128],
    /// The distances from the root: shortest, longest.
    depth: &'a [(u32, u32)],
    cuts: &'a [Node],
}

fn check(sample: &Sample, expected: &Expected<'_>) {
    let (graph, condensation) = (sample.graph(), sample.condensation());
    let dominators = dominators(&condensation, &sample.roots, &vec![1; sample.len]);
    let betweenness = betweenness(&graph).expect("paths fit 128 bits");
    let paths = path_counts(&condensation, &sample.roots);
    let depths = depths(&graph, &condensation, &sample.roots);
    let cuts = articulation_points(&graph, &sample.roots);
    let reach = reach_from_roots(&condensation, &sample.roots);

    for n in sample.nodes() {
        let i = n as usize;
        let mut chain = expected.dominated_by[i].to_vec();
        chain.push(n);
        let chain: Vec<_> = chain.into_iter().map(|n| condensation.component(n)).collect();
        assert_eq!(dominators.chain(n), chain, "chain of {n}");
        assert_eq!(dominators.retained(n), expected.retained[i], "retained by {n}");
        assert_eq!(dominators.retained_of(n), expected.retained[i] - 1, "below {n}");
        assert_eq!(betweenness[i].units(), u128::from(expected.betweenness[i]) << 32);
        assert_eq!(paths[i], PathCount::Exact(expected.paths[i]), "paths to {n}");
        let (nearest, longest) = expected.depth[i];
        assert_eq!(depths[i], Some(Depth { nearest, longest }), "depth of {n}");
        assert_eq!(cuts[i], expected.cuts.contains(&n), "{n} is a cut");
        assert_eq!(reach.count(n), 1, "blast of {n}");
    }
}

const R: Node = 0;
const A: Node = 1;
const B: Node = 2;
const C: Node = 3;
const D: Node = 4;
const E: Node = 5;

/// r → a, r → b, a → c, b → c, c → d, b → e
fn w() -> Sample {
    Sample::new(6, &[(R, A), (R, B), (A, C), (B, C), (C, D), (B, E)], &[R])
}

/// r → a → {b, c} → d
fn diamond() -> Sample {
    Sample::new(5, &[(R, A), (A, B), (A, C), (B, D), (C, D)], &[R])
}

#[test]
fn w_is_measured_as_by_hand() {
    let expected = Expected {
        // c is reached by a and by b, so only r dominates it.
        dominated_by: &[&[], &[R], &[R], &[R], &[R, C], &[R, B]],
        // r everything; a itself; b itself and e; c itself and d.
        retained: &[6, 1, 2, 2, 1, 1],
        // a: half of r⇝c and half of r⇝d.
        // b: the other halves, and all of r⇝e.
        // c: r⇝d, a⇝d and b⇝d.
        betweenness: &[0, 1, 2, 3, 0, 0],
        paths: &[1, 1, 1, 2, 2, 1],
        depth: &[(0, 0), (1, 1), (1, 1), (2, 2), (3, 3), (2, 2)],
        // r holds all to the super-root, b holds e, and c holds d; a holds nothing, since b leads
        // round it to c.
        cuts: &[R, B, C],
    };
    check(&w(), &expected);
}

#[test]
fn a_diamond_below_a_single_node_is_measured_as_by_hand() {
    let expected = Expected {
        // b and c lead round each other, so d hangs on a alone.
        dominated_by: &[&[], &[R], &[R, A], &[R, A], &[R, A]],
        retained: &[5, 4, 1, 1, 1],
        // a: r⇝b, r⇝c and r⇝d. b and c: half of r⇝d and half of a⇝d each.
        betweenness: &[0, 3, 1, 1, 0],
        paths: &[1, 1, 1, 1, 2],
        depth: &[(0, 0), (1, 1), (2, 2), (2, 2), (3, 3)],
        cuts: &[R, A],
    };
    check(&diamond(), &expected);
}

#[test]
fn fan_out_and_fan_in_of_w_are_the_neighbours_drawn() {
    let graph = w().graph();
    assert_eq!((graph.fan_out(B), graph.fan_in(B)), (2, 1));
    assert_eq!((graph.fan_out(C), graph.fan_in(C)), (1, 2));
    assert_eq!((graph.fan_out(R), graph.fan_in(R)), (2, 0));
}

#[test]
fn the_way_to_d_in_w_goes_by_the_smaller_neighbour() {
    assert_eq!(shortest_path(&w().graph(), &[R], D), Some(vec![R, A, C, D]));
}

#[test]
fn a_procedural_macro_in_w_takes_what_it_links_to_the_host() {
    // c is a macro that links d; b has a build script that links e; a is plain.
    let sample = w();
    let [r, a, b, c, d, e] = [R, A, B, C, D, E];
    let host = HostCode {
        runs_itself: &[false, false, true, false, false, false],
        is_host_library: &[false, false, false, true, false, false],
        links: &[(r, a), (r, b), (a, c), (b, c), (c, d)],
        build_links: &[(b, e)],
    };
    let reach = host_reach(&sample.condensation(), &sample.roots, &host).unwrap();
    assert_eq!([r, a, b, c, d, e].map(|n| reach.count(n)), [0, 0, 1, 1, 1, 1]);
}
