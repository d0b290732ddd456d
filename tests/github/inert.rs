//! Whatever strangers write stays text: in pages, in the log, and in what the API takes.
//!
//! Names, versions, paths, sentences and remedies are made of whatever means something to GitHub, to its runner or to a
//! terminal.
//! A page is compared with the one of a harmless report: the trees of both are the same but for the words.
//! That GitHub links the id of a commit in text would lead nowhere but into the repository; it is kept from that, too.

mod command;
mod hostile;
mod page;

use cargo_weft::Error;
use cargo_weft::escape::{markdown, markdown_code, sarif as sarif_text, terminal};
use proptest::prelude::*;
use serde_json::{Value, json};
use weft_action::report::Report;
use weft_action::show::annotation::{Annotation, annotations};
use weft_action::show::markdown::{MAX_COMMENT, MAX_SUMMARY};
use weft_action::show::{log, markdown as pages, release};
use weft_action::sink::{output, sarif};

use self::command::{Command, obeyed};
use self::page::{RUN, shape};
use crate::fake::Fake;
use crate::runner::{Done, Job, Place, Pull};
use crate::sample::{self, Files, comments};

const MARKER: &str = "<!-- cargo-weft: cargo-weft -->";

fn harmless() -> Vec<String> {
    vec!["plain words".to_owned()]
}

/// Returns every page of a report with its limit, and whether it begins with the marker.
fn pages_of(report: &Report) -> [(String, usize, bool); 3] {
    [
        (pages::comment(report, RUN), MAX_COMMENT, true),
        (pages::comment_for_another(report, RUN), MAX_COMMENT, true),
        (pages::check_summary(report, RUN), MAX_COMMENT, false),
    ]
}

/// Asserts that a page is what the other is but for the words, and that only weft's marker is one.
#[track_caller]
fn same(page: &str, other: &str, has_marker: bool) {
    assert_eq!(shape(page), shape(other), "\n{page}");
    marked(page, has_marker);
}

