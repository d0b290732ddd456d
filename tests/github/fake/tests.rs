//! The fake refuses what GitHub refuses.

use std::io::Write;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::world::Run;
use super::{Fake, Fault, Host, Match, World};
use crate::contract;

const REPO: &str = "octo/widget";
const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BASE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const ALL: [(&str, &str); 8] = [
    ("contents", "write"),
    ("checks", "write"),
    ("statuses", "write"),
    ("pull-requests", "write"),
    ("security-events", "write"),
    ("attestations", "read"),
    ("actions", "read"),
    ("issues", "read"),
];

/// A fake with one pull request, and a client that holds one token.
struct Desk {
    fake: Fake,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    token: String,
}

struct Got {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Desk {
    fn with(permissions: &[(&str, &str)]) -> Self {
        let mut world = World::of(REPO, "t", permissions);
        let repository = world.repository(REPO);
        repository.commit(BASE, &[], &[("weft.toml", b"policy = 1\n"), ("src/lib.rs", b"")]);
        repository.commit(HEAD, &[BASE], &[]);
        repository.point("refs/heads/main", BASE);
        repository.annotate("refs/tags/v1", &"c".repeat(40), BASE);
        repository.open(REPO, 7, HEAD, BASE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.user_agent("weft").build().unwrap();
        Self { fake: Fake::start(world), runtime, client, token: "t".to_owned() }
    }

    fn open() -> Self {
        Self::with(&ALL)
    }

    fn at(&self, path: &str) -> String {
        format!("{}/repos/{REPO}{path}", self.fake.url())
    }

    fn try_send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Got, reqwest::Error> {
        let mut request = self.client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Got { status, headers, text: response.text().await? })
        })
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Got {
        self.try_own(method, path, body).unwrap()
    }

    fn try_own(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Got, reqwest::Error> {
        let bearer = format!("Bearer {}", self.token);
        self.try_send(method, &self.at(path), &[("authorization", &bearer)], body)
    }

    fn get(&self, path: &str) -> Got {
        self.send("GET", path, None)
    }

    /// Asserts a status, and that all that was said is what the contract allows.
    fn check(&self, method: &str, path: &str, body: Value, expected: u16) -> Value {
        let got = self.send(method, path, (!body.is_null()).then_some(&body));
        assert_eq!(got.status, expected, "{method} {path}: {}", got.text);
        contract::check(&self.fake.exchanges());
        serde_json::from_str(&got.text).unwrap_or_default()
    }
}

fn annotation() -> Value {
    json!({
        "path": "Cargo.toml",
        "start_line": 3,
        "end_line": 3,
        "annotation_level": "failure",
        "message": "m",
    })
}

fn check_run(annotations: Vec<Value>) -> Value {
    let output = json!({ "title": "t", "summary": "s", "annotations": annotations });
    json!({ "name": "weft", "head_sha": HEAD, "conclusion": "success", "output": output })
}

fn packed(content: &[u8]) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(content).unwrap();
    Base64::encode_string(&gzip.finish().unwrap())
}

fn run_of_fork() -> Run {
    Run {
        event: "pull_request".to_owned(),
        head_branch: "fix".to_owned(),
        head_sha: HEAD.to_owned(),
        head_repository: ("mallory/fork".to_owned(), 77),
        path: ".github/workflows/weft.yml".to_owned(),
        conclusion: "success".to_owned(),
    }
}

fn located() -> Value {
    json!([{ "physicalLocation": { "artifactLocation": { "uri": "Cargo.toml" } } }])
}

fn sarif_file(locations: &Value, ids: &[&str]) -> Value {
    let run = |id: &&str| {
        json!({
            "tool": { "driver": { "name": "weft" } },
            "automationDetails": { "id": id },
            "results": [{ "message": { "text": "m" }, "locations": locations }],
        })
    };
    json!({ "version": "2.1.0", "runs": ids.iter().map(run).collect::<Vec<_>>() })
}

fn sarif(locations: &Value, ids: &[&str]) -> Value {
    let file = sarif_file(locations, ids).to_string();
    json!({ "commit_sha": HEAD, "ref": "refs/pull/7/head", "sarif": packed(file.as_bytes()) })
}

#[test]
fn a_fifty_first_annotation_is_refused_and_fifty_are_appended_to() {
    let desk = Desk::open();
    desk.check("POST", "/check-runs", check_run(vec![annotation(); 51]), 422);
    let made = desk.check("POST", "/check-runs", check_run(vec![annotation(); 50]), 201);
    let path = format!("/check-runs/{}", made["id"]);
    let mut more = check_run(vec![annotation()]);
    more.as_object_mut().unwrap().remove("head_sha");
    assert_eq!(desk.check("PATCH", &path, more, 200)["output"]["annotations_count"], 51);
    assert_eq!(desk.check("GET", &path, Value::Null, 200)["status"], "completed");
    let listed = format!("/commits/{HEAD}/check-runs?check_name=weft");
    assert_eq!(desk.check("GET", &listed, Value::Null, 200)["total_count"], 1);
}

