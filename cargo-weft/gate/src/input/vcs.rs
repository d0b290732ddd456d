//! `.cargo_vcs_info.json`: which commit Cargo says a package was packed from.
//!
//! Cargo writes it on the machine of whoever publishes; nobody checks it on the way, so it is what the archive says of
//! itself and no proof.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the file.
pub const FILE: &str = ".cargo_vcs_info.json";

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// The commit that a package was packed from, as its archive has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Whether files were packed that the commit does not have.
    pub dirty: bool,
    /// The path of the package in the repository.
    pub path: String,
    /// The commit.
    pub sha: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    git: Option<Git>,
    #[serde(default)]
    path_in_vcs: String,
}

#[derive(Deserialize)]
struct Git {
    sha1: String,
    #[serde(default)]
    dirty: bool,
}

/// Reads the file; `None` where it is of no git repository. Keys that weft does not know are passed over, since Cargo adds
/// some.
///
/// # Errors
///
/// A sentence: it is not what Cargo writes.
pub fn parse(bytes: &[u8]) -> Result<Option<Commit>, String> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| format!("is not read: {e}"))?;
    let Some(Git { sha1: sha, dirty }) = file.git else { return Ok(None) };
    let is_hex = sha.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_hex || ![40, 64].contains(&sha.len()) {
        return Err("names no commit".to_owned());
    }
    Ok(Some(Commit { dirty, path: file.path_in_vcs, sha }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn what_cargo_writes_is_read() {
        let commit =
            |dirty, path: &str| Commit { dirty, path: path.to_owned(), sha: SHA.to_owned() };
        for (text, expected) in [
            (format!(r#"{{"git":{{"sha1":"{SHA}"}},"path_in_vcs":""}}"#), commit(false, "")),
            (
                format!(r#"{{"git":{{"sha1":"{SHA}","dirty":true}},"path_in_vcs":"a/b"}}"#),
                commit(true, "a/b"),
            ),
            (format!(r#"{{"git":{{"sha1":"{SHA}","x":1}},"y":[]}}"#), commit(false, "")),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Some(expected)), "{text}");
        }
        assert_eq!(parse(br#"{"hg":{}}"#), Ok(None));
    }

    #[test]
    fn what_is_no_commit_is_refused() {
        let upper = SHA.to_uppercase();
        for sha in
            ["", "0123", &upper, &format!("{SHA}0"), "g123456789abcdef0123456789abcdef01234567"]
        {
            let text = format!(r#"{{"git":{{"sha1":"{sha}"}}}}"#);
            assert_eq!(parse(text.as_bytes()), Err("names no commit".to_owned()), "{text}");
        }
        for text in
            ["", "3", r#"{"git":{}}"#, r#"{"git":{"sha1":1}}"#, r#"{"git":{"sha1":"","dirty":1}}"#]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
