//! `weft-action`: the GitHub half of cargo weft.
//!
//! [`environment`], [`input`] and [`event`] read what the runner says, and [`subject`] works out which commits it is
//! about.
//! [`run`] joins them with what cargo weft decides: `audit` for changes, `release` for releases, `relay` for what another
//! run found.
//! [`report`] is the result, [`show`] makes pages of it, and [`sink`] writes them through [`github`].

pub mod environment;
pub mod event;
pub mod github;
pub mod input;
pub mod report;
pub mod run;
pub mod show;
pub mod sink;
pub mod subject;

use std::process::ExitCode;

use cargo_weft::{Error, ExitStatus};
use clap::{Parser, Subcommand};

use self::run::Desk;

/// The GitHub half of cargo weft.
#[derive(Debug, Parser)]
#[command(name = "weft-action", version, about)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do what the inputs of the step say, about the event that started the workflow
    Run,
}

/// Runs the action.
pub fn main() -> ExitCode {
    let Line { command: Command::Run } = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            _ = error.print();
            let is_asked = !error.use_stderr();
            return if is_asked { ExitStatus::Passed } else { ExitStatus::Error }.into();
        }
    };
    match Desk::of_runner(variable).and_then(|desk| desk.run()) {
        Ok(status) => status.into(),
        Err(error) => {
            tell_outputs();
            cargo_weft::report::diagnostic::show_error(&error);
            let said = error.to_string();
            anstream::print!("{}", show::log::message("error", "cargo weft: not judged", &said));
            error.status().into()
        }
    }
}

/// Says to later steps that there is no verdict, unless one was told already.
fn tell_outputs() {
    let Ok(Some(path)) = variable("GITHUB_OUTPUT") else { return };
    let path = std::path::Path::new(&path);
    let is_told = std::fs::read_to_string(path).is_ok_and(|text| text.contains("verdict<<"));
    if !is_told {
        // The status says it as well.
        _ = sink::output::outputs(path, &[("verdict", "error".to_owned())]);
    }
}

/// Reads a variable of the process; one that is empty is not set, as the runner has it.
fn variable(name: &str) -> Result<Option<String>, Error> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    match value.into_string() {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(_) => Err(Error::usage(
            format!("{name} is not UTF-8"),
            "look at what sets it: the workflow, or a name in the repository",
        )),
    }
}
