//! What programs ask that are no terminal: the action, and whoever builds on weft.
//!
//! The answers are those of `audit --base`, `diff`, `gate merge` and `gate release`, as values instead of text.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Parser;
use jiff::civil::Date;
use weft_gate::gate::Step;
use weft_gate::release::Source;
use weft_gate::{Outcome, Verdict, decide};

pub use super::diff::{Changes, Side};

use super::compare::{Question, Whose, compare, judged};
use super::facts::{self, Loaded};
use super::gate::{merge, release as gate};
use super::{PrecisionChoice, Selection, diff, today};
use crate::error::Error;
use crate::source::revision::Revision;
use crate::source::{advisories, checkout, files, release, workspace};

/// What is to be judged, and by what.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The workspace, or a directory in it.
    pub directory: PathBuf,
    /// The commit whose rules count, and whose findings are not new.
    pub base: Option<String>,
    /// A commit that is read from git's objects, with nothing of the work tree; otherwise the work tree is judged.
    pub head: Option<String>,
    /// A profile, or a policy file.
    pub policy: Option<String>,
    /// A commit whose policy counts, whatever the base is.
    pub policy_commit: Option<String>,
    /// A directory with a database of advisories.
    pub advisory_db: Option<PathBuf>,
    /// Whether `cargo metadata` is asked, which needs a toolchain; never with a base.
    pub with_cargo: bool,
    /// The day to judge for; by default today.
    pub as_of: Option<Date>,
}

/// What came of it.
#[derive(Debug)]
pub struct Judged {
    /// What the audit says.
    pub verdict: Verdict,
    /// What the merge gate asks beside it.
    pub steps: Vec<Step>,
    /// What the merge gate says.
    pub outcome: Outcome,
    /// The commit that was judged and its tree, or why there is none.
    pub source: Result<Source, String>,
    /// What changed since the base.
    pub changes: Option<Changes>,
    /// The workspace root below the top of the repository, without a `/` at the end.
    pub prefix: String,
}

/// Judges a workspace as a gate does: of the tree nothing is run, and no database is taken from it.
///
/// # Errors
///
/// What keeps it from being read.
pub fn judge(asked: &Asked) -> Result<Judged, Error> {
    let precision = match asked.with_cargo {
        true => PrecisionChoice::Metadata,
        false => PrecisionChoice::Lock,
    };
    let manifest = asked.directory.join("Cargo.toml");
    let root = workspace::root(Some(&manifest))?;
    let rules = asked.policy_commit.as_ref().map(|commit| Revision::read(&root, commit));
    let rules = rules.transpose()?;
    let policy = match &rules {
        Some(rules) => Some(policy_of(rules)?),
        None => asked.policy.clone(),
    };
    let selection = Selection {
        manifest_path: Some(manifest.clone()),
        lockfile: None,
        precision,
        policy,
        offline: true,
        online: false,
    };
    let as_of = asked.as_of.unwrap_or_else(today);
    let advisory_db = asked.advisory_db.as_deref();
    let (loaded, changes, verdict) = match &asked.base {
        Some(base) => {
            let head = asked.head.as_deref();
            let question = Question { selection: &selection, base, head, advisory_db, as_of };
            let compared = compare(&question)?;
            let verdict = decided(&compared.head)?;
            let inventories =
                [&compared.base, &compared.head].map(|side| side.facts.inventory.as_ref());
            let changes = match inventories.iter().all(Result::is_ok) {
                true => Some(diff::changes(&compared, verdict.clone())?),
                false => None,
            };
            (compared.head, changes, verdict)
        }
        None if asked.head.is_some() => {
            return Err(Error::usage(
                "a commit that is not checked out is judged beside a base alone",
                "name the base, or check the commit out",
            ));
        }
        None => {
            let loaded = judged(&selection, None, advisory_db, as_of, Whose::Gate)?;
            let verdict = decided(&loaded)?;
            (loaded, None, verdict)
        }
    };
    let source = match &asked.head {
        Some(head) => release::committed(&root, head),
        None => checkout::demand_straight(&manifest)
            .and_then(|()| release::source(&root, &loaded.facts.inputs)),
    };
    let named = selection.policy.as_deref();
    let (steps, outcome) = merge::steps(&loaded, &verdict, source.as_ref(), named);
    Ok(Judged { verdict, steps, outcome, source, changes, prefix: prefix(&root) })
}

/// Returns the policy file of a commit; one without has the profile that a tree without has.
fn policy_of(rules: &Revision) -> Result<String, Error> {
    let file = rules.root().join(crate::source::policy::FILE);
    let shown = match file.is_file() {
        true => file,
        false => return Ok("local".to_owned()),
    };
    let named = shown.to_str().map(str::to_owned);
    named.ok_or_else(|| Error::Bug("a temporary directory has a name that is no text".to_owned()))
}

