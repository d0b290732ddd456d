//! Looks at what lies in Cargo's local copies of packages, and remembers it by the checksum of their archive.
//!
//! Nothing is run. What is remembered lies in Cargo's home directory beside the copies: whoever can write there can
//! write what is built.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use weft_gate::content::{self, Binary, Content};
use weft_gate::facts::{Contents, Known};
use weft_gate::inventory::{Inventory, Package, Source};
use weft_verify::canonical;

use super::cargo;
use super::files;
use super::index;

/// How many files of one package are looked at.
const MAX_FILES: usize = 50_000;

/// How deep they may lie.
const MAX_DEPTH: usize = 32;

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
    let sources = home.join("registry").join("src");
    let memory = home.join("weft").join("contents");
    let mut directories = BTreeMap::<&str, Vec<PathBuf>>::new();
    for package in &inventory.packages {
        if let Source::Registry { url } = &package.source {
            let directory = || index::directories(&sources, &package.source, url);
            directories.entry(url).or_insert_with(directory);
        }
    }
    let look = |package: &Package| {
        let Source::Registry { url } = &package.source else { return None };
        let name = format!("{}-{}", package.name, package.version);
        let copies = directories.get(&**url)?.iter();
        let copy = copies.map(|copies| copies.join(&name)).find(|path| path.is_dir())?;
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
    let mut open = vec![(copy.to_owned(), String::new(), 0)];
    let mut seen = 0;
    while let Some((directory, prefix, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            content.unread.push(format!("the folder `{prefix}` is not read"));
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < MAX_DEPTH {
                open.push((entry.path(), path, depth + 1));
            } else if kind.is_file() {
                content.binaries.extend(binary(&entry.path(), path));
            } else {
                content.unread.push(format!("`{path}` is no file that is looked at"));
            }
        }
        if seen > MAX_FILES {
            content.unread.push(format!("more than {MAX_FILES} files are not looked at"));
            break;
        }
    }
    content.dirty = dirty(copy);
    match build_script(copy) {
        Ok(Some(script)) => match content::deeds(&script) {
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

/// Reads the build script that a package's manifest names.
fn build_script(copy: &Path) -> Result<Option<String>, String> {
    let unread = |why: String| format!("its build script is not read: {why}");
    let manifest = files::read_bounded(&copy.join("Cargo.toml"), 4 << 20);
    let manifest = manifest.map_err(|e| unread(e.to_string()))?;
    let stated = weft_gate::input::license::parse("Cargo.toml", &manifest);
    let path = match stated.map_err(|e| unread(e.message))?.build {
        Some(path) => path,
        None => return Ok(None),
    };
    let real = copy.canonicalize().map_err(|e| unread(e.kind().to_string()))?;
    match files::read_inside(&real, &real.join(&path), content::MAX_SCRIPT) {
        Ok(Some(bytes)) => String::from_utf8(bytes).map(Some).map_err(|e| unread(e.to_string())),
        Ok(None) if path == "build.rs" => Ok(None),
        Ok(None) => Err(unread(format!("`{path}` is not there"))),
        Err(refusal) => Err(unread(refusal.to_string())),
    }
}
