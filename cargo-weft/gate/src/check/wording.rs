//! Family `wording`: sentences that promise something without being claims.

mod new_promise;
mod unmarked_promise;

pub use new_promise::NewPromise;
pub use unmarked_promise::UnmarkedPromise;

use crate::claim::document::{Document, Sentence};
use crate::finding::Finding;

/// The most that is shown of a sentence, in characters.
const SHOWN: usize = 80;

/// Makes a finding of a sentence; what it is recognised by is its words, not its line.
fn promise(code: &str, document: &Document, sentence: &Sentence, what: &str) -> Finding {
    let mut shown: String = sentence.text.chars().take(SHOWN).collect();
    if shown.len() < sentence.text.len() {
        shown.push('…');
    }
    let subject = format!("{} {shown}", document.path);
    let fact = format!("A sentence with \u{201c}{}\u{201d} {what}: {shown}", sentence.word);
    Finding::new(code, &subject, sentence.place.clone(), fact)
        .remedy("Mark it and add an entry to a claims map, or say it without the word.")
        .command("cargo weft claims init")
        .field("word", sentence.word.as_str())
}
