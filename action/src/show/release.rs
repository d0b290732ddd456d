//! What people see of a release: the job summary and the log.

use std::fmt::Write;

use cargo_weft::escape::{markdown, markdown_code, terminal};
use weft_gate::Outcome;

use super::cut;
use crate::report::Step;
use crate::report::release::Release;

/// How many files are listed.
const MOST_FILES: usize = 200;

/// Writes the job summary.
pub fn page(report: &Release, run_url: &str) -> String {
    let mut out = format!(
        "### cargo weft: release {}\n\n{}. Judged in [this run]({run_url}).\n\n",
        report.outcome.as_str(),
        state(report, markdown_code),
    );
    for (title, is_open) in [("#### What is missing\n\n", true), ("#### What holds\n\n", false)] {
        let steps = report.steps.iter().filter(|step| (step.result != Outcome::Passed) == is_open);
        let steps: Vec<&Step> = steps.collect();
        if steps.is_empty() {
            continue;
        }
        out += title;
        for step in steps {
            _ = writeln!(out, "- {} {}", markdown_code(&step.check), word(step));
            for line in &step.evidence {
                _ = writeln!(out, "  - {}", markdown(&cut(line, 500)));
            }
            if let Some(remedy) = &step.remedy {
                _ = writeln!(out, "  - next: {}", markdown(&cut(remedy, 500)));
            }
        }
        out.push('\n');
    }
    out += "#### Files, by what was downloaded\n\n";
    for asset in report.assets.iter().take(MOST_FILES) {
        let (name, sha256) = (markdown_code(&asset.name), asset.sha256);
        _ = writeln!(out, "- {name} {}, `sha256:{sha256}`", asset.kind);
    }
    if report.assets.len() > MOST_FILES {
        _ = writeln!(out, "- and {} more in the JSON report", report.assets.len() - MOST_FILES);
    }
    out
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

fn state(report: &Release, escape: fn(&str) -> String) -> String {
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
