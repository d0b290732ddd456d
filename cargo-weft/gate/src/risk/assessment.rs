//! The assessment: what attacks are expected to cost in a year, and what blocking each crate would save.
//!
//! Losses are in units of 10^-9 of what the policy calls a loss of 1, for a year.
//! Every number that orders anything is an integer; floating point serves the quantiles of bands alone, which are
//! rounded to millionths.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Gamma};
use weft_graph::{Bounds, Cascade, GraphError, Stakes, Tally, Worlds, bounds, mix};

use super::campaign::Execution;
use super::model::Model;
use super::prior::Rate;
use crate::inventory::Inventory;

/// How an assessment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The seed of the worlds.
    pub seed: u64,
    /// How many worlds are drawn, where any have to be.
    pub worlds: u32,
}

/// The fewest worlds: as many as have a block for each batch.
pub const MIN_WORLDS: u32 = 512;

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0x7765_6674, worlds: 10_240 }
    }
}

/// What attacks are expected to cost in a year, and what blocking each crate would save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// What would be expected if one part of the model were left out.
    pub attribution: Vec<Attribution>,
    /// The campaigns, sorted by name.
    pub campaigns: Vec<CampaignLoss>,
    /// By how much the expected loss grows with each part of the model.
    pub elasticities: Vec<Elasticity>,
    /// What all campaigns together are expected to cost.
    pub expected: Band,
    /// How far the order of the crates depends on what is not known.
    pub order: Order,
    /// The version of the priors.
    pub priors: String,
    /// The external crates, by what blocking them would save.
    pub rows: Vec<Exposure>,
    /// The seed of the worlds.
    pub seed: u64,
    /// How many worlds were drawn, where any had to be.
    pub worlds: u32,
}

/// An expectation, and between which values it lies nine times in ten, in 10^-9 losses a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// It is less than this once in twenty.
    pub low_nano: u64,
    /// What is expected.
    pub mean_nano: u64,
    /// It is more than this once in twenty.
    pub high_nano: u64,
}

/// What one campaign is expected to cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignLoss {
    /// What is expected.
    pub band: Band,
    /// How many crates it can begin in.
    pub crates: u64,
    /// When its code runs.
    pub executes: Execution,
    /// The bounds that hold whatever the worlds, in 10^-9 losses a year.
    pub bounds_nano: (u64, u64),
    /// Half of the width of the interval that chance leaves to the mean, nineteen times in twenty; 0 if it is exact.
    pub error_nano: u64,
    /// Whether no world had to be drawn.
    pub exact: bool,
    /// The count that its rate follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// Its name.
    pub name: String,
    /// Of how many crates it is not known whether it can begin there; none of them is counted.
    pub unknown: u64,
}

/// A count of attacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// In how many they were counted.
    pub among: u32,
    /// How many there were.
    pub cases: u32,
    /// The name of the rate.
    pub rate: String,
    /// What they were counted in.
    pub unit: String,
}

impl Counted {
    fn of(rate: &Rate) -> Self {
        let Rate { among, cases, ref name, ref unit, .. } = *rate;
        Self { among, cases, rate: name.clone(), unit: unit.clone() }
    }
}

/// What an external crate has to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Half of the width of the interval that chance leaves to `delta_nano`, nineteen times in twenty.
    pub delta_error_nano: u64,
    /// By how much the expected loss falls if the crate is blocked: nothing begins in it or passes through it.
    pub delta_nano: u64,
    /// The package URL.
    pub id: String,
    /// What attacks that begin in the crate itself are expected to cost.
    pub own_nano: u64,
    /// Of which campaigns it is not known whether they can begin in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// How far the order of the crates depends on what is not known of the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Whether the order says anything.
    pub is_ordered: bool,
    /// Kendall's tau between the order and that under other rates, on average, in thousandths.
    pub tau_permille: i32,
}

/// The least tau at which an order says anything, in thousandths.
const LEAST_TAU: i32 = 800;

/// By how much the expected loss grows with a part of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elasticity {
    /// By how many thousandths of a percent it grows if the part grows by one percent.
    pub permille: i64,
    /// The part.
    pub of: String,
}

