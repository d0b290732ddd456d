//! A workspace and its base, judged alike: what `audit --base` and `diff` share.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use weft_gate::capability::Update;
use weft_gate::diff::{Base, Identity};
use weft_gate::facts::{Input, Known, Notice};
use weft_gate::input::publishers::MAX_SNAPSHOT;
use weft_gate::policy::Barrier;
use weft_gate::provenance::sigstore::Trust;
use weft_gate::{Verdict, decide_in_full, risk};

use super::facts::{self, Loaded};
use super::{PrecisionChoice, Selection};
use crate::error::Error;
use crate::source::revision::{Revision, short};
use crate::source::sources::EVIDENCE;
use crate::source::vouchers::{ATTESTATIONS, MAX_TOTAL, MAX_TRUST};
use crate::source::{behavior, exemptions, policy, rules, workspace};

/// Both sides; the head's facts know the base's findings.
pub(super) struct Compared {
    pub(super) base: Loaded,
    pub(super) base_verdict: Verdict,
    pub(super) head: Loaded,
    /// Names the head: a commit, or the work tree.
    pub(super) head_name: String,
    pub(super) base_name: String,
}

/// What to compare, and by what.
pub(super) struct Question<'a> {
    pub(super) selection: &'a Selection,
    pub(super) base: &'a str,
    /// A commit; otherwise the work tree.
    pub(super) head: Option<&'a str>,
    pub(super) advisory_db: Option<&'a Path>,
    pub(super) as_of: Date,
}

/// Who asks for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Somebody who looks at their own tree.
    Audit,
    /// A gate.
    Gate,
}

/// Reads what a verdict on the workspace needs, beside a base if there is one.
///
/// # Errors
///
/// What keeps it from being read.
pub(super) fn judged(
    selection: &Selection,
    base: Option<&str>,
    advisory_db: Option<&Path>,
    as_of: Date,
    whose: Whose,
) -> Result<Loaded, Error> {
    if let Some(base) = base {
        let question = Question { selection, base, head: None, advisory_db, as_of };
        return Ok(compare(&question)?.head);
    }
    let mut loaded = facts::load(selection, as_of)?;
    // A gate does not let what is judged bring along the advisories that it is judged by.
    loaded.is_compared = whose == Whose::Gate;
    loaded.show_faults();
    loaded.for_verdict(advisory_db)?;
    Ok(loaded)
}

