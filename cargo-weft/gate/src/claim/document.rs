//! Documents: the spans that markers set off, their normalised text, and sentences outside of them.
//!
//! Markers are HTML comments, `<!-- weft:claim ID -->` and `<!-- weft:end -->`, anywhere but in code.
//! The text of a span is what a reader sees: markup is stripped, entities are resolved, white space is folded, and what
//! results is in Unicode's normalisation form C.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use weft_verify::Sha256;

use super::is_id;
use crate::Diagnostic;
use crate::input::text;
use crate::place::{Place, SourceText};

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// A document with its spans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What is wrong with its markers.
    pub faults: Vec<Fault>,
    /// Its path from the workspace root.
    pub path: String,
    /// Sentences outside of spans that a word of the lexicon makes a promise of.
    pub promises: Vec<Sentence>,
    /// Its spans, in their order.
    pub spans: Vec<Span>,
}

/// A marker that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, as a sentence.
    pub sentence: String,
}

/// A marked span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The claim it is the text of.
    pub id: String,
    /// Where it is, markers included.
    pub place: Place,
    /// The digest of its normalised text.
    pub sha256: Sha256,
    /// Its normalised text.
    pub text: String,
}

/// A sentence that seems to promise something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// Where it is.
    pub place: Place,
    /// Its normalised text.
    pub text: String,
    /// The word that makes it a promise.
    pub word: String,
}

/// Reads a document; `lexicon` lists words, in lower case, that make a sentence a promise.
///
/// # Errors
///
/// A [`Diagnostic`] for what is no text.
pub fn read(path: &str, bytes: &[u8], lexicon: &[String]) -> Result<Document, Diagnostic> {
    let source = SourceText::new(path, text(path, bytes, MAX_BYTES)?);
    let markers = markers(source.text());
    let mut document = Document {
        faults: Vec::new(),
        path: path.to_owned(),
        promises: Vec::new(),
        spans: Vec::new(),
    };
    let ranges = document.pair(&source, &markers);
    let prose = sentences(source.text());
    for sentence in prose {
        // A span that ends before the sentence does leaves its rest unmarked.
        let covered = ranges
            .iter()
            .any(|span| span.start <= sentence.range.start && sentence.range.end <= span.end);
        let word = || lexicon.iter().find(|word| says(&sentence.words, word));
        if !covered && let Some(word) = word() {
            let place = source.place(sentence.range.clone());
            document.promises.push(Sentence { place, text: sentence.text, word: word.clone() });
        }
    }
    Ok(document)
}

/// Returns the text of a piece of Markdown as a reader sees it.
pub fn normalise(markdown: &str) -> String {
    let mut seen = String::new();
    for event in Parser::new_ext(markdown, options()) {
        match event {
            Event::Text(text) | Event::Code(text) => seen.push_str(&text),
            // What is raw is not judged, so any change of it counts.
            Event::Html(text) | Event::InlineHtml(text) if !is_comment(&text) => {
                seen.push_str(&text)
            }
            Event::Start(tag) if !is_inline(&tag) => seen.push(' '),
            Event::End(tag) if !is_inline_end(tag) => seen.push(' '),
            Event::SoftBreak | Event::HardBreak | Event::Rule => seen.push(' '),
            _ => {}
        }
    }
    fold(&seen)
}

fn fold(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}

fn is_inline_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image
    )
}

fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.find("-->").is_some_and(|end| end + 3 == html.len())
}

/// A comment that begins with `weft:`.
#[derive(Debug, PartialEq, Eq)]
struct Marker<'t> {
    range: Range<usize>,
    words: &'t str,
}

