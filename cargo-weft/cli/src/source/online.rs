//! Connections: the one place that opens any, for commands and flags that ask for it by name.
//!
//! Without the feature `online` nothing below exists, and no library that could open a connection is linked.

pub mod keyless;
pub mod tuf;

use std::future::Future;
use std::time::Duration;

use sigstore_sign::reqwest;

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
fn client_within(timeout: Duration, is_direct: bool) -> Result<reqwest::Client, Error> {
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cargo-weft/", env!("CARGO_PKG_VERSION")));
    let client = if is_direct { client.no_proxy() } else { client };
    client.build().map_err(|e| failed("set up", "the network client", &e))
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
