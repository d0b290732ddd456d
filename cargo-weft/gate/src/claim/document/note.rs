//! Footnotes: what is said in a definition counts where it is referred to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};
use weft_verify::Sha256;

use super::Part;
use super::seen::{LONGEST, Seen, short};

/// What the definitions of footnotes say, by their labels.
#[derive(Debug, Default)]
pub(super) struct Notes {
    told: BTreeMap<String, String>,
}

impl Notes {
    /// Reads the definitions of a document.
    pub(super) fn new(parts: &[(Part<'_>, Range<usize>)]) -> Self {
        let none = Self::default();
        let mut open: Vec<(String, Seen<'_>)> = Vec::new();
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        let mut referring = BTreeSet::new();
        for (part, _) in parts {
            match part {
                Part::Event(Event::Start(Tag::FootnoteDefinition(label))) => {
                    open.push((key(label), Seen::new(&none)));
                }
                Part::Event(Event::End(TagEnd::FootnoteDefinition)) => {
                    if let Some((label, mut seen)) = open.pop() {
                        // Which of two with one label is shown is not agreed on.
                        let text = told.entry(label).or_default();
                        *text += &seen.cut();
                        text.push('\n');
                    }
                }
                Part::Event(event) => {
                    if let Some((label, seen)) = open.last_mut() {
                        if matches!(event, Event::FootnoteReference(_)) {
                            referring.insert(label.clone());
                        }
                        seen.event(event);
                    }
                }
                Part::Html(raw) => {
                    if let Some((_, seen)) = open.last_mut() {
                        seen.html(raw, &raw.tokens());
                    }
                }
            }
        }
        let mut all = String::new();
        for (label, text) in &told {
            all += &format!("{label}\n{text}\n");
        }
        let all = format!("sha256:{}", Sha256::of(all.as_bytes()));
        for (label, text) in &mut told {
            // A footnote that refers to others says what they do.
            *text = match referring.contains(label) {
                true => all.clone(),
                false => short(text.trim_end(), LONGEST),
            };
        }
        Self { told }
    }

    /// Returns what a footnote says, or the digest of it.
    pub(super) fn told(&self, label: &str) -> Option<&str> {
        self.told.get(&key(label)).map(String::as_str)
    }
}

fn key(label: &str) -> String {
    let words: Vec<&str> = label.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
