//! The fake refuses what GitHub refuses.

use std::io::Write;
use std::time::Duration;

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
        let bearer = format!("Bearer {}", self.token);
        self.try_send(method, &self.at(path), &[("authorization", &bearer)], body).unwrap()
    }

    fn get(&self, path: &str) -> Got {
        self.send("GET", path, None)
    }

    /// Asserts a status, and that all that was said is what the contract allows.
    fn check(&self, method: &str, path: &str, body: Value, expected: u16) -> Value {
        let got = self.send(method, path, (method != "GET").then_some(&body));
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

fn packed(sarif: &Value) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(sarif.to_string().as_bytes()).unwrap();
    Base64::encode_string(&gzip.finish().unwrap())
}

fn sarif(locations: &Value, ids: &[&str]) -> Value {
    let run = |id: &&str| {
        json!({
            "tool": { "driver": { "name": "weft" } },
            "automationDetails": { "id": id },
            "results": [{ "message": { "text": "m" }, "locations": locations }],
        })
    };
    let file = json!({ "version": "2.1.0", "runs": ids.iter().map(run).collect::<Vec<_>>() });
    json!({ "commit_sha": HEAD, "ref": "refs/pull/7/head", "sarif": packed(&file) })
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
    let mut long = check_run(Vec::new());
    long["output"]["text"] = json!("x".repeat(65_536));
    desk.check("POST", "/check-runs", long, 422);
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
    let sarif = sarif(&json!([]), &["a/"]);
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
}

