//! Trees that are too large, too deep or too wide: refused, or judged within bounds of time and memory.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::check::{Case, Status, always, audit, check, holds};
use crate::common::{Done, LOCKFILE, MANIFEST, Tree, from_registry, locked, package, unwrapped};

/// Held by rows that need a processor to themselves for their time to mean anything.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes how long a row took past the test runner's capture.
fn tell(what: &str, done: &Done) {
    let line = format!("hostile/size: {what} took {:.1?}\n", done.took);
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Checks a lockfile of many packages at lock precision.
#[track_caller]
fn check_large(what: &str, lockfile: &str, status: i32, says: &str) {
    let _alone = alone();
    let manifest = format!("{MANIFEST}[dependencies]\np0 = \"1\"\n");
    let case = Case::from(Tree::of(&manifest, lockfile));
    for command in ["audit --precision lock", "risk --precision lock", "why --precision lock root"]
    {
        let done = case.run(command);
        tell(&format!("{what}, {command},"), &done);
        holds(&case, &done, command);
        if command.starts_with("audit") {
            assert_eq!(done.status, Some(status), "{}", done.said());
            assert!(unwrapped(&done.stdout).contains(says), "{}", done.said());
        }
    }
}

#[test]
fn a_lockfile_of_a_hundred_megabytes_is_refused_at_once() {
    let tree = Tree::sound();
    let file = File::create(tree.path("tree/Cargo.lock")).unwrap();
    file.set_len(100 << 20).unwrap();
    let case = Case::from(tree);
    let done = audit(&case, "auto", 3, "is larger than the 32 MiB that weft reads");
    assert!(done.took.as_millis() < 500, "{:?}", done.took);
    check(case, always(3), "is larger than the 32 MiB that weft reads");
}

#[test]
fn other_files_that_are_too_large_are_refused_at_once() {
    for (name, status) in
        [("Cargo.toml", 3), ("weft.toml", 2), (".cargo/config.toml", 3), ("rust-toolchain.toml", 3)]
    {
        let tree = Tree::sound().with(&format!("tree/{name}"), "");
        File::create(tree.path("tree").join(name)).unwrap().set_len(1 << 40).unwrap();
        check(tree, always(status), "is larger than the");
    }
}

/// Writes packages `p0`… from crates.io, each with what `needs` says.
fn packages(number: usize, needs: impl Fn(usize) -> String) -> String {
    let origin = from_registry();
    let entry = |i| package(&format!("p{i}"), "1.0.0", &format!("{origin}{}", needs(i)));
    (0..number).map(entry).collect()
}

#[test]
fn a_chain_beyond_the_bound_is_refused() {
    let last = 99_999;
    let next = |i| match i {
        i if i == last => String::new(),
        _ => format!("dependencies = [\"p{}\"]\n", i + 1),
    };
    let lockfile = locked(&["p0"], &packages(last + 1, next));
    check_large("a chain of 100,000", &lockfile, 3, "weft reads at most 10000");
}

#[test]
fn the_longest_chain_is_measured_without_recursion_in_bounded_memory() {
    let next =
        |i| if i == 9_998 { String::new() } else { format!("dependencies = [\"p{}\"]\n", i + 1) };
    let lockfile = locked(&["p0"], &packages(9_999, next));
    check_large("a chain of 9,999", &lockfile, 0, "10000 of 10000 locked packages");
}

#[test]
fn a_lockfile_of_thirty_one_megabytes_is_refused_in_bounded_time() {
    let number = (31 << 20) / packages(1, |_| String::new()).len() - 10_000;
    let lockfile = locked(&["p0"], &packages(number, |_| String::new()));
    assert!((28 << 20..32 << 20).contains(&lockfile.len()), "{}", lockfile.len());
    check_large("31 MB of packages", &lockfile, 3, "weft reads at most 10000");
}

#[test]
fn a_dense_lockfile_is_judged_up_to_the_bound() {
    check_dense(440, 0, "441 of 441");
    check_dense(2_000, 3, "weft reads at most 100000");
}

#[track_caller]
fn check_dense(number: usize, status: i32, expected: &str) {
    let rest = |i: usize| {
        let all: String = (i + 1..number).map(|j| format!(" \"p{j}\",\n")).collect();
        format!("dependencies = [\n{all}]\n")
    };
    let lockfile = locked(&["p0"], &packages(number, rest));
    check_large(&format!("{number} packages, each on all others"), &lockfile, status, expected);
}

#[test]
fn one_crate_in_very_many_versions_is_judged() {
    let origin = from_registry();
    let versions: String =
        (0..9_000).map(|i| package("p0", &format!("1.0.{i}"), &origin)).collect();
    check_large("9,000 versions", &locked(&["p0 1.0.0"], &versions), 1, "lockfile-stale");
}

#[test]
fn a_lockfile_on_one_line_is_judged() {
    let inline = |i| format!(",{{name=\"p{i}\",version=\"1.0.0\"}}");
    let rest: String = (0..9_000).map(inline).collect();
    let lockfile = format!("version = 4\npackage = [{{name=\"root\",version=\"0.1.0\"}}{rest}]\n");
    check_large("9,000 packages on one line", &lockfile, 1, "lockfile-stale");
}

#[test]
fn a_manifest_on_one_line_is_judged() {
    let _alone = alone();
    let rest: Vec<_> = (0..100_000).map(|i| format!("p{i}=\"1\"")).collect();
    let manifest = format!("dependencies = {{{}}}\n{MANIFEST}", rest.join(","));
    let case = Case::from(Tree::of(&manifest, LOCKFILE));
    let done = case.run("audit --precision lock");
    tell("100,000 requirements on one line", &done);
    holds(&case, &done, "a manifest on one line");
    assert_eq!(done.status, Some(1), "{}", done.said());
}

/// Nests values and keys in each way that TOML has.
fn deep() -> [String; 7] {
    let depth = 10_000;
    [
        format!("x = {}{}\n", "[".repeat(depth), "]".repeat(depth)),
        format!("x = {}\n", "[".repeat(depth)),
        format!("x = {}1{}\n", "{ x = ".repeat(depth), " }".repeat(depth)),
        format!("{}x = 1\n", "x.".repeat(depth)),
        format!("{}x = 1\n", "'x' . ".repeat(depth)),
        format!("[{}x]\n", "x.".repeat(depth)),
        format!("[[{}x]]\n", "x.".repeat(depth)),
    ]
}

#[test]
fn deep_nesting_is_refused_in_every_file() {
    for text in deep() {
        let lockfile = format!("{text}{LOCKFILE}");
        check(Tree::sound().with("tree/Cargo.lock", lockfile), always(3), "Cargo.lock");
        let manifest = format!("{text}{MANIFEST}");
        check(Tree::sound().with("tree/Cargo.toml", manifest), always(3), "Cargo.toml");
        check(Tree::sound().with("tree/weft.toml", &text), always(2), "");
        check(Tree::sound().with("tree/.cargo/config.toml", text), always(3), "config.toml");
    }
}

#[test]
fn nesting_within_the_bounds_of_each_key_is_no_deeper_in_all() {
    // Dotted keys inside inline tables multiply.
    let text = format!("x = {}1{}\n", "{ a.a.a.a.a.a.a.a.a = ".repeat(70), " }".repeat(70));
    let tree = Tree::sound().with("tree/.cargo/config.toml", &text);
    let case = Case::from(tree);
    for precision in ["lock", "auto"] {
        holds(&case, &case.run(&format!("audit --precision {precision}")), "nested keys");
    }
}

#[test]
fn a_pattern_over_thousands_of_directories_is_expanded() {
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"**/*\"]\n"), LOCKFILE);
    let tree = (0..4_000).fold(tree, |tree, i| tree.directory(&format!("tree/d/{}/{i}", i % 40)));
    // Cargo wants a manifest in each of them.
    let status = Status { lock: 0, metadata: 3, auto: 3 };
    check(tree, status, "");
}

