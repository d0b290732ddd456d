//! Sigstore bundles (`dev.sigstore.bundle`, protobuf-specs 0.1 to 0.3), read before anybody verifies them.
//!
//! The JSON has to mean one thing: no member twice, one content, one signature, one way to verify it.
//! What registries wrap around bundles is taken off: GitHub's and npm's `attestations`, and the attestations of PyPI
//! (PEP 740), which are turned into bundles.

use serde_json::json;
use weft_verify::json::{self as strict, Limits, Value};

use super::Refusal;

/// The largest bundle that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The most attestations that one file may hold.
const MAX_ATTESTATIONS: usize = 1000;

/// A bundle whose shape is sound; nothing in it is proven.
#[derive(Debug, Clone)]
pub struct Bundle {
    media_type: String,
    payload: Option<(String, Vec<u8>)>,
    text: String,
    proofs: usize,
    entries: usize,
    checkpoints: Vec<String>,
    timestamps: usize,
    is_keyed: bool,
}

/// Splits a file into the bundles that it holds: one, one a line, or what a registry answers.
///
/// # Errors
///
/// [`Refusal::Json`] or [`Refusal::Bundle`].
pub fn split(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    match strict::read(bytes, limits()) {
        Ok(value) => unwrapped(&value, bytes),
        Err(rejection) => {
            let lines: Vec<&[u8]> =
                bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
            if lines.len() < 2 || lines.len() > MAX_ATTESTATIONS {
                return Err(Refusal::Json(rejection));
            }
            let read = |line: &&[u8]| {
                let value = strict::read(line, limits()).map_err(Refusal::Json)?;
                unwrapped(&value, line)
            };
            Ok(lines.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat())
        }
    }
}

fn limits() -> Limits {
    Limits { size: MAX_BYTES, ..Limits::FOREIGN }
}

fn unwrapped(value: &Value, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    if let Some(Value::Array(list)) = value.get("attestations") {
        if list.is_empty() || list.len() > MAX_ATTESTATIONS {
            return Err(malformed("`attestations` holds none, or too many"));
        }
        let bundle = |item: &Value| {
            let bundle =
                item.get("bundle").ok_or_else(|| malformed("an attestation has no `bundle`"))?;
            to_json(bundle)
        };
        return list.iter().map(bundle).collect();
    }
    if let Some(Value::Array(list)) = value.get("attestation_bundles") {
        let of_publisher = |item: &Value| -> Result<Vec<Vec<u8>>, Refusal> {
            match item.get("attestations") {
                Some(Value::Array(list)) => list.iter().map(from_pep740).collect(),
                _ => Err(malformed("`attestation_bundles` has no `attestations`")),
            }
        };
        return Ok(list.iter().map(of_publisher).collect::<Result<Vec<_>, _>>()?.concat());
    }
    if value.get("verification_material").is_some() {
        return Ok(vec![from_pep740(value)?]);
    }
    Ok(vec![bytes.to_vec()])
}

fn to_json(value: &Value) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|e| malformed(&e.to_string()))
}

/// Turns an attestation of a Python package index (PEP 740) into a bundle.
fn from_pep740(value: &Value) -> Result<Vec<u8>, Refusal> {
    let member = |path: &[&str]| {
        let found = path.iter().try_fold(value, |value, name| value.get(name));
        found.ok_or_else(|| malformed(&format!("the attestation has no `{}`", path.join("."))))
    };
    if value.get("version") != Some(&Value::Integer(1)) {
        return Err(malformed("the attestation is not of version 1 of PEP 740"));
    }
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": member(&["verification_material", "certificate"])? },
            "tlogEntries": member(&["verification_material", "transparency_entries"])?,
        },
        "dsseEnvelope": {
            "payload": member(&["envelope", "statement"])?,
            "payloadType": weft_verify::envelope::IN_TOTO,
            "signatures": [{ "sig": member(&["envelope", "signature"])?, "keyid": "" }],
        },
    });
    serde_json::to_vec(&bundle).map_err(|e| malformed(&e.to_string()))
}

