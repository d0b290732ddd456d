//! What this machine builds with: compiler, Cargo, linker, settings and variables.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;
use weft_gate::release::reproduce::{self, Build, Environment, Rustc, SCHEMA, is_allowed};
use weft_verify::Sha256;

use crate::source::collect::{run, text};
use crate::source::{cargo, files};

/// The largest configuration of Cargo that is read, in bytes.
const MAX_CONFIG: usize = 1 << 20;

/// Tables of Cargo's configuration that say what is built, or where packages come from instead.
const TABLES: [&str; 8] =
    ["build", "env", "host", "patch", "paths", "profile", "target", "unstable"];

/// Keys of `build` that change no byte of what is built.
const HARMLESS: [&str; 3] = ["jobs", "target-dir", "build-dir"];

/// Variables that steer a build and are not recorded, or their beginnings.
const UNRECORDED: [&str; 10] = [
    "AR",
    "CC",
    "CXX",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_TARGET_",
    "LD",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
];

/// Describes what builds in a directory of the sources whose top is `top`, by programs that lie outside of `checkout`.
///
/// The compiler is asked there, so a toolchain file of the sources is obeyed.
///
/// # Errors
///
/// A sentence: a program or a configuration cannot be asked.
pub fn describe(
    directory: &Path,
    top: &Path,
    checkout: &Path,
    build: Build,
    variables: BTreeMap<String, String>,
) -> Result<Environment, String> {
    let ask = |program: PathBuf, argument: &str| {
        let mut command = Command::new(&program);
        command.arg(argument).current_dir(directory).env_clear();
        command.envs(cargo::environment(checkout, false)).env("LC_ALL", "C");
        text(run(&mut command)?)
    };
    let rustc = cargo::find_program("rustc", checkout).ok_or("no rustc is installed")?;
    let rustc = compiler(&ask(rustc, "-vV")?)?;
    let found = cargo::find_cargo(checkout).map_err(|failure| failure.reason)?;
    let cargo = ask(found, "-V")?;
    let cargo = cargo.trim().trim_start_matches("cargo ").to_owned();
    let linker = cargo::find_program("cc", checkout).filter(|_| cfg!(unix));
    let linker = linker.and_then(|cc| ask(cc, "--version").ok());
    let linker = linker.and_then(|said| said.lines().next().map(str::to_owned));
    let settings = settings(top)?;
    Ok(Environment { build, cargo, linker, rustc, schema: SCHEMA, settings, variables })
}

/// Demands that a toolchain file, at or above a directory, names a toolchain that is installed here: rustup would take
/// programs from a path, and those of the sources are anybody's.
///
/// # Errors
///
/// A sentence: a file names a path, or cannot be read.
pub fn demand_installed(directory: &Path) -> Result<(), String> {
    for above in directory.ancestors() {
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = above.join(name);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let bytes = files::read_bounded(&path, MAX_CONFIG);
            let bytes = bytes.map_err(|why| format!("the toolchain file {name} {why}"))?;
            if is_by_path(&bytes) {
                return Err(format!(
                    "the toolchain file {name} names no toolchain by its channel alone; a `path` is not followed, since its programs would be run"
                ));
            }
        }
    }
    Ok(())
}

/// Says whether a toolchain file names a place, or may do so.
fn is_by_path(bytes: &[u8]) -> bool {
    let is_place = |text: &str| text.contains(['/', '\\']);
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    // The old form is a line with a name, and no table.
    if text.trim().lines().count() == 1 && !text.contains(['=', '[']) {
        return is_place(text);
    }
    let Ok(table) = text.parse::<Table>() else { return true };
    let Some(toolchain) = table.get("toolchain") else { return false };
    let Some(toolchain) = toolchain.as_table() else { return true };
    let is_odd = |channel: &toml::Value| channel.as_str().is_none_or(is_place);
    toolchain.contains_key("path") || toolchain.get("channel").is_some_and(is_odd)
}

/// Reads what `rustc -vV` says.
fn compiler(said: &str) -> Result<Rustc, String> {
    let field = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.map(str::to_owned).ok_or_else(|| format!("rustc -vV does not say its {name}"))
    };
    Ok(Rustc {
        commit_hash: field("commit-hash")?,
        host: field("host")?,
        llvm: field("LLVM version")?,
        release: field("release")?,
    })
}

