//! What both forms of a software bill of materials have in common.

use spdx::Expression;
use weft_gate::Inventory;
use weft_gate::inventory::{Edge, Package};

/// What a package states of its licence.
pub(super) enum License {
    /// An SPDX expression, in its canonical form.
    Expression(String),
    /// A text that is no expression.
    Name(String),
    /// Nothing.
    Unknown,
}

/// Reads a package's licence as its manifest states it; at lock precision there is none.
pub(super) fn license(package: &Package) -> License {
    let stated = package.manifest.as_ref().and_then(|manifest| manifest.license.as_ref());
    let Some(stated) = stated else { return License::Unknown };
    match Expression::canonicalize(stated) {
        Ok(canonical) => License::Expression(canonical.unwrap_or_else(|| stated.clone())),
        Err(_) => License::Name(stated.clone()),
    }
}

/// Returns the indexes of the judged packages.
pub(super) fn judged(inventory: &Inventory) -> Vec<u32> {
    (0u32..).zip(&inventory.packages).filter(|(_, p)| p.selected).map(|(i, _)| i).collect()
}

/// Returns the judged edges.
pub(super) fn edges(inventory: &Inventory) -> impl Iterator<Item = &Edge> {
    inventory.edges.iter().filter(|edge| edge.selected)
}

/// Returns the one judged member that the document is about, if there is only one.
pub(super) fn whole(inventory: &Inventory) -> Option<u32> {
    match inventory.roots()[..] {
        [only] => Some(only),
        _ => None,
    }
}
