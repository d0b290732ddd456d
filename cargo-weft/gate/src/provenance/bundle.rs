//! Sigstore bundles (`dev.sigstore.bundle`, protobuf-specs 0.1 to 0.3), read before anybody verifies them.
//!
//! The JSON has to mean one thing: no member twice, one content, one signature, one way to verify it.
//! What registries wrap around bundles is taken off: GitHub's and npm's `attestations`, and the attestations of PyPI
//! (PEP 740), which are turned into bundles.

use serde_json::json;
use weft_verify::json::{self as strict, Limits, Value};

use self::Shape::{List, Object, Plain};
use super::Refusal;

/// The largest bundle that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The largest file of bundles that is read, in bytes.
pub const MAX_FILE: usize = 64 << 20;

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
    stranger: Option<String>,
    checkpoints: Vec<String>,
    timestamps: usize,
    is_keyed: bool,
}

/// What a file holds in one place: a bundle, or why there is none.
pub type Part = Result<Vec<u8>, Refusal>;

/// Splits a file into the bundles that it holds: one, one a line, or what a registry answers.
///
/// What is no bundle is a refusal in its place, and hides none of the others.
pub fn split(bytes: &[u8]) -> Vec<Part> {
    let rejection = match strict::read(bytes, limits()) {
        Ok(value) => return bounded(unwrapped(&value, bytes)),
        Err(rejection) => rejection,
    };
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines: Vec<&[u8]> = lines.take(MAX_ATTESTATIONS + 1).collect();
    if lines.len() < 2 {
        return vec![Err(Refusal::Json(rejection))];
    }
    let mut parts = Vec::new();
    for line in lines {
        match strict::read(line, limits()) {
            Ok(value) => parts.extend(unwrapped(&value, line)),
            Err(rejection) => parts.push(Err(Refusal::Json(rejection))),
        }
        if parts.len() > MAX_ATTESTATIONS {
            break;
        }
    }
    bounded(parts)
}

/// Cuts off what is too much, and says so.
fn bounded(mut parts: Vec<Part>) -> Vec<Part> {
    if parts.len() > MAX_ATTESTATIONS {
        parts.truncate(MAX_ATTESTATIONS);
        parts.push(Err(malformed(&format!("there are more than {MAX_ATTESTATIONS} attestations"))));
    }
    parts
}

fn limits() -> Limits {
    Limits { size: MAX_BYTES, ..Limits::FOREIGN }
}

fn unwrapped(value: &Value, bytes: &[u8]) -> Vec<Part> {
    let most = MAX_ATTESTATIONS + 1;
    if let Some(Value::Array(list)) = value.get("attestations") {
        let bundle = |item: &Value| match item.get("bundle") {
            Some(bundle) => to_json(bundle),
            None => Err(malformed("an attestation has no `bundle`")),
        };
        return some(list.iter().take(most).map(bundle).collect());
    }
    if let Some(Value::Array(list)) = value.get("attestation_bundles") {
        let of_publisher = |item: &Value| match item.get("attestations") {
            Some(Value::Array(list)) => list.iter().take(most).map(from_pep740).collect(),
            _ => vec![Err(malformed("`attestation_bundles` has no `attestations`"))],
        };
        return some(list.iter().flat_map(of_publisher).take(most).collect());
    }
    match value.get("verification_material") {
        Some(_) => vec![from_pep740(value)],
        None => vec![Ok(bytes.to_vec())],
    }
}

/// An empty list is no attestation, which is said.
fn some(parts: Vec<Part>) -> Vec<Part> {
    match parts.is_empty() {
        true => vec![Err(malformed("it holds no attestations"))],
        false => parts,
    }
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
        let mut value = strict::read(bytes, limits()).map_err(Refusal::Json)?;
        BUNDLE.demand(&value, "it")?;
        let media_type = string(&value, "mediaType")?.to_owned();
        if !is_media_type(&media_type) {
            let shown: String = media_type.chars().take(100).collect();
            return Err(malformed(&format!("`{shown}` is no media type of a bundle")));
        }
        let (stranger, checkpoints) = keep_own_signatures(&mut value);
        let material = present(&value, "verificationMaterial")
            .ok_or_else(|| malformed("it has no `verificationMaterial`"))?;
        let content = one_of(&value, &["dsseEnvelope", "messageSignature"])?;
        let means = one_of(material, &["certificate", "x509CertificateChain", "publicKey"])?;
        let entries = list(material, "tlogEntries");
        let proofs = entries.iter().filter_map(|entry| present(entry, "inclusionProof"));
        let timestamps = present(material, "timestampVerificationData")
            .map_or(&[][..], |data| list(data, "rfc3161Timestamps"));
        Ok(Self {
            media_type,
            payload: match content {
                "dsseEnvelope" => Some(payload(&value)?),
                _ => None,
            },
            proofs: proofs.count(),
            entries: entries.len(),
            stranger,
            checkpoints,
            timestamps: timestamps.len(),
            is_keyed: means == "publicKey",
            text: String::from_utf8(to_json(&value)?).map_err(|e| malformed(&e.to_string()))?,
        })
    }

    /// Returns the payload type and the payload, where the bundle holds an envelope.
    pub fn payload(&self) -> Option<(&str, &[u8])> {
        self.payload.as_ref().map(|(payload_type, payload)| (&**payload_type, &**payload))
    }

    /// Returns the text that is to be verified: of checkpoints, only signatures in the name of their log are left.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Says whether every log entry, of which there is one at least, has an inclusion proof.
    pub fn has_inclusion(&self) -> bool {
        self.entries > 0 && self.proofs == self.entries
    }

    /// Returns the origin of a checkpoint that nobody signed in its name.
    pub fn stranger(&self) -> Option<&str> {
        self.stranger.as_deref()
    }

    /// Returns the checkpoint of each log entry, with the signatures of everybody; nothing if an entry has none.
    pub fn checkpoints(&self) -> Option<&[String]> {
        let is_whole = self.entries > 0 && self.checkpoints.len() == self.entries;
        is_whole.then_some(&self.checkpoints[..])
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

/// Leaves of each checkpoint's signatures those in the name of its log, which are the only ones that a log's may be found
/// among; returns the origin of one that has none, and the checkpoints as they were.
///
/// The origin is the name, or begins with it (C2SP tlog-checkpoint; Rekor v1 adds the tree's number).
/// A verifier that finds the log's key by its hint alone would take a line under any name.
fn keep_own_signatures(bundle: &mut Value) -> (Option<String>, Vec<String>) {
    let (mut stranger, mut checkpoints) = (None, Vec::new());
    let entries = member_mut(bundle, "verificationMaterial")
        .and_then(|material| member_mut(material, "tlogEntries"));
    let Some(Value::Array(entries)) = entries else { return (stranger, checkpoints) };
    for entry in entries {
        let envelope = member_mut(entry, "inclusionProof")
            .and_then(|proof| member_mut(proof, "checkpoint"))
            .and_then(|checkpoint| member_mut(checkpoint, "envelope"));
        let Some(Value::String(note)) = envelope else { continue };
        checkpoints.push(note.clone());
        let origin = note.lines().next().unwrap_or_default().to_owned();
        let is_own = |line: &str| {
            let name = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split(' ').next());
            name.is_some_and(|name| origin == name || origin.starts_with(&format!("{name} - ")))
        };
        let is_signature = |line: &str| line.starts_with('\u{2014}');
        if !note.lines().any(is_own) {
            stranger = Some(origin);
            continue;
        }
        let kept = note.split_inclusive('\n').filter(|line| !is_signature(line) || is_own(line));
        *note = kept.collect();
    }
    (stranger, checkpoints)
}

