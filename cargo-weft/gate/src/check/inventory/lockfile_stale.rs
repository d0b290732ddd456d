#![doc = include_str!("lockfile_stale.md")]

use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::{Drift, Package};

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
        let lacking = lacking(context)?;
        let finding = |drift: &Drift| {
            let sentence = capitalised(&drift.sentence);
            let subject = format!("{} {}", context.lockfile(), drift.subject);
            Finding::new(self.code(), &subject, drift.place.clone(), sentence)
                .remedy(
                    "Bring the lockfile up to date, changing nothing else in it, and commit it.",
                )
                .command("cargo update --workspace")
                .field("package", drift.subject.as_str())
        };
        Ok(each(drift.iter().chain(&lacking), finding))
    }
}

/// Lists what packages ask for by the index of their registry, and the lockfile does not give them.
fn lacking(context: &Context<'_>) -> Result<Vec<Drift>, String> {
    let Ok(releases) = context.facts().releases.as_ref() else { return Ok(Vec::new()) };
    let packages = context.inventory()?.packages.iter();
    let of = |package: &Package| {
        let lacks = releases.get(&package.id).into_iter().flat_map(|release| &release.lacks);
        let drift = |wanted: &String| Drift {
            place: package.place.clone(),
            sentence: format!(
                "the lockfile gives {} no {wanted}, which its registry says it needs",
                package.spec()
            ),
            subject: package.name.clone(),
        };
        lacks.map(drift).collect::<Vec<Drift>>()
    };
    Ok(packages.flat_map(of).collect())
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
