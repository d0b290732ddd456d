//! What cargo-deny is told, and what it does without being told.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::spec::{KEYS, Spec, is_name};
use super::{Imported, array, days, strings, take_bool};

/// Keys of `[graph]` that were at the top once, where cargo-deny still prefers them.
const ONCE_AT_THE_TOP: [&str; 6] =
    ["targets", "exclude", "features", "all-features", "no-default-features", "exclude-dev"];

impl Imported {
    pub(super) fn deny(&mut self, document: &mut Table) {
        self.graph(document);
        let mut none = Table::new();
        let advisories = document.get_mut("advisories").and_then(Value::as_table_mut);
        self.advisories(advisories.unwrap_or(&mut none));
        if let Some(table) = document.get_mut("licenses").and_then(Value::as_table_mut) {
            self.licenses(table);
        }
        if let Some(table) = document.get_mut("bans").and_then(Value::as_table_mut) {
            self.bans(table);
        }
        if let Some(table) = document.get_mut("sources").and_then(Value::as_table_mut) {
            self.sources(table);
        }
    }

    /// cargo-deny judges dev-dependencies unless it is told not to.
    fn graph(&mut self, document: &mut Table) {
        self.set("graph", "dev-dependencies", true);
        if document.get("graph").is_some_and(|graph| !graph.is_table()) {
            return;
        }
        let old = |key: &'static str| Some((key, document.remove(key)?));
        let old: Vec<(&str, Value)> = ONCE_AT_THE_TOP.into_iter().filter_map(old).collect();
        let graph = document.entry("graph").or_insert_with(|| Value::Table(Table::new()));
        let Some(graph) = graph.as_table_mut() else { return };
        for (key, value) in old {
            if let Some(other) = graph.insert(key.to_owned(), value) {
                self.lacks(format!("graph.{key} = {other}, since {key} is at the top too"));
            }
        }
        let triples = self.entries(graph, "graph.targets", Self::target);
        if !triples.is_empty() {
            self.set("graph", "targets", array(triples));
        }
        self.features(graph);
        if let Some(exclude) = take_bool(graph, "exclude-dev") {
            self.set("graph", "dev-dependencies", !exclude);
        }
    }

    fn target(&mut self, entry: &Value) -> Option<String> {
        let triple = entry.as_str().or_else(|| entry.get("triple")?.as_str())?;
        self.more("graph.targets", triple, entry, &["triple"]);
        Some(triple.to_owned())
    }

    fn features(&mut self, graph: &mut Table) {
        let all = take_bool(graph, "all-features");
        if all == Some(true) {
            self.set("graph", "features", "all");
        } else if let Some(features) = graph.get("features").and_then(strings) {
            graph.remove("features");
            self.set("graph", "features", array(features));
        } else if all == Some(false) {
            self.set("graph", "features", "default");
        }
    }

    fn advisories(&mut self, table: &mut Table) {
        take_version(table);
        let ignored = self.entries(table, "advisories.ignore", Self::ignored);
        self.ignored.extend(ignored);
        self.level(table, "yanked", "inventory/yanked");
        self.scope(table, "unmaintained");
        self.scope(table, "unsound");
        let stated = table.get("maximum-db-staleness").and_then(Value::as_str).and_then(days);
        if let Some(days) = stated {
            table.remove("maximum-db-staleness");
            self.set("advisories", "max-age-days", days);
        }
    }

    /// Takes a level, if it is one.
    fn level(&mut self, table: &mut Table, key: &str, code: &str) {
        let level = match table.get(key).and_then(Value::as_str) {
            Some("deny") => "deny",
            Some("warn") => "warn",
            Some("allow") => "off",
            _ => return,
        };
        table.remove(key);
        self.set("checks", code, level);
    }

