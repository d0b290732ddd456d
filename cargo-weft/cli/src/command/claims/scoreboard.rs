//! `cargo weft claims scoreboard`: every claim with the evidence for it; no total, since a sum would hide the rest.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use weft_gate::claim::Claims;
use weft_gate::claim::contract::Contract;
use weft_gate::claim::standing;
use weft_gate::evidence::Held;
use weft_gate::facts::Known;

use super::{Of, claims, span};
use crate::command::output::{Reports, Text};
use crate::error::{Error, ExitStatus};
use crate::escape;

#[derive(Debug, Args)]
pub(super) struct ScoreboardArgs {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    reports: Reports<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Markdown,
    Json,
}

/// A claim with its evidence.
struct Row {
    id: String,
    text: String,
    kind: &'static str,
    minimum: &'static str,
    level: &'static str,
    met: bool,
    records: Vec<(String, String)>,
    commit: Option<String>,
}

pub(super) fn run(args: &ScoreboardArgs) -> Result<ExitStatus, Error> {
    let destinations = args.reports.destinations(Format::Markdown)?;
    let loaded = args.of.load()?;
    let claims = claims(&loaded)?;
    let rows = rows(claims, loaded.facts.policy.claims.signed_evidence);
    destinations.write(|format| {
        Ok(match format {
            Format::Markdown => Text::Machine(markdown(&rows)),
            Format::Json => Text::Machine(format!("{:#}\n", json(&rows))),
        })
    })?;
    Ok(ExitStatus::Passed)
}

fn rows(claims: &Claims, signed: bool) -> Vec<Row> {
    let standings = standing::judge(claims, signed);
    let rows = claims.head.claims.iter().filter_map(|claim| {
        let standing = standings.get(&*claim.id)?;
        let contract = standing.contract.as_ref().ok().and_then(|c| Contract::digest(c).ok());
        let counts = |held: &&Held| {
            Some(held.record.contract) == contract
                && matches!(&claims.sources, Known::Value(s) if *s == held.record.sources
                    || held.record.results.iter().any(|shown| shown.mutants.is_some()))
        };
        let held: Vec<&Held> = claims.records.iter().filter(counts).collect();
        Some(Row {
            id: claim.id.clone(),
            text: span(claims, claim).map(|span| span.text.clone()).unwrap_or_default(),
            kind: claim.kind.as_str(),
            minimum: claim.minimum.unwrap_or(claim.kind.minimum()).as_str(),
            level: standing.level.as_str(),
            met: standing.is_met(),
            records: held.iter().map(|h| (h.file.clone(), h.sha256.to_string())).collect(),
            commit: held.first().map(|h| h.record.commit.clone()),
        })
    });
    rows.collect()
}

fn markdown(rows: &[Row]) -> String {
    let mut out = "# Claims\n\n| claim | kind | promised | shown | met | commit | evidence |\n|-|-|-|-|-|-|-|\n".to_owned();
    for row in rows {
        let links: Vec<String> = row
            .records
            .iter()
            .map(|(file, digest)| {
                format!(
                    "[`{}`]({})",
                    digest.get(..12).unwrap_or_default(),
                    crate::report::sarif::uri(file)
                )
            })
            .collect();
        let commit = row.commit.as_deref().and_then(|c| c.get(..12)).unwrap_or("-");
        _ = writeln!(
            out,
            "| `{}`: {} | {} | {} | {} | {} | {} | {} |",
            row.id,
            escape::markdown(&row.text),
            row.kind,
            row.minimum,
            row.level,
            if row.met { "yes" } else { "**no**" },
            escape::markdown(commit),
            if links.is_empty() { "-".to_owned() } else { links.join(", ") }
        );
    }
    out
}

fn json(rows: &[Row]) -> Value {
    let rows = rows.iter().map(|row| {
        let evidence: Vec<Value> = row
            .records
            .iter()
            .map(|(file, digest)| json!({"file": file, "sha256": digest}))
            .collect();
        json!({
            "commit": row.commit,
            "evidence": evidence,
            "id": row.id,
            "kind": row.kind,
            "level": row.level,
            "met": row.met,
            "minimum": row.minimum,
            "text": row.text,
        })
    });
    json!({"claims": rows.collect::<Vec<_>>(), "schema": 1})
}
