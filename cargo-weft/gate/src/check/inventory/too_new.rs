#![doc = include_str!("too_new.md")]

use super::{released, unknown_releases};
use crate::check::{Check, Context, each};
use crate::exemption::{days, days_between};
use crate::finding::Finding;

/// See the module's page.
pub struct TooNew;

impl Check for TooNew {
    fn code(&self) -> &'static str {
        "inventory/too-new"
    }

    fn page(&self) -> &'static str {
        include_str!("too_new.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let cooldown = &context.policy().cooldown;
        if cooldown.days == 0 {
            return Ok(Vec::new());
        }
        let as_of = context.facts().as_of;
        let young = released(context)?.into_iter().filter_map(|(index, release)| {
            let age = days_between(release.published?, as_of);
            let exempt = cooldown.exempt.contains(&inventory.package(index).name);
            let is_young = i64::from(age) < i64::from(cooldown.days);
            (is_young && !exempt).then_some((index, release.published?, age))
        });
        Ok(each(young, |(index, published, age)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let when = match age {
                ..0 => "after the day that is judged".to_owned(),
                0 => "today".to_owned(),
                age => format!("{} ago", days(age)),
            };
            let sentence = format!(
                "{} was published {when}, on {published}, and the policy asks for {}.",
                package.spec(),
                days(i32::try_from(cooldown.days).unwrap_or(i32::MAX))
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "Stay with an older version until it has aged, or add \"{}\" to `cooldown.exempt` in weft.toml.",
                    package.name
                ))
                .field("published", &*published.to_string())
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        let cooldown = &context.policy().cooldown;
        let exempt = |name: &str| cooldown.exempt.iter().any(|exempt| exempt == name);
        match cooldown.days {
            0 => None,
            _ => unknown_releases(context, |package| !exempt(&package.name)).or_else(|| {
                let inventory = context.inventory().ok()?;
                let undated = released(context).ok()?.into_iter().filter(|(index, release)| {
                    release.published.is_none() && !exempt(&inventory.package(*index).name)
                });
                match undated.count() {
                    0 => None,
                    count => {
                        Some(format!("the index does not date {count} of the judged versions"))
                    }
                }
            }),
        }
    }
}
