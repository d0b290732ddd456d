//! Family `behavior`: what is unusual in how a version came to be, and in what it may do.

mod dormant_then_new_dependency;
mod lookalike;
mod new_capability;
mod young_dependency;

pub use dormant_then_new_dependency::DormantThenNewDependency;
pub use lookalike::Lookalike;
pub use new_capability::NewCapability;
pub use young_dependency::YoungDependency;

use crate::behavior::rate;
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

/// Returns how unusual a release is that a check finds, in thousandths of a bit.
fn surprisal(kind: &str) -> u64 {
    let rate = rate::release(kind).expect("policies/base-rates.toml has what checks ask for");
    u64::from(rate.millibits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behavior::rate::Event;
    use crate::capability::Capability;
    use crate::check::Check;

    #[test]
    fn pages_argue_with_the_counts_that_are_written_down() {
        let number = |number: u64| match number {
            0..1000 => number.to_string(),
            _ => format!("{},{:03}", number / 1000, number % 1000),
        };
        let check = |page: &str, words: &[String]| {
            for word in words {
                assert!(page.contains(word), "{word}");
            }
        };
        let bits = |kind: &str| {
            let millibits = surprisal(kind);
            format!("{}.{} bits", millibits / 1000, millibits % 1000 / 100)
        };
        let kind = "dormant-then-new-dependency";
        let (both, dormant) = (rate::release(kind).unwrap(), rate::release("dormant").unwrap());
        assert_eq!(both.count, 1, "the page says one");
        check(
            DormantThenNewDependency.page(),
            &[number(both.of), number(dormant.count), bits(kind)],
        );
        let kind = "young-dependency";
        let young = rate::release(kind).unwrap();
        check(
            YoungDependency.page(),
            &[format!("{} of {}", number(young.count), number(young.of)), bits(kind)],
        );
        let update = |capability| rate::of(Event::Update, capability).unwrap();
        let counts =
            [Capability::BuildScript, Capability::BuildProcess, Capability::LibraryForeign]
                .map(|capability| update(capability).count);
        assert_eq!(counts, [5, 2, 4], "the page says five, two and four");
        check(NewCapability.page(), &[format!("Of {} updates", update(Capability::Unsafe).of)]);
    }
}
