//! Honest trees in all the shapes that Cargo allows: what Cargo locks is not stale, and members are Cargo's.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::common::{Run, Tree};

fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{rest}")
}

/// Makes a tree of manifests, each with an empty library, locked by Cargo itself.
fn locked_by_cargo(manifests: &[(&str, String)]) -> Tree {
    let mut tree = Tree::empty();
    for (directory, manifest) in manifests {
        let at = |file: &str| format!("tree/{directory}/{file}").replace("//", "/");
        tree = tree.with(&at("Cargo.toml"), manifest).with(&at("src/lib.rs"), "");
    }
    let output = Command::new(env!("CARGO"))
        .args(["generate-lockfile", "--offline"])
        .current_dir(tree.path("tree"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tree
}

/// Demands that a tree passes, and has these members, at both precisions.
#[track_caller]
fn check(manifests: &[(&str, String)], members: &[&str]) {
    let tree = locked_by_cargo(manifests);
    for precision in ["lock", "metadata"] {
        let audit = format!("audit --precision {precision}");
        Run::new(tree.path("tree"), &audit).done().exits(0).stdout.find("passed").unwrap();
        let graph =
            Run::new(tree.path("tree"), &format!("graph --precision {precision}")).done().exits(0);
        let inventory: Value = serde_json::from_str(&graph.stdout).unwrap();
        let packages = inventory["packages"].as_array().unwrap().iter();
        let found: BTreeSet<&str> =
            packages.filter(|p| p["member"] == true).map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(found, members.iter().copied().collect(), "at {precision} precision");
    }
}

#[test]
fn without_a_workspace_path_dependencies_are_no_members() {
    check(
        &[
            ("", package("app", "[dependencies]\nhelper = { path = \"helper\" }\n")),
            (
                "helper",
                package("helper", "[dev-dependencies]\ntester = { path = \"../tester\" }\n"),
            ),
            ("tester", package("tester", "")),
        ],
        &["app"],
    );
}

#[test]
fn with_a_workspace_path_dependencies_are_members_with_dev_dependencies() {
    check(
        &[
            ("", package("app", "[workspace]\n[dependencies]\nhelper = { path = \"helper\" }\n")),
            (
                "helper",
                package("helper", "[dev-dependencies]\ntester = { path = \"../tester\" }\n"),
            ),
            ("tester", package("tester", "")),
        ],
        &["app", "helper", "tester"],
    );
}

#[test]
fn optional_dependencies_of_others_are_locked_only_if_they_are_on() {
    let excluded = "[workspace]\nexclude = [\"third\"]\n[dependencies]\nhelper = { path = \"third/helper\" }\n";
    check(
        &[
            ("", package("app", excluded)),
            (
                "third/helper",
                package(
                    "helper",
                    "[dependencies]\nmore = { path = \"../more\", optional = true }\n",
                ),
            ),
            ("third/more", package("more", "")),
        ],
        &["app"],
    );
}

#[test]
fn members_win_over_exclusions_above_and_below() {
    check(
        &[
            (
                "",
                "[workspace]\nresolver = \"2\"\nmembers = [\"a\"]\nexclude = [\"a/b\"]\n"
                    .to_owned(),
            ),
            ("a", package("a", "[dependencies]\nb = { path = \"b\" }\n")),
            ("a/b", package("b", "[dev-dependencies]\nc = { path = \"../c\" }\n")),
            ("a/c", package("c", "")),
        ],
        &["a", "b", "c"],
    );
}

#[test]
fn a_nested_workspace_inherits_from_its_own_root() {
    check(
        &[
            ("", package("app", "[workspace]\nexclude = [\"sub\"]\n[dependencies]\ninner = { path = \"sub/inner\" }\n")),
            ("sub", "[workspace]\nmembers = [\"inner\"]\n[workspace.dependencies]\nleaf = { path = \"leaf\" }\n".to_owned()),
            ("sub/inner", package("inner", "[dependencies]\nleaf.workspace = true\n")),
            ("sub/leaf", package("leaf", "")),
        ],
        &["app"],
    );
}

#[test]
fn a_patch_that_nothing_uses_is_not_missed() {
    check(
        &[
            ("", package("app", "[workspace]\n[patch.crates-io]\nspare = { path = \"spare\" }\n")),
            ("spare", package("spare", "")),
        ],
        &["app"],
    );
}

#[test]
fn dependencies_are_known_by_other_names_for_some_targets_and_in_circles() {
    let first = "[workspace]\nmembers = [\"crates/*\"]\n[dependencies]\nother = { package = \"b-b\", path = \"crates/b\" }\n\
                 [target.'cfg(windows)'.build-dependencies]\nc = { path = \"crates/c\", version = \"0.1\" }\n\
                 [dev-dependencies]\napp = { path = \".\" }\n";
    check(
        &[
            ("", package("app", first)),
            (
                "crates/b",
                package(
                    "b-b",
                    "[features]\nx = [\"dep:c\"]\n[dependencies]\nc = { path = \"../c\", optional = true }\n",
                ),
            ),
            (
                "crates/c",
                package("c", "[dev-dependencies]\nb-b = { path = \"../b\", features = [\"x\"] }\n"),
            ),
        ],
        &["app", "b-b", "c"],
    );
}

#[test]
fn default_features_that_a_member_wants_back_are_wanted() {
    let manifests = [
        ("", "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n[workspace.dependencies]\nb = { path = \"b\", default-features = false }\n".to_owned()),
        ("a", package("a", "[dependencies]\nb = { workspace = true, default-features = true }\n")),
        ("b", package("b", "[features]\ndefault = [\"x\"]\nx = []\n")),
    ];
    check(&manifests, &["a", "b"]);
    let tree = locked_by_cargo(&manifests);
    for precision in ["lock", "metadata"] {
        let graph =
            Run::new(tree.path("tree"), &format!("graph --precision {precision}")).done().exits(0);
        let inventory: Value = serde_json::from_str(&graph.stdout).unwrap();
        assert_eq!(inventory["edges"][0]["declared"][0]["default_features"], true, "{precision}");
    }
}
