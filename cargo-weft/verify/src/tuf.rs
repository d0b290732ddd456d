//! A TUF root, by its own threshold of its own keys (TUF specification 1.0 §4.3), as far as Ed25519 goes.
//!
//! Signatures of other schemes do not count, with [`Rejection::KeyScheme`] as the reason.
//! Chains of roots and the other roles are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::envelope::Signature;
use crate::key::PublicKey;
use crate::layout::metablock::{Metablock, demand_kind};
use crate::layout::model::WireKey;
use crate::threshold::{Requirement, Tallies, Tally};
use crate::{AsOf, Rejection, Verified, json, time};

/// The `_type` of a root, and the role that signs it.
const ROOT: &str = "root";

/// A root that enough of its own keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its version.
    pub version: u64,
    /// The last second at which it is valid.
    pub expires: u64,
    /// Which signatures count.
    pub tallies: Tallies,
}

#[derive(Deserialize)]
struct Wire {
    version: u64,
    expires: String,
    keys: BTreeMap<String, WireKey>,
    roles: BTreeMap<String, WireRole>,
}

#[derive(Deserialize)]
struct WireRole {
    keyids: BTreeSet<String>,
    threshold: u32,
}

/// Verifies that enough distinct keys, which a root itself authorises, signed it.
///
/// # Errors
///
/// Any rejection of the families `json`, `record` and `metadata`; [`Rejection::RoleUnknown`],
/// [`Rejection::ThresholdZero`], [`Rejection::ThresholdUnreachable`] and [`Rejection::ThresholdNotMet`] for the role
/// `root`.
///
/// ```
/// use weft_verify::{AsOf, Rejection, tuf};
///
/// let text = br#"{"signed":{"_type":"targets"},"signatures":[{"keyid":"","sig":""}]}"#;
/// let expected = Rejection::MetadataType { expected: "root", found: "targets".into() };
/// assert_eq!(tuf::verify_root(text, AsOf::second(0)), Err(expected));
/// ```
pub fn verify_root(bytes: &[u8], as_of: AsOf) -> Result<Verified<Root>, Rejection> {
    let metablock = Metablock::from_legacy_slice(bytes)?;
    let value = metablock.value()?;
    demand_kind(&value, ROOT)?;
    let wire: Wire = json::from_value(&value)?;
    let expires = time::instant(&wire.expires).ok_or_else(|| Rejection::MemberInvalid {
        path: "expires".to_owned(),
        message: "expected an instant, as 2030-01-31T00:00:00Z".to_owned(),
    })?;
    let unknown = || Rejection::RoleUnknown { role: ROOT.to_owned() };
    let role = wire.roles.get(ROOT).ok_or_else(unknown)?;
    let requirement = Requirement::new(ROOT, role.threshold)?;
    let signatures = metablock.signatures();
    let tally = Tally::of(&requirement, role.keyids.len(), signatures, |signature| {
        let judged = judge(&wire, role, metablock.message(), signature);
        // TUF names keys by their ids alone.
        let name = signature.key_id.clone().filter(|_| judged.is_ok());
        (signature.key_id.as_deref(), name, judged)
    })?;
    let tallies = Tallies::demand(vec![tally])?;
    if as_of.latest() > expires {
        return Err(Rejection::MetadataExpired { expires: wire.expires });
    }
    Ok(Verified::new(Root { version: wire.version, expires, tallies }))
}

/// Returns the key that made a signature, if the role has its id.
fn judge(
    wire: &Wire,
    role: &WireRole,
    message: &[u8],
    signature: &Signature,
) -> Result<PublicKey, Rejection> {
    let id = signature.key_id.as_ref().filter(|id| role.keyids.contains(*id));
    let key = id.and_then(|id| wire.keys.get(id)).ok_or(Rejection::SignatureUnknownKey)?;
    let key = key.public()?;
    key.verify(message, &signature.bytes)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::Signer as _;

    use super::*;
    use crate::digest::to_hex;

    fn key(number: u8) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[number; 32])
    }

    /// A root in canonical form, with the keys 1 and 2 and the ids `a`, `b` and `c`, of which the last two are one key.
    fn root(ids: &str, threshold: u32, by: &[(&str, u8)]) -> Vec<u8> {
        let public = |number: u8| {
            let digits = to_hex(key(number).verifying_key().as_bytes());
            format!(
                r#"{{"keytype":"ed25519","keyval":{{"public":"{digits}"}},"scheme":"ed25519"}}"#
            )
        };
        let (one, two) = (public(1), public(2));
        let signed = format!(
            r#"{{"_type":"root","expires":"2030-01-31T00:00:00Z","keys":{{"a":{one},"b":{two},"c":{two}}},"roles":{{"root":{{"keyids":[{ids}],"threshold":{threshold}}}}},"version":1}}"#
        );
        let signature = |(id, number): &(&str, u8)| {
            let sig = to_hex(&key(*number).sign(signed.as_bytes()).to_bytes());
            format!(r#"{{"keyid":"{id}","sig":"{sig}"}}"#)
        };
        let signatures: Vec<String> = by.iter().map(signature).collect();
        format!(r#"{{"signatures":[{}],"signed":{signed}}}"#, signatures.join(",")).into_bytes()
    }

    fn check(ids: &str, threshold: u32, by: &[(&str, u8)], expected: Result<usize, &str>) {
        let found = verify_root(&root(ids, threshold, by), AsOf::second(0));
        let found = found.map(|root| root.tallies[0].counted.len());
        assert_eq!(found.map_err(|why| why.code().name()), expected, "{ids} {threshold} {by:?}");
    }

    #[test]
    fn distinct_keys_of_the_role_are_counted() {
        let unmet = Err("signature/threshold-not-met");
        check(r#""a","b""#, 2, &[("a", 1), ("b", 2)], Ok(2));
        check(r#""a","b""#, 1, &[("b", 2)], Ok(1));
        check(r#""a","b""#, 2, &[("a", 1), ("a", 1)], unmet);
        check(r#""b","c""#, 2, &[("b", 2), ("c", 2)], unmet);
        check(r#""a""#, 1, &[("b", 2)], unmet);
        check(r#""a""#, 1, &[("a", 2)], unmet);
        check(r#""d""#, 1, &[("a", 1)], unmet);
        check(r#""a""#, 0, &[("a", 1)], Err("role/threshold-zero"));
        check(r#""a""#, 2, &[("a", 1)], Err("role/threshold-unreachable"));
    }

    #[test]
    fn a_root_expires() {
        let bytes = root(r#""a""#, 1, &[("a", 1)]);
        let expires = time::instant("2030-01-31T00:00:00Z").unwrap();
        assert!(verify_root(&bytes, AsOf::second(expires)).is_ok());
        let expired = Rejection::MetadataExpired { expires: "2030-01-31T00:00:00Z".into() };
        assert_eq!(verify_root(&bytes, AsOf::second(expires + 1)), Err(expired));
    }
}
