//! Signing without a key: by services of our own over loopback, which do their part, or one thing wrong.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cargo_weft::Error;
use cargo_weft::source::online::keyless::{KeylessArgs, attest, attest_within};
use clap::Parser;
use serde_json::{Value, json};

use crate::honest::{ARTIFACT, Desk, EXPECTED};
use crate::instance::key::unbase64;
use crate::instance::service::{Fault, Service};
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
        let timeout = Duration::from_millis(700);
        let error = attest_within(&args(line).unwrap(), &statement(), timeout).unwrap_err();
        said(&error)
    }
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
    let studio = Studio::new(Fault::Echo);
    let token = fs::read_to_string(studio.desk.tree.path("token")).unwrap();
    let found = studio.fails(&studio.line(""));
    assert!(found.contains("[token] is not for us"), "{found}");
    assert!(!found.contains(token.trim()) && found.len() < 2000, "{}", found.len());
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
