//! Our advisory findings on real lockfiles against the `rustsec` crate's own reading of the same database.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustsec::database::Query;
use rustsec::{Database, Lockfile};

fn database() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/advisory-db");
    if path.is_dir() {
        return Some(path);
    }
    let _ = writeln!(
        std::io::stderr(),
        "NOT TESTED: the advisory database is absent: {}",
        path.display()
    );
    None
}

/// Returns `crate@version id` of every advisory finding of `cargo weft audit`.
fn ours(lockfile: &Path, database: &Path) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-weft"))
        .args(["audit", "--format=json", "--as-of=2026-08-25", "--lockfile"])
        .arg(lockfile)
        .arg("--advisory-db")
        .arg(database)
        .output()
        .unwrap();
    let verdict: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = verdict["not_evaluated"].as_array().unwrap();
    assert!(!missing.iter().any(|n| n["code"].as_str().unwrap().starts_with("advisory/")));
    let findings = verdict["findings"].as_array().unwrap().iter();
    findings
        .filter(|f| f["code"].as_str().unwrap().starts_with("advisory/"))
        .map(|f| f["subject"].as_str().unwrap().trim_start_matches("pkg:cargo/").to_owned())
        .collect()
}

fn theirs(lockfile: &Path, database: &Database) -> BTreeSet<String> {
    let lockfile = Lockfile::load(lockfile).unwrap();
    // A query for crates leaves informational advisories in; those that were withdrawn are left out.
    let found = database.query_vulnerabilities(&lockfile, &Query::crate_scope().withdrawn(false));
    let informational = Query::crate_scope().withdrawn(false).informational(true);
    let informational = database.query_vulnerabilities(&lockfile, &informational);
    found
        .iter()
        .chain(&informational)
        .map(|v| format!("{}@{} {}", v.package.name, v.package.version, v.advisory.id))
        .collect()
}

#[test]
fn findings_are_those_of_rustsec() {
    let Some(path) = database() else { return };
    let database = Database::open(&path).unwrap();
    let mut all = 0;
    for (name, ..) in super::WORKSPACES {
        let Some(lockfile) = super::lockfile(name) else { continue };
        let ours = ours(&lockfile, &path);
        assert_eq!(ours, theirs(&lockfile, &database), "{name}");
        all += ours.len();
    }
    // Equal and empty would prove nothing.
    assert!(all > 20, "{all}");
}
