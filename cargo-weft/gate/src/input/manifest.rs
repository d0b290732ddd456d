//! `Cargo.toml`: the parts that say what a workspace is made of, with places.
//!
//! Cargo itself decides what a manifest means; this reader serves lock precision, the places that reports point at, and
//! the comparison of manifests with the lockfile.
//! Keys it does not know are left to Cargo.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};

use super::tree::{self, Node, Table};
use super::{is_package_name, text};
use crate::Diagnostic;
use crate::inventory::{DependencyKind, GitReference, without_credentials};
use crate::place::{Place, SourceText};

/// The largest manifest that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// A parsed `Cargo.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file, relative to the workspace root.
    pub file: String,
    /// Whether its package is a member of the workspace; true unless whoever found it knows otherwise.
    pub member: bool,
    /// The package, unless the manifest is virtual.
    pub package: Option<Package>,
    /// The `[workspace]` table, if there is one.
    pub workspace: Option<Workspace>,
    /// Every dependency, in the order of kind, target and name.
    pub dependencies: Vec<Dependency>,
    /// `[patch]` and `[replace]` entries.
    pub overrides: Vec<Override>,
    /// The feature resolver that `[workspace]` or `[package]` states.
    stated_resolver: Option<String>,
    /// The package's edition; a virtual workspace has none.
    edition: Option<String>,
}

/// The `[package]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its version; `None` if the workspace's is inherited.
    pub version: Option<Version>,
    /// `package.workspace`: where the workspace root is.
    pub workspace: Option<String>,
}

/// The `[workspace]` table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workspace {
    /// Paths and patterns of members.
    pub members: Vec<Member>,
    /// Paths that are no members.
    pub exclude: Vec<String>,
    /// `[workspace.package] version`.
    pub version: Option<Version>,
    /// `[workspace.dependencies]`.
    pub dependencies: BTreeMap<String, Requirement>,
}

/// One entry of `workspace.members`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The path or pattern, relative to the root.
    pub path: String,
    /// Where it stands.
    pub place: Place,
}

/// One entry of a dependency table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The key: the name by which the code knows it.
    pub key: String,
    /// Which table it stands in.
    pub kind: DependencyKind,
    /// The target or `cfg(…)` of the table.
    pub target: Option<String>,
    /// Whether it is optional.
    pub optional: bool,
    /// Whether what follows is inherited from the workspace.
    pub inherited: bool,
    /// What is asked for.
    pub requirement: Requirement,
    /// Where the key stands.
    pub place: Place,
}

/// What a dependency asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    /// The package's name, if the key is another.
    pub package: Option<String>,
    /// The versions that will do.
    pub version: Option<VersionReq>,
    /// A directory, relative to the manifest that states it.
    pub path: Option<String>,
    /// A git repository, without credentials.
    pub git: Option<String>,
    /// What is asked of the git repository.
    pub reference: Option<GitReference>,
    /// Features asked for.
    pub features: Vec<String>,
    /// Whether default features are asked for, if that is said.
    pub default_features: Option<bool>,
}

/// A `[patch]` or `[replace]` entry: another source for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// What is overridden: `patch.crates-io` or `replace`.
    pub table: String,
    /// The package, as the key names it.
    pub package: String,
    /// What stands in its place.
    pub requirement: Requirement,
    /// Where the key stands.
    pub place: Place,
}

/// Reads a manifest.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Manifest, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let source = SourceText::new(file, text);
    let document = tree::parse(&source)?;
    Reader { document: Table::new(&source, document.get_ref()) }.read(file)
}

