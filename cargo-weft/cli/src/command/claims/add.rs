//! `cargo weft claims add` and `mark`: edits of documents and maps that leave the rest as it is written.

use std::path::{Path, PathBuf};

use clap::Args;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};
use weft_gate::claim::document::{self, Document, Prose};
use weft_gate::claim::{Kind, is_id};
use weft_gate::input;
use weft_verify::Sha256;

use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::{files, promises};

use super::{output, root};

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The claim's name: words of lower-case letters, digits and `-`, joined by `.`
    id: String,
    /// The sentence: the document and a line of it
    #[arg(long, value_name = "FILE:LINE")]
    at: String,
    /// Words of the sentence, where the line has several
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// What kind of promise it is
    #[arg(long, value_parser = kind)]
    kind: Kind,
    /// Who answers for it
    #[arg(long)]
    owner: String,
    /// A test that shows it: package, binary (`lib`, or the target's name) and test
    #[arg(long, value_name = "PACKAGE BINARY TEST", num_args = 3)]
    test: Option<Vec<String>>,
    /// The function that the sentence is about, as a path in the test's package or another, such as `json::read`
    #[arg(long, value_name = "PATH", requires = "test")]
    symbol: Option<String>,
    /// The test expects that something is refused
    #[arg(long, requires = "test")]
    refusal: bool,
    /// The map to write to; by default the first in claims/
    #[arg(long, value_name = "FILE")]
    map: Option<String>,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct MarkArgs {
    /// The claim
    id: String,
    /// The workspace's Cargo.toml; by default the nearest one above this directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let names = || Kind::ALL.map(Kind::as_str).join(", ");
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| format!("the kinds are {}", names()))
}

pub(super) fn run(args: &AddArgs) -> Result<ExitStatus, Error> {
    if !is_id(&args.id) {
        return Err(Error::usage(
            format!("`{}` is no name of a claim", terminal(&args.id)),
            "write words of lower-case letters, digits and `-`, joined by `.`",
        ));
    }
    let root = root(args.manifest_path.as_deref())?;
    let (file, line) = place(&args.at)?;
    let text = read(&root, file, document::MAX_BYTES)?;
    let sentence = sentence(file, &text, line, args.text.as_deref())?;
    let marked = mark_sentence(&text, &sentence, &args.id);
    let document = document(file, &marked)?;
    let span = document.spans.iter().find(|span| span.id == args.id);
    let span = span.ok_or_else(|| {
        Error::usage(
            format!("line {line} of {file} cannot be marked: it is in raw HTML or inside of another span"),
            "mark it by hand, with `<!-- weft:claim ID -->` and `<!-- weft:end -->`",
        )
    })?;
    let (map, text) = map(&root, args.map.as_deref())?;
    if !promises::is_document(&root, file)? {
        return Err(Error::usage(
            format!("{} is not among the documents of any map", terminal(file)),
            format!("add it to `documents` in {map}"),
        ));
    }
    let mut toml = parse(&map, &text)?;
    let claims = tables(&mut toml, &map)?;
    if claims.iter().any(|claim| claim.get("id").and_then(Item::as_str) == Some(&args.id)) {
        let help = "choose another name, or take its entry out first";
        return Err(Error::usage(format!("{map} has a claim `{}`", args.id), help));
    }
    claims.push(entry(args, file, span.sha256));
    let toml = toml.to_string();
    check_map(&map, &toml)?;
    files::replace(&root.join(&map), toml.as_bytes())?;
    files::replace(&root.join(file), marked.as_bytes())?;
    output::print(format!(
        "marked in {file}, line {}: \"{}\"\nadded to {map}\nnext: cargo weft claims show {}\n",
        span.place.line,
        terminal(&span.text),
        args.id
    ))?;
    Ok(ExitStatus::Passed)
}

