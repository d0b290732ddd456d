//! Provenance: what attestations prove about an artifact, and whether that is what is expected.
//!
//! [`bundle`] reads Sigstore bundles strictly, [`sigstore`] proves what they hold, [`statement`] reads what was said, and
//! [`expectation`] compares who said it with who should have. [`judge`] goes through all of it, step by step.
//! Trust is fixed by whoever asks, never by the bundle: the root, the signer, and which proofs it must carry.
//! Specified in `docs/src/spec/provenance.md`.

pub mod bundle;
mod code;
pub mod expectation;
mod refusal;
pub mod sigstore;
pub mod statement;
mod step;

pub use code::Code;
pub use refusal::Refusal;
pub use step::{STEPS, Step, StepResult, Steps};

use weft_verify::digest::Artifact;
use weft_verify::statement::Statement;

use bundle::Bundle;
use expectation::Expectation;
pub use sigstore::Subject;
use sigstore::{Signed, Trust};

/// What an attestation proved.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Who signed, when and where it was logged.
    pub signed: Signed,
    /// What was said; nothing for a signature over the artifact itself.
    pub statement: Option<Statement>,
    /// What the statement says of a build.
    pub build: statement::Build,
}

/// Goes through every step of a verification; one that was not come to is listed as not evaluated.
///
/// ```
/// use weft_gate::provenance::{Subject, expectation::Expectation, judge, sigstore::Trust};
/// use weft_verify::digest::Artifact;
///
/// let trust = Trust::embedded("public-good").unwrap();
/// let artifact = Artifact::of(b"abc");
/// let (steps, proven) = judge(b"{}", &Subject::Blob(b"abc", &artifact), &trust, &Expectation::default());
/// assert!(proven.is_none());
/// assert_eq!(steps.first_refusal().unwrap().code().name(), "provenance/bundle");
/// ```
pub fn judge(
    bytes: &[u8],
    subject: &Subject<'_>,
    trust: &Trust,
    expected: &Expectation,
) -> (Steps, Option<Proven>) {
    let mut steps = Steps::default();
    let proven = walk(bytes, subject, trust, expected, &mut steps);
    steps.finish();
    let proven = proven.filter(|_| steps.passed());
    (steps, proven)
}

fn walk(
    bytes: &[u8],
    subject: &Subject<'_>,
    trust: &Trust,
    expected: &Expectation,
    steps: &mut Steps,
) -> Option<Proven> {
    let bundle = steps.take("bundle", Bundle::parse(bytes), Bundle::describe)?;
    let signed = trust.verify(&bundle, subject, expected.key.as_ref());
    let signed = steps.take("signature", signed, Signed::describe)?;
    let proofs = expected.proofs(&bundle, &signed, trust);
    steps.take("proofs", proofs, Clone::clone);
    let statement = statement_of(&bundle, subject.artifact());
    let statement = steps.take("statement", statement, |found| match found {
        Some(statement) => format!("{} about the artifact", statement.predicate_type),
        None => "a signature over the artifact itself".to_owned(),
    })?;
    steps.take("signer", expected.signer(&signed), Clone::clone);
    steps.take("source", expected.source(&signed), Clone::clone);
    let predicate_type = expected.predicate_type(statement.as_ref());
    steps.take("predicate-type", predicate_type, Clone::clone);
    let predicate = statement::compare(statement.as_ref(), &signed);
    let build = steps.take("predicate", predicate, statement::Build::describe);
    let build = build?;
    steps.take("builder", expected.builder(&build, &signed), Clone::clone);
    Some(Proven { signed, statement, build })
}

/// Reads the statement of a bundle, which was verified, and demands that it is about the artifact.
fn statement_of(bundle: &Bundle, artifact: &Artifact) -> Result<Option<Statement>, Refusal> {
    let Some((payload_type, payload)) = bundle.payload() else { return Ok(None) };
    if payload_type != weft_verify::envelope::IN_TOTO {
        return Err(Refusal::PayloadType { found: payload_type.to_owned() });
    }
    let statement = Statement::from_slice(payload).map_err(Refusal::Statement)?;
    statement.subject_for(artifact).map_err(Refusal::Subject)?;
    Ok(Some(statement))
}
