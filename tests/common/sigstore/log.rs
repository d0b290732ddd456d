//! Rekor: a log of either version, with inclusion proofs (RFC 6962) and signed checkpoints (C2SP tlog-checkpoint).
//!
//! The first version promises with a signature that covers the time (the SET); the second knows no time, signs with
//! Ed25519, and has its checkpoints cosigned by a witness (C2SP tlog-cosignature).

use std::sync::Mutex;

use serde_json::{Value, json};

use super::key::{Key, base64, hex, pem, sha256};
use super::now;

/// How many entries of others there are in a log of the first version that is not told which this one is.
const OFFSET: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// A log that has a few entries of others already.
pub(crate) struct Log {
    pub(crate) key: Key,
    pub(crate) name: &'static str,
    pub(crate) version: Version,
    witness: Key,
    leaves: Mutex<Vec<[u8; 32]>>,
}

/// What is logged of a signature.
pub(crate) struct Logged<'a> {
    /// The payload of an envelope, and what was signed of it.
    pub(crate) payload: &'a [u8],
    pub(crate) message: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) certificate: &'a [u8],
}

/// An entry, and all that proves it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) body: Vec<u8>,
    pub(crate) time: i64,
    index: usize,
    proof: Vec<[u8; 32]>,
    root: [u8; 32],
    size: usize,
    pub(crate) checkpoint: String,
    pub(crate) promise: Option<Vec<u8>>,
    log_id: [u8; 32],
    version: Version,
}

impl Log {
    pub(crate) fn v1() -> Self {
        Self::new("rekor.test", Version::V1, Key::p256())
    }

    pub(crate) fn v2() -> Self {
        Self::new("log.rekor.test", Version::V2, Key::ed25519())
    }

    fn new(name: &'static str, version: Version, key: Key) -> Self {
        let others = ["a", "b", "c"].map(|text| leaf_hash(text.as_bytes()));
        let leaves = Mutex::new(others.to_vec());
        Self { key, name, version, witness: Key::ed25519(), leaves }
    }

    /// Returns the id by which trusted roots, entries and checkpoints name the log's key.
    pub(crate) fn id(&self) -> [u8; 32] {
        match self.version {
            Version::V1 => sha256(self.key.spki()),
            Version::V2 => note_id(self.name, 1, self.key.raw()),
        }
    }

    /// Logs a signature.
    pub(crate) fn add(&self, logged: &Logged<'_>, time: i64) -> Entry {
        self.add_body(self.body(logged), time)
    }

    /// Logs a body, whatever it says.
    pub(crate) fn add_body(&self, body: Vec<u8>, time: i64) -> Entry {
        let (index, proof, root, size) = {
            let mut leaves = self.leaves.lock().unwrap();
            leaves.push(leaf_hash(&body));
            // Somebody else's comes after it, so that a proof has hashes on both sides.
            let index = leaves.len() - 1;
            leaves.push(leaf_hash(b"of somebody else"));
            (index, path(&leaves, index), root(&leaves), leaves.len())
        };
        let promise = (self.version == Version::V1)
            .then(|| self.key.sign(&self.promised(&body, time, index)));
        let checkpoint = self.checkpoint(self.name, size, &root);
        let (log_id, version) = (self.id(), self.version);
        Entry { body, time, index, proof, root, size, checkpoint, promise, log_id, version }
    }

    /// Signs a checkpoint, and names the signer as is told.
    pub(crate) fn checkpoint(&self, signer: &str, size: usize, root: &[u8; 32]) -> String {
        let origin = match self.version {
            Version::V1 => format!("{} - 4711", self.name),
            Version::V2 => self.name.to_owned(),
        };
        let text = format!("{origin}\n{size}\n{}\n", base64(root));
        let own = [&self.id()[..4], &self.key.sign(text.as_bytes())].concat();
        let mut note = format!("{text}\n\u{2014} {signer} {}\n", base64(&own));
        if self.version == Version::V2 {
            note += &self.cosignature(&text);
        }
        note
    }

    fn cosignature(&self, text: &str) -> String {
        let (name, time) = ("witness.test", u64::try_from(now()).unwrap());
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let id = note_id(name, 4, self.witness.raw());
        let signature = self.witness.sign(message.as_bytes());
        let bytes = [&id[..4], &time.to_be_bytes(), &signature].concat();
        format!("\u{2014} {name} {}\n", base64(&bytes))
    }

