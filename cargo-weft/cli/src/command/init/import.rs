//! Reads the configuration of cargo-deny, cargo-audit, cargo-vet and Cargo, and says the same as a policy.
//!
//! Each key that has an equivalent is taken out of the document once it is converted; what is left has none, and is
//! listed. Where the two differ, what is written is the stricter one, and the difference is listed too.

mod audit;
mod deny;
mod spec;
mod write;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use toml::{Table, Value};
use weft_gate::facts::Facts;
use weft_gate::finding::Field;
use weft_gate::{Diagnostic, Finding};

use self::spec::Spec;
use crate::error::Error;
use crate::source::files;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// Where cargo-deny's configuration may be; the first that is there counts.
const DENY: [&str; 4] = ["deny.toml", ".deny.toml", ".cargo/deny.toml", ".config/deny.toml"];

/// Where cargo-deny looks for further exceptions of licences.
const EXCEPTIONS: [&str; 3] =
    ["deny.exceptions.toml", ".deny.exceptions.toml", ".cargo/deny.exceptions.toml"];

/// What was found, as a policy.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// The files that were read.
    pub(super) files: Vec<String>,
    /// What is ignored: an advisory's id, or a crate, and why.
    pub(super) ignored: Vec<Ignored>,
    /// What has no equivalent, one line each.
    pub(super) without: Vec<String>,
    /// The file that is being read, which lines of `without` begin with.
    file: &'static str,
    /// The policy's tables.
    policy: Table,
}

/// Something that another tool was told to ignore.
#[derive(Debug)]
pub(super) struct Ignored {
    what: What,
    pub(super) reason: Option<String>,
}

#[derive(Debug)]
enum What {
    /// An advisory, by its id or an alias.
    Advisory(String),
    /// That versions of a crate are yanked.
    Yanked(Spec),
}

/// Reads what there is in the workspace at `root`, which is canonical.
///
/// # Errors
///
/// A file that cannot be read, or is not TOML, with the place.
pub(super) fn read(root: &Path) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    let has_deny = imported.deny_files(root)?;
    for name in [".cargo/audit.toml", "audit.toml"] {
        if let Some(mut table) = imported.open(root, name)? {
            imported.files.push(name.to_owned());
            imported.audit(&mut table, has_deny);
            imported.left(&table);
        }
    }
    for name in [".cargo/config.toml", ".cargo/config"] {
        if let Some(table) = imported.open(root, name)? {
            imported.cooldown(&table);
        }
    }
    for name in ["supply-chain/config.toml", "supply-chain/audits.toml"] {
        if let Some(table) = imported.open(root, name)? {
            imported.files.push(name.to_owned());
            imported.vet(&table);
        }
    }
    Ok(imported)
}

impl Imported {
    /// Writes the policy's tables as TOML.
    pub(super) fn to_toml(&self) -> String {
        write::tables(&self.policy)
    }

    /// Reads the first of cargo-deny's files, names those that are not read, and says whether there is one.
    fn deny_files(&mut self, root: &Path) -> Result<bool, Error> {
        let is_there = |name: &&str| root.join(name).symlink_metadata().is_ok();
        let found: Vec<&'static str> = DENY.into_iter().filter(is_there).collect();
        let Some((&first, others)) = found.split_first() else { return Ok(false) };
        if let Some(mut table) = self.open(root, first)? {
            self.files.push(first.to_owned());
            self.deny(&mut table);
            self.left(&table);
        }
        let beside =
            others.iter().map(|name| format!("{name} is not read, since {first} is there"));
        self.without.extend(beside);
        let exceptions = EXCEPTIONS.into_iter().filter(is_there);
        let unread =
            |name| format!("{name} is not read: write its exceptions as [[licenses.exception]]");
        self.without.extend(exceptions.map(unread));
        Ok(true)
    }

    fn open(&mut self, root: &Path, name: &'static str) -> Result<Option<Table>, Error> {
        self.file = name;
        document(root, name)
    }