/// Finds markers outside of code.
fn markers(text: &str) -> Vec<Marker<'_>> {
    let mut code: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        if matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))) {
            code.push(range);
        }
    }
    code.sort_by_key(|range| range.start);
    let mut markers = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("<!--") {
        let start = at + found;
        let before = code.partition_point(|range| range.start <= start);
        let around = before.checked_sub(1).map(|last| &code[last]).filter(|r| start < r.end);
        if let Some(code) = around {
            at = code.end.max(start + 4);
            continue;
        }
        // `<!-->` and `<!--->` are whole comments (CommonMark 0.31).
        let empty = ["<!-->", "<!--->"].into_iter().find(|c| text[start..].starts_with(c));
        if let Some(empty) = empty {
            at = start + empty.len();
            continue;
        }
        let Some(length) = text[start + 4..].find("-->") else { break };
        let end = start + 4 + length + 3;
        let words = text[start + 4..end - 3].trim();
        if let Some(words) = words.strip_prefix("weft:") {
            markers.push(Marker { range: start..end, words: words.trim() });
        }
        at = end;
    }
    markers
}

impl Document {
    /// Pairs markers into spans, and returns the bytes between them.
    fn pair(&mut self, source: &SourceText<'_>, markers: &[Marker<'_>]) -> Vec<Range<usize>> {
        let mut open: Option<(&str, Range<usize>)> = None;
        let mut ranges = Vec::new();
        let mut seen = BTreeMap::new();
        let mut fault = |range: &Range<usize>, sentence: String| {
            self.faults.push(Fault { place: source.place(range.clone()), sentence });
        };
        for marker in markers {
            let mut words = marker.words.split_whitespace();
            match (words.next(), words.next(), words.next(), open.take()) {
                (Some("claim"), Some(id), None, None) if is_id(id) => {
                    if seen.insert(id, marker.range.clone()).is_some() {
                        fault(&marker.range, format!("a second span is marked `{id}`"));
                    }
                    open = Some((id, marker.range.clone()));
                }
                (Some("claim"), _, _, Some((id, begun))) => {
                    fault(&marker.range, format!("a span begins inside of `{id}`"));
                    open = Some((id, begun));
                }
                (Some("end"), None, None, Some((id, begun))) => {
                    let between = begun.end..marker.range.start;
                    let text = normalise(&source.text()[between.clone()]);
                    if text.is_empty() {
                        fault(&marker.range, format!("the span of `{id}` is empty"));
                    }
                    self.spans.push(Span {
                        id: id.to_owned(),
                        place: source.place(begun.start..marker.range.end),
                        sha256: Sha256::of(text.as_bytes()),
                        text,
                    });
                    ranges.push(between);
                }
                (Some("end"), None, None, None) => {
                    fault(&marker.range, "no span is open here".to_owned());
                }
                (.., still) => {
                    let words = marker.words.escape_debug();
                    fault(&marker.range, format!("`weft:{words}` is no marker"));
                    open = still;
                }
            }
        }
        if let Some((id, begun)) = open {
            fault(&begun, format!("the span of `{id}` does not end"));
        }
        ranges
    }
}

/// A sentence of prose.
#[derive(Debug, PartialEq, Eq)]
pub struct Prose {
    /// Its bytes in the document.
    pub range: Range<usize>,
    /// Its normalised text.
    pub text: String,
    /// The same without what is code.
    pub words: String,
}

/// Splits the prose of a document into sentences; code blocks, headings and raw HTML are none.
pub fn sentences(markdown: &str) -> Vec<Prose> {
    let mut found = Vec::new();
    let mut block = Block::default();
    let mut heading = false;
    let mut code = false;
    for (event, range) in Parser::new_ext(markdown, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = true,
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            _ => {}
        }
        match event {
            _ if heading || code => {}
            Event::Text(text) => block.push(&text, range),
            Event::Code(text) => block.push_code(&text, range),
            Event::SoftBreak | Event::HardBreak => block.push(" ", range),
            Event::Start(Tag::HtmlBlock) => {
                block.finish(&mut found);
                block.push_html(&markdown[range.clone()], range.start);
            }
            Event::Start(tag) if !is_inline(&tag) => block.finish(&mut found),
            Event::End(tag) if !is_inline_end(tag) => block.finish(&mut found),
            _ => {}
        }
    }
    block.finish(&mut found);
    found
}

/// The text of a paragraph, with where each piece of it stands.
#[derive(Default)]
struct Block {
    range: Option<Range<usize>>,
    text: String,
    words: String,
    found: Vec<Prose>,
}

