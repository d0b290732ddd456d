//! What packages of a change may do to the machine that builds them and by which terms, beside what they might before.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::behavior::rate::{self, Event, Rate};
use crate::behavior::{Act, Behavior, Part, Trace, history};
use crate::diff::Diff;
use crate::facts::{History, Releases};
use crate::inventory::{Inventory, Package};

/// The behaviour of packages by package URL; one whose sources are not there is absent.
pub type ByPackage = BTreeMap<String, Behavior>;

/// A package that a change brings, and whose place it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// How the head's version behaves, if its sources are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Behavior>,
    /// How the base's version behaves, if there is one and its sources are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Behavior>,
    /// The package URL of the base's version; absent where the base has no package of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The package URL in the head.
    pub package: String,
}

/// A capability that a package has gained, lost or changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// The package URL in the head.
    pub package: String,
    /// What changed.
    pub capability: Capability,
    /// How it was; nothing where it was not there, or the package was not.
    pub before: Option<String>,
    /// How it is; nothing where it is gone.
    pub after: Option<String>,
    /// How often that happens; absent where nobody counted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// What a package may have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// A script that runs before it is compiled.
    BuildScript,
    /// A build script that holds what looks like encoded data.
    BuildEncoded,
    /// A build script that reads or sets environment variables.
    BuildEnvironment,
    /// A build script that reads or writes files.
    BuildFilesystem,
    /// A build script that calls code of another language.
    BuildForeign,
    /// A build script that reaches the network.
    BuildNetwork,
    /// A build script that starts processes.
    BuildProcess,
    /// Files that a machine runs or links.
    Binary,
    /// Crates that it is built with.
    Dependencies,
    /// More than a year of silence before its release.
    Dormant,
    /// Code that holds what looks like encoded data.
    LibraryEncoded,
    /// Code that reads or sets environment variables.
    LibraryEnvironment,
    /// Code that reads or writes files.
    LibraryFilesystem,
    /// Code that calls code of another language.
    LibraryForeign,
    /// Code that reaches the network.
    LibraryNetwork,
    /// Code that starts processes.
    LibraryProcess,
    /// Terms.
    License,
    /// A native library that it links.
    Links,
    /// A library that runs in the compiler.
    ProcMacro,
    /// Accounts that can publish it.
    Publisher,
    /// Code that the compiler does not check for memory safety.
    Unsafe,
    /// A crate that it newly asks for, and that was less than a week old.
    YoungDependency,
}

impl Capability {
    /// Every capability that sources show, in the order of reports.
    pub const ALL: [Self; 19] = [
        Self::BuildScript,
        Self::BuildEncoded,
        Self::BuildEnvironment,
        Self::BuildFilesystem,
        Self::BuildForeign,
        Self::BuildNetwork,
        Self::BuildProcess,
        Self::Binary,
        Self::Dependencies,
        Self::LibraryEncoded,
        Self::LibraryEnvironment,
        Self::LibraryFilesystem,
        Self::LibraryForeign,
        Self::LibraryNetwork,
        Self::LibraryProcess,
        Self::License,
        Self::Links,
        Self::ProcMacro,
        Self::Unsafe,
    ];

