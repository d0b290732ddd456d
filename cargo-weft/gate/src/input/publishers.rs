//! Who publishes crates, as files say it: a snapshot of crates.io's owners, and what cargo-vet wrote down.
//!
//! A snapshot is specified in `docs/src/spec/publishers.md`; [`dump`](super::dump) makes one.
//! `supply-chain/imports.lock` is cargo-vet's: of it the tables `publisher.NAME` are read, each with an account or a
//! trusted publisher; what else it says is left to cargo-vet.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use weft_verify::Rejection;
use weft_verify::canonical::{self, Unwritable};
use weft_verify::json::Limits;

use super::tree::{self, Table};
use super::{is_package_name, text};
use crate::Diagnostic;
use crate::place::SourceText;
use crate::publisher::{Dump, Publisher};

/// The version of the snapshot format.
pub const SCHEMA: u32 = 1;

/// The largest snapshot that is read, in bytes.
pub const MAX_SNAPSHOT: usize = 64 << 20;

/// The largest `imports.lock` that is read, in bytes.
pub const MAX_IMPORTS: usize = 16 << 20;

/// The owners of crates, at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The owners by crate; one that the dump does not have is absent.
    pub crates: BTreeMap<String, Vec<Owner>>,
    /// What it was made of.
    pub dump: Dump,
    /// The version of this format.
    pub schema: u32,
}

/// An owner of a crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// What the owner is.
    pub kind: OwnerKind,
    /// The name on crates.io: a login, or `github:ORGANISATION:TEAM`.
    pub login: String,
    /// Since when.
    pub since: Date,
}

/// What an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// A team, each member of which may publish.
    Team,
    /// A person's account.
    User,
}

impl Owner {
    /// Returns the account; nothing for a login that no host would give.
    pub fn publisher(&self) -> Option<Publisher> {
        match self.kind {
            OwnerKind::Team => Publisher::team(&self.login),
            OwnerKind::User => Publisher::user(&self.login),
        }
    }
}

impl Snapshot {
    /// Reads a snapshot from its canonical bytes, and from nothing else.
    ///
    /// # Errors
    ///
    /// See [`canonical::from_slice`]; a crate or an owner that cannot be is a [`Rejection::MemberInvalid`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Rejection> {
        let limits = Limits { size: MAX_SNAPSHOT, depth: 8, ..Limits::RECORD };
        let snapshot: Self = canonical::from_slice_within(bytes, limits)?;
        if snapshot.schema != SCHEMA {
            let (found, known) = (u64::from(snapshot.schema), u64::from(SCHEMA));
            return Err(Rejection::SchemaUnknown { found, known });
        }
        for (name, owners) in &snapshot.crates {
            let path = format!("crates.{}", name.escape_debug());
            let invalid = |message: &str| {
                Err(Rejection::MemberInvalid { path: path.clone(), message: message.to_owned() })
            };
            if !is_package_name(name) {
                return invalid("is no name of a crate");
            }
            if !owners.is_sorted_by(|a, b| (a.kind, &a.login) < (b.kind, &b.login)) {
                return invalid("has owners that are not in order");
            }
            if owners.iter().any(|owner| owner.publisher().is_none()) {
                return invalid("has an owner that is no account");
            }
        }
        Ok(snapshot)
    }

    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// See [`canonical::to_vec`].
    pub fn to_canonical(&self) -> Result<Vec<u8>, Unwritable> {
        canonical::to_vec(self)
    }
}

/// Reads who published crates from cargo-vet's `imports.lock`: the accounts by crate, sorted.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn imports(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, Vec<Publisher>>, Diagnostic> {
    let text = text(file, bytes, MAX_IMPORTS)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    let mut by_crate = BTreeMap::new();
    for crate_ in document.table("publisher")?.iter().flat_map(Table::iter) {
        if !is_package_name(crate_.key()) {
            return Err(crate_.key_fault("is no name of a crate"));
        }
        let mut publishers = Vec::new();
        for entry in crate_.items()? {
            publishers.push(publisher(&entry.table()?, &entry)?);
        }
        publishers.sort();
        publishers.dedup();
        by_crate.insert(crate_.key().to_owned(), publishers);
    }
    Ok(by_crate)
}

