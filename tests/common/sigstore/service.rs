//! The instance's services over HTTP, on a thread that ends with the test: Fulcio's API v2, Rekor's v1 and v2, RFC 3161,
//! and what GitHub gives a job its identity by.
//!
//! They look at what they are sent, as the real ones do: the token, the proof of possession, the signature.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tiny_http::{Header, Request, Response, Server};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::key::{Key, has_signed, hex, pem, sha256, unbase64, unpem};
use super::log::{Log, Logged};
use super::{Sigstore, Window, Workflow, now, pae};

/// The longest that services are there, and the most that they are sent.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST: u64 = 1 << 20;

/// Where a job asks for its identity, and with what.
pub(crate) const IDENTITY: &str = "/identity?api-version=2.0";
pub(crate) const BEARER: &str = "bearer-of-the-job-and-of-nobody-else";

/// What a service does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The authority certifies another key, and the log does not look.
    CertificateOfAnotherKey,
    /// The authority refuses, and repeats what it was sent.
    Echo,
    /// It does so, but for the last three characters of the token.
    EchoOfAPart,
    /// The identity is elsewhere, comes never, or comes with more than anybody reads.
    IdentityMoves,
    IdentityHangs,
    IdentityIsLong,
    /// The answer is another one than a token, and repeats what it was sent.
    IdentityIsGarbled,
    /// The log answers with a status, with no JSON, or not at all.
    LogFails,
    LogIsGarbled,
    LogHangs,
    /// The log answers with an entry of another statement, or of another signature.
    EntryOfAnotherStatement,
    EntryOfAnotherSignature,
    /// The log answers without a proof.
    NoProof,
    /// The timestamp is of something else.
    StampOfAnother,
    StampFails,
}

/// Services that run until this is dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    server: Arc<Server>,
    is_done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts the services of an instance on a free port of this machine.
    pub(crate) fn start(sigstore: &Arc<Sigstore>, fault: Fault) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let url = format!("http://{}", server.server_addr());
        let is_done = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (server, is_done, sigstore) =
                (Arc::clone(&server), Arc::clone(&is_done), Arc::clone(sigstore));
            move || run(&server, &is_done, &sigstore, fault)
        });
        Self { url, server, is_done, thread: Some(thread) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Relaxed);
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn run(server: &Server, is_done: &AtomicBool, sigstore: &Sigstore, fault: Fault) {
    let end = Instant::now() + PATIENCE;
    // What is never answered is kept, since dropping it would be an answer.
    let mut kept: Vec<Request> = Vec::new();
    while !is_done.load(Ordering::Relaxed) && Instant::now() < end {
        let Ok(Some(mut request)) = server.recv_timeout(Duration::from_millis(200)) else {
            continue;
        };
        let mut body = Vec::new();
        request.as_reader().take(LONGEST).read_to_end(&mut body).unwrap();
        let path = request.url().to_owned();
        let hangs = match fault {
            Fault::LogHangs => path.contains("/log/entries"),
            Fault::IdentityHangs => path.starts_with(IDENTITY),
            _ => false,
        };
        if hangs {
            kept.push(request);
            continue;
        }
        let answer = match path.strip_prefix(IDENTITY) {
            Some(query) => sigstore.identify(&request, query, fault),
            None => sigstore.answer(&path, &body, fault),
        };
        let (status, answer) = match answer {
            Ok(answer) => answer,
            Err(why) => (400, why.into_bytes()),
        };
        let location = format!("{IDENTITY}&moved=true&audience=sigstore");
        let location = Header::from_bytes("Location", location).unwrap();
        let answer = Response::from_data(answer).with_status_code(status);
        _ = request.respond(if status == 302 { answer.with_header(location) } else { answer });
    }
}

type Answer = Result<(u16, Vec<u8>), String>;