impl Block {
    fn push(&mut self, text: &str, range: Range<usize>) {
        // Where text is as it is written, offsets are told to the byte; where it is not, to the piece.
        let literal = text.len() == range.len();
        for (index, c) in text.char_indices() {
            let ends = self.text.ends_with(['.', '!', '?']) && c.is_whitespace();
            let at = if literal { range.start + index } else { range.start };
            if ends {
                self.cut();
                continue;
            }
            let end = if literal { at + c.len_utf8() } else { range.end };
            self.extend(at..end);
            self.text.push(c);
            self.words.push(c);
        }
    }

    fn push_code(&mut self, text: &str, range: Range<usize>) {
        self.extend(range);
        self.text.push_str(text);
        self.words.push(' ');
    }

    /// Adds what a reader sees of raw HTML.
    fn push_html(&mut self, html: &str, start: usize) {
        let mut at = 0;
        while at < html.len() {
            let rest = &html[at..];
            let seen = rest.find('<').unwrap_or(rest.len());
            self.push(&rest[..seen], start + at..start + at + seen);
            let tag = &rest[seen..];
            let close = if tag.starts_with("<!--") { "-->" } else { ">" };
            let length = tag.find(close).map_or(tag.len(), |end| end + close.len());
            at += seen + length;
        }
    }

    fn extend(&mut self, more: Range<usize>) {
        self.range = Some(match self.range.take() {
            Some(range) => range.start..range.end.max(more.end),
            None => more,
        });
    }

    fn cut(&mut self) {
        let text = fold(&std::mem::take(&mut self.text));
        let words = fold(&std::mem::take(&mut self.words));
        if let Some(range) = self.range.take().filter(|_| !text.is_empty()) {
            self.found.push(Prose { range, text, words });
        }
    }

    fn finish(&mut self, found: &mut Vec<Prose>) {
        self.cut();
        found.append(&mut self.found);
    }
}