/// What would be expected if a part of the model were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// What would be expected then, in 10^-9 losses a year.
    pub nano: u64,
    /// The part.
    pub without: String,
}

/// Units of the sums, 10^-15 losses a year, in a unit of what is reported.
const SUM_UNITS: u128 = 1_000_000;

/// How often rates are drawn anew for bands and orders.
pub(super) const DRAWS: usize = 256;

/// How many crates' order is looked at.
const ORDERED: usize = 64;

impl Assessment {
    /// Assesses a model of an inventory.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if there are more packages than a graph holds.
    pub fn of(
        inventory: &Inventory,
        model: &Model,
        settings: Settings,
    ) -> Result<Assessment, GraphError> {
        let mut parts = Vec::new();
        for executes in Execution::ALL {
            if !model.campaigns_at(executes).is_empty() {
                parts.push(Part::of(model, executes, settings)?);
            }
        }
        let rates = Rates::of(model, settings.seed);
        let campaigns = campaigns(model, &parts, &rates);
        let estimates = parts.iter().flat_map(Part::estimates).collect::<Vec<_>>();
        let expected = rates.band(&estimates);
        let mut rows = rows(inventory, model, &parts);
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.exposure.delta_nano, row.exposure.own_nano);
            key(b).cmp(&key(a)).then_with(|| a.exposure.id.cmp(&b.exposure.id))
        });
        let order = rates.order(&rows[..rows.len().min(ORDERED)]);
        Ok(Assessment {
            attribution: attribution(model, settings, &campaigns)?,
            elasticities: elasticities(model, settings, &campaigns)?,
            expected,
            order,
            priors: model.priors.version.clone(),
            rows: rows.into_iter().map(|row| row.exposure).collect(),
            campaigns,
            seed: settings.seed,
            worlds: settings.worlds,
        })
    }
}

/// Sums what all campaigns of a model together are expected to cost, in 10^-9 losses a year.
///
/// # Errors
///
/// As [`Assessment::of`].
pub fn expected_loss(model: &Model, settings: Settings) -> Result<u64, GraphError> {
    Ok(estimates(model, settings)?.iter().map(|estimate| estimate.mean).sum())
}

/// Returns what all campaigns of a model together are expected to cost, and between which values.
///
/// # Errors
///
/// As [`Assessment::of`].
pub fn expected_band(model: &Model, settings: Settings) -> Result<Band, GraphError> {
    Ok(Rates::of(model, settings.seed).band(&estimates(model, settings)?))
}

/// What one campaign is expected to cost, in 10^-9 losses a year.
#[derive(Clone, Copy)]
struct Estimate {
    /// The campaign, by its position in the model.
    campaign: usize,
    mean: u64,
    /// Half of the width of the interval that chance leaves to it.
    error: u64,
}

/// Estimates the loss to each campaign; worlds are drawn where bounds do not settle it.
fn estimates(model: &Model, settings: Settings) -> Result<Vec<Estimate>, GraphError> {
    let mut estimates = Vec::new();
    for executes in Execution::ALL {
        let campaigns = model.campaigns_at(executes);
        if campaigns.is_empty() {
            continue;
        }
        let seeds: Vec<Vec<u64>> =
            campaigns.iter().map(|&i| model.seeds[i].rates.clone()).collect();
        let bounds = loss_bounds(model, executes, &seeds)?;
        let settled: Vec<Option<u64>> = bounds.iter().map(|&bounds| settled(bounds)).collect();
        let drawn = match settled.iter().all(Option::is_some) {
            true => None,
            false => {
                let cascade = model.cascade(executes)?;
                let stakes = Stakes { seeds: &seeds, losses: &model.losses };
                Some(cascade.loss(needed(&cascade, settings.worlds, settings.seed), stakes))
            }
        };
        for (scenario, (&campaign, settled)) in campaigns.iter().zip(settled).enumerate() {
            let (mean, error) = match (settled, &drawn) {
                (None, Some(tally)) => (mean(tally, scenario, 0), error(tally, scenario, 0)),
                (settled, _) => (settled.unwrap_or_default(), 0),
            };
            estimates.push(Estimate { campaign, mean, error });
        }
    }
    Ok(estimates)
}

