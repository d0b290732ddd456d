//! A repository whose maintainers release it: from the manifest to the gate.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::{Done, Run, Tree, git};

pub(crate) const PASSPHRASE: &str = "unguessable-passphrase";
pub(crate) const MANIFEST: &str =
    "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
pub(crate) const LOCKFILE: &str =
    "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n";

/// Two maintainers with their keys, the project and what it releases.
pub(crate) struct Desk {
    pub(crate) tree: Tree,
    /// The digest of the roles, as somebody who trusts nothing else knows it.
    pub(crate) roles: String,
}

impl Desk {
    /// A repository whose two maintainers both have to sign releases.
    pub(crate) fn new() -> Self {
        Self::of(&[("alice", "\"release\""), ("bob", "\"release\"")], "")
    }

    /// A repository of people with roles, of which `release` wants two; `more` are tables of further roles.
    pub(crate) fn of(people: &[(&str, &str)], more: &str) -> Self {
        let tree = Tree::of(MANIFEST, LOCKFILE)
            .with("tree/src/lib.rs", "")
            .with("out/app.tar", "the artifact\n")
            .with("out/app.sbom", "its parts\n")
            .with("keys/.keep", "")
            .with("home/.keep", "");
        let mut desk = Self { tree, roles: String::new() };
        let mut keys = String::new();
        for (name, holds) in people {
            desk.at("keys", &format!("key new {name}")).exits(0);
            let shown = desk.at("keys", &format!("key show {name}.pub --format json")).exits(0);
            let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
            keys += &format!(
                "[[keys]]\nname = \"{name}\"\npublic = {}\nroles = [\"maintainer\", {holds}]\n",
                shown["public"]
            );
        }
        let roles = format!(
            "schema = 1\nversion = 1\n[roles.maintainer]\nthreshold = 1\n[roles.release]\nthreshold = 2\n\
             [freshness]\nrelease = 0\noverride = []\nroutine = 0\n{more}[revocations]\nnumber = 0\n{keys}"
        );
        fs::create_dir_all(desk.path("tree/.weft")).unwrap();
        fs::write(desk.path("tree/.weft/roles.toml"), roles).unwrap();
        let proposed = desk.run("role propose --format json").exits(0).stdout;
        let digest = serde_json::from_str::<Value>(&proposed).unwrap()["digest"].clone();
        let proposal = format!(".weft/proposals/{}.json", digest.as_str().unwrap());
        desk.run(&format!("role attest {proposal} --key ../keys/alice.key")).exits(0);
        let committed = desk.run(&format!("role commit {proposal} --format json")).exits(0).stdout;
        let committed: Value = serde_json::from_str(&committed).unwrap();
        desk.roles = committed["digest"].as_str().unwrap().to_owned();
        desk.git(&["init", "--quiet"]);
        desk.commit();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.tree.path(name)
    }

    pub(crate) fn at(&self, directory: &str, line: &str) -> Done {
        let words = ["key new", "attest", "sign", "gate merge"];
        let secret =
            words.iter().any(|word| line.contains(word)) && !line.contains("--passphrase-env");
        let line = format!("{line}{}", if secret { " --passphrase-env PASS" } else { "" });
        let run = Run::new(self.path(directory), &line).env("PASS", PASSPHRASE);
        run.env("CARGO_HOME", self.path("home")).done()
    }

    pub(crate) fn run(&self, line: &str) -> Done {
        self.at("tree", line)
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        git(&self.path("tree"), arguments);
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    }

    pub(crate) fn prepare(&self, version: &str, more: &str) -> Done {
        self.run(&format!(
            "release prepare --precision lock --artifacts ../out --release-version {version} --output ../r/{version}.json {more}"
        ))
    }

    /// Has both sign a version, and gathers that.
    pub(crate) fn release(&self, version: &str, more: &str) {
        for (file, text) in [("tree/Cargo.toml", MANIFEST), ("tree/Cargo.lock", LOCKFILE)] {
            fs::write(self.path(file), text.replace("1.0.0", version)).unwrap();
        }
        self.commit();
        fs::create_dir_all(self.path("r")).unwrap();
        self.prepare(version, more).exits(0);
        for name in ["alice", "bob"] {
            let sign = format!("release countersign ../r/{version}.json --key ../keys/{name}.key");
            self.run(&sign).exits(0);
        }
        self.run(&format!("release finish ../r/{version}.json --output ../r/{version}.dsse.json"))
            .exits(0);
    }

    pub(crate) fn gate(&self, version: &str, more: &str) -> Done {
        self.run(&format!(
            "gate release --precision lock --artifacts ../out --manifest ../r/{version}.dsse.json --verdict ../r/{version}.json.verdict.json --trusted-roles {} {more}",
            self.roles
        ))
    }
}

pub(crate) fn write(path: &std::path::Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// Demands that exactly these steps did not pass.
#[track_caller]
pub(crate) fn stops(done: Done, status: i32, steps: &[&str]) {
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
