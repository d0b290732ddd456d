#![doc = include_str!("expiring.md")]

use super::{finding, with_use};
use crate::check::{Check, Context, each};
use crate::exemption::days;
use crate::finding::Finding;

/// See the module's page.
pub struct Expiring;

impl Check for Expiring {
    fn code(&self) -> &'static str {
        "exemption/expiring"
    }

    fn page(&self) -> &'static str {
        include_str!("expiring.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let as_of = context.facts().as_of;
        let near = with_use(context)
            .filter(|(_, used)| *used)
            .filter_map(|(exemption, _)| Some((exemption, exemption.near(as_of)?)));
        Ok(each(near, |(exemption, left)| {
            let when = match left {
                0 => "today".to_owned(),
                left => format!("in {}", days(left)),
            };
            let sentence = format!(
                "The exemption of {} for {}, owned by {}, expires {when}, on {}; then what it covers is denied.",
                exemption.subject, exemption.code, exemption.owner, exemption.expires
            );
            let remedy = "Mend what it covers, or have it approved anew.";
            finding(self.code(), exemption, sentence).remedy(remedy)
        }))
    }
}
