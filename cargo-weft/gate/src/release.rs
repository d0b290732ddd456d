//! Releases: a manifest that names every artifact and what it was made of, and whether that may be published.
//!
//! The manifest is an in-toto statement with the predicate `release/v0.1`, whose subjects are the artifacts; what weft
//! adds binds it to a commit, an inventory, a policy, a verdict and the release before it.
//! Signatures are counted elsewhere ([`weft_verify::threshold`]); [`judge`] compares the rest.
//! Specified in `docs/src/spec/release.md`.

mod provenance;
pub mod reproduce;

pub(crate) use provenance::attested;
pub use provenance::provenance;

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};
use weft_verify::digest::Artifact;
use weft_verify::json::{self, Limits, Value};
use weft_verify::statement::Statement;
use weft_verify::{Rejection, Sha256, canonical};

use crate::gate::{Step, StepResult, cut};
use crate::verdict::{Outcome, Verdict};

/// The predicate type of a release manifest.
pub const PREDICATE: &str = "https://in-toto.io/attestation/release/v0.1";

/// The version of what weft adds to it.
pub const SCHEMA: u32 = 1;

/// The role whose keys sign it.
pub const ROLE: &str = "release";

/// What a release manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The package that is released.
    pub purl: String,
    /// The version that is released, once more: what the predicate calls it.
    pub release_id: String,
    /// What it was made of.
    pub weft: Made,
}

/// What a release was made of, and which one it follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Made {
    /// The commit of the sources.
    pub commit: String,
    /// The digest of the inventory.
    pub inventory: Sha256,
    /// The digest of the policy in force.
    pub policy: Sha256,
    /// The digest of the previous release's manifest; nothing for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Sha256>,
    /// The revocation number of the roles that were in force.
    pub revocations: u64,
    /// The manifest to go back to if this release has to be withdrawn: the last one known to be good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Sha256>,
    /// The version of this format.
    pub schema: u32,
    /// The tree of the sources.
    pub tree: String,
    /// The digest of the verdict on the sources.
    pub verdict: Sha256,
    /// The version that is released.
    pub version: Version,
}

impl Manifest {
    /// Writes the predicate.
    ///
    /// # Errors
    ///
    /// None for a manifest of this crate; see [`canonical::to_vec`].
    pub fn to_value(&self) -> Result<Value, canonical::Unwritable> {
        let bytes = canonical::to_vec(self)?;
        Ok(json::read(&bytes, Limits::RECORD).unwrap_or(Value::Null))
    }

    /// Reads the manifest of a statement.
    ///
    /// # Errors
    ///
    /// [`Rejection::PredicateType`], or a rejection of the family `record`.
    pub fn of(statement: &Statement) -> Result<Self, Rejection> {
        statement.demand_predicate(PREDICATE)?;
        let manifest: Self = json::from_value(&statement.predicate)?;
        if manifest.weft.schema != SCHEMA {
            let (found, known) = (u64::from(manifest.weft.schema), u64::from(SCHEMA));
            return Err(Rejection::SchemaUnknown { found, known });
        }
        if manifest.release_id != manifest.weft.version.to_string() {
            let (path, message) = ("releaseId".to_owned(), "is not the version".to_owned());
            return Err(Rejection::MemberInvalid { path, message });
        }
        Ok(manifest)
    }
}

/// A release that came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// The digest of its statement.
    pub sha256: Sha256,
    /// What it says.
    pub manifest: Manifest,
}

/// The sources as they are checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// A file that is not as the commit has it.
    pub changed: Option<String>,
}

/// What a manifest is compared with; what is not there is missing, and no pass.
#[derive(Debug)]
pub struct Found<'a> {
    /// The artifacts that are to be published, by name, each with its digest or why it is none.
    pub artifacts: BTreeMap<String, Result<Sha256, String>>,
    /// The digest of the inventory, or why it is not known.
    pub inventory: Result<Sha256, String>,
    /// The packages of the workspace, each as `name@version`.
    pub members: Vec<String>,
    /// The digest of the policy in force.
    pub policy: Sha256,
    /// The manifest of the previous release, or why it cannot be read.
    pub previous: Result<Option<&'a Previous>, String>,
    /// The sources, or why they are not known.
    pub source: Result<&'a Source, String>,
    /// The verdict that the manifest speaks of, with the digest of its file, or why it cannot be read.
    pub verdict: Result<Option<(&'a Verdict, Sha256)>, String>,
}

