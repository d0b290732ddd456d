//! A crate and its versions, in any of cargo-deny's spellings (its book, "Package Specs").

use std::fmt;

use semver::{Version, VersionReq};
use toml::{Table, Value};
use weft_gate::input::is_package_name;

/// The keys that an entry may name a crate with.
pub(super) const KEYS: [&str; 3] = ["crate", "name", "version"];

/// A crate, and which versions of it are meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) name: String,
    /// `None` for all.
    pub(super) version: Option<VersionReq>,
}

impl Spec {
    /// Reads what an entry names; `None` for anything whose name or versions are not certain.
    pub(super) fn of(entry: &Value) -> Option<Self> {
        let key = |key: &str| entry.get(key).map(Value::as_str);
        let (name, version) = match (entry.as_str(), key("crate"), key("name")) {
            (Some(spec), None, None) | (None, Some(Some(spec)), None) => split(spec)?,
            (None, None, Some(Some(name))) => (name, None),
            _ => return None,
        };
        let version = match (version, key("version")) {
            (version, None) => version,
            (None, Some(Some(stated))) => Some(VersionReq::parse(stated).ok()?),
            (_, Some(_)) => return None,
        };
        let version = version.filter(|version| !version.comparators.is_empty());
        is_name(name).then(|| Self { name: name.to_owned(), version })
    }

    /// Begins a rule of a policy about it.
    pub(super) fn rule(&self) -> Table {
        let mut rule = Table::new();
        rule.insert("crate".to_owned(), self.name.as_str().into());
        if let Some(version) = &self.version {
            rule.insert("version".to_owned(), version.to_string().into());
        }
        rule
    }

    /// Says whether a package URL is of one of these versions.
    pub(super) fn covers(&self, url: &str) -> bool {
        let package = url.strip_prefix("pkg:cargo/").and_then(|rest| rest.split_once('@'));
        let Some((name, version)) = package else { return false };
        // What follows a version is its build, escaped, and qualifiers.
        let version = version.split(['%', '?', '#']).next().unwrap_or_default();
        let is_of = |wanted: &VersionReq| Version::parse(version).is_ok_and(|v| wanted.matches(&v));
        self.name == name && self.version.as_ref().is_none_or(is_of)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} {version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Says whether a text is the name of a crate, and not more than that.
pub(super) fn is_name(text: &str) -> bool {
    text.is_ascii() && is_package_name(text)
}

/// `name@1.2.3` is that version, or `name@1.2` those that begin so; what follows `:` is any requirement.
fn split(spec: &str) -> Option<(&str, Option<VersionReq>)> {
    if let Some((name, version)) = spec.split_once('@') {
        let is_version =
            version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(',');
        let exact = VersionReq::parse(&format!("={version}")).ok().filter(|_| is_version)?;
        return Some((name, Some(exact)));
    }
    match spec.split_once(':') {
        Some((name, requirement)) => Some((name, Some(VersionReq::parse(requirement).ok()?))),
        None => Some((spec, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let table: Table = format!("v = {text}").parse().unwrap();
        Spec::of(&table["v"]).map(|spec| spec.to_string())
    }

    #[test]
    fn crates_are_named_in_any_spelling() {
        for (text, expected) in [
            ("\"syn\"", "syn"),
            ("\"syn@1.0.1\"", "syn =1.0.1"),
            ("{ crate = \"syn@1\" }", "syn =1"),
            ("\"openssl:<0.11\"", "openssl <0.11"),
            ("\"openssl:0.9.1\"", "openssl ^0.9.1"),
            ("{ crate = \"x:<=0.7.0\" }", "x <=0.7.0"),
            ("\"syn:*\"", "syn"),
            ("{ name = \"syn\", version = \"*\" }", "syn"),
            ("{ name = \"syn\", version = \"<2\" }", "syn <2"),
            ("{ crate = \"syn\", version = \"1.2\" }", "syn ^1.2"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_no_crate() {
        for text in [
            "{ name = \"*\" }",
            "\"windows-sys<=0.52\"",
            "\"x@<2\"",
            "\"x@1, <2\"",
            "\"x@\"",
            "\"x:\"",
            "\"x:soon\"",
            "{ name = \"syn@1.0.0\" }",
            "{ name = \"syn\", version = \"==1\" }",
            "{ name = \"syn\", version = 1 }",
            "{ crate = \"syn@1\", version = \"2\" }",
            "{ crate = \"syn\", name = \"quote\" }",
            "{ crate = 1 }",
            "{ reason = \"r\" }",
            "\"sýn\"",
            "1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_package_url_is_of_a_version() {
        let covers = |spec: &str, url: &str| Spec::of(&spec.into()).unwrap().covers(url);
        assert!(covers("syn", "pkg:cargo/syn@1.0.0"));
        assert!(covers("syn@1.0.0", "pkg:cargo/syn@1.0.0%2Bbuild?x=y"));
        assert!(covers("syn:<2", "pkg:cargo/syn@1.0.0"));
        assert!(!covers("syn:<2", "pkg:cargo/syn@2.0.0"));
        assert!(!covers("syn", "pkg:cargo/synstructure@1.0.0"));
    }
}
