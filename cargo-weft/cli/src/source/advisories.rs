//! Reads a database of advisories: a git clone as it is committed, or a directory as it lies there.
//!
//! All of it is read and parsed, so that a database that is partly unreadable is noticed whichever packages are locked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use weft_gate::advisory::{Advisories, Database};
use weft_gate::input::advisory::{self, Entry};
use weft_verify::Sha256;

use super::cargo;
use super::files;
use super::git::Git;

/// Where the database is published.
pub const URL: &str = "https://github.com/RustSec/advisory-db.git";

/// The folder of a database that is about crates.
const FOLDER: &str = "crates";

/// The most advisories that are read.
const MAX_FILES: usize = 100_000;

/// A file of the database: its path, `crates/<crate>/<id>.md`, and its bytes.
type File = (String, Vec<u8>);

/// Returns where `cargo weft db update` puts the database.
pub fn default_directory() -> Option<PathBuf> {
    Some(cargo::cargo_home()?.join("weft").join("advisory-db"))
}

/// Reads the database at `directory`; advisories are kept for the crates called `names`.
///
/// # Errors
///
/// A sentence: why there is no database to judge by.
pub fn load(
    directory: &Path,
    checkout: &Path,
    names: &BTreeSet<&str>,
) -> Result<Advisories, String> {
    if !directory.is_dir() {
        return Err("there is no advisory database; `cargo weft db update` fetches one".to_owned());
    }
    let unreadable = |why: String| format!("the advisory database cannot be read: {why}");
    let git = Git::open(directory, checkout).map_err(unreadable)?;
    let (files, commit) = match git {
        Some(git) => committed(&git).map(|(files, commit, date)| (files, Some((commit, date)))),
        None => lying(directory).map(|files| (files, None)),
    }
    .map_err(unreadable)?;
    judge(files, commit, names)
}

/// Fetches the newest commit into the clone at `directory`, made if it is not there.
///
/// As a user's own command, git is run with their configuration: proxies, certificates and credentials are there.
/// For somebody's `checkout` it is a program from elsewhere, which knows no more than it needs to reach a server.
/// It is run beside the clone, so that no repository around the caller counts.
/// The clone is bare, and has the newest commit alone.
///
/// # Errors
///
/// A sentence, with what git said.
pub fn update(directory: &Path, url: &str, checkout: Option<&Path>) -> Result<(), String> {
    if url.starts_with('-') || url.starts_with("ext::") {
        return Err("this is not the address of a repository".to_owned());
    }
    let directory = std::path::absolute(directory).map_err(|e| e.to_string())?;
    let parent = directory.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(|e| e.to_string())?;
    let checkout = checkout.map(|checkout| checkout.canonicalize().map_err(|e| e.to_string()));
    let checkout = checkout.transpose()?;
    let program = match &checkout {
        None => PathBuf::from("git"),
        Some(checkout) => cargo::find_program("git", checkout)
            .ok_or("no `git` was found on PATH outside of the checkout")?,
    };
    let git = |arguments: &[&str]| git(&program, checkout.as_deref(), parent, arguments);
    let is_bare = directory.join("HEAD").is_file();
    if !is_bare && directory.exists() {
        return Err(format!("{} is not a clone that weft made", directory.display()));
    }
    if is_bare {
        let clone = format!("--git-dir={}", directory.display());
        let fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--force", "--", url, "HEAD"];
        git(&[&[&*clone], &fetch[..]].concat())?;
        // What was fetched replaces what was there in one step.
        return git(&[&clone, "update-ref", "--no-deref", "HEAD", "FETCH_HEAD"]);
    }
    let fresh = tempfile::tempdir_in(parent).map_err(|e| e.to_string())?;
    let path = fresh.path().join("clone");
    let clone = ["clone", "--quiet", "--bare", "--depth=1", "--no-tags", "--", url];
    git(&[&clone[..], &[&path.to_string_lossy()]].concat())?;
    fs::rename(&path, &directory).map_err(|e| e.to_string())
}

