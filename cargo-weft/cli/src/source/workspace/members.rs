//! The manifests of a workspace: its members, and the packages they depend on by path.

use std::path::Path;

use weft_gate::Diagnostic;
use weft_gate::facts::Escape;
use weft_gate::input::manifest::{self, Manifest, Member, Workspace};

use super::root::is_excluded;
use super::{Reader, pattern};
use crate::source::files;

/// More members than any real workspace has.
const MAX_MEMBERS: usize = 10_000;

/// Where a path dependency leads.
struct PathDependency {
    /// The directory, relative to the root.
    directory: String,
    /// Whether Cargo would take the package for a member, unless it is excluded.
    may_be_member: bool,
}

impl Reader {
    pub(super) fn manifests(&mut self) {
        let Some(root) = self.manifest("", true) else {
            if self.tree.faults.is_empty() {
                self.fault(Diagnostic::whole("Cargo.toml", "is not there"), &[]);
            }
            return;
        };
        // Without `[workspace]` the root is a package by itself, and its path dependencies are no members.
        let has_members = root.workspace.is_some();
        let workspace = root.workspace.clone().unwrap_or_default();
        let mut members = vec![root];
        for member in self.member_directories(&workspace) {
            members.extend(self.member(&member, &workspace));
        }
        let mut others = Vec::new();
        while let Some(mut manifest) = members.pop() {
            if let Err(diagnostic) = manifest.inherit(&workspace, "") {
                self.fault(diagnostic, &[]);
            }
            for found in self.path_dependencies(&manifest) {
                if found.may_be_member && has_members && !is_excluded(&workspace, &found.directory)
                {
                    members.extend(self.manifest(&found.directory, true));
                } else {
                    others.push(found.directory);
                }
            }
            if !self.keep(manifest) {
                return;
            }
        }
        self.other_packages(others);
        self.tree.manifests.sort_by(|a, b| a.directory().cmp(b.directory()));
        if self.tree.manifests.iter().all(|m| m.package.is_none()) {
            let diagnostic =
                Diagnostic::whole("Cargo.toml", "describes a workspace without members")
                    .help("add a package, or name one in `workspace.members`");
            self.fault(diagnostic, &[]);
        }
    }

    /// Reads packages that are no members, and what they depend on by path.
    fn other_packages(&mut self, mut directories: Vec<String>) {
        while let Some(directory) = directories.pop() {
            let Some(mut manifest) = self.manifest(&directory, false) else { continue };
            let (workspace, root) = self.workspace_above(&directory).unwrap_or_default();
            // What it inherits from a workspace that weft cannot find is Cargo's business.
            manifest.inherit_what_is_there(&workspace, &root);
            directories
                .extend(self.path_dependencies(&manifest).into_iter().map(|found| found.directory));
            if !self.keep(manifest) {
                return;
            }
        }
    }

    fn keep(&mut self, manifest: Manifest) -> bool {
        self.tree.manifests.push(manifest);
        let within = self.tree.manifests.len() <= MAX_MEMBERS;
        if !within {
            self.fault(Diagnostic::whole("Cargo.toml", "names more members than weft reads"), &[]);
        }
        within
    }