#[test]
fn annotations_keep_their_limits() {
    let desk = Desk::open();
    let rows = [
        (json!({ "end_line": 4, "start_column": 1 }), 422),
        (json!({ "start_column": 1, "end_column": 2 }), 201),
        (json!({ "title": "t".repeat(256) }), 422),
        (json!({ "title": "t".repeat(255) }), 201),
        (json!({ "message": "m".repeat(65_537) }), 422),
        (json!({ "raw_details": "m".repeat(65_537) }), 422),
        (json!({ "path": null }), 422),
        (json!({ "start_line": 0 }), 422),
        (json!({ "end_line": 2 }), 422),
        (json!({ "annotation_level": "error" }), 422),
    ];
    for (members, expected) in rows {
        let mut annotation = annotation();
        annotation.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        desk.check("POST", "/check-runs", check_run(vec![annotation]), expected);
    }
}

#[test]
fn a_summary_that_is_too_long_is_refused() {
    let desk = Desk::open();
    for (member, length, expected) in [
        ("summary", 65_536, 422),
        ("text", 65_536, 422),
        ("summary", 65_535, 201),
        ("text", 65_535, 201),
    ] {
        let mut body = check_run(Vec::new());
        body["output"][member] = json!("ü".repeat(length));
        desk.check("POST", "/check-runs", body, expected);
    }
}

#[test]
fn a_check_run_is_of_a_commit_and_has_a_title_and_a_conclusion() {
    let desk = Desk::open();
    let rows = [
        json!({ "output": { "summary": "s" } }),
        json!({ "output": { "title": "t" } }),
        json!({ "name": null }),
        json!({ "conclusion": "passed" }),
        json!({ "status": "completed", "conclusion": null }),
    ];
    for members in rows {
        let mut body = check_run(Vec::new());
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        desk.check("POST", "/check-runs", body, 422);
    }
    let mut elsewhere = check_run(Vec::new());
    elsewhere["head_sha"] = json!("d".repeat(40));
    desk.check("POST", "/check-runs", elsewhere, 422);
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let desk = Desk::open();
    let path = "/issues/7/comments";
    desk.check("POST", path, json!({ "body": "ü".repeat(65_537) }), 422);
    desk.check("POST", path, json!({ "body": "" }), 422);
    let made = desk.check("POST", path, json!({ "body": "ü".repeat(65_536) }), 201);
    assert_eq!(made["user"]["login"], "github-actions[bot]");
    let path = format!("/issues/comments/{}", made["id"]);
    desk.check("PATCH", &path, json!({ "body": "x".repeat(65_537) }), 422);
    desk.check("PATCH", &path, json!({ "body": "better" }), 200);
    assert_eq!(desk.check("GET", &path, Value::Null, 200)["body"], "better");
    desk.check("POST", "/issues/8/comments", json!({ "body": "x" }), 404);
}

#[test]
fn a_missing_scope_is_refused() {
    let sarif = sarif(&located(), &["a/"]);
    let rows = [
        ("POST", "/issues/7/comments", json!({ "body": "x" })),
        ("POST", "/check-runs", check_run(Vec::new())),
        ("POST", "/code-scanning/sarifs", sarif),
        ("POST", &*format!("/statuses/{HEAD}"), json!({ "state": "success" })),
        ("PATCH", "/releases/1", json!({ "draft": false })),
        ("GET", "/attestations/sha256:00", Value::Null),
        ("GET", "/actions/runs/1/artifacts", Value::Null),
    ];
    let read_only = ["contents", "checks", "statuses", "pull-requests", "security-events"];
    let desk = Desk::with(&read_only.map(|scope| (scope, "read")));
    for (method, path, body) in rows {
        let refused = desk.check(method, path, body, 403);
        assert_eq!(refused["message"], "Resource not accessible by integration");
    }
    let private = Desk::with(&[]);
    private.check("GET", "/pulls/7", Value::Null, 200);
    private.fake.world().repository(REPO).is_private = true;
    private.check("GET", "/pulls/7", Value::Null, 403);
    private.fake.world().grant("other", "octocat", "octo/other", &ALL);
    let other = Desk { token: "other".to_owned(), ..private };
    other.check("GET", "/pulls/7", Value::Null, 404);
    other.fake.world().repository(REPO).is_private = false;
    other.check("GET", "/pulls/7", Value::Null, 200);
    other.check("POST", "/issues/7/comments", json!({ "body": "x" }), 403);
}

#[test]
fn a_token_that_is_wrong_missing_or_revoked_is_refused() {
    let desk = Desk::open();
    desk.fake.world().grant("revoked", "octocat", REPO, &ALL);
    desk.fake.world().revoke("revoked");
    let url = desk.at("/pulls/7");
    let rows = [("Bearer t", 200), ("token t", 200), ("Bearer x", 401), ("Bearer revoked", 401)];
    for (authorization, expected) in rows {
        let got = desk.try_send("GET", &url, &[("authorization", authorization)], None).unwrap();
        assert_eq!(got.status, expected, "{authorization}");
    }
    let got = desk.try_send("GET", &url, &[], None).unwrap();
    assert_eq!((got.status, &got.json()["message"]), (401, &json!("Bad credentials")));
    contract::check(&desk.fake.exchanges());
    assert_eq!(desk.fake.exchanges()[0].request_headers["authorization"], "Bearer");
}

