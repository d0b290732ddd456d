//! Draws, for one edge, the worlds it is live in.

use crate::probability::Probability;
use crate::random::{GOLDEN_GAMMA, mix};

/// The random numbers of one edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    key: u64,
    units: u32,
}

impl Stream {
    pub(super) fn new(key: u64, probability: Probability) -> Stream {
        Stream { key: mix(key), units: probability.units() }
    }

    /// Returns, in one block of 64 worlds, those in which the edge is live.
    ///
    /// In each world a number of 16 random digits is compared with the probability, the highest
    /// digit first; a word
    /// holds one digit of all 64.
    /// After the first digit that differs the comparison is over, so most blocks need about half of
    /// the words, and
    /// after the probability's last one no smaller number is left.
    pub(super) fn word(self, seed: u64, block: u32) -> u64 {
        if self.units == Probability::UNITS {
            return u64::MAX;
        }
        let state = mix(seed ^ self.key);
        let first = u64::from(block) * u64::from(Probability::BITS);
        let digits = self.units << (u32::BITS - Probability::BITS);
        let mut live = 0;
        let mut equal = u64::MAX;
        for digit in 0..Probability::BITS - self.units.trailing_zeros() {
            let counter = first + u64::from(digit);
            let random = mix(state.wrapping_add(counter.wrapping_mul(GOLDEN_GAMMA)));
            if digits << digit >> (u32::BITS - 1) == 1 {
                live |= equal & !random;
                equal &= random;
            } else {
                equal &= !random;
            }
            if equal == 0 {
                break;
            }
        }
        live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(units: u32, blocks: u32) -> Vec<u64> {
        let probability = Probability::from_units(units).unwrap();
        (0..blocks).map(|block| Stream::new(7, probability).word(1, block)).collect()
    }

    #[test]
    fn certainty_needs_no_random_number() {
        assert_eq!(words(Probability::UNITS, 2), [u64::MAX; 2]);
        assert_eq!(words(1 << 15, 1), [!mix(mix(1 ^ mix(7)))]);
    }

    #[test]
    fn the_comparison_is_that_of_whole_numbers() {
        let state = mix(1 ^ mix(7));
        for units in [1, 3, 0x5555, 0x8001, 0xfffe, 0xffff] {
            for (block, live) in (0..).zip(words(units, 50)) {
                for lane in 0..64 {
                    let number = (0..16).fold(0, |number, digit| {
                        let counter: u64 = block * 16 + digit;
                        let random = mix(state.wrapping_add(counter.wrapping_mul(GOLDEN_GAMMA)));
                        number << 1 | (random >> lane & 1)
                    });
                    assert_eq!(live >> lane & 1 == 1, number < u64::from(units));
                }
            }
        }
    }

    #[test]
    fn a_more_likely_edge_is_live_wherever_a_less_likely_one_is() {
        for (less, more) in [(1, 2), (9_999, 10_000), (32_767, 32_768), (65_535, 65_536)] {
            for (less, more) in words(less, 20).into_iter().zip(words(more, 20)) {
                assert_eq!(less & !more, 0);
            }
        }
    }

    #[test]
    fn the_share_of_live_worlds_is_the_probability() {
        for units in [655, 6_554, 26_214, 45_875] {
            let live: u32 = words(units, 16_384).iter().map(|word| word.count_ones()).sum();
            // Of 2^20 worlds; five standard deviations are at most 2,560.
            assert!(live.abs_diff(units << 4) < 2_560, "{live} for {units}");
        }
    }
}
