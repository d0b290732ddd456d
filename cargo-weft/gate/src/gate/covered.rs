//! Requirements that the verdict on a workspace answers.

use super::{Requirement, Step, StepResult, cut};
use crate::policy::{Level, Policy};
use crate::verdict::Verdict;

/// Says whether the workspace passes its audit.
pub fn audit(verdict: &Verdict) -> Step {
    let counts = &verdict.counts;
    let line = format!(
        "{}: {} denied, {} not evaluated, as of {}",
        verdict.outcome.as_str(),
        counts.deny,
        counts.not_evaluated,
        verdict.as_of
    );
    let remedy = "See what it says: `cargo weft audit`.";
    Step::new("audit", verdict.outcome.into(), vec![line], remedy)
}

/// Looks for a requirement in a verdict; nothing for those that attestations answer.
///
/// A finding at `deny` fails it; a check that was not evaluated leaves it missing, whether the audit requires that check
/// or not. A check that the policy switches off is not asked for, but one at least has to be on.
///
/// ```
/// use weft_gate::gate::Requirement;
/// # let _ = |verdict: &weft_gate::Verdict, policy: &weft_gate::policy::Policy| {
/// let step = weft_gate::gate::covered(Requirement::Advisories, verdict, policy).unwrap();
/// assert_eq!(step.check, "advisories");
/// # };
/// ```
pub fn covered(requirement: Requirement, verdict: &Verdict, policy: &Policy) -> Option<Step> {
    let (entries, remedy): (&[&str], _) = match requirement {
        Requirement::Inventory => (&["inventory/"], "See what is wrong: `cargo weft audit`."),
        Requirement::Advisories => (
            &["advisory/"],
            "Fetch the advisories: `cargo weft db update`; or name them: --advisory-db DIR.",
        ),
        Requirement::Claims => (
            &["claim/", "wording/"],
            "See how claims stand: `cargo weft claims status`; `cargo weft claims init` begins a map.",
        ),
        Requirement::Evidence => {
            (&["evidence/", "claim/unevidenced"], "Collect it: `cargo weft evidence collect`.")
        }
        Requirement::MergeVerdict
        | Requirement::Provenance
        | Requirement::ReleaseManifest
        | Requirement::Sbom
        | Requirement::Signatures => return None,
    };
    let is_asked = |code: &str| entries.iter().any(|entry| code.starts_with(entry));
    let denied = verdict.findings.iter();
    let denied = denied.filter(|finding| finding.level == Level::Deny && is_asked(&finding.code));
    let denied: Vec<String> =
        denied.map(|finding| format!("{}: {}", finding.code, finding.sentence)).collect();
    let unknown = verdict.not_evaluated.iter().filter(|check| is_asked(&check.code));
    let unknown: Vec<String> = unknown
        .map(|check| format!("{} was not evaluated: {}", check.code, check.reason))
        .collect();
    let is_on = policy.checks.iter().any(|(code, level)| is_asked(code) && *level != Level::Off);
    let (result, evidence) = match (denied.is_empty(), unknown.is_empty()) {
        (false, _) => (StepResult::Failed, cut(denied)),
        (true, false) => (StepResult::Missing, cut(unknown)),
        (true, true) if !is_on => {
            (StepResult::Missing, vec!["the policy switches off every check of it".to_owned()])
        }
        (true, true) if verdict.summary.is_none() => {
            (StepResult::Missing, vec!["the dependency graph is not known".to_owned()])
        }
        (true, true) => (
            StepResult::Passed,
            vec!["every check of it was evaluated, and none denies".to_owned()],
        ),
    };
    Some(Step::new(requirement.name(), result, evidence, remedy))
}
