//! Both gates: what a policy requires of a merge and of a release, who may vouch for it, and what is missing.

use std::fs;

use serde_json::Value;
use weft_verify::Sha256;
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::sign::SigningKey;

use crate::common::Done;
use crate::desk::{Desk, stops, write};

const POLICY: &str = "schema = 1\nprofile = \"local\"\n[gate.merge]\nrequire = [\"inventory\"]\n[gate.release]\nrequire = [\"inventory\", \"merge-verdict\", \"provenance\", \"release-manifest\", \"sbom\", \"signatures\"]\n";

const PROVENANCE: &str = "attest provenance --precision lock --artifacts ../out --builder https://ci.example.org --source-repo https://example.org/a/b --source-ref refs/heads/main --key ../keys/dave.key --output ../evidence/provenance.json";

const SBOM: &str = "attest sbom --precision lock --artifacts ../out --key ../keys/dave.key --output ../evidence/sbom.json";

/// A repository with somebody for each duty, whose policy asks for everything that keys can vouch for.
fn desk(policy: &str) -> Desk {
    let people = [
        ("alice", "\"release\""),
        ("bob", "\"release\""),
        ("carol", "\"gate\""),
        ("dave", "\"build\""),
    ];
    let desk = Desk::of(&people, "[roles.gate]\nthreshold = 1\n[roles.build]\nthreshold = 1\n");
    write(&desk.path("tree/weft.toml"), policy);
    desk.commit();
    fs::create_dir_all(desk.path("evidence")).unwrap();
    desk
}

fn merge(desk: &Desk, more: &str) -> Done {
    desk.run(&format!("gate merge --precision lock {more} --format json"))
}

#[test]
fn a_merge_is_of_a_commit_that_passes_and_has_what_is_required() {
    let desk = desk(POLICY);
    stops(merge(&desk, ""), 0, &[]);
    let json: Value = serde_json::from_str(&merge(&desk, "").stdout).unwrap();
    assert_eq!((&json["gate"], &json["verdict"]["outcome"]), (&"merge".into(), &"passed".into()));
    // A change that no commit has, beside a file that is ignored.
    write(&desk.path("tree/src/lib.rs"), "// changed\n");
    stops(merge(&desk, ""), 1, &["source"]);
    desk.commit();
    // What is required and cannot be known: there is no database of advisories, and no claims map.
    let more = POLICY.replacen("[\"inventory\"]", "[\"advisories\", \"claims\", \"evidence\"]", 1);
    write(&desk.path("tree/weft.toml"), &more);
    desk.commit();
    let done = merge(&desk, "");
    for command in ["cargo weft db update", "cargo weft claims init", "cargo weft evidence collect"]
    {
        assert!(done.stdout.contains(command), "{}", done.said());
    }
    stops(done, 3, &["advisories", "claims", "evidence"]);
    // By the policy of a base nothing of that is required.
    desk.run("gate merge --base HEAD~1 --format json").exits(0);
}

