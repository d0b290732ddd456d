//! Arrivals: how likely harm that begins in a package comes to each member.
//!
//! Where the bounds of `weft-graph` settle it no world is drawn; elsewhere worlds are counted, and chance leaves the
//! interval of Clopper and Pearson ("The use of confidence or fiducial limits illustrated in the case of the binomial",
//! Biometrika 26:4, 1934), which holds at least nineteen times in twenty whatever the probability is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;
use weft_graph::{Bounds, GraphError, Worlds, bounds};

use super::assessment::Settings;
use super::campaign::Execution;
use super::model::Model;
use crate::inventory::Inventory;

/// Where harm that begins in a package comes to, if its code runs at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// When its code runs.
    pub executes: Execution,
    /// The judged members that it may come to, the likeliest first, then by package URL.
    pub members: Vec<Arrival>,
}

/// How likely harm comes to a member, in millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// The worlds in which it does; absent where bounds settle it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Share>,
    /// It is not less, nineteen times in twenty.
    pub low_ppm: u32,
    /// It is not more, nineteen times in twenty.
    pub high_ppm: u32,
    /// The member's package URL.
    pub member: String,
    /// How likely it is.
    pub ppm: u32,
}

/// In how many of how many worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// In so many.
    pub hits: u32,
    /// Of so many.
    pub worlds: u32,
}

const MILLION: u32 = 1_000_000;

/// Half of what an interval leaves out: it holds nineteen times in twenty.
const TAIL: f64 = 0.025;

impl Arrivals {
    /// Finds where harm in one package comes to, for each time at which code of the model's campaigns runs.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if there are more packages than a graph holds.
    pub fn of(
        inventory: &Inventory,
        model: &Model,
        package: u32,
        settings: Settings,
    ) -> Result<Vec<Arrivals>, GraphError> {
        let times = Execution::ALL.into_iter();
        let asked = times.filter(|executes| !model.campaigns_at(*executes).is_empty());
        let arrivals = asked.map(|executes| {
            let mut members = members(inventory, model, package, executes, settings)?;
            members.sort_by(|a, b| (b.ppm, &a.member).cmp(&(a.ppm, &b.member)));
            Ok(Arrivals { executes, members })
        });
        arrivals.collect()
    }
}

fn members(
    inventory: &Inventory,
    model: &Model,
    package: u32,
    executes: Execution,
    settings: Settings,
) -> Result<Vec<Arrival>, GraphError> {
    let ties = model.ties(executes);
    let of_root = |&root: &u32| Ok(bounds(model.len(), &ties, root)?[package as usize]);
    let bounds = model.roots.iter().map(of_root).collect::<Result<Vec<Bounds>, GraphError>>()?;
    let hits = match bounds.iter().all(|bounds| is_settled(*bounds)) {
        true => None,
        false => {
            let worlds = Worlds { seed: settings.seed, count: settings.worlds };
            Some(model.cascade(executes)?.hits(worlds))
        }
    };
    let arrival = |(at, (&root, bounds)): (usize, (&u32, &Bounds))| {
        let share = hits.as_ref().filter(|_| !is_settled(*bounds)).and_then(|hits| {
            Some(Share { hits: *hits.of(package).get(at)?, worlds: hits.worlds() })
        });
        (bounds.upper > 0).then(|| Arrival::of(inventory.package(root).id.clone(), *bounds, share))
    };
    Ok(model.roots.iter().zip(&bounds).enumerate().filter_map(arrival).collect())
}

/// Says whether bounds leave less than a millionth open.
fn is_settled(bounds: Bounds) -> bool {
    u128::from(bounds.width()) * u128::from(MILLION) <= u128::from(Bounds::UNITS)
}

