//! What changed between two inventories, and between the findings of two verdicts.
//!
//! A version bump is one change, not a removal and an addition: packages of one name are paired, those that are equal
//! first, then those of one source, then the rest, from the oldest version to the newest.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability::Update;
use crate::facts::Known;
use crate::finding::{Field, Finding};
use crate::inventory::{Inventory, Package, Source};
use crate::rule::Rules;

/// What changed between two inventories.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// Package URLs that are in the head alone, with no partner in the base.
    pub added: Vec<String>,
    /// Packages of one name that took each other's place.
    pub changed: Vec<Change>,
    /// Sources in the head that no package of the base comes from.
    pub new_sources: Vec<String>,
    /// Package URLs that are in the base alone.
    pub removed: Vec<String>,
}

/// A package that took another's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The package URL in the base.
    pub from: String,
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The package URL in the head.
    pub to: String,
}

/// What kind of change a package went through.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// An older version.
    Downgraded,
    /// The same version with another checksum, or from another commit.
    Replaced,
    /// From elsewhere, whatever the version.
    Moved,
    /// The same directory, archive or commit under another name.
    Renamed,
    /// A newer version.
    Upgraded,
}

impl ChangeKind {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downgraded => "downgraded",
            Self::Replaced => "replaced",
            Self::Moved => "moved",
            Self::Renamed => "renamed",
            Self::Upgraded => "upgraded",
        }
    }
}

impl Diff {
    /// Compares two inventories; members of the workspace are compared as all packages are.
    pub fn of(base: &Inventory, head: &Inventory) -> Self {
        let mut diff = Self::default();
        let (mut before, mut after) = (by_name(base), by_name(head));
        let mut names: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let old = before.remove(name).unwrap_or_default();
            let new = after.remove(name).unwrap_or_default();
            diff.pair(old, new);
        }
        diff.renamed(base, head);
        diff.changed.sort();
        diff.new_sources = new_sources(base, head);
        diff
    }

    /// Says whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Pairs what is left over: the same directory, archive or commit under another name.
    fn renamed(&mut self, base: &Inventory, head: &Inventory) {
        let by_id = |inventory: &'_ Inventory| -> BTreeMap<String, Package> {
            inventory.packages.iter().map(|p| (p.id.clone(), p.clone())).collect()
        };
        let (before, after) = (by_id(base), by_id(head));
        let same = |a: &Package, b: &Package| match (&a.source, &b.source) {
            (Source::Path { path: Some(a) }, Source::Path { path: Some(b) }) => a == b,
            (Source::Git { .. }, Source::Git { .. }) => a.source == b.source,
            _ => a.checksum.is_some() && a.checksum == b.checksum,
        };
        let removed = std::mem::take(&mut self.removed);
        for gone in removed {
            let old = &before[&gone];
            let mut partners =
                (0..self.added.len()).filter(|at| same(old, &after[&self.added[*at]]));
            match (partners.next(), partners.next()) {
                (Some(at), None) => {
                    let to = self.added.remove(at);
                    self.changed.push(Change { from: gone, kind: ChangeKind::Renamed, to });
                }
                _ => self.removed.push(gone),
            }
        }
    }

    fn pair(&mut self, mut old: Vec<&Package>, mut new: Vec<&Package>) {
        let stages: [fn(&Package, &Package) -> bool; 4] = [
            |a, b| a.id == b.id && a.checksum == b.checksum,
            |a, b| a.id == b.id,
            |a, b| origin(a) == origin(b),
            |_, _| true,
        ];
        for same in stages {
            old.retain(|a| {
                let Some(at) = new.iter().position(|b| same(a, b)) else { return true };
                let b = new.remove(at);
                self.changed.extend(change(a, b));
                false
            });
        }
        self.removed.extend(old.iter().map(|package| package.id.clone()));
        self.added.extend(new.iter().map(|package| package.id.clone()));
    }
}

fn change(from: &Package, to: &Package) -> Option<Change> {
    let kind = match from.version.cmp(&to.version) {
        _ if origin(from) != origin(to) => ChangeKind::Moved,
        std::cmp::Ordering::Less => ChangeKind::Upgraded,
        std::cmp::Ordering::Greater => ChangeKind::Downgraded,
        std::cmp::Ordering::Equal if from.id == to.id && from.checksum == to.checksum => {
            return None;
        }
        std::cmp::Ordering::Equal if from.source.is_path() => return None,
        std::cmp::Ordering::Equal => ChangeKind::Replaced,
    };
    Some(Change { from: from.id.clone(), kind, to: to.id.clone() })
}

