//! Attestations: Sigstore bundles by a certificate or by a key, judged by what the command line expects.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde_json::json;
use weft_gate::provenance::expectation::{Expectation, Pattern, Witnesses};
use weft_gate::provenance::sigstore::{EMBEDDED, Key, Trust};
use weft_gate::provenance::{Refusal, StepResult, Steps, Subject, bundle, judge};
use weft_verify::AsOf;
use weft_verify::witness::{self, Policy};

use super::{Loaded, What, outcome};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::roles::read;

/// The largest trusted root or key that is read, in bytes.
const MAX_TRUST: usize = 4 << 20;

/// How to say who is to have signed.
pub(in crate::command) const WHO: &str = "name --issuer with --identity, --identity-regex, --source-repo, --source-owner or --signer-workflow; or --public-key";

#[derive(Debug, Args)]
#[command(next_help_heading = "Attestations")]
pub(in crate::command) struct ProvenanceArgs {
    /// The signer's name in the certificate, whole
    #[arg(long, value_name = "NAME", conflicts_with = "identity_regex")]
    identity: Option<String>,
    /// A pattern that the signer's name matches from end to end
    #[arg(long, value_name = "REGEX")]
    identity_regex: Option<String>,
    /// Who vouches for the signer's name
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Expect a certificate that names no issuer, as GitHub's own instance makes them
    #[arg(long, conflicts_with = "issuer")]
    no_issuer: bool,
    /// The repository that was built: OWNER/NAME on github.com, or HOST/OWNER/NAME
    #[arg(long, value_name = "REPOSITORY")]
    source_repo: Option<String>,
    /// The owner of that repository
    #[arg(long, value_name = "OWNER")]
    source_owner: Option<String>,
    /// The ref that was built, whole: refs/tags/v1.0.0
    #[arg(long, value_name = "REF")]
    source_ref: Option<String>,
    /// The version that the tag is of: v1 is v1, v1.2 and v1.2.3
    #[arg(long, value_name = "VERSION")]
    source_version: Option<String>,
    /// The commit that was built
    #[arg(long, value_name = "COMMIT")]
    source_commit: Option<String>,
    /// The workflow that signed, with or without @REF
    #[arg(long, value_name = "WORKFLOW")]
    signer_workflow: Option<String>,
    /// Who built, with or without @REF
    #[arg(long, value_name = "URI")]
    builder: Option<String>,
    /// The lowest SLSA build level that counts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    min_build_level: Option<u8>,
    /// A builder that is trusted for a SLSA level; may be repeated
    #[arg(long, value_name = "URI=LEVEL", value_parser = trusted_builder)]
    trusted_builder: Vec<(String, u8)>,
    /// The public key that signed, in PEM, instead of a certificate
    #[arg(long, value_name = "FILE", conflicts_with_all = ["identity", "identity_regex", "issuer", "no_issuer", "source_repo", "source_owner", "source_ref", "source_version", "source_commit", "signer_workflow"])]
    public_key: Option<PathBuf>,
    /// Whom to trust: public-good, which is the default, github or staging, which are built in, or a trusted_root.json
    #[arg(long, value_name = "ROOT")]
    trusted_root: Option<String>,
    /// A proof that every bundle has to carry: inclusion, timestamp or witness=K; may be repeated
    #[arg(long, value_name = "PROOF", value_parser = proof)]
    require: Vec<Proof>,
    /// The witnesses that count, and the quorum of them that has to have seen the log (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    tlog_policy: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// An inclusion proof of the log.
    Inclusion,
    /// A timestamp of a trusted authority.
    Timestamp,
    /// So many witnesses that have seen the log's checkpoint.
    Witness(u32),
}

fn proof(text: &str) -> Result<Proof, String> {
    let least = text.strip_prefix("witness=").and_then(|digits| digits.parse().ok());
    match (text, least) {
        ("inclusion", _) => Ok(Proof::Inclusion),
        ("timestamp", _) => Ok(Proof::Timestamp),
        (_, Some(least @ 1..)) => Ok(Proof::Witness(least)),
        _ => Err("it is inclusion, timestamp or witness=K, with a K of 1 or more".to_owned()),
    }
}

fn trusted_builder(text: &str) -> Result<(String, u8), String> {
    let parts = text.rsplit_once('=').and_then(|(name, level)| Some((name, level.parse().ok()?)));
    match parts {
        Some((name, level @ 0..=3)) if !name.is_empty() => Ok((name.to_owned(), level)),
        _ => Err("write it as URI=LEVEL, with a level from 0 to 3".to_owned()),
    }
}

