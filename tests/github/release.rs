//! The release gate: what a draft has to have, and that nothing but what was judged is published.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Match, World};
use crate::payload;
use crate::runner::{Job, Place, REPO, TOKEN};

const PERMISSIONS: [(&str, &str); 2] = [("contents", "write"), ("attestations", "read")];
const TAG: &str = "v1.0.0";
const NEEDS: &str = "schema = 1\nprofile = \"local\"\n[gate.release]\nrequire = [\"release-manifest\", \"signatures\", \"provenance\", \"sbom\"]\n";

/// A repository whose one maintainer has built, attested and signed a release.
struct Maintainer {
    place: Place,
    /// The digest of the roles, as the workflow knows it.
    roles: String,
    commit: String,
    /// Files of a complete release.
    files: Vec<(String, Vec<u8>)>,
}

/// Runs the command line in the checkout.
#[track_caller]
pub(crate) fn weft(place: &Place, line: &str) -> String {
    let action = PathBuf::from(env!("CARGO_BIN_EXE_weft-action"));
    let weft = action.with_file_name(format!("cargo-weft{}", std::env::consts::EXE_SUFFIX));
    assert!(weft.exists(), "build it first: cargo build -p cargo-weft");
    let output = Command::new(weft)
        .args(line.split(' '))
        .current_dir(place.tree())
        .env("PASS", "unguessable-passphrase")
        .env("CARGO_HOME", place.path("home"))
        .output()
        .unwrap();
    let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{line}\n{}\n{err}", String::from_utf8_lossy(&out));
    String::from_utf8(out).unwrap()
}

impl Maintainer {
    fn new() -> Self {
        Self::of(NEEDS)
    }

    fn of(policy: &str) -> Self {
        let files = crate::sample::workspace(&[("serde", "1.0.0")]);
        let place = Place::new(&[crate::sample::all(&files), vec![("weft.toml", policy)]].concat());
        for directory in ["keys", "out", "evidence"] {
            fs::create_dir(place.path(directory)).unwrap();
        }
        place.write(&[("../out/app.tar", "the artifact\n")]);
        let run = |line: &str| weft(&place, line);
        run("key new alice --output ../keys/alice.key --passphrase-env PASS");
        run(
            "role init --name alice --key ../keys/alice.pub --role release --role build --role gate",
        );
        run("role propose --output ../roles.json");
        run("role attest ../roles.json --key ../keys/alice.key --passphrase-env PASS");
        let committed = run("role commit ../roles.json --format json");
        let roles: Value = serde_json::from_str(&committed).unwrap();
        let commit = place.commit(&[]);
        place.git(&["tag", TAG]);
        let sign = "--key ../keys/alice.key --passphrase-env PASS";
        run(&format!(
            "attest provenance --artifacts ../out --builder https://ci.example.org --source-repo https://example.org/octo/widget {sign} --output ../evidence/provenance.json"
        ));
        run(&format!(
            "attest sbom --artifacts ../out --precision lock {sign} --output ../evidence/sbom.json"
        ));
        run(
            "release prepare --precision lock --artifacts ../out --release-version 1.0.0 --output ../release.json",
        );
        run(&format!("release countersign ../release.json {sign}"));
        run("release finish ../release.json --output ../release.dsse.json");
        let read = |from: &str, name: &str| (name.to_owned(), fs::read(place.path(from)).unwrap());
        let files = vec![
            read("out/app.tar", "app.tar"),
            read("evidence/provenance.json", "provenance.dsse.json"),
            read("evidence/sbom.json", "sbom.dsse.json"),
            read("release.dsse.json", "release.dsse.json"),
            read("release.json.verdict.json", "release.json.verdict.json"),
        ];
        let roles = roles["digest"].as_str().unwrap().to_owned();
        Self { place, roles, commit, files }
    }

    /// Uploads the files but for some into a draft, and returns its number.
    fn draft(&self, without: &[&str]) -> (Fake, u64) {
        let mut world = World::of(REPO, TOKEN, &PERMISSIONS);
        let files: Vec<(&str, &[u8])> = self
            .files
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()))
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        world.repository(REPO).commit(&self.commit, &[], &[]);
        world.repository(REPO).point(&format!("refs/tags/{TAG}"), &self.commit);
        let id = world.draft(REPO, TAG, "main", &files);
        (Fake::start(world), id)
    }

    /// Prepares the gate that publishes what passes.
    fn gate<'a>(&self, fake: &'a Fake, id: u64) -> Job<'a> {
        let event = payload::workflow_dispatch(REPO, "refs/heads/main", &json!({}));
        Job::new(&self.place, fake, "workflow_dispatch", &event, &self.commit)
            .with("mode", "gate-release")
            .with("release-id", id.to_string())
            .with("trusted-roles", &*self.roles)
            .with("publish", "true")
    }
}

