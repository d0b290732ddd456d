//! cargo-vet's audits: `supply-chain/audits.toml`, and those of others in `supply-chain/imports.lock`.
//!
//! Read are audits of versions and of changes, violations, and what criteria imply.
//! Left out is what says nothing of the code of a version of a registry: wildcard audits and trusted publishers vouch for
//! a person, exemptions for nothing, and versions of git repositories are not those of a registry.
//! Criteria of others count as far as they are cargo-vet's own.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use super::publishers::MAX_IMPORTS;
use super::tree::{self, Node, Table};
use super::{is_package_name, text};
use crate::Diagnostic;
use crate::place::SourceText;
use crate::vouch::{Audit, LookedAt};

/// The largest `audits.toml` that is read, in bytes.
pub const MAX_AUDITS: usize = 16 << 20;

/// What cargo-vet's own criteria imply.
const BUILT_IN: [(&str, &[&str]); 2] = [("safe-to-deploy", &["safe-to-run"]), ("safe-to-run", &[])];

/// Audits by the name of the crate.
pub type Audits = BTreeMap<String, Vec<Audit>>;

/// What each criteria implies.
type Criteria = BTreeMap<String, Vec<String>>;

/// Reads the audits of a project.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn own(file: &str, bytes: &[u8]) -> Result<Audits, Diagnostic> {
    let text = text(file, bytes, MAX_AUDITS)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    let mut criteria = built_in();
    for node in document.table("criteria")?.iter().flat_map(Table::iter) {
        let implied = node.table()?.get("implies").map(|node| words(&node)).transpose()?;
        criteria.insert(node.key().to_owned(), implied.unwrap_or_default());
    }
    let mut audits = Audits::new();
    read(&document, &criteria, &mut audits)?;
    Ok(audits)
}

/// Reads the audits of others.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn imported(file: &str, bytes: &[u8]) -> Result<Audits, Diagnostic> {
    let text = text(file, bytes, MAX_IMPORTS)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    let mut audits = Audits::new();
    for peer in document.table("audits")?.iter().flat_map(Table::iter) {
        read(&peer.table()?, &built_in(), &mut audits)?;
    }
    Ok(audits)
}

fn built_in() -> Criteria {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    BUILT_IN.iter().map(|(name, implied)| ((*name).to_owned(), owned(implied))).collect()
}

fn read(
    document: &Table<'_, '_>,
    criteria: &Criteria,
    audits: &mut Audits,
) -> Result<(), Diagnostic> {
    for node in document.table("audits")?.iter().flat_map(Table::iter) {
        if !is_package_name(node.key()) {
            return Err(node.key_fault("is no name of a crate"));
        }
        for entry in node.items()? {
            let table = entry.table()?;
            let Some(met) = table.get("criteria") else {
                return Err(entry.fault("an audit has `criteria`"));
            };
            let criteria = closed(words(&met)?, criteria);
            if let Some(looked_at) = looked_at(&table, &entry)? {
                let list = audits.entry(node.key().to_owned()).or_default();
                list.push(Audit { criteria, looked_at });
            }
        }
    }
    Ok(())
}

/// Adds what criteria imply; those that are not known are left out.
fn closed(met: Vec<String>, known: &Criteria) -> Vec<String> {
    let (mut all, mut next) = (BTreeSet::new(), met);
    while let Some(name) = next.pop() {
        if let Some(implied) = known.get(&name)
            && all.insert(name)
        {
            next.extend(implied.iter().cloned());
        }
    }
    all.into_iter().collect()
}

/// Reads what was looked at; nothing where that is a version of a git repository.
fn looked_at(table: &Table<'_, '_>, entry: &Node<'_, '_>) -> Result<Option<LookedAt>, Diagnostic> {
    let (version, delta) = (table.get("version"), table.get("delta"));
    match (version, delta, table.get("violation")) {
        (Some(node), None, None) => Ok(registered(&node, node.string()?)?.map(LookedAt::Version)),
        (None, Some(node), None) => {
            let Some((from, to)) = node.string()?.split_once("->") else {
                return Err(node.fault("a change is written `1.0.0 -> 1.0.1`"));
            };
            let from = registered(&node, from)?;
            let to = registered(&node, to)?;
            Ok(from.zip(to).map(|(from, to)| LookedAt::Delta(from, to)))
        }
        (None, None, Some(node)) => match VersionReq::parse(node.string()?) {
            Ok(versions) => Ok(Some(LookedAt::Violation(versions))),
            Err(fault) => Err(node.fault(format!("this is not a requirement: {fault}"))),
        },
        _ => Err(entry.fault("an audit has one of `version`, `delta` and `violation`")),
    }
}

