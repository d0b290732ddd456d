//! Fetches roles: `.weft/roles.toml`, and the committed versions in `.weft/roles`.

use std::path::{Path, PathBuf};

use weft_gate::input::roles;
use weft_verify::envelope::Envelope;
use weft_verify::role::{Roles, update};
use weft_verify::{Rejection, Sha256, Verified};

use super::files;
use crate::error::Error;

/// The largest file of the chain, or bundle, that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The most versions that are read.
const MAX_VERSIONS: u64 = 10_000;

/// Where the roles are.
#[derive(Debug, Clone)]
pub struct Place {
    file: PathBuf,
}

impl Place {
    /// Returns the place that is named, or `.weft/roles.toml` in this directory or the nearest above that has one.
    ///
    /// # Errors
    ///
    /// [`Error::File`], if this directory cannot be known.
    pub fn find(named: Option<&Path>) -> Result<Self, Error> {
        if let Some(file) = named {
            return Ok(Self { file: file.to_owned() });
        }
        let here = std::env::current_dir().map_err(|source| Error::File {
            action: "read",
            path: ".".to_owned(),
            source,
        })?;
        let mut up = PathBuf::new();
        for directory in here.ancestors() {
            if directory.join(".weft").is_dir() {
                return Ok(Self { file: up.join(".weft/roles.toml") });
            }
            up.push("..");
        }
        Ok(Self { file: PathBuf::from(".weft/roles.toml") })
    }

    /// Returns the roles file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the directory of the roles file.
    pub fn directory(&self) -> &Path {
        match self.file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// Returns where a version is committed.
    pub fn version(&self, version: u64) -> PathBuf {
        self.directory().join("roles").join(format!("{version}.json"))
    }

    /// Returns the text of the roles file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] or [`Error::Usage`].
    pub fn text(&self) -> Result<String, Error> {
        if !self.file.exists() {
            let message = format!("there is no roles file at {}", self.file.display());
            return Err(Error::usage(message, "write one: `cargo weft role init`"));
        }
        let bytes = read(&self.file, roles::MAX_BYTES)?;
        String::from_utf8(bytes).map_err(|_| {
            let message = format!("{} is not UTF-8", self.file.display());
            Error::usage(message, "write it in UTF-8")
        })
    }

    /// Walks the committed versions, and returns the newest; `None` if none was committed.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], if one does not follow the one before or none is the `anchor`.
    pub fn committed(&self, anchor: Option<Sha256>) -> Result<Option<Verified<Roles>>, Error> {
        let mut chain = Vec::new();
        for version in 1..=MAX_VERSIONS {
            let path = self.version(version);
            if path.symlink_metadata().is_err() {
                break;
            }
            chain.push(envelope(&path)?);
        }
        let what = format!("the roles in {}", self.directory().join("roles").display());
        let current = u64::try_from(chain.len()).unwrap_or(u64::MAX);
        if let Some(found) = self.newest_file().filter(|found| *found > current) {
            let rejection = Rejection::RolesGap { current, found };
            return Err(Error::Rejected { what, rejection });
        }
        if chain.is_empty() && anchor.is_none() {
            return Ok(None);
        }
        update::walk(&chain, anchor).map(Some).map_err(Error::rejected(&what))
    }

    /// Returns the highest version of which there is a file, so that one that is missing in between is noticed.
    fn newest_file(&self) -> Option<u64> {
        let entries = std::fs::read_dir(self.directory().join("roles")).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".json")?.parse().ok()).max()
    }

    /// Reads the roles file as the version in force, or as the draft of the next one.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], with the place of the fault.
    pub fn draft(&self, committed: Option<&Roles>) -> Result<Roles, Error> {
        let text = self.text()?;
        let name = self.file.display().to_string();
        let stated = toml::from_str::<toml::Table>(&text).ok();
        let stated =
            stated.and_then(|table| u64::try_from(table.get("version")?.as_integer()?).ok());
        let previous = committed.and_then(|committed| match stated {
            Some(version) if version <= committed.record().version => committed.record().previous,
            _ => Some(committed.digest()),
        });
        roles::parse(&name, text.as_bytes(), previous)
            .map_err(|diagnostic| Error::Config { diagnostic, text })
    }

    /// Returns the roles in force: the newest committed version, which the roles file has to hold.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if nothing was committed, [`Error::Rejected`] if the file is a draft.
    pub fn in_force(&self, anchor: Option<Sha256>) -> Result<Verified<Roles>, Error> {
        let Some(committed) = self.committed(anchor)? else {
            let message = format!("no roles are in force in {}", self.directory().display());
            let help =
                "have the roles file accepted: `cargo weft role propose`, `attest`, `commit`";
            return Err(Error::usage(message, help));
        };
        let file = self.draft(Some(&committed))?;
        let what = self.file.display().to_string();
        update::demand_committed(&file, &committed).map_err(Error::rejected(&what))?;
        Ok(committed)
    }
}

/// Reads a regular file up to a bound.
///
/// # Errors
///
/// [`Error::File`].
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    files::read_bounded(path, limit).map_err(|refusal| Error::File {
        action: "read",
        path: path.display().to_string(),
        source: std::io::Error::other(refusal),
    })
}

/// Reads an envelope.
///
/// # Errors
///
/// [`Error::File`] or [`Error::Rejected`].
pub fn envelope(path: &Path) -> Result<Envelope, Error> {
    let bytes = read(path, MAX_BYTES)?;
    Envelope::from_slice(&bytes).map_err(Error::rejected(&path.display().to_string()))
}

/// Lists the attestations `STEM.KEY.dsse.json` beside a proposal, in the order of their names.
///
/// # Errors
///
/// [`Error::File`].
pub fn attestations_beside(proposal: &Path, stem: &str) -> Result<Vec<PathBuf>, Error> {
    let directory = match proposal.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let stem = format!("{stem}.");
    let error =
        |source| Error::File { action: "read", path: directory.display().to_string(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id = name.strip_prefix(&stem).and_then(|rest| rest.strip_suffix(".dsse.json"));
        if id.is_some_and(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
