//! Family `source`: where packages come from.

mod git_not_allowed;
mod git_unpinned;
mod path_escapes_workspace;
mod registry_not_allowed;
mod replaced;

pub use git_not_allowed::GitNotAllowed;
pub use git_unpinned::GitUnpinned;
pub use path_escapes_workspace::PathEscapesWorkspace;
pub use registry_not_allowed::RegistryNotAllowed;
pub use replaced::Replaced;

use std::collections::BTreeMap;

use crate::inventory::{Inventory, Source};

/// Groups the packages of each source that is not a path.
fn by_source(inventory: &Inventory) -> BTreeMap<&Source, Vec<u32>> {
    let mut groups = BTreeMap::<&Source, Vec<u32>>::new();
    for (index, package) in (0u32..).zip(&inventory.packages) {
        if !package.source.is_path() {
            groups.entry(&package.source).or_default().push(index);
        }
    }
    groups
}

/// Lists packages as `name@version`.
fn specs(inventory: &Inventory, packages: &[u32]) -> Vec<String> {
    packages.iter().map(|index| inventory.package(*index).spec()).collect()
}

/// Says `1 package` or `n packages`.
fn packages(number: usize) -> String {
    if number == 1 { "1 package".to_owned() } else { format!("{number} packages") }
}
