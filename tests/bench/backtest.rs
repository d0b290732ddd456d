//! Prints whether anything foretells the vulnerabilities of 2026 better than the base rate of the years before.
//!
//! `cargo run --release --example backtest -- ADVISORY_DB CARGO_HOME [LOCKFILE]...`

#![expect(clippy::unwrap_used, reason = "it counts for whoever looks on")]

use std::io::Write;
use std::path::PathBuf;

#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
#[path = "../risk/backtest.rs"]
mod backtest;

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (database, home) = (arguments.next().unwrap(), arguments.next().unwrap());
    let lockfiles: Vec<PathBuf> = arguments.collect();
    let known = backtest::read(&database, &home, &lockfiles, true);
    std::io::stdout().write_all(backtest::report(&known).as_bytes()).unwrap();
}
