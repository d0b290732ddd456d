//! The verdict: what the gate decides, from which inputs, and why.
//!
//! [`decide`] is the whole of the gate. It depends on its argument alone, and equal facts give equal bytes.
//! The format is specified in `docs/src/spec/report.md`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;
use weft_verify::canonical::{self, Unwritable};

use crate::advisory::{Advisories, Database};
use crate::check::{CHECKS, Check, Context};
use crate::claim::Claims;
use crate::diff::{self, Base, Identity};
use crate::exemption::{self, Exempted, Exemption};
use crate::facts::{
    Contents, Escape, Facts, Input, Known, Licenses, LockfileState, Notice, Releases, Replacement,
};
use crate::finding::Finding;
use crate::inventory::{Drift, Inventory, Precision};
use crate::place::Place;
use crate::policy::Level;
use crate::publisher::Publications;
use crate::rule::Rules;
use crate::topology::{RiskRow, Topology};

/// The version of the report format.
pub const SCHEMA: u32 = 1;

/// How many rows of the risk table a verdict holds.
const RISK_ROWS: usize = 10;

/// The most findings of one check that a verdict holds; one more says how many are left out.
const MOST_FINDINGS: usize = 500;

/// What the gate decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The database of advisories, where one was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advisories: Option<Database>,
    /// The day the decision is made for.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// How it compares with a base; then only findings that the base does not have are in the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// How many findings and checks of each kind there are.
    pub counts: Counts,
    /// Findings that somebody answers for.
    pub exempted: Vec<Exempted>,
    /// What was found, the most severe first.
    pub findings: Vec<Finding>,
    /// SHA-256 of every input, sorted by name.
    pub inputs: Vec<Input>,
    /// Checks that could not be evaluated.
    pub not_evaluated: Vec<NotEvaluated>,
    /// What was noticed that no check judges.
    pub notices: Vec<Notice>,
    /// The decision.
    pub outcome: Outcome,
    /// The profile of the policy.
    pub profile: String,
    /// The riskiest external packages.
    pub risk: Vec<RiskRow>,
    /// The version of this format.
    pub schema: u32,
    /// What was judged, unless the graph is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// The program that decided: `cargo-weft` and its version.
    pub tool: String,
}

/// What a base has in common with the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The commit of the base.
    pub commit: String,
    /// Findings of the base that the head does not have.
    pub fixed: Vec<Identity>,
    /// What the head changes of the rules; absent where it changes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Findings that both have; they do not change the verdict.
    pub unchanged: Vec<Finding>,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is denied, and all that is required was evaluated.
    Passed,
    /// Something is denied.
    Failed,
    /// Nothing is denied, but something that is required was not evaluated.
    Inconclusive,
}

impl Outcome {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// How many findings and checks of each kind there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Findings at level `deny`.
    pub deny: u64,
    /// Checks that were evaluated.
    pub evaluated: u64,
    /// Findings that are exempted.
    pub exempted: u64,
    /// Checks that could not be evaluated.
    pub not_evaluated: u64,
    /// Findings at level `note`.
    pub note: u64,
    /// Checks that the policy switches off.
    pub off: u64,
    /// Findings at level `warn`.
    pub warn: u64,
}

/// A check that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotEvaluated {
    /// The check's code.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
    /// Whether the policy requires it.
    pub required: bool,
}

/// What was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Groups of packages that depend on each other in a circle.
    pub cycles: u64,
    /// Judged edges.
    pub edges: u64,
    /// Judged packages that are not members.
    pub external: u64,
    /// f50 in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f50_thousandths: Option<u32>,
    /// Packages in the lockfile.
    pub locked: u64,
    /// Judged members.
    pub members: u64,
    /// How sharply the graph is known.
    pub precision: Precision,
}

impl Verdict {
    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// See [`canonical::to_vec`].
    pub fn to_canonical(&self) -> Result<Vec<u8>, Unwritable> {
        canonical::to_vec(self)
    }
}

/// Decides, and shows of each check's findings as many as a report has room for.
///
/// # Errors
///
/// [`Unwritable`] if the facts have no canonical form, which no facts made by this crate lack.
pub fn decide(facts: &Facts) -> Result<Verdict, Unwritable> {
    let mut verdict = decide_in_full(facts)?;
    let lockfile = match &facts.lockfile {
        LockfileState::Missing(path) | LockfileState::Present(path) => path,
    };
    verdict.findings = shortened(std::mem::take(&mut verdict.findings), lockfile);
    if let Some(comparison) = &mut verdict.comparison {
        comparison.unchanged = shortened(std::mem::take(&mut comparison.unchanged), lockfile);
    }
    Ok(verdict)
}

