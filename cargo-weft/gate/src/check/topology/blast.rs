#![doc = include_str!("blast.md")]

use super::{exceeds, percentage};
use crate::check::{Check, Context};
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::place::Place;
use crate::topology::Topology;

/// A workspace of fewer members has no inner walls to speak of.
const FEWEST_MEMBERS: usize = 4;

/// See the module's page.
pub struct Blast;

impl Check for Blast {
    fn code(&self) -> &'static str {
        "topology/blast"
    }

    fn page(&self) -> &'static str {
        include_str!("blast.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, topology) = context.graph()?;
        let members = topology.roots.len();
        let percent = context.policy().topology.blast_percent;
        let external = inventory.judged_externals();
        let all = external.len() as u64;
        let wide = wide(inventory, topology);
        if !exceeds(wide, all, percent) {
            return Ok(Vec::new());
        }
        let sentence = format!(
            "{wide} of {all} external packages ({}%; the policy allows {percent}%) can reach half of the {members} members or more.",
            percentage(wide, all)
        );
        let finding = Finding::new(self.code(), context.lockfile(), Place::whole(context.lockfile()), sentence)
            .remedy("See which they are; keep heavy dependencies behind features, or in members that few others need.")
            .command("cargo weft risk --sort blast")
            .field("external", all)
            .field("members", members as u64)
            .field("wide", wide);
        Ok(vec![finding])
    }
}

/// Counts external packages that half of the members or more depend on, however far; none in a small workspace.
pub(super) fn wide(inventory: &Inventory, topology: &Topology) -> u64 {
    let members = topology.roots.len();
    if members < FEWEST_MEMBERS {
        return 0;
    }
    let half = members.div_ceil(2);
    let is_wide = |i: &&u32| topology.blast.count(**i) as usize >= half;
    inventory.judged_externals().iter().filter(is_wide).count() as u64
}
