//! Attestations of keys: who may vouch for what, and what has to be the same.

use std::collections::BTreeMap;

use serde_json::json;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::json::{Limits, Value, read};
use weft_verify::role::Roles;
use weft_verify::sign::SigningKey;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{AsOf, Sha256};

use super::attestation::{BUILD_ROLE, Shelf, Who};
use super::summary::{self, GATE_ROLE, MERGE, Of, RELEASE};
use super::*;
use crate::inventory::{Inventory, from_lock};
use crate::provenance::bundle::Part;
use crate::provenance::statement::SLSA_V1;
use crate::release::{Source, provenance};
use crate::verdict::Verdict;

const CHECKSUM: &str = "1111111111111111111111111111111111111111111111111111111111111111";

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

/// The first two keys build, the third signs verdicts; a build wants as many as asked.
fn roles(threshold: u32) -> Roles {
    let mut text = format!(
        "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = 1\n[roles.{BUILD_ROLE}]\nthreshold = {threshold}\n[roles.{GATE_ROLE}]\nthreshold = 1\n[revocations]\nnumber = 0\n"
    );
    for (number, role) in [(1, BUILD_ROLE), (2, BUILD_ROLE), (3, GATE_ROLE)] {
        let public = key(number).public();
        text += &format!(
            "[[keys]]\nname = \"k{number}\"\npublic = \"{public}\"\nroles = [\"maintainer\", \"{role}\"]\n"
        );
    }
    crate::input::roles::parse("roles.toml", text.as_bytes(), None).unwrap()
}

fn inventory() -> Inventory {
    let text = format!(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"dep\"]\n\n[[package]]\nname = \"dep\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{CHECKSUM}\"\n"
    );
    let lockfile = crate::input::lockfile::parse("Cargo.lock", text.as_bytes()).unwrap();
    from_lock(&lockfile, &[], false)
}

fn value(json: serde_json::Value) -> Value {
    read(json.to_string().as_bytes(), Limits::FOREIGN).unwrap()
}

fn signed(statement: &Statement, by: &[u8]) -> Part {
    let mut envelope = Envelope::new(IN_TOTO, statement.to_vec().unwrap());
    by.iter().for_each(|number| key(*number).endorse(&mut envelope));
    Ok(envelope.to_vec())
}

fn about(bytes: &[u8], predicate_type: &str, predicate: serde_json::Value) -> Statement {
    let subject = ResourceDescriptor::of("app", &Artifact::of(bytes));
    Statement::new(vec![subject], predicate_type, value(predicate))
}

fn build(commit: &str, more: serde_json::Value) -> serde_json::Value {
    let repository = "https://example.org/a/b";
    let own = json!({"uri": format!("git+{repository}"), "digest": {"gitCommit": commit}});
    json!({
        "buildDefinition": {
            "buildType": "https://example.org/build",
            "externalParameters": {"workflow": {"repository": repository}},
            "resolvedDependencies": [own, more],
        },
        "runDetails": {"builder": {"id": "https://example.org/builder"}},
    })
}

