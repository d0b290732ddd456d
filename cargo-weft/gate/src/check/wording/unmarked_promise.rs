#![doc = include_str!("unmarked_promise.md")]

use super::promise;
use crate::check::claim::claims;
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct UnmarkedPromise;

impl Check for UnmarkedPromise {
    fn code(&self) -> &'static str {
        "wording/unmarked-promise"
    }

    fn page(&self) -> &'static str {
        include_str!("unmarked_promise.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let documents = claims(context)?.head.documents.iter();
        let all = documents.flat_map(|d| d.promises.iter().map(move |s| (d, s)));
        Ok(each(all, |(document, sentence)| {
            promise(self.code(), document, sentence, "is tied to no evidence")
        }))
    }
}
