//! `cargo weft policy`: the effective policy, each value with the place it comes from.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use weft_gate::policy::{self, Effective};

use super::output;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::report;
use crate::source;

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print every value and where it comes from
    Show {
        #[command(flatten)]
        from: From,
        /// Print the policy as a verdict records it
        #[arg(long)]
        json: bool,
    },
    /// Read the policy and say whether it is sound
    Check {
        #[command(flatten)]
        from: From,
    },
}

#[derive(Debug, Args)]
struct From {
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// A policy file, or a profile: local, baseline, strict, release; by default weft.toml, or else local
    #[arg(long, value_name = "FILE|PROFILE")]
    policy: Option<String>,
}

pub(super) fn run(args: &PolicyArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        PolicyCommand::Show { from, json } => {
            let effective = load(from)?;
            let text =
                if *json { report::json::render(&effective.policy)? } else { show(&effective) };
            output::print(text)?;
        }
        PolicyCommand::Check { from } => {
            let effective = load(from)?;
            let profile = terminal(&effective.policy.profile);
            output::print(format!("the policy is sound; it builds on the profile {profile}\n"))?;
        }
    }
    Ok(ExitStatus::Passed)
}

fn load(from: &From) -> Result<Effective, Error> {
    let root = source::workspace::root(from.manifest_path.as_deref())?;
    Ok(source::policy::load(from.policy.as_deref(), &root)?.effective)
}

fn show(effective: &Effective) -> String {
    let mut out = String::new();
    for (key, (value, place)) in &effective.origins {
        let built_in = policy::profile(&place.file).map_or("", |_| "profile ");
        let line = format!("{} = {}", terminal(key), terminal(value));
        _ = writeln!(out, "{line:50}  # {built_in}{}:{}", terminal(&place.file), place.line);
    }
    out
}
