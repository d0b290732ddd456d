//! Manifests and policies that lead nowhere, out, or in circles.

use crate::check::{Case, SECRET, always, audit, check};
use crate::common::{LOCKFILE, MANIFEST, Tree, from_registry, locked, package, unwrapped};

fn workspace(table: &str) -> Tree {
    Tree::of(&format!("{MANIFEST}[workspace]\n{table}\n"), LOCKFILE)
}

#[test]
fn a_workspace_without_members_is_inconclusive() {
    let tree = Tree::of("[workspace]\n", LOCKFILE);
    check(tree, always(3), "describes a workspace without members");
    let tree = Tree::of("[workspace]\nmembers = [\"nothing/*\"]\n", LOCKFILE);
    check(tree, always(3), "describes a workspace without members");
    check(Tree::of("", LOCKFILE), always(3), "without members");
}

#[test]
fn a_missing_member_is_inconclusive() {
    let tree = workspace("members = [\"gone\"]");
    check(tree, always(3), "the member `gone` has no Cargo.toml");
}

#[test]
fn a_member_that_cannot_be_named_is_inconclusive() {
    check(workspace("members = [\"a\\u0000b\"]"), always(3), "Cargo.toml");
    check(workspace("members = [\"***\"]"), always(3), "is not a pattern");
    check(workspace(&format!("members = [\"{}\"]", "a/".repeat(3000))), always(3), "Cargo.toml");
}

#[test]
fn members_outside_are_findings_and_not_read() {
    for member in ["../outside", "a/../../outside", "./../outside"] {
        let tree = workspace(&format!("members = [\"{member}\"]"))
            .with("outside/Cargo.toml", format!("description = \"{SECRET}\""));
        audit(&Case::from(tree), "lock", 0, "warn[source/path-escapes-workspace]");
    }
}

#[test]
fn a_pattern_above_the_root_is_a_finding() {
    let tree = workspace("members = [\"../*\"]")
        .with("outside-secret/Cargo.toml", format!("[package]\nname = \"x\"\n#{SECRET}\n"));
    audit(&Case::from(tree), "lock", 0, "leads out of the workspace");
}

#[test]
fn a_root_outside_shows_nothing_of_itself() {
    let tree = Tree::of(&format!("{MANIFEST}workspace = \"../outside\"\n"), LOCKFILE).with(
        "outside/Cargo.toml",
        format!("[package]\nname = \"outside\"\nversion = \"0.1.0\"\ndescription = \"{SECRET}\"\n"),
    );
    let case = Case::from(tree);
    for precision in ["lock", "metadata", "auto"] {
        let done = case.run(&format!("audit --precision {precision}"));
        assert_ne!(done.status, Some(0), "another workspace was judged, {}", done.said());
        crate::check::holds(&case, &done, precision);
    }
}

#[test]
fn a_root_that_is_not_there_is_an_error() {
    let tree = Tree::of(&format!("{MANIFEST}workspace = \"../gone\"\n"), LOCKFILE);
    let case = Case::from(tree);
    audit(&case, "auto", 2, "`package.workspace` names");
}

#[test]
fn a_profile_is_a_name_or_a_file_beside_the_policy() {
    let policy = |profile: &str| {
        let policy = format!("schema = 1\nprofile = \"{profile}\"\n");
        Tree::sound().with("tree/weft.toml", policy)
    };
    check(policy("../../../../../../etc/passwd"), always(2), "passwd");
    check(policy("/etc/passwd"), always(2), "leads out of the tree");
    check(policy("weft.toml"), always(2), "builds on more than 8 profiles");
    check(policy("other.toml"), always(2), "has this name");
    check(policy("src"), always(2), "is not a regular file");
    check(policy(""), always(2), "profile");
    let circle =
        |from: &str, to: &str| (from.to_owned(), format!("schema = 1\nprofile = \"{to}\"\n"));
    let (a, to_b) = circle("tree/weft.toml", "b.toml");
    let (b, to_a) = circle("tree/b.toml", "weft.toml");
    check(Tree::sound().with(&a, to_b).with(&b, to_a), always(2), "in a circle");
    let outside = policy("../policy.toml").with("policy.toml", format!("# {SECRET}\nx = {SECRET}"));
    check(outside, always(2), "leads out of the tree");
}

