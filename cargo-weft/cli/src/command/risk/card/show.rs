//! Cards for people: on a terminal, and in Markdown.

use std::fmt::Write;

use weft_gate::Finding;
use weft_gate::behavior::Behavior;
use weft_gate::capability::{Capability, Shift};
use weft_gate::facts::Known;
use weft_gate::policy::Barrier;
use weft_gate::publisher::Basis;
use weft_gate::risk::arrival::Arrivals;
use weft_gate::risk::campaign::Execution;

use super::{Card, Cards, Exposed};
use crate::command::diff::{shift, short, with_plus};
use crate::command::risk::{Footing, losses};
use crate::escape::{markdown as inert, markdown_code, terminal};
use crate::report::human::{paragraph, place, plural};
use crate::source::versions::Step;

/// How many lines of one kind are shown; JSON has all.
const MAX_LINES: usize = 12;

/// How many members are named that harm comes to.
const MAX_MEMBERS: usize = 3;

/// How many names stand in one line.
const MAX_NAMES: usize = 8;

/// Writes the cards for a terminal.
pub(super) fn human(cards: &Cards) -> String {
    let mut out = String::new();
    for card in &cards.cards {
        _ = writeln!(out, "{}", terminal(&title(card)));
        for (name, lines) in sections(cards, card) {
            _ = writeln!(out, "  {name}");
            for line in lines {
                paragraph(&mut out, "", &terminal(&line), 4);
            }
        }
        out.push('\n');
    }
    paragraph(&mut out, "", &terminal(&footer(cards)), 0);
    out
}

/// Writes the cards in Markdown, with everything from outside made inert.
pub(super) fn markdown(cards: &Cards) -> String {
    let mut out = String::new();
    for card in &cards.cards {
        _ = writeln!(out, "## {}\n", markdown_code(&title(card)));
        for (name, lines) in sections(cards, card) {
            _ = writeln!(out, "- **{name}**");
            for line in lines {
                _ = writeln!(out, "  - {}", inert(&line));
            }
        }
        out.push('\n');
    }
    _ = writeln!(out, "{}", inert(&footer(cards)));
    out
}

fn title(card: &Card) -> String {
    format!("{} ({})", card.why.spec, card.why.source)
}

fn footer(cards: &Cards) -> String {
    let Cards { as_of, precision, priors, seed, worlds, .. } = cards;
    let (as_of, precision, seed, worlds) = (*as_of, *precision, *seed, *worlds);
    let footing = Footing { as_of, precision, priors, seed, worlds };
    let not_counted = cards.not_counted.iter().map(|left| format!("; {left}"));
    format!("{footing}; `--format json` has everything{}", not_counted.collect::<String>())
}

/// Returns the lines under each heading, as they are; what is not known is said there.
fn sections(cards: &Cards, card: &Card) -> Vec<(&'static str, Vec<String>)> {
    let sections = [
        ("identity", identity(card)),
        ("publishers", publishers(card)),
        ("provenance", provenance(card)),
        ("risk", risk(cards, card)),
        ("topology", topology(card)),
        ("behaviour, as its sources say", behavior(&card.behavior)),
        ("what changed over its versions", versions(&card.versions)),
        ("advisories", advisories(card)),
        ("findings", cut(card.findings.iter().map(finding))),
        ("exempted", exempted(card)),
        ("barriers", cut(card.barriers.iter().map(barrier))),
        ("what would lower the risk", remedies(card)),
    ];
    let told = |(name, lines): (&'static str, Vec<String>)| match lines.is_empty() {
        true => (name, vec!["none".to_owned()]),
        false => (name, lines),
    };
    sections.into_iter().map(told).collect()
}

/// Shows a fact, or says that and why it is not known.
fn told<T>(fact: &Known<T>, what: &str, show: impl FnOnce(&T) -> Vec<String>) -> Vec<String> {
    match fact {
        Known::Value(value) => show(value),
        Known::Unknown(reason) => vec![format!("{what}unknown: {reason}")],
    }
}

