//! Sigstore from end to end, with an instance of our own: verified, gated, forged in each way we know, and signed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/desk.rs"]
mod desk;
#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/sigstore/mod.rs"]
mod instance;

mod barrier;
mod forged;
mod gate;
mod honest;
#[cfg(feature = "online")]
mod keyless;
