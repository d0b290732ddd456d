#![doc = include_str!("registry_not_allowed.md")]

use crate::check::source::{by_source, packages, specs};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Source;

/// See the module's page.
pub struct RegistryNotAllowed;

impl Check for RegistryNotAllowed {
    fn code(&self) -> &'static str {
        "source/registry-not-allowed"
    }

    fn page(&self) -> &'static str {
        include_str!("registry_not_allowed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let allowed = &context.policy().sources.registries;
        let mut findings = Vec::new();
        for (source, members) in by_source(inventory) {
            let Source::Registry { url } = source else { continue };
            let name = source.to_string();
            if allowed.iter().any(|entry| {
                *entry == name || entry.strip_prefix("registry+").unwrap_or(entry) == url
            }) {
                continue;
            }
            let introduction = context.introduction(members[0]);
            let sentence = format!(
                "{} from the registry {name}, which `sources.registries` does not allow.",
                comes(members.len())
            );
            findings.push(
                Finding::new(self.code(), &name, introduction.place, sentence)
                    .path(introduction.path)
                    .remedy(format!(
                        "Take the crate from an allowed registry, or add \"{name}\" to `sources.registries` in weft.toml."
                    ))
                    .field("packages", specs(inventory, &members)),
            );
        }
        Ok(each(findings, |finding| finding))
    }
}

fn comes(number: usize) -> String {
    format!("{} {}", packages(number), if number == 1 { "comes" } else { "come" })
}
