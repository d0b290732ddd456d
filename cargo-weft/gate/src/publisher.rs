//! Publishers: who can publish a new version of a package, and how that is known.
//!
//! A publisher is an account, `github.com/dtolnay`: crates.io signs people in by GitHub, so whoever holds the account
//! there publishes here, a team is in the hands of its organisation, and a trusted publisher in those of its
//! repository's owner.
//! That makes one account of what three sources say ([`Basis`]); of a package the best source that speaks is taken
//! alone. Of which no source speaks, the publishers are unknown, which is not the same as nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weft_verify::Sha256;

use crate::capability::{Capability, Shift, Update};
use crate::inventory::Inventory;

/// The longest part of an account's name.
const MAX_PART: usize = 100;

/// Hosts at which the first part of a path is an account, whatever follows.
const FORGES: [&str; 7] = [
    "bitbucket.org",
    "codeberg.org",
    "git.sr.ht",
    "gitee.com",
    "github.com",
    "gitlab.com",
    "sr.ht",
];

/// An account that can publish.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Publisher(String);

/// How publishers are known, the best source first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A snapshot of the owners that crates.io lists.
    Snapshot,
    /// What cargo-vet wrote down of who published versions.
    Vet,
    /// The owner of the repository that the manifest names: a proxy, which the package's author chose.
    Repository,
}

/// Who publishes one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// How that is known.
    pub basis: Basis,
    /// The accounts, sorted; at least one.
    pub publishers: Vec<Publisher>,
}

/// Who publishes the packages of an inventory, as facts have it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publications {
    /// By package URL; a package of which no source speaks is absent.
    pub packages: BTreeMap<String, Publication>,
    /// The dump that the snapshot was made of, where there is a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Dump>,
}

/// A dump of crates.io's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    /// The day it was made.
    pub date: Date,
    /// The digest of the archive.
    pub sha256: Sha256,
}

/// Who publishes what of an inventory, both ways round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishers<'f> {
    of: Vec<Option<&'f Publication>>,
    packages: BTreeMap<&'f Publisher, Vec<u32>>,
    unknown: Vec<u32>,
}

impl<'f> Publishers<'f> {
    /// Joins what is known with the packages that are not members and are judged.
    pub fn of(inventory: &Inventory, publications: &'f Publications) -> Self {
        let mut of = vec![None; inventory.packages.len()];
        let mut packages = BTreeMap::<&Publisher, Vec<u32>>::new();
        let mut unknown = Vec::new();
        for index in inventory.judged_externals() {
            match publications.packages.get(&inventory.package(index).id) {
                None => unknown.push(index),
                Some(publication) => {
                    of[index as usize] = Some(publication);
                    for publisher in &publication.publishers {
                        packages.entry(publisher).or_default().push(index);
                    }
                }
            }
        }
        Self { of, packages, unknown }
    }

    /// Returns who publishes a package; nothing where that is unknown, and for members.
    pub fn publication(&self, index: u32) -> Option<&'f Publication> {
        self.of.get(index as usize).copied().flatten()
    }

    /// Returns the packages that somebody can publish, ascending.
    pub fn packages(&self, publisher: &Publisher) -> &[u32] {
        self.packages.get(publisher).map_or(&[], Vec::as_slice)
    }

    /// Iterates over publishers and their packages, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'f Publisher, &[u32])> {
        self.packages.iter().map(|(publisher, packages)| (*publisher, packages.as_slice()))
    }

    /// Returns the judged packages of which no source says who publishes them, ascending.
    pub fn unknown(&self) -> &[u32] {
        &self.unknown
    }
}

impl Publisher {
    /// Returns the account on crates.io that signs in by this login of GitHub; nothing for what is no login.
    pub fn user(login: &str) -> Option<Self> {
        Self::account("github.com", login)
    }

    /// Returns the user of crates.io with this number, where no login is known.
    pub fn numbered(id: u64) -> Self {
        Self(format!("crates.io/user-{id}"))
    }

    /// Returns the organisation of a team such as `github:rust-lang:libs`; nothing for what is no team.
    pub fn team(login: &str) -> Option<Self> {
        let (host, rest) = login.split_once(':')?;
        let (organisation, team) = rest.split_once(':')?;
        is_part(team).then(|| Self::account(forge(host)?, organisation)).flatten()
    }

