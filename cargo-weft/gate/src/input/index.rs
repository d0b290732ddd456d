//! Entries of Cargo's local cache of a registry's index: whether a version is yanked, and when it was published.
//!
//! `tame-index` reads the frame of an entry; of the versions in it only the locked one is parsed, since a popular crate
//! has hundreds.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use semver::Version;
use serde::Deserialize;
use tame_index::index::cache::ValidCacheEntry;
use weft_verify::Sha256;

use crate::facts::Release;

/// The largest entry that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
struct Line {
    vers: String,
    cksum: String,
    yanked: bool,
    #[serde(default)]
    pubtime: Option<String>,
}

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
) -> Result<Option<Release>, String> {
    let unreadable = || "is not an entry of an index cache that weft can read".to_owned();
    let entry = ValidCacheEntry::read(entry).map_err(|_| unreadable())?;
    let wanted = version.to_string();
    let mut parts = entry.version_entries.split(|byte| *byte == 0);
    while let (Some(name), Some(line)) = (parts.next(), parts.next()) {
        if name != wanted.as_bytes() {
            continue;
        }
        let line: Line = serde_json::from_slice(line).map_err(|_| unreadable())?;
        let is_other = checksum.is_some_and(|locked| locked.to_string() != line.cksum);
        if line.vers != wanted || is_other {
            return Ok(None);
        }
        let published = line.pubtime.map(|time| time.parse::<Timestamp>()).transpose();
        let published = published.map_err(|_| unreadable())?;
        let published = published.map(|time| time.to_zoned(TimeZone::UTC).date());
        return Ok(Some(Release { published, yanked: line.yanked }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "d1bb2d9926b9bd18e51fc8edd663e311ff3b1fb96c9d4689854f8686f7c6c216";

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
        let found = |version: &str| find(&bytes, &version.parse().unwrap(), Some(&digest)).unwrap();
        assert_eq!(found("1.0.0"), Some(Release { published: None, yanked: true }));
        let published = Some(jiff::civil::date(2026, 11, 19));
        assert_eq!(found("1.0.1"), Some(Release { published, yanked: false }));
        assert_eq!(found("1.0.2"), None);
        let other = Sha256::of(b"another archive");
        assert_eq!(find(&bytes, &"1.0.0".parse().unwrap(), Some(&other)), Ok(None));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let version = "1.0.0".parse().unwrap();
        let sound = entry(&[("1.0.0", ",\"yanked\":false,\"pubtime\":\"soon\"")]);
        for bytes in [&b""[..], b"\x03", b"\x02\x02\0\0\0", b"\x03\x02\0\0\0", &sound] {
            assert!(find(bytes, &version, None).is_err(), "{bytes:?}");
        }
        for length in 0..sound.len() {
            _ = find(&sound[..length], &version, None);
        }
    }
}
