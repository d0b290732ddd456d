//! The check run: decoration beside the job, which is what is required.

use cargo_weft::Error;
use http::Method;
use serde_json::{Value, json};
use weft_gate::Outcome;

use crate::environment::Environment;
use crate::github::{Failure, GitHub, encoded};
use crate::report::Report;
use crate::show;
use crate::show::annotation::{Annotation, PER_REQUEST};

/// Writes a check run that is complete, and adds the annotations that one request does not take.
///
/// # Errors
///
/// A [`Failure`].
pub fn write(
    github: &GitHub,
    report: &Report,
    annotations: &[Annotation],
    run_url: &str,
) -> Result<(), Failure> {
    let mut parts = annotations.chunks(PER_REQUEST);
    let external = format!("cargo-weft:{}:{}:{}", report.category, report.run.0, report.run.1);
    let output = |part: Option<&[Annotation]>| {
        let part: Vec<Value> = part.into_iter().flatten().map(Annotation::to_json).collect();
        json!({
            "title": show::title(report),
            "summary": show::markdown::check_summary(report, run_url),
            "annotations": part,
        })
    };
    let body = json!({
        "name": report.category,
        "head_sha": report.head,
        "status": "completed",
        "conclusion": conclusion(report),
        "external_id": external,
        "details_url": run_url,
        "output": output(parts.next()),
    });
    let find = || find(github, &report.head, &report.category, &external);
    let written = github.write(Method::POST, "/check-runs", &body, find)?;
    let id = written.get("id").and_then(Value::as_u64);
    let id = id.ok_or_else(|| Failure::Fault("a check run has no id".to_owned()))?;
    for (at, part) in parts.enumerate() {
        let path = format!("/check-runs/{id}");
        let before = ((at + 1) * PER_REQUEST) as u64;
        // Annotations are added to what is there: before they are sent again, they are counted.
        let find = || {
            let there = github.get(&path)?;
            let count = there.pointer("/output/annotations_count").and_then(Value::as_u64);
            Ok(count.is_some_and(|count| count > before).then_some(there))
        };
        github.write(Method::PATCH, &path, &json!({"output": output(Some(part))}), find)?;
    }
    Ok(())
}

/// Writes a check run about a commit that could not be judged.
///
/// # Errors
///
/// A [`Failure`].
pub fn write_error(
    github: &GitHub,
    category: &str,
    head: &str,
    environment: &Environment,
    error: &Error,
) -> Result<(), Failure> {
    let run = &environment.run;
    let external = format!("cargo-weft:{category}:{}:{}", run.id, run.attempt);
    let url = environment.run_url();
    let body = json!({
        "name": category,
        "head_sha": head,
        "status": "completed",
        "conclusion": "failure",
        "external_id": external,
        "details_url": url,
        "output": {
            "title": "not judged",
            "summary": show::markdown::summary_on_error(Some(head), error, &url),
        },
    });
    github.write(Method::POST, "/check-runs", &body, || find(github, head, category, &external))?;
    Ok(())
}

/// Returns the conclusion: only what passed is a success.
fn conclusion(report: &Report) -> &'static str {
    match report.outcome {
        _ if report.warn_only => "neutral",
        Outcome::Passed if report.event == "pull_request_target" => "neutral",
        Outcome::Passed => "success",
        Outcome::Failed | Outcome::Inconclusive => "failure",
    }
}

fn find(
    github: &GitHub,
    head: &str,
    category: &str,
    external: &str,
) -> Result<Option<Value>, Failure> {
    let name = encoded(category);
    let mut found = None;
    let path = format!("/commits/{head}/check-runs?check_name={name}&filter=all");
    github.list(&path, Some("check_runs"), |run| {
        if run.get("external_id").and_then(Value::as_str) == Some(external) {
            found = Some(run);
        }
        found.is_none()
    })?;
    Ok(found)
}
