#![doc = include_str!("violated.md")]

use std::collections::BTreeSet;

use crate::check::{Check, Context, Introduction, each};
use crate::exemption::days_between;
use crate::facts::{Facts, Replacement};
use crate::finding::Finding;
use crate::inventory::{Inventory, Package, Precision, Source, same_repository};
use crate::place::Place;
use crate::policy::Barrier;

/// See the module's page.
pub struct Violated;

impl Check for Violated {
    fn code(&self) -> &'static str {
        "barrier/violated"
    }

    fn page(&self) -> &'static str {
        include_str!("violated.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let barriers = &context.policy().barriers;
        let violated =
            barriers.iter().flat_map(|barrier| violations(context.facts(), inventory, barrier));
        Ok(each(violated, |violation| {
            let package = inventory.package(violation.package);
            let (place, path) = evidence(context, inventory, &violation);
            let archive = package.checksum.map_or_else(String::new, |digest| digest.to_string());
            Finding::new(self.code(), &package.id, place, violation.sentence)
                .path(path)
                .remedy(violation.remedy)
                .field("archive", &*archive)
                .field("barrier", violation.kind)
        }))
    }

    fn gap(&self, context: &Context<'_>) -> Option<String> {
        let inventory = context.inventory().ok()?;
        let barriers = context.policy().barriers.iter();
        let gaps = barriers.filter_map(|barrier| unknown(context.facts(), inventory, barrier));
        let mut gaps: Vec<String> = gaps.collect();
        // Pins and windows of several crates may lack the same.
        let mut told = BTreeSet::new();
        gaps.retain(|gap| told.insert(gap.clone()));
        if let Some(more) = gaps.len().checked_sub(TOLD_GAPS).filter(|more| *more > 0) {
            gaps.truncate(TOLD_GAPS);
            gaps.push(format!("and so it is with {more} more"));
        }
        (!gaps.is_empty()).then(|| gaps.join("; "))
    }
}

/// How many things are named that are not known.
const TOLD_GAPS: usize = 3;

/// Lists the names in a barrier that no package has which it could be about.
///
/// A crate that is kept away is not there if all is well; any other name may be misspelled.
pub fn strays<'a>(inventory: &Inventory, barrier: &'a Barrier) -> Vec<&'a str> {
    let named: Vec<&str> = match barrier {
        Barrier::Drop { feature: None, .. } => Vec::new(),
        Barrier::Region { crates, .. } => crates.iter().map(String::as_str).collect(),
        Barrier::Window { name, .. } if name == "*" => Vec::new(),
        Barrier::Attest { name, .. }
        | Barrier::Drop { name, .. }
        | Barrier::Fork { name, .. }
        | Barrier::Pin { name, .. }
        | Barrier::Review { name, .. }
        | Barrier::Seal { name, .. }
        | Barrier::Vendor { name, .. }
        | Barrier::Window { name, .. } => vec![name],
    };
    let is_there = |name: &&str| {
        let mut packages = inventory.packages.iter();
        packages.any(|package| package.name == **name && (package.member || package.is_present()))
    };
    named.into_iter().filter(|name| !is_there(name)).collect()
}

/// Returns the shortest path that shows a violation, and the manifest line that it begins with: where an edge is at
/// fault, one that ends with such an edge.
fn evidence(
    context: &Context<'_>,
    inventory: &Inventory,
    violation: &Violation,
) -> (Place, Vec<String>) {
    let paths = violation.dependents.iter().map(|&dependent| {
        let Introduction { mut path, place } = context.introduction(dependent);
        path.push(inventory.package(violation.package).spec());
        let declared = inventory.edge(dependent, violation.package);
        let declared =
            declared.and_then(|e| e.declared.iter().filter_map(|d| d.place.clone()).min());
        (declared.unwrap_or(place), path)
    });
    let shortest = paths.min_by(|(_, a), (_, b)| (a.len(), a).cmp(&(b.len(), b)));
    shortest.unwrap_or_else(|| {
        let introduction = context.introduction(violation.package);
        (introduction.place, introduction.path)
    })
}

