//! What the action reads of the payloads that GitHub publishes, and of those that it never sends.
//!
//! The public examples and what is derived from them come from [`payload`](crate::payload).

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use weft_action::environment::Repository;
use weft_action::event::{Event, PullRequest, Release, WorkflowRun};

use crate::payload;

/// The events that the action knows.
const EVENTS: [&str; 8] = [
    "merge_group",
    "pull_request",
    "pull_request_target",
    "push",
    "release",
    "schedule",
    "workflow_dispatch",
    "workflow_run",
];

/// What of each event's payload is needed, as paths.
fn needed(event: &str) -> &'static [&'static str] {
    match event {
        "pull_request" | "pull_request_target" => &[
            "pull_request",
            "pull_request.number",
            "pull_request.base",
            "pull_request.base.sha",
            "pull_request.base.ref",
            "pull_request.head",
            "pull_request.head.sha",
        ],
        "merge_group" => {
            &["merge_group", "merge_group.base_sha", "merge_group.base_ref", "merge_group.head_sha"]
        }
        "push" | "workflow_dispatch" => &["ref"],
        "release" => &["action", "release", "release.id", "release.tag_name"],
        "workflow_run" => &[
            "workflow_run",
            "workflow_run.run_attempt",
            "workflow_run.id",
            "workflow_run.event",
            "workflow_run.head_sha",
            "workflow_run.head_branch",
        ],
        _ => &[],
    }
}

/// What every payload needs.
const ALWAYS: [&str; 3] = ["repository", "repository.full_name", "repository.id"];

fn read(event: &str, payload: &Value) -> Result<Event, String> {
    read_bytes(event, payload.to_string().as_bytes(), &repository(payload))
}

fn read_bytes(event: &str, bytes: &[u8], repository: &Repository) -> Result<Event, String> {
    Event::parse(event, bytes, repository).map_err(|error| {
        assert_eq!(error.status(), cargo_weft::ExitStatus::Error, "{error}");
        error.to_string()
    })
}

/// Returns where the payload says that it happened; without it, some repository.
fn repository(payload: &Value) -> Repository {
    let name = payload.pointer("/repository/full_name").and_then(Value::as_str);
    Repository::parse("GITHUB_REPOSITORY", name.unwrap_or("octo/widget")).unwrap()
}

fn text(payload: &Value, path: &str) -> String {
    at(payload, path).as_str().unwrap().to_owned()
}

fn number(payload: &Value, path: &str) -> u64 {
    at(payload, path).as_u64().unwrap()
}

fn at<'a>(payload: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(payload, |value, name| &value[name])
}

/// Reads an example by hand: what the event is to be.
fn expected(event: &str, payload: &Value) -> Event {
    let pull = || PullRequest {
        number: number(payload, "pull_request.number"),
        base: text(payload, "pull_request.base.sha"),
        base_branch: text(payload, "pull_request.base.ref"),
        head: text(payload, "pull_request.head.sha"),
        head_repository: at(payload, "pull_request.head.repo.id").as_u64(),
        repository: number(payload, "repository.id"),
    };
    match event {
        "pull_request" => Event::PullRequest(pull()),
        "pull_request_target" => Event::PullRequestTarget(pull()),
        "merge_group" => Event::MergeGroup {
            base: text(payload, "merge_group.base_sha"),
            base_ref: text(payload, "merge_group.base_ref"),
            head: text(payload, "merge_group.head_sha"),
        },
        "push" | "workflow_dispatch" => Event::Commit { name: text(payload, "ref") },
        "release" => Event::Release(Release {
            id: number(payload, "release.id"),
            action: text(payload, "action"),
            tag: text(payload, "release.tag_name"),
        }),
        "workflow_run" => Event::WorkflowRun(WorkflowRun {
            attempt: number(payload, "workflow_run.run_attempt"),
            id: number(payload, "workflow_run.id"),
            event: text(payload, "workflow_run.event"),
            head: text(payload, "workflow_run.head_sha"),
            branch: text(payload, "workflow_run.head_branch"),
            head_repository: Some((
                text(payload, "workflow_run.head_repository.owner.login"),
                number(payload, "workflow_run.head_repository.id"),
            )),
            repository: number(payload, "repository.id"),
        }),
        other => panic!("{other} has no example"),
    }
}