fn identity(card: &Card) -> Vec<String> {
    let mut lines = vec![with_plus(&card.id)];
    lines.push(match &card.checksum {
        Some(checksum) => format!("archive sha256 {checksum}"),
        None => "the lockfile has no digest of its archive".to_owned(),
    });
    lines.extend(told(&card.release, "its release is ", |release| {
        let day = |day: Option<jiff::civil::Date>| {
            day.map_or("on an unknown day".to_owned(), |day| format!("on {day}"))
        };
        let mut line = format!("published {}", day(release.published));
        if let Some(days) = release.silent_days {
            line += &format!(", {} after the version before", plural(days, "day"));
        }
        line += &format!("; the crate first {}", day(release.first_published));
        let yanked = release.yanked.then(|| "this version was withdrawn (yanked)".to_owned());
        [line].into_iter().chain(yanked).collect()
    }));
    lines.extend(told(&card.license, "its licence is ", |license| {
        vec![format!("licence {license}")]
    }));
    lines
}

fn publishers(card: &Card) -> Vec<String> {
    told(&card.publishers, "", |owners| {
        let basis = match owners.basis {
            Basis::Snapshot => "owners, by a snapshot of crates.io:",
            Basis::Vet => "publishers, by cargo-vet's list:",
            Basis::Repository => "a proxy, the owner of the repository that its manifest names:",
        };
        let account = |account: &super::Account| {
            format!("{}, who can publish {}", account.name, others(account.others))
        };
        let accounts = owners.accounts.iter().map(account);
        [basis.to_owned()].into_iter().chain(cut(accounts)).collect()
    })
}

fn others(count: u64) -> String {
    match count {
        0 => "no other package here".to_owned(),
        count => format!("{} here", plural(count, "other package")),
    }
}

fn provenance(card: &Card) -> Vec<String> {
    let mut lines = told(&card.commit, "the commit it was packed from is ", |commit| {
        let place = match &*commit.path {
            "" => String::new(),
            path => format!(" at `{path}`"),
        };
        let state = match commit.dirty {
            true => ", with files that the commit does not have",
            false => "",
        };
        vec![format!("its archive says commit {}{place}{state}; nobody verified that", commit.sha)]
    });
    for (answer, what) in [(&card.attested, "attested"), (&card.reviewed, "reviewed")] {
        lines.extend(match answer {
            None => vec![format!("no barrier asks whether it is {what}")],
            Some(answer) => told(answer, &format!("whether it is {what} is "), |is_so| {
                let not = if *is_so { "" } else { "not " };
                vec![format!("it is {not}{what} as a barrier asks")]
            }),
        });
    }
    lines
}

fn risk(cards: &Cards, card: &Card) -> Vec<String> {
    let Some(Exposed { exposure, rank, of }) = &card.exposure else {
        return vec!["it is locked, and not part of what is judged".to_owned()];
    };
    let order = match cards.order.is_ordered {
        true => "",
        false => ", unordered: under other rates that the counts allow it would be another",
    };
    let mut lines = vec![
        format!(
            "delta {} +-{}: so much of the {} that a year is expected to cost ({}) goes if it is blocked; \
             place {rank} of {of}{order}",
            losses(exposure.delta_nano),
            losses(exposure.delta_error_nano),
            losses(cards.expected.mean_nano),
            share(exposure.delta_nano, cards.expected.mean_nano),
        ),
        format!("{} of it begins in the crate itself", losses(exposure.own_nano)),
    ];
    lines.extend(card.arrivals.iter().map(arrivals));
    lines.extend(
        exposure.unknown.iter().map(|campaign| {
            format!("unknown, and not counted: whether {campaign} can begin in it")
        }),
    );
    lines
}

/// Writes which part of the expected loss a fall is: both are estimates, and no part is more than the whole.
fn share(fall_nano: u64, expected_nano: u64) -> String {
    let whole = u128::from(expected_nano.max(1));
    let permille = ((u128::from(fall_nano) * 1000 + whole / 2) / whole).min(1000);
    format!("{}.{}%", permille / 10, permille % 10)
}

