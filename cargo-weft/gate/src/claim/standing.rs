//! Standing: how strongly a claim is shown by the evidence there is, and what is missing.
//!
//! Passing is shown of the sources as they are: a record of other sources shows nothing. That tests fail when a function
//! is broken is shown of the files it depends on, since trying it takes minutes, and holds for as long as those files, the
//! contract and the test's passing do (`docs/src/design/claims.md`).

use std::collections::{BTreeMap, BTreeSet};

use super::contract::Contract;
use super::{Claim, Claims, Environment, Evidence, Level};
use crate::evidence::{Held, Mutants, Outcome, Shown};
use crate::facts::Known;
use weft_verify::Sha256;

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The contract, or what keeps it from being compiled.
    pub contract: Result<Contract, Vec<String>>,
    /// How strongly it is shown.
    pub level: Level,
    /// Obligations that were tried and did not hold.
    pub failed: Vec<(Evidence, Outcome)>,
    /// What is missing for the contract, as sentences.
    pub missing: Vec<String>,
}

impl Standing {
    /// Says whether the contract is met.
    pub fn is_met(&self) -> bool {
        self.contract.is_ok() && self.missing.is_empty()
    }
}

/// Judges every claim of the head; `signed` says whether evidence needs a signature.
pub fn judge(claims: &Claims, signed: bool) -> BTreeMap<&str, Standing> {
    let usable = |held: &&Held| !held.record.dirty && (held.signed || !signed);
    let mut by_contract = BTreeMap::<Sha256, Vec<&Held>>::new();
    for held in claims.records.iter().filter(usable) {
        by_contract.entry(held.record.contract).or_default().push(held);
    }
    let judged = claims.head.claims.iter();
    judged.map(|claim| (&*claim.id, of(claim, claims, &by_contract))).collect()
}

fn of(claim: &Claim, claims: &Claims, by_contract: &BTreeMap<Sha256, Vec<&Held>>) -> Standing {
    let contract = Contract::compile(claim);
    let mut standing =
        Standing { contract, level: Level::Declared, failed: Vec::new(), missing: Vec::new() };
    let Ok(contract) = standing.contract.clone() else { return standing };
    let Ok(digest) = contract.digest() else {
        standing.missing.push("its contract has no digest".to_owned());
        return standing;
    };
    let mut held: Vec<&Held> = by_contract.get(&digest).cloned().unwrap_or_default();
    held.retain(|held| held.record.claim == claim.id);
    let sources = match &claims.sources {
        Known::Value(sources) => Some(*sources),
        Known::Unknown(_) => None,
    };
    let fresh: Vec<&Held> =
        held.iter().filter(|h| Some(h.record.sources) == sources).copied().collect();
    let mut passed = true;
    for obligation in &contract.obligations {
        let shown: Vec<&Shown> = of_obligation(&fresh, obligation);
        let failed =
            shown.iter().find(|shown| !matches!(shown.outcome, Outcome::Passed | Outcome::Unknown));
        let holds = match obligation {
            Evidence::Attestation { predicate, role, threshold } => {
                let about = |subjects: &[Sha256]| {
                    sources.is_some_and(|sources| subjects.contains(&sources))
                };
                claims.attested.iter().any(|a| {
                    a.predicate == *predicate
                        && a.role == *role
                        && a.keys >= *threshold
                        && about(&a.subjects)
                })
            }
            // Its tests have to pass today, whatever was shown of the files as they were.
            Evidence::MutationScore { .. } => {
                passes(&shown) && score_holds(obligation, &held, claims)
            }
            Evidence::Bench { .. } | Evidence::DocExample { .. } => passes(&shown),
            Evidence::Fuzz { .. } | Evidence::Test { .. } => passes(&shown),
        };
        let elsewhere = elsewhere(obligation, &contract, &fresh);
        if let Some(failed) = failed {
            standing.failed.push((obligation.clone(), failed.outcome));
        }
        if !holds || failed.is_some() {
            passed = false;
            standing.missing.push(lack(obligation, &shown, failed.map(|f| f.outcome)));
        } else if !elsewhere.is_empty() {
            passed = false;
            standing.missing.extend(elsewhere);
        }
    }
    if !passed {
        return standing;
    }
    standing.level = match contract.obligations.is_empty() {
        true => Level::Declared,
        false => Level::Ran,
    };
    let about: Vec<(&Evidence, &str)> = contract
        .obligations
        .iter()
        .filter_map(|o| match o {
            Evidence::Test { symbol: Some(symbol), .. }
            | Evidence::MutationScore { symbol, .. } => Some((o, &**symbol)),
            _ => None,
        })
        .collect();
    let unreached: Vec<&Evidence> = about
        .iter()
        .filter(|(o, _)| {
            !reaches(&of_obligation(&fresh, o))
                && sensitivity(o, &held, claims).is_none_or(|m| m.caught.is_empty())
        })
        .map(|(o, _)| *o)
        .collect();
    if unreached.is_empty() && !about.is_empty() && standing.level == Level::Ran {
        standing.level = Level::Reached;
    }
    let insensitive = insensitive(&about, &held, claims, contract.missed_at_most);
    if insensitive.is_empty() && standing.level == Level::Reached {
        standing.level = Level::Sensitive;
    }
    if contract.minimum >= Level::Reached {
        let words =
            |o: &&Evidence| format!("it is not shown that {} executes its function", o.describe());
        standing.missing.extend(unreached.iter().map(words));
    }
    if contract.minimum >= Level::Sensitive {
        standing.missing.extend(insensitive);
    }
    if standing.level < contract.minimum && standing.missing.is_empty() {
        standing.missing.push(format!("`{}` is not shown", contract.minimum.as_str()));
    }
    standing
}