#[test]
fn a_token_that_may_only_read_writes_nothing() {
    let desk = Desk::open();
    let id = desk.fake.world().draft(REPO, "v2", "main", &[]);
    let comment = desk.fake.world().comment(REPO, 7, "github-actions[bot]", "ours");
    let check = desk.check("POST", "/check-runs", check_run(Vec::new()), 201)["id"].clone();
    desk.fake.world().make_read_only("t");
    let rows = [
        ("POST", "/issues/7/comments".to_owned(), json!({ "body": "x" })),
        ("PATCH", format!("/issues/comments/{comment}"), json!({ "body": "x" })),
        ("DELETE", format!("/issues/comments/{comment}"), Value::Null),
        ("POST", "/check-runs".to_owned(), check_run(Vec::new())),
        ("PATCH", format!("/check-runs/{check}"), json!({ "conclusion": "failure" })),
        ("POST", "/code-scanning/sarifs".to_owned(), sarif(&located(), &["a/"])),
        ("POST", format!("/statuses/{HEAD}"), json!({ "state": "success" })),
        ("PATCH", format!("/releases/{id}"), json!({ "draft": false })),
    ];
    for (method, path, body) in rows {
        let refused = desk.check(method, &path, body, 403);
        assert_eq!(refused["message"], "Resource not accessible by integration", "{path}");
    }
    desk.check("GET", "/pulls/7", Value::Null, 200);
    desk.check("GET", &format!("/releases/{id}"), Value::Null, 404);
    let world = desk.fake.world();
    let left = &world.repositories[REPO];
    assert_eq!((&*left.comments[&comment].body, left.checks.len()), ("ours", 1));
    assert!(left.sarifs.is_empty() && left.statuses.is_empty() && left.releases[&id].is_draft);
}

#[test]
fn a_check_run_belongs_to_the_app_that_made_it() {
    let desk = Desk::open();
    let path = format!(
        "/check-runs/{}",
        desk.check("POST", "/check-runs", check_run(Vec::new()), 201)["id"]
    );
    desk.fake.world().grant("app", "other[bot]", REPO, &ALL);
    desk.fake.world().grant("person", "octocat", REPO, &ALL);
    let app = Desk { token: "app".to_owned(), ..desk };
    app.check("PATCH", &path, json!({ "conclusion": "success" }), 403);
    let person = Desk { token: "person".to_owned(), ..app };
    person.check("POST", "/check-runs", check_run(Vec::new()), 403);
}

#[test]
fn a_comment_that_was_deleted_is_gone() {
    let desk = Desk::open();
    let made = desk.check("POST", "/issues/7/comments", json!({ "body": "x" }), 201);
    let path = format!("/issues/comments/{}", made["id"]);
    desk.check("DELETE", &path, Value::Null, 204);
    desk.check("DELETE", &path, Value::Null, 404);
    desk.check("GET", &path, Value::Null, 404);
    assert_eq!(desk.check("GET", "/issues/7/comments", Value::Null, 200), json!([]));
}

#[test]
fn a_request_that_names_no_agent_is_refused() {
    let desk = Desk::open();
    let nameless = Desk { client: reqwest::Client::new(), ..desk };
    nameless.check("GET", "/pulls/7", Value::Null, 403);
}

#[test]
fn the_workflow_s_token_is_no_user_and_no_app() {
    let desk = Desk::open();
    let bearer = [("authorization", "Bearer t")];
    for (path, expected) in [("/user", 403), ("/app", 401)] {
        let url = format!("{}{path}", desk.fake.url());
        assert_eq!(desk.try_send("GET", &url, &bearer, None).unwrap().status, expected);
    }
    desk.check("GET", "/installation", Value::Null, 401);
    assert!(desk.fake.unknown().is_empty());
}

#[test]
fn a_draft_has_no_tag_page_until_it_is_published_and_is_then_sealed() {
    let desk = Desk::open();
    let id = desk.fake.world().draft(REPO, "v2", "main", &[("weft.tar.gz", b"bytes")]);
    desk.fake.world().repository(REPO).seals_releases = true;
    let path = format!("/releases/{id}");
    desk.check("GET", "/releases/tags/v2", Value::Null, 404);
    assert_eq!(desk.check("GET", &path, Value::Null, 200)["draft"], true);
    assert_eq!(desk.check("GET", &format!("{path}/assets"), Value::Null, 200)[0]["size"], 5);
    desk.check("PATCH", &path, json!({ "draft": false }), 200);
    assert_eq!(desk.check("GET", "/releases/tags/v2", Value::Null, 200)["immutable"], true);
    desk.check("PATCH", &path, json!({ "draft": true }), 422);
    desk.check("PATCH", &path, json!({ "tag_name": "v3" }), 422);
    let made = desk.check("GET", "/git/ref/tags/v2", Value::Null, 200);
    assert_eq!(made["object"]["sha"], BASE);
    let other = desk.fake.world().draft(REPO, "v2", "main", &[]);
    desk.check("PATCH", &format!("/releases/{other}"), json!({ "draft": false }), 422);

    let reader = Desk::with(&[("contents", "read")]);
    let id = reader.fake.world().draft(REPO, "v2", "main", &[]);
    reader.check("GET", &format!("/releases/{id}"), Value::Null, 404);
    assert_eq!(reader.check("GET", "/releases", Value::Null, 200), json!([]));
}

