//! What is expected of an attestation: who signed, what was built, by whom, and which proofs come along.
//!
//! Comparisons are of whole texts, letter by letter; a pattern has to match from end to end.

use regex::Regex;

use super::Refusal;
use super::bundle::Bundle;
use super::sigstore::{Key, Signed, Trust};
use super::statement::{Build, repository};
use weft_verify::AsOf;
use weft_verify::note::Note;
use weft_verify::statement::Statement;
use weft_verify::witness::Policy;

/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// Builders that keep the build apart from the project that calls them, whoever that is (SLSA v1.0, build level 3), at a
/// tag of their releases: another ref may hold anything.
const ISOLATED: [&str; 5] = [
    "github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml",
    "github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_go_slsa3.yml",
    "github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_nodejs_slsa3.yml",
    "github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml",
    "github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml",
];

/// What is expected; what is not named may be anything, but somebody has to be named.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// A key that signed, instead of a certificate.
    pub key: Option<Key>,
    /// The signer's name.
    pub identity: Option<String>,
    /// A pattern of the signer's name.
    pub identity_pattern: Option<Pattern>,
    /// Who vouches for the signer's name.
    pub issuer: Option<String>,
    /// Whether nobody vouches for it: certificates of GitHub's own instance name no issuer.
    pub no_issuer: bool,
    /// The repository that was built.
    pub source_repository: Option<String>,
    /// The owner of that repository.
    pub source_owner: Option<String>,
    /// The ref that was built.
    pub source_ref: Option<String>,
    /// The version that its tag has to be of: `v1` is `v1`, `v1.2` and `v1.2.3`.
    pub source_version: Option<String>,
    /// The commit that was built.
    pub source_commit: Option<String>,
    /// The workflow that signed, with or without its ref.
    pub signer_workflow: Option<String>,
    /// Who built, with or without its ref.
    pub builder: Option<String>,
    /// Builders that are trusted, and the SLSA level that each is trusted for.
    pub trusted_builders: Vec<(String, u8)>,
    /// What is said.
    pub predicate_type: Option<String>,
    /// The lowest SLSA build level.
    pub min_build_level: Option<u8>,
    /// Whether an inclusion proof is demanded of every log entry.
    pub inclusion: bool,
    /// Whether an RFC 3161 timestamp is demanded.
    pub timestamp: bool,
    /// Who has to have seen the checkpoint that every inclusion proof ends in.
    pub witnesses: Option<Witnesses>,
}

/// Who has to have seen a checkpoint.
#[derive(Debug, Clone)]
pub struct Witnesses {
    /// The witnesses that are known, and the quorum of them; if it names logs, one of them has to have signed.
    pub policy: Policy,
    /// How many distinct witnesses there have to be besides.
    pub least: u32,
    /// When; a cosignature from later than that spoils the checkpoint.
    pub as_of: AsOf,
}

impl Witnesses {
    /// Demands that they have seen each checkpoint, and returns the names of those who have seen all of them.
    fn demand(&self, bundle: &Bundle, trust: &Trust) -> Result<Vec<String>, Refusal> {
        let missing = Refusal::ProofMissing { what: "a checkpoint for each entry of the log" };
        let keys = trust.log_keys();
        let mut by_all: Option<Vec<String>> = None;
        for text in bundle.checkpoints().ok_or(missing)? {
            // The log's signature over the same text was verified by the trusted root: a text without blank lines, as a
            // checkpoint is, can be divided from its signatures in one way.
            let seen = Note::from_slice(text.as_bytes())
                .and_then(|note| self.policy.verify_seen(&note, &keys, self.least, self.as_of));
            let seen = seen.map_err(Refusal::Witness)?.into_inner().checkpoint.witnesses;
            by_all = Some(match by_all {
                None => seen,
                Some(before) => before.into_iter().filter(|name| seen.contains(name)).collect(),
            });
        }
        Ok(by_all.unwrap_or_default())
    }
}

/// A regular expression that matches from end to end.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    whole: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// A sentence with the fault.
    pub fn new(text: &str) -> Result<Self, String> {
        // By itself first, so that no parenthesis of it ends the group that anchors it.
        Regex::new(text).map_err(|e| e.to_string())?;
        let whole = regex::RegexBuilder::new(&format!("\\A(?:{text})\\z"))
            .size_limit(MAX_PATTERN)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { text: text.to_owned(), whole })
    }
}

impl Expectation {
    /// Says whether it names anybody who could have signed.
    pub fn names_somebody(&self) -> bool {
        let by_name = self.identity.is_some() || self.identity_pattern.is_some();
        let by_run = self.source_repository.is_some()
            || self.source_owner.is_some()
            || self.signer_workflow.is_some();
        self.key.is_some() || (by_name || by_run) && (self.issuer.is_some() || self.no_issuer)
    }

