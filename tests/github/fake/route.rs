//! The endpoints: who may ask, what is refused, what changes, and what is answered.
//!
//! Stricter than GitHub only where artifacts and attestations need their scope although the
//! repository is public.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::render::{Place, limits};
use super::rule;
use super::world::{Check, Comment, Release, Repository, Sarif, Status, World};

const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// A request, as far as the endpoints care.
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path's segments, decoded, without `/api/v3`.
    pub(crate) path: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    /// The query as it was written, for links to other pages.
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) accept: String,
    pub(crate) has_agent: bool,
    pub(crate) body: Option<Value>,
    pub(crate) api: String,
    pub(crate) storage: String,
}

/// An answer, before it meets a fault.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
    /// The body if it is not JSON.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) is_unknown: bool,
}

type Answered = Result<Answer, Answer>;

/// Answers one request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let is_free = request.path == ["rate_limit"];
    let mut answer = if world.spent >= 1000 && !is_free {
        refusal(403, "API rate limit exceeded for installation.")
    } else {
        world.spent += u64::from(!is_free);
        endpoint(world, request).unwrap_or_else(|refused| refused)
    };
    let left = 1000_u64.saturating_sub(world.spent);
    answer.headers.extend([
        ("x-ratelimit-limit", "1000".to_owned()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-used", world.spent.to_string()),
        ("x-ratelimit-reset", "1795003600".to_owned()),
        ("x-ratelimit-resource", "core".to_owned()),
        ("x-github-request-id", format!("FAKE:{}", world.spent)),
    ]);
    answer
}

fn endpoint(world: &mut World, request: &Request) -> Answered {
    if !request.has_agent {
        return Err(refusal(403, "Request forbidden by administrative rules."));
    }
    let token = request.token.as_ref().and_then(|token| world.tokens.get(token));
    let token = token.filter(|token| !token.is_revoked);
    let token = token.ok_or_else(|| refusal(401, "Bad credentials"))?;
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let (owner, name, rest) = match path.as_slice() {
        ["rate_limit"] if request.method == "GET" => return Ok(ok(limits(world.spent))),
        // Who the workflow's token belongs to is no user, and it is not the app's own key.
        ["user"] => return Err(forbidden()),
        ["app"] | ["repos", _, _, "installation"] => {
            return Err(refusal(401, "A JSON web token could not be decoded"));
        }
        ["repos", owner, name, rest @ ..] => (owner, name, rest),
        _ => return Err(unknown()),
    };
    let full = format!("{owner}/{name}");
    let repository = world.repositories.get(&full).ok_or_else(missing)?;
    let is_own = token.repository == full;
    if repository.is_private && !is_own {
        return Err(missing());
    }
    let place = Place {
        api: request.api.clone(),
        name: full.clone(),
        id: repository.id,
        is_private: repository.is_private,
    };
    let caller = Caller {
        actor: token.actor.clone(),
        permissions: if is_own { token.permissions.clone() } else { BTreeMap::new() },
        sees_all: !repository.is_private,
    };
    let desk = Desk { request, place, caller, full };
    match request.method.as_str() {
        "GET" => desk.read(world.repository(&desk.full), rest),
        "POST" | "PATCH" => desk.write(world, rest),
        "DELETE" => desk.delete(world, rest),
        _ => Err(unknown()),
    }
}

struct Caller {
    actor: String,
    permissions: BTreeMap<String, String>,
    /// Whether the repository is public, so that most of it is for everybody to read.
    sees_all: bool,
}

impl Caller {
    fn has(&self, scope: &str, access: &str) -> bool {
        let held = self.permissions.get(scope).map(String::as_str);
        held == Some("write") || held == Some(access)
    }

    fn may(&self, scopes: &[&str], access: &str) -> Result<(), Answer> {
        let is_allowed = scopes.iter().any(|scope| self.has(scope, access));
        is_allowed.then_some(()).ok_or_else(forbidden)
    }

    /// Refuses what is public in a public repository only in a private one.
    fn may_see(&self, scopes: &[&str]) -> Result<(), Answer> {
        if self.sees_all { Ok(()) } else { self.may(scopes, "read") }
    }
}

struct Desk<'r> {
    request: &'r Request,
    place: Place,
    caller: Caller,
    full: String,
}

