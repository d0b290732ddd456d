//! Raw HTML in a document, in tokens as a browser has them.
//!
//! Implements of the HTML standard's tokenisation (section 13.2.5) what tells tags, comments and text apart.
//! What is inside of `script` and the like is read as if it were elsewhere: a tag there counts, which errs towards a
//! fault.

use std::ops::Range;

use pulldown_cmark::{Event, Parser};

/// The longest name of a character, in bytes.
const LONGEST_NAME: usize = 32;

/// The elements of the HTML standard, those that it calls obsolete included, in order.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "applet",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "basefont",
    "bdi",
    "bdo",
    "bgsound",
    "big",
    "blink",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "i",
    "iframe",
    "image",
    "img",
    "input",
    "ins",
    "isindex",
    "kbd",
    "keygen",
    "label",
    "legend",
    "li",
    "link",
    "listing",
    "main",
    "map",
    "mark",
    "marquee",
    "math",
    "menu",
    "menuitem",
    "meta",
    "meter",
    "multicol",
    "nav",
    "nextid",
    "nobr",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "param",
    "picture",
    "plaintext",
    "pre",
    "progress",
    "q",
    "rb",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "script",
    "search",
    "section",
    "select",
    "selectedcontent",
    "slot",
    "small",
    "source",
    "spacer",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "track",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
    "xmp",
];

/// A block of raw HTML, or a piece of it inside of text.
#[derive(Debug)]
pub(super) struct Raw {
    /// Whether it is a block.
    pub(super) block: bool,
    /// What it says, without the marks of the quotes and lists that it is in.
    pub(super) text: String,
    /// Where each of its lines begins: there, and in the document.
    lines: Vec<(usize, usize)>,
}

/// A piece of raw HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'h> {
    /// A comment that all versions of Markdown and HTML read alike, with what it says.
    Comment(&'h str),
    /// The tag that opens an element, by its name in lower case.
    Open(String),
    /// The tag that closes one.
    Close(String),
    /// A declaration, an instruction, or any other comment.
    Other,
    /// What is seen.
    Text(&'h str),
    /// A tag or a comment that has no end here.
    Unclosed,
}

impl Raw {
    /// Begins a block or a piece.
    pub(super) fn new(block: bool) -> Self {
        Self { block, text: String::new(), lines: Vec::new() }
    }

    /// Adds text that begins at a byte of the document.
    pub(super) fn push(&mut self, text: &str, source: usize) {
        self.lines.push((self.text.len(), source));
        self.text.push_str(text);
    }

    /// Returns where one of its bytes is in the document.
    pub(super) fn source(&self, at: usize) -> usize {
        let before = self.lines.partition_point(|(start, _)| *start <= at);
        before.checked_sub(1).map_or(at, |last| {
            let (start, source) = self.lines[last];
            source + (at - start)
        })
    }

    /// Returns its tokens with their bytes, which leave none out.
    pub(super) fn tokens(&self) -> Vec<(Token<'_>, Range<usize>)> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < self.text.len() {
            let (token, length) = token(&self.text[at..]);
            tokens.push((token, at..at + length));
            at += length;
        }
        tokens
    }
}

/// The elements of raw HTML that are open.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// Their names, and where they begin in the document.
    open: Vec<(String, usize)>,
}

impl Elements {
    /// Goes on by a token, which is written so and there in the document.
    pub(super) fn pass(&mut self, token: &Token<'_>, written: &str, at: usize) {
        match token {
            Token::Open(name) if opens(name, written) => self.open.push((name.clone(), at)),
            // Where tags are crossed, what is open is not agreed on.
            Token::Close(name) => drop(self.open.pop_if(|(open, _)| *open == *name)),
            Token::Unclosed => self.open.push(("!".to_owned(), at)),
            Token::Comment(_) | Token::Open(_) | Token::Other | Token::Text(_) => {}
        }
    }

    /// Returns the innermost, `!` for a tag or a comment without an end, and where it begins.
    pub(super) fn innermost(&self) -> Option<(&str, usize)> {
        self.open.last().map(|(name, at)| (name.as_str(), *at))
    }
}

/// Says whether a tag opens an element that may have a bearing on what follows.
///
/// Types such as `Vec<u8>` are read as tags of elements that nobody knows, which show what they hold, unless an
/// attribute hides it.
fn opens(name: &str, written: &str) -> bool {
    let is_known = || ELEMENTS.binary_search(&name).is_ok() || name.contains('-');
    let may_hide = || {
        let written = written.to_ascii_lowercase();
        ["=", "hidden", "popover"].iter().any(|sign| written.contains(sign))
    };
    !is_void(name) && (is_known() || may_hide())
}

