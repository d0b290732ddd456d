//! Finds the function that a claim names, and the files that a test depends on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weft_gate::claim::TestName;
use weft_gate::input::symbol::{self, Function};
use weft_verify::Sha256;

use super::{Package, Workshop};
use crate::source::files;

/// A function, and where it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// The package it is in.
    pub package: String,
    /// Its file, from the workspace root, with `/`.
    pub file: String,
    /// The function.
    pub function: Function,
}

/// How deep folders of sources are followed.
const MAX_DEPTH: usize = 32;

/// Finds the one function that `symbol` names: in the crate that its first word names, or else in the test's package.
///
/// # Errors
///
/// A sentence: there is none, or there are several.
pub fn find(shop: &Workshop, test: &TestName, symbol: &str) -> Result<Found, String> {
    let (package, path) = split(shop, test, symbol)?;
    let mut found = Vec::new();
    for file in sources(package) {
        let module = module(package, &file);
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // A file that is no Rust is no module of a crate that compiles.
        let Ok(functions) = symbol::functions(&text, &module) else { continue };
        for function in functions {
            if symbol::is_named(&function, path) {
                let file = files::relative(&shop.root, &file)
                    .ok_or_else(|| format!("`{symbol}` is outside of the workspace root"))?;
                found.push(Found { package: package.name.clone(), file, function });
            }
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(format!("there is no function `{symbol}` in {}", package.name)),
        count => {
            let paths: Vec<&str> = found.iter().map(|f| &*f.function.path).collect();
            Err(format!("`{symbol}` names {count} functions: {}", paths.join(", ")))
        }
    }
}

fn split<'s, 'p>(
    shop: &'p Workshop,
    test: &TestName,
    symbol: &'s str,
) -> Result<(&'p Package, &'s str), String> {
    if let Some((first, rest)) = symbol.split_once("::") {
        let is_it = |package: &&Package| {
            package.targets.iter().any(|t| t.is_library() && t.name.replace('-', "_") == first)
        };
        if let Some(package) = shop.packages.values().find(is_it) {
            return Ok((package, rest));
        }
    }
    let package = shop.packages.get(&test.package);
    package.map(|p| (p, symbol)).ok_or_else(|| format!("there is no package `{}`", test.package))
}

/// Lists the Rust files beside and below the roots of a package's library and programs, sorted.
fn sources(package: &Package) -> Vec<PathBuf> {
    let built = package
        .targets
        .iter()
        .filter(|target| target.is_library() || target.kind.iter().any(|kind| kind == "bin"));
    let mut folders: Vec<&Path> = built.filter_map(|target| target.src_path.parent()).collect();
    folders.sort();
    folders.dedup();
    let mut found = Vec::new();
    for folder in folders {
        rust_files(folder, MAX_DEPTH, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn rust_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => rust_files(&path, depth - 1, found),
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|e| e == "rs") => {
                found.push(path);
            }
            _ => {}
        }
    }
}

/// Returns the path of the module that a file holds, as Cargo lays out sources.
fn module(package: &Package, file: &Path) -> String {
    let folders = package.targets.iter().filter_map(|target| target.src_path.parent());
    let inside = folders.filter_map(|folder| file.strip_prefix(folder).ok());
    // The nearest root is the one that it belongs to.
    let Some(inside) = inside.min_by_key(|inside| inside.components().count()) else {
        return String::new();
    };
    let mut parts: Vec<String> =
        inside.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| matches!(&**last, "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts.join("::")
}

/// Says whether a file has the function of this path.
fn defines(package: &Package, file: &Path, path: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let functions = symbol::functions(&text, &module(package, file)).unwrap_or_default();
    functions.iter().any(|function| function.path == path)
}

/// Digests the files that a test's sensitivity depends on: the function's, and those that the test is written in.
///
/// # Errors
///
/// A sentence: one cannot be read.
pub fn files(
    shop: &Workshop,
    test: &TestName,
    found: &Found,
) -> Result<BTreeMap<String, Sha256>, String> {
    let mut paths = vec![shop.root.join(&found.file)];
    let package = shop.packages.get(&test.package);
    let package = package.ok_or_else(|| format!("there is no package `{}`", test.package))?;
    match test.binary.as_str() {
        "lib" => match find(shop, test, &test.test) {
            Ok(place) => paths.push(shop.root.join(place.file)),
            // A test that a macro writes may be anywhere.
            Err(_) => paths.extend(sources(package)),
        },
        name => {
            let target = package.targets.iter().find(|target| target.name == name);
            let root = &target.ok_or_else(|| format!("there is no target `{name}`"))?.src_path;
            paths.push(root.clone());
            if root.file_name().is_some_and(|file| file == "main.rs")
                && let Some(folder) = root.parent()
            {
                let mut all = Vec::new();
                rust_files(folder, MAX_DEPTH, &mut all);
                match all.iter().find(|file| defines(package, file, &test.test)) {
                    Some(file) => paths.push(file.clone()),
                    // A test that a macro writes may be anywhere.
                    None => paths.extend(all),
                }
            }
        }
    }
    let mut digests = BTreeMap::new();
    for path in paths {
        let name = files::relative(&shop.root, &path)
            .ok_or_else(|| format!("{} is outside of the workspace root", test.test))?;
        let bytes = fs::read(&path).map_err(|e| format!("{name}: {e}"))?;
        digests.insert(name, Sha256::of(&bytes));
    }
    Ok(digests)
}
