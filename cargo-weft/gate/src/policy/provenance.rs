//! Whose attestations count, as the policy has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layer::{Value, word};
use super::rule::{each, text};
use crate::Diagnostic;
use crate::input::tree::{Node, Table};
use crate::provenance::expectation::{Expectation, Pattern};

/// Whose attestations of artifacts count; if nothing is named, nobody's do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProvenancePolicy {
    /// Who built, with or without its ref.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The signer's name in the certificate, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// A pattern that the signer's name matches from end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_pattern: Option<String>,
    /// Who vouches for the signer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The lowest SLSA build level that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 3))]
    pub min_build_level: Option<u8>,
    /// Whether the certificate names no issuer, as those of GitHub's own instance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_issuer: bool,
    /// Proofs that every bundle has to carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// The workflow that signed, with or without its ref.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer_workflow: Option<String>,
    /// The owner of the repository that was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_owner: Option<String>,
    /// The ref that was built, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// The repository that was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_repository: Option<String>,
    /// Builders that are trusted for a SLSA level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_builder: Vec<TrustedBuilder>,
    /// Whom to trust: a root that is built in, or a `trusted_root.json` relative to the workspace root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_root: Option<String>,
}

/// A proof that a bundle can carry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// An inclusion proof of the log.
    Inclusion,
    /// A timestamp of a trusted authority.
    Timestamp,
}

/// A builder that is trusted for a SLSA level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedBuilder {
    /// The workflow, with or without its ref.
    pub builder: String,
    /// The level.
    #[schemars(range(max = 3))]
    pub level: u8,
}

impl Proof {
    fn name(self) -> &'static str {
        match self {
            Self::Inclusion => "inclusion",
            Self::Timestamp => "timestamp",
        }
    }
}

impl ProvenancePolicy {
    /// Returns what is expected of an attestation.
    ///
    /// # Errors
    ///
    /// A sentence: the pattern is none, which a policy that was read has been asked already.
    pub fn expectation(&self) -> Result<Expectation, String> {
        let pattern = self.identity_pattern.as_deref().map(Pattern::new).transpose()?;
        let trusted = self.trusted_builder.iter();
        Ok(Expectation {
            identity: self.identity.clone(),
            identity_pattern: pattern,
            issuer: self.issuer.clone(),
            no_issuer: self.no_issuer,
            source_repository: self.source_repository.clone(),
            source_owner: self.source_owner.clone(),
            source_ref: self.source_ref.clone(),
            signer_workflow: self.signer_workflow.clone(),
            builder: self.builder.clone(),
            trusted_builders: trusted.map(|t| (t.builder.clone(), t.level)).collect(),
            min_build_level: self.min_build_level,
            inclusion: self.proofs.contains(&Proof::Inclusion),
            timestamp: self.proofs.contains(&Proof::Timestamp),
            ..Expectation::default()
        })
    }
}

/// Reads `[provenance]`.
pub(super) fn read(node: &Node<'_, '_>) -> Result<Value, Diagnostic> {
    expected(node).map(|expected| Value::Provenance(Box::new(expected)))
}

/// Reads what is expected; a table that names nobody would let everybody in, or nobody, and is refused.
pub(super) fn expected(node: &Node<'_, '_>) -> Result<ProvenancePolicy, Diagnostic> {
    let table = node.table()?;
    let proofs = table.get("proofs").map(|node| node.list()).transpose()?.unwrap_or_default();
    let proof = |node: &Node<'_, '_>| {
        word(node, "proof", [Proof::Inclusion, Proof::Timestamp], Proof::name)
    };
    let trusted = table.get("trusted-builder").map(|node| each(&node, builder)).transpose()?;
    let expected = ProvenancePolicy {
        builder: text(&table, "builder")?,
        identity: text(&table, "identity")?,
        identity_pattern: text(&table, "identity-pattern")?,
        issuer: text(&table, "issuer")?,
        min_build_level: table.get("min-build-level").map(|node| level(&node)).transpose()?,
        no_issuer: table.get("no-issuer").map(|node| node.bool()).transpose()?.unwrap_or(false),
        proofs: proofs.iter().map(proof).collect::<Result<_, _>>()?,
        signer_workflow: text(&table, "signer-workflow")?,
        source_owner: text(&table, "source-owner")?,
        source_ref: text(&table, "source-ref")?,
        source_repository: text(&table, "source-repository")?,
        trusted_builder: trusted.unwrap_or_default(),
        trusted_root: text(&table, "trusted-root")?,
    };
    let pattern = table.get("identity-pattern");
    table.finish()?;
    if expected.identity.is_some() && expected.identity_pattern.is_some() {
        return Err(node.fault("the signer has a name or a pattern, not both"));
    }
    if expected.no_issuer && expected.issuer.is_some() {
        return Err(node.fault("`issuer` names who vouches for the signer, and `no-issuer` nobody"));
    }
    let is_named = match (expected.expectation(), pattern) {
        (Ok(expectation), _) => expectation.names_somebody(),
        (Err(fault), Some(pattern)) => {
            return Err(pattern.fault(format!("this is not a pattern: {fault}")));
        }
        (Err(fault), None) => return Err(node.fault(fault)),
    };
    match is_named || expected == ProvenancePolicy::default() {
        true => Ok(expected),
        false => Err(node.fault("nothing here says who is to have signed").help(
            "name `issuer`, and one of `identity`, `identity-pattern`, `source-repository`, `source-owner` and `signer-workflow`",
        )),
    }
}

