//! `Cargo.lock`, versions 1 to 4, with the place of every package.
//!
//! The reader follows Cargo's own encoding (`cargo::core::resolver::encode`): an entry's dependencies name a package by
//! as little as makes it unique, and where one name and version come from two sources, the entry without a source is the
//! local one.
//! A dependency that matches no package, or more than one, is a fault: an invented edge would be an invented graph.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use semver::Version;
use serde::Deserialize;
use toml::Spanned;
use weft_verify::Sha256;

use super::{is_package_name, text, tree};
use crate::Diagnostic;
use crate::inventory::Source;
use crate::place::{Place, SourceText};

/// The largest lockfile that is read, in bytes; the largest of seven real workspaces has 0.45 MB.
pub const MAX_BYTES: usize = 32 << 20;

/// The most packages that are read; the largest of seven real workspaces has 1,548.
pub const MAX_PACKAGES: usize = 10_000;

/// The most dependencies that are read; the largest of seven real workspaces has 7,961.
pub const MAX_DEPENDENCIES: usize = 100_000;

/// The newest format version that is understood.
pub const NEWEST_VERSION: u32 = 4;

/// A parsed `Cargo.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// Format version, 1 to 4; version 1 and 2 lockfiles do not state theirs.
    pub version: u32,
    /// Packages in file order.
    pub packages: Vec<LockedPackage>,
    /// Names of `[patch]` entries that nothing uses.
    pub unused_patches: Vec<String>,
}

/// One `[[package]]` of a lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// The package's name.
    pub name: String,
    /// Its exact version.
    pub version: Version,
    /// Where it comes from; a local package's path is unknown here.
    pub source: Source,
    /// SHA-256 of the registry's archive, if recorded.
    pub checksum: Option<Sha256>,
    /// Indexes of the packages it depends on, by any kind of dependency.
    pub dependencies: Vec<usize>,
    /// Where the entry stands.
    pub place: Place,
}

/// Reads a lockfile.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the first fault.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Lockfile, Diagnostic> {
    let text = text(file, bytes, MAX_BYTES)?;
    let conflict = if text.starts_with("<<<<<<< ") {
        Some(0)
    } else {
        text.find("\n<<<<<<< ").map(|at| at + 1)
    };
    if let Some(at) = conflict {
        return Err(Diagnostic::at(file, at..at + 7, "holds an unresolved merge conflict").help(
            "resolve it, or run `git checkout --theirs Cargo.lock && cargo metadata >/dev/null`",
        ));
    }
    let source = SourceText::new(file, text);
    tree::check_key_depth(&source)?;
    let raw: RawLockfile = toml::from_str(text).map_err(|e| Diagnostic::from_toml(file, &e))?;
    Reader { source, raw }.read()
}

#[derive(Deserialize)]
struct RawLockfile {
    version: Option<Spanned<u32>>,
    #[serde(default)]
    package: Vec<RawPackage>,
    /// The workspace's root package, as Cargo wrote it before 2017.
    root: Option<RawPackage>,
    /// Checksums of version 1.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    patch: RawPatch,
}

#[derive(Deserialize, Default)]
struct RawPatch {
    #[serde(default)]
    unused: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: Spanned<String>,
    version: Spanned<String>,
    source: Option<Spanned<String>>,
    checksum: Option<Spanned<String>>,
    #[serde(default)]
    dependencies: Vec<Spanned<String>>,
    replace: Option<Spanned<String>>,
}

/// Packages by what a dependency may call them.
#[derive(Default)]
struct Index {
    by_name: BTreeMap<String, Vec<usize>>,
    by_version: BTreeMap<(String, String), Vec<usize>>,
}

struct Reader<'t> {
    source: SourceText<'t>,
    raw: RawLockfile,
}

