//! A release that is built again: the same, or with the first difference named; and what is not believed or not run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use weft_verify::{Sha256, canonical};

use crate::common::{Done, Run, Tree};

const PASSPHRASE: &str = "unguessable-passphrase";
const LOCKFILE: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n";

/// Debug information holds the paths of a build, unless they are remapped.
const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
                        license = \"MIT\"\ndescription = \"A test.\"\n\
                        [profile.release]\ndebug = true\n";

const MAIN: &str = "fn main() {\n    print!(\"{}\", include_str!(\"text\"));\n}\n";

/// A repository with its roles, and a directory for what is released.
struct Desk {
    tree: Tree,
    flags: String,
    /// The digest of the roles, as somebody who trusts nothing else knows it.
    roles: String,
}

impl Desk {
    fn new(more: &[(&str, &str)]) -> Self {
        let mut tree = Tree::of(MANIFEST, LOCKFILE)
            .with("tree/src/main.rs", MAIN)
            .with("tree/src/text", "two\nlines\n")
            .with("tree/.gitignore", "/target\n")
            .with("out/.keep", "")
            .with("keys/.keep", "")
            .with("home/.keep", "");
        fs::remove_file(tree.path("tree/src/lib.rs")).unwrap();
        fs::remove_file(tree.path("out/.keep")).unwrap();
        for (name, text) in more {
            tree = tree.with(&format!("tree/{name}"), text);
        }
        let top = tree.path("tree").canonicalize().unwrap();
        let flags = format!("--remap-path-prefix={}=/source", top.display());
        let mut desk = Self { tree, flags, roles: String::new() };
        for line in [
            "key new alice --output ../keys/alice.key",
            "role init --name alice --key ../keys/alice.pub",
            "role propose --output ../roles.json",
            "role attest ../roles.json --key ../keys/alice.key",
        ] {
            desk.run(line).exits(0);
        }
        let committed = desk.run("role commit ../roles.json --format json").exits(0).stdout;
        let committed: Value = serde_json::from_str(&committed).unwrap();
        desk.roles = committed["digest"].as_str().unwrap().to_owned();
        desk.git(&["init", "--quiet"]);
        desk.commit();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.tree.path(name)
    }

    fn run(&self, line: &str) -> Done {
        let secret = ["key new", "attest", "countersign"].iter().any(|word| line.contains(word));
        let line = format!("{line}{}", if secret { " --passphrase-env PASS" } else { "" });
        let run = Run::new(self.path("tree"), &line).env("PASS", PASSPHRASE).within(120);
        run.env("CARGO_HOME", self.path("home")).env("RUSTFLAGS", &self.flags).done()
    }

    fn git(&self, arguments: &[&str]) {
        crate::common::git(&self.path("tree"), arguments);
    }

    /// Builds in the tree, and puts a file of the target directory among the artifacts.
    fn build(&self, line: &str, artifact: &str) {
        let output = Command::new("cargo")
            .args(line.split(' ').skip(1))
            .current_dir(self.path("tree"))
            .env("CARGO_HOME", self.path("home"))
            .env("RUSTFLAGS", &self.flags)
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made = self.path("tree/target").join(artifact);
        fs::copy(&made, self.path("out").join(made.file_name().unwrap())).unwrap();
    }

    fn prepare(&self, more: &str) -> Done {
        self.run(&format!(
            "release prepare --precision lock --artifacts ../out --release-version 1.0.0 --output ../release.json --reproducible {more}"
        ))
    }

    /// Builds the binary as it is released, and records that.
    fn released(more: &[(&str, &str)]) -> Self {
        let desk = Self::new(more);
        desk.build("cargo build --release --locked --offline", "release/app");
        desk.prepare("").exits(0);
        desk
    }

    fn reproduce(&self, more: &str) -> Done {
        self.run(&format!("release reproduce --artifacts ../out {more}"))
    }

    fn sign(&self) {
        self.run("release countersign ../release.json --key ../keys/alice.key").exits(0);
        self.run("release finish ../release.json --output ../release.dsse.json").exits(0);
    }

