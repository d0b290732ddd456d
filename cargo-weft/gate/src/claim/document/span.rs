//! Spans: markers, what they set off, and what is wrong with them.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};
use weft_verify::Sha256;

use super::html::{Elements, Raw, Token};
use super::lexicon::is_blank;
use super::note::Notes;
use super::prose::{self, MOST_IN_SENTENCE, Markers};
use super::seen::{Seen, rest};
use super::{Fault, MAX_SPANS, Part, Span};
use crate::claim::is_id;
use crate::place::SourceText;

/// The most that is shown of a name or of a marker, in characters.
const SHOWN: usize = 40;

/// What the markers of a document set off.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) faults: Vec<Fault>,
    /// The bytes between the markers of each span, in the order of the document.
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) spans: Vec<Span>,
}

/// Finds the spans of a document.
pub(super) fn find(
    source: &SourceText<'_>,
    parts: &[(Part<'_>, Range<usize>)],
    notes: &Notes,
) -> Marked {
    let mut walk = Walk {
        begun: 0,
        code: Vec::new(),
        elements: Elements::default(),
        ids: BTreeSet::new(),
        known: BTreeSet::new(),
        markers: Vec::new(),
        marked: Marked { faults: Vec::new(), ranges: Vec::new(), spans: Vec::new() },
        open: None,
        seen: Seen::new(notes),
        source,
        unseen: 0,
        visible: false,
    };
    for (part, range) in parts {
        match part {
            Part::Event(event) => walk.event(event, range),
            Part::Html(raw) => walk.html(raw),
        }
    }
    walk.around(parts, notes);
    walk.finish()
}

/// A walk through a document.
struct Walk<'s, 't, 'n> {
    /// How many spans have begun.
    begun: usize,
    /// Where code is.
    code: Vec<Range<usize>>,
    /// The elements of raw HTML that are open.
    elements: Elements,
    /// The claims that are marked.
    ids: BTreeSet<String>,
    /// Where the markers begin that count.
    known: BTreeSet<usize>,
    /// Where the markers of each span begin.
    markers: Vec<Markers>,
    marked: Marked,
    open: Option<Open>,
    seen: Seen<'n>,
    source: &'s SourceText<'t>,
    /// How many images and footnotes one is in: not all of them are shown where they are written.
    unseen: usize,
    /// Whether the span has text that is seen.
    visible: bool,
}

/// A span that has begun.
struct Open {
    /// Whether it will be a span once it ends.
    counts: bool,
    id: String,
    marker: Range<usize>,
}

impl Walk<'_, '_, '_> {
    fn event(&mut self, event: &Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(Tag::Image { .. } | Tag::FootnoteDefinition(_)) => self.unseen += 1,
            Event::End(TagEnd::Image | TagEnd::FootnoteDefinition) => self.unseen -= 1,
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => self.code.push(range.clone()),
            _ => {}
        }
        if let Event::Text(text) | Event::Code(text) = event {
            self.visible |= self.unseen == 0 && !is_blank(text);
        }
        self.seen.event(event);
    }

    fn html(&mut self, raw: &Raw) {
        let tokens = raw.tokens();
        self.seen.html(raw, &tokens);
        let remarks_only = tokens.iter().all(|(token, _)| match token {
            Token::Comment(_) => true,
            Token::Text(text) => text.trim().is_empty(),
            Token::Open(_) | Token::Close(_) | Token::Other | Token::Unclosed => false,
        });
        for (token, range) in tokens {
            self.elements.pass(&token, &raw.text[range.clone()], raw.source(range.start));
            if let Token::Comment(text) = token
                && remarks_only
                && self.unseen == 0
                && let Some(words) = text.trim().strip_prefix("weft:")
            {
                let range = raw.source(range.start)..raw.source(range.end - 1) + 1;
                self.marker(words.trim(), range);
            }
        }
    }

    fn marker(&mut self, words: &str, range: Range<usize>) {
        self.known.insert(range.start);
        let mut each = words.split_whitespace();
        match (each.next(), each.next(), each.next(), self.open.take()) {
            (Some("claim"), Some(id), None, None) if is_id(id) => self.begin(id, range),
            (Some("claim"), _, _, Some(open)) => {
                self.fault(&range, format!("a span begins inside of `{}`", open.id));
                self.open = Some(open);
            }
            (Some("end"), None, None, Some(open)) => self.end(open, &range),
            (Some("end"), None, None, None) => {
                self.fault(&range, "no span is open here".to_owned());
            }
            (.., still) => {
                let words = words.escape_debug();
                self.fault(&range, format!("`weft:{words}` is no marker"));
                self.open = still;
            }
        }
    }

    fn begin(&mut self, id: &str, marker: Range<usize>) {
        self.begun += 1;
        if self.begun == MAX_SPANS + 1 {
            self.fault(&marker, format!("there are more than {MAX_SPANS} spans"));
        }
        if !self.ids.insert(id.to_owned()) {
            self.fault(&marker, format!("a second span is marked `{id}`"));
        }
        let around = self.elements.innermost().map(|(name, at)| {
            let line = self.source.place(at..at).line;
            match name {
                "!" => format!("raw HTML that begins in line {line} and does not end"),
                _ => format!("`<{}>` that begins in line {line}", shown(name).escape_debug()),
            }
        });
        if let Some(around) = &around {
            self.fault(&marker, format!("`{id}` is inside of {around}"));
        }
        let counts = self.begun <= MAX_SPANS && around.is_none();
        self.open = Some(Open { counts, id: id.to_owned(), marker });
        self.visible = false;
        drop(self.seen.cut());
    }

    fn end(&mut self, open: Open, marker: &Range<usize>) {
        let text = self.seen.cut();
        if !self.visible {
            self.fault(marker, format!("the span of `{}` is empty", open.id));
            return;
        }
        if open.counts {
            self.markers.push(Markers { begin: open.marker.start, end: marker.start });
            self.marked.ranges.push(open.marker.end..marker.start);
            self.marked.spans.push(Span {
                id: open.id,
                place: self.source.place(open.marker.start..marker.end),
                sha256: Sha256::of(text.as_bytes()),
                text,
            });
        }
    }

    /// Adds the rest of the sentences that spans begin or end in.
    fn around(&mut self, parts: &[(Part<'_>, Range<usize>)], notes: &Notes) {
        let around = prose::around(parts, notes, &self.markers);
        let ranges = std::mem::take(&mut self.marked.ranges);
        let spans = std::mem::take(&mut self.marked.spans);
        for ((mut span, range), around) in spans.into_iter().zip(ranges).zip(around) {
            if around.crowded {
                let most = MOST_IN_SENTENCE;
                let sentence =
                    format!("`{}` is in a sentence with more than {most} markers", span.id);
                self.fault(&range, sentence);
                continue;
            }
            if !around.before.is_empty() {
                span.text.insert_str(0, &rest("before", &around.before));
            }
            if !around.after.is_empty() {
                span.text += &rest("after", &around.after);
            }
            span.sha256 = Sha256::of(span.text.as_bytes());
            self.marked.ranges.push(range);
            self.marked.spans.push(span);
        }
    }

    fn fault(&mut self, range: &Range<usize>, sentence: String) {
        // One is enough to say no.
        if self.marked.faults.len() < MAX_SPANS {
            self.marked.faults.push(Fault { place: self.source.place(range.clone()), sentence });
        }
    }

    fn finish(mut self) -> Marked {
        if let Some(open) = self.open.take() {
            self.fault(&open.marker, format!("the span of `{}` does not end", open.id));
        }
        self.hidden();
        self.marked.faults.sort_by(|a, b| a.place.cmp(&b.place));
        self.marked
    }

    /// Tells of what is written as a marker where it is none, but for code.
    fn hidden(&mut self) {
        let text = self.source.text();
        self.code.sort_by_key(|range| range.start);
        for (start, comment) in text.match_indices("<!--") {
            let words = text[start + comment.len()..].trim_start();
            if !words.starts_with("weft:") || self.known.contains(&start) || self.is_code(start) {
                continue;
            }
            let words = shown(words);
            let words = words.split("-->").next().unwrap_or_default().trim_end().escape_debug();
            let sentence = format!("`{words}` stands in other markup; give it a line of its own");
            self.fault(&(start..start + comment.len()), sentence);
        }
    }

    fn is_code(&self, at: usize) -> bool {
        let before = self.code.partition_point(|range| range.start <= at);
        before.checked_sub(1).is_some_and(|last| at < self.code[last].end)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
