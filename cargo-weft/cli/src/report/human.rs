//! The report for a person at a terminal of 80 columns: the verdict first, then what blocks, then what is riskiest.
//!
//! Text carries styles as ANSI sequences; whoever prints it strips them where they are not wanted, and it reads the same
//! without.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;
use weft_gate::advisory::Database;
use weft_gate::exemption::Exempted;
use weft_gate::policy::Level;
use weft_gate::rule::{Approval, Rules, State};
use weft_gate::topology::RiskRow;
use weft_gate::verdict::{Comparison, NotEvaluated, Summary};
use weft_gate::{Finding, Outcome, Place, Verdict};

use super::table::{Align, layout, shorten, tenths};
use crate::escape::terminal;

/// How many columns reports for people take.
pub const WIDTH: usize = 80;

/// More notes than this are counted, not listed; the JSON report has them all.
const MOST_NOTES: usize = 12;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Writes the report.
pub fn render(verdict: &Verdict) -> String {
    let mut out = String::new();
    head(&mut out, verdict);
    for notice in &verdict.notices {
        let place = notice.place.as_ref().map(|p| format!(" ({})", place(p))).unwrap_or_default();
        paragraph(&mut out, "notice: ", &format!("{}{place}", terminal(&notice.message)), 2);
    }
    if let Some(changed) = changed_rules(verdict) {
        rules(&mut out, changed);
    }
    let findings = verdict.findings.iter().filter(|finding| !is_listed_as_rule(finding));
    let (notes, findings): (Vec<&Finding>, Vec<&Finding>) =
        findings.partition(|f| f.level == Level::Note);
    for found in findings {
        out.push('\n');
        finding(&mut out, found);
    }
    brief(&mut out, &notes);
    exempted(&mut out, &verdict.exempted);
    not_evaluated(&mut out, &verdict.not_evaluated);
    riskiest(&mut out, &verdict.risk);
    out
}

/// Lists the rules that change, and says who approved that.
fn rules(out: &mut String, rules: &Rules) {
    _ = writeln!(out, "\n{BOLD}rules that change{BOLD:#}");
    for change in rules.changed.iter().take(MOST_NOTES) {
        let text = format!("{}: {}", terminal(&change.file), terminal(&change.what));
        paragraph(out, "", &text, 2);
        for (lead, state) in [("old: ", &change.old), ("new: ", &change.new)] {
            paragraph(out, lead, &terminal(&self::state(state)), 4);
        }
    }
    if let Some(more) = rules.changed.len().checked_sub(MOST_NOTES).filter(|more| *more > 0) {
        _ = writeln!(out, "  and {} more", plural(more as u64, "file"));
    }
    paragraph(out, "", &terminal(&approval(&rules.approval)), 2);
}

/// Returns what changes of the rules.
pub(super) fn changed_rules(verdict: &Verdict) -> Option<&Rules> {
    verdict.comparison.as_ref()?.rules.as_ref()
}

/// Says whether the section of rules tells what a finding does.
pub(super) fn is_listed_as_rule(finding: &Finding) -> bool {
    finding.code == "rule/changed" && finding.level == Level::Note
}

/// Says what was or is at the place of a file of rules.
pub fn state(state: &State) -> String {
    match state {
        State::Absent => "none".to_owned(),
        State::File(sha256) => sha256.to_string(),
        State::Unreadable(why) => format!("it {why}"),
    }
}

/// Says who approved what changes of the rules.
pub(super) fn approval(approval: &Approval) -> String {
    match approval {
        Approval::First => "these are the first, so nobody has to approve them".to_owned(),
        Approval::Given(by) => format!("approved by {}", by.join(", ")),
        Approval::Missing(1) => "not approved: 1 key has to sign".to_owned(),
        Approval::Missing(keys) => format!("not approved: {keys} keys have to sign"),
        Approval::Refused(why) => format!("not approved: {why}"),
        Approval::Unguarded => "the base does not say who has to approve that".to_owned(),
    }
}

