//! Walks the tokens of a Rust file: the paths it names, its literals, and what it declares of other languages.
//!
//! Nothing is resolved. What stands in a macro counts, and so does what an import renames; comments and strings do not.

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// The most brackets that may be open at once.
const MAX_DEPTH: usize = 128;

/// Something that stands in a file.
pub(crate) enum Piece<'a> {
    /// A path, such as `std::fs::write`, the beginning that a group of imports continues included.
    Path {
        /// Its words; raw identifiers are the same names.
        words: &'a [String],
        /// The line of its last word.
        line: usize,
        /// Whether all that is in it is imported, or it gets another name.
        whole: bool,
    },
    /// A block of declarations whose code is elsewhere, by its line.
    Foreign(usize),
    /// A literal as it is written, by its line.
    Literal(&'a str, usize),
}

/// What a walk passes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// Nothing.
    Nothing,
    /// Attributes, and items that only tests are compiled with.
    Tests,
}

/// Shows every piece to `visit`.
///
/// # Errors
///
/// A sentence without a subject: the brackets are nested too deeply.
pub(crate) fn walk(
    tokens: TokenStream,
    passing: Passing,
    visit: &mut dyn FnMut(Piece<'_>),
) -> Result<(), String> {
    Walk { passing, visit }.stream(tokens, &[], 0)
}

/// Lists the paths of files that a file takes code from: by `include!`, or by `path` in an attribute.
pub(crate) fn taken(tokens: TokenStream) -> Vec<String> {
    let mut open = vec![(tokens.into_iter(), false)];
    let mut found = Vec::new();
    // The word and the sign before a token.
    let mut last = (String::new(), ' ');
    while let Some((stream, in_brackets)) = open.last_mut() {
        let in_brackets = *in_brackets;
        match stream.next() {
            Some(TokenTree::Ident(word)) => last = (word.to_string(), ' '),
            Some(TokenTree::Punct(sign)) if last.1 == ' ' => last.1 = sign.as_char(),
            Some(TokenTree::Punct(_)) => last = (String::new(), ' '),
            Some(TokenTree::Literal(literal)) => {
                if in_brackets && last.0 == "path" && last.1 == '=' {
                    found.extend(text(&literal));
                }
                last = (String::new(), ' ');
            }
            Some(TokenTree::Group(group)) => {
                if last.0 == "include"
                    && last.1 == '!'
                    && let Some(TokenTree::Literal(literal)) = group.stream().into_iter().next()
                {
                    found.extend(text(&literal));
                }
                last = (String::new(), ' ');
                let in_brackets = in_brackets || group.delimiter() == Delimiter::Bracket;
                open.push((group.stream().into_iter(), in_brackets));
            }
            None => {
                open.pop();
            }
        }
    }
    found
}

/// Returns what a literal stands for, if that is text.
fn text(literal: &Literal) -> Option<String> {
    Some(syn::parse_str::<syn::LitStr>(&literal.to_string()).ok()?.value())
}

struct Walk<'v> {
    passing: Passing,
    visit: &'v mut dyn FnMut(Piece<'_>),
}

/// Where a walk through one stream is.
#[derive(Default)]
struct At {
    path: Vec<String>,
    /// The line of the path's last word; 0 is none.
    line: usize,
    colons: usize,
    /// The line of an `extern` that nothing but a literal follows.
    foreign: Option<usize>,
    /// Whether the next group may be an attribute.
    hash: bool,
    /// How many angle brackets are open in an item that only tests have.
    test: Option<usize>,
    /// Whether the last token was `-` or `=`.
    arrow: bool,
}

