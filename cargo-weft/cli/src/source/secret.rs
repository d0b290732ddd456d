//! Fetches secrets: passphrases, private keys and random numbers.
//!
//! A passphrase comes from a prompt, a file descriptor, or an environment variable that the user names; never from an
//! argument.
//! It is overwritten when it is dropped, and nothing here shows it.

use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use weft_verify::sign::{Entropy, LockedKey, MAX_BYTES, SigningKey};
use zeroize::Zeroizing;

use super::roles::read;
use crate::error::Error;

/// The longest passphrase, in bytes.
const LONGEST: usize = 4096;

/// Where the passphrase comes from; by default, a prompt.
#[derive(Debug, Args)]
pub struct PassphraseArgs {
    /// Read the passphrase from this file descriptor, up to its end; 0 is standard input
    #[arg(long, value_name = "N", conflicts_with = "passphrase_env")]
    passphrase_fd: Option<u32>,
    /// Take the passphrase from this environment variable
    #[arg(long, value_name = "NAME")]
    passphrase_env: Option<String>,
}

impl PassphraseArgs {
    /// Returns the passphrase; `new` asks twice.
    fn fetch(&self, new: bool) -> Result<Zeroizing<String>, Error> {
        let passphrase = match (self.passphrase_fd, &self.passphrase_env) {
            (Some(descriptor), _) => from_descriptor(descriptor)?,
            (None, Some(name)) => Zeroizing::new(std::env::var(name).map_err(|_| {
                let message = format!("the environment variable {name} is not set, or not UTF-8");
                Error::usage(message, "set it, or leave --passphrase-env out for a prompt")
            })?),
            (None, None) => prompt(new)?,
        };
        let passphrase = strip_newline(passphrase);
        match passphrase.is_empty() {
            true => Err(Error::usage("the passphrase is empty", "give one that is hard to guess")),
            false => Ok(passphrase),
        }
    }

    /// Reads and unlocks a private key.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Usage`] or [`Error::Rejected`].
    pub fn unlock(&self, path: &Path) -> Result<SigningKey, Error> {
        let name = path.display().to_string();
        let bytes = Zeroizing::new(read(path, MAX_BYTES)?);
        let pem = std::str::from_utf8(&bytes).unwrap_or_default();
        let locked = LockedKey::from_pem(pem).map_err(Error::rejected(&name))?;
        let passphrase = self.fetch(false)?;
        locked.unlock(passphrase.as_bytes()).map_err(Error::rejected(&name))
    }

    /// Makes a private key, and writes it, locked, where nothing is yet.
    ///
    /// # Errors
    ///
    /// [`Error::File`] or [`Error::Usage`].
    pub fn make(&self, path: &Path) -> Result<SigningKey, Error> {
        if path.symlink_metadata().is_ok() {
            let message = format!("{} is there already", path.display());
            return Err(Error::usage(message, "a key is never overwritten: name another --output"));
        }
        let passphrase = self.fetch(true)?;
        let key = SigningKey::from_seed(&Zeroizing::new(random::<32>()?));
        let entropy = Entropy { salt: random()?, iv: random()? };
        create(path, key.lock(passphrase.as_bytes(), &entropy).as_bytes(), 0o600)?;
        Ok(key)
    }
}

fn prompt(new: bool) -> Result<Zeroizing<String>, Error> {
    let help = "name --passphrase-fd N or --passphrase-env NAME";
    let error =
        |e: std::io::Error| Error::usage(format!("no passphrase can be asked for: {e}"), help);
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage("there is no terminal to ask for the passphrase", help));
    }
    let passphrase = Zeroizing::new(rpassword::prompt_password("Passphrase: ").map_err(error)?);
    if new {
        let again = Zeroizing::new(rpassword::prompt_password("Again: ").map_err(error)?);
        if passphrase != again {
            return Err(Error::usage("the passphrases differ", "try again"));
        }
    }
    Ok(passphrase)
}

fn from_descriptor(descriptor: u32) -> Result<Zeroizing<String>, Error> {
    let path = PathBuf::from(format!("/dev/fd/{descriptor}"));
    let error = |source| Error::File {
        action: "read",
        path: format!("file descriptor {descriptor}"),
        source,
    };
    // With room for all of it, no copy is left behind where it grew.
    let mut text = Zeroizing::new(String::with_capacity(2 * LONGEST));
    let most = LONGEST as u64 + 1;
    let length = match descriptor {
        0 => std::io::stdin().lock().take(most).read_to_string(&mut text),
        _ => fs::File::open(path).map_err(error)?.take(most).read_to_string(&mut text),
    }
    .map_err(error)?;
    match length > LONGEST {
        true => Err(Error::usage(
            format!("the passphrase has more than {LONGEST} bytes"),
            "give a shorter one; none is cut",
        )),
        false => Ok(text),
    }
}

/// Takes the newline off that ends a line, and nothing else.
fn strip_newline(mut text: Zeroizing<String>) -> Zeroizing<String> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// Returns random bytes of the operating system.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::File {
        action: "read",
        path: "the system's random numbers".to_owned(),
        source: std::io::Error::other(e.to_string()),
    })?;
    Ok(bytes)
}

/// Writes a new file; what is there already, a link included, is not touched.
///
/// # Errors
///
/// [`Error::File`].
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let error = |source| Error::File { action: "write", path: path.display().to_string(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(error)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(error)
}
