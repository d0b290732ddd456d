//! Merkle tree proofs (RFC 9162 §2.1): inclusion and consistency.
//!
//! A proof is exact: one hash too many or too few, or of another length, is refused.

use sha2::{Digest as _, Sha256};

use crate::Rejection;

/// A SHA-256 hash in a tree.
pub type Hash = [u8; 32];

/// Returns the hash of a leaf (§2.1.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// Returns the hash of an inner node (§2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Verifies that a leaf is at `index` in the tree of `size` entries with this root (§2.1.3.2).
///
/// # Errors
///
/// [`Rejection::ProofShape`] or [`Rejection::ProofRoot`].
///
/// ```
/// use weft_verify::merkle::{leaf_hash, node_hash, verify_inclusion};
///
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// assert_eq!(verify_inclusion(0, 2, &a, &[b], &node_hash(&a, &b)), Ok(()));
/// ```
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Rejection> {
    if index >= size {
        return Err(Rejection::ProofShape { message: "the index is outside the tree" });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(Rejection::ProofShape { message: "too many hashes" });
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last, hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(Rejection::ProofRoot),
        _ => Err(Rejection::ProofShape { message: "too few hashes" }),
    }
}

/// Verifies that the tree of `second` entries begins with that of `first` (§2.1.4.2).
///
/// # Errors
///
/// [`Rejection::ProofShape`] or [`Rejection::ProofRoot`].
///
/// ```
/// use weft_verify::merkle::{leaf_hash, node_hash, verify_consistency};
///
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// assert_eq!(verify_consistency(1, 2, &a, &node_hash(&a, &b), &[b]), Ok(()));
/// ```
pub fn verify_consistency(
    first: u64,
    second: u64,
    first_root: &Hash,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), Rejection> {
    let shape = |message| Err(Rejection::ProofShape { message });
    if first == 0 || first > second {
        return shape("the first tree is empty, or larger than the second");
    }
    if first == second {
        return match (proof.is_empty(), first_root == second_root) {
            (false, _) => shape("too many hashes"),
            (true, false) => Err(Rejection::ProofRoot),
            (true, true) => Ok(()),
        };
    }
    // The root of a first tree that is perfect is a node of the second, and left out of the proof.
    let mut hashes = proof.iter().copied();
    let start = if first.is_power_of_two() { Some(*first_root) } else { hashes.next() };
    let Some(start) = start else { return shape("too few hashes") };
    let (mut node, mut last) = (first - 1, second - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (start, start);
    for hash in hashes {
        if last == 0 {
            return shape("too many hashes");
        }
        if node & 1 == 1 || node == last {
            old = node_hash(&hash, &old);
            new = node_hash(&hash, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, &hash);
        }
        node >>= 1;
        last >>= 1;
    }
    match (last, old == *first_root && new == *second_root) {
        (0, true) => Ok(()),
        (0, false) => Err(Rejection::ProofRoot),
        _ => shape("too few hashes"),
    }
}
