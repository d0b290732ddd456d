#![doc = include_str!("malicious.md")]

use super::affected;
use crate::advisory::Kind;
use crate::check::{Check, Context};
use crate::finding::Finding;

/// See the module's page.
pub struct Malicious;

impl Check for Malicious {
    fn code(&self) -> &'static str {
        "advisory/malicious"
    }

    fn page(&self) -> &'static str {
        include_str!("malicious.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        affected(self.code(), Kind::Malicious, context)
    }
}
