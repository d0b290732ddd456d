//! `weft-action`: the GitHub half of cargo weft.

use std::process::ExitCode;

/// Runs the action.
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
