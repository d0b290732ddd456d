//! Which commits a verdict is about: what is judged, what it is compared with, and where results are written.

use cargo_weft::Error;
use cargo_weft::command::host;

use crate::environment::Environment;
use crate::event::{Event, PullRequest, demand_sha};
use crate::input::Inputs;

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The commit that is judged: of a pull request, its test merge.
    pub judged: String,
    /// Whether it is read from git's objects, with nothing of the work tree.
    pub only_objects: bool,
    /// The commit whose rules count, if there is one.
    pub base: Option<String>,
    /// The commit that results are written to: of a pull request, its own last one.
    pub head: String,
    /// The pull request.
    pub pull: Option<PullRequest>,
}

impl Subject {
    /// Works out what an event is about, in the repository at the workspace.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`]: the checkout has not what the event is about, or nothing of it can be judged.
    pub fn of(event: &Event, environment: &Environment, inputs: &Inputs) -> Result<Self, Error> {
        let mut subject = match event {
            Event::PullRequest(pull) => merged(pull, environment)?,
            Event::PullRequestTarget(pull) => Self {
                judged: pull.head.clone(),
                only_objects: true,
                base: Some(pull.base.clone()),
                head: pull.head.clone(),
                pull: Some(pull.clone()),
            },
            Event::MergeGroup { base, head, .. } => Self {
                judged: head.clone(),
                only_objects: false,
                base: Some(base.clone()),
                head: head.clone(),
                pull: None,
            },
            Event::Commit { .. } | Event::Release(_) => Self {
                judged: environment.sha.clone(),
                only_objects: false,
                base: None,
                head: environment.sha.clone(),
                pull: None,
            },
            Event::WorkflowRun(_) => {
                return Err(Error::usage(
                    "what another workflow was about is not judged here",
                    "say `mode: report` to tell the pull request what that run found",
                ));
            }
        };
        if let Some(base) = &inputs.base {
            subject.base = Some(resolve(environment, base)?);
        }
        if let Some(head) = &inputs.head {
            subject.judged = resolve(environment, head)?;
            subject.only_objects = true;
            // What is said is about that commit, and about no pull request but its own.
            subject.pull = subject.pull.filter(|pull| pull.head == subject.judged);
            subject.head.clone_from(&subject.judged);
        }
        for commit in subject.base.iter().chain([&subject.judged]) {
            demand_commit(environment, commit)?;
        }
        if !subject.only_objects {
            demand_checkout(environment, &subject.judged)?;
        }
        Ok(subject)
    }
}

/// Takes the commit in which GitHub merged a pull request to try it: what would be the branch's next, beside its last.
fn merged(pull: &PullRequest, environment: &Environment) -> Result<Subject, Error> {
    let sha = &environment.sha;
    demand_commit(environment, sha)?;
    let parent = |number: u8| host::commit(&environment.workspace, &format!("{sha}^{number}"));
    let (base, head) = (parent(1), parent(2));
    let (Ok(base), Ok(head)) = (base, head) else {
        return Err(Error::usage(
            format!(
                "{sha} is to be the test merge of #{}, and its parents are not there",
                pull.number
            ),
            "check it out with `fetch-depth: 2` at least, or `fetch-depth: 0`",
        ));
    };
    if host::follows(&environment.workspace, &base, &pull.base) != Ok(true) {
        return Err(Error::usage(
            format!("{sha} is a merge into {base}, which does not come of {}", pull.base),
            "the pull request was led to another branch, or that was replaced: run this again, once GitHub has tried the merge anew",
        ));
    }
    if head != pull.head {
        return Err(Error::usage(
            format!("{sha} merges {head}, and the event is about {}", pull.head),
            "the pull request has moved on; the run of its newest commit judges it",
        ));
    }
    Ok(Subject {
        judged: sha.clone(),
        only_objects: false,
        base: Some(base),
        head,
        pull: Some(pull.clone()),
    })
}

fn resolve(environment: &Environment, revision: &str) -> Result<String, Error> {
    if revision.starts_with('-') {
        return Err(Error::usage("a commit is named by its id or a ref", "take the `-` away"));
    }
    let commit = host::commit(&environment.workspace, revision);
    let commit = commit.map_err(|why| absent(revision, &why))?;
    demand_sha("the commit", &commit)?;
    Ok(commit)
}

fn demand_commit(environment: &Environment, commit: &str) -> Result<(), Error> {
    match host::commit(&environment.workspace, commit) {
        Ok(found) if found == commit => Ok(()),
        Ok(_) => Err(absent(commit, "another commit has that name")),
        Err(why) => Err(absent(commit, &why)),
    }
}

fn absent(revision: &str, why: &str) -> Error {
    let shown = cargo_weft::escape::terminal(revision);
    Error::usage(
        format!("the checkout has no one commit `{shown}`: {why}"),
        "check the repository out before this step, with `fetch-depth: 0`; a branch is `origin/main` there",
    )
}

/// Demands that what lies there is what is judged.
fn demand_checkout(environment: &Environment, judged: &str) -> Result<(), Error> {
    match host::commit(&environment.workspace, "HEAD") {
        Ok(head) if head == judged => Ok(()),
        Ok(head) => Err(Error::usage(
            format!("{head} is checked out, and the event is about {judged}"),
            "leave `ref` out of the checkout, or name what is to be judged: `head:`",
        )),
        Err(why) => Err(Error::usage(why, "check the repository out before this step")),
    }
}
