//! From a [`Value`] to a type, by way of serde, keeping the path of the member that does not fit.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::Value;
use crate::Rejection;

/// What does not fit, and the path to it, innermost step first.
#[derive(Debug)]
pub(super) struct Error {
    steps: Vec<Step>,
    fault: Fault,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
}

#[derive(Debug)]
enum Fault {
    Missing(&'static str),
    Unknown(String),
    Invalid(String),
}

impl Error {
    fn below(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn path(&self, last: Option<&str>) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Item(index) => path.push_str(&format!("[{index}]")),
                Step::Member(name) => join(&mut path, name),
            }
        }
        if let Some(last) = last {
            join(&mut path, last);
        }
        if path.is_empty() { "the value".to_owned() } else { path }
    }
}

fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&name.chars().take(80).collect::<String>());
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        match &error.fault {
            Fault::Missing(name) => Self::MemberMissing { path: error.path(Some(name)) },
            Fault::Unknown(name) => Self::MemberUnknown { path: error.path(Some(name)) },
            Fault::Invalid(message) => {
                Self::MemberInvalid { path: error.path(None), message: message.clone() }
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Missing(name) => write!(f, "missing member {name}"),
            Fault::Unknown(name) => write!(f, "unknown member {name:?}"),
            Fault::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string().chars().take(400).collect();
        Self { steps: Vec::new(), fault: Fault::Invalid(message) }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Map => "an object".to_owned(),
            Unexpected::Seq => "an array".to_owned(),
            Unexpected::Unit => "null".to_owned(),
            other => other.to_string(),
        };
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn missing_field(name: &'static str) -> Self {
        Self { steps: Vec::new(), fault: Fault::Missing(name) }
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self { steps: Vec::new(), fault: Fault::Unknown(name.to_owned()) }
    }
}

/// Reads a value; a type of its own, so that how it is read stays inside.
pub(super) struct Reader<'de>(pub(super) &'de Value);

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => match u64::try_from(*value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(*value),
            },
            Value::Double(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Value::Object(members) => {
                visitor.visit_map(Members { members: members.iter(), current: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            // serde would take an array for the members in their order.
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(members) => match &members[..] {
                [(name, content)] => visitor.visit_enum(Variant { name, content: Some(content) }),
                _ => Err(de::Error::custom("expected an object with one member")),
            },
            _ => Err(de::Error::custom("expected a name, or an object with one member")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Reader(item)).map(Some).map_err(|e| e.below(Step::Item(index)))
    }
}

struct Members<'de> {
    members: std::slice::Iter<'de, (String, Value)>,
    current: Option<&'de (String, Value)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.members.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((name, value)) = self.current else {
            return Err(de::Error::custom("a value without a name"));
        };
        seed.deserialize(Reader(value)).map_err(|e| e.below(Step::Member(name.clone())))
    }
}

struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        seed.deserialize(self.name.into_deserializer()).map(|variant: V::Value| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(de::Error::custom(format_args!("{} holds nothing", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let below = |e: Error| e.below(Step::Member(self.name.to_owned()));
        seed.deserialize(Reader(self.content()?)).map_err(below)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Reader(self.content()?).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let below = |e: Error| e.below(Step::Member(self.name.to_owned()));
        Reader(self.content()?).deserialize_struct("", &[], visitor).map_err(below)
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<&'de Value, Error> {
        self.content.ok_or_else(|| de::Error::custom(format_args!("{} holds something", self.name)))
    }
}

impl<'de> de::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Integer).map_err(|_| de::Error::custom("beyond ±(2^53−1)"))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Double(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(member) = members.next_entry()? {
            out.push(member);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::{Limits, from_slice};
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Record {
        name: String,
        count: u8,
        #[serde(default)]
        maybe: Option<bool>,
        #[serde(default)]
        parts: BTreeMap<String, Part>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    enum Part {
        None,
        Small(Vec<i8>),
        Large { size: u32 },
    }

    fn check(text: &str, expected: Result<Record, Rejection>) {
        assert_eq!(from_slice(text.as_bytes(), Limits::RECORD), expected, "{text}");
    }

    #[test]
    fn a_record_is_read_whole() {
        let parts = [
            ("a".to_owned(), Part::None),
            ("b".to_owned(), Part::Small(vec![-1, 2])),
            ("c".to_owned(), Part::Large { size: 3 }),
        ];
        let text = r#"{"count":1,"maybe":true,"name":"x",
            "parts":{"a":"none","b":{"small":[-1,2]},"c":{"large":{"size":3}}}}"#;
        let record = Record { name: "x".into(), count: 1, maybe: Some(true), parts: parts.into() };
        check(text, Ok(record));
    }

    #[test]
    fn the_member_at_fault_is_named() {
        let part = |text| format!(r#"{{"name":"x","count":1,"parts":{{"b":{text}}}}}"#);
        let invalid = |path: &str, message: &str| {
            Err(Rejection::MemberInvalid { path: path.into(), message: message.into() })
        };
        check("[]", invalid("the value", "expected struct Record, found an array"));
        check(r#"{"name":"x"}"#, Err(Rejection::MemberMissing { path: "count".into() }));
        check(r#"{"name":"x","cuont":1}"#, Err(Rejection::MemberUnknown { path: "cuont".into() }));
        check(
            &part(r#"{"large":{"size":3,"x":1}}"#),
            Err(Rejection::MemberUnknown { path: "parts.b.large.x".into() }),
        );
        check(
            &part(r#"{"small":[1,300]}"#),
            invalid("parts.b.small[1]", "invalid value: integer `300`, expected i8"),
        );
        check(&part(r#"{"none":1}"#), invalid("parts.b", "none holds nothing"));
        check(&part(r#""small""#), invalid("parts.b", "small holds something"));
        check(&part("{}"), invalid("parts.b", "expected an object with one member"));
        check(r#"{"name":null,"count":1}"#, invalid("name", "expected a string, found null"));
    }
}
