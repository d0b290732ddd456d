//! Where a package comes from, as Cargo writes it in lockfiles and metadata.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const CRATES_IO_GIT: &str = "https://github.com/rust-lang/crates.io-index";
const CRATES_IO_SPARSE: &str = "https://index.crates.io/";

/// The origin of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A git repository.
    Git {
        /// The commit that is locked, in hexadecimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// What the manifest asks for.
        reference: GitReference,
        /// The repository, without credentials.
        url: String,
    },
    /// A directory.
    Path {
        /// The path relative to the workspace root, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A registry.
    Registry {
        /// The registry's index; crates.io has one spelling whichever protocol is used.
        url: String,
    },
}

/// What a git dependency asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GitReference {
    /// The tip of a branch.
    Branch(String),
    /// The tip of the default branch.
    DefaultBranch,
    /// A revision.
    Rev(String),
    /// A tag.
    Tag(String),
}

impl Source {
    /// Reads Cargo's spelling, such as `registry+https://…` or `git+https://…?rev=…#commit`.
    ///
    /// User names and passwords in http URLs are dropped: secrets never enter an inventory.
    ///
    /// # Errors
    ///
    /// A message without the text that was read.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| !c.is_ascii_graphic() || c == '\\') {
            return Err("a source is written in visible ASCII, without backslashes".to_owned());
        }
        let (kind, url) = text.split_once('+').unwrap_or((text, ""));
        match kind {
            "registry" | "sparse" if url.contains(['?', '#']) => {
                Err("a registry has no query and no fragment".to_owned())
            }
            "registry" => Ok(Self::registry(url)),
            "sparse" if url == CRATES_IO_SPARSE => Ok(Self::registry(CRATES_IO_GIT)),
            "sparse" => Ok(Self::Registry { url: format!("sparse+{}", without_credentials(url)) }),
            "git" => Self::git(url),
            _ => {
                Err("unknown kind of source: Cargo writes `registry+`, `sparse+` or `git+`"
                    .to_owned())
            }
        }
    }

    fn registry(url: &str) -> Self {
        Self::Registry { url: without_credentials(url) }
    }

    fn git(url: &str) -> Result<Self, String> {
        let (url, commit) = match url.split_once('#') {
            Some((url, commit)) => (url, Some(commit.to_owned())),
            None => (url, None),
        };
        let commit = commit.map(|c| c.to_ascii_lowercase());
        if commit.as_deref().is_some_and(|c| !is_commit(c)) {
            return Err("a commit has 40 or 64 hexadecimal digits".to_owned());
        }
        // What is before `?` is the whole repository, so nothing behind it can pass for its host.
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let query = decoded(query)?;
        let reference = match query.split_once('=') {
            None if query.is_empty() => GitReference::DefaultBranch,
            Some(("branch", name)) => GitReference::Branch(name.to_owned()),
            Some(("tag", name)) => GitReference::Tag(name.to_owned()),
            Some(("rev", name)) => GitReference::Rev(name.to_owned()),
            _ => return Err("a git source asks for `branch`, `tag` or `rev`".to_owned()),
        };
        Ok(Self::Git { commit, reference, url: without_credentials(url) })
    }

    /// Says whether this is crates.io.
    pub fn is_crates_io(&self) -> bool {
        matches!(self, Self::Registry { url } if url == CRATES_IO_GIT)
    }

    /// Says whether this is a directory.
    pub fn is_path(&self) -> bool {
        matches!(self, Self::Path { .. })
    }

    /// Says whether two sources are the same place, whether or not a commit is stated.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Git { commit: a, reference: r, url: u },
                Self::Git { commit: b, reference: s, url: v },
            ) => u == v && r == s && (a == b || a.is_none() || b.is_none()),
            _ => self == other,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry { .. } if self.is_crates_io() => f.write_str("crates.io"),
            Self::Registry { url } => f.write_str(url),
            Self::Git { url, .. } => f.write_str(url),
            Self::Path { path: Some(path) } if path.is_empty() => f.write_str("."),
            Self::Path { path } => f.write_str(path.as_deref().unwrap_or("a local path")),
        }
    }
}