/// Small payloads of each event, which are there without the examples, too.
fn built() -> Vec<(&'static str, Value)> {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let pull = payload::pull_request("octo/widget", 7, &a, &b);
    vec![
        ("pull_request", pull.clone()),
        ("pull_request", payload::from_fork(pull.clone(), "mallory/fork", 77)),
        ("pull_request", payload::without_head(pull.clone())),
        ("pull_request", payload::by_bot(pull.clone(), "dependabot[bot]")),
        ("pull_request_target", payload::from_fork(pull, "mallory/fork", 77)),
        ("merge_group", payload::merge_group("octo/widget", &a, &b)),
        ("push", payload::push("octo/widget", "refs/heads/new", payload::ZERO, &a)),
        ("push", payload::push("octo/widget", "refs/tags/v1", &b, &a)),
        ("release", payload::release("octo/widget", "created", 5, "v1", true)),
        ("release", payload::release("octo/widget", "published", 5, "v1", false)),
        (
            "workflow_dispatch",
            payload::workflow_dispatch("octo/widget", "refs/heads/main", &json!({})),
        ),
        ("workflow_run", payload::workflow_run("octo/widget", 5, ("mallory/fork", 77), "fix", &a)),
    ]
}

fn all() -> Vec<(&'static str, Value)> {
    built().into_iter().chain(payload::variants()).collect()
}

#[test]
fn every_example_and_variant_is_read_as_what_it_says() {
    let mut seen = BTreeMap::<&str, usize>::new();
    for (event, payload) in all() {
        if payload["deleted"] == true {
            let why = read(event, &payload).unwrap_err();
            assert!(why.contains("was deleted"), "{why}");
            *seen.entry("deleted").or_default() += 1;
            continue;
        }
        if event == "workflow_run" && payload["workflow_run"]["head_branch"].is_null() {
            let why = read(event, &payload).unwrap_err();
            assert!(why.contains("`workflow_run.head_branch`"), "{why}");
            *seen.entry("no branch").or_default() += 1;
            continue;
        }
        assert_eq!(read(event, &payload), Ok(expected(event, &payload)), "{payload}");
        *seen.entry(event).or_default() += 1;
    }
    for event in EVENTS.iter().filter(|event| **event != "schedule") {
        assert!(seen.contains_key(event), "{event}: {seen:?}");
    }
    eprintln!("{seen:?}");
}

#[test]
fn the_head_of_a_pull_request_lies_in_a_fork_unless_it_is_here() {
    let here = payload::pull_request("octo/widget", 7, &"a".repeat(40), &"b".repeat(40));
    let examples = payload::examples("pull_request", None);
    for here in examples.into_iter().chain([here]) {
        let rows = [
            // None of the public examples is of a fork.
            (here.clone(), false),
            (payload::by_bot(here.clone(), "dependabot[bot]"), false),
            (payload::from_fork(here.clone(), "mallory/fork", 77), true),
            (payload::without_head(here), true),
        ];
        for (payload, is_from_fork) in rows {
            for event in ["pull_request", "pull_request_target"] {
                let (Event::PullRequest(pull) | Event::PullRequestTarget(pull)) =
                    read(event, &payload).unwrap()
                else {
                    panic!("{payload}");
                };
                assert_eq!(
                    (pull.head_repository != Some(pull.repository)),
                    is_from_fork,
                    "{payload}"
                );
            }
        }
    }
}

#[test]
fn a_run_whose_repository_is_gone_is_of_no_pull_request() {
    for (event, mut payload) in all() {
        if event == "workflow_run" && payload["workflow_run"]["head_branch"].is_string() {
            payload["workflow_run"]["head_repository"] = Value::Null;
            let Ok(Event::WorkflowRun(run)) = read(event, &payload) else { panic!("{payload}") };
            assert_eq!(run.head_repository, None);
        }
    }
}

#[test]
fn a_branch_that_is_gone_is_nothing_to_judge() {
    let gone = payload::push("octo/widget", "refs/heads/old", &"a".repeat(40), payload::ZERO);
    let why = read("push", &gone).unwrap_err();
    assert!(why.contains("was deleted"), "{why}");
}

