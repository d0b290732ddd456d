//! Forged bundles: each differs from an honest one by one fault, which a careless verifier would not see.
//!
//! That it is one fault and no more is shown where it can be: the same bundle passes once whoever forged it is
//! trusted, once the one thing is not expected, or with `sigstore-verify` alone, for any signer.
//!
//! | pitfall | test or vector |
//! |-|-|
//! | the repository of a reusable workflow is taken for the source | `the_repository_of_a_reusable_workflow_is_not_the_source` |
//! | prefix, suffix, case or unanchored pattern of a name | `a_name_that_is_alike_is_another`, `a_pattern_matches_the_whole_name` |
//! | prefix, suffix or case of an issuer | `an_issuer_that_is_alike_is_another` |
//! | prefix, suffix or case of a source | `a_source_that_is_alike_is_another` |
//! | entry of another signature | `the_log_entry_of_another_signature_proves_nothing` |
//! | certificate of another signature | `the_certificate_of_another_signature_proves_nothing` |
//! | the form of an instance without a log, for one that has one | `no_log_is_no_excuse_where_the_root_has_one` |
//! | an old media type, to drop the proof | `an_old_media_type_does_not_waive_the_proof` |
//! | subject by name, by SHA-1, cut, in the predicate, or in conflict | `a_subject_is_named_by_a_strong_digest_and_by_nothing_else`, `statement/conflicting` |
//! | type of the payload | `the_type_of_the_payload_is_signed_and_demanded`, `dsse-threshold/payload-type` |
//! | signature over the payload, without its type | `a_signature_over_the_payload_alone_is_none`, `dsse-threshold/signature-over-payload` |
//! | the envelope or the log chooses the algorithm | `the_key_says_which_algorithm_it_is`, `public-key/other-scheme` |
//! | duplicate members | `what_can_be_read_in_two_ways_is_not_read`, `json/twice` |
//! | two contents at once | `two_contents_at_once_are_none` |
//! | the name of a checkpoint's signer | `a_checkpoint_is_signed_in_the_name_of_its_log`, `checkpoint/other-origin` |
//! | a time that nobody signed | `a_time_that_nobody_signed_is_no_time` |
//! | the timestamp of a stranger, or of another signature | `a_timestamp_is_of_a_trusted_authority_and_of_this_signature` |
//! | signed before or after the certificate held | `what_was_logged_outside_of_the_certificates_window_is_void` |
//! | an authority or a log that is not trusted | `an_authority_that_is_not_trusted_issues_nothing`, `a_log_that_is_not_trusted_proves_nothing` |
//! | the promise to list the certificate is missing, or a stranger's | `a_certificate_that_no_known_log_lists_is_not_trusted` |
//! | predicate against certificate | `the_predicate_may_not_contradict_the_certificate` |
//! | another builder, a lower level, another type | `a_builder_that_is_not_expected_does_not_count`, `a_level_is_what_the_certificate_proves`, `something_else_that_is_said_is_something_else` |
//! | key ids that collide | `dsse-threshold/key-id-collision` |
//! | one signer counted twice | `dsse-threshold/same-signature-twice`, `dsse-threshold/same-key-two-ids`, `in-toto-layout/same-link-twice` |
//! | threshold of none, or above all | `dsse-threshold/threshold-zero`, `dsse-threshold/threshold-above-n` |
//! | authorised for something else | `dsse-threshold/wrong-role` |
//! | expired, early and revoked keys | `dsse-threshold/expired`, `dsse-threshold/not-yet-valid`, `dsse-threshold/revoked` |
//! | weak keys and malleable signatures of Ed25519 | `public-key/identity-point`, `public-key/small-order`, `dsse-threshold/malleable-scalar` |
//! | canonical JSON | `json/utf16-order`, `json/beyond-2-53`, `json/fraction` |
//! | a checkpoint of the future, the log as its own witness | `checkpoint/from-the-future`, `checkpoint/log-key-as-witness` |
//! | gap, jump, fork and rollback in a chain of keys | `roles-chain/jump`, `roles-chain/fork`, `roles-chain/number-fell` |
//!
//! Steps of a layout that are replayed or done by somebody else are with the tests of `weft_verify::layout`, those of
//! Sigstore's own roots with `weft_verify::tuf`.

mod certificate;
mod log;
mod name;
mod said;
mod shape;