/// Lists the environments in which it is not shown that an obligation holds.
fn elsewhere(obligation: &Evidence, contract: &Contract, fresh: &[&Held]) -> Vec<String> {
    // What somebody attests is of the sources alone, and so is how many mutants are noticed.
    if matches!(obligation, Evidence::Attestation { .. } | Evidence::MutationScore { .. }) {
        return Vec::new();
    }
    let is_shown = |environment: &&Environment| {
        let there: Vec<&Held> =
            fresh.iter().filter(|h| environment.is_of(&h.record.materials)).copied().collect();
        passes(&of_obligation(&there, obligation))
    };
    let lacking = contract.environments.iter().filter(|environment| !is_shown(environment));
    lacking
        .map(|environment| {
            format!(
                "{}: there is no evidence with {}",
                obligation.describe(),
                environment.describe()
            )
        })
        .collect()
}

fn passes(shown: &[&Shown]) -> bool {
    shown.iter().any(|shown| shown.outcome == Outcome::Passed)
}

fn of_obligation<'h>(held: &[&'h Held], obligation: &Evidence) -> Vec<&'h Shown> {
    let results = held.iter().flat_map(|held| &held.record.results);
    results.filter(|shown| shown.obligation == *obligation).collect()
}

/// Says whether a test was seen to execute its function, and never seen not to: of records that contradict each other
/// the worse one counts.
fn reaches(shown: &[&Shown]) -> bool {
    let seen = |wanted: bool| shown.iter().any(|shown| shown.reached == Some(wanted));
    seen(true) && !seen(false)
}

/// Returns what mutation showed of an obligation, if the files it depends on are as they were.
///
/// Of records that contradict each other the worse one counts.
fn sensitivity(obligation: &Evidence, held: &[&Held], claims: &Claims) -> Option<Mutants> {
    let shown = of_obligation(held, obligation).into_iter();
    let holding = shown.filter_map(|shown| shown.mutants.as_ref()).filter(|mutants| {
        !mutants.files.is_empty()
            && mutants.files.iter().all(|(path, digest)| claims.files.get(path) == Some(digest))
    });
    let joined = holding.cloned().reduce(|mut all, mutants| {
        all.skipped |= mutants.skipped;
        all.caught.extend(mutants.caught);
        all.missed.extend(mutants.missed);
        all
    });
    joined.map(|mut all| {
        for names in [&mut all.missed, &mut all.caught] {
            names.sort();
            names.dedup();
        }
        let missed: BTreeSet<String> = all.missed.iter().cloned().collect();
        all.caught.retain(|name| !missed.contains(name));
        all
    })
}

/// Says what is missing for the tests to be sensitive to their functions.
fn insensitive(
    about: &[(&Evidence, &str)],
    held: &[&Held],
    claims: &Claims,
    missed_at_most: Option<u32>,
) -> Vec<String> {
    let mut missing = Vec::new();
    let mut missed = BTreeMap::<&str, BTreeSet<String>>::new();
    for (obligation, symbol) in about {
        let Some(mutants) = sensitivity(obligation, held, claims) else {
            missing.push(format!(
                "it is not shown that {} fails when `{symbol}` is broken",
                obligation.describe()
            ));
            continue;
        };
        if mutants.skipped {
            missing.push(format!("`{symbol}` is excluded from mutation by an attribute"));
        } else if mutants.caught.is_empty() && mutants.missed.is_empty() {
            missing.push(format!("no way to break `{symbol}` could be tried"));
        } else if mutants.caught.is_empty() {
            missing.push(format!(
                "{} passes however `{symbol}` is broken ({} ways were tried)",
                obligation.describe(),
                mutants.missed.len()
            ));
        }
        // What one test misses another may notice.
        let these: BTreeSet<String> = mutants.missed.into_iter().collect();
        missed
            .entry(symbol)
            .and_modify(|all| all.retain(|name| these.contains(name)))
            .or_insert(these);
    }
    if let Some(bound) = missed_at_most {
        let beyond = missed.iter().filter(|(_, names)| names.len() > bound as usize);
        missing.extend(beyond.map(|(symbol, names)| {
            let first = names.first().map_or("", String::as_str);
            format!(
                "of `{symbol}`, {} broken versions pass all its tests, such as `{first}`",
                names.len()
            )
        }));
    }
    missing
}

fn score_holds(obligation: &Evidence, held: &[&Held], claims: &Claims) -> bool {
    let Evidence::MutationScore { missed_at_most, viable_at_least, .. } = obligation else {
        return false;
    };
    sensitivity(obligation, held, claims).is_some_and(|mutants| {
        let viable = mutants.caught.len() + mutants.missed.len();
        !mutants.skipped
            && mutants.missed.len() <= *missed_at_most as usize
            && viable >= *viable_at_least as usize
    })
}

fn lack(obligation: &Evidence, shown: &[&Shown], failed: Option<Outcome>) -> String {
    let what = obligation.describe();
    match (failed, shown.is_empty()) {
        (Some(outcome), _) => format!("{what}: {}", outcome.as_str()),
        (None, true) => format!("{what}: there is no evidence of these sources"),
        (None, false) => format!("{what}: what was seen does not show it"),
    }
}
