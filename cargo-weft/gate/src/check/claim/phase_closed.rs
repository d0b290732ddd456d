#![doc = include_str!("phase_closed.md")]

use super::{closed_phases, is_closed, span};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct PhaseClosed;

impl Check for PhaseClosed {
    fn code(&self) -> &'static str {
        "claim/phase-closed"
    }

    fn page(&self) -> &'static str {
        include_str!("phase_closed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let closed = closed_phases(claims, standings);
        let head = &claims.head;
        let early = closed.iter().flat_map(|(phase, unmet)| {
            let waiting = phase.claims.iter().filter(|id| is_closed(claims, &closed, id));
            let marked = waiting.filter_map(|id| head.claim(id));
            marked.filter_map(move |claim| Some((*phase, unmet, claim, span(head, claim)?)))
        });
        Ok(each(early, |(phase, unmet, claim, span)| {
            let sentence = format!(
                "`{}` is of phase {}, which is closed while {} is not met.",
                claim.id, phase.name, unmet
            );
            Finding::new(self.code(), &claim.id, span.place.clone(), sentence)
                .remedy("Meet the claims of the earlier phases, or take the sentence back.")
                .command(format!("cargo weft claims show {unmet}"))
                .field("phase", phase.name.as_str())
                .field("unmet", unmet.as_str())
        }))
    }
}
