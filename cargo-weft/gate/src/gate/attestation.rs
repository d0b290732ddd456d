//! Attestations that lie beside a release: envelopes that keys of a role signed, and Sigstore bundles.
//!
//! What one says is read first and believed last: each is verified once, when a step asks for it.

use std::borrow::Cow;

use rayon::prelude::*;
use weft_verify::digest::Artifact;
use weft_verify::envelope::Envelope;
use weft_verify::json::{self, Limits, Value};
use weft_verify::role::Roles;
use weft_verify::statement::Statement;
use weft_verify::{AsOf, Rejection, Sha256};

use crate::provenance::bundle::{Bundle, Part};
use crate::provenance::expectation::Expectation;
use crate::provenance::sigstore::{Signed, Trust};
use crate::provenance::statement::{self, Build, SLSA_V0_2, SLSA_V1};
use crate::provenance::{Refusal, Subject, judge};

/// The role whose keys vouch for builds: their provenance and their bills of materials.
pub const BUILD_ROLE: &str = "build";

/// The most letters of a refusal that are told: what it quotes is whatever an attestation says.
const MAX_LETTERS: usize = 300;

/// Who may vouch; who is not named may not.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    /// The day that keys and roles are judged as of.
    pub as_of: AsOf,
    /// The roles, whose keys sign envelopes; those of builds count where no signer is expected.
    pub roles: Option<&'a Roles>,
    /// What is expected of the signers of Sigstore bundles, and whom to trust for it.
    pub signer: Option<(&'a Expectation, &'a Trust)>,
}

/// Attestations, read and not verified yet.
pub struct Shelf<'a> {
    held: Vec<Held<'a>>,
    /// What could not be read, a line each.
    pub(crate) unread: Vec<String>,
    who: Who<'a>,
    /// Why there are none.
    pub(crate) why: Option<String>,
}

/// An attestation with its subjects, which nobody has verified yet.
pub(crate) struct Held<'a> {
    pub(crate) name: &'a str,
    bytes: &'a [u8],
    pub(crate) is_envelope: bool,
    /// The predicate is left out: it is read again once it is verified.
    statement: Statement,
}

/// What somebody who may do so vouched for.
pub(crate) struct Vouched {
    /// What was said.
    pub(crate) statement: Statement,
    /// What it says of a build.
    pub(crate) build: Build,
    /// Who said it.
    pub(crate) by: String,
    /// The commit that was built.
    pub(crate) commit: Option<String>,
    /// Who names that commit: the certificate, or a predicate that keys of the role vouch for.
    pub(crate) commit_of: &'static str,
}

impl Held<'_> {
    /// Says whether the statement speaks of the artifact, contradicting itself or not.
    pub(crate) fn is_about(&self, artifact: &Artifact) -> bool {
        let subject = self.statement.subject_for(artifact);
        !matches!(subject, Err(Rejection::SubjectMismatch { .. } | Rejection::SubjectWeak { .. }))
    }

    /// Demands that the statement is about the artifact and does not contradict itself.
    pub(crate) fn demand(&self, artifact: &Artifact) -> Result<(), String> {
        let subject = self.statement.subject_for(artifact);
        subject.map(|_| ()).map_err(|why| self.told(&Refusal::Subject(why)))
    }

    pub(crate) fn told(&self, refusal: &Refusal) -> String {
        told(self.name, &refusal.to_string(), refusal.code().name())
    }
}

impl<'a> Shelf<'a> {
    /// Reads attestations, each with the name that it is reported by; `Err` says why there are none.
    ///
    /// One that cannot be read hides none of the others. A bare signature, which says nothing, is left out.
    pub fn new(parts: Result<&'a [(String, Part)], String>, who: Who<'a>) -> Self {
        let mut shelf = Self { held: Vec::new(), unread: Vec::new(), who, why: None };
        let parts = match parts {
            Ok(parts) => parts,
            Err(why) => {
                shelf.why = Some(why);
                return shelf;
            }
        };
        // In their order, whichever is read first.
        let read: Vec<_> = parts
            .par_iter()
            .map(|(name, part)| {
                let bytes = part.as_ref().map_err(Clone::clone);
                let held = bytes.and_then(|bytes| read(name, bytes));
                held.map_err(|why| told(name, &why.to_string(), why.code().name()))
            })
            .collect();
        for held in read {
            match held {
                Ok(held) => shelf.held.extend(held),
                Err(line) => shelf.unread.push(line),
            }
        }
        shelf
    }