/// Returns the digest of what Cargo's configuration above the sources, and the user's own, says about builds.
fn settings(top: &Path) -> Result<Option<Sha256>, String> {
    let above = top.ancestors().skip(1).map(|above| above.join(".cargo"));
    let mut seen = BTreeSet::new();
    let mut said = String::new();
    for directory in above.chain(cargo::cargo_home()) {
        // Cargo prefers the old name.
        let paths = ["config", "config.toml"].map(|name| directory.join(name));
        let Some(path) = paths.iter().find(|path| path.is_file()) else { continue };
        if !seen.insert(path.canonicalize().map_err(|e| e.to_string())?) {
            continue;
        }
        let shown = "Cargo's configuration outside of the sources";
        let bytes =
            files::read_bounded(path, MAX_CONFIG).map_err(|why| format!("{shown} {why}"))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))?;
        let mut table: Table = text.parse().map_err(|_| format!("{shown} is not TOML"))?;
        if table.contains_key("include") {
            return Err(format!("{shown} includes other files, which are not read"));
        }
        if let Some(build) = table.get_mut("build").and_then(toml::Value::as_table_mut) {
            build.retain(|key, _| !HARMLESS.contains(&key));
        }
        table.retain(|key, value| {
            TABLES.contains(&key) && value.as_table().is_none_or(|table| !table.is_empty())
        });
        said += &toml::to_string(&table).map_err(|e| e.to_string())?;
    }
    Ok((!said.is_empty()).then(|| Sha256::of(said.as_bytes())))
}

/// Names the places of a build, each as it is written and as it really is.
pub fn places(top: &Path, target: &Path) -> BTreeMap<String, Vec<String>> {
    let both = |path: &Path| {
        let mut both = vec![path.display().to_string()];
        both.extend(path.canonicalize().map(|real| real.display().to_string()));
        both.dedup();
        both
    };
    let mut places =
        BTreeMap::from([("SOURCE".to_owned(), both(top)), ("TARGET_DIR".to_owned(), both(target))]);
    places.extend(cargo::cargo_home().map(|home| ("CARGO_HOME".to_owned(), both(&home))));
    places
}

/// Returns the variables that are recorded, with names instead of places.
///
/// # Errors
///
/// A sentence: a value is not text, or holds an absolute path that has no name and is not what another is remapped to.
pub fn variables(
    allowed: &BTreeSet<String>,
    places: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str().filter(|name| is_allowed(allowed, name)) else { continue };
        let value = value.to_str().ok_or_else(|| format!("{name} is not UTF-8"))?;
        let value = reproduce::named(value, places).map_err(|why| format!("{name} {why}"))?;
        if let Some(path) = path_of_this_machine(&value) {
            return Err(format!(
                "{name} holds {path}, a path of this machine; put what it names in the sources, and begin relative paths with `./`"
            ));
        }
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

/// Lists variables that are set, steer a build, and are not part of a contract.
pub fn unrecorded(allowed: &BTreeSet<String>) -> Vec<String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let steers = |name: &String| {
        let is_one =
            |steers: &&str| name == steers || steers.ends_with('_') && name.starts_with(*steers);
        UNRECORDED.iter().any(is_one) && name != "CARGO_TARGET_DIR" && !is_allowed(allowed, name)
    };
    let mut names: Vec<String> = names.filter(steers).collect();
    names.sort();
    names
}

/// Options that say what a path is to be called instead.
const REMAPS: [&str; 4] =
    ["--remap-path-prefix", "-ffile-prefix-map", "-fdebug-prefix-map", "-fmacro-prefix-map"];

/// Returns an absolute path in a value, whether there is anything or not; what a path is remapped to is none of here.
fn path_of_this_machine(value: &str) -> Option<&str> {
    let words = value.split(|c: char| c.is_whitespace() || c == '\u{1f}');
    let mut before = "";
    words.into_iter().find_map(|word| {
        let behind = |option: &&str| word.strip_prefix(*option)?.strip_prefix('=');
        let pair = REMAPS.iter().find_map(behind);
        let pair = pair.or_else(|| REMAPS.contains(&before).then_some(word));
        before = word;
        let looked = pair.and_then(|pair| pair.rsplit_once('=')).map_or(word, |(from, _)| from);
        absolute(looked)
    })
}

