//! What is fuzzed: each target takes bytes from outside and must not panic, hang or allocate beyond its bound.
//!
//! The same functions are run by libFuzzer (`fuzz_targets`) and, on stable Rust, by the replaying test (`main.rs`).

use weft_verify::digest::Artifact;
use weft_verify::envelope::Envelope;
use weft_verify::json::{self, Limits};
use weft_verify::note::{Note, Vkey};
use weft_verify::sign::LockedKey;
use weft_verify::statement::Statement;
use weft_verify::{canonical, key::PublicKey};

/// Strict JSON: what is accepted has a canonical form, which is accepted, too, and is its own.
pub(crate) fn json(data: &[u8]) {
    for limits in [Limits::RECORD, Limits::FOREIGN] {
        let Ok(value) = json::read(data, limits) else { continue };
        let bytes = canonical::of_value(&value).expect("what was read is finite");
        let again = json::read(&bytes, limits).expect("a canonical form is JSON");
        assert_eq!(
            canonical::of_value(&again).expect("finite"),
            bytes,
            "the canonical form is not stable"
        );
    }
}

/// DSSE: what the strict profile accepts the loose one accepts, and writing it reads back.
pub(crate) fn dsse(data: &[u8]) {
    if let Ok(envelope) = Envelope::from_slice(data) {
        assert_eq!(Envelope::from_dsse(data).as_ref(), Ok(&envelope));
        let written = Envelope::from_slice(&envelope.to_vec()).expect("it was written just now");
        assert_eq!(written, envelope);
    }
    if let Ok(envelope) = Envelope::from_dsse(data)
        && let Ok(statement) = Statement::from_slice(envelope.unverified_payload())
    {
        _ = statement.subject_for(&Artifact::of(b"artifact"));
        _ = statement.to_vec();
    }
    _ = Statement::from_slice(data);
}

/// `.weft/roles.toml`.
pub(crate) fn roles(data: &[u8]) {
    _ = weft_gate::input::roles::parse("roles.toml", data, None);
    if let Ok(roles) = weft_verify::role::Roles::from_slice(data) {
        _ = weft_verify::role::update::proposal(&roles);
    }
}

/// Encrypted PKCS#8 up to the key derivation, which is bounded and not run, and public keys.
pub(crate) fn pkcs8(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    _ = LockedKey::from_pem(text);
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }
}

/// Signed notes and verifier keys.
pub(crate) fn note(data: &[u8]) {
    const LOG: &str = "example.com/weft-log+9ba2d68c+AVUMwO234JkPaDTQDdBWR9RNFlzq4qPhbbxehhenIGKy";
    if let Ok(note) = Note::from_slice(data) {
        let log: Vkey = LOG.parse().expect("a sound key");
        _ = note.verify(std::slice::from_ref(&log));
        let as_of = weft_verify::AsOf::second(0);
        _ = weft_verify::checkpoint::verify(&note, &log, &[], 0, as_of);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(vkey) = text.parse::<Vkey>()
    {
        assert_eq!(vkey.to_string(), text, "a verifier key has one spelling");
    }
}

/// Policies of logs and witnesses: one that nobody meets lets nothing pass.
pub(crate) fn witness(data: &[u8]) {
    use weft_verify::witness::Policy;
    // A checkpoint that nobody signed.
    const NOTE: &str =
        "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u{2014} b AAAAAAA=\n";
    let Ok(policy) = Policy::from_slice(data) else { return };
    let note = Note::from_slice(NOTE.as_bytes()).expect("a sound note");
    let as_of = weft_verify::AsOf::second(0);
    assert!(policy.verify(&note, as_of).is_err());
    let seen = policy.verify_seen(&note, &[], 0, as_of);
    assert_eq!(seen.is_ok(), policy.quorum().is_none() && policy.logs().is_empty());
    assert!(policy.verify_seen(&note, &[], 1, as_of).is_err());
}

/// Bundles of entries, tiles, and records of forks: none is one that the log did not sign.
pub(crate) fn tile(data: &[u8]) {
    use weft_verify::fork::ForkRecord;
    use weft_verify::tile::{Tile, Tree, entries};
    const LOG: &str = "example.com/weft-log+9ba2d68c+AVUMwO234JkPaDTQDdBWR9RNFlzq4qPhbbxehhenIGKy";
    if let Ok(entries) = entries(data) {
        let length: usize = entries.iter().map(|entry| entry.len() + 2).sum();
        assert_eq!(length, data.len(), "a bundle is its entries and their lengths");
    }
    if let Ok(record) = ForkRecord::from_slice(data) {
        assert_eq!(record.to_vec(), data, "a record has one form");
        assert!(record.verify(&LOG.parse().expect("a sound key")).is_err());
    }
    // A tree of any size, each of whose tiles begins with these bytes.
    let (head, rest) = data.split_at(data.len().min(8));
    let size = head.iter().fold(0, |size: u64, byte| size << 8 | u64::from(*byte));
    let tiles = |tile: Tile| Some((tile, rest.repeat(tile.max_bytes().checked_div(rest.len())?)));
    let tree = Tree::new(size, tiles);
    _ = tree.root(size);
    _ = tree.inclusion(size / 2, size);
    _ = tree.consistency(size / 2, size);
}

/// Advisories of RustSec's database.
pub(crate) fn advisory(data: &[u8]) {
    _ = weft_gate::input::advisory::parse("crates/a/RUSTSEC-2026-0001.md", data);
}

/// `.weft/exemptions.toml`.
pub(crate) fn exemptions(data: &[u8]) {
    _ = weft_gate::input::exemptions::parse("exemptions.toml", data);
}

/// Entries of Cargo's cache of a registry's index.
pub(crate) fn index(data: &[u8]) {
    let version = "1.0.0".parse().expect("a version");
    let others =
        weft_gate::input::index::Others { first: &|_| None, is_locked: &|_| true, is_given: None };
    _ = weft_gate::input::index::find(data, &version, None, &others);
    _ = weft_gate::input::index::all(data, &others);
    if let Ok(read) = weft_gate::input::candidates::candidates(data) {
        for (chosen, _) in weft_gate::input::candidates::choose(&version, &read, |_| false) {
            assert!(chosen > version, "nothing older is proposed");
        }
    }
}

/// `Cargo.lock`, and the inventory that is made of it.
pub(crate) fn lockfile(data: &[u8]) {
    if let Ok(lockfile) = weft_gate::input::lockfile::parse("Cargo.lock", data) {
        let inventory = weft_gate::inventory::from_lock(&lockfile, &[], false);
        inventory.validate().expect("what is made of a lockfile holds together");
    }
}

/// `Cargo.toml`, of a workspace and of a package from elsewhere.
pub(crate) fn manifest(data: &[u8]) {
    _ = weft_gate::input::manifest::parse("Cargo.toml", data);
    _ = weft_gate::input::package::parse("Cargo.toml", data);
}

/// Snapshots of publishers, cargo-vet's `imports.lock`, tables of a dump, and addresses of repositories.
pub(crate) fn publishers(data: &[u8]) {
    use weft_gate::input::{dump, publishers};
    use weft_gate::publisher::Publisher;
    if let Ok(snapshot) = publishers::Snapshot::from_canonical(data) {
        assert_eq!(snapshot.to_canonical().as_deref(), Ok(data), "a snapshot has one form");
    }
    _ = publishers::imports("imports.lock", data);
    _ = dump::snapshot(data, None, || weft_verify::Sha256::of(data));
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(publisher) = Publisher::repository(text)
    {
        let name = publisher.to_string();
        assert_eq!(Publisher::try_from(name), Ok(publisher), "an account has one name");
    }
}

/// `weft.toml`.
pub(crate) fn policy(data: &[u8]) {
    _ = weft_gate::policy::parse_layer("weft.toml", data);
}

/// Build scripts and other Rust files.
pub(crate) fn script(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let mut behavior = weft_gate::behavior::Behavior::default();
        let taken = behavior.add("src/lib.rs", text, behavior.part("src/lib.rs"));
        assert!(taken.iter().all(|path| path.split('/').all(|step| step != "..")));
        behavior.finish();
        let counted = weft_gate::capability::unsafe_words(text);
        // A file may be nested too deeply to look for deeds, never the other way round.
        assert!(counted.is_ok() || weft_gate::content::deeds(text).is_err());
    }
}

