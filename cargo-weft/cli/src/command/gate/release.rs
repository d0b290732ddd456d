//! `cargo weft gate release`: whether the artifacts of a release may be published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weft_gate::gate::attestation::{Shelf, Who};
use weft_gate::gate::summary::{self, RELEASE};
use weft_gate::gate::{Requirement, Step, StepResult};
use weft_gate::gate::{audit, bill, covered, merge_verdict, outcome};
use weft_gate::release::{self, Found, Previous, Source};
use weft_gate::{Outcome, Verdict};
use weft_verify::digest::Artifact;
use weft_verify::envelope::Envelope;
use weft_verify::role::Roles;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{AsOf, Rejection, Sha256, Verified, canonical};

use super::evidence::EvidenceArgs;
use super::{Common, bug, human, of, source};
use crate::command::compare::{Whose, judged};
use crate::command::facts::{self, Loaded};
use crate::command::{self as all, PrecisionChoice, Selection, release as command, today};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::checkout::is_outside;
use crate::source::release as fetch;
use crate::source::roles::{MAX_BYTES, read};

/// The largest verdict that is read, in bytes.
const MAX_VERDICT: usize = 256 << 20;

#[derive(Debug, Args)]
pub(in crate::command) struct ReleaseArgs {
    #[command(flatten)]
    common: Common,
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
    /// The newest revocation number known from elsewhere
    #[arg(long, value_name = "N")]
    newest_revocation: Option<u64>,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// What the signed manifest says, with its digest.
type Manifest = (Statement, release::Manifest, Sha256);

/// The roles, and whether what is judged cannot have changed them.
struct InForce {
    roles: Verified<Roles>,
    is_trusted: bool,
}

/// What is there, whoever vouches for it.
struct Desk {
    loaded: Loaded,
    source: Result<Source, String>,
    artifacts: BTreeMap<String, Result<Artifact, String>>,
    /// The roles, or why there are none.
    roles: Result<InForce, Step>,
    as_of: AsOf,
}

pub(super) fn run(args: &ReleaseArgs) -> Result<ExitStatus, Error> {
    let outcome = judge(args, |steps, outcome| {
        let json = json!({"gate": RELEASE, "outcome": outcome, "schema": 1, "steps": steps});
        args.common.format.print(human(steps, outcome), &json)
    })?;
    Ok(outcome.into())
}

/// Judges a release, shows what it looked at, and writes the summary that is asked for.
///
/// # Errors
///
/// What keeps it from being judged, shown or written.
pub(in crate::command) fn judge(
    args: &ReleaseArgs,
    show: impl FnOnce(&[Step], Outcome) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let common = &args.common;
    args.evidence.check(all::as_of(common.as_of)?)?;
    let mut desk = desk(args)?;
    let asked = Asked::of(&desk.loaded, &args.evidence)?;
    if !asked.manifest() && common.base.is_none() {
        // Nobody signed the commit, so its exemptions are whoever's wrote it.
        desk.loaded.leave_exemptions();
    }
    let today = command::decided(&desk.loaded)?;
    let (mut steps, manifest) = match asked.manifest() {
        true => by_manifest(args, &desk)?,
        false => (without_manifest(args, &desk, &asked), None),
    };
    let policy = &desk.loaded.facts.policy;
    steps.push(audit(&today));
    steps.extend(asked.0.iter().filter_map(|name| covered(*name, &today, policy)));
    let parts = match asked.evidence() {
        true => args.evidence.parts(),
        false => Ok(Vec::new()),
    };
    let signer = match args.evidence.signer(&desk.loaded, asked.manifest(), desk.as_of)? {
        Ok(signer) => signer,
        Err(step) => {
            steps.push(step);
            None
        }
    };
    let is_sound = steps.iter().all(|s| s.check != "roles" || s.result == StepResult::Passed);
    let roles = desk.roles.as_ref().ok().filter(|roles| roles.is_trusted && is_sound);
    let who = Who {
        as_of: desk.as_of,
        roles: roles.map(|roles| &*roles.roles),
        signer: signer.as_ref().map(|signer| (&signer.expected, &signer.trust)),
    };
    let shelf = Shelf::new(parts.as_deref().map_err(Clone::clone), who);
    steps.extend(by_evidence(args, &desk, &asked, manifest.as_ref(), &shelf)?);
    let outcome = outcome(&steps);
    // Shown before anything is written, which may fail.
    show(&steps, outcome)?;
    if common.summary.is_some() {
        let said = match asked.manifest() && manifest.is_none() {
            true => Err("there is no manifest that it could be about".to_owned()),
            false => summarised(&desk, &today, manifest.as_ref(), &steps, outcome, &shelf)?,
        };
        match said {
            Ok(statement) => {
                let roles = desk.roles.as_ref().ok().map(|roles| &*roles.roles);
                common.write_summary(roles, None, &statement)?;
            }
            Err(why) => anstream::eprintln!("note: no summary is written: {}", terminal(&why)),
        }
    }
    Ok(outcome)
}

/// Says whether the policy has the gate read attestations, of which the command line names no directory, and a manifest.
///
/// # Errors
///
/// What keeps the policy from being read.
pub(in crate::command) fn asks(args: &ReleaseArgs) -> Result<(bool, bool), Error> {
    let asked = Asked::of(&loaded(args)?, &args.evidence)?;
    Ok((asked.evidence(), asked.manifest()))
}

/// What is asked of the release: by the policy, and by a command line that expects provenance.
struct Asked(Vec<Requirement>);

impl Asked {
    fn of(loaded: &Loaded, evidence: &EvidenceArgs) -> Result<Self, Error> {
        let mut asked = Self(loaded.facts.policy.gate.release.require.clone());
        if evidence.asks() && !asked.has(Requirement::Provenance) {
            asked.0.push(Requirement::Provenance);
        }
        match evidence.is_named() && !asked.evidence() {
            true => Err(Error::usage(
                "nothing is asked of the attestations",
                "say whose count with --issuer and --source-repo, or have the policy require them: [gate.release]",
            )),
            false => Ok(asked),
        }
    }

