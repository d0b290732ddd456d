//! A private Sigstore, made in the test: authorities, logs and timestamps, the trusted root of them all, and bundles.
//!
//! Nothing of it is shared with the verifier but the primitives: certificates, promises, proofs and tokens are put
//! together here, byte by byte, after their specifications, so that a bundle can have any one fault.
//! Rekor's second version logs `hashedrekord` alone, as its service does for envelopes too.

pub(crate) mod authority;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod service;
pub(crate) mod timestamp;

use serde_json::{Value, json};

pub(crate) use authority::{Authority, Window, Workflow};
pub(crate) use key::Key;
pub(crate) use log::Log;
pub(crate) use timestamp::TimestampAuthority;

use key::base64;
use log::Logged;

/// A year in seconds, or so.
pub(crate) const YEAR: i64 = 365 * 86_400;

/// The type of what is signed.
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Returns the present time in seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An instance.
pub(crate) struct Sigstore {
    pub(crate) authority: Authority,
    pub(crate) ct: Key,
    pub(crate) v1: Log,
    pub(crate) v2: Log,
    pub(crate) tsa: TimestampAuthority,
    /// Who vouches for identities, by tokens.
    pub(crate) provider: Key,
}

impl Sigstore {
    pub(crate) fn new() -> Self {
        Self {
            authority: Authority::of_code(),
            ct: Key::p256(),
            v1: Log::v1(),
            v2: Log::v2(),
            tsa: TimestampAuthority::new(),
            provider: Key::p256(),
        }
    }

    /// Says whom to trust: all of it.
    pub(crate) fn trusts(&self) -> Trusted<'_> {
        Trusted {
            authorities: vec![&self.authority],
            ct: vec![&self.ct],
            logs: vec![&self.v1, &self.v2],
            stamps: vec![&self.tsa],
        }
    }

    /// Prepares to attest a statement, as the public instance does today: with a promise and a proof of the log.
    pub(crate) fn attests(&self, statement: impl ToString) -> Attestation<'_> {
        Attestation {
            statement: statement.to_string().into_bytes(),
            payload_type: IN_TOTO,
            workflow: Workflow::honest(),
            authority: &self.authority,
            ct: Some(&self.ct),
            window: Window(now() - 120, now() + 480),
            log: Some(&self.v1),
            logged_at: now() - 60,
            stamp: None,
            stamped_at: now() - 60,
            signs_payload_alone: false,
        }
    }
}

/// Whom to trust.
pub(crate) struct Trusted<'s> {
    pub(crate) authorities: Vec<&'s Authority>,
    pub(crate) ct: Vec<&'s Key>,
    pub(crate) logs: Vec<&'s Log>,
    pub(crate) stamps: Vec<&'s TimestampAuthority>,
}

impl Trusted<'_> {
    /// Returns the `trusted_root.json`.
    pub(crate) fn to_json(&self) -> Value {
        let from = jiff::Timestamp::from_second(now() - YEAR / 2).unwrap();
        let from = json!({"start": from.to_string()});
        let chain = |certificates: &[&[u8]]| {
            let raw = |der: &&[u8]| json!({"rawBytes": base64(der)});
            json!({"certificates": certificates.iter().map(raw).collect::<Vec<_>>()})
        };
        let key = |url: &str, key: &Key, id: &[u8], details: &str| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "logId": {"keyId": base64(id)},
                "publicKey": {"keyDetails": details, "rawBytes": base64(key.spki()), "validFor": from},
            })
        };
        let log = |log: &&Log| {
            let details = match log.version {
                log::Version::V1 => "PKIX_ECDSA_P256_SHA_256",
                log::Version::V2 => "PKIX_ED25519",
            };
            key(&format!("https://{}", log.name), &log.key, &log.id(), details)
        };
        let ct = |ct: &&Key| {
            key("https://ct.test", ct, &key::sha256(ct.spki()), "PKIX_ECDSA_P256_SHA_256")
        };
        let authority = |ca: &&Authority| {
            json!({
                "certChain": chain(&[&ca.issuer, &ca.root]),
                "subject": {"commonName": "root", "organization": "fulcio.test"},
                "uri": "https://fulcio.test",
                "validFor": from,
            })
        };
        let stamp = |tsa: &&TimestampAuthority| {
            json!({
                "certChain": chain(&tsa.chain()),
                "subject": {"commonName": "timestamp authority", "organization": "timestamp.test"},
                "uri": "https://timestamp.test",
                "validFor": from,
            })
        };
        json!({
            "certificateAuthorities": self.authorities.iter().map(authority).collect::<Vec<_>>(),
            "ctlogs": self.ct.iter().map(ct).collect::<Vec<_>>(),
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "timestampAuthorities": self.stamps.iter().map(stamp).collect::<Vec<_>>(),
            "tlogs": self.logs.iter().map(log).collect::<Vec<_>>(),
        })
    }
}

