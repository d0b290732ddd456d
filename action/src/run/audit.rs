//! The modes `audit` and `gate-merge`: a change, or a branch, judged and told.

use cargo_weft::command::host::{self, Asked, judge};
use cargo_weft::{Error, ExitStatus};
use serde_json::{Value, json};
use weft_gate::Outcome;

use super::{Desk, Notices, complain};
use crate::event::{Event, PullRequest, demand_sha};
use crate::github::{GitHub, path_encoded};
use crate::input::{Mode, When};
use crate::report::{Report, Step};
use crate::show::annotation::{Annotation, annotations};
use crate::show::{self, log, markdown};
use crate::sink::comment::Hand;
use crate::sink::{check, output, sarif};
use crate::subject::Subject;

/// Judges what an event is about, and tells it everywhere.
pub(super) fn run(desk: &Desk, event: &Event) -> Result<ExitStatus, Error> {
    let mut notices = Notices::default();
    let mut report = match judged(desk, event, &mut notices) {
        Ok(report) => report,
        Err(error) => {
            correct_comment(desk, event, &error);
            correct_check(desk, event, &error);
            return Err(error);
        }
    };
    let github = match still_there(desk, event, &mut report, &mut notices) {
        true => desk.github.as_ref(),
        false => None,
    };
    let files = Files::write(desk, &report, &mut notices)?;
    let annotations = match desk.inputs.annotations {
        true => annotations(&report),
        false => Vec::new(),
    };
    let comment = github.and_then(|github| tell_comment(desk, github, &report, &mut notices));
    if let Some(github) = github {
        upload(desk, github, event, &report, &files.sarif, &mut notices);
    }
    let has_check =
        github.is_some_and(|github| tell_check(desk, github, &report, &annotations, &mut notices));
    let in_log = if has_check { &[][..] } else { &annotations };
    print(&report, &notices, in_log)?;
    let status = notices.status(match report.outcome {
        _ if report.warn_only => ExitStatus::Passed,
        outcome => outcome.into(),
    });
    write_outputs(desk, &report, &files, comment)?;
    Ok(status)
}

fn judged(desk: &Desk, event: &Event, notices: &mut Notices) -> Result<Report, Error> {
    let (environment, inputs) = (&desk.environment, &desk.inputs);
    if matches!(event, Event::PullRequestTarget(_)) && inputs.mode == Mode::GateMerge {
        return Err(Error::usage(
            "pull_request_target runs what the base has, beside a token that may write: it is no gate",
            "let `gate-merge` run on pull_request and merge_group",
        ));
    }
    let mut subject = Subject::of(event, environment, inputs)?;
    if let (Event::MergeGroup { base_ref, .. }, None) = (event, &inputs.base) {
        subject.base = Some(tip(desk, base_ref, &subject.judged)?);
    }
    if inputs.with_cargo && subject.base.is_some() {
        return Err(Error::usage(
            "a change is judged at lock precision alone, since cargo is not run on somebody's tree",
            "leave `precision` out, or judge the branch as a whole once it is merged",
        ));
    }
    // Beside a token that may write, nothing is downloaded for somebody else's tree.
    let advisory_db = match subject.only_objects {
        true => inputs.advisory_db.clone(),
        false => desk.fetch(notices),
    };
    let asked = Asked {
        directory: environment.workspace.join(&inputs.working_directory),
        base: subject.base.clone(),
        head: subject.only_objects.then(|| subject.judged.clone()),
        policy: inputs.policy.clone(),
        policy_commit: inputs.policy_ref.clone(),
        advisory_db,
        with_cargo: inputs.with_cargo,
        as_of: None,
    };
    Ok(Report::new(environment, inputs, &subject, judge(&asked)?))
}

/// Returns the newest commit of the branch that a group is merged into.
///
/// The event's base may be another entry of the queue, which nobody has merged, so its rules are nobody's yet.
fn tip(desk: &Desk, base_ref: &str, judged: &str) -> Result<String, Error> {
    let help = "check the repository out with `fetch-depth: 0`, or give the step its `token`";
    let unknown = || {
        let shown = cargo_weft::escape::terminal(base_ref);
        Error::usage(format!("the newest commit of `{shown}` is not known"), help)
    };
    let workspace = &desk.environment.workspace;
    let branch = base_ref.strip_prefix("refs/heads/").ok_or_else(unknown)?;
    let known = match &desk.github {
        Some(github) => github
            .get(&format!("/git/ref/heads/{}", path_encoded(branch)))
            .ok()
            .and_then(|answer| Some(answer.pointer("/object/sha")?.as_str()?.to_owned())),
        None => None,
    };
    let tip = match known {
        Some(tip) => tip,
        None => host::commit(workspace, &format!("refs/remotes/origin/{branch}"))
            .map_err(|_| unknown())?,
    };
    demand_sha("the tip of the branch", &tip)?;
    match host::follows(workspace, judged, &tip) {
        Ok(true) => Ok(tip),
        Ok(false) => Err(Error::usage(
            format!("the group does not follow {tip}, which is the branch's newest commit"),
            "the queue makes a new group of it; that one is judged",
        )),
        Err(why) => Err(Error::usage(why, help)),
    }
}

