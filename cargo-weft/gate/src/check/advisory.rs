//! Family `advisory`: locked versions that the RustSec database knows something bad of.

mod database_stale;
mod malicious;
mod notice;
mod unmaintained;
mod unsound;
mod vulnerability;

pub use database_stale::DatabaseStale;
pub use malicious::Malicious;
pub use notice::Notice;
pub use unmaintained::Unmaintained;
pub use unsound::Unsound;
pub use vulnerability::Vulnerability;

use std::cmp::Reverse;

use rustsec::platforms::Platform;
use semver::{Version, VersionReq};

use crate::advisory::{Advisories, Advisory, Kind};
use crate::check::{Context, each};
use crate::finding::Finding;
use crate::inventory::{Inventory, Precision};
use crate::policy::Targets;

/// Returns the advisories, if their database can be judged by.
///
/// A database of tomorrow is that of a wrong clock or of another day's verdict; how old it is cannot be said, so that it
/// would never be stale.
fn advisories<'f>(context: &Context<'f>) -> Result<&'f Advisories, String> {
    let facts = context.facts();
    let advisories = facts.advisories.as_ref().map_err(str::to_owned)?;
    let date = advisories.database.date;
    // A commit made late in a day is of the next one elsewhere.
    match crate::exemption::days_between(facts.as_of, date) > 1 {
        true => Err(format!(
            "the advisory database is of {date}, later than {}, the day that is judged",
            facts.as_of
        )),
        false => Ok(advisories),
    }
}

/// Finds the judged packages that advisories of one kind are about.
fn affected(code: &str, kind: Kind, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let advisories = advisories(context)?;
    let (inventory, topology) = context.graph()?;
    let policy = context.policy();
    let platforms = platforms(&policy.graph.targets)?;
    let counts = |advisory: &&Advisory| {
        let mild = advisory.severity.is_some_and(|s| s < policy.advisories.severity);
        advisory.kind == kind
            && !(mild && kind == Kind::Vulnerability)
            && concerns(advisory, &platforms)
    };
    let mut hits = Vec::new();
    for advisory in advisories.entries.iter().filter(counts) {
        for (index, package) in (0u32..).zip(&inventory.packages) {
            let judged = package.is_present() || inventory.precision == Precision::Lock;
            if judged
                && package.name == advisory.package
                && package.source.is_crates_io()
                && advisory.affects(&package.version)
            {
                hits.push((index, advisory));
            }
        }
    }
    hits.sort_by_key(|(_, advisory)| Reverse(advisory.severity));
    let blast = |index: u32| topology.blast.count(index) > 0;
    Ok(each(hits, |(index, advisory)| {
        finding(code, context, inventory, index, advisory, blast(index))
    }))
}

fn finding(
    code: &str,
    context: &Context<'_>,
    inventory: &Inventory,
    index: u32,
    advisory: &Advisory,
    reached: bool,
) -> Finding {
    let package = inventory.package(index);
    let introduction = context.introduction(index);
    let lock_only = match (reached || package.member, package.dev) {
        (true, _) => "",
        (false, true) => " (of dev-dependencies)",
        (false, false) => " (lock only)",
    };
    let severity = advisory.severity.map(|s| format!("{} severity, ", s.as_str()));
    let sentence = format!(
        "{}{lock_only} {} {}: {} ({}reported {}).",
        package.spec(),
        verb(advisory.kind),
        advisory.id,
        advisory.title.trim_end_matches('.'),
        severity.unwrap_or_default(),
        advisory.date,
    );
    let subject = format!("{} {}", package.id, advisory.id);
    let functions = advisory.functions_in(&package.version);
    let fix = fix(inventory, index, advisory);
    let mut finding = Finding::new(code, &subject, introduction.place, sentence)
        .path(introduction.path)
        .remedy(fix.sentence)
        .field("advisory", &*advisory.id)
        .field("package", &*package.id)
        .field("patched", requirements(&advisory.patched))
        .field("title", &*advisory.title)
        .field("date", &*advisory.date.to_string())
        .field("url", &*format!("https://rustsec.org/advisories/{}", advisory.id));
    if let Some(command) = fix.command {
        finding = finding.command(command);
    }
    if let Some(severity) = advisory.severity {
        finding = finding.field("severity", severity.as_str());
    }
    if let Some(cvss) = &advisory.cvss {
        finding = finding.field("cvss", &**cvss);
    }
    for (name, texts) in
        [("aliases", advisory.aliases.clone()), ("functions", functions), ("holders", fix.holders)]
    {
        if !texts.is_empty() {
            finding = finding.field(name, texts);
        }
    }
    if package.dev {
        finding = finding.field("dev", 1);
    } else if !lock_only.is_empty() {
        finding = finding.field("lock_only", 1);
    }
    finding
}

fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Malicious => "was published to do harm, says",
        Kind::Notice => "is subject of",
        Kind::Unmaintained => "is unmaintained, says",
        Kind::Unsound => "is unsound, says",
        Kind::Vulnerability => "is affected by",
    }
}

/// What to do about an advisory.
struct Fix {
    sentence: String,
    command: Option<String>,
    /// `name@version` of the dependents whose requirement excludes every mended version.
    holders: Vec<String>,
}

/// Works out the command that mends a package, and who stands in its way.
///
/// A dependent stands in the way if its requirement cannot be met by any mended version; where no manifest states the
/// requirement, it is taken to be compatible with the locked version, as nearly all are.
fn fix(inventory: &Inventory, index: u32, advisory: &Advisory) -> Fix {
    let package = inventory.package(index);
    let good: Vec<&VersionReq> = advisory.patched.iter().chain(&advisory.unaffected).collect();
    if good.is_empty() {
        let sentence = match advisory.kind {
            Kind::Malicious => format!(
                "Remove {}, and treat what it could reach as disclosed; no version is sound.",
                package.name
            ),
            _ => format!(
                "No version of {} mends this; replace it, or exempt the finding.",
                package.name
            ),
        };
        let command = Some(format!("cargo weft why {}", package.spec()));
        return Fix { sentence, command, holders: Vec::new() };
    }
    let candidates: Vec<Version> = good.iter().flat_map(|req| lowest(req)).collect();
    let unaffected = |version: &&Version| !advisory.affects(version);
    let candidates: Vec<&Version> = candidates.iter().filter(unaffected).collect();
    let allows = |requirement: &VersionReq, compatible: bool| {
        let near = |v: &&&Version| !compatible || **v >= &package.version;
        candidates.iter().filter(near).any(|v| requirement.matches(v))
    };
    let caret = VersionReq::parse(&format!("^{}", package.version)).unwrap_or(VersionReq::STAR);
    let mut holders = Vec::new();
    for edge in inventory.edges.iter().filter(|edge| edge.to == index) {
        let stated: Vec<VersionReq> = edge
            .declared
            .iter()
            .filter_map(|d| VersionReq::parse(d.requirement.as_deref().unwrap_or("*")).ok())
            .collect();
        let free = match stated.is_empty() {
            true => allows(&caret, true),
            false => stated.iter().all(|requirement| allows(requirement, false)),
        };
        if !free {
            holders.push(inventory.package(edge.from).spec());
        }
    }
    let mended = requirements(&advisory.patched);
    let mended = match mended.is_empty() {
        true => format!(
            "a version that never had it ({})",
            requirements(&advisory.unaffected).join(" or ")
        ),
        false => format!("a mended version ({})", mended.join(" or ")),
    };
    match &holders[..] {
        [] => Fix {
            sentence: format!("Update {} to {mended}.", package.name),
            command: Some(format!("cargo update {}", package.spec())),
            holders,
        },
        [first, ..] => {
            let blocked = format!("cargo update {first}");
            let member = inventory.packages.iter().any(|p| p.member && p.spec() == *first);
            Fix {
                sentence: match member {
                    true => {
                        format!("Let the manifest of {first} ask for {mended} of {}.", package.name)
                    }
                    false => format!(
                        "{first} holds {} back from {mended}; update it first.",
                        package.name
                    ),
                },
                command: (!member).then_some(blocked),
                holders,
            }
        }
    }
}

