//! Attestations beside a release, and whose of them count: those of the command line, or those of the policy.

use std::path::PathBuf;

use clap::Args;
use weft_gate::policy::ProvenancePolicy;
use weft_gate::provenance::bundle::Part;
use weft_gate::provenance::expectation::Expectation;
use weft_gate::provenance::sigstore::Trust;
use weft_verify::AsOf;

use crate::command::facts::Loaded;
use crate::command::verify::provenance::{ProvenanceArgs, WHO, trust};
use crate::error::Error;
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
    pub(super) fn signer(
        &self,
        loaded: &Loaded,
        has_base: bool,
        as_of: AsOf,
    ) -> Result<Option<Signer>, Error> {
        if self.expected.is_any() {
            let expected = self.expected.expectation(None, as_of)?;
            return Ok(Some(Signer { expected, trust: self.expected.trust()? }));
        }
        let policy = &loaded.facts.policy.provenance;
        if *policy == ProvenancePolicy::default() {
            return Ok(None);
        }
        let expected = policy.expectation().map_err(Error::Bug)?;
        let name = policy.trusted_root.as_deref().unwrap_or("public-good");
        if let Some(trust) = Trust::embedded(name) {
            return Ok(Some(Signer { expected, trust }));
        }
        if has_base {
            return Err(Error::usage(
                format!("the trusted root {name} of the policy lies in the tree that is judged"),
                "name one that it cannot change, with whose attestations count: --trusted-root FILE, --issuer …",
            ));
        }
        let path = loaded.root.join(name).display().to_string();
        Ok(Some(Signer { expected, trust: trust(&path)? }))
    }

    /// Reads the attestations, or says why there are none.
    pub(super) fn parts(&self) -> Result<Vec<(String, Part)>, String> {
        match &self.evidence {
            Some(directory) => fetch::attestations(directory),
            None => Err("nothing says where attestations are: --evidence DIR".to_owned()),
        }
    }
}
