//! Text as a reader sees it, with marks for what words alone do not tell.
//!
//! A mark is set between `⟦` and `⟧`, and no words read like one: in words the sign `⟦` is written twice, and in marks
//! both signs have a `⟦` before them.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};
use unicode_normalization::UnicodeNormalization;
use weft_verify::Sha256;

use super::html::{self, Raw, Token};
use super::note::Notes;

/// Destinations, titles and footnotes beyond this many bytes are told by their digest.
pub(super) const LONGEST: usize = 100;

/// So is the rest of a sentence beyond this many.
const LONGEST_REST: usize = 1000;

/// Text that is gathered, and what of the markup around it bears on its meaning.
#[derive(Debug, Clone)]
pub(super) struct Seen<'n> {
    /// The destination and the title of the link that is open.
    link: Option<(String, String)>,
    /// What footnotes say.
    notes: &'n Notes,
    /// How many strikethroughs are open.
    struck: usize,
    text: String,
}

impl<'n> Seen<'n> {
    /// Begins a text in a document with these footnotes.
    pub(super) fn new(notes: &'n Notes) -> Self {
        Self { link: None, notes, struck: 0, text: String::new() }
    }

    /// Adds what is seen of an event; raw HTML comes by [`Seen::html`].
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => text.chars().for_each(|c| self.say(c)),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::FootnoteReference(label) => match self.notes.told(label) {
                Some(told) => self.mark(&format!("^{label}: {told}")),
                None => self.mark(&format!("^{label}")),
            },
            Event::SoftBreak | Event::HardBreak | Event::Rule => self.say(' '),
            Event::Html(_) | Event::InlineHtml(_) => {}
            // Of extensions that are not enabled.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::TaskListMarker(_) => {}
        }
    }

    /// Adds raw HTML: comments are not seen; the rest is not judged, so any change of it counts.
    pub(super) fn html(&mut self, raw: &Raw, tokens: &[(Token<'_>, Range<usize>)]) {
        let kept = tokens.iter().filter(|(token, _)| !matches!(token, Token::Comment(_)));
        let kept: String = kept.map(|(_, range)| &raw.text[range.clone()]).collect();
        if raw.block {
            self.say(' ');
        }
        if !kept.trim().is_empty() {
            self.raw(&kept);
        }
        if raw.block {
            self.say(' ');
        }
    }

    /// Adds a piece of raw HTML.
    pub(super) fn raw(&mut self, html: &str) {
        self.mark(&format!("html:{html}"));
    }

    /// Adds a character of the text.
    pub(super) fn say(&mut self, c: char) {
        if c == '⟦' {
            self.text.push(c);
        }
        self.text.push(c);
    }

    /// Returns the text up to here, and begins another in the same markup.
    pub(super) fn cut(&mut self) -> String {
        self.leave_link();
        if self.struck > 0 {
            self.mark("~~");
        }
        let text = std::mem::take(&mut self.text);
        if self.struck > 0 {
            self.mark("~~");
        }
        if self.link.is_some() {
            self.mark("[");
        }
        fold(&text)
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Emphasis | Tag::Strong => {}
            Tag::Strikethrough => {
                self.struck += 1;
                if self.struck == 1 {
                    self.mark("~~");
                }
            }
            Tag::Link { dest_url, title, .. } => {
                self.link = Some((short(dest_url, LONGEST), short(title, LONGEST)));
                self.mark("[");
            }
            Tag::Image { dest_url, title, .. } => {
                self.target("!", &short(dest_url, LONGEST), &short(title, LONGEST))
            }
            Tag::List(Some(first)) => {
                self.say(' ');
                self.mark(&format!("{first}."));
                self.say(' ');
            }
            _ => self.say(' '),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Image => {}
            TagEnd::Strikethrough => {
                self.struck = self.struck.saturating_sub(1);
                if self.struck == 0 {
                    self.mark("~~");
                }
            }
            TagEnd::Link => {
                self.leave_link();
                self.link = None;
            }
            _ => self.say(' '),
        }
    }

    fn leave_link(&mut self) {
        if let Some((destination, title)) = self.link.take() {
            self.target("]", &destination, &title);
            self.link = Some((destination, title));
        }
    }

    fn target(&mut self, kind: &str, destination: &str, title: &str) {
        self.mark(&format!("{kind}({destination})"));
        if !title.is_empty() {
            self.mark(&format!("\"{title}\""));
        }
    }

    fn mark(&mut self, mark: &str) {
        self.text += &marked(mark);
    }
}

/// Returns what a mark is written as.
fn marked(mark: &str) -> String {
    let mut out = String::from('⟦');
    for c in mark.chars() {
        if matches!(c, '⟦' | '⟧') {
            out.push('⟦');
        }
        out.push(c);
    }
    out.push('⟧');
    out
}

/// Returns the mark for the rest of a sentence that a span is a part of; `side` is `before` or `after`.
pub(super) fn rest(side: &str, text: &str) -> String {
    marked(&format!("{side}: {}", short(text, LONGEST_REST)))
}

/// Returns a text without its marks, but for what is seen of raw HTML.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '⟦' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'⟦').is_some() {
            out.push('⟦');
            continue;
        }
        let mut mark = String::new();
        while let Some(c) = chars.next() {
            match c {
                '⟧' => break,
                '⟦' => mark.extend(chars.next()),
                _ => mark.push(c),
            }
        }
        if let Some(markup) = mark.strip_prefix("html:") {
            let mut raw = Raw::new(false);
            raw.push(markup, 0);
            html::show(&raw, &mut out);
        }
    }
    fold(&out)
}

/// Folds white space, and brings a text to form C.
pub(super) fn fold(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

/// Says whether a tag is inside of a line of text.
pub(super) fn is_inline(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image
    )
}

/// Returns a text, or its digest if it has more than so many bytes.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.len() <= most {
        true => text.to_owned(),
        false => format!("sha256:{}", Sha256::of(text.as_bytes())),
    }
}
