//! Family `inventory`: whether what will be built is written down.

mod checksum_missing;
mod index_unavailable;
mod lockfile_missing;
mod lockfile_stale;
mod too_new;
mod yanked;

pub use checksum_missing::ChecksumMissing;
pub use index_unavailable::IndexUnavailable;
pub use lockfile_missing::LockfileMissing;
pub use lockfile_stale::LockfileStale;
pub use too_new::TooNew;
pub use yanked::Yanked;

use crate::check::Context;
use crate::facts::Release;
use crate::inventory::{Package, Source};

/// Pairs the judged packages of registries with what these say of them.
fn released<'f>(context: &Context<'f>) -> Result<Vec<(u32, &'f Release)>, String> {
    let inventory = context.inventory()?;
    let releases = context.facts().releases.as_ref().map_err(str::to_owned)?;
    let judged = inventory.present_externals().into_iter();
    Ok(judged.filter_map(|i| Some((i, releases.get(&inventory.package(i).id)?))).collect())
}

/// Returns the judged packages of registries that no local index knows.
fn unknown(context: &Context<'_>) -> Result<Vec<u32>, String> {
    let inventory = context.inventory()?;
    let releases = context.facts().releases.as_ref().map_err(str::to_owned)?;
    let is_unknown = |index: &u32| {
        let package = inventory.package(*index);
        matches!(package.source, Source::Registry { .. }) && !releases.contains_key(&package.id)
    };
    Ok(inventory.present_externals().into_iter().filter(is_unknown).collect())
}

/// Says how many of the packages that matter no local index knows, if there are any.
fn unknown_releases(context: &Context<'_>, matters: impl Fn(&Package) -> bool) -> Option<String> {
    let inventory = context.inventory().ok()?;
    let unknown = unknown(context).ok()?;
    match unknown.iter().filter(|index| matters(inventory.package(**index))).count() {
        0 => None,
        count => Some(format!(
            "Cargo's local cache of the index does not know {count} of the judged versions; `cargo fetch --locked` brings them"
        )),
    }
}
