//! `cargo weft init --import`: what other tools' files say, said by a policy.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{AS_OF, Done, MANIFEST, Run, Tree, copy, from_registry, locked, package};

const DENY: &str = r#"
[graph]
targets = ["x86_64-unknown-linux-gnu", { triple = "wasm32-unknown-unknown", features = ["x"] }]
all-features = false
exclude-dev = true
exclude = ["xtask"]

[output]
feature-depth = 1

[advisories]
version = 2
maximum-db-staleness = "P30D"
yanked = "deny"
unmaintained = "workspace"
ignore = [
    { id = "RUSTSEC-2026-9001", reason = "its bound is ours" },
    "CVE-1999-0001",
]

[licenses]
allow = ["MIT", "Apache-2.0 WITH LLVM-exception"]
confidence-threshold = 0.8
exceptions = [{ allow = ["Zlib"], crate = "adler32@1.2.0" }]

[[licenses.clarify]]
crate = "ring"
expression = "MIT AND ISC AND OpenSSL"
license-files = [{ path = "LICENSE", hash = 0xbd0eed23 }]

[licenses.private]
ignore = true

[bans]
multiple-versions = "warn"
wildcards = "deny"
deny = [
    "left-pad@1.0.0",
    { crate = "openssl", use-instead = "rustls", wrappers = ["native-tls"], reason = "one TLS" },
    { name = "old", version = "<2" },
]
skip = ["syn@1.0.0", { crate = "bitflags@1", reason = "later" }, "hashbrown"]
skip-tree = [{ crate = "windows-sys@0.45", depth = 20 }, { crate = "winit" }]

[[bans.features]]
crate = "tokio"
deny = ["full"]
exact = true

[sources]
unknown-registry = "deny"
unknown-git = "warn"
required-git-spec = "rev"
allow-registry = ["https://github.com/rust-lang/crates.io-index"]
allow-git = ["https://git.example.org/a"]

[sources.allow-org]
github = ["example"]
sourcehut = ["~other"]
"#;

fn tree() -> Tree {
    let entry = package("leaky", "1.0.0", &from_registry());
    let tree = Tree::of(
        &format!("{MANIFEST}[dependencies]\nleaky = \"1\"\n"),
        &locked(&["leaky"], &entry),
    );
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db"), &tree.path("db"));
    tree.with("home/.keep", "").with("tree/deny.toml", DENY)
}

fn run(tree: &Tree, arguments: &str) -> Done {
    Run::new(tree.path("tree"), arguments).env("CARGO_HOME", tree.path("home")).done()
}

const IMPORT: &str =
    "init --import --profile local --precision lock --advisory-db ../db --owner a --approver b";

