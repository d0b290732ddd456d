//! Rules that a change alters: they are told of, they judge nothing, and the base's quorum approves them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use weft_verify::envelope::Envelope;
use weft_verify::sign::SigningKey;

use crate::common::{AS_OF, Done, copy};
use crate::desk::{Desk, stops, write};

const STRICT: &str =
    "schema = 1\nprofile = \"local\"\n\n[checks]\n\"topology/sole-gateway\" = \"deny\"\n";

/// Alice, Bob and Carol, of whom two approve changes of rules, and a policy in the base.
fn desk() -> Desk {
    let people = [
        ("alice", "\"release\", \"rules\""),
        ("bob", "\"release\", \"rules\""),
        ("carol", "\"rules\""),
    ];
    let desk = Desk::of(&people, "[roles.rules]\nthreshold = 2\n");
    write(&desk.path("tree/weft.toml"), STRICT);
    desk.commit();
    desk
}

fn weaken(desk: &Desk) {
    write(&desk.path("tree/weft.toml"), &STRICT.replace("deny", "off"));
}

fn audit(desk: &Desk, base: &str) -> Done {
    desk.run(&format!("audit --as-of {AS_OF} --base {base} --format json"))
}

fn sign(desk: &Desk, base: &str, who: &str) -> Done {
    desk.run(&format!("sign --rules --base {base} --key ../keys/{who}.key"))
}

fn approve(desk: &Desk, base: &str) {
    for who in ["alice", "bob"] {
        sign(desk, base, who).exits(0);
    }
}

fn verdict(done: Done, status: i32) -> Value {
    let done = done.exits(status);
    serde_json::from_str(&done.stdout).unwrap()
}

