//! What updates would bring, for people: on a terminal, and in Markdown.

use std::fmt::Write;

use weft_gate::risk::assessment::losses;

use super::{Effect, Outcome, Proposal, Proposals};
use crate::command::diff::{by_reason, shift, short};
use crate::escape::{markdown as inert, markdown_code, terminal};
use crate::report::human::{paragraph, plural};

/// How many lines of one kind are shown.
const MAX_LINES: usize = 12;

/// Writes the report for a terminal.
pub(super) fn human(proposals: &Proposals) -> String {
    let mut out = String::new();
    for proposal in &proposals.proposals {
        let title = title(proposal);
        _ = writeln!(out, "{}", terminal(&title));
        for (name, lines) in sections(proposal) {
            _ = writeln!(out, "  {name}");
            for line in lines {
                paragraph(&mut out, "", &line, 4);
            }
        }
        out.push('\n');
    }
    for line in footer(proposals) {
        paragraph(&mut out, "", &line, 0);
    }
    out
}

/// Writes the report in Markdown, with everything from outside made inert.
pub(super) fn markdown(proposals: &Proposals) -> String {
    let mut out = "## cargo weft: updates\n\n".to_owned();
    for proposal in &proposals.proposals {
        _ = writeln!(out, "### {}\n", markdown_code(&title(proposal)));
        for (name, lines) in sections(proposal) {
            _ = writeln!(out, "- {name}");
            for line in lines {
                _ = writeln!(out, "  - {}", inert(&line));
            }
        }
        out.push('\n');
    }
    for line in footer(proposals) {
        _ = writeln!(out, "{}\n", inert(&line));
    }
    out
}

fn title(proposal: &Proposal) -> String {
    let choices: Vec<&str> = proposal.choices.iter().map(|choice| choice.as_str()).collect();
    let why = match choices[..] {
        [] => String::new(),
        _ => format!(" ({})", choices.join(", ")),
    };
    format!("{} -> {}{why}", short(&proposal.from), proposal.to)
}

/// Returns the lines under each heading, as they are.
fn sections(proposal: &Proposal) -> Vec<(&'static str, Vec<String>)> {
    let effect = match &proposal.outcome {
        Outcome::Refused(reason) => return vec![("cannot be resolved", vec![reason.clone()])],
        Outcome::Resolved(effect) => effect,
    };
    let concerns = effect.concerns.iter().map(|c| format!("{} {}", short(&c.subject), c.what));
    let edits = effect.edits.iter().map(|edit| {
        format!("{}: {} = \"{}\", which is \"{}\" now", edit.file, edit.key, edit.to, edit.from)
    });
    let fixed = effect.fixed.iter().map(|f| format!("{} {}", f.code, short(&f.about)));
    let introduced = effect.introduced.iter();
    let introduced =
        introduced.map(|f| format!("{}[{}]: {}", f.level.as_str(), f.code, f.sentence));
    let edges = effect.new_edges.iter().map(|edge| format!("{} > {}", edge.from, edge.to));
    let compilers = effect.compilers.iter();
    let compilers = compilers
        .map(|c| format!("{} needs Rust {}, and a member states {}", c.package, c.needs, c.stated));
    let sections = [
        ("to answer for", cut(concerns)),
        ("manifests to change first", cut(edits)),
        ("fixed", cut(fixed)),
        ("new findings", cut(introduced)),
        ("packages", cut(packages(effect))),
        ("new dependencies", cut(edges)),
        ("what packages may do, and their licences", cut(effect.capabilities.iter().map(shift))),
        ("newer compilers", cut(compilers)),
        ("measures", measures(effect)),
        ("not looked at", cut(by_reason(&effect.not_evaluated))),
    ];
    sections.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

fn packages(effect: &Effect) -> impl Iterator<Item = String> {
    let packages = &effect.packages;
    let changed = packages.changed.iter();
    let changed =
        changed.map(|c| format!("{} {} -> {}", c.kind.as_str(), short(&c.from), short(&c.to)));
    let added = packages.added.iter().map(|id| format!("added {}", short(id)));
    let removed = packages.removed.iter().map(|id| format!("removed {}", short(id)));
    changed.chain(added).chain(removed)
}

fn measures(effect: &Effect) -> Vec<String> {
    let measured = &effect.topology;
    let (before, after) = (&measured.before, &measured.after);
    let mut all = vec![
        ("external packages", before.external, after.external),
        ("dependencies", before.edges, after.edges),
        ("packages in the lockfile", before.locked, after.locked),
    ];
    if let (Some(old), Some(new)) = (&measured.package_before, &measured.package_after) {
        all.push(("members that it reaches", old.blast.into(), new.blast.into()));
        all.push(("packages that it alone brings in", old.retained, new.retained));
        if let (Some(old), Some(new)) = (old.host_execution, new.host_execution) {
            all.push(("members in whose build it runs", old.into(), new.into()));
        }
    }
    let changed = all.into_iter().filter(|(_, old, new)| old != new);
    let loss = effect.expected_loss;
    let loss = (loss.before_nano != loss.after_nano).then(|| {
        let (old, new) = (losses(loss.before_nano), losses(loss.after_nano));
        format!("expected loss: {old} -> {new} a year")
    });
    let changed = changed.map(|(name, old, new)| format!("{name}: {old} -> {new}"));
    changed.chain(loss).collect()
}

/// Keeps as many lines as are read, and counts the others.
fn cut(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    if more > 0 {
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn footer(proposals: &Proposals) -> Vec<String> {
    let mut lines = Vec::new();
    if proposals.proposals.is_empty() {
        lines.push("There is nothing to update.".to_owned());
    }
    if proposals.left_out > 0 {
        let crates = plural(proposals.left_out, "crate");
        lines.push(format!("{crates} more were not looked at; name them, or raise --limit."));
    }
    if !proposals.not_evaluated.is_empty() {
        lines.extend(
            by_reason(&proposals.not_evaluated).map(|line| format!("Not looked at: {line}.")),
        );
    }
    match (&proposals.applied, &proposals.withheld) {
        (Some(applied), _) => {
            lines.push(format!("Cargo.lock has {} {} now.", name(&applied.from), applied.to));
            if let Some(file) = &applied.acknowledgement {
                lines.push(format!("What was answered for is kept in {file}."));
            }
        }
        (None, None) => lines.push("Nothing was changed.".to_owned()),
        (None, Some(version)) => lines.push(format!(
            "Nothing was changed: say why {version} is taken all the same, with --acknowledge REASON."
        )),
    }
    lines
}

/// Returns the name in a package URL.
fn name(id: &str) -> String {
    short(id).split('@').next().unwrap_or_default().to_owned()
}
