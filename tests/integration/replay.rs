//! Whoever holds the facts can decide again, and whoever holds the files can check the digests.

use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};
use weft_gate::{Facts, decide};

use crate::common::{AS_OF, MANIFEST, Run, Tree, locked, package};
use crate::real;
use crate::sample;

/// Audits, and returns the facts and the JSON report without its newline.
fn audit(tree: &Tree, rest: &str) -> (Vec<u8>, Vec<u8>) {
    let facts = tree.path("facts.json");
    let command = format!("audit --as-of {AS_OF} --format json {rest} --facts");
    let run = Run::new(tree.path("tree"), &command).arg(&facts).done();
    assert!(matches!(run.status, Some(0 | 1 | 3)), "{}", run.said());
    let mut report = run.stdout.into_bytes();
    assert_eq!(report.pop(), Some(b'\n'));
    (fs::read(facts).unwrap(), report)
}

/// Decides from facts alone.
fn replay(facts: &[u8]) -> Option<Vec<u8>> {
    decide(&Facts::from_canonical(facts).ok()?).unwrap().to_canonical().ok()
}

#[test]
fn deciding_again_gives_the_same_bytes() {
    for tree in [sample::passes(), sample::fails(), sample::is_unknown(), Tree::sound()] {
        for precision in ["lock", "metadata", "auto"] {
            let (facts, report) = audit(&tree, &format!("--precision {precision}"));
            assert_eq!(replay(&facts), Some(report));
        }
    }
    for (name, path) in real::lockfiles() {
        let rest = format!("--lockfile {}", path.canonicalize().unwrap().display());
        let (facts, report) = audit(&Tree::empty(), &rest);
        assert!(replay(&facts) == Some(report), "{name}");
    }
}

#[test]
fn facts_with_one_changed_byte_are_refused_or_decide_otherwise() {
    for tree in [sample::passes(), sample::fails()] {
        let (facts, report) = audit(&tree, "--precision lock");
        let mut silent = Vec::new();
        for at in 0..facts.len() {
            let mut changed = facts.clone();
            changed[at] ^= 1;
            if replay(&changed).as_deref() == Some(&report[..]) {
                silent.push(at);
            }
        }
        let around = |at: &usize| {
            let (from, to) = (at.saturating_sub(40), (at + 20).min(facts.len()));
            String::from_utf8_lossy(&facts[from..to]).into_owned()
        };
        let first = silent.first().map(around);
        assert_eq!(silent.len(), 0, "unnoticed changes, the first of them in {first:?}");
    }
}