impl ProvenanceArgs {
    /// Says whether anything of an attestation is expected.
    pub(in crate::command) fn is_any(&self) -> bool {
        let texts = [
            &self.identity,
            &self.identity_regex,
            &self.issuer,
            &self.source_repo,
            &self.source_owner,
            &self.source_ref,
            &self.source_version,
            &self.source_commit,
            &self.signer_workflow,
            &self.builder,
        ];
        texts.iter().any(|text| text.is_some())
            || self.trusted_root.is_some()
            || self.no_issuer
            || self.min_build_level.is_some()
            || self.public_key.is_some()
            || self.tlog_policy.is_some()
            || !self.require.is_empty()
            || !self.trusted_builder.is_empty()
    }

    /// Reads what is expected; whether that names anybody is for the caller to ask.
    pub(in crate::command) fn expectation(
        &self,
        predicate_type: Option<&str>,
        as_of: AsOf,
    ) -> Result<Expectation, Error> {
        let key = match &self.public_key {
            None => None,
            Some(path) => {
                let text = String::from_utf8_lossy(&read(path, MAX_TRUST)?).into_owned();
                let refused = |message: String| {
                    let shown = path.display();
                    Error::usage(format!("{shown} is no public key: {message}"), "name a PEM file")
                };
                Some(Key::from_pem(&text).map_err(refused)?)
            }
        };
        let pattern = self.identity_regex.as_deref().map(Pattern::new).transpose();
        let pattern = pattern.map_err(|fault| {
            Error::usage(format!("--identity-regex: {}", terminal(&fault)), "correct the pattern")
        })?;
        Ok(Expectation {
            key,
            identity: self.identity.clone(),
            identity_pattern: pattern,
            issuer: self.issuer.clone(),
            no_issuer: self.no_issuer,
            source_repository: self.source_repo.clone(),
            source_owner: self.source_owner.clone(),
            source_ref: self.source_ref.clone(),
            source_version: self.source_version.clone(),
            source_commit: self.source_commit.clone(),
            signer_workflow: self.signer_workflow.clone(),
            builder: self.builder.clone(),
            trusted_builders: self.trusted_builder.clone(),
            predicate_type: predicate_type.map(str::to_owned),
            min_build_level: self.min_build_level,
            inclusion: self.require.contains(&Proof::Inclusion),
            timestamp: self.require.contains(&Proof::Timestamp),
            witnesses: self.witnesses(as_of)?,
        })
    }

    /// Reads who has to have seen the log.
    fn witnesses(&self, as_of: AsOf) -> Result<Option<Witnesses>, Error> {
        let least = self.require.iter().filter_map(|proof| match proof {
            Proof::Witness(least) => Some(*least),
            Proof::Inclusion | Proof::Timestamp => None,
        });
        let least = least.max();
        let Some(path) = &self.tlog_policy else {
            return match least {
                None => Ok(None),
                Some(least) => Err(Error::usage(
                    format!("--require witness={least}, and nothing says who the witnesses are"),
                    "name their policy: --tlog-policy",
                )),
            };
        };
        let policy = tlog_policy(path)?;
        let least = least.unwrap_or(0);
        if policy.witnesses() < usize::try_from(least).unwrap_or(usize::MAX) {
            return Err(Error::usage(
                format!(
                    "{} names {} witnesses, and {least} are required",
                    path.display(),
                    policy.witnesses()
                ),
                "require fewer, or name a policy with more witnesses",
            ));
        }
        Ok(Some(Witnesses { policy, least, as_of }))
    }

    /// Loads whom to trust.
    pub(in crate::command) fn trust(&self) -> Result<Trust, Error> {
        trust(self.trusted_root.as_deref().unwrap_or("public-good"))
    }
}

/// Reads a policy of logs and witnesses.
pub(in crate::command) fn tlog_policy(path: &Path) -> Result<Policy, Error> {
    Policy::from_slice(&read(path, witness::MAX_BYTES)?).map_err(|rejection| {
        let message = format!("{}: {}", path.display(), terminal(&rejection.to_string()));
        Error::usage(message, rejection.code().remedy())
    })
}

/// A bundle, and what came of it.
struct Judged {
    /// The file, and the number of the bundle in it where there are several.
    name: String,
    steps: Steps,
}

