//! `cargo weft verify`: whether enough keys of a role signed a file, step by step.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use jiff::civil::Date;
use serde::Serialize;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, Payload};
use weft_verify::predicate::{ROLE_SIGNATURE, RoleSignature};
use weft_verify::revocation::{Permit, Tier, permit};
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::threshold::{Requirement, Tallies};
use weft_verify::{AsOf, Rejection, Sha256, Verified, canonical};

use super::Format;
use super::sign::MAX_ARTIFACT;
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::roles::{MAX_BYTES, Place, read};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("artifact").required(true).args(["file", "digest"])))]
pub(super) struct VerifyArgs {
    /// The file that is verified
    file: Option<PathBuf>,
    /// The digest of what is verified: sha256:…, sha384:… or sha512:…
    #[arg(long, value_parser = Artifact::named)]
    digest: Option<Artifact>,
    /// The bundle with the signatures
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The role that has to have signed
    #[arg(long)]
    role: String,
    /// How many keys have to have signed, if more than the roles ask for
    #[arg(long, value_name = "K")]
    threshold: Option<u32>,
    /// What has to be said, a URI; by default that the role vouches for the file
    #[arg(long, value_name = "URI")]
    predicate_type: Option<String>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// How much hangs on it: routine, sensitive or release
    #[arg(long, default_value = "release")]
    tier: Tier,
    /// The newest revocation number known from elsewhere
    #[arg(long, value_name = "N")]
    newest_revocation: Option<u64>,
    /// Go ahead on a stale revocation list where the roles allow it, and write the record of that here
    #[arg(long, value_name = "FILE", requires = "degraded_reason")]
    degraded_record: Option<PathBuf>,
    /// Why it cannot wait
    #[arg(long, value_name = "TEXT", requires = "degraded_record")]
    degraded_reason: Option<String>,
    /// The digest of a version of the roles that is trusted
    #[arg(long, value_name = "SHA256")]
    trusted_roles: Option<Sha256>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum StepResult {
    Passed,
    Failed,
    Inconclusive,
    NotApplicable,
    NotEvaluated,
}

/// One step of a verification.
#[derive(Debug, Serialize)]
struct Step {
    check: &'static str,
    result: StepResult,
    evidence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

/// Every step, in order; one that was not come to is listed as not evaluated.
const STEPS: [&str; 7] =
    ["bundle", "signatures", "statement", "predicate-type", "role", "subject", "freshness"];

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn passed(&mut self, check: &'static str, evidence: String) {
        let result = StepResult::Passed;
        self.0.push(Step { check, result, evidence, code: None, remedy: None });
    }

    /// Notes the outcome of a step, and returns its value if the verification can go on.
    fn take<T>(
        &mut self,
        check: &'static str,
        outcome: Result<(T, String), Rejection>,
    ) -> Option<T> {
        match outcome {
            Ok((value, evidence)) => {
                self.passed(check, evidence);
                Some(value)
            }
            Err(rejection) => {
                let code = rejection.code();
                let result = match &rejection {
                    Rejection::ThresholdNotMet { tallies } if tallies.is_partial() => {
                        StepResult::Inconclusive
                    }
                    _ => StepResult::Failed,
                };
                let evidence = match &rejection {
                    Rejection::ThresholdNotMet { tallies } => describe(tallies),
                    other => other.to_string(),
                };
                let (code, remedy) = (Some(code.name()), Some(code.remedy()));
                self.0.push(Step { check, result, evidence, code, remedy });
                None
            }
        }
    }

