#![doc = include_str!("yanked.md")]

use super::{released, unknown_releases};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Yanked;

impl Check for Yanked {
    fn code(&self) -> &'static str {
        "inventory/yanked"
    }

    fn page(&self) -> &'static str {
        include_str!("yanked.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let yanked = released(context)?.into_iter().filter(|(_, release)| release.yanked);
        Ok(each(yanked, |(index, _)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let sentence = format!("{} was yanked from its registry.", package.spec());
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!("Update {} to a version that stands.", package.name))
                .command(format!("cargo update {}", package.spec()))
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        unknown_releases(context, |_| true)
    }
}
