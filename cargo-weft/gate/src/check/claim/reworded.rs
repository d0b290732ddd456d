#![doc = include_str!("reworded.md")]

use super::claims;
use crate::check::{Check, Context, each};
use crate::claim::change;
use crate::finding::Finding;

/// See the module's page.
pub struct Reworded;

impl Check for Reworded {
    fn code(&self) -> &'static str {
        "claim/reworded"
    }

    fn page(&self) -> &'static str {
        include_str!("reworded.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let claims = claims(context)?;
        let Some(base) = &claims.base else { return Ok(Vec::new()) };
        let reworded = change::reworded(base, &claims.head).into_iter();
        Ok(each(reworded, |(old, new)| {
            let sentence = match new.text_sha256 == old.text_sha256 {
                true => format!(
                    "The revision of `{}` fell from {} to {}.",
                    new.id, old.revision, new.revision
                ),
                false => format!(
                    "The words of `{}` changed, and its revision is still {}.",
                    new.id, new.revision
                ),
            };
            Finding::new(self.code(), &new.id, new.place.clone(), sentence)
                .remedy("Count its revision up and collect its evidence again.")
                .command(format!("cargo weft claims mark {}", new.id))
                .field("base_revision", u64::from(old.revision))
                .field("revision", u64::from(new.revision))
        }))
    }
}
