//! Looks up what versions a crate has in Cargo's local cache of its registry's index; no network is used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tame_index::KrateName;
use weft_gate::input::candidates::{self, Candidate};
use weft_gate::input::index::MAX_BYTES;
use weft_gate::inventory::{Inventory, Package, Source};

use super::{cargo, files, index};

/// The indexes of the registries of an inventory.
pub struct Indexes<'a> {
    directories: BTreeMap<&'a str, Vec<PathBuf>>,
}

impl<'a> Indexes<'a> {
    /// Looks for the indexes that an inventory names.
    ///
    /// # Errors
    ///
    /// A sentence: there is no Cargo home directory.
    pub fn of(inventory: &'a Inventory) -> Result<Self, String> {
        let home = cargo::cargo_home().ok_or("there is no Cargo home directory")?;
        let parent = home.join("registry").join("index");
        Ok(Self { directories: index::by_registry(inventory, &parent) })
    }

    /// Returns every version of a package's crate, the oldest first.
    ///
    /// Where several caches know it, the one with most versions counts, and a version is yanked if any says so.
    ///
    /// # Errors
    ///
    /// A sentence: it is from no registry, no cache knows it, or none can be read.
    pub fn candidates(&self, package: &Package) -> Result<Vec<Candidate>, String> {
        let Source::Registry { url } = &package.source else {
            return Err("it comes from no registry".to_owned());
        };
        let name = package.name.to_lowercase();
        let name = KrateName::cargo(&name).map_err(|_| "it has a name that no index has")?;
        let path = Path::new(".cache").join(name.relative_path(None));
        let directories = self.directories.get(&**url).into_iter().flatten();
        let entries = directories.map(|directory| directory.join(&path));
        let read = entries.filter(|entry| entry.is_file()).map(|entry| {
            let bytes = files::read_bounded(&entry, MAX_BYTES).map_err(|e| e.to_string())?;
            candidates::candidates(&bytes)
        });
        let mut read = read
            .collect::<Result<Vec<_>, String>>()
            .map_err(|why| format!("its entry in Cargo's local cache of the index {why}"))?;
        read.sort_by_key(Vec::len);
        let Some(mut newest) = read.pop() else {
            return Err("Cargo's local cache of the index does not know it".to_owned());
        };
        let yanked = read.iter().flatten().filter(|c| c.yanked).map(|c| &c.version);
        let yanked: Vec<_> = yanked.collect();
        for candidate in &mut newest {
            candidate.yanked |= yanked.contains(&&candidate.version);
        }
        Ok(newest)
    }
}
