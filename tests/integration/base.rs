//! A workspace against a base: what is new fails, and only the base's rules count.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::{AS_OF, Done, MANIFEST, Run, Tree, copy, from_registry, locked, package};

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(tree: &Tree) {
    git(&tree.path("tree"), &["add", "--all"]);
    git(&tree.path("tree"), &["commit", "--quiet", "--message", "x"]);
}

/// A repository whose one commit locks these crates, beside a database of advisories.
fn repository(crates: &[(&str, &str)]) -> Tree {
    let tree = lock(Tree::of(MANIFEST, ""), crates).with("home/.keep", "");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db"), &tree.path("db"));
    git(&tree.path("tree"), &["init", "--quiet"]);
    commit(&tree);
    tree
}

fn lock(tree: Tree, crates: &[(&str, &str)]) -> Tree {
    let names: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
    let needs: String = crates.iter().map(|(name, _)| format!("{name} = \"*\"\n")).collect();
    // Equal archives would be one crate under two names.
    let archive = |name: &str, version: &str| {
        let sum = weft_verify::Sha256::of(format!("{name} {version}").as_bytes()).to_string();
        from_registry().replace(&"a".repeat(64), &sum)
    };
    let entries: String = crates
        .iter()
        .map(|(name, version)| package(name, version, &archive(name, version)))
        .collect();
    tree.with("tree/Cargo.toml", format!("{MANIFEST}[dependencies]\n{needs}"))
        .with("tree/Cargo.lock", locked(&names, &entries))
}

fn run(tree: &Tree, arguments: &str) -> Done {
    let line = format!("{arguments} --advisory-db ../db --as-of {AS_OF}");
    Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).done()
}

fn says(done: Done, words: &str) {
    let done = done.exits(2);
    assert!(done.said().contains(words), "{}", done.said());
}

fn diff(tree: &Tree, arguments: &str) -> Value {
    let done = run(tree, &format!("diff {arguments} --format json")).exits(0);
    serde_json::from_str(&done.stdout).unwrap()
}

#[test]
fn only_what_is_new_fails() {
    let tree = repository(&[("leaky", "1.0.0")]);
    run(&tree, "audit --precision lock").exits(1);
    run(&tree, "audit --base HEAD").exits(0);
    // The same advisory of another version that it is about is the same finding.
    let tree = lock(tree, &[("leaky", "1.0.1")]);
    run(&tree, "audit --base HEAD").exits(0);
    let tree = lock(tree, &[("leaky", "1.0.1"), ("thief", "1.0.0")]);
    let done = run(&tree, "audit --base HEAD --format json").exits(1);
    let verdict: Value = serde_json::from_str(&done.stdout).unwrap();
    let codes: Vec<&str> = verdict["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["advisory/malicious"]);
    assert_eq!(verdict["comparison"]["unchanged"][0]["code"], "advisory/vulnerability");
    let sarif = run(&tree, "audit --base HEAD --format sarif").exits(1).stdout;
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let states: Vec<&str> = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["baselineState"].as_str().unwrap())
        .collect();
    assert!(states.contains(&"new") && states.contains(&"unchanged"), "{states:?}");
}

#[test]
fn the_rules_of_the_head_are_told_of_and_not_obeyed() {
    let tree = repository(&[]);
    let tree = lock(tree, &[("leaky", "1.0.0")])
        .with("tree/weft.toml", "schema = 1\n[checks]\n\"advisory/*\" = \"off\"\n")
        .with(
            "tree/.weft/exemptions.toml",
            "schema = 1\n[[exemption]]\ncode = \"advisory/vulnerability\"\nreason = \"r\"\nowner = \"a\"\n\
             subject = \"pkg:cargo/leaky@1.0.0 RUSTSEC-2026-9001\"\napprover = \"b\"\nexpires = 2027-01-01\n",
        );
    run(&tree, "audit --precision lock").exits(0);
    let done = run(&tree, "audit --base HEAD").exits(1);
    for file in ["weft.toml", ".weft/exemptions.toml"] {
        let told = format!("  {file}: it comes to be a rule");
        assert!(done.stdout.contains(&told), "{}", done.said());
    }
    commit(&tree);
    run(&tree, "audit --base HEAD").exits(0);
    run(&tree, "audit --base HEAD --policy baseline").exits(3);
}