/// Compares a manifest, which enough keys signed, with what is there; every step is gone through.
pub fn judge(statement: &Statement, manifest: &Manifest, found: &Found<'_>) -> Vec<Step> {
    vec![
        artifacts(statement, found),
        package(manifest, found),
        source(&manifest.weft, found),
        inventory(&manifest.weft, found),
        policy(&manifest.weft, found),
        verdict(&manifest.weft, found),
        chain(manifest, found),
    ]
}

fn artifacts(statement: &Statement, found: &Found<'_>) -> Step {
    let mut named = BTreeMap::new();
    let (mut wrong, mut missing) = (Vec::new(), Vec::new());
    for subject in &statement.subject {
        let name = subject.name.clone().unwrap_or_default();
        let digest = subject.digest.get("sha256").and_then(|digits| digits.parse::<Sha256>().ok());
        if named.insert(name.clone(), digest).is_some() {
            wrong.push(format!("the manifest names {name} twice"));
        }
    }
    for (name, digest) in &named {
        match (found.artifacts.get(name), digest) {
            (None, _) => missing.push(format!("{name} is not there")),
            (Some(Ok(is)), Some(wanted)) if is == wanted => {}
            (Some(Ok(is)), _) => wrong.push(format!("{name} is another file: sha256:{is}")),
            (Some(Err(why)), _) => wrong.push(format!("{name} {why}")),
        }
    }
    let unnamed = found.artifacts.keys().filter(|name| !named.contains_key(*name));
    wrong.extend(unnamed.map(|name| format!("the manifest does not name {name}")));
    let result = match (wrong.is_empty(), missing.is_empty()) {
        (true, true) => StepResult::Passed,
        (true, false) => StepResult::Missing,
        (false, _) => StepResult::Failed,
    };
    let mut evidence = [wrong, missing].concat();
    if evidence.is_empty() {
        evidence.push(format!("{} artifacts, each with its digest", named.len()));
    }
    let remedy = "Publish exactly what the manifest names, or have a new one signed: `cargo weft release prepare`.";
    Step::new("artifacts", result, evidence, remedy)
}

/// Demands artifacts that can be read, where no manifest says which there are.
pub fn present(artifacts: &BTreeMap<String, Result<Artifact, String>>) -> Step {
    let remedy =
        "Name the directory of what is published, with regular files alone: --artifacts DIR.";
    let wrong = artifacts
        .iter()
        .filter_map(|(name, artifact)| artifact.as_ref().err().map(|why| format!("{name} {why}")));
    let wrong: Vec<String> = wrong.collect();
    let (result, lines) = match (artifacts.is_empty(), wrong.is_empty()) {
        (true, _) => (StepResult::Missing, vec!["there are none".to_owned()]),
        (false, false) => (StepResult::Failed, cut(wrong)),
        (false, true) => (StepResult::Passed, vec![format!("{} regular files", artifacts.len())]),
    };
    Step::new("artifacts", result, lines, remedy)
}

/// What is released is a package of the workspace, at the version that it states.
fn package(manifest: &Manifest, found: &Found<'_>) -> Step {
    let remedy = "Check out what the manifest is about; the version is that of Cargo.toml.";
    let is_it = |member: &String| format!("pkg:cargo/{member}") == manifest.purl;
    let (result, line) = match found.members.iter().any(is_it) {
        _ if found.members.is_empty() => {
            (StepResult::Missing, "the packages of the workspace are not known".to_owned())
        }
        true => (StepResult::Passed, manifest.purl.clone()),
        false => (
            StepResult::Failed,
            format!("{} is none of {}", manifest.purl, found.members.join(", ")),
        ),
    };
    Step::new("package", result, vec![line], remedy)
}