    fn has(&self, name: Requirement) -> bool {
        self.0.contains(&name)
    }

    /// A manifest says something once it is signed, and signatures are over nothing else.
    fn manifest(&self) -> bool {
        self.has(Requirement::ReleaseManifest) || self.has(Requirement::Signatures)
    }

    /// Says whether attestations are read.
    fn evidence(&self) -> bool {
        self.has(Requirement::Provenance)
            || self.has(Requirement::Sbom)
            || self.has(Requirement::MergeVerdict)
    }
}

/// Counts who signed the manifest, and compares it with what is there.
fn by_manifest(args: &ReleaseArgs, desk: &Desk) -> Result<(Vec<Step>, Option<Manifest>), Error> {
    let roles = match &desk.roles {
        Ok(roles) => roles,
        Err(step) => return Ok((vec![step.clone(), unsigned()], None)),
    };
    let (signatures, manifest) = signatures(args, &roles.roles, desk.as_of)?;
    let known = manifest.as_ref().map_or(0, |(_, manifest, _)| manifest.weft.revocations);
    let mut steps = vec![trusted(args, roles, known), signatures];
    match &manifest {
        Some(manifest) => steps.extend(compared(args, desk, manifest)?),
        None => steps.push(unsigned()),
    }
    Ok((steps, manifest))
}

fn unsigned() -> Step {
    Step::new(
        "manifest",
        StepResult::Missing,
        vec!["what it says counts once enough people signed it".to_owned()],
        "Have it signed: `cargo weft release status`.",
    )
}

/// Looks at what a manifest would have vouched for: the artifacts, the commit, the policy, and the roles if anything
/// relies on them.
fn without_manifest(args: &ReleaseArgs, desk: &Desk, asked: &Asked) -> Vec<Step> {
    let mut steps = Vec::new();
    match &desk.roles {
        Ok(roles) if asked.has(Requirement::MergeVerdict) => steps.push(trusted(args, roles, 0)),
        Ok(roles) if asked.evidence() && roles.is_trusted => steps.push(trusted(args, roles, 0)),
        Err(step) if asked.has(Requirement::MergeVerdict) => steps.push(step.clone()),
        Ok(_) | Err(_) => {}
    }
    steps.push(release::present(&desk.artifacts));
    steps.push(source(desk.source.as_ref().map_err(|why| &**why)));
    steps.push(whose_policy(args, desk));
    steps
}

/// Looks for what attestations have to show.
fn by_evidence(
    args: &ReleaseArgs,
    desk: &Desk,
    asked: &Asked,
    manifest: Option<&Manifest>,
    shelf: &Shelf<'_>,
) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let inventory = desk.loaded.facts.inventory.as_ref();
    let source = desk.source.as_ref().map_err(|why| &**why);
    if asked.has(Requirement::Provenance) {
        let signed = manifest.map(|(_, manifest, _)| &*manifest.weft.commit);
        let commit = signed.or(source.ok().map(|source| &*source.commit));
        let commit = commit.unwrap_or("a commit that is not known");
        steps.push(release::provenance(commit, inventory, &desk.artifacts, shelf));
    }
    if asked.has(Requirement::Sbom) {
        steps.push(bill(inventory, &desk.artifacts, shelf));
    }
    if asked.has(Requirement::MergeVerdict) {
        let inventories = inventories(args, desk)?;
        steps.push(merge_verdict(source, &inventories, command::policy(&desk.loaded)?, shelf));
    }
    Ok(steps)
}

