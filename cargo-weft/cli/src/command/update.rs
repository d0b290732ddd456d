//! `cargo weft update`: the versions a crate could be updated to, what each would bring along, and one of them taken.

mod apply;
mod finding;
mod helper;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use weft_gate::capability::{Capability, Shift, Update};
use weft_gate::diff::{Base, Diff, Identity};
use weft_gate::facts::Known;
use weft_gate::input::candidates::{self, Candidate, Choice};
use weft_gate::input::lockfile;
use weft_gate::input::manifest::Manifest;
use weft_gate::inventory::{self, Package, Source};
use weft_gate::publisher::Publications;
use weft_gate::topology::RiskRow;
use weft_gate::update::{self, Concern, NewEdge, NewerCompiler};
use weft_gate::verdict::Summary;
use weft_gate::{Finding, Inventory, Topology, Verdict, decide, decide_in_full, risk};

use super::compare::behavior;
use super::diff::{Side, brought, changes_of, short};
use super::facts::{self, Loaded};
use super::output::{Reports, Text};
use super::{PrecisionChoice, Selection};
use crate::error::{Error, ExitStatus};
use crate::source::behavior::Unread;
use crate::source::candidates::Indexes;
use crate::source::exemptions;
use crate::source::scratch::{Edit, Resolved, Scratch, Step, raise_parsed};
use crate::source::workspace::{self, Tree};

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Crates to look at, as `name` or `name@version`; by default those with a finding or a newer compatible version
    #[arg(value_name = "CRATE[@VERSION]")]
    crates: Vec<String>,
    /// Change nothing, and show what each update would bring; this is the default
    #[arg(long, conflicts_with = "apply")]
    dry_run: bool,
    /// Take an update of the one crate that is named: write the lockfile that Cargo made of it
    #[arg(long, requires = "crates")]
    apply: bool,
    /// The version to look at or take; by default each that is proposed, and to take, the compatible one
    #[arg(long, value_name = "VERSION", requires = "crates")]
    to: Option<Version>,
    /// Answer for what an update brings, with the reason, which is kept in .weft/evidence
    #[arg(long, value_name = "REASON", requires = "apply")]
    acknowledge: Option<String>,
    /// How many crates to look at where none is named
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "crates")]
    limit: usize,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// A policy file, or a profile; by default weft.toml, or else local
    #[arg(long, value_name = "FILE|PROFILE")]
    policy: Option<String>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Let cargo ask registries for what its cache does not have
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Markdown,
}

/// Updates that could be taken.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposals {
    /// What was taken, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// How many crates have a newer version or a finding and were not looked at.
    pub left_out: u64,
    /// Crates that could not be looked at, with the reason.
    pub not_evaluated: Vec<Unread>,
    /// The proposals, by package and version.
    pub proposals: Vec<Proposal>,
    /// The oldest compiler that a member states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust_version: Option<String>,
    /// The version of this format.
    pub schema: u32,
    /// A version that was to be taken, and is not until somebody answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Version>,
}

/// What was written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Applied {
    /// The record of what somebody answered for, where there was something to answer for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<String>,
    /// The package URL before.
    pub from: String,
    /// The version that was taken.
    pub to: Version,
}

/// One update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposal {
    /// Why this version; empty for one that was asked for and nothing speaks for.
    pub choices: Vec<Choice>,
    /// The package URL, of the locked version.
    pub from: String,
    /// What comes of it.
    pub outcome: Outcome,
    /// The version.
    pub to: Version,
}

/// What comes of an update.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// Cargo cannot resolve it, and this is what it says.
    Refused(String),
    /// Cargo resolves it, to this effect.
    Resolved(Box<Effect>),
}

