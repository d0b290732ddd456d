//! A tree of some size, read through its tiles.

use std::cell::RefCell;
use std::collections::BTreeMap;

use sha2::Digest as _;

use super::{MAX_LEVEL, Tile, Tiles, WIDTH, hashes, leaves};
use crate::Rejection;
use crate::checkpoint::Checkpoint;
use crate::merkle::{Hash, node_hash};

/// The tiles that are kept while proofs are made: all that one path needs, and some more.
const MAX_KEPT: usize = 64;

/// A tree of a size, of which nothing is proven until its root is compared.
///
/// ```
/// use weft_verify::merkle::{leaf_hash, node_hash};
/// use weft_verify::tile::{Tile, Tree};
///
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// let only = Tile::hashes(0, 0, 2);
/// let tiles = |tile: Tile| (tile == only).then(|| (tile, [a, b].concat()));
/// let tree = Tree::new(2, tiles);
/// assert_eq!(tree.root(2), Ok(node_hash(&a, &b)));
/// assert_eq!(tree.inclusion(1, 2), Ok(vec![a]));
/// ```
#[derive(Debug)]
pub struct Tree<T> {
    size: u64,
    tiles: T,
    kept: RefCell<BTreeMap<(u8, u64), Vec<Hash>>>,
}

impl<T: Tiles> Tree<T> {
    /// Returns the tree of this size.
    pub fn new(size: u64, tiles: T) -> Self {
        Self { size, tiles, kept: RefCell::default() }
    }

    /// Returns the size.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Computes the root of the tree's first entries (RFC 9162 §2.1.1).
    ///
    /// # Errors
    ///
    /// [`Rejection::TileMissing`], [`Rejection::TileMalformed`]; [`Rejection::ProofShape`] if it is not that large.
    pub fn root(&self, size: u64) -> Result<Hash, Rejection> {
        self.demand(size <= self.size)?;
        match size {
            0 => Ok(sha2::Sha256::digest([]).into()),
            size => self.range(0, size),
        }
    }

    /// Demands that the tiles make the root of a checkpoint.
    ///
    /// # Errors
    ///
    /// [`Rejection::TileRoot`], or as [`Self::root`].
    pub fn demand_root(&self, checkpoint: &Checkpoint) -> Result<(), Rejection> {
        let size = checkpoint.size;
        match self.root(size)? == checkpoint.root {
            true => Ok(()),
            false => Err(Rejection::TileRoot { size }),
        }
    }

