//! A cursor over a parsed TOML document that keeps places: the one way weft reads TOML that people wrote.
//!
//! [`Node`] knows where it stands, so that every type error names its place.
//! [`Table::finish`] turns every key that nobody asked for into a fault with a suggestion; readers of other programs'
//! files, such as `Cargo.toml`, leave it out.

use std::cell::RefCell;
use std::ops::Range;

use jiff::civil::Date;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Diagnostic;
use crate::place::{Place, SourceText};

/// How deep a dotted key may go; the TOML parser itself bounds brackets and braces.
const MAX_DOTS: usize = 32;

/// Parses a document.
///
/// # Errors
///
/// A [`Diagnostic`] with the place of the fault.
pub(crate) fn parse<'t>(source: &SourceText<'t>) -> Result<Spanned<DeTable<'t>>, Diagnostic> {
    check_key_depth(source)?;
    DeTable::parse(source.text()).map_err(|e| Diagnostic::from_toml(source.file(), &e))
}

/// Refuses `a.a.a.…` before a parser builds, and recursively drops, a table per dot.
///
/// Dots count from one piece of punctuation to the next, outside strings and comments.
pub(crate) fn check_key_depth(source: &SourceText<'_>) -> Result<(), Diagnostic> {
    let text = source.text();
    let bytes = text.as_bytes();
    let (mut at, mut key_start, mut dots) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'.' => dots += 1,
            b'"' | b'\'' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            b' ' | b'\t' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {}
            _ => (key_start, dots) = (at + 1, 0),
        }
        if dots > MAX_DOTS {
            let message = format!("a key with more than {MAX_DOTS} dots");
            return Err(Diagnostic::at(source.file(), key_start..at, message));
        }
        at += 1;
    }
    Ok(())
}

/// Returns where the string that begins at `start` ends: behind its closing quote, or where the line or text does.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let long = bytes[start..].starts_with(&[quote; 3]);
    let width = if long { 3 } else { 1 };
    let mut at = start + width;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            _ if bytes[at..].starts_with(&[quote; 3][..width]) => return at + width,
            _ => {}
        }
        at += 1;
    }
    at
}

/// A table, and the text it stands in.
pub(crate) struct Table<'a, 't> {
    source: &'a SourceText<'t>,
    table: &'a DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
}

/// A value with its key.
#[derive(Clone)]
pub(crate) struct Node<'a, 't> {
    source: &'a SourceText<'t>,
    key: &'a str,
    key_span: Range<usize>,
    value: &'a Spanned<DeValue<'t>>,
}

impl<'a, 't> Table<'a, 't> {
    pub(crate) fn new(source: &'a SourceText<'t>, table: &'a DeTable<'t>) -> Self {
        Self { source, table, asked: RefCell::default() }
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'a, 't>> {
        self.asked.borrow_mut().push(key);
        self.iter().find(|node| node.key == key)
    }

    /// Returns the value of the first of several spellings.
    pub(crate) fn get_any(&self, keys: &[&'static str]) -> Option<Node<'a, 't>> {
        keys.iter().filter_map(|key| self.get(key)).next()
    }

    /// Returns a key's table; an absent key is no table, anything else is a fault.
    pub(crate) fn table(&self, key: &'static str) -> Result<Option<Table<'a, 't>>, Diagnostic> {
        self.get(key).map(|node| node.table()).transpose()
    }

    /// Iterates over all keys in the order of the file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Node<'a, 't>> + use<'a, 't> {
        let source = self.source;
        let mut nodes: Vec<_> = self.table.iter().collect();
        nodes.sort_by_key(|(key, _)| key.span().start);
        nodes.into_iter().map(move |(key, value)| Node {
            source,
            key: key.get_ref(),
            key_span: key.span(),
            value,
        })
    }

    /// Makes every key that was not asked for a fault.
    pub(crate) fn finish(self) -> Result<(), Diagnostic> {
        let asked = self.asked.into_inner();
        let unknown = Self::new(self.source, self.table).iter().find(|n| !asked.contains(&n.key));
        match unknown {
            None => Ok(()),
            Some(node) => {
                let help = suggest(node.key, asked.iter().copied());
                Err(node.key_fault(format!("unknown key `{}`", node.key.escape_debug())).help(help))
            }
        }
    }
}

impl<'a, 't> Node<'a, 't> {
    pub(crate) fn key(&self) -> &'a str {
        self.key
    }