fn builder(table: &Table<'_, '_>, node: &Node<'_, '_>) -> Result<TrustedBuilder, Diagnostic> {
    let missing = |key: &str| node.fault(format!("this builder has no `{key}`"));
    Ok(TrustedBuilder {
        builder: text(table, "builder")?.ok_or_else(|| missing("builder"))?,
        level: level(&table.get("level").ok_or_else(|| missing("level"))?)?,
    })
}

fn level(node: &Node<'_, '_>) -> Result<u8, Diagnostic> {
    let level = u8::try_from(node.number(3)?);
    level.map_err(|_| node.fault("a SLSA build level is from 0 to 3"))
}

#[cfg(test)]
mod tests {
    use super::super::layer::parse_layer;
    use super::*;

    fn expected(text: &str) -> Result<ProvenancePolicy, Diagnostic> {
        let text = format!("schema = 1\n[provenance]\n{text}");
        let layer = parse_layer("weft.toml", text.as_bytes())?;
        match &layer.settings[0].value {
            Value::Provenance(expected) => Ok((**expected).clone()),
            other => panic!("{other:?}"),
        }
    }

    fn refuses(text: &str, message: &str) {
        let fault = expected(text).unwrap_err();
        assert!(fault.message.contains(message), "{text}: {fault:?}");
        assert!(fault.span.is_some());
    }

    #[test]
    fn every_key_is_read_and_written_as_it_stands() {
        let text = "builder = \"b\"\nidentity-pattern = \"i.*\"\nissuer = \"https://i\"\nmin-build-level = 2\nproofs = [\"inclusion\", \"timestamp\"]\nsigner-workflow = \"w\"\nsource-owner = \"o\"\nsource-ref = \"r\"\nsource-repository = \"o/n\"\ntrusted-builder = [{ builder = \"b\", level = 3 }]\ntrusted-root = \"github\"\n";
        let found = expected(text).unwrap();
        let expectation = found.expectation().unwrap();
        assert_eq!(expectation.trusted_builders, [("b".to_owned(), 3)]);
        assert!(expectation.inclusion && expectation.timestamp);
        assert_eq!(expectation.source_repository.as_deref(), Some("o/n"));
        let written = Value::Provenance(Box::new(found.clone())).to_string();
        let again = parse_layer("w", format!("schema = 1\nprovenance = {written}").as_bytes());
        assert_eq!(again.unwrap().settings[0].value, Value::Provenance(Box::new(found)));
    }

    #[test]
    fn a_table_names_somebody_or_nothing() {
        let issuer = "issuer = \"https://i\"\n";
        assert!(expected("").is_ok());
        assert!(expected(&format!("{issuer}source-owner = \"o\"")).is_ok());
        assert!(expected("no-issuer = true\nsource-owner = \"o\"").is_ok());
        for text in [issuer, "source-owner = \"o\"", "min-build-level = 3"] {
            refuses(text, "who is to have signed");
        }
        let both = format!("{issuer}identity = \"a\"\nidentity-pattern = \"a\"");
        refuses(&both, "a name or a pattern");
        refuses(&format!("{issuer}no-issuer = true\nsource-owner = \"o\""), "nobody");
        refuses(&format!("{issuer}identity-pattern = \"(\""), "this is not a pattern");
        refuses(&format!("{issuer}min-build-level = 4"), "from 0 to 3");
        refuses("proofs = [\"inclusions\"]", "unknown proof");
        refuses("trusted-builder = [{ builder = \"b\" }]", "has no `level`");
        refuses("sourceowner = \"o\"", "unknown key");
    }
}
