//! When one version of the roles may follow another: enough maintainers of both have signed it (TUF §5.3).
//!
//! Version N+1 is proposed as an in-toto statement that holds the whole record, names its predecessor by digest, and is
//! accepted with k signatures of version N *and* k of version N+1.
//! The first version is signed by its own maintainers; whether it is the right one is for whoever trusts it to say.
//!
//! ```
//! # #[cfg(feature = "sign")] {
//! use weft_verify::envelope::{Envelope, IN_TOTO};
//! use weft_verify::role::{Roles, update};
//! use weft_verify::sign::SigningKey;
//! use weft_verify::{AsOf, Rejection};
//!
//! let key = SigningKey::from_seed(&[7; 32]);
//! let record = format!(
//!     r#"{{"keys":[{{"name":"alice","public":"{}","roles":["maintainer"]}}],
//!         "roles":{{"maintainer":{{"threshold":1}}}},"schema":1,"version":1}}"#,
//!     key.public()
//! );
//! let roles = Roles::from_slice(record.as_bytes()).unwrap();
//! let mut envelope = Envelope::new(IN_TOTO, update::proposal(&roles).to_vec().unwrap());
//! assert!(matches!(update::first(&envelope, AsOf::second(0)), Err(Rejection::ThresholdNotMet { .. })));
//! key.endorse(&mut envelope);
//! let accepted = update::first(&envelope, AsOf::second(0)).unwrap();
//! assert_eq!(update::walk(&[envelope], Some(roles.digest())).unwrap(), accepted);
//! # }
//! ```

use crate::digest::Artifact;
use crate::envelope::{Clause, Envelope};
use crate::json;
use crate::role::{MAINTAINER, Record, Roles};
use crate::statement::{ResourceDescriptor, Statement};
use crate::time::Moment;
use crate::{AsOf, Rejection, Sha256, Verified, canonical, predicate};

/// Makes the statement by which a record is proposed; its canonical form is what maintainers sign.
pub fn proposal(roles: &Roles) -> Statement {
    let bytes = canonical::to_vec(roles.record()).expect("checked when the roles were made");
    let record = json::read(&bytes, json::Limits::RECORD).expect("a canonical form is JSON");
    let subject = ResourceDescriptor::of("roles", &Artifact::of(&bytes));
    Statement::new(vec![subject], predicate::ROLES, record)
}

/// Reads the record that a statement proposes.
///
/// # Errors
///
/// [`Rejection::PredicateType`], the rejections of [`Roles::new`], and those of
/// [`Statement::subject_for`] if the statement is about another record than it holds.
pub fn proposed(statement: &Statement) -> Result<Roles, Rejection> {
    statement.demand_predicate(predicate::ROLES)?;
    let record: Record = json::from_value(&statement.predicate)?;
    let roles = Roles::new(record)?;
    let bytes = canonical::to_vec(roles.record()).expect("checked when the roles were made");
    statement.subject_for(&Artifact::of(&bytes))?;
    Ok(roles)
}

/// Accepts a first version: its own maintainers signed it.
///
/// # Errors
///
/// [`Rejection::RolesGap`] if it is not version 1, and whatever the envelope, the statement or the record is refused for.
pub fn first(envelope: &Envelope, as_of: AsOf) -> Result<Verified<Roles>, Rejection> {
    accept(None, envelope, Moment::At(as_of))
}

/// Accepts the version after `current`.
///
/// # Errors
///
/// [`Rejection::RolesRollback`], [`Rejection::RolesGap`], [`Rejection::RolesChain`], [`Rejection::RevocationFell`],
/// [`Rejection::RevocationDropped`], [`Rejection::RevocationUnnumbered`], and whatever the envelope, the statement or
/// the record is refused for.
pub fn next(
    current: &Verified<Roles>,
    envelope: &Envelope,
    as_of: AsOf,
) -> Result<Verified<Roles>, Rejection> {
    accept(Some(current), envelope, Moment::At(as_of))
}