#[test]
fn a_diff_pairs_versions_and_says_what_is_fixed() {
    let tree = repository(&[("leaky", "1.0.0"), ("gone", "1.0.0")]);
    let same = diff(&tree, "");
    assert_eq!(same["packages"]["changed"], Value::Array(Vec::new()));
    let tree = lock(tree, &[("leaky", "1.1.0"), ("fresh", "1.0.0")]);
    let changes = diff(&tree, "HEAD");
    assert_eq!(changes["packages"]["changed"][0]["kind"], "upgraded");
    assert_eq!(changes["packages"]["changed"][0]["to"], "pkg:cargo/leaky@1.1.0");
    assert_eq!(changes["packages"]["added"][0], "pkg:cargo/fresh@1.0.0");
    assert_eq!(changes["packages"]["removed"][0], "pkg:cargo/gone@1.0.0");
    assert_eq!(changes["fixed"][0]["about"], "pkg:cargo/leaky RUSTSEC-2026-9001");
    assert_eq!(changes["head"]["name"], "the work tree");
    commit(&tree);
    let commits = diff(&tree, "HEAD~1 HEAD");
    assert_eq!(commits["packages"], changes["packages"]);
    assert_eq!(diff(&tree, "HEAD HEAD~1")["packages"]["changed"][0]["kind"], "downgraded");
}

#[test]
fn a_diff_says_what_packages_may_do_as_far_as_their_sources_are_there() {
    let crates_io = "sparse+https://index.crates.io/";
    let place = tame_index::utils::url_to_local_dir(crates_io, true).unwrap().dir_name;
    let source = |file: &str| format!("home/registry/src/{place}/{file}");
    let tree = repository(&[("a", "1.0.0"), ("b", "1.0.0"), ("same", "1.0.0")])
        .with(&source("a-1.0.0/.cargo-ok"), "")
        .with(&source("a-1.1.0/.cargo-ok"), "")
        .with(&source("a-1.0.0/Cargo.toml"), "[package]\nlicense = \"MIT\"\n")
        .with(&source("a-1.0.0/src/lib.rs"), "//! unsafe\n")
        .with(
            &source("a-1.1.0/Cargo.toml"),
            "[package]\nlicense = \"EPL-2.0\"\n[lib]\nproc-macro = true\n",
        )
        .with(&source("a-1.1.0/src/lib.rs"), "fn a() { unsafe { b() } }\n")
        .with(&source("a-1.1.0/src/odd.rs"), "fn a( {\n")
        .with(&source("a-1.1.0/build.rs"), "fn main() { std::process::Command::new(\"a\"); }\n");
    let released = |version: &str, day: &str| {
        let sum = weft_verify::Sha256::of(format!("b {version}").as_bytes());
        format!(
            "{version}\0{{\"name\":\"b\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false,\"pubtime\":\"{day}T00:00:00Z\"}}\0"
        )
    };
    let index = format!(
        "\x03\x02\0\0\0etag: \"x\"\0{}{}",
        released("1.0.0", "2024-01-01"),
        released("1.1.0", "2026-01-01")
    );
    let tree = tree.with(&format!("home/registry/index/{place}/.cache/1/b"), index);
    let tree = lock(tree, &[("a", "1.1.0"), ("b", "1.1.0"), ("same", "1.0.0")]);
    let changes = diff(&tree, "");
    let told: Vec<String> = changes["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {}: {} > {}", s["package"], s["capability"], s["before"], s["after"]))
        .map(|line| line.replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "pkg:cargo/a@1.1.0 build-process: null > std::process::Command::new",
            "pkg:cargo/a@1.1.0 proc-macro: null > yes",
            "pkg:cargo/a@1.1.0 build-script: null > build.rs",
            "pkg:cargo/a@1.1.0 unsafe: null > 1",
            "pkg:cargo/b@1.1.0 dormant: null > 731 days after 1.0.0",
            "pkg:cargo/a@1.1.0 license: MIT > EPL-2.0",
        ]
    );
    let unread: Vec<&str> = changes["not_evaluated"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["subject"].as_str().unwrap())
        .collect();
    let (a, b) = ("pkg:cargo/a@1.1.0", ["pkg:cargo/b@1.0.0", "pkg:cargo/b@1.1.0"]);
    assert_eq!(unread, [a, a, b[0], b[1], a, b[1]]);
    let rated = |at: usize| !changes["capabilities"][at]["rate"].is_null();
    assert!(rated(0) && rated(4) && !rated(5));
    let human = run(&tree, "diff").exits(0).stdout;
    let rare = "  a@1.1.0: procedural macro: yes (at least 6.5 bits, 0 of 291)\n";
    assert!(human.contains(rare), "{human}");
    assert!(human.contains("  a@1.1.0: licence: MIT -> EPL-2.0 (base rate unknown)\n"), "{human}");
    assert!(human.contains("  b@1.1.0: silence before it: 731 days after 1.0.0 (5.0 bits"));
    assert!(human.contains("  a@1.1.0: Cargo's local cache of the index does not say"), "{human}");
    assert!(human.contains("  b@1.0.0, b@1.1.0: its sources are not in"), "{human}");
}

