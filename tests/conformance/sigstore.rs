//! The verify half of the protocol of sigstore-conformance (`docs/cli_protocol.md` there), so that the public suite can
//! be pointed at weft: `cargo run --example sigstore-conformance -- verify-bundle …`.
//!
//! Signing is not there. The exit status is 0 where the bundle verifies and 1 where it does not.
//! What a predicate says is not asked in that protocol, and one bundle of the suite says otherwise than its certificate,
//! so the steps about the predicate do not count here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use weft_gate::provenance::expectation::Expectation;
use weft_gate::provenance::sigstore::{Key, Trust};
use weft_gate::provenance::{StepResult, Subject, judge};
use weft_verify::digest::Artifact;

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify a bundle
    VerifyBundle(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[arg(long)]
    staging: bool,
    #[arg(long)]
    bundle: PathBuf,
    #[arg(long)]
    certificate_identity: Option<String>,
    #[arg(long)]
    certificate_oidc_issuer: Option<String>,
    #[arg(long)]
    key: Option<PathBuf>,
    #[arg(long)]
    trusted_root: Option<PathBuf>,
    file_or_digest: String,
}

fn main() -> ExitCode {
    let Command::VerifyBundle(args) = Cli::parse().command;
    match verify(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn verify(args: &VerifyArgs) -> Result<(), String> {
    let trust = match (&args.trusted_root, args.staging) {
        (Some(path), _) => Trust::from_json("named", &read(path)?).map_err(|e| e.to_string())?,
        (None, staging) => Trust::embedded(if staging { "staging" } else { "public-good" })
            .ok_or("no root of this name is built in")?,
    };
    let key = args.key.as_ref().map(|path| {
        let text = String::from_utf8(read(path)?).map_err(|e| e.to_string())?;
        Key::from_pem(&text)
    });
    let expected = Expectation {
        key: key.transpose()?,
        identity: args.certificate_identity.clone(),
        issuer: args.certificate_oidc_issuer.clone(),
        ..Expectation::default()
    };
    let bundle = read(&args.bundle)?;
    let bytes;
    let artifact;
    // A digest is only one where no file of that name is there.
    let named = Artifact::named(&args.file_or_digest);
    let subject = match named {
        Ok(digest) if !PathBuf::from(&args.file_or_digest).exists() => {
            artifact = digest;
            Subject::Digest(&artifact)
        }
        _ => {
            bytes = read(&PathBuf::from(&args.file_or_digest))?;
            artifact = Artifact::of(&bytes);
            Subject::Blob(&bytes, &artifact)
        }
    };
    let (steps, _) = judge(&bundle, &subject, &trust, &expected);
    let asked = steps.all().iter().filter(|step| !["predicate", "builder"].contains(&step.check));
    match asked.into_iter().find(|step| step.result != StepResult::Passed) {
        None => Ok(()),
        Some(step) => Err(format!(
            "{}: {} ({})",
            step.check,
            step.evidence,
            step.code.map_or("-", |code| code.name())
        )),
    }
}