/// Returns the loss that bounds leave nothing to draw of, in 10^-9 losses a year.
fn settled((low, high): (u128, u128)) -> Option<u64> {
    ((high - low) * TOLERANCE <= high).then(|| nano((low + high) / 2))
}

/// Sums for each package what attacks that begin in it are expected to cost, in 10^-9 losses a year.
///
/// # Errors
///
/// As [`Assessment::of`].
pub fn own_losses(model: &Model, settings: Settings) -> Result<Vec<u64>, GraphError> {
    let mut own = vec![0; model.len()];
    for executes in Execution::ALL {
        let campaigns = model.campaigns_at(executes);
        if campaigns.is_empty() {
            continue;
        }
        let cascade = model.cascade(executes)?;
        let worlds = needed(&cascade, settings.worlds, settings.seed);
        for ((at, own), reach) in own.iter_mut().enumerate().zip(reach(model, &cascade, worlds)) {
            let seeds = campaigns.iter().map(|&i| u128::from(model.seeds[i].rates[at]));
            *own += nano(seeds.sum::<u128>() * reach / u128::from(worlds.count.max(1)));
        }
    }
    Ok(own)
}

/// Sums over worlds, for each package, what harm that begins there costs, in 10^-3 losses.
fn reach(model: &Model, cascade: &Cascade, worlds: Worlds) -> Vec<u128> {
    let hits = cascade.hits(worlds);
    let of_package = |package: u32| {
        let of_root = hits.of(package).iter().zip(&model.losses);
        of_root.map(|(&hits, &loss)| u128::from(hits) * u128::from(loss)).sum()
    };
    (0u32..).take(model.len()).map(of_package).collect()
}

/// Returns the worlds that have to be drawn: one, if they are all the same.
fn needed(cascade: &Cascade, worlds: u32, seed: u64) -> Worlds {
    Worlds { seed, count: if cascade.is_certain() { 1 } else { worlds } }
}

/// What is known of the campaigns whose code runs at the same time.
struct Part {
    /// The campaigns, by their positions in the model.
    campaigns: Vec<usize>,
    losses: Tally,
    falls: Tally,
    /// For each campaign the bounds of its loss, in 10^-15 losses a year.
    bounds: Vec<(u128, u128)>,
    /// For each package, the loss that is expected of harm that begins there once: 10^-3 losses, times the worlds.
    reach: Vec<u128>,
}

impl Part {
    fn of(model: &Model, executes: Execution, settings: Settings) -> Result<Part, GraphError> {
        let campaigns = model.campaigns_at(executes);
        let cascade = model.cascade(executes)?;
        let seeds: Vec<Vec<u64>> =
            campaigns.iter().map(|&i| model.seeds[i].rates.clone()).collect();
        let stakes = Stakes { seeds: &seeds, losses: &model.losses };
        let worlds = needed(&cascade, settings.worlds, settings.seed);
        Ok(Part {
            reach: reach(model, &cascade, worlds),
            losses: cascade.loss(worlds, stakes),
            falls: cascade.falls(worlds, stakes),
            bounds: loss_bounds(model, executes, &seeds)?,
            campaigns,
        })
    }

    /// Returns what each campaign is expected to cost.
    fn estimates(&self) -> impl Iterator<Item = Estimate> {
        self.campaigns.iter().enumerate().map(|(scenario, &campaign)| {
            match settled(self.bounds[scenario]) {
                Some(mean) => Estimate { campaign, mean, error: 0 },
                None => Estimate {
                    campaign,
                    mean: mean(&self.losses, scenario, 0),
                    error: error(&self.losses, scenario, 0),
                },
            }
        })
    }
}

