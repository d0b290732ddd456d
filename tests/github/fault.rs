//! What goes wrong between a job and GitHub: nothing is written twice, nothing passes for it, and the next run mends it.

use std::time::Duration;

use http::Method;
use serde_json::json;
use weft_action::environment::Repository;
use weft_action::github::{Failure, GitHub, Patience};
use weft_action::input::Token;

use crate::fake::{Fake, Fault, Match};
use crate::runner::{REPO, TOKEN};
use crate::sample::{EVIL, SOUND, change, comments, conclusions, fake, opened, place};

const COMMENTS: &str = "/issues/7/comments";

/// Asks a fake about a pull request, without waiting for long.
fn asking(fake: &Fake) -> GitHub {
    asking_for(fake, Duration::from_secs(10))
}

/// Asks as [`asking`], and waits so long for an answer.
fn asking_for(fake: &Fake, request: Duration) -> GitHub {
    let [head, base] = ["a", "b"].map(|digit| digit.repeat(40));
    fake.world().repository(REPO).open(REPO, 7, &head, &base);
    let millis = Duration::from_millis;
    let patience = Patience {
        connection: millis(500),
        request,
        download: Duration::from_secs(60),
        waits: vec![millis(1), millis(1), millis(1)],
        budget: Duration::from_secs(5),
    };
    let repository = Repository::parse("test", REPO).unwrap();
    GitHub::new(fake.url(), &Token::new(TOKEN), &repository, patience).unwrap()
}

#[test]
fn a_write_that_came_through_is_not_repeated() {
    for fault in [Fault::AfterWrite(502), Fault::Cut, Fault::Truncated] {
        for (method, path) in [("POST", COMMENTS), ("POST", "/check-runs")] {
            let (place, fake) = (place(), fake());
            let pull = change(&place, EVIL);
            fake.fault(Match::new(method, path), fault.clone());
            opened(&place, &fake, &pull).run().exits(1);
            assert_eq!(comments(&fake).len(), 1, "{path}");
            assert_eq!(conclusions(&fake, &pull.head), ["failure"], "{path}");
        }
    }
}

#[test]
fn annotations_come_once_whether_or_not_the_first_try_came_through() {
    for fault in [Fault::AfterWrite(500), Fault::status(502)] {
        let (place, fake) = (place(), fake());
        let names: Vec<String> = (0..120).map(|n| format!("evil-{n:03}")).collect();
        let crates: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.0.0")).collect();
        let pull = change(&place, &crates);
        fake.fault(Match::new("PATCH", "/check-runs/"), fault);
        opened(&place, &fake, &pull).run().exits(1);
        let mut world = fake.world();
        let check = world.repository(REPO).checks.values().next().unwrap();
        assert_eq!(check.annotations.len(), 120);
    }
}

#[test]
fn a_write_that_did_not_come_through_is_repeated() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    fake.fault(Match::new("POST", COMMENTS), Fault::status(502));
    fake.fault(Match::new("POST", "/check-runs"), Fault::Reset);
    opened(&place, &fake, &pull).run().exits(1);
    assert_eq!(comments(&fake).len(), 1);
    assert_eq!(conclusions(&fake, &pull.head), ["failure"]);
}

/// What cannot be told for a fault of GitHub's changes no verdict, and is no success either.
#[test]
fn a_sink_that_stays_broken_makes_a_pass_an_error_and_leaves_a_failure() {
    for (crates, status) in [(SOUND, 2), (EVIL, 1)] {
        let (place, fake) = (place(), fake());
        let pull = change(&place, crates);
        fake.faults(10, Match::new("POST", "/check-runs"), Fault::status(500));
        let done = opened(&place, &fake, &pull).run().exits(status);
        assert!(done.log.contains("::warning title=cargo weft::the check run is not written"));
        let verdict = if status == 2 { "passed" } else { "failed" };
        assert_eq!(done.output("verdict"), verdict);
        assert!(!done.summary.is_empty());
    }
}

