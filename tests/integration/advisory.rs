//! Databases of advisories as they come: in git, in a directory, broken, old, from the future; and exemptions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{AS_OF, Done, MANIFEST, Run, Tree, copy, from_registry, locked, package};

const ID: &str = "RUSTSEC-2026-9001";

/// A workspace that depends on a crate with an advisory, beside a database that has it.
fn affected() -> Tree {
    let entry = package("leaky", "1.0.0", &from_registry());
    let tree = Tree::of(
        &format!("{MANIFEST}[dependencies]\nleaky = \"1\"\n"),
        &locked(&["leaky"], &entry),
    );
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db");
    copy(&database, &tree.path("db"));
    tree.with("home/.keep", "")
}

fn run(tree: &Tree, arguments: &str) -> Done {
    Run::new(tree.path("tree"), arguments).env("CARGO_HOME", tree.path("home")).done()
}

fn audit(tree: &Tree, more: &str) -> Done {
    run(tree, &format!("audit --precision lock --advisory-db ../db --as-of {AS_OF} {more}"))
}

fn verdict(tree: &Tree, more: &str) -> Value {
    let done = audit(tree, &format!("--format json {more}"));
    serde_json::from_str(&done.stdout).unwrap()
}

fn reason(tree: &Tree) -> String {
    let verdict = verdict(tree, "");
    assert_eq!(verdict["advisories"], Value::Null);
    let missing = verdict["not_evaluated"].as_array().unwrap();
    let missing = missing.iter().find(|n| n["code"] == "advisory/vulnerability").unwrap();
    missing["reason"].as_str().unwrap().to_owned()
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_COMMITTER_DATE", "2026-11-12T00:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(directory: &Path) -> String {
    git(directory, &["init", "--quiet"]);
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "--quiet", "--message", "x"]);
    git(directory, &["rev-parse", "HEAD"])
}

fn advisory(tree: &Tree) -> PathBuf {
    tree.path("db/crates/leaky").join(format!("{ID}.md"))
}

#[test]
fn a_directory_and_a_clone_give_the_same_findings_and_the_same_digest() {
    let tree = affected();
    let lying = verdict(&tree, "");
    let commit = commit(&tree.path("db"));
    let cloned = verdict(&tree, "");
    assert_eq!(lying["findings"], cloned["findings"]);
    assert_eq!(lying["advisories"]["sha256"], cloned["advisories"]["sha256"]);
    assert_eq!(lying["advisories"]["date"], "2026-11-10");
    assert_eq!(cloned["advisories"]["date"], "2026-11-12");
    assert_eq!(cloned["advisories"]["commit"], Value::from(commit));
    assert_eq!(lying["advisories"]["commit"], Value::Null);
    audit(&tree, "").exits(1);
}

#[test]
fn of_a_clone_the_commit_counts_and_not_what_lies_in_it() {
    let tree = affected();
    let commit = commit(&tree.path("db"));
    let before = verdict(&tree, "");
    fs::remove_file(advisory(&tree)).unwrap();
    assert_eq!(verdict(&tree, ""), before);
    git(&tree.path("."), &["clone", "--quiet", "--bare", "db", "bare"]);
    let bare = run(
        &tree,
        &format!("audit --precision lock --advisory-db ../bare --as-of {AS_OF} --format json"),
    );
    assert!(bare.stdout.contains(&commit));
    assert_eq!(serde_json::from_str::<Value>(&bare.stdout).unwrap(), before);
}