#[track_caller]
fn marked(page: &str, has_marker: bool) {
    assert_eq!(page.starts_with(&format!("{MARKER}\n")), has_marker, "{page}");
    assert_eq!(page::comments(page).len(), usize::from(has_marker), "{page}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn nothing_of_a_report_becomes_markup(texts in hostile::texts()) {
        let others = pages_of(&hostile::report(&harmless(), true));
        let pages = pages_of(&hostile::report(&texts, true));
        for ((page, limit, has_marker), (other, ..)) in pages.iter().zip(&others) {
            same(page, other, *has_marker);
            prop_assert!(page.len() <= *limit);
        }
        let page = pages::summary(&hostile::report(&texts, false), RUN);
        same(&page, &pages::summary(&hostile::report(&harmless(), false), RUN), false);
        prop_assert!(page.len() <= MAX_SUMMARY);
    }

    #[test]
    fn nothing_of_an_error_becomes_markup(
        message in hostile::text(),
        help in hostile::text(),
        head in hostile::text(),
    ) {
        for (of, other) in [
            (Error::usage(&*message, &*help), Error::usage("plain", "plain")),
            (service(&message), service("plain")),
            (Error::Bug(message.clone()), Error::Bug("plain".to_owned())),
        ] {
            let page = pages::comment_on_error("cargo-weft", &head, &of, RUN);
            same(&page, &pages::comment_on_error("cargo-weft", "plain", &other, RUN), true);
            let page = pages::summary_on_error(None, &of, RUN);
            same(&page, &pages::summary_on_error(None, &other, RUN), false);
        }
    }

    #[test]
    fn nothing_of_a_release_becomes_markup_or_a_command(texts in hostile::texts()) {
        let report = hostile::release(&texts);
        let page = release::page(&report, RUN);
        same(&page, &release::page(&hostile::release(&harmless()), RUN), false);
        let text = release::text(&report);
        prop_assert_eq!(obeyed(&text).0, []);
        let missing = report.missing();
        prop_assert!(missing.iter().all(|line| !line.contains(char::is_control)));
    }

    #[test]
    fn a_runner_obeys_only_what_is_meant(texts in hostile::texts()) {
        let mut found = annotations(&hostile::report(&texts, true));
        // What no report has yet.
        found.push(Annotation {
            path: texts[0].clone(),
            lines: (3, 4),
            columns: None,
            level: "failure",
            title: texts[1].clone(),
            message: texts[2..].join("\n"),
        });
        let (commands, _) = obeyed(&log::annotations(&found));
        let expected: Vec<Command> = found.iter().map(meant).collect();
        prop_assert_eq!(commands, expected);

        for text in &texts {
            let (commands, _) = obeyed(&log::message("warning", text, text));
            let shown: Vec<String> = text.split('\n').map(terminal).collect();
            let expected = Command {
                name: "warning".to_owned(),
                properties: [("title".to_owned(), last(text))].into(),
                data: shown.join("\n"),
            };
            prop_assert_eq!(commands, [expected]);
        }
    }

    #[test]
    fn a_runner_obeys_nothing_of_text_that_is_made_inert(texts in hostile::texts()) {
        // As it came, with its line ends: not even escaped.
        let text = texts.join("\n");
        let token = output::delimiter(&text).unwrap();
        let (commands, is_stopped) = obeyed(&log::inert(&text, &token));
        let names: Vec<&str> = commands.iter().map(|command| &*command.name).collect();
        prop_assert_eq!(names, ["stop-commands", &*token]);
        prop_assert!(!is_stopped);
        // And escaped, it needs no such thing.
        let shown: Vec<String> = texts.iter().map(|text| terminal(text)).collect();
        prop_assert_eq!(obeyed(&shown.join("\n")).0, []);
        let report = hostile::report(&texts, false);
        let human = cargo_weft::report::human::render(&report.verdict);
        let human = anstream::adapter::strip_str(&human).to_string();
        prop_assert_eq!(obeyed(&human).0, []);
    }

    #[test]
    fn annotations_are_what_the_api_takes(texts in hostile::texts(), times in 1..2_000_usize) {
        let long: Vec<String> = texts.iter().map(|text| text.repeat(times)).collect();
        for texts in [texts, long] {
            for annotation in annotations(&hostile::report(&texts, true)) {
                fits(&annotation);
            }
        }
    }

    #[test]
    fn sarif_stays_sarif(texts in hostile::texts()) {
        let report = hostile::report(&texts, false);
        let sarif: Value = serde_json::from_str(&sarif::render(&report).unwrap()).unwrap();
        let other = sarif::render(&hostile::report(&harmless(), false)).unwrap();
        let other: Value = serde_json::from_str(&other).unwrap();
        let messages = messages(&sarif);
        prop_assert_eq!(messages.len(), self::messages(&other).len());
        for message in messages {
            let mut chars = message.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => prop_assert!(chars.next().is_some_and(|c| "[]\\".contains(c))),
                    c => prop_assert!(!"[]".contains(c) && !c.is_control(), "{}", message),
                }
            }
        }
        for uri in uris(&sarif) {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
            prop_assert!(uri.chars().all(is_plain), "{}", uri);
        }
    }
}

fn service(reason: &str) -> Error {
    let service = "https://api.github.com".to_owned();
    Error::Service { action: "reach", service, reason: reason.to_owned() }
}

/// Returns what a runner is to read of the last property, at whose end it takes spaces away.
fn last(text: &str) -> String {
    terminal(text).trim_end().to_owned()
}

/// Returns what a runner is to read of an annotation.
fn meant(annotation: &Annotation) -> Command {
    let name = if annotation.level == "failure" { "error" } else { annotation.level };
    let mut properties = vec![
        ("file", terminal(&annotation.path)),
        ("line", annotation.lines.0.to_string()),
        ("endLine", annotation.lines.1.to_string()),
        ("title", last(&annotation.title)),
    ];
    if let Some((start, end)) = annotation.columns {
        properties.extend([("col", start.to_string()), ("endColumn", end.to_string())]);
    }
    let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value));
    let lines: Vec<String> = annotation.message.split('\n').map(terminal).collect();
    Command { name: name.to_owned(), properties: properties.collect(), data: lines.join("\n") }
}

/// Asserts what "Create a check run" has of annotations.
#[track_caller]
fn fits(annotation: &Annotation) {
    let json = annotation.to_json();
    let number = |name: &str| json.get(name).map(|value| value.as_u64().unwrap());
    let text = |name: &str| json[name].as_str().unwrap();
    assert!(!text("path").is_empty());
    assert!(text("title").chars().count() <= 255, "{json}");
    let message = text("message");
    assert!(!message.is_empty() && message.len() <= 64 << 10, "{} bytes", message.len());
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{json}");
    assert!(["failure", "warning", "notice"].contains(&text("annotation_level")));
    let (start, end) = (number("start_line").unwrap(), number("end_line").unwrap());
    assert!(1 <= start && start <= end, "{json}");
    match (number("start_column"), number("end_column")) {
        (None, None) => (),
        (Some(first), Some(last)) => assert!(start == end && first <= last, "{json}"),
        _ => panic!("{json}"),
    }
}

