//! `cargo weft explain`: the page of a check, what a rejection of the verifier means, or the list of both.

use clap::Args;
use weft_gate::check::{self, CHECKS};
use weft_verify::Code;

use super::output;
use crate::error::{Error, ExitStatus};
use crate::report::human::paragraph;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code of a check or of a rejection; without it, all are listed
    code: Option<String>,
}

pub(super) fn run(args: &ExplainArgs) -> Result<ExitStatus, Error> {
    let text = match &args.code {
        None => list(),
        Some(code) => match (check::find(code), rejection(code)) {
            (Some(check), _) => check.page().to_owned(),
            (None, Some(code)) => page(code),
            (None, None) => return Err(unknown(code)),
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
    out.push_str("\nWhat the verifier refuses, and why:\n");
    for code in Code::ALL {
        out.push_str(code.name());
        out.push('\n');
        paragraph(&mut out, "", &sentence(*code), 4);
    }
    out
}

fn rejection(name: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| code.name() == name)
}

/// The meaning of a code, on one line.
fn sentence(code: Code) -> String {
    code.meaning().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(code: Code) -> String {
    format!("# `{}`\n\n{}\n\n## What to do\n\n{}\n", code.name(), sentence(code), code.remedy())
}

fn unknown(code: &str) -> Error {
    let codes = check::codes().chain(Code::ALL.iter().map(|code| code.name()));
    let closest = codes.min_by_key(|known| {
        // The name alone is what people remember.
        let name = known.split_once('/').map_or(*known, |(_, name)| name);
        strsim::damerau_levenshtein(code, known).min(strsim::damerau_levenshtein(code, name))
    });
    let help =
        format!("did you mean `{}`? `cargo weft explain` lists all", closest.unwrap_or_default());
    Error::usage(format!("no check and no rejection is called `{code}`"), help)
}
