//! Roles: whether enough keys of a role of this project signed a file.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use weft_verify::digest::Artifact;
use weft_verify::envelope::{Envelope, Payload};
use weft_verify::predicate::{ROLE_SIGNATURE, RoleSignature};
use weft_verify::revocation::{Permit, Tier, permit};
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::threshold::{Requirement, Tallies};
use weft_verify::{AsOf, Rejection, Sha256, Verified, canonical};

use super::{What, outcome};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
use crate::source::roles::{MAX_BYTES, Place, read};

#[derive(Debug, Args)]
#[command(next_help_heading = "Keys of this project")]
pub(super) struct RoleArgs {
    /// The role that has to have signed
    #[arg(long)]
    role: Option<String>,
    /// How many keys have to have signed, if more than the roles ask for
    #[arg(long, value_name = "K", requires = "role")]
    threshold: Option<u32>,
    /// How much hangs on it: routine, sensitive or release, which is the default
    #[arg(long, requires = "role")]
    tier: Option<Tier>,
    /// The newest revocation number known from elsewhere
    #[arg(long, value_name = "N", requires = "role")]
    newest_revocation: Option<u64>,
    /// Go ahead on a stale revocation list where the roles allow it, and write the record of that here
    #[arg(long, value_name = "FILE", requires_all = ["role", "degraded_reason"])]
    degraded_record: Option<PathBuf>,
    /// Why it cannot wait
    #[arg(long, value_name = "TEXT", requires = "degraded_record")]
    degraded_reason: Option<String>,
    /// The digest of a version of the roles that is trusted
    #[arg(long, value_name = "SHA256", requires = "role")]
    trusted_roles: Option<Sha256>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE", requires = "role")]
    roles: Option<PathBuf>,
}

impl RoleArgs {
    /// Returns the role, if one is asked for.
    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }
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

pub(super) fn run(what: &What, args: &RoleArgs, role: &str) -> Result<ExitStatus, Error> {
    let [bundle] = &what.bundle[..] else {
        return Err(Error::usage("one bundle holds the signatures of a role", "name it: --bundle"));
    };
    let place = Place::find(args.roles.as_deref())?;
    let roles = place.in_force(args.trusted_roles)?;
    let requirement = requirement(args, role, &roles)?;
    let question = Question {
        args,
        artifact: &what.load()?.digests,
        as_of: crate::command::as_of(what.as_of)?,
        predicate_type: what.predicate_type.as_deref().unwrap_or(ROLE_SIGNATURE),
        requirement: &requirement,
        role,
        roles: &roles,
    };
    let mut steps = Steps::default();
    if bundle.symlink_metadata().is_err() {
        steps.0.push(Step {
            check: "bundle",
            result: StepResult::Inconclusive,
            evidence: format!("there is no bundle at {}", bundle.display()),
            code: None,
            remedy: Some("Have the file signed: `cargo weft sign FILE --role ROLE --key KEY`."),
        });
    } else {
        let bytes = read(bundle, MAX_BYTES)?;
        if let Some(record) = judge(&question, &bytes, &mut steps) {
            let path = args.degraded_record.as_deref();
            let path =
                path.ok_or_else(|| Error::Bug("a degraded mode without its record".into()))?;
            let bytes = canonical::to_vec(&record).map_err(|e| Error::Bug(e.to_string()))?;
            files::create_whole(path, &bytes)?;
        }
    }
    let status = steps.finish();
    let json =
        serde_json::json!({"result": outcome(status), "role": role, "schema": 1, "steps": steps.0});
    what.format.print(human(&steps, status), &json)?;
    Ok(status)
}

/// What is asked of a bundle.
struct Question<'a> {
    args: &'a RoleArgs,
    artifact: &'a Artifact,
    as_of: AsOf,
    predicate_type: &'a str,
    requirement: &'a Requirement,
    role: &'a str,
    roles: &'a Roles,
}

/// The role's threshold, which the command line may raise and not lower.
fn requirement(args: &RoleArgs, role: &str, roles: &Roles) -> Result<Requirement, Error> {
    let refused = Error::rejected("the role");
    let required = roles.requirement(role).map_err(&refused)?;
    match args.threshold {
        None => Ok(required),
        Some(threshold) if threshold >= required.threshold.get() => {
            Requirement::new(role, threshold).map_err(refused)
        }
        Some(threshold) => Err(Error::usage(
            format!("--threshold {threshold} is below that of the role, {}", required.threshold),
            "leave it out, or raise it",
        )),
    }
}

/// Goes through the steps until one does not pass; returns the record of a degraded mode, which has to be written.
fn judge(
    question: &Question<'_>,
    bytes: &[u8],
    steps: &mut Steps,
) -> Option<weft_verify::revocation::DegradedMode> {
    let Question {
        args,
        artifact,
        as_of,
        predicate_type: expected,
        requirement,
        role: name,
        roles,
    } = *question;
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
    let predicate_type = statement.demand_predicate(expected).map(|()| ((), expected.to_owned()));
    steps.take("predicate-type", predicate_type)?;
    let mut signed_number = 0;
    if expected == ROLE_SIGNATURE {
        let role = RoleSignature::demand(&statement.predicate, name);
        let role = role.map(|role| (role, format!("signed for role {name}")));
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
    let permit =
        permit(roles, args.tier.unwrap_or(Tier::Release), newest, args.degraded_reason.as_deref());
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
