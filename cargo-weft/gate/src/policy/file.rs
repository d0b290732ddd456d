//! The shape of `weft.toml`, for its JSON Schema; [`parse_layer`](super::parse_layer) is what reads it.
#![expect(dead_code, reason = "these types are described and never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{
    Barrier, Boundary, Clarification, DeniedCrate, FeatureRule, Level, LicenseException,
    ProvenancePolicy,
};
use crate::advisory::Severity;
use crate::gate::Requirement;

/// A `weft.toml`, or a profile.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "weft.toml")]
pub struct PolicyFile {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    schema: u32,
    /// The profile it builds on: `local`, `baseline`, `strict`, `release`, or a file below this one's directory.
    profile: Option<String>,
    /// What the advisory checks compare with.
    advisories: Option<AdvisoriesTable>,
    /// Which crates may be in the graph.
    bans: Option<BansTable>,
    /// What keeps attacks on crates away.
    barrier: Option<Vec<Barrier>>,
    /// Which members may reach which packages.
    boundary: Option<Vec<Boundary>>,
    /// A level for each check, by code or by `family/*`.
    checks: Option<BTreeMap<String, Level>>,
    /// What claims are held to.
    claims: Option<ClaimsTable>,
    /// How old a version must be.
    cooldown: Option<CooldownTable>,
    /// What gates must know.
    gate: Option<GateTables>,
    /// What is judged.
    graph: Option<GraphTable>,
    /// Which licences are accepted.
    licenses: Option<LicensesTable>,
    /// Whose attestations count; a layer that has this table replaces it as a whole.
    provenance: Option<ProvenancePolicy>,
    /// How much one publisher may reach, and how publishers are known.
    publishers: Option<PublishersTable>,
    /// What the risk model and the checks on it compare with.
    risk: Option<RiskTable>,
    /// Where packages may come from.
    sources: Option<SourcesTable>,
    /// Thresholds of the topology checks.
    topology: Option<TopologyTable>,
}

/// What the advisory checks compare with.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct AdvisoriesTable {
    /// The directory of the database, relative to the workspace root; empty for that of `cargo weft db update`.
    database: Option<String>,
    /// How many days old the database may be.
    #[schemars(range(max = 36500))]
    max_age_days: Option<u32>,
    /// The mildest severity that counts; an advisory without a score always does.
    severity: Option<Severity>,
}

/// Which crates may be in the graph.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BansTable {
    /// External crates that may be judged; if it is not empty, no others may.
    allow: Option<Vec<String>>,
    /// Crates that may not be.
    deny: Option<Vec<DeniedCrate>>,
    /// Features that may not be switched on.
    feature: Option<Vec<FeatureRule>>,
}

/// Which licences are accepted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct LicensesTable {
    /// SPDX licences, with their exception where they have one.
    allow: Option<Vec<String>>,
    /// Expressions for crates that state none, or a wrong one.
    clarify: Option<Vec<Clarification>>,
    /// How sure a match of a licence's text must be, in percent.
    #[schemars(range(max = 100))]
    confidence_percent: Option<u32>,
    /// Licences that are accepted for single crates.
    exception: Option<Vec<LicenseException>>,
}

/// What claims are held to.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct ClaimsTable {
    /// Words that make a sentence a promise; case does not count.
    lexicon: Option<Vec<String>>,
    /// Whether evidence counts only if the role `evidence` signed it.
    signed_evidence: Option<bool>,
}

/// How old a version must be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CooldownTable {
    /// How many days must have passed since a version was published; 0 for any age.
    #[schemars(range(max = 36500))]
    days: Option<u32>,
    /// Crates that may be younger.
    exempt: Option<Vec<String>>,
}

/// What gates must know.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct GateTables {
    /// `cargo weft audit`.
    audit: Option<GateTable>,
    /// `cargo weft gate merge`.
    merge: Option<NeedsTable>,
    /// `cargo weft gate release`.
    release: Option<NeedsTable>,
}

/// What a gate must have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NeedsTable {
    /// Without these the outcome is *inconclusive*; artifacts and what is about them are for releases alone.
    require: Option<Vec<Requirement>>,
}

/// What a gate must know.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct GateTable {
    /// Codes and families that must be evaluated: otherwise the verdict is *inconclusive*.
    require: Option<Vec<String>>,
}

/// What is judged.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct GraphTable {
    /// Whether members' dev-dependencies are judged.
    dev_dependencies: Option<bool>,
    /// `all`, `default`, or features beside the default ones.
    features: Option<FeaturesValue>,
    /// `all`, or target triples.
    targets: Option<TargetsValue>,
}

/// Features that are switched on.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum FeaturesValue {
    /// A word.
    Word(FeaturesWord),
    /// Features beside the default ones.
    List(Vec<String>),
}

/// A word for features.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum FeaturesWord {
    /// Every feature of every member.
    All,
    /// The members' default features.
    Default,
}

/// Targets that are built for.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum TargetsValue {
    /// A word.
    Word(TargetsWord),
    /// Target triples.
    List(#[schemars(length(min = 1))] Vec<String>),
}

/// A word for targets.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum TargetsWord {
    /// Every target there is.
    All,
}

/// How much one publisher may reach, and how publishers are known.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct PublishersTable {
    /// The largest share of members, in percent, that the packages of one publisher may together reach.
    #[schemars(range(max = 100))]
    single_point_percent: Option<u32>,
    /// A snapshot of crates.io's owners, relative to the workspace root; empty for none.
    snapshot: Option<String>,
}

/// What the risk model and the checks on it compare with.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct RiskTable {
    /// Files of campaigns that are counted beside the built-in ones, relative to the policy's directory.
    #[schemars(length(max = 64))]
    campaigns: Option<Vec<String>>,
    /// By how many percent a change may raise the expected loss.
    #[schemars(range(max = 1_000_000))]
    delta_budget_percent: Option<u32>,
    /// What harm of a member costs, by its name; 1 for those that are not named.
    losses: Option<BTreeMap<String, u32>>,
}

/// Where packages may come from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SourcesTable {
    /// Git repositories: a URL, or with a final `/` everything below it.
    git: Option<Vec<String>>,
    /// Registries: `crates.io`, or an index URL.
    registries: Option<Vec<String>>,
}

/// Thresholds of the topology checks.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct TopologyTable {
    /// The largest share of external crates, in percent, that may each reach half of the members or more.
    #[schemars(range(max = 100))]
    blast_percent: Option<u32>,
    /// Crates whose versions are not counted.
    duplicate_skip: Option<Vec<String>>,
    /// Crates whose versions, and those of all that they reach, are not counted.
    duplicate_skip_tree: Option<Vec<String>>,
    /// How many versions of one crate may be judged side by side.
    #[schemars(range(min = 1, max = 1000))]
    duplicate_versions: Option<u32>,
    /// External crates that may run a build script or be a procedural macro; if it is not empty, no others may.
    host_execution_allow: Option<Vec<String>>,
    /// The largest share of external crates, in percent, whose code may run while building.
    #[schemars(range(max = 100))]
    host_execution_percent: Option<u32>,
    /// The largest share of external crates, in percent, that one of them may alone bring in.
    #[schemars(range(max = 100))]
    sole_gateway_percent: Option<u32>,
}