    fn promised(&self, body: &[u8], time: i64, index: usize) -> Vec<u8> {
        canonical(&json!({
            "body": base64(body),
            "integratedTime": time,
            "logID": hex(&self.id()),
            "logIndex": index + OFFSET,
        }))
    }

    fn body(&self, logged: &Logged<'_>) -> Vec<u8> {
        match self.version {
            Version::V1 => {
                let signature = base64(logged.signature);
                let hash =
                    |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(&sha256(bytes))});
                let verifier = base64(pem("CERTIFICATE", logged.certificate).as_bytes());
                canonical(&json!({
                    "apiVersion": "0.0.1",
                    "kind": "dsse",
                    "spec": {
                        "envelopeHash": hash(logged.message),
                        "payloadHash": hash(logged.payload),
                        "signatures": [{"signature": signature, "verifier": verifier}],
                    },
                }))
            }
            Version::V2 => {
                Self::digest_body(&sha256(logged.message), logged.signature, logged.certificate)
            }
        }
    }

    /// Returns what the second version logs of a signature over something with this digest.
    pub(crate) fn digest_body(digest: &[u8], signature: &[u8], certificate: &[u8]) -> Vec<u8> {
        canonical(&json!({
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {"hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": base64(digest)},
                "signature": {
                    "content": base64(signature),
                    "verifier": {
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "x509Certificate": {"rawBytes": base64(certificate)},
                    },
                },
            }},
        }))
    }
}

impl Entry {
    /// Returns the entry as bundles have it.
    pub(crate) fn to_json(&self) -> Value {
        let hashes: Vec<String> = self.proof.iter().map(|hash| base64(hash)).collect();
        let proof = json!({
            "checkpoint": {"envelope": self.checkpoint},
            "hashes": hashes,
            "logIndex": self.index.to_string(),
            "rootHash": base64(&self.root),
            "treeSize": self.size.to_string(),
        });
        let mut entry = json!({
            "canonicalizedBody": base64(&self.body),
            "inclusionProof": proof,
            "logId": {"keyId": base64(&self.log_id)},
        });
        match self.version {
            Version::V1 => {
                entry["integratedTime"] = self.time.to_string().into();
                entry["kindVersion"] = json!({"kind": "dsse", "version": "0.0.1"});
                entry["logIndex"] = (self.index + OFFSET).to_string().into();
            }
            Version::V2 => {
                entry["kindVersion"] = json!({"kind": "hashedrekord", "version": "0.0.2"});
                entry["logIndex"] = self.index.to_string().into();
            }
        }
        if let Some(promise) = &self.promise {
            entry["inclusionPromise"] = json!({"signedEntryTimestamp": base64(promise)});
        }
        entry
    }

    /// Returns the entry as the first version of the log answers.
    pub(crate) fn to_answer(&self) -> Value {
        let hashes: Vec<String> = self.proof.iter().map(|hash| hex(hash)).collect();
        json!({hex(&leaf_hash(&self.body)): {
            "body": base64(&self.body),
            "integratedTime": self.time,
            "logID": hex(&self.log_id),
            "logIndex": self.index + OFFSET,
            "verification": {
                "inclusionProof": {
                    "checkpoint": self.checkpoint,
                    "hashes": hashes,
                    "logIndex": self.index,
                    "rootHash": hex(&self.root),
                    "treeSize": self.size,
                },
                "signedEntryTimestamp": base64(self.promise.as_deref().unwrap_or_default()),
            },
        }})
    }
}

/// Returns the id of a key of a signed note (C2SP signed-note).
fn note_id(name: &str, kind: u8, key: &[u8]) -> [u8; 32] {
    sha256(&[name.as_bytes(), b"\n", &[kind], key].concat())
}

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

fn leaf_hash(body: &[u8]) -> [u8; 32] {
    sha256(&[&[0], body].concat())
}

/// Splits a tree of more than one leaf (RFC 6962, 2.1).
fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    sha256(&[&[1], &root(left)[..], &root(right)].concat())
}

fn path(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut hashes, other) = match index.checked_sub(left.len()) {
        None => (path(left, index), root(right)),
        Some(index) => (path(right, index), root(left)),
    };
    hashes.push(other);
    hashes
}
