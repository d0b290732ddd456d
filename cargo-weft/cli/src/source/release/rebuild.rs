//! Builds a commit again, in a clean directory: one of the places where weft runs what a tree holds.
//!
//! It is asked for by name, `cargo weft release reproduce`; no gate does it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use weft_gate::release::reproduce::{self, BuiltArtifact, Environment, Found};

use super::{MAX_ARTIFACT, toolchain};
use crate::source::git::Git;
use crate::source::{cargo, files};

/// How much of the end of what a build says is kept.
const MAX_SAID: usize = 16 << 10;

/// How many lines of it are told.
const MAX_LINES: usize = 12;

/// A clean directory with a commit in it.
#[derive(Debug)]
pub struct Clean {
    /// Where the sources are.
    pub top: PathBuf,
    /// The repository they come from, whose work tree is anybody's: no program of it is run.
    pub checkout: PathBuf,
    /// The directory, if it is removed at the end.
    _temporary: Option<tempfile::TempDir>,
}

impl Clean {
    /// Makes a directory and writes a commit of the repository at `checkout` into it; what is named is kept, and has to
    /// be new.
    ///
    /// # Errors
    ///
    /// A sentence: the directory is not clean, or the commit cannot be written.
    pub fn of(
        checkout: &Path,
        git: &Git,
        commit: &str,
        keep: Option<&Path>,
    ) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("no clean directory can be made: {e}");
        let (path, temporary) = match keep {
            Some(path) => {
                fs::create_dir(path).map_err(failed)?;
                (path.to_owned(), None)
            }
            None => {
                let directory = tempfile::tempdir().map_err(failed)?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        let real = path.canonicalize().map_err(failed)?;
        let strange = cargo::obeyed_above(&real).or_else(|| {
            let manifest = |above: &&Path| above.join("Cargo.toml").symlink_metadata().is_ok();
            real.ancestors().find(manifest).map(Path::to_owned)
        });
        if let Some(above) = strange {
            let shown = above.display();
            return Err(format!("the directory is not clean: Cargo would obey what is in {shown}"));
        }
        let top = real.join("source");
        fs::create_dir(&top).map_err(failed)?;
        git.check_out(commit, &top)?;
        Ok(Self { top, checkout: checkout.to_owned(), _temporary: temporary })
    }

    /// Builds what is there as it is recorded, and returns Cargo's target directory.
    ///
    /// # Errors
    ///
    /// A sentence, with the end of what the build says.
    pub fn build(
        &self,
        environment: &Environment,
        command: &reproduce::Command,
        online: bool,
    ) -> Result<PathBuf, String> {
        let directory = self.top.join(&environment.build.directory);
        let target = directory.join("target");
        if target.symlink_metadata().is_ok() {
            return Err("the commit has a directory `target` of its own".to_owned());
        }
        let cargo = cargo::find_cargo(&self.checkout).map_err(|failure| failure.reason)?;
        let places = toolchain::places(&self.top, &target);
        let mut build = Command::new(cargo);
        build
            .args(command.arguments(online))
            .current_dir(&directory)
            .env_clear()
            .envs(cargo::environment(&self.checkout, online))
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_TERM_COLOR", "never");
        for (name, value) in &environment.variables {
            let value = reproduce::placed(value, &places).map_err(|why| format!("{name} {why}"))?;
            build.env(name, value);
        }
        run(build)?;
        Ok(target)
    }
}

/// Runs a build to its end; what it says is shown only if it fails.
fn run(mut build: Command) -> Result<(), String> {
    build.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = build.spawn().map_err(|e| format!("cargo cannot be started: {e}"))?;
    let said = child.stderr.take().map(|pipe| thread::spawn(move || end_of(pipe)));
    let spinner = indicatif::ProgressBar::new_spinner().with_message("building");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
    let status = child.wait().map_err(|e| format!("cargo cannot be waited for: {e}"));
    spinner.finish_and_clear();
    let status = status?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join("\n");
    Err(format!("the build failed, {status}:\n{last}"))
}

/// Reads a pipe to its end and keeps the last of it.
fn end_of(mut pipe: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut piece) {
        kept.extend_from_slice(&piece[..length]);
        let surplus = kept.len().saturating_sub(MAX_SAID);
        kept.drain(..surplus);
    }
    kept
}

/// Takes apart what a build left under these names, each from the first of the directories that has it.
pub fn outputs<'a>(
    target: &Path,
    directories: &[String],
    names: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, Found> {
    let mut outputs = BTreeMap::new();
    for name in names {
        let paths = directories.iter().map(|directory| target.join(directory).join(name));
        let Some(path) = paths.into_iter().find(|path| path.symlink_metadata().is_ok()) else {
            continue;
        };
        let found = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => files::read_bounded(&path, MAX_ARTIFACT)
                .map(|bytes| BuiltArtifact::of(name, &bytes))
                .map_err(|why| why.to_string()),
            _ => Err("is no regular file".to_owned()),
        };
        outputs.insert(name.to_owned(), found);
    }
    outputs
}
