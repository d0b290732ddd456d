//! Family `evidence`: whether what was collected for promises can be read, counts and holds.

mod failed;
mod stale;
mod unreadable;
mod untrusted;

pub use failed::Failed;
pub use stale::Stale;
pub use unreadable::Unreadable;
pub use untrusted::Untrusted;
