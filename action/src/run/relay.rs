//! The mode `report`: tells a pull request what its own run found, where that run's token may not write.
//!
//! What the other run left was written by whoever wrote the pull request. It is data: bounded, of one shape, bound to
//! the run and its commit by what GitHub says of them, and told as what it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cargo_weft::escape::terminal;
use cargo_weft::{Error, ExitStatus};
use serde_json::Value;

use super::{Desk, Notices, complain, no_github};
use crate::event::{Event, WorkflowRun};
use crate::github::{Failure, GitHub, encoded};
use crate::input::When;
use crate::report::{Report, SCHEMA};
use crate::show::markdown;
use crate::sink::comment::Hand;
use crate::sink::output;

/// The name of the only file in the artifact.
const FILE: &str = "weft-report.json";

/// The largest archive, and the largest report in it, in bytes.
const MAX_BYTES: u64 = 32 << 20;

/// Tells the pull request of another run what that run found.
pub(super) fn run(desk: &Desk, event: &Event) -> Result<ExitStatus, Error> {
    let Event::WorkflowRun(run) = event else {
        return Err(Error::usage(
            "`mode: report` tells what another workflow found",
            "let it run on workflow_run",
        ));
    };
    let github = desk.github.as_ref().ok_or_else(|| no_github("report"))?;
    let mut notices = Notices::default();
    if run.event != "pull_request" {
        notices.add(format!("nothing is to be told: the run was of `{}`", terminal(&run.event)));
        return finish(desk, &notices, run, None, None);
    }
    let said = |failure: Failure| match failure {
        Failure::Denied(why) | Failure::Absent(why) => Error::usage(
            format!("the token may not read what the run left ({why})"),
            "give the job `actions: read` and `pull-requests: write`",
        ),
        failure => Error::Service {
            action: "learn about the run from",
            service: desk.environment.api_url.clone(),
            reason: failure.to_string(),
        },
    };
    let pulls = pulls(github, run).map_err(said)?;
    if pulls.is_empty() {
        let head = &run.head;
        notices.add(format!("no open pull request is at {head}: it has moved on, or is closed"));
        return finish(desk, &notices, run, None, None);
    }
    let report = match artifact(desk, github, run).map_err(said)? {
        Some(id) => fetch(desk, github, id).map_err(said)?,
        None => Err("the run left no report".to_owned()),
    };
    let report = report.and_then(|report| match bound(desk, run, &pulls, &report) {
        None => Ok(report),
        Some(why) => Err(why),
    });
    let told = match &report {
        Ok(report) => tell(desk, github, run, report),
        Err(why) => correct(desk, github, run, &pulls, why),
    };
    let url = notices.take("the comment is not written", told).flatten();
    match report {
        Ok(report) => finish(desk, &notices, run, url, Some(&report)),
        Err(why) => {
            let help = "look at that run: it says why";
            finish(desk, &notices, run, url, None)?;
            Err(Error::usage(why, help))
        }
    }
}

/// Lists the open pull requests whose newest commit is the run's: what the run itself says of them is empty for forks.
fn pulls(github: &GitHub, run: &WorkflowRun) -> Result<Vec<u64>, Failure> {
    let Some((owner, repository)) = &run.head_repository else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let head = format!("{owner}:{}", run.branch);
    let path = format!("/pulls?state=open&head={}", encoded(&head));
    github.list(&path, None, |pull| {
        let is_at = pull.pointer("/head/sha").and_then(Value::as_str) == Some(&run.head);
        // One owner can have two forks with a branch of that name.
        let of = pull.pointer("/head/repo/id").and_then(Value::as_u64);
        let is_it = is_at && of == Some(*repository);
        found.extend(pull.get("number").and_then(Value::as_u64).filter(|_| is_it));
        true
    })?;
    Ok(found)
}

/// Finds the artifact of the run, by its name.
fn artifact(desk: &Desk, github: &GitHub, run: &WorkflowRun) -> Result<Option<u64>, Failure> {
    let name = &desk.inputs.artifact;
    let mut found = Vec::new();
    let path = format!("/actions/runs/{}/artifacts?name={}", run.id, encoded(name));
    github.list(&path, Some("artifacts"), |artifact| {
        let is_named = artifact.get("name").and_then(Value::as_str) == Some(name);
        let is_there = artifact.get("expired").and_then(Value::as_bool) == Some(false);
        let of = artifact.pointer("/workflow_run/id").and_then(Value::as_u64);
        if is_named && is_there && of == Some(run.id) {
            found.extend(artifact.get("id").and_then(Value::as_u64));
        }
        true
    })?;
    match &*found {
        [] => Ok(None),
        // Another attempt of the run leaves another, and the newest is what holds.
        all => Ok(all.iter().max().copied()),
    }
}

