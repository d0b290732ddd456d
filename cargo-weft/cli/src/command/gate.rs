//! `cargo weft gate`: whether a release may be published, fail-closed and without a network.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::json;
use weft_gate::provenance::expectation::Expectation;
use weft_gate::provenance::sigstore::Trust;
use weft_gate::release::{self, Found, Step, StepResult};
use weft_gate::{Outcome, Verdict};
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::statement::Statement;
use weft_verify::{Rejection, Sha256, canonical};

use super::release as command;
use super::verify::provenance::{ProvenanceArgs, WHO};
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::release as fetch;
use crate::source::roles::{MAX_BYTES, read};
use crate::source::secret::PassphraseArgs;

/// The largest verdict that is read, in bytes.
const MAX_VERDICT: usize = 256 << 20;

#[derive(Debug, Args)]
pub(super) struct GateArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether the artifacts of a release may be published
    Release(Box<ReleaseArgs>),
}

#[derive(Debug, Args)]
struct ReleaseArgs {
    #[command(flatten)]
    selection: Selection,
    /// The signed manifest
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.dsse.json")]
    manifest: PathBuf,
    /// The directory of the artifacts
    #[arg(long, value_name = "DIR")]
    artifacts: PathBuf,
    /// The verdict that the manifest names
    #[arg(long, value_name = "FILE", default_value = "target/weft/release.json.verdict.json")]
    verdict: PathBuf,
    /// The signed manifest of the previous release
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// A database of advisories: a clone of RustSec's advisory-db, or a directory like it
    #[arg(long, value_name = "DIR")]
    advisory_db: Option<PathBuf>,
    /// The day to judge for; by default today (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// The digest of a version of the roles that is trusted
    #[arg(long, value_name = "SHA256")]
    trusted_roles: Option<Sha256>,
    /// The newest revocation number known from elsewhere
    #[arg(long, value_name = "N")]
    newest_revocation: Option<u64>,
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
    /// The directory of the attestations: each artifact needs provenance that names the commit of the manifest
    #[arg(long, value_name = "DIR", help_heading = "Attestations")]
    attestations: Option<PathBuf>,
    #[command(flatten)]
    provenance: ProvenanceArgs,
}

pub(super) fn run(args: &GateArgs) -> Result<ExitStatus, Error> {
    let Command::Release(args) = &args.command;
    release(args)
}

/// What the steps came to, and the manifest that they are about.
struct Judged {
    steps: Vec<Step>,
    manifest: Option<(Statement, release::Manifest, Sha256)>,
}

fn release(args: &ReleaseArgs) -> Result<ExitStatus, Error> {
    let as_of = args.as_of.unwrap_or_else(super::today);
    let attestations = expected(args)?;
    let loaded = command::judged(&args.selection, args.advisory_db.as_deref(), as_of)?;
    let place = command::place(args.roles.as_deref(), &loaded.root)?;
    let roles = place.in_force(args.trusted_roles)?;
    let today = command::decided(&loaded)?;
    let (signatures, manifest) = signatures(args, &roles, super::as_of(args.as_of)?)?;
    let known = manifest.as_ref().map_or(0, |(_, manifest, _)| manifest.weft.revocations);
    let step = release::roles(
        roles.record().version,
        roles.digest(),
        roles.record().revocations.number,
        known.max(args.newest_revocation.unwrap_or(0)),
        args.trusted_roles.is_some() || is_outside(place.file(), &loaded.root),
    );
    let mut judged = Judged { steps: vec![step, signatures], manifest };
    let source = fetch::source(&loaded.root);
    let unread = |path: &Path, error: &Error| format!("{}: {error}", path.display());
    let previous = args
        .previous
        .as_deref()
        .map(|path| fetch::signed(path).map_err(|error| unread(path, &error)));
    let previous = previous.transpose();
    let verdict = verdict(&args.verdict).map_err(|error| unread(&args.verdict, &error));
    match &judged.manifest {
        Some((statement, manifest, _)) => {
            let sha256 = |artifact: weft_verify::digest::Artifact| {
                let mut digests = artifact.digests();
                let digest = digests.find(|(algorithm, _)| algorithm.name() == "sha256");
                let digest = digest.and_then(|(_, digits)| digits.parse::<Sha256>().ok());
                digest.ok_or_else(|| "has no SHA-256".to_owned())
            };
            let artifacts = fetch::artifacts(&args.artifacts);
            let digests = artifacts
                .iter()
                .map(|(name, artifact)| (name.clone(), artifact.clone().and_then(sha256)));
            let found = Found {
                artifacts: digests.collect(),
                inventory: command::inventory(&loaded),
                members: command::members(&loaded),
                policy: command::policy(&loaded)?,
                previous: previous.as_ref().map(Option::as_ref).map_err(Clone::clone),
                source: source.as_ref().map_err(Clone::clone),
                verdict: verdict
                    .as_ref()
                    .map(|verdict| verdict.as_ref().map(|(verdict, sha256)| (verdict, *sha256)))
                    .map_err(Clone::clone),
                today: &today,
            };
            judged.steps.extend(release::judge(statement, manifest, &found));
            if let Some((directory, expected, trust)) = &attestations {
                let bundles = fetch::attestations(directory);
                let asked = release::Asked { bundles, expected, trust };
                let step = release::provenance(&manifest.weft.commit, &artifacts, &asked);
                judged.steps.push(step);
            }
        }
        None => judged.steps.push(Step::new(
            "manifest",
            StepResult::Missing,
            vec!["what it says counts once enough people signed it".to_owned()],
            "Have it signed: `cargo weft release status`.",
        )),
    }
    let outcome = release::outcome(&judged.steps);
    if let Some(path) = &args.summary {
        summarise(args, &roles, path, &judged, outcome)?;
    }
    let json = json!({"outcome": outcome, "schema": 1, "steps": judged.steps});
    args.format.print(human(&judged.steps, outcome), &json)?;
    Ok(outcome.into())
}