/// Says whether results may be written to GitHub: not if the pull request has moved on, nor if nobody knows.
fn still_there(desk: &Desk, event: &Event, report: &mut Report, notices: &mut Notices) -> bool {
    let Some(github) = &desk.github else { return false };
    let (Event::PullRequest(pull) | Event::PullRequestTarget(pull)) = event else { return true };
    let asked = github.get(&format!("/pulls/{}", pull.number));
    let now = match asked {
        Ok(now) => now,
        Err(failure) => {
            let _: Option<()> = notices.take("nothing is written to GitHub", Err(failure));
            notices.add(
                "whether the pull request has moved on is not known: the job needs `pull-requests: read` at least",
            );
            return false;
        }
    };
    match moved(pull, &now) {
        None => true,
        Some(why) => {
            notices.add(format!("nothing is written to GitHub: {why}"));
            let remedy = "The run of the newest commit says what holds now.";
            report.require(Step::new("moved", Outcome::Inconclusive, why, remedy));
            false
        }
    }
}

/// Says how a pull request is not what the event was about any more.
fn moved(pull: &PullRequest, now: &Value) -> Option<String> {
    let text = |pointer: &str| now.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (head, branch) = (text("/head/sha"), text("/base/ref"));
    if head != pull.head {
        let head = cargo_weft::escape::terminal(head);
        return Some(format!("the pull request is at {head} by now, and {} was judged", pull.head));
    }
    (branch != pull.base_branch).then(|| {
        let branch = cargo_weft::escape::terminal(branch);
        format!("the pull request is to be merged into `{branch}` by now")
    })
}

/// Makes a comment that is there say that the newest commit is not judged.
fn correct_comment(desk: &Desk, event: &Event, error: &Error) {
    let (Event::PullRequest(pull) | Event::PullRequestTarget(pull)) = event else { return };
    let Some(github) = desk.github.as_ref().filter(|_| desk.inputs.comment != When::Never) else {
        return;
    };
    let inputs = &desk.inputs;
    let hand =
        Hand { author: &inputs.comment_author, category: &inputs.category, pull: pull.number };
    // A run of an older commit has nothing to say of the newest.
    let now = github.get(&format!("/pulls/{}", pull.number));
    if now.is_ok_and(|now| moved(pull, &now).is_some()) {
        return;
    }
    let url = desk.environment.run_url();
    let body = markdown::comment_on_error(&inputs.category, &pull.head, error, &url);
    if let Err(failure) = hand.tell(github, &body, true) {
        let line = format!("the comment is not corrected: {failure}");
        anstream::print!("{}", log::message("warning", "cargo weft", &line));
    }
}

/// Leaves a check run that fails, so that an earlier one on the commit says nothing any more.
fn correct_check(desk: &Desk, event: &Event, error: &Error) {
    let Some(github) = desk.github.as_ref().filter(|_| desk.inputs.check_run) else { return };
    let head = match event {
        Event::PullRequest(pull) | Event::PullRequestTarget(pull) => &pull.head,
        Event::MergeGroup { head, .. } => head,
        _ => &desk.environment.sha,
    };
    let environment = &desk.environment;
    let written = check::write_error(github, &desk.inputs.category, head, environment, error);
    if let Err(failure) = written {
        let line = format!("the check run is not corrected: {failure}");
        anstream::print!("{}", log::message("warning", "cargo weft", &line));
    }
}

fn tell_comment(
    desk: &Desk,
    github: &GitHub,
    report: &Report,
    notices: &mut Notices,
) -> Option<String> {
    let inputs = &desk.inputs;
    let pull = report.pull.filter(|_| inputs.comment != When::Never)?;
    let is_quiet = report.is_clean() && report.rules().next().is_none();
    let only_if_there = is_quiet && inputs.comment == When::OnChange;
    let hand = Hand { author: &inputs.comment_author, category: &inputs.category, pull };
    let body = markdown::comment(report, &desk.environment.run_url());
    notices.take("the comment is not written", hand.tell(github, &body, only_if_there)).flatten()
}

