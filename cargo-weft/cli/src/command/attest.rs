//! `cargo weft attest`: statements that the gates ask for, signed by a key of a role or without one.

mod statement;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use weft_gate::gate::attestation::BUILD_ROLE;
use weft_verify::statement::Statement;

use super::sign::{demand_role, open};
use super::{Format, Selection};
use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::files;
#[cfg(feature = "online")]
use crate::source::online::keyless::{self, KeylessArgs};
use crate::source::roles::Place;
use crate::source::secret::PassphraseArgs;

#[derive(Debug, Args)]
pub(super) struct AttestArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what artifacts were built from: SLSA provenance of this commit and what it locks
    Provenance(ProvenanceArgs),
    /// Say which packages this commit is made of
    Inventory(InventoryArgs),
    /// Say which packages artifacts are made of, as a bill of materials
    Sbom(SbomArgs),
    /// Say which tests passed on this commit, by their JUnit reports
    TestEvidence(TestArgs),
    /// Sign a manifest that `cargo weft release prepare` wrote
    Release(ManifestArgs),
}

#[derive(Debug, Args)]
struct ProvenanceArgs {
    #[command(flatten)]
    selection: Selection,
    /// The directory of the artifacts
    #[arg(long, value_name = "DIR")]
    artifacts: PathBuf,
    /// Who built them, a URI; in a GitHub workflow, that workflow
    #[arg(long, value_name = "URI")]
    builder: Option<String>,
    /// The repository that was built, a URL; in a GitHub workflow, its repository
    #[arg(long, value_name = "URL")]
    source_repo: Option<String>,
    /// The ref that was built; in a GitHub workflow, its ref
    #[arg(long, value_name = "REF")]
    source_ref: Option<String>,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
struct InventoryArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
struct SbomArgs {
    #[command(flatten)]
    selection: Selection,
    /// The directory of the artifacts
    #[arg(long, value_name = "DIR")]
    artifacts: PathBuf,
    /// The form of the bill of materials
    #[arg(long, value_enum, default_value_t = BillFormat::Cyclonedx, value_name = "FORMAT")]
    sbom_format: BillFormat,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// The JUnit reports
    #[arg(long, required = true, value_name = "FILE")]
    junit: Vec<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
struct ManifestArgs {
    /// The manifest
    manifest: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BillFormat {
    Cyclonedx,
    Spdx,
}

/// Who signs, and where that goes.
#[derive(Debug, Args)]
struct Signing {
    /// The private key
    #[arg(long, value_name = "FILE", required_unless_present = "keyless")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// The role that the key signs for; by default `build`, or `release` for a manifest
    #[arg(long, requires = "key")]
    role: Option<String>,
    /// The roles file; by default .weft/roles.toml, here or above
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// Sign without a key: an authority certifies who runs this, and a log keeps it (opens connections)
    #[arg(long, conflicts_with_all = ["key", "role", "roles", "passphrase_fd", "passphrase_env"])]
    keyless: bool,
    /// Where to write the attestation
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    #[cfg(feature = "online")]
    #[command(flatten)]
    services: KeylessArgs,
}

pub(super) fn run(args: &AttestArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        Command::Provenance(args) => {
            let build = statement::Build {
                builder: args.builder.as_deref(),
                repository: args.source_repo.as_deref(),
                reference: args.source_ref.as_deref(),
            };
            let made = statement::provenance(&args.selection, &args.artifacts, &build)?;
            args.signing.sign(&made, BUILD_ROLE)
        }
        Command::Inventory(args) => {
            args.signing.sign(&statement::inventory(&args.selection)?, BUILD_ROLE)
        }
        Command::Sbom(args) => {
            let made = statement::bill(&args.selection, &args.artifacts, args.sbom_format)?;
            args.signing.sign(&made, BUILD_ROLE)
        }
        Command::TestEvidence(args) => {
            args.signing.sign(&statement::tests(&args.junit)?, BUILD_ROLE)
        }
        Command::Release(args) => {
            let (proposal, _) = super::release::proposal(&args.manifest)?;
            args.signing.sign(proposal.statement(), weft_gate::release::ROLE)
        }
    }
}

impl Signing {
    fn sign(&self, statement: &Statement, default_role: &str) -> Result<ExitStatus, Error> {
        match &self.key {
            Some(key) => self.sign_by_key(key, statement, default_role),
            None => self.sign_without_key(statement),
        }
    }

    #[cfg(feature = "online")]
    fn sign_without_key(&self, statement: &Statement) -> Result<ExitStatus, Error> {
        let payload = statement.to_vec().map_err(|e| Error::Bug(e.to_string()))?;
        // Asked before anything is signed: the log keeps what it is given.
        if self.output.symlink_metadata().is_ok() {
            let message = format!("{} is there already", self.output.display());
            return Err(Error::usage(message, "move it away, or name another --output"));
        }
        let bundle = keyless::attest(&self.services, &payload)?;
        files::create_whole(&self.output, &bundle)?;
        self.report(statement, "signed without a key")
    }

    #[cfg(not(feature = "online"))]
    fn sign_without_key(&self, _statement: &Statement) -> Result<ExitStatus, Error> {
        Err(Error::usage(
            "this weft was built without the network, which signing without a key needs",
            "sign with --key, or build weft with the feature `online`",
        ))
    }

    /// Adds a signature to the envelope that is there, if it says the same, or begins one.
    fn sign_by_key(
        &self,
        key: &Path,
        statement: &Statement,
        default_role: &str,
    ) -> Result<ExitStatus, Error> {
        let roles = Place::find(self.roles.as_deref())?.in_force(None)?;
        let role = self.role.as_deref().unwrap_or(default_role);
        roles.requirement(role).map_err(Error::rejected("the role"))?;
        let mut envelope = open(&self.output, statement)?;
        let key = self.passphrase.unlock(key)?;
        demand_role(&roles, &key, role)?;
        key.endorse(&mut envelope);
        files::write_output(&self.output, &envelope.to_vec())?;
        let count = envelope.signatures().len();
        self.report(statement, &format!("signed for {role}, {count} signatures"))
    }

    fn report(&self, statement: &Statement, how: &str) -> Result<ExitStatus, Error> {
        let shown = self.output.display().to_string();
        let names: Vec<&str> =
            statement.subject.iter().filter_map(|subject| subject.name.as_deref()).collect();
        let text = format!("{} about {}: {how}\n", terminal(&shown), terminal(&names.join(", ")));
        let json = json!({
            "output": shown,
            "predicate_type": statement.predicate_type,
            "schema": 1,
            "subjects": names,
        });
        self.format.print(text, &json)?;
        Ok(ExitStatus::Passed)
    }
}
