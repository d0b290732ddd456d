//! Private keys: making, locking, unlocking and using them.
//!
//! A private key rests in encrypted PKCS#8 (RFC 5958, RFC 8018): scrypt, then AES-256 in CBC mode, which OpenSSL reads.
//! Randomness is an argument, since this crate has none.
//! Secrets are overwritten when they are dropped, and are never shown.

use std::fmt;

use ed25519_dalek::Signer as _;
use pkcs8::der::{Decode, Encode, pem::LineEnding};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Salt, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::Rejection;
use crate::envelope::{Envelope, Signature};
use crate::key::PublicKey;

/// The largest key file that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 10;

/// `id-Ed25519` (RFC 8410 §3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// PKCS#8 version 1 of an Ed25519 key, up to the 32 bytes of its seed.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// 16 MiB of memory, which is the most that OpenSSL grants, and five passes over it.
const SCRYPT_COST: u64 = 1 << 14;
const SCRYPT_BLOCK: u16 = 8;
const SCRYPT_PASSES: u16 = 5;

/// The most memory a key file may ask for, in bytes.
const MAX_MEMORY: u64 = 256 << 20;

/// The most work a key file may ask for: bytes of memory times passes over them.
const MAX_WORK: u64 = 1 << 30;

/// The most PBKDF2 iterations a key file may ask for.
const MAX_ITERATIONS: u32 = 10_000_000;

/// Random bytes for locking a key; never use them twice.
pub struct Entropy {
    /// Makes equal passphrases unequal.
    pub salt: [u8; 16],
    /// Makes equal keys unequal.
    pub iv: [u8; 16],
}

/// An Ed25519 private key.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the private key of {}", self.public())
    }
}

impl SigningKey {
    /// Makes a key of 32 random bytes.
    ///
    /// ```
    /// use weft_verify::sign::{Entropy, SigningKey};
    ///
    /// let key = SigningKey::from_seed(&[7; 32]);
    /// let pem = key.lock(b"correct horse", &Entropy { salt: [1; 16], iv: [2; 16] });
    /// assert_eq!(SigningKey::unlock(&pem, b"correct horse").unwrap().public(), key.public());
    /// assert!(SigningKey::unlock(&pem, b"wrong").is_err());
    /// ```
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Returns the public key.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().as_bytes())
            .expect("the public key of a seed is of large order and in canonical form")
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Adds a signature to an envelope.
    pub fn endorse(&self, envelope: &mut Envelope) {
        let bytes = self.sign(&envelope.pae()).to_vec();
        envelope.add(Signature { key_id: Some(self.public().id().to_string()), bytes });
    }

    /// Encrypts the key, as a PEM `ENCRYPTED PRIVATE KEY`.
    pub fn lock(&self, passphrase: &[u8], entropy: &Entropy) -> String {
        let scrypt = ScryptParams {
            salt: Salt::new(entropy.salt).expect("16 bytes are a salt"),
            cost_parameter: SCRYPT_COST,
            block_size: SCRYPT_BLOCK,
            parallelization: SCRYPT_PASSES,
            key_length: None,
        };
        let parameters = Parameters {
            kdf: Kdf::Scrypt(scrypt),
            encryption: Cipher::Aes256Cbc { iv: entropy.iv },
        };
        let plain = Zeroizing::new([&PKCS8_PREFIX[..], self.0.as_bytes()].concat());
        let encrypted = parameters.encrypt(passphrase, &plain).expect("these parameters are sound");
        let info = EncryptedPrivateKeyInfoRef {
            encryption_algorithm: EncryptionScheme::Pbes2(parameters),
            encrypted_data: pkcs8::der::asn1::OctetStringRef::new(&encrypted)
                .expect("64 bytes are an octet string"),
        };
        let document = SecretDocument::try_from(info.to_der().unwrap_or_default());
        let document = document.expect("it was encoded just now");
        let pem = document.to_pem(ENCRYPTED, LineEnding::LF).expect("DER is a PEM document");
        pem.as_str().to_owned()
    }

    /// Decrypts a PEM `ENCRYPTED PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// Those of [`LockedKey::from_pem`] and [`LockedKey::unlock`].
    pub fn unlock(pem: &str, passphrase: &[u8]) -> Result<Self, Rejection> {
        LockedKey::from_pem(pem)?.unlock(passphrase)
    }
}

