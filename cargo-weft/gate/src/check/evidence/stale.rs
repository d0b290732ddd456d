#![doc = include_str!("stale.md")]

use crate::check::claim::staleness;
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Stale;

impl Check for Stale {
    fn code(&self) -> &'static str {
        "evidence/stale"
    }

    fn page(&self) -> &'static str {
        include_str!("stale.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let unmet =
            claims.head.claims.iter().filter(|claim| {
                standings.get(&*claim.id).is_some_and(|standing| !standing.is_met())
            });
        let stale = unmet.filter_map(|claim| {
            let of_claim = claims.records.iter().filter(|h| h.record.claim == claim.id);
            let why: Vec<&str> = of_claim.filter_map(|h| staleness(claim, h, claims)).collect();
            Some((claim, why.first().copied()?, why.len()))
        });
        Ok(each(stale, |(claim, why, count)| {
            let sentence = format!("{count} record(s) for `{}` do not count: {why}.", claim.id);
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Collect its evidence on the present sources.")
                .command(format!("cargo weft evidence collect --claim {}", claim.id))
                .field("records", count as u64)
        }))
    }
}
