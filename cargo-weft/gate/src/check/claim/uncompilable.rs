#![doc = include_str!("uncompilable.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Uncompilable;

impl Check for Uncompilable {
    fn code(&self) -> &'static str {
        "claim/uncompilable"
    }

    fn page(&self) -> &'static str {
        include_str!("uncompilable.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let broken =
            claims.head.claims.iter().filter_map(|claim| {
                Some((claim, standings.get(&*claim.id)?.contract.as_ref().err()?))
            });
        Ok(each(broken, |(claim, lacks)| {
            let sentence = format!("`{}` has no contract: {}.", claim.id, lacks.join("; "));
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Add what its kind demands.")
                .command("cargo weft explain claim/uncompilable")
                .field("lacks", lacks.clone())
        }))
    }
}