    /// Returns the place of the key.
    pub(crate) fn place(&self) -> Place {
        self.source.place(self.key_span.clone())
    }

    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.value.get_ref().as_str()
    }

    pub(crate) fn string(&self) -> Result<&'a str, Diagnostic> {
        self.as_str().ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn bool(&self) -> Result<bool, Diagnostic> {
        self.value.get_ref().as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// Reads a day, as a TOML date or as a string.
    pub(crate) fn day(&self) -> Option<Date> {
        let date = self.value.get_ref().as_datetime().map(ToString::to_string);
        let text = date.or_else(|| self.as_str().map(str::to_owned))?;
        // A time of day would be read and forgotten.
        (text.len() == 10).then(|| text.parse().ok()).flatten()
    }

    /// Reads a whole number from 0 to `max`.
    pub(crate) fn number(&self, max: u32) -> Result<u32, Diagnostic> {
        let integer = self.value.get_ref().as_integer();
        integer
            .and_then(|i| u32::from_str_radix(i.as_str(), i.radix()).ok())
            .filter(|n| *n <= max)
            .ok_or_else(|| self.expected(&format!("a whole number from 0 to {max}")))
    }

    /// Reads a whole number from 0 to 2^53-1, the largest that JSON holds for sure.
    pub(crate) fn long(&self) -> Result<u64, Diagnostic> {
        let integer = self.value.get_ref().as_integer();
        integer
            .and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok())
            .filter(|n| *n < 1 << 53)
            .ok_or_else(|| self.expected("a whole number"))
    }

    /// Reads a list of strings, each as a node of its own.
    pub(crate) fn list(&self) -> Result<Vec<Node<'a, 't>>, Diagnostic> {
        let array =
            self.value.get_ref().as_array().ok_or_else(|| self.expected("a list of strings"))?;
        let items =
            array.iter().map(|value| Node { key_span: value.span(), value, ..self.clone() });
        items.map(|item| item.string().map(|_| item)).collect()
    }

    /// Reads an array, each item as a node of its own.
    pub(crate) fn items(&self) -> Result<Vec<Node<'a, 't>>, Diagnostic> {
        let array = self.value.get_ref().as_array().ok_or_else(|| self.expected("an array"))?;
        let item = |value: &'a Spanned<DeValue<'t>>| Node {
            key_span: value.span(),
            value,
            ..self.clone()
        };
        Ok(array.iter().map(item).collect())
    }

    pub(crate) fn strings(&self) -> Result<Vec<String>, Diagnostic> {
        self.list()?.iter().map(|item| item.string().map(str::to_owned)).collect()
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(crate) fn table(&self) -> Result<Table<'a, 't>, Diagnostic> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.expected("a table"))?;
        Ok(Table::new(self.source, table))
    }

    /// Returns the value if it is a string, and else the key.
    pub(crate) fn as_name(&self) -> String {
        self.as_str().unwrap_or(self.key).to_owned()
    }

    /// Returns the bytes of the value.
    pub(crate) fn value_span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Makes a fault of the value.
    pub(crate) fn fault(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.source.file(), self.value.span(), message)
    }

    /// Makes a fault of the key.
    pub(crate) fn key_fault(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.source.file(), self.key_span.clone(), message)
    }

    fn expected(&self, what: &str) -> Diagnostic {
        let found = self.value.get_ref().type_str();
        self.fault(format!("`{}` is {what}, not this {found}", self.key.escape_debug()))
    }
}

/// Returns a "did you mean" for a name, or the list of names that exist.
pub(crate) fn suggest<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    let best = known
        .clone()
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(distance, k)| *distance <= 1 + k.len() / 4)
        .min();
    match best {
        Some((_, best)) => format!("did you mean `{best}`?"),
        None => {
            let mut names: Vec<_> = known.collect();
            names.sort_unstable();
            names.dedup();
            format!("known here: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_count_in_keys_and_nowhere_else() {
        let many = "a.".repeat(MAX_DOTS + 1);
        let spaced = "'a' . \"b\" . ".repeat(MAX_DOTS);
        for deep in [
            format!("{many}a = 1"),
            format!("[{many}a]"),
            format!("x = {{ {many}a = 1 }}"),
            format!("{spaced}c = 1"),
        ] {
            assert!(check_key_depth(&SourceText::new("f", &deep)).is_err(), "{deep}");
        }
        for flat in [
            format!("# {many}"),
            format!("a = \"{many}\""),
            format!("a = '''\n{many}\n'''\nb = \"\"\"\\\"{many}\"\"\""),
            "a = 1.5\n".repeat(100),
            "x = [1.0, 2.0]\n".repeat(50),
        ] {
            assert_eq!(check_key_depth(&SourceText::new("f", &flat)), Ok(()), "{flat}");
        }
    }
}
