//! Trust cards: what they say of crates that do what attacked ones did, and of those about which little is known.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Done, Run, Tree, copy, unwrapped};
use crate::{home, real, tree};

/// A golden case, with the Cargo home it wants.
struct Case {
    tree: Tree,
    home: tempfile::TempDir,
}

impl Case {
    fn of(name: &str) -> Self {
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let tree = Tree::empty();
        copy(&case, &tree.path("tree"));
        Self { tree, home: home::of(&case) }
    }

    fn card(&self, arguments: &str) -> Done {
        let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db");
        let line = format!("risk card --precision lock --as-of 2026-11-20 {arguments}");
        let run = Run::new(self.tree.path("tree"), &line).arg("--advisory-db").arg(database);
        run.env("CARGO_HOME", self.home.path()).within(60).done().exits(0)
    }

    fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.card(&format!("--format json {arguments}")).stdout).unwrap()
    }
}

#[test]
fn a_card_of_a_hijacked_release_reads_as_it_did() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/risk/cards"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (case, name) in [
            ("behavior/new-capability/onering", "tworings"),
            ("behavior/dormant-then-new-dependency/arrayref", "rowref"),
        ] {
            let case = Case::of(case);
            insta::assert_snapshot!(format!("{name}-human"), case.card(name).stdout);
            let markdown = case.card(&format!("{name} --format markdown"));
            insta::assert_snapshot!(format!("{name}-markdown"), markdown.stdout);
        }
    });
}

/// A typosquat is found within days, so whoever took a version in long ago has nothing to fear of it.
#[test]
fn ages_are_those_of_the_day_that_is_asked_for() {
    let case = Case::of("behavior/new-capability/onering");
    let published = "2026-11-20";
    let report = |command: &str, day: &str| -> Value {
        let line = format!("{command} --precision lock --as-of {day} --format json");
        let run = Run::new(case.tree.path("tree"), &line).env("CARGO_HOME", case.home.path());
        serde_json::from_str(&run.within(60).done().exits(0).stdout).unwrap()
    };
    for (command, expected) in [
        ("risk", "/assessment/expected/mean_nano"),
        ("risk simulate", "/assessment/expected/mean_nano"),
        ("risk plan", "/plan/before/mean_nano"),
    ] {
        let [soon, late] = [published, "2027-11-19"].map(|day| {
            let report = report(command, day);
            assert_eq!(report["as_of"], day, "{command}");
            report.pointer(expected).unwrap().as_u64().unwrap()
        });
        assert!(soon > late, "{command}: {soon} and {late}");
    }
}

#[test]
fn what_a_remedy_saves_is_what_the_expected_loss_falls_by() {
    let case = Case::of("behavior/new-capability/onering");
    let before = case.json("tworings");
    let expected = |cards: &Value| cards["expected"]["mean_nano"].as_u64().unwrap();
    let remedies = before["cards"][0]["remedies"].as_array().unwrap();
    assert_eq!(remedies.len(), 2, "{remedies:?}");
    for remedy in remedies {
        let [barrier] = &remedy["barriers"].as_array().unwrap()[..] else { panic!("{remedy}") };
        let line = |(key, value): (&String, &Value)| format!("{key} = {value}\n");
        let entry: String = barrier.as_object().unwrap().iter().map(line).collect();
        let policy =
            format!("schema = 1\nprofile = \"local\"\n[cooldown]\ndays = 1\n[[barrier]]\n{entry}");
        std::fs::write(case.tree.path("tree/weft.toml"), policy).unwrap();
        let after = case.json("tworings");
        let fall = expected(&before) - expected(&after);
        assert!(fall > 0 && fall.abs_diff(remedy["fall_nano"].as_u64().unwrap()) <= 4, "{remedy}");
        assert_eq!(after["cards"][0]["barriers"], remedy["barriers"]);
    }
}

#[test]
fn whoever_vouches_for_a_crate_is_asked_as_barriers_ask() {
    for (case, fact, expected, says) in [
        ("reviewed", "reviewed", true, "it is reviewed as a barrier asks"),
        ("unreviewed", "reviewed", false, "it is not reviewed as a barrier asks"),
        ("unattested", "attested", false, "it is not attested as a barrier asks"),
    ] {
        let case = Case::of(&format!("barrier/violated/{case}"));
        let card = &case.json("vernier")["cards"][0];
        assert_eq!(card[fact]["value"], expected, "{card}");
        assert_eq!(card["barriers"].as_array().unwrap().len(), 1, "{card}");
        let human = unwrapped(&case.card("vernier").stdout);
        assert!(human.contains(says), "{human}");
        assert_eq!(human.matches("no barrier asks whether").count(), 1, "{human}");
    }
}

