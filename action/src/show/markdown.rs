//! Markdown for the comment, the check run and the job summary.

use std::fmt::Write;

use cargo_weft::Error;
use cargo_weft::escape::{markdown, markdown_code};
use weft_gate::diff::ChangeKind;
use weft_gate::{Finding, Outcome};

use super::{count, cut, path_of, title, worth_a_row};
use crate::report::Report;

/// The largest comment, in bytes; GitHub takes 65,536 characters.
pub const MAX_COMMENT: usize = 60_000;

/// The largest job summary, in bytes; GitHub drops one of more than 1 MiB, and says nothing.
pub const MAX_SUMMARY: usize = 1_000_000;

/// How many findings a comment has rows for; with those, however their names are written, it is not full.
const MOST_ROWS: usize = 10;

/// How many packages, rules, and steps are named.
const MOST_LINES: usize = 30;

/// Returns the line that only weft writes into its comments, by which it knows them.
pub fn marker(category: &str) -> String {
    format!("<!-- cargo-weft: {category} -->")
}

/// Writes the comment.
pub fn comment(report: &Report, run_url: &str) -> String {
    let mut page = Page::new(MAX_COMMENT);
    page.add(&format!("{}\n", marker(&report.category)));
    body(&mut page, report, run_url);
    page.out
}

/// Writes the comment on what the pull request's own run reports, whose words are those of the pull request.
pub fn comment_for_another(report: &Report, run_url: &str) -> String {
    format!("{}\n{}", marker(&report.category), reported(report, run_url))
}

/// Writes what another run reports, and first of all that it is another's.
pub fn reported(report: &Report, run_url: &str) -> String {
    let mut page = Page::new(MAX_COMMENT - 200);
    page.add("The pull request's own run reports this, and the pull request can change what runs there.\n\n");
    body(&mut page, report, run_url);
    page.out
}

/// Writes what a check run says.
pub fn check_summary(report: &Report, run_url: &str) -> String {
    let mut page = Page::new(MAX_COMMENT);
    body(&mut page, report, run_url);
    page.out
}

/// Writes the comment of a commit that cannot be judged.
pub fn comment_on_error(category: &str, head: &str, error: &Error, run_url: &str) -> String {
    format!("{}\n{}", marker(category), summary_on_error(Some(head), error, run_url))
}

/// Writes the job summary of a run that could not do its work.
pub fn summary_on_error(head: Option<&str>, error: &Error, run_url: &str) -> String {
    let help = match error {
        Error::Usage { help, .. } => format!("\n\nNext: {}", inert(help, 2_000)),
        _ => String::new(),
    };
    let of = head.map_or("This run".to_owned(), |head| markdown_code(&cut(head, 80)));
    format!(
        "### cargo weft: not judged\n\n{of} could not be judged: {}{help}\n\nThe log is in [the run]({run_url}).\n",
        inert(&error.to_string(), 2_000),
    )
}

/// Writes the job summary: the comment's answers, then everything there is room for.
pub fn summary(report: &Report, run_url: &str) -> String {
    let mut page = Page::new(MAX_SUMMARY);
    body(&mut page, report, run_url);
    page.add("\n---\n\n");
    page.add(&cargo_weft::report::markdown::render(&report.verdict));
    page.out
}

/// A text with room for so many bytes, which takes sections whole or not at all.
pub(super) struct Page {
    pub(super) out: String,
    limit: usize,
    is_full: bool,
}

impl Page {
    pub(super) fn new(limit: usize) -> Self {
        Self { out: String::new(), limit, is_full: false }
    }

    pub(super) fn add(&mut self, section: &str) {
        const SAID: &str = "\nThere is no room for more; the JSON report has everything.\n";
        if self.is_full {
            return;
        }
        match self.out.len() + section.len() + SAID.len() <= self.limit {
            true => self.out.push_str(section),
            false => {
                self.out.push_str(SAID);
                self.is_full = true;
            }
        }
    }
}