    /// The signed manifest, for somebody who knows the roles.
    fn signed(&self) -> String {
        format!("--manifest ../release.dsse.json --trusted-roles {}", self.roles)
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "x"]);
    }

    fn record(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path("out").join(name)).unwrap()).unwrap()
    }

    /// Changes a record as somebody would who also makes `repro.lock` fit.
    fn forge(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let digest = self.rewrite(name, change);
        let member = match name {
            "env.json" => "environment",
            "manifest.json" => "manifest",
            _ => return,
        };
        self.rewrite("repro.lock", |lock| lock[member] = digest.into());
    }

    /// Changes a record, and returns its digest.
    fn rewrite(&self, name: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut record = self.record(name);
        change(&mut record);
        let bytes = canonical::to_vec(&record).unwrap();
        fs::write(self.path("out").join(name), &bytes).unwrap();
        Sha256::of(&bytes).to_string()
    }

    /// Keeps the records as they are, tries a change of one, and puts them back.
    fn forged(&self, name: &str, change: impl FnOnce(&mut Value), status: i32, phrase: &str) {
        let names = ["env.json", "manifest.json", "repro.lock"];
        let kept = names.map(|name| fs::read(self.path("out").join(name)).unwrap());
        self.forge(name, change);
        let done = self.reproduce("").exits(status);
        assert!(done.stdout.contains(phrase), "{phrase:?} in {}", done.said());
        let ran = done.stderr.contains("running the build");
        assert!(!ran, "nothing was built: {}", done.said());
        for (name, bytes) in names.iter().zip(kept) {
            fs::write(self.path("out").join(name), bytes).unwrap();
        }
    }
}

/// A commit that would be another if git checked it out, in a repository whose settings name programs.
fn attributed() -> Vec<(&'static str, &'static str)> {
    vec![(".gitattributes", "src/text text eol=crlf filter=evil\n")]
}

#[test]
fn a_build_is_the_same_in_a_clean_directory_if_its_paths_are_remapped() {
    let desk = Desk::released(&attributed());
    let sentinel = desk.path("sentinel");
    let evil = format!("touch {} && cat", sentinel.display());
    for name in ["filter.evil.smudge", "core.fsmonitor", "core.hooksPath"] {
        desk.git(&["config", name, &evil]);
    }
    let done = desk.reproduce("").exits(0);
    assert!(done.stdout.starts_with("passed\n  same       app\n"), "{}", done.said());
    assert!(done.stderr.contains("running the build of commit"), "{}", done.said());
    assert!(done.stderr.contains("nobody vouches"), "{}", done.said());
    assert!(!sentinel.exists());
    // The records say nothing of this machine.
    let text = fs::read_to_string(desk.path("out/env.json")).unwrap();
    assert!(text.contains("--remap-path-prefix=${SOURCE}=/source"), "{text}");
    let here = desk.path("").display().to_string();
    assert!(!text.contains(&here), "{text}");
    // From the signed manifest on, with nothing but the records, and in a directory that is kept.
    desk.sign();
    fs::create_dir(desk.path("records")).unwrap();
    for name in ["env.json", "manifest.json", "repro.lock"] {
        fs::copy(desk.path("out").join(name), desk.path("records").join(name)).unwrap();
    }
    let line = format!(
        "release reproduce --repro ../records {} --keep ../kept --format json",
        desk.signed()
    );
    let done = desk.run(&line).exits(0);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&report["outcome"], &report["signed"]), (&"passed".into(), &true.into()));
    assert!(!done.stderr.contains("nobody vouches"), "{}", done.said());
    let kept = fs::read(desk.path("kept/source/target/release/app")).unwrap();
    assert_eq!(kept, fs::read(desk.path("out/app")).unwrap());
    // What is there already is not clean.
    desk.run(&line).exits(3);
    // The same records are written again, and the gate wants them as it wants the artifact.
    fs::remove_file(desk.path("release.json")).unwrap();
    fs::remove_file(desk.path("release.json.verdict.json")).unwrap();
    desk.prepare("").exits(0);
    let gate = format!(
        "gate release --precision lock --artifacts ../out --manifest ../release.dsse.json --verdict ../release.json.verdict.json --trusted-roles {}",
        desk.roles
    );
    desk.run(&gate).exits(0);
    fs::remove_file(desk.path("out/repro.lock")).unwrap();
    let done = desk.run(&gate).exits(3);
    assert!(done.stdout.contains("repro.lock is not there"), "{}", done.said());
}

