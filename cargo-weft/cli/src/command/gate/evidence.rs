//! Attestations beside a release, and whose of them count: those of the command line, or those of the policy.

use std::path::PathBuf;

use clap::Args;
use weft_gate::gate::{Step, StepResult};
use weft_gate::policy::ProvenancePolicy;
use weft_gate::provenance::bundle::Part;
use weft_gate::provenance::expectation::Expectation;
use weft_gate::provenance::sigstore::Trust;
use weft_verify::AsOf;

use crate::command::facts::Loaded;
use crate::command::verify::provenance::{ProvenanceArgs, WHO, trust};
use crate::error::Error;
use crate::source::checkout::is_outside;
use crate::source::release as fetch;

#[derive(Debug, Args)]
pub(super) struct EvidenceArgs {
    /// The directory of attestations: provenance, bills of materials, verdicts of the merge gate
    #[arg(long, visible_alias = "attestations", value_name = "DIR", help_heading = "Attestations")]
    evidence: Option<PathBuf>,
    #[command(flatten)]
    expected: ProvenanceArgs,
}

/// Whose bundles count, and whom to trust for it.
pub(super) struct Signer {
    pub(super) expected: Expectation,
    pub(super) trust: Trust,
}

impl EvidenceArgs {
    /// Says whether the command line itself expects provenance.
    pub(super) fn asks(&self) -> bool {
        self.expected.is_any()
    }

    /// Says whether a directory is named.
    pub(super) fn is_named(&self) -> bool {
        self.evidence.is_some()
    }

    /// Demands that what the command line says of attestations makes sense.
    pub(super) fn check(&self, as_of: AsOf) -> Result<(), Error> {
        if !self.expected.is_any() {
            return Ok(());
        }
        if self.evidence.is_none() {
            return Err(Error::usage(
                "something is expected of attestations, and nothing says where they are",
                "name their directory: --evidence DIR",
            ));
        }
        let expected = self.expected.expectation(None, as_of)?;
        if expected.key.is_some() {
            return Err(Error::usage(
                "a public key does not say which commit was built",
                "name the signer in the certificate, or leave out --public-key and have keys of the role `build` sign",
            ));
        }
        match expected.names_somebody() {
            true => Ok(()),
            false => Err(Error::usage("nothing says who is to have signed the attestations", WHO)),
        }
    }

    /// Returns whose bundles count: whom the command line names, otherwise whom the policy does; nobody's without either.
    ///
    /// A trusted root that the policy names by its path counts where people signed the commit that it lies in; otherwise
    /// the step says why it does not.
    pub(super) fn signer(
        &self,
        loaded: &Loaded,
        is_signed: bool,
        as_of: AsOf,
    ) -> Result<Result<Option<Signer>, Step>, Error> {
        if self.expected.is_any() {
            let expected = self.expected.expectation(None, as_of)?;
            return Ok(Ok(Some(Signer { expected, trust: self.expected.trust()? })));
        }
        let policy = &loaded.facts.policy.provenance;
        if *policy == ProvenancePolicy::default() {
            return Ok(Ok(None));
        }
        let expected = policy.expectation().map_err(Error::Bug)?;
        let name = policy.trusted_root.as_deref().unwrap_or("public-good");
        if let Some(trust) = Trust::embedded(name) {
            return Ok(Ok(Some(Signer { expected, trust })));
        }
        let path = loaded.root.join(name);
        if !is_signed && !is_outside(&path, &loaded.root) {
            let line = format!("{name} lies in the tree that is judged, and nobody signed that");
            let remedy = "Name one that the tree cannot change, with whose attestations count: --trusted-root FILE, --issuer and what follows it.";
            return Ok(Err(Step::new("trusted-root", StepResult::Missing, vec![line], remedy)));
        }
        Ok(Ok(Some(Signer { expected, trust: trust(&path.display().to_string())? })))
    }

    /// Reads the attestations, or says why there are none.
    pub(super) fn parts(&self) -> Result<Vec<(String, Part)>, String> {
        match &self.evidence {
            Some(directory) => fetch::attestations(directory),
            None => Err("nothing says where attestations are: --evidence DIR".to_owned()),
        }
    }
}
