#![doc = include_str!("duplicate_version.md")]

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::policy::TopologyPolicy;
use crate::topology::Topology;

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
        let (inventory, topology) = context.graph()?;
        let policy = &context.policy().topology;
        let allowed = policy.duplicate_versions as usize;
        let skipped = skipped(inventory, topology, policy);
        let counted = versions(inventory).into_iter().map(|(name, mut indexes)| {
            indexes.retain(|index| !skipped.contains(index));
            (name, indexes)
        });
        let too_many = counted.filter(|(_, versions)| versions.len() > allowed);
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
            // An exemption of three versions is none of four.
            let subject = format!("{name} in {} versions", versions.len());
            Finding::new(self.code(), &subject, introduction.place, sentence)
                .path(introduction.path)
                .remedy("See who holds the oldest version back, and update them.")
                .command(format!("cargo weft why {}", oldest.spec()))
                .field("versions", versions)
        };
        Ok(each(too_many, finding))
    }
}

/// Returns the packages whose versions the policy does not count.
fn skipped(inventory: &Inventory, topology: &Topology, policy: &TopologyPolicy) -> BTreeSet<u32> {
    let named = |names: &[String]| -> Vec<u32> {
        let externals = inventory.judged_externals().into_iter();
        externals.filter(|index| names.contains(&inventory.package(*index).name)).collect()
    };
    let mut skipped: BTreeSet<u32> = named(&policy.duplicate_skip).into_iter().collect();
    let mut open = named(&policy.duplicate_skip_tree);
    let mut seen = BTreeSet::new();
    while let Some(index) = open.pop() {
        if seen.insert(index) {
            open.extend(topology.graph.successors(index));
        }
    }
    skipped.append(&mut seen);
    skipped
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
