//! Machine formats: canonical, as their schemas say, and SARIF that code scanning accepts.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::{AS_OF, LOCKFILE, MANIFEST, Run, Tree};
use crate::real;
use crate::sample;

fn stdout(tree: &Tree, command: &str) -> String {
    let run = Run::new(tree.path("tree"), command).done();
    assert!(matches!(run.status, Some(0 | 1 | 3)), "{command}: {}", run.said());
    run.stdout
}

fn json(tree: &Tree, command: &str) -> Value {
    serde_json::from_str(&stdout(tree, command)).unwrap()
}

fn schema(format: &str) -> jsonschema::Validator {
    let schema = json(&Tree::sound(), &format!("schema {format}"));
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn assert_valid(format: &str, instance: &Value) {
    let errors: Vec<_> = schema(format).iter_errors(instance).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{format}: {errors:?}");
}

#[test]
fn reports_and_inventories_are_as_their_schemas_say() {
    for tree in [sample::passes(), sample::fails(), sample::is_unknown(), Tree::sound()] {
        for precision in ["lock", "metadata", "auto"] {
            let audit = format!("audit --precision {precision} --format json");
            assert_valid("report", &json(&tree, &audit));
            let graph = stdout(&tree, &format!("graph --precision {precision}"));
            if let Ok(graph) = serde_json::from_str(&graph) {
                assert_valid("inventory", &graph);
            }
        }
    }
    for (_, path) in real::lockfiles() {
        let path = path.canonicalize().unwrap();
        let tree = Tree::empty();
        let audit = format!("audit --format json --lockfile {}", path.display());
        assert_valid("report", &json(&tree, &audit));
        assert_valid("inventory", &json(&tree, &format!("graph --lockfile {}", path.display())));
    }
}

#[test]
fn policies_are_as_their_schema_says() {
    let tree = Tree::sound();
    for profile in ["local", "baseline", "strict", "release"] {
        assert_valid(
            "policy-in-force",
            &json(&tree, &format!("policy show --json --policy {profile}")),
        );
    }
    let policy =
        "schema = 1\n[graph]\nfeatures = [\"a\"]\ntargets = [\"x86_64-unknown-linux-gnu\"]\n";
    let tree = tree.with("tree/weft.toml", policy);
    assert_valid("policy-in-force", &json(&tree, "policy show --json"));
}

/// Reads TOML as the JSON that a validator of `weft.toml` sees.
fn toml_as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// Says whether weft and the schema agree on a policy, and what they say.
#[track_caller]
fn check_policy(text: &str, sound: bool) {
    let file = format!("schema = 1\n{text}\n");
    let tree = Tree::sound().with("tree/weft.toml", &file);
    Run::new(tree.path("tree"), "policy check").done().exits(if sound { 0 } else { 2 });
    assert_eq!(schema("policy").is_valid(&toml_as_json(&file)), sound, "{text}");
}

#[test]
fn a_policy_file_is_sound_to_weft_as_to_its_schema() {
    for (name, text) in weft_gate::policy::PROFILES {
        assert!(schema("policy").is_valid(&toml_as_json(text)), "{name}");
    }
    check_policy("", true);
    check_policy(
        "[graph]\ntargets = \"all\"\nfeatures = \"default\"\ndev-dependencies = true",
        true,
    );
    check_policy("[graph]\ntargets = [\"x86_64-unknown-linux-gnu\"]\nfeatures = [\"a\"]", true);
    check_policy("[topology]\nduplicate-versions = 3\nhost-execution-allow = [\"a\"]", true);
    check_policy("[gate.audit]\nrequire = [\"source\"]", true);
    check_policy("[topology]\nduplicate-versions = 0", false);
    check_policy("[topology]\nblast-percent = 101", false);
    check_policy("[graph]\ntargets = []", false);
    check_policy("[graph]\nfeatures = \"some\"", false);
    check_policy("[checks]\n\"topology/blast\" = \"dany\"", false);
    check_policy("profil = \"local\"", false);
    check_policy("[gate.merge]\nrequire = [\"claims\"]", true);
    check_policy("[gate.release]\nrequire = [\"sbom\", \"merge-verdict\"]", true);
    check_policy("[gate.release]\nrequire = [\"bom\"]", false);
    check_policy("[gate.mege]\nrequire = []", false);
    check_policy(
        "[provenance]\nissuer = \"i\"\nsource-owner = \"o\"\nproofs = [\"timestamp\"]",
        true,
    );
    check_policy("[provenance]\nproofs = [\"time\"]", false);
    check_policy("[provenance]\nmin-build-level = 4", false);
    check_policy("[sources]\ngits = []", false);
}

/// Demands that no change of this object's members is valid.
#[track_caller]
fn check_object(format: &str, whole: &Value, pointer: &str, optional: &[&str]) {
    let validator = schema(format);
    let members = whole.pointer(pointer).and_then(Value::as_object).unwrap();
    for name in members.keys().filter(|name| !optional.contains(&name.as_str())) {
        let mut less = whole.clone();
        less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&less), "{format}{pointer} is valid without {name}");
    }
    let mut more = whole.clone();
    more.pointer_mut(pointer).unwrap()["extra"] = Value::from(1);
    assert!(!validator.is_valid(&more), "{format}{pointer} is valid with another member");
}

