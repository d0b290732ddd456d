#![doc = include_str!("new_promise.md")]

use std::collections::BTreeSet;

use super::promise;
use crate::check::claim::claims;
use crate::check::{Check, Context, each};
use crate::finding::Finding;

/// See the module's page.
pub struct NewPromise;

impl Check for NewPromise {
    fn code(&self) -> &'static str {
        "wording/new-promise"
    }

    fn page(&self) -> &'static str {
        include_str!("new_promise.md")
    }

    fn evaluate(&self, context: &Context<'_>) -> Result<Vec<Finding>, String> {
        let claims = claims(context)?;
        let Some(base) = &claims.base else { return Ok(Vec::new()) };
        let old: BTreeSet<&str> =
            base.documents.iter().flat_map(|d| &d.promises).map(|s| &*s.text).collect();
        let all = claims.head.documents.iter().flat_map(|d| d.promises.iter().map(move |s| (d, s)));
        let new = all.filter(|(_, sentence)| !old.contains(&*sentence.text));
        Ok(each(new, |(document, sentence)| {
            promise(self.code(), document, sentence, "is new and tied to no evidence")
        }))
    }
}
