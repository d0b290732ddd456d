//! The one way a row is checked.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

use crate::common::{AS_OF, Done, LOCKFILE, Run, Tree, unwrapped};

/// Credentials, and what stands in files outside the tree; no output may hold it.
pub(crate) const SECRET: &str = "WEFT-HOSTILE-SECRET";

/// A file with the secret that no parser accepts, so that whoever shows faulty lines shows it.
pub(crate) const SECRET_FILE: &str = "WEFT-HOSTILE-SECRET = not toml at all\n";

/// The exit status of `audit` at each precision.
#[derive(Clone, Copy)]
pub(crate) struct Status {
    pub(crate) lock: i32,
    pub(crate) metadata: i32,
    pub(crate) auto: i32,
}

/// The same status at every precision.
pub(crate) fn always(status: i32) -> Status {
    Status { lock: status, metadata: status, auto: status }
}

/// A tree with what surrounds it.
pub(crate) struct Case {
    pub(crate) tree: Tree,
    /// The directory below the temporary one in which the binary is run.
    directory: String,
    variables: Vec<(String, String)>,
}

impl From<Tree> for Case {
    fn from(tree: Tree) -> Self {
        Self { tree, directory: "tree".to_owned(), variables: Vec::new() }
    }
}

impl Case {
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn inside(mut self, directory: &str) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    pub(crate) fn run(&self, arguments: &str) -> Done {
        let run = Run::new(self.tree.path(&self.directory), arguments);
        self.variables.iter().fold(run, |run, (name, value)| run.env(name, value)).done()
    }
}

/// What an attacker's tree holds beside files.
impl Tree {
    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        symlink(target, self.vacant(name)).unwrap();
        self
    }

    pub(crate) fn pipe(self, name: &str) -> Self {
        let path = self.vacant(name);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        self
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        fs::create_dir_all(self.vacant(name)).unwrap();
        self
    }

    /// Writes a program that leaves the sentinel behind.
    pub(crate) fn evil(self, name: &str) -> Self {
        let script = format!("#!/bin/sh\necho run >'{}'\nexit 1\n", self.sentinel());
        let tree = self.with(name, script);
        fs::set_permissions(tree.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        tree
    }

    /// Returns the path of the file that exists once something of the tree was run.
    pub(crate) fn sentinel(&self) -> String {
        self.path("sentinel").to_str().unwrap().to_owned()
    }
}

/// Runs every command in the tree, and demands the row's statuses and phrase and what always holds.
#[track_caller]
pub(crate) fn check(case: impl Into<Case>, status: Status, says: &str) {
    let case = case.into();
    for (precision, status) in
        [("lock", status.lock), ("metadata", status.metadata), ("auto", status.auto)]
    {
        audit(&case, precision, status, says);
    }
    others(&case);
}

/// Audits at one precision, in all four formats at once.
#[track_caller]
pub(crate) fn audit(case: &Case, precision: &str, status: i32, says: &str) -> Done {
    let out = case.tree.path("out");
    fs::create_dir_all(&out).unwrap();
    let file = |name: &str| out.join(name).to_str().unwrap().to_owned();
    for name in ["md", "json", "sarif"] {
        // Left there by the precision before, it would pass for this one's.
        _ = fs::remove_file(file(name));
    }
    let done = case.run(&format!(
        "audit --as-of {AS_OF} --precision {precision} --format markdown --output {} \
         --format json --output {} --format sarif --output {} --format human",
        file("md"),
        file("json"),
        file("sarif"),
    ));
    holds(case, &done, precision);
    assert_eq!(done.status, Some(status), "at {precision} precision, {}", done.said());
    let said = unwrapped(&format!("{} {}", done.stdout, done.stderr));
    assert!(said.contains(says), "{says:?} is not said at {precision} precision, {}", done.said());
    for name in ["md", "json", "sarif"] {
        match fs::read_to_string(file(name)) {
            Ok(text) => report_holds(case, name, &text),
            Err(_) => assert_eq!(status, 2, "there is no {name} report, {}", done.said()),
        }
    }
    done
}

/// Runs the other commands, of which only what always holds is demanded.
#[track_caller]
fn others(case: &Case) {
    fs::write(case.tree.path("base.lock"), LOCKFILE).unwrap();
    for command in [
        "graph --precision lock",
        "graph --format graphml",
        "why root",
        "why --precision lock --format json root",
        "risk --top 0",
        "risk --precision lock --format markdown",
        "risk diff ../base.lock Cargo.lock",
        "risk diff ../base.lock Cargo.lock --format markdown",
        "init --dry-run",
        "policy show",
    ] {
        let done = case.run(command);
        holds(case, &done, command);
        if command.contains("json") || command == "graph --precision lock" {
            assert!(!done.stdout.contains(|c: char| c.is_control() && c != '\n'), "{command}");
        } else {
            inert(&done.stdout, command);
        }
    }
}

/// Asserts what holds for every run in every tree.
#[track_caller]
pub(crate) fn holds(case: &Case, done: &Done, what: &str) {
    let sentinel = case.tree.path("sentinel");
    assert!(!sentinel.exists(), "{what} ran a program of the tree, {}", done.said());
    let status = done.status;
    assert!(status.is_some(), "{what} was killed by a signal or took too long, {}", done.said());
    assert!(matches!(status, Some(0..=3)), "{what} ends with {status:?}, {}", done.said());
    assert!(!done.stderr.contains("panicked"), "{what} panics, {}", done.said());
    assert!(done.took < Duration::from_secs(20), "{what} takes too long, {}", done.said());
    for text in [&done.stdout, &done.stderr] {
        let shown = text.contains(SECRET);
        assert!(!shown, "{what} shows a secret, {}", done.said());
    }
    inert(&done.stderr, what);
    if !done.stdout.starts_with(['{', '[']) {
        inert(&done.stdout, what);
    }
}

#[track_caller]
fn report_holds(case: &Case, name: &str, text: &str) {
    let here = case.tree.path("").to_str().unwrap().to_owned();
    assert!(!text.contains(SECRET), "the {name} report shows what is outside the tree: {text}");
    assert!(!text.contains(here.trim_end_matches('/')), "the {name} report names {here}: {text}");
    match name {
        // Canonical JSON writes everything but C0 as it is (RFC 8785 §3.2.2.2); see `text.rs`.
        "json" => {
            let controls = text.trim_end_matches('\n').contains(|c: char| c < ' ');
            assert!(!controls, "the {name} report holds a control character: {text}");
        }
        _ => inert(text, name),
    }
}

/// Asserts that a text cannot steer a terminal or reorder what stands in it.
#[track_caller]
pub(crate) fn inert(text: &str, what: &str) {
    let active = |c: char| {
        c.is_control() && c != '\n'
            || matches!(
                c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            )
    };
    if let Some(at) = text.find(active) {
        let around: String = text[at..].chars().take(60).collect();
        panic!("{what} prints {around:?} as it is");
    }
}

/// Returns the lines that are workflow commands to a GitHub runner (`ActionCommand.cs`).
pub(crate) fn workflow_commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.trim_start().starts_with("::") || line.contains("##["))
}