fn compared(
    check: &'static str,
    what: &str,
    wanted: &str,
    found: Result<String, String>,
    remedy: &'static str,
) -> Step {
    let (result, line) = match found {
        Ok(found) if found == wanted => (StepResult::Passed, format!("{what} {found}")),
        Ok(found) => {
            (StepResult::Failed, format!("{what} is {found}, and the manifest names {wanted}"))
        }
        Err(why) => (StepResult::Missing, format!("{what} is not known: {why}")),
    };
    Step::new(check, result, vec![line], remedy)
}

fn source(made: &Made, found: &Found<'_>) -> Step {
    let remedy = "Check out the commit that the manifest names, without changes.";
    let source = match &found.source {
        Ok(source) => source,
        Err(why) => {
            return Step::new("source", StepResult::Missing, vec![why.clone()], remedy);
        }
    };
    if let Some(path) = &source.changed {
        let line = format!("{path} is not as the commit has it");
        return Step::new("source", StepResult::Failed, vec![line], remedy);
    }
    let both = |commit: &str, tree: &str| format!("{commit} with the tree {tree}");
    let wanted = both(&made.commit, &made.tree);
    compared("source", "commit", &wanted, Ok(both(&source.commit, &source.tree)), remedy)
}

fn inventory(made: &Made, found: &Found<'_>) -> Step {
    let remedy = "Judge at the precision that the manifest was made with; the lockfile is part of the commit.";
    let is = found.inventory.clone().map(|digest| digest.to_string());
    compared("same-inventory", "inventory", &made.inventory.to_string(), is, remedy)
}

fn policy(made: &Made, found: &Found<'_>) -> Step {
    let remedy = "Judge by the policy that the manifest names, or have a new manifest signed.";
    let is = Ok(found.policy.to_string());
    compared("policy", "policy", &made.policy.to_string(), is, remedy)
}

/// The verdict that was signed: the one that the manifest names, passed, on this inventory and by this policy.
fn verdict(made: &Made, found: &Found<'_>) -> Step {
    let remedy = "Name the verdict that `cargo weft release prepare` wrote: --verdict FILE.";
    let (verdict, digest) = match &found.verdict {
        Ok(Some((verdict, digest))) => (*verdict, *digest),
        Ok(None) => {
            let line = format!("the verdict sha256:{} is not there", made.verdict);
            return Step::new("verdict", StepResult::Missing, vec![line], remedy);
        }
        Err(why) => return Step::new("verdict", StepResult::Missing, vec![why.clone()], remedy),
    };
    let input = |name: &str| verdict.inputs.iter().find(|i| i.name == name).map(|i| i.sha256);
    let mut wrong = Vec::new();
    if digest != made.verdict {
        wrong.push(format!("it is sha256:{digest}, and the manifest names {}", made.verdict));
    }
    if verdict.outcome != Outcome::Passed {
        wrong.push(format!("it says {}", verdict.outcome.as_str()));
    }
    for (name, wanted) in [("inventory", made.inventory), ("policy", made.policy)] {
        if input(name) != Some(wanted) {
            wrong.push(format!("it is of another {name}"));
        }
    }
    match wrong.is_empty() {
        true => {
            let line = format!("passed, as of {}", verdict.as_of);
            Step::new("verdict", StepResult::Passed, vec![line], remedy)
        }
        false => Step::new("verdict", StepResult::Failed, wrong, remedy),
    }
}

