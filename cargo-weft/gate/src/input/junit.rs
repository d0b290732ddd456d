//! JUnit reports, as cargo-nextest writes them: which tests ran, and how they ended.
//!
//! Read as a stream: entities and unknown elements are passed over, and nothing but names and outcomes is kept.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Diagnostic;
use crate::evidence::Outcome;

/// The largest report that is read, in bytes.
pub const MAX_BYTES: usize = 256 << 20;

/// The most tests of one report.
const MAX_TESTS: usize = 1_000_000;

/// The longest name of a test or a binary, in bytes.
const MAX_NAME: usize = 4096;

/// Outcomes by binary (`package`, or `package::target`) and test.
pub type Report = BTreeMap<(String, String), Outcome>;

/// Reads a report; a test that is in it twice has the worse outcome, and is flaky if the two differ.
///
/// # Errors
///
/// A [`Diagnostic`]: it is no XML, ends too early, has no suites, or is too large.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Report, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        let message = format!("is larger than the {} MiB that weft reads", MAX_BYTES >> 20);
        return Err(Diagnostic::whole(file, message));
    }
    let mut reader = Reader::from_reader(bytes);
    let mut report = Report::new();
    let mut case: Option<((String, String), Outcome)> = None;
    let (mut depth, mut has_suites) = (0_u32, false);
    let mut suites = Vec::new();
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(bytes.len());
        let fault = |message: String| Diagnostic::at(file, at..at, message);
        let event = reader.read_event().map_err(|e| fault(format!("is no XML: {e}")))?;
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name();
                let name = name.as_ref();
                has_suites |= is_suite(name);
                if name == b"testcase" {
                    if case.is_some() {
                        return Err(fault("has a test inside of a test".to_owned()));
                    }
                    let names = (attribute(element, b"classname"), attribute(element, b"name"));
                    let (Some(class), Some(test)) = names else {
                        return Err(fault("has a test without `classname` and `name`".to_owned()));
                    };
                    case = Some(((class, test), Outcome::Passed));
                    if attribute(element, b"status").is_some_and(|status| is_failure(&status)) {
                        case = case.map(|(name, _)| (name, Outcome::Failed));
                    }
                } else if let Some(found) = outcome(name) {
                    match &mut case {
                        Some((_, outcome)) => *outcome = worse(*outcome, found),
                        None if found == Outcome::Failed => {
                            return Err(fault("has a failure outside of any test".to_owned()));
                        }
                        None => {}
                    }
                } else if is_suite(name) {
                    suites.push(Suite { counted: counted(element).map_err(&fault)?, named: 0 });
                }
                match event {
                    Event::Start(_) => depth += 1,
                    _ if name == b"testcase" => finish(&mut report, &mut case, &mut suites),
                    _ if is_suite(name) => close(&mut suites).map_err(&fault)?,
                    _ => {}
                }
                if depth > 64 || report.len() > MAX_TESTS {
                    return Err(fault("is nested too deeply or has too many tests".to_owned()));
                }
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                match element.local_name().as_ref() {
                    b"testcase" => finish(&mut report, &mut case, &mut suites),
                    name if is_suite(name) => close(&mut suites).map_err(&fault)?,
                    _ => {}
                }
            }
            Event::Eof if depth > 0 || !has_suites => {
                return Err(fault("ends before the report does".to_owned()));
            }
            Event::Eof => return Ok(report),
            _ => {}
        }
    }
}

fn finish(
    report: &mut Report,
    case: &mut Option<((String, String), Outcome)>,
    suites: &mut [Suite],
) {
    let Some((name, outcome)) = case.take() else { return };
    if outcome == Outcome::Failed {
        suites.iter_mut().for_each(|suite| suite.named += 1);
    }
    report
        .entry(name)
        .and_modify(|known| {
            // One that passed and did not is not a test to rely on.
            let differs = (*known == Outcome::Passed) != (outcome == Outcome::Passed);
            *known = if differs { Outcome::Flaky } else { worse(*known, outcome) };
        })
        .or_insert(outcome);
}

