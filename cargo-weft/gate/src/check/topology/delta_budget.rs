#![doc = include_str!("delta_budget.md")]

use crate::check::{Check, Context};
use crate::finding::Finding;
use crate::place::Place;
use crate::risk::assessment::losses;
use crate::risk::expected_of;

/// See the module's page.
pub struct DeltaBudget;

impl Check for DeltaBudget {
    fn code(&self) -> &'static str {
        "topology/delta-budget"
    }

    fn page(&self) -> &'static str {
        include_str!("delta_budget.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let facts = context.facts();
        let Some(budget) = facts.policy.risk.delta_budget_percent else { return Ok(Vec::new()) };
        let Some(base) = &facts.base else {
            return Err("there is no base that the expected loss could have risen from".to_owned());
        };
        let Some(before) = base.expected_loss_nano else {
            return Err("the expected loss of the base is not known".to_owned());
        };
        let members = || inventory.packages.iter().filter(|package| package.member);
        let stray =
            facts.policy.risk.losses.keys().find(|name| members().all(|m| m.name != **name));
        if let Some(stray) = stray {
            return Err(format!("`risk.losses` names {stray}, and no member is called so"));
        }
        let after = expected_of(facts, inventory)?;
        let allowed = u128::from(before) * u128::from(100 + budget);
        if u128::from(after) * 100 <= allowed {
            return Ok(Vec::new());
        }
        let percent = u128::from(after - before) * 100 / u128::from(before.max(1));
        let sentence = format!(
            "The change raises the expected loss of a year from {} to {}, by {percent}%, and the policy allows {budget}%.",
            losses(before),
            losses(after),
        );
        let finding = Finding::new(
            self.code(),
            context.lockfile(),
            Place::whole(context.lockfile()),
            sentence,
        )
        .remedy("See which crates it hangs on; drop one, or put up a barrier.")
        .command("cargo weft risk diff")
        .field("after-nano", after)
        .field("before-nano", before);
        Ok(vec![finding])
    }
}
