//! What GitHub's runner does with a composite action, as far as `action.yml` needs it; of anything else it says so.
//!
//! A step gets the job's variables, then its own `env`, then what the runner sets and nobody can change. Its script is
//! run by the command that the runner documents for `shell: bash`, and what it left in the `GITHUB_*` files is read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use saphyr::{LoadableYamlNode, YamlOwned};
use tempfile::TempDir;

use crate::runner::{TOKEN, outputs};

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A job with one step that uses the action.
pub(crate) struct Job {
    directory: TempDir,
    workspace: PathBuf,
    action: PathBuf,
    inputs: BTreeMap<String, String>,
    github: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

/// What a job did.
pub(crate) struct Done {
    /// The steps that ran, up to the first that failed.
    pub(crate) steps: Vec<Step>,
    /// The action's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// What a step did.
pub(crate) struct Step {
    /// Its exit status; of one that a signal ended, 128 and the signal, as a shell says.
    pub(crate) status: i32,
    /// What it wrote to standard output, then to standard error.
    pub(crate) log: String,
    /// Its variables by the action's `env`.
    pub(crate) env: BTreeMap<String, String>,
    /// What it wrote to `GITHUB_OUTPUT`, read as the runner does.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What it wrote to `GITHUB_ENV`, `GITHUB_PATH` and `GITHUB_STATE`, which later steps would obey.
    pub(crate) left: String,
    /// What it wrote to `GITHUB_STEP_SUMMARY`.
    pub(crate) summary: String,
}

impl Job {
    /// Makes a job on Linux with an empty workspace and the action of this repository.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut job = Self {
            workspace: directory.path().join("workspace"),
            directory,
            action: repository(),
            inputs: BTreeMap::new(),
            github: BTreeMap::new(),
            variables: BTreeMap::new(),
        };
        for name in ["workspace", "temp", "home"] {
            fs::create_dir(job.path(name)).unwrap();
        }
        for (name, value) in [("token", TOKEN), ("api_url", "https://api.github.com")] {
            job.github.insert(name.to_owned(), value.to_owned());
        }
        for name in ["PATH", "TMPDIR"] {
            if let Ok(value) = std::env::var(name) {
                job.variables.insert(name.to_owned(), value);
            }
        }
        let home = job.path("home");
        job.variable("HOME", home.to_str().unwrap())
            .variable("RUNNER_OS", "Linux")
            .variable("RUNNER_ARCH", "X64")
    }

    /// Takes the action from another directory.
    pub(crate) fn action(mut self, directory: impl Into<PathBuf>) -> Self {
        self.action = directory.into();
        self
    }

    /// Takes a checkout for the workspace.
    pub(crate) fn workspace(mut self, directory: impl Into<PathBuf>) -> Self {
        self.workspace = directory.into();
        self
    }

