//! The reproducibility contract: what a build depended on, what came of it section by section, and what it was made of.
//!
//! Three records in canonical JSON, `env.json`, `manifest.json` and `repro.lock`, with which somebody else can build
//! again and be told the first difference without holding the other file.
//! Specified in `docs/src/spec/reproduce.md`; building is for `cargo-weft`.

mod command;
mod compare;
mod place;
mod section;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use crate::input::lockfile::Lockfile;

pub use command::{Command, CommandError};
pub use compare::{Compared, Difference, FirstSection, Found, compare};
pub use place::{PlaceError, named, placed};
pub use section::sections;

/// The version of the three formats.
pub const SCHEMA: u32 = 1;

/// What a build depends on beside its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Environment {
    /// What was built, and how.
    pub build: Build,
    /// The version of Cargo, as `cargo -V` says.
    pub cargo: String,
    /// What the linker says of itself; nothing where it is not known.
    pub linker: Option<String>,
    /// The compiler.
    pub rustc: Rustc,
    /// The version of this format.
    pub schema: u32,
    /// The digest of what Cargo's configuration outside of the sources says about builds; nothing if it says nothing.
    #[schemars(with = "Option<String>")]
    pub settings: Option<Sha256>,
    /// The variables that a build obeys, with `${SOURCE}`, `${TARGET_DIR}` and `${CARGO_HOME}` for places.
    pub variables: BTreeMap<String, String>,
}

/// What was built, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Build {
    /// The command, word by word; its words are those of [`Command`].
    pub command: Vec<String>,
    /// Where the workspace lies below the top of the sources; empty for the top itself.
    pub directory: String,
    /// The profile that was built.
    pub profile: String,
    /// The triple that was built for.
    pub target: String,
}

/// The compiler, as `rustc -vV` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rustc {
    /// The commit it was built from.
    pub commit_hash: String,
    /// The triple it runs on.
    pub host: String,
    /// The version of LLVM.
    pub llvm: String,
    /// Its version.
    pub release: String,
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Built {
    /// The artifacts in the order of their names.
    pub artifacts: Vec<BuiltArtifact>,
    /// The version of this format.
    pub schema: u32,
}

/// An artifact and its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BuiltArtifact {
    /// What kind of file it is.
    pub kind: Kind,
    /// The name of the file.
    pub name: String,
    /// Its parts, in the order in which they lie in the file.
    pub sections: Vec<Section>,
    /// Its digest.
    #[schemars(with = "String")]
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// The kind of a file, which is how it is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Anything else: blocks of one mebibyte.
    Blocks,
    /// An executable or library of Linux and others: sections.
    Elf,
    /// One of Apple's systems: sections with their segments.
    MachO,
    /// One of Windows: sections.
    Pe,
    /// A compressed archive, as packages are: entries, content and description apart.
    TarGz,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Section {
    /// Its name; not always the only one of that name.
    pub name: String,
    /// Its digest.
    #[schemars(with = "String")]
    pub sha256: Sha256,
}

/// What a build is made of: the sources, and the two other records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    /// The commit of the sources.
    pub commit: String,
    /// The digest of `env.json`.
    #[schemars(with = "String")]
    pub environment: Sha256,
    /// The digest of `Cargo.lock`.
    #[schemars(with = "String")]
    pub lockfile: Sha256,
    /// The digest of `manifest.json`.
    #[schemars(with = "String")]
    pub manifest: Sha256,
    /// Every package that is locked, in the order of name, version and source.
    pub packages: Vec<Locked>,
    /// The version of this format.
    pub schema: u32,
    /// The tree of the sources.
    pub tree: String,
}

/// A package that is locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from; nothing for a package of the sources.
    pub source: Option<String>,
    /// The checksum of its archive; nothing for what comes from git or lies in the sources.
    #[schemars(with = "Option<String>")]
    pub checksum: Option<Sha256>,
}

impl Locked {
    /// Lists the packages of a lockfile.
    pub fn all(lockfile: &Lockfile) -> Vec<Self> {
        let locked = lockfile.packages.iter().map(|package| Self {
            name: package.name.clone(),
            version: package.version.to_string(),
            source: (!package.source.is_path()).then(|| package.source.to_string()),
            checksum: package.checksum,
        });
        let mut all: Vec<Self> = locked.collect();
        all.sort();
        all
    }
}

/// Why a record is not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is of a version that is not known.
    #[error("{file} is of schema {found}; this weft knows {SCHEMA}")]
    Schema {
        /// The record.
        file: &'static str,
        /// Its version.
        found: u32,
    },
    /// A name that is no plain name of a file.
    #[error("manifest.json names an artifact {0:?}, which is no plain file name")]
    ArtifactName(String),
    /// Artifacts that are not in order, or one twice.
    #[error("manifest.json does not name its artifacts in order, each once: {0:?}")]
    ArtifactOrder(String),
    /// There is nothing to compare.
    #[error("manifest.json names no artifact")]
    NoArtifact,
    /// A variable that is not among those that are recorded.
    #[error("env.json sets {0:?}, which is not among the variables that a build may be given")]
    Variable(String),
    /// The command is not one that is run.
    #[error("env.json: {0}")]
    Command(#[from] CommandError),
    /// The workspace does not lie in the sources.
    #[error("env.json names the directory {0:?}, which is not one below the sources")]
    Directory(String),
    /// The profile or the target is not that of the command.
    #[error("env.json says the {what} is {found:?}, and its command builds {expected:?}")]
    NotAsCommand {
        /// `profile` or `target`.
        what: &'static str,
        /// What the command says.
        expected: String,
        /// What the record says.
        found: String,
    },
    /// A record is not the one that `repro.lock` names.
    #[error("{file} is sha256:{found}, and repro.lock names sha256:{expected}")]
    Digest {
        /// The record.
        file: &'static str,
        /// What `repro.lock` names.
        expected: Sha256,
        /// What is there.
        found: Sha256,
    },
    /// A commit or a tree is no object id.
    #[error("repro.lock names {0:?}, which is no id of a git object")]
    ObjectId(String),
}