/// A lower version, or a manifest that does not follow the previous one, is a way back to what was mended since.
fn chain(manifest: &Manifest, found: &Found<'_>) -> Step {
    let made = &manifest.weft;
    let remedy =
        "Name the manifest of the previous release: --previous FILE; a version only rises.";
    let previous = match &found.previous {
        Ok(previous) => *previous,
        Err(why) => return Step::new("chain", StepResult::Missing, vec![why.clone()], remedy),
    };
    let (result, line) = match (previous, made.previous) {
        (None, None) => (StepResult::Passed, "the first release".to_owned()),
        (None, Some(wanted)) => {
            (StepResult::Missing, format!("the previous manifest sha256:{wanted} is not there"))
        }
        (Some(_), None) => {
            (StepResult::Failed, "the manifest says that it is the first release".to_owned())
        }
        (Some(previous), Some(wanted)) if previous.sha256 != wanted => (
            StepResult::Failed,
            format!("it follows sha256:{wanted}, and the previous one is {}", previous.sha256),
        ),
        (Some(previous), Some(_)) if name(&previous.manifest.purl) != name(&manifest.purl) => {
            (StepResult::Failed, format!("the previous release is of {}", previous.manifest.purl))
        }
        (Some(previous), Some(_)) if !is_higher(&made.version, &previous.manifest.weft.version) => {
            (
                StepResult::Failed,
                format!("{} is not above {}", made.version, previous.manifest.weft.version),
            )
        }
        (Some(previous), Some(_)) if previous.manifest.weft.revocations > made.revocations => (
            StepResult::Failed,
            format!(
                "its revocation number {} is behind {}",
                made.revocations, previous.manifest.weft.revocations
            ),
        ),
        (Some(previous), Some(_)) => (
            StepResult::Passed,
            format!("{} follows {}", made.version, previous.manifest.weft.version),
        ),
    };
    Step::new("chain", result, vec![line], remedy)
}

/// Says whether a version comes after another; what stands behind a `+` does not count (Semantic Versioning 2.0.0, 10).
pub fn is_higher(version: &Version, than: &Version) -> bool {
    version.cmp_precedence(than).is_gt()
}

/// Compares the roles that signatures are counted by with what the manifest and others know of revocations.
///
/// Roles that lie in what is judged were perhaps written by whoever wrote the rest.
pub fn roles(version: u64, sha256: Sha256, number: u64, newest: u64, is_trusted: bool) -> Step {
    let remedy = "Name roles that the project cannot change: --trusted-roles DIGEST, or --roles FILE outside of it.";
    let line =
        format!("version {version} of the roles, sha256:{sha256}, revocation number {number}");
    if number < newest {
        let behind = format!("revocation number {newest} is known, and these roles are behind it");
        return Step::new("roles", StepResult::Failed, vec![line, behind], remedy);
    }
    match is_trusted {
        true => Step::new("roles", StepResult::Passed, vec![line], remedy),
        false => {
            let why = "they lie in what is judged, and nobody says that they are the right ones";
            Step::new("roles", StepResult::Missing, vec![line, why.to_owned()], remedy)
        }
    }
}