    /// Demands the proofs, whatever the media type says.
    pub(super) fn proofs(
        &self,
        bundle: &Bundle,
        signed: &Signed,
        trust: &Trust,
    ) -> Result<String, Refusal> {
        if trust.has_log() && !signed.is_logged {
            return Err(Refusal::ProofMissing { what: "an entry of the log" });
        }
        if self.inclusion && !(bundle.has_inclusion() && signed.is_logged) {
            return Err(Refusal::ProofMissing { what: "an inclusion proof" });
        }
        if self.timestamp && !bundle.has_timestamp() {
            return Err(Refusal::ProofMissing { what: "an RFC 3161 timestamp" });
        }
        let witnesses = match &self.witnesses {
            None => String::new(),
            Some(_) if !signed.is_logged => {
                return Err(Refusal::ProofMissing { what: "an inclusion proof" });
            }
            Some(witnesses) => match &witnesses.demand(bundle, trust)?[..] {
                [] => ", and no witness is asked for".to_owned(),
                names => format!(", seen by {}", names.join(", ")),
            },
        };
        let log = match (signed.is_logged, bundle.has_inclusion()) {
            (true, true) => "included in the log",
            (true, false) => "promised by the log",
            (false, _) => "in no log, since the root names none",
        };
        let timestamp = if bundle.has_timestamp() { ", with a timestamp" } else { "" };
        Ok(format!("{log}{timestamp}{witnesses}"))
    }

    /// Compares the signer.
    pub(super) fn signer(&self, signed: &Signed) -> Result<String, Refusal> {
        if !self.names_somebody() {
            return Err(Refusal::NobodyExpected);
        }
        let found = &signed.identity;
        let refused = |what: &'static str, expected: &str, found: &Option<String>| {
            Err(Refusal::Signer { what, expected: expected.to_owned(), found: found.clone() })
        };
        if let Some(expected) = &self.identity
            && found.as_ref() != Some(expected)
        {
            return refused("signer", expected, found);
        }
        if let Some(pattern) = &self.identity_pattern
            && !found.as_ref().is_some_and(|found| pattern.whole.is_match(found))
        {
            return refused("signer", &pattern.text, found);
        }
        if let Some(expected) = &self.issuer
            && signed.issuer.as_ref() != Some(expected)
        {
            return refused("issuer", expected, &signed.issuer);
        }
        if self.no_issuer && signed.issuer.is_some() {
            return refused("issuer", "none", &signed.issuer);
        }
        if let Some(expected) = &self.signer_workflow {
            let workflow = signed.run.signer.clone().or_else(|| found.clone());
            if !workflow.as_deref().is_some_and(|workflow| is_workflow(expected, workflow)) {
                return refused("signing workflow", expected, &workflow);
            }
        }
        match self.key.is_some() {
            true => Ok("the key that was named".to_owned()),
            false => Ok(signed.describe()),
        }
    }

    /// Compares the source, which is what the certificate says of it; the signer's repository is another thing.
    pub(super) fn source(&self, signed: &Signed) -> Result<String, Refusal> {
        let run = &signed.run;
        let compared = |what: &'static str,
                        expected: &Option<String>,
                        found: &Option<String>,
                        same: fn(&str, &str) -> bool| {
            match expected {
                Some(expected) if !found.as_deref().is_some_and(|found| same(expected, found)) => {
                    Err(Refusal::Source { what, expected: expected.clone(), found: found.clone() })
                }
                _ => Ok(()),
            }
        };
        let same_repository = |a: &str, b: &str| with_host(a) == repository(b);
        compared("source repository", &self.source_repository, &run.repository, same_repository)?;
        compared("owner of the source", &self.source_owner, &run.owner, same_repository)?;
        compared("source ref", &self.source_ref, &run.reference, |a, b| a == b)?;
        compared("version of the source", &self.source_version, &run.reference, is_version)?;
        compared("source commit", &self.source_commit, &run.commit, |a, b| a == b)?;
        let parts = [&run.repository, &run.reference, &run.commit];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        Ok(match parts.is_empty() {
            true => "the certificate names no source, and none is expected".to_owned(),
            false => parts.join(" "),
        })
    }

    /// Compares what is said.
    pub(super) fn predicate_type(&self, statement: Option<&Statement>) -> Result<String, Refusal> {
        let found = statement.map(|statement| statement.predicate_type.clone());
        match &self.predicate_type {
            Some(expected) if found.as_ref() != Some(expected) => {
                Err(Refusal::PredicateType { expected: expected.clone(), found })
            }
            _ => Ok(match found {
                Some(found) => match super::statement::known(&found) {
                    Some(name) => format!("{name} ({found})"),
                    None => format!("{found}, which is not looked into"),
                },
                None => "no predicate, and none is expected".to_owned(),
            }),
        }
    }

    /// Compares the builder, and the level that it gives.
    pub(super) fn builder(&self, build: &Build, signed: &Signed) -> Result<String, Refusal> {
        // A certificate proves who built; a predicate only says so, and counts where the key that was named vouches for it.
        let found = match signed.identity.is_some() {
            true => signed.run.signer.clone().or_else(|| signed.identity.clone()),
            false => build.builder.clone(),
        };
        if let Some(expected) = &self.builder
            && !found.as_ref().is_some_and(|name| name == expected || is_workflow(expected, name))
        {
            return Err(Refusal::Builder { expected: expected.clone(), found });
        }
        let (level, why) = self.level(build, signed);
        match self.min_build_level {
            Some(expected) if level < expected => {
                Err(Refusal::BuildLevel { expected, found: level, why: why.to_owned() })
            }
            _ => Ok(format!("SLSA build level {level}: {why}")),
        }
    }

    /// Returns the SLSA build level (SLSA v1.0, "Build track"): that of a trusted builder, or what can be proven.
    fn level(&self, build: &Build, signed: &Signed) -> (u8, &'static str) {
        if !build.is_stated {
            return (0, "it is no provenance");
        }
        let proven = signed.run.signer.as_ref().or(signed.identity.as_ref());
        let trusted = self
            .trusted_builders
            .iter()
            .filter(|(name, _)| proven.is_some_and(|proven| is_workflow(name, proven)));
        if let Some((_, level)) = trusted.max_by_key(|(_, level)| *level) {
            return (*level, "the policy trusts its builder for that");
        }
        if signed.identity.is_none() {
            return (1, "a key signed it, and nothing says where");
        }
        match signed.run.runner.as_deref() {
            Some("github-hosted") if proven.is_some_and(|name| is_isolated(name)) => {
                (3, "a builder that keeps builds apart built it on a hosted runner")
            }
            Some("github-hosted") => (2, "a hosted runner built it and signed"),
            _ => (1, "nothing says that a hosted runner built it"),
        }
    }
}

