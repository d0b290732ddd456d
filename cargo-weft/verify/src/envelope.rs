//! DSSE envelopes, version 1.0: signatures over a typed payload.
//!
//! What is signed is the pre-authentication encoding of payload type and payload ([`pae`], DSSE `protocol.md`), so a
//! payload cannot be passed off as one of another type.
//! Bytes of a payload can be had from a [`Verified`] envelope alone.

use serde::{Deserialize, Serialize};

use crate::json::{self, Limits, Value};
use crate::threshold::{Authority, Requirement, Signed, Tallies};
use crate::time::Moment;
use crate::{AsOf, Rejection, Verified, base64, canonical};

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The most signatures that are read.
pub const MAX_SIGNATURES: usize = 256;

/// A DSSE envelope, read and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The id of the key; nothing, if it names none.
    pub key_id: Option<String>,
    /// The bytes of the signature.
    pub bytes: Vec<u8>,
}

/// A payload that enough keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The payload type, which is signed, too.
    pub payload_type: String,
    /// The payload.
    pub bytes: Vec<u8>,
    /// Which signatures count.
    pub tallies: Tallies,
}

/// One quorum: enough keys of a role, out of an authority.
#[derive(Debug, Clone, Copy)]
pub struct Clause<'a> {
    /// What to call the authority, where there are several.
    pub of: Option<&'a str>,
    /// Who may sign.
    pub authority: &'a Authority,
    /// How many have to.
    pub requirement: &'a Requirement,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

