//! The dump of crates.io's database, into a file.

use std::io::Write;
use std::time::Duration;

use super::{address, block_on, client_within, failed};
use crate::error::Error;

/// The largest dump that is fetched, in bytes.
const MAX_BYTES: u64 = 32 << 30;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// Fetches a dump into `file`.
///
/// # Errors
///
/// [`Error::Usage`] for an address that would be reached in the clear; [`Error::Service`] if it is not answered with a
/// dump.
pub fn fetch(url: &str, file: &mut impl Write) -> Result<(), Error> {
    let url = address("--url", url)?;
    let client = client_within(TIMEOUT, false)?;
    let trouble = |e: &dyn std::error::Error| failed("fetch from", url.as_str(), e);
    block_on(async {
        let response = client.get(url.clone()).send().await.map_err(|e| trouble(&e))?;
        let status = response.status();
        // A redirection is not followed, so it is no dump either.
        if !status.is_success() {
            return Err(trouble(&std::io::Error::other(format!("it answered {status}"))));
        }
        let mut response = response;
        let mut fetched = 0;
        while let Some(chunk) = response.chunk().await.map_err(|e| trouble(&e))? {
            fetched += chunk.len() as u64;
            if fetched > MAX_BYTES {
                return Err(trouble(&std::io::Error::other("it is larger than weft fetches")));
            }
            file.write_all(&chunk).map_err(|e| trouble(&e))?;
        }
        file.flush().map_err(|e| trouble(&e))
    })?
}
