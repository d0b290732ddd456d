//! `cargo weft init --github`: the workflows it writes, and where it writes none.

use std::fs;
use std::path::PathBuf;

use crate::common::{Done, LOCKFILE, MANIFEST, Run, Tree, git};

const NAMES: [&str; 3] = ["weft-release.yml", "weft-report.yml", "weft.yml"];

const PIN: &str = "0123456789abcdef0123456789abcdef01234567";

/// Makes a repository with a workspace in the directory, and runs `init` there.
fn repository(directory: &str) -> Tree {
    let tree = Tree::empty()
        .with(&format!("tree/{directory}/Cargo.toml"), MANIFEST)
        .with(&format!("tree/{directory}/Cargo.lock"), LOCKFILE)
        .with(&format!("tree/{directory}/src/lib.rs"), "");
    git(&tree.path("tree"), &["init", "--quiet"]);
    tree
}

fn init(tree: &Tree, directory: &str, rest: &str) -> Done {
    Run::new(tree.path("tree").join(directory), &format!("init --github {rest}")).done()
}

fn workflows(tree: &Tree) -> PathBuf {
    tree.path("tree/.github/workflows")
}

/// Lists what lies where GitHub looks for workflows.
fn written(tree: &Tree) -> Vec<String> {
    let Ok(entries) = fs::read_dir(workflows(tree)) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn read(tree: &Tree, name: &str) -> String {
    fs::read_to_string(workflows(tree).join(name)).unwrap()
}

#[test]
fn workflows_are_pinned_and_lead_to_the_workspace() {
    for (directory, expected) in [("", "."), ("crates/app", "crates/app"), ("1.0", "1.0")] {
        let tree = repository(directory);
        let done = init(&tree, directory, &format!("--pin {PIN}")).exits(0);
        assert!(done.stdout.contains("make the job `weft` a required check"), "{}", done.said());
        assert_eq!(written(&tree), NAMES);
        for name in NAMES {
            let text = read(&tree, name);
            let uses = format!("uses: cargo-weft/cargo-weft@{PIN}\n");
            assert_eq!(text.matches(&uses).count(), 1, "{text}");
            let is_filled =
                ["WEFT_ACTION_SHA", "WEFT_DIRECTORY"].iter().all(|word| !text.contains(word));
            assert!(is_filled, "{text}");
            let leads = text.contains(&format!("working-directory: \"{expected}\"\n"));
            assert_eq!(leads, name != "weft-report.yml", "{text}");
        }
        assert!(!tree.path("tree").join(directory).join("weft.toml").exists());
    }
}

/// The workspace is not judged: a repository that fails everything needs a gate, too.
#[test]
fn a_workspace_in_any_state_gets_its_workflows() {
    let tree = repository("").with("tree/Cargo.lock", "version = 99\n");
    init(&tree, "", &format!("--pin {PIN}")).exits(0);
    assert_eq!(written(&tree), NAMES);
}

#[test]
fn a_workflow_is_replaced_when_that_is_asked_for() {
    for name in NAMES {
        let path = format!("tree/.github/workflows/{name}");
        let tree = repository("").with(&path, "mine").with("tree/.github/workflows/ci.yml", "mine");
        let refused = init(&tree, "", &format!("--pin {PIN}")).exits(2);
        assert!(refused.stderr.contains(name), "{}", refused.said());
        assert!(refused.stderr.contains("--force replaces"), "{}", refused.said());
        assert_eq!(written(&tree).len(), 2, "all are written, or none");
        assert_eq!(read(&tree, name), "mine");
        let printed = init(&tree, "", &format!("--pin {PIN} --dry-run")).exits(0).stdout;
        assert_eq!(read(&tree, name), "mine");
        init(&tree, "", &format!("--pin {PIN} --force")).exits(0);
        for name in NAMES {
            let text = format!("# .github/workflows/{name}\n{}", read(&tree, name));
            assert!(printed.contains(&text), "{printed}");
        }
        assert_eq!(read(&tree, "ci.yml"), "mine");
    }
}

#[test]
fn a_commit_is_named_in_full_or_none_is_pinned() {
    let tree = repository("");
    let long = format!("{PIN}0");
    let upper = PIN.to_uppercase();
    for pin in
        ["main", "v1", "", &PIN[1..], &long, &upper, "$(touch_sentinel_in_forty_characters_yes)"]
    {
        let done = Run::new(tree.path("tree"), "init --github --pin").arg(pin).done().exits(2);
        assert!(done.stderr.contains("40 digits") || pin.is_empty(), "{}", done.said());
    }
    // A program that was built for a release knows its own.
    if option_env!("WEFT_ACTION_SHA").is_none() {
        let done = init(&tree, "", "").exits(2);
        assert!(done.stderr.contains("--pin SHA"), "{}", done.said());
        assert!(done.stderr.contains(env!("CARGO_PKG_REPOSITORY")), "{}", done.said());
    }
    assert!(written(&tree).is_empty());
}

#[test]
fn what_belongs_to_a_policy_does_not_go_with_workflows() {
    let tree = repository("");
    for rest in ["--profile strict", "--precision lock", "--online", "--import"] {
        let done = init(&tree, "", &format!("--pin {PIN} {rest}")).exits(2);
        assert!(done.stderr.contains("cannot be used with"), "{}", done.said());
    }
    let done = Run::new(tree.path("tree"), &format!("init --pin {PIN}")).done().exits(2);
    assert!(done.stderr.contains("--github"), "{}", done.said());
    assert!(written(&tree).is_empty() && !tree.path("tree/weft.toml").exists());
}

#[test]
fn without_a_repository_there_is_no_place_for_workflows() {
    let tree = Tree::sound();
    let done = init(&tree, "", &format!("--pin {PIN}")).exits(2);
    assert!(done.stderr.contains("git init"), "{}", done.said());
    assert!(written(&tree).is_empty());
}

/// The name of a directory becomes a part of a workflow.
#[cfg(unix)]
#[test]
fn a_directory_that_a_workflow_could_misread_is_refused() {
    for directory in ["a ${{ github.token }}", "a\"b", "a\nmode: report", "a b", "ä", "a\\b"] {
        let tree = repository(directory);
        for rest in ["", "--dry-run"] {
            let done = init(&tree, directory, &format!("--pin {PIN} {rest}")).exits(2);
            assert!(done.stderr.contains("rename the directory"), "{}", done.said());
            assert!(done.stdout.is_empty(), "{}", done.said());
        }
        assert!(written(&tree).is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_workflows_out_of_the_repository() {
    use std::os::unix::fs::symlink;
    for link in [".github", ".github/workflows"] {
        let tree = repository("");
        fs::create_dir(tree.path("outside")).unwrap();
        fs::create_dir_all(tree.path("tree").join(link).parent().unwrap()).unwrap();
        symlink(tree.path("outside"), tree.path("tree").join(link)).unwrap();
        for rest in ["", "--force"] {
            let done = init(&tree, "", &format!("--pin {PIN} {rest}")).exits(2);
            assert!(done.stderr.contains("is a link"), "{}", done.said());
        }
        assert_eq!(fs::read_dir(tree.path("outside")).unwrap().count(), 0);
    }
    // Nor does one in the place of a workflow.
    let tree = repository("").with("outside", "theirs").with("tree/.github/workflows/a", "");
    symlink(tree.path("outside"), workflows(&tree).join("weft.yml")).unwrap();
    init(&tree, "", &format!("--pin {PIN}")).exits(2);
    init(&tree, "", &format!("--pin {PIN} --force")).exits(0);
    assert_eq!(fs::read_to_string(tree.path("outside")).unwrap(), "theirs");
    assert!(read(&tree, "weft.yml").contains(PIN));
}
