//! Trees written by an attacker, and the real binary run inside them.
//!
//! Each row is a tree, the status of each precision and a phrase that a person must get to see.
//! Whatever the row says, [`check`] also demands what always holds: nothing of the tree is run, nothing outside it is
//! shown, nothing panics, hangs, or steers a terminal, a log or a page.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/dump.rs"]
mod dump;

mod check;
mod file;
mod lockfile;
mod program;
#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/registry.rs"]
mod registry;
mod size;
mod socket;
mod text;
mod workspace;
