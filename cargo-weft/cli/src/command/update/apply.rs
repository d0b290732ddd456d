//! Takes an update: writes the lockfile that Cargo made in the scratch copy, and what somebody answered for.

use std::fs;
use std::path::Path;

use weft_gate::input::candidates::Choice;
use weft_gate::update::{Acknowledgement, SCHEMA};
use weft_verify::Sha256;

use super::{Applied, Effect, Outcome, Proposal, Proposals, UpdateArgs};
use crate::command::diff::short;
use crate::error::{Error, ExitStatus};
use crate::source::files;
use crate::source::sources::EVIDENCE;
use crate::source::workspace::Tree;

/// Takes the compatible version, or that which the command line names.
///
/// # Errors
///
/// There is no such version, Cargo refuses it, or a manifest has to be changed first; the lockfile has changed
/// meanwhile, or cannot be written.
pub(super) fn apply(
    args: &UpdateArgs,
    tree: &Tree,
    proposals: &mut Proposals,
) -> Result<ExitStatus, Error> {
    let is_wanted = |proposal: &&Proposal| match &args.to {
        Some(to) => proposal.to == *to,
        None => proposal.choices.contains(&Choice::Compatible),
    };
    let Some(proposal) = proposals.proposals.iter().find(is_wanted) else {
        let message = "there is no newer compatible version to take";
        return Err(Error::usage(message, "name another with --to"));
    };
    let effect = match &proposal.outcome {
        Outcome::Resolved(effect) => effect,
        Outcome::Refused(reason) => {
            return Err(Error::usage(
                format!("{} cannot be updated to {}: {reason}", short(&proposal.from), proposal.to),
                "`cargo weft why` shows what stands in the way",
            ));
        }
    };
    if !effect.edits.is_empty() {
        let lines = effect.edits.iter();
        let lines: Vec<String> =
            lines.map(|e| format!("{} = \"{}\" in {}", e.key, e.to, e.file)).collect();
        return Err(Error::usage(
            "the manifests rule this version out, and only the lockfile is written",
            format!("first write {}", lines.join(", ")),
        ));
    }
    if !effect.concerns.is_empty() && args.acknowledge.is_none() {
        proposals.withheld = Some(proposal.to.clone());
        return Ok(ExitStatus::Failed);
    }
    let before = unchanged(tree)?;
    let acknowledgement = match &args.acknowledge {
        Some(reason) if !effect.concerns.is_empty() => {
            Some(record(tree, before, proposal, effect, reason)?)
        }
        Some(_) | None => None,
    };
    files::write_output(&tree.root.join(&tree.lockfile_name), &effect.lockfile)?;
    let (from, to) = (proposal.from.clone(), proposal.to.clone());
    proposals.applied = Some(Applied { acknowledgement, from, to });
    Ok(ExitStatus::Passed)
}

/// Returns the digest of the lockfile, which has to be the one that the update was resolved from.
fn unchanged(tree: &Tree) -> Result<Sha256, Error> {
    let read = tree.lockfile.as_deref().unwrap_or_default();
    let path = tree.root.join(&tree.lockfile_name);
    let now = files::read_inside(&tree.checkout, &path, read.len());
    match now {
        Ok(Some(now)) if now == read => Ok(Sha256::of(read)),
        Ok(_) | Err(_) => Err(Error::usage(
            format!("{} has changed meanwhile, so it is left as it is", tree.lockfile_name),
            "run this again",
        )),
    }
}

/// Keeps what was answered for, and returns the path from the workspace root.
fn record(
    tree: &Tree,
    lockfile_before: Sha256,
    proposal: &Proposal,
    effect: &Effect,
    reason: &str,
) -> Result<String, Error> {
    if reason.trim().is_empty() {
        return Err(Error::usage("--acknowledge has no reason", "say why the update is taken"));
    }
    let acknowledgement = Acknowledgement {
        concerns: effect.concerns.clone(),
        lockfile_before,
        from: proposal.from.clone(),
        reason: reason.to_owned(),
        schema: SCHEMA,
        to: proposal.to.to_string(),
    };
    let statement = acknowledgement.to_statement(Sha256::of(&effect.lockfile));
    let statement = statement.map_err(|e| Error::Bug(e.to_string()))?;
    let name = format!("{EVIDENCE}/{}.json", Sha256::of(&statement));
    let folder = tree.root.join(EVIDENCE);
    let failed = |source| Error::File { action: "write", path: EVIDENCE.to_owned(), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    demand_inside(&folder, &tree.root)?;
    files::replace(&tree.root.join(&name), &statement)?;
    Ok(name)
}

fn demand_inside(folder: &Path, root: &Path) -> Result<(), Error> {
    match folder.canonicalize().is_ok_and(|real| real.starts_with(root)) {
        true => Ok(()),
        false => Err(Error::usage(
            format!("{EVIDENCE} leads out of the workspace, so nothing is written there"),
            "make it a directory of the workspace",
        )),
    }
}
