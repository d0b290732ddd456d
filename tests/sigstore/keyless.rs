//! Signing without a key: by services of our own over loopback, which do their part, or one thing wrong.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cargo_weft::Error;
use cargo_weft::source::online::keyless::{KeylessArgs, attest, attest_within};
use clap::Parser;
use serde_json::{Value, json};

use crate::common::Run;
use crate::desk::Desk as Repository;
use crate::honest::{ARTIFACT, Desk, EXPECTED};
use crate::instance::key::unbase64;
use crate::instance::service::{BEARER, Fault, IDENTITY, Service};
use crate::instance::{Sigstore, Workflow, now, provenance};

/// A command line with nothing but what is tested.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    keyless: KeylessArgs,
}

fn args(line: &str) -> Result<KeylessArgs, clap::Error> {
    Line::try_parse_from(["test"].into_iter().chain(line.split_whitespace())).map(|l| l.keyless)
}

/// An instance whose services run, and a directory with a token.
struct Studio {
    sigstore: Arc<Sigstore>,
    service: Service,
    desk: Desk,
}

impl Studio {
    fn new(fault: Fault) -> Self {
        let sigstore = Arc::new(Sigstore::new());
        let service = Service::start(&sigstore, fault);
        let desk = Desk::new(&sigstore.trusts().to_json());
        let token = sigstore.token(&Workflow::honest(), now() + 300);
        fs::write(desk.tree.path("token"), format!("{token}\n")).unwrap();
        Self { sigstore, service, desk }
    }

    /// Names the services, by the first version of the log without a timestamp.
    fn line(&self, more: &str) -> String {
        let (url, token) = (&self.service.url, self.desk.tree.path("token"));
        format!("--fulcio {url} --rekor {url} --identity-token-file {} {more}", token.display())
    }

    /// Names the second version of the log, which needs timestamps.
    fn second(&self) -> String {
        self.line(&format!("--rekor-version 2 --tsa {}/timestamp", self.service.url))
    }

    /// Signs, and returns why that failed.
    fn fails(&self, line: &str) -> String {
        attest_as(line, &[]).unwrap_err()
    }

    /// Names the services, and no token.
    fn without_token(&self) -> String {
        let url = &self.service.url;
        format!("--fulcio {url} --rekor {url}")
    }

    /// Signs in a job on GitHub, which asks for its identity at this address.
    fn on_github(&self, url: &str) -> Result<Vec<u8>, String> {
        attest_as(&self.without_token(), &github(url))
    }
}

