//! k of n: how many distinct keys of a role signed, which ones count, and why the others do not.
//!
//! The model is TUF's (§4.2, `KEYIDS` and `THRESHOLD`), with one difference: keys are told apart by their bytes, never
//! by their ids, so a key that is listed, or signs, under two ids counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Deref;

use crate::Rejection;
use crate::key::PublicKey;
use crate::time::Moment;

/// When a key may sign; both ends are inclusive, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// The first second.
    pub not_before: Option<u64>,
    /// The last second.
    pub not_after: Option<u64>,
    /// The first second at which it is revoked.
    pub revoked_at: Option<u64>,
}

/// Somebody who may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The id that signatures name; a hint, which decides nothing.
    pub id: String,
    /// The name that people know the key by.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// What the key may sign for.
    pub roles: BTreeSet<String>,
    /// When it may.
    pub validity: Validity,
}

/// Who may sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authority {
    signers: Vec<Signer>,
}

/// How many distinct keys of which role have to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The role.
    pub role: String,
    /// The number of keys.
    pub threshold: NonZeroU32,
}

impl Requirement {
    /// Makes a requirement.
    ///
    /// # Errors
    ///
    /// [`Rejection::ThresholdZero`].
    pub fn new(role: &str, threshold: u32) -> Result<Self, Rejection> {
        let zero = || Rejection::ThresholdZero { role: role.to_owned() };
        let threshold = NonZeroU32::new(threshold).ok_or_else(zero)?;
        Ok(Self { role: role.to_owned(), threshold })
    }
}

/// A signature over some message, with the key that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed<'a> {
    /// The key's id; nothing, if none is named.
    pub(crate) key_id: Option<&'a str>,
    /// The signature.
    pub(crate) signature: &'a [u8],
}

/// How many keys signed for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Whose keys were asked, where more than one authority is.
    pub of: Option<String>,
    /// The role.
    pub role: String,
    /// How many distinct keys have to sign.
    pub threshold: NonZeroU32,
    /// Signatures that count, in the order of the envelope.
    pub counted: Vec<Counted>,
    /// Signatures that do not, in the order of the envelope.
    pub uncounted: Vec<Uncounted>,
}

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The number of the signature, from 0.
    pub index: usize,
    /// The signer's name.
    pub name: String,
    /// The signer's key.
    pub key: PublicKey,
}

/// A signature that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncounted {
    /// The number of the signature, from 0.
    pub index: usize,
    /// The key id that the signature names; empty if it names none.
    pub key_id: String,
    /// The signer's name, where the key is known.
    pub name: Option<String>,
    /// Why it does not count.
    pub why: Rejection,
}

impl Tally {
    /// Counts each key once, by the first signature that `judge` finds to be its own and allowed.
    ///
    /// `judge` returns the id that a signature names, the signer's name where it is known, and the key.
    ///
    /// # Errors
    ///
    /// [`Rejection::ThresholdUnreachable`] if fewer `keys` have the role than have to sign.
    pub(crate) fn of<'a, S>(
        requirement: &Requirement,
        keys: usize,
        signatures: &'a [S],
        judge: impl Fn(&'a S) -> (Option<&'a str>, Option<String>, Result<PublicKey, Rejection>),
    ) -> Result<Self, Rejection> {
        let Requirement { role, threshold } = requirement.clone();
        if u32::try_from(keys).is_ok_and(|keys| keys < threshold.get()) {
            return Err(Rejection::ThresholdUnreachable { role, threshold: threshold.get(), keys });
        }
        let (mut counted, mut uncounted) = (Vec::new(), Vec::new());
        let mut seen = BTreeMap::new();
        for (index, signature) in signatures.iter().enumerate() {
            let (key_id, name, judged) = judge(signature);
            let judged = judged.and_then(|key| match seen.get(&key) {
                Some(first) => Err(Rejection::SignatureRepeated { first: *first }),
                None => Ok(key),
            });
            match judged {
                Ok(key) => {
                    seen.insert(key, index);
                    counted.push(Counted { index, name: name.unwrap_or_default(), key });
                }
                Err(why) => {
                    let key_id = key_id.unwrap_or_default().chars().take(128).collect();
                    uncounted.push(Uncounted { index, key_id, name, why });
                }
            }
        }
        Ok(Self { of: None, role, threshold, counted, uncounted })
    }

    /// Says whether enough keys signed.
    pub fn is_met(&self) -> bool {
        u64::try_from(self.counted.len()).is_ok_and(|n| n >= u64::from(self.threshold.get()))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(of) = &self.of {
            write!(f, "{of}: ")?;
        }
        let verb = if self.is_met() { "by" } else { "missing" };
        write!(f, "{} of {}; {verb} role {}", self.counted.len(), self.threshold, self.role)
    }
}

/// One tally for each quorum that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallies(Vec<Tally>);

impl Tallies {
    /// Says whether signatures are merely missing: none that is there is false.
    pub fn is_partial(&self) -> bool {
        let is_false = |why: &Rejection| {
            matches!(why, Rejection::SignatureInvalid | Rejection::SignatureLength { .. })
        };
        !self.iter().flat_map(|tally| &tally.uncounted).any(|uncounted| is_false(&uncounted.why))
    }

