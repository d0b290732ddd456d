//! The first difference between what was recorded and what was built again.

use std::collections::BTreeMap;

use serde::Serialize;
use weft_verify::Sha256;

use super::{Built, BuiltArtifact, Section};

/// What a build left behind under the name of an artifact.
pub type Found = Result<BuiltArtifact, String>;

/// An artifact that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What is different; nothing if it is the same.
    pub difference: Option<Difference>,
}

/// How what was built differs from what is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Difference {
    /// The build made no such file, or one that cannot be read.
    Missing {
        /// Why it is not there.
        why: String,
    },
    /// The bytes differ.
    Bytes {
        /// The recorded digest of the whole.
        expected: Sha256,
        /// The digest of what was built.
        found: Sha256,
        /// The first part that differs.
        section: FirstSection,
    },
}

/// The first part that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstSection {
    /// Its recorded name, or the one that was built where nothing more is recorded.
    pub name: String,
    /// The recorded digest; nothing if no such part is recorded.
    pub expected: Option<Sha256>,
    /// The digest of what was built; nothing if another part or none is in its place.
    pub found: Option<Sha256>,
}

/// Compares every artifact that is recorded with what was built, in the order of their names.
pub fn compare(recorded: &Built, built: &BTreeMap<String, Found>) -> Vec<Compared> {
    let compared = recorded.artifacts.iter().map(|artifact| {
        let difference = match built.get(&artifact.name) {
            None => Some(Difference::Missing { why: "the build did not make it".to_owned() }),
            Some(Err(why)) => Some(Difference::Missing { why: why.clone() }),
            Some(Ok(found)) => bytes(artifact, found),
        };
        Compared { name: artifact.name.clone(), difference }
    });
    compared.collect()
}

fn bytes(recorded: &BuiltArtifact, built: &BuiltArtifact) -> Option<Difference> {
    if recorded.sha256 == built.sha256 && recorded.size == built.size {
        return None;
    }
    let section = first(&recorded.sections, &built.sections);
    Some(Difference::Bytes { expected: recorded.sha256, found: built.sha256, section })
}

fn first(recorded: &[Section], built: &[Section]) -> FirstSection {
    let common = recorded.iter().zip(built).take_while(|(a, b)| a == b).count();
    match (recorded.get(common), built.get(common)) {
        (Some(a), Some(b)) if a.name == b.name => {
            FirstSection { name: a.name.clone(), expected: Some(a.sha256), found: Some(b.sha256) }
        }
        (Some(a), _) => {
            FirstSection { name: a.name.clone(), expected: Some(a.sha256), found: None }
        }
        (None, Some(b)) => {
            FirstSection { name: b.name.clone(), expected: None, found: Some(b.sha256) }
        }
        // Equal parts of files that differ: the record is at fault, and says so.
        (None, None) => {
            FirstSection { name: "(no recorded part)".to_owned(), expected: None, found: None }
        }
    }
}
