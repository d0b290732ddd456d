//! The life of one repository, from the day weft comes to it until its first release, as the guide tells it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::fake::world::{BOT, Run};
use crate::fake::{Fake, World};
use crate::payload;
use crate::runner::{Done, Job, PERMISSIONS, Place, Pull, REPO, TOKEN};
use crate::sample::{all, comments, conclusions, workspace};

const GUIDE: &str = include_str!("../../docs/src/guide/github.md");
const PASSPHRASE: &str = "unguessable-passphrase";

/// A project, what its runners find, and its place on GitHub.
struct Project {
    place: Place,
    fake: Fake,
}

impl Project {
    /// Begins a project that has a vulnerable dependency already, on machines that know its packages.
    fn new() -> Self {
        let place = Place::new(&all(&workspace(&[("serde", "1.0.0"), ("leaky", "1.0.0")])));
        let project = Self { place, fake: Fake::start(World::of(REPO, TOKEN, &PERMISSIONS)) };
        for (name, versions) in [("serde", &["1.0.0", "1.0.1"][..]), ("leaky", &["1.0.0"])] {
            project.publish(name, versions, &[("Cargo.toml", "[package]\nlicense = \"MIT\"\n")]);
        }
        project.publish(
            "builder",
            &["1.0.0"],
            &[
                ("Cargo.toml", "[package]\nname = \"builder\"\n"),
                ("build.rs", "fn main() { std::process::Command::new(\"cc\"); }\n"),
            ],
        );
        project.write_advisories();
        project
    }

    /// Puts versions of a package into the index and the sources that Cargo keeps.
    fn publish(&self, name: &str, versions: &[&str], files: &[(&str, &str)]) {
        let url = "sparse+https://index.crates.io/";
        let directory = tame_index::utils::url_to_local_dir(url, true).unwrap().dir_name;
        let home = self.place.path("home/registry");
        let mut entry = b"\x03\x02\0\0\0Unknown\0".to_vec();
        for version in versions {
            let sum = weft_verify::Sha256::of(format!("{name} {version}").as_bytes());
            let line = json!({
                "name": name, "vers": version, "deps": [], "features": {},
                "cksum": sum.to_string(), "pubtime": "2020-01-01T00:00:00Z", "yanked": false,
            });
            entry.extend(format!("{version}\0{line}\0").into_bytes());
            let sources = home.join("src").join(&directory).join(format!("{name}-{version}"));
            fs::create_dir_all(&sources).unwrap();
            for (file, text) in files.iter().chain(&[(".cargo-ok", "")]) {
                fs::write(sources.join(file), text).unwrap();
            }
        }
        let cache = home.join("index").join(&directory).join(".cache").join(&name[..2]);
        let cache = cache.join(&name[2..4]);
        fs::create_dir_all(&cache).unwrap();
        fs::write(cache.join(name), entry).unwrap();
    }

