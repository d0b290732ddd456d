#![doc = include_str!("lookalike.md")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::{gap, histories};
use crate::check::{Check, Context, each};
use crate::exemption::days_between;
use crate::finding::Finding;

/// See the module's page.
pub struct Lookalike;

/// How long a crate is new, in days.
const NEW_DAYS: i32 = 365;

/// The shortest name that is compared, without separators: of shorter ones too many are near each other.
const SHORTEST: usize = 5;

/// Crates that are known to many.
static KNOWN: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../../../policies/known-crates.txt").lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

impl Check for Lookalike {
    fn code(&self) -> &'static str {
        "behavior/lookalike"
    }

    fn page(&self) -> &'static str {
        include_str!("lookalike.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let as_of = context.facts().as_of;
        let histories = histories(context)?;
        let is_new = |first: Date| days_between(first, as_of) <= NEW_DAYS;
        let locked = histories.iter().filter(|(_, _, history)| !is_new(history.first_published));
        let locked = locked.map(|(index, _, _)| &*inventory.package(*index).name);
        let old: BTreeSet<&str> = KNOWN.iter().copied().chain(locked).collect();
        let found = histories.iter().filter_map(|(index, _, history)| {
            let package = inventory.package(*index);
            let first = history.first_published;
            let is_asked = package.source.is_crates_io() && is_new(first);
            if !is_asked || old.contains(&*package.name) {
                return None;
            }
            let model = old.iter().find(|name| is_near(&package.name, name))?;
            Some((*index, *model, first))
        });
        Ok(each(found, |(index, model, first)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let sentence = format!(
                "The name of {}, a crate that was first published on {first}, is one slip away from {model}.",
                package.spec()
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "If {model} was meant, ask for it; otherwise see who publishes {} and what it does.",
                    package.name
                ))
                .field("first_published", &*first.to_string())
                .field("like", model)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context, |_, _, _, _| false)
    }
}

/// Says whether two names differ by one letter, by two that are swapped, or by separators alone; one that adds a word to
/// the other is of another kind.
fn is_near(a: &str, b: &str) -> bool {
    let canonical = |name: &str| name.to_lowercase().replace('_', "-");
    let (a, b) = (canonical(a), canonical(b));
    let adds_a_word = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'))
            || long.strip_suffix(short).is_some_and(|rest| rest.ends_with('-'))
    };
    if adds_a_word(&a, &b) || adds_a_word(&b, &a) {
        return false;
    }
    let (a, b) = (a.replace('-', ""), b.replace('-', ""));
    let is_compared = a.len().min(b.len()) >= SHORTEST && a.len().abs_diff(b.len()) <= 1;
    is_compared && strsim::osa_distance(&a, &b) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_by_one_slip() {
        for (a, b) in [
            ("rustdecimal", "rust_decimal"),
            ("proc-macro1", "proc-macro2"),
            ("serde-jsom", "serde_json"),
            ("sedre-json", "serde_json"),
            ("postgrss", "postgres"),
            ("Rust-Decimal", "rust_decimal"),
        ] {
            assert!(is_near(a, b) && is_near(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("memchr-n", "memchr"),
            ("rs-memchr", "memchr"),
            ("faster_log", "fast_log"),
            ("logs", "log"),
            ("hexx", "hex"),
            ("serde_yaml", "serde_toml"),
        ] {
            assert!(!is_near(a, b) && !is_near(b, a), "{a} {b}");
        }
    }

    #[test]
    fn the_list_of_known_crates_is_sorted_and_of_names() {
        let lines = include_str!("../../../../../policies/known-crates.txt").lines();
        let names: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
        assert!(names.len() > 2000 && names.is_sorted());
        for name in names {
            assert!(crate::input::is_package_name(name), "{name}");
        }
    }
}
