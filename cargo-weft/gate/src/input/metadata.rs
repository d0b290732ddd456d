//! The output of `cargo metadata`, read by guppy.

use std::collections::BTreeMap;

use guppy::graph::PackageGraph;
use serde::Deserialize;

use super::text;
use crate::Diagnostic;

/// The largest output that is read, in bytes; uv's 753 packages take 3.3 MB.
pub const MAX_BYTES: usize = 256 << 20;

/// The name by which faults speak of the output.
const NAME: &str = "cargo metadata";

/// A parsed `cargo metadata` document.
pub struct Metadata {
    /// The package graph.
    pub graph: PackageGraph,
    /// What `default` switches on, by package id; guppy does not show it.
    pub default_features: BTreeMap<String, Vec<String>>,
}

/// Reads the output of `cargo metadata --format-version 1`.
///
/// # Errors
///
/// A [`Diagnostic`] if it is not such a document, or guppy cannot make a graph of it.
pub fn parse(bytes: &[u8]) -> Result<Metadata, Diagnostic> {
    let text = text(NAME, bytes, MAX_BYTES)?;
    let graph = PackageGraph::from_json(text)
        .map_err(|e| Diagnostic::whole(NAME, format!("makes no package graph: {e}")))?;
    let document: Document = serde_json::from_str(text)
        .map_err(|e| Diagnostic::whole(NAME, format!("is not the expected document: {e}")))?;
    let default_features = document
        .packages
        .into_iter()
        .filter_map(|mut package| Some((package.id, package.features.remove("default")?)))
        .collect();
    Ok(Metadata { graph, default_features })
}

#[derive(Deserialize)]
struct Document {
    packages: Vec<DocumentPackage>,
}

#[derive(Deserialize)]
struct DocumentPackage {
    id: String,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}
