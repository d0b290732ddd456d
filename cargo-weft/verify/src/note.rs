//! Signed notes and verifier keys (C2SP signed-note v1.0.0), read strictly.
//!
//! A known key whose signature fails spoils the note; keys that are not known are passed over.
//! Of the signature types, Ed25519 (0x01) and timestamped Ed25519 cosignatures (0x04, C2SP tlog-cosignature v1.0.1) are
//! known; others are unknown keys.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

use crate::key::PublicKey;
use crate::{Rejection, Verified, base64};

/// The largest note that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The most signature lines that are read.
pub const MAX_SIGNATURES: usize = 256;

const ED25519: u8 = 0x01;
const COSIGNATURE: u8 = 0x04;

/// How a signature line begins: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A verifier key: `name+hash+base64`.
///
/// ```
/// let vkey: weft_verify::note::Vkey =
///     "witness.example/w1+c2056557+BHTFWckF/WizyzQOOf9EEWWwO5js9mW7VwL6E4bugpAY".parse().unwrap();
/// assert!(vkey.is_cosigner());
/// assert_eq!(vkey.name(), "witness.example/w1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vkey {
    name: String,
    algorithm: u8,
    key: PublicKey,
}

impl Vkey {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the public key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Says whether it is a key for cosignatures.
    pub fn is_cosigner(&self) -> bool {
        self.algorithm == COSIGNATURE
    }

    /// The key id: the first four bytes of SHA-256 over name, newline, algorithm and key.
    fn id(&self) -> [u8; 4] {
        let encoded =
            [self.name.as_bytes(), b"\n", &[self.algorithm], self.key.as_bytes()].concat();
        let digest: [u8; 32] = sha2::Sha256::digest(encoded).into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Verifies the bytes of a signature over a note's text, and returns the time of a cosignature.
    fn verify(&self, text: &str, bytes: &[u8]) -> Option<u64> {
        match self.algorithm {
            COSIGNATURE => {
                let (time, signature) = bytes.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                let message = format!("cosignature/v1\ntime {time}\n{text}");
                self.key.verify(message.as_bytes(), signature).ok().map(|()| time)
            }
            _ => self.key.verify(text.as_bytes(), bytes).ok().map(|()| 0),
        }
    }
}

impl FromStr for Vkey {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let malformed = |message| Rejection::VkeyMalformed { message };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("expected `name+hash+base64`"));
        };
        if !is_key_name(name) {
            return Err(malformed("its name is empty, or has white space or control characters"));
        }
        let bytes = base64::standard(key).ok_or(malformed("its key is not base64"))?;
        let (algorithm, key) = match bytes.split_first() {
            Some((algorithm @ (&ED25519 | &COSIGNATURE), key)) => (*algorithm, key),
            _ => return Err(malformed("its type is neither Ed25519 nor a cosignature")),
        };
        let key = key.try_into().map_err(|_| malformed("its key does not have 32 bytes"))?;
        let vkey = Self { name: name.to_owned(), algorithm, key: PublicKey::from_bytes(key)? };
        match crate::digest::to_hex(&vkey.id()) == hash {
            true => Ok(vkey),
            false => Err(malformed("its hash is not that of name and key")),
        }
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = base64::encode(&[&[self.algorithm][..], self.key.as_bytes()].concat());
        write!(f, "{}+{}+{key}", self.name, crate::digest::to_hex(&self.id()))
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// A note, read and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// A note that known keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text, with its last newline.
    pub text: String,
    /// Who signed, in the order of the lines; nobody stands twice.
    pub by: Vec<SignedBy>,
}

/// A known key that signed a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The number of the key among those that were given, from 0.
    pub vkey: usize,
    /// The time of a cosignature, in seconds since 1970; 0 for other signatures.
    pub time: u64,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoteMalformed`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let at = |line: usize, message| Rejection::NoteMalformed { line, message };
        if bytes.len() > MAX_BYTES {
            return Err(at(1, "larger than 1 MiB"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| at(1, "not UTF-8"))?;
        if let Some(offset) = whole.find(|c: char| c.is_control() && c != '\n') {
            return Err(at(line_of(whole, offset), "a control character"));
        }
        // The text may hold blank lines itself: the last one ends it.
        let end = whole.rfind("\n\n").ok_or(at(1, "no blank line before the signatures"))?;
        let (text, lines) = (&whole[..=end], &whole[end + 2..]);
        let first = line_of(whole, end + 2);
        let lines = lines.strip_suffix('\n').ok_or(at(first, "no newline at the end"))?;
        let mut signatures = Vec::new();
        for (index, line) in lines.split('\n').enumerate() {
            let line = read_line(line).map_err(|message| at(first + index, message))?;
            signatures.push(line);
            if signatures.len() > MAX_SIGNATURES {
                return Err(at(first + index, "more than 256 signatures"));
            }
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Verifies the signatures of known keys.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoteSignature`], if that of a known key fails; [`Rejection::NoteUnsigned`], if there is none by the
    /// first key.
    ///
    /// ```
    /// use weft_verify::Rejection;
    /// use weft_verify::note::{Note, Vkey};
    ///
    /// let note = Note::from_slice("hello\n\n\u{2014} somebody/else AAAAAAAA\n".as_bytes()).unwrap();
    /// let vkey: Vkey =
    ///     "example.com/weft-log+9ba2d68c+AVUMwO234JkPaDTQDdBWR9RNFlzq4qPhbbxehhenIGKy".parse().unwrap();
    /// assert_eq!(
    ///     note.verify(&[vkey]),
    ///     Err(Rejection::NoteUnsigned { name: "example.com/weft-log".into() })
    /// );
    /// ```
    pub fn verify(&self, vkeys: &[Vkey]) -> Result<Verified<Signed>, Rejection> {
        let by = self.signers(vkeys)?;
        match vkeys.first() {
            Some(first) if !by.iter().any(|signed| signed.vkey == 0) => {
                Err(Rejection::NoteUnsigned { name: first.name.clone() })
            }
            None => Err(Rejection::NoteUnsigned { name: String::new() }),
            Some(_) => Ok(Verified::new(Signed { text: self.text.clone(), by })),
        }
    }

    /// Returns which of these keys signed, each public key once; none of them has to.
    pub(crate) fn signers(&self, vkeys: &[Vkey]) -> Result<Vec<SignedBy>, Rejection> {
        let mut by: Vec<SignedBy> = Vec::new();
        for line in &self.signatures {
            for (index, vkey) in vkeys.iter().enumerate() {
                if vkey.name != line.name || vkey.id() != line.id {
                    continue;
                }
                let time = vkey.verify(&self.text, &line.bytes);
                let time = time.ok_or(Rejection::NoteSignature { name: line.name.clone() })?;
                if !by.iter().any(|signed| vkeys[signed.vkey].key == vkey.key) {
                    by.push(SignedBy { vkey: index, time });
                }
            }
        }
        Ok(by)
    }

    /// Returns the text, of which nothing is proven.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn read_line(line: &str) -> Result<Line, &'static str> {
    let rest = line.strip_prefix(DASH).ok_or("a signature begins with an em dash and a space")?;
    let (name, encoded) = rest.split_once(' ').ok_or("expected a name and a signature")?;
    if !is_key_name(name) {
        return Err("not a key name");
    }
    let bytes = base64::standard(encoded).ok_or("its signature is not base64")?;
    match bytes.split_first_chunk::<4>() {
        Some((id, bytes)) if !bytes.is_empty() => {
            Ok(Line { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
        }
        _ => Err("its signature is too short"),
    }
}
