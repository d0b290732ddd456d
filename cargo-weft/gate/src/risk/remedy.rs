//! Remedies: what a barrier on one package would save.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::GraphError;

use super::assessment::{Settings, expected_loss};
use super::campaign::Campaign;
use super::model::{Known, Model};
use super::plan::pins;
use super::prior::Priors;
use crate::inventory::Inventory;
use crate::policy::{Barrier, Policy};

/// Barriers on one package, and what they would save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// The barriers, as `weft.toml` has them: one, or a pin for each locked version of the crate.
    pub barriers: Vec<Barrier>,
    /// By how much the expected loss would fall, in 10^-9 losses a year.
    pub fall_nano: u64,
}

/// The window that is proposed for one crate, in days.
const WINDOW_DAYS: u32 = 7;

/// Returns what barriers on a package would save, the most first; those that would save nothing are left out.
///
/// # Errors
///
/// A [`GraphError`] if there are more packages than a graph holds.
pub fn remedies(
    inventory: &Inventory,
    policy: &Policy,
    known: Known<'_>,
    (priors, campaigns): (&Priors, &[Campaign]),
    package: u32,
    settings: Settings,
) -> Result<Vec<Remedy>, GraphError> {
    let expected = |barriers: &[Barrier]| {
        let mut policy = policy.clone();
        policy.barriers.extend_from_slice(barriers);
        let model = Model::of(inventory, &policy, known, priors.clone(), campaigns.to_vec());
        expected_loss(&model, settings)
    };
    let name = &inventory.package(package).name;
    let window = Barrier::Window {
        name: name.clone(),
        days: WINDOW_DAYS,
        reason: "most hijacked versions are gone within hours".to_owned(),
    };
    let pins = pins(inventory, name, "a new version is looked at before it is taken in");
    let before = expected(&[])?;
    let mut remedies = Vec::new();
    for barriers in pins.into_iter().chain([vec![window]]) {
        let fall_nano = before.saturating_sub(expected(&barriers)?);
        if fall_nano > 0 {
            remedies.push(Remedy { barriers, fall_nano });
        }
    }
    remedies.sort_by_key(|remedy| std::cmp::Reverse(remedy.fall_nano));
    Ok(remedies)
}
