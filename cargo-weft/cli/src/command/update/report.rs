//! What updates would bring, for people: on a terminal, and in Markdown.

use std::cmp::Ordering;
use std::fmt::Write;
use std::path::PathBuf;

use weft_gate::capability::{Capability, Shift};
use weft_gate::risk::assessment::losses;

use super::{Effect, Outcome, Proposal, Proposals, UpdateArgs};
use crate::command::diff::{by_reason, shift, short};
use crate::escape::{markdown as inert, markdown_code, terminal};
use crate::report::human::{paragraph, plural};

/// How many lines of one kind are shown.
const MAX_LINES: usize = 12;

/// Writes the report for a terminal.
pub(super) fn human(args: &UpdateArgs, proposals: &Proposals) -> String {
    let mut out = String::new();
    for proposal in &proposals.proposals {
        let title = title(proposal);
        _ = writeln!(out, "{}", terminal(&title));
        for (name, lines) in sections(proposal) {
            _ = writeln!(out, "  {name}");
            for line in lines {
                paragraph(&mut out, "", &terminal(&line), 4);
            }
        }
        for (number, step) in next(args, proposals, proposal).iter().enumerate() {
            out.push_str(if number == 0 { "  next\n" } else { "" });
            paragraph(&mut out, "", &format!("{}:", step.why), 4);
            // A command that is broken into lines is no longer one.
            _ = writeln!(out, "      {}", terminal(&step.command));
        }
        out.push('\n');
    }
    for line in footer(proposals) {
        paragraph(&mut out, "", &terminal(&line), 0);
    }
    out
}

/// Writes the report in Markdown, with everything from outside made inert.
pub(super) fn markdown(args: &UpdateArgs, proposals: &Proposals) -> String {
    let mut out = "## cargo weft: updates\n\n".to_owned();
    for proposal in &proposals.proposals {
        _ = writeln!(out, "### {}\n", markdown_code(&title(proposal)));
        for (name, lines) in sections(proposal) {
            _ = writeln!(out, "- {name}");
            for line in lines {
                _ = writeln!(out, "  - {}", inert(&line));
            }
        }
        for (number, step) in next(args, proposals, proposal).iter().enumerate() {
            out.push_str(if number == 0 { "- next\n" } else { "" });
            _ = writeln!(out, "  - {}: {}", step.why, markdown_code(&step.command));
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
    let fixed = effect.mended.iter().map(|f| format!("{}: {}", f.code, f.sentence));
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
        (
            "what packages may do, who publishes them, and their licences",
            cut(effect.capabilities.iter().map(change)),
        ),
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
        ("edges between packages", before.edges, after.edges),
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
    let changed = changed.map(|(name, old, new)| format!("{name}: {old} -> {new}"));
    changed.chain([format!("expected loss of a year: {}", loss(effect))]).collect()
}

fn loss(effect: &Effect) -> String {
    let (before, after) = (effect.expected_loss.before_nano, effect.expected_loss.after_nano);
    let (old, new) = (losses(before), losses(after));
    match after.cmp(&before) {
        Ordering::Equal => format!("{old}, as before"),
        _ if old != new => format!("{old} -> {new}"),
        Ordering::Less => format!("{new}, less by {}", losses(before - after)),
        Ordering::Greater => format!("{new}, more by {}", losses(after - before)),
    }
}

/// Says what a package may do that it did not before, or the other way round.
fn change(change: &Shift) -> String {
    let depends = match (&change.before, &change.after) {
        _ if change.capability != Capability::Dependencies => return shift(change),
        (Some(gone), Some(come)) => format!("depends on {come}, and no longer on {gone}"),
        (Some(gone), None) => format!("no longer depends on {gone}"),
        (None, Some(come)) => format!("depends on {come}"),
        (None, None) => return shift(change),
    };
    let rate = change.rate.map_or("base rate unknown".to_owned(), |rate| rate.sentence());
    format!("{} {depends} ({rate})", short(&change.package))
}

/// A command, and what it is for.
struct Step {
    why: &'static str,
    command: String,
}

/// Says what can be done about a proposal, as long as nothing was.
fn next(args: &UpdateArgs, proposals: &Proposals, proposal: &Proposal) -> Vec<Step> {
    if proposals.applied.is_some() {
        return Vec::new();
    }
    let package = short(&proposal.from);
    let to = format!("--to {}", proposal.to);
    let update = |more: &[&str]| {
        let mut words = vec!["cargo weft update", &package];
        words.extend(more);
        let options = options(args);
        words.extend(options.iter().map(String::as_str));
        words.join(" ")
    };
    let effect = match &proposal.outcome {
        Outcome::Resolved(effect) => effect,
        Outcome::Refused(_) => {
            let mut steps = vec![Step {
                why: "to see what stands in its way",
                command: format!("cargo weft why {package} {to}{}", manifest(args)),
            }];
            if !args.online {
                let why = "to let cargo ask the registries for what its cache lacks";
                steps.push(Step { why, command: update(&[&to, "--online"]) });
            }
            return steps;
        }
    };
    let (is_held, is_answered) = (!effect.edits.is_empty(), effect.concerns.is_empty());
    let why = match (is_held, is_answered) {
        (false, true) => "to take it",
        (false, false) => "to take it, with a reason in the place of WHY",
        (true, true) => "to take it, once the manifests are changed",
        (true, false) => {
            "to take it, once the manifests are changed, with a reason in the place of WHY"
        }
    };
    let take = ["--apply", &to, "--acknowledge WHY"];
    let take = if is_answered { &take[..2] } else { &take[..] };
    vec![Step { why, command: update(take) }]
}

/// Returns the options that the command line has and that another one needs as well.
fn options(args: &UpdateArgs) -> Vec<String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let stated = [
        ("--manifest-path", path(&args.manifest_path)),
        ("--policy", args.policy.clone()),
        ("--advisory-db", path(&args.advisory_db)),
        ("--as-of", args.as_of.map(|day| day.to_string())),
    ];
    let stated = stated.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let mut options: Vec<String> =
        stated.map(|(name, value)| format!("{name} {}", quoted(&value))).collect();
    options.extend(args.online.then(|| "--online".to_owned()));
    options
}

fn manifest(args: &UpdateArgs) -> String {
    let path = args.manifest_path.as_ref().map(|path| path.display().to_string());
    path.map_or(String::new(), |path| format!(" --manifest-path {}", quoted(&path)))
}

/// Writes a word so that a shell takes it as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=@:+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
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
