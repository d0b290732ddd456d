//! `cargo weft claims add` and `mark`: edits of documents and maps that leave the rest as it is written.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};
use weft_gate::claim::document::{self, Document, Prose, Span};
use weft_gate::claim::{Kind, is_id};
use weft_gate::input;
use weft_verify::Sha256;

use crate::error::{Error, ExitStatus};
use crate::escape::terminal;
use crate::source::{files, promises};

use super::{output, root};

/// The kinds of GitHub's alerts.
const ALERTS: [&str; 5] = ["!caution", "!important", "!note", "!tip", "!warning"];

/// How many words of a sentence are shown at least to tell it from others.
const FIRST_WORDS: usize = 4;

/// How many sentences of a line are listed.
const LISTED: usize = 20;

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
    // What the markup lets end earlier than it reads must not become half a claim.
    let is_whole = |span: &&Span| {
        let (whole, said) = (document::look(&sentence.text), document::look(&span.text));
        !said.is_empty() && whole.ends_with(&said)
    };
    let span = span.filter(is_whole).ok_or_else(|| {
        Error::usage(
            format!("line {line} of {} cannot be marked{}", terminal(file), fault(args, &document)),
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

/// Says what is wrong with a document once it is marked, rather of the new span than of others.
fn fault(args: &AddArgs, marked: &Document) -> String {
    let names = [format!("`{}`", args.id), format!("`weft:claim {}`", args.id)];
    let is_of_it = |sentence: &str| names.iter().any(|name| sentence.contains(name.as_str()));
    let of_it = marked.faults.iter().find(|fault| is_of_it(&fault.sentence));
    let found =
        of_it.or_else(|| marked.faults.iter().find(|f| f.sentence.contains("begins inside")));
    match found.or(marked.faults.first()) {
        Some(fault) => format!(": {}", terminal(&fault.sentence)),
        None => ": its markers would not set off the whole sentence".to_owned(),
    }
}

/// Returns the one sentence that a line has a part of, or the one of them that says some words.
fn sentence(file: &str, text: &str, line: usize, words: Option<&str>) -> Result<Prose, Error> {
    let file = terminal(file);
    let mut found = document::sentences(text);
    let bytes = bytes(text, line);
    found.retain(|sentence| is_part(sentence, &bytes));
    if found.is_empty() {
        let message = format!("line {line} of {file} has no sentence");
        return Err(Error::usage(message, "name a line of prose"));
    }
    let picked = match words {
        Some(words) => saying(&found, words),
        None => (0..found.len()).collect(),
    };
    if let [one] = picked[..] {
        return Ok(found.swap_remove(one));
    }
    let shown = found.iter().take(LISTED).map(|sentence| words_of(sentence, &found));
    let mut all = shown.collect::<Vec<_>>().join(", ");
    if found.len() > LISTED {
        all += &format!(" and {} more", found.len() - LISTED);
    }
    Err(match picked.is_empty() {
        true => Error::usage(
            format!("no sentence on line {line} of {file} says that; they begin: {all}"),
            "name words of one of them",
        ),
        false => Error::usage(
            format!("line {line} of {file} has several sentences, which begin: {all}"),
            "say which, by words that the others do not have: `--text WORDS`",
        ),
    })
}

/// Returns the bytes of a line.
fn bytes(text: &str, line: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    start..start + text[start..].split_inclusive('\n').next().map_or(0, str::len)
}

/// Says whether a line has a part of a sentence.
fn is_part(sentence: &Prose, line: &Range<usize>) -> bool {
    sentence.range.start < line.end && line.start < sentence.range.end
}

/// Returns the words that pick a sentence of a line, quoted for a shell.
pub(super) fn words(text: &str, all: &[Prose], line: usize, sentence: &Prose) -> String {
    let bytes = bytes(text, line);
    let others = all.iter().filter(|sentence| is_part(sentence, &bytes));
    let others: Vec<&str> = others.map(|sentence| sentence.text.as_str()).collect();
    first_words(&sentence.text, &others)
}

/// Returns which sentences say some words; one that says nothing else is meant before others.
fn saying(sentences: &[Prose], words: &str) -> Vec<usize> {
    let words = document::look(words);
    let looks: Vec<String> = sentences.iter().map(|s| document::look(&s.text)).collect();
    let all = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..looks.len()).filter(|index| fits(&looks[*index])).collect()
    };
    let whole = all(&|look| look == words);
    if whole.is_empty() { all(&|look| look.contains(&words)) } else { whole }
}

fn words_of(sentence: &Prose, others: &[Prose]) -> String {
    let others: Vec<&str> = others.iter().map(|other| other.text.as_str()).collect();
    first_words(&sentence.text, &others)
}

/// Returns as many words of a sentence as tell it from the others, quoted for a shell.
fn first_words(sentence: &str, others: &[&str]) -> String {
    let others: Vec<String> = others.iter().map(|other| document::look(other)).collect();
    let plain = document::plain(sentence);
    let mut said = String::new();
    for (index, word) in plain.split_whitespace().enumerate() {
        let is_short = index < FIRST_WORDS;
        let look = document::look(&said);
        if !is_short && others.iter().filter(|other| other.contains(&look)).count() == 1 {
            break;
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(word);
    }
    let said = terminal(&said).to_string();
    match said.contains(['"', '$', '`', '\\', '!']) {
        true => format!("'{}'", said.replace('\'', "'\\''")),
        false => format!("\"{said}\""),
    }
}

/// Sets markers around a sentence, so that the document looks as before.
fn mark_sentence(text: &str, sentence: &Prose, id: &str) -> String {
    let start = sentence.range.start;
    let start = start + sign(&text[..start], &text[start..sentence.range.end]);
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
    out += &text[start..sentence.range.end];
    out += "<!-- weft:end -->";
    out += &text[sentence.range.end..];
    out
}

/// Returns how many bytes at the beginning of a sentence are the sign of an alert or of a task, which counts only where
/// nothing is before it.
fn sign(before: &str, sentence: &str) -> usize {
    let prefix = before.rsplit('\n').next().unwrap_or_default();
    let Some((kind, rest)) = sentence.strip_prefix('[').and_then(|s| s.split_once(']')) else {
        return 0;
    };
    let is_alert = || ALERTS.iter().any(|alert| kind.eq_ignore_ascii_case(alert));
    let said = match kind {
        " " | "x" | "X" if prefix.contains(['-', '*', '+', '.', ')']) => {
            rest.trim_start_matches([' ', '\t'])
        }
        _ if prefix.contains('>') && is_alert() => {
            rest.trim_start_matches(|c: char| c.is_whitespace() || c == '>')
        }
        _ => rest,
    };
    match said.is_empty() || said.len() == rest.len() {
        true => 0,
        false => sentence.len() - said.len(),
    }
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

    fn check(text: &str, line: usize, expected: &str, before: &str) {
        let sentence = sentence("a.md", text, line, None).unwrap();
        let marked = mark_sentence(text, &sentence, "x");
        assert_eq!(marked, expected);
        let found = document("a.md", &marked).unwrap();
        assert!(found.faults.is_empty(), "{:?}", found.faults);
        let said = sentence.text.trim_start_matches(before).trim_start();
        let before =
            if before.is_empty() { String::new() } else { format!("⟦before: {before}⟧") };
        assert_eq!(found.spans[0].text, format!("{before}{said}"));
    }

    #[test]
    fn a_marked_sentence_looks_as_before() {
        let check = |text: &str, line: usize, expected: &str| check(text, line, expected, "");
        let (begin, end) = ("<!-- weft:claim x -->", "<!-- weft:end -->");
        check("# T\n\nIt *is*.\n", 3, &format!("# T\n\n{begin}\nIt *is*.{end}\n"));
        check("One. Two.\nThree.\n", 2, &format!("One. Two.\n{begin}\nThree.{end}\n"));
        check("One:\n- two is.\n", 2, &format!("One:\n- {begin}\n  two is.{end}\n"));
        check("> Is.\n", 1, &format!("> {begin}\n> Is.{end}\n"));
        check("|a|\n|-|\n|is so|\n", 3, &format!("|a|\n|-|\n|{begin}is so{end}|\n"));
        check("Keys, e.g. Two.\n", 1, &format!("{begin}\nKeys, e.g. Two.{end}\n"));
        let note = "\n\n[^1]: So.\n";
        check(&format!("Is.[^1]{note}"), 1, &format!("{begin}\nIs.[^1]{end}{note}"));
    }

    #[test]
    fn signs_of_alerts_and_tasks_stay_in_front() {
        let (begin, end) = ("<!-- weft:claim x -->", "<!-- weft:end -->");
        let alert = format!("> [!NOTE]\n> {begin}\n> Is.{end}\n");
        check("> [!NOTE]\n> Is.\n", 2, &alert, "[!NOTE]");
        check("- [x] Is.\n", 1, &format!("- [x] {begin}Is.{end}\n"), "[x]");
        check("1. [ ] Is.\n", 1, &format!("1. [ ] {begin}Is.{end}\n"), "[ ]");
        check("> [a] Is.\n", 1, &format!("> {begin}\n> [a] Is.{end}\n"), "");
        check("[x] Is.\n", 1, &format!("{begin}\n[x] Is.{end}\n"), "");
    }

    #[test]
    fn a_line_names_the_one_sentence_that_it_has_a_part_of() {
        let text = "One and\ntwo. Three\nis.\n\n    code\n";
        let found = |line, words| sentence("a.md", text, line, words).map(|s| s.text);
        let is = |line, words, said: &str| assert_eq!(found(line, words).unwrap(), said);
        is(1, None, "One and two.");
        is(3, None, "Three is.");
        is(2, Some("three"), "Three is.");
        is(2, Some("One and two."), "One and two.");
        assert!(found(2, None).is_err());
        assert!(found(2, Some("e")).is_err());
        assert!(found(2, Some("four")).is_err());
        assert!(found(5, None).is_err());
        let cells = "|a|b|\n|-|-|\n|one|two|\n";
        assert_eq!(sentence("a.md", cells, 3, Some("two")).unwrap().text, "two");
    }

    #[test]
    fn first_words_pick_one_sentence() {
        let said = ["It is one of a kind.", "It is one of two.", "Say \"$x\" and `y`."];
        assert_eq!(first_words(said[0], &said), "\"It is one of a\"");
        assert_eq!(first_words(said[1], &said), "\"It is one of two.\"");
        assert_eq!(first_words(said[2], &said), "'Say \"$x\" and `y`.'");
        assert_eq!(first_words("It ⟦~~⟧is⟦~~⟧ a b c", &["It is a b c"]), "\"It is a b\"");
        let all = "One. Two.\n";
        for sentence in document::sentences(all) {
            let words = sentence.text.as_str();
            assert_eq!(super::sentence("a.md", all, 1, Some(words)).unwrap().text, words);
        }
    }
}
