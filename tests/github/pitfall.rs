//! The ways in which such actions have been misused, each by name.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::fake::world::BOT;
use crate::fake::{Fault, Match};
use crate::payload;
use crate::runner::{Job, REPO, TOKEN};
use crate::sample::{EVIL, SOUND, change, comments, conclusions, fake, opened, place};

/// 1: what a pull request brings is read and never run.
#[cfg(unix)]
#[test]
fn an_audit_runs_nothing_of_the_pull_request() {
    let (place, fake) = (place(), fake());
    let sentinel = place.path("ran");
    let program = format!("#!/bin/sh\ntouch {}\n", sentinel.display());
    let config = "[build]\nrustc = \"./tool\"\nrustc-wrapper = \"./tool\"\n[alias]\nweft = \"run\"\nmetadata = \"run\"\n";
    let files = crate::sample::workspace(SOUND);
    let mut files = crate::sample::all(&files);
    files.extend([
        ("tool", program.as_str()),
        ("git", &program),
        ("cargo", &program),
        ("bin/cargo", &program),
        ("build.rs", "fn main() { std::fs::write(\"../ran\", \"\").unwrap() }"),
        (".cargo/config.toml", config),
        ("rust-toolchain.toml", "[toolchain]\npath = \".\"\n"),
        (".gitattributes", "* filter=evil diff=evil\n"),
    ]);
    place.git(&["checkout", "--quiet", "main"]);
    let pull = place.pull("change", &files);
    for name in ["tool", "git", "cargo", "bin/cargo"] {
        use std::os::unix::fs::PermissionsExt;
        let path = place.tree().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // With everything that is downloaded, by the cargo of this machine; nothing is there to be had.
    let nothing =
        format!("[url \"file://{}/\"]\ninsteadOf = https://\n", place.path("none").display());
    place.write(&[("../gitconfig", &nothing)]);
    for fetch in ["false", "true"] {
        let job =
            opened(&place, &fake, &pull).with("fetch", fetch).env("CARGO_NET_OFFLINE", "true");
        let config = place.path("gitconfig").display().to_string();
        let done = job.env("GIT_CONFIG_GLOBAL", config).run();
        assert_eq!(done.report()["judged"], *pull.merge, "{}\n{}", done.log, done.stderr);
        assert!(!sentinel.exists(), "{}", done.log);
    }
}

/// 3: beside a token that may write, of the head only objects are read, and nothing becomes a success.
#[test]
fn under_pull_request_target_only_objects_are_read_and_nothing_succeeds() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    fake.world().repository(REPO).open(REPO, 7, &pull.head, &pull.base);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    // Whatever lies in the checkout is not what is judged.
    place.git(&["checkout", "--quiet", "main"]);
    place.write(&[("Cargo.lock", "poison"), ("Cargo.toml", "[package"), ("weft.toml", "poison")]);
    let job = || Job::new(&place, &fake, "pull_request_target", &event, &pull.base);
    let done = job().run().exits(1);
    assert_eq!(done.output("audited-sha"), pull.head);
    assert_eq!(conclusions(&fake, &pull.head), ["failure"]);
    job().with("mode", "gate-merge").run().exits(2);

    place.git(&["checkout", "--quiet", "--force", "main"]);
    let pull = change(&place, SOUND);
    place.git(&["checkout", "--quiet", "main"]);
    fake.world().repository(REPO).open(REPO, 7, &pull.head, &pull.base);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let job = Job::new(&place, &fake, "pull_request_target", &event, &pull.base);
    job.with("sarif-upload", "true").run().exits(0);
    assert_eq!(conclusions(&fake, &pull.head), ["neutral"]);
    assert!(fake.world().repository(REPO).sarifs.is_empty());
}

