//! The inventory at lock precision, and the comparison of manifests with the lockfile.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Declaration, Edge, GitReference, Inventory, Package, Precision, SCHEMA, Selection, Source,
    purl, same_repository,
};
use crate::input::lockfile::{LockedPackage, Lockfile};
use crate::input::manifest::{Dependency, Manifest};
use crate::inventory::DependencyKind;
use crate::place::Place;

/// Builds the inventory from a lockfile and the members' manifests.
///
/// Without manifests every local package counts as a member, and nothing can be left out.
/// With them, members are the packages the manifests describe, and what only their dev-dependencies reach is left out
/// unless `dev_dependencies`.
pub fn from_lock(lockfile: &Lockfile, manifests: &[Manifest], dev_dependencies: bool) -> Inventory {
    from_draft(Draft::new(lockfile, manifests), &[], manifests, dev_dependencies)
}

/// Builds the inventory where not every manifest was read: what local packages without one need is judged, and they too,
/// since nothing says that no member needs them.
pub fn from_lock_in_part(
    lockfile: &Lockfile,
    manifests: &[Manifest],
    dev_dependencies: bool,
) -> Inventory {
    let draft = Draft::new(lockfile, manifests);
    let unread = draft.unread(manifests);
    from_draft(draft, &unread, manifests, dev_dependencies)
}

fn from_draft(
    mut draft: Draft,
    unread: &[usize],
    manifests: &[Manifest],
    dev_dependencies: bool,
) -> Inventory {
    for edge in &mut draft.edges {
        let only_dev = !edge.declared.is_empty()
            && edge.declared.iter().all(|d| d.kind == DependencyKind::Dev);
        edge.selected = dev_dependencies || !only_dev;
    }
    draft.count_as_members(unread, true);
    draft.select_reachable();
    draft.count_as_members(unread, false);
    draft.mark_dev();
    let dev_dependencies = dev_dependencies || manifests.is_empty();
    draft.finish(Precision::Lock, Selection { dev_dependencies, features: None, targets: None })
}

/// A disagreement between the manifests and the lockfile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Where the manifest says otherwise, or where the lockfile names a package nobody needs.
    pub place: Place,
    /// What disagrees, as a sentence.
    pub sentence: String,
    /// The name of the package that is at issue.
    pub subject: String,
}

/// Compares the members' manifests with the lockfile, as `cargo metadata --locked` would.
///
/// Cargo locks every dependency of every member for every feature and target, so each must be there in a version that
/// satisfies its requirement, and nothing may be there that no member reaches.
///
/// Packages in `patched` may come from anywhere, as may those that a manifest overrides.
/// If the manifests are `incomplete`, local packages without one count as needed.
pub fn drift(
    lockfile: &Lockfile,
    manifests: &[Manifest],
    patched: &[String],
    incomplete: bool,
) -> Vec<Drift> {
    let mut draft = Draft::with_patched(lockfile, manifests, patched);
    let mut all = std::mem::take(&mut draft.drift);
    all.extend(unlocked_patches(lockfile, manifests, patched));
    if incomplete {
        let unread = draft.unread(manifests);
        draft.count_as_members(&unread, true);
    }
    draft.select_reachable();
    for package in draft.packages.iter().filter(|p| !p.selected) {
        let sentence = format!("the lockfile holds {}, which no member needs", package.spec());
        all.push(Drift { place: package.place.clone(), sentence, subject: package.name.clone() });
    }
    all.sort();
    all
}

/// An inventory in the making, sorted, with the lockfile's indexes translated.
pub(super) struct Draft {
    pub(super) packages: Vec<Package>,
    pub(super) edges: Vec<Edge>,
    drift: Vec<Drift>,
    /// For each package, its index in the lockfile.
    origin: Vec<usize>,
    /// For each index in the lockfile, the package.
    index_of: Vec<usize>,
}

impl Draft {
    pub(super) fn new(lockfile: &Lockfile, manifests: &[Manifest]) -> Self {
        Self::with_patched(lockfile, manifests, &[])
    }

