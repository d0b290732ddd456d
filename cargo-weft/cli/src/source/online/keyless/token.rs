//! The identity token: read from a file, in date, and taken out of whatever services say.

use std::collections::BTreeSet;
use std::path::Path;

use sigstore_sign::oidc::IdentityToken;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::source::roles::read;

/// The longest token, in bytes.
pub(super) const LONGEST: usize = 64 << 10;

/// The most that is shown of what a service says, in characters, and the most that is looked at.
const LONGEST_SAID: usize = 300;
const LONGEST_READ: usize = 4096;

/// How many bytes in a row are a part of the token, and no coincidence.
const PART: usize = 16;

/// Reads the token from a file.
pub(super) fn from_file(path: &Path) -> Result<IdentityToken, Error> {
    let bytes = Zeroizing::new(read(path, LONGEST)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    parse(text, &path.display().to_string())
}

/// Parses what a place holds; why it is no token is not said, since that would quote it.
pub(super) fn parse(text: &str, place: &str) -> Result<IdentityToken, Error> {
    IdentityToken::from_jwt(text.trim_ascii()).map_err(|_| {
        Error::usage(
            format!("{place} holds no identity token"),
            "a JWT with issuer, subject and expiry has to be there, and nothing else",
        )
    })
}

/// Refuses a token that has run out.
pub(super) fn unexpired(token: IdentityToken) -> Result<IdentityToken, Error> {
    match token.is_expired() {
        false => Ok(token),
        true => Err(Error::usage(
            format!("the identity token ran out at {}", token.expiration()),
            "fetch a new one just before signing",
        )),
    }
}

/// Cleans what a service said in an error.
pub(super) fn redact(error: Error, token: &str) -> Error {
    match error {
        Error::Service { action, service, reason } => {
            Error::Service { action, service, reason: clean(&reason, token) }
        }
        other => other,
    }
}

/// Takes every part of the token out of what a service said, which may be what it was sent, and cuts what is too long.
pub(super) fn clean(said: &str, token: &str) -> String {
    let read: String = said.chars().take(LONGEST_READ).collect();
    let clean = without(&read, token);
    let kept: String = clean.chars().take(LONGEST_SAID).collect();
    let is_whole = read.len() == said.len() && kept.len() == clean.len();
    kept + if is_whole { "" } else { " …" }
}

fn without(said: &str, token: &str) -> String {
    let parts: BTreeSet<&[u8]> = token.as_bytes().windows(PART).collect();
    let mut is_secret = vec![false; said.len()];
    for (at, part) in said.as_bytes().windows(PART).enumerate() {
        if parts.contains(&part) {
            is_secret[at..at + PART].fill(true);
        }
    }
    let mut shown = String::new();
    let mut was_secret = false;
    for (at, character) in said.char_indices() {
        let is_secret = is_secret[at..at + character.len_utf8()].contains(&true);
        match is_secret {
            true if was_secret => {}
            true => shown += "[token]",
            false => shown.push(character),
        }
        was_secret = is_secret;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ0ZXN0In0.c2lnbmF0dXJl";

    #[test]
    fn sixteen_characters_of_the_token_are_taken_out_and_fifteen_may_be_anything() {
        let (part, less) = (&TOKEN[20..36], &TOKEN[20..35]);
        for (said, shown) in [
            (format!("no {TOKEN} here"), "no [token] here".to_owned()),
            (format!("no {}", &TOKEN[3..]), "no [token]".to_owned()),
            (format!("{}!", &TOKEN[..TOKEN.len() - 3]), "[token]!".to_owned()),
            (format!("ä{part}ä{part}"), "ä[token]ä[token]".to_owned()),
            (format!("ä{less}ä"), format!("ä{less}ä")),
            (String::new(), String::new()),
        ] {
            assert_eq!(clean(&said, TOKEN), shown);
        }
    }

    #[test]
    fn what_is_said_at_length_is_cut() {
        assert_eq!(clean(&"ä".repeat(300), TOKEN), "ä".repeat(300));
        assert_eq!(clean(&"ä".repeat(301), TOKEN), "ä".repeat(300) + " …");
        // Of a token at the end of what is read, no part is left.
        let said = TOKEN.repeat(1000);
        let shown = clean(&said, TOKEN);
        assert!(shown.starts_with("[token]") && shown.len() < 40, "{shown}");
    }
}
