//! A scratch copy of a workspace, in which Cargo resolves an update; the tree itself is not touched.
//!
//! Of the tree, the lockfile and what of each manifest says what is depended on are copied: targets, build scripts,
//! lints and profiles are left out, and an empty library stands for the code.
//! So nothing of the tree is run or followed, whatever its manifests name.

use std::fs;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, Table, TableLike, value};
use weft_gate::input::{lockfile, manifest};

use super::workspace::Tree;
use super::{cargo, files};

/// Tables of a manifest that say what is depended on, and of which packages.
const KEPT: [&str; 13] = [
    "cargo-features",
    "package",
    "project",
    "workspace",
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
    "target",
    "features",
    "patch",
    "replace",
];

/// Keys of `[package]` that matter to resolution.
const KEPT_OF_PACKAGE: [&str; 7] =
    ["name", "version", "edition", "rust-version", "resolver", "workspace", "publish"];

/// Keys of `[workspace]` that do.
const KEPT_OF_WORKSPACE: [&str; 5] = ["members", "exclude", "package", "dependencies", "resolver"];

/// The dependency tables of a package.
const DEPENDENCIES: [&str; 5] = [
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
];

/// How much of what Cargo says is told.
const MAX_SAID: usize = 600;

/// A workspace that can be resolved elsewhere.
pub struct Scratch<'t> {
    tree: &'t Tree,
    lockfile: &'t [u8],
    manifests: Vec<Copied>,
    arguments: Vec<String>,
}

/// A manifest of the tree, reduced.
#[derive(Clone)]
struct Copied {
    /// Its directory, relative to the checkout.
    directory: PathBuf,
    /// Its path as the tree names it.
    file: String,
    document: DocumentMut,
}

/// An update of one package.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The package's name.
    pub name: &'a str,
    /// The locked version.
    pub from: &'a Version,
    /// The version to take.
    pub to: &'a Version,
}

/// A line of a manifest that has to change before Cargo may take a version.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The manifest, relative to the workspace root.
    pub file: String,
    /// The requirement as it is.
    pub from: String,
    /// The key of the dependency.
    pub key: String,
    /// The requirement as it has to be.
    pub to: String,
}

/// What Cargo made of an update.
#[derive(Debug)]
pub struct Resolved {
    /// The new lockfile.
    pub lockfile: Vec<u8>,
    /// What had to be changed in manifests, sorted.
    pub edits: Vec<Edit>,
}

impl<'t> Scratch<'t> {
    /// Reads what is copied of a tree.
    ///
    /// # Errors
    ///
    /// A sentence: there is no lockfile, a manifest cannot be copied, or Cargo would follow what weft has not looked at.
    pub fn of(tree: &'t Tree) -> Result<Self, String> {
        if let Some(opaque) = &tree.opaque {
            return Err(format!("cargo is not run, since it would follow {opaque}"));
        }
        if tree.incomplete {
            return Err("a path leads where weft does not read, so the workspace cannot be copied"
                .to_owned());
        }
        let lockfile = tree.lockfile.as_deref().ok_or("there is no Cargo.lock")?;
        let manifests = tree.manifests.iter().enumerate();
        let manifests = manifests
            .map(|(at, manifest)| copied(tree, &manifest.file, at == 0))
            .collect::<Result<_, String>>()?;
        // The nearest file wins, and the last argument does.
        let arguments = tree.configs.iter().rev().flat_map(|c| c.arguments.clone()).collect();
        Ok(Self { tree, lockfile, manifests, arguments })
    }

