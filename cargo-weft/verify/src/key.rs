//! Ed25519 public keys (RFC 8032), and the one way in which this crate verifies a signature.
//!
//! Verification is strict: what depends on the implementation (small-order points, malleable scalars) is refused.
//! The scheme belongs to the key; nothing that is signed can choose another.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::digest::{Sha256, from_hex, to_hex};
use crate::{Rejection, base64};

/// `SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING }`, up to the 32 bytes of the key (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// The prefix of a key's text form.
const SCHEME: &str = "ed25519:";

/// An Ed25519 public key that is neither weak nor written in two ways.
///
/// ```
/// use weft_verify::key::PublicKey;
///
/// let key: PublicKey =
///     "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse().unwrap();
/// assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032 §5.1.2.
    ///
    /// # Errors
    ///
    /// [`Rejection::KeyMalformed`], if they are no point or not the canonical encoding of one;
    /// [`Rejection::KeyWeak`], if the point is of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Rejection> {
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| Rejection::KeyMalformed { message: "not a point of the curve" })?;
        if key.is_weak() {
            return Err(Rejection::KeyWeak);
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(Rejection::KeyMalformed {
                message: "not the canonical encoding of its point",
            });
        }
        Ok(Self(key))
    }

    /// Reads a PEM `PUBLIC KEY`, as `openssl pkey -pubout` writes it (RFC 7468 §13, RFC 8410).
    ///
    /// # Errors
    ///
    /// [`Rejection::KeyScheme`] for a key of another scheme, and those of [`PublicKey::from_bytes`].
    pub fn from_pem(text: &str) -> Result<Self, Rejection> {
        let malformed = |message| Rejection::KeyMalformed { message };
        let inner = text.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        let inner = inner.ok_or(malformed("expected one PEM block of a public key"))?;
        let lines: String = inner.lines().map(str::trim_end).collect();
        let der = base64::standard(&lines).ok_or(malformed("its PEM block is not base64"))?;
        match der.strip_prefix(&SPKI_PREFIX) {
            Some(bytes) => {
                let bytes = bytes.try_into().map_err(|_| malformed("not 32 bytes"))?;
                Self::from_bytes(bytes)
            }
            None => Err(Rejection::KeyScheme { found: "another PEM public key".to_owned() }),
        }
    }

    /// Writes a PEM `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", base64::encode(&self.to_spki()))
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the key id: the SHA-256 digest of the DER SubjectPublicKeyInfo.
    ///
    /// `openssl pkey -pubin -in KEY.pub -outform DER | sha256sum` prints the same.
    pub fn id(&self) -> Sha256 {
        Sha256::of(&self.to_spki())
    }

    /// Verifies a signature over `message`, strictly.
    ///
    /// # Errors
    ///
    /// [`Rejection::SignatureLength`] or [`Rejection::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Rejection> {
        let signature = Signature::from_slice(signature)
            .map_err(|_| Rejection::SignatureLength { found: signature.len() })?;
        self.0.verify_strict(message, &signature).map_err(|_| Rejection::SignatureInvalid)
    }

    fn to_spki(self) -> Vec<u8> {
        [&SPKI_PREFIX[..], self.as_bytes()].concat()
    }
}

impl std::str::FromStr for PublicKey {
    type Err = Rejection;

    /// Reads `ed25519:` and 64 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Rejection> {
        let Some(digits) = text.strip_prefix(SCHEME) else {
            let scheme = text.split_once(':').map_or("without a name", |(scheme, _)| scheme);
            return Err(Rejection::KeyScheme { found: scheme.chars().take(40).collect() });
        };
        let bytes = from_hex(digits).and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or(Rejection::KeyMalformed {
            message: "expected `ed25519:` and 64 lower-case hexadecimal digits",
        })?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", to_hex(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn only_a_sound_ed25519_key_is_read() {
        let check = |text: &str, expected: Result<(), Rejection>| {
            assert_eq!(text.parse::<PublicKey>().map(drop), expected, "{text}");
        };
        let malformed = |message| Err(Rejection::KeyMalformed { message });
        let digits = "expected `ed25519:` and 64 lower-case hexadecimal digits";
        check(KEY, Ok(()));
        check(&KEY.to_uppercase(), Err(Rejection::KeyScheme { found: "ED25519".into() }));
        check(&KEY.replace('a', "A"), malformed(digits));
        check(&KEY[..70], malformed(digits));
        check("ecdsa:00", Err(Rejection::KeyScheme { found: "ecdsa".into() }));
        check("d75a", Err(Rejection::KeyScheme { found: "without a name".into() }));
        check(&format!("ed25519:{}", "00".repeat(32)), Err(Rejection::KeyWeak));
        check(&format!("ed25519:01{}", "00".repeat(31)), Err(Rejection::KeyWeak));
        check(&format!("ed25519:02{}", "00".repeat(31)), malformed("not a point of the curve"));
        // y = p + 3, another spelling of the point with y = 3.
        let twice = format!("ed25519:f0{}7f", "ff".repeat(30));
        check(&twice, malformed("not the canonical encoding of its point"));
    }

    #[test]
    fn the_pem_form_is_read_whole() {
        let key: PublicKey = KEY.parse().unwrap();
        let pem = key.to_pem();
        assert_eq!(PublicKey::from_pem(&pem), Ok(key));
        assert_eq!(PublicKey::from_pem(&pem.replace('\n', "\r\n")), Ok(key));
        let malformed = |message| Err(Rejection::KeyMalformed { message });
        let block = "expected one PEM block of a public key";
        assert_eq!(PublicKey::from_pem(&pem[..60]), malformed(block));
        assert_eq!(PublicKey::from_pem(&format!("{pem}x")), malformed(block));
        assert_eq!(PublicKey::from_pem(&pem.repeat(2)), malformed("its PEM block is not base64"));
        let longer =
            format!("{PEM_BEGIN}\n{}\n{PEM_END}", base64::encode(&[SPKI_PREFIX; 4].concat()));
        assert_eq!(PublicKey::from_pem(&longer), malformed("not 32 bytes"));
        let other = format!("{PEM_BEGIN}\n{}\n{PEM_END}", base64::encode(b"0Y0\x13"));
        let scheme = Rejection::KeyScheme { found: "another PEM public key".into() };
        assert_eq!(PublicKey::from_pem(&other), Err(scheme));
    }
}