/// What is attested and by whom; each member is a place for one fault.
pub(crate) struct Attestation<'s> {
    /// The payload, byte by byte.
    pub(crate) statement: Vec<u8>,
    pub(crate) payload_type: &'static str,
    pub(crate) workflow: Workflow,
    /// Who issues the certificate.
    pub(crate) authority: &'s Authority,
    /// Which certificate transparency log lists it.
    pub(crate) ct: Option<&'s Key>,
    /// When the certificate holds.
    pub(crate) window: Window,
    pub(crate) log: Option<&'s Log>,
    pub(crate) logged_at: i64,
    pub(crate) stamp: Option<&'s TimestampAuthority>,
    pub(crate) stamped_at: i64,
    /// Whether the signature is over the payload, without its type.
    pub(crate) signs_payload_alone: bool,
}

impl<'s> Attestation<'s> {
    /// Has a timestamp of this authority.
    pub(crate) fn stamped(self, tsa: &'s TimestampAuthority) -> Self {
        Self { stamp: Some(tsa), ..self }
    }

    /// Is logged in this log.
    pub(crate) fn logged(self, log: &'s Log) -> Self {
        Self { log: Some(log), ..self }
    }

    /// Is by another workflow, or about another source.
    pub(crate) fn by(mut self, change: impl FnOnce(&mut Workflow)) -> Self {
        change(&mut self.workflow);
        self
    }

    /// Makes the bundle.
    pub(crate) fn bundle(&self) -> Value {
        let key = Key::p256();
        let certificate = self.authority.issue(&self.workflow, key.spki(), self.window, self.ct);
        self.bundle_by(&key, &certificate)
    }

    /// Makes the bundle with this key and a certificate for it.
    pub(crate) fn bundle_by(&self, key: &Key, certificate: &[u8]) -> Value {
        let pae = pae(self.payload_type, &self.statement);
        let message = if self.signs_payload_alone { &self.statement } else { &pae };
        let signature = key.sign(message);
        let logged =
            Logged { payload: &self.statement, message, signature: &signature, certificate };
        let entries = self.log.map(|log| log.add(&logged, self.logged_at).to_json());
        let entries: Vec<Value> = entries.into_iter().collect();
        let mut bundle = json!({
            "dsseEnvelope": {
                "payload": base64(&self.statement),
                "payloadType": self.payload_type,
                "signatures": [{"keyid": "", "sig": base64(&signature)}],
            },
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(certificate)},
                "tlogEntries": entries,
            },
        });
        if let Some(tsa) = self.stamp {
            let token = base64(&tsa.stamp(&signature, self.stamped_at));
            bundle["verificationMaterial"]["timestampVerificationData"] =
                json!({"rfc3161Timestamps": [{"signedTimestamp": token}]});
        }
        bundle
    }
}

/// Returns what is signed of an envelope (DSSE, "pre-authentication encoding").
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Returns SLSA provenance v1 of an artifact, as a workflow of GitHub states it.
pub(crate) fn provenance(artifact: &[u8], workflow: &Workflow) -> Value {
    let Workflow { repository, reference, commit, signer, .. } = workflow;
    let path = signer.split_once("/.github/").map_or("", |(_, rest)| rest);
    let path = path.split_once('@').map_or("", |(path, _)| path);
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": key::hex(&key::sha256(artifact))}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {"workflow": {
                    "path": format!(".github/{path}"),
                    "ref": reference,
                    "repository": repository,
                }},
                "internalParameters": {"github": {"event_name": "push"}},
                "resolvedDependencies": [{
                    "digest": {"gitCommit": commit},
                    "uri": format!("git+{repository}@{reference}"),
                }],
            },
            "runDetails": {"builder": {"id": signer}},
        },
    })
}