    /// Lists the local packages whose manifest was not read.
    fn unread(&self, manifests: &[Manifest]) -> Vec<usize> {
        let read: BTreeSet<&str> =
            manifests.iter().filter_map(|m| m.package.as_ref()).map(|p| p.name.as_str()).collect();
        let is_unread = |package: &Package| {
            package.source.is_path() && !package.member && !read.contains(&*package.name)
        };
        (0..self.packages.len()).filter(|&index| is_unread(&self.packages[index])).collect()
    }

    fn count_as_members(&mut self, packages: &[usize], are_members: bool) {
        packages.iter().for_each(|&index| self.packages[index].member = are_members);
    }

    fn with_patched(lockfile: &Lockfile, manifests: &[Manifest], patched: &[String]) -> Self {
        let overrides = manifests.iter().flat_map(|m| &m.overrides).map(|o| o.package());
        let patched: BTreeSet<&str> = patched.iter().map(String::as_str).chain(overrides).collect();
        let mut drift = Vec::new();
        let located = locate(lockfile, manifests, &mut drift);
        let mut packages: Vec<(Package, usize)> = lockfile
            .packages
            .iter()
            .enumerate()
            .map(|(index, locked)| {
                (package(locked, located.get(&index).copied(), manifests.is_empty()), index)
            })
            .collect();
        packages.sort_by(|(a, _), (b, _)| a.sort_key().cmp(&b.sort_key()));
        let (packages, origin): (Vec<_>, Vec<_>) = packages.into_iter().unzip();
        let mut index_of = vec![0; origin.len()];
        for (sorted, locked) in origin.iter().enumerate() {
            index_of[*locked] = sorted;
        }
        let mut packages = packages;
        for package in packages
            .iter_mut()
            .filter(|p| !p.member && !matches!(p.source, Source::Registry { .. }))
        {
            let over =
                manifests.iter().flat_map(|m| &m.overrides).find(|o| o.package() == package.name);
            package.patch = over.map(|over| over.table.clone());
        }
        let mut draft = Self { packages, edges: Vec::new(), drift, origin, index_of };
        draft.edges = draft.undeclared_edges(lockfile);
        let by_name = by_name(lockfile);
        for (locked, manifest) in &located {
            draft.declare(lockfile, &by_name, &patched, *locked, manifest);
            draft.undeclared(*locked, manifest);
        }
        draft
    }