/// Says whether a workflow keeps builds apart from its callers; anybody's workflow is no proof by itself.
fn is_isolated(workflow: &str) -> bool {
    let Some((name, reference)) = without_scheme(workflow).split_once('@') else { return false };
    let tag = reference.strip_prefix("refs/tags/v");
    let is_release = tag
        .is_some_and(|tag| semver::Version::parse(tag).is_ok_and(|version| version.pre.is_empty()));
    is_release && ISOLATED.contains(&name)
}

/// Returns a URI without its scheme, and nothing else of it changed.
fn without_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// Returns a repository or owner as `host/…`; one that names neither a scheme nor a host is of github.com.
fn with_host(text: &str) -> String {
    let has_scheme = text.contains("://");
    let text = repository(text);
    match text.split_once('/') {
        _ if has_scheme => text,
        Some((host, _)) if host.contains(['.', ':']) => text,
        _ => format!("github.com/{text}"),
    }
}

/// Says whether a workflow is the one that is expected, letter by letter; one without a ref may have any.
fn is_workflow(expected: &str, found: &str) -> bool {
    let found = without_scheme(found);
    let bare = without_scheme(expected);
    let expected = match bare.split_once('/') {
        _ if expected.contains("://") => bare.to_owned(),
        Some((host, _)) if host.contains(['.', ':']) => bare.to_owned(),
        _ => format!("github.com/{bare}"),
    };
    match expected.contains('@') {
        true => expected == found,
        false => found.split_once('@').map_or(found, |(workflow, _)| workflow) == expected,
    }
}

