//! What the services returned: a certificate for our key, an entry for our signature, a bundle that is read strictly.
//!
//! No root is asked here, so that anybody could have said it; but it is about this signature, and not another.

use sigstore_sign::SigningServices;
use sigstore_sign::crypto::{parse_certificate_info, verify_signature};
use sigstore_sign::rekor::body::RekorEntryBody;
use sigstore_sign::types::{
    Bundle, DerCertificate, DsseEnvelope, KindVersion, SignatureContent, TransparencyLogEntry,
};
use weft_gate::provenance::bundle;
use weft_verify::Sha256;
use weft_verify::envelope::IN_TOTO;

use crate::error::Error;

/// Returns the bundle's JSON, if it is what was asked for.
pub(super) fn returned(
    bundle: &Bundle,
    statement: &[u8],
    services: &SigningServices,
) -> Result<Vec<u8>, Error> {
    let (SignatureContent::DsseEnvelope(envelope), Some(certificate)) =
        (&bundle.content, bundle.signing_certificate())
    else {
        return Err(Error::Bug("a keyless signature has an envelope and a certificate".to_owned()));
    };
    is_ours(certificate, envelope)
        .map_err(|reason| refused("take the certificate of", services.fulcio_url(), reason))?;
    let [entry] = &bundle.verification_material.tlog_entries[..] else {
        return Err(Error::Bug("a signature is logged once".to_owned()));
    };
    is_logged(entry, envelope, certificate)
        .map_err(|reason| refused("take the entry of", services.rekor_url(), reason))?;
    let json = bundle.to_json().map_err(|e| Error::Bug(format!("the bundle: {e}")))?.into_bytes();
    let read = bundle::Bundle::parse(&json);
    let read = read.map_err(|refusal| {
        refused("take the bundle with the entry of", services.rekor_url(), refusal.to_string())
    })?;
    if let Some(origin) = read.stranger() {
        let reason = format!("the checkpoint of `{origin}` is not signed in its name");
        return Err(refused("take the entry of", services.rekor_url(), reason));
    }
    match read.payload() == Some((IN_TOTO, statement)) {
        true => Ok(json),
        false => Err(Error::Bug("another statement was signed".to_owned())),
    }
}

fn refused(action: &'static str, service: &str, reason: impl Into<String>) -> Error {
    Error::Service { action, service: service.to_owned(), reason: reason.into() }
}

/// Says whether the key that the certificate is for made the signature.
fn is_ours(certificate: &DerCertificate, envelope: &DsseEnvelope) -> Result<(), String> {
    let info = parse_certificate_info(certificate).map_err(|e| e.to_string())?;
    let scheme = info.key_algorithm.default_signing_scheme();
    let signature = &envelope.signature.sig;
    verify_signature(&info.public_key, &envelope.pae(), signature, scheme)
        .map_err(|_| "it is for another key than the one that was sent".to_owned())
}

/// Says whether an entry, with an inclusion proof, is of this signature.
fn is_logged(
    entry: &TransparencyLogEntry,
    envelope: &DsseEnvelope,
    certificate: &DerCertificate,
) -> Result<(), String> {
    if entry.inclusion_proof.is_none() {
        return Err("it has no inclusion proof".to_owned());
    }
    // The client has compared the second version's entry with what it sent.
    if entry.kind_version == KindVersion::HashedRekordV002 {
        return Ok(());
    }
    let body = RekorEntryBody::parse(&entry.canonicalized_body, entry.kind_version);
    let RekorEntryBody::DsseV001(body) = body.map_err(|e| e.to_string())? else {
        return Err("it is of another kind than `dsse`".to_owned());
    };
    let payload = Sha256::of(envelope.payload.as_bytes()).to_string();
    let [signature] = &body.spec.signatures[..] else {
        return Err("it has another number of signatures than one".to_owned());
    };
    let verifier = signature.parse_certificate().map_err(|e| e.to_string())?;
    let holds = payload == body.spec.payload_hash.value
        && signature.signature.as_bytes() == envelope.signature.sig.as_bytes()
        && verifier.as_bytes() == certificate.as_bytes();
    match holds {
        true => Ok(()),
        false => Err("it is of another signature than the one that was sent".to_owned()),
    }
}