    /// Returns the workspace that a package which is no member belongs to, if it has its own, and its directory.
    fn workspace_above(&self, directory: &str) -> Option<(Workspace, String)> {
        let mut above = directory.to_owned();
        while !above.is_empty()
            && above != ".."
            && !above.ends_with("/..")
            && self.is_checked_out(&above)
        {
            let path = self.tree.root.join(&above).join("Cargo.toml");
            let bytes = files::read_inside(&self.tree.checkout, &path, manifest::MAX_BYTES);
            let parsed =
                bytes.ok().flatten().and_then(|bytes| manifest::parse("Cargo.toml", &bytes).ok());
            if let Some(workspace) = parsed.and_then(|manifest| manifest.workspace) {
                return Some((workspace, above));
            }
            above =
                above.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned());
        }
        None
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
    fn member_directories(&mut self, workspace: &Workspace) -> Vec<Member> {
        let mut found = Vec::new();
        for member in &workspace.members {
            let at = |path: String| Member { path, place: member.place.clone() };
            let literal =
                files::normal(Path::new(&member.path)).to_string_lossy().replace('\\', "/");
            if !member.path.contains(['*', '?', '[']) {
                found.push(at(literal));
                continue;
            }
            match pattern::expand(&self.tree.root, &literal) {
                Ok(expanded) => {
                    if expanded.leads_out {
                        self.member_escapes(member, true);
                    }
                    if expanded.leads_out || expanded.ambiguous {
                        self.opaque("a member pattern through a symbolic link");
                    }
                    found.extend(expanded.directories.into_iter().map(at));
                }
                Err(message) => {
                    let message = format!("`{}` {message}", member.path.escape_debug());
                    self.fault(Diagnostic::whole("Cargo.toml", message), &[]);
                }
            }
        }
        found.retain(|member| !is_excluded(workspace, &member.path));
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup_by(|a, b| a.path == b.path);
        found
    }

    fn member(&mut self, member: &Member, workspace: &Workspace) -> Option<Manifest> {
        let directory = &*member.path;
        if let Some(symlink) = self.leads_out(directory) {
            self.member_escapes(member, symlink);
            if symlink || !self.is_checked_out(directory) {
                self.tree.incomplete = true;
                self.opaque("a member that leads out of the checkout");
                return None;
            }
        }
        let known = directory.is_empty() || self.seen.contains_key(directory);
        let faults = self.tree.faults.len();
        let manifest = self.manifest(directory, !is_excluded(workspace, directory));
        if manifest.is_none() && !known && self.tree.faults.len() == faults {
            let message = format!("the member `{}` has no Cargo.toml", directory.escape_debug());
            self.fault(Diagnostic::whole("Cargo.toml", message), &[]);
        }
        manifest
    }

    fn member_escapes(&mut self, member: &Member, symlink: bool) {
        self.tree.escapes.push(Escape {
            package: String::new(),
            path: member.path.clone(),
            place: member.place.clone(),
            symlink,
        });
    }

    /// Lists where the path dependencies of a manifest lead, as far as weft goes along.
    fn path_dependencies(&mut self, manifest: &Manifest) -> Vec<PathDependency> {
        let dependencies =
            manifest.dependencies.iter().map(|d| (&d.key, &d.requirement.path, &d.place, true));
        let overrides =
            manifest.overrides.iter().map(|o| (&o.package, &o.requirement.path, &o.place, false));
        let mut found = Vec::new();
        for (package, path, place, is_dependency) in dependencies.chain(overrides) {
            let Some(path) = path else { continue };
            let directory = files::normal(&Path::new(manifest.directory()).join(path));
            let directory = directory.to_string_lossy().replace('\\', "/");
            let escapes = self.leads_out(&directory);
            if let Some(symlink) = escapes {
                let (package, path, place) = (package.clone(), path.clone(), place.clone());
                self.tree.escapes.push(Escape { package, path, place, symlink });
            }
            if !self.is_checked_out(&directory) {
                self.tree.incomplete = true;
                self.opaque("a path that leads out of the checkout, or nowhere");
                continue;
            }
            let may_be_member = is_dependency && escapes.is_none();
            found.push(PathDependency { directory, may_be_member });
        }
        found
    }

    /// Says whether a directory relative to the root is there, and its real place in the checkout.
    fn is_checked_out(&self, directory: &str) -> bool {
        let real = self.tree.root.join(directory).canonicalize();
        real.is_ok_and(|real| real.starts_with(&self.tree.checkout))
    }

    /// Remembers that Cargo would follow something that weft has not looked at.
    pub(super) fn opaque(&mut self, what: &str) {
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
}
