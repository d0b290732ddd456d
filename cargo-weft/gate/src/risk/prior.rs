//! Priors: what has been counted of attacks, and the rates and shares that follow from the counts.
//!
//! The built-in ones are `policies/priors.toml`. Every number there has a source and a date; what is not there is not
//! known, and nothing stands in for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Gamma};
use weft_graph::Probability;

use crate::Diagnostic;
use crate::input::text;
use crate::input::tree::{self, Node, Table};
use crate::place::SourceText;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Units of a rate for one event a year, or one among one.
pub const RATE_UNIT: u64 = 1_000_000_000_000;

/// What has been counted of attacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Priors {
    /// The share of adoptions up to an age of the version.
    pub adoption: Curve,
    /// The probability, in thousandths, that linked code is called, for each edge.
    pub call_permille: u32,
    /// The rates, sorted by name.
    pub rates: Vec<Rate>,
    /// The share of malicious crates that are still there at an age.
    pub removal: Curve,
    /// Which counts these are.
    pub version: String,
}

/// A count of cases, and what they were counted in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In how many they were counted.
    pub among: u32,
    /// How many there were.
    pub cases: u32,
    /// Until which day they were counted.
    pub date: String,
    /// Its name.
    pub name: String,
    /// Who counted what.
    pub source: String,
    /// What they were counted in.
    pub unit: String,
}

impl Rate {
    /// Returns the expected rate in units of 10^-12: the mean of the posterior that follows from the count and
    /// Jeffreys's prior for a Poisson rate, `Gamma(cases + 1/2, among)`.
    pub fn mean(&self) -> u64 {
        (2 * u64::from(self.cases) + 1) * RATE_UNIT / (2 * u64::from(self.among))
    }

    /// Returns between which rates, in units of 10^-12, the posterior lies nine times in ten.
    pub fn interval(&self) -> Option<(u64, u64)> {
        let posterior = Gamma::new(self.shape(), f64::from(self.among)).ok()?;
        let quantile = |p: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                reason = "quantiles of a rate are positive, and no more than some thousand millions of millions"
            )]
            let rate = (posterior.inverse_cdf(p) * RATE_UNIT as f64).round() as u64;
            rate
        };
        Some((quantile(0.05), quantile(0.95)))
    }

    /// Returns the shape of the posterior.
    pub fn shape(&self) -> f64 {
        f64::from(self.cases) + 0.5
    }
}

/// Shares by age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Until which day it was counted.
    pub date: String,
    /// The shares, by ascending age.
    pub share: Vec<Share>,
    /// Who counted what.
    pub source: String,
}

/// A share at an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The age.
    pub minutes: u32,
    /// The share in thousandths.
    pub permille: u32,
}

/// Returns the built-in priors.
pub fn built_in() -> Priors {
    let bytes = include_bytes!("../../../../policies/priors.toml");
    parse("priors.toml", bytes).expect("a test reads the built-in priors")
}

/// Reads priors.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Priors, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    super::check_schema(file, &document, SCHEMA)?;
    let whole = |key| Diagnostic::whole(file, format!("has no `{key}`"));
    let table = |key| document.table(key)?.ok_or_else(|| whole(key));

    let call = table("call")?;
    let call_permille = super::required(file, &call, "permille")?.number(1000)?;
    super::required(file, &call, "source")?.string()?;
    super::required(file, &call, "date")?.string()?;
    call.finish()?;
    let mut rates: Vec<Rate> = Vec::new();
    for node in document.get("rate").map(|node| node.items()).transpose()?.unwrap_or_default() {
        let rate = rate(file, &node)?;
        if rates.iter().any(|known| known.name == rate.name) {
            return Err(node.fault(format!("rate `{}` stands twice", rate.name.escape_debug())));
        }
        rates.push(rate);
    }
    rates.sort_by(|a, b| a.name.cmp(&b.name));
    let priors = Priors {
        adoption: curve(file, table("adoption")?, true)?,
        call_permille,
        rates,
        removal: curve(file, table("removal")?, false)?,
        version: super::required(file, &document, "version")?.string()?.to_owned(),
    };
    document.finish()?;
    Ok(priors)
}

fn rate(file: &str, node: &Node<'_, '_>) -> Result<Rate, Diagnostic> {
    let table = node.table()?;
    let text = |key| Ok(super::required(file, &table, key)?.string()?.to_owned());
    let among = super::required(file, &table, "among")?;
    let rate = Rate {
        among: among.number(1_000_000_000)?,
        cases: super::required(file, &table, "cases")?.number(1_000_000)?,
        date: text("date")?,
        name: text("name")?,
        source: text("source")?,
        unit: text("unit")?,
    };
    if rate.among == 0 {
        return Err(among.fault("nothing can be counted among none"));
    }
    table.finish()?;
    Ok(rate)
}

fn curve(file: &str, table: Table<'_, '_>, rises: bool) -> Result<Curve, Diagnostic> {
    let rows = super::required(file, &table, "share")?;
    let mut share: Vec<Share> = Vec::new();
    for node in rows.items()? {
        let row = node.table()?;
        let next = Share {
            minutes: super::required(file, &row, "minutes")?.number(u32::MAX)?,
            permille: super::required(file, &row, "permille")?.number(1000)?,
        };
        row.finish()?;
        if let Some(last) = share.last()
            && (last.minutes >= next.minutes || (last.permille > next.permille) == rises)
            && last.permille != next.permille
        {
            return Err(node.fault("ages ascend, and shares go one way"));
        }
        share.push(next);
    }
    if share.is_empty() {
        return Err(rows.fault("a curve has at least one age"));
    }
    let curve = Curve {
        date: super::required(file, &table, "date")?.string()?.to_owned(),
        share,
        source: super::required(file, &table, "source")?.string()?.to_owned(),
    };
    table.finish()?;
    Ok(curve)
}