/// 4: a pull request that weakens the policy is judged by the base's, and what it changes is told.
#[test]
fn the_policy_of_the_head_counts_for_nothing_and_its_change_is_told() {
    let (place, fake) = (place(), fake());
    let files = crate::sample::workspace(EVIL);
    let mut files = crate::sample::all(&files);
    files.push((
        "weft.toml",
        "schema = 1\nprofile = \"local\"\n[checks]\n\"ban/package\" = \"off\"\n",
    ));
    files.push((".weft/exemptions.toml", "schema = 1\n[[exemption]]\ncode = \"ban/package\"\nsubject = \"pkg:cargo/evil@1.0.0\"\nreason = \"r\"\nowner = \"a\"\napprover = \"b\"\nexpires = 2027-01-01\n"));
    let pull = place.pull("change", &files);
    let done = opened(&place, &fake, &pull).run().exits(1);
    let comment = comments(&fake).remove(0);
    for text in [&comment, &done.summary] {
        assert!(text.contains("`ban/package`"), "{text}");
        assert!(text.contains("Changes of the rules themselves"), "{text}");
        assert!(text.contains("weft\\.toml") && text.contains("exemptions\\.toml"), "{text}");
    }
    // Nor does a policy of the tree count because the workflow is led to it.
    let job = opened(&place, &fake, &pull).with("policy", "weft.toml");
    let done = job.run();
    assert_ne!(done.status, Some(0), "{}", done.log);
}

/// 4: where the base says who changes the rules, a change of nothing else needs their signatures.
#[test]
fn a_change_of_the_rules_needs_the_quorum_of_the_base() {
    let (place, fake) = (place(), fake());
    fs::create_dir(place.path("keys")).unwrap();
    let run = |line: &str| crate::release::weft(&place, line);
    run("key new alice --output ../keys/alice.key --passphrase-env PASS");
    run("role init --name alice --key ../keys/alice.pub --role rules");
    run("role propose --output ../roles.json");
    run("role attest ../roles.json --key ../keys/alice.key --passphrase-env PASS");
    run("role commit ../roles.json");
    place.commit(&[]);
    let stricter = format!("{}\n[checks]\n\"source/replaced\" = \"deny\"\n", crate::sample::POLICY);
    let pull = place.pull("change", &[("weft.toml", &stricter)]);
    let done = opened(&place, &fake, &pull).run().exits(1);
    for text in [&comments(&fake)[0], &done.summary] {
        assert!(text.contains("`rule/unapproved`"), "{text}");
    }
    place.git(&["checkout", "--quiet", "change"]);
    run("sign --rules --base main --key ../keys/alice.key --passphrase-env PASS");
    place.commit(&[]);
    let merge = place.try_merge("change");
    let head = place.git(&["rev-parse", "change"]);
    let approved = crate::runner::Pull { base: pull.base, head, merge };
    opened(&place, &fake, &approved).run().exits(0);
    let comment = comments(&fake).remove(0);
    assert!(comment.contains("### cargo weft: passed"), "{comment}");
    assert!(comment.contains("`rule/changed`") && !comment.contains("`rule/unapproved`"));
}

