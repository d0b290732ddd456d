//! The mode `gate-release`: a draft with everything that belongs to it, judged, and published if it passes.
//!
//! Nothing that GitHub says of a release counts but its bytes: a draft is addressed by its number, digests are of what
//! was downloaded, and the commit is the tag's.

mod assets;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use cargo_weft::command::host;
use cargo_weft::escape::terminal;
use cargo_weft::{Error, ExitStatus};
use http::Method;
use serde_json::{Value, json};
use weft_gate::Outcome;

use self::assets::{Given, Shelf};
use super::{Desk, Notices, complain, no_github};
use crate::event::{Event, demand_sha};
use crate::github::{Failure, GitHub, path_encoded};
use crate::report::Step;
use crate::report::release::Release;
use crate::show::{self, log};
use crate::sink::output;

/// The largest manifest or verdict that a workflow gives, in bytes.
const MAX_GIVEN: usize = 256 << 20;

/// How many tags may name each other before one names a commit.
const MAX_TAGS: usize = 4;

/// What GitHub says of a release, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft {
    id: u64,
    tag: String,
    is_draft: bool,
    /// Number, name and size of each file.
    assets: Vec<(u64, String, u64)>,
}

/// Judges a release, and publishes it if it passes and the workflow wants that.
pub(super) fn run(desk: &Desk, event: &Event) -> Result<ExitStatus, Error> {
    let github = desk.github.as_ref().ok_or_else(|| no_github("gate-release"))?;
    if desk.inputs.warn_only {
        return Err(Error::usage(
            "a release gate that lets everything pass is none",
            "leave `warn-only` out; without `publish: true` the gate changes nothing",
        ));
    }
    if desk.inputs.policy_ref.is_some() || desk.inputs.head.is_some() {
        return Err(Error::usage(
            "a release is of the tag that is checked out, by the policy that its manifest names, or by that of `base` or `policy`",
            "leave `policy-ref` and `head` out",
        ));
    }
    let draft = find(desk, github, event)?;
    let mut notices = Notices::default();
    let commit = tagged(github, &draft.tag).map_err(|failure| service(desk, &failure))?;
    let mut report = match &commit {
        Some(commit) => {
            demand_checkout(desk, &draft.tag, commit)?;
            Release::new(&desk.environment, draft.id, &draft.tag, commit)
        }
        None => Release::new(&desk.environment, draft.id, &draft.tag, ""),
    };
    report.require(is_a_draft(&draft));
    report.require(is_of_version(desk, &draft.tag)?);
    match commit {
        Some(_) => judge(desk, github, &draft, &mut report, &mut notices)?,
        None => report.require(Step::new(
            "tag",
            Outcome::Inconclusive,
            format!(
                "there is no tag `{}`: the branch that a draft names may be anything",
                draft.tag
            ),
            "Push the tag, check it out, and run the gate again.",
        )),
    }
    if report.outcome == Outcome::Passed && desk.inputs.release.publish {
        publish(github, &draft, &mut report, &mut notices);
    }
    tell(desk, &report, &mut notices)?;
    Ok(notices.status(report.outcome.into()))
}

/// Finds the release: by its number, by its tag, or the event's.
fn find(desk: &Desk, github: &GitHub, event: &Event) -> Result<Draft, Error> {
    let named = &desk.inputs.release;
    let of_event = match event {
        Event::Release(release) => Some(release.id),
        _ => None,
    };
    let tag = named.tag.as_deref().or_else(|| {
        let pushed = desk.environment.reference.strip_prefix("refs/tags/");
        pushed.filter(|_| of_event.is_none())
    });
    let failed = |failure: Failure| service(desk, &failure);
    let (id, tag) = match (named.id.or(of_event.filter(|_| named.tag.is_none())), tag) {
        (Some(id), tag) => (id, tag),
        (None, Some(tag)) => {
            return by_tag(github, tag).map_err(failed)?.ok_or_else(|| {
                Error::usage(
                    format!("there is no release of the tag `{}`", terminal(tag)),
                    "make a draft of it first; drafts are seen with `contents: write` alone",
                )
            });
        }
        (None, None) => {
            return Err(Error::usage(
                "nothing says which release it is",
                "say `release-id:` or `tag:`",
            ));
        }
    };
    let draft = read(&github.get(&format!("/releases/{id}")).map_err(failed)?).map_err(failed)?;
    match tag {
        Some(tag) if named.tag.is_some() && tag != draft.tag => Err(Error::usage(
            format!(
                "the release {id} is of `{}`, not of `{}`",
                terminal(&draft.tag),
                terminal(tag)
            ),
            "say one of `release-id:` and `tag:`",
        )),
        _ => Ok(draft),
    }
}

