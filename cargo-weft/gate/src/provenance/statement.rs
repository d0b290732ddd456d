//! What statements say of a build, and whether it is what the certificate says.
//!
//! SLSA provenance v0.2 and v1; other predicates are recognised by their type and not looked into.

use weft_verify::json::Value;
use weft_verify::statement::Statement;

use super::Refusal;
use super::sigstore::Signed;

/// The predicate type of SLSA provenance v1.
pub const SLSA_V1: &str = "https://slsa.dev/provenance/v1";

/// The predicate type of SLSA provenance v0.2.
pub const SLSA_V0_2: &str = "https://slsa.dev/provenance/v0.2";

/// The predicate type of in-toto test results.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// Predicate types that are known by name.
pub const KNOWN: [(&str, &str); 11] = [
    (SLSA_V1, "SLSA provenance v1"),
    (SLSA_V0_2, "SLSA provenance v0.2"),
    ("https://slsa.dev/verification_summary/v1", "a SLSA verification summary"),
    ("https://in-toto.io/attestation/link/v0.3", "an in-toto link"),
    ("https://in-toto.io/Link/v1", "an in-toto link"),
    (TEST_RESULT, "in-toto test results"),
    ("https://in-toto.io/attestation/release/v0.1", "an in-toto release"),
    ("https://spdx.dev/Document/v2.3", "an SPDX document"),
    ("https://spdx.dev/Document", "an SPDX document"),
    ("https://cyclonedx.org/bom", "a CycloneDX bill of materials"),
    (super::super::evidence::PREDICATE, "evidence of a claim"),
];

/// Returns what a predicate type is called.
pub fn known(predicate_type: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == predicate_type).map(|(_, name)| *name)
}

/// What provenance says of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    /// Who built, a URI.
    pub builder: Option<String>,
    /// The repository that was built, without its ref.
    pub repository: Option<String>,
    /// The ref that was built.
    pub reference: Option<String>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// What went into it.
    pub materials: Vec<Material>,
    /// Whether it is said in a predicate, rather than not at all.
    pub is_stated: bool,
}

/// Something that went into a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Material {
    /// Its digests, each with the name of its algorithm.
    pub digests: Vec<(String, String)>,
    /// What it is.
    pub uri: String,
}

impl Build {
    /// Describes it in a few words.
    pub fn describe(&self) -> String {
        if !self.is_stated {
            return "nothing that a certificate could contradict".to_owned();
        }
        let builder = self.builder.as_deref().unwrap_or("nobody");
        let repository = self.repository.as_deref().unwrap_or("no repository");
        let reference = self.reference.as_deref().map(|r| format!(" at {r}")).unwrap_or_default();
        format!("{builder} built {repository}{reference}, as the certificate has it")
    }
}

/// Reads what a statement says of the build, and compares it with the certificate.
///
/// # Errors
///
/// [`Refusal::Predicate`] or [`Refusal::PredicateContradicts`].
pub fn compare(statement: Option<&Statement>, signed: &Signed) -> Result<Build, Refusal> {
    let build = match statement {
        Some(statement) if statement.predicate_type == SLSA_V1 => v1(&statement.predicate)?,
        Some(statement) if statement.predicate_type == SLSA_V0_2 => v0_2(&statement.predicate)?,
        _ => return Ok(Build::default()),
    };
    // A key vouches for what it signs, and says nothing else that could be compared.
    if signed.identity.is_none() {
        return Ok(build);
    }
    let run = &signed.run;
    agree("repository", &build.repository, &run.repository, |said, certified| {
        repository(said) == repository(certified)
    })?;
    agree("commit", &build.commit, &run.commit, |said, certified| said == certified)?;
    // Whatever else went in, of the repository itself it was this commit.
    for material in &build.materials {
        let uri = repository(&split_reference(&material.uri).0);
        if run.repository.as_deref().is_some_and(|own| repository(own) == uri) {
            agree("commit", &commit(&material.digests), &run.commit, |a, b| a == b)?;
        }
    }
    agree("ref", &build.reference, &run.reference, |said, certified| said == certified)?;
    // The builder of a workflow is that workflow; others name the service it ran on.
    let workflow = build.builder.clone().filter(|builder| builder.contains("/.github/workflows/"));
    agree(
        "builder",
        &workflow,
        &run.signer.clone().or_else(|| signed.identity.clone()),
        |a, b| a == b,
    )?;
    Ok(build)
}