#[test]
fn a_policy_that_is_not_understood_is_an_error_with_its_place() {
    let policy = |text: &str| Tree::sound().with("tree/weft.toml", text);
    check(policy(""), always(2), "states no schema");
    check(policy("schema = 1\nprofil = \"local\"\n"), always(2), "did you mean `profile`?");
    check(policy("schema = 1\n[checks]\n\"a/b\" = \"off\"\n"), always(2), "no check is called");
}

#[test]
fn credentials_of_a_source_are_not_shown() {
    let sources = [
        format!("registry+https://user:{SECRET}@r.invalid/index"),
        format!("sparse+https://{SECRET}@r.invalid/index/"),
        format!("git+https://{SECRET}@g.invalid/repo?branch=x#{}", "a".repeat(40)),
        format!("git+ssh://git:{SECRET}@g.invalid/repo#{}", "a".repeat(40)),
    ];
    for source in sources {
        let entry = package("dep", "1.0.0", &format!("source = \"{source}\"\n"));
        let case = Case::from(Tree::of(
            &format!("{MANIFEST}[dependencies]\ndep = \"1\"\n"),
            &locked(&["dep"], &entry),
        ));
        // The manifest asks for the registry's package, so one from git is stale.
        let status = i32::from(source.starts_with("git"));
        audit(&case, "lock", status, "invalid/");
        audit(&case, "auto", status, "invalid/");
        crate::check::holds(&case, &case.run("graph --precision lock"), "graph");
        crate::check::holds(&case, &case.run("init --dry-run --precision lock"), "init");
    }
}

#[test]
fn credentials_in_a_faulty_lockfile_are_not_shown() {
    let source = format!("source = \"registry+https://u:{SECRET}@r.invalid/i?x=1\"\n");
    let tree = Tree::of(MANIFEST, &locked(&["dep"], &package("dep", "1.0.0", &source)));
    audit(&Case::from(tree), "lock", 3, "a registry has no query");
}

#[test]
fn credentials_of_a_git_requirement_or_a_replacement_are_not_shown() {
    let url = format!("https://user:{SECRET}@g.invalid/repo");
    let manifest = format!("{MANIFEST}[patch.crates-io]\ndep = {{ git = \"{url}\" }}\n");
    let patched = Tree::of(&manifest, LOCKFILE);
    // The lockfile has no such patch.
    audit(&Case::from(patched), "lock", 1, "g.invalid/repo");
    let config = format!(
        "[source.crates-io]\nreplace-with = \"mine\"\n[source.mine]\nregistry = \"{url}\"\n"
    );
    let replaced = Tree::sound().with("tree/.cargo/config.toml", config);
    let case = Case::from(replaced);
    audit(&case, "lock", 0, "redirects source");
    audit(&case, "auto", 0, "redirects source");
    let redefined = format!("[source.crates-io]\nregistry = \"{url}\"\n");
    let redefined = Tree::sound().with("tree/.cargo/config.toml", redefined);
    audit(&Case::from(redefined), "lock", 0, "redirects source");
}

#[test]
fn a_token_in_a_configuration_is_not_shown() {
    let config = format!(
        "[registries.r]\nindex = \"sparse+https://r.invalid/\"\ntoken = \"{SECRET}\"\n\
         [registry]\ntoken = \"{SECRET}\"\n"
    );
    check(Tree::sound().with("tree/.cargo/config.toml", config), always(0), "passed");
}

#[test]
fn a_token_on_a_faulty_line_of_a_configuration_is_not_shown() {
    let config = format!("[registry]\ntoken = {SECRET}\n");
    check(Tree::sound().with("tree/.cargo/config.toml", config), always(3), "config.toml");
}

#[test]
fn init_writes_nothing_outside() {
    let tree = Tree::sound().with("outside", "as it was").link("tree/weft.toml", "../outside");
    let case = Case::from(tree);
    for command in ["init --precision lock", "init --precision lock --force"] {
        _ = case.run(command);
        let outside = std::fs::read_to_string(case.tree.path("outside")).unwrap();
        assert_eq!(outside, "as it was", "{command}");
    }
}

#[test]
fn a_locked_package_of_another_registry_is_said_to_be_one() {
    let entry = package("dep", "1.0.0", &from_registry().replace("rust-lang", "rust-1ang"));
    let manifest = format!("{MANIFEST}[dependencies]\ndep = \"1\"\n");
    let case = Case::from(Tree::of(&manifest, &locked(&["dep"], &entry)));
    let done = audit(&case, "lock", 0, "warn[source/registry-not-allowed]");
    assert!(unwrapped(&done.stdout).contains("rust-1ang"), "{}", done.said());
}
