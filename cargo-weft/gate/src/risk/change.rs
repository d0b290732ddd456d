//! Changes: what another graph does to what attacks are expected to cost, crate by crate and publisher by publisher.
//!
//! Both graphs are seen in the same worlds, since an edge is live by its own name and not by the graph it is in: where
//! nothing changed, every difference is exactly zero, and what differs is not blurred by chance.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{Cascade, GraphError, Stakes, Tally, Worlds};

use super::assessment::{Assessment, Band, DRAWS, Exposure, Settings, multiples, times};
use super::campaign::Execution;
use super::model::Model;
use super::publisher::{Bottleneck, Concentration, Half};
use crate::diff::Diff;

/// What a change does to the expected loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskChange {
    /// The campaigns, sorted by name.
    pub campaigns: Vec<LossChange>,
    /// The external packages that came, went, took another's place or save another sum if they are blocked; those first
    /// whose sum changed most.
    pub crates: Vec<CrateChange>,
    /// All campaigns together.
    pub expected: LossChange,
}

/// What a change does to the loss of one campaign, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossChange {
    /// What is expected after it.
    pub after: Band,
    /// What is expected before it.
    pub before: Band,
    /// By how much what is expected grows.
    pub change: Step,
    /// The campaign, or `all`.
    pub name: String,
}

/// By how much something grows, and between which values nine times in ten, in 10^-9 losses a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Half of the width of the interval that chance in the shared worlds leaves to the mean, nineteen times in twenty.
    pub error_nano: u64,
    /// It is less than this once in twenty.
    pub low_nano: i64,
    /// What is expected.
    pub mean_nano: i64,
    /// It is more than this once in twenty.
    pub high_nano: i64,
}

/// What a change does to a crate's part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrateChange {
    /// What blocking it saves after the change; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_nano: Option<u64>,
    /// What blocking it saves before the change; absent where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_nano: Option<u64>,
    /// By how much that grows, what is absent counted as nothing.
    pub change_nano: i64,
    /// The package URL of the package whose place it took, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The package URL, after the change if it is there then.
    pub id: String,
    /// By how much what attacks that begin in it are expected to cost grows.
    pub own_change_nano: i64,
}

/// What a change does to a publisher's part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublisherChange {
    /// What hangs on the publisher after the change; absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Bottleneck>,
    /// What hung on the publisher before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Bottleneck>,
    /// By how much what blocking all of theirs saves grows, in 10^-9 losses a year.
    pub change_nano: i64,
    /// The account.
    pub publisher: String,
}

/// What a change does to how much hangs on whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcentrationChange {
    /// The fewest publishers on whom half of the loss hangs after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_after: Option<Half>,
    /// The fewest publishers on whom half of the loss hung before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_before: Option<Half>,
    /// The publishers that came, went, or on whom more or less hangs; those first with whom most changed.
    pub publishers: Vec<PublisherChange>,
    /// Of how many external packages nothing says who publishes them, after the change.
    pub unknown_after: u64,
    /// Of how many that was so before.
    pub unknown_before: u64,
}

/// A graph, and what attacks on it are expected to cost.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The graph's model.
    pub model: &'a Model,
    /// What follows of it.
    pub assessment: &'a Assessment,
}

impl RiskChange {
    /// Compares two sides with the same campaigns and priors, assessed by the same settings.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if there are more packages than a graph holds.
    pub fn of(
        packages: &Diff,
        before: Side<'_>,
        after: Side<'_>,
        settings: Settings,
    ) -> Result<RiskChange, GraphError> {
        let errors = paired_errors(before.model, after.model, settings)?;
        let pairs = before.assessment.campaigns.iter().zip(&after.assessment.campaigns);
        let mut campaigns = Vec::new();
        let (mut drawn, mut whole_error) = (vec![0_i64; DRAWS], 0);
        for (old, new) in pairs {
            let is_exact = old.exact && new.exact;
            let error = if is_exact { 0 } else { errors.get(&old.name).copied().unwrap_or(0) };
            let model = after.model;
            let campaign = model.campaigns.iter().find(|campaign| campaign.name == new.name);
            let rate = campaign.and_then(|campaign| model.priors.rate(&campaign.rate));
            let multiples =
                rate.map_or_else(|| vec![1_000_000; DRAWS], |r| multiples(r, settings.seed));
            let change = signed(old.band.mean_nano, new.band.mean_nano);
            let steps: Vec<i64> =
                multiples.iter().map(|&multiple| scaled(change, multiple)).collect();
            drawn.iter_mut().zip(&steps).for_each(|(sum, step)| *sum += step);
            whole_error += error;
            campaigns.push(LossChange {
                after: new.band,
                before: old.band,
                change: step(change, error, steps),
                name: new.name.clone(),
            });
        }
        let (old, new) = (before.assessment.expected, after.assessment.expected);
        let change = signed(old.mean_nano, new.mean_nano);
        Ok(RiskChange {
            campaigns,
            crates: crates(packages, &before.assessment.rows, &after.assessment.rows),
            expected: LossChange {
                after: new,
                before: old,
                change: step(change, whole_error, drawn),
                name: "all".to_owned(),
            },
        })
    }
}

