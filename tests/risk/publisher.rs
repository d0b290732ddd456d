//! Publishers: what hangs on whom, by a snapshot of owners.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::common::{Run, Tree, unwrapped};
use crate::{number, real, tree};

const SNAPSHOT: &str = "schema = 1\n[publishers]\nsnapshot = \"publishers.json\"\n";

/// Writes a snapshot: the logins of each crate.
pub(crate) fn snapshot<'a>(owners: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) -> String {
    let owner = |login: &str| json!({"kind": "user", "login": login, "since": "2020-01-01"});
    let crates: BTreeMap<&str, Vec<Value>> = owners
        .into_iter()
        .map(|(name, logins)| (name, logins.into_iter().map(owner).collect()))
        .collect();
    let dump = json!({"date": "2026-11-19", "sha256": "0".repeat(64)});
    json!({"crates": crates, "dump": dump, "schema": 1}).to_string()
}

/// Returns the names of the packages of a lockfile that come from a registry.
fn from_registry(lockfile: &str) -> Vec<&str> {
    let entries = lockfile.split("[[package]]").skip(1);
    let entries = entries.filter(|entry| entry.contains("source = \"registry+"));
    let mut names: Vec<&str> = entries.map(|entry| entry.split('"').nth(1).unwrap()).collect();
    names.dedup();
    names
}

/// Whoever's crates begin alike publishes them together, as far as this snapshot goes.
fn family(name: &str) -> &str {
    name.split(['-', '_']).next().unwrap()
}

fn publishers(tree: &Tree, line: &str) -> Value {
    let line = format!("{line} --format json --lockfile Cargo.lock");
    let run = Run::new(tree.path("tree"), &line).within(300).done().exits(0);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    report["publishers"]["value"].clone()
}

#[test]
fn families_of_real_lockfiles_are_ranked_and_half_hangs_on_few_of_them() {
    let wanted = ["ripgrep", "rust-analyzer", "cargo"];
    for (name, path) in real::lockfiles().iter().filter(|(name, _)| wanted.contains(&&**name)) {
        let lockfile = fs::read_to_string(path).unwrap();
        let names = from_registry(&lockfile);
        let owned = snapshot(names.iter().map(|name| (*name, vec![family(name)])));
        let tree = Tree::empty()
            .with("tree/Cargo.lock", &lockfile)
            .with("tree/weft.toml", SNAPSHOT)
            .with("tree/publishers.json", owned);
        let found = publishers(&tree, "risk --top 3");
        assert_eq!(found, publishers(&tree, "risk --top 0 --threads 1"), "{name}");
        let rows = found["publishers"].as_array().unwrap();
        let falls: Vec<u64> = rows.iter().map(|row| number(&row["delta_nano"])).collect();
        assert!(falls.is_sorted_by(|a, b| a >= b) && falls[0] > 0, "{name}");
        let whole = number(&found["expected_nano"]);
        for row in rows {
            let share = number(&row["delta_nano"]) * 1000 / whole;
            assert_eq!(number(&row["share_permille"]), share, "{name}: {row}");
            assert_eq!(row["by"], json!({"snapshot": row["crates"]}), "{name}");
        }
        let crates: u64 = rows.iter().map(|row| number(&row["crates"])).sum();
        assert_eq!(crates, found["crates"].as_array().unwrap().len() as u64, "{name}");
        let half = &found["half"];
        let whole = number(&half["expected_nano"]);
        let joint: Vec<u64> = half["publishers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chosen| number(&chosen["joint_nano"]))
            .collect();
        let (last, others) = joint.split_last().unwrap();
        assert!(2 * last + 1 >= whole && joint.is_sorted(), "{name}: {joint:?} of {whole}");
        assert!(others.iter().all(|joint| 2 * joint + 1 < whole), "{name}: {joint:?} of {whole}");
        let at_least = number(&half["at_least"]);
        assert!((2..=joint.len() as u64).contains(&at_least), "{name}: {half}");
        let line = "risk --top 3 --lockfile Cargo.lock";
        let human = Run::new(tree.path("tree"), line).within(300).done().exits(0).stdout;
        let table = human.lines().skip_while(|line| !line.starts_with("  publisher "));
        let shown: Vec<&str> = table.skip(1).take_while(|line| !line.is_empty()).collect();
        assert_eq!(shown.len(), 3, "{human}");
        assert!(shown[0].contains(rows[0]["publisher"].as_str().unwrap()), "{human}");
        assert!(unwrapped(&human).contains("abandonment unknown: nobody counted"), "{human}");
    }
}

#[test]
fn what_no_source_knows_is_told_as_unknown() {
    let packages: [(&str, &[&str]); 3] = [("a", &["b"]), ("b", &[]), ("c", &[])];
    let bare = tree(&["a", "c"], &packages);
    let line = "risk --lockfile Cargo.lock";
    let said = unwrapped(&Run::new(bare.path("tree"), line).done().exits(0).stdout);
    assert!(
        said.contains("publishers unknown of 3 of 3 crates: a@1.0.0, b@1.0.0, c@1.0.0"),
        "{said}"
    );
    let named = tree(&["a", "c"], &packages).with("tree/weft.toml", SNAPSHOT);
    let said = unwrapped(&Run::new(named.path("tree"), line).done().exits(0).stdout);
    assert!(said.contains("publishers unknown: the snapshot of publishers"), "{said}");
    let owned = snapshot([("a", vec!["ann"]), ("c", vec!["ann", "cy"])]);
    let known = named.with("tree/publishers.json", owned);
    let said = unwrapped(&Run::new(known.path("tree"), line).done().exits(0).stdout);
    assert!(said.contains("publishers unknown of 1 of 3 crates: b@1.0.0"), "{said}");
    assert!(said.contains("hangs on 1 publisher (github.com/ann), and no fewer"), "{said}");
    let takeover = "within a year, from 1 case in 8849 crate-years (0.0000199 to 0.000442 nine times in ten): at most 0.000170 for 1 crate with 1 known publisher; \
                    at most 0.000339 for 1 crate with 2 known publishers";
    assert!(said.contains(takeover), "{said}");
    let found = publishers(&known, "risk");
    assert_eq!(found["crates"][1]["publishers"], json!(["github.com/ann", "github.com/cy"]));
    assert_eq!(found["crates"][1]["basis"], "snapshot");
    assert_eq!(found["crates"][1].get("abandonment"), None);
}