fn head(out: &mut String, verdict: &Verdict) {
    let counts = &verdict.counts;
    let style = match verdict.outcome {
        Outcome::Passed => BOLD.fg_color(Some(AnsiColor::Green.into())),
        Outcome::Failed => BOLD.fg_color(Some(AnsiColor::Red.into())),
        Outcome::Inconclusive => BOLD.fg_color(Some(AnsiColor::Yellow.into())),
    };
    let mut findings = vec![
        format!("{} denied", counts.deny),
        plural(counts.warn, "warning"),
        plural(counts.note, "note"),
    ];
    if counts.exempted > 0 {
        findings.push(format!("{} exempted", counts.exempted));
    }
    let word = verdict.outcome.as_str();
    _ = writeln!(out, "{style}{word}{style:#}: {}", findings.join(", "));
    let mut judged = format!("profile {}, as of {}", terminal(&verdict.profile), verdict.as_of);
    match &verdict.summary {
        Some(summary) => {
            _ = write!(judged, ", {} precision: {}", summary.precision.as_str(), graph(summary))
        }
        None => judged.push_str("; the dependency graph is not known"),
    }
    paragraph(out, "", &judged, 2);
    if let Some(database) = &verdict.advisories {
        paragraph(out, "", &advisories(database), 2);
    }
    if let Some(comparison) = &verdict.comparison {
        paragraph(out, "", &compared(comparison), 2);
    }
    let off = if counts.off > 0 { format!(", {} switched off", counts.off) } else { String::new() };
    let missing = counts.not_evaluated;
    paragraph(
        out,
        "",
        &format!("{} evaluated, {missing} not evaluated{off}", plural(counts.evaluated, "check")),
        2,
    );
}

/// Says how a verdict compares with its base.
pub(super) fn compared(comparison: &Comparison) -> String {
    format!(
        "compared with {}: {} unchanged, {} fixed; what is shown is new",
        comparison.commit.get(..12).unwrap_or(&comparison.commit),
        plural(comparison.unchanged.len() as u64, "finding"),
        comparison.fixed.len()
    )
}

/// Says which database of advisories was read.
pub fn advisories(database: &Database) -> String {
    let noun = if database.advisories == 1 { "advisory" } else { "advisories" };
    let short = |commit: &String| format!(", commit {}", commit.get(..12).unwrap_or(commit));
    let commit = database.commit.as_ref().map(short).unwrap_or_default();
    format!("{} {noun}, newest of {}{commit}", database.advisories, database.date)
}

fn exempted(out: &mut String, exempted: &[Exempted]) {
    if exempted.is_empty() {
        return;
    }
    _ = writeln!(out, "\n{BOLD}exempted{BOLD:#}");
    for Exempted { finding, exemption } in exempted {
        let text = format!(
            "{} {}: {} ({}, approved by {}, until {})",
            finding.code,
            terminal(&finding.subject),
            terminal(&exemption.reason),
            terminal(&exemption.owner),
            terminal(&exemption.approver),
            exemption.expires
        );
        paragraph(out, "", &text, 2);
    }
}

fn graph(summary: &Summary) -> String {
    let mut text = format!(
        "{} of {} locked packages are judged, {} and {} external, with {}",
        summary.members + summary.external,
        summary.locked,
        plural(summary.members, "member"),
        summary.external,
        plural(summary.edges, "edge"),
    );
    if summary.cycles > 0 {
        _ = write!(text, " and {}", plural(summary.cycles, "cycle"));
    }
    text
}

fn finding(out: &mut String, finding: &Finding) {
    let style = match finding.level {
        Level::Deny => BOLD.fg_color(Some(AnsiColor::Red.into())),
        Level::Warn => BOLD.fg_color(Some(AnsiColor::Yellow.into())),
        Level::Note | Level::Off => BOLD,
    };
    _ = writeln!(out, "{style}{}[{}]{style:#}", finding.level.as_str(), finding.code);
    paragraph(out, "", &terminal(&finding.sentence), 2);
    _ = writeln!(out, "  {DIM}-->{DIM:#} {}", place(&finding.place));
    if finding.path.len() > 1 {
        let path: Vec<String> = finding.path.iter().map(|p| terminal(p)).collect();
        paragraph(out, "path: ", &path.join(" > "), 2);
    }
    paragraph(out, "next: ", &terminal(&finding.remedy.sentence), 2);
    if let Some(command) = &finding.remedy.command {
        _ = writeln!(out, "        {BOLD}{}{BOLD:#}", terminal(command));
    }
}

