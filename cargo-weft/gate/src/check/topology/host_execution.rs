#![doc = include_str!("host_execution.md")]

use weft_graph::Reach;

use super::{exceeds, percentage};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::{Inventory, ManifestFacts};
use crate::place::Place;

/// See the module's page.
pub struct HostExecution;

impl Check for HostExecution {
    fn code(&self) -> &'static str {
        "topology/host-execution"
    }

    fn page(&self) -> &'static str {
        include_str!("host_execution.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let (inventory, topology) = context.graph()?;
        let Some(host) = &topology.host else {
            return Err("build scripts, procedural macros and build-dependencies are known at metadata precision only".to_owned());
        };
        let policy = &context.policy().topology;
        let external = inventory.judged_externals();
        let running = running(inventory, host);
        if !policy.host_execution_allow.is_empty() {
            return Ok(self.not_allowed(context, inventory, &running));
        }
        let (part, all, percent) =
            (running.len() as u64, external.len() as u64, policy.host_execution_percent);
        if !exceeds(part, all, percent) {
            return Ok(Vec::new());
        }
        let direct = running.iter().filter(|i| runs_itself(inventory, **i)).count() as u64;
        let sentence = format!(
            "The code of {part} of {all} external packages ({}%; the policy allows {percent}%) runs on whoever builds this: \
             {direct} have a build script or are procedural macros, and the others are linked into one.",
            percentage(part, all)
        );
        let finding = Finding::new(self.code(), context.lockfile(), Place::whole(context.lockfile()), sentence)
            .remedy("See which they are; prefer crates that do without a build script or a procedural macro.")
            .command("cargo weft risk --sort host-execution")
            .field("direct", direct)
            .field("external", all)
            .field("running", part);
        Ok(vec![finding])
    }
}

impl HostExecution {
    fn not_allowed(
        &self,
        context: &Context<'_>,
        inventory: &Inventory,
        running: &[u32],
    ) -> Vec<Finding> {
        let allowed = &context.policy().topology.host_execution_allow;
        let starts = running.iter().filter(|i| runs_itself(inventory, **i));
        let refused = starts.filter(|i| !allowed.contains(&inventory.package(**i).name));
        let finding = |index: &u32| {
            let package = inventory.package(*index);
            let introduction = context.introduction(*index);
            let what = match package.manifest {
                Some(ManifestFacts { proc_macro: true, .. }) => "is a procedural macro",
                _ => "has a build script",
            };
            let sentence = format!(
                "{} {what}, so its code runs on whoever builds this, and `topology.host-execution-allow` does not name it.",
                package.spec()
            );
            Finding::new(self.code(), &package.id, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "Read what it runs; then do without it, or add \"{}\" to the list.",
                    package.name
                ))
                .command(format!("cargo weft why {}", package.spec()))
        };
        each(refused, finding)
    }
}

fn runs_itself(inventory: &Inventory, index: u32) -> bool {
    let manifest = inventory.package(index).manifest.as_ref();
    manifest.is_some_and(|m| m.build_script || m.proc_macro)
}

/// Lists the external packages whose code runs while some member is built.
pub(super) fn running(inventory: &Inventory, host: &Reach) -> Vec<u32> {
    inventory.judged_externals().into_iter().filter(|i| host.count(*i) > 0).collect()
}
