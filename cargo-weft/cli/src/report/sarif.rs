//! SARIF 2.1.0 (OASIS), for code scanning: one result a finding, each with a location.
//!
//! What could not be evaluated is a notification, and an inconclusive verdict is an execution without success.
//! The report says what the exit status says, and does not change it.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_sarif::sarif::{
    ArtifactLocation, Invocation, Location, Message, MultiformatMessageString, Notification,
    PhysicalLocation, PropertyBag, Region, ReportingConfiguration, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, Sarif, Suppression, Tool, ToolComponent,
};
use weft_gate::check::{CHECKS, Check};
use weft_gate::exemption::Exemption;
use weft_gate::policy::Level;
use weft_gate::verdict::NotEvaluated;
use weft_gate::{Finding, Outcome, Place, Verdict};
use weft_verify::Sha256;

use crate::error::{Error, ExitStatus};
use crate::escape;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// Writes the report.
///
/// # Errors
///
/// [`Error::Bug`] if it cannot be written as JSON.
pub fn render(verdict: &Verdict) -> Result<String, Error> {
    let run = Run {
        column_kind: Some("unicodeCodePoints".into()),
        default_source_language: Some("toml".to_owned()),
        invocations: Some(vec![invocation(verdict)]),
        results: Some(results(verdict)),
        ..Run::builder().tool(tool()).build()
    };
    let sarif = Sarif {
        schema: Some(SCHEMA.to_owned()),
        inline_external_properties: None,
        properties: None,
        runs: vec![run],
        version: "2.1.0".into(),
    };
    let value = serde_json::to_value(sarif).map_err(|e| Error::Bug(e.to_string()))?;
    super::json::render(&value)
}

fn tool() -> Tool {
    let driver = ToolComponent {
        information_uri: Some(HOME.to_owned()),
        rules: Some(CHECKS.into_iter().map(rule).collect()),
        semantic_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..ToolComponent::builder().name("cargo-weft").build()
    };
    Tool::builder().driver(driver).build()
}

fn rule(check: &dyn Check) -> ReportingDescriptor {
    let code = check.code();
    let text = |text: &str| Some(MultiformatMessageString::builder().text(text).build());
    ReportingDescriptor {
        name: Some(pascal_case(code)),
        short_description: text(&check.summary()),
        full_description: text(&check.summary()),
        help: Some(
            MultiformatMessageString::builder().text(check.page()).markdown(check.page()).build(),
        ),
        help_uri: Some(format!("{HOME}/blob/main/{}", page_path(code))),
        default_configuration: Some(ReportingConfiguration {
            level: Some("warning".into()),
            ..Default::default()
        }),
        properties: Some(PropertyBag {
            tags: Some(vec!["security".to_owned(), "supply-chain".to_owned()]),
            ..Default::default()
        }),
        ..ReportingDescriptor::builder().id(code).build()
    }
}

/// Returns the path of a check's page in weft's own repository.
pub fn page_path(code: &str) -> String {
    format!("cargo-weft/gate/src/check/{}.md", code.replace('-', "_"))
}

fn pascal_case(code: &str) -> String {
    let capitalise = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_uppercase() + rest
    };
    code.split(['/', '-']).map(capitalise).collect()
}

/// Makes a result of each finding; findings that differ in nothing but their line are numbered.
fn results(verdict: &Verdict) -> Vec<SarifResult> {
    let mut seen = BTreeMap::<String, u32>::new();
    // Without a base nothing is known of what was there before (SARIF §3.27.24).
    let state = |name: &str| verdict.comparison.as_ref().map(|_| Value::from(name));
    let standing = verdict.findings.iter().map(|finding| (finding, None, state("new")));
    let unchanged = verdict.comparison.iter().flat_map(|c| &c.unchanged);
    let unchanged = unchanged.map(|finding| (finding, None, state("unchanged")));
    let exempted = verdict.exempted.iter().map(|e| (&e.finding, Some(&e.exemption), None));
    let all = standing.chain(unchanged).chain(exempted);
    let numbered = all.map(|(finding, exemption, baseline_state)| {
        let number = seen.entry(fingerprint(finding)).or_default();
        *number += 1;
        SarifResult {
            // An empty list says that it was looked for, and that the result stands (SARIF §3.27.23).
            baseline_state,
            suppressions: Some(exemption.map(suppression).into_iter().collect()),
            ..result(finding, *number)
        }
    });
    numbered.collect()
}