/// Adds what a reader sees of raw HTML to a text.
pub(super) fn show(raw: &Raw, out: &mut String) {
    for (token, _) in raw.tokens() {
        match token {
            Token::Text(text) => out.extend(resolve(text).into_iter().map(|(said, _)| said)),
            Token::Open(name) | Token::Close(name) if parts_words(&name) => out.push(' '),
            Token::Open(_) | Token::Close(_) => {}
            Token::Comment(_) | Token::Other | Token::Unclosed => {}
        }
    }
}

/// Returns the token that a text begins with, and how many bytes it has.
fn token(html: &str) -> (Token<'_>, usize) {
    let is_markup = |html: &str| {
        let second = html.strip_prefix('<').and_then(|rest| rest.chars().next());
        second.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/'))
    };
    if !is_markup(html) {
        let mut after = html.char_indices().skip(1);
        let next = after.find(|(at, c)| *c == '<' && is_markup(&html[*at..]));
        let length = next.map_or(html.len(), |(at, _)| at);
        return (Token::Text(&html[..length]), length);
    }
    if let Some(inner) = html.strip_prefix("<!--") {
        return comment(html, inner);
    }
    let closes = html.starts_with("</");
    let name = html[1..].strip_prefix('/').unwrap_or(&html[1..]);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return html.find('>').map_or((Token::Unclosed, html.len()), |end| (Token::Other, end + 1));
    }
    let Some(length) = tag_length(html) else { return (Token::Unclosed, html.len()) };
    let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
    let name = name.split(ends).next().unwrap_or_default().to_ascii_lowercase();
    (if closes { Token::Close(name) } else { Token::Open(name) }, length)
}

/// Reads a comment; `inner` is what follows its `<!--`.
fn comment<'h>(html: &'h str, inner: &'h str) -> (Token<'h>, usize) {
    for empty in ["<!-->", "<!--->"] {
        if html.starts_with(empty) {
            return (Token::Other, empty.len());
        }
    }
    let mut at = 0;
    let mut plain = true;
    while let Some(found) = inner[at..].find("--") {
        let dashes = at + found;
        let rest = &inner[dashes + 2..];
        if rest.starts_with('>') {
            // Two dashes inside end a comment for some and not for others.
            let token = if plain { Token::Comment(&inner[..dashes]) } else { Token::Other };
            return (token, "<!--".len() + dashes + "-->".len());
        }
        if rest.starts_with("!>") {
            return (Token::Other, "<!--".len() + dashes + "--!>".len());
        }
        plain = false;
        at = dashes + 1;
    }
    (Token::Unclosed, html.len())
}

/// Where in a tag one is.
#[derive(Clone, Copy)]
enum Within {
    Name,
    BetweenAttributes,
    Attribute,
    AfterAttribute,
    BeforeValue,
    Value,
    Quoted(u8),
}

/// Returns how many bytes a tag has: a `>` in quotes ends none, and what are quotes depends on where they stand.
fn tag_length(html: &str) -> Option<usize> {
    use Within::*;

    let mut within = Name;
    let lead = if html.starts_with("</") { 2 } else { 1 };
    for (at, byte) in html.bytes().enumerate().skip(lead) {
        let space = byte.is_ascii_whitespace();
        within = match (within, byte) {
            (Quoted(quote), _) if byte == quote => BetweenAttributes,
            (Quoted(quote), _) => Quoted(quote),
            (_, b'>') => return Some(at + 1),
            (Name | Value, _) if space => BetweenAttributes,
            (Name | Attribute | AfterAttribute, b'/') => BetweenAttributes,
            (Name, _) => Name,
            (Value, _) => Value,
            (BetweenAttributes, b'/') => BetweenAttributes,
            (BetweenAttributes, _) if space => BetweenAttributes,
            (BetweenAttributes, _) => Attribute,
            (Attribute | AfterAttribute, b'=') => BeforeValue,
            (Attribute | AfterAttribute, _) if space => AfterAttribute,
            (Attribute | AfterAttribute, _) => Attribute,
            (BeforeValue, _) if space => BeforeValue,
            (BeforeValue, b'"' | b'\'') => Quoted(byte),
            (BeforeValue, _) => Value,
        };
    }
    None
}

/// Says whether an element has no content, and so no tag that closes it.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Says whether an element shows something that is no text.
pub(super) fn shows(name: &str) -> bool {
    matches!(name, "embed" | "iframe" | "image" | "img" | "input" | "object" | "svg" | "video")
}

/// Says whether a tag stands between two words, whatever is written around it.
pub(super) fn parts_words(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "button"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "img"
            | "input"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "textarea"
            | "tfoot"
            | "th"
            | "thead"
            | "title"
            | "tr"
            | "ul"
    )
}