fn decided(loaded: &Loaded) -> Result<Verdict, Error> {
    decide(&loaded.facts).map_err(|e| Error::Bug(e.to_string()))
}

fn prefix(root: &Path) -> String {
    let top = checkout::nearest(root).map(|(top, _)| top.to_owned());
    top.ok().and_then(|top| files::relative(&top, root)).unwrap_or_default()
}

/// Downloads what checks look into, and returns what could not be had: the newest advisories into `database`, and by
/// Cargo the index and the sources of the workspace's packages.
///
/// Both are run outside of the tree, by none of its programs or settings.
pub fn fetch(directory: &Path, database: Option<&Path>) -> Vec<String> {
    let mut missing = Vec::new();
    let fetched =
        database.map(|database| advisories::update(database, advisories::URL, Some(directory)));
    if let Some(Err(why)) = fetched {
        missing.push(format!("advisories: {why}"));
    }
    let selection = Selection {
        manifest_path: Some(directory.join("Cargo.toml")),
        lockfile: None,
        precision: PrecisionChoice::Metadata,
        // What is downloaded is for the lockfile to say.
        policy: Some("local".to_owned()),
        offline: false,
        online: true,
    };
    match facts::load(&selection, today()) {
        Err(error) => missing.push(format!("packages: {error}")),
        Ok(loaded) => {
            let unknown = loaded.facts.inventory.as_ref().err();
            missing.extend(unknown.map(|why| format!("packages: {why}")));
        }
    }
    missing
}

/// Returns the id of the commit that a revision names in the repository around a directory.
///
/// # Errors
///
/// A sentence: there is no repository, no such commit, or more than one ref of that name.
pub fn commit(directory: &Path, revision: &str) -> Result<String, String> {
    let (_, git) = checkout::repository(directory)?;
    git.demand_one(revision)?;
    git.commit(revision)
}

/// What the release gate says.
#[derive(Debug)]
pub struct Released {
    /// What it looked at.
    pub steps: Vec<Step>,
    /// What comes of it.
    pub outcome: Outcome,
}

#[derive(Debug, Parser)]
struct ReleaseLine {
    #[command(flatten)]
    args: gate::ReleaseArgs,
}

/// What the policy has the release gate read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseAsks {
    /// Attestations.
    pub evidence: bool,
    /// The signed manifest, and the verdict that it names.
    pub manifest: bool,
}

/// Says what the policy has the release gate read.
///
/// # Errors
///
/// Those of [`release()`].
pub fn release_asks(arguments: &[OsString]) -> Result<ReleaseAsks, Error> {
    let (evidence, manifest) = gate::asks(&release_line(arguments)?.args)?;
    Ok(ReleaseAsks { evidence, manifest })
}

/// Returns the versions of the workspace's members.
///
/// # Errors
///
/// What keeps the workspace from being read.
pub fn member_versions(directory: &Path) -> Result<Vec<String>, Error> {
    let selection = Selection {
        manifest_path: Some(directory.join("Cargo.toml")),
        lockfile: None,
        precision: PrecisionChoice::Lock,
        policy: Some("local".to_owned()),
        offline: true,
        online: false,
    };
    let loaded = facts::load(&selection, today())?;
    let members = super::release::members(&loaded).into_iter();
    Ok(members.filter_map(|member| Some(member.rsplit_once('@')?.1.to_owned())).collect())
}

/// Says whether a commit is another one, or comes after it.
///
/// # Errors
///
/// A sentence: there is no repository, or not both of the commits.
pub fn follows(directory: &Path, commit: &str, ancestor: &str) -> Result<bool, String> {
    checkout::repository(directory)?.1.is_ancestor(ancestor, commit)
}

/// Judges a release by the arguments of `cargo weft gate release`, and prints nothing.
///
/// # Errors
///
/// What the command says with the exit status 2, 3 or 70.
pub fn release(arguments: &[OsString]) -> Result<Released, Error> {
    let mut said = Vec::new();
    let outcome = gate::judge(&release_line(arguments)?.args, |steps, _| {
        said = steps.to_vec();
        Ok(())
    })?;
    Ok(Released { steps: said, outcome })
}

fn release_line(arguments: &[OsString]) -> Result<ReleaseLine, Error> {
    let name = OsString::from("gate release");
    ReleaseLine::try_parse_from(std::iter::once(&name).chain(arguments)).map_err(|error| {
        let message = error.to_string().trim_end().to_owned();
        Error::usage(message, "see `cargo weft gate release --help`")
    })
}
