//! `cargo weft trust update`: a newer trusted root, fetched where it is asked for, and never an older one.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use crate::command::Format;

#[cfg(feature = "online")]
mod online;

#[cfg(feature = "online")]
pub(super) use self::online::run;

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Connect to the repository; without it, nothing is done
    #[arg(long)]
    online: bool,
    /// The instance whose root is fetched; by default public-good
    #[arg(long, value_name = "NAME", value_parser = ["public-good", "github", "staging"], conflicts_with = "url")]
    root: Option<String>,
    /// Another TUF repository, reached through https
    #[arg(long, requires = "initial_root")]
    url: Option<String>,
    /// The root.json of that repository that is trusted to begin with
    #[arg(long, value_name = "FILE", requires = "url")]
    initial_root: Option<PathBuf>,
    /// The trusted_root.json that is written; what was verified is kept beside it, in FILE.tuf
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The day to judge as of, YYYY-MM-DD; by default today, in UTC
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// Without the feature `online`, nothing could be fetched.
#[cfg(not(feature = "online"))]
pub(super) fn run(_: &UpdateArgs) -> Result<crate::error::ExitStatus, crate::error::Error> {
    Err(crate::error::Error::usage(
        "this build of weft opens no connections",
        "use a build with the feature `online`",
    ))
}
