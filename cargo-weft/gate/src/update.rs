//! Updates: what taking another version of a package brings along, and what of it somebody has to answer for.
//!
//! How a lockfile comes about is Cargo's business, and `cargo-weft` asks it; here two inventories are compared.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_verify::canonical::{self, Unwritable};
use weft_verify::json::{self, Value};
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{Rejection, Sha256};

use crate::capability::{Capability, Shift};
use crate::diff::Diff;
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::policy::Level;

/// The predicate type of an acknowledgement.
pub const PREDICATE: &str = "https://github.com/cargo-weft/cargo-weft/update-acknowledgement/v1";

/// The version of its format.
pub const SCHEMA: u32 = 1;

/// A dependency that the base does not have between packages of these names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEdge {
    /// The dependent, `name@version`.
    pub from: String,
    /// The dependency, `name@version`.
    pub to: String,
}

/// A package that needs a newer compiler than the workspace promises to do with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewerCompiler {
    /// The package, `name@version`.
    pub package: String,
    /// What it needs.
    pub needs: String,
    /// What the workspace states.
    pub stated: String,
}

/// What an update brings that somebody has to answer for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concern {
    /// What it is about: a package URL, a source, or the subject of a finding.
    pub subject: String,
    /// What is so, as a sentence without its subject.
    pub what: String,
}

/// Finds dependencies between packages whose names had none.
pub fn new_edges(base: &Inventory, head: &Inventory) -> Vec<NewEdge> {
    let names = |inventory: &Inventory| -> BTreeSet<(String, String)> {
        let name = |index| inventory.package(index).name.clone();
        inventory.edges.iter().map(|edge| (name(edge.from), name(edge.to))).collect()
    };
    let known = names(base);
    let spec = |index| head.package(index).spec();
    let is_new = |from: u32, to: u32| {
        !known.contains(&(head.package(from).name.clone(), head.package(to).name.clone()))
    };
    let new = head.edges.iter().filter(|edge| is_new(edge.from, edge.to));
    let mut new: Vec<NewEdge> =
        new.map(|edge| NewEdge { from: spec(edge.from), to: spec(edge.to) }).collect();
    new.sort();
    new
}

/// Compares what packages need with the oldest compiler that a member states.
///
/// `needs` is the text of `rust-version` by `name@version`; what is no version of a compiler says nothing.
pub fn newer_compilers(stated: &str, needs: &BTreeMap<String, String>) -> Vec<NewerCompiler> {
    let Some(oldest) = compiler(stated) else { return Vec::new() };
    let newer = needs.iter().filter(|(_, text)| compiler(text).is_some_and(|v| v > oldest));
    newer
        .map(|(package, text)| NewerCompiler {
            package: package.clone(),
            needs: text.clone(),
            stated: stated.to_owned(),
        })
        .collect()
}

/// Reads a `rust-version`, which may leave out the last numbers.
pub fn compiler(text: &str) -> Option<Version> {
    let dots = text.matches('.').count();
    let full = match dots {
        0 => format!("{text}.0.0"),
        1 => format!("{text}.0"),
        _ => text.to_owned(),
    };
    full.parse().ok()
}

