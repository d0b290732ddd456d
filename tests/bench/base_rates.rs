//! Counts what `policies/base-rates.toml` holds, over the packages and the index in a Cargo home directory.
//!
//! `cargo run --release --example base-rates -- ~/.cargo` prints the counts; whoever writes them down writes down what
//! they are of.

#![expect(clippy::unwrap_used, reason = "it counts for whoever looks on")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;
use semver::Version;
use weft_gate::behavior::Behavior;
use weft_gate::behavior::history::{is_dormant, young};
use weft_gate::capability::{Capability, Update, shifts};
use weft_gate::input::index::{self, Others};

fn main() {
    let home = PathBuf::from(std::env::args().nth(1).unwrap());
    let packages = packages(&home);
    let has = |behavior: &Behavior, capability: Capability| capability.of(behavior).is_some();
    let every = packages.values().flatten();
    table("packages", every.clone().count(), |capability| {
        every.clone().filter(|(_, behavior)| has(behavior, capability)).count()
    });
    let updates: Vec<Update> = packages
        .iter()
        .flat_map(|(name, versions)| {
            versions.windows(2).map(move |pair| Update {
                before: Some(pair[0].1.clone()),
                after: Some(pair[1].1.clone()),
                from: Some(format!("{name}@{}", pair[0].0)),
                package: format!("{name}@{}", pair[1].0),
            })
        })
        .collect();
    let shifts = shifts(&updates, &BTreeMap::new());
    table("updates", updates.len(), |capability| {
        let of = shifts.iter().filter(|shift| shift.capability == capability);
        let come = of.filter(|shift| {
            shift.after.is_some()
                && (shift.before.is_none() || capability == Capability::Dependencies)
        });
        let come: Vec<_> = come.collect();
        for shift in &come {
            eprintln!(
                "{} {}: {}",
                shift.package,
                capability.as_str(),
                shift.after.as_ref().unwrap()
            );
        }
        come.len()
    });
    releases(&home);
}

fn table(name: &str, of: usize, count: impl Fn(Capability) -> usize) {
    println!("\n[{name}]\nof = {of}\n\n[{name}.counts]");
    for capability in Capability::ALL {
        println!("{} = {}", capability.word(), count(capability));
    }
}

/// Reads every package, by name and from the oldest version to the newest.
fn packages(home: &Path) -> BTreeMap<String, Vec<(Version, Behavior)>> {
    let registries = fs::read_dir(home.join("registry/src")).unwrap().map(|e| e.unwrap().path());
    let copies: Vec<PathBuf> = registries
        .flat_map(|registry| fs::read_dir(registry).unwrap().map(|e| e.unwrap().path()))
        .collect();
    let read: Vec<_> = copies
        .par_iter()
        .filter_map(|copy| {
            let folder = copy.file_name()?.to_str()?;
            let split = folder.match_indices('-').find_map(|(at, _)| {
                Some((folder[..at].to_owned(), Version::parse(&folder[at + 1..]).ok()?))
            });
            let (name, version) = split?;
            Some((name, version, cargo_weft::source::behavior::scan(copy)))
        })
        .collect();
    let mut packages = BTreeMap::<String, Vec<_>>::new();
    for (name, version, behavior) in read {
        packages.entry(name).or_default().push((version, behavior));
    }
    packages.values_mut().for_each(|versions| versions.sort_by(|a, b| a.0.cmp(&b.0)));
    packages
}

/// Counts over every version that is not of its crate's first week.
fn releases(home: &Path) {
    let mut entries = BTreeMap::new();
    let mut open = vec![home.join("registry/index")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if entry.path().components().any(|part| part.as_os_str() == ".cache") {
                let name = entry.file_name().into_string().unwrap();
                entries.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let first: BTreeMap<&String, Option<Timestamp>> =
        entries.iter().map(|(name, entry)| (name, index::first_published(entry))).collect();
    let first = |name: &str| first.get(&name.to_lowercase()).copied().flatten();
    let others = Others { first: &first, is_locked: &|_| true, is_given: None };
    let (mut of, mut counts) = (0, BTreeMap::<&str, u64>::new());
    let mut crates = BTreeSet::new();
    for (name, entry) in &entries {
        for (version, release) in index::all(entry, &others).unwrap_or_default() {
            let Some(history) = release.history.filter(|history| history.previous.is_some()) else {
                continue;
            };
            of += 1;
            crates.insert(name);
            let (dormant, young) = (is_dormant(&history), young(name, &history).next());
            let mut add = |kind, is: bool| *counts.entry(kind).or_default() += u64::from(is);
            add("dormant", dormant);
            add("dormant-then-new-dependency", dormant && young.is_some());
            add("new-dependency", !history.added.is_empty());
            add("young-dependency", young.is_some());
            if let Some(added) = young
                && dormant
            {
                eprintln!("{name}@{version} {}", added.name);
            }
        }
    }
    println!("\n# {} crates\n[releases]\nof = {of}\n\n[releases.counts]", crates.len());
    counts.iter().for_each(|(kind, count)| println!("{kind} = {count}"));
}
