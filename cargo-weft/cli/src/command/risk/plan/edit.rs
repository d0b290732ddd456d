//! Edits of manifests that drop a dependency or a feature of one, as unified diffs; nothing is written.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, TableLike, Value, value};
use weft_gate::input::manifest;
use weft_gate::inventory::{DependencyKind, Edge, Inventory};
use weft_gate::risk::feature::DEFAULT;

use crate::source::files;
use crate::source::workspace::Tree;

/// The dependency tables of what is built; those of tests and benchmarks are left as they are.
const TABLES: [&str; 3] = ["dependencies", "build-dependencies", "build_dependencies"];

/// The dependency tables of tests and benchmarks.
const DEV_TABLES: [&str; 2] = ["dev-dependencies", "dev_dependencies"];

/// Lines around a change.
const AROUND: usize = 3;

/// The longest part of a manifest that is compared line by line.
const MAX_LINES: usize = 4_000;

/// What is dropped: a crate, or a feature of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dropped {
    pub(super) name: String,
    pub(super) feature: Option<String>,
}

/// An edit of the manifests of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Edit {
    /// What it drops: `CRATE`, or `CRATE/FEATURE`; several that are dropped together with commas between them.
    pub(super) drops: String,
    /// The edit as a unified diff of the manifests as they are, with paths from the workspace root; empty where no
    /// manifest that was read asks for it.
    pub(super) diff: String,
    /// The first line that changes in each manifest, `FILE:LINE`.
    pub(super) lines: Vec<String>,
}

impl Dropped {
    /// Reads `CRATE`, or `CRATE/FEATURE`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, feature) = match text.split_once('/') {
            Some((name, feature)) => (name, Some(feature)),
            None => (text, None),
        };
        if !weft_gate::input::is_package_name(name) || feature.is_some_and(str::is_empty) {
            return Err("write it as CRATE or CRATE/FEATURE".to_owned());
        }
        Ok(Self { name: name.to_owned(), feature: feature.map(str::to_owned) })
    }
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.feature {
            Some(feature) => write!(f, "{}/{feature}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Edits the manifests of a tree.
///
/// # Errors
///
/// A sentence: a manifest cannot be read again.
pub(super) fn edit(tree: &Tree, dropped: &Dropped) -> Result<Edit, String> {
    together(tree, std::slice::from_ref(dropped))
}

/// Edits the manifests of a tree so that all of these are dropped: edits of one line could not be made one by one.
///
/// # Errors
///
/// A sentence: a manifest cannot be read again.
pub(super) fn together(tree: &Tree, dropped: &[Dropped]) -> Result<Edit, String> {
    let drops: Vec<String> = dropped.iter().map(Dropped::to_string).collect();
    let mut edit = Edit { drops: drops.join(", "), diff: String::new(), lines: Vec::new() };
    let mut texts = Vec::new();
    for manifest in &tree.manifests {
        texts.push((manifest.file.clone(), read(tree, &manifest.file)?));
    }
    let is_tested = |name: &str| texts.iter().any(|(_, text)| is_inherited_by_tests(text, name));
    let tested: Vec<&str> =
        dropped.iter().map(|d| &*d.name).filter(|name| is_tested(name)).collect();
    for (file, text) in &texts {
        let after = edited(text, dropped, &tested)
            .ok_or_else(|| format!("{} cannot be edited", file.escape_debug()))?;
        if let Some((line, diff)) = unified(file, text, &after) {
            edit.lines.push(format!("{file}:{line}"));
            edit.diff.push_str(&diff);
        }
    }
    Ok(edit)
}

/// Says who still needs a crate once the manifests are edited so that all of these are dropped: other packages by their
/// names and versions, and the tests of members.
///
/// Features that the edit takes away from others are not reckoned with.
pub(super) fn stays(inventory: &Inventory, name: &str, dropped: &[Dropped]) -> Vec<String> {
    let is_dropped = |at: u32| {
        let package = inventory.package(at);
        let mut whole = dropped.iter().filter(|dropped| dropped.feature.is_none());
        whole.any(|dropped| dropped.name == package.name) && !package.source.is_path()
    };
    let is_edited = |edge: &Edge| {
        inventory.package(edge.from).source.is_path()
            && !edge.declared.is_empty()
            && is_dropped(edge.to)
    };
    let is_for_tests = |edge: &Edge| edge.declared.iter().any(|d| d.kind == DependencyKind::Dev);
    let is_kept =
        |edge: &&Edge| (edge.selected || edge.dev) && (!is_edited(edge) || is_for_tests(edge));
    let kept: Vec<&Edge> = inventory.edges.iter().filter(is_kept).collect();
    let mut is_reached: Vec<bool> = inventory.packages.iter().map(|p| p.member).collect();
    let mut stack: Vec<u32> =
        (0..).zip(&is_reached).filter(|(_, is)| **is).map(|(i, _)| i).collect();
    while let Some(from) = stack.pop() {
        // Edges are sorted by where they begin.
        let first = kept.partition_point(|edge| edge.from < from);
        for edge in kept[first..].iter().take_while(|edge| edge.from == from) {
            if !std::mem::replace(&mut is_reached[edge.to as usize], true) {
                stack.push(edge.to);
            }
        }
    }
    let needed = kept
        .iter()
        .filter(|edge| is_reached[edge.from as usize] && inventory.package(edge.to).name == name);
    let mut who: Vec<String> = needed
        .map(|edge| match inventory.package(edge.from) {
            member if is_edited(edge) => format!("tests of {}", member.name),
            package => package.spec(),
        })
        .collect();
    who.sort();
    who.dedup();
    who
}

fn read(tree: &Tree, file: &str) -> Result<String, String> {
    let path = files::normal(&tree.root.join(Path::new(file)));
    let bytes = files::read_inside(&tree.checkout, &path, manifest::MAX_BYTES);
    let shown = file.escape_debug();
    let bytes = bytes.map_err(|refusal| format!("{shown} {refusal}"))?;
    let bytes = bytes.ok_or_else(|| format!("{shown} is not there"))?;
    String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))
}

