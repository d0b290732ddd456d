//! The claim compiler: an entry of a map in, an executable evidence contract out.
//!
//! Each kind of claim has demands of its own, which a map may raise and never lower. What cannot be compiled cannot be
//! shown, so it is a finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;
use weft_verify::canonical::{self, Unwritable};

use super::{Claim, Environment, Evidence, Expectation, Kind, Level};

/// What has to be shown for a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contract {
    /// The claim.
    pub claim: String,
    /// The document of its text.
    pub document: String,
    /// Where all of it has to hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<Environment>,
    /// What kind of promise it is.
    pub kind: Kind,
    /// How strongly it has to be shown.
    pub minimum: Level,
    /// Mutants of its functions that its tests may miss together, if that is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_at_most: Option<u32>,
    /// All of this has to hold.
    pub obligations: Vec<Evidence>,
    /// The revision of its text.
    pub revision: u32,
    /// The digest of its text.
    #[schemars(with = "String")]
    pub text_sha256: Sha256,
}

impl Contract {
    /// Compiles an entry.
    ///
    /// # Errors
    ///
    /// Sentences: what the entry lacks.
    pub fn compile(claim: &Claim) -> Result<Self, Vec<String>> {
        let mut lacks = Vec::new();
        let floor = claim.kind.minimum();
        let minimum = claim.minimum.unwrap_or(floor);
        if minimum < floor {
            lacks.push(format!(
                "a {} claim is shown at `{}` at least, and `{}` is lower",
                claim.kind.as_str(),
                floor.as_str(),
                minimum.as_str()
            ));
        }
        if claim.evidence.is_empty() && minimum > Level::Declared {
            lacks.push("it names no evidence".to_owned());
        }
        let names_symbol =
            |evidence: &Evidence| evidence.tests().iter().any(|(_, symbol)| symbol.is_some());
        if minimum >= Level::Reached && !claim.evidence.iter().any(names_symbol) {
            lacks.push(format!(
                "`{}` is shown of a function, and no test of it names a `symbol`",
                minimum.as_str()
            ));
        }
        lacks.extend(lacks_of_kind(claim));
        if claim.kind == Kind::Compatibility && claim.environments.is_empty() {
            lacks.push("a compatibility claim says with what: add `environments = [{ toolchain = \"1.91\" }]`".to_owned());
        }
        for evidence in &claim.evidence {
            if let Evidence::Bench { metric: super::Metric::Ratio, over, arguments, .. } = evidence
                && over == arguments
            {
                lacks.push(
                    "a ratio compares two runs, and `over` has the same arguments".to_owned(),
                );
            }
        }
        if !lacks.is_empty() {
            return Err(lacks);
        }
        Ok(Self {
            claim: claim.id.clone(),
            document: claim.document.clone(),
            environments: claim.environments.clone(),
            kind: claim.kind,
            minimum,
            missed_at_most: (claim.kind == Kind::Security).then_some(0),
            obligations: claim.evidence.clone(),
            revision: claim.revision,
            text_sha256: claim.text_sha256,
        })
    }

    /// Returns the digest of its canonical form, which evidence repeats.
    ///
    /// # Errors
    ///
    /// See [`canonical::to_vec`].
    pub fn digest(&self) -> Result<Sha256, Unwritable> {
        Ok(Sha256::of(&canonical::to_vec(self)?))
    }
}

fn lacks_of_kind(claim: &Claim) -> Option<String> {
    let has = |fits: fn(&Evidence) -> bool| claim.evidence.iter().any(fits);
    let (is_there, lack) = match claim.kind {
        Kind::Security => (
            has(|e| {
                matches!(
                    e,
                    Evidence::Test { expects: Some(Expectation::Refusal), symbol: Some(_), .. }
                )
            }),
            "a security claim has a test of a `symbol` that expects a refusal: add `expects = \"refusal\"`",
        ),
        Kind::Performance => (
            has(|e| matches!(e, Evidence::Bench { .. })),
            "a performance claim has a `bench` that is counted; times are no evidence",
        ),
        Kind::Resilience => (
            has(|e| matches!(e, Evidence::Fuzz { .. })),
            "a resilience claim has a `fuzz` run with a stated count",
        ),
        Kind::Compatibility | Kind::Behaviour => (
            has(|e| !matches!(e, Evidence::Attestation { .. })),
            "what somebody attests does not show what a program does: name a test",
        ),
    };
    (!is_there && !claim.evidence.is_empty()).then(|| lack.to_owned())
}
