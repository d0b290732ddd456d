//! Writes a policy's tables as TOML.
//!
//! `toml` writes characters that steer a terminal or reorder text as they are, and texts of several lines on several;
//! here each is an escape, so that what is read in `weft.toml` is what is said.

use toml::{Table, Value};

use crate::escape::terminal;

pub(super) fn tables(policy: &Table) -> String {
    let mut out = String::new();
    for (section, table) in policy {
        out += &format!("\n[{section}]\n");
        let entries = table.as_table().into_iter().flatten();
        let (rules, values): (Vec<_>, Vec<_>) = entries.partition(|(_, value)| is_rules(value));
        out.extend(values.into_iter().map(pair));
        for (key, list) in rules {
            for rule in list.as_array().into_iter().flatten() {
                out += &format!("\n[[{section}.{key}]]\n");
                out.extend(rule.as_table().into_iter().flatten().map(pair));
            }
        }
    }
    out
}

fn is_rules(value: &Value) -> bool {
    value.as_array().and_then(|list| list.first()).is_some_and(Value::is_table)
}

fn pair((key, value): (&String, &Value)) -> String {
    let is_bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    match is_bare {
        true => format!("{key} = {}\n", inline(value)),
        false => format!("{} = {}\n", quoted(key), inline(value)),
    }
}

/// What is not a text or a list of them holds no character to escape.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if !text.chars().any(is_active) {
        return Value::from(text).to_string();
    }
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if is_active(c) => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// Says whether a terminal would not show a character as what it is.
fn is_active(c: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    terminal(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "[a]\n\"x/y\" = \"deny\"\ndays = 3\nlist = [\"one\", \"t\\u202e\\\"\\\\\\n\\u0007\"]\n\
                    [[a.rule]]\ncrate = \"c\"\nreason = \"it's \\\\ \\\"so\\\"\"\n\
                    [[a.rule]]\ncrate = \"d\"\n[b]\nlist = []\nflag = true\n";
        let table: Table = text.parse().unwrap();
        let written = tables(&table);
        assert_eq!(written.parse::<Table>().unwrap(), table, "{written}");
        assert!(written.chars().all(|c| c == '\n' || !is_active(c)), "{written}");
        assert!(written.contains("\\U0000202E\\\"\\\\\\U0000000A\\U00000007"), "{written}");
        assert!(written.contains("\n\"x/y\" = \"deny\"\n"), "{written}");
    }
}
