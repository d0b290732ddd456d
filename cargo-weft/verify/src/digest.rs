//! SHA-2 digests (FIPS 180-4), written in lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// Says why a text is not a SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text does not have 64 characters.
    #[error("a SHA-256 digest has 64 hexadecimal digits, found {found}")]
    Length {
        /// The number of bytes found.
        found: usize,
    },
    /// The text holds something other than `0-9a-f`.
    #[error("a SHA-256 digest is written in lower-case hexadecimal digits")]
    Alphabet,
}

impl Sha256 {
    /// Returns the digest of `bytes`.
    ///
    /// ```
    /// let digest = weft_verify::Sha256::of(b"abc");
    /// assert!(digest.to_string().starts_with("ba7816bf"));
    /// ```
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the 32 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Sha256 {
    /// Takes a digest that was made piece by piece, of what is too large to hold.
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if text.len() != 64 {
            return Err(DigestError::Length { found: text.len() });
        }
        let bytes = from_hex(text).ok_or(DigestError::Alphabet)?;
        Ok(Self(bytes.try_into().map_err(|_| DigestError::Alphabet)?))
    }
}

/// Reads pairs of hexadecimal digits.
///
/// Upper case is refused, so that equal bytes are equal texts.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
    bytes.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash function that is strong enough to say which artifact is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Algorithm {
    /// Every strong algorithm.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Returns the name that in-toto digest sets use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the length of a digest in hexadecimal digits.
    fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    fn of(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => to_hex(&sha2::Sha256::digest(bytes)),
            Self::Sha384 => to_hex(&sha2::Sha384::digest(bytes)),
            Self::Sha512 => to_hex(&sha2::Sha512::digest(bytes)),
        }
    }

    /// Says whether the text is a whole digest in lower-case digits.
    pub(crate) fn is_digest(self, text: &str) -> bool {
        text.len() == self.digits() && from_hex(text).is_some()
    }
}

/// What is known of an artifact: its digests by one or more strong algorithms.
///
/// ```
/// use weft_verify::digest::Artifact;
///
/// let whole = Artifact::of(b"abc");
/// let named = Artifact::named("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
/// assert_eq!(whole.digests().next(), named.digests().next());
/// assert!(Artifact::named("sha1:a9993e364706816aba3e25717850c26c9cd0d89d").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    digests: Vec<(Algorithm, String)>,
}

impl Artifact {
    /// Returns the digests of these bytes, by every strong algorithm.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digests: Algorithm::ALL.map(|a| (a, a.of(bytes))).into() }
    }

    /// Returns an artifact of which one digest is known, written `algorithm:digits`.
    ///
    /// # Errors
    ///
    /// [`Rejection::MemberInvalid`](crate::Rejection::MemberInvalid), if the algorithm is unknown or weak, or the digest
    /// is not whole.
    pub fn named(text: &str) -> Result<Self, crate::Rejection> {
        let invalid = |message: &str| crate::Rejection::MemberInvalid {
            path: "digest".to_owned(),
            message: message.to_owned(),
        };
        let (name, digits) =
            text.split_once(':').ok_or_else(|| invalid("expected `sha256:` and 64 digits"))?;
        let algorithm = Algorithm::ALL.into_iter().find(|a| a.name() == name);
        let algorithm = algorithm.ok_or_else(|| invalid("expected sha256, sha384 or sha512"))?;
        match algorithm.is_digest(digits) {
            true => Ok(Self { digests: vec![(algorithm, digits.to_owned())] }),
            false => Err(invalid("not a whole digest in lower-case hexadecimal digits")),
        }
    }

    /// Iterates over the digests, in the order of [`Algorithm::ALL`].
    pub fn digests(&self) -> impl Iterator<Item = (Algorithm, &str)> {
        self.digests.iter().map(|(algorithm, digits)| (*algorithm, digits.as_str()))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_empty_digest_is_the_published_one() {
        assert_eq!(Sha256::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Sha256::of(b"")));
    }

    #[test]
    fn a_digest_has_one_spelling() {
        assert_eq!(EMPTY.to_uppercase().parse::<Sha256>(), Err(DigestError::Alphabet));
        assert_eq!(EMPTY[1..].parse::<Sha256>(), Err(DigestError::Length { found: 63 }));
        assert_eq!("é".repeat(32).parse::<Sha256>(), Err(DigestError::Alphabet));
    }
}
