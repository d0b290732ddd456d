//! The inventory at metadata precision: the lockfile's packages with the facts and the selection of guppy.

use std::collections::{BTreeMap, BTreeSet};

use guppy::graph::cargo::{CargoOptions, CargoResolverVersion, CargoSet};
use guppy::graph::feature::{FeatureSet, StandardFeatures, named_feature_filter};
use guppy::graph::{
    DependencyDirection, DependencyReq, EnabledStatus, PackageGraph, PackageLink, PackageMetadata,
};
use guppy::platform::{Platform, PlatformSpec, TargetFeatures};

use super::from_lock::{Draft, index};
use super::{
    Declaration, DependencyKind, Inventory, ManifestFacts, Package, Precision, Selection, Source,
    purl,
};
use crate::input::lockfile::Lockfile;
use crate::input::manifest::Manifest;
use crate::input::metadata::Metadata;
use crate::policy::{Features, GraphPolicy, Targets};

/// Builds the inventory from a lockfile, the members' manifests and `cargo metadata`.
///
/// # Errors
///
/// A sentence: the metadata names a package that the lockfile lacks, or guppy cannot resolve the selection.
pub fn from_metadata(
    lockfile: &Lockfile,
    manifests: &[Manifest],
    metadata: &Metadata,
    policy: &GraphPolicy,
) -> Result<Inventory, String> {
    let mut draft = Draft::new(lockfile, manifests);
    let matched = describe(&mut draft, metadata)?;
    declare(&mut draft, &matched, &metadata.graph);
    for edge in &mut draft.edges {
        edge.selected = false;
    }
    let resolver = resolver(manifests);
    select(&mut draft, &matched, &metadata.graph, resolver, policy)?;
    mark_dev(&mut draft, &matched, &metadata.graph, resolver, policy)?;
    let selection = Selection {
        dev_dependencies: policy.dev_dependencies,
        features: Some(policy.features.clone()),
        targets: Some(policy.targets.clone()),
    };
    Ok(draft.finish(Precision::Metadata, selection))
}

/// The index in the inventory of each package id that Cargo uses.
type Matched<'g> = BTreeMap<&'g str, usize>;

/// Finds each package of the metadata in the lockfile and adds what its manifest says.
fn describe<'g>(draft: &mut Draft, metadata: &'g Metadata) -> Result<Matched<'g>, String> {
    let mut by_key = BTreeMap::<(String, String), Vec<usize>>::new();
    for (number, package) in draft.packages.iter().enumerate() {
        by_key.entry((package.name.clone(), package.version.to_string())).or_default().push(number);
    }
    let mut matched = Matched::new();
    for found in metadata.graph.packages() {
        let key = (found.name().to_owned(), found.version().to_string());
        let candidates = by_key.get(&key).map_or(&[][..], Vec::as_slice);
        let source = source(&found)?;
        let same = |i: &&usize| {
            draft.packages[**i].source.is_path() && source.is_path()
                || draft.packages[**i].source.same_origin(&source)
        };
        let Some(&number) = candidates.iter().find(same) else {
            return Err(format!(
                "cargo metadata names {} {}, which the lockfile lacks",
                key.0, key.1
            ));
        };
        let package = &mut draft.packages[number];
        place(package, &found, source);
        package.manifest = Some(facts(&found, metadata));
        matched.insert(found.id().repr(), number);
    }
    Ok(matched)
}

fn source(package: &PackageMetadata<'_>) -> Result<Source, String> {
    match package.source().external_source() {
        Some(text) => Source::parse(text)
            .map_err(|e| format!("the source of {} is unknown: {e}", package.name())),
        None => {
            let path = package.source().local_path().map(|p| p.as_str().replace('\\', "/"));
            Ok(Source::Path { path })
        }
    }
}

/// Cargo knows the directory of every local package, also of those that no manifest was read for.
fn place(package: &mut Package, found: &PackageMetadata<'_>, source: Source) {
    package.member = found.in_workspace();
    if source.is_path() {
        package.id = purl(&package.name, &package.version, &source);
        package.source = source;
    }
}

