//! Where a workspace begins: its manifest, its root, and what was checked out around it.

use std::path::{Path, PathBuf};

use weft_gate::input::manifest::{self, Manifest, Workspace};

use crate::error::Error;
use crate::source::files;

/// Returns the canonical root of the workspace of a manifest, without reading its other files.
///
/// # Errors
///
/// A usage error if there is no manifest.
pub fn root(manifest_path: Option<&Path>) -> Result<PathBuf, Error> {
    find_root(&find_manifest(manifest_path)?)
}

/// Returns the canonical path of the manifest that is named, or of the nearest one.
///
/// # Errors
///
/// A usage error if there is none.
pub fn find_manifest(named: Option<&Path>) -> Result<PathBuf, Error> {
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
pub(super) fn find_root(manifest: &Path) -> Result<PathBuf, Error> {
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
pub(super) fn find_checkout(root: &Path, named: &Path) -> PathBuf {
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

/// Cargo compares both lists with the beginning of a path, and lets `members` win.
pub(super) fn is_excluded(workspace: &Workspace, directory: &str) -> bool {
    let below = |entry: &str| {
        let entry = entry.trim_start_matches("./").trim_end_matches('/');
        directory == entry
            || directory.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_member = workspace.members.iter().any(|member| below(&member.path));
    !is_member && workspace.exclude.iter().any(|entry| below(entry))
}
