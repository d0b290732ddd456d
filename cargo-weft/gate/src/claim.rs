//! Claims: sentences in documents that promise something, each tied to the evidence that holds it up.
//!
//! A claims map ([`crate::input::claims`]) names a span of a document ([`document`]) and what has to be shown for it.
//! [`contract`] compiles an entry into obligations, [`standing`] compares those with evidence ([`crate::evidence`]), and
//! [`change`] says what a pull request does to promises.
//! The formats are specified in `docs/src/spec/claims.md`.

pub mod change;
pub mod contract;
pub mod document;
pub mod standing;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use crate::evidence::{Attested, Held, Materials};
use crate::facts::Known;
use crate::place::Place;
use document::Document;

/// What is known of a project's claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// What the base promises, where there is a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Promises>,
    /// What the head promises.
    pub head: Promises,
    /// Statements of other predicates that a role signed.
    pub attested: Vec<Attested>,
    /// Evidence that was found, sorted by digest.
    pub records: Vec<Held>,
    /// Files of evidence that cannot be read, with the reason, sorted.
    pub unread: Vec<Unread>,
    /// The digest of the sources that evidence has to be of.
    pub sources: Known<Sha256>,
    /// Digests of the files that evidence of sensitivity names, as they are now; one that is gone is absent.
    pub files: BTreeMap<String, Sha256>,
}

/// The entries of all maps, and the documents they speak of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Entries in the order of their identifiers.
    pub claims: Vec<Claim>,
    /// Documents, sorted by path.
    pub documents: Vec<Document>,
    /// Claims of the base that have no entry here though their sentence still stands, with the document.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
    /// Phases in their order.
    pub phases: Vec<Phase>,
}

/// A file of evidence that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// Its path.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// An entry of a claims map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// The document the promise is made in.
    pub document: String,
    /// Where it has to be shown; anywhere, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<Environment>,
    /// What holds it up.
    pub evidence: Vec<Evidence>,
    /// The name that the markers in the document repeat.
    pub id: String,
    /// What kind of promise it is.
    pub kind: Kind,
    /// How strongly it has to be shown, where the map raises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Level>,
    /// Who answers for it.
    pub owner: String,
    /// Where the entry is.
    pub place: Place,
    /// How often it was reworded.
    pub revision: u32,
    /// The digest of its normalised text.
    pub text_sha256: Sha256,
}

/// A compiler, a target and features that a claim is about; what it does not name may be any.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Environment {
    /// Cargo's arguments that choose features, in the order in which weft passes them; none for the default features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// The target triple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The version of the compiler, or how it begins: `1.91` is every 1.91.x.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<String>,
}

impl Environment {
    /// Says whether evidence made with these materials is of this environment.
    pub fn is_of(&self, materials: &Materials) -> bool {
        let version = materials.toolchain.split_whitespace().nth(1).unwrap_or_default();
        let is_version = |wanted: &String| {
            let rest = version.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        self.toolchain.as_ref().is_none_or(is_version)
            && self.target.as_ref().is_none_or(|wanted| *wanted == materials.target)
            && self.features.as_ref().is_none_or(|wanted| *wanted == materials.features)
    }

    /// Describes it in a few words.
    pub fn describe(&self) -> String {
        let toolchain = self.toolchain.as_ref().map(|version| format!("Rust {version}"));
        let features = self.features.as_ref().map(|arguments| match arguments.is_empty() {
            true => "default features".to_owned(),
            false => arguments.join(" "),
        });
        let parts: Vec<String> =
            [toolchain, self.target.clone(), features].into_iter().flatten().collect();
        parts.join(", ")
    }
}

/// Returns Cargo's arguments that choose features, always in the same order, so that evidence can be compared by them.
pub fn feature_arguments(all: bool, no_default: bool, names: &[String]) -> Vec<String> {
    let mut arguments = Vec::new();
    if all {
        arguments.push("--all-features".to_owned());
    }
    if no_default {
        arguments.push("--no-default-features".to_owned());
    }
    let names: BTreeSet<&str> = names
        .iter()
        .flat_map(|name| name.split([',', ' ']))
        .filter(|name| !name.is_empty())
        .collect();
    if !names.is_empty() {
        arguments
            .extend(["--features".to_owned(), names.into_iter().collect::<Vec<_>>().join(",")]);
    }
    arguments
}

/// A group of claims that is demanded once those before it are met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its claims.
    pub claims: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its place in the order; lower comes first.
    pub order: u32,
    /// Where it is stated.
    pub place: Place,
}

/// What kind of promise a claim is; each has a default contract.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something cannot be done to those who use it.
    Security,
    /// It works in named environments.
    Compatibility,
    /// It needs no more than a counted cost.
    Performance,
    /// It survives hostile or broken input.
    Resilience,
    /// It does what is said.
    Behaviour,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Security, Self::Compatibility, Self::Performance, Self::Resilience, Self::Behaviour];

    /// Returns the word used in maps and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Compatibility => "compatibility",
            Self::Performance => "performance",
            Self::Resilience => "resilience",
            Self::Behaviour => "behaviour",
        }
    }

    /// Returns how strongly a claim of this kind has to be shown at least.
    pub fn minimum(self) -> Level {
        match self {
            Self::Security => Level::Sensitive,
            Self::Compatibility | Self::Performance | Self::Resilience => Level::Ran,
            Self::Behaviour => Level::Reached,
        }
    }
}

