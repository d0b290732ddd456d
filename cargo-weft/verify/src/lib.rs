//! Proves things about bytes.
//!
//! This crate holds what a third party needs to check weft's artifacts without trusting weft: the canonical form of
//! JSON records ([`canonical`]) and the digests that name them ([`digest`]).
//!
//! It reads no file, no clock, no environment and no network, and it never panics on input.
//! Signatures, roles and thresholds join it here; nothing that is not about bytes does.

pub mod canonical;
pub mod digest;

pub use canonical::Rejection;
pub use digest::Sha256;
