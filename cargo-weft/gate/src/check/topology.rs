//! Family `topology`: what the shape of the graph exposes.
//!
//! These checks compare measures of the judged graph with thresholds of the policy; each page argues its default from
//! the lockfiles of real workspaces.

mod blast;
mod delta_budget;
mod duplicate_version;
mod host_execution;
mod sole_gateway;

pub use blast::Blast;
pub use delta_budget::DeltaBudget;
pub use duplicate_version::DuplicateVersion;
pub use host_execution::HostExecution;
pub use sole_gateway::SoleGateway;

use crate::inventory::Inventory;
use crate::topology::Topology;

/// What a policy would have to allow for no check of this family to find anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// For `topology.blast-percent`.
    pub blast_percent: u32,
    /// For `topology.duplicate-versions`.
    pub duplicate_versions: u32,
    /// For `topology.host-execution-percent`; unknown at lock precision.
    pub host_execution_percent: Option<u32>,
    /// For `topology.sole-gateway-percent`.
    pub sole_gateway_percent: u32,
}

/// Measures what the thresholds of this family bound.
pub fn measure(inventory: &Inventory, topology: &Topology) -> Measured {
    let external = inventory.judged_externals();
    let all = external.len() as u64;
    let gateway = external.iter().map(|i| sole_gateway::retained(topology, *i)).max().unwrap_or(0);
    let versions = duplicate_version::versions(inventory).values().map(Vec::len).max().unwrap_or(1);
    let running = |host| percentage(host_execution::running(inventory, host).len() as u64, all);
    Measured {
        blast_percent: percentage(blast::wide(inventory, topology), all),
        duplicate_versions: u32::try_from(versions.max(1)).unwrap_or(u32::MAX),
        host_execution_percent: topology.host.as_ref().map(running),
        sole_gateway_percent: percentage(gateway, all),
    }
}

/// Says whether `part` is more than `percent` of `whole`.
pub(super) fn exceeds(part: u64, whole: u64, percent: u32) -> bool {
    u128::from(part) * 100 > u128::from(whole) * u128::from(percent)
}

/// Returns `part` as a percentage of `whole`, rounded up so that it never reads as within a threshold it exceeds.
pub(super) fn percentage(part: u64, whole: u64) -> u32 {
    let percent = (u128::from(part) * 100).div_ceil(u128::from(whole.max(1)));
    u32::try_from(percent).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_exceeded_beyond_it_and_not_at_it() {
        assert!(!exceeds(1, 4, 25));
        assert!(exceeds(2, 7, 25));
        assert!(!exceeds(0, 0, 0));
        assert_eq!(percentage(2, 7), 29);
        assert_eq!(percentage(1, 1_000), 1);
        assert_eq!(percentage(0, 0), 0);
    }
}
