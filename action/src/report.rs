//! What a run found, as one document: what every sink shows, and what one run leaves for another to tell.
//!
//! Specified in `docs/src/spec/action-report.md`.

pub mod release;

use cargo_weft::Error;
use cargo_weft::command::host::{Changes, Judged};
use serde::{Deserialize, Serialize};
use weft_gate::facts::Input;
use weft_gate::gate;
use weft_gate::policy::Level;
use weft_gate::{Finding, Outcome, Verdict};

use crate::environment::Environment;
use crate::input::{Inputs, Mode};
use crate::subject::Subject;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// What a run found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The commit whose rules count, if there is one.
    pub base: Option<String>,
    /// Which of several reports on one commit it is.
    pub category: String,
    /// What changed since the base.
    pub changes: Option<Changes>,
    /// The event that started the run.
    pub event: String,
    /// The level from which a finding fails.
    pub fail_on: Level,
    /// The commit that results are written to: of a pull request, its own last one.
    pub head: String,
    /// The commit that was judged: of a pull request, its test merge.
    pub judged: String,
    /// SHA-256 of the lockfiles, `base:` before that of the base.
    pub lockfiles: Vec<Input>,
    /// What was asked: `audit` or `gate-merge`.
    pub mode: String,
    /// What comes of it.
    pub outcome: Outcome,
    /// The workspace root below the top of the repository, without a `/` at the end.
    pub prefix: String,
    /// The number of the pull request.
    pub pull: Option<u64>,
    /// The repository, `owner/name`.
    pub repository: String,
    /// The run, and which attempt of it.
    pub run: (u64, u64),
    /// The version of this format.
    pub schema: u32,
    /// What was looked at.
    pub steps: Vec<Step>,
    /// The program that wrote it.
    pub tool: String,
    /// The tree that was judged, if there is a commit of it.
    pub tree: Option<String>,
    /// What the audit says.
    pub verdict: Verdict,
    /// Whether the job passes whatever the outcome is.
    pub warn_only: bool,
}

/// Something that was looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What was looked at.
    pub check: String,
    /// What was found, a line each.
    pub evidence: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// What came of it; `inconclusive` if something that it needs is not there.
    pub result: Outcome,
}

impl Report {
    /// Joins what was judged with what the run knows of itself.
    pub fn new(
        environment: &Environment,
        inputs: &Inputs,
        subject: &Subject,
        judged: Judged,
    ) -> Self {
        let steps = judged.steps.iter();
        // An audit asks no more than that, of a commit and a policy that are what they are said to be.
        let asked = |step: &&gate::Step| {
            inputs.mode == Mode::GateMerge || ["source", "policy", "audit"].contains(&step.check)
        };
        let steps: Vec<gate::Step> = steps.filter(asked).cloned().collect();
        let is_lockfile = |input: &&Input| {
            let name = input.name.strip_prefix("base:").unwrap_or(&input.name);
            name == "Cargo.lock"
        };
        let mut report = Self {
            base: subject.base.clone(),
            category: inputs.category.clone(),
            changes: judged.changes,
            event: environment.event.clone(),
            fail_on: inputs.fail_on,
            head: subject.head.clone(),
            judged: subject.judged.clone(),
            lockfiles: judged.verdict.inputs.iter().filter(is_lockfile).cloned().collect(),
            mode: match inputs.mode {
                Mode::GateMerge => "gate-merge".to_owned(),
                _ => "audit".to_owned(),
            },
            outcome: gate::outcome(&steps),
            prefix: judged.prefix,
            pull: subject.pull.as_ref().map(|pull| pull.number),
            repository: environment.repository.to_string(),
            run: (environment.run.id, environment.run.attempt),
            schema: SCHEMA,
            steps: steps.into_iter().map(Step::from).collect(),
            tool: concat!("weft-action ", env!("CARGO_PKG_VERSION")).to_owned(),
            tree: judged.source.ok().map(|source| source.tree),
            verdict: judged.verdict,
            warn_only: inputs.warn_only,
        };
        report.tighten();
        report
    }

    /// Fails a report that has findings which the workflow does not let pass.
    fn tighten(&mut self) {
        let fails = |finding: &&Finding| match self.fail_on {
            Level::Warn => finding.level == Level::Warn,
            Level::Note => matches!(finding.level, Level::Warn | Level::Note),
            Level::Deny | Level::Off => false,
        };
        let count = self.verdict.findings.iter().filter(fails).count();
        if count > 0 {
            let level = self.fail_on.as_str();
            self.require(Step::new(
                "fail-on",
                Outcome::Failed,
                format!("{count} at the levels from `{level}` on, and the workflow lets none pass"),
                "Mend them, or raise `fail-on` in the workflow.",
            ));
        }
    }

    /// Adds a step, which can make the outcome worse and never better.
    pub fn require(&mut self, step: Step) {
        self.outcome = worse(self.outcome, step.result);
        self.steps.push(step);
    }

    /// Says whether nothing is there that anybody would want to be told of.
    pub fn is_clean(&self) -> bool {
        let counts = &self.verdict.counts;
        self.outcome == Outcome::Passed && counts.deny == 0 && counts.warn == 0
    }

    /// Returns the findings about changes of the rules themselves.
    pub fn rules(&self) -> impl Iterator<Item = &Finding> {
        self.verdict.findings.iter().filter(|finding| is_about_rules(finding))
    }

    /// Returns the report's canonical bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Bug`].
    pub fn to_json(&self) -> Result<String, Error> {
        cargo_weft::report::json::render(self)
    }
}

/// Returns the outcome of two that neither can mend.
fn worse(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
        (Outcome::Inconclusive, _) | (_, Outcome::Inconclusive) => Outcome::Inconclusive,
        (Outcome::Passed, Outcome::Passed) => Outcome::Passed,
    }
}

impl Step {
    /// Makes a step of one line.
    pub fn new(check: &str, result: Outcome, line: impl Into<String>, remedy: &str) -> Self {
        Self {
            check: check.to_owned(),
            evidence: vec![line.into()],
            remedy: (result != Outcome::Passed).then(|| remedy.to_owned()),
            result,
        }
    }
}

/// Says whether a finding is about a change of the rules themselves.
pub fn is_about_rules(finding: &Finding) -> bool {
    finding.code.starts_with("rule/")
}

impl From<gate::Step> for Step {
    fn from(step: gate::Step) -> Self {
        Self {
            check: step.check.to_owned(),
            evidence: step.evidence,
            remedy: step.remedy.map(str::to_owned),
            result: match step.result {
                gate::StepResult::Passed => Outcome::Passed,
                gate::StepResult::Failed => Outcome::Failed,
                gate::StepResult::Missing => Outcome::Inconclusive,
            },
        }
    }
}
