//! `cargo weft gate`: whether a merge or a release may go ahead, fail-closed and without a network.

mod evidence;
pub(super) mod merge;
pub(super) mod release;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use weft_gate::gate::{Step, StepResult, summary};
use weft_gate::release::Source;
use weft_gate::{Outcome, Verdict};
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::{Rejection, Sha256, canonical};

use super::facts::Loaded;
use super::sign::demand_role;
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::release as fetch;
use crate::source::secret::PassphraseArgs;
use crate::source::{checkout, files};

#[derive(Debug, Args)]
pub(super) struct GateArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a change may be merged
    Merge(Box<merge::MergeArgs>),
    /// Say whether the artifacts of a release may be published
    Release(Box<release::ReleaseArgs>),
}

/// What both gates are asked.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    selection: Selection,
    /// Judge by the policy of this commit, and fail on findings that it does not have
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// The digest of a version of the roles that is trusted
    #[arg(long, value_name = "SHA256")]
    trusted_roles: Option<Sha256>,
    /// The roles file, best one that the workspace cannot change; by default its .weft/roles.toml
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// Write the outcome as a SLSA verification summary
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Sign the summary with this key
    #[arg(long, value_name = "FILE", requires = "summary")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

pub(super) fn run(args: &GateArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Merge(args) => merge::run(args),
        Command::Release(args) => release::run(args),
    }
}

/// Says which commit is judged, and whether it is what lies there.
fn source(source: Result<&Source, &str>) -> Step {
    let remedy = "Commit what is to be judged, or put it away: a verdict is about a commit.";
    let (result, line) = match source {
        Err(why) => (StepResult::Missing, why.to_owned()),
        Ok(Source { changed: Some(path), .. }) => {
            (StepResult::Failed, format!("{path} is not as the commit has it"))
        }
        Ok(Source { commit, tree, .. }) => {
            (StepResult::Passed, format!("{commit} with the tree {tree}"))
        }
    };
    Step::new("source", result, vec![line], remedy)
}

impl Common {
    /// Reads which commit is judged, where nothing of the tree says which repository that is.
    fn commit(&self, loaded: &Loaded) -> Result<Source, String> {
        let named = self.selection.manifest_path.as_deref().unwrap_or(Path::new("."));
        checkout::demand_straight(named)?;
        fetch::source(&loaded.root, &loaded.facts.inputs)
    }

    /// Writes a summary for the next gate, signed if there is a key: one that has the role, or any that the roles name.
    fn write_summary(
        &self,
        roles: Option<&Roles>,
        role: Option<&str>,
        statement: &Statement,
    ) -> Result<(), Error> {
        let Some(path) = &self.summary else { return Ok(()) };
        let payload = statement.to_vec().map_err(bug)?;
        let bytes = match &self.key {
            None => payload,
            Some(key) => {
                let Some(roles) = roles else {
                    return Err(Error::usage(
                        "there are no roles that the key could have",
                        "begin them: `cargo weft role init`",
                    ));
                };
                let key = self.passphrase.unlock(key)?;
                let signers = roles.authority().signers();
                match role {
                    Some(role) => demand_role(roles, &key, role)?,
                    None if signers.iter().any(|signer| signer.key == key.public()) => {}
                    None => {
                        let rejection = Rejection::SignatureUnknownKey;
                        return Err(Error::Rejected { what: "the key".to_owned(), rejection });
                    }
                }
                let mut envelope = Envelope::new(IN_TOTO, payload);
                key.endorse(&mut envelope);
                envelope.to_vec()
            }
        };
        files::create_whole(path, &bytes)
    }
}

fn bug(error: canonical::Unwritable) -> Error {
    Error::Bug(error.to_string())
}

fn human(steps: &[Step], outcome: Outcome) -> String {
    let mut out = format!("{}\n", outcome.as_str());
    let options = textwrap::Options::new(80).break_words(false);
    let mut line = |indent: &str, hanging: &str, text: &str| {
        let options = options.clone().initial_indent(indent).subsequent_indent(hanging);
        out += &textwrap::fill(text, options);
        out.push('\n');
    };
    for step in steps {
        line("  ", "  ", &format!("{}: {}", step.check, step.result.as_str()));
        for evidence in &step.evidence {
            line("    ", "      ", &terminal(evidence));
        }
        if let Some(remedy) = step.remedy {
            line("    next: ", "        ", remedy);
        }
    }
    out
}

/// What a summary says of the verdict on the sources, whichever gate it is of.
fn of<'a>(
    gate: &'static str,
    steps: &'a [Step],
    outcome: Outcome,
    source: &'a Source,
    verdict: &'a Verdict,
) -> summary::Of<'a> {
    let input = |name: &str| verdict.inputs.iter().find(|i| i.name == name).map(|i| i.sha256);
    summary::Of {
        gate,
        inventory: input("inventory"),
        relied: Vec::new(),
        outcome,
        policy: input("policy").expect("a verdict names its policy"),
        resource: format!("git+commit:{}", source.commit),
        source,
        steps,
        verdict,
    }
}
