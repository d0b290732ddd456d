#![doc = include_str!("git_not_allowed.md")]

use std::collections::BTreeMap;

use crate::check::source::{by_source, packages, specs};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::Source;

/// See the module's page.
pub struct GitNotAllowed;

impl Check for GitNotAllowed {
    fn code(&self) -> &'static str {
        "source/git-not-allowed"
    }

    fn page(&self) -> &'static str {
        include_str!("git_not_allowed.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let allowed = &context.policy().sources.git;
        let mut repositories = BTreeMap::<&str, Vec<u32>>::new();
        for (source, members) in by_source(inventory) {
            if let Source::Git { url, .. } = source {
                repositories.entry(url).or_default().extend(members);
            }
        }
        let refused =
            repositories.iter().filter(|(url, _)| !allowed.iter().any(|entry| allows(entry, url)));
        let finding = |(url, members): (&&str, &Vec<u32>)| {
            let introduction = context.introduction(members[0]);
            let verb = if members.len() == 1 { "comes" } else { "come" };
            let sentence = format!(
                "{} {verb} from the git repository {url}, which `sources.git` does not allow.",
                packages(members.len())
            );
            Finding::new(self.code(), url, introduction.place, sentence)
                .path(introduction.path)
                .remedy(format!(
                    "Depend on a published release, or add \"{url}\" to `sources.git` in weft.toml."
                ))
                .field("packages", specs(inventory, members))
        };
        Ok(each(refused, finding))
    }
}

/// An entry that ends in `/` allows everything below it; any other, that repository alone.
fn allows(entry: &str, url: &str) -> bool {
    match entry.ends_with('/') {
        true => url.strip_prefix(entry).is_some_and(|below| !climbs(below)),
        false => repository(entry) == repository(url),
    }
}

/// Says whether a path holds a `..`, plain or in percent-encoding, that a client may resolve.
fn climbs(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    path.split('/').any(|part| part == "..")
}

/// Cargo takes a repository with and without `.git` for the same one.
fn repository(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_allows_one_repository_or_what_is_below_it() {
        assert!(allows("https://h/org/", "https://h/org/repo"));
        assert!(!allows("https://h/org/", "https://h/organisation/repo"));
        assert!(!allows("https://h/org/", "https://h/org/../other/repo"));
        assert!(!allows("https://h/org/", "https://h/org/%2E%2e/other/repo"));
        assert!(!allows("https://h/org/", "https://h/org/..%2Fother/repo"));
        assert!(allows("https://h/org/repo", "https://h/org/repo.git"));
        assert!(!allows("https://h/org/repo", "https://h/org/repo2"));
        assert!(!allows("", "https://h/org/repo"));
    }
}
