//! `cargo weft db publishers`: a snapshot of who owns the locked crates, made of a dump of crates.io's database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use weft_gate::input::publishers::Snapshot;

use crate::command::{PrecisionChoice, Selection, facts, output, today};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::{files, publishers};

#[derive(Debug, Args)]
pub(super) struct PublishersArgs {
    /// The dump, as crates.io publishes it: db-dump.tar.gz
    #[arg(long, value_name = "FILE", conflicts_with = "online")]
    dump: Option<PathBuf>,
    /// Fetch the dump, which is hundreds of megabytes large
    #[arg(long)]
    online: bool,
    /// Where to fetch it from
    #[arg(long, value_name = "URL", default_value = publishers::URL, requires = "online")]
    url: String,
    /// The snapshot that is written; by default it is printed
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep the owners of every crate, not only of the locked ones
    #[arg(long, conflicts_with_all = ["manifest_path", "lockfile"])]
    all: bool,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH", conflicts_with = "lockfile")]
    manifest_path: Option<PathBuf>,
    /// Read a Cargo.lock and nothing else
    #[arg(long, value_name = "PATH")]
    lockfile: Option<PathBuf>,
}

pub(super) fn run(args: &PublishersArgs) -> Result<ExitStatus, Error> {
    let names = match args.all {
        true => None,
        false => Some(locked(args)?),
    };
    let snapshot = match (&args.dump, args.online) {
        (Some(dump), _) => publishers::snapshot(dump, names.as_ref())?,
        (None, true) => fetched(&args.url, names.as_ref())?,
        (None, false) => {
            return Err(Error::usage(
                format!(
                    "it would connect to {}, and connections are opened on request alone",
                    args.url
                ),
                "add --online, or fetch it by other means and name it with --dump",
            ));
        }
    };
    let bytes = snapshot.to_canonical().map_err(|e| Error::Bug(e.to_string()))?;
    match &args.output {
        None => output::print(String::from_utf8_lossy(&bytes).into_owned())?,
        Some(path) => {
            files::write_output(path, &bytes)?;
            output::print(summary(&snapshot, names.as_ref(), path))?;
        }
    }
    Ok(ExitStatus::Passed)
}

/// Returns the names of the locked crates of crates.io.
fn locked(args: &PublishersArgs) -> Result<BTreeSet<String>, Error> {
    let selection = Selection {
        manifest_path: args.manifest_path.clone(),
        lockfile: args.lockfile.clone(),
        precision: PrecisionChoice::Lock,
        policy: None,
        offline: true,
        online: false,
    };
    let loaded = facts::load(&selection, today())?;
    let packages = loaded.inventory()?.packages.iter();
    Ok(packages.filter(|p| p.source.is_crates_io()).map(|p| p.name.clone()).collect())
}

#[cfg(feature = "online")]
fn fetched(url: &str, names: Option<&BTreeSet<String>>) -> Result<Snapshot, Error> {
    let named =
        |source| Error::File { action: "write", path: "a temporary file".to_owned(), source };
    let mut file = tempfile::NamedTempFile::new().map_err(named)?;
    crate::source::online::dump::fetch(url, &mut file)?;
    publishers::snapshot(file.path(), names)
}

#[cfg(not(feature = "online"))]
fn fetched(url: &str, _: Option<&BTreeSet<String>>) -> Result<Snapshot, Error> {
    Err(Error::usage(
        "this build of weft opens no connections",
        format!("fetch {url} by other means, and name it with --dump"),
    ))
}

fn summary(snapshot: &Snapshot, names: Option<&BTreeSet<String>>, path: &Path) -> String {
    let known = snapshot.crates.len();
    let of = match names {
        None => format!("{known} crates"),
        Some(names) => format!("{known} of {} locked crates of crates.io", names.len()),
    };
    let shown = terminal(&path.display().to_string());
    format!(
        "the owners of {of}, as of {}\n  dump sha256 {}\n  next: [publishers] snapshot = \"{shown}\" in weft.toml\n",
        snapshot.dump.date, snapshot.dump.sha256
    )
}
