//! Loads the layers of a policy, `weft.toml`, the profiles it builds on, or a profile by name, and the campaigns that
//! they name.

use std::path::{Path, PathBuf};

use weft_gate::Diagnostic;
use weft_gate::facts::Input;
use weft_gate::policy::{self, Effective, Layer, Reference};
use weft_gate::risk::{Campaign, campaign, prior};
use weft_verify::Sha256;

use super::files;
use crate::error::Error;

/// The largest policy file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// How many profiles may build on each other.
const MAX_LAYERS: usize = 8;

/// The name of the policy file.
pub const FILE: &str = "weft.toml";

/// A policy with the files it was read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The policy and the places of its values.
    pub effective: Effective,
    /// The files that were read.
    pub inputs: Vec<Input>,
}

/// Loads the policy that `--policy` names, or that of the workspace, or the profile `local`.
///
/// # Errors
///
/// A faulty file, with the place; a file that is named and not there.
pub fn load(named: Option<&str>, root: &Path) -> Result<Loaded, Error> {
    let mut loader = Loader { layers: Vec::new(), inputs: Vec::new() };
    match named {
        Some(name) if policy::profile(name).is_some() => loader.profile(name)?,
        Some(named) => {
            // A link to the policy is the user's own doing.
            let path = Path::new(named).canonicalize().unwrap_or_else(|_| PathBuf::from(named));
            if !path.is_file() {
                let names: Vec<_> = policy::PROFILES.iter().map(|(name, _)| *name).collect();
                return Err(Error::usage(
                    format!("there is no policy at {named}"),
                    format!("--policy takes a file or one of {}", names.join(", ")),
                ));
            }
            loader.file(&path)?;
        }
        None if root.join(FILE).symlink_metadata().is_ok() => loader.file(&root.join(FILE))?,
        None => loader.profile("local")?,
    }
    loader.layers.reverse();
    let effective = policy::combine(&loader.layers).map_err(Error::Bug)?;
    Ok(Loaded { effective, inputs: loader.inputs })
}

const PROFILE_HELP: &str =
    "a profile is local, baseline, strict or release, or a file below the policy's directory";

/// Points at a profile that is neither built in nor a file, where it is named.
fn check_profile(directory: &Path, layer: &Layer, name: &str, text: String) -> Result<(), Error> {
    let fault = match files::read_inside(directory, &directory.join(name), MAX_BYTES) {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => "no profile and no file has this name".to_owned(),
        Err(refusal) => format!("this profile {refusal}"),
    };
    let names = policy::PROFILES.iter().map(|(name, _)| *name);
    let close = names.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    let help = match close {
        Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`?"),
        _ => PROFILE_HELP.to_owned(),
    };
    let span = layer.profile_span.clone().unwrap_or_default();
    Err(Error::Config { diagnostic: Diagnostic::at(&layer.name, span, fault).help(help), text })
}

struct Loader {
    /// The topmost layer first.
    layers: Vec<Layer>,
    inputs: Vec<Input>,
}

impl Loader {
    /// Adds a file and what it builds on; profiles by path stay below the file's directory.
    fn file(&mut self, path: &Path) -> Result<(), Error> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let directory = directory.canonicalize().map_err(|source| Error::File {
            action: "read",
            path: path.display().to_string(),
            source,
        })?;
        let mut name =
            path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        while self.layers.len() < MAX_LAYERS {
            let (layer, text) = self.read(&directory, &name)?;
            let next = layer.profile.clone().unwrap_or_else(|| "local".to_owned());
            if policy::profile(&next).is_some() {
                self.layers.push(layer);
                return self.profile(&next);
            }
            check_profile(&directory, &layer, &next, text)?;
            self.layers.push(layer);
            name = next;
        }
        Err(Error::usage(
            format!("{} builds on more than {MAX_LAYERS} profiles", path.display()),
            "profiles may not build on each other in a circle",
        ))
    }

    fn read(&mut self, directory: &Path, name: &str) -> Result<(Layer, String), Error> {
        let refuse =
            |why: String| Error::usage(format!("{} {why}", name.escape_debug()), PROFILE_HELP);
        let bytes = match files::read_inside(directory, &directory.join(name), MAX_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(refuse("is not there".to_owned())),
            Err(refusal) => return Err(refuse(refusal.to_string())),
        };
        self.inputs.push(Input { name: name.to_owned(), sha256: Sha256::of(&bytes) });
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let fault = |diagnostic| Error::Config { diagnostic, text: text.clone() };
        let mut layer = policy::parse_layer(name, &bytes).map_err(fault)?;
        let files = layer.campaigns.clone();
        let campaigns = files.iter().map(|file| self.campaign(directory, &layer, file, &text));
        let campaigns = campaigns.collect::<Result<Vec<Campaign>, _>>()?;
        layer.bring(campaigns).map_err(fault)?;
        Ok((layer, text))
    }

    /// Reads a campaign that a layer names; it stays below the directory.
    fn campaign(
        &mut self,
        directory: &Path,
        layer: &Layer,
        file: &Reference,
        text: &str,
    ) -> Result<Campaign, Error> {
        let fault = |what: String| {
            let diagnostic = Diagnostic::at(&layer.name, file.span.clone(), what);
            let diagnostic = diagnostic.help("a campaign is a file below the policy's directory");
            Error::Config { diagnostic, text: text.to_owned() }
        };
        let bytes = match files::read_inside(directory, &directory.join(&file.path), MAX_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(fault("this campaign is not there".to_owned())),
            Err(refusal) => return Err(fault(format!("this campaign {refusal}"))),
        };
        let input = Input { name: file.path.clone(), sha256: Sha256::of(&bytes) };
        if !self.inputs.contains(&input) {
            self.inputs.push(input);
        }
        campaign::parse(&file.path, &bytes, &prior::built_in()).map_err(|diagnostic| {
            Error::Config { diagnostic, text: String::from_utf8_lossy(&bytes).into_owned() }
        })
    }

    /// Adds a built-in profile and those it builds on.
    fn profile(&mut self, name: &str) -> Result<(), Error> {
        let layers = policy::built_in(name).map_err(|e| Error::Bug(e.to_string()))?;
        self.layers.extend(layers.into_iter().rev());
        Ok(())
    }
}
