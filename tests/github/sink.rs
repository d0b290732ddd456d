//! What is told, where, and that it stays true.

use serde_json::json;

use crate::fake::Fake;
use crate::payload;
use crate::runner::{Job, Place, REPO, TOKEN};
use crate::sample::{EVIL, SOUND, change, comments, conclusions, fake, opened, opened_by, place};

fn count(fake: &Fake, method: &str) -> usize {
    fake.writes().iter().filter(|exchange| exchange.method == method).count()
}

#[test]
fn a_banned_crate_is_told_everywhere_in_at_most_twelve_calls() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let job = opened(&place, &fake, &pull).with("sarif-upload", "true");
    let done = job.run().exits(1);
    assert_eq!(done.output("verdict"), "failed");
    assert_eq!(done.output("audited-sha"), pull.merge);
    assert_eq!(done.output("base-sha"), pull.base);
    let counts: serde_json::Value = serde_json::from_str(done.output("counts")).unwrap();
    assert_eq!(counts["deny"], 1);
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.starts_with("<!-- cargo-weft: cargo-weft -->\n### cargo weft: failed\n"));
    assert!(comment.contains("| deny | `ban/package` "), "{comment}");
    assert!(comment.contains("`Cargo.toml:8`"), "{comment}");
    assert!(done.summary.contains("### cargo weft: failed"), "{}", done.summary);
    assert!(done.output("comment-url").contains("#issuecomment-"), "{:?}", done.outputs);
    assert_eq!(conclusions(&fake, &pull.head), ["failure"]);
    {
        let mut world = fake.world();
        let repository = world.repository(REPO);
        let check = repository.checks.values().next().unwrap();
        assert_eq!(check.annotations[0]["path"], "Cargo.toml");
        assert_eq!(check.annotations[0]["start_line"], 8);
        let sarif = repository.sarifs.values().next().unwrap();
        assert_eq!(sarif.content["runs"][0]["automationDetails"]["id"], "cargo-weft/");
        assert_eq!(sarif.commit_sha, pull.merge);
    }
    // What is beside the line is not in the log a second time.
    assert!(!done.log.contains("::error file="), "{}", done.log);
    let report = done.report();
    assert_eq!(report["head"], *pull.head);
    assert_eq!(report["lockfiles"].as_array().unwrap().len(), 2);
    let calls = fake.exchanges().len();
    println!("{calls} calls, {} s", done.seconds);
    assert!(calls <= 12, "{calls}");
    assert!(fake.unknown().is_empty(), "{:?}", fake.unknown());
}

#[test]
fn a_comment_is_made_once_kept_true_and_resolved() {
    let (place, fake) = (place(), fake());
    // Silent while nothing is to be told.
    let pull = change(&place, SOUND);
    opened(&place, &fake, &pull).run().exits(0);
    assert!(comments(&fake).is_empty());
    assert_eq!(conclusions(&fake, &pull.head), ["success"]);

    let bad = change(&place, EVIL);
    opened(&place, &fake, &bad).run().exits(1);
    opened(&place, &fake, &bad).run().exits(1);
    assert_eq!(comments(&fake).len(), 1);

    let pull = change(&place, SOUND);
    opened(&place, &fake, &pull).run().exits(0);
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("### cargo weft: passed"), "{comment}");
    assert!(comment.contains(&pull.head), "{comment}");
    assert_eq!(count(&fake, "DELETE"), 0);
}

#[test]
fn a_comment_is_made_always_or_never_if_the_workflow_says_so() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    opened(&place, &fake, &pull).with("comment", "always").run().exits(0);
    assert_eq!(comments(&fake).len(), 1);
    let bad = change(&place, EVIL);
    opened(&place, &fake, &bad).with("comment", "never").run().exits(1);
    assert!(comments(&fake)[0].contains("passed"));
}

