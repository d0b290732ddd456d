//! Family `ban`: crates and features that the policy does not let in.

mod feature;
mod package;

pub use feature::Feature;
pub use package::Package;