/// Returns the pre-authentication encoding: what is really signed.
///
/// ```
/// assert_eq!(weft_verify::envelope::pae("t/x", b"hello"), b"DSSEv1 3 t/x 5 hello");
/// ```
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Makes an envelope without signatures.
    pub fn new(payload_type: &str, payload: Vec<u8>) -> Self {
        Self { payload_type: payload_type.to_owned(), payload, signatures: Vec::new() }
    }

    /// Reads an envelope as weft writes it: no unknown members, and every signature names its key.
    ///
    /// # Errors
    ///
    /// Any rejection of the families `json` and `record`, [`Rejection::Base64`], [`Rejection::NoSignatures`],
    /// [`Rejection::TooManySignatures`] and [`Rejection::KeyIdMissing`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let value = json::read(bytes, Limits::FOREIGN)?;
        only(&value, "", &["payload", "payloadType", "signatures"])?;
        if let Some(Value::Array(signatures)) = value.get("signatures") {
            for (index, signature) in signatures.iter().enumerate() {
                only(signature, &format!("signatures[{index}]."), &["keyid", "sig"])?;
            }
        }
        let envelope = Self::decode(&value)?;
        match envelope.signatures.iter().position(|s| s.key_id.is_none()) {
            Some(index) => Err(Rejection::KeyIdMissing { index }),
            None => Ok(envelope),
        }
    }

    /// Reads an envelope as the DSSE specification has it: unknown members are ignored, key ids are optional.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::from_slice`] but [`Rejection::KeyIdMissing`].
    pub fn from_dsse(bytes: &[u8]) -> Result<Self, Rejection> {
        Self::decode(&json::read(bytes, Limits::FOREIGN)?)
    }

    pub(crate) fn decode(value: &Value) -> Result<Self, Rejection> {
        let wire: Wire = json::from_value(value)?;
        let found = countable(wire.signatures.len())?;
        let decode =
            |text: &str, path: String| base64::either(text).ok_or(Rejection::Base64 { path });
        let mut signatures = Vec::with_capacity(found);
        for (index, wire) in wire.signatures.iter().enumerate() {
            let bytes = decode(&wire.sig, format!("signatures[{index}].sig"))?;
            let key_id = wire.keyid.clone().filter(|id| !id.is_empty());
            signatures.push(Signature { key_id, bytes });
        }
        Ok(Self {
            payload: decode(&wire.payload, "payload".to_owned())?,
            payload_type: wire.payload_type,
            signatures,
        })
    }

    /// Writes the envelope in canonical form.
    pub fn to_vec(&self) -> Vec<u8> {
        let signature = |s: &Signature| WireSignature {
            keyid: Some(s.key_id.clone().unwrap_or_default()),
            sig: base64::encode(&s.bytes),
        };
        let wire = Wire {
            payload: base64::encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        canonical::to_vec(&wire).expect("an envelope holds strings alone")
    }

    /// Returns the signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Returns the payload type, which nobody has vouched for yet.
    pub fn unverified_payload_type(&self) -> &str {
        &self.payload_type
    }

    /// Returns the payload, which nobody has vouched for yet.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns what a signer signs.
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// Adds a signature, unless it is there already; signatures are kept in the order of key ids and bytes.
    pub fn add(&mut self, signature: Signature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
            self.signatures.sort_by(|a, b| (&a.key_id, &a.bytes).cmp(&(&b.key_id, &b.bytes)));
        }
    }

    /// Verifies that enough keys of a role signed an in-toto payload.
    ///
    /// # Errors
    ///
    /// [`Rejection::PayloadType`], [`Rejection::RoleUnknown`], [`Rejection::ThresholdUnreachable`] or
    /// [`Rejection::ThresholdNotMet`].
    ///
    /// ```
    /// use weft_verify::{AsOf, Rejection};
    /// use weft_verify::envelope::Envelope;
    /// use weft_verify::threshold::{Authority, Requirement};
    ///
    /// let text = br#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json",
    ///                 "signatures":[{"keyid":"a","sig":"AA=="}]}"#;
    /// let envelope = Envelope::from_slice(text).unwrap();
    /// let nobody = Authority::default();
    /// let one = Requirement::new("release", 1).unwrap();
    /// assert_eq!(
    ///     envelope.verify(&nobody, &one, AsOf::second(1_795_478_400)),
    ///     Err(Rejection::RoleUnknown { role: "release".into() })
    /// );
    /// ```
    pub fn verify(
        &self,
        authority: &Authority,
        requirement: &Requirement,
        as_of: AsOf,
    ) -> Result<Verified<Payload>, Rejection> {
        self.verify_all(&[Clause { of: None, authority, requirement }], as_of)
    }

    /// Verifies that several quorums signed an in-toto payload.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::verify`]; [`Rejection::ThresholdNotMet`] holds a tally for each clause.
    pub fn verify_all(
        &self,
        clauses: &[Clause<'_>],
        as_of: AsOf,
    ) -> Result<Verified<Payload>, Rejection> {
        self.verify_at(clauses, Moment::At(as_of))
    }

    pub(crate) fn verify_at(
        &self,
        clauses: &[Clause<'_>],
        moment: Moment,
    ) -> Result<Verified<Payload>, Rejection> {
        if self.payload_type != IN_TOTO {
            let found = self.payload_type.chars().take(200).collect();
            return Err(Rejection::PayloadType { expected: IN_TOTO.to_owned(), found });
        }
        let message = self.pae();
        let signatures: Vec<Signed<'_>> = self
            .signatures
            .iter()
            .map(|s| Signed { key_id: s.key_id.as_deref(), signature: &s.bytes })
            .collect();
        let count = |clause: &Clause<'_>| {
            let mut tally =
                clause.authority.count(clause.requirement, &message, &signatures, moment)?;
            tally.of = clause.of.map(str::to_owned);
            Ok(tally)
        };
        let tallies = clauses.iter().map(count).collect::<Result<Vec<_>, Rejection>>()?;
        Ok(Verified::new(Payload {
            payload_type: self.payload_type.clone(),
            bytes: self.payload.clone(),
            tallies: Tallies::demand(tallies)?,
        }))
    }
}

/// Refuses members that have none of these names.
fn only(value: &Value, path: &str, names: &[&str]) -> Result<(), Rejection> {
    let Value::Object(members) = value else { return Ok(()) };
    match members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => {
            let name: String = name.chars().take(80).collect();
            Err(Rejection::MemberUnknown { path: format!("{path}{name}") })
        }
        None => Ok(()),
    }
}

/// Returns the number of signatures, if there are some and no more than are read.
pub(crate) fn countable(found: usize) -> Result<usize, Rejection> {
    match found {
        0 => Err(Rejection::NoSignatures),
        1..=MAX_SIGNATURES => Ok(found),
        _ => Err(Rejection::TooManySignatures { found, limit: MAX_SIGNATURES }),
    }
}
