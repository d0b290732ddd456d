//! The identity token: of a file, or of the CI that runs this.

use std::path::Path;

use sigstore_sign::oidc::IdentityToken;
use zeroize::Zeroizing;

use super::failed;
use crate::error::Error;
use crate::source::roles::read;

/// The longest token, in bytes.
const LONGEST: usize = 64 << 10;

/// The most that is shown of what a service says, in characters.
const LONGEST_REASON: usize = 1000;

/// Fetches the token, and refuses one that has run out.
pub(super) async fn fetch(path: Option<&Path>) -> Result<IdentityToken, Error> {
    let token = match path {
        Some(path) => from_file(path)?,
        None => ambient().await?,
    };
    match token.is_expired() {
        false => Ok(token),
        true => Err(Error::usage(
            format!("the identity token ran out at {}", token.expiration()),
            "fetch a new one just before signing",
        )),
    }
}

fn from_file(path: &Path) -> Result<IdentityToken, Error> {
    let bytes = Zeroizing::new(read(path, LONGEST)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    // Why it is none would quote it.
    IdentityToken::from_jwt(text.trim_ascii()).map_err(|_| {
        Error::usage(
            format!("{} holds no identity token", path.display()),
            "write a JWT with issuer, subject and expiry there, and nothing else",
        )
    })
}

async fn ambient() -> Result<IdentityToken, Error> {
    let found = IdentityToken::detect_ambient().await;
    let found = found.map_err(|e| failed("get an identity from", "the service of this CI", &e))?;
    found.ok_or_else(|| {
        Error::usage(
            "there is no identity to sign with: this is no CI that gives one",
            "on GitHub, give the job `permissions: id-token: write`; elsewhere name --identity-token-file",
        )
    })
}

/// Takes the token out of what a service said, which may be all that it was sent, and cuts what is too long.
pub(super) fn redact(error: Error, token: &str) -> Error {
    match error {
        Error::Service { action, service, reason } => {
            let reason = reason.replace(token, "[token]");
            let kept: String = reason.chars().take(LONGEST_REASON).collect();
            let rest = if kept.len() < reason.len() { " …" } else { "" };
            Error::Service { action, service, reason: format!("{kept}{rest}") }
        }
        other => other,
    }
}