/// Bounds the losses of campaigns without drawing anything, in 10^-15 losses a year.
fn loss_bounds(
    model: &Model,
    executes: Execution,
    seeds: &[Vec<u64>],
) -> Result<Vec<(u128, u128)>, GraphError> {
    use rayon::prelude::*;
    let ties = model.ties(executes);
    let of_root = |(&root, &loss): (&u32, &u32)| -> Result<Vec<(u128, u128)>, GraphError> {
        let bounds = bounds(model.len(), &ties, root)?;
        let sum = |seeds: &Vec<u64>, bound: fn(&Bounds) -> u64| -> u128 {
            let each = seeds.iter().zip(&bounds);
            each.map(|(&seed, bounds)| u128::from(seed) * u128::from(bound(bounds))).sum::<u128>()
                * u128::from(loss)
        };
        Ok(seeds.iter().map(|seeds| (sum(seeds, |b| b.lower), sum(seeds, |b| b.upper))).collect())
    };
    let sums = model.roots.par_iter().zip(&model.losses).map(of_root);
    let sums = sums.try_reduce(
        || vec![(0, 0); seeds.len()],
        |a, b| Ok(a.iter().zip(b).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect()),
    )?;
    let units = u128::from(Bounds::UNITS);
    Ok(sums.into_iter().map(|(low, high)| (low / units, high.div_ceil(units))).collect())
}

/// Bounds that differ by no more than this part leave nothing to draw.
const TOLERANCE: u128 = 1000;

fn campaigns(model: &Model, parts: &[Part], rates: &Rates) -> Vec<CampaignLoss> {
    let mut losses = Vec::new();
    for part in parts {
        for (estimate, &(low, high)) in part.estimates().zip(&part.bounds) {
            let position = estimate.campaign;
            let campaign = &model.campaigns[position];
            losses.push(CampaignLoss {
                band: rates.band(&[estimate]),
                bounds_nano: (nano(low), nano(high)),
                counted: model.priors.rate(&campaign.rate).map(Counted::of),
                crates: model.seeds[position].rates.iter().filter(|&&rate| rate > 0).count() as u64,
                error_nano: estimate.error,
                exact: settled((low, high)).is_some(),
                executes: campaign.executes,
                name: campaign.name.clone(),
                unknown: model.seeds[position].unknown.len() as u64,
            });
        }
    }
    losses.sort_by(|a, b| a.name.cmp(&b.name));
    losses
}

/// A row, and what makes it up.
struct Row {
    exposure: Exposure,
    /// The fall under each campaign, by its position, in 10^-9 losses a year.
    by_campaign: Vec<u64>,
}

fn rows(inventory: &Inventory, model: &Model, parts: &[Part]) -> Vec<Row> {
    let row = |package: u32| {
        let at = package as usize;
        let mut by_campaign = vec![0; model.campaigns.len()];
        let (mut own, mut error_nano) = (0, 0);
        for part in parts {
            for (scenario, &position) in part.campaigns.iter().enumerate() {
                by_campaign[position] = mean(&part.falls, scenario, at);
                error_nano += error(&part.falls, scenario, at);
                let worlds = u128::from(part.losses.worlds().max(1));
                let seed = u128::from(model.seeds[position].rates[at]);
                own += nano(seed * part.reach[at] / worlds);
            }
        }
        let unknown = model.campaigns.iter().zip(&model.seeds);
        let unknown = unknown.filter(|(_, seeds)| seeds.unknown.binary_search(&package).is_ok());
        Row {
            exposure: Exposure {
                delta_error_nano: error_nano,
                delta_nano: by_campaign.iter().sum(),
                id: inventory.package(package).id.clone(),
                own_nano: own,
                unknown: unknown.map(|(campaign, _)| campaign.name.clone()).collect(),
            },
            by_campaign,
        }
    };
    inventory.judged_externals().into_iter().map(row).collect()
}

/// Draws of the rates, each as a multiple of its mean in millionths.
struct Rates {
    /// For each campaign, by position.
    multiples: Vec<Vec<u64>>,
}

impl Rates {
    fn of(model: &Model, seed: u64) -> Rates {
        let multiples = model.campaigns.iter().map(|campaign| {
            let rate = model.priors.rate(&campaign.rate);
            rate.map_or_else(|| vec![1_000_000; DRAWS], |rate| multiples(rate, seed))
        });
        Rates { multiples: multiples.collect() }
    }

