//! `cargo weft db`: fetches the advisory database, shows which one there is, and makes a snapshot of publishers.

mod publishers;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Format, output};
use crate::error::{Error, ExitStatus};
use crate::report;
use crate::source::advisories;

#[derive(Debug, Args)]
pub(super) struct DbArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fetch the newest advisories with git; this uses the network
    Update(UpdateArgs),
    /// Show which advisories there are, and of which day
    Show(ShowArgs),
    /// Write down who owns the locked crates, from a dump of crates.io's database
    Publishers(publishers::PublishersArgs),
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// Where to fetch from
    #[arg(long, value_name = "URL", default_value = advisories::URL)]
    url: String,
    /// The clone to update; by default weft's own, below Cargo's home directory
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The database to show; by default weft's own, below Cargo's home directory
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(args: &DbArgs) -> Result<ExitStatus, Error> {
    match &args.action {
        Action::Update(args) => {
            let directory = directory(args.advisory_db.as_ref())?;
            // A clone that lies here is named as the caller sees it.
            let lies_here = !args.url.contains("://") && Path::new(&args.url).exists();
            let here = lies_here.then(|| std::path::absolute(&args.url).ok()).flatten();
            let url = here.as_deref().and_then(Path::to_str).unwrap_or(&args.url);
            advisories::update(&directory, url, None).map_err(|reason| {
                Error::usage(
                    format!("the advisory database cannot be fetched: {reason}"),
                    "clone it by other means and name it with --advisory-db",
                )
            })?;
            output::print(format!("{}\n", report::human::advisories(&read(&directory)?)))?;
        }
        Action::Show(args) => {
            let database = read(&directory(args.advisory_db.as_ref())?)?;
            let text =
                format!("{}\nsha256 {}\n", report::human::advisories(&database), database.sha256);
            args.format.print(text, &json!(database))?;
        }
        Action::Publishers(args) => return publishers::run(args),
    }
    Ok(ExitStatus::Passed)
}

fn directory(named: Option<&PathBuf>) -> Result<PathBuf, Error> {
    named.cloned().or_else(advisories::default_directory).ok_or_else(|| {
        Error::usage("there is no Cargo home directory", "name the database with --advisory-db")
    })
}

fn read(directory: &Path) -> Result<weft_gate::advisory::Database, Error> {
    let none = std::collections::BTreeSet::new();
    let read = advisories::load(directory, Path::new("/nonexistent"), &none);
    let help = "`cargo weft db update` fetches it, --advisory-db names another";
    read.map(|advisories| advisories.database).map_err(|reason| Error::usage(reason, help))
}
