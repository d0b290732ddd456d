//! Patterns of artifact rules: what Python's `fnmatch` takes, case-sensitively, as the in-toto reference does.
//!
//! `*` stands for any text, also across `/`; `?` for one character; `[abc]`, `[a-z]` and `[!a-z]` for one character of a
//! set; everything else, an unclosed bracket included, for itself.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text,
    Any,
    One(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut rest = &characters[..];
        while let [first, behind @ ..] = rest {
            rest = behind;
            tokens.push(match first {
                '*' => Token::Text,
                '?' => Token::Any,
                '[' => match set(behind) {
                    Some((token, behind)) => {
                        rest = behind;
                        token
                    }
                    None => Token::One('['),
                },
                other => Token::One(*other),
            });
        }
        Self { text: text.to_owned(), tokens }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Says whether the whole of a text fits; in time of the product of both lengths at most.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut token, mut at) = (0, 0);
        // The last star, and where what it stands for ends.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.tokens.get(token) {
                Some(Token::Text) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(one) if one.fits(text[at]) => {
                    token += 1;
                    at += 1;
                }
                _ => match star {
                    Some((of, end)) => {
                        star = Some((of, end + 1));
                        token = of + 1;
                        at = end + 1;
                    }
                    None => return false,
                },
            }
        }
        self.tokens[token..].iter().all(|token| *token == Token::Text)
    }
}

impl Token {
    fn fits(&self, found: char) -> bool {
        match self {
            Self::Text => false,
            Self::Any => true,
            Self::One(one) => *one == found,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&found)) != *negated
            }
        }
    }
}

/// Reads a set behind its opening bracket; nothing, if it is not closed.
fn set(text: &[char]) -> Option<(Token, &[char])> {
    let (negated, text) = match text {
        ['!', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // A bracket that comes first is one of the set.
    let end = text.iter().skip(1).position(|c| *c == ']')? + 1;
    let (mut inner, rest) = (&text[..end], &text[end + 1..]);
    let mut ranges = Vec::new();
    while let [first, behind @ ..] = inner {
        match behind {
            ['-', last, behind @ ..] => {
                ranges.push((*first, *last));
                inner = behind;
            }
            _ => {
                ranges.push((*first, *first));
                inner = behind;
            }
        }
    }
    Some((Token::Set { negated, ranges }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, fits: &[&str], not: &[&str]) {
        let glob = Glob::new(pattern);
        for text in fits {
            assert!(glob.matches(text), "{pattern} {text}");
        }
        for text in not {
            assert!(!glob.matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_is_one_of_fnmatch() {
        check("*", &["", "a", "a/b"], &[]);
        check("foo.py", &["foo.py"], &["foo.pyc", "foo_py", "Foo.py", ""]);
        check("src/*.rs", &["src/a.rs", "src/a/b.rs", "src/.rs"], &["src/a.rs.bak", "a.rs"]);
        check("*a*b", &["ab", "xaxb", "aab", "abab"], &["aba", "b", ""]);
        check("a?c", &["abc", "a/c", "aéc"], &["ac", "abbc"]);
        check("[a-c]", &["a", "b", "c"], &["d", "-", "", "ab"]);
        check("[!a-c]x", &["dx", "-x"], &["ax", "x"]);
        check("[]]", &["]"], &["[", "[]]"]);
        check("[!]]", &["["], &["]"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[a-c-e]", &["b", "-", "e"], &["d"]);
        check("[^a]", &["^", "a"], &["b"]);
        check("[z-a]", &[], &["z", "a", "m"]);
        check("[a", &["[a"], &["a"]);
        check("[]", &["[]"], &["", "]"]);
        check("[!]", &["[!]"], &["!", "x"]);
        check("**", &["", "a"], &[]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn many_stars_take_no_long_time() {
        check(&format!("{}b", "*a".repeat(1000)), &[], &["a".repeat(5000).as_str()]);
    }
}