fn tell_check(
    desk: &Desk,
    github: &GitHub,
    report: &Report,
    annotations: &[Annotation],
    notices: &mut Notices,
) -> bool {
    if !desk.inputs.check_run {
        return false;
    }
    let url = desk.environment.run_url();
    let written = check::write(github, report, annotations, &url);
    notices.take("the check run is not written", written).is_some()
}

fn upload(
    desk: &Desk,
    github: &GitHub,
    event: &Event,
    report: &Report,
    sarif: &str,
    notices: &mut Notices,
) {
    if !desk.inputs.sarif_upload {
        return;
    }
    if matches!(event, Event::PullRequestTarget(_)) {
        notices.add("SARIF is not uploaded: under pull_request_target it would be the base's");
        return;
    }
    let uploaded = sarif::upload(github, sarif, &report.judged, &desk.environment.reference);
    notices.take("SARIF is not written", uploaded);
}

/// The files that a run leaves.
struct Files {
    json: String,
    markdown: String,
    sarif: String,
    sarif_path: String,
}

impl Files {
    fn write(desk: &Desk, report: &Report, notices: &mut Notices) -> Result<Self, Error> {
        let page = markdown::summary(report, &desk.environment.run_url());
        let (json, sarif) = (report.to_json()?, sarif::render(report)?);
        let write = |name: &str, text: &str| {
            let path = desk.directory.join(name);
            cargo_weft::source::files::create_whole(&path, text.as_bytes())?;
            Ok::<_, Error>(path.display().to_string())
        };
        let files = Self {
            json: write("weft-report.json", &json)?,
            markdown: write("weft-report.md", &page)?,
            sarif_path: write("weft.sarif", &sarif)?,
            sarif,
        };
        for (path, text) in
            [(&desk.inputs.report_file, &json), (&desk.inputs.sarif_file, &files.sarif)]
        {
            if let Some(path) = path {
                let path = desk.environment.workspace.join(path);
                notices.file(cargo_weft::source::files::replace(&path, text.as_bytes()));
            }
        }
        if let Some(path) = desk.environment.summary.as_ref().filter(|_| desk.inputs.summary) {
            complain(output::summary(path, &page));
        }
        Ok(files)
    }
}

fn print(report: &Report, notices: &Notices, annotations: &[Annotation]) -> Result<(), Error> {
    let human = cargo_weft::report::human::render(&report.verdict);
    let human = anstream::adapter::strip_str(&human).to_string();
    let steps: String = report.steps.iter().map(step).collect();
    let text = format!("{human}\n{steps}");
    let mut out = log::inert(&text, &output::delimiter(&text)?);
    out += &log::annotations(annotations);
    out += &notices.show();
    let said = format!("{}: {}", report.outcome.as_str(), show::title(report));
    if report.warn_only {
        let line = format!("{said}. Nothing is blocked: the workflow says `warn-only: true`.");
        out += &log::message("warning", "cargo weft: warn only", &line);
    } else if report.outcome != Outcome::Passed {
        out += &log::message("error", "cargo weft", &said);
    }
    anstream::print!("{out}");
    Ok(())
}

fn step(step: &Step) -> String {
    let terminal = cargo_weft::escape::terminal;
    let mut out = format!("{}: {}\n", terminal(&step.check), step.result.as_str());
    for line in step.evidence.iter().chain(&step.remedy) {
        out += &format!("  {}\n", terminal(line));
    }
    out
}

fn write_outputs(
    desk: &Desk,
    report: &Report,
    files: &Files,
    comment: Option<String>,
) -> Result<(), Error> {
    let Some(path) = &desk.environment.output else { return Ok(()) };
    let counts = json!(report.verdict.counts).to_string();
    output::outputs(
        path,
        &[
            ("verdict", report.outcome.as_str().to_owned()),
            ("counts", counts),
            ("report-json", files.json.clone()),
            ("report-markdown", files.markdown.clone()),
            ("sarif", files.sarif_path.clone()),
            ("audited-sha", report.judged.clone()),
            ("base-sha", report.base.clone().unwrap_or_default()),
            ("merge-tree", report.tree.clone().unwrap_or_default()),
            ("comment-url", comment.unwrap_or_default()),
        ],
    )
}
