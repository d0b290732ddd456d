//! Finds a workspace and reads the files that describe it, as Cargo would find them, without Cargo.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weft_gate::facts::{Escape, Input, Notice, Replacement};
use weft_gate::input::cargo_config::{self, CargoConfig};
use weft_gate::input::lockfile;
use weft_gate::input::manifest::{self, Manifest, Workspace};
use weft_gate::{Diagnostic, Place};
use weft_verify::Sha256;

use super::files::{self, Refusal};
use super::{pattern, vendor};
use crate::error::Error;

/// More members than any real workspace has.
const MAX_MEMBERS: usize = 10_000;

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
    let checkout = find_checkout(&root, &root);
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
    let root = find_root(&manifest)?;
    let checkout = find_checkout(&root, manifest.parent().unwrap_or(&root));
    let mut reader = Reader::new(root, checkout, "Cargo.lock".to_owned());
    reader.lockfile();
    reader.manifests();
    reader.configs();
    reader.toolchain_file();
    reader.tree.inputs.sort();
    Ok(reader.tree)
}

/// Returns the canonical path of the manifest that is named, or of the nearest one.
fn find_manifest(named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = named {
        let path = if path.is_dir() { path.join("Cargo.toml") } else { path.to_owned() };
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml");
        let found = path.parent().and_then(|p| {
            let parent = if p.as_os_str().is_empty() { Path::new(".") } else { p };
            parent.canonicalize().ok()
        });
        return match found {
            Some(directory) if is_manifest && path.symlink_metadata().is_ok() => {
                Ok(directory.join("Cargo.toml"))
            }
            _ => Err(Error::usage(
                format!("there is no manifest at {}", path.display()),
                "--manifest-path takes the path of a Cargo.toml",
            )),
        };
    }
    let here = std::env::current_dir()
        .and_then(|dir| dir.canonicalize())
        .map_err(|source| Error::File { action: "read", path: ".".to_owned(), source })?;
    let nearest = here.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.exists());
    nearest.ok_or_else(|| {
        Error::usage(
            "there is no Cargo.toml here or above",
            "go to a Cargo workspace, or name one with --manifest-path or --lockfile",
        )
    })
}

/// Returns the canonical directory of the workspace root that a manifest belongs to.
///
/// A manifest that cannot be read is taken for its own root; the fault is reported when the workspace is read.
fn find_root(manifest: &Path) -> Result<PathBuf, Error> {
    let directory = manifest.parent().unwrap_or(Path::new("/")).to_owned();
    let Some(own) = peek(manifest) else { return Ok(directory) };
    if own.workspace.is_some() {
        return Ok(directory);
    }
    if let Some(stated) = own.package.as_ref().and_then(|p| p.workspace.as_ref()) {
        let root = directory.join(stated);
        return root.canonicalize().map_err(|_| {
            Error::usage(
                format!("`package.workspace` names {}, which is not there", root.display()),
                "correct it in the manifest",
            )
        });
    }
    for above in directory.ancestors().skip(1) {
        let candidate = above.join("Cargo.toml");
        if let Some(Manifest { workspace: Some(workspace), .. }) = peek(&candidate) {
            let relative = files::relative(above, &directory).unwrap_or_default();
            return Ok(if is_excluded(&workspace, &relative) {
                directory
            } else {
                above.to_owned()
            });
        }
    }
    Ok(directory)
}

/// Returns the directory that was checked out: the outermost one around the workspace that is under version control,
/// and at least what holds both the workspace and the manifest that was named.
///
/// A version-controlled home directory is no checkout.
fn find_checkout(root: &Path, named: &Path) -> PathBuf {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let is_checkout = |directory: &&Path| {
        let controlled = [".git", ".hg", ".jj"]
            .iter()
            .any(|name| directory.join(name).symlink_metadata().is_ok());
        controlled && !home.as_ref().is_some_and(|home| home.starts_with(directory))
    };
    let common = root.ancestors().find(|above| named.starts_with(above)).unwrap_or(root);
    let controlled = root.ancestors().filter(is_checkout).last().unwrap_or(root);
    if common.starts_with(controlled) { controlled.to_owned() } else { common.to_owned() }
}

