//! A release that is gated with the provenance of a private Sigstore: each artifact, this commit, this repository.

use std::fs;

use serde_json::Value;

use crate::desk::{Desk, stops};
use crate::instance::{Sigstore, Workflow, provenance};

/// A release of two artifacts, countersigned, and the instance that its build signs with.
struct Release {
    desk: Desk,
    sigstore: Sigstore,
    workflow: Workflow,
}

impl Release {
    fn new() -> Self {
        let desk = Desk::new();
        desk.release("1.0.0", "");
        let manifest = fs::read(desk.path("r/1.0.0.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let commit = commit(&manifest).unwrap();
        let sigstore = Sigstore::new();
        fs::write(desk.path("root.json"), sigstore.trusts().to_json().to_string()).unwrap();
        fs::create_dir(desk.path("bundles")).unwrap();
        Self { desk, sigstore, workflow: Workflow { commit, ..Workflow::honest() } }
    }

    /// Attests an artifact, as a build of this workflow would.
    fn attest(&self, name: &str, workflow: &Workflow) {
        let artifact = fs::read(self.desk.path(&format!("out/{name}"))).unwrap();
        let attestation = self.sigstore.attests(provenance(&artifact, workflow));
        let bundle = attestation.by(|by| *by = workflow.clone()).bundle();
        let path = self.desk.path(&format!("bundles/{name}.sigstore.json"));
        fs::write(path, bundle.to_string()).unwrap();
    }

    fn attest_all(&self) {
        for name in ["app.tar", "app.sbom"] {
            self.attest(name, &self.workflow);
        }
    }

    #[track_caller]
    fn gated(&self, status: i32, steps: &[&str], line: &str) {
        let gate = "--attestations ../bundles --trusted-root ../root.json --format json \
                    --issuer https://token.actions.githubusercontent.com --source-repo example/app \
                    --signer-workflow example/app/.github/workflows/release.yml \
                    --min-build-level 2 --require inclusion";
        let done = self.desk.gate("1.0.0", gate);
        assert!(done.stdout.contains(line), "{line}: {}", done.said());
        stops(done, status, steps);
    }
}

/// Finds the commit that a manifest names.
fn commit(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => match members.get("commit").and_then(Value::as_str) {
            Some(commit) => Some(commit.to_owned()),
            None => members.values().find_map(commit),
        },
        Value::Array(items) => items.iter().find_map(commit),
        _ => None,
    }
}

#[test]
fn a_release_whose_artifacts_were_all_built_from_its_commit_may_be_published() {
    let release = Release::new();
    release.attest_all();
    let built = format!("2 artifacts, each built from {}", release.workflow.commit);
    release.gated(0, &[], &built);
    // A second attestation that is of no use takes nothing away.
    fs::write(release.desk.path("bundles/broken.json"), "{").unwrap();
    release.gated(0, &[], &built);
}

#[test]
fn one_artifact_without_provenance_holds_the_release_back() {
    let release = Release::new();
    release.attest("app.tar", &release.workflow);
    release.gated(3, &["provenance"], "no attestation is about app.sbom");
    release.attest("app.sbom", &release.workflow);
    release.gated(0, &[], "2 artifacts");
}

#[test]
fn provenance_of_another_commit_or_repository_or_workflow_does_not_count() {
    let release = Release::new();
    let other = |change: fn(&mut Workflow)| {
        let mut workflow = release.workflow.clone();
        change(&mut workflow);
        workflow
    };
    for (workflow, line) in [
        (other(|by| by.commit = "0".repeat(40)), "the commit of the certificate is `0000000000"),
        (other(|by| by.repository = "https://github.com/example/app2".into()), "example/app2"),
        // The signer's repository is no source: a fork that calls our workflow builds the fork.
        (other(|by| by.repository = "https://github.com/mallory/app".into()), "mallory/app"),
        (other(|by| by.signer = by.signer.replace("release.yml", "test.yml")), "test.yml"),
        (other(|by| by.runner = "self-hosted".into()), "SLSA level 1"),
    ] {
        release.attest_all();
        release.attest("app.sbom", &workflow);
        release.gated(1, &["provenance"], line);
    }
    release.attest_all();
    release.gated(0, &[], "2 artifacts");
}

/// The build signs what it makes by its workflow's identity, and nobody keeps a key but those who release.
#[cfg(feature = "online")]
#[test]
fn a_build_that_signs_without_a_key_is_gated_from_end_to_end() {
    use std::sync::Arc;

    use crate::common::{Done, Run};
    use crate::instance::now;
    use crate::instance::service::{Fault, Service};

    let desk = Desk::new();
    let policy = "schema = 1\n[gate.release]\nrequire = [\"provenance\", \"release-manifest\", \"sbom\", \"signatures\"]\n[provenance]\nissuer = \"https://token.actions.githubusercontent.com\"\nsource-repository = \"example/app\"\nsigner-workflow = \"example/app/.github/workflows/release.yml\"\nmin-build-level = 2\nproofs = [\"inclusion\"]\ntrusted-root = \"root.json\"\n";
    let sigstore = Arc::new(Sigstore::new());
    fs::write(desk.path("tree/weft.toml"), policy).unwrap();
    fs::write(desk.path("tree/root.json"), sigstore.trusts().to_json().to_string()).unwrap();
    desk.release("1.0.0", "");
    let manifest = fs::read(desk.path("r/1.0.0.json")).unwrap();
    let commit = commit(&serde_json::from_slice(&manifest).unwrap()).unwrap();
    let workflow = Workflow { commit, ..Workflow::honest() };
    fs::write(desk.path("token"), sigstore.token(&workflow, now() + 300)).unwrap();
    fs::create_dir(desk.path("evidence")).unwrap();
    let service = Service::start(&sigstore, Fault::None);
    let attest = |what: &str, name: &str| -> Done {
        let url = &service.url;
        let line = format!(
            "attest {what} --precision lock --artifacts ../out --keyless --fulcio {url} --rekor {url} --identity-token-file ../token --output ../evidence/{name}.json"
        );
        Run::new(desk.path("tree"), &line).env("CARGO_HOME", desk.path("home")).done()
    };
    let gate = || desk.gate("1.0.0", "--evidence ../evidence --format json");
    stops(gate(), 3, &["provenance", "sbom"]);
    let provenance = format!(
        "provenance --builder {} --source-repo {} --source-ref {}",
        workflow.signer, workflow.repository, workflow.reference
    );
    let done = attest(&provenance, "provenance").exits(0);
    assert!(done.stdout.contains("signed without a key"), "{}", done.said());
    attest("sbom", "sbom").exits(0);
    stops(gate(), 0, &[]);
    // Nothing is signed twice into one file, and a predicate that its certificate contradicts is of no use.
    attest("sbom", "sbom").exits(2);
    fs::remove_file(desk.path("evidence/provenance.json")).unwrap();
    attest(&provenance.replace("/app --", "/other --"), "other").exits(0);
    let done = gate();
    assert!(done.stdout.contains("provenance/predicate"), "{}", done.said());
    stops(done, 1, &["provenance"]);
}
