//! Golden cases: `tests/golden/<family>/<name>/<case>/` is a workspace, and `outcome.snap` in it what every check says.
//!
//! A case is judged by the real binary at lock precision, or as its file `args` says.
//! The snapshot holds all checks, so that one which speaks up in another's case is seen.
//! `cargo insta review` shows what changed; read it as prose before accepting it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/home.rs"]
mod home;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::copy;
use serde_json::Value;
use weft_gate::check;

#[test]
fn every_case_has_the_outcome_it_had() {
    let cases = cases();
    assert!(cases.len() >= 2 * check::codes().count(), "cases are missing");
    for case in cases {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&case);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("outcome", outcome(&case)));
    }
}

#[test]
fn every_check_has_a_case_that_fires_and_one_that_does_not() {
    let name =
        |case: &Path| case.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    let names: Vec<String> = cases().iter().map(|case| name(case)).collect();
    for code in check::codes() {
        for (case, fires) in [("fires", true), ("quiet", false)] {
            let name = format!("{code}/{case}");
            assert!(names.contains(&name), "{name} is missing");
            let text = fs::read_to_string(root().join(&name).join("outcome.snap")).unwrap();
            let found = text
                .lines()
                .any(|line| line.starts_with(&format!("{code}: ")) && line.contains("finding"));
            assert_eq!(found, fires, "{name}");
        }
    }
    let known = |name: &String| check::codes().any(|code| name.starts_with(&format!("{code}/")));
    assert_eq!(names.iter().find(|name| !known(name)), None, "a case of no check");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Lists the directories three levels down, sorted.
fn cases() -> Vec<PathBuf> {
    let mut level = vec![root()];
    for _ in 0..3 {
        let entries =
            level.iter().flat_map(|dir| fs::read_dir(dir).unwrap()).map(|e| e.unwrap().path());
        level = entries.filter(|path| path.is_dir()).collect();
    }
    level.sort();
    level
}

fn outcome(case: &Path) -> String {
    let args =
        fs::read_to_string(case.join("args")).unwrap_or_else(|_| "--precision=lock".to_owned());
    let as_of = if args.contains("--as-of") { None } else { Some("--as-of=2026-11-20") };
    let home = home::of(case);
    let repository = repository(case);
    let tree = repository.as_ref().map_or(case, tempfile::TempDir::path);
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-weft"))
        .args(["audit", "--format=json", "--manifest-path"])
        .arg(tree.join("Cargo.toml"))
        .arg("--advisory-db")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db"))
        .args(as_of)
        .args(args.split_whitespace())
        .env("CARGO_HOME", home.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let verdict: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{stderr}"));
    let mut out = format!(
        "{} with status {}\n",
        verdict["outcome"].as_str().unwrap(),
        output.status.code().unwrap()
    );
    for (code, lines) in by_code(&verdict) {
        _ = writeln!(out, "{code}: {lines}");
    }
    for exempted in verdict["exempted"].as_array().unwrap() {
        let finding = &exempted["finding"];
        _ = writeln!(
            out,
            "exempted: {} {}",
            finding["code"].as_str().unwrap(),
            finding["subject"].as_str().unwrap()
        );
    }
    for notice in verdict["notices"].as_array().unwrap() {
        _ = writeln!(out, "notice: {}", notice["message"].as_str().unwrap());
    }
    for line in stderr.lines() {
        _ = writeln!(out, "stderr: {line}");
    }
    out
}

/// Makes a git repository of a case that has evidence or a base; others are judged where they are.
///
/// What is in `@base/` replaces the case's files in the first commit; `@SOURCES@` in evidence becomes the digest of the
/// sources, reckoned here as the specification says it.
fn repository(case: &Path) -> Option<tempfile::TempDir> {
    if !case.join("@base").is_dir() && !case.join(".weft/evidence").is_dir() {
        return None;
    }
    let tree = tempfile::tempdir().unwrap();
    copy(case, tree.path());
    let at = |name: &str| tree.path().join(name);
    for name in ["outcome.snap", "args"] {
        _ = fs::remove_file(at(name));
    }
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(tree.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status()
            .unwrap();
        assert!(status.success());
    };
    git(&["init", "--quiet"]);
    if at("@base").is_dir() {
        let head = tempfile::tempdir().unwrap();
        copy(tree.path(), head.path());
        fs::remove_dir_all(at("@base")).unwrap();
        copy(&head.path().join("@base"), tree.path());
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "base"]);
        fs::remove_dir_all(head.path().join("@base")).unwrap();
        fs::remove_dir_all(head.path().join(".git")).unwrap();
        copy(head.path(), tree.path());
    } else {
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "all"]);
    }
    let mut files = Vec::new();
    files_below(tree.path(), &mut files);
    let names = files.iter().map(|path| path.strip_prefix(tree.path()).unwrap().to_str().unwrap());
    let mut names: Vec<&str> = names
        .filter(|name| !name.starts_with(".git/") && !name.starts_with(".weft/evidence/"))
        .collect();
    names.sort_unstable();
    let line = |name: &&str| {
        let digest = weft_verify::Sha256::of(&fs::read(at(name)).unwrap());
        format!("100644 {digest} {name}\n")
    };
    let lines: String = names.iter().map(line).collect();
    let sources = weft_verify::Sha256::of(lines.as_bytes()).to_string();
    for path in files.iter().filter(|path| path.starts_with(at(".weft/evidence"))) {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replace("@SOURCES@", &sources)).unwrap();
    }
    Some(tree)
}

fn files_below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Says for every check what it found, or that it is quiet, or why it is not evaluated.
fn by_code(verdict: &Value) -> BTreeMap<&'static str, String> {
    check::codes()
        .map(|code| {
            let of_code = |list: &str| -> Vec<Value> {
                verdict[list]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|v| v["code"] == code)
                    .cloned()
                    .collect()
            };
            let missing = of_code("not_evaluated");
            let findings = of_code("findings");
            let text = match (&missing[..], &findings[..]) {
                ([missing], _) => format!("not evaluated, {}", missing["reason"].as_str().unwrap()),
                (_, []) => "quiet".to_owned(),
                (_, findings) => {
                    let shown: Vec<String> = findings.iter().map(finding).collect();
                    format!("{} finding(s)\n{}", findings.len(), shown.join("\n"))
                }
            };
            (code, text)
        })
        .collect()
}

fn finding(finding: &Value) -> String {
    let place = &finding["place"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path: Vec<String> = finding["path"].as_array().into_iter().flatten().map(text).collect();
    format!(
        "  {} {} at {}:{}:{}\n    {}\n    path: {}\n    next: {} {}",
        text(&finding["level"]),
        text(&finding["subject"]),
        text(&place["file"]),
        place["line"],
        place["column"],
        text(&finding["sentence"]),
        path.join(" > "),
        text(&finding["remedy"]["sentence"]),
        text(&finding["remedy"]["command"]),
    )
}
