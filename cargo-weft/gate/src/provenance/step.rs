//! The steps of a verification, each with what came of it: none is skipped because an earlier one failed.

use serde::Serialize;

use super::{Code, Refusal};

/// Every step, in order.
pub const STEPS: [&str; 9] = [
    "bundle",
    "signature",
    "proofs",
    "statement",
    "signer",
    "source",
    "predicate-type",
    "predicate",
    "builder",
];

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// Another step that it rests on did not pass.
    NotEvaluated,
}

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub check: &'static str,
    /// Why it failed, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What was found, as a phrase.
    pub evidence: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    /// What came of it.
    pub result: StepResult,
}

/// Steps in their order.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    all: Vec<Step>,
    refusals: Vec<Refusal>,
}

impl Steps {
    /// Notes the outcome of a step, and returns its value if it passed.
    pub(super) fn take<T>(
        &mut self,
        check: &'static str,
        outcome: Result<T, Refusal>,
        describe: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match outcome {
            Ok(value) => {
                let evidence = describe(&value);
                let result = StepResult::Passed;
                self.all.push(Step { check, code: None, evidence, remedy: None, result });
                Some(value)
            }
            Err(refusal) => {
                let (code, remedy) = (Some(refusal.code()), Some(refusal.code().remedy()));
                let (evidence, result) = (refusal.to_string(), StepResult::Failed);
                self.all.push(Step { check, code, evidence, remedy, result });
                self.refusals.push(refusal);
                None
            }
        }
    }

    /// Lists the steps that were not come to.
    pub(super) fn finish(&mut self) {
        for check in STEPS {
            if self.all.iter().all(|step| step.check != check) {
                let evidence = "a step that it rests on did not pass".to_owned();
                let result = StepResult::NotEvaluated;
                self.all.push(Step { check, code: None, evidence, remedy: None, result });
            }
        }
        let order = |step: &Step| STEPS.iter().position(|check| *check == step.check);
        self.all.sort_by_key(order);
    }

    /// Makes the steps of what is no bundle at all.
    pub fn refused(refusal: Refusal) -> Self {
        let mut steps = Self::default();
        steps.take("bundle", Err::<(), _>(refusal), |()| String::new());
        steps.finish();
        steps
    }

    /// Returns every step, in order.
    pub fn all(&self) -> &[Step] {
        &self.all
    }

    /// Says whether every step passed.
    pub fn passed(&self) -> bool {
        self.all.iter().all(|step| step.result == StepResult::Passed)
    }

    /// Returns the reason of the first step that failed.
    pub fn first_refusal(&self) -> Option<&Refusal> {
        self.refusals.first()
    }
}
