//! Who signs notes in these tests: logs and witnesses with keys of their own.

use base64ct::{Base64, Encoding};
use weft_verify::Sha256;
use weft_verify::sign::SigningKey;

/// 2026-11-24, the day of these tests.
pub(crate) const DAY: u64 = 1_795_478_400;

/// A log or a witness.
pub(crate) struct Notary {
    name: String,
    algorithm: u8,
    key: SigningKey,
}

impl Notary {
    pub(crate) fn log(name: &str, seed: u8) -> Self {
        Self { name: name.to_owned(), algorithm: 1, key: SigningKey::from_seed(&[seed; 32]) }
    }

    pub(crate) fn witness(name: &str, seed: u8) -> Self {
        Self { algorithm: 4, ..Self::log(name, seed) }
    }

    /// The verifier key.
    pub(crate) fn vkey(&self) -> String {
        let key = [&[self.algorithm][..], self.key.public().as_bytes()].concat();
        let hash = Sha256::of(&[self.name.as_bytes(), b"\n", &key].concat()).to_string();
        format!("{}+{}+{}", self.name, &hash[..8], Base64::encode_string(&key))
    }

    /// A signature line over a text; a witness's says when.
    pub(crate) fn line(&self, text: &str, time: u64) -> String {
        let vkey = self.vkey();
        let hash = u32::from_str_radix(vkey.split('+').nth(1).unwrap(), 16).unwrap();
        let signature = match self.algorithm {
            4 => {
                let message = format!("cosignature/v1\ntime {time}\n{text}");
                [&time.to_be_bytes()[..], &self.key.sign(message.as_bytes())].concat()
            }
            _ => self.key.sign(text.as_bytes()).to_vec(),
        };
        let bytes = [&hash.to_be_bytes()[..], &signature].concat();
        format!("\u{2014} {} {}\n", self.name, Base64::encode_string(&bytes))
    }
}