fn messages(sarif: &Value) -> Vec<String> {
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap().iter();
    let told = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap().iter();
    let all = results.chain(told).map(|it| it["message"]["text"].as_str().unwrap().to_owned());
    all.collect()
}

fn uris(sarif: &Value) -> Vec<String> {
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let places = results.flat_map(|result| result["locations"].as_array().unwrap());
    let uri = |place: &Value| {
        let uri = place.pointer("/physicalLocation/artifactLocation/uri").unwrap();
        uri.as_str().unwrap().to_owned()
    };
    places.map(uri).collect()
}

#[test]
fn places_of_all_kinds_are_annotations_that_the_api_takes() {
    for (line, column, end_line, end_column, lines, columns) in [
        (3, 1, 3, 9, (3, 3), Some((1, 8))),
        (3, 4, 3, 5, (3, 3), Some((4, 4))),
        (1, 1, 1, 1, (1, 1), None),
        (3, 1, 5, 9, (3, 5), None),
        (3, 9, 3, 1, (3, 3), None),
        (5, 1, 3, 9, (5, 5), Some((1, 8))),
    ] {
        let mut report = hostile::report(&harmless(), false);
        report.verdict.findings.truncate(1);
        let place = &mut report.verdict.findings[0].place;
        (place.line, place.column) = (line, column);
        (place.end_line, place.end_column) = (end_line, end_column);
        let annotation = annotations(&report).remove(0);
        fits(&annotation);
        assert_eq!((annotation.lines, annotation.columns), (lines, columns));
    }
}

/// 11: what steers a terminal or reorders text is shown in every place, and never obeyed.
#[test]
fn what_cannot_be_seen_is_shown_everywhere() {
    for (text, in_terminal, in_markdown, in_code, in_sarif) in [
        ("a\u{1b}[2J", r"a\u{1b}[2J", r"a\\u\{1b\}\[2J", r"`a\u{1b}[2J`", r"a\\u{1b}\[2J"),
        ("a\u{9b}2J", r"a\u{9b}2J", r"a\\u\{9b\}2J", r"`a\u{9b}2J`", r"a\\u{9b}2J"),
        ("a\r\nb", r"a\u{d}\u{a}b", r"a\\u\{d\}\\u\{a\}b", r"`a\u{d}\u{a}b`", r"a\\u{d}\\u{a}b"),
        ("a\0", r"a\u{0}", r"a\\u\{0\}", r"`a\u{0}`", r"a\\u{0}"),
        ("\u{202e}a", r"\u{202e}a", r"\\u\{202e\}a", r"`\u{202e}a`", r"\\u{202e}a"),
        ("\u{2066}a", r"\u{2066}a", r"\\u\{2066\}a", r"`\u{2066}a`", r"\\u{2066}a"),
        ("a\u{200b}b", r"a\u{200b}b", r"a\\u\{200b\}b", r"`a\u{200b}b`", r"a\\u{200b}b"),
        ("a\u{feff}b", r"a\u{feff}b", r"a\\u\{feff\}b", r"`a\u{feff}b`", r"a\\u{feff}b"),
        ("a\u{2028}b", r"a\u{2028}b", r"a\\u\{2028\}b", r"`a\u{2028}b`", r"a\\u{2028}b"),
        ("a\u{3164}b", r"a\u{3164}b", r"a\\u\{3164\}b", r"`a\u{3164}b`", r"a\\u{3164}b"),
        ("é漢🦀", "é漢🦀", "é漢🦀", "`é漢🦀`", "é漢🦀"),
    ] {
        assert_eq!(terminal(text), in_terminal);
        assert_eq!(markdown(text), in_markdown);
        assert_eq!(markdown_code(text), in_code);
        assert_eq!(sarif_text(text), in_sarif);
        let texts = [text.to_owned()];
        let report = hostile::report(&texts, false);
        let places = [
            (pages::comment(&report, RUN), vec![in_markdown, in_code]),
            (pages::summary(&report, RUN), vec![in_markdown, in_code]),
            (release::page(&hostile::release(&texts), RUN), vec![in_markdown, in_code]),
            (release::text(&hostile::release(&texts)), vec![in_terminal]),
            (cargo_weft::report::human::render(&report.verdict), vec![in_terminal]),
            (log::annotations(&annotations(&report)), vec![in_terminal]),
            (messages_of(&report), vec![in_sarif]),
        ];
        for (place, expected) in places {
            for expected in expected {
                assert!(place.contains(expected), "{expected} is not in:\n{place}");
            }
            // Of what weft writes itself, only the styles of the terminal's report are active.
            let place = anstream::adapter::strip_str(&place).to_string();
            let is_active = |c: char| {
                c != '\n'
                    && (c.is_control()
                        || text.contains(c) && !c.is_alphanumeric() && !"🦀[".contains(c))
            };
            assert!(!place.contains(is_active), "{text:?} in:\n{place}");
        }
    }
}

