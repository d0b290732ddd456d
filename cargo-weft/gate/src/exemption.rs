//! Exemptions: findings that somebody answers for, until a day.
//!
//! An exemption takes one finding, by exact code and subject, out of the verdict; it stays in the report with its reason.
//! From the day after its last, the finding is denied, whatever level its check has: what was put off is due.
//! Its file is `.weft/exemptions.toml`, read by [`input::exemptions`](crate::input::exemptions).

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::place::Place;
use crate::policy::Level;

/// So many days before its last an exemption is told of.
pub const NEAR_DAYS: i32 = 14;

/// A finding that somebody answers for, until a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// The check's code.
    pub code: String,
    /// The finding's subject.
    pub subject: String,
    /// The finding's path, `name@version` from a member to the package; absent for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<String>>,
    /// Who agreed to it, and is not its owner.
    pub approver: String,
    /// The last day it holds.
    #[schemars(with = "String")]
    pub expires: Date,
    /// Who answers for it.
    pub owner: String,
    /// Where it is written.
    pub place: Place,
    /// Why the finding may stand until then.
    pub reason: String,
}

/// A finding that an exemption takes out of the verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exempted {
    /// The finding, with the level it would have.
    pub finding: Finding,
    /// What takes it out.
    pub exemption: Exemption,
}

/// What exemptions do to findings.
#[derive(Debug, Default)]
pub struct Applied {
    /// Findings that stand.
    pub standing: Vec<Finding>,
    /// Findings that do not.
    pub exempted: Vec<Exempted>,
    /// For each exemption, whether a finding is its own.
    pub used: Vec<bool>,
}

impl Exemption {
    /// Says whether a finding is the one that this is about.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.code == finding.code
            && self.subject == finding.subject
            && self.path.as_ref().is_none_or(|path| *path == finding.path)
    }

    /// Returns for how many days it has not held any more; none while it holds.
    pub fn overdue(&self, as_of: Date) -> Option<i32> {
        let days = days_between(self.expires, as_of);
        (days > 0).then_some(days)
    }

    /// Returns how many days it still holds, if these are few.
    pub fn near(&self, as_of: Date) -> Option<i32> {
        let days = days_between(as_of, self.expires);
        (0..=NEAR_DAYS).contains(&days).then_some(days)
    }
}

/// Applies exemptions; of several for one finding, one that holds wins, and among these the first.
pub fn apply(exemptions: &[Exemption], findings: Vec<Finding>, as_of: Date) -> Applied {
    let mut applied = Applied { used: vec![false; exemptions.len()], ..Applied::default() };
    for mut finding in findings {
        let covering = || (0..exemptions.len()).filter(|i| exemptions[*i].covers(&finding));
        for index in covering() {
            applied.used[index] = true;
        }
        let holding = covering().find(|i| exemptions[*i].overdue(as_of).is_none());
        let overdue = covering().filter_map(|i| Some((exemptions[i].overdue(as_of)?, i))).min();
        match (holding, overdue) {
            (Some(index), _) => {
                let exemption = exemptions[index].clone();
                applied.exempted.push(Exempted { finding, exemption });
            }
            (None, Some((days, index))) => {
                let exemption = &exemptions[index];
                finding.level = Level::Deny;
                finding.sentence += &format!(
                    " Its exemption, owned by {}, expired {} ago, on {}.",
                    exemption.owner,
                    self::days(days),
                    exemption.expires
                );
                applied.standing.push(finding);
            }
            (None, None) => applied.standing.push(finding),
        }
    }
    applied
}

/// Writes a number of days.
pub(crate) fn days(number: i32) -> String {
    match number {
        1 => "1 day".to_owned(),
        number => format!("{number} days"),
    }
}

/// Returns how many days `to` lies after `from`.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn exemption(subject: &str, expires: Date) -> Exemption {
        Exemption {
            code: "source/replaced".to_owned(),
            subject: subject.to_owned(),
            path: None,
            approver: "b".to_owned(),
            expires,
            owner: "a".to_owned(),
            place: Place::whole(".weft/exemptions.toml"),
            reason: "r".to_owned(),
        }
    }

    fn finding(subject: &str) -> Finding {
        let place = Place::whole("Cargo.lock");
        let mut finding = Finding::new("source/replaced", subject, place, "Fact.");
        finding.level = Level::Note;
        finding.path(vec!["m@1.0.0".to_owned(), "x@1.0.0".to_owned()])
    }

    #[test]
    fn an_exemption_holds_on_its_last_day_and_is_denied_from_the_next() {
        let last = [exemption("x", date(2026, 11, 20))];
        let on = |day: Date| apply(&last, vec![finding("x")], day);
        assert_eq!(on(date(2026, 11, 20)).exempted.len(), 1);
        let next = on(date(2026, 11, 21));
        assert_eq!(next.standing[0].level, Level::Deny);
        assert!(next.standing[0].sentence.contains("expired 1 day ago, on 2026-11-20"));
        let year = on(date(2027, 11, 20));
        assert!(year.standing[0].sentence.contains("expired 365 days ago"));
    }

    #[test]
    fn code_subject_and_path_are_exact() {
        let day = date(2026, 11, 20);
        let stands = |exemption: Exemption| {
            let applied = apply(&[exemption], vec![finding("x")], day);
            assert_eq!(applied.used[0], applied.standing.is_empty());
            !applied.standing.is_empty()
        };
        assert!(!stands(exemption("x", day)));
        assert!(stands(exemption("*", day)));
        assert!(stands(exemption("xy", day)));
        assert!(stands(Exemption { code: "source/*".to_owned(), ..exemption("x", day) }));
        let by_path = |path: &[&str]| Exemption {
            path: Some(path.iter().map(|p| (*p).to_owned()).collect()),
            ..exemption("x", day)
        };
        assert!(!stands(by_path(&["m@1.0.0", "x@1.0.0"])));
        assert!(stands(by_path(&["n@1.0.0", "x@1.0.0"])));
        assert!(stands(by_path(&["m@1.0.0"])));
    }

    #[test]
    fn one_that_holds_beats_one_that_does_not() {
        let all = [exemption("x", date(2025, 1, 1)), exemption("x", date(2027, 1, 1))];
        let applied = apply(&all, vec![finding("x")], date(2026, 1, 1));
        assert_eq!((applied.exempted.len(), applied.used), (1, vec![true, true]));
    }

    #[test]
    fn near_is_from_fourteen_days_before_to_the_last_day() {
        let near = |day| exemption("x", date(2026, 12, 15)).near(day);
        assert_eq!(near(date(2026, 11, 30)), None);
        assert_eq!(near(date(2026, 12, 1)), Some(14));
        assert_eq!(near(date(2026, 12, 15)), Some(0));
        assert_eq!(near(date(2026, 12, 16)), None);
    }
}