    /// Gives the action an input.
    pub(crate) fn input(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a member of the context `github`.
    pub(crate) fn github(mut self, name: &str, value: impl Into<String>) -> Self {
        self.github.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a variable of the job, as the runner or a workflow does.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Puts a directory before all others in which programs are looked for.
    pub(crate) fn programs(self, directory: &Path) -> Self {
        let path = format!("{}:{}", directory.display(), self.variables["PATH"]);
        self.variable("PATH", path)
    }

    /// Returns a path beside `workspace` and `temp`, or below them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a program that bash runs, and returns its path.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        executable(&path, script);
        path
    }

    /// Runs the action's steps, until one fails.
    pub(crate) fn done(&self) -> Done {
        let action = load(&self.action.join("action.yml"));
        let mut contexts = BTreeMap::from([("github".to_owned(), self.github.clone())]);
        let inputs = self.resolved_inputs(&action, &contexts);
        contexts.insert("inputs".to_owned(), inputs);
        assert_eq!(text(&action["runs"]["using"]), "composite");
        let mut steps = Vec::new();
        for (number, step) in sequence(&action["runs"]["steps"]).iter().enumerate() {
            let done = self.step(number, step, &contexts);
            let outputs = format!("steps.{}.outputs", text(&step["id"]));
            contexts.insert(outputs, done.outputs.clone());
            let has_failed = done.status != 0;
            steps.push(done);
            if has_failed {
                break;
            }
        }
        let outputs = members(&action["outputs"]).into_iter();
        let outputs = outputs.map(|(name, it)| (name, expand(&text(&it["value"]), &contexts)));
        Done { outputs: outputs.collect(), steps }
    }

    /// Gives each input that the action knows its value, or its default, or nothing.
    fn resolved_inputs(&self, action: &YamlOwned, contexts: &Contexts) -> BTreeMap<String, String> {
        let known = members(&action["inputs"]);
        for name in self.inputs.keys() {
            assert!(known.contains_key(name), "the action has no input {name}");
        }
        let value = |(name, declared): (String, YamlOwned)| {
            let default = declared.as_mapping_get("default").map(text).unwrap_or_default();
            let value = self.inputs.get(&name).cloned();
            let value = value.unwrap_or_else(|| expand(&default, contexts));
            (name, value)
        };
        known.into_iter().map(value).collect()
    }

    fn step(&self, number: usize, step: &YamlOwned, contexts: &Contexts) -> Step {
        for name in members(step).keys() {
            let known = ["id", "shell", "env", "run"];
            assert!(known.contains(&&**name), "this runner does not know `{name}` of a step");
        }
        assert_eq!(text(&step["shell"]), "bash");
        let script = text(&step["run"]);
        assert!(!script.contains("${{"), "an expression would become part of the script: {script}");
        let env = members(&step["env"]).into_iter();
        let env = env.map(|(name, value)| (name, expand(&text(&value), contexts)));
        let env: BTreeMap<String, String> = env.collect();
        let file = |name: &str| self.path(&format!("temp/{number}-{name}"));
        fs::write(file("script"), script).unwrap();
        let files = [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_ENV", "env"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STATE", "state"),
        ];
        for (_, name) in files {
            fs::write(file(name), "").unwrap();
        }
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file("script"))
            .current_dir(&self.workspace)
            .env_clear()
            .envs(&self.variables)
            .envs(&env)
            .envs(files.map(|(variable, name)| (variable, file(name))))
            .env("GITHUB_ACTION_PATH", &self.action)
            .env("GITHUB_WORKSPACE", &self.workspace)
            .env("RUNNER_TEMP", self.path("temp"));
        let (status, log) = run(command);
        let read = |name: &str| fs::read_to_string(file(name)).unwrap();
        Step {
            status,
            log,
            env,
            outputs: outputs(&read("output")),
            left: read("env") + &read("path") + &read("state"),
            summary: read("summary"),
        }
    }
}

impl Done {
    /// Asserts that the job ended with this status, and returns it.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        let last = self.steps.last().unwrap();
        assert_eq!(last.status, status, "step {}: {}", self.steps.len(), last.log);
        self
    }

    /// Returns what all its steps wrote.
    pub(crate) fn log(&self) -> String {
        self.steps.iter().map(|step| &*step.log).collect()
    }
}

