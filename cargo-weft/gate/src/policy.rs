//! The policy: a level for every check, the lists and thresholds that checks compare with, and what must be known.
//!
//! A policy is a stack of layers: a built-in profile, possibly profiles in between, and the user's `weft.toml`.
//! [`parse_layer`] reads one, with places; [`combine`] lets each override those below it and remembers where every value
//! came from.
//! What results, [`Policy`], has no places and no gaps, and is what a verdict records.

mod barrier;
mod file;
mod layer;
mod license;
mod provenance;
mod rule;

pub use barrier::{Barrier, RiskPolicy};
pub use file::PolicyFile;
pub(crate) use layer::word;
pub use layer::{Layer, Reference, parse_layer};
pub(crate) use license::MODE;
pub use license::{Clarification, LicenseException, LicenseFile, LicensePolicy};
pub use provenance::{Proof, ProvenancePolicy, TrustedBuilder};
pub use rule::{BanPolicy, Boundary, DeniedCrate, FeatureRule, Layer as BoundaryLayer};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Diagnostic;
use crate::advisory::Severity;
use crate::check;
use crate::gate::Requirement;
use crate::place::Place;
use crate::risk::Campaign;

/// The version of the policy format.
pub const SCHEMA: u32 = 1;

/// A complete policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What the advisory checks compare with.
    pub advisories: AdvisoryPolicy,
    /// Which crates may be in the graph.
    pub bans: BanPolicy,
    /// What keeps attacks on crates away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barriers: Vec<Barrier>,
    /// Which members may reach which packages.
    pub boundaries: Vec<Boundary>,
    /// The level of every check, by code.
    pub checks: BTreeMap<String, Level>,
    /// What claims are held to.
    pub claims: ClaimsPolicy,
    /// How old a version must be.
    pub cooldown: CooldownPolicy,
    /// What each gate must know.
    pub gate: Gates,
    /// What is judged.
    pub graph: GraphPolicy,
    /// Which licences are accepted.
    pub licenses: LicensePolicy,
    /// The name of the profile that `weft.toml` builds on, or is used without one.
    pub profile: String,
    /// Whose attestations count.
    pub provenance: ProvenancePolicy,
    /// How much one publisher may reach; absent where it is as the profile `local` has it.
    #[serde(default, skip_serializing_if = "PublisherPolicy::is_default")]
    pub publishers: PublisherPolicy,
    /// What the risk model and the checks on it compare with.
    #[serde(default, skip_serializing_if = "RiskPolicy::is_default")]
    pub risk: RiskPolicy,
    /// Where packages may come from.
    pub sources: SourcePolicy,
    /// Thresholds of the topology checks.
    pub topology: TopologyPolicy,
}

/// What a finding of a check does to the verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The verdict is *failed*.
    Deny,
    /// It is shown, and does not change the verdict.
    Warn,
    /// It is shown in brief, and does not change the verdict.
    Note,
    /// The check is not evaluated.
    Off,
}

impl Policy {
    /// Says whether the check with this code must be evaluated: a gate names it, or licences are listed and it denies.
    ///
    /// To list licences is to state a rule, and of a rule silence is no answer.
    pub fn requires(&self, code: &str) -> bool {
        let is_stated = code.starts_with("license/")
            && !self.licenses.allow.is_empty()
            && self.checks.get(code) == Some(&Level::Deny);
        is_stated || self.gate.audit.requires(code)
    }
}

impl Level {
    /// Returns the word used in policies and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Note => "note",
            Self::Off => "off",
        }
    }
}

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GraphPolicy {
    /// Whether members' dev-dependencies are judged.
    pub dev_dependencies: bool,
    /// The features that are switched on.
    pub features: Features,
    /// The targets that are built for.
    pub targets: Targets,
}

/// The features that are switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Features {
    /// Every feature of every member.
    All,
    /// The members' default features.
    Default,
    /// These, beside the default ones.
    List(Vec<String>),
}

/// The targets that are built for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Every target there is.
    All,
    /// These target triples.
    List(Vec<String>),
}

/// What the advisory checks compare with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdvisoryPolicy {
    /// The directory of the database, relative to the workspace root; empty for that of `cargo weft db update`.
    pub database: String,
    /// How many days old the database may be.
    pub max_age_days: u32,
    /// The mildest severity that counts; an advisory without a score always does.
    pub severity: Severity,
}