/// Looks for the one release of a tag, drafts included, which no address by tag leads to.
fn by_tag(github: &GitHub, tag: &str) -> Result<Option<Draft>, Failure> {
    let mut found = Vec::new();
    github.list("/releases", None, |release| {
        if release.get("tag_name").and_then(Value::as_str) == Some(tag) {
            found.push(release);
        }
        true
    })?;
    match &*found {
        [] => Ok(None),
        [one] => read(one).map(Some),
        more => Err(Failure::Refused(format!(
            "{} releases are of the tag `{}`, and only one can be meant: say `release-id:`",
            more.len(),
            terminal(tag)
        ))),
    }
}

fn read(release: &Value) -> Result<Draft, Failure> {
    let odd = |member: &str| Failure::Fault(format!("a release has no `{member}`"));
    let number = |value: &Value, member: &str| {
        value.get(member).and_then(Value::as_u64).ok_or_else(|| odd(member))
    };
    let text = |value: &Value, member: &str| {
        let text = value.get(member).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| odd(member))
    };
    let assets = release.get("assets").and_then(Value::as_array).ok_or_else(|| odd("assets"))?;
    let mut read = Vec::new();
    for asset in assets {
        if asset.get("state").and_then(Value::as_str) != Some("uploaded") {
            return Err(Failure::Refused(
                "a file of the release is not uploaded as a whole".into(),
            ));
        }
        read.push((number(asset, "id")?, text(asset, "name")?, number(asset, "size")?));
    }
    read.sort();
    Ok(Draft {
        id: number(release, "id")?,
        tag: text(release, "tag_name")?,
        is_draft: release.get("draft").and_then(Value::as_bool).ok_or_else(|| odd("draft"))?,
        assets: read,
    })
}