/// Says what of an update somebody has to answer for.
///
/// That is code that will run while building and did not, what such code may do that it could not, a source that nothing
/// came from, a finding that is denied, and every package that came and could not be looked at: what is not known is
/// not safe.
pub fn concerns(
    packages: &Diff,
    shifts: &[Shift],
    introduced: &[Finding],
    unread: &[(String, String)],
) -> Vec<Concern> {
    let concern = |subject: &str, what: String| Concern { subject: subject.to_owned(), what };
    let mut all = Vec::new();
    for shift in shifts {
        let is_gained = shift.before.is_none() && shift.after.is_some();
        let what = match shift.capability {
            Capability::BuildScript => "gains a build script",
            Capability::BuildEncoded => "gains a build script that holds encoded data",
            Capability::BuildForeign => "gains a build script that calls foreign code",
            Capability::BuildNetwork => "gains a build script that reaches the network",
            Capability::BuildProcess => "gains a build script that starts processes",
            Capability::Binary => "gains files that a machine runs or links",
            Capability::LibraryEncoded => "gains code that holds encoded data",
            Capability::LibraryNetwork => "gains code that reaches the network",
            Capability::LibraryProcess => "gains code that starts processes",
            Capability::Links => "gains a native library that it links",
            Capability::ProcMacro => "becomes a procedural macro, which the compiler runs",
            Capability::Publisher => "can be published by another account than before",
            Capability::YoungDependency => "newly asks for a crate that was less than a week old",
            // What these are is told, and common.
            Capability::BuildEnvironment
            | Capability::BuildFilesystem
            | Capability::Dependencies
            | Capability::Dormant
            | Capability::LibraryEnvironment
            | Capability::LibraryFilesystem
            | Capability::LibraryForeign
            | Capability::License
            | Capability::Unsafe => continue,
        };
        if is_gained {
            all.push(concern(&shift.package, what.to_owned()));
        }
    }
    for source in &packages.new_sources {
        all.push(concern(source, "is a source that no package came from".to_owned()));
    }
    for finding in introduced.iter().filter(|finding| finding.level == Level::Deny) {
        all.push(concern(&finding.subject, format!("is denied by {}", finding.code)));
    }
    let changed = packages.changed.iter().map(|change| &change.to);
    let coming: BTreeSet<&String> = packages.added.iter().chain(changed).collect();
    for (subject, reason) in unread.iter().filter(|(subject, _)| coming.contains(subject)) {
        all.push(concern(subject, format!("was not looked at: {reason}")));
    }
    all.sort();
    all.dedup();
    all
}

/// What somebody answered for when a lockfile was updated: the predicate of a statement about the new lockfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Acknowledgement {
    /// What there was to answer for, sorted.
    pub concerns: Vec<Concern>,
    /// The digest of the lockfile before.
    pub lockfile_before: Sha256,
    /// The package URL of what was updated, before.
    pub from: String,
    /// Why it was done all the same.
    pub reason: String,
    /// The version of this format.
    pub schema: u32,
    /// The version that was taken.
    pub to: String,
}

