//! What strangers can write, and reports that are full of it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use weft_action::report::release::{Asset, Release};
use weft_action::report::{Report, Step};
use weft_gate::Outcome;
use weft_verify::Sha256;

/// The digest of nothing.
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What means something to somebody: a runner, GitHub, a terminal, a reader.
pub(crate) const FRAGMENTS: [&str; 91] = [
    "::error::x",
    "::error file=a,line=1::x",
    "##[error]",
    "##[set-output name=x]y",
    "::add-mask::x",
    "\u{a0}::error::x",
    "\u{3000}::add-mask::x",
    ":\u{fe0f}:error::x",
    "#\u{fe0f}#[error]x",
    "::set-output name=x::y",
    "::stop-commands::x",
    "::x::",
    "::",
    "##[",
    "]",
    "\r",
    "\n",
    "\r\n",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{a0}",
    "\u{3000}",
    "\t",
    "%0A",
    "%3A",
    "%25",
    "%2C",
    "`",
    "``",
    "```",
    "~~~",
    "|",
    "\\|",
    "\\",
    "\\\\",
    "<!-- -->",
    "<!--",
    "-->",
    "<!-- cargo-weft: cargo-weft -->",
    "<img src=x>",
    "<b>",
    "</details>",
    "</sub>",
    "<br>",
    "<script>",
    "<a href=\"http://e.example\">",
    "<http://e.example>",
    "<me@e.example>",
    "![x](http://e)",
    "[x](javascript:y)",
    "[x]: http://e.example",
    "[x]",
    "(y)",
    "http://e.example",
    "HTTPS://e.example/?a=b&c",
    "www.e.example",
    "ftp://e.example",
    "mail@e.example",
    "mailto:a@b.example",
    "xmpp:a@b.example/x",
    "@octocat",
    "@org/team",
    "@",
    "#123",
    "#",
    "GH-1",
    "gh-22",
    "octo/widget#1",
    "octo/widget@0123abc",
    "0123456789abcdef0123456789abcdef01234567",
    "*_~",
    "**x**",
    "_x_",
    "~~x~~",
    "$math$",
    "$$",
    "$`x`$",
    ":smile:",
    "\u{1b}[2J",
    "\u{1b}]8;;http://e\u{7}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{fe0f}",
    "\0",
    "[^1]",
    "- [ ] x",
    "# x",
    "> x",
];

/// Fragments that are only something at the beginning of a line, or in company.
const MORE: [&str; 16] = [
    " ",
    "  ",
    "     ",
    "a",
    "1. ",
    "1) ",
    "- ",
    "+ ",
    "---",
    "===",
    "| a | b |",
    "|-|-|",
    "> [!NOTE]",
    "&lt;",
    "&#64;octocat",
    "é漢🦀",
];

/// Makes a text of a few fragments, and of whatever there is.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => select(&FRAGMENTS[..]).prop_map(str::to_owned),
        3 => select(&MORE[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(part, 1..6).prop_map(|parts| parts.concat())
}

/// Makes as many texts as it takes for each place of a report to have many of them over time.
pub(crate) fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 7..23)
}

/// Makes a report of these texts, wherever one is not weft's own: its checks' names only if `of_another`.
pub(crate) fn report(texts: &[String], of_another: bool) -> Report {
    let mut value = template(if of_another { "/?" } else { "/x" });
    let mut texts = texts.iter().cycle();
    fill(&mut value, &mut texts);
    serde_json::from_value(value).unwrap()
}

/// Makes a report of a release.
pub(crate) fn release(texts: &[String]) -> Release {
    let mut texts = texts.iter().cycle().cloned();
    let mut next = || texts.next().unwrap();
    let step = |result, line: String, remedy: Option<String>, check: String| Step {
        check,
        evidence: vec![line.clone(), format!("it is {line}")],
        remedy,
        result,
    };
    let steps = vec![
        step(Outcome::Passed, next(), None, next()),
        step(Outcome::Failed, next(), Some(next()), next()),
        step(Outcome::Inconclusive, next(), Some(next()), next()),
    ];
    let asset = |name: String| Asset { id: 5, kind: "artifact", name, sha256: Sha256::of(b"x") };
    Release {
        assets: vec![asset(next()), asset(next())],
        commit: next(),
        id: 5,
        outcome: Outcome::Failed,
        published: false,
        repository: "octo/widget".to_owned(),
        run: (77, 1),
        schema: 1,
        steps,
        tag: next(),
        tool: next(),
    }
}

