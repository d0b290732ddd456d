//! `cargo weft release reproduce`: builds the commit of a release again, and says what is different first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use serde::Serialize;
use weft_gate::gate::StepResult;
use weft_gate::input::lockfile;
use weft_gate::release::reproduce::{Command, Compared, Difference, Environment, Locked, compare};
use weft_gate::{Outcome, release as gate};
use weft_verify::Sha256;
use weft_verify::digest::Artifact;

use super::{place, verified};
use crate::command::{Format, as_of};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::checkout::is_outside;
use crate::source::release::contract::{self, Contract};
use crate::source::release::rebuild::{self, Clean};
use crate::source::release::toolchain;
use crate::source::{files, release, roles};

#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// The directory of the artifacts, with env.json, manifest.json and repro.lock among them
    #[arg(long, value_name = "DIR", required_unless_present = "repro")]
    artifacts: Option<PathBuf>,
    /// A directory with those three, and no artifacts
    #[arg(long, value_name = "DIR", conflicts_with = "artifacts")]
    repro: Option<PathBuf>,
    /// The signed manifest of the release, which has to name the three
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The roles file, one that the repository cannot change; by default its .weft/roles.toml
    #[arg(long, value_name = "FILE", requires = "manifest")]
    roles: Option<PathBuf>,
    /// The digest of a version of the roles that is trusted
    #[arg(long, value_name = "SHA256", requires = "manifest")]
    trusted_roles: Option<Sha256>,
    /// The newest revocation number known from elsewhere
    #[arg(long, value_name = "N", requires = "manifest")]
    newest_revocation: Option<u64>,
    /// The day to judge signatures as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY", requires = "manifest")]
    as_of: Option<Date>,
    /// The repository that has the commit; by default the one here or above
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
    /// Build in this directory, which is made, and keep it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Let cargo download packages that are missing
    #[arg(long)]
    online: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    /// Every artifact of the records; none if it did not come to a build.
    artifacts: Vec<Compared>,
    commit: String,
    /// What is signed or there, and is not made by the build of the records.
    #[serde(rename = "not-compared")]
    not_compared: Vec<String>,
    outcome: Outcome,
    /// Why the outcome is what it is, if no artifact says so.
    reasons: Vec<String>,
    schema: u32,
    /// Whether a signed manifest vouches for the records.
    signed: bool,
}

/// Why there is no comparison.
enum Stop {
    /// The records, the sources or the artifacts are not those that belong together.
    Refused(String),
    /// Something that a comparison needs is not there, or is another.
    Missing(Vec<String>),
    /// The command could not do its work.
    Broken(Box<Error>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error.status() {
            ExitStatus::Failed => Self::Refused(error.to_string()),
            ExitStatus::Inconclusive => Self::missing(error.to_string()),
            ExitStatus::Passed | ExitStatus::Error | ExitStatus::Bug => {
                Self::Broken(Box::new(error))
            }
        }
    }
}

impl Stop {
    fn missing(why: impl Into<String>) -> Self {
        Self::Missing(vec![why.into()])
    }
}

pub(super) fn run(args: &ReproduceArgs) -> Result<ExitStatus, Error> {
    let directory = args.artifacts.as_ref().or(args.repro.as_ref());
    let directory = directory.ok_or_else(|| Error::usage("no records", "name --artifacts DIR"))?;
    let mut report = Report {
        artifacts: Vec::new(),
        commit: String::new(),
        not_compared: Vec::new(),
        outcome: Outcome::Inconclusive,
        reasons: Vec::new(),
        schema: 1,
        signed: false,
    };
    match reproduced(args, directory, &mut report) {
        Ok(artifacts) => {
            let is_same = artifacts.iter().all(|compared| compared.difference.is_none());
            report.outcome = if is_same { Outcome::Passed } else { Outcome::Failed };
            report.artifacts = artifacts;
        }
        Err(Stop::Refused(why)) => {
            report.outcome = Outcome::Failed;
            report.reasons.push(why);
        }
        Err(Stop::Missing(reasons)) => report.reasons = reasons,
        Err(Stop::Broken(error)) => return Err(*error),
    }
    let json = serde_json::to_value(&report).map_err(|e| Error::Bug(e.to_string()))?;
    args.format.print(shown(&report), &json)?;
    Ok(report.outcome.into())
}

