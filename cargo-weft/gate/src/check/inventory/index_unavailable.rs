#![doc = include_str!("index_unavailable.md")]

use super::unknown;
use crate::check::{Check, Context};
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct IndexUnavailable;

impl Check for IndexUnavailable {
    fn code(&self) -> &'static str {
        "inventory/index-unavailable"
    }

    fn page(&self) -> &'static str {
        include_str!("index_unavailable.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let unknown: Vec<String> =
            unknown(context)?.into_iter().map(|index| inventory.package(index).spec()).collect();
        let Some(first) = unknown.first() else { return Ok(Vec::new()) };
        let others = match unknown.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let lockfile = context.lockfile();
        let sentence = format!(
            "Cargo's local cache of the index does not know {first}{others}, so whether that was yanked, and its age, are not known."
        );
        let finding = Finding::new(self.code(), lockfile, Place::whole(lockfile), sentence)
            .remedy("Let Cargo bring its cache up to date.")
            .command("cargo fetch --locked")
            .field("packages", unknown);
        Ok(vec![Finding { retryable: true, ..finding }])
    }
}