impl Sigstore {
    /// Makes an identity token for a workflow, which runs out at that time.
    pub(crate) fn token(&self, workflow: &Workflow, until: i64) -> String {
        let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let claims = part(json!({
            "aud": "sigstore",
            "exp": until,
            "iat": now(),
            "iss": workflow.issuer,
            "job_workflow_ref": workflow.signer.strip_prefix("https://github.com/"),
            "ref": workflow.reference,
            "repository": workflow.repository.strip_prefix("https://github.com/"),
            "runner_environment": workflow.runner,
            "sha": workflow.commit,
            "sub": format!("repo:example/app:ref:{}", workflow.reference),
        }));
        let message = format!("{}.{claims}", part(json!({"alg": "ES256", "typ": "JWT"})));
        let signature = self.provider.sign(message.as_bytes());
        format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))
    }

    /// GitHub's endpoint of identities; whoever was sent on gets one for nothing.
    fn identify(&self, request: &Request, query: &str, fault: Fault) -> Answer {
        let sent = request.headers().iter().find(|header| header.field.equiv("Authorization"));
        let sent = sent.map_or("", |header| header.value.as_str());
        let is_moved = query.contains("moved=true");
        if !is_moved && (sent != format!("Bearer {BEARER}") || query != "&audience=sigstore") {
            return Err(format!("{sent} is not the job"));
        }
        let value = self.token(&Workflow::honest(), now() + 300);
        let (status, answer) = match fault {
            Fault::IdentityMoves if !is_moved => (302, String::new()),
            Fault::IdentityIsLong => {
                (200, json!({"value": value, "rest": "x".repeat(1 << 20)}).to_string())
            }
            Fault::IdentityIsGarbled => (200, format!("{{\"value\": {sent}")),
            _ => (200, json!({"count": value.len(), "value": value}).to_string()),
        };
        Ok((status, answer.into_bytes()))
    }

    fn answer(&self, path: &str, body: &[u8], fault: Fault) -> Answer {
        match path {
            "/api/v2/signingCert" => self.certify(body, fault),
            "/api/v1/log/entries" => log_first(&self.v1, body, fault),
            "/api/v2/log/entries" => log_second(&self.v2, body, fault),
            "/timestamp" => self.stamp(body, fault),
            _ => Ok((404, Vec::new())),
        }
    }

    /// Fulcio: `CreateSigningCertificate`.
    fn certify(&self, body: &[u8], fault: Fault) -> Answer {
        let request = parsed(body)?;
        let token = text(&request, "/credentials/oidcIdentityToken")?;
        let echo = match fault {
            Fault::Echo => Some(token),
            Fault::EchoOfAPart => Some(&token[..token.len() - 3]),
            _ => None,
        };
        if let Some(echo) = echo {
            return Err(format!("the token {echo} is not for us{}", ".".repeat(100_000)));
        }
        let (workflow, subject) = self.read(token).ok_or("the token is not ours, or ran out")?;
        let spki = unpem(text(&request, "/publicKeyRequest/publicKey/content")?);
        let proof = unbase64(text(&request, "/publicKeyRequest/proofOfPossession")?);
        if !has_signed(&spki, subject.as_bytes(), &proof) {
            return Err("the key is not in possession".to_owned());
        }
        let spki = match fault {
            Fault::CertificateOfAnotherKey => Key::p256().spki().to_vec(),
            _ => spki,
        };
        let window = Window(now() - 5, now() + 595);
        let leaf = self.authority.issue(&workflow, &spki, window, Some(&self.ct));
        let chain = [&leaf, &self.authority.issuer, &self.authority.root];
        let chain = chain.map(|der| pem("CERTIFICATE", der));
        let answer = json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}});
        Ok((200, answer.to_string().into_bytes()))
    }

    /// Reads a token: who it is for, and its subject.
    fn read(&self, token: &str) -> Option<(Workflow, String)> {
        let (message, signature) = token.rsplit_once('.')?;
        let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
        let claims = Base64UrlUnpadded::decode_vec(message.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let holds = has_signed(self.provider.spki(), message.as_bytes(), &signature)
            && claims["exp"].as_i64()? > now()
            && claims["aud"] == "sigstore";
        let claim = |name: &str| claims[name].as_str().map(str::to_owned);
        let on_github = |name: &str| Some(format!("https://github.com/{}", claim(name)?));
        let workflow = Workflow {
            issuer: claim("iss")?,
            signer: on_github("job_workflow_ref")?,
            repository: on_github("repository")?,
            reference: claim("ref")?,
            commit: claim("sha")?,
            runner: claim("runner_environment")?,
        };
        holds.then_some((workflow, claim("sub")?))
    }

    fn stamp(&self, body: &[u8], fault: Fault) -> Answer {
        match fault {
            Fault::StampFails => Ok((503, Vec::new())),
            Fault::StampOfAnother => Ok((200, self.tsa.stamp(b"another", now()))),
            _ => Ok((200, self.tsa.answer(body, now()).ok_or("no request for a timestamp")?)),
        }
    }
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|e| e.to_string())
}

