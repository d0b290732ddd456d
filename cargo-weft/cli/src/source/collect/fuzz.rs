//! Runs a fuzz target with cargo-fuzz, for a count of executions and not for a time.

use std::path::{Path, PathBuf};

use weft_verify::Sha256;

use super::{Workshop, last_words, run, version};

/// Says which version of cargo-fuzz is there.
pub fn available(shop: &Workshop) -> Option<String> {
    version(shop.cargo(&shop.root).args(["fuzz", "--version"]))
}

/// Finds the folder of fuzz targets that has this one.
pub fn folder(root: &Path, target: &str) -> Option<PathBuf> {
    let candidates = ["fuzz", "tests/fuzz"].map(|folder| root.join(folder));
    candidates.into_iter().find(|f| f.join("fuzz_targets").join(format!("{target}.rs")).is_file())
}

/// Digests a target's corpus: a line for each file, its SHA-256 and its name, sorted.
pub fn corpus(folder: &Path, target: &str) -> Sha256 {
    let corpus = folder.join("corpus").join(target);
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(corpus).into_iter().flatten().flatten() {
        if let Ok(bytes) = std::fs::read(entry.path()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            lines.push(format!("{} {name}\n", Sha256::of(&bytes)));
        }
    }
    lines.sort();
    Sha256::of(lines.concat().as_bytes())
}

/// Runs a target, and returns how many executions it made.
///
/// # Errors
///
/// A sentence: it crashed, or cannot be built.
pub fn executions(shop: &Workshop, folder: &Path, target: &str, count: u64) -> Result<u64, String> {
    let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut cargo = shop.cargo(&shop.root);
    cargo.args(["fuzz", "run", "--fuzz-dir"]).arg(folder).arg(target);
    // What is found goes to the first corpus, which is thrown away.
    cargo.arg(scratch.path()).arg(folder.join("corpus").join(target));
    cargo.args(["--", &format!("-runs={count}"), "-seed=1"]);
    let output = run(&mut cargo)?;
    if !output.status.success() {
        return Err(last_words(&output));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let done = said.lines().filter_map(|line| line.strip_prefix("Done "));
    let mut done = done.filter_map(|rest| rest.split(' ').next()?.parse().ok());
    let done = done.next_back();
    done.ok_or_else(|| "libFuzzer says no count".to_owned())
}
