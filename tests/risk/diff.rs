//! What a change of a lockfile does to the risk.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::common::{
    AS_OF, Done, MANIFEST, Run, Tree, from_registry, git, locked, package, unwrapped,
};
use crate::publisher::snapshot;
use crate::registry::sources;
use crate::{number, real};

fn run(tree: &Tree, line: &str) -> Done {
    let line = format!("risk diff {line} --as-of {AS_OF}");
    Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).within(300).done()
}

fn json_of(tree: &Tree, line: &str) -> Value {
    serde_json::from_str(&run(tree, &format!("{line} --format json")).exits(0).stdout).unwrap()
}

fn step(change: &Value) -> [i64; 3] {
    ["low_nano", "mean_nano", "high_nano"].map(|key| change["change"][key].as_i64().unwrap())
}

/// Demands that nothing is said to have changed.
fn check_nothing(found: &Value, what: &str) {
    let risk = &found["risk"];
    assert_eq!(step(&risk["expected"]), [0; 3], "{what}");
    for campaign in risk["campaigns"].as_array().unwrap() {
        assert_eq!(step(campaign), [0; 3], "{what}");
        assert_eq!(campaign["before"], campaign["after"], "{what}");
    }
    assert_eq!(risk["crates"], json!([]), "{what}");
    assert_eq!(found["publishers"]["value"]["publishers"], json!([]), "{what}");
    assert_eq!(found["barriers"], json!({"fixed": [], "new": []}), "{what}");
    assert_eq!(found["capabilities"], json!([]), "{what}");
    assert_eq!(found["host_execution"], json!([]), "{what}");
}

#[test]
fn identical_lockfiles_differ_in_nothing() {
    let wanted = ["ripgrep", "cargo", "deno"];
    for (name, path) in real::lockfiles().iter().filter(|(name, _)| wanted.contains(&&**name)) {
        let tree = Tree::empty().with("home/.keep", "");
        fs::copy(path, tree.path("tree/Cargo.lock")).unwrap();
        let found = json_of(&tree, "Cargo.lock Cargo.lock");
        assert!(number(&found["risk"]["expected"]["before"]["mean_nano"]) > 0, "{name}");
        check_nothing(&found, name);
        let human = run(&tree, "Cargo.lock Cargo.lock").exits(0).stdout;
        assert!(
            human.contains("(no change)") && human.contains("\nno package changed\n"),
            "{human}"
        );
    }
}

