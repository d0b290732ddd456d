//! Canonical JSON: RFC 8785 (JCS), restricted to what weft's records hold.
//!
//! A record has no floats and no integers beyond ±(2^53−1), because those are what JSON implementations disagree about
//! (RFC 7493 §2.2).
//! Number and string forms come from `serde_json_canonicalizer`; this module adds the restriction and strict reading:
//! [`from_slice`] accepts a text only if it is byte for byte the canonical form of what was read from it.
//! That one rule rejects duplicate and unknown members, other orders, white space, trailing bytes and other spellings
//! of numbers and strings.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest magnitude of an integer that every JSON implementation reads exactly.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Says why a value has no canonical form, or a text is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The value cannot be written as JSON at all (a map with keys that are not strings, say).
    #[error("cannot be written as JSON: {0}")]
    NotJson(String),
    /// The value holds a number that is not an integer.
    #[error("the number {found} is not an integer")]
    Float {
        /// The number as JSON writes it.
        found: String,
    },
    /// The value holds an integer beyond ±(2^53−1).
    #[error("the integer {found} is beyond ±(2^53−1)")]
    IntegerRange {
        /// The number as JSON writes it.
        found: String,
    },
    /// The text is not JSON, or not of the expected shape.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// 1-based line of the fault.
        line: usize,
        /// Column of the fault, as `serde_json` counts.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The text is JSON of the expected shape, but is not in canonical form.
    #[error("not in canonical form from byte {offset} on")]
    NotCanonical {
        /// The first byte that differs from the canonical form.
        offset: usize,
    },
}

/// Returns the canonical form of `value`.
///
/// # Errors
///
/// [`Rejection::NotJson`], [`Rejection::Float`] or [`Rejection::IntegerRange`].
///
/// ```
/// let bytes = weft_verify::canonical::to_vec(&serde_json::json!({"b": 1, "a": "é"})).unwrap();
/// assert_eq!(bytes, r#"{"a":"é","b":1}"#.as_bytes());
/// ```
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Rejection> {
    let value = serde_json::to_value(value).map_err(|e| Rejection::NotJson(e.to_string()))?;
    check_numbers(&value)?;
    serde_json_canonicalizer::to_vec(&value).map_err(|e| Rejection::NotJson(e.to_string()))
}

/// Reads a value from its canonical form, and from nothing else.
///
/// # Errors
///
/// [`Rejection::Syntax`] if the text cannot be read as a `T`, [`Rejection::NotCanonical`] if it can but is not the
/// canonical form of what was read.
///
/// ```
/// use weft_verify::{Rejection, canonical};
///
/// assert_eq!(canonical::from_slice::<Vec<u8>>(b"[1,2]"), Ok(vec![1, 2]));
/// assert_eq!(canonical::from_slice::<Vec<u8>>(b"[1, 2]"), Err(Rejection::NotCanonical { offset: 3 }));
/// ```
pub fn from_slice<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Rejection> {
    let value: T = serde_json::from_slice(bytes).map_err(|e| Rejection::Syntax {
        line: e.line(),
        column: e.column(),
        message: e.to_string(),
    })?;
    let canonical = to_vec(&value)?;
    if canonical == bytes {
        return Ok(value);
    }
    let common = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(Rejection::NotCanonical { offset: common })
}

fn check_numbers(value: &Value) -> Result<(), Rejection> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Array(items) => items.iter().try_for_each(check_numbers),
        Value::Object(members) => members.values().try_for_each(check_numbers),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude <= MAX_SAFE_INTEGER => Ok(()),
                Some(_) => Err(Rejection::IntegerRange { found: number.to_string() }),
                None => Err(Rejection::Float { found: number.to_string() }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn written(value: &Value, expected: Result<&str, Rejection>) {
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
            Err(Rejection::IntegerRange { found: "9007199254740992".into() }),
        );
        written(
            &json!(i64::MIN),
            Err(Rejection::IntegerRange { found: "-9223372036854775808".into() }),
        );
        written(&json!({"x": 0.5}), Err(Rejection::Float { found: "0.5".into() }));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        type Map = BTreeMap<String, u8>;
        let read = |text: &str| from_slice::<Map>(text.as_bytes());
        assert!(read(r#"{"a":1,"b":2}"#).is_ok());
        for (text, offset) in [
            (r#"{"b":2,"a":1}"#, 2),
            (r#"{"a":1,"a":1}"#, 6),
            (r#"{"a":1} "#, 7),
            (r#"{"\u0061":1}"#, 2),
        ] {
            assert_eq!(read(text), Err(Rejection::NotCanonical { offset }), "{text}");
        }
        assert!(matches!(read(r#"{"a":1}x"#), Err(Rejection::Syntax { .. })));
        assert!(matches!(read(&"[".repeat(10_000)), Err(Rejection::Syntax { .. })));
    }
}
