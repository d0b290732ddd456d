//! Bundles that mean two things, and algorithms that are not for the bundle to choose.

use serde_json::{Value, json};

use super::{Forge, entry, replaced};
use crate::honest::{ARTIFACT, EXPECTED};
use crate::instance::Key;
use crate::instance::key::{base64, sha256, unbase64};
use crate::instance::log::Logged;

const BUNDLE: (&str, &str) = ("bundle", "bundle");

#[test]
fn what_can_be_read_in_two_ways_is_not_read() {
    let forge = Forge::new();
    let text = forge.honest().bundle().to_string();
    let theirs = forge.other(|by| by.repository = "https://github.com/mallory/app".into()).bundle();
    let (envelope, material) = (&theirs["dsseEnvelope"], &theirs["verificationMaterial"]);
    for (from, first) in [
        ("\"mediaType\":", "\"mediaType\":\"x\",".to_owned()),
        ("\"dsseEnvelope\":", format!("\"dsseEnvelope\":{envelope},")),
        ("\"verificationMaterial\":", format!("\"verificationMaterial\":{material},")),
        ("\"payload\":", "\"payload\":\"e30=\",".to_owned()),
        ("\"rawBytes\":", "\"rawBytes\":\"AA==\",".to_owned()),
        ("\"rawBytes\":", "\"raw\\u0042ytes\":\"AA==\",".to_owned()),
    ] {
        forge.refuses(&replaced(&text, from, &format!("{first}{from}")), BUNDLE);
    }
    // Two spellings of one member: the protobuf mapping knows both.
    let snake = replaced(&text, "\"mediaType\":", "\"media_type\":\"x\",\"mediaType\":");
    forge.refuses(&snake, BUNDLE);
    // Two signatures, of which one holds.
    let mut forged: Value = serde_json::from_str(&text).unwrap();
    let signatures = &mut forged["dsseEnvelope"]["signatures"];
    let again = signatures[0].clone();
    signatures.as_array_mut().unwrap().push(again);
    forge.refuses(&forged, BUNDLE);
}

#[test]
fn two_contents_at_once_are_none() {
    let forge = Forge::new();
    let mut forged = forge.honest().bundle();
    let digest = base64(&sha256(b"another artifact"));
    forged["messageSignature"] = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
        "signature": base64(b"of somebody"),
    });
    forge.refuses(&forged, BUNDLE);
    forge.fools_the_library(&forged);
    let mut forged = forge.honest().bundle();
    forged["verificationMaterial"]["publicKey"] = json!({"hint": "mallory"});
    forge.refuses(&forged, BUNDLE);
}

/// Signs the artifact itself, without an envelope.
fn signed_artifact(forge: &Forge) -> Value {
    let (key, honest) = (Key::p256(), forge.honest());
    let ct = Some(&forge.sigstore.ct);
    let certificate = honest.authority.issue(&honest.workflow, key.spki(), honest.window, ct);
    let mut bundle = honest.stamped(&forge.sigstore.tsa).bundle_by(&key, &certificate);
    let signature = key.sign(ARTIFACT);
    let logged = Logged {
        payload: ARTIFACT,
        message: ARTIFACT,
        signature: &signature,
        certificate: &certificate,
    };
    let stamp = forge.sigstore.tsa.stamp(&signature, crate::instance::now() - 60);
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0] =
        json!({"signedTimestamp": base64(&stamp)});
    *entry(&mut bundle) = forge.sigstore.v2.add(&logged, 0).to_json();
    bundle.as_object_mut().unwrap().remove("dsseEnvelope");
    bundle["messageSignature"] = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": base64(&sha256(ARTIFACT))},
        "signature": base64(&signature),
    });
    bundle
}

#[test]
fn the_key_says_which_algorithm_it_is() {
    let forge = Forge::new();
    let expected = "--issuer https://token.actions.githubusercontent.com --source-repo example/app";
    let signed = signed_artifact(&forge);
    forge.passes_for(expected, &signed);
    // The digest of one algorithm under the name of another.
    let mut forged = signed.clone();
    forged["messageSignature"]["messageDigest"]["algorithm"] = "SHA2_512".into();
    forge.refuses_for(expected, &forged, ("signature", "signature"));
    // The right digest of an algorithm that was not signed with.
    let sha512 = <sha2::Sha512 as sha2::Digest>::digest(ARTIFACT);
    forged["messageSignature"]["messageDigest"]["digest"] = base64(&sha512).into();
    forge.refuses_for(expected, &forged, ("signature", "signature"));
    // A log that says that the key is one of Ed25519.
    let mut forged = signed;
    let body = unbase64(entry(&mut forged)["canonicalizedBody"].as_str().unwrap());
    let body = String::from_utf8(body).unwrap();
    let body = replaced(&body, "PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519");
    *entry(&mut forged) = forge.sigstore.v2.add_body(body.into_bytes(), 0).to_json();
    forge.refuses_for(expected, &forged, ("signature", "log"));
    // A certificate for a key of Ed25519, whose signature is one of P-256.
    let (own, other, honest) = (Key::p256(), Key::ed25519(), forge.honest());
    let ct = Some(&forge.sigstore.ct);
    let certificate = honest.authority.issue(&honest.workflow, other.spki(), honest.window, ct);
    forge.refuses(&honest.bundle_by(&own, &certificate), ("signature", "signature"));
    forge.passes_for(EXPECTED, &honest.bundle_by(&other, &certificate));
}