#[test]
fn no_fault_makes_a_failure_pass() {
    let faults = [
        Fault::status(400),
        Fault::status(401),
        Fault::status(403),
        Fault::status(404),
        Fault::status(410),
        Fault::status(418),
        Fault::status(422),
        Fault::Redirect("https://example.org/".to_owned()),
    ];
    for fault in faults {
        let (place, fake) = (place(), fake());
        let pull = change(&place, EVIL);
        fake.faults(50, Match::new("*", "/"), fault);
        let done = opened(&place, &fake, &pull).run().exits(1);
        assert_eq!(done.output("verdict"), "failed");
        assert!(conclusions(&fake, &pull.head).is_empty());
    }
}

#[test]
fn a_revoked_token_is_an_error_and_a_forbidden_place_is_none() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    fake.world().revoke(TOKEN);
    let done = opened(&place, &fake, &pull).run().exits(2);
    assert!(done.log.contains("it knows no such token"), "{}", done.log);
    assert!(conclusions(&fake, &pull.head).is_empty());

    let fake = self::fake();
    fake.fault(Match::new("POST", "/check-runs"), Fault::status(403));
    opened(&place, &fake, &pull).run().exits(0);
}

#[test]
fn limits_are_obeyed_as_long_as_a_job_can_wait() {
    let fake = fake();
    let github = asking(&fake);
    fake.world().comment(REPO, 7, "octocat", "x");
    fake.fault(Match::new("GET", COMMENTS), Fault::SecondaryLimit { retry_after: 1 });
    let started = std::time::Instant::now();
    github.get("/issues/7/comments").unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    // An hour is more than a job has, so it does not wait at all.
    fake.faults(9, Match::new("GET", COMMENTS), Fault::SecondaryLimit { retry_after: 3600 });
    let before = fake.exchanges().len();
    let failure = github.get("/issues/7/comments").unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert_eq!(fake.exchanges().len(), before + 1);
}

#[test]
fn a_limit_that_names_its_end_is_obeyed_too() {
    let fake = fake();
    let github = asking(&fake);
    let reset = jiff::Timestamp::now().as_second() + 2;
    let headers =
        vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset.to_string())];
    let body = r#"{"message":"API rate limit exceeded"}"#.to_owned();
    fake.fault(Match::new("GET", COMMENTS), Fault::Status { code: 429, headers, body });
    github.get("/issues/7/comments").unwrap();
    assert!(jiff::Timestamp::now().as_second() >= reset);
}

#[test]
fn tries_end_and_hanging_answers_are_given_up() {
    let fake = fake();
    let github = asking_for(&fake, Duration::from_millis(400));
    for fault in [
        Fault::status(500),
        Fault::status(503),
        Fault::Reset,
        Fault::Cut,
        Fault::Truncated,
        Fault::Hang(Duration::from_secs(2)),
    ] {
        let before = github.calls();
        // Every try fails, and after the last one nothing is left of the fault.
        fake.faults(4, Match::new("GET", COMMENTS), fault);
        let failure = github.get("/issues/7/comments").unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_) | Failure::Fault(_)), "{failure}");
        assert_eq!(github.calls() - before, 4);
        github.get("/issues/7/comments").unwrap();
    }
}

#[test]
fn an_answer_of_any_size_is_bounded_and_a_list_without_end_is_left() {
    let fake = fake();
    let github = asking(&fake);
    let body = format!("[\"{}\"]", "x".repeat(17 << 20));
    fake.fault(Match::new("GET", COMMENTS), Fault::Status { code: 200, headers: vec![], body });
    let failure = github.get("/issues/7/comments").unwrap_err();
    assert!(failure.to_string().contains("larger than"), "{failure}");

    let page = format!("[{}]", vec!["{}"; 100].join(","));
    let next = format!("<{}/repos/{REPO}/issues/7/comments?page=2>; rel=\"next\"", fake.url());
    let again = Fault::Status { code: 200, headers: vec![("link", next)], body: page };
    fake.faults(40, Match::new("GET", COMMENTS), again);
    let failure = github.list("/issues/7/comments", None, |_| true).unwrap_err();
    assert!(failure.to_string().contains("more than 3000 entries"), "{failure}");
    // Nor does a list go on where the token must not be shown.
    let next = "<https://example.org/repos/octo/widget>; rel=\"next\"".to_owned();
    let elsewhere = Fault::Status { code: 200, headers: vec![("link", next)], body: "[]".into() };
    fake.fault(Match::new("GET", COMMENTS), elsewhere);
    let failure = github.list("/issues/7/comments", None, |_| true).unwrap_err();
    assert!(failure.to_string().contains("is not followed"), "{failure}");
}

