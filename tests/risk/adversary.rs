//! Attackers who know how risk is reckoned: who floods a graph, who hides an edge, and who hides what hangs on a crate.

use serde_json::Value;

use crate::common::{Run, Tree};
use crate::publisher::snapshot;
use crate::{delta, json, number, tree};

/// Needs as they are written in a lockfile, with names made on the way.
type Needs = Vec<(String, Vec<String>)>;

fn needs(packages: &[(&str, &[&str])]) -> Needs {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    packages.iter().map(|(name, needs)| ((*name).to_owned(), owned(needs))).collect()
}

fn tree_of(direct: &[&str], packages: &Needs) -> Tree {
    let needs: Vec<Vec<&str>> =
        packages.iter().map(|(_, needs)| needs.iter().map(String::as_str).collect()).collect();
    let packages: Vec<(&str, &[&str])> =
        packages.iter().zip(&needs).map(|((name, _), needs)| (&**name, &**needs)).collect();
    tree(direct, &packages)
}

fn id(name: &str) -> String {
    format!("pkg:cargo/{name}@1.0.0")
}

/// Returns the rows of a list whose packages or publishers are among these, in the order of the list.
fn rows_of(list: &Value, key: &str, wanted: &[String]) -> Vec<Value> {
    let rows = list.as_array().unwrap().iter();
    let is_wanted = |row: &&Value| wanted.iter().any(|wanted| row[key] == wanted.as_str());
    rows.filter(is_wanted).cloned().collect()
}

/// An attacker owns `bait`, which brought nothing, and lets it bring hundreds of crates that depend on one another.
#[test]
fn who_floods_a_graph_moves_nobody_else_and_comes_to_the_top() {
    const FLOOD: usize = 300;
    let honest: [(&str, &[&str]); 6] = [
        ("a", &["b", "c"]),
        ("b", &["d"]),
        ("c", &["d", "e"]),
        ("d", &["f"]),
        ("e", &["f"]),
        ("f", &[]),
    ];
    let flood: Vec<String> = (0..FLOOD).map(|n| format!("p{n:03}")).collect();
    let mut poisoned = needs(&honest);
    poisoned.push(("bait".to_owned(), flood[..50].to_vec()));
    for (n, name) in flood.iter().enumerate() {
        let below = [1, 7, 31, 99].into_iter().filter_map(|step| flood.get(n + step).cloned());
        poisoned.push((name.clone(), below.collect()));
    }
    let mut clean = needs(&honest);
    clean.push(("bait".to_owned(), Vec::new()));

    let owners = [("ann", &["a", "b"][..]), ("bob", &["c"]), ("cy", &["d", "e", "f"])];
    let owned = owners.iter().flat_map(|(who, names)| names.iter().map(|name| (*name, vec![*who])));
    let mallory = flood.iter().map(String::as_str).chain(["bait"]);
    let snapshot = snapshot(owned.chain(mallory.map(|name| (name, vec!["mallory"]))));
    let policy = "schema = 1\n[publishers]\nsnapshot = \"publishers.json\"\n";
    let ranked = |packages: &Needs| {
        let tree = tree_of(&["a", "b", "bait"], packages)
            .with("tree/weft.toml", policy)
            .with("tree/publishers.json", &snapshot);
        json(&tree.path("tree"), "risk --top 0")
    };
    let [before, after] = [ranked(&clean), ranked(&poisoned)];

    // What is said of the others is the same to the last byte, and so is their order.
    let names = honest.map(|(name, _)| id(name));
    for list in ["/rows", "/assessment/rows"] {
        let of = |report: &Value| rows_of(report.pointer(list).unwrap(), "id", &names);
        assert_eq!(of(&before).len(), honest.len(), "{list}");
        assert_eq!(of(&before), of(&after), "{list}");
    }
    let accounts = owners.map(|(who, _)| format!("github.com/{who}"));
    let falls = |report: &Value| -> Vec<(String, u64, u64)> {
        let rows = rows_of(&report["publishers"]["value"]["publishers"], "publisher", &accounts);
        let fall = |row: &Value| {
            let [fall, error] = ["delta_nano", "delta_error_nano"].map(|key| number(&row[key]));
            (row["publisher"].to_string(), fall, error)
        };
        rows.iter().map(fall).collect()
    };
    assert_eq!(falls(&before).len(), owners.len());
    assert_eq!(falls(&before), falls(&after));

    // The way in is what saves most, and its owner is who half of all hangs on.
    assert_ne!(before["rows"][0]["id"], id("bait").as_str());
    assert_eq!(after["rows"][0]["id"], id("bait").as_str());
    assert_eq!(after["rows"].as_array().unwrap().len(), honest.len() + 1 + FLOOD);
    let half = |report: &Value| -> Vec<String> {
        let chosen = report["publishers"]["value"]["half"]["publishers"].as_array().unwrap();
        chosen.iter().map(|chosen| chosen["publisher"].as_str().unwrap().to_owned()).collect()
    };
    assert!(half(&before).iter().all(|who| accounts.contains(who)), "{:?}", half(&before));
    assert_eq!(half(&after), ["github.com/mallory"]);
    for report in [&before, &after] {
        let order = &report["assessment"]["order"];
        let tau = order["tau_permille"].as_i64().unwrap();
        assert_eq!(order["is_ordered"].as_bool().unwrap(), tau >= 800, "{order}");
    }
}

