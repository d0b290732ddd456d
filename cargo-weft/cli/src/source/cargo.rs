//! Runs `cargo metadata`, and `cargo update` on a scratch copy, without obeying the tree it looks at.
//!
//! Cargo takes its configuration from where it is run, and rustup its toolchain; so Cargo is run in an empty directory,
//! with an absolute `--manifest-path`, a scrubbed environment, and only those settings of the tree that
//! [`cargo_config`](weft_gate::input::cargo_config) passes on.
//! Programs are looked up outside the checkout only, and Cargo is not run at all where it would follow a path that weft has
//! not looked at.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, thread};

use weft_gate::input::metadata::MAX_BYTES;

/// Longer than Cargo takes for any workspace that can be built.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How long to wait before showing that something is going on.
const PATIENCE: Duration = Duration::from_millis(600);

/// How much of Cargo's standard error is kept.
const MAX_STDERR: u64 = 64 << 10;

/// The reason that is also a finding.
const STALE: &str = "cargo would have to change the lockfile first";

/// The reason for everything that is not known to be harmless.
const REFUSED: &str = "cargo metadata fails on this workspace";

/// Variables that Cargo and rustup need to find their own files.
const KEPT: [&str; 10] = [
    "HOME",
    "USERPROFILE",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "SYSTEMROOT",
    "PATHEXT",
];

/// Prefixes of variables that matter on the way to a registry.
const KEPT_ONLINE: [&str; 8] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "HTTP",
    "http",
    "SSL_CERT_",
    "SSH_AUTH_SOCK",
];

/// Why there is no metadata.
#[derive(Debug)]
pub struct Failure {
    /// A sentence without anything of this machine.
    pub reason: &'static str,
    /// Whether Cargo would have to change the lockfile.
    pub stale: bool,
    /// Whether Cargo refuses the tree for a reason that weft does not know, so that no other graph will do.
    pub refused: bool,
    /// What Cargo said, for the terminal.
    pub details: String,
}

/// Returns what `cargo metadata` prints for the workspace at `root`; no program in `checkout` is run.
///
/// Both are canonical.
///
/// # Errors
///
/// A [`Failure`]; nothing of it is the tree's doing but the text of `details`.
pub fn metadata(
    root: &Path,
    checkout: &Path,
    arguments: &[String],
    online: bool,
) -> Result<Vec<u8>, Failure> {
    let cargo = find_cargo(checkout)?;
    let empty = empty_directory(checkout)?;
    let run = |network: &[&str], arguments: &[String]| {
        let mut command = Command::new(&cargo);
        command
            .args(["metadata", "--format-version=1", "--all-features", "--locked", "--color=never"])
            .args(network)
            .arg("--manifest-path")
            .arg(root.join("Cargo.toml"))
            .args(arguments.iter().flat_map(|argument| ["--config", argument]))
            .current_dir(empty.path())
            .env_clear()
            .envs(environment(checkout, online));
        capture(command, "cargo metadata")
    };
    match run(&["--offline"], arguments) {
        Err(failure) if online && failure.details.contains("--offline") => {
            // Cargo sends a token by the registry's name, so the tree may not say where that is.
            let is_harmless = |argument: &&String| !argument.starts_with("\"registries\".");
            let harmless: Vec<String> = arguments.iter().filter(is_harmless).cloned().collect();
            run(&[], &harmless)
        }
        result => result,
    }
}

/// Lets Cargo change the lockfile beside `manifest`, which lies in a scratch copy; `what` are the arguments of
/// `cargo update`, and no program in `checkout` is run.
///
/// # Errors
///
/// A [`Failure`], whose `details` name the scratch copy.
pub fn update(
    manifest: &Path,
    checkout: &Path,
    arguments: &[String],
    what: &[&str],
    online: bool,
) -> Result<(), Failure> {
    let empty = empty_directory(checkout)?;
    let mut command = Command::new(find_cargo(checkout)?);
    let is_harmless = |argument: &&String| !online || !argument.starts_with("\"registries\".");
    let harmless = arguments.iter().filter(is_harmless);
    command
        .args(["update", "--color=never"])
        .args((!online).then_some("--offline"))
        .arg("--manifest-path")
        .arg(manifest)
        .args(harmless.flat_map(|argument| ["--config", argument]))
        .args(what)
        .current_dir(empty.path())
        .env_clear()
        .envs(environment(checkout, online));
    capture(command, "cargo update").map(drop)
}

/// Returns the directory of Cargo's own configuration.
pub fn cargo_home() -> Option<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

fn failure(reason: &'static str, details: impl Into<String>) -> Failure {
    Failure { reason, stale: reason == STALE, refused: reason == REFUSED, details: details.into() }
}

/// Finds a cargo that the tree cannot have put there.
pub(super) fn find_cargo(checkout: &Path) -> Result<PathBuf, Failure> {
    let stated = env::var_os("CARGO").map(PathBuf::from).filter(|path| is_outside(path, checkout));
    stated.or_else(|| find_program("cargo", checkout)).ok_or_else(|| {
        failure("no cargo is installed", "no `cargo` was found on PATH outside the audited tree")
    })
}

/// Finds a program on PATH that the tree cannot have put there.
pub(super) fn find_program(name: &str, checkout: &Path) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let found = search_path(checkout).into_iter().map(|directory| directory.join(&name));
    found.into_iter().find(|path| is_outside(path, checkout))
}

fn is_outside(program: &Path, checkout: &Path) -> bool {
    program.is_absolute()
        && program.canonicalize().is_ok_and(|real| real.is_file() && !real.starts_with(checkout))
}

