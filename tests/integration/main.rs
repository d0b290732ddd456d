//! The real binary in sound trees: statuses, formats, replay, and every command once.
//!
//! What an attacker's tree does is told in `tests/hostile`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/desk.rs"]
mod desk;

mod advisory;
mod base;
mod claims;
mod command;
mod determinism;
mod format;
mod gate;
mod honest;
mod human;
mod import;
mod lockfile;
mod log;
mod notary;
mod provenance;
mod real;
mod release;
mod replay;
mod reproduce;
mod rule;
mod sample;
mod status;
mod trust;
#[cfg(feature = "online")]
mod tuf;
mod witness;
mod workflows;
