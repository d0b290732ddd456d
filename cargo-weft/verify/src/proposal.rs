//! Proposal, attestation, commit: how several people sign one record by exchanging files.
//!
//! A proposal is a statement in canonical form, known by its SHA-256 digest.
//! Each signer attests it in an envelope of their own, offline; the envelopes are gathered into one.
//! It is committed when every quorum is met, and never before.

use crate::envelope::{Clause, Envelope, IN_TOTO, Payload};
use crate::statement::Statement;
use crate::{AsOf, Rejection, Sha256, Verified, canonical};

/// A record that is up for signing.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    payload: Vec<u8>,
    statement: Statement,
}

impl Proposal {
    /// Proposes a statement.
    ///
    /// # Errors
    ///
    /// [`canonical::Unwritable`], if the predicate holds numbers that no record may hold.
    pub fn new(statement: Statement) -> Result<Self, canonical::Unwritable> {
        Ok(Self { payload: statement.to_vec()?, statement })
    }

    /// Reads a proposal from its canonical form.
    ///
    /// # Errors
    ///
    /// Those of [`Statement::from_slice`], and [`Rejection::NotCanonical`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let statement = Statement::from_slice(bytes)?;
        canonical::from_slice::<Statement>(bytes)?;
        Ok(Self { payload: bytes.to_vec(), statement })
    }

    /// Returns the canonical form, which is what is signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the digest by which the proposal is known.
    ///
    /// ```
    /// use weft_verify::proposal::Proposal;
    /// use weft_verify::{Sha256, digest::Artifact, json::Value};
    /// use weft_verify::statement::{ResourceDescriptor, Statement};
    ///
    /// let subject = ResourceDescriptor::of("app", &Artifact::of(b"abc"));
    /// let proposal = Proposal::new(Statement::new(vec![subject], "https://example.org/p", Value::Null)).unwrap();
    /// assert_eq!(proposal.digest(), Sha256::of(proposal.as_bytes()));
    /// ```
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.payload)
    }

    /// Returns what is proposed, which nobody has vouched for yet.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Gathers the signatures of attestations in one envelope.
    ///
    /// # Errors
    ///
    /// [`Rejection::ProposalMismatch`], if one of them is about something else.
    pub fn gather(&self, attestations: &[Envelope]) -> Result<Envelope, Rejection> {
        let mut gathered = Envelope::new(IN_TOTO, self.payload.clone());
        for attestation in attestations {
            if attestation.pae() != gathered.pae() {
                return Err(Rejection::ProposalMismatch {
                    expected: self.digest().to_string(),
                    found: Sha256::of(attestation.unverified_payload()).to_string(),
                });
            }
            attestation.signatures().iter().cloned().for_each(|signature| gathered.add(signature));
        }
        Ok(gathered)
    }

    /// Commits the proposal: every quorum is met.
    ///
    /// # Errors
    ///
    /// [`Rejection::ProposalMismatch`], and [`Rejection::ThresholdNotMet`] with what is there and what is missing.
    pub fn commit(
        &self,
        attestations: &[Envelope],
        clauses: &[Clause<'_>],
        as_of: AsOf,
    ) -> Result<(Envelope, Verified<Payload>), Rejection> {
        let envelope = self.gather(attestations)?;
        let payload = envelope.verify_all(clauses, as_of)?;
        Ok((envelope, payload))
    }
}