#[test]
fn what_is_not_a_whole_database_is_not_judged_by() {
    let broken = |break_it: &dyn Fn(&Tree)| {
        let tree = affected();
        break_it(&tree);
        audit(&tree, "").exits(0);
        audit(&tree, "--policy baseline").exits(3);
        reason(&tree)
    };
    let said = broken(&|tree| fs::remove_dir_all(tree.path("db")).unwrap());
    assert!(said.contains("cargo weft db update"), "{said}");
    let said = broken(&|tree| fs::remove_dir_all(tree.path("db/crates")).unwrap());
    assert!(said.contains("cannot be read: crates"), "{said}");
    let said = broken(&|tree| {
        fs::remove_dir_all(tree.path("db/crates")).unwrap();
        fs::create_dir(tree.path("db/crates")).unwrap();
    });
    assert!(said.contains("holds no advisory"), "{said}");
    // Another crate's advisory is broken: who knows what else is.
    let orphan = "db/crates/orphan/RUSTSEC-2026-9003.md";
    let said = broken(&|tree| {
        let text = fs::read_to_string(tree.path(orphan)).unwrap();
        fs::write(tree.path(orphan), &text[..text.len() / 2]).unwrap();
    });
    assert!(said.contains("1 of 5 advisories in the database cannot be read"), "{said}");
    let said = broken(&|tree| fs::write(advisory(tree), [0xff, 0xfe, 0x00]).unwrap());
    assert!(said.contains("is not UTF-8"), "{said}");
    let said = broken(&|tree| {
        fs::rename(advisory(tree), tree.path("db/crates/orphan").join(format!("{ID}.md"))).unwrap()
    });
    assert!(said.contains("belongs elsewhere"), "{said}");
    let said = broken(&|tree| {
        commit(&tree.path("db"));
        fs::remove_dir_all(tree.path("db/.git/objects")).unwrap();
        fs::create_dir(tree.path("db/.git/objects")).unwrap();
    });
    assert!(said.contains("the advisory database cannot be read"), "{said}");
    let said = broken(&|tree| fs::write(tree.path("db/.git"), "gitdir: nowhere\n").unwrap());
    assert!(said.contains("the advisory database cannot be read"), "{said}");
}

#[test]
#[cfg(unix)]
fn links_in_a_directory_are_not_followed() {
    let tree = affected();
    let outside = tree.path("outside.md");
    fs::rename(advisory(&tree), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, advisory(&tree)).unwrap();
    assert!(reason(&tree).contains("is not a regular file"));
}

#[test]
fn an_old_database_is_told_of_and_one_of_tomorrow_is_not_judged_by() {
    let tree = affected();
    let at = |day: &str, policy: &str| {
        let line = format!(
            "audit --precision lock --advisory-db ../db --as-of {day} --policy {policy} --format json"
        );
        let done = run(&tree, &line);
        let verdict: Value = serde_json::from_str(&done.stdout).unwrap();
        let stale = verdict["findings"].as_array().unwrap().iter();
        let stale = stale.filter(|f| f["code"] == "advisory/database-stale").count();
        (done.status, stale)
    };
    assert_eq!(at("2026-11-24", "local"), (Some(1), 0));
    assert_eq!(at("2026-11-25", "local"), (Some(1), 1));
    // Five years old: what it knows is told all the same.
    assert_eq!(at("2031-11-10", "local"), (Some(1), 1));
    assert_eq!(at("2031-11-10", "baseline"), (Some(1), 1));
    assert_eq!(at("2026-11-08", "local"), (Some(0), 0));
    assert_eq!(at("2026-11-08", "baseline"), (Some(3), 0));
}

#[test]
fn update_fetches_a_clone_and_audit_finds_it() {
    let tree = affected();
    commit(&tree.path("db"));
    let update = || run(&tree, "db update --url ../db");
    let done = update().exits(0);
    assert!(done.stdout.contains("5 advisories, newest of 2026-11-12"), "{}", done.said());
    run(&tree, &format!("audit --precision lock --as-of {AS_OF}")).exits(1);
    fs::remove_file(advisory(&tree)).unwrap();
    commit(&tree.path("db"));
    assert!(update().exits(0).stdout.contains("4 advisories"));
    run(&tree, &format!("audit --precision lock --as-of {AS_OF}")).exits(0);
    run(&tree, "db show --format json").exits(0);
    run(&tree, "db update --url ../nowhere").exits(2);
    // What was there stays.
    run(&tree, "db show").exits(0);
    run(&tree, "db show --advisory-db ../nowhere").exits(2);
}

