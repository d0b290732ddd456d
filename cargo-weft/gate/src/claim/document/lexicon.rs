//! The words that make a sentence a promise, found however they are written.
//!
//! Texts are compared as they look: in Unicode's form KC, without what is not seen, in lower case, and with letters of
//! other scripts as the Latin ones that they look like.
//! The table of those is short; Unicode's technical standard 39 has thousands.

use unicode_normalization::UnicodeNormalization;

use super::prose::Piece;

/// Words that are looked for.
#[derive(Debug)]
pub(super) struct Lexicon<'l> {
    /// Each as it is written, and as it looks.
    words: Vec<(&'l str, String)>,
}

impl<'l> Lexicon<'l> {
    /// Prepares words.
    pub(super) fn new(words: &'l [String]) -> Self {
        Self { words: words.iter().map(|word| (word.as_str(), look(word))).collect() }
    }

    /// Returns the word that a sentence has; code counts if it is one of the words, or a piece of one, among others.
    pub(super) fn word(&self, sentence: &[Piece]) -> Option<&'l str> {
        let is_prose = sentence.iter().any(|piece| match piece {
            Piece::Code(_) => false,
            Piece::Said(text) => text.contains(char::is_alphanumeric),
        });
        let mut said = String::new();
        for piece in sentence {
            match piece {
                Piece::Said(text) => said.push_str(text),
                Piece::Code(code) if is_prose && self.is_of_a_word(code) => said.push_str(code),
                Piece::Code(_) => said.push(' '),
            }
        }
        let said = look(&said);
        self.words.iter().find(|(_, word)| says(&said, word)).map(|(written, _)| *written)
    }

    fn is_of_a_word(&self, code: &str) -> bool {
        let code = look(code);
        let is_of = |word: &str| word.contains(&code) || code.strip_suffix("ly") == Some(word);
        !code.is_empty() && self.words.iter().any(|(_, word)| is_of(word))
    }
}

/// Says whether nothing of a text is seen.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_unseen(c))
}

/// Says whether a text has a word, which may itself be several, or its adverb.
fn says(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let ends = |rest: &str| edge(rest.chars().next());
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let rest = &text[at + word.len()..];
            edge(text[..at].chars().next_back())
                && (ends(rest) || rest.strip_prefix("ly").is_some_and(ends))
        })
}

/// Returns a text as it looks.
pub(super) fn look(text: &str) -> String {
    let seen = text.chars().filter(|c| !is_unseen(*c)).nfkc();
    let latin = seen.filter(|c| !is_unseen(*c)).map(latin).flat_map(char::to_lowercase);
    let folded: String = latin.collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ").replace(" %", "%")
}

