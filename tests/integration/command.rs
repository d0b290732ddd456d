//! Every command once, and what it refuses.

use std::fs;

use weft_gate::check;

use crate::common::{
    AS_OF, LOCKFILE, MANIFEST, Run, Tree, from_registry, locked, package, unwrapped,
};
use crate::sample;

fn run(tree: &Tree, command: &str) -> crate::common::Done {
    Run::new(tree.path("tree"), command).done()
}

#[test]
fn cargo_may_pass_its_own_word_for_the_command() {
    let tree = sample::fails();
    for command in ["audit --precision lock", "risk --precision lock", "explain", "--help"] {
        let (with, without) = (run(&tree, &format!("weft {command}")), run(&tree, command));
        assert_eq!((with.status, with.stdout), (without.status, without.stdout));
    }
}

#[test]
fn several_reports_come_of_one_run() {
    let tree = sample::fails();
    let audit = format!("audit --precision lock --as-of {AS_OF}");
    let path = |name: &str| tree.path(name).to_str().unwrap().to_owned();
    let many = run(
        &tree,
        &format!(
            "{audit} --format json --output {} --format human --output - --format sarif --output {} \
             --format markdown --output {}",
            path("json"),
            path("sarif"),
            path("markdown")
        ),
    )
    .exits(1);
    assert_eq!(many.stdout, run(&tree, &audit).stdout);
    for format in ["json", "sarif", "markdown"] {
        let single = run(&tree, &format!("{audit} --format {format}")).stdout;
        assert_eq!(fs::read_to_string(tree.path(format)).unwrap(), single);
    }
}

#[test]
fn what_the_command_line_cannot_mean_is_2_with_help() {
    let tree = Tree::sound();
    for (command, help) in [
        ("", "Usage"),
        ("audti", "audit"),
        ("audit --formt json", "--format"),
        ("audit --format xml", "possible values"),
        ("audit --as-of 2026-02-30", "--help"),
        ("audit --as-of yesterday", "--help"),
        ("audit --offline --online", "--help"),
        ("audit --lockfile Cargo.lock --manifest-path Cargo.toml", "--help"),
        ("audit --lockfile Cargo.lock --precision metadata", "--manifest-path instead"),
        ("audit --lockfile gone.lock", "name a Cargo.lock"),
        ("audit --manifest-path gone/Cargo.toml", "--manifest-path takes"),
        ("audit --manifest-path Cargo.lock", "--manifest-path takes"),
        ("audit --policy gone", "local, baseline, strict, release"),
        ("audit --format json --format sarif", "--output"),
        ("audit --format json --output a --output b", "--format for every --output"),
        ("audit --format json --format sarif --output a --output a", "name another --output"),
        ("risk --top many", "--help"),
        ("risk --sort size", "possible values"),
        ("why", "Usage"),
        ("why rot", "did you mean `root`?"),
        ("why root@9.9.9", "locked are root@0.1.0"),
        ("init --profile lax", "possible values"),
        ("schema verdict", "possible values"),
        ("completions tcsh", "possible values"),
        ("policy", "Usage"),
        ("explain topology/sole-gatway", "did you mean `topology/sole-gateway`?"),
        ("explain sole-gateway", "did you mean `topology/sole-gateway`?"),
    ] {
        let done = run(&tree, command).exits(2);
        assert!(done.stdout.is_empty(), "{command}: {}", done.said());
        assert!(done.stderr.contains(help), "{command}: {}", done.said());
    }
}

#[test]
fn nothing_to_judge_is_2() {
    let done = run(&Tree::empty(), "audit").exits(2);
    assert!(done.stderr.contains("there is no Cargo.toml here or above"), "{}", done.said());
}

#[test]
fn help_and_version_are_asked_for() {
    let tree = Tree::empty();
    assert!(run(&tree, "--help").exits(0).stdout.contains("Exit status: 0 passed, 1 failed"));
    assert!(run(&tree, "--version").exits(0).stdout.contains(env!("CARGO_PKG_VERSION")));
    for command in [
        "audit",
        "graph",
        "why",
        "risk",
        "explain",
        "init",
        "policy",
        "schema",
        "completions",
        "man",
    ] {
        assert!(run(&tree, &format!("{command} --help")).exits(0).stdout.contains("Usage"));
    }
}

