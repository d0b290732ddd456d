//! Roots and proofs from tiles are those of RFC 9162's definitions, for trees of any size.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use weft_verify::merkle::{Hash, leaf_hash, node_hash, verify_consistency, verify_inclusion};
use weft_verify::tile::{Tile, Tree};
use weft_verify::{Rejection, Sha256};

/// The root of leaves, by the definition of §2.1.1.
fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => {
            let digits = Sha256::of(b"").to_string();
            std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        }
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// The tiles that a log of these leaves has, by their paths.
fn tiles(leaves: &[Hash]) -> BTreeMap<String, Vec<u8>> {
    let mut tiles = BTreeMap::new();
    let (mut level, mut row) = (0, leaves.to_vec());
    while !row.is_empty() {
        for (index, hashes) in row.chunks(256).enumerate() {
            let tile = Tile::hashes(level, index as u64, u16::try_from(hashes.len()).unwrap());
            tiles.insert(tile.path(), hashes.concat());
        }
        row = row.chunks_exact(256).map(tree_hash).collect();
        level += 1;
    }
    tiles
}

/// The tree with exactly these tiles; a full one stands in for a narrower one.
fn tree(
    size: u64,
    tiles: &BTreeMap<String, Vec<u8>>,
) -> Tree<impl Fn(Tile) -> Option<(Tile, Vec<u8>)>> {
    Tree::new(size, |tile: Tile| {
        let places = [tile, tile.widened(256)];
        places.into_iter().find_map(|tile| Some((tile, tiles.get(&tile.path())?.clone())))
    })
}

/// Whether the tree holds together, of which nobody knows the leaves.
fn is_sound(size: u64, tiles: &BTreeMap<String, Vec<u8>>, root: &Hash) -> Result<bool, Rejection> {
    let tree = tree(size, tiles);
    let same = tree.root(size)? == *root;
    tree.audit().map(|_| same)
}

#[test]
fn a_path_has_groups_of_three_digits() {
    for (index, path) in [
        (0, "tile/0/000"),
        (999, "tile/0/999"),
        (1000, "tile/0/x001/000"),
        (1_234_067, "tile/0/x001/x234/067"),
        (u64::MAX, "tile/0/x018/x446/x744/x073/x709/x551/615"),
    ] {
        assert_eq!(Tile::hashes(0, index, 256).path(), path);
        assert_eq!(Tile::hashes(0, index, 1).path(), format!("{path}.p/1"));
        assert_eq!(
            Tile::entries(index, 255).path(),
            format!("{}.p/255", path.replace("/0/", "/entries/"))
        );
    }
    assert_eq!(Tile::hashes(7, 1, 300).path(), "tile/7/001");
}

#[test]
fn a_tree_of_three_levels_is_computed_from_its_edge() {
    // C2SP's example: 273 full tiles, one of 112, one full and one of 17 above, one of 1 on top.
    let leaves = leaves(70_000);
    let tiles = tiles(&leaves);
    for path in
        ["tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    {
        assert!(tiles.contains_key(path), "{path}");
    }
    let root = tree_hash(&leaves);
    let whole = tree(70_000, &tiles);
    assert_eq!(whole.root(70_000).unwrap(), root);
    assert_eq!(whole.audit().unwrap(), 277);
    for first in [1, 255, 256, 257, 65_535, 65_536, 65_537, 69_888, 69_999, 70_000] {
        let before = tree_hash(&leaves[..usize::try_from(first).unwrap()]);
        assert_eq!(whole.root(first).unwrap(), before);
        let proof = whole.consistency(first, 70_000).unwrap();
        assert_eq!(verify_consistency(first, 70_000, &before, &root, &proof), Ok(()));
    }
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let leaf = leaves[usize::try_from(index).unwrap()];
        let proof = whole.inclusion(index, 70_000).unwrap();
        assert_eq!(verify_inclusion(index, 70_000, &leaf, &proof, &root), Ok(()));
        assert_eq!(whole.find(&leaf).unwrap(), Some(index));
    }
    assert_eq!(whole.find(&root).unwrap(), None);
    // The root needs the edge alone, and the audit every tile.
    let mut edge = tiles.clone();
    edge.retain(|path, _| path.contains(".p/"));
    assert_eq!(tree(70_000, &edge).root(70_000), Ok(root));
    assert_eq!(
        tree(70_000, &edge).audit(),
        Err(Rejection::TileMissing { path: "tile/0/000".into() })
    );
}