    /// Returns the band of what all campaigns cost together.
    fn band(&self, estimates: &[Estimate]) -> Band {
        let drawn = |draw: usize| {
            let of = |e: &Estimate| times(e.mean, self.multiples[e.campaign][draw]);
            estimates.iter().map(of).sum()
        };
        let mean_nano = estimates.iter().map(|estimate| estimate.mean).sum();
        let error_nano = estimates.iter().map(|estimate| estimate.error).sum();
        widened(mean_nano, error_nano, (0..DRAWS).map(drawn).collect())
    }

    /// Compares the order of rows with what it would be under the rates of every draw.
    fn order(&self, rows: &[Row]) -> Order {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.exposure.delta_nano > 0).collect();
        let (mut sum, mut pairs) = (0_i64, 0_i64);
        for draw in (0..DRAWS).step_by(4) {
            let under = |row: &&Row| -> u64 {
                let falls = row.by_campaign.iter().zip(&self.multiples);
                falls.map(|(&fall, multiples)| times(fall, multiples[draw])).sum()
            };
            let falls: Vec<u64> = rows.iter().map(under).collect();
            for (first, row) in rows.iter().enumerate() {
                for (second, other) in rows.iter().enumerate().skip(first + 1) {
                    if row.exposure.delta_nano == other.exposure.delta_nano {
                        continue;
                    }
                    pairs += 1;
                    sum += match falls[first].cmp(&falls[second]) {
                        std::cmp::Ordering::Greater => 1,
                        std::cmp::Ordering::Equal => 0,
                        std::cmp::Ordering::Less => -1,
                    };
                }
            }
        }
        let tau = if pairs == 0 { 1000 } else { sum * 1000 / pairs };
        let tau_permille = i32::try_from(tau).unwrap_or_default();
        Order { is_ordered: tau_permille >= LEAST_TAU, tau_permille }
    }
}

/// Returns draws from the posterior of a rate: one from each of equally likely parts, in an order of its own.
pub(super) fn multiples(rate: &Rate, seed: u64) -> Vec<u64> {
    let Ok(posterior) = Gamma::new(rate.shape(), rate.shape()) else {
        return vec![1_000_000; DRAWS];
    };
    let stream = rate.name.bytes().fold(seed, |stream, byte| mix(stream ^ u64::from(byte)));
    let mut order: Vec<usize> = (0..DRAWS).collect();
    order.sort_by_key(|&draw| mix(stream ^ draw as u64));
    let quantile = |part: usize| {
        let multiple = posterior.inverse_cdf((part as f64 + 0.5) / DRAWS as f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "quantiles of a gamma distribution of mean 1 are positive and small"
        )]
        let millionths = (multiple * 1e6).round() as u64;
        millionths
    };
    order.into_iter().map(quantile).collect()
}

fn widened(mean_nano: u64, error_nano: u64, mut losses: Vec<u64>) -> Band {
    losses.sort_unstable();
    let at = |twentieths: usize| losses.get(losses.len() * twentieths / 20).copied().unwrap_or(0);
    let scaled = |loss: u64, mean: u64| match mean_nano {
        0 => loss,
        whole => (u128::from(loss) * u128::from(mean) / u128::from(whole)).try_into().unwrap_or(0),
    };
    Band {
        low_nano: scaled(at(1), mean_nano.saturating_sub(error_nano)),
        mean_nano,
        high_nano: scaled(at(19), mean_nano.saturating_add(error_nano)),
    }
}

