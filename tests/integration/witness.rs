//! `cargo weft verify --require witness=K --tlog-policy FILE`: who has seen the checkpoint of the log.
//!
//! The bundle is a public vector that lies beside the repository, seen by witnesses of this test.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Done, Run, Tree};
use crate::notary::{DAY, Notary};
use crate::provenance::{ISSUER, vectors};

const CHECKPOINT: &str = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint";

/// A bundle of a log of the second kind, whose checkpoints witnesses sign.
struct Desk {
    tree: Tree,
    bundle: Value,
    text: String,
}

impl Desk {
    fn of(folder: &Path) -> Self {
        let tree = Tree::empty();
        fs::copy(folder.join("artifacts/a0cfc71271d6.bin"), tree.path("app")).unwrap();
        fs::copy(folder.join("roots/root-ed6a9cf4.json"), tree.path("root.json")).unwrap();
        let name = folder.join("conformance/rekor2-checkpoint-cosigned.sigstore.json");
        let bundle: Value = serde_json::from_slice(&fs::read(name).unwrap()).unwrap();
        let note = bundle.pointer(CHECKPOINT).unwrap()["envelope"].as_str().unwrap();
        let text = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
        Self { tree, bundle, text }
    }

    /// Writes the bundle with these lines behind the log's own.
    fn seen(&self, lines: &[String]) {
        let mut bundle = self.bundle.clone();
        let envelope = &mut bundle.pointer_mut(CHECKPOINT).unwrap()["envelope"];
        *envelope = (envelope.as_str().unwrap().to_owned() + &lines.concat()).into();
        fs::write(self.tree.path("app.sigstore.json"), bundle.to_string()).unwrap();
    }

    fn policy(&self, text: &str) {
        fs::write(self.tree.path("policy"), text).unwrap();
    }

    fn run(&self, more: &str) -> Done {
        let line = format!(
            "verify app {ISSUER} --trusted-root root.json --source-owner sigstore-conformance {more}"
        );
        Run::new(self.tree.path(""), &line).done()
    }

    /// The verifier key of the log, with the key that the trusted root has.
    fn log(&self) -> (String, [u8; 32]) {
        use base64ct::{Base64, Encoding};
        let root: PathBuf = self.tree.path("root.json");
        let root: Value = serde_json::from_slice(&fs::read(root).unwrap()).unwrap();
        let logs = root["tlogs"].as_array().unwrap().iter();
        let raw = logs.map(|log| log["publicKey"]["rawBytes"].as_str().unwrap());
        let ed25519 = raw.map(|raw| Base64::decode_vec(raw).unwrap()).find(|raw| raw.len() == 44);
        let key: [u8; 32] = ed25519.unwrap()[12..].try_into().unwrap();
        let name = self.text.lines().next().unwrap();
        (vkey(name, 1, &key), key)
    }
}

fn vkey(name: &str, algorithm: u8, key: &[u8; 32]) -> String {
    use base64ct::{Base64, Encoding};
    let typed = [&[algorithm][..], key].concat();
    let hash = weft_verify::Sha256::of(&[name.as_bytes(), b"\n", &typed].concat()).to_string();
    format!("{name}+{}+{}", &hash[..8], Base64::encode_string(&typed))
}

#[test]
fn distinct_witnesses_that_the_policy_names_are_counted() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let [a, b, c, stranger] =
        [("a.example", 11), ("b.example", 12), ("c.example", 13), ("d.example", 14)]
            .map(|(name, seed)| Notary::witness(name, seed));
    let witness = |name: &str, notary: &Notary| format!("witness {name} {}\n", notary.vkey());
    let witnesses = [witness("A", &a), witness("B", &b), witness("C", &c)].concat();
    let none = format!("{witnesses}quorum none\n");
    let seen = |notary: &Notary| notary.line(&desk.text, DAY);
    let two = "--require witness=2 --tlog-policy policy";
    let asked = format!("{two} --as-of 2026-11-24");
    desk.policy(&none);

    desk.seen(&[seen(&a), seen(&b)]);
    let done = desk.run(&asked).exits(0);
    assert!(done.stdout.contains("seen by A, B"), "{}", done.said());
    let refused = |why: &str| {
        let done = desk.run(&asked).exits(1);
        assert!(done.stdout.contains("proofs: failed (provenance/witness)"), "{}", done.said());
        assert!(done.stdout.contains(why), "{}", done.said());
        // Without witnesses, nothing is wrong with it.
        desk.run("").exits(0);
    };
    desk.seen(&[seen(&a)]);
    refused("2 of 3 witnesses has to have seen it");
    desk.seen(&[]);
    refused("2 of 3 witnesses");
    desk.seen(&[seen(&a), seen(&a), a.line(&desk.text, DAY - 1)]);
    refused("2 of 3 witnesses");
    desk.seen(&[seen(&a), Notary::witness("b.example", 11).line(&desk.text, DAY)]);
    refused("2 of 3 witnesses");
    desk.seen(&[seen(&a), seen(&stranger)]);
    refused("2 of 3 witnesses");
    desk.seen(&[seen(&a), b.line("another\n1\ntext\n", DAY)]);
    refused("the signature of b.example");
    // The last second of the day, and the one after it.
    desk.seen(&[seen(&a), b.line(&desk.text, DAY + 86_399)]);
    desk.run(&asked).exits(0);
    desk.seen(&[seen(&a), b.line(&desk.text, DAY + 86_400)]);
    refused("b.example says it will have seen it");

    // A quorum holds besides.
    desk.seen(&[seen(&a), seen(&b)]);
    desk.policy(&format!(
        "{witnesses}group g 1 A B\ngroup all-of-them all g C\nquorum all-of-them\n"
    ));
    refused("all-of-them has to have seen it");
    desk.run("--tlog-policy policy --as-of 2026-11-24").exits(1);
    desk.seen(&[seen(&a), seen(&c)]);
    desk.run(&asked).exits(0);
    desk.run("--tlog-policy policy --as-of 2026-11-24").exits(0);
}