    fn set(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        let table = self.policy.entry(table).or_insert_with(|| Value::Table(Table::new()));
        if let Some(table) = table.as_table_mut() {
            table.insert(key.to_owned(), value.into());
        }
    }

    /// Returns what the policy says so far.
    fn stated(&self, table: &str, key: &str) -> Option<String> {
        self.policy.get(table)?.get(key)?.as_str().map(str::to_owned)
    }

    /// Lists something that has no equivalent.
    fn lacks(&mut self, what: impl fmt::Display) {
        self.without.push(format!("{}: {what}", self.file));
    }

    /// Converts the entries of a list, such as `bans.deny`, and lists those that cannot be.
    fn entries<T>(
        &mut self,
        table: &mut Table,
        path: &str,
        mut convert: impl FnMut(&mut Self, &Value) -> Option<T>,
    ) -> Vec<T> {
        let key = path.rsplit('.').next().unwrap_or(path);
        // Anything else than a list stays, and is listed with what is left.
        let Some(list) = table.get(key).and_then(Value::as_array).cloned() else {
            return Vec::new();
        };
        table.remove(key);
        let mut converted = Vec::new();
        for entry in &list {
            match convert(self, entry) {
                Some(value) => converted.push(value),
                None => self.lacks(format!("{path} has {entry}")),
            }
        }
        converted
    }

    /// Lists the keys of an entry that are not converted.
    fn more(&mut self, path: &str, name: &str, entry: &Value, converted: &[&str]) {
        for (key, value) in entry.as_table().into_iter().flatten() {
            if !converted.contains(&key.as_str()) {
                self.lacks(format!("{path} of {name}: {key} = {value}"));
            }
        }
    }

    /// Reads an entry of `ignore`, in the spelling of either tool.
    fn ignored(&mut self, entry: &Value) -> Option<Ignored> {
        let ignored = Ignored::of(entry)?;
        let converted: &[&str] = match ignored.what {
            What::Advisory(_) => &["id", "reason"],
            What::Yanked(_) => &["crate", "name", "version", "reason"],
        };
        self.more("advisories.ignore", &ignored.to_string(), entry, converted);
        Some(ignored)
    }

    /// Lists what is left of a document.
    fn left(&mut self, document: &Table) {
        let mut open = vec![(String::new(), document)];
        let mut lines = BTreeSet::new();
        while let Some((path, table)) = open.pop() {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match value {
                    Value::Table(inner) => open.push((path, inner)),
                    value => _ = lines.insert(format!("{}: {path} = {value}", self.file)),
                }
            }
        }
        self.without.extend(lines);
    }
}

impl Ignored {
    /// Reads an entry; one with a reason that is not a text is none.
    fn of(entry: &Value) -> Option<Self> {
        let reason = match entry.get("reason") {
            Some(reason) => Some(reason.as_str()?.to_owned()),
            None => None,
        };
        let id = match entry.get("id") {
            Some(id) => Some(id.as_str()?),
            None => entry.as_str().filter(|text| is_advisory(text)),
        };
        let what = match id {
            Some(id) => What::Advisory(id.to_owned()),
            None => What::Yanked(Spec::of(entry)?),
        };
        Some(Self { what, reason })
    }

    /// Says whether a finding is about the advisory's id or alias, or that the crate was yanked.
    pub(super) fn is(&self, finding: &Finding) -> bool {
        match &self.what {
            What::Yanked(spec) => {
                finding.code == "inventory/yanked" && spec.covers(&finding.subject)
            }
            What::Advisory(id) => {
                ["advisory", "aliases"].into_iter().any(|key| match finding.fields.get(key) {
                    Some(Field::Text(text)) => text == id,
                    Some(Field::Texts(texts)) => texts.contains(id),
                    Some(Field::Number(_)) | None => false,
                })
            }
        }
    }

