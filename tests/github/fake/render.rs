//! The fake's answers in JSON, with every member that GitHub's contract requires.

use serde_json::{Map, Value, json};

use super::world::{
    Artifact, Asset, BOT, Check, Comment, Commit, Pull, Release, Repository, Run, Sarif, Status,
    Tag, base64, blob,
};

const THEN: &str = "2026-01-01T00:00:00Z";

/// Where the answers' URLs lead: to one repository of one API.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) api: String,
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) is_private: bool,
}

impl Place {
    fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.api, self.name)
    }

    fn html(&self, path: &str) -> String {
        format!("https://github.com/{}{path}", self.name)
    }

    fn of(&self, name: &str, id: u64) -> Self {
        Self { name: name.to_owned(), id, ..self.clone() }
    }

    fn owner(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Returns a user, whose type shows in the login.
    pub(crate) fn user(&self, login: &str) -> Value {
        let url = format!("{}/users/{}", self.api, login.replace('[', "%5B").replace(']', "%5D"));
        let is_bot = login.ends_with("[bot]");
        let id = if login == BOT { 41_898_282 } else { 1000 + login.len() };
        let mut user = json!({
            "login": login,
            "id": id,
            "node_id": "U_1",
            "gravatar_id": "",
            "type": if is_bot { "Bot" } else { "User" },
            "site_admin": false,
            "url": url,
            "avatar_url": "https://avatars.githubusercontent.com/u/1",
            "html_url": format!("https://github.com/{}", login.trim_end_matches("[bot]")),
        });
        for member in [
            "events",
            "followers",
            "following",
            "gists",
            "organizations",
            "received_events",
            "repos",
            "starred",
            "subscriptions",
        ] {
            user[format!("{member}_url")] = json!(format!("{url}/{member}"));
        }
        user
    }

    /// Returns the repository itself.
    pub(crate) fn repository(&self, is_fork: bool) -> Value {
        let mut repository = json!({
            "id": self.id,
            "node_id": "R_1",
            "name": self.name.split('/').next_back(),
            "full_name": self.name,
            "owner": self.user(self.owner()),
            "private": self.is_private,
            "fork": is_fork,
            "url": self.url(""),
            "html_url": self.html(""),
            "clone_url": self.html(".git"),
            "git_url": self.html(".git"),
            "ssh_url": format!("git@github.com:{}.git", self.name),
            "svn_url": self.html(""),
            "default_branch": "main",
            "visibility": if self.is_private { "private" } else { "public" },
            "created_at": THEN,
            "updated_at": THEN,
            "pushed_at": THEN,
        });
        for member in [
            "archive",
            "assignees",
            "blobs",
            "branches",
            "collaborators",
            "comments",
            "commits",
            "compare",
            "contents",
            "contributors",
            "deployments",
            "downloads",
            "events",
            "forks",
            "git_commits",
            "git_refs",
            "git_tags",
            "hooks",
            "issue_comment",
            "issue_events",
            "issues",
            "keys",
            "labels",
            "languages",
            "merges",
            "milestones",
            "notifications",
            "pulls",
            "releases",
            "stargazers",
            "statuses",
            "subscribers",
            "subscription",
            "tags",
            "teams",
            "trees",
        ] {
            repository[format!("{member}_url")] = json!(self.url(&format!("/{member}")));
        }
        for member in ["description", "homepage", "language", "mirror_url", "license"] {
            repository[member] = Value::Null;
        }
        for member in [
            "has_issues",
            "has_projects",
            "has_wiki",
            "has_pages",
            "has_discussions",
            "has_downloads",
            "archived",
            "disabled",
        ] {
            repository[member] = json!(member == "has_issues");
        }
        for member in [
            "forks",
            "forks_count",
            "open_issues",
            "open_issues_count",
            "size",
            "stargazers_count",
            "watchers",
            "watchers_count",
            "network_count",
            "subscribers_count",
        ] {
            repository[member] = json!(0);
        }
        repository
    }

    /// Returns a pull request, with what only its own page says if `is_whole`.
    pub(crate) fn pull(&self, number: u64, pull: &Pull, is_whole: bool) -> Value {
        let url = self.url(&format!("/pulls/{number}"));
        let html = self.html(&format!("/pull/{number}"));
        let issue = self.url(&format!("/issues/{number}"));
        let statuses = self.url(&format!("/statuses/{}", pull.head_sha));
        let head = pull.head_repository.as_ref().map(|(name, id)| self.of(name, *id));
        let head_owner = head.as_ref().map_or("unknown", Self::owner).to_owned();
        let link = |href: String| json!({ "href": href });
        let mut answer = json!({
            "id": 900_000 + number,
            "node_id": "PR_1",
            "number": number,
            "state": if pull.is_open { "open" } else { "closed" },
            "locked": false,
            "title": pull.title,
            "user": self.user(&pull.author),
            "body": null,
            "labels": [],
            "url": url,
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "comments_url": format!("{issue}/comments"),
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": self.url("/pulls/comments{/number}"),
            "statuses_url": statuses,
            "created_at": THEN,
            "updated_at": THEN,
            "author_association": "CONTRIBUTOR",
            "draft": false,
            "head": {
                "label": format!("{head_owner}:{}", pull.head_ref),
                "ref": pull.head_ref,
                "sha": pull.head_sha,
                "user": self.user(&head_owner),
                "repo": head.map(|head| head.repository(head.name != self.name)),
            },
            "base": {
                "label": format!("{}:{}", self.owner(), pull.base_ref),
                "ref": pull.base_ref,
                "sha": pull.base_sha,
                "user": self.user(self.owner()),
                "repo": self.repository(false),
            },
            "_links": {
                "self": link(url.clone()),
                "html": link(html),
                "issue": link(issue.clone()),
                "comments": link(format!("{issue}/comments")),
                "review_comments": link(format!("{url}/comments")),
                "review_comment": link(self.url("/pulls/comments{/number}")),
                "commits": link(format!("{url}/commits")),
                "statuses": link(statuses),
            },
        });
        for member in
            ["assignee", "closed_at", "merge_commit_sha", "merged_at", "milestone", "auto_merge"]
        {
            answer[member] = Value::Null;
        }
        if is_whole {
            for member in [
                "additions",
                "changed_files",
                "comments",
                "commits",
                "deletions",
                "review_comments",
            ] {
                answer[member] = json!(1);
            }
            answer["mergeable"] = json!(true);
            answer["mergeable_state"] = json!("clean");
            answer["merged"] = json!(false);
            answer["maintainer_can_modify"] = json!(false);
            answer["merged_by"] = Value::Null;
        }
        answer
    }

    /// Returns a comment.
    pub(crate) fn comment(&self, id: u64, comment: &Comment) -> Value {
        json!({
            "id": id,
            "node_id": "IC_1",
            "url": self.url(&format!("/issues/comments/{id}")),
            "html_url": self.html(&format!("/pull/{}#issuecomment-{id}", comment.issue)),
            "issue_url": self.url(&format!("/issues/{}", comment.issue)),
            "user": self.user(&comment.author),
            "body": comment.body,
            "created_at": comment.created,
            "updated_at": comment.updated,
            "author_association": "CONTRIBUTOR",
            "performed_via_github_app": null,
        })
    }

    /// Returns a check run.
    pub(crate) fn check(&self, id: u64, check: &Check) -> Value {
        let member = |name: &str| check.members.get(name).cloned().unwrap_or_default();
        let output = member("output");
        let html = self.html(&format!("/runs/{id}"));
        let details = member("details_url");
        json!({
            "id": id,
            "node_id": "CR_1",
            "name": member("name"),
            "head_sha": check.head_sha,
            "external_id": member("external_id").as_str().unwrap_or_default(),
            "url": self.url(&format!("/check-runs/{id}")),
            "html_url": html,
            "details_url": if details.is_null() { json!(html) } else { details },
            "status": member("status"),
            "conclusion": member("conclusion"),
            "started_at": check.created,
            "completed_at": member("completed_at"),
            "check_suite": { "id": 5 },
            "output": {
                "title": output["title"],
                "summary": output["summary"],
                "text": output["text"],
                "annotations_count": check.annotations.len(),
                "annotations_url": self.url(&format!("/check-runs/{id}/annotations")),
            },
            "app": {
                "id": 15_368,
                "slug": check.app.trim_end_matches("[bot]"),
                "node_id": "A_1",
                "client_id": "Iv1.1",
                "owner": self.user("github"),
                "name": "GitHub Actions",
                "description": "Automate your workflow",
                "external_url": "https://help.github.com/en/actions",
                "html_url": "https://github.com/apps/github-actions",
                "created_at": THEN,
                "updated_at": THEN,
                "permissions": { "checks": "write" },
                "events": [],
            },
            "pull_requests": [],
        })
    }

    /// Returns a commit's status, with its creator if it stands alone.
    pub(crate) fn status(&self, status: &Status, is_whole: bool) -> Value {
        let mut answer = json!({
            "id": status.id,
            "node_id": "SC_1",
            "url": self.url(&format!("/statuses/{}", status.sha)),
            "avatar_url": "https://avatars.githubusercontent.com/u/1",
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": null,
            "created_at": THEN,
            "updated_at": THEN,
        });
        if is_whole {
            answer["creator"] = self.user(BOT);
        }
        answer
    }

    /// Returns what a commit's statuses come to.
    pub(crate) fn combined(&self, sha: &str, state: &str, statuses: Vec<Value>) -> Value {
        json!({
            "sha": sha,
            "state": state,
            "total_count": statuses.len(),
            "statuses": statuses,
            "repository": self.repository(false),
            "url": self.url(&format!("/commits/{sha}/status")),
            "commit_url": self.url(&format!("/commits/{sha}")),
        })
    }

    /// Returns what became of a SARIF file.
    pub(crate) fn sarif(&self, id: &str, sarif: &Sarif) -> Value {
        let analyses = self.url(&format!("/code-scanning/analyses?sarif_id={id}"));
        if sarif.delay > 0 {
            return json!({ "processing_status": "pending" });
        }
        if !sarif.errors.is_empty() {
            return json!({ "processing_status": "failed", "errors": sarif.errors });
        }
        json!({ "processing_status": "complete", "analyses_url": analyses, "errors": null })
    }

    /// Returns the analyses in a SARIF file, one for each run.
    pub(crate) fn analyses(&self, sarif_id: &str, sarif: &Sarif) -> Vec<Value> {
        let runs = sarif.content["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        let first: u64 = sarif_id.rsplit('-').next().and_then(|id| id.parse().ok()).unwrap();
        let analysis = |(at, run): (u64, &Value)| {
            let id = first * 100 + at;
            let driver = &run["tool"]["driver"];
            let category = run["automationDetails"]["id"].as_str().unwrap_or_default();
            json!({
                "id": id,
                "ref": sarif.git_ref,
                "commit_sha": sarif.commit_sha,
                "analysis_key": category,
                "category": category,
                "environment": "{}",
                "error": "",
                "warning": "",
                "created_at": sarif.created,
                "results_count": count(&run["results"]),
                "rules_count": count(&driver["rules"]),
                "url": self.url(&format!("/code-scanning/analyses/{id}")),
                "sarif_id": sarif_id,
                "tool": { "name": driver["name"], "guid": null, "version": driver["version"] },
                "deletable": true,
            })
        };
        (0..).zip(runs).map(analysis).collect()
    }

    /// Returns a release with its assets.
    pub(crate) fn release(&self, id: u64, release: &Release) -> Value {
        let url = self.url(&format!("/releases/{id}"));
        let archive = |kind: &str| {
            release.published.as_ref().map(|_| self.url(&format!("/{kind}/{}", release.tag_name)))
        };
        let assets = release.assets.iter();
        let assets = assets.map(|(id, asset)| self.asset(*id, asset, &release.tag_name));
        json!({
            "id": id,
            "node_id": "RE_1",
            "url": url,
            "html_url": self.html(&format!("/releases/tag/{}", release.tag_name)),
            "assets_url": format!("{url}/assets"),
            "upload_url": format!("{url}/assets{{?name,label}}"),
            "tarball_url": archive("tarball"),
            "zipball_url": archive("zipball"),
            "tag_name": release.tag_name,
            "target_commitish": release.target_commitish,
            "name": release.name,
            "body": release.body,
            "draft": release.is_draft,
            "prerelease": release.is_prerelease,
            "immutable": release.is_immutable,
            "created_at": THEN,
            "published_at": release.published,
            "author": self.user(BOT),
            "assets": assets.collect::<Vec<_>>(),
        })
    }

    /// Returns what is said of an asset.
    pub(crate) fn asset(&self, id: u64, asset: &Asset, tag: &str) -> Value {
        json!({
            "id": id,
            "node_id": "RA_1",
            "url": self.url(&format!("/releases/assets/{id}")),
            "browser_download_url": self.html(&format!("/releases/download/{tag}/{}", asset.name)),
            "name": asset.name,
            "label": null,
            "state": "uploaded",
            "content_type": "application/octet-stream",
            "size": asset.bytes.len(),
            "digest": asset.digest,
            "download_count": 0,
            "created_at": THEN,
            "updated_at": THEN,
            "uploader": self.user(BOT),
        })
    }

    /// Returns what a name leads to.
    pub(crate) fn reference(&self, name: &str, kind: &str, sha: &str) -> Value {
        json!({
            "ref": name,
            "node_id": "REF_1",
            "url": self.url(&format!("/git/{name}")),
            "object": { "type": kind, "sha": sha, "url": self.url(&format!("/git/{kind}s/{sha}")) },
        })
    }

    /// Returns an annotated tag.
    pub(crate) fn tag(&self, sha: &str, tag: &Tag) -> Value {
        json!({
            "node_id": "TA_1",
            "sha": sha,
            "url": self.url(&format!("/git/tags/{sha}")),
            "tag": tag.name,
            "message": tag.name,
            "tagger": { "date": THEN, "email": "octocat@example.com", "name": "octocat" },
            "object": {
                "sha": tag.commit,
                "type": "commit",
                "url": self.url(&format!("/git/commits/{}", tag.commit)),
            },
            "verification": unsigned(),
        })
    }

    /// Returns a commit as git data.
    pub(crate) fn commit(&self, sha: &str, commit: &Commit) -> Value {
        let person = json!({ "date": THEN, "email": "octocat@example.com", "name": "octocat" });
        let parent = |sha: &String| {
            json!({
                "sha": sha,
                "url": self.url(&format!("/git/commits/{sha}")),
                "html_url": self.html(&format!("/commit/{sha}")),
            })
        };
        json!({
            "sha": sha,
            "node_id": "C_1",
            "url": self.url(&format!("/git/commits/{sha}")),
            "html_url": self.html(&format!("/commit/{sha}")),
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": { "sha": commit.tree, "url": self.url(&format!("/git/trees/{}", commit.tree)) },
            "parents": commit.parents.iter().map(parent).collect::<Vec<_>>(),
            "verification": unsigned(),
        })
    }

    /// Returns a commit as the repository's page shows it.
    pub(crate) fn whole_commit(&self, sha: &str, commit: &Commit) -> Value {
        let git = self.commit(sha, commit);
        let url = self.url(&format!("/commits/{sha}"));
        json!({
            "sha": sha,
            "node_id": "C_1",
            "url": url,
            "html_url": git["html_url"],
            "comments_url": format!("{url}/comments"),
            "commit": {
                "author": git["author"],
                "committer": git["committer"],
                "message": git["message"],
                "tree": git["tree"],
                "url": git["url"],
                "comment_count": 0,
                "verification": git["verification"],
            },
            "author": self.user("octocat"),
            "committer": self.user("octocat"),
            "parents": git["parents"],
        })
    }

    /// Returns a folder as an entry of another.
    pub(crate) fn folder(&self, path: &str, git_ref: &str) -> Value {
        let sha = blob(path.as_bytes());
        let url = self.url(&format!("/contents/{path}?ref={git_ref}"));
        let git = self.url(&format!("/git/trees/{sha}"));
        let html = self.html(&format!("/tree/{git_ref}/{path}"));
        json!({
            "type": "dir",
            "name": path.rsplit('/').next(),
            "path": path,
            "sha": sha,
            "size": 0,
            "url": url,
            "git_url": git,
            "html_url": html,
            "download_url": null,
            "_links": { "self": url, "git": git, "html": html },
        })
    }

    /// Returns a file with its content, or an entry of a directory without.
    pub(crate) fn file(&self, path: &str, bytes: &[u8], git_ref: &str, is_whole: bool) -> Value {
        let sha = blob(bytes);
        let url = self.url(&format!("/contents/{path}?ref={git_ref}"));
        let git = self.url(&format!("/git/blobs/{sha}"));
        let html = self.html(&format!("/blob/{git_ref}/{path}"));
        let mut file = json!({
            "type": "file",
            "name": path.rsplit('/').next(),
            "path": path,
            "sha": sha,
            "size": bytes.len(),
            "url": url,
            "git_url": git,
            "html_url": html,
            "download_url": null,
            "_links": { "self": url, "git": git, "html": html },
        });
        if is_whole {
            // The API leaves the content of larger files out.
            let is_small = bytes.len() <= 1 << 20;
            file["content"] = json!(if is_small { base64(bytes) } else { String::new() });
            file["encoding"] = json!(if is_small { "base64" } else { "none" });
        }
        file
    }

    /// Returns a run of a workflow.
    pub(crate) fn run(&self, id: u64, run: &Run, repository: &Repository) -> Value {
        let url = self.url(&format!("/actions/runs/{id}"));
        let own = repository.pulls.iter().filter(|(_, pull)| {
            run.head_repository.1 == self.id && pull.is_open && pull.head_sha == run.head_sha
        });
        let name = self.name.split('/').next_back();
        let repo = json!({ "id": self.id, "url": self.url(""), "name": name });
        let side = |name: &str, sha: &str| json!({ "ref": name, "sha": sha, "repo": repo });
        let pulls = own.map(|(number, pull)| {
            json!({
                "id": 900_000 + number,
                "number": number,
                "url": self.url(&format!("/pulls/{number}")),
                "head": side(&pull.head_ref, &pull.head_sha),
                "base": side(&pull.base_ref, &pull.base_sha),
            })
        });
        let head = self.of(&run.head_repository.0, run.head_repository.1);
        let mut answer = json!({
            "id": id,
            "node_id": "WFR_1",
            "name": "weft",
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
            "path": run.path,
            "run_number": 1,
            "run_attempt": 1,
            "display_title": "weft",
            "event": run.event,
            "status": "completed",
            "conclusion": run.conclusion,
            "workflow_id": 7,
            "check_suite_id": 5,
            "url": url,
            "html_url": self.html(&format!("/actions/runs/{id}")),
            "pull_requests": pulls.collect::<Vec<_>>(),
            "created_at": THEN,
            "updated_at": THEN,
            "head_commit": {
                "id": run.head_sha,
                "tree_id": blob(run.head_sha.as_bytes()),
                "message": "A change",
                "timestamp": THEN,
                "author": { "name": "octocat", "email": "octocat@example.com" },
                "committer": { "name": "octocat", "email": "octocat@example.com" },
            },
            "repository": self.repository(false),
            "head_repository": head.repository(head.name != self.name),
        });
        for member in ["jobs", "logs", "check_suite", "cancel", "rerun", "artifacts", "workflow"] {
            answer[format!("{member}_url")] = json!(format!("{url}/{member}"));
        }
        answer
    }

    /// Returns what is said of an artifact.
    pub(crate) fn artifact(&self, id: u64, artifact: &Artifact, run: &Run) -> Value {
        let url = self.url(&format!("/actions/artifacts/{id}"));
        json!({
            "id": id,
            "node_id": "AR_1",
            "name": artifact.name,
            "size_in_bytes": artifact.zip.len(),
            "url": url,
            "archive_download_url": format!("{url}/zip"),
            "expired": artifact.is_expired,
            "digest": format!("sha256:{}", weft_verify::Sha256::of(&artifact.zip)),
            "created_at": THEN,
            "updated_at": THEN,
            "expires_at": "2027-01-01T00:00:00Z",
            "workflow_run": {
                "id": artifact.run,
                "repository_id": self.id,
                "head_repository_id": run.head_repository.1,
                "head_branch": run.head_branch,
                "head_sha": run.head_sha,
            },
        })
    }
}

fn unsigned() -> Value {
    let none = Value::Null;
    json!({
        "verified": false,
        "reason": "unsigned",
        "signature": none,
        "payload": none,
        "verified_at": none,
    })
}

/// Returns what is left of the hour.
pub(crate) fn limits(spent: u64) -> Value {
    let limit = json!({
        "limit": 1000,
        "used": spent,
        "remaining": 1000_u64.saturating_sub(spent),
        "reset": 1_795_003_600,
    });
    let resources = Map::from_iter(["core", "search"].map(|name| (name.to_owned(), limit.clone())));
    json!({ "resources": resources, "rate": limit })
}