impl Walk<'_> {
    /// Looks at the pieces of a stream; `before` is the path that a group of imports continues.
    fn stream(
        &mut self,
        tokens: TokenStream,
        before: &[String],
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("is nested more than {MAX_DEPTH} deep"));
        }
        let start = || At { path: before.to_vec(), ..At::default() };
        let mut at = start();
        for token in tokens {
            if self.passes(&mut at, &token) {
                continue;
            }
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => at.colons += 1,
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    if at.colons != 2 && at.line != 0 {
                        self.path(&at, name == "as");
                        at = start();
                    }
                    at.line = ident.span().start().line;
                    at.foreign = (name == "extern").then_some(at.line);
                    at.path.push(name.trim_start_matches("r#").to_owned());
                    at.colons = 0;
                }
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Brace
                        && let Some(line) = at.foreign
                    {
                        (self.visit)(Piece::Foreign(line));
                    }
                    if at.colons == 2 && group.delimiter() == Delimiter::Brace {
                        self.stream(group.stream(), &at.path, depth + 1)?;
                    } else {
                        self.path(&at, false);
                        self.stream(group.stream(), &[], depth + 1)?;
                    }
                    at = start();
                }
                TokenTree::Punct(punct) => {
                    let whole = punct.as_char() == '*' && (at.colons == 2 || at.line == 0);
                    if whole && !before.is_empty() && at.line == 0 {
                        at.line = punct.span().start().line;
                    }
                    self.path(&at, whole);
                    at = start();
                    at.hash = punct.as_char() == '#';
                }
                TokenTree::Literal(literal) => {
                    self.path(&at, false);
                    let line = literal.span().start().line;
                    (self.visit)(Piece::Literal(&literal.to_string(), line));
                    at = At { foreign: at.foreign, ..start() };
                }
            }
        }
        self.path(&at, false);
        Ok(())
    }

    /// Says whether a token is of an attribute or of an item that only tests have, and keeps count of both.
    fn passes(&mut self, at: &mut At, token: &TokenTree) -> bool {
        if self.passing == Passing::Nothing {
            return false;
        }
        let hash = std::mem::take(&mut at.hash);
        if let TokenTree::Punct(punct) = token
            && (punct.as_char() == '#' || hash && punct.as_char() == '!')
        {
            self.path(at, false);
            *at = At { hash: true, test: at.test, ..At::default() };
            return true;
        }
        if let TokenTree::Group(group) = token
            && hash
            && group.delimiter() == Delimiter::Bracket
        {
            at.test = at.test.or(is_for_tests(group).then_some(0));
            return true;
        }
        let Some(open) = at.test else { return false };
        let arrow = std::mem::take(&mut at.arrow);
        at.test = match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => None,
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => None,
                ',' if open == 0 => None,
                '<' => Some(open + 1),
                '>' if !arrow => Some(open.saturating_sub(1)),
                other => {
                    at.arrow = matches!(other, '-' | '=');
                    Some(open)
                }
            },
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => Some(open),
        };
        true
    }

    fn path(&mut self, at: &At, whole: bool) {
        if at.line > 0 {
            let words = match at.path.split_last() {
                Some((last, parent)) if last == "self" && !parent.is_empty() => parent,
                _ => &at.path,
            };
            (self.visit)(Piece::Path { words, line: at.line, whole });
        }
    }
}

/// Says whether an attribute leaves its item to tests alone: `test`, `cfg(test)` or `cfg(all(test, …))`.
fn is_for_tests(attribute: &Group) -> bool {
    let mut tokens = attribute.stream().into_iter();
    let (first, second, third) = (tokens.next(), tokens.next(), tokens.next());
    match (first, second, third) {
        (Some(TokenTree::Ident(name)), None, _) => name == "test",
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(condition)), None) => {
            name == "cfg" && holds_in_tests_alone(condition.stream())
        }
        _ => false,
    }
}

fn holds_in_tests_alone(condition: TokenStream) -> bool {
    let mut tokens = condition.into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), None, _) => name == "test",
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(all)), None) => {
            let mut conditions = vec![TokenStream::new()];
            for token in all.stream() {
                match &token {
                    TokenTree::Punct(punct) if punct.as_char() == ',' => {
                        conditions.push(TokenStream::new());
                    }
                    _ => conditions.last_mut().into_iter().for_each(|c| c.extend([token.clone()])),
                }
            }
            name == "all" && conditions.into_iter().any(is_test_alone)
        }
        _ => false,
    }
}