/// A suite that is not at its end yet.
struct Suite {
    /// How many tests failed by its own count.
    counted: u64,
    /// How many of its tests, and of those of suites in it, failed.
    named: u64,
}

fn is_suite(name: &[u8]) -> bool {
    matches!(name, b"testsuites" | b"testsuite")
}

/// Returns how many failures and errors a suite counts; one that does not say counts none.
fn counted(suite: &BytesStart<'_>) -> Result<u64, String> {
    let count = |name: &str| match attribute(suite, name.as_bytes()) {
        None => Ok(0),
        Some(text) => {
            text.trim().parse::<u64>().map_err(|_| format!("has `{name}` that is no number"))
        }
    };
    Ok(count("failures")?.saturating_add(count("errors")?))
}

/// Ends a suite; a failure that it counts, and no test of it has, would be lost.
fn close(suites: &mut Vec<Suite>) -> Result<(), String> {
    let Some(suite) = suites.pop() else { return Ok(()) };
    match suite.counted > suite.named {
        false => Ok(()),
        true => Err(format!(
            "has a suite that counts {} failures, and {} of its tests failed",
            suite.counted, suite.named
        )),
    }
}

fn is_failure(status: &str) -> bool {
    ["failed", "failure", "error"].iter().any(|word| status.eq_ignore_ascii_case(word))
}

/// What an element inside of a test says; those of nextest's repetitions stand beside `failure` or alone.
fn outcome(element: &[u8]) -> Option<Outcome> {
    match element {
        b"failure" | b"error" => Some(Outcome::Failed),
        b"flakyFailure" | b"flakyError" | b"rerunFailure" | b"rerunError" => Some(Outcome::Flaky),
        b"skipped" => Some(Outcome::Ignored),
        _ => None,
    }
}

