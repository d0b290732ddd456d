//! Dumps of crates.io's database: who owns which crate.
//!
//! A dump is a `tar.gz` with a folder for its time, in it `metadata.json` and `data/TABLE.csv`.
//! Four tables are read as they stream by: `crates`, `crate_owners`, `users` and `teams`, columns by their names.
//! `versions`, which says who published each, is passed over: owners are who may publish the next one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tar::Archive;
use weft_verify::Sha256;

use super::publishers::{Owner, OwnerKind, SCHEMA, Snapshot};
use crate::publisher::Dump;

/// The most entries of an archive that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// The largest table, in bytes.
const MAX_TABLE: u64 = 64 << 30;

/// The longest row of a table, in bytes.
const MAX_ROW: usize = 64 << 20;

/// The most owners, users or teams that are held.
const MAX_ROWS: usize = 20_000_000;

/// The largest `metadata.json`, in bytes.
const MAX_METADATA: u64 = 1 << 16;

/// Why a dump is not read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is no archive, or a broken one.
    #[error("is not a dump that can be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A table is no CSV, or has a row that is too long.
    #[error("has a table `{table}` that cannot be read: {reason}")]
    Table {
        /// Which.
        table: &'static str,
        /// Why.
        reason: String,
    },
    /// A table lacks a column.
    #[error("has a table `{table}` without the column `{column}`")]
    Column {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// A value is not one of its column.
    #[error("has a table `{table}` whose column `{column}` holds `{value}`")]
    Value {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// What was found, cut to a bound and escaped.
        value: String,
    },
    /// Something that a dump has is not there, or is there twice.
    #[error("has {found} of `{name}`, where a dump has one")]
    Missing {
        /// What.
        name: &'static str,
        /// How many there are.
        found: usize,
    },
    /// `metadata.json` does not say when the dump was made.
    #[error("does not say in `metadata.json` when it was made")]
    Undated,
    /// There is more of something than a dump has.
    #[error("has more {0} than weft reads")]
    TooMany(&'static str),
}

/// Reads the owners of the crates called `names`, or of all crates without them.
///
/// `sha256` is asked for the digest of the archive once all of it was read.
///
/// # Errors
///
/// A [`DumpError`].
pub fn snapshot(
    archive: impl Read,
    names: Option<&BTreeSet<String>>,
    sha256: impl FnOnce() -> Sha256,
) -> Result<Snapshot, DumpError> {
    let mut tables = Tables::default();
    let mut archive = Archive::new(GzDecoder::new(archive));
    for (number, entry) in archive.entries()?.enumerate() {
        if number >= MAX_ENTRIES {
            return Err(DumpError::TooMany("entries"));
        }
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        // `./2026-11-20-020017/data/crates.csv`
        let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
        match parts[..] {
            [_, "metadata.json"] => tables.metadata(entry)?,
            [_, "data", "crates.csv"] => tables.crates(entry, names)?,
            [_, "data", "crate_owners.csv"] => tables.owners(entry)?,
            [_, "data", "users.csv"] => tables.logins(entry, "users", "gh_login")?,
            [_, "data", "teams.csv"] => tables.logins(entry, "teams", "login")?,
            _ => {}
        }
    }
    // What follows the archive's end belongs to its digest.
    io::copy(&mut archive.into_inner().into_inner(), &mut io::sink())?;
    tables.snapshot(sha256)
}

/// What was read so far; tables may come in any order.
#[derive(Default)]
struct Tables {
    seen: Vec<&'static str>,
    date: Option<Date>,
    crates: BTreeMap<u64, String>,
    owners: Vec<Row>,
    users: BTreeMap<u64, String>,
    teams: BTreeMap<u64, String>,
}

/// A row of `crate_owners`.
struct Row {
    of: u64,
    owner: u64,
    kind: OwnerKind,
    since: Date,
}

#[derive(Deserialize)]
struct Metadata {
    timestamp: String,
}

impl Tables {
    fn metadata(&mut self, entry: impl Read) -> Result<(), DumpError> {
        self.seen.push("metadata.json");
        let mut bytes = Vec::new();
        entry.take(MAX_METADATA).read_to_end(&mut bytes)?;
        let stated = serde_json::from_slice::<Metadata>(&bytes).map_err(|_| DumpError::Undated)?;
        self.date = Some(day(&stated.timestamp).ok_or(DumpError::Undated)?);
        Ok(())
    }

    fn crates(
        &mut self,
        entry: impl Read,
        names: Option<&BTreeSet<String>>,
    ) -> Result<(), DumpError> {
        let table = "crates";
        self.seen.push(table);
        each(entry, table, ["id", "name"], |[id, name]| {
            if names.is_none_or(|names| names.contains(name)) {
                if !super::is_package_name(name) {
                    return Err(bad(table, "name", name));
                }
                self.crates.insert(number(table, "id", id)?, name.to_owned());
            }
            bounded(self.crates.len(), "crates")
        })
    }

    fn owners(&mut self, entry: impl Read) -> Result<(), DumpError> {
        let table = "crate_owners";
        self.seen.push(table);
        let columns = ["crate_id", "owner_id", "owner_kind", "created_at"];
        each(entry, table, columns, |[of, owner, kind, since]| {
            self.owners.push(Row {
                of: number(table, "crate_id", of)?,
                owner: number(table, "owner_id", owner)?,
                kind: match kind {
                    "0" => OwnerKind::User,
                    "1" => OwnerKind::Team,
                    other => return Err(bad(table, "owner_kind", other)),
                },
                since: day(since).ok_or_else(|| bad(table, "created_at", since))?,
            });
            bounded(self.owners.len(), "owners")
        })
    }

    fn logins(
        &mut self,
        entry: impl Read,
        table: &'static str,
        column: &'static str,
    ) -> Result<(), DumpError> {
        self.seen.push(table);
        let logins = if table == "teams" { &mut self.teams } else { &mut self.users };
        each(entry, table, ["id", column], |[id, login]| {
            logins.insert(number(table, "id", id)?, login.to_owned());
            bounded(logins.len(), table)
        })
    }

    fn snapshot(mut self, sha256: impl FnOnce() -> Sha256) -> Result<Snapshot, DumpError> {
        for name in ["metadata.json", "crates", "crate_owners", "users", "teams"] {
            let found = self.seen.iter().filter(|seen| **seen == name).count();
            if found != 1 {
                return Err(DumpError::Missing { name, found });
            }
        }
        let mut crates = BTreeMap::<String, Vec<Owner>>::new();
        for row in std::mem::take(&mut self.owners) {
            let Some(name) = self.crates.get(&row.of) else { continue };
            let (table, logins) = match row.kind {
                OwnerKind::Team => ("teams", &self.teams),
                OwnerKind::User => ("users", &self.users),
            };
            let Some(login) = logins.get(&row.owner) else {
                return Err(bad("crate_owners", "owner_id", &row.owner.to_string()));
            };
            let owner = Owner { kind: row.kind, login: login.clone(), since: row.since };
            if owner.publisher().is_none() {
                return Err(bad(table, "login", login));
            }
            crates.entry(name.clone()).or_default().push(owner);
        }
        for owners in crates.values_mut() {
            owners.sort();
            owners.dedup_by(|a, b| (a.kind, &a.login) == (b.kind, &b.login));
        }
        let date = self.date.ok_or(DumpError::Undated)?;
        Ok(Snapshot { crates, dump: Dump { date, sha256: sha256() }, schema: SCHEMA })
    }
}

/// Reads the named columns of a table, row by row.
fn each<const N: usize>(
    entry: impl Read,
    table: &'static str,
    columns: [&'static str; N],
    mut row: impl FnMut([&str; N]) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let unreadable = |e: &dyn std::error::Error| DumpError::Table { table, reason: e.to_string() };
    let since_row = Rc::new(Cell::new(0));
    let bounded = Bounded { inner: entry.take(MAX_TABLE), since_row: Rc::clone(&since_row) };
    let mut reader = ReaderBuilder::new().from_reader(bounded);
    let headers = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let found = headers.iter().position(|header| header == column);
        *place = found.ok_or(DumpError::Column { table, column })?;
    }
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|e| unreadable(&e))? {
        since_row.set(0);
        let mut values = [""; N];
        for ((value, place), column) in values.iter_mut().zip(places).zip(columns) {
            let bytes = record.get(place).unwrap_or_default();
            *value = std::str::from_utf8(bytes).map_err(|_| bad(table, column, "no UTF-8"))?;
        }
        row(values)?;
    }
    Ok(())
}