/// A package that a barrier does not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The packages whose edges to it are at fault, by their indexes; none where it is at fault itself.
    pub dependents: Vec<u32>,
    /// The package, by its index.
    pub package: u32,
    /// The barrier's kind.
    pub kind: &'static str,
    /// What is wrong, in a sentence.
    pub sentence: String,
    /// What to do, in a sentence.
    pub remedy: String,
}

/// Finds the packages that a barrier does not let in.
pub fn violations(facts: &Facts, inventory: &Inventory, barrier: &Barrier) -> Vec<Violation> {
    concerned(facts, inventory, barrier)
        .into_iter()
        .filter_map(|index| {
            let dependents = intruders(inventory, barrier, index);
            let (sentence, remedy) = violation(facts, inventory, barrier, index, &dependents)?;
            Some(Violation { dependents, package: index, kind: barrier.kind(), sentence, remedy })
        })
        .collect()
}

/// Lists the packages that a barrier is about, by their indexes.
///
/// A member of the name is no package from elsewhere; but where it took such a package's place, by an override or because
/// no other is there, it is what is built now.
fn concerned(facts: &Facts, inventory: &Inventory, barrier: &Barrier) -> Vec<u32> {
    let is_named = |index: &u32| barrier.is_about(&inventory.package(*index).name);
    let mut packages: Vec<u32> =
        inventory.present_externals().into_iter().filter(is_named).collect();
    let counts_members = match barrier {
        Barrier::Attest { .. }
        | Barrier::Drop { feature: None, .. }
        | Barrier::Fork { .. }
        | Barrier::Pin { .. }
        | Barrier::Review { .. }
        | Barrier::Seal { .. } => true,
        Barrier::Drop { .. }
        | Barrier::Region { .. }
        | Barrier::Vendor { .. }
        | Barrier::Window { .. } => false,
    };
    if counts_members && (packages.is_empty() || is_overridden(facts, barrier.name())) {
        let members = (0_u32..).zip(&inventory.packages).filter(|(_, package)| package.member);
        packages.extend(members.map(|(index, _)| index).filter(is_named));
    }
    packages
}

/// Says whether a `[patch]` or `[replace]` puts something in the place of a crate.
fn is_overridden(facts: &Facts, name: &str) -> bool {
    let mut replacements = facts.replacements.as_ref().into_iter().flatten();
    let start = format!("package `{name}` ");
    replacements.any(|replacement| replacement.what.starts_with(&start))
}

/// Says what is built of a package whose archive a barrier speaks of, if that is not the archive.
///
/// Who vendors a crate and says so by a barrier reads the files of its directory, and knows that.
fn instead_of_archive(facts: &Facts, package: &Package) -> Option<String> {
    let spec = package.spec();
    if !matches!(package.source, Source::Registry { .. }) || package.patch.is_some() {
        return Some(format!("{spec} is no archive of a registry, and a barrier asks for one."));
    }
    let mut barriers = facts.policy.barriers.iter();
    if barriers.any(|b| matches!(b, Barrier::Vendor { name, .. } if *name == package.name)) {
        return None;
    }
    let mut replacements = facts.replacements.as_ref().into_iter().flatten();
    let standing_in = replacements.find(|replacement| {
        let is_path = replacement.what == "packages of the same names";
        is_path || replaces(replacement, &package.source) && directory(replacement).is_some()
    })?;
    Some(format!(
        "{spec} may be built from `{}` ({}) instead of the archive that a barrier asks for.",
        directory(standing_in).unwrap_or(&standing_in.with),
        standing_in.place.file
    ))
}

/// What helps where a barrier speaks of an archive, and something else is built.
const BUILD_THE_ARCHIVE: &str =
    "Build the archive again, or write a barrier of the kind `vendor` or `fork` for the crate.";

