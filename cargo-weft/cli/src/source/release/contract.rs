//! The three records of a reproducibility contract: their templates, and their files among the artifacts.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weft_gate::release::reproduce::{Built, Environment, Lock};
use weft_verify::{Sha256, canonical};

use crate::error::Error;
use crate::source::files;
use crate::source::roles::MAX_BYTES;

/// The names of the records, which no other artifact may have.
pub const NAMES: [&str; 3] = [ENVIRONMENT, MANIFEST, LOCK];

const ENVIRONMENT: &str = "env.json";
const MANIFEST: &str = "manifest.json";
const LOCK: &str = "repro.lock";

const TEMPLATES: [&str; 3] = [
    include_str!("../../../../../templates/env.json"),
    include_str!("../../../../../templates/manifest.json"),
    include_str!("../../../../../templates/repro.lock"),
];

/// The template of `env.json`: the command that is the default, and the variables that are recorded.
///
/// # Errors
///
/// [`Error::Bug`], if what is embedded is not of its type.
pub fn template() -> Result<Environment, Error> {
    serde_json::from_str(TEMPLATES[0]).map_err(|e| Error::Bug(format!("{ENVIRONMENT}: {e}")))
}

/// Returns the names of the variables that are recorded; one that ends with `*` is a beginning.
///
/// # Errors
///
/// Those of [`template`].
pub fn variables() -> Result<BTreeSet<String>, Error> {
    Ok(template()?.variables.into_keys().collect())
}

/// A contract as it lies in files.
#[derive(Debug)]
pub struct Contract {
    /// What the build depends on.
    pub environment: Environment,
    /// What came of it.
    pub built: Built,
    /// What it was made of.
    pub lock: Lock,
    /// The bytes of the three, in the order of [`NAMES`].
    pub bytes: [Vec<u8>; 3],
}

impl Contract {
    /// Fills the templates; `lock` is given the digests of the two others.
    ///
    /// # Errors
    ///
    /// [`Error::Bug`], if a record has not the members of its template; [`Error::Usage`], if one is too long.
    pub fn fill(environment: Environment, built: Built, mut lock: Lock) -> Result<Self, Error> {
        let first = filled(0, &environment)?;
        let second = filled(1, &built)?;
        lock.environment = Sha256::of(&first);
        lock.manifest = Sha256::of(&second);
        let bytes = [first, second, filled(2, &lock)?];
        match NAMES.iter().zip(&bytes).find(|(_, bytes)| bytes.len() > MAX_BYTES) {
            None => Ok(Self { environment, built, lock, bytes }),
            Some((name, _)) => Err(Error::usage(
                format!("{name} would be larger than {} MiB", MAX_BYTES >> 20),
                "leave out what the build does not make: --not-built NAME",
            )),
        }
    }

    /// Demands that no other records are there.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for the first that says something else.
    pub fn demand_room(&self, directory: &Path) -> Result<(), Error> {
        for (name, bytes) in NAMES.iter().zip(&self.bytes) {
            let path = directory.join(name);
            let is_another = path.symlink_metadata().is_ok()
                && files::read_bounded(&path, MAX_BYTES).as_ref() != Ok(bytes);
            if is_another {
                return Err(Error::usage(
                    format!("{} is there, and says something else", path.display()),
                    "it is of another build: remove it",
                ));
            }
        }
        Ok(())
    }

    /// Writes the three files; one that is there has to be the same.
    ///
    /// # Errors
    ///
    /// Those of [`demand_room`](Self::demand_room), before anything is written, or [`Error::File`].
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        self.demand_room(directory)?;
        for (name, bytes) in NAMES.iter().zip(&self.bytes) {
            let path = directory.join(name);
            if path.symlink_metadata().is_err() {
                files::create_whole(&path, bytes)?;
            }
        }
        Ok(())
    }

    /// Reads the three files; what they say is not judged.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] for one that is not canonical or has not its members; for one that is not there, why.
    pub fn read(directory: &Path) -> Result<Result<Self, String>, Error> {
        let mut all = Vec::new();
        for name in NAMES {
            let path = directory.join(name);
            if path.symlink_metadata().is_err() {
                return Ok(Err(format!(
                    "there is no {name}; prepare the release with --reproducible to have one"
                )));
            }
            match files::read_bounded(&path, MAX_BYTES) {
                Ok(bytes) => all.push(bytes),
                Err(refusal) => return Ok(Err(format!("{name} {refusal}"))),
            }
        }
        let bytes: [Vec<u8>; 3] = all.try_into().map_err(|_| Error::Bug("not three".to_owned()))?;
        Ok(Ok(Self {
            environment: record(ENVIRONMENT, &bytes[0])?,
            built: record(MANIFEST, &bytes[1])?,
            lock: record(LOCK, &bytes[2])?,
            bytes,
        }))
    }
}

