//! Advisories of the RustSec database: TOML in Markdown, one file for each, `crates/<crate>/<id>.md`.
//!
//! `rustsec` reads them; this module refuses what it would not survive or not notice, and keeps what checks look at.
//! The folder `rust/`, advisories about the toolchain, is left out: a lockfile does not name the toolchain.

use jiff::civil::Date;
use rustsec::advisory::{Category, Informational};
use semver::VersionReq;

use super::text;
use super::tree::check_key_depth;
use crate::Diagnostic;
use crate::advisory::{Advisory, Kind, Severity};
use crate::place::SourceText;

/// The largest advisory that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// An advisory, and what reading the whole database is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The advisory.
    pub advisory: Advisory,
    /// The newest day it states: of its report or of its withdrawal.
    pub date: Date,
    /// Whether it counts: it was not withdrawn, and is about crates.io.
    pub counts: bool,
}

/// Reads an advisory; `file` is its path in the database, `crates/<crate>/<id>.md`.
///
/// # Errors
///
/// A [`Diagnostic`] for what is not an advisory, or is one of another crate or id than its path says.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Entry, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let fault = |message: String| Diagnostic::whole(file, message);
    // rustsec cuts a text that begins otherwise without regard for its characters.
    let begin = "```toml";
    let end = text.find("\n```").filter(|_| text.starts_with(begin));
    let end = end.ok_or_else(|| fault("an advisory begins with a block of TOML".to_owned()))?;
    check_key_depth(&SourceText::new(file, text.get(begin.len()..end).unwrap_or_default()))?;
    let read: rustsec::Advisory = text.parse().map_err(|e: rustsec::Error| fault(e.to_string()))?;
    let (id, package) = (read.metadata.id.to_string(), read.metadata.package.to_string());
    if file != format!("crates/{package}/{id}.md") {
        return Err(fault(format!("holds {id} of {package}, which belongs elsewhere")));
    }
    let day = |date: &rustsec::advisory::Date| -> Result<Date, Diagnostic> {
        date.as_str().parse().map_err(|e: jiff::Error| fault(e.to_string()))
    };
    let reported = day(&read.metadata.date)?;
    let withdrawn = read.metadata.withdrawn.as_ref().map(day).transpose()?;
    let elsewhere = read.metadata.source.as_ref().is_some_and(|s| !s.is_default_registry());
    Ok(Entry {
        date: withdrawn.unwrap_or(reported).max(reported),
        counts: withdrawn.is_none() && !elsewhere,
        advisory: advisory(&read, reported),
    })
}

fn advisory(read: &rustsec::Advisory, date: Date) -> Advisory {
    let affected = read.affected.clone().unwrap_or_default();
    let functions = affected.functions.into_iter().map(|(path, reqs)| (path.to_string(), reqs));
    let metadata = &read.metadata;
    Advisory {
        aliases: metadata.aliases.iter().map(ToString::to_string).collect(),
        arch: affected.arch.iter().map(|arch| arch.as_str().to_owned()).collect(),
        cvss: metadata.cvss.as_ref().map(ToString::to_string),
        date,
        functions: functions.collect(),
        id: metadata.id.to_string(),
        kind: kind(metadata, !read.versions.patched().is_empty()),
        os: affected.os.iter().map(|os| os.as_str().to_owned()).collect(),
        package: metadata.package.to_string(),
        patched: sorted(read.versions.patched()),
        severity: read.severity().map(severity),
        title: metadata.title.clone(),
        unaffected: sorted(read.versions.unaffected()),
    }
}

/// A crate whose deletion is expected was published to do harm, unless it has mended versions or the advisory says that it
/// informs of something else.
fn kind(metadata: &rustsec::advisory::Metadata, is_mended: bool) -> Kind {
    let word =
        |keyword: &rustsec::advisory::Keyword| matches!(keyword.as_str(), "malicious" | "malware");
    let malicious = metadata.categories.contains(&Category::Malicious)
        || metadata.keywords.iter().any(word)
        || metadata.expect_deleted && metadata.informational.is_none() && !is_mended;
    match &metadata.informational {
        _ if malicious => Kind::Malicious,
        None => Kind::Vulnerability,
        Some(Informational::Unmaintained) => Kind::Unmaintained,
        Some(Informational::Unsound) => Kind::Unsound,
        Some(_) => Kind::Notice,
    }
}

fn severity(severity: rustsec::advisory::Severity) -> Severity {
    match severity {
        rustsec::advisory::Severity::None => Severity::None,
        rustsec::advisory::Severity::Low => Severity::Low,
        rustsec::advisory::Severity::Medium => Severity::Medium,
        rustsec::advisory::Severity::High => Severity::High,
        rustsec::advisory::Severity::Critical => Severity::Critical,
    }
}

