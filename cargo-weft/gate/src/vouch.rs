//! Vouching: who looked at a package, and who attests where it comes from, as barriers ask for it.
//!
//! Signatures are verified before anything comes here; what is compared here is what they are about.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use crate::facts::Known;
use crate::inventory::Package;
use crate::policy::ProvenancePolicy;

/// What is known of those who vouch for packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouched {
    /// The attestations that are what a barrier expects.
    pub attested: Known<Vec<Attested>>,
    /// cargo-vet's audits of the crates that barriers name, by the crate's name.
    pub audits: Known<BTreeMap<String, Vec<Audit>>>,
    /// The archives that enough keys of a role signed.
    pub signed: Known<Vec<Signed>>,
}

/// An archive whose provenance is what a barrier expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// What was expected.
    pub expected: ProvenancePolicy,
    /// The digest of the archive.
    pub subject: Sha256,
}

/// An archive that enough keys of a role signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The role.
    pub role: String,
    /// The digest of the archive.
    pub subject: Sha256,
}

/// An audit of cargo-vet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The criteria it says are met, with all that they imply, sorted.
    pub criteria: Vec<String>,
    /// What was looked at.
    pub looked_at: LookedAt,
}

/// What an audit looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookedAt {
    /// The change from one version to another.
    Delta(Version, Version),
    /// A whole version.
    Version(Version),
    /// Versions that do not meet the criteria.
    Violation(VersionReq),
}

impl Vouched {
    /// Says whether a package was reviewed: an audit by these criteria leads to its version, or the role signed its
    /// archive.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub fn is_reviewed(
        &self,
        package: &Package,
        criteria: Option<&str>,
        role: Option<&str>,
    ) -> Result<bool, String> {
        let signed = role.map(|role| {
            let signed = self.signed.as_ref()?;
            let is_it = |s: &&Signed| s.role == role && Some(s.subject) == package.checksum;
            Ok(signed.iter().find(is_it).is_some())
        });
        let audited = criteria.map(|criteria| {
            let audits = self.audits.as_ref()?;
            // cargo-vet speaks of crates.io.
            let is_there = package.source.is_crates_io() && package.patch.is_none();
            let audits = audits.get(&package.name).filter(|_| is_there);
            Ok(audits.is_some_and(|audits| is_audited(audits, &package.version, criteria)))
        });
        let answers: [Option<Result<bool, &str>>; 2] = [signed, audited];
        let mut answers = answers.into_iter().flatten();
        if answers.clone().any(|answer| answer == Ok(true)) {
            return Ok(true);
        }
        answers.find_map(Result::err).map_or(Ok(false), |reason| Err(reason.to_owned()))
    }

    /// Says whether the archive of a package has the provenance that is expected.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub fn is_attested(
        &self,
        package: &Package,
        expected: &ProvenancePolicy,
    ) -> Result<bool, String> {
        let attested = self.attested.as_ref().map_err(str::to_owned)?;
        let is_it = |a: &Attested| Some(a.subject) == package.checksum && a.expected == *expected;
        Ok(attested.iter().any(is_it))
    }
}