/// Writes a chance; it is known to 2^-16, which is less than what is shown.
fn percent(ppm: u32) -> String {
    match (ppm + 500) / 1000 {
        0 if ppm > 0 => "under 0.1%".to_owned(),
        1000 if ppm < 1_000_000 => "over 99.9%".to_owned(),
        permille => format!("{}.{}%", permille / 10, permille % 10),
    }
}

fn arrivals(arrivals: &Arrivals) -> String {
    let when = match arrivals.executes {
        Execution::Build => "harm that runs while it is built",
        Execution::Call => "harm that runs when it is called",
    };
    let member = |arrival: &weft_gate::risk::arrival::Arrival| {
        let [ppm, low, high] = [arrival.ppm, arrival.low_ppm, arrival.high_ppm].map(percent);
        let chance = if low == high { ppm } else { format!("{ppm} ({low} to {high})") };
        // What tells namesakes apart is in JSON.
        let id = short(&arrival.member);
        let name = id.split('?').next().unwrap_or_default();
        format!("{name} {chance}")
    };
    let shown: Vec<String> = arrivals.members.iter().take(MAX_MEMBERS).map(member).collect();
    let all = plural(arrivals.members.len() as u64, "member");
    match shown[..] {
        [] => format!("{when} comes to no member"),
        _ if arrivals.members.len() > MAX_MEMBERS => {
            format!("{when} may come to {all}, likeliest {}", shown.join(", "))
        }
        _ => format!("{when} may come to {}", shown.join(", ")),
    }
}

fn topology(card: &Card) -> Vec<String> {
    let row = &card.topology;
    let mut lines = vec![format!(
        "{} on it directly and it on {}; it is reached from {}",
        match row.fan_in {
            1 => "1 package depends".to_owned(),
            count => format!("{count} packages depend"),
        },
        row.fan_out,
        plural(row.blast.into(), "member"),
    )];
    if card.why.path.len() > 1 {
        let from = card.why.place.as_ref().map(|at| format!(", from {}", place(at)));
        lines.push(format!("path: {}{}", card.why.path.join(" > "), from.unwrap_or_default()));
    }
    if !card.why.through.is_empty() {
        lines.push(format!("every path passes: {}", card.why.through.join(" > ")));
    }
    if !card.why.alone.is_empty() {
        lines.push(format!("alone brings in: {}", names(&card.why.alone)));
    }
    lines.push(runs_in(row.host_execution));
    lines
}

/// Says where code of a package runs while members are built.
fn runs_in(members: Option<u32>) -> String {
    match members {
        None => "in whose build its code runs is unknown at lock precision".to_owned(),
        Some(0) => "its code runs in no member's build".to_owned(),
        Some(count) => format!("its code runs in the build of {}", plural(count.into(), "member")),
    }
}

