//! Who publishes the packages: the snapshot that `db publishers` writes, and what an audit makes of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/dump.rs"]
mod dump;

use std::fs;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use weft_gate::{Facts, decide};

use common::{AS_OF, Done, Run, Tree, package, unwrapped};

const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";

const POLICY: &str = "schema = 1\n\n[publishers]\nsnapshot = \"publishers.json\"\n";

/// Makes a workspace of four members: two need `gauge`, two `tinlog`.
fn workspace() -> Tree {
    let needs = [("east", "gauge"), ("north", "gauge"), ("south", "tinlog"), ("west", "tinlog")];
    let mut packages: Vec<(&str, String)> = vec![
        ("gauge", package("gauge", "1.0.0", CRATES_IO)),
        ("tinlog", package("tinlog", "1.0.0", CRATES_IO)),
    ];
    let mut tree = Tree::empty()
        .with(
            "tree/Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"east\", \"north\", \"south\", \"west\"]\n",
        )
        .with("tree/weft.toml", POLICY)
        .with("dump.tar.gz", dump::archive())
        .with("home/.keep", "");
    for (name, needed) in needs {
        packages.push((name, package(name, "0.1.0", &format!("dependencies = [\"{needed}\"]\n"))));
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{needed} = \"1\"\n"
        );
        tree = tree.with(&format!("tree/{name}/Cargo.toml"), manifest);
    }
    packages.sort();
    let packages: String = packages.into_iter().map(|(_, text)| text).collect();
    tree.with("tree/Cargo.lock", format!("version = 4\n\n{packages}"))
}

fn run(tree: &Tree, line: &str) -> Done {
    Run::new(tree.path("tree"), line).env("CARGO_HOME", tree.path("home")).done()
}

fn audit(tree: &Tree, rest: &str) -> Value {
    let done = run(tree, &format!("audit --precision lock --as-of {AS_OF} --format json {rest}"));
    serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", done.said()))
}

/// Returns what the check says, finding by finding, or why it does not.
fn single_points(verdict: &Value) -> Vec<String> {
    let of_check = |list: &str, text: &str| -> Vec<String> {
        let list = verdict[list].as_array().unwrap().iter();
        let list = list.filter(|entry| entry["code"] == "maintainer/single-point");
        list.map(|entry| entry[text].as_str().unwrap().to_owned()).collect()
    };
    [of_check("findings", "sentence"), of_check("not_evaluated", "reason")].concat()
}

fn snapshot() -> String {
    let sha256: String =
        Sha256::digest(dump::archive()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        concat!(
            r#"{{"crates":{{"gauge":[{{"kind":"team","login":"github:gauges:publish","since":"2021-01-02"}},"#,
            r#"{{"kind":"user","login":"Alice","since":"2020-01-02"}}],"#,
            r#""tinlog":[{{"kind":"user","login":"bob","since":"2022-01-02"}}]}},"#,
            r#""dump":{{"date":"{}","sha256":"{}"}},"schema":1}}"#
        ),
        dump::DAY,
        sha256
    )
}

#[test]
fn a_dump_becomes_a_snapshot_of_the_locked_crates() {
    let tree = workspace();
    let printed = run(&tree, "db publishers --dump ../dump.tar.gz").exits(0);
    assert_eq!(printed.stdout, snapshot());
    let said = run(&tree, "db publishers --dump ../dump.tar.gz --output publishers.json").exits(0);
    assert!(said.stdout.contains("2 of 2 locked crates"), "{}", said.said());
    assert_eq!(fs::read_to_string(tree.path("tree/publishers.json")).unwrap(), snapshot());
    let all = run(&tree, "db publishers --dump ../dump.tar.gz --all").exits(0);
    assert!(all.stdout.contains("\"elsewhere\""), "{}", all.said());
}

#[test]
fn without_a_dump_nothing_is_fetched_unless_that_is_asked_for() {
    let tree = workspace();
    let refused = run(&tree, "db publishers").exits(2);
    assert!(unwrapped(&refused.stderr).contains("name it with --dump"), "{}", refused.said());
    let clear = run(&tree, "db publishers --online --url http://dump.example.org/x").exits(2);
    assert!(unwrapped(&clear.stderr).contains("not encrypted"), "{}", clear.said());
    let broken = run(&tree, "db publishers --dump Cargo.lock").exits(2);
    assert!(unwrapped(&broken.stderr).contains("is not a dump"), "{}", broken.said());
}