#[test]
fn what_is_not_known_is_said_to_be_unknown() {
    let tree = tree(&["a"], &[("a", &["b"]), ("b", &[])]);
    let line = "risk card b --lockfile Cargo.lock";
    let run = |form: &str| {
        let run = Run::new(tree.path("tree"), &format!("{line} --format {form}"));
        run.env("CARGO_HOME", tree.path("home")).within(60).done().exits(0)
    };
    let card: Value = serde_json::from_str(&run("json").stdout).unwrap();
    let card = &card["cards"][0];
    for fact in ["advisories", "behavior", "commit", "license", "publishers", "release", "versions"]
    {
        assert!(card[fact]["unknown"].is_string(), "{fact}: {}", card[fact]);
    }
    assert_eq!(card["exposure"]["unknown"].as_array().unwrap().len(), 2, "{card}");
    let human = unwrapped(&run("human").stdout);
    assert_eq!(human.matches("unknown: ").count(), 7, "{human}");
    assert_eq!(human.matches("unknown, and not counted: ").count(), 2, "{human}");
}

#[test]
fn arrivals_are_settled_by_bounds_or_hold_what_is_known() {
    // Harm in `c` has to pass `a` or `b`: one by its own edges, with 0.4 each.
    let tree = tree(&["a", "b"], &[("a", &["c"]), ("b", &["c"]), ("c", &[])]);
    let run = Run::new(tree.path("tree"), "risk card c --format json --lockfile Cargo.lock");
    let cards: Value = serde_json::from_str(&run.within(60).done().exits(0).stdout).unwrap();
    let arrivals = cards["cards"][0]["arrivals"].as_array().unwrap();
    let by = |executes: &str| {
        let of = arrivals.iter().find(|arrival| arrival["executes"] == executes);
        let members = of.unwrap()["members"].as_array().unwrap();
        assert_eq!(members.len(), 1);
        members[0].clone()
    };
    let build = by("build");
    assert_eq!((&build["ppm"], &build["drawn"]), (&1_000_000.into(), &Value::Null));
    // 26,214 of 65,536 units each way: 1 - (1 - p²)².
    let call = by("call");
    let [low, ppm, high] = ["low_ppm", "ppm", "high_ppm"].map(|key| call[key].as_u64().unwrap());
    assert!(low <= ppm && ppm <= high && (low..=high).contains(&294_392), "{call}");
}

#[test]
fn a_member_and_a_crate_that_is_not_there_have_no_card() {
    let tree = tree(&["a"], &[("a", &[])]);
    for (name, says) in [
        ("root", "`root` is a member of the workspace"),
        ("aa", "`aa` is not in the lockfile"),
        ("a@2.0.0", "locked are a@1.0.0"),
    ] {
        let line = format!("risk card {name} --lockfile Cargo.lock");
        let done = Run::new(tree.path("tree"), &line).done().exits(2);
        assert!(unwrapped(&done.stderr).contains(says), "{}", done.said());
    }
}

#[test]
fn a_place_in_an_order_that_says_nothing_is_called_unordered() {
    for (name, spec, is_ordered) in
        [("ripgrep", "regex", true), ("rust-analyzer", "smallvec", false)]
    {
        let lockfiles = real::lockfiles();
        let (_, path) = lockfiles.iter().find(|(found, _)| found == name).unwrap();
        let line = |command: &str| {
            let line = format!("{command} --as-of 2026-11-20 --trials 512 --lockfile");
            Run::new(path.parent().unwrap(), &line).arg(path).within(300).done().exits(0).stdout
        };
        let risk: Value = serde_json::from_str(&line("risk --top 1 --format json")).unwrap();
        assert_eq!(risk["assessment"]["order"]["is_ordered"], is_ordered, "{name}");
        let card = unwrapped(&line(&format!("risk card {spec}")));
        let said = "unordered: under other rates that the counts allow it would be another";
        assert_eq!(card.contains(said), !is_ordered, "{card}");
    }
}

#[test]
fn a_card_names_versions_as_people_write_them_and_leaves_no_section_out() {
    let tree = tree(&["a"], &[("a", &["b"]), ("b", &[])]);
    let lockfile = std::fs::read_to_string(tree.path("tree/Cargo.lock")).unwrap();
    let built = lockfile.replacen(
        "name = \"a\"\nversion = \"1.0.0\"",
        "name = \"a\"\nversion = \"1.0.0+z.3\"",
        1,
    );
    assert_ne!(built, lockfile);
    let tree = tree.with("tree/Cargo.lock", built);
    for format in ["human", "markdown"] {
        let line = format!("risk card a --format {format} --lockfile Cargo.lock");
        let run = Run::new(tree.path("tree"), &line).env("CARGO_HOME", tree.path("home"));
        let card = run.within(60).done().exits(0).stdout;
        assert!(card.contains("pkg:cargo/a@1.0.0+z.3"), "{card}");
        assert!(!card.contains("%2B"), "{card}");
        let code = if format == "human" { "" } else { "`" };
        let update = format!("cargo weft update {code}a@1.0.0+z.3{code}\n");
        assert!(card.contains(&update), "{card}");
        for section in ["findings", "exempted", "barriers"] {
            let none = match format {
                "human" => format!("\n  {section}\n    none\n"),
                _ => format!("\n- **{section}**\n  - none\n"),
            };
            assert!(card.contains(&none), "{section}: {card}");
        }
    }
}
