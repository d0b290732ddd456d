#![doc = include_str!("young_dependency.md")]

use jiff::civil::Date;

use super::{gap, histories, surprisal};
use crate::behavior::history::{age, is_family, young};
use crate::check::{Check, Context, each};
use crate::exemption::days_between;
use crate::facts::Release;
use crate::finding::Finding;

/// See the module's page.
pub struct YoungDependency;

/// How long a version is watched, in days: one that has stood for longer was looked at by many.
const WATCHED_DAYS: i32 = 90;

/// What its rate is counted under.
const NAME: &str = "young-dependency";

impl Check for YoungDependency {
    fn code(&self) -> &'static str {
        "behavior/young-dependency"
    }

    fn page(&self) -> &'static str {
        include_str!("young_dependency.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let as_of = context.facts().as_of;
        let watched = histories(context)?.into_iter().filter(|(_, r, _)| is_watched(r, as_of));
        let found = watched.filter_map(|(index, _, history)| {
            let added: Vec<_> = young(&inventory.package(index).name, history).collect();
            Some((index, *added.first()?, added))
        });
        Ok(each(found, |(index, first, added)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let hours = first.age_hours.unwrap_or_default();
            let more = match added.len() {
                1 => String::new(),
                count => format!(", and {} more such", count - 1),
            };
            let sentence = format!(
                "{} newly asks for {}, which was first published {} before it{more}.",
                package.spec(),
                first.name,
                age(hours)
            );
            let names: Vec<String> = added.iter().map(|added| added.name.clone()).collect();
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!("See who publishes {} and what it does.", first.name))
                .field("added", names)
                .field("age_hours", hours)
                .field("surprisal_millibits", surprisal(NAME))
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        let as_of = context.facts().as_of;
        gap(context, |package, release, _, added| {
            is_watched(release, as_of) && !is_family(&package.name, &added.name)
        })
    }
}

fn is_watched(release: &Release, as_of: Date) -> bool {
    release.published.is_none_or(|published| days_between(published, as_of) <= WATCHED_DAYS)
}
