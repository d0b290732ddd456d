//! Reads a workspace as a commit has it, from git's objects: nothing is checked out.
//!
//! Of all files only those that describe a workspace are written, to a private directory that is gone afterwards, and
//! read there as any workspace is.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::checkout::repository;
use super::files;
use super::git::{Blob, Git};
use crate::error::Error;

/// The most files that describe a workspace.
const MAX_FILES: usize = 20_000;

/// The largest of them, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// The most bytes that are read of a commit.
const MAX_TOTAL: usize = 256 << 20;

/// A workspace as a commit has it.
#[derive(Debug)]
pub struct Revision {
    /// The commit.
    pub commit: String,
    /// Kept for as long as the files are read.
    directory: tempfile::TempDir,
    /// The top of the work tree whose place the directory takes.
    top: PathBuf,
    /// The workspace root below the directory.
    root: PathBuf,
}

impl Revision {
    /// Returns the manifest of the workspace root.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    /// Returns the workspace root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where the workspace root lies below the top of the repository, which is empty for the top.
    pub fn project(&self) -> String {
        files::relative(self.directory.path(), &self.root).unwrap_or_default()
    }

    /// Refuses a work tree whose manifest belongs to another workspace than it does in the commit: the rules of one are
    /// not those of the other.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`].
    pub fn demand_root(&self, manifest: &Path) -> Result<(), Error> {
        let Ok(inside) = manifest.strip_prefix(&self.top) else { return Ok(()) };
        let there = self.directory.path().join(inside);
        let nearest = there.ancestors().skip(1).map(|above| above.join("Cargo.toml"));
        let below = nearest.take_while(|path| path.starts_with(self.directory.path()));
        let Some(nearest) = below.into_iter().find(|path| path.is_file()) else { return Ok(()) };
        let root = super::workspace::root(Some(&nearest))?;
        match root.canonicalize().ok() == self.root.canonicalize().ok() {
            true => Ok(()),
            false => Err(Error::usage(
                format!(
                    "{} belongs to another workspace than in {}",
                    inside.display(),
                    short(&self.commit)
                ),
                "merge the move of the workspace by itself, judged without a base",
            )),
        }
    }

    /// Brings one more file of the commit, by its path from the workspace root; one that the commit does not have as a
    /// file of its own is not brought.
    ///
    /// # Errors
    ///
    /// The repository cannot be read, or the file not be written.
    pub fn bring(&self, path: &str, limit: usize) -> Result<(), Error> {
        self.bring_all(path, limit, |found, wanted| found == wanted)
    }

    /// Brings the files of a folder of the commit, by its path from the workspace root, as [`Revision::bring`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Revision::bring`], and more bytes than `limit` in all.
    pub fn bring_folder(&self, path: &str, limit: usize) -> Result<(), Error> {
        self.bring_all(path, limit, |found, folder| {
            found.rsplit_once('/').is_some_and(|(above, _)| above == folder)
        })
    }

    fn bring_all(
        &self,
        path: &str,
        limit: usize,
        is_wanted: impl Fn(&str, &str) -> bool,
    ) -> Result<(), Error> {
        let wanted = join(&self.project(), path);
        let failed = |reason: String| {
            Error::usage(
                format!("{wanted} cannot be read of the commit: {reason}"),
                "check it with `git fsck`",
            )
        };
        let (_, git) = repository(&self.top).map_err(failed)?;
        let mut blobs = git.files(&self.commit, "").map_err(failed)?;
        blobs.retain(|blob| is_wanted(&blob.path, &wanted));
        if blobs.len() > MAX_FILES {
            return Err(failed(format!("it holds more than {MAX_FILES} files")));
        }
        let contents = git.contents_within(&blobs, limit, limit).map_err(failed)?;
        fill(self.directory.path(), &blobs, &contents)
    }

    /// Reads what `revision` has of the workspace at `root`, which lies in the work tree of a git repository.
    ///
    /// # Errors
    ///
    /// No repository, no such commit, no lockfile in it: each with the command that helps.
    pub fn read(root: &Path, revision: &str) -> Result<Self, Error> {
        let (top, git) = repository(root)
            .map_err(|why| Error::usage(why, "a base is a commit: run this in a clone"))?;
        let failed = |reason: String| {
            Error::usage(
                format!("the repository cannot be read: {reason}"),
                "check it with `git fsck`",
            )
        };
        git.demand_one(revision).map_err(|why| {
            Error::usage(why, "name the commit by its id, or the ref as refs/remotes/origin/main")
        })?;
        let commit = git.commit(revision).map_err(|_| no_commit(&git, top, revision))?;
        let inside = files::relative(top, root).unwrap_or_default();
        let mut blobs = git.files(&commit, "").map_err(failed)?;
        // Documents are many, and of no use without a claims map.
        let maps = join(&inside, "claims/");
        let is_map = |b: &Blob| b.path.starts_with(&maps) && b.path.ends_with(".toml");
        let promises = blobs.iter().any(is_map) || root.join("claims").is_dir();
        blobs.retain(|blob| describes(&blob.path) || promises && blob.path.ends_with(".md"));
        if blobs.len() > MAX_FILES {
            return Err(failed(format!("more than {MAX_FILES} files describe workspaces")));
        }
        let lockfile = join(&inside, "Cargo.lock");
        if !blobs.iter().any(|blob| blob.path == lockfile) {
            return Err(Error::usage(
                format!(
                    "{} at {} has no {lockfile}",
                    short(&commit),
                    crate::escape::terminal(revision)
                ),
                "commit the lockfile there, or name a base that has one",
            ));
        }
        let links = git.links(&commit).map_err(failed)?;
        if let Some(link) = links.iter().find(|path| rules(path, &inside)) {
            return Err(Error::usage(
                format!("{link} is a symbolic link in {}", short(&commit)),
                "rules are read from files alone: put the file where the link is",
            ));
        }
        let contents = git.contents_within(&blobs, MAX_BYTES, MAX_TOTAL).map_err(failed)?;
        let directory = write(&blobs, &contents)?;
        let root = directory.path().join(&inside);
        Ok(Self { commit, directory, top: top.to_owned(), root })
    }
}

