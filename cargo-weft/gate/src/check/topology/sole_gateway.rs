#![doc = include_str!("sole_gateway.md")]

use super::{exceeds, percentage};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::topology::Topology;

/// See the module's page.
pub struct SoleGateway;

impl Check for SoleGateway {
    fn code(&self) -> &'static str {
        "topology/sole-gateway"
    }

    fn page(&self) -> &'static str {
        include_str!("sole_gateway.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, topology) = context.graph()?;
        let percent = context.policy().topology.sole_gateway_percent;
        let external = inventory.judged_externals();
        let all = external.len() as u64;
        let gateways = external.into_iter().filter_map(|index| {
            let retained = retained(topology, index);
            exceeds(retained, all, percent).then_some((index, retained))
        });
        let finding = |(index, retained): (u32, u64)| {
            let package = inventory.package(index);
            let introduction = context.introduction(index);
            let sentence = format!(
                "{} alone brings in {retained} of {all} external packages ({}%; the policy allows {percent}%).",
                package.spec(),
                percentage(retained, all)
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy("See what comes with it; switch off features that bring it in, or do without it.")
                .command(format!("cargo weft why {}", package.spec()))
                .field("retained", retained)
                .field("external", all)
        };
        Ok(each(gateways, finding))
    }
}

/// With fewer packages behind it, a crate is no gateway, however large a share of a small graph they are.
const FEWEST: u64 = 10;

/// Counts the external packages that a crate alone brings in; none if they are few.
pub(super) fn retained(topology: &Topology, index: u32) -> u64 {
    match topology.dominators.retained_of(index) {
        retained if retained < FEWEST => 0,
        retained => retained,
    }
}
