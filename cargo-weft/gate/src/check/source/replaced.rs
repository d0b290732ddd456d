#![doc = include_str!("replaced.md")]

use crate::check::{Check, Context, each};
use crate::facts::Replacement;
use crate::finding::Finding;

/// See the module's page.
pub struct Replaced;

impl Check for Replaced {
    fn code(&self) -> &'static str {
        "source/replaced"
    }

    fn page(&self) -> &'static str {
        include_str!("replaced.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let finding = |replacement: &Replacement| {
            let Replacement { what, with, place } = replacement;
            let sentence = format!("{} redirects {what} to {with}.", place.file);
            // An exemption of one address is none of another.
            let subject = format!("{what} -> {with}");
            Finding::new(self.code(), &subject, place.clone(), sentence)
                .remedy("Remove the redirection once what it works around is released, or set this check to `note`.")
                .field("what", what.as_str())
                .field("with", with.as_str())
        };
        Ok(each(context.facts().replacements.as_ref()?, finding))
    }
}
