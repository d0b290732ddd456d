//! `cargo weft trust`: the trusted roots that attestations are verified with.

mod update;

use clap::{Args, Subcommand};
use serde_json::json;
use weft_gate::provenance::sigstore::{EMBEDDED, Trust};

use super::Format;
use super::verify::provenance::trust;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the trusted roots that are built in, with their digests and how old they may be
    Show {
        /// Show this one instead: a trusted_root.json, or the name of one that is built in; may be repeated
        #[arg(long, value_name = "ROOT")]
        trusted_root: Vec<String>,
        /// The form of the list
        #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
        format: Format,
    },
    /// Fetch a newer trusted root through TUF, into a file that --trusted-root takes
    Update(update::UpdateArgs),
}

pub(super) fn run(args: &TrustArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Show { trusted_root, format } => show(trusted_root, *format),
        Command::Update(args) => update::run(args),
    }
}

fn show(names: &[String], format: Format) -> Result<ExitStatus, Error> {
    let roots: Vec<Trust> = match names {
        [] => EMBEDDED.iter().filter_map(|(name, _)| Trust::embedded(name)).collect(),
        names => names.iter().map(|name| trust(name)).collect::<Result<_, _>>()?,
    };
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
        let name = terminal(root.name());
        format!("{name}: sha256:{}, not older than {newest}{log}\n", root.sha256())
    };
    format.print(roots.iter().map(line).collect(), &json!({"roots": rows, "schema": 1}))?;
    Ok(ExitStatus::Passed)
}
