//! Looks at what lies in Cargo's local copies of packages; nothing is run.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use weft_gate::content::{self, Binary, Content};
use weft_gate::facts::{Contents, Known};
use weft_gate::inventory::{Inventory, Package};

use super::copies::{self, Copies};
use super::files;
use super::memory::Memory;

/// Looks at every judged package from a registry.
pub fn contents(inventory: &Inventory) -> Known<Contents> {
    let memory = Memory::of("contents", content::SCAN);
    let copies = match Copies::of(inventory) {
        Ok(copies) => copies,
        Err(reason) => return Known::Unknown(reason),
    };
    let look = |package: &Package| {
        let copy = copies.find(package)?;
        Some((package.id.clone(), memory.recall(package, || scan(&copy))))
    };
    let judged = inventory.packages.par_iter().filter(|p| p.is_present() && !p.member);
    Known::Value(judged.filter_map(look).collect())
}

/// Looks at one package.
fn scan(copy: &Path) -> Content {
    let mut content = Content::default();
    let files = copies::walk(copy);
    content.unread = files.unread;
    for (path, file) in files.found {
        match binary(&file) {
            Ok(Some(kind)) => content.binaries.push(Binary { path, kind: kind.to_owned() }),
            Ok(None) => {}
            Err(why) => content.unread.push(format!("`{path}` cannot be read: {why}")),
        }
    }
    match copies::commit(copy) {
        Ok(commit) => content.dirty = commit.map(|commit| commit.dirty),
        Err(why) => content.unread.push(why),
    }
    match build_script(copy) {
        Ok(Some(script)) => match content::deeds(&script.text) {
            Ok(deeds) => content.build = deeds,
            Err(why) => content.unread.push(why),
        },
        Ok(None) => {}
        Err(why) => content.unread.push(why),
    }
    content.binaries.sort();
    content.unread.sort();
    content
}

/// Says what a file's first bytes show it to be, if a machine runs or links it.
pub(super) fn binary(file: &Path) -> Result<Option<&'static str>, String> {
    let mut head = Vec::with_capacity(content::HEAD);
    let read =
        File::open(file).and_then(|file| file.take(content::HEAD as u64).read_to_end(&mut head));
    read.map_err(|e| e.kind().to_string())?;
    Ok(content::binary(&head))
}

/// A build script.
pub(super) struct Script {
    /// Its path in the package.
    pub(super) path: String,
    pub(super) text: String,
}

/// Reads the build script that a package's manifest names.
///
/// # Errors
///
/// A sentence: the manifest or the script it names cannot be read.
pub(super) fn build_script(copy: &Path) -> Result<Option<Script>, String> {
    let unread = |why: String| format!("its build script is not read: {why}");
    let Some(path) = copies::manifest(copy).map_err(unread)?.build else { return Ok(None) };
    let real = copy.canonicalize().map_err(|e| unread(e.kind().to_string()))?;
    match files::read_inside(&real, &real.join(&path), content::MAX_SCRIPT) {
        Ok(Some(bytes)) => {
            let text = String::from_utf8(bytes).map_err(|e| unread(e.to_string()))?;
            Ok(Some(Script { path, text }))
        }
        Ok(None) if path == "build.rs" => Ok(None),
        Ok(None) => Err(unread(format!("`{path}` is not there"))),
        Err(refusal) => Err(unread(refusal.to_string())),
    }
}