fn publisher(table: &Table<'_, '_>, entry: &tree::Node<'_, '_>) -> Result<Publisher, Diagnostic> {
    if let Some(trusted) = table.get("trusted-publisher") {
        return Publisher::trusted(trusted.string()?)
            .ok_or_else(|| trusted.fault("is not a trusted publisher that weft knows"));
    }
    if let Some(login) = table.get("user-login") {
        return Publisher::user(login.string()?).ok_or_else(|| login.fault("is no login"));
    }
    match table.get("user-id") {
        Some(id) => Ok(Publisher::numbered(id.long()?)),
        None => Err(entry.fault("names neither a user nor a trusted publisher")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = concat!(
        r#"{"crates":{"serde":[{"kind":"team","login":"github:serde-rs:publish","since":"2018-01-02"},"#,
        r#"{"kind":"user","login":"dtolnay","since":"2016-05-06"}]},"#,
        r#""dump":{"date":"2026-11-20","sha256":"d1bb2d9926b9bd18e51fc8edd663e311ff3b1fb96c9d4689854f8686f7c6c216"},"schema":1}"#
    );

    #[test]
    fn a_snapshot_names_owners_and_the_day() {
        let snapshot = Snapshot::from_canonical(SNAPSHOT.as_bytes()).unwrap();
        assert_eq!(snapshot.dump.date, jiff::civil::date(2026, 11, 20));
        let owners: Vec<String> = snapshot.crates["serde"]
            .iter()
            .map(|owner| owner.publisher().unwrap().to_string())
            .collect();
        assert_eq!(owners, ["github.com/serde-rs", "github.com/dtolnay"]);
        assert_eq!(snapshot.to_canonical().unwrap(), SNAPSHOT.as_bytes());
    }

    #[test]
    fn a_snapshot_that_is_not_in_its_one_form_is_refused() {
        for (from, to) in [
            ("\"schema\":1", "\"schema\":2"),
            ("\"schema\":1", "\"schema\": 1"),
            ("\"serde\"", "\"se/rde\""),
            ("\"dtolnay\"", "\"d/tolnay\""),
            ("\"dtolnay\"", "\"d\\u001btolnay\""),
            ("\"user\"", "\"bot\""),
            ("\"team\"", "\"user\""),
            ("2016-05-06", "2016-02-30"),
            ("2026-11-20", "yesterday"),
            ("\"kind\":\"team\",", ""),
        ] {
            let changed = SNAPSHOT.replacen(from, to, 1);
            assert_ne!(changed, SNAPSHOT);
            assert!(Snapshot::from_canonical(changed.as_bytes()).is_err(), "{changed}");
        }
        let twice = SNAPSHOT.replace("github:serde-rs:publish\",\"since\":\"2018-01-02", "github:z:z\",\"since\":\"2018-01-02\"},{\"kind\":\"team\",\"login\":\"github:a:a\",\"since\":\"2018-01-02");
        assert!(Snapshot::from_canonical(twice.as_bytes()).is_err());
    }

    fn names(text: &str) -> Result<Vec<String>, String> {
        let read = imports("imports.lock", text.as_bytes()).map_err(|e| e.message)?;
        let line = |(name, list): (String, Vec<Publisher>)| {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("{name}: {}", list.join(" "))
        };
        Ok(read.into_iter().map(line).collect())
    }

    #[test]
    fn every_way_in_which_cargo_vet_names_a_publisher_is_read() {
        let text = "# cargo-vet imports lock\n\n[[publisher.b]]\nversion = \"1.0.0\"\nwhen = \"2026-01-01\"\n\
                    user-id = 1\nuser-login = \"Alice\"\nuser-name = \"A\"\n\n[[publisher.b]]\nversion = \"1.1.0\"\n\
                    when = \"2026-02-01\"\ntrusted-publisher = \"github:alice/b\"\n\n[[publisher.a]]\n\
                    version = \"0.1.0\"\nwhen = \"2026-01-01\"\nuser-id = 2\n\n[[audits.x.audits.c]]\nwho = \"x\"\n";
        let expected = ["a: crates.io/user-2", "b: github.com/alice"];
        assert_eq!(names(text).unwrap(), expected);
        assert_eq!(names("").unwrap(), [""; 0]);
    }

    #[test]
    fn what_names_nobody_is_a_fault() {
        for (text, message) in [
            ("[[publisher.a]]\nversion = \"1.0.0\"\n", "neither a user nor"),
            ("[[publisher.a]]\nuser-login = \"a b\"\n", "no login"),
            ("[[publisher.a]]\ntrusted-publisher = \"x\"\n", "not a trusted publisher"),
            ("[[publisher.\"a/b\"]]\nuser-id = 1\n", "no name of a crate"),
            ("[publisher]\na = 1\n", "an array"),
            ("publisher = 1\n", "a table"),
            ("[[publisher.a]]\nuser-id = -1\n", "a whole number"),
        ] {
            let fault = names(text).unwrap_err();
            assert!(fault.contains(message), "{text}: {fault}");
        }
    }
}
