//! What GitHub refuses in a check run and in a SARIF file.
//!
//! A SARIF file that can be unpacked is taken; what is wrong inside is said to whoever asks later.

use std::collections::BTreeSet;
use std::io::Read;

use base64ct::{Base64, Encoding};
use serde_json::Value;

const PACKED: usize = 10 * 1024 * 1024;
const UNPACKED: u64 = 128 * 1024 * 1024;

/// Says what is wrong with the members of a check run.
pub(crate) fn check_run(body: &Value) -> Result<(), String> {
    const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];
    const CONCLUSIONS: [&str; 8] = [
        "action_required",
        "cancelled",
        "failure",
        "neutral",
        "success",
        "skipped",
        "stale",
        "timed_out",
    ];
    one_of(&body["status"], "status", &STATUSES)?;
    one_of(&body["conclusion"], "conclusion", &CONCLUSIONS)?;
    if body["status"] == "completed" && body["conclusion"].is_null() {
        return Err("a completed run needs a conclusion".to_owned());
    }
    let output = &body["output"];
    if output.is_null() {
        return Ok(());
    }
    let summary = output["summary"].as_str().ok_or("output.summary is missing")?;
    for (name, text) in
        [("summary", summary), ("text", output["text"].as_str().unwrap_or_default())]
    {
        if text.chars().count() > 65_535 {
            return Err(format!("output.{name} exceeds a maximum length of 65535"));
        }
    }
    let annotations = output["annotations"].as_array().map(Vec::as_slice).unwrap_or_default();
    if annotations.len() > 50 {
        return Err("no more than 50 annotations per request".to_owned());
    }
    annotations.iter().try_for_each(annotation)
}

fn annotation(annotation: &Value) -> Result<(), String> {
    let line = |name: &str| annotation[name].as_u64().filter(|line| *line > 0);
    for name in ["path", "message"] {
        if annotation[name].as_str().is_none_or(str::is_empty) {
            return Err(format!("annotation.{name} is missing"));
        }
    }
    if annotation["annotation_level"].is_null() {
        return Err("annotation.annotation_level is missing".to_owned());
    }
    one_of(&annotation["annotation_level"], "annotation_level", &["notice", "warning", "failure"])?;
    let start = line("start_line").ok_or("annotation.start_line is missing")?;
    let end = line("end_line").ok_or("annotation.end_line is missing")?;
    if end < start {
        return Err("annotation.end_line is before start_line".to_owned());
    }
    let has_columns = !annotation["start_column"].is_null() || !annotation["end_column"].is_null();
    if has_columns && start != end {
        return Err("annotation columns need a single line".to_owned());
    }
    for (name, most) in [("message", 64 * 1024), ("raw_details", 64 * 1024)] {
        if annotation[name].as_str().unwrap_or_default().len() > most {
            return Err(format!("annotation.{name} exceeds 64 KB"));
        }
    }
    if annotation["title"].as_str().unwrap_or_default().chars().count() > 255 {
        return Err("annotation.title exceeds 255 characters".to_owned());
    }
    Ok(())
}

fn one_of(value: &Value, name: &str, allowed: &[&str]) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if allowed.contains(&text.as_str()) => Ok(()),
        other => Err(format!("{name} is not one of {allowed:?}: {other}")),
    }
}

/// Unpacks a SARIF file, or says why it is refused and with which status.
pub(crate) fn unpack(packed: &str) -> Result<Value, (u16, String)> {
    let refuse = |why: String| (400, why);
    let bytes = Base64::decode_vec(packed).map_err(|error| refuse(format!("base64: {error}")))?;
    if bytes.len() > PACKED {
        return Err((413, "the file exceeds 10 MB".to_owned()));
    }
    let mut content = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(&*bytes).take(UNPACKED + 1);
    unpacked.read_to_end(&mut content).map_err(|error| refuse(format!("gzip: {error}")))?;
    if content.len() as u64 > UNPACKED {
        return Err((413, "the unpacked file is too large".to_owned()));
    }
    serde_json::from_slice(&content).map_err(|error| refuse(format!("JSON: {error}")))
}

/// Says why an unpacked SARIF file is rejected.
pub(crate) fn sarif(file: &Value) -> Result<(), String> {
    if file["version"] != "2.1.0" {
        return Err("the version is not 2.1.0".to_owned());
    }
    let runs = file["runs"].as_array().ok_or("there are no runs")?;
    if runs.len() > 20 {
        return Err("there are more than 20 runs".to_owned());
    }
    let mut categories = BTreeSet::new();
    for run in runs {
        let driver = &run["tool"]["driver"];
        let tool = driver["name"].as_str().ok_or("a run has no tool.driver.name")?;
        let id = run["automationDetails"]["id"].as_str().unwrap_or_default();
        let category = id.rsplit_once('/').map_or("", |(category, _)| category);
        if !categories.insert((tool, category)) {
            return Err(format!("several runs of {tool} have the category {category:?}"));
        }
        let results = run["results"].as_array().ok_or("a run has no results")?;
        let rules = driver["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
        let extensions = run["tool"]["extensions"].as_array().map_or(0, Vec::len);
        let counts = [
            (results.len(), 25_000, "results"),
            (rules.len(), 25_000, "rules"),
            (extensions, 100, "tool extensions"),
        ];
        for (count, most, what) in counts {
            if count > most {
                return Err(format!("a run has more {what} than allowed ({count} > {most})"));
            }
        }
        for tagged in rules.iter().chain(results) {
            if tagged["properties"]["tags"].as_array().is_some_and(|tags| tags.len() > 20) {
                return Err("there are more than 20 tags".to_owned());
            }
        }
        results.iter().try_for_each(result)?;
    }
    Ok(())
}

fn result(result: &Value) -> Result<(), String> {
    if result["message"]["text"].as_str().is_none() {
        return Err("a result has no message".to_owned());
    }
    let locations = result["locations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_located = |location: &Value| {
        location["physicalLocation"]["artifactLocation"]["uri"].as_str().is_some()
    };
    if locations.len() > 1_000 {
        return Err("a result has more than 1,000 locations".to_owned());
    }
    if !locations.first().is_some_and(is_located) {
        return Err("a result has no location: expected at least one location".to_owned());
    }
    Ok(())
}
