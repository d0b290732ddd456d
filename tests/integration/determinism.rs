//! Equal inputs give equal bytes: on any run, in any directory, with any number of threads.

use std::path::Path;

use crate::common::{AS_OF, Run, copy};
use crate::real;
use crate::sample;

/// Everything that the tool prints of a tree, by command; the digests in a report speak for the facts.
fn outputs(directory: &Path, rest: &str, threads: &str) -> Vec<(String, String)> {
    let formats = ["human", "json", "sarif", "markdown"];
    let audits = formats.map(|format| format!("audit --as-of {AS_OF} --format {format} {rest}"));
    let graphs = ["json", "dot", "graphml"].map(|format| format!("graph --format {format} {rest}"));
    let risks = ["human", "json"].map(|format| format!("risk --top 0 --format {format} {rest}"));
    let commands = audits.into_iter().chain(graphs).chain(risks);
    commands
        .map(|command| {
            let run = Run::new(directory, &command).env("RAYON_NUM_THREADS", threads).done();
            assert!(matches!(run.status, Some(0 | 1)), "{command}: {}", run.said());
            (command, run.stdout)
        })
        .collect()
}

#[test]
fn neither_runs_nor_directories_nor_threads_show() {
    for tree in [sample::passes(), sample::fails()] {
        let near = tree.path("n");
        let far = tree.path("a/much/longer/and deeper/directory/than/the/other");
        copy(&tree.path("tree"), &near);
        copy(&tree.path("tree"), &far);
        for rest in ["--precision lock", "--precision auto"] {
            let expected = outputs(&near, rest, "1");
            assert_eq!(outputs(&near, rest, "8"), expected);
            assert_eq!(outputs(&far, rest, "1"), expected);
            assert_eq!(outputs(&far, rest, "8"), expected);
        }
    }
}

#[test]
fn metadata_precision_knows_no_directory() {
    let tree = sample::members();
    let far = tree.path("a/longer directory/with a space");
    copy(&tree.path("tree"), &far);
    let rest = "--precision metadata";
    let expected = outputs(&tree.path("tree"), rest, "1");
    assert!(expected[1].1.contains("\"precision\":\"metadata\""));
    assert_eq!(outputs(&tree.path("tree"), rest, "8"), expected);
    assert_eq!(outputs(&far, rest, "3"), expected);
}

#[test]
fn a_member_directory_sees_the_same_workspace() {
    let tree = sample::members();
    let expected = outputs(&tree.path("tree"), "--precision metadata", "2");
    let inside = tree.path("tree/crates/library/src");
    assert_eq!(outputs(&inside, "--precision metadata", "2"), expected);
}

#[test]
fn real_lockfiles_are_judged_alike_by_one_thread_and_eight() {
    for (name, path) in real::lockfiles() {
        let path = path.canonicalize().unwrap();
        let rest = format!("--lockfile {}", path.display());
        let here = path.parent().unwrap();
        assert_eq!(outputs(here, &rest, "1"), outputs(Path::new("/"), &rest, "8"), "{name}");
    }
}
