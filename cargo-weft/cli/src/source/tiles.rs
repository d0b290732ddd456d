//! The tiles of a log in a directory, as C2SP tlog-tiles names them.

use std::fs;
use std::path::{Path, PathBuf};

use weft_verify::note;
use weft_verify::tile::{Tile, Tiles, WIDTH};

use super::files::{Refusal, read_inside};
use crate::error::Error;

/// A directory with `checkpoint` and `tile/…`; whatever is a link below `tile`, or leads out, is not there.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if there is no such directory.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let error =
            |source| Error::File { action: "read", path: path.display().to_string(), source };
        let root = path.canonicalize().map_err(error)?;
        match root.is_dir() {
            true => Ok(Self { root }),
            false => Err(error(std::io::ErrorKind::NotADirectory.into())),
        }
    }

    /// Reads the log's newest checkpoint, if it is there.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it is there and cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        let path = self.root.join("checkpoint");
        read_inside(&self.root, &path, note::MAX_BYTES).map_err(|refusal| Error::File {
            action: "read",
            path: path.display().to_string(),
            source: std::io::Error::other(refusal),
        })
    }

    /// Says whether entries are kept beside the tiles.
    pub fn has_entries(&self) -> bool {
        self.root.join("tile/entries").is_dir()
    }

    fn file(&self, tile: Tile) -> Option<(Tile, Vec<u8>)> {
        let path = self.root.join(tile.path());
        // A link back into the tree would be tiles without an end.
        if path.canonicalize().ok()? != path {
            return None;
        }
        match read_inside(&self.root, &self.root.join(tile.path()), tile.max_bytes()) {
            Ok(bytes) => Some((tile, bytes?)),
            // It is there and too large, which is for the verifier to say: of no bytes, it has too few hashes.
            Err(Refusal::TooLarge { .. }) => Some((tile, Vec::new())),
            Err(_) => None,
        }
    }

    /// Returns the narrowest partial tile of the place that is wider, which a larger tree had.
    fn wider(&self, tile: Tile) -> Option<Tile> {
        let folder = self.root.join(format!("{}.p", tile.path_of_full()));
        let names = fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // As the format writes numbers: `+189` is a stray file.
        let digits = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let widths = digits.filter_map(|name| name.parse::<u16>().ok());
        let width = widths.filter(|width| (tile.width() + 1..WIDTH).contains(width)).min()?;
        Some(tile.widened(width))
    }
}

impl Tiles for Directory {
    fn read(&self, tile: Tile) -> Option<(Tile, Vec<u8>)> {
        let full = || self.file(tile.widened(WIDTH));
        self.file(tile).or_else(full).or_else(|| self.file(self.wider(tile)?))
    }
}

impl Tiles for &Directory {
    fn read(&self, tile: Tile) -> Option<(Tile, Vec<u8>)> {
        (**self).read(tile)
    }
}
