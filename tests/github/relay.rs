//! What the run of a fork left is told, if it is that run's; everything else is refused.

use std::io::Write;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::fake::world::{Pull, Run};
use crate::fake::{Fake, Fault, Match, World};
use crate::payload;
use crate::runner::{Done, Job, Place, REPO, TOKEN};
use crate::sample::{EVIL, SOUND, change, comments, opened_by, place};

const PERMISSIONS: [(&str, &str); 3] =
    [("actions", "read"), ("contents", "read"), ("pull-requests", "write")];
const FORK: (&str, u64) = ("eve/widget", 99);

/// A pull request of a fork, and the report that its own run left.
struct Scene {
    place: Place,
    head: String,
    base: String,
    report: Value,
}

impl Scene {
    fn of(crates: &[(&str, &str)]) -> Self {
        let place = place();
        let pull = change(&place, crates);
        let fake = Fake::start(World::of(REPO, TOKEN, &[("contents", "read")]));
        let job =
            opened_by(&place, &fake, &pull, |event| payload::from_fork(event, FORK.0, FORK.1));
        let done = job.run();
        Self { place, head: pull.head, base: pull.base, report: done.report() }
    }

    /// Starts a GitHub with that pull request.
    fn fake(&self) -> Fake {
        let mut world = World::of(REPO, TOKEN, &PERMISSIONS);
        world.repository(REPO).commit(&self.head, &[], &[]);
        world.repository(REPO).open(REPO, 7, &self.head, &self.base);
        let pull = world.repository(REPO).pulls.get_mut(&7).unwrap();
        self.is_of_fork(pull);
        Fake::start(world)
    }

    fn is_of_fork(&self, pull: &mut Pull) {
        pull.head_repository = Some((FORK.0.to_owned(), FORK.1));
        "patch/1 & more".clone_into(&mut pull.head_ref);
    }

    /// Ends the fork's run with an archive, and tells of it.
    fn tell(&self, fake: &Fake, zip: &[u8]) -> Done {
        self.tell_by(fake, zip, |job| job)
    }

    fn tell_by<'a>(
        &self,
        fake: &'a Fake,
        zip: &[u8],
        with: impl FnOnce(Job<'a>) -> Job<'a>,
    ) -> Done {
        let run = self.run_of(fake, zip);
        let event = payload::workflow_run(REPO, run, FORK, "patch/1 & more", &self.head);
        let base = self.place.git(&["rev-parse", "main"]);
        let job = Job::new(&self.place, fake, "workflow_run", &event, &base);
        with(job.with("mode", "report")).run()
    }

    fn run_of(&self, fake: &Fake, zip: &[u8]) -> u64 {
        let run = Run {
            event: "pull_request".to_owned(),
            head_branch: "patch/1 & more".to_owned(),
            head_sha: self.head.clone(),
            head_repository: (FORK.0.to_owned(), FORK.1),
            path: ".github/workflows/weft.yml".to_owned(),
            conclusion: "failure".to_owned(),
        };
        let (id, _) = fake.world().run(REPO, run, "weft-report", zip);
        id
    }

    /// Returns the report as the next run of a fork would leave it.
    fn report_for(&self, fake: &Fake) -> Value {
        let mut report = self.report.clone();
        // The fake numbers runs and artifacts one after the other.
        let next = fake.world().fresh() + 1;
        report["run"] = json!([next, 1]);
        report
    }
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn of(report: &Value) -> Vec<u8> {
    archive(&[("weft-report.json", report.to_string().as_bytes())])
}

#[test]
fn a_fork_is_told_what_its_run_found_and_when_it_is_mended() {
    let scene = Scene::of(EVIL);
    let fake = scene.fake();
    let done = scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
    // What a stranger's run says is no verdict of this one.
    assert_eq!(done.output("verdict"), "unknown");
    assert!(done.summary.starts_with("The pull request's own run reports this"));
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("`ban/package`") && comment.contains(&scene.head), "{comment}");
    assert!(comment.contains("The pull request's own run reports this"), "{comment}");
    assert!(done.output("comment-url").contains("#issuecomment-"));
    assert!(fake.unknown().is_empty(), "{:?}", fake.unknown());
    assert!(fake.exchanges().len() <= 12, "{}", fake.exchanges().len());

    let mended = Scene::of(SOUND);
    {
        let mut world = fake.world();
        let repository = world.repository(REPO);
        repository.commit(&mended.head, &[], &[]);
        repository.pulls.get_mut(&7).unwrap().head_sha = mended.head.clone();
    }
    mended.tell(&fake, &of(&mended.report_for(&fake))).exits(0);
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("### cargo weft: passed"), "{comment}");
    // The older run, which ends late, says nothing any more.
    scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
    assert!(comments(&fake)[0].contains("### cargo weft: passed"));
}

#[test]
fn a_clean_report_is_silent_where_nothing_was_said() {
    let scene = Scene::of(SOUND);
    let fake = scene.fake();
    scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
    assert!(comments(&fake).is_empty());
}

