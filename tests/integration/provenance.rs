//! `cargo weft verify` without a role: attestations, judged by what the command line expects.
//!
//! The bundles are public vectors that lie beside the repository; where they are absent, that is said.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Done, Run, Tree};

pub(crate) const ISSUER: &str = "--issuer https://token.actions.githubusercontent.com";

pub(crate) fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/provenance");
    if !folder.is_dir() {
        _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: the verification of attestations on the command line, since the vectors are not there"
        );
        return None;
    }
    Some(folder)
}

/// An artifact with its bundle beside it, as people download them.
struct Desk {
    tree: Tree,
}

impl Desk {
    fn of(folder: &Path) -> Self {
        let tree = Tree::empty();
        fs::copy(folder.join("artifacts/a0cfc71271d6.bin"), tree.path("app")).unwrap();
        let bundle = folder.join("conformance/happy-path-v0.3.sigstore.json");
        fs::copy(bundle, tree.path("app.sigstore.json")).unwrap();
        let slsa = "gha_generic_v2.1.0-binary-linux-amd64-push-v14.sigstore.json";
        fs::copy(folder.join("slsa").join(slsa), tree.path("slsa.json")).unwrap();
        Self { tree }
    }

    fn run(&self, line: &str) -> Done {
        Run::new(self.tree.path(""), &format!("verify {line}")).done()
    }
}

const SLSA: &str = "--digest sha256:376e7e01348585b6e6643bc6663146b9d525d9b41228bf180eaeb4d4a3706caa --bundle slsa.json";

#[test]
fn who_signed_and_what_was_built_is_for_the_command_line_to_say() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let owner = "--source-owner sigstore-conformance";
    desk.run(&format!("app {ISSUER} {owner}")).exits(0);
    let changed = fs::read(desk.tree.path("app")).unwrap();
    let source = format!("{SLSA} {ISSUER} --source-repo slsa-framework/example-package");
    let tag = "--source-ref refs/tags/v14";
    for (more, status) in [
        ("", 0),
        (tag, 0),
        ("--source-ref refs/tags/v15", 1),
        ("--source-version v14", 0),
        ("--source-version v1", 1),
        ("--source-commit 4d329c75e7ec1725f7c9ce917a8799d408d06be3", 0),
        ("--source-commit 4d329c75", 1),
        ("--min-build-level 3", 0),
        ("--require inclusion", 0),
        ("--require timestamp", 1),
        ("--predicate-type https://slsa.dev/provenance/v0.2", 0),
        ("--predicate-type https://slsa.dev/provenance/v1", 1),
        (
            "--signer-workflow slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml",
            0,
        ),
        (
            "--signer-workflow slsa-framework/example-package/.github/workflows/generator_generic_slsa3.yml",
            1,
        ),
        (
            "--builder slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0",
            0,
        ),
        (
            "--builder slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1",
            1,
        ),
        ("--trusted-root github", 1),
        ("--trusted-root staging", 1),
        ("--identity-regex .*generator_generic.*", 0),
        ("--identity-regex generator_generic", 1),
        (
            "--trusted-builder slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml=2 --min-build-level 3",
            1,
        ),
        (
            "--signer-workflow slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0.git",
            1,
        ),
        ("--builder https://github.com/actions/runner/github-hosted", 1),
        ("--as-of 2026-01-01", 2),
        ("--tier routine", 2),
        ("--role release", 2),
    ] {
        desk.run(&format!("{source} {more}")).exits(status);
    }
    // The repository of the workflow that signed is not the source.
    desk.run(&format!("{SLSA} {ISSUER} --source-repo slsa-framework/slsa-github-generator"))
        .exits(1);
    // A prefix of the issuer is another issuer.
    desk.run(&format!("app --issuer https://token.actions {owner}")).exits(1);
    // Nobody expected is nobody trusted.
    desk.run(&format!("app {owner}")).exits(2);
    desk.run("app").exits(2);
    fs::write(desk.tree.path("app"), [&changed[..], b"x"].concat()).unwrap();
    let done = desk.run(&format!("app {ISSUER} {owner}")).exits(1);
    assert!(done.stdout.contains("failed (provenance/"), "{}", done.said());
    fs::remove_file(desk.tree.path("app.sigstore.json")).unwrap();
    let done = desk.run(&format!("app {ISSUER} {owner}")).exits(3);
    assert!(done.stdout.contains("there is no bundle at app.sigstore.json"), "{}", done.said());
}

