#![doc = include_str!("package.md")]

use semver::{Version, VersionReq};

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::policy::DeniedCrate;

/// See the module's page.
pub struct Package;

/// A package that may not be there, and why.
struct Banned<'p> {
    index: u32,
    rule: Option<&'p DeniedCrate>,
    /// Who depends on it and is no wrapper.
    dependents: Vec<u32>,
}

impl Check for Package {
    fn code(&self) -> &'static str {
        "ban/package"
    }

    fn page(&self) -> &'static str {
        include_str!("package.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let policy = &context.policy().bans;
        let mut banned = Vec::new();
        for index in inventory.present_externals() {
            let package = inventory.package(index);
            let about = |rule: &&DeniedCrate| {
                rule.name == package.name
                    && rule.version.as_ref().is_none_or(|req| forbids(req, &package.version))
            };
            for rule in policy.deny.iter().filter(about) {
                let dependents = dependents(inventory, index, &rule.wrappers);
                if rule.wrappers.is_empty() || !dependents.is_empty() {
                    banned.push(Banned { index, rule: Some(rule), dependents });
                }
            }
            if !policy.allow.is_empty() && !policy.allow.contains(&package.name) {
                banned.push(Banned { index, rule: None, dependents: Vec::new() });
            }
        }
        Ok(each(banned, |banned| self.finding(context, inventory, &banned)))
    }
}

/// Says whether a requirement is about a version: a pre-release is forbidden with the release that it is of, though
/// requirements do not ask for one (The Cargo Book, "Pre-releases").
fn forbids(requirement: &VersionReq, version: &Version) -> bool {
    let released = Version::new(version.major, version.minor, version.patch);
    requirement.matches(version) || requirement.matches(&released)
}

impl Package {
    fn finding(
        &self,
        context: &Context<'_>,
        inventory: &Inventory,
        banned: &Banned<'_>,
    ) -> Finding {
        let package = inventory.package(banned.index);
        let introduction = context.introduction(banned.index);
        let specs: Vec<String> =
            banned.dependents.iter().map(|i| inventory.package(*i).spec()).collect();
        let because = |reason: &Option<String>| {
            reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
        };
        let (sentence, remedy) = match banned.rule {
            None => (
                format!("{} is in the graph, and `bans.allow` does not name it.", package.spec()),
                format!("Do without it, or add \"{}\" to `bans.allow` in weft.toml.", package.name),
            ),
            Some(rule) => (
                match rule.wrappers.is_empty() {
                    true => format!("{} is banned{}.", package.spec(), because(&rule.reason)),
                    false => format!(
                        "{} is banned but for {}, and {} {} on it{}.",
                        package.spec(),
                        rule.wrappers.join(", "),
                        specs.join(", "),
                        if specs.len() == 1 { "depends" } else { "depend" },
                        because(&rule.reason)
                    ),
                },
                match &rule.instead {
                    Some(instead) => format!("Use {instead} instead."),
                    None => "Do without it, or see what brings it in.".to_owned(),
                },
            ),
        };
        let finding = Finding::new(self.code(), &package.id, introduction.place, sentence)
            .path(introduction.path)
            .remedy(remedy)
            .command(format!("cargo weft why {}", package.spec()));
        match specs.is_empty() {
            true => finding,
            false => finding.field("dependents", specs),
        }
    }
}

/// Returns the judged packages that depend on one directly and are none of its wrappers.
fn dependents(inventory: &Inventory, index: u32, wrappers: &[String]) -> Vec<u32> {
    let edges =
        inventory.edges.iter().filter(|edge| (edge.selected || edge.dev) && edge.to == index);
    edges.map(|e| e.from).filter(|i| !wrappers.contains(&inventory.package(*i).name)).collect()
}