/// What an update changes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Effect {
    /// What packages that came or took another's place may do, and their licences.
    pub capabilities: Vec<Shift>,
    /// Packages that need a newer compiler than a member states.
    pub compilers: Vec<NewerCompiler>,
    /// What somebody has to answer for.
    pub concerns: Vec<Concern>,
    /// Lines of manifests that have to change first.
    pub edits: Vec<Edit>,
    /// What attacks on external crates are expected to cost.
    pub expected_loss: ExpectedLoss,
    /// Findings that it mends.
    pub fixed: Vec<Identity>,
    /// The same, with what they say.
    #[serde(skip)]
    mended: Vec<Finding>,
    /// Findings that it brings.
    pub introduced: Vec<Finding>,
    /// Dependencies between packages whose names had none.
    pub new_edges: Vec<NewEdge>,
    /// What was not looked at, with the reason.
    pub not_evaluated: Vec<Unread>,
    /// Packages that came, went, or changed.
    pub packages: Diff,
    /// Measures of the graph before and after.
    pub topology: Measured,
    #[serde(skip)]
    lockfile: Vec<u8>,
}

/// What attacks are expected to cost before and after, in 10^-9 losses a year.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedLoss {
    /// After the update.
    pub after_nano: u64,
    /// As it is.
    pub before_nano: u64,
}

/// Measures of the graph before and after.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Measured {
    /// The graph after.
    pub after: Summary,
    /// The graph before.
    pub before: Summary,
    /// The package after; absent where it is not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_after: Option<RiskRow>,
    /// The package before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_before: Option<RiskRow>,
}

pub(super) fn run(args: &UpdateArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Human)?;
    if args.apply && args.crates.len() != 1 {
        return Err(Error::usage("--apply takes one crate", "name the crate whose update to take"));
    }
    let tree = workspace::read_workspace(args.manifest_path.as_deref())?;
    let desk = Desk::new(args, &tree)?;
    let scratch = Scratch::of(&tree);
    let scratch = scratch.map_err(|reason| Error::NoGraph { reason })?;
    let mut proposals = desk.proposals(&scratch)?;
    let status = match args.apply {
        false => ExitStatus::Passed,
        true => apply::apply(args, &tree, &mut proposals)?,
    };
    let render = |format| match format {
        Format::Human => Ok(Text::Styled(report::human(args, &proposals))),
        Format::Json => crate::report::json::render(&proposals).map(Text::Machine),
        Format::Markdown => Ok(Text::Machine(report::markdown(args, &proposals))),
    };
    destinations.write(render)?;
    Ok(status)
}

/// The workspace as it is, judged, and what is asked of it.
struct Desk<'a> {
    args: &'a UpdateArgs,
    manifests: &'a [Manifest],
    exemptions: exemptions::Loaded,
    /// Without what a verdict needs.
    bare: Loaded,
    base: Loaded,
    verdict: Verdict,
    topology: Topology,
    /// In 10^-9 losses a year.
    expected_loss: u64,
}

impl<'a> Desk<'a> {
    fn new(args: &'a UpdateArgs, tree: &'a Tree) -> Result<Self, Error> {
        let selection = Selection {
            manifest_path: args.manifest_path.clone(),
            lockfile: None,
            precision: PrecisionChoice::Lock,
            policy: args.policy.clone(),
            offline: !args.online,
            online: args.online,
        };
        let as_of = args.as_of.unwrap_or_else(super::today);
        let mut base = facts::load(&selection, as_of)?;
        let bare = base.relocked(base.inventory()?.clone());
        let exemptions = exemptions::load(&base.root)?;
        base.judge_by(args.advisory_db.as_deref(), &exemptions);
        if base.facts.publishers.is_none() {
            base.know_publishers();
        }
        let bug = |e: weft_verify::canonical::Unwritable| Error::Bug(e.to_string());
        let verdict = decide_in_full(&base.facts).map_err(bug)?;
        let topology = measured(base.inventory()?)?;
        let expected_loss = expected_loss(&base)?;
        let manifests = &tree.manifests;
        Ok(Self { args, manifests, exemptions, bare, base, verdict, topology, expected_loss })
    }

    fn inventory(&self) -> Result<&Inventory, Error> {
        self.base.inventory()
    }