/// Says whether tests inherit a dependency of the workspace, so that its entry there has to stay.
fn is_inherited_by_tests(text: &str, name: &str) -> bool {
    let Ok(document) = text.parse::<DocumentMut>() else { return false };
    let mut document = document;
    let mut found = false;
    each_table(&mut document, &DEV_TABLES, &mut |table| {
        let inherited = |item: &Item| item.get("workspace").and_then(Item::as_bool) == Some(true);
        found |= table.get(name).is_some_and(inherited);
    });
    found
}

/// Edits one manifest; nothing if it cannot be parsed. Of those that are `tested`, entries of the workspace stay.
fn edited(text: &str, dropped: &[Dropped], tested: &[&str]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    for dropped in dropped {
        drop_from(&mut document, dropped, tested.contains(&&*dropped.name));
    }
    Some(restored(text, &document.to_string()))
}

fn drop_from(document: &mut DocumentMut, dropped: &Dropped, is_tested: bool) {
    let mut keys = Vec::new();
    each_table(document, &TABLES, &mut |table| change(table, dropped, &mut keys));
    let shared = document.get_mut("workspace").and_then(|w| w.get_mut("dependencies"));
    if let Some(table) = shared.and_then(Item::as_table_like_mut)
        && (dropped.feature.is_some() || !is_tested)
    {
        change(table, dropped, &mut Vec::new());
    }
    if dropped.feature.is_none() {
        let features = document.get_mut("features").and_then(Item::as_table_like_mut);
        for (_, list) in features.into_iter().flat_map(|features| features.iter_mut()) {
            if let Some(list) = list.as_array_mut() {
                retain(list, |entry| !asks_for(entry, &keys));
            }
        }
    }
}

