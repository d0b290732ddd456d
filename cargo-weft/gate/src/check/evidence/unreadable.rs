#![doc = include_str!("unreadable.md")]

use crate::check::claim::claims;
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::place::Place;

/// See the module's page.
pub struct Unreadable;

impl Check for Unreadable {
    fn code(&self) -> &'static str {
        "evidence/unreadable"
    }

    fn page(&self) -> &'static str {
        include_str!("unreadable.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let unread = claims(context)?.unread.iter();
        Ok(each(unread, |unread| {
            let sentence = format!("{} is not evidence: {}.", unread.file, unread.reason);
            Finding::new(self.code(), &unread.file, Place::whole(&unread.file), sentence)
                .remedy("Collect it again, or remove the file.")
        }))
    }
}