impl Reader<'_> {
    fn read(self) -> Result<Lockfile, Diagnostic> {
        let version = self.version()?;
        let raw: Vec<&RawPackage> = self.raw.root.iter().chain(&self.raw.package).collect();
        self.check_size(&raw)?;
        let mut packages = raw.iter().map(|p| self.package(p)).collect::<Result<Vec<_>, _>>()?;
        let index = self.index(&raw, &packages)?;
        for (number, raw) in raw.iter().enumerate() {
            let resolve = |d| self.dependency(&index, &packages, d);
            packages[number].dependencies = match &raw.replace {
                // A replaced entry's own dependencies are those of what replaces it.
                Some(replace) => vec![resolve(replace)?],
                None => raw.dependencies.iter().map(resolve).collect::<Result<_, _>>()?,
            };
        }
        let unused_patches =
            self.raw.patch.unused.iter().map(|p| p.name.get_ref().clone()).collect();
        Ok(Lockfile { version, packages, unused_patches })
    }

    /// Exact measures take time with the product of the two, so both are bounded far above what is real.
    fn check_size(&self, raw: &[&RawPackage]) -> Result<(), Diagnostic> {
        let dependencies: usize = raw.iter().map(|p| p.dependencies.len()).sum();
        for (found, limit, what) in [
            (raw.len(), MAX_PACKAGES, "packages"),
            (dependencies, MAX_DEPENDENCIES, "dependencies"),
        ] {
            if found > limit {
                let message = format!("has {found} {what}, and weft reads at most {limit}");
                return Err(Diagnostic::whole(self.source.file(), message));
            }
        }
        Ok(())
    }

    fn version(&self) -> Result<u32, Diagnostic> {
        match &self.raw.version {
            None if self.raw.metadata.is_empty() => Ok(2),
            None => Ok(1),
            Some(version) if (1..=NEWEST_VERSION).contains(version.get_ref()) => {
                Ok(*version.get_ref())
            }
            Some(version) => {
                let found = version.get_ref();
                let message = format!(
                    "lockfile version {found} is unknown; weft reads 1 to {NEWEST_VERSION}"
                );
                Err(self
                    .fault(version.span(), message)
                    .help("update cargo-weft, or let an older cargo write it"))
            }
        }
    }

    fn package(&self, raw: &RawPackage) -> Result<LockedPackage, Diagnostic> {
        let name = raw.name.get_ref();
        if !is_package_name(name) {
            return Err(self
                .fault(raw.name.span(), "not a package name: letters, digits, `-` and `_` only"));
        }
        let version = Version::parse(raw.version.get_ref())
            .map_err(|e| self.fault(raw.version.span(), format!("not a version: {e}")))?;
        let source = match &raw.source {
            None => Source::Path { path: None },
            Some(source) => {
                Source::parse(source.get_ref()).map_err(|e| self.fault(source.span(), e))?
            }
        };
        let checksum = self.checksum(raw)?;
        let place = self.source.place(raw.name.span());
        Ok(LockedPackage {
            name: name.clone(),
            version,
            source,
            checksum,
            dependencies: Vec::new(),
            place,
        })
    }

    fn checksum(&self, raw: &RawPackage) -> Result<Option<Sha256>, Diagnostic> {
        let parse = |text: &str, span: Range<usize>| {
            text.parse().map(Some).map_err(|e| self.fault(span, format!("not a checksum: {e}")))
        };
        if let Some(checksum) = &raw.checksum {
            return parse(checksum.get_ref(), checksum.span());
        }
        let Some(source) = &raw.source else { return Ok(None) };
        let key = format!(
            "checksum {} {} ({})",
            raw.name.get_ref(),
            raw.version.get_ref(),
            source.get_ref()
        );
        match self.raw.metadata.get(&key).map(String::as_str) {
            None | Some("<none>") => Ok(None),
            Some(text) => parse(text, raw.name.span()),
        }
    }

    fn index(&self, raw: &[&RawPackage], packages: &[LockedPackage]) -> Result<Index, Diagnostic> {
        let mut index = Index::default();
        let mut seen = BTreeSet::new();
        for (number, package) in packages.iter().enumerate() {
            let version = package.version.to_string();
            if !seen.insert((&package.name, version.clone(), &package.source)) {
                let message = format!("`{} {version}` stands twice", package.name);
                return Err(self.fault(raw[number].name.span(), message));
            }
            index.by_name.entry(package.name.clone()).or_default().push(number);
            index.by_version.entry((package.name.clone(), version)).or_default().push(number);
        }
        Ok(index)
    }

    /// Finds the package that `name[ version[ (source)]]` means.
    fn dependency(
        &self,
        index: &Index,
        packages: &[LockedPackage],
        dependency: &Spanned<String>,
    ) -> Result<usize, Diagnostic> {
        let fault = |message: &str| Err(self.fault(dependency.span(), message));
        let mut parts = dependency.get_ref().splitn(3, ' ');
        let name = parts.next().unwrap_or_default().to_owned();
        let found = match parts.next() {
            None => index.by_name.get(&name),
            Some(version) => index.by_version.get(&(name, version.to_owned())),
        };
        let found = found.map_or(&[][..], Vec::as_slice);
        let meant: Vec<usize> =
            match parts.next().and_then(|s| s.strip_prefix('(')?.strip_suffix(')')) {
                Some(source) => match Source::parse(source) {
                    Ok(source) => found
                        .iter()
                        .copied()
                        .filter(|i| packages[*i].source.same_origin(&source))
                        .collect(),
                    Err(message) => return fault(&message),
                },
                None if found.len() > 1 => {
                    let local = found.iter().copied().filter(|i| packages[*i].source.is_path());
                    let local: Vec<usize> = local.collect();
                    if local.is_empty() { found.to_vec() } else { local }
                }
                None => found.to_vec(),
            };
        match meant[..] {
            [one] => Ok(one),
            [] => fault("no package of this name, version and source is in the lockfile"),
            [..] => fault("more than one package in the lockfile is meant by this"),
        }
    }

    fn fault(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.source.file(), span, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[(&str, &[usize])], &str>) {
        let lockfile = parse("Cargo.lock", text.as_bytes());
        match (lockfile, expected) {
            (Ok(lockfile), Ok(expected)) => {
                let found: Vec<_> =
                    lockfile.packages.iter().map(|p| (&*p.name, &*p.dependencies)).collect();
                assert_eq!(found, expected);
            }
            (Err(e), Err(message)) => assert!(e.message.contains(message), "{}", e.message),
            (found, _) => panic!("unexpected: {found:?}"),
        }
    }

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, rest: &str) -> String {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n")
    }

    #[test]
    fn without_a_source_the_local_package_is_meant_wherever_it_stands() {
        let registry = package("twin", "1.0.0", &format!("source = \"{REGISTRY}\""));
        let local = package("twin", "1.0.0", "");
        let user = package("user", "0.1.0", "dependencies = [\"twin 1.0.0\"]");
        let explicit =
            package("wide", "0.1.0", &format!("dependencies = [\"twin 1.0.0 ({REGISTRY})\"]"));
        check(
            &format!("version = 4\n{registry}{local}{user}{explicit}"),
            Ok(&[("twin", &[]), ("twin", &[]), ("user", &[1]), ("wide", &[0])]),
        );
        check(
            &format!("version = 4\n{local}{registry}{user}"),
            Ok(&[("twin", &[]), ("twin", &[]), ("user", &[0])]),
        );
    }

    #[test]
    fn version_one_keeps_checksums_apart_and_dependencies_in_full() {
        let text = format!(
            "[root]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0 ({REGISTRY})\"]\n{}\
             [metadata]\n\"checksum a 1.0.0 ({REGISTRY})\" = \"{}\"\n",
            package("a", "1.0.0", &format!("source = \"{REGISTRY}\"")),
            "ab".repeat(32),
        );
        let lockfile = parse("Cargo.lock", text.as_bytes()).unwrap();
        assert_eq!(lockfile.version, 1);
        assert_eq!(lockfile.packages[0].dependencies, [1]);
        assert_eq!(lockfile.packages[1].checksum.unwrap().to_string(), "ab".repeat(32));
    }

    #[test]
    fn nothing_is_invented() {
        check("version = 5\n", Err("version 5 is unknown"));
        check("version = 0\n", Err("version 0 is unknown"));
        check("version = 4\nversion = 4\n", Err("duplicate key"));
        check(&package("a", "1", ""), Err("not a version"));
        check(&package("a\\u001b[2J", "1.0.0", ""), Err("not a package name"));
        check(&package("", "1.0.0", ""), Err("not a package name"));
        check(&package("a", "1.0.0", "source = \"ftp+x\""), Err("unknown kind of source"));
        check(&package("a", "1.0.0", "checksum = \"ABCD\""), Err("not a checksum"));
        check(&package("a", "1.0.0", "dependencies = [\"b\"]"), Err("no package of this name"));
        check(&package("a", "1.0.0", "").repeat(2), Err("stands twice"));
        let ambiguous = package("b", "1.0.0", "") + &package("b", "2.0.0", "");
        check(
            &(ambiguous + &package("a", "1.0.0", "dependencies = [\"b\"]")),
            Err("more than one"),
        );
        check("a = 1\n<<<<<<< HEAD\n", Err("merge conflict"));
        check("<<<<<<< HEAD\n", Err("merge conflict"));
        check(&format!("package = [{}]", "{},".repeat(10)), Err("missing field"));
        check(&format!("x = {}", "[".repeat(10_000)), Err("recursion depth"));
    }

    #[test]
    fn an_empty_lockfile_has_no_packages() {
        check("version = 4\n", Ok(&[]));
    }
}
