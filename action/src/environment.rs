//! What the runner says: where things are, and which repository, event and run it is about.
//!
//! Everything is read once, here, through a function, so that nothing else looks at the environment of the process.

use std::path::PathBuf;

use cargo_weft::Error;

use crate::event::{demand_name, demand_sha};

/// What a run knows of itself.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The API's base URL, `https://api.github.com` or that of a GHES instance with `/api/v3`.
    pub api_url: String,
    /// The name of the event.
    pub event: String,
    /// The file with the event's payload.
    pub event_path: PathBuf,
    /// The file that takes outputs.
    pub output: Option<PathBuf>,
    /// The ref that the event is about: `refs/heads/main`, `refs/pull/1/merge`.
    pub reference: String,
    /// The repository the workflow runs in.
    pub repository: Repository,
    /// Which run it is, and which attempt.
    pub run: Run,
    /// The URL of the instance's pages.
    pub server_url: String,
    /// The commit that the event is about.
    pub sha: String,
    /// The file that takes the job summary.
    pub summary: Option<PathBuf>,
    /// A directory that the tree does not reach.
    pub temp: PathBuf,
    /// The checkout.
    pub workspace: PathBuf,
}

/// A repository by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Who owns it.
    pub owner: String,
    /// Its name below the owner.
    pub name: String,
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// Which attempt of it.
    pub attempt: u64,
}

impl Environment {
    /// Reads the runner's variables by `variable`, which returns nothing for one that is not set or empty.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] that names the variable.
    pub fn read(variable: impl Fn(&str) -> Result<Option<String>, Error>) -> Result<Self, Error> {
        let need = |name: &str| {
            variable(name)?.ok_or_else(|| {
                Error::usage(
                    format!("{name} is not set"),
                    "weft-action runs as a step of a workflow: use cargo weft itself elsewhere",
                )
            })
        };
        let sha = need("GITHUB_SHA")?;
        demand_sha("GITHUB_SHA", &sha)?;
        let number = |name: &str| {
            let text = need(name)?;
            text.parse::<u64>().map_err(|_| odd(name, &text))
        };
        let temp = need("RUNNER_TEMP")?;
        Ok(Self {
            api_url: url(
                "api-url",
                variable("WEFT_INPUT_API_URL")?.map_or_else(|| need("GITHUB_API_URL"), Ok)?,
            )?,
            event: need("GITHUB_EVENT_NAME")?,
            event_path: need("GITHUB_EVENT_PATH")?.into(),
            output: variable("GITHUB_OUTPUT")?.map(PathBuf::from),
            reference: need("GITHUB_REF")?,
            repository: Repository::parse("GITHUB_REPOSITORY", &need("GITHUB_REPOSITORY")?)?,
            run: Run { id: number("GITHUB_RUN_ID")?, attempt: number("GITHUB_RUN_ATTEMPT")? },
            server_url: url("GITHUB_SERVER_URL", need("GITHUB_SERVER_URL")?)?,
            sha,
            summary: variable("GITHUB_STEP_SUMMARY")?.map(PathBuf::from),
            temp: temp.into(),
            workspace: need("GITHUB_WORKSPACE")?.into(),
        })
    }

    /// Returns the page of this run.
    pub fn run_url(&self) -> String {
        format!("{}/{}/actions/runs/{}", self.server_url, self.repository, self.run.id)
    }
}

impl Repository {
    /// Reads `owner/name`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] that says where it stands.
    pub fn parse(place: &str, text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/').ok_or_else(|| odd(place, text))?;
        for part in [parts.0, parts.1] {
            demand_name(place, part)?;
        }
        Ok(Self { owner: parts.0.to_owned(), name: parts.1.to_owned() })
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Demands a base URL that a token may be sent to: over TLS, but for this very machine.
fn url(place: &str, text: String) -> Result<String, Error> {
    let text = text.trim_end_matches('/').to_owned();
    let uri: http::Uri = text.parse().map_err(|_| odd(place, &text))?;
    let host = uri.host().unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
    let is_plain = uri.authority().is_some_and(|a| !a.as_str().contains('@'));
    match uri.scheme_str() {
        Some("https") if is_plain && uri.query().is_none() => Ok(text),
        Some("http") if is_here && is_plain && uri.query().is_none() => Ok(text),
        _ => Err(odd(place, &text)),
    }
}

fn odd(place: &str, text: &str) -> Error {
    Error::usage(
        format!("{place} is `{}`, which cannot be", cargo_weft::escape::terminal(text)),
        "the runner sets it; look at what changes the environment before this step",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_to_servers_over_tls_alone() {
        for (text, fits) in [
            ("https://api.github.com", true),
            ("https://ghes.example/api/v3/", true),
            ("http://127.0.0.1:8080/api/v3", true),
            ("http://ghes.example/api/v3", false),
            ("https://user:pass@ghes.example", false),
            ("https://ghes.example/?x", false),
            ("ftp://ghes.example", false),
            ("file:///etc/passwd", false),
            ("api.github.com", false),
        ] {
            assert_eq!(url("api-url", text.to_owned()).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        for (text, fits) in [
            ("octo/weft", true),
            ("octo/.github", true),
            ("octo", false),
            ("octo/a/b", false),
            ("octo/../x", false),
            ("octo/..", false),
            ("oc to/weft", false),
            ("octo/we%2fft", false),
            ("", false),
        ] {
            assert_eq!(Repository::parse("x", text).is_ok(), fits, "{text}");
        }
    }
}
