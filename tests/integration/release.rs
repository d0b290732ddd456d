//! A release from its manifest to the gate: prepared, countersigned by exchanging files, judged, and refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::Tree;
use crate::desk::{Desk, LOCKFILE, MANIFEST, stops, write};

#[test]
fn a_release_is_published_once_enough_people_signed_what_is_there() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("r")).unwrap();
    desk.prepare("1.0.0", "").exits(0);
    desk.run("release status ../r/1.0.0.json").exits(3);
    stops(desk.gate("1.0.0", "--format json"), 3, &["signatures", "manifest"]);
    desk.run("release countersign ../r/1.0.0.json --key ../keys/alice.key").exits(0);
    let one = desk.run("release status ../r/1.0.0.json").exits(3);
    assert!(one.stdout.contains("alice signed"), "{}", one.said());
    desk.run("release finish ../r/1.0.0.json --output ../r/1.0.0.dsse.json").exits(3);
    assert!(!desk.path("r/1.0.0.dsse.json").exists());
    // One file of signatures twice is one signature.
    desk.run(
        "release countersign ../r/1.0.0.json --key ../keys/alice.key --output ../r/again.json",
    )
    .exits(0);
    let paths = fs::read_dir(desk.path("r")).unwrap().map(|e| e.unwrap().path());
    let alice = paths
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .find(|name| name.starts_with("1.0.0.json.") && name.ends_with(".dsse.json"))
        .unwrap();
    desk.run(&format!("release status ../r/1.0.0.json ../r/{alice} ../r/again.json")).exits(3);
    desk.run("release countersign ../r/1.0.0.json --key ../keys/bob.key").exits(0);
    desk.run("release status ../r/1.0.0.json").exits(0);
    desk.run("release finish ../r/1.0.0.json --output ../r/1.0.0.dsse.json").exits(0);
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // The outcome goes on as a summary that a key signed.
    let sign = "--summary ../r/vsa.json --key ../keys/alice.key --passphrase-env PASS";
    desk.gate("1.0.0", sign).exits(0);
    let envelope: Value =
        serde_json::from_slice(&fs::read(desk.path("r/vsa.json")).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    desk.gate("1.0.0", "--summary ../r/plain.json").exits(0);
    let summary: Value =
        serde_json::from_slice(&fs::read(desk.path("r/plain.json")).unwrap()).unwrap();
    assert_eq!(summary["predicateType"], "https://slsa.dev/verification_summary/v1");
    assert_eq!(summary["predicate"]["verificationResult"], "PASSED");
    assert_eq!(summary["subject"].as_array().unwrap().len(), 2);
}

