//! The command line: one file per subcommand, and what they share.

mod attest;
mod audit;
mod baseline;
mod claims;
mod compare;
mod completions;
mod db;
mod diff;
mod evidence;
mod exempt;
mod explain;
mod facts;
mod gate;
mod graph;
pub mod host;
mod init;
mod key;
mod layout;
mod log;
mod output;
mod policy;
mod release;
mod risk;
mod role;
mod schema;
mod sign;
mod trust;
mod update;
mod verify;
mod why;

use std::ffi::OsString;
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::error::{Error, ExitStatus};
use crate::report;

/// A trust gate for Rust projects: one verdict on a Cargo workspace, fail-closed and reproducible.
#[derive(Debug, Parser)]
#[command(
    name = "cargo weft",
    bin_name = "cargo weft",
    version,
    arg_required_else_help = true,
    after_help = "On a tree you do not trust, run `cargo-weft` from outside it: `cargo` obeys the tree before weft starts.\n\
                  Exit status: 0 passed, 1 failed, 2 usage or environment error, 3 inconclusive, 70 a bug in weft."
)]
pub struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a workspace by its policy
    Audit(audit::AuditArgs),
    /// Print the inventory: packages and edges
    Graph(graph::GraphArgs),
    /// Show why a crate is there, and what stands in the way of updating it
    Why(why::WhyArgs),
    /// Show what updates of crates would bring, and take one of them
    Update(update::UpdateArgs),
    /// Rank external crates and publishers by what blocking each would save in a year
    Risk(risk::RiskArgs),
    /// Show the page of a check, or list the checks
    Explain(explain::ExplainArgs),
    /// Write a weft.toml that passes today and fails what is worse tomorrow
    Init(init::InitArgs),
    /// Show what changed since a base: packages, measures and findings
    Diff(diff::DiffArgs),
    /// Put a finding off until a day, with a reason and two names
    Exempt(exempt::ExemptArgs),
    /// Exempt what is denied today, so that only what comes anew fails
    Baseline(baseline::BaselineArgs),
    /// Tie what documents promise to evidence, and judge how it stands
    Claims(claims::ClaimsArgs),
    /// Run the tests that claims name, and keep what they show
    Evidence(evidence::EvidenceArgs),
    /// Fetch or show the advisory database, and write down who publishes the locked crates
    Db(db::DbArgs),
    /// Show or check the effective policy
    Policy(policy::PolicyArgs),
    /// Make, list, rotate and revoke signing keys
    Key(key::KeyArgs),
    /// Say who may sign for what, and have changes of that signed
    Role(role::RoleArgs),
    /// Sign files for a role
    Sign(sign::SignArgs),
    /// Verify that enough keys of a role signed a file
    Verify(Box<verify::VerifyArgs>),
    /// Verify a supply chain by its in-toto layout
    VerifyLayout(layout::LayoutArgs),
    /// Verify a transparency log by its tiles, and find out whether it forked
    VerifyLog(log::LogArgs),
    /// Say what artifacts are made of and how, and sign that for the gates
    Attest(Box<attest::AttestArgs>),
    /// Write, sign and gather the manifest of a release
    Release(release::ReleaseArgs),
    /// Say whether a change may be merged, or a release published
    Gate(gate::GateArgs),
    /// Show whom verification trusts
    Trust(trust::TrustArgs),
    /// Print the JSON Schema of a format
    Schema(schema::SchemaArgs),
    /// Print a completion script
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Which graph to look at, and how sharply.
#[derive(Debug, Args)]
struct Selection {
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH", conflicts_with = "lockfile")]
    manifest_path: Option<PathBuf>,
    /// Read a Cargo.lock and nothing else
    #[arg(long, value_name = "PATH")]
    lockfile: Option<PathBuf>,
    /// How sharply to know the graph: `lock` runs no cargo, `metadata` runs `cargo metadata` outside the tree
    #[arg(long, value_enum, default_value_t = PrecisionChoice::Auto, value_name = "HOW")]
    precision: PrecisionChoice,
    /// A policy file, or a profile: local, baseline, strict, release; by default weft.toml, or else local
    #[arg(long, value_name = "FILE|PROFILE")]
    policy: Option<String>,
    /// Use no network; this is the default
    #[arg(long, conflicts_with = "online")]
    offline: bool,
    /// Let cargo download packages that are missing
    #[arg(long)]
    online: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrecisionChoice {
    /// metadata where cargo can tell, lock where it cannot
    Auto,
    Lock,
    Metadata,
}

/// Runs the tool; the first argument is its own name, and `weft` may follow, as Cargo passes it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|arg| arg == "weft") {
        args.remove(1);
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    cli.color.choice().write_global();
    panic::set_hook(Box::new(|info| {
        let info = crate::escape::terminal(&info.to_string());
        anstream::eprintln!(
            "error: internal error: {info}\nThis is a bug in weft; the exit status is 70."
        );
    }));
    let status = match panic::catch_unwind(|| run(&cli)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            report::diagnostic::show_error(&error);
            error.status()
        }
        Err(_) => ExitStatus::Bug,
    };
    status.into()
}

/// Help goes to standard output with status 0; everything else that clap refuses is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    match (error.print(), error.use_stderr()) {
        (Ok(()), false) => ExitStatus::Passed.into(),
        _ => ExitStatus::Error.into(),
    }
}

fn run(cli: &Cli) -> Result<ExitStatus, Error> {
    match &cli.command {
        Command::Audit(args) => audit::run(args),
        Command::Graph(args) => graph::run(args),
        Command::Why(args) => why::run(args),
        Command::Update(args) => update::run(args),
        Command::Risk(args) => risk::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Init(args) => init::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Exempt(args) => exempt::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Claims(args) => claims::run(args),
        Command::Evidence(args) => evidence::run(args),
        Command::Db(args) => db::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Key(args) => key::run(args),
        Command::Role(args) => role::run(args),
        Command::Sign(args) => sign::run(args),
        Command::Verify(args) => verify::run(args),
        Command::VerifyLayout(args) => layout::run(args),
        Command::VerifyLog(args) => log::run(args),
        Command::Attest(args) => attest::run(args),
        Command::Release(args) => release::run(args),
        Command::Gate(args) => gate::run(args),
        Command::Trust(args) => trust::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man => completions::man(),
    }
}

/// Returns the definition of the command line, for completions, the manual page and the tests of the documentation.
pub fn definition() -> clap::Command {
    Cli::command()
}

impl Color {
    fn choice(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }
}

/// Reads `--as-of`, by default the present day.
fn as_of(day: Option<jiff::civil::Date>) -> Result<weft_verify::AsOf, Error> {
    let day = day.unwrap_or_else(today);
    let first = day.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let first = first.and_then(|first| u64::try_from(first.timestamp().as_second()).ok());
    first.map(weft_verify::AsOf::day_beginning).ok_or_else(|| {
        Error::usage(format!("{day} is before 1970"), "name the day that is to be judged")
    })
}

/// The form of a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Format {
    /// Prints the one or the other.
    fn print(self, human: String, json: &serde_json::Value) -> Result<(), Error> {
        match self {
            Self::Human => output::print(human),
            Self::Json => output::print(report::json::render(json)?),
        }
    }
}

/// Returns the present day in UTC: the one reading of a clock.
fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}