/// Groups packages by name, each group from the oldest version to the newest.
fn by_name(inventory: &Inventory) -> BTreeMap<&str, Vec<&Package>> {
    let mut by_name = BTreeMap::<&str, Vec<&Package>>::new();
    for package in &inventory.packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    for packages in by_name.values_mut() {
        packages.sort_by(|a, b| a.version.cmp(&b.version).then_with(|| a.id.cmp(&b.id)));
    }
    by_name
}

fn new_sources(base: &Inventory, head: &Inventory) -> Vec<String> {
    let of = |inventory: &Inventory| -> BTreeSet<String> {
        inventory.packages.iter().map(origin).collect()
    };
    of(head).difference(&of(base)).cloned().collect()
}

/// Returns the registry or repository of a package, whatever commit is locked; all local packages have one origin.
fn origin(package: &Package) -> String {
    match package.source.is_path() {
        true => "a local path".to_owned(),
        false => package.source.to_string(),
    }
}

/// A finding of the base, as far as it is recognised in the head.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The check's code.
    pub code: String,
    /// The subject without its version, and for a fault of the lockfile the sentence.
    pub about: String,
}

/// What of the base a verdict on the head is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// How packages behave that the head brings; absent in facts that were written before anybody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Known<Vec<Update>>>,
    /// The commit.
    pub commit: String,
    /// What attacks are expected to cost there in a year, in 10^-9 losses; absent where no policy asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_loss_nano: Option<u64>,
    /// The findings there, exempted ones included, sorted; one that is there twice is listed twice.
    pub findings: Vec<Identity>,
    /// What the head changes of the rules; absent where it changes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
}

impl Identity {
    /// Returns what a finding is recognised by after an update: the same advisory of a newer version is the same finding.
    pub fn of(finding: &Finding) -> Self {
        let mut about = match finding.subject.strip_prefix("pkg:") {
            Some(_) => without_version(&finding.subject),
            None => finding.subject.clone(),
        };
        // Another version that a barrier does not let in is another violation.
        if finding.code.starts_with("inventory/lockfile-") || finding.code == "barrier/violated" {
            about = format!("{about} {}", finding.sentence);
        }
        // What was found may change though its subject does not: then it is another finding.
        let telling: &[&str] = match finding.code.as_str() {
            code if code.starts_with("behavior/") => &["added", "capabilities", "like"],
            code if code.starts_with("content/") => &["deeds", "files"],
            code if code.starts_with("license/") => &["licenses"],
            // Another archive is another violation, even of the same version.
            "barrier/violated" => &["archive"],
            "ban/feature" => &["features"],
            "ban/package" => &["dependents"],
            "source/git-not-allowed" | "source/registry-not-allowed" => &["packages"],
            "source/replaced" => &["with"],
            _ => &[],
        };
        for name in telling {
            match finding.fields.get(*name) {
                None => {}
                Some(Field::Number(number)) => about = format!("{about} {number}"),
                Some(Field::Text(text)) => about = format!("{about} {text}"),
                // Of packages the name tells, since an update is no news.
                Some(Field::Texts(texts)) => {
                    let names = texts.iter().map(|t| t.split('@').next().unwrap_or_default());
                    about = format!("{about} {}", names.collect::<Vec<_>>().join(" "));
                }
            }
        }
        Self { code: finding.code.clone(), about }
    }
}

/// Drops the version of a package URL; what follows the URL stays.
fn without_version(subject: &str) -> String {
    let end = subject.find(' ').unwrap_or(subject.len());
    let (url, rest) = subject.split_at(end);
    let (path, qualifiers) = url.split_at(url.find('?').unwrap_or(url.len()));
    let name = path.split_once('@').map_or(path, |(name, _)| name);
    // A git source has its commit in the qualifier, behind an encoded `@`.
    let qualifiers = qualifiers.split("%40").next().unwrap_or_default();
    format!("{name}{qualifiers}{rest}")
}