/// Says whether a ref is a tag of a version: equal, or more precise by whole numbers, of which a version has three.
fn is_version(expected: &str, reference: &str) -> bool {
    let Some(tag) = reference.strip_prefix("refs/tags/") else { return false };
    let Some(rest) = tag.strip_prefix(expected) else { return false };
    let parts = |text: &str| text.split('.').count();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match rest.strip_prefix('.') {
        None => rest.is_empty(),
        Some(more) => parts(expected) + parts(more) <= 3 && more.split('.').all(is_number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_from_end_to_end() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(
                Pattern::new(pattern).unwrap().whole.is_match(text),
                expected,
                "{pattern} {text}"
            );
        };
        check("https://github.com/o/.*", "https://github.com/o/n", true);
        check("https://github.com/o", "https://github.com/o/n", false);
        check("github.com/o/n", "https://evil/?github.com/o/n", false);
        check("a|b", "ab", false);
        check("a|b", "b", true);
        check("(?m)^a$", "x\na", false);
        assert!(Pattern::new("a)|(b").is_err());
        assert!(Pattern::new("(").is_err());
    }

    #[test]
    fn versions_and_workflows_are_compared_by_whole_parts() {
        for (expected, tag, same) in [
            ("v1", "refs/tags/v1", true),
            ("v1", "refs/tags/v1.2.3", true),
            ("v1", "refs/tags/v11", false),
            ("v1.2", "refs/tags/v1.20", false),
            ("v1", "refs/heads/v1", false),
            ("v1.2.3", "refs/tags/v1.2.3.4", false),
            ("v1.2.3", "refs/tags/v1.2.3.evil", false),
            ("v1", "refs/tags/v1.2.3-rc.1", false),
            ("v1.2.3-rc.1", "refs/tags/v1.2.3-rc.1", true),
        ] {
            assert_eq!(is_version(expected, tag), same, "{expected} {tag}");
        }
        let workflow = "https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1";
        assert!(is_workflow("o/n/.github/workflows/r.yml", workflow));
        assert!(is_workflow(
            "https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1",
            workflow
        ));
        assert!(!is_workflow("o/n/.github/workflows/r.yml@refs/tags/v2", workflow));
        assert!(!is_workflow("o/n/.github/workflows/r", workflow));
        assert!(!is_workflow("O/n/.github/workflows/r.yml", workflow));
        for other in [".git", "/", ".0"] {
            let expected = "o/n/.github/workflows/r.yml@refs/tags/v1";
            assert!(!is_workflow(expected, &format!("{workflow}{other}")), "{other}");
        }
        assert!(is_workflow(
            "https://localhost/o/w.yml",
            "https://localhost/o/w.yml@refs/heads/main"
        ));
        assert!(is_workflow(
            "ghe.example.org/o/w.yml",
            "https://ghe.example.org/o/w.yml@refs/heads/main"
        ));
        assert!(is_workflow("ghe:8443/o/w.yml", "https://ghe:8443/o/w.yml@refs/heads/main"));
        assert!(!is_workflow(
            "ghe.example.org/o/w.yml",
            "https://github.com/ghe.example.org/o/w.yml@r"
        ));
        assert_eq!(with_host("https://localhost/o/n"), "localhost/o/n");
        assert_eq!(with_host("ghe:8443/o/n"), "ghe:8443/o/n");
    }

    #[test]
    fn somebody_has_to_be_expected() {
        let mut expected = Expectation::default();
        assert!(!expected.names_somebody());
        expected.identity = Some("a@example.org".into());
        assert!(!expected.names_somebody(), "a name counts with who vouches for it");
        expected.issuer = Some("https://issuer.example.org".into());
        assert!(expected.names_somebody());
        assert_eq!(Expectation::default().signer(&Signed::default()), Err(Refusal::NobodyExpected));
    }

    #[test]
    fn a_level_is_what_can_be_proven_or_what_the_policy_trusts() {
        let build = Build { is_stated: true, ..Build::default() };
        let mut signed = Signed {
            identity: Some("https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1".into()),
            ..Signed::default()
        };
        let level = |expected: &Expectation, signed: &Signed| expected.level(&build, signed).0;
        let nobody = Expectation::default();
        assert_eq!(level(&nobody, &signed), 1);
        signed.run.runner = Some("github-hosted".into());
        signed.run.repository = Some("https://github.com/o/n".into());
        signed.run.signer = signed.identity.clone();
        assert_eq!(level(&nobody, &signed), 2);
        let foreign =
            |workflow: &str| Some(format!("https://github.com/{workflow}@refs/tags/v2.1.0"));
        signed.run.signer = foreign("b/b/.github/workflows/r.yml");
        assert_eq!(level(&nobody, &signed), 2, "whose workflow that is, nobody knows");
        signed.run.signer = Some(format!("https://{}@refs/tags/v2.1.0", ISOLATED[0]));
        assert_eq!(level(&nobody, &signed), 3);
        for reference in ["refs/heads/main", "refs/tags/v2", "refs/tags/v2.1.0-rc.1", "0123"] {
            signed.run.signer = Some(format!("https://{}@{reference}", ISOLATED[0]));
            assert_eq!(level(&nobody, &signed), 2, "{reference}");
        }
        signed.run.signer = foreign("b/b/.github/workflows/r.yml");
        signed.run.runner = Some("self-hosted".into());
        assert_eq!(level(&nobody, &signed), 1);
        let trusting = Expectation {
            trusted_builders: vec![("b/b/.github/workflows/r.yml".into(), 3)],
            ..Expectation::default()
        };
        assert_eq!(level(&trusting, &signed), 3);
        assert_eq!(trusting.level(&Build::default(), &Signed::default()).0, 0);
    }
}
