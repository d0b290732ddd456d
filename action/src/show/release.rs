//! What people see of a release: the job summary and the log.

use std::fmt::Write;

use cargo_weft::escape::{markdown, markdown_code, terminal};
use weft_gate::Outcome;

use super::cut;
use super::markdown::{MAX_SUMMARY, Page};
use crate::report::Step;
use crate::report::release::Release;

/// How many files are listed, and how many lines of a step.
const MOST_LINES: usize = 200;

/// Writes the job summary.
pub fn page(report: &Release, run_url: &str) -> String {
    let mut page = Page::new(MAX_SUMMARY);
    page.add(&format!(
        "### cargo weft: release {}\n\n{}. Judged in [this run]({run_url}).\n\n",
        report.outcome.as_str(),
        state(report, |text| markdown_code(&cut(text, 300))),
    ));
    for (title, is_open) in [("#### What is missing\n\n", true), ("#### What holds\n\n", false)] {
        let steps = report.steps.iter().filter(|step| (step.result != Outcome::Passed) == is_open);
        let steps: Vec<&Step> = steps.collect();
        if steps.is_empty() {
            continue;
        }
        page.add(title);
        for step in steps {
            page.add(&item(step));
        }
        page.add("\n");
    }
    page.add("#### Files, by what was downloaded\n\n");
    let mut files = String::new();
    for asset in report.assets.iter().take(MOST_LINES) {
        let (name, sha256) = (markdown_code(&cut(&asset.name, 300)), asset.sha256);
        _ = writeln!(files, "- {name} {}, `sha256:{sha256}`", asset.kind);
    }
    more(&mut files, "", report.assets.len());
    page.add(&files);
    page.out
}

fn item(step: &Step) -> String {
    let mut out = format!("- {} {}\n", markdown_code(&step.check), word(step));
    for line in step.evidence.iter().take(MOST_LINES) {
        _ = writeln!(out, "  - {}", markdown(&cut(line, 500)));
    }
    more(&mut out, "  ", step.evidence.len());
    if let Some(remedy) = &step.remedy {
        _ = writeln!(out, "  - next: {}", markdown(&cut(remedy, 500)));
    }
    out
}

fn more(out: &mut String, indent: &str, all: usize) {
    if all > MOST_LINES {
        _ = writeln!(out, "{indent}- and {} more in the JSON report", all - MOST_LINES);
    }
}

/// Writes the log.
pub fn text(report: &Release) -> String {
    let mut out = format!("{}\n{}\n", report.outcome.as_str(), state(report, terminal));
    for step in &report.steps {
        _ = writeln!(out, "  {}: {}", terminal(&step.check), word(step));
        for line in &step.evidence {
            _ = writeln!(out, "    {}", terminal(line));
        }
        if let Some(remedy) = &step.remedy {
            _ = writeln!(out, "    next: {}", terminal(remedy));
        }
    }
    out
}

fn state(report: &Release, escape: impl Fn(&str) -> String) -> String {
    let state = match (report.published, report.outcome) {
        (true, _) => "published",
        (false, Outcome::Passed) => "ready to be published",
        (false, _) => "not published",
    };
    let commit = match report.commit.is_empty() {
        true => "no commit".to_owned(),
        false => escape(&report.commit),
    };
    format!("{} of {commit}: {state}", escape(&report.tag))
}

fn word(step: &Step) -> &'static str {
    match step.result {
        Outcome::Inconclusive => "missing",
        other => other.as_str(),
    }
}
