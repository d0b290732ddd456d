//! `cargo weft release`: a manifest of what is released, signed by *k* of *n* who exchange files.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use semver::Version;
use serde_json::json;
use weft_gate::release::{Made, Manifest, PREDICATE, ROLE, SCHEMA, is_higher};
use weft_gate::{Outcome, Verdict, decide};
use weft_verify::envelope::{Clause, Envelope, IN_TOTO};
use weft_verify::proposal::Proposal;
use weft_verify::role::Roles;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::threshold::Tallies;
use weft_verify::{AsOf, Rejection, Sha256, canonical};

use super::compare::judged;
use super::facts::Loaded;
use super::sign::demand_role;
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::release;
use crate::source::roles::{self, MAX_BYTES, Place, attestations_beside, read};
use crate::source::secret::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the manifest of a release, for others to countersign
    Prepare(PrepareArgs),
    /// Say who signed a manifest, and who is missing
    Status(GatherArgs),
    /// Sign a manifest, in a file of one's own
    Countersign(CountersignArgs),
    /// Gather the signatures in one file, once there are enough
    Finish(FinishArgs),
}

#[derive(Debug, Args)]
struct PrepareArgs {
    #[command(flatten)]
    selection: Selection,
    /// The directory of the artifacts
    #[arg(long, value_name = "DIR")]
    artifacts: PathBuf,
    /// The version that is released, which is that of its Cargo.toml
    #[arg(long, value_name = "VERSION")]
    release_version: Version,
    /// The package that is released, where several have that version
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// The signed manifest of the previous release
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// The manifest to go back to, if not the previous one
    #[arg(long, value_name = "FILE")]
    rollback: Option<PathBuf>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Where to write the manifest; the verdict goes beside it
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.json")]
    output: PathBuf,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
struct CountersignArgs {
    /// The manifest
    manifest: PathBuf,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Where to write the signature; by default beside the manifest
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
struct GatherArgs {
    /// The manifest
    manifest: PathBuf,
    /// Files with signatures; by default those beside the manifest
    signature: Vec<PathBuf>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Args)]
struct FinishArgs {
    #[command(flatten)]
    gather: GatherArgs,
    /// Where to write the signed manifest
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.dsse.json")]
    output: PathBuf,
}

pub(super) fn run(args: &ReleaseArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Prepare(args) => prepare(args),
        Command::Status(args) => status(args),
        Command::Countersign(args) => countersign(args),
        Command::Finish(args) => finish(args),
    }
}

