//! The one place that calls `sigstore-verify`: certificates, logs, timestamps and signatures of bundles.
//!
//! Its answer is turned into [`Signed`] and [`Refusal`], so that nothing else depends on its API, which changes with
//! minor versions. Why it, and what is read more strictly before it: `docs/src/design/sigstore.md`.

use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_verify::types::{self, ArtifactDigest, DerPublicKey, DigestBytes, HashAlgorithm};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, SubjectAltName, TimestampError,
    VerificationPolicy, VerificationResult, Verifier,
};
use weft_verify::Sha256;
use weft_verify::digest::{Algorithm, Artifact};
use weft_verify::key::PublicKey;

use super::Refusal;
use super::bundle::Bundle;

/// The instances whose trusted roots are built in.
pub const EMBEDDED: [(&str, SigstoreInstance); 3] = [
    ("public-good", SigstoreInstance::PublicGood),
    ("github", SigstoreInstance::GitHub),
    ("staging", SigstoreInstance::Staging),
];

/// How an Ed25519 key begins as a `SubjectPublicKeyInfo` (RFC 8410).
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A trusted root, ready to verify with; making one is most of the work of verifying one bundle.
pub struct Trust {
    name: String,
    sha256: Sha256,
    root: TrustedRoot,
    verifier: Verifier,
}

/// What is verified: an artifact, or its digest alone.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// The bytes, and their digests.
    Blob(&'a [u8], &'a Artifact),
    /// Its digests.
    Digest(&'a Artifact),
}

impl Subject<'_> {
    /// Returns the digests.
    pub fn artifact(&self) -> &Artifact {
        match self {
            Self::Blob(_, artifact) | Self::Digest(artifact) => artifact,
        }
    }
}

/// A public key that was named beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(DerPublicKey);

impl Key {
    /// Reads a public key in PEM (`SubjectPublicKeyInfo`).
    ///
    /// # Errors
    ///
    /// A sentence.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_one = text.starts_with("-----BEGIN ") && text.matches("-----BEGIN ").count() == 1;
        match is_one {
            true => DerPublicKey::from_pem(text).map(Self).map_err(|e| e.to_string()),
            false => Err("it is not one PEM block".to_owned()),
        }
    }
}

/// Who signed, as it was proven.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signed {
    /// The signer's name in the certificate; nothing where a key signed.
    pub identity: Option<String>,
    /// Who vouched for that name when the certificate was issued.
    pub issuer: Option<String>,
    /// Whether the log holds the signature, by proof or promise.
    pub is_logged: bool,
    /// Whether a timestamp of a trusted authority, or of the log, says when.
    pub is_timed: bool,
    /// What the certificate says of the run that signed.
    pub run: Run,
}

/// What a certificate says of the run that signed (Fulcio, `1.3.6.1.4.1.57264.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The workflow that requested the signature, with its ref.
    pub signer: Option<String>,
    /// `github-hosted` or `self-hosted`.
    pub runner: Option<String>,
    /// The repository that was built.
    pub repository: Option<String>,
    /// Its owner.
    pub owner: Option<String>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// The ref that was built.
    pub reference: Option<String>,
}

impl Signed {
    /// Describes it in a few words.
    pub fn describe(&self) -> String {
        match (&self.identity, &self.issuer) {
            (Some(identity), Some(issuer)) => format!("by {identity}, vouched for by {issuer}"),
            (Some(identity), None) => format!("by {identity}"),
            (None, _) => "by the key that was named".to_owned(),
        }
    }
}

impl Trust {
    /// Returns a root that is built in: `public-good`, `github` or `staging`.
    pub fn embedded(name: &str) -> Option<Self> {
        let (_, instance) = EMBEDDED.into_iter().find(|(known, _)| *known == name)?;
        let text = instance.embedded_trusted_root_json();
        let trust = Self::from_json(name, text.as_bytes());
        Some(trust.expect("the roots that are built in are sound, which a test holds"))
    }