#[test]
fn what_is_outside_of_a_tree_is_refused() {
    let tiles = tiles(&leaves(5));
    let tree = tree(5, &tiles);
    assert!(tree.root(6).is_err());
    assert!(tree.inclusion(5, 5).is_err());
    assert!(tree.inclusion(0, 6).is_err());
    assert!(tree.inclusion(3, 3).is_err());
    assert!(tree.consistency(0, 5).is_err());
    assert!(tree.consistency(4, 3).is_err());
    assert!(tree.consistency(5, 6).is_err());
    assert!(tree.leaf(5).is_err());
    assert_eq!(tree.leaf(4), Ok(leaf_hash(&4_u64.to_be_bytes())));
    assert_eq!(tree.root(0).unwrap(), tree_hash(&[]));
}

#[test]
fn a_bundle_is_256_entries_at_most() {
    use weft_verify::tile::entries;
    assert_eq!(entries(&[0; 512]).map(|entries| entries.len()), Ok(256));
    assert_eq!(entries(&[0; 514]), Err("more than 256 entries"));
    assert_eq!(entries(&[0, 1, 7, 0, 0]), Ok(vec![&[7][..], &[]]));
    assert_eq!(entries(&[0, 1, 7, 0]), Err("a length that is cut"));
    assert_eq!(entries(&[0, 2, 7]), Err("an entry that is cut"));
}

#[test]
fn a_reader_that_answers_for_another_place_answers_nothing() {
    let bytes = leaves(5).concat();
    let size = |tile: Tile| Tree::new(5, move |_: Tile| Some((tile, bytes.clone()))).root(5);
    let refused = Err(Rejection::TileMissing { path: "tile/0/000.p/5".into() });
    assert_eq!(size.clone()(Tile::hashes(0, 1, 5)), refused);
    assert_eq!(size.clone()(Tile::hashes(1, 0, 5)), refused);
    assert_eq!(size.clone()(Tile::entries(0, 5)), refused);
    assert_eq!(size.clone()(Tile::hashes(0, 0, 4)), refused);
    assert_eq!(size(Tile::hashes(0, 0, 5)), Ok(tree_hash(&leaves(5))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn proofs_from_tiles_are_accepted_and_no_others(
        size in 1_u64..1500, first in 1_u64..1500, index in 0_u64..1500, other in 1_u64..1500,
    ) {
        let (first, index) = (1 + (first - 1) % size, index % size);
        let all = leaves(size);
        let tiles = tiles(&all);
        let tree = tree(size, &tiles);
        let cut = |size: u64| tree_hash(&all[..usize::try_from(size).unwrap()]);
        let root = cut(size);
        prop_assert_eq!(tree.root(size).unwrap(), root);
        prop_assert_eq!(tree.root(first).unwrap(), cut(first));
        prop_assert!(tree.audit().unwrap() >= size.div_ceil(256));
        let proof = tree.consistency(first, size).unwrap();
        prop_assert_eq!(verify_consistency(first, size, &cut(first), &root, &proof), Ok(()));
        // The proof of another size proves nothing of this one.
        let other = 1 + (other - 1) % size;
        if other != first {
            prop_assert!(verify_consistency(other, size, &cut(first), &root, &proof).is_err());
        }
        let leaf = all[usize::try_from(index).unwrap()];
        let proof = tree.inclusion(index, size).unwrap();
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));
        prop_assert_eq!(tree.find(&leaf).unwrap(), Some(index));
        // In a smaller tree, from the tiles of the larger one.
        let within = index.max(first - 1) + 1;
        let proof = tree.inclusion(index, within).unwrap();
        prop_assert_eq!(verify_inclusion(index, within, &leaf, &proof, &cut(within)), Ok(()));
    }

    #[test]
    fn a_bit_of_any_tile_counts(size in 1_u64..1500, at in any::<prop::sample::Index>(), bit in 0_usize..8 * 8192) {
        let all = leaves(size);
        let mut tiles = tiles(&all);
        let root = tree_hash(&all);
        prop_assert_eq!(is_sound(size, &tiles, &root), Ok(true));
        let path = at.get(&tiles.keys().cloned().collect::<Vec<_>>()).clone();
        let bytes = tiles.get_mut(&path).unwrap();
        let bit = bit % (8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(is_sound(size, &tiles, &root), Ok(true), "{}", path);
        // And a tile that is not there.
        tiles.remove(&path);
        prop_assert!(is_sound(size, &tiles, &root).is_err());
    }
}
