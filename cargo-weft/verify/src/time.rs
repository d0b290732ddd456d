//! Moments, as seconds since 1970-01-01T00:00:00Z without leap seconds; the present one is always an argument.

/// The moment as of which a verification judges.
///
/// A day is judged as a whole: what begins or ends within it is not valid as of that day.
///
/// ```
/// use weft_verify::AsOf;
///
/// let day = AsOf::day_beginning(1_795_478_400);
/// assert_eq!(day.latest() - day.earliest(), 86_399);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    earliest: u64,
    latest: u64,
}

impl AsOf {
    /// Returns one second.
    pub fn second(second: u64) -> Self {
        Self { earliest: second, latest: second }
    }

    /// Returns the day that begins with this second.
    pub fn day_beginning(first: u64) -> Self {
        Self { earliest: first, latest: first.saturating_add(86_399) }
    }

    /// Returns the first second.
    pub fn earliest(self) -> u64 {
        self.earliest
    }

    /// Returns the last second.
    pub fn latest(self) -> u64 {
        self.latest
    }
}

/// Whether windows of validity are judged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// They are, as of then.
    At(AsOf),
    /// They were, when the link of a chain was accepted; now the chain is walked again (TUF §5.3.10).
    Accepted,
}