/// Gives an edited text what `toml_edit` does not keep of the one before: the mark that it begins with, the ends of its
/// lines, and that its last line has none.
fn restored(before: &str, after: &str) -> String {
    const MARK: char = '\u{feff}';
    let old = lines(before);
    let plain =
        |line: &&str| format!("{}\n", line.trim_start_matches(MARK).trim_end_matches(['\r', '\n']));
    let plain: Vec<String> = old.iter().map(plain).collect();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let ended = if after.ends_with('\n') { "" } else { "\n" };
    let after = format!("{after}{ended}");
    let new = lines(&after);
    let end = match 2 * before.matches("\r\n").count() > before.matches('\n').count() {
        true => "\r\n",
        false => "\n",
    };
    let mut out = String::new();
    for op in compared(&plain, &new) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(end);
        }
        match op {
            Op::Kept(at) => out.push_str(old[at]),
            Op::Removed(_) => {}
            Op::Added(at) => {
                out.push_str(new[at].trim_end_matches('\n'));
                out.push_str(end);
            }
        }
    }
    match before.starts_with(MARK) && !out.starts_with(MARK) {
        true => format!("{MARK}{out}"),
        false => out,
    }
}

/// Visits dependency tables, those of targets too.
fn each_table(
    document: &mut DocumentMut,
    names: &[&str],
    visit: &mut dyn FnMut(&mut dyn TableLike),
) {
    for name in names {
        if let Some(table) = document.get_mut(name).and_then(Item::as_table_like_mut) {
            visit(table);
        }
    }
    let targets = document.get_mut("target").and_then(Item::as_table_like_mut);
    for (_, target) in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        for name in names {
            if let Some(table) = target.get_mut(name).and_then(Item::as_table_like_mut) {
                visit(table);
            }
        }
    }
}

/// Drops what a table asks for, and remembers the keys of removed entries.
fn change(table: &mut dyn TableLike, dropped: &Dropped, keys: &mut Vec<String>) {
    let is_meant = |key: &str, item: &Item| {
        item.get("package").and_then(Item::as_str).unwrap_or(key) == dropped.name
            && item.get("path").is_none()
    };
    let meant: Vec<String> =
        table.iter().filter(|(key, item)| is_meant(key, item)).map(|(k, _)| k.to_owned()).collect();
    for key in meant {
        match &dropped.feature {
            None => {
                table.remove(&key);
                keys.push(key);
            }
            Some(feature) => {
                if let Some(item) = table.get_mut(&key) {
                    switch_off(item, feature);
                }
            }
        }
    }
}

/// Takes a feature from an entry.
fn switch_off(item: &mut Item, feature: &str) {
    if feature != DEFAULT {
        return within(item, |table| {
            let Some(list) = table.get_mut("features").and_then(Item::as_array_mut) else { return };
            retain(list, |entry| entry != feature);
            if list.is_empty() {
                table.remove("features");
            }
        });
    }
    let is_inherited = item.get("workspace").and_then(Item::as_bool) == Some(true);
    if let Some(stated) = item.as_value_mut().filter(|stated| stated.is_str()) {
        let mut table = InlineTable::new();
        table.insert("version", Value::from(stated.as_str().unwrap_or_default()));
        table.insert("default-features", Value::from(false));
        return replace(stated, Value::from(table));
    }
    within(item, |table| {
        let spelt = ["default-features", "default_features"];
        let key = spelt.into_iter().find(|key| table.contains_key(key)).unwrap_or(spelt[0]);
        match table.get_mut(key).and_then(Item::as_value_mut) {
            // The workspace says so for all that inherit it.
            _ if is_inherited => _ = table.remove(key),
            Some(stated) => replace(stated, Value::from(false)),
            None => _ = table.insert(key, value(false)),
        }
    });
}

/// Puts another value in the place of one, with the spaces and comments around it.
fn replace(stated: &mut Value, new: Value) {
    let decor = stated.decor().clone();
    *stated = new;
    *stated.decor_mut() = decor;
}