/// Says whether a character takes no room: Unicode's `Default_Ignorable_Code_Point`, and controls.
fn is_unseen(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns the Latin letter, or the sign, that a character looks like: of Greek, Cyrillic, Armenian and phonetic ones.
fn latin(c: char) -> char {
    match c {
        '\u{391}' | '\u{3b1}' | '\u{410}' | '\u{430}' | '\u{251}' | '\u{1d00}' => 'a',
        '\u{392}' | '\u{412}' | '\u{42c}' | '\u{432}' | '\u{44c}' | '\u{299}' => 'b',
        '\u{3c2}' | '\u{421}' | '\u{441}' | '\u{1d04}' => 'c',
        '\u{500}' | '\u{501}' | '\u{1d05}' => 'd',
        '\u{395}' | '\u{3b5}' | '\u{415}' | '\u{435}' | '\u{1d07}' => 'e',
        '\u{492}' | '\u{493}' => 'f',
        '\u{261}' | '\u{262}' | '\u{581}' => 'g',
        '\u{397}' | '\u{41d}' | '\u{43d}' | '\u{4ba}' | '\u{4bb}' | '\u{570}' | '\u{29c}' => 'h',
        '\u{399}' | '\u{3b9}' | '\u{406}' | '\u{456}' | '\u{131}' | '\u{269}' | '\u{26a}' => 'i',
        '\u{37f}' | '\u{3f3}' | '\u{408}' | '\u{458}' | '\u{1d0a}' => 'j',
        '\u{39a}' | '\u{3ba}' | '\u{41a}' | '\u{43a}' | '\u{1d0b}' => 'k',
        '\u{4c0}' | '\u{4cf}' | '\u{29f}' => 'l',
        '\u{39c}' | '\u{41c}' | '\u{43c}' | '\u{1d0d}' => 'm',
        '\u{39d}' | '\u{3b7}' | '\u{43f}' | '\u{578}' | '\u{274}' => 'n',
        '\u{39f}' | '\u{3bf}' | '\u{3c3}' | '\u{41e}' | '\u{43e}' => 'o',
        '\u{555}' | '\u{585}' | '\u{1d0f}' => 'o',
        '\u{3a1}' | '\u{3c1}' | '\u{420}' | '\u{440}' | '\u{1d18}' => 'p',
        '\u{51a}' | '\u{51b}' | '\u{566}' => 'q',
        '\u{433}' | '\u{280}' => 'r',
        '\u{405}' | '\u{455}' | '\u{54f}' | '\u{a731}' => 's',
        '\u{3a4}' | '\u{3c4}' | '\u{422}' | '\u{442}' | '\u{1d1b}' => 't',
        '\u{3bc}' | '\u{3c5}' | '\u{54d}' | '\u{57d}' | '\u{1d1c}' => 'u',
        '\u{3bd}' | '\u{474}' | '\u{475}' | '\u{1d20}' => 'v',
        '\u{3c9}' | '\u{51c}' | '\u{51d}' | '\u{1d21}' => 'w',
        '\u{3a7}' | '\u{3c7}' | '\u{425}' | '\u{445}' => 'x',
        '\u{3a5}' | '\u{3b3}' | '\u{423}' | '\u{443}' | '\u{4ae}' | '\u{4af}' | '\u{28f}' => 'y',
        '\u{396}' | '\u{1d22}' => 'z',
        '\u{66a}' => '%',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_as_it_looks() {
        let words = ["secure", "100%", "tamper-proof", "zero overhead"].map(str::to_owned);
        let lexicon = Lexicon::new(&words);
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(lexicon.word(&[Piece::Said(text.to_owned())]), expected, "{text}");
        };
        let secure = Some("secure");
        check("It is SECURE.", secure);
        check("s\u{200b}e\u{ad}c\u{2060}ure", secure);
        check("\u{ff53}\u{ff45}\u{ff43}\u{ff55}\u{ff52}\u{ff45}", secure);
        check("\u{455}\u{435}\u{441}ur\u{435}", secure);
        check("\u{405}\u{395}CUR\u{415}", secure);
        check("\u{1d42c}\u{1d41e}\u{1d41c}\u{1d42e}\u{1d42b}\u{1d41e}", secure);
        check("securely", secure);
        check("secured, insecure, security", None);
        check("100 %", Some("100%"));
        check("100\u{a0}\u{ff05}", Some("100%"));
        check("1100%", None);
        check("tamper\u{2011}proof", Some("tamper-proof"));
        check("zero\u{2009}overhead", Some("zero overhead"));
    }

    #[test]
    fn code_counts_where_it_is_a_word_among_words() {
        let words = ["secure", "100%", "zero overhead"].map(str::to_owned);
        let lexicon = Lexicon::new(&words);
        let said = |text: &str| Piece::Said(text.to_owned());
        let code = |text: &str| Piece::Code(text.to_owned());
        let check = |pieces: &[Piece], expected: Option<&str>| {
            assert_eq!(lexicon.word(pieces), expected, "{pieces:?}");
        };
        check(&[said("It is "), code("secure"), said(".")], Some("secure"));
        check(&[said("It works "), code("securely"), said(".")], Some("secure"));
        check(&[said("It is s"), code("ecu"), said("re.")], Some("secure"));
        check(&[said("It is 100"), code("%"), said(".")], Some("100%"));
        check(&[said("With zero "), code("overhead")], Some("zero overhead"));
        check(&[code("secure")], None);
        check(&[said("Pass "), code("--secure"), said(".")], None);
        check(&[said("Pass "), code("secure = true"), said(".")], None);
    }
}
