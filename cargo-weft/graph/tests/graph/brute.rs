//! The definitions, written down as slowly and plainly as possible.

use std::collections::{BTreeMap, BTreeSet};

use weft_graph::{HostCode, Node};

use crate::sample::Sample;

/// Returns what the roots reach without touching `removed`.
pub(crate) fn reached(sample: &Sample, roots: &[Node], removed: &[Node]) -> BTreeSet<Node> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Node> = roots.to_vec();
    while let Some(n) = open.pop() {
        if !removed.contains(&n) && seen.insert(n) {
            open.extend(sample.edges.iter().filter(|(from, _)| *from == n).map(|(_, to)| *to));
        }
    }
    seen
}

/// Returns the nodes that reach each other with `n`.
pub(crate) fn strongly_connected(sample: &Sample, n: Node) -> Vec<Node> {
    let ahead = reached(sample, &[n], &[]);
    ahead.into_iter().filter(|&m| reached(sample, &[m], &[]).contains(&n)).collect()
}

/// Returns the edges without parallel ones and self-loops.
pub(crate) fn simple_edges(sample: &Sample) -> BTreeSet<(Node, Node)> {
    sample.edges.iter().copied().filter(|(from, to)| from != to).collect()
}

/// Returns every path from `from` to `to` that visits no node twice.
pub(crate) fn simple_paths(sample: &Sample, from: Node, to: Node) -> Vec<Vec<Node>> {
    let edges = simple_edges(sample);
    let mut paths = Vec::new();
    let mut open = vec![vec![from]];
    while let Some(path) = open.pop() {
        let last = path[path.len() - 1];
        if last == to {
            paths.push(path);
            continue;
        }
        for &(_, next) in edges.iter().filter(|(from, _)| *from == last) {
            if !path.contains(&next) {
                open.push([path.as_slice(), &[next]].concat());
            }
        }
    }
    paths
}

/// Returns the shortest of [`simple_paths`], in ascending order.
pub(crate) fn shortest_paths(sample: &Sample, from: Node, to: Node) -> Vec<Vec<Node>> {
    let mut paths = simple_paths(sample, from, to);
    let least = paths.iter().map(Vec::len).min();
    paths.retain(|path| Some(path.len()) == least);
    paths.sort();
    paths
}

/// A common multiple of all numbers up to 20: the unit in which [`betweenness`] is exact.
pub(crate) const PARTS: u128 = 232_792_560;

/// Returns the betweenness of each node in units of 1 / [`PARTS`].
pub(crate) fn betweenness(sample: &Sample) -> Vec<u128> {
    let mut sums = vec![0; sample.len];
    for from in sample.nodes() {
        for to in sample.nodes().filter(|&to| to != from) {
            let paths = shortest_paths(sample, from, to);
            assert!(paths.len() <= 20, "the unit is fine enough");
            for path in &paths {
                for &inner in &path[1..path.len() - 1] {
                    sums[inner as usize] += PARTS / paths.len() as u128;
                }
            }
        }
    }
    sums
}

/// Returns whether removing `n` leaves more connected parts than before, with the super-root.
pub(crate) fn is_cut(sample: &Sample, n: Node) -> bool {
    parts(sample, Some(n)) > parts(sample, None)
}

/// Counts the connected parts of the undirected graph without one node; the super-root is last.
fn parts(sample: &Sample, removed: Option<Node>) -> usize {
    let super_root = Node::try_from(sample.len).expect("samples are small");
    let joined = sample.roots.iter().map(|&root| (super_root, root));
    let edges: Vec<_> = sample
        .edges
        .iter()
        .copied()
        .chain(joined)
        .filter(|&(a, b)| Some(a) != removed && Some(b) != removed)
        .collect();

    let mut label: BTreeMap<Node, Node> =
        (0..=super_root).filter(|&n| Some(n) != removed).map(|n| (n, n)).collect();
    for _ in 0..=sample.len {
        for &(a, b) in &edges {
            let least = label[&a].min(label[&b]);
            label.extend([(a, least), (b, least)]);
        }
    }
    label.into_values().collect::<BTreeSet<_>>().len()
}

/// Returns the roots that run each node on the host, by applying the rules until nothing changes.
pub(crate) fn host_reach(sample: &Sample, host: &HostCode<'_>) -> Vec<BTreeSet<usize>> {
    let mut builds = vec![BTreeSet::new(); sample.len];
    for (position, &root) in sample.roots.iter().enumerate() {
        for n in reached(sample, &[root], &[]) {
            builds[n as usize].insert(position);
        }
    }

    let mut linked = vec![BTreeSet::new(); sample.len];
    for (n, builds) in builds.iter().enumerate().filter(|(n, _)| host.is_host_library[*n]) {
        linked[n].extend(builds);
    }
    for &(dependent, dependency) in host.build_links {
        linked[dependency as usize].extend(&builds[dependent as usize]);
    }
    for _ in 0..sample.len {
        for &(dependent, dependency) in host.links {
            let from_dependent = linked[dependent as usize].clone();
            linked[dependency as usize].extend(from_dependent);
        }
    }
    for (n, builds) in builds.iter().enumerate().filter(|(n, _)| host.runs_itself[*n]) {
        linked[n].extend(builds);
    }
    linked
}