impl Acknowledgement {
    /// Returns the statement, whose subject is the new lockfile.
    ///
    /// # Errors
    ///
    /// See [`Statement::to_vec`].
    pub fn to_statement(&self, lockfile: Sha256) -> Result<Vec<u8>, Unwritable> {
        let bytes = canonical::to_vec(self)?;
        let predicate = json::read(&bytes, json::Limits::RECORD).unwrap_or(Value::Null);
        let subject = ResourceDescriptor {
            digest: BTreeMap::from([("sha256".to_owned(), lockfile.to_string())]),
            name: Some("Cargo.lock".to_owned()),
            ..ResourceDescriptor::default()
        };
        Statement::new(vec![subject], PREDICATE, predicate).to_vec()
    }

    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] for what is no statement, of another predicate, or of another version.
    pub fn from_statement(bytes: &[u8]) -> Result<Self, Rejection> {
        let statement = Statement::from_slice(bytes)?;
        statement.demand_predicate(PREDICATE)?;
        let read: Self = json::from_value(&statement.predicate)?;
        if read.schema != SCHEMA {
            let (found, known) = (u64::from(read.schema), u64::from(SCHEMA));
            return Err(Rejection::SchemaUnknown { found, known });
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    fn shift(capability: Capability, before: Option<&str>, after: Option<&str>) -> Shift {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let package = "pkg:cargo/a@2.0.0".to_owned();
        Shift { package, capability, before: text(before), after: text(after), rate: None }
    }

    fn said(
        diff: &Diff,
        shifts: &[Shift],
        introduced: &[Finding],
        unread: &[(&str, &str)],
    ) -> Vec<String> {
        let unread: Vec<(String, String)> =
            unread.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let concerns = concerns(diff, shifts, introduced, &unread).into_iter();
        concerns.map(|concern| format!("{} {}", concern.subject, concern.what)).collect()
    }

    #[test]
    fn what_will_run_while_building_and_did_not_is_a_concern() {
        let gained =
            |capability| said(&Diff::default(), &[shift(capability, None, Some("x"))], &[], &[]);
        assert_eq!(gained(Capability::BuildScript), ["pkg:cargo/a@2.0.0 gains a build script"]);
        for capability in
            [Capability::BuildNetwork, Capability::BuildProcess, Capability::ProcMacro]
        {
            assert_eq!(gained(capability).len(), 1, "{capability:?}");
        }
        for capability in [Capability::License, Capability::Unsafe] {
            assert_eq!(gained(capability).len(), 0, "{capability:?}");
        }
        for (before, after) in [(Some("x"), Some("y")), (Some("x"), None)] {
            let kept = shift(Capability::BuildScript, before, after);
            assert_eq!(said(&Diff::default(), &[kept], &[], &[]).len(), 0);
        }
    }

    #[test]
    fn what_came_and_was_not_looked_at_is_a_concern_and_what_left_is_not() {
        let added = ["pkg:cargo/b@1.0.0".to_owned()].into();
        let new_sources = ["https://git.example.org/x".to_owned()].into();
        let diff = Diff { added, new_sources, ..Diff::default() };
        let unread = [("pkg:cargo/b@1.0.0", "no sources"), ("pkg:cargo/old@1.0.0", "no sources")];
        let expected = [
            "https://git.example.org/x is a source that no package came from",
            "pkg:cargo/b@1.0.0 was not looked at: no sources",
        ];
        assert_eq!(said(&diff, &[], &[], &unread), expected);
    }

    #[test]
    fn a_new_finding_is_a_concern_if_it_is_denied() {
        let finding = |level| {
            let finding = Finding::new("advisory/malicious", "x", Place::whole("Cargo.lock"), "x");
            [Finding { level, ..finding }]
        };
        let none = Diff::default();
        let denied = ["x is denied by advisory/malicious"];
        assert_eq!(said(&none, &[], &finding(Level::Deny), &[]), denied);
        assert_eq!(said(&none, &[], &finding(Level::Warn), &[]).len(), 0);
    }

    #[test]
    fn compilers_are_compared_as_versions() {
        let needs =
            [("a@1.0.0", "1.9"), ("b@1.0.0", "1.80.1"), ("c@1.0.0", "soon"), ("d@1.0.0", "2")];
        let needs = needs.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let newer = newer_compilers("1.80", &needs);
        let newer: Vec<&str> = newer.iter().map(|n| &*n.package).collect();
        assert_eq!(newer, ["b@1.0.0", "d@1.0.0"]);
        assert!(newer_compilers("soon", &needs).is_empty());
    }

    #[test]
    fn an_acknowledgement_is_read_as_it_was_written() {
        let written = Acknowledgement {
            concerns: vec![Concern {
                subject: "a".to_owned(),
                what: "gains a build script".to_owned(),
            }],
            lockfile_before: Sha256::of(b"before"),
            from: "pkg:cargo/a@1.0.0".to_owned(),
            reason: "it was read".to_owned(),
            schema: SCHEMA,
            to: "2.0.0".to_owned(),
        };
        let statement = written.to_statement(Sha256::of(b"after")).unwrap();
        assert_eq!(Acknowledgement::from_statement(&statement), Ok(written));
        let other = String::from_utf8(statement).unwrap();
        for changed in [
            other.replace("update-acknowledgement/v1", "claim-evidence/v1"),
            other.replace("\"schema\":1", "\"schema\":2"),
            other.replace("\"reason\":", "\"raison\":"),
        ] {
            assert!(Acknowledgement::from_statement(changed.as_bytes()).is_err(), "{changed}");
        }
    }
}