#[test]
fn a_crate_that_is_added_to_a_real_lockfile_changes_itself_alone() {
    let wanted = ["deno"];
    for (name, path) in real::lockfiles().iter().filter(|(name, _)| wanted.contains(&&**name)) {
        let before = fs::read_to_string(path).unwrap();
        // The first member with dependencies needs one more.
        let at = before.find("version = \"").unwrap();
        let local = before[at..].match_indices("\n\n[[package]]").map(|(end, _)| at + end);
        let member = local.clone().zip(local.skip(1)).find(|(start, end)| {
            let entry = &before[*start..*end];
            !entry.contains("source = ") && entry.contains("dependencies = [\n")
        });
        let (start, _) = member.unwrap();
        let list = before[start..].find("dependencies = [\n").unwrap() + start;
        let list = list + "dependencies = [\n".len();
        let mut after = before.clone();
        after.insert_str(list, " \"weft-probe\",\n");
        after.push_str(&package("weft-probe", "1.0.0", &from_registry()));
        let tree = Tree::empty()
            .with("home/.keep", "")
            .with("tree/before.lock", &before)
            .with("tree/after.lock", &after);
        let found = json_of(&tree, "before.lock after.lock");
        let rows = found["risk"]["crates"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{name}: {rows:?}");
        assert_eq!(rows[0]["id"], "pkg:cargo/weft-probe@1.0.0", "{name}");
        let own = rows[0]["own_change_nano"].as_i64().unwrap();
        let [low, mean, high] = step(&found["risk"]["expected"]);
        assert!(own > 0 && mean.abs_diff(own) <= 10, "{name}: {own} and {mean}");
        assert!(low <= mean && mean <= high, "{name}");
        assert_eq!(found["packages"]["added"], json!(["pkg:cargo/weft-probe@1.0.0"]), "{name}");
        // And back again, the same with the other sign.
        let back = json_of(&tree, "after.lock before.lock");
        assert_eq!(step(&back["risk"]["expected"]), [-high, -mean, -low], "{name}");
    }
}

/// A repository whose commit has `old` and, in the work tree, `new`: the crates that root needs, with their versions.
fn repository(old: &[(&str, &str)], new: &[(&str, &str)]) -> Tree {
    let written = |tree: Tree, crates: &[(&str, &str)]| {
        let names: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
        let needs: String = crates.iter().map(|(name, _)| format!("{name} = \"*\"\n")).collect();
        let archive = |name: &str, version: &str| {
            let sum = weft_verify::Sha256::of(format!("{name} {version}").as_bytes()).to_string();
            from_registry().replace(&"a".repeat(64), &sum)
        };
        let entries: String =
            crates.iter().map(|(n, version)| package(n, version, &archive(n, version))).collect();
        tree.with("tree/Cargo.toml", format!("{MANIFEST}[dependencies]\n{needs}"))
            .with("tree/Cargo.lock", locked(&names, &entries))
    };
    let sum = weft_verify::Sha256::of(b"kept 1.0.0").to_string();
    let policy = format!(
        "schema = 1\n[publishers]\nsnapshot = \"publishers.json\"\n\
         [[barrier]]\nkind = \"pin\"\ncrate = \"kept\"\nversion = \"1.0.0\"\nchecksum = \"{sum}\"\nreason = \"r\"\n"
    );
    let tree = written(Tree::of(MANIFEST, ""), old)
        .with("home/.keep", "")
        .with("tree/weft.toml", policy)
        .with("tree/publishers.json", snapshot([("kept", vec!["kay"]), ("fresh", vec!["mal"])]));
    git(&tree.path("tree"), &["init", "--quiet"]);
    git(&tree.path("tree"), &["add", "--all"]);
    git(&tree.path("tree"), &["commit", "--quiet", "--message", "x"]);
    written(tree, new)
}

/// Writes Cargo's copy of a version.
fn copy(tree: Tree, spec: &str, manifest: &str, files: &[(&str, &str)]) -> Tree {
    let folder = sources(Path::new("home")).join(spec);
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let tree = tree.with(&at(".cargo-ok"), "").with(&at("Cargo.toml"), manifest);
    files.iter().fold(tree, |tree, (name, text)| tree.with(&at(name), text))
}

fn changed() -> Tree {
    let tree = repository(
        &[("kept", "1.0.0"), ("moved", "1.0.0")],
        &[("fresh", "1.0.0"), ("kept", "1.1.0"), ("moved", "1.1.0")],
    );
    let manifest =
        |owner: &str| format!("[package]\nrepository = \"https://github.com/{owner}/moved\"\n");
    let tree = copy(tree, "moved-1.0.0", &manifest("ann"), &[]);
    let tree = copy(tree, "moved-1.1.0", &manifest("mallory"), &[("build.rs", "fn main() {}\n")]);
    copy(tree, "fresh-1.0.0", "[package]\n[lib]\nproc-macro = true\n", &[])
}

fn lines(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_change_of_the_work_tree_is_told_from_end_to_end() {
    let tree = changed();
    let found = json_of(&tree, "");
    assert_eq!(found["head"], "the work tree");
    let barrier = lines(&found["barriers"]["new"]);
    assert_eq!(barrier.len(), 1);
    assert!(barrier[0].contains("kept@1.1.0"), "{barrier:?}");
    let told: Vec<String> = found["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|shift| shift["capability"] == "publisher")
        .map(|s| format!("{} {} {}", s["package"], s["before"], s["after"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "pkg:cargo/fresh@1.0.0 null github.com/mal",
            "pkg:cargo/moved@1.1.0 github.com/ann github.com/mallory",
        ]
    );
    let runs: Vec<String> = found["host_execution"]
        .as_array()
        .unwrap()
        .iter()
        .map(|runs| format!("{} {} {} {}", runs["id"], runs["what"], runs["members"], runs["new"]))
        .collect();
    assert_eq!(
        runs,
        [
            "\"pkg:cargo/fresh@1.0.0\" \"proc-macro\" 1 true",
            "\"pkg:cargo/moved@1.1.0\" \"build-script\" 1 true",
        ]
    );
    let publishers = found["publishers"]["value"]["publishers"].as_array().unwrap();
    let state = |who: &str| {
        let row = publishers.iter().find(|row| row["publisher"] == who).unwrap();
        (row["before"].is_object(), row["after"].is_object())
    };
    assert_eq!(state("github.com/ann"), (true, false));
    assert_eq!(state("github.com/mallory"), (false, true));
    assert_eq!(state("github.com/mal"), (false, true));
    // The pin holds the old version alone, so what is theirs can be attacked again.
    assert_eq!(state("github.com/kay"), (true, true));
    let unread = found["not_evaluated"].as_array().unwrap();
    let of_kept = unread.iter().filter(|u| u["subject"].as_str().unwrap().contains("kept"));
    assert!(of_kept.count() >= 2, "{unread:?}");

    let human = run(&tree, "").exits(0).stdout;
    assert!(human.lines().all(|line| line.width() <= 80), "{human}");
    for part in [
        "added fresh@1.0.0: +0.00002",
        "upgraded kept@1.0.0 -> kept@1.1.0: +0.00002",
        "upgraded moved@1.0.0 -> moved@1.1.0: as before",
        "moved@1.1.0: build script, where 1 member is built, new",
        "moved@1.1.0: publisher: github.com/mallory; no more: github.com/ann",
        "barriers newly violated (1)",
        "publishers that nothing hung on before: github.com/mal",
        "kept@1.0.0, kept@1.1.0: its sources are not in",
    ] {
        assert!(unwrapped(&human).contains(part), "no {part} in {human}");
    }
    let markdown = run(&tree, "--format markdown").exits(0).stdout;
    assert!(markdown.starts_with("## cargo weft: risk of `"), "{markdown}");
    assert!(markdown.contains("| `fresh@1.0.0` | - |"), "{markdown}");
}

#[test]
fn the_change_tells_the_publishers_to_a_plain_diff_as_well() {
    let tree = changed();
    let line = format!("diff --as-of {AS_OF}");
    let done = Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).done();
    let said = unwrapped(&done.exits(0).stdout);
    let moved = "moved@1.1.0: publisher: github.com/mallory; no more: github.com/ann";
    assert!(said.contains(moved), "{said}");
    assert!(said.contains("fresh@1.0.0: publisher: github.com/mal (base rate unknown)"), "{said}");
}

#[test]
fn the_change_is_judged_by_the_policy_and_the_owners_of_its_base() {
    let tree = changed();
    let before = run(&tree, "--format json").exits(0).stdout;
    let tree = tree
        .with("tree/weft.toml", "schema = 1\n")
        .with("tree/publishers.json", snapshot([("fresh", vec!["kay"]), ("kept", vec!["kay"])]));
    assert_eq!(run(&tree, "--format json").exits(0).stdout, before);
}

#[test]
fn commits_are_compared_and_one_with_itself_differs_in_nothing() {
    let tree = changed();
    check_nothing(&json_of(&tree, "HEAD HEAD"), "HEAD");
    let before = json_of(&tree, "");
    git(&tree.path("tree"), &["add", "--all"]);
    git(&tree.path("tree"), &["commit", "--quiet", "--message", "y"]);
    let committed = json_of(&tree, "HEAD~1 HEAD");
    for part in ["risk", "publishers", "packages", "capabilities", "host_execution"] {
        assert_eq!(committed[part], before[part], "{part}");
    }
    check_nothing(&json_of(&tree, ""), "a clean work tree");
}

#[test]
fn the_number_of_threads_does_not_show() {
    let tree = changed();
    let by = |threads| run(&tree, &format!("--format json --threads {threads}")).exits(0).stdout;
    assert_eq!(by(1), by(16));
}

#[test]
fn a_lockfile_is_compared_with_nothing_else() {
    let tree = changed();
    let check = |line: &str, expected: &str| {
        let said = run(&tree, line).exits(2).stderr;
        assert!(unwrapped(&said).contains(expected), "{said}");
    };
    check("HEAD Cargo.lock", "compared with another lockfile alone");
    check("Cargo.lock", "compared with another lockfile alone");
    check("nowhere.lock Cargo.lock", "there is no lockfile at nowhere.lock");
    check("Cargo.lock Cargo.lock --lockfile Cargo.lock", "name both: ");
    check("nowhere", "no commit `nowhere`");
}
