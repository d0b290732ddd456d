//! Rows by reference.

pub use cfg_iff as _;
