//! `cargo weft verify-log`: a log that lies in a directory, its checkpoints, and what it told others.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::Value;
use weft_verify::fork::{ForkRecord, Reason};
use weft_verify::merkle::{Hash, leaf_hash, node_hash};
use weft_verify::tile::Tile;

use crate::common::{Done, Run, Tree};
use crate::notary::{DAY, Notary};

/// The root of leaves, by the definition of RFC 9162 §2.1.1.
fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

/// A log whose entries from `changed` on are other ones.
fn leaves(size: u64, changed: u64) -> Vec<Hash> {
    let entry = |index: u64| format!("{}{index}", if index < changed { "" } else { "other " });
    (0..size).map(|index| leaf_hash(entry(index).as_bytes())).collect()
}

/// A directory with a log of 300 entries.
struct Desk {
    tree: Tree,
    log: Notary,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { tree: Tree::empty(), log: Notary::log("log.example", 50) };
        let leaves = leaves(300, u64::MAX);
        desk.tile(Tile::hashes(0, 0, 256), &leaves[..256]);
        desk.tile(Tile::hashes(0, 1, 44), &leaves[256..]);
        desk.tile(Tile::hashes(1, 0, 1), &[tree_hash(&leaves[..256])]);
        desk.write("log/checkpoint", &desk.checkpoint(300, u64::MAX, &[]));
        desk.write("policy", &format!("log {}\nquorum none\n", desk.log.vkey()));
        desk
    }

    fn tile(&self, tile: Tile, hashes: &[Hash]) {
        let path = self.tree.path("log").join(tile.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, hashes.concat()).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.tree.path(name), text).unwrap();
    }

    /// A checkpoint of the first entries, of which those from `changed` on are other ones.
    fn checkpoint(&self, size: u64, changed: u64, witnesses: &[&Notary]) -> String {
        let root = Base64::encode_string(&tree_hash(&leaves(size, changed)));
        let body = format!("log.example\n{size}\n{root}\n");
        let seen: String = witnesses.iter().map(|witness| witness.line(&body, DAY)).collect();
        format!("{body}\n{}{seen}", self.log.line(&body, 0))
    }

    fn run(&self, more: &str) -> Done {
        let line = format!("verify-log log --tlog-policy policy --as-of 2026-11-24 {more}");
        Run::new(self.tree.path(""), &line).done()
    }

    fn fork(&self) -> ForkRecord {
        ForkRecord::from_slice(&fs::read(self.tree.path("fork.json")).unwrap()).unwrap()
    }
}

#[test]
fn a_log_that_nobody_here_made_is_verified_and_each_part_of_it_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/tlog/tiled-600");
    if !folder.is_dir() {
        _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: a public log, since the vectors are not there"
        );
        return;
    }
    let tree = Tree::empty();
    crate::common::copy(&folder, &tree.path("log"));
    let vkey = fs::read_to_string(folder.join("vkey.txt")).unwrap();
    let run = |more: &str| {
        let line = format!("verify-log log {more} --vkey");
        Run::new(tree.path(""), &line).arg(vkey.trim_end()).done()
    };
    let older = [0, 1, 255, 256, 257, 512, 600];
    let against = older.map(|size| format!("--against log/checkpoint.{size} ")).concat();
    let done = run(&against).exits(0);
    assert!(done.stdout.contains("600 entries hash to the leaves in the tiles"), "{}", done.said());
    for size in older {
        run(&format!("--checkpoint log/checkpoint.{size} {against}")).exits(0);
    }
    let bundle = fs::read(folder.join("tile/entries/001")).unwrap();
    let first = &bundle[2..2 + usize::from(u16::from_be_bytes([bundle[0], bundle[1]]))];
    fs::write(tree.path("entry"), first).unwrap();
    let done = run("--entry entry").exits(0);
    assert!(done.stdout.contains("leaf 256 is in the tree"), "{}", done.said());
    let json = run("--leaf 256 --format json").exits(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["result"], &json["size"]), (&"passed".into(), &"600".into()));
    run("--leaf 600").exits(1);
    fs::write(tree.path("entry"), [first, b"x"].concat()).unwrap();
    let done = run("--entry entry").exits(1);
    assert!(done.stdout.contains("no leaf is of this entry"), "{}", done.said());

    // Each file that the newest checkpoint rests on: absent, and changed by a bit.
    for path in ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"] {
        let file = tree.path("log").join(path);
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let done = run("").exits(3);
        assert!(done.stdout.contains(&format!("{path}: not there")), "{}", done.said());
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&file, changed).unwrap();
        let done = run("").exits(1);
        assert!(done.stdout.contains("(tile/"), "{}", done.said());
        fs::write(&file, [&bytes[..], &bytes[..]].concat()).unwrap();
        let done = run("").exits(1);
        assert!(done.stdout.contains("(tile/malformed)"), "{}", done.said());
        fs::write(&file, bytes).unwrap();
    }
    run("").exits(0);
}

