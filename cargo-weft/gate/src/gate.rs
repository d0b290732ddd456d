//! Gates: what a merge or a release needs, step by step, and the outcome that follows.
//!
//! A gate goes through every step, whatever came of those before it.
//! [`Requirement`] is what a policy can ask for, [`covered`] looks for it in the verdict on a workspace, [`bill`] and
//! [`merge_verdict`] among attestations, and [`summary`] says the outcome to the next gate.
//! Specified in `docs/src/spec/gate.md`.

pub mod attestation;
pub(crate) mod bill;
mod covered;
mod requirement;
pub mod summary;

pub use bill::{CYCLONEDX, SPDX, bill};
pub use covered::{audit, covered};
pub use requirement::Requirement;
pub use summary::merge_verdict;

use serde::Serialize;

use crate::verdict::Outcome;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// Something that it needs is not there.
    Missing,
}

impl StepResult {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

impl From<Outcome> for StepResult {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed => Self::Failed,
            Outcome::Inconclusive => Self::Missing,
        }
    }
}

/// One step of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub check: &'static str,
    /// What was found, a line each.
    pub evidence: Vec<String>,
    /// The command that makes what is missing, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    /// What came of it.
    pub result: StepResult,
}

impl Step {
    /// Makes a step.
    pub fn new(
        check: &'static str,
        result: StepResult,
        evidence: Vec<String>,
        remedy: &'static str,
    ) -> Self {
        let remedy = (result != StepResult::Passed).then_some(remedy);
        Self { check, evidence, remedy, result }
    }
}

/// Returns the outcome that follows from steps.
pub fn outcome(steps: &[Step]) -> Outcome {
    let has = |result| steps.iter().any(|step| step.result == result);
    match () {
        () if has(StepResult::Failed) => Outcome::Failed,
        () if has(StepResult::Missing) || steps.is_empty() => Outcome::Inconclusive,
        () => Outcome::Passed,
    }
}

/// The most lines that are told of one thing.
pub(crate) const MAX_TOLD: usize = 5;

/// Keeps the first lines, and says how many there were.
pub(crate) fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MAX_TOLD {
        let all = lines.len();
        lines.truncate(MAX_TOLD);
        lines.push(format!("{MAX_TOLD} of {all} are told"));
    }
    lines
}

#[cfg(test)]
mod tests;

/// A verdict on nothing that is known.
#[cfg(test)]
pub(crate) mod sample {
    use crate::policy::Policy;
    use crate::verdict::Verdict;

    pub(crate) fn policy() -> Policy {
        crate::policy::combine(&crate::policy::built_in("local").unwrap()).unwrap().policy
    }

    pub(crate) fn verdict() -> Verdict {
        let facts = crate::Facts {
            advisories: crate::Known::Unknown("x".to_owned()),
            as_of: jiff::civil::date(2026, 11, 20),
            base: None,
            claims: crate::Known::Unknown("x".to_owned()),
            contents: crate::Known::Unknown("x".to_owned()),
            drift: crate::Known::Unknown("x".to_owned()),
            escapes: crate::Known::Unknown("x".to_owned()),
            exemptions: Vec::new(),
            inputs: Vec::new(),
            inventory: crate::Known::Unknown("x".to_owned()),
            licenses: crate::Known::Unknown("x".to_owned()),
            lockfile: crate::facts::LockfileState::Present("Cargo.lock".to_owned()),
            notices: Vec::new(),
            policy: policy(),
            publishers: None,
            releases: crate::Known::Unknown("x".to_owned()),
            replacements: crate::Known::Unknown("x".to_owned()),
            schema: crate::facts::SCHEMA,
            vouched: None,
        };
        crate::decide(&facts).unwrap()
    }
}
