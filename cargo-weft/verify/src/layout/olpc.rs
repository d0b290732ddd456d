//! Canonical JSON as OLPC defined it, which legacy in-toto and TUF metadata are signed in.
//!
//! It is not RFC 8785: members are in the order of their code points, strings are written raw but for `"` and `\`, and
//! integers are the only numbers.

use crate::json::Value;

/// Writes a value; nothing, if it holds a number that is not an integer.
pub(super) fn encode(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Double(_) => return None,
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            // The order of UTF-8 is that of code points.
            let mut members: Vec<&(String, Value)> = members.iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            out.push(b'{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                string(name, out);
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Limits, read};

    fn check(text: &str, expected: Option<&str>) {
        let found = encode(&read(text.as_bytes(), Limits::FOREIGN).unwrap());
        assert_eq!(found.map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(), expected);
    }

    #[test]
    fn only_two_characters_are_escaped() {
        check(r#""a\n\t\u0000\u00e9\/""#, Some("\"a\n\t\0é/\""));
        check(r#""\"\\""#, Some(r#""\"\\""#));
    }

    #[test]
    fn members_are_in_the_order_of_code_points() {
        // RFC 8785 has these two the other way round.
        check("{\"\u{1f600}\":2,\"\u{fb33}\":1}", Some("{\"\u{fb33}\":1,\"\u{1f600}\":2}"));
        check(r#"{"b":[1, -2],"a":{}, "B":null}"#, Some(r#"{"B":null,"a":{},"b":[1,-2]}"#));
    }

    #[test]
    fn only_integers_are_numbers() {
        check("[true,false,9007199254740991]", Some("[true,false,9007199254740991]"));
        check("[1.5]", None);
        check(r#"{"a":1e300}"#, None);
    }
}