/// Splits findings into those that the base has and those that are new, and lists what only the base has.
///
/// What is exempted in the head takes its place in the base first: the base's finding stands for it, and for no other.
pub fn split(
    findings: Vec<Finding>,
    exempted: &[&Finding],
    base: &Base,
) -> (Vec<Finding>, Vec<Finding>, Vec<Identity>) {
    let mut left = BTreeMap::<&Identity, usize>::new();
    for identity in &base.findings {
        *left.entry(identity).or_default() += 1;
    }
    for finding in exempted {
        if let Some(count) = left.get_mut(&Identity::of(finding)) {
            *count = count.saturating_sub(1);
        }
    }
    let (mut unchanged, mut new) = (Vec::new(), Vec::new());
    for finding in findings {
        match left.get_mut(&Identity::of(&finding)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                unchanged.push(finding);
            }
            _ => new.push(finding),
        }
    }
    let fixed = left.into_iter().flat_map(|(identity, count)| vec![identity.clone(); count]);
    (unchanged, new, fixed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::lockfile;
    use crate::inventory::from_lock;

    const REGISTRY: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

    fn inventory(packages: &[(&str, &str, &str)]) -> Inventory {
        let mut text = "version = 4\n".to_owned();
        for (name, version, source) in packages {
            text += &format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}\n");
        }
        from_lock(&lockfile::parse("Cargo.lock", text.as_bytes()).unwrap(), &[], false)
    }

    fn check(base: &[(&str, &str, &str)], head: &[(&str, &str, &str)], expected: &[&str]) {
        let diff = Diff::of(&inventory(base), &inventory(head));
        let mut found: Vec<String> = diff.added.iter().map(|id| format!("+{id}")).collect();
        found.extend(diff.removed.iter().map(|id| format!("-{id}")));
        let changed = diff.changed.iter();
        found.extend(changed.map(|c| format!("{} {} {}", c.kind.as_str(), c.from, c.to)));
        assert_eq!(found, expected);
    }

    #[test]
    fn versions_of_one_crate_are_paired() {
        let (one, two, three) = ("1.0.0", "2.0.0", "3.0.0");
        check(&[("a", one, REGISTRY)], &[("a", one, REGISTRY)], &[]);
        check(
            &[("a", one, REGISTRY)],
            &[("a", two, REGISTRY)],
            &["upgraded pkg:cargo/a@1.0.0 pkg:cargo/a@2.0.0"],
        );
        check(
            &[("a", two, REGISTRY)],
            &[("a", one, REGISTRY)],
            &["downgraded pkg:cargo/a@2.0.0 pkg:cargo/a@1.0.0"],
        );
        check(
            &[("a", one, REGISTRY), ("a", two, REGISTRY)],
            &[("a", two, REGISTRY), ("a", three, REGISTRY)],
            &["upgraded pkg:cargo/a@1.0.0 pkg:cargo/a@3.0.0"],
        );
        check(
            &[("a", one, REGISTRY)],
            &[("a", one, REGISTRY), ("a", two, REGISTRY), ("b", one, REGISTRY)],
            &["+pkg:cargo/a@2.0.0", "+pkg:cargo/b@1.0.0"],
        );
        check(&[("a", one, REGISTRY)], &[], &["-pkg:cargo/a@1.0.0"]);
    }

    #[test]
    fn equal_packages_are_paired_before_others_of_their_name() {
        let git = "source = \"git+https://g.example.org/a?branch=main#0123456789012345678901234567890123456789\"";
        let (one, two) = ("1.0.0", "2.0.0");
        // What is of one source belongs together, whatever the order of versions.
        let (base, head) =
            ([("a", one, git), ("a", two, REGISTRY)], [("a", one, REGISTRY), ("a", two, git)]);
        let diff = Diff::of(&inventory(&base), &inventory(&head));
        let kinds: Vec<&str> = diff.changed.iter().map(|change| change.kind.as_str()).collect();
        assert_eq!(kinds, ["upgraded", "downgraded"]);
        // What is equal is no change, though another version of it comes.
        let diff = Diff::of(
            &inventory(&[("a", two, REGISTRY)]),
            &inventory(&[("a", one, REGISTRY), ("a", two, REGISTRY)]),
        );
        assert_eq!((diff.changed.len(), diff.added.len()), (0, 1));
    }

    #[test]
    fn any_change_makes_a_diff() {
        let (one, two) = ([("a", "1.0.0", REGISTRY)], [("a", "2.0.0", REGISTRY)]);
        assert!(Diff::of(&inventory(&one), &inventory(&one)).is_empty());
        for (base, head) in [(&one[..], &[][..]), (&[], &one), (&one, &two)] {
            assert!(!Diff::of(&inventory(base), &inventory(head)).is_empty());
        }
    }

    #[test]
    fn another_source_and_another_archive_are_changes_of_their_own() {
        let git = "source = \"git+https://g.example.org/a?branch=main#0123456789012345678901234567890123456789\"";
        let later = "source = \"git+https://g.example.org/a?branch=main#1123456789012345678901234567890123456789\"";
        let sum = |digit: &str| format!("{REGISTRY}\nchecksum = \"{}\"", digit.repeat(64));
        let diff =
            Diff::of(&inventory(&[("a", "1.0.0", REGISTRY)]), &inventory(&[("a", "1.0.0", git)]));
        assert_eq!(diff.changed[0].kind, ChangeKind::Moved);
        assert_eq!(diff.new_sources.len(), 1);
        let diff =
            Diff::of(&inventory(&[("a", "1.0.0", git)]), &inventory(&[("a", "1.0.0", later)]));
        assert_eq!(diff.changed[0].kind, ChangeKind::Replaced);
        assert!(diff.new_sources.is_empty());
        let (one, two) = (sum("1"), sum("2"));
        let diff =
            Diff::of(&inventory(&[("a", "1.0.0", &one)]), &inventory(&[("a", "1.0.0", &two)]));
        assert_eq!(diff.changed[0].kind, ChangeKind::Replaced);
    }

    #[test]
    fn another_name_of_the_same_archive_is_one_change() {
        let sum = |digit: &str| format!("{REGISTRY}\nchecksum = \"{}\"", digit.repeat(64));
        let (one, two) = (sum("1"), sum("2"));
        let named = |a: &str, b: &str| {
            Diff::of(&inventory(&[("a", "1.0.0", a)]), &inventory(&[("b", "1.0.0", b)]))
        };
        let renamed = named(&one, &one);
        assert_eq!(renamed.changed[0].kind, ChangeKind::Renamed);
        assert!(renamed.added.is_empty() && renamed.removed.is_empty());
        let other = named(&one, &two);
        assert!(other.changed.is_empty());
        assert_eq!((other.added.len(), other.removed.len()), (1, 1));
    }

    #[test]
    fn a_finding_is_the_same_after_an_update_and_counts_once() {
        let finding = |subject: &str| {
            Finding::new("advisory/unsound", subject, crate::Place::whole("Cargo.lock"), "Fact.")
        };
        let identity = |subject: &str| Identity::of(&finding(subject));
        let id = "RUSTSEC-2026-9004";
        assert_eq!(
            identity(&format!("pkg:cargo/a@1.0.0 {id}")),
            identity(&format!("pkg:cargo/a@1.0.1 {id}"))
        );
        assert_ne!(
            identity(&format!("pkg:cargo/a@1.0.0 {id}")),
            identity("pkg:cargo/a@1.0.0 RUSTSEC-2026-9005")
        );
        let git = |commit: &str| {
            identity(&format!("pkg:cargo/a@1.0.0?vcs_url=git%2Bhttps:%2F%2Fg%40{commit}"))
        };
        assert_eq!(git("0123"), git("4567"));
        let fact = |code: &str, name: &str, value: &str| {
            let place = crate::Place::whole("Cargo.lock");
            let finding = Finding::new(code, "pkg:cargo/a@1.0.0", place, "Fact.");
            Identity::of(&finding.field(name, value))
        };
        for (code, name) in [
            ("behavior/dormant-then-new-dependency", "added"),
            ("behavior/lookalike", "like"),
            ("behavior/new-capability", "capabilities"),
            ("content/binary", "files"),
            ("content/build-script", "deeds"),
            ("license/not-allowed", "licenses"),
            ("source/replaced", "with"),
            ("ban/feature", "features"),
            ("ban/package", "dependents"),
            ("source/git-not-allowed", "packages"),
        ] {
            assert_eq!(fact(code, name, "a"), fact(code, name, "a"));
            assert_ne!(fact(code, name, "a"), fact(code, name, "b"), "{code}");
        }
        assert_ne!(
            identity("pkg:cargo/a@1.0.0"),
            identity("pkg:cargo/a@1.0.0?repository_url=https://r.example.org/")
        );
        let base = Base {
            behavior: None,
            commit: "c".to_owned(),
            expected_loss_nano: None,
            findings: vec![identity("pkg:cargo/a@1.0.0"), identity("x")],
            rules: None,
        };
        let head = vec![finding("pkg:cargo/a@1.0.1"), finding("pkg:cargo/a@2.0.0")];
        let (unchanged, new, fixed) = split(head.clone(), &[], &base);
        assert_eq!((unchanged.len(), new.len()), (1, 1));
        assert_eq!(fixed, [identity("x")]);
        let (unchanged, new, _) = split(head[1..].to_vec(), &[&head[0]], &base);
        assert_eq!((unchanged.len(), new.len()), (0, 1));
    }
}
