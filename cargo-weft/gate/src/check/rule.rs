//! Family `rule`: what a change alters of the rules that later changes are judged by.

mod changed;
mod unapproved;
mod unguarded;

pub use changed::Changed;
pub use unapproved::Unapproved;
pub use unguarded::Unguarded;

use crate::check::Context;
use crate::rule::Rules;

/// Returns what is changed of the base's rules, if anything is.
fn rules<'c>(context: &'c Context<'_>) -> Option<&'c Rules> {
    context.facts().base.as_ref()?.rules.as_ref()
}