/// Returns a package URL without its version.
fn name(purl: &str) -> &str {
    purl.split('@').next().unwrap_or(purl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Sha256 {
        Sha256::of(&[number])
    }

    fn manifest(version: &str, previous: Option<Sha256>, revocations: u64) -> Manifest {
        Manifest {
            purl: format!("pkg:cargo/app@{version}"),
            release_id: version.to_owned(),
            weft: Made {
                commit: "c".to_owned(),
                inventory: digest(1),
                policy: digest(2),
                previous,
                revocations,
                rollback: None,
                schema: SCHEMA,
                tree: "t".to_owned(),
                verdict: digest(3),
                version: Version::parse(version).unwrap(),
            },
        }
    }

    fn found(previous: Option<&Previous>) -> Found<'_> {
        Found {
            artifacts: BTreeMap::new(),
            inventory: Err("x".to_owned()),
            members: vec!["app@1.0.0".to_owned()],
            policy: digest(2),
            previous: Ok(previous),
            source: Err("x".to_owned()),
            verdict: Ok(None),
        }
    }

    #[test]
    fn a_manifest_follows_the_one_it_names_with_a_higher_version() {
        let check = |new: &Manifest, old: Option<(&Manifest, Sha256)>, expected: StepResult| {
            let old = old.map(|(manifest, sha256)| Previous { sha256, manifest: manifest.clone() });
            let step = chain(new, &found(old.as_ref()));
            assert_eq!(step.result, expected, "{:?}", step.evidence);
        };
        let first = manifest("1.0.0", None, 1);
        check(&first, None, StepResult::Passed);
        check(&first, Some((&first, digest(9))), StepResult::Failed);
        let follows = |version: &str, number: u64| manifest(version, Some(digest(9)), number);
        let old = Some((&first, digest(9)));
        check(&follows("1.0.1", 1), old, StepResult::Passed);
        check(&follows("1.0.1", 1), None, StepResult::Missing);
        check(&follows("1.0.1", 1), Some((&first, digest(8))), StepResult::Failed);
        check(&follows("1.0.0", 1), old, StepResult::Failed);
        check(&follows("0.9.0", 1), old, StepResult::Failed);
        check(&follows("1.0.0+later", 1), old, StepResult::Failed);
        check(&follows("1.0.1-rc.1", 1), old, StepResult::Passed);
        check(&follows("1.0.1", 0), old, StepResult::Failed);
        check(&follows("1.0.1", 2), old, StepResult::Passed);
        let other = Manifest { purl: "pkg:cargo/other@1.0.1".to_owned(), ..follows("1.0.1", 1) };
        check(&other, old, StepResult::Failed);
        let unread = Found { previous: Err("x".to_owned()), ..found(None) };
        assert_eq!(chain(&first, &unread).result, StepResult::Missing);
    }

    #[test]
    fn every_step_is_gone_through_whatever_came_of_those_before_it() {
        let manifest = manifest("1.0.0", None, 0);
        let statement = Statement::new(Vec::new(), PREDICATE, Value::Null);
        let steps = judge(&statement, &manifest, &found(None));
        let checks: Vec<&str> = steps.iter().map(|step| step.check).collect();
        let expected =
            ["artifacts", "package", "source", "same-inventory", "policy", "verdict", "chain"];
        assert_eq!(checks, expected);
    }

    #[test]
    fn a_package_is_one_of_the_workspace_at_its_version() {
        let check = |version: &str, members: &[&str], expected: StepResult| {
            let members = members.iter().map(|member| (*member).to_owned()).collect();
            let found = Found { members, ..found(None) };
            assert_eq!(package(&manifest(version, None, 0), &found).result, expected);
        };
        check("1.0.0", &["app@1.0.0"], StepResult::Passed);
        check("1.0.0", &["other@1.0.0", "app@1.0.0"], StepResult::Passed);
        check("1.0.1", &["app@1.0.0"], StepResult::Failed);
        check("1.0.0", &[], StepResult::Missing);
    }

    #[test]
    fn roles_are_trusted_and_know_of_every_revocation() {
        let result = |number: u64, newest: u64, trusted: bool| {
            roles(1, digest(1), number, newest, trusted).result
        };
        assert_eq!(result(1, 1, true), StepResult::Passed);
        assert_eq!(result(2, 1, true), StepResult::Passed);
        assert_eq!(result(0, 1, true), StepResult::Failed);
        assert_eq!(result(0, 1, false), StepResult::Failed);
        assert_eq!(result(1, 1, false), StepResult::Missing);
    }

    #[test]
    fn artifacts_are_those_that_the_manifest_names_and_no_others() {
        let subjects = ["a", "b"].map(|name| {
            weft_verify::statement::ResourceDescriptor::of(name, &Artifact::of(name.as_bytes()))
        });
        let statement = Statement::new(subjects.to_vec(), PREDICATE, Value::Null);
        let check = |files: &[(&str, Result<&str, &str>)], expected: StepResult| {
            let files = files.iter().map(|(name, bytes)| {
                let digest = bytes.map(|bytes| Sha256::of(bytes.as_bytes()));
                ((*name).to_owned(), digest.map_err(str::to_owned))
            });
            let found = Found { artifacts: files.collect(), ..found(None) };
            let step = artifacts(&statement, &found);
            assert_eq!(step.result, expected, "{:?}", step.evidence);
        };
        check(&[("a", Ok("a")), ("b", Ok("b"))], StepResult::Passed);
        check(&[("a", Ok("a"))], StepResult::Missing);
        check(&[], StepResult::Missing);
        check(&[("a", Ok("a")), ("b", Ok("a"))], StepResult::Failed);
        check(&[("a", Ok("a")), ("b", Err("is a link"))], StepResult::Failed);
        check(&[("a", Ok("a")), ("b", Ok("b")), ("c", Ok("c"))], StepResult::Failed);
    }

    #[test]
    fn a_verdict_passed_and_is_of_what_the_manifest_names() {
        let today = crate::gate::sample::verdict();
        let made = manifest("1.0.0", None, 0).weft;
        let mut good = today.clone();
        good.outcome = Outcome::Passed;
        good.inputs = [("inventory", digest(1)), ("policy", digest(2))]
            .map(|(name, sha256)| crate::facts::Input { name: name.to_owned(), sha256 })
            .to_vec();
        let result = |signed: &Verdict, sha256: Sha256| {
            let found = Found { verdict: Ok(Some((signed, sha256))), ..found(None) };
            verdict(&made, &found).result
        };
        assert_eq!(result(&good, digest(3)), StepResult::Passed);
        assert_eq!(result(&good, digest(4)), StepResult::Failed);
        for outcome in [Outcome::Failed, Outcome::Inconclusive] {
            let other = Verdict { outcome, ..good.clone() };
            assert_eq!(result(&other, digest(3)), StepResult::Failed);
        }
        for index in [0, 1] {
            let mut other = good.clone();
            other.inputs[index].sha256 = digest(9);
            assert_eq!(result(&other, digest(3)), StepResult::Failed);
            other.inputs.remove(index);
            assert_eq!(result(&other, digest(3)), StepResult::Failed);
        }
        assert_eq!(verdict(&made, &found(None)).result, StepResult::Missing);
    }

    #[test]
    fn source_inventory_and_policy_are_compared_whole() {
        let made = manifest("1.0.0", None, 0).weft;
        let source = |commit: &str, tree: &str, changed: Option<&str>| Source {
            commit: commit.to_owned(),
            tree: tree.to_owned(),
            changed: changed.map(str::to_owned),
        };
        for (is, expected) in [
            (source("c", "t", None), StepResult::Passed),
            (source("c", "u", None), StepResult::Failed),
            (source("d", "t", None), StepResult::Failed),
            (source("c", "t", Some("x")), StepResult::Failed),
        ] {
            let found = Found { source: Ok(&is), ..found(None) };
            assert_eq!(super::source(&made, &found).result, expected);
        }
        let with = |number: u8| Found {
            inventory: Ok(digest(number)),
            policy: digest(number),
            ..found(None)
        };
        assert_eq!(inventory(&made, &with(1)).result, StepResult::Passed);
        assert_eq!(inventory(&made, &with(2)).result, StepResult::Failed);
        assert_eq!(inventory(&made, &found(None)).result, StepResult::Missing);
        assert_eq!(policy(&made, &with(2)).result, StepResult::Passed);
        assert_eq!(policy(&made, &with(1)).result, StepResult::Failed);
    }

    #[test]
    fn a_manifest_states_its_version_twice_alike_in_a_known_format() {
        let read = |manifest: &Manifest| {
            let value = manifest.to_value().unwrap();
            Manifest::of(&Statement::new(Vec::new(), PREDICATE, value))
        };
        let good = manifest("1.0.0", None, 0);
        assert_eq!(read(&good).as_ref(), Ok(&good));
        let other = Manifest { release_id: "1.0.1".to_owned(), ..good.clone() };
        assert!(matches!(read(&other), Err(Rejection::MemberInvalid { .. })));
        let mut later = good;
        later.weft.schema = SCHEMA + 1;
        assert!(matches!(read(&later), Err(Rejection::SchemaUnknown { .. })));
    }
}
