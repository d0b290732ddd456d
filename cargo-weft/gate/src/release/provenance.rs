//! The provenance of a release: each artifact was built by whom is expected, from the commit that people signed.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use weft_verify::Rejection;
use weft_verify::digest::Artifact;
use weft_verify::statement::Statement;

use super::{Step, StepResult};
use crate::provenance::bundle::{Bundle, Part};
use crate::provenance::expectation::Expectation;
use crate::provenance::sigstore::Trust;
use crate::provenance::statement::{SLSA_V0_2, SLSA_V1};
use crate::provenance::{Proven, Refusal, Subject, judge};

/// The most refusals that are told of one artifact, and of what cannot be read.
const MAX_TOLD: usize = 5;

/// The most letters of a refusal that are told: what it quotes is whatever a bundle says.
const MAX_LETTERS: usize = 300;

/// The most bytes that are verified, each bundle once for each artifact that it is about.
const MAX_VERIFIED: usize = 256 << 20;

/// Attestations, and what is expected of them.
pub struct Asked<'a> {
    /// Bundles, each with the name that it is reported by, or why there are none.
    pub bundles: Result<Vec<(String, Part)>, String>,
    /// Who is to have signed, and what else is expected.
    pub expected: &'a Expectation,
    /// Whom to trust.
    pub trust: &'a Trust,
}

/// A bundle with what it says, which nobody has verified yet.
struct Candidate<'a> {
    name: &'a str,
    bytes: &'a [u8],
    statement: Statement,
}

impl Candidate<'_> {
    /// Says whether the statement speaks of the artifact, contradicting itself or not.
    fn is_about(&self, artifact: &Artifact) -> bool {
        let subject = self.statement.subject_for(artifact);
        !matches!(subject, Err(Rejection::SubjectMismatch { .. } | Rejection::SubjectWeak { .. }))
    }
}

/// Demands of each artifact an attestation that holds: SLSA provenance that names the commit of the manifest.
///
/// Which attestation is about which artifact is for its digests to say, not for the names of files; an attestation that
/// cannot be read is told and hides none of the others.
///
/// ```
/// use std::collections::BTreeMap;
/// use weft_gate::provenance::{expectation::Expectation, sigstore::Trust};
/// use weft_gate::release::{Asked, StepResult, provenance};
///
/// let trust = Trust::embedded("public-good").unwrap();
/// let asked = Asked { bundles: Ok(Vec::new()), expected: &Expectation::default(), trust: &trust };
/// let step = provenance("5f3c", &BTreeMap::new(), &asked);
/// assert_eq!(step.result, StepResult::Missing);
/// ```
pub fn provenance(
    commit: &str,
    artifacts: &BTreeMap<String, Result<Artifact, String>>,
    asked: &Asked<'_>,
) -> Step {
    let remedy = "Have the build attest what it makes, put the bundles into the directory of --attestations, and expect their signer.";
    let step = |result, evidence| Step::new("provenance", result, evidence, remedy);
    let bundles = match &asked.bundles {
        Ok(bundles) => bundles,
        Err(why) => return step(StepResult::Missing, vec![why.clone()]),
    };
    if artifacts.is_empty() {
        return step(StepResult::Missing, vec!["there are no artifacts".to_owned()]);
    }
    let (mut candidates, mut unread) = (Vec::new(), Vec::new());
    for (name, part) in bundles {
        match part.as_ref().map_err(Clone::clone).and_then(|bytes| candidate(name, bytes)) {
            Ok(candidate) => candidates.extend(candidate),
            Err(refusal) => unread.push(told(name, &refusal)),
        }
    }
    let artifacts: Vec<_> = artifacts.iter().collect();
    let about = |artifact: &Artifact| {
        candidates.iter().filter(|c| c.is_about(artifact)).map(|c| c.bytes.len()).sum::<usize>()
    };
    let known = artifacts.iter().filter_map(|(_, artifact)| artifact.as_ref().ok());
    if known.map(about).fold(0, usize::saturating_add) > MAX_VERIFIED {
        let line = format!(
            "there are more than {MAX_VERIFIED} bytes to verify, a bundle counted for each artifact that it is about"
        );
        return step(StepResult::Missing, vec![line]);
    }
    let judged: Vec<_> = artifacts
        .par_iter()
        .map(|(name, artifact)| match artifact {
            Ok(artifact) => attested(name, artifact, &candidates, commit, asked),
            Err(why) => Err((StepResult::Failed, vec![format!("{name} {why}")])),
        })
        .collect();
    let (mut result, mut evidence, mut builders) =
        (StepResult::Passed, Vec::new(), BTreeSet::new());
    for outcome in judged {
        match outcome {
            Ok(builder) => _ = builders.insert(builder),
            Err((worse, lines)) => {
                // What is wrong goes before what is missing.
                result = if result == StepResult::Failed { result } else { worse };
                evidence.extend(lines);
            }
        }
    }
    if result == StepResult::Passed {
        evidence.push(format!("{} artifacts, each built from {commit}", artifacts.len()));
        evidence.extend(builders.into_iter().map(|builder| format!("by {builder}")));
    }
    evidence.extend(cut(unread));
    step(result, evidence)
}

