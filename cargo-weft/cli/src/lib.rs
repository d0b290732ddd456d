//! `cargo weft`: everything of the tool that touches the world.
//!
//! [`source`] fetches bytes: files, and what `cargo metadata` prints.
//! [`command`] joins them with the gate, one file per subcommand.
//! [`report`] shows verdicts and tables, one file per format.
//! [`escape`] makes text from outside safe for the place it lands in, and [`error`] says what went wrong.
//!
//! The decision itself is `weft-gate`'s; nothing here decides.

pub mod command;
pub mod error;
pub mod escape;
pub mod report;
pub mod source;

pub use error::{Error, ExitStatus};
