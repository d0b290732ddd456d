//! The digest of a repository's sources: what evidence is of.
//!
//! Sources are the files that git tracks or would, as they lie in the work tree, but for evidence itself.
//! The digest is SHA-256 over a line for each, sorted by path: its mode, the SHA-256 of its content and its path.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use weft_verify::Sha256;

use super::checkout::nearest;
use super::files;

/// Where evidence lies, from the workspace root.
pub const EVIDENCE: &str = ".weft/evidence";

/// The largest source that is read, in bytes.
const MAX_BYTES: usize = 1 << 30;

/// The most sources.
const MAX_FILES: usize = 1_000_000;

/// A repository's sources, as they lie in the work tree.
#[derive(Debug)]
pub struct Sources {
    /// Their digest.
    pub sha256: Sha256,
    /// The commit that is checked out.
    pub commit: String,
}

/// Reads the sources of the repository that `root` lies in.
///
/// # Errors
///
/// A sentence: there is no repository or no commit, or a file cannot be read.
pub fn read(root: &Path) -> Result<Sources, String> {
    let (top, git) = nearest(root)?;
    let commit = git.commit("HEAD").map_err(|_| "this branch has no commit yet".to_owned())?;
    let listed = git.sources(top)?;
    if listed.len() > MAX_FILES {
        return Err(format!("there are more than {MAX_FILES} sources"));
    }
    let evidence = evidence_below(top, root);
    let read = |(path, mode): &(String, Mode)| -> Result<Option<String>, String> {
        if path.starts_with(&evidence) {
            return Ok(None);
        }
        // A path that could end its line could stand for another file.
        if path.chars().any(char::is_control) {
            return Err(format!("`{}` is no name of a source", path.escape_debug()));
        }
        let digest = digest(top, path, mode)?;
        Ok(digest.map(|digest| format!("{} {digest} {path}\n", mode.digits())))
    };
    let lines = listed.par_iter().map(read).collect::<Result<Vec<_>, String>>()?;
    let mut lines: Vec<String> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| path_of(a).cmp(path_of(b)));
    Ok(Sources { sha256: Sha256::of(lines.concat().as_bytes()), commit })
}

/// Lists the sources, and the top of the repository that their paths begin at.
///
/// # Errors
///
/// Those of [`read`].
pub fn list(root: &Path) -> Result<(&Path, Vec<String>), String> {
    let (top, git) = nearest(root)?;
    Ok((top, git.sources(top)?.into_iter().map(|(path, _)| path).collect()))
}

/// Lists the evidence that git tracks, by its path from the workspace root: who writes a change may have written it.
///
/// # Errors
///
/// Those of [`read`].
pub fn tracked_evidence(root: &Path) -> Result<Vec<String>, String> {
    let (top, git) = nearest(root)?;
    let folder = evidence_below(top, root);
    let tracked = git.tracked(&folder)?.into_iter();
    Ok(tracked
        .filter_map(|path| Some(format!("{EVIDENCE}/{}", path.strip_prefix(&folder)?)))
        .collect())
}

/// Returns the first source that is not as the commit has it, if there is one.
///
/// # Errors
///
/// Those of [`read`].
pub fn changed(root: &Path, commit: &str) -> Result<Option<String>, String> {
    let (top, git) = nearest(root)?;
    let evidence = evidence_below(top, root);
    let changed = git.changed(top, commit)?;
    Ok(changed.into_iter().find(|path| !path.starts_with(&evidence)))
}

fn evidence_below(top: &Path, root: &Path) -> String {
    files::relative(top, &root.join(EVIDENCE)).unwrap_or_default() + "/"
}

fn path_of(line: &str) -> &str {
    line.splitn(3, ' ').nth(2).unwrap_or_default()
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A regular file.
    File,
    /// One that may be executed.
    Executable,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule(String),
}

impl Mode {
    fn digits(&self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule(_) => "160000",
        }
    }
}

/// Returns the digest of a source; `None` where it is not there any more.
fn digest(top: &Path, path: &str, mode: &Mode) -> Result<Option<Sha256>, String> {
    if let Mode::Submodule(commit) = mode {
        return Ok(Some(Sha256::of(commit.as_bytes())));
    }
    let place: PathBuf = top.join(path);
    let Ok(metadata) = place.symlink_metadata() else { return Ok(None) };
    if metadata.is_symlink() {
        let target = fs::read_link(&place).map_err(|e| format!("{path} cannot be read: {e}"))?;
        return Ok(Some(Sha256::of(target.to_string_lossy().as_bytes())));
    }
    let bytes = files::read_bounded(&place, MAX_BYTES).map_err(|e| format!("{path} {e}"))?;
    Ok(Some(Sha256::of(&bytes)))
}