/// 4: nor do advisories of the tree count, nor does a link of it lead what is written elsewhere.
#[cfg(unix)]
#[test]
fn what_judges_and_what_is_written_lies_where_the_pull_request_does_not_reach() {
    let (place, fake) = (place(), fake());
    place.git(&["checkout", "--quiet", "main"]);
    std::os::unix::fs::symlink("../elsewhere", place.tree().join("out")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", place.tree().join("db")).unwrap();
    fs::create_dir_all(place.path("elsewhere/crates")).unwrap();
    let pull = place.pull("change", &[("advisory-db/crates/.keep", "")]);
    for (input, value) in [
        ("advisory-db", "advisory-db"),
        ("advisory-db", "db"),
        ("advisory-db", "nowhere"),
        ("policy", "weft.toml"),
        ("report-file", "x/../report.json"),
        ("report-file", "out/report.json"),
        ("sarif-file", "out/weft.sarif"),
    ] {
        let done = opened(&place, &fake, &pull).with(input, value).run().exits(2);
        assert!(done.stderr.contains(input), "{}", done.stderr);
    }
    assert_eq!(fs::read_dir(place.path("elsewhere")).unwrap().count(), 1);
}

/// 5: what moves while it is judged is not said to have passed.
#[test]
fn a_head_that_moves_during_the_run_is_no_success() {
    type Move = fn(&mut crate::fake::world::Pull);
    let moves: [Move; 2] =
        [|pull| pull.head_sha = "f".repeat(40), |pull| pull.base_ref = "release".to_owned()];
    for change_of in moves {
        let (place, fake) = (place(), fake());
        let pull = change(&place, SOUND);
        let job = opened(&place, &fake, &pull).with("comment", "always");
        fake.on(Match::new("GET", "/pulls/7"), move |world| {
            change_of(world.repository(REPO).pulls.get_mut(&7).unwrap());
        });
        let done = job.run().exits(3);
        assert_eq!(done.output("verdict"), "inconclusive");
        assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    }
}

/// 5: nor is a test merge that is not of this event.
#[test]
fn a_checkout_that_is_not_the_events_is_refused() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    let job = opened(&place, &fake, &pull);
    // The event's commit is there, and another one is checked out.
    place.git(&["checkout", "--quiet", "main"]);
    let done = job.run().exits(2);
    assert!(done.stderr.contains("is checked out"), "{}", done.stderr);
    // What was checked out merges another head.
    let other = change(&place, EVIL);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let done = Job::new(&place, &fake, "pull_request", &event, &other.merge).run().exits(2);
    assert!(done.stderr.contains("the event is about"), "{}", done.stderr);
    // Too little was fetched.
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let done = Job::new(&place, &fake, "pull_request", &event, &"9".repeat(40)).run().exits(2);
    assert!(done.stderr.contains("fetch-depth"), "{}", done.stderr);
    assert!(!conclusions(&fake, &pull.head).contains(&"success".to_owned()));
}

/// 5: a tree that is not as its commit is no pass.
#[test]
fn a_work_tree_that_was_tampered_with_is_no_pass() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let job = opened(&place, &fake, &pull);
    let sound = crate::sample::workspace(SOUND);
    place.write(&crate::sample::all(&sound));
    let done = job.run().exits(1);
    assert!(done.summary.contains("is not as the commit has it"), "{}", done.summary);
}

/// 7: what earlier runs left says nothing.
#[test]
fn nothing_of_an_earlier_run_is_believed() {
    let (place, fake) = (place(), fake());
    let good = change(&place, SOUND);
    let earlier = opened(&place, &fake, &good).run().exits(0);
    let bad = change(&place, EVIL);
    let clean = opened(&place, &fake, &bad).run().exits(1);
    let job = opened(&place, &fake, &bad);
    let temp = job.directory().join("temp/weft-cache");
    fs::create_dir(&temp).unwrap();
    for name in ["weft-report.json", "weft.sarif", "verdict"] {
        fs::copy(earlier.output("report-json"), temp.join(name)).unwrap();
    }
    fs::create_dir_all(place.path("home/registry/index/poison")).unwrap();
    fs::write(place.path("home/registry/index/poison/config.json"), "poison").unwrap();
    let done = job.run().exits(1);
    assert_eq!(done.report()["verdict"]["findings"], clean.report()["verdict"]["findings"]);
    assert_eq!(done.report()["outcome"], "failed");
}

/// 9: no value can end another, or become one.
#[test]
fn outputs_cannot_be_smuggled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    let values = [
        ("verdict", "failed"),
        ("a", "x\nverdict=passed"),
        ("b", "verdict<<EOF\npassed\nEOF"),
        ("c", "\n\nweft-\n<<\n="),
        ("d", "weft-0123\nverdict=passed\nweft-0123"),
        ("e", ""),
        ("f", "\rverdict=passed\r\n"),
    ];
    let given: Vec<(&str, String)> = values.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    weft_action::sink::output::outputs(&path, &given).unwrap();
    let read = crate::runner::outputs(&fs::read_to_string(&path).unwrap());
    assert_eq!(read.len(), values.len());
    for (name, value) in values {
        assert_eq!(read[name], value);
    }
}