#[test]
fn a_deny_toml_becomes_a_policy_and_its_exceptions_expire() {
    let tree = tree();
    let done = run(&tree, &format!("{IMPORT} --expires 2099-12-31")).exits(0);
    assert!(
        done.said().contains("exempted until 2099-12-31: RUSTSEC-2026-9001"),
        "{}",
        done.said()
    );
    assert!(done.said().contains("ignored there and not found here: CVE-1999-0001"));
    let shown = run(&tree, "policy show --json").exits(0).stdout;
    let policy: Value = serde_json::from_str(&shown).unwrap();
    let expected = serde_json::json!({
        "/graph/targets/list": ["x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"],
        "/graph/features": "default",
        "/graph/dev-dependencies": false,
        "/advisories/max-age-days": 30,
        "/checks/inventory~1yanked": "deny",
        "/checks/advisory~1unmaintained": "deny",
        "/licenses/allow": ["MIT", "Apache-2.0 WITH LLVM-exception"],
        "/licenses/confidence-percent": 80,
        "/licenses/exception/0": {"crate": "adler32", "version": "=1.2.0", "allow": ["Zlib"]},
        "/checks/topology~1duplicate-version": "warn",
        "/topology/duplicate-versions": 1,
        "/topology/duplicate-skip": ["hashbrown"],
        "/topology/duplicate-skip-tree": ["winit"],
        "/bans/deny/0": {"crate": "left-pad", "version": "=1.0.0"},
        "/bans/deny/1": {"crate": "openssl", "instead": "rustls", "wrappers": ["native-tls"], "reason": "one TLS"},
        "/bans/deny/2": {"crate": "old", "version": "<2"},
        "/bans/feature/0": {"crate": "tokio", "deny": ["full"]},
        "/checks/source~1registry-not-allowed": "deny",
        "/checks/source~1git-not-allowed": "warn",
        "/checks/source~1git-unpinned": "deny",
        "/sources/registries": ["crates.io"],
        "/sources/git": ["https://git.example.org/a", "https://github.com/example/"],
    });
    for (pointer, value) in expected.as_object().unwrap() {
        assert_eq!(policy.pointer(pointer), Some(value), "{pointer}");
    }
    let text = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    for line in [
        "# - deny.toml: graph.exclude = [\"xtask\"]",
        "# - deny.toml: bans.wildcards = \"deny\"",
        "# - deny.toml: licenses.private.ignore = true",
        "# - deny.toml: output.feature-depth = 1",
        "# - deny.toml: licenses.clarify = ",
        "# - deny.toml: bans.features of tokio: exact = true",
        "# - deny.toml: bans.skip of syn: version = \"=1.0.0\"",
        "# - deny.toml: bans.skip-tree of windows-sys: depth = 20",
        "# - deny.toml: graph.targets of wasm32-unknown-unknown: features = [\"x\"]",
        "# - deny.toml: sources.allow-org.sourcehut = [\"~other\"]",
        "# - deny.toml: advisories.unmaintained = \"workspace\", and here it is denied wherever",
        "# - deny.toml: bans.skip of bitflags: reason = \"later\"",
        "# - CVE-1999-0001 (ignored there and not found here)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let exemptions = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    assert!(exemptions.contains("reason = \"its bound is ours\""), "{exemptions}");
    let audit = format!("audit --precision lock --advisory-db ../db --as-of {AS_OF} --format json");
    let verdict: Value = serde_json::from_str(&run(&tree, &audit).stdout).unwrap();
    assert_eq!(verdict["exempted"][0]["exemption"]["reason"], "its bound is ours");
}

/// Imports a deny.toml into a dry run, which has to say some things and must not say others.
#[track_caller]
fn check(deny: &str, said: &[&str], unsaid: &[&str]) {
    let done = run(&tree().with("tree/deny.toml", deny), &format!("{IMPORT} --dry-run")).exits(0);
    for text in said {
        assert!(done.stdout.contains(text), "{text}\n{}", done.stdout);
    }
    for text in unsaid {
        assert!(!done.stdout.contains(text), "{text}\n{}", done.stdout);
    }
}

#[test]
fn what_deny_toml_does_not_say_is_as_cargo_deny_does_it() {
    let defaults = [
        "dev-dependencies = true",
        "\"advisory/unmaintained\" = \"deny\"",
        "\"advisory/unsound\" = \"deny\"",
    ];
    check("", &defaults, &["no equivalent"]);
    check("[graph]\n[advisories]\nversion = 2\n", &defaults, &["no equivalent"]);
    check("exclude-dev = true\n", &["dev-dependencies = false"], &["no equivalent"]);
    check(
        "[graph]\nexclude-dev = \"no\"\n",
        &["dev-dependencies = true", "# - deny.toml: graph.exclude-dev = \"no\""],
        &[],
    );
    check(
        "[advisories]\nunmaintained = \"transitive\"\nunsound = \"none\"\n",
        &[
            "\"advisory/unmaintained\" = \"deny\"",
            "\"advisory/unsound\" = \"off\"",
            "# - deny.toml: advisories.unmaintained = \"transitive\", and here it is denied wherever",
        ],
        &[],
    );
}

