#![doc = include_str!("dirty.md")]

use super::{contents, gap};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Dirty;

impl Check for Dirty {
    fn code(&self) -> &'static str {
        "content/dirty"
    }

    fn page(&self) -> &'static str {
        include_str!("dirty.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let found = contents(context)?.into_iter().filter(|(_, c)| c.dirty == Some(true));
        Ok(each(found, |(index, _)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let sentence = format!(
                "{} was packed from a work tree with changes that no commit has.",
                package.spec()
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("Compare it with its repository: what was published is not what is there.")
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context)
    }
}
