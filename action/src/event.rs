//! What happened, as the runner's payload tells it.
//!
//! Payloads grow members, and some are null: only what is needed is read, of that everything is checked, and what is
//! missing is an error that names it.
//! The shapes are those of GitHub's documentation, "Webhook events and payloads".

mod payload;

use std::path::Path;

use cargo_weft::Error;
use cargo_weft::escape::terminal;

use crate::environment::Repository;

/// The largest payload that is read, in bytes; GitHub's own bound is 25 MB.
const MAX_BYTES: usize = 32 << 20;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A pull request came or changed; the workflow is its own.
    PullRequest(PullRequest),
    /// The same, with a workflow of the base and a token that may write: of the head only objects are read.
    PullRequestTarget(PullRequest),
    /// A merge queue asks about a group of pull requests.
    MergeGroup {
        /// What the group is merged into.
        base: String,
        /// The branch that it is merged into, `refs/heads/main`.
        base_ref: String,
        /// The commit of the group.
        head: String,
    },
    /// Commits came to a branch or tag, or something looks at one by a clock or by hand.
    Commit {
        /// The branch or tag, `refs/heads/main`.
        name: String,
    },
    /// A release was made or changed.
    Release(Release),
    /// Another workflow ended.
    WorkflowRun(WorkflowRun),
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// What it is to be merged into.
    pub base: String,
    /// The branch that it is to be merged into.
    pub base_branch: String,
    /// Its own last commit.
    pub head: String,
    /// Where that comes from; nothing if that repository is gone.
    pub head_repository: Option<u64>,
    /// The repository it was opened in.
    pub repository: u64,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub id: u64,
    /// What happened to it: `created`, `published`.
    pub action: String,
    /// Its tag.
    pub tag: String,
}

/// A run of another workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Which attempt of it ended.
    pub attempt: u64,
    /// Its number.
    pub id: u64,
    /// What started it.
    pub event: String,
    /// The commit that it is about.
    pub head: String,
    /// The branch of that commit.
    pub branch: String,
    /// Who owns the repository of that branch, and its number; nothing if it is gone.
    pub head_repository: Option<(String, u64)>,
    /// The number of the repository it ran in.
    pub repository: u64,
}

impl Event {
    /// Reads the payload of an event, which happened in `repository`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] that names the event and the member.
    pub fn read(name: &str, path: &Path, repository: &Repository) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let bytes =
            cargo_weft::source::files::read_bounded(path, MAX_BYTES).map_err(|refusal| {
                Error::usage(
                    format!(
                        "the payload of the event cannot be read at {}: {refusal}",
                        terminal(&shown)
                    ),
                    "the runner writes it; look at what touches GITHUB_EVENT_PATH before this step",
                )
            })?;
        Self::parse(name, &bytes, repository)
    }

    /// Reads the payload of an event from bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] that names the event and the member.
    pub fn parse(name: &str, bytes: &[u8], repository: &Repository) -> Result<Self, Error> {
        payload::parse(name, bytes, repository)
    }
}

/// Demands the full id of a commit.
///
/// # Errors
///
/// [`Error::Usage`] that names the place.
pub fn demand_sha(place: &str, text: &str) -> Result<(), Error> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    match [40, 64].contains(&text.len()) && text.bytes().all(is_digit) {
        true if text.bytes().any(|b| b != b'0') => Ok(()),
        true => Err(odd(place, "names no commit")),
        false => Err(odd(place, "is no id of a commit")),
    }
}

/// Demands a name that is one part of a path, and nothing else, in a URL.
///
/// # Errors
///
/// [`Error::Usage`] that names the place.
pub fn demand_name(place: &str, text: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && text.len() <= 100 && text.chars().all(fits) && !text.contains("..") {
        true if text != "." => Ok(()),
        _ => Err(odd(place, "is no name")),
    }
}

fn odd(place: &str, what: &str) -> Error {
    Error::usage(
        format!("{place} {what}"),
        "the runner writes it; look at what touches the event before this step, and open an issue if nothing does",
    )
}