/// Returns the root of this repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Writes a program that bash runs.
pub(crate) fn executable(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reads a YAML file of one document.
pub(crate) fn load(path: &Path) -> YamlOwned {
    parse(&fs::read_to_string(path).unwrap())
}

/// Reads one document of YAML.
pub(crate) fn parse(text: &str) -> YamlOwned {
    let mut documents = YamlOwned::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// Returns the text of a scalar, which has to be one: `true` and `1` would not be.
pub(crate) fn text(node: &YamlOwned) -> String {
    node.as_str().unwrap_or_else(|| panic!("{node:?} is no text")).to_owned()
}

/// Returns the members of a mapping by their names.
pub(crate) fn members(node: &YamlOwned) -> BTreeMap<String, YamlOwned> {
    let mapping = node.as_mapping().unwrap_or_else(|| panic!("{node:?} is no mapping"));
    mapping.iter().map(|(name, value)| (text(name), value.clone())).collect()
}

/// Returns the items of a sequence.
pub(crate) fn sequence(node: &YamlOwned) -> &[YamlOwned] {
    node.as_sequence().unwrap_or_else(|| panic!("{node:?} is no sequence"))
}

type Contexts = BTreeMap<String, BTreeMap<String, String>>;

/// Replaces the expressions in a text by their values, which are not looked at again.
///
/// The only ones it knows are `inputs.x`, `github.x` and `steps.x.outputs.y`.
fn expand(text: &str, contexts: &Contexts) -> String {
    let mut pieces = text.split("${{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (expression, rest) = piece.split_once("}}").unwrap();
        let expression = expression.trim();
        let (context, member) = expression.rsplit_once('.').unwrap();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(expression.chars().all(is_plain), "this runner does not know `{expression}`");
        // A step that has not run, or an output that it did not write, is nothing.
        let value = match contexts.get(context) {
            None if context.starts_with("steps.") => "",
            None => panic!("this runner does not know `{expression}`"),
            Some(members) if context.starts_with("steps.") => {
                members.get(member).map_or("", |value| value)
            }
            Some(members) => members
                .get(member)
                .unwrap_or_else(|| panic!("this runner does not know `{expression}`")),
        };
        out = out + value + rest;
    }
    out
}

/// Runs a command to its end, or ends it with all that it started, and returns its status and what it wrote.
fn run(mut command: Command) -> (i32, String) {
    let started = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap();
    let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            let group = format!("kill -9 -{}", child.id());
            Command::new("/bin/sh").args(["-c", &group]).status().unwrap();
            child.wait().unwrap();
            panic!("the step took longer than {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    (code, out.join().unwrap() + &err.join().unwrap())
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[test]
fn an_expression_is_replaced_once() {
    let inputs = BTreeMap::from([("x".to_owned(), "${{ inputs.x }}".to_owned())]);
    let contexts = BTreeMap::from([("inputs".to_owned(), inputs)]);
    for (text, expected) in [
        ("", ""),
        ("a", "a"),
        ("a${{ inputs.x }}b", "a${{ inputs.x }}b"),
        ("${{inputs.x}}${{ inputs.x }}", "${{ inputs.x }}${{ inputs.x }}"),
        ("[${{ steps.none.outputs.x }}]", "[]"),
    ] {
        assert_eq!(expand(text, &contexts), expected, "{text}");
    }
}

#[test]
fn an_expression_that_is_not_known_is_not_passed_over() {
    for text in [
        "${{ inputs.gone }}",
        "${{ secrets.x }}",
        "${{ inputs.x || 'a' }}",
        "${{ format('{0}', inputs.x) }}",
        "${{ inputs.x",
    ] {
        let inputs = BTreeMap::from([("x".to_owned(), String::new())]);
        let contexts = BTreeMap::from([("inputs".to_owned(), inputs)]);
        assert!(std::panic::catch_unwind(|| expand(text, &contexts)).is_err(), "{text}");
    }
}

#[test]
fn outputs_are_read_as_the_runner_reads_them() {
    for (text, expected) in [
        ("", &[][..]),
        ("a=b\n", &[("a", "b")]),
        ("a=b=c<<d\n", &[("a", "b=c<<d")]),
        ("a=1\na=2\n", &[("a", "2")]),
        ("a<<E\nb\n\nc=d\nE\ne=f\n", &[("a", "b\n\nc=d"), ("e", "f")]),
        ("a<<E=1\nb\nE=1\n", &[("a", "b")]),
        ("a<<E\nE\n", &[("a", "")]),
    ] {
        let expected = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        assert_eq!(outputs(text), expected.collect(), "{text:?}");
    }
    for text in ["a\n", "<<E\nE\n", "a<<\n\n", "a<<E\nb\n"] {
        assert!(std::panic::catch_unwind(|| outputs(text)).is_err(), "{text:?}");
    }
}