#[test]
fn crates_are_banned_in_the_versions_that_are_meant() {
    check(
        "[bans]\ndeny = [\"openssl:<0.11\", \"old:0.9.1\", \"exact@1.2.3\", { name = \"*\" }, \"windows-sys<=0.52\"]\n",
        &[
            "crate = \"openssl\"\nversion = \"<0.11\"",
            "crate = \"old\"\nversion = \"^0.9.1\"",
            "crate = \"exact\"\nversion = \"=1.2.3\"",
            "# - deny.toml: bans.deny has {",
            "# - deny.toml: bans.deny has \"windows-sys<=0.52\"",
        ],
        &["crate = \"*\"", "crate = \"windows-sys"],
    );
    check(
        "[bans]\ndeny = [{ crate = \"x:<=0.7.0\", wrappers = [\"kept\", \"some@1\"] }]\n",
        &["wrappers = [\"kept\"]", "# - deny.toml: bans.deny of x: wrapper \"some@1\", whose name"],
        &[],
    );
    check(
        "[bans]\ndeny = [{ crate = \"x\", deny-multiple-versions = true }]\n",
        &["# - deny.toml: bans.deny has {"],
        &["[[bans.deny]]"],
    );
    check(
        "[bans]\nallow = [\"a@1.0.0\", \"leaky\"]\n",
        &[
            "\nallow = [\"leaky\"]",
            "# - deny.toml: bans.allow of a: version = \"=1.0.0\", so it is left out",
            "# - deny.toml: a crate that is left out of bans.allow is reported as banned",
        ],
        &["no crate"],
    );
    check(
        "[bans]\nallow = [\"e@1\"]\n",
        &[
            "# - deny.toml: bans.allow of e: version = \"=1\", so it is left out",
            "# - deny.toml: bans.allow names no crate in all of its versions, so nothing is written",
        ],
        &["[bans]", "reported as banned"],
    );
    check(
        "[bans]\nallow = [{ name = \"*\" }]\n",
        &["# - deny.toml: bans.allow names no crate that is understood, so here any is allowed"],
        &[],
    );
}

#[test]
fn duplicates_are_skipped_in_no_more_versions_than_are_meant() {
    let hint = "`cargo weft exempt topology/duplicate-version \"NAME in N versions\"`";
    check(
        "[bans]\nskip = [\"getrandom@0.2.17\", { name = \"syn\", version = \"*\" }]\n\
         skip-tree = [{ crate = \"deep\", depth = 2 }]\n",
        &[
            "duplicate-skip = [\"syn\"]",
            "# - deny.toml: bans.skip of getrandom: version = \"=0.2.17\", so it is left out",
            "# - deny.toml: bans.skip-tree of deep: depth = 2, so it is left out",
            hint,
        ],
        &["duplicate-skip-tree"],
    );
    check(
        "[bans]\nskip = [\"syn\"]\nskip-tree = [\"deep\"]\n",
        &["duplicate-skip = [\"syn\"]", "duplicate-skip-tree = [\"deep\"]"],
        &["no equivalent", hint],
    );
}

#[test]
fn a_repository_is_allowed_without_its_branch() {
    check(
        "[sources]\nallow-git = [\"https://github.com/paradigmxyz/revmc?branch=main\", \
         \"git+https://h/b/?tag=v1#0123456\", \"?branch=main\"]\n",
        &[
            "git = [\"https://github.com/paradigmxyz/revmc\", \"https://h/b\"]",
            "# - deny.toml: sources.allow-git of https://github.com/paradigmxyz/revmc: ?branch=main, and",
            "# - deny.toml: sources.allow-git of https://h/b: ?tag=v1#0123456, and",
            "source/git-unpinned looks at branches",
            "# - deny.toml: sources.allow-git has \"?branch=main\"",
        ],
        &[],
    );
    check(
        "[sources]\nallow-git = [\"https://h/b\"]\n",
        &["git = [\"https://h/b\"]"],
        &["no equivalent"],
    );
}