/// Reads what is expected of attestations, if they are asked for at all.
fn expected(args: &ReleaseArgs) -> Result<Option<(&Path, Expectation, Trust)>, Error> {
    let Some(directory) = &args.attestations else {
        return match args.provenance.is_any() {
            false => Ok(None),
            true => Err(Error::usage(
                "something is expected of attestations, and nothing says where they are",
                "name their directory: --attestations DIR",
            )),
        };
    };
    let expected = args.provenance.expectation(None)?;
    if expected.key.is_some() {
        return Err(Error::usage(
            "a public key does not say which commit was built",
            "name the signer in the certificate, or leave out --attestations and use `cargo weft verify`",
        ));
    }
    match expected.names_somebody() {
        true => Ok(Some((directory, expected, args.provenance.trust()?))),
        false => Err(Error::usage("nothing says who is to have signed the attestations", WHO)),
    }
}

/// Says whether a file lies outside of the repository, where what is judged cannot change it.
fn is_outside(file: &Path, root: &Path) -> bool {
    let top = root.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok());
    let top = top.unwrap_or(root).canonicalize();
    match (file.canonicalize(), top) {
        (Ok(file), Ok(top)) => !file.starts_with(top),
        _ => false,
    }
}

type Signed = (Step, Option<(Statement, release::Manifest, Sha256)>);

/// Reads the manifest and counts who signed it.
fn signatures(
    args: &ReleaseArgs,
    roles: &weft_verify::role::Roles,
    as_of: weft_verify::AsOf,
) -> Result<Signed, Error> {
    let remedy =
        "Have it signed by enough of the role `release`: `cargo weft release countersign`.";
    let step = |result, evidence| Step::new("signatures", result, evidence, remedy);
    if args.manifest.symlink_metadata().is_err() {
        let line = format!("there is no signed manifest at {}", args.manifest.display());
        return Ok((step(StepResult::Missing, vec![line]), None));
    }
    let bytes = match read(&args.manifest, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => return Ok((step(StepResult::Missing, vec![error.to_string()]), None)),
    };
    let envelope = Envelope::from_slice(&bytes);
    let verified = envelope.and_then(|envelope| {
        let (statement, manifest, tallies) = command::verified(&envelope, roles, as_of)?;
        let sha256 = Sha256::of(envelope.unverified_payload());
        Ok((statement, manifest, sha256, tallies))
    });
    Ok(match verified {
        Ok((statement, manifest, sha256, tallies)) => {
            let evidence = command::counted(&tallies);
            (step(StepResult::Passed, evidence), Some((statement, manifest, sha256)))
        }
        Err(Rejection::ThresholdNotMet { tallies }) => {
            let result = match tallies.is_partial() {
                true => StepResult::Missing,
                false => StepResult::Failed,
            };
            (step(result, command::counted(&tallies)), None)
        }
        Err(rejection) => {
            let line = format!("{rejection} ({})", rejection.code().name());
            (step(StepResult::Failed, vec![line]), None)
        }
    })
}

/// Reads the verdict that was signed; nothing where none is there.
fn verdict(path: &Path) -> Result<Option<(Verdict, Sha256)>, Error> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let bytes = read(path, MAX_VERDICT)?;
    let limits =
        weft_verify::json::Limits { size: MAX_VERDICT, ..weft_verify::json::Limits::RECORD };
    let verdict = canonical::from_slice_within(&bytes, limits);
    let verdict = verdict.map_err(Error::rejected(&path.display().to_string()))?;
    Ok(Some((verdict, Sha256::of(&bytes))))
}

/// Writes the outcome for the next gate, signed if there is a key.
fn summarise(
    args: &ReleaseArgs,
    roles: &weft_verify::role::Roles,
    path: &Path,
    judged: &Judged,
    outcome: Outcome,
) -> Result<(), Error> {
    let Some((statement, manifest, sha256)) = &judged.manifest else {
        return Err(Error::usage(
            "there is no manifest that a summary could be about",
            "see the steps without --summary",
        ));
    };
    let bug = |e: canonical::Unwritable| Error::Bug(e.to_string());
    let summary = release::summary(statement, manifest, *sha256, outcome).map_err(bug)?;
    let payload = summary.to_vec().map_err(bug)?;
    let bytes = match &args.key {
        None => payload,
        Some(key) => {
            let key = args.passphrase.unlock(key)?;
            let signers = roles.authority().signers();
            if !signers.iter().any(|signer| signer.key == key.public()) {
                let rejection = Rejection::SignatureUnknownKey;
                return Err(Error::Rejected { what: "the key".to_owned(), rejection });
            }
            let mut envelope = Envelope::new(IN_TOTO, payload);
            key.endorse(&mut envelope);
            envelope.to_vec()
        }
    };
    files::create_whole(path, &bytes)
}

fn human(steps: &[Step], outcome: Outcome) -> String {
    let mut out = format!("{}\n", outcome.as_str());
    for step in steps {
        let result = match step.result {
            StepResult::Passed => "passed",
            StepResult::Failed => "failed",
            StepResult::Missing => "missing",
        };
        out += &format!("  {}: {result}\n", step.check);
        for line in &step.evidence {
            out += &format!("    {}\n", terminal(line));
        }
        if let Some(remedy) = step.remedy {
            out += &format!("    next: {remedy}\n");
        }
    }
    out
}
