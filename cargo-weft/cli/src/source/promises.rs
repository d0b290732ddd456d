//! Reads what a workspace promises: the claims maps, and the documents that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use weft_gate::Diagnostic;
use weft_gate::claim::document::{self, Document};
use weft_gate::claim::{Claim, Promises};
use weft_gate::facts::Input;
use weft_gate::input::claims::{self, Map};
use weft_verify::Sha256;

use super::files;
use crate::error::Error;

/// The folder of the maps.
pub const FOLDER: &str = "claims";

/// The most maps, and the most documents, that are read.
const MAX_FILES: usize = 10_000;

/// What a workspace promises, and the files that say so.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The entries and the documents.
    pub promises: Promises,
    /// The maps and documents that were read.
    pub inputs: Vec<Input>,
}

/// Patterns of documents, each with the map that has it.
pub type Patterns = BTreeSet<(String, String)>;

/// Returns the patterns of the maps of the workspace at `root`, which is canonical.
///
/// # Errors
///
/// A map that cannot be read or is faulty, with the place.
pub fn patterns(root: &Path) -> Result<Patterns, Error> {
    let mut patterns = Patterns::new();
    for name in maps(root)? {
        let (_, map) = read_map(root, &name)?;
        patterns.extend(map.documents.into_iter().map(|pattern| (pattern, name.clone())));
    }
    Ok(patterns)
}

/// Loads the maps of the workspace at `root`, which is canonical, and the documents that they or `others` name; `None` if
/// there are none.
///
/// What the base looks at, a change cannot hide; and what the head looks at has stood in the base as well.
///
/// # Errors
///
/// A map or document that cannot be read or is faulty, with the place: where promises are not known, none is kept.
pub fn load(root: &Path, lexicon: &[String], others: &Patterns) -> Result<Option<Loaded>, Error> {
    let maps = maps(root)?;
    if maps.is_empty() && others.is_empty() {
        return Ok(None);
    }
    let mut loaded = Loaded::default();
    let mut patterns = others.clone();
    let mut seen = BTreeMap::<String, String>::new();
    for name in maps {
        let (bytes, map) = read_map(root, &name)?;
        loaded.inputs.push(Input { name: name.clone(), sha256: Sha256::of(&bytes) });
        for claim in &map.claims {
            if let Some(other) = seen.insert(claim.id.clone(), name.clone()) {
                let message = format!("`{}` is claimed in {other} as well", claim.id);
                let fault = Diagnostic::whole(&name, message).help("keep one of the two");
                return Err(Error::Config { diagnostic: fault, text: String::new() });
            }
        }
        patterns.extend(map.documents.iter().map(|pattern| (pattern.clone(), name.clone())));
        loaded.promises.claims.extend(map.claims);
        loaded.promises.phases.extend(map.phases);
    }
    loaded.promises.claims.sort_by(|a, b| a.id.cmp(&b.id));
    loaded.promises.phases.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    let documents = documents(root, &patterns)?;
    let read = documents.par_iter().map(|name| read_document(root, name, lexicon));
    for (input, document) in read.collect::<Result<Vec<_>, Error>>()? {
        loaded.inputs.push(input);
        loaded.promises.documents.push(document);
    }
    Ok(Some(loaded))
}

/// Finds what the base promises, and no entry of the head holds, though a document still shows the same.
///
/// # Errors
///
/// A document that cannot be read.
pub fn kept(
    root: &Path,
    base: &Promises,
    head: &Promises,
) -> Result<BTreeMap<String, String>, Error> {
    let text = |promises: &Promises, claim: &Claim| {
        let document = promises.documents.iter().find(|d| d.path == claim.document)?;
        let span = document.spans.iter().find(|span| span.id == claim.id)?;
        Some(document::look(&span.text))
    };
    let held = |old: &Claim| head.claims.iter().any(|new| new.text_sha256 == old.text_sha256);
    let spans = base.claims.iter().filter(|old| !held(old)).filter_map(|old| {
        let looks = text(base, old).filter(|text| !text.is_empty())?;
        // Within a longer text of its own entry it is still held.
        let own = head.claim(&old.id).and_then(|new| text(head, new));
        (!own.is_some_and(|own| own.contains(&looks))).then_some((old, looks))
    });
    let spans: Vec<(&Claim, String)> = spans.collect();
    let mut kept = BTreeMap::new();
    if spans.is_empty() {
        return Ok(kept);
    }
    for document in &head.documents {
        let bytes = read(root, &document.path, document::MAX_BYTES)?;
        let shown = document::appearances(&String::from_utf8_lossy(&bytes));
        for (claim, looks) in &spans {
            // Its last sign may be another.
            let words = looks.trim_end_matches(|c: char| !c.is_alphanumeric());
            if shown.contains(words) {
                kept.entry(claim.id.clone()).or_insert_with(|| document.path.clone());
            }
        }
    }
    Ok(kept)
}

