//! Looks locked packages up in Cargo's local cache of registry indexes; no network is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use semver::VersionReq;
use tame_index::utils::url_to_local_dir;
use weft_gate::facts::{Known, Release, Releases};
use weft_gate::input::index::{self, Others};
use weft_gate::inventory::{Inventory, Package, Precision, Source};

use super::cargo;
use super::files;

/// Looks up every registry package of an inventory.
pub fn releases(inventory: &Inventory) -> Known<Releases> {
    releases_of(inventory, &inventory.packages)
}

/// Looks up packages from the registries of an inventory.
pub fn releases_of(inventory: &Inventory, packages: &[Package]) -> Known<Releases> {
    let Some(home) = cargo::cargo_home() else {
        return Known::Unknown("there is no Cargo home directory".to_owned());
    };
    let directories = by_registry(inventory, &home.join("registry").join("index"));
    let names: BTreeSet<&str> = inventory.packages.iter().map(|p| &*p.name).collect();
    let given = given(inventory);
    let look_up = |package: &Package| {
        let Source::Registry { url } = &package.source else { return None };
        let given = given.get(&*package.id).map(Vec::as_slice);
        Some((package.id.clone(), look_up(package, directories.get(&**url)?, &names, given)?))
    };
    Known::Value(packages.par_iter().filter_map(look_up).collect())
}

/// Lists for each package what the lockfile gives it, by package URL; nothing where Cargo itself answered, which looks
/// at that.
fn given(inventory: &Inventory) -> BTreeMap<&str, Vec<&Package>> {
    if inventory.precision != Precision::Lock {
        return BTreeMap::new();
    }
    let mut given: BTreeMap<&str, Vec<&Package>> =
        inventory.packages.iter().map(|package| (&*package.id, Vec::new())).collect();
    for edge in &inventory.edges {
        let [from, to] = [edge.from, edge.to].map(|end| inventory.package(end));
        given.entry(&from.id).or_default().push(to);
    }
    given
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
fn look_up(
    package: &Package,
    directories: &[PathBuf],
    names: &BTreeSet<&str>,
    given: Option<&[&Package]>,
) -> Option<Release> {
    let is_given = |name: &str, wanted: &VersionReq| {
        given.is_some_and(|given| {
            given.iter().any(|package| package.name == name && wanted.matches(&package.version))
        })
    };
    let find = |directory: &PathBuf| {
        let first = |name: &str| index::first_published(&entry(directory, name)?);
        let is_given: Option<index::IsGiven<'_>> = given.is_some().then_some(&is_given as _);
        let others = Others { first: &first, is_locked: &|name| names.contains(name), is_given };
        let entry = entry(directory, &package.name)?;
        index::find(&entry, &package.version, package.checksum.as_ref(), &others).ok().flatten()
    };
    directories.iter().filter_map(find).reduce(|a, b| Release {
        history: a.history.or(b.history),
        // Both tell of the same archive.
        lacks: if a.lacks.is_empty() { b.lacks } else { a.lacks },
        published: a.published.or(b.published),
        yanked: a.yanked || b.yanked,
    })
}

/// Reads what a cache of an index has of a crate.
fn entry(directory: &Path, name: &str) -> Option<Vec<u8>> {
    let path = directory.join(".cache").join(prefix(&name.to_lowercase()));
    files::read_bounded(&path, index::MAX_BYTES).ok()
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
