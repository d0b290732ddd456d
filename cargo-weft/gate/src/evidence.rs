//! Evidence: what was shown for a claim, of which sources, by what tools.
//!
//! A record is the predicate of an in-toto statement in canonical form whose subject is the digest of the sources.
//! It holds no time, user, host or path outside of the sources, so that equal inputs give equal bytes on any machine.
//! The format is specified in `docs/src/spec/claims.md`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::canonical::{self, Unwritable};
use weft_verify::json::Value;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{Rejection, Sha256, json};

use crate::claim::{Evidence, Level, TestName};

/// The predicate type of a record.
pub const PREDICATE: &str = "https://github.com/cargo-weft/cargo-weft/claim-evidence/v1";

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The largest record that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The name of the subject: the sources that evidence is of.
pub const SUBJECT: &str = "sources";

/// What was shown for one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// The claim.
    pub claim: String,
    /// The commit that was checked out, for people; `sources` binds.
    pub commit: String,
    /// The digest of the contract.
    #[schemars(with = "String")]
    pub contract: Sha256,
    /// Whether the work tree had changes that the commit does not have.
    pub dirty: bool,
    /// How strongly was looked: the level that could be shown.
    pub level: Level,
    /// What it was made with.
    pub materials: Materials,
    /// A result for each obligation that was looked at, in the contract's order.
    pub results: Vec<Shown>,
    /// The version of the format.
    pub schema: u32,
    /// The digest of the sources.
    #[schemars(with = "String")]
    pub sources: Sha256,
}

/// A record that was found, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Held {
    /// The file it is in.
    pub file: String,
    /// What it says.
    pub record: Record,
    /// The digest of its statement.
    pub sha256: Sha256,
    /// Whether the role `evidence` signed it, by as many keys as it needs.
    pub signed: bool,
}

/// A statement of another predicate that enough keys of a role signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attested {
    /// How many distinct keys of the role signed it.
    pub keys: u32,
    /// The predicate type.
    pub predicate: String,
    /// The role.
    pub role: String,
    /// SHA-256 of what it is about.
    pub subjects: Vec<Sha256>,
}

/// What evidence was made with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Materials {
    /// The features that were on, as Cargo's arguments say it.
    pub features: Vec<String>,
    /// The digest of the lockfile.
    #[schemars(with = "String")]
    pub lockfile: Sha256,
    /// What ran the tests, and its version.
    pub runner: String,
    /// The digest of the flags that rustc was given by the environment.
    #[schemars(with = "String")]
    pub rustflags: Sha256,
    /// The target triple.
    pub target: String,
    /// The compiler, as `rustc --version` names it.
    pub toolchain: String,
}

impl Materials {
    /// Says whether both are of one compiler, target and set of features.
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |m: &Self| (m.toolchain.clone(), m.target.clone(), m.features.clone());
        of(self) == of(other)
    }
}

/// What was seen of one obligation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shown {
    /// What was counted: executions, instructions, or thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What of the function was broken, and what was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutants: Option<Mutants>,
    /// The obligation.
    pub obligation: Evidence,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the test executes the function; unknown where nothing looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}

/// How a test ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It passed at the first attempt.
    Passed,
    /// It failed.
    Failed,
    /// It passed, and not at the first attempt.
    Flaky,
    /// It is ignored.
    Ignored,
    /// It is there, and was not run.
    NotRun,
    /// There is none of this name.
    Missing,
    /// It is not known: a tool is absent, or what it said cannot be read.
    Unknown,
}

impl Outcome {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Flaky => "flaky",
            Self::Ignored => "ignored",
            Self::NotRun => "not run",
            Self::Missing => "missing",
            Self::Unknown => "not known",
        }
    }
}

