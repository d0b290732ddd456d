//! `.weft/roles.toml`: who may sign for what, as people write it (`docs/src/spec/roles.md`).
//!
//! Days and instants become seconds since 1970, and the rest is handed to [`weft_verify::role::Roles`], which says
//! whether it holds together.
//! The digest of the version before is not in the file: whoever reads it knows what is in force.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use weft_verify::role::{Freshness, Key, Record, Revocation, Revocations, Role, Roles, Witness};
use weft_verify::{Rejection, Sha256};

use super::text;
use super::tree::{self, Node, Table};
use crate::Diagnostic;
use crate::place::SourceText;

/// The largest roles file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Reads a roles file; `previous` is the digest of the version before this one.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the fault, and the code of the rejection where the record does not hold together.
pub fn parse(file: &str, bytes: &[u8], previous: Option<Sha256>) -> Result<Roles, Diagnostic> {
    let source = SourceText::new(file, text(file, bytes, MAX_BYTES)?);
    let document = tree::parse(&source)?;
    let table = Table::new(&source, document.get_ref());
    let record = record(file, table, previous)?;
    Roles::new(record).map_err(|rejection| {
        let code = rejection.code();
        let place = path(&rejection).and_then(|path| find(&source, document.get_ref(), &path));
        let message = format!("{rejection} ({})", code.name());
        let diagnostic = match place {
            Some(span) => Diagnostic::at(file, span, message),
            None => Diagnostic::whole(file, message),
        };
        diagnostic.help(code.remedy())
    })
}

fn record(
    file: &str,
    table: Table<'_, '_>,
    previous: Option<Sha256>,
) -> Result<Record, Diagnostic> {
    let required = |key: &'static str| {
        table.get(key).ok_or_else(|| Diagnostic::whole(file, format!("`{key}` is missing")))
    };
    let schema = u64::from(required("schema")?.number(u32::MAX)?);
    let version = u64::from(required("version")?.number(u32::MAX)?);
    let mut roles = BTreeMap::new();
    for node in required("roles")?.table()?.iter() {
        let role = node.table()?;
        let threshold = member(&node, &role, "threshold")?.number(u32::MAX)?;
        role.finish()?;
        roles.insert(node.key().to_owned(), Role { threshold });
    }
    let record = Record {
        freshness: table.table("freshness")?.map_or_else(|| Ok(Freshness::default()), freshness)?,
        keys: list(&table, "keys", key)?,
        previous,
        revocations: match table.get("revocations") {
            None => Revocations::default(),
            Some(node) => revocations(&node)?,
        },
        roles,
        schema,
        version,
        witnesses: list(&table, "witnesses", |node, table| {
            let vkey = member(node, &table, "vkey")?.string()?.to_owned();
            table.finish()?;
            Ok(Witness { vkey })
        })?,
    };
    table.finish()?;
    Ok(record)
}

/// Returns a member that has to be there.
fn member<'a, 't>(
    node: &Node<'a, 't>,
    table: &Table<'a, 't>,
    key: &'static str,
) -> Result<Node<'a, 't>, Diagnostic> {
    table.get(key).ok_or_else(|| node.key_fault(format!("`{key}` is missing here")))
}

/// Reads an array of tables; an absent one is empty.
fn list<'a, 't, T>(
    table: &Table<'a, 't>,
    key: &'static str,
    read: impl Fn(&Node<'a, 't>, Table<'a, 't>) -> Result<T, Diagnostic>,
) -> Result<Vec<T>, Diagnostic> {
    let Some(node) = table.get(key) else { return Ok(Vec::new()) };
    node.items()?.iter().map(|item| read(item, item.table()?)).collect()
}

fn key<'a, 't>(node: &Node<'a, 't>, table: Table<'a, 't>) -> Result<Key, Diagnostic> {
    let key = Key {
        name: member(node, &table, "name")?.string()?.to_owned(),
        not_after: table.get("not-after").map(|node| instant(&node, Edge::End)).transpose()?,
        not_before: table.get("not-before").map(|node| instant(&node, Edge::Begin)).transpose()?,
        public: member(node, &table, "public")?.string()?.to_owned(),
        roles: member(node, &table, "roles")?.strings()?.into_iter().collect(),
    };
    table.finish()?;
    Ok(key)
}

fn revocations(node: &Node<'_, '_>) -> Result<Revocations, Diagnostic> {
    let table = node.table()?;
    let number = u64::from(member(node, &table, "number")?.number(u32::MAX)?);
    let keys = list(&table, "keys", |node, table| {
        let id = member(node, &table, "key")?;
        let revocation = Revocation {
            at: instant(&member(node, &table, "at")?, Edge::Begin)?,
            key: id.string()?.parse().map_err(|e| id.fault(format!("not a key id: {e}")))?,
            reason: member(node, &table, "reason")?.string()?.to_owned(),
        };
        table.finish()?;
        Ok(revocation)
    })?;
    table.finish()?;
    Ok(Revocations { keys, number })
}

fn freshness(table: Table<'_, '_>) -> Result<Freshness, Diagnostic> {
    let number = |key: &'static str, default: u64| match table.get(key) {
        Some(node) => node.number(u32::MAX).map(u64::from),
        None => Ok(default),
    };
    let default = Freshness::default();
    let mut freshness = Freshness {
        release: number("release", default.release)?,
        routine: number("routine", default.routine)?,
        sensitive: number("sensitive", default.sensitive)?,
        ..default
    };
    if let Some(node) = table.get("override") {
        for item in node.list()? {
            let tier = item.string()?.parse();
            let tier = tier.map_err(|_| item.fault("expected routine, sensitive or release"))?;
            freshness.overridable.insert(tier);
        }
    }
    table.finish()?;
    Ok(freshness)
}