#[test]
fn nothing_vanishes() {
    check(
        "[licenses]\nallow = [\"MIT\", 1]\nconfidence-threshold = 1\n\
         exceptions = [{ allow = [\"Zlib\"] }, { crate = \"x\" }, { crate = \"y\", allow = [\"Zlib\"], reason = \"r\" }]\n",
        &[
            "\nallow = [\"MIT\"]",
            "# - deny.toml: licenses.allow has 1",
            "confidence-percent = 100",
            "# - deny.toml: licenses.exceptions has {",
            "# - deny.toml: licenses.exceptions of y: reason = \"r\"",
        ],
        &["crate = \"x\"\n"],
    );
    check("[licenses]\nallow = []\n", &["# - deny.toml: licenses.allow = []"], &["[licenses]"]);
    check(
        "[advisories]\nyanked = \"soon\"\n\
         ignore = [{ name = \"gone\", version = \"<2\", reason = \"later\" }, { reason = \"r\" }, 1]\n",
        &[
            "# - deny.toml: advisories.yanked = \"soon\"",
            "# - deny.toml: advisories.ignore has 1",
            "# - deny.toml: advisories.ignore has {",
            "# - gone <2: later (ignored there and not ",
        ],
        &[],
    );
    check(
        "[[bans.features]]\ncrate = \"t\"\ndeny = [\"full\"]\nreason = \"r\"\n",
        &["# - deny.toml: bans.features of t: reason = \"r\""],
        &[],
    );
    check(
        "[sources]\nallow-registry = [\"sparse+https://index.crates.io/\", 1]\nallow-git = [\"https://h/a/\"]\n",
        &[
            "registries = [\"crates.io\"]",
            "# - deny.toml: sources.allow-registry has 1",
            "git = [\"https://h/a\"]",
        ],
        &[],
    );
}

/// A tree without a deny.toml.
fn bare() -> Tree {
    let tree = tree();
    fs::remove_file(tree.path("tree/deny.toml")).unwrap();
    tree
}

#[test]
fn audit_toml_vet_and_a_publish_age_are_read() {
    let tree = bare()
        .with(
            "tree/.cargo/audit.toml",
            "[advisories]\nignore = [\"CVE-2026-90001\"]\nseverity_threshold = \"medium\"\n[output]\ndeny = [\"yanked\"]\n",
        )
        .with("tree/.cargo/config.toml", "[registry]\nglobal-min-publish-age = \"14 days\"\n")
        .with("tree/supply-chain/config.toml", "[exemptions]\n[[exemptions.a]]\nversion = \"1.0.0\"\n");
    let done = run(&tree, &format!("{IMPORT} --dry-run")).exits(0);
    for line in [
        "severity = \"medium\"",
        "days = 14",
        "\"inventory/yanked\" = \"deny\"",
        "# - supply-chain/config.toml: exemptions of 1 crates or sources",
    ] {
        assert!(done.stdout.contains(line), "{line}\n{}", done.stdout);
    }
    // By its alias.
    assert!(done.stdout.contains(": CVE-2026-90001"), "{}", done.stdout);
    assert!(!tree.path("tree/weft.toml").exists() && !tree.path("tree/.weft").exists());
}

#[test]
fn audit_toml_does_not_weaken_what_deny_toml_denies() {
    let tree = tree()
        .with("tree/deny.toml", "[advisories]\nyanked = \"deny\"\nunsound = \"none\"\n")
        .with(
            "tree/audit.toml",
            "[advisories]\nseverity_threshold = \"high\"\n[output]\ndeny = [\"unsound\"]\n[yanked]\nenabled = false\n",
        );
    let done = run(&tree, &format!("{IMPORT} --dry-run")).exits(0);
    for line in [
        "\"inventory/yanked\" = \"deny\"",
        "\"advisory/unsound\" = \"deny\"",
        "# - audit.toml: yanked.enabled = false, since a file before says \"deny\"",
        "# - audit.toml: output.deny has \"unsound\", and not \"off\"",
        "# - audit.toml: advisories.severity_threshold = \"high\", since cargo-deny",
    ] {
        assert!(done.stdout.contains(line), "{line}\n{}", done.stdout);
    }
    assert!(!done.stdout.contains("\nseverity = "), "{}", done.stdout);
}