/// Asks for something with attestations by name, of which `roles` may vouch.
fn asked<T>(parts: &[Part], roles: Option<&Roles>, ask: impl FnOnce(&Shelf<'_>) -> T) -> T {
    let parts: Vec<(String, Part)> =
        parts.iter().enumerate().map(|(i, part)| (format!("b{i}"), part.clone())).collect();
    let who = Who { as_of: AsOf::second(0), roles, signer: None };
    ask(&Shelf::new(Ok(&parts), who))
}

fn artifacts(all: &[&[u8]]) -> BTreeMap<String, Result<Artifact, String>> {
    all.iter().enumerate().map(|(i, bytes)| (format!("a{i}"), Ok(Artifact::of(bytes)))).collect()
}

#[test]
fn keys_of_the_role_vouch_for_builds_and_nobody_else_does() {
    let inventory = inventory();
    let check = |by: &[u8], threshold: u32, expected: StepResult| {
        let statement = about(b"app", SLSA_V1, build("c", json!({"uri": "x"})));
        let roles = roles(threshold);
        let step = asked(&[signed(&statement, by)], Some(&roles), |shelf| {
            provenance("c", Ok(&inventory), &artifacts(&[b"app"]), shelf)
        });
        assert_eq!(step.result, expected, "{by:?} {:?}", step.evidence);
    };
    check(&[1], 1, StepResult::Passed);
    check(&[1, 2], 2, StepResult::Passed);
    check(&[1], 2, StepResult::Failed);
    check(&[1, 1], 2, StepResult::Failed);
    check(&[3], 1, StepResult::Failed);
    check(&[4], 1, StepResult::Failed);
    let statement = about(b"app", SLSA_V1, build("c", json!({"uri": "x"})));
    let step = asked(&[signed(&statement, &[1])], None, |shelf| {
        provenance("c", Ok(&inventory), &artifacts(&[b"app"]), shelf)
    });
    assert_eq!(step.result, StepResult::Failed, "without roles nobody may");
}

#[test]
fn what_went_into_a_build_is_what_is_locked() {
    let inventory = inventory();
    let judged = |commit: &str, material: serde_json::Value| {
        let statement = about(b"app", SLSA_V1, build(commit, material));
        asked(&[signed(&statement, &[1])], Some(&roles(1)), |shelf| {
            provenance("c", Ok(&inventory), &artifacts(&[b"app"]), shelf)
        })
    };
    let dep = |version: &str, sha256: &str| json!({"uri": format!("pkg:cargo/dep@{version}"), "digest": {"sha256": sha256}});
    assert_eq!(judged("c", dep("1.0.0", CHECKSUM)).result, StepResult::Passed);
    assert_eq!(judged("c", json!({"uri": "pkg:cargo/dep@1.0.0"})).result, StepResult::Passed);
    for (commit, material, why) in [
        ("d", dep("1.0.0", CHECKSUM), "provenance/source"),
        ("c", dep("1.0.1", CHECKSUM), "the lockfile has no such package"),
        ("c", dep("1.0.0", &CHECKSUM.replace('1', "2")), "with other bytes"),
        ("c", json!({"uri": "pkg:cargo/other@1.0.0"}), "pkg:cargo/other@1.0.0 went into it"),
        ("c", json!({"uri": "pkg:Cargo/other@1.0.0?x=y"}), "pkg:cargo/other@1.0.0 went into it"),
        ("c", json!({"uri": "PKG:cargo/other@1.0.0"}), "is no package URL"),
        ("c", json!({"uri": "pkg:"}), "is no package URL"),
    ] {
        let step = judged(commit, material);
        assert_eq!(step.result, StepResult::Failed, "{why}");
        assert!(step.evidence[0].contains(why), "{:?}", step.evidence);
    }
    let statement = about(b"app", SLSA_V1, build("c", dep("1.0.0", CHECKSUM)));
    let unknown = asked(&[signed(&statement, &[1])], Some(&roles(1)), |shelf| {
        provenance("c", Err("no graph"), &artifacts(&[b"app"]), shelf)
    });
    assert_eq!(unknown.result, StepResult::Failed, "nothing to compare with");
}

#[test]
fn each_artifact_needs_an_attestation_and_one_may_be_about_several() {
    let inventory = inventory();
    let mut statement = about(b"one", SLSA_V1, build("c", json!({"uri": "x"})));
    let judged = |statement: &Statement, all: &[&[u8]]| {
        asked(&[signed(statement, &[1])], Some(&roles(1)), |shelf| {
            provenance("c", Ok(&inventory), &artifacts(all), shelf)
        })
    };
    assert_eq!(judged(&statement, &[b"one", b"two"]).result, StepResult::Missing);
    statement.subject.push(ResourceDescriptor::of("two", &Artifact::of(b"two")));
    assert_eq!(judged(&statement, &[b"one", b"two"]).result, StepResult::Passed);
    assert_eq!(judged(&statement, &[b"two"]).result, StepResult::Passed);
    // A subject that is the artifact by one digest and another by the next.
    let other = Artifact::of(b"other");
    let (algorithm, digits) = other.digests().last().unwrap();
    statement.subject[1].digest.insert(algorithm.name().to_owned(), digits.to_owned());
    let step = judged(&statement, &[b"one", b"two"]);
    assert_eq!(step.result, StepResult::Failed, "{:?}", step.evidence);
    assert!(step.evidence[0].starts_with("a1: "), "{:?}", step.evidence);
}

#[test]
fn what_cannot_be_read_is_told_in_few_lines_and_hides_nothing() {
    let inventory = inventory();
    let good = signed(&about(b"app", SLSA_V1, build("c", json!({"uri": "x"}))), &[1]);
    let parts = [vec![Ok(b"{".to_vec()); 9], vec![good]].concat();
    let step = asked(&parts, Some(&roles(1)), |shelf| {
        provenance("c", Ok(&inventory), &artifacts(&[b"app"]), shelf)
    });
    assert_eq!(step.result, StepResult::Passed, "{:?}", step.evidence);
    assert_eq!(step.evidence.len(), 2 + MAX_TOLD + 1);
    assert_eq!(step.evidence.last().unwrap(), "5 of 9 are told");
}

#[test]
fn a_bill_of_materials_is_the_inventory() {
    let inventory = inventory();
    let judged = |predicate_type: &str, document: serde_json::Value, by: &[u8]| {
        let statement = about(b"app", predicate_type, document);
        asked(&[signed(&statement, by)], Some(&roles(1)), |shelf| {
            bill(Ok(&inventory), &artifacts(&[b"app"]), shelf)
        })
    };
    let component = |name: &str| json!({"purl": format!("pkg:cargo/{name}")});
    let cyclonedx = |components: serde_json::Value| {
        let root = component("app@1.0.0");
        json!({"bomFormat": "CycloneDX", "metadata": {"component": root}, "components": components})
    };
    let good = cyclonedx(json!([component("dep@1.0.0"), {"purl": "pkg:deb/libc@2"}]));
    assert_eq!(judged(CYCLONEDX, good.clone(), &[1]).result, StepResult::Passed);
    assert_eq!(judged(CYCLONEDX, good, &[3]).result, StepResult::Failed, "another role");
    let nested = cyclonedx(json!([{"components": [component("dep@1.0.0?checksum=x")]}]));
    assert_eq!(judged(CYCLONEDX, nested, &[1]).result, StepResult::Passed);
    for (document, why) in [
        (cyclonedx(json!([])), "it does not list pkg:cargo/dep@1.0.0"),
        (cyclonedx(json!([component("dep@1.0.1")])), "it does not list pkg:cargo/dep@1.0.0"),
        (
            cyclonedx(json!([component("dep@1.0.0"), component("evil@1.0.0")])),
            "it lists what is not locked: pkg:cargo/evil@1.0.0",
        ),
        (
            cyclonedx(json!([component("dep@1.0.0"), {"purl": "pkg:/Cargo/evil@6.6.6"}])),
            "it lists what is not locked: pkg:cargo/evil@6.6.6",
        ),
        (cyclonedx(json!([component("dep@1.0.0"), {"purl": "evil"}])), "is no package URL"),
        (json!({"bomFormat": "lol", "components": [component("dep@1.0.0")]}), "`bomFormat` is not"),
        (cyclonedx(json!("x")), "`components` is not as"),
        (json!({}), "`spdxVersion` is not as"),
    ] {
        let step = judged(CYCLONEDX, document, &[1]);
        assert_eq!(step.result, StepResult::Failed, "{why}");
        assert!(step.evidence[0].contains(why), "{:?}", step.evidence);
    }
    let package = |purl: &str| {
        let reference = json!({"referenceType": "purl", "referenceLocator": purl});
        json!({"externalRefs": [reference]})
    };
    let packages = json!([package("pkg:cargo/app@1.0.0"), package("pkg:cargo/dep@1.0.0")]);
    let spdx = json!({"spdxVersion": "SPDX-2.3", "packages": packages});
    assert_eq!(judged(SPDX, spdx, &[1]).result, StepResult::Passed);
    let step =
        asked(&[], Some(&roles(1)), |shelf| bill(Err("no lockfile"), &artifacts(&[b"app"]), shelf));
    assert_eq!(step.result, StepResult::Missing);
}

fn of<'a>(source: &'a Source, verdict: &'a Verdict, gate: &'static str) -> Of<'a> {
    Of {
        gate,
        inventory: Some(Sha256::of(b"inventory")),
        relied: vec![("x".to_owned(), Sha256::of(b"x"))],
        outcome: Outcome::Passed,
        policy: Sha256::of(b"policy"),
        resource: "r".to_owned(),
        source,
        steps: &[],
        verdict,
    }
}

