//! Risk: what is estimated, what is planned, and that a plan which is put up does what it says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/desk.rs"]
mod desk;
#[path = "../common/home.rs"]
mod home;
#[path = "../integration/real.rs"]
mod real;
#[allow(dead_code, reason = "each harness uses its part")]
#[path = "../common/registry.rs"]
mod registry;

mod adversary;
mod backtest;
mod card;
mod diff;
mod past;
mod publisher;

use std::fs;
use std::path::Path;

use serde_json::Value;
use weft_verify::Sha256;

use common::{Run, Tree, from_registry, locked, package, unwrapped};

/// Runs a command on the lockfile of a directory, and reads the JSON it prints.
fn json(directory: &Path, command: &str) -> Value {
    let line = format!("{command} --format json --lockfile Cargo.lock");
    let run = Run::new(directory, &line).within(300).done().exits(0);
    serde_json::from_str(&run.stdout).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Returns what blocking a crate would save, by its name and version.
fn delta(assessment: &Value, spec: &str) -> u64 {
    let rows = assessment["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == format!("pkg:cargo/{spec}").as_str());
    number(&row.unwrap_or_else(|| panic!("{spec} is not there"))["delta_nano"])
}

/// Makes a tree of a lockfile: `root` needs the first packages, and each is followed by what it needs.
fn tree(needs: &[&str], packages: &[(&str, &[&str])]) -> Tree {
    let entry = |(name, needs): &(&str, &[&str])| {
        let needs: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
        let needs = format!("dependencies = [{}]\n", needs.join(", "));
        package(name, "1.0.0", &(from_registry() + &needs))
    };
    let entries: String = packages.iter().map(entry).collect();
    let needed: String = needs.iter().map(|need| format!("{need} = \"1\"\n")).collect();
    let manifest =
        format!("[package]\nname = \"root\"\nversion = \"0.1.0\"\n[dependencies]\n{needed}");
    Tree::of(&manifest, &locked(needs, &entries))
}

#[test]
fn what_a_plan_foretells_of_real_lockfiles_is_seen_once_it_is_put_up() {
    for (name, path) in real::lockfiles() {
        let tree = Tree::empty();
        fs::copy(&path, tree.path("tree/Cargo.lock")).unwrap();
        let report = json(&tree.path("tree"), "risk plan --apply");
        let plan = &report["plan"];
        let [before, after, fall] =
            [&plan["before"]["mean_nano"], &plan["after"]["mean_nano"], &plan["fall_nano"]]
                .map(number);
        assert!(fall > 0, "{name}: {plan}");
        assert_eq!(report["applied"].as_array().unwrap().len(), 5, "{name}");
        assert!(before - after <= fall + 10 && fall <= before - after + 10, "{name}: {plan}");
        assert!(number(&plan["gap_nano"]) < 1_000, "{name}: {plan}");
        for part in [plan, &plan["drops"]] {
            let [fall, bound, gap] =
                ["fall_nano", "bound_nano", "gap_nano"].map(|key| number(&part[key]));
            assert_eq!(bound - fall, gap, "{name}");
        }
        let seen = json(&tree.path("tree"), "risk simulate");
        let seen = number(&seen["assessment"]["expected"]["mean_nano"]);
        // The parts are rounded one by one.
        assert!(seen.abs_diff(after) <= 10, "{name}: {seen} and {after}");
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let packages: [(&str, &[&str]); 4] =
        [("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])];
    let tree = tree(&["a", "b"], &packages);
    for command in ["risk", "risk simulate", "risk plan"] {
        let by = |threads| json(&tree.path("tree"), &format!("{command} --threads {threads}"));
        assert_eq!(by(1), by(16), "{command}");
        let other = json(&tree.path("tree"), &format!("{command} --threads 1 --seed 9"));
        assert_ne!(other, by(1), "{command}");
    }
}

const CAMPAIGN: &str = "schema = 1\nname = \"own\"\nsummary = \"s\"\nexecutes = \"build\"\nsource = \"s\"\n\
                        [seed]\nrate = \"takeover\"\ncrates = \"all\"\n[dwell]\nminutes = MINUTES\n";

#[test]
fn a_window_is_proposed_against_what_is_gone_in_hours_and_not_against_what_waits() {
    for (minutes, is_proposed) in [("300", true), ("1000000", false)] {
        let tree = tree(&["a"], &[("a", &[])]);
        let tree = tree.with("tree/own.toml", CAMPAIGN.replace("MINUTES", minutes));
        let report = json(&tree.path("tree"), "risk plan --budget 1 --against own.toml");
        // Both end what is gone in hours; the pin is as good, and comes first.
        assert_eq!(report["plan"]["proposals"][0]["barriers"][0]["kind"], "pin");
        let window = json(&tree.path("tree"), "risk plan --budget 2 --against own.toml");
        assert_eq!(number(&window["plan"]["after"]["mean_nano"]), 0);
        let lasting = json(&tree.path("tree"), "risk simulate --campaign own.toml");
        let before = number(&lasting["assessment"]["expected"]["mean_nano"]);
        let tree = tree.with("tree/weft.toml", "schema = 1\n[cooldown]\ndays = 1\n");
        let waited = json(&tree.path("tree"), "risk simulate --campaign own.toml");
        let after = number(&waited["assessment"]["expected"]["mean_nano"]);
        assert_eq!(after == 0, is_proposed, "{minutes}: {before} and {after}");
        assert_eq!(after == before, !is_proposed, "{minutes}: {before} and {after}");
    }
}

#[test]
fn a_campaign_that_cannot_be_read_is_refused_with_its_place() {
    let check = |text: &str, expected: &str| {
        let tree = tree(&["a"], &[("a", &[])]).with("tree/own.toml", text);
        let line = "risk simulate --campaign own.toml --lockfile Cargo.lock";
        let run = Run::new(tree.path("tree"), line).done().exits(2);
        assert!(unwrapped(&run.stderr).contains(expected), "{}", run.said());
        assert_eq!(run.stdout, "");
    };
    let sound = CAMPAIGN.replace("MINUTES", "300");
    check("", "own.toml: has no `schema`");
    check(&sound.replace("takeover", "takover"), "did you mean `takeover`?");
    check(&CAMPAIGN.replace("MINUTES", "-1"), "own.toml:10:11");
    check(&format!("name = \"{}\"", "\u{1b}[31m"), "own.toml:1:9");
    check(&"[".repeat(100_000), "own.toml:1");
}

#[test]
fn campaigns_of_the_policy_count_beside_the_built_in_ones() {
    let policy = "schema = 1\n[risk]\ncampaigns = [\"campaigns/own.toml\"]\n";
    let tree = tree(&["a"], &[("a", &[])])
        .with("tree/campaigns/own.toml", CAMPAIGN.replace("MINUTES", "1000000"))
        .with("tree/plain.toml", "schema = 1\n")
        .with("tree/weft.toml", policy)
        .with("rules/campaigns/own.toml", CAMPAIGN.replace("MINUTES", "10"))
        .with("rules/policy.toml", policy);
    let simulated = |arguments: &str| {
        let report = json(&tree.path("tree"), &format!("risk simulate {arguments}"));
        let campaigns = report["assessment"]["campaigns"].as_array().unwrap().iter();
        let mean = |campaign: &Value| number(&campaign["band"]["mean_nano"]);
        let named = campaigns.map(|c| (c["name"].as_str().unwrap().to_owned(), mean(c)));
        let campaigns: Vec<(String, u64)> = named.collect();
        (campaigns, number(&report["assessment"]["expected"]["mean_nano"]))
    };
    let (all, with) = simulated("");
    let names: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
    let expected = ["delayed-payload", "own", "pipeline-poisoning", "slow-burn", "typosquat"];
    assert_eq!(names, expected);
    let (_, without) = simulated("--policy plain.toml");
    assert_eq!(with, without + all[1].1);
    assert_eq!(simulated("--campaign own").0, [all[1].clone()]);
    // Those of another policy lie beside it.
    let (outside, _) = simulated("--policy ../rules/policy.toml --campaign own");
    assert!(outside[0].1 < all[1].1, "{outside:?} and {all:?}");
    let ranked = |arguments: &str| {
        let report = json(&tree.path("tree"), &format!("risk {arguments}"));
        delta(&report["assessment"], "a@1.0.0")
    };
    assert_eq!(ranked("") - ranked("--policy plain.toml"), all[1].1);
    let planned = |arguments: &str| {
        let report = json(&tree.path("tree"), &format!("risk plan {arguments}"));
        number(&report["plan"]["before"]["mean_nano"])
    };
    assert_eq!(planned(""), with);
    assert_eq!(planned("--against own"), all[1].1);
}

/// Whoever replays facts has them from somebody else.
#[test]
fn facts_with_a_campaign_that_no_policy_could_add_are_refused() {
    let policy = "schema = 1\n[risk]\ncampaigns = [\"own.toml\"]\n";
    let tree = tree(&["a"], &[("a", &[])])
        .with("tree/own.toml", CAMPAIGN.replace("MINUTES", "300"))
        .with("tree/weft.toml", policy);
    let line = "audit --precision lock --facts facts.json";
    Run::new(tree.path("tree"), line).done();
    let facts = fs::read_to_string(tree.path("tree/facts.json")).unwrap();
    let read = weft_gate::Facts::from_canonical(facts.as_bytes()).unwrap();
    assert_eq!(read.policy.risk.campaigns[0].name, "own");
    for (from, to) in [
        ("\"share\":[1,1]", "\"share\":[1,0]"),
        ("\"share\":[1,1]", "\"share\":[2,1]"),
        ("\"name\":\"own\"", "\"name\":\"slow-burn\""),
        ("\"name\":\"own\"", "\"name\":\"\""),
    ] {
        assert!(facts.contains(from), "{from}");
        let changed = facts.replacen(from, to, 1);
        assert!(weft_gate::Facts::from_canonical(changed.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_campaign_that_a_policy_names_and_cannot_have_is_refused_where_it_is_named() {
    let check = |name: &str, text: &str, expected: &[&str]| {
        let policy = format!("schema = 1\n[risk]\ncampaigns = [\"{name}\"]\n");
        let tree = tree(&["a"], &[("a", &[])])
            .with("tree/weft.toml", policy)
            .with("tree/own.toml", text)
            .with("tree/folder.toml/x", "")
            .with("outside.toml", CAMPAIGN.replace("MINUTES", "300"));
        #[cfg(unix)]
        std::os::unix::fs::symlink("../outside.toml", tree.path("tree/link.toml")).unwrap();
        for line in ["risk --lockfile Cargo.lock", "audit --precision lock", "policy check"] {
            let run = Run::new(tree.path("tree"), line).done().exits(2);
            for expected in expected {
                assert!(unwrapped(&run.stderr).contains(expected), "{line}: {}", run.said());
            }
        }
    };
    let sound = CAMPAIGN.replace("MINUTES", "300");
    check("gone.toml", &sound, &["weft.toml:3:14", "this campaign is not there"]);
    check("folder.toml", &sound, &["weft.toml:3:14", "is not a regular file"]);
    #[cfg(unix)]
    check("link.toml", &sound, &["weft.toml:3:14", "leads out of the tree"]);
    check("../outside.toml", &sound, &["weft.toml:3:14", "below the policy's directory"]);
    check(
        "own.toml",
        &sound.replace("\"own\"", "\"typosquat\""),
        &["weft.toml:3:14", "is built in"],
    );
    check("own.toml", &sound.replace("takeover", "takover"), &["own.toml:7:8", "`takeover`"]);
    check("own.toml", &"[".repeat(100_000), &["own.toml:1"]);
    check("own.toml", &"#".repeat((1 << 20) + 1), &["weft.toml:3:14", "is larger than the 1 MiB"]);
}

#[test]
fn a_policy_keeps_its_comments_and_one_that_cannot_be_edited_is_left_alone() {
    let apply = |policy: &str, status| {
        let tree = tree(&["a"], &[("a", &[])]).with("tree/weft.toml", policy);
        let line = "risk plan --apply --budget 1 --window 0 --lockfile Cargo.lock";
        let run = Run::new(tree.path("tree"), line).done().exits(status);
        (fs::read_to_string(tree.path("tree/weft.toml")).unwrap(), run.said())
    };
    let (written, _) = apply("schema = 1 # one\n# two\n[cooldown]\ndays = 0 # three\n", 0);
    assert!(
        written
            .starts_with("schema = 1 # one\n# two\n[cooldown]\ndays = 0 # three\n\n[[barrier]]\n")
    );
    assert!(written.contains("kind = \"pin\"\ncrate = \"a\"\nversion = \"1.0.0\"\n"), "{written}");
    for policy in ["schema = 1\nbarrier = []\n", "schema = 1\n[[barrier]]\nkind = \"pinn\"\n"] {
        let (left, said) = apply(policy, 2);
        assert_eq!(left, policy, "{said}");
    }
}

#[test]
fn barriers_of_a_profile_are_written_too_since_a_list_replaces_them() {
    let low = "schema = 1\nprofile = \"local\"\n[[barrier]]\nkind = \"drop\"\ncrate = \"zz\"\nreason = \"r\"\n";
    let tree = tree(&["a"], &[("a", &[])])
        .with("tree/low.toml", low)
        .with("tree/weft.toml", "schema = 1\r\nprofile = \"low.toml\"\r\n");
    let report = json(&tree.path("tree"), "risk plan --apply --budget 1 --window 0");
    assert_eq!(number(&report["copied"]), 1);
    let written = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    assert!(written.contains("crate = \"zz\"\r\n") && written.contains("crate = \"a\"\r\n"));
    assert!(!written.replace("\r\n", "").contains('\n'), "{written:?}");
    let again = json(&tree.path("tree"), "risk plan --apply --budget 1 --window 0");
    assert_eq!((&again["applied"], number(&again["copied"])), (&Value::Array(Vec::new()), 0));
    #[cfg(unix)]
    {
        fs::remove_file(tree.path("tree/weft.toml")).unwrap();
        fs::write(tree.path("tree/ours.toml"), "schema = 1\n").unwrap();
        std::os::unix::fs::symlink("ours.toml", tree.path("tree/weft.toml")).unwrap();
        let line = "risk plan --apply --budget 1 --window 2 --lockfile Cargo.lock";
        let run = Run::new(tree.path("tree"), line).done().exits(2);
        assert!(unwrapped(&run.stderr).contains("is a symbolic link"), "{}", run.said());
    }
}

#[test]
fn what_stands_in_the_policy_is_not_written_again() {
    let tree = vendored();
    let first = exact(&tree, "risk plan --against host-execution --apply");
    let written = fs::read(tree.path("tree/weft.toml")).unwrap();
    let again = exact(&tree, "risk plan --against host-execution --apply");
    assert_eq!(number(&again["already"]), first["applied"].as_array().unwrap().len() as u64);
    assert_eq!(again["applied"], Value::Array(Vec::new()));
    assert_eq!(fs::read(tree.path("tree/weft.toml")).unwrap(), written);
}

#[test]
fn a_barrier_that_is_put_up_is_judged_from_then_on() {
    let tree = tree(&["a"], &[("a", &[])]);
    let at = |name: &str| tree.path("tree").join(name);
    let line = "risk plan --apply --budget 1 --window 0 --lockfile Cargo.lock";
    Run::new(tree.path("tree"), line).done().exits(0);
    Run::new(tree.path("tree"), "audit --precision lock").done().exits(0);
    let changed = fs::read_to_string(at("Cargo.lock")).unwrap().replace("aaaa", "bbbb");
    fs::write(at("Cargo.lock"), changed).unwrap();
    let run = Run::new(tree.path("tree"), "audit --precision lock").done().exits(1);
    assert!(
        unwrapped(&run.stdout).contains("The archive of a@1.0.0 is not the one"),
        "{}",
        run.said()
    );
}

/// Returns what `barrier/violated` says of the tree, and the status.
fn barriers(desk: &desk::Desk, arguments: &str) -> Vec<String> {
    let done = desk.run(&format!("audit --precision lock --format json {arguments}"));
    let verdict: Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.said()));
    let of = |list: &str, member: &str| -> Vec<String> {
        let entries = verdict[list].as_array().unwrap().iter();
        let entries = entries.filter(|entry| entry["code"] == "barrier/violated");
        entries.map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
    };
    [of("findings", "sentence"), of("not_evaluated", "reason")].concat()
}

const ARCHIVE: &str = "an archive";

/// A repository with a barrier, and an update to a version whose archive is [`ARCHIVE`].
fn guarded(barrier: &str) -> desk::Desk {
    let roles = "[roles.review]\nthreshold = 2\n[roles.other]\nthreshold = 1\n";
    let holds = "\"release\", \"review\", \"other\"";
    let people = [("alice", holds), ("bob", holds)];
    let desk = desk::Desk::of(&people, roles);
    let manifest = format!("{}[dependencies]\na = \"1\"\n", desk::MANIFEST);
    let locked = |version: &str, archive: &str| {
        let digest = Sha256::of(archive.as_bytes()).to_string();
        let entry = from_registry().replace(&"a".repeat(64), &digest);
        let lockfile = locked(&["a"], &package("a", version, &entry));
        lockfile.replace("\"root\"", "\"app\"").replace("0.1.0", "1.0.0")
    };
    let policy = format!("schema = 1\n[[barrier]]\ncrate = \"a\"\nreason = \"r\"\n{barrier}\n");
    for (name, text) in [
        ("tree/Cargo.toml", &*manifest),
        ("tree/Cargo.lock", &locked("1.0.0", "an older archive")),
        ("tree/weft.toml", &policy),
        ("out/a-1.0.1.crate", ARCHIVE),
        ("out/other.crate", "another archive"),
    ] {
        fs::write(desk.path(name), text).unwrap();
    }
    fs::create_dir_all(desk.path("tree/.weft/evidence")).unwrap();
    desk.commit();
    fs::write(desk.path("tree/Cargo.lock"), locked("1.0.1", ARCHIVE)).unwrap();
    desk
}

#[test]
fn a_review_is_what_enough_keys_of_the_role_signed_of_the_archive_itself() {
    let desk = guarded("kind = \"review\"\nrole = \"review\"");
    let sign = |file: &str, role: &str, key: &str, output: &str| {
        let output = format!(".weft/evidence/{output}.json");
        let line =
            format!("sign ../out/{file} --role {role} --key ../keys/{key}.key --output {output}");
        desk.run(&line).exits(0);
    };
    let missing = [
        "a@1.0.1 was not reviewed, which a barrier asks for: the role review did not sign its archive.",
    ];
    assert_eq!(barriers(&desk, ""), missing);
    // One key of two; another archive; another role of the same keys.
    sign("a-1.0.1.crate", "review", "alice", "review");
    sign("other.crate", "review", "alice", "other");
    sign("other.crate", "review", "bob", "other");
    sign("a-1.0.1.crate", "other", "alice", "role");
    sign("a-1.0.1.crate", "other", "bob", "role");
    assert_eq!(barriers(&desk, ""), missing);
    assert_eq!(barriers(&desk, "--base HEAD"), missing);
    sign("a-1.0.1.crate", "review", "bob", "review");
    assert_eq!(barriers(&desk, ""), [""; 0]);
    // It came with the change, and the roles of the base say that it counts.
    assert_eq!(barriers(&desk, "--base HEAD"), [""; 0]);
    fs::write(desk.path("tree/.weft/roles.toml"), "schema = 1\n").unwrap();
    assert_eq!(barriers(&desk, "--base HEAD"), [""; 0]);
    let unknown = barriers(&desk, "");
    assert!(unknown[0].contains("these roles are not in force"), "{unknown:?}");
}

/// Cargo follows a link to a member, and weft does not: what the member needs is judged all the same.
#[cfg(unix)]
#[test]
fn what_a_member_behind_a_link_needs_is_kept_away_too() {
    let manifest =
        "[package]\nname = \"root\"\nversion = \"0.1.0\"\n[workspace]\nmembers = [\"ext\"]\n";
    let entries = package("a", "1.0.0", &from_registry())
        + &package("ext", "0.1.0", "dependencies = [\"a\"]\n");
    let policy =
        "schema = 1\n[[barrier]]\nkind = \"drop\"\ncrate = \"a\"\nreason = \"it was replaced\"\n";
    let tree = Tree::of(manifest, &locked(&[], &entries)).with("tree/weft.toml", policy).with(
        "ext/Cargo.toml",
        "[package]\nname = \"ext\"\nversion = \"0.1.0\"\n[dependencies]\na = \"1\"\n",
    );
    std::os::unix::fs::symlink("../ext", tree.path("tree/ext")).unwrap();
    let run = Run::new(tree.path("tree"), "audit --precision lock").done().exits(1);
    let said = unwrapped(&run.stdout);
    assert!(said.contains("a@1.0.0 is in the graph, and a barrier keeps it out."), "{said}");
}

/// What the base reviewed is told by the base: a change that takes the review away takes nothing from that.
#[test]
fn a_change_cannot_make_a_violation_old_by_deleting_the_review() {
    let desk = guarded("kind = \"review\"\nrole = \"review\"");
    for key in ["alice", "bob"] {
        let output = "--output .weft/evidence/review.json";
        let line = "sign ../out/a-1.0.1.crate --role review";
        desk.run(&format!("{line} --key ../keys/{key}.key {output}")).exits(0);
    }
    desk.commit();
    assert_eq!(barriers(&desk, "--base HEAD"), [""; 0]);
    let missing = [
        "a@1.0.1 was not reviewed, which a barrier asks for: the role review did not sign its archive.",
    ];
    fs::remove_file(desk.path("tree/.weft/evidence/review.json")).unwrap();
    assert_eq!(barriers(&desk, "--base HEAD"), missing);
    let lockfile = desk.path("tree/Cargo.lock");
    let [old, new] =
        [ARCHIVE, "another archive"].map(|text| Sha256::of(text.as_bytes()).to_string());
    fs::write(&lockfile, fs::read_to_string(&lockfile).unwrap().replace(&old, &new)).unwrap();
    assert_eq!(barriers(&desk, "--base HEAD"), missing);
}

#[test]
fn what_lies_where_reviews_and_attestations_do_is_no_reason_to_stop() {
    let table = "provenance = { issuer = \"https://i\", source-owner = \"o\" }";
    let desk = guarded(&format!("kind = \"attest\"\n{table}"));
    let missing = "No attestation in .weft/attestations has the provenance of a@1.0.1 that a barrier asks for.";
    assert_eq!(barriers(&desk, ""), [missing]);
    let folder = desk.path("tree/.weft/attestations");
    fs::create_dir_all(&folder).unwrap();
    let digest = Sha256::of(ARCHIVE.as_bytes()).to_string();
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("deep", vec![b'['; 1 << 20]),
        ("bytes", vec![0xff; 1 << 10]),
        ("named", format!("{{\"subject\": \"{digest}\"}}").into_bytes()),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    assert_eq!(barriers(&desk, ""), [missing]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", folder.join("endless")).unwrap();
        let told = |expected: &str| {
            // What cannot be read attests nothing, and takes nothing away from what is missing.
            assert_eq!(barriers(&desk, ""), [missing]);
            let said = unwrapped(&desk.run("audit --precision lock").stdout);
            assert!(said.contains(expected), "{said}");
        };
        told("notice: .weft/attestations/endless is not read: leads out of the tree");
        fs::create_dir(folder.join("folder")).unwrap();
        told("notice: .weft/attestations/folder is not read: ");
        fs::remove_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink("/etc", &folder).unwrap();
        told("is not read: ");
    }
}

#[test]
fn a_barrier_lowers_the_expected_loss_where_it_holds_new_versions_and_something_enforces_it() {
    let packages: [(&str, &[&str]); 2] = [("a", &["b"]), ("b", &[])];
    let lost = |barrier: &str| {
        let policy = format!("schema = 1\n[[barrier]]\nreason = \"r\"\n{barrier}\n");
        let audits =
            "[[audits.b]]\nwho = \"a\"\ncriteria = \"safe-to-deploy\"\nversion = \"1.0.0\"\n";
        let tree = tree(&["a"], &packages)
            .with("tree/weft.toml", policy)
            .with("tree/supply-chain/audits.toml", audits);
        let report = json(&tree.path("tree"), "risk simulate");
        let not_counted = report["not_counted"].as_array().unwrap().len();
        (number(&report["assessment"]["expected"]["mean_nano"]), not_counted)
    };
    let open = lost("kind = \"seal\"\ncrate = \"a\"\ndependencies = [\"b\"]");
    assert_eq!(open.1, 0);
    let held = lost("kind = \"review\"\ncrate = \"b\"\ncriteria = \"safe-to-deploy\"");
    assert!(held.0 < open.0 && held.0 > 0, "{held:?} and {open:?}");
    let pin = |checksum: &str| {
        let pin = "kind = \"pin\"\ncrate = \"b\"\nversion = \"1.0.0\"\nchecksum = \"CHECKSUM\"";
        pin.replace("CHECKSUM", &checksum.repeat(64))
    };
    assert_eq!(lost(&pin("a")), held);
    // What is violated, and what nobody is told of, holds nothing.
    let uncounted = (open.0, 1);
    assert_eq!(lost(&pin("b")), uncounted);
    assert_eq!(lost("kind = \"review\"\ncrate = \"b\"\nrole = \"review\""), uncounted);
    assert_eq!(lost("kind = \"review\"\ncrate = \"b\"\ncriteria = \"safe-to-run\"").0, held.0);
    assert_eq!(lost("kind = \"vendor\"\ncrate = \"b\""), uncounted);
    assert_eq!(lost("kind = \"fork\"\ncrate = \"b\"\nrepository = \"https://x/y\""), uncounted);
    let levels = "[checks]\n\"barrier/violated\" = \"note\"";
    assert_eq!(lost(&format!("{}\n{levels}", pin("a"))), uncounted);
    assert_eq!(lost("kind = \"region\"\ncrates = [\"b\"]\ndependents = [\"a\"]"), open);
    let table = "provenance = { issuer = \"https://i\", source-owner = \"o\" }";
    assert_eq!(lost(&format!("kind = \"attest\"\ncrate = \"b\"\n{table}")), open);
}

/// A workspace with vendored crates: `a` brings `b` by its feature `x`, and `c` brings `d` and `e`; `b`, `d` and `e` run
/// build scripts.
fn vendored() -> Tree {
    let manifest = "[package]\nname = \"root\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n# Kept.\n\
                    a = { version = \"1\", features = [\"x\", \"y\"] }\nc = \"1\"\n\n[workspace]\n";
    let crates: [(&str, &[&str], &str); 5] = [
        (
            "a",
            &["b"],
            "[dependencies]\nb = { version = \"1\", optional = true }\n[features]\nx = [\"dep:b\"]\ny = []\n",
        ),
        ("b", &[], ""),
        ("c", &["d", "e"], "[dependencies]\nd = \"1\"\ne = \"1\"\n"),
        ("d", &[], ""),
        ("e", &[], ""),
    ];
    let entry = |name: &str, needs: &[&str]| {
        let needs: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
        let needs = format!("dependencies = [{}]\n", needs.join(", "));
        package(name, "1.0.0", &(from_registry() + &needs))
    };
    let entries: String = crates.iter().map(|(name, needs, _)| entry(name, needs)).collect();
    let config = "[source.crates-io]\nreplace-with = \"vendored-sources\"\n[source.vendored-sources]\ndirectory = \"vendor\"\n";
    let tree = Tree::of(manifest, &locked(&["a", "c"], &entries))
        .with("tree/src/lib.rs", "")
        .with("tree/.cargo/config.toml", config);
    let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", "a".repeat(64));
    crates.into_iter().fold(tree, |tree, (name, _, rest)| {
        let at = |file: &str| format!("tree/vendor/{name}/{file}");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{rest}"
        );
        let tree = tree
            .with(&at("Cargo.toml"), manifest)
            .with(&at("src/lib.rs"), "")
            .with(&at(".cargo-checksum.json"), &*checksum);
        match name {
            "b" | "d" | "e" => tree.with(&at("build.rs"), "fn main() {}"),
            _ => tree,
        }
    })
}

/// Runs a command on a workspace at metadata precision, and reads the JSON it prints.
fn exact(tree: &Tree, command: &str) -> Value {
    let line = format!("{command} --format json --precision metadata");
    let run = Run::new(tree.path("tree"), &line).within(60).done().exits(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Makes the edits of a report, which drop `b`, and locks what is left.
fn make(tree: &Tree, report: &Value) {
    common::git(&tree.path("tree"), &["init", "--quiet"]);
    for edit in report["edits"].as_array().unwrap() {
        fs::write(tree.path("edit.diff"), edit["diff"].as_str().unwrap()).unwrap();
        common::git(&tree.path("tree"), &["apply", "../edit.diff"]);
    }
    let lockfile = fs::read_to_string(tree.path("tree/Cargo.lock")).unwrap();
    let mut packages: Vec<&str> = lockfile.split("\n[[package]]\n").collect();
    packages.retain(|package| !package.starts_with("name = \"b\""));
    let left = packages.join("\n[[package]]\n").replace("dependencies = [\"b\"]\n", "");
    fs::write(tree.path("tree/Cargo.lock"), left).unwrap();
}

#[test]
fn a_feature_is_proposed_with_the_edit_that_switches_it_off_and_saves_what_is_foretold() {
    let tree = vendored();
    // In the drawn worlds, since the bounds of so small a graph settle what `simulate` says.
    let lost = || {
        let plan = &exact(&tree, "risk plan")["plan"];
        number(&plan["after"]["mean_nano"]) + number(&plan["fall_nano"])
    };
    let report = exact(&tree, "risk plan --drop a/x");
    let planned = exact(&tree, "risk plan");
    assert_eq!(report["features"]["features"], planned["features"]["features"]);
    let found = &report["features"]["features"];
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!((&found[0]["name"], &found[0]["feature"]), (&"a".into(), &"x".into()));
    assert_eq!(found[0]["leaves"], serde_json::json!(["b@1.0.0"]));
    assert_eq!(found[0]["fall_nano"], report["features"]["fall_nano"]);
    let edit = &report["edits"][0];
    assert_eq!(edit["lines"], serde_json::json!(["Cargo.toml:8"]));
    let changed = "-a = { version = \"1\", features = [\"x\", \"y\"] }\n+a = { version = \"1\", features = [\"y\"] }\n";
    assert!(edit["diff"].as_str().unwrap().contains(changed), "{edit}");
    let before = lost();
    make(&tree, &report);
    let fall = number(&found[0]["fall_nano"]);
    assert!(fall > 0 && before - lost() == fall, "{before}, {fall}");
    assert_eq!(exact(&tree, "risk plan")["features"]["features"], serde_json::json!([]));
}

#[test]
fn what_is_dropped_is_kept_away_from_then_on() {
    let tree = vendored();
    let report = exact(&tree, "risk plan --drop a/x --apply --budget 1 --window 0");
    assert_eq!(report["until_edited"], serde_json::json!(["switch off x of a"]));
    let policy = fs::read_to_string(tree.path("tree/weft.toml")).unwrap();
    assert!(policy.contains("kind = \"drop\"\ncrate = \"a\"\nfeature = \"x\"\n"), "{policy}");
    let manifest = fs::read_to_string(tree.path("tree/Cargo.toml")).unwrap();
    assert!(manifest.contains("[\"x\", \"y\"]"), "the manifest is left as it is: {manifest}");
    let audit = || Run::new(tree.path("tree"), "audit --precision metadata").within(60).done();
    let done = audit().exits(1);
    assert!(
        unwrapped(&done.stdout).contains("The feature x of a@1.0.0 is switched on"),
        "{}",
        done.said()
    );
    make(&tree, &report);
    let done = audit();
    assert!(!done.stdout.contains("barrier/violated"), "{}", done.said());
}

#[test]
fn a_dependency_that_others_need_is_not_saved_by_removing_it_from_a_manifest() {
    let packages: [(&str, &[&str]); 2] = [("a", &["b"]), ("b", &[])];
    let tree =
        tree(&["a", "b"], &packages).with("tree/own.toml", CAMPAIGN.replace("MINUTES", "300"));
    let report = json(&tree.path("tree"), "risk plan --window 0 --against own.toml");
    let own = number(&report["plan"]["before"]["mean_nano"]) / 2;
    let crates = report["plan"]["drops"]["crates"].as_array().unwrap();
    let found: Vec<(&str, u64)> = crates
        .iter()
        .map(|drop| (drop["id"].as_str().unwrap(), number(&drop["alone_nano"])))
        .collect();
    // Code that is built passes all edges: b stays for a, and together both go.
    assert_eq!(found, [("pkg:cargo/a@1.0.0", own)]);
    assert!(report["features_unknown"].as_str().unwrap().contains("metadata precision"));
    let exact = exact(&vendored(), "risk plan --drop c");
    let diff = exact["edits"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("\n-c = \"1\"\n") && !diff.contains("\n-a"), "{diff}");
}

#[test]
fn what_is_dropped_together_is_one_edit_that_git_makes_whatever_ends_the_lines() {
    let tree = vendored();
    let manifest = fs::read_to_string(tree.path("tree/Cargo.toml")).unwrap();
    let tree = tree.with("tree/Cargo.toml", manifest.replace('\n', "\r\n"));
    let line = "risk plan --drop a/x --drop a/y --drop c --precision metadata";
    let human = Run::new(tree.path("tree"), line).within(60).done().exits(0).stdout;
    assert_eq!(human.matches("the edit that drops a/x, a/y, c\n").count(), 1, "{human}");
    fs::write(tree.path("edit.diff"), &human[human.find("--- a/").unwrap()..]).unwrap();
    common::git(&tree.path("tree"), &["init", "--quiet"]);
    common::git(&tree.path("tree"), &["apply", "../edit.diff"]);
    let after = fs::read_to_string(tree.path("tree/Cargo.toml")).unwrap();
    assert!(after.contains("a = { version = \"1\" }\r\n"), "{after}");
    assert!(!after.contains("c = \"1\""), "{after}");
}

#[test]
fn what_cannot_be_dropped_is_refused() {
    let tree = vendored();
    for (arguments, expected) in [
        ("--drop zz", "no manifest of the workspace asks for zz"),
        ("--drop b", "no manifest of the workspace asks for b"),
        ("--drop a/zz", "no manifest of the workspace asks for the feature zz of a"),
        ("--drop ../a", "CRATE or CRATE/FEATURE"),
        ("--drop a/", "CRATE or CRATE/FEATURE"),
        ("--drop a --against host-execution", "leave --drop"),
        ("--drop a/x --precision lock", "ask for --precision metadata"),
        ("--drop a --lockfile Cargo.lock", "only a lockfile is read"),
    ] {
        let precision = if arguments.contains("--precision") || arguments.contains("--lockfile") {
            ""
        } else {
            "--precision metadata"
        };
        let line = format!("risk plan --apply {arguments} {precision}");
        let run = Run::new(tree.path("tree"), &line).within(60).done().exits(2);
        assert!(unwrapped(&run.stderr).contains(expected), "{}", run.said());
        assert!(!tree.path("tree/weft.toml").exists(), "{arguments}");
    }
}

#[test]
fn within_a_budget_the_crates_are_held_behind_which_most_runs_while_building() {
    let tree = vendored();
    let planned = |budget: u32| {
        let report = exact(&tree, &format!("risk plan --against host-execution --budget {budget}"));
        let host = &report["host"];
        let crates = host["crates"].as_array().unwrap().iter();
        let names: Vec<String> =
            crates.map(|held| held["name"].as_str().unwrap().to_owned()).collect();
        let [held, gap, running] = ["held", "gap", "running"].map(|key| number(&host[key]));
        (names, held, gap, running)
    };
    assert_eq!(planned(1), (vec!["c".to_owned()], 2, 0, 3));
    let (names, held, gap, _) = planned(2);
    assert_eq!((&*names[0], names.len(), held, gap), ("c", 2, 3, 0));
    assert_eq!(planned(9).1, 3);
    let whole = exact(&tree, "risk plan --against host-execution");
    assert_eq!(whole["separation"]["crates"].as_array().unwrap().len(), 2);
    let applied = exact(&tree, "risk plan --against host-execution --budget 1 --apply");
    assert_eq!(applied["applied"], serde_json::json!(["pin c"]));
}
