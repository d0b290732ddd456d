//! The exit status is the verdict's, whatever the report looks like and wherever it goes.

use cargo_weft::ExitStatus;
use weft_gate::Outcome;

use crate::common::{Run, Tree};
use crate::sample;

/// Audits in every format, to standard output and to a file, and demands one status of them all.
#[track_caller]
fn check(tree: &Tree, status: i32) {
    for precision in ["lock", "metadata", "auto"] {
        for format in ["human", "json", "sarif", "markdown"] {
            let audit = format!("audit --precision {precision} --format {format}");
            let shown = Run::new(tree.path("tree"), &audit).done().exits(status);
            assert_eq!(shown.stdout.is_empty(), status == 2, "{format}, {}", shown.said());
            let file = tree.path(&format!("{precision}.{format}"));
            let written = Run::new(tree.path("tree"), &format!("{audit} --output")).arg(&file);
            assert!(written.done().exits(status).stdout.is_empty());
            assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), shown.stdout);
        }
    }
}

#[test]
fn passed_is_0() {
    check(&sample::passes(), 0);
}

#[test]
fn failed_is_1() {
    check(
        &Tree::sound().with("tree/weft.toml", "schema = 1\nprofile = \"strict\"\n").with(
            "tree/.cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"mine\"\n[source.mine]\ndirectory = \"vendor\"\n",
        ),
        1,
    );
}

#[test]
fn an_error_is_2() {
    check(&sample::is_faulty(), 2);
}

#[test]
fn inconclusive_is_3() {
    check(&sample::is_unknown(), 3);
}

#[test]
fn what_is_required_and_not_evaluated_is_3() {
    let policy = "schema = 1\n[gate.audit]\nrequire = [\"topology/host-execution\"]\n";
    let tree = Tree::sound().with("tree/weft.toml", policy);
    for format in ["human", "json", "sarif", "markdown"] {
        let audit = format!("audit --precision lock --format {format}");
        Run::new(tree.path("tree"), &audit).done().exits(3);
        Run::new(tree.path("tree"), &audit.replace("lock", "metadata")).done().exits(0);
    }
}

#[test]
fn what_is_required_and_switched_off_is_3() {
    let policy = "schema = 1\n[checks]\n\"source/*\" = \"off\"\n\
                  [gate.audit]\nrequire = [\"source\"]\n";
    let tree = Tree::sound().with("tree/weft.toml", policy);
    Run::new(tree.path("tree"), "audit").done().exits(3);
}

#[test]
fn a_report_that_cannot_be_written_is_2_whatever_the_verdict() {
    for tree in [sample::passes(), sample::fails(), sample::is_unknown()] {
        let tree = tree.with("file", "").with("directory/file", "");
        for format in ["human", "json", "sarif", "markdown"] {
            for path in ["gone/report", "file/report", "directory"] {
                let audit = format!("audit --precision lock --format {format} --output");
                let run = Run::new(tree.path("tree"), &audit).arg(tree.path(path)).done();
                assert!(run.exits(2).stderr.contains("failed to write"));
            }
        }
        let facts =
            Run::new(tree.path("tree"), "audit --facts").arg(tree.path("gone/facts")).done();
        assert!(facts.exits(2).stderr.contains("failed to write"));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_output_is_2() {
    let tree = sample::passes();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-weft"))
        .args(["audit", "--precision", "lock", "--format", "json"])
        .current_dir(tree.path("tree"))
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn each_status_has_its_number() {
    for (status, code) in [
        (ExitStatus::Passed, 0),
        (ExitStatus::Failed, 1),
        (ExitStatus::Error, 2),
        (ExitStatus::Inconclusive, 3),
        (ExitStatus::Bug, 70),
    ] {
        assert_eq!(status.code(), code);
    }
    assert_eq!(ExitStatus::from(Outcome::Passed), ExitStatus::Passed);
    assert_eq!(ExitStatus::from(Outcome::Failed), ExitStatus::Failed);
    assert_eq!(ExitStatus::from(Outcome::Inconclusive), ExitStatus::Inconclusive);
    assert_eq!(cargo_weft::Error::Bug(String::new()).status(), ExitStatus::Bug);
}
