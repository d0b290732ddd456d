//! in-toto Statements: what a signed payload says about which artifacts.
//!
//! Version 1 is read and written, version 0.1 is read.
//! A subject is the artifact if a strong digest says so, and no strong digest says otherwise; a name is no proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{Algorithm, Artifact};
use crate::envelope::Payload;
use crate::json::{self, Limits, Value};
use crate::{Rejection, Verified, canonical};

/// The type of version 1, which is written.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// The type of version 0.1, which is read.
pub const STATEMENT_V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// A statement about artifacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT_V1`] or [`STATEMENT_V0_1`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What is said; its shape is that of the predicate type.
    #[serde(default = "nothing", deserialize_with = "any_value")]
    pub predicate: Value,
    /// The type of what is said, a URI.
    pub predicate_type: String,
    /// What it is said about.
    pub subject: Vec<ResourceDescriptor>,
}

/// An artifact, by digest (in-toto `ResourceDescriptor`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// Further facts about it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_value")]
    pub annotations: Option<Value>,
    /// The artifact itself, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Its digests, in hexadecimal digits, by the name of the algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// Where it was, if that is not where its URI says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_location: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

fn nothing() -> Value {
    Value::Null
}

fn any_value<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

fn some_value<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Statement {
    /// Makes a statement, version 1.
    pub fn new(subject: Vec<ResourceDescriptor>, predicate_type: &str, predicate: Value) -> Self {
        Self {
            statement_type: STATEMENT_V1.to_owned(),
            predicate,
            predicate_type: predicate_type.to_owned(),
            subject,
        }
    }

    /// Reads the statement of a payload that enough keys signed.
    ///
    /// # Errors
    ///
    /// Those of [`Statement::from_slice`].
    pub fn from_payload(payload: &Verified<Payload>) -> Result<Verified<Self>, Rejection> {
        Self::from_slice(&payload.bytes).map(Verified::new)
    }

    /// Reads a statement that nobody has vouched for yet.
    ///
    /// # Errors
    ///
    /// Any rejection of the families `json` and `record`, [`Rejection::StatementType`], [`Rejection::NoSubject`],
    /// [`Rejection::SubjectNameOnly`] and [`Rejection::SubjectDigestMalformed`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Rejection> {
        let statement: Self = json::from_slice(bytes, Limits::FOREIGN)?;
        if ![STATEMENT_V1, STATEMENT_V0_1].contains(&statement.statement_type.as_str()) {
            let found = statement.statement_type.chars().take(200).collect();
            return Err(Rejection::StatementType { found });
        }
        if statement.subject.is_empty() {
            return Err(Rejection::NoSubject);
        }
        statement.subject.iter().enumerate().try_for_each(|(i, subject)| subject.check(i))?;
        Ok(statement)
    }

    /// Writes the statement in canonical form, which is what is signed.
    ///
    /// # Errors
    ///
    /// [`canonical::Unwritable`], if the predicate holds numbers that no record of weft's may hold.
    pub fn to_vec(&self) -> Result<Vec<u8>, canonical::Unwritable> {
        canonical::to_vec(self)
    }

    /// Demands a predicate type.
    ///
    /// # Errors
    ///
    /// [`Rejection::PredicateType`].
    pub fn demand_predicate(&self, expected: &str) -> Result<(), Rejection> {
        match self.predicate_type == expected {
            true => Ok(()),
            false => Err(Rejection::PredicateType {
                expected: expected.to_owned(),
                found: self.predicate_type.chars().take(200).collect(),
            }),
        }
    }

    /// Returns the subject that is the artifact.
    ///
    /// # Errors
    ///
    /// [`Rejection::SubjectConflicting`], [`Rejection::SubjectWeak`] or [`Rejection::SubjectMismatch`].
    ///
    /// ```
    /// use weft_verify::Rejection;
    /// use weft_verify::digest::Artifact;
    /// use weft_verify::statement::Statement;
    ///
    /// let digest = weft_verify::Sha256::of(b"abc");
    /// let text = format!(
    ///     r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{}},"predicateType":"https://example.org/p",
    ///         "subject":[{{"digest":{{"sha256":"{digest}"}},"name":"abc.txt"}}]}}"#
    /// );
    /// let statement = Statement::from_slice(text.as_bytes()).unwrap();
    /// assert_eq!(statement.subject_for(&Artifact::of(b"abc")).unwrap().name.as_deref(), Some("abc.txt"));
    /// assert_eq!(
    ///     statement.subject_for(&Artifact::of(b"abd")),
    ///     Err(Rejection::SubjectMismatch { subjects: 1 })
    /// );
    /// ```
    pub fn subject_for(&self, artifact: &Artifact) -> Result<&ResourceDescriptor, Rejection> {
        let mut found = None;
        for (index, subject) in self.subject.iter().enumerate() {
            if subject.is(artifact, index)? && found.is_none() {
                found = Some(subject);
            }
        }
        if let Some(subject) = found {
            return Ok(subject);
        }
        match self.subject.iter().position(|subject| !subject.is_strong()) {
            Some(index) => Err(Rejection::SubjectWeak { index }),
            None => Err(Rejection::SubjectMismatch { subjects: self.subject.len() }),
        }
    }
}

