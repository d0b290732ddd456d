//! What switching off features of direct dependencies would save.
//!
//! What a feature brings in is for the resolver to say: what Cargo said of the workspace is changed as an edit of the
//! members' manifests would change it, and resolved again.
//! Versions stay as they are locked, and whether the code builds without the feature is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::assessment::{self, Assessment};
use super::plan::Question;
use crate::input::lockfile::Lockfile;
use crate::input::manifest::Manifest;
use crate::input::metadata;
use crate::inventory::{DependencyKind, Inventory, from_metadata};
use crate::place::Place;

/// The feature that is on unless a dependency says otherwise.
pub const DEFAULT: &str = "default";

/// How often the workspace is resolved anew.
const RESOLVED: usize = 32;

/// What a workspace is resolved from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The lockfile.
    pub lockfile: &'a Lockfile,
    /// The members' manifests, the root's first.
    pub manifests: &'a [Manifest],
    /// What `cargo metadata` printed.
    pub metadata: &'a [u8],
}

/// What switching off features of direct dependencies would save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeaturePlan {
    /// How many features were looked at, those first of the crates that would save most if nothing depended on them.
    pub candidates: u64,
    /// What all of them save together, in 10^-9 losses a year.
    pub fall_nano: u64,
    /// The features, by what each saves.
    pub features: Vec<FeatureDrop>,
    /// How many were not looked at: those of crates that would save less if nothing depended on them.
    pub left_out: u64,
}

/// A feature of a direct dependency that would be switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureDrop {
    /// Where members ask for it.
    pub declared: Vec<Place>,
    /// The feature.
    pub feature: String,
    /// What switching it off alone would save, in 10^-9 losses a year.
    pub fall_nano: u64,
    /// The packages that would leave the graph.
    pub leaves: Vec<String>,
    /// The crate's name.
    pub name: String,
}

/// A feature of a crate, by their names.
pub type Feature = (String, String);

/// Finds the features that save most; `named` alone, if there are any.
///
/// # Errors
///
/// A sentence: what is known of the workspace cannot be resolved again, or a named feature is not asked for.
pub fn features(
    question: Question<'_>,
    source: Source<'_>,
    named: &[Feature],
) -> Result<FeaturePlan, String> {
    let model = question.model(&[]);
    let assessment = Assessment::of(question.inventory, &model, question.settings);
    let assessment = assessment.map_err(|e| e.to_string())?;
    let asked = asked(question.inventory);
    let desk = Desk::new(question, source)?;
    let mut candidates: Vec<&Feature> = match named {
        [] => {
            let mut ranked = ranked(question.inventory, &assessment, &asked);
            ranked.retain(|feature| brings(&desk.document, feature));
            ranked
        }
        named => named.iter().collect(),
    };
    if let Some((name, feature)) = named.iter().find(|feature| !asked.contains_key(*feature)) {
        return Err(format!(
            "no manifest of the workspace asks for the feature {feature} of {name}"
        ));
    }
    let left_out = candidates.len().saturating_sub(RESOLVED);
    candidates.truncate(RESOLVED);
    let mut features = Vec::new();
    for candidate in &candidates {
        let without = desk.without(&[(*candidate).clone()])?;
        let fall_nano = desk.fall(&without)?;
        if fall_nano == 0 && named.is_empty() {
            continue;
        }
        features.push(FeatureDrop {
            declared: asked[*candidate].clone(),
            feature: candidate.1.clone(),
            fall_nano,
            leaves: leaves(question.inventory, &without),
            name: candidate.0.clone(),
        });
    }
    features.sort_by(|a, b| {
        b.fall_nano
            .cmp(&a.fall_nano)
            .then_with(|| (&a.name, &a.feature).cmp(&(&b.name, &b.feature)))
    });
    features.truncate(question.budget as usize);
    let all: Vec<Feature> = features.iter().map(|f| (f.name.clone(), f.feature.clone())).collect();
    let fall_nano = if all.is_empty() { 0 } else { desk.fall_of(&all)? };
    Ok(FeaturePlan {
        candidates: candidates.len() as u64,
        fall_nano,
        features,
        left_out: left_out as u64,
    })
}

