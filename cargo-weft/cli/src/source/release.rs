//! Fetches what a release is compared with: artifacts, the commit that is checked out, and manifests that came before.

pub mod contract;
pub mod rebuild;
pub mod toolchain;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use weft_gate::facts::Input;
use weft_gate::provenance::Refusal;
use weft_gate::provenance::bundle::{self, Part};
use weft_gate::release::{Manifest, Previous, Source};
use weft_verify::Sha256;
use weft_verify::digest::Artifact;
use weft_verify::statement::Statement;

pub use super::checkout::repository;
use super::git::Git;
use super::{files, roles};
use crate::error::Error;

/// The largest artifact that is read, in bytes.
pub const MAX_ARTIFACT: usize = 2 << 30;

/// The most artifacts of a release.
const MAX_ARTIFACTS: usize = 10_000;

/// The most attestations of a release.
const MAX_BUNDLES: usize = 1_000;

/// The most bytes of attestations that are held at once.
const MAX_ATTESTATIONS: usize = 64 << 20;

/// Reads a signed manifest without judging who signed it: its digest is what a chain names.
///
/// # Errors
///
/// [`Error::File`] or [`Error::Rejected`].
pub fn signed(path: &Path) -> Result<Previous, Error> {
    let refused = Error::rejected(&path.display().to_string());
    let envelope = roles::envelope(path)?;
    let payload = envelope.unverified_payload();
    let statement = Statement::from_slice(payload).map_err(&refused)?;
    let manifest = Manifest::of(&statement).map_err(&refused)?;
    Ok(Previous { sha256: Sha256::of(payload), manifest })
}

/// Reads which commit is checked out, and whether it is as it stands there, with everything that was read of it.
///
/// A file that git passes over is no part of the commit, so whatever it says nobody else can check; records of evidence
/// may be such files, since they are bound to the sources by digest.
///
/// # Errors
///
/// A sentence: there is no repository or no commit, or git cannot be asked.
pub fn source(root: &Path, read: &[Input]) -> Result<Source, String> {
    let (top, git) = repository(root)?;
    let commit = git.commit("HEAD").map_err(|_| "this branch has no commit yet".to_owned())?;
    let tree = git.tree(&commit)?;
    // All that a build may find, evidence included, and what could hide something from that list.
    let changed = git.astray(top, &commit)?.into_iter().next();
    let changed = match changed {
        Some(path) => Some(path),
        None => stranger(&git, &commit, top, root, read)?,
    };
    Ok(Source { commit, tree, changed })
}

/// Reads a commit that need not be checked out: of it nothing can be astray.
///
/// # Errors
///
/// A sentence: there is no repository, or no such commit.
pub fn committed(root: &Path, revision: &str) -> Result<Source, String> {
    let (_, git) = repository(root)?;
    let commit = git.commit(revision)?;
    let tree = git.tree(&commit)?;
    Ok(Source { commit, tree, changed: None })
}

/// Returns the id of the commit that a revision names.
///
/// # Errors
///
/// A sentence: there is no repository, or no such commit.
pub fn commit(root: &Path, revision: &str) -> Result<String, String> {
    repository(root)?.1.commit(revision)
}

/// Returns a file that was read, or a link of the commit that leads to one, and that the commit does not have.
fn stranger(
    git: &Git,
    commit: &str,
    top: &Path,
    root: &Path,
    read: &[Input],
) -> Result<Option<String>, String> {
    let known = git.all(top, commit)?;
    let top = top.canonicalize().map_err(|error| error.to_string())?;
    // The folders of what it has lead nowhere else either.
    let has = |path: &str| {
        let below = format!("{path}/");
        let mut from = known.range(path.to_owned()..);
        from.next().is_some_and(|(first, _)| first == path)
            || known
                .range(below.clone()..)
                .next()
                .is_some_and(|(first, _)| first.starts_with(&below))
    };
    let is_of_it = |path: &Path| {
        let Ok(real) = path.canonicalize() else { return false };
        let inside = real.strip_prefix(&top).ok().and_then(Path::to_str);
        inside.is_some_and(|inside| has(&inside.replace('\\', "/")))
    };
    let of_evidence = |name: &str| name.starts_with(".weft/evidence/");
    let names = read.iter().map(|input| &*input.name).filter(|name| !of_evidence(name));
    let mut there = names.filter(|name| root.join(name).symlink_metadata().is_ok());
    if let Some(name) = there.find(|name| !is_of_it(&root.join(name))) {
        return Ok(Some(name.to_owned()));
    }
    // One that leads nowhere is as the commit has it.
    let links = known.iter().filter(|(_, is_link)| **is_link).map(|(path, _)| path);
    let mut leading = links.filter(|link| top.join(link).exists());
    Ok(leading.find(|link| !is_of_it(&top.join(link))).cloned())
}

