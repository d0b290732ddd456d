//! `cargo weft verify`: whether an artifact is what its signatures or attestations say, step by step.
//!
//! With `--role`, enough keys of a role of the project have to have signed ([`role`]); otherwise an attestation has to be
//! by whom and of what the command line expects ([`provenance`]).

pub(super) mod provenance;
mod role;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use jiff::civil::Date;
use weft_verify::digest::Artifact;

use super::Format;
use crate::error::{Error, ExitStatus};
use crate::source::release::MAX_ARTIFACT;
use crate::source::roles::read;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("artifact").required(true).args(["file", "digest"])))]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    role: role::RoleArgs,
    #[command(flatten)]
    provenance: provenance::ProvenanceArgs,
}

/// What is verified, and by what.
#[derive(Debug, Args)]
struct What {
    /// The file that is verified
    file: Option<PathBuf>,
    /// The digest of what is verified: sha256:…, sha384:… or sha512:…
    #[arg(long, value_parser = Artifact::named)]
    digest: Option<Artifact>,
    /// A bundle with signatures; may be repeated for attestations, and is FILE.sigstore.json by default
    #[arg(long, value_name = "FILE")]
    bundle: Vec<PathBuf>,
    /// What has to be said, a URI
    #[arg(long, value_name = "URI")]
    predicate_type: Option<String>,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// The artifact: its bytes, where there are any, and its digests.
struct Loaded {
    bytes: Option<Vec<u8>>,
    digests: Artifact,
}

impl What {
    fn load(&self) -> Result<Loaded, Error> {
        match (&self.digest, &self.file) {
            (Some(digest), _) => Ok(Loaded { bytes: None, digests: digest.clone() }),
            (None, Some(file)) => {
                let bytes = read(file, MAX_ARTIFACT)?;
                let digests = Artifact::of(&bytes);
                Ok(Loaded { bytes: Some(bytes), digests })
            }
            (None, None) => Err(Error::usage("nothing to verify", "name a file or --digest")),
        }
    }
}

pub(super) fn run(args: &VerifyArgs) -> Result<ExitStatus, Error> {
    match args.role.role() {
        Some(role) if args.provenance.is_any() => Err(Error::usage(
            format!("--role {role} asks for keys of this project, and the rest for an attestation"),
            "verify one, then the other",
        )),
        Some(role) => role::run(&args.what, &args.role, role),
        None => provenance::run(&args.what, &args.provenance),
    }
}

/// Returns the word of reports for a status.
pub(super) fn outcome(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Passed => "passed",
        ExitStatus::Failed => "failed",
        ExitStatus::Inconclusive => "inconclusive",
        ExitStatus::Error | ExitStatus::Bug => "error",
    }
}
