//! The vector runner: public vectors, and our own in `tests/vectors`.
//!
//! It takes whatever of the files named in `tests/vectors/README.md` a folder has: our own folder always, the folder
//! that `WEFT_VECTORS` names, and the public vectors where they lie beside the repository.
//! A case of a kind that is supported and that cannot be understood is a failure, not a skip.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its vectors, and one that panics has failed"
)]

mod case;
mod es6;
mod make;
mod suite;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weft_verify::{Code, Rejection};

/// What came of a run: cases that ran by kind, kinds that are not supported, and verdicts that are wrong.
#[derive(Debug, Default)]
struct Tally {
    ran: BTreeMap<String, usize>,
    skipped: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn judge(&mut self, kind: &str, id: &str, expected: bool, found: &Result<(), Rejection>) {
        *self.ran.entry(kind.to_owned()).or_default() += 1;
        if found.is_ok() != expected {
            let expected = if expected { "pass" } else { "fail" };
            self.wrong.push(format!("{kind} {id}: expected {expected}, found {found:?}"));
        }
    }

    fn skip(&mut self, kind: &str) {
        *self.skipped.entry(kind.to_owned()).or_default() += 1;
    }

    fn wrong(&mut self, kind: &str, id: &str, message: impl std::fmt::Display) {
        self.wrong.push(format!("{kind} {id}: {message}"));
    }

    #[track_caller]
    fn finish(self, folder: &Path) {
        let ran: usize = self.ran.values().sum();
        let skipped: usize = self.skipped.values().sum();
        say(&format!(
            "{}: {ran} vectors ran {:?}, {skipped} skipped {:?}, {} wrong",
            folder.file_name().unwrap_or_default().display(),
            self.ran,
            self.skipped,
            self.wrong.len()
        ));
        assert!(ran > 0, "{}: not one vector ran", folder.display());
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

/// Speaks straight to standard error, which the test harness does not capture.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Runs every vector of a folder.
fn run(folder: &Path) {
    let mut tally = Tally::default();
    suite::run(folder, &mut tally);
    for index in ["index.json", "provenance/index.json"].map(|name| folder.join(name)) {
        if index.is_file() {
            run_index(&index, &mut tally);
        }
    }
    tally.finish(folder);
}

fn run_index(index: &Path, tally: &mut Tally) {
    let folder = index.parent().unwrap();
    let index = read_json(index);
    assert_eq!(index["schema"], 1);
    for case in index["cases"].as_array().unwrap() {
        let (id, kind) = (case["id"].as_str().unwrap(), case["kind"].as_str().unwrap());
        let expected = match case["expected"].as_str() {
            Some("pass") => true,
            Some("fail") => false,
            other => {
                tally.wrong(kind, id, format!("an expectation of {other:?}"));
                continue;
            }
        };
        match case::run(case, folder) {
            Err(case::Unsupported) => tally.skip(kind),
            Ok(found) => {
                let code = found.as_ref().err().map(|rejection| rejection.code().name());
                tally.judge(kind, id, expected, &found);
                if let Some(wanted) = case["rejection"].as_str()
                    && code != Some(wanted)
                {
                    tally.wrong(kind, id, format!("expected {wanted}, found {found:?}"));
                }
            }
        }
    }
}

#[test]
fn our_own_vectors_hold() {
    run(&repository().join("tests/vectors"));
}

#[test]
fn the_public_vectors_hold() {
    let beside = repository().join("../shared/vectors");
    let named = std::env::var_os("WEFT_VECTORS").map(PathBuf::from);
    let folders: Vec<PathBuf> =
        named.into_iter().chain(Some(beside).filter(|folder| folder.is_dir())).collect();
    if folders.is_empty() {
        say("NOT TESTED: no public vectors beside the repository, and WEFT_VECTORS names none");
    }
    folders.iter().for_each(|folder| run(folder));
}

#[test]
fn every_rejection_has_a_vector_and_a_code_of_its_own() {
    let folder = repository().join("tests/vectors");
    let index = read_json(&folder.join("index.json"));
    let mut variants = BTreeMap::new();
    for case in index["cases"].as_array().unwrap() {
        let Ok(Err(rejection)) = case::run(case, &folder) else { continue };
        for rejection in all(&rejection) {
            // The variant's name, from its Debug form, stands in for the variant.
            let variant = format!("{rejection:?}");
            let variant = variant.split([' ', '{']).next().unwrap().to_owned();
            let earlier = variants.insert(rejection.code().name(), variant.clone());
            assert!(
                earlier.is_none_or(|earlier| earlier == variant),
                "{}",
                rejection.code().name()
            );
        }
    }
    let found: BTreeSet<&str> = variants.keys().copied().collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(known.len(), Code::ALL.len(), "two codes have one name");
    let without: Vec<&&str> = known.difference(&found).collect();
    assert!(without.is_empty(), "no vector for {without:?}");
    let names: BTreeSet<&String> = variants.values().collect();
    assert_eq!(names.len(), variants.len(), "two codes for one variant");
}

/// A rejection, and for a threshold the reasons why signatures or links do not count.
fn all(rejection: &Rejection) -> Vec<&Rejection> {
    let mut all = vec![rejection];
    if let Rejection::ThresholdNotMet { tallies } = rejection {
        all.extend(
            tallies.iter().flat_map(|tally| &tally.uncounted).map(|uncounted| &uncounted.why),
        );
    }
    if let Rejection::StepUnmet { uncounted, .. } = rejection {
        all.extend(uncounted.iter().map(|(_, why)| why));
    }
    all
}

#[test]
fn every_code_is_explained() {
    for code in Code::ALL {
        let (family, name) = code.name().split_once('/').unwrap();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(family.chars().all(plain) && name.chars().all(plain), "{}", code.name());
        assert!(code.meaning().ends_with('.') && code.remedy().ends_with('.'), "{}", code.name());
    }
}

#[test]
fn our_vectors_are_what_the_generator_makes() {
    let path = repository().join("tests/vectors/index.json");
    let made = make::index();
    if std::env::var_os("WEFT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(
        read(&path) == made.as_bytes(),
        "run again with WEFT_WRITE_VECTORS=1, and read the difference"
    );
}
