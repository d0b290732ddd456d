//! The lockfiles of seven real workspaces: read, measured, and compared with tools that we did not write.
//!
//! They are read where they lie, beside the repository; where they are absent, every test here says so, aloud.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod advisory;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use weft_gate::inventory::{Inventory, Source, from_lock};
use weft_gate::{Topology, input};

/// Packages, edges, local packages and packages from git, as counted by whoever collected the lockfiles.
const WORKSPACES: [(&str, usize, usize, usize, usize); 7] = [
    ("ripgrep", 63, 145, 11, 0),
    ("rust-analyzer", 377, 1_156, 44, 0),
    ("cargo", 550, 1_688, 27, 0),
    ("uv", 753, 3_160, 70, 0),
    ("nushell", 1_035, 3_711, 44, 1),
    ("deno", 1_128, 4_528, 81, 0),
    ("risingwave", 1_548, 7_961, 72, 46),
];

fn lockfile(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/graphs")
        .join(name)
        .join("Cargo.lock");
    if path.is_file() {
        return Some(path);
    }
    // Straight to standard error, which the test harness does not capture.
    let _ = writeln!(
        std::io::stderr(),
        "NOT TESTED: the lockfile of {name} is absent: {}",
        path.display()
    );
    None
}

fn inventory(path: &Path) -> Inventory {
    let bytes = std::fs::read(path).unwrap();
    let lockfile = input::lockfile::parse("Cargo.lock", &bytes).unwrap();
    let inventory = from_lock(&lockfile, &[], false);
    inventory.validate().unwrap();
    inventory
}

fn inventories() -> impl Iterator<Item = (&'static str, Inventory)> {
    WORKSPACES.into_iter().filter_map(|(name, ..)| Some((name, inventory(&lockfile(name)?))))
}

#[test]
fn the_counts_are_those_of_whoever_collected_them() {
    for (name, packages, edges, local, git) in WORKSPACES {
        let Some(path) = lockfile(name) else { continue };
        let inventory = inventory(&path);
        let of = |wanted: fn(&Source) -> bool| {
            inventory.packages.iter().filter(|p| wanted(&p.source)).count()
        };
        assert_eq!(inventory.packages.len(), packages, "{name}");
        assert_eq!(inventory.edges.len(), edges, "{name}");
        assert_eq!(of(|s| matches!(s, Source::Path { .. })), local, "{name}");
        assert_eq!(of(|s| matches!(s, Source::Git { .. })), git, "{name}");
        assert!(
            inventory.packages.iter().all(|p| !p.source.is_crates_io() || p.checksum.is_some()),
            "{name}"
        );
    }
}

#[test]
fn packages_and_edges_are_those_of_cargo_lock() {
    for (name, ..) in WORKSPACES {
        let Some(path) = lockfile(name) else { continue };
        let ours = inventory(&path);
        let theirs = cargo_lock::Lockfile::load(&path).unwrap();
        let our_packages: BTreeSet<String> = ours
            .packages
            .iter()
            .map(|p| format!("{} {:?}", p.spec(), p.checksum.map(|c| c.to_string())))
            .collect();
        let their_packages: BTreeSet<String> = theirs
            .packages
            .iter()
            .map(|p| {
                format!(
                    "{}@{} {:?}",
                    p.name,
                    p.version,
                    p.checksum.as_ref().map(|c| format!("{c:x}"))
                )
            })
            .collect();
        assert_eq!(our_packages, their_packages, "{name}");
        let our_edges: BTreeSet<(String, String)> = ours
            .edges
            .iter()
            .map(|e| (ours.package(e.from).spec(), ours.package(e.to).spec()))
            .collect();
        let spec =
            |name: &cargo_lock::Name, version: &cargo_lock::Version| format!("{name}@{version}");
        let their_edges: BTreeSet<(String, String)> = theirs
            .packages
            .iter()
            .flat_map(|p| {
                p.dependencies
                    .iter()
                    .map(|d| (spec(&p.name, &p.version), spec(&d.name, &d.version)))
            })
            .collect();
        assert_eq!(our_edges, their_edges, "{name}");
    }
}

