//! Breaks a function in a copy, and sees whether a test notices.
//!
//! That a test executes a function is shown by a probe, which ends the process where the body begins; that it is
//! sensitive, by cargo-mutants, which tries the ways to break the body.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use weft_gate::claim::TestName;
use weft_gate::evidence::Mutants;

use super::copy::Copy;
use super::symbol::{self, Found};
use super::{Workshop, last_words, libtest, run, text, version};

/// How many seconds a mutant's tests may take.
const TIMEOUT: &str = "300";

/// Says which version of cargo-mutants is there.
pub fn available(shop: &Workshop) -> Option<String> {
    version(shop.cargo(&shop.root).args(["mutants", "--version"]))
}

/// A copy to break functions in, and where it is built.
#[derive(Debug)]
pub struct Breaker {
    copy: Copy,
    target: PathBuf,
}

impl Breaker {
    /// Makes a copy.
    ///
    /// # Errors
    ///
    /// Those of [`Copy::of`].
    pub fn open(shop: &Workshop) -> Result<Self, String> {
        Ok(Self { copy: Copy::of(&shop.root)?, target: shop.built.join("weft-probe") })
    }

    /// Says whether a test passes in the copy as it is: otherwise that it fails in a broken one shows nothing.
    ///
    /// # Errors
    ///
    /// A sentence: it cannot be built there, or fails.
    pub fn control(&self, shop: &Workshop, test: &TestName) -> Result<(), String> {
        match libtest::passes(shop, &self.copy.root(), &self.target, test)? {
            Some(true) => Ok(()),
            Some(false) => Err("the test fails in a copy of the sources".to_owned()),
            None => Err("a copy of the sources cannot be built".to_owned()),
        }
    }

    /// Says whether a test executes a function.
    ///
    /// # Errors
    ///
    /// A sentence: no probe can be built into it.
    pub fn reaches(&self, shop: &Workshop, test: &TestName, found: &Found) -> Result<bool, String> {
        let path = self.copy.root().join(&found.file);
        let sound = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", found.file))?;
        let exit = " if true { ::std::process::exit(86); } ";
        let panic = " if true { panic!(\"weft probe\"); } ";
        // A constant function cannot exit; a panic it can, and a test that swallows it is then not seen to reach.
        let probes = if found.function.is_const { vec![panic] } else { vec![exit, panic] };
        let mut seen = Err(format!("no probe can be built into `{}`", found.function.path));
        for probe in probes {
            let mut broken = sound.clone();
            broken.insert_str(found.function.body, probe);
            fs::write(&path, broken).map_err(|e| e.to_string())?;
            if let Some(passes) = libtest::passes(shop, &self.copy.root(), &self.target, test)? {
                seen = Ok(!passes);
                break;
            }
        }
        fs::write(&path, sound).map_err(|e| e.to_string())?;
        seen
    }

    /// Tries the ways to break a function that cargo-mutants knows, with tests of one binary.
    ///
    /// # Errors
    ///
    /// A sentence: cargo-mutants fails.
    pub fn mutate(
        &self,
        shop: &Workshop,
        tests: &[TestName],
        found: &Found,
    ) -> Result<Mutants, String> {
        let Some(test) = tests.first() else { return Err("no test is named".to_owned()) };
        let mut mutants = Mutants {
            files: symbol::files(shop, test, found)?,
            caught: Vec::new(),
            missed: Vec::new(),
            skipped: found.function.skips_mutation,
            tests: if tests.len() > 1 { tests.to_vec() } else { Vec::new() },
        };
        for test in tests.iter().skip(1) {
            mutants.files.extend(symbol::files(shop, test, found)?);
        }
        if mutants.skipped {
            return Ok(mutants);
        }
        let lines = lines(shop, found)?;
        if lines.is_empty() {
            return Ok(mutants);
        }
        let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
        let alternatives: Vec<String> = lines.iter().map(usize::to_string).collect();
        let wanted = format!("^{}:({}):", escape(&found.file), alternatives.join("|"));
        // The copy is there to be broken, and what it is built from need not be built again.
        let mut cargo = shop.cargo(&self.copy.root());
        cargo.env("CARGO_TARGET_DIR", &self.target);
        cargo.args(["mutants", "--in-place", "--baseline", "skip", "--timeout", TIMEOUT]);
        cargo.arg("--no-shuffle");
        cargo.args(["--colors", "never", "--package", &found.package, "--file", &found.file]);
        cargo.args(["--re", &wanted, "--test-package", &test.package]);
        cargo.arg("--output").arg(scratch.path());
        cargo.arg("--").args(shop.selection());
        // The package is chosen above; what is left says which of its binaries.
        cargo.args(shop.binary(test)?.into_iter().skip(2)).args(["--", "--exact"]);
        cargo.args(tests.iter().map(|test| &test.test));
        let output = run(&mut cargo)?;
        // 0: all caught, 2: some missed, 3: some timed out.
        if !matches!(output.status.code(), Some(0 | 2 | 3)) {
            return Err(last_words(&output));
        }
        let results = scratch.path().join("mutants.out");
        let text = fs::read_to_string(results.join("outcomes.json")).map_err(|e| e.to_string())?;
        let outcomes: Outcomes =
            serde_json::from_str(&text).map_err(|e| format!("cargo mutants: {e}"))?;
        for outcome in outcomes.outcomes {
            let Scenario::Mutant { name } = outcome.scenario else { continue };
            let log = fs::read(results.join(&outcome.log_path)).map_err(|e| e.to_string())?;
            let log = String::from_utf8_lossy(&log);
            // A test that could not be started fails as well, and notices nothing.
            let ran = log.lines().any(|line| line == format!("running {} tests", tests.len()))
                || tests.len() == 1 && log.lines().any(|line| line == "running 1 test");
            match &*outcome.summary {
                "CaughtMutant" | "Timeout" | "MissedMutant" if !ran => {
                    return Err(format!("the test does not run under cargo-mutants: {name}"));
                }
                "CaughtMutant" | "Timeout" => mutants.caught.push(name),
                "MissedMutant" => mutants.missed.push(name),
                "Unviable" => {}
                other => return Err(format!("cargo-mutants says `{other}` of {name}")),
            }
        }
        mutants.caught.sort();
        mutants.missed.sort();
        Ok(mutants)
    }
}

#[derive(Deserialize)]
struct Listed {
    file: String,
    span: ListedSpan,
}

#[derive(Deserialize)]
struct ListedSpan {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    log_path: PathBuf,
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String },
}

/// Returns the lines of a function that something can be broken in.
fn lines(shop: &Workshop, found: &Found) -> Result<Vec<usize>, String> {
    let mut cargo = shop.cargo(&shop.root);
    cargo.args(["mutants", "--list", "--json", "--package", &found.package]);
    let listed = text(run(cargo.args(["--file", &found.file]))?)?;
    let listed: Vec<Listed> =
        serde_json::from_str(&listed).map_err(|e| format!("cargo mutants --list: {e}"))?;
    let (first, last) = found.function.lines;
    let inside = listed.into_iter().filter(|mutant| mutant.file == found.file);
    let mut lines: Vec<usize> = inside.map(|mutant| mutant.span.start.line).collect();
    lines.retain(|line| (first..=last).contains(line));
    lines.sort_unstable();
    lines.dedup();
    Ok(lines)
}

/// Escapes what a regular expression would read.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && !matches!(c, '/' | '_' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