#[test]
fn sarif_that_cannot_be_unpacked_or_is_too_large_is_refused() {
    let desk = Desk::open();
    let path = "/code-scanning/sarifs";
    let noise = |size: usize| {
        let mut state = 1_u32;
        let byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(byte).take(size).collect::<Vec<_>>()
    };
    let rows = [
        (json!({ "sarif": Base64::encode_string(b"not gzip") }), 400),
        (json!({ "sarif": "*" }), 400),
        (json!({ "sarif": packed(b"not JSON") }), 400),
        (json!({ "sarif": Base64::encode_string(&noise(10 * 1024 * 1024 + 1)) }), 413),
        (json!({ "sarif": null }), 422),
        (json!({ "commit_sha": "abc" }), 422),
        (json!({ "ref": "main" }), 422),
        (json!({}), 202),
    ];
    for (members, expected) in rows {
        let mut body = sarif(&located(), &["a/"]);
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        desk.check("POST", path, body, expected);
    }
    let world = desk.fake.world();
    let sarifs = &world.repositories[REPO].sarifs;
    let kept = sarifs.values().next().unwrap();
    assert_eq!((sarifs.len(), &*kept.commit_sha, &*kept.git_ref), (1, HEAD, "refs/pull/7/head"));
}

#[test]
fn sarif_beyond_the_limits_is_taken_and_then_fails() {
    let desk = Desk::open();
    let file = |members: Value| {
        let mut file = sarif_file(&located(), &["a/"]);
        file["runs"][0].as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        file
    };
    let result = sarif_file(&located(), &["a/"])["runs"][0]["results"][0].clone();
    let results = |count: usize| file(json!({ "results": vec![result.clone(); count] }));
    let many = vec![located()[0].clone(); 1_001];
    let driver =
        |rules: usize| json!({ "name": "weft", "rules": vec![json!({ "id": "r" }); rules] });
    let tool = |tool: &Value| file(json!({ "tool": tool }));
    let tagged = |count: usize| {
        let mut result = result.clone();
        result["properties"] = json!({ "tags": vec!["t"; count] });
        file(json!({ "results": [result] }))
    };
    let rows = [
        (sarif_file(&located(), &["a/1", "b/1"]), None),
        (sarif_file(&located(), &["a/1", "a/2"]), Some("category")),
        (sarif_file(&json!([]), &["a/"]), Some("at least one location")),
        (sarif_file(&json!(many), &["a/"]), Some("1,000 locations")),
        (sarif_file(&located(), &["x/"; 21]), Some("20 runs")),
        (results(25_000), None),
        (results(25_001), Some("25001 > 25000")),
        (file(json!({ "properties": 1, "results": [{ "message": {} }] })), Some("no message")),
        (file(json!({ "results": null })), Some("no results")),
        (tool(&json!({ "driver": driver(25_000), "extensions": vec![json!({}); 100] })), None),
        (tool(&json!({ "driver": driver(25_001) })), Some("rules")),
        (tool(&json!({ "driver": driver(0), "extensions": vec![json!({}); 101] })), Some("extens")),
        (tagged(20), None),
        (tagged(21), Some("20 tags")),
        (file(json!({ "tool": { "driver": {} } })), Some("driver.name")),
        (json!({ "version": "2.0.0", "runs": [] }), Some("2.1.0")),
        (json!({ "version": "2.1.0" }), Some("no runs")),
    ];
    for (file, expected) in rows {
        let body = json!({
            "commit_sha": HEAD,
            "ref": "refs/pull/7/head",
            "sarif": packed(file.to_string().as_bytes()),
        });
        let made = desk.check("POST", "/code-scanning/sarifs", body, 202);
        let id = made["id"].as_str().unwrap();
        let found = desk.get(&format!("/code-scanning/sarifs/{id}")).json();
        let listed = desk.get(&format!("/code-scanning/analyses?sarif_id={id}"));
        match expected {
            None => {
                assert_eq!((&found["processing_status"], listed.status), (&json!("complete"), 200))
            }
            Some(why) => {
                assert_eq!((&found["processing_status"], listed.status), (&json!("failed"), 404));
                assert!(found["errors"][0].as_str().unwrap().contains(why), "{why}: {found}");
            }
        }
    }
    contract::check(&desk.fake.exchanges());
}

#[test]
fn sarif_takes_its_time() {
    let desk = Desk::open();
    desk.fake.world().repository(REPO).sarif_delay = 1;
    let body = sarif(&located(), &["a/", "b/"]);
    let made = desk.check("POST", "/code-scanning/sarifs", body, 202);
    let path = format!("/code-scanning/sarifs/{}", made["id"].as_str().unwrap());
    let analyses = "/code-scanning/analyses?tool_name=weft&ref=refs/pull/7/head";
    desk.check("GET", analyses, Value::Null, 404);
    let statuses =
        [(); 2].map(|()| desk.check("GET", &path, Value::Null, 200)["processing_status"].clone());
    assert_eq!(statuses, ["pending", "complete"]);
    let found = desk.check("GET", analyses, Value::Null, 200);
    assert_eq!((&found[0]["category"], &found[1]["category"]), (&json!("a/"), &json!("b/")));
}

