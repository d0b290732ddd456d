//! The inventory: every locked package, every edge between them, and which of them are judged.
//!
//! One model serves both precisions.
//! At *lock* precision ([`from_lock`]) it is built from `Cargo.lock` and the members' manifests alone: edges of packages
//! from elsewhere have no declarations, and what is judged is a superset of what is built.
//! At *metadata* precision ([`from_metadata`]) `cargo metadata`, read through guppy, adds declarations, package facts
//! and the exact selection for the policy's features, targets and dependency kinds.
//! Either way `packages` is the whole lockfile, sorted by name, version and source, so that indexes are canonical.
//!
//! Canonical bytes and digest: [`Inventory::to_canonical`], specified in `docs/src/spec/inventory.md`.

mod from_lock;
mod from_metadata;
mod source;

pub use from_lock::{Drift, drift, from_lock, from_lock_in_part};
pub use from_metadata::from_metadata;
pub use source::{GitReference, Source};
pub(crate) use source::{same_repository, without_credentials};

use packageurl::PackageUrl;
use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;
use weft_verify::canonical::{self, Unwritable};

use crate::place::Place;
use crate::policy::{Features, Targets};

/// The version of the inventory format.
pub const SCHEMA: u32 = 1;

/// Everything known of a workspace's dependency graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Edges between packages, sorted by `from`, then `to`.
    pub edges: Vec<Edge>,
    /// Every locked package, sorted by name, version and source.
    pub packages: Vec<Package>,
    /// How sharply the graph is known.
    pub precision: Precision,
    /// The version of this format.
    pub schema: u32,
    /// What of the lockfile is judged.
    pub selection: Selection,
}

/// How sharply a graph is known.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// From `Cargo.lock` and manifests: a superset of what is built.
    Lock,
    /// From `cargo metadata`: exact for features, targets and dependency kinds.
    Metadata,
}

impl Precision {
    /// Returns the word used on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Metadata => "metadata",
        }
    }
}

/// What of the lockfile is judged; at lock precision only `dev_dependencies` can be applied, and only to members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Whether members' dev-dependencies are judged.
    pub dev_dependencies: bool,
    /// The features that are switched on; absent at lock precision, where all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// The targets built for; absent at lock precision, where all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
}

/// One locked package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// SHA-256 of the registry's archive, from the lockfile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub checksum: Option<Sha256>,
    /// Whether it is built with members' dev-dependencies alone, and those are not judged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dev: bool,
    /// The features that are switched on in what is judged, sorted; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// The package URL, which is unique within the inventory.
    pub id: String,
    /// Facts from the package's own manifest, at metadata precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestFacts>,
    /// Whether the package is a member of the workspace (or, when only a lockfile is read, local).
    pub member: bool,
    /// The package's name.
    pub name: String,
    /// The `[patch]` or `[replace]` table of a manifest that puts it in another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Where the lockfile names it.
    pub place: Place,
    /// Whether it is part of what is judged.
    pub selected: bool,
    /// Where it comes from.
    pub source: Source,
    /// Its version.
    pub version: Version,
}

/// What a package's manifest says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestFacts {
    /// Whether it has a build script.
    pub build_script: bool,
    /// What the feature `default` switches on.
    pub default_features: Vec<String>,
    /// Its SPDX licence expression, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The native library it links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// Whether it is a procedural macro.
    pub proc_macro: bool,
    /// Its repository, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The oldest compiler it supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust_version: Option<String>,
}

/// A dependency between two packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// How the dependent declares it; empty where no manifest was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<Declaration>,
    /// Whether it is followed with members' dev-dependencies alone, and those are not judged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dev: bool,
    /// Index of the dependent in `packages`.
    pub from: u32,
    /// Whether it is part of what is judged.
    pub selected: bool,
    /// Index of the dependency in `packages`.
    pub to: u32,
}

/// One entry of a manifest's dependency tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Whether the dependency's default features are wanted.
    pub default_features: bool,
    /// Further features that are wanted, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Which dependency table it stands in.
    pub kind: DependencyKind,
    /// Whether it is optional.
    pub optional: bool,
    /// Where it stands, for members of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The version requirement, if one is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The target or `cfg(…)` it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The dependency table of a declaration.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyKind {
    /// `[build-dependencies]`: linked into the build script.
    Build,
    /// `[dev-dependencies]`: linked into tests, examples and benchmarks.
    Dev,
    /// `[dependencies]`: linked into the package.
    Normal,
}

