//! Reads what packages say of their licences: in Cargo's local copies of their sources, and in what Cargo says of them.

use std::fs;
use std::path::{Component, Path};
use std::sync::OnceLock;

use rayon::prelude::*;
use spdx::detection::scan::Scanner;
use spdx::detection::{Store, TextData};
use weft_gate::facts::{Known, LicenseText, Licenses, Terms};
use weft_gate::inventory::{Inventory, Package};
use weft_gate::policy::{LicenseFile, LicensePolicy};
use weft_verify::Sha256;

use super::copies::{self, Copies};
use super::files;
use super::memory::Memory;

/// The largest text of a licence that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// The version of how texts are matched, by `spdx` 0.13; what an older one found is not asked.
const TEXTS: u32 = 1;

/// How many files of a package are looked at for the text of a licence.
const MAX_TEXTS: usize = 16;

/// Reads the licence of every judged package from elsewhere; of a policy without licences, of none.
pub fn licenses(inventory: &Inventory, policy: &LicensePolicy) -> Known<Licenses> {
    if policy.allow.is_empty() {
        return Known::Unknown("the policy lists no licences".to_owned());
    }
    let copies = match Copies::of(inventory) {
        Ok(copies) => copies,
        Err(reason) => return Known::Unknown(reason),
    };
    let memory = Memory::of("licenses", TEXTS);
    let read = |package: &Package| {
        let copy = copies.find(package);
        Some((package.id.clone(), terms(package, copy.as_deref(), policy, &memory)?))
    };
    let judged = inventory.packages.par_iter().filter(|p| p.selected && !p.member);
    Known::Value(judged.filter_map(read).collect())
}

/// Reads one package; `None` where neither Cargo nor a copy says anything.
fn terms(
    package: &Package,
    copy: Option<&Path>,
    policy: &LicensePolicy,
    memory: &Memory,
) -> Option<Terms> {
    let by_cargo = package.manifest.as_ref().map(|manifest| manifest.license.clone());
    let Some(copy) = copy else {
        return by_cargo.map(|expression| Terms { expression, ..Terms::default() });
    };
    let stated = copies::manifest(copy).ok()?;
    let expression = by_cargo.flatten().or(stated.expression);
    let clarified = policy.clarify.iter().filter(|c| c.name == package.name);
    let mut named: Vec<LicenseFile> = clarified
        .flat_map(|clarification| &clarification.files)
        .filter_map(|file| digest(copy, &file.path))
        .collect();
    named.sort();
    named.dedup();
    let text = match &expression {
        Some(_) => None,
        None => memory.recall(package, || texts(copy, stated.file.as_deref())),
    };
    Some(Terms { expression, files: named, text })
}

fn digest(copy: &Path, path: &str) -> Option<LicenseFile> {
    let bytes = read(copy, path)?;
    Some(LicenseFile { path: path.to_owned(), sha256: Sha256::of(&bytes) })
}

/// Reads a file of a package, which has to lie in it.
fn read(copy: &Path, path: &str) -> Option<Vec<u8>> {
    let relative = Path::new(path);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let copy = copy.canonicalize().ok().filter(|_| inside)?;
    files::read_inside(&copy, &copy.join(relative), MAX_TEXT).ok()?
}

/// Says which licences the files of a package are the texts of.
fn texts(copy: &Path, stated: Option<&str>) -> Option<LicenseText> {
    let mut candidates: Vec<String> = stated.map(str::to_owned).into_iter().collect();
    let entries = fs::read_dir(copy).ok()?;
    let mut found: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let name = name.to_ascii_uppercase();
            ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|p| name.starts_with(p))
        })
        .collect();
    found.sort();
    candidates.extend(found);
    candidates.truncate(MAX_TEXTS);
    candidates.dedup();
    // Each file may be a term of its own, so all of them count, and the least sure says how sure it is.
    let mut texts: Vec<LicenseText> = Vec::new();
    for path in candidates {
        let text = matched(copy, &path);
        if text.license == NOTHING {
            return Some(text);
        }
        if !texts.iter().any(|known| known.license == text.license) {
            texts.push(text);
        }
    }
    let licenses: Vec<&str> = texts.iter().map(|text| &*text.license).collect();
    let license = licenses.join(" AND ");
    let paths: Vec<&str> = texts.iter().map(|text| &*text.path).collect();
    let path = paths.join(" and ");
    let confidence_thousandths = texts.iter().map(|text| text.confidence_thousandths).min()?;
    Some(LicenseText { confidence_thousandths, license, path })
}

/// What a text is like that is like none.
const NOTHING: &str = "nothing that SPDX lists";

fn matched(copy: &Path, path: &str) -> LicenseText {
    let matched = || {
        let bytes = read(copy, path)?;
        let text = TextData::new(str::from_utf8(&bytes).ok()?);
        let scanner = Scanner::new(store()?).confidence_threshold(0.5).optimize(false);
        let result = scanner.scan(&text);
        let license = result.license?.name.to_owned();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a score is from 0 to 1"
        )]
        let confidence_thousandths = (result.score.clamp(0.0, 1.0) * 1000.0).floor() as u32;
        Some((license, confidence_thousandths))
    };
    let (license, confidence_thousandths) = matched().unwrap_or((NOTHING.to_owned(), 0));
    LicenseText { confidence_thousandths, license, path: path.to_owned() }
}

/// Returns the texts of the licences that SPDX lists, unpacked once.
fn store() -> Option<&'static Store> {
    static STORE: OnceLock<Option<Store>> = OnceLock::new();
    STORE.get_or_init(|| Store::load_inline().ok()).as_ref()
}