#[test]
fn each_thing_that_is_not_as_it_was_signed_is_told_and_none_hides_another() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // Artifacts: another, one more, one less.
    write(&desk.path("out/app.tar"), "another artifact\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["artifacts"]);
    write(&desk.path("out/app.tar"), "the artifact\n");
    write(&desk.path("out/extra"), "x");
    stops(desk.gate("1.0.0", "--format json"), 1, &["artifacts"]);
    fs::remove_file(desk.path("out/extra")).unwrap();
    fs::rename(desk.path("out/app.sbom"), desk.path("app.sbom")).unwrap();
    stops(desk.gate("1.0.0", "--format json"), 3, &["artifacts"]);
    // Together with a verdict that is gone, both are told.
    fs::rename(desk.path("r/1.0.0.json.verdict.json"), desk.path("r/gone.json")).unwrap();
    stops(desk.gate("1.0.0", "--format json"), 3, &["artifacts", "verdict"]);
    fs::rename(desk.path("app.sbom"), desk.path("out/app.sbom")).unwrap();
    fs::rename(desk.path("r/gone.json"), desk.path("r/1.0.0.json.verdict.json")).unwrap();
    // The sources: a change, another commit.
    write(&desk.path("tree/src/lib.rs"), "// changed\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["source"]);
    desk.commit();
    stops(desk.gate("1.0.0", "--format json"), 1, &["source"]);
    desk.git(&["checkout", "--quiet", "HEAD~1"]);
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // Another policy, which also is a change of the sources.
    write(&desk.path("tree/weft.toml"), "schema = 1\nprofile = \"baseline\"\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["source", "policy", "audit"]);
    fs::remove_file(desk.path("tree/weft.toml")).unwrap();
    // A byte of the manifest.
    let path = desk.path("r/1.0.0.dsse.json");
    let text = fs::read_to_string(&path).unwrap();
    write(&path, &text.replacen("\"payload\":\"ey", "\"payload\":\"eX", 1));
    stops(desk.gate("1.0.0", "--format json"), 1, &["signatures", "manifest"]);
}

#[test]
fn a_release_follows_the_one_before_it_and_never_goes_back() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    let previous = "--previous ../r/1.0.0.dsse.json";
    desk.run(&format!("release prepare --precision lock --artifacts ../out --release-version 1.0.0 --output ../r/again.json {previous}"))
        .exits(2);
    desk.prepare("0.9.0", previous).exits(2);
    desk.release("1.1.0", previous);
    stops(desk.gate("1.1.0", &format!("{previous} --format json")), 0, &[]);
    stops(desk.gate("1.1.0", "--format json"), 3, &["chain"]);
    stops(desk.gate("1.1.0", "--previous ../r/gone.json --format json"), 3, &["chain"]);
    desk.release("2.0.0", previous);
    stops(desk.gate("2.0.0", "--previous ../r/1.1.0.dsse.json --format json"), 1, &["chain"]);
    // The older one after the newer one, at its own commit.
    desk.git(&["checkout", "--quiet", "HEAD~2"]);
    stops(desk.gate("1.0.0", "--previous ../r/1.1.0.dsse.json --format json"), 1, &["chain"]);
}

#[test]
fn roles_that_the_project_brings_along_are_not_believed_and_neither_are_old_ones() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    let gate = "gate release --precision lock --artifacts ../out --manifest ../r/1.0.0.dsse.json --verdict ../r/1.0.0.json.verdict.json --format json";
    stops(desk.run(gate), 3, &["roles"]);
    stops(desk.run(&format!("{gate} --roles .weft/roles.toml")), 3, &["roles"]);
    stops(desk.gate("1.0.0", "--newest-revocation 1 --format json"), 1, &["roles"]);
    crate::common::copy(&desk.path("tree/.weft"), &desk.path("trusted"));
    stops(desk.run(&format!("{gate} --roles ../trusted/roles.toml")), 0, &[]);
    // Roles below or above where one stands are none of the workspace's.
    crate::common::copy(&desk.path("tree/.weft"), &desk.path("tree/src/.weft"));
    write(&desk.path("tree/src/.weft/.gitignore"), "*");
    let from_below = gate.replace("../out", "../../out").replace("../r/", "../../r/");
    stops(desk.at("tree/src", &from_below), 1, &["roles", "source"]);
}

#[test]
fn what_a_build_would_find_is_as_the_commit_has_it() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    let gate = || desk.gate("1.0.0", "--format json");
    // A file that only this clone passes over, and one that hides itself.
    write(&desk.path("tree/.git/info/exclude"), "build.rs\n");
    write(&desk.path("tree/build.rs"), "fn main() {}\n");
    stops(gate(), 1, &["source"]);
    fs::remove_file(desk.path("tree/build.rs")).unwrap();
    fs::create_dir(desk.path("tree/src/bin")).unwrap();
    write(&desk.path("tree/src/bin/.gitignore"), "*\n");
    write(&desk.path("tree/src/bin/evil.rs"), "fn main() {}\n");
    stops(gate(), 1, &["source"]);
    fs::remove_dir_all(desk.path("tree/src/bin")).unwrap();
    stops(gate(), 0, &[]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let library = desk.path("tree/src/lib.rs");
        fs::set_permissions(&library, fs::Permissions::from_mode(0o755)).unwrap();
        stops(gate(), 1, &["source"]);
        fs::rename(&library, desk.path("copy.rs")).unwrap();
        symlink(desk.path("copy.rs"), &library).unwrap();
        stops(gate(), 1, &["source"]);
        fs::remove_file(&library).unwrap();
        fs::rename(desk.path("copy.rs"), &library).unwrap();
        fs::set_permissions(&library, fs::Permissions::from_mode(0o644)).unwrap();
        stops(gate(), 0, &[]);
        // What is uploaded may be the link or what it leads to.
        fs::rename(desk.path("out/app.tar"), desk.path("app.tar")).unwrap();
        symlink(desk.path("app.tar"), desk.path("out/app.tar")).unwrap();
        stops(gate(), 1, &["artifacts"]);
        fs::remove_file(desk.path("out/app.tar")).unwrap();
        write(&desk.path("out/evil is not there"), "x");
        stops(gate(), 1, &["artifacts"]);
    }
}