    /// Returns the words used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuildScript => "build script",
            Self::BuildEncoded => "build script holds encoded data",
            Self::BuildEnvironment => "build script reads the environment",
            Self::BuildFilesystem => "build script reads or writes files",
            Self::BuildForeign => "build script calls foreign code",
            Self::BuildNetwork => "build script reaches the network",
            Self::BuildProcess => "build script starts processes",
            Self::Binary => "binaries",
            Self::Dependencies => "dependencies",
            Self::Dormant => "silence before it",
            Self::LibraryEncoded => "library holds encoded data",
            Self::LibraryEnvironment => "library reads the environment",
            Self::LibraryFilesystem => "library reads or writes files",
            Self::LibraryForeign => "library calls foreign code",
            Self::LibraryNetwork => "library reaches the network",
            Self::LibraryProcess => "library starts processes",
            Self::License => "licence",
            Self::Links => "links",
            Self::ProcMacro => "procedural macro",
            Self::Publisher => "publisher",
            Self::Unsafe => "unsafe",
            Self::YoungDependency => "young dependency",
        }
    }

    /// Returns the word of the machine formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::BuildScript => "build-script",
            Self::BuildEncoded => "build-encoded",
            Self::BuildEnvironment => "build-environment",
            Self::BuildFilesystem => "build-filesystem",
            Self::BuildForeign => "build-foreign",
            Self::BuildNetwork => "build-network",
            Self::BuildProcess => "build-process",
            Self::Binary => "binary",
            Self::Dependencies => "dependencies",
            Self::Dormant => "dormant",
            Self::LibraryEncoded => "library-encoded",
            Self::LibraryEnvironment => "library-environment",
            Self::LibraryFilesystem => "library-filesystem",
            Self::LibraryForeign => "library-foreign",
            Self::LibraryNetwork => "library-network",
            Self::LibraryProcess => "library-process",
            Self::License => "license",
            Self::Links => "links",
            Self::ProcMacro => "proc-macro",
            Self::Publisher => "publisher",
            Self::Unsafe => "unsafe",
            Self::YoungDependency => "young-dependency",
        }
    }

    /// Returns whose code does what, if that is what it is about.
    fn act(self) -> Option<(Part, Act)> {
        match self {
            Self::BuildEncoded => Some((Part::Build, Act::Encoded)),
            Self::BuildEnvironment => Some((Part::Build, Act::Environment)),
            Self::BuildFilesystem => Some((Part::Build, Act::Filesystem)),
            Self::BuildForeign => Some((Part::Build, Act::Foreign)),
            Self::BuildNetwork => Some((Part::Build, Act::Network)),
            Self::BuildProcess => Some((Part::Build, Act::Process)),
            Self::Binary => Some((Part::Library, Act::Binary)),
            Self::LibraryEncoded => Some((Part::Library, Act::Encoded)),
            Self::LibraryEnvironment => Some((Part::Library, Act::Environment)),
            Self::LibraryFilesystem => Some((Part::Library, Act::Filesystem)),
            Self::LibraryForeign => Some((Part::Library, Act::Foreign)),
            Self::LibraryNetwork => Some((Part::Library, Act::Network)),
            Self::LibraryProcess => Some((Part::Library, Act::Process)),
            Self::BuildScript
            | Self::Dependencies
            | Self::Dormant
            | Self::License
            | Self::Links
            | Self::ProcMacro
            | Self::Publisher
            | Self::Unsafe
            | Self::YoungDependency => None,
        }
    }

    /// Returns the trace of it in a package, if code leaves one.
    pub fn trace(self, behavior: &Behavior) -> Option<&Trace> {
        self.act().and_then(|(part, act)| behavior.does(part, act))
    }

    /// Describes it in the sources of a package, without lines, which every edit moves; nothing where it is not there.
    pub fn of(self, behavior: &Behavior) -> Option<String> {
        match self {
            Self::BuildScript => behavior.build_script.clone(),
            Self::Dependencies => {
                let names = asked(behavior);
                (!names.is_empty()).then(|| names.join(", "))
            }
            Self::Dormant | Self::YoungDependency => None,
            Self::License => behavior.license.clone(),
            Self::Links => behavior.links.clone(),
            Self::ProcMacro => behavior.proc_macro.then(|| "yes".to_owned()),
            Self::Publisher => behavior.publisher.clone(),
            Self::Unsafe => (behavior.unsafe_words > 0).then(|| behavior.unsafe_words.to_string()),
            Self::BuildEncoded
            | Self::BuildEnvironment
            | Self::BuildFilesystem
            | Self::BuildForeign
            | Self::BuildNetwork
            | Self::BuildProcess
            | Self::Binary
            | Self::LibraryEncoded
            | Self::LibraryEnvironment
            | Self::LibraryFilesystem
            | Self::LibraryForeign
            | Self::LibraryNetwork
            | Self::LibraryProcess => self.trace(behavior).map(|trace| trace.words.join(", ")),
        }
    }

    /// Describes how it was and how it is, if that differs.
    ///
    /// What a library does in other words than before is no news, and of dependencies only those that come and go are
    /// told.
    fn change(
        self,
        before: &Behavior,
        after: &Behavior,
    ) -> Option<(Option<String>, Option<String>)> {
        if self == Self::Dependencies {
            let (old, new) = (asked(before), asked(after));
            let without = |names: &[&str], others: &[&str]| -> Option<String> {
                let alone = names.iter().filter(|name| !others.contains(name)).copied();
                let alone: Vec<&str> = alone.collect();
                (!alone.is_empty()).then(|| alone.join(", "))
            };
            let (gone, come) = (without(&old, &new), without(&new, &old));
            return (gone.is_some() || come.is_some()).then_some((gone, come));
        }
        let (old, new) = (self.of(before), self.of(after));
        let differs = match self.act() {
            Some((Part::Library, _)) => old.is_some() != new.is_some(),
            _ => old != new,
        };
        differs.then_some((old, new))
    }
}