/// How long what an attacker publishes stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dwell {
    /// So many minutes.
    Minutes(u32),
    /// As long as malicious crates stayed.
    Removal,
}

impl Priors {
    /// Returns the rate with this name.
    pub fn rate(&self, name: &str) -> Option<&Rate> {
        self.rates.iter().find(|rate| rate.name == name)
    }

    /// Returns the probability that linked code is called.
    pub fn call(&self) -> Probability {
        Probability::from_ratio(self.call_permille.into(), 1000).unwrap_or(Probability::ONE)
    }

    /// Returns the share of adoptions, in units of 10^-6, that meet what an attacker published while it is there, if
    /// versions are adopted at an age of `cooldown` minutes at the earliest.
    ///
    /// It is the sum over ages of the share of adoptions at that age times the share that is still there.
    /// Who would have adopted a version earlier waits, and meets what is still there then.
    /// Between two rows of either curve what is there counts as it was at the first of them, so the sum is rather too
    /// large.
    pub fn exposure(&self, dwell: Dwell, cooldown: u32) -> u64 {
        let cooldown = u64::from(cooldown);
        let mut ages: Vec<u64> = self.adoption.share.iter().map(|s| s.minutes.into()).collect();
        match dwell {
            Dwell::Minutes(minutes) => ages.push(minutes.into()),
            Dwell::Removal => ages.extend(self.removal.share.iter().map(|s| u64::from(s.minutes))),
        }
        ages.extend([cooldown, u64::from(u32::MAX) + 1]);
        ages.retain(|&age| age >= cooldown);
        ages.sort_unstable();
        ages.dedup();
        let waited = self.adopted(cooldown) * self.there(dwell, cooldown);
        let later = ages.windows(2).map(|span| {
            let adopted = self.adopted(span[1]) - self.adopted(span[0]);
            adopted * self.there(dwell, span[0])
        });
        (waited + later.sum::<u64>()) / 1_000_000
    }

    /// Returns the share of adoptions, in units of 10^-6, up to an age: on a straight line between rows.
    fn adopted(&self, minutes: u64) -> u64 {
        let mut before = Share { minutes: 0, permille: 0 };
        for &row in &self.adoption.share {
            if minutes <= row.minutes.into() {
                let part = minutes - u64::from(before.minutes);
                let span = u64::from(row.minutes - before.minutes).max(1);
                let rise = u64::from(row.permille - before.permille) * 1000;
                return u64::from(before.permille) * 1000 + rise * part / span;
            }
            before = row;
        }
        1_000_000
    }

    /// Returns the share, in units of 10^-6, of what an attacker published that is there at an age in minutes: what is
    /// still there is as likely to be an attacker's as others are, times this.
    pub fn there(&self, dwell: Dwell, minutes: u64) -> u64 {
        match dwell {
            Dwell::Minutes(stays) => u64::from(minutes < u64::from(stays)) * 1_000_000,
            Dwell::Removal => {
                let rows = self.removal.share.iter();
                let last = rows.take_while(|row| u64::from(row.minutes) <= minutes).last();
                last.map_or(1_000_000, |row| u64::from(row.permille) * 1000)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_that_the_counts_were_published_with() {
        let priors = built_in();
        let mean = |name: &str| priors.rate(name).unwrap().mean();
        assert_eq!(mean("takeover"), 169_510_679); // 1.5 in 8,849
        assert_eq!(mean("patient-takeover"), 56_503_559);
        assert_eq!(mean("malicious-crate") / 1_000_000, 710); // 0.7 in a thousand
        assert_eq!(priors.rate("takover"), None);
    }

    #[test]
    fn exposure_follows_the_curves() {
        let priors = built_in();
        let hours = |hours: u32| Dwell::Minutes(hours * 60);
        assert_eq!(priors.exposure(hours(6), 0), 21_000);
        assert_eq!(priors.exposure(hours(24), 0), 86_000);
        assert_eq!(priors.exposure(hours(24), 6 * 60), 86_000); // who waits still meets it
        assert_eq!(priors.exposure(hours(6), 24 * 60), 0);
        assert_eq!(priors.exposure(hours(2), 0), 6_777); // a ninth of the way from 5 to 21
        assert_eq!(priors.exposure(hours(24 * 365), 0), 1_000_000);
    }

    #[test]
    fn cooldowns_cut_the_exposure_to_new_crates_as_little_as_was_measured() {
        // Of 43 crates a day's wait cut the mean exposure by 6%, a week's by 37%.
        let priors = built_in();
        let cut = |days: u32| {
            let all = priors.exposure(Dwell::Removal, 0);
            (all - priors.exposure(Dwell::Removal, days * 24 * 60)) * 100 / all
        };
        assert!((1..=6).contains(&cut(1)), "{}", cut(1));
        assert!((33..=39).contains(&cut(7)), "{}", cut(7));
    }

    #[test]
    fn faults_have_a_place() {
        let text = include_str!("../../../../policies/priors.toml");
        let check = |from: &str, to: &str, message: &str| {
            let fault = parse("p.toml", text.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(fault.message.contains(message), "{fault:?}");
        };
        check("among = 8849", "among = 0", "among none");
        check("permille = 21 ", "permille = 2 ", "shares go one way");
        check("minutes = 360,", "minutes = 60,", "ages ascend");
        check("name = \"patient-takeover\"", "name = \"takeover\"", "stands twice");
        check("[call]", "[cal]", "has no `call`");
        check("schema = 1", "schema = 2", "schema 2 is unknown");
        check("permille = 400", "permille = 1400", "from 0 to 1000");
    }
}