/// Reads what a bundle says, so that it is verified for its own artifacts only; a bare signature says nothing.
fn candidate<'a>(name: &'a str, bytes: &'a [u8]) -> Result<Option<Candidate<'a>>, Refusal> {
    let bundle = Bundle::parse(bytes)?;
    let Some((_, payload)) = bundle.payload() else { return Ok(None) };
    let statement = Statement::from_slice(payload).map_err(Refusal::Statement)?;
    Ok(Some(Candidate { name, bytes, statement }))
}

/// Returns who built an artifact by the first attestation that holds, or why none does.
fn attested(
    name: &str,
    artifact: &Artifact,
    candidates: &[Candidate<'_>],
    commit: &str,
    asked: &Asked<'_>,
) -> Result<String, (StepResult, Vec<String>)> {
    let mut refusals = Vec::new();
    for candidate in candidates.iter().filter(|c| c.is_about(artifact)) {
        let (steps, proven) =
            judge(candidate.bytes, &Subject::Digest(artifact), asked.trust, asked.expected);
        let built = match (proven, steps.first_refusal()) {
            (Some(proven), _) => built(&proven, commit),
            (None, refusal) => Err(refusal.cloned().unwrap_or(Refusal::NobodyExpected)),
        };
        match built {
            Ok(builder) => return Ok(builder),
            Err(refusal) => {
                refusals.push(format!("{name}: {}", told(candidate.name, &refusal)));
            }
        }
    }
    if refusals.is_empty() {
        return Err((StepResult::Missing, vec![format!("no attestation is about {name}")]));
    }
    Err((StepResult::Failed, cut(refusals)))
}

/// Keeps the first lines, and says how many there were.
fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MAX_TOLD {
        let all = lines.len();
        lines.truncate(MAX_TOLD);
        lines.push(format!("{MAX_TOLD} of {all} are told"));
    }
    lines
}

/// Returns who signed it, if what was proven is provenance and the certificate names the commit.
///
/// What a predicate says of a commit is not enough: it may speak of another repository's.
fn built(proven: &Proven, commit: &str) -> Result<String, Refusal> {
    let said = proven.statement.as_ref().map(|statement| statement.predicate_type.clone());
    if !said.as_deref().is_some_and(|said| [SLSA_V1, SLSA_V0_2].contains(&said)) {
        return Err(Refusal::PredicateType { expected: SLSA_V1.to_owned(), found: said });
    }
    let run = &proven.signed.run;
    if run.commit.as_deref() != Some(commit) {
        let (expected, found) = (commit.to_owned(), run.commit.clone());
        return Err(Refusal::Source { what: "commit of the certificate", expected, found });
    }
    let signer = run.signer.clone().or_else(|| proven.signed.identity.clone());
    Ok(signer.unwrap_or_else(|| "a signer without a name".to_owned()))
}

fn told(name: &str, refusal: &Refusal) -> String {
    let said = refusal.to_string();
    let end = said.char_indices().nth(MAX_LETTERS).map(|(end, _)| end);
    let said = end.map_or(said.clone(), |end| format!("{}…", &said[..end]));
    format!("{name}: {said} ({})", refusal.code().name())
}