fn is_draft(fake: &Fake, id: u64) -> bool {
    fake.world().repository(REPO).releases[&id].is_draft
}

#[test]
fn a_complete_draft_is_published_and_an_incomplete_one_is_not() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    // Without `publish` nothing is changed.
    let done = maintainer.gate(&fake, id).with("publish", "false").run().exits(0);
    assert_eq!((done.output("verdict"), done.output("published")), ("passed", "false"));
    assert!(fake.writes().is_empty());
    let done = maintainer.gate(&fake, id).run().exits(0);
    assert_eq!((done.output("published"), done.output("missing")), ("true", ""));
    assert_eq!(done.output("audited-sha"), maintainer.commit);
    assert!(!is_draft(&fake, id));
    assert!(fake.unknown().is_empty(), "{:?}", fake.unknown());
    let report = done.report();
    let kinds: Vec<&str> =
        report["assets"].as_array().unwrap().iter().map(|a| a["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["artifact", "attestation", "manifest", "verdict", "attestation"]);
    // What is published already comes too late.
    let done = maintainer.gate(&fake, id).run().exits(1);
    assert!(done.output("missing").contains("it is published already"), "{:?}", done.outputs);

    for (without, step) in [
        ("provenance.dsse.json", "provenance: "),
        ("sbom.dsse.json", "sbom: "),
        ("release.dsse.json", "signatures: "),
        ("release.json.verdict.json", "verdict: "),
        ("app.tar", "artifacts: "),
    ] {
        let (fake, id) = maintainer.draft(&[without]);
        let done = maintainer.gate(&fake, id).run();
        assert!(matches!(done.status, Some(1 | 3)), "{without}: {:?}", done.status);
        assert_eq!(done.output("published"), "false");
        assert!(done.output("missing").contains(step), "{without}: {}", done.output("missing"));
        assert!(done.summary.contains("What is missing"), "{}", done.summary);
        assert!(is_draft(&fake, id) && fake.writes().is_empty());
    }
}

#[test]
fn a_file_that_nobody_signed_keeps_a_draft_a_draft() {
    let maintainer = Maintainer::new();
    for (name, bytes) in [
        ("extra.tar", &b"x"[..]),
        ("extra.sigstore.json", b"{}"),
        ("extra.dsse.json", b"#!/bin/sh\n"),
        ("extra.json", b"[]"),
        ("RELEASE.dsse.json", b"x"),
    ] {
        let (fake, id) = maintainer.draft(&[]);
        fake.world().asset(REPO, id, name, bytes);
        let done = maintainer.gate(&fake, id).run();
        assert!(matches!(done.status, Some(1 | 3)), "{name}: {:?} {}", done.status, done.log);
        assert!(is_draft(&fake, id));
    }
}

/// What only looks like an attestation, or has a name that the gate knows and does not read, is an artifact.
#[test]
fn no_shape_and_no_name_vouches_for_a_file() {
    let maintainer = Maintainer::new();
    let wrapped = json!({"version": "9", "attestations": [{"bundle": {"mediaType": "x"}}]});
    let envelope = |payload: &[u8]| {
        weft_verify::envelope::Envelope::new("application/vnd.in-toto+json", payload.to_vec())
    };
    let other = envelope(br#"{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"x","subject":[{"digest":{"sha256":"00"},"name":"x"}]}"#);
    for (name, bytes) in [
        ("latest.json", wrapped.to_string().into_bytes()),
        ("evil.json", envelope(b"#!/bin/sh").to_vec()),
        ("other.dsse.json", other.to_vec()),
    ] {
        let (fake, id) = maintainer.draft(&[]);
        fake.world().asset(REPO, id, name, &bytes);
        let done = maintainer.gate(&fake, id).run();
        assert!(matches!(done.status, Some(1 | 3)), "{name}: {:?}", done.status);
        assert!(is_draft(&fake, id), "{name}");
    }
    // The workflow gives the manifest, and the release has another file of that name.
    let (fake, id) = maintainer.draft(&["release.dsse.json"]);
    fake.world().asset(REPO, id, "release.dsse.json", b"#!/bin/sh\n");
    let given = maintainer.place.path("release.dsse.json").display().to_string();
    let done = maintainer.gate(&fake, id).with("manifest", &*given).run().exits(1);
    assert!(done.output("missing").contains("artifacts: "), "{}", done.output("missing"));
    assert!(is_draft(&fake, id));
    // The same file is welcome.
    let (fake, id) = maintainer.draft(&[]);
    maintainer.gate(&fake, id).with("manifest", given).run().exits(0);
}

/// An old release cannot come again as a new one.
#[test]
fn an_old_release_is_not_published_again_under_a_new_tag() {
    let maintainer = Maintainer::new();
    let (fake, _) = maintainer.draft(&[]);
    maintainer.place.git(&["tag", "--force", "v9.9.9"]);
    let id = {
        let mut world = fake.world();
        world.repository(REPO).point("refs/tags/v9.9.9", &maintainer.commit);
        let files: Vec<(&str, &[u8])> =
            maintainer.files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        world.draft(REPO, "v9.9.9", "main", &files)
    };
    let done = maintainer.gate(&fake, id).run().exits(1);
    assert!(done.output("missing").contains("version: no package"), "{:?}", done.outputs);
    assert!(is_draft(&fake, id));
}

/// Where a release was published before, the manifest has to follow its.
#[test]
fn a_manifest_follows_that_of_the_release_before() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    {
        let mut world = fake.world();
        let files: Vec<(&str, &[u8])> =
            maintainer.files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        let before = world.draft(REPO, "v0.9.0", "main", &files);
        let release = world.repository(REPO).releases.get_mut(&before).unwrap();
        release.is_draft = false;
        release.published = Some("2026-11-01T00:00:00Z".to_owned());
    }
    let done = maintainer.gate(&fake, id).run().exits(1);
    let missing = done.output("missing");
    assert!(missing.contains("chain: the manifest says that it is the first"), "{missing}");
    assert!(is_draft(&fake, id));
}

#[test]
fn bytes_count_and_not_what_the_api_says_of_them() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    {
        let mut world = fake.world();
        let release = world.repository(REPO).releases.get_mut(&id).unwrap();
        let asset = release.assets.values_mut().find(|asset| asset.name == "app.tar").unwrap();
        // Of the same size, and with the digest of the good one.
        asset.bytes = b"the ARTIFACT\n".to_vec();
    }
    let done = maintainer.gate(&fake, id).run().exits(1);
    assert!(done.output("missing").contains("artifacts: "), "{}", done.output("missing"));
    assert!(is_draft(&fake, id));
}

