//! Roles: who may sign for what, how many have to, and what is revoked (the model of TUF's root role).
//!
//! [`Record`] is the content of `.weft/roles.toml` as it is signed; [`Roles`] is a record that holds together.
//! [`update`] says when one record may follow another.

pub mod update;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::key::PublicKey;
use crate::note::Vkey;
use crate::threshold::{Authority, Requirement, Signer, Validity};
use crate::{Rejection, Sha256, canonical};

/// The version of the format.
pub const SCHEMA: u64 = 1;

/// The role whose keys decide over the record itself.
pub const MAINTAINER: &str = "maintainer";

/// The most keys, roles, witnesses and revocations, each.
pub const MAX_ENTRIES: usize = 256;

/// The content of a roles file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// How far behind the newest revocation number an action may be.
    #[serde(default)]
    pub freshness: Freshness,
    /// The keys.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// The digest of the record before this one; nothing in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Sha256>,
    /// What is revoked.
    #[serde(default)]
    pub revocations: Revocations,
    /// The roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// The version of the format: 1.
    pub schema: u64,
    /// The version of the record, from 1, one more with each change.
    pub version: u64,
    /// Who watches logs.
    #[serde(default)]
    pub witnesses: Vec<Witness>,
}

/// A key, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Key {
    /// What people call it.
    pub name: String,
    /// The last second of its validity; nothing, if it does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// The first second of its validity; nothing, if it was always valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// `ed25519:` and 64 hexadecimal digits.
    pub public: String,
    /// The roles it has.
    pub roles: BTreeSet<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Role {
    /// How many of its keys have to sign.
    pub threshold: u32,
}

/// A witness of transparency logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Witness {
    /// Its verifier key for cosignatures (C2SP tlog-cosignature): `name+hash+base64`.
    pub vkey: String,
}

/// What is revoked, and the number of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Revocations {
    /// The revoked keys; an entry is never taken back.
    #[serde(default)]
    pub keys: Vec<Revocation>,
    /// The number of the list, which never falls.
    pub number: u64,
}

/// A revoked key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Revocation {
    /// The first second at which it is revoked.
    pub at: u64,
    /// The key's id.
    pub key: Sha256,
    /// Why.
    pub reason: String,
}

/// How many revocation numbers an action may be behind, by tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Freshness {
    /// The tiers in which acting on a stale list is allowed, with a record of it.
    #[serde(rename = "override")]
    pub overridable: BTreeSet<crate::revocation::Tier>,
    /// For release actions.
    pub release: u64,
    /// For routine actions.
    pub routine: u64,
    /// For sensitive actions.
    pub sensitive: u64,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { overridable: BTreeSet::new(), release: 0, routine: 8, sensitive: 2 }
    }
}

/// A record that holds together: sound keys, declared roles, thresholds that can be met.
///
/// ```
/// use weft_verify::Rejection;
/// use weft_verify::role::Roles;
///
/// let text = br#"{"freshness":{"override":[],"release":0,"routine":8,"sensitive":2},"keys":[],
///     "revocations":{"keys":[],"number":0},"roles":{"maintainer":{"threshold":1}},"schema":1,"version":1,
///     "witnesses":[]}"#;
/// let unreachable = Rejection::ThresholdUnreachable { role: "maintainer".into(), threshold: 1, keys: 0 };
/// assert_eq!(Roles::from_slice(text), Err(unreachable));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    record: Record,
    authority: Authority,
    digest: Sha256,
    witnesses: Vec<Vkey>,
}

impl Roles {
    /// Reads a record in JSON.
    ///
    /// # Errors
    ///
    /// Any rejection of the families `json` and `record`, and those of [`Roles::new`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        Self::new(crate::json::from_slice(bytes, crate::json::Limits::RECORD)?)
    }

    /// Checks that a record holds together.
    ///
    /// # Errors
    ///
    /// Any rejection of the families `key`, `role` and `roles` that is about a single record, and
    /// [`Rejection::SchemaUnknown`], [`Rejection::MemberInvalid`] or [`Rejection::VkeyMalformed`].
    pub fn new(record: Record) -> Result<Self, Rejection> {
        if record.schema != SCHEMA {
            return Err(Rejection::SchemaUnknown { found: record.schema, known: SCHEMA });
        }
        check_bounds(&record)?;
        let authority = authority(&record)?;
        for (role, Role { threshold }) in &record.roles {
            Requirement::new(role, *threshold)?;
            let keys = match role.as_str() {
                WITNESS => record.witnesses.len(),
                _ => authority.keys(role),
            };
            if u32::try_from(keys).is_ok_and(|keys| keys < *threshold) {
                let (role, threshold) = (role.clone(), *threshold);
                return Err(Rejection::ThresholdUnreachable { role, threshold, keys });
            }
        }
        if !record.roles.contains_key(MAINTAINER) {
            return Err(Rejection::RoleUnknown { role: MAINTAINER.to_owned() });
        }
        let witnesses = witnesses(&record, &authority)?;
        let bytes = canonical::to_vec(&record).map_err(|e| invalid("version", &e.to_string()))?;
        Ok(Self { record, authority, digest: Sha256::of(&bytes), witnesses })
    }

    /// Returns the record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the SHA-256 digest of the record's canonical form.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Returns who may sign, revocations applied.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the witnesses' verifier keys.
    pub fn witnesses(&self) -> &[Vkey] {
        &self.witnesses
    }

    /// Returns how many keys of a role have to sign.
    ///
    /// # Errors
    ///
    /// [`Rejection::RoleUnknown`].
    pub fn requirement(&self, role: &str) -> Result<Requirement, Rejection> {
        match self.record.roles.get(role) {
            Some(Role { threshold }) => Requirement::new(role, *threshold),
            None => Err(Rejection::RoleUnknown { role: role.to_owned() }),
        }
    }
}

