//! Where reports go: each `--format` to its `--output`, or to standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::error::Error;
use crate::source::files;

/// The arguments of a command that reports.
#[derive(Debug, Args)]
pub(super) struct Reports<F: ValueEnum + Send + Sync + 'static> {
    /// The form of the report; may be given several times, each with its --output
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Vec<F>,
    /// Where the report of the --format of the same position goes; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

impl<F: ValueEnum + Copy + PartialEq + Send + Sync> Reports<F> {
    /// Pairs formats with outputs; what does not pair is a usage error, so ask before the work begins.
    pub(super) fn destinations(&self, default: F) -> Result<Destinations<'_, F>, Error> {
        pair(&self.format, &self.output, default).map(Destinations)
    }
}

/// Where each report goes; standard output if there is no path.
pub(super) struct Destinations<'a, F>(Vec<(F, Option<&'a Path>)>);

impl<F> Destinations<'_, F> {
    /// Makes every report, then writes files, and standard output last, so that what is seen is complete.
    pub(super) fn write(self, render: impl Fn(F) -> Result<Text, Error>) -> Result<(), Error> {
        let make = |(format, path)| Ok((render(format)?, path));
        let mut reports = self.0.into_iter().map(make).collect::<Result<Vec<_>, Error>>()?;
        reports.sort_by_key(|(_, path)| path.is_none());
        reports.into_iter().try_for_each(|(text, path)| text.write(path))
    }
}

/// A report for people may be styled; one for machines is written as it is.
pub(super) enum Text {
    Machine(String),
    Styled(String),
}

/// Pairs formats with outputs, in the order of the command line; a format without an output goes to standard output.
fn pair<'a, F: Copy + PartialEq>(
    formats: &[F],
    outputs: &'a [PathBuf],
    default: F,
) -> Result<Vec<(F, Option<&'a Path>)>, Error> {
    let formats = if formats.is_empty() { &[default][..] } else { formats };
    if outputs.len() > formats.len() {
        let message = format!("{} outputs for {} formats", outputs.len(), formats.len());
        return Err(Error::usage(message, "give a --format for every --output"));
    }
    let is_stdout = |path: &Path| path == Path::new("-");
    let outputs = outputs.iter().map(|path| Some(path.as_path()).filter(|path| !is_stdout(path)));
    let pairs: Vec<_> =
        formats.iter().copied().zip(outputs.chain(std::iter::repeat(None))).collect();
    if pairs.iter().filter(|(_, path)| path.is_none()).count() > 1 {
        return Err(Error::usage(
            "more than one report would go to standard output",
            "give an --output for all formats but one, in the same order",
        ));
    }
    let same = |a: usize| pairs[..a].iter().any(|(_, path)| path.is_some() && *path == pairs[a].1);
    match (0..pairs.len()).find(|a| same(*a)) {
        Some(_) => Err(Error::usage("two reports would go to one file", "name another --output")),
        None => Ok(pairs),
    }
}

impl Text {
    fn write(&self, path: Option<&Path>) -> Result<(), Error> {
        match (self, path) {
            (Self::Machine(text), Some(path)) => files::write_output(path, text.as_bytes()),
            (Self::Styled(text), Some(path)) => {
                files::write_output(path, anstream::adapter::strip_str(text).to_string().as_bytes())
            }
            (Self::Machine(text), None) => write(std::io::stdout().lock(), text),
            (Self::Styled(text), None) => write(anstream::stdout().lock(), text),
        }
    }
}

fn write(mut stream: impl Write, text: &str) -> Result<(), Error> {
    stream.write_all(text.as_bytes())?;
    stream.flush()?;
    Ok(())
}

/// Writes text without styles to standard output.
pub(super) fn print(text: String) -> Result<(), Error> {
    Text::Machine(text).write(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_outputs_pair_in_order() {
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(pair(&[], &[], 'h').unwrap(), [('h', None)]);
        let files = paths(&["a"]);
        assert_eq!(
            pair(&['j', 'h'], &files, 'h').unwrap(),
            [('j', Some(Path::new("a"))), ('h', None)]
        );
        let files = paths(&["-", "b"]);
        assert_eq!(
            pair(&['j', 'h'], &files, 'h').unwrap(),
            [('j', None), ('h', Some(Path::new("b")))]
        );
        assert!(pair(&['j', 'h'], &[], 'h').is_err());
        assert!(pair(&['j'], &paths(&["a", "b"]), 'h').is_err());
        assert!(pair(&['j', 'h'], &paths(&["a", "a"]), 'h').is_err());
    }
}