/// Returns versions at the lower edge of a requirement, one of which meets it if any of its line does.
fn lowest(requirement: &VersionReq) -> Vec<Version> {
    let edges = requirement.comparators.iter().map(|c| {
        let version = Version {
            major: c.major,
            minor: c.minor.unwrap_or(0),
            patch: c.patch.unwrap_or(0),
            pre: c.pre.clone(),
            build: semver::BuildMetadata::EMPTY,
        };
        let next = Version { patch: version.patch.saturating_add(1), ..version.clone() };
        let zero = Version::new(0, 0, 0);
        [version, next, zero]
    });
    edges.flatten().filter(|version| requirement.matches(version)).collect()
}

fn requirements(requirements: &[VersionReq]) -> Vec<String> {
    requirements.iter().map(ToString::to_string).collect()
}

/// Returns the targets that are judged; none for all.
///
/// # Errors
///
/// A target whose system and processor are not known: an advisory may be about it.
fn platforms(targets: &Targets) -> Result<Vec<&'static Platform>, String> {
    let Targets::List(list) = targets else { return Ok(Vec::new()) };
    let find = |triple: &String| {
        Platform::find(triple).ok_or_else(|| {
            format!("the target {triple} is unknown, so which advisories concern it is not known")
        })
    };
    list.iter().map(find).collect()
}

/// Says whether an advisory is about any of the targets; one that names no system or processor is about all.
fn concerns(advisory: &Advisory, platforms: &[&Platform]) -> bool {
    let among = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
    platforms.is_empty()
        || platforms.iter().any(|platform| {
            among(&advisory.os, platform.target_os.as_str())
                && among(&advisory.arch, platform.target_arch.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::advisory::parse;

    fn about(affected: &str) -> Advisory {
        let text = format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"a\"\ndate = \"2026-01-01\"\n\n[versions]\npatched = []\n\n[affected]\n{affected}\n```\n\n# T\n\nD.\n"
        );
        parse("crates/a/RUSTSEC-2026-0001.md", text.as_bytes()).unwrap().advisory
    }

    #[test]
    fn an_advisory_concerns_the_systems_and_processors_that_it_names() {
        let check = |affected: &str, triple: &str, expected: bool| {
            let targets = Targets::List(vec![triple.to_owned()]);
            let platforms = platforms(&targets).unwrap();
            assert_eq!(concerns(&about(affected), &platforms), expected, "{affected} {triple}");
        };
        let (linux, windows) = ("x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc");
        check("", linux, true);
        check("os = [\"windows\"]", windows, true);
        check("os = [\"windows\"]", linux, false);
        check("os = [\"windows\", \"linux\"]", linux, true);
        check("os = [\"macos\"]", "aarch64-apple-darwin", true);
        check("os = [\"macos\"]", "aarch64-apple-ios", false);
        check("os = [\"linux\"]", "aarch64-linux-android", false);
        check("os = [\"android\"]", "aarch64-linux-android", true);
        check("arch = [\"x86\"]", "i686-pc-windows-msvc", true);
        check("arch = [\"x86\"]", linux, false);
        check("arch = [\"arm\"]", "thumbv7em-none-eabihf", true);
        check("arch = [\"riscv64\"]", "riscv64gc-unknown-linux-gnu", true);
        check("arch = [\"powerpc64\"]", "powerpc64le-unknown-linux-gnu", true);
        check("arch = [\"aarch64\"]\nos = [\"windows\"]", "aarch64-pc-windows-msvc", true);
        check("arch = [\"aarch64\"]\nos = [\"windows\"]", windows, false);
        check("arch = [\"aarch64\"]\nos = [\"windows\"]", "aarch64-apple-darwin", false);
    }

    #[test]
    fn without_targets_every_advisory_concerns_and_an_unknown_one_is_not_passed_over() {
        let windows = about("os = [\"windows\"]");
        assert!(concerns(&windows, &platforms(&Targets::All).unwrap()));
        let both = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc"].map(str::to_owned);
        assert!(concerns(&windows, &platforms(&Targets::List(both.to_vec())).unwrap()));
        let unknown = Targets::List(vec!["z80-sinclair-basic".to_owned()]);
        assert!(platforms(&unknown).unwrap_err().contains("z80-sinclair-basic is unknown"));
    }
}