/// Checks patterns over a tree with a link somewhere.
#[track_caller]
fn check_link(target: &str) {
    let _alone = alone();
    for pattern in ["**", "**/*", "d/link/**", "d/link/*/*/*/*/*/*"] {
        let manifest = format!("{MANIFEST}[workspace]\nmembers = [\"{pattern}\"]\n");
        let tree = Tree::of(&manifest, LOCKFILE).link("tree/d/link", target);
        let tree = (0..200).fold(tree, |tree, i| tree.directory(&format!("tree/d/{i}")));
        let case = Case::from(tree);
        let done = case.run("audit --precision lock");
        tell(&format!("{pattern} with a link to {target}"), &done);
        holds(&case, &done, pattern);
    }
}

#[test]
fn a_pattern_does_not_go_round_a_link_for_ever() {
    check_link("..");
    check_link(".");
}

#[test]
fn a_pattern_does_not_walk_the_system_through_a_link() {
    check_link("/");
}

#[test]
fn patterns_that_backtrack_are_expanded() {
    let pattern = format!("{}x", "*a".repeat(24));
    let name = "a".repeat(120);
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"{pattern}\"]\n"), LOCKFILE)
        .directory(&format!("tree/{name}"));
    let case = Case::from(tree);
    let done = case.run("audit --precision lock");
    tell("a pattern that backtracks", &done);
    holds(&case, &done, "a pattern that backtracks");
    let stars = ["**"; 12].join("/");
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"{stars}\"]\n"), LOCKFILE);
    let tree = tree.directory(&format!("tree/{}", ["d"; 40].join("/")));
    let case = Case::from(tree);
    let done = case.run("audit --precision lock");
    tell("twelve stars over forty directories", &done);
    holds(&case, &done, "many stars");
}

#[test]
fn more_members_than_any_workspace_has_are_refused() {
    let _alone = alone();
    let tree = Tree::of(&format!("{MANIFEST}[workspace]\nmembers = [\"m/*\"]\n"), LOCKFILE);
    let member = |tree: Tree, i: usize| {
        let manifest = format!("[package]\nname = \"m{i}\"\nversion = \"0.1.0\"\n");
        tree.with(&format!("tree/m/{i}/Cargo.toml"), manifest)
    };
    let case = Case::from((0..10_050).fold(tree, member));
    let done = audit(&case, "lock", 3, "more members than weft reads");
    tell("10,050 members", &done);
}