fn prepare(args: &PrepareArgs) -> Result<ExitStatus, Error> {
    let as_of = args.as_of.unwrap_or_else(super::today);
    let loaded = judged(&args.selection, None, args.advisory_db.as_deref(), as_of)?;
    let roles = place(args.roles.as_deref(), &loaded.root)?.in_force(None)?;
    let verdict = decided(&loaded)?;
    if verdict.outcome != Outcome::Passed {
        let outcome = verdict.outcome.as_str();
        return Err(Error::usage(
            format!("the verdict is {outcome}, so there is nothing to sign"),
            "see why: `cargo weft audit`",
        ));
    }
    let source = release::source(&loaded.root).map_err(|why| unfit(&why))?;
    if let Some(path) = &source.changed {
        return Err(unfit(&format!("{path} is not as the commit has it")));
    }
    let verdict_bytes = verdict.to_canonical().map_err(|e| Error::Bug(e.to_string()))?;
    let previous = args.previous.as_deref().map(release::signed).transpose()?;
    let rollback = match &args.rollback {
        Some(path) => Some(release::signed(path)?.sha256),
        None => previous.as_ref().map(|previous| previous.sha256),
    };
    let purl = format!("pkg:cargo/{}", package(args, &loaded)?);
    let manifest = Manifest {
        purl,
        release_id: args.release_version.to_string(),
        weft: Made {
            commit: source.commit,
            inventory: inventory(&loaded).map_err(|why| unfit(&why))?,
            policy: policy(&loaded)?,
            previous: previous.as_ref().map(|previous| previous.sha256),
            revocations: roles.record().revocations.number,
            rollback,
            schema: SCHEMA,
            tree: source.tree,
            verdict: Sha256::of(&verdict_bytes),
            version: args.release_version.clone(),
        },
    };
    if let Some(previous) = &previous
        && !is_higher(&manifest.weft.version, &previous.manifest.weft.version)
    {
        return Err(Error::usage(
            format!("{} is not above {}", manifest.weft.version, previous.manifest.weft.version),
            "a version only rises: name a higher one",
        ));
    }
    let subjects =
        release::artifacts(&args.artifacts).into_iter().map(|(name, artifact)| match artifact {
            Ok(artifact) => Ok(ResourceDescriptor::of(&name, &artifact)),
            Err(why) => Err(unfit(&format!("{name} {why}"))),
        });
    let subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    if subjects.is_empty() {
        let message = format!("there is nothing in {}", args.artifacts.display());
        return Err(Error::usage(message, "put the artifacts there"));
    }
    let predicate = manifest.to_value().map_err(|e| Error::Bug(e.to_string()))?;
    let proposal = Proposal::new(Statement::new(subjects, PREDICATE, predicate))
        .map_err(|e| Error::Bug(e.to_string()))?;
    let verdict_path = named(&args.output, "verdict.json");
    make_parent(&args.output)?;
    files::create_whole(&verdict_path, &verdict_bytes)?;
    files::create_whole(&args.output, proposal.as_bytes())?;
    let shown = terminal(&args.output.display().to_string());
    let text = format!(
        "{}wrote {shown} and {}\nnext: `cargo weft release countersign {shown} --key KEY`, by each who agrees\n",
        describe(&proposal, &manifest),
        terminal(&verdict_path.display().to_string())
    );
    args.format.print(
        text,
        &json!({"digest": proposal.digest(), "manifest": manifest, "schema": 1, "verdict": verdict_path.display().to_string()}),
    )?;
    Ok(ExitStatus::Passed)
}

fn countersign(args: &CountersignArgs) -> Result<ExitStatus, Error> {
    let roles = Place::find(args.roles.as_deref())?.in_force(None)?;
    let (proposal, manifest) = proposal(&args.manifest)?;
    // Shown before the passphrase is asked for, so that nobody signs what they have not seen.
    anstream::eprint!("{}", describe(&proposal, &manifest));
    let mut envelope = Envelope::new(IN_TOTO, proposal.as_bytes().to_vec());
    let key = args.passphrase.unlock(&args.key)?;
    demand_role(&roles, &key, ROLE)?;
    key.endorse(&mut envelope);
    let id = key.public().id().to_string();
    let beside = named(&args.manifest, &format!("{}.dsse.json", &id[..16]));
    let path = args.output.clone().unwrap_or(beside);
    files::create_whole(&path, &envelope.to_vec())?;
    let shown = path.display().to_string();
    args.format.print(
        format!("signed {} in {}\n", proposal.digest(), terminal(&shown)),
        &json!({"digest": proposal.digest(), "key": id, "signature": shown}),
    )?;
    Ok(ExitStatus::Passed)
}

fn status(args: &GatherArgs) -> Result<ExitStatus, Error> {
    let (proposal, manifest) = proposal(&args.manifest)?;
    let (status, lines, _) = match gathered(args, &proposal)? {
        Ok((envelope, tallies)) => (ExitStatus::Passed, counted(&tallies), Some(envelope)),
        Err(Rejection::ThresholdNotMet { tallies }) => {
            let status = match tallies.is_partial() {
                true => ExitStatus::Inconclusive,
                false => ExitStatus::Failed,
            };
            (status, counted(&tallies), None)
        }
        Err(Rejection::NoSignatures) => {
            (ExitStatus::Inconclusive, vec!["nobody signed it".to_owned()], None)
        }
        Err(rejection) => return Err(Error::rejected("the manifest")(rejection)),
    };
    let text: String = lines.iter().map(|line| format!("  {}\n", terminal(line))).collect();
    args.format.print(
        format!("{}{text}", describe(&proposal, &manifest)),
        &json!({"digest": proposal.digest(), "is_enough": status == ExitStatus::Passed, "schema": 1, "signatures": lines}),
    )?;
    Ok(status)
}

