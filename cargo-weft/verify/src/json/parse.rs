//! The parser: one pass over bytes that are known to be UTF-8, recursive to a bounded depth.

use super::{Limits, MAX_SAFE_INTEGER, Numbers, Value};
use crate::Rejection;

/// Parses a whole text.
pub(super) fn parse(bytes: &[u8], limits: Limits) -> Result<Value, Rejection> {
    if bytes.len() > limits.size {
        return Err(Rejection::JsonTooLarge { found: bytes.len(), limit: limits.size });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Rejection::JsonNotUtf8 { offset: e.valid_up_to() })?;
    let mut parser = Parser { text, at: 0, depth: 0, limits };
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    match parser.at < text.len() {
        true => Err(Rejection::JsonTrailing { offset: parser.at }),
        false => Ok(value),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    limits: Limits,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The rejection of what stands here: of the end of the text, or of a byte.
    fn expected(&self, expected: &'static str) -> Rejection {
        match self.peek() {
            None => Rejection::JsonTruncated { offset: self.at },
            Some(_) => Rejection::JsonSyntax { offset: self.at, expected },
        }
    }

    fn value(&mut self) -> Result<Value, Rejection> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, Rejection> {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.expected("`true`, `false` or `null`"));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn nested(
        &mut self,
        parse: impl Fn(&mut Self) -> Result<Value, Rejection>,
    ) -> Result<Value, Rejection> {
        if self.depth == self.limits.depth {
            return Err(Rejection::JsonTooDeep { offset: self.at, limit: self.limits.depth });
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = parse(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Rejection> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.ends(b']', "`,` or `]`")? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Rejection> {
        let mut members = Vec::new();
        let mut offsets = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("the name of a member"));
            }
            offsets.push(self.at);
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:`"));
            }
            self.at += 1;
            self.skip_space();
            members.push((name, self.value()?));
            if self.ends(b'}', "`,` or `}`")? {
                reject_duplicates(&members, &offsets)?;
                return Ok(Value::Object(members));
            }
        }
    }

    /// Says whether the closing bracket stands here; if not, a comma has to, and the next item after it.
    fn ends(&mut self, bracket: u8, expected: &'static str) -> Result<bool, Rejection> {
        self.skip_space();
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(false)
            }
            _ => Err(self.expected(expected)),
        }
    }

    fn string(&mut self) -> Result<String, Rejection> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            // The bytes that end a run are ASCII, so it ends between characters.
            let run = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < b' ');
            let run = run.unwrap_or(rest.len());
            out.push_str(&rest[..run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.expected("a string without control characters")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Rejection> {
        let start = self.at;
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode(start);
            }
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(c)
    }

    /// Reads the four digits after `\u`, and where they are a high surrogate, the low one after it.
    fn unicode(&mut self, start: usize) -> Result<char, Rejection> {
        let high = self.four_digits()?;
        if let Some(c) = char::from_u32(high) {
            return Ok(c);
        }
        let lone = Rejection::JsonLoneSurrogate { offset: start };
        if high >= 0xdc00 || !self.text[self.at..].starts_with("\\u") {
            return Err(lone);
        }
        self.at += 2;
        let low = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(lone);
        }
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(lone)
    }

    fn four_digits(&mut self) -> Result<u32, Rejection> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            number = number << 4 | digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(number)
    }

    fn number(&mut self) -> Result<Value, Rejection> {
        let offset = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            integer = false;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
            integer = false;
        }
        self.judge(offset, integer)
    }

    fn digits(&mut self) -> Result<(), Rejection> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.expected("a digit"));
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// Makes a value of a number, if the format allows it; `integer` says that it has no fraction and no exponent.
    fn judge(&self, offset: usize, integer: bool) -> Result<Value, Rejection> {
        let text = &self.text[offset..self.at];
        let found = || text.chars().take(40).collect();
        let exact = text.parse::<i64>().ok().filter(|i| i.unsigned_abs() <= MAX_SAFE_INTEGER);
        match (exact.filter(|_| integer && text != "-0"), self.limits.numbers) {
            (Some(value), _) => Ok(Value::Integer(value)),
            (None, Numbers::SafeIntegers) if integer && text != "-0" => {
                Err(Rejection::JsonIntegerRange { offset, found: found() })
            }
            (None, Numbers::SafeIntegers) => Err(Rejection::JsonFloat { offset, found: found() }),
            (None, Numbers::Doubles) => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Value::Double(value)),
                _ => Err(Rejection::JsonNumberRange { offset, found: found() }),
            },
        }
    }
}

fn reject_duplicates(members: &[(String, Value)], offsets: &[usize]) -> Result<(), Rejection> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    // The sort is stable, so of two members with one name the later follows the earlier.
    order.sort_by(|a, b| members[*a].0.cmp(&members[*b].0));
    let twice = order.windows(2).filter(|pair| members[pair[0]].0 == members[pair[1]].0);
    match twice.map(|pair| pair[1]).min() {
        None => Ok(()),
        Some(second) => Err(Rejection::JsonDuplicateMember {
            offset: offsets[second],
            name: members[second].0.chars().take(80).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], numbers: Numbers, expected: Result<Value, Rejection>) {
        let found = parse(text, Limits { size: 60, depth: 3, numbers });
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn each_fault_has_its_reason_and_its_place() {
        let rejected = |text: &[u8], expected| check(text, Numbers::SafeIntegers, Err(expected));
        let syntax = |offset, expected| Rejection::JsonSyntax { offset, expected };
        rejected(b"", Rejection::JsonTruncated { offset: 0 });
        rejected(b"[1,", Rejection::JsonTruncated { offset: 3 });
        rejected(b"\"a", Rejection::JsonTruncated { offset: 2 });
        rejected(b"tru", Rejection::JsonTruncated { offset: 3 });
        rejected(b"\"\\ud8", Rejection::JsonTruncated { offset: 5 });
        rejected(b"[1,]", syntax(3, "a value"));
        rejected(b"{a:1}", syntax(1, "the name of a member"));
        rejected(b"{\"a\" 1}", syntax(5, "`:`"));
        rejected(b"[1 2]", syntax(3, "`,` or `]`"));
        rejected(b"{\"a\":1]", syntax(6, "`,` or `}`"));
        rejected(b"\"\n\"", syntax(1, "a string without control characters"));
        rejected(b"\"\\x\"", syntax(2, "an escape"));
        rejected(b"\"\\u00g0\"", syntax(5, "four hexadecimal digits"));
        rejected(b"trub", syntax(3, "`true`, `false` or `null`"));
        rejected(b"-x", syntax(1, "a digit"));
        rejected(b"1.", Rejection::JsonTruncated { offset: 2 });
        rejected(b"01", Rejection::JsonTrailing { offset: 1 });
        rejected(b"1 x", Rejection::JsonTrailing { offset: 2 });
        rejected(b"{} x", Rejection::JsonTrailing { offset: 3 });
        rejected(b"\xef\xbb\xbf1", syntax(0, "a value"));
        rejected(b"\"\xff\"", Rejection::JsonNotUtf8 { offset: 1 });
        rejected(b"[\"\\udc00\"]", Rejection::JsonLoneSurrogate { offset: 2 });
        rejected(b"\"\\ud800x\"", Rejection::JsonLoneSurrogate { offset: 1 });
        rejected(b"\"\\ud800\\u0041\"", Rejection::JsonLoneSurrogate { offset: 1 });
        rejected(b"[[[[]]]]", Rejection::JsonTooDeep { offset: 3, limit: 3 });
        rejected(&[b' '; 61], Rejection::JsonTooLarge { found: 61, limit: 60 });
        let twice = |offset| Rejection::JsonDuplicateMember { offset, name: "a".into() };
        rejected(br#"{"a":1,"b":2,"\u0061":3,"a":4}"#, twice(13));
    }

    #[test]
    fn numbers_are_what_the_format_allows() {
        let records =
            |text: &str, expected| check(text.as_bytes(), Numbers::SafeIntegers, expected);
        let doubles = |text: &str, expected| check(text.as_bytes(), Numbers::Doubles, expected);
        for numbers in [Numbers::SafeIntegers, Numbers::Doubles] {
            check(b"9007199254740991", numbers, Ok(Value::Integer(9_007_199_254_740_991)));
            check(b"-9007199254740991", numbers, Ok(Value::Integer(-9_007_199_254_740_991)));
        }
        for text in ["-0", "1.0", "1e2", "0E0", "-0.5"] {
            records(text, Err(Rejection::JsonFloat { offset: 0, found: text.into() }));
        }
        for text in ["9007199254740992", "-9007199254740992", "99999999999999999999999"] {
            records(text, Err(Rejection::JsonIntegerRange { offset: 0, found: text.into() }));
        }
        doubles("9007199254740993", Ok(Value::Double(9_007_199_254_740_992.0)));
        doubles("1e2", Ok(Value::Double(100.0)));
        doubles("1e999", Err(Rejection::JsonNumberRange { offset: 0, found: "1e999".into() }));
        let zero = parse(b"-0", Limits::FOREIGN);
        assert!(matches!(zero, Ok(Value::Double(zero)) if zero.is_sign_negative()));
    }

    #[test]
    fn escapes_are_resolved() {
        let text = br#" "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00" "#;
        check(text, Numbers::Doubles, Ok(Value::String("\"\\/\u{8}\u{c}\n\r\té\u{1f600}".into())));
    }
}
