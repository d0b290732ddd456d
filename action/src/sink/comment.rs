//! The one comment on a pull request: found by its marker and its author, and kept true.

use http::Method;
use serde_json::{Value, json};

use crate::github::{Failure, GitHub};
use crate::show::markdown::marker;

/// A comment that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comment {
    body: String,
    id: u64,
    url: String,
}

/// Who writes comments, and for which report.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The login that the token writes as.
    pub author: &'a str,
    /// The report that the comment is about.
    pub category: &'a str,
    /// The number of the pull request.
    pub pull: u64,
}

impl Hand<'_> {
    /// Writes the comment, or makes the one that is there say what is true now, and returns its URL.
    ///
    /// With `only_if_there` nothing is written where nothing was.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn tell(
        &self,
        github: &GitHub,
        body: &str,
        only_if_there: bool,
    ) -> Result<Option<String>, Failure> {
        let mut ours = self.ours(github)?.into_iter();
        let Some(comment) = ours.next() else {
            return match only_if_there {
                true => Ok(None),
                false => self.create(github, body).map(Some),
            };
        };
        if comment.body != body {
            let path = format!("/issues/comments/{}", comment.id);
            // To say the same twice is to say it once.
            github.write(Method::PATCH, &path, &json!({"body": body}), || Ok(None))?;
        }
        for surplus in ours {
            // A run that was cut off may have left a second one.
            github.delete(&format!("/issues/comments/{}", surplus.id))?;
        }
        Ok(Some(comment.url))
    }

    fn create(&self, github: &GitHub, body: &str) -> Result<String, Failure> {
        let path = format!("/issues/{}/comments", self.pull);
        let find = || {
            let ours = self.ours(github)?.into_iter().next();
            Ok(ours.map(|comment| json!({"html_url": comment.url})))
        };
        let written = github.write(Method::POST, &path, &json!({"body": body}), find)?;
        let author = text(&written, "/user/login");
        if let Some(author) = author.filter(|author| !author.eq_ignore_ascii_case(self.author)) {
            // The next run would not know it again, and write another.
            if let Some(id) = written.get("id").and_then(Value::as_u64) {
                github.delete(&format!("/issues/comments/{id}"))?;
            }
            let author = cargo_weft::escape::terminal(author);
            return Err(Failure::Refused(format!(
                "the token writes as `{author}`, so say `comment-author: {author}`"
            )));
        }
        Ok(text(&written, "/html_url").unwrap_or_default().to_owned())
    }

    /// Lists comments that begin with the marker and that the token's own hand wrote, the oldest first.
    fn ours(&self, github: &GitHub) -> Result<Vec<Comment>, Failure> {
        let marker = format!("{}\n", marker(self.category));
        let mut ours = Vec::new();
        github.list(&format!("/issues/{}/comments", self.pull), None, |comment| {
            let is_author =
                text(&comment, "/user/login").is_some_and(|l| l.eq_ignore_ascii_case(self.author));
            let is_bot = text(&comment, "/user/type") == Some("Bot");
            let body = text(&comment, "/body").unwrap_or_default();
            // GitHub may hand line ends back as a form field has them.
            let body = body.replace("\r\n", "\n");
            if is_author && is_bot == self.author.ends_with("[bot]") && body.starts_with(&marker) {
                let id = comment.get("id").and_then(Value::as_u64);
                let url = text(&comment, "/html_url").unwrap_or_default().to_owned();
                ours.extend(id.map(|id| Comment { body, id, url }));
            }
            true
        })?;
        Ok(ours)
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}
