//! The predicate types that weft defines; `docs/src/spec` says what they hold.

/// A roles record: see [`crate::role::Record`].
pub const ROLES: &str = "https://github.com/cargo-weft/cargo-weft/predicate/roles/v1";

/// A signature for a role: see [`RoleSignature`].
pub const ROLE_SIGNATURE: &str =
    "https://github.com/cargo-weft/cargo-weft/predicate/role-signature/v1";

use serde::{Deserialize, Serialize};

use crate::{Rejection, Sha256, json};

/// What `cargo weft sign` says of a file: which role signs, by which roles record.
///
/// The role is part of what is signed, so that a signature for one role is not taken for one of another that the same
/// key has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoleSignature {
    /// The revocation number of the roles record.
    pub revocations: u64,
    /// The role.
    pub role: String,
    /// The digest of the roles record.
    pub roles: Sha256,
}

impl RoleSignature {
    /// Reads the predicate, and demands that it is for this role.
    ///
    /// # Errors
    ///
    /// Any rejection of the family `record`, or [`Rejection::RoleBinding`].
    pub fn demand(predicate: &json::Value, role: &str) -> Result<Self, Rejection> {
        let found: Self = json::from_value(predicate)?;
        match found.role == role {
            true => Ok(found),
            false => Err(Rejection::RoleBinding { expected: role.to_owned(), found: found.role }),
        }
    }
}
