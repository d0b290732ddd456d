//! Tables for people: columns as wide as their widest cell, numbers to the right.

use unicode_width::UnicodeWidthStr;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lays out rows under a header, each line indented by `indent` spaces and without trailing space.
///
/// Cells must be escaped already.
pub fn layout(align: &[Align], header: &[&str], rows: &[Vec<String>], indent: usize) -> String {
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let lines = || std::iter::once(&header).chain(rows);
    let width = |column: usize| lines().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..align.len()).map(width).collect();
    let mut out = String::new();
    for row in lines() {
        let mut line = " ".repeat(indent);
        for ((cell, width), align) in row.iter().zip(&widths).zip(align) {
            let pad = " ".repeat(width - cell.width());
            match align {
                Align::Left => line.extend([cell.as_str(), &pad, "  "]),
                Align::Right => line.extend([&pad, cell.as_str(), "  "]),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Shortens a cell to a width, with `…` where something was cut off.
pub fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + 2 > width {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// Writes thousandths as a decimal number with one digit after the point, rounded half up.
pub fn tenths(thousandths: u64) -> String {
    let tenths = (thousandths + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_display_width() {
        let rows =
            vec![vec!["漢".to_owned(), "1".to_owned()], vec!["abc".to_owned(), "22".to_owned()]];
        let table = layout(&[Align::Left, Align::Right], &["x", "n"], &rows, 1);
        assert_eq!(table, " x     n\n 漢    1\n abc  22\n");
    }

    #[test]
    fn what_is_cut_off_is_marked() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(tenths(1_250), "1.3");
        assert_eq!(tenths(0), "0.0");
    }
}