impl ConcentrationChange {
    /// Compares two sides of a change.
    pub fn of(before: &Concentration, after: &Concentration) -> Self {
        let by_name = |side: &'_ Concentration| -> BTreeMap<String, Bottleneck> {
            side.publishers.iter().map(|row| (row.publisher.clone(), row.clone())).collect()
        };
        let (mut old, new) = (by_name(before), by_name(after));
        let mut pairs: Vec<(String, Option<Bottleneck>, Option<Bottleneck>)> =
            new.into_iter().map(|(who, row)| (who.clone(), old.remove(&who), Some(row))).collect();
        pairs.extend(old.into_iter().map(|(who, row)| (who, Some(row), None)));
        let fall = |row: &Option<Bottleneck>| row.as_ref().map_or(0, |row| row.delta_nano);
        let mut publishers: Vec<PublisherChange> = pairs
            .into_iter()
            .map(|(publisher, before, after)| PublisherChange {
                change_nano: signed(fall(&before), fall(&after)),
                after,
                before,
                publisher,
            })
            .filter(|row| row.change_nano != 0 || row.before.is_none() || row.after.is_none())
            .collect();
        publishers.sort_by(|a, b| {
            let size = |row: &PublisherChange| row.change_nano.unsigned_abs();
            size(b).cmp(&size(a)).then_with(|| a.publisher.cmp(&b.publisher))
        });
        Self {
            half_after: after.half.clone(),
            half_before: before.half.clone(),
            publishers,
            unknown_after: after.unknown.len() as u64,
            unknown_before: before.unknown.len() as u64,
        }
    }
}

/// Compares what blocking each crate saves, a crate with that whose place it took.
fn crates(packages: &Diff, before: &[Exposure], after: &[Exposure]) -> Vec<CrateChange> {
    let by_id = |rows: &'_ [Exposure]| -> BTreeMap<String, Exposure> {
        rows.iter().map(|row| (row.id.clone(), row.clone())).collect()
    };
    let (mut old, new) = (by_id(before), by_id(after));
    let from: BTreeMap<&str, &str> =
        packages.changed.iter().map(|change| (&*change.to, &*change.from)).collect();
    let came: BTreeSet<&str> = packages.added.iter().map(|id| &**id).collect();
    let mut rows: Vec<CrateChange> = Vec::new();
    let mut tell = |id: &str, from: Option<&str>, old: Option<Exposure>, new: Option<&Exposure>| {
        let of = |row: Option<&Exposure>, what: fn(&Exposure) -> u64| row.map_or(0, what);
        rows.push(CrateChange {
            after_nano: new.map(|row| row.delta_nano),
            before_nano: old.as_ref().map(|row| row.delta_nano),
            change_nano: signed(of(old.as_ref(), |r| r.delta_nano), of(new, |r| r.delta_nano)),
            from: from.map(str::to_owned),
            id: id.to_owned(),
            own_change_nano: signed(of(old.as_ref(), |r| r.own_nano), of(new, |r| r.own_nano)),
        });
    };
    for (id, row) in &new {
        let partner = from.get(&**id).copied();
        let old = match (partner, came.contains(&**id)) {
            (Some(partner), _) => old.remove(partner),
            (None, true) => None,
            (None, false) => old.remove(id),
        };
        tell(id, partner.filter(|partner| *partner != id.as_str()), old, Some(row));
    }
    for (id, row) in old {
        tell(&id, None, Some(row), None);
    }
    rows.retain(|row| {
        let is_there = row.before_nano.is_some() && row.after_nano.is_some();
        !is_there || row.from.is_some() || row.change_nano != 0 || row.own_change_nano != 0
    });
    rows.sort_by(|a, b| {
        let size = |row: &CrateChange| row.change_nano.unsigned_abs();
        size(b).cmp(&size(a)).then_with(|| a.id.cmp(&b.id))
    });
    rows
}

