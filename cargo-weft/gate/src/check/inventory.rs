//! Family `inventory`: whether what will be built is written down.

mod checksum_missing;
mod lockfile_missing;
mod lockfile_stale;

pub use checksum_missing::ChecksumMissing;
pub use lockfile_missing::LockfileMissing;
pub use lockfile_stale::LockfileStale;