/// What of a function was broken, and what its tests noticed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mutants {
    /// The files that this depends on, by path, as they were.
    #[schemars(with = "BTreeMap<String, String>")]
    pub files: BTreeMap<String, Sha256>,
    /// Mutants that this test alone noticed.
    pub caught: Vec<String>,
    /// Mutants that it did not.
    pub missed: Vec<String>,
    /// Whether the function is excluded from mutation by an attribute.
    pub skipped: bool,
    /// The tests that were run, where there is more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestName>,
}

impl Record {
    /// Returns the statement: its subject is the sources.
    ///
    /// # Errors
    ///
    /// See [`Statement::to_vec`].
    pub fn to_statement(&self) -> Result<Vec<u8>, Unwritable> {
        let bytes = canonical::to_vec(self)?;
        let predicate = json::read(&bytes, json::Limits::RECORD).unwrap_or(Value::Null);
        Statement::new(vec![subject(self.sources)], PREDICATE, predicate).to_vec()
    }

    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] for what is not canonical, of another predicate, or contradicts itself.
    pub fn from_statement(bytes: &[u8]) -> Result<Self, Rejection> {
        Self::of(&Statement::from_slice(bytes)?)
    }

    /// Reads a statement that was parsed already.
    ///
    /// # Errors
    ///
    /// Those of [`Record::from_statement`].
    pub fn of(statement: &Statement) -> Result<Self, Rejection> {
        statement.demand_predicate(PREDICATE)?;
        let record: Self = json::from_value(&statement.predicate)?;
        if record.schema != SCHEMA {
            let (found, known) = (u64::from(record.schema), u64::from(SCHEMA));
            return Err(Rejection::SchemaUnknown { found, known });
        }
        if statement.subject != [subject(record.sources)] {
            let (path, message) = ("subject".to_owned(), "is not the sources".to_owned());
            return Err(Rejection::MemberInvalid { path, message });
        }
        Ok(record)
    }
}

/// The predicate type of in-toto's test results.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// Writes what ran as an in-toto test result (predicate `test-result/v0.1`) about the sources; it passed if every test
/// did.
///
/// # Errors
///
/// See [`Statement::to_vec`].
pub fn test_result(
    sources: Sha256,
    materials: &Materials,
    outcomes: &BTreeMap<TestName, Outcome>,
) -> Result<Vec<u8>, Unwritable> {
    let named = |passed: bool| -> Vec<Value> {
        let of_kind = outcomes.iter().filter(|(_, o)| (**o == Outcome::Passed) == passed);
        of_kind
            .map(|(t, _)| Value::String(format!("{} {} {}", t.package, t.binary, t.test)))
            .collect()
    };
    let text = |text: &str| Value::String(text.to_owned());
    let object = |members: Vec<(&str, Value)>| {
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let failed = named(false);
    let lockfile = object(vec![
        ("digest", object(vec![("sha256", text(&materials.lockfile.to_string()))])),
        ("name", text("Cargo.lock")),
    ]);
    let toolchain = object(vec![
        (
            "annotations",
            object(vec![
                ("features", text(&materials.features.join(" "))),
                ("runner", text(&materials.runner)),
                ("target", text(&materials.target)),
            ]),
        ),
        (
            "digest",
            object(vec![("sha256", text(&Sha256::of(materials.toolchain.as_bytes()).to_string()))]),
        ),
        ("name", text(&materials.toolchain)),
    ]);
    let result = if failed.is_empty() { "PASSED" } else { "FAILED" };
    let predicate = object(vec![
        ("configuration", Value::Array(vec![lockfile, toolchain])),
        ("failedTests", Value::Array(failed)),
        ("passedTests", Value::Array(named(true))),
        ("result", text(result)),
    ]);
    Statement::new(vec![subject(sources)], TEST_RESULT, predicate).to_vec()
}

/// Names sources by their digest.
pub fn subject(sources: Sha256) -> ResourceDescriptor {
    ResourceDescriptor {
        digest: BTreeMap::from([("sha256".to_owned(), sources.to_string())]),
        name: Some(SUBJECT.to_owned()),
        ..ResourceDescriptor::default()
    }
}
