//! What GitHub answers, and whether to ask again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cargo_weft::escape::terminal;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

/// Why GitHub did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The token may not do that: there are other places to write to.
    #[error("the token may not do that ({0})")]
    Denied(String),
    /// It is not there, or the token does not see it.
    #[error("the token sees no such thing ({0})")]
    Absent(String),
    /// GitHub is not there, or out of order, after every try.
    #[error("GitHub cannot be reached: {0}")]
    Unreachable(String),
    /// GitHub says no for another reason.
    #[error("GitHub refuses: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("GitHub's answer cannot be used: {0}")]
    Fault(String),
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
}

/// Whether to ask again.
pub(super) enum Judgement {
    Final(Result<Answer, Failure>),
    /// After this time at the least.
    Again(Failure, Duration),
}

impl Answer {
    /// Makes the answer to a request whose body went elsewhere.
    pub(super) fn nothing() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: b"null".to_vec() }
    }

    /// Reads an answer of at most `limit` bytes.
    pub(super) async fn read<B>(answer: http::Response<B>, limit: usize) -> Result<Self, Failure>
    where
        B: BodyExt,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, limit).collect().await.map_err(|error| match error
            .is::<LengthLimitError>(
        ) {
            true => Failure::Fault(format!("an answer is larger than {limit} bytes")),
            false => super::unreachable(&*error),
        })?;
        let body = body.to_bytes().to_vec();
        Ok(Self { status: parts.status, headers: parts.headers, body })
    }

    /// Reads the body as JSON; one that is empty is null.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        match self.body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&self.body).map_err(|e| {
                Failure::Fault(format!("it is no JSON: {}", terminal(&e.to_string())))
            }),
        }
    }

    /// Returns where a list goes on (RFC 8288).
    pub(super) fn next_page(&self) -> Option<&str> {
        let mut links = self.header("link")?.split(',');
        let next = links.find(|link| link.contains("rel=\"next\""))?;
        next.trim().strip_prefix('<')?.split('>').next()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns what GitHub says of a refusal, cut to a line.
    fn message(&self) -> String {
        let said = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        let text = said.get("message").and_then(Value::as_str).unwrap_or_default();
        let text: String = text.chars().take(300).collect();
        let status = self.status.as_u16();
        match text.is_empty() {
            true => format!("status {status}"),
            false => format!("status {status}: {}", terminal(&text)),
        }
    }

    /// Returns how long a limit asks to wait, if it is one that refuses.
    fn limited(&self) -> Option<Duration> {
        let seconds = |name: &str| self.header(name)?.trim().parse::<u64>().ok();
        if let Some(after) = seconds("retry-after") {
            return Some(Duration::from_secs(after));
        }
        if seconds("x-ratelimit-remaining") == Some(0) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let reset = Duration::from_secs(seconds("x-ratelimit-reset").unwrap_or(0));
            return Some(reset.saturating_sub(now).max(Duration::from_secs(1)));
        }
        let is_limit = self.status == StatusCode::TOO_MANY_REQUESTS
            || self.message().to_ascii_lowercase().contains("secondary rate limit");
        is_limit.then_some(Duration::from_secs(60))
    }
}

/// Says what an answer is worth.
pub(super) fn judge(answer: Answer) -> Judgement {
    let said = answer.message();
    match answer.status.as_u16() {
        200..300 => match answer.json() {
            Ok(_) => Judgement::Final(Ok(answer)),
            // A body that was cut off where nobody noticed.
            Err(failure) => Judgement::Again(failure, Duration::ZERO),
        },
        403 | 429 => match answer.limited() {
            Some(wait) => {
                Judgement::Again(Failure::Unreachable(format!("its limits, {said}")), wait)
            }
            None => Judgement::Final(Err(Failure::Denied(said))),
        },
        404 => Judgement::Final(Err(Failure::Absent(said))),
        401 => Judgement::Final(Err(Failure::Refused(format!("it knows no such token, {said}")))),
        500.. => {
            let wait = answer.limited().filter(|_| answer.header("retry-after").is_some());
            Judgement::Again(Failure::Unreachable(said), wait.unwrap_or_default())
        }
        _ => Judgement::Final(Err(Failure::Refused(said))),
    }
}
