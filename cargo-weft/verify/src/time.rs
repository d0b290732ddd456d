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

/// Reads an instant as in-toto and TUF write it, `YYYY-MM-DDTHH:MM:SSZ`, from 1970 on and without leap seconds.
pub(crate) fn instant(text: &str) -> Option<u64> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00Z";
    const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let fits = |(found, shape): (u8, &u8)| match shape {
        b'0' => found.is_ascii_digit(),
        other => found == *other,
    };
    if text.len() != SHAPE.len() || !text.bytes().zip(SHAPE).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of = |month: u64| {
        let index = usize::try_from(month.checked_sub(1)?).ok()?;
        MONTHS.get(index).map(|days| days + u64::from(is_leap && month == 2))
    };
    if year < 1970 || day == 0 || day > days_of(month)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let months: u64 = (1..month).filter_map(days_of).sum();
    let days = years + months + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_that_of_the_calendar() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2000-02-29T12:00:00Z",
            "2024-03-01T00:00:00Z",
            "2026-11-24T00:00:00Z",
            "2100-03-01T00:00:00Z",
            "9999-12-30T21:59:59Z",
        ] {
            let expected: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(instant(text), u64::try_from(expected.as_second()).ok(), "{text}");
        }
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T00:00:00",
            "2026-11-24 00:00:00Z",
            "2026-11-24T00:00:00z",
            "2026-11-24T00:00:00+00:00",
            "2026-11-24T00:00:00.0Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T00:60:00Z",
            "2026-11-24T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-11-24T00:00:00Z",
            "２26-11-24T00:00:00Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