/// The variables of a job on GitHub.
fn github(url: &str) -> [(&'static str, &str); 3] {
    [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
    ]
}

/// Signs in an environment of these variables, without much patience; or returns why that failed.
fn attest_as(line: &str, variables: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let timeout = Duration::from_millis(700);
    attest_within(&args(line).unwrap(), &statement(), timeout, &variable)
        .map_err(|error| said(&error))
}

fn statement() -> Vec<u8> {
    provenance(ARTIFACT, &Workflow::honest()).to_string().into_bytes()
}

fn said(error: &Error) -> String {
    match error {
        Error::Usage { message, help } => format!("{message}; {help}"),
        other => other.to_string(),
    }
}

#[test]
fn what_is_signed_without_a_key_verifies_by_the_root_of_the_instance() {
    let studio = Studio::new(Fault::None);
    let stamped = format!("--tsa {}/timestamp", studio.service.url);
    for (line, more) in [
        (studio.line(""), ""),
        (studio.line(&stamped), "--require timestamp"),
        (studio.second(), "--require timestamp"),
    ] {
        let bundle = attest(&args(&line).unwrap(), &statement()).unwrap();
        studio.desk.verify(&bundle, &format!("{EXPECTED} {more}")).exits(0);
        let bundle: Value = serde_json::from_slice(&bundle).unwrap();
        let payload = unbase64(bundle["dsseEnvelope"]["payload"].as_str().unwrap());
        assert_eq!(payload, statement(), "byte by byte");
        // Another root does not take it.
        let other = Desk::new(&Sigstore::new().trusts().to_json());
        other.verify(bundle.to_string().as_bytes(), EXPECTED).exits(1);
    }
}

#[test]
fn a_signing_configuration_names_the_services() {
    let studio = Studio::new(Fault::None);
    let url = &studio.service.url;
    let endpoint = |url: &str, version: u8| {
        json!({
            "majorApiVersion": version,
            "operator": "test",
            "url": url,
            "validFor": {"start": "2026-01-01T00:00:00Z"},
        })
    };
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [endpoint(url, 1)],
        "rekorTlogUrls": [endpoint(url, 1), endpoint(url, 2)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": [endpoint(&format!("{url}/timestamp"), 1)],
        "tsaConfig": {"selector": "ANY"},
    });
    let path = studio.desk.tree.path("config.json");
    let token = studio.desk.tree.path("token");
    let line = |path: &Path| {
        format!("--signing-config {} --identity-token-file {}", path.display(), token.display())
    };
    let version = |bundle: &[u8]| {
        let bundle: Value = serde_json::from_slice(bundle).unwrap();
        let entry = &bundle["verificationMaterial"]["tlogEntries"][0];
        entry["kindVersion"]["version"].as_str().unwrap().to_owned()
    };
    fs::write(&path, config.to_string()).unwrap();
    for (more, expected) in [("", "0.0.2"), ("--rekor-version 1", "0.0.1")] {
        let line = format!("{} {more}", line(&path));
        let bundle = attest(&args(&line).unwrap(), &statement()).unwrap();
        assert_eq!(version(&bundle), expected);
        studio.desk.verify(&bundle, EXPECTED).exits(0);
    }
    for (text, reason) in [
        ("{".to_owned(), "no signing configuration"),
        (config.to_string().replace("\"ANY\"", "\"ALL\",\"selector\":\"ANY\""), "twice"),
        (config.to_string().replace("v0.2", "v0.9"), "no signing configuration"),
        (config.to_string().replace(url, "http://fulcio.example.org"), "not encrypted"),
        (config.to_string().replace("caUrls", "caUris"), "no eligible Fulcio endpoint"),
    ] {
        fs::write(&path, text).unwrap();
        let found = studio.fails(&line(&path));
        assert!(found.contains(reason), "{reason}: {found}");
    }
}

#[test]
fn a_service_that_fails_is_named_with_its_reason_and_nothing_is_returned() {
    for (fault, second, phrases) in [
        (Fault::LogFails, false, &["log the signature at http://127.0.0.1", "500", "full"][..]),
        (Fault::LogFails, true, &["log the signature at", "500"]),
        (Fault::LogIsGarbled, false, &["log the signature at", "Invalid response"]),
        (Fault::LogIsGarbled, true, &["log the signature at", "Invalid response"]),
        (Fault::LogHangs, false, &["log the signature at", "no whole answer within 700ms"]),
        (Fault::CertificateOfAnotherKey, false, &["take the certificate of", "another key"]),
        (Fault::EntryOfAnotherStatement, false, &["take the entry of", "another signature"]),
        (Fault::EntryOfAnotherStatement, true, &["log the signature at", "does not match"]),
        (Fault::EntryOfAnotherSignature, false, &["take the entry of", "another signature"]),
        (Fault::NoProof, false, &["take the entry of", "no inclusion proof"]),
        (Fault::StampFails, true, &["get a timestamp from", "/timestamp", "503"]),
        (Fault::StampOfAnother, true, &["get a timestamp from", "mismatch"]),
    ] {
        let studio = Studio::new(fault);
        let line = if second { studio.second() } else { studio.line("") };
        let started = Instant::now();
        let found = studio.fails(&line);
        assert!(started.elapsed() < Duration::from_secs(10), "{fault:?}");
        for phrase in phrases {
            assert!(found.contains(phrase), "{fault:?}: {phrase} is not in {found}");
        }
    }
}

#[test]
fn a_service_that_is_not_there_is_named_with_the_cause() {
    let studio = Studio::new(Fault::None);
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (url, token) = (&studio.service.url, studio.desk.tree.path("token"));
    let token = format!("--identity-token-file {}", token.display());
    let found = studio.fails(&format!("--fulcio http://{free} --rekor {url} {token}"));
    assert!(found.contains(&format!("get a certificate from http://{free}")), "{found}");
    assert!(found.contains("refused"), "{found}");
    let found = studio.fails(&format!("--fulcio {url} --rekor http://{free} {token}"));
    assert!(found.contains("log the signature at") && found.contains("refused"), "{found}");
}