/// Reads and judges both sides by the base's policy and exemptions, or by the policy that the command line names.
///
/// # Errors
///
/// What keeps either side from being read.
pub(super) fn compare(question: &Question<'_>) -> Result<Compared, Error> {
    let selection = question.selection;
    if selection.lockfile.is_some() {
        return Err(Error::usage(
            "a lockfile alone has no base",
            "name the workspace with --manifest-path instead of --lockfile",
        ));
    }
    if selection.precision == PrecisionChoice::Metadata {
        return Err(Error::usage(
            "a commit is known at lock precision alone, since cargo is not run on it",
            "leave --precision out",
        ));
    }
    let root = workspace::root(selection.manifest_path.as_deref())?;
    let base_revision = Revision::read(&root, question.base)?;
    if question.head.is_none() {
        let manifest = workspace::find_manifest(selection.manifest_path.as_deref())?;
        base_revision.demand_root(&manifest)?;
    }
    let head_revision = question.head.map(|head| Revision::read(&root, head)).transpose()?;
    let head_root = head_revision.as_ref().map_or(&*root, Revision::root);

    let policy = policy::load(selection.policy.as_deref(), base_revision.root())?;
    let snapshot = &policy.effective.policy.publishers.snapshot;
    if !snapshot.is_empty() {
        base_revision.bring(snapshot, MAX_SNAPSHOT)?;
    }
    rules::bring(&base_revision)?;
    if let Some(head) = &head_revision {
        rules::bring(head)?;
    }
    let revisions = || [Some(&base_revision), head_revision.as_ref()].into_iter().flatten();
    for barrier in &policy.effective.policy.barriers {
        match barrier {
            Barrier::Attest { provenance, .. } => {
                for revision in revisions() {
                    revision.bring_folder(ATTESTATIONS, MAX_TOTAL)?;
                }
                let named = provenance.trusted_root.as_ref();
                if let Some(root) = named.filter(|root| Trust::embedded(root).is_none()) {
                    base_revision.bring(root, MAX_TRUST)?;
                }
            }
            Barrier::Review { role: Some(_), .. } => {
                for revision in revisions() {
                    revision.bring_folder(EVIDENCE, MAX_TOTAL)?;
                }
            }
            Barrier::Drop { .. }
            | Barrier::Fork { .. }
            | Barrier::Pin { .. }
            | Barrier::Region { .. }
            | Barrier::Review { .. }
            | Barrier::Seal { .. }
            | Barrier::Vendor { .. }
            | Barrier::Window { .. } => {}
        }
    }
    let load = |manifest: Option<PathBuf>| -> Result<Loaded, Error> {
        let selection = Selection {
            manifest_path: manifest,
            lockfile: None,
            precision: PrecisionChoice::Lock,
            policy: None,
            offline: true,
            online: false,
        };
        let mut loaded = facts::load_by(&selection, question.as_of, Some(&policy))?;
        loaded.database_root = root.clone();
        loaded.is_compared = true;
        loaded.base_root = Some(base_revision.root().to_owned());
        loaded.show_faults();
        Ok(loaded)
    };
    let exempted = exemptions::load(base_revision.root())?;
    let mut base = load(Some(base_revision.manifest()))?;
    base.judge_by(question.advisory_db, &exempted);
    let bug = |e: weft_verify::canonical::Unwritable| Error::Bug(e.to_string());
    let base_verdict = decide_in_full(&base.facts).map_err(bug)?;

    let manifest = match &head_revision {
        Some(revision) => Some(revision.manifest()),
        None => selection.manifest_path.clone(),
    };
    let mut head = load(manifest)?;
    head.judge_by(question.advisory_db, &exempted);
    if question.head.is_none() {
        head.add_claims(Some(base_revision.root()))?;
    }
    let exempted = base_verdict.exempted.iter().map(|exempted| &exempted.finding);
    let mut findings: Vec<Identity> =
        base_verdict.findings.iter().chain(exempted).map(Identity::of).collect();
    findings.sort();
    let project = base_revision.project();
    let rules = rules::changed(base_revision.root(), head_root, &project, question.as_of)?;
    let (rules, input) = rules.map(|found| (found.rules, found.input)).unzip();
    let behavior = Some(behavior(&base, &head));
    let commit = base_revision.commit.clone();
    let expected_loss_nano = expected_loss(&base);
    head.facts.base = Some(Base { behavior, commit, expected_loss_nano, findings, rules });
    head.facts.inputs.extend(input.flatten());
    let of_base = base.facts.inputs.iter();
    head.facts.inputs.extend(
        of_base.map(|input| Input { name: format!("base:{}", input.name), sha256: input.sha256 }),
    );
    head.facts.inputs.sort();
    if selection.precision == PrecisionChoice::Auto {
        let message = "judged at lock precision: cargo is not run on a commit".to_owned();
        head.facts.notices.push(Notice { message, place: None });
    }
    head.facts.notices.sort();
    Ok(Compared {
        base,
        base_verdict,
        head,
        head_name: match &head_revision {
            Some(revision) => short(&revision.commit).to_owned(),
            None => "the work tree".to_owned(),
        },
        base_name: short(&base_revision.commit).to_owned(),
    })
}

/// Estimates what attacks are expected to cost, if the policy asks by how much that may rise.
fn expected_loss(base: &Loaded) -> Option<u64> {
    base.facts.policy.risk.delta_budget_percent?;
    let inventory = base.inventory().ok()?;
    risk::expected_of(&base.facts, inventory).ok()
}

/// Reads how the packages behave that the head brings.
pub(super) fn behavior(base: &Loaded, head: &Loaded) -> Known<Vec<Update>> {
    let redirected = |side: &Loaded| facts::redirected(&side.facts.replacements);
    if let Some(why) = redirected(base).or_else(|| redirected(head)) {
        return Known::Unknown(why);
    }
    match (&base.facts.inventory, &head.facts.inventory) {
        (Known::Value(base), Known::Value(head)) => Known::Value(behavior::updates(base, head)),
        (Known::Unknown(why), _) => Known::Unknown(format!("the base: {why}")),
        (_, Known::Unknown(why)) => Known::Unknown(why.clone()),
    }
}