#[test]
fn categories_have_a_comment_and_a_check_run_each() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    for category in ["one", "two", "one"] {
        opened(&place, &fake, &pull).with("category", category).run().exits(1);
    }
    let bodies = comments(&fake);
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].starts_with("<!-- cargo-weft: one -->"));
    assert!(bodies[1].starts_with("<!-- cargo-weft: two -->"));
    let mut world = fake.world();
    let checks = world.repository(REPO).checks.values();
    let names: Vec<&str> = checks.map(|check| check.members["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "two", "one"]);
}

#[test]
fn more_annotations_than_one_request_takes_are_added() {
    let (place, fake) = (place(), fake());
    let names: Vec<String> = (0..120).map(|n| format!("evil-{n:03}")).collect();
    let crates: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.0.0")).collect();
    let pull = change(&place, &crates);
    let done = opened(&place, &fake, &pull).run().exits(1);
    let mut world = fake.world();
    let repository = world.repository(REPO);
    let check = repository.checks.values().next().unwrap();
    assert_eq!(check.annotations.len(), 120);
    assert_eq!(repository.checks.len(), 1);
    let comment = repository.comments.values().next().unwrap();
    assert_eq!(comment.body.matches("\n| deny |").count(), 10);
    assert!(comment.body.contains("110 more are in the job summary."), "{}", comment.body);
    assert!(done.summary.contains("evil-049"), "{}", done.summary);
}

#[test]
fn a_token_that_only_reads_falls_back_to_summary_and_log() {
    let (place, fake) = (place(), fake());
    fake.world().make_read_only(TOKEN);
    let pull = change(&place, EVIL);
    let job = opened_by(&place, &fake, &pull, |event| payload::from_fork(event, "eve/widget", 99));
    let done = job.with("sarif-upload", "true").run().exits(1);
    assert!(comments(&fake).is_empty());
    for what in
        ["the comment is not written", "the check run is not written", "SARIF is not written"]
    {
        assert!(done.log.contains(&format!("::notice title=cargo weft::{what}")), "{}", done.log);
    }
    assert!(done.log.contains("::error file=Cargo.toml,line=8,"), "{}", done.log);
    assert!(done.summary.contains("evil"), "{}", done.summary);
    // It says the same of a change that passes.
    let pull = change(&place, SOUND);
    let job = opened_by(&place, &fake, &pull, |event| payload::from_fork(event, "eve/widget", 99));
    job.run().exits(0);
}

#[test]
fn warn_only_lets_the_job_pass_and_says_so_loudly_everywhere() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let done = opened(&place, &fake, &pull).with("warn-only", "true").run().exits(0);
    assert_eq!(done.output("verdict"), "failed");
    for text in [&comments(&fake)[0], &done.summary] {
        assert!(text.contains("**Warn only**: the job passes all the same"), "{text}");
    }
    assert!(done.log.contains("::warning title=cargo weft%3A warn only::failed"), "{}", done.log);
    assert_eq!(conclusions(&fake, &pull.head), ["neutral"]);
    let mut world = fake.world();
    let check = world.repository(REPO).checks.values().next().unwrap();
    let summary = check.members["output"]["summary"].as_str().unwrap();
    assert!(summary.contains("**Warn only**"), "{summary}");
}

#[test]
fn fail_on_fails_what_the_policy_only_warns_of_and_never_the_other_way() {
    let place = place();
    place.git(&["checkout", "--quiet", "main"]);
    place.commit(&[("weft.toml", "schema = 1\nprofile = \"local\"\n[checks]\n\"ban/package\" = \"warn\"\n[bans]\nallow = [\"serde\"]\n")]);
    let pull = change(&place, EVIL);
    for (level, status) in [("deny", 0), ("warn", 1), ("note", 1)] {
        let fake = fake();
        let done = opened(&place, &fake, &pull).with("fail-on", level).run().exits(status);
        assert_eq!(done.report()["fail_on"], *level);
        let expected = if status == 0 { "success" } else { "failure" };
        assert_eq!(conclusions(&fake, &pull.head), [expected]);
    }
}

#[test]
fn paths_are_those_of_the_repository_where_the_workspace_is_below_its_top() {
    let place = Place::new(&[("readme", "")]);
    let below = |crates: &[(&str, &str)]| {
        let files = crate::sample::workspace(crates).into_iter();
        files.map(|(name, text)| (format!("rust/app/{name}"), text)).collect::<Vec<_>>()
    };
    let mut base = below(&[("serde", "1.0.0")]);
    base.push(("rust/app/weft.toml".to_owned(), crate::sample::POLICY.to_owned()));
    place.commit(&crate::sample::all(&base));
    let pull = place.pull("change", &crate::sample::all(&below(EVIL)));
    let fake = fake();
    let job = opened(&place, &fake, &pull).with("working-directory", "rust/app");
    let done = job.with("sarif-upload", "true").run().exits(1);
    let mut world = fake.world();
    let repository = world.repository(REPO);
    let check = repository.checks.values().next().unwrap();
    assert_eq!(check.annotations[0]["path"], "rust/app/Cargo.toml");
    let sarif = &repository.sarifs.values().next().unwrap().content;
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "rust/app/Cargo.toml");
    assert_eq!(done.report()["prefix"], "rust/app");
}

#[test]
fn files_that_the_workflow_names_are_written_and_the_outputs_name_the_others() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let at = |name: &str| place.path(name).display().to_string();
    let job = opened(&place, &fake, &pull).with("sarif-file", at("weft.sarif"));
    let done = job.with("report-file", at("weft.json")).run().exits(1);
    for (name, output) in [("weft.json", "report-json"), ("weft.sarif", "sarif")] {
        let given = std::fs::read(place.path(name)).unwrap();
        assert_eq!(given, std::fs::read(done.output(output)).unwrap());
    }
    let page = std::fs::read_to_string(done.output("report-markdown")).unwrap();
    assert_eq!(page, done.summary);
}