    /// Makes the proof that a leaf is in the tree's first entries (§2.1.3.1).
    ///
    /// # Errors
    ///
    /// As [`Self::root`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, Rejection> {
        self.demand(size <= self.size && index < size)?;
        let (mut begin, mut end) = (0, size);
        let mut proof = Vec::new();
        while end - begin > 1 {
            let middle = begin + split(end - begin);
            if index < middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// Makes the proof that the tree's first entries begin with fewer of them (§2.1.4.1).
    ///
    /// # Errors
    ///
    /// As [`Self::root`]; [`Rejection::ProofShape`] also if the first size is 0.
    pub fn consistency(&self, first: u64, second: u64) -> Result<Vec<Hash>, Rejection> {
        self.demand(0 < first && first <= second && second <= self.size)?;
        let (mut begin, mut end) = (0, second);
        let mut proof = Vec::new();
        // Down to the subtree that ends where the first tree does.
        while first < end {
            let middle = begin + split(end - begin);
            if first <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        // The whole first tree is known to who asks.
        if begin > 0 {
            proof.push(self.range(begin, end)?);
        }
        proof.reverse();
        Ok(proof)
    }

    /// Returns the hash of a leaf.
    ///
    /// # Errors
    ///
    /// As [`Self::root`].
    pub fn leaf(&self, index: u64) -> Result<Hash, Rejection> {
        self.demand(index < self.size)?;
        self.hash(0, index)
    }

    /// Demands that each hash above the leaves is that of the full tile below it, and returns how many tiles there are.
    ///
    /// # Errors
    ///
    /// [`Rejection::TileHash`], or as [`Self::root`].
    pub fn audit(&self) -> Result<u64, Rejection> {
        let mut count = 0;
        for level in 0..=MAX_LEVEL {
            let hashes = self.hashes_at(level);
            for index in 0..hashes.div_ceil(u64::from(WIDTH)) {
                let tile = self.tile(level, index);
                let found = self.read(level, index)?;
                if tile.width() == WIDTH && self.hash(level + 1, index)? != fold(&found) {
                    return Err(Rejection::TileHash { path: tile.path() });
                }
                count += 1;
            }
        }
        Ok(count)
    }

    /// Demands that the entries hash to the leaves, and returns how many bundles there are.
    ///
    /// # Errors
    ///
    /// [`Rejection::TileHash`], or as [`Self::root`].
    pub fn audit_entries(&self) -> Result<u64, Rejection> {
        let count = self.size.div_ceil(u64::from(WIDTH));
        for index in 0..count {
            let tile = Tile::entries(index, self.tile(0, index).width());
            if leaves(&self.tiles, tile)? != self.read(0, index)? {
                return Err(Rejection::TileHash { path: tile.path() });
            }
        }
        Ok(count)
    }

    /// Looks for a leaf, from the first one on.
    ///
    /// # Errors
    ///
    /// As [`Self::root`].
    pub fn find(&self, leaf: &Hash) -> Result<Option<u64>, Rejection> {
        for index in 0..self.size.div_ceil(u64::from(WIDTH)) {
            if let Some(at) = self.read(0, index)?.iter().position(|hash| hash == leaf) {
                return Ok(Some(index * u64::from(WIDTH) + at as u64));
            }
        }
        Ok(None)
    }

    fn demand(&self, is_inside: bool) -> Result<(), Rejection> {
        match is_inside {
            true => Ok(()),
            false => Err(Rejection::ProofShape { message: "it is outside the tree" }),
        }
    }

    /// Returns how many hashes a level has: a subtree that is not perfect has none.
    fn hashes_at(&self, level: u8) -> u64 {
        self.size.checked_shr(8 * u32::from(level)).unwrap_or(0)
    }

    /// Returns the tile of a place, as wide as it is in this tree.
    fn tile(&self, level: u8, index: u64) -> Tile {
        let before = index.saturating_mul(u64::from(WIDTH));
        let left = self.hashes_at(level).saturating_sub(before).min(u64::from(WIDTH));
        Tile::hashes(level, index, u16::try_from(left).unwrap_or(WIDTH))
    }

    fn read(&self, level: u8, index: u64) -> Result<Vec<Hash>, Rejection> {
        if let Some(hashes) = self.kept.borrow().get(&(level, index)) {
            return Ok(hashes.clone());
        }
        let found = hashes(&self.tiles, self.tile(level, index))?;
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= MAX_KEPT {
            // The lowest level is read from left to right and not again; the upper ones are few.
            kept.pop_first();
        }
        kept.insert((level, index), found.clone());
        Ok(found)
    }

    /// Returns one hash of a level.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Rejection> {
        let width = u64::from(WIDTH);
        let at = usize::try_from(index % width).unwrap_or(usize::MAX);
        let tile = self.read(level, index / width)?;
        tile.get(at).copied().ok_or(Rejection::ProofShape { message: "it is outside the tree" })
    }

    /// Computes the hash of the entries from `begin` up to `end`, which are a subtree of some tree.
    fn range(&self, begin: u64, end: u64) -> Result<Hash, Rejection> {
        // From left to right, perfect subtrees, the largest first; their hashes are joined from the right.
        let mut hashes = Vec::new();
        let mut at = begin;
        while at < end {
            let size = 1 << (end - at).ilog2();
            hashes.push(self.perfect(at, size)?);
            at += size;
        }
        let last = hashes.pop().ok_or(Rejection::ProofShape { message: "it is empty" })?;
        Ok(hashes.iter().rev().fold(last, |right, left| node_hash(left, &right)))
    }

    /// Computes the hash of a perfect subtree, from the highest tile that it is in.
    fn perfect(&self, begin: u64, size: u64) -> Result<Hash, Rejection> {
        let level = size.ilog2() / 8;
        let level = u8::try_from(level).unwrap_or(MAX_LEVEL);
        let shift = 8 * u32::from(level);
        let (first, count) = (begin >> shift, size >> shift);
        let width = u64::from(WIDTH);
        let tile = self.read(level, first / width)?;
        let from = usize::try_from(first % width).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let hashes = tile.get(from..).and_then(|hashes| hashes.get(..count));
        hashes.map(fold).ok_or(Rejection::ProofShape { message: "it is outside the tree" })
    }
}

/// Returns the largest power of two below a size, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Joins as many hashes as a power of two.
fn fold(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[pair.len() - 1])).collect();
    }
    row.first().copied().unwrap_or_default()
}