/// Runs what the guide says about building again, with countersigning in between.
#[test]
fn the_guide_of_building_again_is_followed_literally() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/guide/release.md");
    let guide = fs::read_to_string(guide).unwrap();
    let block = |heading: &str| {
        let (_, section) = guide.split_once(heading).unwrap();
        let (_, block) = section.split_once("```sh\n").unwrap();
        block.split_once("```").unwrap().0.to_owned()
    };
    let desk = Desk::new(&[]);
    let programs = Path::new(env!("CARGO_BIN_EXE_cargo-weft")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = [programs.to_owned()].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    let follow = |block: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-euc", block]).current_dir(desk.path("tree")).env("PATH", &path);
        shell.env("CARGO_HOME", desk.path("home")).env_remove("CARGO_TARGET_DIR");
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    follow(&block("### So that others can build it again"));
    desk.sign();
    desk.git(&["clone", "--quiet", ".", "../trusted"]);
    let said = follow(&block("## Build it again"));
    assert!(said.starts_with("passed\n  same       app\n"), "{said}");
}

#[test]
fn a_build_whose_paths_are_not_remapped_differs_in_its_debug_information() {
    let mut desk = Desk::new(&[]);
    desk.flags = String::new();
    desk.build("cargo build --release --locked --offline", "release/app");
    desk.prepare("").exits(0);
    let done = desk.reproduce("--format json").exits(1);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let section = &report["artifacts"][0]["difference"]["section"];
    let name = section["name"].as_str().unwrap();
    assert!(name.starts_with(".debug"), "{}", done.said());
    assert_ne!(section["expected"], section["found"]);
}

#[test]
fn a_build_script_that_writes_the_time_is_found_by_file_and_section() {
    let script = "fn main() {\n    let now = std::time::SystemTime::now();\n    \
                  println!(\"cargo:rustc-env=NOW={now:?}\");\n}\n";
    let main = "fn main() {\n    println!(\"{}\", env!(\"NOW\"));\n}\n";
    let manifest = MANIFEST.replace("debug = true", "strip = true");
    let files = [("build.rs", script), ("src/main.rs", main), ("Cargo.toml", &*manifest)];
    let desk = Desk::released(&files);
    let done = desk.reproduce("").exits(1);
    assert!(done.stdout.starts_with("failed\n  different  app\n"), "{}", done.said());
    assert!(done.stdout.contains("first in .rodata"), "{}", done.said());
    // Both digests of the file, and both of the section.
    assert_eq!(done.stdout.matches("sha256:").count(), 4, "{}", done.said());
    let recorded = desk.record("manifest.json");
    let digest = recorded["artifacts"][0]["sha256"].as_str().unwrap();
    assert!(done.stdout.contains(&format!("expected sha256:{digest}")), "{}", done.said());
}

#[test]
fn a_package_is_packed_again_with_its_commit() {
    let desk = Desk::new(&[]);
    let line = "cargo package --no-verify --locked --offline";
    desk.build(line, "package/app-1.0.0.crate");
    let done = desk.run(
        "release prepare --precision lock --artifacts ../out --release-version 1.0.0 --output ../release.json --build x",
    );
    done.exits(2);
    fs::write(desk.path("out/notes"), "of no build\n").unwrap();
    desk.prepare("--not-built absent").exits(2);
    let done = Run::new(
        desk.path("tree"),
        "release prepare --precision lock --artifacts ../out --release-version 1.0.0 --output ../release.json --reproducible --not-built notes",
    );
    let done = done.arg("--build").arg(line).env("CARGO_HOME", desk.path("home"));
    done.env("RUSTFLAGS", &desk.flags).done().exits(0);
    let recorded = desk.record("manifest.json");
    assert_eq!(recorded["artifacts"][0]["kind"], "tar-gz");
    assert!(recorded.to_string().contains("app-1.0.0/.cargo_vcs_info.json"), "{recorded}");
    assert!(!recorded.to_string().contains("notes"), "{recorded}");
    // The build does not make the notes, so the signed manifest has to name them.
    let done = desk.reproduce("").exits(1);
    assert!(done.stdout.contains("notes is named by neither"), "{}", done.said());
    desk.sign();
    let done = desk.reproduce(&desk.signed()).exits(0);
    assert!(done.stdout.contains("same       app-1.0.0.crate"), "{}", done.said());
    assert!(done.stdout.contains("not compared  notes"), "{}", done.said());
    let done = desk.reproduce(&format!("{} --format json", desk.signed())).exits(0);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["not-compared"], serde_json::json!(["notes"]));
    fs::write(desk.path("out/notes"), "of somebody\n").unwrap();
    let done = desk.reproduce(&desk.signed()).exits(1);
    assert!(done.stdout.contains("notes is not as the signed manifest has it"), "{}", done.said());
}

