//! `cargo weft trust update`: a private TUF repository on this machine, and what one that is not to be trusted may try.

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use weft_verify::Sha256;
use weft_verify::sign::SigningKey;

use self::server::{Answer, Server};
use crate::common::{Done, Run, Tree};

/// When everything expires.
const EXPIRES: &str = "2026-12-31T00:00:00Z";

/// The keys of the root, of the other roles, and those that follow them.
const ROOT: u8 = 61;
const ONLINE: u8 = 62;
const NEXT_ROOT: u8 = 63;
const NEXT_ONLINE: u8 = 64;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signed metadata; texts here need no escapes, so that RFC 8785 and TUF have one canonical form.
fn signed(signed: &Value, by: &[u8]) -> Vec<u8> {
    let bytes = serde_json_canonicalizer::to_vec(signed).unwrap();
    let signature =
        |seed: &u8| json!({"keyid": format!("key{seed}"), "sig": hex(&key(*seed).sign(&bytes))});
    let signatures: Vec<Value> = by.iter().map(signature).collect();
    serde_json_canonicalizer::to_vec(&json!({"signatures": signatures, "signed": signed})).unwrap()
}

fn root(version: u64, root: u8, online: u8, by: &[u8]) -> Vec<u8> {
    let public = |seed: u8| {
        json!({"keytype": "ed25519", "scheme": "ed25519",
            "keyval": {"public": hex(key(seed).public().as_bytes())}})
    };
    let role = |seed: u8| json!({"keyids": [format!("key{seed}")], "threshold": 1});
    let keys: BTreeMap<String, Value> =
        [root, online].map(|seed| (format!("key{seed}"), public(seed))).into();
    signed(
        &json!({"_type": "root", "spec_version": "1.0.31", "version": version, "expires": EXPIRES,
            "consistent_snapshot": true, "keys": keys, "roles": {"root": role(root),
            "timestamp": role(online), "snapshot": role(online), "targets": role(online)}}),
        by,
    )
}

/// A trusted root of which the newest part begins on a day.
fn trusted_root(day: &str) -> Vec<u8> {
    let mut root: Value =
        serde_json::from_str(sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
    for list in ["tlogs", "certificateAuthorities"] {
        for entry in root[list].as_array_mut().unwrap() {
            let holder = if list == "tlogs" { &mut entry["publicKey"] } else { entry };
            holder["validFor"] = json!({"start": format!("{day}T00:00:00Z")});
        }
    }
    root.to_string().into_bytes()
}

/// The versions of the roles, and what the targets name.
#[derive(Clone)]
struct Release {
    timestamp: u64,
    snapshot: u64,
    targets: u64,
    online: u8,
    trusted_root: Vec<u8>,
}

impl Release {
    fn of(version: u64, day: &str) -> Self {
        let trusted_root = trusted_root(day);
        Self {
            timestamp: version,
            snapshot: version,
            targets: version,
            online: ONLINE,
            trusted_root,
        }
    }

    fn files(&self) -> BTreeMap<String, Answer> {
        let role = |name: &str, version: u64, more: (&str, Value)| {
            let mut role = json!({"_type": name, "spec_version": "1.0.31", "version": version,
                "expires": EXPIRES});
            role[more.0] = more.1;
            signed(&role, &[self.online])
        };
        let digest = Sha256::of(&self.trusted_root).to_string();
        let target = json!({"length": self.trusted_root.len(), "hashes": {"sha256": digest}});
        let targets =
            role("targets", self.targets, ("targets", json!({"trusted_root.json": target})));
        let meta = json!({"targets.json": {"version": self.targets}});
        let snapshot = role("snapshot", self.snapshot, ("meta", meta));
        let meta = json!({"snapshot.json": {"version": self.snapshot}});
        let timestamp = role("timestamp", self.timestamp, ("meta", meta));
        let files = [
            ("timestamp.json".to_owned(), timestamp),
            (format!("{}.snapshot.json", self.snapshot), snapshot),
            (format!("{}.targets.json", self.targets), targets),
            (format!("targets/{digest}.trusted_root.json"), self.trusted_root.clone()),
        ];
        files.map(|(name, bytes)| (name, Answer::Bytes(bytes))).into()
    }

    fn target(&self) -> String {
        format!("targets/{}.trusted_root.json", Sha256::of(&self.trusted_root))
    }
}

struct Desk {
    tree: Tree,
    server: Server,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { tree: Tree::empty(), server: Server::start() };
        fs::write(desk.tree.path("root.json"), root(1, ROOT, ONLINE, &[ROOT])).unwrap();
        desk
    }

    /// With the first release fetched.
    fn updated() -> Self {
        let desk = Self::new();
        desk.serve(&Release::of(1, "2026-01-01"));
        desk.update().exits(0);
        desk
    }

    fn serve(&self, release: &Release) {
        self.server.answer(release.files());
    }

    fn run(&self, more: &str) -> Done {
        let url = self.server.url();
        let line = format!(
            "trust update --url {url} --initial-root root.json --output out.json --as-of 2026-11-24 {more}"
        );
        Run::new(self.tree.path(""), &line).done()
    }

    fn update(&self) -> Done {
        self.run("--online")
    }

    fn output(&self) -> PathBuf {
        self.tree.path("out.json")
    }

    /// Everything that an update writes.
    fn written(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        (fs::read(self.output()).ok(), fs::read(self.tree.path("out.json.tuf/state.json")).ok())
    }

    /// What ends so leaves everything as it was.
    #[track_caller]
    fn changes_nothing(&self, status: i32, why: &str) {
        let before = self.written();
        let done = self.update().exits(status);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(why), "{why}: {}", done.said());
        assert!(self.written() == before, "{why}: something was written");
    }
}