#[test]
fn a_verdict_of_the_merge_gate_counts_for_its_own_tree_policy_and_inventory() {
    let source = Source { commit: "c".to_owned(), tree: "t".to_owned(), changed: None };
    let verdict = sample::verdict();
    let made = |change: &dyn Fn(&mut Of<'_>), by: u8| {
        let mut of = of(&source, &verdict, MERGE);
        change(&mut of);
        let statement = summary::summary(vec![summary::subject(&source)], &of).unwrap();
        signed(&statement, &[by])
    };
    let judged = |parts: &[Part]| {
        asked(parts, Some(&roles(1)), |shelf| {
            let inventories = [Sha256::of(b"other"), Sha256::of(b"inventory")];
            merge_verdict(Ok(&source), &inventories, Sha256::of(b"policy"), shelf)
        })
    };
    let same = |_: &mut Of<'_>| {};
    let elsewhere = Source { tree: "u".to_owned(), ..source.clone() };
    assert_eq!(judged(&[made(&same, 3)]).result, StepResult::Passed);
    assert_eq!(judged(&[]).result, StepResult::Missing);
    assert_eq!(judged(&[made(&|of| of.gate = RELEASE, 3)]).result, StepResult::Missing);
    let foreign = of(&elsewhere, &verdict, MERGE);
    let foreign = summary::summary(vec![summary::subject(&elsewhere)], &foreign).unwrap();
    assert_eq!(judged(&[signed(&foreign, &[3])]).result, StepResult::Missing);
    for (change, by) in [
        (&(|of: &mut Of<'_>| of.policy = Sha256::of(b"p")) as &dyn Fn(&mut Of<'_>), 3),
        (&|of: &mut Of<'_>| of.inventory = Some(Sha256::of(b"i")), 3),
        (&|of: &mut Of<'_>| of.inventory = None, 3),
        (&|of: &mut Of<'_>| of.outcome = Outcome::Failed, 3),
        (&|of: &mut Of<'_>| of.outcome = Outcome::Inconclusive, 3),
        (&same, 1),
        (&same, 4),
    ] {
        let step = judged(&[made(change, by)]);
        assert_eq!(step.result, StepResult::Failed, "{:?}", step.evidence);
        // A good one beside it counts all the same.
        assert_eq!(judged(&[made(change, by), made(&same, 3)]).result, StepResult::Passed);
    }
}

#[test]
fn a_summary_says_everything_that_a_later_gate_compares() {
    let source = Source { commit: "c".to_owned(), tree: "t".to_owned(), changed: None };
    let verdict = sample::verdict();
    let mut of = of(&source, &verdict, MERGE);
    let steps = [Step::new("audit", StepResult::Missing, Vec::new(), "x")];
    of.steps = &steps;
    of.outcome = Outcome::Inconclusive;
    let statement = summary::summary(vec![summary::subject(&source)], &of).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&statement.to_vec().unwrap()).unwrap();
    let predicate = &written["predicate"];
    assert_eq!(written["predicateType"], "https://slsa.dev/verification_summary/v1");
    assert_eq!(written["subject"][0]["digest"], json!({"gitCommit": "c", "gitTree": "t"}));
    assert_eq!(predicate["verificationResult"], "FAILED");
    assert_eq!(predicate["weft"]["steps"], json!([{"check": "audit", "result": "missing"}]));
    assert_eq!(predicate["inputAttestations"].as_array().unwrap().len(), 2);
    let sha256 = Sha256::of(&verdict.to_canonical().unwrap()).to_string();
    assert_eq!(predicate["inputAttestations"][1]["digest"]["sha256"], sha256);
    assert!(predicate.get("timeVerified").is_none());
}

#[test]
fn requirements_of_an_audit_are_evaluated_and_deny_nothing() {
    let policy = sample::policy();
    let unknown = sample::verdict();
    let mut good = unknown.clone();
    good.not_evaluated.clear();
    good.findings.clear();
    good.summary = Some(crate::verdict::Summary {
        cycles: 0,
        edges: 0,
        external: 0,
        f50_thousandths: None,
        locked: 0,
        members: 0,
        precision: crate::inventory::Precision::Lock,
    });
    let result = |name, verdict: &Verdict| covered(name, verdict, &policy).map(|step| step.result);
    for name in Requirement::ALL {
        let of_audit = Requirement::OF_MERGE.contains(&name);
        assert_eq!(result(name, &unknown), of_audit.then_some(StepResult::Missing), "{name:?}");
        assert_eq!(result(name, &good), of_audit.then_some(StepResult::Passed), "{name:?}");
    }
    for (code, name, neighbour) in [
        ("advisory/unsound", Requirement::Advisories, Requirement::Inventory),
        ("inventory/yanked", Requirement::Inventory, Requirement::Advisories),
        ("claim/weakened", Requirement::Claims, Requirement::Evidence),
        ("wording/new-promise", Requirement::Claims, Requirement::Evidence),
        ("evidence/stale", Requirement::Evidence, Requirement::Claims),
    ] {
        let mut verdict = good.clone();
        let place = crate::Place::whole("Cargo.toml");
        let mut finding = crate::Finding::new(code, "x", place, "x");
        finding.level = crate::policy::Level::Warn;
        verdict.findings.push(finding);
        assert_eq!(result(name, &verdict), Some(StepResult::Passed), "{code} warns");
        verdict.findings[0].level = crate::policy::Level::Deny;
        assert_eq!(result(name, &verdict), Some(StepResult::Failed), "{code}");
        assert_eq!(result(neighbour, &verdict), Some(StepResult::Passed), "{code}");
    }
    let mut off = policy.clone();
    off.checks.iter_mut().for_each(|(_, level)| *level = crate::policy::Level::Off);
    let step = covered(Requirement::Advisories, &good, &off).unwrap();
    assert_eq!(step.result, StepResult::Missing, "what is switched off is not looked at");
    good.summary = None;
    assert_eq!(result(Requirement::Advisories, &good), Some(StepResult::Missing));
}

#[test]
fn what_failed_goes_before_what_is_missing() {
    let steps = |results: &[StepResult]| {
        results.iter().map(|r| Step::new("x", *r, Vec::new(), "y")).collect::<Vec<_>>()
    };
    use StepResult::{Failed, Missing, Passed};
    assert_eq!(outcome(&steps(&[Passed, Passed])), Outcome::Passed);
    assert_eq!(outcome(&steps(&[Passed, Missing])), Outcome::Inconclusive);
    assert_eq!(outcome(&steps(&[Missing, Failed, Passed])), Outcome::Failed);
    assert_eq!(outcome(&[]), Outcome::Inconclusive);
}

#[test]
fn lines_are_told_up_to_a_bound_and_what_is_left_out_is_counted() {
    let lines = |count: usize| vec!["x".to_owned(); count];
    assert_eq!(cut(lines(MAX_TOLD)), lines(MAX_TOLD));
    assert_eq!(cut(lines(MAX_TOLD + 1)).last().unwrap(), "5 of 6 are told");
    let inventory = inventory();
    let listed = |count: usize| {
        let evil = (0..count).map(|n| json!({"purl": format!("pkg:cargo/evil{n}@1.0.0")}));
        let known = ["app", "dep"].map(|name| json!({"purl": format!("pkg:cargo/{name}@1.0.0")}));
        let components: Vec<_> = known.into_iter().chain(evil).collect();
        let document = json!({"bomFormat": "CycloneDX", "components": components});
        let statement = about(b"app", CYCLONEDX, document);
        let step = asked(&[signed(&statement, &[1])], Some(&roles(1)), |shelf| {
            bill(Ok(&inventory), &artifacts(&[b"app"]), shelf)
        });
        step.evidence[0].clone()
    };
    assert!(listed(5).contains("evil4@1.0.0 (provenance/material)"), "{}", listed(5));
    assert!(listed(7).contains("evil4@1.0.0 and 2 more (provenance/material)"), "{}", listed(7));
}

#[test]
fn components_are_nested_so_deep_and_no_deeper() {
    let inventory = inventory();
    let result = |depth: usize| {
        let mut component = json!({"purl": "pkg:cargo/dep@1.0.0"});
        for _ in 0..depth {
            component = json!({"components": [component]});
        }
        let app = json!({"purl": "pkg:cargo/app@1.0.0"});
        let document = json!({"bomFormat": "CycloneDX", "components": [app, component]});
        let statement = about(b"app", CYCLONEDX, document);
        let step = asked(&[signed(&statement, &[1])], Some(&roles(1)), |shelf| {
            bill(Ok(&inventory), &artifacts(&[b"app"]), shelf)
        });
        step.result
    };
    assert_eq!(result(32), StepResult::Passed);
    assert_eq!(result(33), StepResult::Failed);
}

#[test]
fn verdicts_that_are_of_no_use_here_are_counted() {
    let source = Source { commit: "c".to_owned(), tree: "t".to_owned(), changed: None };
    let verdict = sample::verdict();
    let of_release = of(&source, &verdict, RELEASE);
    let release = summary::summary(vec![summary::subject(&source)], &of_release).unwrap();
    let parts = vec![signed(&release, &[3]); 2];
    let step = asked(&parts, Some(&roles(1)), |shelf| {
        assert_eq!(shelf.digests().count(), 2);
        merge_verdict(Ok(&source), &[], Sha256::of(b"policy"), shelf)
    });
    assert_eq!(step.result, StepResult::Missing);
    assert!(step.evidence[1].starts_with("2 verdicts are about another tree"), "{step:?}");
    assert_eq!(release.subject[0].name.as_deref(), Some("git"));
}