/// What claims are held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClaimsPolicy {
    /// Words, in lower case, that make a sentence a promise.
    pub lexicon: Vec<String>,
    /// Whether evidence counts only if the role `evidence` signed it.
    pub signed_evidence: bool,
}

/// How old a version must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CooldownPolicy {
    /// How many days must have passed since a version was published; 0 for any age.
    pub days: u32,
    /// Crates that may be younger.
    pub exempt: Vec<String>,
}

/// How much one publisher may reach, and how publishers are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PublisherPolicy {
    /// The largest share of members, in percent, that the packages of one publisher may together reach.
    pub single_point_percent: u32,
    /// A snapshot of crates.io's owners, relative to the workspace root; empty for none.
    pub snapshot: String,
}

impl Default for PublisherPolicy {
    /// Returns what facts from before this table stand for, which is what the profile `local` says.
    fn default() -> Self {
        Self { single_point_percent: 90, snapshot: String::new() }
    }
}

impl PublisherPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where packages may come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePolicy {
    /// Git repositories: a URL, or with a final `/` everything below it.
    pub git: Vec<String>,
    /// Registries: `crates.io`, or an index URL as `Cargo.lock` has it.
    pub registries: Vec<String>,
}

/// Thresholds of the topology checks; each is argued on its check's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TopologyPolicy {
    /// The largest share of external crates, in percent, that may each reach half of the members or more.
    pub blast_percent: u32,
    /// Crates whose versions are not counted.
    pub duplicate_skip: Vec<String>,
    /// Crates whose versions, and those of all that they reach, are not counted.
    pub duplicate_skip_tree: Vec<String>,
    /// How many versions of one crate may be judged side by side.
    pub duplicate_versions: u32,
    /// External crates that may run a build script or be a procedural macro; if it is not empty, no others may.
    pub host_execution_allow: Vec<String>,
    /// The largest share of external crates, in percent, whose code may run while building.
    pub host_execution_percent: u32,
    /// The largest share of external crates, in percent, that one of them may alone bring in.
    pub sole_gateway_percent: u32,
}

/// What each gate must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// `cargo weft audit`.
    pub audit: Gate,
    /// `cargo weft gate merge`.
    pub merge: Needs,
    /// `cargo weft gate release`.
    pub release: Needs,
}

/// What a gate must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Without these the outcome is *inconclusive*.
    pub require: Vec<Requirement>,
}

/// What a gate must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Codes and families (`source`) that must be evaluated: otherwise the verdict is *inconclusive*.
    pub require: Vec<String>,
}

impl Gate {
    /// Says whether the check with this code must be evaluated.
    pub fn requires(&self, code: &str) -> bool {
        self.require.iter().any(|entry| covers(entry, code))
    }
}

/// Says whether `entry`, a code, a family or `family/*`, covers `code`.
fn covers(entry: &str, code: &str) -> bool {
    let family = entry.strip_suffix("/*").unwrap_or(entry);
    entry == code || code.split_once('/').is_some_and(|(f, _)| f == family)
}

/// A policy, and where each of its values comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The policy.
    pub policy: Policy,
    /// For each key in `weft.toml`'s spelling, such as `checks."topology/blast"`, its value and its place.
    pub origins: BTreeMap<String, (String, Place)>,
}

/// The built-in profiles and their texts, weakest first.
pub const PROFILES: [(&str, &str); 4] = [
    ("local", include_str!("../../../policies/local.toml")),
    ("baseline", include_str!("../../../policies/baseline.toml")),
    ("strict", include_str!("../../../policies/strict.toml")),
    ("release", include_str!("../../../policies/release.toml")),
];

/// Returns the text of a built-in profile.
pub fn profile(name: &str) -> Option<&'static str> {
    PROFILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Returns a built-in profile with those it builds on, the lowest first.
///
/// # Errors
///
/// A [`Diagnostic`] for a name that no profile has; the built-in texts themselves are tested.
pub fn built_in(name: &str) -> Result<Vec<Layer>, Diagnostic> {
    let text = profile(name).ok_or_else(|| Diagnostic::whole(name, "no profile has this name"))?;
    let layer = parse_layer(name, text.as_bytes())?;
    let mut layers = match &layer.profile {
        Some(lower) => built_in(lower)?,
        None => Vec::new(),
    };
    layers.push(layer);
    Ok(layers)
}