impl Desk<'_> {
    fn read(&self, repository: &mut Repository, path: &[&str]) -> Answered {
        let place = &self.place;
        match path {
            [] => Ok(ok(place.repository(false))),
            ["pulls"] => {
                self.caller.may_see(&["pull-requests"])?;
                self.pulls(repository)
            }
            ["pulls", number] => {
                self.caller.may_see(&["pull-requests"])?;
                let (number, pull) = find(&repository.pulls, number)?;
                Ok(ok(place.pull(number, pull, true)))
            }
            ["issues", "comments", id] => {
                self.caller.may_see(&["pull-requests", "issues"])?;
                let (id, comment) = find(&repository.comments, id)?;
                Ok(ok(place.comment(id, comment)))
            }
            ["issues", number, "comments"] => {
                self.caller.may_see(&["pull-requests", "issues"])?;
                let (number, _) = find(&repository.pulls, number)?;
                let since = self.query("since").unwrap_or_default();
                let comments = repository.comments.iter();
                let comments = comments.filter(|(_, c)| c.issue == number && *c.updated >= *since);
                self.page(comments.map(|(id, comment)| place.comment(*id, comment)), None)
            }
            ["check-runs", id] => {
                self.caller.may_see(&["checks"])?;
                let (id, check) = find(&repository.checks, id)?;
                Ok(ok(place.check(id, check)))
            }
            ["commits", name @ .., "check-runs"] => {
                self.caller.may_see(&["checks"])?;
                self.check_runs(repository, &name.join("/"))
            }
            ["commits", name @ .., "status"] => {
                self.caller.may_see(&["statuses"])?;
                self.status(repository, &name.join("/"))
            }
            ["commits", name @ .., "statuses"] => {
                self.caller.may_see(&["statuses"])?;
                let (_, statuses) = self.statuses(repository, &name.join("/"))?;
                self.page(statuses.into_iter().map(|status| place.status(status, true)), None)
            }
            ["commits", name @ ..] => {
                self.caller.may_see(&["contents"])?;
                let name = name.join("/");
                let sha = repository.resolve(&name).ok_or_else(|| no_commit(&name))?;
                let commit = repository.commits.get(&sha).ok_or_else(|| no_commit(&name))?;
                Ok(ok(place.whole_commit(&sha, commit)))
            }
            ["code-scanning", "sarifs", id] => {
                self.caller.may(&["security-events"], "read")?;
                let sarif = repository.sarifs.get_mut(*id).ok_or_else(missing)?;
                let answer = ok(place.sarif(id, sarif));
                sarif.delay = sarif.delay.saturating_sub(1);
                Ok(answer)
            }
            ["code-scanning", "analyses"] => {
                self.caller.may(&["security-events"], "read")?;
                self.analyses(repository)
            }
            ["releases"] => {
                self.caller.may_see(&["contents"])?;
                let releases = repository.releases.iter().rev();
                let releases = releases.filter(|(_, release)| self.sees(release));
                self.page(releases.map(|(id, release)| place.release(*id, release)), None)
            }
            ["releases", "tags", tag @ ..] => {
                self.caller.may_see(&["contents"])?;
                let tag = tag.join("/");
                let is_it = |release: &Release| !release.is_draft && release.tag_name == tag;
                let found = repository.releases.iter().find(|(_, release)| is_it(release));
                let (id, release) = found.ok_or_else(missing)?;
                Ok(ok(place.release(*id, release)))
            }
            ["releases", "assets", id] => self.asset(repository, id),
            ["releases", id] => {
                let (id, release) = self.release(repository, id)?;
                Ok(ok(place.release(id, release)))
            }
            ["releases", id, "assets"] => {
                let (_, release) = self.release(repository, id)?;
                let assets = release.assets.iter();
                self.page(
                    assets.map(|(id, asset)| place.asset(*id, asset, &release.tag_name)),
                    None,
                )
            }
            ["attestations", digest] => {
                self.caller.may(&["attestations"], "read")?;
                self.attestations(repository, digest)
            }
            ["git", "ref", name @ ..] => {
                self.caller.may_see(&["contents"])?;
                let name = format!("refs/{}", name.join("/"));
                let (kind, sha) = repository.refs.get(&name).ok_or_else(missing)?;
                Ok(ok(place.reference(&name, kind, sha)))
            }
            ["git", "tags", sha] => {
                self.caller.may_see(&["contents"])?;
                let tag = repository.tags.get(*sha).ok_or_else(missing)?;
                Ok(ok(place.tag(sha, tag)))
            }
            ["git", "commits", sha] => {
                self.caller.may_see(&["contents"])?;
                let commit = repository.commits.get(*sha).ok_or_else(missing)?;
                Ok(ok(place.commit(sha, commit)))
            }
            ["contents", path @ ..] => {
                self.caller.may_see(&["contents"])?;
                self.contents(repository, &path.join("/"))
            }
            ["actions", "runs", id] => {
                self.caller.may_see(&["actions"])?;
                let (id, run) = find(&repository.runs, id)?;
                Ok(ok(place.run(id, run, repository)))
            }
            ["actions", "runs", id, "artifacts"] => {
                self.caller.may(&["actions"], "read")?;
                let (run, of) = find(&repository.runs, id)?;
                let name = self.query("name");
                let artifacts = repository.artifacts.iter().filter(|(_, artifact)| {
                    artifact.run == run && name.is_none_or(|name| artifact.name == name)
                });
                let artifacts = artifacts.map(|(id, a)| place.artifact(*id, a, of));
                self.page(artifacts, Some("artifacts"))
            }
            ["actions", "artifacts", id] => {
                self.caller.may(&["actions"], "read")?;
                let (id, artifact) = find(&repository.artifacts, id)?;
                Ok(ok(place.artifact(id, artifact, &repository.runs[&artifact.run])))
            }
            ["actions", "artifacts", id, "zip"] => {
                self.caller.may(&["actions"], "read")?;
                let (id, artifact) = find(&repository.artifacts, id)?;
                if artifact.is_expired {
                    return Err(refusal(410, "Artifact has expired"));
                }
                Ok(self.stored("artifact", id))
            }
            _ => Err(unknown()),
        }
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.request.query.get(name).map(String::as_str)
    }

    fn pulls(&self, repository: &Repository) -> Answered {
        let state = self.query("state").unwrap_or("open");
        if !["open", "closed", "all"].contains(&state) {
            return Err(invalid("PullRequest", "state"));
        }
        let head = self.query("head");
        let pulls = repository.pulls.iter().rev().filter(|(_, pull)| {
            let owner = pull.head_repository.as_ref().and_then(|(name, _)| name.split('/').next());
            let label = format!("{}:{}", owner.unwrap_or("unknown"), pull.head_ref);
            (state == "all" || pull.is_open == (state == "open"))
                && head.is_none_or(|head| head == label)
                && self.query("base").is_none_or(|base| base == pull.base_ref)
        });
        self.page(pulls.map(|(number, pull)| self.place.pull(*number, pull, false)), None)
    }

    fn check_runs(&self, repository: &Repository, name: &str) -> Answered {
        let sha = repository.resolve(name).ok_or_else(|| no_commit(name))?;
        let is_latest = self.query("filter").unwrap_or("latest") == "latest";
        let mut seen = Vec::new();
        let checks = repository.checks.iter().rev().filter(|(_, check)| {
            let key = (&check.app, check.members.get("name"));
            let is_asked = check.head_sha == sha
                && self
                    .query("check_name")
                    .is_none_or(|name| check.members.get("name") == Some(&json!(name)));
            let is_new = is_asked && !(is_latest && seen.contains(&key));
            seen.extend(is_new.then_some(key));
            is_new
        });
        let checks: Vec<_> = checks.map(|(id, check)| self.place.check(*id, check)).collect();
        self.page(checks.into_iter(), Some("check_runs"))
    }

    /// Returns the statuses of a commit, the newest first.
    fn statuses<'a>(
        &self,
        repository: &'a Repository,
        name: &str,
    ) -> Result<(String, Vec<&'a Status>), Answer> {
        let sha = repository.resolve(name).ok_or_else(|| no_commit(name))?;
        let statuses = repository.statuses.iter().rev().filter(|status| status.sha == sha);
        let statuses = statuses.collect();
        Ok((sha, statuses))
    }

    /// Returns the latest status of each context, and what they come to.
    fn status(&self, repository: &Repository, name: &str) -> Answered {
        let (sha, mut statuses) = self.statuses(repository, name)?;
        let mut seen = BTreeSet::new();
        statuses.retain(|status| seen.insert(&status.context));
        let has = |states: &[&str]| statuses.iter().any(|status| states.contains(&&*status.state));
        let state = match () {
            () if has(&["error", "failure"]) => "failure",
            () if has(&["pending"]) || statuses.is_empty() => "pending",
            () => "success",
        };
        let simple = statuses.iter().map(|status| self.place.status(status, false));
        Ok(ok(self.place.combined(&sha, state, simple.collect())))
    }

    fn analyses(&self, repository: &Repository) -> Answered {
        let is_asked = |name: &str, value: &Value| {
            self.query(name).is_none_or(|wanted| value.as_str() == Some(wanted))
        };
        let done = repository.sarifs.iter().rev().filter(|(_, sarif)| sarif.is_complete());
        let analyses = done.flat_map(|(id, sarif)| self.place.analyses(id, sarif));
        let analyses = analyses.filter(|analysis| {
            is_asked("ref", &analysis["ref"])
                && is_asked("sarif_id", &analysis["sarif_id"])
                && is_asked("tool_name", &analysis["tool"]["name"])
        });
        let analyses: Vec<_> = analyses.collect();
        if analyses.is_empty() {
            return Err(refusal(404, "no analysis found"));
        }
        self.page(analyses.into_iter(), None)
    }

    /// Finds a release, a draft only for whoever may write releases.
    fn release<'a>(
        &self,
        repository: &'a Repository,
        id: &str,
    ) -> Result<(u64, &'a Release), Answer> {
        self.caller.may_see(&["contents"])?;
        find(&repository.releases, id).and_then(|(id, release)| {
            self.sees(release).then_some((id, release)).ok_or_else(missing)
        })
    }

    fn sees(&self, release: &Release) -> bool {
        !release.is_draft || self.caller.has("contents", "write")
    }

    fn asset(&self, repository: &Repository, id: &str) -> Answered {
        self.caller.may_see(&["contents"])?;
        let id: u64 = id.parse().map_err(|_| missing())?;
        let mut releases = repository.releases.values().filter(|release| self.sees(release));
        let release = releases.find(|release| release.assets.contains_key(&id));
        let release = release.ok_or_else(missing)?;
        if self.request.accept.contains("application/octet-stream") {
            return Ok(self.stored("asset", id));
        }
        Ok(ok(self.place.asset(id, &release.assets[&id], &release.tag_name)))
    }

    /// Sends the client to the storage host with a query that is all it needs there.
    fn stored(&self, kind: &str, id: u64) -> Answer {
        let path = format!("/{kind}/{}/{id}", self.full);
        let to = format!("{}{path}?se=2027-01-01&sig={}", self.request.storage, signature(&path));
        Answer { status: 302, headers: vec![("location", to)], ..Answer::default() }
    }

    fn attestations(&self, repository: &Repository, digest: &str) -> Answered {
        let bundles = repository.attestations.get(digest).ok_or_else(missing)?;
        let number = |name: &str, default: usize| {
            self.query(name)
                .map_or(Ok(default), str::parse)
                .map_err(|_| invalid("Attestation", name))
        };
        let (size, after) = (number("per_page", 30)?.clamp(1, 100), number("after", 0)?);
        let page = bundles.iter().skip(after).take(size).map(|bundle| {
            json!({
                "bundle": bundle,
                "repository_id": repository.id,
                "bundle_url": "",
                "initiator": "user",
            })
        });
        let mut answer = ok(json!({ "attestations": page.collect::<Vec<_>>() }));
        if bundles.len() > after + size {
            answer.headers.push(("link", self.link("after", after + size, "next")));
        }
        Ok(answer)
    }

    fn contents(&self, repository: &Repository, path: &str) -> Answered {
        let git_ref = self.query("ref").unwrap_or("main");
        let no_commit = || refusal(404, &format!("No commit found for the ref {git_ref}"));
        let sha = repository.resolve(git_ref).ok_or_else(no_commit)?;
        let files = &repository.commits.get(&sha).ok_or_else(no_commit)?.files;
        if let Some(bytes) = files.get(path) {
            if self.request.accept.contains("application/vnd.github.raw") {
                return Ok(Answer { status: 200, bytes: Some(bytes.clone()), ..Answer::default() });
            }
            return Ok(ok(self.place.file(path, bytes, git_ref, true)));
        }
        let under = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut entries = BTreeMap::new();
        for (file, bytes) in files {
            let Some(rest) = file.strip_prefix(&under) else { continue };
            let (entry, name) = match rest.split_once('/') {
                Some((name, _)) => (self.place.folder(&format!("{under}{name}"), git_ref), name),
                None => (self.place.file(file, bytes, git_ref, false), rest),
            };
            entries.insert(name, entry);
        }
        let entries: Vec<_> = entries.into_values().collect();
        if entries.is_empty() { Err(missing()) } else { Ok(ok(json!(entries))) }
    }

    /// Cuts a page out of a list, which may be wrapped with its total.
    fn page(&self, items: impl Iterator<Item = Value>, wrap: Option<&str>) -> Answered {
        let items: Vec<_> = items.collect();
        let number = |name: &str, default: usize| {
            self.query(name).and_then(|text| text.parse().ok()).unwrap_or(default).max(1)
        };
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let (total, last) = (items.len(), items.len().div_ceil(size).max(1));
        let items: Vec<_> = items.into_iter().skip((page - 1) * size).take(size).collect();
        let mut answer = ok(match wrap {
            None => json!(items),
            Some(member) => json!({ "total_count": total, member: items }),
        });
        let ways = [
            (page > 1, page - 1, "prev"),
            (page < last, page + 1, "next"),
            (page < last, last, "last"),
            (page > 1, 1, "first"),
        ];
        let links = ways.iter().filter(|(is_there, ..)| *is_there);
        let links: Vec<_> = links.map(|(_, page, rel)| self.link("page", *page, rel)).collect();
        if !links.is_empty() {
            answer.headers.push(("link", links.join(", ")));
        }
        Ok(answer)
    }

    fn link(&self, name: &str, value: usize, rel: &str) -> String {
        let (path, query) = self.request.url.split_once('?').unwrap_or((&self.request.url, ""));
        let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(name);
        let others: String =
            query.split('&').filter(is_other).map(|pair| format!("{pair}&")).collect();
        format!("<{path}?{others}{name}={value}>; rel=\"{rel}\"")
    }

    fn write(&self, world: &mut World, path: &[&str]) -> Answered {
        let place = &self.place;
        let posted = match (self.request.method.as_str(), path) {
            ("POST", ["issues", _, "comments"] | ["check-runs"] | ["statuses", _])
            | ("POST", ["code-scanning", "sarifs"])
            | ("PATCH", ["issues", "comments", _] | ["check-runs" | "releases", _]) => {
                self.request.body.as_ref()
            }
            _ => return Err(unknown()),
        };
        let body = posted.filter(|body| body.is_object());
        let body = body.ok_or_else(|| refusal(400, "Problems parsing JSON"));
        match path {
            ["issues", "comments", id] => {
                self.caller.may(&["pull-requests", "issues"], "write")?;
                let text = comment_text(body?)?;
                let now = world.now();
                let (id, _) = find(&world.repository(&self.full).comments, id)?;
                let comments = &mut world.repository(&self.full).comments;
                let comment = comments.get_mut(&id).ok_or_else(missing)?;
                (comment.body, comment.updated) = (text, now);
                Ok(ok(place.comment(id, comment)))
            }
            ["issues", number, "comments"] => {
                self.caller.may(&["pull-requests", "issues"], "write")?;
                let (issue, _) = find(&world.repository(&self.full).pulls, number)?;
                let text = comment_text(body?)?;
                let id = world.comment(&self.full, issue, &self.caller.actor, &text);
                let comment: &Comment = &world.repository(&self.full).comments[&id];
                Ok(created(place.comment(id, comment)))
            }
            ["check-runs"] => self.new_check(world, body?),
            ["check-runs", id] => self.more_check(world, id, body?),
            ["statuses", sha] => self.new_status(world, sha, body?),
            ["code-scanning", "sarifs"] => self.new_sarif(world, body?),
            ["releases", id] => self.change_release(world, id, body?),
            _ => Err(unknown()),
        }
    }

    fn delete(&self, world: &mut World, path: &[&str]) -> Answered {
        let ["issues", "comments", id] = path else { return Err(unknown()) };
        self.caller.may(&["pull-requests", "issues"], "write")?;
        let comments = &mut world.repository(&self.full).comments;
        let (id, _) = find(comments, id)?;
        comments.remove(&id);
        Ok(Answer { status: 204, ..Answer::default() })
    }

    fn new_check(&self, world: &mut World, body: &Value) -> Answered {
        self.caller.may(&["checks"], "write")?;
        if !self.caller.actor.ends_with("[bot]") {
            return Err(refusal(403, "You must authenticate via a GitHub App."));
        }
        for member in ["name", "head_sha"] {
            body[member].as_str().ok_or_else(|| invalid("CheckRun", member))?;
        }
        let output = &body["output"];
        if !output.is_null() && output["title"].as_str().is_none() {
            return Err(invalid("CheckRun", "output.title"));
        }
        rule::check_run(body).map_err(|why| refusal(422, &format!("Invalid request.\n\n{why}")))?;
        let sha = body["head_sha"].as_str().unwrap_or_default();
        let found = world.repository(&self.full).resolve(sha).filter(|found| found == sha);
        found.ok_or_else(|| no_commit(sha))?;
        let mut check = Check {
            app: self.caller.actor.clone(),
            head_sha: sha.to_owned(),
            members: BTreeMap::from([("status".to_owned(), json!("queued"))]),
            annotations: Vec::new(),
            created: world.now(),
        };
        self.take(&mut check, body, &world.now());
        let id = world.fresh();
        let answer = created(self.place.check(id, &check));
        world.repository(&self.full).checks.insert(id, check);
        Ok(answer)
    }

    fn more_check(&self, world: &mut World, id: &str, body: &Value) -> Answered {
        self.caller.may(&["checks"], "write")?;
        let now = world.now();
        let (id, check) = find(&world.repository(&self.full).checks, id)?;
        if check.app != self.caller.actor {
            return Err(refusal(
                403,
                "Invalid app_id - check run can only be modified by its app.",
            ));
        }
        rule::check_run(body).map_err(|why| refusal(422, &format!("Invalid request.\n\n{why}")))?;
        let mut check = check.clone();
        self.take(&mut check, body, &now);
        let answer = ok(self.place.check(id, &check));
        world.repository(&self.full).checks.insert(id, check);
        Ok(answer)
    }

    /// Takes the members of a request over; annotations are added to those that are there.
    fn take(&self, check: &mut Check, body: &Value, now: &str) {
        let annotations = body["output"]["annotations"].as_array().cloned();
        check.annotations.extend(annotations.unwrap_or_default());
        for (name, value) in body.as_object().into_iter().flatten() {
            let value = match (name.as_str(), check.members.get("output")) {
                ("output", Some(old)) if value["title"].is_null() => {
                    let mut value = value.clone();
                    value["title"] = old["title"].clone();
                    value
                }
                _ => value.clone(),
            };
            check.members.insert(name.clone(), value);
        }
        if !body["conclusion"].is_null() {
            check.members.insert("status".to_owned(), json!("completed"));
            check.members.entry("completed_at".to_owned()).or_insert_with(|| json!(now));
        }
    }

    fn new_status(&self, world: &mut World, sha: &str, body: &Value) -> Answered {
        self.caller.may(&["statuses"], "write")?;
        let state = body["state"].as_str().unwrap_or_default();
        if !["error", "failure", "pending", "success"].contains(&state) {
            return Err(invalid("Status", "state"));
        }
        let description = body["description"].as_str();
        if description.is_some_and(|text| text.chars().count() > 140) {
            return Err(invalid("Status", "description"));
        }
        let found = world.repository(&self.full).resolve(sha).filter(|found| found == sha);
        found.ok_or_else(|| no_commit(sha))?;
        let status = Status {
            id: world.fresh(),
            sha: sha.to_owned(),
            state: state.to_owned(),
            context: body["context"].as_str().unwrap_or("default").to_owned(),
            description: description.map(str::to_owned),
        };
        let answer = created(self.place.status(&status, true));
        world.repository(&self.full).statuses.push(status);
        Ok(answer)
    }

    fn new_sarif(&self, world: &mut World, body: &Value) -> Answered {
        self.caller.may(&["security-events"], "write")?;
        let text = |name: &str| body[name].as_str().ok_or_else(|| invalid("Sarif", name));
        let (sha, git_ref) = (text("commit_sha")?, text("ref")?);
        if sha.len() != 40 || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid("Sarif", "commit_sha"));
        }
        if !["refs/heads/", "refs/tags/", "refs/pull/"].iter().any(|at| git_ref.starts_with(at)) {
            return Err(invalid("Sarif", "ref"));
        }
        let content = rule::unpack(text("sarif")?).map_err(|(code, why)| refusal(code, &why))?;
        let id = format!("00000000-0000-4000-8000-{:012}", world.fresh());
        let url = format!("{}/repos/{}/code-scanning/sarifs/{id}", self.place.api, self.full);
        let sarif = Sarif {
            commit_sha: sha.to_owned(),
            git_ref: git_ref.to_owned(),
            errors: rule::sarif(&content).err().into_iter().collect(),
            content,
            delay: world.repository(&self.full).sarif_delay,
            created: world.now(),
        };
        world.repository(&self.full).sarifs.insert(id.clone(), sarif);
        Ok(Answer { status: 202, body: Some(json!({ "id": id, "url": url })), ..Answer::default() })
    }

    fn change_release(&self, world: &mut World, id: &str, body: &Value) -> Answered {
        self.caller.may(&["contents"], "write")?;
        let now = world.now();
        let repository = world.repository(&self.full);
        let (id, release) = find(&repository.releases, id)?;
        let mut release = release.clone();
        let is_sealed = !release.is_draft && release.is_immutable;
        let sealed = ["tag_name", "target_commitish", "draft", "prerelease"];
        if is_sealed && sealed.iter().any(|member| !body[*member].is_null()) {
            return Err(refusal(422, "Cannot change an immutable release."));
        }
        let texts = [
            ("tag_name", &mut release.tag_name),
            ("target_commitish", &mut release.target_commitish),
            ("name", &mut release.name),
            ("body", &mut release.body),
        ];
        for (name, member) in texts {
            if let Some(text) = body[name].as_str() {
                *member = text.to_owned();
            }
        }
        let is_draft = body["draft"].as_bool().unwrap_or(release.is_draft);
        release.is_prerelease = body["prerelease"].as_bool().unwrap_or(release.is_prerelease);
        if release.is_draft && !is_draft {
            let is_taken = |other: &Release| !other.is_draft && other.tag_name == release.tag_name;
            if repository.releases.values().any(is_taken) {
                return Err(invalid("Release", "tag_name"));
            }
            let tag = format!("refs/tags/{}", release.tag_name);
            if !repository.refs.contains_key(&tag) {
                let commit = repository.resolve(&release.target_commitish);
                let commit = commit.ok_or_else(|| invalid("Release", "target_commitish"))?;
                repository.point(&tag, &commit);
            }
            release.is_immutable = repository.seals_releases;
            release.published = Some(now);
        }
        release.is_draft = is_draft;
        let answer = ok(self.place.release(id, &release));
        repository.releases.insert(id, release);
        Ok(answer)
    }
}

