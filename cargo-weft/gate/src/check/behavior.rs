//! Family `behavior`: what is unusual in how a version came to be, and in what it may do.

mod dormant_then_new_dependency;
mod lookalike;
mod new_capability;
mod young_dependency;

pub use dormant_then_new_dependency::DormantThenNewDependency;
pub use lookalike::Lookalike;
pub use new_capability::NewCapability;
pub use young_dependency::YoungDependency;

use crate::check::Context;
use crate::facts::{Added, History, Release};
use crate::inventory::{Package, Source};

/// Pairs the judged packages of registries with what came before them, as far as it is known.
fn histories<'f>(context: &Context<'f>) -> Result<Vec<(u32, &'f Release, &'f History)>, String> {
    let inventory = context.inventory()?;
    let releases = context.facts().releases.as_ref().map_err(str::to_owned)?;
    let judged = inventory.present_externals().into_iter();
    let known = judged.filter_map(|index| {
        let release = releases.get(&inventory.package(index).id)?;
        Some((index, release, release.history.as_ref()?))
    });
    Ok(known.collect())
}

/// Says of how many judged packages of registries the history is not known, or the age of a dependency that
/// `matters` is not, if there are any.
fn gap(
    context: &Context<'_>,
    matters: impl Fn(&Package, &Release, &History, &Added) -> bool,
) -> Option<String> {
    let inventory = context.inventory().ok()?;
    let releases = context.facts().releases.as_ref().ok()?;
    let judged = inventory.present_externals().into_iter().map(|index| inventory.package(index));
    let of_registries = judged.filter(|p| matches!(p.source, Source::Registry { .. }));
    let is_unknown = |package: &&Package| {
        let Some(release) = releases.get(&package.id) else { return true };
        let Some(history) = &release.history else { return true };
        let undated = history.added.iter().filter(|added| added.age_hours.is_none());
        undated.into_iter().any(|added| matters(package, release, history, added))
    };
    match of_registries.filter(is_unknown).count() {
        0 => None,
        count => Some(format!(
            "Cargo's local cache of the index does not know what came before {count} of the judged versions; `cargo fetch --locked` brings what its registry states"
        )),
    }
}

/// Writes hours as people do.
fn age(hours: u64) -> String {
    let (count, unit) = if hours < 48 { (hours, "hour") } else { (hours / 24, "day") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