#[test]
fn nothing_is_overwritten_and_a_bad_neighbour_hides_nobody() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    desk.prepare("1.0.0", "").exits(2);
    let key = fs::read(desk.path("keys/alice.key")).unwrap();
    desk.run(
        "release countersign ../r/1.0.0.json --key ../keys/alice.key --output ../keys/alice.key",
    )
    .exits(2);
    assert_eq!(fs::read(desk.path("keys/alice.key")).unwrap(), key);
    write(&desk.path("r/1.0.0.json.0123456789abcdef.dsse.json"), "{");
    desk.run("release status ../r/1.0.0.json").exits(0);
    // A summary is signed by somebody whom the roles name.
    desk.at("keys", "key new mallory").exits(0);
    let sign = "--summary ../r/vsa.json --key ../keys/mallory.key --passphrase-env PASS";
    desk.gate("1.0.0", sign).exits(1);
    assert!(!desk.path("r/vsa.json").exists());
}

#[test]
fn attestations_are_about_each_artifact_or_are_missing() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    let expect = "--issuer https://token.actions.githubusercontent.com --source-repo owner/name";
    // Half of a question is no question.
    desk.gate("1.0.0", expect).exits(2);
    desk.gate("1.0.0", "--attestations ../bundles").exits(2);
    desk.gate("1.0.0", "--attestations ../bundles --source-repo owner/name").exits(2);
    let asked = format!("--attestations ../bundles {expect} --format json");
    // No directory, none in it, and one that is none.
    stops(desk.gate("1.0.0", &asked), 3, &["provenance"]);
    fs::create_dir_all(desk.path("bundles")).unwrap();
    stops(desk.gate("1.0.0", &asked), 3, &["provenance"]);
    write(&desk.path("bundles/app.tar.sigstore.json"), "{}");
    let done = desk.gate("1.0.0", &asked).exits(3);
    for line in ["no attestation is about app.tar", "no attestation is about app.sbom"] {
        assert!(done.stdout.contains(line), "{}", done.said());
    }
    assert!(
        done.stdout.contains("provenance/bundle"),
        "what cannot be read is told: {}",
        done.said()
    );
    // More than is looked at is no reason to look away.
    write(&desk.path("bundles/many.jsonl"), &"{}\n".repeat(1_000));
    let done = desk.gate("1.0.0", &asked).exits(3);
    assert!(done.stdout.contains("more than 1000 attestations"), "{}", done.said());
    // Nothing is asked for, and nothing is looked at.
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
}

/// Runs what the guide says, line by line, but for the passphrase, which is asked for there.
#[test]
fn the_guide_is_followed_literally() {
    let tree = Tree::of(MANIFEST, LOCKFILE)
        .with("tree/src/lib.rs", "")
        .with("out/app.tar", "the artifact\n")
        .with("home/.keep", "");
    let desk = Desk { tree, roles: String::new() };
    desk.git(&["init", "--quiet"]);
    desk.commit();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/guide/release.md");
    let guide = fs::read_to_string(guide).unwrap();
    let mut directory = "tree";
    let mut gates = 0;
    // The first file that it shows is the policy.
    let policy = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    write(&desk.path("tree/weft.toml"), policy);
    for line in guide.lines().filter_map(|line| line.strip_prefix("$ ")) {
        if let Some(line) = line.strip_prefix("cargo weft ") {
            let done = desk.at(directory, line).exits(0);
            if line.starts_with("gate ") {
                gates += 1;
                // The merge gate shows its audit first.
                let shows = |line: &str| done.stdout.lines().any(|shown| shown == line);
                assert!(shows("passed") && !shows("failed"), "{}", done.said());
            }
        } else if let Some(line) = line.strip_prefix("cd ../") {
            directory = if line == "elsewhere" { "elsewhere" } else { panic!("{line}") };
        } else if let Some(names) = line.strip_prefix("mkdir ") {
            let names = names.split(' ');
            names.for_each(|name| fs::create_dir(desk.path("tree").join(name)).unwrap());
        } else if let Some(line) = line.strip_prefix("git ") {
            let parts: Vec<&str> = line.splitn(4, '"').collect();
            let mut arguments: Vec<&str> = parts[0].split_whitespace().collect();
            arguments.extend(parts.get(1));
            desk.git(&arguments);
        } else {
            panic!("what is this? {line}");
        }
    }
    assert_eq!(gates, 3);
    assert!(desk.path("summary.json").is_file());
}