fn messages_of(report: &Report) -> String {
    let sarif = sarif::render(report).unwrap();
    messages(&serde_json::from_str(&sarif).unwrap()).join("\n")
}

/// Texts that are as long as can be, of what is the longest once it is escaped.
const LONG: [&str; 8] = ["a", "&", "`", "@ ", "`@ ", "\u{e0001}", "🦀", ":: "];

#[test]
fn pages_stay_within_their_limits_however_long_texts_are() {
    for text in LONG {
        let texts = [text.repeat(100_000 / text.len())];
        let mut report = hostile::report(&texts, true);
        report.head = "a".repeat(40);
        for (page, limit, has_marker) in pages_of(&report) {
            assert!(page.len() <= limit, "{text}: {}", page.len());
            assert!(page.contains("\n| deny |"), "{text}: the findings are not there");
            shape(&page);
            marked(&page, has_marker);
        }
        assert!(pages::summary(&report, RUN).len() <= MAX_SUMMARY, "{text}");
        let error = Error::usage(&*texts[0], &*texts[0]);
        let page = pages::comment_on_error("cargo-weft", &texts[0], &error, RUN);
        assert!(page.len() <= MAX_COMMENT, "{text}: {}", page.len());
        marked(&page, true);
        assert!(release::page(&hostile::release(&texts), RUN).len() <= MAX_SUMMARY, "{text}");
    }
}

#[test]
fn pages_stay_within_their_limits_however_much_is_found() {
    for text in LONG {
        // Longer than what is shown of any.
        let texts = [text.repeat(1_000 / text.len())];
        let mut report = hostile::report(&texts, true);
        report.head = "a".repeat(40);
        let finding = report.verdict.findings[0].clone();
        report.verdict.findings = vec![finding; 5_000];
        for (page, limit, has_marker) in pages_of(&report) {
            assert!(page.len() <= limit, "{text}: {}", page.len());
            assert_eq!(page.matches("\n| deny |").count(), 10, "{text}: {}", page.len());
            assert!(page.contains("4990 more"), "{text}");
            marked(&page, has_marker);
        }
        let page = pages::summary(&report, RUN);
        assert!(page.len() <= MAX_SUMMARY, "{text}: {}", page.len());
        assert!(page.contains("\n| deny |"), "{text}");
        let found = annotations(&report);
        assert_eq!(found.len(), 150);
        assert_eq!(obeyed(&log::annotations(&found)).0.len(), 10);

        let mut release = hostile::release(&texts);
        for step in &mut release.steps {
            step.evidence = vec![texts[0].clone(); 1_000];
        }
        release.assets = vec![release.assets[0].clone(); 1_000];
        let page = release::page(&release, RUN);
        assert!(page.len() <= MAX_SUMMARY, "{text}: {}", page.len());
        assert!(page.contains("800 more in the JSON report"), "{text}");
    }
}

/// What is hostile in each place of the repository below.
const LINES: [&str; 9] = [
    "::error::pwned",
    "x\r::error::pwned\n::add-mask::pwned\n##[error]pwned",
    "\u{a0}::set-output name=verdict::passed",
    "![x](http:e.example) [x](javascript:y)",
    "<img src=x><!-- --> @octocat #1 GH-1",
    "`a` ``|`` | b |\\",
    "\u{202e}evil\u{200b}\u{1b}[2J",
    "www.e.example a@b.example",
    "%0A%3A:smile:$x$~~y~~",
];

/// The whole program, about a repository whose directories, branch and title are hostile, and licences and sources.
#[test]
fn a_hostile_repository_is_told_about_in_words_alone() {
    for line in LINES {
        let place = sample::place();
        let pull = place.pull("change", &sample::all(&hostile_workspace(line)));
        let fake = sample::fake();
        let done = opened_by_somebody(&place, &fake, &pull, line).run();
        let done = done.exits(1);
        // The place of the finding is the hostile one, and it is told.
        let comment = comments(&fake).remove(0);
        assert!(comment.contains("`ban/package`") && comment.contains("members/"), "{comment}");
        assert!(done.log.contains("members/"), "{}", done.log);
        marked(&comment, true);
        said(&fake, &done);
        // Without a check run, annotations are in the log.
        let job = opened_by_somebody(&place, &fake, &pull, line).with("check-run", "false");
        let done = job.run().exits(1);
        let (commands, _) = obeyed(&done.log);
        let mut properties = commands.iter().filter_map(|command| command.properties.get("file"));
        let file = terminal(&format!("members/{line}/Cargo.toml"));
        assert!(properties.any(|found| *found == file), "{commands:?}");
        said(&fake, &done);
    }
}

