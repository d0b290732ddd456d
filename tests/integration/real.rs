//! The lockfiles of seven real workspaces, which lie beside the repository.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Returns each lockfile's name and path; without them, says so past the test runner's capture.
pub(crate) fn lockfiles() -> Vec<(String, PathBuf)> {
    let graphs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graphs");
    let entries = fs::read_dir(&graphs).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path().join("Cargo.lock")))
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        let message =
            "\nNOT TESTED: ../shared/graphs is not there, so no real lockfile is read\n\n";
        std::io::stderr().write_all(message.as_bytes()).unwrap();
    } else {
        assert_eq!(found.len(), 7, "{found:?}");
    }
    found
}