/// Returns the commit that a tag leads to, if it exists.
fn tagged(github: &GitHub, tag: &str) -> Result<Option<String>, Failure> {
    if tag.contains("..") || tag.starts_with('/') {
        return Err(Failure::Refused(format!("`{}` is no name of a tag", terminal(tag))));
    }
    let mut answer = match github.get(&format!("/git/ref/tags/{}", path_encoded(tag))) {
        Ok(answer) => answer,
        Err(Failure::Absent(_)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    for _ in 0..MAX_TAGS {
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
        let (kind, sha) = (text("/object/type"), text("/object/sha").unwrap_or_default());
        if demand_sha("the id of a tag", sha).is_err() {
            return Err(Failure::Fault("a tag leads to no id".to_owned()));
        }
        match kind {
            Some("commit") => return Ok(Some(sha.to_owned())),
            Some("tag") => answer = github.get(&format!("/git/tags/{sha}"))?,
            _ => break,
        }
    }
    Err(Failure::Refused(format!("the tag `{}` leads to no commit", terminal(tag))))
}

fn demand_checkout(desk: &Desk, tag: &str, commit: &str) -> Result<(), Error> {
    let help = "check the tag out before this step, as a whole: `ref: TAG`, `fetch-depth: 0`";
    match host::commit(&desk.environment.workspace, "HEAD") {
        Ok(head) if head == commit => Ok(()),
        Ok(head) => Err(Error::usage(
            format!("{head} is checked out, and the tag `{}` is {commit}", terminal(tag)),
            help,
        )),
        Err(why) => Err(Error::usage(why, help)),
    }
}

fn is_a_draft(draft: &Draft) -> Step {
    let remedy = "Withdraw it if what follows is not right, and let releases begin as drafts: only those can wait for a gate.";
    match draft.is_draft {
        true => Step::new("draft", Outcome::Passed, "nobody sees it yet", remedy),
        false => Step::new("draft", Outcome::Failed, "it is published already", remedy),
    }
}

/// Compares the tag with the versions of the workspace: an old commit has an old version, whatever tag leads to it.
fn is_of_version(desk: &Desk, tag: &str) -> Result<Step, Error> {
    let directory = desk.environment.workspace.join(&desk.inputs.working_directory);
    let versions = host::member_versions(&directory)?;
    let fits = |version: &&String| {
        let before = tag.strip_suffix(version.as_str());
        before
            .is_some_and(|before| before.is_empty() || before.ends_with(['v', '-', '@', '/', '_']))
    };
    let remedy = "Let the tag end with the version of the package that is released: `v1.0.0`.";
    Ok(match versions.iter().find(fits) {
        Some(version) => Step::new("version", Outcome::Passed, format!("it is {version}"), remedy),
        None => Step::new(
            "version",
            Outcome::Failed,
            format!("no package of the commit has the version of the tag `{}`", terminal(tag)),
            remedy,
        ),
    })
}

/// Downloads what lies in the release, and has the gate judge it.
fn judge(
    desk: &Desk,
    github: &GitHub,
    draft: &Draft,
    report: &mut Release,
    notices: &mut Notices,
) -> Result<(), Error> {
    let unusable = |failure: Failure, report: &mut Release, notices: &mut Notices| {
        notices.has_fault |= matches!(failure, Failure::Unreachable(_) | Failure::Fault(_));
        let remedy = "Upload what is not right again, and run the gate again.";
        let line = format!("the release's files cannot be used: {failure}");
        report.require(Step::new("assets", Outcome::Inconclusive, line, remedy));
    };
    let shelf = Shelf::fill(github, &draft.assets, &desk.directory.join("release"));
    let mut shelf = match shelf {
        Ok(shelf) => shelf,
        Err(failure) => {
            unusable(failure, report, notices);
            return Ok(());
        }
    };
    let mut arguments = arguments(desk, &shelf, desk.fetch(notices));
    let asks = host::release_asks(&arguments)?;
    let given = Given {
        manifest: read_given(desk, desk.inputs.release.manifest.as_deref())?,
        verdict: read_given(desk, desk.inputs.release.verdict.as_deref())?,
    };
    let sorted = shelf.sort(asks.manifest, &given).and_then(|()| match asks.manifest {
        true if desk.inputs.release.previous.is_none() => {
            shelf.fetch_previous(github, draft.id, given.manifest.as_deref())
        }
        _ => Ok(None),
    });
    match sorted {
        Ok(Some(previous)) => arguments.push(argument("--previous", previous.as_os_str())),
        Ok(None) => {}
        Err(failure) => {
            unusable(failure, report, notices);
            return Ok(());
        }
    }
    if asks.evidence {
        if let Some(directory) = &desk.inputs.release.evidence {
            shelf.add_evidence(&desk.environment.workspace.join(directory))?;
        }
        if let Err(failure) = shelf.fetch_attestations(github) {
            notices.take::<()>("what GitHub holds of attestations is not read", Err(failure));
        }
        arguments.extend(["--evidence".into(), shelf.evidence().into()]);
    }
    report.assets = shelf.into_assets();
    let judged = host::release(&arguments)?;
    for step in judged.steps {
        report.require(step.into());
    }
    if judged.outcome != Outcome::Passed && report.outcome == Outcome::Passed {
        return Err(Error::Bug("a gate that does not pass has no step that says why".to_owned()));
    }
    Ok(())
}

fn arguments(desk: &Desk, shelf: &Shelf, advisory_db: Option<PathBuf>) -> Vec<OsString> {
    let workspace = &desk.environment.workspace;
    let (inputs, named) = (&desk.inputs, &desk.inputs.release);
    let below = |path: &Path| Some(workspace.join(path).into_os_string());
    let text = |text: &Option<String>| text.as_ref().map(OsString::from);
    let precision = if inputs.with_cargo { "metadata" } else { "lock" };
    let manifest = workspace.join(&inputs.working_directory).join("Cargo.toml");
    let asked = [
        ("--manifest-path", Some(manifest.into_os_string())),
        ("--precision", Some(precision.into()).filter(|_| inputs.base.is_none())),
        ("--artifacts", Some(shelf.artifacts().into())),
        ("--manifest", named.manifest.as_deref().map_or(Some(shelf.manifest().into()), below)),
        ("--verdict", named.verdict.as_deref().map_or(Some(shelf.verdict().into()), below)),
        ("--previous", named.previous.as_deref().and_then(below)),
        ("--roles", named.roles.as_deref().and_then(below)),
        ("--trusted-roles", text(&named.trusted_roles)),
        ("--newest-revocation", text(&named.newest_revocation)),
        ("--policy", text(&inputs.policy)),
        ("--base", text(&inputs.base)),
        ("--advisory-db", advisory_db.as_deref().and_then(below)),
    ];
    let given = asked.into_iter().filter_map(|(name, value)| Some((name, value?)));
    // In one word, so that no value is taken for another argument.
    given.map(|(name, value)| argument(name, &value)).collect()
}

fn argument(name: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

/// Reads a file that the workflow gives in place of one of the release.
fn read_given(desk: &Desk, path: Option<&Path>) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = path else { return Ok(None) };
    let path = desk.environment.workspace.join(path);
    let read = cargo_weft::source::files::read_bounded(&path, MAX_GIVEN);
    read.map(Some).map_err(|refusal| {
        Error::usage(
            format!("{}: {refusal}", path.display()),
            "name the signed manifest and the verdict that it names, or leave both in the release",
        )
    })
}

/// Publishes a draft that is still what was judged.
fn publish(github: &GitHub, draft: &Draft, report: &mut Release, notices: &mut Notices) {
    let path = format!("/releases/{}", draft.id);
    let now = github.get(&path).and_then(|release| read(&release));
    let tag = tagged(github, &draft.tag);
    let remedy = "Run the gate again on what is there now.";
    let (Some(now), Some(tag)) =
        (notices.take("the release is not read", now), notices.take("the tag is not read", tag))
    else {
        let line = "whether it is still what was judged is not known";
        report.require(Step::new("moved", Outcome::Inconclusive, line, remedy));
        return;
    };
    if now != *draft || tag.as_deref() != Some(&report.commit) {
        let line = "the release or its tag is not what was judged any more";
        report.require(Step::new("moved", Outcome::Inconclusive, line, remedy));
        return;
    }
    let find = || {
        let there = github.get(&path)?;
        Ok(read(&there)?.is_draft.eq(&false).then_some(there))
    };
    // Where a tag is gone meanwhile, GitHub makes one.
    let body = json!({"draft": false, "tag_name": draft.tag, "target_commitish": report.commit});
    let published = github.write(Method::PATCH, &path, &body, find).and_then(|there| read(&there));
    let Some(there) = notices.take("the release is not published", published) else {
        let line = "everything holds, and GitHub did not publish it";
        report.require(Step::new("publish", Outcome::Inconclusive, line, remedy));
        return;
    };
    report.published = !there.is_draft;
    // To publish makes a tag that is gone again, wherever a draft's branch is.
    let tag = notices.take("the tag is not read", tagged(github, &draft.tag));
    let is_same = there.assets == draft.assets && there.tag == draft.tag;
    let has_stayed = tag.map(|tag| tag.as_deref() == Some(&report.commit));
    let step = match (report.published, is_same, has_stayed) {
        (false, _, _) => {
            Step::new("publish", Outcome::Inconclusive, "GitHub left it a draft", remedy)
        }
        (true, true, Some(true)) => {
            Step::new("publish", Outcome::Passed, "it is published as it was judged", "")
        }
        // What is only not known is no reason to take a release away from everybody.
        (true, true, None) => {
            let line = "it is published, and whether its tag stayed is not known";
            Step::new("publish", Outcome::Inconclusive, line, "Compare the tag with the commit.")
        }
        (true, _, _) => withdraw(github, &path, report, notices),
    };
    report.require(step);
}

/// Takes back what was published and is not what was judged.
fn withdraw(github: &GitHub, path: &str, report: &mut Release, notices: &mut Notices) -> Step {
    // To make a draft of a draft changes nothing.
    let withdrawn = github.write(Method::PATCH, path, &json!({"draft": true}), || Ok(None));
    let withdrawn = withdrawn.and_then(|there| read(&there));
    let is_back =
        notices.take("the release is not withdrawn", withdrawn).is_some_and(|there| there.is_draft);
    report.published = !is_back;
    let line = match is_back {
        true => "it changed while it was published, and is a draft again",
        false => "it changed while it was published: what everybody sees was not judged",
    };
    Step::new("publish", Outcome::Failed, line, "Withdraw it, and look at who changed it.")
}

fn tell(desk: &Desk, report: &Release, notices: &mut Notices) -> Result<(), Error> {
    let page = show::release::page(report, &desk.environment.run_url());
    let json = cargo_weft::report::json::render(report)?;
    let write = |name: &str, text: &str| {
        let path = desk.directory.join(name);
        cargo_weft::source::files::create_whole(&path, text.as_bytes())?;
        Ok::<_, Error>(path.display().to_string())
    };
    let json_path = write("weft-release.json", &json)?;
    let markdown_path = write("weft-release.md", &page)?;
    if let Some(path) = &desk.inputs.report_file {
        let path = desk.environment.workspace.join(path);
        notices.file(cargo_weft::source::files::replace(&path, json.as_bytes()));
    }
    if let Some(path) = desk.environment.summary.as_ref().filter(|_| desk.inputs.summary) {
        complain(output::summary(path, &page));
    }
    let text = show::release::text(report);
    let mut out = log::inert(&text, &output::delimiter(&text)?);
    out += &notices.show();
    if report.outcome != Outcome::Passed {
        let state = if report.published { "is published all the same" } else { "is not published" };
        let line = format!("{}: {} {state}", report.outcome.as_str(), terminal(&report.tag));
        out += &log::message("error", "cargo weft", &line);
    }
    anstream::print!("{out}");
    let Some(path) = &desk.environment.output else { return Ok(()) };
    output::outputs(
        path,
        &[
            ("verdict", report.outcome.as_str().to_owned()),
            ("audited-sha", report.commit.clone()),
            ("missing", report.missing().join("\n")),
            ("published", report.published.to_string()),
            ("report-json", json_path),
            ("report-markdown", markdown_path),
        ],
    )
}

fn service(desk: &Desk, failure: &Failure) -> Error {
    Error::Service {
        action: "learn about the release from",
        service: desk.environment.api_url.clone(),
        reason: failure.to_string(),
    }
}
