//! Why an attestation does not count: one variant for a cause, with what was expected and what was found.

use thiserror::Error;
use weft_verify::Rejection;

use super::Code;

/// Why an attestation does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The bytes are no bundle as the format has it.
    #[error("the bundle is malformed: {0}")]
    Bundle(String),
    /// The bytes are no JSON that means one thing.
    #[error("the bundle is refused: {0}")]
    Json(Rejection),
    /// The trusted root cannot be used.
    #[error("the trusted root cannot be used: {0}")]
    TrustedRoot(String),
    /// The signature is over something else, or by another key.
    #[error("the signature does not verify: {0}")]
    Signature(String),
    /// The artifact is another than the signature is over.
    #[error("it is about another artifact: {0}")]
    Artifact(String),
    /// No trusted authority issued the certificate, or not for that time.
    #[error("the certificate is not trusted: {0}")]
    Certificate(String),
    /// The entry of the transparency log is missing, wrong or of something else.
    #[error("the log entry does not hold: {0}")]
    Log(String),
    /// No trusted authority says when it was signed.
    #[error("the time of signing is not known: {0}")]
    Timestamp(String),
    /// A proof is demanded that the bundle does not carry.
    #[error("{what} is demanded, and the bundle has none")]
    ProofMissing {
        /// The proof.
        what: &'static str,
    },
    /// The witnesses that are asked for have not seen the checkpoint of the log.
    #[error("the checkpoint is not witnessed as asked: {0}")]
    Witness(Rejection),
    /// A key was expected, or none was, and the bundle is of the other kind.
    #[error("the bundle is {found}, and {expected} is expected")]
    Means {
        /// What is expected.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// What was signed is no in-toto statement.
    #[error("the payload is of the type `{found}`, and no in-toto statement")]
    PayloadType {
        /// The type.
        found: String,
    },
    /// The statement cannot be read.
    #[error("the statement is refused: {0}")]
    Statement(Rejection),
    /// The statement is not about the artifact.
    #[error("the statement is not about the artifact: {0}")]
    Subject(Rejection),
    /// Nobody says who is to have signed.
    #[error("nothing says who is to have signed it")]
    NobodyExpected,
    /// Another signer.
    #[error("the {what} is {}, and `{expected}` is expected", shown(found))]
    Signer {
        /// Which of its names.
        what: &'static str,
        /// What is expected.
        expected: String,
        /// What was found.
        found: Option<String>,
    },
    /// Another source.
    #[error("the {what} is {}, and `{expected}` is expected", shown(found))]
    Source {
        /// Which part of it.
        what: &'static str,
        /// What is expected.
        expected: String,
        /// What was found.
        found: Option<String>,
    },
    /// Something else is said.
    #[error("the predicate type is {}, and `{expected}` is expected", shown(found))]
    PredicateType {
        /// What is expected.
        expected: String,
        /// What was found.
        found: Option<String>,
    },
    /// The predicate cannot be read as its type has it.
    #[error("the predicate is malformed: {0}")]
    Predicate(String),
    /// The predicate says otherwise than the certificate.
    #[error("the predicate names the {what} `{said}`, and the certificate `{certified}`")]
    PredicateContradicts {
        /// What they disagree about.
        what: &'static str,
        /// What the predicate says.
        said: String,
        /// What the certificate says.
        certified: String,
    },
    /// Another builder.
    #[error("the builder is {}, and `{expected}` is expected", shown(found))]
    Builder {
        /// What is expected.
        expected: String,
        /// What was found.
        found: Option<String>,
    },
    /// The build is less protected than is asked for.
    #[error("the build is of SLSA level {found}, and {expected} is expected: {why}")]
    BuildLevel {
        /// The lowest level that counts.
        expected: u8,
        /// The level.
        found: u8,
        /// Why it is no higher.
        why: String,
    },
    /// What went into a build, or is said to be in it, is not what the lockfile has.
    #[error("{0}")]
    Material(String),
}

impl Refusal {
    /// Returns the stable code of the cause.
    pub fn code(&self) -> Code {
        match self {
            Self::Bundle(_) | Self::Json(_) => Code::Bundle,
            Self::TrustedRoot(_) => Code::TrustedRoot,
            Self::Signature(_) => Code::Signature,
            Self::Artifact(_) | Self::Subject(_) => Code::Subject,
            Self::Certificate(_) => Code::Certificate,
            Self::Log(_) => Code::Log,
            Self::Timestamp(_) => Code::Timestamp,
            Self::ProofMissing { .. } => Code::ProofMissing,
            Self::Witness(_) => Code::Witness,
            Self::Means { .. } => Code::Means,
            Self::PayloadType { .. } | Self::Statement(_) => Code::Statement,
            Self::NobodyExpected => Code::NobodyExpected,
            Self::Signer { .. } => Code::Signer,
            Self::Source { .. } => Code::Source,
            Self::PredicateType { .. } => Code::PredicateType,
            Self::Predicate(_) | Self::PredicateContradicts { .. } => Code::Predicate,
            Self::Builder { .. } => Code::Builder,
            Self::BuildLevel { .. } => Code::BuildLevel,
            Self::Material(_) => Code::Material,
        }
    }
}

fn shown(found: &Option<String>) -> String {
    match found {
        Some(found) => format!("`{found}`"),
        None => "not stated".to_owned(),
    }
}