#[test]
fn a_release_has_everything_that_its_policy_requires() {
    let desk = desk(POLICY);
    desk.release("1.0.0", "");
    let gate =
        |more: &str| desk.gate("1.0.0", &format!("--evidence ../evidence {more} --format json"));
    let none = gate("");
    for command in ["cargo weft attest sbom", "cargo weft gate merge", "Have the build attest"] {
        assert!(none.stdout.contains(command), "{}", none.said());
    }
    stops(none, 3, &["provenance", "sbom", "merge-verdict"]);
    stops(desk.gate("1.0.0", "--format json"), 3, &["provenance", "sbom", "merge-verdict"]);
    desk.run(PROVENANCE).exits(0);
    stops(gate(""), 3, &["sbom", "merge-verdict"]);
    desk.run(SBOM).exits(0);
    stops(gate(""), 3, &["merge-verdict"]);
    let sign = "--key ../keys/carol.key --passphrase-env PASS --verdict ../verdict.json";
    merge(&desk, &format!("--summary ../evidence/merge.json {sign}")).exits(0);
    stops(gate(""), 0, &[]);
    // The summary names the verdict that was written, and what it relied on.
    let sha256 = |path: &str| Sha256::of(&fs::read(desk.path(path)).unwrap()).to_string();
    gate("--summary ../vsa.json").exits(0);
    let vsa: Value = serde_json::from_slice(&fs::read(desk.path("vsa.json")).unwrap()).unwrap();
    let relied = vsa["predicate"]["inputAttestations"].as_array().unwrap();
    let names: Vec<&str> = relied.iter().map(|r| r["uri"].as_str().unwrap()).collect();
    let expected = ["evidence:merge.json", "evidence:provenance.json", "evidence:sbom.json"];
    assert_eq!(names[..3], expected);
    assert_eq!(relied[0]["digest"]["sha256"], sha256("evidence/merge.json"));
    assert!(names.contains(&"release-manifest") && names.contains(&"verdict"));
    let steps = vsa["predicate"]["weft"]["steps"].to_string();
    assert!(steps.contains("provenance") && steps.contains("sbom"), "{steps}");
    let schema = desk.run("schema summary").exits(0).stdout;
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&vsa["predicate"]["weft"]));
    assert!(!schema.is_valid(&vsa["predicate"]));
    // One bad file hides none of the good ones, and is told.
    write(&desk.path("evidence/bad.json"), "{");
    let done = gate("");
    assert!(done.stdout.contains("bad.json"), "{}", done.said());
    stops(done, 0, &[]);
    // An artifact that nothing is about.
    write(&desk.path("out/app.tar"), "another artifact\n");
    stops(gate(""), 1, &["artifacts", "provenance", "sbom"]);
}

#[test]
fn each_duty_is_that_of_its_role() {
    let desk = desk(POLICY);
    desk.release("1.0.0", "");
    // Whoever does not have the role does not get to sign.
    desk.run(&PROVENANCE.replace("dave", "alice")).exits(1);
    desk.run(&format!("{PROVENANCE} --role gate").replace("dave", "carol")).exits(0);
    desk.run(SBOM).exits(0);
    let by_dave = "--summary ../evidence/merge.json --key ../keys/dave.key --passphrase-env PASS";
    let refused = merge(&desk, by_dave).exits(1);
    assert!(refused.stderr.contains("signature/wrong-role"), "{}", refused.said());
    // A summary of a merge that another role signed elsewhere.
    merge(&desk, "--summary ../plain.json").exits(0);
    let statement = fs::read(desk.path("plain.json")).unwrap();
    let dave = SigningKey::unlock(
        &fs::read_to_string(desk.path("keys/dave.key")).unwrap(),
        crate::desk::PASSPHRASE.as_bytes(),
    );
    let mut envelope = Envelope::new(IN_TOTO, statement);
    dave.unwrap().endorse(&mut envelope);
    fs::write(desk.path("evidence/merge.json"), envelope.to_vec()).unwrap();
    let done = desk.gate("1.0.0", "--evidence ../evidence --format json");
    assert!(done.stdout.contains("signature/threshold-not-met"), "{}", done.said());
    stops(done, 1, &["provenance", "merge-verdict"]);
    // A verdict on the tree of another commit is none on this one, and one that failed is no pass.
    fs::remove_file(desk.path("evidence/merge.json")).unwrap();
    fs::remove_file(desk.path("evidence/provenance.json")).unwrap();
    desk.run(PROVENANCE).exits(0);
    let by_carol = "--key ../keys/carol.key --passphrase-env PASS";
    let failing = "--policy release --summary ../evidence/failed.json";
    merge(&desk, &format!("{failing} {by_carol}"));
    let done = desk.gate("1.0.0", "--evidence ../evidence --format json");
    assert!(done.stdout.contains("by another policy, did not pass"), "{}", done.said());
    stops(done, 1, &["merge-verdict"]);
    fs::remove_file(desk.path("evidence/failed.json")).unwrap();
    write(&desk.path("tree/src/lib.rs"), "// another\n");
    desk.commit();
    merge(&desk, &format!("--summary ../evidence/other.json {by_carol}")).exits(0);
    let done = desk.gate("1.0.0", "--evidence ../evidence --format json");
    stops(done, 1, &["source"]);
}

