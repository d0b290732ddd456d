//! `cargo weft completions` and `cargo weft man`, made from the same definition as the command line.

use clap::Args;
use clap_complete::Shell;

use super::output;
use crate::error::{Error, ExitStatus};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<ExitStatus, Error> {
    let mut script = Vec::new();
    // Shells complete a program by its own name; `cargo weft` is `cargo-weft` to them.
    let mut definition = super::definition().name("cargo-weft").bin_name("cargo-weft");
    clap_complete::generate(args.shell, &mut definition, "cargo-weft", &mut script);
    print(script)
}

pub(super) fn man() -> Result<ExitStatus, Error> {
    let mut page = Vec::new();
    clap_mangen::Man::new(super::definition().name("cargo-weft")).render(&mut page)?;
    let mut commands = super::definition();
    commands.build();
    for command in commands.get_subcommands().filter(|c| c.get_name() != "help") {
        clap_mangen::Man::new(command.clone()).render(&mut page)?;
    }
    print(page)
}

fn print(bytes: Vec<u8>) -> Result<ExitStatus, Error> {
    let text = String::from_utf8(bytes).map_err(|e| Error::Bug(e.to_string()))?;
    output::print(text)?;
    Ok(ExitStatus::Passed)
}
