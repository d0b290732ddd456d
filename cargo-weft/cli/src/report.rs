//! Shows verdicts, graphs and tables: one file per format.
//!
//! Report writers decide nothing: what they show is what the verdict says, and the exit status never depends on them.
//! Every text they did not write goes through [`escape`](crate::escape).

pub mod cyclonedx;
pub mod diagnostic;
pub mod dot;
pub mod graphml;
pub mod human;
pub mod json;
pub mod markdown;
pub mod sarif;
mod sbom;
pub mod spdx;
pub mod table;
