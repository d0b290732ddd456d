#![doc = include_str!("checksum_missing.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Source;

/// See the module's page.
pub struct ChecksumMissing;

impl Check for ChecksumMissing {
    fn code(&self) -> &'static str {
        "inventory/checksum-missing"
    }

    fn page(&self) -> &'static str {
        include_str!("checksum_missing.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let packages = &context.inventory()?.packages;
        let bare = packages
            .iter()
            .filter(|p| matches!(p.source, Source::Registry { .. }) && p.checksum.is_none());
        let finding = |package: &crate::inventory::Package| {
            let sentence = format!(
                "{} comes from {}, and the lockfile has no checksum to hold it to.",
                package.spec(),
                package.source
            );
            Finding::new(self.code(), &package.id, package.place.clone(), sentence)
                .remedy("Lock the package anew, so that Cargo records the checksum of what it downloads.")
                .command(format!("cargo update -p {} --precise {}", package.spec(), package.version))
        };
        Ok(each(bare, finding))
    }
}
