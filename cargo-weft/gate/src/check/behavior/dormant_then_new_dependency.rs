#![doc = include_str!("dormant_then_new_dependency.md")]

use super::{gap, histories, surprisal};
use crate::behavior::history::{age, is_dormant, young};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct DormantThenNewDependency;

/// What its rate is counted under.
const NAME: &str = "dormant-then-new-dependency";

impl Check for DormantThenNewDependency {
    fn code(&self) -> &'static str {
        "behavior/dormant-then-new-dependency"
    }

    fn page(&self) -> &'static str {
        include_str!("dormant_then_new_dependency.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let found = histories(context)?.into_iter().filter_map(|(index, _, history)| {
            let previous = history.previous.as_ref().filter(|_| is_dormant(history))?;
            let added = young(&inventory.package(index).name, history).next()?;
            Some((index, previous, added))
        });
        Ok(each(found, |(index, previous, added)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let hours = added.age_hours.unwrap_or_default();
            let sentence = format!(
                "{} came {} days after {}, and asks for {}, which was {} old then.",
                package.spec(),
                previous.gap_days,
                previous.version,
                added.name,
                age(hours)
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "Stay with {} until somebody has read what {} does and asked the owner of {} about it.",
                    previous.version, added.name, package.name
                ))
                .field("added", &*added.name)
                .field("age_hours", hours)
                .field("gap_days", previous.gap_days)
                .field("previous", &*previous.version)
                .field("surprisal_millibits", surprisal(NAME))
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context, |_, _, history, _| is_dormant(history))
    }
}
