//! Errors and faults on standard error, with the place in the file as rustc would draw it.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use weft_gate::Diagnostic;
use weft_gate::place::SourceText;

use crate::error::Error;
use crate::escape;

/// Lines longer than this are not drawn; the place is named instead.
const LONGEST_LINE: usize = 400;

/// Shows an error.
pub fn show_error(error: &Error) {
    match error {
        Error::Config { diagnostic, text } => show(diagnostic, text),
        Error::Usage { message, help } => print_plain(message, Some(help)),
        Error::NoGraph { .. } => {
            print_plain(
                &error.to_string(),
                Some("`cargo weft audit` shows everything that can be decided without it"),
            );
        }
        Error::Rejected { rejection, .. } => {
            let title = format!("{error} ({})", rejection.code().name());
            print_plain(&title, Some(rejection.code().remedy()));
        }
        // Whoever closed the pipe knows.
        Error::Output(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {}
        Error::Service { .. } => {
            let help = "try again; if it stays so, ask whoever runs the service, or name another";
            print_plain(&error.to_string(), Some(help));
        }
        Error::File { .. } | Error::Output(_) => print_plain(&error.to_string(), None),
        Error::Bug(_) => {
            print_plain(&error.to_string(), Some("this is a bug in weft; please report it"))
        }
    }
}

/// Shows a fault in a file.
pub fn show(diagnostic: &Diagnostic, text: &str) {
    // Cargo's configuration may hold tokens.
    let may_show = !diagnostic.file.contains(".cargo/");
    let excerpt =
        diagnostic.span.as_ref().filter(|_| may_show).and_then(|span| excerpt(text, span.clone()));
    match excerpt {
        None => print_plain(&placed(diagnostic, text), diagnostic.help.as_deref()),
        Some(excerpt) => anstream::eprintln!("{}", draw(diagnostic, &excerpt)),
    }
}

/// Describes a fault in a line, with its place.
pub fn placed(diagnostic: &Diagnostic, text: &str) -> String {
    let place = diagnostic.span.as_ref().map(|span| {
        let place = SourceText::new(&diagnostic.file, text).place(span.clone());
        format!(":{}:{}", place.line, place.column)
    });
    format!("{}{}: {}", diagnostic.file, place.unwrap_or_default(), diagnostic.message)
}

/// Shows what another program said, but for lines that may hold a password.
pub fn show_quoted(title: &str, text: &str) {
    anstream::eprintln!("note: {title}:");
    for line in
        text.lines().filter(|line| !line.split("://").skip(1).any(|rest| rest.contains('@')))
    {
        anstream::eprintln!("  | {}", escape::terminal(line));
    }
}

fn print_plain(title: &str, help: Option<&str>) {
    anstream::eprintln!("error: {}", escape::terminal(title));
    if let Some(help) = help {
        anstream::eprintln!("help: {}", escape::terminal(help));
    }
}

/// The lines around a fault, made safe, with the fault's range in them.
struct Excerpt {
    text: String,
    first_line: usize,
    span: std::ops::Range<usize>,
}

fn excerpt(text: &str, span: std::ops::Range<usize>) -> Option<Excerpt> {
    let (start, end) = (span.start.min(text.len()), span.end.min(text.len()));
    let line_start = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    // A fault over several lines is shown by its first.
    let line_end = text.get(start..)?.find('\n').map_or(text.len(), |newline| start + newline);
    let line = text.get(line_start..line_end)?;
    // A URL may hold a password.
    let has_credentials = line.split("://").skip(1).any(|rest| rest.contains('@'));
    if line.len() > LONGEST_LINE || has_credentials {
        return None;
    }
    let before = escape::terminal(text.get(line_start..start)?);
    let fault = escape::terminal(text.get(start..end.clamp(start, line_end))?);
    let after = escape::terminal(text.get(end.clamp(start, line_end)..line_end)?);
    Some(Excerpt {
        first_line: text[..line_start].matches('\n').count() + 1,
        span: before.len()..before.len() + fault.len().max(1),
        text: before + &fault + &after + " ",
    })
}

fn draw(diagnostic: &Diagnostic, excerpt: &Excerpt) -> String {
    let file = escape::terminal(&diagnostic.file);
    let message = escape::terminal(&diagnostic.message);
    let snippet = Snippet::source(&*excerpt.text)
        .path(&*file)
        .line_start(excerpt.first_line)
        .annotation(AnnotationKind::Primary.span(excerpt.span.clone()));
    let group = Level::ERROR.primary_title(&*message).element(snippet);
    let help = diagnostic.help.as_deref().map(escape::terminal);
    let group = match &help {
        Some(help) => group.element(Level::HELP.message(&**help)),
        None => group,
    };
    Renderer::styled().render(&[group]).to_string()
}
