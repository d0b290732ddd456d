#![doc = include_str!("lockfile_stale.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct LockfileStale;

impl Check for LockfileStale {
    fn code(&self) -> &'static str {
        "inventory/lockfile-stale"
    }

    fn page(&self) -> &'static str {
        include_str!("lockfile_stale.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let drift = context.facts().drift.as_ref()?;
        let finding = |drift: &crate::inventory::Drift| {
            let sentence = capitalised(&drift.sentence);
            let subject = format!("{} {}", context.lockfile(), drift.subject);
            Finding::new(self.code(), &subject, drift.place.clone(), sentence)
                .remedy(
                    "Bring the lockfile up to date, changing nothing else in it, and commit it.",
                )
                .command("cargo update --workspace")
                .field("package", drift.subject.as_str())
        };
        Ok(each(drift, finding))
    }
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