    fn proposals(&self, scratch: &Scratch<'_>) -> Result<Proposals, Error> {
        let inventory = self.inventory()?;
        let indexes = Indexes::of(inventory).map_err(|reason| Error::NoGraph { reason })?;
        let rust_version = scratch.rust_version();
        let mut out = Proposals {
            applied: None,
            left_out: 0,
            not_evaluated: Vec::new(),
            proposals: Vec::new(),
            rust_version,
            schema: 1,
            withheld: None,
        };
        let mut wanted = Vec::new();
        for package in self.packages()? {
            match indexes.candidates(package) {
                Ok(all) => wanted.extend(self.wanted(package, &all)),
                Err(reason) if self.args.crates.is_empty() => {
                    out.not_evaluated.push(Unread { reason, subject: package.id.clone() });
                }
                Err(reason) => {
                    let message = format!("{} cannot be updated: {reason}", package.spec());
                    return Err(Error::usage(
                        message,
                        "`cargo fetch --locked` brings what the cache lacks",
                    ));
                }
            }
        }
        let are_named = !self.args.crates.is_empty();
        let helper::Folded { mut wanted, left } =
            helper::folded(inventory, &indexes, wanted, are_named);
        if let Some(helper) = left.first().filter(|_| self.args.apply) {
            let message =
                format!("{} cannot be updated: {}", short(&helper.subject), helper.reason);
            return Err(Error::usage(message, "update that one"));
        }
        out.not_evaluated.extend(left);
        if !are_named {
            out.left_out = wanted.len().saturating_sub(self.args.limit) as u64;
            wanted.truncate(self.args.limit);
        }
        for Wanted { package, versions } in wanted {
            for (to, choices) in versions {
                let step = Step { name: &package.name, from: &package.version, to: &to };
                let outcome = match scratch.resolve(step, self.args.online) {
                    Err(reason) => Outcome::Refused(in_our_words(&reason, self.args.online)),
                    Ok(resolved) => Outcome::Resolved(Box::new(
                        self.effect(package, step, resolved, &indexes, &out)?,
                    )),
                };
                out.proposals.push(Proposal { choices, from: package.id.clone(), outcome, to });
            }
        }
        out.not_evaluated.sort();
        Ok(out)
    }

    /// Returns the packages that are asked about, in order.
    fn packages(&self) -> Result<Vec<&Package>, Error> {
        let inventory = self.inventory()?;
        let from_registry = |package: &&Package| matches!(package.source, Source::Registry { .. });
        let present = inventory.packages.iter().filter(|p| p.is_present() && !p.member);
        let present: Vec<&Package> = present.filter(from_registry).collect();
        if self.args.crates.is_empty() {
            return Ok(present);
        }
        let mut named = Vec::new();
        for asked in &self.args.crates {
            let (name, version) = match asked.split_once('@') {
                Some((name, version)) => (name, Some(version)),
                None => (&**asked, None),
            };
            let is_meant = |package: &&&Package| {
                package.name == name && version.is_none_or(|v| package.version.to_string() == v)
            };
            let found: Vec<&Package> = present.iter().filter(is_meant).copied().collect();
            if found.is_empty() {
                let shown = asked.escape_debug();
                return Err(Error::usage(
                    format!("no judged package from a registry is called `{shown}`"),
                    "`cargo weft graph` lists what is locked",
                ));
            }
            named.extend(found);
        }
        if self.args.apply && named.len() > 1 {
            let specs: Vec<String> = named.iter().map(|package| package.spec()).collect();
            return Err(Error::usage(
                "--apply takes one crate, and this one is locked in several versions",
                format!("name one of {}", specs.join(", ")),
            ));
        }
        Ok(named)
    }

