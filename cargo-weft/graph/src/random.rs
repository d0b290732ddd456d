//! Random numbers by counter: each is a function of where it is used, so no order of use shows.

/// The step between the states of SplitMix64.
pub(crate) const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns what SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014) gives for the state that follows `state`.
#[inline]
pub fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN_GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_words_are_those_of_splitmix64() {
        // The first three outputs for the seed 1234567, as in Vigna's splitmix64.c and its ports.
        let state = |steps: u64| 1_234_567_u64.wrapping_add(steps.wrapping_mul(GOLDEN_GAMMA));
        assert_eq!(mix(state(0)), 6_457_827_717_110_365_317);
        assert_eq!(mix(state(1)), 3_203_168_211_198_807_973);
        assert_eq!(mix(state(2)), 9_817_491_932_198_370_423);
    }
}