/// Claims maps.
pub(crate) fn claims(data: &[u8]) {
    if let Ok(map) = weft_gate::input::claims::parse("claims/app.toml", data) {
        map.claims.iter().for_each(|claim| {
            _ = weft_gate::claim::contract::Contract::compile(claim);
        });
    }
}

/// Documents: what is marked normalises to itself.
pub(crate) fn document(data: &[u8]) {
    use weft_gate::claim::document;
    let Ok(document) = document::read("README.md", data, &["secure".to_owned()]) else { return };
    for span in document.spans {
        assert!(!span.text.contains('\n') && !span.text.starts_with(' '), "{:?}", span.text);
    }
}

/// JUnit reports.
pub(crate) fn junit(data: &[u8]) {
    _ = weft_gate::input::junit::parse("junit.xml", data);
}

/// Records of evidence: what is read is written as the same bytes, if they were canonical.
pub(crate) fn evidence(data: &[u8]) {
    if let Ok(record) = weft_gate::evidence::Record::from_statement(data) {
        let written = record.to_statement().expect("a record can be written");
        let again = weft_gate::evidence::Record::from_statement(&written);
        assert_eq!(again.as_ref(), Ok(&record));
    }
}

/// Attestations: nothing passes that nobody is expected to have signed, and each step is told.
pub(crate) fn bundle(data: &[u8]) {
    use std::sync::LazyLock;
    use weft_gate::provenance::{
        STEPS, Subject, bundle, expectation::Expectation, judge, sigstore::Trust,
    };
    static TRUST: LazyLock<Trust> =
        LazyLock::new(|| Trust::embedded("staging").expect("it is built in"));
    let artifact = Artifact::of(b"abc");
    for part in bundle::split(data).into_iter().flatten() {
        let subject = Subject::Blob(b"abc", &artifact);
        let (steps, proven) = judge(&part, &subject, &TRUST, &Expectation::default());
        assert!(proven.is_none() && steps.all().len() == STEPS.len());
    }
}

/// Layouts: none is performed whose trusted key did not sign it.
pub(crate) fn layout(data: &[u8]) {
    use weft_verify::layout::{Bundle, Directory, verify};
    // The public key of RFC 8032, section 7.1, test 1.
    let key = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ];
    let links = [("build.a.link".to_owned(), data.to_vec())].into();
    let bundle = Bundle {
        layout: data.to_vec(),
        keys: vec![PublicKey::from_bytes(&key).expect("it is a key")],
        directory: Directory { links, ..Directory::default() },
    };
    assert!(verify(&bundle, weft_verify::AsOf::second(1_795_478_400)).is_err());
}