#[test]
fn a_token_is_there_still_holds_and_is_never_shown() {
    let studio = Studio::new(Fault::None);
    let path = studio.desk.tree.path("token");
    let good = fs::read_to_string(&path).unwrap();
    for (text, reason) in [
        (studio.sigstore.token(&Workflow::honest(), now() - 10), "ran out at"),
        ("secret-text".to_owned(), "no identity token"),
        (good.replacen('.', ".e30", 1), "no identity token"),
        (String::new(), "no identity token"),
        // Of a stranger, which the authority says.
        (Sigstore::new().token(&Workflow::honest(), now() + 300), "not ours"),
        ("x".repeat(100_000), "failed to read"),
    ] {
        fs::write(&path, &text).unwrap();
        let found = studio.fails(&studio.line(""));
        assert!(found.contains(reason), "{reason}: {found}");
        assert!(text.is_empty() || !found.contains(&text), "{found}");
    }
    fs::remove_file(&path).unwrap();
    let found = studio.fails(&studio.line(""));
    assert!(found.contains("failed to read") && found.contains("token"), "{found}");
    // What is not there in a file is not looked for in an argument.
    assert!(args(&studio.line("--identity-token x")).is_err());
    // A service that says what it was sent does not make us say it.
    for fault in [Fault::Echo, Fault::EchoOfAPart] {
        let studio = Studio::new(fault);
        let token = fs::read_to_string(studio.desk.tree.path("token")).unwrap();
        let found = studio.fails(&studio.line(""));
        assert!(found.contains("[token] is not for us"), "{found}");
        let is_part = |part: &[u8]| found.contains(std::str::from_utf8(part).unwrap());
        assert!(!token.trim().as_bytes().windows(16).any(is_part), "{found}");
        assert!(found.len() < 450, "{}", found.len());
    }
}

#[test]
fn a_job_on_github_signs_as_its_workflow() {
    let studio = Studio::new(Fault::None);
    let url = format!("{}{IDENTITY}", studio.service.url);
    let bundle = studio.on_github(&url).unwrap();
    studio.desk.verify(&bundle, EXPECTED).exits(0);
    // What may not ask, or is not believed, has no identity.
    for missing in 0..3 {
        let mut variables = github(&url).to_vec();
        variables.remove(missing);
        let found = attest_as(&studio.without_token(), &variables).unwrap_err();
        let remedy = ["--identity-token-file", "id-token: write", "id-token: write"][missing];
        assert!(found.contains(remedy), "{found}");
    }
    let mut variables = github(&url);
    variables[2].1 = "of-another-job";
    let found = attest_as(&studio.without_token(), &variables).unwrap_err();
    assert!(found.contains("400") && !found.contains("of-another-job"), "{found}");
}

#[test]
fn the_secret_of_a_job_goes_to_an_address_that_is_encrypted_or_of_this_machine() {
    let studio = Studio::new(Fault::None);
    let port = studio.service.url.rsplit_once(':').unwrap().1;
    for (url, reason) in [
        (format!("http://localhost:{port}{IDENTITY}"), "not encrypted"),
        (format!("http://pipelines.example.org{IDENTITY}"), "not encrypted"),
        (format!("http://user:pw@127.0.0.1:{port}{IDENTITY}"), "holds a user or a password"),
        (format!("ftp://127.0.0.1:{port}{IDENTITY}"), "no URL of a service"),
        (String::new(), "no URL"),
    ] {
        let found = studio.on_github(&url).unwrap_err();
        assert!(found.contains("ACTIONS_ID_TOKEN_REQUEST_URL"), "{url}: {found}");
        assert!(found.contains(reason), "{url}: {found}");
    }
}

