//! Certificates of strangers, of others, and of another time.

use serde_json::Value;

use super::Forge;
use crate::honest::EXPECTED;
use crate::instance::{Authority, Key, Window, now};

const CERTIFICATE: (&str, &str) = ("signature", "certificate");

#[test]
fn an_authority_that_is_not_trusted_issues_nothing() {
    let forge = Forge::new();
    let stranger = Authority::of_code();
    let mut forged = forge.honest();
    forged.authority = &stranger;
    let forged = forged.bundle();
    forge.refuses(&forged, CERTIFICATE);
    let mut root = forge.sigstore.trusts();
    root.authorities.push(&stranger);
    forge.passes_trusting(&root.to_json(), &forged);
}

#[test]
fn the_certificate_of_another_signature_proves_nothing() {
    let forge = Forge::new();
    let certificate = "/verificationMaterial/certificate";
    let (mut forged, mut other) = (forge.honest().bundle(), forge.honest().bundle());
    *forged.pointer_mut(certificate).unwrap() = other.pointer_mut(certificate).unwrap().take();
    forge.refuses(&forged, ("signature", "signature"));
    // Logged again with somebody else's certificate, which the log of this instance would not do.
    let (own, theirs) = (Key::p256(), Key::p256());
    let honest = forge.honest();
    let issue = |key: &Key| {
        let ct = Some(&forge.sigstore.ct);
        honest.authority.issue(&honest.workflow, key.spki(), honest.window, ct)
    };
    forge.refuses(&honest.bundle_by(&own, &issue(&theirs)), ("signature", "signature"));
    forge.passes_for(EXPECTED, &honest.bundle_by(&own, &issue(&own)));
}

#[test]
fn a_certificate_that_no_known_log_lists_is_not_trusted() {
    let forge = Forge::new();
    let mut unlisted = forge.honest();
    unlisted.ct = None;
    forge.refuses(&unlisted.bundle(), CERTIFICATE);
    let stranger = Key::p256();
    let mut forged = forge.honest();
    forged.ct = Some(&stranger);
    let forged = forged.bundle();
    forge.refuses(&forged, CERTIFICATE);
    let mut root = forge.sigstore.trusts();
    root.ct.push(&stranger);
    forge.passes_trusting(&root.to_json(), &forged);
}

#[test]
fn what_was_logged_outside_of_the_certificates_window_is_void() {
    let forge = Forge::new();
    let signed = |window: Window, logged_at: i64| -> Value {
        let mut attestation = forge.honest();
        attestation.window = window;
        attestation.logged_at = logged_at;
        attestation.bundle()
    };
    let window = Window(now() - 1000, now() - 400);
    for second in [window.0, window.1] {
        forge.passes_for(EXPECTED, &signed(window, second));
    }
    forge.refuses(&signed(window, window.0 - 1), CERTIFICATE);
    forge.refuses(&signed(window, window.1 + 1), CERTIFICATE);
    // Each time counts: one inside does not make up for one outside.
    let mut attestation = forge.honest().stamped(&forge.sigstore.tsa);
    attestation.window = window;
    attestation.logged_at = now() - 500;
    attestation.stamped_at = now() - 300;
    forge.refuses(&attestation.bundle(), CERTIFICATE);
    attestation.stamped_at = now() - 500;
    forge.passes_for(EXPECTED, &attestation.bundle());
    // Signed in the future.
    let ahead = signed(Window(now() + 3000, now() + 3600), now() + 3300);
    forge.refuses(&ahead, ("signature", "log"));
}