#[test]
fn one_deny_toml_is_read_and_the_others_are_named() {
    let tree = bare()
        .with("tree/.config/deny.toml", "[bans]\ndeny = [\"one\"]\n")
        .with("tree/deny.exceptions.toml", "");
    let done = run(&tree, &format!("{IMPORT} --dry-run")).exits(0);
    assert!(done.stdout.contains("from .config/deny.toml"), "{}", done.stdout);
    assert!(done.stdout.contains("crate = \"one\""), "{}", done.stdout);
    assert!(done.stdout.contains("# - deny.exceptions.toml is not read"), "{}", done.stdout);
    let tree = tree.with("tree/.deny.toml", "[bans]\ndeny = [\"two\"]\n");
    let done = run(&tree, &format!("{IMPORT} --dry-run")).exits(0);
    let line = "# - .config/deny.toml is not read, since .deny.toml is there";
    assert!(done.stdout.contains(line), "{}", done.stdout);
    assert!(done.stdout.contains("crate = \"two\""), "{}", done.stdout);
    assert!(!done.stdout.contains("crate = \"one\""), "{}", done.stdout);
}

#[test]
fn what_is_not_looked_up_is_kept_as_a_comment() {
    let tree = tree();
    let done = run(&tree, &IMPORT.replace("../db", "../none")).exits(0);
    for line in [
        "ignored there and not looked up here: RUSTSEC-2026-9001",
        "not looked up, since there is no advisory database",
    ] {
        assert!(done.stdout.contains(line), "{line}\n{}", done.stdout);
    }
    let text = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    let line = "# - RUSTSEC-2026-9001: its bound is ours (ignored there and not looked up here)";
    assert!(text.contains(line), "{text}");
    assert!(!tree.path("tree/.weft").exists());
}

#[test]
fn what_is_exempted_already_stays_so() {
    let tree = tree();
    run(&tree, &format!("{IMPORT} --expires 2099-12-31")).exits(0);
    let before = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    let done = run(&tree, &format!("{IMPORT} --force")).exits(0);
    assert!(done.stdout.contains("exempted already: RUSTSEC-2026-9001"), "{}", done.stdout);
    let after = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    assert_eq!(before, after);
}

#[test]
fn terms_that_are_refused_leave_nothing_behind() {
    for (terms, expected) in [
        ("--owner a --approver a", "does not approve"),
        ("--owner a --approver b --expires 2020-01-01", "2020-01-01 is over already"),
    ] {
        let tree = tree();
        let import = "init --import --profile local --precision lock --advisory-db ../db";
        let done = run(&tree, &format!("{import} {terms}")).exits(2);
        assert!(done.said().contains(expected), "{}", done.said());
        assert!(!tree.path("tree/weft.toml").exists() && !tree.path("tree/.weft").exists());
    }
}

#[test]
fn what_steers_a_terminal_is_an_escape() {
    let deny = "[bans]\ndeny = [{ crate = \"x\", reason = \"a\\u202Eb\\u001Bc\", note = \"d\\u202Ee\" }]\n";
    let tree = tree().with("tree/deny.toml", deny);
    let printed = run(&tree, &format!("{IMPORT} --dry-run")).exits(0).stdout;
    run(&tree, IMPORT).exits(0);
    let written = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    for text in [printed, written] {
        assert!(text.contains("reason = \"a\\U0000202Eb\\U0000001Bc\""), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text:?}");
    }
    let shown = run(&tree, "policy show --json").exits(0).stdout;
    let policy: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(policy["bans"]["deny"][0]["reason"], "a\u{202e}b\u{1b}c");
}

#[test]
fn what_cannot_be_imported_is_an_error() {
    let tree = tree();
    let done = run(&tree.with("tree/deny.toml", "[licenses\n"), IMPORT).exits(2);
    assert!(done.stderr.contains("deny.toml:1"), "{}", done.stderr);
    let wrong = self::tree().with("tree/deny.toml", "[licenses]\nallow = [\"Nonsense-1.0\"]\n");
    assert!(run(&wrong, IMPORT).exits(2).said().contains("this is not an SPDX licence"));
    assert!(run(&bare(), IMPORT).exits(2).said().contains("there is nothing to import"));
    let deep = format!("x{} = 1\n", ".a".repeat(5000));
    run(&self::tree().with("tree/deny.toml", deep), IMPORT).exits(2);
}
