//! Looks at what lies in Cargo's local copies of packages, and remembers it by the checksum of their archive.
//!
//! Nothing is run. What is remembered lies in Cargo's home directory beside the copies: whoever can write there can
//! write what is built.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use weft_gate::content::{self, Binary, Content};
use weft_gate::facts::{Contents, Known};
use weft_gate::inventory::{Inventory, Package};
use weft_verify::canonical;

use super::cargo;
use super::copies::{self, Copies};
use super::files;

/// What is remembered of a package.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    content: Content,
    scan: u32,
}

/// Looks at every judged package from a registry.
pub fn contents(inventory: &Inventory) -> Known<Contents> {
    let Some(home) = cargo::cargo_home() else {
        return Known::Unknown("there is no Cargo home directory".to_owned());
    };
    let memory = home.join("weft").join("contents");
    let copies = match Copies::of(inventory) {
        Ok(copies) => copies,
        Err(reason) => return Known::Unknown(reason),
    };
    let look = |package: &Package| {
        let copy = copies.find(package)?;
        Some((package.id.clone(), remembered(package, &copy, &memory)))
    };
    let judged = inventory.packages.par_iter().filter(|p| p.selected && !p.member);
    Known::Value(judged.filter_map(look).collect())
}

fn remembered(package: &Package, copy: &Path, memory: &Path) -> Content {
    let Some(checksum) = &package.checksum else { return scan(copy) };
    let path = memory.join(checksum.to_string());
    let known = files::read_bounded(&path, 1 << 20).ok();
    let known = known.and_then(|bytes| serde_json::from_slice::<Remembered>(&bytes).ok());
    if let Some(known) = known.filter(|known| known.scan == content::SCAN) {
        return known.content;
    }
    let content = scan(copy);
    let remembered = Remembered { content: content.clone(), scan: content::SCAN };
    // Without a memory the next run is slower, and as right.
    if let Ok(bytes) = canonical::to_vec(&remembered)
        && fs::create_dir_all(memory).is_ok()
    {
        _ = files::replace(&path, &bytes);
    }
    content
}

/// Looks at one package.
fn scan(copy: &Path) -> Content {
    let mut content = Content::default();
    let files = copies::walk(copy);
    content.unread = files.unread;
    for (path, file) in files.found {
        content.binaries.extend(binary(&file, path));
    }
    content.dirty = dirty(copy);
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

fn binary(file: &Path, path: String) -> Option<Binary> {
    let mut head = Vec::with_capacity(content::HEAD);
    File::open(file).ok()?.take(content::HEAD as u64).read_to_end(&mut head).ok()?;
    content::binary(&head).map(|kind| Binary { path, kind: kind.to_owned() })
}

/// Reads what `cargo package` wrote of the work tree (The Cargo Book, `cargo package`).
fn dirty(copy: &Path) -> Option<bool> {
    let bytes = files::read_bounded(&copy.join(".cargo_vcs_info.json"), 1 << 16).ok()?;
    let info: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let git = info.get("git")?;
    Some(git.get("dirty").and_then(serde_json::Value::as_bool).unwrap_or(false))
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
