//! Artifact rules (in-toto specification 1.0 §4.3.3): a queue of artifacts, and rules that take some out of it.
//!
//! Only DISALLOW and REQUIRE refuse; the others pass over what they do not match.

use std::collections::{BTreeMap, BTreeSet};

use super::glob::Glob;
use super::link::{Artifacts, Link, is_plain};
use crate::Rejection;

/// Which of a link's two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Materials,
    Products,
}

/// An artifact rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Match(Match),
    Create(Glob),
    Delete(Glob),
    Modify(Glob),
    Allow(Glob),
    Require(String),
    Disallow(Glob),
}

/// MATCH: the artifact is one of another step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pattern: Glob,
    /// Empty, or ends with a slash.
    source: String,
    list: List,
    /// Empty, or ends with a slash.
    destination: String,
    from: String,
}

impl List {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Materials => "materials",
            Self::Products => "products",
        }
    }

    fn of(self, link: &Link) -> &Artifacts {
        match self {
            Self::Materials => &link.materials,
            Self::Products => &link.products,
        }
    }
}

impl Rule {
    /// Reads a rule; keywords may be in any case, as the reference has it.
    pub(super) fn read(words: &[String], path: &str) -> Result<Self, Rejection> {
        let invalid = |message: &str| Rejection::MemberInvalid {
            path: path.to_owned(),
            message: message.to_owned(),
        };
        let [keyword, pattern, rest @ ..] = words else {
            return Err(invalid("expected a keyword and a pattern"));
        };
        let keyword = keyword.to_ascii_uppercase();
        if keyword == "MATCH" {
            let read = Match::read(pattern, rest).map(Self::Match);
            return read.ok_or_else(|| {
                invalid(
                    "expected MATCH pattern [IN path] WITH MATERIALS|PRODUCTS [IN path] FROM step",
                )
            });
        }
        if !rest.is_empty() {
            return Err(invalid("expected one pattern, and nothing behind it"));
        }
        let glob = Glob::new(pattern);
        match keyword.as_str() {
            "CREATE" => Ok(Self::Create(glob)),
            "DELETE" => Ok(Self::Delete(glob)),
            "MODIFY" => Ok(Self::Modify(glob)),
            "ALLOW" => Ok(Self::Allow(glob)),
            "REQUIRE" => Ok(Self::Require(pattern.clone())),
            "DISALLOW" => Ok(Self::Disallow(glob)),
            _ => Err(invalid("expected MATCH, CREATE, DELETE, MODIFY, ALLOW, REQUIRE or DISALLOW")),
        }
    }

    /// Returns the step that the rule is about, where it is another one.
    pub(super) fn other_step(&self) -> Option<&str> {
        match self {
            Self::Match(rule) => Some(&rule.from),
            _ => None,
        }
    }

    /// Says whether the rule takes an artifact out of the queue.
    fn takes(&self, path: &str, list: List, link: &Link, links: &BTreeMap<&str, Link>) -> bool {
        let (before, after) = (link.materials.get(path), link.products.get(path));
        match self {
            Self::Match(rule) => rule.takes(path, list.of(link), links),
            Self::Create(glob) => before.is_none() && after.is_some() && glob.matches(path),
            Self::Delete(glob) => before.is_some() && after.is_none() && glob.matches(path),
            Self::Modify(glob) => match (before, after) {
                // What cannot be compared is not known to be another.
                (Some(a), Some(b)) => a.compare(b) == Some(false) && glob.matches(path),
                _ => false,
            },
            Self::Allow(glob) => glob.matches(path),
            Self::Require(_) | Self::Disallow(_) => false,
        }
    }
}

impl Match {
    fn read(pattern: &str, rest: &[String]) -> Option<Self> {
        let is = |word: &String, keyword: &str| word.eq_ignore_ascii_case(keyword);
        let prefix = |rest: &[String]| match rest {
            [keyword, path, ..] if is(keyword, "IN") => directory(path).map(|path| (path, 2)),
            _ => Some((String::new(), 0)),
        };
        let (source, words) = prefix(rest)?;
        let [with, list, rest @ ..] = &rest[words..] else { return None };
        let (destination, words) = prefix(rest)?;
        let [keyword, from] = &rest[words..] else { return None };
        let list = [List::Materials, List::Products].into_iter().find(|l| is(list, l.name()))?;
        let is_whole = is(with, "WITH") && is(keyword, "FROM");
        let pattern = Glob::new(pattern);
        is_whole.then(|| Self { pattern, source, list, destination, from: from.clone() })
    }

