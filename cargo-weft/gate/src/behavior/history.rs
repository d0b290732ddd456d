//! What is unusual in the history of a version: a long silence before it, and a dependency as young as itself.

use crate::facts::{Added, History};

/// The longest silence that is usual, in days.
pub const SILENCE_DAYS: u64 = 365;

/// The age from which on a dependency is no longer young, in hours.
pub const YOUNG_HOURS: u64 = 7 * 24;

/// Says whether a crate had been silent for more than a year when a version came.
pub fn is_dormant(history: &History) -> bool {
    history.previous.as_ref().is_some_and(|previous| previous.gap_days > SILENCE_DAYS)
}

/// Lists the crates that a version of `name` asks for and the one before did not, and that were first published less than
/// a week before it; those of its family left out.
pub fn young<'a>(name: &'a str, history: &'a History) -> impl Iterator<Item = &'a Added> {
    let young =
        history.added.iter().filter(|added| added.age_hours.is_some_and(|age| age < YOUNG_HOURS));
    young.filter(move |added| !is_family(name, &added.name))
}

/// Says whether the names of two crates begin with the same word, or one with the other, as those of one project do.
pub fn is_family(a: &str, b: &str) -> bool {
    let canonical = |name: &str| name.to_lowercase().replace('_', "-");
    let (a, b) = (canonical(a), canonical(b));
    let word = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    word(&a) == word(&b) || a.starts_with(&b) || b.starts_with(&a)
}

/// Writes hours as people do.
pub fn age(hours: u64) -> String {
    let (count, unit) = if hours < 48 { (hours, "hour") } else { (hours / 24, "day") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Previous;

    fn history(gap_days: u64, added: &[(&str, Option<u64>)]) -> History {
        let added = added
            .iter()
            .map(|(name, age_hours)| Added { age_hours: *age_hours, name: (*name).to_owned() });
        History {
            added: added.collect(),
            first_published: jiff::civil::date(2020, 1, 1),
            previous: Some(Previous { gap_days, version: "1.0.0".to_owned() }),
        }
    }

    #[test]
    fn a_year_is_silence_and_a_week_is_youth() {
        assert!(!is_dormant(&history(365, &[])));
        assert!(is_dormant(&history(366, &[])));
        assert!(!is_dormant(&History { previous: None, ..history(900, &[]) }));
        let found = |added: &[(&str, Option<u64>)]| {
            young("ruler", &history(1, added)).map(|a| a.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            found(&[("a", Some(167)), ("b", Some(168)), ("c", None), ("ruler-d", Some(0))]),
            ["a"]
        );
    }

    #[test]
    fn facts_that_know_no_history_keep_their_bytes() {
        use crate::facts::Release;
        let before = "{\"published\":\"2026-11-20\",\"yanked\":false}";
        let release: Release = serde_json::from_str(before).unwrap();
        assert_eq!(serde_json::to_string(&release).unwrap(), before);
        let before = "{\"commit\":\"c\",\"findings\":[]}";
        let base: crate::diff::Base = serde_json::from_str(before).unwrap();
        assert_eq!(serde_json::to_string(&base).unwrap(), before);
    }

    #[test]
    fn names_of_one_project_are_a_family() {
        for (a, b) in
            [("serde", "serde_core"), ("icu-a", "ICU_b"), ("jni-sys", "jni"), ("zero", "zerofrom")]
        {
            assert!(is_family(a, b) && is_family(b, a), "{a} {b}");
        }
        for (a, b) in [("arrayref", "proc-macro1"), ("rustdecimal", "rust_decimal_x")] {
            assert!(!is_family(a, b), "{a} {b}");
        }
    }

    #[test]
    fn hours_are_told_in_days_from_two_days_on() {
        for (hours, expected) in
            [(0, "0 hours"), (1, "1 hour"), (47, "47 hours"), (48, "2 days"), (167, "6 days")]
        {
            assert_eq!(age(hours), expected);
        }
    }
}