pub(super) fn mark(args: &MarkArgs) -> Result<ExitStatus, Error> {
    let root = root(args.manifest_path.as_deref())?;
    for map in promises::maps(&root)? {
        let (bytes, read_map) = promises::read_map(&root, &map)?;
        let Some(claim) = read_map.claims.into_iter().find(|claim| claim.id == args.id) else {
            continue;
        };
        let text = read(&root, &claim.document, document::MAX_BYTES)?;
        let document = document(&claim.document, &text)?;
        if let Some(fault) = document.faults.first() {
            let message =
                format!("in {}, line {}, {}", fault.place.file, fault.place.line, fault.sentence);
            return Err(Error::usage(message, "correct the markers first"));
        }
        let span = document.spans.iter().find(|span| span.id == args.id).ok_or_else(|| {
            let message = format!("{} has no span marked `{}`", claim.document, args.id);
            Error::usage(message, "mark its sentence, or correct the entry's `document`")
        })?;
        if span.sha256 == claim.text_sha256 {
            output::print(format!("{} has the words of its entry already\n", args.id))?;
            return Ok(ExitStatus::Passed);
        }
        let revision = claim.revision.saturating_add(1);
        let mut toml = parse(&map, &String::from_utf8_lossy(&bytes))?;
        let entries = tables(&mut toml, &map)?;
        let is_it = |entry: &&mut Table| entry.get("id").and_then(Item::as_str) == Some(&args.id);
        if let Some(entry) = entries.iter_mut().find(is_it) {
            entry["text-sha256"] = value(span.sha256.to_string());
            entry["revision"] = value(i64::from(revision));
        }
        let toml = toml.to_string();
        check_map(&map, &toml)?;
        files::replace(&root.join(&map), toml.as_bytes())?;
        output::print(format!(
            "{} is now revision {revision}: \"{}\"\nits evidence has to be collected again: cargo weft evidence collect --claim {}\n",
            args.id,
            terminal(&span.text),
            args.id
        ))?;
        return Ok(ExitStatus::Passed);
    }
    let message = format!("no map in claims/ has a claim `{}`", terminal(&args.id));
    Err(Error::usage(message, "`cargo weft claims list` has all"))
}

fn place(at: &str) -> Result<(&str, usize), Error> {
    let parts = at.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
    parts.filter(|(file, line)| !file.is_empty() && *line > 0).ok_or_else(|| {
        let message = format!("`{}` is not a file and a line", terminal(at));
        Error::usage(message, "write it as README.md:12")
    })
}

fn read(root: &Path, file: &str, limit: usize) -> Result<String, Error> {
    let failed = |message: String| {
        Error::usage(format!("{}: {message}", terminal(file)), "name a document of this workspace")
    };
    let bytes = files::read_inside(root, &root.join(file), limit);
    let bytes = bytes.map_err(|e| failed(e.to_string()))?;
    let bytes = bytes.ok_or_else(|| failed("there is no such file".to_owned()))?;
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".to_owned()))
}

fn document(file: &str, text: &str) -> Result<Document, Error> {
    document::read(file, text.as_bytes(), &[])
        .map_err(|diagnostic| Error::Config { diagnostic, text: String::new() })
}

/// Returns the sentence that begins on a line, or else the one that the line is part of.
fn sentence(file: &str, text: &str, line: usize, words: Option<&str>) -> Result<Prose, Error> {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let end = start + text[start..].split_inclusive('\n').next().map_or(0, str::len);
    let mut all = document::sentences(text);
    all.retain(|sentence| words.is_none_or(|words| sentence.text.contains(words)));
    let begins = all.iter().position(|s| (start..end).contains(&s.range.start));
    let touches = || all.iter().position(|s| s.range.start < end && start < s.range.end);
    let found = begins.or_else(touches).ok_or_else(|| {
        Error::usage(
            format!("line {line} of {} has no sentence", terminal(file)),
            "name a line of prose",
        )
    })?;
    Ok(all.swap_remove(found))
}

/// Sets markers around a sentence, so that the document looks as before.
fn mark_sentence(text: &str, sentence: &Prose, id: &str) -> String {
    let start = sentence.range.start;
    let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let prefix = &text[line..start];
    let bullet = |c: char| matches!(c, '-' | '*' | '+' | '.' | ')') || c.is_ascii_digit();
    let begins_a_line = prefix.chars().all(|c| c.is_whitespace() || c == '>' || bullet(c));
    let mut out = text[..start].to_owned();
    out += &format!("<!-- weft:claim {id} -->");
    if begins_a_line {
        // A line that begins with a comment is raw HTML as a whole, so the text begins the next one.
        out.push('\n');
        out.extend(prefix.chars().map(|c| if bullet(c) { ' ' } else { c }));
    }
    out += &text[sentence.range.clone()];
    out += "<!-- weft:end -->";
    out += &text[sentence.range.end..];
    out
}