fn body(page: &mut Page, report: &Report, run_url: &str) {
    page.add(&head(report, run_url));
    page.add(&rows(report));
    page.add(&rules(report));
    page.add(&missing(report));
    page.add(&packages(report));
    page.add(&steps(report));
    page.add(&identity(report));
}

fn head(report: &Report, run_url: &str) -> String {
    let mut out = format!("### cargo weft: {}\n\n", report.outcome.as_str());
    if report.warn_only {
        out += match report.outcome {
            Outcome::Passed => {
                "**Warn only**: the workflow says `warn-only: true`, so the job would pass whatever is found.\n\n"
            }
            _ => {
                "**Warn only**: the job passes all the same, because the workflow says `warn-only: true`. Nothing is blocked.\n\n"
            }
        };
    }
    if let Some(comparison) = &report.verdict.comparison {
        let (fixed, known) = (comparison.fixed.len(), comparison.unchanged.len());
        _ = write!(out, "New since the base: {}. {fixed} fixed, {known} as before.", title(report));
    } else {
        _ = write!(out, "In all: {}.", title(report));
    }
    _ = writeln!(out, "\n\nJudged for {} in [this run]({run_url}).\n", markdown_code(&report.head));
    out
}

fn rows(report: &Report) -> String {
    let all: Vec<&Finding> = worth_a_row(report).collect();
    if all.is_empty() {
        return String::new();
    }
    let mut out = String::from("| | finding | introduced by | next |\n|-|-|-|-|\n");
    for finding in all.iter().take(MOST_ROWS) {
        let place = &finding.place;
        let place = format!("{}:{}", cut(&path_of(report, &place.file), 140), place.line);
        let path = match finding.path.len() {
            0 | 1 => String::new(),
            _ => format!("<br>{}", code(&path(&finding.path), 200)),
        };
        let command = finding.remedy.command.as_ref().map(|c| format!("<br>{}", code(c, 200)));
        _ = writeln!(
            out,
            "| {} | {} {} | {}{path} | {}{} |",
            finding.level.as_str(),
            code(&finding.code, 100),
            inert(&finding.sentence, 300),
            code(&place, 150),
            inert(&finding.remedy.sentence, 300),
            command.unwrap_or_default(),
        );
    }
    if all.len() > MOST_ROWS {
        _ = writeln!(out, "\n{} more are in the job summary.", all.len() - MOST_ROWS);
    }
    out.push('\n');
    out
}

/// Shows how a package comes to be there, without the middle of a long way.
fn path(path: &[String]) -> String {
    let short = |name: &String| cut(name, 60);
    match path {
        [first, .., second, last] if path.len() > 5 => {
            format!("{} > … > {} > {}", short(first), short(second), short(last))
        }
        _ => path.iter().map(short).collect::<Vec<_>>().join(" > "),
    }
}

fn rules(report: &Report) -> String {
    let changed: Vec<&Finding> = report.rules().collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "#### Changes of the rules themselves\n\nThey are judged by the base's rules, and count once they are merged.\n\n",
    );
    for finding in changed.iter().take(MOST_LINES) {
        let command = finding.remedy.command.as_ref().map(|c| format!(" {}", code(c, 300)));
        _ = writeln!(
            out,
            "- {} {} {} {}{}",
            finding.level.as_str(),
            code(&finding.code, 100),
            inert(&finding.sentence, 600),
            inert(&finding.remedy.sentence, 300),
            command.unwrap_or_default(),
        );
    }
    more(&mut out, changed.len());
    out.push('\n');
    out
}

fn missing(report: &Report) -> String {
    let required: Vec<_> =
        report.verdict.not_evaluated.iter().filter(|check| check.required).collect();
    if required.is_empty() {
        return String::new();
    }
    let mut out = String::from("#### Required and not evaluated\n\n");
    for check in required.iter().take(MOST_LINES) {
        _ = writeln!(out, "- {} {}", code(&check.code, 100), inert(&check.reason, 300));
    }
    more(&mut out, required.len());
    out.push('\n');
    out
}