fn malformed(message: &str) -> Refusal {
    Refusal::Bundle(message.to_owned())
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// [`Refusal::Json`] or [`Refusal::Bundle`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let value = strict::read(bytes, limits()).map_err(Refusal::Json)?;
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| malformed("it is not UTF-8"))?;
        only(&value, &["mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"])?;
        let media_type = string(&value, "mediaType")?;
        if !is_media_type(media_type) {
            let shown: String = media_type.chars().take(100).collect();
            return Err(malformed(&format!("`{shown}` is no media type of a bundle")));
        }
        let material = value
            .get("verificationMaterial")
            .ok_or_else(|| malformed("it has no `verificationMaterial`"))?;
        let content = one_of(&value, &["dsseEnvelope", "messageSignature"])?;
        let means = one_of(material, &["certificate", "x509CertificateChain", "publicKey"])?;
        let entries = list(material, "tlogEntries")?;
        let proofs: Vec<&Value> =
            entries.iter().filter_map(|entry| present(entry, "inclusionProof")).collect();
        let checkpoints = proofs.iter().filter_map(|proof| {
            present(proof, "checkpoint")?.get("envelope").and_then(Value::as_str).map(str::to_owned)
        });
        let timestamps = present(material, "timestampVerificationData")
            .map_or(Ok(&[][..]), |data| list(data, "rfc3161Timestamps"))?;
        Ok(Self {
            media_type: media_type.to_owned(),
            payload: match content {
                "dsseEnvelope" => Some(payload(&value)?),
                _ => None,
            },
            proofs: proofs.len(),
            entries: entries.len(),
            checkpoints: checkpoints.collect(),
            timestamps: timestamps.len(),
            is_keyed: means == "publicKey",
            text,
        })
    }

    /// Returns the payload type and the payload, where the bundle holds an envelope.
    pub fn payload(&self) -> Option<(&str, &[u8])> {
        self.payload.as_ref().map(|(payload_type, payload)| (&**payload_type, &**payload))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Says whether every log entry, of which there is one at least, has an inclusion proof.
    pub fn has_inclusion(&self) -> bool {
        self.entries > 0 && self.proofs == self.entries
    }

    /// Returns the checkpoints of its inclusion proofs.
    pub fn checkpoints(&self) -> &[String] {
        &self.checkpoints
    }

    /// Says whether it has an RFC 3161 timestamp.
    pub fn has_timestamp(&self) -> bool {
        self.timestamps > 0
    }

    /// Says whether a key that is known from elsewhere signed it, and no certificate came along.
    pub fn is_keyed(&self) -> bool {
        self.is_keyed
    }

    /// Describes it in a few words.
    pub fn describe(&self) -> String {
        let content = if self.payload.is_some() { "an envelope" } else { "a message signature" };
        let means = if self.is_keyed { "a key" } else { "a certificate" };
        format!("{}: {content} with {means}", self.media_type)
    }
}

/// Says whether a media type is one of protobuf-specs' bundles, in either spelling.
fn is_media_type(text: &str) -> bool {
    let versions = ["0.1", "0.2", "0.3"];
    let old = text.strip_prefix("application/vnd.dev.sigstore.bundle+json;version=");
    let new = text.strip_prefix("application/vnd.dev.sigstore.bundle.v");
    let new = new.and_then(|rest| rest.strip_suffix("+json"));
    old.or(new).is_some_and(|version| versions.contains(&version))
}

fn payload(value: &Value) -> Result<(String, Vec<u8>), Refusal> {
    let envelope = value.get("dsseEnvelope").unwrap_or(&Value::Null);
    let bytes = serde_json::to_vec(envelope).map_err(|e| malformed(&e.to_string()))?;
    let envelope = weft_verify::envelope::Envelope::from_dsse(&bytes).map_err(Refusal::Json)?;
    if envelope.signatures().len() != 1 {
        return Err(malformed("its envelope has more than one signature"));
    }
    let payload_type = envelope.unverified_payload_type().to_owned();
    Ok((payload_type, envelope.unverified_payload().to_vec()))
}

/// Returns the name of the one member that is there.
fn one_of<'n>(value: &Value, names: &[&'n str]) -> Result<&'n str, Refusal> {
    let found: Vec<&str> =
        names.iter().copied().filter(|name| present(value, name).is_some()).collect();
    match found[..] {
        [name] => Ok(name),
        [] => Err(malformed(&format!("it has none of `{}`", names.join("`, `")))),
        _ => Err(malformed(&format!("it has `{}` at once", found.join("` and `")))),
    }
}

/// Returns a member unless it is `null`, which the protobuf mapping reads as absent.
fn present<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|member| !matches!(member, Value::Null))
}

fn only(value: &Value, names: &[&str]) -> Result<(), Refusal> {
    let Value::Object(members) = value else { return Err(malformed("it is no object")) };
    match members.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => {
            let name: String = name.chars().take(80).collect();
            Err(malformed(&format!("it has the unknown member `{name}`")))
        }
        None => Ok(()),
    }
}

fn string<'v>(value: &'v Value, name: &str) -> Result<&'v str, Refusal> {
    let text = value.get(name).and_then(Value::as_str);
    text.ok_or_else(|| malformed(&format!("it has no text `{name}`")))
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], Refusal> {
    match present(value, name) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(malformed(&format!("`{name}` is no array"))),
    }
}
