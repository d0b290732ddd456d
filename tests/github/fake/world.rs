//! What the fake knows: repositories and what is in them, users, and tokens with what they may do.
//!
//! Tests fill it, look at it and change it while a run is under way.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding};
use serde_json::Value;
use sha1_checked::Digest as _;

/// The author of what the workflow's own token writes.
pub(crate) const BOT: &str = "github-actions[bot]";

/// All that one GitHub knows.
#[derive(Default)]
pub(crate) struct World {
    /// Repositories by `owner/name`.
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Requests that are left of the hour's 1,000.
    pub(crate) spent: u64,
    seconds: i64,
    last_id: u64,
}

/// What somebody holds who presents a token.
pub(crate) struct Token {
    pub(crate) actor: String,
    pub(crate) repository: String,
    /// `read` or `write` by the name that a workflow's `permissions` use.
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) is_revoked: bool,
}

#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) is_private: bool,
    /// Whether publishing a release seals it.
    pub(crate) seals_releases: bool,
    /// How often a new SARIF file is still being looked at when somebody asks.
    pub(crate) sarif_delay: u32,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) comments: BTreeMap<u64, Comment>,
    pub(crate) checks: BTreeMap<u64, Check>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) sarifs: BTreeMap<String, Sarif>,
    pub(crate) releases: BTreeMap<u64, Release>,
    /// The type and the id of what a name like `refs/tags/v1` leads to.
    pub(crate) refs: BTreeMap<String, (String, String)>,
    /// Annotated tags by their own id.
    pub(crate) tags: BTreeMap<String, Tag>,
    pub(crate) commits: BTreeMap<String, Commit>,
    /// Sigstore bundles by `sha256:…`.
    pub(crate) attestations: BTreeMap<String, Vec<Value>>,
    pub(crate) runs: BTreeMap<u64, Run>,
    pub(crate) artifacts: BTreeMap<u64, Artifact>,
}

#[derive(Clone)]
pub(crate) struct Pull {
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) is_open: bool,
    pub(crate) head_sha: String,
    pub(crate) head_ref: String,
    /// The name and the id of the head's repository, unless it was deleted.
    pub(crate) head_repository: Option<(String, u64)>,
    pub(crate) base_sha: String,
    pub(crate) base_ref: String,
}

#[derive(Clone)]
pub(crate) struct Comment {
    pub(crate) issue: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) created: String,
    pub(crate) updated: String,
}

#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) app: String,
    pub(crate) head_sha: String,
    /// The request's other members, the latest of each.
    pub(crate) members: BTreeMap<String, Value>,
    pub(crate) annotations: Vec<Value>,
    pub(crate) created: String,
}

pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) state: String,
    pub(crate) context: String,
    pub(crate) description: Option<String>,
}

pub(crate) struct Sarif {
    pub(crate) commit_sha: String,
    pub(crate) git_ref: String,
    /// The file, unpacked.
    pub(crate) content: Value,
    /// Why it shows nowhere, if it was taken but not understood.
    pub(crate) errors: Vec<String>,
    pub(crate) delay: u32,
    pub(crate) created: String,
}

#[derive(Clone)]
pub(crate) struct Release {
    pub(crate) tag_name: String,
    pub(crate) target_commitish: String,
    pub(crate) name: String,
    pub(crate) body: String,
    pub(crate) is_draft: bool,
    pub(crate) is_prerelease: bool,
    pub(crate) is_immutable: bool,
    pub(crate) published: Option<String>,
    pub(crate) assets: BTreeMap<u64, Asset>,
}

#[derive(Clone)]
pub(crate) struct Asset {
    pub(crate) name: String,
    /// What the API says of the asset, which need not be what storage serves.
    pub(crate) digest: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) commit: String,
}

#[derive(Clone, Default)]
pub(crate) struct Commit {
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) message: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) event: String,
    pub(crate) head_branch: String,
    pub(crate) head_sha: String,
    pub(crate) head_repository: (String, u64),
    pub(crate) path: String,
    pub(crate) conclusion: String,
}

#[derive(Clone)]
pub(crate) struct Artifact {
    pub(crate) run: u64,
    pub(crate) name: String,
    pub(crate) is_expired: bool,
    pub(crate) zip: Vec<u8>,
}

impl World {
    /// Makes a world of one public repository and one token of its workflow.
    pub(crate) fn of(repository: &str, token: &str, permissions: &[(&str, &str)]) -> Self {
        let mut world = Self::default();
        world
            .repositories
            .insert(repository.to_owned(), Repository { id: 4242, ..Repository::default() });
        world.grant(token, BOT, repository, permissions);
        world
    }

    /// Gives `actor` a token.
    pub(crate) fn grant(
        &mut self,
        token: &str,
        actor: &str,
        repository: &str,
        permissions: &[(&str, &str)],
    ) {
        let permissions = permissions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let token_of = Token {
            actor: actor.to_owned(),
            repository: repository.to_owned(),
            permissions: permissions.collect(),
            is_revoked: false,
        };
        self.tokens.insert(token.to_owned(), token_of);
    }

    /// Lets a token write nothing, as for a pull request from a fork or by Dependabot.
    pub(crate) fn make_read_only(&mut self, token: &str) {
        let permissions = &mut self.tokens.get_mut(token).unwrap().permissions;
        permissions.values_mut().for_each(|access| "read".clone_into(access));
    }

    /// Ends a token's life.
    pub(crate) fn revoke(&mut self, token: &str) {
        self.tokens.get_mut(token).unwrap().is_revoked = true;
    }

