//! Bills of materials: each artifact has one, by somebody who may say so, and it is the inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use packageurl::PackageUrl;
use weft_verify::digest::Artifact;
use weft_verify::json::Value;

use super::attestation::{Shelf, Vouched};
use super::{MAX_TOLD, Step, StepResult};
use crate::inventory::{Inventory, Package};
use crate::provenance::Refusal;
use crate::release::attested;

/// The predicate type of a CycloneDX document.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";

/// The predicate type of an SPDX document, version 2.3.
pub const SPDX: &str = "https://spdx.dev/Document/v2.3";

/// The predicate type of an SPDX document of a version that it states itself.
const SPDX_ANY: &str = "https://spdx.dev/Document";

/// How deep components may hold components.
const MAX_DEPTH: usize = 32;

/// Demands of each artifact a bill of materials that lists the crates that are judged, and none that is not locked.
pub fn bill(
    inventory: Result<&Inventory, &str>,
    artifacts: &BTreeMap<String, Result<Artifact, String>>,
    shelf: &Shelf<'_>,
) -> Step {
    let remedy = "Have one signed: `cargo weft attest sbom --artifacts DIR --key KEY --output FILE`, into the directory of --evidence.";
    let inventory = match inventory {
        Ok(inventory) => inventory,
        Err(why) => {
            let line = format!("the dependency graph is not known: {why}");
            return Step::new("sbom", StepResult::Missing, vec![line], remedy);
        }
    };
    let check = |vouched: &Vouched| compare(&vouched.statement.predicate, inventory);
    let mut step = attested("sbom", &[CYCLONEDX, SPDX, SPDX_ANY], artifacts, shelf, check, remedy);
    if step.result == StepResult::Passed {
        step.evidence.insert(0, format!("{} artifacts, each with the inventory", artifacts.len()));
    }
    step
}

/// Compares the crates that a document lists with the inventory.
fn compare(document: &Value, inventory: &Inventory) -> Result<(), Refusal> {
    let mut listed = BTreeSet::new();
    match document.get("bomFormat").and_then(Value::as_str) {
        Some("CycloneDX") => {
            let of = |path: &[&str]| path.iter().try_fold(document, |v, name| v.get(name));
            component(of(&["metadata", "component"]), 0, &mut listed)?;
            components(document, 0, &mut listed)?;
        }
        Some(_) => return Err(malformed("bomFormat")),
        None => packages(document, &mut listed)?,
    }
    let locked: BTreeSet<String> = inventory.packages.iter().map(name).collect();
    let judged = inventory.packages.iter().filter(|package| package.selected);
    let lacking: Vec<String> = judged.map(name).filter(|purl| !listed.contains(purl)).collect();
    let strange: Vec<String> =
        listed.iter().filter(|purl| !locked.contains(*purl)).cloned().collect();
    let told = |what: &str, purls: &[String]| {
        let first: Vec<&str> = purls.iter().take(MAX_TOLD).map(|purl| &**purl).collect();
        let more = purls.len().saturating_sub(MAX_TOLD);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Err(Refusal::Material(format!("it {what} {}{more}", first.join(", "))))
    };
    match (lacking.is_empty(), strange.is_empty()) {
        (false, _) => told("does not list", &lacking),
        (true, false) => told("lists what is not locked:", &strange),
        (true, true) => Ok(()),
    }
}

/// Returns the package URL of a package without its qualifiers.
pub(crate) fn name(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn malformed(what: &str) -> Refusal {
    Refusal::Predicate(format!("`{what}` is not as a bill of materials has it"))
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], Refusal> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(malformed(name)),
    }
}

/// Keeps the package URLs of crates; what else an artifact is made of is not for the lockfile to know.
fn keep(purl: &str, listed: &mut BTreeSet<String>) -> Result<(), Refusal> {
    listed.extend(crate_url(purl)?);
    Ok(())
}

/// Returns the package URL of a crate without its qualifiers, however it is spelled; nothing for other packages.
///
/// # Errors
///
/// [`Refusal::Predicate`]: it is no package URL, so nobody can say what it names.
pub(crate) fn crate_url(purl: &str) -> Result<Option<String>, Refusal> {
    let parsed = PackageUrl::from_str(purl)
        .map_err(|why| Refusal::Predicate(format!("{purl:?} is no package URL: {why}")))?;
    if parsed.ty() != "cargo" {
        return Ok(None);
    }
    let version = parsed.version().map(|version| format!("@{version}")).unwrap_or_default();
    let namespace = parsed.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    Ok(Some(format!("pkg:cargo/{namespace}{}{version}", parsed.name())))
}

fn components(value: &Value, depth: usize, listed: &mut BTreeSet<String>) -> Result<(), Refusal> {
    list(value, "components")?.iter().try_for_each(|item| component(Some(item), depth, listed))
}

fn component(
    value: Option<&Value>,
    depth: usize,
    listed: &mut BTreeSet<String>,
) -> Result<(), Refusal> {
    let Some(value) = value else { return Ok(()) };
    if depth > MAX_DEPTH {
        return Err(malformed("components"));
    }
    if let Some(purl) = value.get("purl").and_then(Value::as_str) {
        keep(purl, listed)?;
    }
    components(value, depth + 1, listed)
}

fn packages(document: &Value, listed: &mut BTreeSet<String>) -> Result<(), Refusal> {
    if document.get("spdxVersion").and_then(Value::as_str).is_none() {
        return Err(malformed("spdxVersion"));
    }
    for package in list(document, "packages")? {
        for reference in list(package, "externalRefs")? {
            let text = |name| reference.get(name).and_then(Value::as_str);
            if let (Some("purl"), Some(purl)) = (text("referenceType"), text("referenceLocator")) {
                keep(purl, listed)?;
            }
        }
    }
    Ok(())
}