    /// Returns the owner of a trusted publisher such as `github:bytecodealliance/wasmtime`; nothing for what is none.
    pub fn trusted(publisher: &str) -> Option<Self> {
        let (host, path) = publisher.split_once(':')?;
        // GitLab's groups may be nested.
        let (owner, repository) = path.split_once('/')?;
        repository.split('/').all(is_part).then(|| Self::account(forge(host)?, owner)).flatten()
    }

    /// Returns the owner of a repository; nothing for a text that is not the address of one.
    ///
    /// Scheme, user, port, `www.`, `.git` and case do not count.
    pub fn repository(url: &str) -> Option<Self> {
        let url = url.trim();
        let url = url.strip_prefix("git+").unwrap_or(url);
        let (authority, path) = match url.split_once("://") {
            Some((scheme, rest)) => {
                let is_known = ["http", "https", "git", "ssh"].contains(&scheme);
                is_known.then(|| rest.split_once('/')).flatten()?
            }
            // `git@github.com:owner/repository`, as scp has it.
            None => url.split_once(':')?,
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (first, second) = (parts.next(), parts.next());
        match (first, second) {
            (Some(owner), _) if FORGES.contains(&host) => Self::account(host, owner),
            (Some(owner), Some(_)) => Self::account(host, owner),
            // Whoever runs a host of their own owns what lies at its top.
            (Some(_), None) if is_host(host) => Some(Self(host.to_owned())),
            (Some(_) | None, _) => None,
        }
    }

    /// Returns the name: a host, and an account there.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn account(host: &str, owner: &str) -> Option<Self> {
        let owner = owner.to_ascii_lowercase();
        (is_host(host) && is_part(&owner)).then(|| Self(format!("{host}/{owner}")))
    }
}

fn forge(word: &str) -> Option<&'static str> {
    match word {
        "github" => Some("github.com"),
        "gitlab" => Some("gitlab.com"),
        _ => None,
    }
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(is_plain)
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn is_part(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    !matches!(text, "" | "." | "..") && text.len() <= MAX_PART && text.bytes().all(is_plain)
}

impl TryFrom<String> for Publisher {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        let (host, owner) = text.split_once('/').map_or((&*text, None), |(h, o)| (h, Some(o)));
        match is_lower && is_host(host) && owner.is_none_or(is_part) {
            true => Ok(Self(text)),
            false => Err(format!("`{}` is not the name of a publisher", text.escape_debug())),
        }
    }
}

impl From<Publisher> for String {
    fn from(publisher: Publisher) -> Self {
        publisher.0
    }
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Publication {
    /// Makes one of the accounts that a source names; nothing if it names none.
    pub fn of(basis: Basis, publishers: impl IntoIterator<Item = Publisher>) -> Option<Self> {
        let mut publishers: Vec<Publisher> = publishers.into_iter().collect();
        publishers.sort();
        publishers.dedup();
        (!publishers.is_empty()).then_some(Self { basis, publishers })
    }
}

impl Publications {
    /// Writes into what is known of the packages of updates who publishes them, where that is known.
    pub fn name(updates: &mut [Update], base: &Self, head: &Self) {
        for update in updates {
            let before = update.from.as_ref().and_then(|from| base.packages.get(from));
            if let (Some(behavior), Some(publication)) = (&mut update.before, before) {
                behavior.publisher = Some(publication.names());
            }
            let after = head.packages.get(&update.package);
            if let (Some(behavior), Some(publication)) = (&mut update.after, after) {
                behavior.publisher = Some(publication.names());
            }
        }
    }