/// Combines layers, the lowest first, into a policy.
///
/// # Errors
///
/// A sentence naming a key that no layer sets; the built-in profiles set them all.
pub fn combine(layers: &[Layer]) -> Result<Effective, String> {
    let mut draft = Draft::default();
    for setting in layers.iter().flat_map(|layer| &layer.settings) {
        draft.apply(setting);
    }
    // A file is known by the profile it builds on, a profile by its own name.
    let top = layers.last().map(|top| match profile(&top.name) {
        Some(_) => top.name.clone(),
        None => top.profile.clone().unwrap_or_else(|| "local".to_owned()),
    });
    let policy = draft.policy(top.unwrap_or_default())?;
    Ok(Effective { policy, origins: draft.origins })
}

/// Values by key, the last one set.
#[derive(Default)]
struct Draft {
    levels: BTreeMap<String, Level>,
    values: BTreeMap<&'static str, layer::Value>,
    origins: BTreeMap<String, (String, Place)>,
}

impl Draft {
    fn apply(&mut self, setting: &layer::Setting) {
        let place = &setting.place;
        match &setting.value {
            layer::Value::Level(entry, level) => {
                for code in check::codes().filter(|code| covers(entry, code)) {
                    self.levels.insert(code.to_owned(), *level);
                    let key = format!("checks.\"{code}\"");
                    self.origins.insert(key, (format!("\"{}\"", level.as_str()), place.clone()));
                }
            }
            value => {
                self.origins.insert(setting.key.to_owned(), (value.to_string(), place.clone()));
                self.values.insert(setting.key, value.clone());
            }
        }
    }

    fn policy(&self, profile: String) -> Result<Policy, String> {
        use layer::key;
        if let Some(code) = check::codes().find(|code| !self.levels.contains_key(*code)) {
            return Err(format!("no profile gives `{code}` a level"));
        }
        Ok(Policy {
            advisories: AdvisoryPolicy {
                database: self.text(key::ADVISORY_DB)?,
                max_age_days: self.number(key::ADVISORY_AGE)?,
                severity: self.get(key::SEVERITY, |v| match v {
                    layer::Value::Severity(severity) => Some(*severity),
                    _ => None,
                })?,
            },
            bans: BanPolicy {
                allow: self.strings(key::BAN_ALLOW)?,
                deny: self.get(key::BAN_DENY, |v| match v {
                    layer::Value::Denied(list) => Some(list.clone()),
                    _ => None,
                })?,
                feature: self.get(key::BAN_FEATURE, |v| match v {
                    layer::Value::FeatureRules(list) => Some(list.clone()),
                    _ => None,
                })?,
            },
            barriers: self.optional(key::BARRIER, |v| match v {
                layer::Value::Barriers(list) => Some(list.clone()),
                _ => None,
            }),
            boundaries: self.get(key::BOUNDARY, |v| match v {
                layer::Value::Boundaries(list) => Some(list.clone()),
                _ => None,
            })?,
            checks: self.levels.clone(),
            claims: ClaimsPolicy {
                lexicon: self.strings(key::LEXICON)?,
                signed_evidence: self.flag(key::SIGNED_EVIDENCE)?,
            },
            cooldown: CooldownPolicy {
                days: self.number(key::COOLDOWN)?,
                exempt: self.strings(key::COOLDOWN_EXEMPT)?,
            },
            gate: Gates {
                audit: Gate { require: self.strings(key::REQUIRE)? },
                merge: Needs { require: self.requirements(key::REQUIRE_MERGE)? },
                release: Needs { require: self.requirements(key::REQUIRE_RELEASE)? },
            },
            graph: GraphPolicy {
                dev_dependencies: self.flag(key::DEV_DEPENDENCIES)?,
                features: self.get(key::FEATURES, |v| match v {
                    layer::Value::Features(features) => Some(features.clone()),
                    _ => None,
                })?,
                targets: self.get(key::TARGETS, |v| match v {
                    layer::Value::Targets(targets) => Some(targets.clone()),
                    _ => None,
                })?,
            },
            licenses: LicensePolicy {
                allow: self.strings(key::LICENSE_ALLOW)?,
                clarify: self.get(key::LICENSE_CLARIFY, |v| match v {
                    layer::Value::Clarifications(list) => Some(list.clone()),
                    _ => None,
                })?,
                confidence_percent: self.number(key::LICENSE_CONFIDENCE)?,
                exception: self.get(key::LICENSE_EXCEPTION, |v| match v {
                    layer::Value::LicenseExceptions(list) => Some(list.clone()),
                    _ => None,
                })?,
            },
            profile,
            provenance: self.get(key::PROVENANCE, |v| match v {
                layer::Value::Provenance(expected) => Some((**expected).clone()),
                _ => None,
            })?,
            publishers: PublisherPolicy {
                single_point_percent: self.number(key::SINGLE_POINT)?,
                snapshot: self.text(key::SNAPSHOT)?,
            },
            risk: RiskPolicy {
                campaigns: self.campaigns()?,
                delta_budget_percent: self.number(key::DELTA_BUDGET).ok(),
                losses: self.optional(key::LOSSES, |v| match v {
                    layer::Value::Losses(losses) => Some(losses.clone()),
                    _ => None,
                }),
            },
            sources: SourcePolicy {
                git: self.strings(key::GIT)?,
                registries: self.strings(key::REGISTRIES)?,
            },
            topology: TopologyPolicy {
                blast_percent: self.number(key::BLAST)?,
                duplicate_skip: self.strings(key::DUPLICATE_SKIP)?,
                duplicate_skip_tree: self.strings(key::DUPLICATE_SKIP_TREE)?,
                duplicate_versions: self.number(key::DUPLICATES)?,
                host_execution_allow: self.strings(key::HOST_ALLOW)?,
                host_execution_percent: self.number(key::HOST)?,
                sole_gateway_percent: self.number(key::GATEWAY)?,
            },
        })
    }

