//! Payloads of events: small ones built from values, and GitHub's public examples with what they lack.
//!
//! The examples come from npm (`@octokit/webhooks-examples`, MIT) and are not committed:
//! `WEFT_WEBHOOKS` is the package's directory. Without it there are none, and that is said on stderr.

use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// The id of no commit.
pub(crate) const ZERO: &str = "0000000000000000000000000000000000000000";

/// Builds an event of a pull request from a branch of `repository`.
pub(crate) fn pull_request(repository: &str, number: u64, head_sha: &str, base_sha: &str) -> Value {
    let repo = repo(repository, 4242);
    json!({
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "state": "open",
            "title": format!("Change {number}"),
            "user": user("octocat"),
            "head": {
                "sha": head_sha,
                "ref": format!("change-{number}"),
                "repo": repo,
                "user": user("octocat"),
            },
            "base": { "sha": base_sha, "ref": "main", "repo": repo, "user": user("octocat") },
        },
        "repository": repo,
        "sender": user("octocat"),
    })
}

/// Lets a pull request come from a fork.
pub(crate) fn from_fork(mut event: Value, fork: &str, id: u64) -> Value {
    let owner = fork.split('/').next().unwrap();
    let head = &mut event["pull_request"]["head"];
    head["label"] = json!(format!("{owner}:{}", head["ref"].as_str().unwrap()));
    head["user"]["login"] = json!(owner);
    let repo = &mut head["repo"];
    repo["full_name"] = json!(fork);
    repo["name"] = json!(fork.split('/').next_back());
    repo["id"] = json!(id);
    repo["fork"] = json!(true);
    repo["owner"]["login"] = json!(owner);
    event
}

/// Lets the repository of a pull request's head be deleted.
pub(crate) fn without_head(mut event: Value) -> Value {
    event["pull_request"]["head"]["repo"] = Value::Null;
    event
}

/// Lets a bot open a pull request.
pub(crate) fn by_bot(mut event: Value, login: &str) -> Value {
    for at in ["/pull_request/user", "/sender"] {
        let user = event.pointer_mut(at).unwrap();
        (user["login"], user["type"]) = (json!(login), json!("Bot"));
    }
    event
}

/// Builds an event of a merge queue.
pub(crate) fn merge_group(repository: &str, head_sha: &str, base_sha: &str) -> Value {
    json!({
        "action": "checks_requested",
        "merge_group": {
            "head_sha": head_sha,
            "head_ref": format!("refs/heads/gh-readonly-queue/main/pr-7-{base_sha}"),
            "base_sha": base_sha,
            "base_ref": "refs/heads/main",
        },
        "repository": repo(repository, 4242),
        "sender": user("octocat"),
    })
}

/// Builds a push of a branch or a tag; [`ZERO`] stands for what is not there.
pub(crate) fn push(repository: &str, name: &str, before: &str, after: &str) -> Value {
    json!({
        "ref": name,
        "before": before,
        "after": after,
        "created": before == ZERO,
        "deleted": after == ZERO,
        "forced": false,
        "repository": repo(repository, 4242),
        "sender": user("octocat"),
    })
}

/// Builds an event of a release.
pub(crate) fn release(repository: &str, action: &str, id: u64, tag: &str, is_draft: bool) -> Value {
    json!({
        "action": action,
        "release": {
            "id": id,
            "tag_name": tag,
            "target_commitish": "main",
            "draft": is_draft,
            "prerelease": false,
            "immutable": false,
            "published_at": if is_draft { Value::Null } else { json!("2026-11-20T00:00:00Z") },
            "assets": [],
            "author": user("octocat"),
        },
        "repository": repo(repository, 4242),
        "sender": user("octocat"),
    })
}

/// Builds an event that somebody asked for.
pub(crate) fn workflow_dispatch(repository: &str, name: &str, inputs: &Value) -> Value {
    json!({
        "inputs": inputs,
        "ref": name,
        "workflow": ".github/workflows/weft.yml",
        "repository": repo(repository, 4242),
        "sender": user("octocat"),
    })
}

/// Builds the end of a run for a pull request of a fork, which names no pull request.
pub(crate) fn workflow_run(
    repository: &str,
    run: u64,
    head: (&str, u64),
    branch: &str,
    sha: &str,
) -> Value {
    json!({
        "action": "completed",
        "workflow_run": {
            "id": run,
            "name": "weft",
            "path": ".github/workflows/weft.yml",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "head_branch": branch,
            "head_sha": sha,
            "head_repository": repo(head.0, head.1),
            "pull_requests": [],
            "repository": repo(repository, 4242),
        },
        "workflow": { "id": 7, "name": "weft", "path": ".github/workflows/weft.yml" },
        "repository": repo(repository, 4242),
        "sender": user("octocat"),
    })
}

