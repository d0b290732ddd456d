//! Probabilities that are the same number on every machine.

/// A probability in units of 2^-16, from 0 to 65,536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

impl Probability {
    /// What never happens.
    pub const ZERO: Probability = Probability(0);
    /// What always happens.
    pub const ONE: Probability = Probability(Probability::UNITS);
    /// How many units make certainty.
    pub const UNITS: u32 = 1 << Probability::BITS;
    /// How many binary digits a probability has.
    pub(crate) const BITS: u32 = 16;

    /// Returns the probability of so many units; there is none beyond certainty.
    pub const fn from_units(units: u32) -> Option<Probability> {
        if units <= Probability::UNITS { Some(Probability(units)) } else { None }
    }

    /// Returns `part` of `whole`, rounded to the nearest unit; there is none if `whole` is 0 or the
    /// smaller.
    pub fn from_ratio(part: u64, whole: u64) -> Option<Probability> {
        if whole == 0 || part > whole {
            return None;
        }
        let rounded = (u128::from(part) * u128::from(Self::UNITS) * 2 + u128::from(whole))
            / (u128::from(whole) * 2);
        Probability::from_units(u32::try_from(rounded).ok()?)
    }

    /// Returns the number of units.
    #[inline]
    pub const fn units(self) -> u32 {
        self.0
    }

    /// Returns whether it is 0 or 1, so that nothing is left to chance.
    pub const fn is_certain(self) -> bool {
        self.0 == 0 || self.0 == Probability::UNITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_to_the_nearest_unit() {
        let units = |part, whole| Probability::from_ratio(part, whole).map(Probability::units);
        assert_eq!(units(0, 7), Some(0));
        assert_eq!(units(7, 7), Some(65_536));
        assert_eq!(units(1, 2), Some(32_768));
        assert_eq!(units(2, 5), Some(26_214)); // 26,214.4
        assert_eq!(units(3, 5), Some(39_322)); // 39,321.6
        assert_eq!(units(u64::MAX, u64::MAX), Some(65_536));
        assert_eq!(units(1, 0), None);
        assert_eq!(units(2, 1), None);
        assert_eq!(Probability::from_units(65_537), None);
    }
}
