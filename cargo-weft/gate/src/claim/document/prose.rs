//! The sentences of a document, headings included; what is in code blocks is none.
//!
//! A sentence ends at a `.`, `!` or `?`, with what closes quotes and parentheses, if white space follows, and after that
//! no lower-case letter; abbreviations and initials end none.
//! Where that is in doubt a sentence goes on: it is better to bind too many words to a claim than too few.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::html::{self, Elements, Raw, Token};
use super::lexicon::is_blank;
use super::note::Notes;
use super::seen::{Seen, fold, is_inline};
use super::{Part, parts};

/// The most markers that a sentence may have.
pub(super) const MOST_IN_SENTENCE: usize = 32;

/// What ends with a full stop and ends no sentence.
const ABBREVIATIONS: [&str; 8] = ["approx.", "ca.", "cf.", "etc.", "incl.", "resp.", "viz.", "vs."];

/// A sentence of prose.
#[derive(Debug, PartialEq, Eq)]
pub struct Prose {
    /// Its bytes in the document.
    pub range: Range<usize>,
    /// Its normalised text.
    pub text: String,
    /// What it says without what is code.
    pub words: String,
    pub(super) pieces: Vec<Piece>,
}

/// A piece of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Code inside of text.
    Code(String),
    /// What is said.
    Said(String),
}

/// Where the markers of a span begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Markers {
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// What is said around a span in the sentences that it begins and ends in.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) before: String,
    pub(super) after: String,
    /// Whether there are too many markers to tell.
    pub(super) crowded: bool,
}

/// Splits the prose of a document into sentences.
pub fn sentences(markdown: &str) -> Vec<Prose> {
    let parts = parts(markdown);
    of_parts(&parts, &Notes::new(&parts))
}

