#![doc = include_str!("orphan_span.md")]

use super::claims;
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct OrphanSpan;

impl Check for OrphanSpan {
    fn code(&self) -> &'static str {
        "claim/orphan-span"
    }

    fn page(&self) -> &'static str {
        include_str!("orphan_span.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let head = &claims(context)?.head;
        let spans = head.documents.iter().flat_map(|d| d.spans.iter().map(move |s| (d, s)));
        let orphans = spans.filter(|(document, span)| {
            head.claim(&span.id).is_none_or(|claim| claim.document != document.path)
        });
        Ok(each(orphans, |(document, span)| {
            let sentence = match head.claim(&span.id) {
                None => format!("No claims map has an entry `{}`.", span.id),
                Some(claim) => format!(
                    "The entry `{}` is about {}, and not about {}.",
                    span.id, claim.document, document.path
                ),
            };
            Finding::new(self.code(), &span.id, span.place.clone(), sentence)
                .remedy("Add an entry for it to a file in claims/, or remove the markers.")
                .command("cargo weft claims init")
                .field("document", document.path.as_str())
                .field("text_sha256", span.sha256.to_string().as_str())
        }))
    }
}