/// How strongly something is shown, weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is said.
    Declared,
    /// Its tests ran, each at the first attempt, and passed.
    Ran,
    /// Its tests execute what it speaks of.
    Reached,
    /// Its tests fail when what it speaks of is broken.
    Sensitive,
}

impl Level {
    /// Every level, weakest first.
    pub const ALL: [Self; 4] = [Self::Declared, Self::Ran, Self::Reached, Self::Sensitive];

    /// Returns the word used in maps and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Ran => "ran",
            Self::Reached => "reached",
            Self::Sensitive => "sensitive",
        }
    }
}

/// Something that has to be shown for a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[serde(deny_unknown_fields)]
pub enum Evidence {
    /// Enough keys of a role signed a statement of this predicate about the sources.
    Attestation {
        /// The predicate type.
        predicate: String,
        /// The role.
        role: String,
        /// How many distinct keys.
        threshold: u32,
    },
    /// A benchmark costs no more than a bound, in instructions that are counted.
    Bench {
        /// Arguments of the run that is measured.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<String>,
        /// The bound: instructions, or thousandths of the other run's.
        at_most: u64,
        /// The benchmark's name.
        bench: String,
        /// What is bounded.
        metric: Metric,
        /// Arguments of the run that a ratio compares with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<String>,
        /// Its package.
        package: String,
    },
    /// An example in a doc comment passes.
    DocExample {
        /// The item, as `cargo test --doc` names it.
        item: String,
        /// Which of the item's examples, from 1 on: their lines drift.
        ordinal: u32,
        /// Its package.
        package: String,
    },
    /// A fuzz target ran long enough without a crash.
    Fuzz {
        /// Executions.
        executions_at_least: u64,
        /// The digest of its corpus, where it is pinned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        corpus_sha256: Option<Sha256>,
        /// Its name.
        target: String,
    },
    /// Tests catch enough of the ways to break a function.
    MutationScore {
        /// Mutants that may go unnoticed.
        missed_at_most: u32,
        /// The package of the symbol.
        package: String,
        /// The function.
        symbol: String,
        /// The tests, as `binary::test` has them in `test` entries.
        tests: Vec<TestName>,
        /// Mutants that must have been tried.
        viable_at_least: u32,
    },
    /// A test passes.
    Test {
        /// Its binary: `lib`, or the name of a test, example or binary target.
        binary: String,
        /// What it expects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expects: Option<Expectation>,
        /// Its package.
        package: String,
        /// The function the claim speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        symbol: Option<String>,
        /// Its name, as `--list` prints it.
        test: String,
    },
}

/// Names a test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestName {
    /// `lib`, or the name of a test, example or binary target.
    pub binary: String,
    /// Its package.
    pub package: String,
    /// Its name, as `--list` prints it.
    pub test: String,
}

/// What a benchmark is bounded in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Instructions.
    Instructions,
    /// Instructions of one run in thousandths of another's.
    Ratio,
}

/// What a test expects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// That something is refused.
    Refusal,
}

impl Evidence {
    /// Describes it in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Attestation { predicate, role, threshold } => {
                format!("{threshold} of role {role} attest {predicate}")
            }
            Self::Bench { bench, metric: Metric::Instructions, at_most, .. } => {
                format!("bench {bench} within {at_most} instructions")
            }
            Self::Bench { bench, metric: Metric::Ratio, at_most, .. } => {
                format!("bench {bench} within {at_most} thousandths of its other run")
            }
            Self::DocExample { item, ordinal, .. } => format!("example {ordinal} of {item}"),
            Self::Fuzz { target, executions_at_least, .. } => {
                format!("fuzz target {target} for {executions_at_least} executions")
            }
            Self::MutationScore { symbol, missed_at_most, .. } => {
                format!("at most {missed_at_most} mutants of {symbol} missed")
            }
            Self::Test { package, binary, test, .. } => format!("test {package} {binary} {test}"),
        }
    }

    /// Returns the tests it names, each with the function it has to break on.
    pub fn tests(&self) -> Vec<(TestName, Option<&str>)> {
        match self {
            Self::Test { binary, package, symbol, test, .. } => {
                let (binary, package, test) = (binary.clone(), package.clone(), test.clone());
                vec![(TestName { binary, package, test }, symbol.as_deref())]
            }
            Self::MutationScore { symbol, tests, .. } => {
                tests.iter().map(|test| (test.clone(), Some(&**symbol))).collect()
            }
            Self::Attestation { .. } | Self::Bench { .. } | Self::DocExample { .. } => Vec::new(),
            Self::Fuzz { .. } => Vec::new(),
        }
    }
}

/// Says whether `text` can be a claim's identifier: words of lower-case letters, digits and `-`, joined by `.`.
pub fn is_id(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 100 && text.split('.').all(word)
}
