//! Builds a commit again, in a clean directory: one of the places where weft runs what a tree holds.
//!
//! It is asked for by name, `cargo weft release reproduce`; no gate does it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use weft_gate::release::reproduce::{self, BuiltArtifact, Environment, Found};

use super::{MAX_ARTIFACT, toolchain};
use crate::source::git::Git;
use crate::source::{cargo, files};

/// How much of the end of what a build says is kept.
const MAX_SAID: usize = 16 << 10;

/// Longer than any build takes that somebody waits for.
const TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

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
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = parent.unwrap_or(Path::new(".")).canonicalize().map_err(failed)?;
                demand_clean(&parent)?;
                fs::create_dir(path).map_err(failed)?;
                (path.to_owned(), None)
            }
            None => {
                let directory = tempfile::tempdir().map_err(failed)?;
                demand_clean(&directory.path().canonicalize().map_err(failed)?)?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        let real = path.canonicalize().map_err(failed)?;
        let top = real.join("source");
        fs::create_dir(&top).map_err(failed)?;
        git.check_out(commit, &top)?;
        Ok(Self { top, checkout: checkout.to_owned(), _temporary: temporary })
    }

    /// Returns the real place of a directory of the sources.
    ///
    /// # Errors
    ///
    /// A sentence: it is not there, or a link of the commit leads out of the sources.
    pub fn workspace(&self, directory: &str) -> Result<PathBuf, String> {
        let real = self.top.join(directory).canonicalize();
        let real = real.map_err(|e| format!("the commit has no directory {directory:?}: {e}"))?;
        match real.starts_with(&self.top) && real.is_dir() {
            true => Ok(real),
            false => Err(format!("{directory:?} is no directory of the commit")),
        }
    }

    /// Builds what is in a [`workspace`](Self::workspace) as it is recorded, and returns Cargo's target directory.
    ///
    /// # Errors
    ///
    /// A sentence, with the end of what the build says.
    pub fn build(
        &self,
        workspace: &Path,
        environment: &Environment,
        command: &reproduce::Command,
        online: bool,
    ) -> Result<PathBuf, String> {
        let target = workspace.join("target");
        if target.symlink_metadata().is_ok() {
            return Err("the commit has a directory `target` of its own".to_owned());
        }
        let cargo = cargo::find_cargo(&self.checkout).map_err(|failure| failure.reason)?;
        let places = toolchain::places(&self.top, &target);
        let mut build = Command::new(cargo);
        build
            .args(command.arguments(online))
            .current_dir(workspace)
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

/// Demands that Cargo finds nothing to obey in a canonical directory or above it.
fn demand_clean(real: &Path) -> Result<(), String> {
    let strange = cargo::obeyed_above(real).or_else(|| {
        let manifest = |above: &&Path| above.join("Cargo.toml").symlink_metadata().is_ok();
        real.ancestors().find(manifest).map(Path::to_owned)
    });
    strange.map_or(Ok(()), |above| {
        let shown = above.display();
        Err(format!("the directory is not clean: Cargo would obey what is in {shown}"))
    })
}

/// Runs a build to its end; what it says is shown only if it fails.
fn run(mut build: Command) -> Result<(), String> {
    build.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = build.spawn().map_err(|e| format!("cargo cannot be started: {e}"))?;
    let (sender, said) = channel();
    let pipe = child.stderr.take();
    // The receiver is gone only if the wait was given up.
    thread::spawn(move || sender.send(pipe.map(end_of).unwrap_or_default()));
    let spinner = indicatif::ProgressBar::new_spinner().with_message("building");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let said = said.recv_timeout(TIMEOUT);
    if said.is_err() {
        // It may have ended by itself in between.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| format!("cargo cannot be waited for: {e}"));
    spinner.finish_and_clear();
    let status = status?;
    let said =
        said.map_err(|_| format!("the build took longer than {} hours", TIMEOUT.as_secs() / 3600))?;
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

/// Takes apart what a build left under these names in a directory below Cargo's target directory, which is canonical.
///
/// Each has to be a regular file that really lies there: what is reached through a link was perhaps not built.
pub fn outputs<'a>(
    target: &Path,
    directory: &str,
    names: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, Found> {
    let made = |name: &str| {
        let path = target.join(directory).join(name);
        let metadata = path.symlink_metadata();
        let metadata =
            metadata.map_err(|_| format!("the build did not make target/{directory}/{name}"))?;
        let real = path.canonicalize().map_err(|e| format!("cannot be read: {}", e.kind()))?;
        if real != path {
            return Err(format!("target/{directory}/{name} is reached through a link"));
        }
        if !metadata.is_file() {
            return Err("is no regular file".to_owned());
        }
        let bytes = files::read_bounded(&real, MAX_ARTIFACT).map_err(|why| why.to_string())?;
        Ok(BuiltArtifact::of(name, &bytes))
    };
    names.map(|name| (name.to_owned(), made(name))).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_counts_as_built_where_it_really_lies() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        let target = top.join("target");
        fs::create_dir_all(target.join("release")).unwrap();
        fs::create_dir(top.join("elsewhere")).unwrap();
        for path in ["elsewhere/app", "target/release/app"] {
            fs::write(top.join(path), "x").unwrap();
        }
        symlink("app", target.join("release/link")).unwrap();
        symlink("../elsewhere", target.join("package")).unwrap();
        fs::create_dir(target.join("release/folder")).unwrap();
        let made = |target: &Path, directory: &str, name: &str| {
            outputs(target, directory, [name].into_iter()).remove(name).unwrap().map(|_| ())
        };
        assert_eq!(made(&target, "release", "app"), Ok(()));
        for (directory, name, why) in [
            ("release", "link", "through a link"),
            ("release", "folder", "no regular file"),
            ("release", "absent", "did not make"),
            ("package", "app", "through a link"),
        ] {
            let found = made(&target, directory, name).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
        // The whole target directory may be a link as well.
        symlink("elsewhere", top.join("other")).unwrap();
        assert!(made(&top.join("other"), "", "app").unwrap_err().contains("through a link"));
    }

    #[test]
    fn a_workspace_lies_in_the_sources() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().canonicalize().unwrap();
        let top = real.join("source");
        fs::create_dir_all(top.join("member")).unwrap();
        fs::create_dir(real.join("outside")).unwrap();
        symlink("../outside", top.join("out")).unwrap();
        symlink("member", top.join("in")).unwrap();
        fs::write(top.join("file"), "").unwrap();
        let clean = Clean { top: top.clone(), checkout: real.clone(), _temporary: None };
        assert_eq!(clean.workspace(""), Ok(top.clone()));
        assert_eq!(clean.workspace("member"), Ok(top.join("member")));
        assert_eq!(clean.workspace("in"), Ok(top.join("member")));
        for directory in ["out", "file", "absent"] {
            assert!(clean.workspace(directory).is_err(), "{directory}");
        }
    }
}