/// Says whether a replacement stands in for a source.
fn replaces(replacement: &Replacement, source: &Source) -> bool {
    // Names with a backtick would say where they end themselves.
    let what: Vec<&str> = replacement.what.split('`').collect();
    matches!(what[..], ["source ", name, ""] if is_source(name, source))
}

/// Returns the directory of the checkout that a replacement names.
fn directory(replacement: &Replacement) -> Option<&str> {
    let with: Vec<&str> = replacement.with.split('`').collect();
    match with[..] {
        ["directory ", path, ""] | ["source ", _, ", directory ", path, ""] => Some(path),
        _ => None,
    }
}

/// Lists what depends on a package of a region and may not.
fn intruders(inventory: &Inventory, barrier: &Barrier, index: u32) -> Vec<u32> {
    let Barrier::Region { crates, dependents, .. } = barrier else { return Vec::new() };
    let is_free = |from: &u32| {
        let package = inventory.package(*from);
        let is_there = package.member || package.is_present();
        is_there && !crates.contains(&package.name) && !dependents.contains(&package.name)
    };
    let into =
        inventory.edges.iter().filter(|edge| edge.to == index && (edge.selected || edge.dev));
    into.map(|edge| edge.from).filter(is_free).collect()
}

fn violation(
    facts: &Facts,
    inventory: &Inventory,
    barrier: &Barrier,
    index: u32,
    dependents: &[u32],
) -> Option<(String, String)> {
    let package = inventory.package(index);
    let spec = package.spec();
    if let Barrier::Attest { .. } | Barrier::Pin { .. } | Barrier::Review { .. } = barrier
        && let Some(sentence) = instead_of_archive(facts, package)
    {
        return Some((sentence, BUILD_THE_ARCHIVE.to_owned()));
    }
    match barrier {
        Barrier::Attest { provenance, .. } => {
            let vouched = facts.vouched.as_ref()?;
            let is_attested = vouched.is_attested(package, provenance).ok()?;
            (!is_attested).then(|| {
                let sentence = format!(
                    "No attestation in .weft/attestations has the provenance of {spec} that a barrier asks for."
                );
                let remedy = "Put the attestation of this version's archive there, or stay with a version that is attested.";
                (sentence, remedy.to_owned())
            })
        }
        Barrier::Region { .. } => (!dependents.is_empty()).then(|| {
            let from: Vec<String> =
                dependents.iter().map(|&from| inventory.package(from).spec()).collect();
            let (depends, from) = (if from.len() == 1 { "depends" } else { "depend" }, joined(&from));
            let sentence =
                format!("{from} {depends} on {spec}, and a barrier lets other crates alone do so.");
            let remedy = "Look at what is new, and add it to the barrier's `dependents`, or do without the dependency.";
            (sentence, remedy.to_owned())
        }),
        Barrier::Review { criteria, role, .. } => {
            let vouched = facts.vouched.as_ref()?;
            let is_reviewed =
                vouched.is_reviewed(package, criteria.as_deref(), role.as_deref()).ok()?;
            (!is_reviewed).then(|| review(package, criteria.as_deref(), role.as_deref()))
        }
        Barrier::Drop { feature: None, .. } => {
            Some((format!("{spec} is in the graph, and a barrier keeps it out."), remove(package)))
        }
        Barrier::Drop { feature: Some(feature), .. } => {
            package.features.as_ref()?.contains(feature).then(|| {
                let sentence = format!(
                    "The feature {feature} of {spec} is switched on, and a barrier keeps it off."
                );
                (sentence, "Ask for fewer features, or for no default ones.".to_owned())
            })
        }
        Barrier::Fork { repository, commit: wanted, .. } => {
            let is_fork = matches!(
                &package.source,
                Source::Git { url, commit, .. } if same_repository(url, repository)
                    && (wanted.is_none() || wanted == commit)
            );
            (!is_fork).then(|| {
                let at = wanted.as_ref().map(|commit| format!(" at {commit}")).unwrap_or_default();
                let sentence =
                    format!("{spec} does not come from {repository}{at}, which a barrier asks for.");
                (sentence, format!("Point `[patch]` at {repository} for {}.", package.name))
            })
        }
        Barrier::Pin { .. } => pin(facts, package),
        Barrier::Seal { dependencies, .. } => {
            let edges = inventory.edges.iter().filter(|edge| edge.from == index);
            let new: Vec<String> = edges
                .map(|edge| inventory.package(edge.to))
                .filter(|dependency| !dependencies.contains(&dependency.name))
                .map(Package::spec)
                .collect();
            (!new.is_empty()).then(|| {
                let sentence = format!(
                    "{spec} depends on {}, and a barrier lets it depend on other crates alone.",
                    new.join(", ")
                );
                let remedy = "Look at what is new, and add it to the barrier's `dependencies`, or stay with the older version.";
                (sentence, remedy.to_owned())
            })
        }
        Barrier::Vendor { .. } => (!is_vendored(facts, package)).then(|| {
            let sentence = format!("{spec} is not vendored, which a barrier asks for.");
            (sentence, "Run `cargo vendor`, and commit what it says to write.".to_owned())
        }),
        Barrier::Window { days, .. } => {
            let published = facts.releases.as_ref().ok()?.get(&package.id)?.published?;
            let age = days_between(published, facts.as_of);
            (i64::from(age) < i64::from(*days)).then(|| {
                let sentence = format!(
                    "{spec} was published on {published}, and a barrier lets it in after {}.",
                    crate::exemption::days(i32::try_from(*days).unwrap_or(i32::MAX))
                );
                (sentence, "Stay with an older version until it has aged.".to_owned())
            })
        }
    }
}