/// Returns the first digits of a commit.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Says what helps where a commit is not there.
fn no_commit(git: &Git, top: &Path, revision: &str) -> Error {
    let shown = crate::escape::terminal(revision);
    if git.commit("HEAD").is_err() {
        return Error::usage("this branch has no commit yet", "commit once, then compare");
    }
    let is_shallow = top.join(".git").join("shallow").is_file();
    // A remote's branch is fetched by the remote's name for it, and kept under ours.
    let (remote, wanted) = match shown.split_once('/') {
        Some((remote, branch)) if remote == "origin" => {
            (remote, format!("{branch}:refs/remotes/origin/{branch}"))
        }
        _ => ("origin", shown.clone()),
    };
    let help = match (revision.contains(['~', '^']), is_shallow) {
        (true, true) => {
            "the clone is shallow; fetch more of it with `git fetch --deepen=50`".to_owned()
        }
        (_, true) => {
            format!("the clone is shallow; fetch it with `git fetch --depth=1 {remote} {wanted}`")
        }
        (_, false) => {
            format!("fetch it with `git fetch {remote} {wanted}`, or name another commit")
        }
    };
    Error::usage(format!("the repository has no commit `{shown}`"), help)
}

/// Says whether a file tells of a workspace, its policy or what takes packages from elsewhere.
fn describes(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    match folder {
        ".cargo" => matches!(name, "config" | "config.toml"),
        ".weft" => matches!(name, "exemptions.toml" | "roles.toml" | "rules.dsse.json"),
        "roles" if path.contains(".weft/roles/") => name.ends_with(".json"),
        _ => {
            matches!(name, "Cargo.toml" | "Cargo.lock" | "rust-toolchain" | "rust-toolchain.toml")
                || name.ends_with(".toml") && !name.starts_with('.')
                || folder == "supply-chain" && name == "imports.lock"
        }
    }
}

/// Says whether the rules of the workspace at `root`, or the workspace itself, are read through this path.
fn rules(path: &str, root: &str) -> bool {
    let is_below = |path: &str, above: &str| {
        path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
    };
    if is_below(root, path) {
        return true;
    }
    // Cargo reads these in every directory above, too.
    let mut directory = Some(root);
    while let Some(here) = directory {
        let is_here = |name: &&str| is_below(path, &join(here, name));
        if [".cargo", "Cargo.toml", "rust-toolchain", "rust-toolchain.toml"].iter().any(is_here) {
            return true;
        }
        directory = match here.rsplit_once('/') {
            Some((above, _)) => Some(above),
            None => (!here.is_empty()).then_some(""),
        };
    }
    [".weft", "claims", "weft.toml", "Cargo.lock"]
        .iter()
        .any(|name| is_below(path, &join(root, name)))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn write(blobs: &[Blob], contents: &[Vec<u8>]) -> Result<tempfile::TempDir, Error> {
    let failed =
        |source| Error::File { action: "write", path: "a temporary directory".to_owned(), source };
    let directory = tempfile::tempdir().map_err(failed)?;
    // Like a checkout, so that nothing above it is read.
    fs::create_dir(directory.path().join(".git")).map_err(failed)?;
    fill(directory.path(), blobs, contents)?;
    Ok(directory)
}

fn fill(directory: &Path, blobs: &[Blob], contents: &[Vec<u8>]) -> Result<(), Error> {
    let failed =
        |source| Error::File { action: "write", path: "a temporary directory".to_owned(), source };
    for (blob, content) in blobs.iter().zip(contents) {
        let path = Path::new(&blob.path);
        let harmless = path.components().all(|part| match part {
            Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
            _ => false,
        });
        if !harmless {
            continue;
        }
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(path, content).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_matters_where_rules_are_read_through_it() {
        for path in ["a", "a/b", "a/b/weft.toml", "a/b/.weft/roles", "a/.cargo", "Cargo.toml"] {
            assert!(rules(path, "a/b"), "{path}");
        }
        assert!(rules("claims", ""));
        for path in ["docs/claims", "a/b/tests/x/Cargo.toml", "a/bc", "a/weft.toml", "x/.cargo"] {
            assert!(!rules(path, "a/b"), "{path}");
        }
    }
}