impl Manifest {
    /// Fills in what a member inherits from its workspace's root, which lies in `root_directory`.
    ///
    /// # Errors
    ///
    /// A [`Diagnostic`] for a dependency that the workspace does not have.
    pub fn inherit(&mut self, root: &Workspace, root_directory: &str) -> Result<(), Diagnostic> {
        if let Some(package) = &mut self.package
            && package.version.is_none()
        {
            package.version.clone_from(&root.version);
        }
        let depth = self.file.matches('/').count();
        for dependency in self.dependencies.iter_mut().filter(|d| d.inherited) {
            let Some(inherited) = root.dependencies.get(&dependency.key) else {
                let message = format!(
                    "line {}: `{}` is not in [workspace.dependencies]",
                    dependency.place.line, dependency.key
                );
                return Err(Diagnostic::whole(&self.file, message));
            };
            let own = std::mem::replace(&mut dependency.requirement, inherited.clone());
            let requirement = &mut dependency.requirement;
            // A member may switch them on again, and cannot switch them off.
            if own.default_features == Some(true) {
                requirement.default_features = Some(true);
            }
            requirement.features.extend(own.features);
            requirement.features.sort();
            requirement.features.dedup();
            if let Some(path) = &inherited.path {
                // A path in the root's table is relative to the root, but will be read relative to the member.
                let back = "../".repeat(depth);
                requirement.path = Some(format!(
                    "{back}{}/{path}",
                    if root_directory.is_empty() { "." } else { root_directory }
                ));
            }
        }
        Ok(())
    }

    /// Fills in what a package inherits, as far as its workspace has it; the rest asks for nothing.
    pub fn inherit_what_is_there(&mut self, root: &Workspace, root_directory: &str) {
        self.dependencies.retain(|d| !d.inherited || root.dependencies.contains_key(&d.key));
        // What is left can be inherited.
        let _ = self.inherit(root, root_directory);
    }

    /// Returns the feature resolver, if it is stated or follows from the package's edition.
    pub fn resolver(&self) -> Option<&str> {
        let by_edition = || match self.edition.as_deref() {
            None | Some("2015" | "2018") => None,
            Some("2021") => Some("2"),
            Some(_) => Some("3"),
        };
        self.stated_resolver.as_deref().or_else(by_edition)
    }