fn names(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn behavior(behavior: &Known<Behavior>) -> Vec<String> {
    told(behavior, "", |behavior| {
        let capability = |capability: Capability| {
            let what = capability.of(behavior)?;
            let first = capability.trace(behavior).map(|trace| &trace.first);
            let first = first.filter(|spot| spot.line > 0);
            let at = first.map(|spot| format!(", first at {}:{}", spot.path, spot.line));
            Some(format!("{}: {what}{}", capability.as_str(), at.unwrap_or_default()))
        };
        // The licence is part of the identity.
        let all = Capability::ALL.into_iter().filter(|c| *c != Capability::License);
        let size = plural(behavior.files, "Rust file");
        let mut lines = vec![format!("{size} of {} bytes", behavior.bytes)];
        lines.extend(all.filter_map(capability));
        lines.extend(behavior.unread.iter().take(MAX_LINES).map(|why| format!("not read: {why}")));
        lines
    })
}

fn versions(versions: &Known<Vec<Step>>) -> Vec<String> {
    told(versions, "", |steps| {
        let read = steps.iter().filter(|step| step.read).count();
        let mut lines = vec![format!(
            "{}, of which the sources of {read} are at hand; of the others only dates are known",
            plural(steps.len() as u64, "version")
        )];
        let is_told = |step: &&Step| step.locked || step.read || !step.shifts.is_empty();
        let told = steps.iter().filter(is_told);
        let told: Vec<&Step> = told.collect();
        let left_out = told.len().saturating_sub(MAX_LINES);
        if left_out > 0 {
            lines.push(format!("{left_out} earlier ones of which something is known"));
        }
        lines.extend(told[left_out..].iter().flat_map(|step| changes(step)));
        lines
    })
}

/// Returns a line for each change that a version brought, or one for the version.
fn changes(step: &Step) -> Vec<String> {
    let day = step.published.map(|day| format!(" of {day}"));
    let version = format!("{}{}", step.version, day.unwrap_or_default());
    let state = [(step.locked, "locked"), (step.yanked, "withdrawn")];
    let state = state.iter().filter(|(is_so, _)| *is_so).map(|(_, state)| format!(", {state}"));
    let against = step.compared_with.as_ref().map(|before| format!(", against {before}"));
    let head = [version].into_iter().chain(state).chain(against).collect::<String>();
    if step.shifts.is_empty() {
        let why = match (step.read, &step.compared_with) {
            (true, Some(_)) => "nothing changed",
            (true, None) => "the first whose sources are at hand",
            (false, _) => "its sources are not at hand",
        };
        return vec![format!("{head}: {why}")];
    }
    let change = |change: &Shift| {
        let line = shift(change);
        let (_, change) = line.split_once(": ").unwrap_or(("", &line));
        format!("{head}: {change}")
    };
    cut(step.shifts.iter().map(change))
}

fn advisories(card: &Card) -> Vec<String> {
    told(&card.advisories, "", |advised| {
        let notice = |notice: &super::Notice| {
            let severity = notice.severity.map(|severity| format!(", {}", severity.as_str()));
            let mended = match &notice.patched[..] {
                [] => "no version mends it".to_owned(),
                patched => format!("mended in {}", patched.join(" or ")),
            };
            let severity = severity.unwrap_or_default();
            format!("{} of {}{severity}: {}; {mended}", notice.id, notice.date, notice.title)
        };
        let mut lines = cut(advised.affecting.iter().map(notice));
        if lines.is_empty() {
            lines.push("none is about the locked version".to_owned());
        }
        if advised.others > 0 {
            lines.push(format!(
                "{} of other versions",
                match advised.others {
                    1 => "1 advisory is".to_owned(),
                    count => format!("{count} advisories are"),
                }
            ));
        }
        lines
    })
}

fn finding(finding: &Finding) -> String {
    let said = format!("{}[{}]: {}", finding.level.as_str(), finding.code, finding.sentence);
    let remedy = &finding.remedy;
    let ends = ['.', ':'];
    match (&*remedy.sentence, &remedy.command) {
        ("", None) => said,
        (sentence, None) => format!("{said} {sentence}"),
        ("", Some(command)) => format!("{said} Next: {command}"),
        (sentence, Some(command)) => {
            format!("{said} {}: {command}", sentence.trim_end_matches(ends))
        }
    }
}

fn exempted(card: &Card) -> Vec<String> {
    let exempted = card.exempted.iter().map(|exempted| {
        let exemption = &exempted.exemption;
        format!(
            "{}: {} ({}, approved by {}, until {})",
            exempted.finding.code,
            exemption.reason,
            exemption.owner,
            exemption.approver,
            exemption.expires
        )
    });
    cut(exempted)
}

/// Names a barrier, with what tells it from others of its kind.
fn barrier(barrier: &Barrier) -> String {
    let kind = barrier.kind();
    match barrier {
        Barrier::Pin { version, .. } => format!("{kind} {version}"),
        Barrier::Window { days, .. } => {
            format!("{kind} of {}", plural(u64::from(*days), "day"))
        }
        Barrier::Review { criteria, role, .. } => {
            let by: Vec<&str> = criteria.iter().chain(role).map(String::as_str).collect();
            format!("{kind} by {}", by.join(" or "))
        }
        Barrier::Drop { feature: Some(feature), .. } => format!("{kind} of `{feature}`"),
        Barrier::Fork { repository, .. } => format!("{kind} {repository}"),
        Barrier::Region { crates, .. } => format!("{kind} of {}", names(crates)),
        Barrier::Seal { dependencies, .. } if dependencies.is_empty() => {
            format!("{kind}, no dependencies")
        }
        Barrier::Seal { dependencies, .. } => format!("{kind} to {}", names(dependencies)),
        Barrier::Attest { .. } | Barrier::Drop { feature: None, .. } | Barrier::Vendor { .. } => {
            kind.to_owned()
        }
    }
}

fn remedies(card: &Card) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(exposed) = &card.exposure
        && exposed.exposure.delta_nano > 0
    {
        let places = card.why.dependents.iter().filter(|dependent| dependent.member);
        let places: Vec<String> =
            places.filter_map(|dependent| dependent.place.as_ref()).map(place).collect();
        let how = match &places[..] {
            [] if card.why.dependents.iter().any(|dependent| dependent.member) => {
                "a member asks for it".to_owned()
            }
            [] => "no member asks for it itself".to_owned(),
            places => format!("declared at {}", names(places)),
        };
        let saved = losses(exposed.exposure.delta_nano);
        lines.push(format!("without it, {saved} less ({how})"));
    }
    lines.extend(card.remedies.iter().map(|remedy| {
        let barriers: Vec<String> = remedy.barriers.iter().map(barrier).collect();
        format!("{}: {} less", barriers.join(" and "), losses(remedy.fall_nano))
    }));
    if card.is_from_registry {
        lines.push(format!("an update, if there is one: cargo weft update {}", card.why.spec));
    }
    lines
}

