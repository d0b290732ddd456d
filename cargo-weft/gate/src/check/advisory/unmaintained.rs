#![doc = include_str!("unmaintained.md")]

use super::affected;
use crate::advisory::Kind;
use crate::check::{Check, Context};
use crate::finding::Finding;

/// See the module's page.
pub struct Unmaintained;

impl Check for Unmaintained {
    fn code(&self) -> &'static str {
        "advisory/unmaintained"
    }

    fn page(&self) -> &'static str {
        include_str!("unmaintained.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        affected(self.code(), Kind::Unmaintained, context)
    }
}