/// Says whether a map names a file as a document.
///
/// # Errors
///
/// Those of [`patterns`].
pub fn is_document(root: &Path, file: &str) -> Result<bool, Error> {
    Ok(documents(root, &patterns(root)?)?.iter().any(|document| document == file))
}

/// Lists the maps, sorted by name.
pub fn maps(root: &Path) -> Result<Vec<String>, Error> {
    let folder = root.join(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        // A file of this name is no folder of maps.
        Err(_) if folder.is_file() => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::File { action: "read", path: FOLDER.to_owned(), source });
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        let failed = |source| Error::File { action: "read", path: FOLDER.to_owned(), source };
        let name = entry.map_err(failed)?.file_name();
        match name.to_str() {
            Some(name) if name.ends_with(".toml") => names.push(format!("{FOLDER}/{name}")),
            _ => {}
        }
    }
    names.sort();
    bounded(names.len(), "claims maps")?;
    Ok(names)
}

/// Reads one map, and returns its bytes as well.
pub fn read_map(root: &Path, name: &str) -> Result<(Vec<u8>, Map), Error> {
    let bytes = read(root, name, claims::MAX_BYTES)?;
    let map = claims::parse(name, &bytes).map_err(|diagnostic| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Error::Config { diagnostic, text }
    })?;
    Ok((bytes, map))
}

/// Lists the documents that patterns of maps fit.
fn documents(root: &Path, patterns: &Patterns) -> Result<Vec<String>, Error> {
    let mut found = BTreeSet::new();
    for (pattern, map) in patterns {
        let fault = |message: String| {
            let diagnostic = Diagnostic::whole(map, message);
            Error::Config { diagnostic, text: String::new() }
        };
        let leads_out = pattern.starts_with('/')
            || pattern.contains('\\')
            || pattern.split('/').any(|part| part == ".." || part.contains(':'));
        if leads_out {
            let pattern = pattern.escape_debug();
            return Err(fault(format!("`{pattern}` is not a path below the workspace root")));
        }
        let whole = format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy()));
        let options = glob::MatchOptions {
            require_literal_separator: true,
            require_literal_leading_dot: true,
            ..glob::MatchOptions::default()
        };
        let paths = glob::glob_with(&whole, options)
            .map_err(|e| fault(format!("`{}` is no pattern: {e}", pattern.escape_debug())))?;
        for path in paths {
            let path = path.map_err(|e| fault(format!("`{pattern}` cannot be followed: {e}")))?;
            if path.is_file()
                && let Some(name) = files::relative(root, &path)
            {
                found.insert(name);
            }
            bounded(found.len(), "documents")?;
        }
    }
    Ok(found.into_iter().collect())
}

fn read_document(root: &Path, name: &str, lexicon: &[String]) -> Result<(Input, Document), Error> {
    let bytes = read(root, name, document::MAX_BYTES)?;
    let document = document::read(name, &bytes, lexicon).map_err(|diagnostic| Error::Config {
        diagnostic,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    })?;
    Ok((Input { name: name.to_owned(), sha256: Sha256::of(&bytes) }, document))
}

fn read(root: &Path, name: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let fault = |message: String| {
        let diagnostic = Diagnostic::whole(name, message);
        Error::Config { diagnostic, text: String::new() }
    };
    let bytes = files::read_inside(root, &root.join(name), limit);
    let bytes = bytes.map_err(|refusal| fault(refusal.to_string()))?;
    bytes.ok_or_else(|| fault("is not there".to_owned()))
}

fn bounded(count: usize, what: &str) -> Result<(), Error> {
    match count <= MAX_FILES {
        true => Ok(()),
        false => Err(Error::usage(
            format!("there are more than {MAX_FILES} {what}"),
            "name fewer in `documents`",
        )),
    }
}
