//! Forks: two checkpoints of one log that cannot both be true, and the record that shows it to anybody.
//!
//! A record needs no tiles to be checked again: both notes are in it as they were signed, and where their sizes differ,
//! a consistency proof that the larger tree begins with another one than the smaller checkpoint says.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{self, Checkpoint};
use crate::merkle::{Hash, verify_consistency};
use crate::note::{Note, Vkey};
use crate::tile::{Tiles, Tree};
use crate::{AsOf, Rejection, Verified, base64, canonical};

/// The version of the record.
const SCHEMA: u64 = 1;

/// A checkpoint with the note that it was read from, signed by its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    note: String,
    log: Vkey,
    checkpoint: Verified<Checkpoint>,
}

impl Head {
    /// Reads a checkpoint that one of these logs signed; who has seen it is not asked.
    ///
    /// # Errors
    ///
    /// The rejections of the families `note` and `checkpoint`; [`Rejection::TileRoot`] if the tree is empty and its root
    /// is not that of the empty tree.
    pub fn read(bytes: &[u8], logs: &[Vkey]) -> Result<Self, Rejection> {
        let note = Note::from_slice(bytes)?;
        let origin = checkpoint::parse(note.text())?.origin;
        let names: Vec<&str> = logs.iter().map(Vkey::name).collect();
        let mut refused =
            Rejection::CheckpointOrigin { expected: names.join(", "), found: origin.clone() };
        for log in logs.iter().filter(|log| log.name() == origin) {
            match checkpoint::verify(&note, log, &[], 0, AsOf::second(0)) {
                Ok(checkpoint) if checkpoint.size == 0 && checkpoint.root != empty() => {
                    return Err(Rejection::TileRoot { size: 0 });
                }
                Ok(checkpoint) => {
                    // Notes are UTF-8, as was seen when it was read.
                    let note = String::from_utf8_lossy(bytes).into_owned();
                    return Ok(Self { note, log: log.clone(), checkpoint });
                }
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }

    /// Returns the checkpoint.
    pub fn checkpoint(&self) -> &Verified<Checkpoint> {
        &self.checkpoint
    }

    /// Returns the same checkpoint as another key of its log signed it.
    fn signed_by(&self, log: &Vkey) -> Option<Self> {
        Self::read(self.note.as_bytes(), std::slice::from_ref(log)).ok()
    }

    /// Returns the log that signed.
    pub fn log(&self) -> &Vkey {
        &self.log
    }
}

/// The root of the tree without entries.
fn empty() -> Hash {
    use sha2::Digest as _;
    sha2::Sha256::digest([]).into()
}

/// How two checkpoints of one log stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They are of one tree, or the larger one continues the smaller one, as the proof shows.
    Consistent {
        /// The consistency proof, which is empty for equal sizes and after an empty tree.
        proof: Vec<Hash>,
    },
    /// They cannot both be true.
    Fork(Box<ForkRecord>),
}

/// Compares two checkpoints of one log.
///
/// `tree` has the tiles of the larger one; for equal sizes it is not read.
///
/// # Errors
///
/// [`Rejection::CheckpointOrigin`] if they are of different logs; [`Rejection::TileRoot`] if the tiles are not those of
/// the larger checkpoint, and nothing can be said; [`Rejection::TileMissing`] and [`Rejection::TileMalformed`].
pub fn compare<T: Tiles>(a: &Head, b: &Head, tree: &Tree<T>) -> Result<Standing, Rejection> {
    let again;
    let (a, b) = match a.log == b.log {
        true => (a, b),
        // A log may have several keys, and a note several signatures: one key that made both is enough.
        false => match (b.signed_by(&a.log), a.signed_by(&b.log)) {
            (Some(b), _) => {
                again = b;
                (a, &again)
            }
            (None, Some(a)) => {
                again = a;
                (&again, b)
            }
            (None, None) => {
                let (expected, found) = (a.checkpoint.origin.clone(), b.checkpoint.origin.clone());
                return Err(Rejection::CheckpointOrigin { expected, found });
            }
        },
    };
    let (first, second) = if a.checkpoint.size <= b.checkpoint.size { (a, b) } else { (b, a) };
    let (old, new) = (&first.checkpoint, &second.checkpoint);
    if old.size == new.size {
        return Ok(match old.root == new.root {
            true => Standing::Consistent { proof: Vec::new() },
            false => ForkRecord::of(first, second, None),
        });
    }
    tree.demand_root(new)?;
    if old.size == 0 {
        return Ok(Standing::Consistent { proof: Vec::new() });
    }
    let prefix = tree.root(old.size)?;
    let proof = tree.consistency(old.size, new.size)?;
    verify_consistency(old.size, new.size, &prefix, &new.root, &proof)?;
    Ok(match prefix == old.root {
        true => Standing::Consistent { proof },
        false => ForkRecord::of(first, second, Some((prefix, proof))),
    })
}

/// Why two checkpoints cannot both be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// They are of one size and have two roots.
    SameSize,
    /// The larger tree begins with another one than the smaller checkpoint says.
    Inconsistent,
}

