//! A job on a runner of our own: a repository, a step that runs the action's binary, and the files that it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::contract;
use crate::fake::Fake;

/// The repository of every test.
pub(crate) const REPO: &str = "octo/widget";

/// The token of a job.
pub(crate) const TOKEN: &str = "ghs_0123456789abcdefghij";

/// What the first recipe of the guide gives a job.
pub(crate) const PERMISSIONS: [(&str, &str); 4] = [
    ("contents", "read"),
    ("pull-requests", "write"),
    ("checks", "write"),
    ("security-events", "write"),
];

/// Runs git in a directory, as nobody in particular.
#[track_caller]
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "init.defaultBranch=main", "-c", "tag.gpgsign=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-11-20T12:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-11-20T12:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with its branches, a home of Cargo's, and a directory for each job.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    /// Begins a repository of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        for directory in ["tree", "home", "jobs"] {
            fs::create_dir(place.path(directory)).unwrap();
        }
        git(&place.tree(), &["init", "--quiet"]);
        place.commit(files);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the checkout.
    pub(crate) fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    /// Writes files of the checkout, or others beside it with `../`.
    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.tree().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Writes files and commits everything, and returns the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        self.write(files);
        git(&self.tree(), &["add", "--all"]);
        git(&self.tree(), &["commit", "--quiet", "--allow-empty", "--message", "x"]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        git(&self.tree(), &["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.tree(), arguments)
    }

    /// Commits files on a branch of their own, tries the merge into `main` and checks it out, as GitHub does.
    pub(crate) fn pull(&self, branch: &str, files: &[(&str, &str)]) -> Pull {
        self.git(&["checkout", "--quiet", "main"]);
        let base = self.head();
        self.git(&["checkout", "--quiet", "-B", branch]);
        let head = self.commit(files);
        let merge = self.try_merge(branch);
        Pull { base, head, merge }
    }

    /// Merges a branch beside `main`, with two parents whatever they are.
    pub(crate) fn try_merge(&self, branch: &str) -> String {
        self.git(&["checkout", "--quiet", "--detach", "main"]);
        self.git(&["merge", "--quiet", "--no-ff", "--message", "x", branch]);
        self.head()
    }
}

/// The commits of a pull request.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) base: String,
    pub(crate) head: String,
    pub(crate) merge: String,
}

/// A step that is about to run.
pub(crate) struct Job<'a> {
    fake: &'a Fake,
    workspace: PathBuf,
    directory: PathBuf,
    variables: BTreeMap<String, String>,
}

/// What a step did.
pub(crate) struct Done {
    pub(crate) status: Option<i32>,
    pub(crate) log: String,
    pub(crate) stderr: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
    pub(crate) seconds: f64,
}

