//! The outcome of a gate as a SLSA verification summary (VSA v1), and a merge gate's as evidence for a release.
//!
//! What weft adds, `weft` in the predicate, binds the outcome to a commit, an inventory, a policy and a verdict; whoever
//! has those recomputes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::json::{self, Limits, Value};
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{Sha256, canonical};

use super::attestation::Shelf;
use super::{Step, StepResult, cut};
use crate::facts::Input;
use crate::policy::Level;
use crate::release::Source;
use crate::verdict::{Outcome, Verdict};

/// The predicate type of a SLSA verification summary.
pub const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// The version of what weft adds to it.
pub const SCHEMA: u32 = 1;

/// The role whose keys sign the verdicts of gates.
pub const GATE_ROLE: &str = "gate";

/// The name of the merge gate.
pub const MERGE: &str = "merge";

/// The name of the release gate.
pub const RELEASE: &str = "release";

/// What weft adds to a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Decided {
    /// The commit that was judged.
    pub commit: String,
    /// Findings that are denied or warned of.
    pub findings: Vec<Told>,
    /// The gate: `merge` or `release`.
    pub gate: String,
    /// SHA-256 of every input of the verdict, sorted by name.
    pub inputs: Vec<Input>,
    /// The digest of the inventory; nothing where the graph is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub inventory: Option<Sha256>,
    /// The digest of the policy.
    #[schemars(with = "String")]
    pub policy: Sha256,
    /// The version of this format.
    pub schema: u32,
    /// Every step, and what came of it.
    pub steps: Vec<Gone>,
    /// The tree of the commit.
    pub tree: String,
    /// The digest of the verdict on the sources.
    #[schemars(with = "String")]
    pub verdict: Sha256,
}

/// A finding by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The check's code.
    pub code: String,
    /// What it does to the verdict.
    pub level: Level,
    /// What it is about.
    pub subject: String,
}

/// A step that was gone through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// What was looked at.
    pub check: String,
    /// What came of it.
    pub result: String,
}

/// What a summary is of.
pub struct Of<'a> {
    /// The gate.
    pub gate: &'static str,
    /// The digest of the inventory, where it is known.
    pub inventory: Option<Sha256>,
    /// The digests of other attestations that were relied on, by what they are.
    pub relied: Vec<(String, Sha256)>,
    /// What was decided.
    pub outcome: Outcome,
    /// The digest of the policy.
    pub policy: Sha256,
    /// What is called passed: a package, or a commit.
    pub resource: String,
    /// The sources.
    pub source: &'a Source,
    /// The steps.
    pub steps: &'a [Step],
    /// The verdict on the sources.
    pub verdict: &'a Verdict,
}

/// Says the outcome of a gate about some subjects.
///
/// `timeVerified`, which is optional, is left out: what a gate decides depends on its inputs and not on a clock.
///
/// # Errors
///
/// See [`canonical::to_vec`].
pub fn summary(
    subjects: Vec<ResourceDescriptor>,
    of: &Of<'_>,
) -> Result<Statement, canonical::Unwritable> {
    let digest = |sha256: Sha256| serde_json::json!({"sha256": sha256});
    let verdict = Sha256::of(&of.verdict.to_canonical()?);
    let relied = of.relied.iter().cloned().chain([("verdict".to_owned(), verdict)]);
    let relied: Vec<_> = relied
        .map(|(uri, sha256)| serde_json::json!({"digest": digest(sha256), "uri": uri}))
        .collect();
    let told = of.verdict.findings.iter().filter(|f| matches!(f.level, Level::Deny | Level::Warn));
    let decided = Decided {
        commit: of.source.commit.clone(),
        findings: told
            .map(|f| Told { code: f.code.clone(), level: f.level, subject: f.subject.clone() })
            .collect(),
        gate: of.gate.to_owned(),
        inputs: of.verdict.inputs.clone(),
        inventory: of.inventory,
        policy: of.policy,
        schema: SCHEMA,
        steps: of
            .steps
            .iter()
            .map(|s| Gone { check: s.check.to_owned(), result: s.result.as_str().to_owned() })
            .collect(),
        tree: of.source.tree.clone(),
        verdict,
    };
    let predicate = serde_json::json!({
        "verifier": {
            "id": "https://github.com/cargo-weft/cargo-weft",
            "version": {"cargo-weft": env!("CARGO_PKG_VERSION")},
        },
        "resourceUri": of.resource,
        "policy": {"digest": digest(of.policy), "uri": "weft.toml"},
        "inputAttestations": relied,
        "verificationResult": if of.outcome == Outcome::Passed { "PASSED" } else { "FAILED" },
        "verifiedLevels": [],
        "slsaVersion": "1.0",
        "weft": decided,
    });
    let bytes = canonical::to_vec(&predicate)?;
    let limits = Limits { size: usize::MAX, ..Limits::FOREIGN };
    let predicate = json::read(&bytes, limits).expect("what was written canonically is read again");
    Ok(Statement::new(subjects, SUMMARY, predicate))
}

