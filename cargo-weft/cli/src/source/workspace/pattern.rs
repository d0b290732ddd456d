//! Patterns of workspace members, expanded without following symbolic links out of the workspace.

use std::fs;
use std::path::Path;

use glob::{MatchOptions, Pattern};

/// More directory entries than any workspace has beside its build output.
const MAX_ENTRIES: usize = 100_000;

/// Like Cargo, a `*` matches names that begin with a dot.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What a pattern matches.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    /// Directories with a manifest, relative to the root.
    pub(super) directories: Vec<String>,
    /// Whether the pattern leads out of the workspace, and so was not followed to its end.
    pub(super) leads_out: bool,
    /// Whether there is a link below a `**`, which Cargo may follow and weft does not.
    pub(super) ambiguous: bool,
}

/// Expands a pattern relative to `root`, which is canonical.
///
/// # Errors
///
/// What is wrong with it, as a fragment.
pub(super) fn expand(root: &Path, pattern: &str) -> Result<Expanded, String> {
    let mut walk = Walk { root, entries: 0, expanded: Expanded::default() };
    let parts: Vec<&str> = pattern.split('/').collect();
    walk.step("", &parts)?;
    Ok(walk.expanded)
}

struct Walk<'r> {
    root: &'r Path,
    entries: usize,
    expanded: Expanded,
}

impl Walk<'_> {
    fn step(&mut self, directory: &str, parts: &[&str]) -> Result<(), String> {
        let Some((part, rest)) = parts.split_first() else {
            if self.root.join(directory).join("Cargo.toml").exists() {
                self.expanded.directories.push(directory.to_owned());
            }
            return Ok(());
        };
        if *part == "**" {
            self.step(directory, rest)?;
            for below in self.directories(directory, false)? {
                self.step(&below, parts)?;
            }
            return Ok(());
        }
        if !part.contains(['*', '?', '[']) {
            return self.step(&join(directory, part), rest);
        }
        let pattern = Pattern::new(part).map_err(|_| "is not a pattern".to_owned())?;
        for below in self.directories(directory, true)? {
            let name = below.rsplit('/').next().unwrap_or_default();
            if pattern.matches_with(name, OPTIONS) {
                self.step(&below, rest)?;
            }
        }
        Ok(())
    }

    /// Lists the directories in a directory; links out of the workspace are noted and left out.
    fn directories(&mut self, directory: &str, follow: bool) -> Result<Vec<String>, String> {
        // What stands literally in the pattern may be a link, too.
        let Ok(real) = self.root.join(directory).canonicalize() else { return Ok(Vec::new()) };
        if !real.starts_with(self.root) {
            self.expanded.leads_out = true;
            return Ok(Vec::new());
        }
        let Ok(entries) = fs::read_dir(real) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(format!("matches among more than {MAX_ENTRIES} files"));
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_symlink() {
                // A dangling link leads nowhere, and a link to a file is no member.
                let Some(real) = path.canonicalize().ok().filter(|real| real.is_dir()) else {
                    continue;
                };
                if !real.starts_with(self.root) {
                    self.expanded.leads_out = true;
                    continue;
                }
                self.expanded.ambiguous |= !follow;
            }
            if kind.is_dir() || kind.is_symlink() && follow {
                found.push(join(directory, &entry.file_name().to_string_lossy()));
            }
        }
        found.sort();
        Ok(found)
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn links_are_followed_inside_only() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        for package in ["a/one", "a/two", "b/c/three"] {
            fs::create_dir_all(root.join(package)).unwrap();
            fs::write(root.join(package).join("Cargo.toml"), "").unwrap();
        }
        fs::create_dir_all(root.join("a/bare")).unwrap();
        let check = |pattern: &str, directories: &[&str], leads_out: bool| {
            let found = expand(&root, pattern).unwrap();
            assert_eq!(
                (found.directories, found.leads_out),
                (directories.iter().map(|&d| d.to_owned()).collect(), leads_out),
                "{pattern}"
            );
        };
        check("a/*", &["a/one", "a/two"], false);
        check("**", &["a/one", "a/two", "b/c/three"], false);
        check("b/**/t?ree", &["b/c/three"], false);
        check("*/[o]ne", &["a/one"], false);
        std::os::unix::fs::symlink("../b/c/three", root.join("a/three")).unwrap();
        check("a/*", &["a/one", "a/three", "a/two"], false);
        assert!(expand(&root, "**").unwrap().ambiguous);
        fs::remove_file(root.join("a/three")).unwrap();
        std::os::unix::fs::symlink("/", root.join("a/link")).unwrap();
        check("a/*", &["a/one", "a/two"], true);
        check("**", &["a/one", "a/two", "b/c/three"], true);
        check("a/link/**", &[], true);
        assert!(expand(&root, "a/[").is_err());
    }
}
