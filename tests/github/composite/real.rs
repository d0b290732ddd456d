//! The program itself, run by `action.yml` in a checkout, against a GitHub of our own.

use std::fs;

use super::runner::{Done, Job};
use crate::fake::Fake;
use crate::payload;
use crate::runner::{Place, Pull, REPO, TOKEN};
use crate::sample::{EVIL, SOUND, change, comments, conclusions, fake, place};

/// Runs the action about the pull request 7, with inputs.
fn judge(place: &Place, fake: &Fake, pull: &Pull, inputs: &[(&str, &str)]) -> Done {
    fake.world().repository(REPO).open(REPO, 7, &pull.head, &pull.base);
    fake.world().repository(REPO).commit(&pull.merge, &[], &[]);
    let job = Job::new();
    let event = job.path("event.json");
    let payload = payload::pull_request(REPO, 7, &pull.head, &pull.base);
    fs::write(&event, payload.to_string()).unwrap();
    let variables = [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
        ("GITHUB_REF", "refs/pull/7/merge"),
        ("GITHUB_REPOSITORY", REPO),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_SHA", &pull.merge),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let job = job
        .workspace(place.tree())
        .github("token", TOKEN)
        .github("api_url", fake.url())
        .input("binary", env!("CARGO_BIN_EXE_weft-action"));
    let job = variables.into_iter().fold(job, |job, (name, value)| job.variable(name, value));
    let job = inputs.iter().fold(job, |job, (name, value)| job.input(name, *value));
    let mut done = job.done();
    // What it left in the temporary directory goes with the job.
    for name in ["report-json", "report-markdown", "sarif"] {
        let text = fs::read_to_string(&done.outputs[name]).unwrap_or_default();
        done.outputs.insert(name.to_owned(), text);
    }
    done
}

#[test]
fn a_pull_request_is_judged_and_told() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let done = judge(&place, &fake, &pull, &[("sarif-upload", "true")]).exits(1);
    assert_eq!(done.outputs["verdict"], "failed");
    assert_eq!(done.outputs["audited-sha"], pull.merge);
    assert_eq!(done.outputs["base-sha"], pull.base);
    assert!(done.outputs["report-json"].contains("ban/package"));
    assert!(done.outputs["report-markdown"].contains("cargo weft: failed"));
    assert!(done.outputs["sarif"].contains("\"2.1.0\""));
    assert!(done.steps[1].summary.contains("cargo weft: failed"));
    assert_eq!(comments(&fake).len(), 1);
    assert_eq!(conclusions(&fake, &pull.head), ["failure"]);
    assert!(!done.log().contains(TOKEN));
    assert!(done.steps.iter().all(|step| step.left.is_empty()));

    let pull = change(&place, SOUND);
    let done = judge(&place, &fake, &pull, &[]).exits(0);
    assert_eq!(done.outputs["verdict"], "passed");
    assert_eq!(conclusions(&fake, &pull.head), ["success"]);
}

#[test]
fn without_a_connection_a_pull_request_is_judged_all_the_same() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, EVIL);
    let done = judge(&place, &fake, &pull, &[("offline", "true")]).exits(1);
    assert_eq!(done.outputs["verdict"], "failed");
    assert!(done.steps[1].summary.contains("cargo weft: failed"));
    assert!(fake.exchanges().is_empty());
}

#[test]
fn an_input_that_is_not_understood_is_2() {
    let (place, fake) = (place(), fake());
    let pull = change(&place, SOUND);
    for (input, value) in [
        ("mode", "audits"),
        ("fail-on", "nothing"),
        ("comment", "$(touch sentinel)"),
        ("warn-only", "yes"),
        ("working-directory", "../home"),
        ("category", "a\nb"),
    ] {
        let done = judge(&place, &fake, &pull, &[(input, value)]).exits(2);
        assert_eq!(done.steps.len(), 2, "{input}");
        assert_ne!(done.outputs["verdict"], "passed", "{input}");
    }
    assert!(comments(&fake).is_empty());
}
