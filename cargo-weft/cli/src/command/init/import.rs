//! Reads the configuration of cargo-deny, cargo-audit, cargo-vet and Cargo, and says the same as a policy.
//!
//! Each key that has an equivalent is taken out of the document; what is left has none, and is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};
use weft_gate::Diagnostic;

use crate::error::Error;
use crate::source::files;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 4 << 20;

/// What was found, as a policy.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// The files that were read.
    pub(super) files: Vec<String>,
    /// What is ignored: an advisory's id, or a crate, and why.
    pub(super) ignored: Vec<Ignored>,
    /// What has no equivalent, one line each.
    pub(super) without: Vec<String>,
    /// The policy's tables.
    policy: Table,
}

/// Something that another tool was told to ignore.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ignored {
    /// `RUSTSEC-…`, or `crate` or `crate@version`.
    pub(super) what: String,
    pub(super) reason: Option<String>,
}

/// Reads what there is in the workspace at `root`, which is canonical.
///
/// # Errors
///
/// A file that cannot be read, or is not TOML, with the place.
pub(super) fn read(root: &Path) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    let deny = ["deny.toml", ".deny.toml", ".cargo/deny.toml"];
    if let Some((name, mut table)) = first(root, &deny)? {
        imported.files.push(name.to_owned());
        imported.deny(&mut table);
        imported.left(name, &table);
    }
    for name in [".cargo/audit.toml", "audit.toml"] {
        if let Some(mut table) = document(root, name)? {
            imported.files.push(name.to_owned());
            imported.audit(&mut table);
            imported.left(name, &table);
        }
    }
    for name in [".cargo/config.toml", ".cargo/config"] {
        if let Some(mut table) = document(root, name)? {
            imported.cooldown(name, &mut table);
        }
    }
    for name in ["supply-chain/config.toml", "supply-chain/audits.toml"] {
        if let Some(table) = document(root, name)? {
            imported.files.push(name.to_owned());
            imported.vet(name, &table);
        }
    }
    Ok(imported)
}

