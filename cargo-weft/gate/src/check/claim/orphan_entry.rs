#![doc = include_str!("orphan_entry.md")]

use super::{closed_phases, is_closed, span};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct OrphanEntry;

impl Check for OrphanEntry {
    fn code(&self) -> &'static str {
        "claim/orphan-entry"
    }

    fn page(&self) -> &'static str {
        include_str!("orphan_entry.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let head = &claims.head;
        // What a phase that is closed will promise may be planned.
        let closed = closed_phases(claims, standings);
        let without_span = head
            .claims
            .iter()
            .filter(|claim| span(head, claim).is_none() && !is_closed(claims, &closed, &claim.id));
        let mut found = each(without_span, |claim| {
            let is_read = head.documents.iter().any(|document| document.path == claim.document);
            let sentence = match is_read {
                true => format!("{} has no span marked `{}`.", claim.document, claim.id),
                false => format!(
                    "{}, where `{}` should be marked, is not there or not among the `documents` of a map.",
                    claim.document, claim.id
                ),
            };
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Mark its sentence in the document, or remove the entry with it.")
                .field("document", claim.document.as_str())
        });
        let named = head.phases.iter().flat_map(|p| p.claims.iter().map(move |id| (p, id)));
        let unknown = named.filter(|(_, id)| head.claim(id).is_none());
        found.extend(each(unknown, |(phase, id)| {
            let sentence =
                format!("Phase {} names `{id}`, and no map has such a claim.", phase.name);
            let subject = format!("{} {id}", phase.name);
            Finding::new(self.code(), &subject, phase.place.clone(), sentence)
                .remedy("Correct the name, or take it out of the phase.")
        }));
        Ok(found)
    }
}