    /// Returns the tallies, if each is met.
    ///
    /// # Errors
    ///
    /// [`Rejection::ThresholdNotMet`] with all of them, if one is not.
    pub(crate) fn demand(tallies: Vec<Tally>) -> Result<Self, Rejection> {
        let tallies = Self(tallies);
        // None at all would be a pass on silence.
        match !tallies.is_empty() && tallies.iter().all(Tally::is_met) {
            true => Ok(tallies),
            false => Err(Rejection::ThresholdNotMet { tallies }),
        }
    }
}

impl Deref for Tallies {
    type Target = [Tally];

    fn deref(&self) -> &[Tally] {
        &self.0
    }
}

impl fmt::Display for Tallies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.iter().map(Tally::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl Authority {
    /// Makes an authority of signers.
    pub fn new(signers: impl IntoIterator<Item = Signer>) -> Self {
        Self { signers: signers.into_iter().collect() }
    }

    /// Returns the signers.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Returns the number of distinct keys of a role, whether they are valid now or not.
    pub fn keys(&self, role: &str) -> usize {
        let of_role = self.signers.iter().filter(|signer| signer.roles.contains(role));
        of_role.map(|signer| signer.key).collect::<BTreeSet<_>>().len()
    }

    /// Counts the distinct keys of a role that signed `message`.
    ///
    /// # Errors
    ///
    /// [`Rejection::RoleUnknown`] if no key has the role, [`Rejection::ThresholdUnreachable`] if fewer have it than have
    /// to sign. That a threshold is not met is not an error here: the tally says so.
    pub(crate) fn count(
        &self,
        requirement: &Requirement,
        message: &[u8],
        signatures: &[Signed<'_>],
        moment: Moment,
    ) -> Result<Tally, Rejection> {
        let role = &requirement.role;
        let keys = self.keys(role);
        if keys == 0 {
            return Err(Rejection::RoleUnknown { role: role.clone() });
        }
        Tally::of(requirement, keys, signatures, |signed| {
            let (name, judged) = self.judge(role, message, signed, moment);
            (signed.key_id, name, judged)
        })
    }

    /// Finds the key that made a signature, and says whether it may.
    fn judge(
        &self,
        role: &str,
        message: &[u8],
        signed: &Signed<'_>,
        moment: Moment,
    ) -> (Option<String>, Result<PublicKey, Rejection>) {
        // An id narrows the choice and no more: two keys may share one.
        let named = |signer: &&Signer| signed.key_id.is_none_or(|id| id == signer.id);
        let candidates: Vec<&Signer> = self.signers.iter().filter(named).collect();
        let Some(first) = candidates.first() else {
            return (None, Err(Rejection::SignatureUnknownKey));
        };
        let made = |signer: &&Signer| signer.key.verify(message, signed.signature).is_ok();
        let Some(signer) = candidates.iter().copied().find(made) else {
            let why = match first.key.verify(message, signed.signature) {
                Err(why) => why,
                Ok(()) => Rejection::SignatureInvalid,
            };
            let name = Some(first.name.clone()).filter(|_| candidates.len() == 1);
            return (name, Err(why));
        };
        let judged = self.may_sign(signer.key, role, moment).map(|()| signer.key);
        (Some(signer.name.clone()), judged)
    }

    /// Says whether a key may sign for a role: it has the role, is valid, and no entry revokes it.
    fn may_sign(&self, key: PublicKey, role: &str, moment: Moment) -> Result<(), Rejection> {
        let entries: Vec<&Signer> = self.signers.iter().filter(|s| s.key == key).collect();
        let revoked = entries.iter().filter_map(|s| s.validity.revoked_at).min();
        if let Some(revoked_at) = revoked {
            let revoked = match moment {
                Moment::At(as_of) => as_of.latest() >= revoked_at,
                Moment::Accepted => true,
            };
            if revoked {
                return Err(Rejection::SignatureRevoked { revoked_at });
            }
        }
        let mut why = Rejection::SignatureWrongRole {
            required: role.to_owned(),
            found: entries.iter().flat_map(|s| s.roles.iter().cloned()).collect(),
        };
        for signer in entries.iter().filter(|s| s.roles.contains(role)) {
            match signer.validity.judge(moment) {
                Ok(()) => return Ok(()),
                Err(rejection) => why = rejection,
            }
        }
        Err(why)
    }
}

impl Validity {
    fn judge(&self, moment: Moment) -> Result<(), Rejection> {
        let Moment::At(as_of) = moment else { return Ok(()) };
        match (self.not_before, self.not_after) {
            (Some(not_before), _) if as_of.earliest() < not_before => {
                Err(Rejection::SignatureNotYetValid { not_before })
            }
            (_, Some(not_after)) if as_of.latest() > not_after => {
                Err(Rejection::SignatureExpired { not_after })
            }
            _ => Ok(()),
        }
    }
}
