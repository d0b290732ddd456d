//! The sentences of a document, headings included; what is in code blocks is none.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::html::{self, Raw, Token};
use super::lexicon::is_blank;
use super::seen::{Seen, fold, is_inline};
use super::{Part, parts};

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

/// Splits the prose of a document into sentences.
pub fn sentences(markdown: &str) -> Vec<Prose> {
    of_parts(&parts(markdown))
}

/// Does the same for a document that is read already.
pub(super) fn of_parts(parts: &[(Part<'_>, Range<usize>)]) -> Vec<Prose> {
    let mut block = Block::default();
    let mut code = false;
    for (part, range) in parts {
        match part {
            Part::Html(raw) => block.html(raw),
            Part::Event(Event::Start(Tag::CodeBlock(_))) => {
                block.cut();
                code = true;
            }
            Part::Event(Event::End(TagEnd::CodeBlock)) => code = false,
            Part::Event(_) if code => {}
            Part::Event(event) => block.event(event, range.clone()),
        }
    }
    block.cut();
    block.found
}

/// The sentence that is being read, with where it stands, and those before it.
#[derive(Default)]
struct Block {
    found: Vec<Prose>,
    pieces: Vec<Piece>,
    range: Option<Range<usize>>,
    seen: Seen,
}

impl Block {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Text(text) => self.push(text, range),
            Event::Code(code) => {
                self.extend(range);
                self.seen.event(event);
                self.pieces.push(Piece::Code(code.to_string()));
            }
            Event::SoftBreak | Event::HardBreak => self.push(" ", range),
            Event::Start(tag) if is_inline(tag.to_end()) => self.seen.event(event),
            Event::End(tag) if is_inline(*tag) => self.seen.event(event),
            Event::Start(_) | Event::End(_) | Event::Rule => self.cut(),
            Event::FootnoteReference(_) => self.seen.event(event),
            Event::Html(_) | Event::InlineHtml(_) => {}
            // Of extensions that are not enabled.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::TaskListMarker(_) => {}
        }
    }

    /// Adds raw HTML: what a reader sees of it is said.
    fn html(&mut self, raw: &Raw) {
        if raw.block {
            self.cut();
        }
        for (token, range) in raw.tokens() {
            match token {
                Token::Comment(_) => {}
                Token::Text(text) => self.raw_text(raw, text, range.start),
                Token::Open(name) | Token::Close(name) => {
                    self.seen.raw(&raw.text[range]);
                    if html::parts_words(&name) {
                        self.say(' ');
                    }
                }
                Token::Other | Token::Unclosed => self.seen.raw(&raw.text[range]),
            }
        }
        if raw.block {
            self.cut();
        }
    }

    fn raw_text(&mut self, raw: &Raw, text: &str, start: usize) {
        let mut line_start = start;
        for line in text.split_inclusive('\n') {
            let at = raw.source(line_start);
            for (said, range) in html::resolve(line) {
                self.push(&said, at + range.start..at + range.end);
            }
            line_start += line.len();
        }
    }

    fn push(&mut self, text: &str, range: Range<usize>) {
        // Where text is as it is written, offsets are told to the byte; where it is not, to the piece.
        let literal = text.len() == range.len();
        for (index, c) in text.char_indices() {
            if c.is_whitespace() && self.ends() {
                self.cut();
                continue;
            }
            if c.is_whitespace() && self.range.is_none() {
                continue;
            }
            let at = if literal { range.start + index } else { range.start };
            let end = if literal { at + c.len_utf8() } else { range.end };
            self.extend(at..end);
            self.seen.say(c);
            self.say(c);
        }
    }

    fn say(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Said(said)) => said.push(c),
            Some(Piece::Code(_)) | None => self.pieces.push(Piece::Said(c.to_string())),
        }
    }

    /// Says whether the sentence ends here, if white space follows.
    fn ends(&self) -> bool {
        match self.pieces.last() {
            Some(Piece::Said(said)) => said.ends_with(['.', '!', '?']),
            Some(Piece::Code(_)) | None => false,
        }
    }

    fn extend(&mut self, more: Range<usize>) {
        self.range = Some(match self.range.take() {
            Some(range) => range.start..range.end.max(more.end),
            None => more,
        });
    }

    fn cut(&mut self) {
        let text = self.seen.cut();
        let pieces = std::mem::take(&mut self.pieces);
        let Some(range) = self.range.take() else { return };
        let mut words = String::new();
        let mut blank = true;
        for piece in &pieces {
            let (Piece::Code(text) | Piece::Said(text)) = piece;
            blank &= is_blank(text);
            match piece {
                Piece::Code(_) => words.push(' '),
                Piece::Said(said) => words.push_str(said),
            }
        }
        if !blank {
            self.found.push(Prose { range, text, words: fold(&words), pieces });
        }
    }
}