/// Two checkpoints that cannot both be true, as a record in canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForkRecord {
    schema: u64,
    origin: String,
    reason: Reason,
    first: Side,
    second: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<Prefix>,
}

/// One of the two: what was signed, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Side {
    note: String,
    root: String,
    /// As a text: sizes go beyond 2^53.
    size: String,
}

/// What the larger tree begins with, and the proof of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Prefix {
    proof: Vec<String>,
    root: String,
}

/// Two checkpoints that one key signed and that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The smaller one.
    pub first: Checkpoint,
    /// The larger one.
    pub second: Checkpoint,
    /// Why not.
    pub reason: Reason,
}

impl Side {
    fn new(head: &Head) -> Self {
        let Checkpoint { root, size, .. } = &*head.checkpoint;
        Self { note: head.note.clone(), root: base64::encode(root), size: size.to_string() }
    }

    /// Verifies the note, and that it says what the record says of it.
    fn verify(&self, path: &str, log: &Vkey) -> Result<Head, Rejection> {
        let head = Head::read(self.note.as_bytes(), std::slice::from_ref(log))?;
        let unlike = |member: &str| Rejection::MemberInvalid {
            path: format!("{path}.{member}"),
            message: "not what the note says".to_owned(),
        };
        let said = Self::new(&head);
        match () {
            () if said.root != self.root => Err(unlike("root")),
            () if said.size != self.size => Err(unlike("size")),
            () => Ok(head),
        }
    }
}

impl ForkRecord {
    fn of(first: &Head, second: &Head, prefix: Option<(Hash, Vec<Hash>)>) -> Standing {
        let reason = if prefix.is_some() { Reason::Inconsistent } else { Reason::SameSize };
        let prefix = prefix.map(|(root, proof)| Prefix {
            proof: proof.iter().map(|hash| base64::encode(hash)).collect(),
            root: base64::encode(&root),
        });
        Standing::Fork(Box::new(Self {
            schema: SCHEMA,
            origin: first.checkpoint.origin.clone(),
            reason,
            first: Side::new(first),
            second: Side::new(second),
            prefix,
        }))
    }

    /// Reads a record; nothing of it is proven.
    ///
    /// # Errors
    ///
    /// The rejections of the families `json` and `record`.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let record: Self = canonical::from_slice(bytes)?;
        match record.schema {
            SCHEMA => Ok(record),
            found => Err(Rejection::SchemaUnknown { found, known: SCHEMA }),
        }
    }

    /// Writes the record.
    pub fn to_vec(&self) -> Vec<u8> {
        canonical::to_vec(self).expect("texts and small numbers have a canonical form")
    }

    /// Returns the name of the log, as the record says.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns why the two cannot both be true, as the record says.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Verifies with the log's key alone that it signed both, and that they cannot both be true.
    ///
    /// # Errors
    ///
    /// As [`Head::read`], for both notes; [`Rejection::MemberInvalid`] if the record says otherwise than they do;
    /// [`Rejection::ProofShape`] and [`Rejection::ProofRoot`] if its proof does not hold; [`Rejection::ForkUnproven`] if
    /// both can be true.
    pub fn verify(&self, log: &Vkey) -> Result<Verified<Fork>, Rejection> {
        let (first, second) =
            (self.first.verify("first", log)?, self.second.verify("second", log)?);
        let (first, second) = (first.checkpoint.into_inner(), second.checkpoint.into_inner());
        if self.origin != first.origin {
            let message = "not what the notes say".to_owned();
            return Err(Rejection::MemberInvalid { path: "origin".to_owned(), message });
        }
        let unproven = |message| Err(Rejection::ForkUnproven { message });
        match (self.reason, &self.prefix) {
            (Reason::SameSize, None) if first.size != second.size => {
                return unproven("they are of different sizes");
            }
            (Reason::SameSize, None) if first.root == second.root => {
                return unproven("they have the same root");
            }
            (Reason::SameSize, None) => {}
            (Reason::Inconsistent, Some(prefix)) => {
                let root = hash("prefix.root", &prefix.root)?;
                let proof = prefix.proof.iter().enumerate();
                let proof = proof.map(|(at, text)| hash(&format!("prefix.proof[{at}]"), text));
                let proof = proof.collect::<Result<Vec<Hash>, Rejection>>()?;
                verify_consistency(first.size, second.size, &root, &second.root, &proof)?;
                if root == first.root {
                    return unproven("the larger one continues the smaller one");
                }
            }
            (Reason::SameSize, Some(_)) => {
                return Err(Rejection::MemberUnknown { path: "prefix".to_owned() });
            }
            (Reason::Inconsistent, None) => {
                return Err(Rejection::MemberMissing { path: "prefix".to_owned() });
            }
        }
        Ok(Verified::new(Fork { first, second, reason: self.reason }))
    }
}

fn hash(path: &str, text: &str) -> Result<Hash, Rejection> {
    let bytes = base64::standard(text).ok_or(Rejection::Base64 { path: path.to_owned() })?;
    bytes.try_into().map_err(|_| Rejection::ProofShape { message: "a hash does not have 32 bytes" })
}
