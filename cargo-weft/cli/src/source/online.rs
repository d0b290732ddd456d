//! Connections: the one place that opens any, for commands and flags that ask for it by name.
//!
//! Without the feature `online` nothing below exists, and no library that could open a connection is linked.

pub mod dump;
pub mod keyless;
pub mod tuf;

use std::future::Future;
use std::time::Duration;

use sigstore_sign::reqwest::{self, Url};

use crate::error::Error;

/// How long one request may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs requests to their end, on this thread.
///
/// # Errors
///
/// [`Error::Service`] if the operating system has no room for a runtime.
pub fn block_on<T>(requests: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| failed("start", "the network runtime", &e))?;
    Ok(runtime.block_on(requests))
}

/// Returns a client that gives up in time, follows no redirection, and names this tool and nothing else.
///
/// # Errors
///
/// [`Error::Service`] if TLS cannot be set up.
pub fn client() -> Result<reqwest::Client, Error> {
    client_within(TIMEOUT, false)
}

/// Returns such a client that gives each request so long; a direct one uses no proxy, whatever the system says.
///
/// It asks for no compression, so that what is received is as long as what was sent.
fn client_within(timeout: Duration, is_direct: bool) -> Result<reqwest::Client, Error> {
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_gzip()
        .no_deflate()
        .no_brotli()
        .no_zstd()
        .user_agent(concat!("cargo-weft/", env!("CARGO_PKG_VERSION")));
    let client = if is_direct { client.no_proxy() } else { client };
    client.build().map_err(|e| failed("set up", "the network client", &e))
}

/// Reads the address of a service, and refuses one that would be sent anything in the clear.
///
/// # Errors
///
/// [`Error::Usage`], which names `what` has the address.
fn address(what: &str, text: &str) -> Result<Url, Error> {
    let refused = |fault: &str| {
        let shown = crate::escape::terminal(text);
        let help = format!("name {what} as https://HOST/PATH");
        Err(Error::usage(format!("{what}: `{shown}` {fault}"), help))
    };
    let Ok(url) = Url::parse(text) else { return refused("is no URL") };
    // Not shown: it holds a secret.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::usage(
            format!("{what} holds a user or a password"),
            "name it without, since arguments are seen by others",
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => refused("is not encrypted, and not on this machine"),
        _ => refused("is no URL of a service"),
    }
}

/// Says whether a host is this machine by its number alone, which no resolver has a say in.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    number.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Says what failed at which service, with every cause: the last one is usually the true one.
pub fn failed(action: &'static str, service: &str, error: &dyn std::error::Error) -> Error {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !reason.contains(&said) {
            reason += &format!(": {said}");
        }
        cause = next.source();
    }
    Error::Service { action, service: service.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_encrypted_stays_on_this_machine() {
        for (url, is_taken) in [
            ("https://fulcio.example.org", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:8080/path", true),
            ("http://fulcio.example.org", false),
            ("http://localhost", false),
            ("http://127.0.0.1.example.org", false),
            ("http://127.0.0.1@example.org", false),
            ("http://10.0.0.1", false),
            ("https://user:secret@fulcio.example.org", false),
            ("file:///etc/passwd", false),
            ("fulcio.example.org", false),
            ("https://", false),
        ] {
            assert_eq!(address("it", url).is_ok(), is_taken, "{url}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = address("--url", "https://user:secret@example.org").unwrap_err().to_string();
        assert!(error.contains("--url") && !error.contains("secret"), "{error}");
    }
}
