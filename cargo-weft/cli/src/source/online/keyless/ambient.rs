//! The identity token of the CI that runs this: GitHub's endpoint, or GitLab's variable.
//!
//! No program is run for one: which `buildkite-agent` or `circleci` that is, the tree that is built may have a say in.

use std::time::Duration;

use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::reqwest;
use weft_verify::json::{self, Limits};
use zeroize::Zeroizing;

use super::token::{LONGEST, parse};
use super::{address, client_within, failed};
use crate::error::Error;

/// Who the token is for.
const AUDIENCE: &str = "sigstore";

/// Where GitHub says whom to ask.
const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// Where GitHub says with what to ask.
const BEARER: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Where GitLab puts the token, by `id_tokens` of a job.
const GITLAB: &str = "SIGSTORE_ID_TOKEN";

/// What is being done.
const ACTION: &str = "get an identity from";

/// Fetches the token that the CI gives.
///
/// # Errors
///
/// [`Error::Usage`] if it gives none, or not like this; [`Error::Service`].
pub(super) async fn fetch(
    timeout: Duration,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<IdentityToken, Error> {
    let is_set = |name: &str| variable(name).as_deref() == Some("true");
    if is_set("GITHUB_ACTIONS") {
        let (Some(url), Some(bearer)) = (variable(URL), variable(BEARER)) else {
            return Err(Error::usage(
                format!("this job may not ask for an identity: {URL} and {BEARER} are not set"),
                "give the job `permissions: id-token: write`",
            ));
        };
        return github(&url, &Zeroizing::new(bearer), timeout).await;
    }
    if is_set("GITLAB_CI") {
        let Some(token) = variable(GITLAB) else {
            return Err(Error::usage(
                format!("this job has no identity: {GITLAB} is not set"),
                format!("give the job `id_tokens: {GITLAB}: aud: {AUDIENCE}`"),
            ));
        };
        return parse(&Zeroizing::new(token), GITLAB);
    }
    let program = [("BUILDKITE", "buildkite-agent"), ("CIRCLECI", "circleci")];
    Err(match program.into_iter().find(|(name, _)| is_set(name)) {
        Some((_, program)) => Error::usage(
            format!("the identity of this CI comes from the program {program}, which is not run"),
            format!(
                "have it write a token for the audience {AUDIENCE} to a file, and name --identity-token-file"
            ),
        ),
        None => Error::usage(
            "there is no identity to sign with: this is no CI that gives one",
            "sign in a job on GitHub or GitLab; elsewhere name --identity-token-file",
        ),
    })
}

/// Asks GitHub for a token.
async fn github(url: &str, bearer: &str, timeout: Duration) -> Result<IdentityToken, Error> {
    let mut url = address(URL, url)?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let service = url.origin().ascii_serialization();
    let refused =
        |reason: String| Error::Service { action: ACTION, service: service.clone(), reason };
    // What comes before a failure may be a secret: neither the query nor the answer is shown.
    let failed = |error: reqwest::Error| failed(ACTION, &service, &error.without_url());
    let client = client_within(timeout, url.scheme() == "http")?;
    let mut answer = client.get(url).bearer_auth(bearer).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(refused(format!("it answered {}", answer.status())));
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(refused(format!("its answer is longer than {LONGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let no_token = || refused("its answer is no JSON with a token as `value`".to_owned());
    let answer = json::read(&body, Limits::FOREIGN).map_err(|_| no_token())?;
    let token = answer.get("value").and_then(json::Value::as_str).ok_or_else(no_token)?;
    parse(token, "the answer of the CI")
}
