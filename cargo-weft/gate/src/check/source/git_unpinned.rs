#![doc = include_str!("git_unpinned.md")]

use crate::check::source::{by_source, specs};
use crate::check::{Check, Context, each};
use crate::finding::Finding;
use crate::inventory::{GitReference, Source};

/// See the module's page.
pub struct GitUnpinned;

impl Check for GitUnpinned {
    fn code(&self) -> &'static str {
        "source/git-unpinned"
    }

    fn page(&self) -> &'static str {
        include_str!("git_unpinned.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let inventory = context.inventory()?;
        let mut findings = Vec::new();
        for (source, members) in by_source(inventory) {
            let Source::Git { url, reference, commit } = source else { continue };
            let commit = commit.as_deref().unwrap_or_default();
            if is_pinned(reference, commit) {
                continue;
            }
            let introduction = context.introduction(members[0]);
            let sentence = format!(
                "{url} is taken from {reference}, so the next `cargo update` takes whatever stands there then."
            );
            findings.push(
                Finding::new(self.code(), url, introduction.place, sentence)
                    .path(introduction.path)
                    .remedy(format!(
                        "Ask for the locked commit in the manifest: `rev = \"{commit}\"`."
                    ))
                    .field("commit", commit)
                    .field("packages", specs(inventory, &members)),
            );
        }
        Ok(each(findings, |finding| finding))
    }
}

/// Tags and branches move, and `rev` takes their names too; only the commit's own digits do not.
fn is_pinned(reference: &GitReference, commit: &str) -> bool {
    match reference {
        GitReference::Rev(rev) => rev.len() >= 7 && commit.starts_with(&rev.to_ascii_lowercase()),
        GitReference::Branch(_) | GitReference::Tag(_) | GitReference::DefaultBranch => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_commits_own_digits_pin_it() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let rev = |text: &str| is_pinned(&GitReference::Rev(text.to_owned()), commit);
        assert!(rev(commit) && rev("0123456") && rev("0123456789ABCDEF"));
        assert!(!rev("main") && !rev("012345") && !rev("1234567") && !rev(""));
        assert!(!is_pinned(&GitReference::Tag(commit.to_owned()), commit));
        assert!(!is_pinned(&GitReference::DefaultBranch, commit));
    }
}