#[test]
fn another_toolchain_is_no_comparison_and_is_named() {
    let desk = Desk::released(&[]);
    for (member, named) in [("release", "rustc is "), ("llvm", "LLVM is ")] {
        let change = |env: &mut Value| env["rustc"][member] = "0.1.0".into();
        desk.forged("env.json", change, 3, named);
        let change = |env: &mut Value| env["rustc"][member] = "0.1.0".into();
        desk.forged("env.json", change, 3, "was built with 0.1.0");
    }
    let change = |env: &mut Value| env["settings"] = "0".repeat(64).into();
    desk.forged("env.json", change, 3, "Cargo's configuration is nothing");
    // Settings of the user's own that change what is built.
    fs::write(desk.path("home/config.toml"), "[build]\njobs = 1\n").unwrap();
    desk.reproduce("").exits(0);
    fs::write(desk.path("home/config.toml"), "[profile.release]\nopt-level = 1\n").unwrap();
    let done = desk.reproduce("").exits(3);
    assert!(done.stdout.contains("Cargo's configuration is"), "{}", done.said());
}

#[test]
fn records_that_do_not_belong_to_the_sources_are_refused() {
    let desk = Desk::released(&[]);
    let lock =
        |member: &'static str, value: String| move |lock: &mut Value| lock[member] = value.into();
    desk.forged("repro.lock", lock("lockfile", "0".repeat(64)), 1, "Cargo.lock of the commit is");
    desk.forged("repro.lock", lock("tree", "0".repeat(40)), 1, "has the tree");
    desk.forged("repro.lock", lock("commit", "0".repeat(40)), 3, "has no commit");
    desk.forged("repro.lock", lock("commit", "HEAD".into()), 1, "no id of a git object");
    desk.forged("repro.lock", lock("manifest", "0".repeat(64)), 1, "manifest.json is sha256:");
    desk.forged("repro.lock", lock("environment", "0".repeat(64)), 1, "env.json is sha256:");
    let package = |lock: &mut Value| lock["packages"][0]["version"] = "2.0.0".into();
    desk.forged("repro.lock", package, 1, "does not list the packages");
    // A record that is not canonical, or not there.
    let text = fs::read_to_string(desk.path("out/repro.lock")).unwrap();
    fs::write(desk.path("out/repro.lock"), format!("{text}\n")).unwrap();
    let done = desk.reproduce("--format json").exits(1);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(report["reasons"][0].as_str().unwrap().starts_with("repro.lock: "), "{report}");
    fs::remove_file(desk.path("out/repro.lock")).unwrap();
    let done = desk.reproduce("").exits(3);
    let remedy = "there is no repro.lock; prepare the release with --reproducible";
    assert!(done.stdout.contains(remedy), "{}", done.said());
    fs::write(desk.path("out/repro.lock"), text).unwrap();
    // An artifact that is another, or not there.
    let app = fs::read(desk.path("out/app")).unwrap();
    fs::write(desk.path("out/app"), "x").unwrap();
    let done = desk.reproduce("").exits(1);
    assert!(done.stdout.contains("app is not as manifest.json has it"), "{}", done.said());
    fs::remove_file(desk.path("out/app")).unwrap();
    desk.reproduce("").exits(3);
    fs::write(desk.path("out/app"), app).unwrap();
    // A signed manifest of other records.
    desk.sign();
    desk.forge("env.json", |env| env["cargo"] = "0.1.0".into());
    let done = desk.reproduce(&desk.signed()).exits(1);
    assert!(done.stdout.contains("and the signed manifest names"), "{}", done.said());
}