/// Returns for each campaign half of the width of the interval that chance leaves to its change, nineteen times in
/// twenty: what both graphs lose in one world is compared, so what they share does not count.
fn paired_errors(
    before: &Model,
    after: &Model,
    settings: Settings,
) -> Result<BTreeMap<String, u64>, GraphError> {
    let mut errors = BTreeMap::new();
    for executes in Execution::ALL {
        let (old, new) = (before.campaigns_at(executes), after.campaigns_at(executes));
        if old.is_empty() || new.is_empty() {
            continue;
        }
        let cascades = (before.cascade(executes)?, after.cascade(executes)?);
        if cascades.0.is_certain() && cascades.1.is_certain() {
            continue;
        }
        let tally = |model: &Model, cascade: &Cascade, campaigns: &[usize]| -> Tally {
            let seeds: Vec<Vec<u64>> =
                campaigns.iter().map(|&at| model.seeds[at].rates.clone()).collect();
            let worlds = Worlds { seed: settings.seed, count: settings.worlds };
            cascade.loss(worlds, Stakes { seeds: &seeds, losses: &model.losses })
        };
        let losses = tally(before, &cascades.0, &old);
        let others = tally(after, &cascades.1, &new);
        for (scenario, (&at, _)) in old.iter().zip(&new).enumerate() {
            errors.insert(before.campaigns[at].name.clone(), paired(&losses, &others, scenario));
        }
    }
    Ok(errors)
}

/// Returns Student's t with seven degrees of freedom times the standard error of the batches' differences.
fn paired(before: &Tally, after: &Tally, scenario: usize) -> u64 {
    let mean = |(worlds, sum): (u32, u128)| {
        i128::try_from(sum / u128::from(worlds.max(1))).unwrap_or(i128::MAX)
    };
    let pairs = before.batches(scenario, 0).zip(after.batches(scenario, 0));
    let steps: Vec<i128> = pairs.map(|(old, new)| mean(new) - mean(old)).collect();
    let batches = Tally::BATCHES as i128;
    let middle = steps.iter().sum::<i128>() / batches;
    let squares: u128 = steps.iter().map(|step| (step - middle).unsigned_abs().pow(2)).sum();
    let standard = (squares / (Tally::BATCHES * (Tally::BATCHES - 1)) as u128).isqrt();
    u64::try_from(standard * 2365 / 1000 / 1_000_000).unwrap_or(u64::MAX)
}

fn signed(before: u64, after: u64) -> i64 {
    i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(i64::MAX)
}

/// Multiplies by millionths.
fn scaled(number: i64, millionths: u64) -> i64 {
    let size = i64::try_from(times(number.unsigned_abs(), millionths)).unwrap_or(i64::MAX);
    if number < 0 { -size } else { size }
}