    /// Takes the packages in which advisories of a kind count: here, all or none.
    fn scope(&mut self, table: &mut Table, kind: &str) {
        let stated = table.get(kind).and_then(Value::as_str).map(str::to_owned);
        let (level, is_known) = match stated.as_deref() {
            Some("all" | "deny" | "workspace" | "transitive") => ("deny", true),
            Some("warn") => ("warn", true),
            Some("none" | "allow") => ("off", true),
            // Of the default, cargo-deny denies unmaintained crates, and unsound ones that members name.
            Some(_) | None => ("deny", false),
        };
        if is_known {
            table.remove(kind);
        }
        if let Some(scope @ ("workspace" | "transitive")) = stated.as_deref() {
            let said = format!("advisories.{kind} = \"{scope}\"");
            self.lacks(format!("{said}, and here it is denied wherever it is found"));
        }
        self.set("checks", &format!("advisory/{kind}"), level);
    }

    fn licenses(&mut self, table: &mut Table) {
        take_version(table);
        // An empty list allows nothing there and asks for nothing here, so it is left.
        if table.get("allow").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
            let text = |_: &mut Self, entry: &Value| entry.as_str().map(str::to_owned);
            let allowed = self.entries(table, "licenses.allow", text);
            self.set("licenses", "allow", array(allowed));
        }
        if let Some(percent) = table.get("confidence-threshold").and_then(percent) {
            table.remove("confidence-threshold");
            self.set("licenses", "confidence-percent", percent);
        }
        let exceptions = self.entries(table, "licenses.exceptions", Self::exception);
        if !exceptions.is_empty() {
            self.set("licenses", "exception", exceptions);
        }
        // Its digests are of another kind, so a clarification has to be made anew.
    }

    fn exception(&mut self, entry: &Value) -> Option<Value> {
        let spec = Spec::of(entry)?;
        let mut rule = spec.rule();
        rule.insert("allow".to_owned(), array(strings(entry.get("allow")?)?));
        self.more_of("licenses.exceptions", &spec, entry, &["allow"]);
        Some(Value::Table(rule))
    }

    fn bans(&mut self, table: &mut Table) {
        self.level(table, "multiple-versions", "topology/duplicate-version");
        if self.stated("checks", "topology/duplicate-version").is_some() {
            self.set("topology", "duplicate-versions", 1);
        }
        let denied = self.entries(table, "bans.deny", Self::denied);
        let features = self.entries(table, "bans.features", Self::feature);
        for (key, list) in [("deny", denied), ("feature", features)] {
            if !list.is_empty() {
                self.set("bans", key, list);
            }
        }
        self.allowed(table);
        let mut is_left_out = false;
        for (path, key) in
            [("bans.skip", "duplicate-skip"), ("bans.skip-tree", "duplicate-skip-tree")]
        {
            let (names, is_narrow) = self.names(table, path);
            is_left_out |= is_narrow;
            if !names.is_empty() {
                self.set("topology", key, array(names.into_iter().collect()));
            }
        }
        if is_left_out {
            self.lacks(
                "a duplicate that is left out is put off until a day by `cargo weft baseline`, or by \
                 `cargo weft exempt topology/duplicate-version \"NAME in N versions\"`",
            );
        }
    }

    /// Takes the crates that are allowed; without any, nothing is written, since an empty list allows all.
    fn allowed(&mut self, table: &mut Table) {
        let is_list = table.get("allow").and_then(Value::as_array).is_some_and(|l| !l.is_empty());
        let (names, is_narrow) = self.names(table, "bans.allow");
        match (names.is_empty(), is_narrow) {
            (true, true) => self.lacks(
                "bans.allow names no crate in all of its versions, so nothing is written, and here \
                 any is allowed",
            ),
            (true, false) if is_list => {
                self.lacks("bans.allow names no crate that is understood, so here any is allowed");
            }
            (false, true) => {
                self.lacks("a crate that is left out of bans.allow is reported as banned");
            }
            (_, false) => {}
        }
        if !names.is_empty() {
            self.set("bans", "allow", array(names.into_iter().collect()));
        }
    }

    fn denied(&mut self, entry: &Value) -> Option<Value> {
        let spec = Spec::of(entry)?;
        // It asks for one version of the crate, and bans none.
        if entry.get("deny-multiple-versions").is_some_and(|flag| flag.as_bool() != Some(false)) {
            return None;
        }
        let mut rule = spec.rule();
        for (theirs, ours) in [("reason", "reason"), ("use-instead", "instead")] {
            match entry.get(theirs) {
                Some(Value::String(text)) => _ = rule.insert(ours.to_owned(), text.clone().into()),
                Some(other) => {
                    self.lacks(format!("bans.deny of {}: {theirs} = {other}", spec.name));
                }
                None => {}
            }
        }
        let wrappers = entry.get("wrappers").map(|list| self.wrappers(&spec.name, list));
        if let Some(wrappers) = wrappers.filter(|wrappers| !wrappers.is_empty()) {
            rule.insert("wrappers".to_owned(), array(wrappers));
        }
        let converted = ["reason", "use-instead", "wrappers", "deny-multiple-versions"];
        self.more_of("bans.deny", &spec, entry, &converted);
        Some(Value::Table(rule))
    }

    /// Reads who may depend on a banned crate; the name alone of one with a version would let others in.
    fn wrappers(&mut self, name: &str, value: &Value) -> Vec<String> {
        let Some(list) = value.as_array() else {
            self.lacks(format!("bans.deny of {name}: wrappers = {value}"));
            return Vec::new();
        };
        let mut wrappers = Vec::new();
        for wrapper in list {
            match wrapper.as_str().filter(|text| is_name(text)) {
                Some(bare) => wrappers.push(bare.to_owned()),
                None => self.lacks(format!(
                    "bans.deny of {name}: wrapper {wrapper}, whose name alone would allow more"
                )),
            }
        }
        wrappers
    }

    fn feature(&mut self, entry: &Value) -> Option<Value> {
        let spec = Spec::of(entry)?;
        let mut rule = Table::new();
        rule.insert("crate".to_owned(), spec.name.as_str().into());
        for key in ["deny", "allow"] {
            let Some(value) = entry.get(key) else { continue };
            let list = strings(value)?;
            if !list.is_empty() {
                rule.insert(key.to_owned(), array(list));
            }
        }
        if rule.len() == 1 {
            return None;
        }
        self.any_version("bans.features", &spec);
        self.more_of("bans.features", &spec, entry, &["deny", "allow"]);
        Some(Value::Table(rule))
    }

    /// Converts a list that has names alone here, and says whether an entry that is about less was left out.
    fn names(&mut self, table: &mut Table, path: &str) -> (BTreeSet<String>, bool) {
        let named = |_: &mut Self, entry: &Value| Some((Spec::of(entry)?, entry.clone()));
        let (mut names, mut is_narrow) = (BTreeSet::new(), false);
        for (spec, entry) in self.entries(table, path, named) {
            let version = spec.version.as_ref().map(|version| format!("version = \"{version}\""));
            let depth = entry.get("depth").map(|depth| format!("depth = {depth}"));
            let limits: Vec<String> = version.into_iter().chain(depth).collect();
            for limit in &limits {
                self.lacks(format!(
                    "{path} of {}: {limit}, so it is left out, since its name alone would allow more",
                    spec.name
                ));
            }
            self.more_of(path, &spec, &entry, &["depth"]);
            match limits.is_empty() {
                true => _ = names.insert(spec.name),
                false => is_narrow = true,
            }
        }
        (names, is_narrow)
    }

    /// Lists the keys of an entry beside those that name its crate and those that are converted.
    fn more_of(&mut self, path: &str, spec: &Spec, entry: &Value, converted: &[&str]) {
        let known: Vec<&str> = KEYS.into_iter().chain(converted.iter().copied()).collect();
        self.more(path, &spec.name, entry, &known);
    }

    /// Lists the versions that an entry is about, where a policy does not tell versions apart.
    fn any_version(&mut self, path: &str, spec: &Spec) {
        if let Some(version) = &spec.version {
            let name = &spec.name;
            self.lacks(format!(
                "{path} of {name}: version = \"{version}\", and here it is about every version"
            ));
        }
    }

    fn sources(&mut self, table: &mut Table) {
        self.level(table, "unknown-registry", "source/registry-not-allowed");
        self.level(table, "unknown-git", "source/git-not-allowed");
        if table.get("allow-registry").is_some_and(Value::is_array) {
            let registry = |_: &mut Self, entry: &Value| entry.as_str().map(registry);
            let registries = self.entries(table, "sources.allow-registry", registry);
            self.set("sources", "registries", array(registries));
        }
        let mut git = self.entries(table, "sources.allow-git", Self::repository);
        if let Some(hosts) = table.get_mut("allow-org").and_then(Value::as_table_mut) {
            for host in ["bitbucket", "github", "gitlab"] {
                let tld = if host == "bitbucket" { "org" } else { "com" };
                let below = |_: &mut Self, entry: &Value| {
                    let name = entry.as_str().filter(|name| is_organisation(name))?;
                    Some(format!("https://{host}.{tld}/{name}/"))
                };
                git.extend(self.entries(hosts, &format!("sources.allow-org.{host}"), below));
            }
        }
        if !git.is_empty() {
            self.set("sources", "git", array(git));
        }
        if table.get("required-git-spec").and_then(Value::as_str) == Some("rev") {
            table.remove("required-git-spec");
            self.set("checks", "source/git-unpinned", "deny");
        }
    }

    /// Reads a repository; here it is allowed as a whole, so a query or fragment would match nothing.
    fn repository(&mut self, entry: &Value) -> Option<String> {
        let stated = entry.as_str()?;
        let (url, dropped) = stated.split_at(stated.find(['?', '#']).unwrap_or(stated.len()));
        let plain = repository(url)?;
        if !dropped.is_empty() {
            self.lacks(format!(
                "sources.allow-git of {plain}: {dropped}, and here any branch is allowed; \
                 source/git-unpinned looks at branches"
            ));
        }
        Some(plain)
    }
}

