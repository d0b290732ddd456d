//! `cargo weft gate merge`: whether a change may be merged, as report and as a signed verdict for the release.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use weft_gate::gate::summary::{self, GATE_ROLE, MERGE};
use weft_gate::gate::{Step, StepResult, audit, covered, outcome};

use super::{Common, Format, bug, human, of, source};
use crate::command::compare::{Whose, judged};
use crate::command::{release as command, today};
use crate::error::{Error, ExitStatus};
use crate::report;
use crate::source::files;
use crate::source::release as fetch;

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
    let commit = fetch::source(&loaded.root, &loaded.facts.inputs);
    let whose = match (&common.base, &common.selection.policy) {
        (_, Some(name)) => format!("that of {name}"),
        (Some(base), None) => format!("that of {base}"),
        (None, None) => {
            "that of the commit itself; of a change, name its base: --base REV".to_owned()
        }
    };
    let mut steps = vec![
        source(commit.as_ref().map_err(|why| &**why)),
        Step::new("policy", StepResult::Passed, vec![whose], ""),
        audit(&verdict),
    ];
    let policy = &loaded.facts.policy;
    let required = policy.gate.merge.require.iter();
    steps.extend(required.filter_map(|name| covered(*name, &verdict, policy)));
    let outcome = outcome(&steps);
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