#[test]
fn offline_nothing_is_asked() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let done = opened(&place, &fake, &pull).with("offline", "true").run().exits(1);
    assert!(fake.exchanges().is_empty());
    assert!(done.log.contains("::error file=Cargo.toml"), "{}", done.log);
    let done = opened(&place, &fake, &pull).with("token", "").run().exits(1);
    assert!(fake.exchanges().is_empty());
    assert_eq!(done.output("verdict"), "failed");
}

#[test]
fn a_ghes_base_url_is_kept() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let url = format!("{}/api/v3", fake.url());
    opened(&place, &fake, &pull).with("api-url", url).run().exits(1);
    assert!(fake.exchanges().iter().all(|e| e.path.starts_with("/api/v3/repos/")));
    assert_eq!(comments(&fake).len(), 1);
}

#[test]
fn equal_runs_leave_equal_reports() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let run = || {
        let done = opened(&place, &fake, &pull).run().exits(1);
        let read = |name: &str| std::fs::read(done.output(name)).unwrap();
        [read("report-json"), read("report-markdown"), read("sarif")]
    };
    assert_eq!(run(), run());
}

#[test]
fn a_branch_is_judged_as_a_whole_and_a_group_by_its_base() {
    let (place, fake) = (place(), fake());
    let base = place.head();
    let pull = change(&place, EVIL);
    let event = payload::merge_group(REPO, &pull.merge, &pull.base);
    let done = Job::new(&place, &fake, "merge_group", &event, &pull.merge)
        .with("mode", "gate-merge")
        .run()
        .exits(1);
    assert_eq!(done.output("base-sha"), base);
    assert_eq!(conclusions(&fake, &pull.merge), ["failure"]);
    assert!(comments(&fake).is_empty());

    place.git(&["checkout", "--quiet", "main"]);
    for (event, payload) in [
        ("push", payload::push(REPO, "refs/heads/main", payload::ZERO, &base)),
        ("workflow_dispatch", payload::workflow_dispatch(REPO, "refs/heads/main", &json!({}))),
        ("schedule", payload::schedule(REPO, "0 3 * * *")),
    ] {
        let done = Job::new(&place, &fake, event, &payload, &base).run().exits(0);
        assert_eq!(done.output("base-sha"), "", "{event}");
        assert_eq!(done.output("audited-sha"), base);
    }
    assert_eq!(conclusions(&fake, &base).len(), 3);
}

/// What another entry of the queue brings is nobody's yet, and neither are its rules.
#[test]
fn a_group_is_judged_by_the_branch_and_not_by_the_entry_before_it() {
    let (place, fake) = (place(), fake());
    let files = crate::sample::workspace(EVIL);
    let mut files = crate::sample::all(&files);
    files.push(("weft.toml", "schema = 1\nprofile = \"local\"\n"));
    let first = place.pull("first", &files);
    place.git(&["checkout", "--quiet", "-B", "second", &first.merge]);
    let head = place.commit(&[("readme", "harmless")]);
    let event = payload::merge_group(REPO, &head, &first.merge);
    let job = || Job::new(&place, &fake, "merge_group", &event, &head).with("mode", "gate-merge");
    let done = job().run().exits(1);
    assert_eq!(done.output("base-sha"), first.base);
    // Without the API, the checkout says which commit the branch is at; without either, nobody does.
    job().with("offline", "true").run().exits(2);
    place.git(&["update-ref", "refs/remotes/origin/main", &first.base]);
    job().with("offline", "true").run().exits(1);
    // A branch that went another way has no such group.
    place.git(&["checkout", "--quiet", "main"]);
    place.commit(&[("other", "way")]);
    place.git(&["checkout", "--quiet", "second"]);
    job().run().exits(2);
    assert_eq!(conclusions(&fake, &head), ["failure", "failure"]);
}

/// What is judged in place of the event's commit says nothing of that.
#[test]
fn a_head_that_the_workflow_names_is_told_of_itself_alone() {
    let (place, fake) = (place(), fake());
    let good = change(&place, SOUND);
    let bad = change(&place, EVIL);
    fake.world().repository(REPO).commit(&good.head, &[], &[]);
    opened(&place, &fake, &bad).with("head", &*good.head).run().exits(0);
    assert!(conclusions(&fake, &bad.head).is_empty());
    assert_eq!(conclusions(&fake, &good.head), ["success"]);
    assert!(comments(&fake).is_empty());
}