#[test]
fn every_check_is_explained() {
    let tree = Tree::empty();
    let list = run(&tree, "explain").exits(0).stdout;
    for code in check::codes() {
        assert!(list.lines().any(|line| line == code), "{code}");
        let page = run(&tree, &format!("explain {code}")).exits(0).stdout;
        assert!(page.starts_with("# ") && page.matches("\n## ").count() >= 3, "{page}");
    }
}

/// Adds a git dependency to a tree's manifest and lockfile.
fn with_git(tree: Tree) -> Tree {
    let url = "https://g.invalid/org/new";
    let commit = "a".repeat(40);
    let entry = package("new", "1.0.0", &format!("source = \"git+{url}?rev={commit}#{commit}\"\n"));
    let table = format!("[dependencies]\nnew = {{ git = \"{url}\", rev = \"{commit}\" }}\n");
    tree.with("tree/Cargo.toml", format!("{MANIFEST}{table}"))
        .with("tree/Cargo.lock", locked(&["new"], &entry))
}

#[test]
fn init_passes_today_and_fails_what_is_worse_tomorrow() {
    for profile in ["local", "baseline", "strict", "release"] {
        let tree = Tree::sound();
        let wrote = run(&tree, &format!("init --profile {profile}")).exits(0);
        assert!(wrote.stdout.contains("wrote weft.toml"), "{}", wrote.said());
        run(&tree, "policy check").exits(0);
        run(&tree, "audit").exits(0);
        if profile != "local" {
            let worse = run(&with_git(tree), "audit --precision lock").exits(1);
            let code = "deny[source/git-not-allowed]";
            assert!(worse.stdout.contains(code), "{profile}: {}", worse.said());
        }
    }
}

#[test]
fn init_accepts_what_is_there_and_holds_it() {
    let tree = with_git(Tree::sound());
    run(&tree, "init --precision lock").exits(0);
    let policy = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    assert!(policy.contains("https://g.invalid/org/new"), "{policy}");
    run(&tree, "audit --precision lock").exits(0);
    let (name, other) = ("new", "other");
    let lockfile = fs::read_to_string(tree.path("tree/Cargo.lock")).unwrap();
    let manifest = fs::read_to_string(tree.path("tree/Cargo.toml")).unwrap();
    let swapped = tree
        .with("tree/Cargo.lock", lockfile.replace(&format!("/{name}"), &format!("/{other}")))
        .with("tree/Cargo.toml", manifest.replace(&format!("/{name}"), &format!("/{other}")));
    run(&swapped, "audit --precision lock").exits(1);
}

#[test]
fn a_policy_that_init_wrote_holds_the_measures() {
    // In a smaller graph the thresholds of the profile stay.
    let names: Vec<_> = (0..25).map(|i| format!("p{i}")).collect();
    let mut needs: Vec<_> = names.iter().map(String::as_str).collect();
    let wanted: String = names.iter().map(|name| format!("{name} = \"1\"\n")).collect();
    let manifest = format!("{MANIFEST}[dependencies]\n{wanted}");
    let entries: String =
        names.iter().map(|name| package(name, "1.0.0", &from_registry())).collect();
    let tree = Tree::of(&manifest, &locked(&needs, &entries));
    run(&tree, "init --precision lock").exits(0);
    run(&tree, "audit --precision lock").exits(0);
    let more = format!("{manifest}again = {{ package = \"p0\", version = \"2\" }}\n");
    let entries = entries + &package("p0", "2.0.0", &from_registry());
    needs[0] = "p0 1.0.0";
    needs.push("p0 2.0.0");
    let tree = tree.with("tree/Cargo.toml", more).with("tree/Cargo.lock", locked(&needs, &entries));
    let worse = run(&tree, "audit --precision lock").exits(1);
    assert!(worse.stdout.contains("deny[topology/duplicate-version]"), "{}", worse.said());
}

