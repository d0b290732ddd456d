//! The house's own rules: who may depend on whom, that a check is whole, and that the README shows real output.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use guppy::graph::{DependencyDirection, PackageGraph};
use weft_gate::check::CHECKS;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn graph() -> PackageGraph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PackageGraph::from_json(String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// Lists what a crate of ours is built from, itself left out.
fn dependencies(graph: &PackageGraph, name: &str) -> BTreeSet<String> {
    let member = graph.workspace().member_by_name(name).unwrap();
    let closure = member
        .to_package_query(DependencyDirection::Forward)
        .resolve_with_fn(|_, link| !link.dev_only());
    let names = closure.packages(DependencyDirection::Forward).map(|p| p.name().to_owned());
    names.filter(|found| found != name).collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let graph = graph();
    let ours = ["cargo-weft", "weft-action", "weft-gate", "weft-graph", "weft-verify"];
    for (name, allowed) in [
        ("weft-verify", &[][..]),
        ("weft-graph", &[]),
        ("weft-gate", &["weft-graph", "weft-verify"]),
        ("cargo-weft", &["weft-gate", "weft-graph", "weft-verify"]),
        ("weft-action", &["cargo-weft", "weft-gate", "weft-graph", "weft-verify"]),
    ] {
        let found = dependencies(&graph, name);
        let found: Vec<&str> = ours.into_iter().filter(|ours| found.contains(*ours)).collect();
        assert_eq!(found, allowed, "{name}");
    }
    assert_eq!(graph.workspace().member_count(), ours.len(), "a new crate needs a row here");
}

#[test]
fn the_graph_crate_has_never_heard_of_cargo() {
    let found = dependencies(&graph(), "weft-graph");
    for stranger in ["cargo_metadata", "guppy", "serde", "semver", "toml"] {
        assert!(!found.contains(stranger), "{stranger}");
    }
}

#[test]
fn the_verifier_is_lean_and_lengthening_its_list_is_a_decision() {
    let output = Command::new(env!("CARGO"))
        .args("tree -p weft-verify -e normal,build --target all --no-dedupe --locked".split(' '))
        .args(["--prefix", "none", "-f", "{p}"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let found: BTreeSet<&str> = names.filter(|name| *name != "weft-verify").collect();
    let list: String = found.iter().map(|name| format!("{name}\n")).collect();
    assert_eq!(
        list,
        read("tests/house/weft-verify.txt"),
        "tests/house/weft-verify.txt is the list that was decided on"
    );
    assert!(found.len() <= 35, "at most about 35 third-party crates");
}

/// Libraries that open connections, or exist for those that do.
const CONNECTING: [&str; 16] = [
    "async-std",
    "curl",
    "h2",
    "hyper",
    "hyper-util",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "tower",
    "ureq",
];

/// Lists what a crate is built from on any target, by name.
fn tree(arguments: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(
            "tree -e normal,build --target all --no-dedupe --locked --prefix none -f {p}"
                .split(' '),
        )
        .args(arguments.split(' '))
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[test]
fn nothing_that_could_connect_is_linked_without_the_feature_online() {
    for arguments in [
        "-p weft-verify --all-features",
        "-p weft-graph --all-features",
        "-p weft-gate --all-features",
        "-p cargo-weft --no-default-features",
    ] {
        let tree = tree(arguments);
        assert!(tree.len() > 5, "{arguments}: {tree:?}");
        let found: Vec<&str> = CONNECTING.into_iter().filter(|name| tree.contains(*name)).collect();
        assert!(found.is_empty(), "{arguments}: {found:?}");
    }
    // They are found where they are.
    let with_online = tree("-p cargo-weft");
    for name in ["hyper", "reqwest", "rustls", "socket2", "tokio"] {
        assert!(with_online.contains(name), "{name}");
    }
}

#[test]
fn one_module_names_what_connects() {
    let online = "cargo-weft/cli/src/source/online";
    let words = [
        "TcpListener",
        "TcpStream",
        "ToSocketAddrs",
        "UdpSocket",
        "UnixDatagram",
        "UnixListener",
        "UnixStream",
        "hyper::",
        "reqwest",
        "rustls::",
        "sigstore_fulcio",
        "sigstore_oidc",
        "sigstore_rekor",
        "sigstore_sign",
        "sigstore_trust_root",
        "sigstore_tsa",
        "std::net",
        "tokio",
    ];
    let mut inside = 0;
    for path in sources(&repository().join("cargo-weft")) {
        let shown = path.strip_prefix(repository()).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_inside = shown == format!("{online}.rs") || shown.starts_with(&format!("{online}/"));
        // What stands in quotes is spoken of, not used.
        for line in code.map(|line| line.split('"').step_by(2).collect::<String>()) {
            let named = words.iter().find(|word| line.contains(**word));
            assert!(named.is_none() || is_inside, "{shown}: {line}");
            inside += usize::from(named.is_some());
        }
    }
    assert!(inside > 0, "{online} names nothing of these: where are they?");
}

/// Lists the Rust files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    let below = entries.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    });
    below.filter(|path| path.extension().is_some_and(|e| e == "rs")).collect()
}

#[test]
fn a_check_is_a_file_a_page_a_registration_and_two_cases() {
    let mut registered = BTreeSet::new();
    for check in CHECKS {
        let code = check.code();
        let path = format!("cargo-weft/gate/src/check/{}", code.replace('-', "_"));
        assert_eq!(
            check.page(),
            read(&format!("{path}.md")),
            "{code}: the page beside the file is the page"
        );
        assert!(
            read(&format!("{path}.rs")).contains(&format!("{code:?}")),
            "{code}: the file states the code"
        );
        for case in ["fires", "quiet"] {
            assert!(
                repository().join(format!("tests/golden/{code}/{case}/outcome.snap")).is_file(),
                "{code}/{case}"
            );
        }
        let (family, name) = code.split_once('/').unwrap();
        assert!(
            read("docs/src/SUMMARY.md").contains(&format!("checks/{family}/{name}.md")),
            "{code}: not in the book"
        );
        registered.insert(format!("{path}.rs"));
    }
    assert!(CHECKS.is_sorted_by_key(|check| check.code()), "CHECKS is sorted by code");
    assert_eq!(registered, check_files(), "every file of a check is registered");
}

/// Lists the files two levels below `check`, which are the checks.
fn check_files() -> BTreeSet<String> {
    let root = "cargo-weft/gate/src/check";
    let families = fs::read_dir(repository().join(root)).unwrap().map(|e| e.unwrap().path());
    let files = families.filter(|p| p.is_dir()).flat_map(|dir| fs::read_dir(dir).unwrap());
    let files =
        files.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "rs"));
    let relative = |path: PathBuf| {
        path.strip_prefix(repository()).unwrap().to_str().unwrap().replace('\\', "/")
    };
    files.map(relative).collect()
}

#[test]
fn every_page_has_its_four_headings_and_a_summary() {
    for check in CHECKS {
        let headings: Vec<&str> =
            check.page().lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# `{}`", check.code());
        assert_eq!(
            headings,
            [
                &*title,
                "## What it checks",
                "## Why it matters",
                "## How to satisfy it",
                "## References"
            ],
            "{}",
            check.code()
        );
        assert!(check.summary().ends_with('.'), "{}: the summary is a sentence", check.code());
        // Comments are for what is still to do; a page may speak of them in code.
        let comments = check.page().replace("`<!--", "").contains("<!--");
        assert!(!comments, "{}: the page is finished", check.code());
    }
}

#[test]
fn the_readme_shows_what_the_binary_prints() {
    let readme = read("README.md");
    let begin = "<!-- example:begin -->\n```console\n";
    let shown = readme
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once("```\n<!-- example:end -->"))
        .unwrap()
        .0;
    let (command, expected) = shown.split_once('\n').unwrap();
    let mut words = command.strip_prefix("$ cargo weft ").unwrap().split(' ');
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-weft"))
        .args(words.by_ref())
        .current_dir(repository())
        .env("CARGO_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn relative_links_lead_somewhere() {
    let roots = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
        .map(|name| repository().join(name));
    for page in markdown(&repository().join("docs/src")).into_iter().chain(roots) {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target);
        let includes = text
            .split("{{#include ")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"))
            .map(|(path, _)| path);
        for target in targets.chain(includes).filter(|t| !t.contains("://") && !t.starts_with('#'))
        {
            let path = target.split('#').next().unwrap();
            assert!(page.parent().unwrap().join(path).exists(), "{page:?}: {target}");
        }
    }
}

