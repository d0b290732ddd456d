//! How many nodes each node reaches: the size of the transitive closure without the closure.
//!
//! The closure of a graph of 200,000 nodes takes gigabytes, where only its size is asked for.
//! So a few columns of it are made at a time, and counted.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::condensation::Condensation;
use crate::graph::{index, node};

/// Counts, for every node, how many nodes it reaches, itself among them.
///
/// It takes time in the number of nodes times that of edges, of which 512 of the former are met at
/// once, and 64 bytes for each node and thread.
pub fn closure_sizes(condensation: &Condensation) -> Vec<u32> {
    let order = Order::of(condensation);
    let sizes = (0..condensation.node_count().div_ceil(COLUMNS))
        .into_par_iter()
        .fold(
            || (vec![[0; WORDS]; condensation.len()], vec![0; condensation.len()]),
            |(mut rows, mut sizes), block| {
                order.count(condensation, block, &mut rows, &mut sizes);
                (rows, sizes)
            },
        )
        .map(|(_, sizes)| sizes)
        .reduce(|| vec![0; condensation.len()], add);
    condensation.components().iter().map(|&c| sizes[index(c)]).collect()
}

/// Words of a row, which fill a cache line.
const WORDS: usize = 8;
/// Columns that are made at a time.
const COLUMNS: usize = WORDS * 64;

/// The nodes in topological order, where the members of a component follow one another.
struct Order {
    /// Where each component begins, and where the last one ends.
    first: Vec<usize>,
}

impl Order {
    fn of(condensation: &Condensation) -> Order {
        let mut first = vec![0];
        for c in condensation.graph().nodes() {
            first.push(first[index(c)] + condensation.members(c).len());
        }
        Order { first }
    }

    /// Adds, for each component, how many nodes of a block of columns it reaches.
    fn count(
        &self,
        condensation: &Condensation,
        block: usize,
        rows: &mut [[u64; WORDS]],
        sizes: &mut [u32],
    ) {
        let dag = condensation.graph();
        let columns = block * COLUMNS..(block + 1) * COLUMNS;
        // What comes later in topological order reaches no column of the block.
        let end = self.first.partition_point(|&first| first < columns.end).min(dag.len());
        for c in (0..end).rev() {
            let mut row = [0; WORDS];
            let own = self.first[c].max(columns.start)..self.first[c + 1].min(columns.end);
            own.map(|at| at - columns.start).for_each(|bit| row[bit / 64] |= 1 << (bit % 64));
            for &successor in dag.successors(node(c)).iter().take_while(|&&s| index(s) < end) {
                for (word, other) in row.iter_mut().zip(&rows[index(successor)]) {
                    *word |= other;
                }
            }
            sizes[c] += row.iter().map(|word| word.count_ones()).sum::<u32>();
            rows[c] = row;
        }
    }
}

fn add(mut sums: Vec<u32>, others: Vec<u32>) -> Vec<u32> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Node};

    fn check(len: usize, edges: &[(Node, Node)], expected: &[u32]) {
        let condensation = Condensation::of(&Graph::from_edges(len, edges).unwrap());
        assert_eq!(closure_sizes(&condensation), expected);
    }

    #[test]
    fn a_node_on_two_ways_counts_once() {
        check(5, &[(0, 1), (0, 2), (1, 3), (2, 3)], &[4, 2, 2, 1, 1]);
    }

    #[test]
    fn members_of_a_cycle_reach_one_another() {
        // 0 → 1 ⇄ 2 → 3
        check(4, &[(0, 1), (1, 2), (2, 1), (2, 3)], &[4, 3, 3, 1]);
    }

    #[test]
    fn a_cycle_that_two_blocks_share_counts_whole() {
        let nodes = 0..node(COLUMNS + 100);
        let mut edges: Vec<(Node, Node)> = nodes.clone().map(|n| (n, n + 1)).collect();
        edges.push((nodes.end, 10));
        let len = nodes.len() + 1;
        let expected: Vec<u32> = (0..=nodes.end).map(|n| nodes.end + 1 - n.min(10)).collect();
        check(len, &edges, &expected);
    }

    #[test]
    fn an_empty_graph_has_no_sizes() {
        check(0, &[], &[]);
    }
}
