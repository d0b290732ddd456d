#![doc = include_str!("single_point.md")]

use crate::check::topology::{exceeds, percentage};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::place::Place;
use crate::publisher::{Basis, Publishers};
use crate::topology::Topology;

/// A workspace of fewer members has no inner walls to speak of.
const FEWEST_MEMBERS: usize = 4;

/// How many packages of a publisher a finding names.
const NAMED: usize = 20;

/// See the module's page.
pub struct SinglePoint;

impl Check for SinglePoint {
    fn code(&self) -> &'static str {
        "maintainer/single-point"
    }

    fn page(&self) -> &'static str {
        include_str!("single_point.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, topology) = context.graph()?;
        if is_small(topology) || inventory.judged_externals().is_empty() {
            return Ok(Vec::new());
        }
        let publishers = context.publishers()?;
        if publishers.iter().next().is_none() {
            return Err("nothing says who publishes any of the packages".to_owned());
        }
        let members = topology.roots.len() as u64;
        let percent = context.policy().publishers.single_point_percent;
        let reached =
            publishers.iter().map(|(who, packages)| (who, packages, reach(topology, packages)));
        let mut wide: Vec<_> = reached.filter(|(.., n)| exceeds(*n, members, percent)).collect();
        wide.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        let day = context.facts().publishers.as_ref().and_then(|known| known.as_ref().ok());
        let day = day.and_then(|known| known.snapshot.as_ref()).map(|dump| dump.date.to_string());
        Ok(each(wide, |(who, packages, reached)| {
            let sentence = format!(
                "{who} stands behind {}, which reach {reached} of the {members} members ({}%; the policy allows {percent}%){}.",
                counted(packages.len()),
                percentage(reached, members),
                basis(&publishers, packages, day.as_deref()),
            );
            let names = packages.iter().take(NAMED).map(|i| inventory.package(*i).spec());
            Finding::new(self.code(), who.as_str(), Place::whole(context.lockfile()), sentence)
                .remedy("Pin what is theirs, review its updates, or keep it out of members that all others need.")
                .command(command(inventory, topology, packages))
                .field("members", members)
                .field("packages", names.collect::<Vec<_>>())
                .field("published", packages.len() as u64)
                .field("reached", reached)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        let (inventory, topology) = context.graph().ok()?;
        if is_small(topology) {
            return None;
        }
        let (unknown, all) =
            (context.publishers().ok()?.unknown().len(), inventory.judged_externals().len());
        (unknown > 0)
            .then(|| format!("nothing says who publishes {unknown} of the {all} external packages"))
    }
}

fn is_small(topology: &Topology) -> bool {
    topology.roots.len() < FEWEST_MEMBERS
}

/// Counts the members that at least one of the packages reaches.
fn reach(topology: &Topology, packages: &[u32]) -> u64 {
    let mut is_reached = vec![false; topology.roots.len()];
    for root in packages.iter().flat_map(|package| topology.blast.roots(*package)) {
        is_reached[root] = true;
    }
    is_reached.into_iter().filter(|reached| *reached).count() as u64
}

/// Says how it is known that the packages are this publisher's, the weakest source by its name.
fn basis(publishers: &Publishers<'_>, packages: &[u32], day: Option<&str>) -> String {
    let of = |wanted: Basis| {
        let known = packages.iter().filter_map(|package| publishers.publication(*package));
        known.filter(|publication| publication.basis == wanted).count()
    };
    let (by_snapshot, by_vet, by_proxy) =
        (of(Basis::Snapshot), of(Basis::Vet), of(Basis::Repository));
    let mut said = Vec::new();
    if by_snapshot > 0 {
        let day = day.map_or(String::new(), |day| format!(" of {day}"));
        said.push(format!("{by_snapshot} by the snapshot of owners{day}"));
    }
    if by_vet > 0 {
        said.push(format!("{by_vet} by cargo-vet's record"));
    }
    if by_proxy > 0 {
        said.push(format!(
            "{by_proxy} by the repository that the manifest names, which is a proxy"
        ));
    }
    format!(": {}", said.join(", "))
}

fn counted(packages: usize) -> String {
    match packages {
        1 => "1 external package".to_owned(),
        many => format!("{many} external packages"),
    }
}

/// Returns the command that shows how the package that reaches most comes to be there.
fn command(inventory: &Inventory, topology: &Topology, packages: &[u32]) -> String {
    let widest =
        packages.iter().max_by_key(|i| (topology.blast.count(**i), std::cmp::Reverse(**i)));
    let spec = widest.map(|i| inventory.package(*i).spec()).unwrap_or_default();
    format!("cargo weft why {spec}")
}
