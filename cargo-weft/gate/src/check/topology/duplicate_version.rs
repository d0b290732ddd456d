#![doc = include_str!("duplicate_version.md")]

use std::collections::BTreeMap;

use crate::check::{Check, Context, bounded};
use crate::finding::Finding;
use crate::inventory::Inventory;

/// See the module's page.
pub struct DuplicateVersion;

impl Check for DuplicateVersion {
    fn code(&self) -> &'static str {
        "topology/duplicate-version"
    }

    fn page(&self) -> &'static str {
        include_str!("duplicate_version.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, _) = context.graph()?;
        let allowed = context.policy().topology.duplicate_versions as usize;
        let too_many =
            versions(inventory).into_iter().filter(|(_, versions)| versions.len() > allowed);
        let finding = |(name, indexes): (&str, Vec<u32>)| {
            let versions: Vec<String> =
                indexes.iter().map(|i| inventory.package(*i).version.to_string()).collect();
            let oldest = inventory.package(indexes[0]);
            let introduction = context.introduction(indexes[0]);
            let sentence = format!(
                "{} packages called {name} are in the graph, and the policy allows {allowed}: {}.",
                versions.len(),
                versions.join(", ")
            );
            Finding::new(self.code(), name, introduction.place, sentence)
                .path(introduction.path)
                .remedy("See who holds the oldest version back, and update them.")
                .command(format!("cargo weft why {}", oldest.spec()))
                .field("versions", versions)
        };
        Ok(bounded(self.code(), context, too_many, finding))
    }
}

/// Groups external packages by name, each group from the oldest version to the newest.
pub(super) fn versions(inventory: &Inventory) -> BTreeMap<&str, Vec<u32>> {
    let mut by_name = BTreeMap::<&str, Vec<u32>>::new();
    for index in inventory.judged_externals() {
        by_name.entry(&inventory.package(index).name).or_default().push(index);
    }
    for indexes in by_name.values_mut() {
        indexes.sort_by(|a, b| inventory.package(*a).version.cmp(&inventory.package(*b).version));
    }
    by_name
}