#[test]
fn a_workspace_below_the_top_of_its_repository_is_found() {
    let tree = repository(&[("leaky", "1.0.0")]);
    let root = tree.path("tree");
    fs::create_dir(root.join("inner")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "src"] {
        git(&root, &["mv", file, "inner"]);
    }
    commit(&tree);
    let done = Run::new(root.join("inner"), "audit --base HEAD --advisory-db ../../db")
        .arg(format!("--as-of={AS_OF}"))
        .env("CARGO_HOME", tree.path("home"))
        .done();
    assert!(done.exits(0).said().contains("2 findings unchanged, 0 fixed"));
}

#[test]
fn what_is_no_base_is_an_error_with_the_command_that_helps() {
    let tree = repository(&[]);
    says(run(&tree, "diff nosuch"), "git fetch origin nosuch");
    says(run(&tree, "audit --base=--upload-pack=x"), "the repository has no commit");
    says(run(&tree, "audit --base HEAD --lockfile Cargo.lock"), "a lockfile alone has no base");
    says(run(&tree, "audit --base HEAD --precision metadata"), "lock precision alone");
    git(&tree.path("tree"), &["rm", "--quiet", "--cached", "Cargo.lock"]);
    git(&tree.path("tree"), &["commit", "--quiet", "--message", "x"]);
    says(run(&tree, "diff HEAD"), "commit the lockfile there");
    let unborn = Tree::sound();
    git(&unborn.path("tree"), &["init", "--quiet"]);
    says(Run::new(unborn.path("tree"), "diff").done(), "this branch has no commit yet");
    says(Run::new(Tree::sound().path("tree"), "diff").done(), "there is no");

    let tree = repository(&[]);
    let first = git(&tree.path("tree"), &["rev-parse", "HEAD"]);
    let tree = lock(tree, &[("leaky", "1.1.0")]);
    commit(&tree);
    let url = format!("file://{}", tree.path("tree").display());
    git(&tree.path("."), &["clone", "--quiet", "--depth=1", &url, "shallow"]);
    let done = Run::new(tree.path("shallow"), &format!("diff {first}")).done();
    says(done, "git fetch --depth=1 origin");
}

