//! Runs tests with `cargo test`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use weft_gate::claim::TestName;
use weft_gate::evidence::Outcome;
use weft_gate::input::libtest;

use super::{Workshop, last_words, run};

/// Runs the named tests, each binary once, and says how each ended.
///
/// Nothing is repeated. What cannot be built or read is [`Outcome::Unknown`], with the reason in `notes`.
pub fn tests(
    shop: &Workshop,
    wanted: &BTreeSet<TestName>,
    notes: &mut Vec<String>,
    progress: impl Fn(&str),
) -> BTreeMap<TestName, Outcome> {
    let mut by_binary = BTreeMap::<(&str, &str), Vec<&TestName>>::new();
    for test in wanted {
        by_binary.entry((&test.package, &test.binary)).or_default().push(test);
    }
    let mut outcomes = BTreeMap::new();
    for ((package, binary), tests) in by_binary {
        progress(&format!("{package} {binary}"));
        match of_binary(shop, &shop.root, &tests) {
            Ok(found) => outcomes.extend(found),
            Err(reason) => {
                notes.push(format!("{package} {binary}: {reason}"));
                outcomes.extend(tests.into_iter().map(|t| (t.clone(), Outcome::Unknown)));
            }
        }
    }
    outcomes
}

fn of_binary(
    shop: &Workshop,
    directory: &Path,
    tests: &[&TestName],
) -> Result<BTreeMap<TestName, Outcome>, String> {
    let Some(first) = tests.first() else { return Ok(BTreeMap::new()) };
    let binary = shop.binary(first)?;
    let call = |more: &[&str]| {
        let mut cargo = shop.cargo(directory);
        cargo.args(["test", "--locked"]).args(&binary).args(shop.selection());
        cargo.arg("--").args(more);
        cargo
    };
    let list = run(&mut call(&["--list", "--format", "terse"]))?;
    if !list.status.success() {
        return Err(last_words(&list));
    }
    let known: BTreeSet<String> =
        libtest::list(&String::from_utf8_lossy(&list.stdout)).into_iter().collect();
    let mut arguments = vec!["--exact"];
    arguments.extend(tests.iter().map(|test| &*test.test).filter(|test| known.contains(*test)));
    let mut found = BTreeMap::new();
    if arguments.len() > 1 {
        let output = run(&mut call(&arguments))?;
        found = libtest::outcomes(&String::from_utf8_lossy(&output.stdout))?;
        let all_passed = found.values().all(|o| matches!(o, Outcome::Passed | Outcome::Ignored));
        if all_passed != output.status.success() {
            return Err("its exit status is not that of its tests".to_owned());
        }
    }
    let outcome = |test: &&TestName| match (known.contains(&test.test), found.get(&test.test)) {
        (false, _) => Outcome::Missing,
        (true, None) => Outcome::NotRun,
        (true, Some(outcome)) => *outcome,
    };
    Ok(tests.iter().map(|test| ((*test).clone(), outcome(test))).collect())
}

/// Says whether one test passes in a directory: `None` if it cannot be built there.
///
/// # Errors
///
/// A sentence: Cargo cannot be run.
pub fn passes(
    shop: &Workshop,
    directory: &Path,
    target: &Path,
    test: &TestName,
) -> Result<Option<bool>, String> {
    let binary = shop.binary(test)?;
    let call = || {
        let mut cargo = shop.cargo(directory);
        cargo.arg("test").args(&binary).args(shop.selection());
        cargo.arg("--target-dir").arg(target);
        cargo
    };
    if !run(call().arg("--no-run"))?.status.success() {
        return Ok(None);
    }
    let output = run(call().args(["--", "--exact", &test.test]))?;
    let found = libtest::outcomes(&String::from_utf8_lossy(&output.stdout));
    let passed = found.is_ok_and(|found| found.get(&test.test) == Some(&Outcome::Passed));
    Ok(Some(passed && output.status.success()))
}

/// Runs the examples in the documentation of a package, and returns them by item in the order of their lines.
///
/// # Errors
///
/// A sentence: they cannot be built or read.
pub fn examples(shop: &Workshop, package: &str) -> Result<BTreeMap<String, Vec<Outcome>>, String> {
    let mut cargo = shop.cargo(&shop.root);
    cargo.args(["test", "--locked", "--doc", "--package", package]).args(shop.selection());
    let output = run(&mut cargo)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let outcomes = libtest::outcomes(&said).map_err(|e| format!("{e}: {}", last_words(&output)))?;
    let mut examples: Vec<_> = outcomes
        .into_iter()
        .filter_map(|(name, outcome)| {
            let example = libtest::example(&name)?;
            let outcome = match (outcome, example.ran) {
                (Outcome::Passed, false) => Outcome::NotRun,
                (outcome, _) => outcome,
            };
            Some((example, outcome))
        })
        .collect();
    examples.sort_by(|a, b| (&a.0.file, a.0.line).cmp(&(&b.0.file, b.0.line)));
    let mut by_item = BTreeMap::<String, Vec<Outcome>>::new();
    for (example, outcome) in examples {
        by_item.entry(example.item).or_default().push(outcome);
    }
    Ok(by_item)
}