fn finish(args: &FinishArgs) -> Result<ExitStatus, Error> {
    let (proposal, _) = proposal(&args.gather.manifest)?;
    let (envelope, tallies) =
        gathered(&args.gather, &proposal)?.map_err(Error::rejected("the manifest"))?;
    files::create_whole(&args.output, &envelope.to_vec())?;
    let shown = args.output.display().to_string();
    let lines = counted(&tallies);
    let text: String = lines.iter().map(|line| format!("  {}\n", terminal(line))).collect();
    args.gather.format.print(
        format!("wrote {}\n{text}next: `cargo weft gate release --help`\n", terminal(&shown)),
        &json!({"digest": proposal.digest(), "schema": 1, "signatures": lines, "written": shown}),
    )?;
    Ok(ExitStatus::Passed)
}

type Gathered = Result<(Envelope, Tallies), Rejection>;

/// Gathers the signatures of a manifest and counts them by the roles in force.
fn gathered(args: &GatherArgs, proposal: &Proposal) -> Result<Gathered, Error> {
    let roles = Place::find(args.roles.as_deref())?.in_force(None)?;
    let named = args.signature.iter().map(|path| roles::envelope(path));
    let mut signatures = named.collect::<Result<Vec<_>, _>>()?;
    if args.signature.is_empty() {
        let stem = args.manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in attestations_beside(&args.manifest, &stem)? {
            // One that cannot be read, or is of another manifest, hides none of the others.
            match roles::envelope(&path) {
                Ok(envelope) if envelope.unverified_payload() == proposal.as_bytes() => {
                    signatures.push(envelope);
                }
                Ok(_) => passed_over(&path, "is about another manifest"),
                Err(error) => passed_over(&path, &error.to_string()),
            }
        }
    }
    if signatures.is_empty() {
        return Ok(Err(Rejection::NoSignatures));
    }
    let as_of = super::as_of(args.as_of)?;
    let requirement = roles.requirement(ROLE).map_err(Error::rejected("the role"))?;
    let clause = Clause { of: None, authority: roles.authority(), requirement: &requirement };
    let committed = proposal.commit(&signatures, &[clause], as_of);
    Ok(committed.map(|(envelope, payload)| (envelope, payload.tallies.clone())))
}

fn passed_over(path: &Path, why: &str) {
    let shown = terminal(&path.display().to_string());
    anstream::eprintln!("note: {shown} {}", terminal(why));
}

/// Returns the path of a file that goes with another: its whole name, and an ending.
fn named(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            std::fs::create_dir_all(parent).map_err(|source| Error::File {
                action: "make the directory",
                path: parent.display().to_string(),
                source,
            })
        }
        _ => Ok(()),
    }
}

/// Returns the roles that are named, or those of the workspace: the directory that one stands in says nothing.
pub(super) fn place(named: Option<&Path>, root: &Path) -> Result<Place, Error> {
    Place::find(Some(named.unwrap_or(&root.join(".weft/roles.toml"))))
}

pub(super) fn counted(tallies: &Tallies) -> Vec<String> {
    let mut lines = vec![tallies.to_string()];
    for tally in tallies.iter() {
        lines.extend(tally.counted.iter().map(|counted| format!("{} signed", counted.name)));
        lines.extend(tally.uncounted.iter().map(|uncounted| {
            let by = uncounted.name.clone().unwrap_or_else(|| uncounted.key_id.clone());
            format!("the signature by {by} does not count: {}", uncounted.why)
        }));
    }
    lines
}

