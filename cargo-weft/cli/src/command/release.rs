//! `cargo weft release`: a manifest of what is released, signed by *k* of *n* who exchange files, and built again.

mod gather;
mod prepare;
mod reproduce;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use weft_gate::release::{Manifest, ROLE};
use weft_gate::{Verdict, decide};
use weft_verify::envelope::Envelope;
use weft_verify::proposal::Proposal;
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::threshold::Tallies;
use weft_verify::{AsOf, Rejection, Sha256, canonical};

use super::facts::Loaded;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::roles::{MAX_BYTES, Place, read};

#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the manifest of a release, for others to countersign
    Prepare(Box<prepare::PrepareArgs>),
    /// Say who signed a manifest, and who is missing
    Status(gather::GatherArgs),
    /// Sign a manifest, in a file of one's own
    Countersign(gather::CountersignArgs),
    /// Gather the signatures in one file, once there are enough
    Finish(gather::FinishArgs),
    /// Build a release again from its commit, which runs that build, and name the first difference
    Reproduce(reproduce::ReproduceArgs),
}

pub(super) fn run(args: &ReleaseArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Prepare(args) => prepare::run(args),
        Command::Status(args) => gather::status(args),
        Command::Countersign(args) => gather::countersign(args),
        Command::Finish(args) => gather::finish(args),
        Command::Reproduce(args) => reproduce::run(args),
    }
}

/// Returns the path of a file that goes with another: its whole name, and an ending.
fn named(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
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

/// Lists the packages of the workspace as `name@version`.
pub(super) fn members(loaded: &Loaded) -> Vec<String> {
    let inventory = loaded.facts.inventory.as_ref();
    let packages = inventory.map(|inventory| &*inventory.packages).unwrap_or_default();
    packages.iter().filter(|package| package.member).map(|package| package.spec()).collect()
}
