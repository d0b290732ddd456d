//! The log: workflow commands that are meant, and text that cannot be one.
//!
//! The runner obeys `::command::` at the beginning of a line, and `##[command]` anywhere in one ("Workflow commands for
//! GitHub Actions", actions/runner's `ActionCommand`).

use std::collections::BTreeMap;
use std::fmt::Write;

use cargo_weft::escape::terminal;

use super::annotation::Annotation;

/// How many annotations of one level a step can have.
const MOST_OF_A_LEVEL: usize = 10;

/// Writes annotations as workflow commands, as many as the runner takes, and says how many it does not.
pub fn annotations(all: &[Annotation]) -> String {
    let mut out = String::new();
    let mut written = BTreeMap::<&str, usize>::new();
    for annotation in all {
        let count = written.entry(annotation.level).or_default();
        *count += 1;
        if *count > MOST_OF_A_LEVEL {
            continue;
        }
        let command = match annotation.level {
            "failure" => "error",
            level => level,
        };
        let mut properties = vec![
            ("file", annotation.path.clone()),
            ("line", annotation.lines.0.to_string()),
            ("endLine", annotation.lines.1.to_string()),
        ];
        if let Some((start, end)) = annotation.columns {
            properties.extend([("col", start.to_string()), ("endColumn", end.to_string())]);
        }
        properties.push(("title", annotation.title.clone()));
        command_line(&mut out, command, &properties, &annotation.message);
    }
    let left_out: usize = written.values().map(|count| count.saturating_sub(MOST_OF_A_LEVEL)).sum();
    if left_out > 0 {
        _ = writeln!(
            out,
            "{left_out} more findings have no annotation: a step has room for ten of each level."
        );
    }
    out
}

/// Writes an error, warning or notice about the run as a whole.
pub fn message(command: &str, title: &str, text: &str) -> String {
    let mut out = String::new();
    command_line(&mut out, command, &[("title", title.to_owned())], text);
    out
}

/// Puts text between two lines that tell the runner to obey nothing of it; `token` has to be unguessable.
pub fn inert(text: &str, token: &str) -> String {
    format!("::stop-commands::{token}\n{}\n::{token}::\n", text.trim_end_matches('\n'))
}

fn command_line(out: &mut String, command: &str, properties: &[(&str, String)], text: &str) {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(&terminal(value), true)))
        .collect();
    let lines: Vec<String> = text.split('\n').map(terminal).collect();
    let text = escape(&lines.join("\n"), false);
    _ = writeln!(out, "::{command} {}::{text}", properties.join(","));
}

/// Escapes as actions/toolkit does, whose runner undoes it.
fn escape(text: &str, is_property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    match is_property {
        true => text.replace(':', "%3A").replace(',', "%2C"),
        false => text,
    }
}
