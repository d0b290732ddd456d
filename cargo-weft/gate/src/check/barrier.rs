//! Family `barrier`: whether what keeps attacks away is still in place.

mod violated;

pub use violated::{Violated, Violation, strays, unknown, violations};
