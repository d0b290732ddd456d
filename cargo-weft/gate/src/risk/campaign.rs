//! Campaigns: who attacks how, as data.
//!
//! The built-in ones are the files of `policies/campaigns`; whoever has others writes a file of the same form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prior::{Dwell, Priors, RATE_UNIT};
use crate::Diagnostic;
use crate::input::text;
use crate::input::tree::{self, Node, Table, suggest};
use crate::place::SourceText;
use crate::policy::word;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The names of the built-in campaigns and their texts.
const BUILT_IN: [(&str, &str); 4] = [
    ("delayed-payload", include_str!("../../../../policies/campaigns/delayed-payload.toml")),
    ("pipeline-poisoning", include_str!("../../../../policies/campaigns/pipeline-poisoning.toml")),
    ("slow-burn", include_str!("../../../../policies/campaigns/slow-burn.toml")),
    ("typosquat", include_str!("../../../../policies/campaigns/typosquat.toml")),
];

/// A way of attacking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Which crates it begins in.
    pub crates: Crates,
    /// How long what it publishes stays.
    pub dwell: Dwell,
    /// When its code runs.
    pub executes: Execution,
    /// Its name.
    pub name: String,
    /// The name of the rate it begins with.
    pub rate: String,
    /// Which part of the rate it is: so many cases among so many.
    pub share: (u32, u32),
    /// The cases it is drawn from.
    pub source: String,
    /// What happens, in a fragment.
    pub summary: String,
}

/// Which crates a campaign begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Crates {
    /// Any external crate.
    All,
    /// Crates whose first version is less than a year old.
    New,
}

/// When code of a crate runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Whenever the crate is built: every edge passes it on.
    Build,
    /// When its dependents call it: an edge passes it on with the probability of a call.
    Call,
}

impl Crates {
    const ALL: [Self; 2] = [Self::All, Self::New];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::New => "new",
        }
    }
}

impl Execution {
    /// Every time of running.
    pub const ALL: [Self; 2] = [Self::Build, Self::Call];

    /// Returns the word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Call => "call",
        }
    }
}

/// Returns the built-in campaigns, sorted by name.
pub fn built_in() -> Vec<Campaign> {
    let priors = super::prior::built_in();
    let read = |(name, text): (&str, &str)| {
        parse(&format!("{name}.toml"), text.as_bytes(), &priors)
            .expect("a test reads the built-in campaigns")
    };
    BUILT_IN.map(read).into()
}

/// Reads a campaign.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault; a rate that `priors` do not have is one.
pub fn parse(file: &str, bytes: &[u8], priors: &Priors) -> Result<Campaign, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    let document = Table::new(&source, document.get_ref());
    super::check_schema(file, &document, SCHEMA)?;
    let words = |key| Ok(super::required(file, &document, key)?.string()?.to_owned());
    let (name, summary, cases) = (words("name")?, words("summary")?, words("source")?);
    let executes = super::required(file, &document, "executes")?;
    let executes = word(&executes, "time", Execution::ALL, Execution::as_str)?;

    let seed = super::required(file, &document, "seed")?.table()?;
    let rate = super::required(file, &seed, "rate")?;
    if priors.rate(rate.string()?).is_none() {
        let known = priors.rates.iter().map(|rate| rate.name.as_str());
        let fault = format!("no rate is called `{}`", rate.string()?.escape_debug());
        return Err(rate.fault(fault).help(suggest(rate.string()?, known)));
    }
    let rate = rate.string()?.to_owned();
    let crates = super::required(file, &seed, "crates")?;
    let crates = word(&crates, "set of crates", Crates::ALL, Crates::as_str)?;
    let share = share(file, &seed)?;
    seed.finish()?;

    let dwell = super::required(file, &document, "dwell")?;
    let table = dwell.table()?;
    let dwell = match (table.get("minutes"), table.get("removal")) {
        (Some(minutes), None) => Dwell::Minutes(minutes.number(u32::MAX)?),
        (None, Some(removal)) if removal.bool()? => Dwell::Removal,
        _ => return Err(dwell.fault("a dwell is `minutes = N` or `removal = true`")),
    };
    table.finish()?;
    document.finish()?;
    Ok(Campaign { crates, dwell, executes, name, rate, share, source: cases, summary })
}

fn share(file: &str, seed: &Table<'_, '_>) -> Result<(u32, u32), Diagnostic> {
    let read = |key| -> Result<Option<(Node<'_, '_>, u32)>, Diagnostic> {
        seed.get(key).map(|node| Ok((node.clone(), node.number(1_000_000)?))).transpose()
    };
    match (read("cases")?, read("among")?) {
        (None, None) => Ok((1, 1)),
        (Some((node, cases)), Some((_, among))) if cases > among || among == 0 => {
            Err(node.fault(format!("{cases} cases are more than there are among {among}")))
        }
        (Some((_, cases)), Some((_, among))) => Ok((cases, among)),
        (Some((node, _)), None) | (None, Some((node, _))) => {
            Err(node.fault(format!("{file}: `cases` and `among` stand together")))
        }
    }
}

impl Campaign {
    /// Returns how often a year it begins in one crate and is taken in, in units of 10^-12, if versions are adopted
    /// after `cooldown` minutes at the earliest; nothing if `priors` do not have its rate.
    pub fn seed(&self, priors: &Priors, cooldown: u32) -> Option<u64> {
        let rate = u128::from(priors.rate(&self.rate)?.mean());
        let (cases, among) = (u128::from(self.share.0), u128::from(self.share.1));
        let exposure = u128::from(priors.exposure(self.dwell, cooldown));
        let seed = rate * cases / among * exposure / 1_000_000;
        Some(u64::try_from(seed).unwrap_or(RATE_UNIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::prior;

    #[test]
    fn the_built_in_campaigns_are_named_like_their_files() {
        let names: Vec<String> = built_in().into_iter().map(|campaign| campaign.name).collect();
        assert_eq!(names, BUILT_IN.map(|(name, _)| name));
    }

    #[test]
    fn a_day_ends_a_campaign_of_hours_and_does_not_touch_one_of_years() {
        let (priors, campaigns) = (prior::built_in(), built_in());
        let seeds = |days: u32| -> Vec<u64> {
            let seed = |c: &Campaign| c.seed(&priors, days * 24 * 60).unwrap();
            campaigns.iter().map(seed).collect()
        };
        assert_eq!(seeds(0)[1], 169_510_679 * 21 / 1000);
        assert_eq!(seeds(1)[1], 0);
        assert_eq!(seeds(0)[2], 56_503_559);
        assert_eq!(seeds(1)[2], seeds(0)[2]);
    }

    #[test]
    fn faults_have_a_place() {
        let text = BUILT_IN[3].1;
        let check = |from: &str, to: &str, message: &str| {
            let text = text.replacen(from, to, 1);
            let fault = parse("c.toml", text.as_bytes(), &prior::built_in()).unwrap_err();
            assert!(fault.message.contains(message), "{fault:?}");
        };
        check("rate = \"malicious-crate\"", "rate = \"malicious-crates\"", "no rate is called");
        check("executes = \"build\"", "executes = \"built\"", "unknown time `built`");
        check("crates = \"new\"", "crates = \"old\"", "unknown set of crates `old`");
        check("removal = true", "removal = false", "a dwell is");
        check("cases = 41", "cases = 44", "more than there are");
        check("cases = 41\n", "", "stand together");
        check("summary", "sumary", "has no `summary`");
    }
}