#[test]
fn attestations_that_github_holds_count_as_well() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&["provenance.dsse.json", "sbom.dsse.json"]);
    maintainer.gate(&fake, id).run().exits(3);
    let of = |name: &str| {
        let (_, bytes) = maintainer.files.iter().find(|(file, _)| file == name).unwrap();
        serde_json::from_slice::<Value>(bytes).unwrap()
    };
    let digest = format!("sha256:{}", weft_verify::Sha256::of(b"the artifact\n"));
    // However many others there are before them.
    let mut held = vec![of("release.dsse.json"); 120];
    held.extend([of("provenance.dsse.json"), of("sbom.dsse.json")]);
    fake.world().repository(REPO).attestations.insert(digest, held);
    maintainer.gate(&fake, id).run().exits(0);
    assert!(!is_draft(&fake, id));
}

#[test]
fn a_token_that_sees_no_attestations_says_so_and_the_gate_stays_shut() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&["provenance.dsse.json"]);
    let permissions = &mut fake.world().tokens.get_mut(TOKEN).unwrap().permissions.clone();
    permissions.remove("attestations");
    fake.world().tokens.get_mut(TOKEN).unwrap().permissions = permissions.clone();
    let done = maintainer.gate(&fake, id).run().exits(3);
    assert!(done.log.contains("what GitHub holds of attestations"), "{}", done.log);
    assert!(is_draft(&fake, id));
}

