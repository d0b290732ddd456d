//! What a page is to GitHub: the tree of its Markdown, without the words.

use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options, parse_document};

/// What weft writes as HTML.
const HTML: [&str; 7] =
    ["<br>", "<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"];

/// The page of the run, to which alone links lead.
pub(crate) const RUN: &str = "https://github.com/octo/widget/actions/runs/77";

/// Returns what a page is made of, a line each: all but text and code.
///
/// Panics if anything is in it that only somebody else would write.
#[track_caller]
pub(crate) fn shape(page: &str) -> Vec<String> {
    let arena = Arena::new();
    let root = parse_document(&arena, page, &options());
    let mut seen = Seen::default();
    seen.look(root, 0);
    assert!(seen.odd.is_empty(), "{:?} in:\n{page}", seen.odd);
    seen.lines
}

/// Returns the comments of a page.
pub(crate) fn comments(page: &str) -> Vec<String> {
    let lines = shape(page).into_iter().map(|line| line.trim().to_owned());
    lines.filter(|line| line.starts_with("<!--")).collect()
}

/// Everything that GitHub has switched on, and that this parser knows.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.alerts = true;
    extension.autolink = true;
    extension.footnotes = true;
    extension.math_code = true;
    extension.math_dollars = true;
    extension.strikethrough = true;
    extension.table = true;
    extension.tasklist = true;
    options
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    odd: Vec<String>,
}

impl Seen {
    fn look(&mut self, node: Node<'_>, depth: usize) {
        let data = node.data();
        let line = match &data.value {
            NodeValue::Text(text) => return self.text(text),
            NodeValue::Code(_) => return,
            NodeValue::Link(link) => {
                if link.url != RUN {
                    self.odd.push(format!("a link to {}", link.url));
                }
                format!("link {}", link.url)
            }
            NodeValue::HtmlBlock(block) => self.html(&block.literal),
            NodeValue::HtmlInline(literal) => self.html(literal),
            NodeValue::Heading(heading) => format!("heading {}", heading.level),
            // How wide the table is, each row says for itself.
            NodeValue::Table(_) => "table".to_owned(),
            NodeValue::List(_) => "list".to_owned(),
            NodeValue::Item(_) => "item".to_owned(),
            value @ (NodeValue::Document
            | NodeValue::BlockQuote
            | NodeValue::Paragraph
            | NodeValue::ThematicBreak
            | NodeValue::TableRow(_)
            | NodeValue::TableCell
            | NodeValue::SoftBreak
            | NodeValue::Strong) => format!("{value:?}"),
            other => {
                self.odd.push(format!("{other:?}"));
                "something else".to_owned()
            }
        };
        self.lines.push(format!("{}{line}", "  ".repeat(depth)));
        drop(data);
        for child in node.children() {
            self.look(child, depth + 1);
        }
    }

    /// GitHub makes links of HTML's text, too, once the Markdown is read: of nothing in code.
    fn text(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let is_issue = lower
            .match_indices("gh-")
            .any(|(at, _)| lower[at + 3..].starts_with(|c: char| c.is_ascii_digit()));
        // The job summary names the base, which leads nowhere but into the repository.
        let is_base = text.starts_with("Compared with ");
        let is_commit = !is_base
            && text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|w| (7..=40).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_hexdigit()));
        let is_name = |part: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "+-_".contains(c);
            !part.is_empty() && part.chars().all(fits)
        };
        let parts: Vec<&str> = text.split(':').collect();
        let is_emoji =
            parts.len() > 2 && parts[1..parts.len() - 1].iter().any(|part| is_name(part));
        let is_active = text.chars().any(|c| c.is_control() || "\u{202e}\u{200b}".contains(c));
        if text.contains(['@', '#'])
            || text.contains("://")
            || is_issue
            || is_commit
            || is_emoji
            || is_active
        {
            self.odd.push(format!("the text `{text}`"));
        }
    }

    fn html(&mut self, literal: &str) -> String {
        // A block is a line of what it begins with; what is told apart in it is told apart here.
        let mut rest = literal.trim();
        if rest == "<!-- cargo-weft: cargo-weft -->" {
            return rest.to_owned();
        }
        let mut tags = Vec::new();
        while let Some(at) = rest.find('<') {
            let tag = HTML.iter().find(|tag| rest[at..].starts_with(**tag));
            match tag {
                Some(tag) => {
                    tags.push(*tag);
                    rest = &rest[at + tag.len()..];
                }
                None => {
                    self.odd.push(format!("the HTML `{literal}`"));
                    break;
                }
            }
        }
        format!("html {}", tags.join(" "))
    }
}

#[test]
fn what_somebody_else_writes_is_seen() {
    for text in [
        "[x](http://e.example)",
        "![x](y)",
        "<b>x</b>",
        "<!-- x -->",
        "x <img src=x>",
        "www.e.example",
        "http://e.example",
        "me@e.example",
        "@octocat",
        "octo/widget#1",
        "see gh-1",
        "0123456789abcdef0123456789abcdef01234567",
        ":smile:",
        "*x*",
        "~~x~~",
        "$x$",
        "x[^1]\n\n[^1]: y",
        "- [ ] x",
        "> [!NOTE]\n> x",
        "    x",
        "<details>\n<script>x</script>",
        "x\u{202e}y",
    ] {
        let seen = std::panic::catch_unwind(|| shape(text));
        assert!(seen.is_err(), "{text}: {seen:?}");
    }
    let page = "<!-- cargo-weft: cargo-weft -->\n### a `@b`\n\n<details><summary>2 c</summary>\n\n- **d** `#1`\n\n</details>\n";
    assert_eq!(comments(page), ["<!-- cargo-weft: cargo-weft -->"]);
}
