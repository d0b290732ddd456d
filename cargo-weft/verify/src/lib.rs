//! Proves things about bytes.
//!
//! This crate holds what a third party needs to check weft's artifacts without trusting weft:
//!
//! - [`json`] reads strictly, [`canonical`] writes the one form that is hashed and signed (RFC 8785);
//! - [`envelope`] and [`statement`] are DSSE and in-toto: signatures over typed statements about artifacts;
//! - [`key`] verifies Ed25519 strictly, [`threshold`] counts distinct keys of a role;
//! - [`role`] says who may sign for what, [`revocation`] how fresh that knowledge has to be;
//! - [`proposal`] is how several people sign one record by exchanging files;
//! - [`layout`] verifies supply chains by in-toto layouts and links, [`tuf`] a TUF root by its own keys;
//! - [`note`], [`checkpoint`] and [`merkle`] are the proofs of transparency logs, [`witness`] says who has to have seen
//!   them, [`tile`] computes proofs, and [`fork`] shows a log that told two stories.
//!
//! It reads no file, no clock, no environment and no network, and it never panics on input.
//! Whatever it refuses, it refuses with a [`Rejection`]; whatever it lets through is [`Verified`].
//! The feature `sign` adds [`sign`]: private keys, which a verifier does not need.

mod base64;
pub mod canonical;
pub mod checkpoint;
mod code;
pub mod digest;
pub mod envelope;
pub mod fork;
pub mod json;
pub mod key;
pub mod layout;
pub mod merkle;
pub mod note;
pub mod predicate;
pub mod proposal;
pub mod rejection;
pub mod revocation;
pub mod role;
#[cfg(feature = "sign")]
pub mod sign;
pub mod statement;
pub mod threshold;
pub mod tile;
pub mod time;
pub mod tuf;
mod verified;
pub mod witness;

pub use digest::Sha256;
pub use rejection::{Code, Rejection};
pub use time::AsOf;
pub use verified::Verified;
