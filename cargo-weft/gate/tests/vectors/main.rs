//! Public vectors of attestations: Sigstore bundles and SLSA policies (`provenance/README.md` of the vectors).
//!
//! Run where the vectors lie beside the repository, and in the folder that `WEFT_VECTORS` names; said aloud where absent.
//! `weft-verify` has a runner for the other kinds. A case that cannot be understood is a failure, not a skip.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads its vectors, and one that panics has failed"
)]

mod release;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weft_gate::provenance::expectation::{Expectation, Pattern};
use weft_gate::provenance::sigstore::{Key, Trust};
use weft_gate::provenance::{Steps, Subject, judge};
use weft_verify::digest::Artifact;

const KINDS: [&str; 3] = ["sigstore-bundle", "slsa-policy", "pep740-attestation"];

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn folders() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let named = std::env::var_os("WEFT_VECTORS").map(PathBuf::from);
    let found: Vec<PathBuf> =
        named.into_iter().chain([beside]).filter(|folder| folder.is_dir()).collect();
    if found.is_empty() {
        say("NOT TESTED: public vectors of attestations, since the folder is not there");
    }
    found
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

struct Case<'a> {
    folder: &'a Path,
    row: &'a Value,
}

impl Case<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.row[name].as_str().map(str::to_owned)
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.text(name).map(|name| read(&self.folder.join(name)))
    }

    fn policy(&self, name: &str) -> Option<String> {
        self.row["policy"][name].as_str().map(str::to_owned)
    }

    fn trust(&self) -> Trust {
        match self.text("trusted_root") {
            Some(name) => Trust::from_json(&name, &read(&self.folder.join(&name))).unwrap(),
            None => Trust::embedded("public-good").unwrap(),
        }
    }

    /// What the case tells a verifier to expect; where it names nobody, whoever the root vouches for.
    fn expectation(&self) -> Result<Expectation, String> {
        let key = self.file("key").map(|pem| Key::from_pem(&String::from_utf8(pem).unwrap()));
        let key = key.transpose()?;
        let pattern = self.text("identity_regex").map(|text| Pattern::new(&text).unwrap());
        let tag = self.policy("tag").map(|tag| format!("refs/tags/{tag}"));
        let branch = self.policy("branch").map(|branch| format!("refs/heads/{branch}"));
        let mut expected = Expectation {
            key,
            identity: self.text("identity"),
            identity_pattern: pattern,
            issuer: self.text("issuer"),
            source_repository: self.policy("source").or_else(|| self.policy("repo")),
            source_owner: self.policy("owner"),
            source_ref: tag.or(branch),
            source_version: self.policy("versioned_tag"),
            signer_workflow: self.policy("signer_workflow"),
            builder: self.policy("builder_id"),
            predicate_type: self.text("predicate_type"),
            ..Expectation::default()
        };
        if !expected.names_somebody() {
            expected.identity_pattern = Some(Pattern::new("(?s:.*)").unwrap());
            expected.issuer.get_or_insert("https://token.actions.githubusercontent.com".to_owned());
        }
        Ok(expected)
    }

    /// Verifies by the file and by its digest, which have to agree.
    ///
    /// # Errors
    ///
    /// What the case tells a verifier to expect cannot be expected: its key is none.
    fn steps(&self) -> Result<Steps, String> {
        let bundle = self.file("file").unwrap();
        let (trust, expected) = (self.trust(), self.expectation()?);
        let digest = self.text("artifact_digest").map(|digest| Artifact::named(&digest).unwrap());
        let by_digest =
            digest.map(|artifact| judge(&bundle, &Subject::Digest(&artifact), &trust, &expected).0);
        let by_file = self.file("artifact").map(|bytes| {
            let artifact = Artifact::of(&bytes);
            judge(&bundle, &Subject::Blob(&bytes, &artifact), &trust, &expected).0
        });
        if let (Some(digest), Some(file)) = (&by_digest, &by_file) {
            assert_eq!(digest.all(), file.all(), "{}", self.row["id"]);
        }
        Ok(by_file.or(by_digest).unwrap())
    }
}

#[test]
fn attestations_verify_exactly_if_they_should() {
    for folder in folders() {
        for index in ["index.json", "provenance/index.json"].map(|name| folder.join(name)) {
            if index.is_file() {
                run(&index);
            }
        }
    }
}

fn run(index: &Path) {
    let folder = index.parent().unwrap();
    let cases: Value = serde_json::from_slice(&read(index)).unwrap();
    let (mut ran, mut wrong) = (0, Vec::new());
    for row in cases["cases"].as_array().unwrap() {
        if !KINDS.contains(&row["kind"].as_str().unwrap()) {
            continue;
        }
        ran += 1;
        let steps = Case { folder, row }.steps();
        let passed = steps.as_ref().is_ok_and(Steps::passed);
        if passed != (row["expected"] == "pass") {
            wrong.push(format!("{}: {:?}", row["id"], steps.map(|steps| steps.all().to_vec())));
        }
    }
    say(&format!("{}: {ran} attestations verified, {} wrong", folder.display(), wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_roots_that_are_built_in_are_sound() {
    for (name, _) in weft_gate::provenance::sigstore::EMBEDDED {
        let trust = Trust::embedded(name).unwrap();
        assert!(trust.newest().is_some(), "{name}");
        assert_eq!(trust.has_log(), name != "github");
    }
}