#[test]
fn a_bad_bundle_does_not_hide_a_good_one_and_every_step_is_told() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let text = fs::read_to_string(desk.tree.path("slsa.json")).unwrap();
    let twice = text.replacen("\"mediaType\"", "\"mediaType\":\"x\",\"mediaType\"", 1);
    let both = text.replacen("\"dsseEnvelope\"", "\"messageSignature\":{},\"dsseEnvelope\"", 1);
    let old = text.replacen("application/vnd.dev.sigstore.bundle.v0.3+json", "text/plain", 1);
    let deep = "[".repeat(100_000);
    let source = format!("{SLSA} {ISSUER} --source-repo slsa-framework/example-package");
    for bad in
        [twice, both, old, deep, text[..text.len() / 2].to_owned(), String::new(), "{}".into()]
    {
        assert_ne!(bad, text);
        fs::write(desk.tree.path("bad.json"), bad).unwrap();
        let alone = source.replace("slsa.json", "bad.json");
        desk.run(&alone).exits(1);
        let done = desk.run(&format!("{source} --bundle bad.json --format json")).exits(0);
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        let steps: Vec<usize> = json["bundles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bundle| bundle["steps"].as_array().unwrap().len())
            .collect();
        assert_eq!(steps, [9, 9]);
        assert_eq!(json["bundles"][1]["passed"], false);
    }
    // What registries wrap around bundles, and one a line.
    let line: Value = serde_json::from_str(&text).unwrap();
    let wrapped = serde_json::json!({"attestations": [{"bundle": line, "predicateType": "x"}]});
    for text in [wrapped.to_string(), format!("{line}\n{line}\n")] {
        fs::write(desk.tree.path("slsa.json"), text).unwrap();
        desk.run(&source).exits(0);
    }
}

#[test]
fn a_checkpoint_counts_in_the_name_of_its_log_alone_and_members_are_what_they_should_be() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let name = "conformance/rekor2-checkpoint-cosigned.sigstore.json";
    let good: Value = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
    fs::copy(folder.join("roots/root-ed6a9cf4.json"), desk.tree.path("root.json")).unwrap();
    let line = format!(
        "app {ISSUER} --trusted-root root.json --bundle it.json --source-owner sigstore-conformance"
    );
    let check = |bundle: &Value, status: i32| {
        fs::write(desk.tree.path("it.json"), bundle.to_string()).unwrap();
        desk.run(&line).exits(status);
    };
    check(&good, 0);
    let checkpoint = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint";
    let note = good.pointer(checkpoint).unwrap()["envelope"].as_str().unwrap().to_owned();
    let origin = note.lines().next().unwrap();
    let with = |note: String| {
        let mut bundle = good.clone();
        bundle.pointer_mut(checkpoint).unwrap()["envelope"] = note.into();
        bundle
    };
    // The log's signature under another name, alone and beside a line in the log's name that proves nothing.
    let renamed = note.replace(&format!("\u{2014} {origin} "), "\u{2014} evil.example ");
    assert_ne!(renamed, note);
    check(&with(renamed.clone()), 1);
    check(&with(format!("{renamed}\u{2014} {origin} AAAAAAAA\n")), 1);
    // An array where an object belongs is read as one by position.
    for path in [
        checkpoint,
        "/verificationMaterial/tlogEntries/0/inclusionProof",
        "/verificationMaterial/certificate",
        "/messageSignature",
    ] {
        let mut bundle = good.clone();
        let member = bundle.pointer_mut(path).unwrap();
        *member = Value::Array(member.as_object().unwrap().values().cloned().collect());
        check(&bundle, 1);
    }
    let mut bundle = good.clone();
    bundle["verificationMaterial"]["more"] = 1.into();
    check(&bundle, 1);
}

