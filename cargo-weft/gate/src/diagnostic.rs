//! Faults in files that people wrote: what is wrong, where, and what to do.
//!
//! A diagnostic is not a finding: it says that weft could not read something, not what it thinks of the project.

use std::fmt;
use std::ops::Range;

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the reader of the message knows it.
    pub file: String,
    /// The bytes at fault, when the fault has a place.
    pub span: Option<Range<usize>>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Creates a diagnostic for a range of bytes.
    pub fn at(file: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), span: Some(span), message: message.into(), help: None }
    }

    /// Creates a diagnostic for a file as a whole.
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), span: None, message: message.into(), help: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn from_toml(file: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim().to_owned();
        Self { file: file.to_owned(), span: error.span(), message, help: None }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