#[test]
fn a_documented_command_exists() {
    let definition = cargo_weft::command::definition();
    let known: Vec<&str> = definition.get_subcommands().map(clap::Command::get_name).collect();
    for page in
        markdown(&repository().join("docs/src")).into_iter().chain([repository().join("README.md")])
    {
        let text = fs::read_to_string(&page).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in line.split("cargo weft ").skip(1) {
                let word = used.split(|c: char| !c.is_ascii_lowercase()).next().unwrap();
                let is_command = line.contains(&format!("cargo weft {word}`"))
                    || line.trim_start().starts_with('$');
                assert!(
                    !is_command || word.is_empty() || known.contains(&word),
                    "{page:?}:{}: {word}",
                    number + 1
                );
            }
        }
    }
}

fn markdown(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => markdown(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect()
}

/// What a schema of a record can say, it says as the reader does: each vector is judged by both.
#[test]
fn the_schemas_of_records_agree_with_the_reader() {
    let index: serde_json::Value = serde_json::from_str(&read("tests/vectors/index.json")).unwrap();
    for (kind, name, least) in [("roles", "roles-record", 5), ("envelope", "envelope", 5)] {
        let schema =
            serde_json::from_str(&read(&format!("docs/src/spec/schema/{name}.schema.json")));
        let schema = jsonschema::validator_for(&schema.unwrap()).unwrap();
        let mut refused = 0;
        for case in index["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == kind) {
            let document = serde_json::from_str(case["text"].as_str().unwrap()).unwrap();
            let by_shape = !schema.is_valid(&document);
            let reader = case["rejection"].as_str().unwrap_or_default();
            let is_shape = reader.starts_with("record/member-missing")
                || reader.starts_with("record/member-unknown")
                || reader.starts_with("record/schema")
                || reader == "role/threshold-zero"
                || reader == "envelope/no-signatures"
                || reader == "envelope/key-id-missing";
            assert!(!is_shape || by_shape, "{}: the schema lets it through", case["id"]);
            assert!(!reader.is_empty() || !by_shape, "{}: the schema refuses it", case["id"]);
            refused += usize::from(by_shape);
        }
        assert!(refused >= least, "{name}: only {refused} are refused");
    }
}

#[test]
fn records_are_of_their_schemas() {
    use weft_verify::predicate::RoleSignature;
    use weft_verify::revocation::{DegradedMode, Tier};
    let check = |name: &str, record: serde_json::Value| {
        let schema =
            serde_json::from_str(&read(&format!("docs/src/spec/schema/{name}.schema.json")));
        let schema = jsonschema::validator_for(&schema.unwrap()).unwrap();
        assert!(schema.is_valid(&record), "{name}: {record}");
        for member in record.as_object().unwrap().keys() {
            let mut without = record.clone();
            without.as_object_mut().unwrap().remove(member);
            assert!(!schema.is_valid(&without), "{name} without {member}");
        }
    };
    let roles = weft_verify::Sha256::of(b"roles");
    let signature = RoleSignature { revocations: 1, role: "release".into(), roles };
    check("role-signature", serde_json::to_value(signature).unwrap());
    let reason = "offline".to_owned();
    let tier = Tier::Routine;
    let degraded = DegradedMode { allowed: 1, held: 2, newest: 4, reason, schema: 1, tier };
    check("degraded-mode", serde_json::to_value(degraded).unwrap());
}
