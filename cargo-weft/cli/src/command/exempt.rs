//! `cargo weft exempt`: puts a finding off until a day, with a reason and two names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use toml_edit::{ArrayOfTables, Datetime, DocumentMut, Item, Table, value};
use weft_gate::input;

use super::output;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::exemptions::FILE;
use crate::source::{exemptions, files, workspace};

#[derive(Debug, Args)]
pub(super) struct ExemptArgs {
    /// The check's code, such as `advisory/unsound`
    code: String,
    /// The finding's subject, exactly as the report has it (`--format json`)
    subject: String,
    #[command(flatten)]
    terms: Terms,
    /// Exempt it on this path alone: `name@version` from a member to the package, separated by ` > `
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// Who answers for an exemption, why and until when.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// Why the finding may stand until then
    #[arg(long)]
    pub(super) reason: String,
    /// Who answers for it
    #[arg(long)]
    pub(super) owner: String,
    /// Who agreed to it, and is not its owner
    #[arg(long)]
    pub(super) approver: String,
    /// The last day it holds
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) expires: Date,
}

/// A finding to be exempted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) code: String,
    pub(super) subject: String,
    pub(super) path: Option<Vec<String>>,
}

pub(super) fn run(args: &ExemptArgs) -> Result<ExitStatus, Error> {
    let path = args.path.as_ref().map(|path| path.split(" > ").map(str::to_owned).collect());
    let target = Target { code: args.code.clone(), subject: args.subject.clone(), path };
    let root = workspace::root(args.manifest_path.as_deref())?;
    if args.terms.expires < super::today() {
        let message = format!("{} is over already", args.terms.expires);
        return Err(Error::usage(message, "name the last day it is to hold"));
    }
    add(&root, &BTreeSet::from([target]), &args.terms)?;
    output::print(format!(
        "wrote {FILE}: {} for {} is exempted until {}\n",
        terminal(&args.code),
        terminal(&args.subject),
        args.terms.expires
    ))?;
    Ok(ExitStatus::Passed)
}

/// Adds exemptions to the file; one that is there for the same finding gets the new terms.
///
/// What is in the file otherwise stays as it is written.
///
/// # Errors
///
/// A fault that the file has, or would have; then nothing is written.
pub(super) fn add(root: &Path, targets: &BTreeSet<Target>, terms: &Terms) -> Result<(), Error> {
    exemptions::load(root)?;
    let path = root.join(FILE);
    let text = match files::read_inside(root, &path, input::exemptions::MAX_BYTES) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) => format!("schema = {}\n", input::exemptions::SCHEMA),
        Err(refusal) => return Err(Error::usage(format!("{FILE} {refusal}"), "correct it first")),
    };
    let broken = || Error::usage(format!("{FILE} cannot be edited"), "correct it first");
    let mut document: DocumentMut = text.parse().map_err(|_| broken())?;
    let list = document.entry("exemption").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let list = list.as_array_of_tables_mut().ok_or_else(|| {
        Error::usage(
            format!("{FILE} holds its exemptions in an inline array"),
            "write each as a table `[[exemption]]`",
        )
    })?;
    for target in targets {
        let found = list.iter().position(|entry| is(entry, target));
        let index = found.unwrap_or(list.len());
        if found.is_none() {
            list.push(entry(target));
        }
        let entry = list.get_mut(index).ok_or_else(broken)?;
        let expires: Datetime = terms.expires.to_string().parse().map_err(|_| broken())?;
        set(entry, "reason", terms.reason.as_str());
        set(entry, "owner", terms.owner.as_str());
        set(entry, "approver", terms.approver.as_str());
        set(entry, "expires", expires);
    }
    let text = document.to_string();
    // What would not be read again is not written.
    input::exemptions::parse(FILE, text.as_bytes())
        .map_err(|diagnostic| Error::Config { diagnostic, text: text.clone() })?;
    if let Some(directory) = path.parent() {
        let failed = |source| Error::File { action: "write", path: FILE.to_owned(), source };
        fs::create_dir_all(directory).map_err(failed)?;
        if !directory.canonicalize().map_err(failed)?.starts_with(root) {
            let message = "`.weft` leads out of the workspace, so nothing is written there";
            return Err(Error::usage(message, "make it a directory of the workspace"));
        }
    }
    files::replace(&path, text.as_bytes())
}

/// Sets a value, and keeps the comment behind the one that was there.
fn set(entry: &mut Table, key: &str, new: impl Into<toml_edit::Value>) {
    let mut new = new.into();
    if let Some(old) = entry.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    entry[key] = Item::Value(new);
}

fn is(entry: &Table, target: &Target) -> bool {
    let text = |key: &str| entry.get(key).and_then(Item::as_str).map(str::trim);
    let path = entry.get("path").and_then(Item::as_array).map(|path| {
        path.iter().filter_map(|part| part.as_str().map(str::to_owned)).collect::<Vec<_>>()
    });
    text("code") == Some(&target.code)
        && text("subject") == Some(&target.subject)
        && path == target.path
}

fn entry(target: &Target) -> Table {
    let mut entry = Table::new();
    entry["code"] = value(&target.code);
    entry["subject"] = value(&target.subject);
    if let Some(path) = &target.path {
        entry["path"] = value(path.iter().collect::<toml_edit::Array>());
    }
    entry
}
