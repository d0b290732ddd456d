//! Directories of vendored packages, looked through before Cargo reads them.

use std::fs;
use std::path::Path;

use weft_gate::input::manifest;

/// More packages than any workspace vendors.
const MAX_PACKAGES: usize = 20_000;

/// The largest list of checksums, in bytes.
const MAX_CHECKSUMS: u64 = 16 << 20;

/// Says whether what Cargo reads of vendored packages are regular files of bounded size inside `checkout`.
pub(super) fn is_plain(checkout: &Path, directory: &Path) -> bool {
    let Ok(real) = directory.canonicalize() else { return true };
    if !real.starts_with(checkout) {
        return false;
    }
    let Ok(entries) = fs::read_dir(real) else { return false };
    let entries: Vec<_> = entries.flatten().take(MAX_PACKAGES + 1).collect();
    entries.len() <= MAX_PACKAGES
        && entries.iter().all(|entry| {
            let files = [
                ("Cargo.toml", manifest::MAX_BYTES as u64),
                (".cargo-checksum.json", MAX_CHECKSUMS),
            ];
            let is = |wanted: fn(&fs::FileType) -> bool| {
                entry.file_type().is_ok_and(|kind| wanted(&kind))
            };
            is(fs::FileType::is_file)
                || is(fs::FileType::is_dir)
                    && files
                        .iter()
                        .all(|(name, limit)| is_regular(&entry.path().join(name), *limit))
        })
}

/// Says whether a path is absent, or a regular file that is no link.
fn is_regular(path: &Path, limit: u64) -> bool {
    match path.symlink_metadata() {
        Ok(metadata) => metadata.is_file() && metadata.len() <= limit,
        Err(_) => true,
    }
}