/// Lists the features that members ask for of external crates, and where.
fn asked(inventory: &Inventory) -> BTreeMap<Feature, Vec<Place>> {
    let mut asked = BTreeMap::<Feature, Vec<Place>>::new();
    for edge in &inventory.edges {
        let (from, to) = (inventory.package(edge.from), inventory.package(edge.to));
        if !edge.selected || !from.member || to.member {
            continue;
        }
        let built = edge.declared.iter().filter(|d| d.kind != DependencyKind::Dev);
        for declaration in built {
            let default = declaration.default_features.then(|| DEFAULT.to_owned());
            for feature in declaration.features.iter().cloned().chain(default) {
                let places = asked.entry((to.name.clone(), feature)).or_default();
                places.extend(declaration.place.clone());
            }
        }
    }
    for places in asked.values_mut() {
        places.sort();
        places.dedup();
    }
    // What a crate switches on by default may be nothing.
    asked.retain(|(name, feature), _| {
        let mut packages = inventory.packages.iter().filter(|p| p.name == *name);
        feature != DEFAULT
            || packages.any(|p| p.manifest.as_ref().is_some_and(|m| !m.default_features.is_empty()))
    });
    asked
}

/// Orders features by what their crates would save if nothing depended on them, which none of them exceeds.
fn ranked<'a>(
    inventory: &Inventory,
    assessment: &Assessment,
    asked: &'a BTreeMap<Feature, Vec<Place>>,
) -> Vec<&'a Feature> {
    let delta: BTreeMap<&str, u64> =
        assessment.rows.iter().map(|row| (&*row.id, row.delta_nano)).collect();
    let mut by_name = BTreeMap::<&str, u64>::new();
    for package in &inventory.packages {
        *by_name.entry(&package.name).or_default() += delta.get(&*package.id).unwrap_or(&0);
    }
    let save = |feature: &Feature| by_name.get(&*feature.0).copied().unwrap_or(0);
    let mut features: Vec<&Feature> = asked.keys().filter(|f| save(f) > 0).collect();
    // Stable, so that ties keep the order of their names.
    features.sort_by_key(|feature| std::cmp::Reverse(save(feature)));
    features
}

/// Lists the external packages that are judged before, and not after.
fn leaves(before: &Inventory, after: &Inventory) -> Vec<String> {
    let judged = |inventory: &Inventory| -> BTreeSet<String> {
        let externals = inventory.judged_externals().into_iter();
        externals.map(|index| inventory.package(index).spec()).collect()
    };
    judged(before).difference(&judged(after)).cloned().collect()
}

/// What is resolved again and again.
struct Desk<'a> {
    question: Question<'a>,
    source: Source<'a>,
    document: Value,
    before: u64,
}

impl<'a> Desk<'a> {
    fn new(question: Question<'a>, source: Source<'a>) -> Result<Self, String> {
        let document = serde_json::from_slice(source.metadata).map_err(|e| e.to_string())?;
        let mut desk = Self { question, source, document, before: 0 };
        // Compared with what is resolved in the same way, so that an edit of nothing saves nothing.
        desk.before = desk.loss(&desk.without(&[])?)?;
        Ok(desk)
    }

    /// Resolves the workspace without some features.
    fn without(&self, features: &[Feature]) -> Result<Inventory, String> {
        let mut document = self.document.clone();
        for feature in features {
            switch_off(&mut document, feature);
        }
        let bytes = serde_json::to_vec(&document).map_err(|e| e.to_string())?;
        let metadata = metadata::parse(&bytes).map_err(|fault| fault.to_string())?;
        let Source { lockfile, manifests, .. } = self.source;
        from_metadata(lockfile, manifests, &metadata, &self.question.policy.graph)
    }