/// Compares what both state.
fn agree(
    what: &'static str,
    said: &Option<String>,
    certified: &Option<String>,
    same: impl Fn(&str, &str) -> bool,
) -> Result<(), Refusal> {
    match (said, certified) {
        (Some(said), Some(certified)) if !same(said, certified) => {
            Err(Refusal::PredicateContradicts {
                what,
                said: said.clone(),
                certified: certified.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Returns a repository as `host/owner/name`, whatever its scheme and ending.
pub fn repository(text: &str) -> String {
    let text = text.strip_prefix("git+").unwrap_or(text);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.strip_suffix('/').unwrap_or(text);
    text.strip_suffix(".git").unwrap_or(text).to_owned()
}

fn malformed(path: &str) -> Refusal {
    Refusal::Predicate(format!("`{path}` is not as its type has it"))
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Returns the text at a path; nothing where nothing is there.
fn text(value: &Value, path: &[&str]) -> Result<Option<String>, Refusal> {
    match at(value, path) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(&path.join("."))),
    }
}

/// Splits `git+https://host/owner/name@ref`.
fn split_reference(uri: &str) -> (String, Option<String>) {
    let begin = uri.find("://").map_or(0, |at| at + 3);
    match uri[begin..].split_once('@') {
        Some((rest, reference)) => (format!("{}{rest}", &uri[..begin]), Some(reference.to_owned())),
        None => (uri.to_owned(), None),
    }
}

fn digests(value: &Value) -> Result<Vec<(String, String)>, Refusal> {
    match value.get("digest") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(members)) => members
            .iter()
            .map(|(name, digest)| {
                let digest = digest.as_str().ok_or_else(|| malformed("digest"))?;
                Ok((name.clone(), digest.to_owned()))
            })
            .collect(),
        Some(_) => Err(malformed("digest")),
    }
}

fn materials(list: Option<&Value>, path: &str) -> Result<Vec<Material>, Refusal> {
    let material = |item: &Value| {
        if !matches!(item, Value::Object(_)) {
            return Err(malformed(path));
        }
        let uri = text(item, &["uri"])?.unwrap_or_default();
        Ok(Material { digests: digests(item)?, uri })
    };
    match list {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(material).collect(),
        Some(_) => Err(malformed(path)),
    }
}

/// Finds the commit among digests, by whichever name the builder gives it.
fn commit(digests: &[(String, String)]) -> Option<String> {
    let of = |name: &str| digests.iter().find(|(found, _)| found == name).map(|(_, d)| d.clone());
    of("gitCommit").or_else(|| of("sha1"))
}

fn v1(predicate: &Value) -> Result<Build, Refusal> {
    let workflow = ["buildDefinition", "externalParameters", "workflow"];
    let of = |name: &'static str| text(predicate, &[workflow[0], workflow[1], workflow[2], name]);
    let dependencies = at(predicate, &["buildDefinition", "resolvedDependencies"]);
    let materials = materials(dependencies, "buildDefinition.resolvedDependencies")?;
    let builder = text(predicate, &["runDetails", "builder", "id"])?;
    if builder.is_none() {
        return Err(malformed("runDetails.builder.id"));
    }
    if text(predicate, &["buildDefinition", "buildType"])?.is_none() {
        return Err(malformed("buildDefinition.buildType"));
    }
    let repository = of("repository")?;
    // The commit is that of the dependency which is the repository itself.
    let own = repository.as_deref().and_then(|own| {
        let is_own =
            |m: &&Material| self::repository(&split_reference(&m.uri).0) == self::repository(own);
        materials.iter().find(is_own)
    });
    Ok(Build {
        builder,
        commit: own.and_then(|material| commit(&material.digests)),
        reference: of("ref")?,
        repository,
        materials,
        is_stated: true,
    })
}

fn v0_2(predicate: &Value) -> Result<Build, Refusal> {
    let builder = text(predicate, &["builder", "id"])?;
    if builder.is_none() {
        return Err(malformed("builder.id"));
    }
    if text(predicate, &["buildType"])?.is_none() {
        return Err(malformed("buildType"));
    }
    let source = at(predicate, &["invocation", "configSource"]);
    let uri = source.map(|s| text(s, &["uri"])).transpose()?.flatten();
    let (repository, reference) = match uri.as_deref().map(split_reference) {
        Some((repository, reference)) => (Some(repository), reference),
        None => (None, None),
    };
    Ok(Build {
        builder,
        commit: source.map(digests).transpose()?.as_deref().and_then(commit),
        materials: materials(predicate.get("materials"), "materials")?,
        reference,
        repository,
        is_stated: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_compared_whatever_their_spelling() {
        for text in [
            "git+https://github.com/o/n",
            "https://github.com/o/n",
            "github.com/o/n",
            "https://github.com/o/n.git",
            "https://github.com/o/n/",
        ] {
            assert_eq!(repository(text), "github.com/o/n", "{text}");
        }
        assert_ne!(repository("https://github.com/o/n2"), "github.com/o/n");
        let (uri, reference) = split_reference("git+https://github.com/o/n@refs/tags/v1@2");
        assert_eq!(
            (&*uri, reference.as_deref()),
            ("git+https://github.com/o/n", Some("refs/tags/v1@2"))
        );
    }

    fn signed() -> Signed {
        let mut signed = Signed {
            identity: Some("https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1".into()),
            ..Signed::default()
        };
        signed.run.repository = Some("https://github.com/o/n".into());
        signed.run.reference = Some("refs/tags/v1".into());
        signed.run.commit = Some("c0ffee".into());
        signed
    }

    fn v1_of(repository: &str, reference: &str, commit: &str, builder: &str) -> Statement {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"{SLSA_V1}","predicate":{{"buildDefinition":{{"buildType":"t","externalParameters":{{"workflow":{{"repository":"{repository}","ref":"{reference}","path":"p"}}}},"resolvedDependencies":[{{"uri":"git+{repository}@{reference}","digest":{{"gitCommit":"{commit}"}}}}]}},"runDetails":{{"builder":{{"id":"{builder}"}}}}}}}}"#,
            "0".repeat(64)
        );
        Statement::from_slice(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_predicate_may_not_say_otherwise_than_the_certificate() {
        let (repository, reference, commit, builder) = (
            "https://github.com/o/n",
            "refs/tags/v1",
            "c0ffee",
            "https://github.com/actions/runner/github-hosted",
        );
        let check =
            |statement: Statement, what: Option<&str>| match compare(Some(&statement), &signed()) {
                Ok(build) => assert!(what.is_none() && build.is_stated),
                Err(Refusal::PredicateContradicts { what: found, .. }) => {
                    assert_eq!(Some(found), what)
                }
                Err(other) => panic!("{other}"),
            };
        check(v1_of(repository, reference, commit, builder), None);
        check(v1_of("https://github.com/o/n2", reference, commit, builder), Some("repository"));
        check(v1_of(repository, "refs/heads/main", commit, builder), Some("ref"));
        check(v1_of(repository, reference, "decaf", builder), Some("commit"));
        let other = "https://github.com/x/y/.github/workflows/r.yml@refs/tags/v1";
        check(v1_of(repository, reference, commit, other), Some("builder"));
        check(v1_of(repository, reference, commit, signed().identity.as_deref().unwrap()), None);
    }
}
