//! Canonical JSON: RFC 8785 (JCS), restricted to what weft's records hold.
//!
//! A record has no floats and no integers beyond ±(2^53−1), because those are what JSON implementations disagree about
//! (RFC 7493 §2.2).
//! A writer of our own puts members in order as it goes, which is several times as fast as by way of a tree; the digits
//! of doubles, which only foreign texts hold, come from `serde_json_canonicalizer`, which is the tests' oracle for the rest.
//! [`from_slice`] accepts a text only if it is byte for byte the canonical form of what was read from it.
//! That one rule rejects duplicate and unknown members, other orders, white space, trailing bytes and other spellings
//! of numbers and strings.

mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Rejection;
use crate::json::{self, Limits, Value};

/// Says why a value of the program has no canonical form.
///
/// This is not a [`Rejection`]: nobody else's bytes are at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The value cannot be written as JSON at all (a map with keys that are not strings, say).
    #[error("cannot be written as JSON: {0}")]
    NotJson(String),
    /// The value holds a number that is not an integer.
    #[error("the number {0} is not an integer")]
    Float(String),
    /// The value holds an integer beyond ±(2^53−1).
    #[error("the integer {0} is beyond ±(2^53−1)")]
    IntegerRange(String),
}

/// Returns the canonical form of a record.
///
/// # Errors
///
/// [`Unwritable`], if it holds what no record may.
///
/// ```
/// let bytes = weft_verify::canonical::to_vec(&serde_json::json!({"b": 1, "a": "é"})).unwrap();
/// assert_eq!(bytes, r#"{"a":"é","b":1}"#.as_bytes());
/// ```
pub fn to_vec<T: Serialize + ?Sized>(record: &T) -> Result<Vec<u8>, Unwritable> {
    write::write(record, write::Doubles::Refused)
}

/// Returns the canonical form of any JSON value, doubles included (RFC 8785).
///
/// # Errors
///
/// [`Unwritable::NotJson`] for a [`Value::Double`] that is infinite or not a number, which no text holds.
///
/// ```
/// use weft_verify::{canonical, json};
///
/// let value = json::read(br#"{"b": 1E2, "a": 0.10}"#, json::Limits::FOREIGN).unwrap();
/// assert_eq!(canonical::of_value(&value).unwrap(), br#"{"a":0.1,"b":100}"#);
/// ```
pub fn of_value(value: &Value) -> Result<Vec<u8>, Unwritable> {
    write::write(value, write::Doubles::Written)
}

/// Reads a record from its canonical form, and from nothing else.
///
/// # Errors
///
/// Those of [`json::from_slice`] with [`Limits::RECORD`], and [`Rejection::NotCanonical`] if the text is of the right
/// shape but is not the canonical form of what was read.
///
/// ```
/// use weft_verify::{Rejection, canonical};
///
/// assert_eq!(canonical::from_slice::<Vec<u8>>(b"[1,2]"), Ok(vec![1, 2]));
/// assert_eq!(canonical::from_slice::<Vec<u8>>(b"[1, 2]"), Err(Rejection::NotCanonical { offset: 3 }));
/// ```
pub fn from_slice<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Rejection> {
    from_slice_within(bytes, Limits::RECORD)
}

/// Reads a record as [`from_slice`] does, with other bounds.
///
/// # Errors
///
/// Those of [`from_slice`].
pub fn from_slice_within<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    limits: Limits,
) -> Result<T, Rejection> {
    let record: T = json::from_slice(bytes, limits)?;
    // What has no canonical form was not read from one.
    let canonical = to_vec(&record).unwrap_or_default();
    if canonical == bytes {
        return Ok(record);
    }
    let common = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(Rejection::NotCanonical { offset: common })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value as Written, json};

    use super::*;
    use crate::json::MAX_SAFE_INTEGER;

    fn written(value: &Written, expected: Result<&str, Unwritable>) {
        let text = to_vec(value).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(text, expected.map(str::to_owned));
    }

    #[test]
    fn members_are_ordered_by_utf16_code_units() {
        // RFC 8785 §3.2.3: U+1F600 is D83D DE00 in UTF-16 and so sorts before U+FB33.
        written(&json!({"\u{fb33}": 1, "\u{1f600}": 2}), Ok("{\"\u{1f600}\":2,\"\u{fb33}\":1}"));
    }

    #[test]
    fn numbers_json_readers_disagree_about_are_rejected() {
        written(&json!(MAX_SAFE_INTEGER), Ok("9007199254740991"));
        written(&json!(-9_007_199_254_740_991_i64), Ok("-9007199254740991"));
        written(
            &json!([MAX_SAFE_INTEGER + 1]),
            Err(Unwritable::IntegerRange("9007199254740992".into())),
        );
        written(&json!(i64::MIN), Err(Unwritable::IntegerRange("-9223372036854775808".into())));
        written(&json!({"x": 0.5}), Err(Unwritable::Float("0.5".into())));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        type Map = BTreeMap<String, u8>;
        let read = |text: &str| from_slice::<Map>(text.as_bytes());
        assert!(read(r#"{"a":1,"b":2}"#).is_ok());
        for (text, offset) in [(r#"{"b":2,"a":1}"#, 2), (r#"{"a":1} "#, 7), (r#"{"\u0061":1}"#, 2)]
        {
            assert_eq!(read(text), Err(Rejection::NotCanonical { offset }), "{text}");
        }
        assert_eq!(read(r#"{"a":1}x"#), Err(Rejection::JsonTrailing { offset: 7 }));
        let twice = Rejection::JsonDuplicateMember { offset: 7, name: "a".into() };
        assert_eq!(read(r#"{"a":1,"a":1}"#), Err(twice));
        let deep = Rejection::JsonTooDeep { offset: 64, limit: 64 };
        assert_eq!(read(&"[".repeat(10_000)), Err(deep));
    }
}
