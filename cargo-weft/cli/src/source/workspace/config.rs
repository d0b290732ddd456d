//! The Cargo configuration of a tree, and a look at what Cargo would read because of it.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use weft_gate::facts::{Input, Notice};
use weft_gate::input::cargo_config::{self, Address, CargoConfig};
use weft_gate::input::manifest;
use weft_gate::{Diagnostic, Place};
use weft_verify::Sha256;

use super::{Reader, vendor};
use crate::source::cargo;
use crate::source::files::{self, Refusal};

impl Reader {
    /// Reads the Cargo configuration that Cargo would read here: from the root upwards.
    ///
    /// Above the tree it is the user's own, but weft runs Cargo elsewhere, so it is passed on all the same.
    pub(super) fn configs(&mut self) {
        let home = cargo::cargo_home().and_then(|home| home.canonicalize().ok());
        // A home inside the checkout is the tree's, and Cargo would obey all of it.
        let home_in_tree = home.as_ref().is_some_and(|home| home.starts_with(&self.tree.checkout));
        if home_in_tree {
            self.opaque("a Cargo home inside the checkout");
        }
        let root = self.tree.root.clone();
        for (height, directory) in root.ancestors().enumerate() {
            let dot_cargo = directory.join(".cargo");
            if !home_in_tree && home.is_some() && dot_cargo.canonicalize().ok() == home {
                continue;
            }
            // Where both are there, Cargo reads the one without an extension.
            for name in ["config", "config.toml"] {
                let label = format!("{}.cargo/{name}", "../".repeat(height));
                if let Some(bytes) =
                    self.config_bytes(height, directory, &dot_cargo.join(name), &label)
                {
                    match cargo_config::parse(&label, &bytes, &directory.to_string_lossy()) {
                        Ok(config) => self.add_config(directory, config),
                        Err(diagnostic) => self.fault(diagnostic, &bytes),
                    }
                    break;
                }
            }
        }
    }

    fn config_bytes(
        &mut self,
        height: usize,
        directory: &Path,
        path: &Path,
        label: &str,
    ) -> Option<Vec<u8>> {
        if height == 0 {
            return self.read(label, cargo_config::MAX_BYTES);
        }
        match files::read_inside(directory, path, cargo_config::MAX_BYTES) {
            Ok(Some(bytes)) => {
                self.tree.inputs.push(Input { name: label.to_owned(), sha256: Sha256::of(&bytes) });
                Some(bytes)
            }
            Ok(None) => None,
            // Somebody else's directory above the tree.
            Err(Refusal::Io(_)) if !directory.starts_with(&self.tree.checkout) => None,
            Err(refusal) => {
                self.fault(Diagnostic::whole(label, refusal.to_string()), &[]);
                None
            }
        }
    }

    /// Reads the Cargo configuration between the root and its members, which counts for whoever runs Cargo there.
    ///
    /// weft runs Cargo nowhere in the tree, so what it says is told and not passed on.
    pub(super) fn nested_configs(&mut self) {
        let mut folders = BTreeSet::new();
        for manifest in &self.tree.manifests {
            // What lies above the root, or beside it, is no directory between it and a member.
            let is_below = |part: Component<'_>| matches!(part, Component::Normal(_));
            let above = Path::new(manifest.directory()).ancestors();
            let below = above.filter(|folder| folder.components().all(is_below));
            folders.extend(below.map(Path::to_owned));
        }
        folders.remove(Path::new(""));
        for folder in folders {
            let label = |name: &str| format!("{}/.cargo/{name}", folder.display());
            for label in ["config", "config.toml"].map(label) {
                let Some(bytes) = self.read(&label, cargo_config::MAX_BYTES) else { continue };
                let directory = self.tree.root.join(&folder);
                match cargo_config::parse(&label, &bytes, &directory.to_string_lossy()) {
                    Ok(mut config) => {
                        locate(&mut config, &self.tree.checkout, &directory);
                        self.tree.nested.push(config);
                    }
                    Err(diagnostic) => self.fault(diagnostic, &bytes),
                }
                break;
            }
        }
    }

    fn add_config(&mut self, directory: &Path, mut config: CargoConfig) {
        locate(&mut config, &self.tree.checkout, directory);
        if directory.starts_with(&self.tree.checkout) {
            self.vet(directory, &config);
        }
        for (key, place) in &config.ignored {
            let message = format!("`{key}` is not obeyed: weft runs nothing that the tree names");
            self.tree.notices.push(Notice { message, place: Some(place.clone()) });
        }
        self.tree.configs.push(config);
    }

    /// Looks at what Cargo would read because a configuration of the tree says so.
    fn vet(&mut self, directory: &Path, config: &CargoConfig) {
        if let Some(opaque) = config.opaque.first() {
            self.opaque(opaque);
        }
        let vendored = config
            .vendored
            .iter()
            .all(|path| vendor::is_plain(&self.tree.checkout, &directory.join(path)));
        if !vendored {
            self.opaque(
                "a directory of vendored packages with symbolic links or strange files in it",
            );
        }
        for path in &config.directories {
            let target = files::normal(&directory.join(path));
            let manifest = files::read_inside(
                &self.tree.checkout,
                &target.join("Cargo.toml"),
                manifest::MAX_BYTES,
            );
            let is_leaf = manifest.ok().flatten().is_some_and(|bytes| {
                let parsed = manifest::parse("Cargo.toml", &bytes).ok();
                parsed.is_some_and(|m| m.dependencies.iter().all(|d| d.requirement.path.is_none()))
            });
            if !is_leaf {
                self.opaque("a `[patch]` by path in `.cargo/config.toml`");
            }
        }
    }

    /// weft never runs the toolchain that a tree asks for, so it says so.
    pub(super) fn toolchain_file(&mut self) {
        for name in ["rust-toolchain.toml", "rust-toolchain"] {
            if self.read(name, cargo_config::MAX_BYTES).is_some() {
                let message = format!(
                    "{name} is not obeyed: weft runs the cargo it was started with, outside the tree"
                );
                self.tree.notices.push(Notice { message, place: Some(Place::whole(name)) });
                return;
            }
        }
    }
}

/// Says of each directory outside the checkout that it is there, since a commit does not hold what is in it.
fn locate(config: &mut CargoConfig, checkout: &Path, directory: &Path) {
    let located = |place: &mut String| {
        let Some(path) = place.strip_prefix("directory `").and_then(|p| p.strip_suffix('`')) else {
            return;
        };
        if !files::normal(&directory.join(path)).starts_with(checkout) {
            place.push_str(" outside of the checkout");
        }
    };
    for address in config.addresses.values_mut() {
        if let Address::At(place) = address {
            located(place);
        }
    }
    config.replacements.iter_mut().for_each(|replacement| located(&mut replacement.with));
}