/// And one that is refused: what is wrong with it is told as carefully.
#[test]
fn a_hostile_repository_that_is_refused_is_told_about_in_words_alone() {
    for line in LINES {
        for file in ["Cargo.lock", "Cargo.toml"] {
            let place = sample::place();
            let mut files = sample::workspace(sample::EVIL);
            let text = &mut files.iter_mut().find(|(name, _)| name == file).unwrap().1;
            *text = text.replacen("\"widget\"", &json!(line).to_string(), 1);
            let pull = place.pull("change", &sample::all(&files));
            let fake = sample::fake();
            let done = opened_by_somebody(&place, &fake, &pull, line).run();
            assert_ne!(done.status, Some(0), "{}", done.log);
            said(&fake, &done);
        }
    }
}

/// Writes a workspace with a member in a hostile directory, which brings a package that nobody allowed.
fn hostile_workspace(line: &str) -> Files {
    let mut files = sample::workspace(sample::EVIL);
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let sum = weft_verify::Sha256::of(b"worse");
    for (name, text) in &mut files {
        match &**name {
            "Cargo.toml" => *text += "\n[workspace]\nmembers = [\"members/*\"]\n",
            "Cargo.lock" => {
                *text += &format!(
                    "\n[[package]]\nname = \"member\"\nversion = \"1.0.0-a.b+c\"\ndependencies = [\"worse\"]\n\n[[package]]\nname = \"worse\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\nchecksum = \"{sum}\"\n"
                );
            }
            _ => (),
        }
    }
    let hostile = json!(line);
    let member = format!(
        "[package]\nname = \"member\"\nversion = \"1.0.0-a.b+c\"\nedition = \"2021\"\nlicense = {hostile}\ndescription = {hostile}\nauthors = [{hostile}]\n\n[dependencies]\nworse = \"1.0.0\"\n"
    );
    files.push((format!("members/{line}/Cargo.toml"), member));
    files.push((format!("members/{line}/src/lib.rs"), String::new()));
    files
}

fn opened_by_somebody<'a>(place: &Place, fake: &'a Fake, pull: &Pull, line: &str) -> Job<'a> {
    sample::opened_by(place, fake, pull, |mut event| {
        event["pull_request"]["title"] = json!(line);
        event["pull_request"]["body"] = json!(line);
        event["pull_request"]["head"]["ref"] = json!(line);
        event["pull_request"]["head"]["label"] = json!(format!("eve:{line}"));
        event["pull_request"]["user"]["login"] = json!(line);
        event["sender"]["login"] = json!(line);
        event
    })
}

/// Asserts that nothing was said anywhere but what weft says.
#[track_caller]
fn said(fake: &Fake, done: &Done) {
    let (commands, is_stopped) = obeyed(&done.log);
    assert!(!is_stopped, "{}", done.log);
    for command in &commands {
        let is_code = |title: &String| title.contains('/') && !title.contains("pwned");
        let title = command.properties.get("title");
        let is_ours = match &*command.name {
            "error" | "warning" | "notice" => {
                title.is_some_and(|title| title.starts_with("cargo weft") || is_code(title))
            }
            "stop-commands" => command.data.starts_with("weft-"),
            token => token.starts_with("weft-") && command.data.is_empty(),
        };
        assert!(is_ours, "{command:?} in:\n{}", done.log);
    }
    assert_eq!(obeyed(&done.stderr).0, [], "{}", done.stderr);
    shape(&done.summary);
    for comment in comments(fake) {
        marked(&comment, true);
    }
    for write in fake.writes() {
        let output = &write.request.unwrap()["output"];
        if let Some(summary) = output["summary"].as_str() {
            shape(summary);
            assert!(output["title"].as_str().unwrap().contains(" denied, "));
        }
    }
    let verdict = done.output("verdict");
    assert!(["failed", "inconclusive", "error"].contains(&verdict), "{verdict}");
    assert_eq!(done.outputs.keys().find(|name| name.contains("pwned")), None);
}
