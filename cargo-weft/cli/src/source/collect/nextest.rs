//! Runs tests with cargo-nextest, and reads the JUnit report that it writes; or one that somebody else had it write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use semver::Version;
use weft_gate::claim::TestName;
use weft_gate::evidence::Outcome;
use weft_gate::input::junit::{self, Report};

use super::{Workshop, last_words, run, version};

/// The first version that reports tests that it skipped.
const FIRST: Version = Version::new(0, 9, 143);

/// Says which version is there, if it is new enough.
pub fn available(shop: &Workshop) -> Option<String> {
    let found = version(shop.cargo(&shop.root).args(["nextest", "--version"]))?;
    (found.parse::<Version>().ok()? >= FIRST).then_some(found)
}

/// Runs the named tests without repeating any.
///
/// # Errors
///
/// A sentence: they cannot be built, or the report cannot be read.
pub fn tests(
    shop: &Workshop,
    wanted: &BTreeSet<TestName>,
) -> Result<BTreeMap<TestName, Outcome>, String> {
    let scratch = tempfile::tempdir().map_err(|e| e.to_string())?;
    let config = scratch.path().join("weft.toml");
    let report = scratch.path().join("junit.xml");
    let place = serde_json::Value::String(report.display().to_string());
    let text = format!(
        "[profile.weft]\nretries = 0\n[profile.weft.junit]\npath = {place}\nreport-skipped = \"all\"\n"
    );
    fs::write(&config, text).map_err(|e| e.to_string())?;
    let mut cargo = shop.cargo(&shop.root);
    cargo.args(["nextest", "run", "--locked", "--no-fail-fast", "--no-tests", "pass"]);
    cargo.args(["--profile", "weft", "--retries", "0", "--tool-config-file"]);
    cargo.arg(format!("weft:{}", config.display()));
    cargo.env_remove("NEXTEST_RETRIES").env_remove("NEXTEST_PROFILE");
    let packages: BTreeSet<&str> = wanted.iter().map(|test| &*test.package).collect();
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.args(shop.selection()).args(["--filterset", &filter(wanted)]);
    let output = run(&mut cargo)?;
    if !report.is_file() {
        return Err(last_words(&output));
    }
    read(&report, shop, wanted)
}

fn filter(wanted: &BTreeSet<TestName>) -> String {
    let tests: Vec<String> = wanted
        .iter()
        .map(|test| format!("(package(={}) & test(={}))", test.package, test.test))
        .collect();
    tests.join(" | ")
}

/// Reads the outcomes of the named tests from a report.
///
/// # Errors
///
/// A sentence with the reason.
pub fn read(
    path: &Path,
    shop: &Workshop,
    wanted: &BTreeSet<TestName>,
) -> Result<BTreeMap<TestName, Outcome>, String> {
    let name = path.display().to_string();
    let bytes = crate::source::files::read_bounded(path, junit::MAX_BYTES);
    let bytes = bytes.map_err(|e| format!("{name} {e}"))?;
    let report = junit::parse(&name, &bytes).map_err(|e| format!("{name} {}", e.message))?;
    Ok(wanted.iter().map(|test| (test.clone(), outcome(&report, shop, test))).collect())
}

fn outcome(report: &Report, shop: &Workshop, test: &TestName) -> Outcome {
    let kind = shop.packages.get(&test.package).and_then(|package| {
        let target = package.targets.iter().find(|target| target.name == test.binary)?;
        target.kind.first().map(String::as_str)
    });
    // nextest's binary ids (`binary-id` in its manual).
    let id = match (&*test.binary, kind) {
        ("lib", _) => test.package.clone(),
        (name, Some("test")) => format!("{}::{name}", test.package),
        (name, Some(kind)) => format!("{}::{kind}/{name}", test.package),
        (_, None) => return Outcome::Missing,
    };
    report.get(&(id, test.test.clone())).copied().unwrap_or(Outcome::Missing)
}
