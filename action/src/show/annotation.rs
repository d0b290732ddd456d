//! Annotations: a finding beside the line that brings it in.

use serde_json::{Value, json};
use weft_gate::Finding;
use weft_gate::policy::Level;

use super::{cut, path_of};
use crate::report::Report;

/// How many annotations one request takes ("Create a check run").
pub const PER_REQUEST: usize = 50;

/// How many are written in all: what nobody would scroll through is in the report.
pub const MOST: usize = 3 * PER_REQUEST;

/// A finding beside a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The file, from the top of the repository.
    pub path: String,
    /// The first and the last line.
    pub lines: (u32, u32),
    /// The first column and the last, where both are on one line.
    pub columns: Option<(u32, u32)>,
    /// `failure`, `warning` or `notice`.
    pub level: &'static str,
    /// The check's code.
    pub title: String,
    /// The fact, how it comes to be there, and what to do.
    pub message: String,
}

/// Makes an annotation of every finding that there is room for, the worst first.
pub fn annotations(report: &Report) -> Vec<Annotation> {
    report.verdict.findings.iter().take(MOST).map(|finding| annotation(report, finding)).collect()
}

fn annotation(report: &Report, finding: &Finding) -> Annotation {
    let place = &finding.place;
    let mut lines = vec![cut(&finding.sentence, 4_000)];
    if finding.path.len() > 1 {
        lines.push(cut(&format!("How it comes here: {}", finding.path.join(" > ")), 2_000));
    }
    lines.push(format!("Next: {}", cut(&finding.remedy.sentence, 2_000)));
    if let Some(command) = &finding.remedy.command {
        lines.push(format!("  {}", cut(command, 2_000)));
    }
    let lines: Vec<String> = lines.iter().map(|line| cargo_weft::escape::terminal(line)).collect();
    let end_line = place.end_line.max(place.line);
    let has_columns = end_line == place.line && place.end_column > place.column;
    Annotation {
        path: path_of(report, &place.file),
        lines: (place.line, end_line),
        // The place's last column is the one after the last character.
        columns: has_columns.then(|| (place.column, place.end_column - 1)),
        level: match finding.level {
            Level::Deny => "failure",
            Level::Warn => "warning",
            Level::Note | Level::Off => "notice",
        },
        title: cut(&finding.code, 200),
        message: lines.join("\n"),
    }
}

impl Annotation {
    /// Writes what the API takes.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "path": self.path,
            "start_line": self.lines.0,
            "end_line": self.lines.1,
            "annotation_level": self.level,
            "title": self.title,
            "message": self.message,
        });
        if let Some((start, end)) = self.columns {
            value["start_column"] = start.into();
            value["end_column"] = end.into();
        }
        value
    }
}