    fn undeclared_edges(&self, lockfile: &Lockfile) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (from, locked) in self.origin.iter().enumerate() {
            let mut targets: Vec<_> =
                lockfile.packages[*locked].dependencies.iter().map(|d| self.index_of[*d]).collect();
            targets.sort_unstable();
            targets.dedup();
            edges.extend(targets.into_iter().map(|to| Edge {
                declared: Vec::new(),
                dev: false,
                from: index(from),
                selected: true,
                to: index(to),
            }));
        }
        edges
    }

    /// Adds a member's declarations to its edges, and what the lockfile lacks to the drift.
    fn declare(
        &mut self,
        lockfile: &Lockfile,
        by_name: &BTreeMap<&str, Vec<usize>>,
        patched: &BTreeSet<&str>,
        locked: usize,
        manifest: &Manifest,
    ) {
        let dependencies: BTreeSet<usize> =
            lockfile.packages[locked].dependencies.iter().copied().collect();
        // Cargo locks dev-dependencies of members only.
        let locked_kinds = |d: &&Dependency| manifest.member || d.kind != DependencyKind::Dev;
        for dependency in manifest.dependencies.iter().filter(locked_kinds) {
            let candidates = by_name.get(dependency.package()).map_or(&[][..], Vec::as_slice);
            let mut meant: Vec<usize> =
                candidates.iter().copied().filter(|c| dependencies.contains(c)).collect();
            let is_patched = patched.contains(dependency.package());
            meant.retain(|c| satisfies(&lockfile.packages[*c], dependency, is_patched));
            // Of packages that are no members, optional dependencies are locked only if something asks for them.
            let must = manifest.member || !dependency.optional;
            if meant.is_empty() && must {
                self.drift.push(missing(dependency, candidates, lockfile));
            }
            for target in meant {
                let (from, to) = (index(self.index_of[locked]), index(self.index_of[target]));
                if let Ok(found) = self.edges.binary_search_by_key(&(from, to), |e| (e.from, e.to))
                {
                    self.edges[found].declared.push(declaration(dependency));
                    self.edges[found].declared.sort();
                }
            }
        }
    }

    /// Adds to the drift what the lockfile gives a package that its manifest does not ask for.
    fn undeclared(&mut self, locked: usize, manifest: &Manifest) {
        let from = index(self.index_of[locked]);
        for edge in self.edges.iter().filter(|e| e.from == from && e.declared.is_empty()) {
            let package = &self.packages[edge.to as usize];
            let sentence = format!(
                "the lockfile gives `{}` a dependency on {}, which its manifest does not ask for",
                self.packages[from as usize].name,
                package.spec()
            );
            self.drift.push(Drift {
                place: Place::whole(&manifest.file),
                sentence,
                subject: package.name.clone(),
            });
        }
    }

    /// Marks as judged what judged edges reach from the members.
    pub(super) fn select_reachable(&mut self) {
        let mut outgoing = vec![Vec::new(); self.packages.len()];
        for edge in self.edges.iter().filter(|e| e.selected) {
            outgoing[edge.from as usize].push(edge.to as usize);
        }
        let mut stack: Vec<usize> =
            (0..self.packages.len()).filter(|i| self.packages[*i].member).collect();
        while let Some(next) = stack.pop() {
            if !std::mem::replace(&mut self.packages[next].selected, true) {
                stack.extend(&outgoing[next]);
            }
        }
        for edge in &mut self.edges {
            edge.selected &= self.packages[edge.from as usize].selected;
        }
    }

    /// Marks what lies behind dev-dependencies alone: all that the lockfile has and the members reach.
    fn mark_dev(&mut self) {
        let mut outgoing = vec![Vec::new(); self.packages.len()];
        for edge in &self.edges {
            outgoing[edge.from as usize].push(edge.to as usize);
        }
        let mut reached = vec![false; self.packages.len()];
        let mut stack: Vec<usize> =
            (0..self.packages.len()).filter(|i| self.packages[*i].member).collect();
        while let Some(next) = stack.pop() {
            if !std::mem::replace(&mut reached[next], true) {
                stack.extend(&outgoing[next]);
            }
        }
        for (package, reached) in self.packages.iter_mut().zip(&reached) {
            package.dev = *reached && !package.selected;
        }
        for edge in &mut self.edges {
            edge.dev = reached[edge.from as usize] && !edge.selected;
        }
    }

    pub(super) fn finish(self, precision: Precision, selection: Selection) -> Inventory {
        Inventory {
            edges: self.edges,
            packages: self.packages,
            precision,
            schema: SCHEMA,
            selection,
        }
    }
}

/// Lists the patches that the lockfile does not know, neither as what is locked nor as unused: Cargo would lock anew.
fn unlocked_patches(
    lockfile: &Lockfile,
    manifests: &[Manifest],
    configured: &[String],
) -> Vec<Drift> {
    let is_unused = |name: &str| lockfile.unused_patches.iter().any(|unused| unused == name);
    let is_locked = |name: &str, is_patch: &dyn Fn(&Source) -> bool| {
        is_unused(name) || lockfile.packages.iter().any(|p| p.name == name && is_patch(&p.source))
    };
    let sentence =
        |name: &str| format!("a patch puts `{name}` in another's place, which the lockfile lacks");
    // Cargo obeys the patches of the workspace's root alone.
    let root = manifests.iter().filter(|manifest| manifest.directory().is_empty());
    let overrides = root.flat_map(|manifest| &manifest.overrides);
    let stated = overrides.filter(|over| over.table.starts_with("patch")).filter(|over| {
        let wanted = &over.requirement;
        !is_locked(over.package(), &|source| match (&wanted.path, &wanted.git, source) {
            (Some(_), _, source) => source.is_path(),
            (None, Some(url), Source::Git { url: locked, .. }) => same_repository(url, locked),
            (None, Some(_), _) => false,
            (None, None, source) => matches!(source, Source::Registry { .. }),
        })
    });
    let stated = stated.map(|over| Drift {
        place: over.place.clone(),
        sentence: sentence(over.package()),
        subject: over.package().to_owned(),
    });
    let configured = configured.iter().filter(|name| !is_locked(name, &|s| !s.is_crates_io()));
    let configured = configured.map(|name| Drift {
        place: Place::whole(".cargo/config.toml"),
        sentence: sentence(name),
        subject: name.clone(),
    });
    stated.chain(configured).collect()
}