    /// Chooses the versions of a package to look at; nothing where there is none.
    fn wanted<'p>(&self, package: &'p Package, all: &[Candidate]) -> Option<Wanted<'p>> {
        let advisories = self.base.facts.advisories.as_ref().ok();
        let is_bad = |candidate: &Candidate| {
            let entries = advisories.into_iter().flat_map(|a| &a.entries);
            let mut about = entries.filter(|a| a.package == package.name);
            package.source.is_crates_io() && about.any(|a| a.affects(&candidate.version))
        };
        let mut versions = candidates::choose(&package.version, all, is_bad);
        if let Some(to) = &self.args.to {
            versions.retain(|(version, _)| version == to);
            if versions.is_empty() && *to != package.version {
                versions.push((to.clone(), Vec::new()));
            }
        } else if self.args.apply {
            versions.retain(|(_, choices)| choices.contains(&Choice::Compatible));
        } else if self.args.crates.is_empty() {
            // An incompatible version by itself is no reason to look at a crate that nobody named.
            let is_reason = |choice: &Choice| *choice != Choice::Latest;
            if !versions.iter().any(|(_, choices)| choices.iter().any(is_reason)) {
                return None;
            }
        }
        (!versions.is_empty()).then_some(Wanted { package, versions })
    }

    /// Judges a resolved update beside the workspace as it is.
    fn effect(
        &self,
        package: &Package,
        step: Step<'_>,
        resolved: Resolved,
        indexes: &Indexes<'_>,
        out: &Proposals,
    ) -> Result<Effect, Error> {
        let lockfile = lockfile::parse("Cargo.lock", &resolved.lockfile);
        let lockfile = lockfile.map_err(|e| Error::Bug(e.to_string()))?;
        let mut manifests = self.manifests.to_vec();
        if !resolved.edits.is_empty() {
            raise_parsed(&mut manifests, step);
        }
        let dev = self.base.facts.policy.graph.dev_dependencies;
        let mut head = self.bare.relocked(inventory::from_lock(&lockfile, &manifests, dev));
        head.judge_by(self.args.advisory_db.as_deref(), &self.exemptions);
        if head.facts.publishers.is_none() {
            head.know_publishers();
        }
        let exempted = self.verdict.exempted.iter().map(|exempted| &exempted.finding);
        let told: Vec<&Finding> = self.verdict.findings.iter().chain(exempted).collect();
        let mut findings: Vec<Identity> =
            told.iter().map(|finding| Identity::of(finding)).collect();
        findings.sort();
        let mut behavior = Some(behavior(&self.base, &head));
        let published = (self.base.facts.publishers.as_ref(), head.facts.publishers.as_ref());
        // Nobody answers for what no source says of publishers, since of most packages none does.
        let mut unpublished = Vec::new();
        if let (Some(Known::Value(old)), Some(Known::Value(new))) = published
            && let Some(Known::Value(updates)) = &mut behavior
        {
            Publications::name(updates, old, new);
            unpublished = Publications::gaps(updates, old, new);
        }
        head.facts.base = Some(Base {
            behavior: behavior.clone(),
            commit: String::new(),
            expected_loss_nano: Some(self.expected_loss),
            findings,
            rules: None,
        });
        let bug = |e: weft_verify::canonical::Unwritable| Error::Bug(e.to_string());
        let verdict = decide(&head.facts).map_err(bug)?;
        let (before, after) = (self.inventory()?, head.inventory()?);
        let topology = self.measured(package, step.to, after, &verdict)?;
        let side = Side { name: "now".to_owned(), summary: self.verdict.summary.clone() };
        let expected_loss =
            ExpectedLoss { after_nano: expected_loss(&head)?, before_nano: self.expected_loss };
        let kept = kept(&verdict);
        let changes = changes_of(side, "updated", before, &head, verdict)?;
        let (capabilities, not_evaluated) = brought(self.base.facts.publishers.as_ref(), &head)?;
        let finding::Compared { fixed, new } =
            finding::compared(&told, after, &kept, &changes.fixed, changes.new);
        let mut unread: Vec<(String, String)> = not_evaluated
            .iter()
            .map(|unread| (unread.subject.clone(), unread.reason.clone()))
            .filter(|unread| !unpublished.contains(unread))
            .collect();
        let mut unknown = None;
        match &behavior {
            Some(Known::Value(updates)) => unread.extend(updates.iter().filter_map(incomparable)),
            Some(Known::Unknown(reason)) => unknown = Some(reason.clone()),
            None => {}
        }
        let (published, others): (Vec<Shift>, Vec<Shift>) =
            capabilities.iter().cloned().partition(|s| s.capability == Capability::Publisher);
        let mut concerns = update::concerns(&changes.packages, &others, &new, &unread);
        concerns.extend(published.iter().filter_map(|shift| publishes(&changes.packages, shift)));
        concerns.sort();
        concerns.extend(unknown.map(|reason| Concern {
            subject: "what packages may do".to_owned(),
            what: format!("is not known: {reason}"),
        }));
        let needs = self.compilers(after, &changes.packages, indexes);
        let stated = out.rust_version.as_deref();
        Ok(Effect {
            capabilities,
            compilers: stated.map_or(Vec::new(), |stated| update::newer_compilers(stated, &needs)),
            concerns,
            edits: resolved.edits,
            expected_loss,
            fixed: fixed.iter().map(Identity::of).collect(),
            mended: fixed,
            introduced: new,
            new_edges: update::new_edges(before, after),
            not_evaluated,
            packages: changes.packages,
            topology,
            lockfile: resolved.lockfile,
        })
    }

    fn measured(
        &self,
        package: &Package,
        to: &Version,
        after: &Inventory,
        verdict: &Verdict,
    ) -> Result<Measured, Error> {
        let before = self.inventory()?;
        let row = |inventory: &Inventory, topology: &Topology, version: &Version| {
            let is_it = |p: &Package| {
                p.selected
                    && p.name == package.name
                    && p.version == *version
                    && p.source == package.source
            };
            let at = inventory.packages.iter().position(is_it)?;
            Some(topology.row(inventory, u32::try_from(at).ok()?))
        };
        let bug = || Error::Bug("a graph that is known has no summary".to_owned());
        Ok(Measured {
            after: verdict.summary.clone().ok_or_else(bug)?,
            before: self.verdict.summary.clone().ok_or_else(bug)?,
            package_after: row(after, &measured(after)?, to),
            package_before: row(before, &self.topology, &package.version),
        })
    }

    /// Asks the index what compilers the packages that came need, by `name@version`.
    fn compilers(
        &self,
        after: &Inventory,
        packages: &Diff,
        indexes: &Indexes<'_>,
    ) -> BTreeMap<String, String> {
        let changed = packages.changed.iter().map(|change| &change.to);
        let coming: Vec<&String> = packages.added.iter().chain(changed).collect();
        let needs = after.packages.iter().filter(|p| coming.contains(&&p.id)).filter_map(|p| {
            let all = indexes.candidates(p).ok()?;
            let candidate = all.into_iter().find(|candidate| candidate.version == p.version)?;
            Some((p.spec(), candidate.rust_version?))
        });
        needs.collect()
    }
}

