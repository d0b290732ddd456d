//! One run of the action: which work it is, and where it is told.

mod audit;
mod relay;
mod release;

use std::path::{Component, PathBuf};

use cargo_weft::command::host;
use cargo_weft::source::checkout;
use cargo_weft::{Error, ExitStatus};

use crate::environment::Environment;
use crate::event::Event;
use crate::github::{Failure, GitHub, Patience};
use crate::input::{Inputs, Mode};
use crate::show::{self, log};
use crate::sink::output;

/// What a run has before it.
pub struct Desk {
    environment: Environment,
    inputs: Inputs,
    /// Nothing where the workflow gives no token, or wants no connection.
    github: Option<GitHub>,
    /// A new directory for what the run writes.
    directory: PathBuf,
}

/// What went wrong on the way to people: it changes no verdict, and a fault is no success either.
#[derive(Debug, Default)]
struct Notices {
    lines: Vec<String>,
    /// Whether something is out of order, and not only forbidden to this token.
    has_fault: bool,
}

impl Desk {
    /// Reads what the runner and the workflow say by `variable`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for what is missing or not understood, [`Error::File`] if nothing can be written.
    pub fn of_runner(
        variable: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        let environment = Environment::read(&variable)?;
        let inputs = Inputs::read(&variable)?;
        let github = match &inputs.token {
            Some(token) if !inputs.offline => Some(GitHub::new(
                &environment.api_url,
                token,
                &environment.repository,
                Patience::default(),
            )?),
            _ => None,
        };
        let directory = tempfile::Builder::new().prefix("weft-").tempdir_in(&environment.temp);
        let directory = directory.map_err(|source| Error::File {
            action: "write",
            path: environment.temp.display().to_string(),
            source,
        })?;
        // Later steps of the job read what is in it.
        Ok(Self { environment, inputs, github, directory: directory.keep() })
    }

    /// Does the work.
    ///
    /// # Errors
    ///
    /// What keeps it from being done; that is told in the summary and in the outputs, too.
    pub fn run(&self) -> Result<ExitStatus, Error> {
        self.work().inspect_err(|error| self.tell_error(error))
    }

    fn work(&self) -> Result<ExitStatus, Error> {
        let environment = &self.environment;
        let event =
            Event::read(&environment.event, &environment.event_path, &environment.repository)?;
        self.demand_outside()?;
        match self.inputs.mode {
            Mode::Audit | Mode::GateMerge => audit::run(self, &event),
            Mode::GateRelease => release::run(self, &event),
            Mode::Report => relay::run(self, &event),
        }
    }

    /// Demands that nothing of the checkout says what is judged by, or where files are written.
    fn demand_outside(&self) -> Result<(), Error> {
        let workspace = &self.environment.workspace;
        if let Some(path) = &self.inputs.advisory_db
            && !checkout::is_outside(&workspace.join(path), workspace)
        {
            return Err(Error::usage(
                "the input `advisory-db` names no directory outside of the checkout, where a change could be judged by advisories of its own",
                "clone it below `${{ runner.temp }}`, or say `fetch: true`",
            ));
        }
        if let Some(policy) = &self.inputs.policy
            && weft_gate::policy::profile(policy).is_none()
            && !checkout::is_outside(&workspace.join(policy), workspace)
        {
            return Err(Error::usage(
                "the input `policy` is neither a profile nor a file outside of the checkout, where a change could bring a policy of its own",
                "leave it out, and the base's weft.toml counts; or put the file below `${{ runner.temp }}`",
            ));
        }
        for (name, path) in
            [("report-file", &self.inputs.report_file), ("sarif-file", &self.inputs.sarif_file)]
        {
            let Some(path) = path else { continue };
            if path.components().any(|part| part == Component::ParentDir) {
                return Err(Error::usage(
                    format!("the input `{name}` has `..` in it"),
                    "name the file below the workspace, or by its absolute path",
                ));
            }
            checkout::demand_straight(&workspace.join(path)).map_err(|why| {
                Error::usage(
                    format!("the input `{name}`: {why}"),
                    "name a file below `${{ runner.temp }}`, or take the output of the step",
                )
            })?;
        }
        Ok(())
    }

    /// Downloads what checks look into, if the workflow wants that, and returns the advisories that count.
    fn fetch(&self, notices: &mut Notices) -> Option<PathBuf> {
        let inputs = &self.inputs;
        if !inputs.fetch || inputs.offline {
            return inputs.advisory_db.clone();
        }
        let own = self.directory.join("advisory-db");
        let database = inputs.advisory_db.is_none().then_some(&*own);
        let directory = self.environment.workspace.join(&inputs.working_directory);
        for what in host::fetch(&directory, database) {
            notices.add(format!("not downloaded: {what}"));
        }
        inputs.advisory_db.clone().or_else(|| own.exists().then_some(own))
    }

    fn tell_error(&self, error: &Error) {
        let url = self.environment.run_url();
        if let Some(path) = &self.environment.summary
            && self.inputs.summary
        {
            let page = show::markdown::summary_on_error(None, error, &url);
            complain(output::summary(path, &page));
        }
        if let Some(path) = &self.environment.output {
            complain(output::outputs(path, &[("verdict", "error".to_owned())]));
        }
    }
}

/// Says that something could not be told, where something worse is told already.
fn complain(result: Result<(), Error>) {
    if let Err(error) = result {
        cargo_weft::report::diagnostic::show_error(&error);
    }
}

fn no_github(mode: &str) -> Error {
    Error::usage(
        format!("`mode: {mode}` asks GitHub, and there is no token, or `offline` is true"),
        "give the step its `token`, and leave `offline` out",
    )
}

impl Notices {
    /// Notes what did not come about and why, and returns what did.
    fn take<T>(&mut self, what: &str, result: Result<T, Failure>) -> Option<T> {
        match result {
            Ok(written) => Some(written),
            Err(failure) => {
                self.has_fault |= !matches!(failure, Failure::Denied(_) | Failure::Absent(_));
                self.lines.push(format!("{what}: {failure}"));
                None
            }
        }
    }

    /// Notes that a file which the workflow names is not there.
    fn file(&mut self, written: Result<(), Error>) {
        if let Err(error) = written {
            self.has_fault = true;
            self.lines.push(error.to_string());
        }
    }

    /// Writes what was noted as annotations of the log.
    fn show(&self) -> String {
        let level = if self.has_fault { "warning" } else { "notice" };
        self.lines.iter().map(|line| log::message(level, "cargo weft", line)).collect()
    }

    fn add(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Returns the status of a run whose work has one: what is out of order is no success.
    fn status(&self, status: ExitStatus) -> ExitStatus {
        match status {
            ExitStatus::Passed if self.has_fault => ExitStatus::Error,
            status => status,
        }
    }
}