/// An encrypted private key that asks for a bounded amount of work.
pub struct LockedKey(SecretDocument);

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an encrypted private key")
    }
}

impl LockedKey {
    /// Reads a PEM `ENCRYPTED PRIVATE KEY`, and does no work on it yet.
    ///
    /// # Errors
    ///
    /// [`Rejection::PrivateKeyMalformed`], [`Rejection::PrivateKeyPlain`] or [`Rejection::PrivateKeyCost`].
    pub fn from_pem(pem: &str) -> Result<Self, Rejection> {
        if pem.len() > MAX_BYTES {
            return Err(malformed("larger than 16 KiB"));
        }
        let (label, document) =
            SecretDocument::from_pem(pem).map_err(|_| malformed("not one PEM block"))?;
        match label {
            ENCRYPTED => {}
            "PRIVATE KEY" => return Err(Rejection::PrivateKeyPlain),
            _ => return Err(malformed("its PEM block is of another kind")),
        }
        let locked = Self(document);
        let algorithm = locked.info()?.encryption_algorithm;
        check_cost(algorithm.pbes2().ok_or(malformed("it is not encrypted by PBES2"))?)?;
        Ok(locked)
    }

    /// Decrypts the key.
    ///
    /// # Errors
    ///
    /// [`Rejection::PrivateKeyLocked`], [`Rejection::KeyScheme`] or [`Rejection::PrivateKeyMalformed`].
    pub fn unlock(&self, passphrase: &[u8]) -> Result<SigningKey, Rejection> {
        let plain = self.info()?.decrypt(passphrase).map_err(|_| Rejection::PrivateKeyLocked)?;
        let key = PrivateKeyInfoRef::try_from(plain.as_bytes())
            .map_err(|_| Rejection::PrivateKeyLocked)?;
        if key.algorithm.oid != ED25519 {
            return Err(Rejection::KeyScheme { found: key.algorithm.oid.to_string() });
        }
        let seed = key.private_key.as_bytes().strip_prefix(&[0x04, 0x20]);
        let seed = seed.and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
        seed.map(SigningKey::from_seed).ok_or(malformed("its key does not have 32 bytes"))
    }

    fn info(&self) -> Result<EncryptedPrivateKeyInfoRef<'_>, Rejection> {
        EncryptedPrivateKeyInfoRef::from_der(self.0.as_bytes())
            .map_err(|_| malformed("its PEM block is not EncryptedPrivateKeyInfo"))
    }
}

fn malformed(message: &str) -> Rejection {
    Rejection::PrivateKeyMalformed { message: message.to_owned() }
}

/// Refuses parameters that would take too much memory or time, before they do.
fn check_cost(parameters: &Parameters) -> Result<(), Rejection> {
    let costly = |message: String| Err(Rejection::PrivateKeyCost { message });
    match &parameters.kdf {
        Kdf::Scrypt(scrypt) => {
            let block = u64::from(scrypt.block_size).saturating_mul(128);
            let passes = u64::from(scrypt.parallelization);
            let memory = scrypt.cost_parameter.saturating_add(passes).saturating_mul(block);
            let work = memory.saturating_mul(passes);
            match memory > MAX_MEMORY || work > MAX_WORK {
                true => {
                    costly(format!("scrypt over {memory} bytes, {} times", scrypt.parallelization))
                }
                false => Ok(()),
            }
        }
        Kdf::Pbkdf2(pbkdf2) if pbkdf2.iteration_count > MAX_ITERATIONS => {
            costly(format!("{} iterations of PBKDF2", pbkdf2.iteration_count))
        }
        Kdf::Pbkdf2(_) => Ok(()),
        _ => {
            Err(Rejection::PrivateKeyMalformed { message: "an unknown key derivation".to_owned() })
        }
    }
}