#[test]
fn a_long_list_has_pages_with_links() {
    let desk = Desk::open();
    for number in 0..5 {
        desk.fake.world().comment(REPO, 7, "octocat", &format!("{number}"));
    }
    let prefix = format!("{}/api/v3/repos/{REPO}/issues/7/comments", desk.fake.url());
    let link = |page: u8, rel: &str| format!("<{prefix}?per_page=2&page={page}>; rel=\"{rel}\"");
    let rows = [
        ("", 2, Some([link(2, "next"), link(3, "last")].join(", "))),
        (
            "&page=2",
            2,
            Some([link(1, "prev"), link(3, "next"), link(3, "last"), link(1, "first")].join(", ")),
        ),
        ("&page=3", 1, Some([link(2, "prev"), link(1, "first")].join(", "))),
    ];
    for (query, length, links) in rows {
        let url = format!("{prefix}?per_page=2{query}");
        let got = desk.try_send("GET", &url, &[("authorization", "Bearer t")], None).unwrap();
        assert_eq!(got.json().as_array().unwrap().len(), length);
        let found = got.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        assert_eq!(found, links);
        assert!(got.headers.contains_key("x-ratelimit-remaining"));
    }
    assert!(!desk.get("/issues/7/comments").headers.contains_key("link"));
    contract::check(&desk.fake.exchanges());
}

#[test]
fn a_page_has_at_most_a_hundred_items() {
    let desk = Desk::open();
    for number in 0..101 {
        desk.fake.world().comment(REPO, 7, "octocat", &format!("{number}"));
    }
    for (query, expected) in [("", 30), ("?per_page=100", 100), ("?per_page=101", 100)] {
        let got = desk.get(&format!("/issues/7/comments{query}"));
        assert_eq!(got.json().as_array().unwrap().len(), expected, "{query}");
        assert!(got.headers.contains_key("link"), "{query}");
    }
}

#[test]
fn a_list_has_only_what_was_asked_for() {
    let desk = Desk::open();
    desk.fake.world().repository(REPO).open(REPO, 8, HEAD, BASE);
    desk.fake.world().comment(REPO, 7, "octocat", "first");
    let second = desk.fake.world().comment(REPO, 7, "octocat", "second");
    desk.fake.world().comment(REPO, 8, "octocat", "of another");
    let since = desk.fake.world().repository(REPO).comments[&second].updated.clone();
    for name in ["weft", "weft", "lint"] {
        let mut body = check_run(Vec::new());
        (body["name"], body["external_id"]) = (json!(name), json!(format!("{name} of a run")));
        desk.check("POST", "/check-runs", body, 201);
    }
    let (run, other) = {
        let mut world = desk.fake.world();
        let (run, _) = world.run(REPO, run_of_fork(), "weft", b"PK");
        let (other, extra) = world.run(REPO, run_of_fork(), "weft", b"PK");
        let artifact = &mut world.repository(REPO).artifacts.get_mut(&extra).unwrap();
        "logs".clone_into(&mut artifact.name);
        artifact.run = run;
        (run, other)
    };
    let checks = format!("/commits/{HEAD}/check-runs");
    let artifacts = format!("/actions/runs/{run}/artifacts");
    let rows = [
        ("/issues/7/comments", "body", vec!["first", "second"]),
        (&format!("/issues/7/comments?since={since}"), "body", vec!["second"]),
        ("/issues/8/comments", "body", vec!["of another"]),
        (&checks, "external_id", vec!["lint of a run", "weft of a run"]),
        (&format!("{checks}?filter=all"), "name", vec!["lint", "weft", "weft"]),
        (&format!("{checks}?check_name=lint"), "name", vec!["lint"]),
        (&format!("/commits/{BASE}/check-runs"), "name", vec![]),
        (&artifacts, "name", vec!["weft", "logs"]),
        (&format!("{artifacts}?name=logs"), "name", vec!["logs"]),
        (&format!("/actions/runs/{other}/artifacts"), "name", vec![]),
        ("/pulls?base=main", "head/ref", vec!["change-8", "change-7"]),
        ("/pulls?base=stable", "head/ref", vec![]),
        ("/pulls?head=octo:change-8", "head/ref", vec!["change-8"]),
        ("/pulls?state=closed", "head/ref", vec![]),
    ];
    for (path, member, expected) in rows {
        let found = desk.check("GET", path, Value::Null, 200);
        let wrapped = ["check_runs", "artifacts"].into_iter().find_map(|name| found.get(name));
        let items = wrapped.unwrap_or(&found).as_array().unwrap();
        let shown: Vec<_> = items.iter().map(|item| item.pointer(&format!("/{member}"))).collect();
        let expected: Vec<_> = expected.iter().map(|name| json!(name)).collect();
        assert_eq!(shown, expected.iter().map(Some).collect::<Vec<_>>(), "{path}");
    }
}

#[test]
fn storage_takes_a_signed_query_and_no_token() {
    let desk = Desk::open();
    let id = desk.fake.world().draft(REPO, "v2", "main", &[("a", b"bytes")]);
    let asset = *desk.fake.world().repository(REPO).releases[&id].assets.keys().next().unwrap();
    let (run, artifact) = desk.fake.world().run(REPO, run_of_fork(), "weft", b"PK");
    let found = desk.check("GET", &format!("/actions/runs/{run}"), Value::Null, 200);
    assert_eq!(found["pull_requests"], json!([]));
    let listed = format!("/actions/runs/{run}/artifacts?name=weft");
    assert_eq!(desk.check("GET", &listed, Value::Null, 200)["total_count"], 1);
    desk.check("GET", &format!("/releases/assets/{asset}"), Value::Null, 200);
    let downloads = [
        (format!("/releases/assets/{asset}"), "bytes"),
        (format!("/actions/artifacts/{artifact}/zip"), "PK"),
    ];
    for (path, expected) in downloads {
        let headers = [("authorization", "Bearer t"), ("accept", "application/octet-stream")];
        let got = desk.try_send("GET", &desk.at(&path), &headers, None).unwrap();
        assert_eq!(got.status, 302);
        let to = got.headers["location"].to_str().unwrap();
        assert!(to.starts_with(desk.fake.storage_url()));
        assert_eq!(desk.try_send("GET", to, &[], None).unwrap().text, expected);
        assert_eq!(desk.try_send("GET", to, &headers[..1], None).unwrap().status, 400);
        let unsigned = to.split('?').next().unwrap();
        assert_eq!(desk.try_send("GET", unsigned, &[], None).unwrap().status, 403);
    }
    contract::check(&desk.fake.exchanges());
    let leaks = desk.fake.exchanges().into_iter().filter(|exchange| {
        exchange.host == Host::Storage && exchange.request_headers.contains_key("authorization")
    });
    assert_eq!(leaks.count(), 2);
    desk.fake.world().repository(REPO).artifacts.get_mut(&artifact).unwrap().is_expired = true;
    desk.check("GET", &format!("/actions/artifacts/{artifact}/zip"), Value::Null, 410);
}