impl ResourceDescriptor {
    /// Names an artifact by its digests.
    pub fn of(name: &str, artifact: &Artifact) -> Self {
        let digest = artifact.digests().map(|(a, digits)| (a.name().to_owned(), digits.to_owned()));
        Self { name: Some(name.to_owned()), digest: digest.collect(), ..Self::default() }
    }

    fn check(&self, index: usize) -> Result<(), Rejection> {
        if self.digest.is_empty() {
            return Err(Rejection::SubjectNameOnly { index });
        }
        for algorithm in Algorithm::ALL {
            if self.digest.get(algorithm.name()).is_some_and(|text| !algorithm.is_digest(text)) {
                let algorithm = algorithm.name().to_owned();
                return Err(Rejection::SubjectDigestMalformed { index, algorithm });
            }
        }
        Ok(())
    }

    fn is_strong(&self) -> bool {
        Algorithm::ALL.iter().any(|algorithm| self.digest.contains_key(algorithm.name()))
    }

    /// Says whether this is the artifact, by every strong digest that both have.
    fn is(&self, artifact: &Artifact, index: usize) -> Result<bool, Rejection> {
        let (mut same, mut other) = (false, None);
        for (algorithm, digits) in artifact.digests() {
            match self.digest.get(algorithm.name()) {
                Some(found) if found == digits => same = true,
                Some(_) => other = Some(algorithm),
                None => {}
            }
        }
        match other {
            Some(algorithm) if same => {
                Err(Rejection::SubjectConflicting { index, algorithm: algorithm.name().to_owned() })
            }
            _ => Ok(same),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(subjects: &str) -> String {
        format!(
            r#"{{"_type":"{STATEMENT_V1}","predicateType":"p","predicate":null,"subject":[{subjects}]}}"#
        )
    }

    fn check(subjects: &str, expected: Result<(), Rejection>) {
        let found = Statement::from_slice(statement(subjects).as_bytes());
        let found = found.and_then(|s| s.subject_for(&Artifact::of(b"abc")).map(drop));
        assert_eq!(found, expected, "{subjects}");
    }

    #[test]
    fn only_a_strong_digest_makes_a_subject_the_artifact() {
        let artifact = Artifact::of(b"abc");
        let digests: Vec<&str> = artifact.digests().map(|(_, digits)| digits).collect();
        let (sha256, sha384, sha512) = (digests[0], digests[1], digests[2]);
        let other = crate::Sha256::of(b"abd");
        check(&format!(r#"{{"digest":{{"sha256":"{sha256}"}}}}"#), Ok(()));
        check(&format!(r#"{{"digest":{{"sha512":"{sha512}"}}}}"#), Ok(()));
        check(&format!(r#"{{"digest":{{"sha384":"{sha384}","sha1":"00"}}}}"#), Ok(()));
        check(
            &format!(r#"{{"digest":{{"sha1":"aa"}}}},{{"digest":{{"sha256":"{sha256}"}}}}"#),
            Ok(()),
        );
        check(
            &format!(r#"{{"digest":{{"sha256":"{other}"}}}}"#),
            Err(Rejection::SubjectMismatch { subjects: 1 }),
        );
        check(
            &format!(r#"{{"digest":{{"sha256":"{other}","sha512":"{sha512}"}}}}"#),
            Err(Rejection::SubjectConflicting { index: 0, algorithm: "sha256".into() }),
        );
        check(
            r#"{"name":"abc","digest":{"sha1":"a9993e364706816aba3e25717850c26c9cd0d89d"}}"#,
            Err(Rejection::SubjectWeak { index: 0 }),
        );
        check(r#"{"name":"abc"}"#, Err(Rejection::SubjectNameOnly { index: 0 }));
        check("", Err(Rejection::NoSubject));
        for digits in [&sha256[..63], &sha256[..0], &sha256.to_uppercase(), &format!("{sha256}0")] {
            let malformed =
                Rejection::SubjectDigestMalformed { index: 0, algorithm: "sha256".into() };
            check(&format!(r#"{{"digest":{{"sha256":"{digits}"}}}}"#), Err(malformed));
        }
    }

    #[test]
    fn a_statement_is_typed() {
        let text = statement(r#"{"digest":{"gitCommit":"0"}}"#);
        assert!(Statement::from_slice(text.as_bytes()).is_ok());
        let old = text.replace("/v1", "/v0.1");
        let statement = Statement::from_slice(old.as_bytes()).unwrap();
        assert_eq!(statement.demand_predicate("p"), Ok(()));
        let wrong = Rejection::PredicateType { expected: "P".into(), found: "p".into() };
        assert_eq!(statement.demand_predicate("P"), Err(wrong));
        let found = "https://in-toto.io/Statement/v2".to_owned();
        let newer = text.replace("/v1", "/v2");
        assert_eq!(
            Statement::from_slice(newer.as_bytes()),
            Err(Rejection::StatementType { found })
        );
    }
}
