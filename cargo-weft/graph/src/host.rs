//! Which roots' builds run a node's code on the machine that builds them.
//!
//! Code runs during a build in three ways: as a build script of its own, as a library the
//! compiler loads (a procedural macro), or linked into either of these.
//! This module only follows links it is given; which edges link what is the caller's knowledge.

use crate::bits::BitMatrix;
use crate::condensation::Condensation;
use crate::error::GraphError;
use crate::graph::{Graph, Node, check_node, index};
use crate::reach::{Reach, reach_from_roots};

/// What the caller knows about code that runs during a build.
#[derive(Debug, Clone, Copy)]
pub struct HostCode<'a> {
    /// For each node, whether code of its own runs whenever it is built: it has a build script.
    pub runs_itself: &'a [bool],
    /// For each node, whether it and what it links run whenever it is built: it is a procedural
    /// macro.
    pub is_host_library: &'a [bool],
    /// Edges whose dependency is linked into the dependent: normal dependencies.
    pub links: &'a [(Node, Node)],
    /// Edges whose dependency is linked into the dependent's build script: build dependencies.
    pub build_links: &'a [(Node, Node)],
}

/// Finds, for every node, which of `roots` run its code while they are built.
///
/// Let `M(p)` be the roots that reach `p` over any edge, whose builds therefore build `p`.
/// `L` is the smallest family of sets for which:
///
/// - `L(p)` contains `M(p)` if `p` is a host library;
/// - `L(d)` contains `M(p)` for every build link `p → d`;
/// - `L(d)` contains `L(p)` for every link `p → d`.
///
/// The result for `v` is `L(v)`, joined with `M(v)` if `v` runs itself.
/// Every such set is a part of `M(v)`.
///
/// Links may form cycles, since they are condensed before sets travel along them.
///
/// # Errors
///
/// Fails if a slice of flags has another length than the graph, if a root or the end of a link is
/// out of range, or if a link joins two components that no edge of the graph joins.
pub fn host_reach(
    condensation: &Condensation,
    roots: &[Node],
    host: &HostCode<'_>,
) -> Result<Reach, GraphError> {
    check(condensation, roots, host)?;
    let builds = reach_from_roots(condensation, roots);
    let linked = linked_reach(condensation.node_count(), &builds, roots.len(), host);

    let mut sets = BitMatrix::new(condensation.node_count(), roots.len());
    let nodes: Vec<Node> = (0..).take(condensation.node_count()).collect();
    for &n in &nodes {
        sets.union(index(n), linked.words(n));
        if host.runs_itself[index(n)] {
            sets.union(index(n), builds.words(n));
        }
    }
    Ok(Reach::new(nodes, sets))
}

/// Finds which roots run each node as, or linked into, a host library or a build script.
fn linked_reach(len: usize, builds: &Reach, roots: usize, host: &HostCode<'_>) -> Reach {
    let links = Condensation::of(&Graph::from_checked_edges(len, host.links.to_vec()));
    let row = |n| index(links.component(n));

    let mut sets = BitMatrix::new(links.len(), roots);
    for (n, &is_host_library) in (0..).zip(host.is_host_library) {
        if is_host_library {
            sets.union(row(n), builds.words(n));
        }
    }
    for &(dependent, dependency) in host.build_links {
        sets.union(row(dependency), builds.words(dependent));
    }
    for c in links.graph().nodes() {
        for &dependent in links.graph().predecessors(c) {
            sets.union_earlier(index(c), index(dependent));
        }
    }
    Reach::new(links.components().to_vec(), sets)
}

fn check(
    condensation: &Condensation,
    roots: &[Node],
    host: &HostCode<'_>,
) -> Result<(), GraphError> {
    let expected = condensation.node_count();
    for found in [host.runs_itself.len(), host.is_host_library.len()] {
        if found != expected {
            return Err(GraphError::LengthMismatch { expected, found });
        }
    }
    for &root in roots {
        check_node(root, expected)?;
    }
    for &(dependent, dependency) in host.links.iter().chain(host.build_links) {
        check_node(dependent, expected)?;
        check_node(dependency, expected)?;
        if !is_edge(condensation, dependent, dependency) {
            return Err(GraphError::LinkWithoutEdge { dependent, dependency });
        }
    }
    Ok(())
}

