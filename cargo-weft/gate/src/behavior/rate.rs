//! How often packages do something, as counted once, and how unusual that makes it.
//!
//! The counts lie in `policies/base-rates.toml` with the samples that they are of.
//! Surprisal is −log2 of the rate, in thousandths of a bit and in whole numbers; of what nobody counted it is not known.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability::Capability;

/// The counts, as they lie in the repository.
pub const TEXT: &str = include_str!("../../../../policies/base-rates.toml");

/// What a capability comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A package that was not there, which has it.
    New,
    /// An update to a version that has it, from one that has not.
    Update,
}

/// How often something was seen.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many of them had it.
    pub count: u64,
    /// How many were looked at; not 0.
    pub of: u64,
}

impl Rate {
    /// Returns −log2 of the rate in thousandths of a bit, rounded down.
    ///
    /// What was never seen counts as seen three times, which is the upper end of its 95% interval: it is at least as
    /// surprising as that.
    pub fn millibits(self) -> u32 {
        let count = if self.count == 0 { 3.min(self.of) } else { self.count };
        millibits(count, self.of)
    }

    /// Says how unusual it is, with the count.
    pub fn sentence(self) -> String {
        let millibits = self.millibits();
        let least = if self.count == 0 { "at least " } else { "" };
        format!(
            "{least}{}.{} bits, {} of {}",
            millibits / 1000,
            millibits % 1000 / 100,
            thousands(self.count),
            thousands(self.of)
        )
    }
}

/// Writes a number with a comma before each three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns 1000 · log2(of / count), rounded down, for 0 < count ≤ of: the whole bits by division, and sixteen further ones
/// by squaring what is left.
fn millibits(count: u64, of: u64) -> u32 {
    const ONE: u128 = 1 << 60;
    let mut rest = (u128::from(of) << 60) / u128::from(count);
    let mut whole = 0;
    while rest >= 2 * ONE {
        rest >>= 1;
        whole += 1;
    }
    let mut fraction = 0;
    for _ in 0..16 {
        rest = (rest * rest) >> 60;
        fraction <<= 1;
        if rest >= 2 * ONE {
            rest >>= 1;
            fraction |= 1;
        }
    }
    whole * 1000 + ((fraction * 1000) >> 16)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[cfg_attr(not(test), expect(dead_code, reason = "a test reads it"))]
    schema: u32,
    packages: Sample,
    updates: Sample,
    releases: Sample,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    of: u64,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test reads it"))]
    source: String,
    counts: BTreeMap<String, u64>,
}

static FILE: LazyLock<File> =
    LazyLock::new(|| toml::from_str(TEXT).expect("policies/base-rates.toml is tested"));

impl Sample {
    fn rate(&self, name: &str) -> Option<Rate> {
        Some(Rate { count: *self.counts.get(name)?, of: self.of })
    }
}

/// Returns how often a package comes with a capability, if that was counted.
pub fn of(event: Event, capability: Capability) -> Option<Rate> {
    let sample = match event {
        Event::New => &FILE.packages,
        Event::Update => &FILE.updates,
    };
    sample.rate(capability.word())
}

/// Returns how often a release is of a kind, such as `young-dependency`, if that was counted.
pub fn release(kind: &str) -> Option<Rate> {
    FILE.releases.rate(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_counts_of_known_things() {
        let file: File = toml::from_str(TEXT).unwrap();
        assert_eq!(file.schema, 1);
        let words: Vec<&str> = Capability::ALL.iter().map(|capability| capability.word()).collect();
        for (sample, names) in [
            (&file.packages, &words[..]),
            (&file.updates, &words[..]),
            (
                &file.releases,
                &["dormant", "dormant-then-new-dependency", "new-dependency", "young-dependency"],
            ),
        ] {
            assert!(!sample.source.is_empty() && !sample.counts.is_empty());
            for (name, count) in &sample.counts {
                assert!(names.contains(&&**name), "{name}");
                assert!(*count <= sample.of, "{name}");
            }
        }
    }

    #[test]
    fn whole_bits_are_whole_and_the_rest_is_that_of_the_logarithm() {
        let check = |count, of, expected| {
            assert_eq!(Rate { count, of }.millibits(), expected, "{count} of {of}");
        };
        check(1, 1, 0);
        check(1, 2, 1000);
        check(1, 1 << 40, 40_000);
        check(2, 3, 584);
        check(1, 3, 1584);
        check(1, 10, 3321);
        check(999, 1000, 1);
        check(0, 1314, 8774);
        check(3, 1314, 8774);
        check(0, 2, 0);
        for (count, of) in [(7, 1808), (2, 1808), (103, 26_992), (291, 292), (1, u64::MAX)] {
            #[expect(clippy::cast_precision_loss, reason = "three digits are compared")]
            let real = (of as f64 / count as f64).log2() * 1000.0;
            let found = f64::from(millibits(count, of));
            assert!(found <= real + 0.001 && real - found < 1.1, "{count} of {of}: {found} {real}");
        }
    }

    #[test]
    fn a_rate_says_how_unusual_it_is() {
        let check = |count, of, expected: &str| assert_eq!(Rate { count, of }.sentence(), expected);
        check(57, 1808, "4.9 bits, 57 of 1,808");
        check(0, 1314, "at least 8.7 bits, 0 of 1,314");
        check(1, 1_000_000, "19.9 bits, 1 of 1,000,000");
        check(103, 999_999, "13.2 bits, 103 of 999,999");
        check(999, 1000, "0.0 bits, 999 of 1,000");
    }
}
