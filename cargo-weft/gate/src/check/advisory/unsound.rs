#![doc = include_str!("unsound.md")]

use super::affected;
use crate::advisory::Kind;
use crate::check::{Check, Context};
use crate::finding::Finding;

/// See the module's page.
pub struct Unsound;

impl Check for Unsound {
    fn code(&self) -> &'static str {
        "advisory/unsound"
    }

    fn page(&self) -> &'static str {
        include_str!("unsound.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        affected(self.code(), Kind::Unsound, context)
    }
}
