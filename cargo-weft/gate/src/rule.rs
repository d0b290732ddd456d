//! Changes of rules: what a change alters of the files that say how changes are judged, and who approved that.
//!
//! The base's rules judge a change, so what the change makes of them counts from the next one on.
//! Here each file is named with its digests before and after, the whole becomes a statement, and enough keys of the base's
//! role `rules` have to have signed that statement and no other.
//! Which files these are and what is in them is fetched by `cargo-weft`.
//! Specified in `docs/src/spec/rule-change.md`.

mod difference;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::canonical::{self, Unwritable};
use weft_verify::envelope::{Envelope, IN_TOTO};
use weft_verify::json::{self, Limits};
use weft_verify::role::Roles;
use weft_verify::statement::{ResourceDescriptor, Statement};
use weft_verify::{AsOf, Rejection, Sha256};

use difference::difference;

/// The file of the approval, below the workspace root.
pub const FILE: &str = ".weft/rules.dsse.json";

/// The predicate type of an approval.
pub const PREDICATE: &str = "https://github.com/cargo-weft/cargo-weft/rule-change/v1";

/// The role whose keys approve changes of rules.
pub const ROLE: &str = "rules";

/// The version of the predicate.
pub const SCHEMA: u32 = 1;

/// The largest approval that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What a change alters of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who approved it.
    pub approval: Approval,
    /// What changes, sorted by file.
    pub changed: Vec<Change>,
}

/// A file of rules that the head does not have as the base has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The path below the workspace root.
    pub file: String,
    /// What the head has.
    pub new: State,
    /// What the base has.
    pub old: State,
    /// What changes, in one line.
    pub what: String,
}

/// What is at the place of a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No file, or one that says nothing about how changes are judged.
    Absent,
    /// A file, by the digest of its bytes.
    File(#[schemars(with = "String")] Sha256),
    /// Something that is not read as rules, with the reason.
    Unreadable(String),
}

/// Whether those who may do so approved a change of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// The base has no rules yet.
    First,
    /// Enough keys signed it: these, sorted.
    Given(Vec<String>),
    /// There is none, and as many keys have to sign.
    Missing(u32),
    /// There is one that does not count, or none could: the reason.
    Refused(String),
    /// The base does not say whose approval it would need.
    Unguarded,
}

/// The rules of one side: what is read as rules, by path below the workspace root.
pub type Side = BTreeMap<String, Rule>;

/// A file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Its bytes.
    Read(Vec<u8>),
    /// It is there and not read, for this reason.
    Unreadable(String),
}

impl Rule {
    fn state(&self) -> State {
        match self {
            Self::Read(bytes) => State::File(Sha256::of(bytes)),
            Self::Unreadable(why) => State::Unreadable(why.clone()),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Read(bytes) => Some(bytes),
            Self::Unreadable(_) => None,
        }
    }
}

/// A change of rules as it is signed: the whole of it, of one workspace, from one state of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// What changes, sorted by file.
    pub changed: Vec<Change>,
    base: Sha256,
    is_first: bool,
    /// Whether the approval alone changes.
    is_idle: bool,
    /// The approval that the base has.
    previous: Option<Sha256>,
    project: String,
}

/// What the two sides of a change have in [`FILE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// That of the base, which an earlier change was approved by.
    pub base: Option<Rule>,
    /// That of the head.
    pub head: Option<Rule>,
}

/// The predicate of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    /// The digest of the base's rules.
    base: Sha256,
    changed: Vec<Bound>,
    /// The digest of the approval that the base has, so that none is used again once another followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Sha256>,
    /// The workspace root below the top of the repository.
    project: String,
    schema: u32,
}

/// A file with its digests; where one is absent, so is the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old: Option<Sha256>,
}

impl Alteration {
    /// Compares the rules of two sides; `project` is the workspace root below the top of the repository.
    ///
    /// An approval stays until the next one takes its place: what it becomes without a change of rules is one by itself.
    pub fn between(base: &Side, head: &Side, approvals: &Approvals, project: &str) -> Self {
        let mut files: Vec<&String> = base.keys().chain(head.keys()).collect();
        files.sort();
        files.dedup();
        let changed = files.into_iter().filter_map(|file| {
            let (old, new) = (base.get(file), head.get(file));
            change(file, old, new, what)
        });
        let mut changed: Vec<Change> = changed.collect();
        let is_idle = changed.is_empty();
        let (old, new) = (approvals.base.as_ref(), approvals.head.as_ref());
        if is_idle {
            let what = |_: Option<&Rule>, _: Option<&Rule>| "the last approval".to_owned();
            changed.extend(change(FILE, old, new, what));
        }
        let previous = old.and_then(Rule::bytes).map(Sha256::of);
        Self {
            changed,
            base: digest(base),
            is_first: base.is_empty(),
            is_idle,
            previous,
            project: project.to_owned(),
        }
    }