/// The version of a section's format says nothing about a project.
fn take_version(table: &mut Table) {
    if table.get("version").is_some_and(|version| version.as_integer().is_some()) {
        table.remove("version");
    }
}

/// Writes a share as percent, rounded up, since a lower threshold would accept more.
fn percent(share: &Value) -> Option<i64> {
    let hundredfold = match share {
        Value::Float(share) => share * 100.0,
        Value::Integer(0) => 0.0,
        Value::Integer(1) => 100.0,
        _ => return None,
    };
    let is_share = (0.0..=100.0).contains(&hundredfold);
    let whole = (0..=100_i32).find(|whole| f64::from(*whole) >= hundredfold - 1e-6);
    whole.filter(|_| is_share).map(i64::from)
}

/// Writes crates.io, by either of its indexes, as a policy does.
fn registry(url: &str) -> String {
    let plain = url.strip_prefix("registry+").or_else(|| url.strip_prefix("sparse+"));
    let plain = plain.unwrap_or(url).trim_end_matches('/');
    match plain.strip_suffix(".git").unwrap_or(plain) {
        "https://github.com/rust-lang/crates.io-index" | "https://index.crates.io" => {
            "crates.io".to_owned()
        }
        _ => url.to_owned(),
    }
}

/// Writes a repository as a policy does, where a final `/` would allow everything below it.
fn repository(url: &str) -> Option<String> {
    let plain = url.strip_prefix("git+").unwrap_or(url).trim_end_matches('/');
    (!plain.is_empty()).then(|| plain.to_owned())
}

fn is_organisation(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().all(is_plain) && !matches!(name, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_not_lowered() {
        for (text, expected) in [
            ("0.8", Some(80)),
            ("0.57", Some(57)),
            ("0.925", Some(93)),
            ("1", Some(100)),
            ("0", Some(0)),
            ("1.0", Some(100)),
            ("1.1", None),
            ("-0.5", None),
            ("93", None),
            ("nan", None),
            ("\"0.8\"", None),
        ] {
            let table: Table = format!("v = {text}").parse().unwrap();
            assert_eq!(percent(&table["v"]), expected, "{text}");
        }
    }

    #[test]
    fn crates_io_has_two_indexes() {
        for url in [
            "https://github.com/rust-lang/crates.io-index",
            "registry+https://github.com/rust-lang/crates.io-index",
            "sparse+https://index.crates.io/",
            "https://index.crates.io",
        ] {
            assert_eq!(registry(url), "crates.io", "{url}");
        }
        let other = "https://h/?//github.com/rust-lang/crates.io-index";
        assert_eq!(registry(other), other);
        assert_eq!(repository("https://h/a/").as_deref(), Some("https://h/a"));
        assert_eq!(repository("/"), None);
    }
}
