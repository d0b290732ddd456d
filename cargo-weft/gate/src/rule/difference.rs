//! What changed in a file of rules, in one line that a person reads.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::input::tree::check_key_depth;
use crate::place::SourceText;

/// The largest file that is looked into, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// How many differences are told.
const MAX_TOLD: usize = 3;

/// The most letters of a value that are told.
const MAX_LETTERS: usize = 40;

/// The most letters of a path of keys that are told.
const MAX_PATH: usize = 80;

/// Names the first values that differ.
pub(super) fn difference(old: &[u8], new: &[u8]) -> String {
    let (Some(old), Some(new)) = (parse(old), parse(new)) else {
        return "its bytes".to_owned();
    };
    let mut found = Found::default();
    found.compare(&mut Vec::new(), Some(&old), Some(&new));
    if found.count == 0 {
        return "its form alone: spaces, comments or order".to_owned();
    }
    if found.count > MAX_TOLD {
        found.told.push(format!("and {} more", found.count - MAX_TOLD));
    }
    found.told.join("; ")
}

fn parse(bytes: &[u8]) -> Option<Table> {
    let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_BYTES)?;
    // What is nested too deeply would be dropped too deeply.
    check_key_depth(&SourceText::new("", text)).ok()?;
    toml::from_str(text).ok()
}

#[derive(Default)]
struct Found {
    count: usize,
    told: Vec<String>,
}

impl Found {
    /// Walks both tables at once, so that a path is written for what is told alone.
    fn compare<'t>(
        &mut self,
        path: &mut Vec<&'t str>,
        old: Option<&'t Table>,
        new: Option<&'t Table>,
    ) {
        let keys = |table: Option<&'t Table>| table.into_iter().flat_map(Table::keys);
        let keys: BTreeSet<&String> = keys(old).chain(keys(new)).collect();
        for key in keys {
            path.push(key);
            match (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key))) {
                (Some(Value::Table(old)), Some(Value::Table(new))) => {
                    self.compare(path, Some(old), Some(new));
                }
                (Some(Value::Table(old)), None) if !old.is_empty() => {
                    self.compare(path, Some(old), None);
                }
                (None, Some(Value::Table(new))) if !new.is_empty() => {
                    self.compare(path, None, Some(new));
                }
                (old, new) if old == new => {}
                (old, new) => self.tell(path, old, new),
            }
            path.pop();
        }
    }

    fn tell(&mut self, path: &[&str], old: Option<&Value>, new: Option<&Value>) {
        self.count += 1;
        if self.count <= MAX_TOLD {
            let path: Vec<String> = path.iter().map(|key| name(key)).collect();
            self.told.push(format!("{}: {}", short(&path.join("."), MAX_PATH), one(old, new)));
        }
    }
}

fn one(old: Option<&Value>, new: Option<&Value>) -> String {
    let shown = |value: &Value| short(&value.to_string(), MAX_LETTERS);
    match (old, new) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let texts = |array: &[Value]| -> BTreeSet<String> {
                array.iter().map(ToString::to_string).collect()
            };
            let (old, new) = (texts(old), texts(new));
            match (new.difference(&old).count(), old.difference(&new).count()) {
                (0, 0) => "in another order or number".to_owned(),
                (added, removed) => format!("{added} added, {removed} removed"),
            }
        }
        (Some(old), Some(new)) => format!("{} -> {}", shown(old), shown(new)),
        (Some(old), None) => format!("{}, which is gone", shown(old)),
        (None, new) => format!("{}, which is new", new.map(shown).unwrap_or_default()),
    }
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
fn short(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = letters.by_ref().take(most).collect();
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
        check("\"a.b\" = 1\n", "a.b = 1\n", "a.b: 1, which is new; \"a.b\": 1, which is gone");
        check(
            "a=1\nb=1\nc=1\nd=1\n",
            "",
            "a: 1, which is gone; b: 1, which is gone; c: 1, which is gone; and 1 more",
        );
        check("a = 1\n", "a = \"\"\"\nx\n\"\"\"\n", "a: 1 -> \"\"\" x \"\"\"");
        check("", "[a]\n", "a: {}, which is new");
        check("a = 1\n", "a =", "its bytes");
        check("a = 1\n", &format!("{}a = 1\n", "a.".repeat(10_000)), "its bytes");
    }

    /// A path is written for what is told alone: a long key above many others costs no more than the file.
    #[test]
    fn what_is_hostile_takes_no_time_and_no_room() {
        let long = "k".repeat(500_000);
        let leaves: String = (0..40_000).map(|n| format!("a{n} = 1\n")).collect();
        let text = format!("[{long}]\n{leaves}");
        let told = difference(b"", text.as_bytes());
        assert!(told.len() < 1000 && told.ends_with("; and 39997 more"), "{told}");
        let array = |first: u32| {
            let elements: String = (first..first + 100_000).map(|n| format!("{n},")).collect();
            format!("a = [{elements}]\n")
        };
        let told = difference(array(0).as_bytes(), array(500_000).as_bytes());
        assert_eq!(told, "a: 100000 added, 100000 removed");
        let large = " ".repeat(MAX_BYTES + 1);
        assert_eq!(difference(large.as_bytes(), b""), "its bytes");
        assert_eq!(difference("a=[".repeat(100_000).as_bytes(), b""), "its bytes");
        assert_eq!(difference("a={b=".repeat(100_000).as_bytes(), b""), "its bytes");
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