#[test]
fn records_ask_for_a_build_and_nothing_else() {
    let desk = Desk::released(&[]);
    let evil = desk.path("evil").display().to_string();
    let config = format!("--config=build.rustc='{evil}'");
    for words in [
        &["cargo", "build", "--release", &config][..],
        &["sh", "-c", "exit"],
        &["cargo", "run", "--release"],
        &["cargo", "build", "--release", "--manifest-path", "../x/Cargo.toml"],
    ] {
        let words: Value = words.iter().map(|word| Value::from(*word)).collect();
        desk.forged("env.json", |env| env["build"]["command"] = words, 1, "the build ");
    }
    for name in ["LD_PRELOAD", "RUSTC_WRAPPER", "PATH", "CARGO_TARGET_X_LINKER"] {
        desk.forged(
            "env.json",
            |env| env["variables"][name] = evil.clone().into(),
            1,
            "is not among the variables",
        );
    }
    desk.forged("env.json", |env| env["build"]["directory"] = "..".into(), 1, "the directory");
    for name in ["../../escape", "/etc/passwd", "..", "a\u{1b}[2Jb"] {
        desk.forged(
            "manifest.json",
            |manifest| manifest["artifacts"][0]["name"] = name.into(),
            1,
            "no plain file name",
        );
    }
    let done = desk.reproduce("").exits(0);
    assert!(!done.stdout.contains('\u{1b}'));
    // A section's name comes from a file, and steers no terminal.
    desk.forge("manifest.json", |manifest| {
        manifest["artifacts"][0]["sections"][0]["name"] = "\u{1b}[2J".into();
        manifest["artifacts"][0]["sha256"] = "0".repeat(64).into();
    });
    fs::create_dir(desk.path("records")).unwrap();
    for name in ["env.json", "manifest.json", "repro.lock"] {
        fs::copy(desk.path("out").join(name), desk.path("records").join(name)).unwrap();
    }
    let done = desk.run("release reproduce --repro ../records").exits(1);
    assert!(done.stdout.contains("first in \\u{1b}[2J"), "{}", done.said());
}

/// Whoever can replace the sources can replace the roles that lie in them.
#[test]
fn roles_of_the_repository_vouch_for_nothing() {
    let desk = Desk::released(&[]);
    desk.sign();
    desk.git(&["clone", "--quiet", ".", "../trusted"]);
    let refused = |done: Done, phrase: &str| {
        assert!(done.stdout.contains(phrase), "{phrase:?} in {}", done.said());
        assert!(done.stdout.contains("\"signed\":false"), "{}", done.said());
        assert!(!done.stderr.contains("running the build"), "{}", done.said());
    };
    let untrusted = "they lie in what is judged";
    let manifest = "--manifest ../release.dsse.json --format json";
    refused(desk.reproduce(manifest).exits(3), untrusted);
    refused(desk.reproduce(&format!("{manifest} --roles .weft/roles.toml")).exits(3), untrusted);
    // Below the top as well.
    let line = "release reproduce --artifacts ../../out --manifest ../../release.dsse.json --roles ../.weft/roles.toml --format json";
    refused(Run::new(desk.path("tree/src"), line).within(120).done().exits(3), untrusted);
    let trusted = "--roles ../trusted/.weft/roles.toml";
    let behind = format!("{manifest} {trusted} --newest-revocation 1");
    refused(desk.reproduce(&behind).exits(1), "these roles are behind it");
    // Another's roles, and a release that they signed.
    fs::remove_dir_all(desk.path("tree/.weft")).unwrap();
    for line in [
        "key new mallory --output ../keys/mallory.key",
        "role init --name mallory --key ../keys/mallory.pub",
        "role propose --output ../mallory.json",
        "role attest ../mallory.json --key ../keys/mallory.key",
        "role commit ../mallory.json",
    ] {
        desk.run(line).exits(0);
    }
    fs::create_dir(desk.path("evil")).unwrap();
    fs::copy(desk.path("release.json"), desk.path("evil/release.json")).unwrap();
    desk.run("release countersign ../evil/release.json --key ../keys/mallory.key").exits(0);
    desk.run("release finish ../evil/release.json --output ../evil/release.dsse.json").exits(0);
    let evil = "--manifest ../evil/release.dsse.json --format json";
    refused(desk.reproduce(evil).exits(3), untrusted);
    refused(desk.reproduce(&format!("{evil} {trusted}")).exits(3), "0 of 1; missing role release");
    let anchored = format!("{evil} --trusted-roles {}", desk.roles);
    refused(desk.reproduce(&anchored).exits(1), "the roles in");
    // The right ones still count.
    let done = desk.reproduce(&format!("{manifest} {trusted}")).exits(0);
    assert!(done.stdout.contains("\"signed\":true"), "{}", done.said());
}

#[test]
fn a_file_that_no_record_names_is_refused() {
    let desk = Desk::released(&[]);
    desk.sign();
    fs::write(desk.path("out/EXTRA"), "x").unwrap();
    for more in ["", &*desk.signed()] {
        let done = desk.reproduce(more).exits(1);
        assert!(done.stdout.contains("EXTRA is named by neither"), "{}", done.said());
        assert!(!done.stderr.contains("running the build"), "{}", done.said());
    }
}