    /// Returns the statement that approves it.
    ///
    /// # Errors
    ///
    /// A sentence: the head has something that is not read, so nobody can say what it would mean; or no rule changes.
    pub fn statement(&self) -> Result<Statement, String> {
        if self.is_idle {
            return Err(format!("no rule changes, and {FILE} stays until the next one does"));
        }
        let bound = |state: &State, file: &str| match state {
            State::Absent => Ok(None),
            State::File(sha256) => Ok(Some(*sha256)),
            State::Unreadable(why) => Err(format!("{file} {why}, and cannot be approved")),
        };
        let mut changed = Vec::with_capacity(self.changed.len());
        let mut subject = Vec::with_capacity(self.changed.len());
        for Change { file, new, old, .. } in &self.changed {
            let (new, old) = (bound(new, file)?, bound(old, file)?);
            subject.extend(new.or(old).map(|sha256| ResourceDescriptor {
                digest: BTreeMap::from([("sha256".to_owned(), sha256.to_string())]),
                name: Some(file.clone()),
                ..ResourceDescriptor::default()
            }));
            changed.push(Bound { file: file.clone(), new, old });
        }
        let predicate = Predicate {
            base: self.base,
            changed,
            previous: self.previous,
            project: self.project.clone(),
            schema: SCHEMA,
        };
        let predicate = canonical::to_vec(&predicate).map_err(|e| e.to_string())?;
        let predicate = json::read(&predicate, Limits::RECORD).map_err(|e| e.to_string())?;
        Ok(Statement::new(subject, PREDICATE, predicate))
    }

    /// Says whether it is approved: `roles` are those of the base, and `approval` is what the head has in [`FILE`].
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if the statement has no canonical form, which none made here lacks.
    pub fn approval(
        &self,
        roles: Result<Option<&Roles>, String>,
        approval: Option<&Rule>,
        as_of: AsOf,
    ) -> Result<Approval, Unwritable> {
        let refused = |why: &Rejection| format!("{why} ({})", why.code().name());
        let roles = match roles {
            Ok(Some(roles)) => roles,
            Ok(None) if self.is_first => return Ok(Approval::First),
            Ok(None) => return Ok(Approval::Unguarded),
            Err(why) => return Ok(Approval::Refused(format!("the base's roles: {why}"))),
        };
        let requirement = match roles.requirement(ROLE) {
            Ok(requirement) => requirement,
            Err(Rejection::RoleUnknown { .. }) => return Ok(Approval::Unguarded),
            Err(why) => return Ok(Approval::Refused(refused(&why))),
        };
        let statement = match self.statement() {
            Ok(statement) => statement.to_vec()?,
            Err(why) => return Ok(Approval::Refused(why)),
        };
        let bytes = match approval {
            Some(Rule::Read(bytes)) => bytes,
            Some(Rule::Unreadable(why)) => return Ok(Approval::Refused(format!("{FILE} {why}"))),
            None => return Ok(Approval::Missing(requirement.threshold.get())),
        };
        let verified = Envelope::from_slice(bytes).and_then(|envelope| {
            let is_of_it = envelope.unverified_payload() == statement
                && envelope.unverified_payload_type() == IN_TOTO;
            match is_of_it {
                true => envelope.verify(roles.authority(), &requirement, as_of).map(Some),
                false => Ok(None),
            }
        });
        Ok(match verified {
            Ok(Some(payload)) => {
                let counted = payload.tallies.iter().flat_map(|tally| &tally.counted);
                let mut names: Vec<String> = counted.map(|counted| counted.name.clone()).collect();
                names.sort();
                Approval::Given(names)
            }
            Ok(None) => Approval::Refused(format!(
                "{FILE} approves something else: another change, or one of other rules"
            )),
            Err(why) => Approval::Refused(format!("{FILE}: {}", refused(&why))),
        })
    }
}

/// Compares what two sides have of a file; nothing if that is the same, and can be read.
fn change(
    file: &str,
    old: Option<&Rule>,
    new: Option<&Rule>,
    what: impl Fn(Option<&Rule>, Option<&Rule>) -> String,
) -> Option<Change> {
    let state = |side: Option<&Rule>| side.map_or(State::Absent, Rule::state);
    let is_same = old == new && !matches!(new, Some(Rule::Unreadable(_)));
    (!is_same).then(|| Change {
        file: file.to_owned(),
        new: state(new),
        old: state(old),
        what: what(old, new),
    })
}

/// Returns the digest of a side's rules: of a line `DIGEST FILE` for each, in their order.
fn digest(side: &Side) -> Sha256 {
    let lines = side.iter().map(|(file, rule)| match rule.state() {
        State::File(sha256) => format!("{sha256} {file}\n"),
        State::Absent | State::Unreadable(_) => format!("- {file}\n"),
    });
    Sha256::of(lines.collect::<String>().as_bytes())
}

fn what(old: Option<&Rule>, new: Option<&Rule>) -> String {
    match (old, new) {
        (_, Some(Rule::Unreadable(why))) => format!("it {why}"),
        (None, _) => "it comes to be a rule".to_owned(),
        (_, None) => "it is no rule any more".to_owned(),
        (Some(old), Some(new)) => match (old.bytes(), new.bytes()) {
            (Some(old), Some(new)) => difference(old, new),
            _ => "it comes to be readable".to_owned(),
        },
    }
}
