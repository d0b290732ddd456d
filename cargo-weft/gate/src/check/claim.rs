//! Family `claim`: whether promises in documents are tied to evidence that shows them.

mod markup;
mod orphan_entry;
mod orphan_span;
mod phase_closed;
mod reworded;
mod text_drifted;
mod uncompilable;
mod unevidenced;
mod weakened;

pub use markup::Markup;
pub use orphan_entry::OrphanEntry;
pub use orphan_span::OrphanSpan;
pub use phase_closed::PhaseClosed;
pub use reworded::Reworded;
pub use text_drifted::TextDrifted;
pub use uncompilable::Uncompilable;
pub use unevidenced::Unevidenced;
pub use weakened::Weakened;

use std::collections::BTreeMap;

use crate::check::Context;
use crate::claim::document::Span;
use crate::claim::standing::Standing;
use crate::claim::{Claim, Claims, Phase, Promises, change};
use crate::evidence::Held;
use crate::facts::Known;

/// The predicate type of a statement that approves of a contract that asks for less.
pub const APPROVAL: &str = "https://github.com/cargo-weft/cargo-weft/claim-change/v1";

/// Returns what is known of claims.
pub(super) fn claims<'f>(context: &Context<'f>) -> Result<&'f Claims, String> {
    context.facts().claims.as_ref().map_err(str::to_owned)
}

/// Returns the span of a claim in its document.
pub(super) fn span<'h>(head: &'h Promises, claim: &Claim) -> Option<&'h Span> {
    let document = head.documents.iter().find(|document| document.path == claim.document)?;
    document.spans.iter().find(|span| span.id == claim.id)
}

/// Returns the phases that are not open, each with the first claim that keeps it closed.
pub(super) fn closed_phases<'c>(
    claims: &'c Claims,
    standings: &BTreeMap<&str, Standing>,
) -> Vec<(&'c Phase, String)> {
    let phases = &claims.head.phases;
    let is_met = |id: &str| standings.get(id).is_some_and(Standing::is_met);
    let unmet_before = |order: u32| {
        let earlier = phases.iter().filter(|phase| phase.order < order);
        earlier.flat_map(|phase| &phase.claims).find(|id| !is_met(id)).cloned()
    };
    phases.iter().filter_map(|phase| Some((phase, unmet_before(phase.order)?))).collect()
}

/// Says whether a claim waits for others: it is of phases, and every one of them is closed.
pub(super) fn is_closed(claims: &Claims, closed: &[(&Phase, String)], id: &str) -> bool {
    let names = |phase: &Phase| phase.claims.iter().any(|claim| claim == id);
    let all = claims.head.phases.iter().filter(|phase| names(phase)).count();
    all > 0 && closed.iter().filter(|(phase, _)| names(phase)).count() == all
}

/// Says whether the role `claims` signed that the contract of the head may take the place of that of the base.
///
/// Both are named, and the revision rises: it never falls, so an approval is of one change and of no later one.
fn is_approved(claims: &Claims, base: &Claim, head: &Claim) -> bool {
    let (Some(old), Some(new)) = (change::contract_digest(base), change::contract_digest(head))
    else {
        return false;
    };
    let mut signed =
        claims.attested.iter().filter(|a| a.predicate == APPROVAL && a.role == "claims");
    head.revision > base.revision
        && signed.any(|a| a.subjects.contains(&old) && a.subjects.contains(&new))
}

/// Says whether the role `claims` signed that a claim may be left behind: a statement about its contract alone.
fn is_release(claims: &Claims, base: &Claim) -> bool {
    let Some(old) = change::contract_digest(base) else { return false };
    let mut signed =
        claims.attested.iter().filter(|a| a.predicate == APPROVAL && a.role == "claims");
    signed.any(|a| a.subjects == [old])
}

/// Says why a record does not count for a claim, if it does not.
pub(super) fn staleness(claim: &Claim, held: &Held, claims: &Claims) -> Option<&'static str> {
    if change::contract_digest(claim) != Some(held.record.contract) {
        return Some("its contract was another");
    }
    if held.record.dirty {
        return Some("the work tree had changes that no commit has");
    }
    match &claims.sources {
        Known::Value(sources) if *sources == held.record.sources => None,
        _ => Some("it is of other sources"),
    }
}
