//! Reads how a locked crate came to be what it is: every version that the local cache of the index knows, and what those
//! may do whose sources are among Cargo's local copies.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use weft_gate::capability::{self, ByPackage, Shift, Update};
use weft_gate::facts::{Known, Releases};
use weft_gate::input::candidates::Candidate;
use weft_gate::inventory::{Inventory, Package};

use super::candidates::Indexes;
use super::{behavior, index};

/// A version on the way of a crate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Step {
    /// The version before it that it is compared with: the nearest whose sources are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<String>,
    /// Whether the lockfile has it.
    pub locked: bool,
    /// The day of its publication in UTC, where the registry states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub published: Option<Date>,
    /// Whether its sources are at hand; where not, what it may do is not known.
    pub read: bool,
    /// What changed with it, the rarest change first.
    pub shifts: Vec<Shift>,
    /// The version.
    pub version: String,
    /// Whether it was withdrawn.
    pub yanked: bool,
}

/// Returns the versions of a locked package's crate, the oldest first.
///
/// # Errors
///
/// A sentence: no local cache of an index knows the crate.
pub fn steps(inventory: &Inventory, package: &Package) -> Result<Vec<Step>, String> {
    let candidates = Indexes::of(inventory)?.candidates(package)?;
    let version = |candidate: &Candidate| match candidate.version == package.version {
        true => package.clone(),
        false => package.other(candidate.version.clone(), candidate.checksum),
    };
    let packages: Vec<Package> = candidates.iter().map(version).collect();
    let behaviors = behavior::read(inventory, &packages);
    let releases = match index::releases_of(inventory, &packages) {
        Known::Value(releases) => releases,
        Known::Unknown(_) => Releases::new(),
    };
    let locked = inventory.packages.iter().filter(|other| {
        !other.member && other.name == package.name && other.source == package.source
    });
    let locked: Vec<_> = locked.map(|other| &other.version).collect();
    let mut shifts = shifts(&packages, &behaviors, &releases);
    let mut last = None;
    let step = |(candidate, package): (&Candidate, &Package)| {
        let read = behaviors.contains_key(&package.id);
        let version = candidate.version.to_string();
        let compared_with = last.clone().filter(|_| read);
        if read {
            last = Some(version.clone());
        }
        Step {
            compared_with,
            locked: locked.contains(&&candidate.version),
            published: candidate.published,
            read,
            shifts: shifts.remove(&package.id).unwrap_or_default(),
            version,
            yanked: candidate.yanked,
        }
    };
    Ok(candidates.iter().zip(&packages).map(step).collect())
}

/// Compares every version with the nearest before it whose sources are at hand, by package URL.
fn shifts(
    packages: &[Package],
    behaviors: &ByPackage,
    releases: &Releases,
) -> BTreeMap<String, Vec<Shift>> {
    let mut last: Option<&Package> = None;
    let mut updates = Vec::new();
    for package in packages {
        let after = behaviors.get(&package.id);
        // Without a version before it nothing is news; that it is compared with itself keeps it from being taken for one
        // that comes to the lockfile.
        let before = last.filter(|_| after.is_some());
        updates.push(Update {
            after: after.cloned(),
            before: before.and_then(|before| behaviors.get(&before.id)).cloned(),
            from: Some(before.unwrap_or(package).id.clone()),
            package: package.id.clone(),
        });
        last = after.map(|_| package).or(last);
    }
    let mut by_package = BTreeMap::<String, Vec<Shift>>::new();
    for shift in capability::shifts(&updates, releases) {
        by_package.entry(shift.package.clone()).or_default().push(shift);
    }
    by_package
}