    fn loss(&self, inventory: &Inventory) -> Result<u64, String> {
        let model = Question { inventory, ..self.question }.model(&[]);
        assessment::expected_loss(&model, self.question.settings).map_err(|e| e.to_string())
    }

    fn fall(&self, inventory: &Inventory) -> Result<u64, String> {
        Ok(self.before.saturating_sub(self.loss(inventory)?))
    }

    fn fall_of(&self, features: &[Feature]) -> Result<u64, String> {
        self.fall(&self.without(features)?)
    }
}

/// Says whether a feature of a crate, or one that it switches on, asks for an optional dependency or a feature of one.
fn brings(document: &Value, (name, feature): &Feature) -> bool {
    let packages = document["packages"].as_array().into_iter().flatten();
    let named = packages.filter(|package| package["name"] == **name);
    let mut tables = named.filter_map(|package| package["features"].as_object());
    tables.any(|table| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![feature.as_str()]);
        while let Some(at) = next.pop() {
            let Some(entries) = table.get(at).and_then(Value::as_array) else {
                // An optional dependency is a feature by its own name.
                return true;
            };
            if seen.insert(at) {
                next.extend(entries.iter().filter_map(Value::as_str));
            }
            if next.iter().any(|entry| entry.contains(['/', ':'])) {
                return true;
            }
        }
        false
    })
}

/// Takes a feature from what members ask for when they are built.
fn switch_off(document: &mut Value, (name, feature): &Feature) {
    let members: BTreeSet<String> = document["workspace_members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| Some(id.as_str()?.to_owned()))
        .collect();
    let packages = document["packages"].as_array_mut().into_iter().flatten();
    let of_members =
        packages.filter(|package| package["id"].as_str().is_some_and(|id| members.contains(id)));
    for dependency in of_members.flat_map(|p| p["dependencies"].as_array_mut()).flatten() {
        if dependency["name"] != **name || dependency["kind"] == "dev" {
            continue;
        }
        match feature == DEFAULT {
            true => dependency["uses_default_features"] = Value::Bool(false),
            false => {
                if let Some(features) = dependency["features"].as_array_mut() {
                    features.retain(|asked| asked != feature);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_feature_brings_something_by_itself_or_by_what_it_switches_on() {
        let features = json!({
            "plain": [], "circle": ["circle", "plain"], "implicit": ["b"], "dep": ["dep:b"],
            "weak": ["b?/x"], "strong": ["b/x"], "far": ["circle", "dep"],
        });
        let document = json!({"packages": [{"name": "a", "features": features}]});
        let check = |feature: &str| brings(&document, &("a".to_owned(), feature.to_owned()));
        for feature in ["plain", "circle"] {
            assert!(!check(feature), "{feature}");
        }
        for feature in ["implicit", "dep", "weak", "strong", "far", "b"] {
            assert!(check(feature), "{feature}");
        }
        assert!(!brings(&document, &("b".to_owned(), "dep".to_owned())));
    }

    #[test]
    fn a_feature_is_switched_off_where_members_are_built_with_it() {
        let dependency = |name: &str, kind: Value| json!({"name": name, "kind": kind, "features": ["x", "y"], "uses_default_features": true});
        let package = |id: &str| {
            json!({"id": id, "dependencies": [
                dependency("a", Value::Null), dependency("a", "build".into()),
                dependency("a", "dev".into()), dependency("b", Value::Null),
            ]})
        };
        let document =
            json!({"workspace_members": ["m"], "packages": [package("m"), package("e")]});
        let check = |feature: &str, key: &str, to: Value| {
            let (mut found, mut expected) = (document.clone(), document.clone());
            switch_off(&mut found, &("a".to_owned(), feature.to_owned()));
            for at in [0, 1] {
                expected["packages"][0]["dependencies"][at][key] = to.clone();
            }
            assert_eq!(found, expected);
        };
        check("x", "features", json!(["y"]));
        check("default", "uses_default_features", json!(false));
        check("z", "features", json!(["x", "y"]));
    }
}
