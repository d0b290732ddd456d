//! The binary: runs a command and turns its outcome into an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_weft::command::main(std::env::args_os())
}