#[test]
#[cfg(unix)]
fn a_repository_names_no_program_that_is_run() {
    let tree = repository(&[]);
    let marker = tree.path("ran");
    let command = format!("touch {}", marker.display());
    let root = tree.path("tree");
    for (key, value) in [
        ("core.fsmonitor", command.as_str()),
        ("core.pager", &command),
        ("core.sshCommand", &command),
        ("core.hooksPath", "hooks"),
        ("diff.external", &command),
        ("filter.x.smudge", &command),
        ("remote.origin.url", &format!("ext::{command}")),
        ("remote.origin.promisor", "true"),
        ("extensions.partialClone", "origin"),
        ("protocol.ext.allow", "always"),
        ("gpg.program", &command),
        ("log.showSignature", "true"),
    ] {
        git(&root, &["config", key, value]);
    }
    let tree = tree.with("tree/.gitattributes", "* filter=x diff=x\n");
    run(&tree, "diff HEAD").exits(0);
    // An object that is missing is not asked for.
    let blob = git(&root, &["rev-parse", "HEAD:Cargo.lock"]);
    fs::remove_file(root.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    run(&tree, "diff HEAD").exits(2);
    assert!(!marker.exists());
}

#[test]
fn what_is_exempted_in_the_base_hides_nothing_that_is_new() {
    let exempted = "schema = 1\n[[exemption]]\ncode = \"advisory/vulnerability\"\nsubject = \"pkg:cargo/leaky@1.0.0 RUSTSEC-2026-9001\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2027-01-01\n";
    let tree = repository(&[("leaky", "1.0.0")]).with("tree/.weft/exemptions.toml", exempted);
    commit(&tree);
    run(&tree, "audit --base HEAD").exits(0);
    let needs =
        "[dependencies]\nleaky = \"1.0.0\"\nold = { package = \"leaky\", version = \"0.9.0\" }\n";
    let entries =
        package("leaky", "0.9.0", &from_registry()) + &package("leaky", "1.0.0", &from_registry());
    let tree = tree
        .with("tree/Cargo.toml", format!("{MANIFEST}{needs}"))
        .with("tree/Cargo.lock", locked(&["leaky 0.9.0", "leaky 1.0.0"], &entries));
    run(&tree, "audit --base HEAD").exits(1);
}

#[test]
fn a_workspace_that_moves_and_rules_behind_a_link_are_no_base() {
    let tree = repository(&[("leaky", "1.0.0")])
        .with(
            "tree/fuzz/Cargo.toml",
            "[workspace]\n[package]\nname = \"fuzz\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .with(
            "tree/fuzz/Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"fuzz\"\nversion = \"0.1.0\"\n",
        );
    commit(&tree);
    let moved = MANIFEST.replace("[package]\n", "[package]\nworkspace = \"fuzz\"\n");
    let tree = tree.with("tree/Cargo.toml", moved);
    says(run(&tree, "audit --base HEAD"), "belongs to another workspace than in");
    #[cfg(unix)]
    {
        let tree = repository(&[("leaky", "1.0.0")]).with("tree/ci/weft.toml", "schema = 1\n");
        std::os::unix::fs::symlink("ci/weft.toml", tree.path("tree/weft.toml")).unwrap();
        commit(&tree);
        says(run(&tree, "audit --base HEAD"), "weft.toml is a symbolic link in");
    }
}

#[test]
fn an_advisory_database_in_the_tree_is_not_judged_by_beside_a_base() {
    let tree = repository(&[("leaky", "1.0.0")]);
    copy(&tree.path("db"), &tree.path("tree/db"));
    let tree = tree.with(
        "tree/weft.toml",
        "schema = 1\nprofile = \"local\"\n[advisories]\ndatabase = \"db\"\n",
    );
    commit(&tree);
    let judged = |line: &str| {
        let line = format!("{line} --as-of {AS_OF}");
        Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home")).done()
    };
    judged("audit").exits(1);
    assert!(
        judged("audit --base HEAD")
            .exits(0)
            .stdout
            .contains("lies in the tree, where a change can alter it")
    );
}

#[test]
fn what_is_left_out_is_told_apart_by_what_it_is() {
    let unsound: Vec<(String, &str)> =
        (0..510).map(|number| (format!("a{number}"), "1.0.0")).collect();
    let crates = |last: &'static str| -> Vec<(&str, &str)> {
        let first = unsound.iter().map(|(name, version)| (name.as_str(), *version));
        first.chain([(last, "1.0.0")]).collect()
    };
    let tree = repository(&crates("y")).with(
        "tree/weft.toml",
        "schema = 1\n[sources]\nregistries = []\n[bans]\nallow = [\"x\"]\n",
    );
    commit(&tree);
    run(&tree, "audit --precision lock").exits(1);
    run(&tree, "audit --base HEAD").exits(0);
    // As many findings as before, and another one behind the bound.
    let tree = lock(tree, &crates("z"));
    run(&tree, "audit --base HEAD").exits(1);
}

