//! Makes text from outside safe for the place it lands in.
//!
//! Package names, sources, versions, paths and messages are written by whoever opens a pull request.
//! Each function here serves one place; a report writer calls exactly one of them for every text it did not write.

/// Says whether a character could steer a terminal, reorder text, or hide in it: control characters, line separators,
/// zero-width and bidirectional formatting characters, and all others that Unicode has as ignorable by default, which
/// some comparisons skip.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Writes characters that could steer a terminal or reorder text as `\u{…}`, and all others as they are.
pub fn visible(text: &str) -> String {
    rewrite(text, |c, out| out.push(c))
}

/// Escapes text for a terminal or a log, on one line.
///
/// A runner of workflows obeys `::command::` at the beginning of a line, which wrapping may make of any word and before
/// which it skips whatever Unicode counts as space, and `##[command]` anywhere.
pub fn terminal(text: &str) -> String {
    let text = visible(text).replace("##[", "#\\u{23}[");
    let words =
        text.split_inclusive(char::is_whitespace).map(|word| match word.strip_prefix("::") {
            Some(rest) => format!("\\u{{3a}}:{rest}"),
            None => word.to_owned(),
        });
    words.collect()
}

/// Escapes text for Markdown, as text: no markup, link, HTML, mention or issue reference comes of it.
///
/// GitHub looks for mentions, references, addresses and emoji once the Markdown is read, in all text that is no code,
/// and an escape is gone by then: a word that it would take for one becomes a code span.
pub fn markdown(text: &str) -> String {
    let text = visible(text);
    let words = text.split(' ').map(|word| {
        // What ends a sentence is not of the word.
        let ends = ['.', ',', ';', ':'];
        let named = word.trim_end_matches(ends);
        let named = match named.strip_suffix(')') {
            Some(inside) if !inside.contains('(') => inside.trim_end_matches(ends),
            _ => named,
        };
        if !refers(named) {
            return markdown_text(word);
        }
        let inner = named.strip_prefix('`').and_then(|word| word.strip_suffix('`'));
        let inner = inner.filter(|word| !word.contains('`')).unwrap_or(named);
        format!("{}{}", markdown_code(inner), markdown_text(&word[named.len()..]))
    });
    let text = words.collect::<Vec<_>>().join(" ");
    // Spaces before it would make a block of code of it.
    match text.strip_prefix(' ') {
        Some(rest) => format!("&#32;{rest}"),
        None => text,
    }
}

/// Says whether a word is, or has in it, what GitHub makes a link, a mention, a reference or an emoji of.
fn refers(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_issue = lower
        .match_indices("gh-")
        .any(|(at, gh)| lower[at + gh.len()..].starts_with(|c: char| c.is_ascii_digit()));
    let parts = word.split(|c: char| !c.is_ascii_alphanumeric());
    let is_commit =
        |part: &str| (7..=40).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
    word.contains(['@', '#', ':']) || is_issue || parts.into_iter().any(is_commit)
}

fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A character reference cannot begin a bare link.
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '-' | '.' | '!'
            | '|' | '~' | '=' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Writes text as a Markdown code span that is also safe in a table cell.
pub fn markdown_code(text: &str) -> String {
    let text = rewrite(text, |c, out| match c {
        '|' => out.push_str("\\|"),
        _ => out.push(c),
    })
    .replace("##[", "#\\u{23}[");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Escapes text for a SARIF plain text message, in which brackets make links (SARIF 2.1.0 §3.11.6).
pub fn sarif(text: &str) -> String {
    rewrite(text, |c, out| {
        if matches!(c, '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    })
}

/// Escapes text for an XML attribute or element.
pub fn xml(text: &str) -> String {
    rewrite(text, |c, out| match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&apos;"),
        '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
        _ => out.push(c),
    })
}

/// Writes text as a DOT quoted string.
pub fn dot(text: &str) -> String {
    let inner = rewrite(text, |c, out| match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        _ => out.push(c),
    });
    format!("\"{inner}\"")
}

/// Replaces active characters by `\u{…}`, and passes these and all others to `write`.
fn rewrite(text: &str, write: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) {
            c.escape_unicode().for_each(|c| write(c, &mut out));
        } else {
            write(c, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(terminal("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(terminal("\u{202e}x\u{9b}\u{feff}"), "\\u{202e}x\\u{9b}\\u{feff}");
        assert_eq!(terminal("#\u{fe0f}#[error]\u{3164}"), "#\\u{fe0f}#[error]\\u{3164}");
        assert_eq!(terminal("serde_json é 漢 a::b"), "serde_json é 漢 a::b");
        assert_eq!(
            terminal("::error::x y ::notice::z ##[error]"),
            "\\u{3a}:error::x y \\u{3a}:notice::z #\\u{23}[error]"
        );
        assert_eq!(
            terminal("\u{a0}::error::x\u{3000}::y"),
            "\u{a0}\\u{3a}:error::x\u{3000}\\u{3a}:y"
        );
    }

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(
            markdown("[x](y) `a*b`: & <b>"),
            "\\[x\\]\\(y\\) \\`a\\*b\\`&#58; &amp; &lt;b&gt;"
        );
        assert_eq!(markdown_code("a`b``c|d"), "``` a`b``c\\|d ```");
        assert_eq!(markdown_code("serde"), "`serde`");
        assert_eq!(markdown_code(""), "`  `");
    }

    #[test]
    fn what_github_would_refer_to_is_code() {
        for (text, expected) in [
            ("ask @me, or `@us`.", "ask `@me`, or `@us`\\."),
            ("o/r#1 GH-1 GH-x", "`o/r#1` `GH-1` GH\\-x"),
            ("[x](http://y) a@b.example", "`[x](http://y)` `a@b.example`"),
            ("at 0123abc: 012345 :x: no", "at `0123abc`&#58; 012345 `:x`&#58; no"),
            ("a`@b`c \u{a0}@d", "`` a`@b`c `` `\u{a0}@d`"),
            ("     code", "&#32;    code"),
        ] {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn nothing_ends_its_string() {
        assert_eq!(xml("a\"<b>&'\0"), "a&quot;&lt;b&gt;&amp;&apos;\\u{0}");
        assert_eq!(dot("a\"\\"), "\"a\\\"\\\\\"");
    }
}
