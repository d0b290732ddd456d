//! A copy of a repository's sources, to be broken without touching them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::source::sources;

/// A copy that is gone when it is dropped.
#[derive(Debug)]
pub struct Copy {
    directory: tempfile::TempDir,
    /// The path of the workspace root below the top of the repository.
    inside: PathBuf,
}

impl Copy {
    /// Copies the sources of the repository that `root` lies in.
    ///
    /// # Errors
    ///
    /// A sentence: a file cannot be read or written.
    pub fn of(root: &Path) -> Result<Self, String> {
        let (top, listed) = sources::list(root)?;
        let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
        for path in listed {
            let (from, to) = (top.join(&path), directory.path().join(&path));
            let Ok(metadata) = from.symlink_metadata() else { continue };
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(|e| format!("{path}: {e}"))?;
            }
            let copied = match metadata.is_symlink() {
                true => link(&from, &to),
                false if metadata.is_file() => fs::copy(&from, &to).map(drop),
                false => Ok(()),
            };
            copied.map_err(|e| format!("{path} cannot be copied: {e}"))?;
        }
        let inside = root.strip_prefix(top).map_err(|e| e.to_string())?.to_owned();
        Ok(Self { directory, inside })
    }

    /// Returns the workspace root in the copy.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join(&self.inside)
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to).map(drop)
}
