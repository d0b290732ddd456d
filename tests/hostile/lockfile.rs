//! Lockfiles that are not what Cargo writes.

use crate::check::{Case, always, audit, check};
use crate::common::{LOCKFILE, MANIFEST, Tree, from_registry, locked, package};

/// Checks a lockfile at every precision.
#[track_caller]
fn check_lockfile(lockfile: impl AsRef<[u8]>, status: i32, says: &str) {
    let tree = Tree::sound().with("tree/Cargo.lock", lockfile);
    check(tree, always(status), says);
}

#[test]
fn what_cannot_be_understood_is_inconclusive() {
    check_lockfile(LOCKFILE.replace("version = 4", "version = 99"), 3, "version 99 is unknown");
    check_lockfile(b"version = 4\n# \xff\xfe\n", 3, "is not UTF-8 from byte 14 on");
    check_lockfile(LOCKFILE.replace("root", "ro\0ot"), 3, "Cargo.lock");
    check_lockfile([LOCKFILE.as_bytes(), &[0; 4096]].concat(), 3, "Cargo.lock");
    check_lockfile(LOCKFILE.replace("root", "../../root"), 3, "not a package name");
    check_lockfile(format!("{LOCKFILE}dependencies = [5]\n"), 3, "Cargo.lock:6:17");
    check_lockfile("[package]\nname = \"root\"\n", 3, "Cargo.lock");
    check_lockfile("version = -1\n", 3, "Cargo.lock");
    check_lockfile("version = 99999999999999999999\n", 3, "Cargo.lock");
}

#[test]
fn merge_conflicts_are_called_that() {
    let theirs = package("theirs", "1.0.0", &from_registry());
    let conflict = format!("<<<<<<< HEAD{theirs}=======\n>>>>>>> branch\n");
    check_lockfile(format!("{LOCKFILE}\n{conflict}"), 3, "holds an unresolved merge conflict");
    // Both sides added the file.
    check_lockfile(format!("{conflict}{LOCKFILE}"), 3, "holds an unresolved merge conflict");
}

#[test]
fn a_byte_order_mark_does_not_hide_the_packages() {
    // Cargo's own reader skips it.
    check_lockfile(format!("\u{feff}{LOCKFILE}"), 0, "1 of 1 locked packages are judged");
}

#[test]
fn windows_line_ends_are_read() {
    check_lockfile(LOCKFILE.replace('\n', "\r\n"), 0, "1 of 1 locked packages are judged");
}

#[test]
fn an_empty_lockfile_is_stale() {
    check_lockfile("", 1, "deny[inventory/lockfile-stale]");
    check_lockfile("version = 4\n", 1, "deny[inventory/lockfile-stale]");
}

#[test]
fn packages_and_dependencies_are_unambiguous() {
    let twice = package("twin", "1.0.0", &from_registry()).repeat(2);
    check_lockfile(locked(&[], &twice), 3, "`twin 1.0.0` stands twice");
    check_lockfile(locked(&["ghost"], ""), 3, "no package of this name, version and source");
    let versions =
        package("twin", "1.0.0", &from_registry()) + &package("twin", "2.0.0", &from_registry());
    check_lockfile(locked(&["twin"], &versions), 3, "more than one package in the lockfile");
}

/// A lockfile in which these packages are there, each with its dependencies.
fn graph(edges: &[(&str, &str)]) -> String {
    let entry = |(name, needs): &(&str, &str)| {
        package(name, "1.0.0", &format!("{}dependencies = [\"{needs}\"]\n", from_registry()))
    };
    locked(&["a"], &edges.iter().map(entry).collect::<String>())
}

#[test]
fn cycles_are_condensed_and_counted() {
    let manifest = format!("{MANIFEST}[dependencies]\na = \"1\"\n");
    for (edges, count) in [
        (&[("a", "a")][..], "2 edges"),
        (&[("a", "b"), ("b", "a")], "1 cycle"),
        (&[("a", "b"), ("b", "c"), ("c", "a")], "1 cycle"),
    ] {
        let case = Case::from(Tree::of(&manifest, &graph(edges)));
        audit(&case, "lock", 0, count);
        audit(&case, "auto", 0, count);
        audit(&case, "metadata", 3, "metadata precision was asked for");
    }
}

#[test]
fn a_package_that_needs_the_root_is_a_cycle() {
    let back = package("a", "1.0.0", &format!("{}dependencies = [\"root\"]\n", from_registry()));
    let tree = Tree::of(&format!("{MANIFEST}[dependencies]\na = \"1\"\n"), &locked(&["a"], &back));
    audit(&Case::from(tree), "lock", 0, "1 cycle");
}

#[test]
fn a_dependency_named_twice_is_one_edge() {
    let tree = Tree::of(
        &format!("{MANIFEST}[dependencies]\na = \"1\"\n"),
        &locked(&["a", "a", "a 1.0.0"], &package("a", "1.0.0", &from_registry())),
    );
    audit(&Case::from(tree), "lock", 0, "1 edge");
}
