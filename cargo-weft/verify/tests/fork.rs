//! Two checkpoints of one log are compared by its tiles, and a fork convinces whoever has the key.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use base64ct::{Base64, Encoding};
use weft_verify::fork::{ForkRecord, Head, Reason, Standing, compare};
use weft_verify::merkle::{Hash, leaf_hash, node_hash};
use weft_verify::note::Vkey;
use weft_verify::sign::SigningKey;
use weft_verify::tile::{Tile, Tree};
use weft_verify::{Rejection, Sha256};

/// A log of at most 255 entries, which lie in one tile.
struct Log {
    key: SigningKey,
    name: &'static str,
    leaves: Vec<Hash>,
}

impl Log {
    fn new(name: &'static str, seed: u8, entries: &str) -> Self {
        let leaves = entries.bytes().map(|entry| leaf_hash(&[entry])).collect();
        Self { key: SigningKey::from_seed(&[seed; 32]), name, leaves }
    }

    fn vkey(&self) -> Vkey {
        let key = [&[1][..], self.key.public().as_bytes()].concat();
        let hash = Sha256::of(&[self.name.as_bytes(), b"\n", &key].concat()).to_string();
        format!("{}+{}+{}", self.name, &hash[..8], Base64::encode_string(&key)).parse().unwrap()
    }

    fn note(&self, size: usize) -> Vec<u8> {
        match size {
            0 => self.note_of(0, &hex(&Sha256::of(b"").to_string())),
            size => self.note_of(size, &tree_hash(&self.leaves[..size])),
        }
    }

    fn note_of(&self, size: usize, root: &[u8]) -> Vec<u8> {
        let root = Base64::encode_string(root);
        let text = format!("{}\n{size}\n{root}\n", self.name);
        let vkey = self.vkey().to_string();
        let id = hex(vkey.split('+').nth(1).unwrap());
        let line = [&id[..], &self.key.sign(text.as_bytes())].concat();
        let line = Base64::encode_string(&line);
        format!("{text}\n\u{2014} {} {line}\n", self.name).into_bytes()
    }

    fn head(&self, size: usize) -> Head {
        Head::read(&self.note(size), &[self.vkey()]).unwrap()
    }

    fn tree(&self, size: usize) -> Tree<impl Fn(Tile) -> Option<(Tile, Vec<u8>)>> {
        let width = u16::try_from(self.leaves.len()).unwrap();
        Tree::new(size as u64, move |tile: Tile| {
            let found = Tile::hashes(0, 0, width);
            (found.widened(tile.width()) == tile).then(|| (found, self.leaves.concat()))
        })
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

fn forked(standing: Standing) -> ForkRecord {
    let Standing::Fork(record) = standing else { unreachable!("it is a fork") };
    *record
}

#[test]
fn every_pair_of_sizes_is_consistent_or_a_fork() {
    let (log, other) = (Log::new("log", 1, "abcdefghijklm"), Log::new("log", 1, "abcdeXghijklm"));
    for first in 0..=13 {
        for second in 0..=13 {
            let tree = log.tree(first.max(second));
            let same = compare(&log.head(first), &log.head(second), &tree).unwrap();
            assert!(matches!(same, Standing::Consistent { .. }), "{first} {second}");
            // Of the other log the first five entries are the same.
            if first > second {
                continue;
            }
            let standing = compare(&log.head(second), &other.head(first), &tree).unwrap();
            let is_fork = matches!(standing, Standing::Fork(_));
            assert_eq!(is_fork, first > 5, "{first} {second}");
            if !is_fork {
                continue;
            }
            let record = forked(standing);
            let read = ForkRecord::from_slice(&record.to_vec()).unwrap();
            let fork = read.verify(&log.vkey()).unwrap();
            assert_eq!((fork.first.size, fork.second.size), (first as u64, second as u64));
            let reason = if first == second { Reason::SameSize } else { Reason::Inconsistent };
            assert_eq!(fork.reason, reason);
        }
    }
}

#[test]
fn tiles_of_another_tree_say_nothing() {
    let (log, other) = (Log::new("log", 1, "abcdefg"), Log::new("log", 1, "abXdefg"));
    // The larger checkpoint is of the other tree: whichever is right, these tiles do not tell.
    let told = compare(&log.head(3), &other.head(7), &log.tree(7));
    assert_eq!(told, Err(Rejection::TileRoot { size: 7 }));
    // With those of the larger one, they do.
    assert!(matches!(compare(&log.head(3), &other.head(7), &other.tree(7)), Ok(Standing::Fork(_))));
    // Roots of one size need no tiles.
    let none = Tree::new(7, |_: Tile| None);
    assert!(matches!(compare(&log.head(7), &other.head(7), &none), Ok(Standing::Fork(_))));
    let missing = compare(&log.head(3), &log.head(7), &none);
    assert_eq!(missing, Err(Rejection::TileMissing { path: "tile/0/000.p/7".into() }));
}

#[test]
fn two_logs_are_no_fork() {
    let (log, renamed) = (Log::new("log", 1, "abc"), Log::new("other", 1, "abX"));
    let stranger = Log::new("log", 2, "abX");
    for other in [&renamed, &stranger] {
        let told = compare(&log.head(3), &other.head(3), &log.tree(3));
        assert!(matches!(told, Err(Rejection::CheckpointOrigin { .. })), "{told:?}");
    }
    let unknown = Head::read(&renamed.note(3), &[log.vkey()]);
    assert!(matches!(unknown, Err(Rejection::CheckpointOrigin { .. })), "{unknown:?}");
    let unsigned = Head::read(&stranger.note(3), &[log.vkey()]);
    assert_eq!(unsigned, Err(Rejection::NoteUnsigned { name: "log".into() }));
    // The empty tree has one root.
    let full = Head::read(&log.note_of(0, &[0; 32]), &[log.vkey()]);
    assert_eq!(full, Err(Rejection::TileRoot { size: 0 }));
    // Of two keys in one log's name, either may have signed.
    assert!(Head::read(&stranger.note(3), &[log.vkey(), stranger.vkey()]).is_ok());
}

#[test]
fn a_log_with_two_keys_does_not_hide_a_fork_behind_them() {
    let (first, second) =
        (Log::new("a.example/log", 1, "abc"), Log::new("a.example/log", 2, "abc"));
    let lied = Log::new("a.example/log", 2, "abd");
    let keys = [first.vkey(), second.vkey()];
    // Both keys sign the one, and the second key alone the other.
    let line = |note: Vec<u8>| {
        let note = String::from_utf8(note).unwrap();
        note.rsplit_once("\n\n").unwrap().1.to_owned()
    };
    let both = String::from_utf8(first.note(3)).unwrap() + &line(second.note(3));
    let head = Head::read(both.as_bytes(), &keys).unwrap();
    let other = Head::read(&lied.note(3), &keys).unwrap();
    assert_ne!(head.log(), other.log());
    for (a, b) in [(&head, &other), (&other, &head)] {
        let record = forked(compare(a, b, &first.tree(3)).unwrap());
        assert!(record.verify(&second.vkey()).is_ok());
    }
    // No key signed both: nobody is shown to have told two stories.
    let alone = Head::read(&first.note(3), &keys).unwrap();
    assert!(compare(&alone, &other, &first.tree(3)).is_err());
}