#[test]
fn what_moves_while_it_is_judged_is_not_published() {
    let maintainer = Maintainer::new();
    type Move = fn(&mut World, u64);
    let moves: [(&str, Move); 5] = [
        ("tag", |world, _| {
            world.repository(REPO).commit(&"e".repeat(40), &[], &[]);
            world.repository(REPO).point(&format!("refs/tags/{TAG}"), &"e".repeat(40));
        }),
        ("tag is gone", |world, _| {
            world.repository(REPO).refs.remove(&format!("refs/tags/{TAG}"));
        }),
        ("one more file", |world, id| {
            world.asset(REPO, id, "evil.tar", b"x");
        }),
        ("another file", |world, id| {
            let release = world.repository(REPO).releases.get_mut(&id).unwrap();
            let (old, asset) = release.assets.pop_first().unwrap();
            release.assets.insert(old + 5000, asset);
        }),
        ("another tag", |world, id| {
            let release = world.repository(REPO).releases.get_mut(&id).unwrap();
            "v2.0.0".clone_into(&mut release.tag_name);
        }),
    ];
    for (what, change) in moves {
        let (fake, id) = maintainer.draft(&[]);
        // The last download is over, and the second look at the release comes.
        fake.on(Match::new("GET", "/attestations/"), move |world| change(world, id));
        let done = maintainer.gate(&fake, id).run().exits(3);
        assert!(done.output("missing").contains("moved: "), "{what}: {}", done.output("missing"));
        assert!(is_draft(&fake, id), "{what}");
        assert!(fake.writes().is_empty(), "{what}");
    }
}

#[test]
fn what_changes_in_the_moment_of_publication_fails() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    fake.on(Match::new("PATCH", "/releases/"), move |world| {
        world.asset(REPO, id, "evil.tar", b"x");
    });
    let done = maintainer.gate(&fake, id).run().exits(1);
    assert!(done.output("missing").contains("and is a draft again"), "{:?}", done.outputs);
    assert_eq!(done.output("published"), "false");
    assert!(is_draft(&fake, id));
    // Where it cannot be taken back, everybody is told.
    let (fake, id) = maintainer.draft(&[]);
    fake.world().repository(REPO).seals_releases = true;
    fake.on(Match::new("PATCH", "/releases/"), move |world| {
        world.asset(REPO, id, "evil.tar", b"x");
    });
    let done = maintainer.gate(&fake, id).run().exits(1);
    assert!(done.output("missing").contains("what everybody sees was not judged"));
    assert_eq!(done.output("published"), "true");
}

/// What is only not known takes no release away from everybody, and is no pass.
#[test]
fn a_tag_that_cannot_be_read_after_publication_leaves_the_release() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    for look in 1..=3 {
        fake.on(Match::new("GET", "/git/ref/tags/"), move |world| {
            if look == 3 {
                world.revoke(TOKEN);
            }
        });
    }
    let done = maintainer.gate(&fake, id).run().exits(3);
    assert!(done.output("missing").contains("whether its tag stayed is not known"));
    assert_eq!(done.output("published"), "true");
    assert!(done.log.contains("is published all the same"), "{}", done.log);
    assert!(!is_draft(&fake, id));
}

#[test]
fn publication_is_tried_again_and_done_once() {
    let maintainer = Maintainer::new();
    for fault in [Fault::AfterWrite(502), Fault::status(502), Fault::Cut] {
        let (fake, id) = maintainer.draft(&[]);
        fake.fault(Match::new("PATCH", "/releases/"), fault);
        let done = maintainer.gate(&fake, id).run().exits(0);
        assert_eq!(done.output("published"), "true");
        assert!(!is_draft(&fake, id));
    }
    let (fake, id) = maintainer.draft(&[]);
    fake.faults(9, Match::new("PATCH", "/releases/"), Fault::status(403));
    let done = maintainer.gate(&fake, id).run().exits(3);
    assert!(done.output("missing").contains("GitHub did not publish it"));
    assert!(is_draft(&fake, id));
}

#[test]
fn a_draft_is_found_by_its_tag_unless_two_have_it() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    let by_tag = || maintainer.gate(&fake, id).with("release-id", "").with("tag", TAG);
    by_tag().with("publish", "false").run().exits(0);
    maintainer.gate(&fake, id).with("tag", "v2.0.0").run().exits(2);
    maintainer.gate(&fake, id).with("release-id", "").run().exits(2);
    maintainer.gate(&fake, 1).run().exits(2);
    fake.world().draft(REPO, TAG, "main", &[]);
    let done = by_tag().run().exits(2);
    assert!(done.stderr.contains("2 releases are of the tag"), "{}", done.stderr);
    // A number says which is meant.
    maintainer.gate(&fake, id).run().exits(0);
}