/// Finds the manifest of each local package.
fn locate<'m>(
    lockfile: &Lockfile,
    manifests: &'m [Manifest],
    drift: &mut Vec<Drift>,
) -> BTreeMap<usize, &'m Manifest> {
    let mut found = BTreeMap::new();
    for manifest in manifests {
        let Some(package) = &manifest.package else { continue };
        let same = |p: &LockedPackage| {
            p.source.is_path()
                && p.name == package.name
                && package.version.as_ref().is_none_or(|v| *v == p.version)
        };
        match lockfile.packages.iter().position(same) {
            Some(index) => {
                found.insert(index, manifest);
            }
            // A package that is no member may be an unused patch, or an optional dependency that is off.
            None if !manifest.member => {}
            None => {
                let version = package.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
                let sentence = format!("the lockfile lacks `{}`{version}", package.name);
                let place = Place::whole(&manifest.file);
                drift.push(Drift { place, sentence, subject: package.name.clone() });
            }
        }
    }
    found
}

fn package(locked: &LockedPackage, manifest: Option<&Manifest>, no_manifests: bool) -> Package {
    let source = match manifest {
        Some(manifest) => Source::Path { path: Some(manifest.directory().to_owned()) },
        None => locked.source.clone(),
    };
    Package {
        features: None,
        checksum: locked.checksum,
        dev: false,
        id: purl(&locked.name, &locked.version, &source),
        manifest: None,
        member: manifest.map_or(no_manifests && source.is_path(), |m| m.member),
        name: locked.name.clone(),
        patch: None,
        place: locked.place.clone(),
        selected: false,
        source,
        version: locked.version.clone(),
    }
}

fn by_name(lockfile: &Lockfile) -> BTreeMap<&str, Vec<usize>> {
    let mut map = BTreeMap::<&str, Vec<usize>>::new();
    for (index, package) in lockfile.packages.iter().enumerate() {
        map.entry(&package.name).or_default().push(index);
    }
    map
}

fn satisfies(package: &LockedPackage, dependency: &Dependency, patched: bool) -> bool {
    let wanted = &dependency.requirement;
    let source = match (&wanted.path, &wanted.git, &package.source) {
        (Some(_), _, source) => source.is_path(),
        (None, Some(url), Source::Git { url: locked, reference, .. }) => {
            same_repository(url, locked) && same_reference(wanted.reference.as_ref(), reference)
        }
        (None, Some(_), _) => false,
        (None, None, source) => matches!(source, Source::Registry { .. }),
    };
    let version = wanted.version.as_ref().is_none_or(|requirement| {
        requirement.matches(&package.version) || package.source.is_path() && wanted.path.is_some()
    });
    (source || patched) && version
}

fn same_reference(wanted: Option<&GitReference>, locked: &GitReference) -> bool {
    wanted.unwrap_or(&GitReference::DefaultBranch) == locked
}

fn missing(dependency: &Dependency, candidates: &[usize], lockfile: &Lockfile) -> Drift {
    let wanted =
        dependency.requirement.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
    let name = dependency.package();
    let locked: Vec<String> =
        candidates.iter().map(|c| lockfile.packages[*c].version.to_string()).collect();
    let sentence = match locked.is_empty() {
        true => format!("the manifest asks for `{name}`{wanted}, which the lockfile lacks"),
        false => format!(
            "the manifest asks for `{name}`{wanted}, which the lockfile does not give it (it holds {})",
            locked.join(", ")
        ),
    };
    Drift { place: dependency.place.clone(), sentence, subject: name.to_owned() }
}

fn declaration(dependency: &Dependency) -> Declaration {
    Declaration {
        default_features: dependency.requirement.default_features.unwrap_or(true),
        features: dependency.requirement.features.clone(),
        kind: dependency.kind,
        optional: dependency.optional,
        place: Some(dependency.place.clone()),
        requirement: dependency.requirement.version.as_ref().map(ToString::to_string),
        target: dependency.target.clone(),
    }
}

pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).expect("a lockfile of at most 32 MiB has fewer than 2^32 packages")
}