/// A workspace whose member needs `a`, which is no part of it and brings `hidden` if its feature `extra` is on.
///
/// The member asks for these features of `a`; its own feature `deep`, which is off by default, asks for `extra`, so that
/// `hidden` is locked in any case.
fn with_optional(of_a: &str, judged: &str) -> Tree {
    let package = |name: &str, rest: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{rest}")
    };
    let member = format!(
        "[dependencies]\na = {{ path = \"a\", features = [{of_a}] }}\n[features]\ndeep = [\"a/extra\"]\n\
         [workspace]\nexclude = [\"a\", \"hidden\"]\n"
    );
    let optional = "[dependencies]\nhidden = { path = \"../hidden\", optional = true }\n[features]\n\
                    extra = [\"dep:hidden\"]\nother = []\n";
    let locked = |name: &str, needs: &str| {
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{needs}")
    };
    let lockfile = [
        "version = 4\n".to_owned(),
        locked("a", "dependencies = [\n \"hidden\",\n]\n"),
        locked("hidden", ""),
        locked("root", "dependencies = [\n \"a\",\n]\n"),
    ];
    Tree::of(&package("root", &member), &lockfile.concat())
        .with("tree/weft.toml", format!("schema = 1\n[graph]\nfeatures = {judged}\n"))
        .with("tree/a/Cargo.toml", package("a", optional))
        .with("tree/a/src/lib.rs", "")
        .with("tree/hidden/Cargo.toml", package("hidden", ""))
        .with("tree/hidden/src/lib.rs", "")
}

