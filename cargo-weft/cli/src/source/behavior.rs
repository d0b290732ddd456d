//! Reads how packages behave in Cargo's local copies of their sources; nothing is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_gate::behavior::{self, Behavior, Part};
use weft_gate::capability::{self, ByPackage, Update};
use weft_gate::diff::Diff;
use weft_gate::inventory::{Inventory, Package};

use super::contents;
use super::copies::{self, Copies};
use super::files;
use super::memory::Memory;

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// Why.
    pub reason: String,
    /// A package URL, or what is told of no package.
    pub subject: String,
}

/// Reads the packages from elsewhere that a change brings, and those whose place they take.
pub fn updates(base: &Inventory, head: &Inventory) -> Vec<Update> {
    let pairs = capability::pairs(&Diff::of(base, head), base, head);
    let before = read(base, pairs.iter().filter_map(|(from, _)| *from));
    let after = read(head, pairs.iter().map(|(_, to)| *to));
    let update = |(from, to): (Option<&Package>, &Package)| Update {
        after: after.get(&to.id).cloned(),
        before: from.and_then(|from| before.get(&from.id).cloned()),
        from: from.map(|from| from.id.clone()),
        package: to.id.clone(),
    };
    pairs.into_iter().map(update).collect()
}

/// Lists what of updates was not looked at, sorted.
pub fn unlooked(updates: &[Update]) -> Vec<Unread> {
    let of = |id: &str, behavior: Option<&Behavior>| -> Vec<Unread> {
        let unread = |reason: String| Unread { reason, subject: id.to_owned() };
        match behavior {
            Some(behavior) => behavior.unread.iter().cloned().map(unread).collect(),
            None => vec![unread("its sources are not in Cargo's home directory".to_owned())],
        }
    };
    let both = updates.iter().flat_map(|update| {
        let before = update.from.iter().flat_map(|from| of(from, update.before.as_ref()));
        before.chain(of(&update.package, update.after.as_ref())).collect::<Vec<_>>()
    });
    let mut unread: Vec<Unread> = both.collect();
    unread.sort();
    unread.dedup();
    unread
}

/// Reads packages of an inventory; one without a copy is absent.
pub fn read<'a>(
    inventory: &Inventory,
    packages: impl IntoIterator<Item = &'a Package>,
) -> ByPackage {
    let Ok(copies) = Copies::of(inventory) else { return BTreeMap::new() };
    let memory = Memory::of("behavior", behavior::SCAN);
    let wanted: Vec<&Package> = packages.into_iter().collect();
    let look = |package: &&Package| {
        let copy = copies.find(package)?;
        Some((package.id.clone(), memory.recall(package, || scan(&copy))))
    };
    wanted.par_iter().filter_map(look).collect()
}

/// Reads one package.
pub fn scan(copy: &Path) -> Behavior {
    let (stated, why_not) = match copies::manifest(copy) {
        Ok(stated) => (stated, None),
        Err(why) => (Default::default(), Some(format!("its manifest is not read: {why}"))),
    };
    let script = contents::build_script(copy);
    let (script, no_script) = match script {
        Ok(script) => (script.map(|script| script.path), None),
        Err(why) => (stated.build.clone(), Some(why)),
    };
    let mut behavior = Behavior::of(&stated, script);
    behavior.unread.extend(why_not.into_iter().chain(no_script));
    let files = copies::walk(copy);
    behavior.unread.extend(files.unread);
    let files: BTreeMap<String, PathBuf> = files.found.into_iter().collect();
    for (path, file) in &files {
        match contents::binary(file) {
            Ok(Some(kind)) => behavior.add_binary(path, kind),
            Ok(None) => {}
            Err(why) => behavior.unread.push(format!("`{path}` cannot be read: {why}")),
        }
    }
    let rust = || files.keys().filter(|path| path.ends_with(".rs"));
    let of_a_part = rust().filter_map(|path| Some((path.clone(), behavior.part(path)?)));
    let mut open: Vec<(String, Part)> = of_a_part.collect();
    open.reverse();
    let mut seen = BTreeMap::<String, Vec<Part>>::new();
    // What takes code from a folder of tests makes it its own.
    while let Some((path, part)) = open.pop() {
        let Some(file) = files.get(&path) else { continue };
        let parts = seen.entry(path.clone()).or_default();
        if parts.contains(&part) {
            continue;
        }
        let is_known = !parts.is_empty();
        parts.push(part);
        let taken = match text(file) {
            Ok(text) if is_known => behavior.share(&path, &text, part),
            Ok(text) => behavior.add(&path, &text, Some(part)),
            Err(why) => unread(&mut behavior, &path, &why),
        };
        open.extend(taken.into_iter().map(|path| (path, part)));
    }
    for path in rust().filter(|path| !seen.contains_key(*path)) {
        match text(&files[path]) {
            Ok(text) => behavior.add(path, &text, None),
            Err(why) => unread(&mut behavior, path, &why),
        };
    }
    behavior.finish();
    behavior
}

fn text(file: &Path) -> Result<String, String> {
    let bytes = files::read_bounded(file, behavior::MAX_FILE).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

/// Writes down that a file was not read; nothing is taken from it.
fn unread(behavior: &mut Behavior, path: &str, why: &str) -> Vec<String> {
    behavior.unread.push(format!("`{path}` is not read: {why}"));
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use weft_gate::behavior::Act;

    use super::*;

    #[test]
    fn code_belongs_to_whoever_takes_it_in() {
        let copy = tempfile::tempdir().unwrap();
        let connects = "fn a() { std::net::TcpStream::connect(b) }\n";
        for (path, text) in [
            ("Cargo.toml", "[package]\nname = \"a\"\n"),
            ("build.rs", "#[path = \"src/shared.rs\"]\nmod shared;\n"),
            ("src/lib.rs", "mod shared;\ninclude!(\"../examples/a.in\");\n"),
            ("src/shared.rs", "fn a() { std::env::var(b) }\ninclude!(\"shared.rs\");\n"),
            ("examples/a.in", "include!(\"../../../outside.rs\");\nuse std::fs;\n"),
            ("examples/b.rs", connects),
            ("tests/c.rs", "fn a() { unsafe {} std::process::Command::new(b) }\n"),
        ] {
            let path = copy.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let behavior = scan(copy.path());
        let does = |part, act| behavior.does(part, act).is_some();
        assert!(does(Part::Build, Act::Environment) && does(Part::Library, Act::Environment));
        assert!(does(Part::Library, Act::Filesystem) && !does(Part::Build, Act::Filesystem));
        assert_eq!(behavior.traces.len(), 3, "tests and examples do nothing");
        assert_eq!((behavior.files, behavior.unsafe_words), (6, 1));
        assert_eq!(behavior.unread, [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_written_down() {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("Cargo.toml"), "[package]\nbuild = \"gone.rs\"\n").unwrap();
        fs::write(copy.path().join("a.rs"), b"\xff").unwrap();
        let unread = scan(copy.path()).unread;
        assert_eq!(unread.len(), 2);
        assert!(unread[0].starts_with("`a.rs` is not read: "), "{unread:?}");
        assert!(unread[1].starts_with("its build script is not read: "), "{unread:?}");
    }
}
