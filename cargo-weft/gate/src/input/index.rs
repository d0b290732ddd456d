//! Entries of Cargo's local cache of a registry's index: whether a version is yanked, when it was published, and what came
//! before it.
//!
//! `tame-index` reads the frame of an entry; of the versions in it only the locked one and the one before are parsed,
//! since a popular crate has hundreds. Of the others the time of publication is enough.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use semver::{Version, VersionReq};
use serde::Deserialize;
use tame_index::index::cache::ValidCacheEntry;
use weft_verify::Sha256;

use crate::facts::{Added, History, Previous, Release};

/// The largest entry that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// How long a version has to be out to be the one before another: a burst of releases is one.
const SETTLED: i64 = 7 * 24 * 60 * 60;

#[derive(Deserialize)]
struct Line {
    vers: String,
    cksum: String,
    yanked: bool,
    #[serde(default)]
    pubtime: Option<String>,
    #[serde(default)]
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    req: Option<VersionReq>,
}

impl Dependency {
    fn package(&self) -> &str {
        self.package.as_ref().unwrap_or(&self.name)
    }
}

/// What has to be known of other crates.
pub struct Others<'a> {
    /// Says when the index of the same registry first had a crate.
    pub first: &'a dyn Fn(&str) -> Option<Timestamp>,
    /// Says whether a crate is in the lockfile.
    pub is_locked: &'a dyn Fn(&str) -> bool,
    /// Says whether the lockfile gives the version a dependency by this name that satisfies this requirement, where
    /// that is asked.
    pub is_given: Option<IsGiven<'a>>,
}

/// Says whether a dependency by this name is given that satisfies this requirement.
pub type IsGiven<'a> = &'a dyn Fn(&str, &VersionReq) -> bool;

/// Finds a locked version in an entry of the cache; `None` where the entry does not know it.
///
/// A version whose archive has another digest than the locked one is not the locked one.
///
/// # Errors
///
/// A sentence: the entry is not in the format of Cargo's cache.
pub fn find(
    entry: &[u8],
    version: &Version,
    checksum: Option<&Sha256>,
    others: &Others<'_>,
) -> Result<Option<Release>, String> {
    let wanted = version.to_string();
    let versions = versions(entry)?;
    let Some((_, line)) = versions.iter().find(|(name, _)| *name == wanted.as_bytes()) else {
        return Ok(None);
    };
    let line = parse(line)?;
    let is_other = checksum.is_some_and(|locked| locked.to_string() != line.cksum);
    if line.vers != wanted || is_other {
        return Ok(None);
    }
    release(&line, dated(&versions).as_deref(), others).map(Some)
}

/// Returns every version of an entry, in the order of the entry.
///
/// # Errors
///
/// A sentence: the entry is not in the format of Cargo's cache.
pub fn all(entry: &[u8], others: &Others<'_>) -> Result<Vec<(String, Release)>, String> {
    let versions = versions(entry)?;
    let dated = dated(&versions);
    let lines = versions.iter().map(|(_, line)| {
        let line = parse(line)?;
        let release = release(&line, dated.as_deref(), others)?;
        Ok((line.vers, release))
    });
    lines.collect()
}

fn release(
    line: &Line,
    dated: Option<&[(Timestamp, &[u8])]>,
    others: &Others<'_>,
) -> Result<Release, String> {
    let time = line.pubtime.as_ref().map(|time| time.parse::<Timestamp>()).transpose();
    let time = time.map_err(|_| unreadable())?;
    let history = match (time, dated) {
        (Some(time), Some(dated)) => Some(history(dated, line, time, others)?),
        _ => None,
    };
    let lacks = lacks(line, others);
    Ok(Release { history, lacks, published: time.map(day), yanked: line.yanked })
}

/// Lists what a version asks for and is not given: Cargo locks what is not optional for every target.
fn lacks(line: &Line, others: &Others<'_>) -> Vec<String> {
    let Some(is_given) = others.is_given else { return Vec::new() };
    let mut lacks = Vec::new();
    for dependency in &line.deps {
        let is_built = dependency.kind.as_deref() != Some("dev");
        if !is_built || dependency.optional {
            continue;
        }
        let wanted = dependency.req.clone().unwrap_or(VersionReq::STAR);
        if !is_given(dependency.package(), &wanted) {
            lacks.push(format!("{} {wanted}", dependency.package()));
        }
    }
    lacks.sort();
    lacks.dedup();
    lacks
}

/// Returns when an entry's crate was first published, if every version of it is dated.
pub fn first_published(entry: &[u8]) -> Option<Timestamp> {
    let versions = versions(entry).ok()?;
    dated(&versions)?.into_iter().map(|(time, _)| time).min()
}