fn elasticities(
    model: &Model,
    settings: Settings,
    campaigns: &[CampaignLoss],
) -> Result<Vec<Elasticity>, GraphError> {
    let whole: u64 = campaigns.iter().map(|campaign| campaign.band.mean_nano).sum();
    let share = |part: i128, percent: i128| -> i64 {
        // Rounded to the nearest, so that the shares of campaigns add up to the whole.
        let (part, whole) = (part * 100_000, i128::from(whole.max(1)) * percent);
        i64::try_from((2 * part + whole).div_euclid(2 * whole)).unwrap_or(i64::MAX)
    };
    let mut elasticities: Vec<Elasticity> = campaigns
        .iter()
        .map(|campaign| Elasticity {
            permille: share(campaign.band.mean_nano.into(), 100),
            of: format!("the rate of {}", campaign.name),
        })
        .collect();
    let before = expected_loss(model, settings)?;
    let mut more = model.clone();
    more.priors.call_permille = (model.priors.call_permille * 11 / 10).min(1000);
    let after = expected_loss(&more, settings)?;
    elasticities.push(Elasticity {
        permille: share(i128::from(after) - i128::from(before), 10),
        of: "the probability of a call".to_owned(),
    });
    Ok(elasticities)
}

fn attribution(
    model: &Model,
    settings: Settings,
    campaigns: &[CampaignLoss],
) -> Result<Vec<Attribution>, GraphError> {
    let whole: u64 = campaigns.iter().map(|campaign| campaign.band.mean_nano).sum();
    let mut parts: Vec<Attribution> = campaigns
        .iter()
        .map(|campaign| Attribution {
            nano: whole - campaign.band.mean_nano,
            without: campaign.name.clone(),
        })
        .collect();
    let mut called = model.clone();
    called.priors.call_permille = 1000;
    parts.push(Attribution {
        nano: expected_loss(&called, settings)?,
        without: "the probability of a call: all that is linked is called".to_owned(),
    });
    let mut even = model.clone();
    even.losses = vec![super::model::LOSS_UNIT; model.losses.len()];
    if even.losses != model.losses {
        parts.push(Attribution {
            nano: expected_loss(&even, settings)?,
            without: "the policy's losses: each member's is 1".to_owned(),
        });
    }
    Ok(parts)
}

/// Returns the expectation of an item.
pub(super) fn mean(tally: &Tally, scenario: usize, item: usize) -> u64 {
    nano(tally.sum(scenario, item) / u128::from(tally.worlds().max(1)))
}

/// Returns half of the width of the interval that chance leaves to an expectation, nineteen times in twenty: Student's
/// t with one degree of freedom less than there are batches, times the standard error of their means.
pub(super) fn error(tally: &Tally, scenario: usize, item: usize) -> u64 {
    let mean = tally.sum(scenario, item) / u128::from(tally.worlds().max(1));
    let batches = tally.batches(scenario, item).filter(|(worlds, _)| *worlds > 0);
    let squares: Vec<u128> =
        batches.map(|(worlds, sum)| (sum / u128::from(worlds)).abs_diff(mean).pow(2)).collect();
    if squares.len() < Tally::BATCHES {
        return 0;
    }
    let batches = Tally::BATCHES as u128;
    // The 0.975 quantile of Student's t with 7 degrees of freedom is 2.365.
    let standard = (squares.iter().sum::<u128>() / (batches * (batches - 1))).isqrt();
    nano(standard * 2365 / 1000)
}

pub(super) fn nano(sum: u128) -> u64 {
    u64::try_from(sum / SUM_UNITS).unwrap_or(u64::MAX)
}

pub(super) fn times(number: u64, millionths: u64) -> u64 {
    let product = u128::from(number) * u128::from(millionths) / 1_000_000;
    u64::try_from(product).unwrap_or(u64::MAX)
}

/// Writes 10^-9 losses as losses, with three digits that count.
pub fn losses(nano: u64) -> String {
    let Some(digits) = nano.checked_ilog10() else { return "0".to_owned() };
    let places = 9 - digits.min(9) + 2;
    let places = places.clamp(2, 9);
    let unit = 10_u64.pow(9 - places);
    let rounded = (nano + unit / 2) / unit;
    let scale = 10_u64.pow(places);
    format!("{}.{:0width$}", rounded / scale, rounded % scale, width = places as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_have_three_digits_that_count() {
        assert_eq!(losses(0), "0");
        assert_eq!(losses(7), "0.000000007");
        assert_eq!(losses(12_345), "0.0000123");
        assert_eq!(losses(123_456_789), "0.123");
        assert_eq!(losses(1_234_567_890), "1.23");
        assert_eq!(losses(123_456_789_000), "123.46");
    }
}
