#![doc = include_str!("unevidenced.md")]

use super::{closed_phases, is_closed};
use crate::check::{Check, Context, each};
use crate::claim::Claim;
use crate::finding::Finding;

/// See the module's page.
pub struct Unevidenced;

impl Check for Unevidenced {
    fn code(&self) -> &'static str {
        "claim/unevidenced"
    }

    fn page(&self) -> &'static str {
        include_str!("unevidenced.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (claims, standings) = context.claims()?;
        let closed = closed_phases(claims, standings);
        let is_demanded = |claim: &&Claim| !is_closed(claims, &closed, &claim.id);
        let unmet = claims.head.claims.iter().filter(is_demanded);
        let unmet = unmet.filter_map(|claim| {
            let standing = standings.get(&*claim.id)?;
            Some((claim, standing.contract.as_ref().ok()?, standing)).filter(|_| !standing.is_met())
        });
        Ok(each(unmet, |(claim, contract, standing)| {
            let why = standing.missing.first().map_or("", |first| first.as_str());
            let sentence = format!(
                "`{}` is shown at `{}` and promises `{}`: {why}.",
                claim.id,
                standing.level.as_str(),
                contract.minimum.as_str()
            );
            let command = format!(
                "cargo weft evidence collect --level {} --claim {}",
                contract.minimum.as_str(),
                claim.id
            );
            Finding::new(self.code(), &claim.id, claim.place.clone(), sentence)
                .remedy("Collect its evidence, and mend what fails.")
                .command(command)
                .field("level", standing.level.as_str())
                .field("minimum", contract.minimum.as_str())
                .field("missing", standing.missing.clone())
        }))
    }
}