#[test]
fn a_finding_is_exempted_by_exact_subject_and_comments_are_kept() {
    let tree = affected().with(
        "tree/.weft/exemptions.toml",
        "# ours\nschema = 1 # one\n\n# old\n[[exemption]]\ncode = \"source/replaced\" # why\nsubject = \"x\"\n\
         reason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2027-01-01\n",
    );
    let exempt = |subject: &str, approver: &str| {
        Run::new(tree.path("tree"), "exempt advisory/vulnerability")
            .arg(subject)
            .arg("--reason=its bound is ours")
            .arg("--owner=parser-team")
            .arg(format!("--approver={approver}"))
            .arg("--expires=2027-01-31")
            .done()
    };
    let subject = format!("pkg:cargo/leaky@1.0.0 {ID}");
    exempt(&subject, "Parser-Team").exits(2);
    exempt(&subject, "security-team").exits(0);
    let text = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    for kept in ["# ours\nschema = 1 # one\n", "# old\n[[exemption]]", "# why\n"] {
        assert!(text.contains(kept), "{text}");
    }
    audit(&tree, "").exits(0);
    let verdict = verdict(&tree, "");
    assert_eq!(verdict["exempted"][0]["finding"]["subject"], Value::from(subject.clone()));
    assert_eq!(verdict["exempted"][0]["finding"]["level"], "deny");
    assert_eq!(verdict["counts"]["exempted"], 1);
    // The same finding again gets the new terms, and no second entry.
    exempt(&subject, "somebody-else").exits(0);
    let text = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    assert_eq!(text.matches(&subject).count(), 1);
    let sarif: Value = serde_json::from_str(&audit(&tree, "--format sarif").stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|r| r["ruleId"] == "advisory/vulnerability").unwrap();
    assert_eq!(result["suppressions"][0]["status"], "accepted");
}

#[test]
fn a_baseline_starts_green_and_lets_nothing_new_through() {
    let tree = affected();
    let baseline = |more: &str| {
        run(
            &tree,
            &format!(
                "baseline --precision lock --advisory-db ../db --as-of {AS_OF} --reason legacy --owner a \
                 --approver b --expires 2026-12-31 {more}"
            ),
        )
    };
    baseline("--dry-run").exits(0);
    audit(&tree, "").exits(1);
    assert!(baseline("").exits(0).stdout.contains("1 finding exempted until 2026-12-31"));
    audit(&tree, "").exits(0);
    // Due: denied again, and not put off in a heap.
    let later = "audit --precision lock --advisory-db ../db --as-of 2027-01-01";
    let done = run(&tree, later).exits(1);
    assert!(done.said().contains("expired 1 day ago"), "{}", done.said());
    let again = "baseline --precision lock --advisory-db ../db --as-of 2027-01-01 --reason x --owner a --approver b \
                 --expires 2027-12-31";
    assert!(run(&tree, again).exits(0).stdout.contains("0 findings exempted"));
    run(&tree, later).exits(1);
    let new = fs::read_to_string(advisory(&tree)).unwrap().replace(ID, "RUSTSEC-2026-9006");
    fs::write(tree.path("db/crates/leaky/RUSTSEC-2026-9006.md"), new).unwrap();
    audit(&tree, "").exits(1);
    let past = "baseline --precision lock --reason x --owner a --approver b --expires 2020-01-01";
    run(&tree, past).exits(2);
}

#[test]
fn faulty_exemptions_are_an_error_with_the_place() {
    let tree = affected().with(
        "tree/.weft/exemptions.toml",
        "schema = 1\n[[exemption]]\ncode = \"advisory/vulnerability\"\nsubject = \"x\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\n",
    );
    let done = audit(&tree, "").exits(2);
    assert!(done.said().contains("this exemption has no `expires`"), "{}", done.said());
    assert!(done.stderr.contains(".weft/exemptions.toml:2:1"), "{}", done.stderr);
}