impl Imported {
    /// Writes the policy's tables as TOML.
    pub(super) fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(&self.policy).map_err(|e| Error::Bug(e.to_string()))
    }

    fn set(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        let table = self.policy.entry(table).or_insert_with(|| Value::Table(Table::new()));
        if let Some(table) = table.as_table_mut() {
            table.insert(key.to_owned(), value.into());
        }
    }

    fn level(&mut self, code: &str, level: &str) {
        let level = match level {
            "allow" | "none" => "off",
            "warn" => "warn",
            _ => "deny",
        };
        self.set("checks", code, level);
    }

    fn deny(&mut self, document: &mut Table) {
        if let Some(graph) = document.get_mut("graph").and_then(Value::as_table_mut) {
            let targets = graph.remove("targets");
            self.narrower_targets(targets.as_ref());
            let triples = strings_or(targets, "triple");
            if !triples.is_empty() {
                self.set("graph", "targets", array(triples));
            }
            match (take_bool(graph, "all-features"), graph.remove("features")) {
                (Some(true), _) => self.set("graph", "features", "all"),
                (_, Some(features)) => self.set("graph", "features", features),
                (Some(false), None) => self.set("graph", "features", "default"),
                (None, None) => {}
            }
            if let Some(exclude) = take_bool(graph, "exclude-dev") {
                self.set("graph", "dev-dependencies", !exclude);
            }
        }
        if let Some(table) = document.get_mut("advisories").and_then(Value::as_table_mut) {
            table.remove("version");
            self.ignored(table);
            if let Some(level) = take_string(table, "yanked") {
                self.level("inventory/yanked", &level);
            }
            if let Some(scope) = take_string(table, "unmaintained") {
                self.level("advisory/unmaintained", &scope);
            }
            if let Some(scope) = take_string(table, "unsound") {
                self.level("advisory/unsound", &scope);
            }
            let days = table.get("maximum-db-staleness").and_then(Value::as_str).and_then(days);
            if let Some(days) = days {
                table.remove("maximum-db-staleness");
                self.set("advisories", "max-age-days", days);
            }
        }
        if let Some(table) = document.get_mut("licenses").and_then(Value::as_table_mut) {
            table.remove("version");
            self.licenses(table);
        }
        if let Some(table) = document.get_mut("bans").and_then(Value::as_table_mut) {
            self.bans(table);
        }
        if let Some(table) = document.get_mut("sources").and_then(Value::as_table_mut) {
            self.sources(table);
        }
    }

    fn ignored(&mut self, table: &mut Table) {
        for entry in take_array(table, "ignore") {
            let of = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
            let what =
                entry.as_str().map(str::to_owned).or_else(|| of("id")).or_else(|| of("crate"));
            if let Some(what) = what {
                self.ignored.push(Ignored { what, reason: of("reason") });
            }
        }
    }

    fn licenses(&mut self, table: &mut Table) {
        if let Some(allow) = table.remove("allow") {
            self.set("licenses", "allow", allow);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a threshold is from 0 to 1")]
        if let Some(share) = table.remove("confidence-threshold").and_then(|v| v.as_float()) {
            self.set("licenses", "confidence-percent", (share.clamp(0.0, 1.0) * 100.0) as i64);
        }
        let mut exceptions = Vec::new();
        for entry in take_array(table, "exceptions") {
            let Some(mut rule) = named(&entry) else { continue };
            let Some(allow) = entry.get("allow") else { continue };
            rule.insert("allow".to_owned(), allow.clone());
            exceptions.push(Value::Table(rule));
        }
        if !exceptions.is_empty() {
            self.set("licenses", "exception", exceptions);
        }
        // Its digests are of another kind, so a clarification has to be made anew.
    }

    fn bans(&mut self, table: &mut Table) {
        self.narrower(table);
        if let Some(level) = take_string(table, "multiple-versions") {
            self.level("topology/duplicate-version", &level);
            self.set("topology", "duplicate-versions", 1);
        }
        let mut denied = Vec::new();
        for entry in take_array(table, "deny") {
            let Some(mut rule) = named(&entry) else { continue };
            for (theirs, ours) in
                [("wrappers", "wrappers"), ("reason", "reason"), ("use-instead", "instead")]
            {
                if let Some(value) = entry.get(theirs) {
                    rule.insert(ours.to_owned(), value.clone());
                }
            }
            denied.push(Value::Table(rule));
        }
        let mut features = Vec::new();
        for entry in take_array(table, "features") {
            let Some(mut rule) = named(&entry) else { continue };
            rule.remove("version");
            let lists = ["deny", "allow"].into_iter();
            rule.extend(lists.filter_map(|key| Some((key.to_owned(), entry.get(key)?.clone()))));
            if rule.len() > 1 {
                features.push(Value::Table(rule));
            }
        }
        for (key, list) in [("deny", denied), ("feature", features)] {
            if !list.is_empty() {
                self.set("bans", key, list);
            }
        }
        let names = |list: Vec<Value>| -> BTreeSet<String> {
            let name = |entry: &Value| Some(named(entry)?.get("crate")?.as_str()?.to_owned());
            list.iter().filter_map(name).collect()
        };
        for (theirs, table_name, ours) in [
            ("allow", "bans", "allow"),
            ("skip", "topology", "duplicate-skip"),
            ("skip-tree", "topology", "duplicate-skip-tree"),
        ] {
            let names = names(take_array(table, theirs));
            if !names.is_empty() {
                self.set(table_name, ours, array(names.into_iter().collect()));
            }
        }
    }

    /// Lists the features that are switched on for one target alone.
    fn narrower_targets(&mut self, targets: Option<&Value>) {
        let entries = targets.and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let of = |key: &str| entry.get(key);
            match (of("triple").and_then(Value::as_str), of("features")) {
                (Some(triple), Some(features)) => self
                    .without
                    .push(format!("deny.toml: graph.targets of {triple}: features = {features}")),
                (None, _) if !entry.is_str() => {
                    self.without.push(format!("deny.toml: graph.targets has {entry}"));
                }
                _ => {}
            }
        }
    }

    /// Lists what entries say more closely than a policy can.
    fn narrower(&mut self, table: &Table) {
        for (key, fields) in [
            ("deny", &["deny-multiple-versions"][..]),
            ("features", &["exact", "version"]),
            ("skip", &["version", "reason"]),
            ("skip-tree", &["version", "depth", "reason"]),
        ] {
            let entries = table.get(key).and_then(Value::as_array);
            for entry in entries.into_iter().flatten() {
                let Some(rule) = named(entry) else {
                    self.without.push(format!("deny.toml: bans.{key} has {entry}"));
                    continue;
                };
                let spec = |key: &&&str| **key == "version" && rule.contains_key("version");
                let more = fields.iter().filter(|key| entry.get(**key).is_some() || spec(key));
                for field in more {
                    let value = entry.get(*field).or_else(|| rule.get(*field));
                    let value = value.map(ToString::to_string).unwrap_or_default();
                    let name = rule.get("crate").and_then(Value::as_str).unwrap_or_default();
                    self.without
                        .push(format!("deny.toml: bans.{key} of {name}: {field} = {value}"));
                }
            }
        }
    }

    fn sources(&mut self, table: &mut Table) {
        if let Some(level) = take_string(table, "unknown-registry") {
            self.level("source/registry-not-allowed", &level);
        }
        if let Some(level) = take_string(table, "unknown-git") {
            self.level("source/git-not-allowed", &level);
        }
        if table.contains_key("allow-registry") {
            let crates_io = |url: &str| url.contains("//github.com/rust-lang/crates.io-index");
            let registries = strings_or(table.remove("allow-registry"), "");
            let registries = registries.into_iter().map(|url| match crates_io(&url) {
                true => "crates.io".to_owned(),
                false => url,
            });
            self.set("sources", "registries", array(registries.collect()));
        }
        let mut git = strings_or(table.remove("allow-git"), "");
        if let Some(hosts) = table.remove("allow-org").and_then(|v| v.as_table().cloned()) {
            let hosts: BTreeMap<String, Value> = hosts.into_iter().collect();
            for (host, organisations) in hosts {
                let base = match &*host {
                    "github" => "https://github.com/",
                    "gitlab" => "https://gitlab.com/",
                    "bitbucket" => "https://bitbucket.org/",
                    _ => {
                        let line = format!("deny.toml: sources.allow-org.{host} = {organisations}");
                        self.without.push(line);
                        continue;
                    }
                };
                let organisations = strings_or(Some(organisations), "");
                git.extend(organisations.into_iter().map(|name| format!("{base}{name}/")));
            }
        }
        if !git.is_empty() {
            self.set("sources", "git", array(git));
        }
        if table.get("required-git-spec").and_then(Value::as_str) == Some("rev") {
            table.remove("required-git-spec");
            self.level("source/git-unpinned", "deny");
        }
    }

    fn audit(&mut self, document: &mut Table) {
        if let Some(table) = document.get_mut("advisories").and_then(Value::as_table_mut) {
            self.ignored(table);
            if let Some(severity) = take_string(table, "severity_threshold") {
                self.set("advisories", "severity", severity);
            }
        }
        if let Some(output) = document.get_mut("output").and_then(Value::as_table_mut) {
            for kind in strings_or(output.remove("deny"), "") {
                match &*kind {
                    "yanked" => self.level("inventory/yanked", "deny"),
                    "unmaintained" | "unsound" => self.level(&format!("advisory/{kind}"), "deny"),
                    _ => self.without.push(format!("audit.toml: output.deny has \"{kind}\"")),
                }
            }
        }
        if let Some(yanked) = document.get_mut("yanked").and_then(Value::as_table_mut)
            && take_bool(yanked, "enabled") == Some(false)
        {
            self.level("inventory/yanked", "allow");
        }
    }

    /// Reads `[registry] global-min-publish-age` and `[registries.crates-io] min-publish-age`.
    fn cooldown(&mut self, name: &str, document: &mut Table) {
        let global = document.get("registry").and_then(|t| t.get("global-min-publish-age"));
        let own =
            document.get("registries").and_then(|t| t.get("crates-io")?.get("min-publish-age"));
        let own = own.or_else(|| document.get("registry").and_then(|t| t.get("min-publish-age")));
        let Some(stated) = own.or(global) else { return };
        self.files.push(name.to_owned());
        match stated.as_str().and_then(days) {
            Some(days) => self.set("cooldown", "days", days),
            None => self.without.push(format!("{name}: a publish age of {stated}")),
        }
    }

    fn vet(&mut self, name: &str, document: &Table) {
        for key in
            ["audits", "wildcard-audits", "trusted", "exemptions", "imports", "policy", "criteria"]
        {
            let count = document.get(key).and_then(Value::as_table).map_or(0, Table::len);
            if count > 0 {
                self.without.push(format!("{name}: {key} of {count} crates or sources"));
            }
        }
    }

    /// Lists what is left of a document.
    fn left(&mut self, name: &str, document: &Table) {
        let mut open = vec![(String::new(), document)];
        let mut lines = BTreeSet::new();
        while let Some((path, table)) = open.pop() {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match value {
                    Value::Table(inner) => open.push((path, inner)),
                    value => _ = lines.insert(format!("{name}: {path} = {value}")),
                }
            }
        }
        self.without.extend(lines);
    }
}

