//! Barriers that demand attestations of dependencies.

use std::fs;

use serde_json::Value;
use weft_verify::Sha256;

use crate::common::{Run, Tree, from_registry, git, locked, package};
use crate::honest::ARTIFACT;
use crate::instance::{Sigstore, Workflow, provenance};

/// A repository with an update to a crate whose archive is the artifact, and to one whose archive is another.
fn tree(sigstore: &Sigstore, repository: &str) -> Tree {
    let of = |digest: &str| from_registry().replace(&"a".repeat(64), digest);
    let entries = |version: &str, archives: [&[u8]; 2]| {
        let [a, b] = archives.map(|archive| of(&Sha256::of(archive).to_string()));
        locked(&["a", "b"], &(package("a", version, &a) + &package("b", version, &b)))
    };
    let manifest =
        "[package]\nname = \"root\"\nversion = \"0.1.0\"\n[dependencies]\na = \"1\"\nb = \"1\"\n";
    let table = format!(
        "provenance = {{ issuer = \"https://token.actions.githubusercontent.com\", source-repository = \"{repository}\", trusted-root = \"root.json\" }}"
    );
    let barrier = |name: &str| {
        format!("[[barrier]]\nkind = \"attest\"\ncrate = \"{name}\"\nreason = \"r\"\n{table}\n")
    };
    let policy = format!("schema = 1\n{}{}", barrier("a"), barrier("b"));
    let tree = Tree::of(manifest, &entries("1.0.0", [b"older", b"older too"]))
        .with("tree/weft.toml", policy)
        .with("tree/root.json", sigstore.trusts().to_json().to_string())
        .with("tree/.weft/attestations/.keep", "");
    git(&tree.path("tree"), &["init", "--quiet"]);
    git(&tree.path("tree"), &["add", "--all"]);
    git(&tree.path("tree"), &["commit", "--quiet", "--message", "x"]);
    fs::write(tree.path("tree/Cargo.lock"), entries("1.0.1", [ARTIFACT, b"another"])).unwrap();
    tree
}

/// Returns the packages of which `barrier/violated` says that they are not attested, and why that is not known of others.
fn unattested(tree: &Tree, arguments: &str) -> Vec<String> {
    let line = format!("audit --precision lock --format json {arguments}");
    let done = Run::new(tree.path("tree"), &line).done();
    let verdict: Value = serde_json::from_str(&done.stdout).unwrap();
    let of = |list: &str, member: &str| -> Vec<String> {
        let entries = verdict[list].as_array().unwrap().iter();
        let entries = entries.filter(|entry| entry["code"] == "barrier/violated");
        entries.map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
    };
    [of("findings", "subject"), of("not_evaluated", "reason")].concat()
}

#[test]
fn an_attestation_lets_in_the_archive_that_it_is_about_and_no_other() {
    let sigstore = Sigstore::new();
    let tree = tree(&sigstore, "example/app");
    let at = |name: &str| tree.path("tree").join(name);
    let both = ["pkg:cargo/a@1.0.1", "pkg:cargo/b@1.0.1"];
    assert_eq!(unattested(&tree, ""), both);
    assert_eq!(unattested(&tree, "--base HEAD"), both);
    let bundle = sigstore.attests(provenance(ARTIFACT, &Workflow::honest())).bundle().to_string();
    fs::write(at(".weft/attestations/a.sigstore.json"), &bundle).unwrap();
    assert_eq!(unattested(&tree, ""), both[1..]);
    // It came with the change, and the root of the base says that it counts.
    assert_eq!(unattested(&tree, "--base HEAD"), both[1..]);
    fs::write(at("root.json"), Sigstore::new().trusts().to_json().to_string()).unwrap();
    assert_eq!(unattested(&tree, "--base HEAD"), both[1..]);
    assert_eq!(unattested(&tree, ""), both);
    fs::remove_file(at("root.json")).unwrap();
    let unknown = unattested(&tree, "");
    assert!(unknown[0].contains("the trusted root `root.json` is not there"), "{unknown:?}");
}

#[test]
fn an_attestation_of_somebody_else_or_of_something_else_does_not_count() {
    let sigstore = Sigstore::new();
    let written = |repository: &str, bundle: &Value| {
        let tree = tree(&sigstore, repository);
        let at = tree.path("tree/.weft/attestations/a.json");
        fs::write(at, bundle.to_string()).unwrap();
        unattested(&tree, "").len()
    };
    let statement = provenance(ARTIFACT, &Workflow::honest());
    let honest = sigstore.attests(&statement).bundle();
    assert_eq!(written("example/app", &honest), 1);
    assert_eq!(written("example/other", &honest), 2);
    let stranger = Sigstore::new();
    assert_eq!(written("example/app", &stranger.attests(&statement).bundle()), 2);
    let mut listed = statement.clone();
    listed["predicateType"] = "https://cyclonedx.org/bom".into();
    assert_eq!(written("example/app", &sigstore.attests(&listed).bundle()), 2);
}
