//! Looks up what versions a crate has in Cargo's local cache of its registry's index; no network is used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::{Op, Version, VersionReq};
use tame_index::index::cache::ValidCacheEntry;
use tame_index::krate::DependencyKind;
use tame_index::{IndexVersion, KrateName};
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
        let entries = self.entries(package)?.into_iter();
        let read = entries.map(|entry| {
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

    /// Lists the packages of which the locked version of a package asks for exactly one version, as far as a cache says so.
    pub fn exact(&self, package: &Package) -> Vec<(String, Version)> {
        let of = |entry: &PathBuf| -> Option<IndexVersion> {
            let bytes = files::read_bounded(entry, MAX_BYTES).ok()?;
            let wanted = package.version.to_string();
            let entry = ValidCacheEntry::read(&bytes).ok()?;
            let mut parts = entry.version_entries.split(|byte| *byte == 0);
            while let (Some(name), Some(line)) = (parts.next(), parts.next()) {
                if name == wanted.as_bytes() {
                    return serde_json::from_slice(line).ok();
                }
            }
            None
        };
        let entries = self.entries(package).unwrap_or_default();
        let Some(version) = entries.iter().find_map(of) else { return Vec::new() };
        let built = version.deps.iter().filter(|needed| needed.kind != DependencyKind::Dev);
        built
            .filter_map(|needed| Some((needed.crate_name().to_owned(), exactly(&needed.req)?)))
            .collect()
    }

    /// Returns the files in which caches keep a package's crate.
    fn entries(&self, package: &Package) -> Result<Vec<PathBuf>, String> {
        let Source::Registry { url } = &package.source else {
            return Err("it comes from no registry".to_owned());
        };
        let name = package.name.to_lowercase();
        let name = KrateName::cargo(&name).map_err(|_| "it has a name that no index has")?;
        let path = Path::new(".cache").join(name.relative_path(None));
        let directories = self.directories.get(&**url).into_iter().flatten();
        let entries = directories.map(|directory| directory.join(&path));
        Ok(entries.filter(|entry| entry.is_file()).collect())
    }
}

/// Returns the one version that meets a requirement such as `=1.2.3`; nothing for any other.
fn exactly(requirement: &str) -> Option<Version> {
    let requirement: VersionReq = requirement.parse().ok()?;
    let [only] = &requirement.comparators[..] else { return None };
    let (Op::Exact, Some(minor), Some(patch)) = (only.op, only.minor, only.patch) else {
        return None;
    };
    let version = Version::new(only.major, minor, patch);
    Some(Version { pre: only.pre.clone(), ..version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_asked_for_by_a_whole_one_behind_an_equals_sign() {
        let check = |requirement: &str, expected: Option<&str>| {
            let found = exactly(requirement).map(|version| version.to_string());
            assert_eq!(found.as_deref(), expected, "{requirement}");
        };
        check("=1.2.3", Some("1.2.3"));
        check("=1.2.3-rc.1", Some("1.2.3-rc.1"));
        for other in ["=1.2", "=1", "1.2.3", "^1.2.3", "~1.2.3", "=1.2.3, <2", "*", "", "x"] {
            check(other, None);
        }
    }
}
