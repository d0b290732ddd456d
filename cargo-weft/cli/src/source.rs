//! Fetches bytes: files of the audited tree, policies, and what `cargo metadata` prints.
//!
//! Whatever is read lies inside the audited tree, symbolic links followed; nothing of the tree is run
//! (`docs/src/design/hostile-trees.md`).

pub mod advisories;
pub mod behavior;
pub mod candidates;
pub mod cargo;
pub mod checkout;
pub mod collect;
pub mod contents;
pub mod copies;
pub mod evidence;
pub mod exemptions;
pub mod files;
pub mod git;
pub mod index;
pub mod licenses;
pub mod memory;
#[cfg(feature = "online")]
pub mod online;
pub mod policy;
pub mod promises;
pub mod publishers;
pub mod release;
pub mod revision;
pub mod roles;
pub mod rules;
pub mod scratch;
pub mod secret;
pub mod sources;
pub mod tiles;
pub mod versions;
pub mod vouchers;
pub mod workspace;