/// Which end of a day is meant.
#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// Reads a day, `YYYY-MM-DD`, or an instant, `YYYY-MM-DDTHH:MM:SSZ`, as seconds since 1970.
fn instant(node: &Node<'_, '_>, edge: Edge) -> Result<u64, Diagnostic> {
    let text = node.string()?;
    let seconds = match (text.ends_with('Z'), text.len()) {
        (true, 20) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
        (false, 10) => text.parse::<Date>().ok().and_then(first_second).map(|first| match edge {
            Edge::Begin => first,
            Edge::End => first + 86_399,
        }),
        _ => None,
    };
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.ok_or_else(|| {
        node.fault("expected a day such as \"2026-11-24\", or \"2026-11-24T12:00:00Z\"")
    })
}

fn first_second(day: Date) -> Option<i64> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The member that a rejection is about.
fn path(rejection: &Rejection) -> Option<String> {
    match rejection {
        Rejection::MemberInvalid { path, .. }
        | Rejection::KeyRepeated { path, .. }
        | Rejection::NameRepeated { path, .. }
        | Rejection::ValidityEmpty { path }
        | Rejection::WitnessKeyReused { path, .. } => Some(path.clone()),
        Rejection::ThresholdZero { role } | Rejection::ThresholdUnreachable { role, .. } => {
            Some(format!("roles.{role}"))
        }
        _ => None,
    }
}

/// Finds the value at `a[0].b`, or the nearest one above it.
fn find(
    source: &SourceText<'_>,
    document: &toml::de::DeTable<'_>,
    path: &str,
) -> Option<std::ops::Range<usize>> {
    let mut nodes: Vec<Node<'_, '_>> = Table::new(source, document).iter().collect();
    let mut span = None;
    for step in path.split(['.', '[']) {
        let found = match step.strip_suffix(']') {
            Some(index) => nodes.get(index.parse::<usize>().ok()?).cloned(),
            None => nodes.iter().find(|node| node.key() == step).cloned(),
        };
        let Some(node) = found else { break };
        span = Some(node.value_span());
        nodes = match node.is_table() {
            true => node.table().ok()?.iter().collect(),
            false => node.items().unwrap_or_default(),
        };
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn check(change: impl Fn(String) -> String, expected: Result<(), (&str, &str)>) {
        let text = change(format!(
            "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = 1\n\
             [[keys]]\nname = \"alice\"\npublic = \"{KEY}\"\nroles = [\"maintainer\"]\n"
        ));
        let found = parse("roles.toml", text.as_bytes(), None).map(drop);
        let found = found.map_err(|d| (text[d.span.unwrap_or_default()].to_owned(), d.message));
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err((span, message)), Err((at, part))) => {
                assert!(message.contains(part), "{message}");
                assert_eq!(span, at, "{message}");
            }
            (found, _) => panic!("{found:?}\n{text}"),
        }
    }

    #[test]
    fn a_fault_is_shown_where_it_stands() {
        let with = |line: &'static str| move |text: String| text + line + "\n";
        let instead =
            |old: &'static str, new: &'static str| move |text: String| text.replace(old, new);
        check(|text| text, Ok(()));
        check(with("not-before = \"2026-11-24\"\nnot-after = \"2026-11-24\""), Ok(()));
        check(with("not-before = \"2026-11-24T00:00:01Z\""), Ok(()));
        let day = "expected a day";
        check(with("not-before = \"2026-02-30\""), Err(("\"2026-02-30\"", day)));
        check(
            with("not-before = \"2026-11-24T00:00:00+01:00\""),
            Err(("\"2026-11-24T00:00:00+01:00\"", day)),
        );
        check(with("rolse = []"), Err(("rolse", "unknown key")));
        check(instead("version = 1", "version = 0"), Err(("0", "versions are counted from 1")));
        check(instead("version = 1\n", ""), Err(("", "`version` is missing")));
        check(instead("threshold = 1", "threshold = -1"), Err(("-1", "a whole number")));
        check(instead("\"alice\"", "\"Alice\""), Err(("\"Alice\"", "record/member-invalid")));
        let two = instead("threshold = 1", "threshold = 2");
        check(two, Err(("[roles.maintainer]", "role/threshold-unreachable")));
        check(instead("[\"maintainer\"]", "[\"maintainr\"]"), Err(("", "role/unknown")));
    }

    #[test]
    fn days_and_revocations_become_seconds() {
        let text = format!(
            "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = 1\n\
             [[keys]]\nname = \"alice\"\npublic = \"{KEY}\"\nroles = [\"maintainer\"]\nnot-after = \"1970-01-02\"\n\
             [revocations]\nnumber = 3\n[[revocations.keys]]\nkey = \"{}\"\nat = \"1970-01-02\"\nreason = \"lost\"\n\
             [freshness]\nroutine = 4\noverride = [\"routine\"]\n",
            "00".repeat(32)
        );
        let roles = parse("roles.toml", text.as_bytes(), None).unwrap();
        let record = roles.record();
        assert_eq!(record.keys[0].not_after, Some(2 * 86_400 - 1));
        assert_eq!(record.revocations.keys[0].at, 86_400);
        assert_eq!((record.freshness.routine, record.freshness.sensitive), (4, 2));
        assert_eq!(record.freshness.overridable.len(), 1);
    }
}