/// Keeps as many lines as there is room for, and says how many are left out.
fn cut(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().collect();
    if let Some(more) = lines.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use weft_gate::Place;

    use super::*;

    #[test]
    fn numbers_are_rounded_and_no_part_is_more_than_the_whole() {
        for (fall, expected, shown) in [
            (399, 1000, "39.9%"),
            (1, 3, "33.3%"),
            (9999, 10_000, "100.0%"),
            (2, 1, "100.0%"),
            (0, 0, "0.0%"),
        ] {
            assert_eq!(share(fall, expected), shown);
        }
        for (ppm, shown) in [
            (399_993, "40.0%"),
            (0, "0.0%"),
            (15, "under 0.1%"),
            (500, "0.1%"),
            (999_985, "over 99.9%"),
            (1_000_000, "100.0%"),
        ] {
            assert_eq!(percent(ppm), shown);
        }
        for (members, shown) in [(0, "no member's build"), (1, "the build of 1 member")] {
            assert_eq!(runs_in(Some(members)), format!("its code runs in {shown}"));
        }
    }

    #[test]
    fn a_command_follows_what_it_is_for() {
        let found = Finding::new("a/b", "pkg:cargo/a@1.0.0", Place::whole("Cargo.lock"), "It is.");
        assert_eq!(finding(&found), "off[a/b]: It is.");
        let advised = found.clone().remedy("Do without it.");
        assert_eq!(finding(&advised), "off[a/b]: It is. Do without it.");
        let commanded = advised.command("cargo weft why a");
        assert_eq!(finding(&commanded), "off[a/b]: It is. Do without it: cargo weft why a");
        assert_eq!(finding(&found.command("x")), "off[a/b]: It is. Next: x");
    }

    #[test]
    fn a_version_without_a_change_says_so() {
        let step = |read, compared_with: Option<&str>| Step {
            compared_with: compared_with.map(str::to_owned),
            locked: false,
            published: None,
            read,
            shifts: Vec::new(),
            version: "1.1.0".to_owned(),
            yanked: false,
        };
        for (step, shown) in [
            (step(true, Some("1.0.0")), "1.1.0, against 1.0.0: nothing changed"),
            (step(true, None), "1.1.0: the first whose sources are at hand"),
            (step(false, None), "1.1.0: its sources are not at hand"),
        ] {
            assert_eq!(changes(&step), [shown]);
        }
    }
}