fn repo(full_name: &str, id: u64) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap();
    json!({
        "id": id,
        "name": name,
        "full_name": full_name,
        "private": false,
        "fork": false,
        "owner": user(owner),
        "default_branch": "main",
        "html_url": format!("https://github.com/{full_name}"),
    })
}

fn user(login: &str) -> Value {
    json!({ "login": login, "id": 1, "type": if login.ends_with("[bot]") { "Bot" } else { "User" } })
}

/// Returns the public examples of an event, and those with an action of that name only if one is given.
pub(crate) fn examples(event: &str, action: Option<&str>) -> Vec<Value> {
    let Some(directory) = env::var_os("WEFT_WEBHOOKS") else {
        eprintln!("WEFT_WEBHOOKS is unset: GitHub's example payloads were NOT used");
        return Vec::new();
    };
    let path = Path::new(&directory).join("api.github.com/index.json");
    let text = fs::read(&path).unwrap_or_else(|error| panic!("WEFT_WEBHOOKS is set: {error}"));
    let events: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let of_event = events.into_iter().filter(|entry| entry["name"] == event);
    let examples = of_event.flat_map(|entry| entry["examples"].as_array().unwrap().clone());
    let is_asked = |example: &Value| action.is_none_or(|action| example["action"] == action);
    let examples: Vec<_> = examples.filter(is_asked).collect();
    assert!(!examples.is_empty(), "there is no example of {event} {action:?}");
    examples
}

/// Returns every variant that the action has to read, with its event's name.
pub(crate) fn variants() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for example in examples("pull_request", None) {
        all.extend([
            ("pull_request", example.clone()),
            ("pull_request", from_fork(example.clone(), "mallory/fork", 77)),
            ("pull_request", without_head(example.clone())),
            ("pull_request", by_bot(example.clone(), "dependabot[bot]")),
            ("pull_request_target", from_fork(example, "mallory/fork", 77)),
        ]);
    }
    for mut example in examples("release", Some("created")) {
        all.push(("release", example.clone()));
        example["release"]["draft"] = json!(true);
        example["release"]["published_at"] = Value::Null;
        all.push(("release", example));
    }
    for example in examples("push", None) {
        all.push(("push", example.clone()));
        let mut unborn = example.clone();
        unborn["before"] = json!(ZERO);
        let mut gone = example;
        gone["after"] = json!(ZERO);
        all.extend([("push", unborn), ("push", gone)]);
    }
    for mut example in examples("workflow_run", Some("completed")) {
        all.push(("workflow_run", example.clone()));
        example["workflow_run"]["pull_requests"] = json!([]);
        all.push(("workflow_run", example));
    }
    let rest = [("merge_group", None), ("release", Some("published")), ("workflow_dispatch", None)];
    for (event, action) in rest {
        all.extend(examples(event, action).into_iter().map(|example| (event, example)));
    }
    all
}

#[test]
fn the_variants_are_what_they_are_called() {
    for (event, payload) in variants() {
        assert!(payload["repository"]["full_name"].is_string(), "{event}: {payload}");
    }
    let event = pull_request("octo/widget", 7, &"a".repeat(40), &"b".repeat(40));
    let fork = from_fork(event.clone(), "mallory/fork", 77);
    assert_ne!(fork["pull_request"]["head"]["repo"]["id"], fork["repository"]["id"]);
    assert_eq!(fork["pull_request"]["base"], event["pull_request"]["base"]);
    assert!(without_head(event.clone())["pull_request"]["head"]["repo"].is_null());
    assert_eq!(by_bot(event, "dependabot[bot]")["pull_request"]["user"]["type"], "Bot");
    assert!(merge_group("octo/widget", "a", "b")["pull_request"].is_null());
    assert_eq!(push("octo/widget", "refs/heads/new", ZERO, "a")["created"], true);
    assert_eq!(release("octo/widget", "created", 5, "v1", true)["release"]["draft"], true);
    assert_eq!(
        workflow_dispatch("octo/widget", "refs/heads/main", &json!({}))["inputs"],
        json!({})
    );
    let run = workflow_run("octo/widget", 5, ("mallory/fork", 77), "fix", "a");
    assert_eq!(run["workflow_run"]["pull_requests"], json!([]));
}
