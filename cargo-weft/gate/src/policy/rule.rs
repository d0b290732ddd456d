//! Rules about single crates, and about which members may reach which.

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Serialize};

use super::layer::{Value, not_empty};
use crate::Diagnostic;
use crate::input::tree::{Node, Table};

/// Which crates may be in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BanPolicy {
    /// External crates that may be judged; if it is not empty, no others may.
    pub allow: Vec<String>,
    /// Crates that may not be.
    pub deny: Vec<DeniedCrate>,
    /// Features that may not be switched on.
    pub feature: Vec<FeatureRule>,
}

/// A crate that may not be in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeniedCrate {
    /// Its name.
    #[serde(rename = "crate")]
    pub name: String,
    /// What to use in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The versions that this is about; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub version: Option<VersionReq>,
    /// Crates that may depend on it directly all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrappers: Vec<String>,
}

/// Features of a crate that may, or may not, be switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureRule {
    /// The features that may be switched on; if it is not empty, no others may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The crate's name.
    #[serde(rename = "crate")]
    pub name: String,
    /// The features that may not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// A rule about the direction of dependencies; each of its three forms has keys of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Boundary {
    /// Members reach the crate through these members alone.
    Only {
        /// The crate's name.
        #[serde(rename = "crate")]
        name: String,
        /// The members that may depend on it.
        only: Vec<String>,
    },
    /// Nothing in some members reaches some crates.
    Deny {
        /// The members; `*` for all.
        from: Vec<String>,
        /// The crates, or members, that they may not reach.
        deny: Vec<String>,
    },
    /// Members reach those of later layers, and never those of earlier ones.
    Layers {
        /// Members from the outermost to the innermost; those of one layer are joined.
        layers: Vec<Layer>,
    },
}

/// One layer: a member, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Layer {
    /// One member.
    One(String),
    /// Members beside each other, which may reach each other.
    Several(Vec<String>),
}

impl Layer {
    /// Returns its members.
    pub fn members(&self) -> &[String] {
        match self {
            Self::One(member) => std::slice::from_ref(member),
            Self::Several(members) => members,
        }
    }
}

pub(super) fn denied(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |table: &Table<'_, '_>, node: &Node<'_, '_>| {
        Ok(DeniedCrate {
            name: name(table, node)?,
            instead: text(table, "instead")?,
            reason: text(table, "reason")?,
            version: version(table)?,
            wrappers: list(table, "wrappers")?,
        })
    };
    Ok(Value::Denied(each(node, read)?))
}

pub(super) fn features(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |table: &Table<'_, '_>, node: &Node<'_, '_>| {
        let rule = FeatureRule {
            allow: list(table, "allow")?,
            name: name(table, node)?,
            deny: list(table, "deny")?,
        };
        match rule.allow.is_empty() && rule.deny.is_empty() {
            true => Err(node.fault("this rule bans nothing").help("add `deny` or `allow`")),
            false => Ok(rule),
        }
    };
    Ok(Value::FeatureRules(each(node, read)?))
}

pub(super) fn boundaries(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |table: &Table<'_, '_>, node: &Node<'_, '_>| {
        let members = |key| table.get(key).map(|node| not_empty(&node)).transpose();
        let missing = |key: &str| node.fault(format!("this boundary has no `{key}`"));
        if let Some(layers) = table.get("layers") {
            let layers: Vec<Layer> =
                layers.items()?.iter().map(layer).collect::<Result<_, Diagnostic>>()?;
            return match layers.len() {
                0 | 1 => Err(node.fault("a boundary of layers has two or more")),
                _ => Ok(Boundary::Layers { layers }),
            };
        }
        if table.get("crate").is_some() {
            let only = members("only")?.ok_or_else(|| missing("only"))?;
            return Ok(Boundary::Only { name: name(table, node)?, only });
        }
        let Some(from) = members("from")? else {
            let help = "it has `from` and `deny`, or `crate` and `only`, or `layers`";
            return Err(node.fault("this boundary says nothing").help(help));
        };
        Ok(Boundary::Deny { from, deny: members("deny")?.ok_or_else(|| missing("deny"))? })
    };
    Ok(Value::Boundaries(each(node, read)?))
}

fn layer(node: &Node<'_, '_>) -> Result<Layer, Diagnostic> {
    match node.as_str() {
        Some(member) => Ok(Layer::One(member.to_owned())),
        None => Ok(Layer::Several(not_empty(node)?)),
    }
}

/// Reads an array of tables, in each of which every key is known.
pub(super) fn each<T>(
    node: &Node<'_, '_>,
    read: impl Fn(&Table<'_, '_>, &Node<'_, '_>) -> Result<T, Diagnostic>,
) -> Result<Vec<T>, Diagnostic> {
    let entry = |item: &Node<'_, '_>| {
        let table = item.table()?;
        let entry = read(&table, item)?;
        table.finish().map(|()| entry)
    };
    node.items()?.iter().map(entry).collect()
}

pub(super) fn name(table: &Table<'_, '_>, node: &Node<'_, '_>) -> Result<String, Diagnostic> {
    let name = table.get("crate").ok_or_else(|| node.fault("this entry has no `crate`"))?;
    match crate::input::is_package_name(name.string()?) {
        true => Ok(name.string()?.to_owned()),
        false => Err(name.fault("this is not the name of a crate")),
    }
}

pub(super) fn text(table: &Table<'_, '_>, key: &'static str) -> Result<Option<String>, Diagnostic> {
    table.get(key).map(|node| node.string().map(str::to_owned)).transpose()
}

pub(super) fn list(table: &Table<'_, '_>, key: &'static str) -> Result<Vec<String>, Diagnostic> {
    table.get(key).map_or(Ok(Vec::new()), |node| node.strings())
}

pub(super) fn version(table: &Table<'_, '_>) -> Result<Option<VersionReq>, Diagnostic> {
    let Some(node) = table.get("version") else { return Ok(None) };
    let requirement = VersionReq::parse(node.string()?);
    requirement.map(Some).map_err(|e| node.fault(format!("this is not a requirement: {e}")))
}
