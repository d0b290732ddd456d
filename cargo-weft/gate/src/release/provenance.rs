//! The provenance of a release: each artifact was built by whom is expected, from the commit that is released.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use weft_verify::digest::Artifact;

use crate::gate::attestation::{Held, Shelf, Vouched};
use crate::gate::bill::{crate_url, name};
use crate::gate::{Step, StepResult, cut};
use crate::inventory::Inventory;
use crate::provenance::Refusal;
use crate::provenance::statement::{Material, SLSA_V0_2, SLSA_V1};

/// Demands of each artifact an attestation that holds: SLSA provenance that names the commit, and no other crates.
///
/// Which attestation is about which artifact is for its digests to say, not for the names of files; an attestation that
/// cannot be read is told and hides none of the others.
pub fn provenance(
    commit: &str,
    inventory: Result<&Inventory, &str>,
    artifacts: &BTreeMap<String, Result<Artifact, String>>,
    shelf: &Shelf<'_>,
) -> Step {
    let check = |vouched: &Vouched| match vouched.commit.as_deref() == Some(commit) {
        true => materials(vouched, inventory),
        false => {
            let (expected, found) = (commit.to_owned(), vouched.commit.clone());
            Err(Refusal::Source { what: vouched.commit_of, expected, found })
        }
    };
    let remedy = "Have the build attest what it makes, and say whose attestations count: [provenance] in weft.toml; or, with a key of the role `build`: `cargo weft attest provenance --artifacts DIR --key KEY --output FILE`, into the directory of --evidence.";
    let mut step = attested("provenance", &[SLSA_V1, SLSA_V0_2], artifacts, shelf, check, remedy);
    if step.result == StepResult::Passed {
        step.evidence.insert(0, format!("{} artifacts, each built from {commit}", artifacts.len()));
    }
    step
}

/// Demands of each artifact an attestation of some predicate type that holds, and that passes a further check.
pub(crate) fn attested(
    name: &'static str,
    predicate_types: &[&str],
    artifacts: &BTreeMap<String, Result<Artifact, String>>,
    shelf: &Shelf<'_>,
    check: impl Fn(&Vouched) -> Result<(), Refusal> + Sync,
    remedy: &'static str,
) -> Step {
    let step = |result, evidence| Step::new(name, result, evidence, remedy);
    if let Some(why) = &shelf.why {
        return step(StepResult::Missing, vec![why.clone()]);
    }
    if artifacts.is_empty() {
        return step(StepResult::Missing, vec!["there are no artifacts".to_owned()]);
    }
    // Each attestation is verified once, for the first artifact that it is about.
    let judged: Vec<(&Held<'_>, Result<String, String>)> = shelf
        .of(predicate_types)
        .into_par_iter()
        .filter_map(|held| {
            let artifact = artifacts.values().flatten().find(|artifact| held.is_about(artifact))?;
            let vouched = shelf.vouched(held, artifact).and_then(|vouched| {
                check(&vouched).map_err(|why| held.told(&why))?;
                Ok(vouched.by)
            });
            Some((held, vouched))
        })
        .collect();
    let (mut wrong, mut missing, mut signers) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (name, artifact) in artifacts {
        let artifact = match artifact {
            Ok(artifact) => artifact,
            Err(why) => {
                wrong.push(format!("{name} {why}"));
                continue;
            }
        };
        let about = judged.iter().filter(|(held, _)| held.is_about(artifact));
        let about = about.map(|(held, vouched)| held.demand(artifact).and(vouched.clone()));
        let (good, bad): (Vec<_>, Vec<_>) = about.partition(Result::is_ok);
        match good.into_iter().flatten().next() {
            Some(by) => _ = signers.insert(by),
            None if bad.is_empty() => missing.push(format!("no attestation is about {name}")),
            None => {
                let bad = bad.into_iter().filter_map(Result::err);
                wrong.extend(cut(bad.map(|why| format!("{name}: {why}")).collect()));
            }
        }
    }
    let result = match (wrong.is_empty(), missing.is_empty()) {
        (false, _) => StepResult::Failed,
        (true, false) => StepResult::Missing,
        (true, true) => StepResult::Passed,
    };
    let mut evidence = [wrong, missing].concat();
    if result == StepResult::Passed {
        evidence.extend(signers.into_iter().map(|by| format!("by {by}")));
    }
    evidence.extend(cut(shelf.unread.clone()));
    step(result, evidence)
}

/// Compares the crates that went into a build with the lockfile: none is another, by version or by digest.
///
/// A build may use fewer than are locked, and says nothing of those that it does not name.
fn materials(vouched: &Vouched, inventory: Result<&Inventory, &str>) -> Result<(), Refusal> {
    let is_package =
        |uri: &str| uri.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("pkg:"));
    let packages = vouched.build.materials.iter().filter(|material| is_package(&material.uri));
    for material in packages {
        let Some(purl) = crate_url(&material.uri)? else { continue };
        let inventory = inventory.map_err(|why| {
            Refusal::Material(format!(
                "nothing can be compared with the crates of the build: {why}"
            ))
        })?;
        let locked = inventory.packages.iter().filter(|package| name(package) == purl);
        let mut locked = locked.peekable();
        if locked.peek().is_none() {
            let why = format!("{purl} went into it, and the lockfile has no such package");
            return Err(Refusal::Material(why));
        }
        let sha256 = digest(material, "sha256");
        let is_same = |checksum: Option<String>| match (sha256, checksum) {
            (Some(found), Some(checksum)) => found == checksum,
            _ => true,
        };
        if !locked.any(|package| is_same(package.checksum.map(|checksum| checksum.to_string()))) {
            let why = format!("{purl} went into it with other bytes than the lockfile names");
            return Err(Refusal::Material(why));
        }
    }
    Ok(())
}

fn digest<'m>(material: &'m Material, algorithm: &str) -> Option<&'m str> {
    material.digests.iter().find(|(name, _)| name == algorithm).map(|(_, digits)| &**digits)
}
