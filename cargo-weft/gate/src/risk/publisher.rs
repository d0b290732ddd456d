//! Publishers: what would be saved if everything that one of them may publish were blocked, and how few of them hold
//! half of the expected loss.
//!
//! Whoever takes over an account can publish all that the account may, so a publisher is a group of crates that is
//! blocked together.
//! What groups save together is not the sum of what each saves: two publishers of one crate save it once, and where two
//! ways lead to one loss, closing both saves what closing either does not.
//! So the fewest are searched for, and a count that no fewer can reach is told beside what was found.

mod joint;
mod way;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_graph::{GraphError, Worlds};

use self::joint::{Joint, cascades};
use super::assessment::Settings;
use super::model::Model;
use super::prior::{Priors, RATE_UNIT};
use crate::facts::Known;
use crate::inventory::Inventory;
use crate::publisher::{Basis, Publication, Publisher, Publishers};

/// Who publishes the external packages, and how much hangs on whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Concentration {
    /// The external packages whose publishers are known, by package URL.
    pub crates: Vec<Fragility>,
    /// What attacks are expected to cost in the worlds drawn here, in 10^-9 losses a year.
    pub expected_nano: u64,
    /// The fewest publishers on whom half of it hangs; absent where it hangs on all known ones together for less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<Half>,
    /// The publishers, by what blocking all that they may publish would save.
    pub publishers: Vec<Bottleneck>,
    /// The external packages of which no source says who publishes them.
    pub unknown: Vec<String>,
    /// How many worlds were drawn, where any had to be.
    pub worlds: u32,
}

/// What hangs on one publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bottleneck {
    /// How it is known which packages the publisher may publish, with the number of packages for each source.
    pub by: BTreeMap<Basis, u64>,
    /// How many external packages the publisher may publish.
    pub crates: u64,
    /// Half of the width of the interval that chance leaves to `delta_nano`, nineteen times in twenty.
    pub delta_error_nano: u64,
    /// By how much the expected loss falls if all of them are blocked: nothing begins in them or passes through them.
    pub delta_nano: u64,
    /// The account.
    pub publisher: String,
    /// That fall as a part of the expected loss, in thousandths.
    pub share_permille: u64,
}

/// Publishers on whom half of the expected loss hangs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Half {
    /// It hangs on no fewer publishers than this, whichever they are.
    pub at_least: u64,
    /// What attacks are expected to cost in the worlds in which they were looked for, in 10^-9 losses a year.
    pub expected_nano: u64,
    /// The publishers that were found, in the order in which they were chosen.
    pub publishers: Vec<Chosen>,
    /// How many worlds these are, where any had to be drawn.
    pub worlds: u32,
}

/// A publisher that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// What is saved if everything that it and those before it may publish is blocked, in 10^-9 losses a year.
    pub joint_nano: u64,
    /// The account.
    pub publisher: String,
}

/// How few people an external package hangs on.
///
/// More publishers make a takeover likelier and abandonment less likely, so the two are never merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fragility {
    /// The probability that all of its publishers leave it within a year, in units of 10^-12; absent where nobody counted
    /// how often one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandonment: Option<u64>,
    /// How it is known who they are.
    pub basis: Basis,
    /// The package URL.
    pub id: String,
    /// The accounts.
    pub publishers: Vec<String>,
    /// The probability that at least one of its publishers is taken over within a year, in units of 10^-12, if each is as
    /// often as a crate: at most that, since a crate has one at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takeover: Option<u64>,
}

/// The most publishers that are measured, times packages: four times what the largest lockfile that is known has.
const MOST: usize = 4_000_000;
/// Worlds that are kept, if they fit.
const DRAWN_WORLDS: u32 = 512;
/// Those of them in which the fewest publishers are looked for, which takes longer.
const HALF_WORLDS: u32 = 128;