#[test]
fn a_trusted_root_is_fetched_refreshed_and_used() {
    let desk = Desk::new();
    let first = Release::of(1, "2026-01-01");
    desk.serve(&first);
    let done = desk.update().exits(0);
    assert!(done.stdout.starts_with("updated\n"), "{}", done.said());
    assert_eq!(fs::read(desk.output()).unwrap(), first.trusted_root);
    let shown = Run::new(desk.tree.path(""), "trust show --trusted-root out.json").done().exits(0);
    let digest = Sha256::of(&first.trusted_root);
    assert_eq!(shown.stdout, format!("out.json: sha256:{digest}, not older than 2026-01-01\n"));
    Run::new(desk.tree.path(""), "trust show --trusted-root absent").done().exits(2);
    // Verification takes it: what is missing is the bundle.
    fs::write(desk.tree.path("app"), "x").unwrap();
    let line = "verify app --issuer i --identity a --trusted-root out.json";
    Run::new(desk.tree.path(""), line).done().exits(3);

    let done = desk.update().exits(0);
    assert!(done.stdout.starts_with("unchanged\n"), "{}", done.said());
    let second = Release::of(2, "2026-02-01");
    desk.serve(&second);
    let json = desk.run("--online --format json").exits(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["result"], &json["versions"]["targets"]), (&"updated".into(), &2.into()));
    assert_eq!(fs::read(desk.output()).unwrap(), second.trusted_root);
    // Whoever stopped between the two files has the old root, and gets the new one the next time.
    fs::write(desk.output(), &first.trusted_root).unwrap();
    desk.update().exits(0);
    assert_eq!(fs::read(desk.output()).unwrap(), second.trusted_root);
    fs::remove_file(desk.output()).unwrap();
    desk.update().exits(0);
    assert_eq!(fs::read(desk.output()).unwrap(), second.trusted_root);
}