#[test]
fn a_limit_that_is_spent_refuses_until_the_hour_is_over() {
    let desk = Desk::open();
    let limit = format!("{}/rate_limit", desk.fake.url());
    let bearer = [("authorization", "Bearer t")];
    desk.check("GET", "/pulls/7", Value::Null, 200);
    let got = desk.try_send("GET", &limit, &bearer, None).unwrap();
    assert_eq!(got.json()["rate"]["remaining"], 999);
    desk.fake.world().spent = 1000;
    desk.check("GET", "/pulls/7", Value::Null, 403);
    let got = desk.get("/pulls/7");
    assert_eq!(got.headers["x-ratelimit-remaining"], "0");
    assert_eq!(desk.try_send("GET", &limit, &bearer, None).unwrap().status, 200);
    desk.fake.world().spent = 0;
    desk.check("GET", "/pulls/7", Value::Null, 200);
}

#[test]
fn what_there_is_no_endpoint_for_is_listed() {
    let desk = Desk::open();
    for (method, path) in
        [("GET", "/branches"), ("PUT", "/pulls/7/merge"), ("DELETE", "/releases/1")]
    {
        desk.check(method, path, Value::Null, 404);
    }
    desk.check("GET", "/pulls/8", Value::Null, 404);
    let unknown: Vec<_> = desk.fake.unknown().into_iter().map(|exchange| exchange.method).collect();
    assert_eq!(unknown, ["GET", "PUT", "DELETE"]);
}

#[test]
fn statuses_come_to_the_latest_of_each_context() {
    let desk = Desk::open();
    let path = format!("/statuses/{HEAD}");
    let combined = format!("/commits/{HEAD}/status");
    assert_eq!(desk.check("GET", &combined, Value::Null, 200)["state"], "pending");
    let rows =
        [("a", "failure", "failure"), ("a", "success", "success"), ("b", "pending", "pending")];
    for (context, state, expected) in rows {
        let body = json!({ "state": state, "context": context, "description": "d".repeat(140) });
        desk.check("POST", &path, body, 201);
        assert_eq!(desk.check("GET", &combined, Value::Null, 200)["state"], expected);
    }
    let all = desk.check("GET", &format!("/commits/{HEAD}/statuses"), Value::Null, 200);
    assert_eq!(all.as_array().unwrap().len(), 3);
    desk.check("POST", &path, json!({ "state": "passed" }), 422);
    desk.check("POST", &path, json!({ "state": "error", "description": "d".repeat(141) }), 422);
    desk.check("POST", &format!("/statuses/{}", "d".repeat(40)), json!({ "state": "error" }), 422);
}

#[test]
fn what_is_read_keeps_the_contract() {
    let desk = Desk::open();
    let digest = format!("sha256:{}", "0".repeat(64));
    let bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json" });
    desk.fake.world().repository(REPO).attestations.insert(digest.clone(), vec![bundle; 3]);
    let found = desk.check("GET", &format!("/attestations/{digest}"), Value::Null, 200);
    assert_eq!(found["attestations"][0]["repository_id"], 4242);
    let page = desk.get(&format!("/attestations/{digest}?per_page=2"));
    assert!(page.headers["link"].to_str().unwrap().contains("after=2"));
    let rest = desk.get(&format!("/attestations/{digest}?per_page=2&after=2"));
    assert_eq!(rest.json()["attestations"].as_array().unwrap().len(), 1);
    assert!(!rest.headers.contains_key("link"));
    desk.check("GET", "/attestations/sha256:11", Value::Null, 404);
    let rows = [
        "",
        "/pulls?state=open&head=octo:change-7",
        "/pulls/7",
        "/git/ref/heads/main",
        "/git/ref/tags/v1",
        &format!("/git/tags/{}", "c".repeat(40)),
        &format!("/git/commits/{HEAD}"),
        "/contents/weft.toml?ref=v1",
        "/contents/src",
        "/contents/",
        "/commits/v1",
        "/releases",
    ];
    for path in rows {
        desk.check("GET", path, Value::Null, 200);
    }
    assert_eq!(desk.check("GET", "/pulls?head=mallory:change-7", Value::Null, 200), json!([]));
    desk.fake.world().repository(REPO).pulls.get_mut(&7).unwrap().head_repository = None;
    assert!(desk.check("GET", "/pulls/7", Value::Null, 200)["head"]["repo"].is_null());
    let raw = [("authorization", "Bearer t"), ("accept", "application/vnd.github.raw+json")];
    let got = desk.try_send("GET", &desk.at("/contents/weft.toml"), &raw, None).unwrap();
    assert_eq!(got.text, "policy = 1\n");
    let listed = desk.check("GET", "/contents/", Value::Null, 200);
    let kinds = ["src", "weft.toml"].map(|name| {
        listed.as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap()["type"]
            .clone()
    });
    assert_eq!(kinds, ["dir", "file"]);
    desk.check("GET", "/contents/weft.toml?ref=nowhere", Value::Null, 404);
    desk.check("GET", "/commits/nowhere", Value::Null, 422);
    desk.check("GET", "/git/ref/tags/v", Value::Null, 404);
    assert!(desk.fake.unknown().is_empty());
}