#[test]
fn a_token_that_is_wrong_missing_or_revoked_is_refused() {
    let desk = Desk::open();
    desk.fake.world().grant("revoked", "octocat", REPO, &ALL);
    desk.fake.world().tokens.get_mut("revoked").unwrap().is_revoked = true;
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
fn sarif_without_a_location_or_with_one_category_twice_is_refused() {
    let desk = Desk::open();
    let there = json!([{ "physicalLocation": { "artifactLocation": { "uri": "Cargo.toml" } } }]);
    let path = "/code-scanning/sarifs";
    desk.check("POST", path, sarif(&json!([]), &["a/"]), 400);
    desk.check("POST", path, sarif(&there, &["a/1", "a/2"]), 400);
    desk.check("POST", path, sarif(&there, &["x/"; 21]), 400);
    let mut wrong = sarif(&there, &["a/"]);
    wrong["commit_sha"] = json!("abc");
    desk.check("POST", path, wrong, 422);
    let mut loose = sarif(&there, &["a/"]);
    loose["sarif"] = json!(Base64::encode_string(b"not gzip"));
    desk.check("POST", path, loose, 400);
    let made = desk.check("POST", path, sarif(&there, &["a/1", "b/1"]), 202);
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(desk.check("GET", &path, Value::Null, 200)["processing_status"], "complete");
    let world = desk.fake.world();
    let kept = world.repositories[REPO].sarifs.values().next().unwrap();
    assert_eq!((&*kept.commit_sha, &*kept.git_ref), (HEAD, "refs/pull/7/head"));
    assert_eq!(kept.content["runs"].as_array().unwrap().len(), 2);
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
fn storage_takes_a_signed_query_and_no_token() {
    let desk = Desk::open();
    let id = desk.fake.world().draft(REPO, "v2", "main", &[("a", b"bytes")]);
    let asset = *desk.fake.world().repository(REPO).releases[&id].assets.keys().next().unwrap();
    let run = Run {
        event: "pull_request".to_owned(),
        head_branch: "fix".to_owned(),
        head_sha: HEAD.to_owned(),
        head_repository: ("mallory/fork".to_owned(), 77),
        path: ".github/workflows/weft.yml".to_owned(),
        conclusion: "success".to_owned(),
    };
    let (run, artifact) = desk.fake.world().run(REPO, run, "weft", b"PK");
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
fn what_is_read_keeps_the_contract() {
    let desk = Desk::open();
    let digest = format!("sha256:{}", "0".repeat(64));
    let bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json" });
    desk.fake.world().repository(REPO).attestations.insert(digest.clone(), vec![bundle; 3]);
    let found = desk.check("GET", &format!("/attestations/{digest}"), Value::Null, 200);
    assert_eq!(found["attestations"][0]["repository_id"], 4242);
    let page = desk.get(&format!("/attestations/{digest}?per_page=2"));
    assert!(page.headers["link"].to_str().unwrap().contains("after=2"));
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
        "/releases",
    ];
    for path in rows {
        desk.check("GET", path, Value::Null, 200);
    }
    desk.check("POST", &format!("/statuses/{HEAD}"), json!({ "state": "success" }), 201);
    assert_eq!(desk.check("GET", "/pulls?head=mallory:change-7", Value::Null, 200), json!([]));
    desk.fake.world().repository(REPO).pulls.get_mut(&7).unwrap().head_repository = None;
    assert!(desk.check("GET", "/pulls/7", Value::Null, 200)["head"]["repo"].is_null());
    assert!(desk.fake.unknown().is_empty());
    let limit = format!("{}/rate_limit", desk.fake.url());
    let got = desk.try_send("GET", &limit, &[("authorization", "Bearer t")], None).unwrap();
    assert_eq!(got.json()["rate"]["limit"], 1000);
    contract::check(&desk.fake.exchanges());
    desk.fake.world().spent = 1000;
    desk.check("GET", "/pulls/7", Value::Null, 403);
    desk.fake.world().spent = 0;
    assert_eq!(desk.get("/branches").status, 404);
    assert_eq!(desk.fake.unknown().len(), 1);
}

#[test]
fn faults_befall_the_requests_they_are_meant_for() {
    let desk = Desk::open();
    let comments = "/issues/7/comments";
    let body = json!({ "body": "once" });
    let post = || Match::new("POST", comments);
    desk.fake.fault(post(), Fault::AfterWrite(502));
    assert_eq!(desk.send("POST", comments, Some(&body)).status, 502);
    assert_eq!(desk.get(comments).json().as_array().unwrap().len(), 1);
    assert_eq!(desk.fake.writes().len(), 1);
    assert_eq!(desk.fake.writes()[0].headers["x-ratelimit-remaining"], "999");

    desk.fake.fault(post(), Fault::SecondaryLimit { retry_after: 60 });
    let got = desk.send("POST", comments, Some(&body));
    assert_eq!((got.status, got.headers["retry-after"].to_str().unwrap()), (403, "60"));
    assert!(got.text.contains("secondary rate limit"));

    desk.fake.faults(2, Match::new("*", "/pulls"), Fault::status(503));
    let statuses = [(); 3].map(|()| desk.get("/pulls/7").status);
    assert_eq!(statuses, [503, 503, 200]);

    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Truncated);
    let got = desk.get("/pulls/7");
    assert!(got.status == 200 && serde_json::from_str::<Value>(&got.text).is_err());
    let bearer = [("authorization", "Bearer t")];
    for fault in [Fault::Cut, Fault::Reset] {
        desk.fake.fault(Match::new("GET", "/pulls"), fault);
        assert!(desk.try_send("GET", &desk.at("/pulls/7"), &bearer, None).is_err());
        assert_eq!(desk.get("/pulls/7").status, 200);
    }
    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Hang(Duration::from_millis(50)));
    let start = std::time::Instant::now();
    assert_eq!(desk.get("/pulls/7").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
    desk.fake.fault(Match::new("GET", "/pulls"), Fault::Redirect("http://127.0.0.1:9/".to_owned()));
    assert_eq!(desk.get("/pulls/7").headers["location"], "http://127.0.0.1:9/");

    desk.fake.on(Match::new("GET", "/pulls"), |world| {
        world.repository(REPO).pulls.get_mut(&7).unwrap().head_sha = BASE.to_owned();
    });
    assert_eq!(desk.get("/pulls/7").json()["head"]["sha"], BASE);
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
    let sound = desk.fake.exchanges();
    contract::check(&sound);
    let broken: [fn(&mut [super::Exchange]); 7] = [
        |all| drop(all[0].answer.as_mut().unwrap().as_object_mut().unwrap().remove("user")),
        |all| all[0].request = Some(json!({ "text": "x" })),
        |all| all[0].status = 200,
        |all| all[1].path = all[1].path.replace("per_page", "perpage"),
        |all| all[1].path = all[1].path.replace("per_page=2", "per_page=101"),
        |all| all[2].answer.as_mut().unwrap()["state"] = json!("ajar"),
        |all| all[2].path = "/repos/octo/widget/no-such-thing".to_owned(),
    ];
    for (row, breaks) in broken.into_iter().enumerate() {
        let mut exchanges = sound.clone();
        breaks(&mut exchanges);
        let caught = std::panic::catch_unwind(|| contract::check(&exchanges));
        assert!(caught.is_err(), "row {row} was not seen");
    }
}