#[test]
fn an_identity_that_is_elsewhere_late_or_long_is_not_taken() {
    for (fault, reason) in [
        (Fault::IdentityMoves, "302"),
        (Fault::IdentityHangs, "timed out"),
        (Fault::IdentityIsLong, "longer than 65536 bytes"),
        (Fault::IdentityIsGarbled, "no JSON with a token"),
    ] {
        let studio = Studio::new(fault);
        let started = Instant::now();
        let url = format!("{}{IDENTITY}", studio.service.url);
        let found = studio.on_github(&url).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(10), "{fault:?}");
        let service = format!("get an identity from {}: ", studio.service.url);
        assert!(found.contains(&service) && found.contains(reason), "{fault:?}: {found}");
        assert!(!found.contains(BEARER), "{fault:?}: {found}");
    }
}

#[test]
fn a_job_on_gitlab_signs_with_its_variable() {
    let studio = Studio::new(Fault::None);
    let token = studio.sigstore.token(&Workflow::honest(), now() + 300);
    let job = ("GITLAB_CI", "true");
    let line = studio.without_token();
    let bundle = attest_as(&line, &[job, ("SIGSTORE_ID_TOKEN", &token)]).unwrap();
    studio.desk.verify(&bundle, EXPECTED).exits(0);
    let found = attest_as(&line, &[job]).unwrap_err();
    assert!(found.contains("SIGSTORE_ID_TOKEN is not set"), "{found}");
    let found = attest_as(&line, &[job, ("SIGSTORE_ID_TOKEN", "secret")]).unwrap_err();
    assert!(found.contains("no identity token") && !found.contains("secret"), "{found}");
    // Elsewhere the variable is anybody's.
    let found = attest_as(&line, &[("SIGSTORE_ID_TOKEN", &token)]).unwrap_err();
    assert!(found.contains("no identity to sign with"), "{found}");
}

#[cfg(unix)]
#[test]
fn the_binary_asks_its_environment_and_runs_no_program_for_an_identity() {
    use std::os::unix::fs::PermissionsExt;
    let studio = Studio::new(Fault::None);
    let repository = Repository::new();
    let token = studio.sigstore.token(&Workflow::honest(), now() + 300);
    let programs = repository.path("programs");
    fs::create_dir(&programs).unwrap();
    for name in ["buildkite-agent", "circleci"] {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\ntouch \"$0.ran\"\necho {token}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    fs::write(
        repository.path("junit.xml"),
        "<testsuites><testsuite name=\"a\"><testcase classname=\"a\" name=\"b\"/></testsuite></testsuites>",
    )
    .unwrap();
    let line = format!(
        "attest test-evidence --junit ../junit.xml --output ../tests.json --keyless {}",
        studio.without_token()
    );
    let run = || Run::new(repository.path("tree"), &line).env("PATH", &path);
    for (ci, program) in [("BUILDKITE", "buildkite-agent"), ("CIRCLECI", "circleci")] {
        let done = run().env(ci, "true").done().exits(2);
        assert!(done.stderr.contains(program), "{}", done.said());
        assert!(done.stderr.contains("--identity-token-file"), "{}", done.said());
        assert!(!programs.join(format!("{program}.ran")).exists(), "{program}");
    }
    assert!(!repository.path("tests.json").exists());
    let url = format!("{}{IDENTITY}", studio.service.url);
    let run = github(&url).into_iter().fold(run(), |run, (name, value)| run.env(name, value));
    // What is not encrypted goes past the proxy, where nobody is.
    run.env("http_proxy", "http://127.0.0.1:1").done().exits(0);
    assert!(repository.path("tests.json").exists());
}

#[test]
fn services_go_together_and_what_is_signed_is_a_statement() {
    let studio = Studio::new(Fault::None);
    assert!(args("--fulcio https://fulcio.test").is_err(), "and where is it logged?");
    assert!(args("--tsa https://tsa.test").is_err());
    assert!(args(&studio.line("--signing-config x")).is_err());
    assert!(args(&studio.line("--rekor-version 3")).is_err());
    let found = studio.fails(&studio.line("--rekor-version 2"));
    assert!(found.contains("timestamp authority"), "{found}");
    let line = studio.line("");
    let error = attest(&args(&line).unwrap(), b"{\"_type\":1}").unwrap_err();
    assert!(said(&error).contains("no statement"), "{error}");
}