fn facts(package: &PackageMetadata<'_>, metadata: &Metadata) -> ManifestFacts {
    ManifestFacts {
        build_script: package.has_build_script(),
        default_features: metadata
            .default_features
            .get(package.id().repr())
            .cloned()
            .unwrap_or_default(),
        license: package.license().map(str::to_owned),
        links: package.links().map(str::to_owned),
        proc_macro: package.is_proc_macro(),
        repository: package.repository().map(str::to_owned),
        rust_version: package.rust_version().map(ToString::to_string),
    }
}

/// Adds declarations to the edges of packages whose manifests only Cargo has read.
fn declare(draft: &mut Draft, matched: &Matched<'_>, graph: &PackageGraph) {
    for link in graph.packages().flat_map(|package| package.direct_links()) {
        let Some(edge) = edge(draft, matched, &link) else { continue };
        if !draft.edges[edge].declared.is_empty() {
            continue;
        }
        let kinds = [
            (DependencyKind::Normal, link.normal()),
            (DependencyKind::Build, link.build()),
            (DependencyKind::Dev, link.dev()),
        ];
        let declared = &mut draft.edges[edge].declared;
        declared.extend(
            kinds
                .iter()
                .filter(|(_, req)| req.is_present())
                .map(|(kind, req)| declaration(&link, *kind, req)),
        );
        declared.sort();
    }
}

fn declaration(
    link: &PackageLink<'_>,
    kind: DependencyKind,
    req: &DependencyReq<'_>,
) -> Declaration {
    let mut features: Vec<String> = req.features().map(str::to_owned).collect();
    features.sort();
    features.dedup();
    Declaration {
        default_features: is_present(&req.default_features()),
        features,
        kind,
        optional: !req.status().required_status().is_present(),
        place: None,
        requirement: Some(link.version_req().to_string()),
        target: target(req),
    }
}

fn is_present(status: &EnabledStatus<'_>) -> bool {
    status.required_status().is_present() || status.optional_status().is_present()
}

/// Says which targets a declaration is for, joined if several tables state it.
fn target(req: &DependencyReq<'_>) -> Option<String> {
    use guppy::platform::PlatformStatus;
    let statuses = [req.status().required_status(), req.status().optional_status()];
    let mut specs = BTreeSet::new();
    for status in statuses {
        match status {
            PlatformStatus::Always => return None,
            PlatformStatus::Never => {}
            PlatformStatus::PlatformDependent { eval } => {
                specs.extend(eval.target_specs().iter().map(ToString::to_string));
            }
        }
    }
    Some(specs.into_iter().collect::<Vec<_>>().join(" or "))
}

fn edge(draft: &Draft, matched: &Matched<'_>, link: &PackageLink<'_>) -> Option<usize> {
    let from = index(*matched.get(link.from().id().repr())?);
    let to = index(*matched.get(link.to().id().repr())?);
    draft.edges.binary_search_by_key(&(from, to), |e| (e.from, e.to)).ok()
}

/// Marks what Cargo would build for the policy's features, targets and dependency kinds.
fn select(
    draft: &mut Draft,
    matched: &Matched<'_>,
    graph: &PackageGraph,
    resolver: CargoResolverVersion,
    policy: &GraphPolicy,
) -> Result<(), String> {
    let set = resolve(graph, resolver, policy, policy.dev_dependencies)?;
    for edge in edges(draft, matched, &set) {
        draft.edges[edge].selected = true;
    }
    for (number, features) in built(&set, matched) {
        let chosen = &mut draft.packages[number];
        chosen.selected = true;
        add_features(chosen, features);
    }
    Ok(())
}

