//! The decision of cargo weft: facts and a policy in, a verdict out.
//!
//! `gate` parses what `cargo-weft` fetched ([`input`]), makes one inventory of it ([`inventory`]), measures its topology
//! ([`topology`]), lets every check speak ([`check`]) and joins their findings into a verdict ([`verdict`]).
//! It is pure: it reads no file, clock, environment or network, so a decision can fail for no reason outside its
//! [`Facts`], and whoever holds them can decide again and get the same bytes.

pub mod advisory;
pub mod behavior;
pub mod capability;
pub mod check;
pub mod claim;
pub mod content;
pub mod diagnostic;
pub mod diff;
pub mod evidence;
pub mod exemption;
pub mod facts;
pub mod finding;
pub mod gate;
pub mod input;
pub mod inventory;
pub mod place;
pub mod policy;
pub mod provenance;
pub mod publisher;
pub mod release;
pub mod risk;
pub mod rule;
pub mod topology;
pub mod update;
pub mod verdict;
pub mod vouch;

pub use diagnostic::Diagnostic;
pub use facts::{Facts, Known};
pub use finding::Finding;
pub use inventory::Inventory;
pub use place::Place;
pub use policy::Policy;
pub use topology::Topology;
pub use verdict::{Outcome, Verdict, decide, decide_in_full};