#[test]
fn a_fork_of_one_size_is_recorded_and_anybody_can_check_the_record() {
    let desk = Desk::new();
    desk.write("other", &desk.checkpoint(300, 299, &[]));
    let done = desk.run("--against other --record fork.json").exits(1);
    assert!(done.stdout.contains("a fork: the log signed two histories"), "{}", done.said());
    assert!(done.stdout.contains("recorded in fork.json"), "{}", done.said());
    let fork = desk.fork().verify(&desk.log.vkey().parse().unwrap()).unwrap();
    assert_eq!((fork.reason, fork.first.size), (Reason::SameSize, 300));
    let stranger = Notary::log("log.example", 51).vkey().parse().unwrap();
    assert!(desk.fork().verify(&stranger).is_err());
    // The key is all that anybody needs, on any machine.
    let elsewhere = Tree::empty();
    fs::copy(desk.tree.path("fork.json"), elsewhere.path("fork.json")).unwrap();
    let check = |vkey: &str| {
        Run::new(elsewhere.path(""), "verify-log --fork fork.json --vkey").arg(vkey).done()
    };
    let done = check(&desk.log.vkey()).exits(0);
    assert!(done.stdout.contains("log.example signed two histories"), "{}", done.said());
    check(&Notary::log("log.example", 51).vkey()).exits(1);
    check(&Notary::log("other.example", 50).vkey()).exits(1);
    desk.run("--fork fork.json").exits(2);
    let text = fs::read_to_string(desk.tree.path("fork.json")).unwrap();
    for bad in [text.replace("300", "301"), text.replace("same-size", "inconsistent"), text + "\n"]
    {
        fs::write(elsewhere.path("fork.json"), bad).unwrap();
        check(&desk.log.vkey()).exits(1);
    }
    // What was recorded is kept.
    desk.run("--against other --record fork.json").exits(2);
    // The same without tiles: the two notes are enough.
    fs::remove_dir_all(desk.tree.path("log/tile")).unwrap();
    desk.run("--against other --record again.json").exits(1);
    let (first, again) = (desk.tree.path("fork.json"), desk.tree.path("again.json"));
    assert_eq!(fs::read(first).unwrap(), fs::read(again).unwrap());
    // And where all is well, nothing is recorded.
    let desk = Desk::new();
    desk.write("same", &desk.checkpoint(300, u64::MAX, &[]));
    desk.run("--against same --record fork.json").exits(0);
    assert!(!desk.tree.path("fork.json").exists());
}

#[test]
fn a_fork_of_two_sizes_is_recorded_with_its_proof() {
    let desk = Desk::new();
    for (size, changed) in [(100, 99), (256, 0), (299, 280), (1, 0)] {
        desk.write("other", &desk.checkpoint(size, changed, &[]));
        let done = desk.run("--against other --record fork.json --format json").exits(1);
        let fork = desk.fork().verify(&desk.log.vkey().parse().unwrap()).unwrap();
        assert_eq!(fork.reason, Reason::Inconsistent);
        assert_eq!((fork.first.size, fork.second.size), (size, 300));
        // The report has the same record.
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        let written: Value = serde_json::from_slice(&desk.fork().to_vec()).unwrap();
        assert_eq!(json["forks"], Value::Array(vec![written]));
        fs::remove_file(desk.tree.path("fork.json")).unwrap();
        // The smaller one is verified against what the log has now.
        desk.run("--checkpoint other --against log/checkpoint --record fork.json").exits(1);
        assert_eq!(desk.fork().reason(), Reason::Inconsistent);
        fs::remove_file(desk.tree.path("fork.json")).unwrap();
        desk.write("other", &desk.checkpoint(size, u64::MAX, &[]));
        desk.run("--against other --record fork.json").exits(0);
    }
}