fn worse(a: Outcome, b: Outcome) -> Outcome {
    let rank = |outcome| match outcome {
        Outcome::Passed => 0,
        Outcome::Ignored | Outcome::NotRun | Outcome::Missing | Outcome::Unknown => 1,
        Outcome::Flaky => 2,
        Outcome::Failed => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn attribute(element: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let attribute = element.attributes().flatten().find(|a| a.key.as_ref() == name)?;
    let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).ok()?;
    (value.len() <= MAX_NAME).then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cases: &str) -> Result<Vec<(String, Outcome)>, Diagnostic> {
        let text = format!("<testsuites><testsuite name=\"a\">{cases}</testsuite></testsuites>");
        let report = parse("junit.xml", text.as_bytes())?;
        Ok(report.into_iter().map(|((class, test), o)| (format!("{class} {test}"), o)).collect())
    }

    #[test]
    fn a_failure_without_a_test_is_no_report_to_rely_on() {
        let one = "<testcase classname=\"a\" name=\"b\"/>";
        assert!(read(&format!("<failure/>{one}")).is_err());
        assert!(read(&format!("<system-out/>{one}")).is_ok());
        let suite = |attributes: &str, cases: &str| {
            let text =
                format!("<testsuites><testsuite {attributes}>{cases}</testsuite></testsuites>");
            parse("junit.xml", text.as_bytes())
        };
        assert!(suite("failures=\"0\" errors=\"0\"", one).is_ok());
        assert!(suite("failures=\"1\"", one).is_err());
        assert!(suite("errors=\"2\"", one).is_err());
        assert!(suite("errors=\"many\"", one).is_err());
        let skipped = "<testcase classname=\"a\" name=\"b\"><skipped/></testcase>";
        assert!(suite("failures=\"1\"", skipped).is_err());
        let other = "<testcase classname=\"c\" name=\"d\"><failure/></testcase>";
        let two = |first: &str, outer: &str| {
            let suite = |count: &str, case: &str| {
                format!("<testsuite failures=\"{count}\">{case}</testsuite>")
            };
            let (one, other) = (suite(first, one), suite("1", other));
            parse("j", format!("<testsuites {outer}>{one}{other}</testsuites>").as_bytes())
        };
        assert!(two("0", "failures=\"1\"").is_ok());
        assert!(two("1", "").is_err(), "a failure of another suite is another failure");
        assert!(two("0", "failures=\"2\"").is_err());
        let failed = "<testcase classname=\"a\" name=\"b\" status=\"failed\"/>";
        let report = suite("failures=\"1\"", failed).unwrap();
        assert_eq!(report.values().collect::<Vec<_>>(), [&Outcome::Failed]);
        let run = "<testcase classname=\"a\" name=\"b\" status=\"run\"/>";
        let report = suite("", run).unwrap();
        assert_eq!(report.values().collect::<Vec<_>>(), [&Outcome::Passed]);
    }

    #[test]
    fn only_a_clean_pass_is_a_pass() {
        let outcome = |inside: &str| {
            let case = format!("<testcase classname=\"a::b\" name=\"t\">{inside}</testcase>");
            let found = read(&case).unwrap();
            assert_eq!(found[0].0, "a::b t");
            found[0].1
        };
        assert_eq!(outcome(""), Outcome::Passed);
        assert_eq!(outcome("<system-out>&lt;failure&gt;</system-out>"), Outcome::Passed);
        assert_eq!(outcome("<unknown><x/></unknown>"), Outcome::Passed);
        assert_eq!(outcome("<failure>x</failure><rerunFailure/>"), Outcome::Failed);
        assert_eq!(outcome("<error/>"), Outcome::Failed);
        assert_eq!(outcome("<flakyFailure/>"), Outcome::Flaky);
        assert_eq!(outcome("<skipped/>"), Outcome::Ignored);
        let empty = read("<testcase classname=\"a\" name=\"t&lt;u&gt;\"/>").unwrap();
        assert_eq!(empty, [("a t<u>".to_owned(), Outcome::Passed)]);
    }

    #[test]
    fn one_test_twice_has_the_worse_outcome() {
        let case =
            |inside: &str| format!("<testcase classname=\"a\" name=\"t\">{inside}</testcase>");
        let twice = |a: &str, b: &str| read(&(case(a) + &case(b))).unwrap()[0].1;
        assert_eq!(twice("", ""), Outcome::Passed);
        assert_eq!(twice("", "<failure/>"), Outcome::Flaky);
        assert_eq!(twice("<skipped/>", ""), Outcome::Flaky);
        assert_eq!(twice("<skipped/>", "<failure/>"), Outcome::Failed);
    }

    #[test]
    fn what_tests_print_costs_nothing_and_another_name_is_another_test() {
        let printed = "x".repeat(50 << 20);
        let case = format!(
            "<testcase classname=\"demo\" name=\"a\"><system-out>{printed}</system-out></testcase>"
        );
        assert_eq!(read(&case).unwrap(), [("demo a".to_owned(), Outcome::Passed)]);
        let renamed = read("<testcase classname=\"demo\" name=\"b\"/>").unwrap();
        assert!(renamed.iter().all(|(name, _)| name != "demo a"));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let refused = |text: &str| parse("junit.xml", text.as_bytes()).is_err();
        assert!(refused("") && refused("{}") && refused("<testsuites>") && refused("<other/>"));
        assert!(refused("<testsuite><testcase/></testsuite>"));
        assert!(refused("<testsuite></testcase></testsuite>"));
        assert!(refused(&format!("<testsuite>{}", "<a>".repeat(100_000))));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"cccc\"><!ENTITY d \"&b;&b;&b;\">]><testsuite><testcase classname=\"&d;\" name=\"t\"/></testsuite>";
        assert!(refused(bomb), "entities are not resolved, so there is no name");
    }
}
