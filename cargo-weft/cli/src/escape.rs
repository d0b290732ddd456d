//! Makes text from outside safe for the place it lands in.
//!
//! Package names, sources, versions, paths and messages are written by whoever opens a pull request.
//! Each function here serves one place; a report writer calls exactly one of them for every text it did not write.

/// Says whether a character could steer a terminal or reorder text: control characters, line separators, zero-width and
/// bidirectional formatting characters.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Escapes text for a terminal or a log, on one line.
///
/// A runner of workflows obeys `::command::` at the beginning of a line, which wrapping may make of any word, and
/// `##[command]` anywhere.
pub fn terminal(text: &str) -> String {
    let text = visible(text, |c, out| out.push(c)).replace("##[", "#\\u{23}[");
    let words = text.split(' ').map(|word| match word.strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Escapes text for Markdown, as text: no markup, link, HTML, mention or issue reference comes of it.
pub fn markdown(text: &str) -> String {
    visible(text, |c, out| match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        // A character reference cannot begin a mention, a reference to an issue, or a bare link.
        '@' => out.push_str("&#64;"),
        '#' => out.push_str("&#35;"),
        ':' => out.push_str("&#58;"),
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '-' | '.' | '!'
        | '|' | '~' | '=' | '$' => {
            out.push('\\');
            out.push(c);
        }
        _ => out.push(c),
    })
}

/// Writes text as a Markdown code span that is also safe in a table cell.
pub fn markdown_code(text: &str) -> String {
    let text = visible(text, |c, out| match c {
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
    visible(text, |c, out| {
        if matches!(c, '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    })
}

/// Escapes text for an XML attribute or element.
pub fn xml(text: &str) -> String {
    visible(text, |c, out| match c {
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
    let inner = visible(text, |c, out| match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        _ => out.push(c),
    });
    format!("\"{inner}\"")
}

/// Replaces active characters by `\u{…}` and passes the others to `write`.
fn visible(text: &str, write: impl Fn(char, &mut String)) -> String {
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
        assert_eq!(terminal("serde_json é 漢 a::b"), "serde_json é 漢 a::b");
        assert_eq!(
            terminal("::error::x y ::notice::z ##[error]"),
            "\\u{3a}:error::x y \\u{3a}:notice::z #\\u{23}[error]"
        );
    }

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(
            markdown("[x](http://y) @me #1 <b>"),
            "\\[x\\]\\(http&#58;//y\\) &#64;me &#35;1 &lt;b&gt;"
        );
        assert_eq!(markdown_code("a`b``c|d"), "``` a`b``c\\|d ```");
        assert_eq!(markdown_code("serde"), "`serde`");
        assert_eq!(markdown_code(""), "`  `");
    }

    #[test]
    fn nothing_ends_its_string() {
        assert_eq!(xml("a\"<b>&'\0"), "a&quot;&lt;b&gt;&amp;&apos;\\u{0}");
        assert_eq!(dot("a\"\\"), "\"a\\\"\\\\\"");
    }
}