#[test]
fn what_was_not_looked_for_is_not_fixed() {
    let place = tame_index::utils::url_to_local_dir("sparse+https://index.crates.io/", true);
    let source = format!("home/registry/src/{}/a-1.0.0", place.unwrap().dir_name);
    let tree = repository(&[("a", "1.0.0")])
        .with(&format!("{source}/.cargo-ok"), "")
        .with(&format!("{source}/Cargo.toml"), "[package]\nlicense = \"EPL-2.0\"\n")
        .with("tree/weft.toml", "schema = 1\n[licenses]\nallow = [\"MIT\"]\n");
    commit(&tree);
    let fixed = |tree: &Tree| {
        let done = run(tree, "audit --base HEAD --format json").exits(0);
        let verdict: Value = serde_json::from_str(&done.stdout).unwrap();
        verdict["comparison"]["fixed"].to_string()
    };
    let tree = lock(tree, &[("a", "1.1.0")]);
    assert!(!fixed(&tree).contains("license/not-allowed"), "{}", fixed(&tree));
    let tree = lock(tree, &[]);
    assert!(fixed(&tree).contains("license/not-allowed"), "{}", fixed(&tree));
}

#[test]
fn exempted_unchanged_and_expired_findings_end_alike_in_every_format() {
    let exempted = |day: &str| {
        format!(
            "schema = 1\n[[exemption]]\ncode = \"advisory/vulnerability\"\nsubject = \"pkg:cargo/leaky@1.0.0 RUSTSEC-2026-9001\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = {day}\n"
        )
    };
    let check = |tree: &Tree, line: &str, status: i32| {
        for format in ["human", "json", "sarif", "markdown"] {
            run(tree, &format!("{line} --format {format}")).exits(status);
        }
    };
    let tree = repository(&[("leaky", "1.0.0")]);
    check(&tree, "audit --precision lock", 1);
    check(&tree, "audit --base HEAD", 0);
    let tree = tree.with("tree/.weft/exemptions.toml", exempted("2027-01-01"));
    check(&tree, "audit --precision lock", 0);
    let tree = tree.with("tree/.weft/exemptions.toml", exempted("2026-01-01"));
    check(&tree, "audit --precision lock", 1);
    let tree = lock(tree, &[("leaky", "1.0.0"), ("thief", "1.0.0")]);
    check(&tree, "audit --base HEAD", 1);
}

