//! Rows of bits laid end to end, all of one width.

use std::ops::Range;

/// A matrix of bits, in which a row is a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BitMatrix {
    words_per_row: usize,
    words: Vec<u64>,
}

impl BitMatrix {
    /// Returns `rows` empty rows of `width` bits.
    pub(crate) fn new(rows: usize, width: usize) -> BitMatrix {
        let words_per_row = width.div_ceil(64);
        BitMatrix { words_per_row, words: vec![0; rows * words_per_row] }
    }

    /// Adds one bit to a row.
    pub(crate) fn insert(&mut self, row: usize, bit: usize) {
        self.words[row * self.words_per_row + bit / 64] |= 1 << (bit % 64);
    }

    /// Adds to a row all bits of another set of the same width.
    pub(crate) fn union(&mut self, row: usize, other: &[u64]) {
        let range = self.range(row);
        or(&mut self.words[range], other);
    }

    /// Adds to a row all bits of an earlier row.
    ///
    /// Rows in topological order only ever need this direction, and it lets both be borrowed.
    pub(crate) fn union_earlier(&mut self, row: usize, earlier: usize) {
        let (source, range) = (self.range(earlier), self.range(row));
        let (before, after) = self.words.split_at_mut(range.start);
        or(&mut after[..range.len()], &before[source]);
    }

    /// Returns the words of a row.
    pub(crate) fn row(&self, row: usize) -> &[u64] {
        &self.words[self.range(row)]
    }

    /// Returns how many bits a row has.
    pub(crate) fn count(&self, row: usize) -> u32 {
        self.row(row).iter().map(|word| word.count_ones()).sum()
    }

    /// Returns the bits of a row in ascending order.
    pub(crate) fn bits(&self, row: usize) -> impl Iterator<Item = usize> {
        self.row(row)
            .iter()
            .enumerate()
            .flat_map(|(position, &word)| ones(word).map(move |bit| position * 64 + bit))
    }

    fn range(&self, row: usize) -> Range<usize> {
        row * self.words_per_row..(row + 1) * self.words_per_row
    }
}

fn or(target: &mut [u64], source: &[u64]) {
    for (target, source) in target.iter_mut().zip(source) {
        *target |= source;
    }
}

fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_on_both_sides_of_a_word_boundary_are_kept_apart() {
        let mut matrix = BitMatrix::new(2, 130);
        for bit in [0, 63, 64, 129] {
            matrix.insert(1, bit);
        }
        assert_eq!(matrix.bits(1).collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!(matrix.count(1), 4);
        assert_eq!(matrix.count(0), 0);
    }

    #[test]
    fn a_union_keeps_what_was_there() {
        let mut matrix = BitMatrix::new(2, 3);
        matrix.insert(0, 2);
        matrix.insert(1, 1);
        matrix.union_earlier(1, 0);
        assert_eq!(matrix.bits(1).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn rows_without_width_are_empty() {
        assert_eq!(BitMatrix::new(3, 0).count(2), 0);
    }
}
