//! GitHub's API: one request at a time, each bounded in time and size, with retries that never write twice.
//!
//! Octocrab makes the requests and its own retries stay off, since they repeat writes.
//! Which answers are worth another try, and how long to wait, is GitHub's own advice ("Best practices for using the REST
//! API", "Rate limits for the REST API"), within a budget that a job can afford.

mod answer;
mod patience;

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, Instant};

use cargo_weft::Error;
use cargo_weft::escape::terminal;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use octocrab::Octocrab;
use serde_json::Value;
use tokio::runtime::Runtime;

pub use self::answer::Failure;
use self::answer::{Answer, Judgement, judge};
pub use self::patience::Patience;
use crate::environment::Repository;
use crate::input::Token;

/// What the program calls itself.
const AGENT: &str = concat!("weft-action/", env!("CARGO_PKG_VERSION"));

/// The largest JSON answer that is read, in bytes.
const MAX_JSON: usize = 16 << 20;

/// The most pages of a list that are read, 100 entries each.
const MAX_PAGES: usize = 30;

/// How many places a download may be sent on to.
const MAX_HOPS: usize = 4;

/// A way to ask GitHub, as whoever the token is.
pub struct GitHub {
    api: Octocrab,
    base: http::Uri,
    calls: Cell<u32>,
    patience: Patience,
    plain: reqwest::Client,
    repository: Repository,
    runtime: Runtime,
    waited: Cell<Duration>,
}

