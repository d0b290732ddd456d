//! Cargo's home directory as a golden case wants it: what its index knows, and the copies of sources in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::copy;

/// Makes a Cargo home whose index knows the locked packages of crates.io as versions that stand and are old.
///
/// A case's `index.json` says otherwise for `name@version`; null hides one, and one that is not locked comes before.
/// Its `sources` are Cargo's copies of what packages hold; other copies hold a manifest, unless there is `no-sources`.
pub(crate) fn of(case: &Path) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let url = tame_index::utils::url_to_local_dir("sparse+https://index.crates.io/", true).unwrap();
    let cache = home.path().join("registry/index").join(&url.dir_name).join(".cache");
    let sources = home.path().join("registry/src").join(&url.dir_name);
    if case.join("sources").is_dir() {
        copy(&case.join("sources"), &sources);
    }
    let stated: BTreeMap<String, Value> = match fs::read(case.join("index.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
        Err(_) => BTreeMap::new(),
    };
    let lockfile = fs::read_to_string(case.join("Cargo.lock")).unwrap_or_default();
    let lockfile: cargo_lock::Lockfile = lockfile.parse().unwrap_or_else(|_| "".parse().unwrap());
    let mut entries = BTreeMap::<String, Vec<u8>>::new();
    let start = || b"\x03\x02\0\0\0Unknown\0".to_vec();
    let locked = |name: &str, version: &str| {
        let mut packages = lockfile.packages.iter();
        packages.any(|p| p.name.as_str() == name && p.version.to_string() == version)
    };
    for (key, more) in &stated {
        let (name, version) = key.split_once('@').unwrap();
        if locked(name, version) || more.is_null() {
            continue;
        }
        let mut line =
            serde_json::json!({"name": name, "vers": version, "deps": [], "features": {}});
        line["cksum"] = "0".repeat(64).into();
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let entry = entries.entry(name.to_owned()).or_insert_with(start);
        entry.extend(format!("{version}\0{line}\0").into_bytes());
    }
    for package in &lockfile.packages {
        let (name, version) = (package.name.as_str(), package.version.to_string());
        let of_crates_io = package.source.as_ref().is_some_and(|s| s.is_default_registry());
        let more = match stated.get(&format!("{name}@{version}")) {
            Some(Value::Null) => continue,
            Some(more) => more.clone(),
            None => serde_json::json!({"pubtime": "2020-01-01T00:00:00Z", "yanked": false}),
        };
        if !of_crates_io {
            continue;
        }
        let copy = sources.join(format!("{name}-{version}"));
        if !copy.exists() && !case.join("no-sources").exists() {
            fs::create_dir_all(&copy).unwrap();
            fs::write(copy.join("Cargo.toml"), "[package]\nlicense = \"MIT\"\n").unwrap();
        }
        let mut line =
            serde_json::json!({"name": name, "vers": version, "deps": [], "features": {}});
        line["cksum"] =
            package.checksum.as_ref().map_or_else(String::new, ToString::to_string).into();
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let entry = entries.entry(name.to_owned()).or_insert_with(start);
        entry.extend(format!("{version}\0{line}\0").into_bytes());
    }
    for copy in fs::read_dir(&sources).into_iter().flatten() {
        fs::write(copy.unwrap().path().join(".cargo-ok"), "").unwrap();
    }
    for (name, entry) in entries {
        let folder = match name.len() {
            length @ 0..=2 => cache.join(length.to_string()),
            3 => cache.join("3").join(&name[..1]),
            _ => cache.join(&name[..2]).join(&name[2..4]),
        };
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), entry).unwrap();
    }
    home
}
