#![doc = include_str!("lockfile_missing.md")]

use crate::check::{Check, Context};
use crate::facts::LockfileState;
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct LockfileMissing;

impl Check for LockfileMissing {
    fn code(&self) -> &'static str {
        "inventory/lockfile-missing"
    }

    fn page(&self) -> &'static str {
        include_str!("lockfile_missing.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let LockfileState::Missing(path) = &context.facts().lockfile else { return Ok(Vec::new()) };
        let sentence =
            "The workspace has no `Cargo.lock`, so nothing says which packages are built.";
        let finding = Finding::new(self.code(), path, Place::whole("Cargo.toml"), sentence)
            .remedy("Generate the lockfile and commit it.")
            .command("cargo generate-lockfile");
        Ok(vec![finding])
    }
}