/// Keeps up to a bound that only a hostile or hopeless graph reaches, and says of each check how many are left out.
///
/// Findings are sorted, and what is left out is counted in the verdict all the same.
fn shortened(findings: Vec<Finding>, lockfile: &str) -> Vec<Finding> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut left_out = BTreeMap::<(Level, String), usize>::new();
    let mut kept = Vec::new();
    for finding in findings {
        let count = seen.entry(finding.code.clone()).or_default();
        *count += 1;
        match *count > MOST_FINDINGS {
            false => kept.push(finding),
            true => *left_out.entry((finding.level, finding.code)).or_default() += 1,
        }
    }
    for ((level, code), subjects) in left_out {
        let sentence = format!("{subjects} more findings of this check are left out.");
        let finding = Finding::new(&code, lockfile, Place::whole(lockfile), sentence)
            .remedy("Mend those that are shown first.")
            .field("left_out", subjects as u64);
        kept.push(Finding { level, ..finding });
    }
    kept.sort();
    kept
}

/// Decides, with every finding there is: what a base and a baseline compare and exempt.
///
/// # Errors
///
/// Those of [`decide`].
pub fn decide_in_full(facts: &Facts) -> Result<Verdict, Unwritable> {
    let context = Context::new(facts);
    let mut draft = Draft::default();
    let (of_exemptions, others): (Vec<_>, Vec<_>) =
        CHECKS.into_iter().partition(|check| check.code().starts_with("exemption/"));
    draft.evaluate(&others, &context);
    let applied = exemption::apply(&facts.exemptions, draft.findings, facts.as_of);
    draft.findings = applied.standing;
    let context = context.with_results(applied.used, draft.blind());
    draft.evaluate(&of_exemptions, &context);
    let known = context.graph().ok();
    let comparison = facts.base.as_ref().map(|base| {
        let exempted: Vec<&Finding> = applied.exempted.iter().map(|e| &e.finding).collect();
        let (unchanged, new, mut fixed) =
            diff::split(std::mem::take(&mut draft.findings), &exempted, base);
        // What was not looked for is not gone.
        fixed.retain(|gone| draft.not_evaluated.iter().all(|n| n.code != gone.code));
        draft.findings = new;
        let mut unchanged: Vec<Finding> = unchanged;
        unchanged.sort();
        let (commit, rules) = (base.commit.clone(), base.rules.clone());
        Comparison { commit, fixed, rules, unchanged }
    });
    draft.findings.sort();
    draft.not_evaluated.sort_by(|a, b| a.code.cmp(&b.code));
    draft.count(applied.exempted.len());
    let outcome = draft.outcome(known.is_some());
    let mut exempted = applied.exempted;
    exempted.sort();
    Ok(Verdict {
        advisories: facts.advisories.as_ref().ok().map(|a| a.database.clone()),
        as_of: facts.as_of,
        comparison,
        counts: draft.counts,
        exempted,
        findings: draft.findings,
        inputs: inputs(facts)?,
        not_evaluated: draft.not_evaluated,
        notices: facts.notices.clone(),
        outcome,
        profile: facts.policy.profile.clone(),
        risk: known
            .map(|(i, t)| t.ranked(i).into_iter().take(RISK_ROWS).collect())
            .unwrap_or_default(),
        schema: SCHEMA,
        summary: known.map(|(inventory, topology)| summary(inventory, topology)),
        tool: concat!("cargo-weft ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

#[derive(Default)]
struct Draft {
    counts: Counts,
    findings: Vec<Finding>,
    not_evaluated: Vec<NotEvaluated>,
    off: Vec<String>,
}

impl Draft {
    fn evaluate(&mut self, checks: &[&dyn Check], context: &Context<'_>) {
        let policy = context.policy();
        for check in checks {
            let code = check.code();
            let required = policy.requires(code);
            match policy.checks.get(code).copied() {
                Some(Level::Off) | None => self.switched_off(code, required),
                Some(level) => match (check.evaluate(context), check.gap(context)) {
                    (Ok(findings), None) => {
                        self.counts.evaluated += 1;
                        self.found(level, findings);
                    }
                    // What was found is told, though there may be more.
                    (Ok(findings), Some(reason)) => {
                        self.found(level, findings);
                        self.not_evaluated(code, reason, required);
                    }
                    (Err(reason), _) => self.not_evaluated(code, reason, required),
                },
            }
        }
    }

    fn found(&mut self, level: Level, findings: Vec<Finding>) {
        self.findings.extend(findings.into_iter().map(|finding| Finding { level, ..finding }));
    }

    /// Returns the codes of checks that did not look everywhere.
    fn blind(&self) -> Vec<String> {
        let not_evaluated = self.not_evaluated.iter().map(|n| n.code.clone());
        not_evaluated.chain(self.off.iter().cloned()).collect()
    }

    fn count(&mut self, exempted: usize) {
        self.counts.exempted = exempted as u64;
        for finding in &self.findings {
            let count = match finding.level {
                Level::Deny => &mut self.counts.deny,
                Level::Warn => &mut self.counts.warn,
                Level::Note | Level::Off => &mut self.counts.note,
            };
            *count += 1;
        }
    }

    fn not_evaluated(&mut self, code: &str, reason: String, required: bool) {
        self.counts.not_evaluated += 1;
        self.not_evaluated.push(NotEvaluated { code: code.to_owned(), reason, required });
    }

    /// A policy that requires what it switches off asks for silence; it does not get a pass for it.
    fn switched_off(&mut self, code: &str, required: bool) {
        self.counts.off += 1;
        self.off.push(code.to_owned());
        if required {
            self.not_evaluated(code, "the policy requires it and switches it off".to_owned(), true);
        }
    }

    fn outcome(&self, graph_is_known: bool) -> Outcome {
        if self.counts.deny > 0 {
            Outcome::Failed
        } else if !graph_is_known || self.not_evaluated.iter().any(|n| n.required) {
            Outcome::Inconclusive
        } else {
            Outcome::Passed
        }
    }
}

/// Lists the files that were read, and the canonical forms of what was made of them.
fn inputs(facts: &Facts) -> Result<Vec<Input>, Unwritable> {
    let input =
        |name: &str, bytes: &[u8]| Input { name: name.to_owned(), sha256: Sha256::of(bytes) };
    let mut all = facts.inputs.clone();
    if let Known::Value(inventory) = &facts.inventory {
        all.push(input("inventory", &inventory.to_canonical()?));
    }
    all.push(input("policy", &canonical::to_vec(&facts.policy)?));
    all.push(input("observations", &canonical::to_vec(&Observations::of(facts))?));
    all.sort();
    Ok(all)
}

/// What facts hold beside the inventory and the policy: with their digests, this one's covers everything.
#[derive(Serialize)]
struct Observations<'f> {
    advisories: &'f Known<Advisories>,
    as_of: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'f Base>,
    claims: &'f Known<Claims>,
    contents: &'f Known<Contents>,
    drift: &'f Known<Vec<Drift>>,
    escapes: &'f Known<Vec<Escape>>,
    exemptions: &'f [Exemption],
    inputs: &'f [Input],
    licenses: &'f Known<Licenses>,
    lockfile: &'f LockfileState,
    notices: &'f [Notice],
    #[serde(skip_serializing_if = "Option::is_none")]
    publishers: Option<&'f Known<Publications>>,
    releases: &'f Known<Releases>,
    replacements: &'f Known<Vec<Replacement>>,
    unknown_inventory: Option<&'f str>,
}

impl<'f> Observations<'f> {
    fn of(facts: &'f Facts) -> Self {
        Self {
            advisories: &facts.advisories,
            as_of: facts.as_of,
            base: facts.base.as_ref(),
            claims: &facts.claims,
            contents: &facts.contents,
            drift: &facts.drift,
            escapes: &facts.escapes,
            exemptions: &facts.exemptions,
            inputs: &facts.inputs,
            licenses: &facts.licenses,
            lockfile: &facts.lockfile,
            notices: &facts.notices,
            publishers: facts.publishers.as_ref(),
            releases: &facts.releases,
            replacements: &facts.replacements,
            unknown_inventory: facts.inventory.as_ref().err(),
        }
    }
}

fn summary(inventory: &Inventory, topology: &Topology) -> Summary {
    Summary {
        cycles: topology.cycles().len() as u64,
        edges: inventory.edges.iter().filter(|e| e.selected).count() as u64,
        external: inventory.judged_externals().len() as u64,
        f50_thousandths: topology.f50_thousandths,
        locked: inventory.packages.len() as u64,
        members: topology.roots.len() as u64,
        precision: inventory.precision,
    }
}