impl Concentration {
    /// Finds out what hangs on whom; that is not known if more publishers share more packages than could be looked at.
    ///
    /// # Errors
    ///
    /// A [`GraphError`] if there are more packages than a graph holds.
    pub fn of(
        inventory: &Inventory,
        model: &Model,
        publishers: &Publishers<'_>,
        settings: Settings,
    ) -> Result<Known<Concentration>, GraphError> {
        let groups: Vec<(&Publisher, &[u32])> = publishers.iter().collect();
        if groups.len() * model.len() > MOST {
            return Ok(Known::Unknown(format!(
                "{} publishers of {} packages are more than are measured",
                groups.len(),
                model.len()
            )));
        }
        let cascades = cascades(model)?;
        let packages: Vec<&[u32]> = groups.iter().map(|(_, packages)| *packages).collect();
        let drawn = |count: u32| {
            Joint::of(model, &cascades, &packages, Worlds { seed: settings.seed, count })
        };
        let joint = drawn(DRAWN_WORLDS);
        let expected = joint.expected();
        let row = |(who, packages): &(&Publisher, &[u32])| {
            let (delta_nano, delta_error_nano) = joint.fall(packages);
            let mut by = BTreeMap::new();
            for publication in packages.iter().filter_map(|p| publishers.publication(*p)) {
                *by.entry(publication.basis).or_default() += 1;
            }
            Bottleneck {
                by,
                crates: packages.len() as u64,
                delta_error_nano,
                delta_nano,
                publisher: who.to_string(),
                share_permille: permille(delta_nano, expected),
            }
        };
        let mut rows: Vec<Bottleneck> = groups.par_iter().map(row).collect();
        let alone: Vec<u64> = rows.iter().map(|row| row.delta_nano).collect();
        let half = half(&drawn(HALF_WORLDS), model, &groups, &alone)?;
        // Stable, so that ties keep the order of their names.
        rows.sort_by_key(|row| Reverse(row.delta_nano));
        let id = |index: &u32| inventory.package(*index).id.clone();
        let known = inventory.judged_externals().into_iter();
        let known = known.filter_map(|index| Some((index, publishers.publication(index)?)));
        let mut crates: Vec<Fragility> = known
            .map(|(index, publication)| fragility(id(&index), publication, &model.priors))
            .collect();
        crates.sort_by(|a, b| a.id.cmp(&b.id));
        let mut unknown: Vec<String> = publishers.unknown().iter().map(id).collect();
        unknown.sort();
        Ok(Known::Value(Concentration {
            crates,
            expected_nano: expected,
            half,
            publishers: rows,
            unknown,
            worlds: joint.worlds(),
        }))
    }
}

/// Looks for the fewest publishers on whom half hangs, and tells how few it can be at least.
fn half(
    joint: &Joint<'_>,
    model: &Model,
    groups: &[(&Publisher, &[u32])],
    alone: &[u64],
) -> Result<Option<Half>, GraphError> {
    let expected_nano = joint.expected();
    let Some(order) = joint.fewest(alone, expected_nano / 2) else { return Ok(None) };
    let found: Vec<usize> = order.iter().map(|(at, _)| *at).collect();
    let at_least = joint.at_least(model, &found, expected_nano / 2)?;
    let chosen =
        |(at, joint_nano): (usize, u64)| Chosen { joint_nano, publisher: groups[at].0.to_string() };
    let publishers = order.into_iter().map(chosen).collect();
    Ok(Some(Half { at_least, expected_nano, publishers, worlds: joint.worlds() }))
}

