//! Family `exemption`: what is said of exemptions themselves.
//!
//! These checks are evaluated last, since they look at what the others found.

mod expired;
mod expiring;
mod unused;

pub use expired::Expired;
pub use expiring::Expiring;
pub use unused::Unused;

use crate::check::Context;
use crate::exemption::Exemption;
use crate::finding::Finding;

/// Pairs each exemption with whether a finding is its own.
fn with_use<'c>(context: &'c Context<'_>) -> impl Iterator<Item = (&'c Exemption, bool)> {
    context.facts().exemptions.iter().zip(context.used_exemptions().iter().copied())
}

fn finding(code: &str, exemption: &Exemption, sentence: String) -> Finding {
    let subject = format!("{} {}", exemption.code, exemption.subject);
    Finding::new(code, &subject, exemption.place.clone(), sentence)
        .field("expires", &*exemption.expires.to_string())
        .field("owner", &*exemption.owner)
        .field("reason", &*exemption.reason)
}
