//! The lockfiles of real workspaces as graphs, read where they lie, beside the repository.

#![expect(clippy::disallowed_methods, reason = "lockfiles are files")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write, stderr};
use std::path::Path;

use weft_graph::Node;

/// What a lockfile says.
pub(crate) struct Lockfile {
    pub(crate) len: usize,
    pub(crate) edges: Vec<(Node, Node)>,
    /// The packages without a source: those of the workspace.
    pub(crate) roots: Vec<Node>,
}

impl Lockfile {
    /// Reads a workspace's lockfile; says so, aloud, if it is absent.
    pub(crate) fn of(workspace: &str) -> Option<Lockfile> {
        let graphs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/graphs");
        let path = graphs.join(workspace).join("Cargo.lock");
        match fs::read_to_string(&path) {
            Ok(text) => Some(parse(&text)),
            Err(error) => {
                // Straight to standard error, which the test harness does not capture.
                let path = path.display();
                let _ = writeln!(stderr(), "NOT TESTED: {workspace}'s lockfile: {path}: {error}");
                None
            }
        }
    }
}

/// Reads what Cargo writes, of which nothing but packages and their dependencies is looked at.
fn parse(text: &str) -> Lockfile {
    let packages: Vec<&str> = text.split("[[package]]\n").skip(1).collect();
    let mut number = BTreeMap::new();
    let mut roots = Vec::new();
    for (n, package) in (0..).zip(&packages) {
        let [name, version, source] = ["name", "version", "source"].map(|key| value(package, key));
        let (name, version) = (name.expect("packages have names"), version.unwrap_or_default());
        // Cargo names a package by as little as tells it apart; without a source it is a local one.
        match source {
            Some(source) => {
                let source = source.split('#').next().unwrap_or(source);
                number.insert(format!("{name} {version} ({source})"), n);
                number.entry(format!("{name} {version}")).or_insert(n);
            }
            None => {
                number.insert(format!("{name} {version}"), n);
                roots.push(n);
            }
        }
        number.insert(name.to_owned(), n);
    }
    let dependencies = |package: &&str| -> Vec<Node> {
        let lines =
            package.lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
        lines.map(|line| number[line]).collect()
    };
    let of =
        |(n, package)| dependencies(package).into_iter().map(move |dependency| (n, dependency));
    Lockfile { len: packages.len(), edges: (0..).zip(&packages).flat_map(of).collect(), roots }
}

/// Returns the value of a key of a package.
fn value<'t>(package: &'t str, key: &str) -> Option<&'t str> {
    let line = |line: &'t str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    package.lines().find_map(line)
}