    /// Lets Cargo take another version of one package, and whatever that needs.
    ///
    /// Where members' requirements rule it out, those that the locked version meets are raised in the copy.
    ///
    /// # Errors
    ///
    /// A sentence, with what Cargo says: nothing of it names this machine.
    pub fn resolve(&self, step: Step<'_>, online: bool) -> Result<Resolved, String> {
        let mut manifests = self.manifests.clone();
        let mut edits = Vec::new();
        for copied in &mut manifests {
            raise(copied, step, &mut edits);
        }
        edits.sort();
        let directory = cargo::empty_directory(&self.tree.checkout)
            .map_err(|failure| failure.reason.to_owned())?;
        let root = self.write(directory.path(), &manifests)?;
        let update = |what: &[&str]| {
            let (manifest, checkout) = (root.join("Cargo.toml"), &self.tree.checkout);
            cargo::update(&manifest, checkout, &self.arguments, what, online)
                .map_err(|failure| said(&failure, directory.path()))
        };
        let read = || fs::read(root.join("Cargo.lock")).map_err(|e| e.kind().to_string());
        let to = step.to.to_string();
        let old = format!("{}@{}", step.name, step.from);
        if edits.is_empty() {
            update(&["-p", &old, "--precise", &to])?;
        } else {
            update(&["--workspace"])?;
            let before = versions(self.lockfile, step.name)?;
            let after = versions(&read()?, step.name)?;
            if !after.contains(step.to) {
                let picked = after.iter().find(|version| !before.contains(version));
                let picked = picked.ok_or("cargo takes no other version of it")?;
                update(&["-p", &format!("{}@{picked}", step.name), "--precise", &to])?;
            }
        }
        let lockfile = read()?;
        match versions(&lockfile, step.name)?.contains(step.to) {
            true => Ok(Resolved { lockfile, edits }),
            false => Err(format!("cargo does not take {} {to}", step.name)),
        }
    }

    /// Writes the copy, and returns its workspace root.
    fn write(&self, directory: &Path, manifests: &[Copied]) -> Result<PathBuf, String> {
        let failed =
            |e: std::io::Error| format!("the scratch copy cannot be written: {}", e.kind());
        let inside = self.tree.root.strip_prefix(&self.tree.checkout);
        let inside = inside.map_err(|_| "the workspace lies outside of its checkout")?;
        // Like a checkout, so that nothing above it is read.
        fs::create_dir(directory.join(".git")).map_err(failed)?;
        for copied in manifests {
            let place = directory.join(&copied.directory);
            fs::create_dir_all(place.join("src")).map_err(failed)?;
            fs::write(place.join("Cargo.toml"), copied.document.to_string()).map_err(failed)?;
            if copied.document.contains_key("package") || copied.document.contains_key("project") {
                fs::write(place.join("src").join("lib.rs"), "").map_err(failed)?;
            }
        }
        let root = directory.join(inside);
        fs::write(root.join("Cargo.lock"), self.lockfile).map_err(failed)?;
        Ok(root)
    }

    /// Returns the oldest compiler that a member states, as it is written.
    pub fn rust_version(&self) -> Option<String> {
        let stated = self.manifests.iter().flat_map(|copied| {
            let inherited = copied.document.get("workspace").and_then(|w| w.get("package"));
            let own = copied.document.get("package");
            [own, inherited].into_iter().flatten().filter_map(|table| table.get("rust-version"))
        });
        let stated = stated
            .filter_map(Item::as_str)
            .filter_map(|text| Some((weft_gate::update::compiler(text)?, text.to_owned())));
        stated.min().map(|(_, text)| text)
    }
}

/// Raises the requirement of a parsed manifest as [`Scratch::resolve`] does in the copy.
pub fn raise_parsed(manifests: &mut [manifest::Manifest], step: Step<'_>) {
    for manifest in manifests {
        for dependency in &mut manifest.dependencies {
            let is_meant = dependency.package() == step.name;
            if let Some(version) = &mut dependency.requirement.version
                && is_meant
                && is_raised(version, step)
                && let Ok(new) = VersionReq::parse(&step.to.to_string())
            {
                *version = new;
            }
        }
    }
}

