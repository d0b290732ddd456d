//! What can keep the tool from its work, and the exit status of each outcome.

use std::io;
use std::process::ExitCode;

use weft_gate::{Diagnostic, Outcome};
use weft_verify::Rejection;

/// The exit status, the same for every output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// The verdict is *passed*, or the command did what it was asked.
    Passed,
    /// The verdict is *failed*.
    Failed,
    /// Usage, configuration or environment error.
    Error,
    /// The verdict is *inconclusive*.
    Inconclusive,
    /// A bug in weft.
    Bug,
}

impl ExitStatus {
    /// Returns the number a shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Error => 2,
            Self::Inconclusive => 3,
            Self::Bug => 70,
        }
    }
}

impl From<Outcome> for ExitStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed => Self::Failed,
            Outcome::Inconclusive => Self::Inconclusive,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// What kept the tool from its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
    /// A file cannot be read or written.
    #[error("failed to {action} {path}: {source}")]
    File {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The path as the user knows it.
        path: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A file that the user wrote is faulty; its text is kept to show the place.
    #[error("{diagnostic}")]
    Config {
        /// The fault.
        diagnostic: Diagnostic,
        /// The text of the file.
        text: String,
    },
    /// The dependency graph that the command is about is not known.
    #[error("the dependency graph is not known: {reason}")]
    NoGraph {
        /// Why.
        reason: String,
    },
    /// The verifier says no.
    #[error("{what}: {rejection}")]
    Rejected {
        /// What it says no to.
        what: String,
        /// Why.
        rejection: Rejection,
    },
    /// A service on the network did not do what was asked.
    #[error("failed to {action} {service}: {reason}")]
    Service {
        /// What was tried: `reach`, `update from`.
        action: &'static str,
        /// The service, as its URL.
        service: String,
        /// Why it failed, with its causes.
        reason: String,
    },
    /// Standard output is closed or full.
    #[error("failed to write to standard output: {0}")]
    Output(#[from] io::Error),
    /// Something that cannot be: a bug in weft.
    #[error("internal error: {0}")]
    Bug(String),
}

impl Error {
    /// Creates a usage error.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    /// Returns a function that says what the verifier refused.
    pub(crate) fn rejected(what: &str) -> impl Fn(Rejection) -> Self + use<> {
        let what = what.to_owned();
        move |rejection| Self::Rejected { what: what.clone(), rejection }
    }

    /// Returns the exit status.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Usage { .. }
            | Self::File { .. }
            | Self::Config { .. }
            | Self::Service { .. }
            | Self::Output(_) => ExitStatus::Error,
            Self::NoGraph { .. } => ExitStatus::Inconclusive,
            Self::Rejected { rejection: Rejection::ThresholdNotMet { tallies }, .. }
                if tallies.is_partial() =>
            {
                ExitStatus::Inconclusive
            }
            Self::Rejected { .. } => ExitStatus::Failed,
            Self::Bug(_) => ExitStatus::Bug,
        }
    }
}