/// Returns a part in thousandths, rounded down.
fn permille(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

fn fragility(id: String, publication: &Publication, priors: &Priors) -> Fragility {
    let each = |name: &str| -> Option<Vec<u64>> {
        let rate = priors.rate(name)?.mean().min(RATE_UNIT);
        Some(vec![rate; publication.publishers.len()])
    };
    Fragility {
        abandonment: each("abandonment").map(|leaves| abandonment(&leaves)),
        basis: publication.basis,
        id,
        publishers: publication.publishers.iter().map(Publisher::to_string).collect(),
        takeover: each("takeover").map(|falls| takeover(&falls)),
    }
}

/// Returns how likely at least one of some independent events is, all in units of 10^-12 and rounded up.
pub fn takeover(each: &[u64]) -> u64 {
    let others: Vec<u64> = each.iter().map(|p| RATE_UNIT.saturating_sub(*p)).collect();
    RATE_UNIT - abandonment(&others)
}

/// Returns how likely all of some independent events are, all in units of 10^-12 and rounded down; certain if there are
/// none.
pub fn abandonment(each: &[u64]) -> u64 {
    each.iter().fold(RATE_UNIT, |product, &p| {
        let product = u128::from(product) * u128::from(p.min(RATE_UNIT)) / u128::from(RATE_UNIT);
        u64::try_from(product).unwrap_or(RATE_UNIT)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::gate::sample;
    use crate::input::lockfile;
    use crate::inventory::from_lock;
    use crate::publisher::Publications;
    use crate::risk::{Assessment, Campaign, campaign, model, prior};
    use weft_verify::Sha256;

    /// Makes an inventory of packages, each with what it needs: members, whose names begin with `r`, and external ones.
    ///
    /// Versions are 1.0.0; another stands after the name, as in `a 2.0.0`.
    pub(in crate::risk) fn inventory(packages: &[(&str, &[&str])]) -> Inventory {
        let entry = |(spec, needs): &(&str, &[&str])| {
            let (name, version) = spec.split_once(' ').unwrap_or((spec, "1.0.0"));
            let source = match name.starts_with('r') {
                true => String::new(),
                false => format!(
                    "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n",
                    Sha256::of(spec.as_bytes())
                ),
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

    fn id(name: &str) -> String {
        format!("pkg:cargo/{name}@1.0.0")
    }

    fn publications(owned: &[(&str, &[&str])]) -> Publications {
        let mut owners = BTreeMap::<String, Vec<Publisher>>::new();
        for (owner, names) in owned {
            for name in *names {
                owners.entry(id(name)).or_default().extend(Publisher::user(owner));
            }
        }
        let packages = owners.into_iter();
        let packages = packages.map(|(id, by)| (id, Publication::of(Basis::Snapshot, by).unwrap()));
        Publications { packages: packages.collect(), snapshot: None }
    }

    pub(in crate::risk) fn model(
        inventory: &Inventory,
        call_permille: u32,
        campaigns: Vec<Campaign>,
    ) -> Model {
        let known = model::Known { as_of: jiff::civil::date(2026, 11, 20), releases: None };
        let priors = Priors { call_permille, ..prior::built_in() };
        Model::of(inventory, &sample::policy(), known, priors, campaigns)
    }

    pub(in crate::risk) fn campaigns(names: &[&str]) -> Vec<Campaign> {
        let built_in = campaign::built_in().into_iter();
        built_in.filter(|campaign| names.contains(&&*campaign.name)).collect()
    }

    /// The worlds of these settings are those that are kept.
    const SETTINGS: Settings = Settings { seed: 7, worlds: DRAWN_WORLDS };

    pub(in crate::risk::publisher) fn concentration(
        model: &Model,
        inventory: &Inventory,
        owned: &[(&str, &[&str])],
    ) -> Concentration {
        let publications = publications(owned);
        let publishers = Publishers::of(inventory, &publications);
        match Concentration::of(inventory, model, &publishers, SETTINGS).unwrap() {
            Known::Value(found) => found,
            Known::Unknown(reason) => panic!("{reason}"),
        }
    }

    pub(super) const W: [(&str, &[&str]); 6] = [
        ("r", &["a", "b"]),
        ("a", &["c"]),
        ("b", &["c", "e"]),
        ("c", &["d"]),
        ("d", &[]),
        ("e", &[]),
    ];

    #[test]
    fn who_owns_all_that_members_need_holds_everything() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let owned: [(&str, &[&str]); 3] = [("x", &["a", "b"]), ("y", &["c", "d"]), ("z", &["e"])];
        let found = concentration(&model, &inventory, &owned);
        assert_eq!(found.publishers[0].publisher, "github.com/x");
        assert_eq!(found.publishers[0].share_permille, 1000);
        assert_eq!(found.publishers[0].delta_nano, found.expected_nano);
        let half = found.half.unwrap();
        assert_eq!((half.at_least, half.publishers.len()), (1, 1));
        assert_eq!(half.publishers[0].publisher, "github.com/x");
        assert_eq!(found.worlds, DRAWN_WORLDS);
        assert_eq!(found.unknown, [""; 0]);
    }

    #[test]
    fn who_publishes_one_crate_saves_what_that_crate_does() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaign::built_in());
        let owned: [(&str, &[&str]); 5] =
            [("o1", &["a"]), ("o2", &["b"]), ("o3", &["c"]), ("o4", &["d"]), ("o5", &["e"])];
        let found = concentration(&model, &inventory, &owned);
        let rows = Assessment::of(&inventory, &model, SETTINGS).unwrap().rows;
        for (owner, names) in owned {
            let row = rows.iter().find(|row| row.id == id(names[0])).unwrap();
            let mut all = found.publishers.iter();
            let bottleneck = all.find(|b| b.publisher == format!("github.com/{owner}")).unwrap();
            assert_eq!(bottleneck.delta_nano, row.delta_nano, "{owner}");
            assert_eq!(bottleneck.delta_error_nano, row.delta_error_nano, "{owner}");
            assert_eq!((bottleneck.crates, bottleneck.by[&Basis::Snapshot]), (1, 1));
        }
    }

    /// W's golden falls of `a` to `e` are 25, 33, 21, 7 and 8 of the 61 that one seed in each of them loses.
    #[test]
    fn in_many_worlds_the_golden_falls_hang_on_who_publishes_one_crate() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let cascades = cascades(&model).unwrap();
        let worlds = Worlds { seed: 7, count: 1 << 17 };
        let joint = Joint::of(&model, &cascades, &[], worlds);
        assert_eq!(joint.worlds(), worlds.count);
        let seed =
            model.seeds[0].rates.iter().max().unwrap() * u64::from(model.losses[0]) / 1_000_000;
        let near = |nano: u64, thirty_seconds: u64| {
            // Half of a 32nd is more than three standard deviations of each.
            let off = (nano * 32).abs_diff(thirty_seconds * seed);
            assert!(off * 2 < seed, "{nano} of {seed} are not {thirty_seconds} 32nds");
        };
        near(joint.expected(), 61);
        for (name, exact) in [("a", 25), ("b", 33), ("c", 21), ("d", 7), ("e", 8)] {
            let at = (0..).zip(&inventory.packages).find(|(_, package)| package.name == name);
            near(joint.fall(&[at.unwrap().0]).0, exact);
        }
    }

    #[test]
    fn what_nobody_is_known_to_publish_hangs_on_nobody() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let found = concentration(&model, &inventory, &[("x", &["d"])]);
        assert_eq!(found.unknown, ["a", "b", "c", "e"].map(id));
        assert_eq!(found.half, None);
        assert_eq!((found.crates.len(), found.publishers.len()), (1, 1));
        let nobody = concentration(&model, &inventory, &[]);
        assert_eq!((nobody.publishers.len(), nobody.half, nobody.unknown.len()), (0, None, 5));
        assert_eq!(nobody.expected_nano, found.expected_nano);
    }

    #[test]
    fn a_takeover_needs_one_and_abandonment_needs_all() {
        let half = RATE_UNIT / 2;
        assert_eq!(takeover(&[half, half]), RATE_UNIT * 3 / 4);
        assert_eq!(abandonment(&[half, half]), RATE_UNIT / 4);
        assert_eq!((takeover(&[]), abandonment(&[])), (0, RATE_UNIT));
        assert_eq!((takeover(&[RATE_UNIT, 1]), abandonment(&[RATE_UNIT, 1])), (RATE_UNIT, 1));
        assert_eq!((takeover(&[1, 1]), abandonment(&[1, 1])), (2, 0));
        assert_eq!((takeover(&[u64::MAX]), abandonment(&[u64::MAX])), (RATE_UNIT, RATE_UNIT));
    }

    #[test]
    fn fragility_is_that_of_the_priors_and_what_they_lack_is_unknown() {
        let inventory = inventory(&W);
        let mut model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let owned: [(&str, &[&str]); 2] = [("x", &["a", "b"]), ("y", &["a"])];
        let found = concentration(&model, &inventory, &owned);
        let rate = model.priors.rate("takeover").unwrap().mean();
        assert_eq!(found.crates[0].publishers, ["github.com/x", "github.com/y"]);
        assert_eq!(found.crates[0].takeover, Some(takeover(&[rate, rate])));
        assert_eq!((found.crates[1].takeover, found.crates[1].abandonment), (Some(rate), None));
        let leaves =
            prior::Rate { name: "abandonment".to_owned(), ..model.priors.rates[0].clone() };
        model.priors.rates.push(leaves);
        let found = concentration(&model, &inventory, &owned);
        assert!(found.crates[0].abandonment.unwrap() < found.crates[1].abandonment.unwrap());
    }

    #[test]
    fn more_publishers_than_can_be_measured_are_told_as_unknown() {
        let names: Vec<String> = (0..2000).map(|n| format!("e{n}")).collect();
        let needs: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut packages: Vec<(&str, &[&str])> = vec![("r", &needs)];
        packages.extend(needs.iter().map(|name| (*name, &[][..])));
        let inventory = inventory(&packages);
        let model = model(&inventory, 500, campaigns(&["slow-burn"]));
        let owned: Vec<(&str, &[&str])> =
            needs.iter().zip(needs.chunks(1)).map(|(name, of)| (*name, of)).collect();
        let publications = publications(&owned);
        let publishers = Publishers::of(&inventory, &publications);
        let found = Concentration::of(&inventory, &model, &publishers, SETTINGS).unwrap();
        let said = found.as_ref().unwrap_err();
        assert_eq!(said, "2000 publishers of 2001 packages are more than are measured");
    }

    #[test]
    fn threads_do_not_show() {
        let inventory = inventory(&W);
        let model = model(&inventory, 500, campaign::built_in());
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                concentration(&model, &inventory, &[("x", &["a", "e"]), ("y", &["a", "c"])])
            })
        };
        assert_eq!(by(1), by(16));
    }
}
