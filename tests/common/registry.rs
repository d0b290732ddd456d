//! A registry as Cargo keeps it in its cache: an index of crates.io that was fetched, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

/// Where the index would come from.
const URL: &str = "sparse+https://index.crates.io/";

/// When a version was published, unless more is said of it.
const DATED: &str = ",\"pubtime\":\"2020-01-01T00:00:00Z\"";

/// Versions of crates.
#[derive(Default)]
pub(crate) struct Registry {
    entries: BTreeMap<String, Vec<u8>>,
}

impl Registry {
    /// Adds a version that needs others; `more` is further JSON of its line in the index.
    pub(crate) fn with(
        mut self,
        name: &str,
        version: &str,
        needs: &[(&str, &str)],
        more: &str,
    ) -> Self {
        let needs = needs.iter().map(|(name, req)| {
            json!({
                "name": name, "req": req, "features": [], "optional": false, "default_features": true,
                "target": null, "kind": "normal",
            })
        });
        let needs: serde_json::Value = needs.collect();
        let dated = if more.contains("\"pubtime\"") { "" } else { DATED };
        let yanked = if more.contains("\"yanked\"") { "" } else { ",\"yanked\":false" };
        let line = format!(
            "{version}\0{{\"name\":\"{name}\",\"vers\":\"{version}\",\"deps\":{needs},\"cksum\":\"{}\",\"features\":{{}}{yanked}{dated}{more}}}\0",
            checksum(name, version)
        );
        let start = || b"\x03\x02\0\0\0etag: \"x\"\0".to_vec();
        self.entries.entry(name.to_owned()).or_insert_with(start).extend(line.into_bytes());
        self
    }

    /// Writes the index into a Cargo home.
    pub(crate) fn write(&self, home: &Path) {
        let cache = home.join("registry/index").join(directory()).join(".cache");
        for (name, entry) in &self.entries {
            let name = tame_index::KrateName::cargo(name).unwrap();
            let path = cache.join(name.relative_path(None));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, entry).unwrap();
        }
    }

    /// Returns the lockfile of a package that locks these versions; `needs` are its own dependencies.
    pub(crate) fn lockfile(&self, root: &str, locked: &[(&str, &str)], needs: &[&str]) -> String {
        let names: Vec<String> = needs
            .iter()
            .map(|need| format!(" \"{}\",\n", need.split(' ').next().unwrap()))
            .collect();
        let own = format!(
            "[[package]]\nname = \"{root}\"\nversion = \"0.1.0\"\ndependencies = [\n{}]\n",
            names.concat()
        );
        let others = locked.iter().map(|(name, version)| {
            assert!(self.entries.contains_key(*name), "{name} is in no index");
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
                 source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n",
                checksum(name, version)
            )
        });
        let mut packages: Vec<String> = others.chain([own]).collect();
        packages.sort();
        format!("version = 4\n\n{}", packages.join("\n"))
    }
}

/// Returns where a Cargo home has its copies of sources.
pub(crate) fn sources(home: &Path) -> PathBuf {
    home.join("registry/src").join(directory())
}

fn directory() -> String {
    tame_index::utils::url_to_local_dir(URL, true).unwrap().dir_name
}

fn checksum(name: &str, version: &str) -> String {
    weft_verify::Sha256::of(format!("{name} {version}").as_bytes()).to_string()
}