#[test]
fn what_is_no_bundle_is_told_in_its_place_and_too_many_are_cut_off() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let good: Value =
        serde_json::from_slice(&fs::read(desk.tree.path("slsa.json")).unwrap()).unwrap();
    let source = format!("{SLSA} {ISSUER} --source-repo slsa-framework/example-package");
    for text in [
        format!("{good}\n{{\"mediaType\":\n"),
        serde_json::json!({"attestations": [{"other": 1}, {"bundle": good}]}).to_string(),
    ] {
        fs::write(desk.tree.path("slsa.json"), text).unwrap();
        let done = desk.run(&source).exits(0);
        assert!(done.stdout.contains("bundle: failed (provenance/bundle)"), "{}", done.said());
    }
    fs::create_dir(desk.tree.path("folder")).unwrap();
    desk.run(&format!("{source} --bundle folder")).exits(0);
    let many = serde_json::json!({"attestations": vec![serde_json::json!({"bundle": 0}); 2000]});
    fs::write(desk.tree.path("slsa.json"), format!("{many}\n{many}\n")).unwrap();
    let done = desk.run(&format!("{source} --format json")).exits(1);
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(json["bundles"].as_array().unwrap().len(), 1001);
}

#[test]
fn a_key_that_was_named_is_all_that_is_expected() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    for name in ["managed-key-happy-path.sigstore.json", "managed-key-happy-path.key.pub"] {
        fs::copy(folder.join("conformance").join(name), desk.tree.path(name)).unwrap();
    }
    let line = "app --bundle managed-key-happy-path.sigstore.json --public-key";
    desk.run(&format!("{line} managed-key-happy-path.key.pub")).exits(0);
    desk.run(&format!("{line} managed-key-happy-path.key.pub --signer-workflow a/b/w.yml"))
        .exits(2);
    let key = fs::read_to_string(desk.tree.path("managed-key-happy-path.key.pub")).unwrap();
    fs::write(desk.tree.path("two.pub"), format!("{key}{key}")).unwrap();
    desk.run(&format!("{line} two.pub")).exits(2);
    desk.run(&format!(
        "app {ISSUER} --source-owner a --bundle managed-key-happy-path.sigstore.json"
    ))
    .exits(1);
}

#[test]
fn a_layout_is_verified_and_what_a_link_says_cannot_steer_the_terminal() {
    let Some(folder) = vectors() else { return };
    let tree = Tree::empty();
    let chain = folder.join("layout/one-step-dsse");
    crate::common::copy(&chain, &tree.path("chain"));
    let key = "10aba5992566754db82c7d9de18ce1635221a1cc2e257aceed3c7a81d914233b";
    let bytes: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&key[at..at + 2], 16).unwrap()).collect();
    let key = weft_verify::key::PublicKey::from_bytes(&bytes.try_into().unwrap()).unwrap();
    fs::write(tree.path("owner.pem"), key.to_pem()).unwrap();
    let run = |more: &str| {
        let line = format!(
            "verify-layout chain/root.layout --links chain --key owner.pem --as-of 2026-11-01 {more}"
        );
        Run::new(tree.path(""), &line).done()
    };
    run("").exits(0);
    run("--format json").exits(0);
    let mut files = fs::read_dir(tree.path("chain")).unwrap().map(|e| e.unwrap().path());
    let is_link = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "link");
    let link = files.find(is_link).unwrap();
    let (step, rest) = link.file_stem().unwrap().to_str().unwrap().split_once('.').unwrap();
    let other = tree.path("chain").join(format!("{step}.{rest}x.link"));
    fs::write(&other, "{\"signed\":{},\"signatures\":[],\"\\u001b[31mRED\":1}").unwrap();
    let done = run("");
    assert!(!done.stdout.contains('\u{1b}'), "{}", done.said());
    fs::write(&link, "{}").unwrap();
    run("").exits(1);
    fs::remove_file(&link).unwrap();
    run("").exits(1);
}