/// Returns whether the graph may have an edge between two nodes, as far as its condensation knows.
///
/// Within a component this is always so: each member reaches every other, so their sets agree and
/// a link between them adds no root that does not build them both.
fn is_edge(condensation: &Condensation, from: Node, to: Node) -> bool {
    let (from, to) = (condensation.component(from), condensation.component(to));
    from == to || condensation.graph().successors(from).binary_search(&to).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the roots that run each node, for a graph made of the links given.
    fn check(
        links: &[(Node, Node)],
        build_links: &[(Node, Node)],
        build_scripts: &[Node],
        macros: &[Node],
        expected: &[&[usize]],
    ) {
        let len = expected.len();
        let flags = |set: &[Node]| (0..).take(len).map(|n| set.contains(&n)).collect::<Vec<_>>();
        let graph = Graph::from_edges(len, &[links, build_links].concat()).unwrap();
        let host = HostCode {
            runs_itself: &flags(build_scripts),
            is_host_library: &flags(macros),
            links,
            build_links,
        };
        let reach = host_reach(&Condensation::of(&graph), &[0, 1], &host).unwrap();
        for (n, expected) in (0..).zip(expected) {
            assert_eq!(reach.roots(n).collect::<Vec<_>>(), *expected, "node {n}");
        }
    }

    #[test]
    fn a_library_that_is_only_linked_runs_nowhere() {
        check(&[(0, 2), (2, 3)], &[], &[], &[], &[&[], &[], &[], &[]]);
    }

    #[test]
    fn a_build_script_runs_but_its_own_libraries_do_not() {
        // 0 → 2 → 3, where only 2 has a build script: 3 is linked into 2, not into the script.
        check(&[(0, 2), (2, 3)], &[], &[2], &[], &[&[], &[], &[0], &[]]);
    }

    #[test]
    fn what_a_build_script_links_runs_with_all_that_is_linked_in_turn() {
        check(&[(0, 2), (3, 4)], &[(2, 3)], &[2], &[], &[&[], &[], &[0], &[0], &[0]]);
    }

    #[test]
    fn what_a_macro_links_runs() {
        // Root 1 links 3 too, but only for its target.
        check(&[(0, 2), (2, 3), (1, 3)], &[], &[], &[2], &[&[], &[], &[0], &[0]]);
    }

    #[test]
    fn build_links_of_a_library_that_never_runs_still_run() {
        check(&[(0, 2), (1, 2), (2, 3)], &[(3, 4)], &[3], &[], &[&[], &[], &[], &[0, 1], &[0, 1]]);
    }

    #[test]
    fn links_in_a_cycle_share_their_roots() {
        check(&[(0, 2), (2, 3), (3, 2), (1, 3)], &[], &[], &[3], &[&[], &[], &[0, 1], &[0, 1]]);
    }

    #[test]
    fn inputs_that_do_not_fit_the_graph_are_refused() {
        let condensation = Condensation::of(&Graph::from_edges(2, &[(0, 1)]).unwrap());
        let (flags, short) = ([false; 2], [false; 1]);
        let host =
            HostCode { runs_itself: &flags, is_host_library: &flags, links: &[], build_links: &[] };
        let rejection = |roots: &[Node], host| host_reach(&condensation, roots, &host).unwrap_err();

        let mismatch = GraphError::LengthMismatch { expected: 2, found: 1 };
        assert_eq!(rejection(&[0], HostCode { runs_itself: &short, ..host }), mismatch);
        assert_eq!(rejection(&[0], HostCode { is_host_library: &short, ..host }), mismatch);

        let out_of_range = GraphError::NodeOutOfRange { node: 2, len: 2 };
        assert_eq!(rejection(&[2], host), out_of_range);
        assert_eq!(rejection(&[0], HostCode { links: &[(0, 2)], ..host }), out_of_range);
        assert_eq!(rejection(&[0], HostCode { build_links: &[(2, 0)], ..host }), out_of_range);

        let backwards = GraphError::LinkWithoutEdge { dependent: 1, dependency: 0 };
        assert_eq!(rejection(&[0], HostCode { links: &[(1, 0)], ..host }), backwards);
    }
}
