#![doc = include_str!("binary.md")]

use super::{contents, gap};
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct Binary;

impl Check for Binary {
    fn code(&self) -> &'static str {
        "content/binary"
    }

    fn page(&self) -> &'static str {
        include_str!("binary.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let found = contents(context)?.into_iter().filter(|(_, c)| !c.binaries.is_empty());
        Ok(each(found, |(index, content)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let files: Vec<String> =
                content.binaries.iter().map(|b| format!("{} ({})", b.path, b.kind)).collect();
            let more = match files.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let sentence = format!("{} contains the binary {}{more}.", package.spec(), files[0]);
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("See what it is for; nobody can review it as source.")
                .field("files", files)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        gap(context)
    }
}