impl GitHub {
    /// Prepares to ask about `repository` at the base URL of an API.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a token that is no text of one line, [`Error::Service`] if no connection can be prepared.
    pub fn new(
        api_url: &str,
        token: &Token,
        repository: &Repository,
        patience: Patience,
    ) -> Result<Self, Error> {
        if !token.expose().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::usage(
                "the input `token` has characters that no token has",
                "say `token: ${{ github.token }}`, or leave it out",
            ));
        }
        let failed = |reason: String| Error::Service {
            action: "prepare requests to",
            service: api_url.to_owned(),
            reason,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed(e.to_string()))?;
        let plain = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connection)
            .user_agent(AGENT)
            .build()
            .map_err(|e| failed(chain(&e)))?;
        let base: http::Uri = api_url.parse().map_err(|_| failed("it is no URL".to_owned()))?;
        let api = {
            let _inside = runtime.enter();
            Octocrab::builder()
                .base_uri(api_url)
                .and_then(|builder| {
                    builder
                        .personal_token(token.expose().to_owned())
                        .add_header(
                            header::HeaderName::from_static("x-github-api-version"),
                            "2022-11-28".to_owned(),
                        )
                        .add_header(header::USER_AGENT, AGENT.to_owned())
                        .build_with_reqwest(plain.clone())
                })
                .map_err(|e| failed(chain(&e)))?
        };
        Ok(Self {
            api,
            base,
            calls: Cell::new(0),
            patience,
            plain,
            repository: repository.clone(),
            runtime,
            waited: Cell::new(Duration::ZERO),
        })
    }

    /// Returns how many requests were sent.
    pub fn calls(&self) -> u32 {
        self.calls.get()
    }

    /// Reads `path` below the repository.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.read(&self.path(path))?.json()
    }

    /// Reads every page of the list at `path` below the repository, and gives its entries to `each` until that returns
    /// false.
    ///
    /// # Errors
    ///
    /// A [`Failure`]; also of a list that is longer than is read.
    pub fn list(
        &self,
        path: &str,
        member: Option<&str>,
        mut each: impl FnMut(Value) -> bool,
    ) -> Result<(), Failure> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut next = self.path(&format!("{path}{mark}per_page=100"));
        for _ in 0..MAX_PAGES {
            let answer = self.read(&next)?;
            let mut page = answer.json()?;
            let entries = match member {
                Some(member) => page.get_mut(member).map(Value::take).unwrap_or_default(),
                None => page,
            };
            let Value::Array(entries) = entries else {
                return Err(Failure::Fault(format!("{path} is answered with no list")));
            };
            if entries.into_iter().any(|entry| !each(entry)) {
                return Ok(());
            }
            match answer.next_page() {
                Some(place) => next = self.within(place)?,
                None => return Ok(()),
            }
        }
        Err(Failure::Fault(format!("{path} lists more than {} entries", MAX_PAGES * 100)))
    }

    /// Reads a path, wherever on the same server a renamed repository is now.
    fn read(&self, path: &str) -> Result<Answer, Failure> {
        self.patiently(|| {
            let mut path = path.to_owned();
            for _ in 0..MAX_HOPS {
                let answer = self.once(Method::GET, &path, None)?;
                match elsewhere(answer.status, &answer.headers)? {
                    Some(place) => path = self.within(&place)?,
                    None => return Ok(answer),
                }
            }
            Err(Failure::Fault(format!("{path} is sent from place to place")))
        })
    }

    /// Writes once: before a second try, `find` looks whether the first one came through.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn write(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        find: impl Fn() -> Result<Option<Value>, Failure>,
    ) -> Result<Value, Failure> {
        let path = self.path(path);
        let is_second = Cell::new(false);
        let found = Cell::new(None);
        let answer = self.patiently(|| {
            if is_second.replace(true)
                && let Some(there) = find()?
            {
                found.set(Some(there));
                return Ok(Answer::nothing());
            }
            self.once(method.clone(), &path, Some(body))
        })?;
        match found.take() {
            Some(there) => Ok(there),
            None => answer.json(),
        }
    }

    /// Deletes what is at `path` below the repository; that it is gone already is as good.
    ///
    /// # Errors
    ///
    /// A [`Failure`].
    pub fn delete(&self, path: &str) -> Result<(), Failure> {
        let path = self.path(path);
        match self.patiently(|| self.once(Method::DELETE, &path, None)) {
            Ok(_) => Ok(()),
            Err(Failure::Absent(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Downloads `path` below the repository into `to`, from wherever GitHub keeps it; only GitHub sees the token.
    ///
    /// # Errors
    ///
    /// A [`Failure`]; also of more than `limit` bytes.
    pub fn download(
        &self,
        path: &str,
        limit: u64,
        to: impl Fn() -> Result<std::fs::File, Failure>,
    ) -> Result<u64, Failure> {
        let path = self.path(path);
        let mut size = 0;
        self.patiently(|| {
            let mut answer = self.stream(&path)?;
            for _ in 0..MAX_HOPS {
                let Some(place) = elsewhere(answer.status(), answer.headers())? else { break };
                answer = self.fetch_plainly(&place)?;
            }
            if !answer.status().is_success() {
                return self.runtime.block_on(Answer::read(answer, MAX_JSON));
            }
            let mut file = to()?;
            size = self.pour(answer.into_body(), &mut file, limit)?;
            Ok(Answer::nothing())
        })?;
        Ok(size)
    }

    fn path(&self, path: &str) -> String {
        format!("/repos/{}{path}", self.repository)
    }

    /// Tries until an answer is final, or patience ends.
    fn patiently(
        &self,
        mut once: impl FnMut() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let mut waits = self.patience.waits.iter();
        loop {
            let (failure, least) = match once() {
                Ok(answer) => match judge(answer) {
                    Judgement::Final(result) => return result,
                    Judgement::Again(failure, least) => (failure, least),
                },
                Err(failure @ Failure::Unreachable(_)) => (failure, Duration::ZERO),
                Err(failure) => return Err(failure),
            };
            let Some(wait) = waits.next() else { return Err(failure) };
            let wait = least.max(*wait);
            let waited = self.waited.get() + wait;
            if waited > self.patience.budget {
                return Err(failure);
            }
            self.waited.set(waited);
            std::thread::sleep(wait);
        }
    }

    /// Sends one request and reads its whole answer.
    fn once(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header(header::ACCEPT, "application/vnd.github+json");
        let request = self.api.build_request(request, body).map_err(bug)?;
        self.calls.set(self.calls.get() + 1);
        self.in_time(async {
            let answer = self.api.execute(request).await.map_err(|e| unreachable(&e))?;
            Answer::read(answer, MAX_JSON).await
        })
    }

    /// Sends one request for bytes, and leaves them unread.
    fn stream(&self, path: &str) -> Result<http::Response<Body>, Failure> {
        let request = http::Request::builder().method(Method::GET).uri(path);
        let request = request.header(header::ACCEPT, "application/octet-stream");
        let request = self.api.build_request(request, None::<&Value>).map_err(bug)?;
        self.calls.set(self.calls.get() + 1);
        self.in_time(async {
            let answer = self.api.execute(request).await.map_err(|e| unreachable(&e))?;
            Ok(answer.map(|body| body.map_err(|e| chain(&e)).boxed()))
        })
    }

    /// Asks a host that is not GitHub's API, without the token.
    fn fetch_plainly(&self, place: &str) -> Result<http::Response<Body>, Failure> {
        self.in_time(async {
            let answer = self.plain.get(place).send().await.map_err(|e| unreachable(&e))?;
            let answer: http::Response<reqwest::Body> = answer.into();
            Ok(answer.map(|body| body.map_err(|e| chain(&e)).boxed()))
        })
    }

    /// Writes a body as it comes, each part of it in time.
    fn pour(&self, mut body: Body, file: &mut std::fs::File, limit: u64) -> Result<u64, Failure> {
        let mut size = 0;
        let started = Instant::now();
        loop {
            if started.elapsed() > self.patience.download {
                return Err(Failure::Fault("a download takes too long".to_owned()));
            }
            let frame = self
                .in_time(async { body.frame().await.transpose().map_err(Failure::Unreachable) })?;
            let Some(frame) = frame else { break };
            let Ok(data) = frame.into_data() else { continue };
            size += data.len() as u64;
            if size > limit {
                return Err(Failure::Fault(format!("a download is larger than {limit} bytes")));
            }
            file.write_all(&data)
                .map_err(|e| Failure::Fault(format!("a download cannot be kept: {e}")))?;
        }
        Ok(size)
    }

    fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.block_on(async {
            match tokio::time::timeout(self.patience.request, work).await {
                Ok(done) => done,
                Err(_) => Err(Failure::Unreachable(format!(
                    "no answer within {} s",
                    self.patience.request.as_secs_f32()
                ))),
            }
        })
    }

    /// Returns the path of a place that has to be on the same server.
    fn within(&self, place: &str) -> Result<String, Failure> {
        let uri: http::Uri = place.parse().map_err(|_| odd(place))?;
        match uri.authority() == self.base.authority() && uri.scheme() == self.base.scheme() {
            true => {
                let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
                let below = rest.strip_prefix(self.base.path().trim_end_matches('/'));
                below.map(str::to_owned).ok_or_else(|| odd(place))
            }
            false => Err(odd(place)),
        }
    }
}

/// A body whose errors are told already.
type Body = http_body_util::combinators::BoxBody<bytes::Bytes, String>;

/// Writes text as one value of a URL (RFC 3986 §2.1).
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Writes the name of a ref as the end of a URL's path, with its `/`.
pub fn path_encoded(name: &str) -> String {
    name.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// Returns where an answer sends those who ask, if it does.
fn elsewhere(status: StatusCode, headers: &HeaderMap) -> Result<Option<String>, Failure> {
    if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    let place = headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
    let place = place.ok_or_else(|| odd(""))?;
    let uri: http::Uri = place.parse().map_err(|_| odd(place))?;
    let is_here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => Ok(Some(place.to_owned())),
        Some("http") if is_here => Ok(Some(place.to_owned())),
        _ => Err(odd(place)),
    }
}

fn odd(place: &str) -> Failure {
    // What follows a question mark may be a signature that opens the place.
    let place = place.split('?').next().unwrap_or_default();
    Failure::Fault(format!("it is sent on to `{}`, which is not followed", terminal(place)))
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::Unreachable(chain(error))
}

fn bug(error: octocrab::Error) -> Failure {
    Failure::Fault(format!("a request cannot be made: {}", chain(&error)))
}

/// Joins an error with its causes, without any URL, which may be signed.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts = Vec::<String>::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        let text = text.split(" for url (").next().unwrap_or_default().trim().to_owned();
        if !text.is_empty() && !parts.contains(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    terminal(&parts.join(": "))
}