/// Reads the bundles of every file in a directory, in the order of their names; one that cannot be read hides no other.
///
/// # Errors
///
/// A sentence: the directory cannot be read, or holds more than is looked at.
pub fn attestations(directory: &Path) -> Result<Vec<(String, Part)>, String> {
    let unread = |error: std::io::Error| format!("{}: {error}", directory.display());
    let entries = std::fs::read_dir(directory).map_err(unread)?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries.take(MAX_BUNDLES + 1) {
        paths.push(entry.map_err(unread)?.path());
    }
    let shown = directory.display();
    if paths.len() > MAX_BUNDLES {
        return Err(format!("{shown} holds more than {MAX_BUNDLES} files"));
    }
    paths.sort();
    let (mut bundles, mut left) = (Vec::new(), MAX_ATTESTATIONS);
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.metadata().is_ok_and(|metadata| metadata.len() > left as u64) {
            return Err(format!(
                "{shown} holds more than {MAX_ATTESTATIONS} bytes of attestations"
            ));
        }
        let parts = match files::read_bounded(&path, bundle::MAX_FILE.min(left)) {
            Ok(bytes) => {
                left -= bytes.len();
                bundle::split(&bytes)
            }
            Err(refusal) => vec![Err(Refusal::Bundle(refusal.to_string()))],
        };
        let only = parts.len() == 1;
        let named = |index| if only { name.clone() } else { format!("{name}[{index}]") };
        bundles.extend(parts.into_iter().enumerate().map(|(index, part)| (named(index), part)));
        if bundles.len() > MAX_BUNDLES {
            return Err(format!("{shown} holds more than {MAX_BUNDLES} attestations"));
        }
    }
    Ok(bundles)
}

/// The files of a directory by name, each with its digests or why it is no artifact; none if it cannot be read.
pub fn artifacts(directory: &Path) -> BTreeMap<String, Result<Artifact, String>> {
    let mut artifacts = BTreeMap::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let shown = directory.display();
                artifacts.insert(shown.to_string(), Err(format!("cannot be read: {error}")));
                break;
            }
        };
        let name = entry.file_name();
        let artifact = match entry.file_type() {
            _ if name.to_str().is_none() => Err("has a name that is not UTF-8".to_owned()),
            _ if artifacts.len() >= MAX_ARTIFACTS => Err("is one too many".to_owned()),
            // A link is not what it leads to, and what is uploaded may be the one or the other.
            Ok(kind) if kind.is_file() => files::read_bounded(&entry.path(), MAX_ARTIFACT)
                .map(|bytes| Artifact::of(&bytes))
                .map_err(|refusal| refusal.to_string()),
            _ => Err("is no regular file".to_owned()),
        };
        // Two that are shown alike are none: neither may hide the other.
        let shown = name.to_string_lossy().into_owned();
        artifacts
            .entry(shown)
            .and_modify(|first| {
                *first = Err("has a name that another has, as it is shown".to_owned())
            })
            .or_insert(artifact);
    }
    artifacts
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_name_that_is_no_text_hides_nothing_and_is_not_hidden() {
        let directory = tempfile::tempdir().unwrap();
        for name in [&b"n\xff"[..], "n\u{fffd}".as_bytes(), b"good"] {
            std::fs::write(directory.path().join(OsStr::from_bytes(name)), name).unwrap();
        }
        let artifacts = artifacts(directory.path());
        assert_eq!(artifacts.len(), 2);
        assert!(artifacts["good"].is_ok());
        assert!(artifacts["n\u{fffd}"].is_err());
    }
}