/// Says whether a text has a word, which may itself be several; case does not count.
fn says(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        read("README.md", text.as_bytes(), &["secure".to_owned(), "100%".to_owned()]).unwrap()
    }

    fn spans(text: &str) -> Vec<(String, String)> {
        let document = document(text);
        assert!(document.faults.is_empty(), "{:?}", document.faults);
        document.spans.into_iter().map(|span| (span.id, span.text)).collect()
    }

    #[test]
    fn a_span_is_what_a_reader_sees() {
        let check = |between: &str, expected: &str| {
            for (begin, end) in [("", ""), ("\n", "\n"), ("\n\n", "\n\n")] {
                let text = format!(
                    "# T\n\n<!-- weft:claim a.b -->{begin}{between}{end}<!-- weft:end -->\n"
                );
                assert_eq!(spans(&text), [("a.b".to_owned(), expected.to_owned())], "{text}");
            }
        };
        check("It *refuses* **short** `keys`.", "It refuses short keys.");
        check("It\nrefuses\n  short   keys.", "It refuses short keys.");
        check("It [refuses](https://a.example/) &amp; says\nso.", "It refuses & says so.");
        check("Cafe\u{301}", "Café");
        check("It refuses. <!-- a remark -->", "It refuses.");
        check("One.\n\nTwo.", "One. Two.");
        check("- one\n- two", "one two");
    }

    #[test]
    fn markup_may_change_and_words_may_not() {
        let digest = |between: &str| {
            let text = format!("<!-- weft:claim a -->\n{between}\n<!-- weft:end -->\n");
            document(&text).spans[0].sha256
        };
        let plain = digest("It never fails.");
        assert_eq!(plain, digest("It **never**\nfails."));
        assert_ne!(plain, digest("It never fails"));
        assert_ne!(plain, digest("It nearly never fails."));
        assert_ne!(plain, digest("It <del>never</del> fails."));
    }

    proptest::proptest! {
        #[test]
        fn no_edit_of_words_goes_unnoticed_and_every_reflow_does(
            words in proptest::collection::vec("[a-z\u{e4}]{1,8}", 1..12),
            at in proptest::prelude::any::<proptest::sample::Index>(),
            new in "[a-z0-9]{1,8}",
        ) {
            let digest = |words: &[String], between: &str| {
                let text = words.join(between);
                let text = format!("<!-- weft:claim a -->\n{text}\n<!-- weft:end -->\n");
                document(&text).spans.first().map(|span| span.sha256)
            };
            let index = at.index(words.len());
            let edited = |edit: fn(&mut Vec<String>, usize, String)| {
                let mut edited = words.clone();
                edit(&mut edited, index, new.clone());
                edited
            };
            let sound = digest(&words, " ");
            proptest::prop_assert_eq!(sound, digest(&words, "\n"));
            proptest::prop_assert_eq!(sound, digest(&words, "  \n \t"));
            for edited in [
                edited(|words, at, new| words.insert(at, new)),
                edited(|words, at, new| words[at].push_str(&new)),
                edited(|words, at, _| drop(words.remove(at))),
            ] {
                proptest::prop_assert_ne!(sound, digest(&edited, " "), "{:?}", edited);
            }
        }
    }

    #[test]
    fn markers_in_code_are_none_and_broken_ones_are_faults() {
        assert_eq!(spans("`<!-- weft:claim a -->`\n\n```md\n<!-- weft:claim b -->\n```\n"), []);
        assert_eq!(spans("    <!-- weft:claim a -->\n"), []);
        let fault = |text: &str, expected: &str| {
            let document = document(text);
            let found: Vec<&str> = document.faults.iter().map(|f| &*f.sentence).collect();
            assert!(found.iter().any(|f| f.contains(expected)), "{text}: {found:?}");
        };
        assert_eq!(spans("<!-->\n\n<!--->\n"), []);
        let (begin, end) = ("<!-- weft:claim a -->", "<!-- weft:end -->");
        fault(begin, "does not end");
        fault(end, "no span is open");
        fault(&format!("{begin}{end}"), "is empty");
        fault(&format!("{begin}x<!-- weft:claim b -->y{end}"), "begins inside of `a`");
        fault(&format!("{begin}x{end}{begin}y{end}"), "a second span");
        fault("<!-- weft:claim -->", "is no marker");
        fault("<!-- weft:claim A -->", "is no marker");
        fault("<!-- weft:stop -->", "is no marker");
        fault(&format!("{begin}x<!-- weft:end now -->{end}"), "is no marker");
    }

    #[test]
    fn promises_outside_of_spans_are_told() {
        let promises = |text: &str| -> Vec<String> {
            document(text).promises.into_iter().map(|sentence| sentence.text).collect()
        };
        assert_eq!(promises("It is Secure. It is fast.\n"), ["It is Secure."]);
        assert_eq!(promises("It is\n*secure*; so\nthere.\n"), ["It is secure; so there."]);
        assert_eq!(promises("Insecure, or security.\n"), Vec::<String>::new());
        assert_eq!(promises("The `secure` flag."), Vec::<String>::new());
        assert_eq!(promises("100% of it"), ["100% of it"]);
        assert_eq!(promises("# Secure\n\n```\nsecure\n```\n"), Vec::<String>::new());
        assert_eq!(promises("|a|b|\n|-|-|\n|secure|no|\n"), ["secure"]);
        let marked = "<!-- weft:claim a -->It is secure.<!-- weft:end --> And secure again.\n";
        assert_eq!(promises(&format!("So. {marked}")), ["And secure again."]);
        let half = "It is <!-- weft:claim a -->secure<!-- weft:end --> for all.\n";
        assert_eq!(promises(half), ["It is secure for all."]);
        // A line that begins with a comment is raw HTML to Markdown, and text to a reader.
        assert_eq!(promises(marked), ["And secure again."]);
        assert_eq!(promises("<!-- x -->It is <b>100%</b> right.\n"), ["It is 100% right."]);
    }

    #[test]
    fn places_are_those_of_the_document() {
        let document = document("Ä is.\n\nIt is secure. <!-- weft:claim a -->x<!-- weft:end -->\n");
        let place = &document.promises[0].place;
        assert_eq!((place.line, place.column, place.end_column), (3, 1, 14));
        assert_eq!((document.spans[0].place.line, document.spans[0].place.column), (3, 15));
    }
}
