//! The writer: serde to canonical bytes in one pass, with members put in order as each object ends.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

use super::Unwritable;
use crate::json::MAX_SAFE_INTEGER;

/// Which numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubles {
    Refused,
    Written,
}

/// Writes a value.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    doubles: Doubles,
) -> Result<Vec<u8>, Unwritable> {
    let mut writer = Writer { out: Vec::new(), doubles };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::NotJson(message.to_string())
    }
}

struct Writer {
    out: Vec<u8>,
    doubles: Doubles,
}

impl Writer {
    fn signed(&mut self, value: i128) -> Result<(), Unwritable> {
        match value.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER) {
            true => {
                self.out.extend_from_slice(value.to_string().as_bytes());
                Ok(())
            }
            false => Err(Unwritable::IntegerRange(value.to_string())),
        }
    }

    /// Writes a string with the escapes of RFC 8785 §3.2.2.2.
    fn string(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|b| *b < b' ' || *b == b'"' || *b == b'\\') {
            self.out.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                0x08 => self.out.extend_from_slice(b"\\b"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                0x0c => self.out.extend_from_slice(b"\\f"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                other => self.out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
            }
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }

    fn object(&mut self) -> Object<'_> {
        self.out.push(b'{');
        Object { start: self.out.len(), writer: self, members: Vec::new(), closing: "}" }
    }

    fn array(&mut self) -> Array<'_> {
        self.out.push(b'[');
        Array { first: true, writer: self, closing: "]" }
    }

    /// Begins `{"variant":`.
    fn variant(&mut self, variant: &str) {
        self.out.push(b'{');
        self.string(variant);
        self.out.push(b':');
    }
}

/// Compares names by UTF-16 code units (RFC 8785 §3.2.3), which for most names is the order of their bytes.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() || b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

struct Array<'w> {
    writer: &'w mut Writer,
    first: bool,
    closing: &'static str,
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        if !std::mem::take(&mut self.first) {
            self.writer.out.push(b',');
        }
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        self.writer.out.extend_from_slice(self.closing.as_bytes());
    }
}

/// An object whose members are written one behind the other, and put in order in the end.
struct Object<'w> {
    writer: &'w mut Writer,
    start: usize,
    /// Each name, and where its member ends.
    members: Vec<(String, usize)>,
    closing: &'static str,
}

impl Object<'_> {
    fn name(&mut self, name: &str) {
        self.writer.string(name);
        self.writer.out.push(b':');
        self.members.push((name.to_owned(), 0));
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut *self.writer)?;
        let end = self.writer.out.len();
        match self.members.last_mut() {
            Some(member) => member.1 = end,
            None => return Err(Unwritable::NotJson("a value without a name".to_owned())),
        }
        Ok(())
    }

    fn close(self) -> Result<(), Unwritable> {
        let Self { writer, start, members, closing } = self;
        let written = writer.out.split_off(start);
        let ends = members.iter().map(|(_, end)| end - start);
        let starts = std::iter::once(0).chain(ends.clone());
        let mut parts: Vec<(&str, &[u8])> = members
            .iter()
            .zip(starts.zip(ends))
            .map(|((name, _), (start, end))| (name.as_str(), &written[start..end]))
            .collect();
        parts.sort_by(|(a, _), (b, _)| order(a, b));
        if let Some(twice) = parts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Unwritable::NotJson(format!("the member {:?} stands twice", twice[0].0)));
        }
        for (index, (_, part)) in parts.iter().enumerate() {
            if index > 0 {
                writer.out.push(b',');
            }
            writer.out.extend_from_slice(part);
        }
        writer.out.extend_from_slice(closing.as_bytes());
        Ok(())
    }
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Array<'w>;
    type SerializeTuple = Array<'w>;
    type SerializeTupleStruct = Array<'w>;
    type SerializeTupleVariant = Array<'w>;
    type SerializeMap = Object<'w>;
    type SerializeStruct = Object<'w>;
    type SerializeStructVariant = Object<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Unwritable> {
        self.signed(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.signed(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        if self.doubles == Doubles::Refused {
            return Err(Unwritable::Float(format!("{value:?}")));
        }
        // ECMAScript's digits are the library's business.
        let text = serde_json_canonicalizer::to_vec(&value);
        self.out.extend(text.map_err(|e| Unwritable::NotJson(e.to_string()))?);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.string(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'w>, Unwritable> {
        Ok(self.array())
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'w>, Unwritable> {
        Ok(self.array())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'w>, Unwritable> {
        Ok(self.array())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Array<'w>, Unwritable> {
        self.variant(variant);
        Ok(Array { closing: "]}", ..self.array() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'w>, Unwritable> {
        Ok(self.object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'w>, Unwritable> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'w>, Unwritable> {
        self.variant(variant);
        Ok(Object { closing: "}}", ..self.object() })
    }
}

/// Implements the traits of arrays, which differ in the name of one method.
macro_rules! array {
    ($($trait:ident $method:ident;)+) => {$(
        impl ser::$trait for Array<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.item(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close();
                Ok(())
            }
        }
    )+};
}

array! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Implements the traits of structs, which are alike.
macro_rules! object {
    ($($trait:ident)+) => {$(
        impl ser::$trait for Object<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.name(name);
                self.value(value)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        }
    )+};
}

object!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        let name = key.serialize(Name)?;
        self.name(&name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

/// Takes the name of a member, which is a string or the name of a variant.
struct Name;

fn no_name<T>() -> Result<T, Unwritable> {
    Err(Unwritable::NotJson("the name of a member is not a string".to_owned()))
}

macro_rules! no_names {
    ($($method:ident $type:ty;)+) => {$(
        fn $method(self, _: $type) -> Result<String, Unwritable> {
            no_name()
        }
    )+};
}

impl ser::Serializer for Name {
    type Ok = String;
    type Error = Unwritable;
    type SerializeSeq = Impossible<String, Unwritable>;
    type SerializeTuple = Impossible<String, Unwritable>;
    type SerializeTupleStruct = Impossible<String, Unwritable>;
    type SerializeTupleVariant = Impossible<String, Unwritable>;
    type SerializeMap = Impossible<String, Unwritable>;
    type SerializeStruct = Impossible<String, Unwritable>;
    type SerializeStructVariant = Impossible<String, Unwritable>;

    fn serialize_str(self, value: &str) -> Result<String, Unwritable> {
        Ok(value.to_owned())
    }

    fn serialize_char(self, value: char) -> Result<String, Unwritable> {
        Ok(value.to_string())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, Unwritable> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, Unwritable> {
        value.serialize(self)
    }

    no_names! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_bytes &[u8];
        serialize_unit_struct &'static str;
    }

    fn serialize_none(self) -> Result<String, Unwritable> {
        no_name()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, Unwritable> {
        no_name()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Unwritable> {
        no_name()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unwritable> {
        no_name()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        no_name()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        no_name()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        no_name()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        no_name()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Unwritable> {
        no_name()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        no_name()
    }
}
