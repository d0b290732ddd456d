//! The versions that a crate could be updated to, from an entry of Cargo's local cache of a registry's index.
//!
//! `tame-index` reads the frame of an entry; each version in it is one line of JSON.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use semver::Version;
use serde::{Deserialize, Serialize};
use tame_index::index::cache::ValidCacheEntry;
use weft_verify::Sha256;

use super::index::MAX_BYTES;

/// The most versions of one crate that are read.
const MAX_VERSIONS: usize = 100_000;

/// A version that a registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The SHA-256 of its archive, if what the registry states is one.
    pub checksum: Option<Sha256>,
    /// The day of its publication in UTC, where the registry states it.
    pub published: Option<Date>,
    /// The oldest compiler it supports, as its manifest says it.
    pub rust_version: Option<String>,
    /// The version.
    pub version: Version,
    /// Whether it was withdrawn.
    pub yanked: bool,
}

/// Why a version is proposed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The oldest newer version that is neither affected by an advisory nor yanked, where the locked one is.
    Fix,
    /// The newest version that Cargo takes to be compatible with the locked one.
    Compatible,
    /// The newest version.
    Latest,
}

impl Choice {
    /// Returns the word used on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Compatible => "compatible",
            Self::Latest => "latest",
        }
    }
}

#[derive(Deserialize)]
struct Line {
    vers: String,
    #[serde(default)]
    cksum: String,
    yanked: bool,
    #[serde(default)]
    pubtime: Option<String>,
    #[serde(default)]
    rust_version: Option<String>,
}

/// Reads every version of an entry, the oldest first; what is no version of a crate is passed over, as Cargo does.
///
/// # Errors
///
/// A sentence: the entry is not in the format of Cargo's cache, or too large.
pub fn candidates(entry: &[u8]) -> Result<Vec<Candidate>, String> {
    if entry.len() > MAX_BYTES {
        return Err(format!("is larger than the {} MiB that weft reads", MAX_BYTES >> 20));
    }
    let unreadable = || "is not an entry of an index cache that weft can read".to_owned();
    let entry = ValidCacheEntry::read(entry).map_err(|_| unreadable())?;
    let mut parts = entry.version_entries.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let (Some(name), Some(line)) = (parts.next(), parts.next()) {
        let line: Line = serde_json::from_slice(line).map_err(|_| unreadable())?;
        if line.vers.as_bytes() != name {
            return Err(unreadable());
        }
        let Ok(version) = line.vers.parse() else { continue };
        let published = line.pubtime.and_then(|time| time.parse::<Timestamp>().ok());
        found.push(Candidate {
            checksum: line.cksum.parse().ok(),
            published: published.map(|time| time.to_zoned(TimeZone::UTC).date()),
            rust_version: line.rust_version,
            version,
            yanked: line.yanked,
        });
        if found.len() > MAX_VERSIONS {
            return Err(format!("has more than {MAX_VERSIONS} versions"));
        }
    }
    found.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(found)
}

/// Chooses the versions worth a look, each with the reasons for it, the oldest first.
///
/// Yanked versions and pre-releases are never proposed, nor is one that is older than the locked one.
pub fn choose(
    locked: &Version,
    candidates: &[Candidate],
    is_bad: impl Fn(&Candidate) -> bool,
) -> Vec<(Version, Vec<Choice>)> {
    let newer = candidates.iter().filter(|candidate| {
        let version = &candidate.version;
        !candidate.yanked && version.pre.is_empty() && *version > *locked
    });
    let newer: Vec<&Candidate> = newer.collect();
    let is_locked_bad = candidates.iter().any(|c| c.version == *locked && (c.yanked || is_bad(c)));
    let fix = || newer.iter().find(|candidate| !is_bad(candidate));
    let chosen = [
        (Choice::Fix, is_locked_bad.then(fix).flatten()),
        (Choice::Compatible, newer.iter().rfind(|c| is_compatible(locked, &c.version))),
        (Choice::Latest, newer.last()),
    ];
    let mut by_version = Vec::<(Version, Vec<Choice>)>::new();
    for (choice, candidate) in chosen {
        let Some(candidate) = candidate else { continue };
        match by_version.iter_mut().find(|(version, _)| *version == candidate.version) {
            Some((_, choices)) => choices.push(choice),
            None => by_version.push((candidate.version.clone(), vec![choice])),
        }
    }
    by_version.sort();
    by_version
}

