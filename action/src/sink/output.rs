//! The runner's files: outputs, and the job summary ("Workflow commands for GitHub Actions").

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use cargo_weft::Error;

/// Adds outputs to the runner's file, each between delimiters that nobody can guess.
///
/// # Errors
///
/// [`Error::File`].
pub fn outputs(path: &Path, outputs: &[(&str, String)]) -> Result<(), Error> {
    let mut text = String::new();
    for (name, value) in outputs {
        let delimiter = delimiter(value)?;
        text += &format!("{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    append(path, text.as_bytes())
}

/// Adds a page to the job summary.
///
/// # Errors
///
/// [`Error::File`].
pub fn summary(path: &Path, page: &str) -> Result<(), Error> {
    append(path, page.as_bytes())
}

/// Makes a word that is not in `text`, and that nobody can guess.
///
/// # Errors
///
/// [`Error::Bug`] if the system has no random numbers.
pub fn delimiter(text: &str) -> Result<String, Error> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|e| Error::Bug(e.to_string()))?;
    let word: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let word = format!("weft-{word}");
    match text.contains(&word) {
        true => Err(Error::Bug("a random word was guessed".to_owned())),
        false => Ok(word),
    }
}

fn append(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", path: path.display().to_string(), source };
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}
