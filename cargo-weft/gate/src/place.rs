//! Places in files: where a fault is, or where a dependency is introduced.
//!
//! Files are named by their path relative to the workspace root, with `/` on every system, so that a place reads the
//! same on any machine.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So far into a line, columns count bytes.
const LONG_LINE: usize = 4096;

/// A range of text in a file, in 1-based lines and columns.
///
/// Columns count Unicode code points, but bytes beyond the first 4,096 of a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, relative to the workspace root.
    pub file: String,
    /// The first line.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
}

impl Place {
    /// Returns the first position of a file that is named as a whole.
    pub fn whole(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

/// A text with an index of its lines, which turns byte ranges into places.
#[derive(Debug, Clone)]
pub struct SourceText<'t> {
    file: String,
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> SourceText<'t> {
    /// Indexes `text`, the content of `file`.
    pub fn new(file: &str, text: &'t str) -> Self {
        let after_newlines =
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        let line_starts = std::iter::once(0).chain(after_newlines).collect();
        Self { file: file.to_owned(), text, line_starts }
    }

    /// Returns the name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the text itself.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Returns the place of a byte range; a range beyond the text ends where the text ends.
    pub fn place(&self, range: Range<usize>) -> Place {
        let (line, column) = self.position(range.start);
        let (end_line, end_column) = self.position(range.end.max(range.start));
        Place { file: self.file.clone(), line, column, end_line, end_column }
    }

    fn position(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let start = self.line_starts[line];
        let column = match self.text.get(start..offset) {
            // Counting would be quadratic where a whole file is one line.
            Some(before) if before.len() > LONG_LINE => before.len(),
            Some(before) => before.chars().count(),
            None => 0,
        };
        (saturating(line + 1), saturating(column + 1))
    }
}

fn saturating(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_code_points_and_ranges_are_clamped() {
        let text = SourceText::new("a.toml", "x = \"é\"\nyy\n");
        let place = |range| {
            let p = text.place(range);
            (p.line, p.column, p.end_line, p.end_column)
        };
        assert_eq!(place(0..1), (1, 1, 1, 2));
        assert_eq!(place(5..8), (1, 6, 1, 8));
        assert_eq!(place(9..11), (2, 1, 2, 3));
        assert_eq!(place(500..600), (3, 1, 3, 1));
    }
}