fn brief(out: &mut String, notes: &[&Finding]) {
    if notes.is_empty() {
        return;
    }
    out.push('\n');
    for note in notes.iter().take(MOST_NOTES) {
        paragraph(out, &format!("note[{}]: ", note.code), &terminal(&note.sentence), 0);
    }
    if let Some(more) = notes.len().checked_sub(MOST_NOTES).filter(|more| *more > 0) {
        _ = writeln!(
            out,
            "and {} more; `--format json` lists them all",
            plural(more as u64, "note")
        );
    }
}

fn not_evaluated(out: &mut String, checks: &[NotEvaluated]) {
    if checks.is_empty() {
        return;
    }
    _ = writeln!(out, "\n{BOLD}not evaluated{BOLD:#}");
    for (reason, checks) in by_reason(checks) {
        let name = |check: &&NotEvaluated| match check.required {
            true => format!("{} (required by the policy)", check.code),
            false => check.code.clone(),
        };
        let names: Vec<String> = checks.iter().map(name).collect();
        paragraph(out, "", &format!("{}: {}", names.join(", "), terminal(reason)), 2);
    }
}

/// Groups checks that share a reason, in the order of the first of each group.
fn by_reason(checks: &[NotEvaluated]) -> Vec<(&str, Vec<&NotEvaluated>)> {
    let mut groups: Vec<(&str, Vec<&NotEvaluated>)> = Vec::new();
    for check in checks {
        match groups.iter_mut().find(|(reason, _)| *reason == check.reason) {
            Some((_, group)) => group.push(check),
            None => groups.push((&check.reason, vec![check])),
        }
    }
    groups
}

fn riskiest(out: &mut String, rows: &[RiskRow]) {
    if rows.is_empty() {
        return;
    }
    _ = writeln!(
        out,
        "\n{BOLD}riskiest external packages{BOLD:#} (`cargo weft risk` explains the columns)"
    );
    out.push_str(&risk_table(rows, None));
}

/// Lays out risk rows, where `deltas` are known with what blocking each would save; a `-` stands where a number is not
/// known.
pub fn risk_table(rows: &[RiskRow], deltas: Option<&[String]>) -> String {
    let fits = |table: &String| table.lines().all(|line| line.width() <= WIDTH);
    // Names give way to numbers.
    let widths = (12..=30).rev();
    widths
        .map(|width| table(rows, deltas, width))
        .find(fits)
        .unwrap_or_else(|| table(rows, deltas, 12))
}

fn table(rows: &[RiskRow], deltas: Option<&[String]>, name_width: usize) -> String {
    use Align::{Left, Right};
    let mut header =
        vec!["package", "alone", "host", "reach", "between", "in", "out", "depth", "cut"];
    let mut align = vec![Left, Right, Right, Right, Right, Right, Right, Right, Left];
    let mut rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                shorten(&terminal(&format!("{} {}", row.name, row.version)), name_width),
                row.retained.to_string(),
                row.host_execution.map_or("-".to_owned(), |n| n.to_string()),
                row.blast.to_string(),
                tenths(row.betweenness_thousandths),
                row.fan_in.to_string(),
                row.fan_out.to_string(),
                row.depth.to_string(),
                if row.articulation_point { "yes" } else { "" }.to_owned(),
            ]
        })
        .collect();
    if let Some(deltas) = deltas {
        header.insert(1, "delta");
        align.insert(1, Right);
        for (row, delta) in rows.iter_mut().zip(deltas) {
            row.insert(1, delta.clone());
        }
    }
    layout(&align, &header, &rows, 2)
}

/// Writes a place as `file:line:column`.
pub fn place(place: &Place) -> String {
    format!("{}:{}:{}", terminal(&place.file), place.line, place.column)
}

/// Writes a paragraph wrapped at the width, its first line after `lead`, all indented.
pub fn paragraph(out: &mut String, lead: &str, text: &str, indent: usize) {
    let first = format!("{}{lead}", " ".repeat(indent));
    let rest = " ".repeat(indent + if lead.is_empty() { 0 } else { 4 });
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(text, options) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Says `1 thing` or `n things`.
pub fn plural(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