use std::fs;
use std::path::Path;

use serde_json::Value;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, Verifier};

use crate::honest::{ARTIFACT, Desk, EXPECTED};
use crate::instance::{Attestation, Sigstore, Workflow, provenance};

/// An instance, and a place to verify in that trusts it.
pub(super) struct Forge {
    pub(super) sigstore: Sigstore,
    desk: Desk,
}

impl Forge {
    pub(super) fn new() -> Self {
        let sigstore = Sigstore::new();
        let desk = Desk::new(&sigstore.trusts().to_json());
        Self { sigstore, desk }
    }

    /// Attests what an honest workflow says.
    pub(super) fn honest(&self) -> Attestation<'_> {
        self.of(&Workflow::honest())
    }

    /// Attests what this workflow says, which is what its certificate says.
    pub(super) fn of(&self, workflow: &Workflow) -> Attestation<'_> {
        let attestation = self.sigstore.attests(provenance(ARTIFACT, workflow));
        attestation.by(|by| *by = workflow.clone())
    }

    /// Attests by a workflow that differs in one thing.
    pub(super) fn other(&self, change: impl FnOnce(&mut Workflow)) -> Attestation<'_> {
        let mut workflow = Workflow::honest();
        change(&mut workflow);
        self.of(&workflow)
    }

    /// Demands that a bundle is refused at this step under this code, where an honest one passes.
    #[track_caller]
    pub(super) fn refuses(&self, forged: &impl ToString, reason: (&str, &str)) {
        self.refuses_for(EXPECTED, forged, reason);
    }

    /// The same, where less is expected.
    #[track_caller]
    pub(super) fn refuses_for(
        &self,
        expected: &str,
        forged: &impl ToString,
        (step, code): (&str, &str),
    ) {
        self.passes_for(expected, &self.honest().bundle());
        let line = format!("{expected} --format json");
        let done = self.desk.verify(forged.to_string().as_bytes(), &line).exits(1);
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        let steps = report["bundles"][0]["steps"].as_array().unwrap();
        let failed = steps.iter().find(|step| step["result"] == "failed").unwrap();
        let found = (failed["check"].as_str().unwrap(), failed["code"].as_str().unwrap());
        assert_eq!(found, (step, &*format!("provenance/{code}")), "{failed}");
    }

    /// Demands that a bundle passes where this is expected.
    #[track_caller]
    pub(super) fn passes_for(&self, expected: &str, bundle: &impl ToString) {
        self.desk.verify(bundle.to_string().as_bytes(), expected).exits(0);
    }

    /// Demands that a bundle passes once its forgers are trusted: that they are not is its one fault.
    #[track_caller]
    pub(super) fn passes_trusting(&self, root: &Value, bundle: &impl ToString) {
        Desk::new(root).verify(bundle.to_string().as_bytes(), EXPECTED).exits(0);
    }

    /// Demands that `sigstore-verify` by itself takes a bundle, of whomever it is.
    #[track_caller]
    pub(super) fn fools_the_library(&self, bundle: &impl ToString) {
        let root = self.sigstore.trusts().to_json().to_string();
        let verifier = Verifier::new(&TrustedRoot::from_json(&root).unwrap()).unwrap();
        let bundle = Bundle::from_json(&bundle.to_string()).unwrap();
        let anybody = VerificationPolicy::any_identity();
        let verified = verifier.verify(ARTIFACT, &bundle, &anybody).unwrap();
        assert!(verified.certificate_verified() && verified.tlog_verified());
    }
}

/// Returns the log entry of a bundle.
pub(super) fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Replaces a text that is there.
#[track_caller]
pub(super) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

#[test]
fn every_row_of_the_table_names_what_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let index = fs::read_to_string(folder.join("vectors/index.json")).unwrap();
    let sources: Vec<String> = fs::read_dir(folder.join("sigstore/forged"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let rows = include_str!("mod.rs").lines().filter(|line| line.starts_with("//! | "));
    let rows: Vec<&str> = rows.skip(1).collect();
    assert!(rows.len() > 25);
    for row in rows {
        let names = row.split(" | ").nth(2).unwrap();
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            let is_there = match name.contains('/') {
                true => index.contains(&format!("\"{name}\"")),
                false => sources.iter().any(|text| text.contains(&format!("fn {name}()"))),
            };
            assert!(is_there, "{name}");
        }
    }
}
