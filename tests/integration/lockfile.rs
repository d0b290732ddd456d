//! Lockfiles that are missing, unknown or behind their manifests.

use crate::common::{LOCKFILE, MANIFEST, Run, Tree, from_registry, locked, package, unwrapped};

/// Demands a status and a phrase at lock precision, and the same status where cargo is asked.
#[track_caller]
fn check(tree: &Tree, status: i32, says: &str) {
    for precision in ["lock", "auto"] {
        let audit = format!("audit --precision {precision}");
        let done = Run::new(tree.path("tree"), &audit).done().exits(status);
        let said = unwrapped(&format!("{} {}", done.stdout, done.stderr));
        assert!(said.contains(says), "{says:?} is not said at {precision}, {}", done.said());
    }
}

const STALE: &str = "deny[inventory/lockfile-stale]";

fn with_dependencies(table: &str, lockfile: &str) -> Tree {
    Tree::of(&format!("{MANIFEST}[dependencies]\n{table}\n"), lockfile)
}

fn one(version: &str) -> String {
    locked(&["dep"], &package("dep", version, &from_registry()))
}

#[test]
fn a_missing_lockfile_is_a_finding_with_its_remedy() {
    let tree = Tree::empty().with("tree/Cargo.toml", MANIFEST).with("tree/src/lib.rs", "");
    check(&tree, 1, "deny[inventory/lockfile-missing]");
    check(&tree, 1, "cargo generate-lockfile");
}

#[test]
fn a_lockfile_that_fits_is_not_stale() {
    check(&with_dependencies("dep = \"1\"", &one("1.2.0")), 0, "passed");
    check(
        &with_dependencies("dep = { version = \"1\", optional = true }", &one("1.2.0")),
        0,
        "passed",
    );
}

#[test]
fn a_dependency_that_was_added_makes_it_stale() {
    check(&with_dependencies("dep = \"1\"", LOCKFILE), 1, STALE);
    check(&with_dependencies("dep = \"1\"", LOCKFILE), 1, "dep");
}

#[test]
fn a_dependency_that_was_removed_makes_it_stale() {
    check(&Tree::of(MANIFEST, &one("1.0.0")), 1, STALE);
    let unneeded = format!("{LOCKFILE}{}", package("dep", "1.0.0", &from_registry()));
    check(&Tree::of(MANIFEST, &unneeded), 1, "holds dep@1.0.0, which no member needs");
}

#[test]
fn a_requirement_that_moved_on_makes_it_stale() {
    check(&with_dependencies("dep = \"2\"", &one("1.0.0")), 1, STALE);
    check(&with_dependencies("dep = \"=1.0.1\"", &one("1.0.0")), 1, STALE);
}

#[test]
fn a_member_whose_version_moved_on_makes_it_stale() {
    check(&Tree::of(&MANIFEST.replace("0.1.0", "0.2.0"), LOCKFILE), 1, STALE);
}

#[test]
fn a_member_that_is_not_locked_makes_it_stale() {
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"new\"]\n"), LOCKFILE)
        .with("tree/new/Cargo.toml", "[package]\nname = \"new\"\nversion = \"0.1.0\"\n")
        .with("tree/new/src/lib.rs", "");
    check(&tree, 1, STALE);
}

#[test]
fn a_source_that_changed_makes_it_stale() {
    let git = "dep = { git = \"https://g.invalid/dep\" }";
    check(&with_dependencies(git, &one("1.0.0")), 1, STALE);
}

#[test]
fn a_workspace_without_members_is_inconclusive() {
    let tree = Tree::of("[workspace]\nresolver = \"2\"\n", LOCKFILE);
    check(&tree, 3, "describes a workspace without members");
}

#[test]
fn an_unknown_version_is_inconclusive_and_says_what_to_do() {
    let lockfile = LOCKFILE.replace("version = 4", "version = 5");
    let tree = Tree::of(MANIFEST, &lockfile);
    check(&tree, 3, "lockfile version 5 is unknown; weft reads 1 to 4");
    check(&tree, 3, "update cargo-weft, or let an older cargo write it");
}

#[test]
fn what_stands_in_a_manifest_that_cannot_be_read_is_not_evaluated() {
    let tree = Tree::of("[package]\nname = 5\n", LOCKFILE);
    check(&tree, 3, "8 checks evaluated, 49 not evaluated");
    check(&tree, 3, "source/replaced");
}