#[test]
fn what_cannot_be_told_is_not_passed() {
    let desk = Desk::new();
    // A larger checkpoint, whose tiles are not there.
    desk.write("newer", &desk.checkpoint(301, u64::MAX, &[]));
    let done = desk.run("--against newer --record fork.json").exits(3);
    assert!(done.stdout.contains("tile/0/001.p/45: not there"), "{}", done.said());
    assert!(!desk.tree.path("fork.json").exists());
    // Tiles that are not those of the checkpoint say nothing of another one, and are themselves a mismatch.
    desk.write("forked", &desk.checkpoint(300, 299, &[]));
    desk.write("older", &desk.checkpoint(200, 199, &[]));
    let done = desk.run("--checkpoint forked --against older --record fork.json").exits(1);
    assert!(done.stdout.contains("tiles: failed (tile/root)"), "{}", done.said());
    assert!(!desk.tree.path("fork.json").exists());
    // A leaf that the root does not need to be computed.
    let tile = desk.tree.path("log/tile/0/000");
    let sound = fs::read(&tile).unwrap();
    fs::write(&tile, [&[!sound[0]], &sound[1..]].concat()).unwrap();
    let done = desk.run("").exits(1);
    assert!(done.stdout.contains("tiles: failed (tile/hash)"), "{}", done.said());
    fs::write(&tile, sound).unwrap();
    desk.run("").exits(0);
    // No checkpoint, and one that is none.
    fs::remove_file(desk.tree.path("log/checkpoint")).unwrap();
    desk.run("").exits(3);
    desk.write("log/checkpoint", "hello\n");
    desk.run("").exits(1);
    desk.write("log/checkpoint", &desk.checkpoint(300, u64::MAX, &[]).replace("300", "301"));
    let done = desk.run("").exits(1);
    assert!(done.stdout.contains("nothing else was evaluated"), "{}", done.said());
    desk.run("--checkpoint absent").exits(2);
    desk.run("--against absent").exits(2);
    Run::new(desk.tree.path(""), "verify-log absent --tlog-policy policy").done().exits(2);
    Run::new(desk.tree.path(""), "verify-log log").done().exits(2);
    Run::new(desk.tree.path(""), "verify-log log --vkey key").done().exits(2);
}

#[test]
fn the_quorum_has_to_have_seen_the_checkpoint() {
    let desk = Desk::new();
    let (a, b) = (Notary::witness("a.example", 11), Notary::witness("b.example", 12));
    let witnesses = format!("witness A {}\nwitness B {}\n", a.vkey(), b.vkey());
    let log = desk.log.vkey();
    let policy =
        |quorum: &str| format!("log {log}\n{witnesses}group both all A B\nquorum {quorum}\n");
    desk.write("policy", &policy("both"));
    let done = desk.run("").exits(1);
    assert!(done.stdout.contains("quorum: failed (checkpoint/quorum-unmet)"), "{}", done.said());
    desk.write("log/checkpoint", &desk.checkpoint(300, u64::MAX, &[&a]));
    desk.run("").exits(1);
    desk.write("log/checkpoint", &desk.checkpoint(300, u64::MAX, &[&a, &b]));
    let done = desk.run("").exits(0);
    assert!(done.stdout.contains("seen by A, B"), "{}", done.said());
    let line = "verify-log log --tlog-policy policy --as-of 2026-11-23";
    Run::new(desk.tree.path(""), line).done().exits(1);
    // An older checkpoint is the log's, whoever has seen it.
    desk.write("older", &desk.checkpoint(200, u64::MAX, &[]));
    desk.run("--against older").exits(0);
    desk.write("policy", &format!("{witnesses}quorum A\n"));
    desk.run("").exits(2);
    desk.write("policy", &policy("both").replace(&log, &Notary::log("log.example", 51).vkey()));
    desk.run("").exits(1);
    Run::new(desk.tree.path(""), "verify-log log --vkey").arg(a.vkey()).done().exits(2);
}

#[test]
fn what_a_checkpoint_says_cannot_steer_the_terminal_and_links_lead_nowhere() {
    let desk = Desk::new();
    desk.write("log/checkpoint", "\u{202e}log\n1\nAAAA\n\n\u{2014} x AAAAAAAA\n");
    let done = desk.run("").exits(1);
    assert!(!done.stdout.contains('\u{202e}'), "{}", done.said());
    #[cfg(unix)]
    {
        let desk = Desk::new();
        let tile = desk.tree.path("log/tile/1/000.p/1");
        fs::rename(&tile, desk.tree.path("outside")).unwrap();
        std::os::unix::fs::symlink(desk.tree.path("outside"), &tile).unwrap();
        let done = desk.run("").exits(3);
        assert!(done.stdout.contains("tile/1/000.p/1: not there"), "{}", done.said());
    }
}
