//! Strict JSON: RFC 8259 with the restrictions of I-JSON (RFC 7493), and a reason for every refusal.
//!
//! [`read`] makes a [`Value`] of a text, and refuses what readers disagree about: members that stand twice, half
//! surrogate pairs, bytes behind the value, numbers that some readers round.
//! [`from_slice`] goes on to a type and names the member that does not fit.
//!
//! It is not a general JSON library: it borrows nothing, keeps no formatting, and its bounds are part of each call.

mod decode;
mod parse;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Rejection;

/// The largest magnitude of an integer that every JSON implementation reads exactly.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer of magnitude 2^53−1 at most, written without fraction or exponent.
    Integer(i64),
    /// Any other number, as the nearest double; never infinite, never NaN.
    Double(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// Members in the order of the text; no name stands twice.
    Object(Vec<(String, Value)>),
}

/// Which numbers a format allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Integers of magnitude 2^53−1 at most, which is what weft's records hold.
    SafeIntegers,
    /// Every number that is a finite double, as RFC 8785 has it.
    Doubles,
}

/// How much is read, and which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest text, in bytes.
    pub size: usize,
    /// How deep arrays and objects may be nested.
    pub depth: usize,
    /// Which numbers are allowed.
    pub numbers: Numbers,
}

impl Limits {
    /// The bounds of weft's own records: 16 MiB, 64 deep, safe integers alone.
    pub const RECORD: Self = Self { size: 16 << 20, depth: 64, numbers: Numbers::SafeIntegers };

    /// The bounds of what others sign: 16 MiB, 128 deep, any number that is a double.
    pub const FOREIGN: Self = Self { size: 16 << 20, depth: 128, numbers: Numbers::Doubles };
}

/// Reads one JSON value.
///
/// # Errors
///
/// Any rejection of the family `json` but `json/not-canonical`, with the offset of the byte at fault.
///
/// ```
/// use weft_verify::Rejection;
/// use weft_verify::json::{self, Limits, Value};
///
/// assert_eq!(json::read(b" [1, null] ", Limits::RECORD), Ok(Value::Array(vec![Value::Integer(1), Value::Null])));
/// assert_eq!(
///     json::read(br#"{"a":1,"a":2}"#, Limits::RECORD),
///     Err(Rejection::JsonDuplicateMember { offset: 7, name: "a".into() })
/// );
/// ```
pub fn read(text: &[u8], limits: Limits) -> Result<Value, Rejection> {
    parse::parse(text, limits)
}

/// Reads a value of a type.
///
/// # Errors
///
/// Those of [`read`], and those of the family `record` where the value is not of the type.
pub fn from_slice<T: DeserializeOwned>(text: &[u8], limits: Limits) -> Result<T, Rejection> {
    from_value(&read(text, limits)?)
}

/// Makes a type of a value.
///
/// # Errors
///
/// [`Rejection::MemberMissing`], [`Rejection::MemberUnknown`] or [`Rejection::MemberInvalid`], with the path of the
/// member.
///
/// ```
/// use weft_verify::Rejection;
/// use weft_verify::json::{self, Limits};
///
/// let value = json::read(br#"{"a":[1,"x"]}"#, Limits::RECORD).unwrap();
/// let found = json::from_value::<std::collections::BTreeMap<String, Vec<u8>>>(&value);
/// assert!(matches!(found, Err(Rejection::MemberInvalid { path, .. }) if path == "a[1]"));
/// ```
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, Rejection> {
    T::deserialize(decode::Reader(value)).map_err(Rejection::from)
}

impl Value {
    /// Returns the member of an object; nothing for any other value.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(found, _)| found == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Returns the text of a string; nothing for any other value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}