#[test]
fn nothing_older_is_taken() {
    let desk = Desk::updated();
    let second = Release::of(2, "2026-02-01");
    desk.serve(&second);
    desk.update().exits(0);
    desk.serve(&Release::of(1, "2026-01-01"));
    desk.changes_nothing(1, "rollback detected for timestamp");
    desk.serve(&Release { timestamp: 3, ..Release::of(1, "2026-01-01") });
    desk.changes_nothing(1, "rollback detected for snapshot");
    desk.serve(&Release { timestamp: 3, snapshot: 3, ..Release::of(1, "2026-01-01") });
    desk.changes_nothing(1, "rollback detected for targets");
    // Newer metadata of an older root.
    desk.serve(&Release::of(3, "2026-01-31"));
    desk.changes_nothing(1, "older than the one that is there");
    // Without what is kept, the root that is there still counts.
    fs::remove_dir_all(desk.tree.path("out.json.tuf")).unwrap();
    desk.serve(&Release::of(1, "2026-01-01"));
    desk.changes_nothing(1, "older than the one that is there");
    desk.serve(&Release::of(3, "2026-02-01"));
    desk.update().exits(0);
}

#[test]
fn what_has_expired_is_refused_as_of_the_day() {
    let desk = Desk::new();
    desk.serve(&Release::of(1, "2026-01-01"));
    let run = |day: &str| {
        let url = desk.server.url();
        let line =
            format!("trust update --online --url {url} --initial-root root.json --output out.json");
        Run::new(desk.tree.path(""), &format!("{line} --as-of {day}")).done()
    };
    let done = run("2026-12-31").exits(1);
    assert!(done.stdout.contains("metadata expired"), "{}", done.said());
    assert_eq!(desk.written(), (None, None));
    run("2026-12-30").exits(0);
    let before = desk.written();
    run("2027-01-01").exits(1);
    assert!(desk.written() == before);
}

#[test]
fn bad_answers_change_nothing() {
    let desk = Desk::updated();
    let next = Release::of(2, "2026-02-01");
    let files = ["timestamp.json", "2.snapshot.json", "2.targets.json", &next.target()];
    for name in files {
        let with = |answer: Answer| {
            let mut files = next.files();
            assert!(files.insert(name.to_owned(), answer).is_some(), "{name}");
            desk.server.answer(files);
        };
        let Some(Answer::Bytes(sound)) = next.files().remove(name) else { unreachable!() };
        with(Answer::Truncated(sound.clone()));
        desk.changes_nothing(2, "failed to update from http://127.0.0.1");
        with(Answer::Endless);
        desk.changes_nothing(2, "exceeds max length");
        with(Answer::Bytes(vec![b' '; 6 << 20]));
        desk.changes_nothing(2, "exceeds max");
        for status in [301, 404, 500] {
            with(Answer::Status(status));
            desk.changes_nothing(2, "failed to update from");
        }
        with(Answer::Bytes(sound[..sound.len() - 1].to_vec()));
        desk.changes_nothing(1, "refused");
        with(Answer::Bytes(String::from_utf8(sound).unwrap().replacen("20", "21", 1).into_bytes()));
        desk.changes_nothing(1, "refused");
    }
    // Signed by nobody who may.
    desk.serve(&Release { online: NEXT_ONLINE, ..next.clone() });
    desk.changes_nothing(1, "signature threshold not met");
    // A target that is no trusted root, though it is signed for.
    desk.serve(&Release { trusted_root: b"{}".to_vec(), ..next.clone() });
    desk.changes_nothing(1, "trusted root cannot be used");
    desk.serve(&next);
    desk.update().exits(0);
}

#[test]
fn keys_are_rotated_by_those_who_had_them() {
    let desk = Desk::updated();
    let next = Release { online: NEXT_ONLINE, ..Release::of(2, "2026-02-01") };
    let with = |second: Vec<u8>| {
        let mut files = next.files();
        files.insert("2.root.json".to_owned(), Answer::Bytes(second));
        desk.server.answer(files);
    };
    with(root(2, NEXT_ROOT, NEXT_ONLINE, &[NEXT_ROOT]));
    desk.changes_nothing(1, "signature threshold not met");
    with(root(2, NEXT_ROOT, NEXT_ONLINE, &[ROOT]));
    desk.changes_nothing(1, "signature threshold not met");
    with(root(3, NEXT_ROOT, NEXT_ONLINE, &[ROOT, NEXT_ROOT]));
    desk.changes_nothing(1, "root version must increment by one");
    with(root(2, NEXT_ROOT, NEXT_ONLINE, &[ROOT, NEXT_ROOT]));
    let done = desk.update().exits(0);
    assert!(done.stdout.contains("root 2,"), "{}", done.said());
    // The new root is kept: a repository that hides it has keys that count no more.
    desk.serve(&Release::of(3, "2026-03-01"));
    desk.changes_nothing(1, "signature threshold not met");
    desk.serve(&Release { online: NEXT_ONLINE, ..Release::of(3, "2026-03-01") });
    desk.update().exits(0);
}