    /// Returns why it is not known whether it is found; `None` if that was looked up.
    pub(super) fn unknown<'f>(&self, facts: &'f Facts) -> Option<&'f str> {
        match self.what {
            What::Advisory(_) => facts.advisories.as_ref().err(),
            What::Yanked(_) => facts.releases.as_ref().err(),
        }
    }
}

impl fmt::Display for Ignored {
    /// Writes the id, or the crate with its versions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Advisory(id) => f.write_str(id),
            What::Yanked(spec) => write!(f, "{spec}"),
        }
    }
}

/// An id begins with capitals and `-`, as in `RUSTSEC-…`; cargo-deny takes any other text for a crate.
fn is_advisory(text: &str) -> bool {
    let kind = text.split_once('-').map_or("", |(kind, _)| kind);
    !kind.is_empty() && kind.chars().all(|c| c.is_ascii_uppercase())
}

fn document(root: &Path, name: &str) -> Result<Option<Table>, Error> {
    let fault = |diagnostic: Diagnostic, text: String| Error::Config { diagnostic, text };
    let bytes = match files::read_inside(root, &root.join(name), MAX_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(refusal) => {
            return Err(fault(Diagnostic::whole(name, refusal.to_string()), String::new()));
        }
    };
    let text = weft_gate::input::text(name, &bytes, MAX_BYTES);
    let text = text.map_err(|diagnostic| fault(diagnostic, String::new()))?;
    // Its keys are as deep as the files of a tree may be.
    weft_gate::input::check_toml(name, text).map_err(|d| fault(d, text.to_owned()))?;
    text.parse::<Table>().map(Some).map_err(|e| {
        let span = e.span().unwrap_or_default();
        fault(Diagnostic::at(name, span, e.message().to_owned()), text.to_owned())
    })
}

/// Reads a list of texts, and nothing else.
fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
}

fn array(list: Vec<String>) -> Value {
    Value::Array(list.into_iter().map(Value::String).collect())
}

fn take_bool(table: &mut Table, key: &str) -> Option<bool> {
    let flag = table.get(key)?.as_bool()?;
    table.remove(key);
    Some(flag)
}

/// Reads `P14D`, `14d`, `14 days` or `2 weeks` as days, of at most a century, as a policy may have.
fn days(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix('p').unwrap_or(&text);
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: i64 = number.parse().ok()?;
    let days = match unit.trim() {
        "d" | "day" | "days" => Some(number),
        "w" | "week" | "weeks" => number.checked_mul(7),
        "m" | "month" | "months" => number.checked_mul(30),
        _ => None,
    };
    days.filter(|days| *days <= 36_500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_days() {
        for (text, expected) in
            [("P14D", Some(14)), ("14 days", Some(14)), ("2 weeks", Some(14)), ("1m", Some(30))]
        {
            assert_eq!(days(text), expected, "{text}");
        }
        for text in ["", "14", "soon", "P1Y", "3 hours", "36501d", "99999999999999999999d"] {
            assert_eq!(days(text), None, "{text}");
        }
    }

    #[test]
    fn an_entry_ignores_an_advisory_or_that_a_crate_is_yanked() {
        let read = |text: &str| {
            let table: Table = format!("v = {text}").parse().unwrap();
            Ignored::of(&table["v"]).map(|i| (i.to_string(), matches!(i.what, What::Advisory(_))))
        };
        for (text, expected) in [
            ("\"RUSTSEC-2026-9001\"", Some(("RUSTSEC-2026-9001", true))),
            ("{ id = \"CVE-1999-0001\", reason = \"r\" }", Some(("CVE-1999-0001", true))),
            ("\"some-crate@1.0.0\"", Some(("some-crate =1.0.0", false))),
            ("{ name = \"syn\", version = \"<2\" }", Some(("syn <2", false))),
            ("{ id = 1 }", None),
            ("{ id = \"CVE-1999-0001\", reason = 1 }", None),
            ("{ reason = \"r\" }", None),
        ] {
            let expected = expected.map(|(text, is_id)| (text.to_owned(), is_id));
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