/// 12: a marker makes no comment ours; the author does.
#[test]
fn a_comment_of_somebody_else_with_our_marker_is_not_touched() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let forged = "<!-- cargo-weft: cargo-weft -->\n### cargo weft: passed\n";
    for author in ["mallory", "github-actions", "github-actions-bot"] {
        fake.world().comment(REPO, 7, author, forged);
    }
    // And one of the bot's that only quotes the marker.
    fake.world().comment(REPO, 7, BOT, &format!("> {forged}"));
    opened(&place, &fake, &pull).run().exits(1);
    let all = comments(&fake);
    assert_eq!(all.iter().filter(|body| *body == forged).count(), 3);
    assert_eq!(all.len(), 5);
    assert!(all[4].contains("### cargo weft: failed"));
}

/// 12: a person's token writes as that person, and not as a bot of a like name.
#[test]
fn a_comment_is_known_by_the_author_that_the_workflow_names() {
    let (place, fake) = (place(), fake());
    let permissions = crate::runner::PERMISSIONS;
    fake.world().grant("pat", "octocat", REPO, &permissions);
    let pull = change(&place, EVIL);
    for _ in 0..2 {
        let job = opened(&place, &fake, &pull).with("token", "pat");
        job.with("comment-author", "Octocat").run().exits(1);
    }
    assert_eq!(comments(&fake).len(), 1);
    // Line ends may come back as a form has them.
    {
        let mut world = fake.world();
        let comment = world.repository(REPO).comments.values_mut().next().unwrap();
        comment.body = comment.body.replace('\n', "\r\n");
    }
    let before = fake.writes().len();
    let job = opened(&place, &fake, &pull).with("token", "pat").with("check-run", "false");
    job.with("comment-author", "octocat").run().exits(1);
    assert_eq!(fake.writes().len(), before);
    // Another author than the workflow names would write anew each time.
    let job = opened(&place, &fake, &pull).with("token", "pat").with("category", "two");
    let done = job.run().exits(1);
    assert!(
        done.log.contains("say `comment-author%3A octocat`")
            || done.log.contains("say `comment-author: octocat`"),
        "{}",
        done.log
    );
    assert_eq!(comments(&fake).len(), 1);
}

/// 5: a test merge into the branch that a pull request was for before is not judged by that branch's rules.
#[test]
fn a_pull_request_that_was_led_elsewhere_is_not_judged_by_the_branch_before() {
    let (place, fake) = (place(), fake());
    place.git(&["checkout", "--quiet", "main"]);
    let weak = "schema = 1\nprofile = \"local\"\n";
    place.git(&["checkout", "--quiet", "-B", "lax"]);
    place.commit(&[("weft.toml", weak)]);
    place.git(&["checkout", "--quiet", "main"]);
    let main = place.commit(&[("readme", "newer")]);
    place.git(&["checkout", "--quiet", "-B", "change", "lax"]);
    let files = crate::sample::workspace(EVIL);
    let head = place.commit(&crate::sample::all(&files));
    place.git(&["checkout", "--quiet", "--detach", "lax"]);
    place.git(&["merge", "--quiet", "--no-ff", "--message", "x", "change"]);
    let merge = place.head();
    let led = crate::runner::Pull { base: main, head, merge };
    let done = opened(&place, &fake, &led).run().exits(2);
    assert!(done.stderr.contains("led to another branch"), "{}", done.stderr);
}

