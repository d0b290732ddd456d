//! `cargo weft trust`: the trusted roots that attestations are verified with.

use clap::{Args, Subcommand};
use serde_json::json;
use weft_gate::provenance::sigstore::{EMBEDDED, Trust};

use super::Format;
use crate::error::{Error, ExitStatus};

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the trusted roots that are built in, with their digests and how old they may be
    Show {
        /// The form of the list
        #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
        format: Format,
    },
}

pub(super) fn run(args: &TrustArgs) -> Result<ExitStatus, Error> {
    let Command::Show { format } = &args.command;
    let roots: Vec<Trust> = EMBEDDED.iter().filter_map(|(name, _)| Trust::embedded(name)).collect();
    let rows: Vec<_> = roots
        .iter()
        .map(|root| {
            json!({
                "has_log": root.has_log(),
                "name": root.name(),
                "newest": root.newest(),
                "sha256": root.sha256(),
            })
        })
        .collect();
    let line = |root: &Trust| {
        let newest = root.newest().unwrap_or_default();
        let log = if root.has_log() { "" } else { ", without a log" };
        format!("{}: sha256:{}, not older than {newest}{log}\n", root.name(), root.sha256())
    };
    format.print(roots.iter().map(line).collect(), &json!({"roots": rows, "schema": 1}))?;
    Ok(ExitStatus::Passed)
}