/// Lists the crates that a package is built with, sorted.
fn asked(behavior: &Behavior) -> Vec<&str> {
    let asked = &behavior.dependencies;
    let mut names: Vec<&str> = asked.normal.iter().chain(&asked.build).map(|n| &**n).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Pairs the packages from elsewhere that a change brings with those whose place they take: a version that comes beside
/// others of its name with the nearest of these.
pub fn pairs<'a>(
    diff: &Diff,
    base: &'a Inventory,
    head: &'a Inventory,
) -> Vec<(Option<&'a Package>, &'a Package)> {
    let by_id = |inventory: &'a Inventory| -> BTreeMap<&'a str, &'a Package> {
        inventory.packages.iter().map(|package| (&*package.id, package)).collect()
    };
    let (old, new) = (by_id(base), by_id(head));
    let nearest = |package: &Package| {
        let alike = base.packages.iter().filter(|p| p.name == package.name && !p.member);
        let (mut below, mut above) = (None::<&Package>, None::<&Package>);
        for other in alike {
            let (slot, is_nearer): (_, fn(&Package, &Package) -> bool) =
                match other.version <= package.version {
                    true => (&mut below, |a, b| a.version > b.version),
                    false => (&mut above, |a, b| a.version < b.version),
                };
            if slot.is_none_or(|known| is_nearer(other, known)) {
                *slot = Some(other);
            }
        }
        below.or(above)
    };
    let changed = diff
        .changed
        .iter()
        .filter_map(|change| Some((old.get(&*change.from).copied(), *new.get(&*change.to)?)));
    let added = diff.added.iter().filter_map(|id| new.get(&**id)).map(|p| (nearest(p), *p));
    let mut pairs: Vec<_> = changed.chain(added).filter(|(_, package)| !package.member).collect();
    pairs.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    pairs
}

