//! What both harnesses share: running the real binary in a scrubbed environment, within bounds, and trees to run it in.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The lockfile of a workspace with one package that needs nothing.
pub(crate) const LOCKFILE: &str =
    "version = 4\n\n[[package]]\nname = \"root\"\nversion = \"0.1.0\"\n";

/// The manifest of that package.
pub(crate) const MANIFEST: &str =
    "[package]\nname = \"root\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

/// The day that every test judges for.
pub(crate) const AS_OF: &str = "2026-11-20";

/// A directory `tree` to run in, and beside it whatever the test needs.
pub(crate) struct Tree {
    directory: TempDir,
}

impl Tree {
    /// Makes an empty tree.
    pub(crate) fn empty() -> Self {
        let tree = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(tree.path("tree")).unwrap();
        tree
    }

    /// Makes a workspace of one package, which passes at every precision.
    pub(crate) fn sound() -> Self {
        Self::of(MANIFEST, LOCKFILE)
    }

    /// Makes a package with this manifest and lockfile.
    pub(crate) fn of(manifest: &str, lockfile: &str) -> Self {
        Self::empty()
            .with("tree/Cargo.toml", manifest)
            .with("tree/Cargo.lock", lockfile)
            .with("tree/src/lib.rs", "")
    }

    /// Returns a path below the temporary directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.vacant(name);
        fs::write(path, content).unwrap();
        self
    }

    /// Clears the place of a file, and makes the directories above it.
    pub(crate) fn vacant(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&path).unwrap();
        }
        path
    }
}

/// One run of the binary.
pub(crate) struct Run {
    arguments: Vec<OsString>,
    directory: PathBuf,
    variables: Vec<(OsString, OsString)>,
    launcher: Vec<OsString>,
    seconds: u64,
}

/// What a run did.
pub(crate) struct Done {
    /// The exit status; `None` if a signal ended the run, or the harness did because it took too long.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Run {
    /// Prepares to run in a directory with arguments that are separated by spaces.
    pub(crate) fn new(directory: impl Into<PathBuf>, arguments: &str) -> Self {
        let arguments = arguments.split(' ').filter(|a| !a.is_empty()).map(OsString::from);
        Self {
            arguments: arguments.collect(),
            directory: directory.into(),
            variables: Vec::new(),
            launcher: Vec::new(),
            seconds: 20,
        }
    }

    /// Adds an argument that may hold spaces.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs it by another program, which is given these arguments before it.
    pub(crate) fn by<S: Into<OsString>>(mut self, launcher: impl IntoIterator<Item = S>) -> Self {
        self.launcher = launcher.into_iter().map(Into::into).collect();
        self
    }

    /// Lets the run take this long.
    pub(crate) fn within(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Runs to the end, or until it took too long.
    pub(crate) fn done(self) -> Done {
        let started = Instant::now();
        let mut child = self.command().spawn().unwrap();
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        let status = self.wait(&mut child, started);
        let text = |thread: thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&thread.join().unwrap()).into_owned()
        };
        let took = started.elapsed();
        Done { status, stdout: text(stdout), stderr: text(stderr), took }
    }

    fn command(&self) -> Command {
        let binary = OsString::from(env!("CARGO_BIN_EXE_cargo-weft"));
        let mut words = self.launcher.iter().chain([&binary]);
        let mut command = bounded(words.next().unwrap_or(&binary));
        command.args(words);
        let kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
        let kept = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(kept)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn wait(&self, child: &mut Child, started: Instant) -> Option<i32> {
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if started.elapsed() > Duration::from_secs(self.seconds) {
                end(child);
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Prepares a program that, with all it starts, has four gigabytes of address space each.
#[cfg(unix)]
fn bounded(program: &OsString) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]).arg(program).process_group(0);
    command
}

#[cfg(not(unix))]
fn bounded(program: &OsString) -> Command {
    Command::new(program)
}

/// Ends a run and what it started, which is all in one process group of its own.
fn end(child: &mut Child) {
    if cfg!(unix) {
        let group = format!("kill -9 -{}", child.id());
        Command::new("/bin/sh").args(["-c", &group]).status().unwrap();
    } else {
        child.kill().unwrap();
    }
    child.wait().unwrap();
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

impl Done {
    /// Asserts the exit status, and returns the run.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.said());
        self
    }

    /// Returns everything that was said, cut to a readable length.
    pub(crate) fn said(&self) -> String {
        let head = |text: &str| text.chars().take(3000).collect::<String>();
        let (out, err) = (head(&self.stdout), head(&self.stderr));
        format!("after {:?}\n--- standard output\n{out}\n--- standard error\n{err}", self.took)
    }
}

/// Returns the text on one line, so that a phrase is found wherever a report wraps it.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes one `[[package]]` of a lockfile.
pub(crate) fn package(name: &str, version: &str, rest: &str) -> String {
    format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}")
}

/// Returns the source and checksum lines of a package from crates.io.
pub(crate) fn from_registry() -> String {
    let index = "registry+https://github.com/rust-lang/crates.io-index";
    format!("source = \"{index}\"\nchecksum = \"{}\"\n", "a".repeat(64))
}

/// Returns the lockfile of `root` needing these packages, whose entries follow.
pub(crate) fn locked(needs: &[&str], entries: &str) -> String {
    let needs: Vec<_> = needs.iter().map(|need| format!("\"{need}\"")).collect();
    let root = package("root", "0.1.0", &format!("dependencies = [{}]\n", needs.join(", ")));
    format!("version = 4\n{root}{entries}")
}

/// Writes a text as a TOML string that no character of it can leave.
pub(crate) fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => _ = fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// Runs git in a directory, as somebody without a configuration.
#[track_caller]
pub(crate) fn git(directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
