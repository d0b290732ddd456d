//! Text that would steer what it is shown in: terminals, logs, Markdown, HTML.

use std::fs;

use serde_json::Value;

use crate::check::{Case, Status, always, audit, check, workflow_commands};
use crate::common::{
    AS_OF, Done, LOCKFILE, MANIFEST, Tree, from_registry, git as git_in, locked, package, quoted,
};

/// What an attacker would like to see printed as it is.
const HOSTILE: [&str; 7] = [
    "x\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31mred",
    "x\u{9b}31mred\u{9d}0;title\u{9c}",
    "x\u{202e}lrtb\u{2066}y\u{2069}",
    "x\u{200b}\u{feff}\u{ad}\u{2060}y",
    "[click](https://evil.invalid) ![i](https://evil.invalid/i.png)",
    "<script>alert(1)</script><img src=x onerror=alert(1)><!-- x -->",
    "a|b`c``d|\n\n# heading\n- @maintainer #1\u{7f}\u{0}\u{8}\r\u{2028}z",
];

/// What an attacker would like a runner to read at the beginning of a line, or (`##[`) anywhere.
const COMMANDS: [&str; 4] = [
    "::error::pwned",
    "x\r\n::error::pwned",
    "x ::error::pwned ::error::pwned ::error::pwned ::error::pwned ::error::pwned ::error::pwned",
    "x ##[error]pwned",
];

/// A place in a tree for hostile text, and the status of a tree with it there.
struct Spot {
    name: &'static str,
    tree: fn(&str) -> Tree,
    status: fn(&str) -> Status,
}

const SPOTS: [Spot; 13] = [
    Spot { name: "registry", tree: registry, status: of_url },
    Spot { name: "sparse registry", tree: sparse, status: of_url },
    Spot { name: "git", tree: git, status: of_git },
    Spot { name: "branch", tree: branch, status: of_git },
    Spot { name: "tag", tree: tag, status: of_git },
    Spot { name: "licence", tree: licence, status: |_| always(0) },
    Spot { name: "feature", tree: feature, status: |_| REFUSED },
    Spot { name: "target", tree: target, status: |_| REFUSED },
    Spot { name: "key", tree: key, status: |_| always(1) },
    Spot { name: "inherited key", tree: inherited, status: |_| always(3) },
    Spot { name: "patch", tree: patch, status: |_| always(1) },
    Spot { name: "source", tree: source, status: |_| always(0) },
    Spot { name: "member", tree: member, status: |_| always(1) },
];

/// What cargo refuses for reasons of its own.
const REFUSED: Status = Status { lock: 0, metadata: 3, auto: 3 };

/// What cargo cannot resolve without a network.
const NOT_RESOLVED: Status = Status { lock: 0, metadata: 3, auto: 0 };

/// Cargo's sources are visible ASCII; weft refuses lockfiles with others.
fn of_url(text: &str) -> Status {
    let refused = |c: char| !c.is_ascii_graphic() || matches!(c, '\\' | '?' | '#');
    if text.contains(refused) { always(3) } else { NOT_RESOLVED }
}

/// The manifest asks for the registry's package, so a lockfile with one from git is stale.
fn of_git(text: &str) -> Status {
    if of_url(text).lock == 3 { always(3) } else { always(1) }
}

fn needs(source: &str) -> Tree {
    let entry = package("dep", "1.0.0", &format!("source = {}\n", quoted(source)));
    let manifest = format!("{MANIFEST}[dependencies]\ndep = \"1\"\n");
    Tree::of(&manifest, &locked(&["dep"], &entry))
}

fn registry(text: &str) -> Tree {
    needs(&format!("registry+https://r.invalid/{text}"))
}

