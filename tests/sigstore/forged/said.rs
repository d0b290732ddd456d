//! What is said, of which artifact, and against what the certificate says.

use serde_json::{Value, json};

use super::{Forge, replaced};
use crate::honest::{ARTIFACT, EXPECTED};
use crate::instance::key::{hex, sha256};
use crate::instance::{Workflow, provenance};

/// Attests honest provenance in which this is changed, and the certificate is not.
fn saying(forge: &Forge, path: &str, value: Value) -> Value {
    let mut statement = provenance(ARTIFACT, &Workflow::honest());
    *statement.pointer_mut(path).unwrap() = value;
    forge.sigstore.attests(statement).bundle()
}

#[test]
fn a_subject_is_named_by_a_strong_digest_and_by_nothing_else() {
    let forge = Forge::new();
    let digest = hex(&sha256(ARTIFACT));
    let other = hex(&sha256(b"another"));
    let sha512 = "ab".repeat(64);
    for (subject, reason) in [
        (json!([{"name": "app"}]), ("signature", "bundle")),
        (json!([{"name": "app", "digest": {}}]), ("signature", "bundle")),
        (json!([{"name": "app", "digest": {"sha1": "0".repeat(40)}}]), ("signature", "bundle")),
        (json!([{"name": "app", "digest": {"sha256": other}}]), ("signature", "subject")),
        (json!([{"name": digest, "digest": {"sha256": other}}]), ("signature", "subject")),
        (json!([{"name": "app", "digest": {"sha256": digest[..32]}}]), ("signature", "bundle")),
        (
            json!([{"name": "app", "digest": {"sha256": digest.to_uppercase()}}]),
            ("statement", "statement"),
        ),
        (json!([]), ("signature", "bundle")),
    ] {
        forge.refuses(&saying(&forge, "/subject", subject), reason);
    }
    // One digest is the artifact's, and another one is not.
    let conflict = json!([{"name": "app", "digest": {"sha256": digest, "sha512": sha512}}]);
    let forged = saying(&forge, "/subject", conflict);
    forge.refuses(&forged, ("statement", "subject"));
    forge.fools_the_library(&forged);
    // It is among what the build says it used, and not what it made.
    let mut statement = provenance(ARTIFACT, &Workflow::honest());
    statement["subject"][0]["digest"]["sha256"] = other.into();
    let used = json!({"uri": "file:app", "digest": {"sha256": digest}});
    let used_at = "/predicate/buildDefinition/resolvedDependencies";
    statement.pointer_mut(used_at).unwrap().as_array_mut().unwrap().push(used);
    forge.refuses(&forge.sigstore.attests(statement).bundle(), ("signature", "subject"));
    // Its neighbour among several is enough.
    let several = json!([
        {"name": "other", "digest": {"sha256": hex(&sha256(b"another"))}},
        {"name": "app", "digest": {"sha256": digest}},
    ]);
    forge.passes_for(EXPECTED, &saying(&forge, "/subject", several));
}

#[test]
fn the_predicate_may_not_contradict_the_certificate() {
    let forge = Forge::new();
    let workflow = "/predicate/buildDefinition/externalParameters/workflow";
    let source = "/predicate/buildDefinition/resolvedDependencies/0";
    let builder = "https://github.com/mallory/ci/.github/workflows/release.yml@refs/tags/v1.0.0";
    for (path, value) in [
        (format!("{workflow}/repository"), json!("https://github.com/mallory/app")),
        (format!("{workflow}/ref"), json!("refs/heads/main")),
        (format!("{source}/digest/gitCommit"), json!("0".repeat(40))),
        ("/predicate/runDetails/builder/id".to_owned(), json!(builder)),
        ("/predicate/runDetails/builder/id".to_owned(), json!(7)),
        (source.to_owned(), json!("the sources")),
    ] {
        let forged = saying(&forge, &path, value);
        forge.refuses(&forged, ("predicate", "predicate"));
        forge.fools_the_library(&forged);
    }
}

#[test]
fn something_else_that_is_said_is_something_else() {
    let forge = Forge::new();
    for other in ["https://slsa.dev/provenance/v1.0", "https://slsa.dev/provenance/v0.2", "x"] {
        let forged = saying(&forge, "/predicateType", other.into());
        forge.refuses(&forged, ("predicate-type", "predicate-type"));
        forge.fools_the_library(&forged);
    }
    for kind in ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v2"] {
        let forged = saying(&forge, "/_type", kind.into());
        match kind.ends_with("v0.1") {
            true => forge.passes_for(EXPECTED, &forged),
            false => forge.refuses(&forged, ("statement", "statement")),
        }
    }
}

#[test]
fn the_type_of_the_payload_is_signed_and_demanded() {
    let forge = Forge::new();
    for payload_type in ["application/json", "application/vnd.in-toto+json ", ""] {
        // Signed as something else, with a payload that reads as a statement.
        let mut forged = forge.honest();
        forged.payload_type = payload_type;
        forge.refuses(&forged.bundle(), ("signature", "bundle"));
        // Signed as something else, and said to be a statement.
        let mut relabelled = forged.bundle();
        relabelled["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+json".into();
        forge.refuses(&relabelled, ("signature", "signature"));
    }
}

#[test]
fn a_signature_over_the_payload_alone_is_none() {
    let forge = Forge::new();
    let mut forged = forge.honest();
    forged.signs_payload_alone = true;
    forge.refuses(&forged.bundle(), ("signature", "signature"));
}

#[test]
fn what_was_signed_is_read_byte_by_byte() {
    let forge = Forge::new();
    let statement = provenance(ARTIFACT, &Workflow::honest()).to_string();
    // A reader of the last member sees the honest commit, a reader of the first does not.
    let from = "\"gitCommit\":";
    let twice = replaced(&statement, from, &format!("\"gitCommit\":\"{}\",{from}", "0".repeat(40)));
    let forged = forge.sigstore.attests(twice).bundle();
    forge.refuses(&forged, ("statement", "statement"));
    forge.fools_the_library(&forged);
    let escaped =
        replaced(&statement, from, &format!("\"git\\u0043ommit\":\"{}\",{from}", "0".repeat(40)));
    forge.refuses(&forge.sigstore.attests(escaped).bundle(), ("statement", "statement"));
    // Spaces mean nothing, and are signed.
    let spaced = replaced(&statement, from, "\"gitCommit\" : ");
    forge.passes_for(EXPECTED, &forge.sigstore.attests(spaced).bundle());
}