impl<'a> Job<'a> {
    /// Prepares a step about an event, whose commit is checked out.
    pub(crate) fn new(
        place: &Place,
        fake: &'a Fake,
        event: &str,
        payload: &Value,
        sha: &str,
    ) -> Self {
        {
            let mut world = fake.world();
            let main = place.git(&["rev-parse", "main"]);
            world.repository(REPO).commit(sha, &[], &[]);
            world.repository(REPO).commit(&main, &[], &[]);
            world.repository(REPO).point("refs/heads/main", &main);
        }
        let directory = tempfile::tempdir_in(place.path("jobs")).unwrap().keep();
        let at = |name: &str| directory.join(name).display().to_string();
        fs::write(at("event.json"), payload.to_string()).unwrap();
        fs::create_dir(at("temp")).unwrap();
        for file in ["output", "summary"] {
            fs::write(at(file), "").unwrap();
        }
        let reference = match event {
            "pull_request" => format!("refs/pull/{}/merge", payload["number"]),
            "merge_group" => text(&payload["merge_group"]["head_ref"]),
            "release" => format!("refs/tags/{}", text(&payload["release"]["tag_name"])),
            "push" | "workflow_dispatch" => text(&payload["ref"]),
            _ => "refs/heads/main".to_owned(),
        };
        let pairs = [
            ("GITHUB_API_URL", fake.url().to_owned()),
            ("GITHUB_EVENT_NAME", event.to_owned()),
            ("GITHUB_EVENT_PATH", at("event.json")),
            ("GITHUB_OUTPUT", at("output")),
            ("GITHUB_REF", reference),
            ("GITHUB_REPOSITORY", REPO.to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_RUN_ID", "77".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_SHA", sha.to_owned()),
            ("GITHUB_STEP_SUMMARY", at("summary")),
            ("GITHUB_WORKSPACE", place.tree().display().to_string()),
            ("RUNNER_TEMP", at("temp")),
            ("CARGO_HOME", place.path("home").display().to_string()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ];
        let variables = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let job = Self { fake, workspace: place.tree(), directory, variables };
        job.with("token", TOKEN)
    }

    /// Gives an input.
    pub(crate) fn with(self, input: &str, value: impl Into<String>) -> Self {
        let name = format!("WEFT_INPUT_{}", input.replace('-', "_").to_uppercase());
        self.env(&name, value)
    }

    /// Sets a variable of the runner; an empty one is as good as none.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Returns where the runner's files and the temporary directory lie.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft-action"));
        let kept = ["PATH", "HOME"].into_iter();
        let kept = kept.filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .arg("run")
            .current_dir(&self.workspace)
            .env_clear()
            .envs(kept)
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the step and leaves it running.
    pub(crate) fn start(&self) -> std::process::Child {
        self.command().spawn().unwrap()
    }

    /// Returns the outputs that a step has left so far.
    pub(crate) fn left(&self) -> BTreeMap<String, String> {
        outputs(&fs::read_to_string(self.directory.join("output")).unwrap())
    }

    /// Runs the step to its end; what was said has to be what GitHub's contract allows.
    pub(crate) fn run(&self) -> Done {
        let done = self.run_unchecked();
        contract::check(&self.fake.exchanges());
        done
    }

    /// Runs the step to its end, where the fake holds what GitHub's contract does not allow.
    pub(crate) fn run_unchecked(&self) -> Done {
        let started = Instant::now();
        let output = self.command().output().unwrap();
        let seconds = started.elapsed().as_secs_f64();
        self.done(output.status.code(), &output.stdout, &output.stderr, seconds)
    }

    fn done(&self, status: Option<i32>, log: &[u8], stderr: &[u8], seconds: f64) -> Done {
        let read = |name: &str| fs::read_to_string(self.directory.join(name)).unwrap();
        Done {
            status,
            log: String::from_utf8(log.to_vec()).unwrap(),
            stderr: String::from_utf8(stderr.to_vec()).unwrap(),
            outputs: outputs(&read("output")),
            summary: read("summary"),
            seconds,
        }
    }
}

impl Done {
    /// Asserts the exit status, and returns the run.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}\n{}", self.log, self.stderr);
        self
    }

    /// Returns an output; one that was not written is empty, as it is for later steps.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// Reads the JSON report.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.output("report-json")).unwrap()).unwrap()
    }
}

/// Reads a file of outputs as the runner does: `name=value`, or `name<<delimiter`, lines, and the delimiter alone.
pub(crate) fn outputs(file: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = file.split('\n');
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        if heredoc < equals {
            let (name, delimiter) = (&line[..heredoc], &line[heredoc + 2..]);
            assert!(!name.is_empty() && !delimiter.is_empty(), "the runner refuses `{line}`");
            let mut value = Vec::new();
            loop {
                let line = lines.next().unwrap_or_else(|| panic!("no end of `{name}`"));
                if line == delimiter {
                    break;
                }
                value.push(line);
            }
            outputs.insert(name.to_owned(), value.join("\n"));
        } else {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("odd: {line}"));
            outputs.insert(name.to_owned(), value.to_owned());
        }
    }
    outputs
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
