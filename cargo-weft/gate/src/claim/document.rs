//! Documents: the spans that markers set off, their normalised text, and sentences outside of them.
//!
//! Markers are HTML comments, `<!-- weft:claim ID -->` and `<!-- weft:end -->`, on lines or inside of text where
//! nothing but comments is raw HTML; in code they are none, and anywhere else they are faults.
//! The text of a span is what a reader of the whole document sees between them: markup is stripped but for marks of
//! what bears on the meaning, entities are resolved, white space is folded, and what results is in Unicode's
//! normalisation form C.
//! Where a span begins or ends inside of a sentence, the rest of that sentence is a part of its text.

mod html;
mod lexicon;
mod note;
mod prose;
mod seen;
mod span;

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

pub use self::prose::{Prose, sentences};

use self::html::Raw;
use self::lexicon::Lexicon;
use self::note::Notes;
use crate::Diagnostic;
use crate::input::text;
use crate::place::{Place, SourceText};

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// The most spans that a document may have.
pub const MAX_SPANS: usize = 10_000;

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
    let parts = parts(source.text());
    let notes = Notes::new(&parts);
    let span::Marked { faults, ranges, spans } = span::find(&source, &parts, &notes);
    let lexicon = Lexicon::new(lexicon);
    let promise = |sentence: Prose| {
        let word = lexicon.word(&sentence.pieces)?.to_owned();
        Some(Sentence { place: source.place(sentence.range), text: sentence.text, word })
    };
    let sentences = prose::of_parts(&parts, &notes).into_iter();
    let promises =
        sentences.filter(|s| !is_covered(&ranges, &s.range)).filter_map(promise).collect();
    Ok(Document { faults, path: path.to_owned(), promises, spans })
}

/// Returns a normalised text without its marks.
pub fn plain(text: &str) -> String {
    seen::plain(text)
}

/// Returns a normalised text in the form in which texts are compared as they look, without its marks.
pub fn look(text: &str) -> String {
    lexicon::look(&seen::plain(text))
}

/// Returns all that a document shows in that form, code blocks included.
pub fn appearances(markdown: &str) -> String {
    let mut shown = String::new();
    for (part, _) in parts(markdown) {
        match part {
            Part::Event(Event::Text(text) | Event::Code(text)) => shown.push_str(&text),
            Part::Event(Event::Start(tag)) if seen::is_inline(tag.to_end()) => {}
            Part::Event(Event::End(tag)) if seen::is_inline(tag) => {}
            Part::Event(Event::FootnoteReference(_)) => {}
            Part::Event(_) => shown.push(' '),
            Part::Html(raw) => {
                if raw.block {
                    shown.push(' ');
                }
                html::show(&raw, &mut shown);
                if raw.block {
                    shown.push(' ');
                }
            }
        }
    }
    lexicon::look(&shown)
}

/// Says whether one of the ranges, which are in order and apart, has all of a sentence: one that ends before the
/// sentence does leaves its rest unmarked.
fn is_covered(ranges: &[Range<usize>], sentence: &Range<usize>) -> bool {
    let before = ranges.partition_point(|range| range.start <= sentence.start);
    before.checked_sub(1).is_some_and(|last| sentence.end <= ranges[last].end)
}

/// A part of a document.
#[derive(Debug)]
enum Part<'t> {
    /// Anything but raw HTML.
    Event(Event<'t>),
    /// Raw HTML, of which a block is one part.
    Html(Raw),
}

