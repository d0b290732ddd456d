//! The program that the input `binary` names: never one that a pull request could have written or chosen.

use std::fs;
use std::os::unix::fs::symlink;

use super::runner::Job;

/// Leaves a file, if it is run.
const CHOSEN: &str = "[[ $1 != run ]] || : >\"${0%/*}/ran\"";

/// Runs the action with a program named like this, after `arrange`, and returns what the log says if it is refused.
#[track_caller]
fn refusal(binary: &str, arrange: impl Fn(&Job)) -> Option<String> {
    let job = Job::new();
    job.program("outside/weft-action", CHOSEN);
    job.program("workspace/tools/weft-action", CHOSEN);
    arrange(&job);
    let binary = binary.replace("JOB", job.path("").to_str().unwrap().trim_end_matches('/'));
    let job = job.input("binary", &*binary);
    let done = job.done();
    let ran = ["outside/ran", "workspace/tools/ran"].map(|name| job.path(name).exists());
    let last = done.steps.last().unwrap();
    match (last.status, done.steps.len(), ran) {
        (0, 2, [true, false]) => None,
        (2, 1, [false, false]) => {
            let said = last.log.strip_prefix("::error title=cargo weft::").unwrap();
            assert_eq!(said.lines().count(), 1, "{binary:?}: {said}");
            assert_eq!(last.outputs.len(), 0, "{binary:?}");
            Some(said.to_owned())
        }
        (status, steps, ran) => panic!("{binary:?}: {status} {steps} {ran:?}: {}", done.log()),
    }
}

#[test]
fn a_program_outside_of_the_workspace_is_run() {
    for binary in [
        "JOB/outside/weft-action",
        "JOB/link",
        "JOB/outside/../outside/weft-action",
        "JOB/workspace-2/weft-action",
        "JOB/elsewhere/weft-action",
    ] {
        let refused = refusal(binary, |job| {
            symlink(job.path("outside/weft-action"), job.path("link")).unwrap();
            fs::create_dir(job.path("workspace-2")).unwrap();
            symlink("../outside/weft-action", job.path("workspace-2/weft-action")).unwrap();
            symlink("outside", job.path("elsewhere")).unwrap();
        });
        assert_eq!(refused, None, "{binary}");
    }
}

#[test]
fn a_program_that_is_reached_by_way_of_the_workspace_is_refused() {
    for binary in [
        "JOB/workspace/tools/weft-action",
        "JOB/outside/../workspace/tools/weft-action",
        "JOB/workspace/../workspace/tools/weft-action",
        // From outside of it into it.
        "JOB/into",
        "JOB/directory/tools/weft-action",
        // Out of it by a link that a pull request can set as it likes, to any program that ends with 0.
        "JOB/workspace/out",
        "JOB/workspace/out-directory/weft-action",
        "JOB/into-and-out",
        "JOB/middle/weft-action",
        "JOB/middle-and-out/weft-action",
        "JOB/elsewhere/../middle-and-out/weft-action",
        "JOB/workspace/../outside/weft-action",
    ] {
        let said = refusal(binary, |job| {
            symlink(job.path("workspace/tools/weft-action"), job.path("into")).unwrap();
            symlink(job.path("workspace"), job.path("directory")).unwrap();
            symlink(job.path("outside/weft-action"), job.path("workspace/out")).unwrap();
            symlink(job.path("outside"), job.path("workspace/out-directory")).unwrap();
            symlink("workspace/out", job.path("into-and-out")).unwrap();
            symlink("workspace/tools", job.path("middle")).unwrap();
            symlink("workspace/out-directory", job.path("middle-and-out")).unwrap();
            symlink("outside", job.path("elsewhere")).unwrap();
        });
        let said = said.unwrap_or_else(|| panic!("{binary} was run"));
        assert!(said.contains("by way of the workspace"), "{binary}: {said}");
    }
}

#[test]
fn what_is_no_program_is_refused() {
    for (binary, phrase) in [
        ("JOB/gone", "names no program"),
        ("JOB/outside", "names no program"),
        ("JOB/plain", "names no program"),
        ("JOB/dangling", "names no program"),
        ("JOB/loop", "lead to each other"),
        ("JOB/a\nbinary=JOB/outside/weft-action", "control character"),
        ("JOB/a\r", "control character"),
        ("JOB/newline", "control character"),
        ("/\u{1b}[2J", "control character"),
        (" ", "no absolute path"),
        ("-x", "no absolute path"),
        ("tools/weft-action", "no absolute path"),
        ("../outside/weft-action", "no absolute path"),
        ("C:\\outside\\weft-action", "no absolute path"),
    ] {
        let said = refusal(binary, |job| {
            fs::write(job.path("plain"), "").unwrap();
            symlink("nowhere", job.path("dangling")).unwrap();
            symlink("loop", job.path("loop")).unwrap();
            job.program("line\nbinary=x", CHOSEN);
            symlink("line\nbinary=x", job.path("newline")).unwrap();
        });
        let said = said.unwrap_or_else(|| panic!("{binary:?} was run"));
        assert!(said.contains(phrase), "{binary:?}: {said}");
        assert!(!said.contains("gone"), "a text of others gets no place in the log: {said}");
    }
}

#[test]
fn a_path_is_one_word() {
    let job = Job::new();
    let program = job.program("with 'a space' $(touch b) *;/weft-action", CHOSEN);
    let job = job.input("binary", program.to_str().unwrap());
    job.done().exits(0);
    assert!(program.with_file_name("ran").exists());
}

#[test]
fn a_workspace_by_another_name_is_the_workspace() {
    let job = Job::new();
    job.program("real/tools/weft-action", CHOSEN);
    fs::remove_dir(job.path("workspace")).unwrap();
    symlink("real", job.path("workspace")).unwrap();
    let binary = job.path("real/tools/weft-action");
    let job = job.input("binary", binary.to_str().unwrap());
    let done = job.done().exits(2);
    assert!(done.log().contains("by way of the workspace"), "{}", done.log());
    assert!(!job.path("real/tools/ran").exists());
}

#[test]
fn on_windows_a_path_is_read_as_windows_writes_it() {
    let job = Job::new();
    let outside = job.program("outside/weft-action", CHOSEN);
    let translated =
        format!("[[ $* = '--unix D:\\tools\\weft-action' ]] && echo '{}'", outside.display());
    job.program("programs/cygpath", &translated);
    let programs = job.path("programs");
    let job = job.programs(&programs).variable("RUNNER_OS", "Windows");
    let job = job.input("binary", "D:\\tools\\weft-action");
    job.done().exits(0);
    assert!(job.path("outside/ran").exists());
}

/// An earlier step may have put a directory of the checkout on PATH.
#[test]
fn programs_of_the_workspace_are_not_run_to_find_it() {
    for directory in ["workspace/bin", "way"] {
        let job = Job::new();
        job.program("outside/weft-action", CHOSEN);
        for name in ["realpath", "dirname", "readlink", "tr", "head"] {
            job.program(&format!("workspace/bin/{name}"), ": >\"${0%/*}/ran\"");
        }
        symlink("workspace/bin", job.path("way")).unwrap();
        let path = job.path(directory);
        let binary = job.path("outside/weft-action").display().to_string();
        let job = job.programs(&path).input("binary", binary);
        let done = job.done();
        assert_eq!(done.steps.last().unwrap().status, 0, "{}", done.log());
        assert!(job.path("outside/ran").exists());
        assert!(!job.path("workspace/bin/ran").exists(), "{directory}");
    }
}
