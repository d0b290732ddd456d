//! Facts: everything a decision may look at, and nothing else.
//!
//! Facts can be written out in canonical form and read back; deciding again from those bytes gives the same verdict,
//! byte for byte. So a check that wants to know something new adds it here, and `cargo-weft` fetches it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::canonical::{self, Unwritable};
use weft_verify::json::Limits;
use weft_verify::{Rejection, Sha256};

use crate::advisory::Advisories;
use crate::claim::Claims;
use crate::content::Content;
use crate::diff::Base;
use crate::exemption::Exemption;
use crate::inventory::{Drift, Inventory};
use crate::place::Place;
use crate::policy::{LicenseFile, Policy};
use crate::publisher::Publications;
use crate::risk::campaign::check_added;
use crate::vouch::Vouched;

/// The version of the facts format.
pub const SCHEMA: u32 = 1;

/// The largest facts that are read, in bytes: what a graph of the most packages and dependencies cannot reach.
pub const MAX_BYTES: usize = 256 << 20;

/// Everything a decision may look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The advisories that concern the lockfile.
    pub advisories: Known<Advisories>,
    /// The day the decision is made for.
    pub as_of: Date,
    /// What of a base only new findings are told apart by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// What documents promise, and the evidence for it.
    pub claims: Known<Claims>,
    /// What lies in the sources of packages.
    pub contents: Known<Contents>,
    /// Where manifests and lockfile disagree.
    pub drift: Known<Vec<Drift>>,
    /// Path dependencies that lead out of the workspace.
    pub escapes: Known<Vec<Escape>>,
    /// Findings that somebody answers for, until a day.
    pub exemptions: Vec<Exemption>,
    /// The files that were read, sorted by name.
    pub inputs: Vec<Input>,
    /// The dependency graph.
    pub inventory: Known<Inventory>,
    /// What packages say of their licences.
    pub licenses: Known<Licenses>,
    /// Whether there is a lockfile.
    pub lockfile: LockfileState,
    /// What was noticed on the way that no check speaks of.
    pub notices: Vec<Notice>,
    /// The rules.
    pub policy: Policy,
    /// Who publishes the packages from elsewhere; absent from facts that were written before anybody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishers: Option<Known<Publications>>,
    /// What registries say of the locked versions.
    pub releases: Known<Releases>,
    /// Where packages are taken from elsewhere than their source says.
    pub replacements: Known<Vec<Replacement>>,
    /// The version of this format.
    pub schema: u32,
    /// Who vouches for packages; absent where no barrier asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vouched>,
}

/// What lies in the sources of packages, by package URL; one whose sources are not there is absent.
pub type Contents = BTreeMap<String, Content>;

/// What packages say of their licences, by package URL; one whose sources are not there is absent.
pub type Licenses = BTreeMap<String, Terms>;

/// What a package says of its licence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The SPDX expression of its manifest, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The files that the policy clarifies it by, as they are, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<LicenseFile>,
    /// The licence whose text one of its files is most like, where the manifest states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<LicenseText>,
}

/// A file that is like the text of a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseText {
    /// How sure the match is, in thousandths.
    pub confidence_thousandths: u32,
    /// The licence, as SPDX names it.
    pub license: String,
    /// The path of the file in the package.
    pub path: String,
}

/// What registries say of locked versions, by package URL; a version that no index knows is absent.
pub type Releases = BTreeMap<String, Release>;

/// What a registry says of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// What came before it; absent where the registry does not date every version of the crate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// What it asks for, whatever the features and targets, and the lockfile does not give it; empty where the lockfile
    /// was not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// The day of its publication in UTC, where the registry states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Date>,
    /// Whether it was withdrawn.
    pub yanked: bool,
}

/// What came before a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The locked crates that it asks for and the one before did not, sorted by name; those of tests left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Added>,
    /// The day in UTC on which the crate was first published.
    pub first_published: Date,
    /// The last version that had been out for a week when it came; absent in the crate's first week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// A crate that a version asks for and the one before did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// How many hours before that version it was first published; absent where no index says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_hours: Option<u64>,
    /// Its name.
    pub name: String,
}

/// The version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// How many days lie between both.
    pub gap_days: u64,
    /// The version.
    pub version: String,
}

/// A fact, or the reason why it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Known<T> {
    /// It is not known, and this is why: a sentence for the report.
    Unknown(String),
    /// It is known.
    Value(T),
}

impl<T> Known<T> {
    /// Returns the fact, or the reason.
    ///
    /// # Errors
    ///
    /// The reason why the fact is not known.
    pub fn as_ref(&self) -> Result<&T, &str> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Unknown(reason) => Err(reason),
        }
    }
}

/// Whether there is a lockfile; whether it can be read is the inventory's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockfileState {
    /// There is none; the path says where it should be.
    Missing(String),
    /// There is one, with this path.
    Present(String),
}

/// A path dependency that leads out of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escape {
    /// The package, by the key of the dependency; empty for a member of the workspace.
    pub package: String,
    /// The path as written.
    pub path: String,
    /// Where it is written.
    pub place: Place,
    /// Whether it leaves through a symbolic link.
    pub symlink: bool,
}

/// Something that takes packages from elsewhere than their source says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// What is replaced.
    pub what: String,
    /// What stands in its place.
    pub with: String,
    /// Where that is written.
    pub place: Place,
}

/// Something worth telling that no check judges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// A sentence.
    pub message: String,
    /// Where it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its path relative to the workspace root, or a name such as `inventory`.
    pub name: String,
    /// The digest of its bytes.
    #[schemars(with = "String")]
    pub sha256: Sha256,
}

impl Facts {
    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// See [`canonical::to_vec`].
    pub fn to_canonical(&self) -> Result<Vec<u8>, Unwritable> {
        canonical::to_vec(self)
    }

    /// Reads facts from their canonical bytes, and from nothing else.
    ///
    /// # Errors
    ///
    /// See [`canonical::from_slice`]; an inventory whose indexes do not fit, or a campaign that no policy could add, is
    /// a [`Rejection::MemberInvalid`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Rejection> {
        let limits = Limits { size: MAX_BYTES, ..Limits::RECORD };
        let facts: Self = canonical::from_slice_within(bytes, limits)?;
        if facts.schema != SCHEMA {
            let (found, known) = (u64::from(facts.schema), u64::from(SCHEMA));
            return Err(Rejection::SchemaUnknown { found, known });
        }
        if let Err((at, message)) = check_added(&facts.policy.risk.campaigns) {
            let path = format!("policy.risk.campaigns.{at}");
            return Err(Rejection::MemberInvalid { path, message });
        }
        if let Known::Value(inventory) = &facts.inventory {
            let path = "inventory".to_owned();
            inventory.validate().map_err(|message| Rejection::MemberInvalid { path, message })?;
        }
        Ok(facts)
    }
}