impl Arrival {
    /// Joins what bounds say with what was counted; the bounds are certain, so they cut the interval off.
    fn of(member: String, bounds: Bounds, drawn: Option<Share>) -> Arrival {
        let units = u128::from(Bounds::UNITS);
        let ppm = |bound: u64| u128::from(bound) * u128::from(MILLION);
        let least = narrow(ppm(bounds.lower) / units);
        let most = narrow(ppm(bounds.upper).div_ceil(units));
        let Some(Share { hits, worlds }) = drawn else {
            let middle = narrow(ppm(bounds.lower.midpoint(bounds.upper)) / units);
            return Arrival { drawn, low_ppm: least, high_ppm: most, member, ppm: middle };
        };
        let (low, high) = interval(hits, worlds);
        let mean = narrow(u128::from(hits) * u128::from(MILLION) / u128::from(worlds.max(1)));
        let within = |ppm: u32| ppm.clamp(least, most);
        Arrival { drawn, low_ppm: within(low), high_ppm: within(high), member, ppm: within(mean) }
    }
}

fn narrow(ppm: u128) -> u32 {
    u32::try_from(ppm).unwrap_or(MILLION).min(MILLION)
}

/// Returns the interval of Clopper and Pearson for the probability of what was seen in `hits` of `worlds`, in millionths
/// and rounded outwards: nineteen times in twenty it holds the probability.
fn interval(hits: u32, worlds: u32) -> (u32, u32) {
    let (hits, misses) = (f64::from(hits), f64::from(worlds.saturating_sub(hits)));
    let share = |ppm: u32| f64::from(ppm) / f64::from(MILLION);
    // At least so many hits, or misses, are rarer than the tail.
    let is_rare = |these: f64, others: f64, ppm: u32| {
        these > 0.0 && (ppm == 0 || beta_reg(these, others + 1.0, share(ppm)) < TAIL)
    };
    let largest = |is_rare: &dyn Fn(u32) -> bool| {
        let (mut rare, mut common) = (0, MILLION);
        while common - rare > 1 {
            let middle = rare.midpoint(common);
            if is_rare(middle) { rare = middle } else { common = middle }
        }
        rare
    };
    let low = largest(&|ppm| is_rare(hits, misses, ppm));
    let high = MILLION - largest(&|ppm| is_rare(misses, hits, ppm));
    (low, high)
}

#[cfg(test)]
mod tests {
    use weft_graph::{Cascade, Probability, Tie};

    use super::*;

    /// Newcombe, "Two-sided confidence intervals for the single proportion" (Statistics in Medicine 17, 1998), table I,
    /// method 5, to four places.
    #[test]
    fn intervals_are_those_of_the_literature() {
        for (hits, worlds, low, high) in
            [(81, 263, 2527, 3676), (15, 148, 578, 1617), (0, 20, 0, 1684), (1, 29, 9, 1776)]
        {
            let (found_low, found_high) = interval(hits, worlds);
            assert_eq!((found_low + 50) / 100, low, "{hits} of {worlds}");
            assert_eq!((found_high + 50) / 100, high, "{hits} of {worlds}");
            let (mirrored_low, mirrored_high) = interval(worlds - hits, worlds);
            assert_eq!((MILLION - mirrored_high, MILLION - mirrored_low), (found_low, found_high));
        }
    }

    /// With no hit the upper end has a closed form, `1 − (α/2)^(1/n)`.
    #[test]
    fn intervals_are_rounded_outwards() {
        for worlds in [1, 64, 10_240, 1 << 20] {
            let exact = (1.0 - TAIL.powf(1.0 / f64::from(worlds))) * f64::from(MILLION);
            let (low, high) = interval(0, worlds);
            assert_eq!(low, 0);
            assert!(f64::from(high) >= exact && f64::from(high) < exact + 1.01, "{worlds}: {high}");
        }
    }

    #[test]
    fn bounds_cut_an_interval_off_and_settle_it_where_they_meet() {
        let bounds = |lower: u64, upper: u64| Bounds { lower: lower << 24, upper: upper << 24 };
        let drawn = Some(Share { hits: 1, worlds: 2 });
        let arrival = |bounds, drawn| {
            let found = Arrival::of(String::new(), bounds, drawn);
            (found.low_ppm, found.ppm, found.high_ppm)
        };
        assert_eq!(arrival(bounds(64, 64), None), (250_000, 250_000, 250_000));
        assert_eq!(arrival(bounds(32, 160), drawn), (125_000, 500_000, 625_000));
        assert_eq!(arrival(bounds(160, 192), drawn), (625_000, 625_000, 750_000));
        assert!(is_settled(Bounds { lower: 0, upper: 4294 }));
        assert!(!is_settled(Bounds { lower: 0, upper: 4295 }));
    }

