#![doc = include_str!("unused.md")]

use super::{finding, with_use};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Unused;

impl Check for Unused {
    fn code(&self) -> &'static str {
        "exemption/unused"
    }

    fn page(&self) -> &'static str {
        include_str!("unused.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let as_of = context.facts().as_of;
        // Of a check that did not look everywhere it is not known what it would have found.
        let unused = with_use(context).filter(|(exemption, used)| {
            !used
                && exemption.overdue(as_of).is_none()
                && context.looked_everywhere(&exemption.code)
        });
        Ok(each(unused, |(exemption, _)| {
            let sentence = format!(
                "The exemption of {} for {}, owned by {}, covers nothing that is found.",
                exemption.subject, exemption.code, exemption.owner
            );
            finding(self.code(), exemption, sentence).remedy(
                "Remove it, or correct its subject: code, subject and path are compared exactly.",
            )
        }))
    }
}