/// Says whether audits by these criteria lead to a version: one of it, or one of another and the changes from there on;
/// where any audit says that a version violates criteria, no way leads to it or through it.
fn is_audited(audits: &[Audit], version: &Version, criteria: &str) -> bool {
    let is_violation = |at: &Version| {
        audits.iter().any(|audit| {
            matches!(&audit.looked_at, LookedAt::Violation(versions) if versions.matches(at))
        })
    };
    let counted: Vec<&LookedAt> = audits
        .iter()
        .filter(|audit| audit.criteria.iter().any(|known| known == criteria))
        .map(|audit| &audit.looked_at)
        .collect();
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Version> = counted
        .iter()
        .filter_map(|looked_at| match looked_at {
            LookedAt::Version(version) => Some(version),
            LookedAt::Delta(..) | LookedAt::Violation(_) => None,
        })
        .collect();
    while let Some(at) = next.pop() {
        if is_violation(at) || !reached.insert(at) {
            continue;
        }
        next.extend(counted.iter().filter_map(|looked_at| match looked_at {
            LookedAt::Delta(from, to) if from == at => Some(to),
            LookedAt::Delta(..) | LookedAt::Version(_) | LookedAt::Violation(_) => None,
        }));
    }
    reached.contains(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(criteria: &[&str], looked_at: LookedAt) -> Audit {
        Audit { criteria: criteria.iter().map(|c| (*c).to_owned()).collect(), looked_at }
    }

    fn v(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn of(text: &str) -> LookedAt {
        match text.split_once(" -> ") {
            Some((from, to)) => LookedAt::Delta(v(from), v(to)),
            None => LookedAt::Version(v(text)),
        }
    }

    #[test]
    fn changes_lead_from_a_version_that_was_looked_at() {
        let deploy: &[&str] = &["safe-to-deploy", "safe-to-run"];
        let check = |looked: &[&str], version: &str, expected: bool| {
            let audits: Vec<Audit> = looked.iter().map(|text| audit(deploy, of(text))).collect();
            assert_eq!(is_audited(&audits, &v(version), "safe-to-deploy"), expected, "{looked:?}");
        };
        check(&[], "1.0.0", false);
        check(&["1.0.0"], "1.0.0", true);
        check(&["1.0.0"], "1.0.1", false);
        check(&["1.0.0", "1.0.0 -> 1.0.1", "1.0.1 -> 1.1.0"], "1.1.0", true);
        check(&["1.0.0", "1.0.1 -> 1.1.0"], "1.1.0", false);
        check(&["1.0.0 -> 1.0.1"], "1.0.1", false);
        // A change is looked at in one direction.
        check(&["1.0.1", "1.0.0 -> 1.0.1"], "1.0.0", false);
        check(&["1.0.0", "1.0.0 -> 1.0.1", "1.0.1 -> 1.0.0"], "1.0.1", true);
    }

    fn package(source: &str, patch: Option<&str>) -> Package {
        Package {
            checksum: Some(Sha256::of(b"archive")),
            dev: false,
            features: None,
            id: "pkg:cargo/a@1.0.0".to_owned(),
            manifest: None,
            member: false,
            name: "a".to_owned(),
            patch: patch.map(str::to_owned),
            place: crate::Place::whole("Cargo.lock"),
            selected: true,
            source: crate::inventory::Source::parse(source).unwrap(),
            version: v("1.0.0"),
        }
    }

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn lost<T>() -> Known<T> {
        Known::Unknown("unread".to_owned())
    }

    #[test]
    fn either_kind_of_review_is_enough_and_what_is_not_known_is_no_answer() {
        let unknown = || Err("unread".to_owned());
        let audited = |is: bool| {
            let audits = [("a".to_owned(), vec![audit(&["c"], of("1.0.0"))])];
            Known::Value(audits.into_iter().filter(|_| is).collect())
        };
        let signed = |role: &str| {
            let subject = Sha256::of(b"archive");
            Known::Value(vec![Signed { role: role.to_owned(), subject }])
        };
        let check = |audits: Known<BTreeMap<String, Vec<Audit>>>, signed: Known<Vec<Signed>>| {
            let vouched = Vouched { attested: Known::Value(Vec::new()), audits, signed };
            let package = package(CRATES_IO, None);
            [(Some("c"), Some("r")), (Some("c"), None), (None, Some("r")), (None, None)]
                .map(|(criteria, role)| vouched.is_reviewed(&package, criteria, role))
        };
        assert_eq!(check(audited(true), signed("x")), [Ok(true), Ok(true), Ok(false), Ok(false)]);
        assert_eq!(check(audited(false), signed("r")), [Ok(true), Ok(false), Ok(true), Ok(false)]);
        assert_eq!(check(audited(true), lost()), [Ok(true), Ok(true), unknown(), Ok(false)]);
        assert_eq!(check(audited(false), lost()), [unknown(), Ok(false), unknown(), Ok(false)]);
        assert_eq!(check(lost(), signed("r")), [Ok(true), unknown(), Ok(true), Ok(false)]);
    }

    #[test]
    fn an_audit_is_of_what_crates_io_has_and_a_signature_of_an_archive() {
        let vouched = Vouched {
            attested: Known::Value(Vec::new()),
            audits: Known::Value([("a".to_owned(), vec![audit(&["c"], of("1.0.0"))])].into()),
            signed: Known::Value(vec![Signed {
                role: "r".to_owned(),
                subject: Sha256::of(b"archive"),
            }]),
        };
        let other = "registry+https://registry.example.org/index";
        for (package, audited) in [
            (package(CRATES_IO, None), true),
            (package(CRATES_IO, Some("patch.crates-io")), false),
            (package(other, None), false),
        ] {
            assert_eq!(vouched.is_reviewed(&package, Some("c"), None), Ok(audited));
            assert_eq!(vouched.is_reviewed(&package, None, Some("r")), Ok(true));
            let unlocked = Package { checksum: None, ..package };
            assert_eq!(vouched.is_reviewed(&unlocked, None, Some("r")), Ok(false));
        }
    }

    #[test]
    fn a_way_of_weaker_criteria_or_through_a_violation_does_not_count() {
        let run: &[&str] = &["safe-to-run"];
        let deploy: &[&str] = &["safe-to-deploy", "safe-to-run"];
        let audits = [audit(deploy, of("1.0.0")), audit(run, of("1.0.0 -> 1.1.0"))];
        assert!(is_audited(&audits, &v("1.1.0"), "safe-to-run"));
        assert!(!is_audited(&audits, &v("1.1.0"), "safe-to-deploy"));
        let mut audits = vec![audit(deploy, of("1.0.0")), audit(deploy, of("1.0.0 -> 1.1.0"))];
        assert!(is_audited(&audits, &v("1.1.0"), "safe-to-deploy"));
        audits.push(audit(run, LookedAt::Violation("=1.0.0".parse().unwrap())));
        assert!(!is_audited(&audits, &v("1.1.0"), "safe-to-deploy"));
        assert!(!is_audited(&audits, &v("1.0.0"), "safe-to-run"));
    }
}