#[test]
fn what_cannot_be_written_leaves_the_old_root_whole() {
    let desk = Desk::updated();
    let root = fs::read(desk.output()).unwrap();
    let misspelt = format!(
        "trust update --online --url {} --initial-root root.json --output absent/out.json --as-of 2026-11-24",
        desk.server.url()
    );
    Run::new(desk.tree.path(""), &misspelt).done().exits(2);
    assert!(!desk.tree.path("absent").exists());
    desk.serve(&Release::of(2, "2026-02-01"));
    // A directory where the state belongs is replaced by nothing.
    let state = desk.tree.path("out.json.tuf/state.json");
    let kept = fs::read(&state).unwrap();
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    desk.changes_nothing(2, "state.json");
    fs::remove_dir(&state).unwrap();
    // One that was cut or changed is no state, and is not passed over.
    for bad in [&kept[..kept.len() / 2], b"{}", b"null"] {
        fs::write(&state, bad).unwrap();
        desk.changes_nothing(2, "no state of updates");
    }
    fs::remove_dir_all(desk.tree.path("out.json.tuf")).unwrap();
    fs::write(desk.tree.path("out.json.tuf"), "a file").unwrap();
    desk.update().exits(2);
    assert_eq!(fs::read(desk.output()).unwrap(), root);
    fs::remove_file(desk.tree.path("out.json.tuf")).unwrap();
    // A file that is no trusted root is somebody's.
    fs::write(desk.output(), "precious").unwrap();
    desk.changes_nothing(2, "no trusted root");
    // What is kept is of one repository.
    fs::remove_file(desk.output()).unwrap();
    desk.update().exits(0);
    fs::write(desk.tree.path("root.json"), self::root(1, NEXT_ROOT, NEXT_ONLINE, &[NEXT_ROOT]))
        .unwrap();
    desk.changes_nothing(2, "of another repository");
}

#[test]
fn nothing_is_connected_to_unless_it_is_asked_for() {
    let desk = Desk::new();
    desk.serve(&Release::of(1, "2026-01-01"));
    let done = desk.run("").exits(2);
    assert!(
        done.stderr.contains(&format!("it would connect to {}", desk.server.url())),
        "{}",
        done.said()
    );
    for root in ["public-good", "github", "staging"] {
        let line = format!("trust update --root {root} --output out.json");
        let done = Run::new(desk.tree.path(""), &line).done().exits(2);
        assert!(done.stderr.contains("it would connect to https://tuf-repo"), "{}", done.said());
    }
    let port = desk.server.url().rsplit(':').next().unwrap().to_owned();
    for url in [
        format!("http://localhost:{port}"),
        "http://192.0.2.1".to_owned(),
        format!("http://user:secret@127.0.0.1:{port}"),
        "ftp://127.0.0.1".to_owned(),
        "file:///tmp".to_owned(),
        "tuf".to_owned(),
    ] {
        let line =
            format!("trust update --online --url {url} --initial-root root.json --output out.json");
        Run::new(desk.tree.path(""), &line).done().exits(2);
    }
    let line = format!("trust update --online --url {} --output out.json", desk.server.url());
    Run::new(desk.tree.path(""), &line).done().exits(2);
    Run::new(desk.tree.path(""), "trust update --online").done().exits(2);
    assert_eq!((desk.server.requests(), desk.written()), (0, (None, None)));
}
