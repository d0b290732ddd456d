#![doc = include_str!("weakened.md")]

use super::{claims, is_approved};
use crate::check::{Check, Context, each};
use crate::claim::change;
use crate::finding::Finding;

/// See the module's page.
pub struct Weakened;

impl Check for Weakened {
    fn code(&self) -> &'static str {
        "claim/weakened"
    }

    fn page(&self) -> &'static str {
        include_str!("weakened.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let claims = claims(context)?;
        let Some(base) = &claims.base else { return Ok(Vec::new()) };
        let weaker = change::pairs(base, &claims.head).filter_map(|(old, new)| {
            let less = change::weakened(old, new);
            (!less.is_empty() && !is_approved(claims, new)).then_some((new, less))
        });
        Ok(each(weaker, |(claim, less)| {
            let sentence =
                format!("`{}` asks for less than in the base: {}.", claim.id, less.join("; "));
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Keep what was asked for, or have the new contract signed by the role `claims`.")
                .field("less", less)
        }))
    }
}