    /// Returns the repository `owner/name`.
    pub(crate) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.get_mut(name).unwrap()
    }

    /// Adds a comment, as a person would write it on the page, and returns its id.
    pub(crate) fn comment(
        &mut self,
        repository: &str,
        issue: u64,
        author: &str,
        body: &str,
    ) -> u64 {
        let (id, now) = (self.fresh(), self.now());
        let comment = Comment {
            issue,
            author: author.to_owned(),
            body: body.to_owned(),
            created: now.clone(),
            updated: now,
        };
        self.repository(repository).comments.insert(id, comment);
        id
    }

    /// Adds a draft with assets of these names and bytes, and returns its id.
    pub(crate) fn draft(
        &mut self,
        repository: &str,
        tag: &str,
        target: &str,
        assets: &[(&str, &[u8])],
    ) -> u64 {
        let id = self.fresh();
        let release = Release {
            tag_name: tag.to_owned(),
            target_commitish: target.to_owned(),
            name: tag.to_owned(),
            body: String::new(),
            is_draft: true,
            is_prerelease: false,
            is_immutable: false,
            published: None,
            assets: BTreeMap::new(),
        };
        self.repository(repository).releases.insert(id, release);
        for (name, bytes) in assets {
            self.asset(repository, id, name, bytes);
        }
        id
    }

    /// Adds an asset to a release, and returns its id.
    pub(crate) fn asset(
        &mut self,
        repository: &str,
        release: u64,
        name: &str,
        bytes: &[u8],
    ) -> u64 {
        let id = self.fresh();
        let asset = Asset::new(name, bytes);
        let release = self.repository(repository).releases.get_mut(&release).unwrap();
        release.assets.insert(id, asset);
        id
    }

    /// Adds a finished run with one artifact, and returns the ids of both.
    pub(crate) fn run(
        &mut self,
        repository: &str,
        run: Run,
        artifact: &str,
        zip: &[u8],
    ) -> (u64, u64) {
        let (id, artifact_id) = (self.fresh(), self.fresh());
        let artifact =
            Artifact { run: id, name: artifact.to_owned(), is_expired: false, zip: zip.to_vec() };
        let repository = self.repository(repository);
        repository.runs.insert(id, run);
        repository.artifacts.insert(artifact_id, artifact);
        (id, artifact_id)
    }

    /// Returns an id that nothing has yet.
    pub(crate) fn fresh(&mut self) -> u64 {
        self.last_id += 1;
        1000 + self.last_id
    }

    /// Returns the world's time, a second later at each call.
    pub(crate) fn now(&mut self) -> String {
        self.seconds += 1;
        jiff::Timestamp::from_second(1_795_000_000 + self.seconds).unwrap().to_string()
    }
}

impl Sarif {
    /// Whether it was looked at and its results are shown.
    pub(crate) fn is_complete(&self) -> bool {
        self.delay == 0 && self.errors.is_empty()
    }
}

impl Asset {
    /// Makes an asset of which the API says the truth.
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let digest = Some(format!("sha256:{}", weft_verify::Sha256::of(bytes)));
        Self { name: name.to_owned(), digest, bytes: bytes.to_vec() }
    }
}

impl Repository {
    /// Opens a pull request from a branch of the same repository.
    pub(crate) fn open(&mut self, name: &str, number: u64, head_sha: &str, base_sha: &str) {
        let pull = Pull {
            title: format!("Change {number}"),
            author: "octocat".to_owned(),
            is_open: true,
            head_sha: head_sha.to_owned(),
            head_ref: format!("change-{number}"),
            head_repository: Some((name.to_owned(), self.id)),
            base_sha: base_sha.to_owned(),
            base_ref: "main".to_owned(),
        };
        self.pulls.insert(number, pull);
    }

    /// Adds a commit with these files.
    pub(crate) fn commit(&mut self, sha: &str, parents: &[&str], files: &[(&str, &[u8])]) {
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
        let commit = Commit {
            tree: blob(sha.as_bytes()),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
            message: "A change".to_owned(),
            files: files.collect(),
        };
        self.commits.insert(sha.to_owned(), commit);
    }

    /// Lets a name like `refs/tags/v1` lead to a commit.
    pub(crate) fn point(&mut self, name: &str, commit: &str) {
        self.refs.insert(name.to_owned(), ("commit".to_owned(), commit.to_owned()));
    }

    /// Lets a name like `refs/tags/v1` lead to a commit through an annotated tag of this id.
    pub(crate) fn annotate(&mut self, name: &str, tag: &str, commit: &str) {
        self.refs.insert(name.to_owned(), ("tag".to_owned(), tag.to_owned()));
        let short = name.rsplit('/').next().unwrap().to_owned();
        self.tags.insert(tag.to_owned(), Tag { name: short, commit: commit.to_owned() });
    }

    /// Returns the commit that a branch, a tag or an id names.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        let names = [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")];
        match names.iter().find_map(|name| self.refs.get(name)) {
            Some((kind, id)) if kind == "tag" => Some(self.tags.get(id)?.commit.clone()),
            Some((_, id)) => Some(id.clone()),
            None => self.shas().contains(name).then(|| name.to_owned()),
        }
    }

    fn shas(&self) -> BTreeSet<&str> {
        let pulls = self.pulls.values().flat_map(|pull| [&*pull.head_sha, &*pull.base_sha]);
        self.commits.keys().map(String::as_str).chain(pulls).collect()
    }
}

/// Returns git's id of a blob.
pub(crate) fn blob(bytes: &[u8]) -> String {
    let mut sha1 = sha1_checked::Sha1::new();
    sha1.update(format!("blob {}\0", bytes.len()));
    sha1.update(bytes);
    sha1.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns base64 as the contents API writes it.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let text = Base64::encode_string(bytes);
    let lines = text.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line) + "\n");
    lines.collect()
}
