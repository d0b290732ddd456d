//! Trees of tiles (C2SP tlog-tiles): where hashes lie, and what follows from them.
//!
//! A tile is 256 hashes of one height, the lowest being those of the leaves, or at the right edge of the tree fewer.
//! Whoever has the tiles computes roots and proofs; here they are computed, through a reader that the caller brings, and
//! nothing is fetched.
//! A hash of a tile is worth nothing by itself: what is computed has to be compared with a checkpoint's root.

mod tree;

pub use tree::Tree;

use crate::Rejection;
use crate::merkle::{Hash, leaf_hash};

/// The hashes of a full tile.
pub const WIDTH: u16 = 256;

/// The highest level that a tree of 2^64 entries has.
const MAX_LEVEL: u8 = 7;

/// The largest entry bundle that is read, in bytes: 256 entries of 65,535 bytes, each with its length.
pub const MAX_BUNDLE: usize = WIDTH as usize * (2 + u16::MAX as usize);

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    /// Hashes of this level.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// The place of a tile or of an entry bundle.
///
/// ```
/// use weft_verify::tile::Tile;
///
/// assert_eq!(Tile::hashes(0, 1_234_067, 8).path(), "tile/0/x001/x234/067.p/8");
/// assert_eq!(Tile::entries(1, 256).path(), "tile/entries/001");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Tile {
    /// Returns a tile of hashes; a width beyond 256 is 256.
    pub fn hashes(level: u8, index: u64, width: u16) -> Self {
        Self { content: Content::Hashes(level), index, width: width.min(WIDTH) }
    }

    /// Returns a bundle of entries; a width beyond 256 is 256.
    pub fn entries(index: u64, width: u16) -> Self {
        Self { content: Content::Entries, index, width: width.min(WIDTH) }
    }

    /// Returns the number of hashes or entries.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Returns the same place with another width: a wider tile begins with the narrower one.
    pub fn widened(self, width: u16) -> Self {
        Self { width: width.min(WIDTH), ..self }
    }

    /// Returns the most bytes that it may have.
    pub fn max_bytes(&self) -> usize {
        match self.content {
            Content::Hashes(_) => usize::from(self.width) * size_of::<Hash>(),
            Content::Entries => MAX_BUNDLE,
        }
    }

    /// Returns the path below the log's prefix.
    pub fn path(&self) -> String {
        match self.width {
            WIDTH => self.path_of_full(),
            width => format!("{}.p/{width}", self.path_of_full()),
        }
    }

    /// Returns the path that the full tile of this place has.
    pub fn path_of_full(&self) -> String {
        let mut out = match self.content {
            Content::Hashes(level) => format!("tile/{level}"),
            Content::Entries => "tile/entries".to_owned(),
        };
        // Groups of three digits, the last one without an `x`.
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        for group in groups.iter().rev() {
            out += "/";
            out += group;
        }
        out
    }
}

/// Where tiles come from: each at its place or wider, with its bytes, or nothing.
pub trait Tiles {
    /// Returns the tile, or one of the same place that is wider.
    fn read(&self, tile: Tile) -> Option<(Tile, Vec<u8>)>;
}

impl<F: Fn(Tile) -> Option<(Tile, Vec<u8>)>> Tiles for F {
    fn read(&self, tile: Tile) -> Option<(Tile, Vec<u8>)> {
        self(tile)
    }
}

/// Reads a tile of hashes, as many as it is wide.
fn hashes(tiles: &impl Tiles, tile: Tile) -> Result<Vec<Hash>, Rejection> {
    let (found, bytes) = read(tiles, tile)?;
    let (hashes, rest) = bytes.as_chunks::<{ size_of::<Hash>() }>();
    if !rest.is_empty() || hashes.len() != usize::from(found.width) {
        let path = found.path();
        return Err(Rejection::TileMalformed { path, message: "not as many hashes as its width" });
    }
    Ok(hashes[..usize::from(tile.width)].to_vec())
}

/// Reads the hashes of the entries in a bundle, as many as it is wide.
fn leaves(tiles: &impl Tiles, tile: Tile) -> Result<Vec<Hash>, Rejection> {
    let (found, bytes) = read(tiles, tile)?;
    let malformed = |message| Rejection::TileMalformed { path: found.path(), message };
    let entries = entries(&bytes).map_err(malformed)?;
    if entries.len() != usize::from(found.width) {
        return Err(malformed("not as many entries as its width"));
    }
    Ok(entries.iter().take(usize::from(tile.width)).map(|entry| leaf_hash(entry)).collect())
}

fn read(tiles: &impl Tiles, tile: Tile) -> Result<(Tile, Vec<u8>), Rejection> {
    let missing = Rejection::TileMissing { path: tile.path() };
    let (found, bytes) = tiles.read(tile).ok_or(missing.clone())?;
    match found.widened(tile.width) == tile && found.width >= tile.width {
        true => Ok((found, bytes)),
        false => Err(missing),
    }
}

/// Splits a bundle into its entries, each behind its length in two bytes, big-endian.
///
/// # Errors
///
/// What is wrong, as a phrase.
pub fn entries(bytes: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if entries.len() == usize::from(WIDTH) {
            return Err("more than 256 entries");
        }
        let (length, behind) = rest.split_first_chunk::<2>().ok_or("a length that is cut")?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, behind) = behind.split_at_checked(length).ok_or("an entry that is cut")?;
        entries.push(entry);
        rest = behind;
    }
    Ok(entries)
}