/// The artifacts of a directory by name, each with its digests or why it is none.
type Artifacts = BTreeMap<String, Result<Artifact, String>>;

/// What a signed manifest says about a build.
struct Signed {
    subjects: BTreeMap<String, Sha256>,
    commit: String,
    tree: String,
}

/// Reads the signed manifest of the release, and demands that enough keys signed it, of roles that the repository did
/// not bring.
fn signed(args: &ReproduceArgs, path: &Path, repository: &Path) -> Result<Signed, Stop> {
    let envelope = roles::envelope(path)?;
    let place = place(args.roles.as_deref(), repository)?;
    let roles = place.in_force(args.trusted_roles).map_err(|error| match error.status() {
        ExitStatus::Failed => Stop::Refused(error.to_string()),
        _ => Stop::missing(error.to_string()),
    })?;
    let is_trusted = args.trusted_roles.is_some() || is_outside(place.file(), repository);
    let known = args.newest_revocation.unwrap_or(0);
    let demand = |known: u64| {
        let record = roles.record();
        let (version, number) = (record.version, record.revocations.number);
        let step = gate::roles(version, roles.digest(), number, known, is_trusted);
        match step.result {
            StepResult::Passed => Ok(()),
            StepResult::Failed => Err(Stop::Refused(step.evidence.join("; "))),
            StepResult::Missing => {
                let remedy = step.remedy.map(str::to_owned);
                Err(Stop::Missing(step.evidence.into_iter().chain(remedy).collect()))
            }
        }
    };
    demand(known)?;
    let refused = Error::rejected(&path.display().to_string());
    let (statement, manifest, _) =
        verified(&envelope, &roles, as_of(args.as_of)?).map_err(&refused)?;
    demand(known.max(manifest.weft.revocations))?;
    let mut subjects = BTreeMap::new();
    for subject in statement.subject {
        let sha256 = subject.digest.get("sha256").and_then(|digits| digits.parse().ok());
        let (Some(name), Some(sha256)) = (subject.name, sha256) else {
            let why = "the signed manifest has an artifact without a name or a SHA-256";
            return Err(Stop::Refused(why.to_owned()));
        };
        if subjects.insert(name, sha256).is_some() {
            return Err(Stop::Refused("the signed manifest names an artifact twice".to_owned()));
        }
    }
    Ok(Signed { subjects, commit: manifest.weft.commit, tree: manifest.weft.tree })
}

fn reproduced(
    args: &ReproduceArgs,
    directory: &Path,
    report: &mut Report,
) -> Result<Vec<Compared>, Stop> {
    let contract = &Contract::read(directory)?.map_err(Stop::missing)?;
    report.commit = contract.lock.commit.clone();
    let command = fit(contract).map_err(Stop::Refused)?;
    let repository = args.repository.canonicalize();
    let repository =
        repository.map_err(|e| Stop::missing(format!("the repository cannot be read: {e}")))?;
    let signed =
        args.manifest.as_deref().map(|path| signed(args, path, &repository)).transpose()?;
    if let Some(signed) = &signed {
        vouched(contract, signed).map_err(Stop::Refused)?;
        report.signed = true;
    }
    let mut found = args.artifacts.as_deref().map(release::artifacts).unwrap_or_default();
    if args.artifacts.is_some() {
        as_recorded(contract, &mut found)?;
    }
    report.not_compared = beside(contract, &found, signed.as_ref()).map_err(Stop::Refused)?;
    let clean = checked_out(contract, &repository, args.keep.as_deref())?;
    let environment = &contract.environment;
    let workspace = clean.workspace(&environment.build.directory).map_err(Stop::Refused)?;
    locked_alike(contract, &clean.top, &workspace).map_err(Stop::Refused)?;
    toolchain::demand_installed(&workspace).map_err(Stop::Refused)?;
    let here = toolchain::describe(
        &workspace,
        &clean.top,
        &clean.checkout,
        environment.build.clone(),
        environment.variables.clone(),
    );
    let differences = environment.differences(&here.map_err(Stop::missing)?);
    if !differences.is_empty() {
        let told = differences.into_iter().map(|(what, expected, found)| {
            format!("{what} is {found}, and the release was built with {expected}")
        });
        return Err(Stop::Missing(told.collect()));
    }
    announce(contract, &command, args.online, signed.is_some());
    let target = clean.build(&workspace, environment, &command, args.online);
    let target = target.map_err(Stop::missing)?;
    let names = contract.built.artifacts.iter().map(|artifact| &*artifact.name);
    let directory = command.output(&environment.variables);
    Ok(compare(&contract.built, &rebuild::outputs(&target, &directory, names)))
}

