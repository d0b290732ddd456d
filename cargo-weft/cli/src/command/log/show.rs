//! The report, for people and for machines.

use std::path::Path;

use serde_json::{Value, json};

use super::step::Outcome;
use super::{Judged, shown};
use crate::command::verify::outcome;
use crate::error::ExitStatus;
use crate::escape::terminal;

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn value(judged: &Judged, status: ExitStatus) -> Value {
    let head = judged.head.as_ref().map(|head| head.checkpoint());
    json!({
        "forks": judged.forks,
        "origin": head.map(|head| &head.origin),
        "result": outcome(status),
        "root": head.map(|head| hex(&head.root)),
        "schema": 1,
        // As a text: sizes go beyond 2^53.
        "size": head.map(|head| head.size.to_string()),
        "steps": judged.steps,
        "witnesses": judged.witnesses,
    })
}

pub(super) fn human(judged: &Judged, record: Option<&Path>, status: ExitStatus) -> String {
    let mut out = steps(judged, status);
    if judged.head.is_none() {
        out += "  nothing else was evaluated, since it rests on the checkpoint\n";
    }
    if let Some(path) = record {
        out += &format!("  the fork is recorded in {}\n", shown(path));
    }
    out
}

/// The outcome, and every step.
pub(super) fn steps(judged: &Judged, status: ExitStatus) -> String {
    let mut out = format!("{}\n", outcome(status));
    for step in &judged.steps {
        let result = match step.result {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Missing => "not evaluated",
        };
        let about = step.about.as_deref().map(|name| format!(" of {}", terminal(name)));
        let code = step.code.map(|code| format!(" ({code})")).unwrap_or_default();
        out += &format!("  {}{}: {result}{code}\n", step.check, about.unwrap_or_default());
        out += &format!("    {}\n", terminal(&step.evidence));
        if let Some(remedy) = step.remedy {
            out += &format!("    next: {remedy}\n");
        }
    }
    out
}