/// Encloses nine of ten draws, and what chance leaves open.
fn step(mean_nano: i64, error_nano: u64, mut drawn: Vec<i64>) -> Step {
    drawn.sort_unstable();
    let at = |twentieths: usize| drawn.get(drawn.len() * twentieths / 20).copied().unwrap_or(0);
    let error = i64::try_from(error_nano).unwrap_or(i64::MAX);
    Step {
        error_nano,
        low_nano: at(1).saturating_sub(error),
        mean_nano,
        high_nano: at(19).saturating_add(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::sample;
    use crate::input::lockfile;
    use crate::inventory::{Inventory, from_lock};
    use crate::risk::model::Known;
    use crate::risk::{campaign, prior};

    fn inventory(packages: &[(&str, &[&str])]) -> Inventory {
        let entry = |(spec, needs): &(&str, &[&str])| {
            let (name, version) = spec.split_once(' ').unwrap();
            let source = match name.starts_with('r') {
                true => "",
                false => "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
            };
            let needs: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [{}]\n",
                needs.join(", ")
            )
        };
        let text: String = packages.iter().map(entry).collect();
        let lockfile = lockfile::parse("Cargo.lock", format!("version = 4\n{text}").as_bytes());
        from_lock(&lockfile.unwrap(), &[], false)
    }

    const SETTINGS: Settings = Settings { seed: 7, worlds: 1024 };

    fn change(before: &[(&str, &[&str])], after: &[(&str, &[&str])]) -> RiskChange {
        let (before, after) = (inventory(before), inventory(after));
        let assessed = |inventory: &Inventory| {
            let known = Known { as_of: jiff::civil::date(2026, 11, 20), releases: None };
            let (priors, campaigns) = (prior::built_in(), campaign::built_in());
            let model = Model::of(inventory, &sample::policy(), known, priors, campaigns);
            let assessment = Assessment::of(inventory, &model, SETTINGS).unwrap();
            (model, assessment)
        };
        let (old, new) = (assessed(&before), assessed(&after));
        let packages = Diff::of(&before, &after);
        let before = Side { model: &old.0, assessment: &old.1 };
        let after = Side { model: &new.0, assessment: &new.1 };
        RiskChange::of(&packages, before, after, SETTINGS).unwrap()
    }

    const NOTHING: Step = Step { error_nano: 0, low_nano: 0, mean_nano: 0, high_nano: 0 };

    const BEFORE: [(&str, &[&str]); 5] = [
        ("r1 1.0.0", &["a", "b"]),
        ("r2 1.0.0", &["d"]),
        ("a 1.0.0", &["b"]),
        ("b 1.0.0", &[]),
        ("d 1.0.0", &[]),
    ];

    #[test]
    fn where_nothing_changed_every_difference_is_zero() {
        let same = change(&BEFORE, &BEFORE);
        assert_eq!(same.expected.change, NOTHING);
        assert!(same.expected.before.mean_nano > 0);
        assert!(same.campaigns.iter().all(|campaign| campaign.change == NOTHING));
        assert_eq!(same.crates, []);
    }

    #[test]
    fn a_compatible_update_without_new_edges_changes_no_number() {
        let mut after = BEFORE;
        after[3].0 = "b 1.0.1";
        let found = change(&BEFORE, &after);
        assert_eq!(found.expected.change, NOTHING);
        assert_eq!(found.crates.len(), 1);
        assert_eq!(found.crates[0].from.as_deref(), Some("pkg:cargo/b@1.0.0"));
        assert_eq!(found.crates[0].id, "pkg:cargo/b@1.0.1");
        assert_eq!((found.crates[0].change_nano, found.crates[0].own_change_nano), (0, 0));
    }

    #[test]
    fn what_a_new_crate_touches_changes_and_nothing_else() {
        let after: [(&str, &[&str]); 6] = [
            BEFORE[0],
            ("r2 1.0.0", &["d", "new"]),
            BEFORE[2],
            BEFORE[3],
            BEFORE[4],
            ("new 1.0.0", &["d"]),
        ];
        let found = change(&BEFORE, &after);
        let step = found.expected.change;
        assert!(step.mean_nano > 0 && step.low_nano > 0 && step.low_nano < step.mean_nano);
        assert!(step.high_nano > step.mean_nano);
        assert_eq!(step.error_nano, 0, "bounds settle it");
        let ids: Vec<&str> = found.crates.iter().map(|row| &*row.id).collect();
        assert_eq!(ids, ["pkg:cargo/new@1.0.0", "pkg:cargo/d@1.0.0"]);
        let new = &found.crates[0];
        assert_eq!((new.before_nano, new.from.as_ref()), (None, None));
        assert_eq!(new.after_nano.unwrap(), u64::try_from(new.change_nano).unwrap());
        let back = change(&after, &BEFORE);
        assert_eq!(back.expected.change.mean_nano, -step.mean_nano);
        assert_eq!(back.expected.change.low_nano, -step.high_nano);
        let gone = back.crates.iter().find(|row| row.id == "pkg:cargo/new@1.0.0").unwrap();
        assert_eq!((gone.after_nano, gone.change_nano), (None, -new.change_nano));
    }

    #[test]
    fn chance_has_a_hand_in_what_differs_and_in_nothing_else() {
        // What c and d bring is not independent, so no bound settles how likely e reaches r1.
        let before: [(&str, &[&str]); 6] = [
            ("r1 1.0.0", &["a", "b"]),
            ("a 1.0.0", &["c", "d"]),
            ("b 1.0.0", &["c", "d"]),
            ("c 1.0.0", &["e"]),
            ("d 1.0.0", &["e"]),
            ("e 1.0.0", &[]),
        ];
        let same = change(&before, &before);
        let drawn = same.campaigns.iter().find(|campaign| campaign.name == "slow-burn").unwrap();
        assert_eq!((drawn.change, same.expected.change), (NOTHING, NOTHING));
        let after: [(&str, &[&str]); 7] = [
            before[0],
            before[1],
            before[2],
            ("c 1.0.0", &["e", "new"]),
            before[4],
            before[5],
            ("new 1.0.0", &[]),
        ];
        let step = change(&before, &after).expected.change;
        assert!(step.error_nano > 0 && step.error_nano < step.mean_nano.unsigned_abs(), "{step:?}");
    }
}
