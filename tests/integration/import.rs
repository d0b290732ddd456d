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
skip = ["syn@1.0.0", { crate = "bitflags@1", reason = "later" }]
skip-tree = [{ crate = "windows-sys@0.45", depth = 20 }]

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
    let done = run(&tree, &format!("{IMPORT} --expires 2027-01-31")).exits(0);
    assert!(
        done.said().contains("exempted until 2027-01-31: RUSTSEC-2026-9001"),
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
        "/topology/duplicate-skip": ["bitflags", "syn"],
        "/topology/duplicate-skip-tree": ["windows-sys"],
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
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let exemptions = fs::read_to_string(tree.path("tree/.weft/exemptions.toml")).unwrap();
    assert!(exemptions.contains("reason = \"its bound is ours\""), "{exemptions}");
    let audit = format!("audit --precision lock --advisory-db ../db --as-of {AS_OF} --format json");
    let verdict: Value = serde_json::from_str(&run(&tree, &audit).stdout).unwrap();
    assert_eq!(verdict["exempted"][0]["exemption"]["reason"], "its bound is ours");
}

#[test]
fn audit_toml_vet_and_a_publish_age_are_read() {
    let tree = tree()
        .with("tree/deny.toml", "[advisories]\n")
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
fn what_cannot_be_imported_is_an_error() {
    let tree = tree();
    let done = run(&tree.with("tree/deny.toml", "[licenses\n"), IMPORT).exits(2);
    assert!(done.stderr.contains("deny.toml:1"), "{}", done.stderr);
    let wrong = self::tree().with("tree/deny.toml", "[licenses]\nallow = [\"Nonsense-1.0\"]\n");
    assert!(run(&wrong, IMPORT).exits(2).said().contains("this is not an SPDX licence"));
    let none = self::tree();
    fs::remove_file(none.path("tree/deny.toml")).unwrap();
    assert!(run(&none, IMPORT).exits(2).said().contains("there is nothing to import"));
    let deep = format!("x{} = 1\n", ".a".repeat(5000));
    run(&self::tree().with("tree/deny.toml", deep), IMPORT).exits(2);
}