fn is_raised(requirement: &VersionReq, step: Step<'_>) -> bool {
    requirement.matches(step.from) && !requirement.matches(step.to)
}

fn copied(tree: &Tree, file: &str, is_root: bool) -> Result<Copied, String> {
    let shown = file.escape_debug();
    let path = files::normal(&tree.root.join(file));
    let bytes = files::read_inside(&tree.checkout, &path, manifest::MAX_BYTES);
    let bytes = bytes.map_err(|refusal| format!("{shown} {refusal}"))?;
    let bytes = bytes.ok_or_else(|| format!("{shown} is not there"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))?;
    let mut document: DocumentMut = text.parse().map_err(|_| format!("{shown} is not TOML"))?;
    reduce(&mut document, is_root);
    let parent = path.parent().unwrap_or(&tree.root);
    let directory = parent.strip_prefix(&tree.checkout);
    let directory = directory.map_err(|_| format!("{shown} lies outside of the checkout"))?;
    Ok(Copied { directory: directory.to_owned(), file: file.to_owned(), document })
}

/// Leaves of a manifest what resolution depends on.
fn reduce(document: &mut DocumentMut, is_root: bool) {
    let library = document.get("lib").and_then(Item::as_table_like);
    let is = |key: &str| library.and_then(|l| l.get(key)).and_then(Item::as_bool) == Some(true);
    let is_macro = is("proc-macro") || is("proc_macro");
    retain(document.as_table_mut(), &KEPT);
    for table in ["package", "project"] {
        if let Some(package) = document.get_mut(table).and_then(Item::as_table_like_mut) {
            retain(package, &KEPT_OF_PACKAGE);
        }
    }
    if let Some(workspace) = document.get_mut("workspace").and_then(Item::as_table_like_mut) {
        retain(workspace, &KEPT_OF_WORKSPACE);
    } else if is_root {
        // So that Cargo looks for no workspace above.
        document["workspace"] = Item::Table(Table::new());
    }
    if is_macro {
        let mut library = Table::new();
        library["proc-macro"] = value(true);
        document["lib"] = Item::Table(library);
    }
}

fn retain(table: &mut dyn TableLike, kept: &[&str]) {
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names.iter().filter(|name| !kept.contains(&name.as_str())) {
        table.remove(name);
    }
}

/// Raises the requirements that the locked version meets and the wanted one does not.
fn raise(copied: &mut Copied, step: Step<'_>, edits: &mut Vec<Edit>) {
    let file = copied.file.clone();
    let document = copied.document.as_table_mut();
    let mut each = |table: &mut dyn TableLike| {
        for (key, item) in table.iter_mut() {
            let key = key.get().to_owned();
            let package = item.get("package").and_then(Item::as_str);
            if package.unwrap_or(&key) != step.name {
                continue;
            }
            let stated = match item.is_str() {
                true => Some(item),
                false => item.get_mut("version"),
            };
            let Some(stated) = stated else { continue };
            let Some(text) = stated.as_str().map(str::to_owned) else { continue };
            if VersionReq::parse(&text).is_ok_and(|requirement| is_raised(&requirement, step)) {
                *stated = value(step.to.to_string());
                let (file, to) = (file.clone(), step.to.to_string());
                edits.push(Edit { file, from: text, key, to });
            }
        }
    };
    for name in DEPENDENCIES {
        document.get_mut(name).and_then(Item::as_table_like_mut).map(&mut each);
    }
    let targets = document.get_mut("target").and_then(Item::as_table_like_mut);
    for (_, target) in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        for name in DEPENDENCIES {
            target.get_mut(name).and_then(Item::as_table_like_mut).map(&mut each);
        }
    }
    let workspace = document.get_mut("workspace").and_then(|w| w.get_mut("dependencies"));
    workspace.and_then(Item::as_table_like_mut).map(&mut each);
}