#[test]
fn components_and_dominators_are_those_of_petgraph() {
    for (name, inventory) in inventories() {
        let topology = Topology::of(&inventory).unwrap();
        let (graph, root) = petgraph(&inventory, &topology);
        let cycles = petgraph::algo::tarjan_scc(&graph).into_iter().filter(|c| c.len() > 1).count();
        assert_eq!(topology.cycles().len(), cycles, "{name}");
        let dominators = petgraph::algo::dominators::simple_fast(&graph, root);
        for index in inventory.judged_externals() {
            let theirs: BTreeSet<u32> = dominators
                .strict_dominators(petgraph::graph::NodeIndex::new(index as usize))
                .into_iter()
                .flatten()
                .filter(|node| *node != root)
                .map(|node| u32::try_from(node.index()).unwrap())
                .collect();
            let own = topology.condensation.component(index);
            let chain = topology.dominators.chain(index);
            let single = |c: &&u32| **c != own && topology.condensation.members(**c).len() == 1;
            let ours: BTreeSet<u32> = chain
                .iter()
                .filter(single)
                .flat_map(|c| topology.condensation.members(*c))
                .copied()
                .collect();
            // A cycle is condensed, so a member of it that dominates is seen by petgraph alone.
            let in_cycle = |n: &u32| {
                topology.condensation.members(topology.condensation.component(*n)).len() > 1
            };
            let theirs: BTreeSet<u32> = theirs.into_iter().filter(|n| !in_cycle(n)).collect();
            assert_eq!(ours, theirs, "{name}: {}", inventory.package(index).id);
        }
    }
}

#[test]
fn betweenness_is_that_of_rustworkx_to_a_thousandth() {
    for (name, inventory) in inventories() {
        let topology = Topology::of(&inventory).unwrap();
        let (mut graph, root) = petgraph(&inventory, &topology);
        graph.remove_node(root);
        let theirs = rustworkx_core::centrality::betweenness_centrality(&graph, false, false, 50);
        for (ours, theirs) in topology.betweenness.iter().zip(theirs) {
            #[expect(clippy::cast_precision_loss, reason = "the tolerance is far wider")]
            let ours = ours.to_thousandths() as f64 / 1000.0;
            assert!((ours - theirs.unwrap()).abs() < 0.002, "{name}: {ours} and {theirs:?}");
        }
    }
}

#[test]
fn threads_do_not_show() {
    let verdict = |inventory: &Inventory, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let topology = Topology::of(inventory).unwrap();
            (topology.ranked(inventory), topology.f50_thousandths)
        })
    };
    for (name, inventory) in inventories() {
        assert_eq!(verdict(&inventory, 1), verdict(&inventory, 8), "{name}");
    }
}

/// Where one name and version comes from two sources, an entry without a source means the local one.
#[test]
fn a_twin_is_told_from_its_sibling() {
    let Some(path) = lockfile("rust-analyzer") else { return };
    let inventory = inventory(&path);
    let users = |name: &str, local: bool| {
        let wanted =
            |p: &weft_gate::inventory::Package| p.name == name && p.source.is_path() == local;
        let edges = inventory.edges.iter();
        edges.filter(|e| wanted(inventory.package(e.to))).count()
    };
    // Counted by hand with grep: lines that name the package, with and without a source.
    for (name, local, registry) in [
        ("ungrammar", 1, 1),
        ("la-arena", 0, 6),
        ("text-size", 0, 6),
        ("line-index", 0, 2),
        ("smol_str", 0, 1),
    ] {
        assert_eq!((users(name, true), users(name, false)), (local, registry), "{name}");
    }
}

/// Builds the judged graph with a root that every member hangs on.
fn petgraph(
    inventory: &Inventory,
    topology: &Topology,
) -> (petgraph::Graph<(), ()>, petgraph::graph::NodeIndex) {
    let mut graph = petgraph::Graph::new();
    let nodes: Vec<_> = inventory.packages.iter().map(|_| graph.add_node(())).collect();
    for edge in inventory.edges.iter().filter(|e| e.selected && e.from != e.to) {
        graph.add_edge(nodes[edge.from as usize], nodes[edge.to as usize], ());
    }
    let root = graph.add_node(());
    for member in &topology.roots {
        graph.add_edge(root, nodes[*member as usize], ());
    }
    (graph, root)
}