/// Names a commit and its tree as a subject.
pub fn subject(source: &Source) -> ResourceDescriptor {
    let digest = [("gitCommit", &source.commit), ("gitTree", &source.tree)];
    ResourceDescriptor {
        name: Some("git".to_owned()),
        digest: digest.map(|(name, digits)| (name.to_owned(), digits.clone())).into(),
        ..ResourceDescriptor::default()
    }
}

/// Looks for a verdict of the merge gate that passed on the same tree and inventory, by the same policy.
///
/// A merge gate may know the graph at another precision than a release gate: `inventories` are those of this tree.
pub fn merge_verdict(
    source: Result<&Source, &str>,
    inventories: &[Sha256],
    policy: Sha256,
    shelf: &Shelf<'_>,
) -> Step {
    let remedy = "Have the merge gate sign one for this tree: `cargo weft gate merge --summary FILE --key KEY`, into the directory of --evidence.";
    let step = |result, evidence| Step::new("merge-verdict", result, evidence, remedy);
    let missing = |line: String| step(StepResult::Missing, vec![line]);
    if let Some(why) = &shelf.why {
        return missing(why.clone());
    }
    let source = match source {
        Ok(source) => source,
        Err(why) => return missing(why.to_owned()),
    };
    let (mut wrong, mut others) = (Vec::new(), 0_usize);
    for held in shelf.of(&[SUMMARY]) {
        if !held.is_envelope {
            others += 1;
            continue;
        }
        let judged = shelf.by_role(held, GATE_ROLE).and_then(|vouched| {
            let decided = decided(&vouched.statement).ok_or_else(|| {
                format!("{}: says nothing that this version of weft can compare", held.name)
            })?;
            Ok((vouched, decided))
        });
        let (vouched, decided) = match judged {
            Ok(judged) => judged,
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        // A verdict on another tree, or of another gate, is true and of no use here.
        if decided.gate != MERGE || decided.tree != source.tree {
            others += 1;
            continue;
        }
        let mut differs = Vec::new();
        if decided.policy != policy {
            differs.push("by another policy");
        }
        if !decided.inventory.is_some_and(|inventory| inventories.contains(&inventory)) {
            differs.push("on another inventory");
        }
        let result = vouched.statement.predicate.get("verificationResult").and_then(Value::as_str);
        if result != Some("PASSED") {
            differs.push("did not pass");
        }
        if differs.is_empty() {
            let line = format!("{} passed the tree {}, by {}", held.name, source.tree, vouched.by);
            return step(StepResult::Passed, vec![line]);
        }
        wrong.push(format!("{}: {}", held.name, differs.join(", ")));
    }
    if !wrong.is_empty() {
        return step(StepResult::Failed, cut(wrong));
    }
    let mut lines = vec![format!("no verdict of the merge gate is about the tree {}", source.tree)];
    if others > 0 {
        lines.push(format!(
            "{others} verdicts are about another tree, of another gate, or in no envelope"
        ));
    }
    lines.extend(cut(shelf.unread.clone()));
    step(StepResult::Missing, lines)
}

/// Reads what weft added to a summary that was verified.
fn decided(statement: &Statement) -> Option<Decided> {
    let decided: Decided = json::from_value(statement.predicate.get("weft")?).ok()?;
    (decided.schema == SCHEMA).then_some(decided)
}
