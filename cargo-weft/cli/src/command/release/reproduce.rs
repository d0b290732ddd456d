//! `cargo weft release reproduce`: builds the commit of a release again, and says what is different first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use serde::Serialize;
use weft_gate::Outcome;
use weft_gate::input::lockfile;
use weft_gate::release::reproduce::{Command, Compared, Difference, Environment, Locked, compare};
use weft_verify::Sha256;
use weft_verify::digest::Artifact;
use weft_verify::statement::Statement;

use super::{place, verified};
use crate::command::{Format, as_of};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
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
    /// The roles file; by default .weft/roles.toml of the repository
    #[arg(long, value_name = "FILE", requires = "manifest")]
    roles: Option<PathBuf>,
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
        outcome: Outcome::Inconclusive,
        reasons: Vec::new(),
        schema: 1,
        signed: args.manifest.is_some(),
    };
    let compared = match Contract::read(directory)? {
        Ok(contract) => {
            report.commit = contract.lock.commit.clone();
            let statement = args.manifest.as_deref();
            let statement = statement.map(|path| signed(args, path)).transpose()?;
            reproduced(args, &contract, statement.as_ref())
        }
        Err(why) => Err(Stop::missing(why)),
    };
    match compared {
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
    }
    let json = serde_json::to_value(&report).map_err(|e| Error::Bug(e.to_string()))?;
    args.format.print(shown(&report), &json)?;
    Ok(report.outcome.into())
}

/// Reads the signed manifest of the release, and demands that enough keys signed it.
fn signed(args: &ReproduceArgs, path: &Path) -> Result<Signed, Error> {
    let envelope = roles::envelope(path)?;
    let roles = place(args.roles.as_deref(), &args.repository)?.in_force(None)?;
    let (statement, manifest, _) = verified(&envelope, &roles, as_of(args.as_of)?)
        .map_err(Error::rejected(&path.display().to_string()))?;
    Ok(Signed { statement, commit: manifest.weft.commit, tree: manifest.weft.tree })
}

/// What a signed manifest says about a build.
struct Signed {
    statement: Statement,
    commit: String,
    tree: String,
}

fn reproduced(
    args: &ReproduceArgs,
    contract: &Contract,
    signed: Option<&Signed>,
) -> Result<Vec<Compared>, Stop> {
    let command = fit(contract).map_err(Stop::Refused)?;
    if let Some(signed) = signed {
        vouched(contract, signed).map_err(Stop::Refused)?;
    }
    if let Some(directory) = &args.artifacts {
        as_recorded(contract, directory)?;
    }
    let clean = checked_out(args, contract)?;
    let environment = &contract.environment;
    let workspace = clean.top.join(&environment.build.directory);
    locked_alike(contract, &workspace).map_err(Stop::Refused)?;
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
    let target = clean.build(environment, &command, args.online).map_err(Stop::missing)?;
    let names = contract.built.artifacts.iter().map(|artifact| &*artifact.name);
    let directories = command.outputs(&environment.build.target);
    Ok(compare(&contract.built, &rebuild::outputs(&target, &directories, names)))
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
    let subjects = signed.statement.subject.iter().filter_map(|subject| {
        let digest = subject.digest.get("sha256")?.parse::<Sha256>().ok()?;
        Some((subject.name.as_deref()?, digest))
    });
    let subjects: BTreeMap<&str, Sha256> = subjects.collect();
    let records = contract::NAMES.iter().zip(&contract.bytes);
    let records = records.map(|(name, bytes)| (*name, Sha256::of(bytes)));
    let artifacts = contract.built.artifacts.iter().map(|a| (&*a.name, a.sha256));
    for (name, digest) in records.chain(artifacts) {
        match subjects.get(name) {
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
fn as_recorded(contract: &Contract, directory: &Path) -> Result<(), Stop> {
    let mut found = release::artifacts(directory);
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

fn digest(artifact: &Artifact) -> Option<Sha256> {
    let sha256 = artifact.digests().find(|(algorithm, _)| algorithm.name() == "sha256");
    sha256.and_then(|(_, digits)| digits.parse().ok())
}

/// Writes the commit of the records into a clean directory.
fn checked_out(args: &ReproduceArgs, contract: &Contract) -> Result<Clean, Stop> {
    let lock = &contract.lock;
    let real = args.repository.canonicalize();
    let real = real.map_err(|e| Stop::missing(format!("the repository cannot be read: {e}")))?;
    let (top, git) = release::repository(&real).map_err(Stop::missing)?;
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
    Clean::of(top, &git, &lock.commit, args.keep.as_deref()).map_err(Stop::missing)
}

/// Demands that the sources lock what the records say.
fn locked_alike(contract: &Contract, workspace: &Path) -> Result<(), String> {
    let bytes = files::read_bounded(&workspace.join("Cargo.lock"), lockfile::MAX_BYTES)
        .map_err(|why| format!("Cargo.lock of the commit {why}"))?;
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