#[test]
fn a_status_that_is_ordered_is_answered_as_often_as_ordered() {
    let desk = Desk::open();
    desk.fake.faults(2, Match::new("*", "/pulls"), Fault::status(503));
    let statuses = [(); 3].map(|()| desk.get("/pulls/7").status);
    assert_eq!(statuses, [503, 503, 200]);

    let headers = vec![("retry-after", "1".to_owned())];
    let limited = Fault::Status { code: 429, headers, body: "{}".to_owned() };
    desk.fake.fault(Match::new("GET", "/pulls"), limited);
    assert_eq!(desk.get("/issues/7/comments").status, 200, "another path is left alone");
    assert_eq!(desk.send("PATCH", "/pulls/7", None).status, 404, "and another method");
    let got = desk.get("/pulls/7");
    assert_eq!((got.status, got.headers["retry-after"].to_str().unwrap()), (429, "1"));
    let ordered = desk.fake.exchanges().into_iter().filter(|exchange| exchange.is_fault);
    assert_eq!(ordered.count(), 3);
    contract::check(&desk.fake.exchanges());
}

#[test]
fn a_failure_after_a_write_leaves_what_was_written() {
    let desk = Desk::open();
    let path = "/issues/7/comments";
    desk.fake.fault(Match::new("POST", path), Fault::AfterWrite(502));
    let body = json!({ "body": "once" });
    assert_eq!(desk.send("POST", path, Some(&body)).status, 502);
    assert_eq!(desk.get(path).json().as_array().unwrap().len(), 1);
    let writes = desk.fake.writes();
    assert_eq!((writes.len(), &*writes[0].headers["x-ratelimit-remaining"]), (1, "999"));

    desk.fake.fault(Match::new("POST", path), Fault::status(502));
    assert_eq!(desk.send("POST", path, Some(&body)).status, 502);
    assert_eq!(desk.get(path).json().as_array().unwrap().len(), 1, "nothing was written");
    contract::check(&desk.fake.exchanges());
}

#[test]
fn a_secondary_limit_says_when_to_come_back() {
    let desk = Desk::open();
    let path = "/issues/7/comments";
    desk.fake.fault(Match::new("POST", path), Fault::SecondaryLimit { retry_after: 60 });
    let got = desk.send("POST", path, Some(&json!({ "body": "x" })));
    assert_eq!((got.status, got.headers["retry-after"].to_str().unwrap()), (403, "60"));
    assert!(got.text.contains("secondary rate limit"));
    assert_eq!(desk.get(path).json(), json!([]));
}

#[test]
fn a_truncated_answer_looks_whole_and_a_cut_one_does_not() {
    let desk = Desk::open();
    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Truncated);
    let got = desk.get("/pulls/7");
    assert!(got.status == 200 && serde_json::from_str::<Value>(&got.text).is_err());

    let path = "/issues/7/comments";
    desk.fake.fault(Match::new("POST", path), Fault::Cut);
    let body = json!({ "body": "once" });
    assert!(desk.try_own("POST", path, Some(&body)).is_err());
    assert_eq!(desk.get(path).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_reset_connection_carries_nothing_out() {
    let desk = Desk::open();
    let path = "/issues/7/comments";
    desk.fake.fault(Match::new("POST", path), Fault::Reset);
    assert!(desk.try_own("POST", path, Some(&json!({ "body": "x" }))).is_err());
    assert_eq!(desk.get(path).json(), json!([]));
    assert_eq!(desk.fake.writes()[0].status, 0);
}

#[test]
fn an_answer_that_hangs_comes_late_and_holds_nobody_else_up() {
    let desk = Desk::open();
    let late = Duration::from_millis(300);
    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Hang(late));
    let (slow, quick) = (desk.at("/pulls/7"), desk.at("/issues/7/comments"));
    let start = Instant::now();
    let took = |url: String| {
        let request = desk.client.get(url).header("authorization", "Bearer t");
        async move {
            assert_eq!(request.send().await.unwrap().status(), 200);
            start.elapsed()
        }
    };
    let both = async { tokio::join!(took(slow), took(quick)) };
    let (slow, quick) = desk.runtime.block_on(both);
    assert!(quick < late && late <= slow, "{quick:?} {slow:?}");

    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Hang(Duration::MAX));
    let waits = desk.client.get(desk.at("/pulls/7")).timeout(Duration::from_millis(50));
    let error = desk.runtime.block_on(async { waits.send().await.unwrap_err() });
    assert!(error.is_timeout(), "{error}");
    drop(desk);
    assert!(start.elapsed() < Duration::from_secs(10), "the fake waited for its own hang");
}

