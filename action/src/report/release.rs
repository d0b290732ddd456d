//! What a run found of a release.

use serde::Serialize;
use weft_gate::Outcome;
use weft_verify::Sha256;

use super::{SCHEMA, Step, worse};
use crate::environment::Environment;

/// What a run found of a release.
#[derive(Debug, Clone, Serialize)]
pub struct Release {
    /// What lies in it, by digests of bytes that were downloaded.
    pub assets: Vec<Asset>,
    /// The commit of the tag.
    pub commit: String,
    /// Its number.
    pub id: u64,
    /// What comes of it.
    pub outcome: Outcome,
    /// Whether this run published it.
    pub published: bool,
    /// The repository, `owner/name`.
    pub repository: String,
    /// The run, and which attempt of it.
    pub run: (u64, u64),
    /// The version of this format.
    pub schema: u32,
    /// What was looked at.
    pub steps: Vec<Step>,
    /// Its tag.
    pub tag: String,
    /// The program that wrote it.
    pub tool: String,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asset {
    /// Its number.
    pub id: u64,
    /// What it counts as: `artifact`, `attestation`, `manifest` or `verdict`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

impl Release {
    /// Begins a report, in which nothing was looked at yet.
    pub fn new(environment: &Environment, id: u64, tag: &str, commit: &str) -> Self {
        Self {
            assets: Vec::new(),
            commit: commit.to_owned(),
            id,
            outcome: Outcome::Passed,
            published: false,
            repository: environment.repository.to_string(),
            run: (environment.run.id, environment.run.attempt),
            schema: SCHEMA,
            steps: Vec::new(),
            tag: tag.to_owned(),
            tool: concat!("weft-action ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Adds a step, which can make the outcome worse and never better.
    pub fn require(&mut self, step: Step) {
        self.outcome = worse(self.outcome, step.result);
        self.steps.push(step);
    }

    /// Returns what is missing or wrong, a line each.
    pub fn missing(&self) -> Vec<String> {
        let open = self.steps.iter().filter(|step| step.result != Outcome::Passed);
        let lines = open.flat_map(|step| {
            let lines = step.evidence.iter();
            lines.map(|line| format!("{}: {line}", step.check))
        });
        lines.map(|line| cargo_weft::escape::terminal(&line)).collect()
    }
}
