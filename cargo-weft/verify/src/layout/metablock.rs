//! The two wrappings of signed metadata: DSSE envelopes, and the legacy `signed` and `signatures` (Metablock), which TUF
//! has, too.
//!
//! Ids of keys in signatures are not looked at: what counts is whether one of the signatures is by the key.

use serde::Deserialize;

use super::olpc;
use crate::Rejection;
use crate::digest::from_hex;
use crate::envelope::{self, Envelope, IN_TOTO, Signature};
use crate::json::{self, Limits, Numbers, Value};
use crate::key::PublicKey;

/// The bounds of a wrapping; what is signed in canonical JSON has no fractions.
const LIMITS: Limits = Limits { numbers: Numbers::SafeIntegers, ..Limits::FOREIGN };

/// Signed metadata, read and not yet verified.
#[derive(Debug)]
pub(crate) struct Metablock {
    signatures: Vec<Signature>,
    /// What is really signed.
    message: Vec<u8>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Payload(Vec<u8>),
    Signed(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    signed: Value,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize)]
struct WireSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

impl Metablock {
    /// Reads either wrapping.
    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let value = json::read(bytes, LIMITS)?;
        if value.get("payload").is_none() {
            return Self::legacy(&value);
        }
        // Which of the two would be meant?
        if value.get("signed").is_some() {
            return Err(Rejection::MemberUnknown { path: "signed".to_owned() });
        }
        let envelope = Envelope::decode(&value)?;
        if envelope.unverified_payload_type() != IN_TOTO {
            let found = envelope.unverified_payload_type().chars().take(200).collect();
            return Err(Rejection::PayloadType { expected: IN_TOTO.to_owned(), found });
        }
        Ok(Self {
            signatures: envelope.signatures().to_vec(),
            message: envelope.pae(),
            body: Body::Payload(envelope.unverified_payload().to_vec()),
        })
    }

    /// Reads the legacy wrapping.
    pub(crate) fn from_legacy_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        Self::legacy(&json::read(bytes, LIMITS)?)
    }

    fn legacy(value: &Value) -> Result<Self, Rejection> {
        let wire: Wire = json::from_value(value)?;
        let found = envelope::countable(wire.signatures.len())?;
        let mut signatures = Vec::with_capacity(found);
        for (index, wire) in wire.signatures.into_iter().enumerate() {
            let bytes = from_hex(&wire.sig).ok_or_else(|| Rejection::MemberInvalid {
                path: format!("signatures[{index}].sig"),
                message: "expected pairs of lower-case hexadecimal digits".to_owned(),
            })?;
            let key_id = wire.keyid.filter(|id| !id.is_empty());
            signatures.push(Signature { key_id, bytes });
        }
        let message = olpc::encode(&wire.signed).ok_or_else(|| Rejection::MemberInvalid {
            path: "signed".to_owned(),
            message: "expected integers alone".to_owned(),
        })?;
        Ok(Self { signatures, message, body: Body::Signed(wire.signed) })
    }

    /// Returns the signatures.
    pub(crate) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Returns what is signed.
    pub(crate) fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the first of these keys that signed; otherwise why the first signature is none of the first key's.
    pub(crate) fn signer(&self, keys: &[PublicKey]) -> Result<PublicKey, Rejection> {
        let mut why = None;
        for key in keys {
            for signature in &self.signatures {
                match key.verify(&self.message, &signature.bytes) {
                    Ok(()) => return Ok(*key),
                    Err(rejection) => why = why.or(Some(rejection)),
                }
            }
        }
        Err(why.unwrap_or(Rejection::SignatureUnknownKey))
    }

    /// Returns the metadata itself, to be asked for when somebody who may has signed it.
    pub(crate) fn value(&self) -> Result<Value, Rejection> {
        match &self.body {
            Body::Payload(bytes) => json::read(bytes, Limits::FOREIGN),
            Body::Signed(value) => Ok(value.clone()),
        }
    }
}

/// Returns the `_type` of metadata.
pub(crate) fn kind(value: &Value) -> Result<&str, Rejection> {
    match value.get("_type") {
        Some(Value::String(kind)) => Ok(kind),
        Some(_) => Err(Rejection::MemberInvalid {
            path: "_type".to_owned(),
            message: "expected a string".to_owned(),
        }),
        None => Err(Rejection::MemberMissing { path: "_type".to_owned() }),
    }
}

/// Demands a `_type`.
pub(crate) fn demand_kind(value: &Value, expected: &'static str) -> Result<(), Rejection> {
    let found = kind(value)?;
    match found == expected {
        true => Ok(()),
        false => {
            Err(Rejection::MetadataType { expected, found: found.chars().take(200).collect() })
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::Signer as _;

    use super::*;
    use crate::base64;
    use crate::digest::to_hex;

    fn key(number: u8) -> (ed25519_dalek::SigningKey, PublicKey) {
        let key = ed25519_dalek::SigningKey::from_bytes(&[number; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
        (key, public)
    }

    #[test]
    fn the_legacy_form_is_signed_in_its_own_canonical_form() {
        let (signer, public) = key(1);
        let canonical = "{\"_type\":\"link\",\"a\":\"\n\"}";
        let sig = to_hex(&signer.sign(canonical.as_bytes()).to_bytes());
        let text = format!(
            r#"{{"signed":{{"a":"\n", "_type":"link"}},"signatures":[{{"keyid":"x","sig":"{sig}"}}]}}"#
        );
        let metablock = Metablock::from_slice(text.as_bytes()).unwrap();
        assert_eq!(metablock.signer(&[key(2).1, public]), Ok(public));
        assert_eq!(metablock.signer(&[key(2).1]), Err(Rejection::SignatureInvalid));
        assert_eq!(kind(&metablock.value().unwrap()), Ok("link"));
        let upper = text.replace(&sig, &sig.to_uppercase());
        assert!(matches!(
            Metablock::from_slice(upper.as_bytes()),
            Err(Rejection::MemberInvalid { path, .. }) if path == "signatures[0].sig"
        ));
    }

    #[test]
    fn a_text_is_in_one_wrapping() {
        let check = |text: &str, expected: Rejection| {
            assert_eq!(Metablock::from_slice(text.as_bytes()).unwrap_err(), expected, "{text}");
        };
        let empty = base64::encode(b"{}");
        let dsse = |kind: &str, more: &str| {
            format!(
                r#"{{"payload":"{empty}","payloadType":"{kind}","signatures":[{{"sig":"AA=="}}]{more}}}"#
            )
        };
        let both = dsse(IN_TOTO, r#","signed":{}"#);
        check(&both, Rejection::MemberUnknown { path: "signed".into() });
        let found = "text/plain".to_owned();
        let other = Rejection::PayloadType { expected: IN_TOTO.into(), found };
        check(&dsse("text/plain", ""), other);
        check(r#"{"signed":{},"signatures":[]}"#, Rejection::NoSignatures);
        let unknown = Rejection::MemberUnknown { path: "x".into() };
        check(r#"{"signed":{},"signatures":[],"x":1}"#, unknown);
        check(r#"{"signatures":[]}"#, Rejection::MemberMissing { path: "signed".into() });
    }
}
