//! Helper crates: another crate asks for exactly one version of them, so that they go where it goes.

use std::collections::BTreeSet;

use weft_gate::input::candidates::Choice;
use weft_gate::inventory::{Inventory, Package};

use super::Wanted;
use crate::source::behavior::Unread;
use crate::source::candidates::Indexes;

/// What is left to look at.
pub(super) struct Folded<'p> {
    /// What can be updated by itself, what has a finding or a helper with one first; else in order.
    pub(super) wanted: Vec<Wanted<'p>>,
    /// Helpers that nobody proposes with their main crate, with the reason.
    pub(super) left: Vec<Unread>,
}

/// Leaves helpers to the proposals of their main crates.
///
/// Of one whose main crate is not among what is wanted it is told if it was named or has a finding.
pub(super) fn folded<'p>(
    inventory: &Inventory,
    indexes: &Indexes<'_>,
    wanted: Vec<Wanted<'p>>,
    are_named: bool,
) -> Folded<'p> {
    let is_fixed = |wanted: &Wanted<'_>| {
        wanted.versions.iter().any(|(_, choices)| choices.contains(&Choice::Fix))
    };
    let ids: BTreeSet<String> = wanted.iter().map(|wanted| wanted.package.id.clone()).collect();
    let mut urgent = BTreeSet::new();
    let mut folded = Folded { wanted: Vec::new(), left: Vec::new() };
    for wanted in wanted {
        let is_urgent = is_fixed(&wanted);
        match main_of(inventory, indexes, wanted.package) {
            Some(main) if ids.contains(&main.id) => {
                urgent.extend(is_urgent.then(|| main.id.clone()));
            }
            Some(main) if are_named || is_urgent => folded.left.push(Unread {
                reason: format!(
                    "it goes with {}, which asks for exactly this version",
                    main.spec()
                ),
                subject: wanted.package.id.clone(),
            }),
            Some(_) => {}
            None => {
                urgent.extend(is_urgent.then(|| wanted.package.id.clone()));
                folded.wanted.push(wanted);
            }
        }
    }
    if !are_named {
        // A sort is stable, so names stay in order.
        folded.wanted.sort_by_key(|wanted| !urgent.contains(&wanted.package.id));
    }
    folded
}

/// Returns the crate that a helper goes with: the first that asks for exactly its locked version and is no helper itself.
fn main_of<'i>(
    inventory: &'i Inventory,
    indexes: &Indexes<'_>,
    helper: &Package,
) -> Option<&'i Package> {
    let asks = |main: &Package, helper: &Package| {
        let exact = indexes.exact(main);
        exact.iter().any(|(name, version)| {
            *name == helper.name && version.cmp_precedence(&helper.version).is_eq()
        })
    };
    let above = |helper: &Package| {
        let edges = inventory.edges.iter().filter(|edge| edge.selected || edge.dev);
        let edges = edges.filter(|edge| inventory.package(edge.to).id == helper.id);
        let mut mains = edges.map(|edge| inventory.package(edge.from));
        mains.find(|main| !main.member && asks(main, helper))
    };
    let mut main = above(helper)?;
    let mut seen = BTreeSet::from([&*helper.id]);
    while seen.insert(&main.id)
        && let Some(next) = above(main)
    {
        main = next;
    }
    Some(main)
}
