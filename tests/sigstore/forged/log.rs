//! Entries, checkpoints and times of logs and timestamp authorities that prove something else, or nothing.

use serde_json::Value;

use super::{Forge, entry, replaced};
use crate::honest::EXPECTED;
use crate::instance::{Log, TimestampAuthority, Window, now};

const LOG: (&str, &str) = ("signature", "log");
const TIME: (&str, &str) = ("signature", "timestamp");

#[test]
fn the_log_entry_of_another_signature_proves_nothing() {
    let forge = Forge::new();
    // The same statement by the same workflow, signed once more; and another one.
    let mut other = forge.honest().bundle();
    let mut forged = forge.honest().bundle();
    *entry(&mut forged) = entry(&mut other).take();
    forge.refuses(&forged, LOG);
    let mut other = forge.other(|by| by.commit = "0".repeat(40)).bundle();
    let mut forged = forge.honest().bundle();
    *entry(&mut forged) = entry(&mut other).take();
    forge.refuses(&forged, LOG);
    // The second version logs a digest of what was signed.
    let second = || forge.honest().logged(&forge.sigstore.v2).stamped(&forge.sigstore.tsa).bundle();
    let (mut other, mut forged) = (second(), second());
    *entry(&mut forged) = entry(&mut other).take();
    forge.refuses(&forged, LOG);
    forge.passes_for(EXPECTED, &second());
}

#[test]
fn the_proof_of_another_entry_proves_nothing() {
    let forge = Forge::new();
    for path in ["/inclusionProof", "/inclusionPromise", "/logIndex", "/canonicalizedBody"] {
        let (mut other, mut forged) = (forge.honest().bundle(), forge.honest().bundle());
        *entry(&mut forged).pointer_mut(path).unwrap() =
            entry(&mut other).pointer_mut(path).unwrap().take();
        forge.refuses(&forged, LOG);
    }
}

#[test]
fn no_log_is_no_excuse_where_the_root_has_one() {
    let forge = Forge::new();
    let forged = forge.honest().stamped(&forge.sigstore.tsa);
    let forged = crate::instance::Attestation { log: None, ..forged }.bundle();
    forge.refuses(&forged, ("signature", "bundle"));
    // A root without a log takes it, as GitHub's own instance has it.
    let mut root = forge.sigstore.trusts();
    root.logs.clear();
    let desk = crate::honest::Desk::new(&root.to_json());
    let expected = EXPECTED.replace("--require inclusion", "--require timestamp");
    desk.verify(forged.to_string().as_bytes(), &expected).exits(0);
}

#[test]
fn an_old_media_type_does_not_waive_the_proof() {
    let forge = Forge::new();
    let mut forged = forge.honest().bundle();
    forged["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    forge.passes_for(EXPECTED, &forged);
    entry(&mut forged).as_object_mut().unwrap().remove("inclusionProof");
    forge.refuses(&forged, ("proofs", "proof-missing"));
    forge.fools_the_library(&forged);
    // What is no longer claimed to be old has to have it in any case.
    forged["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.3+json".into();
    let expected = EXPECTED.replace("--require inclusion", "");
    forge.refuses_for(&expected, &forged, ("signature", "bundle"));
}

#[test]
fn a_checkpoint_is_signed_in_the_name_of_its_log() {
    let forge = Forge::new();
    let (sigstore, honest) = (&forge.sigstore, forge.honest());
    for log in [&sigstore.v1, &sigstore.v2] {
        let attestation = forge.honest().logged(log).stamped(&sigstore.tsa);
        let mut forged = attestation.bundle();
        let note = entry(&mut forged).pointer_mut("/inclusionProof/checkpoint/envelope").unwrap();
        let own = format!("\u{2014} {} ", log.name);
        let renamed = replaced(note.as_str().unwrap(), &own, "\u{2014} evil.test ");
        *note = renamed.into();
        forge.refuses(&forged, LOG);
        forge.fools_the_library(&forged);
    }
    // A witness saw it, which is not to say that the log signed it.
    let mut forged = honest.logged(&sigstore.v2).stamped(&sigstore.tsa).bundle();
    let note = entry(&mut forged).pointer_mut("/inclusionProof/checkpoint/envelope").unwrap();
    let lines = note.as_str().unwrap().split_inclusive('\n');
    let own = format!("\u{2014} {} ", sigstore.v2.name);
    let kept: String = lines.filter(|line| !line.starts_with(&own)).collect();
    assert!(kept.contains("\u{2014} witness.test "));
    *note = kept.into();
    forge.refuses(&forged, LOG);
}

#[test]
fn a_log_that_is_not_trusted_proves_nothing() {
    let forge = Forge::new();
    let (first, second) = (Log::v1(), Log::v2());
    for stranger in [&first, &second] {
        let forged = forge.honest().logged(stranger).stamped(&forge.sigstore.tsa).bundle();
        forge.refuses(&forged, LOG);
        let mut root = forge.sigstore.trusts();
        root.logs.push(stranger);
        forge.passes_trusting(&root.to_json(), &forged);
    }
}

#[test]
fn a_time_that_nobody_signed_is_no_time() {
    let forge = Forge::new();
    let without_promise = |mut bundle: Value| {
        entry(&mut bundle).as_object_mut().unwrap().remove("inclusionPromise").unwrap();
        bundle
    };
    // The entry is included, and its time is not among what was signed.
    forge.refuses(&without_promise(forge.honest().bundle()), TIME);
    let stamped = forge.honest().stamped(&forge.sigstore.tsa).bundle();
    forge.passes_for(EXPECTED, &without_promise(stamped));
    // The second version signs no time at all.
    let second = forge.honest().logged(&forge.sigstore.v2).bundle();
    forge.refuses(&second, TIME);
    let mut timed = second;
    entry(&mut timed)["integratedTime"] = (now() - 60).to_string().into();
    forge.refuses(&timed, TIME);
    // Signed too late, and dated back to when the certificate held.
    let mut late = forge.honest();
    late.window = Window(now() - 1000, now() - 400);
    let mut late = late.bundle();
    entry(&mut late)["integratedTime"] = (now() - 500).to_string().into();
    forge.refuses(&late, LOG);
}

#[test]
fn a_timestamp_is_of_a_trusted_authority_and_of_this_signature() {
    let forge = Forge::new();
    let stranger = TimestampAuthority::new();
    let forged = forge.honest().stamped(&stranger).bundle();
    forge.refuses(&forged, TIME);
    let mut root = forge.sigstore.trusts();
    root.stamps.push(&stranger);
    forge.passes_trusting(&root.to_json(), &forged);
    let stamped = || forge.honest().stamped(&forge.sigstore.tsa).bundle();
    let (mut forged, mut other) = (stamped(), stamped());
    let stamp = "/verificationMaterial/timestampVerificationData";
    *forged.pointer_mut(stamp).unwrap() = other.pointer_mut(stamp).unwrap().take();
    forge.refuses(&forged, TIME);
    forge.passes_for(&format!("{EXPECTED} --require timestamp"), &stamped());
    // One that holds does not make up for one that does not.
    let mut forged = stamped();
    let stamps = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let mut strange = forge.honest().stamped(&stranger).bundle();
    let strange = strange.pointer_mut(stamps).unwrap()[0].take();
    forged.pointer_mut(stamps).unwrap().as_array_mut().unwrap().push(strange);
    forge.refuses(&forged, TIME);
}
