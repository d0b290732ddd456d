//! Finds Cargo's local copies of the sources of packages.
//!
//! Nothing is unpacked or fetched. Whoever can write to Cargo's home directory can write what is built from it, so its
//! copies are taken as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weft_gate::input::package::{self, Stated};
use weft_gate::input::vcs::{self, Commit};
use weft_gate::inventory::{Inventory, Package, Source};

use super::cargo;
use super::files;
use super::index;

/// How many files of one package are looked at.
const MAX_FILES: usize = 50_000;

/// How deep they may lie.
const MAX_DEPTH: usize = 32;

/// Where Cargo keeps the sources of the packages of an inventory.
pub struct Copies<'a> {
    directories: BTreeMap<&'a str, Vec<PathBuf>>,
}

impl<'a> Copies<'a> {
    /// Looks for the registries of an inventory.
    ///
    /// # Errors
    ///
    /// A sentence: there is no Cargo home directory.
    pub fn of(inventory: &'a Inventory) -> Result<Self, String> {
        let home = cargo::cargo_home().ok_or("there is no Cargo home directory")?;
        let sources = home.join("registry").join("src");
        Ok(Self { directories: index::by_registry(inventory, &sources) })
    }

    /// Returns the directory of a package, if it is from a registry and is there.
    pub fn find(&self, package: &Package) -> Option<PathBuf> {
        let Source::Registry { url } = &package.source else { return None };
        let name = format!("{}-{}", package.name, package.version);
        let copies = self.directories.get(&**url)?.iter().map(|copies| copies.join(&name));
        // Cargo writes this when a package is unpacked whole.
        copies.into_iter().find(|copy| copy.join(".cargo-ok").is_file())
    }
}

/// The files of a package.
#[derive(Default)]
pub struct Files {
    /// Regular files: the path in the package, with `/`, and where it lies; sorted.
    pub found: Vec<(String, PathBuf)>,
    /// Why something is not listed.
    pub unread: Vec<String>,
}

/// Lists the files of a package; links are not followed.
pub fn walk(copy: &Path) -> Files {
    let mut files = Files::default();
    let mut open = vec![(copy.to_owned(), String::new(), 0)];
    let mut seen = 0;
    while let Some((directory, prefix, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            files.unread.push(format!("the folder `{prefix}` is not read"));
            continue;
        };
        for entry in entries {
            seen += 1;
            let Ok(entry) = entry else {
                files.unread.push(format!("the folder `{prefix}` is not read to its end"));
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => {
                    open.push((entry.path(), path, depth + 1));
                }
                Ok(kind) if kind.is_file() => files.found.push((path, entry.path())),
                Ok(_) | Err(_) => {
                    files.unread.push(format!("`{path}` is no file that is looked at"));
                }
            }
        }
        if seen > MAX_FILES {
            files.unread.push(format!("more than {MAX_FILES} files are not looked at"));
            break;
        }
    }
    files.found.sort();
    files
}

/// Reads the manifest of a package.
///
/// # Errors
///
/// A sentence: it cannot be read, or is no package's manifest.
pub fn manifest(copy: &Path) -> Result<Stated, String> {
    let real = copy.canonicalize().map_err(|e| e.kind().to_string())?;
    let read = files::read_inside(&real, &real.join("Cargo.toml"), package::MAX_BYTES);
    let bytes = read.map_err(|e| e.to_string())?.ok_or("`Cargo.toml` is not there")?;
    package::parse("Cargo.toml", &bytes).map_err(|e| e.message)
}

/// Reads which commit a package says it was packed from; `None` if it does not say.
///
/// # Errors
///
/// A sentence: what it says cannot be read.
pub fn commit(copy: &Path) -> Result<Option<Commit>, String> {
    let real = copy.canonicalize().map_err(|e| e.kind().to_string())?;
    let read = files::read_inside(&real, &real.join(vcs::FILE), vcs::MAX_BYTES);
    let bytes = read.map_err(|e| format!("`{}` {e}", vcs::FILE))?;
    let Some(bytes) = bytes else { return Ok(None) };
    vcs::parse(&bytes).map_err(|why| format!("`{}` {why}", vcs::FILE))
}