/// Returns what storage wants to see in the query of a path.
pub(crate) fn signature(path: &str) -> String {
    weft_verify::Sha256::of(format!("storage {path}").as_bytes()).to_string()
}

fn find<'a, T>(map: &'a BTreeMap<u64, T>, id: &str) -> Result<(u64, &'a T), Answer> {
    let id = id.parse().map_err(|_| missing())?;
    map.get(&id).map(|found| (id, found)).ok_or_else(missing)
}

fn comment_text(body: &Value) -> Result<String, Answer> {
    match body["body"].as_str() {
        None | Some("") => Err(invalid("IssueComment", "body")),
        Some(text) if text.chars().count() > 65_536 => {
            let mut refused = invalid("IssueComment", "body");
            refused.body.as_mut().unwrap()["errors"][0]["message"] =
                json!("body is too long (maximum is 65536 characters)");
            Err(refused)
        }
        Some(text) => Ok(text.to_owned()),
    }
}

fn ok(body: Value) -> Answer {
    Answer { status: 200, body: Some(body), ..Answer::default() }
}

fn created(body: Value) -> Answer {
    let location = body["url"].as_str().unwrap_or_default().to_owned();
    Answer { status: 201, headers: vec![("location", location)], ..ok(body) }
}

/// Returns a refusal in GitHub's words.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    let body = json!({
        "message": message,
        "documentation_url": DOCUMENTATION,
        "status": status.to_string(),
    });
    Answer { status, body: Some(body), ..Answer::default() }
}

fn no_commit(name: &str) -> Answer {
    refusal(422, &format!("No commit found for SHA: {name}"))
}

fn missing() -> Answer {
    refusal(404, "Not Found")
}

fn unknown() -> Answer {
    Answer { is_unknown: true, ..missing() }
}

fn forbidden() -> Answer {
    refusal(403, "Resource not accessible by integration")
}

fn invalid(resource: &str, field: &str) -> Answer {
    let mut refused = refusal(422, "Validation Failed");
    refused.body.as_mut().unwrap()["errors"] =
        json!([{ "resource": resource, "field": field, "code": "invalid" }]);
    refused
}