    fn get<T>(&self, key: &str, read: impl Fn(&layer::Value) -> Option<T>) -> Result<T, String> {
        self.values.get(key).and_then(read).ok_or_else(|| format!("no profile sets `{key}`"))
    }

    /// What no profile has to set.
    fn optional<T: Default>(&self, key: &str, read: impl Fn(&layer::Value) -> Option<T>) -> T {
        self.values.get(key).and_then(read).unwrap_or_default()
    }

    /// Returns the campaigns of the last layer that names any; those that were not read are not left out silently.
    fn campaigns(&self) -> Result<Vec<Campaign>, String> {
        match self.values.get(layer::key::CAMPAIGNS) {
            None => Ok(Vec::new()),
            Some(layer::Value::Campaigns(_, Some(read))) => Ok(read.clone()),
            Some(_) => Err(format!("the files of `{}` were not read", layer::key::CAMPAIGNS)),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, String> {
        self.get(key, |value| match value {
            layer::Value::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    fn text(&self, key: &str) -> Result<String, String> {
        self.get(key, |value| match value {
            layer::Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    fn strings(&self, key: &str) -> Result<Vec<String>, String> {
        self.get(key, |value| match value {
            layer::Value::Strings(strings) => Some(strings.clone()),
            _ => None,
        })
    }

    fn requirements(&self, key: &str) -> Result<Vec<Requirement>, String> {
        self.get(key, |value| match value {
            layer::Value::Requirements(list) => Some(list.clone()),
            _ => None,
        })
    }

    fn number(&self, key: &str) -> Result<u32, String> {
        self.get(key, |value| match value {
            layer::Value::Number(number) => Some(*number),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effective(name: &str, text: Option<&str>) -> Effective {
        let mut layers = built_in(name).unwrap();
        layers.extend(text.map(|text| parse_layer("weft.toml", text.as_bytes()).unwrap()));
        combine(&layers).unwrap()
    }

    #[test]
    fn every_built_in_profile_is_a_complete_policy() {
        for (name, _) in PROFILES {
            let policy = effective(name, None).policy;
            assert_eq!(policy.profile, name);
            assert_eq!(policy.checks.len(), check::codes().count());
        }
        assert!(built_in("lokal").is_err());
    }

    #[test]
    fn a_policy_from_before_publishers_were_known_is_read_as_it_was() {
        let policy = effective("local", None).policy;
        assert_eq!(policy.publishers, PublisherPolicy::default());
        let written = serde_json::to_string(&policy).unwrap();
        assert!(!written.contains("publishers"), "{written}");
        assert_eq!(serde_json::from_str::<Policy>(&written).unwrap(), policy);
        let text = "schema = 1\n[publishers]\nsingle-point-percent = 50\nsnapshot = \"p.json\"\n";
        let publishers = effective("local", Some(text)).policy.publishers;
        let stated = PublisherPolicy { single_point_percent: 50, snapshot: "p.json".to_owned() };
        assert_eq!(publishers, stated);
    }

    #[test]
    fn campaigns_that_a_policy_names_have_to_be_read() {
        let text = "schema = 1\n[risk]\ncampaigns = [\"a.toml\", \"b/c.toml\"]\n";
        let layer = parse_layer("weft.toml", text.as_bytes()).unwrap();
        let paths: Vec<&str> = layer.campaigns.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["a.toml", "b/c.toml"]);
        assert_eq!(&text[layer.campaigns[1].span.clone()], "\"b/c.toml\"");
        let own = |name: &str| Campaign {
            name: name.to_owned(),
            ..crate::risk::campaign::built_in().remove(0)
        };
        let with = |read: Option<Vec<Campaign>>| {
            let mut layer = layer.clone();
            read.map(|read| layer.bring(read)).transpose().map_err(|fault| fault.message)?;
            let mut layers = built_in("local").unwrap();
            layers.push(layer);
            combine(&layers).map(|effective| effective.policy.risk.campaigns)
        };
        assert!(with(None).unwrap_err().contains("were not read"));
        assert!(with(Some(vec![own("a")])).unwrap_err().contains("were not read"));
        assert!(with(Some(vec![own("a"), own("a")])).unwrap_err().contains("another campaign"));
        let found = with(Some(vec![own("a"), own("b")])).unwrap();
        assert_eq!(found, [own("a"), own("b")]);
        let none = effective("local", Some("schema = 1\n[risk]\ncampaigns = []\n"));
        assert_eq!(none.policy.risk, RiskPolicy::default());
        for (name, _) in PROFILES {
            assert!(
                built_in(name).unwrap().iter().all(|layer| layer.campaigns.is_empty()),
                "{name}"
            );
        }
    }

    #[test]
    fn each_profile_is_at_least_as_strict_as_the_one_before() {
        let policies = PROFILES.map(|(name, _)| effective(name, None).policy);
        for pair in policies.windows(2) {
            for (code, level) in &pair[1].checks {
                assert!(*level <= pair[0].checks[code], "{code} in {}", pair[1].profile);
            }
            for code in check::codes().filter(|code| pair[0].gate.audit.requires(code)) {
                assert!(pair[1].gate.audit.requires(code), "{code} in {}", pair[1].profile);
            }
            for gate in [|gates: &Gates| gates.merge.clone(), |gates: &Gates| gates.release.clone()]
            {
                let higher = gate(&pair[1].gate).require;
                for name in gate(&pair[0].gate).require {
                    assert!(higher.contains(&name), "{name:?} in {}", pair[1].profile);
                }
            }
            let single_point = |policy: &Policy| policy.publishers.single_point_percent;
            assert!(single_point(&pair[1]) <= single_point(&pair[0]));
            let (low, high) = (&pair[0].topology, &pair[1].topology);
            assert!(high.sole_gateway_percent <= low.sole_gateway_percent);
            assert!(high.blast_percent <= low.blast_percent);
            assert!(high.host_execution_percent <= low.host_execution_percent);
            assert!(high.duplicate_versions <= low.duplicate_versions);
        }
    }

    #[test]
    fn a_later_layer_overrides_a_family_and_within_a_layer_a_code_beats_its_family() {
        let text = "schema = 1\nprofile = \"local\"\n[checks]\n\"topology/blast\" = \"deny\"\n\"topology/*\" = \"off\"\n";
        let found = effective("local", Some(text));
        assert_eq!(found.policy.profile, "local");
        assert_eq!(found.policy.checks["topology/blast"], Level::Deny);
        assert_eq!(found.policy.checks["topology/sole-gateway"], Level::Off);
        let (value, place) = &found.origins["checks.\"topology/sole-gateway\""];
        assert_eq!((&**value, &*place.file, place.line), ("\"off\"", "weft.toml", 5));
    }

    #[test]
    fn requirements_name_codes_or_families() {
        let gate = Gate { require: vec!["source".to_owned(), "topology/blast".to_owned()] };
        assert!(gate.requires("source/replaced") && gate.requires("topology/blast"));
        assert!(!gate.requires("topology/sole-gateway") && !gate.requires("sources/x"));
    }

    #[test]
    fn licences_that_are_listed_and_denied_have_to_be_known() {
        let listed = "schema = 1\n[licenses]\nallow = [\"MIT\"]\n";
        let required = |profile: &str, text: Option<&str>| {
            effective(profile, text).policy.requires("license/unknown")
        };
        assert!(required("baseline", Some(&format!("profile = \"baseline\"\n{listed}"))));
        assert!(!required("local", Some(listed)), "it warns there");
        assert!(!required("baseline", None));
    }
}