/// A build that looks for the artifacts it is compared with, and shows them as its own package.
#[test]
#[cfg(target_os = "linux")]
fn what_a_build_only_links_to_is_not_what_it_made() {
    let script = r#"
        use std::{env, fs, os::unix::fs::symlink, path::Path};
        fn main() {
            let now = std::time::SystemTime::now();
            println!("cargo:rustc-env=NOW={now:?}");
            let mut id = "self".to_owned();
            while let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) {
                let said = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                let said = String::from_utf8_lossy(&said).into_owned();
                let mut words = said.split('\0').skip_while(|word| *word != "--artifacts");
                if let Some(artifacts) = words.nth(1) {
                    let artifacts = Path::new(&format!("/proc/{id}/cwd")).join(artifacts);
                    let artifacts = artifacts.canonicalize().unwrap();
                    let out = env::var("OUT_DIR").unwrap();
                    let target = Path::new(&out).ancestors().nth(4).unwrap();
                    symlink(&artifacts, target.join("package")).unwrap();
                    fs::write(artifacts.join("../linked"), "").unwrap();
                    return;
                }
                let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
                id = parent.unwrap().trim().to_owned();
            }
        }
    "#;
    let main = "fn main() {\n    println!(\"{}\", env!(\"NOW\"));\n}\n";
    let desk = Desk::released(&[("build.rs", script), ("src/main.rs", main)]);
    assert!(!desk.path("linked").exists());
    let done = desk.reproduce("").exits(1);
    assert!(desk.path("linked").exists(), "the build tried it: {}", done.said());
    assert!(done.stdout.starts_with("failed\n  different  app\n"), "{}", done.said());
}

#[test]
#[cfg(unix)]
fn a_directory_that_a_link_leads_to_is_not_built() {
    let desk = Desk::new(&[]);
    let sentinel = desk.path("sentinel");
    let script = format!("fn main() {{ std::fs::write({sentinel:?}, \"\").unwrap(); }}");
    // It leads nowhere until the release is prepared.
    std::os::unix::fs::symlink(desk.path("outside"), desk.path("tree/link")).unwrap();
    desk.commit();
    desk.build("cargo build --release --locked --offline", "release/app");
    desk.prepare("").exits(0);
    fs::create_dir_all(desk.path("outside/src")).unwrap();
    for (name, text) in [
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCKFILE),
        ("src/main.rs", "fn main() {}"),
        ("build.rs", &*script),
    ] {
        fs::write(desk.path("outside").join(name), text).unwrap();
    }
    let change = |env: &mut Value| env["build"]["directory"] = "link".into();
    desk.forged("env.json", change, 1, "\"link\" is no directory of the commit");
    assert!(!sentinel.exists());
}

