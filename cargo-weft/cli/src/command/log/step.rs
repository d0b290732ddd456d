//! What was looked at, and what came of it.

use serde::Serialize;
use weft_verify::Rejection;

use crate::error::ExitStatus;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// What is needed to tell is not there.
    Missing,
}

/// One step of a verification.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// What is compared with, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    pub(super) check: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    pub(super) evidence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<&'static str>,
    pub(super) result: Outcome,
}

impl Step {
    pub(super) fn new(
        check: &'static str,
        result: Outcome,
        evidence: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        let (evidence, remedy) = (evidence.into(), Some(remedy));
        Self { about: None, check, code: None, evidence, remedy, result }
    }

    pub(super) fn passed(check: &'static str, evidence: String) -> Self {
        let result = Outcome::Passed;
        Self { about: None, check, code: None, evidence, remedy: None, result }
    }

    pub(super) fn rejected(check: &'static str, why: &Rejection) -> Self {
        let result = match why {
            Rejection::TileMissing { .. } => Outcome::Missing,
            _ => Outcome::Failed,
        };
        let code = Some(why.code().name());
        Self { code, ..Self::new(check, result, why.to_string(), why.code().remedy()) }
    }

    pub(super) fn of(check: &'static str, outcome: Result<String, Rejection>) -> Self {
        match outcome {
            Ok(evidence) => Self::passed(check, evidence),
            Err(why) => Self::rejected(check, &why),
        }
    }

    /// Two checkpoints that cannot both be true.
    pub(super) fn fork(size: u64, other: u64) -> Self {
        let evidence =
            format!("a fork: the log signed two histories, of {size} and {other} entries");
        let remedy = "Trust neither; keep the record (--record), and give it to the log's witnesses and users.";
        Self::new("consistency", Outcome::Failed, evidence, remedy)
    }

    /// Says what it is about.
    pub(super) fn about(self, name: &str) -> Self {
        Self { about: Some(name.to_owned()), ..self }
    }
}

/// What fails outweighs what is missing.
pub(super) fn status(steps: &[Step]) -> ExitStatus {
    let any = |outcome| steps.iter().any(|step| step.result == outcome);
    match () {
        () if any(Outcome::Failed) => ExitStatus::Failed,
        () if any(Outcome::Missing) || steps.is_empty() => ExitStatus::Inconclusive,
        () => ExitStatus::Passed,
    }
}