    fn takes(&self, path: &str, artifacts: &Artifacts, links: &BTreeMap<&str, Link>) -> bool {
        // A pattern is about what follows the prefix, and never about the prefix.
        let Some(inner) = path.strip_prefix(self.source.as_str()) else { return false };
        if !self.pattern.matches(inner) {
            return false;
        }
        let there = links.get(self.from.as_str()).map(|link| self.list.of(link));
        let there = there.and_then(|list| list.get(&format!("{}{inner}", self.destination)));
        match (artifacts.get(path), there) {
            (Some(here), Some(there)) => here.compare(there) == Some(true),
            _ => false,
        }
    }
}

/// Reads a prefix, and ends it with a slash; an empty one is none.
fn directory(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    match path {
        "" => Some(String::new()),
        path => is_plain(path).then(|| format!("{path}/")),
    }
}

/// Applies the rules of a step to one of its lists, in order, and returns what no rule took.
pub(super) fn apply(
    step: &str,
    list: List,
    rules: &[Rule],
    links: &BTreeMap<&str, Link>,
) -> Result<Vec<String>, Rejection> {
    let Some(link) = links.get(step) else { return Ok(Vec::new()) };
    let mut queue: BTreeSet<&str> = list.of(link).keys().map(String::as_str).collect();
    for rule in rules {
        match rule {
            Rule::Require(artifact) if !queue.contains(artifact.as_str()) => {
                return Err(Rejection::ArtifactRequired {
                    step: step.to_owned(),
                    list: list.name(),
                    artifact: artifact.clone(),
                });
            }
            Rule::Disallow(glob) => {
                if let Some(artifact) = queue.iter().find(|path| glob.matches(path)) {
                    return Err(Rejection::ArtifactDisallowed {
                        step: step.to_owned(),
                        list: list.name(),
                        pattern: glob.as_str().to_owned(),
                        artifact: (*artifact).to_owned(),
                    });
                }
            }
            rule => queue.retain(|path| !rule.takes(path, list, link, links)),
        }
    }
    Ok(queue.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn link(name: &str, materials: &[(&str, u8)], products: &[(&str, u8)]) -> Link {
        let list = |artifacts: &[(&str, u8)]| {
            let pair = |(path, number): &(&str, u8)| {
                format!(r#""{path}":{{"sha256":"{}"}}"#, format!("{number:02x}").repeat(32))
            };
            artifacts.iter().map(pair).collect::<Vec<_>>().join(",")
        };
        let (materials, products) = (list(materials), list(products));
        let text = format!(
            r#"{{"_type":"link","name":"{name}","materials":{{{materials}}},"products":{{{products}}}}}"#
        );
        let value = json::read(text.as_bytes(), json::Limits::FOREIGN).unwrap();
        Link::read(&value, name).unwrap()
    }

    fn read(rule: &str) -> Result<Rule, Rejection> {
        let words: Vec<String> = rule.split(' ').map(str::to_owned).collect();
        Rule::read(&words, "rule")
    }

    /// The step `build` took `a`, `same` and `old`, and made `a` anew, `same` and `new`; `fetch` made what it took.
    fn left(list: List, rules: &[&str]) -> Result<Vec<String>, Rejection> {
        let rules: Vec<Rule> = rules.iter().map(|rule| read(rule).unwrap()).collect();
        let build = link(
            "build",
            &[("src/a", 1), ("same", 2), ("old", 3)],
            &[("src/a", 9), ("same", 2), ("new", 4)],
        );
        let fetch = link("fetch", &[], &[("a", 1), ("same", 2), ("old", 8), ("out/src/a", 9)]);
        apply("build", list, &rules, &BTreeMap::from([("build", build), ("fetch", fetch)]))
    }

    fn check(list: List, rules: &[&str], expected: &[&str]) {
        assert_eq!(left(list, rules).unwrap(), expected, "{rules:?}");
    }

    #[test]
    fn each_rule_takes_what_it_is_about() {
        use List::{Materials, Products};
        check(Materials, &[], &["old", "same", "src/a"]);
        check(Products, &["CREATE *"], &["same", "src/a"]);
        check(Materials, &["CREATE *"], &["old", "same", "src/a"]);
        check(Materials, &["DELETE *"], &["same", "src/a"]);
        check(Products, &["DELETE *"], &["new", "same", "src/a"]);
        check(Products, &["MODIFY *"], &["new", "same"]);
        check(Products, &["allow src/*", "ALLOW n?w"], &["same"]);
        check(Products, &["REQUIRE new", "ALLOW new"], &["same", "src/a"]);
    }

    #[test]
    fn match_compares_paths_behind_prefixes_and_digests() {
        use List::{Materials, Products};
        check(Materials, &["MATCH * WITH PRODUCTS FROM fetch"], &["old", "src/a"]);
        check(Materials, &["MATCH * IN src WITH PRODUCTS FROM fetch"], &["old", "same"]);
        check(Materials, &["MATCH a IN src/ WITH products FROM fetch"], &["old", "same"]);
        check(
            Materials,
            &["MATCH src/a IN src WITH PRODUCTS FROM fetch"],
            &["old", "same", "src/a"],
        );
        check(Products, &["MATCH * WITH PRODUCTS IN out FROM fetch"], &["new", "same"]);
        check(Products, &["MATCH * IN src WITH PRODUCTS IN out/src FROM fetch"], &["new", "same"]);
        check(Materials, &["MATCH * WITH MATERIALS FROM fetch"], &["old", "same", "src/a"]);
        check(Materials, &["MATCH * WITH MATERIALS FROM nobody"], &["old", "same", "src/a"]);
    }

    #[test]
    fn order_decides_and_two_rules_refuse() {
        let products = |rules: &[&str]| left(List::Products, rules);
        let disallowed = |artifact: &str| {
            Err(Rejection::ArtifactDisallowed {
                step: "build".into(),
                list: "products",
                pattern: "*".into(),
                artifact: artifact.into(),
            })
        };
        assert_eq!(products(&["CREATE *", "MODIFY *", "DISALLOW *"]), disallowed("same"));
        assert_eq!(products(&["DISALLOW *", "ALLOW *"]), disallowed("new"));
        assert_eq!(products(&["ALLOW *", "DISALLOW *"]), Ok(Vec::new()));
        let required = |artifact: &str| {
            let (step, list) = ("build".to_owned(), "products");
            Err(Rejection::ArtifactRequired { step, list, artifact: artifact.into() })
        };
        assert_eq!(products(&["ALLOW *", "REQUIRE new"]), required("new"));
        // What is required is a name, and no pattern.
        assert_eq!(products(&["REQUIRE n*"]), required("n*"));
    }

    #[test]
    fn a_rule_is_one_of_the_grammar() {
        let long = read("MATCH *.rs IN src WITH MATERIALS IN out/ FROM a-step").unwrap();
        assert_eq!(long.other_step(), Some("a-step"));
        for rule in [
            "ALLOW",
            "PERMIT *",
            "ALLOW a b",
            "MATCH *",
            "MATCH * WITH PRODUCTS",
            "MATCH * WITH PRODUCTS FROM",
            "MATCH * WITH PRODUCTS FROM a b",
            "MATCH * WITH BYPRODUCTS FROM a",
            "MATCH * IN WITH PRODUCTS FROM a",
            "MATCH * IN /src WITH PRODUCTS FROM a",
            "MATCH * IN ../src WITH PRODUCTS FROM a",
            "MATCH * WITH PRODUCTS IN a/../b FROM a",
            "MATCH * BY PRODUCTS FROM a",
            "MATCH * WITH PRODUCTS OF a",
        ] {
            let found = read(rule);
            assert!(matches!(found, Err(Rejection::MemberInvalid { .. })), "{rule}: {found:?}");
        }
    }
}