/// 13: the token goes to GitHub's API, and nowhere else.
#[test]
fn the_token_is_sent_nowhere_else_and_stands_in_no_argument() {
    let (place, fake) = (place(), fake());
    let other = self::fake();
    let pull = change(&place, SOUND);
    let to = format!("{}/repos/{REPO}/pulls/7", other.url());
    fake.faults(9, Match::new("GET", "/pulls/7"), Fault::Redirect(to));
    let done = opened(&place, &fake, &pull).run().exits(2);
    assert!(other.exchanges().is_empty(), "{:?}", other.exchanges());
    for text in [&done.log, &done.stderr, &done.summary] {
        assert!(!text.contains(TOKEN));
    }

    let fake = self::fake();
    fake.fault(Match::new("GET", "/pulls/7"), Fault::Hang(Duration::from_secs(2)));
    let job = opened(&place, &fake, &pull);
    let mut child = job.start();
    while fake.exchanges().is_empty() && child.try_wait().unwrap().is_none() {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&line).contains(TOKEN));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(child.wait().unwrap().success());
}

/// 14: an event that is odd, or of another repository, is an error and never a pass.
#[test]
fn what_is_odd_is_an_error_and_never_a_pass() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    let event = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    let without = |pointer: &str, member: &str| {
        let mut event = event.clone();
        event.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(member);
        event
    };
    let with = |pointer: &str, value: serde_json::Value| {
        let mut event = event.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    for odd in [
        json!({}),
        json!(null),
        json!([]),
        without("", "repository"),
        without("", "pull_request"),
        without("/pull_request", "number"),
        without("/pull_request/head", "sha"),
        without("/pull_request/base", "ref"),
        with("/repository/full_name", json!("eve/widget")),
        with("/pull_request/head/sha", json!("main")),
        with("/pull_request/head/sha", json!(payload::ZERO)),
        with("/pull_request/head/sha", json!(null)),
        with("/pull_request/number", json!("7")),
    ] {
        let done = Job::new(&place, &fake, "pull_request", &odd, &pull.merge).run().exits(2);
        assert_eq!(done.output("verdict"), "error", "{odd}");
    }
    for name in ["issue_comment", "check_run", "", "pull_request\n"] {
        let job = Job::new(&place, &fake, "pull_request", &event, &pull.merge);
        job.env("GITHUB_EVENT_NAME", name).run().exits(2);
    }
    for name in [
        "GITHUB_API_URL",
        "GITHUB_EVENT_PATH",
        "GITHUB_REF",
        "GITHUB_REPOSITORY",
        "GITHUB_RUN_ATTEMPT",
        "GITHUB_RUN_ID",
        "GITHUB_SERVER_URL",
        "GITHUB_SHA",
        "GITHUB_WORKSPACE",
        "RUNNER_TEMP",
    ] {
        for value in ["", "odd value\n"] {
            let job = Job::new(&place, &fake, "pull_request", &event, &pull.merge);
            let done = job.env(name, value).run();
            let may_pass = name == "GITHUB_REF" && !value.is_empty();
            assert!(done.status == Some(2) || may_pass, "{name}: {:?}\n{}", done.status, done.log);
        }
    }
    for (input, value) in [
        ("mode", "Audit"),
        ("fail-on", "off"),
        ("warn-only", "yes"),
        ("working-directory", "nowhere"),
        ("working-directory", "../../.."),
        ("base", "--output=x"),
        ("base", "nowhere"),
        ("policy", "nowhere.toml"),
        ("policy-ref", "nowhere"),
        ("precision", "metadata"),
        ("api-url", "http://example.org"),
        ("token", "two words"),
    ] {
        let done = opened(&place, &fake, &pull).with(input, value).run();
        assert_eq!(done.status, Some(2), "{input}={value}\n{}\n{}", done.log, done.stderr);
    }
    assert!(!conclusions(&fake, &pull.head).contains(&"success".to_owned()));
}

/// 14: a base that cannot be read is no base that has nothing.
#[test]
fn a_base_that_cannot_be_read_is_an_error() {
    let place = place();
    place.commit(&[("weft.toml", "profile = ")]);
    let fake = fake();
    let pull = place.pull("change", &crate::sample::all(&crate::sample::workspace(SOUND)));
    let done = opened(&place, &fake, &pull).run().exits(2);
    assert_eq!(done.output("verdict"), "error");
    assert!(!conclusions(&fake, &pull.head).contains(&"success".to_owned()));
}
