//! Loads `.weft/exemptions.toml`.

use std::path::Path;

use weft_gate::Diagnostic;
use weft_gate::exemption::Exemption;
use weft_gate::facts::Input;
use weft_gate::input::exemptions;
use weft_verify::Sha256;

use super::files;
use crate::error::Error;

/// The path of the file below the workspace root.
pub const FILE: &str = ".weft/exemptions.toml";

/// Exemptions, and the file they were read from.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The exemptions, in the order of the file.
    pub list: Vec<Exemption>,
    /// The file; none if there is none.
    pub input: Option<Input>,
}

/// Loads the exemptions of the workspace at `root`, which is canonical; where there is no file there are none.
///
/// # Errors
///
/// A file that cannot be read, or is faulty, with the place.
pub fn load(root: &Path) -> Result<Loaded, Error> {
    let read = files::read_inside(root, &root.join(FILE), exemptions::MAX_BYTES);
    let fault = |diagnostic, text| Error::Config { diagnostic, text };
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Loaded::default()),
        Err(refusal) => {
            return Err(fault(Diagnostic::whole(FILE, refusal.to_string()), String::new()));
        }
    };
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    let list = exemptions::parse(FILE, &bytes).map_err(|diagnostic| fault(diagnostic, text()))?;
    let input = Some(Input { name: FILE.to_owned(), sha256: Sha256::of(&bytes) });
    Ok(Loaded { list, input })
}
