//! Fetches bytes: files of the audited tree, policies, and what `cargo metadata` prints.
//!
//! Whatever is read lies inside the audited tree, symbolic links followed; nothing of the tree is run
//! (`docs/src/design/hostile-trees.md`).

pub mod cargo;
pub mod files;
pub mod policy;
pub mod roles;
pub mod secret;
pub mod workspace;
