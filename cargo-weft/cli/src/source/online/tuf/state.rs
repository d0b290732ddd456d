//! What is kept of a TUF repository between updates: verified metadata, so that nothing older is taken the next time.
//!
//! It is one file in a directory beside the trusted root, replaced as a whole: either all of it is new, or none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weft_verify::{Sha256, canonical};

use super::Repository;
use crate::error::Error;
use crate::source::files;
use crate::source::roles::MAX_BYTES;

/// The version of the state.
const SCHEMA: u64 = 1;

/// The versions of the four roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Of the root.
    pub root: u64,
    /// Of the timestamp.
    pub timestamp: u64,
    /// Of the snapshot.
    pub snapshot: u64,
    /// Of the targets.
    pub targets: u64,
}

/// What is kept; nothing before the first update.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    kept: Option<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Kept {
    schema: u64,
    url: String,
    initial_root: Sha256,
    versions: Versions,
    /// Metadata and the trusted root, which are JSON, by their names.
    files: BTreeMap<String, String>,
}

/// Returns the directory beside a trusted root.
fn directory(output: &Path) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(".tuf");
    name.into()
}

impl State {
    /// Reads what is kept beside a trusted root.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if it is no state, or one of another repository.
    pub fn beside(output: &Path, repository: &Repository) -> Result<Self, Error> {
        let path = directory(output).join("state.json");
        let Some(bytes) = read(&path)? else { return Ok(Self::default()) };
        let shown = path.display();
        let help =
            "name another --output; or remove it, and with it the protection against older roots";
        let kept: Kept = canonical::from_slice(&bytes)
            .map_err(|why| Error::usage(format!("{shown} is no state of updates: {why}"), help))?;
        if kept.schema != SCHEMA {
            return Err(Error::usage(
                format!("{shown} is of schema {}", kept.schema),
                "update weft",
            ));
        }
        match kept.url == repository.url() && kept.initial_root == repository.initial_root() {
            true => Ok(Self { kept: Some(kept) }),
            false => {
                Err(Error::usage(format!("{shown} is of another repository: {}", kept.url), help))
            }
        }
    }

    /// Returns the versions.
    pub fn versions(&self) -> Versions {
        self.kept.as_ref().map(|kept| kept.versions).unwrap_or_default()
    }

    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let kept = self.kept.iter().flat_map(|kept| &kept.files);
        kept.map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect()
    }

    /// Returns what is to be kept after this one; the reason if it would be older.
    pub(super) fn after(
        &self,
        repository: &Repository,
        versions: Versions,
        files: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, String> {
        let before = self.versions();
        // A new root may give the other roles new keys, under which they may begin anew (§5.3.11).
        let is_older = match before.root == versions.root {
            true => {
                versions.timestamp < before.timestamp
                    || versions.snapshot < before.snapshot
                    || versions.targets < before.targets
            }
            false => versions.root < before.root,
        };
        if is_older {
            return Err("it is older than what was there".to_owned());
        }
        let text = |(name, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(format!("{name} is not UTF-8")),
        };
        let files = files.into_iter().map(text).collect::<Result<_, String>>()?;
        let (url, initial_root) = (repository.url().to_owned(), repository.initial_root());
        Ok(Self { kept: Some(Kept { schema: SCHEMA, url, initial_root, versions, files }) })
    }

    fn to_vec(&self) -> Result<Vec<u8>, Error> {
        let bytes = canonical::to_vec(&self.kept).map_err(|why| Error::Bug(why.to_string()))?;
        match bytes.len() > MAX_BYTES {
            true => Err(Error::usage(
                "the metadata of the repository is larger than can be kept",
                "ask who runs the repository",
            )),
            false => Ok(bytes),
        }
    }

    /// Keeps this after `before`, and then writes the trusted root; each is replaced as a whole.
    ///
    /// The state comes first: whoever stops between the two has the old root, and takes nothing older the next time.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and [`Error::Usage`] if somebody else has updated it meanwhile.
    pub fn write(&self, before: &Self, output: &Path, trusted_root: &[u8]) -> Result<(), Error> {
        let directory = directory(output);
        let error =
            |source| Error::File { action: "write", path: directory.display().to_string(), source };
        let busy =
            || Error::usage(format!("{} is being updated", output.display()), "run it again");
        // Beside the root and nowhere else: a directory that was misspelt is not made.
        match fs::create_dir(&directory) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(error(e)),
            _ => {}
        }
        let lock =
            File::options().create(true).truncate(false).write(true).open(directory.join("lock"));
        let lock = lock.map_err(error)?;
        lock.try_lock().map_err(|_| busy())?;
        let path = directory.join("state.json");
        let expected = match before.kept {
            Some(_) => Some(before.to_vec()?),
            None => None,
        };
        if read(&path)? != expected {
            return Err(busy());
        }
        files::replace(&path, &self.to_vec()?)?;
        files::write_output(output, trusted_root)
    }
}

/// Reads a file, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match path.symlink_metadata() {
        Ok(_) => crate::source::roles::read(path, MAX_BYTES).map(Some),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => {
            Err(Error::File { action: "read", path: path.display().to_string(), source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        Repository::elsewhere("http://127.0.0.1:1/", b"root".to_vec()).unwrap()
    }

    fn after(
        before: &State,
        [root, timestamp, snapshot, targets]: [u64; 4],
    ) -> Result<State, String> {
        let versions = Versions { root, timestamp, snapshot, targets };
        before.after(&repository(), versions, BTreeMap::new())
    }

    #[test]
    fn no_version_falls_but_under_a_new_root() {
        let before = after(&State::default(), [2, 5, 4, 3]).unwrap();
        for versions in [[2, 5, 4, 3], [2, 6, 5, 4], [3, 1, 1, 1]] {
            assert!(after(&before, versions).is_ok(), "{versions:?}");
        }
        for versions in [[1, 6, 5, 4], [2, 4, 4, 3], [2, 5, 3, 3], [2, 5, 4, 2]] {
            assert!(after(&before, versions).is_err(), "{versions:?}");
        }
    }

    #[test]
    fn what_is_kept_is_what_was_there_when_the_update_began() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.json");
        let nothing = State::beside(&output, &repository()).unwrap();
        let first = after(&nothing, [1, 1, 1, 1]).unwrap();
        first.write(&nothing, &output, b"first").unwrap();
        assert_eq!(State::beside(&output, &repository()).unwrap(), first);
        // Another update was faster: this one began from nothing.
        let second = after(&nothing, [1, 1, 1, 1]).unwrap();
        assert!(second.write(&nothing, &output, b"second").is_err());
        assert_eq!(fs::read(&output).unwrap(), b"first");
        // Or is not done yet.
        let lock = File::options().write(true).open(directory(&output).join("lock")).unwrap();
        lock.lock().unwrap();
        let third = after(&first, [1, 2, 1, 1]).unwrap();
        assert!(third.write(&first, &output, b"third").is_err());
        drop(lock);
        third.write(&first, &output, b"third").unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"third");
        assert!(
            State::beside(
                &output,
                &Repository::elsewhere("http://[::1]/", b"root".to_vec()).unwrap()
            )
            .is_err()
        );
        assert!(
            State::beside(
                &output,
                &Repository::elsewhere("http://127.0.0.1:1/", b"other".to_vec()).unwrap()
            )
            .is_err()
        );
    }
}
