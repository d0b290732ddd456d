#![doc = include_str!("markup.md")]

use super::claims;
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Markup;

impl Check for Markup {
    fn code(&self) -> &'static str {
        "claim/markup"
    }

    fn page(&self) -> &'static str {
        include_str!("markup.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let documents = claims(context)?.head.documents.iter();
        let faults = documents.flat_map(|d| d.faults.iter().map(move |fault| (d, fault)));
        Ok(each(faults, |(document, fault)| {
            let sentence = format!("In {}, {}.", document.path, fault.sentence);
            let subject = format!("{} {}", document.path, fault.sentence);
            Finding::new(self.code(), &subject, fault.place.clone(), sentence)
                .remedy("Write each span as `<!-- weft:claim ID -->` and `<!-- weft:end -->`.")
        }))
    }
}
