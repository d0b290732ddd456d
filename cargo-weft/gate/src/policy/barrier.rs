//! Barriers: what keeps an attack on a crate away from the workspace, as rules that can be checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use super::layer::{Reference, Value, word};
use crate::Diagnostic;
use crate::input::tree::Node;
use crate::risk::Campaign;

/// What the risk model and the checks on it compare with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RiskPolicy {
    /// The campaigns that are counted beside the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<Campaign>,
    /// By how many percent a change may raise the expected loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_budget_percent: Option<u32>,
    /// What harm of a member costs, by its name; 1 for those that are not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub losses: BTreeMap<String, u32>,
}

impl RiskPolicy {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A rule that keeps an attack on a crate away from the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Barrier {
    /// The crate is not in the graph, or a feature of it is not switched on.
    Drop {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// The feature; absent for the crate as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feature: Option<String>,
        /// Why.
        reason: String,
    },
    /// The crate comes from a fork, through `[patch]`.
    Fork {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// The git repository of the fork.
        repository: String,
        /// Why.
        reason: String,
    },
    /// Every locked version of the crate is this one, or that of another pin of it, with this archive, until a person
    /// has looked at another.
    Pin {
        /// The SHA-256 of the archive.
        #[schemars(with = "String")]
        checksum: Sha256,
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// Why.
        reason: String,
        /// The version.
        #[schemars(with = "String")]
        version: Version,
    },
    /// The crate depends on no crates but these.
    Seal {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// The names of what it may depend on.
        dependencies: Vec<String>,
        /// Why.
        reason: String,
    },
    /// The crate's sources are vendored.
    Vendor {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// Why.
        reason: String,
    },
    /// Versions of the crate are so many days old before they are locked.
    Window {
        /// The crate's name; `*` for every external crate.
        #[serde(rename = "crate")]
        name: String,
        /// How many days.
        days: u32,
        /// Why.
        reason: String,
    },
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Drop,
    Fork,
    Pin,
    Seal,
    Vendor,
    Window,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Drop, Self::Fork, Self::Pin, Self::Seal, Self::Vendor, Self::Window];

    fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Fork => "fork",
            Self::Pin => "pin",
            Self::Seal => "seal",
            Self::Vendor => "vendor",
            Self::Window => "window",
        }
    }
}

impl Barrier {
    /// Returns the name of the crate it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Drop { name, .. }
            | Self::Fork { name, .. }
            | Self::Pin { name, .. }
            | Self::Seal { name, .. }
            | Self::Vendor { name, .. }
            | Self::Window { name, .. } => name,
        }
    }

    /// Returns the word for its kind.
    pub fn kind(&self) -> &'static str {
        let kind = match self {
            Self::Drop { .. } => Kind::Drop,
            Self::Fork { .. } => Kind::Fork,
            Self::Pin { .. } => Kind::Pin,
            Self::Seal { .. } => Kind::Seal,
            Self::Vendor { .. } => Kind::Vendor,
            Self::Window { .. } => Kind::Window,
        };
        kind.as_str()
    }
}

pub(super) fn read(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    Ok(Value::Barriers(node.items()?.iter().map(barrier).collect::<Result<_, _>>()?))
}

fn barrier(node: &Node<'_, '_>) -> Result<Barrier, Diagnostic> {
    let table = node.table()?;
    let get = |key: &'static str| {
        table.get(key).ok_or_else(|| node.fault(format!("a barrier of this kind has a `{key}`")))
    };
    let kind = word(&get("kind")?, "kind of barrier", Kind::ALL, Kind::as_str)?;
    let text = |key| -> Result<String, Diagnostic> {
        let value = get(key)?;
        match value.string()?.trim() {
            "" => Err(value.fault(format!("`{key}` is empty"))),
            text => Ok(text.to_owned()),
        }
    };
    let (name, reason) = (text("crate")?, text("reason")?);
    let barrier = match kind {
        Kind::Drop => {
            let feature = table.get("feature").map(|_| text("feature")).transpose()?;
            Barrier::Drop { name, feature, reason }
        }
        Kind::Fork => Barrier::Fork { name, repository: text("repository")?, reason },
        Kind::Pin => Barrier::Pin {
            checksum: parsed(&get("checksum")?, "a SHA-256 in hexadecimal digits")?,
            name,
            reason,
            version: parsed(&get("version")?, "a version")?,
        },
        Kind::Seal => Barrier::Seal { name, dependencies: get("dependencies")?.strings()?, reason },
        Kind::Vendor => Barrier::Vendor { name, reason },
        Kind::Window => Barrier::Window { name, days: get("days")?.number(36_500)?, reason },
    };
    table.finish()?;
    Ok(barrier)
}

fn parsed<T: std::str::FromStr>(node: &Node<'_, '_>, what: &str) -> Result<T, Diagnostic> {
    node.string()?.parse().map_err(|_| node.fault(format!("`{}` is {what}", node.key())))
}

pub(super) fn losses(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |node: Node<'_, '_>| Ok((node.key().to_owned(), node.number(1_000_000)?));
    Ok(Value::Losses(node.table()?.iter().map(read).collect::<Result<_, _>>()?))
}

/// Reads the files of campaigns that a policy names.
pub(super) fn campaigns(node: &Node<'_, '_>) -> Result<Vec<Reference>, Diagnostic> {
    let mut files: Vec<Reference> = Vec::new();
    for item in node.list()? {
        let path = item.string()?;
        // What a commit has of a policy is its `.toml` files that are not hidden.
        let is_visible = |part: &str| !part.is_empty() && !part.starts_with('.');
        if !path.ends_with(".toml") || !path.split('/').all(is_visible) || path.contains('\\') {
            let help = "write it like `campaigns/ours.toml`";
            let fault = "a campaign is a `.toml` file below the policy's directory, in no hidden one";
            return Err(item.fault(fault).help(help));
        }
        if files.iter().any(|file| file.path == path) {
            return Err(item.fault(format!("`{}` stands twice", path.escape_debug())));
        }
        files.push(Reference { path: path.to_owned(), span: item.value_span() });
    }
    Ok(files)
}
