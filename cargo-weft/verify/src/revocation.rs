//! Freshness: how far behind the newest known revocation number an action may be.
//!
//! Numbers stand in for time, so that freshness needs no clock: whoever knows of number 9 and holds list 7 is two
//! behind, whenever that is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Rejection;
use crate::role::{Freshness, Roles};

/// How much hangs on an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Something is published.
    Release,
    /// Everyday work.
    Routine,
    /// Something that others rely on is changed.
    Sensitive,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Routine, Self::Sensitive, Self::Release];

    /// Returns the name of the tier.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Routine => "routine",
            Self::Sensitive => "sensitive",
        }
    }

    fn allowed(self, freshness: &Freshness) -> u64 {
        match self {
            Self::Release => freshness.release,
            Self::Routine => freshness.routine,
            Self::Sensitive => freshness.sensitive,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        Self::ALL.into_iter().find(|tier| tier.name() == text).ok_or(Rejection::MemberInvalid {
            path: "tier".to_owned(),
            message: "expected routine, sensitive or release".to_owned(),
        })
    }
}

/// Permission to act.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a degraded mode is permitted together with its record alone"]
pub enum Permit {
    /// The list is fresh enough.
    Fresh,
    /// The list is stale; the action is permitted together with this record, which has to be kept.
    Degraded(DegradedMode),
}

/// The record of an action on a stale revocation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DegradedMode {
    /// How far behind the tier may be.
    pub allowed: u64,
    /// The number of the list that was at hand.
    pub held: u64,
    /// The newest number that was known.
    pub newest: u64,
    /// Why the action could not wait.
    pub reason: String,
    /// The version of the format: 1.
    pub schema: u64,
    /// The tier of the action.
    pub tier: Tier,
}

/// Says whether an action may go ahead on the list at hand; `newest` is the newest number known from anywhere.
///
/// `reason` asks for the degraded mode, where the roles allow it for the tier.
///
/// # Errors
///
/// [`Rejection::RevocationStale`], if the list is too far behind, and no override was asked for or none is allowed.
///
/// ```
/// # let digits = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/// # let text = format!(r#"{{"freshness":{{"override":["routine"],"release":0,"routine":2,"sensitive":1}},
/// #     "keys":[{{"name":"a","public":"ed25519:{digits}","roles":["maintainer"]}}],
/// #     "revocations":{{"keys":[],"number":3}},"roles":{{"maintainer":{{"threshold":1}}}},"schema":1,"version":1}}"#);
/// # let roles = weft_verify::role::Roles::from_slice(text.as_bytes()).unwrap();
/// use weft_verify::revocation::{Permit, Tier, permit};
///
/// // `roles` hold list 3; routine actions may be 2 behind, and may be overridden.
/// assert_eq!(permit(&roles, Tier::Routine, 5, None), Ok(Permit::Fresh));
/// assert!(permit(&roles, Tier::Routine, 6, None).is_err());
/// assert!(matches!(permit(&roles, Tier::Routine, 6, Some("the host is down")), Ok(Permit::Degraded(_))));
/// assert!(permit(&roles, Tier::Release, 4, Some("the host is down")).is_err());
/// ```
pub fn permit(
    roles: &Roles,
    tier: Tier,
    newest: u64,
    reason: Option<&str>,
) -> Result<Permit, Rejection> {
    let freshness = &roles.record().freshness;
    let held = roles.record().revocations.number;
    let allowed = tier.allowed(freshness);
    if newest.saturating_sub(held) <= allowed {
        return Ok(Permit::Fresh);
    }
    match reason {
        Some(reason) if freshness.overridable.contains(&tier) && !reason.trim().is_empty() => {
            let reason = reason.to_owned();
            Ok(Permit::Degraded(DegradedMode { allowed, held, newest, reason, schema: 1, tier }))
        }
        _ => {
            Err(Rejection::RevocationStale { tier: tier.name().to_owned(), held, newest, allowed })
        }
    }
}