    /// Reads a root in the format of Sigstore's `trusted_root.json`.
    ///
    /// # Errors
    ///
    /// [`Refusal::TrustedRoot`].
    pub fn from_json(name: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        let refused = |message: String| Refusal::TrustedRoot(message);
        weft_verify::json::read(bytes, weft_verify::json::Limits::FOREIGN)
            .map_err(|e| refused(e.to_string()))?;
        let text = std::str::from_utf8(bytes).map_err(|e| refused(e.to_string()))?;
        let root = TrustedRoot::from_json(text).map_err(|e| refused(e.to_string()))?;
        let verifier = Verifier::new(&root).map_err(|e| refused(e.to_string()))?;
        Ok(Self { name: name.to_owned(), sha256: Sha256::of(bytes), root, verifier })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest of its text.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns the newest day on which a key or authority in it begins to hold: it is not older than that.
    pub fn newest(&self) -> Option<String> {
        let logs = self.root.tlogs.iter().map(|log| log.public_key.valid_for);
        let authorities = self.root.certificate_authorities.iter().map(|ca| ca.valid_for);
        let newest = logs.chain(authorities).flatten().map(|range| range.start).max()?;
        Some(newest.strftime("%Y-%m-%d").to_string())
    }

    /// Says whether its instance has a log: what a log would hold is then demanded of every bundle.
    pub fn has_log(&self) -> bool {
        !self.root.tlogs.is_empty()
    }

    /// Returns the keys of its logs that a witness could have, too: those of Ed25519.
    pub fn log_keys(&self) -> Vec<PublicKey> {
        let raw = self.root.tlogs.iter().map(|log| log.public_key.raw_bytes.as_bytes());
        let raw = raw.filter_map(|bytes| bytes.strip_prefix(ED25519)?.try_into().ok());
        raw.filter_map(|raw| PublicKey::from_bytes(raw).ok()).collect()
    }

    /// Verifies a bundle cryptographically; who may have signed is for others to say.
    ///
    /// # Errors
    ///
    /// A [`Refusal`].
    pub fn verify(
        &self,
        bundle: &Bundle,
        subject: &Subject<'_>,
        key: Option<&Key>,
    ) -> Result<Signed, Refusal> {
        match (key, bundle.is_keyed()) {
            (Some(_), false) => {
                let (expected, found) = ("one by the key that was named", "one with a certificate");
                return Err(Refusal::Means { expected, found });
            }
            (None, true) => {
                let (expected, found) = ("one with a certificate", "one by a key");
                return Err(Refusal::Means { expected, found });
            }
            _ => {}
        }
        if let Some(origin) = bundle.stranger() {
            let message = format!("the checkpoint of `{origin}` is not signed in its name");
            return Err(Refusal::Log(message));
        }
        let read = types::Bundle::from_json(bundle.as_str());
        let read = read.map_err(|e| Refusal::Bundle(e.to_string()))?;
        let artifact = artifact(subject)?;
        let verified = match key {
            Some(key) => {
                let policy = PublicKeyVerificationPolicy::new(key.0.clone());
                self.verifier.verify(artifact, &read, &policy)
            }
            // The form of an instance without a log is accepted for a root without one alone.
            None if self.has_log() => {
                self.verifier.verify(artifact, &read, &VerificationPolicy::any_identity())
            }
            None => {
                let mut policy = VerificationPolicy::any_identity().skip_tlog_unsafe();
                if self.root.ctlogs.is_empty() {
                    policy = policy.skip_sct();
                }
                self.verifier.verify(artifact, &read, &policy)
            }
        };
        let verified = verified.map_err(refusal)?;
        if key.is_none() && !verified.certificate_verified() {
            return Err(Refusal::Certificate("its chain was not looked at".to_owned()));
        }
        Ok(signed(&verified))
    }
}

fn artifact<'a>(subject: &'a Subject<'_>) -> Result<types::Artifact<'a>, Refusal> {
    let artifact = match subject {
        Subject::Blob(bytes, _) => return Ok(types::Artifact::from_blob(bytes)),
        Subject::Digest(artifact) => artifact,
    };
    let strongest = artifact.digests().min_by_key(|(algorithm, _)| match algorithm {
        Algorithm::Sha256 => 0,
        Algorithm::Sha384 => 1,
        Algorithm::Sha512 => 2,
    });
    let (algorithm, digits) =
        strongest.ok_or_else(|| Refusal::Artifact("no digest is known".to_owned()))?;
    let algorithm = match algorithm {
        Algorithm::Sha256 => HashAlgorithm::Sha2256,
        Algorithm::Sha384 => HashAlgorithm::Sha2384,
        Algorithm::Sha512 => HashAlgorithm::Sha2512,
    };
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect();
    let bytes = bytes.ok_or_else(|| Refusal::Artifact("its digest is malformed".to_owned()))?;
    let digest = ArtifactDigest::new(algorithm, DigestBytes::new(bytes));
    digest.map(types::Artifact::from_digest).map_err(|e| Refusal::Artifact(e.to_string()))
}

fn signed(verified: &VerificationResult) -> Signed {
    let claims = verified.certificate().map(|info| &info.ci_claims);
    let old = claims.map(|claims| &claims.deprecated_github);
    // Certificates from before 2022 have the older claims alone; those name repositories of github.com.
    let repository = claims.and_then(|c| c.source_repository_uri.clone()).or_else(|| {
        let name = old?.workflow_repository.as_ref()?;
        Some(format!("https://github.com/{name}"))
    });
    Signed {
        identity: verified.identity().map(SubjectAltName::as_str).map(str::to_owned),
        issuer: verified.issuer().map(str::to_owned),
        is_logged: verified.tlog_verified(),
        is_timed: !verified.verified_timestamps().is_empty(),
        run: Run {
            signer: claims.and_then(|c| c.build_signer_uri.clone()),
            runner: claims.and_then(|c| c.runner_environment.clone()),
            owner: claims.and_then(|c| c.source_repository_owner_uri.clone()).or_else(|| {
                repository.as_ref()?.rsplit_once('/').map(|(owner, _)| owner.to_owned())
            }),
            commit: claims
                .and_then(|c| c.source_repository_digest.clone())
                .or_else(|| old?.workflow_sha.clone()),
            reference: claims
                .and_then(|c| c.source_repository_ref.clone())
                .or_else(|| old?.workflow_ref.clone()),
            repository,
        },
    }
}

fn refusal(error: Error) -> Refusal {
    let message = error.to_string();
    match error {
        Error::ArtifactMismatch(_) | Error::UnsupportedArtifact(_) | Error::ArtifactRead(_) => {
            Refusal::Artifact(message)
        }
        Error::Certificate(CertificateError::Malformed(_)) => Refusal::Bundle(message),
        Error::Certificate(_) => Refusal::Certificate(message),
        Error::TransparencyLog(_) => Refusal::Log(message),
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) | Error::Timestamp(_) => {
            Refusal::Timestamp(message)
        }
        Error::InvalidBundle(_) | Error::UnsupportedBundle(_) | Error::Bundle(_) => {
            Refusal::Bundle(message)
        }
        Error::Types(_) => Refusal::Bundle(message),
        Error::InvalidTrustRoot(_) | Error::TrustRoot(_) | Error::TrustedCertificate(_) => {
            Refusal::TrustedRoot(message)
        }
        _ => Refusal::Signature(message),
    }
}