fn versions(bytes: &[u8], name: &str) -> Result<Vec<Version>, String> {
    let lockfile = lockfile::parse("Cargo.lock", bytes).map_err(|e| e.to_string())?;
    let named = lockfile.packages.iter().filter(|package| package.name == name);
    Ok(named.map(|package| package.version.clone()).collect())
}

/// Tells what Cargo said, on one line and without the place of the scratch copy.
fn said(failure: &cargo::Failure, scratch: &Path) -> String {
    let places = [scratch.canonicalize().ok(), Some(scratch.to_owned())];
    let mut text = failure.details.clone();
    for place in places.into_iter().flatten() {
        text = text.replace(&format!("{}/", place.display()), "");
        text = text.replace(&place.display().to_string(), ".");
    }
    let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("error"));
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let line: String = line.chars().take(MAX_SAID).collect();
    match line.strip_prefix("error: ") {
        Some(line) => format!("cargo says: {line}"),
        None => failure.reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str) -> Copied {
        let mut document: DocumentMut = text.parse().unwrap();
        reduce(&mut document, true);
        Copied { directory: PathBuf::new(), file: "Cargo.toml".to_owned(), document }
    }

    #[test]
    fn only_what_resolution_depends_on_is_copied() {
        let text = "[package]\nname = \"a\"\nversion = \"1.0.0\"\nbuild = \"../../evil.rs\"\nlinks = \"z\"\n\
                    [lib]\npath = \"/etc/passwd\"\nproc-macro = true\n[[bin]]\nname = \"b\"\npath = \"x\"\n\
                    [dependencies]\nc = \"1\"\n[profile.dev]\nopt-level = 3\n[lints]\nworkspace = true\n";
        let expected = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n\
                        [dependencies]\nc = \"1\"\n\n[workspace]\n\n[lib]\nproc-macro = true\n";
        let written = copied(text).document.to_string();
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        let (mut written, mut expected) = (lines(&written), lines(expected));
        written.sort();
        expected.sort();
        assert_eq!(written, expected);
    }

    #[test]
    fn only_requirements_that_hold_the_update_back_are_raised() {
        let (from, to) = (Version::new(0, 8, 5), Version::new(0, 9, 2));
        let step = Step { name: "rand", from: &from, to: &to };
        let check = |text: &str, expected: &[&str]| {
            let mut edits = Vec::new();
            let mut copied = copied(text);
            raise(&mut copied, step, &mut edits);
            let said: Vec<String> = edits
                .iter()
                .map(|edit| format!("{}: {} -> {}", edit.key, edit.from, edit.to))
                .collect();
            assert_eq!(said, expected, "{text}");
            assert_eq!(copied.document.to_string().matches("0.9.2").count(), expected.len());
        };
        check("[dependencies]\nrand = \"0.8\"\n", &["rand: 0.8 -> 0.9.2"]);
        check(
            "[dependencies]\nrand = { version = \"0.8\", features = [\"x\"] }\n",
            &["rand: 0.8 -> 0.9.2"],
        );
        check("[dependencies.rand]\nversion = \"=0.8.5\"\n", &["rand: =0.8.5 -> 0.9.2"]);
        check(
            "[dependencies]\nold = { package = \"rand\", version = \"0.8\" }\n",
            &["old: 0.8 -> 0.9.2"],
        );
        check("[target.'cfg(unix)'.dev-dependencies]\nrand = \"0.8\"\n", &["rand: 0.8 -> 0.9.2"]);
        check("[workspace.dependencies]\nrand = \"0.8\"\n", &["rand: 0.8 -> 0.9.2"]);
        check("[dependencies]\nrand = \"0.7\"\n", &[]);
        check("[dependencies]\nrand = \">=0.8\"\n", &[]);
        check("[dependencies]\nrand = { package = \"other\", version = \"0.8\" }\n", &[]);
        check("[dependencies]\nrand = { workspace = true }\n", &[]);
        check("[dependencies]\nrand = 5\n", &[]);
    }
}