impl fmt::Display for GitReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "branch `{name}`"),
            Self::DefaultBranch => f.write_str("the default branch"),
            Self::Rev(name) => write!(f, "rev `{name}`"),
            Self::Tag(name) => write!(f, "tag `{name}`"),
        }
    }
}

/// Decodes percent-encoding (RFC 3986 §2.1), in which lockfile version 4 writes the names of branches and tags.
fn decoded(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    let text = String::from_utf8(out).map_err(|_| "a name in a source is not UTF-8".to_owned())?;
    match text.chars().any(char::is_control) {
        true => Err("a name in a source holds control characters".to_owned()),
        false => Ok(text),
    }
}

/// Says whether two URLs name one repository to Cargo, which ignores case on GitHub, `.git` and a final `/`.
pub(crate) fn same_repository(a: &str, b: &str) -> bool {
    let canonical = |url: &str| {
        let url = without_credentials(url);
        let url = url.trim_end_matches('/');
        let url = url.strip_suffix(".git").unwrap_or(url);
        let after_scheme = url.find("://").map_or(0, |colon| colon + "://".len());
        let path = url[after_scheme..].find('/').map_or(url.len(), |slash| after_scheme + slash);
        let (host, path) = (url[..path].to_ascii_lowercase(), &url[path..]);
        match host.ends_with("//github.com") || host.ends_with("@github.com") {
            true => host + &path.to_ascii_lowercase(),
            false => host + path,
        }
    };
    canonical(a) == canonical(b)
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `ssh://git@host/…` keeps its user, which is no secret; an http user name may be a token.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let Some((user, host)) = authority.rsplit_once('@') else { return url.to_owned() };
    match user.split_once(':') {
        None if !scheme.starts_with("http") => url.to_owned(),
        Some((name, _)) if !scheme.starts_with("http") => format!("{scheme}://{name}@{host}{path}"),
        _ => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_io_is_one_registry_over_either_protocol() {
        let git = Source::parse("registry+https://github.com/rust-lang/crates.io-index").unwrap();
        assert_eq!(Source::parse("sparse+https://index.crates.io/"), Ok(git.clone()));
        assert!(git.is_crates_io());
        let lookalike = Source::parse("registry+https://github.com/rust-lang/crates.io-index/");
        assert!(!lookalike.unwrap().is_crates_io());
    }

    #[test]
    fn credentials_are_dropped() {
        for (url, expected) in [
            ("https://user:token@host/x", "https://host/x"),
            ("https://token@host/x", "https://host/x"),
            ("https://a@b@host", "https://host"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("ssh://git:secret@host/x", "ssh://git@host/x"),
            ("https://host/@scope", "https://host/@scope"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }

    #[test]
    fn a_git_source_states_what_it_asks_for() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let parsed = Source::parse(&format!("git+https://h/r?rev=0123456#{commit}")).unwrap();
        let Source::Git { commit: found, reference, url } = parsed else { panic!("not git") };
        assert_eq!((found.as_deref(), &*url), (Some(commit), "https://h/r"));
        assert_eq!(reference, GitReference::Rev("0123456".to_owned()));
        let encoded = Source::parse(&format!("git+https://h/r?branch=feat%2Fx%25#{commit}"));
        assert_eq!(encoded, Source::parse(&format!("git+https://h/r?branch=feat/x%#{commit}")));
        assert!(Source::parse(&format!("git+https://h/r?branch=x%1b#{commit}")).is_err());
        for bad in [
            "registry+https://evil.example?@github.com/rust-lang/crates.io-index",
            "registry+https://evil.example#@github.com/rust-lang/crates.io-index",
            "git+https://evil.example\\@github.com/org/repo",
            "git+https://h/r?x=1",
            "git+https://h/r#xyz",
            "git+h r",
            "path+file:///x",
            "x",
        ] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }
}