fn member_mut<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let Value::Object(members) = value else { return None };
    members.iter_mut().find(|(found, _)| found == name).map(|(_, member)| member)
}

/// What a value has to look like; `null` stands for what is absent, as the protobuf mapping has it.
enum Shape {
    /// A text, a number or a truth value.
    Plain,
    /// Each of these members, or none, and no others.
    Object(&'static [(&'static str, Shape)]),
    /// Any number of these.
    List(&'static Shape),
}

const CERTIFICATE: Shape = Object(&[("rawBytes", Plain)]);

const PROOF: Shape = Object(&[
    ("checkpoint", Object(&[("envelope", Plain)])),
    ("hashes", List(&Plain)),
    ("logIndex", Plain),
    ("rootHash", Plain),
    ("treeSize", Plain),
]);

const ENTRY: Shape = Object(&[
    ("canonicalizedBody", Plain),
    ("inclusionPromise", Object(&[("signedEntryTimestamp", Plain)])),
    ("inclusionProof", PROOF),
    ("integratedTime", Plain),
    ("kindVersion", Object(&[("kind", Plain), ("version", Plain)])),
    ("logId", Object(&[("keyId", Plain)])),
    ("logIndex", Plain),
]);

const MATERIAL: Shape = Object(&[
    ("certificate", CERTIFICATE),
    ("publicKey", Object(&[("hint", Plain), ("rawBytes", Plain)])),
    (
        "timestampVerificationData",
        Object(&[("rfc3161Timestamps", List(&Object(&[("signedTimestamp", Plain)])))]),
    ),
    ("tlogEntries", List(&ENTRY)),
    ("x509CertificateChain", Object(&[("certificates", List(&CERTIFICATE))])),
]);

/// A bundle (`sigstore_bundle.proto`).
const BUNDLE: Shape = Object(&[
    (
        "dsseEnvelope",
        Object(&[
            ("payload", Plain),
            ("payloadType", Plain),
            ("signatures", List(&Object(&[("keyid", Plain), ("sig", Plain)]))),
        ]),
    ),
    ("mediaType", Plain),
    (
        "messageSignature",
        Object(&[
            ("messageDigest", Object(&[("algorithm", Plain), ("digest", Plain)])),
            ("signature", Plain),
        ]),
    ),
    ("verificationMaterial", MATERIAL),
]);

impl Shape {
    fn demand(&self, value: &Value, path: &str) -> Result<(), Refusal> {
        match (self, value) {
            (_, Value::Null) => Ok(()),
            (Plain, Value::Array(_) | Value::Object(_)) => {
                Err(malformed(&format!("{path} is no plain value")))
            }
            (Plain, _) => Ok(()),
            (List(of), Value::Array(list)) => list.iter().try_for_each(|v| of.demand(v, path)),
            (List(_), _) => Err(malformed(&format!("{path} is no array"))),
            (Object(known), Value::Object(members)) => members.iter().try_for_each(|(name, v)| {
                let shown: String = name.chars().take(80).collect();
                match known.iter().find(|(known, _)| known == name) {
                    Some((_, shape)) => shape.demand(v, &format!("`{shown}`")),
                    None => Err(malformed(&format!("{path} has the unknown member `{shown}`"))),
                }
            }),
            (Object(_), _) => Err(malformed(&format!("{path} is no object"))),
        }
    }
}

fn string<'v>(value: &'v Value, name: &str) -> Result<&'v str, Refusal> {
    let text = value.get(name).and_then(Value::as_str);
    text.ok_or_else(|| malformed(&format!("it has no text `{name}`")))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    match present(value, name) {
        Some(Value::Array(list)) => list,
        _ => &[],
    }
}