#[test]
fn an_edge_behind_a_feature_counts_until_it_is_known_that_nobody_asks_for_it() {
    let ranked = |of_a: &str, judged: &str, precision: &str| -> Vec<(String, u64)> {
        let tree = with_optional(of_a, judged);
        let line = format!("risk --top 0 --format json --precision {precision}");
        let run = Run::new(tree.path("tree"), &line).within(60).done().exits(0);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["precision"], precision);
        let (table, rows) = (&report["rows"], &report["assessment"]["rows"]);
        let name = |row: &Value| {
            let found = table.as_array().unwrap().iter().find(|known| known["id"] == row["id"]);
            found.unwrap()["name"].as_str().unwrap().to_owned()
        };
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| (name(row), number(&row["delta_nano"]))).collect()
    };
    let default = "\"default\"";
    // A lockfile holds what any feature could bring, and does not say which are on.
    let locked = ranked("", default, "lock");
    let [(first, whole), (second, hidden)] = &locked[..] else { panic!("{locked:?}") };
    assert_eq!((&**first, &**second), ("a", "hidden"));
    assert!(*hidden > 0 && whole > hidden, "{locked:?}");
    assert_eq!(ranked("\"extra\"", default, "lock"), locked);
    // Cargo says that nobody asks for it, and nothing hangs on it; what `a` brought of it is gone too.
    let unasked = ranked("", default, "metadata");
    let [(only, left)] = &unasked[..] else { panic!("{unasked:?}") };
    assert!(only == "a" && *left > 0 && left < whole, "{unasked:?} and {locked:?}");
    assert_eq!(ranked("\"other\"", default, "metadata"), unasked);
    // Whoever asks has it: the member for its dependency, and the policy for a build with the member's feature.
    assert_eq!(ranked("\"extra\"", default, "metadata"), locked);
    assert_eq!(ranked("", "[\"deep\"]", "metadata"), locked);
    assert_eq!(ranked("", "\"all\"", "metadata"), locked);
}

/// One crate needs the pivot, and each crate behind it has another way to the member too, by a chain in which every
/// call has to happen.
#[test]
fn a_pivot_that_looks_harmless_is_ranked_by_what_passes_through_it() {
    const BEHIND: usize = 12;
    let behind: Vec<String> = (0..BEHIND).map(|n| format!("x{n:02}")).collect();
    let chain: Vec<String> = (0..5).map(|n| format!("chain{n}")).collect();
    let dependents: Vec<String> = (0..9).map(|n| format!("user{n}")).collect();
    let mut packages = vec![("pivot".to_owned(), behind.clone())];
    packages.extend(chain.windows(2).map(|pair| (pair[0].clone(), vec![pair[1].clone()])));
    packages.push((chain[4].clone(), behind.clone()));
    packages.extend(behind.iter().map(|name| (name.clone(), Vec::new())));
    let popular = ["popular".to_owned(), "common".to_owned()];
    packages.extend(dependents.iter().map(|name| (name.clone(), popular.to_vec())));
    packages.extend(popular.iter().map(|name| (name.clone(), Vec::new())));
    let mut direct: Vec<&str> = vec!["chain0", "pivot"];
    direct.extend(dependents.iter().map(String::as_str));
    let tree = tree_of(&direct, &packages);
    let sorted_by = |measure: &str| {
        let report = json(&tree.path("tree"), &format!("risk --top 0 --sort {measure}"));
        let rows = report["rows"].as_array().unwrap().clone();
        (rows, report)
    };
    let (rows, report) = sorted_by("delta");
    let row = |name: &str| {
        let at = rows.iter().position(|row| row["id"] == id(name).as_str()).unwrap();
        (at, &rows[at])
    };
    let (place, pivot) = row("pivot");
    assert_eq!((number(&pivot["fan_in"]), number(&pivot["retained"])), (1, 0), "{pivot}");
    assert_eq!(place, 0, "{rows:?}");
    let fall = |name: &str| delta(&report["assessment"], &format!("{name}@1.0.0"));
    for name in popular.iter().chain(&chain).chain(&behind) {
        let (_, other) = row(name);
        let is_deeper = chain.contains(name);
        assert!(is_deeper || number(&other["fan_in"]) > 1, "{other}");
        assert!(fall("pivot") > 2 * fall(name), "{name}: {} and {}", fall("pivot"), fall(name));
    }
    // Neither of the counts that are easily made shows it.
    for measure in ["fan-in", "alone"] {
        let (rows, _) = sorted_by(measure);
        let key = if measure == "alone" { "retained" } else { "fan_in" };
        let of = |row: &Value| number(&row[key]);
        assert!(rows.iter().all(|other| of(other) >= of(pivot)), "{measure}");
        assert!(of(&rows[0]) > of(pivot), "{measure}");
    }
}
