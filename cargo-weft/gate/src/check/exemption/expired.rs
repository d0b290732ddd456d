#![doc = include_str!("expired.md")]

use super::{finding, with_use};
use crate::check::{Check, Context, each};
use crate::exemption::days;
use crate::finding::Finding;

/// See the module's page.
pub struct Expired;

impl Check for Expired {
    fn code(&self) -> &'static str {
        "exemption/expired"
    }

    fn page(&self) -> &'static str {
        include_str!("expired.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let as_of = context.facts().as_of;
        let overdue = with_use(context)
            .filter(|(_, used)| !used)
            .filter_map(|(exemption, _)| Some((exemption, exemption.overdue(as_of)?)));
        Ok(each(overdue, |(exemption, overdue)| {
            let sentence = format!(
                "The exemption of {} for {}, owned by {}, expired {} ago, on {}, and nothing is found that it would cover.",
                exemption.subject,
                exemption.code,
                exemption.owner,
                days(overdue),
                exemption.expires
            );
            finding(self.code(), exemption, sentence).remedy("Remove it.")
        }))
    }
}
