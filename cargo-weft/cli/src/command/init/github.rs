//! `cargo weft init --github`: writes the workflows that run weft as an action, pinned to a commit of it.
//!
//! GitHub reads workflows at the top of a repository, so they are written there, and say where the workspace is.

use std::fs;
use std::path::{Path, PathBuf};

use super::InitArgs;
use crate::command::output;
use crate::error::{Error, ExitStatus};
use crate::source::{files, workspace};

/// The workflows, by their names.
const WORKFLOWS: [(&str, &str); 3] = [
    ("weft.yml", include_str!("../../../../../templates/github/weft.yml")),
    ("weft-report.yml", include_str!("../../../../../templates/github/weft-report.yml")),
    ("weft-release.yml", include_str!("../../../../../templates/github/weft-release.yml")),
];

/// The commit of the action that belongs to this program, which whoever builds a release says.
const OWN_COMMIT: Option<&str> = option_env!("WEFT_ACTION_SHA");

/// Writes the workflows into the repository around the workspace, or none of them.
pub(super) fn write(args: &InitArgs) -> Result<ExitStatus, Error> {
    let root = workspace::root(args.manifest_path.as_deref())?;
    let top = top(&root)?;
    let directory = directory(&root, top)?;
    let pin = pin(args.pin.as_deref())?;
    let fill = |(name, template): (&'static str, &str)| {
        let text = template.replace("WEFT_ACTION_SHA", &pin);
        (name, text.replace("WEFT_DIRECTORY", &directory))
    };
    let filled = WORKFLOWS.map(fill);
    if args.dry_run {
        let shown = filled.map(|(name, text)| format!("# .github/workflows/{name}\n{text}"));
        output::print(shown.join("\n"))?;
        return Ok(ExitStatus::Passed);
    }
    let place = place(top)?;
    for (name, _) in &filled {
        if !args.force && place.join(name).symlink_metadata().is_ok() {
            return Err(Error::usage(
                format!(".github/workflows/{name} is there already"),
                "--force replaces the workflows that init writes, --dry-run prints the new ones",
            ));
        }
    }
    make(&place)?;
    for (name, text) in &filled {
        match args.force {
            true => files::replace(&place.join(name), text.as_bytes())?,
            false => files::create_whole(&place.join(name), text.as_bytes())?,
        }
    }
    output::print(format!(
        "wrote {} to .github/workflows, pinned to {pin}\n\
         next: commit them, and make the job `weft` a required check\n",
        filled.map(|(name, _)| name).join(", ")
    ))?;
    Ok(ExitStatus::Passed)
}

/// Reads the id of a commit, which is written out: a branch, a tag or a shortened id can come to mean another one.
pub(super) fn commit(text: &str) -> Result<String, String> {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match text.len() == 40 && text.chars().all(is_digit) {
        true => Ok(text.to_owned()),
        false => Err("a commit has 40 digits, 0 to 9 and a to f".to_owned()),
    }
}

fn pin(named: Option<&str>) -> Result<String, Error> {
    let pin = named.or(OWN_COMMIT).ok_or_else(|| {
        Error::usage(
            "nothing says which commit of the action the workflows pin",
            concat!("name one of ", env!("CARGO_PKG_REPOSITORY"), " that you trust: --pin SHA"),
        )
    })?;
    commit(pin).map_err(|why| Error::Bug(format!("built with WEFT_ACTION_SHA={pin:?}: {why}")))
}

/// Returns the top of the repository around the workspace.
fn top(root: &Path) -> Result<&Path, Error> {
    let is_top = |above: &&Path| above.join(".git").symlink_metadata().is_ok();
    root.ancestors().find(is_top).ok_or_else(|| {
        Error::usage(
            "the workspace is in no git repository, where GitHub would look for workflows",
            "run `git init` at the top of what is to be pushed",
        )
    })
}

/// Returns the workspace below the top, by a name that means itself in YAML and in GitHub's expressions.
fn directory(root: &Path, top: &Path) -> Result<String, Error> {
    let below = files::relative(top, root)
        .filter(|path| path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)));
    match below.as_deref() {
        Some("") => Ok(".".to_owned()),
        Some(path) => Ok(path.to_owned()),
        None => Err(Error::usage(
            "the path of the workspace has characters that a workflow may read as more than a name",
            "letters, digits, `.`, `_`, `-` and `/` are fit; rename the directory",
        )),
    }
}

/// Returns where workflows lie; a link in that place would lead the files elsewhere.
fn place(top: &Path) -> Result<PathBuf, Error> {
    let place = top.join(".github/workflows");
    for directory in [top.join(".github"), place.clone()] {
        if directory.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(Error::usage(
                "`.github/workflows` is a link, or no directory",
                "put a directory in its place, or print the workflows: --dry-run",
            ));
        }
    }
    Ok(place)
}

fn make(place: &Path) -> Result<(), Error> {
    let path = ".github/workflows".to_owned();
    fs::create_dir_all(place).map_err(|source| Error::File { action: "write", path, source })
}
