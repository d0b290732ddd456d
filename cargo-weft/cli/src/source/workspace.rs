//! Finds a workspace and reads the files that describe it, as Cargo would find them, without Cargo.

mod config;
mod members;
mod pattern;
mod root;
mod vendor;

pub use root::{find_manifest, root};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weft_gate::Diagnostic;
use weft_gate::facts::{Escape, Input, Notice, Replacement};
use weft_gate::input::cargo_config::{self, CargoConfig};
use weft_gate::input::lockfile;
use weft_gate::input::manifest::Manifest;
use weft_verify::Sha256;

use super::files;
use crate::error::Error;

/// The files that describe a workspace.
#[derive(Debug)]
pub struct Tree {
    /// The canonical directory of the workspace root.
    pub root: PathBuf,
    /// The canonical directory of what was checked out: nothing outside is read, nothing inside is run.
    pub checkout: PathBuf,
    /// What Cargo would follow to places that weft has not looked at, if anything.
    pub opaque: Option<String>,
    /// The lockfile's path relative to the root.
    pub lockfile_name: String,
    /// The lockfile's bytes; `None` if there is none.
    pub lockfile: Option<Vec<u8>>,
    /// The root's manifest first, then those of members and of path dependencies; empty if only a lockfile is read.
    pub manifests: Vec<Manifest>,
    /// Path dependencies that lead out.
    pub escapes: Vec<Escape>,
    /// The tree's Cargo configuration, the nearest file first.
    pub configs: Vec<CargoConfig>,
    /// Those between the root and its members, which count where Cargo is run there.
    pub nested: Vec<CargoConfig>,
    /// Whether a path leads where weft does not read, so that manifests may be missing here.
    pub incomplete: bool,
    /// What was noticed.
    pub notices: Vec<Notice>,
    /// Files that were read.
    pub inputs: Vec<Input>,
    /// Faults that keep the workspace from being understood, with the text of the file.
    pub faults: Vec<Fault>,
}

/// A fault in a file of the tree.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What is wrong.
    pub diagnostic: Diagnostic,
    /// The text of the file, to show the place.
    pub text: String,
}

/// Reads a lockfile and nothing else.
///
/// # Errors
///
/// A usage error if there is no such file.
pub fn read_lockfile(path: &Path) -> Result<Tree, Error> {
    let path = match path.is_dir() {
        true => path.join("Cargo.lock"),
        false => path.to_owned(),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let missing = || {
        let message = format!("there is no lockfile at {}", path.display());
        Error::usage(message, "name a Cargo.lock, or a workspace with --manifest-path")
    };
    let root = directory.canonicalize().map_err(|_| missing())?;
    let name = path.file_name().ok_or_else(missing)?.to_string_lossy().into_owned();
    let checkout = root::find_checkout(&root, &root);
    let mut reader = Reader::new(root, checkout, name);
    reader.lockfile();
    if reader.tree.lockfile.is_none() && reader.tree.faults.is_empty() {
        return Err(missing());
    }
    Ok(reader.tree)
}

/// Finds the workspace of a manifest and reads its files.
///
/// # Errors
///
/// A usage error if there is no manifest.
pub fn read_workspace(manifest_path: Option<&Path>) -> Result<Tree, Error> {
    let manifest = find_manifest(manifest_path)?;
    let root = root::find_root(&manifest)?;
    let named = manifest.parent().unwrap_or(&root).to_owned();
    let checkout = root::find_checkout(&root, &named);
    let mut reader = Reader::new(root, checkout, "Cargo.lock".to_owned());
    reader.lockfile();
    reader.manifests();
    reader.check_named(&named);
    reader.configs();
    reader.nested_configs();
    reader.toolchain_file();
    reader.tree.inputs.sort();
    Ok(reader.tree)
}

struct Reader {
    tree: Tree,
    /// Directories, relative to the root, whose manifests were read or refused.
    seen: BTreeMap<String, bool>,
}

impl Reader {
    fn new(root: PathBuf, checkout: PathBuf, lockfile_name: String) -> Self {
        let tree = Tree {
            root,
            checkout,
            opaque: None,
            lockfile_name,
            lockfile: None,
            manifests: Vec::new(),
            escapes: Vec::new(),
            configs: Vec::new(),
            nested: Vec::new(),
            incomplete: false,
            notices: Vec::new(),
            inputs: Vec::new(),
            faults: Vec::new(),
        };
        Self { tree, seen: BTreeMap::new() }
    }

    /// Reads a file of the tree, and remembers its digest or the fault.
    fn read(&mut self, name: &str, limit: usize) -> Option<Vec<u8>> {
        match files::read_inside(&self.tree.checkout, &self.tree.root.join(name), limit) {
            Ok(Some(bytes)) => {
                self.tree.inputs.push(Input { name: name.to_owned(), sha256: Sha256::of(&bytes) });
                Some(bytes)
            }
            Ok(None) => None,
            Err(refusal) => {
                self.fault(Diagnostic::whole(name, refusal.to_string()), &[]);
                None
            }
        }
    }

    /// Refuses to judge another workspace than that of the manifest which was named; Cargo refuses, too.
    fn check_named(&mut self, named: &Path) {
        let is_member = |m: &Manifest| {
            m.member && self.tree.root.join(m.directory()).canonicalize().is_ok_and(|d| d == named)
        };
        if self.tree.faults.is_empty() && !self.tree.manifests.iter().any(is_member) {
            let message = "describes a workspace that the named manifest believes to be in and is no member of";
            let help = "add it to `workspace.members` or `workspace.exclude`, or give it an empty `[workspace]`";
            self.fault(Diagnostic::whole("Cargo.toml", message).help(help), &[]);
        }
    }

    fn fault(&mut self, diagnostic: Diagnostic, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.tree.faults.push(Fault { diagnostic, text });
    }

    fn lockfile(&mut self) {
        let name = self.tree.lockfile_name.clone();
        self.tree.lockfile = self.read(&name, lockfile::MAX_BYTES);
    }
}

impl Tree {
    /// Returns everything in the tree's files that takes packages from elsewhere.
    pub fn replacements(&self) -> Vec<Replacement> {
        let of = |config: &CargoConfig, configs: &[CargoConfig]| {
            let mut all = config.replacements.clone();
            for replacement in &mut all {
                let name =
                    replacement.with.strip_prefix("source `").and_then(|n| n.strip_suffix('`'));
                if let Some(name) = name {
                    let address = cargo_config::resolve(name, configs);
                    let address =
                        address.unwrap_or_else(|| "which no configuration describes".to_owned());
                    replacement.with = format!("source `{name}`, {address}");
                }
            }
            all
        };
        let mut all: Vec<Replacement> =
            self.configs.iter().flat_map(|config| of(config, &self.configs)).collect();
        for config in &self.nested {
            let nearest: Vec<CargoConfig> =
                [config].into_iter().chain(&self.configs).cloned().collect();
            all.extend(of(config, &nearest));
        }
        let root = self.manifests.iter().filter(|m| m.directory().is_empty());
        for over in root.flat_map(|m| &m.overrides) {
            let wanted = &over.requirement;
            let with = wanted.path.as_ref().or(wanted.git.as_ref()).cloned();
            all.push(Replacement {
                what: format!("package `{}` ({})", over.package, over.table),
                with: with.unwrap_or_else(|| "another version".to_owned()),
                place: over.place.clone(),
            });
        }
        all.sort();
        all
    }
}
