//! RFC 8785 against public vectors, as far as weft's records go: what holds other numbers is rejected, the rest agrees.
//!
//! The vectors are read where they lie, beside the repository; where they are absent, the test says so, aloud.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its vectors, and one that panics has failed"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weft_verify::{Rejection, canonical};

fn vectors() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/jcs");
    if path.is_dir() {
        return Some(path);
    }
    // Straight to standard error, which the test harness does not capture.
    let _ = writeln!(
        std::io::stderr(),
        "NOT TESTED: the RFC 8785 vectors are absent: {}",
        path.display()
    );
    None
}

/// Says whether every number is an integer that all readers agree on.
fn is_record(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(is_record),
        Value::Object(members) => members.values().all(is_record),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            magnitude.is_some_and(|m| m < 1 << 53)
        }
    }
}

fn check(name: &str, input: &str, expected: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(input) else { panic!("{name}: not JSON") };
    match canonical::to_vec(&value) {
        Ok(bytes) => {
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{name}");
            let reread = canonical::from_slice::<Value>(expected.as_bytes());
            assert_eq!(reread.as_ref(), Ok(&value), "{name}");
            true
        }
        Err(Rejection::Float { .. } | Rejection::IntegerRange { .. }) => {
            assert!(!is_record(&value), "{name}: rejected without reason");
            false
        }
        Err(other) => panic!("{name}: {other}"),
    }
}

#[test]
fn the_public_vectors_agree() {
    let Some(vectors) = vectors() else { return };
    let read =
        |path: PathBuf| std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let mut agreed = 0;
    for entry in std::fs::read_dir(vectors.join("cyberphone/input")).unwrap() {
        let input = entry.unwrap().path();
        let output = vectors.join("cyberphone/output").join(input.file_name().unwrap());
        agreed += usize::from(check(&input.display().to_string(), &read(input), &read(output)));
    }
    for line in read(vectors.join("documents.jsonl")).lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| row[key].as_str().unwrap();
        agreed += usize::from(check(&row["id"].to_string(), text("input"), text("canonical")));
    }
    assert!(agreed >= 5, "only {agreed} vectors are records");
}