fn suppression(exemption: &Exemption) -> Suppression {
    let justification = format!(
        "{} ({}, approved by {}, until {})",
        exemption.reason, exemption.owner, exemption.approver, exemption.expires
    );
    Suppression {
        justification: Some(escape::terminal(&justification)),
        location: Some(location(&exemption.place)),
        status: Some("accepted".into()),
        ..Suppression::builder().kind("external").build()
    }
}

fn result(finding: &Finding, number: u32) -> SarifResult {
    let rule_index = CHECKS.iter().position(|check| check.code() == finding.code);
    let command = finding.remedy.command.as_ref().map(|c| format!(" Run: {c}"));
    let text =
        format!("{} {}{}", finding.sentence, finding.remedy.sentence, command.unwrap_or_default());
    SarifResult {
        rule_id: Some(finding.code.clone()),
        rule_index: rule_index.and_then(|index| i64::try_from(index).ok()),
        level: Some(match finding.level {
            Level::Deny => ResultLevel::Error,
            Level::Warn => ResultLevel::Warning,
            Level::Note | Level::Off => ResultLevel::Note,
        }),
        locations: Some(vec![location(&finding.place)]),
        partial_fingerprints: Some(BTreeMap::from([(
            "primaryLocationLineHash".to_owned(),
            format!("{}:{number}", fingerprint(finding)),
        )])),
        properties: Some(properties(finding)),
        ..SarifResult::builder().message(message(&text)).build()
    }
}

/// The same finding has the same fingerprint wherever its line has moved to.
fn fingerprint(finding: &Finding) -> String {
    let identity = format!("{}\n{}\n{}", finding.code, finding.subject, finding.place.file);
    Sha256::of(identity.as_bytes()).to_string()[..16].to_owned()
}

fn properties(finding: &Finding) -> PropertyBag {
    let mut all =
        BTreeMap::from([("subject".to_owned(), Value::from(escape::terminal(&finding.subject)))]);
    if !finding.path.is_empty() {
        all.insert(
            "path".to_owned(),
            Value::from(finding.path.iter().map(|p| escape::terminal(p)).collect::<Vec<_>>()),
        );
    }
    PropertyBag { additional_properties: all, ..Default::default() }
}

fn location(place: &Place) -> Location {
    let artifact = ArtifactLocation { uri: Some(uri(&place.file)), ..Default::default() };
    let region = Region {
        start_line: Some(place.line.into()),
        start_column: Some(place.column.into()),
        end_line: Some(place.end_line.into()),
        end_column: Some(
            place.end_column.max(place.column + u32::from(place.line == place.end_line)).into(),
        ),
        ..Default::default()
    };
    let physical = PhysicalLocation {
        artifact_location: Some(artifact),
        region: Some(region),
        ..Default::default()
    };
    Location { physical_location: Some(physical), ..Default::default() }
}

/// Writes a relative path as a URI reference (RFC 3986 §4.2).
pub fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into())
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Writes a plain text message, in which brackets would make links (SARIF §3.11.6).
fn message(text: &str) -> Message {
    Message { text: Some(escape::sarif(text)), ..Default::default() }
}

fn invocation(verdict: &Verdict) -> Invocation {
    let notices = verdict.notices.iter().map(|n| notification(&n.message, "note"));
    let missing = verdict.not_evaluated.iter().map(|n| notification(&not_evaluated(n), level(n)));
    Invocation {
        exit_code: Some(ExitStatus::from(verdict.outcome).code().into()),
        exit_code_description: Some(verdict.outcome.as_str().to_owned()),
        tool_execution_notifications: Some(notices.chain(missing).collect()),
        ..Invocation::builder()
            .execution_successful(verdict.outcome != Outcome::Inconclusive)
            .build()
    }
}

fn not_evaluated(check: &NotEvaluated) -> String {
    format!("{} is not evaluated: {}", check.code, check.reason)
}

fn level(check: &NotEvaluated) -> &'static str {
    if check.required { "error" } else { "note" }
}

fn notification(text: &str, level: &str) -> Notification {
    Notification {
        level: Some(level.into()),
        ..Notification::builder().message(message(text)).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(uri("a b/c%d:é.toml"), "a%20b/c%25d%3A%C3%A9.toml");
    }

    #[test]
    fn every_rule_has_a_name_without_punctuation() {
        assert_eq!(pascal_case("source/git-not-allowed"), "SourceGitNotAllowed");
    }
}