#[test]
fn what_misses_a_member_or_has_another_is_not_valid() {
    let report = json(&sample::fails(), "audit --precision lock --format json");
    check_object("report", &report, "", &["advisories", "summary"]);
    check_object("report", &report, "/counts", &[]);
    check_object("report", &report, "/summary", &["f50_thousandths"]);
    check_object("report", &report, "/findings/0", &["path", "fields"]);
    check_object("report", &report, "/findings/0/place", &[]);
    check_object("report", &report, "/findings/0/remedy", &["command"]);
    check_object("report", &report, "/inputs/0", &[]);
    check_object("report", &report, "/not_evaluated/0", &[]);
    let inventory = json(&sample::members(), "graph --precision metadata");
    check_object("inventory", &inventory, "", &[]);
    check_object("inventory", &inventory, "/edges/0", &["declared"]);
    check_object("inventory", &inventory, "/packages/0", &["checksum", "features", "manifest"]);
    let policy = json(&Tree::sound(), "policy show --json");
    check_object("policy-in-force", &policy, "", &[]);
    check_object("policy-in-force", &policy, "/topology", &[]);
}

#[test]
fn values_of_another_kind_are_not_valid() {
    let report = json(&sample::fails(), "audit --precision lock --format json");
    for (pointer, value) in [
        ("/outcome", Value::from("unknown")),
        ("/schema", Value::from("1")),
        ("/counts/deny", Value::from(-1)),
        ("/findings/0/level", Value::from("fatal")),
        ("/findings/0/place/line", Value::from(1.5)),
        ("/inputs/0/sha256", Value::from(5)),
    ] {
        let mut changed = report.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!schema("report").is_valid(&changed), "{pointer}");
    }
}

#[test]
fn json_is_canonical_and_ends_with_one_newline() {
    for tree in [sample::passes(), sample::fails(), sample::is_unknown()] {
        for command in [
            "audit --precision lock --format json",
            "audit --precision metadata --format json",
            "audit --precision lock --format sarif",
            "graph --precision lock",
            "graph --precision metadata",
            "risk --precision lock --format json",
            "why --precision lock --format json root",
            "policy show --json",
        ] {
            let text = stdout(&tree, command);
            if text.is_empty() {
                continue;
            }
            let value: Value = serde_json::from_str(&text).unwrap();
            let canonical = serde_json_canonicalizer::to_string(&value).unwrap();
            assert!(text == canonical + "\n", "{command} is not canonical: {text}");
        }
    }
}

#[test]
fn every_sarif_result_has_a_rule_a_message_and_a_place_in_the_tree() {
    let mut checked = 0;
    for tree in [sample::fails(), sample::is_unknown(), sample::passes()] {
        let log = json(&tree, &format!("audit --precision lock --format sarif --as-of {AS_OF}"));
        checked += check_sarif(&log);
    }
    for (_, path) in real::lockfiles() {
        let path = path.canonicalize().unwrap();
        let audit = format!("audit --format sarif --lockfile {}", path.display());
        checked += check_sarif(&json(&Tree::empty(), &audit));
    }
    assert!(checked > 5);
}

#[track_caller]
fn check_sarif(log: &Value) -> usize {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    let [run] = &log["runs"].as_array().unwrap()[..] else { unreachable!("one run") };
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), weft_gate::check::CHECKS.len());
    for rule in rules {
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
        assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# "));
    }
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        let places = result["locations"].as_array().unwrap();
        assert!(!places.is_empty(), "{result}");
        for place in places {
            check_place(&place["physicalLocation"]);
        }
    }
    let hash =
        |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].to_string();
    let fingerprints: BTreeSet<_> = results.iter().map(hash).collect();
    assert_eq!(
        fingerprints.len(),
        results.len(),
        "code scanning shows one of two equal fingerprints"
    );
    results.len()
}

#[track_caller]
fn check_place(place: &Value) {
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    let relative = !uri.is_empty() && !uri.starts_with('/') && !uri.contains(':');
    assert!(relative && !uri.contains(['\\', ' ']), "{uri} is not a relative reference");
    let number = |name: &str| place["region"][name].as_u64().unwrap();
    assert!(number("startLine") >= 1 && number("startColumn") >= 1, "{place}");
    let (start, end) = (number("startLine"), number("endLine"));
    assert!(start < end || start == end && number("startColumn") < number("endColumn"), "{place}");
}

#[test]
fn two_findings_of_one_check_in_one_file_are_two_alerts() {
    let config = "[source.crates-io]\nreplace-with = \"mine\"\n[source.mine]\ndirectory = \"v\"\n\
                  [patch.crates-io]\none = { git = \"https://g.invalid/one\" }\n\
                  two = { git = \"https://g.invalid/two\" }\n";
    let tree = Tree::of(MANIFEST, LOCKFILE).with("tree/.cargo/config.toml", config);
    // The source and two patches are told, and that the lockfile has neither patch.
    assert_eq!(check_sarif(&json(&tree, "audit --precision lock --format sarif")), 5);
}

#[test]
fn sarif_says_what_the_exit_status_says() {
    for (tree, status, successful) in
        [(sample::passes(), 0, true), (sample::fails(), 1, true), (sample::is_unknown(), 3, false)]
    {
        let log = json(&tree, "audit --precision lock --format sarif");
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["exitCode"], status);
        assert_eq!(invocation["executionSuccessful"], successful);
    }
}
