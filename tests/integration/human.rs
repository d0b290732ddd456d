//! What people read: within 80 columns, and in colour only where it is wanted.

use unicode_width::UnicodeWidthStr;

use crate::common::{Run, Tree};
use crate::real;
use crate::sample;

/// Demands lines of at most 80 columns, but for one token that cannot be broken.
#[track_caller]
fn check_width(what: &str, text: &str) {
    for line in text.lines() {
        let is_token = !line.trim_start().contains(char::is_whitespace);
        assert!(line.width() <= 80 || is_token, "{what}: {} columns: {line}", line.width());
    }
}

#[test]
fn reports_fit_a_terminal_of_80_columns() {
    for (name, path) in real::lockfiles() {
        let path = path.canonicalize().unwrap();
        for command in [
            "audit",
            "audit --policy release",
            "risk",
            "risk simulate",
            "risk plan",
            "risk card serde",
        ] {
            let tree = Tree::empty();
            let run = Run::new(tree.path("tree"), &format!("{command} --lockfile"));
            let run = run.arg(&path).done();
            assert!(!run.stdout.is_empty(), "{}", run.said());
            check_width(&format!("{command} of {name}"), &run.stdout);
        }
    }
    let wanted = ["ripgrep", "rust-analyzer"];
    let both = real::lockfiles().into_iter().filter(|(name, _)| wanted.contains(&&**name));
    let both: Vec<_> = both.map(|(_, path)| path.canonicalize().unwrap()).collect();
    if let [base, head] = &both[..] {
        let tree = Tree::empty();
        let run = Run::new(tree.path("tree"), "risk diff").arg(base).arg(head).within(120);
        let run = run.done().exits(0);
        check_width("risk diff", &run.stdout);
    }
    for tree in [sample::passes(), sample::fails(), sample::is_unknown()] {
        for command in [
            "audit",
            "audit --precision lock --policy strict",
            "risk",
            "risk simulate",
            "risk plan",
            "explain",
        ] {
            let run = Run::new(tree.path("tree"), command).done();
            check_width(command, &run.stdout);
        }
    }
}

#[test]
fn colour_is_shown_only_where_it_is_wanted() {
    let tree = sample::fails();
    let audit = |rest: &str, variable: Option<&str>| {
        let run = Run::new(tree.path("tree"), &format!("audit --precision lock {rest}"));
        let run = variable.into_iter().fold(run, |run, name| run.env(name, "1"));
        run.done().exits(1).stdout
    };
    let plain = audit("", None);
    assert!(!plain.contains('\u{1b}'));
    assert_eq!(audit("--color never", None), plain);
    assert_eq!(audit("--color auto", None), plain);
    assert_eq!(audit("", Some("NO_COLOR")), plain);
    assert_eq!(audit("--color never", Some("CLICOLOR_FORCE")), plain);
    let coloured = audit("--color always", None);
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    assert!(audit("", Some("CLICOLOR_FORCE")).contains("\u{1b}["));
}

#[test]
fn files_and_machine_formats_have_no_colour() {
    let tree = sample::fails();
    let report = tree.path("report.txt");
    let audit = "audit --precision lock --color always";
    Run::new(tree.path("tree"), &format!("{audit} --output")).arg(&report).done().exits(1);
    assert!(!std::fs::read_to_string(report).unwrap().contains('\u{1b}'));
    for format in ["json", "sarif", "markdown"] {
        let run = Run::new(tree.path("tree"), &format!("{audit} --format {format}")).done();
        assert!(!run.stdout.contains('\u{1b}'), "{format}");
    }
}

#[test]
fn faults_have_colour_where_it_is_wanted() {
    let tree = sample::is_faulty();
    let audit = |rest: &str| Run::new(tree.path("tree"), &format!("audit {rest}")).done().exits(2);
    assert!(!audit("").stderr.contains('\u{1b}'));
    assert!(audit("--color always").stderr.contains('\u{1b}'));
}