/// Demands that the records belong together and ask for nothing but a build.
fn fit(contract: &Contract) -> Result<Command, String> {
    let [environment, manifest, _] = &contract.bytes;
    contract.lock.demand_fit(environment, manifest).map_err(|why| why.to_string())?;
    contract.built.demand_fit().map_err(|why| why.to_string())?;
    let allowed = contract::variables().map_err(|why| why.to_string())?;
    contract.environment.command(&allowed).map_err(|why| why.to_string())
}

/// Demands that the signed manifest names the records, the commit, and each artifact by the same digest.
fn vouched(contract: &Contract, signed: &Signed) -> Result<(), String> {
    let records = contract::NAMES.iter().zip(&contract.bytes);
    let records = records.map(|(name, bytes)| (*name, Sha256::of(bytes)));
    let artifacts = contract.built.artifacts.iter().map(|a| (&*a.name, a.sha256));
    for (name, digest) in records.chain(artifacts) {
        match signed.subjects.get(name) {
            Some(named) if *named == digest => {}
            Some(named) => {
                return Err(format!(
                    "{name} is sha256:{digest}, and the signed manifest names sha256:{named}"
                ));
            }
            None => return Err(format!("the signed manifest does not name {name}")),
        }
    }
    let both = |commit: &str, tree: &str| format!("{commit} with the tree {tree}");
    let here = both(&contract.lock.commit, &contract.lock.tree);
    let there = both(&signed.commit, &signed.tree);
    match here == there {
        true => Ok(()),
        false => Err(format!("repro.lock is of commit {here}, and the signed manifest of {there}")),
    }
}

/// Demands that the artifacts that are there are those of the records.
fn as_recorded(contract: &Contract, found: &mut Artifacts) -> Result<(), Stop> {
    for artifact in &contract.built.artifacts {
        let name = &artifact.name;
        let digest = match found.remove(name) {
            Some(Ok(found)) => digest(&found),
            Some(Err(why)) => return Err(Stop::Refused(format!("{name} {why}"))),
            None => return Err(Stop::missing(format!("{name} is not there"))),
        };
        if digest != Some(artifact.sha256) {
            let recorded = artifact.sha256;
            return Err(Stop::Refused(format!(
                "{name} is not as manifest.json has it, sha256:{recorded}"
            )));
        }
    }
    Ok(())
}

/// Lists what is signed or there beside the records and what they compare; what neither they nor a signed manifest name
/// would be published unseen.
fn beside(
    contract: &Contract,
    found: &Artifacts,
    signed: Option<&Signed>,
) -> Result<Vec<String>, String> {
    let is_known = |name: &str| {
        let mut artifacts = contract.built.artifacts.iter();
        contract::NAMES.contains(&name) || artifacts.any(|artifact| artifact.name == name)
    };
    let subjects = signed.map(|signed| &signed.subjects);
    let mut beside: BTreeSet<&str> =
        subjects.into_iter().flatten().map(|(name, _)| &**name).collect();
    for (name, artifact) in found.iter().filter(|(name, _)| !is_known(name)) {
        let named = subjects.and_then(|subjects| subjects.get(name));
        let named = named.ok_or_else(|| {
            format!("{name} is named by neither manifest.json nor a signed manifest (--manifest)")
        })?;
        if artifact.as_ref().ok().and_then(digest) != Some(*named) {
            return Err(format!("{name} is not as the signed manifest has it, sha256:{named}"));
        }
        beside.insert(name);
    }
    Ok(beside.into_iter().filter(|name| !is_known(name)).map(str::to_owned).collect())
}

