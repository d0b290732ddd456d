//! The inputs of the action, as `action.yml` passes them: `WEFT_INPUT_` and the name in capitals.
//!
//! An input that is not understood is an error and never its default.

use std::path::PathBuf;

use cargo_weft::Error;
use cargo_weft::escape::terminal;
use weft_gate::policy::Level;

/// What the workflow asks for.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// What to do.
    pub mode: Mode,
    /// The workspace below the checkout.
    pub working_directory: PathBuf,
    /// The commit to compare with, in place of the event's.
    pub base: Option<String>,
    /// The commit to judge, from git's objects, in place of the event's.
    pub head: Option<String>,
    /// A profile, or a policy file outside of the checkout.
    pub policy: Option<String>,
    /// A commit whose policy counts.
    pub policy_ref: Option<String>,
    /// Whether `cargo metadata` is asked.
    pub with_cargo: bool,
    /// A database of advisories.
    pub advisory_db: Option<PathBuf>,
    /// Whether what checks look into is downloaded first.
    pub fetch: bool,
    /// The level from which a finding fails the job.
    pub fail_on: Level,
    /// Whether the job passes whatever the verdict is.
    pub warn_only: bool,
    /// When to comment.
    pub comment: When,
    /// As whom the token writes: comments of others are never changed.
    pub comment_author: String,
    /// Whether findings are shown beside lines.
    pub annotations: bool,
    /// Whether a check run is written.
    pub check_run: bool,
    /// Whether the job summary is written.
    pub summary: bool,
    /// Where SARIF goes.
    pub sarif_file: Option<PathBuf>,
    /// Whether SARIF is uploaded.
    pub sarif_upload: bool,
    /// Which of several runs on one commit it is.
    pub category: String,
    /// Where the JSON report goes.
    pub report_file: Option<PathBuf>,
    /// The artifact that holds the report of another run.
    pub artifact: String,
    /// The token.
    pub token: Option<Token>,
    /// Whether nothing is asked of the API.
    pub offline: bool,
    /// What the release gate is told.
    pub release: Release,
}

/// What the release gate is told.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// The release, by its number.
    pub id: Option<u64>,
    /// Its tag.
    pub tag: Option<String>,
    /// A directory of further attestations.
    pub evidence: Option<PathBuf>,
    /// The signed manifest, in place of the release's.
    pub manifest: Option<PathBuf>,
    /// The verdict that it names.
    pub verdict: Option<PathBuf>,
    /// The signed manifest of the previous release, in place of what lies in published ones.
    pub previous: Option<PathBuf>,
    /// The roles.
    pub roles: Option<PathBuf>,
    /// The digest of a version of the roles that is trusted.
    pub trusted_roles: Option<String>,
    /// The newest revocation that is known.
    pub newest_revocation: Option<String>,
    /// Whether a release that passes is published.
    pub publish: bool,
}

/// A secret, which no format shows.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Keeps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Judge the workspace by its policy.
    Audit,
    /// Ask all that a merge needs.
    GateMerge,
    /// Ask all that a release needs, and publish it.
    GateRelease,
    /// Tell a pull request what another run found.
    Report,
}

/// When a comment is made; one that is there is kept true in any case but `Never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Never, and none is changed.
    Never,
    /// When something is found.
    OnChange,
    /// On every pull request.
    Always,
}