fn sorted(requirements: &[VersionReq]) -> Vec<VersionReq> {
    let mut requirements = requirements.to_vec();
    requirements.sort_by_key(ToString::to_string);
    requirements
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/time/RUSTSEC-2020-0071.md";

    fn document(more: &str) -> String {
        format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2020-0071\"\npackage = \"time\"\ndate = \"2020-11-18\"\n{more}\n\
             [versions]\npatched = [\">=0.2.23\"]\n```\n\n# Title\n\nText.\n"
        )
    }

    fn read(more: &str) -> Entry {
        parse(FILE, document(more).as_bytes()).unwrap()
    }

    #[test]
    fn every_optional_field_is_read() {
        let text = "aliases = [\"CVE-2020-26235\"]\nrelated = [\"CVE-2020-1\"]\ncategories = [\"code-execution\"]\n\
                    keywords = [\"segfault\"]\ncvss = \"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H\"\n\
                    references = [\"https://example.org/a\"]\nurl = \"https://example.org/b\"\nlicense = \"CC0-1.0\"\n\
                    expect-deleted = false\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                    [affected]\narch = [\"x86\"]\nos = [\"linux\"]\n[affected.functions]\n\
                    \"time::at\" = [\"= 0.1.0\", \"< 0.2.7\"]\n";
        let entry = read(text);
        let advisory = &entry.advisory;
        assert!(entry.counts);
        assert_eq!(advisory.severity, Some(Severity::Medium));
        assert_eq!((&*advisory.arch[0], &*advisory.os[0]), ("x86", "linux"));
        assert_eq!(advisory.aliases, ["CVE-2020-26235"]);
        assert_eq!(advisory.kind, Kind::Vulnerability);
        assert_eq!(advisory.title, "Title");
        assert_eq!(advisory.functions_in(&"0.2.6".parse().unwrap()), ["time::at"]);
        assert!(advisory.functions_in(&"0.2.9".parse().unwrap()).is_empty());
        assert!(advisory.affects(&"0.2.22".parse().unwrap()));
        assert!(!advisory.affects(&"0.2.23".parse().unwrap()));
        // RustSec counts a pre-release of the mended version as affected.
        assert!(advisory.affects(&"0.2.23-alpha".parse().unwrap()));
    }

    #[test]
    fn kinds_follow_the_fields() {
        assert_eq!(read("informational = \"unmaintained\"").advisory.kind, Kind::Unmaintained);
        assert_eq!(read("informational = \"unsound\"").advisory.kind, Kind::Unsound);
        assert_eq!(read("informational = \"odd\"").advisory.kind, Kind::Notice);
        assert_eq!(read("categories = [\"malicious\"]").advisory.kind, Kind::Malicious);
        // What has mended versions, or informs of something else, was not published to do harm.
        let deleted = document("expect-deleted = true");
        let kind = |text: &str| parse(FILE, text.as_bytes()).unwrap().advisory.kind;
        assert_eq!(kind(&deleted), Kind::Vulnerability);
        let unmended = deleted.replace("\">=0.2.23\"", "");
        assert_ne!(unmended, deleted);
        assert_eq!(kind(&unmended), Kind::Malicious);
        let informs = "expect-deleted = true\ninformational = \"unsound\"";
        assert_eq!(read(informs).advisory.kind, Kind::Unsound);
        assert!(!read("withdrawn = \"2021-01-01\"").counts);
        assert_eq!(read("withdrawn = \"2021-01-01\"").date, jiff::civil::date(2021, 1, 1));
        assert!(!read("source = \"registry+https://example.org/index\"").counts);
    }

    #[test]
    fn what_is_not_an_advisory_is_refused() {
        let refused = |file: &str, bytes: &[u8]| parse(file, bytes).unwrap_err().message;
        let text = document("");
        for cut in [0, 5, 40, 120, text.len() - 30] {
            refused(FILE, &text.as_bytes()[..cut]);
        }
        refused(FILE, "ééééééééééééééééééééé".as_bytes());
        refused(FILE, &[0xff, 0xfe]);
        refused(FILE, "```toml\n```".as_bytes());
        refused(FILE, document(&format!("x{} = 1", ".a".repeat(2000))).as_bytes());
        assert!(refused("crates/tame/RUSTSEC-2020-0071.md", text.as_bytes()).contains("elsewhere"));
        assert!(refused("crates/time/RUSTSEC-2020-0072.md", text.as_bytes()).contains("elsewhere"));
        refused(FILE, document("date = \"2020-02-31\"").as_bytes());
        refused(FILE, document("cvss = \"CVSS:3.1/AV:X\"").as_bytes());
        refused(FILE, text.replace(">=0.2.23", ">>0.2").as_bytes());
    }
}