/// Does the same for a document that is read already.
pub(super) fn of_parts(parts: &[(Part<'_>, Range<usize>)], notes: &Notes) -> Vec<Prose> {
    let mut found = Vec::new();
    for block in blocks(parts, false) {
        let mut seen = Seen::new(notes);
        for sentence in split(&block) {
            found.extend(prose(&block, &sentence, &mut seen));
        }
    }
    found
}

/// Returns what is around each of some spans.
pub(super) fn around(
    parts: &[(Part<'_>, Range<usize>)],
    notes: &Notes,
    spans: &[Markers],
) -> Vec<Around> {
    let begins = spans.iter().enumerate().map(|(index, span)| (span.begin, (index, true)));
    let ends = spans.iter().enumerate().map(|(index, span)| (span.end, (index, false)));
    let known: BTreeMap<usize, (usize, bool)> = begins.chain(ends).collect();
    let mut around: Vec<Around> = spans.iter().map(|_| Around::default()).collect();
    for block in blocks(parts, true) {
        if !block.iter().any(|atom| matches!(atom, Atom::Marker(_))) {
            continue;
        }
        let mut seen = Seen::new(notes);
        for sentence in split(&block) {
            let pieces = pieces(&block, &sentence);
            let markers: Vec<(usize, (usize, bool))> = pieces
                .iter()
                .enumerate()
                .filter_map(|(at, (atom, _))| match atom {
                    Atom::Marker(start) => Some((at, *known.get(start)?)),
                    _ => None,
                })
                .collect();
            for (at, (span, begins)) in &markers {
                if markers.len() > MOST_IN_SENTENCE {
                    around[*span].crowded = true;
                    continue;
                }
                let (before, after) = pieces.split_at(*at);
                if !before.iter().any(is_seen) || !after.iter().any(is_seen) {
                    continue;
                }
                let mut seen = seen.clone();
                before.iter().for_each(|piece| tell(&mut seen, piece));
                let said = seen.cut();
                if *begins {
                    around[*span].before = said;
                } else {
                    after.iter().for_each(|piece| tell(&mut seen, piece));
                    around[*span].after = seen.cut();
                }
            }
            pieces.iter().for_each(|piece| tell(&mut seen, piece));
            drop(seen.cut());
        }
    }
    around
}

/// A piece of a block of text.
#[derive(Debug)]
enum Atom<'p> {
    Code {
        event: &'p Event<'p>,
        range: Range<usize>,
        text: &'p str,
    },
    /// A comment that may be a marker, by where it begins.
    Marker(usize),
    /// Markup inside of text.
    Markup(&'p Event<'p>),
    /// A reference to a footnote.
    Note {
        event: &'p Event<'p>,
        range: Range<usize>,
    },
    /// Raw HTML inside of text, whether it parts words, and whether it shows something.
    Tag {
        html: &'p str,
        parts: bool,
        shows: bool,
    },
    Text {
        /// Whether it stands in an image or an element, where not everybody sees it.
        mute: bool,
        range: Range<usize>,
        text: Cow<'p, str>,
    },
}

/// A place in a block: a piece of it, and a byte of that.
type Position = (usize, usize);

/// Splits a document into blocks of text.
///
/// With `join`, paragraphs with nothing but a marker between their words are one block.
fn blocks<'p>(parts: &'p [(Part<'p>, Range<usize>)], join: bool) -> Vec<Vec<Atom<'p>>> {
    let mut blocks = Blocks { join, ..Blocks::default() };
    let mut code = false;
    for (part, range) in parts {
        match part {
            Part::Html(raw) => blocks.html(raw),
            Part::Event(Event::Start(Tag::CodeBlock(_))) => {
                blocks.cut();
                code = true;
            }
            Part::Event(Event::End(TagEnd::CodeBlock)) => code = false,
            Part::Event(_) if code => {}
            Part::Event(event) => blocks.event(event, range.clone()),
        }
    }
    blocks.cut();
    blocks.found
}

/// The block that is being read, and those before it.
#[derive(Default)]
struct Blocks<'p> {
    atoms: Vec<Atom<'p>>,
    /// Where the words of another paragraph may begin.
    boundary: Option<usize>,
    elements: Elements,
    found: Vec<Vec<Atom<'p>>>,
    /// How many images one is in.
    images: usize,
    join: bool,
    /// Whether there is a marker since the last words.
    marked: bool,
}

impl<'p> Blocks<'p> {
    fn event(&mut self, event: &'p Event<'p>, range: Range<usize>) {
        match event {
            Event::Text(text) => self.text(Cow::Borrowed(text), range),
            Event::Code(text) => {
                self.words();
                self.atoms.push(Atom::Code { event, range, text });
            }
            Event::SoftBreak | Event::HardBreak => self.text(Cow::Borrowed(" "), range),
            Event::Start(tag) if is_inline(tag.to_end()) => {
                self.images += usize::from(matches!(tag, Tag::Image { .. }));
                self.atoms.push(Atom::Markup(event));
            }
            Event::End(tag) if is_inline(*tag) => {
                let ended = usize::from(matches!(tag, TagEnd::Image));
                self.images = self.images.saturating_sub(ended);
                self.atoms.push(Atom::Markup(event));
            }
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => self.part(),
            Event::Start(_) | Event::End(_) | Event::Rule => self.cut(),
            Event::FootnoteReference(_) => {
                self.words();
                self.atoms.push(Atom::Note { event, range });
            }
            Event::Html(_) | Event::InlineHtml(_) => {}
            // Of extensions that are not enabled.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::TaskListMarker(_) => {}
        }
    }

    /// Adds raw HTML: what a reader sees of it is said.
    fn html(&mut self, raw: &'p Raw) {
        let tokens = raw.tokens();
        let remarks_only = tokens.iter().all(|(token, _)| match token {
            Token::Comment(_) => true,
            Token::Text(text) => text.trim().is_empty(),
            Token::Open(_) | Token::Close(_) | Token::Other | Token::Unclosed => false,
        });
        let parts = |this: &mut Self| match remarks_only {
            true => this.part(),
            false => this.cut(),
        };
        if raw.block {
            parts(self);
        }
        for (token, range) in tokens {
            let html = &raw.text[range.clone()];
            if !raw.block {
                self.elements.pass(&token, html, raw.source(range.start));
            }
            match token {
                Token::Comment(text) => {
                    if text.trim().starts_with("weft:") {
                        self.marked = true;
                        self.atoms.push(Atom::Marker(raw.source(range.start)));
                    }
                }
                Token::Text(text) => self.raw_text(raw, text, range.start),
                Token::Open(name) | Token::Close(name) => {
                    let (parts, shows) = (html::parts_words(&name), html::shows(&name));
                    self.atoms.push(Atom::Tag { html, parts, shows });
                }
                Token::Other | Token::Unclosed => {
                    self.atoms.push(Atom::Tag { html, parts: false, shows: false });
                }
            }
        }
        if raw.block {
            parts(self);
        }
    }

    fn raw_text(&mut self, raw: &Raw, text: &str, start: usize) {
        let mut line_start = start;
        for line in text.split_inclusive('\n') {
            let at = raw.source(line_start);
            for (said, range) in html::resolve(line) {
                self.text(Cow::Owned(said), at + range.start..at + range.end);
            }
            line_start += line.len();
        }
    }

    fn text(&mut self, text: Cow<'p, str>, range: Range<usize>) {
        if !text.trim().is_empty() {
            self.words();
        }
        let mute = self.images > 0 || self.elements.innermost().is_some();
        self.atoms.push(Atom::Text { mute, range, text });
    }

    /// Decides, where words follow, whether they are of the same block as those before them.
    fn words(&mut self) {
        if let Some(boundary) = self.boundary.take() {
            if self.marked && !self.is_ended(boundary) {
                let text = Cow::Borrowed(" ");
                self.atoms.insert(boundary, Atom::Text { mute: false, range: 0..0, text });
            } else {
                let rest = self.atoms.split_off(boundary);
                self.found.push(std::mem::replace(&mut self.atoms, rest));
            }
        }
        self.marked = false;
    }

    /// Says whether the words before a boundary end a sentence.
    fn is_ended(&self, boundary: usize) -> bool {
        let last = self.atoms[..boundary].iter().rev().find(|atom| match atom {
            Atom::Code { .. } => true,
            Atom::Text { text, .. } => !text.trim().is_empty(),
            Atom::Marker(_) | Atom::Markup(_) | Atom::Note { .. } | Atom::Tag { .. } => false,
        });
        match last {
            Some(Atom::Text { mute: false, text, .. }) => {
                text.split_whitespace().next_back().is_some_and(ends)
            }
            _ => false,
        }
    }

    /// Ends a paragraph.
    fn part(&mut self) {
        if !self.join {
            self.cut();
        } else if self.boundary.is_none() && !self.atoms.is_empty() {
            self.boundary = Some(self.atoms.len());
        }
    }

    fn cut(&mut self) {
        let atoms = std::mem::take(&mut self.atoms);
        if !atoms.is_empty() {
            self.found.push(atoms);
        }
        self.boundary = None;
        self.elements = Elements::default();
        self.marked = false;
    }
}

/// Splits a block into sentences.
fn split(block: &[Atom<'_>]) -> Vec<Range<Position>> {
    let mut sentences = Vec::new();
    let mut start = (0, 0);
    // Where the sentence ends unless it turns out to go on.
    let mut end: Option<Position> = None;
    let mut word = String::new();
    for (index, atom) in block.iter().enumerate() {
        match atom {
            Atom::Text { mute, text, .. } => {
                for (at, c) in text.char_indices() {
                    if c.is_whitespace() {
                        if end.is_none() && ends(&word) {
                            end = Some((index, at));
                        }
                        word.clear();
                        continue;
                    }
                    if !mute
                        && c.is_alphanumeric()
                        && let Some(end) = end.take()
                        && !c.is_lowercase()
                    {
                        sentences.push(start..end);
                        start = end;
                    }
                    word.push(if *mute { 'x' } else { c });
                }
            }
            Atom::Code { .. } => {
                if let Some(end) = end.take() {
                    sentences.push(start..end);
                    start = end;
                }
                word.push('x');
            }
            // A footnote is of the sentence before it.
            Atom::Note { .. } => end = end.map(|_| (index + 1, 0)),
            Atom::Marker(_) | Atom::Markup(_) | Atom::Tag { .. } => {}
        }
    }
    if let Some(end) = end {
        sentences.push(start..end);
        start = end;
    }
    sentences.push(start..(block.len(), 0));
    sentences
}

/// Says whether a sentence may end with a word.
fn ends(word: &str) -> bool {
    let closing = [')', ']', '}', '"', '\'', '\u{201d}', '\u{2019}', '\u{bb}'];
    let word = word.trim_end_matches(closing);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '.');
    if word.ends_with(['!', '?']) {
        return true;
    }
    let Some(stem) = word.strip_suffix('.') else { return false };
    let is_letter = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    };
    let is_abbreviated = stem.contains('.') && stem.split('.').all(is_letter);
    let is_initial = is_letter(stem) && stem.chars().all(char::is_uppercase);
    !is_abbreviated && !is_initial && !ABBREVIATIONS.contains(&&*word.to_lowercase())
}

/// A piece of a block, and which of its bytes.
type PieceOf<'b, 'p> = (&'b Atom<'p>, Range<usize>);

/// Returns the pieces of a sentence.
fn pieces<'b, 'p>(block: &'b [Atom<'p>], sentence: &Range<Position>) -> Vec<PieceOf<'b, 'p>> {
    let (first, last) = (sentence.start, sentence.end);
    let mut pieces = Vec::new();
    let mut begun = false;
    for (index, atom) in block.iter().enumerate().take(last.0 + 1).skip(first.0) {
        let length = match atom {
            Atom::Text { text, .. } => text.len(),
            Atom::Code { .. }
            | Atom::Marker(_)
            | Atom::Markup(_)
            | Atom::Note { .. }
            | Atom::Tag { .. } => 1,
        };
        let start = if index == first.0 { first.1 } else { 0 };
        let end = if index == last.0 { last.1 } else { length };
        let start = match atom {
            // White space before the first word is of no sentence.
            Atom::Text { text, .. } if !begun && start < end => {
                end - text[start..end].trim_start().len()
            }
            _ => start,
        };
        if start < end {
            begun |= matches!(atom, Atom::Code { .. } | Atom::Note { .. } | Atom::Text { .. });
            pieces.push((atom, start..end));
        }
    }
    pieces
}

/// Says whether a reader sees something of a piece.
fn is_seen((atom, part): &PieceOf<'_, '_>) -> bool {
    match atom {
        Atom::Code { text, .. } => !is_blank(text),
        Atom::Marker(_) => false,
        Atom::Markup(event) => matches!(event, Event::Start(Tag::Image { .. })),
        Atom::Note { .. } => true,
        Atom::Tag { shows, .. } => *shows,
        Atom::Text { text, .. } => !is_blank(&text[part.clone()]),
    }
}

/// Adds what is seen of a piece.
fn tell(seen: &mut Seen<'_>, (atom, part): &PieceOf<'_, '_>) {
    match atom {
        Atom::Code { event, .. } | Atom::Markup(event) | Atom::Note { event, .. } => {
            seen.event(event);
        }
        Atom::Marker(_) => {}
        Atom::Tag { html, .. } => seen.raw(html),
        Atom::Text { text, .. } => text[part.clone()].chars().for_each(|c| seen.say(c)),
    }
}

/// Reads a sentence, if it says anything.
fn prose(block: &[Atom<'_>], sentence: &Range<Position>, seen: &mut Seen<'_>) -> Option<Prose> {
    let mut bytes: Option<Range<usize>> = None;
    let mut said: Vec<Piece> = Vec::new();
    let extend = |bytes: &mut Option<Range<usize>>, more: Range<usize>| {
        *bytes = Some(match bytes.take() {
            Some(range) => range.start..range.end.max(more.end),
            None => more,
        });
    };
    for piece in pieces(block, sentence) {
        tell(seen, &piece);
        let (atom, part) = piece;
        match atom {
            Atom::Code { range, text, .. } => {
                extend(&mut bytes, range.clone());
                said.push(Piece::Code((*text).to_owned()));
            }
            Atom::Note { range, .. } => extend(&mut bytes, range.clone()),
            Atom::Marker(_) | Atom::Markup(_) => {}
            Atom::Tag { parts, .. } => {
                if *parts {
                    say(&mut said, " ");
                }
            }
            Atom::Text { range, text, .. } => {
                // Where text is as it is written, offsets are told to the byte; where it is not, to the piece.
                let literal = text.len() == range.len();
                let more = match literal {
                    true => range.start + part.start..range.start + part.end,
                    false => range.clone(),
                };
                extend(&mut bytes, more);
                say(&mut said, &text[part]);
            }
        }
    }
    let text = seen.cut();
    let mut words = String::new();
    let mut blank = true;
    for piece in &said {
        let (Piece::Code(text) | Piece::Said(text)) = piece;
        blank &= is_blank(text);
        match piece {
            Piece::Code(_) => words.push(' '),
            Piece::Said(text) => words.push_str(text),
        }
    }
    let range = bytes.filter(|_| !blank)?;
    Some(Prose { range, text, words: fold(&words), pieces: said })
}

fn say(said: &mut Vec<Piece>, words: &str) {
    match said.last_mut() {
        Some(Piece::Said(text)) => text.push_str(words),
        Some(Piece::Code(_)) | None => said.push(Piece::Said(words.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_where_a_reader_ends_it() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = sentences(text).into_iter().map(|s| s.text).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("One. Two! Three? Four.", &["One.", "Two!", "Three?", "Four."]);
        check("Keys, e.g. RSA, i.e. Not all.", &["Keys, e.g. RSA, i.e. Not all."]);
        check(
            "Keys etc. Are cf. RFC vs. ISO approx. 5.",
            &["Keys etc. Are cf. RFC vs. ISO approx. 5."],
        );
        check("As D. E. Knuth in the U.S. Army.", &["As D. E. Knuth in the U.S. Army."]);
        check("In plan B1. Next.", &["In plan B1.", "Next."]);
        check("It is refused. not really.", &["It is refused. not really."]);
        check("It is refused. *not* really.", &["It is refused. not really."]);
        check("It is refused. (not really.)", &["It is refused. (not really.)"]);
        check("It is refused. (Not really.)", &["It is refused.", "(Not really.)"]);
        check("It is (so.) Or \"so.\" Two.", &["It is (so.)", "Or \"so.\"", "Two."]);
        check("Use it. `two` is.", &["Use it.", "two is."]);
        check("It is. ![a](b)", &["It is.", "⟦!(b)⟧a"]);
        check("It is not so that ![.](b) Two.", &["It is not so that ⟦!(b)⟧. Two."]);
        check(
            "It is not so that <i hidden>. </i>Two.",
            &["It is not so that ⟦html:<i hidden>⟧. ⟦html:</i>⟧Two."],
        );
        check("It is. [^1] Two.\n\n[^1]: So.", &["It is. ⟦^1: So.⟧", "Two.", "So."]);
    }
}