impl Inputs {
    /// Reads the inputs by `variable`, which returns nothing for one that is not set or empty.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] that names the input and what it may be.
    pub fn read(variable: impl Fn(&str) -> Result<Option<String>, Error>) -> Result<Self, Error> {
        let input =
            |name: &str| variable(&format!("WEFT_INPUT_{}", name.replace('-', "_").to_uppercase()));
        let path = |name: &str| Ok::<_, Error>(input(name)?.map(PathBuf::from));
        let flag = |name: &str, default| {
            choice(name, input(name)?, default, &[("true", true), ("false", false)])
        };
        let category = input("category")?.unwrap_or_else(|| "cargo-weft".to_owned());
        plain("category", &category)?;
        let artifact = input("artifact")?.unwrap_or_else(|| "weft-report".to_owned());
        plain("artifact", &artifact)?;
        Ok(Self {
            mode: choice(
                "mode",
                input("mode")?,
                Mode::Audit,
                &[
                    ("audit", Mode::Audit),
                    ("gate-merge", Mode::GateMerge),
                    ("gate-release", Mode::GateRelease),
                    ("report", Mode::Report),
                ],
            )?,
            working_directory: path("working-directory")?.unwrap_or_default(),
            base: input("base")?,
            head: input("head")?,
            policy: input("policy")?,
            policy_ref: input("policy-ref")?,
            with_cargo: choice(
                "precision",
                input("precision")?,
                false,
                &[("lock", false), ("metadata", true)],
            )?,
            advisory_db: path("advisory-db")?,
            fetch: flag("fetch", false)?,
            fail_on: choice(
                "fail-on",
                input("fail-on")?,
                Level::Deny,
                &[("deny", Level::Deny), ("warn", Level::Warn), ("note", Level::Note)],
            )?,
            warn_only: flag("warn-only", false)?,
            comment: choice(
                "comment",
                input("comment")?,
                When::OnChange,
                &[("never", When::Never), ("on-change", When::OnChange), ("always", When::Always)],
            )?,
            comment_author: input("comment-author")?
                .unwrap_or_else(|| "github-actions[bot]".to_owned()),
            annotations: flag("annotations", true)?,
            check_run: flag("check-run", true)?,
            summary: flag("summary", true)?,
            sarif_file: path("sarif-file")?,
            sarif_upload: flag("sarif-upload", false)?,
            category,
            report_file: path("report-file")?,
            artifact,
            token: input("token")?.map(Token),
            offline: flag("offline", false)?,
            release: Release {
                id: input("release-id")?
                    .map(|text| text.parse().map_err(|_| unfit("release-id", &text, "a number")))
                    .transpose()?,
                tag: input("tag")?,
                evidence: path("evidence")?,
                manifest: path("manifest")?,
                verdict: path("verdict")?,
                previous: path("previous")?,
                roles: path("roles")?,
                trusted_roles: input("trusted-roles")?,
                newest_revocation: input("newest-revocation")?,
                publish: flag("publish", false)?,
            },
        })
    }
}

/// Demands a name that is nothing but a name wherever it lands.
fn plain(name: &str, text: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./ ".contains(c);
    match text.len() <= 100 && text.chars().all(fits) {
        true => Ok(()),
        false => Err(unfit(name, text, "letters, digits, `-`, `_`, `.`, `/` and spaces")),
    }
}

fn choice<T: Copy>(
    name: &str,
    text: Option<String>,
    default: T,
    choices: &[(&str, T)],
) -> Result<T, Error> {
    let Some(text) = text else { return Ok(default) };
    let found = choices.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        unfit(name, &text, &format!("one of {}", words.join(", ")))
    })
}

fn unfit(name: &str, text: &str, wanted: &str) -> Error {
    Error::usage(
        format!("the input `{name}` is `{}`", terminal(text)),
        format!("it takes {wanted}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Inputs, Error> {
        Inputs::read(move |asked| Ok((asked == name).then(|| value.to_owned())))
    }

    #[test]
    fn what_is_not_understood_is_not_the_default() {
        for (name, value) in [
            ("WEFT_INPUT_MODE", "Audit"),
            ("WEFT_INPUT_FAIL_ON", "off"),
            ("WEFT_INPUT_WARN_ONLY", "yes"),
            ("WEFT_INPUT_WARN_ONLY", "True"),
            ("WEFT_INPUT_COMMENT", "sometimes"),
            ("WEFT_INPUT_RELEASE_ID", "1x"),
            ("WEFT_INPUT_PRECISION", "sharp"),
            ("WEFT_INPUT_CATEGORY", "a --> b"),
            ("WEFT_INPUT_ARTIFACT", "a\nb"),
        ] {
            assert!(read(name, value).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let inputs = read("WEFT_INPUT_TOKEN", "ghs_secret").unwrap();
        assert!(!format!("{inputs:?}").contains("secret"));
        assert_eq!(inputs.token.unwrap().expose(), "ghs_secret");
    }
}
