//! Risk: what attacks on external crates are expected to cost, which crates that hangs on, and what would lower it.
//!
//! The mathematics is `weft-graph`'s; here Cargo's facts become its inputs: [`prior`] says how often attacks begin,
//! [`campaign`] what they look like, [`model`] which crates and edges they concern, [`assessment`] what follows, and
//! [`publisher`] on whom it hangs.
//! [`change`] says what another graph does to all of it.
//! `docs/src/guide/risk.md` explains every number.

pub mod arrival;
pub mod assessment;
pub mod campaign;
pub mod change;
pub mod feature;
pub mod model;
pub mod plan;
pub mod prior;
pub mod publisher;
pub mod remedy;

pub use assessment::{Assessment, Settings};
pub use campaign::Campaign;
pub use model::Model;
pub use prior::Priors;
pub use publisher::Concentration;

use crate::Diagnostic;
use crate::check::barrier;
use crate::facts::Facts;
use crate::input::tree::{Node, Table};
use crate::inventory::Inventory;
use crate::policy::{Barrier, Level, Policy};

/// Returns the built-in campaigns and those that a policy adds, sorted by name.
pub fn campaigns(policy: &Policy) -> Vec<Campaign> {
    let mut campaigns = campaign::built_in();
    campaigns.extend(policy.risk.campaigns.iter().cloned());
    campaigns.sort_by(|a, b| a.name.cmp(&b.name));
    campaigns
}

/// What of a policy changes attacks, and why the rest of what it has for that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The policy without barriers and a cooldown that nothing enforces today.
    pub policy: Policy,
    /// Why each of those is left out, in a sentence.
    pub left_out: Vec<String>,
}

/// Leaves out of the policy which barriers, and whether the cooldown, nothing enforces: those whose check tells nobody,
/// and barriers that are violated or cannot be looked at.
pub fn in_force(facts: &Facts, inventory: &Inventory) -> InForce {
    let mut policy = facts.policy.clone();
    let mut left_out = Vec::new();
    let is_told =
        |code: &str| matches!(facts.policy.checks.get(code), Some(Level::Deny | Level::Warn));
    if policy.cooldown.days > 0 && !is_told("inventory/too-new") {
        policy.cooldown.days = 0;
        left_out.push("the cooldown is not counted: `inventory/too-new` tells nobody".to_owned());
    }
    if !policy.barriers.is_empty() && !is_told("barrier/violated") {
        policy.barriers.clear();
        left_out.push("no barrier is counted: `barrier/violated` tells nobody".to_owned());
    }
    policy.barriers.retain(|held| {
        let reason = match held {
            // A window makes what comes next wait, and the others change nothing of what is in the graph.
            Barrier::Attest { .. }
            | Barrier::Drop { .. }
            | Barrier::Region { .. }
            | Barrier::Seal { .. }
            | Barrier::Window { .. } => None,
            Barrier::Fork { .. }
            | Barrier::Pin { .. }
            | Barrier::Review { .. }
            | Barrier::Vendor { .. } => barrier::violations(facts, inventory, held)
                .into_iter()
                .next()
                .map(|violation| violation.sentence)
                .or_else(|| barrier::unknown(facts, inventory, held)),
        };
        let is_in_force = reason.is_none();
        left_out.extend(reason.map(|reason| {
            format!("the barrier `{}` of {} is not counted: {reason}", held.kind(), held.name())
        }));
        is_in_force
    });
    InForce { policy, left_out }
}

/// Sums what the policy's campaigns and the built-in ones are expected to cost in a year, in 10^-9 losses.
///
/// # Errors
///
/// A sentence: the graph is larger than can be measured.
pub fn expected_of(facts: &Facts, inventory: &Inventory) -> Result<u64, String> {
    let known = model::Known { as_of: facts.as_of, releases: facts.releases.as_ref().ok() };
    let InForce { policy, .. } = in_force(facts, inventory);
    let (priors, campaigns) = (prior::built_in(), campaigns(&policy));
    let model = Model::of(inventory, &policy, known, priors, campaigns);
    assessment::expected_loss(&model, Settings::default()).map_err(|e| e.to_string())
}

fn check_schema(file: &str, document: &Table<'_, '_>, known: u32) -> Result<(), Diagnostic> {
    let schema = required(file, document, "schema")?;
    match schema.number(u32::MAX)? {
        found if found == known => Ok(()),
        found => Err(schema.fault(format!("schema {found} is unknown; weft reads {known}"))),
    }
}

fn required<'a, 't>(
    file: &str,
    table: &Table<'a, 't>,
    key: &'static str,
) -> Result<Node<'a, 't>, Diagnostic> {
    table.get(key).ok_or_else(|| Diagnostic::whole(file, format!("has no `{key}`")))
}
