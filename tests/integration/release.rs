//! A release from its manifest to the gate: prepared, countersigned by exchanging files, judged, and refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{Done, Run, Tree};

const PASSPHRASE: &str = "unguessable-passphrase";
const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
const LOCKFILE: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n";

struct Desk {
    tree: Tree,
}

impl Desk {
    /// A repository whose two maintainers both have to sign releases.
    fn new() -> Self {
        let tree = Tree::of(MANIFEST, LOCKFILE)
            .with("tree/src/lib.rs", "")
            .with("out/app.tar", "the artifact\n")
            .with("out/app.sbom", "its parts\n")
            .with("keys/.keep", "")
            .with("home/.keep", "");
        let desk = Self { tree };
        let mut keys = String::new();
        for name in ["alice", "bob"] {
            desk.at("keys", &format!("key new {name}")).exits(0);
            let shown = desk.at("keys", &format!("key show {name}.pub --format json")).exits(0);
            let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
            keys += &format!(
                "[[keys]]\nname = \"{name}\"\npublic = {}\nroles = [\"maintainer\", \"release\"]\n",
                shown["public"]
            );
        }
        let roles = format!(
            "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = 1\n[roles.release]\nthreshold = 2\n\
             [freshness]\nrelease = 0\noverride = []\nroutine = 0\n[revocations]\nnumber = 0\n{keys}"
        );
        fs::create_dir_all(desk.path("tree/.weft")).unwrap();
        fs::write(desk.path("tree/.weft/roles.toml"), roles).unwrap();
        let proposed = desk.run("role propose --format json").exits(0).stdout;
        let digest = serde_json::from_str::<Value>(&proposed).unwrap()["digest"].clone();
        let proposal = format!(".weft/proposals/{}.json", digest.as_str().unwrap());
        desk.run(&format!("role attest {proposal} --key ../keys/alice.key")).exits(0);
        desk.run(&format!("role commit {proposal}")).exits(0);
        desk.git(&["init", "--quiet"]);
        desk.commit();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tree.path(name)
    }

    fn at(&self, directory: &str, line: &str) -> Done {
        let secret = ["key new", "attest", "sign"].iter().any(|word| line.contains(word));
        let line = format!("{line}{}", if secret { " --passphrase-env PASS" } else { "" });
        let run = Run::new(self.path(directory), &line).env("PASS", PASSPHRASE);
        run.env("CARGO_HOME", self.path("home")).done()
    }

    fn run(&self, line: &str) -> Done {
        self.at("tree", line)
    }

    fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path("tree"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    }

    fn prepare(&self, version: &str, more: &str) -> Done {
        self.run(&format!(
            "release prepare --precision lock --artifacts ../out --release-version {version} --output ../r/{version}.json {more}"
        ))
    }

    /// Has both sign, and gathers that.
    fn release(&self, version: &str, more: &str) {
        fs::create_dir_all(self.path("r")).unwrap();
        self.prepare(version, more).exits(0);
        for name in ["alice", "bob"] {
            let sign = format!("release countersign ../r/{version}.json --key ../keys/{name}.key");
            self.run(&sign).exits(0);
        }
        self.run(&format!("release finish ../r/{version}.json --output ../r/{version}.dsse.json"))
            .exits(0);
    }

    fn gate(&self, version: &str, more: &str) -> Done {
        self.run(&format!(
            "gate release --precision lock --artifacts ../out --manifest ../r/{version}.dsse.json --verdict ../r/{version}.verdict.json {more}"
        ))
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// Demands that exactly these steps did not pass.
fn stops(done: Done, status: i32, steps: &[&str]) {
    let done = done.exits(status);
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    let stopped: Vec<&str> = json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["result"] != "passed")
        .map(|step| step["check"].as_str().unwrap())
        .collect();
    assert_eq!(stopped, steps, "{}", done.stdout);
}

#[test]
fn a_release_is_published_once_enough_people_signed_what_is_there() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("r")).unwrap();
    desk.prepare("1.0.0", "").exits(0);
    desk.run("release status ../r/1.0.0.json").exits(3);
    stops(desk.gate("1.0.0", "--format json"), 3, &["signatures", "manifest"]);
    desk.run("release countersign ../r/1.0.0.json --key ../keys/alice.key").exits(0);
    let one = desk.run("release status ../r/1.0.0.json").exits(3);
    assert!(one.stdout.contains("alice signed"), "{}", one.said());
    desk.run("release finish ../r/1.0.0.json --output ../r/1.0.0.dsse.json").exits(3);
    assert!(!desk.path("r/1.0.0.dsse.json").exists());
    // One file of signatures twice is one signature.
    desk.run(
        "release countersign ../r/1.0.0.json --key ../keys/alice.key --output ../r/again.json",
    )
    .exits(0);
    let paths = fs::read_dir(desk.path("r")).unwrap().map(|e| e.unwrap().path());
    let alice = paths
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .find(|name| name.starts_with("1.0.0.") && name.ends_with(".dsse.json"))
        .unwrap();
    desk.run(&format!("release status ../r/1.0.0.json ../r/{alice} ../r/again.json")).exits(3);
    desk.run("release countersign ../r/1.0.0.json --key ../keys/bob.key").exits(0);
    desk.run("release status ../r/1.0.0.json").exits(0);
    desk.run("release finish ../r/1.0.0.json --output ../r/1.0.0.dsse.json").exits(0);
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // The outcome goes on as a summary that a key signed.
    let sign = "--summary ../r/vsa.json --key ../keys/alice.key --passphrase-env PASS";
    desk.gate("1.0.0", sign).exits(0);
    let envelope: Value =
        serde_json::from_slice(&fs::read(desk.path("r/vsa.json")).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    desk.gate("1.0.0", "--summary ../r/plain.json").exits(0);
    let summary: Value =
        serde_json::from_slice(&fs::read(desk.path("r/plain.json")).unwrap()).unwrap();
    assert_eq!(summary["predicateType"], "https://slsa.dev/verification_summary/v1");
    assert_eq!(summary["predicate"]["verificationResult"], "PASSED");
    assert_eq!(summary["subject"].as_array().unwrap().len(), 2);
}

