//! Markdown for a job summary: the same answers as the human report, with everything from outside made inert.

use std::fmt::Write;

use weft_gate::exemption::Exempted;
use weft_gate::policy::Level;
use weft_gate::topology::RiskRow;
use weft_gate::{Finding, Verdict};

use super::human::{changed_rules, is_listed_as_rule, plural};
use super::table::tenths;
use crate::escape::{markdown, markdown_code};

/// Findings shown in full; the others are counted.
const MOST_FINDINGS: usize = 50;

/// Writes the report.
pub fn render(verdict: &Verdict) -> String {
    let counts = &verdict.counts;
    let mut out = format!(
        "## cargo weft: {}\n\n{} denied, {}, {}, {} exempted. {} evaluated, {} not evaluated.\n\n",
        verdict.outcome.as_str(),
        counts.deny,
        plural(counts.warn, "warning"),
        plural(counts.note, "note"),
        counts.exempted,
        plural(counts.evaluated, "check"),
        counts.not_evaluated,
    );
    judged(&mut out, verdict);
    rules(&mut out, verdict);
    findings(&mut out, verdict);
    exempted(&mut out, verdict);
    not_evaluated(&mut out, verdict);
    risk(&mut out, &verdict.risk);
    out
}

fn judged(out: &mut String, verdict: &Verdict) {
    let profile = markdown_code(&verdict.profile);
    match &verdict.summary {
        Some(s) => {
            _ = writeln!(
                out,
                "Profile {profile}, as of {}, {} precision: {} of {} locked packages are judged, {} and {} external.\n",
                verdict.as_of,
                s.precision.as_str(),
                s.members + s.external,
                s.locked,
                plural(s.members, "member"),
                s.external,
            )
        }
        None => {
            _ = writeln!(
                out,
                "Profile {profile}, as of {}; the dependency graph is not known.\n",
                verdict.as_of
            )
        }
    }
    if let Some(database) = &verdict.advisories {
        _ = writeln!(out, "{}.\n", super::human::advisories(database));
    }
    if let Some(comparison) = &verdict.comparison {
        let text = super::human::compared(comparison);
        _ = writeln!(out, "{}.\n", text.replacen("compared", "Compared", 1));
    }
    for notice in &verdict.notices {
        _ = writeln!(out, "> {}\n", markdown(&notice.message));
    }
}

fn rules(out: &mut String, verdict: &Verdict) {
    let Some(rules) = changed_rules(verdict) else { return };
    out.push_str("### Rules that change\n\n");
    for change in rules.changed.iter().take(MOST_FINDINGS) {
        _ = writeln!(out, "- {}: {}", markdown_code(&change.file), markdown(&change.what));
        for (name, state) in [("old", &change.old), ("new", &change.new)] {
            _ = writeln!(out, "  - {name}: {}", markdown_code(&super::human::state(state)));
        }
    }
    if rules.changed.len() > MOST_FINDINGS {
        let more = rules.changed.len() - MOST_FINDINGS;
        _ = writeln!(out, "- and {more} more in the JSON report");
    }
    let approval = super::human::approval(&rules.approval);
    _ = writeln!(out, "\nWho approved that: {}.\n", markdown(&approval));
}

fn exempted(out: &mut String, verdict: &Verdict) {
    if verdict.exempted.is_empty() {
        return;
    }
    out.push_str("### Exempted\n\n");
    for Exempted { finding, exemption } in verdict.exempted.iter().take(MOST_FINDINGS) {
        _ = writeln!(
            out,
            "- {} {}: {} ({}, approved by {}, until {})",
            markdown_code(&finding.code),
            markdown_code(&finding.subject),
            markdown(&exemption.reason),
            markdown(&exemption.owner),
            markdown(&exemption.approver),
            exemption.expires
        );
    }
    if verdict.exempted.len() > MOST_FINDINGS {
        let more = verdict.exempted.len() - MOST_FINDINGS;
        _ = writeln!(out, "- and {more} more in the JSON report");
    }
    out.push('\n');
}

fn findings(out: &mut String, verdict: &Verdict) {
    for (level, title) in
        [(Level::Deny, "Denied"), (Level::Warn, "Warnings"), (Level::Note, "Notes")]
    {
        let found = verdict.findings.iter().filter(|finding| !is_listed_as_rule(finding));
        let found: Vec<&Finding> = found.filter(|f| f.level == level).collect();
        if found.is_empty() {
            continue;
        }
        _ = writeln!(out, "### {title}\n");
        for finding in found.iter().take(MOST_FINDINGS) {
            item(out, finding);
        }
        if found.len() > MOST_FINDINGS {
            _ = writeln!(out, "- and {} more in the JSON report", found.len() - MOST_FINDINGS);
        }
        out.push('\n');
    }
}

fn item(out: &mut String, finding: &Finding) {
    let place = format!("{}:{}", finding.place.file, finding.place.line);
    _ = writeln!(
        out,
        "- **{}** {} ({})",
        finding.code,
        markdown(&finding.sentence),
        markdown_code(&place)
    );
    if finding.path.len() > 1 {
        _ = writeln!(out, "  - path: {}", markdown_code(&finding.path.join(" > ")));
    }
    let command = finding.remedy.command.as_ref().map(|c| format!(" {}", markdown_code(c)));
    _ = writeln!(
        out,
        "  - next: {}{}",
        markdown(&finding.remedy.sentence),
        command.unwrap_or_default()
    );
}

fn not_evaluated(out: &mut String, verdict: &Verdict) {
    if verdict.not_evaluated.is_empty() {
        return;
    }
    out.push_str("### Not evaluated\n\n");
    for check in &verdict.not_evaluated {
        let required = if check.required { " (required by the policy)" } else { "" };
        _ = writeln!(out, "- **{}**{required}: {}", check.code, markdown(&check.reason));
    }
    out.push('\n');
}

fn risk(out: &mut String, rows: &[RiskRow]) {
    if rows.is_empty() {
        return;
    }
    out.push_str("### Riskiest external packages\n\n");
    out.push_str(&risk_table(rows, None));
}

/// Writes risk rows as a table, where `deltas` are known with what blocking each would save.
pub fn risk_table(rows: &[RiskRow], deltas: Option<&[String]>) -> String {
    let (title, rule) = if deltas.is_some() { (" delta |", "-:|") } else { ("", "") };
    let mut out = format!(
        "| package |{title} alone | host | reach | between | in | out | depth | cut |\n|-|{rule}-:|-:|-:|-:|-:|-:|-:|-|\n",
    );
    for (at, row) in rows.iter().enumerate() {
        let delta = deltas.and_then(|deltas| deltas.get(at));
        _ = writeln!(
            out,
            "| {} |{} {} | {} | {} | {} | {} | {} | {} | {} |",
            markdown_code(&format!("{} {}", row.name, row.version)),
            delta.map_or(String::new(), |delta| format!(" {delta} |")),
            row.retained,
            row.host_execution.map_or("-".to_owned(), |n| n.to_string()),
            row.blast,
            tenths(row.betweenness_thousandths),
            row.fan_in,
            row.fan_out,
            row.depth,
            if row.articulation_point { "yes" } else { "" },
        );
    }
    out
}
