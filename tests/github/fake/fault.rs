//! What can go wrong between a client and GitHub, and which request it befalls.

use std::time::Duration;

/// Which requests are meant.
#[derive(Clone)]
pub(crate) struct Match {
    /// A method, or `*` for each.
    pub(crate) method: &'static str,
    /// What the path has in it.
    pub(crate) path: String,
}

impl Match {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into() }
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method == method) && path.contains(&self.path)
    }
}

/// What happens in place of a good answer.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing is done, and this is answered.
    Status { code: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The request is carried out, and a failure is answered.
    AfterWrite(u16),
    /// Half of the answer comes, as if it were all.
    Truncated,
    /// Half of the answer comes, and the connection is closed.
    Cut,
    /// The answer comes late, at most after 30 seconds.
    Hang(Duration),
    /// The connection is closed without an answer, and nothing is done.
    Reset,
    /// The client is sent elsewhere.
    Redirect(String),
    /// The client writes too much in a short time.
    SecondaryLimit { retry_after: u64 },
}

impl Fault {
    /// Answers with a status and GitHub's short body for it.
    pub(crate) fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: r#"{"message":"Server Error"}"#.to_owned() }
    }
}
