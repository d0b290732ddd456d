//! Payloads of events: small ones made of values, and GitHub's public examples and what they lack.
//!
//! The examples come from npm (`@octokit/webhooks-examples`, MIT) and are not committed.
//! `WEFT_WEBHOOKS` is the package's directory; without it there are none, and stderr says so.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::contract;

/// The id of no commit.
pub(crate) const ZERO: &str = "0000000000000000000000000000000000000000";

/// Builds an event of a pull request from a branch of `repository`, also for `pull_request_target`.
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

/// Builds an event of the clock.
pub(crate) fn schedule(repository: &str, cron: &str) -> Value {
    json!({
        "schedule": cron,
        "workflow": ".github/workflows/weft.yml",
        "repository": repo(repository, 4242),
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
            "run_attempt": 1,
            "name": "weft",
            "path": ".github/workflows/weft.yml",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "head_branch": branch,
            "head_sha": sha,
            "head_repository": short(repo(head.0, head.1)),
            "pull_requests": [],
            "repository": short(repo(repository, 4242)),
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

/// Leaves out what a run does not say of a repository.
fn short(mut repo: Value) -> Value {
    repo.as_object_mut().unwrap().remove("default_branch");
    repo
}

fn user(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({ "login": login, "id": 1, "type": kind })
}

/// Returns the public examples of an event, only those with an action of that name if one is given.
pub(crate) fn examples(event: &str, action: Option<&str>) -> Vec<Value> {
    let all = EXAMPLES.iter().filter(|(name, _)| name == event).map(|(_, example)| example);
    let is_asked = |example: &&Value| action.is_none_or(|action| example["action"] == action);
    let examples: Vec<_> = all.filter(is_asked).cloned().collect();
    let is_there = !examples.is_empty() || env::var_os("WEFT_WEBHOOKS").is_none();
    assert!(is_there, "there is no example of {event} {action:?}");
    examples
}

/// Each public example with its event's name, of github.com and of each GitHub Enterprise Server.
static EXAMPLES: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let Some(directory) = env::var_os("WEFT_WEBHOOKS") else {
        contract::say("WEFT_WEBHOOKS is unset: GitHub's example payloads were NOT used");
        return Vec::new();
    };
    let entries =
        fs::read_dir(&directory).unwrap_or_else(|error| panic!("WEFT_WEBHOOKS is set: {error}"));
    let indexes = entries.map(|entry| entry.unwrap().path().join("index.json"));
    let indexes: BTreeSet<_> = indexes.filter(|path| path.is_file()).collect();
    let of_index = |path: &PathBuf| {
        let events: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        events.into_iter().flat_map(|event| {
            let name = event["name"].as_str().unwrap().to_owned();
            let examples = event["examples"].as_array().unwrap().clone();
            examples.into_iter().map(move |example| (name.clone(), example))
        })
    };
    indexes.iter().flat_map(of_index).collect()
});

/// The events that start the action and of which there are examples.
const EVENTS: [&str; 6] =
    ["pull_request", "push", "release", "merge_group", "workflow_dispatch", "workflow_run"];

/// Returns every example that the action has to read and what is derived from it, by event.
pub(crate) fn variants() -> Vec<(&'static str, Value)> {
    let examples = EVENTS
        .iter()
        .flat_map(|event| examples(event, None).into_iter().map(move |it| (*event, it)));
    examples.flat_map(|(event, example)| derived(event, example)).collect()
}

/// Returns an example first, and then what the examples lack.
fn derived(event: &'static str, example: Value) -> Vec<(&'static str, Value)> {
    let mut all = vec![(event, example.clone())];
    match event {
        "pull_request" => all.extend([
            (event, from_fork(example.clone(), "mallory/fork", 77)),
            (event, without_head(example.clone())),
            (event, by_bot(example.clone(), "dependabot[bot]")),
            ("pull_request_target", from_fork(example, "mallory/fork", 77)),
        ]),
        "push" => {
            let (mut unborn, mut gone) = (example.clone(), example);
            (unborn["before"], unborn["created"]) = (json!(ZERO), json!(true));
            (gone["after"], gone["deleted"], gone["head_commit"]) =
                (json!(ZERO), json!(true), Value::Null);
            all.extend([(event, unborn), (event, gone)]);
        }
        "release" if example["action"] == "created" => {
            let mut draft = example;
            draft["release"]["draft"] = json!(true);
            draft["release"]["published_at"] = Value::Null;
            all.push((event, draft));
        }
        "workflow_run" => {
            let mut forked = example;
            let run = &mut forked["workflow_run"];
            run["pull_requests"] = json!([]);
            run["event"] = json!("pull_request");
            let head = &mut run["head_repository"];
            (head["id"], head["full_name"], head["fork"]) =
                (json!(77), json!("mallory/fork"), json!(true));
            all.push((event, forked));
        }
        _ => (),
    }
    all
}

#[test]
fn what_is_built_is_what_it_is_called() {
    let event = pull_request("octo/widget", 7, &"a".repeat(40), &"b".repeat(40));
    let fork = from_fork(event.clone(), "mallory/fork", 77);
    assert_ne!(fork["pull_request"]["head"]["repo"]["id"], fork["repository"]["id"]);
    assert_eq!(fork["pull_request"]["base"], event["pull_request"]["base"]);
    assert!(without_head(event.clone())["pull_request"]["head"]["repo"].is_null());
    assert_eq!(by_bot(event, "dependabot[bot]")["pull_request"]["user"]["type"], "Bot");
    assert!(merge_group("octo/widget", "a", "b")["pull_request"].is_null());
    assert_eq!(push("octo/widget", "refs/heads/new", ZERO, "a")["created"], true);
    assert_eq!(push("octo/widget", "refs/heads/old", "a", ZERO)["deleted"], true);
    let draft = release("octo/widget", "created", 5, "v1", true);
    assert!(draft["release"]["draft"] == true && draft["release"]["published_at"].is_null());
    let asked = workflow_dispatch("octo/widget", "refs/heads/main", &json!({ "mode": "audit" }));
    assert_eq!(asked["inputs"]["mode"], "audit");
    assert_eq!(schedule("octo/widget", "0 4 * * 1")["schedule"], "0 4 * * 1");
    let run = workflow_run("octo/widget", 5, ("mallory/fork", 77), "fix", "a");
    assert_eq!(run["workflow_run"]["pull_requests"], json!([]));
}

#[test]
fn what_is_built_has_only_members_that_examples_have() {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let rows = [
        ("pull_request", pull_request("octo/widget", 7, &a, &b)),
        ("merge_group", merge_group("octo/widget", &a, &b)),
        ("push", push("octo/widget", "refs/heads/new", ZERO, &a)),
        ("release", release("octo/widget", "created", 5, "v1", true)),
        ("release", release("octo/widget", "published", 5, "v1", false)),
        ("workflow_dispatch", workflow_dispatch("octo/widget", "refs/heads/main", &json!({}))),
        ("workflow_run", workflow_run("octo/widget", 5, ("mallory/fork", 77), "fix", &a)),
    ];
    for (event, payload) in rows {
        let examples = examples(event, None);
        let mut known: BTreeSet<_> = examples.iter().flat_map(|it| members(it, "")).collect();
        // The examples are older than the first, and none of them is a draft.
        known.extend(
            ["/release/immutable: boolean", "/release/published_at: null"].map(str::to_owned),
        );
        let built = members(&payload, "");
        let unknown: Vec<_> = built.difference(&known).collect();
        assert!(unknown.is_empty() || examples.is_empty(), "{event}: {unknown:?}");
    }
}

/// Lists each member with its path and its type.
fn members(value: &Value, at: &str) -> BTreeSet<String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(inner) => {
            return inner
                .iter()
                .flat_map(|(name, it)| members(it, &format!("{at}/{name}")))
                .collect();
        }
    };
    BTreeSet::from([format!("{at}: {kind}")])
}

#[test]
fn what_is_derived_deviates_from_the_document_no_more_than_the_example() {
    let mut count = 0;
    for event in EVENTS {
        for example in examples(event, None) {
            let known = contract::deviations(event, &example);
            for (event, payload) in derived(event, example) {
                let mut found = contract::deviations(event, &payload);
                // The document has most repositories of a head as never deleted.
                found.remove("/pull_request/head/repo");
                let new: Vec<_> = found.difference(&known).collect();
                assert!(new.is_empty(), "{event} {}: {new:?}", payload["action"]);
                assert!(payload["repository"]["full_name"].is_string(), "{event}");
                count += 1;
            }
        }
    }
    assert_eq!(count, variants().len());
    assert!(count > 150 || env::var_os("WEFT_WEBHOOKS").is_none(), "{count}");
}

#[test]
fn a_payload_that_deviates_from_the_document_is_seen() {
    let mut rows = examples("push", None);
    rows.truncate(1);
    for mut payload in rows {
        let known = contract::deviations("push", &payload);
        payload["after"] = json!(5);
        let found = contract::deviations("push", &payload);
        assert_eq!(found.contains("/after"), contract::is_there());
        assert!(!known.contains("/after"));
    }
}
