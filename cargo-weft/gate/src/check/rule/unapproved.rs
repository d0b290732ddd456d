#![doc = include_str!("unapproved.md")]

use super::rules;
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::place::Place;
use crate::rule::{Approval, FILE, ROLE};

/// See the module's page.
pub struct Unapproved;

impl Check for Unapproved {
    fn code(&self) -> &'static str {
        "rule/unapproved"
    }

    fn page(&self) -> &'static str {
        include_str!("unapproved.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let Some(rules) = rules(context) else { return Ok(Vec::new()) };
        let why = match &rules.approval {
            Approval::First | Approval::Given(_) | Approval::Unguarded => return Ok(Vec::new()),
            Approval::Missing(1) => format!("no key of the base's role `{ROLE}` signed that"),
            Approval::Missing(keys) => {
                format!("{keys} keys of the base's role `{ROLE}` have to sign that, and none did")
            }
            Approval::Refused(why) => format!("that is not approved: {why}"),
        };
        let next =
            format!("Leave it as the base has it, or have the role sign {FILE}, each key by");
        Ok(each(&rules.changed, |change| {
            let file = &change.file;
            let sentence = format!("{file} is not as the base has it, and {why}.");
            Finding::new(self.code(), file, Place::whole(file), sentence)
                .remedy(&*next)
                .command("cargo weft sign --rules --base REV --key FILE")
        }))
    }
}
