//! Family `wording`: sentences that promise something without being claims.

mod new_promise;
mod unmarked_promise;

pub use new_promise::NewPromise;
pub use unmarked_promise::UnmarkedPromise;

use weft_verify::Sha256;

use crate::claim::document::{Document, Sentence};
use crate::finding::Finding;

/// The most that is shown of a sentence, in characters.
const SHOWN: usize = 80;

/// How many digits of a sentence's digest its finding is recognised by.
const DIGITS: usize = 16;

/// Makes a finding of a sentence; what it is recognised by is its words, not its line.
fn promise(code: &str, document: &Document, sentence: &Sentence, what: &str) -> Finding {
    let mut shown: String = sentence.text.chars().take(SHOWN).collect();
    if shown.len() < sentence.text.len() {
        shown.push('…');
    }
    // What is not shown is told by the digest, so that an exemption is of the whole sentence.
    let digest = Sha256::of(sentence.text.as_bytes()).to_string();
    let subject = format!("{} {shown} {}", document.path, &digest[..DIGITS]);
    let fact = format!("A sentence with \u{201c}{}\u{201d} {what}: {shown}", sentence.word);
    Finding::new(code, &subject, sentence.place.clone(), fact)
        .remedy("Mark it and add an entry to a claims map, or say it without the word.")
        .command("cargo weft claims init")
        .field("word", sentence.word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    #[test]
    fn a_finding_is_of_the_whole_sentence() {
        let subject = |text: &str| {
            let place = Place::whole("a.md");
            let sentence = Sentence { place, text: text.to_owned(), word: "secure".to_owned() };
            let document = Document {
                faults: Vec::new(),
                path: "a.md".to_owned(),
                promises: Vec::new(),
                spans: Vec::new(),
            };
            promise("wording/new-promise", &document, &sentence, "is new").subject
        };
        assert_eq!(subject("It is secure."), "a.md It is secure. ff8e51c638f37972");
        let long = format!("It is secure {}", "and ".repeat(20));
        let (one, other) = (subject(&format!("{long}so.")), subject(&format!("{long}not.")));
        assert_ne!(one, other);
        assert_eq!(one.split('…').next(), other.split('…').next());
    }
}