/// Reads Markdown into parts, with their bytes.
fn parts(markdown: &str) -> Vec<(Part<'_>, Range<usize>)> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut parts = Vec::new();
    let mut block: Option<Raw> = None;
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match event {
            Event::Start(Tag::HtmlBlock) => block = Some(Raw::new(true)),
            Event::End(TagEnd::HtmlBlock) => {
                if let Some(raw) = block.take() {
                    parts.push((Part::Html(raw), range));
                }
            }
            Event::Html(text) => {
                if let Some(raw) = &mut block {
                    raw.push(&text, range.start);
                }
            }
            Event::InlineHtml(text) => {
                let mut raw = Raw::new(false);
                raw.push(&text, range.start);
                parts.push((Part::Html(raw), range));
            }
            // A block's other events are its indentation.
            event if block.is_none() => parts.push((Part::Event(event), range)),
            _ => {}
        }
    }
    parts
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
            for (begin, end) in [("\n", ""), ("\n", "\n"), ("\n\n", "\n\n")] {
                let text = format!(
                    "# T\n\n<!-- weft:claim a.b -->{begin}{between}{end}<!-- weft:end -->\n"
                );
                assert_eq!(spans(&text), [("a.b".to_owned(), expected.to_owned())], "{text}");
            }
        };
        check("It *refuses* **short** `keys`.", "It refuses short keys.");
        check("It\nrefuses\n  short   keys.", "It refuses short keys.");
        check("It says &amp; does\nso.", "It says & does so.");
        check("Cafe\u{301}", "Café");
        check("It refuses. <!-- a remark -->", "It refuses.");
        check("One.\n\nTwo.", "One. Two.");
        check("- one\n- two", "one two");
        // What bears on the meaning is marked.
        check("It ~~never~~ fails.", "It ⟦~~⟧never⟦~~⟧ fails.");
        check("It [refuses](a.md \"t\") so.", "It ⟦[⟧refuses⟦](a.md)⟧⟦\"t\"⟧ so.");
        check("An ![x](a.png).", "An ⟦!(a.png)⟧x.");
        check("4. four\n5. five", "⟦4.⟧ four five");
        check("It <b>is</b>.", "It ⟦html:<b>⟧is⟦html:</b>⟧.");
        check("It is ⟦~~⟧.", "It is ⟦⟦~~⟧.");
    }

    fn digest(between: &str) -> Sha256 {
        let text = format!("<!-- weft:claim a -->\n{between}\n<!-- weft:end -->\n");
        document(&text).spans[0].sha256
    }

    #[test]
    fn markup_may_change_and_words_may_not() {
        let plain = digest("It never fails.");
        assert_eq!(plain, digest("It **never**\nfails."));
        assert_ne!(plain, digest("It never fails"));
        assert_ne!(plain, digest("It nearly never fails."));
        assert_ne!(plain, digest("It <del>never</del> fails."));
    }

    #[test]
    fn markup_that_changes_the_meaning_changes_the_digest() {
        let check = |one: &str, same: &str, other: &str| {
            assert_eq!(digest(one), digest(same), "{one} {same}");
            assert_ne!(digest(one), digest(other), "{one} {other}");
        };
        check("It accepts no keys.", "It accepts *no* keys.", "It accepts ~~no~~ keys.");
        check("It has ~~no~~ keys.", "It has ~~*no*~~ keys.", "It has \\~~no\\~~ keys.");
        check("It is [so](a).", "It is [so][x].\n\n[x]: a", "It is [so](b).");
        check("It is [so](a).", "It is [*so*](a).", "It is [so](a 'not').");
        check("As ![so](a) is.", "As ![so](<a>) is.", "As ![so](b) is.");
        check("1. one\n2. two", "1. one\n7. two", "2. one\n3. two");
        check("- one", "* one", "1. one");
        check("10 bytes.", "10 bytes<!-- as told -->.", "10 bytes<!-- --!> or so<!-- -->.");
        check("10 bytes.", "10 bytes<!---->.", "10 bytes<!-->.");
        check("10 bytes.", "10 bytes<!-- a-b -->.", "10 bytes<!--->.");
        check("It is so.", "It is `so`.", "It is <s>so</s>.");
    }

    #[test]
    fn the_text_of_a_span_is_that_of_the_whole_document() {
        let digest = |text: &str| document(text).spans[0].sha256;
        // A definition shows nothing, unless it continues a paragraph.
        let with = |between: &str| {
            format!("So <!-- weft:claim a -->{between}\n\nit is.<!-- weft:end -->\n")
        };
        let plain = digest(&with(""));
        assert_eq!(plain, digest(&with("\n\n[except]: that \"is not\"")));
        assert_ne!(plain, digest(&with("\n[except]: that \"is not\"")));
        // What is open around a span counts as well.
        let marked = "<!-- weft:claim a -->it is<!-- weft:end -->";
        let plain = digest(&format!("So {marked} now"));
        assert_eq!(plain, digest(&format!("So *{marked}* now")));
        assert_ne!(plain, digest(&format!("So ~~{marked}~~ now")));
        assert_ne!(plain, digest(&format!("So [{marked}](a) now")));
        assert_ne!(digest(&format!("[{marked}](b)")), digest(&format!("[{marked}](a)")));
    }

    #[test]
    fn the_rest_of_a_sentence_is_of_the_text() {
        let marked = "<!-- weft:claim a -->It is refused.<!-- weft:end -->";
        let said = |text: &str| spans(text).remove(0).1;
        let plain = |text: &str| assert_eq!(said(text), "It is refused.", "{text}");
        let check = |text: &str, expected: &str| assert_eq!(said(text), expected, "{text}");
        plain(&format!("So. {marked} Or so.\n"));
        plain(&format!("So.\n{marked}\n").replace("-->It", "-->\nIt"));
        plain(&format!("# So\n\n{marked}\n").replace("-->It", "-->\nIt"));
        plain(&format!("So. {marked} (Not really.)\n"));
        plain(&format!("So.\n\n{marked}\n\nin part.\n").replace("-->It", "-->\nIt"));
        plain(&format!("So.{marked}\n").replace("-->It", "--> It"));
        plain(&format!("|so|\n|-|\n|{marked}|\n"));
        plain(&format!("- so\n- {marked}\n- so\n").replace("-->It", "-->\n  It"));
        check(
            &format!("It is not so that {marked}\n"),
            "⟦before: It is not so that⟧It is refused.",
        );
        check(&format!("So. Not that {marked} So.\n"), "⟦before: Not that⟧It is refused.");
        check(&format!("Not so, e.g. {marked}\n"), "⟦before: Not so, e.g.⟧It is refused.");
        check(&format!("So. {marked} not really.\n"), "It is refused.⟦after: not really.⟧");
        check(&format!("So. {marked} (not really)\n"), "It is refused.⟦after: (not really)⟧");
        check(&format!("Not `a` ~~b~~ {marked}\n"), "⟦before: Not a ⟦⟦~~⟦⟧b⟦⟦~~⟦⟧⟧It is refused.");
        // A marker on a line of its own does not end a sentence.
        for between in ["\n", "\n\n"] {
            let text = format!("Not that{between}{marked}\n").replace("-->It", "-->\nIt");
            check(&text, "⟦before: Not that⟧It is refused.");
            let text = format!("Not that {marked}\n").replace("-->It", &format!("-->{between}It"));
            check(&text, "⟦before: Not that⟧It is refused.");
            let text = format!("So. {marked}{between}in part.\n").replace("d.<!", "d<!");
            check(&text, "It is refused⟦after: in part.⟧");
        }
        let two = format!("Not {marked} nor <!-- weft:claim b -->x<!-- weft:end --> so.\n");
        let two = two.replace("d.<!", "d<!");
        let both: Vec<String> = spans(&two).into_iter().map(|(_, text)| text).collect();
        let of_b = "⟦before: Not It is refused nor⟧x⟦after: so.⟧";
        assert_eq!(both, ["⟦before: Not⟧It is refused⟦after: nor x so.⟧", of_b]);
        let span = |n: usize| format!("<!-- weft:claim a{n} -->x<!-- weft:end --> ");
        let crowd = |count: usize| -> String { (0..count).map(span).collect() };
        assert_eq!(spans(&format!("So {}", crowd(16))).len(), 16);
        fault(&format!("So {}", crowd(17)), "more than 32 markers");
    }

    #[test]
    fn a_footnote_is_of_the_text() {
        let said = |note: &str| {
            let marked = "So. <!-- weft:claim a -->It is on all[^1].<!-- weft:end -->";
            spans(&format!("{marked}\n\n[^2]: Two.\n{note}")).remove(0).1
        };
        assert_eq!(said("[^1]: But *one*.\n"), "It is on all⟦^1: But one.⟧.");
        assert_eq!(said("[^1]: But one.\n"), said("[^1]: But\n    one.\n"));
        assert_ne!(said("[^1]: But one.\n"), said("[^1]: But two.\n"));
        let long = said(&format!("[^1]: {}\n", "x".repeat(101)));
        assert!(long.starts_with("It is on all⟦^1: sha256:"), "{long}");
        // One that refers to another says what that says.
        let nested = |other: &str| said(&format!("[^1]: But[^3].\n\n[^3]: {other}\n"));
        assert_ne!(nested("One."), nested("Two."));
        let behind = "So. <!-- weft:claim a -->It is.<!-- weft:end -->[^1]\n\n[^1]: Not.\n";
        assert_eq!(spans(behind)[0].1, "It is.⟦after: ⟦⟦^1: Not.⟦⟧⟧");
    }

    #[test]
    fn texts_are_compared_as_they_look() {
        let between = "It ~~never~~ [fails](a)<br>*so*\nand Vec<u8> is <b>m\u{43e}re</b> &amp; ⟦.";
        let text = format!("So. <!-- weft:claim a -->{between}<!-- weft:end -->");
        let seen = spans(&text).remove(0).1;
        assert_eq!(plain(&seen), "It never fails so and Vec is m\u{43e}re & ⟦.");
        assert_eq!(look(&seen), "it never fails so and vec is more & ⟦.");
        assert_eq!(appearances(&text), format!("so. {}", look(&seen)));
        let half = "Not <!-- weft:claim a -->so<!-- weft:end --> ⟦~~⟧.";
        assert_eq!(look(&spans(half)[0].1), "so");
        let shown =
            "# A\n\n- b\n- c\n\n```\nd  e\n```\n\n|f|g|\n|-|-|\n|h|i|\n\n<p>j</p><p>k</p>\n";
        assert_eq!(appearances(shown), "a b c d e f g h i j k");
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

    fn fault(text: &str, expected: &str) {
        let document = document(text);
        let found: Vec<&str> = document.faults.iter().map(|f| &*f.sentence).collect();
        assert!(found.iter().any(|f| f.contains(expected)), "{text}: {found:?}");
    }

    #[test]
    fn markers_in_code_are_none_and_broken_ones_are_faults() {
        assert_eq!(spans("`<!-- weft:claim a -->`\n\n```md\n<!-- weft:claim b -->\n```\n"), []);
        assert_eq!(spans("    <!-- weft:claim a -->\n"), []);
        assert_eq!(spans("<!-->\n\n<!--->\n"), []);
        let (begin, end) = ("<!-- weft:claim a -->", "<!-- weft:end -->");
        fault(begin, "does not end");
        fault(end, "no span is open");
        fault(&format!("{begin}{end}"), "is empty");
        fault(&format!("So {begin}x<!-- weft:claim b -->y{end}"), "begins inside of `a`");
        fault(&format!("So {begin}x{end}{begin}y{end}"), "a second span");
        fault("<!-- weft:claim -->", "is no marker");
        fault("<!-- weft:claim A -->", "is no marker");
        fault("<!-- weft:stop -->", "is no marker");
        fault(&format!("So {begin}x<!-- weft:end now -->{end}"), "is no marker");
    }

    #[test]
    fn a_marker_counts_where_raw_html_is_nothing_but_comments() {
        let (begin, end) = ("<!-- weft:claim a -->", "<!-- weft:end -->");
        let marked = format!("{begin}x{end}");
        let says = |text: &str, said: &str| {
            assert_eq!(spans(text), [("a".to_owned(), said.to_owned())], "{text}");
        };
        let sound = |text: &str| says(text, "x");
        let hidden = |text: &str| {
            fault(text, "stands in other markup");
            assert!(document(text).spans.is_empty(), "{text}");
        };
        says(&format!("So {marked}\n"), "⟦before: So⟧x");
        sound(&format!("<!-- b --> {begin}\nx\n{end}<!-- c -->\n"));
        sound(&format!("> {begin}\n> x\n> {end}\n"));
        sound("<!-- weft:claim\na -->\nx\n<!-- weft:end -->\n");
        hidden(&format!("{marked}\n"));
        hidden(&format!("[x]: x '{marked}'\n"));
        hidden(&format!("[x](x '{marked}')\n"));
        hidden(&format!("So <b title=\"{marked}\">x</b>\n"));
        hidden(&format!("<div hidden>\n{begin}\nx\n{end}\n</div>\n"));
        hidden(&format!("<!-- {begin} x {end}\n"));
        hidden(&format!("So \\{begin}x\\{end}\n"));
        hidden("So <!-- weft:claim a --!>x<!-- weft:end --!> -->\n");
        hidden(&format!("![{marked}](x)\n"));
        hidden(&format!("So[^1].\n\n[^1]: so {marked}\n"));
    }

    #[test]
    fn a_span_is_seen() {
        let marked = "<!-- weft:claim a -->\nx\n<!-- weft:end -->\n";
        let sound = |before: &str| {
            let text = format!("{before}\n\n{marked}");
            assert_eq!(spans(&text), [("a".to_owned(), "x".to_owned())], "{text}");
        };
        let unclosed = |before: &str| {
            let text = format!("{before}\n\n{marked}");
            fault(&text, "`a` is inside of ");
            assert!(document(&text).spans.is_empty(), "{text}");
        };
        sound("<div hidden>\ny\n</div>");
        sound("<DIV><br><img src=\"y>\"></div>");
        sound("> <!-- y -->");
        sound("So <b>y</b>.");
        sound("An Option<Vec<u8>> or a Box<dyn Error>.");
        unclosed("<div hidden>");
        unclosed("<details>\n<summary>y</summary>");
        unclosed("<template>");
        unclosed("<div hidden><template></div>");
        unclosed("<p \"><div hidden><p \"></p></p>");
        unclosed("<p title=\"");
        unclosed("> <!-- y");
        unclosed("So <s>y");
        unclosed("So <u8 hidden>y");
        unclosed("So <x-y>y");
        let details = format!("A.\n\n<details>\n\n{marked}\n</details>\n");
        fault(&details, "`a` is inside of `<details>` that begins in line 3");
        let blank = |text: &str| {
            fault(&format!("So <!-- weft:claim a -->{text}<!-- weft:end -->\n"), "is empty");
        };
        blank("&#8203;\u{ad}&nbsp;");
        blank("![y](z)");
        blank("<b></b>");
    }

    #[test]
    fn the_number_of_spans_is_bounded() {
        let text = |count: usize| -> String {
            let span = |n: usize| format!("So <!-- weft:claim a{n} -->x<!-- weft:end -->.\n\n");
            (0..count).map(span).collect()
        };
        assert_eq!(spans(&text(MAX_SPANS)).len(), MAX_SPANS);
        fault(&text(MAX_SPANS + 1), "more than 10000 spans");
    }

    #[test]
    fn promises_outside_of_spans_are_told() {
        let promises = |text: &str| -> Vec<String> {
            document(text).promises.into_iter().map(|sentence| sentence.text).collect()
        };
        let none = Vec::<String>::new();
        assert_eq!(promises("It is Secure. It is fast.\n"), ["It is Secure."]);
        assert_eq!(promises("It is\n*secure*; so\nthere.\n"), ["It is secure; so there."]);
        assert_eq!(promises("Insecure, or security.\n"), none);
        assert_eq!(promises("It is kept securely.\n"), ["It is kept securely."]);
        assert_eq!(promises("It is `secure`.\n"), ["It is secure."]);
        assert_eq!(promises("Pass `--secure`.\n\n|`secure`|\n|-|\n"), none);
        assert_eq!(promises("100% of it"), ["100% of it"]);
        assert_eq!(promises("100&nbsp;% of it"), ["100 % of it"]);
        assert_eq!(promises("It is s&#8203;ecure.\n").len(), 1);
        assert_eq!(promises("It is se&shy;cure.\n").len(), 1);
        assert_eq!(promises("It is s<!-- -->ec<b></b>ure.\n").len(), 1);
        assert_eq!(promises("# Secure\n"), ["Secure"]);
        assert_eq!(promises("It is\nsecure\n===\n"), ["It is secure"]);
        assert_eq!(promises("# Insecure\n\n```\nsecure\n```\n"), none);
        assert_eq!(promises("|a|b|\n|-|-|\n|secure|no|\n"), ["secure"]);
        let marked = "<!-- weft:claim a -->It is secure.<!-- weft:end --> And secure again.\n";
        assert_eq!(promises(&format!("So. {marked}")), ["And secure again."]);
        let half = "It is <!-- weft:claim a -->secure<!-- weft:end --> for all.\n";
        assert_eq!(promises(half), ["It is secure for all."]);
        // What is struck out is another sentence.
        assert_eq!(promises("It is ~~not~~ secure.\n"), ["It is ⟦~~⟧not⟦~~⟧ secure."]);
        assert_eq!(promises("~~Never. It is secure.~~\n"), ["⟦~~⟧It is secure.⟦~~⟧"]);
        // A line that begins with a comment is raw HTML to Markdown, and text to a reader.
        assert_eq!(promises(marked), ["It is secure.", "And secure again."]);
        let bold = "It is ⟦html:<b>⟧100%⟦html:</b>⟧ right.";
        assert_eq!(promises("<!-- x -->It is <b>100%</b> right.\n"), [bold]);
        assert_eq!(promises("<p>s&#101;cure</p>\n").len(), 1);
        assert_eq!(promises("<p>It is</p><p>secure</p>\n").len(), 1);
        assert_eq!(promises("<p title=\"secure\">in<b>secure</b></p>\n"), none);
    }

    #[test]
    fn places_are_those_of_the_document() {
        let document = document("Ä is.\n\nIt is secure. <!-- weft:claim a -->X<!-- weft:end -->\n");
        let place = &document.promises[0].place;
        assert_eq!((place.line, place.column, place.end_column), (3, 1, 14));
        assert_eq!((document.spans[0].place.line, document.spans[0].place.column), (3, 15));
    }
}