fn git(
    program: &Path,
    checkout: Option<&Path>,
    at: &Path,
    arguments: &[&str],
) -> Result<(), String> {
    let mut command = std::process::Command::new(program);
    if let Some(checkout) = checkout {
        command.env_clear().envs(cargo::environment(checkout, true));
        command.envs(std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("GIT_SSL_") || name == "GIT_CONFIG_GLOBAL"
        }));
    }
    let output = command
        .args(arguments)
        .current_dir(at)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_DIR")
        .output()
        .map_err(|e| format!("git cannot be run: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().last().unwrap_or("git failed");
            Err(crate::escape::terminal(line))
        }
    }
}

/// Reads what a clone has committed at HEAD, whatever lies in its work tree.
fn committed(git: &Git) -> Result<(Vec<File>, String, Date), String> {
    let commit = git.commit("HEAD")?;
    let date = Timestamp::from_second(git.committed(&commit)?).map_err(|e| e.to_string())?;
    let mut blobs = git.files(&commit, FOLDER)?;
    blobs.retain(|blob| !is_hidden(&blob.path));
    if blobs.len() > MAX_FILES {
        return Err(format!("it holds more than {MAX_FILES} files"));
    }
    let contents = git.contents(&blobs, advisory::MAX_BYTES)?;
    let files = blobs.into_iter().map(|blob| blob.path).zip(contents).collect();
    Ok((files, commit, date.to_zoned(TimeZone::UTC).date()))
}

/// Reads a directory; links in it are not followed.
fn lying(directory: &Path) -> Result<Vec<File>, String> {
    let mut names = Vec::new();
    for package in entries(&directory.join(FOLDER), FOLDER)? {
        let folder = format!("{FOLDER}/{package}");
        for file in entries(&directory.join(&folder), &folder)? {
            names.push(format!("{folder}/{file}"));
        }
    }
    if names.len() > MAX_FILES {
        return Err(format!("it holds more than {MAX_FILES} files"));
    }
    let read = |name: String| {
        let path = directory.join(&name);
        let regular = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !regular {
            return Err(format!("{name} is not a regular file"));
        }
        let bytes = files::read_bounded(&path, advisory::MAX_BYTES);
        bytes.map(|bytes| (name.clone(), bytes)).map_err(|e| format!("{name} {e}"))
    };
    names.into_par_iter().map(read).collect()
}

/// Lists a directory, without hidden files.
fn entries(path: &Path, name: &str) -> Result<Vec<String>, String> {
    let failed = |e: std::io::Error| format!("{name}: {}", e.kind());
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.file_name();
        let entry = entry.into_string().map_err(|_| format!("{name}: a name is not UTF-8"))?;
        if !is_hidden(&entry) {
            names.push(entry);
        }
    }
    Ok(names)
}

fn is_hidden(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
}

fn judge(
    mut files: Vec<File>,
    commit: Option<(String, Date)>,
    names: &BTreeSet<&str>,
) -> Result<Advisories, String> {
    files.sort();
    let read: Vec<_> = files
        .par_iter()
        .map(|(name, bytes)| (Sha256::of(bytes), advisory::parse(name, bytes)))
        .collect();
    let mut list = String::new();
    let mut entries: Vec<Entry> = Vec::with_capacity(read.len());
    let mut faults = Vec::new();
    for ((name, _), (digest, entry)) in files.iter().zip(read) {
        list += &format!("{digest}  {name}\n");
        match entry {
            Ok(entry) => entries.push(entry),
            Err(diagnostic) => faults.push(diagnostic),
        }
    }
    if let Some(first) = faults.first() {
        let first = crate::escape::terminal(&format!("{}: {}", first.file, first.message));
        let first = first.lines().next().unwrap_or_default();
        let message = format!(
            "{} of {} advisories in the database cannot be read, the first of them {first}",
            faults.len(),
            files.len()
        );
        return Err(message);
    }
    let Some(newest) = entries.iter().map(|entry| entry.date).max() else {
        return Err("the advisory database holds no advisory".to_owned());
    };
    let (commit, date) = commit.map_or((None, newest), |(commit, date)| (Some(commit), date));
    let database = Database {
        advisories: entries.len() as u64,
        commit,
        date,
        sha256: Sha256::of(list.as_bytes()),
    };
    let relevant = |entry: &Entry| entry.counts && names.contains(&*entry.advisory.package);
    let entries = entries.into_iter().filter(relevant).map(|entry| entry.advisory).collect();
    Ok(Advisories { database, entries })
}
