//! Checks: each reads facts and says what it finds.
//!
//! A check is one file with a unit struct and its page beside it; [`CHECKS`] is the one list of them all.
//! The page's first paragraph is the check's summary, and the whole page is its rustdoc, its `explain` output and its
//! chapter in the book.

pub mod advisory;
pub mod ban;
pub mod barrier;
pub mod behavior;
pub mod boundary;
pub mod claim;
pub mod content;
pub mod context;
pub mod evidence;
pub mod exemption;
pub mod inventory;
pub mod license;
pub mod maintainer;
pub mod rule;
pub mod source;
pub mod topology;
pub mod wording;

pub use context::{Context, Introduction};

use crate::finding::Finding;

/// A question about a project.
pub trait Check: Sync {
    /// Returns the stable code, `family/name`.
    fn code(&self) -> &'static str;

    /// Returns the page, in Markdown.
    fn page(&self) -> &'static str;

    /// Returns what the check finds; their level is not the check's business.
    ///
    /// # Errors
    ///
    /// A sentence: why the check could not be evaluated.
    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String>;

    /// Says why the check could not look at everything, though it looked at something.
    fn gap(&self, _context: &Context<'_>) -> Option<String> {
        None
    }

    /// Returns the page's first paragraph, on one line.
    fn summary(&self) -> String {
        let paragraph = self.page().split("\n\n").nth(1).unwrap_or_default();
        paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Every check, sorted by code.
pub static CHECKS: [&dyn Check; 57] = [
    &advisory::DatabaseStale,
    &advisory::Malicious,
    &advisory::Notice,
    &advisory::Unmaintained,
    &advisory::Unsound,
    &advisory::Vulnerability,
    &ban::Feature,
    &ban::Package,
    &barrier::Violated,
    &behavior::DormantThenNewDependency,
    &behavior::Lookalike,
    &behavior::NewCapability,
    &behavior::YoungDependency,
    &boundary::Direction,
    &claim::Markup,
    &claim::OrphanEntry,
    &claim::OrphanSpan,
    &claim::PhaseClosed,
    &claim::Reworded,
    &claim::TextDrifted,
    &claim::Uncompilable,
    &claim::Unevidenced,
    &claim::Weakened,
    &content::Binary,
    &content::BuildScript,
    &content::Dirty,
    &evidence::Failed,
    &evidence::Stale,
    &evidence::Unreadable,
    &evidence::Untrusted,
    &exemption::Expired,
    &exemption::Expiring,
    &exemption::Unused,
    &inventory::ChecksumMissing,
    &inventory::IndexUnavailable,
    &inventory::LockfileMissing,
    &inventory::LockfileStale,
    &inventory::TooNew,
    &inventory::Yanked,
    &license::NotAllowed,
    &license::Unknown,
    &maintainer::SinglePoint,
    &rule::Changed,
    &rule::Unapproved,
    &rule::Unguarded,
    &source::GitNotAllowed,
    &source::GitUnpinned,
    &source::PathEscapesWorkspace,
    &source::RegistryNotAllowed,
    &source::Replaced,
    &topology::Blast,
    &topology::DeltaBudget,
    &topology::DuplicateVersion,
    &topology::HostExecution,
    &topology::SoleGateway,
    &wording::NewPromise,
    &wording::UnmarkedPromise,
];

/// Makes a finding of each subject.
fn each<T>(subjects: impl IntoIterator<Item = T>, finding: impl Fn(T) -> Finding) -> Vec<Finding> {
    subjects.into_iter().map(finding).collect()
}

/// Returns the check with the given code.
pub fn find(code: &str) -> Option<&'static dyn Check> {
    CHECKS.into_iter().find(|check| check.code() == code)
}

/// Returns the codes of all checks.
pub fn codes() -> impl Iterator<Item = &'static str> + Clone {
    CHECKS.iter().map(|check| check.code())
}

/// Returns the families of all checks.
pub fn families() -> impl Iterator<Item = &'static str> {
    let mut families: Vec<_> = codes().filter_map(|code| Some(code.split_once('/')?.0)).collect();
    families.dedup();
    families.into_iter()
}
