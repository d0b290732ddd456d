//! The provenance of a release, with attestations that builds of others made.

use std::collections::BTreeMap;
use std::path::Path;

use weft_gate::gate::attestation::{Shelf, Who};
use weft_gate::gate::{Step, StepResult};
use weft_gate::provenance::Refusal;
use weft_gate::provenance::expectation::Expectation;
use weft_gate::provenance::sigstore::Trust;
use weft_gate::release::provenance;
use weft_verify::AsOf;
use weft_verify::digest::Artifact;

use super::{folders, read};

const BUNDLE: &str = "provenance/slsa/gha_generic_v2.1.0-binary-linux-amd64-push-v14.sigstore.json";
const ARTIFACT: &str = "sha256:376e7e01348585b6e6643bc6663146b9d525d9b41228bf180eaeb4d4a3706caa";
const COMMIT: &str = "4d329c75e7ec1725f7c9ce917a8799d408d06be3";

fn expected() -> Expectation {
    Expectation {
        issuer: Some("https://token.actions.githubusercontent.com".to_owned()),
        source_repository: Some("slsa-framework/example-package".to_owned()),
        ..Expectation::default()
    }
}

fn artifact(digest: &str) -> Artifact {
    Artifact::named(digest).unwrap()
}

/// Judges artifacts, each by its digest, with bundles.
fn judged(
    commit: &str,
    artifacts: &[(&str, Result<Artifact, String>)],
    bundles: &[Result<Vec<u8>, Refusal>],
    expected: &Expectation,
) -> Step {
    let trust = Trust::embedded("public-good").unwrap();
    let named = bundles.iter().enumerate().map(|(i, part)| (format!("b{i}"), part.clone()));
    let named: Vec<_> = named.collect();
    let who = Who { as_of: AsOf::second(0), roles: None, signer: Some((expected, &trust)) };
    let shelf = Shelf::new(Ok(&named), who);
    let artifacts: BTreeMap<_, _> =
        artifacts.iter().map(|(name, is)| ((*name).to_owned(), is.clone())).collect();
    provenance(commit, Err("no graph"), &artifacts, &shelf)
}

fn bundles_of(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let other = "provenance/conformance/happy-path-v0.3.sigstore.json";
    (read(&folder.join(BUNDLE)), read(&folder.join(other)))
}

#[test]
fn each_artifact_is_built_from_the_commit_that_was_signed() {
    for folder in folders().into_iter().filter(|folder| folder.join(BUNDLE).is_file()) {
        let (slsa, other) = bundles_of(&folder);
        let app = [("app", Ok(artifact(ARTIFACT)))];
        let (good, foreign) = ([Ok(slsa.clone())], [Ok(other)]);
        let step = judged(COMMIT, &app, &good, &expected());
        assert_eq!(step.result, StepResult::Passed, "{:?}", step.evidence);
        assert!(step.evidence.iter().any(|line| line.contains("generator_generic_slsa3")));

        // What cannot be read is told, and what is about something else does no harm.
        let bad = Err(Refusal::Bundle("x".to_owned()));
        let cut = Ok(slsa[..slsa.len() / 2].to_vec());
        let all = [&[bad, cut], &foreign[..], &good[..]].concat();
        let step = judged(COMMIT, &app, &all, &expected());
        assert_eq!(step.result, StepResult::Passed, "{:?}", step.evidence);
        for name in ["b0: ", "b1: "] {
            assert!(step.evidence.iter().any(|line| line.starts_with(name)), "{:?}", step.evidence);
        }

        // Another commit, and one that is a part of it.
        for commit in ["5d329c75e7ec1725f7c9ce917a8799d408d06be3", &COMMIT[..12], ""] {
            let step = judged(commit, &app, &good, &expected());
            assert_eq!(step.result, StepResult::Failed, "{:?}", step.evidence);
            assert!(step.evidence[0].contains("provenance/source"), "{:?}", step.evidence);
        }
        // Another signer than is expected, or nobody.
        let mut stranger = expected();
        stranger.source_repository = Some("slsa-framework/another-package".to_owned());
        for expected in [stranger, Expectation::default()] {
            let step = judged(COMMIT, &app, &good, &expected);
            assert_eq!(step.result, StepResult::Failed, "{:?}", step.evidence);
        }
        // One of two artifacts without an attestation, and one that cannot be read.
        let more = ("more", Ok(Artifact::of(b"more")));
        let step = judged(COMMIT, &[&app[..], &[more]].concat(), &good, &expected());
        assert_eq!(step.result, StepResult::Missing, "{:?}", step.evidence);
        assert_eq!(step.evidence, ["no attestation is about more"]);
        let link = ("link", Err("is no regular file".to_owned()));
        let missing = ("more", Ok(Artifact::of(b"more")));
        let step = judged(COMMIT, &[&app[..], &[link, missing]].concat(), &good, &expected());
        assert_eq!(step.result, StepResult::Failed, "{:?}", step.evidence);
        assert_eq!(step.evidence.len(), 2, "neither hides the other: {:?}", step.evidence);
        // A bare signature, or nothing at all, is no provenance.
        let alone = judged(COMMIT, &app, &foreign, &expected());
        assert_eq!(alone.result, StepResult::Missing, "{:?}", alone.evidence);
    }
}

#[test]
fn bytes_that_were_changed_make_no_provenance() {
    for folder in folders().into_iter().filter(|folder| folder.join(BUNDLE).is_file()) {
        let (slsa, _) = bundles_of(&folder);
        let text = String::from_utf8(slsa).unwrap();
        let payload = text.find("\"payload\"").unwrap() + 40;
        // Letters of the payload, from the statement's head to the digest of its subject and beyond.
        for at in (payload..payload + 2_000).step_by(97) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let app = [("app", Ok(artifact(ARTIFACT)))];
            let step = judged(COMMIT, &app, &[Ok(bytes)], &expected());
            assert_ne!(step.result, StepResult::Passed, "byte {at}: {:?}", step.evidence);
        }
    }
}
