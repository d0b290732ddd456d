//! Every metric against its definition, on small random graphs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use weft_graph::{
    HostCode, Node, PathCount, ShortestPaths, articulation_points, betweenness, depths, dominators,
    host_reach, path_counts, percolation, reach_from_roots, shortest_path, shortest_path_avoiding,
};

use crate::brute;
use crate::sample::{Sample, acyclic_graph, any_graph, with_names};

proptest! {
    #[test]
    fn neighbours_are_those_of_the_edges_given(sample in any_graph(12, 40)) {
        let graph = sample.graph();
        let edges = brute::simple_edges(&sample);
        prop_assert_eq!(graph.edge_count(), edges.len());
        let forward = graph.nodes().flat_map(|n| graph.successors(n).iter().map(move |&m| (n, m)));
        prop_assert!(forward.eq(edges.iter().copied()));
        let backward: BTreeSet<_> = graph
            .nodes()
            .flat_map(|n| graph.predecessors(n).iter().map(move |&m| (m, n)))
            .collect();
        prop_assert_eq!(backward, edges);
        for n in graph.nodes() {
            prop_assert!(graph.predecessors(n).is_sorted());
        }
    }

    #[test]
    fn components_are_the_nodes_that_reach_each_other(sample in any_graph(12, 24)) {
        let condensation = sample.condensation();
        for n in sample.nodes() {
            let members = condensation.members(condensation.component(n));
            prop_assert_eq!(members, brute::strongly_connected(&sample, n));
        }
    }

    #[test]
    fn edges_between_components_go_from_lower_to_higher(sample in any_graph(20, 40)) {
        let condensation = sample.condensation();
        let dag = condensation.graph();
        prop_assert_eq!(dag.len(), condensation.len());
        for c in dag.nodes() {
            prop_assert!(dag.successors(c).iter().all(|&d| d > c));
        }
        for &(from, to) in &sample.edges {
            let (from, to) = (condensation.component(from), condensation.component(to));
            prop_assert!(from == to || dag.successors(from).contains(&to));
        }
    }

    #[test]
    fn roots_in_a_reach_are_those_that_lead_to_the_node(sample in any_graph(12, 24)) {
        let reach = reach_from_roots(&sample.condensation(), &sample.roots);
        for n in sample.nodes() {
            let expected: Vec<_> = (0..sample.roots.len())
                .filter(|&root| brute::reached(&sample, &[sample.roots[root]], &[]).contains(&n))
                .collect();
            prop_assert_eq!(reach.count(n) as usize, expected.len());
            prop_assert_eq!(reach.roots(n).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn every_node_as_a_root_is_a_transitive_closure(mut sample in any_graph(80, 160)) {
        sample.roots = sample.nodes().collect();
        let reach = reach_from_roots(&sample.condensation(), &sample.roots);
        for from in sample.nodes() {
            let reached: Vec<_> =
                sample.nodes().filter(|&n| reach.roots(n).any(|r| r == from as usize)).collect();
            prop_assert!(brute::reached(&sample, &[from], &[]).into_iter().eq(reached));
        }
    }

    #[test]
    fn host_reach_is_what_its_rules_lead_to(
        sample in any_graph(10, 24),
        flags in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.2)), 10),
        kinds in prop::collection::vec(0..4, 24),
    ) {
        // A dependency can be needed for linking, for the build script, for both or for neither.
        let of_kind = |bit: i32| -> Vec<(Node, Node)> {
            let edges = sample.edges.iter().zip(&kinds);
            edges.filter(|(_, kind)| *kind & bit != 0).map(|(edge, _)| *edge).collect()
        };
        let (runs_itself, is_host_library): (Vec<_>, Vec<_>) =
            flags.into_iter().take(sample.len).unzip();
        let host = HostCode {
            runs_itself: &runs_itself,
            is_host_library: &is_host_library,
            links: &of_kind(1),
            build_links: &of_kind(2),
        };
        let condensation = sample.condensation();
        let reach = host_reach(&condensation, &sample.roots, &host).unwrap();
        let builds = reach_from_roots(&condensation, &sample.roots);
        for (n, expected) in sample.nodes().zip(brute::host_reach(&sample, &host)) {
            let roots: BTreeSet<_> = reach.roots(n).collect();
            prop_assert!(roots.is_subset(&builds.roots(n).collect()));
            prop_assert_eq!(roots, expected);
        }
    }

    #[test]
    fn removing_a_dominator_cuts_off_what_it_dominates_and_nothing_else(
        sample in any_graph(10, 20),
    ) {
        let condensation = sample.condensation();
        let weight: Vec<u64> = sample.nodes().map(|n| 1 << n).collect();
        let dominators = dominators(&condensation, &sample.roots, &weight);
        let reached = brute::reached(&sample, &sample.roots, &[]);
        for n in sample.nodes() {
            prop_assert_eq!(dominators.is_reachable(n), reached.contains(&n));
            let own = condensation.component(n);
            let left = brute::reached(&sample, &sample.roots, condensation.members(own));
            let lost: Vec<Node> = reached.difference(&left).copied().collect();
            let weight = |nodes: &[Node]| nodes.iter().map(|&n| 1_u64 << n).sum::<u64>();
            prop_assert_eq!(dominators.retained(n), weight(&lost));
            let others: Vec<Node> =
                lost.into_iter().filter(|&m| condensation.component(m) != own).collect();
            prop_assert_eq!(dominators.retained_of(n), weight(&others));
            for m in sample.nodes() {
                let is_member = reached.contains(&m) && condensation.component(m) == own;
                let dominates = is_member || others.contains(&m);
                prop_assert_eq!(dominators.chain(m).contains(&own), dominates);
            }
        }
    }

    #[test]
    fn the_chain_ends_with_the_node_and_follows_immediate_dominators(
        sample in any_graph(12, 24),
    ) {
        let condensation = sample.condensation();
        let dominators = dominators(&condensation, &sample.roots, &vec![1; sample.len]);
        for n in sample.nodes() {
            let chain = dominators.chain(n);
            prop_assert!(chain.is_sorted());
            prop_assert_eq!(chain.is_empty(), !dominators.is_reachable(n));
            let Some(&last) = chain.last() else { continue };
            prop_assert_eq!(last, condensation.component(n));
            prop_assert_eq!(dominators.immediate(chain[0]), None);
            for pair in chain.windows(2) {
                prop_assert_eq!(dominators.immediate(pair[1]), Some(pair[0]));
            }
        }
    }

    #[test]
    fn articulation_points_are_what_breaks_the_graph(sample in any_graph(12, 20)) {
        let cuts = articulation_points(&sample.graph(), &sample.roots);
        for n in sample.nodes() {
            prop_assert_eq!(cuts[n as usize], brute::is_cut(&sample, n), "node {}", n);
        }
    }

    #[test]
    fn what_an_articulation_point_cuts_off_it_dominates(mut sample in acyclic_graph(12, 24)) {
        // It need not where a root does not reach every node.
        let graph = sample.graph();
        sample.roots.extend(graph.nodes().filter(|&n| graph.fan_in(n) == 0));
        let dominators =
            dominators(&sample.condensation(), &sample.roots, &vec![1; sample.len]);
        for (n, cut) in sample.nodes().zip(articulation_points(&graph, &sample.roots)) {
            prop_assert!(!cut || dominators.retained_of(n) > 0);
        }
    }

    #[test]
    fn path_counts_are_the_paths_that_can_be_listed(sample in acyclic_graph(9, 20)) {
        let counts = path_counts(&sample.condensation(), &sample.roots);
        for n in sample.nodes() {
            let paths = sample.roots.iter().flat_map(|&root| brute::simple_paths(&sample, root, n));
            prop_assert_eq!(counts[n as usize], PathCount::Exact(paths.count() as u128));
        }
    }

    #[test]
    fn depths_are_the_shortest_and_longest_paths_that_can_be_listed(
        sample in acyclic_graph(9, 20),
    ) {
        let depths = depths(&sample.graph(), &sample.condensation(), &sample.roots);
        for n in sample.nodes() {
            let paths = sample.roots.iter().flat_map(|&root| brute::simple_paths(&sample, root, n));
            let lengths: Vec<_> = paths.map(|path| path.len() - 1).collect();
            let depth = depths[n as usize];
            let nearest = depth.map(|depth| depth.nearest as usize);
            let longest = depth.map(|depth| depth.longest as usize);
            prop_assert_eq!(nearest, lengths.iter().min().copied());
            prop_assert_eq!(longest, lengths.iter().max().copied());
        }
    }

    #[test]
    fn the_nearest_root_of_a_cyclic_graph_is_as_far_as_the_shortest_path(
        sample in any_graph(10, 24),
    ) {
        let graph = sample.graph();
        let depths = depths(&graph, &sample.condensation(), &sample.roots);
        for n in sample.nodes() {
            let path = shortest_path(&graph, &sample.roots, n);
            let nearest = depths[n as usize].map(|depth| depth.nearest as usize);
            prop_assert_eq!(nearest, path.map(|path| path.len() - 1));
        }
    }

    #[test]
    fn the_path_shown_is_the_smallest_of_the_shortest(sample in any_graph(8, 20)) {
        let graph = sample.graph();
        for n in sample.nodes() {
            let paths = sample.roots.iter().flat_map(|&r| brute::shortest_paths(&sample, r, n));
            let expected = paths.min_by_key(|path| (path.len(), path.clone()));
            prop_assert_eq!(shortest_path(&graph, &sample.roots, n), expected.clone());
            prop_assert_eq!(ShortestPaths::new(&graph, &sample.roots).to(n), expected);
        }
    }

    #[test]
    fn a_path_that_avoids_a_node_is_one_of_the_graph_without_it(
        sample in any_graph(10, 24),
        avoid in 0..10_u32,
    ) {
        let mut without = sample.clone();
        without.edges.retain(|&(from, to)| from != avoid && to != avoid);
        without.roots.retain(|&root| root != avoid);
        let avoided = if (avoid as usize) < sample.len { vec![avoid] } else { vec![] };
        for n in sample.nodes().filter(|&n| n != avoid) {
            prop_assert_eq!(
                shortest_path_avoiding(&sample.graph(), &sample.roots, n, &avoided),
                shortest_path(&without.graph(), &without.roots, n)
            );
        }
    }

    #[test]
    fn betweenness_is_within_its_documented_error_of_the_truth(sample in any_graph(8, 24)) {
        let graph = sample.graph();
        let bound = (graph.len() * graph.edge_count()) as u128 * brute::PARTS / 2;
        let values = betweenness(&graph).unwrap();
        for (value, exact) in values.into_iter().zip(brute::betweenness(&sample)) {
            // Both in units of 2^-32 / PARTS.
            let (value, exact) = (value.units() * brute::PARTS, exact << 32);
            prop_assert!(value.abs_diff(exact) <= bound, "{value} for {exact}");
        }
    }

    #[test]
    fn betweenness_does_not_depend_on_numbering((sample, names) in with_names(any_graph(30, 90))) {
        let values = betweenness(&sample.graph()).unwrap();
        let renamed = betweenness(&sample.renamed(&names).graph()).unwrap();
        for n in sample.nodes() {
            prop_assert_eq!(values[n as usize], renamed[names[n as usize] as usize]);
        }
    }

    #[test]
    fn percolation_does_not_depend_on_numbering(
        (sample, names) in with_names(any_graph(30, 60)),
        seed in any::<u64>(),
    ) {
        let keys: Vec<u64> = sample.nodes().map(|n| u64::from(n) * 7919).collect();
        let mut renamed_keys = keys.clone();
        for (&key, &name) in keys.iter().zip(&names) {
            renamed_keys[name as usize] = key;
        }
        let renamed = sample.renamed(&names);
        prop_assert_eq!(
            percolation(&sample.condensation(), &sample.roots, &keys, 50, seed),
            percolation(&renamed.condensation(), &renamed.roots, &renamed_keys, 50, seed)
        );
    }

    #[test]
    fn percolation_samples_what_lies_below_the_roots(sample in any_graph(20, 40)) {
        let condensation = sample.condensation();
        let keys: Vec<u64> = sample.nodes().map(u64::from).collect();
        let root_components: Vec<_> =
            sample.roots.iter().map(|&root| condensation.component(root)).collect();
        let below = brute::reached(&sample, &sample.roots, &[])
            .into_iter()
            .filter(|&n| !root_components.contains(&condensation.component(n)))
            .count() as u64;
        let result = percolation(&condensation, &sample.roots, &keys, 33, 0);
        prop_assert_eq!(result.map_or(0, |result| result.samples), below * 33);
    }

    #[test]
    fn an_edge_more_never_raises_the_half_way_point(
        sample in acyclic_graph(12, 20),
        root in 0..12_u32,
        seed in any::<u64>(),
    ) {
        // The new edge leads from a root to a node already reached, so the same nodes are pooled.
        let keys: Vec<u64> = sample.nodes().map(u64::from).collect();
        let Some(&root) = sample.roots.get(root as usize % sample.roots.len().max(1)) else {
            return Ok(());
        };
        let reached = brute::reached(&sample, &sample.roots, &[]);
        let f50 = |sample: &Sample| {
            percolation(&sample.condensation(), &sample.roots, &keys, 20, seed).map(|p| p.f50)
        };
        for target in reached.into_iter().filter(|n| !sample.roots.contains(n)) {
            let mut more = sample.clone();
            more.edges.push((root, target));
            let is_acyclic = more.condensation().cycles().next().is_none();
            prop_assert!(!is_acyclic || f50(&more) <= f50(&sample));
        }
    }
}