fn record<T: DeserializeOwned + Serialize>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    canonical::from_slice(bytes).map_err(Error::rejected(name))
}

/// Returns the canonical form of a record that fills a template.
fn filled(template: usize, record: &impl Serialize) -> Result<Vec<u8>, Error> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug(format!("{}: {e}", NAMES[template]));
    let skeleton: Value = serde_json::from_str(TEMPLATES[template]).map_err(|e| bug(&e))?;
    let value = serde_json::to_value(record).map_err(|e| bug(&e))?;
    match has_its_members(&skeleton, &value) {
        true => canonical::to_vec(&value).map_err(|e| bug(&e)),
        false => Err(bug(&"it has not the members of its template")),
    }
}

/// Says whether a record has the members of a template; the names of variables are data, and `null` stands for anything.
fn has_its_members(skeleton: &Value, value: &Value) -> bool {
    match (skeleton, value) {
        (Value::Object(skeleton), Value::Object(value)) => {
            skeleton.len() == value.len()
                && skeleton.iter().all(|(name, skeleton)| match value.get(name) {
                    Some(Value::Object(_)) if name == "variables" => true,
                    Some(value) => has_its_members(skeleton, value),
                    None => false,
                })
        }
        (Value::Array(skeleton), Value::Array(value)) => {
            let first = skeleton.first();
            value.iter().all(|value| first.is_some_and(|first| has_its_members(first, value)))
        }
        (_, Value::Null) => true,
        (skeleton, value) => std::mem::discriminant(skeleton) == std::mem::discriminant(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_template_is_of_its_type_and_fills_itself() {
        let environment = template().unwrap();
        let built: Built = serde_json::from_str(TEMPLATES[1]).unwrap();
        let lock: Lock = serde_json::from_str(TEMPLATES[2]).unwrap();
        assert_eq!(environment.build.command.join(" "), "cargo build --release --locked");
        let contract = Contract::fill(environment, built, lock).unwrap();
        let directory = tempfile::tempdir().unwrap();
        contract.write(directory.path()).unwrap();
        contract.write(directory.path()).unwrap();
        let read = Contract::read(directory.path()).unwrap().unwrap();
        assert_eq!(read.bytes, contract.bytes);
        // One that is there and says something else stays as it is.
        std::fs::write(directory.path().join(LOCK), "mine").unwrap();
        assert!(matches!(contract.write(directory.path()), Err(Error::Usage { .. })));
        assert_eq!(std::fs::read(directory.path().join(LOCK)).unwrap(), b"mine");
        assert!(matches!(Contract::read(directory.path()), Err(Error::Rejected { .. })));
    }

    #[test]
    fn a_record_with_other_members_than_its_template_is_a_bug() {
        let skeleton = serde_json::json!({"a": [{"b": ""}], "variables": {"X": ""}});
        let check = |value: Value, expected| {
            assert_eq!(has_its_members(&skeleton, &value), expected, "{value}");
        };
        check(serde_json::json!({"a": [{"b": "x"}, {"b": "y"}], "variables": {"Y": ""}}), true);
        check(serde_json::json!({"a": [], "variables": {}}), true);
        check(serde_json::json!({"a": [{"b": 1}], "variables": {}}), false);
        check(serde_json::json!({"a": [{"b": "x", "c": ""}], "variables": {}}), false);
        check(serde_json::json!({"a": []}), false);
    }
}