/// Returns a text of raw HTML in pieces, each with its bytes, in which references to characters are resolved.
pub(super) fn resolve(text: &str) -> Vec<(String, Range<usize>)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (said, length) = reference(rest).unwrap_or_else(|| {
            let next = rest.char_indices().skip(1).find(|(_, c)| *c == '&');
            let length = next.map_or(rest.len(), |(next, _)| next);
            (rest[..length].to_owned(), length)
        });
        pieces.push((said, at..at + length));
        at += length;
    }
    pieces
}

/// Returns what a reference to a character at the beginning of a text stands for, and how many bytes it has.
fn reference(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('&')?;
    if let Some(number) = inner.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        let radix = if hexadecimal.is_some() { 16 } else { 10 };
        let digits = hexadecimal.unwrap_or(number);
        let count = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let number = u32::from_str_radix(&digits[..count], radix).ok()?;
        let length = text.len() - digits.len() + count;
        // Browsers do without the semicolon.
        let length = length + usize::from(text[length..].starts_with(';'));
        return Some((char::from_u32(number)?.to_string(), length));
    }
    let count = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
    if (1..=LONGEST_NAME).contains(&count) && inner[count..].starts_with(';') {
        let written = &text[..count + 2];
        let mut said = String::new();
        for event in Parser::new(written) {
            if let Event::Text(text) = event {
                said.push_str(&text);
            }
        }
        return (said != written).then_some((said, written.len()));
    }
    // Two of the names that do without the semicolon are not seen.
    let unseen = [("shy", '\u{ad}'), ("nbsp", '\u{a0}')];
    let (name, c) = unseen.into_iter().find(|(name, _)| inner.starts_with(name))?;
    Some((c.to_string(), 1 + name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_a_browser_ends_them() {
        let check = |html: &str, expected: &[&str]| {
            let mut raw = Raw::new(true);
            raw.push(html, 0);
            let found: Vec<&str> =
                raw.tokens().into_iter().map(|(_, range)| &raw.text[range]).collect();
            assert_eq!(found, expected, "{html}");
        };
        check("a < b", &["a < b"]);
        check("a<b>c</b>", &["a", "<b>", "c", "</b>"]);
        check("<a b=\">\">c", &["<a b=\">\">", "c"]);
        check("<a \">c", &["<a \">", "c"]);
        check("<a =\">c", &["<a =\">", "c"]);
        check("<a b=c\">d", &["<a b=c\">", "d"]);
        check("<a b=c=\">d", &["<a b=c=\">", "d"]);
        check("<a b = '>'/>c", &["<a b = '>'/>", "c"]);
        check("<? > ?>", &["<? >", " ?>"]);
        check("<a b=\"", &["<a b=\""]);
        check("<!-- a -->b", &["<!-- a -->", "b"]);
        check("<!-- a --!>b-->", &["<!-- a --!>", "b-->"]);
        check("<!-->b<!--->c", &["<!-->", "b", "<!--->", "c"]);
        check("<!--", &["<!--"]);
    }

    #[test]
    fn an_element_is_open_if_html_knows_it() {
        assert!(ELEMENTS.is_sorted());
        let check = |html: &str, expected: Option<(&str, usize)>| {
            let mut raw = Raw::new(true);
            raw.push(html, 0);
            let mut elements = Elements::default();
            for (token, range) in raw.tokens() {
                elements.pass(&token, &raw.text[range.clone()], range.start);
            }
            assert_eq!(elements.innermost(), expected, "{html}");
        };
        check("a<details>b", Some(("details", 1)));
        check("<details>a</details>", None);
        check("<b><i></b>", Some(("i", 3)));
        check("<X-Y>", Some(("x-y", 0)));
        check("Vec<u8>, Box<dyn Error> and <br>", None);
        check("<u8 hidden>", Some(("u8", 0)));
        check("<u8 style=\"display:none\">", Some(("u8", 0)));
        check("<!--", Some(("!", 0)));
    }

    #[test]
    fn a_comment_is_one_that_all_read_alike() {
        let is_comment =
            |html: &str| matches!(token(html), (Token::Comment(_), length) if length == html.len());
        assert!(is_comment("<!-- a -->") && is_comment("<!---->") && is_comment("<!--a-b-->"));
        for other in ["<!-- a --!>", "<!-->", "<!--->", "<!-- a -- b -->", "<!-- a --->", "<!-- a"]
        {
            assert!(!is_comment(other), "{other}");
        }
    }

    #[test]
    fn references_are_resolved() {
        let check = |text: &str, expected: &str| {
            let said: String = resolve(text).into_iter().map(|(said, _)| said).collect();
            assert_eq!(said, expected);
        };
        check("s&#101;cure &amp; s&#101cure, s&#x65;cure", "secure & secure, secure");
        check("a&shy;b&shyc&nbsp;d", "a\u{ad}b\u{ad}c\u{a0}d");
        check("a & b &c; &#; &#x110000; &", "a & b &c; &#; &#x110000; &");
    }
}
