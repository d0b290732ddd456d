//! What changed in a file of rules, in one line that a person reads.

use std::collections::BTreeMap;

use toml::Value;

use crate::input::tree::check_key_depth;
use crate::place::SourceText;

/// How many differences are told.
const MAX_TOLD: usize = 3;

/// The most letters of a value that are told.
const MAX_LETTERS: usize = 40;

/// What stands at a key.
#[derive(PartialEq, Eq)]
enum Leaf {
    Array(Vec<String>),
    Value(String),
}

/// Names the first values that differ.
pub(super) fn difference(old: &[u8], new: &[u8]) -> String {
    let (Some(old), Some(new)) = (leaves(old), leaves(new)) else {
        return "its bytes".to_owned();
    };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let mut told: Vec<String> =
        differing.map(|key| format!("{key}: {}", one(old.get(key), new.get(key)))).collect();
    if told.is_empty() {
        return "its form alone: spaces, comments or order".to_owned();
    }
    if told.len() > MAX_TOLD {
        let more = told.len() - MAX_TOLD;
        told.truncate(MAX_TOLD);
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

fn one(old: Option<&Leaf>, new: Option<&Leaf>) -> String {
    let shown = |leaf: &Leaf| match leaf {
        Leaf::Value(value) => short(value),
        Leaf::Array(elements) => format!("[{}]", short(&elements.join(", "))),
    };
    match (old, new) {
        (Some(Leaf::Array(old)), Some(Leaf::Array(new))) => {
            let without = |these: &[String], those: &[String]| {
                these.iter().filter(|value| !those.contains(value)).count()
            };
            match (without(new, old), without(old, new)) {
                (0, 0) => "in another order or number".to_owned(),
                (added, removed) => format!("{added} added, {removed} removed"),
            }
        }
        (Some(old), Some(new)) => format!("{} -> {}", shown(old), shown(new)),
        (Some(old), None) => format!("{}, which is gone", shown(old)),
        (None, new) => format!("{}, which is new", new.map(shown).unwrap_or_default()),
    }
}

/// Returns the values of a document by their keys.
fn leaves(bytes: &[u8]) -> Option<BTreeMap<String, Leaf>> {
    let text = str::from_utf8(bytes).ok()?;
    // What is nested too deeply would be dropped too deeply.
    check_key_depth(&SourceText::new("", text)).ok()?;
    let mut leaves = BTreeMap::new();
    for (key, value) in toml::from_str::<toml::Table>(text).ok()? {
        gather(name(&key), value, &mut leaves);
    }
    Some(leaves)
}

fn gather(path: String, value: Value, leaves: &mut BTreeMap<String, Leaf>) {
    let leaf = match value {
        Value::Table(table) => {
            for (key, value) in table {
                gather(format!("{path}.{}", name(&key)), value, leaves);
            }
            return;
        }
        Value::Array(array) => Leaf::Array(array.iter().map(ToString::to_string).collect()),
        value => Leaf::Value(value.to_string()),
    };
    leaves.insert(path, leaf);
}

/// Quotes a key that could be taken for a path of keys.
fn name(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    match !key.is_empty() && key.chars().all(is_plain) {
        true => key.to_owned(),
        false => format!("{key:?}"),
    }
}

/// Puts the beginning of a text on one line.
fn short(text: &str) -> String {
    let mut letters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = letters.by_ref().take(MAX_LETTERS).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_in_one_line() {
        let check = |old: &str, new: &str, expected: &str| {
            assert_eq!(difference(old.as_bytes(), new.as_bytes()), expected, "{old} | {new}");
        };
        check("a = 1\n", "a = 1 # why\n", "its form alone: spaces, comments or order");
        check("a = 1\nb = 2\n", "b = 2\na = 1\n", "its form alone: spaces, comments or order");
        check("a = 1\n", "a = 2\n", "a: 1 -> 2");
        check("a = 1\n", "a = \"1\"\n", "a: 1 -> \"1\"");
        check("", "[checks]\n\"x/y\" = \"off\"\n", "checks.x/y: \"off\", which is new");
        check("[a]\nb = true\n", "[a]\n", "a.b: true, which is gone");
        check("a = []\n", "", "a: [], which is gone");
        check("a = 1\n", "a = [1]\n", "a: 1 -> [1]");
        check("a = [1, 2]\n", "a = [2, 3, 4]\n", "a: 2 added, 1 removed");
        check("a = [1, 2]\n", "a = [2, 1]\n", "a: in another order or number");
        check("[[e]]\nx = 1\n", "[[e]]\nx = 1\n[[e]]\nx = 2\n", "e: 1 added, 0 removed");
        // A key with a dot is no path.
        check("\"a.b\" = 1\n", "a.b = 1\n", "\"a.b\": 1, which is gone; a.b: 1, which is new");
        check(
            "a=1\nb=1\nc=1\nd=1\n",
            "",
            "a: 1, which is gone; b: 1, which is gone; c: 1, which is gone; and 1 more",
        );
        check("a = 1\n", "a = \"\"\"\nx\n\"\"\"\n", "a: 1 -> \"\"\" x \"\"\"");
        check("a = 1\n", "a =", "its bytes");
        check("a = 1\n", &format!("{}a = 1\n", "a.".repeat(10_000)), "its bytes");
    }

    #[test]
    fn what_is_long_is_cut_and_differs_all_the_same() {
        let text = |end: &str| format!("a = \"{}{end}\"\n", "x".repeat(100));
        let cut = format!("\"{}…", "x".repeat(39));
        assert_eq!(
            difference(text("1").as_bytes(), text("2").as_bytes()),
            format!("a: {cut} -> {cut}")
        );
    }
}