/// Marks what is built with members' dev-dependencies beside that.
fn mark_dev(
    draft: &mut Draft,
    matched: &Matched<'_>,
    graph: &PackageGraph,
    resolver: CargoResolverVersion,
    policy: &GraphPolicy,
) -> Result<(), String> {
    if policy.dev_dependencies {
        return Ok(());
    }
    let set = resolve(graph, resolver, policy, true)?;
    for edge in edges(draft, matched, &set) {
        draft.edges[edge].dev = !draft.edges[edge].selected;
    }
    for (number, features) in built(&set, matched) {
        let package = &mut draft.packages[number];
        package.dev = !package.selected;
        if package.dev {
            add_features(package, features);
        }
    }
    Ok(())
}

/// Lists the packages that a selection builds, each with features it is built with.
///
/// A package may stand twice: host and target may be built with other features.
fn built(set: &CargoSet<'_>, matched: &Matched<'_>) -> Vec<(usize, Vec<String>)> {
    let mut packages = Vec::new();
    for (_, features) in set.all_features() {
        for package in features.packages_with_features(DependencyDirection::Forward) {
            if let Some(number) = matched.get(package.package().id().repr()) {
                packages.push((*number, package.named_features().map(str::to_owned).collect()));
            }
        }
    }
    packages
}

/// Adds features to those that a package is built with: whoever asks is asked for both.
fn add_features(package: &mut Package, features: Vec<String>) {
    let all = package.features.get_or_insert_default();
    all.extend(features);
    all.sort();
    all.dedup();
}

fn edges(draft: &Draft, matched: &Matched<'_>, set: &CargoSet<'_>) -> Vec<usize> {
    let links = set
        .target_links()
        .chain(set.host_links())
        .chain(set.proc_macro_links())
        .chain(set.build_dep_links());
    links.filter_map(|link| edge(draft, matched, &link)).collect()
}

/// Returns the feature resolver that the root manifest asks for, or that follows from its edition.
fn resolver(manifests: &[Manifest]) -> CargoResolverVersion {
    match manifests.iter().find(|m| m.directory().is_empty()).and_then(Manifest::resolver) {
        Some("2") => CargoResolverVersion::V2,
        Some("3") => CargoResolverVersion::V3,
        _ => CargoResolverVersion::V1Install,
    }
}

fn resolve<'g>(
    graph: &'g PackageGraph,
    resolver: CargoResolverVersion,
    policy: &GraphPolicy,
    include_dev: bool,
) -> Result<CargoSet<'g>, String> {
    let mut options = CargoOptions::new();
    options
        .set_resolver(resolver)
        .set_include_dev(include_dev)
        .set_platform(platforms(&policy.targets)?);
    initials(graph, &policy.features)?
        .into_cargo_set(&options)
        .map_err(|e| format!("guppy cannot resolve the selection: {e}"))
}

fn initials<'g>(graph: &'g PackageGraph, features: &Features) -> Result<FeatureSet<'g>, String> {
    let members = graph.resolve_workspace();
    match features {
        Features::All => Ok(members.to_feature_set(StandardFeatures::All)),
        Features::Default => Ok(members.to_feature_set(StandardFeatures::Default)),
        Features::List(names) => {
            let known: BTreeSet<&str> =
                graph.workspace().iter().flat_map(|m| m.named_features()).collect();
            match names.iter().find(|name| !known.contains(name.as_str())) {
                Some(name) => {
                    Err(format!("no member has the feature `{name}` that the policy names"))
                }
                None => {
                    let names = names.iter().map(String::as_str);
                    Ok(members
                        .to_feature_set(named_feature_filter(StandardFeatures::Default, names)))
                }
            }
        }
    }
}

/// Builds the platforms of the policy; target features are unknown, so what may depend on one is judged.
fn platforms(targets: &Targets) -> Result<PlatformSpec, String> {
    let Targets::List(triples) = targets else { return Ok(PlatformSpec::Any) };
    let platform = |triple: &String| {
        Platform::new(triple.clone(), TargetFeatures::Unknown)
            .map_err(|_| format!("the policy names the target `{triple}`, which is unknown"))
    };
    let platforms = triples.iter().map(platform).collect::<Result<Vec<_>, _>>()?;
    Ok(PlatformSpec::platforms(platforms))
}