#[test]
fn each_thing_that_is_not_as_it_was_signed_is_told_and_none_hides_another() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // Artifacts: another, one more, one less.
    write(&desk.path("out/app.tar"), "another artifact\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["artifacts"]);
    write(&desk.path("out/app.tar"), "the artifact\n");
    write(&desk.path("out/extra"), "x");
    stops(desk.gate("1.0.0", "--format json"), 1, &["artifacts"]);
    fs::remove_file(desk.path("out/extra")).unwrap();
    fs::rename(desk.path("out/app.sbom"), desk.path("app.sbom")).unwrap();
    stops(desk.gate("1.0.0", "--format json"), 3, &["artifacts"]);
    // Together with a verdict that is gone, both are told.
    fs::rename(desk.path("r/1.0.0.verdict.json"), desk.path("r/gone.json")).unwrap();
    stops(desk.gate("1.0.0", "--format json"), 3, &["artifacts", "verdict"]);
    fs::rename(desk.path("app.sbom"), desk.path("out/app.sbom")).unwrap();
    fs::rename(desk.path("r/gone.json"), desk.path("r/1.0.0.verdict.json")).unwrap();
    // The sources: a change, another commit.
    write(&desk.path("tree/src/lib.rs"), "// changed\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["source"]);
    desk.commit();
    stops(desk.gate("1.0.0", "--format json"), 1, &["source"]);
    desk.git(&["checkout", "--quiet", "HEAD~1"]);
    stops(desk.gate("1.0.0", "--format json"), 0, &[]);
    // Another policy, which also is a change of the sources.
    write(&desk.path("tree/weft.toml"), "schema = 1\nprofile = \"baseline\"\n");
    stops(desk.gate("1.0.0", "--format json"), 1, &["source", "policy", "audit"]);
    fs::remove_file(desk.path("tree/weft.toml")).unwrap();
    // A byte of the manifest.
    let path = desk.path("r/1.0.0.dsse.json");
    let text = fs::read_to_string(&path).unwrap();
    write(&path, &text.replacen("\"payload\":\"ey", "\"payload\":\"eX", 1));
    stops(desk.gate("1.0.0", "--format json"), 1, &["signatures", "manifest"]);
}

#[test]
fn a_release_follows_the_one_before_it_and_never_goes_back() {
    let desk = Desk::new();
    desk.release("1.0.0", "");
    let previous = "--previous ../r/1.0.0.dsse.json";
    desk.prepare("1.0.0", previous).exits(2);
    desk.prepare("0.9.0", previous).exits(2);
    desk.release("1.1.0", previous);
    stops(desk.gate("1.1.0", &format!("{previous} --format json")), 0, &[]);
    stops(desk.gate("1.1.0", "--format json"), 3, &["chain"]);
    // The older one after the newer one, and one that leaves its predecessor out.
    stops(desk.gate("1.0.0", "--previous ../r/1.1.0.dsse.json --format json"), 1, &["chain"]);
    desk.release("2.0.0", previous);
    stops(desk.gate("2.0.0", "--previous ../r/1.1.0.dsse.json --format json"), 1, &["chain"]);
}

/// Runs what the guide says, line by line, but for the passphrase, which is asked for there.
#[test]
fn the_guide_is_followed_literally() {
    let tree = Tree::of(MANIFEST, LOCKFILE)
        .with("tree/src/lib.rs", "")
        .with("out/app.tar", "the artifact\n")
        .with("keys/.keep", "")
        .with("home/.keep", "");
    let desk = Desk { tree };
    desk.git(&["init", "--quiet"]);
    desk.commit();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/guide/release.md");
    let guide = fs::read_to_string(guide).unwrap();
    let mut directory = "tree";
    let mut gates = 0;
    for line in guide.lines().filter_map(|line| line.strip_prefix("$ ")) {
        if let Some(line) = line.strip_prefix("cargo weft ") {
            let done = desk.at(directory, line).exits(0);
            if line.starts_with("gate ") {
                gates += 1;
                assert!(done.stdout.starts_with("passed\n"), "{}", done.said());
            }
        } else if let Some(line) = line.strip_prefix("cd ../") {
            directory = if line == "elsewhere" { "elsewhere" } else { panic!("{line}") };
        } else if let Some(line) = line.strip_prefix("git ") {
            let parts: Vec<&str> = line.splitn(4, '"').collect();
            let mut arguments: Vec<&str> = parts[0].split_whitespace().collect();
            arguments.extend(parts.get(1));
            desk.git(&arguments);
        } else {
            panic!("what is this? {line}");
        }
    }
    assert_eq!(gates, 2);
    assert!(desk.path("summary.json").is_file());
}
