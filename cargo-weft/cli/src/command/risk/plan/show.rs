//! A plan for people: tables, then what they rest on in sentences, then edits of manifests.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;
use weft_gate::Place;
use weft_gate::policy::Barrier;
use weft_gate::risk::assessment::Band;
use weft_gate::risk::plan::{Drop, Plan};

use super::Report;
use super::edit::Edit;
use crate::command::diff;
use crate::command::risk::{Footing, losses};
use crate::escape::{markdown as markdown_text, markdown_code, terminal};
use crate::report;
use crate::report::table::{Align, layout, shorten};

pub(super) fn human(report: &Report) -> String {
    let mut out = String::new();
    for (title, (align, header, mut rows)) in tables(report, &|text| terminal(text)) {
        _ = writeln!(out, "{title}");
        fit(&header, &mut rows);
        out.push_str(&layout(&align, &header, &rows, 2));
        out.push('\n');
    }
    for sentence in sentences(report) {
        report::human::paragraph(&mut out, "", &terminal(&sentence), 2);
    }
    for edit in shown(report) {
        _ = writeln!(out, "\nthe edit that drops {}", terminal(&edit.drops));
        out.push_str(&shown_lines(&edit.diff));
    }
    out
}

/// Returns the edits that are shown whole: those that the command line names, and those of features with which packages
/// leave.
fn shown(report: &Report) -> impl Iterator<Item = &Edit> {
    let features = report.features.iter().flat_map(|plan| &plan.features);
    let leaving: Vec<String> = features
        .filter(|found| !found.leaves.is_empty())
        .map(|found| format!("{}/{}", found.name, found.feature))
        .collect();
    let is_named = report.is_named;
    report.edits.iter().filter(move |edit| is_named || leaving.contains(&edit.drops))
}

/// Writes the lines of a diff with their ends, which git compares too.
fn shown_lines(diff: &str) -> String {
    let shown = |line: &str| {
        let text = line.trim_end_matches(['\r', '\n']);
        format!("{}{}", terminal(text), &line[text.len()..])
    };
    diff.split_inclusive('\n').map(shown).collect()
}

/// Shortens the last column so that a row fits the width of a terminal.
fn fit(header: &[&str], rows: &mut [Vec<String>]) {
    let last = header.len() - 1;
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([header[column].width()]).max().unwrap_or(0)
    };
    let taken: usize = (0..last).map(|column| width(column) + 2).sum();
    let left = (report::human::WIDTH - 2).saturating_sub(taken).max(20);
    for row in rows {
        row[last] = shorten(&row[last], left);
    }
}

pub(super) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    for (title, (align, header, rows)) in tables(report, &|text| markdown_code(text)) {
        let rule: Vec<&str> =
            align.iter().map(|align| if *align == Align::Left { "-" } else { "-:" }).collect();
        _ = writeln!(out, "### {title}\n\n| {} |\n|{}|", header.join(" | "), rule.join("|"));
        for row in rows {
            _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out.push('\n');
    }
    for sentence in sentences(report) {
        _ = writeln!(out, "{}\n", markdown_text(&sentence));
    }
    for edit in shown(report) {
        let longest = edit.diff.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let title = markdown_code(&edit.drops);
        _ = writeln!(
            out,
            "The edit that drops {title}:\n\n{fence}diff\n{}{fence}\n",
            shown_lines(&edit.diff)
        );
    }
    out
}

