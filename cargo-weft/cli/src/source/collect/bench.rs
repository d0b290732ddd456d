//! Counts the instructions of a benchmark with Valgrind's callgrind: times depend on the machine, counts hardly do.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use super::{Workshop, last_words, run, text, version};

/// Says which version of Valgrind is there.
pub fn available() -> Option<String> {
    let said = text(run(Command::new("valgrind").arg("--version")).ok()?).ok()?;
    said.trim().strip_prefix("valgrind-").map(str::to_owned)
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Built>,
}

#[derive(Deserialize)]
struct Built {
    name: String,
}

/// Builds a benchmark and returns its program.
///
/// # Errors
///
/// What Cargo says.
pub fn build(shop: &Workshop, package: &str, bench: &str) -> Result<PathBuf, String> {
    let mut cargo = shop.cargo(&shop.root);
    cargo.args(["bench", "--locked", "--no-run", "--message-format=json"]);
    cargo.args(["--package", package, "--bench", bench]).args(shop.selection());
    let said = text(run(&mut cargo)?)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut built = messages.filter(|m| m.target.as_ref().is_some_and(|t| t.name == bench));
    built
        .rfind(|m| m.executable.is_some())
        .and_then(|m| m.executable)
        .ok_or_else(|| format!("cargo builds no `{bench}`"))
}

/// Counts the instructions of one run.
///
/// # Errors
///
/// A sentence: the program fails, or Valgrind says no count.
pub fn instructions(
    shop: &Workshop,
    program: &PathBuf,
    arguments: &[String],
) -> Result<u64, String> {
    let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut valgrind = Command::new("valgrind");
    let out = format!("--callgrind-out-file={}", scratch.path().join("out").display());
    valgrind.args(["--tool=callgrind", &out]).arg(program).arg("--bench").args(arguments);
    let output = run(valgrind.current_dir(&shop.root))?;
    if !output.status.success() {
        return Err(last_words(&output));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let count =
        said.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    count.ok_or_else(|| "valgrind says no count".to_owned())
}

/// Says what is missing, as a sentence with the command that installs it.
pub fn advice() -> &'static str {
    "valgrind is not installed: `apt install valgrind`, or your system's way"
}

/// Names the tool and its version.
pub fn runner(shop: &Workshop) -> Option<String> {
    let cargo = version(shop.cargo(&shop.root).arg("--version"))?;
    Some(format!("cargo {cargo} with valgrind {}", available()?))
}