/// Walks a chain of versions that were accepted one by one, from the first on, and returns the newest.
///
/// One of them has to have the digest `anchor`, which is what the caller trusts; everything before it is taken as its
/// history, everything after it follows by signatures.
/// Windows of validity are not judged again, as they were when each version was accepted; revoked keys never count.
///
/// # Errors
///
/// Those of [`first`] and [`next()`], and [`Rejection::RolesAnchor`] if no version is the trusted one.
pub fn walk(chain: &[Envelope], anchor: Option<Sha256>) -> Result<Verified<Roles>, Rejection> {
    let mut current = None;
    let mut anchored = anchor.is_none();
    for envelope in chain {
        let roles = accept(current.as_ref(), envelope, Moment::Accepted)?;
        anchored |= anchor == Some(roles.digest());
        current = Some(roles);
    }
    match (current, anchored) {
        (Some(roles), true) => Ok(roles),
        (_, false) => Err(Rejection::RolesAnchor {
            expected: anchor.map_or(String::new(), |a| a.to_string()),
        }),
        (None, true) => Err(Rejection::RolesGap { current: 0, found: 0 }),
    }
}

fn accept(
    current: Option<&Verified<Roles>>,
    envelope: &Envelope,
    moment: Moment,
) -> Result<Verified<Roles>, Rejection> {
    // Who has to sign is written in what is signed, so it is read before it is verified, and not used before.
    let candidate = proposed(&Statement::from_slice(envelope.unverified_payload())?)?;
    follows(current.map(|roles| &**roles), &candidate)?;
    let of_new = candidate.requirement(MAINTAINER)?;
    let new =
        Clause { of: Some("new roles"), authority: candidate.authority(), requirement: &of_new };
    let verify = |moment| match current {
        None => envelope.verify_at(&[new], moment),
        Some(current) => {
            let of_old = current.requirement(MAINTAINER)?;
            let authority = current.authority();
            let old = Clause { of: Some("roles in force"), authority, requirement: &of_old };
            envelope.verify_at(&[old, new], moment)
        }
    };
    let payload = verify(moment)?;
    // What could not be walked again is not accepted: a revocation ahead of its day counts then, too.
    verify(Moment::Accepted)?;
    proposed(&*Statement::from_payload(&payload)?).map(Verified::new)
}

/// Says whether one record may follow another, signatures aside.
///
/// # Errors
///
/// Those of [`next()`] that are not about signatures.
pub fn follows(current: Option<&Roles>, candidate: &Roles) -> Result<(), Rejection> {
    let found = candidate.record();
    let Some(current_roles) = current else {
        return match found.version {
            1 => Ok(()),
            found => Err(Rejection::RolesGap { current: 0, found }),
        };
    };
    let current = current_roles.record();
    if found.version <= current.version {
        return Err(Rejection::RolesRollback { current: current.version, found: found.version });
    }
    if found.version > current.version + 1 {
        return Err(Rejection::RolesGap { current: current.version, found: found.version });
    }
    if found.previous != Some(current_roles.digest()) {
        let name = |digest: Option<Sha256>| digest.map_or("nothing".to_owned(), |d| d.to_string());
        return Err(Rejection::RolesChain {
            expected: current_roles.digest().to_string(),
            found: name(found.previous),
        });
    }
    let (old, new) = (&current.revocations, &found.revocations);
    if new.number < old.number {
        return Err(Rejection::RevocationFell { current: old.number, found: new.number });
    }
    if let Some(gone) = old.keys.iter().find(|revocation| !new.keys.contains(revocation)) {
        return Err(Rejection::RevocationDropped { key: gone.key.to_string() });
    }
    if new.keys.len() > old.keys.len() && new.number == old.number {
        return Err(Rejection::RevocationUnnumbered { number: new.number });
    }
    Ok(())
}

/// Demands that a roles file holds what was committed.
///
/// # Errors
///
/// [`Rejection::RolesUncommitted`].
pub fn demand_committed(file: &Roles, committed: &Verified<Roles>) -> Result<(), Rejection> {
    match file.digest() == committed.digest() {
        true => Ok(()),
        false => Err(Rejection::RolesUncommitted {
            file: file.record().version,
            committed: committed.record().version,
        }),
    }
}