    /// Returns, for each graph of some of the ties, numbered by their bits, how likely `root` reaches a node.
    fn exact(ties: &[Tie], root: u32, node: u32) -> Vec<f64> {
        let is_reached = |live: usize| {
            let mut reached = 1_u32 << root;
            for _ in 0..ties.len() {
                let live = ties.iter().enumerate().filter(|(edge, _)| live >> edge & 1 == 1);
                let passing = live.filter(|(_, tie)| reached >> tie.dependent & 1 == 1);
                reached = passing.fold(reached, |reached, (_, tie)| reached | 1 << tie.dependency);
            }
            f64::from(reached >> node & 1)
        };
        let mut exact: Vec<f64> = (0..1 << ties.len()).map(is_reached).collect();
        for (edge, tie) in ties.iter().enumerate() {
            let live = f64::from(tie.probability.units()) / f64::from(Probability::UNITS);
            for graph in (0..exact.len()).filter(|graph| graph >> edge & 1 == 1) {
                exact[graph] = live * exact[graph] + (1.0 - live) * exact[graph ^ 1 << edge];
            }
        }
        exact
    }

    /// Of all graphs of four nodes, with cycles and with the probabilities of calls and others, every probability that
    /// bounds leave open: each is drawn with a seed of its own, so that misses are independent of one another.
    #[test]
    fn intervals_hold_exact_probabilities_as_often_as_they_say() {
        let pairs = (0..4_u32).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a != b);
        let tie = |((dependent, dependency), (key, units)): ((u32, u32), (u64, u32))| {
            let probability = Probability::from_units(units).unwrap();
            Tie { dependent, dependency, key, probability }
        };
        let units = [26_214, 32_768, 6_554, 26_214, 60_000].into_iter().cycle();
        let ties: Vec<Tie> = pairs.zip((0..).zip(units)).map(tie).collect();
        let (mut drawn, mut missed, mut settled) = (0_u32, 0_u32, 0_u32);
        for (root, node) in [(0, 3), (0, 2), (1, 0), (2, 1)] {
            for (graph, exact) in exact(&ties, root, node).into_iter().enumerate() {
                let there = ties.iter().enumerate().filter(|(edge, _)| graph >> edge & 1 == 1);
                let there: Vec<Tie> = there.map(|(_, tie)| *tie).collect();
                let bounds = bounds(4, &there, root).unwrap()[node as usize];
                let ppm = exact * f64::from(MILLION);
                let holds = |arrival: &Arrival| {
                    f64::from(arrival.low_ppm) <= ppm + 1e-6
                        && ppm <= f64::from(arrival.high_ppm) + 1e-6
                };
                if is_settled(bounds) {
                    settled += 1;
                    let arrival = Arrival::of(String::new(), bounds, None);
                    assert!(holds(&arrival), "{there:?}: {exact} and {arrival:?}");
                    continue;
                }
                let seed = u64::from(root) << 32 | graph as u64;
                let worlds = Worlds { seed: weft_graph::mix(seed), count: 10_240 };
                let cascade = Cascade::new(4, &there, &[root]).unwrap();
                let share = Share { hits: cascade.hits(worlds).of(node)[0], worlds: worlds.count };
                drawn += 1;
                missed += u32::from(!holds(&Arrival::of(String::new(), bounds, Some(share))));
            }
        }
        assert!(drawn > 5_000 && settled > 1_000, "{drawn} and {settled}");
        // Each misses once in twenty at most; more than that by four deviations of a binomial is no chance.
        let (expected, deviation) = (f64::from(drawn) / 20.0, (f64::from(drawn) * 0.0475).sqrt());
        assert!(f64::from(missed) < expected + 4.0 * deviation, "{missed} of {drawn}");
        // And they are no wider than that needs, though counts are whole numbers.
        assert!(f64::from(missed) > expected / 2.0, "{missed} of {drawn}");
    }
}