/// rustup takes programs from such a place, also to say which version they are.
#[test]
#[cfg(unix)]
fn a_toolchain_of_the_tree_is_not_even_asked() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::released(&[]);
    let sentinel = desk.path("sentinel");
    fs::create_dir_all(desk.path("evil/bin")).unwrap();
    for name in ["cargo", "rustc"] {
        let path = desk.path("evil/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\ntouch {}\n", sentinel.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let text = format!("[toolchain]\npath = {:?}\n", desk.path("evil"));
    fs::write(desk.path("tree/rust-toolchain.toml"), text).unwrap();
    desk.commit();
    let id = |revision: &str| {
        let mut git = Command::new("git");
        git.args(["rev-parse", revision]).current_dir(desk.path("tree"));
        String::from_utf8(git.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let phrase = "the toolchain file rust-toolchain.toml names no toolchain by its channel";
    let change = |lock: &mut Value| {
        lock["commit"] = id("HEAD").into();
        lock["tree"] = id("HEAD^{tree}").into();
    };
    desk.forged("repro.lock", change, 1, phrase);
    for name in ["env.json", "manifest.json", "repro.lock"] {
        fs::remove_file(desk.path("out").join(name)).unwrap();
    }
    fs::remove_file(desk.path("release.json")).unwrap();
    fs::remove_file(desk.path("release.json.verdict.json")).unwrap();
    let done = desk.prepare("").exits(2);
    assert!(done.stderr.contains(phrase), "{}", done.said());
    assert!(!sentinel.exists());
    // One that is named is asked.
    fs::write(desk.path("tree/rust-toolchain.toml"), "[toolchain]\nprofile = \"minimal\"\n")
        .unwrap();
    desk.commit();
    desk.prepare("").exits(0);
}

/// The work tree is not the commit, and may have become anybody's.
#[test]
#[cfg(unix)]
fn no_program_of_the_work_tree_is_run() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::released(&[]);
    let sentinel = desk.path("sentinel");
    fs::create_dir(desk.path("tree/bin")).unwrap();
    for name in ["cargo", "rustc", "cc", "git"] {
        let path = desk.path("tree/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\ntouch {}\n", sentinel.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap();
    let path = [desk.path("tree/bin")].into_iter().chain(std::env::split_paths(&path));
    let run = Run::new(desk.path("tree"), "release reproduce --artifacts ../out").within(120);
    let run = run.env("PATH", std::env::join_paths(path).unwrap());
    run.env("CARGO_HOME", desk.path("home")).done().exits(0);
    assert!(!sentinel.exists());
}

#[test]
fn what_cannot_be_recorded_is_not_released() {
    let mut desk = Desk::new(&[]);
    desk.build("cargo build --release --locked --offline", "release/app");
    // A path of this machine that another does not have.
    desk.flags = format!("-L{}", desk.path("home").display());
    let done = desk.prepare("").exits(2);
    assert!(done.stderr.contains("a path of this machine"), "{}", done.said());
    desk.flags = String::new();
    // Whether there is anything or not.
    desk.flags = "-L/nowhere/at/all".to_owned();
    let done = desk.prepare("").exits(2);
    assert!(done.stderr.contains("a path of this machine"), "{}", done.said());
    desk.flags = String::new();
    // A record of another build is not overwritten.
    fs::write(desk.path("out/env.json"), "mine").unwrap();
    let done = desk.prepare("").exits(2);
    assert!(done.stderr.contains("says something else"), "{}", done.said());
    assert_eq!(fs::read(desk.path("out/env.json")).unwrap(), b"mine");
    fs::remove_file(desk.path("out/env.json")).unwrap();
    // Nothing is left of a release that is not prepared.
    let another = "release prepare --precision lock --artifacts ../out --release-version 9.9.9 --output ../release.json --reproducible";
    desk.run(another).exits(2);
    for name in ["out/env.json", "release.json", "release.json.verdict.json"] {
        assert!(!desk.path(name).exists(), "{name}");
    }
    desk.prepare("").exits(0);
    let done = desk.prepare("").exits(2);
    assert!(done.stderr.contains("release.json is there already"), "{}", done.said());
    // A directory that is not clean is not made.
    let done = desk.reproduce("--keep kept").exits(3);
    assert!(done.stdout.contains("is not clean"), "{}", done.said());
    assert!(!desk.path("tree/kept").exists());
}

#[test]
fn a_build_that_fails_is_no_comparison() {
    let desk = Desk::released(&[]);
    desk.forge("env.json", |env| env["variables"]["RUSTFLAGS"] = "--no-such-option".into());
    let done = desk.reproduce("").exits(3);
    assert!(done.stdout.contains("the build failed"), "{}", done.said());
    // An artifact that the build does not make.
    let desk = Desk::new(&[]);
    desk.build("cargo build --release --locked --offline", "release/app");
    fs::write(desk.path("out/other"), "x").unwrap();
    desk.prepare("").exits(0);
    let done = desk.reproduce("").exits(1);
    assert!(done.stdout.contains("not made   other"), "{}", done.said());
}

#[test]
fn the_records_are_of_their_published_schemas() {
    let desk = Desk::released(&[]);
    for (format, name) in [
        ("build-environment", "env.json"),
        ("build-manifest", "manifest.json"),
        ("build-lock", "repro.lock"),
    ] {
        let schema = desk.run(&format!("schema {format}")).exits(0).stdout;
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let mut record = desk.record(name);
        assert!(schema.is_valid(&record), "{name}");
        record["more"] = 1.into();
        assert!(!schema.is_valid(&record), "{name} with one member more");
        let template = format!("{}/templates/{name}", env!("CARGO_MANIFEST_DIR"));
        let template: Value = serde_json::from_slice(&fs::read(template).unwrap()).unwrap();
        assert!(schema.is_valid(&template), "the template of {name}");
    }
}