fn sparse(text: &str) -> Tree {
    needs(&format!("sparse+https://r.invalid/{text}/"))
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn git(text: &str) -> Tree {
    needs(&format!("git+https://g.invalid/{text}?branch=x#{COMMIT}"))
}

fn branch(text: &str) -> Tree {
    needs(&format!("git+https://g.invalid/r?branch={text}#{COMMIT}"))
}

fn tag(text: &str) -> Tree {
    needs(&format!("git+https://g.invalid/r?tag={text}#{COMMIT}"))
}

fn licence(text: &str) -> Tree {
    let text = quoted(text);
    let facts = format!("license = {text}\nrepository = {text}\ndescription = {text}\n");
    Tree::of(&format!("{MANIFEST}{facts}"), LOCKFILE)
}

/// A workspace with a member `dep` and this table in the root's manifest.
fn with_member(table: &str) -> Tree {
    let lockfile = locked(&["dep"], &package("dep", "1.0.0", ""));
    Tree::of(&format!("{MANIFEST}{table}"), &lockfile)
        .with("tree/dep/Cargo.toml", "[package]\nname = \"dep\"\nversion = \"1.0.0\"\n")
        .with("tree/dep/src/lib.rs", "")
}

fn feature(text: &str) -> Tree {
    let features = quoted(text);
    with_member(&format!("[dependencies]\ndep = {{ path = \"dep\", features = [{features}] }}\n"))
}

fn target(text: &str) -> Tree {
    let target = quoted(&format!("cfg({text})"));
    with_member(&format!("[target.{target}.dependencies]\ndep = {{ path = \"dep\" }}\n"))
}

fn key(text: &str) -> Tree {
    let (key, path) = (quoted(text), quoted(&format!("../out/{text}")));
    Tree::of(&format!("{MANIFEST}[dependencies]\n{key} = {{ path = {path} }}\n"), LOCKFILE)
}

fn inherited(text: &str) -> Tree {
    let key = quoted(text);
    Tree::of(&format!("{MANIFEST}[dependencies]\n{key} = {{ workspace = true }}\n"), LOCKFILE)
}

fn patch(text: &str) -> Tree {
    let text = quoted(text);
    let patch = format!("[patch.{text}]\n{text} = {{ git = \"https://g.invalid/x\" }}\n");
    Tree::of(&format!("{MANIFEST}{patch}"), LOCKFILE)
}

fn source(text: &str) -> Tree {
    let text = quoted(text);
    let config =
        format!("[source.crates-io]\nreplace-with = {text}\n[source.{text}]\ndirectory = \"v\"\n");
    Tree::sound().with("tree/.cargo/config.toml", config)
}

fn member(text: &str) -> Tree {
    // A file name holds no NUL, and this one is no directory; a bracket would begin a pattern.
    let name = text.replace(['\0', '/'], "");
    let table = format!("[workspace]\nmembers = [{}]\n", quoted(&name.replace('[', "[[]")));
    let escape = "[dependencies]\nesc = { path = \"../../out\" }\n";
    let manifest = format!("[package]\nname = \"mem\"\nversion = \"0.1.0\"\n{escape}");
    let lockfile = format!("{LOCKFILE}{}", package("mem", "0.1.0", ""));
    Tree::of(&format!("{MANIFEST}{table}"), &lockfile)
        .with(&format!("tree/{name}/Cargo.toml"), manifest)
        .with(&format!("tree/{name}/src/lib.rs"), "")
}

/// Audits a tree with each text in a spot at every precision.
#[track_caller]
fn check_spot(spot: &Spot, texts: &[&str], also: impl Fn(&Case, Done)) {
    for text in texts {
        let case = Case::from((spot.tree)(text));
        let status = (spot.status)(text);
        for (precision, status) in
            [("lock", status.lock), ("metadata", status.metadata), ("auto", status.auto)]
        {
            also(&case, audit(&case, precision, status, ""));
        }
    }
}

/// Runs a check for every spot, and fails with the names of all spots that fail it.
#[track_caller]
fn check_spots(check: impl Fn(&Spot) + std::panic::RefUnwindSafe) {
    let fails = |spot: &&Spot| std::panic::catch_unwind(|| check(spot)).is_err();
    let failed: Vec<_> = SPOTS.iter().filter(fails).map(|spot| spot.name).collect();
    assert!(failed.is_empty(), "not inert: {failed:?}");
}

#[test]
fn terminals_and_markup_are_not_steered_from_any_spot() {
    check_spots(|spot| {
        check_spot(spot, &HOSTILE, |case, _| {
            is_prose(&fs::read_to_string(case.tree.path("out/md")).unwrap());
        });
    });
}

#[test]
fn runners_are_not_commanded_from_any_spot() {
    check_spots(|spot| {
        check_spot(spot, &COMMANDS, |case, done| {
            let page = fs::read_to_string(case.tree.path("out/md")).unwrap();
            for text in [&done.stdout, &done.stderr, &page] {
                let command = workflow_commands(text).next();
                assert_eq!(command, None, "a runner would obey, {}", done.said());
            }
        });
    });
}

/// Asserts that Markdown holds no link, image, HTML, mention or reference but in code spans.
#[track_caller]
fn is_prose(page: &str) {
    for line in page.lines() {
        let text = without_code(line);
        for markup in ["](", "<script", "<img", "<!--", "@maintainer", "#1"] {
            let found = text.find(markup).filter(|at| !text[..*at].ends_with('\\'));
            assert_eq!(found, None, "{markup} is markup in: {line}");
        }
    }
    let headings = page.lines().filter(|line| line.starts_with("# ")).count();
    assert_eq!(headings, 0, "a heading comes from the tree: {page}");
}

/// Takes code spans out of a line, as CommonMark finds them (0.31 §6.1).
fn without_code(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        let width = from.len() - from.trim_start_matches('`').len();
        let (fence, inside) = from.split_at(width);
        if before.ends_with('\\') {
            rest = inside;
            continue;
        }
        let is_close = |&(at, _): &(usize, &str)| {
            !inside[at + width..].starts_with('`') && !inside[..at].ends_with('`')
        };
        match inside.match_indices(fence).find(is_close) {
            Some((at, _)) => rest = &inside[at + width..],
            None => rest = inside,
        }
    }
    text + rest
}

