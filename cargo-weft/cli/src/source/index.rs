//! Looks locked packages up in Cargo's local cache of registry indexes; no network is used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tame_index::utils::url_to_local_dir;
use weft_gate::facts::{Known, Release, Releases};
use weft_gate::input::index;
use weft_gate::inventory::{Inventory, Package, Source};

use super::cargo;
use super::files::{self, Refusal};

/// Looks up every registry package of an inventory.
pub fn releases(inventory: &Inventory) -> Known<Releases> {
    let Some(home) = cargo::cargo_home() else {
        return Known::Unknown("there is no Cargo home directory".to_owned());
    };
    let directories = by_registry(inventory, &home.join("registry").join("index"));
    let look_up = |package: &Package| {
        let Source::Registry { url } = &package.source else { return None };
        Some((package.id.clone(), look_up(package, directories.get(&**url)?)?))
    };
    Known::Value(inventory.packages.par_iter().filter_map(look_up).collect())
}

/// Returns the directories below `parent` of every registry that the inventory names.
pub(super) fn by_registry<'a>(
    inventory: &'a Inventory,
    parent: &Path,
) -> BTreeMap<&'a str, Vec<PathBuf>> {
    let mut by_registry = BTreeMap::<&str, Vec<PathBuf>>::new();
    for package in &inventory.packages {
        if let Source::Registry { url } = &package.source {
            let found = || directories(parent, &package.source, url);
            by_registry.entry(url).or_insert_with(found);
        }
    }
    by_registry
}

/// Returns the directories below `parent` in which Cargo, of this or an older version, keeps what is a registry's.
fn directories(parent: &Path, source: &Source, url: &str) -> Vec<PathBuf> {
    let crates_io =
        ["sparse+https://index.crates.io/", "https://github.com/rust-lang/crates.io-index"];
    let urls = if source.is_crates_io() { crates_io.to_vec() } else { vec![url] };
    let names =
        urls.iter().flat_map(|url| [true, false].map(|stable| url_to_local_dir(url, stable)));
    let names = names.filter_map(|name| Some(name.ok()?.dir_name));
    names.map(|name| parent.join(name)).filter(|path| path.is_dir()).collect()
}

/// A version is yanked if any of the caches says so.
fn look_up(package: &Package, directories: &[PathBuf]) -> Option<Release> {
    let path = Path::new(".cache").join(prefix(&package.name.to_lowercase()));
    let read = |directory: &PathBuf| {
        let bytes = match files::read_bounded(&directory.join(&path), index::MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(
                Refusal::Io(_) | Refusal::NotAFile | Refusal::TooLarge { .. } | Refusal::LeadsOut,
            ) => {
                return None;
            }
        };
        index::find(&bytes, &package.version, package.checksum.as_ref()).ok().flatten()
    };
    directories.iter().filter_map(read).reduce(|a, b| Release {
        published: a.published.or(b.published),
        yanked: a.yanked || b.yanked,
    })
}

/// Returns where an index keeps a crate (The Cargo Book, "Index Files").
fn prefix(name: &str) -> PathBuf {
    let part = |range: std::ops::Range<usize>| name.get(range).unwrap_or_default();
    match name.chars().count() {
        0..=2 => Path::new(&name.len().to_string()).join(name),
        3 => Path::new("3").join(part(0..1)).join(name),
        _ => Path::new(part(0..2)).join(part(2..4)).join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_lie_where_cargo_puts_them() {
        let at = |name: &str| prefix(name).to_string_lossy().replace('\\', "/");
        assert_eq!(at("a"), "1/a");
        assert_eq!(at("cc"), "2/cc");
        assert_eq!(at("syn"), "3/s/syn");
        assert_eq!(at("serde"), "se/rd/serde");
    }
}