    /// Tells where other accounts can publish a package than could before, and where a package comes with nobody who
    /// publishes anything that the base has.
    ///
    /// What two sources say is not compared: an account that one of them does not know may have been there all along.
    pub fn shifts(updates: &[Update], base: &Self, head: &Self) -> Vec<Shift> {
        let known: BTreeSet<&Publisher> =
            base.packages.values().flat_map(|publication| &publication.publishers).collect();
        let shift = |update: &Update, before, after| Shift {
            package: update.package.clone(),
            capability: Capability::Publisher,
            before,
            after,
            rate: None,
        };
        let of = |update: &Update| -> Option<Shift> {
            let after = head.packages.get(&update.package)?;
            let Some(from) = &update.from else {
                let is_new = after.publishers.iter().all(|who| !known.contains(who));
                return is_new.then(|| shift(update, None, Some(after.names())));
            };
            let before = base.packages.get(from)?;
            let without = |these: &Publication, others: &Publication| -> Option<String> {
                let alone = these.publishers.iter().filter(|who| !others.publishers.contains(who));
                let alone: Vec<&str> = alone.map(Publisher::as_str).collect();
                (!alone.is_empty()).then(|| alone.join(", "))
            };
            let (gone, come) = (without(before, after), without(after, before));
            let differ = before.basis == after.basis && (gone.is_some() || come.is_some());
            differ.then(|| shift(update, gone, come))
        };
        updates.iter().filter_map(of).collect()
    }

