//! `cargo weft gate merge`: whether a change may be merged, as report and as a signed verdict for the release.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use weft_gate::gate::summary::{self, GATE_ROLE, MERGE};
use weft_gate::gate::{Step, StepResult, audit, covered, outcome};
use weft_gate::release::Source;
use weft_gate::{Outcome, Verdict};

use super::{Common, Format, bug, human, of, source};
use crate::command::compare::{Whose, judged};
use crate::command::facts::Loaded;
use crate::command::{release as command, today};
use crate::error::{Error, ExitStatus};
use crate::report;
use crate::source::files;

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    #[command(flatten)]
    common: Common,
    /// Write the verdict that the summary names, in canonical JSON
    #[arg(long, value_name = "FILE")]
    verdict: Option<PathBuf>,
}

pub(super) fn run(args: &MergeArgs) -> Result<ExitStatus, Error> {
    let common = &args.common;
    let as_of = common.as_of.unwrap_or_else(today);
    let loaded = judged(
        &common.selection,
        common.base.as_deref(),
        common.advisory_db.as_deref(),
        as_of,
        Whose::Gate,
    )?;
    let verdict = command::decided(&loaded)?;
    let commit = common.commit(&loaded);
    let named = common.selection.policy.as_deref();
    let (steps, outcome) = steps(&loaded, &verdict, commit.as_ref(), named);
    let json = json!({
        "gate": MERGE,
        "outcome": outcome,
        "schema": 1,
        "steps": steps,
        "verdict": verdict,
    });
    let shown = match common.format {
        Format::Human => format!(
            "{}\n{}",
            anstream::adapter::strip_str(&report::human::render(&verdict)),
            human(&steps, outcome)
        ),
        Format::Json => String::new(),
    };
    // Shown before anything is written, which may fail.
    common.format.print(shown, &json)?;
    if let Some(path) = &args.verdict {
        files::create_whole(path, &verdict.to_canonical().map_err(bug)?)?;
    }
    if common.summary.is_some() {
        let commit = commit.as_ref().map_err(|why| {
            Error::usage(format!("there is nothing to sign a verdict on: {why}"), "commit first")
        })?;
        let place = command::place(common.roles.as_deref(), &loaded.root)?;
        let roles = match place.file().exists() {
            true => Some(place.in_force(common.trusted_roles)?),
            false => None,
        };
        let of = of(MERGE, &steps, outcome, commit, &verdict);
        let statement = summary::summary(vec![summary::subject(commit)], &of).map_err(bug)?;
        common.write_summary(roles.as_deref(), Some(GATE_ROLE), &statement)?;
    }
    Ok(outcome.into())
}

/// Looks at all that a merge needs: the commit, whose policy it is judged by, the audit, and what the policy requires.
pub(in crate::command) fn steps(
    loaded: &Loaded,
    verdict: &Verdict,
    commit: Result<&Source, &String>,
    named: Option<&str>,
) -> (Vec<Step>, Outcome) {
    let mut steps = vec![
        source(commit.map_err(|why| &**why)),
        whose_policy(named, loaded, commit.ok()),
        audit(verdict),
    ];
    let policy = &loaded.facts.policy;
    let required = policy.gate.merge.require.iter();
    steps.extend(required.filter_map(|name| covered(*name, verdict, policy)));
    let outcome = outcome(&steps);
    (steps, outcome)
}

/// Says whose policy it is, and refuses a base that is what is judged: nothing is new to itself.
fn whose_policy(named: Option<&str>, loaded: &Loaded, judged: Option<&Source>) -> Step {
    let base = loaded.facts.base.as_ref().map(|base| &base.commit);
    let (result, line) = match (base, named) {
        (Some(base), _) if judged.is_some_and(|judged| judged.commit == *base) => (
            StepResult::Missing,
            format!("the base {base} is what is judged, and nothing is new to it"),
        ),
        (Some(base), None) => (StepResult::Passed, format!("that of the base {base}")),
        (Some(base), Some(name)) => {
            (StepResult::Passed, format!("that of {name}; the base is {base}"))
        }
        (None, Some(name)) => (StepResult::Passed, format!("that of {name}")),
        (None, None) => (
            StepResult::Passed,
            "that of the commit itself; of a change, name its base: --base REV".to_owned(),
        ),
    };
    Step::new(
        "policy",
        result,
        vec![line],
        "Name the commit that the change is merged into: --base REV; or leave it out, and the commit is judged as a whole.",
    )
}
