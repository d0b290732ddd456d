//! Where results go: each place fails for itself, and none changes the verdict.

pub mod check;
pub mod comment;
pub mod output;
pub mod sarif;