/// Changes a table; where it is an inline one, what stood before its brace still does.
fn within(item: &mut Item, change: impl FnOnce(&mut dyn TableLike)) {
    let end = item.as_inline_table_mut().and_then(last).map(|last| {
        let end = last.decor().suffix().cloned();
        last.decor_mut().set_suffix("");
        end.unwrap_or_default()
    });
    if let Some(table) = item.as_table_like_mut() {
        change(table);
    }
    if let (Some(last), Some(end)) = (item.as_inline_table_mut().and_then(last), end) {
        last.decor_mut().set_suffix(end);
    }
}

/// Returns the last value of an inline table.
fn last(table: &mut InlineTable) -> Option<&mut Value> {
    table.iter_mut().last().map(|(_, value)| value)
}

/// Keeps some strings of a list, the first and the last of them with what stood around the first and the last.
fn retain(list: &mut Array, is_kept: impl Fn(&str) -> bool) {
    let around = |list: &Array| -> Option<(RawString, RawString)> {
        let (first, last) = (list.iter().next()?, list.iter().last()?);
        Some((first.decor().prefix()?.clone(), last.decor().suffix()?.clone()))
    };
    let around = around(list);
    list.retain(|entry| entry.as_str().is_none_or(&is_kept));
    if let Some((before, after)) = around
        && let Some(end) = list.len().checked_sub(1)
    {
        if let Some(first) = list.get_mut(0) {
            first.decor_mut().set_prefix(before);
        }
        if let Some(last) = list.get_mut(end) {
            last.decor_mut().set_suffix(after);
        }
    }
}

/// Says whether an entry of a feature asks for one of these dependencies.
fn asks_for(entry: &str, keys: &[String]) -> bool {
    keys.iter().any(|key| {
        let rest = entry.strip_prefix("dep:").unwrap_or(entry);
        let rest = rest.strip_prefix(key.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with("?/"))
    })
}

/// Writes the change of a file as a unified diff, and says with which line it begins; nothing where both are the same.
fn unified(file: &str, before: &str, after: &str) -> Option<(usize, String)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(before), lines(after));
    let ops = compared(&old, &new);
    let changed: Vec<usize> = ops
        .iter()
        .enumerate()
        .filter(|(_, op)| !matches!(op, Op::Kept(..)))
        .map(|(at, _)| at)
        .collect();
    let first = *changed.first()?;
    let mut out = format!("--- a/{file}\n+++ b/{file}\n");
    let mut at = 0;
    while at < changed.len() {
        let mut last = at;
        while changed.get(last + 1).is_some_and(|&next| next - changed[last] <= 2 * AROUND + 1) {
            last += 1;
        }
        let from = changed[at].saturating_sub(AROUND);
        let to = (changed[last] + AROUND + 1).min(ops.len());
        out.push_str(&hunk(&ops, from, to, &old, &new));
        at = last + 1;
    }
    Some((line(&ops, first) + 1, out))
}

/// Splits a text into lines that keep their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A line of a comparison, by its number in the old and the new text.
#[derive(Clone, Copy)]
enum Op {
    Kept(usize),
    Removed(usize),
    Added(usize),
}

/// Compares lines: what both begin and end with is kept, and of the rest a longest common subsequence.
fn compared(old: &[&str], new: &[&str]) -> Vec<Op> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let mut ops: Vec<Op> = (0..start).map(Op::Kept).collect();
    if a.len().max(b.len()) > MAX_LINES {
        ops.extend((0..a.len()).map(|i| Op::Removed(start + i)));
        ops.extend((0..b.len()).map(|j| Op::Added(start + j)));
    } else {
        let width = b.len() + 1;
        let mut longest = vec![0_u32; (a.len() + 1) * width];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                longest[i * width + j] = match a[i] == b[j] {
                    true => longest[(i + 1) * width + j + 1] + 1,
                    false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let is_same = i < a.len() && j < b.len() && a[i] == b[j];
            let is_gone = i < a.len()
                && (j == b.len() || longest[(i + 1) * width + j] >= longest[i * width + j + 1]);
            match (is_same, is_gone) {
                (true, _) => {
                    ops.push(Op::Kept(start + i));
                    (i, j) = (i + 1, j + 1);
                }
                (false, true) => {
                    ops.push(Op::Removed(start + i));
                    i += 1;
                }
                (false, false) => {
                    ops.push(Op::Added(start + j));
                    j += 1;
                }
            }
        }
    }
    ops.extend((old.len() - end..old.len()).map(Op::Kept));
    ops
}

