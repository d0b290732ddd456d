#![doc = include_str!("failed.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Failed;

impl Check for Failed {
    fn code(&self) -> &'static str {
        "evidence/failed"
    }

    fn page(&self) -> &'static str {
        include_str!("failed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let failed = claims.head.claims.iter().flat_map(|claim| {
            let failed = standings.get(&*claim.id).into_iter().flat_map(|s| &s.failed);
            failed.map(move |(evidence, outcome)| (claim, evidence, *outcome))
        });
        Ok(each(failed, |(claim, evidence, outcome)| {
            let what = evidence.describe();
            let sentence = format!("For `{}`, {what}: {}.", claim.id, outcome.as_str());
            let subject = format!("{} {what}", claim.id);
            Finding::new(self.code(), &subject, claim.place.clone(), sentence)
                .remedy("Mend the code or the test and collect again, or take the sentence back.")
                .command(format!("cargo weft evidence collect --claim {}", claim.id))
                .field("outcome", outcome.as_str())
        }))
    }
}
