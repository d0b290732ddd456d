//! Barriers: what keeps an attack on a crate away from the workspace, as rules that can be checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use super::ProvenancePolicy;
use super::layer::{Reference, Value, word};
use super::provenance;
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
    /// An attestation of every locked version of the crate has this provenance.
    Attest {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// Whose attestations count, as in the table `provenance`.
        provenance: Box<ProvenancePolicy>,
        /// Why.
        reason: String,
    },
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
        /// The commit of the fork; any of the repository's without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
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
    /// No crate depends on these but they themselves and the named ones.
    Region {
        /// The names of the crates of the region.
        crates: Vec<String>,
        /// The names of what may depend on them, members too.
        dependents: Vec<String>,
        /// Why.
        reason: String,
    },
    /// Every locked version of the crate was reviewed: by an audit of these criteria, or by the role; one of them is
    /// named, and if both are, either is enough.
    Review {
        /// The criteria of cargo-vet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        criteria: Option<String>,
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// Why.
        reason: String,
        /// The role whose signature on the archive is a review.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
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
    Attest,
    Drop,
    Fork,
    Pin,
    Region,
    Review,
    Seal,
    Vendor,
    Window,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Attest,
        Self::Drop,
        Self::Fork,
        Self::Pin,
        Self::Region,
        Self::Review,
        Self::Seal,
        Self::Vendor,
        Self::Window,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Attest => "attest",
            Self::Drop => "drop",
            Self::Fork => "fork",
            Self::Pin => "pin",
            Self::Region => "region",
            Self::Review => "review",
            Self::Seal => "seal",
            Self::Vendor => "vendor",
            Self::Window => "window",
        }
    }
}

impl Barrier {
    /// Returns the name of the crate it is about, or of the first of them.
    pub fn name(&self) -> &str {
        match self {
            Self::Attest { name, .. }
            | Self::Drop { name, .. }
            | Self::Fork { name, .. }
            | Self::Pin { name, .. }
            | Self::Review { name, .. }
            | Self::Seal { name, .. }
            | Self::Vendor { name, .. }
            | Self::Window { name, .. } => name,
            Self::Region { crates, .. } => crates.first().map_or("", String::as_str),
        }
    }

    /// Says whether it is about the crate of this name.
    pub fn is_about(&self, crate_name: &str) -> bool {
        match self {
            Self::Region { crates, .. } => crates.iter().any(|name| name == crate_name),
            Self::Window { name, .. } => name == "*" || name == crate_name,
            Self::Attest { .. }
            | Self::Drop { .. }
            | Self::Fork { .. }
            | Self::Pin { .. }
            | Self::Review { .. }
            | Self::Seal { .. }
            | Self::Vendor { .. } => self.name() == crate_name,
        }
    }

    /// Returns the word for its kind.
    pub fn kind(&self) -> &'static str {
        let kind = match self {
            Self::Attest { .. } => Kind::Attest,
            Self::Drop { .. } => Kind::Drop,
            Self::Fork { .. } => Kind::Fork,
            Self::Pin { .. } => Kind::Pin,
            Self::Region { .. } => Kind::Region,
            Self::Review { .. } => Kind::Review,
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
    let reason = text("reason")?;
    let optional = |key: &'static str| table.get(key).map(|_| text(key)).transpose();
    if let Kind::Region = kind {
        let crates = get("crates")?;
        let dependents = names(&get("dependents")?)?;
        let region = Barrier::Region { crates: names(&crates)?, dependents, reason };
        if region.name().is_empty() {
            return Err(crates.fault("a region has at least one crate"));
        }
        return table.finish().map(|()| region);
    }
    let name = match kind {
        Kind::Window if text("crate")? == "*" => "*".to_owned(),
        _ => crate_name(&get("crate")?)?,
    };
    let barrier = match kind {
        Kind::Attest => {
            let stated = get("provenance")?;
            let provenance = Box::new(provenance::expected(&stated)?);
            if *provenance == ProvenancePolicy::default() {
                return Err(stated.fault("nothing here says who is to have signed"));
            }
            Barrier::Attest { name, provenance, reason }
        }
        Kind::Region => return Err(node.fault("a region has `crates`")),
        Kind::Review => {
            let (criteria, role) = (optional("criteria")?, optional("role")?);
            if criteria.is_none() && role.is_none() {
                let help = "name `criteria`, such as \"safe-to-deploy\", a `role`, or both";
                return Err(node.fault("nothing here says what counts as a review").help(help));
            }
            Barrier::Review { criteria, name, reason, role }
        }
        Kind::Drop => Barrier::Drop { name, feature: optional("feature")?, reason },
        Kind::Fork => {
            let commit = optional("commit")?;
            let is_whole = |commit: &String| {
                matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit())
            };
            if let Some(stated) = table.get("commit").filter(|_| !commit.iter().all(is_whole)) {
                return Err(stated.fault("a commit is named by all its hexadecimal digits"));
            }
            let commit = commit.map(|commit| commit.to_ascii_lowercase());
            Barrier::Fork { name, commit, repository: text("repository")?, reason }
        }
        Kind::Pin => Barrier::Pin {
            checksum: parsed(&get("checksum")?, "a SHA-256 in hexadecimal digits")?,
            name,
            reason,
            version: parsed(&get("version")?, "a version")?,
        },
        Kind::Seal => Barrier::Seal { name, dependencies: names(&get("dependencies")?)?, reason },
        Kind::Vendor => Barrier::Vendor { name, reason },
        Kind::Window => Barrier::Window { name, days: get("days")?.number(36_500)?, reason },
    };
    table.finish()?;
    Ok(barrier)
}