    /// Makes a database of advisories of today, where git finds it in place of RustSec's.
    fn write_advisories(&self) {
        let (from, to) =
            (repository().join("tests/common/advisory-db"), self.place.path("rustsec"));
        copy(&from, &to);
        for words in
            [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "-m", "x"]]
        {
            let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
            let mut git = Command::new("git");
            git.args(author).args(words).current_dir(&to).env("GIT_CONFIG_GLOBAL", "/dev/null");
            assert!(git.status().unwrap().success());
        }
        let config = format!(
            "[url \"file://{}\"]\ninsteadOf = https://github.com/RustSec/advisory-db.git\n",
            to.display()
        );
        fs::write(self.place.path("gitconfig"), config).unwrap();
    }

    /// Runs a line of the guide in the checkout.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let mut words = words(line);
        assert!(words.remove(0) == "cargo" && words.remove(0) == "weft", "{line}");
        if words.iter().any(|word| word.ends_with(".key"))
            || words.starts_with(&["key".to_owned(), "new".to_owned()])
        {
            words.extend(["--passphrase-env", "PASS"].map(str::to_owned));
        }
        let output = Command::new(program("cargo-weft"))
            .args(words)
            .current_dir(self.place.tree())
            .env("PASS", PASSPHRASE)
            .env("CARGO_HOME", self.place.path("home"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("GIT_CONFIG_GLOBAL", self.place.path("gitconfig"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}\n{err}");
        said
    }

    /// Follows one section of the guide, block by block, and returns what its commands said.
    fn follow(&self, section: &str) -> String {
        let mut said = String::new();
        for (kind, text) in blocks(section) {
            match kind {
                "toml" => {
                    let path = self.place.tree().join("weft.toml");
                    let policy = fs::read_to_string(&path).unwrap();
                    fs::write(path, format!("{policy}\n{text}")).unwrap();
                }
                "console" => said.extend(text.lines().map(|line| self.type_in(line))),
                _ => {}
            }
        }
        said
    }

    fn type_in(&self, line: &str) -> String {
        let line = line.strip_prefix("$ ").unwrap_or_else(|| panic!("what is this? {line}"));
        match line.split_once(' ') {
            Some(("git", rest)) => {
                let words = words(rest);
                self.place.git(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Some(("mkdir", names)) => {
                for name in names.split(' ') {
                    fs::create_dir(self.place.tree().join(name)).unwrap();
                }
                String::new()
            }
            _ => {
                if line.contains("attest provenance") {
                    fs::write(self.place.path("out/app.tar"), "the artifact\n").unwrap();
                }
                self.run(line)
            }
        }
    }

    /// Returns the inputs that a workflow of the project gives to the step, with what its expressions come to.
    fn inputs(&self, workflow: &str, values: &[(&str, &str)]) -> BTreeMap<String, String> {
        let path = self.place.tree().join(".github/workflows").join(workflow);
        let text = fs::read_to_string(path).unwrap();
        let step = crate::composite::workflow::weft_step(&text);
        step.into_iter()
            .map(|(name, value)| {
                let value = match value.strip_prefix("${{").and_then(|v| v.strip_suffix("}}")) {
                    None => value.clone(),
                    Some(expression) => {
                        let known = values.iter().find(|(name, _)| *name == expression.trim());
                        known.unwrap_or_else(|| panic!("what is {expression}?")).1.to_owned()
                    }
                };
                (name, value)
            })
            .collect()
    }

    /// Runs a step with the inputs of a workflow.
    fn step(&self, job: Job<'_>, inputs: &BTreeMap<String, String>) -> Done {
        let job = inputs.iter().fold(job, |job, (name, value)| job.with(name, value.as_str()));
        job.env("CARGO_NET_OFFLINE", "true")
            .env("GIT_CONFIG_GLOBAL", self.place.path("gitconfig").display().to_string())
            .run()
    }

    /// Judges a pull request as the workflow `weft` does.
    fn judge(&self, pull: &Pull) -> Done {
        let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
        self.judge_event(pull, &event)
    }

    fn judge_event(&self, pull: &Pull, event: &Value) -> Done {
        self.fake.world().repository(REPO).open(REPO, 7, &pull.head, &pull.base);
        let job = Job::new(&self.place, &self.fake, "pull_request", event, &pull.merge);
        self.step(job, &self.inputs("weft.yml", &[(MODE, "audit")]))
    }

    /// Asks the merge queue's question about a pull request.
    fn queue(&self, pull: &Pull) -> Done {
        let event = payload::merge_group(REPO, &pull.merge, &pull.base);
        let job = Job::new(&self.place, &self.fake, "merge_group", &event, &pull.merge);
        self.step(job, &self.inputs("weft.yml", &[(MODE, "gate-merge")]))
    }

    fn change(&self, crates: &[(&str, &str)], more: &[(&str, &str)]) -> Pull {
        self.place.pull("change", &[all(&workspace(crates)), more.to_vec()].concat())
    }
}

const MODE: &str = "github.event_name == 'merge_group' && 'gate-merge' || 'audit'";
const OLD: &[(&str, &str)] = &[("serde", "1.0.0"), ("leaky", "1.0.0")];
const WORSE: &[(&str, &str)] = &[("serde", "1.0.0"), ("leaky", "1.0.0"), ("builder", "1.0.0")];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Finds a program that the workspace builds.
fn program(name: &str) -> PathBuf {
    let action = PathBuf::from(env!("CARGO_BIN_EXE_weft-action"));
    let program = action.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --workspace");
    program
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => _ = fs::copy(entry.path(), to).unwrap(),
        }
    }
}

/// Splits a line as a shell does that knows double quotes alone.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// Returns the blocks of code in a section of the guide, each with its kind.
fn blocks(section: &str) -> Vec<(&'static str, &'static str)> {
    let heading = format!("\n## {section}\n");
    let at = GUIDE.find(&heading).unwrap_or_else(|| panic!("no section `{section}`"));
    let rest = &GUIDE[at + heading.len()..];
    let rest = &rest[..rest.find("\n## ").unwrap_or(rest.len())];
    let blocks: Vec<_> =
        rest.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect();
    assert!(!blocks.is_empty(), "nothing is to be done in `{section}`");
    blocks
}

#[test]
fn a_repository_lives_as_the_guide_says() {
    let project = Project::new();
    project.follow("Install");
    brings_nothing_bad(&project);
    brings_a_package_nobody_knows(&project);
    weakens_the_policy(&project);
    comes_from_a_fork(&project);
    waits_in_the_queue(&project);
    is_released(&project);
}

/// What was wrong before weft came fails nothing, and a good change is met with silence.
fn brings_nothing_bad(project: &Project) {
    let pull = project.change(&[("serde", "1.0.1"), ("leaky", "1.0.0")], &[]);
    let done = project.judge(&pull).exits(0);
    assert!(done.summary.contains("1 exempted"), "{}", done.summary);
    assert!(comments(&project.fake).is_empty());
    assert_eq!(conclusions(&project.fake, &pull.head), ["success"]);
}

/// A package with a build script and without a licence fails, is told everywhere, and is mended.
fn brings_a_package_nobody_knows(project: &Project) {
    let pull = project.change(WORSE, &[]);
    let done = project.judge(&pull).exits(1);
    let comment = comments(&project.fake).remove(0);
    for text in [&comment, &done.summary] {
        assert!(text.contains("`license/unknown`"), "{text}");
        assert!(text.contains("`builder@1.0.0` build script: none → `build.rs`"), "{text}");
        assert!(text.contains("build script starts processes"), "{text}");
    }
    {
        let mut world = project.fake.world();
        let repository = world.repository(REPO);
        let check = repository.checks.values().find(|check| check.head_sha == pull.head).unwrap();
        let lines: Vec<_> = check
            .annotations
            .iter()
            .map(|a| (a["path"].as_str().unwrap(), a["title"].as_str().unwrap()))
            .collect();
        assert!(lines.contains(&("Cargo.toml", "license/unknown")), "{lines:?}");
        assert!(repository.sarifs.values().any(|sarif| sarif.commit_sha == pull.merge));
    }
    let mended = project.change(OLD, &[]);
    project.judge(&mended).exits(0);
    let [comment] = &comments(&project.fake)[..] else { panic!("{:?}", comments(&project.fake)) };
    assert!(comment.contains("### cargo weft: passed"), "{comment}");
}

/// A change of the policy has no effect on its own verdict, and is told.
fn weakens_the_policy(project: &Project) {
    let weak = "schema = 1\nprofile = \"local\"\n[checks]\n\"license/unknown\" = \"off\"\n";
    let pull = project.change(WORSE, &[("weft.toml", weak)]);
    let done = project.judge(&pull).exits(1);
    let comment = comments(&project.fake).remove(0);
    for text in [&comment, &done.summary] {
        assert!(text.contains("`license/unknown`"), "{text}");
        assert!(text.contains("#### Changes of the rules themselves"), "{text}");
        assert!(text.contains("`rule/changed`") && text.contains("`rule/unguarded`"), "{text}");
    }
}

/// A fork's run writes nothing, and the workflow after it tells what that run found.
fn comes_from_a_fork(project: &Project) {
    const FORK: (&str, u64) = ("eve/widget", 99);
    project.fake.world().repository(REPO).comments.clear();
    let pull = project.change(WORSE, &[]);
    project.fake.world().make_read_only(TOKEN);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let done = project.judge_event(&pull, &payload::from_fork(event, FORK.0, FORK.1)).exits(1);
    assert!(comments(&project.fake).is_empty());

    let mut report = done.report();
    let mut world = project.fake.world();
    // The job has one number, and the fake gives another to the run.
    report["run"] = json!([world.fresh() + 1, 1]);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let name = Path::new(done.output("report-json")).file_name().unwrap().to_str().unwrap();
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(report.to_string().as_bytes()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let run = Run {
        event: "pull_request".to_owned(),
        head_branch: "change".to_owned(),
        head_sha: pull.head.clone(),
        head_repository: (FORK.0.to_owned(), FORK.1),
        path: ".github/workflows/weft.yml".to_owned(),
        conclusion: "failure".to_owned(),
    };
    let (run, _) = world.run(REPO, run, "weft-report", &zip);
    let there = world.repository(REPO).pulls.get_mut(&7).unwrap();
    there.head_repository = Some((FORK.0.to_owned(), FORK.1));
    "change".clone_into(&mut there.head_ref);
    let permissions = [("actions", "read"), ("contents", "read"), ("pull-requests", "write")];
    world.grant("report", BOT, REPO, &permissions);
    drop(world);
    let event = payload::workflow_run(REPO, run, FORK, "change", &pull.head);
    let job = Job::new(&project.place, &project.fake, "workflow_run", &event, &pull.base);
    project.step(job.with("token", "report"), &project.inputs("weft-report.yml", &[])).exits(0);
    let comment = comments(&project.fake).remove(0);
    assert!(comment.contains("`license/unknown`") && comment.contains(&pull.head), "{comment}");
    project.fake.world().grant(TOKEN, BOT, REPO, &PERMISSIONS);
}

/// The merge queue judges what would be merged.
fn waits_in_the_queue(project: &Project) {
    let bad = project.change(WORSE, &[]);
    project.queue(&bad).exits(1);
    assert_eq!(conclusions(&project.fake, &bad.merge), ["failure"]);
    let good = project.change(&[("serde", "1.0.1"), ("leaky", "1.0.0")], &[]);
    let done = project.queue(&good).exits(0);
    assert_eq!(done.output("base-sha"), good.base);
    assert_eq!(done.report()["mode"], "gate-merge");
    assert_eq!(conclusions(&project.fake, &good.merge), ["success"]);
    project.place.git(&["checkout", "--quiet", "main"]);
    project.place.git(&["merge", "--quiet", "--ff-only", &good.merge]);
}

/// A draft without its attestations stays one, and with them the gate publishes it.
fn is_released(project: &Project) {
    const TAG: &str = "v1.0.0";
    let said = project.follow("Releases");
    let in_force = said.split("of the roles is in force\ndigest ").nth(1).unwrap();
    let roles = in_force.lines().next().unwrap();
    let commit = project.place.git(&["rev-parse", TAG]);
    let read = |from: &str| fs::read(project.place.path(from)).unwrap();
    let id = {
        let mut world = project.fake.world();
        world.grant("release", BOT, REPO, &[("contents", "write"), ("attestations", "read")]);
        world.repository(REPO).commit(&commit, &[], &[]);
        world.repository(REPO).point(&format!("refs/tags/{TAG}"), &commit);
        let (artifact, manifest) = (read("out/app.tar"), read("release.dsse.json"));
        let verdict = read("release.json.verdict.json");
        let files: [(&str, &[u8]); 3] = [
            ("app.tar", &artifact),
            ("release.dsse.json", &manifest),
            ("release.json.verdict.json", &verdict),
        ];
        world.draft(REPO, TAG, "main", &files)
    };
    let number = id.to_string();
    let values =
        [("inputs.release-id", &*number), ("inputs.tag", TAG), ("vars.WEFT_TRUSTED_ROLES", roles)];
    let run = || {
        let event = payload::workflow_dispatch(REPO, "refs/heads/main", &json!({}));
        let job = Job::new(&project.place, &project.fake, "workflow_dispatch", &event, &commit);
        let inputs = project.inputs("weft-release.yml", &values);
        project.step(job.with("token", "release"), &inputs)
    };
    let done = run().exits(3);
    for what in ["provenance: ", "sbom: "] {
        assert!(done.output("missing").contains(what), "{}", done.output("missing"));
        assert!(done.summary.contains("What is missing"), "{}", done.summary);
    }
    let is_draft = || project.fake.world().repository(REPO).releases[&id].is_draft;
    assert!(is_draft());
    for name in ["provenance.dsse.json", "sbom.dsse.json"] {
        let bytes = read(&format!("evidence/{name}"));
        project.fake.world().asset(REPO, id, name, &bytes);
    }
    let done = run().exits(0);
    assert_eq!((done.output("published"), done.output("missing")), ("true", ""));
    assert!(!is_draft());
    let to_release = |exchange: &&crate::fake::Exchange| exchange.path.contains("/releases/");
    assert_eq!(project.fake.writes().iter().filter(to_release).count(), 1);
}

/// Returns the first cells of a table of the guide, as they are written there.
fn table(section: &str) -> Vec<Vec<String>> {
    let heading = format!("\n## {section}\n");
    let rest = &GUIDE[GUIDE.find(&heading).unwrap() + heading.len()..];
    let rows = rest.lines().take_while(|line| !line.starts_with("## "));
    let rows = rows.filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split(", ").map(|name| name.trim_matches('`').to_owned())
}

#[test]
fn the_guide_has_every_input_and_output_with_its_default() {
    let text = fs::read_to_string(repository().join("action.yml")).unwrap();
    let action = crate::composite::runner::parse(&text);
    let members = |name: &str| crate::composite::runner::members(&action[name]);
    let mut told = BTreeMap::new();
    for row in table("Inputs") {
        for name in names(&row[0]) {
            told.insert(name, row[1].trim_matches('`').to_owned());
        }
    }
    let inputs = members("inputs");
    assert_eq!(told.keys().collect::<Vec<_>>(), inputs.keys().collect::<Vec<_>>());
    for (name, input) in inputs {
        if let Some(default) = input.as_mapping_get("default") {
            assert_eq!(told[&name], crate::composite::runner::text(default), "{name}");
        } else {
            let told = &told[&name];
            assert!(told.is_empty() || told.starts_with("th"), "{name} has no default: {told}");
        }
    }
    let outputs: Vec<String> = table("Outputs").iter().flat_map(|row| names(&row[0])).collect();
    let known = members("outputs");
    assert_eq!(outputs.iter().collect::<std::collections::BTreeSet<_>>(), known.keys().collect());
}

#[test]
fn the_guide_shows_what_the_workflows_say_and_links_to_what_is_there() {
    let template = fs::read_to_string(repository().join("templates/github/weft.yml")).unwrap();
    for (kind, text) in blocks("Pull requests") {
        assert!(kind == "yaml" && template.contains(text), "{text}");
    }
    let guide = repository().join("docs/src/guide");
    for link in GUIDE.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(link.starts_with("https://") || guide.join(link).is_file(), "{link}");
    }
}