#[test]
fn a_redirect_to_another_host_shows_whether_the_token_went_along() {
    let desk = Desk::open();
    let to = format!("{}/elsewhere", desk.fake.storage_url());
    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Redirect(to.clone()));
    let got = desk.get("/pulls/7");
    assert_eq!((got.status, got.headers["location"].to_str().unwrap()), (302, &*to));
    assert_eq!(desk.try_send("GET", &to, &[], None).unwrap().status, 403);
    let bearer = [("authorization", "Bearer t")];
    assert_eq!(desk.try_send("GET", &to, &bearer, None).unwrap().status, 400);
    let there = desk.fake.exchanges().into_iter().filter(|e| e.host == Host::Storage);
    let leaks: Vec<_> = there.map(|e| e.request_headers.contains_key("authorization")).collect();
    assert_eq!(leaks, [false, true]);
}

#[test]
fn a_head_or_a_tag_moves_when_a_request_arrives() {
    let desk = Desk::open();
    desk.fake.on(Match::new("GET", "/pulls"), |world| {
        world.repository(REPO).pulls.get_mut(&7).unwrap().head_sha = BASE.to_owned();
    });
    desk.fake.on(Match::new("POST", "/issues"), |world| {
        world.repository(REPO).point("refs/tags/v1", HEAD);
    });
    let tag = "/git/ref/tags/v1";
    assert_eq!(desk.get(tag).json()["object"]["type"], "tag");
    assert_eq!(desk.get("/pulls/7").json()["head"]["sha"], BASE);
    desk.send("POST", "/issues/7/comments", Some(&json!({ "body": "x" })));
    assert_eq!(
        desk.get(tag).json()["object"],
        json!({
            "type": "commit",
            "sha": HEAD,
            "url": desk.at(&format!("/git/commits/{HEAD}")),
        })
    );
    contract::check(&desk.fake.exchanges());
}

#[test]
fn the_contract_is_seen_to_be_broken() {
    if !contract::is_there() {
        return contract::check(&[]);
    }
    let desk = Desk::open();
    desk.send("POST", "/issues/7/comments", Some(&json!({ "body": "x" })));
    desk.get("/issues/7/comments?per_page=2");
    desk.get("/pulls/7");
    desk.get("/pulls?state=open");
    let sound = desk.fake.exchanges();
    contract::check(&sound);
    let broken: [fn(&mut [super::Exchange]); 11] = [
        |all| drop(all[0].answer.as_mut().unwrap().as_object_mut().unwrap().remove("user")),
        |all| all[0].request = Some(json!({ "text": "x" })),
        |all| all[0].status = 200,
        |all| all[1].path = all[1].path.replace("per_page", "perpage"),
        |all| all[1].path = all[1].path.replace("per_page=2", "per_page=101"),
        |all| all[2].answer.as_mut().unwrap()["state"] = json!("ajar"),
        |all| all[1].path = all[1].path.replace("per_page=2", "page=first"),
        |all| all[1].answer = None,
        |all| all[2].path = "/repos/octo/widget/no-such-thing".to_owned(),
        |all| all[3].path = all[3].path.replace("open", "ajar"),
        |all| all[2].request = Some(json!({})),
    ];
    for (row, breaks) in broken.into_iter().enumerate() {
        let mut exchanges = sound.clone();
        breaks(&mut exchanges);
        let caught = std::panic::catch_unwind(|| contract::check(&exchanges));
        assert!(caught.is_err(), "row {row} was not seen");
    }
}

#[test]
fn octocrab_reads_what_is_answered() {
    use octocrab::models::{self, pulls::PullRequest, repos, workflows};

    fn read<T: serde::de::DeserializeOwned>(answer: Value) -> T {
        serde_json::from_value(answer).unwrap()
    }

    let desk = Desk::open();
    let id = desk.fake.world().draft(REPO, "v2", "main", &[("a", b"bytes")]);
    let (run, _) = desk.fake.world().run(REPO, run_of_fork(), "weft", b"PK");
    let made = desk.check("POST", "/issues/7/comments", json!({ "body": "ours" }), 201);
    let comment: models::issues::Comment = read(made);
    assert_eq!((&*comment.user.login, &*comment.user.r#type), ("github-actions[bot]", "Bot"));
    let pull: PullRequest = read(desk.get("/pulls/7").json());
    assert_eq!((pull.head.sha, pull.user.unwrap().login), (HEAD.to_owned(), "octocat".to_owned()));
    let check: models::checks::CheckRun =
        read(desk.check("POST", "/check-runs", check_run(vec![annotation()]), 201));
    assert_eq!((check.head_sha, check.conclusion.as_deref()), (HEAD.to_owned(), Some("success")));
    let release: repos::Release = read(desk.get(&format!("/releases/{id}")).json());
    assert!(release.draft && release.assets[0].size == 5);
    let tag: repos::Ref = read(desk.get("/git/ref/tags/v1").json());
    assert_eq!(tag.ref_field, "refs/tags/v1");
    let run: workflows::Run = read(desk.get(&format!("/actions/runs/{run}")).json());
    assert_eq!(run.head_branch, "fix");
    let refused = desk.check("GET", "/pulls/8", Value::Null, 404);
    assert_eq!(refused["message"], "Not Found");
}