fn packages(report: &Report) -> String {
    let Some(changes) = &report.changes else { return String::new() };
    let packages = &changes.packages;
    let mut lines = Vec::new();
    for kind in [
        ChangeKind::Moved,
        ChangeKind::Replaced,
        ChangeKind::Renamed,
        ChangeKind::Downgraded,
        ChangeKind::Upgraded,
    ] {
        for change in packages.changed.iter().filter(|change| change.kind == kind) {
            let (from, to) = (package(&change.from), package(&change.to));
            lines.push(format!("{} {from} → {to}", kind.as_str()));
        }
    }
    lines.extend(packages.added.iter().map(|id| format!("added {}", package(id))));
    lines.extend(packages.removed.iter().map(|id| format!("removed {}", package(id))));
    let sources = packages.new_sources.iter();
    let mut notable: Vec<String> =
        sources.map(|s| format!("new source {}", code(s, 200))).collect();
    notable.extend(changes.capabilities.iter().map(|shift| {
        let value = |value: &Option<String>| match value {
            Some(value) => code(value, 100),
            None => "none".to_owned(),
        };
        let rate = shift.rate.map(|rate| format!(" ({})", rate.sentence())).unwrap_or_default();
        format!(
            "{} {}: {} → {}{rate}",
            package(&shift.package),
            shift.capability.as_str(),
            value(&shift.before),
            value(&shift.after)
        )
    }));
    if lines.is_empty() && notable.is_empty() {
        return String::new();
    }
    let title = count(lines.len() as u64, "package");
    let mut out = format!("<details><summary>{title} changed</summary>\n\n");
    for lines in [&notable, &lines] {
        for line in lines.iter().take(MOST_LINES) {
            _ = writeln!(out, "- {line}");
        }
        more(&mut out, lines.len());
    }
    out += "\n</details>\n\n";
    out
}

fn steps(report: &Report) -> String {
    let mut out = String::from("<details><summary>What was looked at</summary>\n\n");
    for step in report.steps.iter().take(MOST_LINES) {
        let result = match step.result {
            Outcome::Inconclusive => "missing",
            other => other.as_str(),
        };
        _ = writeln!(out, "- {} {result}", code(&step.check, 100));
        for line in step.evidence.iter().take(MOST_ROWS) {
            _ = writeln!(out, "  - {}", inert(line, 300));
        }
        if let Some(remedy) = &step.remedy {
            _ = writeln!(out, "  - next: {}", inert(remedy, 300));
        }
    }
    out += "\n</details>\n\n";
    out
}

/// Says exactly what was judged.
fn identity(report: &Report) -> String {
    let mut out = format!("<sub>judged {}", code(&report.judged, 80));
    if let Some(tree) = &report.tree {
        _ = write!(out, ", tree {}", code(tree, 80));
    }
    if let Some(base) = &report.base {
        _ = write!(out, ", base {}", code(base, 80));
    }
    for lockfile in report.lockfiles.iter().take(2) {
        _ = write!(
            out,
            ", {} {}",
            code(&lockfile.name, 80),
            code(&lockfile.sha256.to_string(), 80)
        );
    }
    _ = writeln!(out, "; {}</sub>", code(&report.tool, 60));
    out
}

fn more(out: &mut String, all: usize) {
    if all > MOST_LINES {
        _ = writeln!(out, "- and {} more in the JSON report", all - MOST_LINES);
    }
}

/// Writes a package URL without what all of them begin with.
fn package(id: &str) -> String {
    code(id.strip_prefix("pkg:cargo/").unwrap_or(id), 200)
}

fn code(text: &str, most: usize) -> String {
    markdown_code(&cut(text, most))
}

fn inert(text: &str, most: usize) -> String {
    markdown(&cut(text, most))
}
