//! What cargo-audit, Cargo and cargo-vet are told.

use toml::{Table, Value};
use weft_gate::advisory::Severity;

use super::{Ignored, Imported, days, is_advisory};

impl Imported {
    /// Reads `audit.toml`; what it says more mildly than a file before it does not count.
    pub(super) fn audit(&mut self, document: &mut Table, has_deny: bool) {
        if let Some(table) = document.get_mut("advisories").and_then(Value::as_table_mut) {
            let ignored = self.entries(table, "advisories.ignore", Self::ignored_id);
            self.ignored.extend(ignored);
            self.severity(table, has_deny);
        }
        if let Some(output) = document.get_mut("output").and_then(Value::as_table_mut) {
            self.entries(output, "output.deny", Self::denied_kind);
        }
        if let Some(yanked) = document.get_mut("yanked").and_then(Value::as_table_mut)
            && yanked.get("enabled").and_then(Value::as_bool) == Some(false)
        {
            yanked.remove("enabled");
            let is_silent = self.stated("checks", "inventory/yanked").is_none();
            match has_deny && is_silent {
                true => {
                    self.lacks("yanked.enabled = false, since cargo-deny warns of yanked crates")
                }
                false => self.stricter("yanked.enabled = false", "inventory/yanked", "off"),
            }
        }
    }

    /// cargo-audit ignores advisories, and no crates.
    fn ignored_id(&mut self, entry: &Value) -> Option<Ignored> {
        entry.as_str().filter(|text| is_advisory(text))?;
        self.ignored(entry)
    }

    fn denied_kind(&mut self, entry: &Value) -> Option<()> {
        let code = match entry.as_str()? {
            "yanked" => "inventory/yanked",
            "unmaintained" => "advisory/unmaintained",
            "unsound" => "advisory/unsound",
            _ => return None,
        };
        self.stricter(&format!("output.deny has {entry}"), code, "deny");
        Some(())
    }

    /// Sets a level, unless a file before is stricter; of the two, the milder is listed.
    fn stricter(&mut self, said: &str, code: &str, level: &str) {
        let rank = |level: &str| ["off", "note", "warn", "deny"].iter().position(|l| *l == level);
        match self.stated("checks", code) {
            Some(before) if rank(&before) > rank(level) => {
                self.lacks(format!("{said}, since a file before says \"{before}\" of {code}"));
                return;
            }
            Some(before) if rank(&before) < rank(level) => {
                self.lacks(format!("{said}, and not \"{before}\" as a file before says of {code}"));
            }
            _ => {}
        }
        self.set("checks", code, level);
    }

    /// cargo-deny denies vulnerabilities of any severity, so beside its file a threshold would be milder.
    fn severity(&mut self, table: &mut Table, has_deny: bool) {
        const KEY: &str = "severity_threshold";
        let word = table.get(KEY).and_then(Value::as_str);
        let known = |word: &str| Severity::ALL.into_iter().find(|s| s.as_str() == word);
        let Some(severity) = word.and_then(known) else { return };
        table.remove(KEY);
        let said = format!("advisories.{KEY} = \"{}\"", severity.as_str());
        if has_deny {
            self.lacks(format!("{said}, since cargo-deny denies any severity"));
            return;
        }
        let before = self.stated("advisories", "severity");
        match before.as_deref().and_then(known) {
            Some(before) if before < severity => {
                self.lacks(format!("{said}, since a file before says \"{}\"", before.as_str()));
            }
            Some(before) if before > severity => {
                let before = before.as_str();
                self.lacks(format!("{said}, and not \"{before}\" as a file before says"));
                self.set("advisories", "severity", severity.as_str());
            }
            _ => self.set("advisories", "severity", severity.as_str()),
        }
    }

    /// Reads `[registry] global-min-publish-age` and `[registries.crates-io] min-publish-age`.
    pub(super) fn cooldown(&mut self, document: &Table) {
        let global = document.get("registry").and_then(|t| t.get("global-min-publish-age"));
        let own =
            document.get("registries").and_then(|t| t.get("crates-io")?.get("min-publish-age"));
        let own = own.or_else(|| document.get("registry").and_then(|t| t.get("min-publish-age")));
        let Some(stated) = own.or(global) else { return };
        self.files.push(self.file.to_owned());
        match stated.as_str().and_then(days) {
            Some(days) => self.set("cooldown", "days", days),
            None => self.lacks(format!("a publish age of {stated}")),
        }
    }

    /// Counts what people found out, which nothing here replaces.
    pub(super) fn vet(&mut self, document: &Table) {
        for (key, value) in document.iter().filter(|(key, _)| *key != "cargo-vet") {
            match value {
                Value::Table(table) if table.is_empty() => {}
                Value::Table(table) => {
                    self.lacks(format!("{key} of {} crates or sources", table.len()));
                }
                value => self.lacks(format!("{key} = {value}")),
            }
        }
    }
}