type Rows = (Vec<Align>, Vec<&'static str>, Vec<Vec<String>>);

fn tables(report: &Report, escape: &dyn Fn(&str) -> String) -> Vec<(&'static str, Rows)> {
    use Align::{Left, Right};
    let mut tables = Vec::new();
    if let Some(plan) = &report.plan {
        let rows = plan
            .proposals
            .iter()
            .map(|proposal| vec![losses(proposal.fall_nano), escape(&all(&proposal.barriers))]);
        let table = (vec![Right, Left], vec!["saves", "barrier"], rows.collect());
        tables.push(("barriers that lower the expected loss", table));
        tables.push(("direct dependencies that removing would save most", drops(plan, escape)));
    }
    if let Some(plan) = &report.features {
        let rows = plan.features.iter().map(|found| {
            vec![
                losses(found.fall_nano),
                found.leaves.len().to_string(),
                escape(&format!("{}/{}", found.name, found.feature)),
                escape(&lines_of(report, &found.name, &found.feature)),
            ]
        });
        let header = vec!["saves alone", "leave", "feature", "edited in"];
        tables.push((
            "features of direct dependencies that switching off would save most",
            (vec![Right, Right, Left, Left], header, rows.collect()),
        ));
    }
    if let Some(host) = &report.host {
        let rows = host.crates.iter().map(|held| {
            let path: Vec<String> = held.path.iter().map(|id| short(id)).collect();
            vec![held.alone.to_string(), escape(&all(&held.barriers)), escape(&path.join(" > "))]
        });
        let header = vec!["holds alone", "barrier", "a path through it"];
        tables.push((
            "crates behind which code lies that runs while the members are built",
            (vec![Right, Left, Left], header, rows.collect()),
        ));
    }
    if let Some(separation) = &report.separation {
        let rows = separation.crates.iter().map(|gateway| {
            let path: Vec<String> = gateway.path.iter().map(|id| short(id)).collect();
            let what = match &gateway.barriers[..] {
                [] => format!("vendor or fork {}", short(&gateway.id)),
                barriers => all(barriers),
            };
            vec![escape(&what), escape(&path.join(" > "))]
        });
        let header = vec!["barrier", "a path through it"];
        tables.push((
            "crates between the members and code that runs while they are built",
            (vec![Left, Left], header, rows.collect()),
        ));
    }
    tables.retain(|(_, (_, _, rows))| !rows.is_empty());
    tables
}

/// Lists what would be dropped; where it is declared is a column only if that is known.
fn drops(plan: &Plan, escape: &dyn Fn(&str) -> String) -> Rows {
    use Align::{Left, Right};
    let crates = &plan.drops.crates;
    let are_places_known = crates.iter().any(|drop| !drop.declared.is_empty());
    let row = |drop: &Drop| {
        let mut row = vec![losses(drop.alone_nano), escape(&short(&drop.id))];
        row.extend(are_places_known.then(|| declared(&drop.declared)));
        row
    };
    let (mut align, mut header) = (vec![Right, Left], vec!["saves alone", "crate"]);
    if are_places_known {
        align.push(Left);
        header.push("declared in");
    }
    (align, header, crates.iter().map(row).collect())
}

/// Names the first places of a declaration.
fn declared(places: &[Place]) -> String {
    let shown: Vec<String> = places.iter().take(2).map(report::human::place).collect();
    let more = match places.len().saturating_sub(2) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match &shown[..] {
        [] => "-".to_owned(),
        shown => shown.join(", ") + &more,
    }
}

/// Names the first lines that change where a feature is switched off.
fn lines_of(report: &Report, name: &str, feature: &str) -> String {
    let drops = format!("{name}/{feature}");
    let edit = report.edits.iter().find(|edit| edit.drops.split(", ").any(|d| d == drops));
    match edit.map_or(&[][..], |edit| &edit.lines[..]) {
        [] => "no manifest that was read".to_owned(),
        [line] => line.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    }
}

/// Returns the name and version of a package URL.
fn short(id: &str) -> String {
    let id = id.split_once('?').map_or(id, |(id, _)| id);
    diff::short(id)
}

fn sentences(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(plan) = &report.plan {
        let percent = |part: u64, whole: u64| u128::from(part) * 100 / u128::from(whole.max(1));
        let band = |Band { low_nano, mean_nano, high_nano }: Band| {
            let [low, mean, high] = [low_nano, mean_nano, high_nano].map(losses);
            format!("{mean} ({low} to {high} nine times in ten)")
        };
        sentences.push(format!(
            "The expected loss of a year falls from {} to {}, by {}%.",
            band(plan.before),
            band(plan.after),
            percent(plan.fall_nano, plan.before.mean_nano)
        ));
        let any = report::human::plural(plan.budget.into(), "barrier");
        sentences.push(match plan.gap_nano {
            0 => format!(
                "Gap 0: no other choice of {any} among the window and pins, one for each locked version, saves more."
            ),
            gap => format!(
                "Gap {}: any other choice of {any} among the window and pins, one for each locked version, saves at \
                 most {}.",
                losses(gap),
                losses(plan.bound_nano)
            ),
        });
        sentences.extend(report.no_window.iter().map(|violation| {
            format!("No window is proposed, because today it would be violated: {violation}")
        }));
        let drops = &plan.drops;
        if !drops.crates.is_empty() {
            sentences.push(format!(
                "Removing {} of the {} direct dependencies that save most alone saves {} together; any {} of them save \
                 at most {} (gap {}). What else depends on them keeps them, and whether the members can do without \
                 them is for a person to say.",
                drops.crates.len(),
                drops.candidates,
                losses(drops.fall_nano),
                plan.budget,
                losses(drops.bound_nano),
                losses(drops.gap_nano)
            ));
        }
        sentences.extend(report.not_counted.iter().map(|left| sentence(left)));
        let footing = Footing {
            as_of: report.as_of,
            precision: report.precision,
            priors: &plan.priors,
            seed: plan.seed,
            worlds: plan.worlds,
        };
        sentences.push(format!("This is {footing}, against {}.", plan.campaigns.join(", ")));
    }
    if let Some(separation) = &report.separation {
        sentences.push(format!(
            "{} between the members and the {} that run code while they are built: as many paths share no crate, so no \
             fewer would do.",
            report::human::plural(separation.crates.len() as u64, "crate"),
            report::human::plural(separation.running, "crate"),
        ));
    }
    if let Some(plan) = &report.features {
        sentences.push(match plan.features.len() {
            0 => format!("None of the {} that were looked at saves anything.", report::human::plural(plan.candidates, "feature")),
            count => format!(
                "Switching off {} of the {} that were looked at saves {} together. Whether the code builds without them \
                 is for `cargo check` and a person to say; the manifests are left as they are, and --drop shows the edit \
                 of any.",
                report::human::plural(count as u64, "feature"),
                plan.candidates,
                losses(plan.fall_nano)
            ),
        });
        if plan.left_out > 0 {
            sentences.push(format!(
                "Not looked at: {} of crates that would save less if nothing depended on them.",
                report::human::plural(plan.left_out, "feature")
            ));
        }
    }
    if let Some(reason) = &report.features_unknown {
        sentences.push(format!("Not evaluated: what switching off features would save; {reason}."));
    }
    if let Some(host) = &report.host {
        sentences.push(format!(
            "{} of the {} that run code while the members are built lie behind them, and are reached by no other path. \
             Gap {}: no other choice of {} holds more than {}.",
            host.held,
            report::human::plural(host.running, "crate"),
            host.gap,
            report::human::plural(host.budget.into(), "pin"),
            host.bound
        ));
    }
    for barrier in &report.until_edited {
        sentences.push(format!(
            "Written, and `barrier/violated` denies until the manifests are edited and locked anew: {barrier}."
        ));
    }
    if !report.applied.is_empty() {
        let mut by_kind = BTreeMap::<&str, u64>::new();
        for barrier in &report.applied {
            *by_kind.entry(barrier.split(' ').next().unwrap_or_default()).or_default() += 1;
        }
        let kinds: Vec<String> =
            by_kind.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        sentences.push(format!("Written into weft.toml: {}.", kinds.join(", ")));
    }
    for reason in &report.not_evaluated {
        sentences.push(format!(
            "Written, and `barrier/violated` is not evaluated as long as {reason}; `cargo fetch --locked` may bring it."
        ));
    }
    if report.copied > 0 {
        sentences.push(format!(
            "Written with them: {} of the profile, since a list of barriers takes the place of those below it.",
            report::human::plural(report.copied, "barrier")
        ));
    }
    if report.already > 0 {
        let barriers = report::human::plural(report.already, "barrier");
        sentences.push(format!("Not written again: {barriers} of the policy already."));
    }
    sentences
}

/// Says what barriers do that are put up together.
fn all(barriers: &[Barrier]) -> String {
    let version = |barrier: &Barrier| match barrier {
        Barrier::Pin { version, .. } => Some(version.to_string()),
        _ => None,
    };
    match (barriers, barriers.iter().map(version).collect::<Option<Vec<String>>>()) {
        ([first, ..], Some(versions)) => format!("pin {} {}", first.name(), versions.join(", ")),
        _ => barriers.iter().map(words).collect::<Vec<_>>().join(" and "),
    }
}

/// Says what a barrier does, in a few words.
pub(super) fn words(barrier: &Barrier) -> String {
    match barrier {
        Barrier::Attest { name, .. } => format!("demand attestations of {name}"),
        Barrier::Drop { name, feature: None, .. } => format!("drop {name}"),
        Barrier::Drop { name, feature: Some(feature), .. } => {
            format!("switch off {feature} of {name}")
        }
        Barrier::Fork { name, repository, .. } => format!("take {name} from {repository}"),
        Barrier::Pin { name, version, .. } => format!("pin {name} {version}"),
        Barrier::Region { crates, .. } => format!("let no more depend on {}", crates.join(", ")),
        Barrier::Review { name, .. } => format!("demand reviews of {name}"),
        Barrier::Seal { name, .. } => format!("seal {name}"),
        Barrier::Vendor { name, .. } => format!("vendor {name}"),
        Barrier::Window { name, days, .. } if name == "*" => {
            format!("lock no version younger than {}", report::human::plural((*days).into(), "day"))
        }
        Barrier::Window { name, days, .. } => {
            format!(
                "lock no version of {name} younger than {}",
                report::human::plural((*days).into(), "day")
            )
        }
    }
}

/// Begins a clause with a capital, and ends it with a full stop.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    let stop = if clause.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
