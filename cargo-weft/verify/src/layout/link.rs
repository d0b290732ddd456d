//! Links: what a step took and made, by path and digest (in-toto specification 1.0 §4.4).
//!
//! `byproducts` and `environment` say nothing that is verified, and are not read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::metablock::demand_kind;
use crate::Rejection;
use crate::digest::{Algorithm, Artifact};
use crate::json::{self, Value};

/// The `_type` of a link.
const LINK: &str = "link";

/// Artifacts by path.
pub type Artifacts = BTreeMap<String, Digests>;

/// The digests of an artifact, by the names of their algorithms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests(BTreeMap<String, String>);

/// What a step took and made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) command: Vec<String>,
    pub(super) materials: Artifacts,
    pub(super) products: Artifacts,
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    #[serde(default)]
    command: Vec<String>,
    materials: BTreeMap<String, BTreeMap<String, String>>,
    products: BTreeMap<String, BTreeMap<String, String>>,
}

impl Digests {
    /// Iterates over the digests, in the order of their algorithms' names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, digits)| (name.as_str(), digits.as_str()))
    }

    /// Says whether they are those of an artifact: a strong one is equal, and none differs.
    pub fn are_of(&self, artifact: &Artifact) -> bool {
        let known = artifact.digests().map(|(a, digits)| (a.name().to_owned(), digits.to_owned()));
        self.compare(&Self(known.collect())) == Some(true)
    }

    /// Says whether two artifacts are the same, by every algorithm that both have.
    ///
    /// Nothing is said if they have no strong algorithm in common, or if their digests contradict each other.
    pub(super) fn compare(&self, other: &Self) -> Option<bool> {
        let (mut strong, mut same, mut differ) = (false, false, false);
        for (name, digits) in &self.0 {
            let Some(found) = other.0.get(name) else { continue };
            strong |= Algorithm::ALL.iter().any(|algorithm| algorithm.name() == name);
            match found == digits {
                true => same = true,
                false => differ = true,
            }
        }
        match (strong, same, differ) {
            (true, true, false) => Some(true),
            (true, false, true) => Some(false),
            _ => None,
        }
    }
}

impl Link {
    /// Reads a link of a step.
    pub(super) fn read(value: &Value, step: &str) -> Result<Self, Rejection> {
        demand_kind(value, LINK)?;
        let wire: Wire = json::from_value(value)?;
        // A link is signed for one step; under the name of another, it is a replay.
        if wire.name != step {
            let found = wire.name.chars().take(200).collect();
            return Err(Rejection::LinkName { expected: step.to_owned(), found });
        }
        Ok(Self {
            command: wire.command,
            materials: artifacts(wire.materials)?,
            products: artifacts(wire.products)?,
        })
    }

    /// Returns the path of an artifact that two links of a step do not agree about.
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        differ(&self.materials, &other.materials)
            .or_else(|| differ(&self.products, &other.products))
    }
}

fn differ(a: &Artifacts, b: &Artifacts) -> Option<String> {
    let same = |path: &String| match (a.get(path), b.get(path)) {
        (Some(a), Some(b)) => a.compare(b) == Some(true),
        _ => false,
    };
    a.keys().chain(b.keys()).find(|path| !same(path)).cloned()
}

fn artifacts(wire: BTreeMap<String, BTreeMap<String, String>>) -> Result<Artifacts, Rejection> {
    for (path, digests) in &wire {
        let named = || path.chars().take(400).collect();
        if !is_plain(path) {
            return Err(Rejection::ArtifactPath { path: named() });
        }
        for algorithm in Algorithm::ALL {
            if digests.get(algorithm.name()).is_some_and(|text| !algorithm.is_digest(text)) {
                let algorithm = algorithm.name().to_owned();
                return Err(Rejection::ArtifactDigest { path: named(), algorithm });
            }
        }
    }
    Ok(wire.into_iter().map(|(path, digests)| (path, Digests(digests))).collect())
}

/// Says whether a path is relative, stays where it is, and has one spelling.
pub(super) fn is_plain(path: &str) -> bool {
    let has_drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let is_name = |name: &str| !matches!(name, "" | "." | "..");
    !has_drive && !path.contains(['\\', '\0']) && path.split('/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, read};

    #[test]
    fn a_path_has_one_spelling_and_stays_inside() {
        for path in ["a", "a/b.rs", ".github/x", "a..b", "...", "é", "git:commit"] {
            assert!(is_plain(path), "{path:?}");
        }
        for path in ["", "/a", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "C:/a", "a\0"]
        {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    #[test]
    fn digests_are_compared_by_all_that_both_have() {
        let check = |a: &[(&str, &str)], b: &[(&str, &str)], expected: Option<bool>| {
            let digests = |pairs: &[(&str, &str)]| {
                Digests(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
            };
            assert_eq!(digests(a).compare(&digests(b)), expected, "{a:?} {b:?}");
            assert_eq!(digests(b).compare(&digests(a)), expected, "{b:?} {a:?}");
        };
        check(&[("sha256", "1")], &[("sha256", "1"), ("sha512", "2")], Some(true));
        check(&[("sha256", "1")], &[("sha256", "2")], Some(false));
        check(&[("sha256", "1"), ("md5", "1")], &[("sha256", "1"), ("md5", "2")], None);
        check(&[("sha256", "1"), ("sha512", "1")], &[("sha256", "1"), ("sha512", "2")], None);
        check(&[("sha1", "1")], &[("sha1", "1")], None);
        check(&[("sha256", "1")], &[("sha512", "1")], None);
        check(&[], &[], None);
    }

    #[test]
    fn a_link_is_read_whole() {
        let check = |text: &str, expected: Result<(), Rejection>| {
            let value = read(text.as_bytes(), Limits::FOREIGN).unwrap();
            assert_eq!(Link::read(&value, "build").map(drop), expected, "{text}");
        };
        let link = |name: &str, products: &str| {
            format!(
                r#"{{"_type":"link","name":"{name}","materials":{{}},"products":{{{products}}}}}"#
            )
        };
        check(&link("build", r#""a":{"sha1":"x"}"#), Ok(()));
        let name = Rejection::LinkName { expected: "build".into(), found: "test".into() };
        check(&link("test", ""), Err(name));
        check(&link("build", r#""/a":{}"#), Err(Rejection::ArtifactPath { path: "/a".into() }));
        let digest = Rejection::ArtifactDigest { path: "a".into(), algorithm: "sha256".into() };
        check(&link("build", r#""a":{"sha256":"AB"}"#), Err(digest));
        let kind = Rejection::MetadataType { expected: "link", found: "layout".into() };
        check(&link("build", "").replace("link", "layout"), Err(kind));
        let missing = Rejection::MemberMissing { path: "materials".into() };
        check(r#"{"_type":"link","name":"build","products":{}}"#, Err(missing));
    }
}
