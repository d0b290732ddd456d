#![doc = include_str!("text_drifted.md")]

use super::{claims, span};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct TextDrifted;

impl Check for TextDrifted {
    fn code(&self) -> &'static str {
        "claim/text-drifted"
    }

    fn page(&self) -> &'static str {
        include_str!("text_drifted.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let head = &claims(context)?.head;
        let spans = head.claims.iter().filter_map(|claim| Some((claim, span(head, claim)?)));
        let drifted = spans.filter(|(claim, span)| claim.text_sha256 != span.sha256);
        Ok(each(drifted, |(claim, span)| {
            let sentence = format!("The words of `{}` are not those of its entry.", claim.id);
            Finding::new(self.code(), &claim.id, span.place.clone(), sentence)
                .remedy("Read whether its evidence still shows it, then mark it again.")
                .command(format!("cargo weft claims mark {}", claim.id))
                .field("text_sha256", span.sha256.to_string().as_str())
        }))
    }
}