#[test]
fn the_log_is_the_one_that_the_root_trusts_and_nobodys_witness() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    let (a, b) = (Notary::witness("a.example", 11), Notary::witness("b.example", 12));
    desk.seen(&[a.line(&desk.text, DAY), b.line(&desk.text, DAY)]);
    let both = format!("witness A {}\nwitness B {}\n", a.vkey(), b.vkey());
    let asked = "--require witness=1 --tlog-policy policy --as-of 2026-11-24";
    let (log, key) = desk.log();
    desk.policy(&format!("log {log}\n{both}quorum none\n"));
    desk.run(asked).exits(0);
    // A policy of another log, under its own name and under this one's.
    let origin = desk.text.lines().next().unwrap().to_owned();
    for other in [Notary::log("other.example", 15), Notary::log(&origin, 15)] {
        desk.policy(&format!("log {}\n{both}quorum none\n", other.vkey()));
        let done = desk.run(asked).exits(1);
        assert!(done.stdout.contains("(provenance/witness)"), "{}", done.said());
    }
    // A log that the policy knows and the root does not: the signature is refused before.
    let stranger = Notary::log(&origin, 15);
    let mut bundle = desk.bundle.clone();
    let note =
        format!("{}\n{}{}", desk.text, stranger.line(&desk.text, 0), a.line(&desk.text, DAY));
    bundle.pointer_mut(CHECKPOINT).unwrap()["envelope"] = note.into();
    fs::write(desk.tree.path("app.sigstore.json"), bundle.to_string()).unwrap();
    desk.policy(&format!("log {}\n{both}quorum none\n", stranger.vkey()));
    let done = desk.run(asked).exits(1);
    assert!(done.stdout.contains("proofs: not evaluated"), "{}", done.said());
    // The root's own log as a witness.
    desk.seen(&[a.line(&desk.text, DAY)]);
    desk.policy(&format!("{both}witness L {}\nquorum none\n", vkey("log.example", 4, &key)));
    let done = desk.run(asked).exits(1);
    assert!(done.stdout.contains("a log has the same public key"), "{}", done.said());
}

#[test]
fn a_checkpoint_that_no_trusted_log_signed_is_seen_by_nobody() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    desk.policy("quorum none\n");
    desk.seen(&[]);
    desk.run("--tlog-policy policy").exits(0);
    // A root without a log looks at no entry of one, whoever has seen its checkpoint.
    let mut root: Value =
        serde_json::from_slice(&fs::read(desk.tree.path("root.json")).unwrap()).unwrap();
    root["tlogs"] = Value::Array(Vec::new());
    fs::write(desk.tree.path("root.json"), root.to_string()).unwrap();
    desk.run("").exits(0);
    let done = desk.run("--tlog-policy policy").exits(1);
    assert!(done.stdout.contains("an inclusion proof is demanded"), "{}", done.said());
    // A log that promises to take an entry has no checkpoint with it yet.
    let name = folder.join("conformance/happy-path-v0.2.sigstore.json");
    let mut bundle: Value = serde_json::from_slice(&fs::read(name).unwrap()).unwrap();
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    let entry = bundle.pointer_mut("/verificationMaterial/tlogEntries/0").unwrap();
    entry.as_object_mut().unwrap().remove("inclusionProof");
    fs::write(desk.tree.path("app.sigstore.json"), bundle.to_string()).unwrap();
    let run = |more: &str| {
        let line = format!("verify app {ISSUER} --source-owner sigstore-conformance {more}");
        Run::new(desk.tree.path(""), &line).done()
    };
    run("").exits(0);
    let done = run("--tlog-policy policy").exits(1);
    assert!(done.stdout.contains("a checkpoint for each entry"), "{}", done.said());
}

#[test]
fn what_asks_for_witnesses_says_who_they_are() {
    let Some(folder) = vectors() else { return };
    let desk = Desk::of(&folder);
    desk.seen(&[]);
    let witness = Notary::witness("a.example", 11).vkey();
    desk.policy(&format!("witness A {witness}\nquorum none\n"));
    desk.run("--require witness=1").exits(2);
    desk.run("--require witness=0 --tlog-policy policy").exits(2);
    desk.run("--require witness --tlog-policy policy").exits(2);
    desk.run("--require witness=2 --tlog-policy policy").exits(2);
    desk.run("--as-of 2026-11-24").exits(2);
    desk.run("--tlog-policy absent").exits(2);
    desk.run("--tlog-policy policy").exits(0);
    desk.policy("witness A\u{1b}[31m key\nquorum A\n");
    let done = desk.run("--tlog-policy policy").exits(2);
    assert!(done.stderr.contains("line 1: a control character"), "{}", done.said());
    desk.policy(&format!("witness \u{85}A {witness}\nquorum B\n"));
    let done = desk.run("--tlog-policy policy").exits(2);
    assert!(done.stderr.contains("line 2:"), "{}", done.said());
    // A promise of the log is no checkpoint, and an entry without one is not seen by anybody.
    desk.policy("quorum none\n");
    let mut bundle = desk.bundle.clone();
    *bundle.pointer_mut(CHECKPOINT).unwrap() = Value::Null;
    fs::write(desk.tree.path("app.sigstore.json"), bundle.to_string()).unwrap();
    desk.run("--tlog-policy policy").exits(1);
}