fn text<'v>(value: &'v Value, path: &str) -> Result<&'v str, String> {
    let found = value.pointer(path).and_then(Value::as_str);
    found.ok_or_else(|| format!("there is no {path}"))
}

/// Says what goes wrong before anything is logged.
fn failure(fault: Fault) -> Option<(u16, Vec<u8>)> {
    match fault {
        Fault::LogFails => Some((500, b"the tree is \x1b[31mfull".to_vec())),
        Fault::LogIsGarbled => Some((201, b"{\"entry\":".to_vec())),
        _ => None,
    }
}

fn spki(certificate: &[u8]) -> Result<Vec<u8>, String> {
    let certificate = Certificate::from_der(certificate).map_err(|e| e.to_string())?;
    certificate.tbs_certificate.subject_public_key_info.to_der().map_err(|e| e.to_string())
}

/// Rekor v1: `createLogEntry` with a proposed `dsse`.
fn log_first(log: &Log, body: &[u8], fault: Fault) -> Answer {
    if let Some(answer) = failure(fault) {
        return Ok(answer);
    }
    let request = parsed(body)?;
    let envelope = parsed(text(&request, "/spec/proposedContent/envelope")?.as_bytes())?;
    let certificate = unbase64(text(&request, "/spec/proposedContent/verifiers/0")?);
    let certificate = unpem(std::str::from_utf8(&certificate).map_err(|e| e.to_string())?);
    let payload = unbase64(text(&envelope, "/payload")?);
    let message = pae(text(&envelope, "/payloadType")?, &payload);
    let mut signature = unbase64(text(&envelope, "/signatures/0/sig")?);
    let holds = has_signed(&spki(&certificate)?, &message, &signature);
    if !holds && fault != Fault::CertificateOfAnotherKey {
        return Err("the signature does not hold".to_owned());
    }
    let mut logged_payload = &*payload;
    match fault {
        Fault::EntryOfAnotherStatement => logged_payload = b"{}",
        Fault::EntryOfAnotherSignature => signature = Key::p256().sign(&message),
        _ => {}
    }
    let logged = Logged {
        payload: logged_payload,
        message: &message,
        signature: &signature,
        certificate: &certificate,
    };
    let mut answer = log.add(&logged, now()).to_answer();
    if fault == Fault::NoProof {
        let entry = answer.as_object_mut().unwrap().values_mut().next().unwrap();
        entry["verification"].as_object_mut().unwrap().remove("inclusionProof");
    }
    Ok((201, answer.to_string().into_bytes()))
}

/// Rekor v2: `CreateEntry` with a `hashedRekordRequestV002`.
fn log_second(log: &Log, body: &[u8], fault: Fault) -> Answer {
    if let Some(answer) = failure(fault) {
        return Ok(answer);
    }
    let request = parsed(body)?;
    let request = &request["hashedRekordRequestV002"];
    let certificate = unbase64(text(request, "/signature/verifier/x509Certificate/rawBytes")?);
    let mut digest: [u8; 32] =
        unbase64(text(request, "/digest")?).try_into().map_err(|_| "no SHA-256")?;
    if fault == Fault::EntryOfAnotherStatement {
        digest = sha256(hex(&digest).as_bytes());
    }
    let signature = unbase64(text(request, "/signature/content")?);
    let body = Log::digest_body(&digest, &signature, &certificate);
    let mut entry = log.add_body(body, 0).to_json();
    // The service says so, in numbers that mean nothing.
    entry["integratedTime"] = "0".into();
    Ok((201, entry.to_string().into_bytes()))
}