/// Says whether Cargo lets a newer version take an older one's place (The Cargo Book, "SemVer Compatibility").
pub fn is_compatible(old: &Version, new: &Version) -> bool {
    let leading = |v: &Version| match (v.major, v.minor) {
        (0, 0) => (0, 0, v.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    leading(old) == leading(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(lines: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = vec![3, 2, 0, 0, 0];
        bytes.extend(b"etag: \"x\"\0");
        for (version, more) in lines {
            let line = format!(
                "{version}\0{{\"name\":\"a\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"\",\"features\":{{}}{more}}}\0"
            );
            bytes.extend(line.into_bytes());
        }
        bytes
    }

    fn chosen(locked: &str, bad: &[&str]) -> Vec<String> {
        let line = |version: &'static str| match version.strip_prefix('!') {
            Some(yanked) => (yanked, ",\"yanked\":true"),
            None => (version, ",\"yanked\":false"),
        };
        let versions = [
            "1.10.0",
            "1.2.0",
            "1.2.1",
            "!1.11.0",
            "1.12.0-rc.1",
            "2.0.0",
            "!3.0.0",
            "0.3.1",
            "0.3.2",
        ];
        let read = candidates(&entry(&versions.map(line))).unwrap();
        let is_bad = |candidate: &Candidate| bad.contains(&&*candidate.version.to_string());
        let chosen = choose(&locked.parse().unwrap(), &read, is_bad).into_iter();
        let words = chosen.map(|(version, choices)| {
            let choices: Vec<&str> = choices.into_iter().map(Choice::as_str).collect();
            format!("{version} {}", choices.join("+"))
        });
        words.collect()
    }

    #[test]
    fn the_newest_compatible_the_newest_and_the_smallest_fix_are_chosen() {
        assert_eq!(chosen("1.2.0", &[]), ["1.10.0 compatible", "2.0.0 latest"]);
        let fixed = ["1.2.1 fix", "1.10.0 compatible", "2.0.0 latest"];
        assert_eq!(chosen("1.2.0", &["1.2.0"]), fixed);
        let fixed = ["1.10.0 fix+compatible", "2.0.0 latest"];
        assert_eq!(chosen("1.2.0", &["1.2.0", "1.2.1"]), fixed);
        // A fix of a version that is yanked.
        assert_eq!(chosen("1.11.0", &[]), ["2.0.0 fix+latest"]);
        assert_eq!(chosen("0.3.1", &[]), ["0.3.2 compatible", "2.0.0 latest"]);
        assert_eq!(chosen("2.0.0", &["2.0.0"]), [""; 0]);
    }

    #[test]
    fn what_is_compatible_is_what_cargo_takes_for_it() {
        for (old, new, expected) in [
            ("1.2.0", "1.99.0", true),
            ("1.2.0", "2.0.0", false),
            ("0.1.0", "0.1.9", true),
            ("0.1.0", "0.2.0", false),
            ("0.0.1", "0.0.2", false),
            ("0.0.1", "0.1.0", false),
        ] {
            let compatible = is_compatible(&old.parse().unwrap(), &new.parse().unwrap());
            assert_eq!(compatible, expected, "{old} {new}");
        }
    }

    #[test]
    fn a_version_comes_with_its_day_and_its_oldest_compiler() {
        let more =
            ",\"yanked\":false,\"pubtime\":\"2026-11-19T23:59:59Z\",\"rust_version\":\"1.80\"";
        let read = candidates(&entry(&[("1.0.0", more)])).unwrap();
        assert_eq!(read[0].published, Some(jiff::civil::date(2026, 11, 19)));
        assert_eq!(read[0].rust_version.as_deref(), Some("1.80"));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let sound = entry(&[("1.0.0", ",\"yanked\":false")]);
        let yanked = entry(&[("1.0.0", "")]);
        for bytes in [&b""[..], b"\x03", b"\x02\x02\0\0\0", &yanked, &sound[..sound.len() - 3]] {
            assert!(candidates(bytes).is_err(), "{bytes:?}");
        }
        for length in 0..sound.len() {
            _ = candidates(&sound[..length]);
        }
    }
}
