//! Security advisories: what of a database concerns the locked packages, and how old the database is.
//!
//! The format is RustSec's, and `rustsec` reads it ([`input::advisory`](crate::input::advisory)), so that which versions
//! are affected is decided by the database's own rules.
//! Facts hold the advisories of packages whose names are in the lockfile; the digest covers the whole database.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rustsec::advisory::Versions;
use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

/// A database of advisories, as far as it concerns the lockfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisories {
    /// Which database it is.
    pub database: Database,
    /// The advisories whose crates have a namesake in the lockfile, sorted by crate and id; withdrawn ones left out.
    pub entries: Vec<Advisory>,
}

/// Which database of advisories was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// How many advisories it holds.
    pub advisories: u64,
    /// The git commit, where it is a clone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The day of the commit; of a directory, the newest day in any advisory.
    #[schemars(with = "String")]
    pub date: Date,
    /// SHA-256 over the sorted lines `<sha256>  crates/<crate>/<id>.md`, each ended by a newline, as `sha256sum` prints.
    #[schemars(with = "String")]
    pub sha256: Sha256,
}

/// One advisory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// The crate it is about.
    pub package: String,
    /// Its identifier, such as `RUSTSEC-2020-0071`.
    pub id: String,
    /// Its identifiers in other databases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The processor architectures it is about, as Rust names them; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arch: Vec<String>,
    /// The CVSS vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<String>,
    /// The day it was reported.
    pub date: Date,
    /// The functions it is about, each with the versions they are affected in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, Vec<VersionReq>>,
    /// What kind of bad news it is.
    pub kind: Kind,
    /// The operating systems it is about, as Rust names them; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// Versions that mend it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patched: Vec<VersionReq>,
    /// How severe it is by its CVSS score; unknown where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Its title.
    pub title: String,
    /// Versions that never had it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unaffected: Vec<VersionReq>,
}

/// What kind of bad news an advisory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The crate was published to do harm.
    Malicious,
    /// Something to know, and no fault of the crate.
    Notice,
    /// Nobody maintains it.
    Unmaintained,
    /// Safe code can cause undefined behaviour through it.
    Unsound,
    /// It has a vulnerability.
    Vulnerability,
}

/// The qualitative severity of a CVSS score.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// 0.0.
    None,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the word used in policies and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Advisory {
    /// Says whether a version is affected, by RustSec's rules for pre-releases.
    ///
    /// Version ranges that contradict each other affect every version: reading the database refuses them, so only
    /// facts from elsewhere can hold such.
    pub fn affects(&self, version: &Version) -> bool {
        Versions::new(self.patched.clone(), self.unaffected.clone())
            .map_or(true, |versions| versions.is_vulnerable(version))
    }

    /// Returns the functions that a version is affected through; empty where the advisory names none.
    pub fn functions_in(&self, version: &Version) -> Vec<String> {
        let affected = |reqs: &[VersionReq]| reqs.iter().any(|req| req.matches(version));
        let functions = self.functions.iter().filter(|(_, reqs)| affected(reqs));
        functions.map(|(path, _)| path.clone()).collect()
    }
}
