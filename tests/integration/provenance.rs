//! `cargo weft verify` without a role: attestations, judged by what the command line expects.
//!
//! The bundles are public vectors that lie beside the repository; where they are absent, that is said.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Done, Run, Tree};

const ISSUER: &str = "--issuer https://token.actions.githubusercontent.com";

fn vectors() -> Option<PathBuf> {
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
