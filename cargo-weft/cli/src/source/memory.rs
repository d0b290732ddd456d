//! Remembers what was found in Cargo's copy of a package, by its name, its version and the checksum of its
//! archive.
//!
//! It lies in Cargo's home directory beside the copies: whoever can write there can write what is built. Without it a
//! run is slower, and as right.

use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_gate::inventory::Package;
use weft_verify::canonical;

use super::{cargo, files};

/// The largest note that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A folder of notes of one kind, made by one version of what looks.
#[derive(Debug)]
pub struct Memory {
    folder: Option<PathBuf>,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note<T> {
    found: T,
    version: u32,
}

impl Memory {
    /// Opens the folder of this name below Cargo's home directory.
    pub fn of(name: &str, version: u32) -> Self {
        Self { folder: cargo::cargo_home().map(|home| home.join("weft").join(name)), version }
    }

    /// Returns what is remembered of a package, or looks and remembers.
    pub fn recall<T: Serialize + DeserializeOwned>(
        &self,
        package: &Package,
        look: impl FnOnce() -> T,
    ) -> T {
        let (Some(folder), Some(checksum)) = (&self.folder, &package.checksum) else {
            return look();
        };
        // The checksum is the lockfile's word: a wrong one must not speak for another package.
        let path = folder.join(format!("{}-{}-{checksum}", package.name, package.version));
        let known = files::read_bounded(&path, MAX_BYTES).ok();
        let known = known.and_then(|bytes| serde_json::from_slice::<Note<T>>(&bytes).ok());
        if let Some(known) = known.filter(|known| known.version == self.version) {
            return known.found;
        }
        let note = Note { found: look(), version: self.version };
        if let Ok(bytes) = canonical::to_vec(&note)
            && fs::create_dir_all(folder).is_ok()
        {
            _ = files::replace(&path, &bytes);
        }
        note.found
    }
}
