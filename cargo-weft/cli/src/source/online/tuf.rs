//! New trusted roots, through The Update Framework (TUF specification 1.0 §5), by `sigstore-tuf`.
//!
//! Everything is fetched and verified in memory first; what is kept on disk is for [`State`].

mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sigstore_sign::reqwest::Url;
use sigstore_trust_root::{SigstoreInstance, TRUSTED_ROOT_TARGET};
use sigstore_tuf::{HttpRepository, MetadataStore, Updater, UpdaterConfig};
use weft_verify::{AsOf, Sha256};

pub use self::state::{State, Versions};
use super::{address, block_on, client, failed};
use crate::error::Error;

/// The largest root that is read, in bytes.
pub const MAX_ROOT: usize = 256 << 10;

/// The largest trusted root that is fetched, in bytes.
pub const MAX_TARGET: usize = 4 << 20;

/// How long all requests of an update may take together.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A TUF repository, and the root that its chain begins with.
#[derive(Debug, Clone)]
pub struct Repository {
    url: Url,
    initial_root: Vec<u8>,
}

/// Why there is nothing new.
#[derive(Debug)]
pub enum Failure {
    /// What was fetched does not verify, or is older than what was there.
    Refused(String),
    /// It could not be fetched, or not be kept.
    Error(Box<Error>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

/// What was fetched and verified.
#[derive(Debug)]
pub struct Fetched {
    /// The trusted root.
    pub trusted_root: Vec<u8>,
    /// What is to be kept, so that nothing older is taken the next time.
    pub state: State,
}

impl Repository {
    /// Returns the repository of an instance whose trusted root is built in.
    ///
    /// # Errors
    ///
    /// [`Error::Bug`], if its address is none.
    pub fn of(instance: SigstoreInstance) -> Result<Self, Error> {
        let url = Url::parse(instance.tuf_url()).map_err(|e| Error::Bug(e.to_string()))?;
        Ok(Self { url, initial_root: instance.tuf_root().to_vec() })
    }

    /// Returns a repository elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if it is not reached through TLS, unless it is on this machine.
    pub fn elsewhere(url: &str, initial_root: Vec<u8>) -> Result<Self, Error> {
        Ok(Self { url: address("--url", url)?, initial_root })
    }

    /// Returns its address.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    fn initial_root(&self) -> Sha256 {
        Sha256::of(&self.initial_root)
    }

    /// Fetches the newest trusted root; nothing older than the state, and nothing that has expired by then.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn fetch(&self, before: &State, as_of: AsOf) -> Result<Fetched, Failure> {
        let failure = |error: sigstore_tuf::Error| self.failure(&error);
        let latest = i64::try_from(as_of.latest()).ok();
        let now = latest.and_then(|second| jiff::Timestamp::from_second(second).ok());
        let now =
            now.ok_or_else(|| Error::usage("the day is too far off", "name another --as-of"))?;
        let transport =
            HttpRepository::new(self.url()).map_err(failure)?.with_http_client(client()?);
        let kept = Arc::new(Kept(Mutex::new(before.files())));
        let updater = Updater::new(transport, &self.initial_root).map_err(failure)?;
        let mut updater = updater.with_config(bounds()).with_store(Arc::clone(&kept));
        let requests = async {
            updater.refresh(now).await?;
            updater.get_target(TRUSTED_ROOT_TARGET, now).await
        };
        let bounded = block_on(async { tokio::time::timeout(TIMEOUT, requests).await })?;
        let trusted_root = bounded.map_err(|late| failed("update from", self.url(), &late))?;
        let trusted_root = trusted_root.map_err(failure)?;
        let trusted = updater.trusted();
        let versions = Versions {
            root: trusted.root().version,
            timestamp: trusted.timestamp().map_or(0, |role| role.version),
            snapshot: trusted.snapshot().map_or(0, |role| role.version),
            targets: trusted.targets_role("targets").map_or(0, |role| role.version),
        };
        let files = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = before.after(self, versions, files).map_err(Failure::Refused)?;
        Ok(Fetched { trusted_root, state })
    }

    /// What is not there, or not in time, is trouble; what is there and does not verify is refused.
    fn failure(&self, error: &sigstore_tuf::Error) -> Failure {
        let told = failed("update from", self.url(), error);
        match error {
            sigstore_tuf::Error::Transport { .. } | sigstore_tuf::Error::Io { .. } => told.into(),
            _ => match told {
                Error::Service { reason, .. } => Failure::Refused(reason),
                other => other.into(),
            },
        }
    }
}

/// Bounds on what is fetched, so that all of it fits into the state.
fn bounds() -> UpdaterConfig {
    let mut bounds = UpdaterConfig::default();
    bounds.root_max_length = MAX_ROOT as u64;
    bounds.snapshot_max_length = 1 << 20;
    bounds.targets_max_length = 2 << 20;
    bounds.target_max_length = MAX_TARGET as u64;
    bounds
}

/// Verified files by their names, in memory.
struct Kept(Mutex<BTreeMap<String, Vec<u8>>>);

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}