/// Dates every version; `None` where one has no date.
fn dated<'a>(versions: &[Named<'a>]) -> Option<Vec<(Timestamp, &'a [u8])>> {
    versions.iter().map(|(_, line)| Some((published(line)?, *line))).collect()
}

/// Looks back from a version that was published at `time`.
fn history(
    dated: &[(Timestamp, &[u8])],
    line: &Line,
    time: Timestamp,
    others: &Others<'_>,
) -> Result<History, String> {
    let since = |earlier: Timestamp| time.as_second().saturating_sub(earlier.as_second());
    let settled = dated.iter().filter(|(earlier, _)| since(*earlier) >= SETTLED);
    let first = dated.iter().map(|(time, _)| *time).min().unwrap_or(time);
    let mut history = History { added: Vec::new(), first_published: day(first), previous: None };
    if let Some((earlier, before)) = settled.max_by_key(|(time, _)| *time) {
        let before = parse(before)?;
        let gap_days = since(*earlier).unsigned_abs() / (24 * 60 * 60);
        history.added = added(line, &before, time, others);
        history.previous = Some(Previous { gap_days, version: before.vers });
    }
    Ok(history)
}

/// Lists the locked crates that a version asks for and the one before did not.
fn added(line: &Line, before: &Line, time: Timestamp, others: &Others<'_>) -> Vec<Added> {
    let asked = |line: &Line| -> Vec<(String, bool)> {
        let built = line.deps.iter().filter(|dep| dep.kind.as_deref() != Some("dev"));
        let named = built.map(|dep| (dep.package().to_owned(), dep.registry.is_some()));
        let mut asked: Vec<_> = named.collect();
        asked.sort();
        asked.dedup();
        asked
    };
    let old = asked(before);
    let new = asked(line).into_iter().filter(|name| !old.contains(name));
    new.filter(|(name, _)| (others.is_locked)(name))
        .map(|(name, elsewhere)| {
            let first = if elsewhere { None } else { (others.first)(&name) };
            let age = first.map(|first| time.as_second().saturating_sub(first.as_second()));
            // A crate that came later than what asks for it has lost its first versions.
            let age_hours = age.map(|age| age.max(0).unsigned_abs() / (60 * 60));
            Added { age_hours, name }
        })
        .collect()
}

/// A version and its line.
type Named<'a> = (&'a [u8], &'a [u8]);

/// Splits an entry into its versions.
fn versions(entry: &[u8]) -> Result<Vec<Named<'_>>, String> {
    let entry = ValidCacheEntry::read(entry).map_err(|_| unreadable())?;
    let mut parts = entry.version_entries.split(|byte| *byte == 0);
    let mut versions = Vec::new();
    while let (Some(name), Some(line)) = (parts.next(), parts.next()) {
        versions.push((name, line));
    }
    Ok(versions)
}

fn parse(line: &[u8]) -> Result<Line, String> {
    serde_json::from_slice(line).map_err(|_| unreadable())
}

fn unreadable() -> String {
    "is not an entry of an index cache that weft can read".to_owned()
}