fn loaded(args: &ReleaseArgs) -> Result<Loaded, Error> {
    let common = &args.common;
    let day = common.as_of.unwrap_or_else(today);
    let (base, advisory_db) = (common.base.as_deref(), common.advisory_db.as_deref());
    judged(&common.selection, base, advisory_db, day, Whose::Gate)
}

fn desk(args: &ReleaseArgs) -> Result<Desk, Error> {
    let common = &args.common;
    let mut loaded = loaded(args)?;
    // A base says by what is judged; what it has itself is released all the same, and has to be sound.
    loaded.facts.base = None;
    Ok(Desk {
        source: common.commit(&loaded),
        artifacts: fetch::artifacts(&args.artifacts),
        roles: in_force(args, &loaded),
        as_of: all::as_of(common.as_of)?,
        loaded,
    })
}

/// Reads the roles; without any, nobody can have signed anything.
fn in_force(args: &ReleaseArgs, loaded: &Loaded) -> Result<InForce, Step> {
    let common = &args.common;
    let remedy = "Name the roles that are trusted: --roles FILE, or --trusted-roles DIGEST; `cargo weft role init` begins them.";
    let refused = |error: &Error| {
        let result = match error.status() {
            ExitStatus::Failed => StepResult::Failed,
            _ => StepResult::Missing,
        };
        Step::new("roles", result, vec![error.to_string()], remedy)
    };
    let place = command::place(common.roles.as_deref(), &loaded.root);
    let place = place.map_err(|error| refused(&error))?;
    let roles = place.in_force(common.trusted_roles).map_err(|error| refused(&error))?;
    let is_trusted = common.trusted_roles.is_some() || is_outside(place.file(), &loaded.root);
    Ok(InForce { roles, is_trusted })
}

fn trusted(args: &ReleaseArgs, in_force: &InForce, known: u64) -> Step {
    let record = in_force.roles.record();
    release::roles(
        record.version,
        in_force.roles.digest(),
        record.revocations.number,
        known.max(args.newest_revocation.unwrap_or(0)),
        in_force.is_trusted,
    )
}

/// Without a manifest nobody signed the policy, so what is judged may not have written it.
fn whose_policy(args: &ReleaseArgs, desk: &Desk) -> Step {
    let common = &args.common;
    let named = common.selection.policy.as_deref();
    let is_elsewhere = named.is_some_and(|name| {
        weft_gate::policy::profile(name).is_some() || is_outside(Path::new(name), &desk.loaded.root)
    });
    let base = common.base.as_deref().map(|base| (base, fetch::commit(&desk.loaded.root, base)));
    let judged = desk.source.as_ref().ok().map(|source| &source.commit);
    let (result, line) = match (base, named) {
        (_, Some(name)) if is_elsewhere => (StepResult::Passed, format!("that of {name}")),
        (Some((base, Ok(commit))), None) if Some(&commit) != judged => {
            (StepResult::Passed, format!("that of {base}, {commit}"))
        }
        (Some((base, Ok(_))), None) => {
            (StepResult::Missing, format!("it is that of {base}, which is what is judged"))
        }
        (Some((_, Err(why))), None) => (StepResult::Missing, why),
        (_, _) => (
            StepResult::Missing,
            "it lies in what is judged, and no manifest that people signed names it".to_owned(),
        ),
    };
    let remedy = "Judge by the policy of a commit before this one that is trusted: --base REV; or by a file outside: --policy FILE.";
    Step::new("policy", result, vec![line], remedy)
}

