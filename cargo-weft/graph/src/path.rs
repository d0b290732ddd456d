//! One path to show for a fact about reachability.
//!
//! Of all shortest paths, the one that is smallest when its nodes are compared in turn is chosen,
//! so equal graphs give equal explanations.

use std::collections::VecDeque;

use fixedbitset::FixedBitSet;

use crate::graph::{Graph, Node, index};

/// Finds the shortest path from any of `from` to `to`, with both ends.
///
/// Among paths of equal length, the one with the smallest node at the first difference is chosen.
pub fn shortest_path(graph: &Graph, from: &[Node], to: Node) -> Option<Vec<Node>> {
    shortest_path_avoiding(graph, from, to, &[])
}

/// Finds the shortest path from any of `from` to `to` that touches no node of `avoid`.
///
/// There is none if `to` itself is to be avoided.
/// Ties are broken as by [`shortest_path`].
pub fn shortest_path_avoiding(
    graph: &Graph,
    from: &[Node],
    to: Node,
    avoid: &[Node],
) -> Option<Vec<Node>> {
    let distance = distances_to(graph, to, avoid);
    let to_go = |n: Node| distance[index(n)];

    let start = from.iter().filter_map(|&n| Some((to_go(n)?, n))).min();
    let (mut left, mut n) = start?;
    let mut path = vec![n];
    while left > 0 {
        left -= 1;
        // Successors ascend, so the first that is one step closer is the smallest.
        n = *graph.successors(n).iter().find(|&&next| to_go(next) == Some(left))?;
        path.push(n);
    }
    Some(path)
}

/// A shortest path to every node, found once.
///
/// Costs one walk over the graph, and then the length of each path that is asked for.
#[derive(Debug, Clone)]
pub struct ShortestPaths {
    /// For each node, the one before it: itself where a path begins, and none where there is no path.
    before: Vec<Option<Node>>,
}

impl ShortestPaths {
    /// Finds a shortest path from any of `from` to each node; ties are broken as by [`shortest_path`].
    pub fn new(graph: &Graph, from: &[Node]) -> Self {
        let mut before = vec![None; graph.len()];
        let mut starts = from.to_vec();
        starts.sort_unstable();
        starts.dedup();
        for &start in &starts {
            before[index(start)] = Some(start);
        }
        // Nodes are reached in the order of their paths, so who reaches one first is on its smallest.
        let mut queue = VecDeque::from(starts);
        while let Some(n) = queue.pop_front() {
            for &next in graph.successors(n) {
                let unreached = &mut before[index(next)];
                if unreached.is_none() {
                    *unreached = Some(n);
                    queue.push_back(next);
                }
            }
        }
        Self { before }
    }

    /// Returns the path to a node, with both ends.
    pub fn to(&self, node: Node) -> Option<Vec<Node>> {
        let mut path = vec![node];
        let mut n = node;
        loop {
            let previous = self.before[index(n)]?;
            if previous == n {
                path.reverse();
                return Some(path);
            }
            path.push(previous);
            n = previous;
        }
    }
}

/// Measures how far each node is from `to` along edges, without passing through `avoid`.
fn distances_to(graph: &Graph, to: Node, avoid: &[Node]) -> Vec<Option<u32>> {
    let mut closed = FixedBitSet::with_capacity(graph.len());
    avoid.iter().for_each(|&n| closed.insert(index(n)));

    let mut distance = vec![None; graph.len()];
    let mut level = vec![to];
    for length in 0.. {
        level.retain(|&n| !closed.put(index(n)));
        if level.is_empty() {
            break;
        }
        for &n in &level {
            distance[index(n)] = Some(length);
        }
        level = level.iter().flat_map(|&n| graph.predecessors(n)).copied().collect();
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_equally_short_paths_is_chosen() {
        // 0 → {2, 1} → 3 and 0 → 1 → 2
        let graph = Graph::from_edges(4, &[(0, 2), (0, 1), (1, 3), (2, 3), (1, 2)]).unwrap();
        assert_eq!(shortest_path(&graph, &[0], 3), Some(vec![0, 1, 3]));
        assert_eq!(shortest_path_avoiding(&graph, &[0], 3, &[1]), Some(vec![0, 2, 3]));
        assert_eq!(shortest_path_avoiding(&graph, &[0], 3, &[1, 2]), None);
    }

    #[test]
    fn the_closest_start_wins_and_then_the_smallest() {
        let graph = Graph::from_edges(5, &[(0, 1), (1, 4), (3, 4), (2, 4)]).unwrap();
        assert_eq!(shortest_path(&graph, &[0, 3, 2], 4), Some(vec![2, 4]));
    }

    #[test]
    fn the_path_to_a_start_is_that_node() {
        let graph = Graph::from_edges(2, &[(0, 1), (1, 0)]).unwrap();
        assert_eq!(shortest_path(&graph, &[1, 0], 1), Some(vec![1]));
    }

    #[test]
    fn there_is_no_path_against_the_edges_or_through_what_is_avoided() {
        let graph = Graph::from_edges(2, &[(0, 1)]).unwrap();
        assert_eq!(shortest_path(&graph, &[1], 0), None);
        assert_eq!(shortest_path(&graph, &[], 0), None);
        assert_eq!(shortest_path_avoiding(&graph, &[0], 1, &[1]), None);
        assert_eq!(shortest_path_avoiding(&graph, &[0], 1, &[0]), None);
    }
}
