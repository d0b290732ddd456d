//! What is in order passes, whichever log and timestamps it has.

use std::fs;

use serde_json::Value;

use crate::common::{Done, Run, Tree};
use crate::instance::{Sigstore, Workflow, provenance};

pub(crate) const ARTIFACT: &[u8] = b"the artifact\n";

/// Expects everything that can be expected of [`Workflow::honest`].
pub(crate) const EXPECTED: &str = "\
    --identity https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.0.0 \
    --issuer https://token.actions.githubusercontent.com \
    --source-repo example/app --source-owner example --source-ref refs/tags/v1.0.0 \
    --source-commit 4d329c75e7ec1725f7c9ce917a8799d408d06be3 \
    --signer-workflow example/app/.github/workflows/release.yml \
    --builder example/app/.github/workflows/release.yml@refs/tags/v1.0.0 \
    --min-build-level 2 --require inclusion --predicate-type https://slsa.dev/provenance/v1";

/// A directory with an artifact, a bundle and a trusted root.
pub(crate) struct Desk {
    pub(crate) tree: Tree,
}

impl Desk {
    pub(crate) fn new(root: &Value) -> Self {
        let tree = Tree::empty().with("app", ARTIFACT).with("root.json", root.to_string());
        Self { tree }
    }

    /// Verifies the artifact by a bundle, and expects what is said.
    pub(crate) fn verify(&self, bundle: &[u8], expected: &str) -> Done {
        fs::write(self.tree.path("bundle.json"), bundle).unwrap();
        let line = format!("verify app --bundle bundle.json --trusted-root root.json {expected}");
        Run::new(self.tree.path(""), &line).done()
    }
}

#[test]
fn an_honest_bundle_passes_by_either_log_and_with_and_without_timestamps() {
    let sigstore = Sigstore::new();
    let desk = Desk::new(&sigstore.trusts().to_json());
    let statement = provenance(ARTIFACT, &Workflow::honest());
    let attests = || sigstore.attests(&statement);
    let stamped = attests().stamped(&sigstore.tsa).bundle();
    let second = attests().logged(&sigstore.v2).stamped(&sigstore.tsa).bundle();
    let mut unpromised = stamped.clone();
    let entry = &mut unpromised["verificationMaterial"]["tlogEntries"][0];
    entry.as_object_mut().unwrap().remove("inclusionPromise");
    for (bundle, more) in [
        (attests().bundle(), ""),
        (stamped, "--require timestamp"),
        (second, "--require timestamp"),
        (unpromised, "--require timestamp"),
    ] {
        desk.verify(bundle.to_string().as_bytes(), &format!("{EXPECTED} {more}")).exits(0);
    }
    // The first has no timestamp, and what is demanded is not waived.
    let bundle = attests().bundle().to_string();
    let done = desk.verify(bundle.as_bytes(), &format!("{EXPECTED} --require timestamp")).exits(1);
    assert!(done.stdout.contains("provenance/proof-missing"), "{}", done.said());
}