fn peek(path: &Path) -> Option<Manifest> {
    let bytes = files::read_bounded(path, manifest::MAX_BYTES).ok()?;
    manifest::parse("Cargo.toml", &bytes).ok()
}

/// Cargo compares `exclude` with the beginning of a path, and lets `members` win.
fn is_excluded(workspace: &Workspace, directory: &str) -> bool {
    let clean = |path: &str| path.trim_start_matches("./").trim_end_matches('/').to_owned();
    let listed = workspace.members.iter().any(|member| clean(member) == directory);
    let below = |entry: &String| {
        let entry = clean(entry);
        directory == entry
            || directory.strip_prefix(&entry).is_some_and(|rest| rest.starts_with('/'))
    };
    !listed && workspace.exclude.iter().any(below)
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

    fn fault(&mut self, diagnostic: Diagnostic, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.tree.faults.push(Fault { diagnostic, text });
    }

    fn lockfile(&mut self) {
        let name = self.tree.lockfile_name.clone();
        self.tree.lockfile = self.read(&name, lockfile::MAX_BYTES);
    }

    fn manifests(&mut self) {
        let Some(root) = self.manifest("", true) else {
            if self.tree.faults.is_empty() {
                self.fault(Diagnostic::whole("Cargo.toml", "is not there"), &[]);
            }
            return;
        };
        let workspace = root.workspace.clone().unwrap_or_default();
        let mut queue = vec![root];
        for directory in self.member_directories(&workspace) {
            queue.extend(self.member(&directory, &workspace));
        }
        while let Some(mut manifest) = queue.pop() {
            if let Err(diagnostic) = manifest.inherit(&workspace) {
                self.fault(diagnostic, &[]);
            }
            queue.extend(self.path_dependencies(&manifest, &workspace));
            self.tree.manifests.push(manifest);
            if self.tree.manifests.len() > MAX_MEMBERS {
                self.fault(
                    Diagnostic::whole("Cargo.toml", "names more members than weft reads"),
                    &[],
                );
                return;
            }
        }
        self.tree.manifests.sort_by(|a, b| a.directory().cmp(b.directory()));
        if self.tree.manifests.iter().all(|m| m.package.is_none()) {
            let diagnostic =
                Diagnostic::whole("Cargo.toml", "describes a workspace without members")
                    .help("add a package, or name one in `workspace.members`");
            self.fault(diagnostic, &[]);
        }
    }

    /// Reads and parses the manifest of a directory relative to the root, once.
    fn manifest(&mut self, directory: &str, member: bool) -> Option<Manifest> {
        if self.seen.insert(directory.to_owned(), member).is_some() {
            return None;
        }
        let name = if directory.is_empty() {
            "Cargo.toml".to_owned()
        } else {
            format!("{directory}/Cargo.toml")
        };
        let bytes = self.read(&name, manifest::MAX_BYTES)?;
        match manifest::parse(&name, &bytes) {
            Ok(mut manifest) => {
                manifest.member = member;
                Some(manifest)
            }
            Err(diagnostic) => {
                self.fault(diagnostic, &bytes);
                None
            }
        }
    }

    /// Expands `workspace.members` to directories relative to the root, sorted.
    fn member_directories(&mut self, workspace: &Workspace) -> Vec<String> {
        let mut found = Vec::new();
        for member in &workspace.members {
            let literal = files::normal(Path::new(member)).to_string_lossy().replace('\\', "/");
            if !member.contains(['*', '?', '[']) {
                found.push(literal);
                continue;
            }
            match pattern::expand(&self.tree.root, &literal) {
                Ok(expanded) => {
                    if expanded.leads_out {
                        let (package, path) = ("workspace.members".to_owned(), member.clone());
                        let place = Place::whole("Cargo.toml");
                        self.tree.escapes.push(Escape { package, path, place, symlink: true });
                    }
                    if expanded.leads_out || expanded.ambiguous {
                        self.opaque("a member pattern through a symbolic link");
                    }
                    found.extend(expanded.directories);
                }
                Err(message) => {
                    let message = format!("`{}` {message}", member.escape_debug());
                    self.fault(Diagnostic::whole("Cargo.toml", message), &[]);
                }
            }
        }
        found.retain(|directory| !is_excluded(workspace, directory));
        found.sort();
        found.dedup();
        found
    }

    fn member(&mut self, directory: &str, workspace: &Workspace) -> Option<Manifest> {
        if let Some(symlink) = self.leads_out(directory) {
            let place = Place::whole("Cargo.toml");
            let (package, path) = ("workspace.members".to_owned(), directory.to_owned());
            self.tree.escapes.push(Escape { package, path, place, symlink });
            self.opaque("a member that leads out of the workspace");
            return None;
        }
        let faults = self.tree.faults.len();
        let manifest = self.manifest(directory, !is_excluded(workspace, directory));
        let is_new = !self.tree.manifests.iter().any(|m| m.directory() == directory);
        if manifest.is_none() && is_new && !directory.is_empty() && self.tree.faults.len() == faults
        {
            let message = format!("the member `{}` has no Cargo.toml", directory.escape_debug());
            self.fault(Diagnostic::whole("Cargo.toml", message), &[]);
        }
        manifest
    }

    /// Follows the path dependencies of a manifest; those below the root are members, unless they are excluded.
    fn path_dependencies(&mut self, manifest: &Manifest, workspace: &Workspace) -> Vec<Manifest> {
        let dependencies =
            manifest.dependencies.iter().map(|d| (&d.key, &d.requirement.path, &d.place, true));
        let overrides =
            manifest.overrides.iter().map(|o| (&o.package, &o.requirement.path, &o.place, false));
        let mut found = Vec::new();
        for (package, path, place, may_be_member) in dependencies.chain(overrides) {
            let Some(path) = path else { continue };
            let directory = files::normal(&Path::new(manifest.directory()).join(path));
            let directory = directory.to_string_lossy().replace('\\', "/");
            let escapes = self.leads_out(&directory);
            if let Some(symlink) = escapes {
                let (package, path, place) = (package.clone(), path.clone(), place.clone());
                self.tree.escapes.push(Escape { package, path, place, symlink });
            }
            if !self.is_checked_out(&directory) {
                self.opaque("a path that leads out of the checkout, or nowhere");
                continue;
            }
            let member = may_be_member
                && escapes.is_none()
                && manifest.member
                && !is_excluded(workspace, &directory);
            found.extend(self.manifest(&directory, member));
        }
        found
    }

    /// Says whether a directory relative to the root is there, and its real place in the checkout.
    fn is_checked_out(&self, directory: &str) -> bool {
        let real = self.tree.root.join(directory).canonicalize();
        real.is_ok_and(|real| real.starts_with(&self.tree.checkout))
    }

    /// Remembers that Cargo would follow something that weft has not looked at.
    fn opaque(&mut self, what: &str) {
        self.tree.opaque.get_or_insert_with(|| what.to_owned());
    }

    /// Says whether a directory is outside the root, and if so whether a symbolic link leads there.
    fn leads_out(&self, directory: &str) -> Option<bool> {
        if directory == ".." || directory.starts_with("../") || Path::new(directory).is_absolute() {
            return Some(false);
        }
        let real = self.tree.root.join(directory).canonicalize().ok()?;
        (!real.starts_with(&self.tree.root)).then_some(true)
    }

    /// Reads the Cargo configuration that Cargo would read here: from the root upwards.
    ///
    /// Above the tree it is the user's own, but weft runs Cargo elsewhere, so it is passed on all the same.
    fn configs(&mut self) {
        let home = super::cargo::cargo_home();
        let root = self.tree.root.clone();
        for (height, directory) in root.ancestors().enumerate() {
            let dot_cargo = directory.join(".cargo");
            if home
                .as_ref()
                .is_some_and(|home| home.canonicalize().ok() == dot_cargo.canonicalize().ok())
            {
                continue;
            }
            // Where both are there, Cargo reads the one without an extension.
            for name in ["config", "config.toml"] {
                let label = format!("{}.cargo/{name}", "../".repeat(height));
                if let Some(bytes) =
                    self.config_bytes(height, directory, &dot_cargo.join(name), &label)
                {
                    match cargo_config::parse(&label, &bytes, &directory.to_string_lossy()) {
                        Ok(config) => self.add_config(directory, config),
                        Err(diagnostic) => self.fault(diagnostic, &bytes),
                    }
                    break;
                }
            }
        }
    }

    fn config_bytes(
        &mut self,
        height: usize,
        directory: &Path,
        path: &Path,
        label: &str,
    ) -> Option<Vec<u8>> {
        if height == 0 {
            return self.read(label, cargo_config::MAX_BYTES);
        }
        match files::read_inside(directory, path, cargo_config::MAX_BYTES) {
            Ok(Some(bytes)) => {
                self.tree.inputs.push(Input { name: label.to_owned(), sha256: Sha256::of(&bytes) });
                Some(bytes)
            }
            Ok(None) => None,
            // Somebody else's directory above the tree.
            Err(Refusal::Io(_)) => None,
            Err(refusal) => {
                self.fault(Diagnostic::whole(label, refusal.to_string()), &[]);
                None
            }
        }
    }

    fn add_config(&mut self, directory: &Path, config: CargoConfig) {
        if directory.starts_with(&self.tree.checkout) {
            self.vet(directory, &config);
        }
        for (key, place) in &config.ignored {
            let message = format!("`{key}` is not obeyed: weft runs nothing that the tree names");
            self.tree.notices.push(Notice { message, place: Some(place.clone()) });
        }
        self.tree.configs.push(config);
    }

    /// Looks at what Cargo would read because a configuration of the tree says so.
    fn vet(&mut self, directory: &Path, config: &CargoConfig) {
        if let Some(opaque) = config.opaque.first() {
            self.opaque(opaque);
        }
        let vendored = config
            .vendored
            .iter()
            .all(|path| vendor::is_plain(&self.tree.checkout, &directory.join(path)));
        if !vendored {
            self.opaque(
                "a directory of vendored packages with symbolic links or strange files in it",
            );
        }
        for path in &config.directories {
            let target = files::normal(&directory.join(path));
            let manifest = files::read_inside(
                &self.tree.checkout,
                &target.join("Cargo.toml"),
                manifest::MAX_BYTES,
            );
            let is_leaf = manifest.ok().flatten().is_some_and(|bytes| {
                let parsed = manifest::parse("Cargo.toml", &bytes).ok();
                parsed.is_some_and(|m| m.dependencies.iter().all(|d| d.requirement.path.is_none()))
            });
            if !is_leaf {
                self.opaque("a `[patch]` by path in `.cargo/config.toml`");
            }
        }
    }

    /// weft never runs the toolchain that a tree asks for, so it says so.
    fn toolchain_file(&mut self) {
        for name in ["rust-toolchain.toml", "rust-toolchain"] {
            if self.read(name, cargo_config::MAX_BYTES).is_some() {
                let message = format!(
                    "{name} is not obeyed: weft runs the cargo it was started with, outside the tree"
                );
                self.tree.notices.push(Notice { message, place: Some(Place::whole(name)) });
                return;
            }
        }
    }
}

impl Tree {
    /// Returns everything in the tree's files that takes packages from elsewhere.
    pub fn replacements(&self) -> Vec<Replacement> {
        let mut all: Vec<Replacement> =
            self.configs.iter().flat_map(|c| c.replacements.clone()).collect();
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

/// Returns the canonical root of the workspace of a manifest, without reading its other files.
///
/// # Errors
///
/// A usage error if there is no manifest.
pub fn root(manifest_path: Option<&Path>) -> Result<PathBuf, Error> {
    find_root(&find_manifest(manifest_path)?)
}