/// Returns the first absolute path in a word: one that no name stands before, or only the letters of an option.
fn absolute(word: &str) -> Option<&str> {
    let is_of_a_path = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '$' | '{' | '}' | '/' | '\\')
    };
    let pieces = word.split(|c: char| !is_of_a_path(c));
    let names = |piece: &str| piece.contains(char::is_alphanumeric);
    let mut drive = false;
    pieces.into_iter().find_map(|piece| {
        let is_behind_drive =
            std::mem::replace(&mut drive, piece.ends_with(|c: char| c.is_ascii_alphabetic()));
        let from = match piece.find('/') {
            Some(0) => 0,
            Some(slash) if piece.starts_with('-') => {
                let option = &piece[..slash];
                option.chars().all(|c| c.is_ascii_alphabetic() || c == '-').then_some(slash)?
            }
            _ if piece.starts_with("\\\\") => 0,
            _ if piece.starts_with('\\') && is_behind_drive => 0,
            _ => return None,
        };
        Some(&piece[from..]).filter(|path| names(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_known_by_four_fields() {
        let said = "rustc 1.0.0\nbinary: rustc\ncommit-hash: c\nhost: h\nrelease: 1.0.0\nLLVM version: 9\n";
        let expected = Rustc {
            commit_hash: "c".into(),
            host: "h".into(),
            llvm: "9".into(),
            release: "1.0.0".into(),
        };
        assert_eq!(compiler(said), Ok(expected));
        assert!(compiler("rustc 1.0.0\n").unwrap_err().contains("commit-hash"));
    }

    #[test]
    #[cfg(unix)]
    fn paths_of_this_machine_are_found_wherever_they_stand() {
        for value in [
            "/nowhere",
            "-L/nowhere/at/all",
            "-isystem/nowhere",
            "-C link-arg=-L/nowhere",
            "-Wl,-L/nowhere",
            "a\u{1f}--x=/nowhere/",
            "b,/nowhere",
            "-I\"/nowhere\"",
            "@/nowhere",
            "a:/nowhere",
            "~/a",
            "C:\\a",
            "-LC:/a",
            "\\\\server\\a",
            "--remap-path-prefix=/nowhere=/a",
            "-ffile-prefix-map=/nowhere=/a",
            "--remap-path-prefix /nowhere=/a",
            "--other=${SOURCE}=/nowhere",
        ] {
            assert!(path_of_this_machine(value).is_some(), "{value:?}");
        }
        for value in [
            "",
            "3",
            "-C opt-level=3",
            "a/usr",
            "/",
            "-I./src",
            "-L${SOURCE}/lib",
            "-Wl,-rpath,$ORIGIN/../lib",
            "Europe/Berlin",
            "-DNAME=\\\"x\\\"",
            "--remap-path-prefix=${SOURCE}=/nowhere",
            "--remap-path-prefix\u{1f}${SOURCE}=/nowhere",
            "-ffile-prefix-map=${SOURCE}=/a -g",
        ] {
            assert_eq!(path_of_this_machine(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_toolchain_is_named_by_its_channel() {
        for text in [
            "stable\n",
            "1.91.0",
            "[toolchain]\nchannel = \"1.91\"\ncomponents = [\"clippy\"]\n",
            "[toolchain]\nprofile = \"minimal\"\n",
        ] {
            assert!(!is_by_path(text.as_bytes()), "{text}");
        }
        for text in [
            "[toolchain]\npath = \"/evil\"\n",
            "toolchain.path = \"evil\"",
            "toolchain = { path = \"/evil\" }\n",
            "[toolchain]\nchannel = \"/evil\"\n",
            "/evil\n",
            "..\\evil",
            "[toolchain\npath",
        ] {
            assert!(is_by_path(text.as_bytes()), "{text}");
        }
    }
}
