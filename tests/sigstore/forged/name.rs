//! Names that are alike: of signers, issuers, sources and builders.

use super::Forge;
use crate::honest::EXPECTED;

const SIGNER: &str =
    "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.0.0";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

#[test]
fn the_repository_of_a_reusable_workflow_is_not_the_source() {
    let forge = Forge::new();
    // Somebody's project calls our release workflow, which signs what it built of theirs.
    let theirs = forge.other(|by| by.repository = "https://github.com/mallory/app".into()).bundle();
    forge.refuses(&theirs, ("source", "source"));
    forge.fools_the_library(&theirs);
    forge.passes_for(&format!("--identity {SIGNER} --issuer {ISSUER}"), &theirs);
    // Ours calls a workflow of others: the source is ours, whoever signs.
    let shared = "https://github.com/shared/ci/.github/workflows/build.yml@refs/tags/v2";
    let ours = forge.other(|by| by.signer = shared.into()).bundle();
    let source = |source: &str| format!("--issuer {ISSUER} --source-repo {source}");
    forge.passes_for(&source("example/app"), &ours);
    forge.passes_for(
        &format!(
            "{} --signer-workflow shared/ci/.github/workflows/build.yml",
            source("example/app")
        ),
        &ours,
    );
    // Nor is the source the signer: to expect the one is not to get the other.
    let workflow = "--signer-workflow example/app/.github/workflows/release.yml";
    forge.refuses_for(
        &format!("{} {workflow}", source("example/app")),
        &ours,
        ("signer", "signer"),
    );
}

#[test]
fn a_name_that_is_alike_is_another() {
    let forge = Forge::new();
    let expected = format!("--identity {SIGNER} --issuer {ISSUER}");
    for signer in [
        &format!("{SIGNER}0"),
        &format!("{SIGNER}/"),
        &format!("{SIGNER}%20"),
        &format!("https://evil.test/?{SIGNER}"),
        &SIGNER.replace("github.com", "github.com.evil.test"),
        &SIGNER.replace("github.com", "GitHub.com"),
        &SIGNER.replace("example/app", "Example/app"),
        &SIGNER.replace("https", "http"),
        &SIGNER.replace(".yml", ".yaml"),
        &SIGNER.replace("refs/tags", "refs/heads"),
        &SIGNER[..SIGNER.len() - 1].to_owned(),
    ] {
        let forged = forge.other(|by| by.signer.clone_from(signer)).bundle();
        forge.refuses_for(&expected, &forged, ("signer", "signer"));
        forge.fools_the_library(&forged);
        forge.passes_for(&format!("--identity {signer} --issuer {ISSUER}"), &forged);
    }
}

#[test]
fn a_pattern_matches_the_whole_name() {
    let forge = Forge::new();
    for (pattern, signer) in [
        ("https://github.com/example/.*", format!("https://evil.test/?{SIGNER}")),
        ("https://github.com/example/app/.*v1.0.0", format!("{SIGNER}-evil")),
        (
            "https://github.com/example/app/.*|https://github.com/example/lib/.*",
            format!("x{SIGNER}"),
        ),
    ] {
        let forged = forge.other(|by| by.signer.clone_from(&signer)).bundle();
        let expected = format!("--identity-regex {pattern} --issuer {ISSUER}");
        forge.refuses_for(&expected, &forged, ("signer", "signer"));
        let loose = format!("--identity-regex .*({pattern}).* --issuer {ISSUER}");
        forge.passes_for(&loose, &forged);
    }
}

#[test]
fn an_issuer_that_is_alike_is_another() {
    let forge = Forge::new();
    for issuer in [
        format!("{ISSUER}/"),
        format!("{ISSUER}/mallory"),
        format!("{ISSUER}.evil.test"),
        ISSUER.replace("https", "http"),
        ISSUER.replace("token", "Token"),
        ISSUER[..ISSUER.len() - 1].to_owned(),
    ] {
        let forged = forge.other(|by| by.issuer.clone_from(&issuer)).bundle();
        forge.refuses(&forged, ("signer", "signer"));
        forge.fools_the_library(&forged);
        forge.passes_for(&EXPECTED.replace(ISSUER, &issuer), &forged);
    }
}