#[test]
fn the_commit_is_that_of_the_tag() {
    let maintainer = Maintainer::new();
    // A branch that the draft names says nothing.
    let (fake, id) = maintainer.draft(&[]);
    fake.world().repository(REPO).refs.clear();
    let done = maintainer.gate(&fake, id).run().exits(3);
    assert!(done.output("missing").contains("tag: there is no tag"), "{:?}", done.outputs);
    // An annotated tag leads to its commit, and a tag of another commit is not what is checked out.
    let tag = format!("refs/tags/{TAG}");
    fake.world().repository(REPO).annotate(&tag, &"c".repeat(40), &maintainer.commit);
    maintainer.gate(&fake, id).with("publish", "false").run().exits(0);
    fake.world().repository(REPO).commit(&"e".repeat(40), &[], &[]);
    fake.world().repository(REPO).annotate(&tag, &"d".repeat(40), &"e".repeat(40));
    let done = maintainer.gate(&fake, id).run().exits(2);
    assert!(done.stderr.contains("is checked out, and the tag"), "{}", done.stderr);
    assert!(is_draft(&fake, id));
}

#[test]
fn the_event_of_a_release_names_it_and_one_that_is_published_comes_too_late() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    let run = |fake: &Fake, action: &str, is_draft: bool| {
        let event = payload::release(REPO, action, id, TAG, is_draft);
        Job::new(&maintainer.place, fake, "release", &event, &maintainer.commit)
            .with("mode", "gate-release")
            .with("trusted-roles", &*maintainer.roles)
            .with("publish", "true")
            .run()
    };
    run(&fake, "created", true).exits(0);
    assert!(!is_draft(&fake, id));
    let done = run(&fake, "published", false).exits(1);
    assert!(done.output("missing").contains("it is published already"));
}

#[test]
fn downloads_come_from_storage_without_the_token_and_odd_names_are_refused() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    maintainer.gate(&fake, id).with("publish", "false").run().exits(0);
    let from_storage = |e: &crate::fake::Exchange| e.path.contains("/asset/");
    let exchanges = fake.exchanges();
    let from_storage: Vec<_> = exchanges.iter().filter(|e| from_storage(e)).collect();
    assert_eq!(from_storage.len(), 5);
    assert!(from_storage.iter().all(|e| !e.request_headers.contains_key("authorization")));

    for name in [
        "../evil",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "c:evil",
        "NUL",
        "aux.txt",
        "Com1.bin",
        "a\nb",
        "\u{202e}a",
        "APP.TAR",
    ] {
        let (fake, id) = maintainer.draft(&[]);
        fake.world().asset(REPO, id, name, b"x");
        let event = maintainer.gate(&fake, id);
        let done = event.run_unchecked().exits(3);
        assert!(done.output("missing").contains("assets: "), "{name:?}: {:?}", done.outputs);
        assert!(is_draft(&fake, id));
    }
    let (fake, id) = maintainer.draft(&[]);
    fake.faults(
        9,
        Match::new("GET", "/releases/assets/"),
        Fault::Redirect("http://example.org/".into()),
    );
    let done = maintainer.gate(&fake, id).run().exits(3);
    assert!(is_draft(&fake, id), "{:?}", done.outputs);
}

#[test]
fn a_gate_that_only_warns_and_one_without_a_token_are_refused() {
    let maintainer = Maintainer::new();
    let (fake, id) = maintainer.draft(&[]);
    maintainer.gate(&fake, id).with("warn-only", "true").run().exits(2);
    maintainer.gate(&fake, id).with("offline", "true").run().exits(2);
    for roles in [String::new(), "0".repeat(64)] {
        let done = maintainer.gate(&fake, id).with("trusted-roles", roles).run();
        assert!(matches!(done.status, Some(1 | 3)), "{}", done.log);
        assert!(done.output("missing").contains("roles: "), "{}", done.output("missing"));
    }
    maintainer.gate(&fake, id).with("newest-revocation", "9").run().exits(1);
    assert!(is_draft(&fake, id) && fake.writes().is_empty());
}
