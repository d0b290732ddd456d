//! The command of a build: `cargo build`, `rustc` or `package`, with the options that choose what is built.
//!
//! Nothing here can name a program, a configuration or a place: a record comes from others, and what is run is the
//! build of a commit and no more.

use std::collections::BTreeMap;

/// The variable that names a triple.
const TRIPLE: &str = "CARGO_BUILD_TARGET";

/// Options that stand alone.
const FLAGS: [&str; 14] = [
    "--release",
    "-r",
    "--locked",
    "--offline",
    "--frozen",
    "--workspace",
    "--all-features",
    "--no-default-features",
    "--lib",
    "--bins",
    "--examples",
    "--no-verify",
    "--all-targets",
    "--keep-going",
];

/// Options with a value.
const VALUED: [&str; 11] = [
    "--profile",
    "--target",
    "--package",
    "-p",
    "--exclude",
    "--bin",
    "--example",
    "--features",
    "-F",
    "--jobs",
    "-j",
];

/// A command that may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
    is_package: bool,
    profile: String,
    target: Option<String>,
}

/// Why a command is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is not one of Cargo's that build.
    #[error("the build is {0:?}; it has to begin with `cargo build` or `cargo package`")]
    Program(String),
    /// An option that is not among those that choose what is built.
    #[error("the build has the option {0:?}, which is not among those that choose what is built")]
    Option(String),
    /// An option or a variable without its value, or with one that could be more than a name.
    #[error("the build has {option} with the value {value:?}, which is no plain name")]
    Value {
        /// The option or variable.
        option: String,
        /// Its value.
        value: String,
    },
    /// One of the options that may be given once is given twice.
    #[error("the build has the option {0} twice")]
    Twice(&'static str),
}

impl CommandError {
    fn value(option: &str, value: &str) -> Self {
        Self::Value { option: option.to_owned(), value: value.to_owned() }
    }
}

impl Command {
    /// Reads a command, word by word.
    ///
    /// # Errors
    ///
    /// A [`CommandError`] for the first word that is not obeyed.
    ///
    /// ```
    /// use weft_gate::release::reproduce::Command;
    ///
    /// let parse = |line: &str| Command::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    /// assert_eq!(parse("cargo build --release --locked").unwrap().profile(), "release");
    /// assert!(parse("cargo build --config build.rustc='evil'").is_err());
    /// ```
    pub fn parse(words: &[String]) -> Result<Self, CommandError> {
        let (is_package, rest) = match words {
            [cargo, build, rest @ ..] if cargo == "cargo" && build == "build" => (false, rest),
            [cargo, package, rest @ ..] if cargo == "cargo" && package == "package" => (true, rest),
            _ => return Err(CommandError::Program(words.join(" "))),
        };
        let (mut profile, mut target) = (None, None);
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if VALUED.contains(&option) => (option, value),
                _ if VALUED.contains(&&**word) => (&**word, rest.next().map_or("", String::as_str)),
                _ if FLAGS.contains(&&**word) => {
                    if matches!(&**word, "--release" | "-r") {
                        once("--profile", &mut profile, "release")?;
                    }
                    continue;
                }
                _ => return Err(CommandError::Option(word.clone())),
            };
            let is_of_a_path = matches!(option, "--profile" | "--target") && value.contains('/');
            if !is_name(value) || is_of_a_path {
                return Err(CommandError::value(option, value));
            }
            match option {
                "--profile" => once("--profile", &mut profile, value)?,
                "--target" => once("--target", &mut target, value)?,
                _ => {}
            }
        }
        let profile = profile.unwrap_or_else(|| "dev".to_owned());
        Ok(Self { words: words.to_vec(), is_package, profile, target })
    }

    /// Returns the profile that is built.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Returns the triple that the command names, or else the variable `CARGO_BUILD_TARGET`; without either Cargo builds
    /// for the host.
    pub fn triple<'a>(&'a self, variables: &'a BTreeMap<String, String>) -> Option<&'a str> {
        self.target.as_deref().or(variables.get(TRIPLE).map(String::as_str))
    }

    /// Demands that a variable names a triple, and no file or directory.
    pub(super) fn demand_triple(variables: &BTreeMap<String, String>) -> Result<(), CommandError> {
        match variables.get(TRIPLE) {
            Some(value) if !is_name(value) || value.contains('/') => {
                Err(CommandError::value(TRIPLE, value))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the words behind `cargo`, with `--locked` and, unless connections are allowed, `--offline`.
    pub fn arguments(&self, online: bool) -> Vec<String> {
        let mut arguments = self.words[1..].to_vec();
        let wanted = [Some("--locked"), Some("--offline").filter(|_| !online)];
        for option in wanted.into_iter().flatten() {
            if !arguments.iter().any(|word| word == option) {
                arguments.push(option.to_owned());
            }
        }
        if online {
            arguments.retain(|word| word != "--offline" && word != "--frozen");
        }
        arguments
    }

    /// Returns the one directory below Cargo's target directory in which artifacts are looked for.
    pub fn output(&self, variables: &BTreeMap<String, String>) -> String {
        let profile = match &*self.profile {
            "dev" | "test" => "debug",
            "bench" => "release",
            profile => profile,
        };
        match self.triple(variables) {
            _ if self.is_package => "package".to_owned(),
            Some(triple) => format!("{triple}/{profile}"),
            None => profile.to_owned(),
        }
    }
}

fn once(option: &'static str, place: &mut Option<String>, value: &str) -> Result<(), CommandError> {
    match place.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(CommandError::Twice(option)),
    }
}

/// Says whether a value is a name of a package, a feature, a profile or a target, and no path or option.
fn is_name(value: &str) -> bool {
    let is_usual =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ',' | '+');
    // A feature of a dependency is written with a slash.
    let parts = value.split('/').collect::<Vec<_>>();
    parts.len() <= 2
        && parts.iter().all(|part| !part.is_empty() && part.chars().all(is_usual))
        && !value.starts_with(['-', '.'])
        && !value.contains("..")
        && !value.ends_with(".json")
}
