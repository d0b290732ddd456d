//! Lists of nodes laid end to end: compressed sparse rows.

use crate::graph::{Node, index, node};

/// One list of nodes for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Csr {
    /// Row `i` is `values[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<usize>,
    values: Vec<Node>,
}

impl Csr {
    /// Groups `(row, value)` pairs by row; within a row, values keep the order they came in.
    pub(crate) fn group(rows: usize, pairs: impl Iterator<Item = (Node, Node)> + Clone) -> Csr {
        let mut offsets = vec![0; rows + 1];
        for (row, _) in pairs.clone() {
            offsets[index(row) + 1] += 1;
        }
        for row in 0..rows {
            offsets[row + 1] += offsets[row];
        }

        let mut next = offsets.clone();
        let mut values = vec![0; offsets[rows]];
        for (row, value) in pairs {
            values[next[index(row)]] = value;
            next[index(row)] += 1;
        }
        Csr { offsets, values }
    }

    /// Groups the rows that each value is in, which come out ascending.
    pub(crate) fn transposed(&self) -> Csr {
        let rows = (0..self.len()).map(node);
        let pairs = rows.flat_map(|row| self.row(row).iter().map(move |&value| (value, row)));
        Csr::group(self.len(), pairs)
    }

    /// Keeps one of values that follow each other in a row and are equal.
    pub(crate) fn dedup(&mut self) {
        let mut end = 0;
        let mut begin = 0;
        for row in 1..self.offsets.len() {
            let mut last = None;
            for at in begin..self.offsets[row] {
                let value = self.values[at];
                self.values[end] = value;
                end += usize::from(last != Some(value));
                last = Some(value);
            }
            begin = std::mem::replace(&mut self.offsets[row], end);
        }
        self.values.truncate(end);
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Returns the number of values in all rows together.
    pub(crate) fn value_count(&self) -> usize {
        self.values.len()
    }

    /// Returns one row.
    #[inline]
    pub(crate) fn row(&self, row: Node) -> &[Node] {
        &self.values[self.offsets[index(row)]..self.offsets[index(row) + 1]]
    }
}
