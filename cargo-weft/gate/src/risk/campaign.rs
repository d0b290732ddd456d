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

/// The most campaigns that a policy adds.
pub const MAX: usize = 64;

/// The longest name, in letters.
const MAX_NAME: usize = 64;

/// What plans may be against beside campaigns, so that no campaign is called so.
const TAKEN: [&str; 2] = ["expected-loss", "host-execution"];

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
    let name = name(&super::required(file, &document, "name")?)?;
    let (summary, cases) = (words("summary")?, words("source")?);
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

fn name(node: &Node<'_, '_>) -> Result<String, Diagnostic> {
    let name = node.string()?;
    match check_name(name) {
        Ok(()) => Ok(name.to_owned()),
        Err(fault) => Err(node.fault(fault).help("call it like `internal-registry`")),
    }
}

/// Demands a name that `--campaign` and `--against` can tell from others.
fn check_name(name: &str) -> Result<(), String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match name {
        "" => Err("a campaign has a name".to_owned()),
        _ if !name.chars().all(is_word) || name.starts_with('-') => {
            Err("the name of a campaign is of lower-case letters, digits and hyphens".to_owned())
        }
        _ if name.len() > MAX_NAME => {
            Err(format!("the name of a campaign has at most {MAX_NAME} letters"))
        }
        _ if TAKEN.contains(&name) => Err(format!("`{name}` is what plans are against already")),
        _ => Ok(()),
    }
}

/// Demands that campaigns can be added to the built-in ones.
///
/// # Errors
///
/// Which of them cannot, by its position, and why.
pub fn check_added(campaigns: &[Campaign]) -> Result<(), (usize, String)> {
    for (at, campaign) in campaigns.iter().enumerate() {
        let fault = |why: String| Err((at, why));
        let name = &campaign.name;
        if let Err(why) = check_name(name) {
            return fault(why);
        }
        let (cases, among) = campaign.share;
        if cases > among || among == 0 {
            return fault(format!("{cases} cases are more than there are among {among}"));
        }
        if BUILT_IN.iter().any(|(known, _)| known == name) {
            return fault(format!("the campaign `{name}` is built in: give this one another name"));
        }
        if campaigns[..at].iter().any(|other| other.name == *name) {
            return fault(format!("another campaign is called `{name}`"));
        }
        if at >= MAX {
            return fault(format!("a policy adds at most {MAX} campaigns"));
        }
    }
    Ok(())
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

/// When a version is taken in that an attacker may have published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taking {
    /// It has been: the version is locked, and this old.
    Made {
        /// Its age in minutes.
        age: u32,
    },
    /// It will be, as adoptions are, but not before a wait.
    Later {
        /// The wait in minutes.
        waits: u32,
    },
}

impl Campaign {
    /// Returns how often a year it begins in one crate and is taken in, in units of 10^-12; nothing if `priors` do not
    /// have its rate.
    pub fn seed(&self, priors: &Priors, taking: Taking) -> Option<u64> {
        let rate = u128::from(priors.rate(&self.rate)?.mean());
        let (cases, among) = (u128::from(self.share.0), u128::from(self.share.1));
        let exposure = u128::from(match taking {
            Taking::Made { age } => priors.there(self.dwell, age.into()),
            Taking::Later { waits } => priors.exposure(self.dwell, waits),
        });
        let seed = (rate * cases).checked_div(among)? * exposure / 1_000_000;
        Some(u64::try_from(seed).unwrap_or(RATE_UNIT).min(RATE_UNIT))
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
            let taking = Taking::Later { waits: days * 24 * 60 };
            let seed = |c: &Campaign| c.seed(&priors, taking).unwrap();
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
        check("\"typosquat\"", "\"\"", "has a name");
        check("\"typosquat\"", "\"-typo\"", "lower-case letters");
        check("\"typosquat\"", "\"typo\\u001bsquat\"", "lower-case letters");
        check("\"typosquat\"", "\"host-execution\"", "what plans are against");
        check("\"typosquat\"", &format!("\"{}\"", "a".repeat(65)), "at most 64 letters");
    }

    #[test]
    fn campaigns_are_added_under_names_of_their_own() {
        let named = |name: &str| Campaign { name: name.to_owned(), ..built_in().remove(0) };
        let check = |names: &[&str], expected: Result<(), (usize, &str)>| {
            let campaigns: Vec<Campaign> = names.iter().map(|name| named(name)).collect();
            let found = check_added(&campaigns);
            match (expected, &found) {
                (Ok(()), Ok(())) => {}
                (Err((at, text)), Err((found, why))) if at == *found && why.contains(text) => {}
                _ => panic!("{names:?}: {found:?}"),
            }
        };
        check(&[], Ok(()));
        check(&["a", "b"], Ok(()));
        check(&["a", "b", "a"], Err((2, "another campaign")));
        check(&["a", "slow-burn"], Err((1, "is built in")));
        check(&["A"], Err((0, "lower-case")));
        let names: Vec<String> = (0..=MAX).map(|at| format!("c{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(&names[..MAX], Ok(()));
        check(&names, Err((MAX, "at most 64")));
        for share in [(2, 1), (0, 0)] {
            let campaign = Campaign { share, ..named("a") };
            assert_eq!(check_added(&[campaign]).unwrap_err().0, 0);
        }
    }

    #[test]
    fn no_share_makes_a_campaign_begin_more_than_once_a_year() {
        let priors = prior::built_in();
        let seed = |share| {
            Campaign { share, ..built_in().remove(0) }.seed(&priors, Taking::Later { waits: 0 })
        };
        assert_eq!(seed((1, 0)), None);
        assert_eq!(seed((u32::MAX, 1)), Some(RATE_UNIT));
        assert_eq!(seed((0, 1)), Some(0));
    }
}