/// A package, and the versions of it to look at.
struct Wanted<'p> {
    package: &'p Package,
    versions: Vec<(Version, Vec<Choice>)>,
}

/// Names the findings of the base that a verdict has as well, those that are exempted included.
fn kept(verdict: &Verdict) -> Vec<Identity> {
    let unchanged = verdict.comparison.iter().flat_map(|comparison| &comparison.unchanged);
    let exempted = verdict.exempted.iter().map(|exempted| &exempted.finding);
    unchanged.chain(exempted).map(Identity::of).collect()
}

/// Says why what a package may do is not compared with what it might before, if it is not.
fn incomparable(update: &Update) -> Option<(String, String)> {
    let from = update.from.as_ref().filter(|_| update.before.is_none())?;
    let from = short(from);
    let reason = format!("the sources of {from} are not in Cargo's home directory to compare with");
    Some((update.package.clone(), reason))
}

/// Says what somebody has to answer for where others publish a package than did before.
fn publishes(packages: &Diff, shift: &Shift) -> Option<Concern> {
    let who = shift.after.as_ref()?;
    let what = match packages.added.contains(&shift.package) {
        true => format!("comes from {who}, of whom nothing else is here"),
        false => format!("can be published by {who}, who could not publish it before"),
    };
    Some(Concern { subject: shift.package.clone(), what })
}

/// Tells what Cargo says without what it advises: it knows flags of its own, and not that weft set them.
fn in_our_words(reason: &str, online: bool) -> String {
    const ADVICE: &str = "; As a reminder, you're using offline mode";
    let said = reason.split(ADVICE).next().unwrap_or_default();
    let said = said.replace("--offline was specified", "`--online` was not given");
    match said.starts_with("cargo says: ") && !online {
        true => format!("{said}; without `--online` it knows what its cache has, and no more"),
        false => said,
    }
}

/// Estimates what the campaigns are expected to cost, in 10^-9 losses a year.
fn expected_loss(loaded: &Loaded) -> Result<u64, Error> {
    risk::expected_of(&loaded.facts, loaded.inventory()?)
        .map_err(|reason| Error::NoGraph { reason })
}

fn measured(inventory: &Inventory) -> Result<Topology, Error> {
    Topology::of(inventory).map_err(|e| Error::NoGraph { reason: e.to_string() })
}
