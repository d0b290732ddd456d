#![doc = include_str!("notice.md")]

use super::affected;
use crate::advisory::Kind;
use crate::check::{Check, Context};
use crate::finding::Finding;

/// See the module's page.
pub struct Notice;

impl Check for Notice {
    fn code(&self) -> &'static str {
        "advisory/notice"
    }

    fn page(&self) -> &'static str {
        include_str!("notice.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        affected(self.code(), Kind::Notice, context)
    }
}