/// 6: an artifact is data, of the run and the commit that GitHub names, or nothing.
#[test]
fn a_poisoned_artifact_is_refused() {
    let scene = Scene::of(EVIL);
    type Alter = fn(&mut Value);
    let alterations: [Alter; 13] = [
        |r| r["run"][1] = json!(2),
        |r| r["repository"] = json!("eve/widget"),
        |r| r["run"] = json!([1, 1]),
        |r| r["head"] = json!("f".repeat(40)),
        |r| r["event"] = json!("push"),
        |r| r["pull"] = json!(8),
        |r| r["pull"] = Value::Null,
        |r| r["category"] = json!("another"),
        |r| r["schema"] = json!(2),
        |r| r["outcome"] = json!("great"),
        |r| r["more"] = json!(1),
        |r| r["verdict"] = json!({}),
        |r| r["steps"] = json!("passed"),
    ];
    for (at, alter) in alterations.iter().enumerate() {
        let fake = scene.fake();
        // Another pull request is open, at another commit.
        fake.world().repository(REPO).open(REPO, 8, &"e".repeat(40), &scene.base);
        let mut report = scene.report_for(&fake);
        alter(&mut report);
        scene.tell(&fake, &of(&report)).exits(2);
        assert!(comments(&fake).is_empty(), "{at}");
    }
    let report = |fake: &Fake| scene.report_for(fake).to_string().into_bytes();
    type Pack = fn(&[u8]) -> Vec<u8>;
    let archives: [Pack; 9] = [
        |_| Vec::new(),
        |_| b"no archive".to_vec(),
        |_| archive(&[]),
        |report| archive(&[("../weft-report.json", report)]),
        |report| archive(&[("/etc/weft-report.json", report)]),
        |report| archive(&[("weft-report.json/", report)]),
        |report| archive(&[("weft-report.json", report), ("more", b"x")]),
        |_| archive(&[("weft-report.json", &vec![b' '; 40 << 20])]),
        |report| archive(&[("weft-report.json", &report[..report.len() / 2])]),
    ];
    for (at, pack) in archives.iter().enumerate() {
        let fake = scene.fake();
        let zip = pack(&report(&fake));
        scene.tell(&fake, &zip).exits(2);
        assert!(comments(&fake).is_empty(), "{at}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_archive_is_no_file() {
    let scene = Scene::of(EVIL);
    let fake = scene.fake();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.add_symlink("weft-report.json", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    scene.tell(&fake, &zip).exits(2);
    assert!(comments(&fake).is_empty());
}

#[test]
fn a_run_that_left_nothing_corrects_the_comment_and_is_an_error() {
    let scene = Scene::of(EVIL);
    let fake = scene.fake();
    scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
    let job = |fake: &Fake| scene.tell_by(fake, b"", |job| job.with("artifact", "other"));
    job(&fake).exits(2);
    let [comment] = &comments(&fake)[..] else { panic!("{:?}", comments(&fake)) };
    assert!(comment.contains("### cargo weft: not judged"), "{comment}");
    // Where nothing was said, nothing is.
    let fake = scene.fake();
    job(&fake).exits(2);
    assert!(comments(&fake).is_empty());
}

#[test]
fn a_pull_request_that_is_closed_or_moved_on_is_left_alone() {
    let scene = Scene::of(EVIL);
    type Move = fn(&mut Pull);
    let moves: [Move; 3] = [
        |pull| pull.is_open = false,
        |pull| pull.head_sha = "f".repeat(40),
        |pull| pull.head_repository = Some(("mallory/widget".to_owned(), 98)),
    ];
    for change in moves {
        let fake = scene.fake();
        change(fake.world().repository(REPO).pulls.get_mut(&7).unwrap());
        scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
        assert!(comments(&fake).is_empty() && fake.writes().is_empty());
    }
}

#[test]
fn runs_of_other_events_and_other_events_are_told_from_it() {
    let scene = Scene::of(EVIL);
    let fake = scene.fake();
    let run = scene.run_of(&fake, b"");
    let mut event = payload::workflow_run(REPO, run, FORK, "patch/1 & more", &scene.head);
    event["workflow_run"]["event"] = json!("push");
    let job = |name: &str, event: &Value| {
        Job::new(&scene.place, &fake, name, event, &scene.base).with("mode", "report").run()
    };
    let done = job("workflow_run", &event).exits(0);
    assert!(done.log.contains("nothing is to be told"), "{}", done.log);
    let push = payload::push(REPO, "refs/heads/main", payload::ZERO, &scene.base);
    job("push", &push).exits(2);
    // And what another workflow was about is judged by none.
    event["workflow_run"]["event"] = json!("pull_request");
    Job::new(&scene.place, &fake, "workflow_run", &event, &scene.base).run().exits(2);
    assert!(comments(&fake).is_empty());
}

#[test]
fn a_token_that_may_not_read_or_write_says_so() {
    let scene = Scene::of(EVIL);
    let fake = scene.fake();
    fake.fault(Match::new("GET", "/artifacts"), Fault::status(403));
    let done = scene.tell(&fake, &of(&scene.report_for(&fake))).exits(2);
    assert!(done.stderr.contains("actions: read"), "{}", done.stderr);
    let fake = scene.fake();
    fake.faults(9, Match::new("POST", "/comments"), Fault::status(403));
    let done = scene.tell(&fake, &of(&scene.report_for(&fake))).exits(0);
    assert!(done.log.contains("the comment is not written"), "{}", done.log);
    assert!(done.summary.contains("ban/package"), "{}", done.summary);
}
