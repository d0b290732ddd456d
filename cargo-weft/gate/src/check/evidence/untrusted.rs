#![doc = include_str!("untrusted.md")]

use crate::check::claim::claims;
use crate::check::{Check, Context, each};
use crate::claim::change::contract_digest;
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct Untrusted;

impl Check for Untrusted {
    fn code(&self) -> &'static str {
        "evidence/untrusted"
    }

    fn page(&self) -> &'static str {
        include_str!("untrusted.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let claims = claims(context)?;
        if !context.policy().claims.signed_evidence {
            return Ok(Vec::new());
        }
        let unsigned = claims.records.iter().filter(|held| {
            let claim = claims.head.claim(&held.record.claim);
            !held.signed && claim.is_some_and(|c| contract_digest(c) == Some(held.record.contract))
        });
        Ok(each(unsigned, |held| {
            let sentence = format!(
                "The record for `{}` is not signed by the role `evidence`.",
                held.record.claim
            );
            Finding::new(self.code(), &held.file, Place::whole(&held.file), sentence)
                .remedy("Sign evidence where it is collected.")
                .command("cargo weft evidence collect --key FILE")
                .field("claim", held.record.claim.as_str())
        }))
    }
}
