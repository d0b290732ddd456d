//! Which licences the policy accepts.

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Serialize};
use spdx::{Expression, Licensee, ParseMode};
use weft_verify::Sha256;

use super::layer::Value;
use super::rule::{each, name, version};
use crate::Diagnostic;
use crate::input::tree::{Node, Table};

/// How expressions of crates are read: as SPDX has them, and with what crates.io accepted once.
pub(crate) const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// Which licences are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LicensePolicy {
    /// SPDX licences, with their exception where they have one.
    pub allow: Vec<String>,
    /// Expressions for crates that state none, or a wrong one.
    pub clarify: Vec<Clarification>,
    /// How sure a match of a licence's text must be, in percent.
    pub confidence_percent: u32,
    /// Licences that are accepted for single crates.
    pub exception: Vec<LicenseException>,
}

/// Licences that are accepted for one crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenseException {
    /// SPDX licences, with their exception where they have one.
    pub allow: Vec<String>,
    /// The crate's name.
    #[serde(rename = "crate")]
    pub name: String,
    /// The versions that this is about; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub version: Option<VersionReq>,
}

/// What somebody found out about a crate's licence, by reading its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clarification {
    /// The SPDX expression.
    pub expression: String,
    /// The files that were read.
    pub files: Vec<LicenseFile>,
    /// The crate's name.
    #[serde(rename = "crate")]
    pub name: String,
    /// The versions that this is about; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub version: Option<VersionReq>,
}

/// A file of a crate that speaks of its licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenseFile {
    /// Its path in the crate.
    pub path: String,
    /// The digest of its bytes.
    #[schemars(with = "String")]
    pub sha256: Sha256,
}

pub(super) fn allow(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    Ok(Value::Strings(licences(node)?))
}

pub(super) fn exceptions(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |table: &Table<'_, '_>, node: &Node<'_, '_>| {
        let allow =
            table.get("allow").ok_or_else(|| node.fault("this exception has no `allow`"))?;
        Ok(LicenseException {
            allow: licences(&allow)?,
            name: name(table, node)?,
            version: version(table)?,
        })
    };
    Ok(Value::LicenseExceptions(each(node, read)?))
}

pub(super) fn clarifications(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    let read = |table: &Table<'_, '_>, node: &Node<'_, '_>| {
        let required = |key: &'static str| {
            let help = "a clarification has crate, expression and files, each with path and sha256";
            table
                .get(key)
                .ok_or_else(|| node.fault(format!("this clarification has no `{key}`")).help(help))
        };
        let expression = required("expression")?;
        Expression::parse_mode(expression.string()?, MODE).map_err(|e| {
            expression.fault(format!("this is not an SPDX expression: {}", e.reason))
        })?;
        let files = required("files")?;
        let list = each(&files, file)?;
        match list.is_empty() {
            true => Err(files.fault("name the files that were read, so that a change is noticed")),
            false => Ok(Clarification {
                expression: expression.string()?.to_owned(),
                files: list,
                name: name(table, node)?,
                version: version(table)?,
            }),
        }
    };
    Ok(Value::Clarifications(each(node, read)?))
}

fn file(table: &Table<'_, '_>, node: &Node<'_, '_>) -> Result<LicenseFile, Diagnostic> {
    let path = table.get("path").ok_or_else(|| node.fault("this file has no `path`"))?;
    let sha256 = table.get("sha256").ok_or_else(|| node.fault("this file has no `sha256`"))?;
    let digest = sha256.string()?.parse();
    Ok(LicenseFile {
        path: path.string()?.to_owned(),
        sha256: digest.map_err(|_| sha256.fault("a digest has 64 hexadecimal digits"))?,
    })
}

/// Reads a list of licences, each of which SPDX knows.
fn licences(node: &Node<'_, '_>) -> Result<Vec<String>, Diagnostic> {
    let licence = |entry: &Node<'_, '_>| {
        let text = entry.string()?;
        Licensee::parse_mode(text, MODE).map(|_| text.to_owned()).map_err(|e| {
            let help = "name it as https://spdx.org/licenses does, one to an entry, such as \"MIT\" or \
                        \"Apache-2.0 WITH LLVM-exception\"";
            entry.fault(format!("this is not an SPDX licence: {}", e.reason)).help(help)
        })
    };
    node.list()?.iter().map(licence).collect()
}