/// Compares the packages that a change brings with those whose place they take, as far as the sources of both are
/// there, and tells what is unusual in how they came to be; the rarest change first, and what nobody counted last.
pub fn shifts(updates: &[Update], releases: &Releases) -> Vec<Shift> {
    let nothing = Behavior::default();
    let histories = updates.iter().filter_map(|update| {
        let history = releases.get(&update.package)?.history.as_ref()?;
        Some(of_history(&update.package, history))
    });
    let mut shifts: Vec<Shift> = histories.flatten().collect();
    for update in updates {
        let (before, event) = match (&update.from, &update.before) {
            (None, _) => (Some(&nothing), Event::New),
            (Some(_), before) => (before.as_ref(), Event::Update),
        };
        let (Some(before), Some(after)) = (before, &update.after) else { continue };
        for capability in Capability::ALL {
            let Some((before, after)) = capability.change(before, after) else { continue };
            let comes = after.is_some()
                && (before.is_none()
                    || event == Event::Update && capability == Capability::Dependencies);
            let rate = comes.then(|| rate::of(event, capability)).flatten();
            let package = update.package.clone();
            shifts.push(Shift { package, capability, before, after, rate });
        }
    }
    let surprisal = |shift: &Shift| shift.rate.map(|rate| rate.millibits());
    shifts.sort_by(|a, b| Reverse(surprisal(a)).cmp(&Reverse(surprisal(b))).then_with(|| a.cmp(b)));
    shifts
}

/// Tells what is unusual in how a package came to be.
fn of_history(package: &str, history: &History) -> Vec<Shift> {
    let shift = |capability, after: String, kind: &str| Shift {
        package: package.to_owned(),
        capability,
        before: None,
        after: Some(after),
        rate: rate::release(kind),
    };
    let name = package.strip_prefix("pkg:cargo/").unwrap_or(package);
    let name = name.split(['@', '?']).next().unwrap_or_default();
    let is_dormant = history::is_dormant(history);
    let silence = history.previous.as_ref().filter(|_| is_dormant).map(|previous| {
        let told = format!("{} days after {}", previous.gap_days, previous.version);
        shift(Capability::Dormant, told, "dormant")
    });
    let kind = if is_dormant { "dormant-then-new-dependency" } else { "young-dependency" };
    let young: Vec<String> = history::young(name, history)
        .map(|added| format!("{}, {} old", added.name, history::age(added.age_hours.unwrap_or(0))))
        .collect();
    let young =
        (!young.is_empty()).then(|| shift(Capability::YoungDependency, young.join("; "), kind));
    silence.into_iter().chain(young).collect()
}

/// Counts the keyword `unsafe` in a Rust file: strings and comments do not count, and what stands in a macro does.
///
/// # Errors
///
/// The file is not made of Rust's tokens.
pub fn unsafe_words(file: &str) -> Result<u64, String> {
    let tokens: TokenStream = file.parse().map_err(|e| format!("it is not Rust: {e}"))?;
    Ok(unsafe_in(tokens))
}

