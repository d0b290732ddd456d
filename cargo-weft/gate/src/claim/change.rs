//! What a pull request does to promises: the base's entries compared with the head's.

use super::contract::Contract;
use super::{Claim, Evidence, Promises};

/// Says how a claim asks for less than in the base; empty if it does not.
pub fn weakened(base: &Claim, head: &Claim) -> Vec<String> {
    let mut less = Vec::new();
    if base.kind != head.kind && head.kind.minimum() <= base.kind.minimum() {
        less.push(format!("its kind was `{}` and is `{}`", base.kind.as_str(), head.kind.as_str()));
    }
    let minimum = |claim: &Claim| claim.minimum.unwrap_or(claim.kind.minimum());
    if minimum(head) < minimum(base) {
        less.push(format!(
            "its minimum was `{}` and is `{}`",
            minimum(base).as_str(),
            minimum(head).as_str()
        ));
    }
    for evidence in &base.evidence {
        if head.evidence.contains(evidence) {
            continue;
        }
        // A bound that only got tighter, or a test that only got a symbol, asks for more.
        if !head.evidence.iter().any(|other| is_stronger(evidence, other)) {
            less.push(format!("it asked for {}", evidence.describe()));
        }
    }
    less
}

/// Says whether `head` asks for all that `base` does.
fn is_stronger(base: &Evidence, head: &Evidence) -> bool {
    let mut raised = base.clone();
    match (&mut raised, head) {
        (Evidence::Attestation { threshold, .. }, Evidence::Attestation { threshold: new, .. }) => {
            *threshold = (*threshold).max(*new);
        }
        (Evidence::Bench { at_most, .. }, Evidence::Bench { at_most: new, .. }) => {
            *at_most = (*at_most).min(*new);
        }
        (
            Evidence::Fuzz { executions_at_least, corpus_sha256, .. },
            Evidence::Fuzz { executions_at_least: new, corpus_sha256: other, .. },
        ) => {
            *executions_at_least = (*executions_at_least).max(*new);
            *corpus_sha256 = *other;
        }
        (
            Evidence::MutationScore { missed_at_most, viable_at_least, .. },
            Evidence::MutationScore { missed_at_most: missed, viable_at_least: viable, .. },
        ) => {
            *missed_at_most = (*missed_at_most).min(*missed);
            *viable_at_least = (*viable_at_least).max(*viable);
        }
        (
            Evidence::Test { symbol, expects, .. },
            Evidence::Test { symbol: new_symbol, expects: new_expects, .. },
        ) => {
            *symbol = symbol.take().or_else(|| new_symbol.clone());
            *expects = expects.take().or(*new_expects);
        }
        _ => return false,
    }
    raised == *head
}

/// Returns entries whose text is another than in the base though their revision is not higher.
pub fn reworded<'h>(base: &'h Promises, head: &'h Promises) -> Vec<(&'h Claim, &'h Claim)> {
    pairs(base, head)
        .filter(|(old, new)| {
            old.text_sha256 != new.text_sha256 && new.revision <= old.revision
                || new.revision < old.revision
        })
        .collect()
}

/// Pairs the entries that both have.
pub fn pairs<'h>(
    base: &'h Promises,
    head: &'h Promises,
) -> impl Iterator<Item = (&'h Claim, &'h Claim)> {
    head.claims.iter().filter_map(|new| Some((base.claim(&new.id)?, new)))
}

impl Promises {
    /// Returns the entry of a claim.
    pub fn claim(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}

/// Returns the digest that a signature of the role `claims` has to be about for a contract to ask for less.
pub fn approval(claim: &Claim) -> Option<weft_verify::Sha256> {
    Contract::compile(claim).ok()?.digest().ok()
}
