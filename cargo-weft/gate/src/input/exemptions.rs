//! `.weft/exemptions.toml`, read with places and without mercy (`docs/src/spec/exemptions.md`).

use jiff::civil::Date;

use super::text;
use super::tree::{self, Node, Table, suggest};
use crate::Diagnostic;
use crate::check;
use crate::exemption::Exemption;
use crate::place::SourceText;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The most exemptions of one file.
const MAX_EXEMPTIONS: usize = 10_000;

/// Reads exemptions, in the order of the file.
///
/// # Errors
///
/// A [`Diagnostic`] with the place: one without an expiry, a reason or an owner, with an approver who is its owner, of a
/// check that is not there, or written twice.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Exemption>, Diagnostic> {
    let source = SourceText::new(file, text(file, bytes, MAX_BYTES)?);
    let document = tree::parse(&source)?;
    let table = Table::new(&source, document.get_ref());
    match table.get("schema") {
        None => {
            return Err(Diagnostic::whole(file, "states no schema")
                .help(format!("begin it with `schema = {SCHEMA}`")));
        }
        Some(schema) if schema.number(u32::MAX)? != SCHEMA => {
            return Err(schema
                .fault("this schema is unknown")
                .help(format!("weft reads {SCHEMA}")));
        }
        Some(_) => {}
    }
    let nodes = table.get("exemption").map_or(Ok(Vec::new()), |list| list.items())?;
    table.finish()?;
    if nodes.len() > MAX_EXEMPTIONS {
        return Err(Diagnostic::whole(file, format!("has more than {MAX_EXEMPTIONS} exemptions")));
    }
    let mut exemptions: Vec<Exemption> = Vec::with_capacity(nodes.len());
    let mut seen = std::collections::BTreeSet::new();
    for node in nodes {
        let exemption = exemption(&node)?;
        let key = (exemption.code.clone(), exemption.subject.clone(), exemption.path.clone());
        if !seen.insert(key) {
            return Err(node.fault("this finding is exempted above").help("keep one of the two"));
        }
        exemptions.push(exemption);
    }
    Ok(exemptions)
}

fn exemption(node: &Node<'_, '_>) -> Result<Exemption, Diagnostic> {
    let table = node.table()?;
    let member = |key: &'static str| {
        table.get(key).ok_or_else(|| {
            let help = match key {
                "expires" => "add the last day it holds, such as `expires = 2027-01-31`",
                "approver" => "name who agreed to it, and is not its owner",
                _ => "an exemption has code, subject, reason, owner, approver and expires",
            };
            node.fault(format!("this exemption has no `{key}`")).help(help)
        })
    };
    let words = |key: &'static str| -> Result<String, Diagnostic> {
        let value = member(key)?;
        match value.string()?.trim() {
            "" => Err(value.fault(format!("`{key}` is empty"))),
            text => Ok(text.to_owned()),
        }
    };
    let code_node = member("code")?;
    let code = code_node.string()?.to_owned();
    check_code(&code_node, &code)?;
    let owner = words("owner")?;
    let approver_node = member("approver")?;
    let approver = words("approver")?;
    if same_person(&owner, &approver) {
        let fault = approver_node.fault("the owner of an exemption does not approve it");
        return Err(fault.help("name somebody else"));
    }
    let exemption = Exemption {
        subject: words("subject")?,
        path: table.get("path").map(|path| path.strings()).transpose()?,
        approver,
        expires: day(&member("expires")?)?,
        owner,
        place: code_node.place(),
        reason: words("reason")?,
        code,
    };
    table.finish()?;
    Ok(exemption)
}

fn check_code(node: &Node<'_, '_>, code: &str) -> Result<(), Diagnostic> {
    if code.starts_with("exemption/") {
        return Err(node.fault("what is said of exemptions cannot be exempted"));
    }
    match check::find(code) {
        Some(_) => Ok(()),
        None => {
            let fault = node.fault(format!("no check is called `{}`", code.escape_debug()));
            Err(fault.help(suggest(code, check::codes())))
        }
    }
}

fn same_person(a: &str, b: &str) -> bool {
    a.trim_start_matches('@').to_lowercase() == b.trim_start_matches('@').to_lowercase()
}

fn day(node: &Node<'_, '_>) -> Result<Date, Diagnostic> {
    node.day().ok_or_else(|| {
        let fault = node.fault("this is not a day");
        fault.help("write it as 2027-01-31; there is no exemption without end")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "code = \"source/replaced\"\nsubject = \"x\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2026-12-01\n";

    fn read(entry: &str) -> Result<Vec<Exemption>, Diagnostic> {
        parse("e.toml", format!("schema = 1\n[[exemption]]\n{entry}").as_bytes())
    }

    #[test]
    fn a_day_may_be_a_date_or_a_string() {
        assert_eq!(read(SOUND).unwrap()[0].expires, jiff::civil::date(2026, 12, 1));
        let quoted = SOUND.replace("2026-12-01", "\"2026-12-01\"");
        assert_eq!(read(&quoted).unwrap()[0].expires, jiff::civil::date(2026, 12, 1));
        assert_eq!(parse("e.toml", b"schema = 1\n").unwrap(), []);
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        for key in ["code", "subject", "reason", "owner", "approver", "expires"] {
            let without: Vec<&str> = SOUND.lines().filter(|line| !line.starts_with(key)).collect();
            let fault = read(&without.join("\n")).unwrap_err();
            assert!(fault.message.contains(&format!("no `{key}`")), "{}", fault.message);
        }
    }

    #[test]
    fn what_does_not_hold_together_is_refused() {
        let refused = |from: &str, to: &str, message: &str| {
            let fault = read(&SOUND.replace(from, to)).unwrap_err();
            assert!(fault.message.contains(message), "{}", fault.message);
            assert!(fault.span.is_some());
        };
        refused("approver = \"b\"", "approver = \"@A \"", "does not approve it");
        refused("2026-12-01", "2026-02-30", "");
        refused("2026-12-01", "\"never\"", "not a day");
        refused("2026-12-01", "2026-12-01T00:00:00Z", "not a day");
        refused("source/replaced", "source/*", "no check is called");
        refused("source/replaced", "exemption/unused", "cannot be exempted");
        refused("reason = \"r\"", "reason = \"  \"", "`reason` is empty");
        refused("owner = \"a\"", "owner = \"a\"\nnote = 1", "unknown key `note`");
        let twice = format!("{SOUND}[[exemption]]\n{SOUND}");
        assert!(read(&twice).unwrap_err().message.contains("exempted above"));
    }
}