/// Returns the map to write to, and its text.
fn map(root: &Path, named: Option<&str>) -> Result<(String, String), Error> {
    let name = match named {
        Some(name) => name.to_owned(),
        None => promises::maps(root)?.into_iter().next().ok_or_else(|| {
            Error::usage("there is no claims map in claims/", "begin one: `cargo weft claims init`")
        })?,
    };
    let text = read(root, &name, input::claims::MAX_BYTES)?;
    Ok((name, text))
}

fn parse(map: &str, text: &str) -> Result<DocumentMut, Error> {
    check_map(map, text)?;
    text.parse().map_err(|_| Error::usage(format!("{map} cannot be edited"), "correct it first"))
}

/// Refuses what would not be read again.
fn check_map(map: &str, text: &str) -> Result<(), Error> {
    let read = input::claims::parse(map, text.as_bytes());
    read.map(drop).map_err(|diagnostic| Error::Config { diagnostic, text: text.to_owned() })
}

fn tables<'t>(toml: &'t mut DocumentMut, map: &str) -> Result<&'t mut ArrayOfTables, Error> {
    let list = toml.entry("claim").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    list.as_array_of_tables_mut().ok_or_else(|| {
        Error::usage(
            format!("{map} holds its claims in an inline array"),
            "write each as a table `[[claim]]`",
        )
    })
}

fn entry(args: &AddArgs, file: &str, digest: Sha256) -> Table {
    let mut entry = Table::new();
    entry["id"] = value(&args.id);
    entry["document"] = value(file);
    entry["text-sha256"] = value(digest.to_string());
    entry["revision"] = value(1);
    entry["kind"] = value(args.kind.as_str());
    entry["owner"] = value(&args.owner);
    if let Some([package, binary, test]) = args.test.as_deref() {
        let mut evidence = InlineTable::new();
        let mut put = |key: &str, text: &str| evidence.insert(key, Value::from(text));
        put("kind", "test");
        put("package", package);
        put("binary", binary);
        put("test", test);
        if let Some(symbol) = &args.symbol {
            put("symbol", symbol);
        }
        if args.refusal {
            put("expects", "refusal");
        }
        let mut list = ArrayOfTables::new();
        list.push(evidence.into_table());
        entry["evidence"] = Item::ArrayOfTables(list);
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_sentence_looks_as_before() {
        let check = |text: &str, line: usize, expected: &str| {
            let sentence = sentence("a.md", text, line, None).unwrap();
            let marked = mark_sentence(text, &sentence, "x");
            assert_eq!(marked, expected);
            let found = document("a.md", &marked).unwrap();
            assert!(found.faults.is_empty());
            assert_eq!(found.spans[0].text, sentence.text);
        };
        let (begin, end) = ("<!-- weft:claim x -->", "<!-- weft:end -->");
        check("# T\n\nIt *is*.\n", 3, &format!("# T\n\n{begin}\nIt *is*.{end}\n"));
        check("One. Two.\nThree.\n", 2, &format!("One. Two.\n{begin}\nThree.{end}\n"));
        check("One:\n- two is.\n", 2, &format!("One:\n- {begin}\n  two is.{end}\n"));
        check("> Is.\n", 1, &format!("> {begin}\n> Is.{end}\n"));
        check("|a|\n|-|\n|is so|\n", 3, &format!("|a|\n|-|\n|{begin}is so{end}|\n"));
    }

    #[test]
    fn a_line_names_the_sentence_that_begins_there() {
        let text = "One and\ntwo. Three\nis.\n\n    code\n";
        let found = |line| sentence("a.md", text, line, None).map(|s| s.text).ok();
        assert_eq!(found(1).as_deref(), Some("One and two."));
        assert_eq!(found(2).as_deref(), Some("Three is."));
        assert_eq!(found(3).as_deref(), Some("Three is."));
        assert_eq!(found(5), None);
        let cells = "|a|b|\n|-|-|\n|one|two|\n";
        assert_eq!(sentence("a.md", cells, 3, Some("two")).unwrap().text, "two");
    }
}