/// Reads a version of a registry; nothing for one of a git repository, `1.0.0@git:…`.
fn registered(node: &Node<'_, '_>, text: &str) -> Result<Option<Version>, Diagnostic> {
    let text = text.trim();
    if text.contains("@git:") {
        return Ok(None);
    }
    let version = Version::parse(text);
    version.map(Some).map_err(|fault| node.fault(format!("this is not a version: {fault}")))
}

fn words(node: &Node<'_, '_>) -> Result<Vec<String>, Diagnostic> {
    match node.as_str() {
        Some(word) => Ok(vec![word.to_owned()]),
        None => node.strings(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(audits: &Audits) -> Vec<String> {
        let of_crate = |(name, audits): (&String, &Vec<Audit>)| -> Vec<String> {
            let shown = |audit: &Audit| {
                let looked_at = match &audit.looked_at {
                    LookedAt::Delta(from, to) => format!("{from} -> {to}"),
                    LookedAt::Version(version) => version.to_string(),
                    LookedAt::Violation(versions) => format!("not {versions}"),
                };
                format!("{name} {looked_at}: {}", audit.criteria.join(" "))
            };
            audits.iter().map(shown).collect()
        };
        audits.iter().flat_map(of_crate).collect()
    }

    #[test]
    fn audits_are_read_with_what_their_criteria_imply() {
        let text = r#"
[criteria.reviewed]
description = "two people read it"
implies = "safe-to-deploy"
[criteria.circular]
implies = ["reviewed", "circular", "unheard-of"]
[[wildcard-audits.wild]]
who = "A"
criteria = "safe-to-deploy"
user-id = 1
[[trusted.trusted]]
criteria = "safe-to-deploy"
user-id = 1
[[audits.serde]]
who = "A <a@example.org>"
criteria = "reviewed"
version = "1.0.0"
[[audits.serde]]
who = ["A", "B"]
criteria = ["safe-to-run", "unheard-of"]
delta = "1.0.0 -> 1.0.1"
notes = "read"
[[audits.serde]]
criteria = "circular"
delta = "1.0.1->1.1.0-rc.1"
[[audits.serde]]
criteria = "safe-to-run"
violation = "^0.9"
[[audits.forked]]
criteria = "safe-to-deploy"
version = "1.0.0@git:0123456789abcdef0123456789abcdef01234567"
"#;
        let expected = [
            "serde 1.0.0: reviewed safe-to-deploy safe-to-run",
            "serde 1.0.0 -> 1.0.1: safe-to-run",
            "serde 1.0.1 -> 1.1.0-rc.1: circular reviewed safe-to-deploy safe-to-run",
            "serde not ^0.9: safe-to-run",
        ];
        assert_eq!(shown(&own("audits.toml", text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn audits_of_others_count_by_criteria_that_mean_the_same_to_all() {
        let text = r#"
[audits.google.criteria.crypto-safe]
implies = "safe-to-deploy"
[[audits.google.audits.serde]]
criteria = "crypto-safe"
version = "1.0.0"
[[audits.google.audits.serde]]
criteria = "safe-to-deploy"
version = "1.0.1"
[[audits.google.wildcard-audits.serde]]
criteria = "safe-to-deploy"
[[audits.mozilla.audits.serde]]
criteria = "safe-to-run"
delta = "1.0.1 -> 1.0.2"
"#;
        let expected = [
            "serde 1.0.0: ",
            "serde 1.0.1: safe-to-deploy safe-to-run",
            "serde 1.0.1 -> 1.0.2: safe-to-run",
        ];
        assert_eq!(shown(&imported("imports.lock", text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn faults_have_a_place() {
        let check = |text: &str, message: &str| {
            let fault = own("audits.toml", text.as_bytes()).unwrap_err();
            assert!(fault.message.contains(message), "{fault:?}");
            assert!(fault.span.is_some(), "{text}");
        };
        let sound = "[[audits.a]]\ncriteria = \"safe-to-run\"\n";
        check(sound, "one of `version`");
        check(
            &format!("{sound}version = \"1.0.0\"\ndelta = \"1.0.0 -> 1.0.1\""),
            "one of `version`",
        );
        check(&format!("{sound}version = \"1.0\""), "not a version");
        check(&format!("{sound}version = 1"), "a string");
        check(&format!("{sound}delta = \"1.0.0\""), "`1.0.0 -> 1.0.1`");
        check(&format!("{sound}violation = \"seldom\""), "not a requirement");
        check("[[audits.a]]\nversion = \"1.0.0\"", "has `criteria`");
        check("[[audits.a]]\ncriteria = 1\nversion = \"1.0.0\"", "a list of strings");
        check("[[audits.\"a/b\"]]\n", "no name of a crate");
        check("audits = 1", "a table");
        check("[audits]\na = 1", "an array");
        check(&"[".repeat(100_000), "");
    }
}