#[test]
fn init_replaces_nothing_unasked() {
    let tree = Tree::sound().with("tree/weft.toml", "# mine\nschema = 1\n");
    let mine = || fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    let refused = run(&tree, "init").exits(2);
    assert!(refused.stderr.contains("--force replaces it"), "{}", refused.said());
    let printed = run(&tree, "init --dry-run").exits(0).stdout;
    assert_eq!(mine(), "# mine\nschema = 1\n");
    run(&tree, "init --force").exits(0);
    assert_eq!(mine(), printed);
}

#[test]
fn init_makes_no_policy_for_what_no_policy_should_pass() {
    let tree = Tree::sound().with("tree/Cargo.lock", "version = 4\n");
    let refused = run(&tree, "init --precision lock").exits(2);
    assert!(refused.stderr.contains("no policy should pass this workspace"), "{}", refused.said());
    assert!(!tree.path("tree/weft.toml").exists());
    run(&sample::is_unknown(), "init").exits(3);
}

#[test]
fn every_value_of_a_policy_has_its_place() {
    let policy = "schema = 1\nprofile = \"strict\"\n[topology]\nblast-percent = 7\n";
    let tree = Tree::sound().with("tree/weft.toml", policy);
    let shown = run(&tree, "policy show").exits(0).stdout;
    for line in shown.lines() {
        let (value, place) = line.split_once("# ").unwrap();
        let (file, number) = place.rsplit_once(':').unwrap();
        assert!(value.contains(" = "), "{line}");
        assert!(
            ["weft.toml", "profile strict", "profile baseline", "profile local"].contains(&file)
        );
        assert!(number.parse::<u32>().unwrap() > 0, "{line}");
    }
    let line = shown.lines().find(|line| line.starts_with("topology.blast-percent")).unwrap();
    assert!(line.contains("= 7 ") && line.ends_with("# weft.toml:4"), "{line}");
    for code in check::codes() {
        assert!(shown.contains(&format!("checks.\"{code}\" = ")), "{code}");
    }
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let tree = Tree::empty();
    for what in ["completions bash", "completions zsh", "completions fish", "man"] {
        let text = run(&tree, what).exits(0).stdout;
        for command in ["audit", "graph", "why", "risk", "explain", "init", "policy"] {
            assert!(text.contains(command), "{what} does not name {command}");
        }
    }
}

#[test]
fn why_names_the_path_the_place_and_the_command() {
    let manifest = format!("{MANIFEST}[dependencies]\nmiddle = \"1\"\n");
    let middle = format!("{}dependencies = [\"leaf\"]\n", from_registry());
    let entries = package("leaf", "1.2.3", &from_registry()) + &package("middle", "1.0.0", &middle);
    let tree = Tree::of(&manifest, &locked(&["middle"], &entries));
    let done = run(&tree, "why leaf --precision lock").exits(0);
    let said = unwrapped(&done.stdout);
    for phrase in [
        "path: root@0.1.0 > middle@1.0.0 > leaf@1.2.3",
        "--> Cargo.toml:6:1",
        "every path passes: middle@1.0.0",
        "cargo update -p leaf@1.2.3",
    ] {
        assert!(said.contains(phrase), "{phrase}: {}", done.said());
    }
    let json = run(&tree, "why leaf --precision lock --format json").exits(0).stdout;
    let answers: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answers[0]["path"][2], "leaf@1.2.3");
    assert_eq!(answers[0]["command"], "cargo update -p leaf@1.2.3");
    let by_purl = run(&tree, "why pkg:cargo/leaf@1.2.3 --precision lock").exits(0);
    assert_eq!(by_purl.stdout, done.stdout);
}

#[test]
fn a_graph_that_is_not_known_is_3() {
    for command in ["graph", "risk", "why root"] {
        let done = run(&sample::is_unknown(), command).exits(3);
        assert!(done.stdout.is_empty() && done.stderr.contains("version 99"), "{}", done.said());
    }
}

#[test]
fn a_fault_is_said_once() {
    let tree = Tree::sound().with("tree/Cargo.lock", format!("{LOCKFILE}dependencies = [\"x\"]\n"));
    for command in ["audit", "graph", "risk"] {
        let done = run(&tree, command);
        let times = done.stderr.matches("no package of this name").count();
        assert_eq!(times, 1, "{command}: {}", done.said());
    }
}