#[test]
fn a_source_that_is_alike_is_another() {
    let forge = Forge::new();
    let expected = format!("--issuer {ISSUER} --source-repo example/app");
    for repository in
        ["example/app2", "example/ap", "Example/app", "example/app.", "mallory/example/app"]
    {
        let repository = format!("https://github.com/{repository}");
        let forged = forge.other(|by| by.repository.clone_from(&repository)).bundle();
        forge.refuses_for(&expected, &forged, ("source", "source"));
        forge.passes_for(&format!("--issuer {ISSUER} --source-repo {repository}"), &forged);
    }
    let elsewhere = forge.other(|by| by.repository = "https://evil.test/example/app".into());
    forge.refuses_for(&expected, &elsewhere.bundle(), ("source", "source"));
    for reference in ["refs/tags/v1.0.00", "refs/tags/v1.0.0-rc.1", "refs/heads/v1.0.0", "v1.0.0"] {
        let forged = forge.other(|by| by.reference = reference.into()).bundle();
        forge.refuses(&forged, ("source", "source"));
        forge.passes_for(&EXPECTED.replace("--source-ref refs/tags/v1.0.0", ""), &forged);
    }
    for commit in ["4d329c75", "4D329C75E7EC1725F7C9CE917A8799D408D06BE3", ""] {
        let forged = forge.other(|by| by.commit = commit.into()).bundle();
        forge.refuses(&forged, ("source", "source"));
    }
}

#[test]
fn a_builder_that_is_not_expected_does_not_count() {
    let forge = Forge::new();
    let signer = "https://github.com/mallory/ci/.github/workflows/release.yml@refs/tags/v1.0.0";
    let expected = format!(
        "--issuer {ISSUER} --source-repo example/app --builder example/app/.github/workflows/release.yml"
    );
    let forged = forge.other(|by| by.signer = signer.into()).bundle();
    forge.refuses_for(&expected, &forged, ("builder", "builder"));
    forge.fools_the_library(&forged);
    forge.passes_for(&format!("--issuer {ISSUER} --source-repo example/app"), &forged);
    // A builder of the same name, at a ref that is not the one.
    let forged = forge.other(|by| by.signer = by.signer.replace("v1.0.0", "v1.0")).bundle();
    let expected = format!("{expected}@refs/tags/v1.0.0");
    forge.refuses_for(&expected, &forged, ("builder", "builder"));
}

#[test]
fn a_level_is_what_the_certificate_proves() {
    let forge = Forge::new();
    let forged = forge.other(|by| by.runner = "self-hosted".into());
    forge.refuses(&forged.bundle(), ("builder", "build-level"));
    forge.passes_for(&EXPECTED.replace("--min-build-level 2", ""), &forged.bundle());
    // The predicate says otherwise, which nobody vouches for.
    let statement = String::from_utf8(forged.statement).unwrap();
    let from = format!("\"builder\":{{\"id\":\"{SIGNER}\"}}");
    let to = "\"builder\":{\"id\":\"https://github.com/actions/runner/github-hosted\"}";
    let statement = super::replaced(&statement, &from, to);
    let forged = forge.sigstore.attests(statement).by(|by| by.runner = "self-hosted".into());
    forge.refuses(&forged.bundle(), ("builder", "build-level"));
    forge.fools_the_library(&forged.bundle());
    // A builder that is isolated from its callers is one by its release, not by its name.
    let generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml";
    let expected = format!("--issuer {ISSUER} --source-repo example/app --min-build-level");
    let released = forge.other(|by| by.signer = format!("{generator}@refs/tags/v2.1.0")).bundle();
    forge.passes_for(&format!("{expected} 3"), &released);
    let branch = forge.other(|by| by.signer = format!("{generator}@refs/heads/main")).bundle();
    forge.passes_for(&format!("{expected} 2"), &branch);
    let refused =
        forge.desk.verify(branch.to_string().as_bytes(), &format!("{expected} 3")).exits(1);
    assert!(refused.stdout.contains("provenance/build-level"), "{}", refused.said());
}
