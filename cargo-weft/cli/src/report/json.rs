//! JSON for machines: canonical (RFC 8785), with a final newline, so that equal verdicts are equal files.

use serde::Serialize;
use weft_verify::canonical;

use crate::error::Error;

/// Writes a value of one of the published formats.
///
/// # Errors
///
/// [`Error::Bug`] if the value has no canonical form.
pub fn render<T: Serialize>(value: &T) -> Result<String, Error> {
    let bytes = canonical::to_vec(value).map_err(|e| Error::Bug(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| Error::Bug(e.to_string()))?;
    Ok(text + "\n")
}