/// Downloads a report and reads it, or says why it is none.
fn fetch(desk: &Desk, github: &GitHub, id: u64) -> Result<Result<Report, String>, Failure> {
    let path = desk.directory.join("artifact.zip");
    let create = || {
        File::create(&path).map_err(|e| Failure::Fault(format!("a download cannot be kept: {e}")))
    };
    github.download(&format!("/actions/artifacts/{id}/zip"), MAX_BYTES, create)?;
    Ok(read(&path))
}

/// Reads the report in an archive of exactly that file; nothing is unpacked.
fn read(path: &Path) -> Result<Report, String> {
    let odd = |why: &str| format!("what the run left is no report: {why}");
    let file = File::open(path).map_err(|e| odd(&e.to_string()))?;
    let archive = zip::ZipArchive::new(file);
    let mut archive = archive.map_err(|e| odd(&terminal(&e.to_string())))?;
    if archive.len() != 1 {
        return Err(odd(&format!("it holds {} files", archive.len())));
    }
    let entry = archive.by_index(0).map_err(|e| odd(&terminal(&e.to_string())))?;
    let name = entry.name().map_err(|e| odd(&terminal(&e.to_string())))?;
    if !entry.is_file() || name != FILE {
        return Err(odd(&format!("it holds `{}`", terminal(&name))));
    }
    drop(name);
    let mut bytes = Vec::new();
    let mut entry = entry.take(MAX_BYTES + 1);
    entry.read_to_end(&mut bytes).map_err(|e| odd(&terminal(&e.to_string())))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(odd("it is too large"));
    }
    serde_json::from_slice(&bytes).map_err(|e| odd(&terminal(&e.to_string())))
}

/// Says why a report is not about the run that left it.
fn bound(desk: &Desk, run: &WorkflowRun, pulls: &[u64], report: &Report) -> Option<String> {
    let repository = desk.environment.repository.to_string();
    let is_listed = report.pull.is_some_and(|pull| pulls.contains(&pull));
    for (what, holds) in [
        ("of another version", report.schema == SCHEMA),
        ("about another repository", report.repository.eq_ignore_ascii_case(&repository)),
        ("of another run", report.run == (run.id, run.attempt)),
        ("about another commit", report.head == run.head),
        ("of another event", report.event == run.event),
        ("about another pull request", is_listed),
        ("of another category", report.category == desk.inputs.category),
    ] {
        if !holds {
            return Some(format!("the report that the run left is {what}"));
        }
    }
    None
}

fn tell(
    desk: &Desk,
    github: &GitHub,
    run: &WorkflowRun,
    report: &Report,
) -> Result<Option<String>, Failure> {
    let Some(pull) = report.pull.filter(|_| desk.inputs.comment != When::Never) else {
        return Ok(None);
    };
    let is_quiet = report.is_clean() && report.rules().next().is_none();
    let only_if_there = is_quiet && desk.inputs.comment == When::OnChange;
    let body = markdown::comment_for_another(report, &run_url(desk, run));
    hand(desk, pull).tell(github, &body, only_if_there)
}

/// Makes a comment that is there say that nothing is known of the newest commit.
fn correct(
    desk: &Desk,
    github: &GitHub,
    run: &WorkflowRun,
    pulls: &[u64],
    why: &str,
) -> Result<Option<String>, Failure> {
    if desk.inputs.comment == When::Never {
        return Ok(None);
    }
    let error = Error::usage(why, "look at that run");
    let url = run_url(desk, run);
    let body = markdown::comment_on_error(&desk.inputs.category, &run.head, &error, &url);
    let mut url = None;
    for pull in pulls {
        url = hand(desk, *pull).tell(github, &body, true)?.or(url);
    }
    Ok(url)
}

fn hand(desk: &Desk, pull: u64) -> Hand<'_> {
    Hand { author: &desk.inputs.comment_author, category: &desk.inputs.category, pull }
}

fn run_url(desk: &Desk, run: &WorkflowRun) -> String {
    let environment = &desk.environment;
    format!("{}/{}/actions/runs/{}", environment.server_url, environment.repository, run.id)
}

fn finish(
    desk: &Desk,
    notices: &Notices,
    run: &WorkflowRun,
    comment: Option<String>,
    report: Option<&Report>,
) -> Result<ExitStatus, Error> {
    anstream::print!("{}", notices.show());
    if let (Some(report), Some(path)) = (report, &desk.environment.summary)
        && desk.inputs.summary
    {
        let page = markdown::reported(report, &run_url(desk, run));
        complain(output::summary(path, &page));
    }
    if let Some(path) = &desk.environment.output {
        // What the other run says is no verdict of this one.
        let outputs =
            [("verdict", "unknown".to_owned()), ("comment-url", comment.unwrap_or_default())];
        output::outputs(path, &outputs)?;
    }
    Ok(notices.status(ExitStatus::Passed))
}