/// Compares the manifest that enough people signed with what is there.
fn compared(args: &ReleaseArgs, desk: &Desk, signed: &Manifest) -> Result<Vec<Step>, Error> {
    let (statement, manifest, _) = signed;
    let unread = |path: &Path, error: &Error| format!("{}: {error}", path.display());
    let previous: Option<Result<Previous, String>> = args
        .previous
        .as_deref()
        .map(|path| fetch::signed(path).map_err(|error| unread(path, &error)));
    let previous = previous.transpose();
    let verdict = verdict(&args.verdict).map_err(|error| unread(&args.verdict, &error));
    let sha256 = |artifact: Artifact| {
        let mut digests = artifact.digests();
        let digest = digests.find(|(algorithm, _)| algorithm.name() == "sha256");
        let digest = digest.and_then(|(_, digits)| digits.parse::<Sha256>().ok());
        digest.ok_or_else(|| "has no SHA-256".to_owned())
    };
    let artifacts = desk.artifacts.iter();
    let found = Found {
        artifacts: artifacts
            .map(|(name, artifact)| (name.clone(), artifact.clone().and_then(sha256)))
            .collect(),
        inventory: command::inventory(&desk.loaded),
        members: command::members(&desk.loaded),
        policy: command::policy(&desk.loaded)?,
        previous: previous.as_ref().map(Option::as_ref).map_err(Clone::clone),
        source: desk.source.as_ref().map_err(Clone::clone),
        verdict: verdict
            .as_ref()
            .map(|verdict| verdict.as_ref().map(|(verdict, sha256)| (verdict, *sha256)))
            .map_err(Clone::clone),
    };
    Ok(release::judge(statement, manifest, &found))
}

/// Returns the digests of the inventory as a merge gate may have known it: as it is judged here, and at lock precision.
fn inventories(args: &ReleaseArgs, desk: &Desk) -> Result<Vec<Sha256>, Error> {
    let mut digests = Vec::new();
    digests.extend(command::inventory(&desk.loaded).ok());
    let selection = &args.common.selection;
    let is_at_lock = args.common.base.is_some() || selection.precision == PrecisionChoice::Lock;
    if selection.lockfile.is_none() && !is_at_lock {
        let selection = Selection {
            manifest_path: selection.manifest_path.clone(),
            lockfile: None,
            precision: PrecisionChoice::Lock,
            policy: selection.policy.clone(),
            offline: true,
            online: false,
        };
        let at_lock = facts::load(&selection, desk.loaded.facts.as_of)?;
        digests.extend(command::inventory(&at_lock).ok());
    }
    Ok(digests)
}

/// Says the outcome about the artifacts, those of the manifest or those that lie there; or why nothing can be said.
fn summarised(
    desk: &Desk,
    today: &Verdict,
    manifest: Option<&Manifest>,
    steps: &[Step],
    outcome: Outcome,
    shelf: &Shelf<'_>,
) -> Result<Result<Statement, String>, Error> {
    let source = match &desk.source {
        Ok(source) => source,
        Err(why) => return Ok(Err(why.clone())),
    };
    let mut of = of(RELEASE, steps, outcome, source, today);
    of.relied.extend(shelf.digests());
    let subjects = match manifest {
        Some((statement, manifest, sha256)) => {
            of.resource.clone_from(&manifest.purl);
            of.relied.push(("release-manifest".to_owned(), *sha256));
            of.relied.push(("signed-verdict".to_owned(), manifest.weft.verdict));
            Ok(statement.subject.clone())
        }
        None => desk
            .artifacts
            .iter()
            .map(|(name, artifact)| match artifact {
                Ok(artifact) => Ok(ResourceDescriptor::of(name, artifact)),
                Err(why) => Err(format!("{name} {why}")),
            })
            .collect(),
    };
    match subjects {
        Ok(subjects) if subjects.is_empty() => Ok(Err("there are no artifacts".to_owned())),
        Ok(subjects) => summary::summary(subjects, &of).map(Ok).map_err(bug),
        Err(why) => Ok(Err(why)),
    }
}

/// Reads the manifest and counts who signed it.
fn signatures(
    args: &ReleaseArgs,
    roles: &Roles,
    as_of: AsOf,
) -> Result<(Step, Option<Manifest>), Error> {
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
