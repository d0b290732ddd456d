//! What people see: the comment, the summary, annotations, and the log.
//!
//! Nothing here decides, and nothing from outside gets further than `cargo_weft::escape` lets it.

pub mod annotation;
pub mod log;
pub mod markdown;
pub mod release;

use weft_gate::Finding;
use weft_gate::policy::Level;

use crate::report::{Report, is_about_rules};

/// Cuts text from outside to so many characters, as they are shown: what is written `\u{…}` is as long as that.
fn cut(text: &str, most: usize) -> String {
    let begin: String = text.chars().take(most + 1).collect();
    let shown = cargo_weft::escape::visible(&begin);
    let mut chars = shown.chars();
    let mut kept: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept
}

/// Writes a number with its noun.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Says in a line what was found.
pub fn title(report: &Report) -> String {
    let counts = &report.verdict.counts;
    format!(
        "{} denied, {}, {}, {} not evaluated",
        counts.deny,
        count(counts.warn, "warning"),
        count(counts.note, "note"),
        count(counts.not_evaluated, "check"),
    )
}

/// Returns the path of a file in the repository, where `file` is below the workspace root.
fn path_of(report: &Report, file: &str) -> String {
    match report.prefix.is_empty() {
        true => file.to_owned(),
        false => format!("{}/{file}", report.prefix),
    }
}

/// Returns the findings that block or warn, the worst first, without those about the rules, which have a section of
/// their own.
fn worth_a_row(report: &Report) -> impl Iterator<Item = &Finding> {
    let findings = report.verdict.findings.iter().filter(|finding| !is_about_rules(finding));
    let has_notes = report.fail_on == Level::Note;
    findings.filter(move |finding| match finding.level {
        Level::Deny | Level::Warn => true,
        Level::Note => has_notes,
        Level::Off => false,
    })
}