    /// Lists the packages of updates of which it cannot be told whether others publish them, each with the reason.
    pub fn gaps(updates: &[Update], base: &Self, head: &Self) -> Vec<(String, String)> {
        let nobody = || "nothing says who publishes it".to_owned();
        let of = |update: &Update| -> Option<(String, String)> {
            let after = head.packages.get(&update.package);
            let before = update.from.as_ref().map(|from| (from, base.packages.get(from)));
            match (before, after) {
                (_, None) => Some((update.package.clone(), nobody())),
                (None, Some(_)) => None,
                (Some((from, None)), Some(_)) => Some((from.clone(), nobody())),
                (Some((_, Some(before))), Some(after)) => {
                    (before.basis != after.basis).then(|| {
                        let reason =
                            "who published the version before it is known from another source";
                        (update.package.clone(), reason.to_owned())
                    })
                }
            }
        };
        updates.iter().filter_map(of).collect()
    }
}

impl Publication {
    /// Returns the accounts on one line.
    fn names(&self) -> String {
        let names: Vec<&str> = self.publishers.iter().map(Publisher::as_str).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behavior::Behavior;

    /// Makes what is known of packages: each with the account and how it is known.
    fn publications(known: &[(&str, Basis, &[&str])]) -> Publications {
        let of = |(package, basis, logins): &(&str, Basis, &[&str])| {
            let publishers = logins.iter().filter_map(|login| Publisher::user(login));
            ((*package).to_owned(), Publication::of(*basis, publishers).unwrap())
        };
        Publications { packages: known.iter().map(of).collect(), snapshot: None }
    }

    fn update(from: Option<&str>, package: &str) -> Update {
        Update {
            after: Some(Behavior::default()),
            before: from.map(|_| Behavior::default()),
            from: from.map(str::to_owned),
            package: package.to_owned(),
        }
    }

    #[test]
    fn another_publisher_of_a_package_is_told_and_what_two_sources_say_is_not_compared() {
        use Basis::{Repository, Vet};
        let base = publications(&[
            ("a@1", Repository, &["ann"]),
            ("b@1", Repository, &["bob", "cy"]),
            ("c@1", Vet, &["cy"]),
            ("e@1", Repository, &["eve"]),
        ]);
        let head = publications(&[
            ("a@2", Repository, &["ann", "mallory"]),
            ("b@2", Repository, &["bob"]),
            ("c@2", Repository, &["mallory"]),
            ("d@1", Repository, &["ann", "mallory"]),
            ("e@2", Repository, &["eve"]),
            ("f@1", Repository, &["mallory"]),
        ]);
        let mut updates = [
            update(Some("a@1"), "a@2"),
            update(Some("b@1"), "b@2"),
            update(Some("c@1"), "c@2"),
            update(None, "d@1"),
            update(Some("e@1"), "e@2"),
            update(None, "f@1"),
            update(None, "g@1"),
            update(Some("h@1"), "a@2"),
        ];
        let told: Vec<_> = Publications::shifts(&updates, &base, &head)
            .into_iter()
            .map(|shift| (shift.package, shift.before, shift.after))
            .collect();
        let some = |name: &str| Some(format!("github.com/{name}"));
        assert_eq!(
            told,
            [
                ("a@2".to_owned(), None, some("mallory")),
                ("b@2".to_owned(), some("cy"), None),
                ("f@1".to_owned(), None, some("mallory")),
            ]
        );
        let gaps = Publications::gaps(&updates, &base, &head);
        let gaps: Vec<(&str, bool)> =
            gaps.iter().map(|(id, why)| (&**id, why.contains("another source"))).collect();
        assert_eq!(gaps, [("c@2", true), ("g@1", false), ("h@1", false)]);
        Publications::name(&mut updates, &base, &head);
        let named = |behavior: &Option<Behavior>| behavior.as_ref()?.publisher.clone();
        assert_eq!(named(&updates[1].before).unwrap(), "github.com/bob, github.com/cy");
        assert_eq!((named(&updates[1].after), named(&updates[6].after)), (some("bob"), None));
    }

    fn check(found: Option<Publisher>, expected: Option<&str>, input: &str) {
        assert_eq!(found.as_ref().map(Publisher::as_str), expected, "{input:?}");
        if let Some(found) = found {
            assert_eq!(Publisher::try_from(found.as_str().to_owned()), Ok(found));
        }
    }

    #[test]
    fn the_owner_of_a_repository_is_known_by_any_spelling_of_its_address() {
        for (url, expected) in [
            ("https://github.com/dtolnay/syn", Some("github.com/dtolnay")),
            ("https://github.com/DTolnay/syn.git", Some("github.com/dtolnay")),
            ("http://www.github.com/dtolnay/syn/", Some("github.com/dtolnay")),
            ("https://github.com/dtolnay", Some("github.com/dtolnay")),
            ("https://GitHub.com//dtolnay//syn/tree/main/x?a#b", Some("github.com/dtolnay")),
            ("git@github.com:dtolnay/syn.git", Some("github.com/dtolnay")),
            ("ssh://git@github.com:22/dtolnay/syn", Some("github.com/dtolnay")),
            ("git+https://token@github.com/dtolnay/syn", Some("github.com/dtolnay")),
            (" git://gitlab.com/group/sub/x ", Some("gitlab.com/group")),
            ("https://git.sr.ht/~user/x", Some("git.sr.ht/~user")),
            ("https://git.example.org/x", Some("git.example.org")),
            ("https://git.example.org/team/x", Some("git.example.org/team")),
        ] {
            check(Publisher::repository(url), expected, url);
        }
    }

    #[test]
    fn what_is_no_address_of_a_repository_names_nobody() {
        for url in [
            "",
            "serde",
            "https://github.com",
            "https://github.com/",
            "file:///etc/passwd",
            "javascript://github.com/dtolnay/x",
            "https://github.com/..",
            "https://github.com/\u{202e}dtolnay/x",
            "https://github.com/a%2fb/x",
            "https://g\u{456}thub.com/dtolnay/x",
            "https://git hub.com/dtolnay/x",
            "https://[::1]/a/b",
            "https://localhost/a/b",
            "C:\\a\\b",
            &format!("https://github.com/{}/x", "a".repeat(MAX_PART + 1)),
        ] {
            check(Publisher::repository(url), None, url);
        }
    }

    #[test]
    fn accounts_of_crates_io_are_those_of_the_host_that_signs_them_in() {
        check(Publisher::user("DTolnay"), Some("github.com/dtolnay"), "user");
        check(Publisher::user("a/b"), None, "user");
        check(Publisher::team("github:rust-lang:libs"), Some("github.com/rust-lang"), "team");
        check(Publisher::team("github:rust-lang"), None, "team");
        check(Publisher::team("x:rust-lang:libs"), None, "team");
        let trusted = "github:bytecodealliance/wasmtime";
        check(Publisher::trusted(trusted), Some("github.com/bytecodealliance"), trusted);
        check(Publisher::trusted("gitlab:group/sub/x"), Some("gitlab.com/group"), "trusted");
        check(Publisher::trusted("github:x"), None, "trusted");
        check(Some(Publisher::numbered(7)), Some("crates.io/user-7"), "numbered");
    }

    #[test]
    fn a_name_that_is_no_publisher_is_not_read() {
        for text in
            ["", "x", "github.com/", "GitHub.com/x", "github.com/X", "github.com/a/b", "a b.c"]
        {
            assert!(Publisher::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