    /// Returns the attestations of some predicate types, in their order.
    pub(crate) fn of(&self, predicate_types: &[&str]) -> Vec<&Held<'a>> {
        let is_asked =
            |held: &&Held<'_>| predicate_types.contains(&&*held.statement.predicate_type);
        self.held.iter().filter(is_asked).collect()
    }

    /// Lists the attestations that could be read, each with the digest of its bytes.
    pub fn digests(&self) -> impl Iterator<Item = (String, Sha256)> {
        self.held.iter().map(|held| (format!("evidence:{}", held.name), Sha256::of(held.bytes)))
    }

    /// Verifies what an attestation about an artifact says, by whoever may vouch for builds.
    ///
    /// The signature is over the whole statement, so what is verified for one artifact is verified for all of its
    /// subjects; [`Held::demand`] asks for each of them.
    pub(crate) fn vouched(&self, held: &Held<'_>, artifact: &Artifact) -> Result<Vouched, String> {
        match (held.is_envelope, self.who.signer) {
            (true, None) => return self.by_role(held, BUILD_ROLE),
            // Of keys nothing says which workflow ran where, which is what is expected.
            (true, Some(_)) => {
                let (expected, found) = ("a Sigstore bundle", "an envelope that keys signed");
                return Err(held.told(&Refusal::Means { expected, found }));
            }
            (false, _) => {}
        }
        let Some((expected, trust)) = self.who.signer else {
            return Err(format!("{}: nothing says whose bundles count", held.name));
        };
        let expected = match [SLSA_V1, SLSA_V0_2].contains(&&*held.statement.predicate_type) {
            true => Cow::Borrowed(expected),
            // What is expected of a build is for provenance to show; the rest is who signed, and for which source.
            false => {
                Cow::Owned(Expectation { builder: None, min_build_level: None, ..expected.clone() })
            }
        };
        let (steps, proven) = judge(held.bytes, &Subject::Digest(artifact), trust, &expected);
        let proven = proven
            .ok_or_else(|| held.told(steps.first_refusal().unwrap_or(&Refusal::NobodyExpected)))?;
        let Signed { identity, run, .. } = proven.signed;
        let statement = proven.statement.ok_or_else(|| format!("{}: says nothing", held.name))?;
        Ok(Vouched {
            statement,
            build: proven.build,
            by: run.signer.or(identity).unwrap_or_else(|| "a signer without a name".to_owned()),
            commit: run.commit,
            commit_of: "commit of the certificate",
        })
    }

    /// Verifies an envelope that keys of a role signed.
    pub(crate) fn by_role(&self, held: &Held<'_>, role: &str) -> Result<Vouched, String> {
        let refused = |why: &Rejection| told(held.name, &why.to_string(), why.code().name());
        let Some(roles) = self.who.roles else {
            return Err(format!("{}: there are no roles that keys could have", held.name));
        };
        let verified = || {
            let envelope = Envelope::from_slice(held.bytes)?;
            let requirement = roles.requirement(role)?;
            let payload = envelope.verify(roles.authority(), &requirement, self.who.as_of)?;
            let names: Vec<String> = payload
                .tallies
                .iter()
                .flat_map(|tally| &tally.counted)
                .map(|counted| counted.name.clone())
                .collect();
            Ok((Statement::from_payload(&payload)?.into_inner(), names))
        };
        let (statement, names) = verified().map_err(|why| refused(&why))?;
        let build = statement::compare(Some(&statement), &Signed::default());
        let build = build.map_err(|why| held.told(&why))?;
        let by = format!("the role {role}: {}", names.join(", "));
        let commit = build.commit.clone();
        Ok(Vouched { statement, build, by, commit, commit_of: "commit of the provenance" })
    }
}

fn read<'a>(name: &'a str, bytes: &'a [u8]) -> Result<Option<Held<'a>>, Refusal> {
    let held = |is_envelope, payload: &[u8]| {
        let mut statement = Statement::from_slice(payload).map_err(Refusal::Statement)?;
        statement.predicate = Value::Null;
        Ok(Some(Held { name, bytes, is_envelope, statement }))
    };
    let limits = Limits { size: crate::provenance::bundle::MAX_BYTES, ..Limits::FOREIGN };
    let value = json::read(bytes, limits);
    if value.is_ok_and(|value| value.get("payloadType").is_some()) {
        let envelope = Envelope::from_slice(bytes).map_err(Refusal::Statement)?;
        return held(true, envelope.unverified_payload());
    }
    let bundle = Bundle::parse(bytes)?;
    match bundle.payload() {
        Some((_, payload)) => held(false, payload),
        None => Ok(None),
    }
}

fn told(name: &str, said: &str, code: &str) -> String {
    let end = said.char_indices().nth(MAX_LETTERS).map(|(end, _)| end);
    let said = end.map_or(said.to_owned(), |end| format!("{}…", &said[..end]));
    format!("{name}: {said} ({code})")
}
