#![doc = include_str!("changed.md")]

use super::rules;
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::place::Place;
use crate::rule::{Approval, State};

/// See the module's page.
pub struct Changed;

impl Check for Changed {
    fn code(&self) -> &'static str {
        "rule/changed"
    }

    fn page(&self) -> &'static str {
        include_str!("changed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let Some(rules) = rules(context) else { return Ok(Vec::new()) };
        let next = match &rules.approval {
            Approval::Given(by) => format!("Nothing: {} approved it.", by.join(", ")),
            Approval::First => "Look at it: later changes are judged by it.".to_owned(),
            Approval::Unguarded => {
                "Look at it as at code: later changes are judged by it, and nobody has to approve it."
                    .to_owned()
            }
            Approval::Missing(_) | Approval::Refused(_) => {
                "Have it approved: `cargo weft explain rule/unapproved` says how.".to_owned()
            }
        };
        Ok(each(&rules.changed, |change| {
            let place = Place::whole(&change.file);
            let sentence = format!("{} is not as the base has it: {}.", change.file, change.what);
            let mut finding =
                Finding::new(self.code(), &change.file, place, sentence).remedy(&*next);
            for (name, state) in [("new", &change.new), ("old", &change.old)] {
                if let State::File(sha256) = state {
                    finding = finding.field(name, &*sha256.to_string());
                }
            }
            finding
        }))
    }
}