/// Returns how many lines of the old text come before a line of the comparison.
fn line(ops: &[Op], at: usize) -> usize {
    ops[..at].iter().filter(|op| !matches!(op, Op::Added(_))).count()
}

fn hunk(ops: &[Op], from: usize, to: usize, old: &[&str], new: &[&str]) -> String {
    let of_old = |ops: &[Op]| ops.iter().filter(|op| !matches!(op, Op::Added(_))).count();
    let of_new = |ops: &[Op]| ops.iter().filter(|op| !matches!(op, Op::Removed(_))).count();
    let span = |before: usize, count: usize| match count {
        // A range of no lines is named by the line before it.
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        _ => format!("{},{count}", before + 1),
    };
    let (before, within) = (&ops[..from], &ops[from..to]);
    let mut out = format!(
        "@@ -{} +{} @@\n",
        span(of_old(before), of_old(within)),
        span(of_new(before), of_new(within))
    );
    for op in within {
        let (sign, text) = match *op {
            Op::Kept(at) => (' ', old[at]),
            Op::Removed(at) => ('-', old[at]),
            Op::Added(at) => ('+', new[at]),
        };
        out.push(sign);
        out.push_str(text);
        if !text.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(drops: &str, before: &str, after: &str) {
        let dropped: Vec<Dropped> = drops.split(' ').map(|d| Dropped::parse(d).unwrap()).collect();
        assert_eq!(edited(before, &dropped, &[]).unwrap(), after, "{drops}");
    }

    #[test]
    fn a_feature_is_switched_off_wherever_it_is_built_with() {
        check(
            "a/x",
            "[dependencies]\na = { version = \"1\", features = [\"x\", \"y\"] } # why\nb = { version = \"1\", features = [\"x\"] }\n",
            "[dependencies]\na = { version = \"1\", features = [\"y\"] } # why\nb = { version = \"1\", features = [\"x\"] }\n",
        );
        check(
            "a/x",
            "[dependencies.other]\npackage = \"a\"\nversion = \"1\"\nfeatures = [\"x\"]\n",
            "[dependencies.other]\npackage = \"a\"\nversion = \"1\"\n",
        );
        for table in
            ["build-dependencies", "target.'cfg(unix)'.dependencies", "workspace.dependencies"]
        {
            check(
                "a/default",
                &format!("[{table}]\na = \"1\"\n"),
                &format!("[{table}]\na = {{ version = \"1\", default-features = false }}\n"),
            );
        }
        check(
            "a/default",
            "[dependencies]\na = { version = \"1\", default_features = true }\n",
            "[dependencies]\na = { version = \"1\", default_features = false }\n",
        );
        let inherited = "[dependencies]\na = { workspace = true, default-features = true }\n";
        check("a/default", inherited, "[dependencies]\na = { workspace = true }\n");
        let last = "[dependencies]\na = { workspace = true, features = [\"x\"] }\n";
        check("a/x", last, "[dependencies]\na = { workspace = true }\n");
        check(
            "a/x",
            "[dependencies]\na = { version = \"1\", features = [\n  \"x\",\n  \"y\",\n] }\n",
            "[dependencies]\na = { version = \"1\", features = [\n  \"y\",\n] }\n",
        );
    }

    #[test]
    fn what_stands_around_a_change_stays() {
        for (drops, before, after) in [
            (
                "a/default",
                "a = { version = \"1\", features = [\"x\"] } # why",
                "a = { version = \"1\", features = [\"x\"], default-features = false } # why",
            ),
            (
                "a/default",
                "a = {version = \"1\"}",
                "a = {version = \"1\", default-features = false}",
            ),
            (
                "a/default",
                "a = \"1\" # why",
                "a = { version = \"1\", default-features = false } # why",
            ),
            (
                "a/default",
                "a = { default-features =true , version = \"1\" }",
                "a = { default-features =false , version = \"1\" }",
            ),
            (
                "a/x",
                "a = { version = \"1\", features = [ \"y\", \"x\" ] }",
                "a = { version = \"1\", features = [ \"y\" ] }",
            ),
            ("a/x", "a = {version = \"1\", features = [\"x\"]}", "a = {version = \"1\"}"),
            (
                "a/x a/default",
                "a = { version = \"1\", features = [\"x\", \"y\"] }",
                "a = { version = \"1\", features = [\"y\"], default-features = false }",
            ),
        ] {
            let [before, after] = [before, after].map(|line| format!("[dependencies]\n{line}\n"));
            check(drops, &before, &after);
        }
    }

    #[test]
    fn a_dependency_goes_with_what_features_say_of_it() {
        check(
            "a",
            "[dependencies]\n# one\na = \"1\"\nab = \"1\"\n[features]\nf = [\"dep:a\", \"a/x\", \"a?/y\", \"ab/z\", \"a-b\"]\n",
            "[dependencies]\nab = \"1\"\n[features]\nf = [\"ab/z\", \"a-b\"]\n",
        );
    }

    #[test]
    fn what_tests_alone_ask_for_stays() {
        for text in [
            "[dev-dependencies]\na = { version = \"1\", features = [\"x\"] }\n",
            "[dependencies]\na = { path = \"../a\", features = [\"x\"] }\n",
            "[dependencies]\nb = { version = \"1\", features = [\"x\"] }\n",
        ] {
            check("a/x", text, text);
            check("a/default", text, text);
            check("a", text, text);
        }
    }

    #[test]
    fn what_is_dropped_is_a_crate_or_a_feature_of_one() {
        let feature = Some("x/y".to_owned());
        assert_eq!(Dropped::parse("a/x/y"), Ok(Dropped { name: "a".to_owned(), feature }));
        for text in ["", "/x", "a/", "a b", "../a"] {
            assert!(Dropped::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_diff_has_the_lines_around_each_change() {
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n5\n", "\nfive\n").replace("\n18\n", "\n");
        let (line, diff) = unified("Cargo.toml", &old, &new).unwrap();
        let expected = "--- a/Cargo.toml\n+++ b/Cargo.toml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                        @@ -15,6 +15,5 @@\n 15\n 16\n 17\n-18\n 19\n 20\n";
        assert_eq!((line, &*diff), (5, expected));
        assert_eq!(unified("Cargo.toml", &old, &old), None);
        let (_, diff) = unified("c", "a\nb", "a\n").unwrap();
        assert_eq!(diff, "--- a/c\n+++ b/c\n@@ -1,2 +1 @@\n a\n-b\n\\ No newline at end of file\n");
    }

    /// Lets git make the edits of a manifest that drop these.
    fn applied(drops: &str, manifest: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut git = std::process::Command::new("git");
            git.current_dir(&directory).args(["-c", "core.autocrlf=false"]).args(arguments);
            let done = git.output().unwrap();
            assert!(done.status.success(), "{drops}: {}", String::from_utf8_lossy(&done.stderr));
        };
        git(&["init", "--quiet"]);
        let path = directory.path().join("Cargo.toml");
        std::fs::write(&path, manifest).unwrap();
        std::fs::create_dir(directory.path().join("src")).unwrap();
        std::fs::write(directory.path().join("src").join("lib.rs"), "").unwrap();
        let tree = crate::source::workspace::read_workspace(Some(&path)).unwrap();
        let dropped: Vec<Dropped> = drops.split(' ').map(|d| Dropped::parse(d).unwrap()).collect();
        let edit = together(&tree, &dropped).unwrap();
        assert_eq!(edit.drops, drops.replace(' ', ", "));
        std::fs::write(directory.path().join("edit.diff"), edit.diff).unwrap();
        git(&["apply", "--whitespace=nowarn", "edit.diff"]);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn git_makes_the_edits_whatever_ends_lines_and_the_last_of_them() {
        let package = "[package]\nname = \"p\"\nversion = \"1.0.0\"\n\n";
        let asks = "[dependencies]\na = { version = \"1\", features = [\"x\"] }\nb = \"1\"\n# end";
        let left =
            "[dependencies]\na = { version = \"1\", default-features = false }\nb = \"1\"\n# end";
        let own = "[dependencies.a]\nversion = \"1\"";
        let own_left = "[dependencies.a]\nversion = \"1\"\ndefault-features = false\n";
        let last = "[dependencies]\nb = \"1\"\na = \"1\"";
        let last_left = "[dependencies]\nb = \"1\"\n";
        for (drops, before, after) in [
            ("a/x a/default", format!("{asks}\n"), format!("{left}\n")),
            ("a/x a/default", asks.to_owned(), left.to_owned()),
            ("a/default", own.to_owned(), own_left.to_owned()),
            ("a", last.to_owned(), last_left.to_owned()),
            ("a b", last.to_owned(), "[dependencies]\n".to_owned()),
        ] {
            let (before, after) = (format!("{package}{before}"), format!("{package}{after}"));
            assert_eq!(applied(drops, &before), after, "{drops}");
            let crlf = |text: &str| text.replace('\n', "\r\n");
            assert_eq!(applied(drops, &crlf(&before)), crlf(&after), "{drops} with CRLF");
            // What does not change keeps its end, though it is another one.
            let mixed = |text: &str| crlf(text).replacen("\r\n", "\n", 2);
            assert_eq!(applied(drops, &mixed(&before)), mixed(&after), "{drops} with both");
            let marked = |text: &str| format!("\u{feff}{text}");
            assert_eq!(applied(drops, &marked(&before)), marked(&after), "{drops} with a mark");
        }
    }

    #[test]
    fn whoever_needs_what_is_dropped_is_named() {
        const LOCKED: [(&str, &[&str]); 6] = [
            ("a", &["b"]),
            ("b", &[]),
            ("c", &["d"]),
            ("d", &[]),
            ("e", &[]),
            ("p", &["a", "b", "c", "d", "e"]),
        ];
        let entry = |(name, needs): &(&str, &[&str])| {
            let needs: Vec<String> = needs.iter().map(|need| format!("\"{need}\"")).collect();
            let from = match *name {
                "p" => "",
                _ => "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
            };
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{from}dependencies = [{}]\n",
                needs.join(", ")
            )
        };
        let locked: String = LOCKED.iter().map(entry).collect();
        let lockfile = format!("version = 4\n{locked}");
        let lockfile =
            weft_gate::input::lockfile::parse("Cargo.lock", lockfile.as_bytes()).unwrap();
        let text = "[package]\nname = \"p\"\nversion = \"1.0.0\"\n[dependencies]\na = \"1\"\nb = \"1\"\nd = \"1\"\n\
                    e = \"1\"\n[dev-dependencies]\nc = \"1\"\ne = \"1\"\n";
        let manifest = manifest::parse("Cargo.toml", text.as_bytes()).unwrap();
        for dev in [false, true] {
            let manifests = std::slice::from_ref(&manifest);
            let inventory = weft_gate::inventory::from_lock(&lockfile, manifests, dev);
            for (drops, expected) in [
                ("a", &[][..]),
                ("b", &["a@1.0.0"]),
                ("b a", &[]),
                ("b a/x", &["a@1.0.0"]),
                ("d", &["c@1.0.0"]),
                ("d c", &["c@1.0.0"]),
                ("e", &["tests of p"]),
            ] {
                let dropped: Vec<Dropped> =
                    drops.split(' ').map(|d| Dropped::parse(d).unwrap()).collect();
                let found = stays(&inventory, &dropped[0].name, &dropped);
                assert_eq!(found, expected, "{drops}");
            }
        }
    }
}