    /// Lists the steps that were not come to, and returns the exit status.
    fn finish(&mut self) -> ExitStatus {
        let done = |check: &str| self.0.iter().any(|step| step.check == check);
        let left: Vec<&'static str> = STEPS.into_iter().filter(|check| !done(check)).collect();
        for check in left {
            let (result, evidence) =
                (StepResult::NotEvaluated, "an earlier step did not pass".to_owned());
            self.0.push(Step { check, result, evidence, code: None, remedy: None });
        }
        let has = |result| self.0.iter().any(|step| step.result == result);
        match () {
            () if has(StepResult::Failed) => ExitStatus::Failed,
            () if has(StepResult::Inconclusive) || has(StepResult::NotEvaluated) => {
                ExitStatus::Inconclusive
            }
            () => ExitStatus::Passed,
        }
    }
}

pub(super) fn run(args: &VerifyArgs) -> Result<ExitStatus, Error> {
    let place = Place::find(args.roles.as_deref())?;
    let roles = place.in_force(args.trusted_roles)?;
    let requirement = requirement(args, &roles)?;
    let as_of = super::as_of(args.as_of)?;
    let artifact = match (&args.digest, &args.file) {
        (Some(digest), _) => digest.clone(),
        (None, Some(file)) => Artifact::of(&read(file, MAX_ARTIFACT)?),
        (None, None) => return Err(Error::usage("nothing to verify", "name a file or --digest")),
    };
    let mut steps = Steps::default();
    if args.bundle.symlink_metadata().is_err() {
        steps.0.push(Step {
            check: "bundle",
            result: StepResult::Inconclusive,
            evidence: format!("there is no bundle at {}", args.bundle.display()),
            code: None,
            remedy: Some("Have the file signed: `cargo weft sign FILE --role ROLE --key KEY`."),
        });
    } else {
        let bytes = read(&args.bundle, MAX_BYTES)?;
        let record = judge(args, &roles, &requirement, as_of, &artifact, &bytes, &mut steps);
        if let Some(record) = record {
            let path = args.degraded_record.as_deref();
            let path =
                path.ok_or_else(|| Error::Bug("a degraded mode without its record".into()))?;
            let bytes = canonical::to_vec(&record).map_err(|e| Error::Bug(e.to_string()))?;
            files::create_whole(path, &bytes)?;
        }
    }
    let status = steps.finish();
    let json = serde_json::json!({"result": outcome(status), "role": args.role, "schema": 1, "steps": steps.0});
    args.format.print(human(&steps, status), &json)?;
    Ok(status)
}

/// The role's threshold, which the command line may raise and not lower.
fn requirement(args: &VerifyArgs, roles: &Roles) -> Result<Requirement, Error> {
    let refused = Error::rejected("the role");
    let required = roles.requirement(&args.role).map_err(&refused)?;
    match args.threshold {
        None => Ok(required),
        Some(threshold) if threshold >= required.threshold.get() => {
            Requirement::new(&args.role, threshold).map_err(refused)
        }
        Some(threshold) => Err(Error::usage(
            format!("--threshold {threshold} is below that of the role, {}", required.threshold),
            "leave it out, or raise it",
        )),
    }
}

/// Goes through the steps until one does not pass; returns the record of a degraded mode, which has to be written.
fn judge(
    args: &VerifyArgs,
    roles: &Roles,
    requirement: &Requirement,
    as_of: AsOf,
    artifact: &Artifact,
    bytes: &[u8],
    steps: &mut Steps,
) -> Option<weft_verify::revocation::DegradedMode> {
    let envelope = Envelope::from_slice(bytes);
    let envelope = envelope.map(|e| {
        let count = e.signatures().len();
        (e, format!("{count} signatures"))
    });
    let envelope = steps.take("bundle", envelope)?;
    let payload = envelope.verify(roles.authority(), requirement, as_of);
    let payload = steps.take("signatures", signatures(payload))?;
    let statement = Statement::from_payload(&payload);
    let statement = statement.map(|s| {
        let subjects = s.subject.len();
        (s, format!("an in-toto statement about {subjects} subjects"))
    });
    let statement = steps.take("statement", statement)?;
    let expected = args.predicate_type.as_deref().unwrap_or(ROLE_SIGNATURE);
    let predicate_type = statement.demand_predicate(expected).map(|()| ((), expected.to_owned()));
    steps.take("predicate-type", predicate_type)?;
    let mut signed_number = 0;
    if expected == ROLE_SIGNATURE {
        let role = RoleSignature::demand(&statement.predicate, &args.role);
        let role = role.map(|role| (role, format!("signed for role {}", args.role)));
        signed_number = steps.take("role", role)?.revocations;
    } else {
        let evidence = "what is said names no role: a signature that the key made for another of its roles counts";
        let (check, result) = ("role", StepResult::NotApplicable);
        steps.0.push(Step {
            check,
            result,
            evidence: evidence.to_owned(),
            code: None,
            remedy: None,
        });
    }
    let subject = statement.subject_for(artifact);
    let subject =
        subject.map(|s| ((), s.name.clone().unwrap_or_else(|| "a subject without a name".into())));
    steps.take("subject", subject)?;
    let newest = args.newest_revocation.unwrap_or(0).max(signed_number);
    let held = roles.record().revocations.number;
    let permit = permit(roles, args.tier, newest, args.degraded_reason.as_deref());
    let permit = permit.map(|permit| {
        let evidence = match &permit {
            Permit::Fresh if args.newest_revocation.is_none() => format!(
                "revocation list {held}, and the signers knew of {newest}; no --newest-revocation was given"
            ),
            Permit::Fresh => format!("revocation list {held}, newest known {}", newest.max(held)),
            Permit::Degraded(_) => format!("degraded mode: list {held} is behind {newest}"),
        };
        (permit, evidence)
    });
    match steps.take("freshness", permit)? {
        Permit::Fresh => None,
        Permit::Degraded(record) => Some(record),
    }
}

/// Says of each signature whether it counts.
fn signatures(
    payload: Result<Verified<Payload>, Rejection>,
) -> Result<(Verified<Payload>, String), Rejection> {
    payload.map(|payload| {
        let evidence = describe(&payload.tallies);
        (payload, evidence)
    })
}

fn describe(tallies: &Tallies) -> String {
    let mut parts = vec![tallies.to_string()];
    for tally in tallies.iter() {
        parts.extend(
            tally.counted.iter().map(|c| format!("signatures[{}] by {} counts", c.index, c.name)),
        );
        parts.extend(tally.uncounted.iter().map(|u| {
            let by = u.name.clone().unwrap_or_else(|| u.key_id.clone());
            let (why, code) = (&u.why, u.why.code().name());
            format!("signatures[{}] by {by} does not count: {why} ({code})", u.index)
        }));
    }
    parts.join("\n")
}

fn outcome(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Passed => "passed",
        ExitStatus::Failed => "failed",
        ExitStatus::Inconclusive => "inconclusive",
        ExitStatus::Error | ExitStatus::Bug => "error",
    }
}

fn human(steps: &Steps, status: ExitStatus) -> String {
    let mut out = format!("{}\n", outcome(status));
    for step in &steps.0 {
        let result = match step.result {
            StepResult::Passed => "passed",
            StepResult::Failed => "failed",
            StepResult::Inconclusive => "inconclusive",
            StepResult::NotApplicable => "not applicable",
            StepResult::NotEvaluated => "not evaluated",
        };
        let code = step.code.map(|code| format!(" ({code})")).unwrap_or_default();
        out.push_str(&format!("  {}: {result}{code}\n", step.check));
        step.evidence.lines().for_each(|line| out.push_str(&format!("    {}\n", terminal(line))));
        if let Some(remedy) = step.remedy {
            out.push_str(&format!("    next: {remedy}\n"));
        }
    }
    out
}
