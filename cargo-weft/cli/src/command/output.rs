//! Where reports go: each `--format` to its `--output`, or to standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::source::files;

/// A report for one destination.
pub(super) struct Output<'a> {
    /// The report.
    pub(super) text: Text,
    /// A file; standard output if there is none.
    pub(super) path: Option<&'a Path>,
}

/// A report for people may be styled; one for machines is written as it is.
pub(super) enum Text {
    Machine(String),
    Styled(String),
}

/// Pairs formats with outputs, in the order of the command line; a format without an output goes to standard output.
pub(super) fn pair<'a, F: Copy + PartialEq>(
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

/// Writes files first and standard output last, so that what is seen is complete.
pub(super) fn emit(mut outputs: Vec<Output<'_>>) -> Result<(), Error> {
    outputs.sort_by_key(|output| output.path.is_none());
    for output in &outputs {
        match output.path {
            Some(path) => match &output.text {
                Text::Machine(text) => files::write_output(path, text.as_bytes())?,
                Text::Styled(text) => {
                    files::write_output(
                        path,
                        anstream::adapter::strip_str(text).to_string().as_bytes(),
                    )?;
                }
            },
            None => match &output.text {
                Text::Machine(text) => write(std::io::stdout().lock(), text)?,
                Text::Styled(text) => write(anstream::stdout().lock(), text)?,
            },
        }
    }
    Ok(())
}

fn write(mut stream: impl Write, text: &str) -> Result<(), Error> {
    stream.write_all(text.as_bytes())?;
    stream.flush()?;
    Ok(())
}

/// Writes text without styles to standard output.
pub(super) fn print(text: String) -> Result<(), Error> {
    emit(vec![Output { text: Text::Machine(text), path: None }])
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
