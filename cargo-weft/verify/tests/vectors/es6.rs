//! The public sequence of ECMAScript numbers (cyberphone/json-canonicalization), whose hashes are published.
//!
//! It is 168 edge cases, 2,000 doubles in a row from the smallest normal one on, and then the finite ones among the
//! little-endian words of SHA-256 hashes, each of the one before, from 32 zero bytes on.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use weft_verify::{canonical, json};

const EDGE_CASES: usize = 168;
const IN_A_ROW: u64 = 2_000;

/// Returns the SHA-256 digest of the first `count` lines, or nothing where the edge cases are absent.
fn digest(count: usize) -> Option<String> {
    let beside = super::repository().join("../shared/vectors");
    let named = std::env::var_os("WEFT_VECTORS").map(std::path::PathBuf::from);
    let folders = named.into_iter().chain([beside]);
    let path = folders.map(|f| f.join("jcs/es6_numbers_000001_001000.txt")).find(|p| p.is_file());
    let Some(path) = path else {
        super::say("NOT TESTED: the edge cases of the ES6 number sequence are absent");
        return None;
    };
    let edge_cases = edge_cases(&path);
    let in_a_row = (0..IN_A_ROW).map(|n| 0x0010_0000_0000_0000 + n);
    let mut hash = Sha256::new();
    for bits in edge_cases.into_iter().chain(in_a_row).chain(random()).take(count) {
        let number = canonical::of_value(&json::Value::Double(f64::from_bits(bits))).unwrap();
        hash.update(format!("{bits:x},"));
        hash.update(&number);
        hash.update(b"\n");
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn edge_cases(path: &Path) -> Vec<u64> {
    let text = String::from_utf8(super::read(path)).unwrap();
    let bits = text.lines().map(|line| line.split_once(',').unwrap().0);
    bits.take(EDGE_CASES).map(|bits| u64::from_str_radix(bits, 16).unwrap()).collect()
}

fn random() -> impl Iterator<Item = u64> {
    let next = |hash: &[u8; 32]| -> Option<[u8; 32]> { Some(Sha256::digest(hash).into()) };
    std::iter::successors(next(&[0; 32]), next).flat_map(|hash| {
        let words = hash.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        words.filter(|bits| f64::from_bits(*bits).is_finite()).collect::<Vec<_>>()
    })
}

fn check(count: usize, expected: &str) {
    if let Some(found) = digest(count) {
        assert_eq!(found, expected, "{count} lines");
    }
}

#[test]
fn a_hundred_thousand_numbers_hash_as_published() {
    check(1_000, "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687");
    check(10_000, "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892");
    check(100_000, "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7");
}

#[test]
#[ignore = "a hundred million numbers take minutes"]
fn a_hundred_million_numbers_hash_as_published() {
    check(100_000_000, "0f7dda6b0837dde083c5d6b896f7d62340c8a2415b0c7121d83145e08a755272");
}