#[test]
fn code_spans_are_found_as_markdown_finds_them() {
    assert_eq!(without_code("a `b` c"), "a  c");
    assert_eq!(without_code("a ``b`c`` d"), "a  d");
    assert_eq!(without_code("a \\`b\\` c"), "a \\b\\ c");
    assert_eq!(without_code("a ` b"), "a  b");
}

#[test]
fn names_of_packages_are_letters_and_digits() {
    for text in HOSTILE {
        let entry = LOCKFILE.replace("\"root\"", &quoted(text));
        let case = Case::from(Tree::sound().with("tree/Cargo.lock", entry));
        audit(&case, "auto", 3, "not a package name");
        let manifest = MANIFEST.replace("\"root\"", &quoted(text));
        let case = Case::from(Tree::sound().with("tree/Cargo.toml", manifest));
        audit(&case, "auto", 3, "not a package name");
    }
}

#[test]
fn raw_control_characters_in_any_file_are_not_shown() {
    for text in HOSTILE {
        let raw = format!("x = \"{text}\" {text}\n");
        check(Tree::sound().with("tree/Cargo.lock", &raw), always(3), "Cargo.lock");
        check(Tree::sound().with("tree/weft.toml", &raw), always(2), "");
        check(Tree::sound().with("tree/.cargo/config.toml", &raw), always(3), "config.toml");
    }
}

#[test]
fn policies_are_inert() {
    for text in HOSTILE {
        let text = quoted(text);
        for policy in [
            format!("schema = 1\nprofile = {text}\n"),
            format!("schema = 1\n{text} = 1\n"),
            format!("schema = {text}\n"),
            format!("schema = 1\n[checks]\n{text} = \"off\"\n"),
            format!("schema = 1\n[checks]\n\"topology/blast\" = {text}\n"),
            format!("schema = 1\n[graph]\ntargets = {text}\n"),
        ] {
            check(Tree::sound().with("tree/weft.toml", policy), always(2), "");
        }
        let unknown = format!("schema = 1\n[graph]\ntargets = [{text}]\nfeatures = [{text}]\n");
        // Lock precision judges every target and feature, whatever the policy names.
        let status = Status { lock: 0, metadata: 3, auto: 3 };
        check(Tree::sound().with("tree/weft.toml", unknown), status, "");
        let lists = format!("schema = 1\n[sources]\nregistries = [{text}]\ngit = [{text}]\n");
        check(Tree::sound().with("tree/weft.toml", lists), always(0), "passed");
    }
}

/// What a change makes of the rules is told with keys and values of the head.
#[test]
fn rules_that_change_are_inert() {
    for text in HOSTILE.iter().chain(&COMMANDS) {
        let rules = "tree/.weft/exemptions.toml";
        let tree = Tree::sound().with(rules, "schema = 1\n");
        let root = tree.path("tree");
        git_in(&root, &["init", "--quiet"]);
        git_in(&root, &["add", "--all"]);
        git_in(&root, &["commit", "--quiet", "--message", "x"]);
        let text = quoted(text);
        let case = Case::from(tree.with(rules, format!("schema = 1\n{text} = {text}\n")));
        let done = audit(&case, "lock --base HEAD", 0, "rules that change");
        let page = fs::read_to_string(case.tree.path("out/md")).unwrap();
        is_prose(&page);
        for text in [&done.stdout, &done.stderr, &page] {
            assert_eq!(workflow_commands(text).next(), None, "{}", done.said());
        }
    }
}

/// A patch from a hostile place, of which the JSON report has the text in full.
fn patched(text: &str) -> Case {
    let patch = format!("[patch.crates-io]\ndep = {{ path = {} }}\n", quoted(text));
    Tree::of(&format!("{MANIFEST}{patch}"), LOCKFILE).into()
}

#[test]
fn json_loses_no_character() {
    for text in HOSTILE.map(|text| text.replace('\0', "")) {
        let case = patched(&text);
        let done = case.run(&format!("audit --precision lock --format json --as-of {AS_OF}"));
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        let with = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|f| f["fields"]["with"].as_str());
        assert_eq!(with, Some(&*text), "{}", done.said());
    }
}

/// RFC 8785 writes everything but C0 as it is, so JSON is for machines and not for terminals.
#[test]
fn json_holds_no_control_character_of_c0() {
    for text in HOSTILE.map(|text| text.replace('\0', "")) {
        let done =
            patched(&text).run(&format!("audit --precision lock --format json --as-of {AS_OF}"));
        let line = done.stdout.strip_suffix('\n').unwrap();
        assert_eq!(line.find(|c: char| c < ' '), None, "{}", done.said());
    }
}

#[test]
fn a_name_in_any_script_is_shown_as_it_is() {
    let name = "größe-漢字";
    let entry = package(name, "1.0.0", &from_registry());
    let manifest = format!("{MANIFEST}[dependencies]\n\"{name}\" = \"1\"\n");
    let case = Case::from(Tree::of(&manifest, &locked(&[name], &entry)));
    audit(&case, "lock", 0, name);
}