/// Demands that the change passes, approved by these.
#[track_caller]
fn is_approved(desk: &Desk, base: &str, by: &[&str]) {
    let verdict = verdict(audit(desk, base), 0);
    assert_eq!(verdict["comparison"]["rules"]["approval"]["given"], serde_json::json!(by));
    let inputs = verdict["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["name"] == ".weft/rules.dsse.json"));
}

/// Demands that the change is denied for every file of these, and for this reason.
#[track_caller]
fn is_denied(desk: &Desk, base: &str, files: &[&str], why: &str) {
    let verdict = verdict(audit(desk, base), 1);
    let findings = verdict["findings"].as_array().unwrap();
    let denied = findings.iter().filter(|finding| finding["code"] == "rule/unapproved");
    let denied: Vec<&str> = denied
        .map(|finding| {
            let sentence = finding["sentence"].as_str().unwrap();
            assert!(sentence.contains(why), "{sentence}");
            assert_eq!(finding["level"], "deny");
            finding["subject"].as_str().unwrap()
        })
        .collect();
    assert_eq!(denied, files);
}

const APPROVAL: &str = "tree/.weft/rules.dsse.json";
const EXEMPTIONS: &str = "schema = 1\n[[exemption]]\ncode = \"rule/unapproved\"\nsubject = \"weft.toml\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2027-01-01\n";

#[test]
fn a_change_of_rules_needs_the_bases_quorum() {
    let desk = desk();
    assert_eq!(verdict(audit(&desk, "HEAD"), 0)["comparison"].get("rules"), None);
    weaken(&desk);
    is_denied(&desk, "HEAD", &["weft.toml"], "2 keys of the base's role `rules`");
    sign(&desk, "HEAD", "alice").exits(0);
    is_denied(&desk, "HEAD", &["weft.toml"], "1 of 2");
    // The same key again is one key.
    sign(&desk, "HEAD", "alice").exits(0);
    is_denied(&desk, "HEAD", &["weft.toml"], "1 of 2");
    sign(&desk, "HEAD", "carol").exits(0);
    is_approved(&desk, "HEAD", &["alice", "carol"]);
    let human = desk.run(&format!("audit --as-of {AS_OF} --base HEAD")).exits(0).stdout;
    assert!(human.contains(
        "\nrules that change\n  weft.toml: checks.topology/sole-gateway: \"deny\" -> \"off\"\n"
    ));
    assert!(human.contains("\n  approved by alice, carol\n"), "{human}");
    assert!(!human.contains("rule/changed"), "it is told once: {human}");
    let markdown = format!("audit --as-of {AS_OF} --base HEAD --format markdown");
    let markdown = desk.run(&markdown).exits(0).stdout;
    assert!(markdown.contains("\n### Rules that change\n\n- `weft.toml`: "), "{markdown}");
    let merge = format!("gate merge --as-of {AS_OF} --base HEAD~1 --format json");
    desk.commit();
    stops(desk.run(&merge), 0, &[]);
    let diff = desk.run(&format!("diff HEAD~1 HEAD --as-of {AS_OF} --format json")).exits(0).stdout;
    let diff: Value = serde_json::from_str(&diff).unwrap();
    assert_eq!(diff["new"].as_array().unwrap().len(), 1, "{diff}");
    // From here on it is the base's, and the approval is a thing of the past.
    assert_eq!(verdict(audit(&desk, "HEAD"), 0)["comparison"].get("rules"), None);
    write(&desk.path("tree/weft.toml"), STRICT);
    is_denied(&desk, "HEAD", &["weft.toml"], "approves something else");
    approve(&desk, "HEAD");
    is_approved(&desk, "HEAD", &["alice", "bob"]);
}

#[test]
fn an_approval_that_the_commit_does_not_have_stops_the_merge() {
    let desk = desk();
    weaken(&desk);
    desk.commit();
    fs::write(desk.path("tree/.git/info/exclude"), ".weft/rules.dsse.json\n").unwrap();
    let merge = format!("gate merge --as-of {AS_OF} --base HEAD~1 --format json");
    stops(desk.run(&merge), 1, &["audit"]);
    approve(&desk, "HEAD~1");
    stops(desk.run(&merge), 1, &["source"]);
}

#[test]
fn what_the_head_makes_of_the_rules_has_no_say_in_them() {
    let desk = desk();
    let off = "schema = 1\nprofile = \"local\"\n[checks]\n\"rule/*\" = \"off\"\n";
    write(&desk.path("tree/weft.toml"), off);
    write(&desk.path("tree/.weft/exemptions.toml"), EXEMPTIONS);
    is_denied(&desk, "HEAD", &[".weft/exemptions.toml", "weft.toml"], "2 keys");
    // Neither a lower threshold, nor a key that it lets in.
    let roles = fs::read_to_string(desk.path("tree/.weft/roles.toml")).unwrap();
    let lower = roles.replace("[roles.rules]\nthreshold = 2", "[roles.rules]\nthreshold = 1");
    assert_ne!(lower, roles);
    let mallory = SigningKey::from_seed(&[7; 32]);
    let key = format!(
        "[[keys]]\nname = \"mallory\"\npublic = \"{}\"\nroles = [\"rules\"]\n",
        mallory.public()
    );
    write(&desk.path("tree/.weft/roles.toml"), &(lower + &key));
    let files = [".weft/exemptions.toml", ".weft/roles.toml", "weft.toml"];
    sign(&desk, "HEAD", "alice").exits(0);
    is_denied(&desk, "HEAD", &files, "1 of 2");
    let bytes = fs::read(desk.path(APPROVAL)).unwrap();
    let mut envelope = Envelope::from_slice(&bytes).unwrap();
    mallory.endorse(&mut envelope);
    fs::write(desk.path(APPROVAL), envelope.to_vec()).unwrap();
    is_denied(&desk, "HEAD", &files, "1 of 2");
    sign(&desk, "HEAD", "bob").exits(0);
    is_approved(&desk, "HEAD", &["alice", "bob"]);
}

#[test]
fn an_approval_is_for_one_change_of_one_state_of_the_rules() {
    let desk = desk();
    weaken(&desk);
    approve(&desk, "HEAD");
    is_approved(&desk, "HEAD", &["alice", "bob"]);
    // Another change in addition, and another instead.
    write(&desk.path("tree/.weft/exemptions.toml"), EXEMPTIONS);
    let both = [".weft/exemptions.toml", "weft.toml"];
    is_denied(&desk, "HEAD", &both, "approves something else");
    sign(&desk, "HEAD", "carol").exits(2);
    write(&desk.path("tree/weft.toml"), STRICT);
    is_denied(&desk, "HEAD", &both[..1], "approves something else");
    // The same change, after the base's rules changed elsewhere.
    desk.git(&["stash", "--quiet", "--include-untracked"]);
    write(&desk.path("tree/.weft/exemptions.toml"), "schema = 1\n");
    desk.commit();
    weaken(&desk);
    desk.git(&["checkout", "--quiet", "stash@{0}^3", "--", ".weft/rules.dsse.json"]);
    is_denied(&desk, "HEAD", &["weft.toml"], "approves something else");
}

#[test]
fn an_approval_stays_and_is_not_used_again() {
    let desk = desk();
    weaken(&desk);
    approve(&desk, "HEAD");
    let used = fs::read(desk.path(APPROVAL)).unwrap();
    desk.commit();
    write(&desk.path("tree/weft.toml"), STRICT);
    approve(&desk, "HEAD");
    is_approved(&desk, "HEAD", &["alice", "bob"]);
    desk.commit();
    // The rules are what they were when it was signed.
    weaken(&desk);
    fs::write(desk.path(APPROVAL), &used).unwrap();
    is_denied(&desk, "HEAD", &["weft.toml"], "approves something else");
    // Nor can the way be cleared for it.
    write(&desk.path("tree/weft.toml"), STRICT);
    let why = "no rule changes, and .weft/rules.dsse.json stays";
    is_denied(&desk, "HEAD", &[".weft/rules.dsse.json"], why);
    fs::remove_file(desk.path(APPROVAL)).unwrap();
    is_denied(&desk, "HEAD", &[".weft/rules.dsse.json"], why);
    sign(&desk, "HEAD", "alice").exits(2);
    assert!(!desk.path(APPROVAL).exists());
}

#[test]
fn what_changed_of_the_rules_is_decided_again_from_the_facts() {
    let desk = desk();
    weaken(&desk);
    for approved in [false, true] {
        if approved {
            approve(&desk, "HEAD");
        }
        let line = format!("audit --as-of {AS_OF} --base HEAD --format json --facts ../facts.json");
        let said = desk.run(&line).exits(i32::from(!approved)).stdout;
        let facts = fs::read(desk.path("facts.json")).unwrap();
        let facts = weft_gate::Facts::from_canonical(&facts).unwrap();
        assert_eq!(facts.to_canonical().unwrap(), fs::read(desk.path("facts.json")).unwrap());
        let again = weft_gate::decide(&facts).unwrap().to_canonical().unwrap();
        assert_eq!(said.trim_end().as_bytes(), again);
    }
}

#[test]
fn signatures_count_as_they_are() {
    let desk = desk();
    weaken(&desk);
    approve(&desk, "HEAD");
    let sound: Value = serde_json::from_slice(&fs::read(desk.path(APPROVAL)).unwrap()).unwrap();
    let denied = |change: fn(&mut Value), why: &str| {
        let mut envelope = sound.clone();
        change(&mut envelope);
        write(&desk.path(APPROVAL), &envelope.to_string());
        is_denied(&desk, "HEAD", &["weft.toml"], why);
    };
    // One key twice, also under the name of another.
    denied(|e| e["signatures"][1] = e["signatures"][0].clone(), "1 of 2");
    denied(|e| e["signatures"][1]["sig"] = e["signatures"][0]["sig"].clone(), "1 of 2");
    denied(|e| e["signatures"] = Value::Array(Vec::new()), "envelope/no-signatures");
    denied(|e| e["payloadType"] = "text/plain".into(), "approves something else");
    denied(|e| e["payload"] = "e30=".into(), "approves something else");
    denied(|e| e["more"] = 1.into(), "record/member-unknown");
    write(&desk.path(APPROVAL), &sound.to_string());
    is_approved(&desk, "HEAD", &["alice", "bob"]);
}

#[test]
fn an_approval_that_cannot_be_read_is_none() {
    let desk = desk();
    weaken(&desk);
    approve(&desk, "HEAD");
    let sound = fs::read(desk.path(APPROVAL)).unwrap();
    let long = [&sound[..], &vec![b' '; 1 << 20]].concat();
    let rows: [(&[u8], &str); 5] = [
        (b"", "json/"),
        (b"[]", "record/"),
        (b"\xff", "json/"),
        (&sound[..sound.len() - 1], "json/"),
        (&long, "is larger than the 1 MiB"),
    ];
    for (bytes, why) in rows {
        fs::write(desk.path(APPROVAL), bytes).unwrap();
        is_denied(&desk, "HEAD", &["weft.toml"], why);
    }
    fs::remove_file(desk.path(APPROVAL)).unwrap();
    fs::create_dir(desk.path(APPROVAL)).unwrap();
    is_denied(&desk, "HEAD", &["weft.toml"], "is not a regular file");
    sign(&desk, "HEAD", "alice").exits(2);
    #[cfg(unix)]
    {
        fs::remove_dir(desk.path(APPROVAL)).unwrap();
        fs::write(desk.path("elsewhere"), &sound).unwrap();
        std::os::unix::fs::symlink("../../elsewhere", desk.path(APPROVAL)).unwrap();
        is_denied(&desk, "HEAD", &["weft.toml"], "is reached by a symbolic link");
        sign(&desk, "HEAD", "carol").exits(2);
        assert_eq!(fs::read(desk.path("elsewhere")).unwrap(), sound, "nothing is written through");
    }
}

/// Whatever becomes of a file of rules is a change, and what can be read can be approved.
#[test]
fn files_that_go_come_or_look_the_same_are_changes() {
    let desk = desk();
    let at = |name: &str| desk.path("tree").join(name);
    fs::create_dir(at("ci")).unwrap();
    write(&at("ci/a.toml"), STRICT);
    write(&at("ci/unused.toml"), STRICT);
    write(&at("weft.toml"), "schema = 1\nprofile = \"ci/a.toml\"\n");
    write(&at(".weft/exemptions.toml"), "schema = 1\n");
    desk.commit();
    let check = |change: &dyn Fn(), files: &[&str], what: &str| {
        change();
        is_denied(&desk, "HEAD", files, "2 keys");
        approve(&desk, "HEAD");
        is_approved(&desk, "HEAD", &["alice", "bob"]);
        let verdict = verdict(audit(&desk, "HEAD"), 0);
        let changed = &verdict["comparison"]["rules"]["changed"][0];
        assert!(changed["what"].as_str().unwrap().contains(what), "{changed}");
        desk.git(&["reset", "--quiet", "--hard"]);
        desk.git(&["clean", "--quiet", "--force", "-d"]);
    };
    let add = |name: &str, text: &str| {
        let old = fs::read_to_string(at(name)).unwrap();
        write(&at(name), &(old + text));
    };
    check(&|| add("weft.toml", "\n"), &["weft.toml"], "its form alone");
    check(&|| add("ci/a.toml", "# why\n"), &["ci/a.toml"], "its form alone");
    check(
        &|| fs::remove_file(at(".weft/exemptions.toml")).unwrap(),
        &[".weft/exemptions.toml"],
        "it is no rule any more",
    );
    check(
        &|| write(&at(".weft/exemptions.toml"), EXEMPTIONS),
        &[".weft/exemptions.toml"],
        "which is new",
    );
    check(
        &|| fs::remove_file(at("weft.toml")).unwrap(),
        &["ci/a.toml", "weft.toml"],
        "no rule any more",
    );
    let renamed = || {
        fs::rename(at("ci/a.toml"), at("ci/b.toml")).unwrap();
        write(&at("weft.toml"), "schema = 1\nprofile = \"ci/b.toml\"\n");
    };
    check(&renamed, &["ci/a.toml", "ci/b.toml", "weft.toml"], "it is no rule any more");
    // A file that was there, and comes to be a rule, is bound as well.
    let points = || write(&at("weft.toml"), "schema = 1\nprofile = \"ci/unused.toml\"\n");
    check(&points, &["ci/a.toml", "ci/unused.toml", "weft.toml"], "it is no rule any more");
    check(&|| fs::remove_dir_all(at(".weft/roles")).unwrap(), &[".weft/roles/1.json"], "no rule");
    check(
        &|| write(&at(".weft/roles/2.json"), "{}"),
        &[".weft/roles/2.json"],
        "comes to be a rule",
    );
}

#[test]
#[cfg(unix)]
fn what_is_no_file_of_rules_cannot_be_approved() {
    use std::os::unix::fs::symlink;
    let desk = desk();
    let at = |name: &str| desk.path("tree").join(name);
    let check = |change: &dyn Fn(), file: &str, why: &str| {
        change();
        let verdict = verdict(audit(&desk, "HEAD"), 1);
        let denied = verdict["findings"].as_array().unwrap().iter();
        let mut denied = denied.filter(|f| f["code"] == "rule/unapproved" && f["subject"] == file);
        let sentence = denied.next().unwrap()["sentence"].as_str().unwrap().to_owned();
        assert!(sentence.contains(why), "{sentence}");
        let refused = sign(&desk, "HEAD", "alice").exits(2);
        assert!(refused.stderr.contains(why), "{}", refused.said());
        if at(".weft").is_symlink() {
            fs::remove_file(at(".weft")).unwrap();
        }
        desk.git(&["reset", "--quiet", "--hard"]);
        desk.git(&["clean", "--quiet", "--force", "-d"]);
    };
    // The same bytes by another way may be others tomorrow.
    let moved = |name: &str| {
        fs::rename(at(name), at("moved")).unwrap();
        symlink(at("moved"), at(name)).unwrap();
    };
    check(&|| moved("weft.toml"), "weft.toml", "is reached by a symbolic link");
    check(&|| moved(".weft"), ".weft/roles.toml", "is reached by a symbolic link");
    check(
        &|| fs::create_dir(at(".weft/exemptions.toml")).unwrap(),
        ".weft/exemptions.toml",
        "is not a regular file",
    );
    let dangling = || symlink("nowhere", at(".weft/exemptions.toml")).unwrap();
    check(&dangling, ".weft/exemptions.toml", "is reached by a symbolic link");
    let replaced = || {
        fs::remove_file(at("weft.toml")).unwrap();
        fs::create_dir(at("weft.toml")).unwrap();
    };
    check(&replaced, "weft.toml", "is not a regular file");
    check(&|| write(&at("weft.toml"), "schema = 1\nodd\n"), "weft.toml", "does not make a policy");
    let missing = || write(&at("weft.toml"), "schema = 1\nprofile = \"gone.toml\"\n");
    check(&missing, "weft.toml", "does not make a policy");
}

#[test]
fn which_documents_are_looked_at_is_a_rule_and_what_they_promise_is_not() {
    let desk = desk();
    let map = desk.path("tree/claims/a.toml");
    fs::create_dir(desk.path("tree/claims")).unwrap();
    for file in ["README.md", "MORE.md"] {
        write(&desk.path("tree").join(file), "# A\n");
    }
    write(&map, "schema = 1\ndocuments = [\"README.md\", \"MORE.md\"]\n");
    desk.commit();
    write(&map, "schema = 1\ndocuments = [\"README.md\", \"MORE.md\"]\n# more\n");
    assert_eq!(verdict(audit(&desk, "HEAD"), 0)["comparison"].get("rules"), None);
    write(&map, "schema = 1\ndocuments = [\"README.md\"]\n");
    is_denied(&desk, "HEAD", &["claims/a.toml"], "2 keys");
    approve(&desk, "HEAD");
    is_approved(&desk, "HEAD", &["alice", "bob"]);
    fs::remove_file(&map).unwrap();
    is_denied(&desk, "HEAD", &["claims/a.toml"], "approves something else");
}

#[test]
fn an_approval_is_for_one_workspace_of_the_repository() {
    let desk = desk();
    let root = desk.path("tree");
    for project in ["one", "two"] {
        for file in ["Cargo.toml", "Cargo.lock", "src", "weft.toml", ".weft"] {
            let target = root.join(project).join(file);
            fs::create_dir_all(root.join(project)).unwrap();
            match root.join(file).is_dir() {
                true => copy(&root.join(file), &target),
                false => _ = fs::copy(root.join(file), target).unwrap(),
            }
        }
    }
    desk.git(&[
        "rm",
        "--quiet",
        "-r",
        "--force",
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "weft.toml",
        ".weft",
    ]);
    desk.commit();
    for project in ["one", "two"] {
        write(&root.join(project).join("weft.toml"), &STRICT.replace("deny", "off"));
    }
    for who in ["alice", "bob"] {
        let line = format!("sign --rules --base HEAD --key ../../keys/{who}.key");
        desk.at("tree/one", &line).exits(0);
    }
    let audit = format!("audit --as-of {AS_OF} --base HEAD --format json");
    let one = verdict(desk.at("tree/one", &audit), 0);
    assert_eq!(one["comparison"]["rules"]["changed"][0]["file"], "weft.toml");
    fs::copy(root.join("one/.weft/rules.dsse.json"), root.join("two/.weft/rules.dsse.json"))
        .unwrap();
    let two = verdict(desk.at("tree/two", &audit), 1);
    let refused = two["comparison"]["rules"]["approval"]["refused"].as_str().unwrap();
    assert!(refused.contains("approves something else"), "{refused}");
}

#[test]
fn a_base_that_names_nobody_is_told_of_and_the_first_rules_are_free() {
    let codes = |verdict: &Value| -> Vec<String> {
        let findings = verdict["findings"].as_array().unwrap().iter();
        let of_rules = findings.filter(|f| f["code"].as_str().unwrap().starts_with("rule/"));
        of_rules.map(|f| format!("{} {}", f["level"], f["code"]).replace('"', "")).collect()
    };
    let desk = Desk::new();
    write(&desk.path("tree/weft.toml"), STRICT);
    let unguarded = verdict(audit(&desk, "HEAD"), 0);
    assert_eq!(codes(&unguarded), ["warn rule/unguarded", "note rule/changed"]);
    assert_eq!(unguarded["comparison"]["rules"]["approval"], "unguarded");
    let refused = sign(&desk, "HEAD", "alice").exits(1);
    assert!(refused.stderr.contains("role/unknown"), "{}", refused.said());

    clear(&desk.path("tree/.weft"));
    clear(&desk.path("tree/weft.toml"));
    desk.commit();
    desk.git(&["revert", "--no-edit", "--no-commit", "HEAD"]);
    write(&desk.path("tree/weft.toml"), STRICT);
    let first = verdict(audit(&desk, "HEAD"), 0);
    assert_eq!(codes(&first), ["note rule/changed"; 3]);
    assert_eq!(first["comparison"]["rules"]["approval"], "first");
}

#[test]
fn roles_of_the_base_that_are_not_in_force_approve_nothing() {
    let desk = desk();
    weaken(&desk);
    approve(&desk, "HEAD");
    let approval = fs::read(desk.path(APPROVAL)).unwrap();
    clear(&desk.path("tree/.weft/rules.dsse.json"));
    write(&desk.path("tree/weft.toml"), STRICT);
    let roles = desk.path("tree/.weft/roles.toml");
    let draft = fs::read_to_string(&roles).unwrap().replace("version = 1", "version = 2");
    write(&roles, &draft);
    desk.commit();
    weaken(&desk);
    is_denied(&desk, "HEAD", &["weft.toml"], "not in force");
    fs::write(desk.path(APPROVAL), approval).unwrap();
    is_denied(&desk, "HEAD", &["weft.toml"], "not in force");
    sign(&desk, "HEAD", "alice").exits(2);
}

#[test]
fn who_may_not_approve_signs_nothing_and_who_changes_nothing_neither() {
    let desk = Desk::of(
        &[("alice", "\"rules\""), ("dave", "\"release\""), ("erin", "\"release\"")],
        "[roles.rules]\nthreshold = 1\n",
    );
    let nothing = sign(&desk, "HEAD", "alice").exits(2);
    assert!(nothing.stderr.contains("no rule is another than in"), "{}", nothing.said());
    write(&desk.path("tree/weft.toml"), STRICT);
    let refused = sign(&desk, "HEAD", "dave");
    assert!(refused.stderr.contains("signature/wrong-role"), "{}", refused.said());
    assert!(!desk.path(APPROVAL).exists());
    is_denied(&desk, "HEAD", &["weft.toml"], "no key of the base's role `rules` signed that");
    sign(&desk, "HEAD", "alice").exits(0);
    is_approved(&desk, "HEAD", &["alice"]);
    for line in [
        "sign --rules --key ../keys/alice.key",
        "sign --base HEAD --role rules weft.toml --key ../keys/alice.key",
        "sign --rules --base HEAD --role rules --key ../keys/alice.key",
        "sign --rules --base nosuch --key ../keys/alice.key",
    ] {
        desk.run(line).exits(2);
    }
}

fn clear(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => _ = fs::remove_file(path),
    }
}
