//! `cargo weft explain`: the page of a check, what a rejection of the verifier means, or the list of both.

use clap::Args;
use weft_gate::check::{self, CHECKS};
use weft_gate::provenance;
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
        Some(code) => match (check::find(code), reasons().find(|reason| reason.code == code)) {
            (Some(check), _) => check.page().to_owned(),
            (None, Some(reason)) => reason.page(),
            (None, None) => return Err(unknown(code)),
        },
    };
    output::print(text)?;
    Ok(ExitStatus::Passed)
}

/// Why something that was signed does not count.
struct Reason {
    code: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

impl Reason {
    /// The meaning, on one line.
    fn sentence(&self) -> String {
        self.meaning.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn page(&self) -> String {
        let Self { code, remedy, .. } = self;
        format!("# `{code}`\n\n{}\n\n## What to do\n\n{remedy}\n", self.sentence())
    }
}

/// Every rejection of the verifier, and every refusal of an attestation.
fn reasons() -> impl Iterator<Item = Reason> {
    let rejections = Code::ALL.iter().map(|code| Reason {
        code: code.name(),
        meaning: code.meaning(),
        remedy: code.remedy(),
    });
    rejections.chain(provenance::Code::ALL.iter().map(|code| Reason {
        code: code.name(),
        meaning: code.meaning(),
        remedy: code.remedy(),
    }))
}

fn list() -> String {
    let mut out = String::new();
    for check in CHECKS {
        out.push_str(check.code());
        out.push('\n');
        paragraph(&mut out, "", &check.summary(), 4);
    }
    out.push_str("\nWhat the verifier refuses, and why:\n");
    for reason in reasons() {
        out.push_str(reason.code);
        out.push('\n');
        paragraph(&mut out, "", &reason.sentence(), 4);
    }
    out
}

fn unknown(code: &str) -> Error {
    let codes = check::codes().chain(reasons().map(|reason| reason.code));
    let closest = codes.min_by_key(|known| {
        // The name alone is what people remember.
        let name = known.split_once('/').map_or(*known, |(_, name)| name);
        strsim::damerau_levenshtein(code, known).min(strsim::damerau_levenshtein(code, name))
    });
    let help =
        format!("did you mean `{}`? `cargo weft explain` lists all", closest.unwrap_or_default());
    Error::usage(format!("no check and no rejection is called `{code}`"), help)
}