/// Returns the absolute directories of PATH that are not in the tree.
fn search_path(checkout: &Path) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_tree = |path: &Path| path.canonicalize().is_ok_and(|real| real.starts_with(checkout));
    env::split_paths(&path).filter(|path| path.is_absolute() && !in_tree(path)).collect()
}

/// Makes a directory above which no Cargo configuration lies but the user's own.
pub(super) fn empty_directory(checkout: &Path) -> Result<tempfile::TempDir, Failure> {
    let directory = tempfile::tempdir()
        .map_err(|e| failure("no temporary directory can be made", e.to_string()))?;
    let real = directory
        .path()
        .canonicalize()
        .map_err(|e| failure("no temporary directory can be made", e.to_string()))?;
    let strange = obeyed_above(&real);
    let strange = strange.or_else(|| real.starts_with(checkout).then(|| checkout.to_owned()));
    match strange {
        None => Ok(directory),
        Some(above) => {
            let details = format!(
                "{} would be obeyed by Cargo or rustup in a temporary directory below it; set TMPDIR elsewhere",
                above.display()
            );
            Err(failure(
                "the temporary directory lies below a Cargo configuration, a toolchain file or the checkout",
                details,
            ))
        }
    }
}

/// Returns a directory, at or above a canonical one, in which Cargo or rustup would find something to obey that is not the
/// user's own.
pub(super) fn obeyed_above(real: &Path) -> Option<PathBuf> {
    let home = cargo_home().and_then(|home| home.canonicalize().ok());
    let strange = real.ancestors().find(|above| {
        let dot_cargo = above.join(".cargo");
        let config = ["config.toml", "config"]
            .iter()
            .any(|name| dot_cargo.join(name).symlink_metadata().is_ok());
        // rustup would obey a toolchain file, which may name a directory of programs.
        let toolchain = ["rust-toolchain.toml", "rust-toolchain"]
            .iter()
            .any(|name| above.join(name).symlink_metadata().is_ok());
        toolchain || config && dot_cargo.canonicalize().ok() != home
    });
    strange.map(Path::to_owned)
}

/// Returns what Cargo and rustup need to find their own files, and a path of programs that lie outside of the tree.
pub(super) fn environment(checkout: &Path, online: bool) -> Vec<(OsString, OsString)> {
    let kept = |name: &str| {
        KEPT.contains(&name)
            || online && KEPT_ONLINE.iter().any(|prefix| name.starts_with(prefix))
            || online && matches!(name, "ALL_PROXY" | "all_proxy" | "NO_PROXY" | "no_proxy")
    };
    let mut variables: Vec<(OsString, OsString)> =
        env::vars_os().filter(|(name, _)| name.to_str().is_some_and(kept)).collect();
    // A toolchain by path could be the tree's own.
    if let Some(toolchain) =
        env::var_os("RUSTUP_TOOLCHAIN").filter(|t| !t.to_string_lossy().contains(['/', '\\']))
    {
        variables.push(("RUSTUP_TOOLCHAIN".into(), toolchain));
    }
    if let Ok(path) = env::join_paths(search_path(checkout)) {
        variables.push(("PATH".into(), path));
    }
    variables.push(("RUSTUP_AUTO_INSTALL".into(), "0".into()));
    variables
}

/// Runs a command within bounds of time and output.
fn capture(mut command: Command, name: &'static str) -> Result<Vec<u8>, Failure> {
    let start = |e: io::Error| failure("cargo cannot be started", e.to_string());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let stdout = drain(child.stdout.take(), MAX_BYTES as u64 + 1);
    let stderr = drain(child.stderr.take(), MAX_STDERR);
    let output = wait(&mut child, &stdout, name)?;
    let status = child.wait().map_err(start)?;
    let said = String::from_utf8_lossy(&stderr.recv().unwrap_or_default()).into_owned();
    match status.success() {
        true => Ok(output),
        false => Err(failure(classify(&said), said)),
    }
}

/// Reads a pipe to its end in a thread; what is beyond `limit` is dropped.
fn drain(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let whole = pipe.by_ref().take(limit).read_to_end(&mut bytes);
            let rest = io::copy(&mut pipe, &mut io::sink());
            if whole.and(rest).is_err() {
                bytes.clear();
            }
        }
        // The receiver is gone only if the wait was given up.
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(
    child: &mut Child,
    stdout: &Receiver<Vec<u8>>,
    name: &'static str,
) -> Result<Vec<u8>, Failure> {
    let started = Instant::now();
    if let Ok(bytes) = stdout.recv_timeout(PATIENCE) {
        return Ok(bytes);
    }
    let spinner = indicatif::ProgressBar::new_spinner().with_message(name);
    spinner.enable_steady_tick(Duration::from_millis(100));
    let result = stdout.recv_timeout(TIMEOUT.saturating_sub(started.elapsed()));
    spinner.finish_and_clear();
    match result {
        Ok(bytes) => Ok(bytes),
        Err(RecvTimeoutError::Disconnected) => Err(failure("cargo's output was lost", "")),
        Err(RecvTimeoutError::Timeout) => {
            // It may have ended by itself in between.
            let _ = child.kill();
            let _ = child.wait();
            Err(failure("cargo took longer than five minutes", ""))
        }
    }
}

/// Cargo's messages hold paths of this machine, so reports get one of these sentences instead.
fn classify(stderr: &str) -> &'static str {
    let says = |text: &str| stderr.contains(text);
    if says("because --locked was passed") || says("needs to be updated but --locked") {
        STALE
    } else if says("--offline") || says("failed to download") || says("unable to update") {
        "not every package is downloaded; run `cargo fetch --locked`, or pass --online"
    } else if says("is not installed")
        || says("no default is configured")
        || says("could not choose a version of cargo")
    {
        "rustup has no toolchain to run cargo with"
    } else {
        REFUSED
    }
}
