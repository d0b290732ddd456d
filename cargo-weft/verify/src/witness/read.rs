//! The text of a policy, line by line.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, MAX_BYTES, MAX_ENTRIES, Member, Policy, Witness};
use crate::Rejection;
use crate::note::Vkey;

/// The name that is predefined for a quorum of nobody.
const NONE: &[u8] = b"none";

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, Rejection> {
    if bytes.len() > MAX_BYTES {
        return Err(malformed(1, "larger than 1 MiB"));
    }
    let mut reader = Reader::default();
    let Some(text) = bytes.strip_suffix(b"\n") else {
        let lines = bytes.split(|b| *b == b'\n').count();
        return Err(malformed(lines, "no newline at the end, so it may have been cut"));
    };
    let mut last = 0;
    for (index, line) in text.split(|b| *b == b'\n').enumerate() {
        last = index + 1;
        if line.iter().any(|b| *b == 0x7f || (*b < 0x20 && *b != b'\t')) {
            return Err(malformed(last, "a control character"));
        }
        let words: Vec<&[u8]> =
            line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        reader.line(last, &words)?;
    }
    let Reader { logs, witnesses, groups, quorum, .. } = reader;
    let quorum = quorum.ok_or_else(|| malformed(last, "there is no `quorum` line"))?;
    Ok(Policy { logs, witnesses, groups, quorum })
}

fn malformed(line: usize, message: impl Into<String>) -> Rejection {
    Rejection::WitnessPolicyMalformed { line, message: message.into() }
}

#[derive(Default)]
struct Reader {
    logs: Vec<Vkey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    /// What each name means.
    names: BTreeMap<Vec<u8>, Member>,
    /// The names that are members of a group already.
    used: BTreeSet<Vec<u8>>,
}

impl Reader {
    fn line(&mut self, line: usize, words: &[&[u8]]) -> Result<(), Rejection> {
        match words {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", vkey] | [b"log", vkey, _] => self.log(line, vkey),
            [b"witness", name, vkey] | [b"witness", name, vkey, _] => {
                self.witness(line, name, vkey)
            }
            [b"group", name, threshold, members @ ..] if !members.is_empty() => {
                self.group(line, name, threshold, members)
            }
            [b"quorum", name] => self.quorum(line, name),
            [b"log", ..] => Err(malformed(line, "expected `log VKEY [URL]`")),
            [b"witness", ..] => Err(malformed(line, "expected `witness NAME VKEY [URL]`")),
            [b"group", ..] => {
                Err(malformed(line, "expected `group NAME any|all|K MEMBER…`, with a member"))
            }
            [b"quorum", ..] => Err(malformed(line, "expected `quorum NAME|none`")),
            [other, ..] => {
                let other = shown(other);
                Err(malformed(
                    line,
                    format!("`{other}` is no `log`, `witness`, `group` or `quorum`"),
                ))
            }
        }
    }

    fn log(&mut self, line: usize, text: &[u8]) -> Result<(), Rejection> {
        let vkey = vkey(line, text)?;
        if vkey.is_cosigner() {
            return Err(malformed(line, "a log signs with a key of type 0x01"));
        }
        if let Some(first) = self.logs.iter().find(|log| log.key() == vkey.key()) {
            let first = first.name().to_owned();
            return Err(Rejection::KeyRepeated { path: format!("line {line}"), first });
        }
        self.demand_unused(line, &vkey)?;
        self.logs.push(vkey);
        bounded(line, self.logs.len())
    }

    fn witness(&mut self, line: usize, name: &[u8], text: &[u8]) -> Result<(), Rejection> {
        let vkey = vkey(line, text)?;
        if !vkey.is_cosigner() {
            return Err(malformed(line, "a witness has a key of type 0x04"));
        }
        if let Some(log) = self.logs.iter().find(|log| log.key() == vkey.key()) {
            let (path, other) = (format!("line {line}"), log.name().to_owned());
            return Err(Rejection::WitnessKeyReused { path, other });
        }
        self.demand_unused(line, &vkey)?;
        let name = self.define(line, name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(Witness { name, vkey });
        bounded(line, self.witnesses.len())
    }

    /// Demands that no witness has the key: lines may come in any order.
    fn demand_unused(&self, line: usize, vkey: &Vkey) -> Result<(), Rejection> {
        match self.witnesses.iter().find(|witness| witness.vkey.key() == vkey.key()) {
            Some(witness) => {
                let (path, other) = (format!("line {line}"), witness.name.clone());
                Err(Rejection::WitnessKeyReused { path, other })
            }
            None => Ok(()),
        }
    }

    fn group(
        &mut self,
        line: usize,
        name: &[u8],
        threshold: &[u8],
        names: &[&[u8]],
    ) -> Result<(), Rejection> {
        let threshold = match threshold {
            b"any" => Some(1),
            b"all" => Some(names.len()),
            digits if digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0") => {
                let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
                number.filter(|threshold| (1..=names.len()).contains(threshold))
            }
            _ => None,
        };
        let count = names.len();
        let threshold = threshold.ok_or_else(|| {
            malformed(line, format!("expected `any`, `all` or a number from 1 to {count}"))
        })?;
        let mut members = Vec::with_capacity(count);
        for member in names {
            members.push(self.defined(line, member)?);
            if !self.used.insert(member.to_vec()) {
                let message = format!("`{}` is a member of a group already", shown(member));
                return Err(malformed(line, message));
            }
        }
        let name = self.define(line, name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name, threshold, members });
        bounded(line, self.groups.len())
    }

    fn quorum(&mut self, line: usize, name: &[u8]) -> Result<(), Rejection> {
        if self.quorum.is_some() {
            return Err(malformed(line, "a second `quorum` line"));
        }
        self.quorum = Some(match name {
            NONE => None,
            name => Some(self.defined(line, name)?),
        });
        Ok(())
    }

    fn define(&mut self, line: usize, name: &[u8], member: Member) -> Result<String, Rejection> {
        if name == NONE {
            return Err(malformed(line, "the name `none` is taken: it means a quorum of nobody"));
        }
        if self.names.insert(name.to_vec(), member).is_some() {
            return Err(Rejection::NameRepeated {
                path: format!("line {line}"),
                name: shown(name),
            });
        }
        Ok(shown(name))
    }

    fn defined(&self, line: usize, name: &[u8]) -> Result<Member, Rejection> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| {
            malformed(line, format!("no line above defines a witness or group `{}`", shown(name)))
        })
    }
}

fn bounded(line: usize, entries: usize) -> Result<(), Rejection> {
    match entries > MAX_ENTRIES {
        true => Err(malformed(line, "more than 256 logs, witnesses or groups")),
        false => Ok(()),
    }
}

fn vkey(line: usize, text: &[u8]) -> Result<Vkey, Rejection> {
    let text = std::str::from_utf8(text).map_err(|_| malformed(line, "a key that is not UTF-8"))?;
    text.parse().map_err(|why: Rejection| malformed(line, why.to_string()))
}

/// A name as it is shown, and not whole if it is long.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(100).collect()
}