fn describe(proposal: &Proposal, manifest: &Manifest) -> String {
    let made = &manifest.weft;
    let mut out = format!(
        "release of {} at commit {}\nmanifest sha256:{}\n",
        terminal(&manifest.purl),
        terminal(&made.commit),
        proposal.digest()
    );
    for subject in &proposal.statement().subject {
        let name = subject.name.as_deref().unwrap_or_default();
        let digest = subject.digest.get("sha256").map_or("-", String::as_str);
        out += &format!("  {digest}  {}\n", terminal(name));
    }
    match made.previous {
        Some(previous) => out += &format!("after sha256:{previous}\n"),
        None => out += "the first release\n",
    }
    out
}

pub(super) fn proposal(path: &Path) -> Result<(Proposal, Manifest), Error> {
    let refused = Error::rejected(&path.display().to_string());
    let proposal = Proposal::from_slice(&read(path, MAX_BYTES)?).map_err(&refused)?;
    let manifest = Manifest::of(proposal.statement()).map_err(&refused)?;
    Ok((proposal, manifest))
}

/// Verifies that enough keys of the role `release` signed a manifest.
pub(super) fn verified(
    envelope: &Envelope,
    roles: &Roles,
    as_of: AsOf,
) -> Result<(Statement, Manifest, Tallies), Rejection> {
    let requirement = roles.requirement(ROLE)?;
    let payload = envelope.verify(roles.authority(), &requirement, as_of)?;
    let tallies = payload.tallies.clone();
    let statement = Statement::from_payload(&payload)?.into_inner();
    let manifest = Manifest::of(&statement)?;
    Ok((statement, manifest, tallies))
}

pub(super) fn decided(loaded: &Loaded) -> Result<Verdict, Error> {
    decide(&loaded.facts).map_err(|e| Error::Bug(e.to_string()))
}

/// Returns the digest of the inventory, or why it is not known.
pub(super) fn inventory(loaded: &Loaded) -> Result<Sha256, String> {
    let inventory = loaded.facts.inventory.as_ref().map_err(str::to_owned)?;
    inventory.to_canonical().map(|bytes| Sha256::of(&bytes)).map_err(|e| e.to_string())
}

pub(super) fn policy(loaded: &Loaded) -> Result<Sha256, Error> {
    let bytes = canonical::to_vec(&loaded.facts.policy).map_err(|e| Error::Bug(e.to_string()))?;
    Ok(Sha256::of(&bytes))
}

fn unfit(why: &str) -> Error {
    Error::usage(format!("nothing can be released: {}", terminal(why)), "mend that first")
}

/// Returns the member that is released, as `name@version`; the version is that of its manifest.
fn package(args: &PrepareArgs, loaded: &Loaded) -> Result<String, Error> {
    let members = members(loaded);
    let version = format!("@{}", args.release_version);
    let is_it = |member: &&String| match &args.package {
        Some(name) => **member == format!("{name}{version}"),
        None => member.ends_with(&version),
    };
    let found: Vec<&String> = members.iter().filter(is_it).collect();
    match found[..] {
        [member] => Ok(member.clone()),
        [] => Err(Error::usage(
            format!(
                "the workspace has no package {}of version {}",
                args.package
                    .as_ref()
                    .map(|name| format!("{} ", terminal(name)))
                    .unwrap_or_default(),
                args.release_version
            ),
            format!("it has {}", members.join(", ")),
        )),
        _ => Err(Error::usage(
            format!("{} packages have the version {}", found.len(), args.release_version),
            "say which is released: --package NAME",
        )),
    }
}

/// Lists the packages of the workspace as `name@version`.
pub(super) fn members(loaded: &Loaded) -> Vec<String> {
    let inventory = loaded.facts.inventory.as_ref();
    let packages = inventory.map(|inventory| &*inventory.packages).unwrap_or_default();
    packages.iter().filter(|package| package.member).map(|package| package.spec()).collect()
}