#[test]
fn without_a_manifest_the_policy_comes_from_elsewhere() {
    let policy = "schema = 1\n[gate.release]\nrequire = [\"provenance\"]\n";
    let desk = desk(policy);
    desk.run(PROVENANCE).exits(0);
    let gate = |more: &str| {
        desk.run(&format!(
            "gate release --precision lock --artifacts ../out --evidence ../evidence --trusted-roles {} {more} --format json",
            desk.roles
        ))
    };
    stops(gate(""), 3, &["policy"]);
    write(&desk.path("policy.toml"), policy);
    stops(gate("--policy ../policy.toml"), 0, &[]);
    stops(gate("--policy weft.toml"), 3, &["policy"]);
    // Roles that the tree brings along vouch for nothing.
    let untrusted = "gate release --precision lock --artifacts ../out --evidence ../evidence --policy ../policy.toml --format json";
    stops(desk.run(untrusted), 1, &["provenance"]);
    // Built from another commit than the one that is released.
    desk.git(&["commit", "--quiet", "--allow-empty", "--message", "y"]);
    let done = gate("--policy ../policy.toml");
    assert!(done.stdout.contains("commit of the provenance"), "{}", done.said());
    stops(done, 1, &["provenance"]);
}

#[test]
fn what_is_attested_is_what_is_committed() {
    let desk = desk(POLICY);
    let inventory = "attest inventory --precision lock --key ../keys/dave.key --output ../evidence/inventory.json";
    desk.run(inventory).exits(0);
    let verify = format!(
        "verify ../evidence/inventory.json --bundle ../evidence/inventory.json --role build --trusted-roles {}",
        desk.roles
    );
    // It is about the sources, and not about itself.
    desk.run(&verify).exits(1);
    let junit = "<testsuites><testsuite name=\"a\"><testcase classname=\"a\" name=\"b\"/><testcase classname=\"a\" name=\"c\"><failure/></testcase></testsuite></testsuites>";
    write(&desk.path("junit.xml"), junit);
    let tests = "attest test-evidence --junit ../junit.xml --key ../keys/dave.key --output ../evidence/tests.json";
    desk.run(tests).exits(0);
    let payload = |name: &str| {
        let envelope = Envelope::from_slice(&fs::read(desk.path(name)).unwrap()).unwrap();
        String::from_utf8(envelope.unverified_payload().to_vec()).unwrap()
    };
    let said = payload("evidence/tests.json");
    for expected in [
        "\"failedTests\":[\"a c\"]",
        "\"passedTests\":[\"a b\"]",
        "\"result\":\"FAILED\"",
        "gitTree",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(payload("evidence/inventory.json").contains("pkg:cargo/app@1.0.0"));
    // The same again adds a signature by the same key, which counts once; a change is refused.
    desk.run(inventory).exits(0);
    write(&desk.path("tree/src/lib.rs"), "// changed\n");
    for line in [inventory, tests, PROVENANCE, SBOM] {
        let done = desk.run(line).exits(2);
        assert!(done.stderr.contains("src/lib.rs is not as the commit has it"), "{}", done.said());
    }
    write(&desk.path("tree/src/lib.rs"), "");
    write(&desk.path("junit.xml"), "<testsuites/>");
    desk.run(&tests.replace("tests.json", "none.json")).exits(2);
    desk.run(&PROVENANCE.replace("../out", "../keys/none")).exits(2);
    desk.run(&PROVENANCE.replace(" --builder https://ci.example.org", "")).exits(2);
    for (good, bad) in [
        ("https://example.org/a/b", "https://user:secret@example.org/a/b"),
        ("https://example.org/a/b", "example.org/a/b"),
        ("https://ci.example.org", "https://ci.example.org/\u{202e}x"),
        ("refs/heads/main", "refs/heads/\u{1b}main"),
    ] {
        let done = desk.run(&PROVENANCE.replace(good, bad).replace("/provenance", "/bad")).exits(2);
        assert!(
            !done.stderr.contains("secret") && !done.stderr.contains('\u{1b}'),
            "{}",
            done.said()
        );
        assert!(!desk.path("evidence/bad.json").exists());
    }
    desk.run(PROVENANCE).exits(0);
}

/// A release gate that asks for nothing but an audit that passes, of a tree with a crate that the rules ban.
fn banned() -> (Desk, &'static str) {
    let policy = "schema = 1\n[gate.merge]\nrequire = []\n[gate.release]\nrequire = []\n[bans]\ndeny = [{ crate = \"evil\" }]\n";
    let desk = desk(policy);
    let lockfile = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"evil\"]\n\n[[package]]\nname = \"evil\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"1111111111111111111111111111111111111111111111111111111111111111\"\n";
    write(&desk.path("tree/Cargo.lock"), lockfile);
    let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nevil = \"1\"\n";
    write(&desk.path("tree/Cargo.toml"), manifest);
    desk.commit();
    write(&desk.path("policy.toml"), policy);
    (desk, "gate release --precision lock --artifacts ../out --format json")
}

const EXEMPTION: &str = "schema = 1\n[[exemption]]\ncode = \"ban/package\"\nsubject = \"pkg:cargo/evil@1.0.0\"\nreason = \"x\"\nowner = \"m\"\napprover = \"n\"\nexpires = \"2099-01-01\"\n";

#[test]
fn a_base_says_by_what_a_release_is_judged_and_pardons_nothing() {
    let (desk, gate) = banned();
    stops(desk.run(&format!("{gate} --policy ../policy.toml")), 1, &["audit"]);
    // What the base has itself is released all the same.
    desk.git(&["commit", "--quiet", "--allow-empty", "--message", "y"]);
    stops(desk.run(&format!("{gate} --base HEAD~1")), 1, &["audit"]);
    stops(desk.run(&format!("{gate} --base HEAD")), 1, &["policy", "audit"]);
    desk.run(&format!("{gate} --base no-such")).exits(2);
}

#[test]
fn what_a_tree_brings_along_to_be_judged_by_is_not_obeyed() {
    let (desk, gate) = banned();
    let gate = |more: &str| desk.run(&format!("{gate} --policy ../policy.toml {more}"));
    // Exemptions of the tree, which nobody signed.
    write(&desk.path("tree/.weft/exemptions.toml"), EXEMPTION);
    desk.commit();
    stops(gate(""), 1, &["audit"]);
    // Advisories of the tree.
    let policy = "schema = 1\n[gate.release]\nrequire = [\"advisories\"]\n[advisories]\ndatabase = \"advisories\"\n";
    write(&desk.path("policy.toml"), policy);
    let database =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/advisory-db");
    crate::common::copy(&database, &desk.path("tree/advisories"));
    desk.commit();
    let done = gate("");
    assert!(done.stdout.contains("lies in the tree"), "{}", done.said());
    stops(done, 3, &["advisories"]);
    // A trusted root of the tree.
    let policy = "schema = 1\n[gate.release]\nrequire = [\"provenance\"]\n[provenance]\nissuer = \"https://i\"\nsource-owner = \"o\"\ntrusted-root = \"root.json\"\n";
    write(&desk.path("policy.toml"), policy);
    write(&desk.path("tree/root.json"), "{}");
    desk.commit();
    stops(gate("--evidence ../evidence"), 3, &["trusted-root", "provenance"]);
}

#[test]
fn what_is_judged_is_part_of_the_commit() {
    let (desk, gate) = banned();
    // Rules and lockfiles that git passes over.
    write(&desk.path("tree/.gitignore"), ".weft/exemptions.toml\n");
    desk.commit();
    write(&desk.path("tree/.weft/exemptions.toml"), EXEMPTION);
    let done = merge(&desk, "");
    assert!(
        done.stdout.contains(".weft/exemptions.toml is not as the commit has it"),
        "{}",
        done.said()
    );
    stops(done, 1, &["source"]);
    fs::remove_file(desk.path("tree/.weft/exemptions.toml")).unwrap();
    desk.git(&["rm", "--quiet", "--cached", "Cargo.lock"]);
    write(&desk.path("tree/.gitignore"), "Cargo.lock\n");
    desk.commit();
    stops(desk.run(&format!("{gate} --policy ../policy.toml")), 1, &["source", "audit"]);
    let done = desk.run(PROVENANCE).exits(2);
    assert!(done.stderr.contains("Cargo.lock is not as the commit has it"), "{}", done.said());
}

#[test]
fn artifacts_are_there_and_can_be_read_whatever_is_asked_of_them() {
    let desk = desk("schema = 1\n[gate.release]\nrequire = [\"inventory\"]\n");
    write(&desk.path("policy.toml"), "schema = 1\n[gate.release]\nrequire = [\"inventory\"]\n");
    let gate = |directory: &str, more: &str| {
        desk.run(&format!(
            "gate release --precision lock --policy ../policy.toml --artifacts {directory} {more} --format json"
        ))
    };
    stops(gate("../out", ""), 0, &[]);
    stops(gate("../nowhere", ""), 3, &["artifacts"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("app.tar", desk.path("out/link")).unwrap();
        let done = gate("../out", "--summary ../vsa.json");
        assert!(
            done.stderr.contains("no summary is written: link is no regular file"),
            "{}",
            done.said()
        );
        stops(done, 1, &["artifacts"]);
        assert!(!desk.path("vsa.json").exists());
    }
}

#[test]
fn keys_do_not_stand_in_for_a_signer_that_is_expected() {
    let desk = desk(POLICY);
    desk.release("1.0.0", "");
    desk.run(PROVENANCE).exits(0);
    let expect = "--issuer https://token.actions.githubusercontent.com --source-repo a/b";
    let done = desk.gate("1.0.0", &format!("--evidence ../evidence {expect} --format json"));
    assert!(done.stdout.contains("provenance/means"), "{}", done.said());
    stops(done, 1, &["provenance", "sbom", "merge-verdict"]);
}

#[test]
fn what_is_missing_is_listed_whatever_else_is() {
    let desk = desk(POLICY);
    fs::remove_dir_all(desk.path("tree/.weft")).unwrap();
    desk.commit();
    let done = desk.run(
        "gate release --precision lock --artifacts ../out --summary ../vsa.json --format json",
    );
    assert!(done.stdout.contains("cargo weft role init"), "{}", done.said());
    stops(done, 3, &["roles", "manifest", "provenance", "sbom", "merge-verdict"]);
    assert!(!desk.path("vsa.json").exists());
    let shown = desk.run("gate release --precision lock --artifacts ../out");
    assert!(shown.stdout.lines().all(|line| line.len() <= 120), "{}", shown.said());
}

/// What a link leads to, and a repository in the repository, are for the attacker to choose.
#[cfg(unix)]
#[test]
fn what_the_tree_leads_to_is_not_outside_of_it() {
    use std::os::unix::fs::symlink;
    let desk = desk(POLICY);
    desk.release("1.0.0", "");
    let gate = "gate release --precision lock --artifacts ../out --manifest ../r/1.0.0.dsse.json --verdict ../r/1.0.0.json.verdict.json --format json";
    let first = |done: &Done| -> (String, String) {
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        let step = &json["steps"][0];
        (step["check"].as_str().unwrap().to_owned(), step["result"].as_str().unwrap().to_owned())
    };
    let missing = ("roles".to_owned(), "missing".to_owned());
    assert_eq!(first(&desk.run(gate)), missing);
    // The same roles behind a link of the tree.
    fs::rename(desk.path("tree/.weft"), desk.path("elsewhere")).unwrap();
    symlink(desk.path("elsewhere"), desk.path("tree/.weft")).unwrap();
    desk.commit();
    assert_eq!(first(&desk.run(gate)), missing);
    let named = format!("{gate} --roles ../elsewhere/roles.toml");
    assert_eq!(first(&desk.run(&named)).1, "passed", "named from outside it counts");
    // A policy behind a link.
    write(&desk.path("policy.toml"), "schema = 1\n[gate.release]\nrequire = []\n");
    symlink(desk.path("policy.toml"), desk.path("tree/pl.toml")).unwrap();
    desk.commit();
    let without = "gate release --precision lock --artifacts ../out --format json";
    stops(desk.run(&format!("{without} --policy ../policy.toml")), 1, &["source"]);
    fs::remove_file(desk.path("tree/.weft")).unwrap();
    let done = desk.run(&format!("{without} --policy pl.toml")).exits(1);
    assert!(done.stdout.contains("it lies in what is judged"), "{}", done.said());
    fs::remove_file(desk.path("tree/pl.toml")).unwrap();
    desk.commit();
    // A workspace that is a link to another repository, and one that is a repository of its own.
    stops(desk.run(&format!("{without} --policy ../policy.toml")), 0, &[]);
    symlink(desk.path("tree"), desk.path("way")).unwrap();
    fs::create_dir_all(desk.path("outer/.git")).unwrap();
    symlink(desk.path("tree"), desk.path("outer/ws")).unwrap();
    let merge = "gate merge --precision lock --format json";
    let done = desk.at("", &format!("{merge} --manifest-path outer/ws/Cargo.toml"));
    assert!(done.stdout.contains("ws is a link"), "{}", done.said());
    stops(done, 3, &["source"]);
    fs::remove_file(desk.path("outer/ws")).unwrap();
    crate::common::copy(&desk.path("tree"), &desk.path("outer/ws"));
    let done = desk.at("", &format!("{merge} --manifest-path outer/ws/Cargo.toml"));
    assert!(done.stdout.contains("lies in another one"), "{}", done.said());
    stops(done, 3, &["source"]);
    desk.at("", &format!("{merge} --manifest-path outer/ws/Cargo.toml --base HEAD~1")).exits(2);
}

#[test]
fn a_base_is_one_commit_and_another_one() {
    let desk = desk(POLICY);
    write(&desk.path("tree/src/lib.rs"), "// more\n");
    desk.commit();
    let merge = |base: &str| desk.run(&format!("gate merge --base {base} --format json"));
    stops(merge("HEAD~1"), 0, &[]);
    stops(merge("HEAD"), 3, &["policy"]);
    desk.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    stops(merge("origin/main"), 0, &[]);
    // A branch, or a tag, that is called like the remote's.
    desk.git(&["branch", "origin/main"]);
    let done = merge("origin/main").exits(2);
    assert!(
        done.stderr.contains("refs/heads/origin/main and refs/remotes/origin/main"),
        "{}",
        done.said()
    );
    stops(merge("refs/remotes/origin/main"), 0, &[]);
    desk.git(&["branch", "--quiet", "-D", "origin/main"]);
    desk.git(&["tag", "origin/main"]);
    merge("origin/main~0").exits(2);
    desk.git(&["tag", "v@1"]);
    desk.git(&["branch", "v@1"]);
    merge("v@1").exits(2);
    desk.git(&["tag", "abcdef1"]);
    merge("abcdef1").exits(2);
}

/// Git believes its database; whoever can write a cache of it writes commits.
#[test]
fn objects_are_what_their_ids_say() {
    let desk = desk(POLICY);
    write(&desk.path("tree/src/lib.rs"), "// what was signed\n");
    desk.commit();
    stops(merge(&desk, ""), 0, &[]);
    let id = |revision: &str| {
        let output = std::process::Command::new("git")
            .args(["rev-parse", revision])
            .current_dir(desk.path("tree"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let object = |id: &str| desk.path(&format!("tree/.git/objects/{}/{}", &id[..2], &id[2..]));
    let (signed, tree) = (object(&id("HEAD:src/lib.rs")), object(&id("HEAD:src")));
    write(&desk.path("tree/src/lib.rs"), "// what was not signed\n");
    desk.git(&["add", "--all"]);
    desk.git(&["commit", "--quiet", "--message", "other"]);
    let (other, other_tree) = (object(&id("HEAD:src/lib.rs")), object(&id("HEAD:src")));
    desk.git(&["reset", "--quiet", "--soft", "HEAD~1"]);
    for (place, with) in [(signed, other), (tree, other_tree)] {
        let kept = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        fs::copy(&with, &place).unwrap();
        let done = merge(&desk, "");
        assert!(done.stdout.contains("git's database holds something else"), "{}", done.said());
        assert_eq!(done.status, Some(3), "{}", done.said());
        fs::remove_file(&place).unwrap();
        fs::write(&place, kept).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn links_lead_to_what_the_commit_has() {
    use std::os::unix::fs::symlink;
    let desk = desk(POLICY);
    fs::create_dir(desk.path("tree/target")).unwrap();
    write(&desk.path("tree/.gitignore"), "target\n");
    fs::rename(desk.path("tree/Cargo.lock"), desk.path("tree/target/Cargo.lock")).unwrap();
    symlink("target/Cargo.lock", desk.path("tree/Cargo.lock")).unwrap();
    desk.commit();
    let done = merge(&desk, "");
    assert!(done.stdout.contains("Cargo.lock is not as the commit has it"), "{}", done.said());
    stops(done, 1, &["source"]);
    fs::remove_file(desk.path("tree/Cargo.lock")).unwrap();
    fs::rename(desk.path("tree/target/Cargo.lock"), desk.path("tree/Cargo.lock")).unwrap();
    symlink("src", desk.path("tree/sources")).unwrap();
    desk.commit();
    stops(merge(&desk, ""), 0, &[]);
    fs::rename(desk.path("tree/src"), desk.path("tree/target/src")).unwrap();
    symlink("target/src", desk.path("tree/src")).unwrap();
    desk.commit();
    stops(merge(&desk, ""), 1, &["source"]);
}

/// What a cache of `.git` can hold beside objects: a configuration and an index.
#[cfg(unix)]
#[test]
fn neither_the_configuration_nor_the_index_of_git_is_believed() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk(POLICY);
    let program = desk.path("program");
    let sentinel = desk.path("sentinel");
    write(&program, &format!("#!/bin/sh\ntouch {}\n", sentinel.display()));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    desk.git(&["config", "core.fsmonitor", &program.display().to_string()]);
    for line in ["gate merge --base HEAD~1", "gate merge --precision lock"] {
        desk.run(line).exits(0);
        assert!(!sentinel.exists(), "{line} started what the repository names");
    }
    desk.git(&["config", "--unset", "core.fsmonitor"]);
    // An index that has a file more, and says of the folder what the commit says of it.
    write(&desk.path("tree/src/evil.rs"), "fn main() {}\n");
    desk.git(&["add", "src/evil.rs"]);
    let index = fs::read(desk.path("tree/.git/index")).unwrap();
    stops(merge(&desk, ""), 1, &["source"]);
    desk.git(&["reset", "--quiet"]);
    desk.git(&["update-index", "--add", "--skip-worktree", "src/lib.rs"]);
    stops(merge(&desk, ""), 1, &["source"]);
    fs::remove_file(desk.path("tree/src/evil.rs")).unwrap();
    stops(merge(&desk, ""), 0, &[]);
    fs::write(desk.path("tree/.git/index"), index).unwrap();
    stops(merge(&desk, ""), 1, &["source"]);
}

#[cfg(unix)]
#[test]
fn a_further_work_tree_is_judged_and_a_way_through_a_link_is_not() {
    use std::os::unix::fs::symlink;
    let desk = desk(POLICY);
    desk.git(&["worktree", "add", "--quiet", "further", "-b", "more"]);
    stops(desk.at("tree/further", "gate merge --precision lock --format json"), 0, &[]);
    desk.git(&["worktree", "remove", "further"]);
    // A commit that makes the workspace a link, and a shell that went through it.
    crate::common::copy(&desk.path("tree"), &desk.path("other"));
    symlink(desk.path("other"), desk.path("tree/ws")).unwrap();
    let line = "gate merge --precision lock --format json";
    let through = crate::common::Run::new(desk.path("other"), line)
        .env("PWD", desk.path("tree/ws"))
        .env("CARGO_HOME", desk.path("home"))
        .done();
    assert!(through.stdout.contains("ws is a link"), "{}", through.said());
    stops(through, 3, &["source"]);
    stops(desk.at("other", line), 0, &[]);
}