#[test]
#[cfg(feature = "online")]
fn a_dump_is_fetched_where_it_is_asked_for_and_nothing_but_a_dump_is_taken() {
    let tree = workspace();
    let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let port = server.server_addr().to_ip().unwrap().port();
    let answers = std::thread::spawn(move || {
        let moved = tiny_http::Header::from_bytes("Location", "/dump.tar.gz").unwrap();
        for answer in [
            tiny_http::Response::from_data(dump::archive()),
            tiny_http::Response::from_data("").with_status_code(302).with_header(moved),
            tiny_http::Response::from_data("no dump"),
        ] {
            let wait = std::time::Duration::from_secs(60);
            server.recv_timeout(wait).unwrap().unwrap().respond(answer).unwrap();
        }
    });
    let line = format!("db publishers --online --url http://127.0.0.1:{port}/dump.tar.gz");
    assert_eq!(run(&tree, &line).exits(0).stdout, snapshot());
    let moved = run(&tree, &line).exits(2);
    assert!(unwrapped(&moved.stderr).contains("it answered 302"), "{}", moved.said());
    let other = run(&tree, &line).exits(2);
    assert!(unwrapped(&other.stderr).contains("is not a dump"), "{}", other.said());
    answers.join().unwrap();
}

#[test]
fn an_audit_names_the_snapshot_among_its_inputs_and_can_be_replayed() {
    let tree = workspace().with("tree/publishers.json", snapshot().replace("bob", "alice"));
    let verdict = audit(&tree, "--facts ../facts.json");
    let said = single_points(&verdict);
    let expected = format!(
        "github.com/alice stands behind 2 external packages, which reach 4 of the 4 members (100%; the policy allows 90%): 2 by the snapshot of owners of {}.",
        dump::DAY
    );
    assert_eq!(said, [expected]);
    let inputs = verdict["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["name"] == "publishers.json"), "{inputs:?}");
    let facts = Facts::from_canonical(&fs::read(tree.path("facts.json")).unwrap()).unwrap();
    let again = serde_json::to_value(decide(&facts).unwrap()).unwrap();
    assert_eq!(again, verdict);
}

#[test]
fn what_is_not_known_is_said_and_never_taken_for_nobody() {
    let tree = workspace();
    assert_eq!(
        single_points(&audit(&tree, "")),
        ["the snapshot of publishers `publishers.json` is not there"]
    );
    let tree = tree.with("tree/publishers.json", snapshot().replace("\"tinlog\"", "\"zinlog\""));
    assert_eq!(
        single_points(&audit(&tree, "")),
        ["nothing says who publishes 1 of the 2 external packages"]
    );
    // A snapshot of crates.io says nothing of a namesake elsewhere.
    let lockfile = fs::read_to_string(tree.path("tree/Cargo.lock")).unwrap();
    let elsewhere = "source = \"registry+https://crates.example.org/index\"\n";
    let tree = tree.with("tree/Cargo.lock", lockfile.replace(CRATES_IO, elsewhere));
    assert_eq!(
        single_points(&audit(&tree, "")),
        ["nothing says who publishes any of the packages"]
    );
}

#[test]
fn a_change_does_not_say_who_publishes_what_it_brings() {
    let tree = workspace().with("tree/publishers.json", snapshot().replace("bob", "alice"));
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        git.current_dir(tree.path("tree"));
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "base"]);
    fs::write(tree.path("tree/publishers.json"), snapshot()).unwrap();
    assert_eq!(single_points(&audit(&tree, "")), [""; 0], "the change alone");
    let verdict = audit(&tree, "--base HEAD");
    let unchanged = verdict["comparison"]["unchanged"].as_array().unwrap();
    assert!(unchanged.iter().any(|f| f["subject"] == "github.com/alice"), "{unchanged:?}");
    assert_eq!(verdict["comparison"]["fixed"], serde_json::json!([]));
    let summary = tree.path("summary.json");
    let line = format!("gate merge --as-of {AS_OF} --format json --summary {}", summary.display());
    let gate = run(&tree, &line);
    let said = unwrapped(&format!("{}{}", gate.stdout, gate.stderr));
    assert!(!said.contains("github.com/alice"), "{}", gate.said());
}
