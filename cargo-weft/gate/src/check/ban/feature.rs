#![doc = include_str!("feature.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Precision;

/// See the module's page.
pub struct Feature;

impl Check for Feature {
    fn code(&self) -> &'static str {
        "ban/feature"
    }

    fn page(&self) -> &'static str {
        include_str!("feature.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let rules = &context.policy().bans.feature;
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        if inventory.precision == Precision::Lock {
            return Err(
                "which features are switched on is known at metadata precision only".to_owned()
            );
        }
        let mut banned = Vec::new();
        for index in inventory.present_externals() {
            let package = inventory.package(index);
            for rule in rules.iter().filter(|rule| rule.name == package.name) {
                let refused = |feature: &&String| {
                    rule.deny.contains(feature)
                        || !rule.allow.is_empty() && !rule.allow.contains(feature)
                };
                let found: Vec<String> =
                    package.features.iter().flatten().filter(refused).cloned().collect();
                if !found.is_empty() {
                    banned.push((index, found));
                }
            }
        }
        Ok(each(banned, |(index, features)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let (noun, verb) = match features.len() {
                1 => ("feature", "is"),
                _ => ("features", "are"),
            };
            let sentence = format!(
                "The {noun} {} of {} {verb} switched on, and `bans.feature` does not allow that.",
                features.join(", "),
                package.spec()
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("Ask for fewer features, or for no default ones; Cargo shows who asks.")
                .command(format!("cargo tree --edges features --invert {}", package.spec()))
                .field("features", features)
        }))
    }
}