impl Inventory {
    /// Returns the canonical bytes (RFC 8785).
    ///
    /// # Errors
    ///
    /// None for an inventory built by this crate; see [`canonical::to_vec`] for one that was read from elsewhere.
    pub fn to_canonical(&self) -> Result<Vec<u8>, Unwritable> {
        canonical::to_vec(self)
    }

    /// Returns the package with the given index.
    pub fn package(&self, index: u32) -> &Package {
        &self.packages[index as usize]
    }

    /// Returns the indexes of the judged members: where paths begin.
    pub fn roots(&self) -> Vec<u32> {
        self.indexes(|p| p.member && p.selected)
    }

    /// Returns the indexes of judged packages that are not members.
    pub fn judged_externals(&self) -> Vec<u32> {
        self.indexes(|p| !p.member && p.selected)
    }

    /// Returns the indexes of packages from elsewhere that anybody who builds or tests the workspace takes in: the judged
    /// ones, and those of members' dev-dependencies.
    pub fn present_externals(&self) -> Vec<u32> {
        self.indexes(|p| !p.member && p.is_present())
    }

    fn indexes(&self, wanted: impl Fn(&Package) -> bool) -> Vec<u32> {
        (0u32..).zip(&self.packages).filter(|(_, p)| wanted(p)).map(|(i, _)| i).collect()
    }

    /// Returns the edge between two packages, if there is one.
    pub fn edge(&self, from: u32, to: u32) -> Option<&Edge> {
        let found = self.edges.binary_search_by_key(&(from, to), |e| (e.from, e.to));
        found.ok().map(|i| &self.edges[i])
    }

    /// Checks what reading the format cannot: that indexes are in range and in order.
    ///
    /// # Errors
    ///
    /// A sentence about the first fault.
    pub fn validate(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("inventory schema {} is unknown", self.schema));
        }
        let len = self.packages.len();
        if self.edges.iter().any(|e| e.from as usize >= len || e.to as usize >= len) {
            return Err("an edge names a package that is not there".to_owned());
        }
        if !self.edges.is_sorted_by(|a, b| (a.from, a.to) < (b.from, b.to)) {
            return Err("edges are not in order".to_owned());
        }
        if !self.packages.is_sorted_by(|a, b| a.sort_key() < b.sort_key()) {
            return Err("packages are not in order".to_owned());
        }
        Ok(())
    }
}

impl Package {
    /// Says whether it is built or tested with: judged, or of members' dev-dependencies.
    pub fn is_present(&self) -> bool {
        self.selected || self.dev
    }

    /// Returns `name@version`, as `cargo update` takes it.
    pub fn spec(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Returns another version of the crate from the same source, of which nothing is known but its archive.
    #[must_use]
    pub fn other(&self, version: Version, checksum: Option<Sha256>) -> Self {
        Self {
            checksum,
            features: None,
            id: purl(&self.name, &version, &self.source),
            manifest: None,
            version,
            ..self.clone()
        }
    }

    /// Orders packages bytewise by name, version and source.
    fn sort_key(&self) -> (&str, String, &str) {
        (&self.name, self.version.to_string(), &self.id)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Returns the package URL of a Cargo package (purl-spec, type `cargo`).
///
/// Registries other than crates.io are a `repository_url`, git sources a `vcs_url`, and local packages a relative
/// `download_url`, empty where the path is not known.
fn purl(name: &str, version: &Version, source: &Source) -> String {
    let qualifier = match source {
        Source::Registry { .. } if source.is_crates_io() => None,
        Source::Registry { url } => Some(("repository_url", url.clone())),
        Source::Git { url, commit, .. } => {
            let commit = commit.as_deref().unwrap_or_default();
            Some(("vcs_url", format!("git+{url}@{commit}")))
        }
        Source::Path { path } => {
            let path = path.as_deref().unwrap_or_default();
            Some(("download_url", format!("file:{path}")))
        }
    };
    let build = || {
        let mut purl = PackageUrl::new("cargo", name.to_owned())?;
        purl.with_version(version.to_string())?;
        if let Some((key, value)) = qualifier {
            purl.add_qualifier(key, value)?;
        }
        Ok::<_, packageurl::Error>(purl.to_string())
    };
    build().expect("package names and versions were checked when they were read")
}
