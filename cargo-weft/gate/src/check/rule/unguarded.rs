#![doc = include_str!("unguarded.md")]

use super::rules;
use crate::check::{Check, Context};
use crate::finding::Finding;
use crate::place::Place;
use crate::rule::{Approval, ROLE};

/// See the module's page.
pub struct Unguarded;

/// The file of the roles.
const ROLES: &str = ".weft/roles.toml";

impl Check for Unguarded {
    fn code(&self) -> &'static str {
        "rule/unguarded"
    }

    fn page(&self) -> &'static str {
        include_str!("unguarded.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let Some(rules) = rules(context) else { return Ok(Vec::new()) };
        if rules.approval != Approval::Unguarded {
            return Ok(Vec::new());
        }
        let files: Vec<String> = rules.changed.iter().map(|change| change.file.clone()).collect();
        let sentence = format!(
            "The base has no role `{ROLE}`, so nobody has to approve what this changes of its rules."
        );
        let remedy = format!(
            "Declare the role `{ROLE}` in {ROLES}, give it to keys, and have that accepted."
        );
        let finding = Finding::new(self.code(), ROLES, Place::whole(ROLES), sentence)
            .remedy(remedy)
            .command("cargo weft role propose")
            .field("files", files);
        Ok(vec![finding])
    }
}