fn first<'n>(root: &Path, names: &[&'n str]) -> Result<Option<(&'n str, Table)>, Error> {
    for name in names {
        if let Some(table) = document(root, name)? {
            return Ok(Some((name, table)));
        }
    }
    Ok(None)
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

/// Reads an entry that names a crate, in any of cargo-deny's spellings, as `crate` and `version`.
fn named(entry: &Value) -> Option<Table> {
    let of = |key: &str| entry.get(key).and_then(Value::as_str);
    let spec = entry.as_str().or_else(|| of("crate")).or_else(|| of("name"))?;
    let (name, version) = match spec.split_once(['@', ':']) {
        Some((name, version)) => (name, Some(format!("={version}"))),
        None => (spec, of("version").map(str::to_owned)),
    };
    let mut table = Table::new();
    table.insert("crate".to_owned(), name.into());
    if let Some(version) = version.filter(|version| version != "*") {
        table.insert("version".to_owned(), version.replace("==", "=").into());
    }
    Some(table)
}

fn strings_or(value: Option<Value>, key: &str) -> Vec<String> {
    let Some(Value::Array(list)) = value else { return Vec::new() };
    let text = |v: &Value| v.as_str().or_else(|| v.get(key)?.as_str()).map(str::to_owned);
    list.iter().filter_map(text).collect()
}

fn array(list: Vec<String>) -> Value {
    Value::Array(list.into_iter().map(Value::String).collect())
}

fn take_array(table: &mut Table, key: &str) -> Vec<Value> {
    match table.remove(key) {
        Some(Value::Array(list)) => list,
        Some(other) => {
            table.insert(key.to_owned(), other);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn take_string(table: &mut Table, key: &str) -> Option<String> {
    let text = table.get(key)?.as_str()?.to_owned();
    table.remove(key);
    Some(text)
}

fn take_bool(table: &mut Table, key: &str) -> Option<bool> {
    let flag = table.get(key)?.as_bool()?;
    table.remove(key);
    Some(flag)
}

/// Reads `P14D`, `14d`, `14 days` or `2 weeks` as days.
fn days(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix('p').unwrap_or(&text);
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: i64 = number.parse().ok()?;
    match unit.trim() {
        "d" | "day" | "days" => Some(number),
        "w" | "week" | "weeks" => number.checked_mul(7),
        "m" | "month" | "months" => number.checked_mul(30),
        _ => None,
    }
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
        for text in ["", "14", "soon", "P1Y", "3 hours", "99999999999999999999d"] {
            assert_eq!(days(text), None, "{text}");
        }
    }

    #[test]
    fn crates_are_named_in_any_spelling() {
        let read = |text: &str| {
            let table: Table = format!("v = {text}").parse().unwrap();
            let named = named(&table["v"]).unwrap();
            let of = |key: &str| named.get(key).and_then(Value::as_str).map(str::to_owned);
            (of("crate").unwrap(), of("version"))
        };
        assert_eq!(read("\"syn\""), ("syn".to_owned(), None));
        assert_eq!(read("\"syn@1.0.1\""), ("syn".to_owned(), Some("=1.0.1".to_owned())));
        assert_eq!(read("{ crate = \"syn@1\" }"), ("syn".to_owned(), Some("=1".to_owned())));
        assert_eq!(read("{ name = \"syn\", version = \"*\" }"), ("syn".to_owned(), None));
        let ranged = ("syn".to_owned(), Some("<2".to_owned()));
        assert_eq!(read("{ name = \"syn\", version = \"<2\" }"), ranged);
    }
}
