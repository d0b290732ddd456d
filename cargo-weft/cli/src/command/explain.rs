//! `cargo weft explain`: the page of a check, or the list of all.

use clap::Args;
use weft_gate::check::{self, CHECKS};

use super::output;
use crate::error::{Error, ExitStatus};
use crate::report::human::paragraph;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code of a check; without it, all are listed
    code: Option<String>,
}

pub(super) fn run(args: &ExplainArgs) -> Result<ExitStatus, Error> {
    let text = match &args.code {
        None => list(),
        Some(code) => match check::find(code) {
            Some(check) => check.page().to_owned(),
            None => return Err(unknown(code)),
        },
    };
    output::print(text)?;
    Ok(ExitStatus::Passed)
}

fn list() -> String {
    let mut out = String::new();
    for check in CHECKS {
        out.push_str(check.code());
        out.push('\n');
        paragraph(&mut out, "", &check.summary(), 4);
    }
    out
}

fn unknown(code: &str) -> Error {
    let closest = check::codes().min_by_key(|known| {
        // The name alone is what people remember.
        let name = known.split_once('/').map_or(*known, |(_, name)| name);
        strsim::damerau_levenshtein(code, known).min(strsim::damerau_levenshtein(code, name))
    });
    let help =
        format!("did you mean `{}`? `cargo weft explain` lists all", closest.unwrap_or_default());
    Error::usage(format!("no check is called `{code}`"), help)
}