/// The role of witnesses; its threshold counts witnesses, not keys.
pub const WITNESS: &str = "witness";

fn invalid(path: &str, message: &str) -> Rejection {
    Rejection::MemberInvalid { path: path.to_owned(), message: message.to_owned() }
}

/// Says whether a text can name a role or a key: lower-case letters, digits, `-`, `_`, `.` and `@`, at most 64.
pub fn is_name(text: &str) -> bool {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'@');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed)
}

const NAME: &str = "expected 1 to 64 of a-z, 0-9, `-`, `_`, `.` and `@`";

fn check_bounds(record: &Record) -> Result<(), Rejection> {
    let revoked = &record.revocations.keys;
    for (path, found) in [
        ("keys", record.keys.len()),
        ("roles", record.roles.len()),
        ("witnesses", record.witnesses.len()),
        ("revocations.keys", revoked.len()),
    ] {
        if found > MAX_ENTRIES {
            return Err(invalid(
                path,
                &format!("{found} entries, and at most {MAX_ENTRIES} are read"),
            ));
        }
    }
    if record.version == 0 {
        return Err(invalid("version", "versions are counted from 1"));
    }
    if record.previous.is_some() != (record.version > 1) {
        return Err(invalid("previous", "it is named by every version but the first"));
    }
    if let Some(role) = record.roles.keys().find(|role| !is_name(role)) {
        return Err(invalid(&format!("roles.{}", short(role)), NAME));
    }
    let mut seen = BTreeSet::new();
    for (index, revocation) in revoked.iter().enumerate() {
        if !seen.insert(revocation.key) {
            return Err(invalid(&format!("revocations.keys[{index}].key"), "it stands twice"));
        }
        if revocation.reason.trim().is_empty() || revocation.reason.len() > 1000 {
            let path = format!("revocations.keys[{index}].reason");
            return Err(invalid(&path, "expected a reason of 1 to 1000 bytes"));
        }
    }
    match u64::try_from(revoked.len()).is_ok_and(|n| n > record.revocations.number) {
        true => Err(invalid("revocations.number", "it is at least the number of revoked keys")),
        false => Ok(()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Makes signers of keys, and revokes what is revoked.
fn authority(record: &Record) -> Result<Authority, Rejection> {
    let mut signers: Vec<Signer> = Vec::new();
    for (index, key) in record.keys.iter().enumerate() {
        let path = format!("keys[{index}]");
        if !is_name(&key.name) {
            return Err(invalid(&format!("{path}.name"), NAME));
        }
        if signers.iter().any(|signer| signer.name == key.name) {
            let (path, name) = (format!("{path}.name"), key.name.clone());
            return Err(Rejection::NameRepeated { path, name });
        }
        let public: PublicKey = key.public.parse()?;
        if let Some(first) = signers.iter().find(|signer| signer.key == public) {
            return Err(Rejection::KeyRepeated { path, first: first.name.clone() });
        }
        if let Some(role) = key.roles.iter().find(|role| !record.roles.contains_key(*role)) {
            return Err(Rejection::RoleUnknown { role: short(role) });
        }
        if key.roles.contains(WITNESS) {
            return Err(invalid(
                &format!("{path}.roles"),
                "witnesses are listed under `witnesses`",
            ));
        }
        if matches!((key.not_before, key.not_after), (Some(first), Some(last)) if first > last) {
            return Err(Rejection::ValidityEmpty { path });
        }
        let id = public.id();
        let revoked = record.revocations.keys.iter().find(|revocation| revocation.key == id);
        signers.push(Signer {
            id: id.to_string(),
            name: key.name.clone(),
            key: public,
            roles: key.roles.clone(),
            validity: Validity {
                not_before: key.not_before,
                not_after: key.not_after,
                revoked_at: revoked.map(|revocation| revocation.at),
            },
        });
    }
    Ok(Authority::new(signers))
}

fn witnesses(record: &Record, authority: &Authority) -> Result<Vec<Vkey>, Rejection> {
    let mut witnesses: Vec<Vkey> = Vec::new();
    for (index, witness) in record.witnesses.iter().enumerate() {
        let path = format!("witnesses[{index}]");
        let vkey: Vkey = witness.vkey.parse()?;
        if !vkey.is_cosigner() {
            let message = "expected a cosignature key (type 0x04)";
            return Err(invalid(&format!("{path}.vkey"), message));
        }
        if witnesses.iter().any(|other| other.name() == vkey.name()) {
            return Err(Rejection::NameRepeated { path, name: vkey.name().to_owned() });
        }
        let signer = authority.signers().iter().find(|signer| signer.key == *vkey.key());
        let other = witnesses.iter().find(|other| other.key() == vkey.key());
        let other = signer.map(|s| s.name.clone()).or(other.map(|o| o.name().to_owned()));
        if let Some(other) = other {
            return Err(Rejection::WitnessKeyReused { path, other });
        }
        witnesses.push(vkey);
    }
    Ok(witnesses)
}