/// Puts texts in the place of each `?`.
fn fill<'a>(value: &mut Value, texts: &mut impl Iterator<Item = &'a String>) {
    match value {
        Value::String(text) => {
            if let Some((before, after)) = text.split_once('?') {
                *text = format!("{before}{}{after}", texts.next().unwrap());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, texts)),
        Value::Object(members) => members.values_mut().for_each(|item| fill(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

fn finding(level: &str, family: &str, code: &str) -> Value {
    json!({
        "level": level,
        "code": format!("{family}{code}"),
        "subject": "?",
        "place": {"file": "?", "line": 3, "column": 1, "end_line": 3, "end_column": 9},
        "sentence": "?",
        "path": ["?", "?", "?"],
        "remedy": {"sentence": "?", "command": "?"},
        "fields": {"a": "?", "b": ["?"]},
        "retryable": false,
    })
}

fn template(code: &str) -> Value {
    json!({
        "base": "?",
        "category": "cargo-weft",
        "changes": changes(),
        "event": "pull_request",
        "fail_on": "deny",
        "head": "?",
        "judged": "?",
        "lockfiles": [
            {"name": "?", "sha256": SHA256},
            {"name": "base:Cargo.lock", "sha256": SHA256},
        ],
        "mode": "audit",
        "outcome": "failed",
        "prefix": "?",
        "pull": 7,
        "repository": "octo/widget",
        "run": [77, 1],
        "schema": 1,
        "steps": [
            {"check": format!("a{code}"), "evidence": ["?", "?"], "result": "passed"},
            {"check": format!("b{code}"), "evidence": ["?"], "remedy": "?", "result": "failed"},
            {"check": format!("c{code}"), "evidence": ["?"], "remedy": "?", "result": "inconclusive"},
        ],
        "tool": "?",
        "tree": "?",
        "verdict": verdict(code),
        "warn_only": true,
    })
}

fn changes() -> Value {
    let change = |kind: &str| json!({"from": "pkg:cargo/?", "kind": kind, "to": "?"});
    json!({
        "base": {"name": "?", "summary": null},
        "capabilities": [
            {"package": "pkg:cargo/?", "capability": "build-script", "before": "?", "after": null},
            {"package": "?", "capability": "license", "before": "?", "after": "?"},
        ],
        "head": {"name": "?", "summary": summary()},
        "packages": {
            "added": ["pkg:cargo/?", "?"],
            "changed": [
                change("downgraded"), change("replaced"), change("moved"), change("renamed"),
                change("upgraded"),
            ],
            "new_sources": ["?", "?"],
            "removed": ["?"],
        },
        "fixed": [{"code": "ban/x", "about": "?"}],
        "new": [],
        "unchanged": 1,
        "not_evaluated": [{"subject": "?", "reason": "?"}],
        "schema": 1,
    })
}

fn verdict(code: &str) -> Value {
    let place = json!({"file": "?", "line": 1, "column": 1, "end_line": 1, "end_column": 1});
    json!({
        "as_of": "2026-11-20",
        "comparison": {
            "commit": "base",
            "fixed": [{"code": "ban/x", "about": "?"}],
            "unchanged": [finding("warn", "ban", code)],
        },
        "counts": {
            "deny": 2, "evaluated": 9, "exempted": 1, "not_evaluated": 2, "note": 1, "off": 0,
            "warn": 1,
        },
        "exempted": [{
            "finding": finding("warn", "ban", code),
            "exemption": {
                "code": "?", "subject": "?", "path": ["?"], "approver": "?",
                "expires": "2026-12-01", "owner": "?", "reason": "?", "place": place,
            },
        }],
        "findings": [
            finding("deny", "ban", code),
            finding("deny", "rule", code),
            finding("warn", "ban", code),
            finding("note", "ban", code),
        ],
        "inputs": [{"name": "?", "sha256": SHA256}],
        "not_evaluated": [
            {"code": format!("ban{code}"), "reason": "?", "required": true},
            {"code": format!("license{code}"), "reason": "?", "required": false},
        ],
        "notices": [{"message": "?", "place": place}],
        "outcome": "failed",
        "profile": "?",
        "risk": [{
            "articulation_point": true, "betweenness_thousandths": 1, "blast": 1, "depth": 1,
            "fan_in": 1, "fan_out": 1, "host_execution": 1, "id": "?", "longest_path": 1,
            "name": "?", "paths": "?", "retained": 1, "version": "?",
        }],
        "schema": 1,
        "summary": summary(),
        "tool": "?",
    })
}

fn summary() -> Value {
    json!({
        "cycles": 0, "edges": 1, "external": 1, "locked": 2, "members": 1, "precision": "lock",
    })
}
