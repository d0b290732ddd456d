//! Reads what packages may do in Cargo's local copies of their sources; nothing is run.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_gate::capability::{self, ByPackage, Capabilities};
use weft_gate::content;
use weft_gate::inventory::{Inventory, Package};

use super::contents;
use super::copies::{self, Copies};
use super::files;

/// The largest Rust file that is read, in bytes.
const MAX_FILE: usize = 16 << 20;

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// Why.
    pub reason: String,
    /// A package URL, or what is told of no package.
    pub subject: String,
}

/// Reads the named packages of an inventory, and says of which something was not read.
pub fn capabilities(inventory: &Inventory, named: &BTreeSet<&str>) -> (ByPackage, Vec<Unread>) {
    let copies = Copies::of(inventory);
    let read = |package: &Package| {
        let unread = |reason| Unread { reason, subject: package.id.clone() };
        let copy = copies.as_ref().map_err(Clone::clone).and_then(|copies| {
            let absent = || "its sources are not in Cargo's home directory".to_owned();
            copies.find(package).ok_or_else(absent)
        });
        match copy.and_then(|copy| read(&copy)) {
            Ok((read, notes)) => {
                (Some((package.id.clone(), read)), notes.into_iter().map(unread).collect())
            }
            Err(reason) => (None, vec![unread(reason)]),
        }
    };
    let wanted = inventory.packages.par_iter().filter(|p| named.contains(&*p.id) && !p.member);
    let (known, unread): (Vec<_>, Vec<Vec<Unread>>) = wanted.map(read).unzip();
    (known.into_iter().flatten().collect(), unread.into_iter().flatten().collect())
}

/// Reads one package; what of it was not read comes back as sentences.
fn read(copy: &Path) -> Result<(Capabilities, Vec<String>), String> {
    let stated = copies::manifest(copy)?;
    let script = contents::build_script(copy)?;
    let deeds = script.as_ref().map(|script| content::deeds(&script.text)).transpose()?;
    let files = copies::walk(copy);
    let mut unread = files.unread;
    let mut unsafe_words = 0;
    for (path, file) in files.found {
        if !path.ends_with(".rs") {
            continue;
        }
        let bytes = files::read_bounded(&file, MAX_FILE).map_err(|e| e.to_string());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|e| e.to_string()));
        match text.and_then(|text| capability::unsafe_words(&text)) {
            Ok(words) => unsafe_words += words,
            Err(why) => unread.push(format!("`unsafe` is not counted in `{path}`: {why}")),
        }
    }
    let capabilities = Capabilities {
        build_script: script.map(|script| script.path),
        deeds: deeds.unwrap_or_default(),
        license: stated.expression,
        proc_macro: stated.proc_macro,
        unsafe_words,
    };
    Ok((capabilities, unread))
}