    /// Returns the directory of the manifest, relative to the workspace root; empty for the root itself.
    pub fn directory(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

impl Override {
    /// Returns the name of the package that is overridden; `[replace]` names it with its version.
    pub fn package(&self) -> &str {
        let key = self.package.split(':').next().unwrap_or_default();
        self.requirement.package.as_deref().unwrap_or(key)
    }
}

impl Dependency {
    /// Returns the name of the package that is asked for.
    pub fn package(&self) -> &str {
        self.requirement.package.as_deref().unwrap_or(&self.key)
    }
}

struct Reader<'a, 't> {
    document: Table<'a, 't>,
}

impl<'a, 't> Reader<'a, 't> {
    fn read(&self, file: &str) -> Result<Manifest, Diagnostic> {
        let package = self.document.get_any(&["package", "project"]);
        let workspace = self.document.get("workspace");
        Ok(Manifest {
            file: file.to_owned(),
            member: true,
            package: package.map(|node| self.package(&node)).transpose()?,
            workspace: workspace.map(|node| self.workspace(&node)).transpose()?,
            dependencies: self.all_dependencies()?,
            overrides: self.overrides()?,
            stated_resolver: self.stated("resolver")?,
            edition: self.edition()?,
        })
    }

    /// Reads a key of `[workspace]`, or else of `[package]`.
    fn stated(&self, key: &'static str) -> Result<Option<String>, Diagnostic> {
        for table in ["workspace", "package"] {
            if let Some(node) = self.document.table(table)?.and_then(|table| table.get(key)) {
                return node.string().map(str::to_owned).map(Some);
            }
        }
        Ok(None)
    }

    fn edition(&self) -> Result<Option<String>, Diagnostic> {
        let own = self.document.table("package")?.and_then(|table| table.get("edition"));
        let node = match own {
            Some(node) if node.is_table() => match self.document.table("workspace")? {
                Some(workspace) => {
                    workspace.table("package")?.and_then(|table| table.get("edition"))
                }
                None => None,
            },
            own => own,
        };
        node.map(|node| node.string().map(str::to_owned)).transpose()
    }

    fn package(&self, node: &Node<'a, 't>) -> Result<Package, Diagnostic> {
        let table = node.table()?;
        let name = table.get("name").ok_or_else(|| node.key_fault("a package needs a name"))?;
        if !is_package_name(name.string()?) {
            return Err(name.fault("not a package name: letters, digits, `-` and `_` only"));
        }
        let version = match table.get("version") {
            None => Some(Version::new(0, 0, 0)),
            Some(version) if version.is_table() => None,
            Some(version) => Some(parse_version(&version)?),
        };
        let workspace =
            table.get("workspace").map(|node| node.string().map(str::to_owned)).transpose()?;
        Ok(Package { name: name.string()?.to_owned(), version, workspace })
    }

    fn workspace(&self, node: &Node<'a, 't>) -> Result<Workspace, Diagnostic> {
        let table = node.table()?;
        let strings =
            |key| table.get(key).map_or(Ok(Vec::new()), |node: Node<'_, '_>| node.strings());
        let members = table.get("members").map_or(Ok(Vec::new()), |node| node.list())?;
        let member = |node: &Node<'_, '_>| {
            Ok(Member { path: node.string()?.to_owned(), place: node.place() })
        };
        let members = members.iter().map(member).collect::<Result<_, Diagnostic>>()?;
        let version = match table.table("package")?.and_then(|package| package.get("version")) {
            None => None,
            Some(version) => Some(parse_version(&version)?),
        };
        let mut dependencies = BTreeMap::new();
        for node in table.table("dependencies")?.iter().flat_map(Table::iter) {
            dependencies.insert(node.key().to_owned(), requirement(&node)?);
        }
        Ok(Workspace { members, exclude: strings("exclude")?, version, dependencies })
    }

    fn all_dependencies(&self) -> Result<Vec<Dependency>, Diagnostic> {
        let mut all = Vec::new();
        tables_of_kinds(&self.document, None, &mut all)?;
        for target in self.document.table("target")?.iter().flat_map(Table::iter) {
            tables_of_kinds(&target.table()?, Some(target.key()), &mut all)?;
        }
        Ok(all)
    }

    fn overrides(&self) -> Result<Vec<Override>, Diagnostic> {
        let mut all = Vec::new();
        for registry in self.document.table("patch")?.iter().flat_map(Table::iter) {
            for node in registry.table()?.iter() {
                all.push(over(&format!("patch.{}", registry.key()), &node)?);
            }
        }
        for node in self.document.table("replace")?.iter().flat_map(Table::iter) {
            all.push(over("replace", &node)?);
        }
        Ok(all)
    }
}

fn tables_of_kinds(
    table: &Table<'_, '_>,
    target: Option<&str>,
    all: &mut Vec<Dependency>,
) -> Result<(), Diagnostic> {
    const KINDS: [(DependencyKind, &[&str]); 3] = [
        (DependencyKind::Normal, &["dependencies"]),
        (DependencyKind::Build, &["build-dependencies", "build_dependencies"]),
        (DependencyKind::Dev, &["dev-dependencies", "dev_dependencies"]),
    ];
    for (kind, names) in KINDS {
        let Some(dependencies) = table.get_any(names) else { continue };
        for node in dependencies.table()?.iter() {
            all.push(dependency(&node, kind, target)?);
        }
    }
    Ok(())
}

fn dependency(
    node: &Node<'_, '_>,
    kind: DependencyKind,
    target: Option<&str>,
) -> Result<Dependency, Diagnostic> {
    let flag = |key| match node.is_table() {
        true => node.table()?.get(key).map_or(Ok(false), |node| node.bool()),
        false => Ok(false),
    };
    Ok(Dependency {
        key: node.key().to_owned(),
        kind,
        target: target.map(str::to_owned),
        optional: flag("optional")?,
        inherited: flag("workspace")?,
        requirement: requirement(node)?,
        place: node.place(),
    })
}

fn over(table: &str, node: &Node<'_, '_>) -> Result<Override, Diagnostic> {
    let package = node.key().to_owned();
    Ok(Override {
        table: table.to_owned(),
        package,
        requirement: requirement(node)?,
        place: node.place(),
    })
}

fn requirement(node: &Node<'_, '_>) -> Result<Requirement, Diagnostic> {
    let version = |node: Node<'_, '_>| {
        VersionReq::parse(node.string()?)
            .map_err(|e| node.fault(format!("not a version requirement: {e}")))
    };
    if !node.is_table() {
        return Ok(Requirement { version: Some(version(node.clone())?), ..Requirement::default() });
    }
    let table = node.table()?;
    let string = |key| table.get(key).map(|node| node.string().map(str::to_owned)).transpose();
    let reference = match (string("branch")?, string("tag")?, string("rev")?) {
        (Some(branch), _, _) => Some(GitReference::Branch(branch)),
        (None, Some(tag), _) => Some(GitReference::Tag(tag)),
        (None, None, rev) => rev.map(GitReference::Rev),
    };
    let default_features = table.get_any(&["default-features", "default_features"]);
    let mut features = table.get("features").map_or(Ok(Vec::new()), |node| node.strings())?;
    features.sort();
    Ok(Requirement {
        package: string("package")?,
        version: table.get("version").map(version).transpose()?,
        path: string("path")?,
        git: string("git")?.map(|url| without_credentials(&url)),
        reference,
        features,
        default_features: default_features.map(|node| node.bool()).transpose()?,
    })
}

fn parse_version(node: &Node<'_, '_>) -> Result<Version, Diagnostic> {
    Version::parse(node.string()?).map_err(|e| node.fault(format!("not a version: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Manifest, Diagnostic> {
        parse("a/Cargo.toml", text.as_bytes())
    }

    #[test]
    fn each_dependency_knows_its_table_target_and_place() {
        let manifest = read(
            "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n\
             [target.'cfg(unix)'.build-dependencies]\nc = { version = \"2\", package = \"d\", optional = true }\n\
             [dev-dependencies.e]\npath = \"../e\"\n",
        )
        .unwrap();
        let found: Vec<_> = manifest
            .dependencies
            .iter()
            .map(|d| (d.package(), d.kind, d.target.as_deref(), d.optional, d.place.line))
            .collect();
        use DependencyKind::{Build, Dev, Normal};
        assert_eq!(
            found,
            [
                ("b", Normal, None, false, 4),
                ("e", Dev, None, false, 7),
                ("d", Build, Some("cfg(unix)"), true, 6),
            ]
        );
    }

    #[test]
    fn what_is_inherited_is_filled_in_and_what_is_missing_is_said() {
        let root = parse(
            "Cargo.toml",
            b"[workspace.package]\nversion = \"3.0.0\"\n\
              [workspace.dependencies]\nb = { path = \"b\", features = [\"x\"] }\n",
        )
        .unwrap()
        .workspace
        .unwrap();
        let text = "[package]\nname = \"a\"\nversion.workspace = true\n[dependencies]\nKEY.workspace = true\n";
        let mut manifest = read(&text.replace("KEY", "b")).unwrap();
        manifest.inherit(&root, "").unwrap();
        assert_eq!(manifest.package.unwrap().version, Some(Version::new(3, 0, 0)));
        assert_eq!(manifest.dependencies[0].requirement.path.as_deref(), Some(".././b"));
        assert_eq!(manifest.dependencies[0].requirement.features, ["x"]);
        let mut manifest = read(&text.replace("KEY", "c")).unwrap();
        assert!(
            manifest.inherit(&root, "").unwrap_err().message.contains("[workspace.dependencies]")
        );
    }

    #[test]
    fn faults_have_places() {
        for (text, message) in [
            ("[package]\nversion = \"1.0.0\"", "needs a name"),
            ("[package]\nname = \"a b\"", "not a package name"),
            ("[dependencies]\na = \"?\"", "not a version requirement"),
            ("dependencies = 5", "is a table"),
            ("[dependencies]\na = { optional = 1 }", "true or false"),
            ("[workspace]\nmembers = \"*\"", "a list of strings"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.message.contains(message) && fault.span.is_some(), "{fault:?}");
        }
    }

    #[test]
    fn depth_is_bounded_however_it_is_spelled() {
        for text in [
            format!("a = {}", "[".repeat(10_000)),
            "a.".repeat(10_000) + "a = 1",
            format!("[{}a]", "a.".repeat(10_000)),
        ] {
            assert!(read(&text).is_err());
        }
    }
}
