//! Parsers of the files that describe a workspace: bytes in, typed content or a [`Diagnostic`] out.
//!
//! Nothing here reads a file; `cargo-weft`'s `source` module fetches the bytes.
//! Every parser bounds the size of its input, and the TOML and JSON readers bound its depth.

pub mod advisory;
pub mod audits;
pub mod candidates;
pub mod cargo_config;
pub mod claims;
pub mod dump;
pub mod exemptions;
pub mod index;
pub mod junit;
pub mod libtest;
pub mod lockfile;
pub mod manifest;
pub mod metadata;
pub mod package;
pub mod publishers;
pub mod roles;
pub mod symbol;
pub(crate) mod tree;
pub mod vcs;

use crate::Diagnostic;

/// Returns the text of a file, or says where it stops being UTF-8 or that it is too large.
///
/// # Errors
///
/// A [`Diagnostic`] naming the file.
pub fn text<'b>(file: &str, bytes: &'b [u8], limit: usize) -> Result<&'b str, Diagnostic> {
    if bytes.len() > limit {
        let message = format!("is larger than the {} MiB that weft reads", limit >> 20);
        return Err(Diagnostic::whole(file, message));
    }
    std::str::from_utf8(bytes).map_err(|e| {
        Diagnostic::whole(file, format!("is not UTF-8 from byte {} on", e.valid_up_to()))
    })
}

/// Checks that a TOML text has no key so deep that reading it would not end well.
///
/// # Errors
///
/// A [`Diagnostic`] with the place.
pub fn check_toml(file: &str, text: &str) -> Result<(), Diagnostic> {
    tree::check_key_depth(&crate::place::SourceText::new(file, text))
}

/// Says whether `name` is one that Cargo would accept for a package: a letter or `_` first, then letters, digits, `-`
/// and `_`.
pub fn is_package_name(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_alphanumeric() || c == '_');
    first && name.len() <= 255 && chars.all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}
