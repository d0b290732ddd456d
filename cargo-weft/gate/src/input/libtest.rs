//! What libtest prints: the lines that `rustc` has had since 1.0, since its JSON is not stable (rust-lang/rust#49359).

use std::collections::BTreeMap;

use crate::evidence::Outcome;

/// The largest output that is read, in bytes.
pub const MAX_BYTES: usize = 256 << 20;

/// Reads the names that `--list --format terse` prints; benchmarks are none.
pub fn list(output: &str) -> Vec<String> {
    output.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// Reads outcomes from the output of one or more runs.
///
/// # Errors
///
/// A sentence: the summaries do not count what the lines say, so something else printed lines like them.
pub fn outcomes(output: &str) -> Result<BTreeMap<String, Outcome>, String> {
    let mut outcomes = BTreeMap::<String, Outcome>::new();
    let (mut lines, mut counted, mut summaries) = ([0_u64; 3], [0_u64; 3], 0_u32);
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("test result: ") {
            for (count, what) in counted.iter_mut().zip(["passed", "failed", "ignored"]) {
                *count += number_before(rest, what).ok_or("a summary cannot be read")?;
            }
            summaries += 1;
            continue;
        }
        let Some(line) = line.strip_prefix("test ") else { continue };
        let Some((name, ending)) = line.rsplit_once(" ... ") else { continue };
        let outcome = match ending {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "ignored" => Outcome::Ignored,
            ending if ending.starts_with("ignored, ") => Outcome::Ignored,
            _ => continue,
        };
        let index = match outcome {
            Outcome::Passed => 0,
            Outcome::Failed => 1,
            _ => 2,
        };
        lines[index] += 1;
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        let twice = outcomes.insert(name.to_owned(), outcome);
        if twice.is_some() {
            return Err(format!("`{name}` is there twice"));
        }
    }
    match summaries > 0 && lines == counted {
        true => Ok(outcomes),
        false => Err("its summary does not count what its lines say".to_owned()),
    }
}

/// Returns the number in front of a word.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let end = text.find(&format!(" {word}"))?;
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// An example in documentation, as libtest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The item; empty for the crate itself.
    pub item: String,
    /// Whether it was run, or expected not to be compiled, and not compiled alone (`no_run`).
    pub ran: bool,
}

/// Reads the name of an example: `src/lib.rs - item (line 12)`, perhaps with ` - compile` behind it.
pub fn example(name: &str) -> Option<Example> {
    let (file, rest) = name.split_once(" - ")?;
    let (item, line) =
        rest.rsplit_once("(line ").or_else(|| Some(("", rest.strip_prefix("(line ")?)))?;
    let (digits, kind) = line.split_once(')')?;
    let (file, item) = (file.to_owned(), item.trim().to_owned());
    Some(Example { file, line: digits.parse().ok()?, item, ran: kind.trim() != "- compile" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\nrunning 4 tests\ntest a::b ... ok\ntest c - should panic ... ok\ntest d ... FAILED\ntest e ... ignored, slow\n\ntest result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s\n";

    #[test]
    fn lines_and_summaries_have_to_agree() {
        let outcomes = outcomes(RUN).unwrap();
        let found: Vec<_> = outcomes.iter().map(|(name, o)| (&**name, o.as_str())).collect();
        assert_eq!(found, [("a::b", "passed"), ("c", "passed"), ("d", "failed"), ("e", "ignored")]);
        for broken in [
            RUN.replace("2 passed", "3 passed"),
            RUN.replace("test d ... FAILED\n", ""),
            RUN.replace("test c", "test a::b ... ok\ntest c"),
            RUN.replace("test result", "tset result"),
            String::new(),
        ] {
            assert!(super::outcomes(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn lists_and_examples_are_read() {
        assert_eq!(list("a::b: test\nbench: benchmark\n\nc: test\n"), ["a::b", "c"]);
        let read = |name: &str| example(name).map(|e| (e.file, e.item, e.line));
        let lib = "src/lib.rs".to_owned();
        assert_eq!(read("src/lib.rs - a::b (line 12)"), Some((lib.clone(), "a::b".to_owned(), 12)));
        assert_eq!(read("src/lib.rs - (line 3)"), Some((lib.clone(), String::new(), 3)));
        assert_eq!(read("src/lib.rs - a (line 3) - compile"), Some((lib, "a".to_owned(), 3)));
        let ran = |kind: &str| example(&format!("src/lib.rs - a (line 3){kind}")).unwrap().ran;
        assert!(ran("") && ran(" - compile fail") && !ran(" - compile"));
        assert_eq!(read("a::b"), None);
    }
}
