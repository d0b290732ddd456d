//! Payloads as they arrive: every member may be missing or odd.

use cargo_weft::Error;
use cargo_weft::escape::terminal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Event, PullRequest, Release, WorkflowRun, demand_name, demand_sha, odd};
use crate::environment::Repository;

#[derive(Deserialize)]
struct Common {
    repository: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    full_name: Option<String>,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct OfPull {
    pull_request: Option<Pull>,
}

#[derive(Deserialize)]
struct Pull {
    number: Option<u64>,
    base: Option<Side>,
    head: Option<Side>,
}

#[derive(Deserialize)]
struct Side {
    sha: Option<String>,
    #[serde(rename = "ref")]
    branch: Option<String>,
    repo: Option<Place>,
}

#[derive(Deserialize)]
struct OfGroup {
    merge_group: Option<Group>,
}

#[derive(Deserialize)]
struct Group {
    base_sha: Option<String>,
    base_ref: Option<String>,
    head_sha: Option<String>,
}

#[derive(Deserialize)]
struct OfPush {
    #[serde(rename = "ref")]
    name: Option<String>,
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
struct OfRelease {
    action: Option<String>,
    release: Option<Released>,
}

#[derive(Deserialize)]
struct Released {
    id: Option<u64>,
    tag_name: Option<String>,
}

#[derive(Deserialize)]
struct OfRun {
    workflow_run: Option<Run>,
}

#[derive(Deserialize)]
struct Run {
    run_attempt: Option<u64>,
    id: Option<u64>,
    event: Option<String>,
    head_sha: Option<String>,
    head_branch: Option<String>,
    head_repository: Option<Owned>,
}

#[derive(Deserialize)]
struct Owned {
    id: Option<u64>,
    owner: Option<Login>,
}

#[derive(Deserialize)]
struct Login {
    login: Option<String>,
}

/// Reads a payload; `repository` is where the runner says that it happened.
pub(super) fn parse(name: &str, bytes: &[u8], repository: &Repository) -> Result<Event, Error> {
    let common: Common = read(name, bytes)?;
    let place = common.repository.ok_or_else(|| missing(name, "repository"))?;
    let full_name = place.full_name.ok_or_else(|| missing(name, "repository.full_name"))?;
    if !full_name.eq_ignore_ascii_case(&repository.to_string()) {
        return Err(odd(
            &format!("the payload of `{}`", terminal(name)),
            &format!("is about {}, and GITHUB_REPOSITORY is {repository}", terminal(&full_name)),
        ));
    }
    let repository = place.id.ok_or_else(|| missing(name, "repository.id"))?;
    match name {
        "pull_request" => Ok(Event::PullRequest(pull(name, bytes, repository)?)),
        "pull_request_target" => Ok(Event::PullRequestTarget(pull(name, bytes, repository)?)),
        "merge_group" => group(name, bytes),
        "push" => {
            let push: OfPush = read(name, bytes)?;
            match push.deleted {
                true => Err(Error::usage(
                    "the branch was deleted, and there is nothing to judge",
                    "let the job run on pushes that are no deletions",
                )),
                false => Ok(Event::Commit { name: push.name.ok_or_else(|| missing(name, "ref"))? }),
            }
        }
        "workflow_dispatch" => {
            let push: OfPush = read(name, bytes)?;
            Ok(Event::Commit { name: push.name.ok_or_else(|| missing(name, "ref"))? })
        }
        // Its payload says nothing but when.
        "schedule" => Ok(Event::Commit { name: "the default branch".to_owned() }),
        "release" => release(name, bytes),
        "workflow_run" => run(name, bytes, repository),
        _ => Err(Error::usage(
            format!("the event `{}` is not one that weft knows", terminal(name)),
            "run it on pull_request, merge_group, push, schedule, release, workflow_dispatch or workflow_run",
        )),
    }
}

fn pull(name: &str, bytes: &[u8], repository: u64) -> Result<PullRequest, Error> {
    let of: OfPull = read(name, bytes)?;
    let pull = of.pull_request.ok_or_else(|| missing(name, "pull_request"))?;
    let base = pull.base.ok_or_else(|| missing(name, "pull_request.base"))?;
    let head = pull.head.ok_or_else(|| missing(name, "pull_request.head"))?;
    Ok(PullRequest {
        number: pull.number.ok_or_else(|| missing(name, "pull_request.number"))?,
        base: sha(name, "pull_request.base.sha", base.sha)?,
        base_branch: base.branch.ok_or_else(|| missing(name, "pull_request.base.ref"))?,
        head: sha(name, "pull_request.head.sha", head.sha)?,
        head_repository: head.repo.and_then(|repo| repo.id),
        repository,
    })
}

fn group(name: &str, bytes: &[u8]) -> Result<Event, Error> {
    let of: OfGroup = read(name, bytes)?;
    let group = of.merge_group.ok_or_else(|| missing(name, "merge_group"))?;
    Ok(Event::MergeGroup {
        base: sha(name, "merge_group.base_sha", group.base_sha)?,
        base_ref: group.base_ref.ok_or_else(|| missing(name, "merge_group.base_ref"))?,
        head: sha(name, "merge_group.head_sha", group.head_sha)?,
    })
}

fn release(name: &str, bytes: &[u8]) -> Result<Event, Error> {
    let of: OfRelease = read(name, bytes)?;
    let release = of.release.ok_or_else(|| missing(name, "release"))?;
    Ok(Event::Release(Release {
        id: release.id.ok_or_else(|| missing(name, "release.id"))?,
        action: of.action.ok_or_else(|| missing(name, "action"))?,
        tag: release.tag_name.ok_or_else(|| missing(name, "release.tag_name"))?,
    }))
}

fn run(name: &str, bytes: &[u8], repository: u64) -> Result<Event, Error> {
    let of: OfRun = read(name, bytes)?;
    let run = of.workflow_run.ok_or_else(|| missing(name, "workflow_run"))?;
    let head_repository = match run.head_repository {
        None => None,
        Some(Owned { id, owner }) => {
            let login = owner.and_then(|owner| owner.login);
            let login = login.ok_or_else(|| missing(name, "workflow_run.head_repository.owner"))?;
            demand_name("workflow_run.head_repository.owner.login", &login)?;
            let id = id.ok_or_else(|| missing(name, "workflow_run.head_repository.id"))?;
            Some((login, id))
        }
    };
    Ok(Event::WorkflowRun(WorkflowRun {
        attempt: run.run_attempt.ok_or_else(|| missing(name, "workflow_run.run_attempt"))?,
        id: run.id.ok_or_else(|| missing(name, "workflow_run.id"))?,
        event: run.event.ok_or_else(|| missing(name, "workflow_run.event"))?,
        head: sha(name, "workflow_run.head_sha", run.head_sha)?,
        branch: run.head_branch.ok_or_else(|| missing(name, "workflow_run.head_branch"))?,
        head_repository,
        repository,
    }))
}

fn sha(event: &str, member: &str, text: Option<String>) -> Result<String, Error> {
    let text = text.ok_or_else(|| missing(event, member))?;
    demand_sha(member, &text)?;
    Ok(text)
}

fn read<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        odd(
            &format!("the payload of `{}`", terminal(name)),
            &format!("cannot be understood: {}", terminal(&error.to_string())),
        )
    })
}

fn missing(name: &str, member: &str) -> Error {
    odd(&format!("the payload of `{}`", terminal(name)), &format!("has no `{member}`"))
}