#[test]
fn another_address_behind_the_same_name_is_new() {
    let config = |host: &str| {
        format!(
            "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://{host}/\"\n"
        )
    };
    let exempted = "schema = 1\n[[exemption]]\ncode = \"source/replaced\"\nsubject = \"source `crates-io` -> source `m`, registry `sparse+https://good.example/`\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2027-01-01\n";
    let tree = repository(&[("a", "1.0.0")])
        .with("tree/weft.toml", "schema = 1\n[checks]\n\"source/replaced\" = \"deny\"\n")
        .with("tree/.weft/exemptions.toml", exempted)
        .with("tree/.cargo/config.toml", config("good.example"));
    commit(&tree);
    run(&tree, "audit --precision lock").exits(0);
    run(&tree, "audit --base HEAD").exits(0);
    let tree = tree.with("tree/.cargo/config.toml", config("evil.example"));
    run(&tree, "audit --precision lock").exits(1);
    run(&tree, "audit --base HEAD").exits(1);
}

#[test]
fn another_dependent_of_what_is_banned_is_new() {
    let entries = |needs: &str| {
        let wrapper = |name: &str, needs: &str| {
            package(name, "1.0.0", &format!("{}dependencies = [{needs}]\n", from_registry()))
        };
        wrapper("a", "\n \"old\",\n")
            + &wrapper("b", needs)
            + &package("old", "1.0.0", &from_registry())
    };
    let policy = "schema = 1\n[[bans.deny]]\ncrate = \"old\"\nwrappers = [\"none\"]\n";
    let tree = repository(&[])
        .with("tree/weft.toml", policy)
        .with("tree/Cargo.toml", format!("{MANIFEST}[dependencies]\na = \"1\"\nb = \"1\"\n"))
        .with("tree/Cargo.lock", locked(&["a", "b"], &entries("")));
    commit(&tree);
    run(&tree, "audit --precision lock").exits(1);
    run(&tree, "audit --base HEAD").exits(0);
    let tree = tree.with("tree/Cargo.lock", locked(&["a", "b"], &entries("\n \"old\",\n")));
    run(&tree, "audit --base HEAD").exits(1);
}

#[test]
fn what_only_tests_are_built_with_is_not_left_out_of_what_is_dangerous() {
    let tree = repository(&[]);
    let tree = tree
        .with("tree/Cargo.toml", format!("{MANIFEST}[dev-dependencies]\nthief = \"1\"\n"))
        .with("tree/Cargo.lock", locked(&["thief"], &package("thief", "1.0.0", &from_registry())))
        .with("tree/weft.toml", "schema = 1\n[[bans.deny]]\ncrate = \"thief\"\n");
    let done = run(&tree, "audit --precision lock").exits(1);
    assert!(done.said().contains("(of dev-dependencies)"), "{}", done.said());
    assert!(done.said().contains("deny[ban/package]"), "{}", done.said());
}

#[test]
fn a_baseline_starts_green_however_much_there_is() {
    let crates: Vec<String> = (0..510).map(|number| format!("a{number}")).collect();
    let crates: Vec<(&str, &str)> = crates.iter().map(|name| (name.as_str(), "1.0.0")).collect();
    let tree = repository(&crates).with(
        "tree/weft.toml",
        "schema = 1\n[bans]\nallow = [\"x\"]\n[topology]\nblast-percent = 100\n",
    );
    let done = run(&tree, "audit --precision lock --format json").exits(1);
    let verdict: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(verdict["counts"]["deny"], 510);
    let left_out = |finding: &&Value| finding["fields"]["left_out"] == 10;
    assert_eq!(verdict["findings"].as_array().unwrap().iter().filter(left_out).count(), 1);
    let terms = "--reason r --owner a --approver b --expires 2099-01-31";
    run(&tree, &format!("baseline --precision lock {terms}")).exits(0);
    run(&tree, "audit --precision lock").exits(0);
    // Renewing one keeps what somebody wrote beside it.
    let path = tree.path("tree/.weft/exemptions.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("reason = \"r\"", "reason = \"r\" # keep me", 1)).unwrap();
    let renew = "exempt ban/package pkg:cargo/a0@1.0.0 --reason s --owner a --approver b --expires 2099-02-28";
    Run::new(tree.path("tree"), renew).done().exits(0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("reason = \"s\" # keep me"), "{}", &text[..400]);
}