fn digest(artifact: &Artifact) -> Option<Sha256> {
    let sha256 = artifact.digests().find(|(algorithm, _)| algorithm.name() == "sha256");
    sha256.and_then(|(_, digits)| digits.parse().ok())
}

/// Writes the commit of the records into a clean directory.
fn checked_out(contract: &Contract, repository: &Path, keep: Option<&Path>) -> Result<Clean, Stop> {
    let lock = &contract.lock;
    let (top, git) = release::repository(repository).map_err(Stop::missing)?;
    let is_there = git.commit(&lock.commit).is_ok_and(|commit| commit == lock.commit);
    if !is_there {
        let why = format!("the repository has no commit {}; fetch it first", lock.commit);
        return Err(Stop::missing(why));
    }
    let tree = git.tree(&lock.commit).map_err(Stop::missing)?;
    if tree != lock.tree {
        return Err(Stop::Refused(format!(
            "commit {} has the tree {tree}, and repro.lock names {}",
            lock.commit, lock.tree
        )));
    }
    Clean::of(top, &git, &lock.commit, keep).map_err(Stop::missing)
}

/// Demands that the sources lock what the records say.
fn locked_alike(contract: &Contract, top: &Path, workspace: &Path) -> Result<(), String> {
    let bytes = files::read_inside(top, &workspace.join("Cargo.lock"), lockfile::MAX_BYTES)
        .map_err(|why| format!("Cargo.lock of the commit {why}"))?
        .ok_or("the commit has no Cargo.lock")?;
    let (found, expected) = (Sha256::of(&bytes), contract.lock.lockfile);
    if found != expected {
        return Err(format!(
            "Cargo.lock of the commit is sha256:{found}, and repro.lock names sha256:{expected}"
        ));
    }
    let locked = lockfile::parse("Cargo.lock", &bytes).map_err(|why| why.to_string())?;
    match Locked::all(&locked) == contract.lock.packages {
        true => Ok(()),
        false => Err("repro.lock does not list the packages of its own Cargo.lock".to_owned()),
    }
}

/// Says what is about to be run, before it is.
fn announce(contract: &Contract, command: &Command, online: bool, is_signed: bool) {
    let Environment { variables, .. } = &contract.environment;
    let set = variables.iter().map(|(name, value)| format!("{name}={value:?} "));
    let line = format!("{}cargo {}", set.collect::<String>(), command.arguments(online).join(" "));
    anstream::eprintln!(
        "running the build of commit {}: {}",
        terminal(&contract.lock.commit),
        terminal(&line)
    );
    if !is_signed {
        anstream::eprintln!(
            "note: nobody vouches for these records; name the signed release with --manifest"
        );
    }
}

fn shown(report: &Report) -> String {
    let mut out = format!("{}\n", report.outcome.as_str());
    for reason in &report.reasons {
        out += &reason.lines().map(|line| format!("  {}\n", terminal(line))).collect::<String>();
    }
    for name in &report.not_compared {
        out += &format!("  not compared  {}\n", terminal(name));
    }
    // The first that differs is told in full, and the others by name.
    let mut is_first = true;
    for Compared { name, difference } in &report.artifacts {
        let name = terminal(name);
        match difference {
            None => out += &format!("  same       {name}\n"),
            Some(Difference::Missing { why }) => {
                out += &format!("  not made   {name}: {}\n", terminal(why));
            }
            Some(Difference::Bytes { expected, found, section }) => {
                out += &format!("  different  {name}\n");
                if std::mem::take(&mut is_first) {
                    let part = |digest: Option<Sha256>| {
                        digest.map_or("nothing".to_owned(), |digest| format!("sha256:{digest}"))
                    };
                    let rows = [
                        ("expected", format!("sha256:{expected}")),
                        ("found", format!("sha256:{found}")),
                        ("first in", terminal(&section.name)),
                        ("expected", part(section.expected)),
                        ("found", part(section.found)),
                    ];
                    out += &rows.map(|(what, is)| format!("    {what:<9}{is}\n")).concat();
                }
            }
        }
    }
    out
}