/// Counts the keyword `unsafe`.
pub(crate) fn unsafe_in(tokens: TokenStream) -> u64 {
    let mut open = vec![tokens.into_iter()];
    let mut count = 0;
    while let Some(stream) = open.last_mut() {
        match stream.next() {
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(TokenTree::Ident(word)) => count += u64::from(word == "unsafe"),
            Some(TokenTree::Punct(_) | TokenTree::Literal(_)) => {}
            None => {
                open.pop();
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Added, Previous, Release};
    use crate::input::lockfile;
    use crate::inventory::from_lock;

    #[test]
    fn the_keyword_counts_and_not_the_word() {
        let check = |text: &str, expected| assert_eq!(unsafe_words(text), Ok(expected), "{text}");
        check("fn a() { unsafe { b() } }", 1);
        check("unsafe impl Send for A {}\nm! { x => unsafe fn c() }", 2);
        check("// unsafe\n/// unsafe\nfn a() { \"unsafe\"; r#unsafe; not_unsafe() }", 0);
        check("#![forbid(unsafe_code)]", 0);
        assert!(unsafe_words("fn a( {").is_err());
        assert!(unsafe_words(&format!("{}{}", "(".repeat(300), ")".repeat(300))).is_ok());
    }

    fn behavior(build: &str, library: &str, edit: impl FnOnce(&mut Behavior)) -> Behavior {
        let mut behavior = Behavior::default();
        if !build.is_empty() {
            behavior.build_script = Some("build.rs".to_owned());
            behavior.add("build.rs", build, Some(Part::Build));
        }
        behavior.add("src/lib.rs", library, Some(Part::Library));
        behavior.finish();
        edit(&mut behavior);
        behavior
    }

    fn update(name: &str, before: Option<Behavior>, after: Behavior) -> Update {
        Update {
            after: Some(after),
            from: before.is_some().then(|| format!("pkg:cargo/{name}@1.0.0")),
            before,
            package: format!("pkg:cargo/{name}@2.0.0"),
        }
    }

    #[test]
    fn what_an_update_brings_is_told_and_what_stays_is_not() {
        let starts = "fn main() { std::process::Command::new(a) }";
        let reads = "fn a() { std::fs::read(b); unsafe {} unsafe {} }";
        let mit = |behavior: &mut Behavior| behavior.license = Some("MIT".to_owned());
        let old = behavior(starts, reads, mit);
        let new = behavior(&format!("\n{starts}"), "fn a() { std::fs::write(b) }", |behavior| {
            behavior.license = Some("GPL-3.0-only".to_owned());
            behavior.proc_macro = true;
            behavior.dependencies.normal = vec!["fresh".to_owned()];
        });
        let absent = Update { before: None, ..update("c", Some(old.clone()), new.clone()) };
        let updates = [update("a", Some(old.clone()), new), update("b", None, old), absent];
        let mut shifts = shifts(&updates, &Releases::new());
        shifts.sort();
        let found: Vec<String> = shifts
            .iter()
            .map(|shift| {
                let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                let (before, after) = (show(&shift.before), show(&shift.after));
                format!("{} {}: {before} > {after}", shift.package, shift.capability.as_str())
            })
            .collect();
        assert_eq!(
            found,
            [
                "pkg:cargo/a@2.0.0 dependencies: - > fresh",
                "pkg:cargo/a@2.0.0 licence: MIT > GPL-3.0-only",
                "pkg:cargo/a@2.0.0 procedural macro: - > yes",
                "pkg:cargo/a@2.0.0 unsafe: 2 > -",
                "pkg:cargo/b@2.0.0 build script: - > build.rs",
                "pkg:cargo/b@2.0.0 build script starts processes: - > std::process::Command::new",
                "pkg:cargo/b@2.0.0 library reads or writes files: - > std::fs::read",
                "pkg:cargo/b@2.0.0 licence: - > MIT",
                "pkg:cargo/b@2.0.0 unsafe: - > 2",
            ]
        );
    }

    #[test]
    fn the_rarest_change_is_first_and_what_nobody_counted_is_last() {
        let sends = "fn a() { std::net::TcpStream::connect(b) }";
        let updates = [
            update("a", Some(behavior("", "", |_| {})), behavior("", sends, |_| {})),
            update("b", Some(behavior("", sends, |_| {})), behavior("", "", |_| {})),
            update("c", None, behavior(sends, "unsafe", |_| {})),
        ];
        let shifts = shifts(&updates, &Releases::new());
        let found: Vec<_> = shifts.iter().map(|shift| shift.rate.map(|r| r.millibits())).collect();
        assert!(found.is_sorted_by(|a, b| a >= b), "{found:?}");
        assert_eq!(shifts[0].capability, Capability::BuildNetwork);
        let last = shifts.last().unwrap();
        assert_eq!((&*last.package, last.rate), ("pkg:cargo/b@2.0.0", None));
    }

    #[test]
    fn what_came_before_a_release_is_told_if_it_is_unusual() {
        let check = |gap_days, age_hours, expected: &[(&str, &str, Option<u64>)]| {
            let added = vec![Added { age_hours, name: "shim".to_owned() }];
            let previous = Some(Previous { gap_days, version: "1.0.0".to_owned() });
            let first_published = jiff::civil::date(2020, 1, 1);
            let history = Some(History { added, first_published, previous });
            let release = Release { history, lacks: Vec::new(), published: None, yanked: false };
            let releases = Releases::from([("pkg:cargo/a@2.0.0".to_owned(), release)]);
            let update = Update { after: None, ..update("a", None, Behavior::default()) };
            let shifts = shifts(&[update], &releases);
            let found: Vec<_> = shifts
                .iter()
                .map(|s| {
                    (s.capability.word(), s.after.as_deref().unwrap(), s.rate.map(|r| r.count))
                })
                .collect();
            assert_eq!(found, expected);
        };
        let count = |kind| rate::release(kind).map(|rate| rate.count);
        check(366, Some(400), &[("dormant", "366 days after 1.0.0", count("dormant"))]);
        check(1, Some(3), &[("young-dependency", "shim, 3 hours old", count("young-dependency"))]);
        let both = count("dormant-then-new-dependency");
        check(
            366,
            Some(50),
            &[
                ("young-dependency", "shim, 2 days old", both),
                ("dormant", "366 days after 1.0.0", count("dormant")),
            ],
        );
        check(365, None, &[]);
    }

    #[test]
    fn only_what_comes_is_rated_and_of_dependencies_also_what_takes_the_place_of_others() {
        let with = |license: &str, needs: &[&str]| {
            behavior("", "", |behavior| {
                behavior.license = Some(license.to_owned());
                behavior.dependencies.normal = needs.iter().map(|&need| need.to_owned()).collect();
            })
        };
        let check = |before: Option<Behavior>,
                     after: Behavior,
                     expected: &[(Capability, Event)]| {
            let updates = [update("a", before, after)];
            let mut shifts = shifts(&updates, &Releases::new());
            shifts.sort();
            let found: Vec<_> = shifts.iter().map(|s| (s.capability, s.rate)).collect();
            let is_rated = |capability| {
                let event = expected.iter().find(|(rated, _)| *rated == capability)?.1;
                Some(rate::of(event, capability).expect("it was counted"))
            };
            let expected: Vec<_> =
                found.iter().map(|(capability, _)| (*capability, is_rated(*capability))).collect();
            assert_eq!(found, expected);
            assert_eq!(found.len(), 2, "{found:?}");
        };
        use Capability::Dependencies;
        check(Some(with("MIT", &["old"])), with("ISC", &["new"]), &[(Dependencies, Event::Update)]);
        check(Some(with("MIT", &[])), with("ISC", &["new"]), &[(Dependencies, Event::Update)]);
        check(Some(with("MIT", &["old"])), with("ISC", &[]), &[]);
        check(None, with("ISC", &["new"]), &[(Dependencies, Event::New)]);
        assert_eq!(Dependencies.of(&with("MIT", &["b", "a", "b"])).as_deref(), Some("a, b"));
        assert_eq!(Dependencies.of(&with("MIT", &[])), None);

        let words = |words| behavior("", "", |behavior| behavior.unsafe_words = words);
        let rate = |before, after| {
            shifts(&[update("a", Some(words(before)), words(after))], &Releases::new())[0].rate
        };
        assert_eq!((rate(1, 2), rate(2, 0)), (None, None), "more or less of it is not counted");
        assert_eq!(rate(0, 2), rate::of(Event::Update, Capability::Unsafe));
    }

    /// Reads a lockfile of packages with these names, versions and sources.
    fn locked(packages: &[(&str, &str, &str)]) -> Inventory {
        let package = |(name, version, source): &(&str, &str, &str)| {
            let source = match source.is_empty() {
                true => String::new(),
                false => format!("source = \"{source}\"\n"),
            };
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}")
        };
        let text: String = packages.iter().map(package).collect();
        let lockfile = lockfile::parse("Cargo.lock", format!("version = 4\n{text}").as_bytes());
        from_lock(&lockfile.unwrap(), &[], false)
    }

    #[test]
    fn members_are_no_packages_from_elsewhere_and_of_equal_versions_the_same_is_nearest() {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let git = "git+https://example.org/a#0123456789abcdef0123456789abcdef01234567";
        let check = |base: &Inventory, head: &Inventory, expected: &[(Option<&str>, &str)]| {
            let pairs = pairs(&Diff::of(base, head), base, head);
            let found: Vec<_> = pairs
                .iter()
                .map(|(from, to)| (from.map(|from| from.version.to_string()), to.id.clone()))
                .collect();
            let found: Vec<_> =
                found.iter().map(|(from, to)| (from.as_deref(), to.as_str())).collect();
            assert_eq!(found, expected);
        };
        let member = locked(&[("a", "1.0.0", "")]);
        check(&locked(&[]), &member, &[]);
        let both = locked(&[("a", "1.0.0", ""), ("a", "2.0.0", registry)]);
        check(&member, &both, &[(None, "pkg:cargo/a@2.0.0")]);
        let two = [("a", "0.9.0", registry), ("a", "1.0.0", registry)];
        let beside = [two[0], ("a", "1.0.0", git), two[1]];
        let head = locked(&beside);
        let new = head.packages.iter().find(|package| package.id.contains("vcs_url")).unwrap();
        check(&locked(&two), &head, &[(Some("1.0.0"), &*new.id)]);

        let base = [("a", "1.0.0", registry), ("a", "1.0.0", git)];
        for version in ["0.9.0", "2.0.0"] {
            let (base, head) =
                (locked(&base), locked(&[base[0], base[1], ("a", version, registry)]));
            let pairs = pairs(&Diff::of(&base, &head), &base, &head);
            let from = pairs[0].0.unwrap();
            assert_eq!((pairs.len(), &from.id), (1, &base.packages[0].id), "{version}");
        }
    }

    #[test]
    fn a_version_that_comes_beside_others_is_compared_with_the_nearest() {
        let inventory = |versions: &[&str]| {
            let package = |version: &&str| {
                format!(
                    "[[package]]\nname = \"a\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
                )
            };
            let text: String = versions.iter().map(package).collect();
            let lockfile = lockfile::parse("Cargo.lock", format!("version = 4\n{text}").as_bytes());
            from_lock(&lockfile.unwrap(), &[], false)
        };
        let check = |base: &[&str], head: &[&str], expected: &[(&str, &str)]| {
            let (base, head) = (inventory(base), inventory(head));
            let pairs = pairs(&Diff::of(&base, &head), &base, &head);
            let version = |package: &Package| package.version.to_string();
            let found: Vec<_> = pairs
                .iter()
                .map(|(from, to)| (from.map_or("-".to_owned(), version), version(to)))
                .collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(found, expected);
        };
        check(&["1.0.0"], &["2.0.0"], &[("1.0.0", "2.0.0")]);
        check(&["1.0.0", "3.0.0"], &["1.0.0", "2.0.0", "3.0.0"], &[("1.0.0", "2.0.0")]);
        check(&["3.0.0"], &["1.0.0", "3.0.0"], &[("3.0.0", "1.0.0")]);
        let many = ["1.0.0", "1.5.0", "3.0.0", "4.0.0"];
        check(&many, &["1.0.0", "1.5.0", "2.0.0", "3.0.0", "4.0.0"], &[("1.5.0", "2.0.0")]);
        check(&many, &["0.1.0", "1.0.0", "1.5.0", "3.0.0", "4.0.0"], &[("1.0.0", "0.1.0")]);
        check(&[], &["1.0.0"], &[("-", "1.0.0")]);
        check(&["1.0.0"], &["1.0.0"], &[]);
    }

    #[test]
    fn every_word_is_the_one_of_the_machine_formats() {
        let others = [Capability::Dormant, Capability::Publisher, Capability::YoungDependency];
        for capability in Capability::ALL.into_iter().chain(others) {
            let written = serde_json::to_value(capability).unwrap();
            assert_eq!(written, capability.word());
        }
    }
}