fn is_test_alone(condition: TokenStream) -> bool {
    let mut tokens = condition.into_iter();
    matches!((tokens.next(), tokens.next()), (Some(TokenTree::Ident(name)), None) if name == "test")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, passing: Passing, expected: &[&str]) {
        let mut found = Vec::new();
        let mut visit = |piece: Piece<'_>| {
            found.push(match piece {
                Piece::Path { words, line, whole } => {
                    format!("{line} {}{}", words.join("::"), if whole { " whole" } else { "" })
                }
                Piece::Foreign(line) => format!("{line} foreign"),
                Piece::Literal(text, line) => format!("{line} literal {text}"),
            });
        };
        walk(text.parse().unwrap(), passing, &mut visit).unwrap();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn paths_are_whole_with_what_imports_continue() {
        check(
            "use a::{b, c::{self as d, *}};",
            Passing::Nothing,
            &["1 use", "1 a::b", "1 a::c whole", "1 a::c::as", "1 a::c::d", "1 a::c whole"],
        );
        check(
            "use a as b;\nc::d(e);",
            Passing::Nothing,
            &["1 use", "1 a whole", "1 as", "1 b", "2 c::d", "2 e"],
        );
    }

    #[test]
    fn blocks_of_foreign_code_are_not_functions_for_it() {
        let check = |text: &str, expected: bool| {
            let mut found = false;
            let mut visit = |piece: Piece<'_>| found |= matches!(piece, Piece::Foreign(_));
            walk(text.parse().unwrap(), Passing::Tests, &mut visit).unwrap();
            assert_eq!(found, expected, "{text}");
        };
        check("extern \"C\" { fn a(); }", true);
        check("unsafe extern { fn a(); }", true);
        check("#[link(name = \"a\")] extern \"system\" { fn a(); }", true);
        check("extern \"C\" fn a() {}", false);
        check("extern crate a;\nfn b() {}", false);
        check("#[cfg(test)] extern \"C\" { fn a(); }", false);
    }

    #[test]
    fn what_only_tests_have_is_passed_by_and_nothing_else() {
        let check = |text: &str, expected: &[&str]| {
            let mut found = Vec::new();
            let mut visit = |piece: Piece<'_>| {
                if let Piece::Path { words, .. } = piece
                    && words.len() > 1
                {
                    found.push(words.join("::"));
                }
            };
            walk(text.parse().unwrap(), Passing::Tests, &mut visit).unwrap();
            assert_eq!(found, expected, "{text}");
        };
        check("#[cfg(test)] mod tests { a::b(); } c::d();", &["c::d"]);
        check("#[cfg(all(test, unix))] #[x::y] mod tests { a::b(); } c::d();", &["c::d"]);
        check("#[test] fn a<B, C>() -> d::E { f::g() } h::i();", &["h::i"]);
        check("#[cfg(test)] use a::b; use c::d;", &["c::d"]);
        check("struct A { #[cfg(test)] a: b::C, d: e::F }", &["e::F"]);
        check("match a { #[cfg(test)] b::C => d::e(), _ => f::g() }", &["f::g"]);
        for counted in ["cfg(any(test, a))", "cfg(not(test))", "cfg(all(not(test), a))", "cfg(a)"] {
            check(&format!("#[{counted}] mod tests {{ a::b(); }}"), &["a::b"]);
        }
        check("#![cfg(not(test))] a::b();", &["a::b"]);
    }

    #[test]
    fn files_that_code_is_taken_from_are_named() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(taken(text.parse().unwrap()), expected, "{text}");
        };
        check("include!(\"a/b.in\");", &["a/b.in"]);
        check("fn a() { let b = include! { r#\"c\"# }; }", &["c"]);
        check("#[path = \"../tests/a.rs\"] mod a;", &["../tests/a.rs"]);
        check("#[cfg_attr(unix, path = \"\\x61.rs\")] mod a;", &["a.rs"]);
        check("include!(concat!(env!(\"OUT_DIR\"), \"/a.rs\"));", &[]);
        check("include_str!(\"a\"); let path = \"b\"; include(\"c\"); a == \"d\";", &[]);
    }

    #[test]
    fn what_is_too_deep_is_said() {
        let text = format!("{}{}", "(".repeat(200), ")".repeat(200));
        assert!(walk(text.parse().unwrap(), Passing::Nothing, &mut |_| {}).is_err());
    }
}