pub(super) fn run(what: &What, args: &ProvenanceArgs) -> Result<ExitStatus, Error> {
    let as_of = crate::command::as_of(what.as_of)?;
    let expected = args.expectation(what.predicate_type.as_deref(), as_of)?;
    if !expected.names_somebody() {
        return Err(Error::usage(
            "nothing says who is to have signed",
            format!("{WHO}; or --role"),
        ));
    }
    if what.as_of.is_some() && expected.witnesses.is_none() {
        return Err(Error::usage(
            "--as-of is of no use for an attestation without --tlog-policy: it says itself when it was signed",
            "leave it out",
        ));
    }
    let trust = args.trust()?;
    let loaded = what.load()?;
    let (bundles, missing) = bundles(what)?;
    let parts = bundles.into_iter().flat_map(|(path, parts)| {
        let count = parts.len();
        let name = move |index: usize| match count {
            1 => path.display().to_string(),
            _ => format!("{}[{index}]", path.display()),
        };
        parts.into_iter().enumerate().map(move |(index, part)| (name(index), part))
    });
    let parts: Vec<(String, bundle::Part)> = parts.collect();
    // In their order, whichever is done first.
    let judged: Vec<Judged> = parts
        .into_par_iter()
        .map(|(name, part)| {
            let steps = match part {
                Ok(part) => judge(&part, &subject(&loaded), &trust, &expected).0,
                Err(refusal) => Steps::refused(refusal),
            };
            Judged { name, steps }
        })
        .collect();
    let status = match () {
        () if judged.iter().any(|judged| judged.steps.passed()) => ExitStatus::Passed,
        () if judged.is_empty() => ExitStatus::Inconclusive,
        () => ExitStatus::Failed,
    };
    let bundles: Vec<_> = judged
        .iter()
        .map(|j| json!({"name": j.name, "passed": j.steps.passed(), "steps": j.steps.all()}))
        .collect();
    let json = json!({
        "bundles": bundles,
        "missing": missing,
        "result": outcome(status),
        "schema": 1,
        "trusted_root": {"name": trust.name(), "newest": trust.newest(), "sha256": trust.sha256()},
    });
    what.format.print(human(&judged, &missing, &trust, status), &json)?;
    Ok(status)
}

fn subject(loaded: &Loaded) -> Subject<'_> {
    match &loaded.bytes {
        Some(bytes) => Subject::Blob(bytes, &loaded.digests),
        None => Subject::Digest(&loaded.digests),
    }
}

/// Loads a trusted root that is built in, or a file.
pub(in crate::command) fn trust(name: &str) -> Result<Trust, Error> {
    if let Some(trust) = Trust::embedded(name) {
        return Ok(trust);
    }
    let path = Path::new(name);
    if path.symlink_metadata().is_err() {
        let known: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        return Err(Error::usage(
            format!("there is no trusted root `{}`", terminal(name)),
            format!("name a file, or one of {}", known.join(", ")),
        ));
    }
    Trust::from_json(name, &read(path, MAX_TRUST)?).map_err(|refusal| {
        Error::usage(format!("{}: {refusal}", path.display()), refusal.code().remedy())
    })
}

/// Files with the bundles that they hold, and the paths at which there is none.
type Found = (Vec<(PathBuf, Vec<bundle::Part>)>, Vec<String>);

/// Reads the bundles that are named, or those that lie beside the file; lists where one was looked for in vain.
fn bundles(what: &What) -> Result<Found, Error> {
    let beside = |ending: &str| {
        let file = what.file.as_ref()?;
        let mut name = file.clone().into_os_string();
        name.push(ending);
        Some(PathBuf::from(name))
    };
    let candidates = match what.bundle.is_empty() {
        false => what.bundle.clone(),
        true => [".sigstore.json", ".sigstore"].into_iter().filter_map(beside).collect(),
    };
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for path in candidates {
        match path.symlink_metadata() {
            Ok(_) => {
                // One that cannot be read hides none of the others.
                let parts = match read(&path, bundle::MAX_FILE) {
                    Ok(bytes) => bundle::split(&bytes),
                    Err(error) => vec![Err(Refusal::Bundle(error.to_string()))],
                };
                found.push((path, parts));
            }
            Err(_) => missing.push(path.display().to_string()),
        }
    }
    // Of the two names beside a file, one is enough.
    if what.bundle.is_empty() && !found.is_empty() {
        missing.clear();
    }
    Ok((found, missing))
}

fn human(judged: &[Judged], missing: &[String], trust: &Trust, status: ExitStatus) -> String {
    let mut out = format!("{}\n", outcome(status));
    out += &format!(
        "  trusted root {}, not older than {}\n",
        terminal(trust.name()),
        trust.newest().as_deref().unwrap_or("any day that it says")
    );
    for path in missing {
        out += &format!("\nthere is no bundle at {}\n", terminal(path));
        out += "  next: fetch it from the publisher, and name it with --bundle\n";
    }
    for Judged { name, steps } in judged {
        out += &format!("\n{}\n", terminal(name));
        for step in steps.all() {
            let result = match step.result {
                StepResult::Passed => "passed",
                StepResult::Failed => "failed",
                StepResult::NotEvaluated => "not evaluated",
            };
            let code = step.code.map(|code| format!(" ({})", code.name())).unwrap_or_default();
            out += &format!("  {}: {result}{code}\n", step.check);
            out += &format!("    {}\n", terminal(&step.evidence));
            if let Some(remedy) = step.remedy {
                out += &format!("    next: {remedy}\n");
            }
        }
    }
    out
}