/// Says which review is missing, and how it is written down.
fn review(package: &Package, criteria: Option<&str>, role: Option<&str>) -> (String, String) {
    let spec = package.spec();
    let by: Vec<String> = [
        criteria.map(|criteria| format!("no audit by the criteria {criteria} leads to it")),
        role.map(|role| format!("the role {role} did not sign its archive")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sentence =
        format!("{spec} was not reviewed, which a barrier asks for: {}.", by.join(", and "));
    let archive = format!("{}-{}.crate", package.name, package.version);
    let ways: Vec<String> = [
        criteria.map(|criteria| {
            format!("write down an audit with `cargo vet certify {} --criteria {criteria}`, which is merged before the update", package.name)
        }),
        role.map(|role| format!("sign {archive} with `cargo weft sign --role {role}` into .weft/evidence")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let remedy = format!(
        "Read what `cargo weft diff` says of it and its code, then {}.",
        ways.join(", or ")
    );
    (sentence, remedy)
}

/// Joins specs, the first few by name.
fn joined(specs: &[String]) -> String {
    match specs.len() {
        0..=3 => specs.join(", "),
        count => format!("{} and {} others", specs[..3].join(", "), count - 3),
    }
}

/// Compares a package with all pins of its crate, and speaks for the first of them.
fn pin(facts: &Facts, package: &Package) -> Option<(String, String)> {
    let (mut versions, mut is_swapped) = (Vec::new(), false);
    for barrier in &facts.policy.barriers {
        let Barrier::Pin { name, version, checksum, .. } = barrier else { continue };
        if *name != package.name {
            continue;
        }
        if *version == package.version && package.checksum.as_ref() == Some(checksum) {
            return None;
        }
        versions.push(version.to_string());
        is_swapped |= *version == package.version;
    }
    let spec = package.spec();
    let sentence = match is_swapped {
        true => format!("The archive of {spec} is not the one that a barrier lets in."),
        false => format!("{spec} is locked, and a barrier lets in {} alone.", versions.join(", ")),
    };
    let remedy = format!(
        "Look at what changed, then write its version and checksum into the barrier of {} in weft.toml.",
        package.name
    );
    Some((sentence, remedy))
}

fn remove(package: &Package) -> String {
    format!("Remove what brings {} in, or the barrier.", package.name)
}

/// Says whether a package is local, or a directory of the checkout stands in place of its source, wherever Cargo is run.
fn is_vendored(facts: &Facts, package: &Package) -> bool {
    let replacements = facts.replacements.as_ref().into_iter().flatten();
    let mut of_source =
        replacements.filter(|replacement| replaces(replacement, &package.source)).peekable();
    package.source.is_path()
        || of_source.peek().is_some() && of_source.all(|r| directory(r).is_some())
}

/// Says whether a source has this name in a configuration of Cargo: `crates-io`, or its address as `cargo vendor` writes it.
fn is_source(name: &str, source: &Source) -> bool {
    let address = name.strip_prefix("git+").or(name.strip_prefix("registry+")).unwrap_or(name);
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match source {
        Source::Registry { .. } if source.is_crates_io() => name == "crates-io",
        Source::Registry { url } => address == url,
        Source::Git { url, .. } => same_repository(url, address),
        Source::Path { .. } => true,
    }
}

/// Says what of a barrier cannot be looked at.
pub fn unknown(facts: &Facts, inventory: &Inventory, barrier: &Barrier) -> Option<String> {
    let name = barrier.name();
    let mut concerned =
        concerned(facts, inventory, barrier).into_iter().map(|i| inventory.package(i));
    let not_asked = || "who vouches for packages was not looked for".to_owned();
    if let Barrier::Attest { .. } | Barrier::Pin { .. } | Barrier::Review { .. } = barrier
        && let (Err(reason), true) = (facts.replacements.as_ref(), facts.drift.as_ref().is_ok())
        // Whoever reads a lockfile alone asks for no more than it says.
        && concerned.clone().next().is_some()
    {
        return Some(format!(
            "whether the archive of {name} is what is built is not known: {reason}"
        ));
    }
    match barrier {
        Barrier::Attest { provenance, .. } => concerned.find_map(|package| {
            let Some(vouched) = &facts.vouched else { return Some(not_asked()) };
            let reason = vouched.is_attested(package, provenance).err()?;
            Some(format!("whether {} is attested is not known: {reason}", package.spec()))
        }),
        Barrier::Review { criteria, role, .. } => concerned.find_map(|package| {
            let Some(vouched) = &facts.vouched else { return Some(not_asked()) };
            let (criteria, role) = (criteria.as_deref(), role.as_deref());
            let reason = vouched.is_reviewed(package, criteria, role).err()?;
            Some(format!("whether {} was reviewed is not known: {reason}", package.spec()))
        }),
        Barrier::Window { .. } => {
            let undated = match facts.releases.as_ref() {
                Err(reason) => return Some(reason.to_owned()),
                Ok(releases) => concerned
                    .filter(|package| matches!(package.source, Source::Registry { .. }))
                    .find(|package| {
                        releases.get(&package.id).and_then(|release| release.published).is_none()
                    })
                    .map(Package::spec),
            };
            undated.map(|spec| format!("no index says when {spec} was published"))
        }
        Barrier::Drop { feature: Some(_), .. } => {
            concerned.find(|package| package.features.is_none()).map(|package| {
                let spec = package.spec();
                match inventory.precision {
                    Precision::Lock => format!(
                        "which features of {spec} are switched on is known at metadata precision only"
                    ),
                    Precision::Metadata => {
                        format!("which features of {spec} are switched on is not known")
                    }
                }
            })
        }
        Barrier::Vendor { .. } => facts
            .replacements
            .as_ref()
            .err()
            .map(|reason| format!("whether {name} is vendored is not known: {reason}")),
        Barrier::Drop { feature: None, .. }
        | Barrier::Fork { .. }
        | Barrier::Pin { .. }
        | Barrier::Region { .. }
        | Barrier::Seal { .. } => None,
    }
}
