//! Collects evidence by running a workspace's own tests: the one place where weft runs what a tree holds.
//!
//! It is asked for by name, `cargo weft evidence collect`, and no gate does it: gates read what was collected.

pub mod bench;
pub mod copy;
pub mod fuzz;
pub mod libtest;
pub mod mutation;
pub mod nextest;
pub mod symbol;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use weft_gate::claim::TestName;
use weft_gate::evidence::Materials;
use weft_verify::Sha256;

/// What tests are run with.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The workspace root.
    pub root: PathBuf,
    /// Arguments of Cargo that choose features.
    pub features: Vec<String>,
    /// The target triple, if another than the host's is asked for.
    pub target: Option<String>,
    /// The workspace's packages, by name.
    pub packages: BTreeMap<String, Package>,
    /// Where Cargo builds.
    pub built: PathBuf,
    /// The compiler, as it names itself, and its host.
    toolchain: String,
    host: String,
}

/// A member of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    name: String,
    /// Its manifest.
    pub manifest_path: PathBuf,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// A target of a member.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    /// `lib`, `test`, `bin` and others.
    pub kind: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its root.
    pub src_path: PathBuf,
}

impl Target {
    /// Says whether it is the package's library.
    pub fn is_library(&self) -> bool {
        self.kind.iter().any(|kind| kind.ends_with("lib") || kind == "proc-macro")
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

impl Workshop {
    /// Asks Cargo and the compiler what there is.
    ///
    /// # Errors
    ///
    /// What they say.
    pub fn open(
        root: &Path,
        features: Vec<String>,
        target: Option<String>,
    ) -> Result<Self, String> {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let said = text(run(rustc.arg("-vV").current_dir(root))?)?;
        let toolchain = said.lines().next().unwrap_or_default().to_owned();
        let host = said.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("rustc does not name its host")?.to_owned();
        let mut shop = Self {
            root: root.to_owned(),
            features,
            target,
            packages: BTreeMap::new(),
            built: PathBuf::new(),
            toolchain,
            host,
        };
        let mut metadata = shop.cargo(root);
        metadata.args(["metadata", "--no-deps", "--format-version=1", "--locked"]);
        let said = text(run(&mut metadata)?)?;
        let metadata: Metadata =
            serde_json::from_str(&said).map_err(|e| format!("cargo metadata: {e}"))?;
        shop.built = metadata.target_directory;
        shop.packages =
            metadata.packages.into_iter().map(|package| (package.name.clone(), package)).collect();
        Ok(shop)
    }

    /// Says whether evidence was made with this compiler, for this target and with these features.
    pub fn is_made_with(&self, materials: &Materials) -> bool {
        let target = self.target.as_ref().unwrap_or(&self.host);
        materials.toolchain == self.toolchain
            && materials.target == *target
            && materials.features == self.features
    }

    /// Returns a call of Cargo in a directory.
    pub fn cargo(&self, directory: &Path) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(directory).env("CARGO_TERM_COLOR", "never");
        cargo.env_remove("CARGO_TERM_QUIET").env_remove("RUST_TEST_THREADS");
        cargo
    }

    /// Returns the arguments that choose features and the target.
    pub fn selection(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = self.features.iter().map(OsString::from).collect();
        if let Some(target) = &self.target {
            arguments.extend(["--target".into(), target.into()]);
        }
        arguments
    }

    /// Returns the arguments that choose a test's binary.
    ///
    /// # Errors
    ///
    /// A sentence: there is no such package or target.
    pub fn binary(&self, test: &TestName) -> Result<Vec<String>, String> {
        let package = self.packages.get(&test.package);
        let package = package.ok_or_else(|| format!("there is no package `{}`", test.package))?;
        let mut arguments = vec!["--package".to_owned(), test.package.clone()];
        if test.binary == "lib" {
            arguments.push("--lib".to_owned());
            return Ok(arguments);
        }
        let target = package.targets.iter().find(|target| target.name == test.binary);
        let target = target.filter(|target| !target.is_library()).ok_or_else(|| {
            format!("`{}` has no target `{}`; its library is `lib`", test.package, test.binary)
        })?;
        let kind = target.kind.first().map_or("test", String::as_str);
        arguments.extend([format!("--{kind}"), target.name.clone()]);
        Ok(arguments)
    }

    /// Says what evidence is made with; `runner` names what runs the tests.
    ///
    /// # Errors
    ///
    /// A sentence: the lockfile cannot be read.
    pub fn materials(&self, runner: String) -> Result<Materials, String> {
        let lockfile = std::fs::read(self.root.join("Cargo.lock"))
            .map_err(|e| format!("Cargo.lock cannot be read: {e}"))?;
        let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].map(|name| {
            env::var_os(name).map_or(String::new(), |flags| flags.to_string_lossy().into_owned())
        });
        Ok(Materials {
            features: self.features.clone(),
            lockfile: Sha256::of(&lockfile),
            runner,
            rustflags: Sha256::of(flags.join("\n").as_bytes()),
            target: self.target.clone().unwrap_or_else(|| self.host.clone()),
            toolchain: self.toolchain.clone(),
        })
    }
}

/// Runs a program to its end and keeps what it prints.
///
/// # Errors
///
/// A sentence: it cannot be started.
pub fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    command.output().map_err(|e| format!("{program} cannot be run: {e}"))
}

/// Returns what a program printed, if it ended well.
///
/// # Errors
///
/// The end of what it said.
pub fn text(output: Output) -> Result<String, String> {
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(|_| "it printed no UTF-8".to_owned()),
        false => Err(last_words(&output)),
    }
}

/// How many lines of an error are told.
const MAX_LINES: usize = 6;

/// Returns the first error that a program spoke of, or its last line.
pub fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.iter().position(|line| line.starts_with("error")) {
        Some(error) => lines[error..].iter().take(MAX_LINES).copied().collect::<Vec<_>>().join(" "),
        None => (*lines.last().unwrap_or(&"it said nothing")).to_owned(),
    }
}

/// Returns the version that a tool prints, or `None` if it is not there.
pub fn version(cargo: &mut Command) -> Option<String> {
    let said = text(run(cargo).ok()?).ok()?;
    let line = said.lines().next()?;
    Some(
        line.split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?
            .to_owned(),
    )
}