impl Environment {
    /// Returns the command, if all that it says may be run.
    ///
    /// `allowed` are the names of variables, or their beginnings, ending with `*`.
    ///
    /// # Errors
    ///
    /// An [`Unfit`] for the first thing that is not obeyed.
    pub fn command(&self, allowed: &BTreeSet<String>) -> Result<Command, Unfit> {
        if self.schema != SCHEMA {
            return Err(Unfit::Schema { file: "env.json", found: self.schema });
        }
        if let Some(name) = self.variables.keys().find(|name| !is_allowed(allowed, name)) {
            return Err(Unfit::Variable(name.clone()));
        }
        let is_below =
            self.build.directory.is_empty() || self.build.directory.split('/').all(is_plain_name);
        if !is_below {
            return Err(Unfit::Directory(self.build.directory.clone()));
        }
        let command = Command::parse(&self.build.command)?;
        let profile = (command.profile().to_owned(), &self.build.profile);
        Command::demand_triple(&self.variables)?;
        let target = (self.triple(&command).to_owned(), &self.build.target);
        for (what, (expected, found)) in [("profile", profile), ("target", target)] {
            if expected != *found {
                return Err(Unfit::NotAsCommand { what, expected, found: found.clone() });
            }
        }
        Ok(command)
    }

    /// Returns the triple that a command builds for here.
    pub fn triple<'a>(&'a self, command: &'a Command) -> &'a str {
        command.triple(&self.variables).unwrap_or(&self.rustc.host)
    }

    /// Lists how another environment differs, as the name of each thing, what is recorded and what was found.
    ///
    /// Variables are given to a build, so they cannot differ.
    pub fn differences(&self, found: &Self) -> Vec<(&'static str, String, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let digest = |value: &Option<Sha256>| value.map_or("nothing".to_owned(), |d| d.to_string());
        let mut all = vec![
            ("rustc", self.rustc.release.clone(), found.rustc.release.clone()),
            ("rustc's commit", self.rustc.commit_hash.clone(), found.rustc.commit_hash.clone()),
            ("the host", self.rustc.host.clone(), found.rustc.host.clone()),
            ("LLVM", self.rustc.llvm.clone(), found.rustc.llvm.clone()),
            ("cargo", self.cargo.clone(), found.cargo.clone()),
            ("Cargo's configuration", digest(&self.settings), digest(&found.settings)),
        ];
        if self.linker.is_some() {
            all.push(("the linker", text(&self.linker), text(&found.linker)));
        }
        all.retain(|(_, expected, found)| expected != found);
        all
    }
}

impl Built {
    /// Makes the record of artifacts by their names and bytes.
    pub fn of<'a>(artifacts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut all: Vec<BuiltArtifact> =
            artifacts.into_iter().map(|(name, bytes)| BuiltArtifact::of(name, bytes)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Self { artifacts: all, schema: SCHEMA }
    }

    /// Demands that this can be compared with a build: names of files, in order, each once.
    ///
    /// # Errors
    ///
    /// An [`Unfit`].
    pub fn demand_fit(&self) -> Result<(), Unfit> {
        if self.schema != SCHEMA {
            return Err(Unfit::Schema { file: "manifest.json", found: self.schema });
        }
        if self.artifacts.is_empty() {
            return Err(Unfit::NoArtifact);
        }
        if let Some(odd) = self.artifacts.iter().find(|artifact| !is_plain_name(&artifact.name)) {
            return Err(Unfit::ArtifactName(odd.name.clone()));
        }
        let mut pairs = self.artifacts.iter().zip(self.artifacts.iter().skip(1));
        match pairs.find(|(a, b)| a.name >= b.name) {
            Some((_, second)) => Err(Unfit::ArtifactOrder(second.name.clone())),
            None => Ok(()),
        }
    }
}

impl BuiltArtifact {
    /// Takes an artifact apart.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let (kind, sections) = sections(bytes);
        let (sha256, size) = (Sha256::of(bytes), bytes.len() as u64);
        Self { kind, name: name.to_owned(), sections, sha256, size }
    }
}

impl Lock {
    /// Demands that these are the two records that it names, byte for byte.
    ///
    /// # Errors
    ///
    /// An [`Unfit`].
    pub fn demand_fit(&self, environment: &[u8], manifest: &[u8]) -> Result<(), Unfit> {
        if self.schema != SCHEMA {
            return Err(Unfit::Schema { file: "repro.lock", found: self.schema });
        }
        for id in [&self.commit, &self.tree] {
            let is_id = matches!(id.len(), 40 | 64)
                && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !is_id {
                return Err(Unfit::ObjectId(id.clone()));
            }
        }
        for (file, expected, bytes) in [
            ("env.json", self.environment, environment),
            ("manifest.json", self.manifest, manifest),
        ] {
            let found = Sha256::of(bytes);
            if found != expected {
                return Err(Unfit::Digest { file, expected, found });
            }
        }
        Ok(())
    }
}

/// Says whether a variable is among these names, of which those that end with `*` are beginnings.
pub fn is_allowed(allowed: &BTreeSet<String>, name: &str) -> bool {
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_plain
        && allowed.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning) && name.len() > beginning.len(),
            None => allowed == name,
        })
}

/// Says whether a text names a file in a directory, on any system.
pub fn is_plain_name(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !name.is_empty()
        && name.len() <= 255
        && !name.chars().all(|c| c == '.')
        && !name.contains(is_odd)
}

#[cfg(test)]
mod tests;