#[test]
fn facts_are_read_from_their_canonical_bytes_only() {
    let (facts, _) = audit(&Tree::sound(), "--precision lock");
    let text = String::from_utf8(facts.clone()).unwrap();
    for other in [
        format!("{text}\n"),
        format!(" {text}"),
        text.replacen(':', ": ", 1),
        text.replacen("\"schema\":1", "\"schema\":2", 1),
        text.replacen('{', "{\"a\":1,", 1),
        text[..text.len() - 1].to_owned(),
    ] {
        assert_ne!(other, text);
        assert_eq!(replay(other.as_bytes()), None, "{}", &other[..60]);
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the inputs that a report names, with their digests.
fn inputs(report: &[u8]) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(report).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let inputs = report["inputs"].as_array().unwrap().iter();
    inputs.map(|input| (text(&input["name"]), text(&input["sha256"]))).collect()
}

/// Returns what a command prints without its newline, as a digest.
fn digest_of(tree: &Tree, command: &str) -> String {
    let run = Run::new(tree.path("tree"), command).done().exits(0);
    sha256(run.stdout.strip_suffix('\n').unwrap().as_bytes())
}

/// Computes the digest of what the facts hold beside the inventory and the policy, as the specification says.
fn observations(tree: &Tree, precision: &str) -> String {
    let (facts, _) = audit(tree, &format!("--precision {precision}"));
    let mut facts: Value = serde_json::from_slice(&facts).unwrap();
    let members = facts.as_object_mut().unwrap();
    for elsewhere in ["inventory", "policy", "schema"] {
        members.remove(elsewhere).unwrap();
    }
    members.insert("unknown_inventory".to_owned(), Value::Null);
    sha256(&serde_json_canonicalizer::to_vec(&facts).unwrap())
}

#[test]
fn digests_are_those_of_the_files_and_of_what_the_commands_print() {
    let config = "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\ndirectory = \"v\"\n";
    let tree = sample::members()
        .with("tree/weft.toml", "schema = 1\nprofile = \"team.toml\"\n")
        .with("tree/team.toml", "schema = 1\nprofile = \"baseline\"\n")
        .with("tree/rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n")
        .with("tree/.cargo/config.toml", config);
    for precision in ["lock", "metadata"] {
        let (_, report) = audit(&tree, &format!("--precision {precision}"));
        let inputs = inputs(&report);
        for (name, digest) in &inputs {
            let expected = match name.as_str() {
                "inventory" => digest_of(&tree, &format!("graph --precision {precision}")),
                "policy" => digest_of(&tree, "policy show --json"),
                "observations" => observations(&tree, precision),
                file => sha256(&fs::read(tree.path("tree").join(file)).unwrap()),
            };
            assert_eq!(*digest, expected, "{name}");
        }
        let names: Vec<_> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        for file in [
            ".cargo/config.toml",
            "Cargo.lock",
            "Cargo.toml",
            "crates/library/Cargo.toml",
            "inventory",
            "observations",
            "policy",
            "rust-toolchain.toml",
            "team.toml",
            "weft.toml",
        ] {
            assert!(names.contains(&file), "{file} is not among {names:?}");
        }
    }
}

/// Demands that a file which was read is among the inputs, by its digest.
#[track_caller]
fn check_named(tree: &Tree, rest: &str, file: &str) {
    let (_, report) = audit(tree, &format!("--precision lock {rest}"));
    let digest = sha256(&fs::read(tree.path(file)).unwrap());
    let inputs = inputs(&report);
    assert!(inputs.iter().any(|(_, found)| *found == digest), "{file} is not among {inputs:?}");
}

#[test]
fn a_configuration_above_the_tree_is_an_input() {
    let config = "[patch.crates-io]\nx = { git = \"https://g.invalid/x\" }\n";
    check_named(&Tree::sound().with(".cargo/config.toml", config), "", ".cargo/config.toml");
}

/// A dependency beside the workspace leads to the same directory above both.
#[test]
fn a_configuration_above_the_tree_is_read_once() {
    let config =
        "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"https://m.invalid/\"\n";
    let lockfile = locked(&["x"], &package("x", "1.0.0", ""));
    let tree =
        Tree::of(&format!("{MANIFEST}[dependencies]\nx = {{ path = \"../x\" }}\n"), &lockfile)
            .with(".git/HEAD", "")
            .with(".cargo/config.toml", config)
            .with("x/Cargo.toml", "[package]\nname = \"x\"\nversion = \"1.0.0\"\n");
    let line = format!("audit --precision lock --format json --as-of {AS_OF}");
    let report: Value =
        serde_json::from_str(&Run::new(tree.path("tree"), &line).done().stdout).unwrap();
    let replaced = report["findings"].as_array().unwrap().iter();
    let replaced = replaced.filter(|finding| finding["code"] == "source/replaced");
    assert_eq!(replaced.count(), 1, "{report}");
}

#[test]
fn a_profile_may_have_any_name_and_is_an_input() {
    for name in ["policy", "inventory"] {
        let policy = format!("schema = 1\nprofile = \"{name}\"\n");
        let tree = Tree::sound()
            .with("tree/weft.toml", policy)
            .with(&format!("tree/{name}"), "schema = 1\nprofile = \"strict\"\n");
        check_named(&tree, "", &format!("tree/{name}"));
    }
}

#[test]
fn files_of_one_name_in_two_directories_are_two_inputs() {
    let tree = Tree::of(MANIFEST, crate::common::LOCKFILE)
        .with("tree/Cargo.toml", format!("{MANIFEST}# {}\n", "x"))
        .with("base/Cargo.toml", "schema = 1\nprofile = \"strict\"\n");
    check_named(&tree, "--policy ../base/Cargo.toml", "base/Cargo.toml");
    check_named(&tree, "--policy ../base/Cargo.toml", "tree/Cargo.toml");
}