#[test]
fn a_clock_says_nothing_but_when() {
    let payload = payload::schedule("octo/widget", "0 4 * * 1");
    let expected = Event::Commit { name: "the default branch".to_owned() };
    assert_eq!(read("schedule", &payload), Ok(expected));
}

#[test]
fn a_member_that_is_needed_and_not_there_is_named() {
    for (event, payload) in readable() {
        for path in needed(event).iter().chain(&ALWAYS) {
            for change in [remove, nullify] {
                let mut odd = payload.clone();
                change(&mut odd, path);
                let why = read_bytes(event, odd.to_string().as_bytes(), &repository(&payload));
                let why = why.unwrap_err();
                assert!(why.contains(&format!("`{event}`")), "{why}");
                assert!(why.contains(&format!("has no `{path}`")), "{path}: {why}");
            }
        }
    }
}

#[test]
fn a_member_of_another_type_is_an_error_that_says_where_it_is() {
    let others = [json!({"a": 1}), json!([[]]), json!(true), json!(-1), json!(1.5), json!("odd")];
    for (event, payload) in readable() {
        for path in needed(event).iter().chain(&ALWAYS) {
            let is_like = |other: &Value| match at(&payload, path) {
                Value::String(_) => other.is_string(),
                Value::Object(_) => other.is_object(),
                _ => false,
            };
            for other in others.iter().filter(|other| !is_like(other)) {
                let mut odd = payload.clone();
                *member(&mut odd, path) = other.clone();
                let odd = odd.to_string();
                let why = read_bytes(event, odd.as_bytes(), &repository(&payload)).unwrap_err();
                assert!(why.contains(&format!("the payload of `{event}`")), "{why}");
                // An array is read as the members in order, of which the first is odd.
                assert!(why.contains("cannot be understood") || why.contains("has no"), "{why}");
                assert!(!why.contains(['\n', '\u{1b}']), "{why}");
            }
        }
    }
}

#[test]
fn what_is_no_commit_is_an_error_that_names_the_member() {
    let commits = ["base.sha", "head.sha", "base_sha", "head_sha"];
    for (event, payload) in readable() {
        for path in needed(event).iter().filter(|path| commits.iter().any(|c| path.ends_with(c))) {
            for odd in [
                "",
                "main",
                payload::ZERO,
                &"A".repeat(40),
                &"a".repeat(39),
                &"a".repeat(41),
                &format!("{}\n", "a".repeat(40)),
                &format!("--{}", "a".repeat(38)),
                &"0".repeat(64),
            ] {
                let mut changed = payload.clone();
                *member(&mut changed, path) = json!(odd);
                let why = read(event, &changed).unwrap_err();
                assert!(why.starts_with(&format!("{path} ")), "{path}: {why}");
            }
            let mut long = payload.clone();
            *member(&mut long, path) = json!("a".repeat(64));
            assert!(read(event, &long).is_ok(), "{path}");
        }
    }
}

#[test]
fn a_payload_about_another_repository_is_an_error() {
    let here = Repository::parse("GITHUB_REPOSITORY", "eve/elsewhere").unwrap();
    for (event, payload) in readable() {
        let why = read_bytes(event, payload.to_string().as_bytes(), &here).unwrap_err();
        assert!(why.contains("and GITHUB_REPOSITORY is eve/elsewhere"), "{why}");
        // Only the case may differ, as it may in addresses.
        let upper = text(&payload, "repository.full_name").to_uppercase();
        let upper = Repository::parse("GITHUB_REPOSITORY", &upper).unwrap();
        let bytes = payload.to_string();
        assert_eq!(read_bytes(event, bytes.as_bytes(), &upper), read(event, &payload));
    }
}

#[test]
fn an_owner_whose_name_is_no_name_is_an_error() {
    let payload =
        payload::workflow_run("octo/widget", 5, ("mallory/fork", 77), "fix", &"a".repeat(40));
    for login in ["", "..", "a/b", "a b", "a:b", "a?b", "é", &"a".repeat(101)] {
        let mut odd = payload.clone();
        *member(&mut odd, "workflow_run.head_repository.owner.login") = json!(login);
        let why = read("workflow_run", &odd).unwrap_err();
        assert!(why.starts_with("workflow_run.head_repository.owner.login "), "{login}: {why}");
    }
    for path in ["owner", "owner.login", "id"] {
        let path = format!("workflow_run.head_repository.{path}");
        for change in [remove, nullify] {
            let mut odd = payload.clone();
            change(&mut odd, &path);
            let why = read("workflow_run", &odd).unwrap_err();
            assert!(why.contains("has no `workflow_run.head_repository."), "{path}: {why}");
        }
    }
}

