//! Findings: facts about the user's project that a check has something to say about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::policy::Level;

/// A fact about the user's project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it does to the verdict.
    pub level: Level,
    /// The check's code, `family/name`.
    pub code: String,
    /// What it is about: a package URL, or a file.
    pub subject: String,
    /// Where it can be mended.
    pub place: Place,
    /// One sentence of fact.
    pub sentence: String,
    /// How the package comes to be there: `name@version`, from a member to the subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// What to do.
    pub remedy: Remedy,
    /// The same fact for machines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Field>,
    /// Whether trying again, with nothing changed, may give another result.
    pub retryable: bool,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// The next step, as a sentence.
    pub sentence: String,
    /// The exact command, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A value for machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Field {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Field {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl Finding {
    /// Creates a finding about `subject`; its level is set when the verdict is made.
    pub fn new(code: &str, subject: &str, place: Place, sentence: impl Into<String>) -> Self {
        Self {
            level: Level::Off,
            code: code.to_owned(),
            subject: subject.to_owned(),
            place,
            sentence: sentence.into(),
            path: Vec::new(),
            remedy: Remedy { sentence: String::new(), command: None },
            fields: BTreeMap::new(),
            retryable: false,
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn remedy(mut self, sentence: impl Into<String>) -> Self {
        self.remedy.sentence = sentence.into();
        self
    }

    /// Adds the exact command of the next step.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.remedy.command = Some(command.into());
        self
    }

    /// Adds how the subject comes to be there.
    #[must_use]
    pub fn path(mut self, path: Vec<String>) -> Self {
        self.path = path;
        self
    }

    /// Adds a value for machines.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Field>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}