fn day(time: Timestamp) -> jiff::civil::Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Reads when a version was published, without the rest of its line.
///
/// A quote within a string of JSON is escaped, so the key is found nowhere else.
fn published(line: &[u8]) -> Option<Timestamp> {
    const KEY: &[u8] = b"\"pubtime\"";
    let at = line.windows(KEY.len()).rposition(|window| window == KEY)?;
    let rest = line[at + KEY.len()..].trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "d1bb2d9926b9bd18e51fc8edd663e311ff3b1fb96c9d4689854f8686f7c6c216";

    const NONE: Others<'static> = Others { first: &|_| None, is_locked: &|_| true, is_given: None };

    fn entry(lines: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = vec![3, 2, 0, 0, 0];
        bytes.extend(b"etag: \"x\"\0");
        for (version, more) in lines {
            let line = format!(
                "{version}\0{{\"name\":\"a\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{DIGEST}\",\"features\":{{}}{more}}}\0"
            );
            bytes.extend(line.into_bytes());
        }
        bytes
    }

    #[test]
    fn the_locked_version_is_found_with_its_day() {
        let bytes = entry(&[
            ("1.0.0", ",\"yanked\":true"),
            ("1.0.1", ",\"yanked\":false,\"pubtime\":\"2026-11-19T23:59:59Z\""),
        ]);
        let digest: Sha256 = DIGEST.parse().unwrap();
        let found = |version: &str| {
            let release = find(&bytes, &version.parse().unwrap(), Some(&digest), &NONE).unwrap();
            release.map(|release| (release.published, release.yanked))
        };
        assert_eq!(found("1.0.0"), Some((None, true)));
        let published = Some(jiff::civil::date(2026, 11, 19));
        assert_eq!(found("1.0.1"), Some((published, false)));
        assert_eq!(found("1.0.2"), None);
        let other = Sha256::of(b"another archive");
        assert_eq!(find(&bytes, &"1.0.0".parse().unwrap(), Some(&other), &NONE), Ok(None));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let version = "1.0.0".parse().unwrap();
        let sound = entry(&[("1.0.0", ",\"yanked\":false,\"pubtime\":\"soon\"")]);
        for bytes in [&b""[..], b"\x03", b"\x02\x02\0\0\0", b"\x03\x02\0\0\0", &sound] {
            assert!(find(bytes, &version, None, &NONE).is_err(), "{bytes:?}");
        }
        for length in 0..sound.len() {
            _ = find(&sound[..length], &version, None, &NONE);
            _ = first_published(&sound[..length]);
        }
    }

    /// Looks back from the last version; each row has a version, its time and the crates that it asks for.
    #[track_caller]
    fn check(rows: &[(&str, &str, &str)], expected: Option<History>) {
        let mut bytes = vec![3, 2, 0, 0, 0];
        bytes.extend(b"etag: \"x\"\0");
        for (version, time, deps) in rows {
            let time =
                if time.is_empty() { String::new() } else { format!(",\"pubtime\": \"{time}\"") };
            let line = format!(
                "{version}\0{{\"name\":\"a\",\"vers\":\"{version}\",\"deps\":[{deps}],\"cksum\":\"{DIGEST}\",\"features\":{{\"pubtime\":[]}},\"yanked\":false{time}}}\0"
            );
            bytes.extend(line.into_bytes());
        }
        let first = |name: &str| match name {
            "old" => "2010-01-01T00:00:00Z".parse().ok(),
            "fresh" => "2026-08-20T02:00:00Z".parse().ok(),
            "later" => "2027-01-01T00:00:00Z".parse().ok(),
            _ => None,
        };
        let others =
            Others { first: &first, is_locked: &|name| name != "unlocked", is_given: None };
        let version = rows.last().unwrap().0.parse().unwrap();
        let release = find(&bytes, &version, None, &others).unwrap().unwrap();
        assert_eq!(release.history, expected, "{rows:?}");
    }

    fn past(
        first: (i16, i8, i8),
        before: Option<(&str, u64)>,
        added: &[(&str, Option<u64>)],
    ) -> Option<History> {
        let added = added
            .iter()
            .map(|(name, age_hours)| Added { age_hours: *age_hours, name: (*name).to_owned() });
        let previous =
            before.map(|(version, gap_days)| Previous { gap_days, version: version.to_owned() });
        let first_published = jiff::civil::date(first.0, first.1, first.2);
        Some(History { added: added.collect(), first_published, previous })
    }

    #[test]
    fn a_burst_of_releases_does_not_hide_the_silence_before_it() {
        let (fresh, none) = ("{\"name\":\"fresh\",\"kind\":\"normal\"}", "");
        let (first, silent) =
            (("0.3.8", "2020-01-01T00:00:00Z", none), ("0.3.9", "2024-09-15T00:00:00Z", none));
        let awake = ("0.3.10", "2026-08-20T04:30:00Z", fresh);
        let again = ("0.3.11", "2026-08-21T00:00:00Z", fresh);
        let day = (2020, 1, 1);
        check(&[first, silent, awake], past(day, Some(("0.3.9", 704)), &[("fresh", Some(2))]));
        check(
            &[first, silent, awake, again],
            past(day, Some(("0.3.9", 705)), &[("fresh", Some(22))]),
        );
        check(&[first, silent], past(day, Some(("0.3.8", 1719)), &[]));
        check(&[first], past(day, None, &[]));
    }

    #[test]
    fn what_tests_ask_for_and_what_is_not_locked_is_not_added() {
        let old = ("1.0.0", "2026-01-01T00:00:00Z", "{\"name\":\"a\"}");
        let asks = |deps: &str, added: &[(&str, Option<u64>)]| {
            let new = ("1.1.0", "2026-08-20T02:00:00Z", deps);
            check(&[old, new], past((2026, 1, 1), Some(("1.0.0", 231)), added));
        };
        asks("{\"name\":\"a\"},{\"name\":\"fresh\",\"kind\":\"dev\"}", &[]);
        asks("{\"name\":\"unlocked\"}", &[]);
        asks("{\"name\":\"b\",\"package\":\"fresh\",\"kind\":\"build\"}", &[("fresh", Some(0))]);
        asks("{\"name\":\"fresh\",\"registry\":\"https://r\"}", &[("fresh", None)]);
        asks("{\"name\":\"later\"},{\"name\":\"who\"}", &[("later", Some(0)), ("who", None)]);
        asks("{\"name\":\"old\"}", &[("old", Some(145_802))]);
    }

    #[test]
    fn without_every_date_there_is_no_history() {
        check(&[("1.0.0", "", ""), ("1.1.0", "2026-08-20T02:00:00Z", "")], None);
    }
}