#[test]
fn a_payload_is_never_read_as_another_event() {
    for (event, payload) in readable() {
        for other in EVENTS.iter().filter(|other| **other != event) {
            let needs_same = needed(other).iter().all(|path| at(&payload, path) != &Value::Null);
            assert_eq!(read(other, &payload).is_ok(), needs_same, "{event} as {other}");
        }
        for unknown in ["", "pull_requests", "Pull_Request", "pull_request\n", "issue_comment"] {
            let why = read(unknown, &payload).unwrap_err();
            assert!(why.contains("is not one that weft knows"), "{why}");
            assert!(!why.contains('\n'), "{why}");
        }
    }
}

#[test]
fn what_a_payload_has_beside_is_not_looked_at() {
    for (event, mut payload) in built() {
        let expected = read(event, &payload);
        payload["a_member_of_tomorrow"] = json!([{"x": null}]);
        payload["repository"]["owner"] = json!(7);
        payload["sender"] = Value::Null;
        assert_eq!(read(event, &payload), expected, "{event}");
    }
}

/// Returns the payloads that can be read.
fn readable() -> Vec<(&'static str, Value)> {
    let all = all().into_iter();
    let all: Vec<_> = all.filter(|(event, payload)| read(event, payload).is_ok()).collect();
    assert!(all.len() >= built().len());
    all
}

fn member<'a>(payload: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(payload, |value, name| &mut value[name])
}

fn remove(payload: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { payload } else { member(payload, parent) };
    parent.as_object_mut().unwrap().remove(name).unwrap();
}

fn nullify(payload: &mut Value, path: &str) {
    *member(payload, path) = Value::Null;
}

/// What payloads have.
const NAMES: [&str; 24] = [
    "repository",
    "full_name",
    "id",
    "pull_request",
    "number",
    "base",
    "head",
    "sha",
    "ref",
    "repo",
    "merge_group",
    "base_sha",
    "base_ref",
    "head_sha",
    "deleted",
    "action",
    "release",
    "tag_name",
    "workflow_run",
    "event",
    "head_branch",
    "head_repository",
    "owner",
    "login",
];

/// Makes JSON of names that payloads have.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("octo/widget")),
        Just(json!("a".repeat(40))),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let name = proptest::sample::select(&NAMES[..]).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..12)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let here = Repository::parse("GITHUB_REPOSITORY", "octo/widget").unwrap();
        for event in EVENTS {
            prop_assert!(read_bytes(event, &bytes, &here).is_err());
        }
    }

    #[test]
    fn no_json_is_a_panic_or_more_than_it_says(mut value in value()) {
        let here = Repository::parse("GITHUB_REPOSITORY", "octo/widget").unwrap();
        if let Some(members) = value.as_object_mut() {
            members.insert("repository".to_owned(), json!({"full_name": "octo/widget", "id": 1}));
        }
        for event in EVENTS {
            let read = read_bytes(event, value.to_string().as_bytes(), &here);
            // An array of an object's members in order is read as the object.
            if read.is_ok() && !value.to_string().contains('[') {
                prop_assert!(needed(event).iter().all(|path| !at(&value, path).is_null()));
            }
        }
    }

    #[test]
    fn no_payload_that_was_cut_or_bent_is_a_panic(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let built = built();
        let (event, payload) = which.get(&built);
        let mut bytes = payload.to_string().into_bytes();
        let place = at.index(bytes.len());
        prop_assert!(read_bytes(event, &bytes[..place], &repository(payload)).is_err());
        bytes[place] = byte;
        if let Ok(read) = read_bytes(event, &bytes, &repository(payload)) {
            let of = |event: &Event| std::mem::discriminant(event);
            prop_assert_eq!(of(&read), of(&expected(event, payload)));
        }
    }
}