/// Reads the name of a crate: whatever is none is none of any package, and would guard nothing.
fn crate_name(node: &Node<'_, '_>) -> Result<String, Diagnostic> {
    let name = node.string()?;
    if name.is_empty() {
        return Err(node.fault("the name of a crate is empty"));
    }
    match name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        true => Ok(name.to_owned()),
        false => Err(node.fault(format!("`{}` is no name of a crate", name.escape_debug()))),
    }
}

fn names(list: &Node<'_, '_>) -> Result<Vec<String>, Diagnostic> {
    list.list()?.iter().map(crate_name).collect()
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
            let fault =
                "a campaign is a `.toml` file below the policy's directory, in no hidden one";
            return Err(item.fault(fault).help(help));
        }
        if files.iter().any(|file| file.path == path) {
            return Err(item.fault(format!("`{}` stands twice", path.escape_debug())));
        }
        files.push(Reference { path: path.to_owned(), span: item.value_span() });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::layer::parse_layer;
    use super::*;

    fn read_one(text: &str) -> Result<Barrier, Diagnostic> {
        let text = format!("schema = 1\n[[barrier]]\n{text}\n");
        let layer = parse_layer("weft.toml", text.as_bytes())?;
        match &layer.settings[0].value {
            Value::Barriers(list) => Ok(list[0].clone()),
            other => panic!("{other:?}"),
        }
    }

    fn refuses(text: &str, message: &str) {
        let fault = read_one(text).unwrap_err();
        assert!(fault.message.contains(message), "{text}: {fault:?}");
        assert!(fault.span.is_some());
    }

    const ATTEST: &str = "kind = \"attest\"\ncrate = \"a\"\nreason = \"r\"\n";
    const REGION: &str = "kind = \"region\"\nreason = \"r\"\n";
    const REVIEW: &str = "kind = \"review\"\ncrate = \"a\"\nreason = \"r\"\n";

    #[test]
    fn a_review_says_what_counts() {
        refuses(REVIEW, "what counts as a review");
        refuses(&format!("{REVIEW}criteria = \" \""), "`criteria` is empty");
        refuses(&format!("{REVIEW}roles = \"x\""), "what counts as a review");
        refuses(&format!("{REVIEW}role = \"x\"\ndays = 1"), "unknown key `days`");
        for keys in ["role = \"x\"", "criteria = \"safe-to-run\"", "criteria = \"c\"\nrole = \"x\""]
        {
            let barrier = read_one(&format!("{REVIEW}{keys}")).unwrap();
            assert_eq!((barrier.kind(), barrier.name()), ("review", "a"));
        }
    }

    #[test]
    fn an_attestation_is_somebodys() {
        refuses(ATTEST, "has a `provenance`");
        refuses(&format!("{ATTEST}provenance = {{}}"), "who is to have signed");
        refuses(
            &format!("{ATTEST}provenance = {{ issuer = \"https://i\" }}"),
            "who is to have signed",
        );
        let table = "provenance = { issuer = \"https://i\", source-repository = \"o/n\" }";
        let barrier = read_one(&format!("{ATTEST}{table}")).unwrap();
        let written = serde_json::to_string(&barrier).unwrap();
        assert_eq!(serde_json::from_str::<Barrier>(&written).unwrap(), barrier);
        let Barrier::Attest { provenance, .. } = barrier else { panic!("{barrier:?}") };
        assert_eq!(provenance.source_repository.as_deref(), Some("o/n"));
    }

    #[test]
    fn a_region_has_crates() {
        refuses(&format!("{REGION}crates = []\ndependents = []"), "at least one crate");
        for crates in ["\"\"", "\"a\", \"a \"", "\"*\"", "1"] {
            refuses(&format!("{REGION}crates = [{crates}]\ndependents = []"), "");
        }
        refuses(&format!("{REGION}crates = [\"a\"]\ndependents = [\"b c\"]"), "no name of a crate");
        refuses(&format!("{REGION}crates = [\"a\"]"), "has a `dependents`");
        refuses(&format!("{REGION}crate = \"a\"\ndependents = []"), "has a `crates`");
        let barrier = read_one(&format!("{REGION}crates = [\"a\", \"b\"]\ndependents = []"));
        let barrier = barrier.unwrap();
        assert!(barrier.is_about("a") && barrier.is_about("b") && !barrier.is_about("c"));
    }
}