/// Counts what is read for one row, and refuses one that is too long before it is held.
struct Bounded<R> {
    inner: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + read);
        match self.since_row.get() > MAX_ROW {
            true => Err(io::Error::other("a row is too long")),
            false => Ok(read),
        }
    }
}

fn bounded(found: usize, what: &'static str) -> Result<(), DumpError> {
    if found > MAX_ROWS { Err(DumpError::TooMany(what)) } else { Ok(()) }
}

fn number(table: &'static str, column: &'static str, text: &str) -> Result<u64, DumpError> {
    text.parse().map_err(|_| bad(table, column, text))
}

fn bad(table: &'static str, column: &'static str, value: &str) -> DumpError {
    let value: String = value.chars().take(80).collect();
    DumpError::Value { table, column, value: value.escape_debug().to_string() }
}

/// Reads the day of a time in UTC, as PostgreSQL or RFC 3339 writes it.
fn day(text: &str) -> Option<Date> {
    match text.parse::<Timestamp>() {
        Ok(time) => Some(time.to_zoned(TimeZone::UTC).date()),
        Err(_) => text.get(..10)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const FILES: [(&str, &str); 6] = [
        ("metadata.json", "{\"timestamp\":\"2026-11-20T02:00:17.3Z\",\"crates_io_commit\":\"x\"}"),
        (
            "data/crate_owners.csv",
            "crate_id,created_at,created_by,owner_id,owner_kind\n7,2016-05-06 01:02:03.4,,2,0\n\
             7,2018-01-02 00:00:00,2,1,1\n8,2015-01-01 00:00:00,,3,0\n",
        ),
        (
            "data/crates.csv",
            "created_at,description,id,name\n2015-01-01,\"a, \"\"b\"\"\nc\",7,serde\n2015-01-01,,8,other\n",
        ),
        ("data/teams.csv", "avatar,github_id,id,login,name\n,,1,github:serde-rs:publish,P\n"),
        ("data/users.csv", "gh_avatar,gh_id,gh_login,id,name\n,,dtolnay,2,D\n,,alice,3,\n"),
        ("data/versions.csv", "not,read\n"),
    ];

    fn archive(files: &[(&str, String)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let path = format!("./2026-11-20-020017/{name}");
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn read(files: &[(&str, String)], names: Option<&[&str]>) -> Result<Snapshot, String> {
        let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let bytes = archive(files);
        let read = snapshot(&bytes[..], names.as_ref(), || Sha256::of(b"dump"));
        read.map_err(|e| e.to_string())
    }

    fn sound() -> Vec<(&'static str, String)> {
        FILES.map(|(name, text)| (name, text.to_owned())).to_vec()
    }

    #[test]
    fn owners_are_joined_with_their_names_whatever_the_order_of_tables() {
        let mut files = sound();
        let expected = concat!(
            r#"{"crates":{"serde":[{"kind":"team","login":"github:serde-rs:publish","since":"2018-01-02"},"#,
            r#"{"kind":"user","login":"dtolnay","since":"2016-05-06"}]},"dump":{"date":"2026-11-20","sha256":""#
        );
        for _ in 0..files.len() {
            files.rotate_left(1);
            let snapshot = read(&files, Some(&["serde", "absent"])).unwrap();
            let bytes = snapshot.to_canonical().unwrap();
            assert!(String::from_utf8(bytes.clone()).unwrap().starts_with(expected));
            assert_eq!(Snapshot::from_canonical(&bytes), Ok(snapshot));
        }
        assert_eq!(read(&files, None).unwrap().crates.len(), 2);
    }

    #[test]
    fn what_is_no_dump_says_why() {
        for (file, from, to, message) in [
            ("metadata.json", "timestamp", "time", "when it was made"),
            ("metadata.json", "2026-11-20T", "2026-11-31T", "when it was made"),
            ("data/crates.csv", "id,name", "id,nam", "`crates` without the column `name`"),
            ("data/crates.csv", "7,serde", "x,serde", "`id` holds `x`"),
            ("data/crates.csv", "2015-01-01,,8,other", "too few", "`crates` that cannot be read"),
            ("data/crate_owners.csv", "2,0\n", "2,9\n", "`owner_kind` holds `9`"),
            ("data/crate_owners.csv", ",2,0\n", ",9,0\n", "`owner_id` holds `9`"),
            ("data/crate_owners.csv", "2016-05-06", "2016-02-30", "`created_at` holds"),
            ("data/users.csv", "dtolnay", "\"d\u{1b}[31m\"", "`login` holds `d\\u{1b}[31m`"),
            ("data/teams.csv", "github:serde-rs:publish", "serde", "`login` holds `serde`"),
        ] {
            let mut files = sound();
            let at = files.iter().position(|(name, _)| *name == file).unwrap();
            let changed = files[at].1.replacen(from, to, 1);
            assert_ne!(changed, files[at].1, "{file} {from}");
            files[at].1 = changed;
            let fault = read(&files, None).unwrap_err();
            assert!(fault.contains(message), "{file}: {fault}");
        }
    }

    #[test]
    fn a_table_that_is_missing_or_twice_there_is_a_fault() {
        for name in ["data/users.csv", "data/crates.csv", "metadata.json"] {
            let mut files = sound();
            files.retain(|(file, _)| *file != name);
            assert!(read(&files, None).unwrap_err().contains("has 0 of"), "{name}");
            let mut files = sound();
            let again = files.iter().find(|(file, _)| *file == name).unwrap().clone();
            files.push(again);
            assert!(read(&files, None).unwrap_err().contains("has 2 of"), "{name}");
        }
        assert!(snapshot(&b"no archive"[..], None, || Sha256::of(b"")).is_err());
    }

    #[test]
    fn a_row_without_end_is_not_held() {
        let endless = io::Cursor::new(b"id,name\n1,\"").chain(io::repeat(b'a'));
        let fault = each(endless, "crates", ["id", "name"], |_| Ok(())).unwrap_err();
        assert!(fault.to_string().contains("a row is too long"), "{fault}");
    }
}