#[test]
fn a_second_try_looks_first_and_a_client_error_has_none() {
    let fake = fake();
    let github = asking(&fake);
    fake.fault(Match::new("POST", COMMENTS), Fault::status(502));
    let looked = std::cell::Cell::new(0);
    let find = || {
        looked.set(looked.get() + 1);
        Ok(None)
    };
    let body = json!({"body": "x"});
    github.write(Method::POST, "/issues/7/comments", &body, find).unwrap();
    assert_eq!((looked.get(), comments(&fake).len()), (1, 1));
    fake.fault(Match::new("POST", COMMENTS), Fault::status(422));
    github.write(Method::POST, "/issues/7/comments", &body, find).unwrap_err();
    assert_eq!((looked.get(), comments(&fake).len()), (1, 1));
}

/// The process ends between two writes: the job has failed, and the next run finds what was left.
#[test]
fn a_run_that_is_killed_fails_and_the_next_one_heals_the_comment() {
    let (place, fake) = (place(), fake());
    let bad = change(&place, EVIL);
    opened(&place, &fake, &bad).run().exits(1);
    let good = change(&place, SOUND);
    let job = opened(&place, &fake, &good);
    fake.fault(Match::new("PATCH", "/issues/comments/"), Fault::Hang(Duration::from_secs(20)));
    let before = fake.exchanges().len();
    let mut child = job.start();
    while fake.exchanges().len() < before + 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success() && status.code().is_none(), "{status}");
    assert!(job.left().is_empty(), "nothing is said to have passed: {:?}", job.left());
    assert!(conclusions(&fake, &good.head).is_empty());

    let fake = healed(fake);
    opened(&place, &fake, &good).run().exits(0);
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("### cargo weft: passed") && comment.contains(&good.head));
}

/// Takes over what a GitHub holds, without its faults.
fn healed(fake: Fake) -> Fake {
    let world = std::mem::take(&mut *fake.world());
    Fake::start(world)
}

#[test]
fn a_second_comment_of_ours_is_taken_away() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    opened(&place, &fake, &pull).run().exits(1);
    let body = comments(&fake).remove(0);
    fake.world().comment(REPO, 7, crate::fake::world::BOT, &body);
    opened(&place, &fake, &pull).run().exits(1);
    assert_eq!(comments(&fake).len(), 1);
}

#[test]
fn what_cannot_be_judged_is_an_error_that_corrects_the_comment() {
    let (place, fake) = (place(), fake());
    let bad = change(&place, EVIL);
    opened(&place, &fake, &bad).run().exits(1);
    let pull = place.pull("change", &[("weft.toml", ""), ("Cargo.lock", "version = ")]);
    place.git(&["checkout", "--quiet", &pull.base]);
    let done = opened(&place, &fake, &pull).run().exits(2);
    assert_eq!(done.output("verdict"), "error");
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("### cargo weft: not judged"), "{comment}");
    assert!(comment.contains(&pull.head), "{comment}");
    assert!(done.summary.contains("not judged"), "{}", done.summary);
    // Nor does an earlier success on the commit stand.
    assert_eq!(conclusions(&fake, &pull.head), ["failure"]);
}

#[test]
fn a_file_that_cannot_be_written_hides_nothing() {
    for (crates, status) in [(SOUND, 2), (EVIL, 1)] {
        let (place, fake) = (place(), fake());
        let pull = change(&place, crates);
        let nowhere = place.path("nowhere/report.json").display().to_string();
        let done = opened(&place, &fake, &pull).with("report-file", nowhere).run().exits(status);
        assert!(done.log.contains("failed to write"), "{}", done.log);
        assert_eq!(conclusions(&fake, &pull.head).len(), 1);
    }
}
